/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

static void a_time_has_nine_digits_and_is_utc(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} rows[] = { /* date -u -d @SECONDS --rfc-3339=ns */
		{ 0, "1970-01-01T00:00:00.000000000Z" },
		{ 1, "1970-01-01T00:00:00.000000001Z" },
		{ UINT64_C(951782399999999999), "2000-02-28T23:59:59.999999999Z" },
		{ UINT64_C(951782400000000000), "2000-02-29T00:00:00.000000000Z" },
		{ UINT64_C(1795345380123456789), "2026-11-22T11:03:00.123456789Z" },
		{ UINT64_C(4102444800100000000), "2100-01-01T00:00:00.100000000Z" },
		{ UINT64_MAX, "2554-07-21T23:34:33.709551615Z" },
	};

	(void)state;
	setenv("TZ", "America/New_York", 1);
	tzset();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[CLOCK_RFC3339_SIZE];

		clock_format_rfc3339(rows[i].ns, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void the_clocks_are_those_they_are_called(void **state)
{
	uint64_t seconds = (uint64_t)time(NULL), before = clock_monotonic_ms();
	struct timespec now;

	(void)state;
	assert_true(clock_real_ns() / NS_PER_S - seconds <= 2);
	clock_gettime(CLOCK_BOOTTIME, &now);
	assert_true(clock_boot_ns() / NS_PER_S - (uint64_t)now.tv_sec <= 2);
	clock_gettime(CLOCK_MONOTONIC, &now);
	assert_true(before <= clock_monotonic_ms());
	assert_true(clock_monotonic_ms() / 1000 - (uint64_t)now.tv_sec <= 2);
}

static void boot_time_and_the_offset_make_the_wall_clock(void **state)
{
	int64_t offset = clock_real_minus_boot_ns();
	int64_t difference = (int64_t)(clock_boot_ns() + (uint64_t)offset - clock_real_ns());

	(void)state;
	assert_true(llabs(difference) < 100 * (int64_t)NS_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_has_nine_digits_and_is_utc),
		cmocka_unit_test(the_clocks_are_those_they_are_called),
		cmocka_unit_test(boot_time_and_the_offset_make_the_wall_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
