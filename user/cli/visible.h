/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from containers on a terminal: control bytes are shown, never obeyed. C0 controls but TAB
 * and DEL become `\xNN`, C1 controls (U+0080 to U+009F) `\u00NN`, bytes that are no UTF-8 `\xNN`.
 * Everything else is as it is.
 */
#ifndef RINGTAIL_CLI_VISIBLE_H
#define RINGTAIL_CLI_VISIBLE_H

#include "base/buffer.h"

int visible_append(struct buffer *buffer, const char *text, size_t length);

#endif
