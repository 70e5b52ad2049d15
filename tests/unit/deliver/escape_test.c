/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>

#include "deliver/escape.h"
#include "deliver/utf8_reference.h"

#define R "\xef\xbf\xbd"

static void assert_text(const struct buffer *buffer, const char *expected, size_t length)
{
	assert_int_equal(buffer->size, length);
	assert_memory_equal(buffer->data, expected, length);
}

/* The contract's words, one byte at a time. */
static void escape_slowly(const char *text, size_t length, struct buffer *ret)
{
	static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		bool done = false;

		for (size_t l = 0; !done && letters[l]; l += 2)
			if (c == (unsigned char)letters[l]) {
				buffer_printf(ret, "\\%c", letters[l + 1]);
				done = true;
			}
		if (!done && c < 0x20)
			buffer_printf(ret, "\\u%04x", c);
		else if (!done)
			buffer_append(ret, &c, 1);
	}
}

static void expect(enum escape_depth depth, const char *text, size_t length, struct buffer *ret)
{
	_cleanup_buffer_ struct buffer repaired = { 0 }, once = { 0 };

	utf8_reference_repair(text, length, &repaired);
	escape_slowly(repaired.data, repaired.size, &once);
	if (depth == ESCAPE_NONE)
		buffer_append(ret, repaired.data, repaired.size);
	else if (depth == ESCAPE_ONCE)
		buffer_append(ret, once.data, once.size);
	else
		escape_slowly(once.data, once.size, ret);
}

static void assert_as_expected(const char *text, size_t length)
{
	for (int depth = ESCAPE_NONE; depth <= ESCAPE_TWICE; depth++) {
		_cleanup_buffer_ struct buffer got = { 0 }, expected = { 0 };

		assert_int_equal(escape_append_all(depth, text, length, &got), 0);
		expect(depth, text, length, &expected);
		assert_text(&got, expected.data, expected.size);
	}
}

static void each_ascii_byte_has_its_escape_once_and_twice(void **state)
{
	static const struct {
		const char *byte, *once, *twice;
	} rows[] = {
		{ "\x01", "\\u0001", "\\\\u0001" },
		{ "\x0b", "\\u000b", "\\\\u000b" },
		{ "\x1f", "\\u001f", "\\\\u001f" },
		{ "\b", "\\b", "\\\\b" },
		{ "\t", "\\t", "\\\\t" },
		{ "\n", "\\n", "\\\\n" },
		{ "\f", "\\f", "\\\\f" },
		{ "\r", "\\r", "\\\\r" },
		{ "\"", "\\\"", "\\\\\\\"" },
		{ "\\", "\\\\", "\\\\\\\\" },
		{ "/", "/", "/" },
		{ "\x7f", "\x7f", "\x7f" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_buffer_ struct buffer once = { 0 }, twice = { 0 };

		assert_int_equal(escape_append_all(ESCAPE_ONCE, rows[i].byte, 1, &once), 0);
		assert_int_equal(escape_append_all(ESCAPE_TWICE, rows[i].byte, 1, &twice), 0);
		assert_text(&once, rows[i].once, strlen(rows[i].once));
		assert_text(&twice, rows[i].twice, strlen(rows[i].twice));
	}
}

static void every_byte_at_every_place_in_a_word_is_right(void **state)
{
	(void)state;
	for (unsigned int byte = 0; byte < 256; byte++)
		for (size_t at = 0; at < 24; at++) {
			char text[25];

			memset(text, 'a', sizeof(text));
			text[at] = (char)byte;
			assert_as_expected(text, sizeof(text));
			/* The word test's subtraction borrows: look at what stands behind it. */
			text[at + 1] = '#';
			assert_as_expected(text, sizeof(text));
			text[at + 1] = ']';
			assert_as_expected(text, sizeof(text));
			text[at + 1] = ' ';
			assert_as_expected(text, sizeof(text));
		}
}

static void invalid_utf8_becomes_one_replacement_per_maximal_subpart(void **state)
{
	static const struct {
		const char *text, *repaired;
	} rows[] = {
		/* Unicode 15, tables 3-8 to 3-11. */
		{ "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", R R R R R R R R "A" },
		{ "\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", R R R R R R R R "A" },
		{ "\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", R R R R R "A" R R "B" },
		{ "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", R R R R "A" },
		/* Ends in the middle. */
		{ "a\xc3", "a" R },
		{ "a\xe2\x82", "a" R },
		{ "a\xf0\x9f\x98", "a" R },
		{ "a\xf0\x9f\x98\xf0\x9f\x98", "a" R R },
		/* Valid, at the bounds of each row of table 3-7. */
		{ "\xc2\x80\xdf\xbf", "\xc2\x80\xdf\xbf" },
		{ "\xe0\xa0\x80\xed\x9f\xbf", "\xe0\xa0\x80\xed\x9f\xbf" },
		{ "\xee\x80\x80\xef\xbf\xbf", "\xee\x80\x80\xef\xbf\xbf" },
		{ "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
		/* Beyond them. */
		{ "\xe0\x9f\xbf", R R R },
		{ "\xf0\x8f\xbf\xbf", R R R R },
		{ "\xf4\x90\x80\x80", R R R R },
		{ "\xf5\x80\x80\x80", R R R R },
		{ "\xfe\xff", R R },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_buffer_ struct buffer got = { 0 };
		size_t length = strlen(rows[i].text);

		assert_int_equal(escape_append_all(ESCAPE_NONE, rows[i].text, length, &got), 0);
		assert_text(&got, rows[i].repaired, strlen(rows[i].repaired));
		assert_as_expected(rows[i].text, length);
	}
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/*
 * Mostly bytes at which something changes: the borders of the tables, and what begins or goes on.
 */
static char interesting_byte(uint32_t *seed)
{
	static const char bytes[] =
		"\x00\x09\x0a\x0b\x1f\x20\x21\"#[\\]\x7f\x80\x8f\x90\x9f\xa0\xbf\xc1"
		"\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff"
		"abcdefgh";

	return bytes[next_random(seed) % (sizeof(bytes) - 1)];
}

static void random_bytes_agree_with_the_slow_way(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[64];
		size_t length = next_random(&seed) % sizeof(text);

		for (size_t i = 0; i < length; i++)
			text[i] = interesting_byte(&seed);
		assert_as_expected(text, length);
	}
}

static void long_texts_of_the_longest_escapes_are_whole(void **state)
{
	static char text[10001];

	(void)state;
	for (size_t shift = 0; shift < 9; shift++) {
		memset(text, 'a', sizeof(text));
		memset(text + shift, 0x1f, sizeof(text) - shift);
		assert_as_expected(text, sizeof(text));
		memset(text + shift, 0xff, sizeof(text) - shift);
		assert_as_expected(text, sizeof(text));
	}
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "\xf0\x9f\x98\x80"[i % 4];
	assert_as_expected(text, sizeof(text));
}

/* Units that are never split: what they count at ESCAPE_ONCE. */
static void a_budget_cuts_between_characters_and_takes_all_that_fits(void **state)
{
	static const char text[] =
		"ab\"\n\x01\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xff\xe2\x82yz12345678901";
	static const size_t units[] = { 1, 1, 2, 2, 6, 2, 3, 4, 3, 3, 1, 1,
					1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	static const size_t sources[] = { 1, 1, 1, 1, 1, 2, 3, 4, 1, 2, 1, 1,
					  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };

	(void)state;
	for (size_t budget = 0; budget < 45; budget++) {
		_cleanup_buffer_ struct buffer out = { 0 }, expected = { 0 };
		struct escape_run run = { .text = text,
					  .end = text + sizeof(text) - 1,
					  .counted = ESCAPE_ONCE,
					  .written = ESCAPE_TWICE,
					  .budget = budget };
		size_t counted = 0, source = 0;

		for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
			if (counted + units[i] > budget)
				break;
			counted += units[i];
			source += sources[i];
		}
		assert_int_equal(escape_append(&run, &out), 0);
		assert_int_equal(run.text - text, source);
		assert_int_equal(budget - run.budget, counted);
		expect(ESCAPE_TWICE, text, source, &expected);
		assert_text(&out, expected.data, expected.size);
	}
}

static void numbers_are_written_in_full(void **state)
{
	_cleanup_buffer_ struct buffer out = { 0 };

	(void)state;
	assert_int_equal(escape_append_decimal(0, &out), 0);
	assert_int_equal(buffer_append(&out, " ", 1), 0);
	assert_int_equal(escape_append_decimal(1792666980123, &out), 0);
	assert_int_equal(buffer_append(&out, " ", 1), 0);
	assert_int_equal(escape_append_decimal(UINT64_MAX, &out), 0);
	assert_text(&out, "0 1792666980123 18446744073709551615", 36);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_ascii_byte_has_its_escape_once_and_twice),
		cmocka_unit_test(every_byte_at_every_place_in_a_word_is_right),
		cmocka_unit_test(invalid_utf8_becomes_one_replacement_per_maximal_subpart),
		cmocka_unit_test(random_bytes_agree_with_the_slow_way),
		cmocka_unit_test(long_texts_of_the_longest_escapes_are_whole),
		cmocka_unit_test(a_budget_cuts_between_characters_and_takes_all_that_fits),
		cmocka_unit_test(numbers_are_written_in_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
