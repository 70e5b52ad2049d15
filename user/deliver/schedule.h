/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which lane has its turn: those that are ready, first come first served; those that wait, by the
 * end of their wait; and those that are busy with a request. A lane is in one of the three exactly
 * while it has parcels. One thread.
 */
#ifndef RINGTAIL_DELIVER_SCHEDULE_H
#define RINGTAIL_DELIVER_SCHEDULE_H

#include <stdint.h>

#include "deliver/lane.h"

struct schedule {
	struct lane_list ready, waiting, busy;
	unsigned int busy_count;
};

void schedule_init(struct schedule *schedule);
void schedule_add_ready(struct schedule *schedule, struct lane *lane);
void schedule_add_waiting(struct schedule *schedule, struct lane *lane, uint64_t delay_ms);
void schedule_add_busy(struct schedule *schedule, struct lane *lane);

/* Takes the lane whose turn it is out of the schedule; NULL: none, or busy_max lanes are busy. */
struct lane *schedule_take_next(struct schedule *schedule, unsigned int busy_max);
void schedule_take_busy(struct schedule *schedule, struct lane *lane);

/* Until the next wait ends; negative: nothing waits. */
int schedule_wait_ms(const struct schedule *schedule);
/* At the end: no wait is longer than the rules' for draining. */
void schedule_shorten_waits(struct schedule *schedule, const struct course_rules *rules);
/* Takes any lane out, for freeing; NULL: it is empty. */
struct lane *schedule_take_any(struct schedule *schedule);

#endif
