/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/json_check.h"

#include <string.h>

#include "deliver/utf8.h"

enum { DEPTH_MAX = 100 };

struct reader {
	const char *at, *end;
	unsigned int depth;
};

static bool read_value(struct reader *reader);

/* The next byte, or -1 at the end. */
static int peek(const struct reader *reader)
{
	return reader->at < reader->end ? (unsigned char)*reader->at : -1;
}

static bool take(struct reader *reader, char wanted)
{
	if (peek(reader) != wanted)
		return false;
	reader->at++;
	return true;
}

static bool take_word(struct reader *reader, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
		return false;
	reader->at += length;
	return true;
}

static void skip_blanks(struct reader *reader)
{
	while (take(reader, ' ') || take(reader, '\t') || take(reader, '\n') || take(reader, '\r'))
		;
}

static bool take_digits(struct reader *reader)
{
	const char *begin = reader->at;

	while (peek(reader) >= '0' && peek(reader) <= '9')
		reader->at++;
	return reader->at > begin;
}

static bool read_number(struct reader *reader)
{
	take(reader, '-');
	if (!take(reader, '0') && !take_digits(reader))
		return false;
	if (take(reader, '.') && !take_digits(reader))
		return false;
	if (!take(reader, 'e') && !take(reader, 'E'))
		return true;
	if (!take(reader, '+'))
		take(reader, '-');
	return take_digits(reader);
}

/* Four hex digits; -1: they are not. */
static int read_code_unit(struct reader *reader)
{
	int unit = 0;

	for (int i = 0; i < 4; i++) {
		int c = peek(reader);

		if (c >= '0' && c <= '9')
			unit = unit * 16 + c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			unit = unit * 16 + (c | 0x20) - 'a' + 10;
		else
			return -1;
		reader->at++;
	}
	return unit;
}

static bool read_escape(struct reader *reader)
{
	int unit;

	if (!take(reader, 'u')) {
		int c = peek(reader);

		if (c <= 0 || !strchr("\"\\/bfnrt", c))
			return false;
		reader->at++;
		return true;
	}
	unit = read_code_unit(reader);
	if (unit < 0xd800 || unit > 0xdfff)
		return unit >= 0;
	if (unit > 0xdbff || !take_word(reader, "\\u"))
		return false;
	unit = read_code_unit(reader);
	return unit >= 0xdc00 && unit <= 0xdfff;
}

static bool read_string(struct reader *reader)
{
	if (!take(reader, '"'))
		return false;
	while (reader->at < reader->end) {
		unsigned char c = (unsigned char)*reader->at;
		bool valid;

		if (c < 0x20)
			return false;
		reader->at += utf8_measure(reader->at, (size_t)(reader->end - reader->at), &valid);
		if (!valid)
			return false;
		if (c == '"')
			return true;
		if (c == '\\' && !read_escape(reader))
			return false;
	}
	return false;
}

static bool read_member(struct reader *reader)
{
	if (!read_string(reader))
		return false;
	skip_blanks(reader);
	if (!take(reader, ':'))
		return false;
	skip_blanks(reader);
	return read_value(reader);
}

/* What is between `open`, already taken, and `close`. */
static bool read_list(struct reader *reader, bool (*read_one)(struct reader *), char close)
{
	if (++reader->depth > DEPTH_MAX)
		return false;
	skip_blanks(reader);
	if (!take(reader, close)) {
		do {
			skip_blanks(reader);
			if (!read_one(reader))
				return false;
			skip_blanks(reader);
		} while (take(reader, ','));
		if (!take(reader, close))
			return false;
	}
	reader->depth--;
	return true;
}

static bool read_value(struct reader *reader)
{
	switch (peek(reader)) {
	case '{':
		reader->at++;
		return read_list(reader, read_member, '}');
	case '[':
		reader->at++;
		return read_list(reader, read_value, ']');
	case '"':
		return read_string(reader);
	case 't':
		return take_word(reader, "true");
	case 'f':
		return take_word(reader, "false");
	case 'n':
		return take_word(reader, "null");
	default:
		return read_number(reader);
	}
}

bool json_check_object(const char *text, size_t length)
{
	struct reader reader = { .at = text, .end = text + length };

	skip_blanks(&reader);
	if (peek(&reader) != '{' || !read_value(&reader))
		return false;
	skip_blanks(&reader);
	return reader.at == reader.end;
}
