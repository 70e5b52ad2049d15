/* SPDX-License-Identifier: Apache-2.0 */
#include "selection.h"

#include <fnmatch.h>
#include <string.h>

static bool matches_any(const struct text_list *globs, const char *text)
{
	for (size_t i = 0; i < globs->count; i++)
		if (fnmatch(globs->items[i], text, 0) == 0)
			return true;
	return false;
}

bool selection_lies_in(const char *path, const char *top)
{
	size_t length = strlen(top);

	while (length > 0 && top[length - 1] == '/')
		length--;
	return strncmp(path, top, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

enum selected selection_of_path(const struct settings *settings, const char *only_cgroup,
				const char *path)
{
	struct container_id id;
	bool container = container_id_parse(path, &id) == CONTAINER_PATH_CONTAINER;

	if (only_cgroup && !selection_lies_in(path, only_cgroup))
		return SELECTED_NOT;
	if (container && (id.kubernetes || only_cgroup))
		return SELECTED_CONTAINER;
	if (matches_any(&settings->capture.cgroups, path))
		return container ? SELECTED_CONTAINER : SELECTED_ANY_EXEC;
	if (only_cgroup && selection_lies_in(only_cgroup, path))
		return SELECTED_ANY_EXEC; /* the cgroup itself */
	return SELECTED_NOT;
}

/* The key that keeps a container out, or NULL. */
const char *selection_excluding_rule(const struct settings *settings,
				     const struct container *container)
{
	const struct {
		const char *key;
		const struct text_list *globs;
		const char *name;
		bool excludes, applies;
	} rules[] = {
		{ "containers.include", &settings->containers.include, container->names.container,
		  false, true },
		{ "containers.exclude", &settings->containers.exclude, container->names.container,
		  true, true },
		{ "namespaces.include", &settings->namespaces.include, container->names.namespace,
		  false, container->names.kubernetes },
		{ "namespaces.exclude", &settings->namespaces.exclude, container->names.namespace,
		  true, container->names.kubernetes },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (rules[i].applies &&
		    matches_any(rules[i].globs, rules[i].name ? rules[i].name : "unknown") ==
			    rules[i].excludes)
			return rules[i].key;
	return NULL;
}

/* What the pod's annotations keep out: a stream, or the whole container when it is both. */
const char *selection_excluding_annotation(struct container *container,
					   char ret_key[static ANNOTATION_KEY_SIZE])
{
	const char *key = NULL;

	for (int stream = OUTPUT_STDOUT; stream <= OUTPUT_STDERR; stream++) {
		const struct names *names = &container->names;
		const char *found = annotations_exclude(names->annotations_json, names->container,
							stream, ret_key);

		container->excluded[stream] = found != NULL;
		key = found ? found : key;
	}
	if (!container->excluded[OUTPUT_STDOUT] || !container->excluded[OUTPUT_STDERR])
		return NULL;
	return key;
}
