/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells of failed deliveries: the last error for `ringtail status`, and in our own log once a
 * minute for each kind of failure, however many streams share it. Names, numbers and the type of
 * the error only, never content.
 */
#ifndef RINGTAIL_DELIVER_TROUBLE_H
#define RINGTAIL_DELIVER_TROUBLE_H

#include "deliver/cloudwatch.h"

enum { TROUBLE_TEXT_SIZE = 256 };

struct trouble {
	uint64_t told_ms[CLOUDWATCH_ACTIONS]; /* monotonic; 0: never */
	bool is_on; /* something was told and nothing has succeeded since */
};

/* "" after a success, else what went wrong in the call. `reason`: there was no answer. */
void trouble_describe(enum cloudwatch_operation operation, const struct cloudwatch_answer *answer,
		      const char *reason, char ret[static TROUBLE_TEXT_SIZE]);
void trouble_tell_retry(struct trouble *trouble, const char *group, const char *stream,
			enum cloudwatch_action action, const char *text, uint64_t delay_ms);
void trouble_tell_rejected(const struct batch *batch, const char *text);
void trouble_tell_refused_events(struct trouble *trouble, const struct batch *batch,
				 const struct batch_rejection *rejection);
void trouble_tell_success(struct trouble *trouble);

#endif
