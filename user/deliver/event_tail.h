/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of a JSON record that is the same for all lines of a container: from `,"kubernetes"` to
 * the end.
 */
#ifndef RINGTAIL_DELIVER_EVENT_TAIL_H
#define RINGTAIL_DELIVER_EVENT_TAIL_H

#include "deliver/event.h"

/* What may be left out to shorten it, in this order. */
enum { EVENT_TAIL_WHOLE = 0, EVENT_TAIL_SHORTEST = 5 };

/*
 * Appends the tail without the first `omitted` of the fields that may go. -EINVAL: a JSON text is
 * no object.
 */
int event_tail_render(const struct event_names *names, unsigned int omitted, struct buffer *ret);

#endif
