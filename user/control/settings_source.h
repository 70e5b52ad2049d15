/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of all origins side by side, so that `ringtail config` can tell where each came from
 * and a second settings_load (SIGHUP) reads environment and file anew while the flags stay. Private
 * to control/.
 */
#ifndef RINGTAIL_CONTROL_SETTINGS_SOURCE_H
#define RINGTAIL_CONTROL_SETTINGS_SOURCE_H

#include "control/settings_input.h"

/* From the lowest to the highest. */
enum origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENVIRONMENT, ORIGIN_FLAG, ORIGINS };

struct origin_value {
	char *where; /* "/etc/ringtail/ringtail.yaml:12", "environment NODE_NAME"; NULL: no value
			here */
	struct setting_input input;
};

struct settings_source {
	size_t count;			      /* keys in the table */
	struct origin_value *values[ORIGINS]; /* arrays parallel to the table */
};

/* Drops what an origin said. */
void settings_source_forget(struct settings_source *source, enum origin origin);
/* A flag or variable; elements of lists and maps are added to those that the origin already gave.
 */
int settings_source_add_text(struct settings_source *source, enum origin origin,
			     const struct setting *setting, const char *where, const char *text,
			     char **ret_error);
/* A key of the file; takes what the input holds. */
int settings_source_take(struct settings_source *source, enum origin origin,
			 const struct setting *setting, const char *where,
			 struct setting_input *input);
/*
 * Puts all values into `settings`, the lowest origin first: each replaces the one below, and a
 * wrong one is told even where a higher origin hides it.
 */
int settings_source_store(const struct settings_source *source, struct settings *settings,
			  char **ret_error);
/* The highest origin that has a value; the default always has. */
const struct origin_value *settings_source_effective(const struct settings_source *source,
						     size_t index);

#endif
