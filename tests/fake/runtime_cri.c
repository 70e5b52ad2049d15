/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime_cri.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	LINE_MAX_BYTES = 16384, /* containerd's max_container_log_line_size */
	HEADER_MAX = 64,
	OUTPUT_SIZE = 1 << 18,
};

struct half {
	char line[LINE_MAX_BYTES];
	size_t length;
	bool held_cr; /* a CR that waits to see whether LF follows */
	int raw_fd;
};

struct cri_log {
	char directory[PATH_MAX], path[PATH_MAX + 32], link[PATH_MAX];
	unsigned int restart;
	int fd;
	uint64_t size;
	struct half halves[CRI_STREAMS];
	char output[OUTPUT_SIZE];
	size_t pending; /* bytes in `output` */
	int error;	/* the first that writing met */
};

static const char *const stream_names[CRI_STREAMS] = { "stdout", "stderr" };

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, bytes, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		size -= (size_t)done;
	}
	return 0;
}

static void flush_output(struct cri_log *log)
{
	int error = write_all(log->fd, log->output, log->pending);

	if (error < 0 && log->error == 0)
		log->error = error;
	log->size += log->pending;
	log->pending = 0;
}

/* RFC 3339 with nanoseconds, UTC, trailing zeros cut: Go's RFC3339Nano. */
static int format_time(char *text, size_t size)
{
	struct timespec now;
	struct tm utc;
	char fraction[16];
	int length;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = snprintf(fraction, sizeof(fraction), ".%09ld", now.tv_nsec);
	while (length > 0 && fraction[length - 1] == '0')
		fraction[--length] = '\0';
	if (length == 1)
		fraction[0] = '\0';
	return snprintf(text, size, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", utc.tm_year + 1900,
			utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, fraction);
}

static void emit(struct cri_log *log, enum cri_stream stream, char tag)
{
	struct half *half = &log->halves[stream];
	char time[HEADER_MAX];
	int length;

	if (log->pending + HEADER_MAX + half->length + 1 > sizeof(log->output))
		flush_output(log);
	format_time(time, sizeof(time));
	length = snprintf(log->output + log->pending, HEADER_MAX, "%s %s %c ", time,
			  stream_names[stream], tag);
	log->pending += (size_t)length;
	memcpy(log->output + log->pending, half->line, half->length);
	log->pending += half->length;
	log->output[log->pending++] = '\n';
	half->length = 0;
}

static void put(struct cri_log *log, enum cri_stream stream, const char *bytes, size_t size)
{
	struct half *half = &log->halves[stream];

	while (size > 0) {
		size_t room, count;

		if (half->length == sizeof(half->line))
			emit(log, stream, 'P');
		room = sizeof(half->line) - half->length;
		count = size < room ? size : room;
		memcpy(half->line + half->length, bytes, count);
		half->length += count;
		bytes += count;
		size -= count;
	}
}

static void release_cr(struct cri_log *log, enum cri_stream stream)
{
	if (!log->halves[stream].held_cr)
		return;
	log->halves[stream].held_cr = false;
	put(log, stream, "\r", 1);
}

/* Bytes of one line, without its LF. */
static void put_holding_cr(struct cri_log *log, enum cri_stream stream, const char *bytes,
			   size_t size)
{
	if (size == 0)
		return;
	release_cr(log, stream);
	if (bytes[size - 1] == '\r') {
		log->halves[stream].held_cr = true;
		size--;
	}
	put(log, stream, bytes, size);
}

static int take_error(struct cri_log *log)
{
	int error = log->error;

	log->error = 0;
	return error;
}

int cri_log_feed(struct cri_log *log, enum cri_stream stream, const char *bytes, size_t size)
{
	struct half *half = &log->halves[stream];
	const char *end = bytes + size;

	if (half->raw_fd >= 0 && write_all(half->raw_fd, bytes, size) < 0 && log->error == 0)
		log->error = -EIO;
	while (bytes < end) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));

		put_holding_cr(log, stream, bytes, (size_t)((newline ? newline : end) - bytes));
		if (!newline)
			break;
		half->held_cr = false;
		emit(log, stream, 'F');
		bytes = newline + 1;
	}
	flush_output(log);
	return take_error(log);
}

int cri_log_end(struct cri_log *log, enum cri_stream stream)
{
	release_cr(log, stream);
	if (log->halves[stream].length > 0)
		emit(log, stream, 'P');
	flush_output(log);
	return take_error(log);
}

size_t cri_log_forget(struct cri_log *log)
{
	size_t gone = 0;

	for (int stream = 0; stream < CRI_STREAMS; stream++) {
		struct half *half = &log->halves[stream];

		gone += half->length + half->held_cr;
		half->length = 0;
		half->held_cr = false;
	}
	return gone;
}

uint64_t cri_log_size(const struct cri_log *log)
{
	return log->size;
}

static int open_log(struct cri_log *log)
{
	struct stat status;

	log->fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (log->fd < 0)
		return -errno;
	log->size = fstat(log->fd, &status) == 0 ? (uint64_t)status.st_size : 0;
	return 0;
}

static int make_directories(const char *path)
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return -ENAMETOOLONG;
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(copy, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_raw(struct cri_log *log)
{
	for (int stream = 0; stream < CRI_STREAMS; stream++) {
		char path[PATH_MAX + 32];

		snprintf(path, sizeof(path), "%s/%u.%s.raw", log->directory, log->restart,
			 stream_names[stream]);
		log->halves[stream].raw_fd =
			open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
		if (log->halves[stream].raw_fd < 0)
			return -errno;
	}
	return 0;
}

/* The link by which Fluent Bit and others find the file; the kubelet makes it. */
static int make_link(struct cri_log *log, const struct cri_names *names)
{
	char directory[PATH_MAX];
	int error, length;

	snprintf(directory, sizeof(directory), "%s/../containers", names->pods_dir);
	error = make_directories(directory);
	if (error < 0)
		return error;
	length = snprintf(log->link, sizeof(log->link), "%s/%s_%s_%s-%s.log", directory, names->pod,
			  names->namespace, names->container, names->id);
	if (length >= (int)sizeof(log->link))
		return -ENAMETOOLONG;
	return symlink(log->path, log->link) < 0 && errno != EEXIST ? -errno : 0;
}

int cri_log_new(const struct cri_names *names, struct cri_log **ret)
{
	struct cri_log *log = calloc(1, sizeof(*log));
	int error;

	if (!log)
		return -ENOMEM;
	log->fd = log->halves[CRI_STDOUT].raw_fd = log->halves[CRI_STDERR].raw_fd = -1;
	log->restart = names->restart;
	snprintf(log->directory, sizeof(log->directory), "%s/%s_%s_%s/%s", names->pods_dir,
		 names->namespace, names->pod, names->uid, names->container);
	snprintf(log->path, sizeof(log->path), "%s/%u.log", log->directory, names->restart);
	error = make_directories(log->directory);
	if (error == 0)
		error = open_log(log);
	if (error == 0 && names->raw)
		error = open_raw(log);
	if (error == 0)
		error = make_link(log, names);
	if (error < 0) {
		cri_log_free(log);
		return error;
	}
	*ret = log;
	return 0;
}

struct cri_log *cri_log_free(struct cri_log *log)
{
	if (!log)
		return NULL;
	if (log->fd >= 0)
		close(log->fd);
	for (int stream = 0; stream < CRI_STREAMS; stream++)
		if (log->halves[stream].raw_fd >= 0)
			close(log->halves[stream].raw_fd);
	free(log);
	return NULL;
}

/* Rotation ------------------------------------------------------------------------------------- */

struct rotated {
	char **names;
	size_t count;
};

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Rotated files of this container, oldest first: their names end with the time. */
static int list_rotated(const struct cri_log *log, struct rotated *ret)
{
	DIR *directory = opendir(log->directory);
	struct dirent *entry;
	char prefix[32];

	if (!directory)
		return -errno;
	snprintf(prefix, sizeof(prefix), "%u.log.", log->restart);
	while ((entry = readdir(directory))) {
		char **grown;

		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		grown = realloc(ret->names, (ret->count + 1) * sizeof(*grown));
		if (!grown)
			break;
		ret->names = grown;
		ret->names[ret->count++] = strdup(entry->d_name);
	}
	closedir(directory);
	if (ret->count > 0)
		qsort(ret->names, ret->count, sizeof(*ret->names), compare_names);
	return 0;
}

static bool has_suffix(const char *text, const char *suffix)
{
	size_t length = strlen(text), tail = strlen(suffix);

	return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

/* In a process of its own, as the kubelet is one: the copy has another inode than the log. */
static void compress_file(const struct cri_log *log, const char *name)
{
	if (fork() != 0)
		return;
	if (chdir(log->directory) < 0)
		_exit(1);
	execlp("sh", "sh", "-c",
	       "gzip -c <\"$0\" >\"$0.tmp\" && mv \"$0.tmp\" \"$0.gz\" && rm -f \"$0\"", name,
	       (char *)NULL);
	_exit(1);
}

static void tidy_rotated(struct cri_log *log, unsigned int keep)
{
	struct rotated rotated = { 0 };
	size_t surplus;

	if (list_rotated(log, &rotated) < 0)
		return;
	/*
	 * Before the rename, so that the current file and the one that it becomes are both counted.
	 */
	surplus = rotated.count + 2 > keep ? rotated.count + 2 - keep : 0;
	for (size_t i = 0; i < rotated.count; i++) {
		char path[2 * PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", log->directory, rotated.names[i]);
		if (i < surplus)
			unlink(path);
		else if (!has_suffix(rotated.names[i], ".gz") &&
			 !has_suffix(rotated.names[i], ".tmp"))
			compress_file(log, rotated.names[i]);
		free(rotated.names[i]);
	}
	free(rotated.names);
}

int cri_log_rotate(struct cri_log *log, unsigned int keep)
{
	char target[PATH_MAX + 64], compressed[PATH_MAX + 70], stamp[32];
	time_t now = time(NULL);
	struct tm utc;
	int old_fd = log->fd, error;

	gmtime_r(&now, &utc);
	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &utc);
	snprintf(target, sizeof(target), "%s.%s", log->path, stamp);
	snprintf(compressed, sizeof(compressed), "%s.gz", target);
	if (access(target, F_OK) == 0 || access(compressed, F_OK) == 0)
		return -EAGAIN;
	tidy_rotated(log, keep);
	if (rename(log->path, target) < 0)
		return -errno;
	/*
	 * The reopening ends the old writers first: a short P of what they hold goes to the renamed
	 * file.
	 */
	cri_log_end(log, CRI_STDOUT);
	cri_log_end(log, CRI_STDERR);
	error = open_log(log);
	if (error < 0) {
		log->fd = old_fd;
		return error;
	}
	close(old_fd);
	return 0;
}
