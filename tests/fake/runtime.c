/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for containerd, its shim, runc and the kubelet's log handling, for tests: real
 * cgroups, namespaces, pipes and processes, CRI log files, and control over every delay. Commands
 * come as lines on stdin, answers and events go as JSON lines to stdout; at the end of stdin,
 * SIGTERM or SIGINT everything is killed and removed. SIGUSR1 stalls all readers, SIGUSR2 lets
 * them go on.
 *
 *	NUMBER VERB KEY=VALUE...        values are %XX-encoded; arg= and env= may repeat
 *
 *	run     id= uid= ns= pod= container= n= pods_dir= arg=... [env=...] [qos=burstable]
 *	        [driver=cgroupfs|systemd] [cgroup=PATH] [v1=memory,pids,systemd] [rootfs=DIR]
 *	        [tty=1] [stdin=1] [stdio=log|null] [pid=private|host|ID] [mount=private|host]
 *	        [init=outside|inside|none] [delay_ms=100] [remove_ms=100] [raw=1] [rate=BYTES]
 *	        [rotate=BYTES] [rotate_ms=10000] [keep=5]
 *	exec    id= arg=...             answers at once; "session" brings status, output in hex
 *	signal  id= signal=N            input   id= data= (none: end of file)
 *	rotate  id=                     forget  id= (the runtime restarts in the middle of a line)
 *	stall   [id=]                   resume  [id=]
 *	rate    id= rate=BYTES          ping
 */
#include "runtime_shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { WORDS_MAX = 512, EVENTS_MAX = 64, COMMAND_MAX = 1 << 20 };

/* One command, cut into words. Values are decoded in place and live in the line. */
struct command {
	const char *number, *verb;
	char *keys[WORDS_MAX], *values[WORDS_MAX];
	size_t count;
};

struct runtime {
	struct shim *shim;
	char *line; /* COMMAND_MAX bytes */
	size_t length;
	bool stopping;
	struct known {
		char id[128];
		pid_t pid;
	} * known;
	size_t known_count;
};

/* Answers -------------------------------------------------------------------------------------- */

static void put_json(const char *text)
{
	putchar('"');
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			printf("\\%c", *c);
		else if (*c < ' ' || *c > '~')
			printf("\\u%04x", *c);
		else
			putchar(*c);
	}
	putchar('"');
}

static void put_hex(const char *bytes, size_t size)
{
	putchar('"');
	for (size_t i = 0; i < size; i++)
		printf("%02x", (unsigned char)bytes[i]);
	putchar('"');
}

static void answer(const struct command *command, int error)
{
	printf("{\"reply\":%s,\"ok\":%s", command->number, error < 0 ? "false" : "true");
	if (error < 0) {
		printf(",\"error\":");
		put_json(strerror(-error));
	}
	printf("}\n");
}

static void tell(const char *event, const char *id)
{
	printf("{\"event\":\"%s\",\"id\":", event);
	put_json(id);
	printf("}\n");
}

static void on_started(void *context, const char *id)
{
	(void)context;
	tell("started", id);
}

static void on_failed(void *context, const char *id, const char *why)
{
	(void)context;
	printf("{\"event\":\"failed\",\"id\":");
	put_json(id);
	printf(",\"why\":");
	put_json(why);
	printf("}\n");
}

static void on_exited(void *context, const char *id, int status)
{
	(void)context;
	printf("{\"event\":\"exited\",\"id\":");
	put_json(id);
	printf(",\"status\":%d}\n", status);
}

static void on_removed(void *context, const char *id)
{
	(void)context;
	tell("removed", id);
}

static void on_session(void *context, const char *session, int status,
		       const char *const output[CRI_STREAMS], const size_t sizes[CRI_STREAMS])
{
	(void)context;
	printf("{\"event\":\"session\",\"session\":%s,\"status\":%d,\"stdout\":", session, status);
	put_hex(output[CRI_STDOUT], sizes[CRI_STDOUT]);
	printf(",\"stderr\":");
	put_hex(output[CRI_STDERR], sizes[CRI_STDERR]);
	printf("}\n");
}

/* Commands ------------------------------------------------------------------------------------- */

static const char *value_of(const struct command *command, const char *key, const char *otherwise)
{
	for (size_t i = 0; i < command->count; i++)
		if (strcmp(command->keys[i], key) == 0)
			return command->values[i];
	return otherwise;
}

static uint64_t number_of(const struct command *command, const char *key, uint64_t otherwise)
{
	const char *value = value_of(command, key, NULL);

	return value ? strtoull(value, NULL, 10) : otherwise;
}

/* All values of a key that may repeat, NULL-terminated; `ret` has room for WORDS_MAX + 1. */
static size_t values_of(const struct command *command, const char *key, char **ret)
{
	size_t count = 0;

	for (size_t i = 0; i < command->count; i++)
		if (strcmp(command->keys[i], key) == 0)
			ret[count++] = command->values[i];
	ret[count] = NULL;
	return count;
}

static const char *needed(const struct command *command, const char *key)
{
	return value_of(command, key, "");
}

static int index_of(const char *text, const char *const *names)
{
	for (int i = 0; names[i]; i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	return -EINVAL;
}

/*
 * pid=ID shares the pid namespace of a container that runs, as shareProcessNamespace does with the
 * sandbox's.
 */
static int read_pid_kind(struct runtime *runtime, const struct command *command,
			 struct process_spec *spec)
{
	const char *kind = value_of(command, "pid", "private");

	if (strcmp(kind, "private") == 0)
		return 0;
	if (strcmp(kind, "host") == 0) {
		spec->host_pid = true;
		return 0;
	}
	for (size_t i = 0; i < runtime->known_count; i++)
		if (strcmp(runtime->known[i].id, kind) == 0)
			spec->join_pid = runtime->known[i].pid;
	return spec->join_pid ? 0 : -ENOENT;
}

static void remember_pid(struct runtime *runtime, const char *id, pid_t pid)
{
	struct known *grown = realloc(runtime->known, (runtime->known_count + 1) * sizeof(*grown));

	if (!grown)
		return;
	runtime->known = grown;
	snprintf(grown[runtime->known_count].id, sizeof(grown->id), "%s", id);
	grown[runtime->known_count++].pid = pid;
}

static int read_options(struct runtime *runtime, const struct command *command,
			struct container_options *options)
{
	static const char *const inits[] = { "outside", "inside", "none", NULL };
	int init = index_of(value_of(command, "init", "outside"), inits);

	options->names = (struct cri_names){
		.pods_dir = needed(command, "pods_dir"),
		.namespace = needed(command, "ns"),
		.pod = needed(command, "pod"),
		.uid = needed(command, "uid"),
		.container = needed(command, "container"),
		.id = needed(command, "id"),
		.restart = (unsigned int)number_of(command, "n", 0),
		.raw = number_of(command, "raw", 1),
	};
	options->v1 = value_of(command, "v1", NULL);
	options->process.rootfs = value_of(command, "rootfs", NULL);
	options->process.tty = number_of(command, "tty", 0);
	options->process.host_mount = strcmp(value_of(command, "mount", "private"), "host") == 0;
	options->process.init_exec = init < 0 ? INIT_EXEC_OUTSIDE : (enum init_exec)init;
	options->stdin_open = number_of(command, "stdin", 0);
	options->stdio = strcmp(value_of(command, "stdio", "log"), "null") == 0
				 ? CONTAINER_STDIO_NULL
				 : CONTAINER_STDIO_LOG;
	options->start_delay_ms = number_of(command, "delay_ms", 100);
	options->remove_delay_ms = number_of(command, "remove_ms", 100);
	options->rate = number_of(command, "rate", 0);
	options->rotate_bytes = number_of(command, "rotate", 0);
	options->rotate_interval_ms = number_of(command, "rotate_ms", 10000);
	options->keep = (unsigned int)number_of(command, "keep", 5);
	if (init < 0 || !*options->names.id ||
	    (options->stdio == CONTAINER_STDIO_LOG && !*options->names.pods_dir))
		return -EINVAL;
	return read_pid_kind(runtime, command, &options->process);
}

static void do_run(struct runtime *runtime, const struct command *command)
{
	char path[PATH_MAX], *arguments[WORDS_MAX + 1], *environment[WORDS_MAX + 2];
	struct container_options options = { .cgroup_path = path };
	struct container_facts facts;
	size_t count = values_of(command, "arg", arguments);
	int error = count > 0 ? read_options(runtime, command, &options) : -EINVAL;

	count = values_of(command, "env", environment);
	environment[count++] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	environment[count] = NULL;
	options.process.arguments = arguments;
	options.process.environment = environment;
	if (error == 0 && value_of(command, "cgroup", NULL))
		snprintf(path, sizeof(path), "%s", value_of(command, "cgroup", NULL));
	else if (error == 0)
		error = cgroup_path(value_of(command, "driver", "systemd"),
				    value_of(command, "qos", "burstable"), needed(command, "uid"),
				    options.names.id, sizeof(path), path);
	if (error == 0)
		error = shim_run(runtime->shim, &options, &facts);
	if (error < 0) {
		answer(command, error);
		return;
	}
	remember_pid(runtime, options.names.id, facts.pid);
	printf("{\"reply\":%s,\"ok\":true,\"pid\":%d,\"cgroup_id\":%llu,\"cgroup\":",
	       command->number, facts.pid, facts.cgroup_id);
	put_json(facts.cgroup_path);
	printf("}\n");
}

static void do_exec(struct runtime *runtime, const struct command *command)
{
	char *arguments[WORDS_MAX + 1];
	int error = -EINVAL;

	if (values_of(command, "arg", arguments) > 0)
		error = shim_exec(runtime->shim, needed(command, "id"), command->number, arguments);
	answer(command, error);
}

static void do_signal(struct runtime *runtime, const struct command *command)
{
	answer(command, shim_signal(runtime->shim, needed(command, "id"),
				    (int)number_of(command, "signal", SIGTERM)));
}

static void do_input(struct runtime *runtime, const struct command *command)
{
	const char *data = value_of(command, "data", "");

	answer(command, shim_input(runtime->shim, needed(command, "id"), data, strlen(data)));
}

static void do_rotate(struct runtime *runtime, const struct command *command)
{
	answer(command, shim_rotate(runtime->shim, needed(command, "id")));
}

static void do_forget(struct runtime *runtime, const struct command *command)
{
	size_t lost = 0;
	int error = shim_forget(runtime->shim, needed(command, "id"), &lost);

	if (error < 0)
		answer(command, error);
	else
		printf("{\"reply\":%s,\"ok\":true,\"lost\":%zu}\n", command->number, lost);
}

static void do_stall(struct runtime *runtime, const struct command *command)
{
	answer(command, shim_stall(runtime->shim, value_of(command, "id", NULL), true));
}

static void do_resume(struct runtime *runtime, const struct command *command)
{
	answer(command, shim_stall(runtime->shim, value_of(command, "id", NULL), false));
}

static void do_rate(struct runtime *runtime, const struct command *command)
{
	answer(command,
	       shim_set_rate(runtime->shim, needed(command, "id"), number_of(command, "rate", 0)));
}

static void do_ping(struct runtime *runtime, const struct command *command)
{
	printf("{\"reply\":%s,\"ok\":true,\"containers\":%zu}\n", command->number,
	       shim_count(runtime->shim));
}

static const struct {
	const char *verb;
	void (*run)(struct runtime *runtime, const struct command *command);
} verbs[] = {
	{ "run", do_run },     { "exec", do_exec },	{ "signal", do_signal },
	{ "input", do_input }, { "rotate", do_rotate }, { "forget", do_forget },
	{ "stall", do_stall }, { "resume", do_resume }, { "rate", do_rate },
	{ "ping", do_ping },
};

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : 0;
}

static void decode(char *text)
{
	char *out = text;

	for (; *text; text++) {
		if (*text == '%' && text[1] && text[2]) {
			*out++ = (char)(hex_digit(text[1]) << 4 | hex_digit(text[2]));
			text += 2;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

static void obey(struct runtime *runtime, char *line)
{
	struct command command = { 0 };
	char *word;

	command.number = strsep(&line, " ");
	command.verb = strsep(&line, " ");
	if (!command.verb || strspn(command.number, "0123456789") != strlen(command.number))
		return;
	while ((word = strsep(&line, " ")) && command.count < WORDS_MAX) {
		char *equals = strchr(word, '=');

		if (!equals)
			continue;
		*equals = '\0';
		decode(equals + 1);
		command.keys[command.count] = word;
		command.values[command.count++] = equals + 1;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].verb, command.verb) == 0) {
			verbs[i].run(runtime, &command);
			return;
		}
	answer(&command, -ENOSYS);
}

/* Loop ----------------------------------------------------------------------------------------- */

static void commands_ready(struct watch *watch)
{
	struct runtime *runtime = watch->owner;
	ssize_t got =
		read(watch->fd, runtime->line + runtime->length, COMMAND_MAX - runtime->length);
	char *newline;

	if (got <= 0) {
		runtime->stopping = got == 0 || errno != EAGAIN;
		return;
	}
	runtime->length += (size_t)got;
	while ((newline = memchr(runtime->line, '\n', runtime->length))) {
		size_t used = (size_t)(newline - runtime->line) + 1;

		*newline = '\0';
		obey(runtime, runtime->line);
		memmove(runtime->line, runtime->line + used, runtime->length - used);
		runtime->length -= used;
	}
}

static void signals_ready(struct watch *watch)
{
	struct runtime *runtime = watch->owner;
	struct signalfd_siginfo info;

	if (read(watch->fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCHLD:
		shim_reap(runtime->shim);
		break;
	case SIGUSR1:
	case SIGUSR2:
		shim_stall(runtime->shim, NULL, info.ssi_signo == SIGUSR1);
		break;
	default:
		runtime->stopping = true;
	}
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (const int *number =
		     (const int[]){ SIGCHLD, SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGHUP, 0 };
	     *number; number++)
		sigaddset(&set, *number);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void turn(struct runtime *runtime, int epoll_fd)
{
	struct epoll_event events[EVENTS_MAX];
	int timeout = shim_tick(runtime->shim), count;

	fflush(stdout);
	count = epoll_wait(epoll_fd, events, EVENTS_MAX, timeout);
	for (int i = 0; i < count; i++) {
		struct watch *watch = events[i].data.ptr;

		if (watch->fd >= 0)
			watch->ready(watch);
	}
}

static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	const struct shim_handlers handlers = { NULL,	   on_started, on_failed,
						on_exited, on_removed, on_session };
	struct runtime runtime = { .line = malloc(COMMAND_MAX) };
	struct watch commands = { STDIN_FILENO, commands_ready, &runtime };
	struct watch signals = { -1, signals_ready, &runtime };
	struct epoll_event event = { .events = EPOLLIN };
	int epoll_fd;

	if (argc > 1 && strcmp(argv[1], PROCESS_INIT) == 0)
		return process_init_main(argc, argv);
	prctl(PR_SET_NAME, "containerd-shim");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	allow_many_files();
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	signals.fd = open_signals();
	if (epoll_fd < 0 || signals.fd < 0 || !runtime.line ||
	    shim_new(epoll_fd, &handlers, &runtime.shim) < 0)
		return 1;
	event.data.ptr = &commands;
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, commands.fd, &event);
	event.data.ptr = &signals;
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, signals.fd, &event);
	while (!runtime.stopping)
		turn(&runtime, epoll_fd);
	shim_free(runtime.shim);
	free(runtime.known);
	free(runtime.line);
	return 0;
}
