/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server inside of a test: a thread per connection, and a script that says what each
 * request gets. It records what came, in order. The script and the record are under one lock.
 */
#ifndef RINGTAIL_TESTS_HTTP_SERVER_H
#define RINGTAIL_TESTS_HTTP_SERVER_H

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"

enum { SERVER_CONNECTIONS = 64, SERVER_RECORDS = 512, SERVER_TEXT = 256, SERVER_BUFFER = 4 << 20 };

struct request {
	char operation[SERVER_TEXT];  /* of X-Amz-Target, behind the dot */
	char group[SERVER_TEXT], stream[SERVER_TEXT];
	char date[SERVER_TEXT];       /* of X-Amz-Date */
	char user_agent[SERVER_TEXT], expect[SERVER_TEXT], host[SERVER_TEXT];
	char *body;                   /* decoded, NUL-terminated; NULL in records */
	size_t body_size;
	bool gzip;
	int connection;               /* its number */
	uint64_t at_ms;               /* monotonic */
};

struct reply {
	int status;              /* 0: close without an answer */
	const char *body;
	size_t body_size;        /* 0: strlen */
	const char *headers;     /* whole lines with \r\n */
	unsigned int delay_ms;
	bool hang;               /* no answer until the server stops */
	bool close;              /* the connection, after the answer and without saying so */
};

struct server {
	int fd;
	int port;
	pthread_t acceptor, threads[SERVER_CONNECTIONS];
	int fds[SERVER_CONNECTIONS];
	int connections;
	pthread_mutex_t lock;
	bool stopping;
	void (*script)(void *context, const struct request *request, struct reply *reply);
	void *context;
	struct request records[SERVER_RECORDS];
	int count;
	int under_way, most_under_way;
	int streams_twice; /* requests that came while another one of their stream was under way */
	char busy[SERVER_CONNECTIONS][SERVER_TEXT];
};

struct connection {
	struct server *server;
	int number;
};

static inline void copy_between(const char *text, const char *before, const char *end, char *ret)
{
	const char *from = text ? strstr(text, before) : NULL;
	size_t length;

	ret[0] = '\0';
	if (!from)
		return;
	from += strlen(before);
	length = strcspn(from, end);
	snprintf(ret, SERVER_TEXT, "%.*s", (int)length, from);
}

static inline char *gunzip(const char *bytes, size_t size, size_t *ret_size)
{
	char *plain = malloc(SERVER_BUFFER);
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)size,
			    .next_out = (Bytef *)plain, .avail_out = SERVER_BUFFER - 1 };

	assert(plain && inflateInit2(&stream, 15 + 16) == Z_OK);
	assert(inflate(&stream, Z_FINISH) == Z_STREAM_END);
	*ret_size = stream.total_out;
	plain[*ret_size] = '\0';
	inflateEnd(&stream);
	return plain;
}

static inline void read_request(char *head, char *body, size_t size, struct request *ret)
{
	char encoding[SERVER_TEXT];

	copy_between(head, "X-Amz-Target: Logs_20140328.", "\r", ret->operation);
	copy_between(head, "X-Amz-Date: ", "\r", ret->date);
	copy_between(head, "User-Agent: ", "\r", ret->user_agent);
	copy_between(head, "Expect: ", "\r", ret->expect);
	copy_between(head, "Host: ", "\r", ret->host);
	copy_between(head, "Content-Encoding: ", "\r", encoding);
	ret->gzip = !strcmp(encoding, "gzip");
	ret->body = ret->gzip ? gunzip(body, size, &ret->body_size) : strndup(body, size);
	if (!ret->gzip)
		ret->body_size = size;
	copy_between(ret->body, "\"logGroupName\":\"", "\"", ret->group);
	copy_between(ret->body, "\"logStreamName\":\"", "\"", ret->stream);
}

static inline void note_begin(struct server *server, int number, const struct request *request)
{
	for (int i = 0; i < server->connections; i++)
		if (i != number && request->stream[0] && !strcmp(server->busy[i], request->stream))
			server->streams_twice++;
	strcpy(server->busy[number], request->stream);
	if (++server->under_way > server->most_under_way)
		server->most_under_way = server->under_way;
	assert(server->count < SERVER_RECORDS);
	server->records[server->count] = *request;
	server->records[server->count++].body = NULL;
}

static inline void answer(struct server *server, int fd, const struct reply *reply)
{
	size_t size = reply->body_size ?: reply->body ? strlen(reply->body) : 0;
	char head[1024];
	int length = snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n",
			      reply->status, size, reply->headers ?: "");

	(void)server;
	if (send(fd, head, (size_t)length, MSG_NOSIGNAL) == length && size)
		while (size) {
			ssize_t sent = send(fd, reply->body, size, MSG_NOSIGNAL);

			if (sent <= 0)
				break;
			size -= (size_t)sent;
		}
}

static inline bool wait_while_running(struct server *server, unsigned int ms)
{
	for (uint64_t end = clock_monotonic_ms() + ms; clock_monotonic_ms() < end; usleep(2000)) {
		pthread_mutex_lock(&server->lock);
		bool stopping = server->stopping;
		pthread_mutex_unlock(&server->lock);
		if (stopping)
			return false;
	}
	return true;
}

/* False: the connection ends. */
static inline bool serve_request(struct server *server, int number, char *head, char *body,
				 size_t size)
{
	struct request request = { .connection = number, .at_ms = clock_monotonic_ms() };
	struct reply reply = { .status = 200, .body = "{}" };

	read_request(head, body, size, &request);
	pthread_mutex_lock(&server->lock);
	note_begin(server, number, &request);
	if (server->script)
		server->script(server->context, &request, &reply);
	pthread_mutex_unlock(&server->lock);
	free(request.body);
	if (!wait_while_running(server, reply.hang ? 60000 : reply.delay_ms))
		return false;
	pthread_mutex_lock(&server->lock);
	server->busy[number][0] = '\0';
	server->under_way--;
	pthread_mutex_unlock(&server->lock);
	if (reply.status)
		answer(server, server->fds[number], &reply);
	return reply.status && !reply.close;
}

static inline void *serve_connection(void *context)
{
	struct connection *connection = context;
	struct server *server = connection->server;
	int number = connection->number, fd = server->fds[number];
	char *buffer = malloc(SERVER_BUFFER);
	size_t size = 0;
	bool goes_on = true;

	free(connection);
	assert(buffer);
	while (goes_on) {
		char *end = NULL, text[SERVER_TEXT];
		size_t head_size, body_size;
		ssize_t got;

		buffer[size] = '\0';
		end = strstr(buffer, "\r\n\r\n");
		head_size = end ? (size_t)(end - buffer) + 4 : 0;
		if (end) {
			end[2] = '\0';
			copy_between(buffer, "Content-Length: ", "\r", text);
			body_size = strtoul(text, NULL, 10);
			if (size >= head_size + body_size) {
				goes_on = serve_request(server, number, buffer, buffer + head_size,
							body_size);
				size -= head_size + body_size;
				memmove(buffer, buffer + head_size + body_size, size);
				continue;
			}
			end[2] = '\r';
		}
		got = recv(fd, buffer + size, SERVER_BUFFER - 1 - size, 0);
		if (got <= 0)
			break;
		size += (size_t)got;
	}
	free(buffer);
	shutdown(fd, SHUT_RDWR);
	return NULL;
}

static inline void *accept_connections(void *context)
{
	struct server *server = context;

	for (;;) {
		int fd = accept(server->fd, NULL, NULL);
		struct connection *connection;

		if (fd < 0)
			return NULL;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
		connection = malloc(sizeof(*connection));
		pthread_mutex_lock(&server->lock);
		assert(connection && server->connections < SERVER_CONNECTIONS);
		*connection = (struct connection){ server, server->connections };
		server->fds[server->connections] = fd;
		pthread_create(&server->threads[server->connections], NULL, serve_connection,
			       connection);
		server->connections++;
		pthread_mutex_unlock(&server->lock);
	}
}

static inline struct server *
server_start(void (*script)(void *, const struct request *, struct reply *), void *context)
{
	struct server *server = calloc(1, sizeof(*server));
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);

	assert(server);
	server->script = script;
	server->context = context;
	pthread_mutex_init(&server->lock, NULL);
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(bind(server->fd, (struct sockaddr *)&address, size) == 0 &&
	       listen(server->fd, 64) == 0);
	assert(getsockname(server->fd, (struct sockaddr *)&address, &size) == 0);
	server->port = ntohs(address.sin_port);
	pthread_create(&server->acceptor, NULL, accept_connections, server);
	return server;
}

static inline void server_stop(struct server *server)
{
	pthread_mutex_lock(&server->lock);
	server->stopping = true;
	pthread_mutex_unlock(&server->lock);
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->acceptor, NULL);
	for (int i = 0; i < server->connections; i++) {
		shutdown(server->fds[i], SHUT_RDWR);
		pthread_join(server->threads[i], NULL);
		close(server->fds[i]);
	}
	close(server->fd);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

static inline int server_count(struct server *server, const char *operation, const char *stream)
{
	int count = 0;

	pthread_mutex_lock(&server->lock);
	for (int i = 0; i < server->count; i++)
		count += (!operation || !strcmp(server->records[i].operation, operation)) &&
			 (!stream || !strcmp(server->records[i].stream, stream));
	pthread_mutex_unlock(&server->lock);
	return count;
}

#endif
