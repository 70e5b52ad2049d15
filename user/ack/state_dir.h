/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's directory for what it must remember. One agent at a time: the lock is held as long as
 * the process lives, however it ends.
 */
#ifndef RINGTAIL_ACK_STATE_DIR_H
#define RINGTAIL_ACK_STATE_DIR_H

#include "base/cleanup.h"

struct state_dir;

/*
 * Makes the directory (0700) when it is not there, and takes its lock. On failure *ret_error
 * (caller frees) is one line; -EBUSY: another agent has it, and the line names its pid.
 */
int state_dir_open(const char *path, struct state_dir **ret, char **ret_error);
struct state_dir *state_dir_free(struct state_dir *state_dir);
DEFINE_CLEANUP(struct state_dir *, state_dir_free)

#endif
