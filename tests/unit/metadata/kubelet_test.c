/* SPDX-License-Identifier: Apache-2.0 */
/* Against tests/fake/kubelet.py: runs once, steered by the files in its directory. */
#include "metadata/kubelet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#define APP                                                                                        \
	"d2eb8e508185f86fdf6c8f9e336b9d337ef5d26d48082342e5c44a75ebd7f4a2" /* in kubelet_pods.json \
									    */
#define TOKEN "first-token"

enum { PATIENCE_MS = 15000, MINUTE_MS = 60000, REQUESTS_MAX = 32 };

struct fixture {
	char dir[64], url[64], token_file[96], ca_file[96], other_ca_file[96];
	pid_t fake;
	sd_event *loop;
	struct pod_table *pods; /* the last that came */
	int answers;
	int stderr_fd, log_fd; /* while stderr goes to a file */
};

struct request {
	double time;
	int status;
	char connection[64];
};

/* The fake's files ----------------------------------------------------------------------------- */

static void path_of(const struct fixture *fixture, const char *name, char ret[static 96])
{
	assert_true(snprintf(ret, 96, "%s/%s", fixture->dir, name) < 96);
}

static void write_bytes(const struct fixture *fixture, const char *name, const char *bytes,
			size_t size)
{
	char path[96], temporary[96];
	int fd;

	path_of(fixture, name, path);
	path_of(fixture, "new", temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, bytes, size), 0);
	close(fd);
	assert_int_equal(rename(temporary, path), 0);
}

static void write_text(const struct fixture *fixture, const char *name, const char *text)
{
	write_bytes(fixture, name, text, strlen(text));
}

static void remove_file(const struct fixture *fixture, const char *name)
{
	char path[96];

	path_of(fixture, name, path);
	unlink(path);
}

static size_t read_requests(const struct fixture *fixture, struct request ret[static REQUESTS_MAX])
{
	size_t count = 0;
	char path[96], line[512];
	FILE *file;

	path_of(fixture, "requests.jsonl", path);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		json_t *request = json_loads(line, 0, NULL);

		assert_non_null(request);
		assert_true(count < REQUESTS_MAX);
		ret[count].time = json_number_value(json_object_get(request, "time"));
		ret[count].status = (int)json_integer_value(json_object_get(request, "status"));
		snprintf(ret[count].connection, sizeof(ret[count].connection), "%s",
			 json_string_value(json_object_get(request, "connection")));
		count++;
		json_decref(request);
	}
	if (file)
		fclose(file);
	return count;
}

static size_t count_requests(const struct fixture *fixture)
{
	struct request requests[REQUESTS_MAX];

	return read_requests(fixture, requests);
}

/* Stage ---------------------------------------------------------------------------------------- */

static void start_fake(struct fixture *fixture)
{
	char ready[96];

	fixture->fake = fork();
	assert_true(fixture->fake >= 0);
	if (fixture->fake == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		execl("/usr/bin/python3", "/usr/bin/python3", TEST_DATA "/../fake/kubelet.py",
		      "--dir", fixture->dir, NULL);
		_exit(127);
	}
	path_of(fixture, "ready", ready);
	for (int i = 0; i < PATIENCE_MS / 10 && access(ready, F_OK) < 0; i++) {
		usleep(10000);
		assert_int_equal(waitpid(fixture->fake, NULL, WNOHANG), 0);
	}
	assert_int_equal(access(ready, F_OK), 0);
}

static void read_ready(struct fixture *fixture)
{
	char path[96];
	json_t *ready;

	path_of(fixture, "ready", path);
	ready = json_load_file(path, 0, NULL);
	assert_non_null(ready);
	strcpy(fixture->url, json_string_value(json_object_get(ready, "url")));
	strcpy(fixture->token_file, json_string_value(json_object_get(ready, "token_file")));
	strcpy(fixture->ca_file, json_string_value(json_object_get(ready, "ca_file")));
	strcpy(fixture->other_ca_file, json_string_value(json_object_get(ready, "other_ca_file")));
	json_decref(ready);
}

static int set_up_group(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	*state = fixture; /* for the end, also when what follows fails */
	log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT); /* the warnings that most tests provoke */
	strcpy(fixture->dir, "/tmp/kubelet_test.XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	start_fake(fixture);
	read_ready(fixture);
	return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static int tear_down_group(void **state)
{
	struct fixture *fixture = *state;

	if (fixture->fake > 0) {
		kill(fixture->fake, SIGTERM);
		waitpid(fixture->fake, NULL, 0);
	}
	nftw(fixture->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(fixture);
	return 0;
}

static void capture_log(struct fixture *fixture)
{
	char path[96];

	log_configure(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	path_of(fixture, "log", path);
	fixture->stderr_fd = dup(STDERR_FILENO);
	fixture->log_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	dup2(fixture->log_fd, STDERR_FILENO);
}

static size_t count_in_log(struct fixture *fixture, const char *part)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	size_t count = 0;
	char path[96];

	path_of(fixture, "log", path);
	assert_int_equal(file_read(path, 1 << 20, &text), 0);
	for (const char *at = strstr(text.data, part); at; at = strstr(at + 1, part))
		count++;
	return count;
}

static void release_log(struct fixture *fixture)
{
	dup2(fixture->stderr_fd, STDERR_FILENO);
	close(fixture->stderr_fd);
	close(fixture->log_fd);
	fixture->stderr_fd = -1;
	log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
}

static int set_up(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_buffer_ struct buffer pods = { 0 };

	assert_int_equal(file_read(TEST_DATA "/kubelet/kubelet_pods.json", 1 << 20, &pods), 0);
	write_bytes(fixture, "pods.json", pods.data, pods.size);
	write_text(fixture, "token", TOKEN "\n");
	write_text(fixture, "tokens.json", "{\"accepted\":[\"" TOKEN "\"]}");
	write_text(fixture, "fault.json", "{}");
	remove_file(fixture, "requests.jsonl");
	fixture->answers = 0;
	fixture->stderr_fd = -1;
	assert_int_equal(sd_event_new(&fixture->loop), 0);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	if (fixture->stderr_fd >= 0)
		release_log(fixture);
	unsetenv("https_proxy");
	unsetenv("ALL_PROXY");
	fixture->pods = pod_table_free(fixture->pods);
	fixture->loop = sd_event_unref(fixture->loop);
	return 0;
}

static void on_pods(void *context, struct pod_table *pods)
{
	struct fixture *fixture = context;

	pod_table_free(fixture->pods);
	fixture->pods = pod_table_ref(pods);
	fixture->answers++;
}

static struct kubelet_options options_of(const struct fixture *fixture)
{
	return (struct kubelet_options){
		.url = fixture->url,
		.token_file = fixture->token_file,
		.ca_file = fixture->ca_file,
		.interval_ms = MINUTE_MS,
	};
}

static struct kubelet *start(struct fixture *fixture, const struct kubelet_options *options)
{
	struct kubelet *kubelet = NULL;

	assert_int_equal(kubelet_new(options, fixture->loop, on_pods, fixture, &kubelet), 0);
	return kubelet;
}

static void run_for(struct fixture *fixture, uint64_t ms)
{
	uint64_t end = clock_monotonic_ms() + ms;

	for (uint64_t now = clock_monotonic_ms(); now < end; now = clock_monotonic_ms())
		assert_true(sd_event_run(fixture->loop, (end - now) * 1000) >= 0);
}

static void wait_for_answers(struct fixture *fixture, int wanted)
{
	uint64_t end = clock_monotonic_ms() + PATIENCE_MS;

	while (fixture->answers < wanted) {
		assert_true(clock_monotonic_ms() < end);
		assert_true(sd_event_run(fixture->loop, 20000) >= 0);
	}
}

static void wait_for_error(struct fixture *fixture, const struct kubelet *kubelet, const char *part)
{
	uint64_t end = clock_monotonic_ms() + PATIENCE_MS;

	while (!strstr(kubelet_last_error(kubelet), part)) {
		if (clock_monotonic_ms() > end)
			fail_msg("'%s' instead of '%s'", kubelet_last_error(kubelet), part);
		run_for(fixture, 10);
	}
	assert_null(strstr(kubelet_last_error(kubelet), TOKEN));
}

static void wait_for_requests(struct fixture *fixture, size_t wanted)
{
	for (int i = 0; i < PATIENCE_MS / 10 && count_requests(fixture) < wanted; i++)
		run_for(fixture, 10);
	assert_int_equal(count_requests(fixture), wanted);
}

/* Starts, waits for an error that holds `part`, ends. */
static void assert_error(struct fixture *fixture, const struct kubelet_options *options,
			 const char *part)
{
	_cleanup_(kubelet_freep) struct kubelet *kubelet = start(fixture, options);

	wait_for_error(fixture, kubelet, part);
	assert_int_equal(fixture->answers, 0);
}

/* Tests ---------------------------------------------------------------------------------------- */

static void pods_arrive_in_the_loop_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);
	_cleanup_(kubelet_freep) struct kubelet *kubelet = NULL;

	write_text(fixture, "fault.json", "{\"delay_s\":0.3}");
	kubelet = start(fixture, &options);
	assert_string_equal(kubelet_last_error(kubelet), "no answer yet");
	wait_for_answers(fixture, 1);
	assert_string_equal(kubelet_last_error(kubelet), "");
	kubelet = kubelet_free(kubelet);
	assert_string_equal(pod_table_find(fixture->pods, APP)->pod, "web-7d4b9c6f5-x2k8p");
}

static void proxies_of_the_environment_are_not_used(void **state)
{
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);
	_cleanup_(kubelet_freep) struct kubelet *kubelet = NULL;

	setenv("https_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	kubelet = start(fixture, &options);
	wait_for_answers(fixture, 1);
}

static void refusals_are_explained(void **state)
{
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);
	_cleanup_free_ char *forbidden = NULL;

	assert_true(asprintf(&forbidden, "HTTP 403 from %s/pods: the token lacks nodes/pods",
			     fixture->url) > 0);
	write_text(fixture, "tokens.json", "{\"without_rights\":[\"" TOKEN "\"]}");
	assert_error(fixture, &options, forbidden);
	write_text(fixture, "tokens.json", "{}");
	assert_error(fixture, &options, "the token is not accepted");
	options.token_file = "/nonexistent/token";
	assert_error(fixture, &options, "HTTP 401");
	options.token_file = NULL;
	assert_error(fixture, &options, "a token is needed");
}

static void broken_answers_are_failures(void **state)
{
	static const char *const faults[][2] = {
		{ "{\"garbage\":true}", "/pods: the answer is no list of pods: " },
		{ "{\"truncated\":true}", "/pods: " },
		{ "{\"status\":500}", "HTTP 500 from " },
		{ "{\"status\":302}", "HTTP 302 from " },
		{ "{\"status\":204}", "HTTP 204 from " },
	};
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		write_text(fixture, "fault.json", faults[i][0]);
		assert_error(fixture, &options, faults[i][1]);
	}
}

static void answers_of_5_mb_are_read_and_of_64_mib_refused(void **state)
{
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);
	struct kubelet *kubelet;

	write_text(fixture, "fault.json", "{\"size\":68000000}");
	assert_error(fixture, &options, "the answer is longer than 64 MiB");
	write_text(fixture, "fault.json", "{\"size\":5000000}");
	kubelet = start(fixture, &options);
	wait_for_answers(fixture, 1);
	kubelet_free(kubelet);
	assert_int_equal(pod_table_count(fixture->pods), 10);
}

static void an_authority_that_did_not_sign_is_refused_before_the_token_is_sent(void **state)
{
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);
	_cleanup_(kubelet_freep) struct kubelet *kubelet = NULL;

	options.ca_file = fixture->other_ca_file;
	assert_error(fixture, &options, "certificate");
	options.ca_file = NULL;
	assert_error(fixture, &options, "certificate");
	options.ca_file = "/nonexistent/ca.crt";
	assert_error(fixture, &options, "/nonexistent/ca.crt");
	assert_int_equal(count_requests(fixture), 0);
	options.ca_file = fixture->other_ca_file;
	options.insecure = true;
	kubelet = start(fixture, &options);
	wait_for_answers(fixture, 1);
}

/* The certificate is for 127.0.0.1 and localhost. */
static void a_certificate_for_another_name_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);
	const char *port = strrchr(fixture->url, ':');
	char url[96];

	snprintf(url, sizeof(url), "https://node.localhost%s", port);
	options.url = url;
	assert_error(fixture, &options, "certificate");
	assert_int_equal(count_requests(fixture), 0);
	snprintf(url, sizeof(url), "https://localhost%s//", port);
	write_text(fixture, "fault.json", "{\"status\":500}");
	assert_error(fixture, &options, "HTTP 500 from https://localhost");
}

static void a_kubelet_that_is_away_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);

	options.url = "https://127.0.0.1:1";
	assert_error(fixture, &options, "127.0.0.1");
	options.url = "file:///etc";
	assert_error(fixture, &options, "Unsupported protocol");
}

static void free_does_not_wait_for_a_request_that_hangs(void **state)
{
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);
	struct kubelet *kubelet;
	uint64_t begin;

	write_text(fixture, "fault.json", "{\"hang\":true}");
	kubelet = start(fixture, &options);
	wait_for_requests(fixture, 1);
	run_for(fixture, 400); /* curl's own timers of the first moments are over: it sleeps until
				  the time-out */
	begin = clock_monotonic_ms();
	assert_null(kubelet_free(kubelet));
	assert_true(clock_monotonic_ms() - begin < 500);
	assert_int_equal(fixture->answers, 0);
	assert_null(kubelet_free(NULL));
}

static void free_is_quick_at_any_moment(void **state)
{
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);

	for (useconds_t us = 0; us < 30000; us += 1000) {
		struct kubelet *kubelet = start(fixture, &options);
		uint64_t begin;

		usleep(us);
		begin = clock_monotonic_ms();
		kubelet_free(kubelet);
		assert_true(clock_monotonic_ms() - begin < 500);
		remove_file(fixture, "requests.jsonl");
	}
}

static void a_refresh_is_one_request_over_the_same_connection_with_the_token_of_now(void **state)
{
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);
	_cleanup_(kubelet_freep) struct kubelet *kubelet = start(fixture, &options);
	struct request requests[REQUESTS_MAX];

	wait_for_answers(fixture, 1);
	write_text(fixture, "token", "second-token");
	write_text(fixture, "tokens.json", "{\"accepted\":[\"second-token\"]}");
	kubelet_refresh(kubelet);
	wait_for_answers(fixture, 2);
	assert_string_equal(kubelet_last_error(kubelet), "");
	run_for(fixture, 1200);
	assert_int_equal(read_requests(fixture, requests), 2);
	assert_int_equal(requests[1].status, 200);
	assert_string_equal(requests[0].connection, requests[1].connection);
}

static void a_token_file_with_more_than_a_token_is_not_sent(void **state)
{
	static const char *const contents[] = { "a\r\nX-Evil: 1\r\n", "a\nb\n", "a b", "a\x7f",
						"gr\xc3\xbc",	      "\n",	"" };
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);

	for (size_t i = 0; i < sizeof(contents) / sizeof(*contents); i++) {
		write_text(fixture, "token", contents[i]);
		assert_error(fixture, &options, "/token: it ");
	}
	write_bytes(fixture, "token", "a\0b", 3);
	assert_error(fixture, &options, "/token: it holds more than a token");
	options.token_file = fixture->dir;
	assert_error(fixture, &options, "Is a directory");
	assert_int_equal(count_requests(fixture), 0);
}

static int ms_between(const struct request *earlier, const struct request *later)
{
	return (int)((later->time - earlier->time) * 1000);
}

/* The fake sees the first request only after its handshake: hence less than 1000 ms. */
static void one_request_a_second_is_the_most(void **state)
{
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);
	_cleanup_(kubelet_freep) struct kubelet *kubelet = start(fixture, &options);
	struct request requests[REQUESTS_MAX];
	size_t count;

	for (uint64_t end = clock_monotonic_ms() + 2500; clock_monotonic_ms() < end;) {
		kubelet_refresh(kubelet);
		run_for(fixture, 5);
	}
	count = read_requests(fixture, requests);
	assert_in_range(count, 2, 3);
	for (size_t i = 1; i < count; i++)
		assert_in_range(ms_between(&requests[i - 1], &requests[i]), 900, 2000);
}

static void a_refresh_does_not_wait_for_the_interval(void **state)
{
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);
	_cleanup_(kubelet_freep) struct kubelet *kubelet = NULL;
	struct request requests[REQUESTS_MAX];

	options.interval_ms = 2000;
	kubelet = start(fixture, &options);
	wait_for_requests(fixture, 2);
	run_for(fixture, 1100);
	kubelet_refresh(kubelet);
	wait_for_requests(fixture, 3);
	read_requests(fixture, requests);
	assert_in_range(ms_between(&requests[0], &requests[1]), 1900, 2900);
	assert_in_range(ms_between(&requests[1], &requests[2]), 1050, 1800);
}

static void failures_are_retried_ever_later_unless_a_refresh_comes(void **state)
{
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);
	_cleanup_(kubelet_freep) struct kubelet *kubelet = NULL;
	struct request requests[REQUESTS_MAX];

	write_text(fixture, "fault.json", "{\"status\":500}");
	kubelet = start(fixture, &options);
	wait_for_requests(fixture, 3);
	kubelet_refresh(kubelet);
	wait_for_requests(fixture, 4);
	read_requests(fixture, requests);
	assert_in_range(ms_between(&requests[0], &requests[1]), 900, 1900);
	assert_in_range(ms_between(&requests[1], &requests[2]), 1950, 2900);
	assert_in_range(ms_between(&requests[2], &requests[3]), 950, 1900);
}

static void a_failure_is_logged_once_until_its_reason_changes(void **state)
{
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);
	_cleanup_(kubelet_freep) struct kubelet *kubelet = NULL;

	capture_log(fixture);
	write_text(fixture, "fault.json", "{\"status\":500}");
	kubelet = start(fixture, &options);
	wait_for_requests(fixture, 2);
	run_for(fixture, 100);
	assert_int_equal(count_in_log(fixture, "\n"), 1);
	assert_int_equal(
		count_in_log(fixture, "warning: kubelet: HTTP 500 from https://127.0.0.1:"), 1);
	assert_int_equal(count_in_log(fixture, ", retrying in 1s\n"), 1);

	write_text(fixture, "fault.json", "{}");
	write_text(fixture, "tokens.json", "{}");
	kubelet_refresh(kubelet);
	wait_for_error(fixture, kubelet, "HTTP 401");
	run_for(fixture, 50);
	assert_int_equal(count_in_log(fixture, "\n"), 2);

	write_text(fixture, "tokens.json", "{\"accepted\":[\"" TOKEN "\"]}");
	kubelet_refresh(kubelet);
	wait_for_answers(fixture, 1);
	kubelet_refresh(kubelet);
	wait_for_answers(fixture, 2);
	assert_int_equal(count_in_log(fixture, "\n"), 3);
	assert_int_equal(count_in_log(fixture, "info: kubelet: answers again"), 1);
	assert_int_equal(count_in_log(fixture, TOKEN), 0);
	assert_int_equal(count_in_log(fixture, "hello"), 0);
	release_log(fixture);
}

/* A server without TLS in this thread: takes one request, answers it, returns what it got. */
static void serve_once(int listener, const char *answer, char *ret, size_t size)
{
	_cleanup_close_ int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	size_t got = 0;

	assert_true(connection >= 0);
	ret[0] = '\0';
	while (!strstr(ret, "\r\n\r\n")) {
		ssize_t count = read(connection, ret + got, size - 1 - got);

		assert_true(count > 0);
		got += (size_t)count;
		ret[got] = '\0';
	}
	assert_int_equal(file_write_all(connection, answer, strlen(answer)), 0);
}

static void without_tls_no_token_is_sent_and_redirects_are_not_followed(void **state)
{
	static const char moved[] =
		"HTTP/1.1 307 x\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
	static const char empty[] = "HTTP/1.1 200 OK\r\nContent-Length: "
				    "31\r\n\r\n{\"kind\":\"PodList\",\"items\":null}";
	struct fixture *fixture = *state;
	struct kubelet_options options = options_of(fixture);
	_cleanup_close_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	_cleanup_(kubelet_freep) struct kubelet *kubelet = NULL;
	char url[64], request[4096];

	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 4), 0);
	getsockname(listener, (struct sockaddr *)&address, &length);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(address.sin_port));
	options.url = url;
	kubelet = start(fixture, &options);
	serve_once(listener, moved, request, sizeof(request));
	assert_memory_equal(request, "GET /pods HTTP/1.1\r\n", 20);
	assert_null(strstr(request, "Authorization"));
	wait_for_error(fixture, kubelet, "HTTP 307");
	serve_once(listener, empty, request, sizeof(request));
	assert_memory_equal(request, "GET /pods HTTP/1.1\r\n", 20);
	wait_for_answers(fixture, 1);
	assert_int_equal(pod_table_count(fixture->pods), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pods_arrive_in_the_loop_at_once),
		TEST(proxies_of_the_environment_are_not_used),
		TEST(refusals_are_explained),
		TEST(broken_answers_are_failures),
		TEST(answers_of_5_mb_are_read_and_of_64_mib_refused),
		TEST(an_authority_that_did_not_sign_is_refused_before_the_token_is_sent),
		TEST(a_certificate_for_another_name_is_refused),
		TEST(a_kubelet_that_is_away_is_an_error),
		TEST(free_does_not_wait_for_a_request_that_hangs),
		TEST(free_is_quick_at_any_moment),
		TEST(a_refresh_is_one_request_over_the_same_connection_with_the_token_of_now),
		TEST(a_token_file_with_more_than_a_token_is_not_sent),
		TEST(one_request_a_second_is_the_most),
		TEST(a_refresh_does_not_wait_for_the_interval),
		TEST(failures_are_retried_ever_later_unless_a_refresh_comes),
		TEST(a_failure_is_logged_once_until_its_reason_changes),
		TEST(without_tls_no_token_is_sent_and_redirects_are_not_followed),
	};

	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
