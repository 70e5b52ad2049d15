/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what the user wrote to a typed, checked field of struct settings and back to text. On a
 * wrong value -EINVAL and *ret_what (caller frees): what is wrong, a semicolon, the remedy; the
 * caller says where. Private to control/.
 */
#ifndef RINGTAIL_CONTROL_SETTINGS_VALUE_H
#define RINGTAIL_CONTROL_SETTINGS_VALUE_H

#include "control/settings_table.h"

/* Replaces the field's value; on failure it keeps the old one. */
int setting_store(const struct setting *setting, const struct setting_input *input,
		  struct settings *settings, char **ret_what);
/* Frees the field's value. */
void setting_clear(const struct setting *setting, struct settings *settings);
/* NULL, empty, false or 0: what a function that does not exist does. */
bool setting_is_off(const struct setting *setting, const struct settings *settings);

/* Access by type, for printing. */
const char *setting_text(const struct setting *setting, const struct settings *settings);
uint64_t setting_number(const struct setting *setting, const struct settings *settings);
const char *setting_word(const struct setting *setting, const struct settings *settings);
const struct text_list *setting_list(const struct setting *setting,
				     const struct settings *settings);
const struct text_map *setting_map(const struct setting *setting, const struct settings *settings);

#endif
