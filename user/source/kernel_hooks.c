/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel_hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/explain.h"
#include "capture.skel.h"

enum { NAMES_MAX = 2, HOOKS = 16, KERNEL_ENOTSUPP = 524 };

/* Where one program goes: a row each. */
struct hook {
	struct bpf_program *program;
	const char *tracepoint;		  /* below tracefs' events/; NULL: an fexit program */
	const char *functions[NAMES_MAX]; /* of an fexit program: the first that this kernel has */
	bool optional;			  /* a kernel without it has no such way to write */
};

struct hook_table {
	struct hook rows[HOOKS];
	size_t count;
};

const char *kernel_backend_name(enum kernel_backend backend)
{
	return backend == KERNEL_BACKEND_VFS ? "vfs" : "syscall";
}

#define TRACEPOINT(program_, event)                                                                \
	{                                                                                          \
		.program = (program_), .tracepoint = (event)                                       \
	}
#define OPTIONAL(program_, event)                                                                  \
	{                                                                                          \
		.program = (program_), .tracepoint = (event), .optional = true                     \
	}
#define FUNCTION(program_, ...)                                                                    \
	{                                                                                          \
		.program = (program_), .functions = { __VA_ARGS__ }                                \
	}

static void syscall_table(const struct capture *programs, struct hook_table *ret)
{
	const struct hook rows[] = {
		TRACEPOINT(programs->progs.write_returned, "syscalls/sys_exit_write"),
		TRACEPOINT(programs->progs.writev_returned, "syscalls/sys_exit_writev"),
		TRACEPOINT(programs->progs.pwritev2_returned, "syscalls/sys_exit_pwritev2"),
		TRACEPOINT(programs->progs.sendfile_returned, "syscalls/sys_exit_sendfile64"),
		TRACEPOINT(programs->progs.splice_returned, "syscalls/sys_exit_splice"),
		TRACEPOINT(programs->progs.tee_returned, "syscalls/sys_exit_tee"),
		TRACEPOINT(programs->progs.vmsplice_returned, "syscalls/sys_exit_vmsplice"),
		OPTIONAL(programs->progs.aio_submitted, "syscalls/sys_exit_io_submit"),
		OPTIONAL(programs->progs.uring_completed, "io_uring/io_uring_complete"),
	};

	ret->count = sizeof(rows) / sizeof(*rows);
	memcpy(ret->rows, rows, sizeof(rows));
}

#if defined(__aarch64__)
#define SYSTEM_CALL(name) "__arm64_sys_" name
#else
#define SYSTEM_CALL(name) "__x64_sys_" name
#endif

static void vfs_table(const struct capture *programs, struct hook_table *ret)
{
	const struct hook rows[] = {
		FUNCTION(programs->progs.pipe_written, "anon_pipe_write", "pipe_write"),
		FUNCTION(programs->progs.tty_written, "tty_write"),
		FUNCTION(programs->progs.sendfile_done, SYSTEM_CALL("sendfile64")),
		FUNCTION(programs->progs.splice_done, SYSTEM_CALL("splice")),
		FUNCTION(programs->progs.tee_done, SYSTEM_CALL("tee")),
		FUNCTION(programs->progs.vmsplice_done, SYSTEM_CALL("vmsplice")),
		OPTIONAL(programs->progs.uring_completed, "io_uring/io_uring_complete"),
	};

	ret->count = sizeof(rows) / sizeof(*rows);
	memcpy(ret->rows, rows, sizeof(rows));
}

static void table_of(const struct capture *programs, enum kernel_backend backend,
		     struct hook_table *ret)
{
	if (backend == KERNEL_BACKEND_VFS)
		vfs_table(programs, ret);
	else
		syscall_table(programs, ret);
}

/* Choosing ------------------------------------------------------------------------------------- */

static int set_target(const struct hook *hook, char **ret_error)
{
	for (size_t i = 0; i < NAMES_MAX && hook->functions[i]; i++)
		if (libbpf_find_vmlinux_btf_id(hook->functions[i], BPF_TRACE_FEXIT) > 0)
			return bpf_program__set_attach_target(hook->program, 0, hook->functions[i]);
	return explain(-EOPNOTSUPP, ret_error, "this kernel has no function %s to hook",
		       hook->functions[0]);
}

static void leave_out(const struct capture *programs, enum kernel_backend backend)
{
	struct hook_table table;

	table_of(programs, backend, &table);
	for (size_t i = 0; i < table.count; i++)
		bpf_program__set_autoload(table.rows[i].program, false);
}

int kernel_hooks_choose(struct capture *programs, enum kernel_backend backend, char **ret_error)
{
	struct hook_table table;

	leave_out(programs, KERNEL_BACKEND_SYSCALL);
	leave_out(programs, KERNEL_BACKEND_VFS);
	table_of(programs, backend, &table);
	for (size_t i = 0; i < table.count; i++) {
		int r = table.rows[i].tracepoint ? 0 : set_target(&table.rows[i], ret_error);

		if (r < 0)
			return r;
		bpf_program__set_autoload(table.rows[i].program, true);
	}
	return 0;
}

/* Attaching ------------------------------------------------------------------------------------ */

/* A file system of our own, mounted nowhere, for hosts that have not mounted theirs. */
static int open_detached(const char *file_system)
{
	_cleanup_close_ int context = (int)syscall(SYS_fsopen, file_system, FSOPEN_CLOEXEC);
	int mount;

	if (context < 0)
		return -errno;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	return mount < 0 ? -errno : mount;
}

static int open_tracefs(char **ret_error)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	int fd;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		_cleanup_close_ int root = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (root >= 0 && faccessat(root, "events/syscalls", R_OK, 0) == 0)
			return TAKE_FD(root);
	}
	fd = open_detached("tracefs");
	if (fd >= 0)
		return fd;
	return explain(
		fd, ret_error,
		"/sys/kernel/tracing: tracefs is not mounted here and cannot be (%s); mount it "
		"with "
		"`mount -t tracefs tracefs /sys/kernel/tracing`, in Kubernetes as a hostPath "
		"volume",
		strerror(-fd));
}

static int read_event_id(int tracefs, const char *event)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	char text[16] = "";
	int id;

	if (asprintf(&path, "events/%s/id", event) < 0)
		return -ENOMEM;
	fd = openat(tracefs, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	id = atoi(text);
	return id > 0 ? id : -EINVAL;
}

static int attach_tracepoint(int tracefs, const struct hook *hook, struct bpf_link **ret)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attributes),
		.sample_period = 1,
	};
	_cleanup_close_ int event = -1;
	int id = read_event_id(tracefs, hook->tracepoint);

	if (id < 0)
		return id;
	attributes.config = (uint64_t)id;
	event = (int)syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0)
		return -errno;
	*ret = bpf_program__attach_perf_event(hook->program, event);
	if (!*ret)
		return -errno;
	TAKE_FD(event); /* the link's now */
	return 0;
}

static int attach_function(const struct hook *hook, struct bpf_link **ret)
{
	*ret = bpf_program__attach(hook->program);
	return *ret ? 0 : -errno;
}

int kernel_hooks_attach(struct capture *programs, enum kernel_backend backend,
			struct bpf_link **ret_links, size_t *ret_count, char **ret_error)
{
	_cleanup_close_ int tracefs = open_tracefs(ret_error);
	struct hook_table table;

	if (tracefs < 0)
		return tracefs;
	table_of(programs, backend, &table);
	for (size_t i = 0; i < table.count; i++) {
		const struct hook *hook = &table.rows[i];
		struct bpf_link *link = NULL;
		int r = hook->tracepoint ? attach_tracepoint(tracefs, hook, &link)
					 : attach_function(hook, &link);

		if (r == 0)
			ret_links[(*ret_count)++] = link;
		else if (!hook->optional || r != -ENOENT)
			return explain(r, ret_error,
				       "cannot attach to %s: %s; the kernel needs "
				       "CONFIG_FTRACE_SYSCALLS and this process CAP_PERFMON",
				       hook->tracepoint ? hook->tracepoint : hook->functions[0],
				       r == -KERNEL_ENOTSUPP ? "not supported" : strerror(-r));
	}
	return 0;
}

/* Watching ------------------------------------------------------------------------------------- */

unsigned long long kernel_hooks_misses(const struct capture *programs, enum kernel_backend backend)
{
	unsigned long long misses = 0;
	struct hook_table table;

	table_of(programs, backend, &table);
	for (size_t i = 0; i < table.count; i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(table.rows[i].program), &info, &size) ==
		    0)
			misses += info.recursion_misses;
	}
	return misses;
}

/* debugfs says it where the mode can be chosen at boot: "none voluntary (full) lazy". */
static bool read_preemption(char *ret, size_t size)
{
	_cleanup_close_ int debugfs = open_detached("debugfs");
	_cleanup_close_ int fd = -1;
	ssize_t length;

	if (debugfs >= 0)
		fd = openat(debugfs, "sched/preempt", O_RDONLY | O_CLOEXEC);
	length = fd >= 0 ? read(fd, ret, size - 1) : -1;
	if (length < 0)
		return false;
	ret[length] = '\0';
	return true;
}

bool kernel_hooks_are_preemptible(void)
{
	struct utsname kernel;
	char modes[128];

	if (read_preemption(modes, sizeof(modes)))
		return !strstr(modes, "(none)") && !strstr(modes, "(voluntary)");
	return uname(&kernel) < 0 || strstr(kernel.version, "PREEMPT");
}
