// SPDX-License-Identifier: GPL-2.0
/*
 * ep_private: a receive queue of its own for every endpoint, spread over all
 * vectors in turn. What the stock transports do: no connection can use up the
 * receives of another, and memory grows with every connection.
 *
 * Hooks: place, rehome, linger. Helps with few connections that must be isolated
 * from each other, and as the thing to compare sharing with. Wrong choice with
 * hundreds of connections. Idle connections are dropped early, since each holds
 * memory. On overload each endpoint runs out by itself.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

/* knobs */
const volatile __u32 idle_s = 120;	/* idle connections are kept this long, 1 to 3600 */

enum rsp_stat {
	STAT_PLACE,		/* channels placed */
	STAT_MOVE,		/* channels asked to come over at a swap */
	STAT_EP_UP,		/* endpoints connected */
	STAT_EP_DOWN,		/* endpoints gone */
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

__u64 RSP_HOOK(private_place, struct rsp_place_req *req)
{
	stat_inc(STAT_PLACE);
	return (req->next_vector & RSP_PLACE_VECTOR_MASK) | RSP_PLACE_PRIVATE_RQ;
}

void RSP_HOOK(private_ep_up, struct rsp_ep_view *ep)
{
	stat_inc(STAT_EP_UP);
}

int RSP_HOOK(private_rehome, struct rsp_ep_view *ep, __u32 why)
{
	struct rsp_rq_view rq = {};

	if (why != RSP_REHOME_SWAP || rsp_rq_get(ep->rq_id, &rq) || rq.is_private)
		return 0;
	stat_inc(STAT_MOVE);
	return 1;
}

int RSP_HOOK(private_linger, struct rsp_ep_view *ep)
{
	return rsp_clamp(idle_s, 1, 3600);
}

void RSP_HOOK(private_ep_down, struct rsp_ep_view *ep)
{
	stat_inc(STAT_EP_DOWN);
}

void RSP_HOOK(private_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_ep_ops, ep_private) = {
	.place		= (void *)private_place,
	.ep_up		= (void *)private_ep_up,
	.rehome		= (void *)private_rehome,
	.linger		= (void *)private_linger,
	.ep_down	= (void *)private_ep_down,
	.exit		= (void *)private_exit,
	.name		= "ep_private",
};
