/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "deliver/cloudwatch.h"

static struct cloudwatch_answer read_put(long status, const char *body)
{
	struct cloudwatch_answer answer;

	cloudwatch_read_answer(PUT_LOG_EVENTS, status, body, strlen(body), &answer);
	return answer;
}

/* What the service, its front ends and those who stand in for it were seen to say. */
static const struct row {
	long status;
	const char *type, *message;
	enum cloudwatch_action action;
	bool throttled;
} rows[] = {
	{ 400, "ThrottlingException", "Rate exceeded", CLOUDWATCH_RETRY, true },
	{ 400, "Throttling", "", CLOUDWATCH_RETRY, true },
	{ 400, "ThrottledException", "", CLOUDWATCH_RETRY, true },
	{ 400, "RequestThrottled", "", CLOUDWATCH_RETRY, true },
	{ 400, "RequestThrottledException", "", CLOUDWATCH_RETRY, true },
	{ 400, "TooManyRequests", "", CLOUDWATCH_RETRY, true },
	{ 400, "TooManyRequestsException", "", CLOUDWATCH_RETRY, true },
	{ 400, "RequestLimitExceeded", "", CLOUDWATCH_RETRY, true },
	{ 400, "LimitExceededException", "", CLOUDWATCH_RETRY, true },
	{ 400, "LimitExceeded", "", CLOUDWATCH_RETRY, true },
	{ 400, "BandwidthLimitExceeded", "", CLOUDWATCH_RETRY, true },
	{ 503, "SlowDown", "", CLOUDWATCH_RETRY, true },
	{ 500, "ServiceUnavailableException", "", CLOUDWATCH_RETRY, false },
	{ 503, "ServiceUnavailable", "", CLOUDWATCH_RETRY, false },
	{ 500, "InternalFailure", "", CLOUDWATCH_RETRY, false },
	{ 500, "InternalServerError", "", CLOUDWATCH_RETRY, false },
	{ 500, "InternalServerException", "", CLOUDWATCH_RETRY, false },
	{ 500, "InternalError", "", CLOUDWATCH_RETRY, false },
	{ 400, "RequestTimeout", "", CLOUDWATCH_RETRY, false },
	{ 400, "RequestTimeoutException", "", CLOUDWATCH_RETRY, false },
	{ 400, "OperationAbortedException", "", CLOUDWATCH_RETRY, false },
	{ 400, "InvalidSequenceTokenException", "", CLOUDWATCH_RETRY, false },
	{ 400, "ExpiredToken", "", CLOUDWATCH_RENEW, false },
	{ 400, "ExpiredTokenException", "The security token included in the request is expired",
	  CLOUDWATCH_RENEW, false },
	{ 400, "RequestExpired", "", CLOUDWATCH_RENEW, false },
	{ 400, "UnrecognizedClientException", "", CLOUDWATCH_RENEW, false },
	{ 403, "InvalidClientTokenId", "", CLOUDWATCH_RENEW, false },
	{ 403, "MissingAuthenticationToken", "", CLOUDWATCH_RENEW, false },
	{ 400, "MissingAuthenticationTokenException", "", CLOUDWATCH_RENEW, false },
	{ 400, "RequestTimeTooSkewed", "", CLOUDWATCH_CORRECT_CLOCK, false },
	{ 400, "InvalidSignatureException",
	  "Signature expired: A is now earlier than B (C - 5 min.)", CLOUDWATCH_CORRECT_CLOCK,
	  false },
	{ 400, "InvalidSignatureException", "Signature not yet current: A is still later than B",
	  CLOUDWATCH_CORRECT_CLOCK, false },
	{ 400, "InvalidSignatureException", "The request signature we calculated does not match",
	  CLOUDWATCH_RENEW, false },
	{ 403, "SignatureDoesNotMatch", "Signature expired: A", CLOUDWATCH_CORRECT_CLOCK, false },
	{ 403, "SignatureDoesNotMatch", "Signature not yet current: A", CLOUDWATCH_CORRECT_CLOCK,
	  false },
	{ 403, "SignatureDoesNotMatch", "", CLOUDWATCH_RENEW, false },
	{ 400, "ResourceNotFoundException", "The specified log stream does not exist.",
	  CLOUDWATCH_MISSING, false },
	{ 400, "ResourceAlreadyExistsException", "", CLOUDWATCH_EXISTS, false },
	{ 400, "DataAlreadyAcceptedException", "", CLOUDWATCH_ACCEPTED, false },
	{ 400, "SerializationException", "", CLOUDWATCH_UNREADABLE, false },
	{ 400, "UnsupportedMediaTypeException", "", CLOUDWATCH_UNREADABLE, false },
	{ 400, "InvalidParameterException",
	  "Log events in a single PutLogEvents request must be in chronological order.",
	  CLOUDWATCH_REJECTED, false },
	{ 400, "ValidationException", "", CLOUDWATCH_REJECTED, false },
	{ 400, "AccessDeniedException", "", CLOUDWATCH_DENIED, false },
	{ 403, "AccessDenied", "", CLOUDWATCH_DENIED, false },
	{ 400, "NotAuthorized", "", CLOUDWATCH_DENIED, false },
	{ 400, "OptInRequired", "", CLOUDWATCH_DENIED, false },
	/* What a server error says of the data is not believed. */
	{ 500, "InvalidParameterException", "", CLOUDWATCH_RETRY, false },
	{ 503, "SerializationException", "", CLOUDWATCH_RETRY, false },
	/* Types that nobody knows: by status. */
	{ 400, "SomethingNewException", "", CLOUDWATCH_UNKNOWN, false },
	{ 500, "SomethingNewException", "", CLOUDWATCH_RETRY, false },
	{ 429, "SomethingNewException", "", CLOUDWATCH_RETRY, true },
	{ 200, "SomethingNewException", "", CLOUDWATCH_RETRY, false },
};

static void every_error_type_asks_for_its_action(void **state)
{
	static const char *const forms[] = {
		"{\"__type\":\"%s\",\"message\":\"%s\"}",
		"{\"__type\":\"com.amazonaws.logs#%s\",\"Message\":\"%s\"}",
		"{\"__type\":\"%s:http://internal.amazon.com/\",\"message\":\"%s\"}",
		"{\"code\":\"%s\",\"message\":\"%s\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t form = 0; form < sizeof(forms) / sizeof(forms[0]); form++) {
			struct cloudwatch_answer answer;
			char body[512];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(body, sizeof(body), forms[form], rows[i].type, rows[i].message);
#pragma GCC diagnostic pop
			answer = read_put(rows[i].status, body);
			if (answer.action != rows[i].action ||
			    answer.throttled != rows[i].throttled)
				fail_msg("%ld %s gave %d", rows[i].status, body, answer.action);
			assert_string_equal(answer.type, rows[i].type);
		}
}

static void an_answer_without_a_type_is_judged_by_its_status(void **state)
{
	static const struct {
		long status;
		enum cloudwatch_action action;
		const char *type;
	} cases[] = {
		{ 301, CLOUDWATCH_RETRY, "HTTP 301" },
		{ 400, CLOUDWATCH_UNKNOWN, "HTTP 400" },
		{ 401, CLOUDWATCH_DENIED, "HTTP 401" },
		{ 403, CLOUDWATCH_DENIED, "HTTP 403" },
		{ 404, CLOUDWATCH_UNKNOWN, "HTTP 404" },
		{ 407, CLOUDWATCH_UNKNOWN, "HTTP 407" },
		{ 408, CLOUDWATCH_RETRY, "HTTP 408" },
		{ 413, CLOUDWATCH_REJECTED, "HTTP 413" },
		{ 415, CLOUDWATCH_UNREADABLE, "HTTP 415" },
		{ 429, CLOUDWATCH_RETRY, "HTTP 429" },
		{ 500, CLOUDWATCH_RETRY, "HTTP 500" },
		{ 502, CLOUDWATCH_RETRY, "HTTP 502" },
		{ 504, CLOUDWATCH_RETRY, "HTTP 504" },
		{ 0, CLOUDWATCH_UNKNOWN, "HTTP 0" },
		{ 999, CLOUDWATCH_UNKNOWN, "HTTP 999" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cloudwatch_answer answer = read_put(cases[i].status, "<html>502</html>");

		assert_int_equal(answer.action, cases[i].action);
		assert_string_equal(answer.type, cases[i].type);
	}
}

static void only_a_200_with_an_object_accepts_events(void **state)
{
	(void)state;
	assert_int_equal(read_put(200, "{}").action, CLOUDWATCH_ACCEPTED);
	assert_int_equal(read_put(200, "{\"nextSequenceToken\":\"1\"}").action,
			 CLOUDWATCH_ACCEPTED);
	assert_int_equal(read_put(200, "").action, CLOUDWATCH_RETRY);
	assert_int_equal(read_put(200, "[]").action, CLOUDWATCH_RETRY);
	assert_int_equal(read_put(200, "<html>Sign in</html>").action, CLOUDWATCH_RETRY);
	assert_int_equal(read_put(204, "{}").action, CLOUDWATCH_RETRY);
}

static void creating_something_is_accepted_without_a_body(void **state)
{
	static const enum cloudwatch_operation operations[] = { CREATE_LOG_STREAM, CREATE_LOG_GROUP,
								PUT_RETENTION_POLICY };
	struct cloudwatch_answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		cloudwatch_read_answer(operations[i], 200, NULL, 0, &answer);
		assert_int_equal(answer.action, CLOUDWATCH_ACCEPTED);
		cloudwatch_read_answer(operations[i], 200, "<html>", 6, &answer);
		assert_int_equal(answer.action, CLOUDWATCH_RETRY);
	}
}

static void refused_events_are_read(void **state)
{
	struct cloudwatch_answer answer;

	(void)state;
	answer = read_put(200, "{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":2,"
			       "\"expiredLogEventEndIndex\":3,"
			       "\"tooNewLogEventStartIndex\":0}}");
	assert_int_equal(answer.action, CLOUDWATCH_ACCEPTED);
	assert_int_equal(answer.rejection.too_old_end, 2);
	assert_int_equal(answer.rejection.expired_end, 3);
	assert_int_equal(answer.rejection.too_new_start, 0);
	assert_false(answer.rejection.all);
}

static void nothing_is_refused_where_nothing_sensible_is_said(void **state)
{
	static const char *const infos[] = {
		"null",
		"[1]",
		"{\"tooOldLogEventEndIndex\":-1,\"tooNewLogEventStartIndex\":-7}",
		"{\"expiredLogEventEndIndex\":\"3\",\"tooNewLogEventStartIndex\":1.5}",
		"{\"tooOldLogEventEndIndex\":null,\"tooNewLogEventStartIndex\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++) {
		struct cloudwatch_answer answer;
		char body[256];

		snprintf(body, sizeof(body), "{\"rejectedLogEventsInfo\":%s}", infos[i]);
		answer = read_put(200, body);
		assert_int_equal(answer.action, CLOUDWATCH_ACCEPTED);
		assert_int_equal(answer.rejection.too_old_end, 0);
		assert_int_equal(answer.rejection.expired_end, 0);
		assert_int_equal(answer.rejection.too_new_start, SIZE_MAX);
	}
}

static void a_type_brings_nothing_odd_into_our_log(void **state)
{
	struct cloudwatch_answer answer =
		read_put(400, "{\"__type\":\"a b\\n\\u001b[31m%s<\\u00e4>\"}");
	char long_type[200] = "{\"__type\":\"";

	(void)state;
	assert_string_equal(answer.type, "a_b___31m_s____");
	memset(long_type + strlen(long_type), 'x', 150);
	strcpy(long_type + 161, "\"}");
	answer = read_put(400, long_type);
	assert_int_equal(strlen(answer.type), CLOUDWATCH_TYPE_SIZE - 1);
}

static void check_body(enum cloudwatch_operation operation,
		       const struct cloudwatch_group_options *options, const char *expected)
{
	_cleanup_buffer_ struct buffer body = { 0 };

	assert_int_equal(cloudwatch_body(operation, "/eks/c", "pod\"1", options, &body), 0);
	assert_int_equal(buffer_append(&body, "", 1), 0);
	assert_string_equal(body.data, expected);
}

static void bodies_have_what_was_asked_for_and_no_more(void **state)
{
	static const char *const keys[] = { "team", "stage" }, *const values[] = { "shop", "" };
	const struct cloudwatch_group_options none = { 0 };
	const struct cloudwatch_group_options all = {
		.retention_days = 30,
		.kms_key_id = "arn:k",
		.log_group_class = "INFREQUENT_ACCESS",
		.tag_keys = keys,
		.tag_values = values,
		.tag_count = 2,
	};

	(void)state;
	check_body(CREATE_LOG_STREAM, &all,
		   "{\"logGroupName\":\"/eks/c\",\"logStreamName\":\"pod\\\"1\"}");
	check_body(CREATE_LOG_GROUP, &none, "{\"logGroupName\":\"/eks/c\"}");
	check_body(CREATE_LOG_GROUP, &all,
		   "{\"logGroupName\":\"/eks/c\",\"kmsKeyId\":\"arn:k\","
		   "\"logGroupClass\":\"INFREQUENT_ACCESS\","
		   "\"tags\":{\"team\":\"shop\",\"stage\":\"\"}}");
	check_body(PUT_RETENTION_POLICY, &all,
		   "{\"logGroupName\":\"/eks/c\",\"retentionInDays\":30}");
}

static void a_name_that_is_not_utf8_has_no_body(void **state)
{
	_cleanup_buffer_ struct buffer body = { 0 };

	(void)state;
	assert_int_equal(cloudwatch_body(CREATE_LOG_STREAM, "g", "\xff",
					 &(struct cloudwatch_group_options){ 0 }, &body),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_type_asks_for_its_action),
		cmocka_unit_test(an_answer_without_a_type_is_judged_by_its_status),
		cmocka_unit_test(only_a_200_with_an_object_accepts_events),
		cmocka_unit_test(creating_something_is_accepted_without_a_body),
		cmocka_unit_test(refused_events_are_read),
		cmocka_unit_test(nothing_is_refused_where_nothing_sensible_is_said),
		cmocka_unit_test(a_type_brings_nothing_odd_into_our_log),
		cmocka_unit_test(bodies_have_what_was_asked_for_and_no_more),
		cmocka_unit_test(a_name_that_is_not_utf8_has_no_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
