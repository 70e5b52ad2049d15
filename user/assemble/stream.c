/* SPDX-License-Identifier: Apache-2.0 */
#include "assemble/stream.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/buffer.h"

enum {
	WAITING_MAX = 1 << 20, /* bytes of chunks that came before their turn */
	PASSES = 2, /* what another CPU was writing in the first pass is there in the second */
};

/* A chunk that came too early, copied out of the ring. */
struct early {
	struct early *next;
	struct stream_chunk chunk; /* bytes point behind the struct */
	char comm[16];
};

struct stream {
	struct stream_options options;
	struct stream_handlers handlers;
	uint64_t position; /* of the next byte to come */
	struct buffer
		fragment;    /* the unfinished line; its last byte stands just before `position` */
	struct early *early; /* by position */
	size_t early_bytes;
	uint64_t expected;	   /* the kernel has counted so far */
	uint64_t missing_since_ns; /* 0: nothing is missing */
	unsigned int missing_passes;
	uint64_t last_time_ns;
};

int stream_new(const struct stream_options *options, const struct stream_handlers *handlers,
	       struct stream **ret)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return -ENOMEM;
	stream->options = *options;
	stream->handlers = *handlers;
	stream->position = options->position;
	*ret = stream;
	return 0;
}

static void drop_early(struct stream *stream)
{
	struct early *first = stream->early;

	stream->early = first->next;
	stream->early_bytes -= first->chunk.bytes ? first->chunk.length : 0;
	free(first);
}

struct stream *stream_free(struct stream *stream)
{
	if (!stream)
		return NULL;
	while (stream->early)
		drop_early(stream);
	buffer_release(&stream->fragment);
	free(stream);
	return NULL;
}

static void hand_on(struct stream *stream, const struct stream_chunk *chunk, struct log_line line)
{
	line.time_ns = chunk->time_ns;
	line.stream_id = stream->options.id;
	line.stream = stream->options.output;
	line.pid = chunk->pid;
	line.comm = chunk->comm;
	stream->last_time_ns = chunk->time_ns;
	stream->handlers.line(stream->handlers.context, &line);
}

/*
 * Where to cut so that no UTF-8 sequence is torn: at most 3 bytes earlier. Bytes that are no UTF-8
 * are cut anywhere.
 */
static size_t cut_before(const char *text, size_t limit)
{
	size_t cut = limit;

	for (int back = 0; back < 3 && cut > 1 && ((unsigned char)text[cut] & 0xc0) == 0x80; back++)
		cut--;
	return ((unsigned char)text[cut] & 0xc0) == 0x80 ? limit : cut;
}

/*
 * Hands on the pieces of an over-long line that are certain not to be its last, and returns how
 * many bytes they took. Two bytes at least are left, so that the last piece is not empty even when
 * a CR is dropped. `start` is the position of text[0].
 */
static size_t hand_on_pieces(struct stream *stream, const struct stream_chunk *chunk,
			     const char *text, size_t length, uint64_t start)
{
	size_t done = 0;

	while (length - done > stream->options.line_max + 1) {
		size_t piece = cut_before(text + done, stream->options.line_max);

		hand_on(stream, chunk,
			(struct log_line){
				.text = text + done,
				.length = piece,
				.source_bytes = piece,
				.end_position = start + done + piece,
				.partial = true,
			});
		done += piece;
	}
	return done;
}

/* A line with its end. `end` is the position behind its newline. */
static void hand_on_line(struct stream *stream, const struct stream_chunk *chunk, const char *text,
			 size_t length, uint64_t end)
{
	size_t done = hand_on_pieces(stream, chunk, text, length, end - 1 - length);

	text += done;
	length -= done;
	if (length > 0 && text[length - 1] == '\r' && !stream->options.keep_cr)
		length--;
	if (length >
	    stream->options.line_max) { /* by the one byte that hand_on_pieces leaves for the CR */
		size_t piece = cut_before(text, stream->options.line_max);

		hand_on(stream, chunk,
			(struct log_line){
				.text = text,
				.length = piece,
				.source_bytes = piece,
				.end_position = end - 1 - (length - piece),
				.partial = true,
			});
		text += piece;
		length -= piece;
	}
	hand_on(stream, chunk,
		(struct log_line){
			.text = text,
			.length = length,
			.source_bytes = length + 1,
			.end_position = end,
		});
}

/* What stands before a hole or the stream's end is a line without a newline. */
static void hand_on_fragment(struct stream *stream, const struct stream_chunk *chunk)
{
	size_t length = stream->fragment.size;

	if (length == 0)
		return;
	if (length > stream->options.line_max) {
		size_t piece = cut_before(stream->fragment.data, stream->options.line_max);

		hand_on(stream, chunk,
			(struct log_line){
				.text = stream->fragment.data,
				.length = piece,
				.source_bytes = piece,
				.end_position = stream->position - length + piece,
				.partial = true,
			});
		buffer_consume(&stream->fragment, piece);
		length -= piece;
	}
	hand_on(stream, chunk,
		(struct log_line){
			.text = stream->fragment.data,
			.length = length,
			.source_bytes = length,
			.end_position = stream->position,
		});
	buffer_clear(&stream->fragment);
}

static void hand_on_hole(struct stream *stream, uint64_t length, const char *reason,
			 const struct stream_chunk *chunk)
{
	hand_on_fragment(stream, chunk);
	stream->position += length;
	hand_on(stream, chunk,
		(struct log_line){
			.text = reason,
			.length = strlen(reason),
			.lost = true,
			.lost_bytes = length,
			.end_position = stream->position,
		});
}

/* The tail of a chunk, without a newline. */
static void keep(struct stream *stream, const struct stream_chunk *chunk, const char *text,
		 size_t length)
{
	uint64_t start = stream->position - stream->fragment.size;
	size_t done;

	stream->position += length;
	if (buffer_append(&stream->fragment, text, length) < 0) {
		stream->position -= length;
		hand_on_hole(stream, length, "memory", chunk);
		return;
	}
	done = hand_on_pieces(stream, chunk, stream->fragment.data, stream->fragment.size, start);
	buffer_consume(&stream->fragment, done);
}

static void finish_line(struct stream *stream, const struct stream_chunk *chunk, const char *text,
			size_t length)
{
	if (stream->fragment.size == 0) {
		stream->position += length + 1;
		hand_on_line(stream, chunk, text, length, stream->position);
		return;
	}
	if (buffer_append(&stream->fragment, text, length) < 0) {
		hand_on_hole(stream, length + 1, "memory", chunk);
		return;
	}
	stream->position += length + 1;
	hand_on_line(stream, chunk, stream->fragment.data, stream->fragment.size, stream->position);
	buffer_clear(&stream->fragment);
}

static void take(struct stream *stream, const struct stream_chunk *chunk)
{
	const char *at = chunk->bytes, *end = at + chunk->length;

	if (!at) {
		hand_on_hole(stream, chunk->length, chunk->reason, chunk);
		return;
	}
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline) {
			keep(stream, chunk, at, (size_t)(end - at));
			return;
		}
		finish_line(stream, chunk, at, (size_t)(newline - at));
		at = newline + 1;
	}
}

static void take_those_in_turn(struct stream *stream)
{
	while (stream->early && stream->early->chunk.position <= stream->position) {
		if (stream->early->chunk.position == stream->position)
			take(stream, &stream->early->chunk);
		drop_early(stream);
	}
}

static int keep_early(struct stream *stream, const struct stream_chunk *chunk)
{
	struct early **at = &stream->early;
	size_t copied = chunk->bytes ? chunk->length : 0;
	struct early *early = malloc(sizeof(*early) + copied);

	if (!early)
		return -ENOMEM;
	early->chunk = *chunk;
	if (copied)
		early->chunk.bytes = memcpy(early + 1, chunk->bytes, copied);
	if (chunk->comm) {
		strncpy(early->comm, chunk->comm, sizeof(early->comm) - 1);
		early->comm[sizeof(early->comm) - 1] = '\0';
		early->chunk.comm = early->comm;
	}
	while (*at && (*at)->chunk.position < chunk->position)
		at = &(*at)->next;
	early->next = *at;
	*at = early;
	stream->early_bytes += copied;
	return 0;
}

/* Where what is missing ends: 0 when nothing is. */
static uint64_t missing_until(const struct stream *stream)
{
	if (stream->early)
		return stream->early->chunk.position;
	return stream->expected > stream->position ? stream->expected : 0;
}

static void note_missing(struct stream *stream, uint64_t time_ns)
{
	if (!missing_until(stream)) {
		stream->missing_since_ns = 0;
	} else if (!stream->missing_since_ns) {
		stream->missing_since_ns = time_ns ? time_ns : 1;
		stream->missing_passes = 0;
	}
}

static void give_up(struct stream *stream, const char *reason, uint64_t time_ns)
{
	struct stream_chunk now = { .time_ns = stream->early ? stream->early->chunk.time_ns
							     : time_ns };

	hand_on_hole(stream, missing_until(stream) - stream->position, reason, &now);
	stream->missing_since_ns = 0;
	take_those_in_turn(stream);
	note_missing(stream, time_ns);
}

static const char *explain(struct stream *stream)
{
	return stream->handlers.explain(stream->handlers.context,
					missing_until(stream) - stream->position);
}

void stream_feed(struct stream *stream, const struct stream_chunk *chunk)
{
	if (chunk->position == stream->position) {
		take(stream, chunk);
		if (stream->early)
			take_those_in_turn(stream);
		if (stream->missing_since_ns) {
			stream->missing_since_ns = 0;
			note_missing(stream, chunk->time_ns);
		}
		return;
	}
	if (chunk->position < stream->position)
		return; /* its hole has been told already */
	while (chunk->bytes && stream->early_bytes + chunk->length > WAITING_MAX &&
	       missing_until(stream)) {
		const char *reason = explain(stream);

		give_up(stream, reason ? reason : "missed", chunk->time_ns);
	}
	if (chunk->position == stream->position) {
		take(stream, chunk);
		return;
	}
	if (keep_early(stream, chunk) < 0)
		return; /* out of memory: these bytes become part of the hole */
	note_missing(stream, chunk->time_ns);
}

void stream_expect(struct stream *stream, uint64_t position, uint64_t time_ns)
{
	if (position <= stream->position)
		return;
	if (position > stream->expected)
		stream->expected = position;
	note_missing(stream, time_ns);
}

bool stream_is_waiting(const struct stream *stream)
{
	return stream->missing_since_ns != 0;
}

void stream_settle(struct stream *stream, uint64_t now_ns, uint64_t patience_ns)
{
	const char *reason;

	if (!missing_until(stream)) {
		stream->missing_since_ns = 0;
		return;
	}
	if (++stream->missing_passes < PASSES)
		return;
	reason = explain(stream);
	if (!reason && now_ns >= stream->missing_since_ns + patience_ns)
		reason = "missed";
	if (reason)
		give_up(stream, reason, now_ns);
}

void stream_end(struct stream *stream, uint64_t time_ns)
{
	struct stream_chunk last = { .time_ns = stream->last_time_ns ? stream->last_time_ns
								     : time_ns };

	while (missing_until(stream)) {
		const char *reason = explain(stream);

		give_up(stream, reason ? reason : "missed", time_ns);
	}
	hand_on_fragment(stream, &last);
}

uint64_t stream_id(const struct stream *stream)
{
	return stream->options.id;
}

uint64_t stream_position(const struct stream *stream)
{
	return stream->position;
}

size_t stream_memory_bytes(const struct stream *stream)
{
	return sizeof(*stream) + stream->fragment.capacity + stream->early_bytes;
}
