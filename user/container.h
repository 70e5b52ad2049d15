/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One container as the collector knows it: its cgroup, its names once they are known, its streams,
 * and the lines that wait for the names. Owned by the collector; what receives the lines keeps its
 * own state in `route`.
 */
#ifndef RINGTAIL_CONTAINER_H
#define RINGTAIL_CONTAINER_H

#include "assemble/stream.h"
#include "base/buffer.h"
#include "log_line.h"
#include "metadata/container_id.h"
#include "metadata/naming.h"

enum container_state {
	CONTAINER_WAITING, /* for its names; lines are kept */
	CONTAINER_NAMED,   /* lines are handed on */
	CONTAINER_IGNORED, /* the configuration excludes it */
};

struct collector;

struct container_stream {
	struct container_stream *next;
	struct collector *collector; /* whose container it is */
	struct container *container;
	struct stream *stream;
};

struct container {
	uint64_t cgroup;
	char *path; /* of the cgroup */
	struct container_id id;
	enum container_state state;
	struct names names;
	bool names_are_final; /* false: guessed, to be replaced when the kubelet knows better */
	bool excluded[OUTPUT_STDERR + 1]; /* by stream: the pod's annotations say so */
	bool ended;
	uint64_t waiting_since_ms; /* monotonic; 0: no line has come yet */
	struct buffer waiting;	   /* lines that came before the names */
	struct container_stream *streams;
	uint64_t lines, bytes; /* handed on or waiting: canonical bytes as written */
	void *route;	       /* the receiver's; NULL at first */
};

int container_new(uint64_t cgroup, const char *path, struct container **ret);
/* The streams must have been taken out of the collector's table. */
struct container *container_free(struct container *container);
DEFINE_CLEANUP(struct container *, container_free)

/* Copies the line behind those that wait. */
int container_keep_line(struct container *container, const struct log_line *line);
/* Hands on what waits, in order, and forgets it. */
void container_release_lines(struct container *container,
			     void (*call)(void *context, struct container *container,
					  const struct log_line *line),
			     void *context);

#endif
