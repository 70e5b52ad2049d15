/* SPDX-License-Identifier: Apache-2.0 */
/* The gzip format (RFC 1952), for the bodies of requests. */
#ifndef RINGTAIL_DELIVER_PAYLOAD_H
#define RINGTAIL_DELIVER_PAYLOAD_H

#include "base/buffer.h"

/* Appends the compressed bytes. */
int payload_gzip(const void *bytes, size_t count, struct buffer *ret);

/* Appends the plain bytes. -EBADMSG: it is no gzip, or they are not `plain_size`. */
int payload_gunzip(const void *bytes, size_t count, size_t plain_size, struct buffer *ret);

#endif
