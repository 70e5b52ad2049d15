/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector's inside, shared by its three files: collector.c starts and stops it,
 * collector_records.c follows the kernel's records, collector_names.c follows a container from its
 * first line to its end.
 */
#ifndef RINGTAIL_COLLECTOR_PRIVATE_H
#define RINGTAIL_COLLECTOR_PRIVATE_H

#include <sys/types.h>

#include "base/table.h"
#include "collector.h"
#include "selection.h"
#include "source/cgroup_tree.h"
#include "source/kernel_probe.h"
#include "source/kernel_ring.h"

struct collector {
	struct collector_options options;
	sd_event *loop;
	struct kernel_probe *probe;
	struct kernel_ring *rings;
	struct cgroup_tree *tree;
	struct naming *naming;
	struct table *containers; /* by cgroup id */
	struct table *streams;	  /* struct container_stream by stream number */
	sd_event_source *naming_timer;
	struct collector_counters counters;
	int64_t boot_to_real_ns;
	bool clock_is_read;  /* in this pass */
	bool holes_are_open; /* some stream is waiting */
	bool has_ignored;    /* a container was excluded in this pass: free its streams */
	uint64_t misses_told;
	uint64_t misses_read_ms; /* when they were read last, monotonic */
	uint64_t gaps_seen;	 /* the kernel's sum when we last looked at the pipes */
	uint64_t explained[CAPTURE_GAP_COUNT]; /* bytes of holes already put down to a reason */
	ino_t own_outputs[2]; /* our stdout and stderr, when pipes: who has them is us */
};

/* Names ---------------------------------------------------------------------------------------- */

/* A line of a named container, unless its pod keeps that stream out. */
void collector_hand_on(void *collector, struct container *container, const struct log_line *line);
/* True when the container needs not wait any longer: named, or ignored. */
bool collector_try_to_name(struct collector *collector, struct container *container,
			   bool last_chance);
/* Looks again at those that wait, soon. */
void collector_start_naming_timer(struct collector *collector);
int collector_on_naming_timer(sd_event_source *source, uint64_t time, void *collector);
void collector_on_kubelet_answer(void *collector);
/* Nothing more of it is captured; its streams are freed after the pass. */
void collector_ignore(struct collector *collector, struct container *container);
void collector_forget(struct collector *collector, struct container *container);
void collector_forget_those_done(struct collector *collector);

/* Records -------------------------------------------------------------------------------------- */

void collector_on_record(void *collector, const struct capture_record *record);
void collector_on_drained(void *collector);
/* A cgroup of this path was made or is there; NULL when memory is out. */
struct container *collector_meet(struct collector *collector, uint64_t cgroup, const char *path);

#endif
