/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata/log_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct directory {
	DIR *stream;
};

static int directory_open(int parent_fd, const char *path, struct directory *ret)
{
	_cleanup_close_ int fd = openat(parent_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream;

	if (fd < 0)
		return -errno;
	stream = fdopendir(fd);
	if (!stream)
		return -errno;
	TAKE_FD(fd);
	ret->stream = stream;
	return 0;
}

static void directory_release(struct directory *directory)
{
	if (directory->stream)
		closedir(directory->stream);
}

/* NULL at the end, and on an error, which is the end for us as well. */
static const struct dirent *directory_next(struct directory *directory)
{
	const struct dirent *entry;

	do {
		entry = readdir(directory->stream);
	} while (entry && entry->d_name[0] == '.');
	return entry;
}

void log_dir_names_release(struct log_dir_names *names)
{
	free(names->namespace);
	free(names->pod);
	free(names->container);
	*names = (struct log_dir_names){ 0 };
}

/* Copies what Kubernetes accepts as a name; -EINVAL: it is something else. */
static int copy_name(const char *text, size_t length, char **ret)
{
	char *copy;

	if (length == 0)
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-.", text[i]))
			return -EINVAL;
	copy = strndup(text, length);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

static bool ends_with(const char *text, size_t length, const char *suffix)
{
	size_t tail = strlen(suffix);

	return length > tail && memcmp(text + length - tail, suffix, tail) == 0;
}

/* <pod>_<namespace>_<container>; names have no underscores, so a third one makes a bad name. */
static int split_link(const char *text, size_t length, struct log_dir_names *ret)
{
	_cleanup_log_dir_names_ struct log_dir_names names = { 0 };
	const char *end = text + length, *first, *second;
	int r;

	first = memchr(text, '_', length);
	second = first ? memchr(first + 1, '_', (size_t)(end - first - 1)) : NULL;
	if (!second)
		return -EINVAL;
	r = copy_name(text, (size_t)(first - text), &names.pod);
	if (r == 0)
		r = copy_name(first + 1, (size_t)(second - first - 1), &names.namespace);
	if (r == 0)
		r = copy_name(second + 1, (size_t)(end - second - 1), &names.container);
	if (r < 0)
		return r;
	*ret = TAKE(names, (struct log_dir_names){ 0 });
	return 0;
}

static int find_link(const char *links_dir, const char *id, struct log_dir_names *ret)
{
	_cleanup_(directory_release) struct directory links = { 0 };
	char suffix[sizeof("-.log") + CONTAINER_ID_SIZE];
	const struct dirent *entry;
	int r;

	if (!id[0])
		return -ENOENT;
	snprintf(suffix, sizeof(suffix), "-%s.log", id);
	r = directory_open(AT_FDCWD, links_dir, &links);
	if (r < 0)
		return r;
	while ((entry = directory_next(&links))) {
		size_t length = strlen(entry->d_name);

		if (!ends_with(entry->d_name, length, suffix))
			continue;
		r = split_link(entry->d_name, length - strlen(suffix), ret);
		if (r != -EINVAL)
			return r;
	}
	return -ENOENT;
}

static bool is_directory(struct directory *parent, const struct dirent *entry)
{
	struct stat status;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dirfd(parent->stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status.st_mode);
}

/* The only directory in a pod's directory. *ret stays NULL when there are none or several. */
static int find_only_container(struct directory *pods, const char *pod_dir, char **ret)
{
	_cleanup_(directory_release) struct directory pod = { 0 };
	_cleanup_free_ char *only = NULL;
	const struct dirent *entry;
	int r;

	r = directory_open(dirfd(pods->stream), pod_dir, &pod);
	if (r < 0)
		return 0; /* the pod went in between: its directory's name still tells */
	while ((entry = directory_next(&pod))) {
		if (!is_directory(&pod, entry))
			continue;
		if (only)
			return 0;
		r = copy_name(entry->d_name, strlen(entry->d_name), &only);
		if (r < 0)
			return r == -EINVAL ? 0 : r;
	}
	*ret = TAKE_PTR(only);
	return 0;
}

/* <namespace>_<pod> of `length`. */
static int split_pod_dir(const char *text, size_t length, struct log_dir_names *ret)
{
	_cleanup_log_dir_names_ struct log_dir_names names = { 0 };
	const char *delimiter = memchr(text, '_', length);
	int r;

	if (!delimiter)
		return -EINVAL;
	r = copy_name(text, (size_t)(delimiter - text), &names.namespace);
	if (r == 0)
		r = copy_name(delimiter + 1, (size_t)(text + length - delimiter - 1), &names.pod);
	if (r < 0)
		return r;
	*ret = TAKE(names, (struct log_dir_names){ 0 });
	return 0;
}

static int find_pod_dir(const char *pod_logs_dir, const char *pod_uid, struct log_dir_names *ret)
{
	_cleanup_(directory_release) struct directory pods = { 0 };
	_cleanup_log_dir_names_ struct log_dir_names names = { 0 };
	char suffix[sizeof("_") + POD_UID_SIZE];
	const struct dirent *entry;
	int r;

	if (!pod_uid[0])
		return -ENOENT;
	snprintf(suffix, sizeof(suffix), "_%s", pod_uid);
	r = directory_open(AT_FDCWD, pod_logs_dir, &pods);
	if (r < 0)
		return r;
	while ((entry = directory_next(&pods))) {
		size_t length = strlen(entry->d_name);

		if (!ends_with(entry->d_name, length, suffix) || !is_directory(&pods, entry))
			continue;
		r = split_pod_dir(entry->d_name, length - strlen(suffix), &names);
		if (r == -EINVAL)
			continue;
		if (r == 0)
			r = find_only_container(&pods, entry->d_name, &names.container);
		if (r < 0)
			return r;
		*ret = TAKE(names, (struct log_dir_names){ 0 });
		return 0;
	}
	return -ENOENT;
}

/*
 * Beside the directory as it is called, not as it lies: nodes whose /var/log/pods is a link to
 * another disk keep /var/log/containers.
 */
static char *links_dir_of(const char *pod_logs_dir)
{
	size_t length = strlen(pod_logs_dir);
	char *path;

	while (length > 0 && pod_logs_dir[length - 1] == '/')
		length--;
	while (length > 0 && pod_logs_dir[length - 1] != '/')
		length--;
	return asprintf(&path, "%.*scontainers", (int)length, pod_logs_dir) < 0 ? NULL : path;
}

int log_dir_find(const char *pod_logs_dir, const struct container_id *id, struct log_dir_names *ret)
{
	_cleanup_free_ char *links_dir = links_dir_of(pod_logs_dir);
	int r;

	if (!links_dir)
		return -ENOMEM;
	r = find_link(links_dir, id->id, ret);
	if (r == 0 || r == -ENOMEM)
		return r;
	return find_pod_dir(pod_logs_dir, id->pod_uid, ret);
}
