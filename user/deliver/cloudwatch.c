/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/cloudwatch.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <jansson.h>

const char *cloudwatch_target(enum cloudwatch_operation operation)
{
	static const char *const targets[CLOUDWATCH_OPERATIONS] = {
		[PUT_LOG_EVENTS] = "Logs_20140328.PutLogEvents",
		[CREATE_LOG_STREAM] = "Logs_20140328.CreateLogStream",
		[CREATE_LOG_GROUP] = "Logs_20140328.CreateLogGroup",
		[PUT_RETENTION_POLICY] = "Logs_20140328.PutRetentionPolicy",
	};

	return targets[operation];
}

/* Bodies --------------------------------------------------------------------------------------- */

static json_t *describe_tags(const struct cloudwatch_group_options *options)
{
	json_t *tags = json_object();

	for (size_t i = 0; i < options->tag_count; i++)
		if (json_object_set_new(tags, options->tag_keys[i],
					json_string(options->tag_values[i])) < 0) {
			json_decref(tags);
			return NULL;
		}
	return tags;
}

static json_t *describe_group(const char *group, const struct cloudwatch_group_options *options)
{
	json_t *body = json_pack("{s:s, s:s*, s:s*}", "logGroupName", group, "kmsKeyId",
				 options->kms_key_id, "logGroupClass", options->log_group_class);

	if (body && options->tag_count &&
	    json_object_set_new(body, "tags", describe_tags(options)) < 0) {
		json_decref(body);
		return NULL;
	}
	return body;
}

static json_t *describe(enum cloudwatch_operation operation, const char *group, const char *stream,
			const struct cloudwatch_group_options *options)
{
	switch (operation) {
	case CREATE_LOG_STREAM:
		return json_pack("{s:s, s:s}", "logGroupName", group, "logStreamName", stream);
	case CREATE_LOG_GROUP:
		return describe_group(group, options);
	case PUT_RETENTION_POLICY:
		return json_pack("{s:s, s:i}", "logGroupName", group, "retentionInDays",
				 (int)options->retention_days);
	default:
		return NULL;
	}
}

int cloudwatch_body(enum cloudwatch_operation operation, const char *group, const char *stream,
		    const struct cloudwatch_group_options *options, struct buffer *ret)
{
	json_t *body = describe(operation, group, stream, options);
	_cleanup_free_ char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	return text ? buffer_append_text(ret, text) : -EINVAL;
}

/* Answers -------------------------------------------------------------------------------------- */

/*
 * What an error's type asks for; `words` must stand in its message. The first row that fits. Types
 * are the service model's and those that the SDKs know of all services (botocore's retry and clock
 * tables); a type that is not here is judged by its HTTP status.
 */
static const struct error_row {
	const char *type;
	const char *words; /* NULL: any message */
	enum cloudwatch_action action;
	bool throttled;
} error_rows[] = {
	{ "ThrottlingException", NULL, CLOUDWATCH_RETRY, true },
	{ "Throttling", NULL, CLOUDWATCH_RETRY, true },
	{ "ThrottledException", NULL, CLOUDWATCH_RETRY, true },
	{ "RequestThrottled", NULL, CLOUDWATCH_RETRY, true },
	{ "RequestThrottledException", NULL, CLOUDWATCH_RETRY, true },
	{ "TooManyRequests", NULL, CLOUDWATCH_RETRY, true },
	{ "TooManyRequestsException", NULL, CLOUDWATCH_RETRY, true },
	{ "RequestLimitExceeded", NULL, CLOUDWATCH_RETRY, true },
	{ "LimitExceededException", NULL, CLOUDWATCH_RETRY, true },
	{ "LimitExceeded", NULL, CLOUDWATCH_RETRY, true },
	{ "BandwidthLimitExceeded", NULL, CLOUDWATCH_RETRY, true },
	{ "SlowDown", NULL, CLOUDWATCH_RETRY, true },
	{ "ServiceUnavailableException", NULL, CLOUDWATCH_RETRY, false },
	{ "ServiceUnavailable", NULL, CLOUDWATCH_RETRY, false },
	{ "InternalFailure", NULL, CLOUDWATCH_RETRY, false },
	{ "InternalServerError", NULL, CLOUDWATCH_RETRY, false },
	{ "InternalServerException", NULL, CLOUDWATCH_RETRY, false },
	{ "InternalError", NULL, CLOUDWATCH_RETRY, false },
	{ "RequestTimeout", NULL, CLOUDWATCH_RETRY, false },
	{ "RequestTimeoutException", NULL, CLOUDWATCH_RETRY, false },
	{ "OperationAbortedException", NULL, CLOUDWATCH_RETRY, false },
	{ "InvalidSequenceTokenException", NULL, CLOUDWATCH_RETRY, false },

	{ "ExpiredToken", NULL, CLOUDWATCH_RENEW, false },
	{ "ExpiredTokenException", NULL, CLOUDWATCH_RENEW, false },
	{ "RequestExpired", NULL, CLOUDWATCH_RENEW, false },
	{ "UnrecognizedClientException", NULL, CLOUDWATCH_RENEW, false },
	{ "InvalidClientTokenId", NULL, CLOUDWATCH_RENEW, false },
	{ "MissingAuthenticationToken", NULL, CLOUDWATCH_RENEW, false },
	{ "MissingAuthenticationTokenException", NULL, CLOUDWATCH_RENEW, false },

	{ "RequestTimeTooSkewed", NULL, CLOUDWATCH_CORRECT_CLOCK, false },
	{ "InvalidSignatureException", "Signature expired", CLOUDWATCH_CORRECT_CLOCK, false },
	{ "InvalidSignatureException", "not yet current", CLOUDWATCH_CORRECT_CLOCK, false },
	{ "InvalidSignatureException", NULL, CLOUDWATCH_RENEW, false },
	{ "SignatureDoesNotMatch", "Signature expired", CLOUDWATCH_CORRECT_CLOCK, false },
	{ "SignatureDoesNotMatch", "not yet current", CLOUDWATCH_CORRECT_CLOCK, false },
	{ "SignatureDoesNotMatch", NULL, CLOUDWATCH_RENEW, false },

	{ "ResourceNotFoundException", NULL, CLOUDWATCH_MISSING, false },
	{ "ResourceAlreadyExistsException", NULL, CLOUDWATCH_EXISTS, false },
	{ "DataAlreadyAcceptedException", NULL, CLOUDWATCH_ACCEPTED, false },

	{ "SerializationException", NULL, CLOUDWATCH_UNREADABLE, false },
	{ "UnsupportedMediaTypeException", NULL, CLOUDWATCH_UNREADABLE, false },
	{ "InvalidParameterException", NULL, CLOUDWATCH_REJECTED, false },
	{ "ValidationException", NULL, CLOUDWATCH_REJECTED, false },

	{ "AccessDeniedException", NULL, CLOUDWATCH_DENIED, false },
	{ "AccessDenied", NULL, CLOUDWATCH_DENIED, false },
	{ "NotAuthorized", NULL, CLOUDWATCH_DENIED, false },
	{ "OptInRequired", NULL, CLOUDWATCH_DENIED, false },
};

/* For an answer without a type that we know. The first row whose range holds the status. */
static const struct status_row {
	long from, to;
	enum cloudwatch_action action;
	bool throttled;
} status_rows[] = {
	{ 100, 399, CLOUDWATCH_RETRY, false }, /* redirects, pages of a proxy: not this API's */
	{ 401, 401, CLOUDWATCH_DENIED, false },
	{ 403, 403, CLOUDWATCH_DENIED, false },
	{ 408, 408, CLOUDWATCH_RETRY, false },
	{ 413, 413, CLOUDWATCH_REJECTED, false },
	{ 415, 415, CLOUDWATCH_UNREADABLE, false },
	{ 429, 429, CLOUDWATCH_RETRY, true },
	{ 400, 499, CLOUDWATCH_UNKNOWN, false },
	{ 500, 599, CLOUDWATCH_RETRY, false },
};

static const struct error_row *find_error(const char *type, const char *message)
{
	for (size_t i = 0; i < sizeof(error_rows) / sizeof(error_rows[0]); i++) {
		const struct error_row *row = &error_rows[i];

		if (!strcmp(row->type, type) && (!row->words || strstr(message, row->words)))
			return row;
	}
	return NULL;
}

static void judge_status(long status, struct cloudwatch_answer *ret)
{
	ret->action = CLOUDWATCH_UNKNOWN;
	for (size_t i = 0; i < sizeof(status_rows) / sizeof(status_rows[0]); i++) {
		const struct status_row *row = &status_rows[i];

		if (status >= row->from && status <= row->to) {
			ret->action = row->action;
			ret->throttled = row->throttled;
			break;
		}
	}
	if (!ret->type[0])
		snprintf(ret->type, sizeof(ret->type), "HTTP %ld", status);
}

/*
 * `com.amazonaws.logs#Code`, `Code:http://…` and plain `Code` are all seen. It goes into our log:
 * nothing odd.
 */
static void read_type(const json_t *answer, char ret[static CLOUDWATCH_TYPE_SIZE])
{
	const char *text = json_string_value(json_object_get(answer, "__type")) ?:
			   json_string_value(json_object_get(answer, "code")) ?: "";
	const char *hash = strrchr(text, '#');
	size_t length = 0;

	for (text = hash ? hash + 1 : text; *text && *text != ':'; text++) {
		bool plain = isascii(*text) && (isalnum(*text) || strchr("._-", *text));

		if (length == CLOUDWATCH_TYPE_SIZE - 1)
			break;
		ret[length++] = plain ? *text : '_';
	}
	ret[length] = '\0';
}

static size_t read_index(const json_t *info, const char *key, size_t otherwise)
{
	const json_t *index = json_object_get(info, key);

	if (!json_is_integer(index) || json_integer_value(index) < 0)
		return otherwise;
	return (size_t)json_integer_value(index);
}

static void read_rejection(const json_t *answer, struct batch_rejection *ret)
{
	const json_t *info = json_object_get(answer, "rejectedLogEventsInfo");

	*ret = (struct batch_rejection){
		.too_old_end = read_index(info, "tooOldLogEventEndIndex", 0),
		.expired_end = read_index(info, "expiredLogEventEndIndex", 0),
		.too_new_start = read_index(info, "tooNewLogEventStartIndex", SIZE_MAX),
	};
}

/*
 * PutLogEvents says what it refused, so that an answer without an object is none; the others may
 * say nothing.
 */
static bool is_success(enum cloudwatch_operation operation, long status, size_t size,
		       const json_t *answer)
{
	return status == 200 && (json_is_object(answer) || (operation != PUT_LOG_EVENTS && !size));
}

/* What a server error says of the data is not believed. */
static bool is_believed(const struct error_row *row, long status)
{
	return row && (status < 500 || row->action == CLOUDWATCH_RETRY);
}

void cloudwatch_read_answer(enum cloudwatch_operation operation, long status, const void *body,
			    size_t size, struct cloudwatch_answer *ret)
{
	json_t *answer = size ? json_loadb(body, size, 0, NULL) : NULL;
	const char *message = json_string_value(json_object_get(answer, "message")) ?:
			      json_string_value(json_object_get(answer, "Message")) ?: "";
	const struct error_row *row;

	*ret = (struct cloudwatch_answer){ .rejection.too_new_start = SIZE_MAX };
	read_type(answer, ret->type);
	row = find_error(ret->type, message);
	if (is_believed(row, status)) {
		ret->action = row->action;
		ret->throttled = row->throttled;
	} else if (!ret->type[0] && is_success(operation, status, size, answer)) {
		ret->action = CLOUDWATCH_ACCEPTED;
		read_rejection(answer, &ret->rejection);
	} else {
		judge_status(status, ret);
	}
	json_decref(answer);
}
