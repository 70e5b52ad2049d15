/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: which command, with which options of its own and which keys. Nothing is read
 * but the arguments; the configuration comes after, by invocation_load. Texts in an invocation are
 * argv's or live as long as it does.
 */
#ifndef RINGTAIL_CLI_OPTIONS_H
#define RINGTAIL_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/settings.h"
#include "log_line.h"

struct command;

enum tap_output { TAP_OUTPUT_TEXT, TAP_OUTPUT_JSON, TAP_OUTPUT_RAW };

struct invocation {
	const struct command *command; /* NULL: help or version was asked for at the top */
	bool help, version;	       /* print that and nothing else */
	const char *config_file;       /* NULL: the default one */
	char **arguments; /* of `run`: the command and its arguments, up to NULL; others: empty */
	struct {
		char *pod;		   /* owned; name or glob; NULL: all */
		const char *container;	   /* name or glob; NULL: all */
		const char *namespace;	   /* NULL: all */
		const char *cgroup;	   /* path; NULL: all */
		enum output_stream stream; /* 0: both */
		enum tap_output output;
		uint64_t duration_ms; /* 0: no end */
		uint64_t max_lines;   /* 0: no end */
	} tap;
	struct {
		bool defaults, check;
	} config;
	struct settings_source
		*source; /* owned; holds the flags, settings_load may be called again with it */
	struct settings *settings; /* owned; NULL until invocation_load */
};

/*
 * `arguments` is argv. -EINVAL with *ret_error (caller frees), one line with a remedy; without a
 * command and without a question for help too, -ENOENT then, with *ret_error NULL: the usage is the
 * answer.
 */
int options_parse(char **arguments, struct invocation *ret, char **ret_error);
void invocation_release(struct invocation *invocation);

/* Reads environment and file for `user` and puts all together: as settings_load. */
int invocation_load(struct invocation *invocation, enum settings_user user, char **ret_error);

#endif
