/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ringtail tap`: prints what containers write, as it is written. It captures by itself, beside an
 * agent or without one, and delivers nothing.
 */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/signals.h"
#include "cli/visible.h"
#include "collector.h"
#include "deliver/event.h"

enum { NOTHING_YET_MS = 1500 }; /* the kubelet has answered by then, or does not */

struct tap {
	const struct invocation *invocation;
	sd_event *loop;
	struct collector *collector;
	struct buffer out;
	bool terminal;
	bool prefixed; /* more than one container can match */
	bool matched;  /* some container did */
	uint64_t lines;
	bool done;
	int status;
};

static bool matches(const char *glob, const char *name)
{
	return !glob || fnmatch(glob, name ? name : "unknown", 0) == 0;
}

static bool is_selected(const struct tap *tap, const struct container *container)
{
	const struct invocation *invocation = tap->invocation;

	return matches(invocation->tap.pod, container->names.pod) &&
	       matches(invocation->tap.container, container->names.container) &&
	       matches(invocation->tap.namespace, container->names.namespace);
}

static void finish(struct tap *tap, int status)
{
	if (!tap->done)
		tap->status = status;
	tap->done = true;
}

static void flush(struct tap *tap)
{
	int r = tap->out.size ? file_write_all(STDOUT_FILENO, tap->out.data, tap->out.size) : 0;

	buffer_clear(&tap->out);
	if (r == -EPIPE) {
		finish(tap, EXIT_STATUS_OK); /* the reader has seen enough */
	} else if (r < 0) {
		log_complaint("standard output: %s", strerror(-r));
		finish(tap, EXIT_STATUS_FAILED);
	}
}

static const char *or_unknown(const char *name)
{
	return name ? name : "unknown";
}

static void print_prefix(struct tap *tap, const struct container *container)
{
	_cleanup_buffer_ struct buffer prefix = { 0 };

	if (!tap->prefixed)
		return;
	if (container->names.kubernetes)
		buffer_printf(&prefix, "%s/%s/", or_unknown(container->names.namespace),
			      or_unknown(container->names.pod));
	buffer_printf(&prefix, "%s ", or_unknown(container->names.container));
	visible_append(&tap->out, prefix.data, prefix.size);
}

static void print_text(struct tap *tap, struct container *container, const struct log_line *line)
{
	if (line->lost) {
		flush(tap);
		log_warning("%s/%s/%s %s: %" PRIu64 " bytes lost (%s)",
			    or_unknown(container->names.namespace),
			    or_unknown(container->names.pod),
			    or_unknown(container->names.container),
			    output_stream_name(line->stream), line->lost_bytes, line->text);
		return;
	}
	print_prefix(tap, container);
	if (tap->terminal)
		visible_append(&tap->out, line->text, line->length);
	else
		buffer_append(&tap->out, line->text, line->length);
	buffer_append(&tap->out, "\n", 1);
}

static void print_raw(struct tap *tap, struct container *container, const struct log_line *line)
{
	if (line->lost) {
		print_text(tap, container, line);
		return;
	}
	buffer_append(&tap->out, line->text, line->length);
	if (line->source_bytes > line->length)
		buffer_append(&tap->out, "\n", 1);
}

static struct event_format *format_of(struct tap *tap, struct container *container)
{
	const struct settings *settings = tap->invocation->settings;
	const struct names *names = &container->names;
	const struct event_options options = {
		.body = EVENT_JSON,
		.message_max = settings->limits.line,
		.process = settings->containers.process,
		.merge_json = settings->containers.merge_json,
	};
	const struct event_names event_names = {
		.kubernetes = names->kubernetes,
		.pod = names->pod,
		.namespace = names->namespace,
		.container = names->container,
		.pod_uid = names->pod_uid,
		.host = settings->node,
		.container_id = names->container_id,
		.image = names->image,
	};
	struct event_format *format = NULL;

	if (!container->route && event_format_new(&options, &event_names, &format) == 0)
		container->route = format;
	return container->route;
}

static void print_json(struct tap *tap, struct container *container, const struct log_line *line)
{
	const struct event_format *format = format_of(tap, container);
	_cleanup_buffer_ struct buffer event = { 0 };
	size_t offset = 0, message_bytes;
	int r = EVENT_MORE;

	while (format && r == EVENT_MORE) {
		buffer_clear(&event);
		r = event_write(format, EVENT_PLAIN, line, &offset, &event, &message_bytes);
		if (r < 0)
			return;
		if (tap->terminal)
			visible_append(&tap->out, event.data, event.size);
		else
			buffer_append(&tap->out, event.data, event.size);
		buffer_append(&tap->out, "\n", 1);
	}
}

static void on_line(void *context, struct container *container, const struct log_line *line)
{
	static void (*const print[])(struct tap *, struct container *, const struct log_line *) = {
		[TAP_OUTPUT_TEXT] = print_text,
		[TAP_OUTPUT_JSON] = print_json,
		[TAP_OUTPUT_RAW] = print_raw,
	};
	struct tap *tap = context;
	const struct invocation *invocation = tap->invocation;

	if (tap->done || !is_selected(tap, container))
		return;
	tap->matched = true;
	if (invocation->tap.stream && invocation->tap.stream != line->stream)
		return;
	print[invocation->tap.output](tap, container, line);
	if (!line->partial && !line->lost && ++tap->lines == invocation->tap.max_lines)
		finish(tap, EXIT_STATUS_OK);
}

static void on_renamed(void *context, struct container *container)
{
	(void)context;
	container->route = event_format_free(container->route);
}

static void on_ended(void *context, struct container *container)
{
	on_renamed(context, container);
}

/* Who asks for a pod by name is told why nothing comes. */
static void on_excluded(void *context, struct container *container, const char *rule)
{
	struct tap *tap = context;

	if (!tap->invocation->tap.pod || !is_selected(tap, container))
		return;
	log_complaint("%s/%s/%s is excluded by %s; change that rule to see it",
		      or_unknown(container->names.namespace), or_unknown(container->names.pod),
		      or_unknown(container->names.container), rule);
	finish(tap, EXIT_STATUS_FAILED);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	(void)source, (void)info;
	finish(context, EXIT_STATUS_OK);
	return 0;
}

static int on_duration(sd_event_source *source, uint64_t time, void *context)
{
	(void)source, (void)time;
	finish(context, EXIT_STATUS_OK);
	return 0;
}

static void note_match(void *context, struct container *container)
{
	struct tap *tap = context;

	tap->matched |= container->state == CONTAINER_NAMED && is_selected(tap, container);
}

static int on_nothing_yet(sd_event_source *source, uint64_t time, void *context)
{
	struct tap *tap = context;

	(void)source, (void)time;
	collector_each(tap->collector, note_match, tap);
	if (!tap->matched)
		log_complaint("nothing matches yet; waiting for it, ^C ends");
	return 0;
}

static bool is_glob(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

static bool can_match_many(const struct invocation *invocation)
{
	return !(invocation->tap.pod && !is_glob(invocation->tap.pod) &&
		 invocation->tap.namespace && !is_glob(invocation->tap.namespace) &&
		 invocation->tap.container && !is_glob(invocation->tap.container));
}

static int new_collector(struct tap *tap, char **ret_error)
{
	const struct invocation *invocation = tap->invocation;
	const struct collector_options options = {
		.settings = invocation->settings,
		.containers = true,
		.only_cgroup = invocation->tap.cgroup,
		.name_early = true,
		.keep_cr = invocation->tap.output == TAP_OUTPUT_RAW,
		.handlers = {
			.line = on_line, .renamed = on_renamed, .ended = on_ended,
			.excluded = on_excluded, .context = tap,
		},
	};

	return collector_new(&options, tap->loop, &tap->collector, ret_error);
}

static int start_timers(struct tap *tap)
{
	uint64_t duration_ms = tap->invocation->tap.duration_ms;
	int r = sd_event_add_time_relative(tap->loop, NULL, CLOCK_MONOTONIC, NOTHING_YET_MS * 1000,
					   0, on_nothing_yet, tap);

	if (r >= 0 && duration_ms)
		r = sd_event_add_time_relative(tap->loop, NULL, CLOCK_MONOTONIC, duration_ms * 1000,
					       1000, on_duration, tap);
	return r;
}

static int tap_until_done(struct tap *tap)
{
	_cleanup_free_ char *error = NULL;

	if (new_collector(tap, &error) < 0 || collector_start(tap->collector, &error) < 0) {
		log_complaint("%s", error ? error : "out of memory");
		return EXIT_STATUS_MACHINE;
	}
	if (start_timers(tap) < 0)
		finish(tap, EXIT_STATUS_FAILED);
	while (!tap->done) {
		if (sd_event_run(tap->loop, UINT64_MAX) < 0)
			finish(tap, EXIT_STATUS_FAILED);
		flush(tap); /* once a turn, whoever handed the lines on: the rings or a name */
	}
	return tap->status;
}

int tap_main(const struct invocation *invocation)
{
	_cleanup_(sd_event_unrefp) sd_event *loop = NULL;
	struct tap tap = {
		.invocation = invocation,
		.terminal = isatty(STDOUT_FILENO),
		.prefixed = can_match_many(invocation),
	};
	int status = EXIT_STATUS_FAILED;

	if (sd_event_new(&loop) >= 0 &&
	    signals_watch(loop, (const int[]){ SIGINT, SIGTERM, SIGHUP, 0 }, on_signal, &tap) >=
		    0) {
		tap.loop = loop;
		status = tap_until_done(&tap);
	}
	collector_free(tap.collector);
	buffer_release(&tap.out);
	return status;
}
