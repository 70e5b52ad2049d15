/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "deliver/log_name.h"
#include "deliver/utf8.h"

static void assert_group(const char *text, const char *expected)
{
	char name[LOG_NAME_SIZE];

	log_group_name(text, name);
	assert_string_equal(name, expected);
}

static void assert_stream(const char *text, const char *expected)
{
	char name[LOG_NAME_SIZE];

	log_stream_name(text, name);
	assert_string_equal(name, expected);
}

static void groups_keep_what_cloudwatch_allows(void **state)
{
	(void)state;
	assert_group("/eks/prod-1/containers_A.z#9", "/eks/prod-1/containers_A.z#9");
	assert_group("a b:c*d\"e\\f\ng\x7f", "a_b_c_d_e_f_g_");
	assert_group("caf\xc3\xa9/\xe2\x82\xac/\xf0\x9f\x98\x80", "caf_/_/_");
	assert_group("\xff\xe2\x82", "__");
}

static void streams_keep_all_but_colons_stars_and_controls(void **state)
{
	(void)state;
	assert_stream("web-0_shop_app-0123", "web-0_shop_app-0123");
	assert_stream("a:b*c\x01\x1f\x7f\n d\"\\{}", "a_b_c____ d\"\\{}");
	assert_stream("caf\xc3\xa9 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xf0\x9f\x98\x80");
	assert_stream("\xc2\x80\xc2\x9f\xc2\xa0", "__\xc2\xa0");
	assert_stream("\xff\xe2\x82x", "__x");
}

static void nothing_is_called_unknown(void **state)
{
	(void)state;
	assert_group("", "unknown");
	assert_stream("", "unknown");
}

static void names_of_512_bytes_stay_and_longer_ones_end_in_their_digest(void **state)
{
	char text[514], name[LOG_NAME_SIZE], expected[LOG_NAME_SIZE];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[512] = '\0';
	log_stream_name(text, name);
	assert_string_equal(name, text);
	text[512] = 'a';
	text[513] = '\0';
	log_stream_name(text, name);
	/* printf 'a%.0s' $(seq 513) | sha256sum */
	memset(expected, 'a', 495);
	strcpy(expected + 495, "-02425c0f5b0dabf3");
	assert_string_equal(name, expected);
	log_group_name(text, name);
	assert_string_equal(name, expected);
}

static void long_names_that_differ_only_in_what_is_replaced_stay_apart(void **state)
{
	char text[600], one[LOG_NAME_SIZE], other[LOG_NAME_SIZE];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text[550] = ':';
	log_stream_name(text, one);
	text[550] = '*';
	log_stream_name(text, other);
	assert_memory_equal(one, other, 496);
	assert_string_not_equal(one, other);
}

static void a_long_name_is_not_cut_inside_a_character(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		char text[700], name[LOG_NAME_SIZE];
		size_t at = 0;

		memset(text, 'a', sizeof(text));
		for (size_t i = shift; i + 4 < sizeof(text); i += 4)
			memcpy(text + i, "\xf0\x9f\x98\x80", 4);
		text[sizeof(text) - 1] = '\0';
		log_stream_name(text, name);
		assert_true(strlen(name) <= 512 && strlen(name) > 508);
		assert_int_equal(name[strlen(name) - 17], '-');
		while (name[at]) {
			bool valid;

			at += utf8_measure(name + at, strlen(name + at), &valid);
			assert_true(valid);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_keep_what_cloudwatch_allows),
		cmocka_unit_test(streams_keep_all_but_colons_stars_and_controls),
		cmocka_unit_test(nothing_is_called_unknown),
		cmocka_unit_test(names_of_512_bytes_stay_and_longer_ones_end_in_their_digest),
		cmocka_unit_test(long_names_that_differ_only_in_what_is_replaced_stay_apart),
		cmocka_unit_test(a_long_name_is_not_cut_inside_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
