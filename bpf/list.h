/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the list programs have in common. LIST(what): a program that copies the views of all
 * objects of a kind to where user space reads them. librsp runs it with BPF_PROG_RUN, so these
 * programs are the platform's list interface; there is no netlink family and no ioctl.
 *
 * Each is an object of its own, and has neither externs nor CO-RE relocations: for them libbpf
 * reads the BTF of the kernel and of all modules, which takes longer than all else. librsp puts the
 * numbers of rsp.ko's functions into the calls, and the size of its view into view_size
 * (libs/host.c).
 *
 * One run fills at most max_rows rows, beginning behind the first `skip`
 * objects; `more` says that there are further ones.
 */
#ifndef _RSP_LIST_H
#define _RSP_LIST_H

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#include <rsp/iter.h>
#include <rsp/view.h>

#include "list_call.h"

#define LIST_MAX	128

/* rows of one run; tests want few */
const volatile __u32 max_rows = LIST_MAX;
/* of the kernel's */
const volatile __u32 view_size = 1;
/* in: */
volatile __u32 skip;
/* out: */
volatile __u32 nr;
volatile __u32 more;

/*
 * The kernel's view may be shorter than ours (an older rsp.ko: what it lacks
 * stays zero) or longer (a newer one: what we do not know is left out).
 *
 * nr is read from memory each time so that the verifier sees the same state at
 * each turn of the loop.
 */
#define LIST(what)								\
struct rsp_##what##_view rows[LIST_MAX];					\
										\
static int (*new)(struct bpf_iter_rsp_##what *) = (void *)LIST_CALL_NEW;	\
static struct rsp_##what##_view *						\
(*next)(struct bpf_iter_rsp_##what *) = (void *)LIST_CALL_NEXT;			\
static void (*destroy)(struct bpf_iter_rsp_##what *) = (void *)LIST_CALL_DESTROY;\
										\
SEC("rsp_list")									\
int list_##what(void *ctx)							\
{										\
	struct rsp_##what##_view *view;						\
	struct bpf_iter_rsp_##what it;						\
	__u32 size = view_size;							\
										\
	nr = 0;									\
	more = 0;								\
	if (size > sizeof(*view))						\
		size = sizeof(*view);						\
	new(&it);						\
	while ((view = next(&it))) {			\
		__u32 i = nr;							\
										\
		if (skip) {							\
			skip = skip - 1;					\
			continue;						\
		}								\
		if (i >= max_rows || i >= LIST_MAX) {				\
			more = 1;						\
			break;							\
		}								\
		bpf_probe_read_kernel(&rows[i], size, view);			\
		nr = i + 1;							\
	}									\
	destroy(&it);					\
	return 0;								\
}

char _license[] SEC("license") = "GPL";

#endif /* _RSP_LIST_H */
