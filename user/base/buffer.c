/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>

enum { SMALLEST = 64 };

int buffer_reserve(struct buffer *buffer, size_t extra)
{
	size_t wanted, capacity = buffer->capacity;
	char *data;

	if (__builtin_add_overflow(buffer->size, extra, &wanted) || wanted > SIZE_MAX / 2)
		return -ENOMEM;
	if (wanted <= capacity)
		return 0;
	if (capacity < SMALLEST)
		capacity = SMALLEST;
	while (capacity < wanted)
		capacity *= 2;
	data = realloc(buffer->data, capacity);
	if (!data)
		return -ENOMEM;
	buffer->data = data;
	buffer->capacity = capacity;
	return 0;
}

int buffer_append(struct buffer *buffer, const void *bytes, size_t count)
{
	int r = buffer_reserve(buffer, count);

	if (r < 0)
		return r;
	if (count)
		memcpy(buffer->data + buffer->size, bytes, count);
	buffer->size += count;
	return 0;
}

int buffer_append_text(struct buffer *buffer, const char *text)
{
	return buffer_append(buffer, text, strlen(text));
}

int buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list arguments, again;
	int length, r;

	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	r = length < 0 ? -EINVAL : buffer_reserve(buffer, (size_t)length + 1);
	if (r == 0) {
		vsnprintf(buffer->data + buffer->size, (size_t)length + 1, format, again);
		buffer->size += (size_t)length;
	}
	va_end(again);
	return r;
}

void buffer_consume(struct buffer *buffer, size_t count)
{
	assert(count <= buffer->size);
	buffer->size -= count;
	if (buffer->size)
		memmove(buffer->data, buffer->data + count, buffer->size);
}

void buffer_release(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){ 0 };
}
