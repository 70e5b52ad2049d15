/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

int signals_watch(sd_event *loop, const int *signals, sd_event_signal_handler_t handler,
		  void *context)
{
	sigset_t blocked;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	for (const int *each = signals; *each; each++)
		sigaddset(&blocked, *each);
	if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0)
		return -errno;
	for (const int *each = signals; *each; each++) {
		int r = sd_event_add_signal(loop, NULL, *each, handler, context);

		if (r < 0)
			return r;
	}
	return 0;
}

int signals_block(int signal)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, signal);
	return sigprocmask(SIG_BLOCK, &blocked, NULL) < 0 ? -errno : 0;
}

void signals_restore(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
}
