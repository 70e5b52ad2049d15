/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lane is one log stream and the batches that are on their way to it, in order; a parcel is such
 * a batch with what its requests need. The loop makes lanes and parcels; from sender_submit until
 * the parcel comes back with its outcome both are the sender's thread's, who is the only one to
 * look inside.
 */
#ifndef RINGTAIL_DELIVER_LANE_H
#define RINGTAIL_DELIVER_LANE_H

#include <sys/queue.h>

#include "base/buffer.h"
#include "deliver/batch.h"
#include "deliver/course.h"
#include "deliver/sigv4.h"

struct lane;
TAILQ_HEAD(parcel_list, parcel);
TAILQ_HEAD(lane_list, lane);

struct parcel {
	TAILQ_ENTRY(parcel) link;          /* of its lane, or of a queue between the threads */
	TAILQ_ENTRY(parcel) unsealed_link; /* of those that came in and were not sealed yet */
	struct lane *lane;
	struct batch *batch;
	bool is_listed;                    /* by unsealed_link */
	bool sealed;
	bool made_plain;                   /* because the service could not read it compressed */
	char body_sha256[SIGV4_HASH_SIZE];
	size_t memory_bytes;               /* as it was counted last */
	struct batch_rejection rejection;  /* the outcome */
};

struct lane {
	TAILQ_ENTRY(lane) link; /* of the list of its state: ready, waiting or busy */
	struct parcel_list parcels;
	char *group, *stream;
	void *owner;
	struct sender *sender;
	struct course course;
	struct buffer body;     /* of the call that is under way, when it is not a batch's */
	uint64_t until_ms;      /* monotonic, when waiting */
	int64_t signed_offset_ms; /* the clock's correction in the call that is under way */
	bool repeats;           /* the next call repeats the last one */
};

/* Names are copied. A lane must be empty when it is freed, or its sender gone. */
int lane_new(const char *group, const char *stream, void *owner, struct lane **ret);
struct lane *lane_free(struct lane *lane);
DEFINE_CLEANUP(struct lane *, lane_free)

/* A parcel is made before its batch is filled, so that handing over cannot fail. */
int parcel_new(struct lane *lane, struct parcel **ret);
struct parcel *parcel_free(struct parcel *parcel);
DEFINE_CLEANUP(struct parcel *, parcel_free)
struct batch *parcel_batch(struct parcel *parcel);

/* Seals the batch when it is not, in the encoding that is wanted, and takes its hash. */
int parcel_seal(struct parcel *parcel, bool gzip);
/* -EALREADY: it is plain. */
int parcel_make_plain(struct parcel *parcel);

#endif
