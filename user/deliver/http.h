/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP for one thread: posts run at the same time in http_turn, and each ends in its handler
 * exactly once. It bounds all that the other side can do to us: time to connect, whole time,
 * silence, size of the answer; http and https only, TLS 1.2 or newer, no redirects, no sockets that
 * children inherit. Idle connections are not used again after 4 s, because the front ends of AWS
 * cut them without a word. Error texts name the host and the reason, never headers or bodies.
 */
#ifndef RINGTAIL_DELIVER_HTTP_H
#define RINGTAIL_DELIVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

enum { HTTP_REASON_SIZE = 320, HTTP_ANSWER_MAX = 1024 * 1024 };

/* 0 and NULL stand for what the comments say. Texts are copied. */
struct http_options {
	const char *ca_file;     /* the system's */
	const char *proxy;       /* the environment's; never for loopback and metadata addresses */
	unsigned int connect_ms; /* 5,000, TLS included */
	unsigned int total_ms;   /* 30,000 */
	unsigned int idle_s;     /* 4 */
};

struct http_post {
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated, copied */
	const void *body;           /* must live until the handler was called */
	size_t body_size;
};

struct http_answer {
	int error; /* 0: there is an answer. Negative errno: there is none, and `reason` says why */
	char reason[HTTP_REASON_SIZE]; /* with the host; "" without an error */
	bool reused; /* of an error: the connection had been idle, and nothing came back */
	long status;
	const char *body; /* valid during the handler only */
	size_t body_size;
	int64_t date_ms;         /* the Date header, 0: none */
	uint64_t retry_after_ms; /* the later of Retry-After and x-amz-retry-after, 0: none */
};

typedef void (*http_handler)(void *context, const struct http_answer *answer);

struct http;

int http_new(const struct http_options *options, struct http **ret);
/* Cancels what is under way without calling its handlers, and waits for nothing. */
struct http *http_free(struct http *http);
DEFINE_CLEANUP(struct http *, http_free)

int http_start_post(struct http *http, const struct http_post *post, http_handler handler,
		    void *context);

/*
 * Moves everything on and calls handlers, which may start other posts. Without an ended one it
 * waits for the network, for http_wake, or for timeout_ms (negative: no limit).
 */
int http_turn(struct http *http, int timeout_ms);
/* From any thread: the turn that waits, or else the next one, returns at once. */
void http_wake(struct http *http);

#endif
