/* SPDX-License-Identifier: Apache-2.0 */
#include "source/command_cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"

struct command_cgroup {
	char *directory;
	bool removed;
};

int command_cgroup_new(const char *root, const char *path, struct command_cgroup **ret)
{
	_cleanup_free_ char *directory = NULL;
	struct command_cgroup *cgroup;

	if (asprintf(&directory, "%s%s", root, path) < 0)
		return -ENOMEM;
	if (mkdir(directory, 0755) < 0)
		return -errno;
	cgroup = calloc(1, sizeof(*cgroup));
	if (!cgroup) {
		rmdir(directory);
		return -ENOMEM;
	}
	cgroup->directory = TAKE_PTR(directory);
	*ret = cgroup;
	return 0;
}

/* cgroup.kill since 5.14; before that one by one. */
static void kill_all(const struct command_cgroup *cgroup)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_fclose_ FILE *processes = NULL;
	int pid;

	if (asprintf(&path, "%s/cgroup.kill", cgroup->directory) < 0)
		return;
	if (file_write_value(path, "1") == 0)
		return;
	free(TAKE_PTR(path));
	if (asprintf(&path, "%s/cgroup.procs", cgroup->directory) < 0)
		return;
	processes = fopen(path, "re");
	while (processes && fscanf(processes, "%d", &pid) == 1)
		if (pid > 0)
			kill(pid, SIGKILL);
}

int command_cgroup_end(struct command_cgroup *cgroup)
{
	if (cgroup->removed)
		return 0;
	if (rmdir(cgroup->directory) < 0 && errno != ENOENT) {
		int r = -errno;

		kill_all(cgroup);
		return r;
	}
	cgroup->removed = true;
	return 0;
}

struct command_cgroup *command_cgroup_free(struct command_cgroup *cgroup)
{
	if (!cgroup)
		return NULL;
	for (int i = 0; i < 100 && command_cgroup_end(cgroup) < 0; i++)
		usleep(10000);
	free(cgroup->directory);
	free(cgroup);
	return NULL;
}

/* In the child. Tells exec's failure through `report`, which exec closes. */
static void become(const char *processes, char *const *arguments, void (*prepare)(void),
		   const int *outputs, int report)
{
	int error = 0;

	if (file_write_value(processes, "0") < 0)
		error = errno;
	if (!error && (dup2(outputs[0], STDOUT_FILENO) < 0 || dup2(outputs[1], STDERR_FILENO) < 0))
		error = errno;
	if (!error) {
		prepare();
		execvp(arguments[0], arguments);
		error = errno;
	}
	if (write(report, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

static void close_pair(int (*pair)[2])
{
	cleanup_close(&(*pair)[0]);
	cleanup_close(&(*pair)[1]);
}

static int wait_for_exec(int report, pid_t pid)
{
	int error = 0;
	ssize_t got;

	do
		got = read(report, &error, sizeof(error));
	while (got < 0 && errno == EINTR);
	if (got != sizeof(error))
		return 0;
	waitpid(pid, NULL, 0);
	return error ? -error : -EIO;
}

int command_cgroup_start(struct command_cgroup *cgroup, char *const *arguments,
			 void (*prepare)(void), struct started_command *ret)
{
	_cleanup_(close_pair) int out[2] = { -1, -1 };
	_cleanup_(close_pair) int err[2] = { -1, -1 };
	_cleanup_(close_pair) int report[2] = { -1, -1 };
	_cleanup_free_ char *processes = NULL;
	pid_t pid;
	int r;

	if (asprintf(&processes, "%s/cgroup.procs", cgroup->directory) < 0)
		return -ENOMEM;
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 || pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become(processes, arguments, prepare, (const int[]){ out[1], err[1] }, report[1]);
	close(TAKE_FD(report[1]));
	r = wait_for_exec(report[0], pid);
	if (r < 0)
		return r;
	if (fcntl(out[0], F_SETFL, O_NONBLOCK) < 0 || fcntl(err[0], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	*ret = (struct started_command){ .pid = pid,
					 .output = { TAKE_FD(out[0]), TAKE_FD(err[0]) } };
	return 0;
}
