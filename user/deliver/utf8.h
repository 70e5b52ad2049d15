/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 as Unicode's table 3-7 has it: shortest form, no surrogates, up to U+10FFFF. What is not
 * valid is measured in maximal subparts, each of which one U+FFFD stands for (Unicode 3.9, the
 * same as the WHATWG decoder): the cut is the same wherever reading begins between two of them.
 */
#ifndef RINGTAIL_DELIVER_UTF8_H
#define RINGTAIL_DELIVER_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd"

enum { UTF8_REPLACEMENT_SIZE = 3 };

/*
 * Bytes of the character at `text`, or of the maximal invalid subpart there; 1 to 4, never more
 * than `length`, which is not 0.
 */
static inline size_t utf8_measure(const char *text, size_t length, bool *ret_valid)
{
	const unsigned char *at = (const unsigned char *)text;
	unsigned char lead = at[0], low = 0x80, high = 0xbf;
	size_t wanted, have = 1;

	*ret_valid = lead < 0x80;
	if (lead < 0xc2 || lead > 0xf4)
		return 1;
	wanted = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	/* The second byte is where overlong forms, surrogates and what lies too high are seen. */
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	while (have < wanted && have < length && at[have] >= low && at[have] <= high) {
		have++;
		low = 0x80;
		high = 0xbf;
	}
	*ret_valid = have == wanted;
	return have;
}

#endif
