/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a container's log file as containerd and the kubelet do: `<time> <stdout|stderr> <P|F>
 * <content>`, lines split above 16,384 bytes, one CR before LF dropped also across a split, an
 * unfinished line flushed as P at the end and at a rotation; rotated files are renamed, the older
 * ones gzipped, the oldest removed. Beside the log stand the bytes as they were read from each
 * pipe (<n>.stdout.raw, <n>.stderr.raw): what a test compares with. Names are
 * <pods_dir>/<namespace>_<pod>_<uid>/<container>/<n>.log, and a link in <pods_dir>/../containers.
 */
#ifndef RINGTAIL_TESTS_FAKE_RUNTIME_CRI_H
#define RINGTAIL_TESTS_FAKE_RUNTIME_CRI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cri_stream { CRI_STDOUT, CRI_STDERR, CRI_STREAMS };

struct cri_names {
	const char *pods_dir, *namespace, *pod, *uid, *container, *id;
	unsigned int restart; /* <n> of <n>.log */
	bool raw;	      /* keep the bytes of the pipes too */
};

struct cri_log;

int cri_log_new(const struct cri_names *names, struct cri_log **ret);
struct cri_log *cri_log_free(struct cri_log *log); /* flushes nothing: see cri_log_end */

int cri_log_feed(struct cri_log *log, enum cri_stream stream, const char *bytes, size_t size);
/* The pipe ended: what is left of a line becomes a P. */
int cri_log_end(struct cri_log *log, enum cri_stream stream);
/* What a restart of containerd does to an unfinished line. Returns how many bytes are gone. */
size_t cri_log_forget(struct cri_log *log);
/* Bytes in the current file. */
uint64_t cri_log_size(const struct cri_log *log);
/*
 * -EAGAIN: a file of this second's name exists already. Keeps `keep` files in all, the current one
 * counted.
 */
int cri_log_rotate(struct cri_log *log, unsigned int keep);

#endif
