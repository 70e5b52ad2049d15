/* SPDX-License-Identifier: Apache-2.0 */
/* Kubelet answers: refused with a reason, or a table of readable texts and JSON objects. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "metadata/container_id.h"
#include "metadata/pod_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void require_object(const char *text)
{
	json_auto_t *value = json_loads(text, JSON_ALLOW_NUL, NULL);

	require(json_is_object(value));
}

/* The ids that the input names, for the table does not list its own. */
static void look_up_all(const struct pod_table *table, const char *text)
{
	for (const char *at = strstr(text, "://"); at; at = strstr(at + 1, "://")) {
		_cleanup_free_ char *id = strndup(at + 3, CONTAINER_ID_SIZE - 1);
		const struct pod_info *info;

		require(id != NULL);
		info = pod_table_find(table, id);
		if (!info)
			continue;
		require(strcmp(info->container_id, id) == 0);
		require(info->namespace[0] && info->pod[0] && info->container[0]);
		require(strlen(info->image) + strlen(info->pod_uid) <= strlen(text));
		require_object(info->labels_json);
		require_object(info->annotations_json);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size), *error = NULL;
	_cleanup_(pod_table_freep) struct pod_table *table = NULL;
	int r;

	require(text != NULL);
	r = pod_table_parse((const char *)data, size, &table, &error);
	require(r == -EBADMSG ? error != NULL : r == 0 && !error);
	if (table)
		look_up_all(table, text);
	return 0;
}
