/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few kernel types that the programs touch, with only the fields they read.
 * preserve_access_index makes libbpf find the true offsets in the running kernel's BTF, so one
 * object serves all kernels and one header both architectures.
 */
#ifndef RINGTAIL_KERNEL_TYPES_H
#define RINGTAIL_KERNEL_TYPES_H

#include <linux/types.h>

#ifndef NULL
#define NULL ((void *)0)
#endif
typedef _Bool bool;
#define true 1
#define false 0

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct super_block {
	unsigned long s_magic;
};

struct inode {
	unsigned short i_mode;
	unsigned int i_rdev;
	struct super_block *i_sb;
	unsigned long i_ino;
};

struct file {
	struct inode *f_inode;
	void *private_data;
};

struct tty_struct {
	int index;
};

/* What private_data of an open terminal is. */
struct tty_file_private {
	struct tty_struct *tty;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct kernfs_node {
	const char *name;
	__u64 id;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct task_struct {
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	__u64 start_boottime;
	char comm[16];
	struct files_struct *files;
	struct css_set *cgroups;
};

struct iovec {
	void *iov_base;
	unsigned long iov_len;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di;
	unsigned long si;
	unsigned long dx;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	__u64 regs[31];
	__u64 orig_x0;
};
#endif

struct trace_event_raw_sys_exit {
	long id;
	long ret;
};

struct kiocb {
	struct file *ki_filp;
};

enum iter_type {
	ITER_UBUF = 0,
	ITER_IOVEC = 1,
};

struct iov_iter {
	__u8 iter_type;
	unsigned long iov_offset;
	const struct iovec *__iov;
	void *ubuf;
};

struct iov_iter___before_6_4 {
	const struct iovec *iov;
};

struct io_kiocb {
	struct file *file;
	__u8 opcode;
};

/* What io_kiocb begins with when the operation is a read or a write. */
struct io_rw {
	__u64 addr;
};

struct trace_event_raw_io_uring_complete {
	void *req;
	int res;
};

struct bpf_iter_meta;

#pragma clang attribute pop

/* What programs hand to io_submit: linux/aio_abi.h. */
struct iocb {
	__u64 aio_data;
	__u32 aio_key;
	__u32 aio_rw_flags;
	__u16 aio_lio_opcode;
	__s16 aio_reqprio;
	__u32 aio_fildes;
	__u64 aio_buf;
	__u64 aio_nbytes;
	__s64 aio_offset;
	__u64 aio_reserved2;
	__u32 aio_flags;
	__u32 aio_resfd;
};

/* An iterator's context: the layout is the verifier's, eight bytes a member. */
struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd __attribute__((aligned(8)));
	struct file *file;
};

/* sizeof(struct upid): int nr, struct pid_namespace *ns. */
enum { KERNEL_UPID_SIZE = 16, KERNEL_PIPEFS_MAGIC = 0x50495045 };

#endif
