/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_helper.h"

#include "control/settings_yaml.h"

static void block_and_flow_style_give_the_same(void **state)
{
	static const char *const files[] = {
		"namespaces:\n  exclude:\n    - a\n    - 'b*'\ncontainers:\n  extra:\n    k: v\n   "
		" n: 1\n"
		"multiline:\n- match:\n    pod: web-*\n  start: 404\n- preset: go\n",
		"{namespaces: {exclude: [a, \"b*\"]}, containers: {extra: {k: v, n: '1'}}, "
		"multiline: [{match: {pod: web-*}, start: \"404\"}, {preset: go}]}",
		"---\nnamespaces: {\"exclude\": [a,\n b*]}\n'containers':\n  extra: {k: v, n: 1}\n"
		"multiline: "
		"[{\"match\":{\"pod\":\"web-*\"},\"start\":\"404\"},{\"preset\":\"go\"}]\n...\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		_cleanup_loaded_ struct loaded loaded = load(NONE, NONE, files[i], SETTINGS_SHOW);

		assert_loaded(&loaded);
		assert_int_equal(loaded.settings->namespaces.exclude.count, 2);
		assert_string_equal(loaded.settings->namespaces.exclude.items[1], "b*");
		assert_int_equal(loaded.settings->containers.extra.count, 2);
		assert_string_equal(loaded.settings->containers.extra.values[1], "1");
		assert_string_equal(
			loaded.settings->multiline,
			"[{\"match\":{\"pod\":\"web-*\"},\"start\":\"404\"},{\"preset\":\"go\"}]");
	}
}

static void nothing_and_null_leave_the_defaults(void **state)
{
	static const char *const files[] = {
		"",
		"# only a comment\n",
		"---\n",
		"null",
		"containers:\n",
		"containers: {group: null}\nlimits: {line: ~, memory: }\njournal: {units: }\n"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		_cleanup_loaded_ struct loaded loaded = load(NONE, NONE, files[i], SETTINGS_SHOW);

		assert_loaded(&loaded);
		assert_string_equal(loaded.settings->containers.group,
				    "/eks/${cluster}/containers");
		assert_int_equal(loaded.settings->limits.line, 1048550);
		assert_int_equal(loaded.settings->journal.units.count, 5);
	}
}

static void a_quoted_null_is_a_text(void **state)
{
	_cleanup_loaded_ struct loaded loaded = load(NONE, NONE, "cluster: 'null'", SETTINGS_SHOW);

	(void)state;
	assert_loaded(&loaded);
	assert_string_equal(loaded.settings->cluster, "null");
}

static void a_single_value_is_a_list_of_one(void **state)
{
	_cleanup_loaded_ struct loaded loaded =
		load(NONE, NONE, "namespaces: {exclude: kube-system, include: ''}", SETTINGS_SHOW);

	(void)state;
	assert_loaded(&loaded);
	assert_int_equal(loaded.settings->namespaces.exclude.count, 1);
	assert_string_equal(loaded.settings->namespaces.exclude.items[0], "kube-system");
	assert_int_equal(loaded.settings->namespaces.include.count, 0);
}

static void wrong_files_are_refused_with_file_line_and_key(void **state)
{
	static const struct {
		const char *file, *error;
	} cases[] = {
		{ "cluster: a\nsnik: stdout\n",
		  "c.yaml:2: snik: unknown key; ringtail config --defaults lists all of them" },
		{ "sinks: stdout\n", "c.yaml:1: sinks: unknown key; did you mean sink?" },
		{ "\ncontainers:\n  gruop: x\n",
		  "c.yaml:3: containers.gruop: unknown key; did you mean containers.group?" },
		{ "containers.group: x\n", "c.yaml:1: containers.group: unknown key; dots nest: "
					   "write the parts on lines of their own, indented" },
		{ "containers: {group: {x: y}}\n",
		  "c.yaml:1: containers.group: is not a single value; write it behind the colon" },
		{ "sink: a\nnode: b\nsink: c\n",
		  "c.yaml:3: sink: stands twice, first in line 1; remove one" },
		{ "limits:\n  line: 1KiB\n  line: 1KiB\n",
		  "c.yaml:3: limits.line: stands twice, first in line 2; remove one" },
		{ "limits: {line: 1KiB}\nnode: b\nlimits: {memory: 64MiB}\n",
		  "c.yaml:3: limits: stands twice, first in line 1; remove one" },
		{ "sink: null\nsink: stdout\n",
		  "c.yaml:2: sink: stands twice, first in line 1; remove one" },
		{ "limits: 5\n",
		  "c.yaml:1: limits: is a section; write its keys below it, indented" },
		{ "limits: [line]\n",
		  "c.yaml:1: limits: is a section; write its keys below it, indented" },
		{ "node: [a]\n",
		  "c.yaml:1: node: is not a single value; write it behind the colon" },
		{ "namespaces:\n  exclude: {a: b}\n",
		  "c.yaml:2: namespaces.exclude: is not a list; write [a, b]" },
		{ "namespaces: {exclude: 'a,b'}\n",
		  "c.yaml:1: namespaces.exclude: is not a list; write [a, b]" },
		{ "namespaces:\n  exclude:\n  - a\n  - [b]\n",
		  "c.yaml:4: namespaces.exclude: holds an element that is not a text; write [a, "
		  "b]" },
		{ "namespaces:\n  exclude:\n  - a\n  -\n",
		  "c.yaml:4: namespaces.exclude: holds an element that is not a text; write [a, "
		  "b]" },
		{ "containers:\n  extra: [a]\n",
		  "c.yaml:2: containers.extra: is not a map; write {a: x, b: y}" },
		{ "containers:\n  extra:\n    a: {b: c}\n",
		  "c.yaml:3: containers.extra: holds an element that is not a text; write {a: x, "
		  "b: y}" },
		{ "containers:\n  extra:\n    a: b\n    a: c\n",
		  "c.yaml:4: containers.extra: holds \"a\" twice; remove one" },
		{ "multiline: {start: a}\n",
		  "c.yaml:1: multiline: is not a list of rules; begin each with \"- \"" },
		{ "multiline: '[]'\n",
		  "c.yaml:1: multiline: is not a list of rules; begin each with \"- \"" },
		{ "redact:\n- pattern: a\n  pattern: b\n",
		  "c.yaml:3: redact: a field stands twice in one rule; remove one" },
		{ "redact:\n- pattern:\n",
		  "c.yaml:2: redact: a field has no value; give it one or remove it" },
		{ "redact:\n- [a]: b\n",
		  "c.yaml:2: redact: a field's name is not a text; write {name: x}" },
		{ "redact: [[[[[[[[[[[[a]]]]]]]]]]]]",
		  "c.yaml:1: redact: is nested too deeply; see ringtail(8)" },
		{ "- sink\n", "c.yaml:1: not a map of keys; write KEY: VALUE" },
		{ "sink", "c.yaml:1: not a map of keys; write KEY: VALUE" },
		{ "[a]: b\n", "c.yaml:1: a key is not a word; write KEY: VALUE" },
		{ "sink: stdout\n---\nnode: a\n", "c.yaml:2: a second YAML document; keep one" },
		{ "node: &a x\nregion: *a\n",
		  "c.yaml:2: an alias is not supported; write the value out" },
		{ "node: \"a\\0b\"\n", "c.yaml:1: a NUL byte in a value; remove it" },
		{ "node: \"a\\nb\"\n", "c.yaml:1: node: holds control characters or bytes that are "
				       "not UTF-8; remove them" },
		{ "node: a\n  x: y\n", "c.yaml:2: not valid YAML: mapping values are not allowed "
				       "in this context; check indentation, quotes and "
				       "brackets there" },
		{ "node: a\nsink: \"b\n", "c.yaml:3: not valid YAML: found unexpected end of "
					  "stream; check indentation, quotes "
					  "and brackets there" },
		{ "node: a\n\tsink: b\n", "c.yaml:2: not valid YAML: found a tab character that "
					  "violates indentation; check "
					  "indentation, quotes and brackets there" },
		{ "node: a\nsink: \xff\n", "c.yaml:2: not valid YAML: invalid leading UTF-8 octet; "
					   "check indentation, quotes "
					   "and brackets there" },
		{ "cluster: a\nlog_level: loud\n",
		  "c.yaml:2: log_level: \"loud\" is not known here; give error, warning, warn, "
		  "info or debug" },
		{ "containers:\n  merge_json: [true]\n",
		  "c.yaml:2: containers.merge_json: is not a single value; write it behind the "
		  "colon" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_loaded_ struct loaded loaded =
			load(NONE, NONE, cases[i].file, SETTINGS_SHOW);

		assert_refused(&loaded, cases[i].error);
	}
}

static void a_file_that_is_too_large_is_refused(void **state)
{
	size_t size = 256 * 1024 + 1;
	_cleanup_free_ char *text = malloc(size + 1);
	_cleanup_loaded_ struct loaded loaded = { 0 };

	(void)state;
	memset(text, '#', size);
	text[size] = '\0';
	loaded = load(NONE, NONE, text, SETTINGS_SHOW);
	assert_int_equal(loaded.result, -EFBIG);
	assert_non_null(loaded.error);
}

static int refuse(void *context, const struct setting *setting, struct setting_input *input,
		  size_t line)
{
	(void)setting;
	(void)input;
	*(size_t *)context = line;
	return -EPERM;
}

static void a_handler_that_fails_ends_the_reading(void **state)
{
	static const char text[] = "node: a\nsink: b\n";
	char *error = NULL;
	size_t line = 0;

	(void)state;
	assert_int_equal(settings_yaml_read("x", text, strlen(text), refuse, &line, &error),
			 -EPERM);
	assert_int_equal(line, 1);
	assert_null(error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(block_and_flow_style_give_the_same),
		cmocka_unit_test(nothing_and_null_leave_the_defaults),
		cmocka_unit_test(a_quoted_null_is_a_text),
		cmocka_unit_test(a_single_value_is_a_list_of_one),
		cmocka_unit_test(wrong_files_are_refused_with_file_line_and_key),
		cmocka_unit_test(a_file_that_is_too_large_is_refused),
		cmocka_unit_test(a_handler_that_fails_ends_the_reading),
	};

	return cmocka_run_group_tests(tests, enter_own_directory, leave_own_directory);
}
