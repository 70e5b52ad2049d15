/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of ringtail. A row says how a command is used and which options are its own; every
 * configuration key is an option of all of them. The mains print their own complaints and return an
 * exit status.
 */
#ifndef RINGTAIL_CLI_COMMANDS_H
#define RINGTAIL_CLI_COMMANDS_H

#include <stddef.h>

#include "cli/options.h"

int agent_main(const struct invocation *invocation);
int tap_main(const struct invocation *invocation);
int run_main(const struct invocation *invocation);
int config_main(const struct invocation *invocation);

enum option_type {
	OPTION_SWITCH,	 /* bool; takes no value */
	OPTION_TEXT,	 /* const char *, not empty */
	OPTION_CHOICE,	 /* an enum, one of `words` */
	OPTION_DURATION, /* uint64_t ms, above 0 */
	OPTION_COUNT,	 /* uint64_t, above 0 */
};

struct option_word {
	const char *word;
	int value;
};

struct command_option {
	const char *name; /* without its dashes */
	char letter;	  /* 0: none */
	enum option_type type;
	size_t offset; /* in struct invocation */
	const struct option_word *words;
	const char *value; /* what the help calls it; NULL for a switch */
	const char *help;
};

/* What arguments that are no options are to a command. */
enum argument_kind { ARGUMENTS_NONE, ARGUMENTS_POD, ARGUMENTS_COMMAND };

struct command {
	const char *name;
	const char *usage; /* behind "ringtail NAME" */
	const char *help;  /* one line */
	int (*main)(const struct invocation *invocation);
	enum settings_user user;
	bool loads_settings; /* itself; else they are there when its main begins */
	enum argument_kind arguments;
	const struct command_option *options; /* ends with a NULL name */
};

/* Ends with a NULL name. */
const struct command *commands_table(void);
/* Options that stand at the top and with every command. Ends with a NULL name. */
const struct command_option *commands_common_options(void);
/* NULL: no such command. */
const struct command *commands_find(const char *name);

#endif
