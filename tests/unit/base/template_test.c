/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/template.h"

static const char *lookup(void *context, const char *variable)
{
	static char value[512];

	if (context)
		return context;
	if (strcmp(variable, "pod_uid") == 0)
		return NULL;
	snprintf(value, sizeof(value), "<%s>", variable);
	return value;
}

static void assert_expands(const char *text, const char *expected)
{
	_cleanup_buffer_ struct buffer out = { 0 };
	_cleanup_free_ char *error = NULL;

	assert_int_equal(template_check(text, &error), 0);
	assert_null(error);
	assert_int_equal(template_expand(text, lookup, NULL, &out), 0);
	assert_string_equal(out.data, expected);
	assert_int_equal(out.size, strlen(expected));
}

static void assert_refused(const char *text, const char *message)
{
	_cleanup_free_ char *error = NULL;

	assert_int_equal(template_check(text, &error), -EINVAL);
	assert_string_equal(error, message);
}

static void every_variable_is_replaced(void **state)
{
	static const char *const variables[] = { "cluster",
						 "region",
						 "node",
						 "hostname",
						 "namespace",
						 "pod",
						 "container",
						 "container_id",
						 "stream",
						 "unit",
						 "label:app.kubernetes.io/name",
						 "annotation:x" };

	(void)state;
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		char text[64], expected[64];

		snprintf(text, sizeof(text), "a${%s}b", variables[i]);
		snprintf(expected, sizeof(expected), "a<%s>b", variables[i]);
		assert_expands(text, expected);
	}
	assert_expands("${pod}_${namespace}_${container}-${container_id}",
		       "<pod>_<namespace>_<container>-<container_id>");
	assert_expands("${pod}${node}", "<pod><node>");
}

static void a_missing_value_is_unknown(void **state)
{
	(void)state;
	assert_expands("x-${pod_uid}", "x-unknown");
}

static void other_text_stands_for_itself(void **state)
{
	(void)state;
	assert_expands("", "");
	assert_expands("plain", "plain");
	assert_expands("$", "$");
	assert_expands("$$ $a {b} } $}", "$$ $a {b} } $}");
	assert_expands("a$", "a$");
	assert_expands("${pod}$", "<pod>$");
}

static void two_dollars_make_a_literal(void **state)
{
	(void)state;
	assert_expands("$${pod}", "${pod}");
	assert_expands("a$${b${pod}c", "a${b<pod>c");
	assert_expands("$${", "${");
	assert_expands("$$${pod}", "$${pod}");
	assert_expands("$${$${", "${${");
	assert_expands("${pod}$${pod}", "<pod>${pod}");
	assert_expands("$${${pod}", "${<pod>");
}

static void unknown_variables_are_named(void **state)
{
	(void)state;
	assert_refused("a${pod}${nope}", "unknown variable ${nope}");
	assert_refused("${}", "unknown variable ${}");
	assert_refused("${Pod}", "unknown variable ${Pod}");
	assert_refused("${pod }", "unknown variable ${pod }");
	assert_refused("${po}", "unknown variable ${po}");
	assert_refused("${pods}", "unknown variable ${pods}");
	assert_refused("${label}", "unknown variable ${label}");
	assert_refused("${label:}", "unknown variable ${label:}");
	assert_refused("${labels:a}", "unknown variable ${labels:a}");
}

static void a_missing_brace_is_told_with_its_place(void **state)
{
	(void)state;
	assert_refused("a-${pod", "`}` is missing after ${pod");
	assert_refused("${", "`}` is missing after ${");
	assert_refused("${pod}${label:x", "`}` is missing after ${label:x");
}

static void a_key_longer_than_kubernetes_has_is_refused(void **state)
{
	_cleanup_free_ char *error = NULL;
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), "${label:%0*d}", 317, 0);
	assert_int_equal(template_check(text, &error), 0);
	snprintf(text, sizeof(text), "${label:%0*d}", 400, 0);
	assert_int_equal(template_check(text, &error), -EINVAL);
	assert_true(strlen(error) < 400);
}

static void expansion_appends(void **state)
{
	_cleanup_buffer_ struct buffer out = { 0 };

	(void)state;
	buffer_append_text(&out, "before ");
	assert_int_equal(template_expand("${pod}", lookup, NULL, &out), 0);
	assert_string_equal(out.data, "before <pod>");
}

static void what_grows_beyond_the_bound_is_refused_and_leaves_nothing(void **state)
{
	static char value[TEMPLATE_EXPANDED_MAX + 2];
	_cleanup_buffer_ struct buffer out = { 0 };

	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	buffer_append_text(&out, "kept");
	assert_int_equal(template_expand("${pod}", lookup, value, &out), -E2BIG);
	assert_int_equal(out.size, 4);
	value[TEMPLATE_EXPANDED_MAX] = '\0';
	assert_int_equal(template_expand("a${pod}", lookup, value, &out), -E2BIG);
	assert_int_equal(template_expand("${pod}", lookup, value, &out), 0);
	assert_int_equal(out.size, 4 + TEMPLATE_EXPANDED_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_variable_is_replaced),
		cmocka_unit_test(a_missing_value_is_unknown),
		cmocka_unit_test(other_text_stands_for_itself),
		cmocka_unit_test(two_dollars_make_a_literal),
		cmocka_unit_test(unknown_variables_are_named),
		cmocka_unit_test(a_missing_brace_is_told_with_its_place),
		cmocka_unit_test(a_key_longer_than_kubernetes_has_is_refused),
		cmocka_unit_test(expansion_appends),
		cmocka_unit_test(what_grows_beyond_the_bound_is_refused_and_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
