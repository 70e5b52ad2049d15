/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as users write them: sizes are bytes or whole KiB, MiB, GiB; durations always carry a
 * unit, ms s m h d. Digits only: no sign, blank, fraction or exponent. Parsing gives -EINVAL for
 * what is no number of that kind and -ERANGE for one that does not fit into 64 bits; *ret is
 * untouched then. Formatting gives the largest unit that divides the value (but 60s, 60m, 24h
 * rather than one of the next), and what it gives parses back to the same value.
 */
#ifndef RINGTAIL_CONTROL_UNITS_H
#define RINGTAIL_CONTROL_UNITS_H

#include <stdint.h>

enum { UNITS_TEXT_SIZE = 32 };

int units_parse_number(const char *text, uint64_t *ret);
int units_parse_size(const char *text, uint64_t *ret);
int units_parse_duration_ms(const char *text, uint64_t *ret);

void units_format_number(uint64_t value, char ret[static UNITS_TEXT_SIZE]);
void units_format_size(uint64_t bytes, char ret[static UNITS_TEXT_SIZE]);
void units_format_duration(uint64_t ms, char ret[static UNITS_TEXT_SIZE]);

#endif
