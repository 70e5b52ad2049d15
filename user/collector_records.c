/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "collector_private.h"

enum {
	MISSES_TICK_MS = 1000,	/* between two looks at them, while records flow */
	HOLE_PATIENCE_MS = 250, /* a hook may be late by a throttled CPU */
};

static const char *const gap_reasons[CAPTURE_GAP_COUNT] = {
	[CAPTURE_GAP_RING_FULL] = "ring_full",
	[CAPTURE_GAP_UNREADABLE] = "unreadable",
};

/* Lines ---------------------------------------------------------------------------------------- */

static void count_line(struct collector *collector, struct container *container,
		       const struct log_line *line)
{
	if (line->lost) {
		collector->counters.holes++;
		collector->counters.lost_bytes += line->lost_bytes == UINT64_MAX ? 0
										 : line->lost_bytes;
		return;
	}
	collector->counters.lines += !line->partial;
	collector->counters.source_bytes += line->source_bytes;
	container->lines += !line->partial;
	container->bytes += line->source_bytes;
}

static void on_line(void *context, const struct log_line *line)
{
	struct container_stream *from = context;
	struct container *container = from->container;
	struct collector *collector = from->collector;

	count_line(collector, container, line);
	if (container->state == CONTAINER_WAITING && !container->waiting_since_ms) {
		container->waiting_since_ms = clock_monotonic_ms();
		if (!collector_try_to_name(collector, container, false))
			collector_start_naming_timer(collector);
	}
	if (container->state == CONTAINER_NAMED)
		collector_hand_on(collector, container, line);
	else if (container->state == CONTAINER_WAITING && container_keep_line(container, line) < 0)
		log_error("out of memory: a line of container %.12s is lost", container->id.id);
}

/* Puts a hole down to what the kernel has counted and no other hole has claimed. */
static const char *explain_hole(void *context, uint64_t length)
{
	struct collector *collector = ((struct container_stream *)context)->collector;
	struct capture_counters now;

	if (kernel_probe_read_counters(collector->probe, &now) < 0)
		return NULL;
	for (int reason = 0; reason < CAPTURE_GAP_COUNT; reason++)
		if (now.gap_bytes[reason] - collector->explained[reason] >= length) {
			collector->explained[reason] += length;
			return gap_reasons[reason];
		}
	return NULL;
}

static struct container_stream *add_stream(struct collector *collector, struct container *container,
					   const struct capture_record *record)
{
	struct container_stream *added = calloc(1, sizeof(*added));
	struct stream_options options = {
		.id = record->stream,
		.output = record->fd == CAPTURE_STDERR ? OUTPUT_STDERR : OUTPUT_STDOUT,
		.line_max = collector->options.settings->limits.line,
		.keep_cr = collector->options.keep_cr || (record->flags & CAPTURE_FLAG_TTY),
	};
	struct stream_handlers handlers = { .line = on_line,
					    .explain = explain_hole,
					    .context = added };

	if (!added)
		return NULL;
	added->collector = collector;
	added->container = container;
	if (stream_new(&options, &handlers, &added->stream) < 0) {
		free(added);
		return NULL;
	}
	if (table_put(collector->streams, record->stream, added) < 0) {
		stream_free(added->stream);
		free(added);
		return NULL;
	}
	added->next = container->streams;
	container->streams = added;
	return added;
}

/* The kernel's records ------------------------------------------------------------------------- */

struct container *collector_meet(struct collector *collector, uint64_t cgroup, const char *path)
{
	_cleanup_(container_freep) struct container *container = NULL;

	if (container_new(cgroup, path, &container) < 0 ||
	    table_put(collector->containers, cgroup, container) < 0)
		return NULL;
	if (selection_of_path(collector->options.settings, collector->options.only_cgroup, path) ==
	    SELECTED_NOT) {
		collector_ignore(collector, container);
	} else if (collector->options.name_early) {
		container->waiting_since_ms = clock_monotonic_ms();
		collector_start_naming_timer(collector);
	}
	return TAKE_PTR(container);
}

/* Its announcement may have been lost in a full ring: then the path is asked for. */
static struct container *find_container(struct collector *collector, uint64_t cgroup)
{
	struct container *container = table_get(collector->containers, cgroup);
	_cleanup_free_ char *path = NULL;

	if (container)
		return container;
	if (cgroup_tree_path_of(collector->tree, cgroup, &path) < 0)
		return collector_meet(collector, cgroup, "/");
	return collector_meet(collector, cgroup, path);
}

static void container_made(struct collector *collector, const struct capture_record *record)
{
	char path[CAPTURE_PATH_MAX + 1];

	if (table_get(collector->containers, record->cgroup) ||
	    record->length >= CAPTURE_PATH_MAX - 1)
		return;
	memcpy(path, record->data, record->length);
	path[record->length] = '\0';
	collector_meet(collector, record->cgroup, path);
}

/*
 * A container whose stdout or stderr is ours is the one we run in: capturing it would feed itself.
 */
static bool is_ourselves(const struct collector *collector, const struct capture_record *record)
{
	uint64_t inode;

	if (record->length != sizeof(inode))
		return false;
	memcpy(&inode, record->data, sizeof(inode));
	return inode == collector->own_outputs[0] || inode == collector->own_outputs[1];
}

static void stream_made(struct collector *collector, const struct capture_record *record)
{
	struct container *container = find_container(collector, record->cgroup);

	if (!container || container->state == CONTAINER_IGNORED)
		return;
	if (is_ourselves(collector, record))
		collector_ignore(collector, container);
	else if (!table_get(collector->streams, record->stream))
		add_stream(collector, container, record);
}

static void stream_gone(struct collector *collector, const struct capture_record *record)
{
	struct container_stream *known = table_get(collector->streams, record->stream);

	if (known)
		stream_expect(known->stream, record->position, record->time_ns);
}

static void container_gone(struct collector *collector, uint64_t cgroup, uint64_t boot_ns)
{
	struct container *container = table_get(collector->containers, cgroup);

	if (!container || container->ended)
		return;
	for (struct container_stream *each = container->streams; each; each = each->next)
		if (container->state != CONTAINER_IGNORED)
			stream_end(each->stream, boot_ns + (uint64_t)collector->boot_to_real_ns);
	container->ended = true;
	if (!container->id.id[0])
		kernel_probe_forget_pipes(collector->probe, cgroup);
	if (container->state != CONTAINER_WAITING || !container->waiting_since_ms)
		collector_forget(collector, container);
}

static void bytes_written(struct collector *collector, const struct capture_record *record)
{
	struct container_stream *to = table_get(collector->streams, record->stream);
	struct stream_chunk chunk = {
		.bytes = record->data,
		.length = record->length,
		.position = record->position,
		.time_ns = record->time_ns + (uint64_t)collector->boot_to_real_ns,
		.pid = record->pid,
		.comm = record->comm[0] ? record->comm : NULL,
	};

	collector->counters.records++;
	if (!to) {
		struct container *container = find_container(collector, record->cgroup);

		if (container && container->state != CONTAINER_IGNORED)
			to = add_stream(collector, container, record);
	}
	if (!to || to->container->state == CONTAINER_IGNORED)
		return;
	collector->counters.captured_bytes[record->fd == CAPTURE_STDERR] += record->length;
	stream_feed(to->stream, &chunk);
	collector->holes_are_open |= stream_is_waiting(to->stream);
}

/* Bytes that the kernel has told to be a hole: sent by a path that no hook can read. */
static void hole_told(struct collector *collector, const struct capture_record *record)
{
	struct container_stream *to = table_get(collector->streams, record->stream);
	struct stream_chunk chunk = {
		.position = record->position,
		.time_ns = record->time_ns + (uint64_t)collector->boot_to_real_ns,
	};
	struct capture_hole hole;

	if (record->length != sizeof(hole) || !to || to->container->state == CONTAINER_IGNORED)
		return;
	memcpy(&hole, record->data, sizeof(hole));
	if (hole.reason >= CAPTURE_GAP_COUNT || !hole.length)
		return;
	chunk.length = hole.length;
	chunk.reason = gap_reasons[hole.reason];
	collector->explained[hole.reason] += hole.length;
	stream_feed(to->stream, &chunk);
	collector->holes_are_open |= stream_is_waiting(to->stream);
}

void collector_on_record(void *context, const struct capture_record *record)
{
	struct collector *collector = context;

	if (!collector->clock_is_read) {
		collector->boot_to_real_ns = clock_real_minus_boot_ns();
		collector->clock_is_read = true;
	}
	switch (record->kind) {
	case CAPTURE_WRITE:
		bytes_written(collector, record);
		break;
	case CAPTURE_HOLE:
		hole_told(collector, record);
		break;
	case CAPTURE_CONTAINER:
		container_made(collector, record);
		break;
	case CAPTURE_STREAM:
		stream_made(collector, record);
		break;
	case CAPTURE_STREAM_END:
		stream_gone(collector, record);
		break;
	case CAPTURE_END:
		container_gone(collector, record->cgroup, record->time_ns);
		break;
	default:
		log_debug("a record of unknown kind %u, ignoring", record->kind);
	}
}

/* Holes ---------------------------------------------------------------------------------------- */

static void expect_position(void *context, const struct capture_pipe *pipe)
{
	struct collector *collector = context;
	struct container_stream *known = table_get(collector->streams, pipe->stream);

	if (!known || pipe->position <= stream_position(known->stream))
		return;
	stream_expect(known->stream, pipe->position, clock_real_ns());
	collector->holes_are_open = true;
}

/*
 * Bytes that did not get into the ring may be a stream's last for long: then only its position in
 * the kernel tells.
 */
static void look_for_gaps(struct collector *collector)
{
	struct capture_counters now;
	uint64_t sum = 0;

	if (kernel_probe_read_counters(collector->probe, &now) < 0)
		return;
	for (int reason = 0; reason < CAPTURE_GAP_COUNT; reason++)
		sum += now.gap_bytes[reason];
	if (sum == collector->gaps_seen)
		return;
	collector->gaps_seen = sum;
	kernel_probe_each_pipe(collector->probe, expect_position, collector);
}

static void settle_holes(struct collector *collector)
{
	struct container_stream *each;
	size_t cursor = 0;
	bool open = false;

	while ((each = table_next(collector->streams, &cursor))) {
		if (!stream_is_waiting(each->stream))
			continue;
		stream_settle(each->stream, clock_real_ns(), HOLE_PATIENCE_MS * NS_PER_MS);
		open |= stream_is_waiting(each->stream);
	}
	collector->holes_are_open = open;
	if (open)
		kernel_ring_look_again(collector->rings);
}

/* Nothing else tells of a call that the kernel skipped: not even a position. */
static void watch_misses(struct collector *collector)
{
	uint64_t now_ms = clock_monotonic_ms(), misses;

	if (now_ms < collector->misses_read_ms + MISSES_TICK_MS)
		return;
	collector->misses_read_ms = now_ms;
	misses = kernel_probe_misses(collector->probe);
	if (misses == collector->misses_told)
		return;
	log_error("the kernel skipped %llu calls of the capture programs: lines are missing",
		  (unsigned long long)(misses - collector->misses_told));
	collector->misses_told = misses;
}

void collector_on_drained(void *context)
{
	struct collector *collector = context;

	collector->clock_is_read = false;
	look_for_gaps(collector);
	watch_misses(collector);
	if (collector->holes_are_open)
		settle_holes(collector);
	if (collector->has_ignored)
		collector_forget_those_done(collector);
	if (collector->options.handlers.drained)
		collector->options.handlers.drained(collector->options.handlers.context);
}
