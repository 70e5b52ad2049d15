/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum { MESSAGE_MAX = 1024 };

static _Atomic int current_level = LOG_LEVEL_INFO;
static _Atomic int current_format = LOG_FORMAT_TEXT;

void log_configure(enum log_level level, enum log_format format)
{
	current_level = level;
	current_format = format;
}

static void write_json(const char *level, const char *message)
{
	char now[CLOCK_RFC3339_SIZE];
	json_t *record;
	char *line;

	clock_format_rfc3339(clock_real_ns(), now);
	record = json_pack("{s:s, s:s, s:s}", "time", now, "level", level, "message", message);
	if (!record) {
		dprintf(STDERR_FILENO, "ringtail: %s: %s\n", level, message);
		return;
	}
	line = json_dumps(record, JSON_COMPACT);
	if (line)
		dprintf(STDERR_FILENO, "%s\n", line);
	free(line);
	json_decref(record);
}

void log_message(enum log_level level, const char *format, ...)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	char message[MESSAGE_MAX];
	va_list arguments;

	if ((int)level > current_level)
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (current_format == LOG_FORMAT_JSON)
		write_json(names[level], message);
	else
		dprintf(STDERR_FILENO, "ringtail: %s: %s\n", names[level], message);
}

void log_complaint(const char *format, ...)
{
	char message[MESSAGE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	dprintf(STDERR_FILENO, "ringtail: %s\n", message);
}
