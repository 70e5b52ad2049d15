/* SPDX-License-Identifier: Apache-2.0 */
#include "shipping.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/queue.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/template.h"
#include "deliver/log_name.h"

enum { LINE_OVERHEAD = 1024 }; /* bytes: more than a record's names and its place in a batch take */

/*
 * One output stream's way; stdout and stderr share a destination unless the templates say
 * ${stream}.
 */
struct outlet {
	TAILQ_ENTRY(outlet) link; /* while there are dropped bytes */
	const struct route *route;
	struct destination *destination;
	uint64_t dropped_bytes;	 /* for want of memory, not told yet */
	struct log_line dropped; /* the last of them; its text is gone */
};

/* What a container has once its first line is shipped. */
struct route {
	struct event_format *format;
	struct outlet outlets[OUTPUT_STDERR + 1]; /* by enum output_stream */
};

TAILQ_HEAD(outlet_list, outlet);

struct shipping {
	const struct settings *settings;
	struct sink *sink;
	char *extra_json;
	struct shipping_account account;
	size_t room;		   /* bytes that limits.memory surely leaves for lines */
	struct outlet_list untold; /* outlets with dropped bytes */
	sd_event_source *tell;	   /* after every turn of the loop, while there are such */
};

/* In its place in the log stream: how much was dropped there. */
static int tell_dropped(struct shipping *shipping, struct outlet *outlet)
{
	struct log_line hole = outlet->dropped;
	int r;

	hole.text = "memory";
	hole.length = strlen("memory");
	hole.lost = true;
	hole.lost_bytes = outlet->dropped_bytes;
	hole.source_bytes = 0;
	hole.partial = false;
	hole.comm = NULL;
	r = sink_write(shipping->sink, outlet->destination, outlet->route->format, &hole);
	if (r < 0)
		return r;
	outlet->dropped_bytes = 0;
	TAILQ_REMOVE(&shipping->untold, outlet, link);
	return 0;
}

static struct route *route_free(struct shipping *shipping, struct route *route)
{
	if (!route)
		return NULL;
	for (int i = OUTPUT_STDOUT; i <= OUTPUT_STDERR; i++) {
		struct outlet *outlet = &route->outlets[i];

		if (outlet->dropped_bytes && tell_dropped(shipping, outlet) < 0)
			TAILQ_REMOVE(&shipping->untold, outlet, link);
		if (outlet->destination)
			sink_close_destination(shipping->sink, outlet->destination);
	}
	event_format_free(route->format);
	free(route);
	return NULL;
}

static bool has_room(struct shipping *shipping, const struct log_line *line);

/* Deliveries make room: then the silence of a container is no reason to keep back what it lost. */
static int on_turn(sd_event_source *source, void *context)
{
	struct shipping *shipping = context;
	struct outlet *outlet;

	while ((outlet = TAILQ_FIRST(&shipping->untold)) && has_room(shipping, &outlet->dropped))
		if (tell_dropped(shipping, outlet) < 0)
			break;
	return sd_event_source_set_enabled(source, TAILQ_EMPTY(&shipping->untold) ? SD_EVENT_OFF
										  : SD_EVENT_ON);
}

int shipping_new(const struct settings *settings, sd_event *loop, struct shipping **ret)
{
	_cleanup_(shipping_freep) struct shipping *shipping = calloc(1, sizeof(*shipping));
	json_t *extra = json_object();
	int r;

	if (!shipping || !extra) {
		json_decref(extra);
		return -ENOMEM;
	}
	shipping->settings = settings;
	TAILQ_INIT(&shipping->untold);
	for (size_t i = 0; i < settings->containers.extra.count; i++)
		json_object_set_new(extra, settings->containers.extra.keys[i],
				    json_string(settings->containers.extra.values[i]));
	shipping->extra_json = json_dumps(extra, JSON_COMPACT);
	json_decref(extra);
	if (!shipping->extra_json)
		return -ENOMEM;
	r = sd_event_add_post(loop, &shipping->tell, on_turn, shipping);
	if (r < 0)
		return r;
	sd_event_source_set_enabled(shipping->tell, SD_EVENT_OFF);
	*ret = TAKE_PTR(shipping);
	return 0;
}

struct shipping *shipping_free(struct shipping *shipping)
{
	if (shipping) {
		sd_event_source_disable_unref(shipping->tell);
		free(shipping->extra_json);
		free(shipping);
	}
	return NULL;
}

void shipping_set_sink(struct shipping *shipping, struct sink *sink)
{
	shipping->sink = sink;
}

/* Names of groups and streams ------------------------------------------------------------------ */

struct lookup {
	const struct settings *settings;
	const struct container *container;
	enum output_stream stream;
	char *found; /* of a label or annotation, freed by the next */
};

static const char *look_up_in(struct lookup *lookup, const char *object_json, const char *key)
{
	json_t *object = object_json ? json_loads(object_json, 0, NULL) : NULL;
	const char *value = json_string_value(json_object_get(object, key));

	free(lookup->found);
	lookup->found = value ? strdup(value) : NULL;
	json_decref(object);
	return lookup->found;
}

static const char *look_up(void *context, const char *variable)
{
	struct lookup *lookup = context;
	const struct names *names = &lookup->container->names;
	const struct {
		const char *name, *value;
	} variables[] = {
		{ "cluster", lookup->settings->cluster },
		{ "region", lookup->settings->region },
		{ "node", lookup->settings->node },
		{ "hostname", lookup->settings->node },
		{ "namespace", names->namespace },
		{ "pod", names->pod },
		{ "pod_uid", names->pod_uid },
		{ "container", names->container },
		{ "container_id", names->container_id },
		{ "stream", output_stream_name(lookup->stream) },
	};

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		if (strcmp(variables[i].name, variable) == 0)
			return variables[i].value;
	if (strncmp(variable, "label:", 6) == 0)
		return look_up_in(lookup, names->labels_json, variable + 6);
	if (strncmp(variable, "annotation:", 11) == 0)
		return look_up_in(lookup, names->annotations_json, variable + 11);
	return NULL;
}

static int expand(const struct shipping *shipping, const struct container *container,
		  enum output_stream stream, const char *template, struct buffer *ret)
{
	struct lookup lookup = { .settings = shipping->settings,
				 .container = container,
				 .stream = stream };
	int r = template_expand(template, look_up, &lookup, ret);

	free(lookup.found);
	return r;
}

static int open_outlet(struct shipping *shipping, const struct container *container,
		       enum output_stream output, struct outlet *outlet)
{
	_cleanup_buffer_ struct buffer group = { 0 }, stream = { 0 };
	char group_name[LOG_NAME_SIZE], stream_name[LOG_NAME_SIZE];
	int r = expand(shipping, container, output, shipping->settings->containers.group, &group);

	if (r < 0)
		return r;
	r = expand(shipping, container, output, shipping->settings->containers.stream, &stream);
	if (r < 0)
		return r;
	log_group_name(group.data, group_name);
	log_stream_name(stream.data, stream_name);
	return sink_open_destination(shipping->sink, group_name, stream_name, &outlet->destination);
}

/* The format ----------------------------------------------------------------------------------- */

static bool is_chosen(const struct text_list *globs, const char *key)
{
	for (size_t i = 0; i < globs->count; i++)
		if (fnmatch(globs->items[i], key, 0) == 0)
			return true;
	return false;
}

/* NULL when none are wanted: then the key is left out of the record. */
static char *choose(const struct text_list *globs, const char *object_json)
{
	json_t *object, *chosen, *value;
	const char *key;
	char *text;

	if (globs->count == 0 || !object_json)
		return NULL;
	object = json_loads(object_json, 0, NULL);
	chosen = json_object();
	json_object_foreach (object, key, value)
		if (is_chosen(globs, key))
			json_object_set(chosen, key, value);
	text = json_dumps(chosen, JSON_COMPACT);
	json_decref(chosen);
	json_decref(object);
	return text;
}

static int make_format(const struct shipping *shipping, const struct container *container,
		       struct route *route)
{
	const struct settings *settings = shipping->settings;
	const struct names *names = &container->names;
	_cleanup_free_ char *labels = choose(&settings->containers.labels, names->labels_json);
	_cleanup_free_ char *annotations =
		choose(&settings->containers.annotations, names->annotations_json);
	const struct event_options options = {
		.body = settings->containers.format == LINE_FORMAT_RAW ? EVENT_RAW : EVENT_JSON,
		.message_max = settings->limits.line,
		.merge_json = settings->containers.merge_json,
		.process = settings->containers.process,
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
		.labels_json = labels,
		.annotations_json = annotations,
		.extra_json = shipping->extra_json,
	};

	return event_format_new(&options, &event_names, &route->format);
}

static struct route *route_of(struct shipping *shipping, struct container *container)
{
	struct route *route = container->route;
	int r;

	if (route)
		return route;
	route = calloc(1, sizeof(*route));
	if (!route)
		return NULL;
	r = make_format(shipping, container, route);
	for (int i = OUTPUT_STDOUT; i <= OUTPUT_STDERR && r == 0; i++) {
		route->outlets[i].route = route;
		r = open_outlet(shipping, container, i, &route->outlets[i]);
	}
	if (r < 0) {
		log_error("container %.12s: its lines cannot be shipped: %s", container->id.id,
			  strerror(-r));
		return route_free(shipping, route);
	}
	container->route = route;
	return route;
}

/* Lines ---------------------------------------------------------------------------------------- */

/*
 * Whether limits.memory holds this line too. What the sink holds is asked for only when the last
 * answer, less a pessimistic guess for each line since, is used up.
 */
static bool has_room(struct shipping *shipping, const struct log_line *line)
{
	size_t wanted = 2 * line->length + LINE_OVERHEAD;
	struct sink_counters counters;

	if (shipping->room < wanted) {
		sink_read_counters(shipping->sink, &counters);
		shipping->room = counters.memory_bytes < shipping->settings->limits.memory
					 ? shipping->settings->limits.memory - counters.memory_bytes
					 : 0;
	}
	if (shipping->room < wanted)
		return false;
	shipping->room -= wanted;
	return true;
}

static int ship(struct shipping *shipping, struct outlet *outlet, const struct log_line *line)
{
	int r;

	if (!has_room(shipping, line))
		return -ENOBUFS;
	if (outlet->dropped_bytes) {
		r = tell_dropped(shipping, outlet);
		if (r < 0)
			return r;
	}
	return sink_write(shipping->sink, outlet->destination, outlet->route->format, line);
}

static void drop(struct shipping *shipping, const struct container *container,
		 struct outlet *outlet, const struct log_line *line)
{
	if (!outlet->dropped_bytes) {
		log_warning("container %.12s: no room for its lines (limits.memory), dropping "
			    "until there is",
			    container->id.id);
		TAILQ_INSERT_TAIL(&shipping->untold, outlet, link);
		sd_event_source_set_enabled(shipping->tell, SD_EVENT_ON);
	}
	outlet->dropped = *line;
	outlet->dropped.length = 0;
	if (!line->lost)
		outlet->dropped_bytes += line->source_bytes;
	else if (line->lost_bytes != UINT64_MAX)
		outlet->dropped_bytes += line->lost_bytes; /* the news of a hole had no room */
}

void shipping_line(void *context, struct container *container, const struct log_line *line)
{
	struct shipping *shipping = context;
	struct route *route = route_of(shipping, container);

	shipping->account.in += line->source_bytes;
	shipping->account.lines += !line->lost && !line->partial;
	if (route && ship(shipping, &route->outlets[line->stream], line) == 0)
		return;
	shipping->account.lost += line->source_bytes;
	if (route)
		drop(shipping, container, &route->outlets[line->stream], line);
}

void shipping_delivered(void *context, const struct delivery *delivery)
{
	struct shipping *shipping = context;

	if (delivery->result == DELIVERY_ACCEPTED) {
		shipping->account.delivered += delivery->source_bytes;
		shipping->account.events += delivery->events;
	} else {
		shipping->account.rejected += delivery->source_bytes;
	}
}

void shipping_renamed(void *context, struct container *container)
{
	container->route = route_free(context, container->route);
}

void shipping_ended(void *context, struct container *container)
{
	container->route = route_free(context, container->route);
}

void shipping_read_account(const struct shipping *shipping, struct shipping_account *ret)
{
	*ret = shipping->account;
}
