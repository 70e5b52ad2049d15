/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime_shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	READ_SIZE = 1 << 16,
	RETRY_MS = 20,
	SLICE_MS = 10, /* a slow reader takes its rate in slices */
	SESSION_OUTPUT_MAX = 16 << 20,
	NAME_SIZE = 128,
};

struct output {
	struct watch watch;
	struct task *task;
	enum cri_stream stream;
	bool in_loop;
	char *kept; /* of a session */
	size_t kept_size;
};

/* A container, or an exec session in one. */
struct task {
	struct shim *shim;
	struct task *next;
	char name[NAME_SIZE]; /* id, or the session's name */
	bool session, stalled, running, reaped, host_pid, finished, removed;
	int status;
	pid_t pid;
	struct cgroup cgroup; /* of a session: its container's, not owned */
	struct cri_log *log;  /* NULL: nothing is written */
	struct output outputs[CRI_STREAMS];
	struct watch report;
	int start_fd, input_fd;
	uint64_t start_at, remove_at, remove_delay_ms; /* ms of the monotonic clock; 0: not due */
	uint64_t rate, rate_at, resume_at;
	int64_t allowance;
	uint64_t rotate_bytes, rotate_interval_ms, rotate_at;
	unsigned int keep;
};

struct shim {
	int epoll_fd;
	struct shim_handlers handlers;
	struct task *tasks;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void watch_add(struct shim *shim, struct watch *watch)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = watch };

	epoll_ctl(shim->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event);
}

static void watch_close(struct watch *watch)
{
	if (watch->fd < 0)
		return;
	close(watch->fd);
	watch->fd = -1;
}

/* Reading -------------------------------------------------------------------------------------- */

static void output_listen(struct output *output, bool listen)
{
	struct shim *shim = output->task->shim;

	if (output->watch.fd < 0 || output->in_loop == listen)
		return;
	output->in_loop = listen;
	if (listen)
		watch_add(shim, &output->watch);
	else
		epoll_ctl(shim->epoll_fd, EPOLL_CTL_DEL, output->watch.fd, NULL);
}

static void task_listen(struct task *task)
{
	for (int i = 0; i < CRI_STREAMS; i++)
		output_listen(&task->outputs[i], !task->stalled && task->resume_at == 0);
}

static void keep_output(struct output *output, const char *bytes, size_t size)
{
	char *grown;

	if (output->kept_size + size > SESSION_OUTPUT_MAX)
		return;
	grown = realloc(output->kept, output->kept_size + size);
	if (!grown)
		return;
	output->kept = grown;
	memcpy(grown + output->kept_size, bytes, size);
	output->kept_size += size;
}

static void rotate_when_due(struct task *task)
{
	uint64_t now;

	if (task->rotate_bytes == 0 || cri_log_size(task->log) < task->rotate_bytes)
		return;
	now = now_ms();
	if (now >= task->rotate_at && cri_log_rotate(task->log, task->keep) == 0)
		task->rotate_at = now + task->rotate_interval_ms;
}

/* How much the reader may take now; pauses it when that is nothing. */
static size_t take_allowance(struct task *task)
{
	uint64_t now, burst, earned;

	if (task->rate == 0)
		return READ_SIZE;
	now = now_ms();
	burst = task->rate * SLICE_MS / 1000 + 1;
	earned = task->rate * (now - task->rate_at) / 1000;
	if (earned > 0)
		task->rate_at = now;
	task->allowance += (int64_t)earned;
	if (task->allowance > (int64_t)burst)
		task->allowance = (int64_t)burst;
	if (task->allowance > 0)
		return task->allowance > READ_SIZE ? READ_SIZE : (size_t)task->allowance;
	task->resume_at = now + SLICE_MS;
	task_listen(task);
	return 0;
}

static void output_ready(struct watch *watch)
{
	struct output *output = watch->owner;
	struct task *task = output->task;
	char bytes[READ_SIZE];
	size_t wanted = take_allowance(task);
	ssize_t got;

	if (wanted == 0)
		return;
	got = read(watch->fd, bytes, wanted);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) { /* a tty's end is EIO */
		output->in_loop = false;
		watch_close(watch);
		if (task->log)
			cri_log_end(task->log, output->stream);
		return;
	}
	task->allowance -= got;
	if (task->session)
		keep_output(output, bytes, (size_t)got);
	if (!task->log)
		return;
	if (cri_log_feed(task->log, output->stream, bytes, (size_t)got) < 0)
		fprintf(stderr, "runtime: %s: cannot write its log\n", task->name);
	rotate_when_due(task);
}

/* Life ----------------------------------------------------------------------------------------- */

/* Text: the entrypoint could not be executed. End of file: it was. */
static void report_ready(struct watch *watch)
{
	struct task *task = watch->owner;
	const struct shim_handlers *handlers = &task->shim->handlers;
	char text[512];
	ssize_t got = read(watch->fd, text, sizeof(text) - 1);

	if (got < 0)
		return;
	watch_close(watch);
	task->running = got == 0;
	text[got] = '\0';
	if (task->session)
		return;
	if (got > 0)
		handlers->failed(handlers->context, task->name, text);
	else
		handlers->started(handlers->context, task->name);
}

static void task_init(struct task *task, struct shim *shim, const char *name)
{
	task->shim = shim;
	task->report = (struct watch){ .fd = -1, .ready = report_ready, .owner = task };
	task->start_fd = task->input_fd = -1;
	snprintf(task->name, sizeof(task->name), "%s", name);
	for (int i = 0; i < CRI_STREAMS; i++) {
		struct output *output = &task->outputs[i];

		*output = (struct output){
			.task = task,
			.stream = (enum cri_stream)i,
			.watch = { .fd = -1, .ready = output_ready, .owner = output }
		};
	}
}

static void task_link(struct task *task)
{
	task->next = task->shim->tasks;
	task->shim->tasks = task;
}

static void task_free(struct task *task)
{
	watch_close(&task->report);
	for (int i = 0; i < CRI_STREAMS; i++) {
		watch_close(&task->outputs[i].watch);
		free(task->outputs[i].kept);
	}
	if (task->start_fd >= 0)
		close(task->start_fd);
	if (task->input_fd >= 0)
		close(task->input_fd);
	cri_log_free(task->log);
	free(task);
}

static struct task *find_container(struct shim *shim, const char *id)
{
	for (struct task *task = shim->tasks; task; task = task->next)
		if (!task->session && !task->finished && strcmp(task->name, id) == 0)
			return task;
	return NULL;
}

/* The pipes' write ends go to `stdio`, the read ends stay here. */
static int open_pipes(struct task *task, int stdio[3])
{
	for (int i = 0; i < CRI_STREAMS; i++) {
		int pair[2];

		if (pipe2(pair, O_CLOEXEC) < 0)
			return -errno;
		fcntl(pair[0], F_SETFL, O_NONBLOCK);
		task->outputs[i].watch.fd = pair[0];
		stdio[i + 1] = pair[1];
	}
	return 0;
}

static int open_stdio(struct task *task, const struct container_options *options, int stdio[3])
{
	int pair[2];

	stdio[0] = stdio[1] = stdio[2] = -1;
	if (options && options->stdin_open && !options->process.tty) {
		if (pipe2(pair, O_CLOEXEC) < 0)
			return -errno;
		stdio[0] = pair[0];
		task->input_fd = pair[1];
	}
	if (stdio[0] < 0)
		stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (options && (options->process.tty || options->stdio == CONTAINER_STDIO_NULL)) {
		stdio[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
		stdio[2] = open("/dev/null", O_WRONLY | O_CLOEXEC);
		return 0;
	}
	return open_pipes(task, stdio);
}

/* Creates the process and takes over its descriptors. */
static int task_create_process(struct task *task, struct process_spec *spec)
{
	struct process process;
	int error;

	spec->cgroup = &task->cgroup;
	error = process_create(spec, &process);
	for (int i = 0; i < 3; i++)
		if (spec->stdio[i] >= 0)
			close(spec->stdio[i]);
	if (error < 0)
		return error;
	task->pid = process.pid;
	task->start_fd = process.start_fd;
	task->report.fd = process.report_fd;
	if (process.master_fd >= 0) {
		fcntl(process.master_fd, F_SETFL, O_RDWR | O_NONBLOCK);
		task->outputs[CRI_STDOUT].watch.fd = process.master_fd;
	}
	watch_add(task->shim, &task->report);
	task_listen(task);
	return 0;
}

static int container_prepare(struct task *task, const struct container_options *options,
			     struct process_spec *spec)
{
	int error = cgroup_create(options->cgroup_path, options->v1, &task->cgroup);

	task->start_at = now_ms() + options->start_delay_ms;
	if (error == 0 && options->stdio == CONTAINER_STDIO_LOG)
		error = cri_log_new(&options->names, &task->log);
	if (error == 0)
		error = open_stdio(task, options, spec->stdio);
	if (error == 0)
		error = task_create_process(task, spec);
	return error;
}

int shim_run(struct shim *shim, const struct container_options *options,
	     struct container_facts *ret)
{
	struct process_spec spec = options->process;
	struct task *task = calloc(1, sizeof(*task));
	int error;

	if (!task)
		return -ENOMEM;
	task_init(task, shim, options->names.id);
	task->host_pid = spec.host_pid || spec.join_pid;
	task->rate = options->rate;
	task->rate_at = now_ms();
	task->remove_delay_ms = options->remove_delay_ms;
	task->rotate_bytes = options->rotate_bytes;
	task->rotate_interval_ms = options->rotate_interval_ms;
	task->keep = options->keep;
	error = container_prepare(task, options, &spec);
	if (error < 0) {
		cgroup_kill(&task->cgroup);
		cgroup_remove(&task->cgroup);
		task_free(task);
		return error;
	}
	task_link(task);
	*ret = (struct container_facts){ .pid = task->pid,
					 .cgroup_id = cgroup_id(&task->cgroup),
					 .cgroup_path = task->cgroup.path };
	return 0;
}

int shim_exec(struct shim *shim, const char *id, const char *session, char *const *arguments)
{
	static char *const environment[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL
	};
	struct task *container = find_container(shim, id), *task;
	struct process_spec spec = { .arguments = arguments, .environment = environment };
	int error;

	if (!container)
		return -ENOENT;
	task = calloc(1, sizeof(*task));
	if (!task)
		return -ENOMEM;
	task_init(task, shim, session);
	task->session = true;
	task->cgroup = container->cgroup;
	task->start_at = now_ms();
	spec.session_pid = container->pid;
	error = open_stdio(task, NULL, spec.stdio);
	if (error == 0)
		error = task_create_process(task, &spec);
	if (error < 0) {
		task_free(task);
		return error;
	}
	task_link(task);
	return 0;
}

void shim_reap(struct shim *shim)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct task *task = shim->tasks;

		while (task && (task->pid != pid || task->reaped))
			task = task->next;
		if (!task)
			continue;
		task->reaped = true;
		task->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		task->remove_at = now_ms() + task->remove_delay_ms;
		/* With a pid namespace the kernel has done that. */
		if (task->host_pid)
			cgroup_kill(&task->cgroup);
	}
}

/* Time ----------------------------------------------------------------------------------------- */

static void finish_when_drained(struct task *task)
{
	const struct shim_handlers *handlers = &task->shim->handlers;

	if (task->finished || !task->reaped || task->outputs[CRI_STDOUT].watch.fd >= 0 ||
	    task->outputs[CRI_STDERR].watch.fd >= 0)
		return;
	task->finished = true;
	if (task->session) {
		const char *const output[CRI_STREAMS] = { task->outputs[0].kept,
							  task->outputs[1].kept };
		const size_t sizes[CRI_STREAMS] = { task->outputs[0].kept_size,
						    task->outputs[1].kept_size };

		task->removed = true;
		handlers->session_ended(handlers->context, task->name, task->status, output, sizes);
	} else {
		task->log = cri_log_free(task->log);
		handlers->exited(handlers->context, task->name, task->status);
	}
}

static void do_due(struct task *task, uint64_t now)
{
	const struct shim_handlers *handlers = &task->shim->handlers;

	if (task->start_at > 0 && now >= task->start_at) {
		task->start_at = 0;
		if (write(task->start_fd, "g", 1) == 1)
			close(task->start_fd);
		task->start_fd = -1;
	}
	if (task->resume_at > 0 && now >= task->resume_at) {
		task->resume_at = 0;
		task_listen(task);
	}
	finish_when_drained(task);
	if (!task->session && task->remove_at > 0 && now >= task->remove_at) {
		task->remove_at = 0;
		if (cgroup_remove(&task->cgroup) < 0) {
			cgroup_kill(&task->cgroup);
			task->remove_at = now + RETRY_MS;
		} else {
			task->removed = true;
			handlers->removed(handlers->context, task->name);
		}
	}
}

static uint64_t earliest(const struct task *task, uint64_t best)
{
	const uint64_t times[] = { task->start_at, task->resume_at,
				   task->session ? 0 : task->remove_at };

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] > 0 && times[i] < best)
			best = times[i];
	return best;
}

int shim_tick(struct shim *shim)
{
	uint64_t now = now_ms(), best = UINT64_MAX;
	struct task **link = &shim->tasks;

	while (*link) {
		struct task *task = *link;

		do_due(task, now);
		if (task->finished && task->removed) {
			*link = task->next;
			task_free(task);
			continue;
		}
		best = earliest(task, best);
		link = &task->next;
	}
	if (best == UINT64_MAX)
		return -1;
	return best <= now ? 0 : (int)(best - now);
}

/* What tests ask for --------------------------------------------------------------------------- */

int shim_signal(struct shim *shim, const char *id, int number)
{
	struct task *task = find_container(shim, id);

	if (!task || task->reaped)
		return -ENOENT;
	return kill(task->pid, number) < 0 ? -errno : 0;
}

int shim_input(struct shim *shim, const char *id, const char *bytes, size_t size)
{
	struct task *task = find_container(shim, id);

	if (!task || task->input_fd < 0)
		return -ENOENT;
	if (size == 0) {
		close(task->input_fd);
		task->input_fd = -1;
		return 0;
	}
	return write(task->input_fd, bytes, size) == (ssize_t)size ? 0 : -EIO;
}

int shim_rotate(struct shim *shim, const char *id)
{
	struct task *task = find_container(shim, id);

	return task && task->log ? cri_log_rotate(task->log, task->keep) : -ENOENT;
}

int shim_forget(struct shim *shim, const char *id, size_t *ret)
{
	struct task *task = find_container(shim, id);

	if (!task || !task->log)
		return -ENOENT;
	*ret = cri_log_forget(task->log);
	return 0;
}

int shim_stall(struct shim *shim, const char *id, bool stalled)
{
	if (id && !find_container(shim, id))
		return -ENOENT;
	for (struct task *task = shim->tasks; task; task = task->next) {
		if (task->session || (id && strcmp(task->name, id) != 0))
			continue;
		task->stalled = stalled;
		task_listen(task);
	}
	return 0;
}

int shim_set_rate(struct shim *shim, const char *id, uint64_t rate)
{
	struct task *task = find_container(shim, id);

	if (!task)
		return -ENOENT;
	task->rate = rate;
	task->rate_at = now_ms();
	task->allowance = 0;
	return 0;
}

size_t shim_count(const struct shim *shim)
{
	size_t count = 0;

	for (const struct task *task = shim->tasks; task; task = task->next)
		count++;
	return count;
}

int shim_new(int epoll_fd, const struct shim_handlers *handlers, struct shim **ret)
{
	struct shim *shim = calloc(1, sizeof(*shim));

	if (!shim)
		return -ENOMEM;
	shim->epoll_fd = epoll_fd;
	shim->handlers = *handlers;
	*ret = shim;
	return 0;
}

/* Waits until each cgroup is empty: a killed process needs a moment. */
struct shim *shim_free(struct shim *shim)
{
	while (shim->tasks) {
		struct task *task = shim->tasks;

		shim->tasks = task->next;
		if (!task->reaped)
			kill(task->pid, SIGKILL);
		for (int attempt = 0; !task->session && !task->removed && attempt < 250;
		     attempt++) {
			cgroup_kill(&task->cgroup);
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
			if (cgroup_remove(&task->cgroup) == 0)
				break;
			usleep(RETRY_MS * 1000);
		}
		task_free(task);
	}
	free(shim);
	return NULL;
}
