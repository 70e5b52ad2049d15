/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "collector_private.h"

enum { NAMING_TICK_MS = 250 }; /* while containers wait for names */

static void forget_streams(struct collector *collector, struct container *container)
{
	while (container->streams) {
		struct container_stream *first = container->streams;

		container->streams = first->next;
		table_remove(collector->streams, stream_id(first->stream));
		stream_free(first->stream);
		free(first);
	}
}

void collector_forget(struct collector *collector, struct container *container)
{
	if (collector->options.handlers.ended)
		collector->options.handlers.ended(collector->options.handlers.context, container);
	table_remove(collector->containers, container->cgroup);
	forget_streams(collector, container);
	container_free(container);
}

void collector_ignore(struct collector *collector, struct container *container)
{
	container->state = CONTAINER_IGNORED;
	buffer_release(&container->waiting);
	container->waiting_since_ms = 0;
	collector->has_ignored = true; /* one of its streams may be calling us: freed later */
	if (!container->ended)
		kernel_probe_ignore(collector->probe, container->cgroup);
	log_debug("cgroup %s is not captured", container->path);
}

void collector_hand_on(void *context, struct container *container, const struct log_line *line)
{
	struct collector *collector = context;

	if (!container->excluded[line->stream])
		collector->options.handlers.line(collector->options.handlers.context, container,
						 line);
}

/* Returns false, and sees to it, when the configuration or the pod keeps the container out. */
static bool admit(struct collector *collector, struct container *container)
{
	char annotation[ANNOTATION_KEY_SIZE];
	const char *rule = selection_excluding_rule(collector->options.settings, container);

	if (!rule)
		rule = selection_excluding_annotation(container, annotation);
	if (!rule)
		return true;
	collector_ignore(collector, container);
	if (collector->options.handlers.excluded)
		collector->options.handlers.excluded(collector->options.handlers.context, container,
						     rule);
	return false;
}

/* The leaf of the path serves as name where there is no container id: a service's cgroup. */
static int name_by_path(struct container *container)
{
	const char *leaf = strrchr(container->path, '/');

	container->names.container = strdup(leaf && leaf[1] ? leaf + 1 : "unknown");
	return container->names.container ? 0 : -ENOMEM;
}

static void settle_name(struct collector *collector, struct container *container, bool final)
{
	container->names_are_final = final;
	if (!admit(collector, container))
		return;
	container->state = CONTAINER_NAMED;
	container->waiting_since_ms = 0;
	container_release_lines(container, collector_hand_on, collector);
}

/* Returns true when the container needs not wait any longer. */
bool collector_try_to_name(struct collector *collector, struct container *container,
			   bool last_chance)
{
	uint64_t waited_ms = container->waiting_since_ms
				     ? clock_monotonic_ms() - container->waiting_since_ms
				     : 0;
	int result;

	if (!container->id.id[0]) {
		if (name_by_path(container) < 0)
			return false;
		settle_name(collector, container, true);
		return true;
	}
	result = naming_find(collector->naming, &container->id,
			     last_chance ? UINT64_MAX : waited_ms, &container->names);
	if (result != NAMING_FOUND && result != NAMING_GUESSED)
		return false;
	if (result == NAMING_GUESSED && container->waiting.size > 0)
		log_warning(
			"container %.12s: the kubelet does not name it, its lines go out as %s/%s",
			container->id.id,
			container->names.namespace ? container->names.namespace : "unknown",
			container->names.pod ? container->names.pod : "unknown");
	settle_name(collector, container, result == NAMING_FOUND);
	return true;
}

static void rename_guessed(struct collector *collector, struct container *container)
{
	struct names better;

	if (naming_find(collector->naming, &container->id, 0, &better) != NAMING_FOUND)
		return;
	names_release(&container->names);
	container->names = better;
	container->names_are_final = true;
	if (collector->options.handlers.renamed)
		collector->options.handlers.renamed(collector->options.handlers.context, container);
	admit(collector, container);
}

/* The table must not change during a walk, so those that are done with are gathered first. */
void collector_forget_those_done(struct collector *collector)
{
	struct container *container;
	size_t cursor;

	do {
		cursor = 0;
		while ((container = table_next(collector->containers, &cursor))) {
			if (container->state == CONTAINER_IGNORED)
				forget_streams(collector, container);
			if (container->ended && container->state != CONTAINER_WAITING)
				break;
		}
		if (container)
			collector_forget(collector, container);
	} while (container);
	collector->has_ignored = false;
}

void collector_start_naming_timer(struct collector *collector)
{
	sd_event_source_set_time_relative(collector->naming_timer, NAMING_TICK_MS * 1000);
	sd_event_source_set_enabled(collector->naming_timer, SD_EVENT_ONESHOT);
}

/*
 * Names for those that wait; on when the kubelet has answered, and by a timer while somebody waits.
 */
static void name_those_waiting(struct collector *collector)
{
	struct container *container;
	size_t cursor = 0, waiting = 0;

	while ((container = table_next(collector->containers, &cursor))) {
		if (container->state == CONTAINER_WAITING && container->waiting_since_ms)
			waiting += !collector_try_to_name(collector, container, false);
		else if (container->state == CONTAINER_NAMED && !container->names_are_final &&
			 !container->ended)
			rename_guessed(collector, container);
	}
	collector_forget_those_done(collector);
	if (waiting > 0)
		collector_start_naming_timer(collector);
}

int collector_on_naming_timer(sd_event_source *source, uint64_t time, void *context)
{
	(void)source, (void)time;
	name_those_waiting(context);
	return 0;
}

void collector_on_kubelet_answer(void *context)
{
	name_those_waiting(context);
}
