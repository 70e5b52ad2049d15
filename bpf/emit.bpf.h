/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Into the ring: reserve, copy once from the writer's memory, submit, count. A reservation's size
 * must be a constant, so there are size classes; the waste is ring space, never time. No record
 * wakes the consumer unless it sleeps: the check comes after the submit, whose exchange is a full
 * barrier, so that consumer (store asleep, then look) and producer (submit, then look) cannot both
 * miss each other. Bytes that do not get in are counted by reason; the reader sees where by the
 * positions.
 */
#ifndef RINGTAIL_EMIT_BPF_H
#define RINGTAIL_EMIT_BPF_H

#include "follow.bpf.h"
#include "maps.bpf.h"

/*
 * All records of a container go through one ring: its streams keep their order, and its end comes
 * last.
 */
static __always_inline __u32 ring_of(__u64 cgroup)
{
	return (__u32)(cgroup ^ (cgroup >> 32)) & (ring_count - 1) & (CAPTURE_RINGS_MAX - 1);
}

static __always_inline void wake_consumer(void *ring, __u32 ring_index)
{
	struct capture_wakeup *wakeup = bpf_map_lookup_elem(&wakeups, &ring_index);
	__u32 consumer;
	void *nothing;

	if (!wakeup)
		return;
	consumer = *(volatile __u32 *)&wakeup->consumer;
	if (consumer == CAPTURE_CONSUMER_AWAKE)
		return;
	if (consumer == CAPTURE_CONSUMER_DOZING &&
	    bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) < ring_watermark)
		return;
	if (__sync_lock_test_and_set(&wakeup->consumer, CAPTURE_CONSUMER_AWAKE) ==
	    CAPTURE_CONSUMER_AWAKE)
		return;
	nothing = bpf_ringbuf_reserve(ring, 8, 0);
	if (nothing)
		bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
}

/*
 * A write that is being copied: state of one call. bpf_loop's must not lie on the stack (7.2). One
 * slot per CPU and program: where the kernel lets itself be preempted in a program, it never runs
 * the same one twice on a CPU, but may well run another.
 */
enum copy_slot {
	COPY_WRITE,
	COPY_WRITEV,
	COPY_PWRITEV2,
	COPY_URING,
	COPY_AIO,
	COPY_PIPE,
	COPY_TTY,
	COPY_SLOTS,
};

struct copying {
	__u64 cgroup;
	__u64 stream;
	__u64 position; /* of the next byte */
	__u64 left;	/* bytes of the write that are still to be copied */
	__u64 time_ns;
	__u64 segment; /* user address of the next byte */
	__u64 segment_left;
	__u64 iovec; /* address of the next struct iovec; 0: there is none */
	__u32 ring_index;
	__u16 fd;
	__u16 flags;
	__u32 iovec_in_kernel; /* the vector has been copied into the kernel: `vfs` */
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COPY_SLOTS);
	__type(key, __u32);
	__type(value, struct copying);
} copies __weak SEC(".maps");

static __always_inline void fill_header(struct capture_record *record, const struct copying *copy,
					__u32 length)
{
	record->kind = CAPTURE_WRITE;
	record->length = length;
	record->cgroup = copy->cgroup;
	record->stream = copy->stream;
	record->position = copy->position;
	record->time_ns = copy->time_ns;
	record->fd = copy->fd;
	record->flags = copy->flags;
	record->pid = 0;
	record->comm[0] = 0;
	if (record_process) {
		record->pid = number_in_own_namespace(
			bpf_get_current_task_btf()->group_leader->thread_pid);
		bpf_get_current_comm(record->comm, sizeof(record->comm));
	}
}

enum emitted { EMITTED, EMIT_RING_FULL, EMIT_UNREADABLE };

/*
 * One size class: CAPACITY data bytes. Falls through to the next larger one when the data does not
 * fit.
 */
#define EMIT_CLASS(CAPACITY)                                                                       \
	do {                                                                                       \
		if (length <= (CAPACITY)) {                                                        \
			record = bpf_ringbuf_reserve(ring, CAPTURE_HEADER_SIZE + (CAPACITY), 0);   \
			if (!record)                                                               \
				return EMIT_RING_FULL;                                             \
			fill_header(record, copy, (__u32)length);                                  \
			if (bpf_probe_read_user(record->data, (__u32)length,                       \
						(const void *)copy->segment)) {                    \
				bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);                     \
				return EMIT_UNREADABLE;                                            \
			}                                                                          \
			bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);                              \
			return EMITTED;                                                            \
		}                                                                                  \
	} while (0)

static __always_inline enum emitted emit_bytes(void *ring, const struct copying *copy, __u64 length)
{
	struct capture_record *record;

	/*
	 * Keeps the bound in the register that the helper gets: the compiler may not fold it away.
	 */
	asm volatile("" : "+r"(length));
	EMIT_CLASS(64);
	EMIT_CLASS(192);
	EMIT_CLASS(448);
	EMIT_CLASS(960);
	EMIT_CLASS(2048);
	EMIT_CLASS(4096);
	EMIT_CLASS(8192);
	EMIT_CLASS(16384);
	EMIT_CLASS(32768);
	EMIT_CLASS(CAPTURE_CHUNK_MAX);
	return EMIT_UNREADABLE;
}

static __always_inline void count_gap(enum capture_gap reason, __u64 bytes)
{
	struct capture_counters *own = own_counters();

	if (own && reason < CAPTURE_GAP_COUNT)
		__sync_fetch_and_add(&own->gap_bytes[reason], bytes);
}

static __always_inline void count_copied(__u32 fd, __u64 bytes)
{
	struct capture_counters *own = own_counters();

	if (!own)
		return;
	__sync_fetch_and_add(&own->records, 1);
	__sync_fetch_and_add(&own->bytes[fd == CAPTURE_STDERR], bytes);
}

/*
 * Takes up the next segment of a writev; false: the vector cannot be read. Empty segments are
 * legal.
 */
static __always_inline bool next_segment(struct copying *copy)
{
	const void *iovec = (const void *)copy->iovec;
	struct iovec segment;

	if (!iovec)
		return false;
	if (copy->iovec_in_kernel ? bpf_probe_read_kernel(&segment, sizeof(segment), iovec)
				  : bpf_probe_read_user(&segment, sizeof(segment), iovec))
		return false;
	copy->iovec += sizeof(segment);
	copy->segment = (__u64)segment.iov_base;
	copy->segment_left = segment.iov_len;
	return true;
}

/*
 * One record: at most a chunk, at most what is left of the segment. True: this write is done with.
 */
static __always_inline bool copy_chunk(struct copying *copy)
{
	__u32 ring_index = copy->ring_index;
	void *ring = bpf_map_lookup_elem(&rings, &ring_index);
	__u64 length;

	if (!ring)
		return true;
	if (copy->segment_left == 0 && !next_segment(copy)) {
		count_gap(CAPTURE_GAP_UNREADABLE, copy->left);
		return true;
	}
	length = copy->segment_left < copy->left ? copy->segment_left : copy->left;
	if (length > CAPTURE_CHUNK_MAX)
		length = CAPTURE_CHUNK_MAX;
	if (length == 0)
		return false;
	switch (emit_bytes(ring, copy, length)) {
	case EMITTED:
		count_copied(copy->fd, length);
		wake_consumer(ring, ring_index);
		break;
	case EMIT_UNREADABLE:
		count_gap(CAPTURE_GAP_UNREADABLE, length);
		break;
	case EMIT_RING_FULL:
		count_gap(CAPTURE_GAP_RING_FULL, copy->left);
		return true;
	}
	copy->segment += length;
	copy->segment_left -= length;
	copy->position += length;
	copy->left -= length;
	return copy->left == 0;
}

/* The callback of bpf_loop: its context is the slot, on the stack. */
static long copy_next_chunk(__u32 index, void *context)
{
	struct copying *copy = bpf_map_lookup_elem(&copies, context);

	return !copy || copy_chunk(copy);
}

/* A vector has at most 1,024 segments (UIO_MAXIOV), a write at most 2 GiB. */
enum { CHUNKS_MAX = 1024 + 0x80000000U / CAPTURE_CHUNK_MAX };

static __always_inline void emit_copy(const struct capture_pipe *pipe, __u64 position,
				      __u64 written, __u32 slot, struct copying *copy)
{
	copy->cgroup = pipe->cgroup;
	copy->stream = pipe->stream;
	copy->fd = pipe->fd;
	copy->flags = pipe->flags;
	copy->position = position;
	copy->left = written;
	copy->time_ns = bpf_ktime_get_boot_ns();
	copy->ring_index = ring_of(pipe->cgroup);
	if (!copy->iovec && written <= CAPTURE_CHUNK_MAX)
		copy_chunk(copy);
	else
		bpf_loop(CHUNKS_MAX, copy_next_chunk, &slot, 0);
}

/* `buffer`, or the vector at the user address `iovec` when that is not 0. */
static __always_inline void emit_write(const struct capture_pipe *pipe, __u32 slot, __u64 position,
				       __u64 written, __u64 buffer, __u64 iovec)
{
	struct copying *copy = bpf_map_lookup_elem(&copies, &slot);

	if (!copy)
		return;
	copy->segment = buffer;
	copy->segment_left = iovec ? 0 : written;
	copy->iovec = iovec;
	copy->iovec_in_kernel = 0;
	emit_copy(pipe, position, written, slot, copy);
}

/* The first segment's rest, then the segments at the kernel address `iovec`, 0: there are none. */
static __always_inline void emit_segments(const struct capture_pipe *pipe, __u32 slot,
					  __u64 position, __u64 written, __u64 segment,
					  __u64 segment_left, __u64 iovec)
{
	struct copying *copy = bpf_map_lookup_elem(&copies, &slot);

	if (!copy)
		return;
	copy->segment = segment;
	copy->segment_left = segment_left;
	copy->iovec = iovec;
	copy->iovec_in_kernel = 1;
	emit_copy(pipe, position, written, slot, copy);
}

static __always_inline void count_lost_notice(void)
{
	struct capture_counters *own = own_counters();

	if (own)
		own->notices_lost++;
}

static __always_inline void begin_notice(struct capture_record *record, __u32 kind, __u64 cgroup)
{
	record->kind = kind;
	record->length = 0;
	record->cgroup = cgroup;
	record->stream = 0;
	record->position = 0;
	record->time_ns = bpf_ktime_get_boot_ns();
	record->pid = 0;
	record->fd = 0;
	record->flags = 0;
	record->comm[0] = 0;
}

/* ROOM, the bytes of data, is a constant. NULL: there is none, and the notice counts as lost. */
#define RESERVE_NOTICE(RING, ROOM, KIND, CGROUP)                                                   \
	({                                                                                         \
		struct capture_record *_record = NULL;                                             \
		if (RING)                                                                          \
			_record = bpf_ringbuf_reserve(RING, CAPTURE_HEADER_SIZE + (ROOM), 0);      \
		if (_record)                                                                       \
			begin_notice(_record, KIND, CGROUP);                                       \
		else                                                                               \
			count_lost_notice();                                                       \
		_record;                                                                           \
	})

static __always_inline void emit_container(__u32 kind, __u64 cgroup, const char *path)
{
	__u32 ring_index = ring_of(cgroup);
	void *ring = bpf_map_lookup_elem(&rings, &ring_index);
	struct capture_record *record = RESERVE_NOTICE(ring, CAPTURE_PATH_MAX, kind, cgroup);
	long length = 0;

	if (!record)
		return;
	if (path)
		length = bpf_probe_read_kernel_str(record->data, CAPTURE_PATH_MAX, path);
	record->length = length > 0 ? (__u32)length - 1 : 0;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	wake_consumer(ring, ring_index);
}

static __always_inline void name_stream(struct capture_record *record,
					const struct capture_pipe *pipe, __u64 position)
{
	record->stream = pipe->stream;
	record->position = position;
	record->fd = pipe->fd;
	record->flags = pipe->flags;
}

static __always_inline void emit_stream(__u32 kind, const struct capture_pipe *pipe)
{
	__u32 ring_index = ring_of(pipe->cgroup);
	void *ring = bpf_map_lookup_elem(&rings, &ring_index);
	struct capture_record *record = RESERVE_NOTICE(ring, 8, kind, pipe->cgroup);

	if (!record)
		return;
	name_stream(record, pipe, pipe->position);
	record->length = sizeof(pipe->inode_number);
	*(__u64 *)record->data = pipe->inode_number;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	wake_consumer(ring, ring_index);
}

/* What the stream accepted but no hook can read is counted, and told in its place. */
static __always_inline void emit_hole(const struct capture_pipe *pipe, __u64 position, __u64 length)
{
	__u32 ring_index = ring_of(pipe->cgroup);
	void *ring = bpf_map_lookup_elem(&rings, &ring_index);
	struct capture_record *record;
	struct capture_hole *hole;

	count_gap(CAPTURE_GAP_UNREADABLE, length);
	record = RESERVE_NOTICE(ring, sizeof(*hole), CAPTURE_HOLE, pipe->cgroup);
	if (!record)
		return;
	name_stream(record, pipe, position);
	record->length = sizeof(*hole);
	hole = (struct capture_hole *)record->data;
	hole->length = length;
	hole->reason = CAPTURE_GAP_UNREADABLE;
	hole->reserved = 0;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	wake_consumer(ring, ring_index);
}

#endif
