/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of one PutLogEvents call, written straight into the call's JSON body. It keeps
 * CloudWatch's limits (1 to 10,000 events, sum of message bytes + 26 each <= 1,048,576, less than
 * 24 h from first to last, non-decreasing timestamps: service API model) and remembers for which
 * lines it stands. A batch is filled by the loop and from then on belongs to the sender, who seals
 * it (sorting and compression cost milliseconds): no locks, one owner at a time.
 */
#ifndef RINGTAIL_DELIVER_BATCH_H
#define RINGTAIL_DELIVER_BATCH_H

#include "deliver/event.h"
#include "deliver/sink.h"

struct batch;

enum { BATCH_EVENTS_MAX = 10000, BATCH_BYTES_MAX = 1048576, BATCH_EVENT_OVERHEAD = 26 };

enum batch_result { BATCH_ADDED, BATCH_FULL, BATCH_TOO_OLD };

/* Names are copied; they must be valid (log_name.h). */
int batch_new(const char *group, const char *stream, struct batch **ret);
struct batch *batch_free(struct batch *batch);
DEFINE_CLEANUP(struct batch *, batch_free)

/*
 * Adds the event that begins at line->text[*offset], and moves *offset to the next one's begin;
 * *ret_line_done tells that this was the line's last (the offset does not tell: an empty line's
 * begin is its end). The timestamp is the line's, in ms; more than 2 h ahead of now_ms is written
 * as now_ms.
 *
 * BATCH_FULL: nothing was added and no output touched, go on with a new batch; an empty batch takes
 * any event. BATCH_TOO_OLD: more than 14 days behind now_ms, which the service would refuse; the
 * rest of the line is done without an event, and batch_settle reports it in its turn as rejected
 * (too_old), so that positions are settled in their order: the caller reports nothing himself.
 */
int batch_add(struct batch *batch, const struct event_format *format, const struct log_line *line,
	      size_t *offset, uint64_t now_ms, bool *ret_line_done);

/*
 * No more events: puts them into the order of their timestamps (stable) and closes the body. With
 * gzip the body is compressed and the plain one freed. On failure the batch is as before, and may
 * be sealed again.
 */
int batch_seal(struct batch *batch, bool gzip);
/* The body of the request, after batch_seal; valid as long as the batch. */
const void *batch_body(const struct batch *batch, size_t *ret_size);
bool batch_is_gzip(const struct batch *batch);
/* Back to a plain body, for an endpoint that refuses gzip; nothing to do when it is plain. */
int batch_decompress(struct batch *batch);

const char *batch_group(const struct batch *batch);
const char *batch_stream(const struct batch *batch);
/* 0 with too old lines in it: nothing to send, only to settle. */
size_t batch_events(const struct batch *batch);
/* Those of them that were written as now because their time lay ahead. */
size_t batch_clamped_events(const struct batch *batch);
size_t batch_message_bytes(const struct batch *batch);
size_t batch_memory_bytes(const struct batch *batch); /* what it holds now */
/* clock_monotonic_ms of the first line in it, a too old one included; 0: none yet. */
uint64_t batch_first_added_ms(const struct batch *batch);

/*
 * What the service refused of the sorted events (rejectedLogEventsInfo): a head [0, too_old_end) or
 * [0, expired_end) and a tail [too_new_start, n). NULL instead of one: nothing.
 */
struct batch_rejection {
	size_t too_old_end;     /* exclusive; 0: none */
	size_t expired_end;     /* exclusive; 0: none */
	size_t too_new_start;   /* inclusive; SIZE_MAX: none */
	bool all;               /* the whole batch is refused */
};

/*
 * Calls back with what the batch settles. The lines of one stream come in the order in which they
 * were added, one delivery for each run of them with the same outcome; mostly that is one a stream.
 * A line's source_bytes and end_position belong to the event that carries its end.
 */
void batch_settle(const struct batch *batch, const struct batch_rejection *rejection,
		  delivery_handler call, void *context);

#endif
