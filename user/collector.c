/* SPDX-License-Identifier: Apache-2.0 */
#include "collector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "collector_private.h"

enum { NAMING_PATIENCE_MS = 10000 }; /* interface.md: then lines go out under what is known */

static void note_own_outputs(struct collector *collector)
{
	struct stat found;

	for (int i = 0; i < 2; i++)
		if (fstat(STDOUT_FILENO + i, &found) == 0 && S_ISFIFO(found.st_mode))
			collector->own_outputs[i] = found.st_ino;
}

static enum capture_offer offer_of(const struct collector_options *options)
{
	if (!options->containers)
		return CAPTURE_OFFER_NONE;
	if (options->only_cgroup || options->settings->capture.cgroups.count > 0)
		return CAPTURE_OFFER_ALL;
	return CAPTURE_OFFER_CONTAINERS;
}

static int start_naming(struct collector *collector)
{
	const struct settings *settings = collector->options.settings;
	_cleanup_free_ char *url = NULL;
	struct kubelet_options kubelet = {
		.token_file = settings->kubelet.token_file,
		.ca_file = settings->kubelet.ca_file,
		.insecure = settings->kubelet.insecure,
		.interval_ms = settings->kubelet.interval_ms,
	};
	struct naming_options options = {
		.pod_logs_dir = settings->pod_logs_dir,
		.patience_ms = NAMING_PATIENCE_MS,
	};
	int r = collector->options.containers ? settings_kubelet_url(settings, &url) : 0;

	if (r < 0)
		return r;
	if (kubelet.ca_file && access(kubelet.ca_file, F_OK) < 0)
		kubelet.ca_file = NULL; /* outside Kubernetes: the system's certificates must do */
	if (url) {
		kubelet.url = url;
		options.kubelet = &kubelet;
	}
	return naming_new(&options, collector->loop, collector_on_kubelet_answer, collector,
			  &collector->naming);
}

static int start_probe(struct collector *collector, char **ret_error)
{
	static const enum kernel_probe_backend backends[] = {
		[BACKEND_AUTO] = KERNEL_PROBE_AUTO,
		[BACKEND_SYSCALL] = KERNEL_PROBE_SYSCALL,
		[BACKEND_VFS] = KERNEL_PROBE_VFS,
	};
	struct kernel_probe_options options = {
		.backend = backends[collector->options.settings->capture.backend],
		.ring_size = collector->options.settings->capture.ring_size,
		.offer = offer_of(&collector->options),
		.record_process = collector->options.settings->containers.process,
	};

	return kernel_probe_new(&options, &collector->probe, ret_error);
}

static int start_rings(struct collector *collector)
{
	const struct kernel_ring_handlers handlers = {
		.record = collector_on_record,
		.drained = collector_on_drained,
		.context = collector,
	};
	struct kernel_ring_source source = {
		.count = kernel_probe_ring_count(collector->probe),
		.size = kernel_probe_ring_size(collector->probe),
		.wakeups = kernel_probe_wakeups(collector->probe),
	};

	for (unsigned int i = 0; i < source.count; i++)
		source.fds[i] = kernel_probe_ring_fd(collector->probe, i);
	return kernel_ring_new(&source, collector->loop, &handlers, &collector->rings);
}

int collector_new(const struct collector_options *options, sd_event *loop, struct collector **ret,
		  char **ret_error)
{
	_cleanup_(collector_freep) struct collector *collector = calloc(1, sizeof(*collector));
	int r;

	if (!collector)
		return -ENOMEM;
	collector->options = *options;
	collector->loop = sd_event_ref(loop);
	note_own_outputs(collector);
	r = start_probe(collector, ret_error);
	if (r < 0)
		return r;
	r = cgroup_tree_open(&collector->tree);
	if (r < 0) {
		*ret_error =
			strdup("/sys/fs/cgroup: no cgroup v2 hierarchy is mounted there or at "
			       "/sys/fs/cgroup/unified; "
			       "mount it with `mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified`");
		return r;
	}
	if ((r = table_new(&collector->containers)) < 0 ||
	    (r = table_new(&collector->streams)) < 0 || (r = start_naming(collector)) < 0 ||
	    (r = start_rings(collector)) < 0 ||
	    (r = sd_event_add_time_relative(loop, &collector->naming_timer, CLOCK_MONOTONIC, 0, 0,
					    collector_on_naming_timer, collector)) < 0)
		return r;
	sd_event_source_set_enabled(collector->naming_timer, SD_EVENT_OFF);
	*ret = TAKE_PTR(collector);
	return 0;
}

struct collector *collector_free(struct collector *collector)
{
	struct container *container;
	size_t cursor = 0;

	if (!collector)
		return NULL;
	while (collector->containers && (container = table_next(collector->containers, &cursor)))
		container_free(container);
	table_free(collector->containers);
	table_free(collector->streams);
	sd_event_source_disable_unref(collector->naming_timer);
	kernel_ring_free(collector->rings);
	kernel_probe_free(collector->probe);
	naming_free(collector->naming);
	cgroup_tree_free(collector->tree);
	sd_event_unref(collector->loop);
	free(collector);
	return NULL;
}

/* A walk over the cgroups that are there already: containers, and what is nested in them. */
struct takeover {
	struct collector *collector;
	char *container_path; /* of the container that the walk is in or was last; NULL: none yet */
	uint64_t container;
};

static int take_over(void *context, uint64_t id, const char *path)
{
	struct takeover *takeover = context;
	struct collector *collector = takeover->collector;
	enum selected wanted;

	if (takeover->container_path && selection_lies_in(path, takeover->container_path))
		return kernel_probe_follow(collector->probe, id, takeover->container, 0);
	wanted = selection_of_path(collector->options.settings, collector->options.only_cgroup,
				   path);
	if (wanted == SELECTED_NOT)
		return 0;
	free(takeover->container_path);
	takeover->container_path = strdup(path);
	takeover->container = id;
	if (!takeover->container_path)
		return -ENOMEM;
	if (!table_get(collector->containers, id))
		collector_meet(collector, id, path);
	return kernel_probe_follow(collector->probe, id, id,
				   wanted == SELECTED_ANY_EXEC ? CAPTURE_ENTRY_ANY_EXEC : 0);
}

/* From now on an exec in one of these that no rule but its parent speaks for is an exec session. */
static int mark_as_running(struct collector *collector)
{
	struct container *container;
	size_t cursor = 0;
	int r = 0;

	while (r == 0 && (container = table_next(collector->containers, &cursor)))
		if (container->id.id[0] && container->state != CONTAINER_IGNORED)
			r = kernel_probe_follow(collector->probe, container->cgroup,
						container->cgroup, CAPTURE_ENTRY_RUNS);
	return r;
}

int collector_start(struct collector *collector, char **ret_error)
{
	struct takeover takeover = { .collector = collector };
	int r = kernel_probe_attach(collector->probe, ret_error);

	if (r < 0 || !collector->options.containers)
		return r;
	r = cgroup_tree_walk(collector->tree, take_over, &takeover);
	free(takeover.container_path);
	if (r == 0)
		r = kernel_probe_adopt(collector->probe);
	if (r == 0)
		r = mark_as_running(collector);
	if (r < 0 &&
	    asprintf(ret_error, "cannot take over the containers that run: %s", strerror(-r)) < 0)
		*ret_error = NULL;
	return r;
}

int collector_follow(struct collector *collector, const char *path, struct names *names)
{
	_cleanup_(container_freep) struct container *container = NULL;
	uint64_t id;
	int r = cgroup_tree_id_of(collector->tree, path, &id);

	if (r < 0)
		return r;
	if ((r = container_new(id, path, &container)) < 0 ||
	    (r = table_put(collector->containers, id, container)) < 0)
		return r;
	container->names = *names;
	*names = (struct names){ 0 };
	container->names_are_final = true;
	TAKE_PTR(container)->state = CONTAINER_NAMED;
	return kernel_probe_follow(collector->probe, id, id, CAPTURE_ENTRY_FIRST_EXEC);
}

void collector_stop(struct collector *collector)
{
	struct container *container;
	size_t cursor = 0;

	kernel_probe_detach(collector->probe);
	kernel_ring_drain(collector->rings);
	while ((container = table_next(collector->containers, &cursor))) {
		if (container->state == CONTAINER_IGNORED)
			continue;
		for (struct container_stream *each = container->streams; each; each = each->next)
			stream_end(each->stream, clock_real_ns());
		if (container->state == CONTAINER_WAITING && container->waiting_since_ms)
			collector_try_to_name(collector, container, true);
		container->ended = true;
	}
	cursor = 0;
	while ((container = table_next(collector->containers, &cursor))) {
		collector_forget(collector, container);
		cursor = 0;
	}
	if (collector->options.handlers.drained)
		collector->options.handlers.drained(collector->options.handlers.context);
}

void collector_read_counters(const struct collector *collector, struct collector_counters *ret)
{
	struct capture_counters kernel = { 0 };
	struct container *container;
	size_t cursor = 0;

	*ret = collector->counters;
	kernel_probe_read_counters(collector->probe, &kernel);
	for (int reason = 0; reason < CAPTURE_GAP_COUNT; reason++)
		ret->gap_bytes += kernel.gap_bytes[reason];
	ret->notices_lost = kernel.notices_lost;
	ret->unregistered = kernel.unregistered;
	ret->hook_misses = kernel_probe_misses(collector->probe);
	ret->containers = table_count(collector->containers);
	ret->streams = table_count(collector->streams);
	while ((container = table_next(collector->containers, &cursor)))
		ret->waiting_bytes += container->waiting.size;
}

const char *collector_backend(const struct collector *collector)
{
	return kernel_probe_backend(collector->probe);
}

const char *collector_backend_why(const struct collector *collector)
{
	return kernel_probe_why(collector->probe);
}

void collector_each(const struct collector *collector,
		    void (*call)(void *context, struct container *container), void *context)
{
	struct container *container;
	size_t cursor = 0;

	while ((container = table_next(collector->containers, &cursor)))
		call(context, container);
}
