/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the rings in place: a record is handed on where it lies, and its space is given back after
 * a batch of them. The programs wake nobody while data flows: after a pass that found records the
 * reader looks again after DOZE_MS (sooner when a ring is a quarter full); after one that found
 * none it sleeps until the next record, and no timer runs.
 */
#ifndef RINGTAIL_SOURCE_KERNEL_RING_H
#define RINGTAIL_SOURCE_KERNEL_RING_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "capture_abi.h"

struct kernel_ring; /* all rings of one probe */

struct kernel_ring_handlers {
	/*
	 * The record is valid during the call only. Copies, accounts and returns: no I/O, no
	 * waiting.
	 */
	void (*record)(void *context, const struct capture_record *record);
	/*
	 * After every pass over all rings that found something, and once more when they were found
	 * empty.
	 */
	void (*drained)(void *context);
	void *context;
};

struct kernel_ring_source {
	int fds[CAPTURE_RINGS_MAX]; /* borrowed */
	unsigned int count;
	uint64_t size;
	struct capture_wakeup *wakeups; /* one a ring, shared with the programs */
};

int kernel_ring_new(const struct kernel_ring_source *source, sd_event *loop,
		    const struct kernel_ring_handlers *handlers, struct kernel_ring **ret);
struct kernel_ring *kernel_ring_free(struct kernel_ring *ring);
DEFINE_CLEANUP(struct kernel_ring *, kernel_ring_free)

/* Reads all that is there now; returns the number of records. */
size_t kernel_ring_drain(struct kernel_ring *ring);

/*
 * For `drained`: makes another pass soon even if nothing comes, because somebody waits for the time
 * to go by.
 */
void kernel_ring_look_again(struct kernel_ring *ring);

#endif
