/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/caller.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/clock.h"

#define CONTENT_TYPE "application/x-amz-json-1.1"

enum {
	HEADERS_MAX = 7,               /* the six that are signed, and Authorization */
	CLOCK_CHANGE_MIN_MS = 2 * 1000, /* Date has whole seconds */
};

struct caller {
	struct http *http;
	struct sigv4_signer *signer;
	struct credentials_provider *provider;
	char *url, *host, *path;
	int64_t clock_offset_ms;
};

static int fill(struct caller *caller, const struct endpoint *endpoint,
		const struct http_options *http)
{
	int r = http_new(http, &caller->http);

	if (r < 0)
		return r;
	r = sigv4_signer_new(endpoint->region, "logs", &caller->signer);
	if (r < 0)
		return r;
	caller->url = strdup(endpoint->url);
	caller->host = strdup(endpoint->host);
	caller->path = strdup(endpoint->path);
	return caller->url && caller->host && caller->path ? 0 : -ENOMEM;
}

int caller_new(const struct endpoint *endpoint, const struct http_options *http,
	       struct credentials_provider *provider, struct caller **ret)
{
	_cleanup_(caller_freep) struct caller *caller = calloc(1, sizeof(*caller));
	int r;

	if (!caller) {
		credentials_provider_free(provider);
		return -ENOMEM;
	}
	caller->provider = provider;
	r = fill(caller, endpoint, http);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(caller);
	return 0;
}

struct caller *caller_free(struct caller *caller)
{
	if (caller) {
		http_free(caller->http);
		sigv4_signer_free(caller->signer);
		credentials_provider_free(caller->provider);
		free(caller->url);
		free(caller->host);
		free(caller->path);
		free(caller);
	}
	return NULL;
}

/* Posting -------------------------------------------------------------------------------------- */

static uint64_t signing_time_ms(const struct caller *caller)
{
	return (uint64_t)((int64_t)(clock_real_ns() / NS_PER_MS) + caller->clock_offset_ms);
}

static int authorize(struct caller *caller, const struct credentials *credentials, const char *date,
		     const struct caller_request *request, const struct sigv4_header *headers,
		     size_t count, struct buffer *ret)
{
	char computed[SIGV4_HASH_SIZE];
	const struct sigv4_request signed_request = {
		.method = "POST",
		.path = caller->path,
		.headers = headers,
		.header_count = count,
		.payload_sha256 = request->body_sha256 ?: computed,
	};
	int r = request->body_sha256 ? 0 : sigv4_hash(request->body, request->body_size, computed);

	return r < 0 ? r : sigv4_authorize(caller->signer, credentials, date, &signed_request, ret);
}

/* Appends "Name: value" and a NUL. */
static int append_header(struct buffer *out, const struct sigv4_header *header)
{
	int r = buffer_printf(out, "%s: %s", header->name, header->value);

	return r < 0 ? r : buffer_append(out, "", 1);
}

static int post_headers(struct caller *caller, const struct caller_request *request,
			const struct sigv4_header *headers, size_t count, struct buffer *lines,
			http_handler handler, void *context)
{
	const char *starts[HEADERS_MAX + 1] = { NULL };
	const char *at;
	int r = 0;

	for (size_t i = 0; i < count && r >= 0; i++)
		r = append_header(lines, &headers[i]);
	if (r < 0)
		return r;
	at = lines->data;
	for (size_t i = 0; i < count; i++, at += strlen(at) + 1)
		starts[i] = at;
	return http_start_post(caller->http,
			       &(struct http_post){ .url = caller->url,
						    .headers = starts,
						    .body = request->body,
						    .body_size = request->body_size },
			       handler, context);
}

static int sign_and_post(struct caller *caller, const struct credentials *credentials,
			 const struct caller_request *request, struct buffer *authorization,
			 struct buffer *lines, http_handler handler, void *context)
{
	struct sigv4_header headers[HEADERS_MAX];
	char date[SIGV4_DATE_SIZE];
	size_t count = 0;
	int r;

	sigv4_date(signing_time_ms(caller), date);
	if (request->gzip)
		headers[count++] = (struct sigv4_header){ "Content-Encoding", "gzip" };
	headers[count++] = (struct sigv4_header){ "Content-Type", CONTENT_TYPE };
	headers[count++] = (struct sigv4_header){ "Host", caller->host };
	headers[count++] = (struct sigv4_header){ "X-Amz-Date", date };
	if (credentials_session_token(credentials))
		headers[count++] = (struct sigv4_header){ "X-Amz-Security-Token",
							  credentials_session_token(credentials) };
	headers[count++] =
		(struct sigv4_header){ "X-Amz-Target", cloudwatch_target(request->operation) };
	r = authorize(caller, credentials, date, request, headers, count, authorization);
	if (r < 0)
		return r;
	headers[count++] = (struct sigv4_header){ "Authorization", authorization->data };
	return post_headers(caller, request, headers, count, lines, handler, context);
}

int caller_post(struct caller *caller, const struct caller_request *request, http_handler handler,
		void *context)
{
	_cleanup_(credentials_unrefp) struct credentials *credentials = NULL;
	_cleanup_buffer_ struct buffer authorization = { 0 }, lines = { 0 };
	int r = credentials_provider_get(caller->provider, &credentials);

	if (r < 0)
		return r;
	r = sign_and_post(caller, credentials, request, &authorization, &lines, handler, context);
	OPENSSL_cleanse(lines.data, lines.size);
	return r;
}

int caller_turn(struct caller *caller, int timeout_ms)
{
	return http_turn(caller->http, timeout_ms);
}

void caller_wake(struct caller *caller)
{
	http_wake(caller->http);
}

/* Remedies ------------------------------------------------------------------------------------- */

bool caller_renew_credentials(struct caller *caller)
{
	return credentials_provider_renew(caller->provider);
}

bool caller_correct_clock(struct caller *caller, int64_t date_ms)
{
	int64_t offset_ms = date_ms - (int64_t)(clock_real_ns() / NS_PER_MS);
	int64_t change_ms = offset_ms - caller->clock_offset_ms;

	if (!date_ms || (change_ms > -CLOCK_CHANGE_MIN_MS && change_ms < CLOCK_CHANGE_MIN_MS))
		return false;
	caller->clock_offset_ms = offset_ms;
	return true;
}

int64_t caller_clock_offset_ms(const struct caller *caller)
{
	return caller->clock_offset_ms;
}
