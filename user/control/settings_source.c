/* SPDX-License-Identifier: Apache-2.0 */
#include "control/settings_source.h"

#include <errno.h>
#include <string.h>

#include "control/settings_value.h"
#include "control/text.h"

static void release_value(struct origin_value *value)
{
	free(value->where);
	value->where = NULL;
	setting_input_release(&value->input);
}

struct settings_source *settings_source_free(struct settings_source *source)
{
	if (!source)
		return NULL;
	for (size_t origin = 0; origin < ORIGINS; origin++) {
		for (size_t i = 0; source->values[origin] && i < source->count; i++)
			release_value(&source->values[origin][i]);
		free(source->values[origin]);
	}
	free(source);
	return NULL;
}

static int add_default(struct settings_source *source, const struct setting *setting)
{
	struct origin_value *value = &source->values[ORIGIN_DEFAULT][settings_table_index(setting)];
	char *unused = NULL;
	int r = 0;

	value->where = strdup("default");
	if (!value->where)
		return -ENOMEM;
	if (setting->preset)
		r = setting_input_add_text(setting, setting->preset, &value->input, &unused);
	free(unused);
	return r;
}

int settings_source_new(struct settings_source **ret)
{
	_cleanup_(settings_source_freep) struct settings_source *source =
		calloc(1, sizeof(*source));
	const struct setting *table;
	int r;

	if (!source)
		return -ENOMEM;
	table = settings_table(&source->count);
	for (size_t origin = 0; origin < ORIGINS; origin++) {
		source->values[origin] = calloc(source->count, sizeof(struct origin_value));
		if (!source->values[origin])
			return -ENOMEM;
	}
	for (size_t i = 0; i < source->count; i++) {
		r = add_default(source, &table[i]);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(source);
	return 0;
}

void settings_source_forget(struct settings_source *source, enum origin origin)
{
	for (size_t i = 0; i < source->count; i++)
		release_value(&source->values[origin][i]);
}

int settings_source_add_text(struct settings_source *source, enum origin origin,
			     const struct setting *setting, const char *where, const char *text,
			     char **ret_error)
{
	struct origin_value *value = &source->values[origin][settings_table_index(setting)];
	_cleanup_free_ char *what = NULL;
	int r;

	if (!value->where)
		value->where = strdup(where);
	if (!value->where)
		return -ENOMEM;
	r = setting_input_add_text(setting, text, &value->input, &what);
	if (r == -EINVAL && what)
		return text_complain(ret_error, "%s: %s: %s", where, setting->name, what);
	return r;
}

int settings_source_take(struct settings_source *source, enum origin origin,
			 const struct setting *setting, const char *where,
			 struct setting_input *input)
{
	struct origin_value *value = &source->values[origin][settings_table_index(setting)];
	char *copy = strdup(where);

	if (!copy)
		return -ENOMEM;
	release_value(value);
	value->where = copy;
	value->input = *input;
	*input = (struct setting_input){ 0 };
	return 0;
}

const struct origin_value *settings_source_effective(const struct settings_source *source,
						     size_t index)
{
	size_t origin = ORIGINS - 1;

	while (origin > ORIGIN_DEFAULT && !source->values[origin][index].where)
		origin--;
	return &source->values[origin][index];
}

int settings_source_store(const struct settings_source *source, struct settings *settings,
			  char **ret_error)
{
	const struct setting *table = settings_table(&(size_t){ 0 });

	for (size_t origin = 0; origin < ORIGINS; origin++) {
		for (size_t i = 0; i < source->count; i++) {
			const struct origin_value *value = &source->values[origin][i];
			_cleanup_free_ char *what = NULL;
			int r;

			if (!value->where)
				continue;
			r = setting_store(&table[i], &value->input, settings, &what);
			if (r == -EINVAL && what)
				return text_complain(ret_error, "%s: %s: %s", value->where,
						     table[i].name, what);
			if (r < 0)
				return r;
		}
	}
	return 0;
}
