/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/buffer.h"

static void a_zeroed_buffer_is_empty_and_grows(void **state)
{
	_cleanup_buffer_ struct buffer buffer = { 0 };
	char expected[10000];

	(void)state;
	for (size_t i = 0; i < sizeof(expected); i++) {
		expected[i] = (char)(i * 7);
		assert_int_equal(buffer_append(&buffer, &expected[i], 1), 0);
		assert_true(buffer.size <= buffer.capacity);
	}
	assert_int_equal(buffer.size, sizeof(expected));
	assert_memory_equal(buffer.data, expected, sizeof(expected));
	assert_true(buffer.capacity < 2 * sizeof(expected));
}

static void nothing_can_be_appended(void **state)
{
	_cleanup_buffer_ struct buffer buffer = { 0 };

	(void)state;
	assert_int_equal(buffer_append(&buffer, NULL, 0), 0);
	assert_int_equal(buffer_append_text(&buffer, ""), 0);
	assert_int_equal(buffer_printf(&buffer, "%s", ""), 0);
	assert_int_equal(buffer.size, 0);
}

static void reserving_makes_room_and_keeps_the_content(void **state)
{
	_cleanup_buffer_ struct buffer buffer = { 0 };

	(void)state;
	assert_int_equal(buffer_append_text(&buffer, "abc"), 0);
	assert_int_equal(buffer_reserve(&buffer, 5000), 0);
	assert_int_equal(buffer.size, 3);
	memset(buffer.data + buffer.size, 'x', 5000); /* the sanitizer watches */
	assert_memory_equal(buffer.data, "abcx", 4);
}

static void impossible_sizes_fail_and_change_nothing(void **state)
{
	_cleanup_buffer_ struct buffer buffer = { 0 };

	(void)state;
	assert_int_equal(buffer_append_text(&buffer, "abc"), 0);
	assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), -ENOMEM);
	assert_int_equal(buffer_reserve(&buffer, SIZE_MAX - 2), -ENOMEM);
	assert_int_equal(buffer_reserve(&buffer, SIZE_MAX / 2), -ENOMEM);
	assert_int_equal(buffer.size, 3);
	assert_memory_equal(buffer.data, "abc", 3);
}

static void printf_appends_text_of_any_length(void **state)
{
	_cleanup_buffer_ struct buffer buffer = { 0 };

	(void)state;
	assert_int_equal(buffer_printf(&buffer, "%d-%s", 42, "x"), 0);
	assert_int_equal(buffer_printf(&buffer, "%0*d", 300, 7), 0);
	assert_int_equal(buffer.size, 304);
	assert_memory_equal(buffer.data, "42-x0", 5);
	assert_int_equal(buffer.data[303], '7');
}

static void consuming_drops_from_the_front(void **state)
{
	_cleanup_buffer_ struct buffer buffer = { 0 };

	(void)state;
	buffer_append_text(&buffer, "abcdef");
	buffer_consume(&buffer, 0);
	assert_int_equal(buffer.size, 6);
	buffer_consume(&buffer, 2);
	assert_int_equal(buffer.size, 4);
	assert_memory_equal(buffer.data, "cdef", 4);
	buffer_consume(&buffer, 4);
	assert_int_equal(buffer.size, 0);
}

static void a_released_buffer_can_be_used_again(void **state)
{
	_cleanup_buffer_ struct buffer buffer = { 0 };

	(void)state;
	buffer_append_text(&buffer, "abc");
	buffer_clear(&buffer);
	assert_int_equal(buffer.size, 0);
	assert_true(buffer.capacity > 0);
	buffer_release(&buffer);
	assert_null(buffer.data);
	assert_int_equal(buffer.capacity, 0);
	assert_int_equal(buffer_append_text(&buffer, "def"), 0);
	assert_memory_equal(buffer.data, "def", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zeroed_buffer_is_empty_and_grows),
		cmocka_unit_test(nothing_can_be_appended),
		cmocka_unit_test(reserving_makes_room_and_keeps_the_content),
		cmocka_unit_test(impossible_sizes_fail_and_change_nothing),
		cmocka_unit_test(printf_appends_text_of_any_length),
		cmocka_unit_test(consuming_drops_from_the_front),
		cmocka_unit_test(a_released_buffer_can_be_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
