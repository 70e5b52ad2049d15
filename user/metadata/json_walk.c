/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata/json_walk.h"

#include <errno.h>
#include <string.h>

bool json_span_is(struct json_span span, const char *text)
{
	return span.size == strlen(text) && memcmp(span.at, text, span.size) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(struct json_walk *walk)
{
	while (walk->at < walk->end && is_blank(*walk->at))
		walk->at++;
}

static bool skip_char(struct json_walk *walk, char wanted)
{
	skip_blanks(walk);
	if (walk->at == walk->end || *walk->at != wanted)
		return false;
	walk->at++;
	return true;
}

static bool skip_string(struct json_walk *walk)
{
	if (!skip_char(walk, '"'))
		return false;
	while (walk->at < walk->end) {
		char c = *walk->at++;

		if (c == '"')
			return true;
		if (c == '\\' && walk->at < walk->end)
			walk->at++;
	}
	return false;
}

static bool skip_nested(struct json_walk *walk)
{
	size_t depth = 0;

	while (walk->at < walk->end) {
		char c = *walk->at;

		if (c == '"') {
			if (!skip_string(walk))
				return false;
			continue;
		}
		walk->at++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return true;
	}
	return false;
}

/* A number, true, false or null: up to what may follow a value. */
static bool skip_word(struct json_walk *walk)
{
	const char *begin = walk->at;

	while (walk->at < walk->end && !is_blank(*walk->at) && !memchr(",]}:\"[{", *walk->at, 7))
		walk->at++;
	return walk->at > begin;
}

static bool skip_value(struct json_walk *walk, struct json_span *ret)
{
	bool whole;

	skip_blanks(walk);
	if (walk->at == walk->end)
		return false;
	ret->at = walk->at;
	if (*walk->at == '"')
		whole = skip_string(walk);
	else if (*walk->at == '{' || *walk->at == '[')
		whole = skip_nested(walk);
	else
		whole = skip_word(walk);
	ret->size = (size_t)(walk->at - ret->at);
	return whole;
}

int json_walk_begin(struct json_walk *walk, struct json_span value, char open)
{
	*walk = (struct json_walk){
		.at = value.at,
		.end = value.size ? value.at + value.size : value.at,
		.close = open == '{' ? '}' : ']',
		.first = true,
	};
	return skip_char(walk, open) ? 0 : -EBADMSG;
}

int json_walk_next(struct json_walk *walk, struct json_span *ret_key, struct json_span *ret_value)
{
	struct json_span key = { 0 }, value;

	if (skip_char(walk, walk->close)) {
		skip_blanks(walk);
		return walk->at == walk->end ? JSON_STEP_END : -EBADMSG;
	}
	if (!walk->first && !skip_char(walk, ','))
		return -EBADMSG;
	if (walk->close == '}') {
		skip_blanks(walk);
		key.at = walk->at;
		if (!skip_string(walk))
			return -EBADMSG;
		key.size = (size_t)(walk->at - key.at);
		if (!skip_char(walk, ':'))
			return -EBADMSG;
	}
	if (!skip_value(walk, &value))
		return -EBADMSG;
	walk->first = false;
	*ret_key = key;
	*ret_value = value;
	return JSON_STEP_VALUE;
}

static bool key_is(struct json_span key, const char *name)
{
	return json_span_is((struct json_span){ key.at + 1, key.size - 2 }, name);
}

int json_pick(struct json_span object, const char *const *names, size_t count,
	      struct json_span *ret)
{
	struct json_span key, value;
	struct json_walk walk;
	int r;

	memset(ret, 0, count * sizeof(*ret));
	r = json_walk_begin(&walk, object, '{');
	if (r < 0)
		return r;
	while ((r = json_walk_next(&walk, &key, &value)) == JSON_STEP_VALUE)
		for (size_t i = 0; i < count; i++)
			if (key_is(key, names[i]))
				ret[i] = value;
	return r;
}
