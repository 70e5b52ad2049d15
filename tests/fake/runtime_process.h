/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a container's processes in runc's order: "runc" is forked by the shim, forks the init,
 * which enters the cgroup and clones itself into a new pid namespace as a child of "runc"; when
 * "runc" is gone the clone is the shim's child. It waits for the start and then executes the
 * entrypoint: the first exec of pid 1 in the namespace, inside the container's cgroup.
 */
#ifndef RINGTAIL_TESTS_FAKE_RUNTIME_PROCESS_H
#define RINGTAIL_TESTS_FAKE_RUNTIME_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "runtime_cgroup.h"

/*
 * Where runc init's own exec happens: traced outside mostly, inside the new cgroup once in six on
 * v2.
 */
enum init_exec { INIT_EXEC_OUTSIDE, INIT_EXEC_INSIDE, INIT_EXEC_NONE };

struct process_spec {
	char *const *arguments;	  /* NULL-terminated */
	char *const *environment; /* NULL-terminated "NAME=value" */
	const char *rootfs;	  /* NULL: the host's */
	const struct cgroup *cgroup;
	enum init_exec init_exec;
	bool tty;
	bool host_pid;	   /* no pid namespace */
	bool host_mount;   /* no mount namespace, and so no /proc of its own */
	pid_t join_pid;	   /* enter this process's pid namespace; 0: make one */
	pid_t session_pid; /* an exec session in the container of this process; 0: no */
	int stdio[3]; /* what becomes fds 0, 1, 2; not for a tty. The caller closes his copies */
};

struct process {
	pid_t pid; /* in the host's namespace; child of the caller, who must be a child subreaper */
	int start_fd;  /* one byte lets it execute; closing it without ends it */
	int report_fd; /* end of file: executed. Text before that: why it could not. */
	int master_fd; /* the tty's master, else -1 */
};

int process_create(const struct process_spec *spec, struct process *ret);
/* main() of the init when it is executed as a program of its own: argv[1] is PROCESS_INIT. */
#define PROCESS_INIT "init"
int process_init_main(int argc, char **argv);

#endif
