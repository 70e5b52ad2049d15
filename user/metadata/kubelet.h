/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks the kubelet for its pods: every `interval`, and at once (but at most once a second) when
 * told that a container is unknown. A thread of its own waits and blocks, so that a slow kubelet
 * delays nobody; answers arrive in the loop. A failure is logged once per change of its reason and
 * tried again after 1 s, doubling up to `interval`.
 */
#ifndef RINGTAIL_METADATA_KUBELET_H
#define RINGTAIL_METADATA_KUBELET_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "metadata/pod_info.h"

struct kubelet;

/* The texts are copied. */
struct kubelet_options {
	const char *url;        /* "https://10.0.0.5:10250", http:// too; /pods is appended */
	const char *token_file; /* read for each request, for it rotates; NULL or missing: none is
				   sent; never sent over http:// */
	const char *ca_file;    /* NULL: the system's */
	bool insecure;          /* do not verify the certificate */
	uint64_t interval_ms;   /* at least 1000 is taken */
};

/* In the loop's thread; may keep the table with pod_table_ref, must not free the kubelet. */
typedef void (*pods_handler)(void *context, struct pod_table *pods);

/* The first request begins at once. */
int kubelet_new(const struct kubelet_options *options, sd_event *loop, pods_handler on_pods,
		void *context, struct kubelet **ret);
/* Stops the thread; a request under way is aborted. */
struct kubelet *kubelet_free(struct kubelet *kubelet);
DEFINE_CLEANUP(struct kubelet *, kubelet_free)

/*
 * An unknown container appeared. Cheap, may be called for every line. An answer that does not hold
 * the container yet is no reason to ask again by itself: who still misses it calls again.
 */
void kubelet_refresh(struct kubelet *kubelet);

/*
 * Of the last attempt: "" when it succeeded, "no answer yet" before the first; never the answer's
 * content. Valid until the next call.
 */
const char *kubelet_last_error(const struct kubelet *kubelet);

#endif
