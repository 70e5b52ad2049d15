/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata/naming.h"

#include <errno.h>
#include <string.h>

#include "metadata/log_dir.h"
#include "metadata/pod_info.h"

struct naming {
	struct kubelet *kubelet; /* NULL: none */
	struct pod_table *pods;	 /* the last answer; NULL: none yet */
	char *pod_logs_dir;
	uint64_t patience_ms;
	void (*on_answer)(void *context);
	void *context;
};

void names_release(struct names *names)
{
	free(names->namespace);
	free(names->pod);
	free(names->pod_uid);
	free(names->container);
	free(names->container_id);
	free(names->image);
	free(names->labels_json);
	free(names->annotations_json);
	*names = (struct names){ 0 };
}

static void take_answer(void *context, struct pod_table *pods)
{
	struct naming *naming = context;

	pod_table_free(naming->pods);
	naming->pods = pod_table_ref(pods);
	naming->on_answer(naming->context);
}

int naming_new(const struct naming_options *options, sd_event *loop,
	       void (*on_answer)(void *context), void *context, struct naming **ret)
{
	_cleanup_(naming_freep) struct naming *naming = calloc(1, sizeof(*naming));
	int r;

	if (!naming)
		return -ENOMEM;
	naming->patience_ms = options->patience_ms;
	naming->on_answer = on_answer;
	naming->context = context;
	naming->pod_logs_dir = strdup(options->pod_logs_dir);
	if (!naming->pod_logs_dir)
		return -ENOMEM;
	if (options->kubelet) {
		r = kubelet_new(options->kubelet, loop, take_answer, naming, &naming->kubelet);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(naming);
	return 0;
}

struct naming *naming_free(struct naming *naming)
{
	if (!naming)
		return NULL;
	kubelet_free(naming->kubelet);
	pod_table_free(naming->pods);
	free(naming->pod_logs_dir);
	free(naming);
	return NULL;
}

/* NULL stays NULL; sets *failed when memory ran out. */
static char *copy(const char *text, bool *failed)
{
	char *copied = text ? strdup(text) : NULL;

	*failed |= text && !copied;
	return copied;
}

static int finish(struct names *names, bool failed, int result, struct names *ret)
{
	if (failed) {
		names_release(names);
		return -ENOMEM;
	}
	*ret = *names;
	return result;
}

static int from_kubelet(const struct pod_info *info, const struct container_id *id,
			struct names *ret)
{
	bool failed = false;
	struct names names = {
		.kubernetes = true,
		.namespace = copy(info->namespace, &failed),
		.pod = copy(info->pod, &failed),
		.pod_uid = copy(info->pod_uid, &failed),
		.container = copy(info->container, &failed),
		.container_id = copy(id->id, &failed),
		.image = copy(info->image, &failed),
		.labels_json = copy(info->labels_json, &failed),
		.annotations_json = copy(info->annotations_json, &failed),
	};

	return finish(&names, failed, NAMING_FOUND, ret);
}

static int from_log_dir(const struct naming *naming, const struct container_id *id,
			struct names *ret)
{
	bool failed = false;
	struct names names = { .kubernetes = id->kubernetes };
	struct log_dir_names found;

	if (id->kubernetes && log_dir_find(naming->pod_logs_dir, id, &found) == 0) {
		names.namespace = found.namespace;
		names.pod = found.pod;
		names.container = found.container;
	}
	names.pod_uid = copy(id->pod_uid[0] ? id->pod_uid : NULL, &failed);
	names.container_id = copy(id->id, &failed);
	return finish(&names, failed, NAMING_GUESSED, ret);
}

int naming_find(struct naming *naming, const struct container_id *id, uint64_t waited_ms,
		struct names *ret)
{
	const struct pod_info *info = naming->pods ? pod_table_find(naming->pods, id->id) : NULL;

	if (info)
		return from_kubelet(info, id, ret);
	if (id->kubernetes && naming->kubelet) {
		kubelet_refresh(naming->kubelet);
		if (waited_ms < naming->patience_ms)
			return NAMING_WAIT;
	}
	return from_log_dir(naming, id, ret);
}

const char *naming_last_error(const struct naming *naming)
{
	return naming->kubelet ? kubelet_last_error(naming->kubelet) : "";
}
