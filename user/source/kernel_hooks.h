/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the BPF programs go in the kernel that runs: the tables of both backends, asked for by
 * feature, never by version. `syscall` hooks the exits of system calls and works everywhere; `vfs`
 * hooks the functions that write pipes and terminals, and is complete only where the kernel does
 * not preempt itself.
 */
#ifndef RINGTAIL_SOURCE_KERNEL_HOOKS_H
#define RINGTAIL_SOURCE_KERNEL_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include <bpf/libbpf.h>

struct capture;

enum kernel_backend { KERNEL_BACKEND_SYSCALL, KERNEL_BACKEND_VFS };

const char *kernel_backend_name(enum kernel_backend backend);

/*
 * After opening, before loading: which programs are loaded, and where to. -EOPNOTSUPP: this kernel
 * has not all that the backend needs; *ret_error (caller frees) names the first thing missing.
 */
int kernel_hooks_choose(struct capture *programs, enum kernel_backend backend, char **ret_error);

enum { KERNEL_HOOKS_MAX = 16 }; /* links that an attached backend has at most */

/* Writes the links behind ret_links[*ret_count]; on failure those made so far are there. */
int kernel_hooks_attach(struct capture *programs, enum kernel_backend backend,
			struct bpf_link **ret_links, size_t *ret_count, char **ret_error);

/* Calls of the programs that the kernel skipped because one was running: those are not captured. */
unsigned long long kernel_hooks_misses(const struct capture *programs, enum kernel_backend backend);

/* Whether the kernel may preempt a program that runs in it; true also when that cannot be known. */
bool kernel_hooks_are_preemptible(void);

#endif
