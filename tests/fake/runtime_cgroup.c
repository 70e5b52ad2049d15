/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime_cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"
enum { CGROUP2_MAGIC = 0x63677270 };

static int cgroupfs_path(const char *qos, const char *uid, const char *id, size_t size, char *ret)
{
	const char *level = strcmp(qos, "guaranteed") == 0  ? ""
			    : strcmp(qos, "burstable") == 0 ? "/burstable"
							    : "/besteffort";

	return snprintf(ret, size, "/kubepods%s/pod%s/%s", level, uid, id);
}

/* systemd's names cannot hold the uid's dashes: they mean levels. */
static int systemd_path(const char *qos, const char *uid, const char *id, size_t size, char *ret)
{
	char escaped[64] = "";

	snprintf(escaped, sizeof(escaped), "%s", uid);
	for (char *dash = strchr(escaped, '-'); dash; dash = strchr(dash, '-'))
		*dash = '_';
	if (strcmp(qos, "guaranteed") == 0)
		return snprintf(ret, size,
				"/kubepods.slice/kubepods-pod%s.slice/cri-containerd-%s.scope",
				escaped, id);
	return snprintf(
		ret, size,
		"/kubepods.slice/kubepods-%s.slice/kubepods-%s-pod%s.slice/cri-containerd-%s.scope",
		qos, qos, escaped, id);
}

int cgroup_path(const char *driver, const char *qos, const char *uid, const char *id, size_t size,
		char *ret)
{
	int length;

	if (strcmp(qos, "guaranteed") != 0 && strcmp(qos, "burstable") != 0 &&
	    strcmp(qos, "besteffort") != 0)
		return -EINVAL;
	if (strcmp(driver, "cgroupfs") == 0)
		length = cgroupfs_path(qos, uid, id, size, ret);
	else if (strcmp(driver, "systemd") == 0)
		length = systemd_path(qos, uid, id, size, ret);
	else
		return -EINVAL;
	return length >= (int)size ? -ENAMETOOLONG : 0;
}

static bool is_cgroup2(const char *path)
{
	struct statfs status;

	return statfs(path, &status) == 0 && status.f_type == CGROUP2_MAGIC;
}

static int make_directory(const char *root, const char *path)
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof(copy), "%s%s", root, path) >= (int)sizeof(copy))
		return -ENAMETOOLONG;
	for (char *slash = strchr(copy + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(copy, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int add_hierarchy(struct cgroup *cgroup, const char *root, const char *path)
{
	int error = -ENOENT;

	if (cgroup->count == CGROUP_HIERARCHIES_MAX)
		return -E2BIG;
	if (snprintf(cgroup->directories[cgroup->count], PATH_MAX, "%s%s", root, path) >= PATH_MAX)
		return -ENAMETOOLONG;
	/* Another runtime may remove an empty parent between two steps. */
	for (int attempt = 0; attempt < 8 && error == -ENOENT; attempt++)
		error = make_directory(root, path);
	if (error == 0)
		cgroup->count++;
	return error;
}

int cgroup_create(const char *path, const char *v1, struct cgroup *ret)
{
	bool pure = is_cgroup2(CGROUP_ROOT);
	char names[256] = "", *rest = names, *name;
	int error;

	memset(ret, 0, sizeof(*ret));
	if (snprintf(ret->path, sizeof(ret->path), "%s", path) >= (int)sizeof(ret->path))
		return -ENAMETOOLONG;
	if (!pure && !is_cgroup2(CGROUP_ROOT "/unified"))
		return -ENOTSUP;
	error = add_hierarchy(ret, pure ? CGROUP_ROOT : CGROUP_ROOT "/unified", path);
	if (error < 0 || pure || !v1)
		return error;
	snprintf(names, sizeof(names), "%s", v1);
	while (error == 0 && (name = strsep(&rest, ","))) {
		char root[300];

		if (!*name)
			continue;
		snprintf(root, sizeof(root), CGROUP_ROOT "/%s", name);
		error = access(root, F_OK) < 0 ? -errno : add_hierarchy(ret, root, path);
	}
	if (error < 0)
		cgroup_remove(ret);
	return error;
}

static void kill_inside(const char *directory)
{
	char path[PATH_MAX + 32];
	FILE *processes;
	int pid;

	snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
	processes = fopen(path, "re");
	if (!processes)
		return;
	while (fscanf(processes, "%d", &pid) == 1)
		if (pid > 0)
			kill(pid, SIGKILL);
	fclose(processes);
}

void cgroup_kill(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->count; i++)
		kill_inside(cgroup->directories[i]);
}

static int remove_tree(const char *directory)
{
	DIR *entries = opendir(directory);
	struct dirent *entry;
	int error = 0;

	if (!entries)
		return errno == ENOENT ? 0 : -errno;
	while (error == 0 && (entry = readdir(entries))) {
		char child[PATH_MAX + 260];

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(child, sizeof(child), "%s/%s", directory, entry->d_name);
		error = remove_tree(child);
	}
	closedir(entries);
	if (error == 0 && rmdir(directory) < 0 && errno != ENOENT)
		error = -errno;
	return error;
}

int cgroup_remove(const struct cgroup *cgroup)
{
	int result = 0;

	for (size_t i = 0; i < cgroup->count; i++) {
		char parent[PATH_MAX];
		char *slash;
		int error = remove_tree(cgroup->directories[i]);

		if (error < 0) {
			result = error;
			continue;
		}
		snprintf(parent, sizeof(parent), "%s", cgroup->directories[i]);
		slash = strrchr(parent, '/');
		*slash = '\0';
		slash = strrchr(parent, '/');
		if (slash && strstr(slash, "pod"))
			rmdir(parent);
	}
	return result;
}

unsigned long long cgroup_id(const struct cgroup *cgroup)
{
	struct stat status;

	return cgroup->count > 0 && stat(cgroup->directories[0], &status) == 0 ? status.st_ino : 0;
}
