/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <errno.h>
#include <string.h>

#include "cli/commands.h"
#include "control/text.h"
#include "control/units.h"

struct parser {
	char **at; /* the next argument */
	struct invocation *invocation;
	char **ret_error;
};

/* Options ------------------------------------------------------------------------------------- */

/* "--name", "--name=value", "-x", "-xvalue"; *ret_value is NULL where no value is attached. */
static const struct command_option *match_option(const struct command_option *options,
						 const char *argument, const char **ret_value)
{
	for (const struct command_option *option = options; option->name; option++) {
		size_t length = strlen(option->name);

		*ret_value = NULL;
		if (argument[0] == '-' && option->letter && argument[1] == option->letter) {
			if (argument[2])
				*ret_value = argument + 2 + (argument[2] == '=');
			return option;
		}
		if (strncmp(argument, "--", 2) != 0 ||
		    strncmp(argument + 2, option->name, length) != 0)
			continue;
		if (argument[2 + length] == '=')
			*ret_value = argument + 2 + length + 1;
		if (argument[2 + length] == '=' || !argument[2 + length])
			return option;
	}
	return NULL;
}

static int complain_about_value(struct parser *parser, const struct command_option *option,
				const char *value)
{
	char shown[TEXT_SHOWN_SIZE];

	text_show(value, shown);
	switch (option->type) {
	case OPTION_CHOICE:
		return text_complain(parser->ret_error, "--%s: \"%s\" is not known here; give %s",
				     option->name, shown, option->value);
	case OPTION_DURATION:
		return text_complain(
			parser->ret_error,
			"--%s: \"%s\" is not a duration; give a whole number above 0 with "
			"its unit, one of ms s m h d",
			option->name, shown);
	case OPTION_COUNT:
		return text_complain(parser->ret_error,
				     "--%s: \"%s\" is not a number; give a whole number above 0",
				     option->name, shown);
	default:
		return text_complain(parser->ret_error, "--%s: is empty; give %s", option->name,
				     option->value);
	}
}

static int store_option(struct parser *parser, const struct command_option *option,
			const char *value)
{
	void *field = (char *)parser->invocation + option->offset;
	const struct option_word *word = option->words;
	uint64_t number = 0;

	switch (option->type) {
	case OPTION_SWITCH:
		*(bool *)field = true;
		return 0;
	case OPTION_TEXT:
		if (!*value)
			return complain_about_value(parser, option, value);
		*(const char **)field = value;
		return 0;
	case OPTION_CHOICE:
		while (word->word && strcmp(word->word, value) != 0)
			word++;
		if (!word->word)
			return complain_about_value(parser, option, value);
		*(int *)field = word->value;
		return 0;
	case OPTION_DURATION:
	case OPTION_COUNT:
		if ((option->type == OPTION_COUNT ? units_parse_number
						  : units_parse_duration_ms)(value, &number) < 0 ||
		    number == 0)
			return complain_about_value(parser, option, value);
		*(uint64_t *)field = number;
		return 0;
	}
	return -EINVAL;
}

static int complain_about_option(struct parser *parser, const char *argument)
{
	_cleanup_free_ char *suggestion = settings_suggest_flag(argument);
	const struct command *command = parser->invocation->command;
	char shown[TEXT_SHOWN_SIZE], name[TEXT_SHOWN_SIZE];
	size_t length;

	text_show(argument, shown);
	length = strcspn(shown, "=");
	snprintf(name, sizeof(name), "%.*s", (int)length, shown);
	return text_complain(parser->ret_error, "unknown option %s; %s%s%ssee ringtail%s%s --help",
			     name, suggestion ? "did you mean " : "", suggestion ? suggestion : "",
			     suggestion ? "? Or " : "", command ? " " : "",
			     command ? command->name : "");
}

/* One option with its value, if it has one. */
static int take_option(struct parser *parser)
{
	const struct command *command = parser->invocation->command;
	const char *argument = *parser->at++, *next = *parser->at, *value;
	const struct command_option *option =
		match_option(commands_common_options(), argument, &value);
	int r;

	if (!option && command)
		option = match_option(command->options, argument, &value);
	if (!option) {
		r = settings_flag(parser->invocation->source, argument, next, parser->ret_error);
		if (r == SETTINGS_NOT_A_KEY)
			return complain_about_option(parser, argument);
		parser->at += r == SETTINGS_TOOK_FLAG_AND_VALUE;
		return r < 0 ? r : 0;
	}
	if (option->type == OPTION_SWITCH && value)
		return text_complain(parser->ret_error, "--%s takes no value; leave it out",
				     option->name);
	if (option->type != OPTION_SWITCH && !value) {
		if (!next)
			return text_complain(parser->ret_error, "--%s has no value; give %s",
					     option->name, option->value);
		value = next;
		parser->at++;
	}
	return store_option(parser, option, value);
}

/* Arguments ----------------------------------------------------------------------------------- */

static int take_command(struct parser *parser)
{
	const char *name = *parser->at++;
	_cleanup_free_ char *names = NULL;
	char shown[TEXT_SHOWN_SIZE];
	size_t size;
	FILE *list;

	parser->invocation->command = commands_find(name);
	if (parser->invocation->command)
		return 0;
	list = open_memstream(&names, &size);
	if (!list)
		return -ENOMEM;
	for (const struct command *command = commands_table(); command->name; command++)
		fprintf(list, "%s%s",
			command == commands_table() ? ""
			: command[1].name	    ? ", "
						    : " or ",
			command->name);
	if (fclose(list) != 0)
		return -ENOMEM;
	text_show(name, shown);
	return text_complain(parser->ret_error, "unknown command %s; give %s", shown, names);
}

static int take_pod(struct parser *parser)
{
	char **pod = &parser->invocation->tap.pod;
	char shown[TEXT_SHOWN_SIZE];

	text_show(*parser->at, shown);
	if (*pod)
		return text_complain(
			parser->ret_error,
			"unexpected argument %s; tap takes one POD[/CONTAINER], a glob for "
			"several",
			shown);
	*pod = strdup(*parser->at++);
	return *pod ? 0 : -ENOMEM;
}

/* POD/CONTAINER, once all options are known. */
static int split_pod(struct parser *parser)
{
	struct invocation *invocation = parser->invocation;
	char *pod = invocation->tap.pod, *slash = pod ? strchr(pod, '/') : NULL;
	char shown[TEXT_SHOWN_SIZE];

	if (!pod)
		return 0;
	text_show(pod, shown);
	if (slash == pod || !*pod || (slash && (!slash[1] || strchr(slash + 1, '/'))))
		return text_complain(parser->ret_error,
				     "\"%s\" is not POD[/CONTAINER]; give names or globs, such as "
				     "'web-*/app'",
				     shown);
	if (slash && invocation->tap.container)
		return text_complain(parser->ret_error,
				     "--container: %s names the container too; leave one out",
				     shown);
	if (slash) {
		*slash = '\0';
		invocation->tap.container = slash + 1;
	}
	return 0;
}

static int take_argument(struct parser *parser)
{
	const struct command *command = parser->invocation->command;
	char shown[TEXT_SHOWN_SIZE];

	if (!command)
		return take_command(parser);
	switch (command->arguments) {
	case ARGUMENTS_POD:
		return take_pod(parser);
	case ARGUMENTS_COMMAND:
		parser->invocation->arguments = parser->at;
		while (*parser->at)
			parser->at++;
		return 0;
	case ARGUMENTS_NONE:
		break;
	}
	text_show(*parser->at, shown);
	return text_complain(parser->ret_error, "unexpected argument %s; see ringtail %s --help",
			     shown, command->name);
}

static int parse_all(struct parser *parser)
{
	const struct invocation *invocation = parser->invocation;
	bool options_end = false;
	int r = 0;

	while (r == 0 && *parser->at && !invocation->help && !invocation->version) {
		bool is_option = !options_end && (*parser->at)[0] == '-' && (*parser->at)[1];

		if (is_option && strcmp(*parser->at, "--") == 0) {
			options_end = true;
			parser->at++;
		} else if (is_option) {
			r = take_option(parser);
		} else {
			r = take_argument(parser);
		}
	}
	if (r < 0 || invocation->help || invocation->version)
		return r;
	if (!invocation->command)
		return -ENOENT;
	if (invocation->command->arguments == ARGUMENTS_POD)
		return split_pod(parser);
	if (invocation->command->arguments == ARGUMENTS_COMMAND && !*invocation->arguments)
		return text_complain(parser->ret_error,
				     "no command to run; give ringtail run -- COMMAND [ARG...]");
	return 0;
}

int options_parse(char **arguments, struct invocation *ret, char **ret_error)
{
	struct invocation invocation = { 0 };
	struct parser parser = { .at = arguments,
				 .invocation = &invocation,
				 .ret_error = ret_error };
	int r;

	if (*parser.at)
		parser.at++;
	invocation.arguments = parser.at;
	while (*invocation.arguments)
		invocation.arguments++;
	r = settings_source_new(&invocation.source);
	if (r == 0)
		r = parse_all(&parser);
	if (r < 0) {
		invocation_release(&invocation);
		return r;
	}
	*ret = invocation;
	return 0;
}

void invocation_release(struct invocation *invocation)
{
	free(invocation->tap.pod);
	settings_source_free(invocation->source);
	settings_free(invocation->settings);
	*invocation = (struct invocation){ 0 };
}

int invocation_load(struct invocation *invocation, enum settings_user user, char **ret_error)
{
	return settings_load(invocation->source, invocation->config_file, environ, user,
			     &invocation->settings, ret_error);
}
