/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Policies as the rest of rsp.ko sees them: one function per question.
 *
 * Each asks the active policy of the family, or the builtin answer where there
 * is none or it has no such op, and returns a value that needs no further check
 * against what is said here. What exists (free buffers, peer credits) is the
 * caller's to check: an answer is a hint.
 *
 * The caller holds the lock of the object whose view it passes, so that hooks
 * on one object are serialized. All may be called in any context but hard
 * interrupt; none sleeps.
 */
#ifndef _RSP_POLICY_H
#define _RSP_POLICY_H

#include <linux/types.h>

#include <rsp/view.h>

/**
 * struct rsp_hookgen - which activation of a policy an object's priv[] belongs to
 * @gen: 0 at birth; the policy code's
 *
 * Every object with a priv[] has one beside its view, under the same lock.
 */
struct rsp_hookgen {
	u64	gen;
};

/* register the struct_ops types and kfuncs; without module BTF: policies off, 0 */
int rsp_policy_init(void);
/* the module goes: no policy can be registered any more (each holds the module) */
void rsp_policy_exit(void);

/* buffers, see struct rsp_buf_ops */

/* Return: 0 to @req->want */
u32 rsp_policy_admit(struct rsp_svc_view *svc, struct rsp_hookgen *gen,
		     struct rsp_buf_req *req);
void rsp_policy_release(struct rsp_svc_view *svc, struct rsp_hookgen *gen,
			u32 class, u32 nr);
/* Return: @rq->min to @rq->size */
u32 rsp_policy_recv_depth(struct rsp_rq_view *rq, struct rsp_hookgen *gen);
/* Return: enum rsp_bulk */
u32 rsp_policy_bulk(struct rsp_chan_view *chan, struct rsp_bulk_req *req);
/* Return: 0 to INT_MAX */
u32 rsp_policy_reclaim(struct rsp_svc_view *svc, struct rsp_hookgen *gen,
		       struct rsp_buf_req *req);

/* endpoints, see struct rsp_ep_ops */

/* Return: RSP_PLACE_* bits, the vector is below @req->nr_vector */
u64 rsp_policy_place(struct rsp_place_req *req);
/* @why: enum rsp_rehome_why. Return: true to move */
bool rsp_policy_rehome(struct rsp_ep_view *ep, struct rsp_hookgen *gen, u32 why);
/* Return: seconds, 1 to 3600 */
u32 rsp_policy_linger(struct rsp_ep_view *ep, struct rsp_hookgen *gen);
void rsp_policy_ep_up(struct rsp_ep_view *ep, struct rsp_hookgen *gen);
void rsp_policy_ep_down(struct rsp_ep_view *ep, struct rsp_hookgen *gen);

/* flow, see struct rsp_flow_ops */

void rsp_policy_chan_open(struct rsp_chan_view *chan, struct rsp_hookgen *gen);
void rsp_policy_chan_close(struct rsp_chan_view *chan, struct rsp_hookgen *gen);
/* Return: 1 to @chan->max_credits */
u32 rsp_policy_grant(struct rsp_chan_view *chan, struct rsp_hookgen *gen);
/* Return: 1 to @chan->max_credits */
u32 rsp_policy_window(struct rsp_chan_view *chan, struct rsp_hookgen *gen,
		      struct rsp_ack_req *req);
/* Return: 1 to 1000 */
u32 rsp_policy_weight(struct rsp_chan_view *chan, struct rsp_hookgen *gen);
void rsp_policy_stall(struct rsp_chan_view *chan, struct rsp_hookgen *gen);

/* caches: <rsp/cache.h>, see struct rsp_cache_ops */

/*
 * The service @who waited this long for what @family decides: past its stall_ms the
 * active policy is ejected. Any context; needs no lock.
 */
void rsp_policy_waited(enum rsp_family family, const char *who, u64 waited_ns);

/*
 * What the core gives. Each of the _next functions copies the view of the
 * object with the lowest id above *@id, stores that id in *@id, and returns
 * false where there is none. kfuncs call them from any context, also from a
 * hook whose caller holds an object's lock and from tracing programs: they may
 * take no lock that a hook or a trace event can run under (RCU does).
 */
bool rsp_svc_view_next(u32 *id, struct rsp_svc_view *view);
bool rsp_peer_view_next(u32 *id, struct rsp_peer_view *view);
bool rsp_ep_view_next(u32 *id, struct rsp_ep_view *view);
bool rsp_chan_view_next(u32 *id, struct rsp_chan_view *view);
bool rsp_rq_view_next(u32 *id, struct rsp_rq_view *view);
bool rsp_desc_view_next(u32 *id, struct rsp_desc_view *view);
bool rsp_cache_view_next(u32 *id, struct rsp_cache_view *view);
void rsp_pool_view_get(struct rsp_pool_view *view);

/*
 * Another policy of @family answers from now on; the old one's exit has not
 * run. Process context, may sleep. The core asks again what it keeps: bulk,
 * rehome, chan_open, weight, grant; and lets those try again who wait for
 * buffers or window.
 */
void rsp_core_swapped(enum rsp_family family);

#endif /* _RSP_POLICY_H */
