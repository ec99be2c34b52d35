/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What rsp.ko lets BPF programs ask: types, kfuncs, iterators.
 *
 * Included after vmlinux.h and <bpf/bpf_helpers.h>. Views are accessed through
 * CO-RE, so a program runs on a kernel whose views have grown; a field that may
 * be missing is asked for with bpf_core_field_exists(), a kfunc that may be with
 * bpf_ksym_exists().
 */
#ifndef __RSP_BPF_KFUNC_H
#define __RSP_BPF_KFUNC_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#include <rsp/view.h>
#pragma clang attribute pop
#include <rsp/iter.h>

/*
 * Figures by id, into memory of the program; -ENOENT where there is none. Use
 * the typed forms below.
 */
extern int rsp_bpf_svc_get(__u32 id, void *out, __u32 out__sz) __ksym __weak;
extern int rsp_bpf_ep_get(__u32 id, void *out, __u32 out__sz) __ksym __weak;
extern int rsp_bpf_chan_get(__u32 id, void *out, __u32 out__sz) __ksym __weak;
extern int rsp_bpf_rq_get(__u32 id, void *out, __u32 out__sz) __ksym __weak;
extern int rsp_bpf_cache_get(__u32 id, void *out, __u32 out__sz) __ksym __weak;
extern int rsp_bpf_pool_get(void *out, __u32 out__sz) __ksym __weak;
/* the active policy of a family */
extern int rsp_bpf_policy_get(__u32 family, void *out, __u32 out__sz) __ksym __weak;

static inline int rsp_svc_get(__u32 id, struct rsp_svc_view *svc)
{
	return rsp_bpf_svc_get(id, svc, sizeof(*svc));
}

static inline int rsp_ep_get(__u32 id, struct rsp_ep_view *ep)
{
	return rsp_bpf_ep_get(id, ep, sizeof(*ep));
}

static inline int rsp_chan_get(__u32 id, struct rsp_chan_view *chan)
{
	return rsp_bpf_chan_get(id, chan, sizeof(*chan));
}

static inline int rsp_rq_get(__u32 id, struct rsp_rq_view *rq)
{
	return rsp_bpf_rq_get(id, rq, sizeof(*rq));
}

static inline int rsp_cache_get(__u32 id, struct rsp_cache_view *cache)
{
	return rsp_bpf_cache_get(id, cache, sizeof(*cache));
}

static inline int rsp_pool_get(struct rsp_pool_view *pool)
{
	return rsp_bpf_pool_get(pool, sizeof(*pool));
}

static inline int rsp_policy_get(__u32 family, struct rsp_policy_view *policy)
{
	return rsp_bpf_policy_get(family, policy, sizeof(*policy));
}

/*
 * Policies only: have this policy ejected, with a number and a constant string
 * for the log. Hooks may still be called for a moment. In init it makes the
 * registration fail with -ECANCELED.
 */
extern int rsp_bpf_policy_exit(__s64 code, const char *msg__str) __ksym __weak;

/*
 * Iterators, in order of ids:
 *
 *	struct rsp_chan_view *chan;
 *
 *	rsp_for_each(chan, chan)
 *		sum += chan->in_flight;
 *
 * What they yield is a copy, good until the next step, and read only (to the
 * verifier it is a struct rsp_chan_copy that begins with the view). An iterator
 * is 64 to 256 bytes of the program's 512 bytes of stack.
 */
#define RSP_ITER(what)								\
extern int bpf_iter_rsp_##what##_new(struct bpf_iter_rsp_##what *it) __ksym __weak;	\
extern struct rsp_##what##_view *						\
bpf_iter_rsp_##what##_next(struct bpf_iter_rsp_##what *it) __ksym __weak;	\
extern void bpf_iter_rsp_##what##_destroy(struct bpf_iter_rsp_##what *it) __ksym __weak

RSP_ITER(svc);
RSP_ITER(peer);
RSP_ITER(ep);
RSP_ITER(chan);
RSP_ITER(rq);
RSP_ITER(desc);
RSP_ITER(cache);
RSP_ITER(policy);	/* registered ones and the log, in order of seq */

/* what: svc, peer, ep, chan, rq, desc, cache or policy. break and continue work, so does return. */
#define rsp_for_each(what, cur)							\
	for (struct bpf_iter_rsp_##what ___it					\
		     __attribute__((aligned(8),					\
				    cleanup(bpf_iter_rsp_##what##_destroy))),	\
	     *___p __attribute__((unused)) =					\
		     (bpf_iter_rsp_##what##_new(&___it),			\
		      (void)bpf_iter_rsp_##what##_destroy, (void *)0);		\
	     ((cur) = bpf_iter_rsp_##what##_next(&___it));)

#endif /* __RSP_BPF_KFUNC_H */
