/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes YAML scalars: plain where any YAML reader takes them for the same text, else in double
 * quotes with all that is not printable escaped. Text is UTF-8; bytes that are not become U+FFFD.
 * Errors stay in the FILE.
 */
#ifndef RINGTAIL_CONTROL_YAML_TEXT_H
#define RINGTAIL_CONTROL_YAML_TEXT_H

#include <stdio.h>

#include <jansson.h>

/* In block context braces and colons are plain text; inside [ ] and { } they are not. */
enum yaml_context { YAML_BLOCK, YAML_FLOW };

void yaml_write_text(FILE *out, enum yaml_context context, const char *text);
/* Arrays and objects of texts in flow style: one line. */
void yaml_write_json(FILE *out, const json_t *value);

#endif
