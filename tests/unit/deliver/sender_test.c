/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <time.h>

#include "deliver/sender.h"
#include "http_server.h"

enum { OUTCOMES_MAX = 256, PATIENCE_MS = 4000 };

struct outcome {
	const char *owner;
	size_t events;
	struct batch_rejection rejection;
	uint64_t end_position; /* of the last delivery that the batch settles */
};

struct fixture {
	struct server *server;
	sd_event *loop;
	struct sender *sender;
	struct event_format *format;
	struct lane *lanes[SERVER_CONNECTIONS];
	size_t lane_count;
	struct outcome outcomes[OUTCOMES_MAX];
	size_t count;
	pthread_t thread; /* in which outcomes come */
	struct sender_options options;
	void (*script)(struct fixture *, const struct request *, struct reply *, int nth);
	int seen; /* requests, by the script */
};

static void keep_position(void *context, const struct delivery *delivery)
{
	struct outcome *outcome = context;

	outcome->end_position = delivery->end_position;
}

static void on_outcome(void *context, void *owner, const struct batch *batch,
		       const struct batch_rejection *rejection)
{
	struct fixture *fixture = context;
	struct outcome *outcome = &fixture->outcomes[fixture->count];

	assert_true(pthread_equal(pthread_self(), fixture->thread));
	assert_true(fixture->count++ < OUTCOMES_MAX);
	*outcome = (struct outcome){ .owner = owner,
				     .events = batch_events(batch),
				     .rejection = *rejection };
	batch_settle(batch, rejection, keep_position, outcome);
}

static void run_script(void *context, const struct request *request, struct reply *reply)
{
	struct fixture *fixture = context;

	if (fixture->script)
		fixture->script(fixture, request, reply, fixture->seen);
	fixture->seen++;
}

/* Begins with the defaults of the tests; start_sender makes the thread. */
static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const struct event_options raw = { .body = EVENT_RAW, .message_max = 1048550 };
	const struct event_names names = { 0 };

	assert_non_null(fixture);
	fixture->thread = pthread_self();
	fixture->server = server_start(run_script, fixture);
	assert_true(sd_event_new(&fixture->loop) >= 0);
	assert_int_equal(event_format_new(&raw, &names, &fixture->format), 0);
	fixture->options = (struct sender_options){
		.http = { .connect_ms = 300, .total_ms = 300 },
		.rules = { .base_ms = 10,
			   .cap_ms = 40,
			   .slow_ms = 80,
			   .drain_ms = 10,
			   .auto_create = true },
		.gzip = true,
	};
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	sender_free(fixture->sender);
	for (size_t i = 0; i < fixture->lane_count; i++)
		lane_free(fixture->lanes[i]);
	server_stop(fixture->server);
	event_format_free(fixture->format);
	sd_event_unref(fixture->loop);
	free(fixture);
	return 0;
}

static void start_sender_with(struct fixture *fixture, struct credentials_provider *provider)
{
	_cleanup_(endpoint_freep) struct endpoint *endpoint = NULL;
	char url[64], *error = NULL;

	snprintf(url, sizeof(url), "http://127.0.0.1:%d", fixture->server->port);
	assert_int_equal(
		endpoint_new(&(struct endpoint_options){ .endpoint = url }, &endpoint, &error), 0);
	fixture->options.endpoint = endpoint;
	fixture->options.provider = provider;
	assert_int_equal(
		sender_new(&fixture->options, fixture->loop, on_outcome, fixture, &fixture->sender),
		0);
}

static void start_sender(struct fixture *fixture)
{
	struct credentials_provider *provider = NULL;
	char *error = NULL;

	setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	assert_int_equal(credentials_provider_new_environment(&provider, &error), 0);
	start_sender_with(fixture, provider);
}

static struct lane *open_lane(struct fixture *fixture, const char *stream)
{
	struct lane **lane = &fixture->lanes[fixture->lane_count++];

	assert_int_equal(lane_new("group", stream, (void *)(uintptr_t)stream, lane), 0);
	return *lane;
}

static struct parcel *make_parcel(struct fixture *fixture, struct lane *lane, const char *text,
				  unsigned int events, uint64_t position, uint64_t age_ms)
{
	struct parcel *parcel = NULL;

	assert_int_equal(parcel_new(lane, &parcel), 0);
	for (unsigned int i = 0; i < events; i++) {
		uint64_t now_ms = clock_real_ns() / NS_PER_MS;
		const struct log_line line = {
			.text = text,
			.length = strlen(text),
			.time_ns = (now_ms - age_ms) * NS_PER_MS,
			.source_bytes = strlen(text) + 1,
			.stream_id = 1,
			.end_position = position + i,
		};
		size_t offset = 0;
		bool done = false;

		assert_true(batch_add(parcel_batch(parcel), fixture->format, &line, &offset, now_ms,
				      &done) >= 0);
		assert_true(done);
	}
	return parcel;
}

static void submit(struct fixture *fixture, struct lane *lane, const char *text, uint64_t position)
{
	sender_submit(fixture->sender, make_parcel(fixture, lane, text, 1, position, 0));
}

static void run_until(struct fixture *fixture, size_t count)
{
	uint64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;

	while (fixture->count < count && clock_monotonic_ms() < end_ms)
		sd_event_run(fixture->loop, 20 * 1000);
	assert_int_equal(fixture->count, count);
}

static void run_for(struct fixture *fixture, unsigned int ms)
{
	for (uint64_t end_ms = clock_monotonic_ms() + ms; clock_monotonic_ms() < end_ms;)
		sd_event_run(fixture->loop, 5 * 1000);
}

static struct sender_counters read_counters(struct fixture *fixture)
{
	struct sender_counters counters;

	sender_read_counters(fixture->sender, &counters);
	return counters;
}

static void assert_operations(struct fixture *fixture, const char *const *operations, int count)
{
	assert_int_equal(server_count(fixture->server, NULL, NULL), count);
	for (int i = 0; i < count; i++)
		assert_string_equal(fixture->server->records[i].operation, operations[i]);
}

static void assert_accepted(const struct fixture *fixture, size_t i)
{
	assert_false(fixture->outcomes[i].rejection.all);
	assert_int_equal(fixture->outcomes[i].rejection.too_old_end, 0);
	assert_int_equal(fixture->outcomes[i].rejection.expired_end, 0);
	assert_int_equal(fixture->outcomes[i].rejection.too_new_start, SIZE_MAX);
}

#define ERROR(type) "{\"__type\":\"" type "\",\"message\":\"\"}"

/* Order and concurrency ------------------------------------------------------------------------ */

static void reply_slowly(struct fixture *fixture, const struct request *request,
			 struct reply *reply, int nth)
{
	(void)fixture;
	(void)request;
	reply->delay_ms = 5 + (unsigned int)(nth * 7 % 13);
}

static void each_stream_keeps_its_order_with_one_request_at_a_time_and_eight_in_all(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
	struct fixture *fixture = *state;
	uint64_t last[128] = { 0 };

	fixture->script = reply_slowly;
	start_sender(fixture);
	for (size_t i = 0; i < 10; i++)
		open_lane(fixture, names[i]);
	for (uint64_t position = 1; position <= 10; position++)
		for (size_t i = 0; i < 10; i++)
			submit(fixture, fixture->lanes[i], "line", position);
	run_until(fixture, 100);
	for (size_t i = 0; i < 100; i++) {
		const struct outcome *outcome = &fixture->outcomes[i];

		assert_accepted(fixture, i);
		assert_int_equal(outcome->end_position, last[(int)outcome->owner[0]] + 1);
		last[(int)outcome->owner[0]]++;
	}
	assert_int_equal(fixture->server->streams_twice, 0);
	assert_int_equal(fixture->server->most_under_way, 8);
	assert_int_equal(server_count(fixture->server, NULL, NULL), 100);
	assert_int_equal(read_counters(fixture).requests, 100);
	assert_int_equal(read_counters(fixture).retries, 0);
	assert_int_equal(read_counters(fixture).memory_bytes, 0);
	assert_string_equal(read_counters(fixture).last_error, "");
}

static void hang_for_a(struct fixture *fixture, const struct request *request, struct reply *reply,
		       int nth)
{
	(void)nth;
	reply->hang = !strcmp(request->stream, "a") && fixture->seen < 15;
}

static void a_stream_that_hangs_times_out_and_holds_up_no_other(void **state)
{
	struct fixture *fixture = *state;
	struct lane *a, *b;

	fixture->script = hang_for_a;
	start_sender(fixture);
	a = open_lane(fixture, "a");
	b = open_lane(fixture, "b");
	submit(fixture, a, "line", 1);
	for (uint64_t position = 1; position <= 20; position++)
		submit(fixture, b, "line", position);
	run_until(fixture, 20);
	for (size_t i = 0; i < 20; i++)
		assert_string_equal(fixture->outcomes[i].owner, "b");
	run_until(fixture, 21);
	assert_string_equal(fixture->outcomes[20].owner, "a");
	assert_accepted(fixture, 20);
}

/* Retries -------------------------------------------------------------------------------------- */

static const struct {
	int status;
	const char *body;
} passing_failures[] = {
	{ 400, ERROR("ThrottlingException") },
	{ 503, ERROR("ServiceUnavailableException") },
	{ 500, "" },
	{ 502, "<html>" },
	{ 429, "" },
	{ 200, "" },
	{ 200, "<html>" },
	{ 0, NULL },
};

static void fail_and_fail_and_take(struct fixture *fixture, const struct request *request,
				   struct reply *reply, int nth)
{
	(void)fixture;
	(void)request;
	if (nth < (int)(sizeof(passing_failures) / sizeof(passing_failures[0]))) {
		reply->status = passing_failures[nth].status;
		reply->body = passing_failures[nth].body;
	}
}

static void what_passes_is_retried_until_it_is_taken_and_told_once(void **state)
{
	struct fixture *fixture = *state;
	int failures = sizeof(passing_failures) / sizeof(passing_failures[0]);
	struct sender_counters counters;

	fixture->script = fail_and_fail_and_take;
	start_sender(fixture);
	submit(fixture, open_lane(fixture, "a"), "line", 7);
	run_until(fixture, 1);
	run_for(fixture, 100);
	assert_int_equal(fixture->count, 1);
	assert_accepted(fixture, 0);
	assert_int_equal(fixture->outcomes[0].end_position, 7);
	counters = read_counters(fixture);
	assert_in_range(server_count(fixture->server, NULL, NULL), failures + 1,
			failures + 2); /* libcurl repeats a broken one itself */
	assert_in_range(counters.requests, failures, failures + 1);
	assert_int_equal(counters.retries, counters.requests - 1);
	assert_int_equal(counters.throttled, 2);
	assert_string_equal(counters.last_error, "");
}

static void throttle_always(struct fixture *fixture, const struct request *request,
			    struct reply *reply, int nth)
{
	(void)fixture;
	(void)request;
	(void)nth;
	*reply = (struct reply){ .status = 400,
				 .body = ERROR("ThrottlingException"),
				 .headers = "Retry-After: 1\r\n" };
}

static void the_services_wish_for_a_wait_is_heard_but_not_while_draining(void **state)
{
	struct fixture *fixture = *state;

	fixture->script = throttle_always;
	start_sender(fixture);
	submit(fixture, open_lane(fixture, "a"), "line", 1);
	run_for(fixture, 300);
	assert_int_equal(server_count(fixture->server, NULL, NULL), 1);
	assert_string_equal(read_counters(fixture).last_error, "PutLogEvents: ThrottlingException");
	sender_drain(fixture->sender);
	run_for(fixture, 300);
	assert_in_range(server_count(fixture->server, NULL, NULL), 6, 31);
	assert_int_equal(fixture->count, 0);
	assert_true(read_counters(fixture).memory_bytes > 0);
}

static void close_behind_each_answer(struct fixture *fixture, const struct request *request,
				     struct reply *reply, int nth)
{
	(void)fixture;
	(void)request;
	(void)nth;
	reply->close = true;
}

static void a_connection_that_was_cut_while_idle_costs_no_wait(void **state)
{
	struct fixture *fixture = *state;
	uint64_t begin_ms;
	struct lane *lane;

	fixture->options.rules.base_ms = fixture->options.rules.cap_ms = 100 * 1000;
	fixture->script = close_behind_each_answer;
	start_sender(fixture);
	lane = open_lane(fixture, "a");
	for (size_t i = 1; i <= 3; i++) {
		begin_ms = clock_monotonic_ms();
		submit(fixture, lane, "line", i);
		run_until(fixture, i);
		assert_in_range(clock_monotonic_ms() - begin_ms, 0, 400);
		run_for(fixture, 20);
	}
	assert_int_equal(read_counters(fixture).retries, 0);
}

static void break_the_second(struct fixture *fixture, const struct request *request,
			     struct reply *reply, int nth)
{
	(void)fixture;
	(void)request;
	if (nth == 1)
		reply->status = 0;
}

static void a_reset_on_a_reused_connection_is_retried_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct lane *lane;

	fixture->options.rules.base_ms = fixture->options.rules.cap_ms = 100 * 1000;
	fixture->script = break_the_second;
	start_sender(fixture);
	lane = open_lane(fixture, "a");
	submit(fixture, lane, "line", 1);
	run_until(fixture, 1);
	submit(fixture, lane, "line", 2);
	run_until(fixture, 2);
	assert_int_equal(server_count(fixture->server, NULL, NULL), 3);
	assert_int_equal(fixture->server->records[0].connection,
			 fixture->server->records[1].connection);
	assert_int_not_equal(fixture->server->records[1].connection,
			     fixture->server->records[2].connection);
}

/* Creating what is missing --------------------------------------------------------------------- */

static void miss_group_until_created(struct fixture *fixture, const struct request *request,
				     struct reply *reply, int nth)
{
	bool has_group = fixture->seen > 2, has_stream = fixture->seen > 4;

	(void)nth;
	if (!strcmp(request->operation, "CreateLogGroup") ||
	    !strcmp(request->operation, "PutRetentionPolicy")) {
		assert_int_equal(request->stream[0], '\0');
		reply->body = "";
		return;
	}
	if (!strcmp(request->operation, "CreateLogStream") && has_group) {
		reply->body = "";
		return;
	}
	if (!has_stream)
		*reply =
			(struct reply){ .status = 400, .body = ERROR("ResourceNotFoundException") };
}

static void a_missing_group_and_stream_are_created_on_the_way(void **state)
{
	static const char *const operations[] = {
		"PutLogEvents",	      "CreateLogStream", "CreateLogGroup",
		"PutRetentionPolicy", "CreateLogStream", "PutLogEvents",
	};
	struct fixture *fixture = *state;

	fixture->options.rules.retention = true;
	fixture->options.group.retention_days = 30;
	fixture->script = miss_group_until_created;
	start_sender(fixture);
	submit(fixture, open_lane(fixture, "a"), "line", 1);
	run_until(fixture, 1);
	assert_accepted(fixture, 0);
	assert_operations(fixture, operations, 6);
	assert_int_equal(read_counters(fixture).retries, 0);
	assert_string_equal(fixture->server->records[1].stream, "a");
	assert_string_equal(fixture->server->records[2].group, "group");
}

static void miss_a(struct fixture *fixture, const struct request *request, struct reply *reply,
		   int nth)
{
	(void)fixture;
	(void)nth;
	if (!strcmp(request->stream, "a"))
		*reply =
			(struct reply){ .status = 400, .body = ERROR("ResourceNotFoundException") };
}

static void without_auto_create_nothing_is_created_and_others_flow(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.rules.auto_create = false;
	fixture->script = miss_a;
	start_sender(fixture);
	submit(fixture, open_lane(fixture, "a"), "line", 1);
	submit(fixture, open_lane(fixture, "b"), "line", 1);
	run_until(fixture, 1);
	run_for(fixture, 300);
	assert_int_equal(fixture->count, 1);
	assert_string_equal(fixture->outcomes[0].owner, "b");
	assert_int_equal(server_count(fixture->server, "CreateLogStream", NULL), 0);
	assert_in_range(server_count(fixture->server, "PutLogEvents", "a"), 3, 9);
}

static void deny_a(struct fixture *fixture, const struct request *request, struct reply *reply,
		   int nth)
{
	(void)fixture;
	(void)nth;
	if (!strcmp(request->stream, "a"))
		*reply = (struct reply){ .status = 400, .body = ERROR("AccessDeniedException") };
}

static void denied_events_are_kept_and_asked_for_slowly(void **state)
{
	struct fixture *fixture = *state;

	fixture->script = deny_a;
	start_sender(fixture);
	submit(fixture, open_lane(fixture, "a"), "line", 1);
	submit(fixture, open_lane(fixture, "b"), "line", 1);
	run_until(fixture, 1);
	run_for(fixture, 300);
	assert_int_equal(fixture->count, 1);
	assert_in_range(server_count(fixture->server, NULL, "a"), 3, 9);
	assert_true(read_counters(fixture).memory_bytes > 0);
}

/* Refusals ------------------------------------------------------------------------------------- */

static void refuse_first(struct fixture *fixture, const struct request *request,
			 struct reply *reply, int nth)
{
	(void)fixture;
	(void)request;
	if (nth == 0)
		*reply =
			(struct reply){ .status = 400, .body = ERROR("InvalidParameterException") };
}

static void a_refused_batch_is_settled_as_rejected_and_the_next_one_goes_out(void **state)
{
	struct fixture *fixture = *state;
	struct lane *lane;

	fixture->script = refuse_first;
	start_sender(fixture);
	lane = open_lane(fixture, "a");
	submit(fixture, lane, "line", 1);
	submit(fixture, lane, "line", 2);
	run_until(fixture, 2);
	assert_true(fixture->outcomes[0].rejection.all);
	assert_int_equal(fixture->outcomes[0].end_position, 1);
	assert_accepted(fixture, 1);
	assert_int_equal(server_count(fixture->server, NULL, NULL), 2);
}

static void refuse_some(struct fixture *fixture, const struct request *request, struct reply *reply,
			int nth)
{
	(void)fixture;
	(void)request;
	(void)nth;
	reply->body = "{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":1,"
		      "\"expiredLogEventEndIndex\":999,"
		      "\"tooNewLogEventStartIndex\":4}}";
}

static void refused_events_are_told_within_the_bounds_of_the_batch(void **state)
{
	struct fixture *fixture = *state;
	const struct batch_rejection *rejection = &fixture->outcomes[0].rejection;

	fixture->script = refuse_some;
	start_sender(fixture);
	sender_submit(fixture->sender,
		      make_parcel(fixture, open_lane(fixture, "a"), "line", 5, 1, 0));
	run_until(fixture, 1);
	assert_int_equal(rejection->too_old_end, 1);
	assert_int_equal(rejection->expired_end, 5);
	assert_int_equal(rejection->too_new_start, 4);
	assert_int_equal(server_count(fixture->server, NULL, NULL), 1);
}

static void a_batch_with_nothing_to_send_is_settled_in_its_turn(void **state)
{
	const uint64_t too_old_ms = UINT64_C(15) * 24 * 3600 * 1000;
	struct fixture *fixture = *state;
	struct lane *lane;

	start_sender(fixture);
	lane = open_lane(fixture, "a");
	submit(fixture, lane, "line", 1);
	sender_submit(fixture->sender, make_parcel(fixture, lane, "line", 3, 2, too_old_ms));
	submit(fixture, lane, "line", 5);
	run_until(fixture, 3);
	assert_int_equal(server_count(fixture->server, NULL, NULL), 2);
	assert_int_equal(fixture->outcomes[0].end_position, 1);
	assert_int_equal(fixture->outcomes[1].events, 0);
	assert_int_equal(fixture->outcomes[1].end_position, 4);
	assert_int_equal(fixture->outcomes[2].end_position, 5);
}

/* Remedies ------------------------------------------------------------------------------------- */

static void refuse_gzip(struct fixture *fixture, const struct request *request, struct reply *reply,
			int nth)
{
	(void)fixture;
	(void)nth;
	if (request->gzip)
		*reply = (struct reply){ .status = 400, .body = ERROR("SerializationException") };
	else
		assert_non_null(strstr(request->body, "\"message\":\"line\""));
}

static void an_endpoint_that_refuses_gzip_is_served_plain_and_remembered(void **state)
{
	struct fixture *fixture = *state;
	struct lane *lane;

	fixture->script = refuse_gzip;
	start_sender(fixture);
	lane = open_lane(fixture, "a");
	for (uint64_t position = 1; position <= 3; position++)
		submit(fixture, lane, "line", position);
	run_until(fixture, 3);
	submit(fixture, lane, "line", 4);
	run_until(fixture, 4);
	for (size_t i = 0; i < 4; i++)
		assert_accepted(fixture, i);
	assert_int_equal(server_count(fixture->server, NULL, NULL), 5);
	assert_true(fixture->server->records[0].gzip);
	for (int i = 1; i < 5; i++)
		assert_false(fixture->server->records[i].gzip);
}

static void refuse_bad(struct fixture *fixture, const struct request *request, struct reply *reply,
		       int nth)
{
	(void)fixture;
	(void)nth;
	if (strstr(request->body, "bad"))
		*reply = (struct reply){ .status = 400, .body = ERROR("SerializationException") };
}

static void a_body_that_is_unreadable_plain_as_well_is_rejected_and_gzip_stays(void **state)
{
	struct fixture *fixture = *state;
	struct lane *lane;

	fixture->script = refuse_bad;
	start_sender(fixture);
	lane = open_lane(fixture, "a");
	submit(fixture, lane, "bad", 1);
	submit(fixture, lane, "line", 2);
	run_until(fixture, 2);
	assert_true(fixture->outcomes[0].rejection.all);
	assert_accepted(fixture, 1);
	assert_int_equal(server_count(fixture->server, NULL, NULL), 3);
	assert_false(fixture->server->records[1].gzip);
	assert_true(fixture->server->records[2].gzip);
}

/* An hour ahead of us, it takes only what is signed within five minutes of its own clock. */
static void judge_the_date(struct fixture *fixture, const struct request *request,
			   struct reply *reply, int nth)
{
	static char headers[64];
	time_t now = time(NULL) + 3600;
	struct tm utc, signed_at = { 0 };

	(void)fixture;
	(void)nth;
	strftime(headers, sizeof(headers), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n",
		 gmtime_r(&now, &utc));
	strptime(request->date, "%Y%m%dT%H%M%SZ", &signed_at);
	reply->headers = headers;
	if (llabs(timegm(&signed_at) - now) > 300) {
		reply->status = 400;
		reply->body = "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature "
			      "expired: x\"}";
	}
}

static void a_wrong_clock_is_corrected_for_signing_and_tried_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct lane *lane;

	fixture->options.rules.base_ms = fixture->options.rules.cap_ms = 100 * 1000;
	fixture->script = judge_the_date;
	start_sender(fixture);
	lane = open_lane(fixture, "a");
	submit(fixture, lane, "line", 1);
	run_until(fixture, 1);
	submit(fixture, lane, "line", 2);
	run_until(fixture, 2);
	assert_int_equal(server_count(fixture->server, NULL, NULL), 3);
	assert_in_range(read_counters(fixture).clock_offset_ms, 3590 * 1000, 3601 * 1000);
}

static void refuse_the_signature_once(struct fixture *fixture, const struct request *request,
				      struct reply *reply, int nth)
{
	(void)fixture;
	(void)request;
	if (nth == 0)
		*reply = (struct reply){
			.status = 400,
			.body = "{\"__type\":\"RequestTimeTooSkewed\",\"message\":\"\"}",
		};
}

static void without_a_date_in_the_answer_the_clock_stays(void **state)
{
	struct fixture *fixture = *state;

	fixture->script = refuse_the_signature_once;
	start_sender(fixture);
	submit(fixture, open_lane(fixture, "a"), "line", 1);
	run_until(fixture, 1);
	assert_int_equal(read_counters(fixture).clock_offset_ms, 0);
}

struct rotating {
	int given; /* which ones */
	bool none;
};

static int rotating_get(void *context, struct credentials **ret)
{
	struct rotating *rotating = context;

	if (rotating->none)
		return -ENOKEY;
	return credentials_new(rotating->given ? "NEW" : "OLD", "secret", "token", 0, ret);
}

static bool rotating_renew(void *context)
{
	struct rotating *rotating = context;

	return rotating->given++ == 0;
}

static void rotating_free(void *context)
{
	(void)context;
}

static const struct credentials_operations rotating_operations = { rotating_get, rotating_renew,
								   rotating_free };

static void refuse_the_first_as_expired(struct fixture *fixture, const struct request *request,
					struct reply *reply, int nth)
{
	(void)fixture;
	(void)request;
	if (nth == 0)
		*reply = (struct reply){ .status = 400, .body = ERROR("ExpiredTokenException") };
}

static void expired_credentials_are_renewed_and_tried_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct rotating rotating = { 0 };
	struct credentials_provider *provider = NULL;

	fixture->options.rules.base_ms = fixture->options.rules.cap_ms = 100 * 1000;
	fixture->script = refuse_the_first_as_expired;
	assert_int_equal(credentials_provider_new(&rotating_operations, &rotating, &provider), 0);
	start_sender_with(fixture, provider);
	submit(fixture, open_lane(fixture, "a"), "line", 1);
	run_until(fixture, 1);
	assert_int_equal(server_count(fixture->server, NULL, NULL), 2);
	assert_int_equal(rotating.given, 1);
	fixture->sender = sender_free(fixture->sender);
}

static void without_credentials_nothing_is_sent_and_nothing_is_lost(void **state)
{
	struct fixture *fixture = *state;
	struct rotating rotating = { .none = true };
	struct credentials_provider *provider = NULL;

	assert_int_equal(credentials_provider_new(&rotating_operations, &rotating, &provider), 0);
	start_sender_with(fixture, provider);
	submit(fixture, open_lane(fixture, "a"), "line", 1);
	run_for(fixture, 100);
	assert_int_equal(fixture->count, 0);
	assert_int_equal(server_count(fixture->server, NULL, NULL), 0);
	assert_string_equal(read_counters(fixture).last_error, "PutLogEvents: no AWS credentials");
	fixture->sender = sender_free(fixture->sender);
}

/* The end and the rest ------------------------------------------------------------------------- */

static void hang_always(struct fixture *fixture, const struct request *request, struct reply *reply,
			int nth)
{
	(void)fixture;
	(void)request;
	(void)nth;
	reply->hang = true;
}

static void freeing_does_not_wait_for_requests_that_hang(void **state)
{
	struct fixture *fixture = *state;
	uint64_t begin_ms;
	struct lane *lane;

	fixture->options.http = (struct http_options){ 0 };
	fixture->script = hang_always;
	start_sender(fixture);
	lane = open_lane(fixture, "a");
	submit(fixture, lane, "line", 1);
	submit(fixture, lane, "line", 2);
	submit(fixture, open_lane(fixture, "b"), "line", 2);
	while (server_count(fixture->server, NULL, NULL) < 2)
		run_for(fixture, 5);
	begin_ms = clock_monotonic_ms();
	fixture->sender = sender_free(fixture->sender);
	assert_in_range(clock_monotonic_ms() - begin_ms, 0, 500);
	assert_int_equal(fixture->count, 0);
}

static uint64_t process_cpu_ms(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / NS_PER_MS;
}

static void waiting_costs_no_cpu(void **state)
{
	const uint64_t too_old_ms = UINT64_C(15) * 24 * 3600 * 1000;
	struct fixture *fixture = *state;
	struct lane *lane;
	uint64_t cpu_ms;

	fixture->script = throttle_always;
	start_sender(fixture);
	lane = open_lane(fixture, "a");
	submit(fixture, lane, "line", 1);
	sender_submit(fixture->sender, make_parcel(fixture, lane, "line", 3, 2, too_old_ms));
	submit(fixture, lane, "line", 5);
	run_for(fixture, 100);
	cpu_ms = process_cpu_ms();
	usleep(300 * 1000);
	assert_in_range(process_cpu_ms() - cpu_ms, 0, 30);
	assert_int_equal(server_count(fixture->server, NULL, NULL), 1);
}

static void an_endpoint_that_is_down_is_named_in_the_last_error(void **state)
{
	struct fixture *fixture = *state;

	start_sender(fixture);
	server_stop(fixture->server);
	submit(fixture, open_lane(fixture, "a"), "line", 1);
	run_for(fixture, 50);
	assert_non_null(strstr(read_counters(fixture).last_error, "127.0.0.1"));
	assert_int_equal(fixture->count, 0);
	fixture->server = server_start(run_script, fixture);
}

static void memory_is_counted_until_the_outcome_and_shrinks_by_compression(void **state)
{
	struct fixture *fixture = *state;
	size_t before, waiting;
	char *text = malloc(100 * 1024);
	struct parcel *parcel;

	assert_non_null(text);
	memset(text, 'x', 100 * 1024 - 1);
	text[100 * 1024 - 1] = '\0';
	fixture->script = throttle_always;
	start_sender(fixture);
	parcel = make_parcel(fixture, open_lane(fixture, "a"), text, 5, 1, 0);
	before = batch_memory_bytes(parcel_batch(parcel));
	sender_submit(fixture->sender, parcel);
	assert_true(read_counters(fixture).memory_bytes > 0);
	run_for(fixture, 150);
	waiting = read_counters(fixture).memory_bytes;
	assert_true(waiting > 0 && waiting < before / 10);
	free(text);
}

#define SENDER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SENDER_TEST(
			each_stream_keeps_its_order_with_one_request_at_a_time_and_eight_in_all),
		SENDER_TEST(a_stream_that_hangs_times_out_and_holds_up_no_other),
		SENDER_TEST(what_passes_is_retried_until_it_is_taken_and_told_once),
		SENDER_TEST(the_services_wish_for_a_wait_is_heard_but_not_while_draining),
		SENDER_TEST(a_connection_that_was_cut_while_idle_costs_no_wait),
		SENDER_TEST(a_reset_on_a_reused_connection_is_retried_at_once),
		SENDER_TEST(a_missing_group_and_stream_are_created_on_the_way),
		SENDER_TEST(without_auto_create_nothing_is_created_and_others_flow),
		SENDER_TEST(denied_events_are_kept_and_asked_for_slowly),
		SENDER_TEST(a_refused_batch_is_settled_as_rejected_and_the_next_one_goes_out),
		SENDER_TEST(refused_events_are_told_within_the_bounds_of_the_batch),
		SENDER_TEST(a_batch_with_nothing_to_send_is_settled_in_its_turn),
		SENDER_TEST(an_endpoint_that_refuses_gzip_is_served_plain_and_remembered),
		SENDER_TEST(a_body_that_is_unreadable_plain_as_well_is_rejected_and_gzip_stays),
		SENDER_TEST(a_wrong_clock_is_corrected_for_signing_and_tried_at_once),
		SENDER_TEST(without_a_date_in_the_answer_the_clock_stays),
		SENDER_TEST(expired_credentials_are_renewed_and_tried_at_once),
		SENDER_TEST(without_credentials_nothing_is_sent_and_nothing_is_lost),
		SENDER_TEST(freeing_does_not_wait_for_requests_that_hang),
		SENDER_TEST(waiting_costs_no_cpu),
		SENDER_TEST(an_endpoint_that_is_down_is_named_in_the_last_error),
		SENDER_TEST(memory_is_counted_until_the_outcome_and_shrinks_by_compression),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
