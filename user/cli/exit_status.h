/* SPDX-License-Identifier: Apache-2.0 */
/* What the process's exit status says, the same for every command. `run` also exits with its
 * command's status. */
#ifndef RINGTAIL_CLI_EXIT_STATUS_H
#define RINGTAIL_CLI_EXIT_STATUS_H

enum exit_status {
	EXIT_STATUS_OK = 0,
	EXIT_STATUS_FAILED = 1,	 /* the work failed */
	EXIT_STATUS_USAGE = 2,	 /* wrong usage or configuration */
	EXIT_STATUS_MACHINE = 3, /* this machine lacks something that is needed */
};

#endif
