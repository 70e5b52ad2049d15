/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs inside containers and writes in chosen ways. Static, so that it needs nothing of its root
 * filesystem. Every mode is a row in the table below; a mode fails (status 1, a word on stderr)
 * when a write does not do what the mode is about.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { PATTERN_PERIOD = 95, SEGMENTS_MAX = 1024, TICKS_PER_SECOND = 200 };

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vdprintf(STDERR_FILENO, format, arguments);
	va_end(arguments);
	exit(1);
}

static void write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, bytes, size);

		if (done < 0 && errno == EAGAIN) {
			poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
			continue;
		}
		if (done < 0)
			fail("writer: write: %s\n", strerror(errno));
		bytes += done;
		size -= (size_t)done;
	}
}

static char *allocate(size_t size)
{
	char *memory = malloc(size + 1);

	if (!memory)
		fail("writer: out of memory\n");
	return memory;
}

static size_t number(const char *text)
{
	char *end;
	size_t value = strtoull(text, &end, 10);

	if (end == text || *end)
		fail("writer: %s is not a number\n", text);
	return value;
}

/* Printable text with no short period, so that a cut or a shift shows. */
static void fill(char *bytes, size_t size, uint64_t seed)
{
	uint64_t state = seed * 2862933555777941757ULL + 3037000493ULL;

	for (size_t i = 0; i < size; i++) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		bytes[i] = (char)(' ' + (state >> 33) % PATTERN_PERIOD);
	}
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/*
 * lines SEED COUNT MAX RATE: random lines on both streams; RATE lines a second, 0 as fast as it
 * goes
 */
static size_t random_length(uint64_t *state, size_t max)
{
	unsigned int bits = 0;
	size_t length;

	while ((max >> bits) > 1)
		bits++;
	length = 1 + (size_t)(next_random(state) % (1ULL << (next_random(state) % (bits + 1))));
	return length > max ? max : length;
}

static size_t random_line(uint64_t *state, size_t max, uint64_t sequence, char *line)
{
	static const char *const oddities[] = { "\xff\xfe\xc3(\x80", "\xf0\x9f\xa6\x9d ring",
						"\xe2\x82",	     "\r",
						"\x1b[31m",	     "\"\\\b\f\t/",
						"\xed\xa0\x80",	     "\xc3\xa9t\xc3\xa9",
						"\xf4\x90\x80\x80" };
	size_t length = random_length(state, max), kind = next_random(state) % 100;

	if (kind < 2) {
		length = 0;
	} else {
		fill(line, length, sequence + 1);
		if (kind < 4)
			line[length / 2] = '\0';
		if (kind >= 4 && kind < 16) {
			const char *oddity = oddities[next_random(state) % 9];
			size_t size = strlen(oddity);

			if (size <= length)
				memcpy(line + (length - size) * (next_random(state) % 2), oddity,
				       size);
		}
	}
	if (kind >= 16 && kind < 20)
		line[length++] = '\r';
	line[length++] = '\n';
	return length;
}

static void wait_for_turn(const struct timespec *start, uint64_t done, uint64_t rate)
{
	uint64_t ns = done * 1000000000ULL / rate + (uint64_t)start->tv_nsec;
	struct timespec until = { .tv_sec = start->tv_sec + (time_t)(ns / 1000000000),
				  .tv_nsec = (long)(ns % 1000000000) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void mode_lines(char **arguments)
{
	uint64_t state = number(arguments[0]) * 2654435761ULL + 88172645463325252ULL,
		 count = number(arguments[1]);
	uint64_t rate = number(arguments[3]), burst = rate / TICKS_PER_SECOND + 1;
	size_t max = number(arguments[2]);
	char *line = allocate(max + 2);
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint64_t i = 0; i < count; i++) {
		size_t length = random_line(&state, max, i, line);

		write_all(next_random(&state) % 3 ? STDOUT_FILENO : STDERR_FILENO, line, length);
		if (rate && i % burst == 0)
			wait_for_turn(&start, i, rate);
	}
	free(line);
}

/* one SIZE: a single write of SIZE bytes that is one line */
static void mode_one(char **arguments)
{
	size_t size = number(arguments[0]);
	char *bytes = allocate(size);

	fill(bytes, size, 7);
	bytes[size - 1] = '\n';
	write_all(STDOUT_FILENO, bytes, size);
	free(bytes);
}

/* block SIZE LENGTH: a single write of SIZE bytes in lines of LENGTH bytes */
static void mode_block(char **arguments)
{
	size_t size = number(arguments[0]), length = number(arguments[1]);
	char *bytes = allocate(size);

	fill(bytes, size, 11);
	for (size_t i = length - 1; i < size; i += length)
		bytes[i] = '\n';
	bytes[size - 1] = '\n';
	write_all(STDOUT_FILENO, bytes, size);
	free(bytes);
}

/* writev SEGMENTS COUNT: COUNT lines, each a writev of SEGMENTS pieces, some of them empty */
static void mode_writev(char **arguments)
{
	size_t segments = number(arguments[0]), count = number(arguments[1]);
	struct iovec parts[SEGMENTS_MAX];
	char pieces[SEGMENTS_MAX][24];

	if (segments < 1 || segments > SEGMENTS_MAX || segments > IOV_MAX)
		fail("writer: 1 to %d segments\n", SEGMENTS_MAX);
	for (size_t i = 0; i < count; i++) {
		ssize_t total = 0, done;

		for (size_t j = 0; j < segments; j++) {
			int size = j % 5 == 3 ? 0
					      : snprintf(pieces[j], sizeof(pieces[j]), "<%zu.%zu>",
							 i, j);

			parts[j] = (struct iovec){ .iov_base = pieces[j], .iov_len = (size_t)size };
			total += size;
		}
		pieces[segments - 1][0] = '\n';
		total += 1 - (ssize_t)parts[segments - 1].iov_len;
		parts[segments - 1].iov_len = 1;
		done = writev(STDOUT_FILENO, parts, (int)segments);
		if (done != total)
			fail("writer: writev wrote %zd of %zd\n", done, total);
	}
}

/*
 * rate LINES_PER_SECOND SECONDS LENGTH: one write a line, numbered; the steady load of a benchmark
 */
static void numbered(char *line, size_t length, uint64_t sequence)
{
	char digits[24];
	int size = snprintf(digits, sizeof(digits), "%012llu ", (unsigned long long)sequence);

	memcpy(line, digits, (size_t)size < length ? (size_t)size : length - 1);
}

static void mode_rate(char **arguments)
{
	uint64_t rate = number(arguments[0]), count = rate * number(arguments[1]),
		 burst = rate / TICKS_PER_SECOND + 1;
	size_t length = number(arguments[2]);
	char *line = allocate(length);
	struct timespec start;

	fill(line, length, 3);
	line[length - 1] = '\n';
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint64_t i = 0; i < count; i++) {
		numbered(line, length, i);
		write_all(STDOUT_FILENO, line, length);
		if (i % burst == 0)
			wait_for_turn(&start, i, rate);
	}
	free(line);
}

/*
 * flood COUNT LENGTH: COUNT numbered lines as fast as it goes; says on stderr how long a write took
 */
static void mode_flood(char **arguments)
{
	uint64_t count = number(arguments[0]);
	size_t length = number(arguments[1]);
	char *line = allocate(length);
	struct timespec start, end;

	fill(line, length, 5);
	line[length - 1] = '\n';
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint64_t i = 0; i < count; i++) {
		numbered(line, length, i);
		write_all(STDOUT_FILENO, line, length);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	dprintf(STDERR_FILENO, "%.0f ns a write\n",
		((double)(end.tv_sec - start.tv_sec) * 1e9 +
		 (double)(end.tv_nsec - start.tv_nsec)) /
			(double)count);
	free(line);
}

/* nonblock SIZE: SIZE bytes in lines through a non-blocking fd, so that the pipe takes parts */
static void mode_nonblock(char **arguments)
{
	size_t size = number(arguments[0]), partial = 0;
	char *bytes = allocate(size), *at = bytes, *end = bytes + size;

	fill(bytes, size, 13);
	for (size_t i = 99; i < size; i += 100)
		bytes[i] = '\n';
	bytes[size - 1] = '\n';
	fcntl(STDOUT_FILENO, F_SETFL, O_WRONLY | O_NONBLOCK);
	while (at < end) {
		ssize_t done = write(STDOUT_FILENO, at, (size_t)(end - at));

		if (done < 0 && errno == EAGAIN) {
			poll(&(struct pollfd){ .fd = STDOUT_FILENO, .events = POLLOUT }, 1, -1);
			continue;
		}
		if (done < 0)
			fail("writer: write: %s\n", strerror(errno));
		partial += done < end - at;
		at += done;
	}
	if (partial == 0)
		fail("writer: no write was partial\n");
	free(bytes);
}

/* reopen PATH TEXT: opens PATH for writing and writes TEXT and a newline there */
static void mode_reopen(char **arguments)
{
	int fd = open(arguments[0], O_WRONLY);

	if (fd < 0)
		fail("writer: %s: %s\n", arguments[0], strerror(errno));
	write_all(fd, arguments[1], strlen(arguments[1]));
	write_all(fd, "\n", 1);
	close(fd);
}

/* dup TEXT: writes through another fd number, with fd 1 closed */
static void mode_dup(char **arguments)
{
	int fd = fcntl(STDOUT_FILENO, F_DUPFD, 200);
	char line[256];

	if (fd < 0)
		fail("writer: dup: %s\n", strerror(errno));
	close(STDOUT_FILENO);
	write_all(fd, line, (size_t)snprintf(line, sizeof(line), "%s\n", arguments[0]));
}

/* text FD BYTES: exactly BYTES, where \n \r \0 are escapes, in one write */
static void mode_text(char **arguments)
{
	size_t length = 0;
	char *bytes = allocate(strlen(arguments[1]));

	for (const char *c = arguments[1]; *c; c++) {
		if (*c == '\\' && c[1]) {
			c++;
			bytes[length++] = *c == 'n'   ? '\n'
					  : *c == 'r' ? '\r'
					  : *c == '0' ? '\0'
						      : *c;
		} else {
			bytes[length++] = *c;
		}
	}
	write_all((int)number(arguments[0]), bytes, length);
	free(bytes);
}

/*
 * threads COUNT LINES: COUNT threads write LINES numbered lines each, all at once, through one pipe
 */
struct thread_plan {
	size_t number, lines;
};

static void *thread_main(void *argument)
{
	const struct thread_plan *plan = argument;
	char line[64];

	for (size_t i = 0; i < plan->lines; i++)
		write_all(STDOUT_FILENO, line,
			  (size_t)snprintf(line, sizeof(line), "thread %zu line %zu\n",
					   plan->number, i));
	return NULL;
}

static void mode_threads(char **arguments)
{
	size_t count = number(arguments[0]);
	pthread_t *threads = calloc(count, sizeof(*threads));
	struct thread_plan *plans = calloc(count, sizeof(*plans));

	if (!threads || !plans)
		fail("writer: out of memory\n");
	for (size_t i = 0; i < count; i++) {
		plans[i] = (struct thread_plan){ .number = i, .lines = number(arguments[1]) };
		if (pthread_create(&threads[i], NULL, thread_main, &plans[i]) != 0)
			fail("writer: no thread\n");
	}
	for (size_t i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	free(plans);
}

/* sendfile FILE: FILE's bytes without a user buffer, as busybox cat does */
static void mode_sendfile(char **arguments)
{
	int fd = open(arguments[0], O_RDONLY);
	ssize_t done;

	if (fd < 0)
		fail("writer: %s: %s\n", arguments[0], strerror(errno));
	while ((done = sendfile(STDOUT_FILENO, fd, NULL, 1 << 20)) > 0)
		;
	if (done < 0)
		fail("writer: sendfile: %s\n", strerror(errno));
	close(fd);
}

/* splice TEXT: TEXT and a newline, out of a pipe of its own */
static void mode_splice(char **arguments)
{
	size_t size = strlen(arguments[0]) + 1;
	int inner[2];

	if (pipe(inner) < 0)
		fail("writer: pipe: %s\n", strerror(errno));
	write_all(inner[1], arguments[0], size - 1);
	write_all(inner[1], "\n", 1);
	if (splice(inner[0], NULL, STDOUT_FILENO, NULL, size, 0) != (ssize_t)size)
		fail("writer: splice: %s\n", strerror(errno));
}

/* vmsplice TEXT: TEXT and a newline, as pages */
static void mode_vmsplice(char **arguments)
{
	struct iovec parts[2] = { { arguments[0], strlen(arguments[0]) }, { "\n", 1 } };

	if (vmsplice(STDOUT_FILENO, parts, 2, 0) != (ssize_t)parts[0].iov_len + 1)
		fail("writer: vmsplice: %s\n", strerror(errno));
	/* The pages must stay as they are until the reader has them. */
	usleep(500000);
}

/* wait SECONDS: writes nothing */
static void mode_wait(char **arguments)
{
	sleep((unsigned int)number(arguments[0]));
}

static const struct {
	const char *name;
	int arguments;
	void (*run)(char **arguments);
} modes[] = {
	{ "lines", 4, mode_lines },	  { "one", 1, mode_one },
	{ "block", 2, mode_block },	  { "writev", 2, mode_writev },
	{ "rate", 3, mode_rate },	  { "flood", 2, mode_flood },
	{ "nonblock", 1, mode_nonblock }, { "reopen", 2, mode_reopen },
	{ "dup", 1, mode_dup },		  { "text", 2, mode_text },
	{ "threads", 2, mode_threads },	  { "sendfile", 1, mode_sendfile },
	{ "splice", 1, mode_splice },	  { "vmsplice", 1, mode_vmsplice },
	{ "wait", 1, mode_wait },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(argv[1], modes[i].name) == 0 && argc == modes[i].arguments + 2) {
			modes[i].run(argv + 2);
			return 0;
		}
	fail("writer: no such mode, or not its arguments\n");
}
