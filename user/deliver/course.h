/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The course of a batch to its log stream: which call is the next one, and when. PutLogEvents comes
 * first; a missing stream or group is created on the way and PutLogEvents repeated. It never gives
 * up but where CloudWatch refuses the events themselves. What can be made good at once is tried
 * again at once, a few times in a row; all else waits with full jitter: rand(0, min(cap, base *
 * 2^failures)). No I/O and no clock.
 */
#ifndef RINGTAIL_DELIVER_COURSE_H
#define RINGTAIL_DELIVER_COURSE_H

#include <stdbool.h>
#include <stdint.h>

#include "deliver/cloudwatch.h"

struct course_rules {
	unsigned int base_ms, cap_ms; /* of the jitter */
	unsigned int slow_ms;  /* where someone has to act first: rand(half of it, all of it) */
	unsigned int drain_ms; /* at the end: rand(this, twice this), whatever the service asks */
	bool auto_create;
	bool retention; /* set it on groups that we created */
};

struct course {
	enum cloudwatch_operation operation; /* the next call */
	unsigned int failures;               /* waits in a row */
	unsigned int steps;                  /* calls at once in a row */
	bool created;                        /* the stream, a moment ago */
	bool slow;                           /* the wait is for someone who has to act */
};

enum course_next { COURSE_ACCEPTED, COURSE_REJECTED, COURSE_NOW, COURSE_LATER };

/*
 * Zeroed is the begin of a course, and so is what COURSE_ACCEPTED and COURSE_REJECTED leave.
 * `remedied`: the caller has done something about what the answer says (other credentials, a
 * corrected clock, a plain body).
 */
enum course_next course_advance(struct course *course, const struct course_rules *rules,
				enum cloudwatch_action action, bool remedied);

/* How long COURSE_LATER waits; the service may have asked for more. */
uint64_t course_delay_ms(const struct course *course, const struct course_rules *rules,
			 uint64_t asked_ms, bool draining);

#endif
