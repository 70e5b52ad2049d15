/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/visible.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Bytes of the UTF-8 sequence at `text`, 0 when there is none: no overlong forms, surrogates or
 * values above U+10FFFF.
 */
static size_t sequence_length(const unsigned char *text, size_t left)
{
	static const struct {
		unsigned char first_low, first_high, second_low, second_high;
		size_t length;
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	if (text[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (text[0] < forms[i].first_low || text[0] > forms[i].first_high)
			continue;
		if (left < forms[i].length || text[1] < forms[i].second_low ||
		    text[1] > forms[i].second_high)
			return 0;
		for (size_t at = 2; at < forms[i].length; at++)
			if ((text[at] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

static bool is_control(const unsigned char *text, size_t length)
{
	return (length == 1 && ((text[0] < 0x20 && text[0] != '\t') || text[0] == 0x7f)) ||
	       (length == 2 && text[0] == 0xc2 && text[1] < 0xa0);
}

int visible_append(struct buffer *buffer, const char *text, size_t length)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + length, *plain = at;
	int r = 0;

	while (at < end && r == 0) {
		size_t sequence = sequence_length(at, (size_t)(end - at));

		if (sequence > 0 && !is_control(at, sequence)) {
			at += sequence;
			continue;
		}
		r = buffer_append(buffer, plain, (size_t)(at - plain));
		if (r == 0)
			r = buffer_printf(buffer, sequence == 2 ? "\\u00%02x" : "\\x%02x",
					  sequence == 2 ? at[1] : at[0]);
		at += sequence ? sequence : 1;
		plain = at;
	}
	return r ? r : buffer_append(buffer, plain, (size_t)(end - plain));
}
