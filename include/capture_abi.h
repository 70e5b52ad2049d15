/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel's side (bpf/) and the agent (user/source/) share: the records in the rings, the
 * maps' values, the wake-up word. Fixed-width, no padding holes, asserted on both compilers. A
 * record is a header of 64 bytes and `length` bytes of data; the ring reserves more (size classes),
 * so only `length` counts.
 */
#ifndef RINGTAIL_CAPTURE_ABI_H
#define RINGTAIL_CAPTURE_ABI_H

#include <linux/types.h>

enum capture_kind {
	CAPTURE_WRITE = 1,     /* bytes that a stream's pipe accepted; data: the bytes */
	CAPTURE_CONTAINER = 2, /* a cgroup like a container's was made; data: its path, no NUL */
	CAPTURE_STREAM = 3,    /* a stream was registered; data: its pipe's inode number, 8 bytes */
	CAPTURE_STREAM_END = 4, /* the pipe is forgotten; position: all that it has accepted */
	CAPTURE_END = 5,       /* the container's cgroup is gone: nothing more comes of it */
	CAPTURE_HOLE = 6,      /* bytes that no hook can read; data: struct capture_hole */
};

/* Why bytes that a stream accepted are in no record. The names are the contract's loss reasons. */
enum capture_gap {
	CAPTURE_GAP_RING_FULL,
	CAPTURE_GAP_UNREADABLE, /* the writer's memory could not be read */
	CAPTURE_GAP_COUNT,
};

/* What a CAPTURE_HOLE carries: it stands in the stream where the bytes would. */
struct capture_hole {
	__u64 length;
	__u32 reason; /* enum capture_gap */
	__u32 reserved;
};

enum {
	CAPTURE_STDOUT = 1,
	CAPTURE_STDERR = 2,
	CAPTURE_COMM_SIZE = 16, /* TASK_COMM_LEN */
	CAPTURE_HEADER_SIZE = 64,
	CAPTURE_CHUNK_MAX = 65536, /* data bytes of one record; larger writes are several */
	CAPTURE_PATH_MAX = 960,    /* of a cgroup; longer ones are cut, and then looked up by id */
	CAPTURE_RINGS_MAX = 4,
};

struct capture_record {
	__u32 kind;     /* enum capture_kind */
	__u32 length;   /* bytes of data behind the header */
	__u64 cgroup;   /* the container's cgroup id */
	__u64 stream;   /* its number, unique while the programs are loaded; 0: none is meant */
	__u64 position; /* of data[0] in the stream: bytes that the pipe had accepted before */
	__u64 time_ns;  /* CLOCK_BOOTTIME when the write had returned */
	__u32 pid;      /* of the writer in its pid namespace; 0 unless asked for */
	__u16 fd;       /* CAPTURE_STDOUT or CAPTURE_STDERR */
	__u16 flags;    /* CAPTURE_FLAG_* */
	char comm[CAPTURE_COMM_SIZE]; /* of the writer; "" unless asked for */
	char data[];
};

/*
 * Which new cgroups are followed and announced (CAPTURE_CONTAINER), until the agent says otherwise.
 */
enum capture_offer {
	CAPTURE_OFFER_NONE = 0,       /* only those that the agent put into the map */
	CAPTURE_OFFER_CONTAINERS = 1, /* those named as container runtimes name them */
	CAPTURE_OFFER_ALL = 2,        /* every one: capture.cgroups is set */
};

/*
 * What to do with a cgroup: the value of map `cgroups`, keyed by cgroup id. No entry: not a
 * container, one lookup.
 */
enum capture_verdict { CAPTURE_FOLLOW = 0, CAPTURE_IGNORE = 1 };

enum {
	CAPTURE_ENTRY_FIRST_EXEC = 1, /* its first exec is the entrypoint: `ringtail run` */
	CAPTURE_ENTRY_ANY_EXEC = 2,   /* any exec registers its fds 1 and 2: capture.cgroups */
	CAPTURE_ENTRY_RUNS = 4,       /* was there before us: its entrypoint has been executed */
};

struct capture_cgroup {
	__u64 container; /* its own cgroup id, or that of the container it is nested in */
	__u32 verdict;   /* enum capture_verdict */
	__u32 flags;     /* CAPTURE_ENTRY_* */
};

/* The value of map `registered`, keyed by the container's cgroup id; only the programs write it. */
struct capture_registered {
	__u64 pipes[2];   /* keys in map `pipes` of stdout and stderr; 0: none */
	__u64 started_ns; /* CLOCK_BOOTTIME: when the process was made that they were taken from */
};

enum {
	CAPTURE_FLAG_TTY = 1, /* a terminal: its line discipline makes CRs of its own */
};

/* The value of map `pipes`, keyed by the address of the pipe's inode or of the terminal. */
struct capture_pipe {
	__u64 stream;       /* its number */
	__u64 cgroup;       /* the container's */
	__u64 position;     /* bytes accepted so far */
	__u64 inode_number; /* another one here: the pipe is gone. A terminal's index */
	__u16 fd;           /* CAPTURE_STDOUT or CAPTURE_STDERR */
	__u16 flags;        /* CAPTURE_FLAG_* */
	__u32 reserved;
};

/* Per CPU. Read whole, summed by the agent. */
struct capture_counters {
	__u64 records;
	__u64 bytes[2]; /* stdout, stderr: copied into records */
	__u64 gap_bytes[CAPTURE_GAP_COUNT];
	__u64 notices_lost; /* CAPTURE_CONTAINER, _STREAM, _END that did not fit into the ring */
	__u64 unregistered; /* streams or cgroups for which a map had no room */
};

/*
 * What the consumer of a ring is doing, so that a record wakes it only when that is needed. One
 * cache line a ring.
 */
enum capture_consumer {
	CAPTURE_CONSUMER_AWAKE = 0, /* looks again by itself */
	CAPTURE_CONSUMER_DOZING = 1, /* looks again soon: wake it for a quarter of a ring */
	CAPTURE_CONSUMER_ASLEEP = 2, /* wake it for any record */
};

struct capture_wakeup {
	__u32 consumer; /* enum capture_consumer */
	__u32 padding[15];
};

_Static_assert(sizeof(struct capture_record) == CAPTURE_HEADER_SIZE, "record header");
_Static_assert(__builtin_offsetof(struct capture_record, cgroup) == 8, "cgroup");
_Static_assert(__builtin_offsetof(struct capture_record, position) == 24, "position");
_Static_assert(__builtin_offsetof(struct capture_record, pid) == 40, "pid");
_Static_assert(__builtin_offsetof(struct capture_record, comm) == 48, "comm");
_Static_assert(__builtin_offsetof(struct capture_record, data) == 64, "data");
_Static_assert(sizeof(struct capture_hole) == 16, "hole");
_Static_assert(sizeof(struct capture_cgroup) == 16, "cgroup value");
_Static_assert(sizeof(struct capture_pipe) == 40, "pipe value");
_Static_assert(sizeof(struct capture_counters) == 56, "counters");
_Static_assert(sizeof(struct capture_wakeup) == 64, "wake-up word");

#endif
