/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ringtail config`: shows or checks the configuration and touches nothing else. --check asks as
 * the agent does, so that what passes here starts there.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/exit_status.h"

static int load(const struct invocation *invocation, enum settings_user user, struct settings **ret)
{
	_cleanup_free_ char *error = NULL;
	int r = settings_load(invocation->source, invocation->config_file, environ, user, ret,
			      &error);

	if (r >= 0)
		return EXIT_STATUS_OK;
	log_complaint("%s", error ? error : strerror(-r));
	return error ? EXIT_STATUS_USAGE : EXIT_STATUS_FAILED;
}

int config_main(const struct invocation *invocation)
{
	_cleanup_(settings_freep) struct settings *settings = NULL;
	int status, r;

	if (invocation->config.defaults && invocation->config.check) {
		log_complaint("--defaults and --check exclude each other; give one of them");
		return EXIT_STATUS_USAGE;
	}
	if (invocation->config.defaults) {
		r = settings_print_defaults(stdout);
	} else {
		status = load(invocation, invocation->config.check ? SETTINGS_AGENT : SETTINGS_SHOW,
			      &settings);
		if (status != EXIT_STATUS_OK || invocation->config.check)
			return status;
		r = settings_print(invocation->source, settings, stdout);
	}
	if (r < 0)
		log_complaint("cannot write to stdout: %s", strerror(-r));
	return r < 0 ? EXIT_STATUS_FAILED : EXIT_STATUS_OK;
}
