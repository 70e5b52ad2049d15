/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of a container, from the best that can be had: the kubelet's answer; when that does not
 * know it within `patience`, what the node's log directory says; else nothing but its id. One
 * thread: the loop's.
 */
#ifndef RINGTAIL_METADATA_NAMING_H
#define RINGTAIL_METADATA_NAMING_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "metadata/container_id.h"
#include "metadata/kubelet.h"

struct naming;

struct naming_options {
	const struct kubelet_options *kubelet; /* NULL: there is none to ask */
	const char *pod_logs_dir;
	uint64_t patience_ms; /* how long a container may wait for the kubelet to know it */
};

/* Strings are owned; NULL: not known. */
struct names {
	bool kubernetes;
	char *namespace, *pod, *pod_uid, *container, *container_id, *image;
	char *labels_json, *annotations_json;
};

void names_release(struct names *names);

enum naming_result {
	NAMING_FOUND, /* the kubelet's names: final */
	NAMING_GUESSED, /* not known to the kubelet in time: what there is; ask again later */
	NAMING_WAIT, /* ask again when the kubelet has answered, or later */
};

/* on_answer: the kubelet has answered, names may be found that were not before. */
int naming_new(const struct naming_options *options, sd_event *loop,
	       void (*on_answer)(void *context), void *context, struct naming **ret);
struct naming *naming_free(struct naming *naming);
DEFINE_CLEANUP(struct naming *, naming_free)

/* Negative only for -ENOMEM. NAMING_WAIT leaves *ret alone and has the kubelet asked. */
int naming_find(struct naming *naming, const struct container_id *id, uint64_t waited_ms,
		struct names *ret);

/* "" when all is well. */
const char *naming_last_error(const struct naming *naming);

#endif
