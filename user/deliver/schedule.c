/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/schedule.h"

#include <limits.h>

#include "base/clock.h"

void schedule_init(struct schedule *schedule)
{
	TAILQ_INIT(&schedule->ready);
	TAILQ_INIT(&schedule->waiting);
	TAILQ_INIT(&schedule->busy);
	schedule->busy_count = 0;
}

void schedule_add_ready(struct schedule *schedule, struct lane *lane)
{
	TAILQ_INSERT_TAIL(&schedule->ready, lane, link);
}

void schedule_add_waiting(struct schedule *schedule, struct lane *lane, uint64_t delay_ms)
{
	struct lane *before = TAILQ_LAST(&schedule->waiting, lane_list);

	lane->until_ms = clock_monotonic_ms() + delay_ms;
	while (before && before->until_ms > lane->until_ms)
		before = TAILQ_PREV(before, lane_list, link);
	if (before)
		TAILQ_INSERT_AFTER(&schedule->waiting, before, lane, link);
	else
		TAILQ_INSERT_HEAD(&schedule->waiting, lane, link);
}

void schedule_add_busy(struct schedule *schedule, struct lane *lane)
{
	TAILQ_INSERT_TAIL(&schedule->busy, lane, link);
	schedule->busy_count++;
}

static void end_waits(struct schedule *schedule)
{
	uint64_t now_ms = clock_monotonic_ms();
	struct lane *lane;

	while ((lane = TAILQ_FIRST(&schedule->waiting)) && lane->until_ms <= now_ms) {
		TAILQ_REMOVE(&schedule->waiting, lane, link);
		schedule_add_ready(schedule, lane);
	}
}

struct lane *schedule_take_next(struct schedule *schedule, unsigned int busy_max)
{
	struct lane *lane;

	end_waits(schedule);
	lane = TAILQ_FIRST(&schedule->ready);
	if (!lane || schedule->busy_count >= busy_max)
		return NULL;
	TAILQ_REMOVE(&schedule->ready, lane, link);
	return lane;
}

void schedule_take_busy(struct schedule *schedule, struct lane *lane)
{
	TAILQ_REMOVE(&schedule->busy, lane, link);
	schedule->busy_count--;
}

int schedule_wait_ms(const struct schedule *schedule)
{
	const struct lane *lane = TAILQ_FIRST(&schedule->waiting);
	uint64_t now_ms = clock_monotonic_ms();

	if (!lane)
		return -1;
	if (lane->until_ms <= now_ms)
		return 0;
	return lane->until_ms - now_ms < INT_MAX ? (int)(lane->until_ms - now_ms) : INT_MAX;
}

void schedule_shorten_waits(struct schedule *schedule, const struct course_rules *rules)
{
	struct lane_list all = TAILQ_HEAD_INITIALIZER(all);
	uint64_t now_ms = clock_monotonic_ms();
	struct lane *lane;

	TAILQ_CONCAT(&all, &schedule->waiting, link);
	while ((lane = TAILQ_FIRST(&all))) {
		uint64_t left_ms = lane->until_ms > now_ms ? lane->until_ms - now_ms : 0;
		uint64_t delay_ms = course_delay_ms(&lane->course, rules, 0, true);

		TAILQ_REMOVE(&all, lane, link);
		schedule_add_waiting(schedule, lane, left_ms < delay_ms ? left_ms : delay_ms);
	}
}

struct lane *schedule_take_any(struct schedule *schedule)
{
	struct lane_list *const lists[] = { &schedule->ready, &schedule->waiting, &schedule->busy };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct lane *lane = TAILQ_FIRST(lists[i]);

		if (lane) {
			TAILQ_REMOVE(lists[i], lane, link);
			return lane;
		}
	}
	return NULL;
}
