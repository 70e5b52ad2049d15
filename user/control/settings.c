/* SPDX-License-Identifier: Apache-2.0 */
#include "control/settings.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "control/settings_derive.h"
#include "control/settings_source.h"
#include "control/settings_value.h"
#include "control/settings_yaml.h"
#include "control/text.h"

#define DEFAULT_FILE "/etc/ringtail/ringtail.yaml"

enum { FILE_SIZE_MAX = 256 * 1024 };

struct settings *settings_free(struct settings *settings)
{
	size_t count;
	const struct setting *table = settings_table(&count);

	if (!settings)
		return NULL;
	for (size_t i = 0; i < count; i++)
		setting_clear(&table[i], settings);
	free(settings->sink_path);
	free(settings->node_ip);
	free(settings);
	return NULL;
}

/* Flags --------------------------------------------------------------------------------------- */

struct flag {
	const struct setting *setting;
	const char *name; /* behind the dashes */
	size_t length;
	const char *value; /* behind "="; NULL: none */
	bool negated;
};

static bool parse_flag(const char *argument, struct flag *ret)
{
	struct flag flag = { 0 };

	if (strncmp(argument, "--", 2) != 0)
		return false;
	flag.name = argument + 2;
	flag.length = strcspn(flag.name, "=");
	if (flag.name[flag.length] == '=')
		flag.value = flag.name + flag.length + 1;
	flag.setting = settings_table_find_flag(flag.name, flag.length);
	if (!flag.setting && strncmp(flag.name, "no-", 3) == 0) {
		flag.setting = settings_table_find_flag(flag.name + 3, flag.length - 3);
		flag.negated = true;
	}
	*ret = flag;
	return flag.setting != NULL;
}

int settings_flag(struct settings_source *source, const char *argument, const char *next,
		  char **ret_error)
{
	char where[sizeof("flag --no-") + SETTING_NAME_SIZE];
	const char *text, *name;
	struct flag flag;
	bool is_switch;
	int r;

	if (!parse_flag(argument, &flag))
		return SETTINGS_NOT_A_KEY;
	name = flag.setting->name;
	is_switch = setting_is_switch(flag.setting);
	snprintf(where, sizeof(where), "flag --%.*s", (int)flag.length, flag.name);
	if (flag.negated && (!is_switch || flag.value))
		return text_complain(
			ret_error, "%s: %s: %s", where, name,
			is_switch ? "takes no value; leave out what follows the ="
				  : "is not a switch; give the flag without no-, and a value");
	text = flag.value;
	if (!text && is_switch)
		text = flag.negated ? "false" : "true";
	if (!text && (!next || strncmp(next, "--", 2) == 0))
		return text_complain(ret_error, "%s: %s: has no value; give one behind it", where,
				     name);
	r = settings_source_add_text(source, ORIGIN_FLAG, flag.setting, where, text ? text : next,
				     ret_error);
	if (r < 0)
		return r;
	return text ? SETTINGS_TOOK_FLAG : SETTINGS_TOOK_FLAG_AND_VALUE;
}

char *settings_suggest_flag(const char *argument)
{
	char typed[SETTING_NAME_SIZE], flag[SETTING_NAME_SIZE], nearest[SETTING_NAME_SIZE] = "";
	size_t count, length, best = SIZE_MAX;
	const struct setting *table = settings_table(&count);
	char *suggestion;

	argument += strspn(argument, "-");
	length = strcspn(argument, "=");
	if (length >= sizeof(typed))
		return NULL;
	memcpy(typed, argument, length);
	typed[length] = '\0';
	for (size_t i = 0; i < count; i++) {
		size_t distance;

		setting_flag_name(&table[i], flag);
		distance = text_distance(typed, flag);
		if (distance < best) {
			best = distance;
			strcpy(nearest, flag);
		}
	}
	if (!text_is_near(typed, best) || asprintf(&suggestion, "--%s", nearest) < 0)
		return NULL;
	return suggestion;
}

/* Environment --------------------------------------------------------------------------------- */

static int read_variable(struct settings_source *source, const struct setting *setting,
			 char *const *environment, char **ret_error)
{
	char own[SETTING_NAME_SIZE], where[sizeof("environment ") + SETTING_NAME_SIZE];
	const char *name = own, *value;

	setting_variable_name(setting, own);
	value = environment_get(environment, own);
	for (size_t i = 0; !value && setting->variables[i]; i++) {
		name = setting->variables[i];
		value = environment_get(environment, name);
	}
	if (!value)
		return 0;
	snprintf(where, sizeof(where), "environment %s", name);
	return settings_source_add_text(source, ORIGIN_ENVIRONMENT, setting, where, value,
					ret_error);
}

static int read_environment(struct settings_source *source, char *const *environment,
			    char **ret_error)
{
	size_t count;
	const struct setting *table = settings_table(&count);
	int r = 0;

	settings_source_forget(source, ORIGIN_ENVIRONMENT);
	for (size_t i = 0; i < count && r == 0; i++)
		r = read_variable(source, &table[i], environment, ret_error);
	return r;
}

/* File ---------------------------------------------------------------------------------------- */

struct file_context {
	struct settings_source *source;
	const char *name;
};

static int take_key(void *context, const struct setting *setting, struct setting_input *input,
		    size_t line)
{
	struct file_context *file = context;
	char shown[TEXT_SHOWN_SIZE], where[TEXT_SHOWN_SIZE + 24];

	text_show(file->name, shown);
	snprintf(where, sizeof(where), "%s:%zu", shown, line);
	return settings_source_take(file->source, ORIGIN_FILE, setting, where, input);
}

static int read_file(struct settings_source *source, const char *config_file, char **ret_error)
{
	struct file_context file = { .source = source,
				     .name = config_file ? config_file : DEFAULT_FILE };
	_cleanup_buffer_ struct buffer content = { 0 };
	char shown[TEXT_SHOWN_SIZE];
	int r;

	settings_source_forget(source, ORIGIN_FILE);
	r = file_read(file.name, FILE_SIZE_MAX, &content);
	if (!config_file && (r == -ENOENT || r == -ENOTDIR))
		return 0;
	if (r < 0 && r != -ENOMEM) {
		int error = r;

		text_show(file.name, shown);
		r = text_complain(ret_error,
				  "%s: %s; give -c a readable configuration file of at most 256KiB",
				  shown, strerror(-error));
		return r == -EINVAL ? error : r;
	}
	if (r < 0)
		return r;
	return settings_yaml_read(file.name, content.data, content.size, take_key, &file,
				  ret_error);
}

/* All together -------------------------------------------------------------------------------- */

static int refuse_keys(const struct settings_source *source, const struct settings *settings,
		       char **ret_error)
{
	size_t count;
	const struct setting *table = settings_table(&count);

	for (size_t i = 0; i < count; i++)
		if ((table[i].flags & SETTING_REFUSED) && !setting_is_off(&table[i], settings))
			return text_complain(
				ret_error,
				"%s: %s: not available in this version; remove it, lines would "
				"be sent unredacted",
				settings_source_effective(source, i)->where, table[i].name);
	return 0;
}

int settings_load(struct settings_source *source, const char *config_file, char *const *environment,
		  enum settings_user user, struct settings **ret, char **ret_error)
{
	_cleanup_(settings_freep) struct settings *settings = calloc(1, sizeof(*settings));
	int r;

	if (!settings)
		return -ENOMEM;
	r = read_environment(source, environment, ret_error);
	if (r == 0)
		r = read_file(source, config_file, ret_error);
	if (r == 0)
		r = settings_source_store(source, settings, ret_error);
	if (r == 0 && user != SETTINGS_SHOW)
		r = refuse_keys(source, settings, ret_error);
	if (r == 0)
		r = settings_derive(settings, environment, config_file ? config_file : DEFAULT_FILE,
				    user, ret_error);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(settings);
	return 0;
}

void settings_each_without_effect(const struct settings_source *source,
				  void (*call)(void *context, const char *key), void *context)
{
	size_t count;
	const struct setting *table = settings_table(&count);

	for (size_t i = 0; i < count; i++) {
		const struct origin_value *value = settings_source_effective(source, i);
		struct settings *scratch = calloc(1, sizeof(*scratch));
		char *unused = NULL;

		if (scratch && (table[i].flags & SETTING_WITHOUT_EFFECT) &&
		    value != &source->values[ORIGIN_DEFAULT][i] &&
		    setting_store(&table[i], &value->input, scratch, &unused) == 0 &&
		    !setting_is_off(&table[i], scratch))
			call(context, table[i].name);
		free(unused);
		settings_free(scratch);
	}
}
