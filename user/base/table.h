/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table from 64-bit keys (cgroup ids, pipe numbers) to pointers, open addressing, owned by
 * one thread. Any key is valid; values are not NULL and stay the caller's. Looking up costs no
 * allocation.
 */
#ifndef RINGTAIL_BASE_TABLE_H
#define RINGTAIL_BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct table;

int table_new(struct table **ret);
struct table *table_free(struct table *table);
DEFINE_CLEANUP(struct table *, table_free)

void *table_get(const struct table *table, uint64_t key);
/* -EEXIST when the key is there already, -ENOMEM. */
int table_put(struct table *table, uint64_t key, void *value);
/* Returns what was removed, or NULL. */
void *table_remove(struct table *table, uint64_t key);
size_t table_count(const struct table *table);

/*
 * Walks all values in no order: start with *cursor = 0, ends with NULL. The table must not be
 * changed during a walk.
 */
void *table_next(const struct table *table, size_t *cursor);

#endif
