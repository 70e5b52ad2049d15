/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shim: holds the read ends of its containers' pipes (nobody else does), copies what comes to
 * their log files, starts them after their delay, notices their ends, removes their cgroups. One
 * epoll loop for any number of containers; it sleeps unless there is data or something is due.
 */
#ifndef RINGTAIL_TESTS_FAKE_RUNTIME_SHIM_H
#define RINGTAIL_TESTS_FAKE_RUNTIME_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime_cri.h"
#include "runtime_process.h"

/*
 * A descriptor in the loop. Whoever adds one keeps it alive until the loop's next turn after
 * closing it.
 */
struct watch {
	int fd; /* -1: ignored */
	void (*ready)(struct watch *watch);
	void *owner;
};

enum container_stdio { CONTAINER_STDIO_LOG, CONTAINER_STDIO_NULL };

struct container_options {
	struct cri_names names;
	const char *cgroup_path, *v1;
	struct process_spec process; /* what to execute and how; cgroup and fds are the shim's */
	enum container_stdio stdio;
	bool stdin_open; /* fd 0 is a pipe, as with stdin: true */
	uint64_t start_delay_ms, remove_delay_ms;
	uint64_t rate; /* bytes a second that the reader takes; 0: no limit */
	uint64_t rotate_bytes, rotate_interval_ms;
	unsigned int keep; /* log files in all */
};

struct shim_handlers {
	void *context;
	void (*started)(void *context, const char *id);
	void (*failed)(void *context, const char *id, const char *why);
	void (*exited)(void *context, const char *id, int status); /* its log is complete */
	void (*removed)(void *context, const char *id);		   /* its cgroup is gone */
	void (*session_ended)(void *context, const char *session, int status,
			      const char *const output[CRI_STREAMS],
			      const size_t sizes[CRI_STREAMS]);
};

struct shim;
struct container_facts {
	int pid;
	unsigned long long cgroup_id;
	const char *cgroup_path; /* valid while the container is */
};

int shim_new(int epoll_fd, const struct shim_handlers *handlers, struct shim **ret);
struct shim *shim_free(struct shim *shim); /* kills and removes everything */

int shim_run(struct shim *shim, const struct container_options *options,
	     struct container_facts *ret);
/* `session` is the caller's name for it; the output goes to session_ended, never to the log. */
int shim_exec(struct shim *shim, const char *id, const char *session, char *const *arguments);
int shim_signal(struct shim *shim, const char *id, int signal);
int shim_input(struct shim *shim, const char *id, const char *bytes, size_t size);
int shim_rotate(struct shim *shim, const char *id);
/* Returns the bytes lost through a restart of the runtime. */
int shim_forget(struct shim *shim, const char *id, size_t *ret);
/* `id` NULL: all. */
int shim_stall(struct shim *shim, const char *id, bool stalled);
int shim_set_rate(struct shim *shim, const char *id, uint64_t rate);
size_t shim_count(const struct shim *shim);

/* A child ended (SIGCHLD came): reap them all. */
void shim_reap(struct shim *shim);
/*
 * Does what is due; returns ms until something is due again, or -1. Call once a turn, after the
 * watches.
 */
int shim_tick(struct shim *shim);

#endif
