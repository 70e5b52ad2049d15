/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of configuration keys. A row says all there is to know of a key: its type, where it
 * lies in struct settings, its default, bounds and help. Flags, variables, the YAML file, `ringtail
 * config` and its comments come from it. Keys of one section stand together, which is what printing
 * relies on. Private to control/.
 */
#ifndef RINGTAIL_CONTROL_SETTINGS_TABLE_H
#define RINGTAIL_CONTROL_SETTINGS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/settings.h"

enum setting_type {
	SETTING_TEXT,	  /* char *, NULL when empty and SETTING_OPTIONAL */
	SETTING_TEMPLATE, /* char *, checked by base/template.h */
	SETTING_JSON,	  /* char *, an array of rules */
	SETTING_CHOICE,	  /* an enum or bool, one of `words` */
	SETTING_NUMBER,	  /* these three: uint64_t between least and most */
	SETTING_SIZE,
	SETTING_DURATION,
	SETTING_LIST, /* struct text_list */
	SETTING_MAP,  /* struct text_map */
};

enum {
	SETTING_OPTIONAL = 1 << 0,	 /* may be empty: then it is unset */
	SETTING_WITHOUT_EFFECT = 1 << 1, /* accepted, but this version does nothing with it */
	SETTING_REFUSED = 1 << 2,	 /* accepting it without effect would do harm */
};

enum { SETTING_MOST_VARIABLES = 3 };

/*
 * A value as it came: text for scalars and JSON, else items or pairs. Zero-initialised is empty and
 * valid.
 */
struct setting_input {
	char *text;
	struct text_list items;
	struct text_map pairs;
};

struct setting_word {
	const char *word;
	int value;
};

struct setting {
	const char *name;
	enum setting_type type;
	size_t offset, width; /* in struct settings, bytes */
	unsigned int flags;
	const char *preset; /* the default as text; NULL: unset, or found out by settings_derive */
	uint64_t least, most;
	const struct setting_word
		*words; /* ends with a NULL word; the first of equal values is printed */
	int (*check)(const struct setting_input *input, char **ret_what);
	const char *variables[SETTING_MOST_VARIABLES +
			      1]; /* beside RINGTAIL_*, the first that is set counts */
	const char *help;
};

/* All rows; the index of a row is its number in arrays that run parallel to the table. */
const struct setting *settings_table(size_t *ret_count);
size_t settings_table_index(const struct setting *setting);

/* NULL: no such key. */
const struct setting *settings_table_find(const char *name);
/* `name` is what stands between "--" and "="; not NUL-terminated. */
const struct setting *settings_table_find_flag(const char *name, size_t length);
/* Whether keys begin with "NAME.". */
bool settings_table_is_section(const char *name);
/* The key that `name` was probably meant to be, or NULL. */
const char *settings_table_nearest(const char *name);

/* Whether the key can be true and false, so that --x and --no-x are flags without a value. */
bool setting_is_switch(const struct setting *setting);

enum { SETTING_NAME_SIZE = 48 };
/* "containers.merge_json" as "containers-merge-json" and "RINGTAIL_CONTAINERS_MERGE_JSON". */
void setting_flag_name(const struct setting *setting, char ret[static SETTING_NAME_SIZE]);
void setting_variable_name(const struct setting *setting, char ret[static SETTING_NAME_SIZE]);

#endif
