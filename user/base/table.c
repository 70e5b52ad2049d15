/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include <assert.h>
#include <errno.h>

enum { SMALLEST = 16 }; /* slots, a power of two */

struct slot {
	uint64_t key;
	void *value; /* NULL: free */
};

struct table {
	struct slot *slots;
	size_t capacity; /* a power of two; at most three quarters are in use */
	size_t count;
};

int table_new(struct table **ret)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->slots = calloc(SMALLEST, sizeof(*table->slots));
	if (!table->slots) {
		free(table);
		return -ENOMEM;
	}
	table->capacity = SMALLEST;
	*ret = table;
	return 0;
}

struct table *table_free(struct table *table)
{
	if (table) {
		free(table->slots);
		free(table);
	}
	return NULL;
}

/* Fibonacci hashing: keys are counters and pointers, their low bits alone would cluster. */
static size_t home_of(const struct table *table, uint64_t key)
{
	return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (table->capacity - 1);
}

static struct slot *find_slot(const struct table *table, uint64_t key)
{
	size_t at = home_of(table, key);

	while (table->slots[at].value && table->slots[at].key != key)
		at = (at + 1) & (table->capacity - 1);
	return &table->slots[at];
}

static int grow(struct table *table)
{
	struct table larger = { .capacity = table->capacity * 2, .count = table->count };

	larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < table->capacity; i++)
		if (table->slots[i].value)
			*find_slot(&larger, table->slots[i].key) = table->slots[i];
	free(table->slots);
	*table = larger;
	return 0;
}

void *table_get(const struct table *table, uint64_t key)
{
	return find_slot(table, key)->value;
}

int table_put(struct table *table, uint64_t key, void *value)
{
	struct slot *slot;
	int r;

	assert(value);
	if ((table->count + 1) * 4 > table->capacity * 3) {
		r = grow(table);
		if (r < 0)
			return r;
	}
	slot = find_slot(table, key);
	if (slot->value)
		return -EEXIST;
	*slot = (struct slot){ .key = key, .value = value };
	table->count++;
	return 0;
}

/*
 * Closes the gap by moving back what probing had pushed past it, so that no tombstones are needed.
 */
void *table_remove(struct table *table, uint64_t key)
{
	size_t mask = table->capacity - 1;
	struct slot *slot = find_slot(table, key);
	void *value = slot->value;
	size_t hole = (size_t)(slot - table->slots);

	if (!value)
		return NULL;
	for (size_t at = (hole + 1) & mask; table->slots[at].value; at = (at + 1) & mask) {
		size_t home = home_of(table, table->slots[at].key);

		if (((at - home) & mask) >= ((at - hole) & mask)) {
			table->slots[hole] = table->slots[at];
			hole = at;
		}
	}
	table->slots[hole].value = NULL;
	table->count--;
	return value;
}

size_t table_count(const struct table *table)
{
	return table->count;
}

void *table_next(const struct table *table, size_t *cursor)
{
	while (*cursor < table->capacity) {
		struct slot *slot = &table->slots[(*cursor)++];

		if (slot->value)
			return slot->value;
	}
	return NULL;
}
