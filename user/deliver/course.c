/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/course.h"

#include <stdlib.h>
#include <sys/random.h>

enum {
	STEPS_MAX = 8,             /* put, stream, group, retention, stream, put, two remedies */
	DOUBLINGS_MAX = 16,
	ASKED_MAX_MS = 300 * 1000, /* a header that says more than 5 min is not believed */
};

static enum course_next pause_course(struct course *course, bool slow)
{
	course->failures++;
	course->steps = 0;
	course->slow = slow;
	return COURSE_LATER;
}

/* The bound keeps contradicting answers (missing, exists, missing, …) from becoming a busy loop. */
static enum course_next go_on(struct course *course, enum cloudwatch_operation operation)
{
	course->operation = operation;
	if (++course->steps > STEPS_MAX)
		return pause_course(course, false);
	return COURSE_NOW;
}

static enum course_next settle(struct course *course, enum course_next result)
{
	*course = (struct course){ 0 };
	return result;
}

/* `existed`: the call found what it was to create. */
static enum course_next after_success(struct course *course, const struct course_rules *rules,
				      bool existed)
{
	switch (course->operation) {
	case CREATE_LOG_STREAM:
		course->created = true;
		return go_on(course, PUT_LOG_EVENTS);
	case CREATE_LOG_GROUP:
		return go_on(course, rules->retention && !existed ? PUT_RETENTION_POLICY
								  : CREATE_LOG_STREAM);
	case PUT_RETENTION_POLICY:
		return go_on(course, CREATE_LOG_STREAM);
	default:
		return existed ? pause_course(course, true) : settle(course, COURSE_ACCEPTED);
	}
}

static enum course_next after_missing(struct course *course, const struct course_rules *rules)
{
	if (!rules->auto_create)
		return pause_course(course, true);
	switch (course->operation) {
	case PUT_LOG_EVENTS:
		if (!course->created)
			return go_on(course, CREATE_LOG_STREAM);
		course->created = false; /* not seen everywhere yet, or deleted again */
		return pause_course(course, false);
	case CREATE_LOG_STREAM:
		return go_on(course, CREATE_LOG_GROUP);
	default:
		course->operation = CREATE_LOG_STREAM;
		return pause_course(course, false);
	}
}

/* A group without its retention is a smaller harm than events that wait for it. */
static enum course_next after_refusal(struct course *course, bool is_final)
{
	if (course->operation == PUT_RETENTION_POLICY)
		return go_on(course, CREATE_LOG_STREAM);
	if (is_final && course->operation == PUT_LOG_EVENTS)
		return settle(course, COURSE_REJECTED);
	return pause_course(course, true);
}

enum course_next course_advance(struct course *course, const struct course_rules *rules,
				enum cloudwatch_action action, bool remedied)
{
	if (remedied)
		return go_on(course, course->operation);
	switch (action) {
	case CLOUDWATCH_ACCEPTED:
		return after_success(course, rules, false);
	case CLOUDWATCH_EXISTS:
		return after_success(course, rules, true);
	case CLOUDWATCH_MISSING:
		return after_missing(course, rules);
	case CLOUDWATCH_UNREADABLE:
	case CLOUDWATCH_REJECTED:
		return after_refusal(course, true);
	case CLOUDWATCH_DENIED:
	case CLOUDWATCH_UNKNOWN:
		return after_refusal(course, false);
	default:
		return pause_course(course, false);
	}
}

/*
 * rand(from, to), both included. Jitter needs no better numbers than this, but different ones on
 * every node.
 */
static uint64_t pick(uint64_t from, uint64_t to)
{
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint64_t)rand();
	return from + random % (to - from + 1);
}

uint64_t course_delay_ms(const struct course *course, const struct course_rules *rules,
			 uint64_t asked_ms, bool draining)
{
	unsigned int doublings = course->failures > 0 ? course->failures - 1 : 0;
	uint64_t bound, delay;

	if (draining)
		return pick(rules->drain_ms, 2 * (uint64_t)rules->drain_ms);
	if (doublings > DOUBLINGS_MAX)
		doublings = DOUBLINGS_MAX;
	bound = (uint64_t)rules->base_ms << doublings;
	if (bound > rules->cap_ms)
		bound = rules->cap_ms;
	delay = course->slow ? pick(rules->slow_ms / 2, rules->slow_ms) : pick(0, bound);
	if (asked_ms > ASKED_MAX_MS)
		asked_ms = ASKED_MAX_MS;
	return delay > asked_ms ? delay : asked_ms + pick(0, rules->base_ms);
}
