/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that users wrote, before it is trusted: UTF-8 is checked, and whatever goes into a message
 * or a YAML comment is made one printable line first. Complaints are built here so that every one
 * of them has the same manners.
 */
#ifndef RINGTAIL_CONTROL_TEXT_H
#define RINGTAIL_CONTROL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Moves *at behind one code point; -EILSEQ when the bytes are no UTF-8 (surrogates, overlong forms
 * too).
 */
int text_next(const char **at, uint32_t *ret);
/* Valid UTF-8; without `controls` also free of C0, C1 and DEL. */
bool text_is_clean(const char *text, bool controls);
/* Code points of clean text. */
size_t text_length(const char *text);

enum { TEXT_SHOWN_SIZE = 100 };
/* The text for a message: control and foreign bytes as \xNN, cut with "..." where it gets long. */
void text_show(const char *text, char ret[static TEXT_SHOWN_SIZE]);

/*
 * How many letters must change to make one of the other (Levenshtein); long text counts as far
 * away.
 */
size_t text_distance(const char *a, const char *b);
/* Whether a distance is small enough, for a name of that length, to ask "did you mean". */
bool text_is_near(const char *typed, size_t distance);

/*
 * Fills *ret_error (caller frees) and returns -EINVAL; -ENOMEM when that fails, *ret_error is NULL
 * then.
 */
int text_complain(char **ret_error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
