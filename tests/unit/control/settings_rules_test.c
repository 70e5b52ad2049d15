/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_helper.h"

#include "control/settings_check.h"

typedef int (*checker)(const struct setting_input *input, char **ret_what);

static void rules_of_the_contract_pass(void **state)
{
	static const struct {
		checker check;
		const char *rules;
	} cases[] = {
		{ check_multiline, "[]" },
		{ check_multiline, "[{\"start\": \"^\\\\d\"}]" },
		{ check_multiline, "[{\"match\": {\"namespace\": \"a*\", \"pod\": [\"b\", \"c\"]}, "
				   "\"preset\": \"java\"}]" },
		{ check_redact,
		  "[{\"match\": {\"container\": \"c\"}, \"pattern\": \"p\", \"replace\": \"\"}]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct setting_input input = { .text = (char *)(uintptr_t)cases[i].rules };
		char *what = NULL;

		assert_int_equal(cases[i].check(&input, &what), 0);
	}
}

static void a_rule_that_would_do_nothing_or_something_else_is_refused(void **state)
{
	static const struct {
		checker check;
		const char *rules, *what;
	} cases[] = {
		{ check_multiline, "[1]",
		  "rule 1 is not a map; give its fields as in ringtail(8)" },
		{ check_multiline, "[{}]",
		  "rule 1 needs either start or preset; give one of them" },
		{ check_multiline, "[{\"start\":\"a\"},{\"start\":\"a\",\"preset\":\"go\"}]",
		  "rule 2 needs either start or preset; give one of them" },
		{ check_multiline, "[{\"start\":\"\"}]",
		  "rule 1: start is empty; give a regular expression" },
		{ check_multiline, "[{\"start\":404}]",
		  "rule 1: start is not a text; put it into quotes" },
		{ check_multiline, "[{\"preset\":\"perl\"}]",
		  "rule 1: preset is not known; give java, python, go, ruby or dotnet" },
		{ check_multiline, "[{\"start\":\"a\",\"Match\":{}}]",
		  "rule 1 has the unknown field \"Match\"; give match, start or preset" },
		{ check_multiline, "[{\"start\":\"a\",\"match\":\"x\"}]",
		  "rule 1: match is not a map; give {namespace, pod, container} globs" },
		{ check_multiline, "[{\"start\":\"a\",\"match\":{\"pods\":\"x\"}}]",
		  "rule 1: match has no \"pods\"; give namespace, pod or container" },
		{ check_multiline, "[{\"start\":\"a\",\"match\":{\"pod\":[1]}}]",
		  "rule 1: match: pod is not a glob; give a text or a list of texts" },
		{ check_multiline, "[{\"start\":\"a\",\"match\":{\"pod\":\"\"}}]",
		  "rule 1: match: pod is not a glob; give a text or a list of texts" },
		{ check_redact, "[{\"replace\":\"x\"}]",
		  "rule 1 needs a pattern; give a regular expression" },
		{ check_redact, "[{\"pattern\":\"\",\"replace\":\"x\"}]",
		  "rule 1 needs a pattern; give a regular expression" },
		{ check_redact, "[{\"pattern\":\"x\"}]",
		  "rule 1 needs replace; give the text that takes the place" },
		{ check_redact, "[{\"patern\":\"x\",\"replace\":\"\"}]",
		  "rule 1 has the unknown field \"patern\"; give match, pattern or replace" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct setting_input input = { .text = (char *)(uintptr_t)cases[i].rules };
		_cleanup_free_ char *what = NULL;

		assert_int_equal(cases[i].check(&input, &what), -EINVAL);
		assert_string_equal(what, cases[i].what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_of_the_contract_pass),
		cmocka_unit_test(a_rule_that_would_do_nothing_or_something_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
