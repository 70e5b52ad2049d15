/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One GET of the kubelet's /pods, over a connection that is kept between requests. TLS is verified
 * against the cluster's CA. Bounds: 5 s to connect, 10 s for all of it, 64 MiB of answer; no
 * redirects, no proxy. Used by one thread, but for kubelet_request_abort.
 */
#ifndef RINGTAIL_METADATA_KUBELET_REQUEST_H
#define RINGTAIL_METADATA_KUBELET_REQUEST_H

#include "base/buffer.h"
#include "base/cleanup.h"
#include "metadata/kubelet.h"

struct kubelet_request;

enum { KUBELET_FAILURE_SIZE = 512 };

/* What went wrong, fit for the log: no answer's content, no token, no control characters. */
struct kubelet_failure {
	int reason; /* equal for what is worth one message only; the text may differ in details */
	char text[KUBELET_FAILURE_SIZE];
};

/* Reasons: an HTTP status as it is, a CURLcode plus this, and what is not HTTP's. */
enum { KUBELET_FAILURE_CURL = 1000, KUBELET_FAILURE_TOKEN = 2000, KUBELET_FAILURE_ANSWER };

int kubelet_request_new(const struct kubelet_options *options, struct kubelet_request **ret);
struct kubelet_request *kubelet_request_free(struct kubelet_request *request);
DEFINE_CLEANUP(struct kubelet_request *, kubelet_request_free)

/* Appends the answer's body. -EIO: *ret_failure says why; -ECANCELED: aborted; -ENOMEM. */
int kubelet_request_get(struct kubelet_request *request, struct buffer *ret,
			struct kubelet_failure *ret_failure);
/* From any thread: the request under way and all later ones end at once with -ECANCELED. */
void kubelet_request_abort(struct kubelet_request *request);

void kubelet_failure_set(struct kubelet_failure *failure, int reason, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The address that is asked, for messages. */
const char *kubelet_request_url(const struct kubelet_request *request);

#endif
