/* SPDX-License-Identifier: Apache-2.0 */
#include "control/settings_yaml.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>
#include <yaml.h>

#include "control/text.h"

enum { RULE_DEPTH_MAX = 8 }; /* a rule needs 4 */

struct reader {
	yaml_parser_t parser;
	const char *name, *text;
	settings_yaml_handler handler;
	void *context;
	struct setting_input
		seen; /* full names of keys and sections so far, as pairs of name and line */
	char **ret_error;
};

#define _cleanup_event_ _cleanup_(yaml_event_delete)

static size_t line_of(const yaml_event_t *event)
{
	return event->start_mark.line + 1;
}

static int complain(struct reader *reader, size_t line, const char *key, const char *what)
{
	char file[TEXT_SHOWN_SIZE], shown[TEXT_SHOWN_SIZE];

	text_show(reader->name, file);
	text_show(key, shown);
	return text_complain(reader->ret_error, "%s:%zu: %s%s%s", file, line, shown,
			     *shown ? ": " : "", what);
}

/* Gives a complaint of setting_input_* its place. */
static int place(struct reader *reader, int r, size_t line, const char *key, char *what)
{
	if (r == -EINVAL && what)
		r = complain(reader, line, key, what);
	free(what);
	return r;
}

static size_t count_lines(const char *text, size_t size)
{
	size_t lines = 0;

	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	return lines;
}

static int complain_about_syntax(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	char problem[TEXT_SHOWN_SIZE], what[2 * TEXT_SHOWN_SIZE];
	size_t line = parser->problem_mark.line + 1;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error ==
	    YAML_READER_ERROR) /* bytes that are no text: there is no mark, but an offset */
		line = count_lines(reader->text, parser->problem_offset) + 1;
	text_show(parser->problem ? parser->problem : "wrong syntax", problem);
	snprintf(what, sizeof(what),
		 "not valid YAML: %s; check indentation, quotes and brackets there", problem);
	return complain(reader, line, "", what);
}

static int next_event(struct reader *reader, yaml_event_t *ret)
{
	if (!yaml_parser_parse(&reader->parser, ret))
		return complain_about_syntax(reader);
	if (ret->type == YAML_ALIAS_EVENT)
		return complain(reader, line_of(ret), "",
				"an alias is not supported; write the value out");
	if (ret->type == YAML_SCALAR_EVENT &&
	    memchr(ret->data.scalar.value, '\0', ret->data.scalar.length))
		return complain(reader, line_of(ret), "", "a NUL byte in a value; remove it");
	return 0;
}

static const char *scalar_of(const yaml_event_t *event)
{
	return (const char *)event->data.scalar.value;
}

static bool is_null(const yaml_event_t *event)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };

	if (event->type != YAML_SCALAR_EVENT || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		if (strcmp(scalar_of(event), nulls[i]) == 0)
			return true;
	return false;
}

static int read_list(struct reader *reader, const struct setting *setting,
		     const yaml_event_t *first, struct setting_input *input)
{
	char *what = NULL;
	int r;

	if (first->type == YAML_SCALAR_EVENT) {
		const char *text = scalar_of(first);

		if (strchr(text, ','))
			return complain(reader, line_of(first), setting->name,
					"is not a list; write [a, b]");
		if (!*text)
			return 0;
		r = setting_input_add_item(input, text, strlen(text), &what);
		return place(reader, r, line_of(first), setting->name, what);
	}
	if (first->type != YAML_SEQUENCE_START_EVENT)
		return complain(reader, line_of(first), setting->name,
				"is not a list; write [a, b]");
	for (;;) {
		_cleanup_event_ yaml_event_t event = { 0 };

		r = next_event(reader, &event);
		if (r < 0)
			return r;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (event.type != YAML_SCALAR_EVENT || is_null(&event))
			return complain(reader, line_of(&event), setting->name,
					"holds an element that is not a text; write [a, b]");
		r = setting_input_add_item(input, scalar_of(&event), strlen(scalar_of(&event)),
					   &what);
		r = place(reader, r, line_of(&event), setting->name, what);
		if (r < 0)
			return r;
	}
}

static int read_map(struct reader *reader, const struct setting *setting, const yaml_event_t *first,
		    struct setting_input *input)
{
	char *what = NULL;
	int r;

	if (first->type != YAML_MAPPING_START_EVENT)
		return complain(reader, line_of(first), setting->name,
				"is not a map; write {a: x, b: y}");
	for (;;) {
		_cleanup_event_ yaml_event_t key = { 0 }, value = { 0 };

		r = next_event(reader, &key);
		if (r < 0)
			return r;
		if (key.type == YAML_MAPPING_END_EVENT)
			return 0;
		r = next_event(reader, &value);
		if (r < 0)
			return r;
		if (key.type != YAML_SCALAR_EVENT || value.type != YAML_SCALAR_EVENT ||
		    is_null(&value))
			return complain(reader, line_of(&key), setting->name,
					"holds an element that is not a text; write {a: x, b: y}");
		r = setting_input_add_pair(input, scalar_of(&key), strlen(scalar_of(&key)),
					   scalar_of(&value), strlen(scalar_of(&value)), &what);
		r = place(reader, r, line_of(&key), setting->name, what);
		if (r < 0)
			return r;
	}
}

static int read_json(struct reader *reader, const struct setting *setting,
		     const yaml_event_t *first, int depth, json_t **ret);

static int read_json_array(struct reader *reader, const struct setting *setting, int depth,
			   json_t **ret)
{
	_cleanup_(json_decrefp) json_t *array = json_array();

	for (;;) {
		_cleanup_event_ yaml_event_t event = { 0 };
		json_t *element = NULL;
		int r = next_event(reader, &event);

		if (r < 0)
			return r;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			break;
		r = read_json(reader, setting, &event, depth + 1, &element);
		if (r < 0)
			return r;
		if (json_array_append_new(array, element) < 0)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(array);
	return 0;
}

static int read_json_object(struct reader *reader, const struct setting *setting, int depth,
			    json_t **ret)
{
	_cleanup_(json_decrefp) json_t *object = json_object();

	for (;;) {
		_cleanup_event_ yaml_event_t key = { 0 }, value = { 0 };
		json_t *member = NULL;
		int r = next_event(reader, &key);

		if (r < 0)
			return r;
		if (key.type == YAML_MAPPING_END_EVENT)
			break;
		if (key.type != YAML_SCALAR_EVENT)
			return complain(reader, line_of(&key), setting->name,
					"a field's name is not a text; write {name: x}");
		if (json_object_get(object, scalar_of(&key)))
			return complain(reader, line_of(&key), setting->name,
					"a field stands twice in one rule; remove one");
		r = next_event(reader, &value);
		if (r == 0)
			r = read_json(reader, setting, &value, depth + 1, &member);
		if (r < 0)
			return r;
		if (json_object_set_new(object, scalar_of(&key), member) < 0)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(object);
	return 0;
}

/* All scalars of rules are texts: `start: 404` is the text 404. */
static int read_json(struct reader *reader, const struct setting *setting,
		     const yaml_event_t *first, int depth, json_t **ret)
{
	if (depth > RULE_DEPTH_MAX)
		return complain(reader, line_of(first), setting->name,
				"is nested too deeply; see ringtail(8)");
	if (first->type == YAML_SEQUENCE_START_EVENT)
		return read_json_array(reader, setting, depth, ret);
	if (first->type == YAML_MAPPING_START_EVENT)
		return read_json_object(reader, setting, depth, ret);
	if (is_null(first))
		return complain(reader, line_of(first), setting->name,
				"a field has no value; give it one or remove it");
	*ret = json_string(scalar_of(first));
	return *ret ? 0 : -ENOMEM;
}

static int read_rules(struct reader *reader, const struct setting *setting,
		      const yaml_event_t *first, struct setting_input *input)
{
	_cleanup_(json_decrefp) json_t *rules = NULL;
	int r;

	if (first->type != YAML_SEQUENCE_START_EVENT)
		return complain(reader, line_of(first), setting->name,
				"is not a list of rules; begin each with \"- \"");
	r = read_json(reader, setting, first, 0, &rules);
	if (r < 0)
		return r;
	input->text = json_dumps(rules, JSON_COMPACT);
	return input->text ? 0 : -ENOMEM;
}

static int read_scalar(struct reader *reader, const struct setting *setting,
		       const yaml_event_t *first, struct setting_input *input)
{
	if (first->type != YAML_SCALAR_EVENT)
		return complain(reader, line_of(first), setting->name,
				"is not a single value; write it behind the colon");
	input->text = strdup(scalar_of(first));
	return input->text ? 0 : -ENOMEM;
}

static int read_value(struct reader *reader, const struct setting *setting,
		      const yaml_event_t *first, size_t line)
{
	_cleanup_setting_input_ struct setting_input input = { 0 };
	int r;

	if (is_null(first))
		return 0;
	if (setting->type == SETTING_LIST)
		r = read_list(reader, setting, first, &input);
	else if (setting->type == SETTING_MAP)
		r = read_map(reader, setting, first, &input);
	else if (setting->type == SETTING_JSON)
		r = read_rules(reader, setting, first, &input);
	else
		r = read_scalar(reader, setting, first, &input);
	if (r < 0)
		return r;
	return reader->handler(reader->context, setting, &input, line);
}

static int complain_about_unknown(struct reader *reader, size_t line, const char *name)
{
	const char *nearest = settings_table_nearest(name);
	char what[2 * TEXT_SHOWN_SIZE];

	if (nearest && strcmp(nearest, name) == 0) /* written with dots */
		snprintf(what, sizeof(what),
			 "unknown key; dots nest: write the parts on lines of their own, indented");
	else if (nearest)
		snprintf(what, sizeof(what), "unknown key; did you mean %s?", nearest);
	else
		snprintf(what, sizeof(what),
			 "unknown key; ringtail config --defaults lists all of them");
	return complain(reader, line, name, what);
}

static int note_seen(struct reader *reader, const char *name, size_t line)
{
	char what[TEXT_SHOWN_SIZE], number[24];
	char *unused = NULL;

	for (size_t i = 0; i < reader->seen.pairs.count; i++) {
		if (strcmp(reader->seen.pairs.keys[i], name) != 0)
			continue;
		snprintf(what, sizeof(what), "stands twice, first in line %s; remove one",
			 reader->seen.pairs.values[i]);
		return complain(reader, line, name, what);
	}
	snprintf(number, sizeof(number), "%zu", line);
	return place(reader,
		     setting_input_add_pair(&reader->seen, name, strlen(name), number,
					    strlen(number), &unused),
		     line, name, unused);
}

static int read_mapping(struct reader *reader, const char *section);

static int read_entry(struct reader *reader, const char *section, const yaml_event_t *key)
{
	_cleanup_event_ yaml_event_t value = { 0 };
	_cleanup_free_ char *name = NULL;
	const struct setting *setting;
	size_t line = line_of(key);
	bool is_section;
	int r;

	if (key->type != YAML_SCALAR_EVENT)
		return complain(reader, line, section, "a key is not a word; write KEY: VALUE");
	if (asprintf(&name, "%s%s%s", section, *section ? "." : "", scalar_of(key)) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	setting = strchr(scalar_of(key), '.') ? NULL : settings_table_find(name);
	is_section = !setting && settings_table_is_section(name);
	if (!setting && !is_section)
		return complain_about_unknown(reader, line, name);
	r = note_seen(reader, name, line);
	if (r == 0)
		r = next_event(reader, &value);
	if (r < 0)
		return r;
	if (setting)
		return read_value(reader, setting, &value, line);
	if (is_null(&value))
		return 0;
	if (value.type != YAML_MAPPING_START_EVENT)
		return complain(reader, line, name,
				"is a section; write its keys below it, indented");
	return read_mapping(reader, name);
}

/* From behind the mapping's start to its end. Sections do not nest, so this recurses once. */
static int read_mapping(struct reader *reader, const char *section)
{
	for (;;) {
		_cleanup_event_ yaml_event_t event = { 0 };
		int r = next_event(reader, &event);

		if (r < 0)
			return r;
		if (event.type == YAML_MAPPING_END_EVENT)
			return 0;
		r = read_entry(reader, section, &event);
		if (r < 0)
			return r;
	}
}

/* Start of stream, then nothing or one document, then its end. */
static int read_stream(struct reader *reader)
{
	bool document_seen = false;

	for (;;) {
		_cleanup_event_ yaml_event_t event = { 0 };
		int r = next_event(reader, &event);

		if (r < 0)
			return r;
		if (event.type == YAML_STREAM_END_EVENT)
			return 0;
		if (event.type == YAML_DOCUMENT_START_EVENT && document_seen)
			r = complain(reader, line_of(&event), "",
				     "a second YAML document; keep one");
		document_seen |= event.type == YAML_DOCUMENT_START_EVENT;
		if (event.type == YAML_MAPPING_START_EVENT)
			r = read_mapping(reader, "");
		else if (event.type == YAML_SEQUENCE_START_EVENT ||
			 (event.type == YAML_SCALAR_EVENT && !is_null(&event)))
			r = complain(reader, line_of(&event), "",
				     "not a map of keys; write KEY: VALUE");
		if (r < 0)
			return r;
	}
}

int settings_yaml_read(const char *name, const char *text, size_t size,
		       settings_yaml_handler handler, void *context, char **ret_error)
{
	struct reader reader = {
		.name = name,
		.text = text,
		.handler = handler,
		.context = context,
		.ret_error = ret_error,
	};
	int r;

	if (!yaml_parser_initialize(&reader.parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, size);
	r = read_stream(&reader);
	yaml_parser_delete(&reader.parser);
	setting_input_release(&reader.seen);
	return r;
}
