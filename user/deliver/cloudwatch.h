/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What we know of CloudWatch Logs' API: its calls, their bodies, and what an answer means. Errors
 * are told by their type and not by the HTTP status, for throttling, expired credentials, a wrong
 * clock and missing streams are all a 400. One table says what each type asks of us. No state, no
 * I/O.
 */
#ifndef RINGTAIL_DELIVER_CLOUDWATCH_H
#define RINGTAIL_DELIVER_CLOUDWATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "deliver/batch.h"

enum cloudwatch_operation {
	PUT_LOG_EVENTS,
	CREATE_LOG_STREAM,
	CREATE_LOG_GROUP,
	PUT_RETENTION_POLICY,
	CLOUDWATCH_OPERATIONS, /* their number */
};

/* The value of X-Amz-Target. */
const char *cloudwatch_target(enum cloudwatch_operation operation);

/* What groups get that we create. NULL and 0: not set. */
struct cloudwatch_group_options {
	unsigned int retention_days;
	const char *kms_key_id, *log_group_class;
	const char *const *tag_keys, *const *tag_values;
	size_t tag_count;
};

/* The body of any call but PutLogEvents, whose body is a batch. -EINVAL: a name is not UTF-8. */
int cloudwatch_body(enum cloudwatch_operation operation, const char *group, const char *stream,
		    const struct cloudwatch_group_options *options, struct buffer *ret);

enum cloudwatch_action {
	CLOUDWATCH_ACCEPTED,
	CLOUDWATCH_EXISTS,        /* what we wanted to create is there: as good as accepted */
	CLOUDWATCH_RETRY,         /* it may be well the next time */
	CLOUDWATCH_RENEW,         /* the credentials: fetch others, then again */
	CLOUDWATCH_CORRECT_CLOCK, /* signed with a wrong time: take the answer's, then again */
	CLOUDWATCH_MISSING,       /* the group or the stream: create it, then again */
	CLOUDWATCH_UNREADABLE,    /* the body: if it was compressed try it plain, else rejected */
	CLOUDWATCH_REJECTED,      /* it will never be taken */
	CLOUDWATCH_DENIED,        /* until a policy changes: keep the data, ask now and then */
	CLOUDWATCH_UNKNOWN,       /* as denied, for nothing says that the data is bad */
	CLOUDWATCH_ACTIONS,       /* their number */
};

enum { CLOUDWATCH_TYPE_SIZE = 64 };

struct cloudwatch_answer {
	enum cloudwatch_action action;
	bool throttled;
	/* The error's, letters, digits, `.`, `_`, `-` only; or like `HTTP 503`; or "". */
	char type[CLOUDWATCH_TYPE_SIZE];
	struct batch_rejection rejection; /* of accepted events; its bounds are not checked */
};

void cloudwatch_read_answer(enum cloudwatch_operation operation, long status, const void *body,
			    size_t size, struct cloudwatch_answer *ret);

#endif
