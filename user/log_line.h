/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stages hand on. A log_line is a view: its bytes lie in the ring's own pages or in a
 * stream's unfinished tail and are valid only during the call that hands it on; who needs them
 * longer copies them.
 */
#ifndef RINGTAIL_LOG_LINE_H
#define RINGTAIL_LOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum output_stream { OUTPUT_STDOUT = 1, OUTPUT_STDERR = 2 };

static inline const char *output_stream_name(enum output_stream stream)
{
	return stream == OUTPUT_STDERR ? "stderr" : "stdout";
}

struct log_line {
	const char *text;      /* as the CRI file would show it: no newline, nor the CR before */
	size_t length;         /* bytes */
	uint64_t time_ns;      /* CLOCK_REALTIME of the write that completed it */
	uint64_t source_bytes; /* of the log: `length`, and 1 when it ended with a newline */
	uint64_t stream_id;    /* the stream's number in this process, for acknowledgement */
	uint64_t end_position; /* position in the stream just behind its last byte */
	enum output_stream stream;
	bool partial;          /* the same line goes on in the next one */
	bool lost;             /* a hole: text is the reason, lost_bytes says how much */
	uint64_t lost_bytes;   /* UINT64_MAX: not known */
	uint32_t pid;          /* of the writer, in its container's pid namespace; 0: not known */
	const char *comm;      /* its name; NULL: not known */
};

#endif
