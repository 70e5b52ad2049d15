/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The BPF programs: loads and attaches them, and holds the maps that say which cgroups are
 * followed. Detached and unloaded by kernel_probe_free. Needs CAP_BPF, CAP_PERFMON and, where
 * tracefs is not mounted, CAP_SYS_ADMIN. One thread.
 */
#ifndef RINGTAIL_SOURCE_KERNEL_PROBE_H
#define RINGTAIL_SOURCE_KERNEL_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "capture_abi.h"

struct kernel_probe;

enum kernel_probe_backend { KERNEL_PROBE_AUTO, KERNEL_PROBE_SYSCALL, KERNEL_PROBE_VFS };

struct kernel_probe_options {
	enum kernel_probe_backend backend;
	uint64_t ring_size;	 /* bytes per ring, a power of two, at least 64 KiB */
	unsigned int ring_count; /* a power of two, at most CAPTURE_RINGS_MAX; 0: min(CPUs, 4) */
	enum capture_offer offer;
	bool record_process;
};

/*
 * Loads, does not attach yet. On failure *ret_error (caller frees) is one line that names what is
 * missing and the remedy; -EPERM, -EOPNOTSUPP and the like all mean that this machine or this user
 * lacks something.
 */
int kernel_probe_new(const struct kernel_probe_options *options, struct kernel_probe **ret,
		     char **ret_error);
struct kernel_probe *kernel_probe_free(struct kernel_probe *probe);
DEFINE_CLEANUP(struct kernel_probe *, kernel_probe_free)

/* From here on new containers are seen. */
int kernel_probe_attach(struct kernel_probe *probe, char **ret_error);

/* Nothing new comes into the rings; what is there stays readable. */
void kernel_probe_detach(struct kernel_probe *probe);

/* For the reader of the rings; all live as long as the probe. */
unsigned int kernel_probe_ring_count(const struct kernel_probe *probe);
int kernel_probe_ring_fd(const struct kernel_probe *probe, unsigned int index);
uint64_t kernel_probe_ring_size(const struct kernel_probe *probe);
struct capture_wakeup *kernel_probe_wakeups(const struct kernel_probe *probe);

/*
 * `container` is the cgroup id of the container that `cgroup` belongs to: its own, unless nested.
 * flags: CAPTURE_ENTRY_*.
 */
int kernel_probe_follow(struct kernel_probe *probe, uint64_t cgroup, uint64_t container,
			uint32_t flags);
/* Its bytes are no longer captured; it and what is nested in it later cost one lookup. */
int kernel_probe_ignore(struct kernel_probe *probe, uint64_t cgroup);
/* For cgroups that end, and had more pipes than the programs remember: CAPTURE_ENTRY_ANY_EXEC. */
void kernel_probe_forget_pipes(struct kernel_probe *probe, uint64_t cgroup);
/*
 * Registers the streams of followed containers that run already; each is announced by
 * CAPTURE_STREAM.
 */
int kernel_probe_adopt(struct kernel_probe *probe);

/* Sums over the CPUs. */
int kernel_probe_read_counters(const struct kernel_probe *probe, struct capture_counters *ret);
/* Every registered pipe with the position it has reached. */
int kernel_probe_each_pipe(const struct kernel_probe *probe,
			   void (*call)(void *context, const struct capture_pipe *pipe),
			   void *context);

/* "syscall" or "vfs". */
const char *kernel_probe_backend(const struct kernel_probe *probe);
/* Why `auto` passed the cheaper one by; "" when it did not. */
const char *kernel_probe_why(const struct kernel_probe *probe);
/* Calls that the kernel skipped: bytes of unknown number are missing without a trace elsewhere. */
uint64_t kernel_probe_misses(const struct kernel_probe *probe);

#endif
