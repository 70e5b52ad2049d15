/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel_probe.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/explain.h"
#include "base/log.h"
#include "capture.skel.h"
#include "source/kernel_hooks.h"

enum { LINKS_MAX = KERNEL_HOOKS_MAX + 3 }; /* and those of a container's life */

struct kernel_probe {
	struct capture *programs;
	enum kernel_backend backend;
	struct bpf_link *links[LINKS_MAX];
	size_t link_count;
	int ring_fds[CAPTURE_RINGS_MAX];
	unsigned int ring_count;
	uint64_t ring_size;
	struct capture_wakeup *wakeups;
	char why[256]; /* `auto` did not choose the other backend */
};

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char message[512];

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(message, sizeof(message), format, arguments);
	message[strcspn(message, "\n")] = '\0';
	log_debug("%s", message);
	return 0;
}

/* What must be there is asked for one by one, so that the complaint names it. */
static int check_machine(char **ret_error)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		return explain(-EOPNOTSUPP, ret_error,
			       "/sys/kernel/btf/vmlinux: the kernel's type information (BTF) is "
			       "missing; run a kernel built with "
			       "CONFIG_DEBUG_INFO_BTF and let /sys be mounted");
	return 0;
}

static int explain_load(int error, char **ret_error)
{
	if (error == -EPERM || error == -EACCES)
		return explain(
			error, ret_error,
			"the kernel does not let this process load BPF programs; run as root, "
			"or with CAP_BPF and CAP_PERFMON");
	return explain(
		error, ret_error,
		"the BPF programs do not load on this kernel: %s (--log-level debug says more); "
		"ringtail needs Linux 6.1 or newer with BTF",
		strerror(-error));
}

static unsigned int choose_ring_count(unsigned int wanted)
{
	unsigned int cpus = (unsigned int)libbpf_num_possible_cpus(), count = 1;

	if (wanted)
		return wanted;
	while (count * 2 <= cpus && count * 2 <= CAPTURE_RINGS_MAX)
		count *= 2;
	return count;
}

static int make_rings(struct kernel_probe *probe)
{
	int outer = bpf_map__fd(probe->programs->maps.rings);

	for (uint32_t i = 0; i < probe->ring_count; i++) {
		int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0,
					(uint32_t)probe->ring_size, NULL);

		if (fd < 0)
			return fd;
		probe->ring_fds[i] = fd;
		if (bpf_map_update_elem(outer, &i, &fd, BPF_ANY) < 0)
			return -errno;
	}
	return 0;
}

static size_t wakeups_size(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (sizeof(struct capture_wakeup) * CAPTURE_RINGS_MAX + page - 1) / page * page;
}

static int map_wakeups(struct kernel_probe *probe)
{
	void *at = mmap(NULL, wakeups_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
			bpf_map__fd(probe->programs->maps.wakeups), 0);

	if (at == MAP_FAILED)
		return -errno;
	probe->wakeups = at;
	return 0;
}

static int load_programs(struct kernel_probe *probe, const struct kernel_probe_options *options,
			 enum kernel_backend backend, char **ret_error)
{
	int r;

	probe->programs = capture__open();
	if (!probe->programs)
		return explain_load(-errno, ret_error);
	probe->backend = backend;
	probe->programs->rodata->ring_count = probe->ring_count;
	probe->programs->rodata->ring_watermark = (uint32_t)(probe->ring_size / 4);
	probe->programs->rodata->record_process = options->record_process;
	probe->programs->rodata->offer = options->offer;
	probe->programs->rodata->count_spliced_only = backend == KERNEL_BACKEND_VFS;
	r = kernel_hooks_choose(probe->programs, backend, ret_error);
	if (r == 0) {
		r = capture__load(probe->programs);
		if (r < 0 && backend == KERNEL_BACKEND_VFS)
			explain(r, ret_error,
				"capture.backend vfs: this kernel refuses fexit programs (%s); use "
				"auto or syscall",
				strerror(-r));
		else if (r < 0)
			explain_load(r, ret_error);
	}
	if (r < 0) {
		capture__destroy(probe->programs);
		probe->programs = NULL;
	}
	return r;
}

/* Whether it can be attached too: arm64 may load fexit programs and refuse them then. */
static int try_to_attach(struct kernel_probe *probe, char **ret_error)
{
	int r = kernel_hooks_attach(probe->programs, probe->backend, probe->links,
				    &probe->link_count, ret_error);

	kernel_probe_detach(probe);
	return r;
}

/*
 * The cheapest backend that loads, attaches and is complete. What makes `auto` pass one by is worth
 * a line: it is what an operator asks first.
 */
static int choose_backend(struct kernel_probe *probe, const struct kernel_probe_options *options,
			  char **ret_error)
{
	_cleanup_free_ char *why = NULL;

	if (options->backend == KERNEL_PROBE_SYSCALL)
		return load_programs(probe, options, KERNEL_BACKEND_SYSCALL, ret_error);
	if (options->backend == KERNEL_PROBE_VFS)
		return load_programs(probe, options, KERNEL_BACKEND_VFS, ret_error);
	if (kernel_hooks_are_preemptible())
		snprintf(probe->why, sizeof(probe->why), "this kernel may preempt vfs programs");
	else if (load_programs(probe, options, KERNEL_BACKEND_VFS, &why) == 0 &&
		 try_to_attach(probe, &why) == 0)
		return 0;
	else
		snprintf(probe->why, sizeof(probe->why), "%s", why ? why : "vfs does not load");
	capture__destroy(probe->programs);
	probe->programs = NULL;
	return load_programs(probe, options, KERNEL_BACKEND_SYSCALL, ret_error);
}

static int load(struct kernel_probe *probe, const struct kernel_probe_options *options,
		char **ret_error)
{
	int r = choose_backend(probe, options, ret_error);

	if (r < 0)
		return r;
	r = make_rings(probe);
	if (r < 0)
		return explain(
			r, ret_error,
			"capture.ring_size: %u rings of %llu bytes: %s; choose a smaller size",
			probe->ring_count, (unsigned long long)probe->ring_size, strerror(-r));
	r = map_wakeups(probe);
	if (r < 0)
		return explain(r, ret_error, "cannot share memory with the BPF programs: %s",
			       strerror(-r));
	return 0;
}

int kernel_probe_new(const struct kernel_probe_options *options, struct kernel_probe **ret,
		     char **ret_error)
{
	_cleanup_(kernel_probe_freep) struct kernel_probe *probe = calloc(1, sizeof(*probe));
	int r;

	if (!probe)
		return -ENOMEM;
	memset(probe->ring_fds, -1, sizeof(probe->ring_fds));
	probe->ring_count = choose_ring_count(options->ring_count);
	probe->ring_size = options->ring_size;
	libbpf_set_print(print_libbpf);
	r = check_machine(ret_error);
	if (r < 0)
		return r;
	r = load(probe, options, ret_error);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(probe);
	return 0;
}

struct kernel_probe *kernel_probe_free(struct kernel_probe *probe)
{
	if (!probe)
		return NULL;
	kernel_probe_detach(probe);
	if (probe->wakeups)
		munmap(probe->wakeups, wakeups_size());
	for (unsigned int i = 0; i < CAPTURE_RINGS_MAX; i++)
		if (probe->ring_fds[i] >= 0)
			close(probe->ring_fds[i]);
	capture__destroy(probe->programs);
	free(probe);
	return NULL;
}

static int attach_lifecycle(struct kernel_probe *probe, char **ret_error)
{
	struct bpf_program *const programs[] = {
		probe->programs->progs.cgroup_made,
		probe->programs->progs.cgroup_removed,
		probe->programs->progs.program_executed,
	};

	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		struct bpf_link *link = bpf_program__attach(programs[i]);

		if (!link)
			return explain(-errno, ret_error, "cannot attach BPF program %s: %s",
				       bpf_program__name(programs[i]), strerror(errno));
		probe->links[probe->link_count++] = link;
	}
	return 0;
}

/* Writes first: when an exec registers a pipe, nothing of it may pass unseen. */
int kernel_probe_attach(struct kernel_probe *probe, char **ret_error)
{
	int r = kernel_hooks_attach(probe->programs, probe->backend, probe->links,
				    &probe->link_count, ret_error);

	if (r < 0)
		return r;
	return attach_lifecycle(probe, ret_error);
}

void kernel_probe_detach(struct kernel_probe *probe)
{
	while (probe->link_count > 0)
		bpf_link__destroy(probe->links[--probe->link_count]);
}

unsigned int kernel_probe_ring_count(const struct kernel_probe *probe)
{
	return probe->ring_count;
}

int kernel_probe_ring_fd(const struct kernel_probe *probe, unsigned int index)
{
	return probe->ring_fds[index];
}

uint64_t kernel_probe_ring_size(const struct kernel_probe *probe)
{
	return probe->ring_size;
}

struct capture_wakeup *kernel_probe_wakeups(const struct kernel_probe *probe)
{
	return probe->wakeups;
}

/*
 * The value is written whole, and the programs never change one that is there: nothing can get lost
 * in between.
 */
static int set_verdict(struct kernel_probe *probe, uint64_t cgroup, struct capture_cgroup value)
{
	if (bpf_map_update_elem(bpf_map__fd(probe->programs->maps.cgroups), &cgroup, &value,
				BPF_ANY) < 0)
		return -errno;
	return 0;
}

int kernel_probe_follow(struct kernel_probe *probe, uint64_t cgroup, uint64_t container,
			uint32_t flags)
{
	return set_verdict(probe, cgroup,
			   (struct capture_cgroup){
				   .container = container,
				   .verdict = CAPTURE_FOLLOW,
				   .flags = flags,
			   });
}

/* Without its pipes, what runs in cgroups nested in it is not captured either. */
int kernel_probe_ignore(struct kernel_probe *probe, uint64_t cgroup)
{
	int r = set_verdict(probe, cgroup,
			    (struct capture_cgroup){
				    .container = cgroup,
				    .verdict = CAPTURE_IGNORE,
			    });

	kernel_probe_forget_pipes(probe, cgroup);
	return r;
}

void kernel_probe_forget_pipes(struct kernel_probe *probe, uint64_t cgroup)
{
	int fd = bpf_map__fd(probe->programs->maps.pipes);
	uint64_t key, next;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;
	struct capture_pipe pipe;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &pipe) == 0 && pipe.cgroup == cgroup)
			bpf_map_delete_elem(fd, &key);
	}
	bpf_map_delete_elem(bpf_map__fd(probe->programs->maps.registered), &cgroup);
}

int kernel_probe_adopt(struct kernel_probe *probe)
{
	struct bpf_link *link =
		bpf_program__attach_iter(probe->programs->progs.adopt_streams, NULL);
	_cleanup_close_ int iterator = -1;
	char nothing[64];
	ssize_t got;

	if (!link)
		return -errno;
	iterator = bpf_iter_create(bpf_link__fd(link));
	if (iterator < 0) {
		int r = -errno;

		bpf_link__destroy(link);
		return r;
	}
	do
		got = read(iterator, nothing, sizeof(nothing));
	while (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)));
	bpf_link__destroy(link);
	return got < 0 ? -errno : 0;
}

int kernel_probe_read_counters(const struct kernel_probe *probe, struct capture_counters *ret)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct capture_counters *each = calloc((size_t)cpus, sizeof(*each));
	uint32_t zero = 0;

	if (!each)
		return -ENOMEM;
	if (bpf_map_lookup_elem(bpf_map__fd(probe->programs->maps.counters), &zero, each) < 0)
		return -errno;
	*ret = (struct capture_counters){ 0 };
	for (int i = 0; i < cpus; i++) {
		ret->records += each[i].records;
		ret->bytes[0] += each[i].bytes[0];
		ret->bytes[1] += each[i].bytes[1];
		for (int reason = 0; reason < CAPTURE_GAP_COUNT; reason++)
			ret->gap_bytes[reason] += each[i].gap_bytes[reason];
		ret->notices_lost += each[i].notices_lost;
		ret->unregistered += each[i].unregistered;
	}
	return 0;
}

int kernel_probe_each_pipe(const struct kernel_probe *probe,
			   void (*call)(void *context, const struct capture_pipe *pipe),
			   void *context)
{
	int fd = bpf_map__fd(probe->programs->maps.pipes);
	uint64_t key, *previous = NULL;
	struct capture_pipe pipe;

	while (bpf_map_get_next_key(fd, previous, &key) == 0) {
		if (bpf_map_lookup_elem(fd, &key, &pipe) == 0)
			call(context, &pipe);
		previous = &key;
	}
	return errno == ENOENT ? 0 : -errno;
}

const char *kernel_probe_backend(const struct kernel_probe *probe)
{
	return kernel_backend_name(probe->backend);
}

const char *kernel_probe_why(const struct kernel_probe *probe)
{
	return probe->why;
}

uint64_t kernel_probe_misses(const struct kernel_probe *probe)
{
	return kernel_hooks_misses(probe->programs, probe->backend);
}
