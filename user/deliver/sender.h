/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that delivers batches to CloudWatch Logs. The loop hands it batches by lane, a lane
 * being one log stream: a lane's batches go out in their order, one request at a time; up to
 * SENDER_REQUESTS_MAX lanes have a request under way, so that one that hangs or is throttled holds
 * up none of the others. It retries for ever, creates groups and streams that are missing, and
 * hands each batch back with its outcome exactly once, in the loop's thread. It sleeps until there
 * is something to do. All functions are the loop's.
 */
#ifndef RINGTAIL_DELIVER_SENDER_H
#define RINGTAIL_DELIVER_SENDER_H

#include <systemd/sd-event.h>

#include "deliver/batch.h"
#include "deliver/cloudwatch.h"
#include "deliver/course.h"
#include "deliver/credentials.h"
#include "deliver/endpoint.h"
#include "deliver/http.h"
#include "deliver/lane.h"

enum { SENDER_REQUESTS_MAX = 8 };

struct sender;

struct sender_options {
	const struct endpoint *endpoint;
	struct credentials_provider *provider; /* taken over, also on failure */
	struct http_options http;
	struct course_rules rules;             /* zeroed times: the defaults */
	struct cloudwatch_group_options group; /* its texts must outlive the sender */
	bool gzip;
};

/*
 * `owner` is the lane's. The rejection is within the bounds of the batch, which is freed
 * afterwards.
 */
typedef void (*sender_handler)(void *context, void *owner, const struct batch *batch,
			       const struct batch_rejection *rejection);

int sender_new(const struct sender_options *options, sd_event *loop, sender_handler handler,
	       void *context, struct sender **ret);
/*
 * Stops the thread, whatever it is doing, within a second; what is under way is not reported any
 * more.
 */
struct sender *sender_free(struct sender *sender);
DEFINE_CLEANUP(struct sender *, sender_free)

/* The parcel's batch goes out behind those that were submitted to its lane before. */
void sender_submit(struct sender *sender, struct parcel *parcel);

/* From now on no retry waits longer than a fraction of a second. */
void sender_drain(struct sender *sender);

struct sender_counters {
	uint64_t requests, retries, throttled;
	size_t memory_bytes; /* of batches that were submitted and not yet handed back */
	int64_t clock_offset_ms;
	char last_error[256];
};
void sender_read_counters(struct sender *sender, struct sender_counters *ret);

#endif
