/* SPDX-License-Identifier: Apache-2.0 */
/* An error with the one line for its user: what is wrong, and what to do. */
#ifndef RINGTAIL_BASE_EXPLAIN_H
#define RINGTAIL_BASE_EXPLAIN_H

/* Returns `error`; *ret_error is the text (the caller frees), or NULL when memory is out. */
int explain(int error, char **ret_error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
