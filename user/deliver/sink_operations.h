/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kind of sink has to do. Common to all of them, and done in sink.c: destinations are shared
 * by name and counted, deliveries are counted on their way to the collector. A kind embeds both
 * structs at its own ones' begin.
 */
#ifndef RINGTAIL_DELIVER_SINK_OPERATIONS_H
#define RINGTAIL_DELIVER_SINK_OPERATIONS_H

#include "base/table.h"
#include "deliver/sink.h"

struct destination {
	char *group, *stream;
	uint64_t hash;
	struct destination *next; /* of the same hash */
	unsigned int references;  /* of the collector */
};

struct sink_operations {
	size_t destination_size;
	/* Of a zeroed destination that has its names. */
	int (*init_destination)(struct sink *sink, struct destination *destination);
	void (*release_destination)(struct destination *destination);
	/* Holds nothing that is pending: it may be freed once nobody refers to it. */
	bool (*is_destination_idle)(const struct destination *destination);

	int (*write)(struct sink *sink, struct destination *destination,
		     const struct event_format *format, const struct log_line *line);
	int (*flush)(struct sink *sink);
	void (*drain)(struct sink *sink);
	int (*reopen)(struct sink *sink);
	bool (*is_idle)(const struct sink *sink);
	/* Adds what is its own to the counters that sink.c has filled. */
	void (*read_counters)(const struct sink *sink, struct sink_counters *ret);
	/* Free the sink's own parts before (stop) and after (release) destinations are freed. */
	void (*stop)(struct sink *sink);
	void (*release)(struct sink *sink);
};

struct sink {
	const struct sink_operations *operations;
	delivery_handler on_delivery;
	void *context;
	struct table *destinations; /* by hash */
	struct sink_counters counters; /* of deliveries; pending_events are the kind's to count */
};

/* Makes `sink` complete but for its kind's own members. After a failure sink_free still works. */
int sink_init(struct sink *sink, const struct sink_operations *operations,
	      delivery_handler on_delivery, void *context);
/* A delivery_handler whose context is the sink: counts, and passes on. */
void sink_deliver(void *context, const struct delivery *delivery);
/* To be called when a destination may have become idle: frees it if nobody refers to it. */
void sink_check_destination(struct sink *sink, struct destination *destination);

#endif
