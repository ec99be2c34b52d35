// SPDX-License-Identifier: GPL-2.0
/*
 * chaos_buf: a buffer policy that answers badly on purpose, in one of the ways of
 * chaos.h. All hooks. Helps to test that the mechanism holds; the wrong choice
 * for anything else. On overload it makes things worse, until it is ejected.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>
#include "chaos.h"

RSP_LICENSE;

int RSP_HOOK(chaos_buf_init)
{
	return chaos_init();
}

int RSP_HOOK(chaos_buf_admit, struct rsp_svc_view *svc, struct rsp_buf_req *req)
{
	chaos_priv(svc->priv);
	return chaos_int(chaos_answer(req->want, 0));
}

void RSP_HOOK(chaos_buf_release, struct rsp_svc_view *svc, __u32 class, __u32 nr)
{
	chaos_priv(svc->priv);
}

int RSP_HOOK(chaos_buf_recv_depth, struct rsp_rq_view *rq)
{
	chaos_priv(rq->priv);
	return chaos_int(chaos_answer(rq->size, rq->min));
}

int RSP_HOOK(chaos_buf_bulk, struct rsp_chan_view *chan, struct rsp_bulk_req *req)
{
	return chaos_int(chaos_answer(RSP_BULK_REG, RSP_BULK_INLINE));
}

int RSP_HOOK(chaos_buf_reclaim, struct rsp_svc_view *svc, struct rsp_buf_req *req)
{
	chaos_priv(svc->priv);
	return chaos_int(chaos_answer(req->want, 0));
}

void RSP_HOOK(chaos_buf_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_buf_ops, chaos_buf) = {
	.init		= (void *)chaos_buf_init,
	.admit		= (void *)chaos_buf_admit,
	.release	= (void *)chaos_buf_release,
	.recv_depth	= (void *)chaos_buf_recv_depth,
	.bulk		= (void *)chaos_buf_bulk,
	.reclaim	= (void *)chaos_buf_reclaim,
	.exit		= (void *)chaos_buf_exit,
	.stall_ms	= 2000,
	.name		= "chaos_buf",
};
