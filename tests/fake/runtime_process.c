/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

extern char **environ;

enum {
	REPORT_FD = 3,
	START_FD = 4,
	CONSOLE_FD = 5,
	FIRST_FREE_FD = 6,
	HIGH_FD = 100,
	CREATE_TIMEOUT_MS = 10000
};

/* What the init is told, by memory or by its arguments. */
struct init_plan {
	const char *rootfs;
	const char *directories[CGROUP_HIERARCHIES_MAX]; /* cgroups to enter */
	size_t directory_count;
	bool tty, host_pid, host_mount;
	pid_t join_pid, session_pid;
	char **arguments;
};

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
	char message[512];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (write(REPORT_FD, message, (size_t)length) < 0)
		_exit(126);
	_exit(127);
}

static void enter_cgroups(const struct init_plan *plan)
{
	for (size_t i = 0; i < plan->directory_count; i++) {
		char path[PATH_MAX + 32];
		int fd;

		snprintf(path, sizeof(path), "%s/cgroup.procs", plan->directories[i]);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) < 0)
			fail("error %s: %s", path, strerror(errno));
		close(fd);
	}
}

static int open_proc(pid_t pid, const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		fail("error %s: %s", path, strerror(errno));
	return fd;
}

/* The pid namespace holds for children only: the clone comes after. */
static void choose_pid_namespace(const struct init_plan *plan)
{
	pid_t owner = plan->session_pid ? plan->session_pid : plan->join_pid;

	if (owner) {
		if (setns(open_proc(owner, "ns/pid", O_RDONLY), CLONE_NEWPID) < 0)
			fail("error setns pid: %s", strerror(errno));
	} else if (!plan->host_pid && unshare(CLONE_NEWPID) < 0) {
		fail("error unshare pid: %s", strerror(errno));
	}
}

static void join_session(const struct init_plan *plan, int root_fd, int mount_fd)
{
	(void)plan;
	if (setns(mount_fd, CLONE_NEWNS) < 0 || fchdir(root_fd) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		fail("error session: %s", strerror(errno));
}

static void mount_devpts(const char *root)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/dev", root);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/dev/pts", root);
	mkdir(path, 0755);
	if (mount("devpts", path, "devpts", MS_NOSUID | MS_NOEXEC,
		  "newinstance,ptmxmode=0666,mode=0620") < 0)
		fail("error devpts: %s", strerror(errno));
}

static void enter_root(const struct init_plan *plan)
{
	const char *root = plan->rootfs ? plan->rootfs : "";
	char path[PATH_MAX];

	if (!plan->host_mount) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			fail("error mount namespace: %s", strerror(errno));
		snprintf(path, sizeof(path), "%s/proc", root);
		mkdir(path, 0755);
		if (mount("proc", path, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
			fail("error proc: %s", strerror(errno));
		if (plan->tty)
			mount_devpts(root);
	}
	if (plan->rootfs && (chroot(plan->rootfs) < 0 || chdir("/") < 0))
		fail("error chroot %s: %s", plan->rootfs, strerror(errno));
}

static void send_fd(int socket_fd, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(socket_fd, &message, 0) < 0)
		fail("error console: %s", strerror(errno));
}

/* A terminal of the container's own devpts, as fds 0, 1 and 2; the shim gets the master. */
static void open_console(const struct init_plan *plan)
{
	int master, slave, unlock = 0, number;
	char path[64];

	master = open(plan->host_mount ? "/dev/ptmx" : "/dev/pts/ptmx",
		      O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0 ||
	    ioctl(master, TIOCGPTN, &number) < 0)
		fail("error ptmx: %s", strerror(errno));
	snprintf(path, sizeof(path), "/dev/pts/%d", number);
	slave = open(path, O_RDWR | O_CLOEXEC);
	if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
		fail("error %s: %s", path, strerror(errno));
	for (int fd = 0; fd < 3; fd++)
		dup2(slave, fd);
	send_fd(CONSOLE_FD, master);
	close(master);
	close(CONSOLE_FD);
}

/* The second stage: pid 1 of the container, or its exec session. */
__attribute__((noreturn)) static void second_stage(const struct init_plan *plan, int root_fd,
						   int mount_fd)
{
	char go;

	prctl(PR_SET_NAME, "runc:[2:INIT]");
	setsid();
	if (plan->session_pid)
		join_session(plan, root_fd, mount_fd);
	else
		enter_root(plan);
	if (plan->tty)
		open_console(plan);
	if (read(START_FD, &go, 1) != 1)
		_exit(0);
	/*
	 * The parent is the shim by now: its end ends the container, so that nothing is left after
	 * a crash.
	 */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC);
	syscall(SYS_close_range, START_FD, ~0U, 0);
	execvp(plan->arguments[0], plan->arguments);
	fail("error exec %s: %s", plan->arguments[0], strerror(errno));
}

/*
 * The first stage: enters the cgroup, clones the second into the pid namespace, tells its pid,
 * ends.
 */
__attribute__((noreturn)) static void first_stage(const struct init_plan *plan)
{
	int root_fd = -1, mount_fd = -1, length;
	char report[32];
	long pid;

	prctl(PR_SET_NAME, "runc:[1:CHILD]");
	enter_cgroups(plan);
	if (plan->session_pid) {
		root_fd = open_proc(plan->session_pid, "root", O_RDONLY | O_DIRECTORY);
		mount_fd = open_proc(plan->session_pid, "ns/mnt", O_RDONLY);
	}
	choose_pid_namespace(plan);
	pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0)
		fail("error clone: %s", strerror(errno));
	if (pid == 0)
		second_stage(plan, root_fd, mount_fd);
	length = snprintf(report, sizeof(report), "pid %ld\n", pid);
	if (write(REPORT_FD, report, (size_t)length) != length)
		_exit(1);
	_exit(0);
}

/* The plan as arguments and back, for an init that is executed. */
static char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *text_of(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	return text;
}

__attribute__((noreturn)) static void execute_init(const struct init_plan *plan)
{
	size_t count = 0, arguments = 0;
	char **argv;

	while (plan->arguments[arguments])
		arguments++;
	argv = calloc(arguments + plan->directory_count + 16, sizeof(*argv));
	if (!argv)
		fail("error: out of memory");
	argv[count++] = text_of("runc");
	argv[count++] = text_of(PROCESS_INIT);
	argv[count++] = text_of("rootfs=%s", plan->rootfs ? plan->rootfs : "");
	argv[count++] = text_of("tty=%d", plan->tty);
	argv[count++] = text_of("host_pid=%d", plan->host_pid);
	argv[count++] = text_of("host_mount=%d", plan->host_mount);
	argv[count++] = text_of("join_pid=%d", (int)plan->join_pid);
	argv[count++] = text_of("session_pid=%d", (int)plan->session_pid);
	for (size_t i = 0; i < plan->directory_count; i++)
		argv[count++] = text_of("cgroup=%s", plan->directories[i]);
	argv[count++] = text_of("--");
	memcpy(argv + count, plan->arguments, arguments * sizeof(*argv));
	execv("/proc/self/exe", argv);
	fail("error init: %s", strerror(errno));
}

int process_init_main(int argc, char **argv)
{
	struct init_plan plan = { 0 };
	int i = 2;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		char *value = strchr(argv[i], '=');

		if (!value)
			return 2;
		*value++ = '\0';
		if (strcmp(argv[i], "rootfs") == 0)
			plan.rootfs = *value ? value : NULL;
		else if (strcmp(argv[i], "tty") == 0)
			plan.tty = atoi(value);
		else if (strcmp(argv[i], "host_pid") == 0)
			plan.host_pid = atoi(value);
		else if (strcmp(argv[i], "host_mount") == 0)
			plan.host_mount = atoi(value);
		else if (strcmp(argv[i], "join_pid") == 0)
			plan.join_pid = atoi(value);
		else if (strcmp(argv[i], "session_pid") == 0)
			plan.session_pid = atoi(value);
		else if (strcmp(argv[i], "cgroup") == 0 &&
			 plan.directory_count < CGROUP_HIERARCHIES_MAX)
			plan.directories[plan.directory_count++] = value;
	}
	if (i + 1 >= argc)
		return 2;
	plan.arguments = argv + i + 1;
	first_stage(&plan);
}

/* fds 0-5 in their places, nothing else open: what runc gets from the shim. */
static void arrange_fds(const int wanted[FIRST_FREE_FD])
{
	int high[FIRST_FREE_FD];

	for (int i = 0; i < FIRST_FREE_FD; i++)
		high[i] = wanted[i] < 0 ? -1 : fcntl(wanted[i], F_DUPFD, HIGH_FD);
	for (int i = 0; i < FIRST_FREE_FD; i++)
		if (high[i] < 0)
			close(i);
		else
			dup2(high[i], i);
	syscall(SYS_close_range, FIRST_FREE_FD, ~0U, 0);
}

/* "runc": waits until its init has made the second stage, and leaves that to the shim. */
__attribute__((noreturn)) static void runc_main(const struct process_spec *spec,
						const int fds[FIRST_FREE_FD])
{
	struct init_plan plan = { .rootfs = spec->rootfs,
				  .tty = spec->tty,
				  .host_pid = spec->host_pid,
				  .host_mount = spec->host_mount,
				  .join_pid = spec->join_pid,
				  .session_pid = spec->session_pid,
				  .arguments = (char **)spec->arguments };
	sigset_t none;
	pid_t init;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NAME, "runc");
	arrange_fds(fds);
	for (size_t i = 0; i < spec->cgroup->count; i++)
		plan.directories[plan.directory_count++] = spec->cgroup->directories[i];
	environ = (char **)spec->environment;
	init = fork();
	if (init == 0) {
		if (spec->init_exec == INIT_EXEC_INSIDE)
			enter_cgroups(&plan);
		if (spec->init_exec != INIT_EXEC_NONE)
			execute_init(&plan);
		first_stage(&plan);
	}
	close(REPORT_FD);
	waitpid(init, NULL, 0);
	_exit(0);
}

static int receive_fd(int socket_fd, int *ret)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct pollfd ready = { .fd = socket_fd, .events = POLLIN };
	struct cmsghdr *header;

	if (poll(&ready, 1, CREATE_TIMEOUT_MS) != 1 ||
	    recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC) < 1)
		return -EIO;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -EIO;
	memcpy(ret, CMSG_DATA(header), sizeof(*ret));
	return 0;
}

/* Reads "pid N\n"; an error's text goes to stderr of the runtime, which a test shows. */
static int read_report(int fd, pid_t *ret)
{
	char line[512] = "";
	size_t length = 0;
	int pid;

	while (length < sizeof(line) - 1 && !memchr(line, '\n', length)) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		ssize_t got;

		if (poll(&ready, 1, CREATE_TIMEOUT_MS) != 1)
			return -ETIMEDOUT;
		/* A byte at a time: what follows the line is the second stage's word. */
		got = read(fd, line + length, 1);
		if (got < 1)
			break;
		length++;
	}
	if (sscanf(line, "pid %d", &pid) != 1) {
		fprintf(stderr, "runtime: %s\n", line);
		return -ECHILD;
	}
	*ret = pid;
	return 0;
}

static void close_pair(int pair[2])
{
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

int process_create(const struct process_spec *spec, struct process *ret)
{
	int report[2] = { -1, -1 }, start[2] = { -1, -1 }, console[2] = { -1, -1 };
	struct process process = { .master_fd = -1 };
	int error = 0;

	if (pipe2(report, O_CLOEXEC) < 0 || pipe2(start, O_CLOEXEC) < 0 ||
	    (spec->tty && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, console) < 0)) {
		error = -errno;
	} else {
		const int fds[FIRST_FREE_FD] = { spec->stdio[0], spec->stdio[1], spec->stdio[2],
						 report[1],	 start[0],	 console[1] };
		pid_t runc = fork();

		if (runc == 0)
			runc_main(spec, fds);
		close(report[1]);
		report[1] = -1;
		error = runc < 0 ? -errno : read_report(report[0], &process.pid);
		/* Only then is the second stage the shim's child. */
		if (runc > 0)
			waitpid(runc, NULL, 0);
		if (error == 0 && spec->tty)
			error = receive_fd(console[0], &process.master_fd);
	}
	if (error == 0) {
		process.report_fd = report[0];
		process.start_fd = start[1];
		report[0] = start[1] = -1;
		fcntl(process.report_fd, F_SETFL, O_NONBLOCK);
		*ret = process;
	}
	close_pair(report);
	close_pair(start);
	close_pair(console);
	return error;
}
