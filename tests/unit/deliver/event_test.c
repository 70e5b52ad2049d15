/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "deliver/escape.h"
#include "deliver/event.h"
#include "deliver/json_check.h"
#include "deliver/utf8_reference.h"

#define TIME_NS UINT64_C(1795345380123456789) /* 2026-11-22T11:03:00.123456789Z */
#define HEAD "{\"time\":\"2026-11-22T11:03:00.123456789Z\",\"stream\":\"stdout\","
#define POD                                                                                        \
	"\"kubernetes\":{\"pod_name\":\"web-0\",\"namespace_name\":\"shop\",\"container_name\":"   \
	"\"app\"}}"
#define R "\xef\xbf\xbd"

static const struct event_names pod = {
	.kubernetes = true, .pod = "web-0", .namespace = "shop", .container = "app"
};

static const struct event_names whole_pod = {
	.kubernetes = true,
	.pod = "web-0",
	.namespace = "shop",
	.container = "app",
	.pod_uid = "6f1c0f2e-0000-4000-8000-1234567890ab",
	.host = "ip-10-0-0-1",
	.container_id = "0123abcd",
	.image = "registry/app:1",
	.labels_json = "{\"app\":\"w\\u0065b\"}",
	.annotations_json = "{\"note\":\"\\\"x\\\"\"}",
	.extra_json = " { \"team\":\"a\",\"n\":{\"m\":1} } ",
};

static struct event_format *format_of(enum event_body body, size_t max,
				      const struct event_names *names)
{
	const struct event_options options = { .body = body, .message_max = max };
	struct event_format *format;

	assert_int_equal(event_format_new(&options, names, &format), 0);
	return format;
}

static struct log_line line_of(const char *text, size_t length)
{
	return (struct log_line){
		.text = text, .length = length, .time_ns = TIME_NS, .stream = OUTPUT_STDOUT
	};
}

/* The message in `encoding`, decoded from it by jansson; the two must be the same message. */
static int write_both(const struct event_format *format, const struct log_line *line,
		      size_t *offset, struct buffer *ret)
{
	_cleanup_buffer_ struct buffer escaped = { 0 };
	size_t other = *offset, bytes = 0, other_bytes = 1, before = ret->size;
	int r = event_write(format, EVENT_PLAIN, line, offset, ret, &bytes);
	json_t *decoded;

	assert_true(r >= 0);
	assert_int_equal(bytes, ret->size - before);
	buffer_append(&escaped, "\"", 1);
	assert_int_equal(event_write(format, EVENT_ESCAPED, line, &other, &escaped, &other_bytes),
			 r);
	buffer_append(&escaped, "\"", 1);
	assert_int_equal(other, *offset);
	assert_int_equal(other_bytes, bytes);
	decoded = json_loadb(escaped.data, escaped.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	assert_true(json_is_string(decoded));
	assert_int_equal(json_string_length(decoded), bytes);
	assert_memory_equal(json_string_value(decoded), ret->data + before, bytes);
	json_decref(decoded);
	return r;
}

static void assert_message(const struct event_format *format, const struct log_line *line,
			   const char *expected)
{
	_cleanup_buffer_ struct buffer out = { 0 };
	size_t offset = 0;

	assert_int_equal(write_both(format, line, &offset, &out), EVENT_LAST);
	assert_int_equal(offset, line->length);
	buffer_append(&out, "", 1);
	assert_string_equal(out.data, expected);
}

static void a_record_has_the_keys_of_the_contract_in_their_order(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format =
		format_of(EVENT_JSON, 1024, &whole_pod);
	struct log_line line = line_of("GET /", 5);

	(void)state;
	assert_false(event_format_is_shortened(format));
	assert_message(
		format, &line,
		HEAD
		"\"log\":\"GET "
		"/\",\"kubernetes\":{\"pod_name\":\"web-0\",\"namespace_name\":\"shop\","
		"\"container_name\":\"app\",\"pod_id\":\"6f1c0f2e-0000-4000-8000-1234567890ab\","
		"\"host\":\"ip-10-0-0-1\",\"docker_id\":\"0123abcd\",\"container_image\":"
		"\"registry/app:1\","
		"\"labels\":{\"app\":\"w\\u0065b\"},\"annotations\":{\"note\":\"\\\"x\\\"\"}},"
		"\"team\":\"a\",\"n\":{\"m\":1}}");
}

static void the_escaped_record_is_the_inside_of_a_json_string(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format =
		format_of(EVENT_JSON, 1024, &pod);
	_cleanup_buffer_ struct buffer out = { 0 };
	struct log_line line = line_of("a\"\\\n\x01\xff", 6);
	size_t offset = 0, bytes = 0;

	(void)state;
	assert_int_equal(event_write(format, EVENT_ESCAPED, &line, &offset, &out, &bytes),
			 EVENT_LAST);
	buffer_append(&out, "", 1);
	assert_string_equal(out.data,
			    "{\\\"time\\\":\\\"2026-11-22T11:03:00.123456789Z\\\",\\\"stream\\\":"
			    "\\\"stdout\\\","
			    "\\\"log\\\":\\\"a\\\\\\\"\\\\\\\\\\\\n\\\\u0001" R
			    "\\\",\\\"kubernetes\\\":{"
			    "\\\"pod_name\\\":\\\"web-0\\\",\\\"namespace_name\\\":\\\"shop\\\","
			    "\\\"container_name\\\":\\\"app\\\"}}");
	assert_int_equal(bytes, strlen(HEAD "\"log\":\"a\\\"\\\\\\n\\u0001" R "\"," POD));
}

static void unknown_names_are_left_out_or_called_unknown(void **state)
{
	const struct event_names nothing = { .kubernetes = true };
	_cleanup_(event_format_freep) struct event_format *format =
		format_of(EVENT_JSON, 1024, &nothing);
	struct log_line line = line_of("x", 1);

	(void)state;
	assert_message(format, &line,
		       HEAD "\"log\":\"x\",\"kubernetes\":{\"pod_name\":\"unknown\",\"namespace_"
			    "name\":\"unknown\","
			    "\"container_name\":\"unknown\"}}");
}

static void outside_kubernetes_three_names_remain(void **state)
{
	struct event_names names = whole_pod;
	_cleanup_(event_format_freep) struct event_format *format = NULL;
	struct log_line line = line_of("x", 1);

	(void)state;
	names.kubernetes = false;
	format = format_of(EVENT_JSON, 1024, &names);
	assert_message(
		format, &line,
		HEAD
		"\"log\":\"x\",\"kubernetes\":{\"container_name\":\"app\",\"host\":\"ip-10-0-0-1\","
		"\"docker_id\":\"0123abcd\"},\"team\":\"a\",\"n\":{\"m\":1}}");
}

static void hostile_names_are_escaped_and_repaired(void **state)
{
	const struct event_names names = { .kubernetes = true,
					   .pod = "a\"b\\",
					   .namespace = "\xff\n",
					   .container = "",
					   .extra_json = "{ }" };
	_cleanup_(event_format_freep) struct event_format *format =
		format_of(EVENT_JSON, 1024, &names);
	struct log_line line = line_of("x", 1);

	(void)state;
	assert_message(
		format, &line,
		HEAD
		"\"log\":\"x\",\"kubernetes\":{\"pod_name\":\"a\\\"b\\\\\",\"namespace_name\":\"" R
		"\\n\",\"container_name\":\"\"}}");
}

static void the_time_has_nine_digits_and_each_line_its_own(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} rows[] = {
		{ TIME_NS, "2026-11-22T11:03:00.123456789Z" },
		{ TIME_NS - 123456789, "2026-11-22T11:03:00.000000000Z" },
		{ TIME_NS - 123456790, "2026-11-22T11:02:59.999999999Z" },
		{ TIME_NS, "2026-11-22T11:03:00.123456789Z" },
		{ 0, "1970-01-01T00:00:00.000000000Z" },
		{ UINT64_MAX, "2554-07-21T23:34:33.709551615Z" },
	};
	_cleanup_(event_format_freep) struct event_format *format =
		format_of(EVENT_JSON, 1024, &pod);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct log_line line = line_of("x", 1);
		char expected[512];

		line.time_ns = rows[i].ns;
		line.stream = OUTPUT_STDERR;
		snprintf(expected, sizeof(expected),
			 "{\"time\":\"%s\",\"stream\":\"stderr\",\"log\":\"x\"," POD, rows[i].text);
		assert_message(format, &line, expected);
	}
}

static void every_byte_becomes_what_the_contract_says(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format =
		format_of(EVENT_JSON, 4096, &pod);
	char text[256], expected[2048] = HEAD "\"log\":\"";
	struct log_line line = line_of(text, sizeof(text));

	(void)state;
	for (int c = 0; c < 256; c++)
		text[c] = (char)c;
	strcat(expected, "\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b"
			 "\\f\\r\\u000e\\u000f"
			 "\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017"
			 "\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f"
			 " !\\\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\\\]^_`"
			 "abcdefghijklmnopqrstuvwxyz{|}~\x7f");
	for (int c = 0x80; c < 0x100; c++)
		strcat(expected, R);
	strcat(expected, "\"," POD);
	assert_message(format, &line, expected);
}

static void an_empty_line_is_an_empty_log_and_in_raw_one_blank(void **state)
{
	_cleanup_(event_format_freep) struct event_format *json = format_of(EVENT_JSON, 1024, &pod);
	_cleanup_(event_format_freep) struct event_format *raw = format_of(EVENT_RAW, 1024, &pod);
	struct log_line line = line_of(NULL, 0);

	(void)state;
	assert_message(json, &line, HEAD "\"log\":\"\"," POD);
	assert_message(raw, &line, " ");
}

static void raw_is_the_repaired_line_alone(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format =
		format_of(EVENT_RAW, 1024, &whole_pod);
	struct log_line line = line_of("{\"a\":\t\"\\n\"}\xff\x01", 13);

	(void)state;
	line.partial = true;
	assert_message(format, &line, "{\"a\":\t\"\\n\"}" R "\x01");
}

static void a_partial_line_is_marked_behind_its_log(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format =
		format_of(EVENT_JSON, 1024, &pod);
	struct log_line line = line_of("x", 1);

	(void)state;
	line.partial = true;
	assert_message(format, &line, HEAD "\"log\":\"x\",\"partial\":true," POD);
}

static void the_writing_process_stands_behind_the_log(void **state)
{
	const struct event_options options = { .body = EVENT_JSON,
					       .message_max = 1024,
					       .process = true };
	_cleanup_(event_format_freep) struct event_format *format = NULL;
	struct log_line line = line_of("x", 1);

	(void)state;
	assert_int_equal(event_format_new(&options, &pod, &format), 0);
	line.pid = 4294967295;
	line.comm = "sh\"\n\xff";
	assert_message(format, &line,
		       HEAD "\"log\":\"x\",\"process\":{\"pid\":4294967295,\"comm\":\"sh\\\"\\n" R
			    "\"}," POD);
	line.partial = true;
	line.pid = 7;
	line.comm = "a name longer than the kernel has";
	assert_message(format, &line,
		       HEAD "\"log\":\"x\",\"partial\":true,\"process\":{\"pid\":7,\"comm\":\"a "
			    "name longer th\"}," POD);
	line.comm = NULL;
	line.partial = false;
	assert_message(format, &line, HEAD "\"log\":\"x\",\"process\":{\"pid\":7}," POD);
	line.pid = 0; /* as lines from files have it */
	line.comm = "sh";
	assert_message(format, &line, HEAD "\"log\":\"x\"," POD);
}

static struct event_format *merging_format(size_t max)
{
	const struct event_options options = { .body = EVENT_JSON,
					       .message_max = max,
					       .merge_json = true };
	struct event_format *format;

	assert_int_equal(event_format_new(&options, &pod, &format), 0);
	return format;
}

static void a_line_that_is_an_object_is_merged_as_it_is(void **state)
{
	static const char *const objects[] = { "{\"b\" : 1.50, \"a\":\"\\u00e9\\/\xc3\xa9\"}",
					       " {} \t\r", "{\"a\":{}}" };
	static const char *const others[] = { "[1]", "{\"a\":1", "text" };
	_cleanup_(event_format_freep) struct event_format *format = merging_format(1024);
	char expected[1024];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct log_line line = line_of(objects[i], strlen(objects[i]));

		snprintf(expected, sizeof(expected), HEAD "\"log_processed\":%s," POD, objects[i]);
		assert_message(format, &line, expected);
	}
	for (size_t i = 0; i < 3; i++) {
		struct log_line line = line_of(others[i], strlen(others[i]));
		_cleanup_buffer_ struct buffer escaped = { 0 };

		escape_append_all(ESCAPE_ONCE, others[i], strlen(others[i]), &escaped);
		snprintf(expected, sizeof(expected), HEAD "\"log\":\"%.*s\"," POD,
			 (int)escaped.size, escaped.data);
		assert_message(format, &line, expected);
	}
}

static void what_is_no_valid_or_whole_object_is_not_merged(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = merging_format(1024);
	_cleanup_(event_format_freep) struct event_format *plain =
		format_of(EVENT_JSON, 1024, &pod);
	struct log_line line = line_of("{\"a\":\"\xff\"}", 9);

	(void)state;
	assert_message(format, &line, HEAD "\"log\":\"{\\\"a\\\":\\\"" R "\\\"}\"," POD);
	line = line_of("{}", 2);
	assert_message(plain, &line, HEAD "\"log\":\"{}\"," POD);
	line.partial = true;
	assert_message(format, &line, HEAD "\"log\":\"{}\",\"partial\":true," POD);
}

static void an_object_is_merged_only_when_it_fits_into_one_message(void **state)
{
	const size_t wrapper = strlen(HEAD "\"log_processed\":," POD), max = 512;
	_cleanup_(event_format_freep) struct event_format *format = merging_format(max);
	_cleanup_buffer_ struct buffer out = { 0 };
	char text[512];
	size_t length = max - wrapper, offset = 0;
	struct log_line line = line_of(text, length);

	(void)state;
	memset(text, ' ', sizeof(text));
	text[0] = '{';
	text[1] = '}';
	assert_int_equal(write_both(format, &line, &offset, &out), EVENT_LAST);
	assert_int_equal(out.size, max);
	assert_non_null(memmem(out.data, out.size, "\"log_processed\":{}  ", 20));
	line.length++;
	out.size = offset = 0;
	write_both(format, &line, &offset, &out);
	assert_non_null(memmem(out.data, out.size, "\"log\":\"{}  ", 11));
}

static void a_hole_is_told_in_any_format(void **state)
{
	_cleanup_(event_format_freep) struct event_format *json =
		format_of(EVENT_JSON, 1024, &whole_pod);
	_cleanup_(event_format_freep) struct event_format *raw = format_of(EVENT_RAW, 256, &pod);
	struct log_line line = line_of("ring_full", 9);

	(void)state;
	line.lost = true;
	line.lost_bytes = 4096;
	assert_message(json, &line,
		       HEAD "\"ringtail\":{\"lost_bytes\":4096,\"reason\":\"ring_full\"}}");
	assert_message(raw, &line,
		       HEAD "\"ringtail\":{\"lost_bytes\":4096,\"reason\":\"ring_full\"}}");
	line.lost_bytes = UINT64_MAX;
	line.stream = OUTPUT_STDERR;
	assert_message(raw, &line,
		       "{\"time\":\"2026-11-22T11:03:00.123456789Z\",\"stream\":\"stderr\","
		       "\"ringtail\":{\"lost_bytes\":null,\"reason\":\"ring_full\"}}");
}

static void the_largest_hole_fits_into_the_least_message(void **state)
{
	_cleanup_(event_format_freep) struct event_format *raw =
		format_of(EVENT_RAW, EVENT_MESSAGE_LEAST, &pod);
	_cleanup_buffer_ struct buffer out = { 0 };
	char reason[300];
	struct log_line line = line_of(reason, sizeof(reason));
	size_t offset = 0;

	(void)state;
	memset(reason, 0x1f, sizeof(reason));
	line.lost = true;
	line.lost_bytes = UINT64_MAX - 1;
	assert_int_equal(write_both(raw, &line, &offset, &out), EVENT_LAST);
	assert_true(out.size > 170 && out.size <= EVENT_MESSAGE_LEAST);
	assert_true(
		json_check_object(out.data, out.size)); /* the number is too large for jansson */
}

static void names_are_left_out_when_they_leave_no_room(void **state)
{
	static const char *const in_order[] = { "annotations", "labels", "team", "container_image",
						"host" };
	struct event_format *format;
	size_t gone = 0, before = 0;

	(void)state;
	for (size_t max = 1024; max >= EVENT_MESSAGE_LEAST; max--) {
		const struct event_options options = { .body = EVENT_JSON, .message_max = max };
		_cleanup_buffer_ struct buffer out = { 0 };
		struct log_line line = line_of("0123456789abcdef", 16);
		size_t offset = 0;
		int r = event_format_new(&options, &whole_pod, &format);

		if (r < 0) {
			assert_int_equal(r, -E2BIG);
			break;
		}
		line.partial = true;
		assert_int_equal(write_both(format, &line, &offset, &out),
				 EVENT_LAST); /* there is room for 16 */
		buffer_append(&out, "", 1);
		while (gone < 5 && !strstr(out.data, in_order[gone]))
			gone++;
		for (size_t i = gone; i < 5; i++)
			assert_non_null(strstr(out.data, in_order[i]));
		if (gone > before)
			assert_true(out.size - 1 <
				    max); /* the last one that had room had just enough */
		before = gone;
		assert_int_equal(event_format_is_shortened(format), gone > 0);
		event_format_free(format);
	}
	assert_int_equal(gone, 5);
}

static void wrong_options_are_refused(void **state)
{
	struct event_options options = { .body = EVENT_JSON,
					 .message_max = EVENT_MESSAGE_LEAST - 1 };
	struct event_names names = pod;
	struct event_format *format = NULL;
	char long_name[512];

	(void)state;
	assert_int_equal(event_format_new(&options, &names, &format), -EINVAL);
	options.message_max = EVENT_MESSAGE_MOST + 1;
	assert_int_equal(event_format_new(&options, &names, &format), -EINVAL);
	options.message_max = 1024;
	names.labels_json = "{\"a\":1";
	assert_int_equal(event_format_new(&options, &names, &format), -EINVAL);
	names.labels_json = "[]";
	assert_int_equal(event_format_new(&options, &names, &format), -EINVAL);
	names.labels_json = NULL;
	names.extra_json = "\"a\":1";
	assert_int_equal(event_format_new(&options, &names, &format), -EINVAL);
	names.extra_json = NULL;
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	names.pod = names.namespace = long_name;
	assert_int_equal(event_format_new(&options, &names, &format), -E2BIG);
	assert_null(format);
}

static void valid_kubernetes_names_always_fit_into_a_kibibyte(void **state)
{
	const struct event_options options = { .body = EVENT_JSON,
					       .message_max = 1024,
					       .process = true };
	struct event_names names = whole_pod;
	_cleanup_(event_format_freep) struct event_format *format = NULL;
	char longest[254], label[64], id[65];

	(void)state;
	memset(longest, 'n', 253);
	memset(label, 'l', 63);
	memset(id, '0', 64);
	longest[253] = label[63] = id[64] = '\0';
	names.pod = names.host = names.image = longest;
	names.namespace = names.container = label;
	names.container_id = id;
	assert_int_equal(event_format_new(&options, &names, &format), 0);
	assert_true(event_format_is_shortened(format));
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void fill(char *text, size_t length, uint32_t *seed)
{
	static const char *const units[] = {
		"a",	"b",	    "c",	  "\"",		  "\\",
		"\n",	"\x01",	    "\xc3\xa9",	  "\xe2\x82\xac", "\xf0\x9f\x98\x80",
		"\xff", "\xe2\x82", "plain words"
	};
	size_t at = 0;

	while (at < length) {
		const char *unit = units[next_random(seed) % (sizeof(units) / sizeof(*units))];

		for (; *unit && at < length; unit++)
			text[at++] = *unit;
	}
}

/* Appends the log of a record; returns whether it is marked as partial. */
static bool take_log(const struct buffer *message, struct buffer *ret)
{
	json_t *record = json_loadb(message->data, message->size, JSON_ALLOW_NUL, NULL), *log;
	bool partial;

	assert_non_null(record);
	log = json_object_get(record, "log");
	assert_true(json_is_string(log)); /* jansson accepts only valid UTF-8 */
	buffer_append(ret, json_string_value(log), json_string_length(log));
	partial = json_is_true(json_object_get(record, "partial"));
	json_decref(record);
	return partial;
}

/* What the next character would have counted in the message that was cut before it. */
static size_t counted_there(const struct log_line *line, size_t offset, enum escape_depth depth)
{
	for (size_t budget = 1;; budget++) {
		_cleanup_buffer_ struct buffer out = { 0 };
		struct escape_run run = { line->text + offset, line->text + line->length, depth,
					  depth, budget };

		assert_int_equal(escape_append(&run, &out), 0);
		if (out.size)
			return budget;
	}
}

static void cut_and_check(enum event_body body, size_t max, const struct log_line *line)
{
	_cleanup_(event_format_freep) struct event_format *format = format_of(body, max, &pod);
	_cleanup_buffer_ struct buffer together = { 0 }, repaired = { 0 };
	size_t offset = 0;
	int r;

	do {
		_cleanup_buffer_ struct buffer message = { 0 };
		bool partial = false;

		r = write_both(format, line, &offset, &message);
		assert_true(message.size <= max);
		if (body == EVENT_JSON)
			partial = take_log(&message, &together);
		else
			buffer_append(&together, message.data, message.size);
		assert_int_equal(partial, body == EVENT_JSON && (r == EVENT_MORE || line->partial));
		if (r == EVENT_MORE)
			assert_true(message.size + counted_there(line, offset,
								 body == EVENT_JSON ? ESCAPE_ONCE
										    : ESCAPE_NONE) >
				    max);
	} while (r == EVENT_MORE);
	utf8_reference_repair(line->text, line->length, &repaired);
	assert_int_equal(together.size, repaired.size);
	assert_memory_equal(together.data, repaired.data, repaired.size);
}

static void pieces_are_whole_full_and_add_up_to_the_line(void **state)
{
	uint32_t seed = 3;

	(void)state;
	for (size_t max = EVENT_MESSAGE_LEAST; max < EVENT_MESSAGE_LEAST + 150; max++)
		for (int round = 0; round < 3; round++) {
			char text[800];
			struct log_line line = line_of(text, 1 + next_random(&seed) % sizeof(text));

			fill(text, line.length, &seed);
			line.partial = round == 2;
			cut_and_check(EVENT_JSON, max, &line);
			cut_and_check(EVENT_RAW, max, &line);
		}
}

/*
 * The last piece needs no mark: a line may be longer than a marked piece and still be one message.
 */
static void a_line_that_fits_without_the_mark_is_not_cut(void **state)
{
	const size_t wrapper = strlen(HEAD "\"log\":\"\"," POD), max = 300;
	_cleanup_(event_format_freep) struct event_format *format =
		format_of(EVENT_JSON, max, &pod);
	char text[300];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t length = max - wrapper - 20; length <= max - wrapper + 1; length++) {
		_cleanup_buffer_ struct buffer out = { 0 };
		struct log_line line = line_of(text, length);
		bool fits = length <= max - wrapper;
		size_t offset = 0;

		assert_int_equal(write_both(format, &line, &offset, &out),
				 fits ? EVENT_LAST : EVENT_MORE);
		assert_int_equal(out.size, fits ? wrapper + length : max);
		assert_int_equal(offset,
				 fits ? length : max - wrapper - strlen(",\"partial\":true"));
		line.partial = true;
		offset = out.size = 0;
		fits = length + strlen(",\"partial\":true") <= max - wrapper;
		assert_int_equal(write_both(format, &line, &offset, &out),
				 fits ? EVENT_LAST : EVENT_MORE);
	}
}

static void the_process_counts_when_a_line_is_cut(void **state)
{
	const struct event_options options = { .body = EVENT_JSON,
					       .message_max = 400,
					       .process = true };
	_cleanup_(event_format_freep) struct event_format *format = NULL;
	_cleanup_buffer_ struct buffer out = { 0 };
	char text[600];
	struct log_line line = line_of(text, sizeof(text));
	size_t offset = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	line.pid = 123;
	line.comm = "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01";
	assert_int_equal(event_format_new(&options, &pod, &format), 0);
	assert_int_equal(write_both(format, &line, &offset, &out), EVENT_MORE);
	assert_int_equal(out.size, 400);
	out.size = offset = 0;
	line.pid = 0;
	assert_int_equal(write_both(format, &line, &offset, &out), EVENT_MORE);
	assert_int_equal(out.size, 400);
}

static void the_longest_process_leaves_room_for_the_log(void **state)
{
	static const char control[17] =
		"\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01";
	struct log_line line = line_of(control, 16);
	size_t formats = 0;

	(void)state;
	line.pid = UINT32_MAX;
	line.comm = control;
	for (size_t max = EVENT_MESSAGE_LEAST; max < 1024; max++) {
		const struct event_options options = { .body = EVENT_JSON,
						       .message_max = max,
						       .process = true };
		_cleanup_(event_format_freep) struct event_format *format = NULL;
		_cleanup_buffer_ struct buffer out = { 0 };
		size_t offset = 0;

		if (event_format_new(&options, &whole_pod, &format) < 0)
			continue;
		formats++;
		write_both(format, &line, &offset, &out);
		assert_true(offset >= 2); /* 16 bytes for two of 6 */
		assert_true(out.size <= max);
	}
	assert_true(formats > 100);
}

static void without_memory_nothing_changes(void **state)
{
	struct event_format *formats[] = { format_of(EVENT_JSON, 1024, &pod),
					   format_of(EVENT_RAW, 1024, &pod) };
	char byte = 'x';

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct buffer out = { .data = &byte,
				      .size = SIZE_MAX / 2,
				      .capacity = SIZE_MAX / 2 }; /* its bound */
		struct log_line line = line_of("text", 4);
		size_t offset = 1, bytes = 7;

		assert_int_equal(
			event_write(formats[i], EVENT_ESCAPED, &line, &offset, &out, &bytes),
			-ENOMEM);
		assert_int_equal(offset, 1);
		assert_int_equal(bytes, 7);
		assert_int_equal(out.size, SIZE_MAX / 2);
		assert_ptr_equal(out.data, &byte);
		event_format_free(formats[i]);
	}
}

static void the_longest_message_is_exactly_the_services_limit(void **state)
{
	static char text[1200000];
	_cleanup_(event_format_freep) struct event_format *format =
		format_of(EVENT_JSON, EVENT_MESSAGE_MOST, &pod);
	_cleanup_buffer_ struct buffer out = { 0 };
	struct log_line line = line_of(text, sizeof(text));
	size_t offset = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(write_both(format, &line, &offset, &out), EVENT_MORE);
	assert_int_equal(out.size, EVENT_MESSAGE_MOST);
	out.size = 0;
	assert_int_equal(write_both(format, &line, &offset, &out), EVENT_LAST);
	assert_int_equal(offset, sizeof(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_has_the_keys_of_the_contract_in_their_order),
		cmocka_unit_test(the_escaped_record_is_the_inside_of_a_json_string),
		cmocka_unit_test(unknown_names_are_left_out_or_called_unknown),
		cmocka_unit_test(outside_kubernetes_three_names_remain),
		cmocka_unit_test(hostile_names_are_escaped_and_repaired),
		cmocka_unit_test(the_time_has_nine_digits_and_each_line_its_own),
		cmocka_unit_test(every_byte_becomes_what_the_contract_says),
		cmocka_unit_test(an_empty_line_is_an_empty_log_and_in_raw_one_blank),
		cmocka_unit_test(raw_is_the_repaired_line_alone),
		cmocka_unit_test(a_partial_line_is_marked_behind_its_log),
		cmocka_unit_test(the_writing_process_stands_behind_the_log),
		cmocka_unit_test(a_line_that_is_an_object_is_merged_as_it_is),
		cmocka_unit_test(what_is_no_valid_or_whole_object_is_not_merged),
		cmocka_unit_test(an_object_is_merged_only_when_it_fits_into_one_message),
		cmocka_unit_test(a_hole_is_told_in_any_format),
		cmocka_unit_test(the_largest_hole_fits_into_the_least_message),
		cmocka_unit_test(names_are_left_out_when_they_leave_no_room),
		cmocka_unit_test(wrong_options_are_refused),
		cmocka_unit_test(valid_kubernetes_names_always_fit_into_a_kibibyte),
		cmocka_unit_test(pieces_are_whole_full_and_add_up_to_the_line),
		cmocka_unit_test(a_line_that_fits_without_the_mark_is_not_cut),
		cmocka_unit_test(the_process_counts_when_a_line_is_cut),
		cmocka_unit_test(the_longest_process_leaves_room_for_the_log),
		cmocka_unit_test(without_memory_nothing_changes),
		cmocka_unit_test(the_longest_message_is_exactly_the_services_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
