/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One question: does this file belong to a container's own stdout or stderr? The identity is the
 * pipe's inode: its address is the key, its number must still be the registered one.
 */
#ifndef RINGTAIL_FOLLOW_BPF_H
#define RINGTAIL_FOLLOW_BPF_H

#include "maps.bpf.h"

/*
 * NULL: a cgroup that is not to be captured. This is all that an excluded or foreign process pays.
 */
static __always_inline struct capture_cgroup *followed_cgroup(void)
{
	__u64 id = bpf_get_current_cgroup_id();
	struct capture_cgroup *cgroup = bpf_map_lookup_elem(&cgroups, &id);

	return cgroup && cgroup->verdict == CAPTURE_FOLLOW ? cgroup : NULL;
}

/* The pid that a process has in the innermost of its pid namespaces. */
static __always_inline __u32 number_in_own_namespace(struct pid *pid)
{
	__u32 number = 0;

	bpf_probe_read_kernel(&number, sizeof(number),
			      (void *)pid->numbers + (pid->level & 31) * KERNEL_UPID_SIZE);
	return number;
}

/* The result may only be read with bpf_probe_read_kernel. */
static __always_inline struct file *file_of_fd(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = task->files->fdt;
	struct file *file = NULL;

	if (fd < table->max_fds)
		bpf_probe_read_kernel(&file, sizeof(file), &table->fd[fd]);
	return file;
}

enum { MODE_TYPE = 0170000, MODE_FIFO = 0010000, MODE_CHARACTER = 0020000 };

/*
 * What a stream is recognised by: the address is the key, the number tells whether it is still the
 * same.
 */
struct stream_identity {
	__u64 address;
	__u64 number;
	__u16 flags; /* CAPTURE_FLAG_* */
};

static __always_inline void identify_pipe(struct inode *inode, struct stream_identity *ret)
{
	ret->address = (__u64)inode;
	ret->number = BPF_CORE_READ(inode, i_ino);
	ret->flags = 0;
}

/*
 * A terminal is the tty, not the inode: /dev/tty, /dev/console and /dev/pts/N are three inodes of
 * one.
 */
static __always_inline bool identify_tty(struct file *file, struct stream_identity *ret)
{
	struct tty_file_private *open = BPF_CORE_READ(file, private_data);
	struct tty_struct *tty = open ? BPF_CORE_READ(open, tty) : NULL;

	if (!tty)
		return false;
	ret->address = (__u64)tty;
	ret->number = (__u64)BPF_CORE_READ(tty, index);
	ret->flags = CAPTURE_FLAG_TTY;
	return true;
}

/* Majors of terminals: /dev/tty and /dev/console, and the slaves of /dev/pts. */
static __always_inline bool is_tty(struct inode *inode)
{
	__u32 major = BPF_CORE_READ(inode, i_rdev) >> 20;

	return (BPF_CORE_READ(inode, i_mode) & MODE_TYPE) == MODE_CHARACTER &&
	       (major == 5 || (major >= 136 && major <= 143));
}

static __always_inline struct capture_pipe *
registered_stream(const struct stream_identity *identity)
{
	__u64 key = identity->address;
	struct capture_pipe *pipe = bpf_map_lookup_elem(&pipes, &key);

	return pipe && pipe->inode_number == identity->number ? pipe : NULL;
}

/* The stream that a followed process's file is, or NULL. */
static __always_inline struct capture_pipe *stream_of_file(struct file *file)
{
	struct stream_identity identity;
	struct capture_pipe *pipe;
	struct inode *inode;

	if (!file)
		return NULL;
	inode = BPF_CORE_READ(file, f_inode);
	identify_pipe(inode, &identity);
	pipe = registered_stream(&identity);
	if (!pipe && is_tty(inode) && identify_tty(file, &identity))
		pipe = registered_stream(&identity);
	return pipe;
}

#endif
