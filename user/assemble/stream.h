/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One output stream of a container: chunks of bytes with positions come in, lines go out, in order,
 * each once. A line that lies whole in a chunk is handed on in place; only an unfinished tail is
 * copied. Chunks that come before their turn (two writers on two CPUs) wait; what does not come is
 * a hole, told with its length in its place. Pure: no clock, no I/O.
 *
 * Bounds: the unfinished line holds at most line_max + 1 bytes between calls, the chunks that wait
 * at most WAITING_MAX.
 */
#ifndef RINGTAIL_ASSEMBLE_STREAM_H
#define RINGTAIL_ASSEMBLE_STREAM_H

#include "base/cleanup.h"
#include "log_line.h"

struct stream;

struct stream_chunk {
	const char *bytes; /* NULL: a hole of `length` bytes, known to be one */
	const char *reason; /* of a hole */
	size_t length;
	uint64_t position; /* of bytes[0] in the stream */
	uint64_t time_ns;  /* CLOCK_REALTIME of the write */
	uint32_t pid;	   /* of the writer; 0: not known */
	const char *comm;  /* NULL or "": not known */
};

struct stream_options {
	uint64_t id;
	enum output_stream output;
	size_t line_max; /* bytes; a longer line is handed on in pieces, cut on UTF-8 boundaries */
	bool keep_cr;	 /* a terminal: the line discipline made the CR */
	uint64_t position; /* where it begins */
};

struct stream_handlers {
	void (*line)(void *context, const struct log_line *line);
	/* Why `length` bytes may be missing; NULL: no reason is known (yet). */
	const char *(*explain)(void *context, uint64_t length);
	void *context;
};

int stream_new(const struct stream_options *options, const struct stream_handlers *handlers,
	       struct stream **ret);
struct stream *stream_free(struct stream *stream);
DEFINE_CLEANUP(struct stream *, stream_free)

void stream_feed(struct stream *stream, const struct stream_chunk *chunk);

/* The kernel counted up to `position`: if that does not come, it is a hole. */
void stream_expect(struct stream *stream, uint64_t position, uint64_t time_ns);

/* Something is missing before what has come: settle it now and then. */
bool stream_is_waiting(const struct stream *stream);

/*
 * A pass over the ring has ended. What was missing before the pass and is still missing is a hole
 * as soon as it is explained, or, unexplained, when it has been missing for patience_ns.
 */
void stream_settle(struct stream *stream, uint64_t now_ns, uint64_t patience_ns);

/* Nothing more comes: holes are told, the unterminated last line is handed on. */
void stream_end(struct stream *stream, uint64_t time_ns);

uint64_t stream_id(const struct stream *stream);
uint64_t stream_position(const struct stream *stream); /* of the next byte to come */
size_t stream_memory_bytes(const struct stream *stream);

#endif
