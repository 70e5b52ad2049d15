/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_write with any bytes as the line: no message is longer than it may be, the plain and the
 * escaped one are the same message, a record is a JSON object, and writing comes to its end.
 */
#include <assert.h>
#include <string.h>

#include "deliver/event.h"
#include "deliver/json_check.h"
#include "deliver/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(const struct event_options *options, const struct log_line *line,
			  const struct buffer *message)
{
	assert(message->size > 0 && message->size <= options->message_max);
	if (options->body == EVENT_JSON || line->lost)
		assert(json_check_object(message->data, message->size));
	for (size_t at = 0; at < message->size;) {
		bool valid;

		at += utf8_measure(message->data + at, message->size - at, &valid);
		assert(valid);
	}
}

static void write_line(const struct event_options *options, const struct log_line *line)
{
	const struct event_names names = {
		.kubernetes = true, .pod = "p", .namespace = "n", .container = "c"
	};
	_cleanup_(event_format_freep) struct event_format *format = NULL;
	_cleanup_buffer_ struct buffer plain = { 0 }, escaped = { 0 };
	size_t offset = 0, other = 0, bytes, other_bytes;
	int r;

	if (event_format_new(options, &names, &format) < 0)
		return;
	do {
		buffer_clear(&plain);
		buffer_clear(&escaped);
		buffer_append_text(&escaped, "{\"m\":\"");
		r = event_write(format, EVENT_PLAIN, line, &offset, &plain, &bytes);
		assert(r ==
		       event_write(format, EVENT_ESCAPED, line, &other, &escaped, &other_bytes));
		assert(r >= 0 && offset == other && bytes == other_bytes && bytes == plain.size);
		buffer_append_text(&escaped, "\"}");
		assert(json_check_object(escaped.data, escaped.size));
		check_message(options, line, &plain);
	} while (r == EVENT_MORE);
	assert(offset == line->length);
}

/* Three bytes choose the options, what follows is the line. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char comm[16] = { 0 };
	struct event_options options;
	struct log_line line;

	if (size < 3)
		return 0;
	options = (struct event_options){ .body = data[0] & 1 ? EVENT_RAW : EVENT_JSON,
					  .message_max = EVENT_MESSAGE_LEAST + data[1] * 2,
					  .merge_json = data[0] & 2,
					  .process = data[0] & 4 };
	memcpy(comm, data, size < sizeof(comm) ? size : sizeof(comm) - 1);
	line = (struct log_line){ .text = (const char *)data + 3,
				  .length = size - 3,
				  .time_ns = data[2],
				  .stream = data[0] & 8 ? OUTPUT_STDERR : OUTPUT_STDOUT,
				  .partial = data[0] & 16,
				  .lost = data[0] & 32,
				  .lost_bytes = data[0] & 64 ? UINT64_MAX : data[2],
				  .pid = data[2],
				  .comm = comm };
	write_line(&options, &line);
	return 0;
}
