/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deliver/schedule.h"

static void those_that_are_ready_come_in_turn_while_there_is_room(void **state)
{
	struct lane lanes[3] = { 0 };
	struct schedule schedule;

	(void)state;
	schedule_init(&schedule);
	assert_null(schedule_take_next(&schedule, 2));
	for (int i = 0; i < 3; i++)
		schedule_add_ready(&schedule, &lanes[i]);
	for (int i = 0; i < 2; i++) {
		assert_ptr_equal(schedule_take_next(&schedule, 2), &lanes[i]);
		schedule_add_busy(&schedule, &lanes[i]);
	}
	assert_null(schedule_take_next(&schedule, 2));
	schedule_take_busy(&schedule, &lanes[0]);
	assert_ptr_equal(schedule_take_next(&schedule, 2), &lanes[2]);
}

static void waits_end_in_the_order_of_their_time(void **state)
{
	struct lane late = { 0 }, soon = { 0 }, past = { 0 };
	struct schedule schedule;

	(void)state;
	schedule_init(&schedule);
	assert_int_equal(schedule_wait_ms(&schedule), -1);
	schedule_add_waiting(&schedule, &late, 50000);
	assert_in_range(schedule_wait_ms(&schedule), 49000, 50000);
	schedule_add_waiting(&schedule, &soon, 5000);
	assert_in_range(schedule_wait_ms(&schedule), 4000, 5000);
	assert_null(schedule_take_next(&schedule, 1));
	schedule_add_waiting(&schedule, &past, 0);
	assert_int_equal(schedule_wait_ms(&schedule), 0);
	assert_ptr_equal(schedule_take_next(&schedule, 1), &past);
	assert_in_range(schedule_wait_ms(&schedule), 4000, 5000);
}

static void at_the_end_no_wait_is_long(void **state)
{
	const struct course_rules rules = { .drain_ms = 200 };
	struct lane lanes[2] = { 0 };
	struct schedule schedule;

	(void)state;
	schedule_init(&schedule);
	schedule_add_waiting(&schedule, &lanes[0], 30000);
	schedule_add_waiting(&schedule, &lanes[1], 50);
	schedule_shorten_waits(&schedule, &rules);
	assert_in_range(schedule_wait_ms(&schedule), 0, 50);
	assert_ptr_equal(TAILQ_FIRST(&schedule.waiting), &lanes[1]);
	TAILQ_REMOVE(&schedule.waiting, &lanes[1], link);
	assert_in_range(schedule_wait_ms(&schedule), 100, 400);
}

static void all_can_be_taken_whatever_they_do(void **state)
{
	struct lane lanes[3] = { 0 };
	struct schedule schedule;
	int taken = 0;

	(void)state;
	schedule_init(&schedule);
	schedule_add_ready(&schedule, &lanes[0]);
	schedule_add_waiting(&schedule, &lanes[1], 1000);
	schedule_add_busy(&schedule, &lanes[2]);
	while (schedule_take_any(&schedule))
		taken++;
	assert_int_equal(taken, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_are_ready_come_in_turn_while_there_is_room),
		cmocka_unit_test(waits_end_in_the_order_of_their_time),
		cmocka_unit_test(at_the_end_no_wait_is_long),
		cmocka_unit_test(all_can_be_taken_whatever_they_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
