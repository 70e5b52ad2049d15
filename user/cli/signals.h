/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals as events of the loop: they are blocked in every thread that is started later, and
 * SIGPIPE is ignored.
 */
#ifndef RINGTAIL_CLI_SIGNALS_H
#define RINGTAIL_CLI_SIGNALS_H

#include <systemd/sd-event.h>

/*
 * `signals` ends with 0. To be called before any thread is started; the sources live as long as the
 * loop.
 */
int signals_watch(sd_event *loop, const int *signals, sd_event_signal_handler_t handler,
		  void *context);

/* Only blocks it: what sd_event_add_child asks of SIGCHLD. */
int signals_block(int signal);

/* What a child must have before exec: none blocked, SIGPIPE as it was. */
void signals_restore(void);

#endif
