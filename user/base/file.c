/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { CHUNK_SIZE = 4096 };

int file_read(const char *path, size_t limit, struct buffer *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_buffer_ struct buffer content = { 0 };
	int r;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t got;

		r = buffer_reserve(&content, CHUNK_SIZE);
		if (r < 0)
			return r;
		got = read(fd, content.data + content.size, CHUNK_SIZE - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		content.size += (size_t)got;
		if (content.size > limit)
			return -EFBIG;
	}
	r = buffer_reserve(ret, content.size + 1);
	if (r < 0)
		return r;
	buffer_append(ret, content.data, content.size);
	ret->data[ret->size] = '\0';
	return 0;
}

int file_write_all(int fd, const void *bytes, size_t count)
{
	const char *at = bytes;

	while (count > 0) {
		ssize_t written = write(fd, at, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		at += written;
		count -= (size_t)written;
	}
	return 0;
}

int file_write_value(const char *path, const char *value)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		return -errno;
	return 0;
}
