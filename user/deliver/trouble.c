/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/trouble.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum { SILENCE_MS = 60 * 1000 };

/* What the reader may do about it; the kinds that are not here pass by themselves. */
static const char *const advice[CLOUDWATCH_ACTIONS] = {
	[CLOUDWATCH_RENEW] = " (are the AWS credentials valid?)",
	[CLOUDWATCH_CORRECT_CLOCK] = " (is this machine's clock right?)",
	[CLOUDWATCH_MISSING] = " (the log group or stream does not exist: create it or set "
			       "cloudwatch.auto_create)",
	[CLOUDWATCH_DENIED] =
		" (does the IAM policy allow logs:PutLogEvents, logs:CreateLogStream and "
		"logs:CreateLogGroup?)",
};

static bool is_due(struct trouble *trouble, enum cloudwatch_action action)
{
	uint64_t now_ms = clock_monotonic_ms();

	if (trouble->told_ms[action] && now_ms - trouble->told_ms[action] < SILENCE_MS)
		return false;
	trouble->told_ms[action] = now_ms;
	return true;
}

void trouble_describe(enum cloudwatch_operation operation, const struct cloudwatch_answer *answer,
		      const char *reason, char ret[static TROUBLE_TEXT_SIZE])
{
	const char *name = strchr(cloudwatch_target(operation), '.') + 1;

	if (reason)
		snprintf(ret, TROUBLE_TEXT_SIZE, "%s: %.200s", name, reason);
	else if (answer->action == CLOUDWATCH_ACCEPTED || answer->action == CLOUDWATCH_EXISTS)
		ret[0] = '\0';
	else
		snprintf(ret, TROUBLE_TEXT_SIZE, "%s: %s", name, answer->type);
}

void trouble_tell_retry(struct trouble *trouble, const char *group, const char *stream,
			enum cloudwatch_action action, const char *text, uint64_t delay_ms)
{
	if (!is_due(trouble, action))
		return;
	trouble->is_on = true;
	log_warning("cannot deliver to %s, %s: %s%s, retrying in %.1fs", group, stream, text,
		    advice[action] ?: "", (double)delay_ms / 1000);
}

void trouble_tell_rejected(const struct batch *batch, const char *text)
{
	log_error("%zu events for %s, %s were rejected and are lost: %s", batch_events(batch),
		  batch_group(batch), batch_stream(batch), text);
}

void trouble_tell_refused_events(struct trouble *trouble, const struct batch *batch,
				 const struct batch_rejection *rejection)
{
	size_t old = rejection->too_old_end > rejection->expired_end ? rejection->too_old_end :
									rejection->expired_end;
	size_t events = batch_events(batch);
	size_t new = rejection->too_new_start < events ? events - rejection->too_new_start : 0;

	if ((old || new) && is_due(trouble, CLOUDWATCH_REJECTED))
		log_warning("%zu of %zu events for %s, %s were refused because of their age and "
			    "are lost",
			    old + new < events ? old + new : events, events, batch_group(batch),
			    batch_stream(batch));
}

void trouble_tell_success(struct trouble *trouble)
{
	if (!trouble->is_on)
		return;
	trouble->is_on = false;
	log_info("CloudWatch takes events again");
}
