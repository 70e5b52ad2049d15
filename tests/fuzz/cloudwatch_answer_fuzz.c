/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cloudwatch_read_answer with any bytes as the answer: the action is one that is known, the error's
 * type is safe to log, events are accepted only where the service can have meant it, and what
 * follows from it ends.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/cloudwatch.h"
#include "deliver/course.h"

enum { CALLS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_type(const char *type)
{
	require(memchr(type, '\0', CLOUDWATCH_TYPE_SIZE) != NULL);
	for (; *type; type++)
		require(isalnum((unsigned char)*type) || strchr("._- ", *type));
}

/* The same answer again and again: the calls at once come to an end. */
static void check_course(const struct cloudwatch_answer *answer,
			 enum cloudwatch_operation operation)
{
	const struct course_rules rules = { .base_ms = 1,
					    .cap_ms = 1,
					    .slow_ms = 1,
					    .drain_ms = 1,
					    .auto_create = true,
					    .retention = true };
	struct course course = { .operation = operation };

	for (int i = 0; i < CALLS_MAX; i++)
		if (course_advance(&course, &rules, answer->action, false) != COURSE_NOW)
			return;
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const long statuses[] = { 200, 400, 500, 204, 301, 403, 413, 429, 0 };
	struct cloudwatch_answer answer;
	enum cloudwatch_operation operation;
	long status;

	if (size < 2)
		return 0;
	operation = (enum cloudwatch_operation)(data[0] % CLOUDWATCH_OPERATIONS);
	status = statuses[data[1] % (sizeof(statuses) / sizeof(statuses[0]))];
	memset(&answer, 0xff, sizeof(answer));
	cloudwatch_read_answer(operation, status, data + 2, size - 2, &answer);
	require(answer.action < CLOUDWATCH_ACTIONS);
	check_type(answer.type);
	require(!answer.rejection.all);
	if (answer.action == CLOUDWATCH_ACCEPTED && !answer.type[0])
		require(status == 200 && (size > 3 || operation != PUT_LOG_EVENTS));
	if (answer.action == CLOUDWATCH_REJECTED)
		require(status < 500 && answer.type[0]);
	check_course(&answer, operation);
	return 0;
}
