/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ringtail run`: one command as a container. The pipes' read end is ours: what is read there is
 * thrown away, for the bytes come through BPF, but counted, so that the summary can say whether all
 * of them did.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/signals.h"
#include "pipeline.h"
#include "source/cgroup_tree.h"
#include "source/command_cgroup.h"

enum {
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127,
	STATUS_SIGNAL = 128,	/* plus its number */
	END_PATIENCE_MS = 2000, /* for processes that were killed to be gone */
};

struct run {
	sd_event *loop;
	struct pipeline *pipeline;
	struct command_cgroup *cgroup;
	struct started_command command;
	int open_outputs;
	uint64_t read_bytes; /* what the pipes really delivered */
	bool ended;
	int status;
	bool stop_now;
};

static int on_output(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct run *run = context;
	char space[65536];
	ssize_t got;

	(void)events;
	while ((got = read(fd, space, sizeof(space))) > 0)
		run->read_bytes += (uint64_t)got;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	run->open_outputs--;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

static int on_exit_of_command(sd_event_source *source, const siginfo_t *info, void *context)
{
	struct run *run = context;

	(void)source;
	run->ended = true;
	run->status = info->si_code == CLD_EXITED ? info->si_status
						  : STATUS_SIGNAL + info->si_status;
	return 0;
}

/*
 * What a terminal sends to its foreground group, the command gets from there; passing it on would
 * double it.
 */
static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct run *run = context;

	(void)source;
	if (run->ended)
		run->stop_now = true;
	else if (run->command.pid > 0 && info->ssi_code != SI_KERNEL)
		kill(run->command.pid, (int)info->ssi_signo);
	return 0;
}

static int random_id(char ret[static 65])
{
	unsigned char bytes[32];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -errno;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static int make_names(const char *command, const char *id, struct names *ret)
{
	const char *base = strrchr(command, '/');

	ret->namespace = strdup("local");
	ret->pod = strdup("run");
	ret->container = strdup(base && base[1] ? base + 1 : command);
	ret->container_id = strdup(id);
	return ret->namespace && ret->pod && ret->container && ret->container_id ? 0 : -ENOMEM;
}

static int start_command(struct run *run, char **arguments, char **ret_error)
{
	_cleanup_(cgroup_tree_freep) struct cgroup_tree *tree = NULL;
	_cleanup_(names_release) struct names names = { 0 };
	char id[65], path[80];
	int r = cgroup_tree_open(&tree);

	if (r < 0 || (r = random_id(id)) < 0 || (r = make_names(arguments[0], id, &names)) < 0)
		return r;
	snprintf(path, sizeof(path), "/ringtail-run-%.12s", id);
	r = command_cgroup_new(cgroup_tree_root(tree), path, &run->cgroup);
	if (r == 0)
		r = collector_follow(run->pipeline->collector, path, &names);
	if (r < 0) {
		if (asprintf(ret_error, "%s%s: %s; the cgroup hierarchy must be writable",
			     cgroup_tree_root(tree), path, strerror(-r)) < 0)
			*ret_error = NULL;
		return r;
	}
	return command_cgroup_start(run->cgroup, arguments, signals_restore, &run->command);
}

static int watch_command(struct run *run)
{
	int r = sd_event_add_child(run->loop, NULL, run->command.pid, WEXITED, on_exit_of_command,
				   run);

	for (int i = 0; i < 2 && r >= 0; i++) {
		run->open_outputs++;
		r = sd_event_add_io(run->loop, NULL, run->command.output[i], EPOLLIN, on_output,
				    run);
	}
	return r;
}

static int turn(struct run *run, uint64_t timeout_ms)
{
	return sd_event_run(run->loop, timeout_ms == UINT64_MAX ? UINT64_MAX : timeout_ms * 1000);
}

/*
 * Like a runtime when a container's first process has exited: the rest is killed, then the cgroup
 * goes.
 */
static void end_cgroup(struct run *run)
{
	uint64_t deadline = clock_monotonic_ms() + END_PATIENCE_MS;

	while ((command_cgroup_end(run->cgroup) < 0 || run->open_outputs > 0) &&
	       clock_monotonic_ms() < deadline)
		turn(run, 5);
	while (!run->pipeline->container_gone && clock_monotonic_ms() < deadline)
		turn(run, 5);
}

/* Returns false when bytes or events are missing. */
static bool report(const struct run *run, uint64_t pending)
{
	struct collector_counters captured;
	struct shipping_account account;
	uint64_t bytes, lost;

	collector_read_counters(run->pipeline->collector, &captured);
	shipping_read_account(run->pipeline->shipping, &account);
	bytes = captured.captured_bytes[0] + captured.captured_bytes[1];
	lost = captured.lost_bytes + account.lost;
	if (run->read_bytes > bytes + captured.lost_bytes)
		lost += run->read_bytes - bytes - captured.lost_bytes;
	log_info("captured %llu of %llu bytes in %llu records, %llu lines; lost %llu bytes, %llu "
		 "not delivered, %llu rejected",
		 (unsigned long long)bytes, (unsigned long long)run->read_bytes,
		 (unsigned long long)captured.records, (unsigned long long)captured.lines,
		 (unsigned long long)lost, (unsigned long long)pending,
		 (unsigned long long)account.rejected);
	return lost == 0 && pending == 0 && account.rejected == 0;
}

static int complain(const char *error, int status)
{
	log_complaint("%s", error ? error : "out of memory");
	return status;
}

static int explain_start(int r, const char *command, const char *error)
{
	if (error)
		return complain(error, EXIT_STATUS_MACHINE);
	log_complaint("%s: %s", command, r == -ENOENT ? "command not found" : strerror(-r));
	return r == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

static int run_to_the_end(struct run *run)
{
	bool complete;

	while (!run->ended)
		if (turn(run, UINT64_MAX) < 0)
			return complain("the event loop failed", EXIT_STATUS_FAILED);
	end_cgroup(run);
	complete = report(run, pipeline_drain(run->pipeline, &run->stop_now));
	return run->status == 0 && !complete ? EXIT_STATUS_FAILED : run->status;
}

static const int forwarded[] = { SIGINT,  SIGTERM, SIGHUP,   SIGQUIT, SIGUSR1,
				 SIGUSR2, SIGCONT, SIGWINCH, 0 };

int run_main(const struct invocation *invocation)
{
	_cleanup_(sd_event_unrefp) sd_event *loop = NULL;
	_cleanup_(pipeline_freep) struct pipeline *pipeline = NULL;
	_cleanup_free_ char *error = NULL;
	struct run run = { 0 };
	int status = EXIT_STATUS_FAILED, r;

	if (sd_event_new(&loop) < 0 || signals_watch(loop, forwarded, on_signal, &run) < 0 ||
	    signals_block(SIGCHLD) < 0)
		return complain(NULL, EXIT_STATUS_FAILED);
	run.loop = loop;
	if (pipeline_new(invocation->settings, false, loop, &pipeline, &error, &status) < 0)
		return complain(error, status);
	run.pipeline = pipeline;
	if (collector_start(pipeline->collector, &error) < 0)
		return complain(error, EXIT_STATUS_MACHINE);
	r = start_command(&run, invocation->arguments, &error);
	if (r == 0 && watch_command(&run) >= 0)
		status = run_to_the_end(&run);
	else
		status = explain_start(r, invocation->arguments[0], error);
	command_cgroup_free(run.cgroup);
	return status;
}
