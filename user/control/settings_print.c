/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ringtail config`: the effective values as a file that gives the same values again, and the file
 * of all defaults. Each key is one line; no value spans lines, so that a trailing comment can tell
 * its origin.
 */
#include <errno.h>
#include <string.h>

#include "control/settings_source.h"
#include "control/settings_value.h"
#include "control/units.h"
#include "control/yaml_text.h"

enum { HELP_WIDTH = 94 };

static void write_list(FILE *out, const struct text_list *list)
{
	fputc('[', out);
	for (size_t i = 0; i < list->count; i++) {
		fputs(i ? ", " : "", out);
		yaml_write_text(out, YAML_FLOW, list->items[i]);
	}
	fputc(']', out);
}

static void write_map(FILE *out, const struct text_map *map)
{
	fputc('{', out);
	for (size_t i = 0; i < map->count; i++) {
		fputs(i ? ", " : "", out);
		yaml_write_text(out, YAML_FLOW, map->keys[i]);
		fputs(": ", out);
		yaml_write_text(out, YAML_FLOW, map->values[i]);
	}
	fputc('}', out);
}

static void write_number(FILE *out, const struct setting *setting, uint64_t value)
{
	char text[UNITS_TEXT_SIZE];

	if (setting->type == SETTING_SIZE)
		units_format_size(value, text);
	else if (setting->type == SETTING_DURATION)
		units_format_duration(value, text);
	else
		units_format_number(value, text);
	fputs(value == 0 && (setting->flags & SETTING_OPTIONAL) ? "null" : text, out);
}

static void write_rules(FILE *out, const char *text)
{
	json_t *rules = json_loads(text, 0, NULL);

	if (rules)
		yaml_write_json(out, rules);
	else
		fputs("[]", out);
	json_decref(rules);
}

static void write_value(FILE *out, const struct setting *setting, const struct settings *settings)
{
	switch (setting->type) {
	case SETTING_TEXT:
	case SETTING_TEMPLATE:
		if (setting_text(setting, settings))
			yaml_write_text(out, YAML_BLOCK, setting_text(setting, settings));
		else
			fputs(setting->preset ? "\"\"" : "null",
			      out); /* null would be the default again */
		break;
	case SETTING_JSON:
		write_rules(out, setting_text(setting, settings));
		break;
	case SETTING_CHOICE:
		fputs(setting_word(setting, settings), out);
		break;
	case SETTING_NUMBER:
	case SETTING_SIZE:
	case SETTING_DURATION:
		write_number(out, setting, setting_number(setting, settings));
		break;
	case SETTING_LIST:
		write_list(out, setting_list(setting, settings));
		break;
	case SETTING_MAP:
		write_map(out, setting_map(setting, settings));
		break;
	}
}

/* The part of the name behind the section's dot; prints the section's own line when it begins here.
 */
static const char *write_section(FILE *out, const char *comment, const char *name,
				 const char **section)
{
	const char *dot = strchr(name, '.');
	size_t length = dot ? (size_t)(dot - name) : 0;

	if (dot && (!*section || strncmp(*section, name, length + 1) != 0))
		fprintf(out, "%s%.*s:\n", comment, (int)length, name);
	*section = dot ? name : NULL;
	return dot ? dot + 1 : name;
}

static int finish(FILE *out)
{
	return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}

int settings_print(const struct settings_source *source, const struct settings *settings, FILE *out)
{
	const char *section = NULL;
	size_t count;
	const struct setting *table = settings_table(&count);

	for (size_t i = 0; i < count; i++) {
		const char *name = write_section(out, "", table[i].name, &section);

		fprintf(out, "%s%s: ", section ? "  " : "", name);
		write_value(out, &table[i], settings);
		fprintf(out, " # %s\n", settings_source_effective(source, i)->where);
	}
	return finish(out);
}

static void write_wrapped(FILE *out, const char *indent, const char *text)
{
	while (*text) {
		size_t length = strlen(text), end = length;

		if (length > HELP_WIDTH) {
			end = HELP_WIDTH;
			while (end > 0 && text[end] != ' ')
				end--;
		}
		if (end == 0) /* a word longer than the line */
			end = strcspn(text, " ");
		fprintf(out, "## %s%.*s\n", indent, (int)end, text);
		text += end;
		text += strspn(text, " ");
	}
}

static void write_default(FILE *out, const struct setting *setting, const struct settings *defaults,
			  const char **section)
{
	const char *before = *section;
	const char *name, *indent;

	if (!before && strchr(setting->name, '.'))
		fputc('\n', out);
	else if (before && strncmp(before, setting->name, strcspn(before, ".") + 1) != 0)
		fputc('\n', out);
	name = write_section(out, "#", setting->name, section);
	indent = *section ? "  " : "";
	write_wrapped(out, indent, setting->help);
	if (setting->flags & SETTING_WITHOUT_EFFECT)
		write_wrapped(out, indent, "Has no effect in this version.");
	if (setting->flags & SETTING_REFUSED)
		write_wrapped(out, indent, "Not available in this version.");
	fprintf(out, "#%s%s: ", indent, name);
	write_value(out, setting, defaults);
	fputc('\n', out);
}

int settings_print_defaults(FILE *out)
{
	_cleanup_(settings_source_freep) struct settings_source *source = NULL;
	_cleanup_(settings_freep) struct settings *defaults = calloc(1, sizeof(*defaults));
	_cleanup_free_ char *unused = NULL;
	const char *section = NULL;
	size_t count;
	const struct setting *table = settings_table(&count);
	int r;

	r = defaults ? settings_source_new(&source) : -ENOMEM;
	if (r == 0)
		r = settings_source_store(source, defaults, &unused);
	if (r < 0)
		return r;
	fputs("## Configuration of ringtail: every key with its default. Remove the single # of "
	      "what you change,\n"
	      "## and that of its section. Flags (--containers-group) come before variables\n"
	      "## (RINGTAIL_CONTAINERS_GROUP), and those before this file. Sizes are bytes or KiB, "
	      "MiB, GiB;\n"
	      "## durations have a unit: ms s m h d. null: not set.\n\n",
	      out);
	for (size_t i = 0; i < count; i++)
		write_default(out, &table[i], defaults, &section);
	return finish(out);
}
