/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "deliver/batch.h"

#define NOW_MS UINT64_C(1795345380123)
#define HOUR_MS UINT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define DELIVERIES_MAX 64

static struct event_format *raw_format(size_t max)
{
	const struct event_options options = { .body = EVENT_RAW, .message_max = max };
	const struct event_names names = { .kubernetes = true };
	struct event_format *format;

	assert_int_equal(event_format_new(&options, &names, &format), 0);
	return format;
}

static struct batch *empty_batch(void)
{
	struct batch *batch;

	assert_int_equal(batch_new("/eks/c/containers", "web-0_shop_app", &batch), 0);
	return batch;
}

/* A line of one event. */
static int add_line(struct batch *batch, const struct event_format *format, const char *text,
		    uint64_t time_ms, uint64_t stream_id, uint64_t end_position)
{
	const struct log_line line = { .text = text,
				       .length = strlen(text),
				       .time_ns = time_ms * NS_PER_MS + 999999,
				       .source_bytes = strlen(text) + 1,
				       .stream_id = stream_id,
				       .end_position = end_position,
				       .stream = OUTPUT_STDOUT };
	size_t offset = 0;
	bool line_done = false;
	int r = batch_add(batch, format, &line, &offset, NOW_MS, &line_done);

	assert_int_equal(line_done, r == BATCH_ADDED || r == BATCH_TOO_OLD);
	assert_int_equal(offset, line_done ? line.length : 0);
	return r;
}

static json_t *parsed_body(const struct batch *batch)
{
	size_t size;
	const char *body = batch_body(batch, &size);
	json_t *value = json_loadb(body, size, 0, NULL);

	assert_non_null(value);
	return value;
}

static const char *message_at(json_t *body, size_t index)
{
	return json_string_value(json_object_get(
		json_array_get(json_object_get(body, "logEvents"), index), "message"));
}

static uint64_t timestamp_at(json_t *body, size_t index)
{
	json_t *event = json_array_get(json_object_get(body, "logEvents"), index);

	return (uint64_t)json_integer_value(json_object_get(event, "timestamp"));
}

struct outcome {
	struct delivery deliveries[DELIVERIES_MAX];
	size_t count;
};

static void note_delivery(void *context, const struct delivery *delivery)
{
	struct outcome *outcome = context;

	assert_true(outcome->count < DELIVERIES_MAX);
	outcome->deliveries[outcome->count++] = *delivery;
}

/* `reason` NULL: accepted. */
static void assert_delivery(const struct outcome *outcome, size_t index, uint64_t stream_id,
			    uint64_t events, uint64_t source_bytes, uint64_t message_bytes,
			    uint64_t end_position, const char *reason)
{
	const struct delivery *d = &outcome->deliveries[index];

	assert_true(index < outcome->count);
	assert_int_equal(d->stream_id, stream_id);
	assert_int_equal(d->events, events);
	assert_int_equal(d->source_bytes, source_bytes);
	assert_int_equal(d->message_bytes, message_bytes);
	assert_int_equal(d->end_position, end_position);
	assert_int_equal(d->result, reason ? DELIVERY_REJECTED : DELIVERY_ACCEPTED);
	if (reason)
		assert_string_equal(d->reason, reason);
	else
		assert_null(d->reason);
}

static void the_body_is_the_one_of_put_log_events(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(1024);
	_cleanup_(batch_freep) struct batch *batch = empty_batch();
	static const char expected[] =
		"{\"logGroupName\":\"/eks/c/"
		"containers\",\"logStreamName\":\"web-0_shop_app\",\"logEvents\":["
		"{\"timestamp\":1795345380123,\"message\":\"one \\\"1\\\"\"},"
		"{\"timestamp\":1795345380124,\"message\":\" \"}]}";
	const char *body;
	size_t size;

	(void)state;
	assert_int_equal(batch_first_added_ms(batch), 0);
	assert_int_equal(add_line(batch, format, "one \"1\"", NOW_MS, 1, 10), BATCH_ADDED);
	assert_true(batch_first_added_ms(batch) > 0);
	assert_int_equal(add_line(batch, format, "", NOW_MS + 1, 1, 11), BATCH_ADDED);
	assert_int_equal(batch_events(batch), 2);
	assert_int_equal(batch_message_bytes(batch), 8);
	assert_int_equal(batch_seal(batch, false), 0);
	assert_false(batch_is_gzip(batch));
	body = batch_body(batch, &size);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(body, expected, size);
	assert_string_equal(batch_group(batch), "/eks/c/containers");
	assert_string_equal(batch_stream(batch), "web-0_shop_app");
}

static void names_are_escaped_in_the_body(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(1024);
	_cleanup_(batch_freep) struct batch *batch = NULL;
	json_t *body;

	(void)state;
	assert_int_equal(batch_new("g", "a\"b\\c", &batch), 0);
	add_line(batch, format, "x", NOW_MS, 1, 2);
	assert_int_equal(batch_seal(batch, false), 0);
	body = parsed_body(batch);
	assert_string_equal(json_string_value(json_object_get(body, "logStreamName")), "a\"b\\c");
	json_decref(body);
}

static void gzip_is_undone_to_the_same_body(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(1024);
	_cleanup_(batch_freep) struct batch *plain = empty_batch(), *packed = empty_batch();
	size_t plain_size, size;
	const unsigned char *body;

	(void)state;
	for (unsigned int i = 0; i < 3000; i++) {
		add_line(plain, format, "GET /cart 200 12ms", NOW_MS + i, 1, i + 1);
		add_line(packed, format, "GET /cart 200 12ms", NOW_MS + i, 1, i + 1);
	}
	assert_int_equal(batch_seal(plain, false), 0);
	assert_int_equal(batch_seal(packed, true), 0);
	assert_true(batch_is_gzip(packed));
	batch_body(plain, &plain_size);
	body = batch_body(packed, &size);
	assert_true(size < plain_size / 5);
	assert_int_equal(body[0], 0x1f); /* RFC 1952 */
	assert_int_equal(body[1], 0x8b);
	assert_true(batch_memory_bytes(packed) < batch_memory_bytes(plain) - plain_size / 2);
	assert_int_equal(batch_decompress(packed), 0);
	assert_false(batch_is_gzip(packed));
	assert_memory_equal(batch_body(packed, &size), batch_body(plain, &plain_size), plain_size);
	assert_int_equal(size, plain_size);
	assert_int_equal(batch_decompress(packed), 0);
}

static void ten_thousand_events_fit_and_not_one_more(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(1024);
	_cleanup_(batch_freep) struct batch *batch = empty_batch();
	json_t *body;

	(void)state;
	for (unsigned int i = 0; i < 10000; i++)
		assert_int_equal(add_line(batch, format, "x", NOW_MS, 1, i + 1), BATCH_ADDED);
	assert_int_equal(add_line(batch, format, "x", NOW_MS, 1, 10001), BATCH_FULL);
	assert_int_equal(batch_events(batch), 10000);
	assert_int_equal(batch_message_bytes(batch), 10000);
	assert_int_equal(batch_seal(batch, false), 0);
	body = parsed_body(batch);
	assert_int_equal(json_array_size(json_object_get(body, "logEvents")), 10000);
	json_decref(body);
}

static char *text_of(size_t length)
{
	char *text = malloc(length + 1);

	memset(text, '"', length); /* twice as long in the body: what counts is the message */
	text[length] = '\0';
	return text;
}

static void the_bytes_are_counted_with_26_an_event_to_the_last_one(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(EVENT_MESSAGE_MOST);
	_cleanup_free_ char *much = text_of(1000000), *rest = text_of(1048576 - 1000026 - 26 - 27);

	(void)state;
	for (int over = 0; over < 2; over++) {
		_cleanup_(batch_freep) struct batch *batch = empty_batch();
		json_t *body;

		assert_int_equal(add_line(batch, format, much, NOW_MS, 1, 1), BATCH_ADDED);
		assert_int_equal(add_line(batch, format, rest, NOW_MS, 1, 2), BATCH_ADDED);
		assert_int_equal(add_line(batch, format, over ? "xy" : "x", NOW_MS, 1, 3),
				 over ? BATCH_FULL : BATCH_ADDED);
		assert_int_equal(add_line(batch, format, over ? "z" : "", NOW_MS, 1, 3),
				 over ? BATCH_ADDED : BATCH_FULL);
		assert_int_equal(batch_message_bytes(batch) + 26 * batch_events(batch), 1048576);
		assert_int_equal(batch_seal(batch, false), 0);
		body = parsed_body(batch); /* what did not fit left nothing behind */
		assert_int_equal(json_array_size(json_object_get(body, "logEvents")), 3);
		assert_string_equal(message_at(body, 2), over ? "z" : "x");
		json_decref(body);
	}
}

static void an_empty_batch_takes_the_longest_message(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(EVENT_MESSAGE_MOST);
	_cleanup_(batch_freep) struct batch *batch = empty_batch();
	_cleanup_free_ char *text = text_of(1048550);

	(void)state;
	assert_int_equal(add_line(batch, format, text, NOW_MS, 1, 1), BATCH_ADDED);
	assert_int_equal(add_line(batch, format, "", NOW_MS, 1, 1), BATCH_FULL);
}

static void a_long_line_goes_on_in_the_next_batch(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(600000);
	_cleanup_(batch_freep) struct batch *first = empty_batch(), *second = empty_batch();
	_cleanup_free_ char *text = text_of(1300000);
	const struct log_line line = { .text = text,
				       .length = 1300000,
				       .time_ns = NOW_MS * NS_PER_MS,
				       .source_bytes = 1300001,
				       .stream_id = 5,
				       .end_position = 77 };
	struct outcome outcome = { .count = 0 };
	size_t offset = 0;
	bool done = true;

	(void)state;
	assert_int_equal(batch_add(first, format, &line, &offset, NOW_MS, &done), BATCH_ADDED);
	assert_false(done);
	assert_int_equal(offset, 600000);
	assert_int_equal(batch_add(first, format, &line, &offset, NOW_MS, &done), BATCH_FULL);
	assert_int_equal(offset, 600000);
	assert_int_equal(batch_add(second, format, &line, &offset, NOW_MS, &done), BATCH_ADDED);
	assert_false(done);
	assert_int_equal(batch_seal(first, true), 0);
	batch_settle(first, NULL, note_delivery, &outcome);
	assert_int_equal(batch_add(second, format, &line, &offset, NOW_MS, &done), BATCH_ADDED);
	assert_true(done);
	assert_int_equal(offset, 1300000);
	batch_settle(second, NULL, note_delivery, &outcome);
	assert_int_equal(outcome.count, 2);
	assert_delivery(&outcome, 0, 5, 1, 0, 600000, 0, NULL); /* its end is still to come */
	assert_delivery(&outcome, 1, 5, 2, 1300001, 700000, 77, NULL);
}

static void less_than_24_hours_lie_between_first_and_last(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(1024);
	const uint64_t middle = NOW_MS - 5 * DAY_MS;

	(void)state;
	for (int backwards = 0; backwards < 2; backwards++) {
		_cleanup_(batch_freep) struct batch *batch = empty_batch();
		uint64_t far = backwards ? middle - DAY_MS : middle + DAY_MS;
		uint64_t near = backwards ? far + 1 : far - 1;

		assert_int_equal(add_line(batch, format, "a", middle, 1, 1), BATCH_ADDED);
		assert_int_equal(add_line(batch, format, "b", far, 1, 2), BATCH_FULL);
		assert_int_equal(add_line(batch, format, "b", near, 1, 2), BATCH_ADDED);
		assert_int_equal(add_line(batch, format, "c", middle, 1, 3), BATCH_ADDED);
		assert_int_equal(
			add_line(batch, format, "d", backwards ? middle + 1 : middle - 1, 1, 4),
			BATCH_FULL);
	}
}

static void what_lies_too_far_ahead_is_written_as_now(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(1024);
	_cleanup_(batch_freep) struct batch *batch = empty_batch();
	json_t *body;

	(void)state;
	assert_int_equal(add_line(batch, format, "a", NOW_MS + 2 * HOUR_MS, 1, 1), BATCH_ADDED);
	assert_int_equal(batch_clamped_events(batch), 0);
	assert_int_equal(add_line(batch, format, "b", NOW_MS + 2 * HOUR_MS + 1, 1, 2), BATCH_ADDED);
	assert_int_equal(add_line(batch, format, "c", UINT64_MAX / NS_PER_MS - 1, 1, 3),
			 BATCH_ADDED);
	assert_int_equal(batch_clamped_events(batch), 2);
	assert_int_equal(batch_seal(batch, false), 0);
	body = parsed_body(batch);
	assert_int_equal(timestamp_at(body, 0), NOW_MS);
	assert_int_equal(timestamp_at(body, 1), NOW_MS);
	assert_int_equal(timestamp_at(body, 2), NOW_MS + 2 * HOUR_MS);
	json_decref(body);
}

static void too_old_lines_make_no_event_and_are_settled_in_their_turn(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(1024);
	_cleanup_(batch_freep) struct batch *batch = empty_batch();
	struct outcome outcome = { .count = 0 };
	json_t *body;

	(void)state;
	assert_int_equal(add_line(batch, format, "first", NOW_MS - 14 * DAY_MS, 1, 6), BATCH_ADDED);
	assert_int_equal(add_line(batch, format, "old", NOW_MS - 14 * DAY_MS - 1, 1, 10),
			 BATCH_TOO_OLD);
	assert_int_equal(add_line(batch, format, "older", 0, 1, 16), BATCH_TOO_OLD);
	assert_int_equal(add_line(batch, format, "new", NOW_MS - 14 * DAY_MS, 1, 20), BATCH_ADDED);
	assert_int_equal(batch_events(batch), 2);
	assert_int_equal(batch_message_bytes(batch), 8);
	assert_int_equal(batch_seal(batch, false), 0);
	body = parsed_body(batch);
	assert_int_equal(json_array_size(json_object_get(body, "logEvents")), 2);
	json_decref(body);
	batch_settle(batch, NULL, note_delivery, &outcome);
	assert_int_equal(outcome.count, 3);
	assert_delivery(&outcome, 0, 1, 1, 6, 5, 6, NULL);
	assert_delivery(&outcome, 1, 1, 2, 10, 0, 16, "too_old");
	assert_delivery(&outcome, 2, 1, 1, 4, 3, 20, NULL);
}

static void a_batch_of_nothing_but_too_old_lines_is_bounded_and_settled(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(1024);
	_cleanup_(batch_freep) struct batch *batch = empty_batch();
	struct outcome outcome = { .count = 0 };

	(void)state;
	for (unsigned int i = 0; i < 10000; i++)
		assert_int_equal(add_line(batch, format, "x", 1, 1, i + 1), BATCH_TOO_OLD);
	assert_int_equal(add_line(batch, format, "x", 1, 1, 10001), BATCH_FULL);
	assert_int_equal(batch_events(batch), 0);
	assert_true(batch_first_added_ms(batch) > 0);
	assert_int_equal(batch_seal(batch, true), 0);
	batch_settle(batch, NULL, note_delivery, &outcome);
	assert_int_equal(outcome.count, 1);
	assert_delivery(&outcome, 0, 1, 10000, 20000, 0, 10000, "too_old");
}

static void a_too_old_line_does_not_stretch_the_span(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(1024);
	_cleanup_(batch_freep) struct batch *batch = empty_batch();

	(void)state;
	assert_int_equal(add_line(batch, format, "new", NOW_MS, 1, 4), BATCH_ADDED);
	assert_int_equal(add_line(batch, format, "old", NOW_MS - 15 * DAY_MS, 1, 8), BATCH_TOO_OLD);
	assert_int_equal(add_line(batch, format, "new", NOW_MS - HOUR_MS, 1, 12), BATCH_ADDED);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void sorting_is_by_time_and_stable(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(1024);
	_cleanup_(batch_freep) struct batch *batch = empty_batch();
	uint64_t last_time = 0;
	unsigned int last_number = 0;
	uint32_t seed = 5;
	json_t *body;

	(void)state;
	for (unsigned int i = 0; i < 5000; i++) {
		char text[32];
		uint64_t offset_ms = next_random(&seed) % 50;

		snprintf(text, sizeof(text), "%u of %llu", i, (unsigned long long)offset_ms);
		assert_int_equal(add_line(batch, format, text, NOW_MS + offset_ms, 1, i + 1),
				 BATCH_ADDED);
	}
	assert_int_equal(batch_seal(batch, false), 0);
	body = parsed_body(batch);
	for (size_t i = 0; i < 5000; i++) {
		unsigned long long offset_ms;
		unsigned int number;

		assert_int_equal(sscanf(message_at(body, i), "%u of %llu", &number, &offset_ms), 2);
		assert_int_equal(timestamp_at(body, i),
				 NOW_MS + offset_ms); /* a message keeps its time */
		assert_true(timestamp_at(body, i) >= last_time);
		assert_true(i == 0 || timestamp_at(body, i) > last_time || number > last_number);
		last_time = timestamp_at(body, i);
		last_number = number;
	}
	json_decref(body);
}

static void each_stream_gets_one_delivery_with_its_sums(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(1024);
	_cleanup_(batch_freep) struct batch *batch = empty_batch();
	struct outcome outcome = { .count = 0 };

	(void)state;
	add_line(batch, format, "a", NOW_MS, 7, 100);
	add_line(batch, format, "bb", NOW_MS, 0, 40);
	add_line(batch, format, "ccc", NOW_MS, 7, 104);
	add_line(batch, format, "", NOW_MS, UINT64_MAX, 1);
	assert_int_equal(batch_seal(batch, false), 0);
	for (int again = 0; again < 2; again++) { /* settling changes nothing */
		outcome.count = 0;
		batch_settle(batch, NULL, note_delivery, &outcome);
		assert_int_equal(outcome.count, 3);
		assert_delivery(&outcome, 0, 7, 2, 6, 4, 104, NULL);
		assert_delivery(&outcome, 1, 0, 1, 3, 2, 40, NULL);
		assert_delivery(&outcome, 2, UINT64_MAX, 1, 1, 1, 1, NULL);
	}
}

static void a_part_of_a_line_counts_as_what_it_stands_for(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(256);
	_cleanup_(batch_freep) struct batch *batch = empty_batch();
	struct outcome outcome = { .count = 0 };
	char text[300];
	struct log_line line = { .text = text,
				 .length = 300,
				 .time_ns = NOW_MS * NS_PER_MS,
				 .source_bytes = 300,
				 .stream_id = 1,
				 .end_position = 300,
				 .partial = true };
	size_t offset = 0;
	bool done;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(batch_add(batch, format, &line, &offset, NOW_MS, &done), BATCH_ADDED);
	assert_int_equal(batch_add(batch, format, &line, &offset, NOW_MS, &done), BATCH_ADDED);
	assert_true(done);
	offset = 0;
	line.length = line.source_bytes = line.end_position = 257;
	assert_int_equal(batch_add(batch, format, &line, &offset, NOW_MS, &done), BATCH_ADDED);
	assert_false(done);
	batch_settle(batch, NULL, note_delivery, &outcome);
	assert_int_equal(outcome.count, 1);
	assert_delivery(&outcome, 0, 1, 3, 300, 556, 300, NULL);
}

static void a_refused_head_and_tail_are_split_off_exactly(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(1024);
	_cleanup_(batch_freep) struct batch *batch = empty_batch();
	const struct batch_rejection rejection = { .too_old_end = 1,
						   .expired_end = 2,
						   .too_new_start = 4 };
	struct outcome outcome = { .count = 0 };

	(void)state;
	add_line(batch, format, "1", NOW_MS, 1, 2);
	add_line(batch, format, "22", NOW_MS + 1, 1, 5);
	add_line(batch, format, "333", NOW_MS + 2, 1, 9);
	add_line(batch, format, "4444", NOW_MS + 3, 1, 14);
	add_line(batch, format, "55555", NOW_MS + 4, 1, 20);
	assert_int_equal(batch_seal(batch, false), 0);
	batch_settle(batch, &rejection, note_delivery, &outcome);
	assert_int_equal(outcome.count, 4);
	assert_delivery(&outcome, 0, 1, 1, 2, 1, 2, "too_old");
	assert_delivery(&outcome, 1, 1, 1, 3, 2, 5, "expired");
	assert_delivery(&outcome, 2, 1, 2, 9, 7, 14, NULL);
	assert_delivery(&outcome, 3, 1, 1, 6, 5, 20, "too_new");
}

static void refusals_follow_the_sorted_order_and_positions_the_lines(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(1024);
	_cleanup_(batch_freep) struct batch *batch = empty_batch();
	const struct batch_rejection rejection = { .too_old_end = 2, .too_new_start = SIZE_MAX };
	struct outcome outcome = { .count = 0 };

	(void)state;
	add_line(batch, format, "1", NOW_MS + 9, 1, 2);	    /* sent as third */
	add_line(batch, format, "22", NOW_MS + 1, 2, 5);    /* first */
	add_line(batch, format, "333", NOW_MS + 4, 1, 6);   /* second */
	add_line(batch, format, "4444", NOW_MS + 9, 2, 10); /* fourth */
	assert_int_equal(batch_seal(batch, true), 0);
	batch_settle(batch, &rejection, note_delivery, &outcome);
	assert_int_equal(outcome.count, 4);
	assert_delivery(&outcome, 0, 1, 1, 2, 1, 2, NULL);
	assert_delivery(&outcome, 1, 2, 1, 3, 2, 5, "too_old");
	assert_delivery(&outcome, 2, 1, 1, 4, 3, 6, "too_old");
	assert_delivery(&outcome, 3, 2, 1, 5, 4, 10, NULL);
}

static void a_refused_batch_is_refused_whole(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(1024);
	_cleanup_(batch_freep) struct batch *batch = empty_batch();
	const struct batch_rejection rejection = { .too_new_start = SIZE_MAX, .all = true };
	struct outcome outcome = { .count = 0 };

	(void)state;
	add_line(batch, format, "1", NOW_MS, 1, 2);
	add_line(batch, format, "2", NOW_MS, 1, 4);
	assert_int_equal(batch_seal(batch, false), 0);
	batch_settle(batch, &rejection, note_delivery, &outcome);
	assert_int_equal(outcome.count, 1);
	assert_delivery(&outcome, 0, 1, 2, 4, 2, 4, "rejected");
}

static void indices_beyond_the_batch_do_no_harm(void **state)
{
	_cleanup_(event_format_freep) struct event_format *format = raw_format(1024);
	_cleanup_(batch_freep) struct batch *batch = empty_batch();
	const struct batch_rejection rejection = { .too_old_end = SIZE_MAX,
						   .expired_end = SIZE_MAX };
	struct outcome outcome = { .count = 0 };

	(void)state;
	add_line(batch, format, "1", NOW_MS, 1, 2);
	assert_int_equal(batch_seal(batch, false), 0);
	batch_settle(batch, &rejection, note_delivery, &outcome);
	assert_int_equal(outcome.count, 1);
	assert_delivery(&outcome, 0, 1, 1, 2, 1, 2, "too_old");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_body_is_the_one_of_put_log_events),
		cmocka_unit_test(names_are_escaped_in_the_body),
		cmocka_unit_test(gzip_is_undone_to_the_same_body),
		cmocka_unit_test(ten_thousand_events_fit_and_not_one_more),
		cmocka_unit_test(the_bytes_are_counted_with_26_an_event_to_the_last_one),
		cmocka_unit_test(an_empty_batch_takes_the_longest_message),
		cmocka_unit_test(a_long_line_goes_on_in_the_next_batch),
		cmocka_unit_test(less_than_24_hours_lie_between_first_and_last),
		cmocka_unit_test(what_lies_too_far_ahead_is_written_as_now),
		cmocka_unit_test(too_old_lines_make_no_event_and_are_settled_in_their_turn),
		cmocka_unit_test(a_batch_of_nothing_but_too_old_lines_is_bounded_and_settled),
		cmocka_unit_test(a_too_old_line_does_not_stretch_the_span),
		cmocka_unit_test(sorting_is_by_time_and_stable),
		cmocka_unit_test(each_stream_gets_one_delivery_with_its_sums),
		cmocka_unit_test(a_part_of_a_line_counts_as_what_it_stands_for),
		cmocka_unit_test(a_refused_head_and_tail_are_split_off_exactly),
		cmocka_unit_test(refusals_follow_the_sorted_order_and_positions_the_lines),
		cmocka_unit_test(a_refused_batch_is_refused_whole),
		cmocka_unit_test(indices_beyond_the_batch_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
