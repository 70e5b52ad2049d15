/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When a container begins and ends: its cgroup is made, its entrypoint is executed (then, before it
 * can write, its pipes are registered), its cgroup is removed. Containers that ran before the agent
 * are adopted by an iterator.
 */
#include "emit.bpf.h"
#include "follow.bpf.h"

enum { NAME_MAX_SIZE = 128, ID_DIGITS = 64 };

struct cgroup_name {
	char text[NAME_MAX_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cgroup_name);
} names SEC(".maps");

static __always_inline bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/*
 * `ID`, `PREFIX-ID` and either with `.scope`, ID being 64 hex digits: what all runtimes call a
 * container's cgroup. A cheap sieve; the agent parses the whole path and has what is no container
 * ignored.
 */
static __always_inline bool named_like_container(const char *kernel_name)
{
	__u32 zero = 0;
	struct cgroup_name *name = bpf_map_lookup_elem(&names, &zero);
	long size;
	__u32 end, start;

	if (!name)
		return false;
	size = bpf_probe_read_kernel_str(name->text, NAME_MAX_SIZE, kernel_name);
	if (size <= ID_DIGITS || size >= NAME_MAX_SIZE)
		return false;
	end = (__u32)size - 1;
	if (name->text[(end - 1) & (NAME_MAX_SIZE - 1)] == 'e' &&
	    name->text[(end - 6) & (NAME_MAX_SIZE - 1)] == '.')
		end -= 6; /* ".scope" */
	if (end < ID_DIGITS)
		return false;
	start = end - ID_DIGITS;
	if (start > 0 && name->text[(start - 1) & (NAME_MAX_SIZE - 1)] != '-')
		return false;
	for (int i = 0; i < ID_DIGITS; i++)
		if (!is_hex(name->text[(start + i) & (NAME_MAX_SIZE - 1)]))
			return false;
	return true;
}

static __always_inline void count_unregistered(void)
{
	struct capture_counters *own = own_counters();

	if (own)
		own->unregistered++;
}

static __always_inline void add_cgroup(__u64 id, const struct capture_cgroup *value)
{
	if (bpf_map_update_elem(&cgroups, &id, value, BPF_NOEXIST) != 0)
		count_unregistered();
}

/*
 * Why here: the cgroup is made 86 to 733 ms before the entrypoint's exec, in every runtime traced.
 * The unified hierarchy has number 0; what runc makes in the others is the same container again.
 */
SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_made, struct cgroup *cgroup, const char *path)
{
	struct capture_cgroup value = { 0 }, *above;
	struct cgroup_subsys_state *parent = cgroup->self.parent;
	__u64 id = cgroup->kn->id, parent_id;

	if (cgroup->root->hierarchy_id != 0 || !parent)
		return 0;
	parent_id = parent->cgroup->kn->id;
	above = bpf_map_lookup_elem(&cgroups, &parent_id);
	if (above) { /* nested inside a container: belongs to it, needs no announcement */
		value.container = above->container;
		value.verdict = above->verdict;
		value.flags = above->flags & CAPTURE_ENTRY_ANY_EXEC;
		add_cgroup(id, &value);
		return 0;
	}
	if (offer != CAPTURE_OFFER_NONE && named_like_container(cgroup->kn->name))
		value.flags = 0;
	else if (offer == CAPTURE_OFFER_ALL)
		value.flags = CAPTURE_ENTRY_ANY_EXEC;
	else
		return 0;
	value.container = id;
	add_cgroup(id, &value);
	emit_container(CAPTURE_CONTAINER, id, path);
	return 0;
}

static __always_inline void forget_stream(__u64 key)
{
	struct capture_pipe *pipe = bpf_map_lookup_elem(&pipes, &key);

	if (!pipe)
		return;
	emit_stream(CAPTURE_STREAM_END, pipe);
	bpf_map_delete_elem(&pipes, &key);
}

/*
 * Why here: no process is left in the cgroup, so nothing more can come of its streams. Forgets its
 * pipes.
 */
SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(cgroup_removed, struct cgroup *cgroup, const char *path)
{
	struct capture_registered *known;
	__u64 id = cgroup->kn->id;
	struct capture_cgroup *value;
	bool container;

	if (cgroup->root->hierarchy_id != 0)
		return 0;
	value = bpf_map_lookup_elem(&cgroups, &id);
	if (!value)
		return 0;
	container = value->container == id;
	known = bpf_map_lookup_elem(&registered, &id);
	if (known) {
		forget_stream(known->pipes[0]);
		forget_stream(known->pipes[1]);
	}
	bpf_map_delete_elem(&registered, &id);
	bpf_map_delete_elem(&cgroups, &id);
	if (container)
		emit_container(CAPTURE_END, id, NULL);
	return 0;
}

/*
 * pid 1 of a pid namespace below the host's, in a cgroup that is a container's own: neither runc's
 * execs nor exec sessions are. Containers inside a container have nested cgroups; who makes just a
 * pid namespace inside comes after the entrypoint.
 */
static __always_inline bool is_container_init(struct task_struct *task)
{
	return task->thread_pid->level > 0 && number_in_own_namespace(task->thread_pid) == 1;
}

static __always_inline bool is_same_name(const char *a, const char *b)
{
	for (int i = 0; i < CAPTURE_COMM_SIZE; i++) {
		if (a[i] != b[i])
			return false;
		if (!a[i])
			break;
	}
	return true;
}

/*
 * Where the entrypoint is no pid 1 (hostPID, shareProcessNamespace): its parent is the shim, for
 * the runc that made it has exited. So is an exec session's, but that comes later than the
 * entrypoint.
 */
static __always_inline bool is_shims_child(struct task_struct *task)
{
	static const char shims[][CAPTURE_COMM_SIZE] = { "containerd-shim", "conmon" };
	char comm[CAPTURE_COMM_SIZE] = "";

	bpf_probe_read_kernel(comm, sizeof(comm), task->real_parent->group_leader->comm);
	return is_same_name(comm, shims[0]) || is_same_name(comm, shims[1]);
}

/* A pipe of the anonymous kind, or a terminal: nothing else is a container's output. */
static __always_inline bool identify(struct file *file, struct stream_identity *ret)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	if ((BPF_CORE_READ(inode, i_mode) & MODE_TYPE) == MODE_FIFO &&
	    BPF_CORE_READ(inode, i_sb, s_magic) == KERNEL_PIPEFS_MAGIC) {
		identify_pipe(inode, ret);
		return true;
	}
	return is_tty(inode) && identify_tty(file, ret);
}

static __always_inline void remember_stream(__u64 cgroup, __u16 fd, __u64 address, __u64 started_ns)
{
	struct capture_registered *known, first = { .started_ns = started_ns };

	known = bpf_map_lookup_elem(&registered, &cgroup);
	if (known) {
		known->pipes[fd == CAPTURE_STDERR] = address;
		return;
	}
	first.pipes[fd == CAPTURE_STDERR] = address;
	bpf_map_update_elem(&registered, &cgroup, &first, BPF_ANY);
}

/* A terminal counts as stdout, whichever fd it is; so does a pipe that is both. */
static __always_inline void register_stream(const struct capture_cgroup *cgroup, struct file *file,
					    __u16 fd, __u64 started_ns)
{
	struct capture_pipe pipe = { .cgroup = cgroup->container };
	struct stream_identity identity;
	__u32 zero = 0;
	__u64 *last;

	if (!file || !identify(file, &identity) || registered_stream(&identity))
		return;
	last = bpf_map_lookup_elem(&stream_numbers, &zero);
	if (!last)
		return;
	pipe.stream = __sync_fetch_and_add(last, 1) + 1;
	pipe.inode_number = identity.number;
	pipe.flags = identity.flags;
	pipe.fd = identity.flags & CAPTURE_FLAG_TTY ? CAPTURE_STDOUT : fd;
	if (bpf_map_update_elem(&pipes, &identity.address, &pipe, BPF_ANY)) {
		count_unregistered();
		return;
	}
	remember_stream(pipe.cgroup, fd, identity.address, started_ns);
	emit_stream(CAPTURE_STREAM, &pipe);
}

/*
 * Whether this process, just executed or found running in the cgroup `id`, has the container's own
 * stdout and stderr.
 */
static __always_inline bool is_entrypoint(const struct capture_cgroup *cgroup, __u64 id,
					  struct task_struct *task)
{
	if (cgroup->flags & CAPTURE_ENTRY_ANY_EXEC)
		return true;
	if (cgroup->container != id)
		return false;
	if ((cgroup->flags & CAPTURE_ENTRY_FIRST_EXEC) || is_container_init(task))
		return true;
	return !(cgroup->flags & CAPTURE_ENTRY_RUNS) && is_shims_child(task);
}

/* Why here: the new program has its fds and has not run yet. Close-on-exec fds are gone already. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(program_executed, struct task_struct *task)
{
	struct capture_cgroup *cgroup = followed_cgroup();
	__u64 id = bpf_get_current_cgroup_id();

	if (!cgroup || !is_entrypoint(cgroup, id, task))
		return 0;
	if (!(cgroup->flags & CAPTURE_ENTRY_ANY_EXEC) && bpf_map_lookup_elem(&registered, &id))
		return 0;
	register_stream(cgroup, file_of_fd(task, 1), CAPTURE_STDOUT, task->start_boottime);
	register_stream(cgroup, file_of_fd(task, 2), CAPTURE_STDERR, task->start_boottime);
	return 0;
}

/*
 * Whether an older process of the container has been adopted already. A younger one, seen first,
 * was an exec session: what was registered for it is void.
 */
static __always_inline bool is_older_known(__u64 id, __u64 started_ns)
{
	struct capture_registered *known = bpf_map_lookup_elem(&registered, &id);

	if (!known || known->started_ns == started_ns)
		return false;
	if (known->started_ns < started_ns)
		return true;
	forget_stream(known->pipes[0]);
	forget_stream(known->pipes[1]);
	bpf_map_delete_elem(&registered, &id);
	return false;
}

/* Run once after attaching: the entrypoints of containers that were there before. */
SEC("iter/task_file")
int adopt_streams(struct bpf_iter__task_file *context)
{
	struct task_struct *task = context->task;
	struct file *file = context->file;
	struct capture_cgroup *cgroup;
	__u32 fd = context->fd;
	__u64 id;

	if (!task || !file || (fd != CAPTURE_STDOUT && fd != CAPTURE_STDERR) ||
	    task->pid != task->tgid)
		return 0;
	id = task->cgroups->dfl_cgrp->kn->id;
	cgroup = bpf_map_lookup_elem(&cgroups, &id);
	if (!cgroup || cgroup->verdict != CAPTURE_FOLLOW || !is_entrypoint(cgroup, id, task))
		return 0;
	if (!(cgroup->flags & CAPTURE_ENTRY_ANY_EXEC) && is_older_known(id, task->start_boottime))
		return 0;
	register_stream(cgroup, file, fd, task->start_boottime);
	return 0;
}
