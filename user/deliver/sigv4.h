/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS Signature Version 4 in a header. Our own and not libcurl's: 7.88 cannot take a corrected
 * date, which is what a node with a wrong clock needs. A signer keeps the day's signing key, so
 * that a request costs two hashes and one HMAC; keys are wiped when they are replaced. One thread.
 */
#ifndef RINGTAIL_DELIVER_SIGV4_H
#define RINGTAIL_DELIVER_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "deliver/credentials.h"

enum {
	SIGV4_DATE_SIZE = 17,
	SIGV4_HASH_SIZE = 65
}; /* 20150830T123600Z, 64 hex digits; with their NUL */

struct sigv4_header {
	const char *name, *value; /* the name in any case, both as they are sent */
};

struct sigv4_request {
	const char *method;
	const char *path;  /* as it is sent, begins with a slash */
	const char *query; /* as it is sent, without the question mark; "" or NULL: none */
	bool keep_path;    /* do not remove `.`, `..` and double slashes: S3 wants that */
	const struct sigv4_header
		*headers; /* all that are to be signed, host and x-amz-date among them */
	size_t header_count;                /* at most SIGV4_HEADERS_MAX */
	const char *payload_sha256;         /* of sigv4_hash */
};

enum { SIGV4_HEADERS_MAX = 32 };

struct sigv4_signer;

int sigv4_signer_new(const char *region, const char *service, struct sigv4_signer **ret);
struct sigv4_signer *sigv4_signer_free(struct sigv4_signer *signer);
DEFINE_CLEANUP(struct sigv4_signer *, sigv4_signer_free)

int sigv4_hash(const void *bytes, size_t size, char ret[static SIGV4_HASH_SIZE]);
/* The value of x-amz-date. */
void sigv4_date(uint64_t real_ms, char ret[static SIGV4_DATE_SIZE]);

/* What is signed, for tests and for looking into refusals: holds no secret. Appended to `ret`. */
int sigv4_canonical_request(const struct sigv4_request *request, struct buffer *ret);
/* Appends the value of the Authorization header and a NUL that `size` does not count. */
int sigv4_authorize(struct sigv4_signer *signer, const struct credentials *credentials,
		    const char *date, const struct sigv4_request *request, struct buffer *ret);

#endif
