/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"

#include <string.h>

static const struct option_word stream_words[] = {
	{ "stdout", OUTPUT_STDOUT }, { "stderr", OUTPUT_STDERR }, { 0 },
};
static const struct option_word output_words[] = {
	{ "text", TAP_OUTPUT_TEXT }, { "json", TAP_OUTPUT_JSON }, { "raw", TAP_OUTPUT_RAW }, { 0 },
};

#define FIELD(member) .offset = offsetof(struct invocation, member)

static const struct command_option common_options[] = {
	{ .name = "config", .letter = 'c', .type = OPTION_TEXT, FIELD(config_file), .value = "FILE",
	  .help = "configuration file instead of /etc/ringtail/ringtail.yaml" },
	{ .name = "help", .letter = 'h', .type = OPTION_SWITCH, FIELD(help),
	  .help = "print this and exit" },
	{ .name = "version", .type = OPTION_SWITCH, FIELD(version),
	  .help = "print the version and exit" },
	{ 0 },
};

static const struct command_option no_options[] = { { 0 } };

static const struct command_option tap_options[] = {
	{ .name = "namespace", .letter = 'n', .type = OPTION_TEXT, FIELD(tap.namespace),
	  .value = "NAMESPACE",
	  .help = "only pods of this namespace" },
	{ .name = "container", .type = OPTION_TEXT, FIELD(tap.container), .value = "NAME",
	  .help = "only containers of this name" },
	{ .name = "cgroup", .type = OPTION_TEXT, FIELD(tap.cgroup), .value = "PATH",
	  .help = "only what runs in this cgroup" },
	{ .name = "stream", .type = OPTION_CHOICE, FIELD(tap.stream), .words = stream_words,
	  .value = "stdout|stderr",
	  .help = "only this stream" },
	{ .name = "output", .letter = 'o', .type = OPTION_CHOICE, FIELD(tap.output),
	  .words = output_words, .value = "text|json|raw",
	  .help = "lines with names, container events, or bytes as written" },
	{ .name = "duration", .type = OPTION_DURATION, FIELD(tap.duration_ms), .value = "TIME",
	  .help = "end after this time, such as 10s" },
	{ .name = "max-lines", .type = OPTION_COUNT, FIELD(tap.max_lines), .value = "N",
	  .help = "end after so many lines" },
	{ 0 },
};

static const struct command_option config_options[] = {
	{ .name = "defaults", .type = OPTION_SWITCH, FIELD(config.defaults),
	  .help = "print a file with every key, its default and what it means" },
	{ .name = "check", .type = OPTION_SWITCH, FIELD(config.check),
	  .help = "print nothing; exit with 2 if the agent would refuse it" },
	{ 0 },
};

static const struct command commands[] = {
	{ "agent", "[OPTION...]",
	  "collect what containers write and deliver it, until SIGTERM or SIGINT",
	  agent_main, SETTINGS_AGENT, false, ARGUMENTS_NONE, no_options },
	{ "tap", "[OPTION...] [POD[/CONTAINER]]",
	  "print what containers on this node write, live; POD is a name or a glob",
	  tap_main, SETTINGS_TAP, false, ARGUMENTS_POD, tap_options },
	{ "run", "[OPTION...] [--] COMMAND [ARG...]", "run a command and capture what it writes",
	  run_main, SETTINGS_RUN, false, ARGUMENTS_COMMAND, no_options },
	{ "config", "[OPTION...]",
	  "print the effective configuration and where each value comes from",
	  config_main, SETTINGS_SHOW, true, ARGUMENTS_NONE, config_options },
	{ 0 },
};

const struct command_option *commands_common_options(void)
{
	return common_options;
}

const struct command *commands_table(void)
{
	return commands;
}

const struct command *commands_find(const char *name)
{
	for (const struct command *command = commands; command->name; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}
