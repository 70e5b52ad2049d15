/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "deliver/lane.h"

static struct parcel *make_parcel(struct lane *lane)
{
	const struct event_options raw = { .body = EVENT_RAW, .message_max = 1000 };
	const struct log_line line = { .text = "line", .length = 4, .time_ns = clock_real_ns() };
	const struct event_names names = { 0 };
	struct event_format *format = NULL;
	struct parcel *parcel = NULL;
	size_t offset = 0;
	bool done;

	assert_int_equal(event_format_new(&raw, &names, &format), 0);
	assert_int_equal(parcel_new(lane, &parcel), 0);
	assert_int_equal(batch_add(parcel_batch(parcel), format, &line, &offset,
				   clock_real_ns() / NS_PER_MS, &done),
			 BATCH_ADDED);
	event_format_free(format);
	return parcel;
}

/* The hash is signed: one of other bytes makes the service refuse the call. */
static void assert_hash_is_of_the_body(const struct parcel *parcel)
{
	char expected[SIGV4_HASH_SIZE];
	size_t size;
	const void *body = batch_body(parcel->batch, &size);

	assert_int_equal(sigv4_hash(body, size, expected), 0);
	assert_string_equal(parcel->body_sha256, expected);
}

static void the_hash_is_always_that_of_the_body(void **state)
{
	_cleanup_(lane_freep) struct lane *lane = NULL;
	_cleanup_(parcel_freep) struct parcel *parcel = NULL, *other = NULL;

	(void)state;
	assert_int_equal(lane_new("group", "stream", NULL, &lane), 0);
	parcel = make_parcel(lane);
	assert_int_equal(parcel_seal(parcel, true), 0);
	assert_true(batch_is_gzip(parcel->batch));
	assert_hash_is_of_the_body(parcel);
	assert_int_equal(parcel_make_plain(parcel), 0);
	assert_false(batch_is_gzip(parcel->batch));
	assert_hash_is_of_the_body(parcel);
	assert_int_equal(parcel_make_plain(parcel), -EALREADY);

	other = make_parcel(lane);
	assert_int_equal(parcel_seal(other, true), 0);
	assert_int_equal(parcel_seal(other, true), 0);
	assert_true(batch_is_gzip(other->batch));
	assert_int_equal(parcel_seal(other, false), 0); /* plain is wanted meanwhile */
	assert_false(batch_is_gzip(other->batch));
	assert_hash_is_of_the_body(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_is_always_that_of_the_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
