/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collector, shipping and sink put together from the settings: what `agent` and `run` share.
 * pipeline_drain is how it ends: no more capturing, and what is in flight is delivered within
 * shutdown_timeout.
 */
#ifndef RINGTAIL_PIPELINE_H
#define RINGTAIL_PIPELINE_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "collector.h"
#include "control/settings.h"
#include "deliver/sink.h"
#include "shipping.h"

struct pipeline {
	const struct settings *settings;
	sd_event *loop;
	struct sink *sink;
	struct shipping *shipping;
	struct collector *collector;
	bool container_gone; /* of `run`: the one container has ended */
};

/* On failure *ret_error (caller frees) is the one line to print, *ret_status the exit status. */
int pipeline_new(const struct settings *settings, bool containers, sd_event *loop,
		 struct pipeline **ret, char **ret_error, int *ret_status);
struct pipeline *pipeline_free(struct pipeline *pipeline);
DEFINE_CLEANUP(struct pipeline *, pipeline_free)

/*
 * Stops capturing and turns the loop until all is delivered or shutdown_timeout is over; *stop set
 * to true ends it at once. Returns the bytes of log that are still pending.
 */
uint64_t pipeline_drain(struct pipeline *pipeline, const bool *stop);

#endif
