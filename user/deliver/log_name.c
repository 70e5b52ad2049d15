/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/log_name.h"

#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "deliver/utf8.h"

enum {
	KEPT_BYTES = 495,  /* and `-` and the digits: 512 */
	DIGEST_BYTES = 8,  /* two digits each */
};

/* Asked for valid characters only. */
typedef bool (*character_rule)(const char *character, size_t length);

static bool allowed_in_group(const char *character, size_t length)
{
	char c = *character;

	return length == 1 && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			       (c >= '0' && c <= '9') || strchr(".-_/#", c));
}

/* Control characters: C0, DEL and C1, which is 0xc2 and 0x80 to 0x9f. */
static bool allowed_in_stream(const char *character, size_t length)
{
	const unsigned char *c = (const unsigned char *)character;

	if (length == 1)
		return *c >= 0x20 && *c != 0x7f && *c != ':' && *c != '*';
	return c[0] != 0xc2 || c[1] >= 0xa0;
}

static void put_digest(const char *text, size_t length, char *to)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)text, length, digest);
	*to++ = '-';
	for (int i = 0; i < DIGEST_BYTES; i++)
		to += sprintf(to, "%02x", digest[i]);
}

static void make_name(const char *text, character_rule allowed, char ret[static LOG_NAME_SIZE])
{
	const char *end = text + strlen(text), *at = text;
	size_t size = 0, kept = 0; /* `kept`: behind the last character within KEPT_BYTES */

	while (at < end) {
		bool valid;
		size_t length = utf8_measure(at, (size_t)(end - at), &valid);
		bool keep = valid && allowed(at, length);
		size_t written = keep ? length : 1;

		if (size + written >= LOG_NAME_SIZE) {
			put_digest(text, (size_t)(end - text), ret + kept);
			return;
		}
		memcpy(ret + size, keep ? at : "_", written);
		size += written;
		at += length;
		if (size <= KEPT_BYTES)
			kept = size;
	}
	ret[size] = '\0';
}

void log_group_name(const char *text, char ret[static LOG_NAME_SIZE])
{
	make_name(*text ? text : "unknown", allowed_in_group, ret);
}

void log_stream_name(const char *text, char ret[static LOG_NAME_SIZE])
{
	make_name(*text ? text : "unknown", allowed_in_stream, ret);
}
