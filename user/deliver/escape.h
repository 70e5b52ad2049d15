/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text on its way into JSON strings: UTF-8 repaired and escaped in one pass over the bytes, as
 * often as it is nested. A record in PutLogEvents' body is JSON inside a JSON string, so its text
 * is escaped twice, while the service counts it as escaped once: both depths are given. Cuts only
 * between characters, and never inside an escape.
 */
#ifndef RINGTAIL_DELIVER_ESCAPE_H
#define RINGTAIL_DELIVER_ESCAPE_H

#include <stdint.h>

#include "base/buffer.h"

enum escape_depth { ESCAPE_NONE, ESCAPE_ONCE, ESCAPE_TWICE };

struct escape_run {
	const char *text;          /* what is left of it */
	const char *end;
	enum escape_depth counted; /* the depth that counts against the budget: NONE or ONCE */
	enum escape_depth written; /* the depth that is written down */
	size_t budget;             /* bytes that may still be counted */
};

/*
 * Appends to `out` as much as the budget allows, and moves run->text and run->budget on. With text
 * left, the next character is larger than the budget. -ENOMEM: run and `out` may have moved on.
 */
int escape_append(struct escape_run *run, struct buffer *out);

/* Appends all of it, escaped to that depth. */
int escape_append_all(enum escape_depth depth, const char *text, size_t length, struct buffer *out);

int escape_append_decimal(uint64_t number, struct buffer *out);

#endif
