/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>

#include "base/table.h"

enum { KEYS = 3000 };

static void what_was_put_is_found_under_its_key_alone(void **state)
{
	static const uint64_t keys[] = { 0, 1, UINT64_MAX, UINT64_C(1) << 63,
					 UINT64_C(0xffff888000000000) };
	_cleanup_(table_freep) struct table *table = NULL;
	int values[5];

	(void)state;
	assert_int_equal(table_new(&table), 0);
	assert_int_equal(table_count(table), 0);
	for (size_t i = 0; i < 5; i++) {
		assert_null(table_get(table, keys[i]));
		assert_int_equal(table_put(table, keys[i], &values[i]), 0);
	}
	for (size_t i = 0; i < 5; i++)
		assert_ptr_equal(table_get(table, keys[i]), &values[i]);
	assert_null(table_get(table, 2));
	assert_int_equal(table_count(table), 5);
}

static void a_key_is_put_once(void **state)
{
	_cleanup_(table_freep) struct table *table = NULL;
	int one, other;

	(void)state;
	assert_int_equal(table_new(&table), 0);
	assert_int_equal(table_put(table, 7, &one), 0);
	assert_int_equal(table_put(table, 7, &other), -EEXIST);
	assert_ptr_equal(table_get(table, 7), &one);
	assert_int_equal(table_count(table), 1);
}

static void removing_returns_the_value_once(void **state)
{
	_cleanup_(table_freep) struct table *table = NULL;
	int value;

	(void)state;
	assert_int_equal(table_new(&table), 0);
	assert_null(table_remove(table, 7));
	assert_int_equal(table_put(table, 7, &value), 0);
	assert_ptr_equal(table_remove(table, 7), &value);
	assert_null(table_remove(table, 7));
	assert_null(table_get(table, 7));
	assert_int_equal(table_count(table), 0);
	assert_int_equal(table_put(table, 7, &value), 0);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *seed >> 33;
}

/* Keys as they come: cgroup ids in a row, pointers with low bits of zero. */
static uint64_t key_of(size_t i)
{
	return i % 2 ? i : UINT64_C(0xffff888000000000) + i * 4096;
}

static void a_random_walk_agrees_with_a_plain_array(void **state)
{
	static char values[KEYS];
	static bool present[KEYS];
	_cleanup_(table_freep) struct table *table = NULL;
	uint64_t seed = 1;
	size_t count = 0;

	(void)state;
	assert_int_equal(table_new(&table), 0);
	for (int step = 0; step < 200000; step++) {
		/* Grows, shrinks, grows: chains are broken and mended all the time. */
		bool put = next_random(&seed) % 100 < (step / 20000 % 2 ? 30u : 70u);
		size_t i = next_random(&seed) % KEYS;

		assert_ptr_equal(table_get(table, key_of(i)), present[i] ? &values[i] : NULL);
		if (put) {
			assert_int_equal(table_put(table, key_of(i), &values[i]),
					 present[i] ? -EEXIST : 0);
			count += !present[i];
		} else {
			assert_ptr_equal(table_remove(table, key_of(i)),
					 present[i] ? &values[i] : NULL);
			count -= present[i];
		}
		present[i] = put;
		assert_int_equal(table_count(table), count);
	}
	for (size_t i = 0; i < KEYS; i++)
		assert_ptr_equal(table_get(table, key_of(i)), present[i] ? &values[i] : NULL);
}

static void a_walk_sees_each_value_once(void **state)
{
	static char values[KEYS], seen[KEYS];
	_cleanup_(table_freep) struct table *table = NULL;
	size_t cursor = 0, count = 0;
	char *value;

	(void)state;
	assert_int_equal(table_new(&table), 0);
	assert_null(table_next(table, &cursor));
	for (size_t i = 0; i < KEYS; i++)
		assert_int_equal(table_put(table, key_of(i), &values[i]), 0);
	cursor = 0;
	while ((value = table_next(table, &cursor)) != NULL) {
		assert_int_equal(seen[value - values], 0);
		seen[value - values] = 1;
		count++;
	}
	assert_int_equal(count, KEYS);
	assert_null(table_next(table, &cursor));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_found_under_its_key_alone),
		cmocka_unit_test(a_key_is_put_once),
		cmocka_unit_test(removing_returns_the_value_once),
		cmocka_unit_test(a_random_walk_agrees_with_a_plain_array),
		cmocka_unit_test(a_walk_sees_each_value_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
