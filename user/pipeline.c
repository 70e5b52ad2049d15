/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/exit_status.h"

enum { DRAIN_TURN_MS = 200 };

static int new_sink(struct pipeline *pipeline, char **ret_error)
{
	const struct settings *settings = pipeline->settings;
	const struct cloudwatch_options options = {
		.region = settings->region,
		.endpoint = settings->cloudwatch.endpoint,
		.ca_file = settings->cloudwatch.ca_file ? settings->cloudwatch.ca_file
							: getenv("AWS_CA_BUNDLE"),
		.proxy = settings->cloudwatch.proxy,
		.flush_interval_ms = (unsigned int)settings->cloudwatch.flush_interval_ms,
		.gzip = settings->cloudwatch.gzip,
		.auto_create = settings->cloudwatch.auto_create,
		.fips = settings->cloudwatch.fips,
		.dualstack = settings->cloudwatch.dualstack,
		.retention_days = (unsigned int)settings->cloudwatch.retention_days,
		.kms_key_id = settings->cloudwatch.kms_key_id,
		.log_group_class = settings->cloudwatch.log_group_class,
		.tag_keys = (const char *const *)settings->cloudwatch.tags.keys,
		.tag_values = (const char *const *)settings->cloudwatch.tags.values,
		.tag_count = settings->cloudwatch.tags.count,
	};
	int r;

	switch (settings->sink_kind) {
	case SINK_STDOUT:
		return sink_new_stdout(pipeline->loop, shipping_delivered, pipeline->shipping,
				       &pipeline->sink);
	case SINK_FILE:
		r = sink_new_file(settings->sink_path, pipeline->loop, shipping_delivered,
				  pipeline->shipping, &pipeline->sink);
		if (r < 0 && asprintf(ret_error, "sink %s: %s; choose a file that can be written",
				      settings->sink, strerror(-r)) < 0)
			*ret_error = NULL;
		return r;
	case SINK_CLOUDWATCH:
		break;
	}
	return sink_new_cloudwatch(&options, pipeline->loop, shipping_delivered, pipeline->shipping,
				   &pipeline->sink, ret_error);
}

static void on_ended(void *context, struct container *container)
{
	struct pipeline *pipeline = context;

	shipping_ended(pipeline->shipping, container);
	pipeline->container_gone = true;
}

static void on_renamed(void *context, struct container *container)
{
	shipping_renamed(((struct pipeline *)context)->shipping, container);
}

static void on_line(void *context, struct container *container, const struct log_line *line)
{
	shipping_line(((struct pipeline *)context)->shipping, container, line);
}

static int new_collector(struct pipeline *pipeline, bool containers, char **ret_error)
{
	const struct collector_options options = {
		.settings = pipeline->settings,
		.containers = containers,
		.handlers = { .line = on_line,
			      .renamed = on_renamed,
			      .ended = on_ended,
			      .context = pipeline },
	};

	return collector_new(&options, pipeline->loop, &pipeline->collector, ret_error);
}

int pipeline_new(const struct settings *settings, bool containers, sd_event *loop,
		 struct pipeline **ret, char **ret_error, int *ret_status)
{
	_cleanup_(pipeline_freep) struct pipeline *pipeline = calloc(1, sizeof(*pipeline));
	int r;

	*ret_status = EXIT_STATUS_FAILED;
	if (!pipeline)
		return -ENOMEM;
	pipeline->settings = settings;
	pipeline->loop = sd_event_ref(loop);
	r = shipping_new(settings, loop, &pipeline->shipping);
	if (r < 0)
		return r;
	*ret_status = EXIT_STATUS_MACHINE;
	r = new_collector(pipeline, containers, ret_error);
	if (r < 0)
		return r;
	*ret_status = settings->sink_kind == SINK_FILE ? EXIT_STATUS_FAILED : EXIT_STATUS_USAGE;
	r = new_sink(pipeline, ret_error);
	if (r < 0)
		return r;
	shipping_set_sink(pipeline->shipping, pipeline->sink);
	*ret = TAKE_PTR(pipeline);
	return 0;
}

struct pipeline *pipeline_free(struct pipeline *pipeline)
{
	if (!pipeline)
		return NULL;
	collector_free(pipeline->collector);
	sink_free(pipeline->sink);
	shipping_free(pipeline->shipping);
	sd_event_unref(pipeline->loop);
	free(pipeline);
	return NULL;
}

static uint64_t pending_bytes(const struct pipeline *pipeline)
{
	struct shipping_account account;

	shipping_read_account(pipeline->shipping, &account);
	return account.in - account.delivered - account.rejected - account.lost;
}

uint64_t pipeline_drain(struct pipeline *pipeline, const bool *stop)
{
	uint64_t deadline = clock_monotonic_ms() + pipeline->settings->shutdown_timeout_ms, now;

	collector_stop(pipeline->collector);
	sink_drain(pipeline->sink);
	while (!sink_is_idle(pipeline->sink) && !*stop && (now = clock_monotonic_ms()) < deadline) {
		uint64_t left_ms = deadline - now;

		if (sd_event_run(pipeline->loop,
				 (left_ms < DRAIN_TURN_MS ? left_ms : DRAIN_TURN_MS) * 1000) < 0)
			break;
	}
	return pending_bytes(pipeline);
}
