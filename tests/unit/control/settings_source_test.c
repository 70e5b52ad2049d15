/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_helper.h"

#include "control/settings_source.h"

static void the_highest_origin_with_a_value_is_the_effective_one(void **state)
{
	_cleanup_(settings_source_freep) struct settings_source *source = NULL;
	const struct setting *setting = settings_table_find("sink");
	size_t index = settings_table_index(setting);
	_cleanup_free_ char *error = NULL;

	(void)state;
	assert_int_equal(settings_source_new(&source), 0);
	assert_string_equal(settings_source_effective(source, index)->where, "default");
	assert_int_equal(settings_source_add_text(source, ORIGIN_FLAG, setting, "flag --sink",
						  "stdout", &error),
			 0);
	assert_int_equal(
		settings_source_add_text(source, ORIGIN_FILE, setting, "f:1", "cloudwatch", &error),
		0);
	assert_string_equal(settings_source_effective(source, index)->where, "flag --sink");
	settings_source_forget(source, ORIGIN_FLAG);
	assert_string_equal(settings_source_effective(source, index)->where, "f:1");
	settings_source_forget(source, ORIGIN_FILE);
	assert_string_equal(settings_source_effective(source, index)->where, "default");
}

static void taking_an_input_replaces_what_was_there_and_empties_it(void **state)
{
	_cleanup_(settings_source_freep) struct settings_source *source = NULL;
	const struct setting *setting = settings_table_find("sink");
	struct setting_input input = { .text = strdup("stdout") };
	_cleanup_free_ char *error = NULL;

	(void)state;
	assert_int_equal(settings_source_new(&source), 0);
	assert_int_equal(
		settings_source_add_text(source, ORIGIN_FILE, setting, "f:1", "cloudwatch", &error),
		0);
	assert_int_equal(settings_source_take(source, ORIGIN_FILE, setting, "f:2", &input), 0);
	assert_null(input.text);
	assert_string_equal(settings_source_effective(source, settings_table_index(setting))->where,
			    "f:2");
	assert_string_equal(
		settings_source_effective(source, settings_table_index(setting))->input.text,
		"stdout");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_highest_origin_with_a_value_is_the_effective_one),
		cmocka_unit_test(taking_an_input_replaces_what_was_there_and_empties_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
