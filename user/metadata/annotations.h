/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod asks for itself by annotations, as far as it is about being left out:
 * `ringtail.io/exclude: "true"`, with `.NAME` behind it for one container, and Fluent Bit's
 * `fluentbit.io/exclude` with its `_stdout`, `_stderr` and `-CONTAINER` forms.
 */
#ifndef RINGTAIL_METADATA_ANNOTATIONS_H
#define RINGTAIL_METADATA_ANNOTATIONS_H

#include "log_line.h"

/*
 * The annotation's key that keeps this stream of this container out, or NULL. `annotations_json`
 * is a JSON object or NULL; `container` may be NULL. The result points into `ret_key`.
 */
enum { ANNOTATION_KEY_SIZE = 320 }; /* 253 of a name, and what stands before and behind it */
const char *annotations_exclude(const char *annotations_json, const char *container,
				enum output_stream stream,
				char ret_key[static ANNOTATION_KEY_SIZE]);

#endif
