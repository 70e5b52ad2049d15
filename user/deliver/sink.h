/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where log events go: CloudWatch Logs, stdout or a file. The collector writes lines to
 * destinations, a destination being one (log group, log stream); the sink makes events, batches and
 * requests of them, and tells the outcome of every line once, in the order in which they were
 * written to their destination. Called from the loop's thread only; nothing here blocks on the
 * network.
 */
#ifndef RINGTAIL_DELIVER_SINK_H
#define RINGTAIL_DELIVER_SINK_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "deliver/event.h"

struct sink;
struct destination;

enum delivery_result { DELIVERY_ACCEPTED, DELIVERY_REJECTED };

/* What became of the lines of one stream in one batch: up to `end_position` they are settled. */
struct delivery {
	enum delivery_result result;
	uint64_t stream_id;
	uint64_t end_position; /* of the last of these lines; 0: the end of the line is to come */
	uint64_t source_bytes; /* sum over these lines */
	uint64_t events;
	uint64_t message_bytes; /* unescaped UTF-8 of their messages */
	const char *reason;     /* too_old, too_new, expired, rejected; NULL when accepted */
};

typedef void (*delivery_handler)(void *context, const struct delivery *delivery);

struct sink_counters {
	uint64_t requests, retries, throttled; /* retries and throttled are part of requests */
	uint64_t events, message_bytes;        /* accepted */
	uint64_t rejected_events;
	uint64_t pending_events;   /* written, not settled */
	size_t memory_bytes;       /* held for what is pending */
	int64_t clock_offset_ms;   /* the service's clock minus ours, if it had to be corrected */
	char last_error[256];      /* "" when the last request succeeded */
};

/*
 * "stdout", "file:PATH" (opened 0600, appended): a JSON line an event, a write a turn of the loop.
 * on_delivery is called in the loop's thread, from within write or later, once the bytes are
 * written. What cannot be written is kept and tried again, and new lines are refused meanwhile. The
 * process is expected to ignore SIGPIPE.
 */
int sink_new_stdout(sd_event *loop, delivery_handler on_delivery, void *context, struct sink **ret);
int sink_new_file(const char *path, sd_event *loop, delivery_handler on_delivery, void *context,
		  struct sink **ret);

struct cloudwatch_options {
	const char *region;   /* NULL only when an endpoint is given; then us-east-1 is signed */
	const char *endpoint; /* NULL: by the SDKs' rules (endpoint.h) */
	const char *ca_file;  /* NULL: the system's */
	const char *proxy;    /* NULL: the environment's */
	unsigned int flush_interval_ms;
	bool gzip;
	bool auto_create;
	bool fips, dualstack;        /* of AWS's own endpoints */
	/* For groups that are created; 0 and NULL: not set. */
	unsigned int retention_days;
	const char *kms_key_id, *log_group_class;
	const char *const *tag_keys, *const *tag_values;
	size_t tag_count;
};

/*
 * Texts are copied. -ENOKEY: no credentials were found, -EINVAL: region or endpoint are wrong;
 * *ret_error (caller frees) then says what is missing. Other errors may leave it NULL.
 */
int sink_new_cloudwatch(const struct cloudwatch_options *options, sd_event *loop,
			delivery_handler on_delivery, void *context, struct sink **ret,
			char **ret_error);

struct sink *sink_free(struct sink *sink);
DEFINE_CLEANUP(struct sink *, sink_free)

/* The names must be valid (log_name.h). Destinations are shared by name and reference-counted. */
int sink_open_destination(struct sink *sink, const char *group, const char *stream,
			  struct destination **ret);
/* What was written still goes out. */
void sink_close_destination(struct sink *sink, struct destination *destination);

/*
 * On an error the line was not taken and nothing will be told of its end; of a line of several
 * events the first ones may go out nevertheless.
 */
int sink_write(struct sink *sink, struct destination *destination,
	       const struct event_format *format, const struct log_line *line);

/*
 * Lets all that is pending leave now, without waiting for flush_interval. An error: not all could;
 * it stays pending.
 */
int sink_flush(struct sink *sink);
/*
 * The same, and from now on nothing waits for its turn, neither retries nor what is still written:
 * for shutdown.
 */
void sink_drain(struct sink *sink);
/* Nothing is pending: all that was written is settled. */
bool sink_is_idle(const struct sink *sink);
/* SIGHUP: reopens the file. */
int sink_reopen(struct sink *sink);

void sink_read_counters(const struct sink *sink, struct sink_counters *ret);

#endif
