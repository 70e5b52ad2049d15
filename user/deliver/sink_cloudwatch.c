/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop's side of CloudWatch Logs: fills one open batch per destination and hands it to the
 * sender when it is full or its first line has waited for flush_interval. While a destination's
 * batch is under way the next one goes on being filled until it is full, so that throttling and
 * outages make batches larger and fewer. One timer, armed only while an open batch is due; nothing
 * ticks at rest.
 */
#include "deliver/sink.h"

#include <errno.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "deliver/sender.h"
#include "deliver/sink_operations.h"

enum { TIMER_ACCURACY_US = 10 * 1000, US_PER_MS = 1000 };

TAILQ_HEAD(open_list, cloudwatch_destination);

struct cloudwatch_destination {
	struct destination base;
	TAILQ_ENTRY(cloudwatch_destination) link;
	struct open_list *list;  /* the one it is in while it has an open batch */
	struct lane *lane;
	struct parcel *open;     /* NULL: nothing since the last one was handed over */
	size_t open_bytes;       /* memory of `open`, as it is counted */
	unsigned int under_way;  /* parcels that the sender has */
};

struct cloudwatch_sink {
	struct sink base;
	struct sender *sender;
	sd_event_source *timer;
	uint64_t flush_interval_ms;
	struct open_list due;  /* by the age of their open batch */
	struct open_list late; /* their time is over, but another batch of theirs is under way */
	size_t open_bytes;     /* memory of all open batches */
	size_t under_way;      /* parcels that the sender has */
	bool drains;

	/* Copies of what the sender refers to. */
	char *kms_key_id, *log_group_class, **tags;
};

static struct cloudwatch_sink *cloudwatch_sink(struct sink *sink)
{
	return (struct cloudwatch_sink *)sink;
}

static struct cloudwatch_destination *cloudwatch_destination(struct destination *destination)
{
	return (struct cloudwatch_destination *)destination;
}

/* Open batches --------------------------------------------------------------------------------- */

static void move_to(struct cloudwatch_destination *destination, struct open_list *list)
{
	if (destination->list)
		TAILQ_REMOVE(destination->list, destination, link);
	destination->list = list;
	if (list)
		TAILQ_INSERT_TAIL(list, destination, link);
}

static void count_open_bytes(struct cloudwatch_sink *sink,
			     struct cloudwatch_destination *destination)
{
	size_t bytes = destination->open ? batch_memory_bytes(parcel_batch(destination->open)) : 0;

	sink->open_bytes += bytes - destination->open_bytes;
	destination->open_bytes = bytes;
}

static void hand_over(struct cloudwatch_sink *sink, struct cloudwatch_destination *destination)
{
	destination->under_way++;
	sink->under_way++;
	sender_submit(sink->sender, TAKE_PTR(destination->open));
	count_open_bytes(sink, destination);
	move_to(destination, NULL);
}

static uint64_t due_ms(const struct cloudwatch_sink *sink,
		       const struct cloudwatch_destination *destination)
{
	if (sink->drains)
		return 0;
	return batch_first_added_ms(parcel_batch(destination->open)) + sink->flush_interval_ms;
}

static void arm_timer(struct cloudwatch_sink *sink)
{
	const struct cloudwatch_destination *first = TAILQ_FIRST(&sink->due);

	if (!first) {
		sd_event_source_set_enabled(sink->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(sink->timer, due_ms(sink, first) * US_PER_MS);
	sd_event_source_set_enabled(sink->timer, SD_EVENT_ONESHOT);
}

/* What would be due within the next twentieth of the interval goes along: fewer wake-ups. */
static int on_timer(sd_event_source *source, uint64_t scheduled_us, void *context)
{
	struct cloudwatch_sink *sink = context;
	uint64_t bound_ms = clock_monotonic_ms() + sink->flush_interval_ms / 20;
	struct cloudwatch_destination *destination;

	(void)source;
	(void)scheduled_us;
	while ((destination = TAILQ_FIRST(&sink->due)) && due_ms(sink, destination) <= bound_ms) {
		if (destination->under_way && !sink->drains)
			move_to(destination, &sink->late);
		else
			hand_over(sink, destination);
	}
	arm_timer(sink);
	return 0;
}

/* Lines in ------------------------------------------------------------------------------------- */

/* What the first line did to a batch that was just opened; it may have failed and left it empty. */
static void note_open(struct cloudwatch_sink *sink, struct cloudwatch_destination *destination)
{
	bool is_first = TAILQ_EMPTY(&sink->due);

	if (!destination->list && batch_first_added_ms(parcel_batch(destination->open))) {
		move_to(destination, &sink->due);
		if (is_first)
			arm_timer(sink);
	}
	count_open_bytes(sink, destination);
}

static int add_event(struct cloudwatch_sink *sink, struct cloudwatch_destination *destination,
		     const struct event_format *format, const struct log_line *line, size_t *offset,
		     bool *ret_line_done)
{
	int r;

	if (!destination->open) {
		r = parcel_new(destination->lane, &destination->open);
		if (r < 0)
			return r;
	}
	r = batch_add(parcel_batch(destination->open), format, line, offset,
		      clock_real_ns() / NS_PER_MS, ret_line_done);
	note_open(sink, destination);
	return r;
}

static int write_line(struct sink *base, struct destination *base_destination,
		      const struct event_format *format, const struct log_line *line)
{
	struct cloudwatch_destination *destination = cloudwatch_destination(base_destination);
	struct cloudwatch_sink *sink = cloudwatch_sink(base);
	bool line_done = false;
	size_t offset = 0;

	while (!line_done) {
		int r = add_event(sink, destination, format, line, &offset, &line_done);

		if (r < 0)
			return r;
		if (r == BATCH_ADDED)
			base->counters.pending_events++;
		if (r != BATCH_FULL)
			continue;
		if (!destination->list)
			return -EMSGSIZE; /* it does not even fit into an empty batch */
		hand_over(sink, destination);
	}
	return 0;
}

static void hand_over_all(struct cloudwatch_sink *sink, struct open_list *list)
{
	struct cloudwatch_destination *destination;

	while ((destination = TAILQ_FIRST(list)))
		hand_over(sink, destination);
}

static int flush(struct sink *base)
{
	struct cloudwatch_sink *sink = cloudwatch_sink(base);

	hand_over_all(sink, &sink->late);
	hand_over_all(sink, &sink->due);
	arm_timer(sink);
	return 0;
}

static void drain(struct sink *base)
{
	struct cloudwatch_sink *sink = cloudwatch_sink(base);

	sink->drains = true;
	sender_drain(sink->sender);
	flush(base);
}

/* Outcomes ------------------------------------------------------------------------------------- */

static void on_outcome(void *context, void *owner, const struct batch *batch,
		       const struct batch_rejection *rejection)
{
	struct cloudwatch_destination *destination = owner;
	struct cloudwatch_sink *sink = context;

	destination->under_way--;
	sink->under_way--;
	sink->base.counters.pending_events -= batch_events(batch);
	if (destination->list == &sink->late && !destination->under_way)
		hand_over(sink, destination);
	destination->base.references++; /* the handler may close it */
	batch_settle(batch, rejection, sink_deliver, &sink->base);
	sink_close_destination(&sink->base, &destination->base);
}

/* Destinations --------------------------------------------------------------------------------- */

static int init_destination(struct sink *sink, struct destination *base)
{
	(void)sink;
	return lane_new(base->group, base->stream, base, &cloudwatch_destination(base)->lane);
}

static void release_destination(struct destination *base)
{
	struct cloudwatch_destination *destination = cloudwatch_destination(base);

	parcel_free(destination->open);
	lane_free(destination->lane);
}

/* An open batch that never got a line may go. */
static bool is_destination_idle(const struct destination *base)
{
	const struct cloudwatch_destination *destination = (const void *)base;

	return !destination->list && !destination->under_way;
}

/* The rest ------------------------------------------------------------------------------------- */

static int reopen(struct sink *sink)
{
	(void)sink;
	return 0;
}

static bool is_idle(const struct sink *base)
{
	const struct cloudwatch_sink *sink = (const struct cloudwatch_sink *)base;

	return TAILQ_EMPTY(&sink->due) && TAILQ_EMPTY(&sink->late) && !sink->under_way;
}

static void read_counters(const struct sink *base, struct sink_counters *ret)
{
	const struct cloudwatch_sink *sink = (const struct cloudwatch_sink *)base;
	struct sender_counters counters;

	sender_read_counters(sink->sender, &counters);
	ret->requests = counters.requests;
	ret->retries = counters.retries;
	ret->throttled = counters.throttled;
	ret->memory_bytes = sink->open_bytes + counters.memory_bytes;
	ret->clock_offset_ms = counters.clock_offset_ms;
	snprintf(ret->last_error, sizeof(ret->last_error), "%s", counters.last_error);
}

static void stop(struct sink *base)
{
	struct cloudwatch_sink *sink = cloudwatch_sink(base);

	sender_free(sink->sender);
	sd_event_source_disable_unref(sink->timer);
}

static void release(struct sink *base)
{
	struct cloudwatch_sink *sink = cloudwatch_sink(base);

	free(sink->kms_key_id);
	free(sink->log_group_class);
	for (char **tag = sink->tags; tag && *tag; tag++)
		free(*tag);
	free(sink->tags);
}

static const struct sink_operations operations = {
	.destination_size = sizeof(struct cloudwatch_destination),
	.init_destination = init_destination,
	.release_destination = release_destination,
	.is_destination_idle = is_destination_idle,
	.write = write_line,
	.flush = flush,
	.drain = drain,
	.reopen = reopen,
	.is_idle = is_idle,
	.read_counters = read_counters,
	.stop = stop,
	.release = release,
};

/* Making --------------------------------------------------------------------------------------- */

static int copy_text(const char *text, char **ret)
{
	if (!text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* All keys, then all values. */
static int copy_tags(const struct cloudwatch_options *options, char ***ret)
{
	int r = 0;

	if (!options->tag_count)
		return 0;
	*ret = calloc(2 * options->tag_count + 1, sizeof(char *));
	if (!*ret)
		return -ENOMEM;
	for (size_t i = 0; i < options->tag_count && r >= 0; i++)
		r = copy_text(options->tag_keys[i], &(*ret)[i]);
	for (size_t i = 0; i < options->tag_count && r >= 0; i++)
		r = copy_text(options->tag_values[i], &(*ret)[options->tag_count + i]);
	return r;
}

static int copy_options(struct cloudwatch_sink *sink, const struct cloudwatch_options *options)
{
	int r = copy_text(options->kms_key_id, &sink->kms_key_id);

	if (r >= 0)
		r = copy_text(options->log_group_class, &sink->log_group_class);
	return r < 0 ? r : copy_tags(options, &sink->tags);
}

static int start_sender(struct cloudwatch_sink *sink, const struct cloudwatch_options *options,
			const struct endpoint *endpoint, struct credentials_provider *provider,
			sd_event *loop)
{
	const char *const *tags = (const char *const *)sink->tags;
	const struct sender_options sender_options = {
		.endpoint = endpoint,
		.provider = provider,
		.http = { .ca_file = options->ca_file, .proxy = options->proxy },
		.rules.auto_create = options->auto_create,
		.rules.retention = options->retention_days > 0,
		.group = {
			.retention_days = options->retention_days,
			.kms_key_id = sink->kms_key_id,
			.log_group_class = sink->log_group_class,
			.tag_keys = tags,
			.tag_values = tags ? tags + options->tag_count : NULL,
			.tag_count = options->tag_count,
		},
		.gzip = options->gzip,
	};

	return sender_new(&sender_options, loop, on_outcome, sink, &sink->sender);
}

static int fill(struct cloudwatch_sink *sink, const struct cloudwatch_options *options,
		sd_event *loop, char **ret_error)
{
	const struct endpoint_options where = {
		.region = options->region,
		.endpoint = options->endpoint,
		.fips = options->fips,
		.dualstack = options->dualstack,
	};
	_cleanup_(endpoint_freep) struct endpoint *endpoint = NULL;
	struct credentials_provider *provider;
	int r = endpoint_new(&where, &endpoint, ret_error);

	if (r < 0)
		return r;
	r = copy_options(sink, options);
	if (r < 0)
		return r;
	r = sd_event_add_time(loop, &sink->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_US, on_timer,
			      sink);
	if (r >= 0)
		r = sd_event_source_set_enabled(sink->timer, SD_EVENT_OFF);
	if (r < 0)
		return r;
	r = credentials_provider_new_environment(&provider, ret_error);
	if (r < 0)
		return r;
	return start_sender(sink, options, endpoint, provider, loop);
}

int sink_new_cloudwatch(const struct cloudwatch_options *options, sd_event *loop,
			delivery_handler on_delivery, void *context, struct sink **ret,
			char **ret_error)
{
	struct cloudwatch_sink *sink = calloc(1, sizeof(*sink));
	_cleanup_(sink_freep) struct sink *base = NULL;
	int r;

	if (!sink)
		return -ENOMEM;
	base = &sink->base;
	base->operations = &operations;
	TAILQ_INIT(&sink->due);
	TAILQ_INIT(&sink->late);
	sink->flush_interval_ms = options->flush_interval_ms;
	r = sink_init(base, &operations, on_delivery, context);
	if (r >= 0)
		r = fill(sink, options, loop, ret_error);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(base);
	return 0;
}
