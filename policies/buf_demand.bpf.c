// SPDX-License-Identifier: GPL-2.0
/*
 * buf_demand: follow demand, keep a reserve. A service may hold up to alpha
 * times what is free right now: the dynamic threshold of shared-memory switches
 * (Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory
 * packet switches", 1998). A service alone gets most of the pool; as more ask,
 * the threshold falls by itself, and some memory always stays free for a
 * newcomer. Receive queues are posted by the rate messages arrive at, not by the
 * credits given out: credits are a promise for the worst case, the rate is what
 * happens.
 *
 * Hooks: admit, release, recv_depth, reclaim. Helps with many mostly idle
 * connections and with demand that moves between services. Wrong choice for
 * synchronized bursts after silence: the queue is short when they come, and
 * senders retry (nr_empty tells). On overload the threshold shrinks for all.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

/* knobs */
const volatile __u32 alpha_x8 = 16;	/* threshold = free memory * this / 8, at weight 100 */
const volatile __u32 reserve_pct = 5;	/* of the limit, counts as not free */
const volatile __u32 horizon_us = 4000;	/* receives posted for the messages of this time */
const volatile __u32 floor_pct = 25;	/* of the credits, receives posted at least */

#define RATE_NS		1000000ULL	/* the rate is measured over at least this */

/* what a receive queue's priv[] keeps */
struct demand_rq {
	__u64	since_ns;	/* when the measurement began */
	__u64	nr_recv;	/* messages received until then */
	__u32	rate;		/* messages per second, rises at once, decays by an eighth */
	__u32	boost;		/* factor in force after the queue ran low, 0 is 1 */
	__u64	nr_empty;	/* times it had run low, last seen */
};

_Static_assert(sizeof(struct demand_rq) == 32, "fits an rsp_rq_view's priv[]");

enum rsp_stat {
	STAT_ADMIT,		/* times asked */
	STAT_CUT,		/* of these answered with less than wanted */
	STAT_CUT_BUFS,		/* buffers not admitted */
	STAT_RELEASE_BUFS,	/* buffers that came back */
	STAT_RECLAIM_BUFS,	/* buffers asked back */
	STAT_BOOST,		/* times a queue that ran low was posted deeper */
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

/* bytes a service may hold now */
static __u64 demand_threshold(const struct rsp_svc_view *svc, const struct rsp_buf_req *req)
{
	__u64 taken = req->held_bytes + req->limit_bytes / 100 * reserve_pct;

	if (taken >= req->limit_bytes)
		return 0;
	return (req->limit_bytes - taken) / 800 * alpha_x8 * svc->weight;
}

int RSP_HOOK(demand_admit, struct rsp_svc_view *svc, struct rsp_buf_req *req)
{
	__u64 threshold = demand_threshold(svc, req), held = svc->held_bytes;
	__u64 nr = 0;

	stat_inc(STAT_ADMIT);
	if (held < threshold && req->buf_bytes)
		nr = (threshold - held) / req->buf_bytes;
	if (nr >= req->want)
		return req->want;
	stat_inc(STAT_CUT);
	stat_add(STAT_CUT_BUFS, req->want - nr);
	return nr;
}

void RSP_HOOK(demand_release, struct rsp_svc_view *svc, __u32 class, __u32 nr)
{
	stat_add(STAT_RELEASE_BUFS, nr);
}

int RSP_HOOK(demand_recv_depth, struct rsp_rq_view *rq)
{
	struct demand_rq *mine = RSP_PRIV(struct demand_rq, rq);
	__u64 now = bpf_ktime_get_ns(), since = mine->since_ns;
	__u64 least, most, depth;

	/* shared by nobody: its one connection may send all it was granted at once */
	if (rq->is_private)
		return rsp_clamp(rq->credits, rq->min, rq->size);
	if (!since) {
		mine->since_ns = now;
		mine->nr_recv = rq->nr_recv;
		mine->nr_empty = rq->nr_empty;
	} else if (now - since >= RATE_NS) {
		__u64 rate = (rq->nr_recv - mine->nr_recv) * 1000000000ULL / (now - since);
		__u64 old = mine->rate;

		old -= old / 8;
		mine->rate = RSP_MIN(RSP_MAX(rate, old), 0xffffffffULL);
		mine->since_ns = now;
		mine->nr_recv = rq->nr_recv;
		if (rq->nr_empty != mine->nr_empty) {
			mine->nr_empty = rq->nr_empty;
			mine->boost = RSP_MIN(RSP_MAX(mine->boost, 1U) * 2, 16U);
			stat_inc(STAT_BOOST);
		} else if (mine->boost) {
			mine->boost--;
		}
	}

	least = (__u64)rq->credits * floor_pct / 100;
	most = (__u64)rq->credits + rq->credits / 4;	/* no more can arrive */
	depth = (__u64)mine->rate * horizon_us / 1000000 * RSP_MAX(mine->boost, 1U);
	depth = rsp_clamp(depth + rq->min, least, RSP_MAX(most, least));
	return rsp_clamp(depth, rq->min, rq->size);
}

int RSP_HOOK(demand_reclaim, struct rsp_svc_view *svc, struct rsp_buf_req *req)
{
	__u64 threshold = demand_threshold(svc, req), held = svc->held_bytes;
	__u64 nr = 0;

	if (held > threshold && req->buf_bytes)
		nr = RSP_MIN((held - threshold) / req->buf_bytes, 0x7fffffffULL);
	stat_add(STAT_RECLAIM_BUFS, nr);
	return nr;
}

void RSP_HOOK(demand_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_buf_ops, buf_demand) = {
	.admit		= (void *)demand_admit,
	.release	= (void *)demand_release,
	.recv_depth	= (void *)demand_recv_depth,
	.reclaim	= (void *)demand_reclaim,
	.exit		= (void *)demand_exit,
	.name		= "buf_demand",
};
