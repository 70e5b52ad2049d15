/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wires the stages: the kernel's records become streams of bytes, these become lines, these get
 * their container's names and are handed on. It decides which cgroups are followed and when a
 * container begins and ends. One thread: the loop's.
 */
#ifndef RINGTAIL_COLLECTOR_H
#define RINGTAIL_COLLECTOR_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "container.h"
#include "control/settings.h"

struct collector;

struct collector_handlers {
	/*
	 * A line of a container whose names are known, or the news of a hole. Valid during the
	 * call.
	 */
	void (*line)(void *context, struct container *container, const struct log_line *line);
	/*
	 * The names of a container were guessed and are known now: what is made of them is void.
	 * May be NULL.
	 */
	void (*renamed)(void *context, struct container *container);
	/*
	 * Nothing more comes of it; it is freed after the call. Also for one that was never named.
	 * May be NULL.
	 */
	void (*ended)(void *context, struct container *container);
	/* The configuration excludes this container; `rule` is the key that does. May be NULL. */
	void (*excluded)(void *context, struct container *container, const char *rule);
	/* A pass over the rings has ended. May be NULL. */
	void (*drained)(void *context);
	void *context;
};

struct collector_options {
	const struct settings *settings;
	bool containers;	 /* follow the node's containers and the cgroups of the settings */
	const char *only_cgroup; /* follow this path and what is below it only; NULL: no bound */
	bool name_early;	 /* ask for names at once, not with the first line */
	bool keep_cr;		 /* lines as written: no CR rule */
	struct collector_handlers handlers;
};

struct collector_counters {
	uint64_t records;
	uint64_t captured_bytes[2]; /* stdout, stderr; as written */
	uint64_t gap_bytes;	    /* seen by the kernel but not copied */
	uint64_t lines;
	uint64_t source_bytes; /* of these lines: newline included, CR rule applied */
	uint64_t lost_bytes;   /* of holes whose length is known */
	uint64_t holes;
	uint64_t notices_lost, unregistered;
	uint64_t hook_misses; /* calls that the kernel skipped: what they wrote is not known */
	size_t containers, streams;
	size_t waiting_bytes; /* lines that wait for names */
};

/* Loads the programs; *ret_error (caller frees) is the one line that says what is missing. */
int collector_new(const struct collector_options *options, sd_event *loop, struct collector **ret,
		  char **ret_error);
struct collector *collector_free(struct collector *collector);
DEFINE_CLEANUP(struct collector *, collector_free)

/* Attaches the programs, then takes over the containers that run already. */
int collector_start(struct collector *collector, char **ret_error);

/*
 * Follows a cgroup that is about to run its first program, under these names (which are taken
 * over).
 */
int collector_follow(struct collector *collector, const char *path, struct names *names);

/*
 * Detaches, reads what the rings still hold and ends all containers: their unterminated lines are
 * handed on. Lines that wait for names go out under what is known.
 */
void collector_stop(struct collector *collector);

void collector_read_counters(const struct collector *collector, struct collector_counters *ret);
const char *collector_backend(const struct collector *collector);
/* Why `auto` passed the cheaper one by; "" when it did not. */
const char *collector_backend_why(const struct collector *collector);

/* Every container that is known now. */
void collector_each(const struct collector *collector,
		    void (*call)(void *context, struct container *container), void *context);

#endif
