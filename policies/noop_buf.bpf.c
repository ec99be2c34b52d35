// SPDX-License-Identifier: GPL-2.0
/*
 * noop_buf: every buffer hook attached, every answer that of builtin. Nothing
 * changes but the cost of asking, which is what this policy measures. Its
 * answers are those of kmod/policy_hook.c: change both. Never useful otherwise.
 * On overload: as builtin.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

/* knobs: builtin's constants */
const volatile __u32 copy_bytes = 2048;		/* copied into the message up to this payload */
const volatile __u32 inline_bytes = 8192;	/* gathered from its pages up to this */
const volatile __u32 covered = 64;		/* receives up to which every credit has one */
const volatile __u32 header_bytes = 512;	/* room left in the message for headers */

/* calls per hook */
enum rsp_stat {
	STAT_ADMIT,
	STAT_RELEASE,
	STAT_RECV_DEPTH,
	STAT_BULK,
	STAT_RECLAIM,
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

int RSP_HOOK(noop_buf_init)
{
	return 0;
}

int RSP_HOOK(noop_buf_admit, struct rsp_svc_view *svc, struct rsp_buf_req *req)
{
	__u64 nr;

	stat_inc(STAT_ADMIT);
	if (req->held_bytes >= req->limit_bytes || !req->buf_bytes)
		return 0;
	nr = (req->limit_bytes - req->held_bytes) / req->buf_bytes;
	return RSP_MIN(nr, (__u64)req->want);
}

void RSP_HOOK(noop_buf_release, struct rsp_svc_view *svc, __u32 class, __u32 nr)
{
	stat_inc(STAT_RELEASE);
}

int RSP_HOOK(noop_buf_recv_depth, struct rsp_rq_view *rq)
{
	__u64 most = (__u64)rq->credits + rq->credits / 4, least = RSP_MIN(rq->credits, covered), depth;

	stat_inc(STAT_RECV_DEPTH);
	if (rq->is_private)
		return rq->size;
	if (rq->nr_low || rq->posted < rq->depth / 2)
		depth = 2ULL * rq->depth;
	else
		depth = rq->depth - (rq->nr_refill % 16 ? 0 : rq->depth / 64);
	return rsp_clamp(RSP_MAX(RSP_MIN(depth, most), least), rq->min, rq->size);
}

int RSP_HOOK(noop_buf_bulk, struct rsp_chan_view *chan, struct rsp_bulk_req *req)
{
	stat_inc(STAT_BULK);
	if ((__u64)req->size + header_bytes > req->max_inline)
		return RSP_BULK_REG;
	if (req->size <= copy_bytes)
		return RSP_BULK_COPY;
	return req->size <= inline_bytes ? RSP_BULK_INLINE : RSP_BULK_REG;
}

int RSP_HOOK(noop_buf_reclaim, struct rsp_svc_view *svc, struct rsp_buf_req *req)
{
	stat_inc(STAT_RECLAIM);
	return 0x7fffffff;	/* all it has to spare */
}

void RSP_HOOK(noop_buf_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_buf_ops, noop_buf) = {
	.init		= (void *)noop_buf_init,
	.admit		= (void *)noop_buf_admit,
	.release	= (void *)noop_buf_release,
	.recv_depth	= (void *)noop_buf_recv_depth,
	.bulk		= (void *)noop_buf_bulk,
	.reclaim	= (void *)noop_buf_reclaim,
	.exit		= (void *)noop_buf_exit,
	.name		= "noop_buf",
};
