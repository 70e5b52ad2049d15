/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What capturing costs the one who writes: ns per call of the same loops with the programs off and
 * on, turn by turn in one run, median of the rounds. A child in a followed cgroup writes 128 bytes
 * to its registered stdout, to another pipe, to /dev/null, and calls getppid; it reads its pipes
 * empty itself, outside the time, so that no second process disturbs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/cgroup_tree.h"
#include "source/kernel_probe.h"
#include "source/kernel_ring.h"

enum {
	ROUNDS = 15,
	BURST = 200,
	BURSTS = 100,
	LINE = 128,
	CONTROL_IN = 200,
	CONTROL_OUT,
	STDOUT_READ
};

enum measure { CALL_GETPPID, WRITE_NULL, WRITE_OTHER_PIPE, WRITE_STDOUT, MEASURES };

static const char *const names[MEASURES] = {
	"getppid",
	"write to /dev/null",
	"write to another pipe",
	"write to stdout (captured)",
};

/* The child ------------------------------------------------------------------------------------ */

static uint64_t now_ns(void)
{
	return clock_boot_ns();
}

static double measure_getppid(void)
{
	uint64_t begin = now_ns();

	for (int i = 0; i < BURST * BURSTS; i++)
		syscall(SYS_getppid);
	return (double)(now_ns() - begin) / (BURST * BURSTS);
}

static double measure_write(int fd, int reader)
{
	static char line[LINE], space[BURST * LINE];
	uint64_t sum = 0;

	memset(line, 'x', LINE - 1);
	line[LINE - 1] = '\n';
	for (int burst = 0; burst < BURSTS; burst++) {
		uint64_t begin = now_ns();

		for (int i = 0; i < BURST; i++)
			if (write(fd, line, LINE) != LINE)
				exit(1);
		sum += now_ns() - begin;
		if (reader >= 0 && read(reader, space, sizeof(space)) != (ssize_t)sizeof(space))
			exit(1);
	}
	return (double)sum / (BURST * BURSTS);
}

static int be_writer(void)
{
	int null = open("/dev/null", O_WRONLY), other[2];
	double result[MEASURES];
	char go;

	if (pipe(other) < 0)
		return 1;
	while (read(CONTROL_IN, &go, 1) == 1) {
		result[CALL_GETPPID] = measure_getppid();
		result[WRITE_NULL] = measure_write(null, -1);
		result[WRITE_OTHER_PIPE] = measure_write(other[1], other[0]);
		result[WRITE_STDOUT] = measure_write(1, STDOUT_READ);
		if (write(CONTROL_OUT, result, sizeof(result)) != sizeof(result))
			return 1;
	}
	return 0;
}

/* The bench ------------------------------------------------------------------------------------ */

static uint64_t records;

static void on_record(void *context, const struct capture_record *record)
{
	(void)context;
	records += record->kind == CAPTURE_WRITE;
}

static void on_drained(void *context)
{
	(void)context;
}

static void must(int result, const char *what, const char *detail)
{
	if (result >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, detail ? detail : strerror(-result));
	exit(1);
}

struct bench {
	struct kernel_probe *probe;
	struct kernel_ring *rings;
	struct cgroup_tree *tree;
	sd_event *loop;
	char directory[128];
	int control, answer;
	pid_t child;
};

static void load(struct bench *bench)
{
	const struct kernel_probe_options options = { .ring_size = 16 << 20, .ring_count = 1 };
	const struct kernel_ring_handlers handlers = { on_record, on_drained, NULL };
	struct kernel_ring_source source = { .count = 1, .size = 16 << 20 };
	char *error = NULL;

	must(sd_event_new(&bench->loop), "sd_event_new", NULL);
	must(kernel_probe_new(&options, &bench->probe, &error), "load", error);
	source.fds[0] = kernel_probe_ring_fd(bench->probe, 0);
	source.wakeups = kernel_probe_wakeups(bench->probe);
	must(kernel_ring_new(&source, bench->loop, &handlers, &bench->rings), "rings", NULL);
}

static void start_child(struct bench *bench)
{
	int out[2], in[2], answer[2], procs;
	uint64_t cgroup;
	char path[160], *error = NULL;

	must(cgroup_tree_open(&bench->tree), "cgroups", NULL);
	snprintf(bench->directory, sizeof(bench->directory), "%s/ringtail-bench",
		 cgroup_tree_root(bench->tree));
	mkdir(bench->directory, 0755);
	must(cgroup_tree_id_of(bench->tree, "/ringtail-bench", &cgroup), "cgroup", NULL);
	must(kernel_probe_follow(bench->probe, cgroup, cgroup, CAPTURE_ENTRY_FIRST_EXEC), "follow",
	     NULL);
	must(kernel_probe_attach(bench->probe, &error), "attach", error);
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(in, O_CLOEXEC) < 0 || pipe2(answer, O_CLOEXEC) < 0)
		must(-errno, "pipe", NULL);
	snprintf(path, sizeof(path), "%s/cgroup.procs", bench->directory);
	procs = open(path, O_WRONLY);
	bench->child = fork();
	if (bench->child == 0) {
		dup2(out[0], STDOUT_READ + 10);
		dup2(out[1], 1);
		dup2(in[0], CONTROL_IN + 10);
		dup2(answer[1], CONTROL_OUT + 10);
		if (write(procs, "0", 1) != 1)
			_exit(1);
		for (int fd = CONTROL_IN; fd <= STDOUT_READ; fd++)
			dup2(fd + 10, fd);
		execl("/proc/self/exe", "write_cost", "--writer", NULL);
		_exit(1);
	}
	close(in[0]), close(answer[1]), close(out[0]), close(out[1]);
	bench->control = in[1];
	bench->answer = answer[0];
	usleep(100000);
}

static void one_round(struct bench *bench, double *ret)
{
	if (write(bench->control, "g", 1) != 1 ||
	    read(bench->answer, ret, MEASURES * sizeof(*ret)) <= 0)
		must(-EIO, "the writer", NULL);
	kernel_ring_drain(bench->rings);
}

static int compare(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) -
	       (*(const double *)a < *(const double *)b);
}

static double median(double values[ROUNDS])
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

static void report(double off[MEASURES][ROUNDS], double on[MEASURES][ROUNDS])
{
	printf("%-28s %10s %10s %10s   (median of %d rounds of %d calls)\n", "ns per call", "off",
	       "on", "added", ROUNDS, BURST * BURSTS);
	for (int i = 0; i < MEASURES; i++) {
		double without = median(off[i]), with = median(on[i]);

		printf("%-28s %10.0f %10.0f %+10.0f\n", names[i], without, with, with - without);
	}
}

int main(int argc, char **argv)
{
	static double off[MEASURES][ROUNDS], on[MEASURES][ROUNDS];
	double result[MEASURES];
	struct bench bench = { 0 };
	struct capture_counters counters;
	char *error = NULL;

	if (argc == 2 && strcmp(argv[1], "--writer") == 0)
		return be_writer();
	load(&bench);
	start_child(&bench);
	for (int round = 0; round < ROUNDS; round++) {
		one_round(&bench, result);
		for (int i = 0; i < MEASURES; i++)
			on[i][round] = result[i];
		kernel_probe_detach(bench.probe);
		one_round(&bench, result);
		for (int i = 0; i < MEASURES; i++)
			off[i][round] = result[i];
		must(kernel_probe_attach(bench.probe, &error), "attach", error);
	}
	close(bench.control);
	waitpid(bench.child, NULL, 0);
	rmdir(bench.directory);
	must(kernel_probe_read_counters(bench.probe, &counters), "counters", NULL);
	report(off, on);
	printf("records %llu of %d, dropped bytes %llu\n", (unsigned long long)records,
	       ROUNDS * BURST * BURSTS,
	       (unsigned long long)counters.gap_bytes[CAPTURE_GAP_RING_FULL]);
	return records == ROUNDS * BURST * BURSTS ? 0 : 1;
}
