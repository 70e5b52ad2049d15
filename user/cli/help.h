/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What --help and --version print. Each fits a screen: the keys are left to `ringtail config
 * --defaults`.
 */
#ifndef RINGTAIL_CLI_HELP_H
#define RINGTAIL_CLI_HELP_H

#include <stdio.h>

struct command;

/* Of ringtail as a whole with command NULL. */
void help_print(const struct command *command, FILE *out);
void help_print_version(FILE *out);

#endif
