/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of the rules in `multiline` and `redact`: which fields, which of them are needed, all
 * of them texts (and globs a text or a list of them). A misspelt field of a rule must not pass: it
 * would redact nothing, silently.
 */
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "control/settings_check.h"
#include "control/text.h"

struct rule_field {
	const char *name;
	bool is_match; /* an object of globs, else a text */
};

static const struct rule_field multiline_fields[] = {
	{ "match", true }, { "start", false }, { "preset", false }, { 0 }
};
static const struct rule_field redact_fields[] = {
	{ "match", true }, { "pattern", false }, { "replace", false }, { 0 }
};

static bool is_glob_list(const json_t *value)
{
	if (json_is_string(value))
		return json_string_length(value) > 0;
	for (size_t i = 0; i < json_array_size(value); i++)
		if (json_string_length(json_array_get(value, i)) == 0)
			return false;
	return json_is_array(value);
}

static int check_match(json_t *match, size_t number, char **ret_what)
{
	static const char *const names[] = { "namespace", "pod", "container" };
	char shown[TEXT_SHOWN_SIZE];
	const char *key;
	json_t *value;

	if (!json_is_object(match))
		return text_complain(
			ret_what,
			"rule %zu: match is not a map; give {namespace, pod, container} globs",
			number);
	json_object_foreach (match, key, value) {
		size_t i = 0;

		while (i < 3 && strcmp(names[i], key) != 0)
			i++;
		text_show(key, shown);
		if (i == 3)
			return text_complain(
				ret_what,
				"rule %zu: match has no \"%s\"; give namespace, pod or container",
				number, shown);
		if (!is_glob_list(value))
			return text_complain(
				ret_what,
				"rule %zu: match: %s is not a glob; give a text or a list of texts",
				number, shown);
	}
	return 0;
}

static int check_fields(json_t *rule, const struct rule_field *fields, size_t number,
			char **ret_what)
{
	char shown[TEXT_SHOWN_SIZE];
	const char *key;
	json_t *value;
	int r = 0;

	if (!json_is_object(rule))
		return text_complain(ret_what,
				     "rule %zu is not a map; give its fields as in ringtail(8)",
				     number);
	json_object_foreach (rule, key, value) {
		const struct rule_field *field = fields;

		while (field->name && strcmp(field->name, key) != 0)
			field++;
		text_show(key, shown);
		if (!field->name)
			return text_complain(
				ret_what,
				"rule %zu has the unknown field \"%s\"; give %s, %s or %s", number,
				shown, fields[0].name, fields[1].name, fields[2].name);
		if (field->is_match)
			r = check_match(value, number, ret_what);
		else if (!json_is_string(value))
			r = text_complain(ret_what,
					  "rule %zu: %s is not a text; put it into quotes", number,
					  shown);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_multiline_rule(json_t *rule, size_t number, char **ret_what)
{
	static const char *const presets[] = { "java", "python", "go", "ruby", "dotnet" };
	json_t *start = json_object_get(rule, "start"), *preset = json_object_get(rule, "preset");

	if (!start == !preset)
		return text_complain(ret_what,
				     "rule %zu needs either start or preset; give one of them",
				     number);
	if (start && json_string_length(start) == 0)
		return text_complain(ret_what,
				     "rule %zu: start is empty; give a regular expression", number);
	for (size_t i = 0; preset && i < sizeof(presets) / sizeof(presets[0]); i++)
		if (strcmp(json_string_value(preset), presets[i]) == 0)
			return 0;
	if (preset)
		return text_complain(
			ret_what,
			"rule %zu: preset is not known; give java, python, go, ruby or dotnet",
			number);
	return 0;
}

static int check_redact_rule(json_t *rule, size_t number, char **ret_what)
{
	if (json_string_length(json_object_get(rule, "pattern")) == 0)
		return text_complain(ret_what,
				     "rule %zu needs a pattern; give a regular expression", number);
	if (!json_object_get(rule, "replace"))
		return text_complain(ret_what,
				     "rule %zu needs replace; give the text that takes the place",
				     number);
	return 0;
}

static int check_rules(const char *text, const struct rule_field *fields,
		       int (*check_rule)(json_t *rule, size_t number, char **ret_what),
		       char **ret_what)
{
	json_t *rules = json_loads(text, 0, NULL);
	int r = rules ? 0 : -ENOMEM;

	for (size_t i = 0; i < json_array_size(rules) && r == 0; i++) {
		json_t *rule = json_array_get(rules, i);

		r = check_fields(rule, fields, i + 1, ret_what);
		if (r == 0)
			r = check_rule(rule, i + 1, ret_what);
	}
	json_decref(rules);
	return r;
}

int check_multiline(const struct setting_input *input, char **ret_what)
{
	return check_rules(input->text, multiline_fields, check_multiline_rule, ret_what);
}

int check_redact(const struct setting_input *input, char **ret_what)
{
	return check_rules(input->text, redact_fields, check_redact_rule, ret_what);
}
