/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "deliver/http.h"
#include "http_server.h"

struct outcome {
	int calls;
	int order; /* when it was called, counted over all */
	struct http_answer answer;
	char body[256];
};

static int calls;

static void keep(void *context, const struct http_answer *answer)
{
	struct outcome *outcome = context;

	outcome->calls++;
	outcome->order = ++calls;
	outcome->answer = *answer;
	snprintf(outcome->body, sizeof(outcome->body), "%.*s",
		 (int)(answer->body_size < 255 ? answer->body_size : 255), answer->body ?: "");
}

static struct http *new_http(unsigned int total_ms)
{
	struct http *http = NULL;

	assert_int_equal(
		http_new(&(struct http_options){ .total_ms = total_ms, .connect_ms = total_ms },
			 &http),
		0);
	return http;
}

static void post(struct http *http, int port, const char *const *headers, const char *body,
		 struct outcome *outcome)
{
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
	assert_int_equal(http_start_post(http,
					 &(struct http_post){ .url = url,
							      .headers = headers,
							      .body = body,
							      .body_size = strlen(body) },
					 keep, outcome),
			 0);
}

static void turn_until(struct http *http, const struct outcome *outcome)
{
	uint64_t end = clock_monotonic_ms() + 5000;

	while (!outcome->calls && clock_monotonic_ms() < end)
		assert_int_equal(http_turn(http, 100), 0);
	assert_int_equal(outcome->calls, 1);
}

static void reply_with_headers(void *context, const struct request *request, struct reply *reply)
{
	(void)context;
	assert_string_equal(request->operation, "PutLogEvents");
	assert_string_equal(request->body, "hello");
	assert_non_null(strstr(request->user_agent, "ringtail/"));
	assert_string_equal(request->expect, "");
	*reply = (struct reply){
		.status = 503,
		.body = "busy",
		.headers = "Date: Sun, 22 Nov 2026 11:03:00 GMT\r\nRetry-After: "
			   "7\r\nx-amz-retry-after: 1500\r\n",
	};
}

static void an_answer_has_status_body_date_and_the_later_wish_for_a_wait(void **state)
{
	struct server *server = server_start(reply_with_headers, NULL);
	_cleanup_(http_freep) struct http *http = new_http(2000);
	struct outcome outcome = { 0 };

	(void)state;
	post(http, server->port,
	     (const char *const[]){ "X-Amz-Target: Logs_20140328.PutLogEvents", NULL }, "hello",
	     &outcome);
	turn_until(http, &outcome);
	server_stop(server);
	assert_int_equal(outcome.answer.error, 0);
	assert_int_equal(outcome.answer.status, 503);
	assert_string_equal(outcome.body, "busy");
	assert_int_equal(outcome.answer.date_ms, INT64_C(1795345380000));
	assert_int_equal(outcome.answer.retry_after_ms, 7000);
}

static void reply_late_to_the_slow(void *context, const struct request *request,
				   struct reply *reply)
{
	(void)context;
	reply->hang = !strcmp(request->body, "slow");
}

static void a_hanging_request_times_out_and_holds_up_no_other(void **state)
{
	struct server *server = server_start(reply_late_to_the_slow, NULL);
	_cleanup_(http_freep) struct http *http = new_http(300);
	struct outcome slow = { 0 }, fast = { 0 };

	(void)state;
	post(http, server->port, NULL, "slow", &slow);
	post(http, server->port, NULL, "fast", &fast);
	turn_until(http, &fast);
	assert_int_equal(fast.answer.status, 200);
	assert_int_equal(slow.calls, 0);
	turn_until(http, &slow);
	server_stop(server);
	assert_int_equal(slow.answer.error, -ETIMEDOUT);
	assert_false(slow.answer.reused);
	assert_ptr_equal(strstr(slow.answer.reason, "127.0.0.1: "), slow.answer.reason);
}

static void reply_too_much(void *context, const struct request *request, struct reply *reply)
{
	(void)request;
	reply->body = context;
	reply->body_size = HTTP_ANSWER_MAX + 1;
}

static void an_answer_without_an_end_is_cut_off(void **state)
{
	char *text = calloc(1, HTTP_ANSWER_MAX + 1);
	struct server *server = server_start(reply_too_much, text);
	_cleanup_(http_freep) struct http *http = new_http(3000);
	struct outcome outcome = { 0 };

	(void)state;
	post(http, server->port, NULL, "x", &outcome);
	turn_until(http, &outcome);
	server_stop(server);
	free(text);
	assert_int_equal(outcome.answer.error, -EFBIG);
}

static void keep_the_wish(void *context, const struct request *request, struct reply *reply)
{
	(void)reply;
	snprintf(context, SERVER_TEXT, "%.9s|%zu", request->expect, request->body_size);
}

static void a_long_body_goes_out_without_asking_first(void **state)
{
	const size_t size = (2 << 20) - 1;
	char wish[SERVER_TEXT] = "", *body = malloc(size + 1);
	struct server *server = server_start(keep_the_wish, wish);
	_cleanup_(http_freep) struct http *http = new_http(3000);
	struct outcome outcome = { 0 };

	(void)state;
	memset(body, 'x', size);
	body[size] = '\0';
	post(http, server->port, NULL, body, &outcome);
	turn_until(http, &outcome);
	server_stop(server);
	free(body);
	assert_string_equal(wish, "|2097151");
}

static void redirect(void *context, const struct request *request, struct reply *reply)
{
	(void)request;
	*reply = (struct reply){ .status = 307, .headers = context };
}

static void a_redirect_is_not_followed(void **state)
{
	struct server *server = server_start(redirect, "Location: /elsewhere\r\n");
	_cleanup_(http_freep) struct http *http = new_http(2000);
	struct outcome outcome = { 0 };

	(void)state;
	post(http, server->port, NULL, "x", &outcome);
	turn_until(http, &outcome);
	assert_int_equal(outcome.answer.status, 307);
	assert_int_equal(server_count(server, NULL, NULL), 1);
	server_stop(server);
}

static void break_the_second(void *context, const struct request *request, struct reply *reply)
{
	(void)context;
	if (!strcmp(request->body, "second"))
		reply->status = 0;
}

/* libcurl repeats such a post itself once, on a new connection; that one breaks as well. */
static void a_connection_that_breaks_tells_whether_it_had_been_idle(void **state)
{
	struct server *server = server_start(break_the_second, NULL);
	_cleanup_(http_freep) struct http *http = new_http(2000);
	struct outcome first = { 0 }, second = { 0 };

	(void)state;
	post(http, server->port, NULL, "first", &first);
	turn_until(http, &first);
	post(http, server->port, NULL, "second", &second);
	turn_until(http, &second);
	server_stop(server);
	assert_int_equal(second.answer.error, -ECONNRESET);
	assert_false(second.answer.reused);
}

static void a_refused_connection_says_so(void **state)
{
	struct server *server = server_start(NULL, NULL);
	int port = server->port;
	_cleanup_(http_freep) struct http *http = new_http(2000);
	struct outcome outcome = { 0 };

	(void)state;
	server_stop(server);
	post(http, port, NULL, "x", &outcome);
	turn_until(http, &outcome);
	assert_int_equal(outcome.answer.error, -ECONNREFUSED);
}

static void only_http_and_https_are_spoken(void **state)
{
	_cleanup_(http_freep) struct http *http = new_http(2000);
	struct outcome outcome = { 0 };

	(void)state;
	assert_int_equal(http_start_post(http, &(struct http_post){ .url = "file:///etc/hostname" },
					 keep, &outcome),
			 0);
	turn_until(http, &outcome);
	assert_int_equal(outcome.answer.error, -EINVAL);
}

static void sockets_are_not_inherited(void **state)
{
	struct server *server = server_start(reply_late_to_the_slow, NULL);
	int probe = dup(server->fd), seen = 0;
	struct http *http = new_http(5000);
	struct outcome outcome = { 0 };

	(void)state;
	close(probe);
	post(http, server->port, NULL, "slow", &outcome);
	while (!server_count(server, NULL, NULL))
		http_turn(http, 10);
	for (int fd = 3; fd < probe + 20; fd++) {
		struct sockaddr_in peer;
		socklen_t size = sizeof(peer);

		if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && size == sizeof(peer) &&
		    ntohs(peer.sin_port) == server->port) {
			assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
			seen++;
		}
	}
	assert_int_equal(seen, 1);
	http_free(http);
	assert_int_equal(outcome.calls, 0);
	server_stop(server);
}

static void *wake_soon(void *http)
{
	usleep(50 * 1000);
	http_wake(http);
	return NULL;
}

static void a_waiting_turn_is_woken_and_idleness_costs_nothing(void **state)
{
	_cleanup_(http_freep) struct http *http = new_http(2000);
	uint64_t begin_ms = clock_monotonic_ms();
	struct timespec before, after;
	pthread_t thread;

	(void)state;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
	pthread_create(&thread, NULL, wake_soon, http);
	assert_int_equal(http_turn(http, -1), 0);
	pthread_join(thread, NULL);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
	assert_in_range(clock_monotonic_ms() - begin_ms, 40, 1000);
	assert_in_range((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec -
				before.tv_nsec,
			0, 20000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_has_status_body_date_and_the_later_wish_for_a_wait),
		cmocka_unit_test(a_hanging_request_times_out_and_holds_up_no_other),
		cmocka_unit_test(an_answer_without_an_end_is_cut_off),
		cmocka_unit_test(a_long_body_goes_out_without_asking_first),
		cmocka_unit_test(a_redirect_is_not_followed),
		cmocka_unit_test(a_connection_that_breaks_tells_whether_it_had_been_idle),
		cmocka_unit_test(a_refused_connection_says_so),
		cmocka_unit_test(only_http_and_https_are_spoken),
		cmocka_unit_test(sockets_are_not_inherited),
		cmocka_unit_test(a_waiting_turn_is_woken_and_idleness_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
