/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What settings follow from others, from the machine and from who asks: the sink's kind, the
 * cluster and node when nobody named them, the rounded ring, and the demands of the agent. Private
 * to control/.
 */
#ifndef RINGTAIL_CONTROL_SETTINGS_DERIVE_H
#define RINGTAIL_CONTROL_SETTINGS_DERIVE_H

#include "control/settings.h"

/* The variable's value; NULL when it is not set or empty. */
const char *environment_get(char *const *environment, const char *name);

/* `file` is named in remedies. -EINVAL with *ret_error (caller frees) when a demand is not met. */
int settings_derive(struct settings *settings, char *const *environment, const char *file,
		    enum settings_user user, char **ret_error);

#endif
