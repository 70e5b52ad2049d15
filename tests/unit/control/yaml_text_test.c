/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/cleanup.h"
#include "control/yaml_text.h"

static char *written(enum yaml_context context, const char *text)
{
	char *result = NULL;
	size_t size;
	FILE *out = open_memstream(&result, &size);

	assert_non_null(out);
	yaml_write_text(out, context, text);
	assert_int_equal(fclose(out), 0);
	return result;
}

static void plain_is_what_every_reader_takes_for_the_same_text(void **state)
{
	static const struct {
		const char *text, *block, *flow;
	} cases[] = {
		{ "stdout", "stdout", "stdout" },
		{ "/eks/${cluster}/x", "/eks/${cluster}/x", "\"/eks/${cluster}/x\"" },
		{ "${pod}", "${pod}", "\"${pod}\"" },
		{ "file:/tmp/x", "file:/tmp/x", "\"file:/tmp/x\"" },
		{ "https://a:1", "https://a:1", "\"https://a:1\"" },
		{ "a: b", "\"a: b\"", "\"a: b\"" },
		{ "a:", "\"a:\"", "\"a:\"" },
		{ "a #b", "\"a #b\"", "\"a #b\"" },
		{ "", "\"\"", "\"\"" },
		{ "*", "\"*\"", "\"*\"" },
		{ "Yes", "\"Yes\"", "\"Yes\"" },
		{ "null", "\"null\"", "\"null\"" },
		{ "~", "\"~\"", "\"~\"" },
		{ "12", "\"12\"", "\"12\"" },
		{ "-a", "\"-a\"", "\"-a\"" },
		{ "a,b", "\"a,b\"", "\"a,b\"" },
		{ "a\"b\\c\n\x1b", "\"a\\\"b\\\\c\\n\\x1b\"", "\"a\\\"b\\\\c\\n\\x1b\"" },
		{ "\xff", "\"\\ufffd\"", "\"\\ufffd\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_free_ char *block = written(YAML_BLOCK, cases[i].text);
		_cleanup_free_ char *flow = written(YAML_FLOW, cases[i].text);

		assert_string_equal(block, cases[i].block);
		assert_string_equal(flow, cases[i].flow);
	}
}

/* The text that a YAML reader finds in `yaml`, which is "[TEXT]" or "key: TEXT". */
static void assert_reads_as(const char *yaml, const char *expected)
{
	bool found = false, end = false;
	yaml_parser_t parser;
	yaml_event_t event;

	assert_true(yaml_parser_initialize(&parser));
	yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, strlen(yaml));
	while (!end) {
		if (!yaml_parser_parse(&parser, &event))
			fail_msg("%s: %s", yaml, parser.problem);
		if (event.type == YAML_SCALAR_EVENT &&
		    strcmp((char *)event.data.scalar.value, "key") != 0) {
			assert_string_equal(event.data.scalar.value, expected);
			found = true;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	assert_true(found);
}

static void every_code_point_reads_back_the_same(void **state)
{
	static const uint32_t points[] = { 0x1,	    0x9,     0xa,     0xd,    0x7f,   0x80,
					   0x85,    0x9f,    0xa0,    0xe4,   0x2028, 0x2029,
					   0xd7ff,  0xe000,  0xfeff,  0xfffd, 0xfffe, 0xffff,
					   0x10000, 0x1f99d, 0x10ffff };
	char bytes[8], line[64];

	(void)state;
	for (size_t i = 0; i < 0x80 - 1 + sizeof(points) / sizeof(points[0]); i++) {
		uint32_t code = i < 0x7f ? (uint32_t)i + 1 : points[i - 0x7f];
		_cleanup_free_ char *block = NULL, *flow = NULL;
		size_t size = 0;

		if (code < 0x80) {
			bytes[size++] = (char)code;
		} else if (code < 0x800) {
			bytes[size++] = (char)(0xc0 | code >> 6);
			bytes[size++] = (char)(0x80 | (code & 0x3f));
		} else if (code < 0x10000) {
			bytes[size++] = (char)(0xe0 | code >> 12);
			bytes[size++] = (char)(0x80 | (code >> 6 & 0x3f));
			bytes[size++] = (char)(0x80 | (code & 0x3f));
		} else {
			bytes[size++] = (char)(0xf0 | code >> 18);
			bytes[size++] = (char)(0x80 | (code >> 12 & 0x3f));
			bytes[size++] = (char)(0x80 | (code >> 6 & 0x3f));
			bytes[size++] = (char)(0x80 | (code & 0x3f));
		}
		bytes[size] = '\0';
		block = written(YAML_BLOCK, bytes);
		flow = written(YAML_FLOW, bytes);
		snprintf(line, sizeof(line), "key: %s # c\n", block);
		assert_reads_as(line, bytes);
		snprintf(line, sizeof(line), "[%s] # c\n", flow);
		assert_reads_as(line, bytes);
	}
}

static void rules_are_one_line_of_flow_style(void **state)
{
	json_t *rules = json_loads(
		"[{\"match\":{\"pod\":[\"a*\",\"b\"]},\"start\":\"^\\\\d\\n\"},{}]", 0, NULL);
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	yaml_write_json(out, rules);
	assert_int_equal(fclose(out), 0);
	json_decref(rules);
	assert_string_equal(text, "[{match: {pod: [\"a*\", b]}, start: \"^\\\\d\\n\"}, {}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_is_what_every_reader_takes_for_the_same_text),
		cmocka_unit_test(every_code_point_reads_back_the_same),
		cmocka_unit_test(rules_are_one_line_of_flow_style),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
