/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/event.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "deliver/escape.h"
#include "deliver/event_tail.h"
#include "deliver/json_check.h"

enum {
	LOG_ROOM_LEAST = 16, /* more than any one character takes in its longest escape */
	COMM_MAX = 16,       /* TASK_COMM_LEN */
	REASON_MAX = 64,     /* a hole's reason is a word; EVENT_MESSAGE_LEAST has room for this */
	TIME_SIZE = CLOCK_RFC3339_SIZE - 1,
	FRACTION = sizeof("2026-11-22T11:03:00.") - 1,
	FRACTION_DIGITS = 9,
	FRAGMENTS_ROOM = 256, /* for all fragments of a message together */
};

/* A piece of a record that never changes, in both encodings. */
struct fragment {
	const char *text[2];
	size_t size[2];
};

/* The shapes take a quote, escaped or not. */
#define FRAGMENT(shape)                                                \
	{                                                              \
		{ shape("\""), shape("\\\"") },                        \
		{ sizeof(shape("\"")) - 1, sizeof(shape("\\\"")) - 1 } \
	}
#define TIME(Q) "{" Q "time" Q ":" Q
#define STDOUT(Q) Q "," Q "stream" Q ":" Q "stdout" Q ","
#define STDERR(Q) Q "," Q "stream" Q ":" Q "stderr" Q ","
#define LOG(Q) Q "log" Q ":" Q
#define LOG_END(Q) Q
#define PROCESSED(Q) Q "log_processed" Q ":"
#define PARTIAL(Q) "," Q "partial" Q ":true"
#define LOST(Q) Q "ringtail" Q ":{" Q "lost_bytes" Q ":"
#define REASON(Q) "," Q "reason" Q ":" Q
#define REASON_END(Q) Q "}}"

static const struct fragment time_begin = FRAGMENT(TIME);
static const struct fragment stream_stdout = FRAGMENT(STDOUT);
static const struct fragment stream_stderr = FRAGMENT(STDERR); /* of the same size */
static const struct fragment log_begin = FRAGMENT(LOG);
static const struct fragment log_end = FRAGMENT(LOG_END);
static const struct fragment log_processed = FRAGMENT(PROCESSED);
static const struct fragment partial_mark = FRAGMENT(PARTIAL);
static const struct fragment lost_begin = FRAGMENT(LOST);
static const struct fragment reason_begin = FRAGMENT(REASON);
static const struct fragment reason_end = FRAGMENT(REASON_END);

/* Text that is rendered once and then copied. */
struct rendered {
	struct buffer as[2];
};

/* What is kept from line to line only to save work. */
struct scratch {
	uint64_t second; /* what `time` shows, apart from its fraction */
	char time[CLOCK_RFC3339_SIZE];
	struct rendered process; /* of the current line; empty: none */
};

struct event_format {
	struct event_options options;
	bool shortened;
	struct rendered tail; /* of a JSON record, from behind the log to the end */
	struct scratch *scratch;
};

/* A message as it is written. */
struct message {
	const struct event_format *format;
	enum event_encoding encoding;
	struct buffer *out;
	size_t bytes; /* that CloudWatch counts */
	int error;    /* the first one; then nothing is written any more */
};

/* Gives back what the buffer will not grow into; there is one for each container. */
static void trim(struct buffer *buffer)
{
	char *data = realloc(buffer->data, buffer->size);

	if (data) {
		buffer->data = data;
		buffer->capacity = buffer->size;
	}
}

/* The plain text is there: escapes it. */
static int render_escaped(struct rendered *rendered)
{
	const struct buffer *plain = &rendered->as[EVENT_PLAIN];

	buffer_clear(&rendered->as[EVENT_ESCAPED]);
	if (!plain->size)
		return 0;
	return escape_append_all(ESCAPE_ONCE, plain->data, plain->size,
				 &rendered->as[EVENT_ESCAPED]);
}

/* The counted size of a record whose log is empty, at its longest. */
static size_t longest_wrapper(const struct event_format *format)
{
	size_t size = time_begin.size[EVENT_PLAIN] + TIME_SIZE + stream_stdout.size[EVENT_PLAIN] +
		      log_begin.size[EVENT_PLAIN] + log_end.size[EVENT_PLAIN] +
		      partial_mark.size[EVENT_PLAIN] + format->tail.as[EVENT_PLAIN].size;

	if (format->options.process)
		size += sizeof(",\"process\":{\"pid\":4294967295,\"comm\":\"\"}") - 1 +
			COMM_MAX * (sizeof("\\u0000") - 1);
	return size;
}

static bool has_room_for_log(const struct event_format *format)
{
	return longest_wrapper(format) + LOG_ROOM_LEAST <= format->options.message_max;
}

static int render_tail(struct event_format *format, const struct event_names *names)
{
	struct buffer *plain = &format->tail.as[EVENT_PLAIN];
	unsigned int omitted = EVENT_TAIL_WHOLE;
	int r;

	do {
		if (omitted > EVENT_TAIL_SHORTEST)
			return -E2BIG;
		buffer_clear(plain);
		r = event_tail_render(names, omitted++, plain);
		if (r < 0)
			return r;
	} while (!has_room_for_log(format));
	format->shortened = omitted > EVENT_TAIL_WHOLE + 1;
	r = render_escaped(&format->tail);
	if (r < 0)
		return r;
	trim(plain);
	trim(&format->tail.as[EVENT_ESCAPED]);
	return 0;
}

int event_format_new(const struct event_options *options, const struct event_names *names,
		     struct event_format **ret)
{
	_cleanup_(event_format_freep) struct event_format *format = NULL;
	int r;

	if (options->message_max < EVENT_MESSAGE_LEAST || options->message_max > EVENT_MESSAGE_MOST)
		return -EINVAL;
	format = calloc(1, sizeof(*format));
	if (!format)
		return -ENOMEM;
	format->options = *options;
	format->scratch = calloc(1, sizeof(*format->scratch));
	if (!format->scratch)
		return -ENOMEM;
	format->scratch->second = UINT64_MAX;
	if (options->body == EVENT_JSON) {
		r = render_tail(format, names);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(format);
	return 0;
}

struct event_format *event_format_free(struct event_format *format)
{
	if (!format)
		return NULL;
	for (int i = EVENT_PLAIN; i <= EVENT_ESCAPED; i++) {
		buffer_release(&format->tail.as[i]);
		if (format->scratch)
			buffer_release(&format->scratch->process.as[i]);
	}
	free(format->scratch);
	free(format);
	return NULL;
}

bool event_format_is_shortened(const struct event_format *format)
{
	return format->shortened;
}

static void make_room(struct message *message, size_t size)
{
	if (message->error == 0)
		message->error = buffer_reserve(message->out, size);
}

/* There is room. `bytes` are counted, whatever they look like when they are written. */
static void put(struct message *message, const char *text, size_t size, size_t bytes)
{
	if (message->error < 0)
		return;
	memcpy(message->out->data + message->out->size, text, size);
	message->out->size += size;
	message->bytes += bytes;
}

static void put_fragment(struct message *message, const struct fragment *fragment)
{
	put(message, fragment->text[message->encoding], fragment->size[message->encoding],
	    fragment->size[EVENT_PLAIN]);
}

static void put_rendered(struct message *message, const struct rendered *rendered)
{
	const struct buffer *text = &rendered->as[message->encoding];

	if (text->size)
		put(message, text->data, text->size, rendered->as[EVENT_PLAIN].size);
}

/* The line's text from `offset` on, counted at that depth; in the body it is one deeper. */
static struct escape_run run_of(const struct message *message, const struct log_line *line,
				size_t offset, enum escape_depth counted)
{
	const char *text = line->length ? line->text : "";
	bool nested = message->encoding == EVENT_ESCAPED;

	return (struct escape_run){
		.text = text + offset,
		.end = text + line->length,
		.counted = counted,
		.written = nested ? counted + 1 : counted,
	};
}

/* As much of the run as its budget allows. */
static void put_run(struct message *message, struct escape_run *run)
{
	size_t before = run->budget;

	if (message->error == 0)
		message->error = escape_append(run, message->out);
	message->bytes += before - run->budget;
}

/* Most lines share their second with the one before: only the fraction is written anew. */
static void put_time(struct message *message, uint64_t time_ns)
{
	struct scratch *scratch = message->format->scratch;
	uint32_t fraction = (uint32_t)(time_ns % NS_PER_S);

	if (scratch->second != time_ns / NS_PER_S) {
		clock_format_rfc3339(time_ns, scratch->time);
		scratch->second = time_ns / NS_PER_S;
	}
	for (int i = FRACTION + FRACTION_DIGITS - 1; i >= FRACTION; i--, fraction /= 10)
		scratch->time[i] = (char)('0' + fraction % 10);
	put(message, scratch->time, TIME_SIZE, TIME_SIZE);
}

static void put_head(struct message *message, const struct log_line *line)
{
	make_room(message, FRAGMENTS_ROOM);
	put_fragment(message, &time_begin);
	put_time(message, line->time_ns);
	put_fragment(message, line->stream == OUTPUT_STDERR ? &stream_stderr : &stream_stdout);
}

/* ,"process":{"pid":N,"comm":"…"} of the line's writer, if the kernel told. */
static int render_process(const struct event_format *format, const struct log_line *line)
{
	struct rendered *process = &format->scratch->process;
	struct buffer *plain = &process->as[EVENT_PLAIN];
	int r;

	buffer_clear(plain);
	buffer_clear(&process->as[EVENT_ESCAPED]);
	if (!format->options.process || !line->pid)
		return 0;
	r = buffer_append_text(plain, ",\"process\":{\"pid\":");
	if (r == 0)
		r = escape_append_decimal(line->pid, plain);
	if (r == 0 && line->comm) {
		r = buffer_append_text(plain, ",\"comm\":\"");
		if (r == 0)
			r = escape_append_all(ESCAPE_ONCE, line->comm,
					      strnlen(line->comm, COMM_MAX), plain);
		if (r == 0)
			r = buffer_append_text(plain, "\"");
	}
	if (r == 0)
		r = buffer_append_text(plain, "}");
	return r < 0 ? r : render_escaped(process);
}

/* What the message may still hold when its process and tail are to follow. */
static size_t room_for_log(const struct message *message)
{
	const struct event_format *format = message->format;

	return format->options.message_max - message->bytes -
	       format->scratch->process.as[EVENT_PLAIN].size - format->tail.as[EVENT_PLAIN].size;
}

/* The log's next piece, and the mark that another one follows. */
static void put_log(struct message *message, const struct log_line *line, size_t *offset)
{
	struct escape_run run = run_of(message, line, *offset, ESCAPE_ONCE);
	size_t mark = partial_mark.size[EVENT_PLAIN];
	bool partial = line->partial;

	put_fragment(message, &log_begin);
	run.budget = room_for_log(message) - log_end.size[EVENT_PLAIN] - mark;
	put_run(message, &run);
	if (run.text < run.end && !partial) {
		/* The last piece has no mark: perhaps the rest fits into the mark's place. */
		struct escape_run longer = run;
		size_t size = message->out->size, bytes = message->bytes;

		longer.budget += mark;
		put_run(message, &longer);
		partial = longer.text < longer.end;
		if (partial) {
			message->out->size = size;
			message->bytes = bytes;
		} else {
			run = longer;
		}
	}
	make_room(message, FRAGMENTS_ROOM);
	put_fragment(message, &log_end);
	if (partial)
		put_fragment(message, &partial_mark);
	*offset = line->length - (size_t)(run.end - run.text);
}

static bool is_merged(const struct message *message, const struct log_line *line, size_t offset)
{
	return message->format->options.merge_json && offset == 0 && !line->partial &&
	       line->length + log_processed.size[EVENT_PLAIN] <= room_for_log(message) &&
	       json_check_object(line->text, line->length);
}

static void put_processed(struct message *message, const struct log_line *line, size_t *offset)
{
	struct escape_run run = run_of(message, line, 0, ESCAPE_NONE);

	put_fragment(message, &log_processed);
	run.budget = line->length;
	put_run(message, &run);
	*offset = line->length;
}

static void put_record(struct message *message, const struct log_line *line, size_t *offset)
{
	const struct rendered *process = &message->format->scratch->process;
	const struct rendered *tail = &message->format->tail;

	message->error = render_process(message->format, line);
	put_head(message, line);
	if (is_merged(message, line, *offset))
		put_processed(message, line, offset);
	else
		put_log(message, line, offset);
	make_room(message, process->as[message->encoding].size + tail->as[message->encoding].size);
	put_rendered(message, process);
	put_rendered(message, tail);
}

static void put_raw(struct message *message, const struct log_line *line, size_t *offset)
{
	struct escape_run run = run_of(message, line, *offset, ESCAPE_NONE);

	if (!line->length) {
		make_room(message, 1);
		put(message, " ", 1, 1); /* CloudWatch refuses a whole call for an empty message */
		return;
	}
	run.budget = message->format->options.message_max;
	put_run(message, &run);
	*offset = line->length - (size_t)(run.end - run.text);
}

/* A hole, in any format. */
static void put_loss(struct message *message, const struct log_line *line, size_t *offset)
{
	struct escape_run reason = run_of(message, line, 0, ESCAPE_ONCE);
	char number[sizeof("18446744073709551615")] = "null";

	if (line->lost_bytes != UINT64_MAX)
		snprintf(number, sizeof(number), "%" PRIu64, line->lost_bytes);
	put_head(message, line);
	put_fragment(message, &lost_begin);
	put(message, number, strlen(number), strlen(number));
	put_fragment(message, &reason_begin);
	reason.budget = REASON_MAX;
	put_run(message, &reason);
	make_room(message, FRAGMENTS_ROOM);
	put_fragment(message, &reason_end);
	*offset = line->length;
}

int event_write(const struct event_format *format, enum event_encoding encoding,
		const struct log_line *line, size_t *offset, struct buffer *out,
		size_t *ret_message_bytes)
{
	struct message message = { .format = format, .encoding = encoding, .out = out };
	size_t before = out->size, next = *offset;

	assert(next <= line->length);
	if (line->lost)
		put_loss(&message, line, &next);
	else if (format->options.body == EVENT_RAW)
		put_raw(&message, line, &next);
	else
		put_record(&message, line, &next);
	if (message.error < 0) {
		out->size = before;
		return message.error;
	}
	assert(message.bytes > 0 && message.bytes <= format->options.message_max);
	*offset = next;
	*ret_message_bytes = message.bytes;
	return next < line->length ? EVENT_MORE : EVENT_LAST;
}
