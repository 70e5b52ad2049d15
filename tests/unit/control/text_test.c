/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/text.h"

static void only_valid_utf8_is_clean(void **state)
{
	static const char *const good[] = {
		"", "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\xa6\x9d", "\xf4\x8f\xbf\xbf"
	};
	static const char *const bad[] = { "\x80",
					   "\xc3",
					   "\xc0\x80",
					   "\xc1\xbf",
					   "\xe0\x80\x80",
					   "\xed\xa0\x80",
					   "\xf0\x80\x80\x80",
					   "\xf4\x90\x80\x80",
					   "\xf8\x88\x80\x80\x80",
					   "\xff" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(text_is_clean(good[i], false));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(text_is_clean(bad[i], true));
}

static void control_characters_are_clean_only_where_they_are_allowed(void **state)
{
	static const char *const texts[] = { "a\nb", "\t", "\x1b[2J", "\x7f", "\xc2\x9b" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(text_is_clean(texts[i], true));
		assert_false(text_is_clean(texts[i], false));
	}
}

static void length_counts_code_points(void **state)
{
	(void)state;
	assert_int_equal(text_length("a\xc3\xa4\xf0\x9f\xa6\x9d"), 3);
}

static void what_is_shown_is_one_printable_line_of_bounded_length(void **state)
{
	char shown[TEXT_SHOWN_SIZE], longer[1000];

	(void)state;
	text_show("a\n\x1b\xff\xc3\xa4", shown);
	assert_string_equal(shown, "a\\x0a\\x1b\\xff\xc3\xa4");
	for (size_t length = 80; length < 200; length++) {
		memset(longer, length % 2 ? 'x' : '\n', length);
		longer[length] = '\0';
		text_show(longer, shown);
		assert_true(strlen(shown) < TEXT_SHOWN_SIZE);
		if (length > TEXT_SHOWN_SIZE)
			assert_string_equal(shown + strlen(shown) - 3, "...");
	}
}

static void distance_counts_letters_to_change(void **state)
{
	char longer[100];

	(void)state;
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(text_distance("", ""), 0);
	assert_int_equal(text_distance("abc", ""), 3);
	assert_int_equal(text_distance("", "abc"), 3);
	assert_int_equal(text_distance("kitten", "sitting"), 3);
	assert_int_equal(text_distance("sink", "sinks"), 1);
	assert_true(text_distance(longer, "a") == SIZE_MAX);
	assert_false(text_is_near(longer, SIZE_MAX));
	assert_true(text_is_near("sinks", 1));
	assert_false(text_is_near("sinks", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_valid_utf8_is_clean),
		cmocka_unit_test(control_characters_are_clean_only_where_they_are_allowed),
		cmocka_unit_test(length_counts_code_points),
		cmocka_unit_test(what_is_shown_is_one_printable_line_of_bounded_length),
		cmocka_unit_test(distance_counts_letters_to_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
