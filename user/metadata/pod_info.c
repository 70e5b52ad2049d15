/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata/pod_info.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "base/buffer.h"
#include "metadata/container_id.h"
#include "metadata/json_walk.h"

struct pod_table {
	atomic_uint references;
	size_t count;
	struct pod_info containers[]; /* sorted by id; in the same block behind them the strings */
};

/* Offsets into the strings, which become pointers once the strings no longer move. */
struct entry {
	size_t namespace, pod, pod_uid, container, container_id, image;
	size_t labels_json, annotations_json;
};

struct builder {
	struct buffer strings; /* each with its NUL; begins with those below */
	struct buffer entries; /* of struct entry */
};

enum { TEXT_EMPTY = 0, TEXT_NO_MEMBERS = 1 }; /* offsets of "" and "{}" */

enum text { TEXT_ABSENT, TEXT_READ };

/* *ret stays NULL when the span is absent or no JSON: only a lack of memory is a failure. */
static int decode(struct json_span span, json_t **ret)
{
	json_error_t error;

	if (span.size == 0)
		return 0;
	*ret = json_loadb(span.at, span.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	return *ret || json_error_code(&error) != json_error_out_of_memory ? 0 : -ENOMEM;
}

/* A non-empty string without NUL; TEXT_ABSENT for everything else. */
static int add_text(struct builder *builder, struct json_span span, size_t *ret)
{
	json_auto_t *value = NULL;
	size_t at = builder->strings.size, length;
	int r;

	r = decode(span, &value);
	if (r < 0)
		return r;
	length = json_string_length(value);
	if (length == 0 || memchr(json_string_value(value), '\0', length))
		return TEXT_ABSENT;
	r = buffer_append(&builder->strings, json_string_value(value), length + 1);
	if (r < 0)
		return r;
	*ret = at;
	return TEXT_READ;
}

/* Only strings; and not the manifest that kubectl keeps in an annotation: it holds env values. */
static bool is_wanted_member(const char *key, const json_t *value)
{
	return json_is_string(value) &&
	       strcmp(key, "kubectl.kubernetes.io/last-applied-configuration") != 0;
}

static int append_json(const char *text, size_t size, void *context)
{
	struct buffer *strings = context;

	return buffer_append(strings, text, size);
}

static int add_map(struct builder *builder, struct json_span span, size_t *ret)
{
	json_auto_t *map = NULL;
	size_t at = builder->strings.size;
	const char *key;
	json_t *value;
	void *next;
	int r;

	*ret = TEXT_NO_MEMBERS;
	r = decode(span, &map);
	if (r < 0)
		return r;
	json_object_foreach_safe(map, next, key, value)
		if (!is_wanted_member(key, value))
			json_object_del(map, key);
	if (json_object_size(map) == 0)
		return 0;
	if (json_dump_callback(map, append_json, &builder->strings, JSON_COMPACT) < 0)
		return -ENOMEM;
	r = buffer_append(&builder->strings, "", 1);
	if (r == 0)
		*ret = at;
	return r;
}

/* "containerd://<64 hex>": a container that has not started yet has none. */
static int add_container_id(struct builder *builder, struct json_span span, size_t *ret)
{
	const char *text, *id;
	size_t at;
	int r;

	r = add_text(builder, span, &at);
	if (r != TEXT_READ)
		return r;
	text = builder->strings.data + at;
	id = strstr(text, "://");
	if (!id || !container_id_is_valid(id + 3, strlen(id + 3)))
		return TEXT_ABSENT;
	*ret = at + (size_t)(id + 3 - text);
	return TEXT_READ;
}

static int add_entry(struct builder *builder, struct json_span id, struct entry entry)
{
	int r = add_container_id(builder, id, &entry.container_id);

	return r == TEXT_READ ? buffer_append(&builder->entries, &entry, sizeof(entry)) : r;
}

/* The id before the last restart. */
static struct json_span previous_id(struct json_span last_state)
{
	static const char *const state_members[] = { "terminated" };
	static const char *const terminated_members[] = { "containerID" };
	struct json_span terminated, id = { 0 };

	if (json_pick(last_state, state_members, 1, &terminated) < 0)
		return id;
	if (json_pick(terminated, terminated_members, 1, &id) < 0)
		return (struct json_span){ 0 };
	return id;
}

static int add_status(struct builder *builder, struct json_span status, struct entry entry)
{
	enum { NAME, IMAGE, ID, LAST_STATE, MEMBERS };
	static const char *const names[] = { "name", "image", "containerID", "lastState" };
	struct json_span member[MEMBERS];
	int r;

	if (json_pick(status, names, MEMBERS, member) < 0)
		return 0;
	r = add_text(builder, member[NAME], &entry.container);
	if (r != TEXT_READ)
		return r;
	r = add_text(builder, member[IMAGE], &entry.image);
	if (r < 0)
		return r;
	r = add_entry(builder, member[ID], entry);
	return r < 0 ? r : add_entry(builder, previous_id(member[LAST_STATE]), entry);
}

static int add_statuses(struct builder *builder, struct json_span list, const struct entry *pod)
{
	struct json_span key, status;
	struct json_walk walk;
	int r;

	if (json_walk_begin(&walk, list, '[') < 0)
		return 0;
	while (json_walk_next(&walk, &key, &status) == JSON_STEP_VALUE) {
		r = add_status(builder, status, *pod);
		if (r < 0)
			return r;
	}
	return 0;
}

/* TEXT_READ when the pod has what a container cannot be named without. */
static int add_metadata(struct builder *builder, struct json_span metadata, struct entry *ret)
{
	enum { NAMESPACE, NAME, UID, LABELS, ANNOTATIONS, MEMBERS };
	static const char *const names[] = { "namespace", "name", "uid", "labels", "annotations" };
	struct json_span member[MEMBERS];
	int r;

	if (json_pick(metadata, names, MEMBERS, member) < 0)
		return TEXT_ABSENT;
	r = add_text(builder, member[NAMESPACE], &ret->namespace);
	if (r != TEXT_READ)
		return r;
	r = add_text(builder, member[NAME], &ret->pod);
	if (r != TEXT_READ)
		return r;
	r = add_text(builder, member[UID], &ret->pod_uid);
	if (r < 0)
		return r;
	r = add_map(builder, member[LABELS], &ret->labels_json);
	if (r < 0)
		return r;
	r = add_map(builder, member[ANNOTATIONS], &ret->annotations_json);
	return r < 0 ? r : TEXT_READ;
}

/* The spec is never looked at: that is where the secrets are. */
static int add_pod(struct builder *builder, struct json_span pod)
{
	enum { METADATA, STATUS, POD_MEMBERS };
	static const char *const pod_names[] = { "metadata", "status" };
	static const char *const lists[] = {
		"containerStatuses",
		"initContainerStatuses",
		"ephemeralContainerStatuses",
	};
	enum { LISTS = sizeof(lists) / sizeof(*lists) };
	struct json_span member[POD_MEMBERS], list[LISTS];
	struct entry entry = { 0 };
	int r;

	if (json_pick(pod, pod_names, POD_MEMBERS, member) < 0 ||
	    json_pick(member[STATUS], lists, LISTS, list) < 0)
		return 0;
	r = add_metadata(builder, member[METADATA], &entry);
	if (r != TEXT_READ)
		return r;
	for (size_t i = 0; i < LISTS; i++) {
		r = add_statuses(builder, list[i], &entry);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Equal ids: what the answer said first stands first, for the strings lie in its order. */
static int compare(const void *left, const void *right)
{
	const char *a = ((const struct pod_info *)left)->container_id;
	const char *b = ((const struct pod_info *)right)->container_id;
	int order = strcmp(a, b);

	return order ? order : (a > b) - (a < b);
}

static size_t drop_repeated(struct pod_info *containers, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (kept == 0 ||
		    strcmp(containers[kept - 1].container_id, containers[i].container_id) != 0)
			containers[kept++] = containers[i];
	return kept;
}

static int build(const struct builder *builder, struct pod_table **ret)
{
	const struct entry *entries = (const struct entry *)builder->entries.data;
	size_t count = builder->entries.size / sizeof(*entries);
	size_t head = sizeof(struct pod_table) + count * sizeof(struct pod_info);
	struct pod_table *table = malloc(head + builder->strings.size);
	const char *strings = (const char *)table + head;

	if (!table)
		return -ENOMEM;
	memcpy((char *)table + head, builder->strings.data, builder->strings.size);
	for (size_t i = 0; i < count; i++)
		table->containers[i] = (struct pod_info){
			.namespace = strings + entries[i].namespace,
			.pod = strings + entries[i].pod,
			.pod_uid = strings + entries[i].pod_uid,
			.container = strings + entries[i].container,
			.container_id = strings + entries[i].container_id,
			.image = strings + entries[i].image,
			.labels_json = strings + entries[i].labels_json,
			.annotations_json = strings + entries[i].annotations_json,
		};
	qsort(table->containers, count, sizeof(*table->containers), compare);
	table->count = drop_repeated(table->containers, count);
	atomic_init(&table->references, 1);
	*ret = table;
	return 0;
}

static int refuse(const char *why, char **ret_error)
{
	*ret_error = strdup(why);
	return -EBADMSG;
}

/* An empty list is `"items":null` in Go's JSON. */
static int find_items(struct json_span answer, struct json_span *ret, char **ret_error)
{
	enum { KIND, ITEMS, MEMBERS };
	static const char *const names[] = { "kind", "items" };
	struct json_span member[MEMBERS];

	if (json_pick(answer, names, MEMBERS, member) < 0)
		return refuse("it is not a whole JSON object", ret_error);
	if (!json_span_is(member[KIND], "\"PodList\""))
		return refuse("its kind is not PodList", ret_error);
	if (json_span_is(member[ITEMS], "null"))
		member[ITEMS] = (struct json_span){ "[]", 2 };
	if (member[ITEMS].size == 0 || *member[ITEMS].at != '[')
		return refuse("it has no list of items", ret_error);
	*ret = member[ITEMS];
	return 0;
}

static int read_items(struct builder *builder, struct json_span items, char **ret_error)
{
	struct json_span key, pod;
	struct json_walk walk;
	int r, step;

	assert(builder->strings.size == 0);
	r = buffer_append(&builder->strings, "\0{}", sizeof("\0{}"));
	if (r < 0)
		return r;
	json_walk_begin(&walk, items, '[');
	while ((step = json_walk_next(&walk, &key, &pod)) == JSON_STEP_VALUE) {
		r = add_pod(builder, pod);
		if (r < 0)
			return r;
	}
	return step < 0 ? refuse("its items are no JSON", ret_error) : 0;
}

int pod_table_parse(const char *json, size_t size, struct pod_table **ret, char **ret_error)
{
	struct builder builder = { 0 };
	struct json_span items;
	int r;

	*ret_error = NULL;
	r = find_items((struct json_span){ json, size }, &items, ret_error);
	if (r < 0)
		return r;
	r = read_items(&builder, items, ret_error);
	if (r == 0)
		r = build(&builder, ret);
	buffer_release(&builder.strings);
	buffer_release(&builder.entries);
	return r;
}

struct pod_table *pod_table_ref(struct pod_table *table)
{
	atomic_fetch_add_explicit(&table->references, 1, memory_order_relaxed);
	return table;
}

struct pod_table *pod_table_free(struct pod_table *table)
{
	if (table && atomic_fetch_sub_explicit(&table->references, 1, memory_order_acq_rel) == 1)
		free(table);
	return NULL;
}

static int compare_id(const void *id, const void *container)
{
	return strcmp(id, ((const struct pod_info *)container)->container_id);
}

const struct pod_info *pod_table_find(const struct pod_table *table, const char *container_id)
{
	return bsearch(container_id, table->containers, table->count, sizeof(*table->containers),
		       compare_id);
}

size_t pod_table_count(const struct pod_table *table)
{
	return table->count;
}
