/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata/kubelet_request.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <curl/curl.h>

#include "base/file.h"

enum {
	CONNECT_TIMEOUT_MS = 5000,
	REQUEST_TIMEOUT_MS = 10000,
	ANSWER_MAX = 64 << 20, /* 250 pods, a full node, with 256 KiB of annotations each */
	TOKEN_MAX = 64 << 10,
};

struct kubelet_request {
	CURLM *multi; /* rather than curl_easy_perform: a poll that another thread can wake */
	CURL *easy;
	atomic_bool aborted;
	char *url, *token_file;
	struct buffer *body; /* the caller's, during a request */
	int write_error;
	char detail[CURL_ERROR_SIZE];
};

/* A server's certificate may put anything into curl's words. */
void kubelet_failure_set(struct kubelet_failure *failure, int reason, const char *format, ...)
{
	va_list arguments;

	failure->reason = reason;
	va_start(arguments, format);
	vsnprintf(failure->text, sizeof(failure->text), format, arguments);
	va_end(arguments);
	for (char *c = failure->text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

const char *kubelet_request_url(const struct kubelet_request *request)
{
	return request->url;
}

/* Only a 200 is kept: what else the server says is of no use and may be long. */
static size_t on_body(char *bytes, size_t one, size_t count, void *context)
{
	struct kubelet_request *request = context;
	long status = 0;

	assert(one == 1);
	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return count;
	if (count > ANSWER_MAX - request->body->size)
		request->write_error = -EFBIG;
	else
		request->write_error = buffer_append(request->body, bytes, count);
	return request->write_error < 0 ? CURL_WRITEFUNC_ERROR : count;
}

static CURLcode configure(struct kubelet_request *request, const struct kubelet_options *options)
{
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS },
		{ CURLOPT_TIMEOUT_MS, REQUEST_TIMEOUT_MS },
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
		{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
		{ CURLOPT_SSL_VERIFYPEER, !options->insecure },
		{ CURLOPT_SSL_VERIFYHOST, options->insecure ? 0 : 2 },
		{ CURLOPT_CA_CACHE_TIMEOUT, 0 }, /* a renewed bundle counts at once */
		{ CURLOPT_QUICK_EXIT, 1 },       /* a hanging resolver does not hold up the end */
	};
	const struct {
		CURLoption option;
		const void *value;
	} pointers[] = {
		{ CURLOPT_URL, request->url },
		{ CURLOPT_PROTOCOLS_STR, "https,http" },
		{ CURLOPT_NOPROXY, "*" },
		{ CURLOPT_USERAGENT, "ringtail/" RINGTAIL_VERSION },
		{ CURLOPT_ERRORBUFFER, request->detail },
		{ CURLOPT_WRITEDATA, request },
	};
	CURLcode code = CURLE_OK;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers) && code == CURLE_OK; i++)
		code = curl_easy_setopt(request->easy, numbers[i].option, numbers[i].value);
	for (size_t i = 0; i < sizeof(pointers) / sizeof(*pointers) && code == CURLE_OK; i++)
		code = curl_easy_setopt(request->easy, pointers[i].option, pointers[i].value);
	if (code == CURLE_OK)
		code = curl_easy_setopt(request->easy, CURLOPT_WRITEFUNCTION, on_body);
	if (code == CURLE_OK && options->ca_file)
		code = curl_easy_setopt(request->easy, CURLOPT_CAINFO, options->ca_file);
	return code;
}

static char *pods_url(const char *url)
{
	size_t length = strlen(url);
	char *text;

	while (length > 0 && url[length - 1] == '/')
		length--;
	return asprintf(&text, "%.*s/pods", (int)length, url) < 0 ? NULL : text;
}

int kubelet_request_new(const struct kubelet_options *options, struct kubelet_request **ret)
{
	_cleanup_(kubelet_request_freep) struct kubelet_request *request = NULL;
	CURLcode code;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	request = calloc(1, sizeof(*request));
	if (!request) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	request->multi = curl_multi_init();
	request->easy = curl_easy_init();
	request->url = pods_url(options->url);
	if (!request->multi || !request->easy || !request->url)
		return -ENOMEM;
	if (options->token_file && strncasecmp(request->url, "https:", strlen("https:")) == 0) {
		request->token_file = strdup(options->token_file);
		if (!request->token_file)
			return -ENOMEM;
	}
	code = configure(request, options);
	if (code != CURLE_OK)
		return code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
	*ret = TAKE_PTR(request);
	return 0;
}

struct kubelet_request *kubelet_request_free(struct kubelet_request *request)
{
	if (!request)
		return NULL;
	curl_easy_cleanup(request->easy);
	curl_multi_cleanup(request->multi);
	free(request->url);
	free(request->token_file);
	free(request);
	curl_global_cleanup();
	return NULL;
}

void kubelet_request_abort(struct kubelet_request *request)
{
	request->aborted = true;
	curl_multi_wakeup(request->multi);
}

/*
 * Leaves the token with a NUL, or nothing when there is no file. Only visible ASCII may stand in
 * it: a line break would let the file write headers.
 */
static int read_token(const char *path, struct buffer *ret)
{
	int r = file_read(path, TOKEN_MAX, ret);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	while (ret->size > 0 && strchr(" \t\r\n", ret->data[ret->size - 1]))
		ret->size--;
	ret->data[ret->size] = '\0';
	for (size_t i = 0; i < ret->size; i++)
		if (ret->data[i] <= ' ' || ret->data[i] > '~')
			return -EINVAL;
	return ret->size > 0 ? 0 : -ENODATA;
}

static int add_header(struct curl_slist **headers, const char *text)
{
	struct curl_slist *longer = curl_slist_append(*headers, text);

	if (!longer)
		return -ENOMEM;
	*headers = longer;
	return 0;
}

static int add_authorization(struct kubelet_request *request, struct curl_slist **headers,
			     struct kubelet_failure *ret_failure)
{
	_cleanup_buffer_ struct buffer token = { 0 }, header = { 0 };
	int r;

	if (!request->token_file)
		return 0;
	r = read_token(request->token_file, &token);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		kubelet_failure_set(ret_failure, KUBELET_FAILURE_TOKEN, "token file %s: %s",
				    request->token_file,
				    r == -EINVAL    ? "it holds more than a token"
				    : r == -ENODATA ? "it is empty"
						    : strerror(-r));
		return -EIO;
	}
	if (token.size == 0)
		return 0;
	r = buffer_printf(&header, "Authorization: Bearer %s", token.data);
	return r < 0 ? r : add_header(headers, header.data);
}

/* curl's own words where they name a certificate or an address, never where they may quote. */
static const char *describe(const struct kubelet_request *request, CURLcode code)
{
	static const CURLcode telling[] = { CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR,
					    CURLE_SSL_CACERT_BADFILE, CURLE_COULDNT_CONNECT,
					    CURLE_COULDNT_RESOLVE_HOST };

	for (size_t i = 0; i < sizeof(telling) / sizeof(*telling); i++)
		if (code == telling[i] && request->detail[0])
			return request->detail;
	return curl_easy_strerror(code);
}

static int fail_by_status(const struct kubelet_request *request, long status, bool token_sent,
			  struct kubelet_failure *ret_failure)
{
	static const struct {
		long status;
		const char *meaning;
	} meanings[] = {
		{ 401, ": the token is not accepted" },
		{ 403, ": the token lacks nodes/pods" },
		{ 404, ": this is no kubelet's port" },
	};
	const char *meaning = "";

	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if (meanings[i].status == status)
			meaning = meanings[i].meaning;
	if (status == 401 && !token_sent)
		meaning = ": a token is needed";
	kubelet_failure_set(ret_failure, (int)status, "HTTP %ld from %s%s", status, request->url,
			    meaning);
	return -EIO;
}

static int fail_by_code(const struct kubelet_request *request, CURLcode code,
			struct kubelet_failure *ret_failure)
{
	if (code == CURLE_OUT_OF_MEMORY || request->write_error == -ENOMEM)
		return -ENOMEM;
	if (request->write_error == -EFBIG)
		kubelet_failure_set(ret_failure, KUBELET_FAILURE_ANSWER,
				    "%s: the answer is longer than %d MiB", request->url,
				    ANSWER_MAX >> 20);
	else
		kubelet_failure_set(ret_failure, KUBELET_FAILURE_CURL + (int)code, "%s: %s",
				    request->url, describe(request, code));
	return -EIO;
}

static int transfer(struct kubelet_request *request, CURLcode *ret)
{
	int running = 1, left;
	CURLMsg *message;

	while (!request->aborted) {
		if (curl_multi_perform(request->multi, &running) != CURLM_OK)
			return -ENOMEM;
		if (!running)
			break;
		if (curl_multi_poll(request->multi, NULL, 0, REQUEST_TIMEOUT_MS, NULL) != CURLM_OK)
			return -ENOMEM;
	}
	if (request->aborted)
		return -ECANCELED;
	message = curl_multi_info_read(request->multi, &left);
	if (!message || message->msg != CURLMSG_DONE)
		return -ENOMEM;
	*ret = message->data.result;
	return 0;
}

static int perform(struct kubelet_request *request, struct curl_slist *headers, CURLcode *ret)
{
	int r;

	request->write_error = 0;
	request->detail[0] = '\0';
	if (curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, headers) != CURLE_OK ||
	    curl_multi_add_handle(request->multi, request->easy) != CURLM_OK)
		return -ENOMEM;
	r = transfer(request, ret);
	curl_multi_remove_handle(request->multi, request->easy);
	curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, NULL);
	return r;
}

static void free_headers(struct curl_slist **headers)
{
	curl_slist_free_all(*headers);
}

int kubelet_request_get(struct kubelet_request *request, struct buffer *ret,
			struct kubelet_failure *ret_failure)
{
	_cleanup_(free_headers) struct curl_slist *headers = NULL;
	_cleanup_buffer_ struct buffer body = { 0 };
	bool token_sent;
	CURLcode code;
	long status = 0;
	int r;

	r = add_authorization(request, &headers, ret_failure);
	if (r < 0)
		return r;
	token_sent = headers != NULL;
	r = add_header(&headers, "Accept: application/json");
	if (r < 0)
		return r;
	request->body = &body;
	r = perform(request, headers, &code);
	request->body = NULL;
	if (r < 0)
		return r;
	if (code != CURLE_OK)
		return fail_by_code(request, code, ret_failure);
	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return fail_by_status(request, status, token_sent, ret_failure);
	buffer_release(ret);
	*ret = TAKE(body, (struct buffer){ 0 });
	return 0;
}
