// SPDX-License-Identifier: GPL-2.0
/*
 * ep_mux: few queue pairs to a peer, whoever has a channel there. A new channel
 * rides an endpoint that is there already; while there are fewer than per_peer a
 * new one is made, and with more than two the emptier of two drawn at random is
 * taken (Mitzenmacher, "The power of two choices in randomized load balancing",
 * 2001). One per peer is what scalable RPC over RDMA argues for (Monga et al.,
 * "Birds of a feather flock together: scaling RDMA RPCs with FLOCK", 2021).
 * At a swap all channels come to the per_peer oldest endpoints; once a second one
 * moves from an endpoint that has two more than another one drawn.
 *
 * Hooks: place, rehome, linger. Helps where connections are many and each has
 * little to do: queue pairs, queues and memory no longer grow with channels, and a
 * channel costs one message to open. Wrong choice for one busy channel (a header
 * of 64 bytes more in each message, one CPU for all of an endpoint), and where small
 * I/O must not wait behind large: see ep_apart. On overload channels share an
 * endpoint by the weights of the flow policy.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

/* knobs */
const volatile __u32 per_peer = 1;	/* endpoints to a peer, at least 1 */
const volatile __u32 idle_s = 30;	/* one without a channel is kept so long, 1 to 3600 */

enum rsp_stat {
	STAT_RIDE,		/* channels that went to an endpoint that was there */
	STAT_NEW,		/* channels with a new endpoint */
	STAT_OTHER,		/* what peers opened here, and those whose peer or device cannot share */
	STAT_MOVE,		/* endpoints whose channels were placed again, at a swap or in time */
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

/* the endpoints that a channel can ride, and the two that a draw among them gave */
struct mux_drawn {
	__u32	nr;
	__u32	nr_here;	/* channels where the one that is placed is, if that is to stay */
	__u32	lot[2];		/* the two highest, 0 for none */
	__u32	nr_chan[2];
	__u64	id[2];
};

/* every endpoint that fits draws a lot; who has the two highest is as random as it can be */
static void mux_draw(struct mux_drawn *drawn, const struct rsp_place_req *req)
{
	struct rsp_ep_view *ep;

	rsp_for_each(ep, ep) {
		__u32 lot = bpf_get_prandom_u32() | 1;

		if (!ep->is_mux || ep->role != RSP_ROLE_CLIENT || ep->state != RSP_STATE_UP ||
		    ep->peer_id != req->peer_id || ep->dev_id != req->dev_id)
			continue;
		if (drawn->nr >= per_peer)
			continue;
		drawn->nr += ep->is_mux;	/* 1, but not to the verifier, which else counts along */
		if (ep->id == req->ep_id) {
			drawn->nr_here = ep->nr_chan;
			continue;
		}
		if (lot > drawn->lot[0]) {
			drawn->lot[1] = drawn->lot[0];
			drawn->nr_chan[1] = drawn->nr_chan[0];
			drawn->id[1] = drawn->id[0];
			drawn->lot[0] = lot;
			drawn->nr_chan[0] = ep->nr_chan;
			drawn->id[0] = ep->id;
		} else if (lot > drawn->lot[1]) {
			drawn->lot[1] = lot;
			drawn->nr_chan[1] = ep->nr_chan;
			drawn->id[1] = ep->id;
		}
	}
}

static __u64 mux_choose(const struct mux_drawn *drawn, const struct rsp_place_req *req)
{
	bool second = drawn->id[1] && drawn->nr_chan[1] < drawn->nr_chan[0];

	if (drawn->nr_here && (!drawn->id[0] || drawn->nr_chan[second] + 1 >= drawn->nr_here))
		return req->ep_id;
	return drawn->id[second];
}

__u64 RSP_HOOK(mux_place, struct rsp_place_req *req)
{
	__u64 vector = req->next_vector & RSP_PLACE_VECTOR_MASK;
	struct mux_drawn drawn = {};
	__u64 id = 0;

	if (!req->can_mux || req->role != RSP_ROLE_CLIENT) {
		stat_inc(STAT_OTHER);
		return vector;
	}
	mux_draw(&drawn, req);
	if (drawn.nr >= per_peer || drawn.nr_here == 1)
		id = mux_choose(&drawn, req);
	stat_inc(id ? STAT_RIDE : STAT_NEW);
	return vector | RSP_PLACE_MUX | id << RSP_PLACE_EP_SHIFT;
}

int RSP_HOOK(mux_rehome, struct rsp_ep_view *ep, __u32 why)
{
	if (why != RSP_REHOME_SWAP && (!ep->is_mux || ep->nr_chan < 2 || per_peer < 2))
		return 0;
	stat_inc(STAT_MOVE);
	return 1;
}

int RSP_HOOK(mux_linger, struct rsp_ep_view *ep)
{
	return rsp_clamp(idle_s, 1, 3600);
}

void RSP_HOOK(mux_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_ep_ops, ep_mux) = {
	.place		= (void *)mux_place,
	.rehome		= (void *)mux_rehome,
	.linger		= (void *)mux_linger,
	.exit		= (void *)mux_exit,
	.name		= "ep_mux",
};
