/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kubelet's /pods says of containers: names, image, labels, annotations; nothing else of
 * the answer is decoded (it holds secrets in env values). A pod_table is one answer in one block of
 * memory, immutable, reference-counted and so free to pass between threads.
 */
#ifndef RINGTAIL_METADATA_POD_INFO_H
#define RINGTAIL_METADATA_POD_INFO_H

#include <stddef.h>

#include "base/cleanup.h"

struct pod_table;

/*
 * Strings live as long as the table and are UTF-8; none is NULL. pod_uid and image may be "".
 * labels_json and annotations_json are compact JSON objects in the answer's order, "{}" when empty,
 * with string values only; kubectl's last-applied-configuration, which repeats the whole manifest,
 * is left out.
 */
struct pod_info {
	const char *namespace, *pod, *pod_uid, *container, *container_id, *image;
	const char *labels_json, *annotations_json;
};

/*
 * A pod or container with missing or odd members is left out alone. -EBADMSG: not a PodList;
 * *ret_error (caller frees, NULL when memory is short) says what was wrong without quoting the
 * answer.
 */
int pod_table_parse(const char *json, size_t size, struct pod_table **ret, char **ret_error);
struct pod_table *pod_table_ref(struct pod_table *table);
struct pod_table *pod_table_free(struct pod_table *table); /* drops one reference */
DEFINE_CLEANUP(struct pod_table *, pod_table_free)

/* By 64-hex id, in containers, init and ephemeral containers, and lastState. NULL: not there. */
const struct pod_info *pod_table_find(const struct pod_table *table, const char *container_id);
size_t pod_table_count(const struct pod_table *table);

#endif
