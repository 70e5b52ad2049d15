/* SPDX-License-Identifier: Apache-2.0 */
/* ringtail: from the command line to one of its commands. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/help.h"

static int complain(int r, const char *error)
{
	log_complaint("%s", error ? error : strerror(-r));
	return error ? EXIT_STATUS_USAGE : EXIT_STATUS_FAILED;
}

static int answer(const struct invocation *invocation)
{
	if (invocation->version)
		help_print_version(stdout);
	else
		help_print(invocation->command, stdout);
	return fflush(stdout) == 0 ? EXIT_STATUS_OK : complain(-errno, NULL);
}

int main(int argc, char **argv)
{
	_cleanup_(invocation_release) struct invocation invocation = { 0 };
	_cleanup_free_ char *error = NULL;
	int r = options_parse(argv, &invocation, &error);

	(void)argc;
	if (r == -ENOENT && !error) {
		help_print(NULL, stderr);
		return EXIT_STATUS_USAGE;
	}
	if (r < 0)
		return complain(r, error);
	if (invocation.help || invocation.version)
		return answer(&invocation);
	if (!invocation.command->loads_settings) {
		r = invocation_load(&invocation, invocation.command->user, &error);
		if (r < 0)
			return complain(r, error);
		log_configure(invocation.settings->log_level, invocation.settings->log_format);
	}
	return invocation.command->main(&invocation);
}
