/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_helper.h"

#include "control/settings_input.h"

static int add(struct setting_input *input, const char *key, const char *text, char **ret_what)
{
	return setting_input_add_text(settings_table_find(key), text, input, ret_what);
}

static void lists_are_split_at_commas_without_the_blanks_around(void **state)
{
	_cleanup_setting_input_ struct setting_input input = { 0 };
	_cleanup_free_ char *what = NULL;

	(void)state;
	assert_int_equal(add(&input, "journal.units", "a.service, b*  ,c d", &what), 0);
	assert_int_equal(input.items.count, 3);
	assert_string_equal(input.items.items[0], "a.service");
	assert_string_equal(input.items.items[1], "b*");
	assert_string_equal(input.items.items[2], "c d");
	assert_null(input.items.items[3]);
}

static void maps_are_split_at_the_first_equals_sign(void **state)
{
	_cleanup_setting_input_ struct setting_input input = { 0 };
	_cleanup_free_ char *what = NULL;

	(void)state;
	assert_int_equal(add(&input, "cloudwatch.tags", "a=b=c, d=", &what), 0);
	assert_int_equal(input.pairs.count, 2);
	assert_string_equal(input.pairs.keys[0], "a");
	assert_string_equal(input.pairs.values[0], "b=c");
	assert_string_equal(input.pairs.keys[1], "d");
	assert_string_equal(input.pairs.values[1], "");
}

static void wrong_elements_are_refused(void **state)
{
	static const struct {
		const char *key, *text, *what;
	} cases[] = {
		{ "journal.units", "a,,b", "holds an empty element; give it a value or remove it" },
		{ "journal.units", "a,", "holds an empty element; give it a value or remove it" },
		{ "journal.units", " ", "holds an empty element; give it a value or remove it" },
		{ "cloudwatch.tags", "a=b,c", "is not a map; give KEY=VALUE,KEY=VALUE" },
		{ "cloudwatch.tags", "=b", "holds an empty key; give it a name or remove it" },
		{ "cloudwatch.tags", "a=b,a=c", "holds \"a\" twice; remove one" },
		{ "multiline", "{}", "is not a JSON array; put the rules into [ ]" },
		{ "multiline", "[{\"a\":1,\"a\":2}]",
		  "is not JSON (duplicate object key near '\"a\"', column 11); give a JSON array "
		  "of rules" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_setting_input_ struct setting_input input = { 0 };
		_cleanup_free_ char *what = NULL;

		assert_int_equal(add(&input, cases[i].key, cases[i].text, &what), -EINVAL);
		assert_string_equal(what, cases[i].what);
	}
}

static void the_number_of_elements_is_bounded(void **state)
{
	_cleanup_setting_input_ struct setting_input input = { 0 };
	_cleanup_free_ char *what = NULL;

	(void)state;
	for (int i = 0; i < SETTING_MOST_ITEMS; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(setting_input_add_item(&input, key, strlen(key), &what), 0);
		assert_int_equal(setting_input_add_pair(&input, key, strlen(key), "", 0, &what), 0);
	}
	assert_int_equal(setting_input_add_item(&input, "x", 1, &what), -EINVAL);
	assert_string_equal(what, "holds more than 1000 elements; give fewer");
	free(TAKE_PTR(what));
	assert_int_equal(setting_input_add_pair(&input, "x", 1, "", 0, &what), -EINVAL);
	assert_int_equal(input.items.count, SETTING_MOST_ITEMS);
	assert_int_equal(input.pairs.count, SETTING_MOST_ITEMS);
}

static void broken_json_is_refused_in_one_line(void **state)
{
	static const char *const texts[] = { "[", "x", "[\"\n\"]", "[{}", "[\"\\u0000\"]" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		_cleanup_setting_input_ struct setting_input input = { 0 };
		_cleanup_free_ char *what = NULL;

		assert_int_equal(add(&input, "redact", texts[i], &what), -EINVAL);
		assert_non_null(strstr(what, "give a JSON array of rules"));
		assert_null(strchr(what, '\n'));
		assert_null(input.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_split_at_commas_without_the_blanks_around),
		cmocka_unit_test(maps_are_split_at_the_first_equals_sign),
		cmocka_unit_test(wrong_elements_are_refused),
		cmocka_unit_test(the_number_of_elements_is_bounded),
		cmocka_unit_test(broken_json_is_refused_in_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
