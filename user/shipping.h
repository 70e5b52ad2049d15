/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last wiring: a named container's lines go to its log group and stream in its format, through
 * the sink. Keeps the account (what came in is delivered, pending, rejected or lost; bytes as the
 * container wrote them) and the bound on memory: what does not fit is counted, and told in the log
 * stream as soon as there is room again.
 */
#ifndef RINGTAIL_SHIPPING_H
#define RINGTAIL_SHIPPING_H

#include "base/cleanup.h"
#include "container.h"
#include "control/settings.h"
#include "deliver/sink.h"

struct shipping;

struct shipping_account {
	uint64_t in, delivered, rejected, lost; /* bytes of log; pending is what is left */
	uint64_t lines, events;			/* in; delivered */
};

int shipping_new(const struct settings *settings, sd_event *loop, struct shipping **ret);
struct shipping *shipping_free(struct shipping *shipping);
DEFINE_CLEANUP(struct shipping *, shipping_free)

/*
 * Where lines go; not owned. To be set once, before the first line; the sink's handler is
 * shipping_delivered.
 */
void shipping_set_sink(struct shipping *shipping, struct sink *sink);
void shipping_delivered(void *shipping, const struct delivery *delivery);

/* Handlers of the collector; the context is the struct shipping. */
void shipping_line(void *shipping, struct container *container, const struct log_line *line);
void shipping_renamed(void *shipping, struct container *container);
void shipping_ended(void *shipping, struct container *container);

void shipping_read_account(const struct shipping *shipping, struct shipping_account *ret);

#endif
