/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/sigv4.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#define ALGORITHM "AWS4-HMAC-SHA256"

enum {
	DAY_SIZE = 8,        /* the date's first letters: 20150830 */
	PARAMETERS_MAX = 64, /* of a query */
};

typedef unsigned char digest[SHA256_DIGEST_LENGTH];

struct sigv4_signer {
	char *region, *service;
	char day[DAY_SIZE + 1]; /* which day's key it is; "": none yet */
	digest secret;          /* hash of the secret that it was made from */
	digest key;
};

int sigv4_signer_new(const char *region, const char *service, struct sigv4_signer **ret)
{
	_cleanup_(sigv4_signer_freep) struct sigv4_signer *signer = calloc(1, sizeof(*signer));

	if (!signer)
		return -ENOMEM;
	signer->region = strdup(region);
	signer->service = strdup(service);
	if (!signer->region || !signer->service)
		return -ENOMEM;
	*ret = TAKE_PTR(signer);
	return 0;
}

struct sigv4_signer *sigv4_signer_free(struct sigv4_signer *signer)
{
	if (signer) {
		free(signer->region);
		free(signer->service);
		OPENSSL_cleanse(signer, sizeof(*signer));
		free(signer);
	}
	return NULL;
}

static int hash_bytes(const void *bytes, size_t size, digest ret)
{
	return EVP_Digest(bytes, size, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

static int keyed_hash(const void *key, size_t key_size, const char *text, digest ret)
{
	if (!HMAC(EVP_sha256(), key, (int)key_size, (const unsigned char *)text, strlen(text), ret,
		  NULL))
		return -EIO;
	return 0;
}

static void write_hex(const digest bytes, char ret[static SIGV4_HASH_SIZE])
{
	for (int i = 0; i < SHA256_DIGEST_LENGTH; i++)
		sprintf(ret + 2 * i, "%02x", bytes[i]);
}

int sigv4_hash(const void *bytes, size_t size, char ret[static SIGV4_HASH_SIZE])
{
	digest hash;
	int r = hash_bytes(bytes, size, hash);

	if (r < 0)
		return r;
	write_hex(hash, ret);
	return 0;
}

void sigv4_date(uint64_t real_ms, char ret[static SIGV4_DATE_SIZE])
{
	time_t seconds = (time_t)(real_ms / 1000);
	struct tm utc;

	gmtime_r(&seconds, &utc);
	if (!strftime(ret, SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &utc))
		ret[0] = '\0'; /* a year beyond 9999 */
}

/* The canonical request ------------------------------------------------------------------------ */

/* Percent-encodes all but RFC 3986's unreserved characters and those in `keep`. */
static int append_encoded(struct buffer *out, const char *text, size_t length, const char *keep)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		bool plain = (c < 0x80 && isalnum(c)) || (c && strchr("-._~", c)) ||
			     (c && strchr(keep, c));
		int r = plain ? buffer_append(out, &text[i], 1) : buffer_printf(out, "%%%02X", c);

		if (r < 0)
			return r;
	}
	return 0;
}

/* RFC 3986 5.2.4, and runs of slashes are one. `ret` holds the path with its leading slash. */
static int normalize_path(const char *path, struct buffer *ret)
{
	const char *at = path;
	bool is_folder = true;
	int r = 0;

	while (*at && r >= 0) {
		size_t length;

		at += strspn(at, "/");
		length = strcspn(at, "/");
		is_folder = at[length] == '/' || length == 0;
		if (length == 2 && !strncmp(at, "..", 2)) {
			while (ret->size && ret->data[--ret->size] != '/')
				;
			is_folder = true;
		} else if (length == 1 && *at == '.') {
			is_folder = true;
		} else if (length) {
			r = buffer_append(ret, "/", 1);
			if (r >= 0)
				r = buffer_append(ret, at, length);
		}
		at += length;
	}
	if (r >= 0 && (is_folder || !ret->size))
		r = buffer_append(ret, "/", 1);
	return r;
}

static int append_path(const struct sigv4_request *request, struct buffer *out)
{
	_cleanup_buffer_ struct buffer path = { 0 };
	int r = request->keep_path ? buffer_append_text(&path, request->path) :
				     normalize_path(request->path, &path);

	if (r < 0)
		return r;
	return append_encoded(out, path.data, path.size, "/");
}

struct parameter {
	const char *name, *value; /* encoded, in one text that the caller owns */
};

static int compare_parameters(const void *left, const void *right)
{
	const struct parameter *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : strcmp(a->value, b->value);
}

/* Encoded names and values, sorted by their bytes; what is encoded already stays as it is. */
static int append_query(const char *query, struct buffer *out)
{
	_cleanup_buffer_ struct buffer encoded = { 0 };
	struct parameter parameters[PARAMETERS_MAX];
	size_t count = 0;
	char *rest;
	int r = append_encoded(&encoded, query, strlen(query), "%=&");

	if (r >= 0)
		r = buffer_append(&encoded, "", 1);
	if (r < 0)
		return r;
	rest = encoded.data;
	for (char *text; (text = strsep(&rest, "&"));) {
		char *equals = strchr(text, '=');

		if (!*text)
			continue;
		if (count == PARAMETERS_MAX)
			return -E2BIG;
		if (equals)
			*equals = '\0';
		parameters[count++] = (struct parameter){ text, equals ? equals + 1 : "" };
	}
	qsort(parameters, count, sizeof(parameters[0]), compare_parameters);
	for (size_t i = 0; i < count && r >= 0; i++)
		r = buffer_printf(out, "%s%s=%s", i ? "&" : "", parameters[i].name,
				  parameters[i].value);
	return r;
}

/* The position keeps headers of the same name in the order in which they are sent. */
struct sorted_header {
	const struct sigv4_header *header;
	size_t position;
};

static int compare_headers(const void *left, const void *right)
{
	const struct sorted_header *a = left, *b = right;
	int order = strcasecmp(a->header->name, b->header->name);

	if (order)
		return order;
	return a->position < b->position ? -1 : 1;
}

static int sort_headers(const struct sigv4_request *request,
			struct sorted_header ret[static SIGV4_HEADERS_MAX])
{
	if (request->header_count > SIGV4_HEADERS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < request->header_count; i++)
		ret[i] = (struct sorted_header){ &request->headers[i], i };
	qsort(ret, request->header_count, sizeof(ret[0]), compare_headers);
	return 0;
}

static int append_lower(struct buffer *out, const char *text)
{
	int r = 0;

	for (; *text && r >= 0; text++) {
		char c = (char)tolower((unsigned char)*text);

		r = buffer_append(out, &c, 1);
	}
	return r;
}

/* Without blanks at both ends, and a run of blanks or line breaks inside is one blank. */
static int append_trimmed(struct buffer *out, const char *value)
{
	bool first = true;
	int r = 0;

	while (r >= 0) {
		size_t length;

		value += strspn(value, " \t\r\n");
		length = strcspn(value, " \t\r\n");
		if (!length)
			break;
		if (!first)
			r = buffer_append(out, " ", 1);
		if (r >= 0)
			r = buffer_append(out, value, length);
		first = false;
		value += length;
	}
	return r;
}

static bool continues(const struct sorted_header *headers, size_t i)
{
	return i > 0 && !strcasecmp(headers[i - 1].header->name, headers[i].header->name);
}

static int append_headers(const struct sorted_header *headers, size_t count, struct buffer *out)
{
	int r = 0;

	for (size_t i = 0; i < count && r >= 0; i++) {
		if (continues(headers, i)) {
			out->size--; /* the line break: values of the same name share a line */
			r = buffer_append(out, ",", 1);
		} else {
			r = append_lower(out, headers[i].header->name);
			if (r >= 0)
				r = buffer_append(out, ":", 1);
		}
		if (r >= 0)
			r = append_trimmed(out, headers[i].header->value);
		if (r >= 0)
			r = buffer_append(out, "\n", 1);
	}
	return r;
}

static int append_signed_names(const struct sorted_header *headers, size_t count,
			       struct buffer *out)
{
	int r = 0;

	for (size_t i = 0; i < count && r >= 0; i++) {
		if (continues(headers, i))
			continue;
		if (i)
			r = buffer_append(out, ";", 1);
		if (r >= 0)
			r = append_lower(out, headers[i].header->name);
	}
	return r;
}

int sigv4_canonical_request(const struct sigv4_request *request, struct buffer *ret)
{
	struct sorted_header headers[SIGV4_HEADERS_MAX];
	int r = sort_headers(request, headers);

	if (r >= 0)
		r = buffer_printf(ret, "%s\n", request->method);
	if (r >= 0)
		r = append_path(request, ret);
	if (r >= 0)
		r = buffer_append(ret, "\n", 1);
	if (r >= 0)
		r = append_query(request->query ?: "", ret);
	if (r >= 0)
		r = buffer_append(ret, "\n", 1);
	if (r >= 0)
		r = append_headers(headers, request->header_count, ret);
	if (r >= 0)
		r = buffer_append(ret, "\n", 1);
	if (r >= 0)
		r = append_signed_names(headers, request->header_count, ret);
	if (r >= 0)
		r = buffer_printf(ret, "\n%s", request->payload_sha256);
	return r;
}

/* The signature -------------------------------------------------------------------------------- */

static int derive_key(const struct sigv4_signer *signer, const char *day, const char *secret,
		      digest ret)
{
	const char *const parts[] = { day, signer->region, signer->service, "aws4_request" };
	_cleanup_buffer_ struct buffer first = { 0 };
	int r = buffer_printf(&first, "AWS4%s", secret);

	if (r < 0)
		return r;
	r = keyed_hash(first.data, first.size, parts[0], ret);
	OPENSSL_cleanse(first.data, first.capacity);
	for (size_t i = 1; i < sizeof(parts) / sizeof(parts[0]) && r >= 0; i++) {
		digest next;

		r = keyed_hash(ret, sizeof(digest), parts[i], next);
		memcpy(ret, next, sizeof(digest));
		OPENSSL_cleanse(next, sizeof(next));
	}
	return r;
}

/* Makes signer->key the one of this day and secret. */
static int refresh_key(struct sigv4_signer *signer, const char *date, const char *secret)
{
	char day[DAY_SIZE + 1] = "";
	digest hash;
	int r = hash_bytes(secret, strlen(secret), hash);

	if (r < 0)
		return r;
	memcpy(day, date, DAY_SIZE);
	if (!strcmp(day, signer->day) && !CRYPTO_memcmp(hash, signer->secret, sizeof(hash)))
		return 0;
	signer->day[0] = '\0';
	r = derive_key(signer, day, secret, signer->key);
	if (r < 0)
		return r;
	memcpy(signer->secret, hash, sizeof(hash));
	memcpy(signer->day, day, sizeof(day));
	return 0;
}

static int sign(const struct sigv4_signer *signer, const char *date,
		const struct sigv4_request *request, char ret[static SIGV4_HASH_SIZE])
{
	_cleanup_buffer_ struct buffer canonical = { 0 }, text = { 0 };
	char hash[SIGV4_HASH_SIZE];
	digest signature;
	int r = sigv4_canonical_request(request, &canonical);

	if (r >= 0)
		r = sigv4_hash(canonical.data, canonical.size, hash);
	if (r >= 0)
		r = buffer_printf(&text, "%s\n%s\n%s/%s/%s/aws4_request\n%s", ALGORITHM, date,
				  signer->day, signer->region, signer->service, hash);
	if (r >= 0)
		r = keyed_hash(signer->key, sizeof(signer->key), text.data, signature);
	if (r >= 0)
		write_hex(signature, ret);
	return r;
}

int sigv4_authorize(struct sigv4_signer *signer, const struct credentials *credentials,
		    const char *date, const struct sigv4_request *request, struct buffer *ret)
{
	struct sorted_header headers[SIGV4_HEADERS_MAX];
	_cleanup_buffer_ struct buffer names = { 0 };
	char signature[SIGV4_HASH_SIZE];
	int r;

	if (strlen(date) != SIGV4_DATE_SIZE - 1)
		return -EINVAL;
	r = refresh_key(signer, date, credentials_secret_access_key(credentials));
	if (r >= 0)
		r = sign(signer, date, request, signature);
	if (r >= 0)
		r = sort_headers(request, headers);
	if (r >= 0)
		r = append_signed_names(headers, request->header_count, &names);
	if (r < 0)
		return r;
	r = buffer_printf(ret, ALGORITHM " Credential=%s/%s/%s/%s/aws4_request, ",
			  credentials_access_key_id(credentials), signer->day, signer->region,
			  signer->service);
	if (r >= 0)
		r = buffer_printf(ret, "SignedHeaders=%.*s, Signature=%s", (int)names.size,
				  names.data, signature);
	return r;
}
