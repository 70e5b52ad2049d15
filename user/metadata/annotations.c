/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata/annotations.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

/* Values are text in Kubernetes; Fluent Bit takes any case and blanks for none. */
static bool is_true(const json_t *value)
{
	const char *text = json_string_value(value);

	return text && strcasecmp(text, "true") == 0;
}

const char *annotations_exclude(const char *annotations_json, const char *container,
				enum output_stream stream, char ret_key[static ANNOTATION_KEY_SIZE])
{
	static const char *const forms[] = {
		"ringtail.io/exclude",		 "ringtail.io/exclude.%1$s",
		"fluentbit.io/exclude",		 "fluentbit.io/exclude_%2$s",
		"fluentbit.io/exclude-%1$s",	 "fluentbit.io/exclude_%2$s-%1$s",
	};
	json_t *annotations = annotations_json ? json_loads(annotations_json, 0, NULL) : NULL;
	const char *found = NULL;

	for (size_t i = 0; annotations && !found && i < sizeof(forms) / sizeof(*forms); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(ret_key, ANNOTATION_KEY_SIZE, forms[i], container ? container : "",
			 output_stream_name(stream));
#pragma GCC diagnostic pop
		if (is_true(json_object_get(annotations, ret_key)))
			found = ret_key;
	}
	json_decref(annotations);
	return found;
}
