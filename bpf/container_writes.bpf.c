/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What containers write to their own stdout and stderr. Exit hooks only: the return value says what
 * the pipe accepted, the arguments still stand in the saved registers, the writer's memory still
 * holds the bytes.
 */
#include "emit.bpf.h"
#include "follow.bpf.h"

char LICENSE[] __weak SEC("license") = "Dual BSD/GPL";

/* The arguments of a system call that has returned, as the architecture passes them. */
static __always_inline __u64 argument(int index)
{
	struct pt_regs *registers = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());

#if defined(__TARGET_ARCH_x86)
	return index == 0 ? registers->di : index == 1 ? registers->si : registers->dx;
#elif defined(__TARGET_ARCH_arm64)
	return index == 0 ? registers->orig_x0 : registers->regs[index]; /* x0: what is returned */
#endif
}

/* The stream behind the fd in argument `index`, or NULL. */
static __always_inline struct capture_pipe *stream_of_argument(int index)
{
	return stream_of_file(file_of_fd(bpf_get_current_task_btf(), (__u32)argument(index)));
}

static __always_inline int bytes_written(long accepted, enum copy_slot slot, bool vector)
{
	struct capture_pipe *pipe;
	__u64 position, buffer;

	if (accepted <= 0 || !followed_cgroup())
		return 0;
	pipe = stream_of_argument(0);
	if (!pipe)
		return 0;
	buffer = argument(1);
	position = __sync_fetch_and_add(&pipe->position, accepted);
	emit_write(pipe, slot, position, accepted, buffer, vector ? buffer : 0);
	return 0;
}

/*
 * Why these: a classic tracepoint of one syscall costs every other syscall half of what a raw
 * sys_exit hook does (measured: +50 ns against +105). Up to 6.18 preemption is off while it runs,
 * so none is skipped; from 7.1 on a preempted one has others skipped, which is counted (misses).
 * Since 5.15 (bpf_task_pt_regs). Not seen: 32-bit programs.
 */
SEC("tp/syscalls/sys_exit_write")
int write_returned(struct trace_event_raw_sys_exit *event)
{
	return bytes_written(event->ret, COPY_WRITE, false);
}

SEC("tp/syscalls/sys_exit_writev")
int writev_returned(struct trace_event_raw_sys_exit *event)
{
	return bytes_written(event->ret, COPY_WRITEV, true);
}

/*
 * pwritev2 with offset -1 is what newer C libraries make of a writev with flags; pwritev on a pipe
 * is ESPIPE.
 */
SEC("tp/syscalls/sys_exit_pwritev2")
int pwritev2_returned(struct trace_event_raw_sys_exit *event)
{
	return bytes_written(event->ret, COPY_PWRITEV2, true);
}

/* Pages that move into the pipe inside the kernel: no hook can read them, all can be counted. */
static __always_inline int pages_moved(long accepted, int fd_argument)
{
	struct capture_pipe *pipe;

	if (accepted <= 0 || !followed_cgroup())
		return 0;
	pipe = stream_of_argument(fd_argument);
	if (pipe)
		emit_hole(pipe, __sync_fetch_and_add(&pipe->position, accepted), accepted);
	return 0;
}

SEC("tp/syscalls/sys_exit_sendfile64")
int sendfile_returned(struct trace_event_raw_sys_exit *event)
{
	return pages_moved(event->ret, 0);
}

SEC("tp/syscalls/sys_exit_splice")
int splice_returned(struct trace_event_raw_sys_exit *event)
{
	return pages_moved(event->ret, 2);
}

SEC("tp/syscalls/sys_exit_tee")
int tee_returned(struct trace_event_raw_sys_exit *event)
{
	return pages_moved(event->ret, 1);
}

SEC("tp/syscalls/sys_exit_vmsplice")
int vmsplice_returned(struct trace_event_raw_sys_exit *event)
{
	return pages_moved(event->ret, 0);
}

enum uring_operation {
	URING_WRITEV = 2,
	URING_WRITE_FIXED = 5,
	URING_WRITE = 23,
	URING_SPLICE = 30,
	URING_TEE = 33,
};

/*
 * Why here: the completion is where io_uring knows its result, and it runs in a thread of the
 * process before the process can see it. A plain write's buffer is read; a vector need not be
 * there any more, and spliced pages are no user memory: counted. Not seen: completions that the
 * program asked not to have (IOSQE_CQE_SKIP_SUCCESS).
 */
SEC("tp/io_uring/io_uring_complete")
int uring_completed(struct trace_event_raw_io_uring_complete *event)
{
	struct io_kiocb *request = event->req;
	long accepted = event->res;
	struct capture_pipe *pipe;
	__u64 position;
	__u8 opcode;

	if (accepted <= 0 || !request || !followed_cgroup())
		return 0;
	opcode = BPF_CORE_READ(request, opcode);
	if (count_spliced_only && opcode != URING_SPLICE && opcode != URING_TEE)
		return 0;
	if (opcode != URING_WRITE && opcode != URING_WRITE_FIXED && opcode != URING_WRITEV &&
	    opcode != URING_SPLICE && opcode != URING_TEE)
		return 0;
	pipe = stream_of_file(BPF_CORE_READ(request, file));
	if (!pipe)
		return 0;
	position = __sync_fetch_and_add(&pipe->position, accepted);
	if ((opcode == URING_WRITE || opcode == URING_WRITE_FIXED) &&
	    bpf_core_type_exists(struct io_rw))
		emit_write(pipe, COPY_URING, position, accepted,
			   BPF_CORE_READ((struct io_rw *)request, addr), 0);
	else
		emit_hole(pipe, position, accepted);
	return 0;
}

enum { AIO_PWRITE = 1, AIO_REQUESTS_MAX = 1024 };

static __always_inline void aio_written(const struct iocb *request)
{
	struct capture_pipe *pipe =
		stream_of_file(file_of_fd(bpf_get_current_task_btf(), request->aio_fildes));
	__u64 position;

	if (!pipe)
		return;
	position = __sync_fetch_and_add(&pipe->position, request->aio_nbytes);
	emit_write(pipe, COPY_AIO, position, request->aio_nbytes, request->aio_buf, 0);
}

/* `context` points at the user address of io_submit's array of pointers. */
static long aio_next(__u32 index, void *context)
{
	const __u64 *requests = context;
	struct iocb request;
	__u64 address;

	if (bpf_probe_read_user(&address, sizeof(address), (void *)(*requests + index * 8)) ||
	    bpf_probe_read_user(&request, sizeof(request), (void *)address))
		return 1;
	if (request.aio_lio_opcode == AIO_PWRITE)
		aio_written(&request);
	return 0;
}

/*
 * Why here: a write to a pipe that blocks is complete, and whole, when io_submit returns, though
 * its result is told elsewhere. Not seen: the result of one that does not block, which may be
 * partial; and vectors.
 */
SEC("tp/syscalls/sys_exit_io_submit")
int aio_submitted(struct trace_event_raw_sys_exit *event)
{
	__u64 requests = argument(2);

	if (event->ret <= 0 || !followed_cgroup())
		return 0;
	bpf_loop(event->ret < AIO_REQUESTS_MAX ? event->ret : AIO_REQUESTS_MAX, aio_next, &requests,
		 0);
	return 0;
}
