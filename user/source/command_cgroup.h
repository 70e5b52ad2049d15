/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cgroup of its own for one command, as a container runtime makes one: the command starts in it,
 * with pipes as stdout and stderr, and whatever it leaves behind is killed with it.
 */
#ifndef RINGTAIL_SOURCE_COMMAND_CGROUP_H
#define RINGTAIL_SOURCE_COMMAND_CGROUP_H

#include <sys/types.h>

#include "base/cleanup.h"

struct command_cgroup;

/* `path` is relative to the hierarchy's root; `root` its mount point. */
int command_cgroup_new(const char *root, const char *path, struct command_cgroup **ret);
/* Kills what is left in it and removes the directory. */
struct command_cgroup *command_cgroup_free(struct command_cgroup *cgroup);
DEFINE_CLEANUP(struct command_cgroup *, command_cgroup_free)

struct started_command {
	pid_t pid;
	int output[2]; /* read ends of its stdout and stderr, non-blocking; the caller's to close */
};

/*
 * Starts the command. Returns when it runs, or negative when it could not be executed: then errno's
 * value is exec's. `prepare` is called in the child just before exec, with all signals as the
 * caller has them.
 */
int command_cgroup_start(struct command_cgroup *cgroup, char *const *arguments,
			 void (*prepare)(void), struct started_command *ret);

/*
 * Kills every process in it, and removes it once they are gone. -EBUSY: some are still there; call
 * again.
 */
int command_cgroup_end(struct command_cgroup *cgroup);

#endif
