/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where CloudWatch Logs is: what the configuration says, else AWS_ENDPOINT_URL_CLOUDWATCH_LOGS,
 * else AWS_ENDPOINT_URL (both unless AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true), else the
 * Region's own host in its partition (the SDKs' rule set). The Region is what is signed.
 */
#ifndef RINGTAIL_DELIVER_ENDPOINT_H
#define RINGTAIL_DELIVER_ENDPOINT_H

#include <stdbool.h>

#include "base/cleanup.h"

struct endpoint {
	char *url;
	char *host;   /* as the Host header has it: with the port when it is not the scheme's */
	char *path;   /* begins with a slash */
	char *region;
};

struct endpoint_options {
	const char *region;   /* NULL: us-east-1 for an endpoint that was given, else an error */
	const char *endpoint; /* NULL: by the rules */
	bool fips, dualstack; /* not together with an endpoint that was given */
};

/* -EINVAL: *ret_error (caller frees) says what is wrong. */
int endpoint_new(const struct endpoint_options *options, struct endpoint **ret, char **ret_error);
struct endpoint *endpoint_free(struct endpoint *endpoint);
DEFINE_CLEANUP(struct endpoint *, endpoint_free)

#endif
