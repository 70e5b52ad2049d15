/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups as runc makes them: the same path in the v2 hierarchy (pure at /sys/fs/cgroup, or
 * hybrid at /sys/fs/cgroup/unified) and, when asked on a hybrid machine, in v1 hierarchies; in the
 * shape of the kubelet's cgroupfs or systemd driver.
 */
#ifndef RINGTAIL_TESTS_FAKE_RUNTIME_CGROUP_H
#define RINGTAIL_TESTS_FAKE_RUNTIME_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum { CGROUP_HIERARCHIES_MAX = 8 };

struct cgroup {
	char path[PATH_MAX]; /* relative to the hierarchy: "/kubepods/..." */
	char directories[CGROUP_HIERARCHIES_MAX][PATH_MAX]; /* absolute, the v2 one first */
	size_t count;
};

/*
 * `driver` is "cgroupfs" or "systemd", `qos` "guaranteed", "burstable" or "besteffort". -EINVAL:
 * neither.
 */
int cgroup_path(const char *driver, const char *qos, const char *uid, const char *id, size_t size,
		char *ret);
/* `v1` names hierarchies, separated by commas ("memory,pids,systemd"); NULL or "": none. */
int cgroup_create(const char *path, const char *v1, struct cgroup *ret);
/* SIGKILL to whatever is left inside. */
void cgroup_kill(const struct cgroup *cgroup);
/*
 * Removes it and its children; -EBUSY while a process is inside. The pod's level goes too when it
 * became empty.
 */
int cgroup_remove(const struct cgroup *cgroup);
/* The inode number of the v2 directory: the cgroup's id. */
unsigned long long cgroup_id(const struct cgroup *cgroup);

#endif
