/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time. BPF stamps records with CLOCK_BOOTTIME, which never jumps; users see CLOCK_REALTIME. All
 * values are nanoseconds unless the name says ms.
 */
#ifndef RINGTAIL_BASE_CLOCK_H
#define RINGTAIL_BASE_CLOCK_H

#include <stdint.h>

enum { CLOCK_RFC3339_SIZE = 31 }; /* 2026-11-22T11:03:00.123456789Z and its NUL */

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

uint64_t clock_real_ns(void);
uint64_t clock_boot_ns(void);
uint64_t clock_monotonic_ms(void);

/*
 * CLOCK_REALTIME minus CLOCK_BOOTTIME now: what is added to a record's stamp to get the wall clock.
 */
int64_t clock_real_minus_boot_ns(void);

/* UTC, always 9 digits of fraction; writes exactly CLOCK_RFC3339_SIZE bytes. */
void clock_format_rfc3339(uint64_t real_ns, char ret[static CLOCK_RFC3339_SIZE]);

#endif
