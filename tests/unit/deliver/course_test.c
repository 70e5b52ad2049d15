/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deliver/course.h"

static const struct course_rules usual = {
	.base_ms = 200,
	.cap_ms = 30000,
	.slow_ms = 20000,
	.drain_ms = 200,
	.auto_create = true,
	.retention = true,
};

static void expect(struct course *course, const struct course_rules *rules,
		   enum cloudwatch_action action, enum course_next next,
		   enum cloudwatch_operation operation)
{
	assert_int_equal(course_advance(course, rules, action, false), next);
	assert_int_equal(course->operation, operation);
}

static void a_missing_group_is_created_with_its_retention_and_the_stream_after_it(void **state)
{
	struct course course = { 0 };

	(void)state;
	expect(&course, &usual, CLOUDWATCH_MISSING, COURSE_NOW, CREATE_LOG_STREAM);
	expect(&course, &usual, CLOUDWATCH_MISSING, COURSE_NOW, CREATE_LOG_GROUP);
	expect(&course, &usual, CLOUDWATCH_ACCEPTED, COURSE_NOW, PUT_RETENTION_POLICY);
	expect(&course, &usual, CLOUDWATCH_ACCEPTED, COURSE_NOW, CREATE_LOG_STREAM);
	expect(&course, &usual, CLOUDWATCH_ACCEPTED, COURSE_NOW, PUT_LOG_EVENTS);
	expect(&course, &usual, CLOUDWATCH_ACCEPTED, COURSE_ACCEPTED, PUT_LOG_EVENTS);
	assert_memory_equal(&course, &(struct course){ 0 }, sizeof(course));
}

static void a_group_that_another_node_created_keeps_its_retention(void **state)
{
	struct course course = { .operation = CREATE_LOG_GROUP };

	(void)state;
	expect(&course, &usual, CLOUDWATCH_EXISTS, COURSE_NOW, CREATE_LOG_STREAM);
	expect(&course, &usual, CLOUDWATCH_EXISTS, COURSE_NOW, PUT_LOG_EVENTS);
}

static void without_retention_the_policy_is_not_put(void **state)
{
	const struct course_rules rules = { .base_ms = 1, .cap_ms = 1, .auto_create = true };
	struct course course = { .operation = CREATE_LOG_GROUP };

	(void)state;
	expect(&course, &rules, CLOUDWATCH_ACCEPTED, COURSE_NOW, CREATE_LOG_STREAM);
}

static void a_refused_retention_does_not_stop_the_events(void **state)
{
	static const enum cloudwatch_action refusals[] = { CLOUDWATCH_REJECTED, CLOUDWATCH_DENIED,
							   CLOUDWATCH_UNKNOWN };

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct course course = { .operation = PUT_RETENTION_POLICY };

		expect(&course, &usual, refusals[i], COURSE_NOW, CREATE_LOG_STREAM);
	}
}

static void a_stream_that_stays_missing_is_not_created_at_once_again(void **state)
{
	struct course course = { 0 };

	(void)state;
	expect(&course, &usual, CLOUDWATCH_MISSING, COURSE_NOW, CREATE_LOG_STREAM);
	expect(&course, &usual, CLOUDWATCH_ACCEPTED, COURSE_NOW, PUT_LOG_EVENTS);
	expect(&course, &usual, CLOUDWATCH_MISSING, COURSE_LATER, PUT_LOG_EVENTS);
	expect(&course, &usual, CLOUDWATCH_MISSING, COURSE_NOW, CREATE_LOG_STREAM);
}

static void answers_that_contradict_each_other_do_not_make_a_busy_loop(void **state)
{
	struct course course = { 0 };
	int at_once = 0;

	(void)state;
	course_advance(&course, &usual, CLOUDWATCH_MISSING, false);
	for (int i = 0; i < 1000; i++) {
		enum cloudwatch_action action = course.operation == CREATE_LOG_GROUP
							? CLOUDWATCH_EXISTS
							: CLOUDWATCH_MISSING;

		at_once += course_advance(&course, &usual, action, false) == COURSE_NOW;
	}
	assert_in_range(at_once, 500, 900);
	for (int i = 0; i < 1000; i++)
		if (course_advance(&course, &usual, CLOUDWATCH_RENEW, true) == COURSE_LATER)
			return;
	fail_msg("remedies that do not help went on for ever");
}

static void without_auto_create_a_missing_stream_is_waited_for(void **state)
{
	const struct course_rules rules = { .base_ms = 1, .cap_ms = 1, .slow_ms = 100 };
	struct course course = { 0 };

	(void)state;
	expect(&course, &rules, CLOUDWATCH_MISSING, COURSE_LATER, PUT_LOG_EVENTS);
	assert_in_range(course_delay_ms(&course, &rules, 0, false), 50, 100);
}

static void events_are_given_up_only_where_they_are_refused(void **state)
{
	(void)state;
	for (int action = 0; action < CLOUDWATCH_ACTIONS; action++) {
		struct course course = { 0 };
		enum course_next next =
			course_advance(&course, &usual, (enum cloudwatch_action)action, false);

		assert_int_equal(next == COURSE_REJECTED,
				 action == CLOUDWATCH_REJECTED || action == CLOUDWATCH_UNREADABLE);
		assert_int_equal(next == COURSE_ACCEPTED, action == CLOUDWATCH_ACCEPTED);
	}
}

static void a_refused_creation_gives_no_events_up(void **state)
{
	(void)state;
	for (int operation = CREATE_LOG_STREAM; operation <= CREATE_LOG_GROUP; operation++) {
		struct course course = { .operation = (enum cloudwatch_operation)operation };

		expect(&course, &usual, CLOUDWATCH_REJECTED, COURSE_LATER,
		       (enum cloudwatch_operation)operation);
	}
}

static void a_remedy_is_tried_at_once(void **state)
{
	static const enum cloudwatch_action actions[] = { CLOUDWATCH_RENEW,
							  CLOUDWATCH_CORRECT_CLOCK,
							  CLOUDWATCH_UNREADABLE, CLOUDWATCH_RETRY };

	(void)state;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		struct course course = { 0 };

		assert_int_equal(course_advance(&course, &usual, actions[i], true), COURSE_NOW);
		assert_int_equal(course.operation, PUT_LOG_EVENTS);
	}
}

/* Sampled: full jitter uses the range, from next to 0 up to the bound. */
static void check_jitter(unsigned int failures, uint64_t bound)
{
	const struct course course = { .failures = failures };
	uint64_t least = UINT64_MAX, most = 0;

	for (int i = 0; i < 2000; i++) {
		uint64_t delay = course_delay_ms(&course, &usual, 0, false);

		least = delay < least ? delay : least;
		most = delay > most ? delay : most;
	}
	assert_in_range(least, 0, bound / 20);
	assert_in_range(most, bound - bound / 20, bound);
}

static void waits_double_up_to_30_s_with_full_jitter(void **state)
{
	(void)state;
	check_jitter(1, 200);
	check_jitter(2, 400);
	check_jitter(5, 3200);
	check_jitter(8, 25600);
	check_jitter(9, 30000);
	check_jitter(1000000, 30000);
}

static void what_the_service_asks_for_is_a_lower_bound_and_bounded_itself(void **state)
{
	const struct course course = { .failures = 1 };

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_in_range(course_delay_ms(&course, &usual, 7000, false), 7000, 7200);
		assert_in_range(course_delay_ms(&course, &usual, UINT64_MAX, false), 300000,
				300200);
	}
}

static void draining_waits_a_fraction_of_a_second(void **state)
{
	const struct course course = { .failures = 50, .slow = true };

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_in_range(course_delay_ms(&course, &usual, 7000, true), 200, 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_missing_group_is_created_with_its_retention_and_the_stream_after_it),
		cmocka_unit_test(a_group_that_another_node_created_keeps_its_retention),
		cmocka_unit_test(without_retention_the_policy_is_not_put),
		cmocka_unit_test(a_refused_retention_does_not_stop_the_events),
		cmocka_unit_test(a_stream_that_stays_missing_is_not_created_at_once_again),
		cmocka_unit_test(answers_that_contradict_each_other_do_not_make_a_busy_loop),
		cmocka_unit_test(without_auto_create_a_missing_stream_is_waited_for),
		cmocka_unit_test(events_are_given_up_only_where_they_are_refused),
		cmocka_unit_test(a_refused_creation_gives_no_events_up),
		cmocka_unit_test(a_remedy_is_tried_at_once),
		cmocka_unit_test(waits_double_up_to_30_s_with_full_jitter),
		cmocka_unit_test(what_the_service_asks_for_is_a_lower_bound_and_bounded_itself),
		cmocka_unit_test(draining_waits_a_fraction_of_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
