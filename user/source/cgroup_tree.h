/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unified cgroup hierarchy as a file system: where it is mounted, the path of an id and the id
 * of a path, and a walk over all. Paths are relative to its root ("/kubepods.slice/…"); ids are the
 * kernel's, as BPF reports them.
 */
#ifndef RINGTAIL_SOURCE_CGROUP_TREE_H
#define RINGTAIL_SOURCE_CGROUP_TREE_H

#include <stdint.h>

#include "base/cleanup.h"

struct cgroup_tree;

/*
 * Looks at /sys/fs/cgroup, then /sys/fs/cgroup/unified (hybrid). -ENOENT: neither is a cgroup2 file
 * system.
 */
int cgroup_tree_open(struct cgroup_tree **ret);
struct cgroup_tree *cgroup_tree_free(struct cgroup_tree *tree);
DEFINE_CLEANUP(struct cgroup_tree *, cgroup_tree_free)

const char *cgroup_tree_root(const struct cgroup_tree *tree); /* the mount point */

/* -ENOENT: no such cgroup (any more). *ret_path is the caller's to free. */
int cgroup_tree_path_of(const struct cgroup_tree *tree, uint64_t id, char **ret_path);
int cgroup_tree_id_of(const struct cgroup_tree *tree, const char *path, uint64_t *ret_id);

/*
 * Every cgroup below the root, parents first. The call may say -ECANCELED to leave out what is
 * below; others end the walk.
 */
int cgroup_tree_walk(const struct cgroup_tree *tree,
		     int (*call)(void *context, uint64_t id, const char *path), void *context);

#endif
