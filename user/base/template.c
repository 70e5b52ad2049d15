/* SPDX-License-Identifier: Apache-2.0 */
#include "base/template.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

/* The longest label key has 253 + 1 + 63 bytes. */
enum { VARIABLE_SIZE = 352 };

static const char *const plain_variables[] = {
	"cluster", "region",    "node",         "hostname", "namespace", "pod",
	"pod_uid", "container", "container_id", "stream",   "unit",
};

static const char *const keyed_variables[] = { "label:", "annotation:" };

enum part_kind { PART_END, PART_TEXT, PART_VARIABLE, PART_BROKEN };

struct part {
	const char *text;
	size_t length;
};

/*
 * Takes the next part from *at. A text is what stands literally: everything up to the next `${`,
 * and the `${` of a `$${`. Of a variable it is the name.
 */
static enum part_kind next_part(const char **at, struct part *ret)
{
	const char *begin = *at, *mark, *close;

	if (!*begin)
		return PART_END;
	mark = strstr(begin, "${");
	if (!mark)
		mark = begin + strlen(begin);
	if (*mark && mark > begin && mark[-1] == '$') {
		/* First the text before, then the literal: the `$` between them goes. */
		bool literal = mark - 1 == begin;

		*ret = literal ? (struct part){ mark, 2 } :
				 (struct part){ begin, (size_t)(mark - 1 - begin) };
		*at = literal ? mark + 2 : mark - 1;
		return PART_TEXT;
	}
	if (mark > begin) {
		*ret = (struct part){ begin, (size_t)(mark - begin) };
		*at = mark;
		return PART_TEXT;
	}
	close = strchr(mark, '}');
	*ret = (struct part){ mark + 2, close ? (size_t)(close - mark - 2) : strlen(mark + 2) };
	*at = close ? close + 1 : mark;
	return close ? PART_VARIABLE : PART_BROKEN;
}

static bool is_known(const struct part *name)
{
	for (size_t i = 0; i < sizeof(plain_variables) / sizeof(*plain_variables); i++)
		if (strlen(plain_variables[i]) == name->length &&
		    memcmp(plain_variables[i], name->text, name->length) == 0)
			return true;
	for (size_t i = 0; i < sizeof(keyed_variables) / sizeof(*keyed_variables); i++) {
		size_t prefix = strlen(keyed_variables[i]);

		if (name->length > prefix && name->length < VARIABLE_SIZE &&
		    memcmp(keyed_variables[i], name->text, prefix) == 0)
			return true;
	}
	return false;
}

static int complain(char **ret_error, const char *what, const struct part *name)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	int shown = name->length < VARIABLE_SIZE ? (int)name->length : VARIABLE_SIZE;

	if (buffer_printf(&text, what, shown, name->text) < 0)
		return -ENOMEM;
	*ret_error = TAKE_PTR(text.data);
	return -EINVAL;
}

int template_check(const char *text, char **ret_error)
{
	struct part part;

	for (;;) {
		switch (next_part(&text, &part)) {
		case PART_END:
			return 0;
		case PART_TEXT:
			break;
		case PART_VARIABLE:
			if (!is_known(&part))
				return complain(ret_error, "unknown variable ${%.*s}", &part);
			break;
		case PART_BROKEN:
			return complain(ret_error, "`}` is missing after ${%.*s", &part);
		}
	}
}

static int append_value(const struct part *name, template_lookup lookup, void *context,
			struct buffer *ret)
{
	char variable[VARIABLE_SIZE];
	const char *value;

	assert(name->length < sizeof(variable));
	memcpy(variable, name->text, name->length);
	variable[name->length] = '\0';
	value = lookup(context, variable);
	return buffer_append_text(ret, value ? value : "unknown");
}

int template_expand(const char *text, template_lookup lookup, void *context, struct buffer *ret)
{
	size_t begin = ret->size;
	enum part_kind kind;
	struct part part;
	int r = 0;

	while (r == 0 && (kind = next_part(&text, &part)) != PART_END) {
		assert(kind != PART_BROKEN);
		r = kind == PART_TEXT ? buffer_append(ret, part.text, part.length) :
					append_value(&part, lookup, context, ret);
		if (r == 0 && ret->size - begin > TEMPLATE_EXPANDED_MAX)
			r = -E2BIG;
	}
	if (r == 0)
		r = buffer_append(ret, "", 1);
	if (r < 0) {
		ret->size = begin;
		return r;
	}
	ret->size--;
	return 0;
}
