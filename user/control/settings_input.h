/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value between its origin and its type: what a flag, a variable or the file said, split into
 * elements and nothing more. On a wrong one -EINVAL and *ret_what (caller frees): what is wrong, a
 * semicolon, the remedy; the caller says where. Private to control/.
 */
#ifndef RINGTAIL_CONTROL_SETTINGS_INPUT_H
#define RINGTAIL_CONTROL_SETTINGS_INPUT_H

#include "base/cleanup.h"
#include "control/settings_table.h"

/* More elements in one list or map are refused: they are compared one by one for every container.
 */
enum { SETTING_MOST_ITEMS = 1000 };

void setting_input_release(struct setting_input *input);
#define _cleanup_setting_input_ _cleanup_(setting_input_release)

/* One element more; the key of a pair must be new. */
int setting_input_add_item(struct setting_input *input, const char *item, size_t length,
			   char **ret_what);
int setting_input_add_pair(struct setting_input *input, const char *key, size_t key_length,
			   const char *value, size_t value_length, char **ret_what);
/*
 * A flag's or variable's text: split at commas for lists and maps, parsed for JSON. Elements are
 * added to what the input already holds, a scalar replaces it.
 */
int setting_input_add_text(const struct setting *setting, const char *text,
			   struct setting_input *input, char **ret_what);

#endif
