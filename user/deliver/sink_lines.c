/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as JSON lines into stdout or a file:
 * {"timestamp":MS,"group":"g","stream":"s","message":"…"}. Lines are collected and written once a
 * turn of the loop, or when 64 KiB have come together. A line is told as accepted when its last
 * byte is written. After a failed write the rest is kept and tried again once a second, and new
 * lines are refused until it is gone, so that what is held stays small. A reader that is slow only
 * (EAGAIN) is waited for.
 */
#include "deliver/sink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "deliver/escape.h"
#include "deliver/sink_operations.h"

enum { WRITE_BYTES = 64 * 1024, RETRY_US = 1000 * 1000 };

/* The lines of one stream that lie next to each other, up to `end` in the output. */
struct run {
	struct delivery delivery;
	uint64_t end;
};

struct line_sink {
	struct sink base;
	sd_event *loop;
	sd_event_source *turn;  /* at the next turn of the loop */
	sd_event_source *retry; /* after a failure */
	sd_event_source *room;  /* when the reader has made room */
	int fd;
	char *path; /* NULL: stdout, whose fd is not ours */
	int error;  /* negative errno of the last write, 0: it succeeded */

	/*
	 * Output is counted from the begin; `lines` holds [start, end), and `start` is the begin of
	 * a line.
	 */
	struct buffer lines;
	uint64_t start, written;
	struct buffer runs; /* of struct run */
	size_t first_run;   /* those before have been told */
};

struct line_destination {
	struct destination base;
	struct buffer middle; /* between the timestamp and the message */
};

static struct line_sink *line_sink(struct sink *sink)
{
	return (struct line_sink *)sink;
}

static uint64_t end_of(const struct line_sink *sink)
{
	return sink->start + sink->lines.size;
}

static const char *name_of(const struct line_sink *sink)
{
	return sink->path ?: "stdout";
}

/* Destinations --------------------------------------------------------------------------------- */

static int init_destination(struct sink *sink, struct destination *destination)
{
	struct buffer *middle = &((struct line_destination *)destination)->middle;
	int r = buffer_append_text(middle, ",\"group\":\"");

	(void)sink;
	if (r >= 0)
		r = escape_append_all(ESCAPE_ONCE, destination->group, strlen(destination->group),
				      middle);
	if (r >= 0)
		r = buffer_append_text(middle, "\",\"stream\":\"");
	if (r >= 0)
		r = escape_append_all(ESCAPE_ONCE, destination->stream, strlen(destination->stream),
				      middle);
	if (r >= 0)
		r = buffer_append_text(middle, "\",\"message\":\"");
	return r;
}

static void release_destination(struct destination *destination)
{
	buffer_release(&((struct line_destination *)destination)->middle);
}

static bool is_destination_idle(const struct destination *destination)
{
	(void)destination;
	return true; /* its lines have its names in them */
}

/* Writing -------------------------------------------------------------------------------------- */

static struct run *runs_of(const struct line_sink *sink, size_t *ret_count)
{
	*ret_count = sink->runs.size / sizeof(struct run);
	return (struct run *)(void *)sink->runs.data;
}

/* The handler may write other lines. */
static void tell_written(struct line_sink *sink)
{
	size_t count;

	for (;;) {
		const struct run *runs = runs_of(sink, &count);
		struct delivery delivery;

		if (sink->first_run == count || runs[sink->first_run].end > sink->written)
			break;
		delivery = runs[sink->first_run++].delivery;
		sink->base.counters.pending_events -= delivery.events;
		sink_deliver(&sink->base, &delivery);
	}
	buffer_consume(&sink->runs, sink->first_run * sizeof(struct run));
	sink->first_run = 0;
}

/* A line that is written in part is kept whole, for a file that is opened anew needs it whole. */
static void drop_written_lines(struct line_sink *sink)
{
	size_t written = sink->written - sink->start;
	const char *last = written ? memrchr(sink->lines.data, '\n', written) : NULL;
	size_t whole = last ? (size_t)(last - sink->lines.data) + 1 : 0;

	buffer_consume(&sink->lines, whole);
	sink->start += whole;
}

static int try_write(struct line_sink *sink)
{
	while (sink->written < end_of(sink)) {
		size_t from = sink->written - sink->start;
		ssize_t count = write(sink->fd, sink->lines.data + from, sink->lines.size - from);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count < 0 ? -errno : -EIO;
		sink->written += (size_t)count;
	}
	return 0;
}

static int flush_lines(struct line_sink *sink);

static int on_turn(sd_event_source *source, void *context)
{
	(void)source;
	flush_lines(context);
	return 0;
}

static int on_retry(sd_event_source *source, uint64_t now_us, void *context)
{
	struct line_sink *sink = context;

	(void)source;
	(void)now_us;
	sink->retry = sd_event_source_disable_unref(sink->retry);
	flush_lines(sink);
	return 0;
}

static int on_room(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct line_sink *sink = context;

	(void)source;
	(void)fd;
	(void)events;
	sink->room = sd_event_source_disable_unref(sink->room);
	flush_lines(sink);
	return 0;
}

static void try_again_later(struct line_sink *sink, int error)
{
	int r = -EBUSY;

	if (error == -EAGAIN && !sink->room)
		r = sd_event_add_io(sink->loop, &sink->room, sink->fd, EPOLLOUT, on_room, sink);
	if (r < 0 && !sink->room && !sink->retry)
		sd_event_add_time_relative(sink->loop, &sink->retry, CLOCK_MONOTONIC, RETRY_US, 0,
					   on_retry, sink);
}

/* -EAGAIN is no failure: the reader is slow. */
static int flush_lines(struct line_sink *sink)
{
	int r = try_write(sink), error = r == -EAGAIN ? 0 : r;

	if (error < 0 && !sink->error)
		log_warning("cannot write events to %s: %s, retrying in 1s", name_of(sink),
			    strerror(-error));
	sink->error = error;
	if (r < 0)
		try_again_later(sink, r);
	drop_written_lines(sink);
	tell_written(sink);
	return r;
}

/* Lines in ------------------------------------------------------------------------------------- */

static int append_line(struct line_sink *sink, const struct line_destination *destination,
		       const struct event_format *format, const struct log_line *line,
		       struct delivery *ret)
{
	struct buffer *out = &sink->lines;
	size_t offset = 0, message_bytes = 0;
	int r;

	do {
		r = buffer_append_text(out, "{\"timestamp\":");
		if (r >= 0)
			r = escape_append_decimal(line->time_ns / NS_PER_MS, out);
		if (r >= 0)
			r = buffer_append(out, destination->middle.data, destination->middle.size);
		if (r >= 0)
			r = event_write(format, EVENT_ESCAPED, line, &offset, out, &message_bytes);
		if (r < 0)
			return r;
		ret->events++;
		ret->message_bytes += message_bytes;
		if (buffer_append_text(out, "\"}\n") < 0)
			return -ENOMEM;
	} while (r == EVENT_MORE);
	return 0;
}

/* Adds to the last run when it is of the same stream, so that a flood of lines is told at once. */
static int note_delivery(struct line_sink *sink, const struct delivery *delivery)
{
	struct run new = { *delivery, end_of(sink) };
	size_t count;
	struct run *runs = runs_of(sink, &count);
	struct run *last = count > sink->first_run ? &runs[count - 1] : NULL;

	if (!last || last->delivery.stream_id != delivery->stream_id)
		return buffer_append(&sink->runs, &new, sizeof(new));
	last->end = new.end;
	last->delivery.end_position = delivery->end_position;
	last->delivery.source_bytes += delivery->source_bytes;
	last->delivery.events += delivery->events;
	last->delivery.message_bytes += delivery->message_bytes;
	return 0;
}

static int write_line(struct sink *base, struct destination *destination,
		      const struct event_format *format, const struct log_line *line)
{
	struct line_sink *sink = line_sink(base);
	size_t size = sink->lines.size;
	struct delivery delivery = {
		.result = DELIVERY_ACCEPTED,
		.stream_id = line->stream_id,
		.end_position = line->end_position,
		.source_bytes = line->source_bytes,
	};
	int r = sink->error;

	if (r >= 0)
		r = append_line(sink, (struct line_destination *)destination, format, line,
				&delivery);
	if (r >= 0)
		r = note_delivery(sink, &delivery);
	if (r < 0) {
		sink->lines.size = size;
		return r;
	}
	base->counters.pending_events += delivery.events;
	if (end_of(sink) - sink->written >= WRITE_BYTES && !sink->room)
		flush_lines(sink); /* the line is taken; a failure is told to the next one */
	else
		sd_event_source_set_enabled(sink->turn, SD_EVENT_ONESHOT);
	return 0;
}

/* The rest ------------------------------------------------------------------------------------- */

static int flush(struct sink *sink)
{
	return flush_lines(line_sink(sink));
}

static void drain(struct sink *sink)
{
	flush_lines(line_sink(sink));
}

/* Never waits: a FIFO without a reader is an error, and a full one says EAGAIN. */
static int open_file(const char *path)
{
	const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd = open(path, flags, 0600);

	return fd < 0 ? -errno : fd;
}

static bool is_same_file(int left, int right)
{
	struct stat a, b;

	return fstat(left, &a) == 0 && fstat(right, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static int reopen(struct sink *base)
{
	struct line_sink *sink = line_sink(base);
	int fd;

	if (!sink->path)
		return 0;
	flush_lines(sink);
	fd = open_file(sink->path);
	if (fd < 0)
		return fd;
	if (!is_same_file(sink->fd, fd))
		sink->written = sink->start;
	sink->room = sd_event_source_disable_unref(sink->room);
	close(sink->fd);
	sink->fd = fd;
	flush_lines(sink);
	return 0;
}

static bool is_idle(const struct sink *sink)
{
	return sink->counters.pending_events == 0;
}

static void read_counters(const struct sink *base, struct sink_counters *ret)
{
	const struct line_sink *sink = (const struct line_sink *)base;

	ret->memory_bytes = sink->lines.capacity + sink->runs.capacity;
	if (sink->error)
		snprintf(ret->last_error, sizeof(ret->last_error), "%s: %s", name_of(sink),
			 strerror(-sink->error));
}

static void stop(struct sink *base)
{
	struct line_sink *sink = line_sink(base);

	if (base->counters.pending_events && flush_lines(sink) < 0)
		log_error("%llu events could not be written to %s and are lost",
			  (unsigned long long)base->counters.pending_events, name_of(sink));
	sd_event_source_disable_unref(sink->turn);
	sd_event_source_disable_unref(sink->retry);
	sd_event_source_disable_unref(sink->room);
	sd_event_unref(sink->loop);
}

static void release(struct sink *base)
{
	struct line_sink *sink = line_sink(base);

	if (sink->path && sink->fd >= 0)
		close(sink->fd);
	free(sink->path);
	buffer_release(&sink->lines);
	buffer_release(&sink->runs);
}

static const struct sink_operations operations = {
	.destination_size = sizeof(struct line_destination),
	.init_destination = init_destination,
	.release_destination = release_destination,
	.is_destination_idle = is_destination_idle,
	.write = write_line,
	.flush = flush,
	.drain = drain,
	.reopen = reopen,
	.is_idle = is_idle,
	.read_counters = read_counters,
	.stop = stop,
	.release = release,
};

static int line_sink_new(int fd, const char *path, sd_event *loop, delivery_handler on_delivery,
			 void *context, struct sink **ret)
{
	struct line_sink *sink = calloc(1, sizeof(*sink));
	_cleanup_(sink_freep) struct sink *base = NULL;
	int r;

	if (!sink)
		return -ENOMEM;
	base = &sink->base;
	sink->fd = fd;
	sink->loop = sd_event_ref(loop);
	r = sink_init(base, &operations, on_delivery, context);
	if (r >= 0)
		r = sd_event_add_defer(loop, &sink->turn, on_turn, sink);
	if (r >= 0)
		r = sd_event_source_set_enabled(sink->turn, SD_EVENT_OFF);
	if (r >= 0 && path) {
		sink->path = strdup(path);
		if (!sink->path)
			r = -ENOMEM;
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(base);
	return 0;
}

int sink_new_stdout(sd_event *loop, delivery_handler on_delivery, void *context, struct sink **ret)
{
	return line_sink_new(STDOUT_FILENO, NULL, loop, on_delivery, context, ret);
}

int sink_new_file(const char *path, sd_event *loop, delivery_handler on_delivery, void *context,
		  struct sink **ret)
{
	int fd = open_file(path), r;

	if (fd < 0)
		return fd;
	r = line_sink_new(fd, path, loop, on_delivery, context, ret);
	if (r < 0)
		close(fd);
	return r;
}
