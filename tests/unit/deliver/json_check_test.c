/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "deliver/json_check.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void objects_are_known(void **state)
{
	static const char *const texts[] = {
		"{}",
		" \t\r\n{ \t\r\n} \t\r\n",
		"{\"a\":1}",
		"{\"a\":{\"b\":[1,-2,0,-0,3.25,1e9,1E+2,1e-2,-0.5e0]},\"c\":[true,false,null,{}]}",
		"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\\u0000\"}",
		"{\"\":\"\"}",
		"{\"a\":1,\"a\":2}",
		"{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\x7f\"}",
		"{ \"a\" : [ 1 , 2 ] , \"b\" : { } }",
		"{\"huge\":123456789012345678901234567890e999}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		if (!json_check_object(texts[i], strlen(texts[i])))
			fail_msg("refused: %s", texts[i]);
}

static void what_is_not_quite_an_object_is_none(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"{",
		"}",
		"[]",
		"[{}]",
		"1",
		"\"a\"",
		"null",
		"true",
		"{}{}",
		"{} x",
		"x{}",
		"{},",
		"\v{}",
		"\xef\xbb\xbf{}",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{,\"a\":1}",
		"{\"a\":1 \"b\":2}",
		"{\"a\" 1}",
		"{a:1}",
		"{'a':1}",
		"{1:1}",
		"{\"a\":[1,]}",
		"{\"a\":[,1]}",
		"{\"a\":[1 2]}",
		"{\"a\":[1}",
		"{\"a\":[1}}",
		"{\"a\":{]}",
		"{\"a\":01}",
		"{\"a\":-}",
		"{\"a\":+1}",
		"{\"a\":.5}",
		"{\"a\":1.}",
		"{\"a\":1.e1}",
		"{\"a\":1e}",
		"{\"a\":1e+}",
		"{\"a\":1e1.5}",
		"{\"a\":-01}",
		"{\"a\":0x10}",
		"{\"a\":NaN}",
		"{\"a\":Infinity}",
		"{\"a\":tru}",
		"{\"a\":truex}",
		"{\"a\":True}",
		"{\"a\":nul",
		"{\"a",
		"{\"a\\",
		"{\"a\\\"",
		"{\"a\":\"\n\"}",
		"{\"a\":\"\x1f\"}",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12\"}",
		"{\"a\":\"\\u12g4\"}",
		"{\"a\":\"\\ud83d\"}",
		"{\"a\":\"\\ud83dx\"}",
		"{\"a\":\"\\ude00\"}",
		"{\"a\":\"\\ude00\\ude00\"}",
		"{\"a\":\"\\ud83d\\ud83d\"}",
		"{\"a\":\"\\ud83d\\n\"}",
		"{\"a\":\"\\ud83d\\u0041\"}",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"\xc3\"}",
		"{\"\xed\xa0\x80\":1}",
		"{\"a\":1}//",
		"{/**/}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		if (json_check_object(texts[i], strlen(texts[i])))
			fail_msg("taken: %s", texts[i]);
	assert_false(json_check_object("{}\0", 3));
	assert_false(json_check_object("{\"a\":\"\0\"}", 9));
	assert_false(json_check_object("{\"a\":\"\\\0\"}", 10));
}

static void nothing_is_read_behind_the_end(void **state)
{
	static const char whole[] =
		"{\"a\":[1.5e3,true,\"\\u00e9\\uD83D\\uDE00\xf0\x9f\x98\x80\"]}";

	(void)state;
	for (size_t length = 0; length < sizeof(whole) - 1; length++) {
		char *copy = malloc(length ? length : 1); /* the sanitizer watches its end */

		memcpy(copy, whole, length);
		assert_false(json_check_object(copy, length));
		free(copy);
	}
	assert_true(json_check_object(whole, sizeof(whole) - 1));
}

static void nesting_is_bounded(void **state)
{
	static char text[1 << 20];
	size_t length = 0;

	(void)state;
	memcpy(text, "{\"a\":", 5);
	memset(text + 5, '[', 99);
	memset(text + 104, ']', 99);
	text[203] = '}';
	assert_true(json_check_object(text, 204));
	memset(text + 5, '[', 100);
	memset(text + 105, ']', 100);
	text[205] = '}';
	assert_false(json_check_object(text, 206));
	while (length + 5 <= sizeof(text)) {
		memcpy(text + length, "{\"a\":", 5);
		length += 5;
	}
	assert_false(json_check_object(text, length));
}

static void siblings_are_not_nested(void **state)
{
	char text[1024] = "{\"a\":[{}";

	(void)state;
	for (int i = 0; i < 200; i++)
		strcat(text, ",[]");
	strcat(text, "]}");
	assert_true(json_check_object(text, strlen(text)));
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Numbers stay small here: jansson also refuses what overflows its own types. */
static void mutated_objects_are_judged_as_jansson_does(void **state)
{
	static const char seedling[] =
		"{\"k\":[1,-2.5e1,\"a\\n\\u0041\",true,null],\"\xc3\xa9\":{\"x\":\"\\\"\"}} ";
	static const char bytes[] = "{}[]\",:\\/u01-+.eE \nadbtrufn\x80\xc3\xa9";
	uint32_t seed = 7;
	size_t accepted = 0;

	(void)state;
	for (int round = 0; round < 100000; round++) {
		char text[sizeof(seedling)];
		size_t length = sizeof(seedling) - 1;
		json_t *value;
		bool expected;

		memcpy(text, seedling, sizeof(text));
		for (uint32_t changes = 1 + next_random(&seed) % 3; changes > 0; changes--)
			text[next_random(&seed) % length] =
				bytes[next_random(&seed) % (sizeof(bytes) - 1)];
		value = json_loadb(text, length, JSON_ALLOW_NUL, NULL);
		expected = json_is_object(value);
		json_decref(value);
		if (json_check_object(text, length) != expected)
			fail_msg("%.*s: jansson says %d", (int)length, text, expected);
		accepted += expected;
	}
	assert_true(accepted > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_known),
		cmocka_unit_test(what_is_not_quite_an_object_is_none),
		cmocka_unit_test(nothing_is_read_behind_the_end),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(siblings_are_not_nested),
		cmocka_unit_test(mutated_objects_are_judged_as_jansson_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
