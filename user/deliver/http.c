/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/http.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "base/buffer.h"

#define USER_AGENT "ringtail/" RINGTAIL_VERSION
/* Never through a proxy: this machine, and the addresses where AWS serves credentials. */
#define DIRECT_HOSTS                                                                               \
	"localhost,127.0.0.1,::1,"                                                                 \
	"169.254.169.254,169.254.170.2,169.254.170.23,fd00:ec2::23,fd00:ec2::254"

enum {
	CONNECT_MS = 5000,
	TOTAL_MS = 30000,
	IDLE_S = 4,
	SILENCE_S = 20,             /* less than a byte a second for so long */
	LIFETIME_S = 600,           /* of a connection: names may point elsewhere by now */
	CONNECTIONS_MAX = 16,       /* kept open */
	WAIT_MAX_MS = 3600 * 1000,  /* libcurl has no wait without an end */
	RETRY_AFTER_MAX_S = 86400,
};

struct transfer {
	LIST_ENTRY(transfer) link;
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	struct buffer body;
	bool too_long;
	http_handler handler;
	void *context;
	char error[CURL_ERROR_SIZE];
};

struct http {
	CURLM *multi;
	CURLSH *share; /* TLS sessions, so that a new connection costs no full handshake */
	char *ca_file, *proxy, *direct_hosts;
	long connect_ms, total_ms, idle_s;
	LIST_HEAD(, transfer) transfers;
};

static int global_result;

static void init_global(void)
{
	global_result = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -EIO;
}

static int copy_text(const char *text, char **ret)
{
	if (!text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* A list given to libcurl replaces the environment's, so that one has to go in as well. */
static int join_direct_hosts(char **ret)
{
	const char *own = getenv("NO_PROXY") ?: getenv("no_proxy");
	bool filled = own && *own;

	if (filled && !strcmp(own, "*"))
		return copy_text(own, ret);
	if (asprintf(ret, "%s%s%s", filled ? own : "", filled ? "," : "", DIRECT_HOSTS) < 0)
		return -ENOMEM;
	return 0;
}

int http_new(const struct http_options *options, struct http **ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	_cleanup_(http_freep) struct http *http = calloc(1, sizeof(*http));
	int r;

	pthread_once(&once, init_global);
	if (global_result < 0)
		return global_result;
	if (!http)
		return -ENOMEM;
	LIST_INIT(&http->transfers);
	http->connect_ms = options->connect_ms ?: CONNECT_MS;
	http->total_ms = options->total_ms ?: TOTAL_MS;
	http->idle_s = options->idle_s ?: IDLE_S;
	r = copy_text(options->ca_file, &http->ca_file);
	if (r >= 0)
		r = copy_text(options->proxy, &http->proxy);
	if (r >= 0)
		r = join_direct_hosts(&http->direct_hosts);
	if (r < 0)
		return r;
	http->multi = curl_multi_init();
	http->share = curl_share_init();
	if (!http->multi || !http->share)
		return -ENOMEM;
	curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
	*ret = TAKE_PTR(http);
	return 0;
}

static void free_transfer(struct transfer *transfer)
{
	LIST_REMOVE(transfer, link);
	if (transfer->easy) {
		curl_multi_remove_handle(transfer->http->multi, transfer->easy);
		curl_easy_cleanup(transfer->easy);
	}
	curl_slist_free_all(transfer->headers);
	buffer_release(&transfer->body);
	free(transfer);
}

struct http *http_free(struct http *http)
{
	if (!http)
		return NULL;
	while (!LIST_EMPTY(&http->transfers))
		free_transfer(LIST_FIRST(&http->transfers));
	if (http->multi)
		curl_multi_cleanup(http->multi);
	if (http->share)
		curl_share_cleanup(http->share);
	free(http->ca_file);
	free(http->proxy);
	free(http->direct_hosts);
	free(http);
	return NULL;
}

/* Starting a post ------------------------------------------------------------------------------ */

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;

	count *= size;
	if (count > HTTP_ANSWER_MAX - transfer->body.size) {
		transfer->too_long = true;
		return 0;
	}
	return buffer_append(&transfer->body, bytes, count) < 0 ? 0 : count;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)context;
	(void)purpose;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/*
 * Options that every post has. A failing one is an out-of-memory, or a libcurl that lacks what we
 * demand.
 */
static CURLcode set_common_options(const struct http *http, CURL *easy)
{
	CURLcode code = CURLE_OK;

#define SET(option, value)                                                                         \
	do {                                                                                       \
		if (code == CURLE_OK)                                                              \
			code = curl_easy_setopt(easy, option, value);                              \
	} while (0)
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* a name server that hangs must not hold up the others */
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, http->connect_ms);
	SET(CURLOPT_TIMEOUT_MS, http->total_ms);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(CURLOPT_LOW_SPEED_TIME, (long)SILENCE_S);
	SET(CURLOPT_MAXAGE_CONN, http->idle_s);
	SET(CURLOPT_MAXLIFETIME_CONN, (long)LIFETIME_S);
	SET(CURLOPT_USERAGENT, USER_AGENT);
	SET(CURLOPT_SHARE, http->share);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_NOPROXY, http->direct_hosts);
	if (http->ca_file)
		SET(CURLOPT_CAINFO, http->ca_file);
	if (http->proxy)
		SET(CURLOPT_PROXY, http->proxy);
	return code;
}

static CURLcode set_post_options(struct transfer *transfer, const struct http_post *post)
{
	CURL *easy = transfer->easy;
	CURLcode code = set_common_options(transfer->http, easy);

	SET(CURLOPT_URL, post->url);
	SET(CURLOPT_HTTPHEADER, transfer->headers);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body_size);
	SET(CURLOPT_POSTFIELDS, post->body ?: "");
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_ERRORBUFFER, transfer->error);
	SET(CURLOPT_PRIVATE, transfer);
#undef SET
	return code;
}

static int add_header(struct transfer *transfer, const char *text)
{
	struct curl_slist *longer = curl_slist_append(transfer->headers, text);

	if (!longer)
		return -ENOMEM;
	transfer->headers = longer;
	return 0;
}

int http_start_post(struct http *http, const struct http_post *post, http_handler handler,
		    void *context)
{
	struct transfer *transfer = calloc(1, sizeof(*transfer));
	int r;

	if (!transfer)
		return -ENOMEM;
	transfer->http = http;
	transfer->handler = handler;
	transfer->context = context;
	LIST_INSERT_HEAD(&http->transfers, transfer, link);
	transfer->easy = curl_easy_init();
	/*
	 * No `Expect: 100-continue`, which libcurl adds to bodies over 1 MiB: it costs a round
	 * trip.
	 */
	r = transfer->easy ? add_header(transfer, "Expect:") : -ENOMEM;
	for (const char *const *header = post->headers; header && *header && r >= 0; header++)
		r = add_header(transfer, *header);
	if (r >= 0 && set_post_options(transfer, post) != CURLE_OK)
		r = -EINVAL;
	if (r >= 0 && curl_multi_add_handle(http->multi, transfer->easy) != CURLM_OK)
		r = -EIO;
	if (r < 0)
		free_transfer(transfer);
	return r;
}

/* The answer ----------------------------------------------------------------------------------- */

static const struct {
	CURLcode code;
	int error;
} errors[] = {
	{ CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT },
	{ CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH },
	{ CURLE_COULDNT_RESOLVE_PROXY, -EHOSTUNREACH },
	{ CURLE_COULDNT_CONNECT, -ECONNREFUSED },
	{ CURLE_SEND_ERROR, -ECONNRESET },
	{ CURLE_RECV_ERROR, -ECONNRESET },
	{ CURLE_GOT_NOTHING, -ECONNRESET },
	{ CURLE_PARTIAL_FILE, -ECONNRESET },
	{ CURLE_SSL_CONNECT_ERROR, -EPROTO },
	{ CURLE_PEER_FAILED_VERIFICATION, -EPROTO },
	{ CURLE_SSL_CACERT_BADFILE, -EPROTO },
	{ CURLE_WEIRD_SERVER_REPLY, -EPROTO },
	{ CURLE_OUT_OF_MEMORY, -ENOMEM },
	{ CURLE_URL_MALFORMAT, -EINVAL },
	{ CURLE_UNSUPPORTED_PROTOCOL, -EINVAL },
};

static int error_of(const struct transfer *transfer, CURLcode code)
{
	if (transfer->too_long)
		return -EFBIG;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].code == code)
			return errors[i].error;
	return -EIO;
}

/* libcurl's text may quote the other side (a certificate's name): no control bytes in our log. */
static void describe_error(struct transfer *transfer, CURLcode code,
			   char ret[static HTTP_REASON_SIZE])
{
	CURLU *url = curl_url();
	const char *text = transfer->error[0] ? transfer->error : curl_easy_strerror(code);
	char *effective = NULL, *host = NULL;

	if (transfer->too_long)
		text = "the answer is too long";
	curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_URL, &effective);
	if (url && effective && curl_url_set(url, CURLUPART_URL, effective, 0) == CURLUE_OK)
		curl_url_get(url, CURLUPART_HOST, &host, 0);
	if (host && strstr(text, host))
		snprintf(ret, HTTP_REASON_SIZE, "%.255s", text);
	else
		snprintf(ret, HTTP_REASON_SIZE, "%.128s: %.180s", host ?: "?", text);
	curl_free(host);
	curl_url_cleanup(url);
	for (char *at = ret; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
}

static const char *find_header(CURL *easy, const char *name)
{
	struct curl_header *header;

	if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return NULL;
	return header->value;
}

static uint64_t read_retry_after_ms(CURL *easy)
{
	const char *precise = find_header(easy, "x-amz-retry-after");
	curl_off_t seconds = 0;
	uint64_t wait_ms, precise_ms = 0;

	curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
	if (seconds < 0)
		seconds = 0;
	if (seconds > RETRY_AFTER_MAX_S)
		seconds = RETRY_AFTER_MAX_S;
	wait_ms = (uint64_t)seconds * 1000;
	if (precise && *precise >= '0' && *precise <= '9')
		precise_ms = strtoull(precise, NULL, 10);
	if (precise_ms > RETRY_AFTER_MAX_S * UINT64_C(1000))
		precise_ms = RETRY_AFTER_MAX_S * UINT64_C(1000);
	return precise_ms > wait_ms ? precise_ms : wait_ms;
}

static void read_answer(struct transfer *transfer, CURLcode code, struct http_answer *ret)
{
	long connects = 0, header_bytes = 0;
	const char *date;
	time_t seconds;

	*ret = (struct http_answer){ 0 };
	if (code != CURLE_OK) {
		curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
		curl_easy_getinfo(transfer->easy, CURLINFO_HEADER_SIZE, &header_bytes);
		ret->error = error_of(transfer, code);
		ret->reused = ret->error == -ECONNRESET && connects == 0 && header_bytes == 0;
		describe_error(transfer, code, ret->reason);
		return;
	}
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &ret->status);
	ret->body = transfer->body.data;
	ret->body_size = transfer->body.size;
	ret->retry_after_ms = read_retry_after_ms(transfer->easy);
	date = find_header(transfer->easy, "date");
	seconds = date ? curl_getdate(date, NULL) : -1;
	if (seconds > 0)
		ret->date_ms = (int64_t)seconds * 1000;
}

/*
 * True when a transfer had ended. Its bytes are valid during the handler, which may start others.
 */
static bool finish_one(struct http *http)
{
	int left;
	CURLMsg *message = curl_multi_info_read(http->multi, &left);
	struct transfer *transfer = NULL;
	struct http_answer answer;

	if (!message)
		return false;
	if (message->msg != CURLMSG_DONE)
		return true;
	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
	read_answer(transfer, message->data.result, &answer);
	transfer->handler(transfer->context, &answer);
	free_transfer(transfer);
	return true;
}

int http_turn(struct http *http, int timeout_ms)
{
	bool ended = false;
	int running;

	if (curl_multi_perform(http->multi, &running) != CURLM_OK)
		return -EIO;
	while (finish_one(http))
		ended = true;
	if (ended)
		return 0;
	if (timeout_ms < 0 || timeout_ms > WAIT_MAX_MS)
		timeout_ms = WAIT_MAX_MS;
	return curl_multi_poll(http->multi, NULL, 0, timeout_ms, NULL) == CURLM_OK ? 0 : -EIO;
}

void http_wake(struct http *http)
{
	curl_multi_wakeup(http->multi);
}
