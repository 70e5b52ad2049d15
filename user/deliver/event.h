/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line becomes log events: the JSON record of the contract (`json`), or the line alone (`raw`),
 * cut so that no message is longer than `limits.line`. What does not change from line to line
 * (names, labels) is rendered once, when the format is made. UTF-8 is repaired: one U+FFFD per
 * maximal invalid subpart; a line that is handed on in parts (line->partial) is best cut between
 * characters, for each part is repaired by itself. A hole (line->lost) is told as JSON in either
 * format. Nothing is allocated per line but the growth of `out`. Not thread-safe; a format belongs
 * to one container and the loop that feeds it.
 */
#ifndef RINGTAIL_DELIVER_EVENT_H
#define RINGTAIL_DELIVER_EVENT_H

#include "base/buffer.h"
#include "base/cleanup.h"
#include "log_line.h"

enum event_body { EVENT_JSON, EVENT_RAW };

/* How it is written: as it is, or as the inside of a JSON string (the body of PutLogEvents). */
enum event_encoding { EVENT_PLAIN, EVENT_ESCAPED };

enum event_result { EVENT_LAST, EVENT_MORE };

/* A hole's event fits into the least; the most leaves the 26 bytes an event costs in a batch. */
enum { EVENT_MESSAGE_LEAST = 256, EVENT_MESSAGE_MOST = 1048550 };

/* Strings may be NULL: not known. They are copied. */
struct event_names {
	bool kubernetes; /* false: only container_name, host and docker_id are written */
	const char *pod, *namespace, *container, *pod_uid, *host, *container_id, *image;
	/* JSON objects: labels and annotations already chosen, extra's members stand last. */
	const char *labels_json, *annotations_json, *extra_json;
};

struct event_options {
	enum event_body body;
	size_t message_max;  /* bytes of one finished message: limits.line */
	bool merge_json;     /* a line that is a JSON object goes in as log_processed */
	bool process;        /* write pid and comm of the writer */
};

struct event_format;

/*
 * What surrounds the log must leave 16 bytes of message_max for it. Where it does not, names are
 * left out, in this order and no more than needed: annotations, labels, extra, container_image,
 * host.
 * -E2BIG: not even that helps. -EINVAL: message_max is out of bounds, or a JSON text is no object.
 */
int event_format_new(const struct event_options *options, const struct event_names *names,
		     struct event_format **ret);
struct event_format *event_format_free(struct event_format *format);
DEFINE_CLEANUP(struct event_format *, event_format_free)

/* Was something left out? */
bool event_format_is_shortened(const struct event_format *format);

/*
 * Appends to `out` the message that begins at line->text[*offset] and moves *offset behind what it
 * holds. EVENT_MORE: call again for the rest of the same line. *ret_message_bytes is the length
 * that CloudWatch counts: the unescaped UTF-8 of the message, whatever the encoding; never more
 * than message_max, never 0. -ENOMEM leaves all as it was.
 */
int event_write(const struct event_format *format, enum event_encoding encoding,
		const struct log_line *line, size_t *offset, struct buffer *out,
		size_t *ret_message_bytes);

#endif
