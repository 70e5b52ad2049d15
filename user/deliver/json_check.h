/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this text one JSON object, the whole of it? Strict (RFC 8259), and stricter where other
 * readers would choke on the record that it becomes part of: UTF-8 must be valid, surrogates
 * paired, nesting at most 100 deep. Reads each byte once and allocates nothing.
 */
#ifndef RINGTAIL_DELIVER_JSON_CHECK_H
#define RINGTAIL_DELIVER_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* Blanks before and behind it are allowed. */
bool json_check_object(const char *text, size_t length);

#endif
