/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps, the same in every program file (__weak: the linker merges them). Sizes: a node runs at
 * most 250 pods, so a few thousand containers with their nested cgroups; what does not fit is
 * counted as unregistered.
 */
#ifndef RINGTAIL_MAPS_BPF_H
#define RINGTAIL_MAPS_BPF_H

#include <linux/bpf.h>

#include "kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "capture_abi.h"

/* Set before loading. */
volatile const __u32 ring_count __weak = 1;	       /* a power of two */
volatile const __u32 ring_watermark __weak = 4096;     /* bytes: wake a dozing consumer */
volatile const bool record_process __weak = false;     /* fill pid and comm */
volatile const bool count_spliced_only __weak = false; /* io_uring: `vfs` sees the writes */
volatile const __u32 offer __weak = 1;		       /* enum capture_offer */

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, CAPTURE_RINGS_MAX);
	__type(key, __u32);
	__array(values, struct ring);
} rings __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, CAPTURE_RINGS_MAX);
	__type(key, __u32);
	__type(value, struct capture_wakeup);
} wakeups __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct capture_cgroup);
} cgroups __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct capture_registered);
} registered __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct capture_pipe);
} pipes __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct capture_counters);
} counters __weak SEC(".maps");

/* The last stream number given; shared by all CPUs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} stream_numbers __weak SEC(".maps");

static __always_inline struct capture_counters *own_counters(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
}

#endif
