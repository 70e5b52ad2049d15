/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroup paths: *ret is always well-formed, and a container found is literally in the path. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "metadata/container_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *path = strndup((const char *)data, size);
	struct container_id got;
	enum container_path kind;

	require(path != NULL);
	memset(&got, 0xff, sizeof(got));
	kind = container_id_parse(path, &got);
	require(memchr(got.id, '\0', sizeof(got.id)) &&
		memchr(got.pod_uid, '\0', sizeof(got.pod_uid)));
	require((kind == CONTAINER_PATH_CONTAINER) == (got.id[0] != '\0'));
	if (got.id[0])
		require(container_id_is_valid(got.id, strlen(got.id)) && strstr(path, got.id));
	if (got.pod_uid[0])
		require(got.kubernetes &&
			strspn(got.pod_uid, "0123456789abcdef-") == strlen(got.pod_uid));
	return 0;
}
