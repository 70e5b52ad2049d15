/* SPDX-License-Identifier: Apache-2.0 */
#include "control/settings_value.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "control/settings_check.h"
#include "control/settings_input.h"
#include "control/text.h"
#include "control/units.h"

static void *field_of(const struct setting *setting, const struct settings *settings)
{
	return (char *)(uintptr_t)settings + setting->offset;
}

const char *setting_text(const struct setting *setting, const struct settings *settings)
{
	return *(char *const *)field_of(setting, settings);
}

uint64_t setting_number(const struct setting *setting, const struct settings *settings)
{
	return *(const uint64_t *)field_of(setting, settings);
}

const struct text_list *setting_list(const struct setting *setting, const struct settings *settings)
{
	return field_of(setting, settings);
}

const struct text_map *setting_map(const struct setting *setting, const struct settings *settings)
{
	return field_of(setting, settings);
}

/* Enums are ints here, TOGGLE_AUTO is negative. */
static int choice_of(const struct setting *setting, const struct settings *settings)
{
	const void *field = field_of(setting, settings);

	return setting->width == sizeof(bool) ? *(const bool *)field : *(const int *)field;
}

const char *setting_word(const struct setting *setting, const struct settings *settings)
{
	const struct setting_word *word = setting->words;

	while (word->value != choice_of(setting, settings))
		word++;
	return word->word;
}

bool setting_is_off(const struct setting *setting, const struct settings *settings)
{
	switch (setting->type) {
	case SETTING_TEXT:
	case SETTING_TEMPLATE:
		return !setting_text(setting, settings);
	case SETTING_JSON:
		return strcmp(setting_text(setting, settings), "[]") == 0;
	case SETTING_CHOICE:
		return setting_is_switch(setting) && choice_of(setting, settings) == false;
	case SETTING_NUMBER:
	case SETTING_SIZE:
	case SETTING_DURATION:
		return setting_number(setting, settings) == 0;
	case SETTING_LIST:
		return setting_list(setting, settings)->count == 0;
	case SETTING_MAP:
		return setting_map(setting, settings)->count == 0;
	}
	return false;
}

void setting_clear(const struct setting *setting, struct settings *settings)
{
	struct setting_input old = { 0 };
	void *field = field_of(setting, settings);

	switch (setting->type) {
	case SETTING_TEXT:
	case SETTING_TEMPLATE:
	case SETTING_JSON:
		old.text = *(char **)field;
		break;
	case SETTING_LIST:
		old.items = *(struct text_list *)field;
		break;
	case SETTING_MAP:
		old.pairs = *(struct text_map *)field;
		break;
	default:
		break;
	}
	setting_input_release(&old);
	memset(field, 0, setting->width);
}

static int store_text(const struct setting *setting, const char *text, char **field,
		      char **ret_what)
{
	char shown[TEXT_SHOWN_SIZE];
	char *copy = NULL;

	text_show(text, shown);
	if (!*text && !(setting->flags & SETTING_OPTIONAL))
		return text_complain(ret_what, "is empty; give a value or leave the key out");
	if (setting->most && strlen(text) > setting->most)
		return text_complain(ret_what, "is longer than %zu bytes; give a shorter one",
				     (size_t)setting->most);
	if (*text) {
		copy = strdup(text);
		if (!copy)
			return -ENOMEM;
	}
	free(*field);
	*field = copy;
	return 0;
}

static int complain_about_words(const struct setting *setting, const char *text, char **ret_what)
{
	_cleanup_free_ char *words = NULL;
	char shown[TEXT_SHOWN_SIZE];
	size_t length;
	FILE *out = open_memstream(&words, &length);

	if (!out)
		return -ENOMEM;
	for (const struct setting_word *word = setting->words; word->word; word++)
		fprintf(out, "%s%s",
			word == setting->words ? ""
			: word[1].word	       ? ", "
					       : " or ",
			word->word);
	if (fclose(out) != 0)
		return -ENOMEM;
	text_show(text, shown);
	return text_complain(ret_what, "\"%s\" is not known here; give %s", shown, words);
}

static int find_word(const struct setting *setting, const char *text, int *ret, char **ret_what)
{
	for (const struct setting_word *word = setting->words; word->word; word++) {
		if (strcmp(word->word, text) != 0)
			continue;
		*ret = word->value;
		return 0;
	}
	return complain_about_words(setting, text, ret_what);
}

static int store_choice(const struct setting *setting, const char *text, void *field,
			char **ret_what)
{
	int value = 0, r;

	r = find_word(setting, text, &value, ret_what);
	if (r < 0)
		return r;
	if (setting->width == sizeof(bool))
		*(bool *)field = value;
	else
		*(int *)field = value;
	return 0;
}

struct number_kind {
	const char *name, *remedy;
	int (*parse)(const char *text, uint64_t *ret);
	void (*format)(uint64_t value, char ret[static UNITS_TEXT_SIZE]);
};

static const struct number_kind *kind_of(const struct setting *setting)
{
	static const struct number_kind kinds[] = {
		[SETTING_NUMBER] = { "a whole number", "give digits only", units_parse_number,
				     units_format_number },
		[SETTING_SIZE] = { "a size", "give bytes, or a whole number with KiB, MiB or GiB",
				   units_parse_size, units_format_size },
		[SETTING_DURATION] = { "a duration",
				       "give a whole number with its unit, one of ms s m h d",
				       units_parse_duration_ms, units_format_duration },
	};

	return &kinds[setting->type];
}

static int store_number(const struct setting *setting, const char *text, uint64_t *field,
			char **ret_what)
{
	const struct number_kind *kind = kind_of(setting);
	char shown[TEXT_SHOWN_SIZE], least[UNITS_TEXT_SIZE], most[UNITS_TEXT_SIZE];
	uint64_t value = 0;
	int r = 0;

	text_show(text, shown);
	if (*text || !(setting->flags & SETTING_OPTIONAL))
		r = kind->parse(text, &value);
	if (r == -EINVAL)
		return text_complain(ret_what, "\"%s\" is not %s; %s", shown, kind->name,
				     kind->remedy);
	if (*text && (r == -ERANGE || value < setting->least || value > setting->most)) {
		kind->format(setting->least, least);
		kind->format(setting->most, most);
		return text_complain(ret_what, "%s is out of bounds; give %s to %s", shown, least,
				     most);
	}
	*field = value;
	return 0;
}

static int store_list(const struct text_list *from, struct text_list *field, char **ret_what)
{
	struct setting_input copy = { 0 };
	int r = 0;

	copy.items.items = calloc(1, sizeof(char *)); /* never NULL, see struct text_list */
	if (!copy.items.items)
		return -ENOMEM;
	for (size_t i = 0; i < from->count && r == 0; i++)
		r = setting_input_add_item(&copy, from->items[i], strlen(from->items[i]), ret_what);
	if (r == 0) {
		struct text_list old = *field;

		*field = copy.items;
		copy.items = old;
	}
	setting_input_release(&copy);
	return r;
}

static int store_map(const struct text_map *from, struct text_map *field, char **ret_what)
{
	struct setting_input copy = { 0 };
	int r = 0;

	for (size_t i = 0; i < from->count && r == 0; i++)
		r = setting_input_add_pair(&copy, from->keys[i], strlen(from->keys[i]),
					   from->values[i], strlen(from->values[i]), ret_what);
	if (r == 0) {
		struct text_map old = *field;

		*field = copy.pairs;
		copy.pairs = old;
	}
	setting_input_release(&copy);
	return r;
}

/* JSON has been parsed and dumped by us. */
static bool input_is_clean(const struct setting *setting, const struct setting_input *input)
{
	if (setting->type == SETTING_JSON)
		return true;
	if (input->text && !text_is_clean(input->text, false))
		return false;
	for (size_t i = 0; i < input->items.count; i++)
		if (!text_is_clean(input->items.items[i], false))
			return false;
	for (size_t i = 0; i < input->pairs.count; i++)
		if (!text_is_clean(input->pairs.keys[i], false) ||
		    !text_is_clean(input->pairs.values[i], false))
			return false;
	return true;
}

static int check_input(const struct setting *setting, const struct setting_input *input,
		       char **ret_what)
{
	int unused, r = 0;

	if (!input_is_clean(setting, input))
		return text_complain(
			ret_what,
			"holds control characters or bytes that are not UTF-8; remove them");
	if (input->text && !*input->text) /* what empty means is the type's business */
		return 0;
	if (setting->type == SETTING_TEXT && setting->words && input->text)
		r = find_word(setting, input->text, &unused, ret_what);
	if (r == 0 && setting->type == SETTING_TEMPLATE)
		r = check_template(input, ret_what);
	if (r == 0 && setting->check && (input->text || input->pairs.count))
		r = setting->check(input, ret_what);
	return r;
}

int setting_store(const struct setting *setting, const struct setting_input *input,
		  struct settings *settings, char **ret_what)
{
	const char *text = input->text ? input->text : "";
	void *field = field_of(setting, settings);
	int r = check_input(setting, input, ret_what);

	if (r < 0)
		return r;
	switch (setting->type) {
	case SETTING_TEXT:
	case SETTING_TEMPLATE:
	case SETTING_JSON:
		return store_text(setting, text, field, ret_what);
	case SETTING_CHOICE:
		return store_choice(setting, text, field, ret_what);
	case SETTING_NUMBER:
	case SETTING_SIZE:
	case SETTING_DURATION:
		return store_number(setting, text, field, ret_what);
	case SETTING_LIST:
		return store_list(&input->items, field, ret_what);
	case SETTING_MAP:
		return store_map(&input->pairs, field, ret_what);
	}
	assert(!"a type without a case");
	return -EINVAL;
}
