/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks JSON text and hands out the spans of its values without decoding them: what nobody asks for
 * is stepped over, never copied. Only the shape is checked on the way; who wants a span's content
 * gives it to jansson, which checks the rest. No recursion, no allocation, linear time.
 */
#ifndef RINGTAIL_METADATA_JSON_WALK_H
#define RINGTAIL_METADATA_JSON_WALK_H

#include <stdbool.h>
#include <stddef.h>

/* One value, without blanks around it; size 0: absent. */
struct json_span {
	const char *at;
	size_t size;
};

struct json_walk {
	const char *at, *end;
	char close;
	bool first;
};

enum json_step { JSON_STEP_END, JSON_STEP_VALUE };

/* `open` is '[' or '{'. -EBADMSG: the value is something else. */
int json_walk_begin(struct json_walk *walk, struct json_span value, char open);
/* JSON_STEP_VALUE fills both; an array's values have no key. A key includes its quotes. */
int json_walk_next(struct json_walk *walk, struct json_span *ret_key, struct json_span *ret_value);

/* Fills ret[i] with the member called names[i], the last one of several. -EBADMSG: no object. */
int json_pick(struct json_span object, const char *const *names, size_t count,
	      struct json_span *ret);

bool json_span_is(struct json_span span, const char *text);

#endif
