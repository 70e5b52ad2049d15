/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small whole-file input and output. Files that others write are bounded by the caller's `limit`.
 */
#ifndef RINGTAIL_BASE_FILE_H
#define RINGTAIL_BASE_FILE_H

#include <stddef.h>

#include "base/buffer.h"

/*
 * Appends the file's bytes and a NUL that `size` does not count; -EFBIG when there are more than
 * `limit`.
 */
int file_read(const char *path, size_t limit, struct buffer *ret);
/* Writes all of it, over partial writes and EINTR. */
int file_write_all(int fd, const void *bytes, size_t count);
/* Writes a short text into an existing file, as sysfs and cgroupfs want it: one write. */
int file_write_value(const char *path, const char *value);

#endif
