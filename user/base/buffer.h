/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte buffer that grows by doubling. Zero-initialised is empty and valid; buffer_release frees
 * the memory and leaves it so again. Appending either succeeds whole or returns -ENOMEM and changes
 * nothing. Bounds are the caller's business: he knows what the bytes are.
 */
#ifndef RINGTAIL_BASE_BUFFER_H
#define RINGTAIL_BASE_BUFFER_H

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

struct buffer {
	char *data;
	size_t size;
	size_t capacity;
};

#define _cleanup_buffer_ _cleanup_(buffer_release)

/*
 * Makes room for `extra` bytes behind `size`; the caller may then write there and add to `size`
 * himself.
 */
int buffer_reserve(struct buffer *buffer, size_t extra);
int buffer_append(struct buffer *buffer, const void *bytes, size_t count);
int buffer_append_text(struct buffer *buffer, const char *text);
int buffer_printf(struct buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Drops `count` bytes from the front. */
void buffer_consume(struct buffer *buffer, size_t count);
void buffer_release(struct buffer *buffer);

static inline void buffer_clear(struct buffer *buffer)
{
	buffer->size = 0;
}

#endif
