/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The `vfs` backend: the same records from the functions that write pipes and terminals, whoever
 * calls them. Costs no other system call anything, and sees io_uring, aio and 32-bit programs with
 * their bytes. What moves pages is counted at its system call's own function. The functions' names
 * differ between kernels and architectures: the agent says where each program goes (kernel_hooks).
 *
 * An fexit program is skipped, silently but counted, when it was itself preempted on this CPU: only
 * for kernels that do not preempt in the kernel, or with its misses watched.
 */
#include "emit.bpf.h"
#include "follow.bpf.h"

/* Where the bytes lie that an iterator has just given: it stands behind them. */
struct given {
	__u64 buffer; /* user address of the first byte */
	__u64 iovec; /* kernel address of the segment behind the one that `buffer` is in; 0: none */
	__u64 left;  /* of that segment from `buffer` on */
};

static __always_inline __u64 segment_of(struct iov_iter *from)
{
	if (bpf_core_field_exists(from->__iov))
		return (__u64)BPF_CORE_READ(from, __iov);
	return (__u64)BPF_CORE_READ((struct iov_iter___before_6_4 *)from, iov);
}

struct walk_back {
	__u64 segment; /* kernel address of a struct iovec */
	__u64 offset;  /* in it */
	__u64 left;    /* bytes to go back */
};

static long step_back(__u32 index, void *context)
{
	struct walk_back *walk = context;
	struct iovec segment;

	if (walk->left <= walk->offset) {
		walk->offset -= walk->left;
		walk->left = 0;
		return 1;
	}
	walk->left -= walk->offset;
	walk->segment -= sizeof(segment);
	if (bpf_probe_read_kernel(&segment, sizeof(segment), (void *)walk->segment))
		return 1;
	walk->offset = segment.iov_len;
	return 0;
}

/* UIO_MAXIOV segments, and the step that ends the walk. */
enum { SEGMENTS_MAX = 1025 };

static __always_inline bool find_given(struct iov_iter *from, __u64 given, struct given *ret)
{
	__u8 type = BPF_CORE_READ(from, iter_type);
	struct walk_back walk = { .offset = BPF_CORE_READ(from, iov_offset), .left = given };
	struct iovec segment;

	if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
	    type == bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
		ret->buffer = (__u64)BPF_CORE_READ(from, ubuf) + walk.offset - given;
		ret->iovec = 0;
		ret->left = given;
		return true;
	}
	if (type != bpf_core_enum_value(enum iter_type, ITER_IOVEC))
		return false;
	walk.segment = segment_of(from);
	bpf_loop(SEGMENTS_MAX, step_back, &walk, 0);
	if (walk.left || bpf_probe_read_kernel(&segment, sizeof(segment), (void *)walk.segment))
		return false;
	ret->buffer = (__u64)segment.iov_base + walk.offset;
	ret->left = segment.iov_len - walk.offset;
	ret->iovec = walk.segment + sizeof(segment);
	return true;
}

static __always_inline int given_to_file(struct kiocb *call, struct iov_iter *from, long accepted,
					 enum copy_slot slot)
{
	struct capture_pipe *pipe;
	struct given given;
	__u64 position;

	if (accepted <= 0 || !followed_cgroup())
		return 0;
	pipe = stream_of_file(BPF_CORE_READ(call, ki_filp));
	if (!pipe)
		return 0;
	position = __sync_fetch_and_add(&pipe->position, accepted);
	if (find_given(from, accepted, &given))
		emit_segments(pipe, slot, position, accepted, given.buffer, given.left,
			      given.iovec);
	else
		emit_hole(pipe, position, accepted);
	return 0;
}

/* Why here: every byte that enters a pipe from memory does. anon_pipe_write since 6.16. */
SEC("fexit")
int BPF_PROG(pipe_written, struct kiocb *call, struct iov_iter *from, long accepted)
{
	return given_to_file(call, from, accepted, COPY_PIPE);
}

SEC("fexit")
int BPF_PROG(tty_written, struct kiocb *call, struct iov_iter *from, long accepted)
{
	return given_to_file(call, from, accepted, COPY_TTY);
}

static __always_inline __u64 saved_argument(struct pt_regs *registers, int index)
{
#if defined(__TARGET_ARCH_x86)
	return index == 0   ? BPF_CORE_READ(registers, di)
	       : index == 1 ? BPF_CORE_READ(registers, si)
			    : BPF_CORE_READ(registers, dx);
#elif defined(__TARGET_ARCH_arm64)
	return index == 0 ? BPF_CORE_READ(registers, orig_x0)
			  : BPF_CORE_READ(registers, regs[index]);
#endif
}

static __always_inline int pages_moved(struct pt_regs *registers, long accepted, int fd_argument)
{
	struct capture_pipe *pipe;
	__u32 fd;

	if (accepted <= 0 || !followed_cgroup())
		return 0;
	fd = (__u32)saved_argument(registers, fd_argument);
	pipe = stream_of_file(file_of_fd(bpf_get_current_task_btf(), fd));
	if (pipe)
		emit_hole(pipe, __sync_fetch_and_add(&pipe->position, accepted), accepted);
	return 0;
}

SEC("fexit")
int BPF_PROG(sendfile_done, struct pt_regs *registers, long accepted)
{
	return pages_moved(registers, accepted, 0);
}

SEC("fexit")
int BPF_PROG(splice_done, struct pt_regs *registers, long accepted)
{
	return pages_moved(registers, accepted, 2);
}

SEC("fexit")
int BPF_PROG(tee_done, struct pt_regs *registers, long accepted)
{
	return pages_moved(registers, accepted, 1);
}

SEC("fexit")
int BPF_PROG(vmsplice_done, struct pt_regs *registers, long accepted)
{
	return pages_moved(registers, accepted, 0);
}
