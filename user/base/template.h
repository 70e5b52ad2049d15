/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names with variables: `/eks/${cluster}/containers`. `$${` is a literal `${`, any other `$` stands
 * for itself; a value that is missing becomes `unknown`. ${label:KEY} and ${annotation:KEY} reach
 * the lookup as "label:KEY" and "annotation:KEY". Templates may come from pods: what they expand to
 * is bounded.
 */
#ifndef RINGTAIL_BASE_TEMPLATE_H
#define RINGTAIL_BASE_TEMPLATE_H

#include "base/buffer.h"

enum { TEMPLATE_EXPANDED_MAX = 65536 }; /* bytes */

/* -EINVAL: *ret_error (caller frees) names the unknown variable, or says where a `}` is missing. */
int template_check(const char *text, char **ret_error);

/* Returns the value or NULL; the text must live until the next call. */
typedef const char *(*template_lookup)(void *context, const char *variable);

/*
 * Appends the text with its values, and a NUL that ret->size does not count. The text has been
 * checked. -E2BIG: more than TEMPLATE_EXPANDED_MAX; `ret` is as before.
 */
int template_expand(const char *text, template_lookup lookup, void *context, struct buffer *ret);

#endif
