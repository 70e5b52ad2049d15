/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata/annotations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *ask(const char *json, const char *container, enum output_stream stream)
{
	static char key[ANNOTATION_KEY_SIZE];

	return annotations_exclude(json, container, stream, key);
}

static void each_form_keeps_out_what_it_names_and_nothing_else(void **state)
{
	static const struct {
		const char *key;
		bool app_stdout, app_stderr, other_stdout;
	} rows[] = {
		{ "ringtail.io/exclude", true, true, true },
		{ "ringtail.io/exclude.app", true, true, false },
		{ "fluentbit.io/exclude", true, true, true },
		{ "fluentbit.io/exclude_stdout", true, false, true },
		{ "fluentbit.io/exclude_stderr", false, true, false },
		{ "fluentbit.io/exclude-app", true, true, false },
		{ "fluentbit.io/exclude_stderr-app", false, true, false },
		{ "example.com/exclude", false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char json[100];

		snprintf(json, sizeof(json), "{\"a\":\"b\",\"%s\":\"true\"}", rows[i].key);
		assert_int_equal(ask(json, "app", OUTPUT_STDOUT) != NULL, rows[i].app_stdout);
		assert_int_equal(ask(json, "app", OUTPUT_STDERR) != NULL, rows[i].app_stderr);
		assert_int_equal(ask(json, "other", OUTPUT_STDOUT) != NULL, rows[i].other_stdout);
		if (rows[i].app_stdout)
			assert_string_equal(ask(json, "app", OUTPUT_STDOUT), rows[i].key);
	}
}

static void only_true_excludes(void **state)
{
	(void)state;
	assert_non_null(ask("{\"ringtail.io/exclude\":\"True\"}", "a", OUTPUT_STDOUT));
	assert_null(ask("{\"ringtail.io/exclude\":\"false\"}", "a", OUTPUT_STDOUT));
	assert_null(ask("{\"ringtail.io/exclude\":\"\"}", "a", OUTPUT_STDOUT));
	assert_null(ask("{\"ringtail.io/exclude\":true}", "a", OUTPUT_STDOUT));
	assert_null(ask("{}", "a", OUTPUT_STDOUT));
	assert_null(ask(NULL, NULL, OUTPUT_STDOUT));
	assert_null(ask("not json", "a", OUTPUT_STDOUT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_keeps_out_what_it_names_and_nothing_else),
		cmocka_unit_test(only_true_excludes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
