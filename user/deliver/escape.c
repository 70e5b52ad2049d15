/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/escape.h"

#include "deliver/utf8.h"

enum {
	WORD = 8,           /* bytes looked at together, and stored whole */
	CHUNK = 65536,      /* bytes of text that room is made for at once */
	LONGEST_ESCAPE = 7, /* of one byte: \\u001f */
	LONGEST_CHARACTER = 4,
	WORD_ROOM = WORD * LONGEST_ESCAPE + WORD, /* what one word can become */
};

struct escape {
	char text[LONGEST_ESCAPE];
	uint8_t size; /* 0: an ordinary byte */
};

/* The bytes that have an escape: controls, those of them with a letter, and JSON's own two. */
#define ESCAPES(CONTROL, LETTER, PUNCTUATION)                                                    \
	CONTROL(00) CONTROL(01) CONTROL(02) CONTROL(03) CONTROL(04) CONTROL(05) CONTROL(06)      \
	CONTROL(07) LETTER('\b', "b") LETTER('\t', "t") LETTER('\n', "n") CONTROL(0b)            \
	LETTER('\f', "f") LETTER('\r', "r") CONTROL(0e) CONTROL(0f) CONTROL(10) CONTROL(11)      \
	CONTROL(12) CONTROL(13) CONTROL(14) CONTROL(15) CONTROL(16) CONTROL(17) CONTROL(18)      \
	CONTROL(19) CONTROL(1a) CONTROL(1b) CONTROL(1c) CONTROL(1d) CONTROL(1e) CONTROL(1f)      \
	PUNCTUATION('"', "\"") PUNCTUATION('\\', "\\")

#define CONTROL_NONE(hex) [0x##hex] = { { 0x##hex }, 1 },
#define CONTROL_ONCE(hex) [0x##hex] = { "\\u00" #hex, 6 },
#define CONTROL_TWICE(hex) [0x##hex] = { "\\\\u00" #hex, 7 },
#define ITSELF(byte, letter) [byte] = { { byte }, 1 },
#define LETTER_ONCE(byte, letter) [byte] = { "\\" letter, 2 },
#define LETTER_TWICE(byte, letter) [byte] = { "\\\\" letter, 3 },
#define PUNCTUATION_ONCE(byte, itself) [byte] = { "\\" itself, 2 },
#define PUNCTUATION_TWICE(byte, itself) [byte] = { "\\\\\\" itself, 4 },

static const struct escape escapes[][0x80] = {
	[ESCAPE_NONE] = { ESCAPES(CONTROL_NONE, ITSELF, ITSELF) },
	[ESCAPE_ONCE] = { ESCAPES(CONTROL_ONCE, LETTER_ONCE, PUNCTUATION_ONCE) },
	[ESCAPE_TWICE] = { ESCAPES(CONTROL_TWICE, LETTER_TWICE, PUNCTUATION_TWICE) },
};

_Static_assert(sizeof(struct escape) == WORD, "an escape is copied as one word");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a word's first byte is its lowest");

/* Bytes beyond ASCII are negative here: one comparison finds them and control characters. */
typedef int8_t block __attribute__((vector_size(16)));
typedef uint64_t block_halves __attribute__((vector_size(16)));

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/*
 * The highest bit of each byte that is not ASCII or has an escape at some depth. Exact for every
 * byte: the sums do not carry, as what they add to is below 0x80 in each.
 */
static uint64_t special_bytes(uint64_t word)
{
	uint64_t ascii = word & EACH_BYTE(0x7f);
	uint64_t no_control = ascii + EACH_BYTE(0x80 - 0x20);
	uint64_t no_quote = (ascii ^ EACH_BYTE('"')) + EACH_BYTE(0x7f);
	uint64_t no_backslash = (ascii ^ EACH_BYTE('\\')) + EACH_BYTE(0x7f);

	return (word | ~(no_control & no_quote & no_backslash)) & EACH_BYTE(0x80);
}

/* The word without its first `count` bytes, which may be all. */
static uint64_t skip_bytes(uint64_t word, size_t count)
{
	return word >> (4 * count) >> (4 * count);
}

/*
 * Copies and escapes one word at `to` and returns its end; up to the first byte that is not ASCII,
 * which *ret_done tells, and *ret_counted what it cost.
 */
static char *put_word(const struct escape_run *run, uint64_t word, uint64_t special, char *to,
		      size_t *ret_done, size_t *ret_counted)
{
	const struct escape *counted = escapes[run->counted], *written = escapes[run->written];
	size_t done = 0, cost = 0;
	uint64_t rest = word;

	for (; special; special &= special - 1) {
		size_t at = (size_t)__builtin_ctzll(special) / 8;
		unsigned char byte = (unsigned char)(word >> (8 * at));

		memcpy(to, &rest, WORD);
		to += at - done;
		cost += at - done;
		done = at;
		if (byte >= 0x80)
			break;
		memcpy(to, &written[byte], WORD);
		to += written[byte].size;
		cost += counted[byte].size;
		done++;
		rest = skip_bytes(word, done);
	}
	if (!special) {
		memcpy(to, &rest, WORD);
		to += WORD - done;
		cost += WORD - done;
		done = WORD;
	}
	*ret_done = done;
	*ret_counted = cost;
	return to;
}

/* Copies whole blocks without special bytes; returns how many bytes that were. */
static size_t copy_ordinary(const char *text, size_t length, char *to)
{
	size_t done = 0;

	while (length - done >= sizeof(block)) {
		block bytes;
		block_halves special;

		memcpy(&bytes, text + done, sizeof(bytes));
		special = (block_halves)((bytes < 0x20) | (bytes == '"') | (bytes == '\\'));
		if (special[0] | special[1])
			break;
		memcpy(to + done, &bytes, sizeof(bytes));
		done += sizeof(bytes);
	}
	return done;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/*
 * Copies and escapes ASCII, a word at a time: up to the first byte that is not ASCII, to where less
 * than a word is left, or to where a word could exceed the budget or the room.
 */
static char *put_words(struct escape_run *run, char *to, const char *room_end)
{
	size_t done = WORD, cost;

	while (done == WORD && run->end - run->text >= WORD &&
	       run->budget >= WORD * LONGEST_ESCAPE && room_end - to >= WORD_ROOM) {
		uint64_t word, special;

		memcpy(&word, run->text, WORD);
		special = special_bytes(word);
		if (special) {
			to = put_word(run, word, special, to, &done, &cost);
			run->text += done;
		} else {
			size_t left = (size_t)(run->end - run->text);
			size_t room = (size_t)(room_end - to);

			cost = copy_ordinary(run->text, smallest(left, run->budget, room), to);
			if (cost == 0) {
				memcpy(to, &word, WORD);
				cost = WORD;
			}
			run->text += cost;
			to += cost;
		}
		run->budget -= cost;
	}
	return to;
}

/* Each of these writes at most one unit at `to` and returns its end; NULL: over the budget. */

static char *put_ascii(struct escape_run *run, char *to)
{
	unsigned char byte = (unsigned char)*run->text;
	const struct escape *escape = &escapes[run->written][byte];
	size_t counted = escapes[run->counted][byte].size;

	counted += !counted;
	if (counted > run->budget)
		return NULL;
	run->budget -= counted;
	run->text++;
	if (!escape->size) {
		*to = (char)byte;
		return to + 1;
	}
	memcpy(to, escape, sizeof(*escape));
	return to + escape->size;
}

static char *put_beyond_ascii(struct escape_run *run, char *to)
{
	size_t left = (size_t)(run->end - run->text);
	bool valid;
	size_t length = utf8_measure(run->text, left, &valid);
	size_t counted = valid ? length : UTF8_REPLACEMENT_SIZE;

	if (counted > run->budget)
		return NULL;
	if (!valid)
		memcpy(to, UTF8_REPLACEMENT, UTF8_REPLACEMENT_SIZE);
	else if (left >= LONGEST_CHARACTER)
		memcpy(to, run->text, LONGEST_CHARACTER); /* of a known size: no call */
	else
		memcpy(to, run->text, length);
	run->budget -= counted;
	run->text += length;
	return to + counted;
}

/*
 * Goes on as long as there is room for a word; false: the budget is used up. Works on a copy of the
 * run: bytes stored through `to` could alias the original, which would keep it out of registers.
 */
static bool put_chunk(struct escape_run *original, char **to_place, const char *room_end)
{
	struct escape_run run = *original;
	char *to = *to_place, *next = to;

	while (next && run.text < run.end && room_end - to >= WORD_ROOM) {
		bool ascii = (unsigned char)*run.text < 0x80;

		if (ascii && run.end - run.text >= WORD && run.budget >= WORD * LONGEST_ESCAPE) {
			to = put_words(&run, to, room_end);
			continue;
		}
		next = ascii ? put_ascii(&run, to) : put_beyond_ascii(&run, to);
		to = next ? next : to;
	}
	*original = run;
	*to_place = to;
	return next;
}

int escape_append(struct escape_run *run, struct buffer *out)
{
	bool in_budget = true;

	while (in_budget && run->text < run->end) {
		size_t left = (size_t)(run->end - run->text);
		char *to;
		int r = buffer_reserve(out, (left < CHUNK ? left : CHUNK) + WORD_ROOM);

		if (r < 0)
			return r;
		to = out->data + out->size;
		in_budget = put_chunk(run, &to, out->data + out->capacity);
		out->size = (size_t)(to - out->data);
	}
	return 0;
}

int escape_append_all(enum escape_depth depth, const char *text, size_t length, struct buffer *out)
{
	struct escape_run run = {
		.text = text,
		.end = text + length,
		.counted = ESCAPE_NONE,
		.written = depth,
		.budget = SIZE_MAX,
	};

	return escape_append(&run, out);
}

int escape_append_decimal(uint64_t number, struct buffer *out)
{
	char digits[20]; /* UINT64_MAX has 20 */
	size_t first = sizeof(digits);

	do
		digits[--first] = (char)('0' + number % 10);
	while (number /= 10);
	return buffer_append(out, digits + first, sizeof(digits) - first);
}
