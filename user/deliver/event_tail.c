/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/event_tail.h"

#include <errno.h>
#include <string.h>

#include "deliver/escape.h"
#include "deliver/json_check.h"

enum field_kind { FIELD_TEXT, FIELD_JSON };

struct field {
	const char *key;
	size_t name;              /* offset in struct event_names */
	const char *missing;      /* stands there for an unknown name; NULL: the key is left out */
	enum field_kind kind;
	bool everywhere;          /* also outside Kubernetes */
	unsigned int omitted_at;  /* left out from this degree of shortening on; 0: never */
};

/* In the order in which they go. */
enum {
	OMIT_ANNOTATIONS = EVENT_TAIL_WHOLE + 1,
	OMIT_LABELS,
	OMIT_EXTRA,
	OMIT_IMAGE,
	OMIT_HOST = EVENT_TAIL_SHORTEST,
};

#define NAME(member) offsetof(struct event_names, member)

static const struct field fields[] = {
	{ "pod_name", NAME(pod), "unknown", FIELD_TEXT, false, 0 },
	{ "namespace_name", NAME(namespace), "unknown", FIELD_TEXT, false, 0 },
	{ "container_name", NAME(container), "unknown", FIELD_TEXT, true, 0 },
	{ "pod_id", NAME(pod_uid), NULL, FIELD_TEXT, false, 0 },
	{ "host", NAME(host), NULL, FIELD_TEXT, true, OMIT_HOST },
	{ "docker_id", NAME(container_id), NULL, FIELD_TEXT, true, 0 },
	{ "container_image", NAME(image), NULL, FIELD_TEXT, false, OMIT_IMAGE },
	{ "labels", NAME(labels_json), NULL, FIELD_JSON, false, OMIT_LABELS },
	{ "annotations", NAME(annotations_json), NULL, FIELD_JSON, false, OMIT_ANNOTATIONS },
};

static bool is_omitted(unsigned int omitted_at, unsigned int omitted)
{
	return omitted_at && omitted_at <= omitted;
}

static int append_value(const struct field *field, const char *value, struct buffer *ret)
{
	int r;

	if (field->kind == FIELD_JSON) {
		if (!json_check_object(value, strlen(value)))
			return -EINVAL;
		return buffer_append_text(ret, value);
	}
	r = buffer_append_text(ret, "\"");
	if (r == 0)
		r = escape_append_all(ESCAPE_ONCE, value, strlen(value), ret);
	if (r == 0)
		r = buffer_append_text(ret, "\"");
	return r;
}

static int append_fields(const struct event_names *names, unsigned int omitted, struct buffer *ret)
{
	bool first = true;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const struct field *field = &fields[i];
		const char *value = *(const char *const *)((const char *)names + field->name);
		int r;

		if (!value)
			value = field->missing;
		if (!value || is_omitted(field->omitted_at, omitted) ||
		    (!names->kubernetes && !field->everywhere))
			continue;
		r = buffer_printf(ret, "%s\"%s\":", first ? "" : ",", field->key);
		if (r == 0)
			r = append_value(field, value, ret);
		if (r < 0)
			return r;
		first = false;
	}
	return 0;
}

/* The members of a JSON object, without its braces, behind a comma. */
static int append_members(const char *object, struct buffer *ret)
{
	static const char blanks[] = " \t\r\n";
	const char *begin, *end = object + strlen(object);
	int r;

	if (!json_check_object(object, (size_t)(end - object)))
		return -EINVAL;
	begin = strchr(object, '{') + 1;
	while (*--end != '}')
		;
	begin += strspn(begin, blanks);
	while (end > begin && strchr(blanks, end[-1]))
		end--;
	if (begin == end)
		return 0;
	r = buffer_append_text(ret, ",");
	return r < 0 ? r : buffer_append(ret, begin, (size_t)(end - begin));
}

int event_tail_render(const struct event_names *names, unsigned int omitted, struct buffer *ret)
{
	int r = buffer_append_text(ret, ",\"kubernetes\":{");

	if (r == 0)
		r = append_fields(names, omitted, ret);
	if (r == 0)
		r = buffer_append_text(ret, "}");
	if (r == 0 && names->extra_json && !is_omitted(OMIT_EXTRA, omitted))
		r = append_members(names->extra_json, ret);
	if (r == 0)
		r = buffer_append_text(ret, "}");
	return r;
}
