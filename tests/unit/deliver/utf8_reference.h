/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 repair as the WHATWG Encoding Standard writes it down (a decoder with a state, byte by
 * byte), to compare the product's with: a different algorithm for the same definition.
 */
#ifndef RINGTAIL_TESTS_UTF8_REFERENCE_H
#define RINGTAIL_TESTS_UTF8_REFERENCE_H

#include "base/buffer.h"

struct utf8_decoder {
	unsigned int seen, needed, lower, upper;
	unsigned char bytes[4];
};

static inline void utf8_reference_repair(const char *text, size_t length, struct buffer *ret)
{
	struct utf8_decoder d = { .lower = 0x80, .upper = 0xbf };

	for (size_t i = 0; i < length; i++) {
		unsigned char b = (unsigned char)text[i];

		if (d.needed == 0) {
			if (b < 0x80) {
				buffer_append(ret, &b, 1);
				continue;
			}
			d = (struct utf8_decoder){ .lower = 0x80, .upper = 0xbf, .bytes = { b } };
			if (b >= 0xc2 && b <= 0xdf) {
				d.needed = 1;
			} else if (b >= 0xe0 && b <= 0xef) {
				d.needed = 2;
				d.lower = b == 0xe0 ? 0xa0 : 0x80;
				d.upper = b == 0xed ? 0x9f : 0xbf;
			} else if (b >= 0xf0 && b <= 0xf4) {
				d.needed = 3;
				d.lower = b == 0xf0 ? 0x90 : 0x80;
				d.upper = b == 0xf4 ? 0x8f : 0xbf;
			} else {
				buffer_append(ret, "\xef\xbf\xbd", 3);
			}
			continue;
		}
		if (b < d.lower || b > d.upper) {
			d.needed = 0;
			buffer_append(ret, "\xef\xbf\xbd", 3);
			i--;
			continue;
		}
		d.lower = 0x80;
		d.upper = 0xbf;
		d.bytes[++d.seen] = b;
		if (d.seen == d.needed) {
			buffer_append(ret, d.bytes, d.seen + 1);
			d.needed = 0;
		}
	}
	if (d.needed)
		buffer_append(ret, "\xef\xbf\xbd", 3);
}

#endif
