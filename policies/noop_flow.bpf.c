// SPDX-License-Identifier: GPL-2.0
/*
 * noop_flow: every flow hook attached, every answer that of builtin. Nothing
 * changes but the cost of asking, which is what this policy measures. Its
 * answers are those of kmod/policy_hook.c: change both. Never useful otherwise.
 * On overload: as builtin, all credits all the time.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

/* knobs: builtin's constants */
const volatile __u32 chan_weight = 100;		/* of every channel */

/* calls per hook */
enum rsp_stat {
	STAT_CHAN_OPEN,
	STAT_CHAN_CLOSE,
	STAT_GRANT,
	STAT_WINDOW,
	STAT_WEIGHT,
	STAT_STALL,
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

int RSP_HOOK(noop_flow_init)
{
	return 0;
}

void RSP_HOOK(noop_flow_chan_open, struct rsp_chan_view *chan)
{
	stat_inc(STAT_CHAN_OPEN);
}

int RSP_HOOK(noop_flow_grant, struct rsp_chan_view *chan)
{
	stat_inc(STAT_GRANT);
	return RSP_MAX(chan->max_credits, 1U);
}

int RSP_HOOK(noop_flow_window, struct rsp_chan_view *chan, struct rsp_ack_req *req)
{
	stat_inc(STAT_WINDOW);
	return RSP_MAX(chan->max_credits, 1U);
}

int RSP_HOOK(noop_flow_weight, struct rsp_chan_view *chan)
{
	stat_inc(STAT_WEIGHT);
	return chan_weight;
}

void RSP_HOOK(noop_flow_stall, struct rsp_chan_view *chan)
{
	stat_inc(STAT_STALL);
}

void RSP_HOOK(noop_flow_chan_close, struct rsp_chan_view *chan)
{
	stat_inc(STAT_CHAN_CLOSE);
}

void RSP_HOOK(noop_flow_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_flow_ops, noop_flow) = {
	.init		= (void *)noop_flow_init,
	.chan_open	= (void *)noop_flow_chan_open,
	.grant		= (void *)noop_flow_grant,
	.window		= (void *)noop_flow_window,
	.weight		= (void *)noop_flow_weight,
	.stall		= (void *)noop_flow_stall,
	.chan_close	= (void *)noop_flow_chan_close,
	.exit		= (void *)noop_flow_exit,
	.name		= "noop_flow",
};
