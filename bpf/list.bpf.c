// SPDX-License-Identifier: GPL-2.0
/*
 * The list program: copies the views of all objects of a kind to where user
 * space reads them. librsp runs it with BPF_PROG_RUN, so it is the platform's
 * list interface; there is no netlink family and no ioctl.
 *
 * One run fills at most max_rows rows, beginning behind the first `skip`
 * objects; `more` says that there are further ones.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include <rsp/kfunc.h>

#define LIST_MAX	128

/* rows of one run; tests want few */
const volatile __u32 max_rows = LIST_MAX;
/* in: */
volatile __u32 skip;
/* out: */
volatile __u32 nr;
volatile __u32 more;

struct rsp_svc_view svcs[LIST_MAX];
struct rsp_peer_view peers[LIST_MAX];
struct rsp_ep_view eps[LIST_MAX];
struct rsp_chan_view chans[LIST_MAX];
struct rsp_rq_view rqs[LIST_MAX];
struct rsp_desc_view descs[LIST_MAX];
struct rsp_cache_view caches[LIST_MAX];
struct rsp_policy_view policies[LIST_MAX];
struct rsp_pool_view pool;

/*
 * The kernel's view may be shorter than ours (an older rsp.ko: what it lacks
 * stays zero) or longer (a newer one: what we do not know is left out).
 *
 * nr is read from memory each time so that the verifier sees the same state at
 * each turn of the loop.
 */
#define LIST(what, rows)							\
SEC("syscall")									\
int list_##what(void *ctx)							\
{										\
	__u32 size = bpf_core_type_size(struct rsp_##what##_view);		\
	struct rsp_##what##_view *view;						\
	struct bpf_iter_rsp_##what it;						\
										\
	nr = 0;									\
	more = 0;								\
	if (size > sizeof(*view))						\
		size = sizeof(*view);						\
	bpf_iter_rsp_##what##_new(&it);						\
	while ((view = bpf_iter_rsp_##what##_next(&it))) {			\
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
	bpf_iter_rsp_##what##_destroy(&it);					\
	return 0;								\
}

LIST(svc, svcs)
LIST(peer, peers)
LIST(ep, eps)
LIST(chan, chans)
LIST(rq, rqs)
LIST(desc, descs)
LIST(cache, caches)
LIST(policy, policies)

SEC("syscall")
int get_pool(void *ctx)
{
	return rsp_bpf_pool_get(&pool, sizeof(pool));
}

char _license[] SEC("license") = "GPL";
