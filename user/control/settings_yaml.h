/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a configuration file: one YAML document, nested as the dots in the keys say, block or flow.
 * Each key of the table may come once, null means that it is not there. Aliases are refused, depth
 * and sizes are bounded. Types and bounds of the values are left to settings_value.h. Private to
 * control/.
 */
#ifndef RINGTAIL_CONTROL_SETTINGS_YAML_H
#define RINGTAIL_CONTROL_SETTINGS_YAML_H

#include <stddef.h>

#include "control/settings_input.h"

/* A key and what was written; the handler may take what the input holds. `line` counts from 1. */
typedef int (*settings_yaml_handler)(void *context, const struct setting *setting,
				     struct setting_input *input, size_t line);

/*
 * `name` is the file's, for messages. On wrong input -EINVAL and *ret_error (caller frees) is
 * "FILE:LINE: key: what; remedy". A negative result of the handler ends the reading and is
 * returned.
 */
int settings_yaml_read(const char *name, const char *text, size_t size,
		       settings_yaml_handler handler, void *context, char **ret_error);

#endif
