/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/units.h"

typedef int (*parser)(const char *text, uint64_t *ret);

struct good {
	parser parse;
	const char *text;
	uint64_t value;
};

struct bad {
	parser parse;
	const char *text;
	int result;
};

static void what_the_contract_names_is_parsed(void **state)
{
	static const struct good cases[] = {
		{ units_parse_number, "0", 0 },
		{ units_parse_number, "18446744073709551615", UINT64_MAX },
		{ units_parse_size, "0", 0 },
		{ units_parse_size, "4096", 4096 },
		{ units_parse_size, "1KiB", 1024 },
		{ units_parse_size, "16MiB", 16 << 20 },
		{ units_parse_size, "3GiB", UINT64_C(3) << 30 },
		{ units_parse_duration_ms, "250ms", 250 },
		{ units_parse_duration_ms, "5s", 5000 },
		{ units_parse_duration_ms, "2m", 120000 },
		{ units_parse_duration_ms, "3h", 10800000 },
		{ units_parse_duration_ms, "14d", 1209600000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t value = 12345;

		assert_int_equal(cases[i].parse(cases[i].text, &value), 0);
		assert_true(value == cases[i].value);
	}
}

static void anything_else_is_refused_and_leaves_the_result_alone(void **state)
{
	static const struct bad cases[] = {
		{ units_parse_number, "", -EINVAL },
		{ units_parse_number, "-1", -EINVAL },
		{ units_parse_number, "1.5", -EINVAL },
		{ units_parse_number, " 1", -EINVAL },
		{ units_parse_number, "1 ", -EINVAL },
		{ units_parse_number, "0x10", -EINVAL },
		{ units_parse_size, "KiB", -EINVAL },
		{ units_parse_size, "1kib", -EINVAL },
		{ units_parse_size, "1K", -EINVAL },
		{ units_parse_size, "1Mi", -EINVAL },
		{ units_parse_size, "1 MiB", -EINVAL },
		{ units_parse_size, "1.5MiB", -EINVAL },
		{ units_parse_duration_ms, "5", -EINVAL },
		{ units_parse_duration_ms, "0", -EINVAL },
		{ units_parse_duration_ms, "5S", -EINVAL },
		{ units_parse_duration_ms, "1h30m", -EINVAL },
		{ units_parse_size, "17179869184GiB", -ERANGE },
		{ units_parse_number, "18446744073709551616", -ERANGE },
		{ units_parse_duration_ms, "99999999999999999999999ms", -ERANGE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t value = 12345;

		assert_int_equal(cases[i].parse(cases[i].text, &value), cases[i].result);
		assert_int_equal(value, 12345);
	}
}

static void what_is_formatted_reads_well_and_parses_back(void **state)
{
	static const struct {
		uint64_t value;
		const char *size, *duration;
	} cases[] = {
		{ 0, "0", "0s" },
		{ 1023, "1023", "1023ms" },
		{ 1024, "1KiB", "1024ms" },
		{ 1000, "1000", "1s" },
		{ 60000, "60000", "60s" },
		{ 120000, "120000", "2m" },
		{ 86400000, "84375KiB", "24h" },
		{ 1209600000, "1181250KiB", "14d" },
		{ UINT64_C(16) << 20, "16MiB", "16777216ms" },
		{ UINT64_MAX, "18446744073709551615", "18446744073709551615ms" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[UNITS_TEXT_SIZE];
		uint64_t value;

		units_format_size(cases[i].value, text);
		assert_string_equal(text, cases[i].size);
		assert_int_equal(units_parse_size(text, &value), 0);
		assert_true(value == cases[i].value);
		units_format_duration(cases[i].value, text);
		assert_string_equal(text, cases[i].duration);
		assert_int_equal(units_parse_duration_ms(text, &value), 0);
		assert_true(value == cases[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_contract_names_is_parsed),
		cmocka_unit_test(anything_else_is_refused_and_leaves_the_result_alone),
		cmocka_unit_test(what_is_formatted_reads_well_and_parses_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
