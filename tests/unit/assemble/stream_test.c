/* SPDX-License-Identifier: Apache-2.0 */
#include "assemble/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"

/*
 * Receives lines as a log would: pieces are joined, a line's end is '\n', a hole is
 * "<REASON:BYTES>\n".
 */
struct log {
	struct buffer text;
	size_t lines, pieces, longest;
	uint64_t source_bytes, last_end, last_time_ns;
	const char *reason; /* what explain says */
	unsigned int explained;
};

static void take_line(void *context, const struct log_line *line)
{
	struct log *log = context;

	assert_true(line->end_position >= log->last_end);
	log->last_end = line->end_position;
	log->last_time_ns = line->time_ns;
	log->source_bytes += line->source_bytes;
	if (line->length > log->longest && !line->lost)
		log->longest = line->length;
	if (line->lost) {
		buffer_printf(&log->text, "<%.*s:%llu>\n", (int)line->length, line->text,
			      (unsigned long long)line->lost_bytes);
		return;
	}
	buffer_append(&log->text, line->text, line->length);
	if (line->partial) {
		log->pieces++;
		return;
	}
	log->lines++;
	buffer_append(&log->text, "\n", 1);
}

static const char *say_reason(void *context, uint64_t length)
{
	struct log *log = context;

	assert_true(length > 0);
	log->explained++;
	return log->reason;
}

static struct stream *new_stream(struct log *log, size_t line_max, bool keep_cr)
{
	const struct stream_options options = {
		.id = 7,
		.output = OUTPUT_STDERR,
		.line_max = line_max,
		.keep_cr = keep_cr,
	};
	const struct stream_handlers handlers = { .line = take_line,
						  .explain = say_reason,
						  .context = log };
	struct stream *stream = NULL;

	assert_int_equal(stream_new(&options, &handlers, &stream), 0);
	return stream;
}

static void feed_at(struct stream *stream, uint64_t position, const char *bytes, size_t length,
		    uint64_t time_ns)
{
	/* A copy of exactly this size: reading past it is seen by the sanitizer. */
	char *exact = malloc(length ? length : 1);

	memcpy(exact, bytes, length);
	stream_feed(stream, &(struct stream_chunk){
				    .bytes = exact,
				    .length = length,
				    .position = position,
				    .time_ns = time_ns,
			    });
	free(exact);
}

static void feed(struct stream *stream, const char *text)
{
	feed_at(stream, stream_position(stream), text, strlen(text), 1);
}

static void assert_log(struct log *log, const char *expected)
{
	buffer_append(&log->text, "", 1);
	assert_string_equal(log->text.data, expected);
	buffer_release(&log->text);
}

static void lines_are_cut_at_newlines_wherever_the_writes_end(void **state)
{
	struct log log = { 0 };
	struct stream *stream = new_stream(&log, 1000, false);

	(void)state;
	feed(stream, "one\ntw");
	feed(stream, "o\n\nth");
	feed(stream, "re");
	feed(stream, "e\n");
	assert_int_equal(log.lines, 4);
	assert_int_equal(log.source_bytes, 15);
	assert_int_equal(log.last_end, 15);
	assert_log(&log, "one\ntwo\n\nthree\n");
	stream_free(stream);
}

static void an_unterminated_last_line_comes_with_the_end(void **state)
{
	struct log log = { 0 };
	struct stream *stream = new_stream(&log, 1000, false);

	(void)state;
	feed(stream, "done\nno newline\r");
	assert_int_equal(log.lines, 1);
	stream_end(stream, 5);
	assert_int_equal(log.source_bytes, 16);
	assert_log(&log, "done\nno newline\r\n");
	stream_free(stream);
}

static void one_cr_before_the_newline_is_dropped_but_not_on_a_terminal(void **state)
{
	for (int keep = 0; keep < 2; keep++) {
		struct log log = { 0 };
		struct stream *stream = new_stream(&log, 1000, keep);

		(void)state;
		feed(stream, "a\r\nb\r\r\n\r\nc\rd\ne\r");
		feed(stream, "\nf");
		feed(stream, "\r\n");
		assert_int_equal(log.source_bytes, keep ? 19 : 14);
		assert_log(&log,
			   keep ? "a\r\nb\r\r\n\r\nc\rd\ne\r\nf\r\n" : "a\nb\r\n\nc\rd\ne\nf\n");
		stream_free(stream);
	}
}

static void a_long_line_is_handed_on_in_pieces_and_nothing_is_dropped(void **state)
{
	for (size_t line_max = 8; line_max < 40; line_max++)
		for (size_t length = 1; length < 130; length += 3)
			for (int step = 1; step < 60; step += 19) {
				struct log log = { 0 };
				struct stream *stream = new_stream(&log, line_max, false);
				char line[200], expected[200];

				(void)state;
				for (size_t i = 0; i < length; i++)
					line[i] = (char)('a' + i % 26);
				memcpy(line + length, "\r\n", 3);
				snprintf(expected, sizeof(expected), "%.*s\n", (int)length, line);
				for (size_t at = 0; at < length + 2; at += (size_t)step) {
					size_t left = length + 2 - at;

					feed_at(stream, at, line + at,
						left < (size_t)step ? left : (size_t)step, 1);
				}
				assert_int_equal(log.lines, 1);
				assert_int_equal(log.source_bytes, length + 1);
				assert_true(log.longest <= line_max);
				assert_int_equal(log.pieces, (length - 1) / line_max);
				assert_log(&log, expected);
				stream_free(stream);
			}
}

static size_t widest_piece;

static void assert_whole_utf8(void *context, const struct log_line *line)
{
	(void)context;
	assert_true(line->length == 0 || ((unsigned char)line->text[0] & 0xc0) != 0x80);
	if (line->length > widest_piece)
		widest_piece = line->length;
}

static void pieces_never_tear_a_utf8_sequence(void **state)
{
	const struct stream_handlers handlers = { .line = assert_whole_utf8,
						  .explain = say_reason };

	(void)state;
	for (size_t line_max = 8; line_max < 24; line_max++) {
		const struct stream_options options = { .id = 1,
							.output = OUTPUT_STDOUT,
							.line_max = line_max };
		struct stream *stream = NULL;

		widest_piece = 0;
		assert_int_equal(stream_new(&options, &handlers, &stream), 0);
		for (int i = 0; i < 40; i++)
			feed(stream, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x95");
		feed(stream, "\n");
		assert_true(widest_piece <= line_max && widest_piece > line_max - 4);
		stream_free(stream);
	}
}

static void bytes_without_any_boundary_are_cut_at_the_limit(void **state)
{
	struct log log = { 0 };
	struct stream *stream = new_stream(&log, 16, false);
	char text[101];

	(void)state;
	memset(text, 0x80, 100);
	text[100] = '\n';
	feed_at(stream, 0, text, 101, 1);
	assert_int_equal(log.longest, 16);
	assert_int_equal(log.source_bytes, 101);
	buffer_release(&log.text);
	stream_free(stream);
}

static void a_chunk_that_comes_early_waits_for_its_turn(void **state)
{
	struct log log = { 0 };
	struct stream *stream = new_stream(&log, 1000, false);

	(void)state;
	feed_at(stream, 4, "two\n", 4, 2);
	feed_at(stream, 8, "three\n", 6, 3);
	assert_true(stream_is_waiting(stream));
	assert_int_equal(log.lines, 0);
	feed_at(stream, 0, "one\n", 4, 1);
	assert_false(stream_is_waiting(stream));
	assert_int_equal(log.last_time_ns, 3);
	assert_log(&log, "one\ntwo\nthree\n");
	stream_free(stream);
}

static void a_hole_is_told_in_its_place_once_it_is_explained(void **state)
{
	struct log log = { 0 };
	struct stream *stream = new_stream(&log, 1000, false);

	(void)state;
	feed(stream, "before\nto");
	feed_at(stream, 109, "rn\nafter\n", 9, 2);
	stream_settle(stream, 2, 1000000);
	stream_settle(stream, 2, 1000000);
	assert_true(stream_is_waiting(stream)); /* not explained: it may still come */
	log.reason = "ring_full";
	stream_settle(stream, 2, 1000000);
	assert_false(stream_is_waiting(stream));
	assert_log(&log, "before\nto\n<ring_full:100>\nrn\nafter\n");
	stream_free(stream);
}

static void a_hole_that_nobody_explains_is_told_as_missed_in_the_end(void **state)
{
	struct log log = { 0 };
	struct stream *stream = new_stream(&log, 1000, false);

	(void)state;
	feed_at(stream, 50, "x\n", 2, 1000);
	stream_settle(stream, 1100, 500);
	stream_settle(stream, 1400, 500);
	assert_true(stream_is_waiting(stream));
	stream_settle(stream, 1500, 500);
	assert_log(&log, "<missed:50>\nx\n");
	stream_free(stream);
}

static void a_hole_that_is_told_stands_in_its_place_also_when_it_comes_early(void **state)
{
	for (int early = 0; early < 2; early++) {
		struct log log = { 0 };
		struct stream *stream = new_stream(&log, 1000, false);
		const struct stream_chunk hole = {
			.position = 9,
			.length = 5000000,
			.reason = "unreadable",
			.time_ns = 1,
		};

		(void)state;
		if (early)
			stream_feed(stream, &hole);
		feed_at(stream, 0, "before\nto", 9, 1);
		if (!early)
			stream_feed(stream, &hole);
		feed_at(stream, 5000009, "rn\nafter\n", 9, 2);
		assert_false(stream_is_waiting(stream));
		assert_int_equal(log.explained, 0);
		assert_log(&log, "before\nto\n<unreadable:5000000>\nrn\nafter\n");
		stream_free(stream);
	}
}

static void what_the_kernel_counted_and_never_came_is_a_hole_at_the_end(void **state)
{
	struct log log = { .reason = "unreadable" };
	struct stream *stream = new_stream(&log, 1000, false);

	(void)state;
	feed(stream, "seen\n");
	stream_expect(stream, 30, 9);
	assert_true(stream_is_waiting(stream));
	stream_end(stream, 10);
	assert_int_equal(stream_position(stream), 30);
	assert_log(&log, "seen\n<unreadable:25>\n");
	stream_free(stream);
}

static void an_expectation_that_is_met_is_no_hole(void **state)
{
	struct log log = { .reason = "ring_full" };
	struct stream *stream = new_stream(&log, 1000, false);

	(void)state;
	stream_expect(stream, 4, 9);
	stream_settle(stream, 10, 100);
	feed(stream, "abc\n");
	assert_false(stream_is_waiting(stream));
	stream_settle(stream, 1000, 100);
	assert_log(&log, "abc\n");
	stream_free(stream);
}

static void a_chunk_whose_hole_was_told_is_not_handed_on_again(void **state)
{
	struct log log = { .reason = "ring_full" };
	struct stream *stream = new_stream(&log, 1000, false);

	(void)state;
	feed_at(stream, 4, "two\n", 4, 1);
	stream_settle(stream, 1, 1);
	stream_settle(stream, 1, 1);
	feed_at(stream, 0, "one\n", 4, 1);
	assert_log(&log, "<ring_full:4>\ntwo\n");
	stream_free(stream);
}

static void chunks_that_wait_are_bounded(void **state)
{
	struct log log = { 0 };
	struct stream *stream = new_stream(&log, 1 << 20, false);
	static char block[65536];
	size_t most = 0;

	(void)state;
	for (uint64_t at = 1; at < 8 << 20; at += sizeof(block)) {
		feed_at(stream, at, block, sizeof(block), 1);
		if (stream_memory_bytes(stream) > most)
			most = stream_memory_bytes(stream);
	}
	assert_true(most < 4 << 20);
	buffer_release(&log.text);
	stream_free(stream);
}

/*
 * Random content, random cuts, neighbours swapped as by two CPUs: what comes out is what went in.
 */
static void any_cuts_in_nearly_any_order_give_the_same_lines(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= 400; seed++) {
		struct log log = { 0 };
		struct stream *stream = new_stream(&log, 64, false);
		char content[4001];
		size_t cuts[600], count = 0, at = 0;

		srand(seed);
		for (size_t i = 0; i < sizeof(content) - 1; i++)
			content[i] = rand() % 20 == 0 ? '\n' : (char)('a' + rand() % 26);
		content[4000] = '\0';
		content[3999] = '\n';
		while (at < 4000) {
			cuts[count++] = at;
			at += (size_t)(1 + rand() % 40);
		}
		cuts[count] = 4000;
		for (size_t i = 0; i < count; i++) {
			bool swap = i + 1 < count && rand() % 4 == 0;
			size_t first = swap ? i + 1 : i;

			feed_at(stream, cuts[first], content + cuts[first],
				cuts[first + 1] - cuts[first], 1);
			if (swap) {
				feed_at(stream, cuts[i], content + cuts[i], cuts[i + 1] - cuts[i],
					1);
				i++;
			}
		}
		assert_int_equal(log.source_bytes, 4000);
		assert_log(&log, content);
		stream_free(stream);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_cut_at_newlines_wherever_the_writes_end),
		cmocka_unit_test(an_unterminated_last_line_comes_with_the_end),
		cmocka_unit_test(one_cr_before_the_newline_is_dropped_but_not_on_a_terminal),
		cmocka_unit_test(a_long_line_is_handed_on_in_pieces_and_nothing_is_dropped),
		cmocka_unit_test(pieces_never_tear_a_utf8_sequence),
		cmocka_unit_test(bytes_without_any_boundary_are_cut_at_the_limit),
		cmocka_unit_test(a_chunk_that_comes_early_waits_for_its_turn),
		cmocka_unit_test(a_hole_is_told_in_its_place_once_it_is_explained),
		cmocka_unit_test(a_hole_that_nobody_explains_is_told_as_missed_in_the_end),
		cmocka_unit_test(a_hole_that_is_told_stands_in_its_place_also_when_it_comes_early),
		cmocka_unit_test(what_the_kernel_counted_and_never_came_is_a_hole_at_the_end),
		cmocka_unit_test(an_expectation_that_is_met_is_no_hole),
		cmocka_unit_test(a_chunk_whose_hole_was_told_is_not_handed_on_again),
		cmocka_unit_test(chunks_that_wait_are_bounded),
		cmocka_unit_test(any_cuts_in_nearly_any_order_give_the_same_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
