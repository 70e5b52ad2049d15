/* SPDX-License-Identifier: Apache-2.0 */
#include "control/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *suffix;
	uint64_t factor;
};

/* Largest first, for formatting. */
static const struct unit size_units[] = {
	{ "GiB", UINT64_C(1) << 30 },
	{ "MiB", UINT64_C(1) << 20 },
	{ "KiB", UINT64_C(1) << 10 },
	{ "", 1 },
	{ 0 },
};

static const struct unit duration_units[] = {
	{ "d", UINT64_C(86400000) },
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
	{ 0 },
};

static int parse_digits(const char *text, uint64_t *ret, const char **ret_end)
{
	uint64_t value = 0;
	const char *at;

	for (at = text; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			return -ERANGE;
	if (at == text)
		return -EINVAL;
	*ret = value;
	*ret_end = at;
	return 0;
}

static int parse_with_unit(const char *text, const struct unit *units, uint64_t *ret)
{
	const char *suffix;
	uint64_t value;
	int r = parse_digits(text, &value, &suffix);

	if (r < 0)
		return r;
	for (const struct unit *unit = units; unit->suffix; unit++) {
		if (strcmp(unit->suffix, suffix) != 0)
			continue;
		if (__builtin_mul_overflow(value, unit->factor, &value))
			return -ERANGE;
		*ret = value;
		return 0;
	}
	return -EINVAL;
}

int units_parse_number(const char *text, uint64_t *ret)
{
	static const struct unit none[] = { { "", 1 }, { 0 } };

	return parse_with_unit(text, none, ret);
}

int units_parse_size(const char *text, uint64_t *ret)
{
	return parse_with_unit(text, size_units, ret);
}

int units_parse_duration_ms(const char *text, uint64_t *ret)
{
	return parse_with_unit(text, duration_units, ret);
}

void units_format_number(uint64_t value, char ret[static UNITS_TEXT_SIZE])
{
	snprintf(ret, UNITS_TEXT_SIZE, "%" PRIu64, value);
}

void units_format_size(uint64_t bytes, char ret[static UNITS_TEXT_SIZE])
{
	const struct unit *unit = size_units;

	while (bytes % unit->factor != 0 || (bytes == 0 && unit->factor > 1))
		unit++;
	snprintf(ret, UNITS_TEXT_SIZE, "%" PRIu64 "%s", bytes / unit->factor, unit->suffix);
}

void units_format_duration(uint64_t ms, char ret[static UNITS_TEXT_SIZE])
{
	const struct unit *unit = duration_units;

	if (ms == 0) {
		strcpy(ret, "0s");
		return;
	}
	while (ms % unit->factor != 0 ||
	       (ms == unit->factor && ms > 1000)) /* 60s reads better than 1m */
		unit++;
	snprintf(ret, UNITS_TEXT_SIZE, "%" PRIu64 "%s", ms / unit->factor, unit->suffix);
}
