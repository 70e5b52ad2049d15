/* SPDX-License-Identifier: Apache-2.0 */
#include "source/cgroup_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

enum {
	DEPTH_MAX = 32,	      /* of the walk; deeper trees are somebody's mistake */
	HANDLE_KERNFS = 0xfe, /* FILEID_KERNFS: the handle is the 64-bit id */
};

struct cgroup_tree {
	const char *root;
	int fd; /* of the root directory */
};

int cgroup_tree_open(struct cgroup_tree **ret)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs found;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct cgroup_tree *tree;
		int fd;

		if (statfs(places[i], &found) < 0 || found.f_type != CGROUP2_SUPER_MAGIC)
			continue;
		fd = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		tree = calloc(1, sizeof(*tree));
		if (!tree) {
			close(fd);
			return -ENOMEM;
		}
		*tree = (struct cgroup_tree){ .root = places[i], .fd = fd };
		*ret = tree;
		return 0;
	}
	return -ENOENT;
}

struct cgroup_tree *cgroup_tree_free(struct cgroup_tree *tree)
{
	if (tree) {
		close(tree->fd);
		free(tree);
	}
	return NULL;
}

const char *cgroup_tree_root(const struct cgroup_tree *tree)
{
	return tree->root;
}

/* The kernel opens a cgroup by its id, and /proc says what that is called. */
int cgroup_tree_path_of(const struct cgroup_tree *tree, uint64_t id, char **ret_path)
{
	union {
		struct file_handle handle;
		char space[sizeof(struct file_handle) + sizeof(uint64_t)];
	} key = { .handle = { .handle_bytes = sizeof(id), .handle_type = HANDLE_KERNFS } };
	_cleanup_close_ int fd = -1;
	char link[64], path[PATH_MAX];
	size_t root = strlen(tree->root);
	ssize_t length;

	memcpy(key.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(tree->fd, &key.handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ESTALE ? -ENOENT : -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0)
		return -errno;
	path[length] = '\0';
	if (strncmp(path, tree->root, root) != 0 || strstr(path, " (deleted)"))
		return -ENOENT;
	*ret_path = strdup(path[root] ? path + root : "/");
	return *ret_path ? 0 : -ENOMEM;
}

int cgroup_tree_id_of(const struct cgroup_tree *tree, const char *path, uint64_t *ret_id)
{
	struct stat found;

	while (*path == '/')
		path++;
	if (fstatat(tree->fd, *path ? path : ".", &found, 0) < 0)
		return -errno;
	if (!S_ISDIR(found.st_mode))
		return -ENOTDIR;
	*ret_id = found.st_ino;
	return 0;
}

struct walk {
	int (*call)(void *context, uint64_t id, const char *path);
	void *context;
	char path[PATH_MAX];
};

/* Reads the directory at walk->path, which fd is of (and takes fd). */
static int walk_directory(struct walk *walk, int fd, int depth)
{
	DIR *directory = fdopendir(fd);
	size_t length = strlen(walk->path);
	struct dirent *entry;
	struct stat found;
	int r = 0;

	if (!directory) {
		close(fd);
		return -errno;
	}
	while (r == 0 && (entry = readdir(directory))) {
		int below;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (length + 1 + strlen(entry->d_name) >= sizeof(walk->path))
			continue;
		if (fstatat(dirfd(directory), entry->d_name, &found, 0) < 0)
			continue; /* it went away meanwhile */
		snprintf(walk->path + length, sizeof(walk->path) - length, "/%s", entry->d_name);
		r = walk->call(walk->context, found.st_ino, walk->path);
		if (r == 0 && depth < DEPTH_MAX) {
			below = openat(dirfd(directory), entry->d_name,
				       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (below >= 0)
				r = walk_directory(walk, below, depth + 1);
		}
		if (r == -ECANCELED)
			r = 0;
		walk->path[length] = '\0';
	}
	closedir(directory);
	return r;
}

int cgroup_tree_walk(const struct cgroup_tree *tree,
		     int (*call)(void *context, uint64_t id, const char *path), void *context)
{
	struct walk walk = { .call = call, .context = context };
	int fd = openat(tree->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : walk_directory(&walk, fd, 0);
}
