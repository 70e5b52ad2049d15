/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes CloudWatch's names of expanded templates. Groups: all but [.\-_/#A-Za-z0-9] becomes `_`.
 * Streams: `:`, `*` and control characters do. One `_` stands for one character, or for one maximal
 * invalid subpart of what is not UTF-8. Over 512 bytes: the first 495 (less, when a character would
 * be cut there), `-`, 16 hex digits of the SHA-256 of the whole text as it was given, so that names
 * which only differ in replaced characters stay apart (limits: the service's API model). Empty
 * becomes `unknown`.
 */
#ifndef RINGTAIL_DELIVER_LOG_NAME_H
#define RINGTAIL_DELIVER_LOG_NAME_H

enum { LOG_NAME_SIZE = 513 };

void log_group_name(const char *text, char ret[static LOG_NAME_SIZE]);
void log_stream_name(const char *text, char ret[static LOG_NAME_SIZE]);

#endif
