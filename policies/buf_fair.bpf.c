// SPDX-License-Identifier: GPL-2.0
/*
 * buf_fair: weighted fair share. Each service owns limit * weight / sum of
 * weights and gets that much whenever it asks; above it, it may borrow what
 * others leave, until only a headroom is free. When the pool runs dry, those
 * above their share give back what they borrowed, furthest above first by
 * proportion. The goal is weighted max-min fairness (Bertsekas and Gallager,
 * "Data Networks", 6.5; proportional shares as in Waldspurger and Weihl,
 * "Lottery scheduling", OSDI 1994).
 *
 * Hooks: admit, reclaim; receive queues and bulk as builtin. Helps with several
 * services of different importance on one host. Wrong choice with one service
 * (builtin does the same for less) or where a service's need has nothing to do
 * with its weight (buf_demand). On overload each service falls to its share.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

/* knobs */
const volatile __u32 headroom_pct = 10;	/* of the limit: nobody borrows from the last of it */

enum rsp_stat {
	STAT_OWN,		/* admissions within the share */
	STAT_BORROW,		/* admissions that went beyond it */
	STAT_CUT,		/* admissions with less than wanted */
	STAT_CUT_BUFS,		/* buffers not admitted */
	STAT_RECLAIM_BUFS,	/* buffers asked back */
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

/* bytes a service owns */
static __u64 fair_share(const struct rsp_svc_view *svc, const struct rsp_buf_req *req)
{
	__u32 sum = RSP_MAX(req->sum_weight, svc->weight);

	return sum ? req->limit_bytes / sum * svc->weight : req->limit_bytes;
}

int RSP_HOOK(fair_admit, struct rsp_svc_view *svc, struct rsp_buf_req *req)
{
	__u64 share = fair_share(svc, req), held = svc->held_bytes;
	__u64 keep = req->limit_bytes / 100 * headroom_pct;
	__u64 bytes = req->buf_bytes, nr = 0;

	if (!bytes)
		return 0;
	if (held < share)
		nr = (share - held) / bytes;
	if (nr >= req->want) {
		stat_inc(STAT_OWN);
		return req->want;
	}
	/* the rest from what others leave */
	if (req->held_bytes + keep < req->limit_bytes) {
		__u64 idle = (req->limit_bytes - keep - req->held_bytes) / bytes;

		if (idle > nr)
			nr = idle;
	}
	if (nr >= req->want) {
		stat_inc(STAT_BORROW);
		return req->want;
	}
	stat_inc(STAT_CUT);
	stat_add(STAT_CUT_BUFS, req->want - nr);
	return nr;
}

int RSP_HOOK(fair_reclaim, struct rsp_svc_view *svc, struct rsp_buf_req *req)
{
	__u64 share = fair_share(svc, req), held = svc->held_bytes;
	__u64 nr = 0;

	if (held > share && req->buf_bytes)
		nr = RSP_MIN((held - share) / req->buf_bytes, 0x7fffffffULL);
	stat_add(STAT_RECLAIM_BUFS, nr);
	return nr;
}

void RSP_HOOK(fair_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_buf_ops, buf_fair) = {
	.admit		= (void *)fair_admit,
	.reclaim	= (void *)fair_reclaim,
	.exit		= (void *)fair_exit,
	.name		= "buf_fair",
};
