/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/sink.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "deliver/sink_operations.h"

int sink_init(struct sink *sink, const struct sink_operations *operations,
	      delivery_handler on_delivery, void *context)
{
	sink->operations = operations;
	sink->on_delivery = on_delivery;
	sink->context = context;
	return table_new(&sink->destinations);
}

/* Destinations --------------------------------------------------------------------------------- */

/* FNV-1a, with a byte between the names that neither can hold. Equal hashes share a chain. */
static uint64_t hash_names(const char *group, const char *stream)
{
	const char *const names[] = { group, stream };
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (int i = 0; i < 2; i++)
		for (const char *at = names[i];; at++) {
			hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
			if (!*at)
				break;
		}
	return hash;
}

static struct destination *find(const struct sink *sink, uint64_t hash, const char *group,
				const char *stream)
{
	struct destination *at = table_get(sink->destinations, hash);

	while (at && (strcmp(at->group, group) != 0 || strcmp(at->stream, stream) != 0))
		at = at->next;
	return at;
}

static int link_destination(struct sink *sink, struct destination *destination)
{
	struct destination *first = table_get(sink->destinations, destination->hash);

	if (!first)
		return table_put(sink->destinations, destination->hash, destination);
	destination->next = first->next;
	first->next = destination;
	return 0;
}

static void unlink_destination(struct sink *sink, struct destination *destination)
{
	struct destination *before = table_get(sink->destinations, destination->hash);
	int r;

	if (before != destination) {
		while (before->next != destination)
			before = before->next;
		before->next = destination->next;
		return;
	}
	table_remove(sink->destinations, destination->hash);
	if (destination->next) {
		r = table_put(sink->destinations, destination->hash, destination->next);
		assert(r == 0); /* there is room: one was removed */
		(void)r;
	}
}

static void free_destination(struct sink *sink, struct destination *destination)
{
	sink->operations->release_destination(destination);
	free(destination->group);
	free(destination->stream);
	free(destination);
}

static int new_destination(struct sink *sink, uint64_t hash, const char *group, const char *stream,
			   struct destination **ret)
{
	struct destination *destination = calloc(1, sink->operations->destination_size);
	int r = 0;

	if (!destination)
		return -ENOMEM;
	destination->hash = hash;
	destination->group = strdup(group);
	destination->stream = strdup(stream);
	if (!destination->group || !destination->stream)
		r = -ENOMEM;
	if (r >= 0)
		r = sink->operations->init_destination(sink, destination);
	if (r >= 0)
		r = link_destination(sink, destination);
	if (r < 0) {
		free_destination(sink, destination);
		return r;
	}
	*ret = destination;
	return 0;
}

int sink_open_destination(struct sink *sink, const char *group, const char *stream,
			  struct destination **ret)
{
	uint64_t hash = hash_names(group, stream);
	struct destination *destination = find(sink, hash, group, stream);
	int r;

	if (!destination) {
		r = new_destination(sink, hash, group, stream, &destination);
		if (r < 0)
			return r;
	}
	destination->references++;
	*ret = destination;
	return 0;
}

void sink_check_destination(struct sink *sink, struct destination *destination)
{
	if (destination->references || !sink->operations->is_destination_idle(destination))
		return;
	unlink_destination(sink, destination);
	free_destination(sink, destination);
}

void sink_close_destination(struct sink *sink, struct destination *destination)
{
	assert(destination->references > 0);
	destination->references--;
	sink_check_destination(sink, destination);
}

static void free_destinations(struct sink *sink)
{
	size_t cursor = 0;

	for (struct destination *at; (at = table_next(sink->destinations, &cursor));)
		while (at) {
			struct destination *next = at->next;

			free_destination(sink, at);
			at = next;
		}
}

struct sink *sink_free(struct sink *sink)
{
	if (!sink)
		return NULL;
	sink->operations->stop(sink);
	if (sink->destinations)
		free_destinations(sink);
	sink->destinations = table_free(sink->destinations);
	sink->operations->release(sink);
	free(sink);
	return NULL;
}

/* Lines and what becomes of them --------------------------------------------------------------- */

int sink_write(struct sink *sink, struct destination *destination,
	       const struct event_format *format, const struct log_line *line)
{
	return sink->operations->write(sink, destination, format, line);
}

void sink_deliver(void *context, const struct delivery *delivery)
{
	struct sink *sink = context;

	if (delivery->result == DELIVERY_ACCEPTED) {
		sink->counters.events += delivery->events;
		sink->counters.message_bytes += delivery->message_bytes;
	} else {
		sink->counters.rejected_events += delivery->events;
	}
	sink->on_delivery(sink->context, delivery);
}

int sink_flush(struct sink *sink)
{
	return sink->operations->flush(sink);
}

void sink_drain(struct sink *sink)
{
	sink->operations->drain(sink);
}

int sink_reopen(struct sink *sink)
{
	return sink->operations->reopen(sink);
}

bool sink_is_idle(const struct sink *sink)
{
	return sink->operations->is_idle(sink);
}

void sink_read_counters(const struct sink *sink, struct sink_counters *ret)
{
	*ret = sink->counters;
	sink->operations->read_counters(sink, ret);
}
