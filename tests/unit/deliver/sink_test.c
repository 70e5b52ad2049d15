/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"
#include "deliver/sink.h"
#include "http_server.h"

enum { DELIVERIES_MAX = 256, PATIENCE_MS = 4000 };

struct fixture {
	char folder[32], path[64], other[64];
	sd_event *loop;
	struct sink *sink;
	struct event_format *format;
	struct delivery deliveries[DELIVERIES_MAX];
	size_t count;
	uint64_t events; /* sum over deliveries */
	struct server *server;
	void (*script)(struct fixture *, const struct request *, struct reply *);
	int seen;
};

static void keep(void *context, const struct delivery *delivery)
{
	struct fixture *fixture = context;

	assert_true(fixture->count < DELIVERIES_MAX);
	fixture->deliveries[fixture->count++] = *delivery;
	fixture->events += delivery->events;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const struct event_options raw = { .body = EVENT_RAW, .message_max = 100000 };
	const struct event_names names = { 0 };

	assert_non_null(fixture);
	strcpy(fixture->folder, "/tmp/sink_test.XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(fixture->path, sizeof(fixture->path), "%s/out", fixture->folder);
	snprintf(fixture->other, sizeof(fixture->other), "%s/other", fixture->folder);
	assert_true(sd_event_new(&fixture->loop) >= 0);
	assert_int_equal(event_format_new(&raw, &names, &fixture->format), 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	sink_free(fixture->sink);
	if (fixture->server)
		server_stop(fixture->server);
	event_format_free(fixture->format);
	sd_event_unref(fixture->loop);
	unlink(fixture->path);
	unlink(fixture->other);
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

static int try_write_line(struct fixture *fixture, struct destination *destination,
			  const char *text, uint64_t stream_id, uint64_t position)
{
	const struct log_line line = {
		.text = text,
		.length = strlen(text),
		.time_ns = clock_real_ns(),
		.source_bytes = strlen(text) + 1,
		.stream_id = stream_id,
		.end_position = position,
	};

	return sink_write(fixture->sink, destination, fixture->format, &line);
}

static void write_line(struct fixture *fixture, struct destination *destination, const char *text,
		       uint64_t stream_id, uint64_t position)
{
	assert_int_equal(try_write_line(fixture, destination, text, stream_id, position), 0);
}

static struct destination *open_destination(struct fixture *fixture, const char *stream)
{
	struct destination *destination = NULL;

	assert_int_equal(sink_open_destination(fixture->sink, "group", stream, &destination), 0);
	return destination;
}

static void run_for(struct fixture *fixture, unsigned int ms)
{
	for (uint64_t end_ms = clock_monotonic_ms() + ms; clock_monotonic_ms() < end_ms;)
		sd_event_run(fixture->loop, 5 * 1000);
}

static void run_until_events(struct fixture *fixture, uint64_t events)
{
	uint64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;

	while (fixture->events < events && clock_monotonic_ms() < end_ms)
		sd_event_run(fixture->loop, 20 * 1000);
	assert_int_equal(fixture->events, events);
}

static struct sink_counters read_counters(const struct fixture *fixture)
{
	struct sink_counters counters;

	sink_read_counters(fixture->sink, &counters);
	return counters;
}

/* Lines ---------------------------------------------------------------------------------------- */

static void open_file_sink(struct fixture *fixture)
{
	assert_int_equal(sink_new_file(fixture->path, fixture->loop, keep, fixture, &fixture->sink),
			 0);
}

static void assert_file(const char *path, const char *expected)
{
	_cleanup_buffer_ struct buffer content = { 0 };

	assert_int_equal(file_read(path, 10 << 20, &content), 0);
	assert_string_equal(content.data, expected);
}

static void a_line_becomes_a_json_line_in_the_next_turn_of_the_loop(void **state)
{
	struct fixture *fixture = *state;
	struct log_line line = {
		.text = "say \"hi\"\t",
		.length = 9,
		.time_ns = UINT64_C(1795345380123999999),
		.source_bytes = 10,
		.stream_id = 4,
		.end_position = 77,
	};
	struct destination *destination;
	struct stat status;

	umask(0);
	open_file_sink(fixture);
	assert_int_equal(stat(fixture->path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(sink_open_destination(fixture->sink, "/a/b", "p\"q", &destination), 0);
	assert_int_equal(sink_write(fixture->sink, destination, fixture->format, &line), 0);
	assert_int_equal(fixture->count, 0);
	assert_file(fixture->path, "");
	assert_false(sink_is_idle(fixture->sink));
	run_until_events(fixture, 1);
	assert_file(fixture->path,
		    "{\"timestamp\":1795345380123,\"group\":\"/a/b\",\"stream\":\"p\\\"q\","
		    "\"message\":\"say \\\"hi\\\"\\t\"}\n");
	assert_int_equal(fixture->deliveries[0].result, DELIVERY_ACCEPTED);
	assert_int_equal(fixture->deliveries[0].stream_id, 4);
	assert_int_equal(fixture->deliveries[0].end_position, 77);
	assert_int_equal(fixture->deliveries[0].source_bytes, 10);
	assert_int_equal(fixture->deliveries[0].message_bytes, 9);
	assert_null(fixture->deliveries[0].reason);
	assert_true(sink_is_idle(fixture->sink));
	assert_int_equal(read_counters(fixture).events, 1);
	assert_int_equal(read_counters(fixture).message_bytes, 9);
}

static void lines_of_a_stream_that_follow_each_other_are_told_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct destination *destination;

	open_file_sink(fixture);
	destination = open_destination(fixture, "s");
	for (uint64_t i = 1; i <= 100; i++)
		write_line(fixture, destination, "line", 1, i);
	write_line(fixture, destination, "line", 2, 7);
	write_line(fixture, destination, "line", 1, 101);
	assert_int_equal(read_counters(fixture).pending_events, 102);
	assert_int_equal(sink_flush(fixture->sink), 0);
	assert_int_equal(fixture->count, 3);
	assert_int_equal(fixture->deliveries[0].end_position, 100);
	assert_int_equal(fixture->deliveries[0].source_bytes, 500);
	assert_int_equal(fixture->deliveries[1].end_position, 7);
	assert_int_equal(fixture->deliveries[2].end_position, 101);
	assert_int_equal(read_counters(fixture).pending_events, 0);
}

static void a_flood_is_written_before_the_turn_ends(void **state)
{
	struct fixture *fixture = *state;
	struct destination *destination;
	char text[1001];

	memset(text, 'x', 1000);
	text[1000] = '\0';
	open_file_sink(fixture);
	destination = open_destination(fixture, "s");
	for (uint64_t i = 1; i <= 1000; i++)
		write_line(fixture, destination, text, 1, i);
	assert_in_range(fixture->events, 900, 999);
	assert_in_range(read_counters(fixture).memory_bytes, 1, 300 * 1024);
}

static void a_line_of_several_events_is_told_as_one(void **state)
{
	struct fixture *fixture = *state;
	char *text = malloc(250001);

	assert_non_null(text);
	memset(text, 'x', 250000);
	text[250000] = '\0';
	open_file_sink(fixture);
	write_line(fixture, open_destination(fixture, "s"), text, 1, 5);
	run_until_events(fixture, 3);
	assert_int_equal(fixture->count, 1);
	assert_int_equal(fixture->deliveries[0].message_bytes, 250000);
	free(text);
}

static void a_reopened_file_is_a_new_one_and_the_old_one_keeps_what_it_has(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_buffer_ struct buffer content = { 0 };
	struct destination *destination;

	open_file_sink(fixture);
	destination = open_destination(fixture, "s");
	write_line(fixture, destination, "first", 1, 1);
	assert_int_equal(rename(fixture->path, fixture->other), 0);
	assert_int_equal(sink_reopen(fixture->sink), 0);
	write_line(fixture, destination, "second", 1, 2);
	run_until_events(fixture, 2);
	assert_int_equal(file_read(fixture->other, 1000, &content), 0);
	assert_non_null(strstr(content.data, "first"));
	assert_null(strstr(content.data, "second"));
	buffer_clear(&content);
	assert_int_equal(file_read(fixture->path, 1000, &content), 0);
	assert_null(strstr(content.data, "first"));
	assert_non_null(strstr(content.data, "second"));
}

static void a_full_disk_refuses_new_lines_and_loses_none_that_it_took(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_buffer_ struct buffer content = { 0 };
	struct destination *destination;

	assert_int_equal(symlink("/dev/full", fixture->path), 0);
	open_file_sink(fixture);
	destination = open_destination(fixture, "s");
	write_line(fixture, destination, "first", 1, 1);
	run_for(fixture, 20);
	assert_int_equal(fixture->count, 0);
	assert_int_equal(try_write_line(fixture, destination, "refused", 1, 2), -ENOSPC);
	assert_int_equal(sink_flush(fixture->sink), -ENOSPC);
	assert_non_null(strstr(read_counters(fixture).last_error, "No space left"));
	assert_int_equal(read_counters(fixture).pending_events, 1);

	unlink(fixture->path);
	assert_int_equal(sink_reopen(fixture->sink), 0);
	assert_int_equal(fixture->events, 1);
	assert_string_equal(read_counters(fixture).last_error, "");
	write_line(fixture, destination, "second", 1, 2);
	run_until_events(fixture, 2);
	assert_int_equal(file_read(fixture->path, 1000, &content), 0);
	assert_non_null(strstr(content.data, "\"first\"}\n"));
	assert_non_null(strstr(content.data, "\"second\"}\n"));
	assert_null(strstr(content.data, "refused"));
}

static void limit_file_size(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Each line is 80 bytes or so: the first one fits, the second one is cut. */
static void write_two_lines_of_which_one_and_a_half_fit(struct fixture *fixture)
{
	struct destination *destination;

	open_file_sink(fixture);
	destination = open_destination(fixture, "s");
	limit_file_size(120);
	write_line(fixture, destination, "first line", 1, 1);
	write_line(fixture, destination, "second line", 2, 2);
	assert_int_equal(sink_flush(fixture->sink), -EFBIG);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(fixture->count, 1);
	assert_int_equal(fixture->deliveries[0].end_position, 1);
}

static size_t count_words(const char *text, const char *word)
{
	size_t count = 0;

	while ((text = strstr(text, word))) {
		text += strlen(word);
		count++;
	}
	return count;
}

static void a_line_that_was_cut_goes_on_where_it_stopped(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_buffer_ struct buffer content = { 0 };

	write_two_lines_of_which_one_and_a_half_fit(fixture);
	limit_file_size(120);
	assert_int_equal(sink_reopen(fixture->sink), 0); /* the same file: goes on in it */
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(sink_flush(fixture->sink), 0);
	assert_int_equal(fixture->events, 2);
	assert_int_equal(file_read(fixture->path, 1000, &content), 0);
	assert_non_null(strstr(content.data, "\"first line\"}\n{\"timestamp\":"));
	assert_int_equal(count_words(content.data, "\"message\":\"second line\"}\n"), 1);
	assert_int_equal(count_words(content.data, "timestamp"), 2);
	assert_int_equal(count_words(content.data, "\n"), 2);
}

/* The flush that goes before reopening fails as the limit still holds. */
static void a_line_that_was_cut_is_whole_in_a_new_file(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_buffer_ struct buffer content = { 0 };

	write_two_lines_of_which_one_and_a_half_fit(fixture);
	assert_int_equal(rename(fixture->path, fixture->other), 0);
	limit_file_size(120);
	assert_int_equal(sink_reopen(fixture->sink), 0);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(fixture->events, 2);
	assert_int_equal(file_read(fixture->path, 1000, &content), 0);
	assert_ptr_equal(strstr(content.data, "{\"timestamp\":"), content.data);
	assert_non_null(strstr(content.data, "\"second line\"}\n"));
	assert_null(strstr(content.data, "first"));
}

static void a_slow_reader_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_close_ int reader = -1;
	struct destination *destination;
	uint64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
	static char bytes[65536];
	size_t total = 0, newlines = 0;
	char text[1001];

	memset(text, 'x', 1000);
	text[1000] = '\0';
	assert_int_equal(mkfifo(fixture->path, 0600), 0);
	reader = open(fixture->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	open_file_sink(fixture);
	destination = open_destination(fixture, "s");
	for (uint64_t i = 1; i <= 500; i++)
		write_line(fixture, destination, text, 1, i);
	assert_int_equal(sink_flush(fixture->sink), -EAGAIN);
	assert_string_equal(read_counters(fixture).last_error, "");
	assert_true(fixture->events < 500);
	while (fixture->events < 500 && clock_monotonic_ms() < end_ms) {
		ssize_t got = read(reader, bytes, sizeof(bytes));

		for (ssize_t i = 0; i < got; i++)
			newlines += bytes[i] == '\n';
		total += got > 0 ? (size_t)got : 0;
		sd_event_run(fixture->loop, 5 * 1000);
	}
	assert_int_equal(fixture->events, 500);
	for (ssize_t got; (got = read(reader, bytes, sizeof(bytes))) > 0;)
		for (ssize_t i = 0; i < got; i++)
			newlines += bytes[i] == '\n';
	assert_int_equal(newlines, 500);
	assert_true(total > 400000);
}

static void a_reader_that_went_away_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct destination *destination;
	int reader;

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(mkfifo(fixture->path, 0600), 0);
	reader = open(fixture->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	open_file_sink(fixture);
	destination = open_destination(fixture, "s");
	close(reader);
	write_line(fixture, destination, "line", 1, 1);
	assert_int_equal(sink_flush(fixture->sink), -EPIPE);
	assert_int_equal(try_write_line(fixture, destination, "line", 1, 2), -EPIPE);
	assert_int_equal(fixture->count, 0);
}

static void stdout_gets_a_write_a_turn(void **state)
{
	struct fixture *fixture = *state;
	int keeper = dup(STDOUT_FILENO), ends[2];
	struct destination *destination;
	char bytes[4096] = "";

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_DIRECT), 0); /* a read gives one write */
	fflush(stdout);
	dup2(ends[1], STDOUT_FILENO);
	assert_int_equal(sink_new_stdout(fixture->loop, keep, fixture, &fixture->sink), 0);
	destination = open_destination(fixture, "s");
	for (uint64_t i = 1; i <= 5; i++)
		write_line(fixture, destination, "line", 1, i);
	run_until_events(fixture, 5);
	dup2(keeper, STDOUT_FILENO);
	assert_in_range(read(ends[0], bytes, sizeof(bytes) - 1), 300, 500);
	assert_int_equal(fixture->count, 1);
	close(keeper);
	close(ends[0]);
	close(ends[1]);
}

static void destinations_are_shared_by_name(void **state)
{
	struct fixture *fixture = *state;
	struct destination *first, *again, *other;

	open_file_sink(fixture);
	first = open_destination(fixture, "s");
	again = open_destination(fixture, "s");
	other = open_destination(fixture, "t");
	assert_ptr_equal(first, again);
	assert_ptr_not_equal(first, other);
	sink_close_destination(fixture->sink, first);
	write_line(fixture, again, "line", 1, 1);
	sink_close_destination(fixture->sink, again);
	sink_close_destination(fixture->sink, other);
	run_until_events(fixture, 1);
}

static void a_destination_is_found_until_it_is_closed(void **state)
{
	struct fixture *fixture = *state;
	struct destination *destinations[100];
	char name[16];

	open_file_sink(fixture);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		destinations[i] = open_destination(fixture, name);
	}
	for (int i = 0; i < 100; i += 2)
		sink_close_destination(fixture->sink, destinations[i]);
	for (int i = 1; i < 100; i += 2) {
		snprintf(name, sizeof(name), "s%d", i);
		assert_ptr_equal(open_destination(fixture, name), destinations[i]);
		sink_close_destination(fixture->sink, destinations[i]);
		sink_close_destination(fixture->sink, destinations[i]);
	}
}

/* CloudWatch ----------------------------------------------------------------------------------- */

static void run_script(void *context, const struct request *request, struct reply *reply)
{
	struct fixture *fixture = context;

	if (fixture->script)
		fixture->script(fixture, request, reply);
	fixture->seen++;
}

static void open_cloudwatch_sink(struct fixture *fixture, unsigned int flush_interval_ms)
{
	char endpoint[64], *error = NULL;
	const struct cloudwatch_options options = {
		.endpoint = endpoint,
		.flush_interval_ms = flush_interval_ms,
		.gzip = true,
		.auto_create = true,
	};

	setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	fixture->server = server_start(run_script, fixture);
	snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d", fixture->server->port);
	assert_int_equal(
		sink_new_cloudwatch(&options, fixture->loop, keep, fixture, &fixture->sink, &error),
		0);
}

static void lines_wait_for_the_flush_interval_and_go_out_together(void **state)
{
	struct fixture *fixture = *state;
	struct destination *destination;

	open_cloudwatch_sink(fixture, 150);
	destination = open_destination(fixture, "s");
	write_line(fixture, destination, "one", 1, 1);
	run_for(fixture, 80);
	write_line(fixture, destination, "two", 1, 2);
	assert_int_equal(server_count(fixture->server, NULL, NULL), 0);
	assert_int_equal(read_counters(fixture).pending_events, 2);
	assert_true(read_counters(fixture).memory_bytes > 0);
	assert_false(sink_is_idle(fixture->sink));
	run_for(fixture, 150);
	assert_int_equal(server_count(fixture->server, NULL, NULL), 1);
	assert_int_equal(fixture->count, 1);
	assert_int_equal(fixture->deliveries[0].end_position, 2);
	assert_int_equal(fixture->deliveries[0].events, 2);
	assert_true(sink_is_idle(fixture->sink));
	assert_int_equal(read_counters(fixture).memory_bytes, 0);
	assert_int_equal(read_counters(fixture).requests, 1);
	assert_int_equal(read_counters(fixture).events, 2);
}

static void a_full_batch_does_not_wait(void **state)
{
	struct fixture *fixture = *state;
	struct destination *destination;
	char text[50001];

	memset(text, 'x', 50000);
	text[50000] = '\0';
	open_cloudwatch_sink(fixture, 60 * 1000);
	destination = open_destination(fixture, "s");
	for (uint64_t i = 1; i <= 25; i++)
		write_line(fixture, destination, text, 1, i);
	run_until_events(fixture, 20);
	assert_int_equal(read_counters(fixture).pending_events, 5);
}

static void answer_late(struct fixture *fixture, const struct request *request, struct reply *reply)
{
	(void)request;
	reply->delay_ms = fixture->seen == 0 ? 300 : 0;
}

static void while_a_batch_is_under_way_the_next_one_grows(void **state)
{
	struct fixture *fixture = *state;
	struct destination *destination;

	fixture->script = answer_late;
	open_cloudwatch_sink(fixture, 20);
	destination = open_destination(fixture, "s");
	for (uint64_t i = 1; i <= 12; i++) {
		write_line(fixture, destination, "line", 1, i);
		run_for(fixture, 20);
	}
	run_until_events(fixture, 12);
	assert_in_range(server_count(fixture->server, NULL, NULL), 2, 3);
	assert_in_range(fixture->deliveries[0].events, 1, 3);
	assert_int_equal(fixture->deliveries[fixture->count - 1].end_position, 12);
}

static void a_flush_sends_at_once(void **state)
{
	struct fixture *fixture = *state;

	open_cloudwatch_sink(fixture, 60 * 1000);
	write_line(fixture, open_destination(fixture, "s"), "one", 1, 1);
	write_line(fixture, open_destination(fixture, "t"), "one", 2, 1);
	assert_int_equal(sink_flush(fixture->sink), 0);
	run_until_events(fixture, 2);
	assert_true(sink_is_idle(fixture->sink));
}

static void while_draining_nothing_waits(void **state)
{
	struct fixture *fixture = *state;
	struct destination *destination;

	open_cloudwatch_sink(fixture, 60 * 1000);
	destination = open_destination(fixture, "s");
	write_line(fixture, destination, "one", 1, 1);
	sink_drain(fixture->sink);
	run_until_events(fixture, 1);
	write_line(fixture, destination, "two", 1, 2);
	run_until_events(fixture, 2);
	assert_true(sink_is_idle(fixture->sink));
}

static void what_was_written_goes_out_after_its_destination_was_closed(void **state)
{
	struct fixture *fixture = *state;
	struct destination *destination;

	fixture->script = answer_late;
	open_cloudwatch_sink(fixture, 20);
	destination = open_destination(fixture, "s");
	write_line(fixture, destination, "one", 1, 1);
	sink_close_destination(fixture->sink, destination);
	run_for(fixture, 100);
	assert_ptr_equal(open_destination(fixture, "s"),
			 destination); /* still there, so that order is kept */
	write_line(fixture, destination, "two", 1, 2);
	sink_close_destination(fixture->sink, destination);
	run_until_events(fixture, 2);
	assert_int_equal(fixture->server->streams_twice, 0);
	assert_int_equal(fixture->deliveries[0].end_position, 1);
	assert_int_equal(fixture->deliveries[1].end_position, 2);
}

static void refuse_ends(struct fixture *fixture, const struct request *request, struct reply *reply)
{
	(void)fixture;
	(void)request;
	reply->body = "{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":1,"
		      "\"tooNewLogEventStartIndex\":3}}";
}

static void events_that_the_service_refuses_are_told_as_rejected(void **state)
{
	struct fixture *fixture = *state;
	struct destination *destination;

	fixture->script = refuse_ends;
	open_cloudwatch_sink(fixture, 10);
	destination = open_destination(fixture, "s");
	for (uint64_t i = 1; i <= 4; i++)
		write_line(fixture, destination, "line", 1, i);
	run_until_events(fixture, 4);
	assert_int_equal(fixture->count, 3);
	assert_int_equal(fixture->deliveries[0].result, DELIVERY_REJECTED);
	assert_string_equal(fixture->deliveries[0].reason, "too_old");
	assert_int_equal(fixture->deliveries[1].result, DELIVERY_ACCEPTED);
	assert_int_equal(fixture->deliveries[1].end_position, 3);
	assert_int_equal(fixture->deliveries[2].result, DELIVERY_REJECTED);
	assert_string_equal(fixture->deliveries[2].reason, "too_new");
	assert_int_equal(read_counters(fixture).events, 2);
	assert_int_equal(read_counters(fixture).rejected_events, 2);
}

static void lines_that_are_too_old_are_told_in_their_turn(void **state)
{
	struct fixture *fixture = *state;
	struct log_line line = {
		.text = "old",
		.length = 3,
		.time_ns = clock_real_ns() - UINT64_C(15) * 86400 * NS_PER_S,
		.source_bytes = 4,
		.stream_id = 1,
		.end_position = 1,
	};
	struct destination *destination;

	open_cloudwatch_sink(fixture, 10);
	destination = open_destination(fixture, "s");
	assert_int_equal(sink_write(fixture->sink, destination, fixture->format, &line), 0);
	assert_false(sink_is_idle(fixture->sink));
	run_until_events(fixture, 1);
	assert_int_equal(fixture->deliveries[0].result, DELIVERY_REJECTED);
	assert_string_equal(fixture->deliveries[0].reason, "too_old");
	assert_int_equal(fixture->deliveries[0].end_position, 1);
	assert_true(sink_is_idle(fixture->sink));
	assert_int_equal(server_count(fixture->server, NULL, NULL), 0);
}

static void hang_always(struct fixture *fixture, const struct request *request, struct reply *reply)
{
	(void)fixture;
	(void)request;
	reply->hang = true;
}

static void freeing_is_prompt_whatever_is_pending(void **state)
{
	struct fixture *fixture = *state;
	struct destination *destination;
	uint64_t begin_ms;

	fixture->script = hang_always;
	open_cloudwatch_sink(fixture, 1);
	destination = open_destination(fixture, "s");
	write_line(fixture, destination, "under way", 1, 1);
	while (!server_count(fixture->server, NULL, NULL))
		run_for(fixture, 5);
	write_line(fixture, destination, "open", 1, 2);
	begin_ms = clock_monotonic_ms();
	fixture->sink = sink_free(fixture->sink);
	assert_in_range(clock_monotonic_ms() - begin_ms, 0, 500);
	assert_int_equal(fixture->count, 0);
}

static void what_is_missing_is_said(void **state)
{
	struct fixture *fixture = *state;
	char *error = NULL;

	unsetenv("AWS_ACCESS_KEY_ID");
	assert_int_equal(
		sink_new_cloudwatch(&(struct cloudwatch_options){ .region = "eu-central-1" },
				    fixture->loop, keep, fixture, &fixture->sink, &error),
		-ENOKEY);
	assert_non_null(strstr(error, "AWS_ACCESS_KEY_ID"));
	free(error);
	error = NULL;
	assert_int_equal(sink_new_cloudwatch(&(struct cloudwatch_options){ 0 }, fixture->loop, keep,
					     fixture, &fixture->sink, &error),
			 -EINVAL);
	assert_non_null(strstr(error, "Region"));
	free(error);
	assert_null(fixture->sink);
}

#define SINK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SINK_TEST(a_line_becomes_a_json_line_in_the_next_turn_of_the_loop),
		SINK_TEST(lines_of_a_stream_that_follow_each_other_are_told_at_once),
		SINK_TEST(a_flood_is_written_before_the_turn_ends),
		SINK_TEST(a_line_of_several_events_is_told_as_one),
		SINK_TEST(a_reopened_file_is_a_new_one_and_the_old_one_keeps_what_it_has),
		SINK_TEST(a_full_disk_refuses_new_lines_and_loses_none_that_it_took),
		SINK_TEST(a_line_that_was_cut_goes_on_where_it_stopped),
		SINK_TEST(a_line_that_was_cut_is_whole_in_a_new_file),
		SINK_TEST(a_slow_reader_is_waited_for),
		SINK_TEST(a_reader_that_went_away_is_an_error),
		SINK_TEST(stdout_gets_a_write_a_turn),
		SINK_TEST(destinations_are_shared_by_name),
		SINK_TEST(a_destination_is_found_until_it_is_closed),
		SINK_TEST(lines_wait_for_the_flush_interval_and_go_out_together),
		SINK_TEST(a_full_batch_does_not_wait),
		SINK_TEST(while_a_batch_is_under_way_the_next_one_grows),
		SINK_TEST(a_flush_sends_at_once),
		SINK_TEST(while_draining_nothing_waits),
		SINK_TEST(what_was_written_goes_out_after_its_destination_was_closed),
		SINK_TEST(events_that_the_service_refuses_are_told_as_rejected),
		SINK_TEST(lines_that_are_too_old_are_told_in_their_turn),
		SINK_TEST(freeing_is_prompt_whatever_is_pending),
		SINK_TEST(what_is_missing_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
