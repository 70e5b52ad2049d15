/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope-bound ownership: an owning local wears its destructor, an escape says TAKE_PTR or TAKE_FD.
 *
 * _cleanup_free_ char *path = strdup(name);
 *
 * _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
 *
 * _cleanup_(batch_freep) struct batch *batch = NULL;
 *
 * A module that has foo_new and foo_free declares its own foo_freep with DEFINE_CLEANUP(struct foo
 * *, foo_free).
 */
#ifndef RINGTAIL_BASE_CLEANUP_H
#define RINGTAIL_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)

#define TAKE(variable, empty)                                                                      \
	({                                                                                         \
		__typeof__(variable) *_p = &(variable);                                            \
		__typeof__(variable) _v = *_p;                                                     \
		*_p = (empty);                                                                     \
		_v;                                                                                \
	})
#define TAKE_PTR(pointer) TAKE(pointer, NULL)
#define TAKE_FD(fd) TAKE(fd, -1)

#define DEFINE_CLEANUP(type, free_function)                                                        \
	static inline __attribute__((unused)) void free_function##p(type *pointer)                 \
	{                                                                                          \
		if (*pointer)                                                                      \
			*pointer = free_function(*pointer);                                        \
	}

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

#endif
