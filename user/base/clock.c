/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t clock_real_ns(void)
{
	return read_clock_ns(CLOCK_REALTIME);
}

uint64_t clock_boot_ns(void)
{
	return read_clock_ns(CLOCK_BOOTTIME);
}

uint64_t clock_monotonic_ms(void)
{
	return read_clock_ns(CLOCK_MONOTONIC) / NS_PER_MS;
}

/*
 * The pair of readings that lie closest together bounds the error to their distance: well below a
 * microsecond.
 */
int64_t clock_real_minus_boot_ns(void)
{
	uint64_t best_width = UINT64_MAX;
	int64_t offset = 0;

	for (int i = 0; i < 3; i++) {
		uint64_t before = clock_boot_ns();
		uint64_t real = clock_real_ns();
		uint64_t width = clock_boot_ns() - before;

		if (width < best_width) {
			best_width = width;
			offset = (int64_t)(real - before - width / 2);
		}
	}
	return offset;
}

static void put_digits(char *to, unsigned int value, int digits)
{
	while (digits-- > 0) {
		to[digits] = (char)('0' + value % 10);
		value /= 10;
	}
}

void clock_format_rfc3339(uint64_t real_ns, char ret[static CLOCK_RFC3339_SIZE])
{
	static const char shape[CLOCK_RFC3339_SIZE] = "0000-00-00T00:00:00.000000000Z";
	time_t seconds = (time_t)(real_ns / NS_PER_S);
	struct tm utc;

	gmtime_r(&seconds, &utc);
	for (int i = 0; i < CLOCK_RFC3339_SIZE; i++)
		ret[i] = shape[i];
	put_digits(ret, (unsigned int)utc.tm_year + 1900, 4);
	put_digits(ret + 5, (unsigned int)utc.tm_mon + 1, 2);
	put_digits(ret + 8, (unsigned int)utc.tm_mday, 2);
	put_digits(ret + 11, (unsigned int)utc.tm_hour, 2);
	put_digits(ret + 14, (unsigned int)utc.tm_min, 2);
	put_digits(ret + 17, (unsigned int)utc.tm_sec, 2);
	put_digits(ret + 20, (unsigned int)(real_ns % NS_PER_S), 9);
}
