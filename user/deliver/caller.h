/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs and posts calls of CloudWatch Logs' API, many at a time, for one thread. Each attempt is
 * signed afresh, with the credentials of that moment and a clock that may have been corrected: the
 * correction is for signatures only, never for the time of events.
 */
#ifndef RINGTAIL_DELIVER_CALLER_H
#define RINGTAIL_DELIVER_CALLER_H

#include "deliver/cloudwatch.h"
#include "deliver/credentials.h"
#include "deliver/endpoint.h"
#include "deliver/http.h"
#include "deliver/sigv4.h"

struct caller;

/* Takes the provider over, also on failure. */
int caller_new(const struct endpoint *endpoint, const struct http_options *http,
	       struct credentials_provider *provider, struct caller **ret);
struct caller *caller_free(struct caller *caller);
DEFINE_CLEANUP(struct caller *, caller_free)

struct caller_request {
	enum cloudwatch_operation operation;
	const void *body; /* must live until the handler was called */
	size_t body_size;
	bool gzip;
	const char *body_sha256; /* of sigv4_hash; NULL: it is computed */
};

/*
 * -EAGAIN, -ENOKEY: there are no credentials at the moment. After 0 the handler is called exactly
 * once.
 */
int caller_post(struct caller *caller, const struct caller_request *request, http_handler handler,
		void *context);

/* See http_turn and http_wake. */
int caller_turn(struct caller *caller, int timeout_ms);
void caller_wake(struct caller *caller);

/* The service refused the credentials. False: there are no others. */
bool caller_renew_credentials(struct caller *caller);
/*
 * The service refused the time; date_ms is its own (0: it did not say). False: that changes
 * nothing.
 */
bool caller_correct_clock(struct caller *caller, int64_t date_ms);
/* The service's clock minus ours, as far as it was corrected. */
int64_t caller_clock_offset_ms(const struct caller *caller);

#endif
