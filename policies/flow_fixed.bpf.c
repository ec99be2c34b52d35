// SPDX-License-Identifier: GPL-2.0
/*
 * flow_fixed: a constant number of credits and a constant window for every
 * channel, what a module parameter such as the stock client's slot table size
 * gives. The baseline of credit-based flow control (Kung and Morris,
 * "Credit-based flow control for ATM networks", 1995).
 *
 * Hooks: grant, window, stall. Helps where the right number is known, and to
 * find it: load it with several. Wrong choice on paths whose delay or load
 * varies: too few credits idle the link, too many only queue. On overload the
 * queue stays as long as it was; latency grows with the number of clients.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

/* knobs */
const volatile __u32 credits = 32;	/* granted, and used of the peer's, at least 1 */

enum rsp_stat {
	STAT_GRANT,		/* times asked for credits */
	STAT_WINDOW,		/* batches of exchanges finished */
	STAT_ACK,		/* exchanges finished */
	STAT_STALL,		/* requests that had to wait */
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

int RSP_HOOK(fixed_grant, struct rsp_chan_view *chan)
{
	stat_inc(STAT_GRANT);
	return rsp_clamp(credits, 1, chan->max_credits);
}

int RSP_HOOK(fixed_window, struct rsp_chan_view *chan, struct rsp_ack_req *req)
{
	stat_inc(STAT_WINDOW);
	stat_add(STAT_ACK, req->nr_ack);
	return rsp_clamp(credits, 1, chan->max_credits);
}

void RSP_HOOK(fixed_stall, struct rsp_chan_view *chan)
{
	stat_inc(STAT_STALL);
}

void RSP_HOOK(fixed_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_flow_ops, flow_fixed) = {
	.grant		= (void *)fixed_grant,
	.window		= (void *)fixed_window,
	.stall		= (void *)fixed_stall,
	.exit		= (void *)fixed_exit,
	.name		= "flow_fixed",
};
