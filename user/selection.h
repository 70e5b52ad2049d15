/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is captured: by its cgroup path, before a container has a name, and by its names, once it
 * has. Pure functions of the settings and what is known of the container.
 */
#ifndef RINGTAIL_SELECTION_H
#define RINGTAIL_SELECTION_H

#include "container.h"
#include "control/settings.h"
#include "metadata/annotations.h"

enum selected {
	SELECTED_NOT,
	SELECTED_CONTAINER, /* its entrypoint's streams */
	SELECTED_ANY_EXEC,  /* whatever is executed there: capture.cgroups */
};

/* `only_cgroup`: this path and what is below it, nothing else; NULL: no such bound. */
enum selected selection_of_path(const struct settings *settings, const char *only_cgroup,
				const char *path);

/* Whether `path` is `top` or below it. */
bool selection_lies_in(const char *path, const char *top);

/* The key that keeps a named container out, or NULL. */
const char *selection_excluding_rule(const struct settings *settings,
				     const struct container *container);

/*
 * What the pod's annotations keep out goes into container->excluded; the annotation's key when that
 * is both streams, else NULL.
 */
const char *selection_excluding_annotation(struct container *container,
					   char ret_key[static ANNOTATION_KEY_SIZE]);

#endif
