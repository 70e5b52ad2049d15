/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/batch.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/table.h"
#include "deliver/escape.h"
#include "deliver/payload.h"

#define HOUR_MS (UINT64_C(3600) * 1000)

/* What the service accepts (PutLogEvents in its API model). */
static const uint64_t ahead_max_ms = 2 * HOUR_MS;
static const uint64_t age_max_ms = 14 * 24 * HOUR_MS;
static const uint64_t span_ms = 24 * HOUR_MS;

/* One event, in the order of adding; with a size of 0, a line that was too old to become one. */
struct entry {
	uint64_t timestamp_ms;
	uint64_t source_bytes;  /* of the line that ends here */
	uint64_t end_position;  /* of that line; 0: none ends here */
	uint32_t offset, size;  /* of `{"timestamp":…}` in the plain body */
	uint32_t message_bytes;
	uint16_t stream;        /* its index in `streams` */
	uint16_t rank;          /* its place among the events as they are sent */
};

_Static_assert(BATCH_EVENTS_MAX <= UINT16_MAX, "streams and ranks have 16 bits");

struct batch {
	char *group, *stream;
	struct buffer body;
	size_t prefix_size;           /* of the body, up to its first event */
	size_t plain_size;            /* of the sealed body before compression; 0: not sealed */
	bool gzip;
	struct buffer entries;        /* of struct entry */
	struct buffer streams;        /* of struct delivery, one a stream_id, to add up in */
	struct table *stream_indices; /* stream_id to its index there, + 1 */
	size_t events, clamped_events, message_bytes;
	uint64_t first_ms, last_ms;   /* bounds of the events' timestamps */
	uint64_t newest_ms;           /* timestamp of the event added last */
	bool out_of_order;
	uint64_t first_added_ms;
	struct buffer stamp;          /* the event's begin that was written last */
	uint64_t stamp_ms;            /* its timestamp */
};

static struct entry *entries_of(const struct batch *batch, size_t *ret_count)
{
	*ret_count = batch->entries.size / sizeof(struct entry);
	return (struct entry *)(void *)batch->entries.data;
}

static struct delivery *streams_of(const struct batch *batch, size_t *ret_count)
{
	*ret_count = batch->streams.size / sizeof(struct delivery);
	return (struct delivery *)(void *)batch->streams.data;
}

static int append_escaped(struct buffer *body, const char *before, const char *text)
{
	int r = buffer_append_text(body, before);

	return r < 0 ? r : escape_append_all(ESCAPE_ONCE, text, strlen(text), body);
}

static int begin_body(struct batch *batch)
{
	int r = append_escaped(&batch->body, "{\"logGroupName\":\"", batch->group);

	if (r == 0)
		r = append_escaped(&batch->body, "\",\"logStreamName\":\"", batch->stream);
	if (r == 0)
		r = buffer_append_text(&batch->body, "\",\"logEvents\":[");
	batch->prefix_size = batch->body.size;
	return r;
}

int batch_new(const char *group, const char *stream, struct batch **ret)
{
	_cleanup_(batch_freep) struct batch *batch = calloc(1, sizeof(*batch));
	int r;

	if (!batch)
		return -ENOMEM;
	batch->group = strdup(group);
	batch->stream = strdup(stream);
	if (!batch->group || !batch->stream)
		return -ENOMEM;
	r = table_new(&batch->stream_indices);
	if (r == 0)
		r = begin_body(batch);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(batch);
	return 0;
}

struct batch *batch_free(struct batch *batch)
{
	if (!batch)
		return NULL;
	free(batch->group);
	free(batch->stream);
	buffer_release(&batch->body);
	buffer_release(&batch->entries);
	buffer_release(&batch->streams);
	buffer_release(&batch->stamp);
	table_free(batch->stream_indices);
	free(batch);
	return NULL;
}

static int stream_index(struct batch *batch, uint64_t stream_id, uint16_t *ret)
{
	struct delivery stream = { .stream_id = stream_id };
	uintptr_t known = (uintptr_t)table_get(batch->stream_indices, stream_id);
	size_t count;
	int r;

	if (!known) {
		streams_of(batch, &count);
		known = count + 1;
		r = buffer_append(&batch->streams, &stream, sizeof(stream));
		if (r < 0)
			return r;
		r = table_put(batch->stream_indices, stream_id, (void *)known);
		if (r < 0) {
			batch->streams.size -= sizeof(stream);
			return r;
		}
	}
	*ret = (uint16_t)(known - 1);
	return 0;
}

/* Completes the entry and adds it; `line_done`: the line ends with it. */
static int add_entry(struct batch *batch, struct entry *entry, const struct log_line *line,
		     bool line_done)
{
	int r = stream_index(batch, line->stream_id, &entry->stream);

	if (r < 0)
		return r;
	if (line_done) {
		entry->source_bytes = line->source_bytes;
		entry->end_position = line->end_position;
	}
	r = buffer_append(&batch->entries, entry, sizeof(*entry));
	if (r < 0)
		return r;
	if (!batch->first_added_ms)
		batch->first_added_ms = clock_monotonic_ms();
	return 0;
}

static int add_too_old(struct batch *batch, const struct log_line *line, size_t *offset,
		       bool *ret_line_done)
{
	int r = add_entry(batch, &(struct entry){ 0 }, line, true);

	if (r < 0)
		return r;
	*offset = line->length;
	*ret_line_done = true;
	return BATCH_TOO_OLD;
}

/* ,{"timestamp":…,"message":" — made anew only when the time is another one than before. */
static int append_stamp(struct batch *batch, uint64_t timestamp_ms)
{
	struct buffer *stamp = &batch->stamp;
	bool first = !batch->events;
	int r;

	if (!stamp->size || batch->stamp_ms != timestamp_ms) {
		buffer_clear(stamp);
		r = buffer_printf(stamp, ",{\"timestamp\":%" PRIu64 ",\"message\":\"",
				  timestamp_ms);
		if (r < 0)
			return r;
		batch->stamp_ms = timestamp_ms;
	}
	return buffer_append(&batch->body, stamp->data + first, stamp->size - first);
}

/* Appends {"timestamp":…,"message":"…"} and fills the entry; returns what event_write does. */
static int write_event(struct batch *batch, const struct event_format *format,
		       const struct log_line *line, size_t *offset, struct entry *entry)
{
	struct buffer *body = &batch->body;
	size_t message_bytes;
	int r, more;

	entry->offset = (uint32_t)(body->size + !!batch->events); /* behind the comma */
	r = append_stamp(batch, entry->timestamp_ms);
	if (r < 0)
		return r;
	more = event_write(format, EVENT_ESCAPED, line, offset, body, &message_bytes);
	if (more < 0)
		return more;
	r = buffer_append(body, "\"}", 2);
	if (r < 0)
		return r;
	entry->size = (uint32_t)body->size - entry->offset;
	entry->message_bytes = (uint32_t)message_bytes;
	return more;
}

static bool has_room_for_entry(const struct batch *batch)
{
	size_t count;

	entries_of(batch, &count);
	return count < BATCH_EVENTS_MAX;
}

static bool has_room_in_time(const struct batch *batch, uint64_t timestamp_ms)
{
	uint64_t first = timestamp_ms < batch->first_ms ? timestamp_ms : batch->first_ms;
	uint64_t last = timestamp_ms > batch->last_ms ? timestamp_ms : batch->last_ms;

	return !batch->events || last - first < span_ms;
}

static bool has_room_for_bytes(const struct batch *batch, size_t message_bytes)
{
	return batch->message_bytes + message_bytes +
	       (batch->events + 1) * BATCH_EVENT_OVERHEAD <= BATCH_BYTES_MAX;
}

static void count_event(struct batch *batch, const struct entry *entry)
{
	uint64_t timestamp_ms = entry->timestamp_ms;

	if (!batch->events || timestamp_ms < batch->first_ms)
		batch->first_ms = timestamp_ms;
	if (!batch->events || timestamp_ms > batch->last_ms)
		batch->last_ms = timestamp_ms;
	batch->out_of_order |= batch->events && timestamp_ms < batch->newest_ms;
	batch->newest_ms = timestamp_ms;
	batch->message_bytes += entry->message_bytes;
	batch->events++;
}

/* Adds the event and leaves what follows a failure, or a full batch, to batch_add. */
static int try_event(struct batch *batch, const struct event_format *format,
		     const struct log_line *line, size_t *offset, struct entry *entry,
		     bool *ret_line_done)
{
	bool line_done;
	int r = write_event(batch, format, line, offset, entry);

	if (r < 0)
		return r;
	if (!has_room_for_bytes(batch, entry->message_bytes))
		return BATCH_FULL;
	line_done = r == EVENT_LAST;
	r = add_entry(batch, entry, line, line_done);
	if (r < 0)
		return r;
	count_event(batch, entry);
	*ret_line_done = line_done;
	return BATCH_ADDED;
}

int batch_add(struct batch *batch, const struct event_format *format, const struct log_line *line,
	      size_t *offset, uint64_t now_ms, bool *ret_line_done)
{
	uint64_t timestamp_ms = line->time_ns / NS_PER_MS;
	bool ahead = timestamp_ms > now_ms + ahead_max_ms;
	struct entry entry = {
		.timestamp_ms = ahead ? now_ms : timestamp_ms,
		.rank = (uint16_t)batch->events,
	};
	size_t next = *offset, size = batch->body.size;
	int r;

	assert(!batch->plain_size);
	if (!has_room_for_entry(batch))
		return BATCH_FULL;
	if (timestamp_ms + age_max_ms < now_ms)
		return add_too_old(batch, line, offset, ret_line_done);
	if (!has_room_in_time(batch, entry.timestamp_ms))
		return BATCH_FULL;
	r = try_event(batch, format, line, &next, &entry, ret_line_done);
	if (r != BATCH_ADDED) {
		batch->body.size = size;
		return r;
	}
	batch->clamped_events += ahead;
	*offset = next;
	return BATCH_ADDED;
}

/* By timestamp; among equal ones as they were added, which is as they lie in memory. */
static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = *(const struct entry *const *)left;
	const struct entry *b = *(const struct entry *const *)right;

	if (a->timestamp_ms != b->timestamp_ms)
		return a->timestamp_ms < b->timestamp_ms ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* The events, without too old lines, sorted; the array is the caller's. */
static struct entry **sort_events(const struct batch *batch)
{
	struct entry **order = calloc(batch->events, sizeof(*order)), *entries;
	size_t count, events = 0;

	if (!order)
		return NULL;
	entries = entries_of(batch, &count);
	for (size_t i = 0; i < count; i++)
		if (entries[i].size)
			order[events++] = &entries[i];
	qsort(order, events, sizeof(*order), compare_entries);
	return order;
}

static int put_in_order(struct batch *batch)
{
	_cleanup_free_ struct entry **order = NULL;
	struct buffer sorted = { 0 };
	int r;

	if (!batch->out_of_order)
		return 0;
	order = sort_events(batch);
	if (!order)
		return -ENOMEM;
	r = buffer_reserve(&sorted, batch->body.size); /* all that follows fits into it */
	if (r < 0)
		return r;
	buffer_append(&sorted, batch->body.data, batch->prefix_size);
	for (size_t i = 0; i < batch->events; i++) {
		const char *event = batch->body.data + order[i]->offset;

		if (i > 0)
			buffer_append(&sorted, ",", 1);
		order[i]->offset = (uint32_t)sorted.size;
		order[i]->rank = (uint16_t)i;
		buffer_append(&sorted, event, order[i]->size);
	}
	buffer_release(&batch->body);
	batch->body = sorted;
	batch->newest_ms = batch->last_ms;
	batch->out_of_order = false;
	return 0;
}

static int compress_body(struct batch *batch)
{
	_cleanup_buffer_ struct buffer compressed = { 0 };
	int r = payload_gzip(batch->body.data, batch->body.size, &compressed);

	if (r < 0)
		return r;
	buffer_release(&batch->body);
	batch->body = compressed;
	compressed = (struct buffer){ 0 };
	return 0;
}

int batch_seal(struct batch *batch, bool gzip)
{
	size_t open_size = batch->body.size, closed_size;
	int r;

	assert(!batch->plain_size);
	r = put_in_order(batch);
	if (r == 0)
		r = buffer_append_text(&batch->body, "]}");
	if (r < 0)
		return r;
	closed_size = batch->body.size;
	if (gzip) {
		r = compress_body(batch);
		if (r < 0) {
			batch->body.size = open_size;
			return r;
		}
	}
	batch->plain_size = closed_size;
	batch->gzip = gzip;
	return 0;
}

const void *batch_body(const struct batch *batch, size_t *ret_size)
{
	assert(batch->plain_size);
	*ret_size = batch->body.size;
	return batch->body.data;
}

bool batch_is_gzip(const struct batch *batch)
{
	return batch->gzip;
}

int batch_decompress(struct batch *batch)
{
	_cleanup_buffer_ struct buffer plain = { 0 };
	int r;

	if (!batch->gzip)
		return 0;
	r = payload_gunzip(batch->body.data, batch->body.size, batch->plain_size, &plain);
	if (r < 0)
		return r;
	buffer_release(&batch->body);
	batch->body = plain;
	plain = (struct buffer){ 0 };
	batch->gzip = false;
	return 0;
}

const char *batch_group(const struct batch *batch)
{
	return batch->group;
}

const char *batch_stream(const struct batch *batch)
{
	return batch->stream;
}

size_t batch_events(const struct batch *batch)
{
	return batch->events;
}

size_t batch_clamped_events(const struct batch *batch)
{
	return batch->clamped_events;
}

size_t batch_message_bytes(const struct batch *batch)
{
	return batch->message_bytes;
}

size_t batch_memory_bytes(const struct batch *batch)
{
	return sizeof(*batch) + strlen(batch->group) + strlen(batch->stream) + 2 +
	       batch->body.capacity + batch->entries.capacity + batch->streams.capacity;
}

uint64_t batch_first_added_ms(const struct batch *batch)
{
	return batch->first_added_ms;
}

/* NULL: accepted. The same reason is always the same pointer. */
static const char *rejection_of(const struct entry *entry, const struct batch_rejection *rejection)
{
	static const char too_old[] = "too_old", too_new[] = "too_new", expired[] = "expired",
			  rejected[] = "rejected";

	if (!entry->size)
		return too_old;
	if (!rejection)
		return NULL;
	if (rejection->all)
		return rejected;
	if (entry->rank < rejection->too_old_end)
		return too_old;
	if (entry->rank < rejection->expired_end)
		return expired;
	return entry->rank >= rejection->too_new_start ? too_new : NULL;
}

static void add_up(struct delivery *delivery, const struct entry *entry, const char *reason)
{
	delivery->result = reason ? DELIVERY_REJECTED : DELIVERY_ACCEPTED;
	delivery->reason = reason;
	delivery->events++;
	delivery->message_bytes += entry->message_bytes;
	delivery->source_bytes += entry->source_bytes;
	if (entry->end_position)
		delivery->end_position = entry->end_position;
}

void batch_settle(const struct batch *batch, const struct batch_rejection *rejection,
		  delivery_handler call, void *context)
{
	size_t count, stream_count;
	const struct entry *entries = entries_of(batch, &count);
	struct delivery *streams = streams_of(batch, &stream_count);

	for (size_t i = 0; i < stream_count; i++)
		streams[i] = (struct delivery){ .stream_id = streams[i].stream_id };
	for (size_t i = 0; i < count; i++) {
		struct delivery *delivery = &streams[entries[i].stream];
		const char *reason = rejection_of(&entries[i], rejection);

		if (delivery->events && delivery->reason != reason) {
			call(context, delivery);
			*delivery = (struct delivery){ .stream_id = delivery->stream_id };
		}
		add_up(delivery, &entries[i], reason);
	}
	for (size_t i = 0; i < stream_count; i++)
		if (streams[i].events)
			call(context, &streams[i]);
}
