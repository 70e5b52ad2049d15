/* SPDX-License-Identifier: Apache-2.0 */
/* `ringtail agent`: collects until SIGTERM or SIGINT, then delivers what is in flight. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "ack/state_dir.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/signals.h"
#include "pipeline.h"

struct agent {
	struct pipeline *pipeline;
	bool stopping; /* the first signal has come */
	bool stop_now; /* the second one */
};

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct agent *agent = context;

	(void)source;
	if (agent->stopping) {
		agent->stop_now = true;
		return 0;
	}
	agent->stopping = true;
	log_info("%s: delivering what is in flight, at most %llu s",
		 strsignal((int)info->ssi_signo),
		 (unsigned long long)agent->pipeline->settings->shutdown_timeout_ms / 1000);
	return 0;
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct agent *agent = context;
	int r = sink_reopen(agent->pipeline->sink);

	(void)source, (void)info;
	if (r < 0)
		log_error("SIGHUP: the sink's file cannot be opened again: %s, writing on to the "
			  "old one",
			  strerror(-r));
	else
		log_info("SIGHUP: the sink's file is open again; for changed settings a restart is "
			 "needed");
	return 0;
}

static void warn_without_effect(void *context, const char *key)
{
	(void)context;
	log_warning("%s: has no effect in this version", key);
}

static void report(const struct agent *agent, uint64_t pending)
{
	struct shipping_account account;
	struct collector_counters counters;

	shipping_read_account(agent->pipeline->shipping, &account);
	collector_read_counters(agent->pipeline->collector, &counters);
	log_info("in %llu bytes of log, delivered %llu, rejected %llu, lost %llu, not delivered "
		 "%llu",
		 (unsigned long long)(account.in + counters.lost_bytes),
		 (unsigned long long)account.delivered, (unsigned long long)account.rejected,
		 (unsigned long long)(account.lost + counters.lost_bytes),
		 (unsigned long long)pending);
}

static int start(struct agent *agent, char **ret_error)
{
	const struct settings *settings = agent->pipeline->settings;
	int r = collector_start(agent->pipeline->collector, ret_error);
	const char *why;

	if (r < 0)
		return r;
	why = collector_backend_why(agent->pipeline->collector);
	log_info("capturing (backend %s%s%s), cluster %s, node %s, sink %s",
		 collector_backend(agent->pipeline->collector), *why ? ": " : "", why,
		 settings->cluster, settings->node ? settings->node : "unknown", settings->sink);
	return 0;
}

static int complain(const char *error, int status)
{
	log_complaint("%s", error ? error : "out of memory");
	return status;
}

int agent_main(const struct invocation *invocation)
{
	_cleanup_(sd_event_unrefp) sd_event *loop = NULL;
	_cleanup_(state_dir_freep) struct state_dir *state_dir = NULL;
	_cleanup_(pipeline_freep) struct pipeline *pipeline = NULL;
	_cleanup_free_ char *error = NULL;
	struct agent agent = { 0 };
	int status = EXIT_STATUS_FAILED;

	settings_each_without_effect(invocation->source, warn_without_effect, NULL);
	if (sd_event_new(&loop) < 0)
		return complain(NULL, EXIT_STATUS_FAILED);
	if (signals_watch(loop, (const int[]){ SIGTERM, SIGINT, 0 }, on_stop, &agent) < 0 ||
	    signals_watch(loop, (const int[]){ SIGHUP, 0 }, on_hangup, &agent) < 0)
		return complain(NULL, EXIT_STATUS_FAILED);
	if (pipeline_new(invocation->settings, true, loop, &pipeline, &error, &status) < 0)
		return complain(error, status);
	agent.pipeline = pipeline;
	if (state_dir_open(invocation->settings->state_dir, &state_dir, &error) < 0)
		return complain(error, EXIT_STATUS_FAILED);
	if (start(&agent, &error) < 0)
		return complain(error, EXIT_STATUS_MACHINE);
	while (!agent.stopping)
		if (sd_event_run(loop, UINT64_MAX) < 0)
			return complain("the event loop failed", EXIT_STATUS_FAILED);
	report(&agent, pipeline_drain(pipeline, &agent.stop_now));
	return agent.stop_now ? EXIT_STATUS_FAILED : EXIT_STATUS_OK;
}
