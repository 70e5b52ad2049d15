/* SPDX-License-Identifier: Apache-2.0 */
#include "control/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_COMPARED = 48 }; /* bytes; the longest key has 26 */

static bool is_continuation(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

int text_next(const char **at, uint32_t *ret)
{
	/* The smallest code point that needs so many bytes: anything below is an overlong form. */
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *bytes = (const unsigned char *)*at;
	size_t length = bytes[0] < 0x80	  ? 1
			: bytes[0] < 0xc0 ? 0
			: bytes[0] < 0xe0 ? 2
			: bytes[0] < 0xf0 ? 3
			: bytes[0] < 0xf8 ? 4
					  : 0;
	uint32_t code;

	if (length == 0)
		return -EILSEQ;
	code = length == 1 ? bytes[0] : bytes[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		if (!is_continuation(bytes[i]))
			return -EILSEQ;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return -EILSEQ;
	*at += length;
	*ret = code;
	return 0;
}

static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

bool text_is_clean(const char *text, bool controls)
{
	uint32_t code;

	while (*text)
		if (text_next(&text, &code) < 0 || (!controls && is_control(code)))
			return false;
	return true;
}

size_t text_length(const char *text)
{
	size_t length = 0;

	for (; *text; text++)
		length += !is_continuation((unsigned char)*text);
	return length;
}

void text_show(const char *text, char ret[static TEXT_SHOWN_SIZE])
{
	size_t room = TEXT_SHOWN_SIZE - sizeof("...");
	char *to = ret;

	while (*text) {
		const char *next = text;
		char piece[5] = "";
		uint32_t code;

		if (text_next(&next, &code) == 0 && !is_control(code)) {
			memcpy(piece, text, (size_t)(next - text));
		} else {
			snprintf(piece, sizeof(piece), "\\x%02x", (unsigned char)*text);
			next = text + 1;
		}
		if (strlen(piece) > room) {
			strcpy(to, "...");
			return;
		}
		room -= strlen(piece);
		to = stpcpy(to, piece);
		text = next;
	}
	*to = '\0';
}

size_t text_distance(const char *a, const char *b)
{
	size_t a_length = strlen(a), b_length = strlen(b);
	size_t row[NAME_MAX_COMPARED + 1];

	if (a_length > NAME_MAX_COMPARED || b_length > NAME_MAX_COMPARED)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_length; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b_length];
}

bool text_is_near(const char *typed, size_t distance)
{
	return distance <= 1 + strlen(typed) / 6;
}

int text_complain(char **ret_error, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(ret_error, format, arguments);
	va_end(arguments);
	if (length < 0) {
		*ret_error = NULL;
		return -ENOMEM;
	}
	return -EINVAL;
}
