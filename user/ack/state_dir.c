/* SPDX-License-Identifier: Apache-2.0 */
#include "ack/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/explain.h"

struct state_dir {
	int lock;
};

static int make_directories(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(copy, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* The holder wrote his pid when he took the lock. */
static long read_holder(int lock)
{
	char text[32] = "";

	return pread(lock, text, sizeof(text) - 1, 0) > 0 ? atol(text) : 0;
}

int state_dir_open(const char *path, struct state_dir **ret, char **ret_error)
{
	_cleanup_free_ char *lock_path = NULL;
	_cleanup_close_ int lock = -1;
	int r = make_directories(path);

	if (r < 0)
		return explain(r, ret_error,
			       "state_dir %s: %s; choose a directory that can be written", path,
			       strerror(-r));
	if (asprintf(&lock_path, "%s/lock", path) < 0)
		return -ENOMEM;
	lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return explain(-errno, ret_error, "%s: %s; choose a state_dir that can be written",
			       lock_path, strerror(errno));
	if (flock(lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return explain(-errno, ret_error, "%s: %s", lock_path, strerror(errno));
		return explain(
			-EBUSY, ret_error,
			"another agent, pid %ld, uses state_dir %s; stop it or choose another "
			"state_dir",
			read_holder(lock), path);
	}
	if (ftruncate(lock, 0) < 0 || dprintf(lock, "%ld\n", (long)getpid()) < 0)
		return explain(-errno, ret_error, "%s: %s", lock_path, strerror(errno));
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	(*ret)->lock = TAKE_FD(lock);
	return 0;
}

struct state_dir *state_dir_free(struct state_dir *state_dir)
{
	if (state_dir) {
		close(state_dir->lock);
		free(state_dir);
	}
	return NULL;
}
