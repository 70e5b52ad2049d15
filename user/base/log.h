/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's own messages, on stderr: one line each, as text or JSON. An error is logged once, by
 * the level that decides; a failure that is survived says `…, retrying in 4s` or `…, ignoring`.
 * Captured bytes, secrets and API answers never go through here. Safe to call from any thread; the
 * level and format are set once at the start and again on SIGHUP.
 */
#ifndef RINGTAIL_BASE_LOG_H
#define RINGTAIL_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

void log_configure(enum log_level level, enum log_format format);

void log_message(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Plain `ringtail: …` on stderr whatever the log level: the one line that goes with exit statuses
 * 1, 2 and 3.
 */
void log_complaint(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define log_error(...) log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_message(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_message(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
