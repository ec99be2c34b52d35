// SPDX-License-Identifier: GPL-2.0
/*
 * chaos_flow: a flow policy that answers badly on purpose, in one of the ways of
 * chaos.h. All hooks. Helps to test that the mechanism holds; the wrong choice
 * for anything else. On overload it makes things worse, until it is ejected.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>
#include "chaos.h"

RSP_LICENSE;

int RSP_HOOK(chaos_flow_init)
{
	return chaos_init();
}

void RSP_HOOK(chaos_flow_chan_open, struct rsp_chan_view *chan)
{
	chaos_priv(chan->priv);
}

int RSP_HOOK(chaos_flow_grant, struct rsp_chan_view *chan)
{
	chaos_priv(chan->priv);
	return chaos_int(chaos_answer(chan->max_credits, 1));
}

int RSP_HOOK(chaos_flow_window, struct rsp_chan_view *chan, struct rsp_ack_req *req)
{
	chaos_priv(chan->priv);
	return chaos_int(chaos_answer(chan->max_credits, 1));
}

int RSP_HOOK(chaos_flow_weight, struct rsp_chan_view *chan)
{
	chaos_priv(chan->priv);
	return chaos_int(chaos_answer(100, 1));
}

void RSP_HOOK(chaos_flow_stall, struct rsp_chan_view *chan)
{
	chaos_priv(chan->priv);
}

void RSP_HOOK(chaos_flow_chan_close, struct rsp_chan_view *chan)
{
	chaos_priv(chan->priv);
}

void RSP_HOOK(chaos_flow_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_flow_ops, chaos_flow) = {
	.init		= (void *)chaos_flow_init,
	.chan_open	= (void *)chaos_flow_chan_open,
	.grant		= (void *)chaos_flow_grant,
	.window		= (void *)chaos_flow_window,
	.weight		= (void *)chaos_flow_weight,
	.stall		= (void *)chaos_flow_stall,
	.chan_close	= (void *)chaos_flow_chan_close,
	.exit		= (void *)chaos_flow_exit,
	.stall_ms	= 2000,
	.name		= "chaos_flow",
};
