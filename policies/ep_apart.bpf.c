// SPDX-License-Identifier: GPL-2.0
/*
 * ep_apart: one queue pair to a peer for each service. Channels of a service share
 * an endpoint, those of another have their own: small I/O of one service never waits
 * in a send queue behind large transfers of another (the latency and throughput
 * classes of Tsai and Zhang, "LITE kernel RDMA support for datacenter applications",
 * 2017, with the service as the class). At a swap an endpoint stays the service's that
 * was registered first of those on it, and the others' channels move.
 *
 * Hooks: place, rehome, linger. Helps where one service does bulk I/O beside one
 * that waits for each answer. Wrong choice within one service that does both, whose
 * channels do not tell which is which, and where queue pairs are what is short. On
 * overload the wire is shared as the network does it, not by weights.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

/* knobs */
const volatile __u32 idle_s = 30;	/* an endpoint without a channel is kept so long, 1 to 3600 */

enum rsp_stat {
	STAT_RIDE,		/* channels that went to an endpoint that was there */
	STAT_NEW,		/* channels with a new endpoint */
	STAT_OTHER,		/* what peers opened here, and those whose peer or device cannot share */
	STAT_MOVE,		/* endpoints whose channels were placed again at a swap */
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

/* an endpoint to the peer that nobody rides, 0 if there is none */
static __noinline __u64 apart_find_empty(const struct rsp_place_req *req)
{
	struct rsp_ep_view *ep;
	__u64 id = 0;

	rsp_for_each(ep, ep) {
		if (ep->is_mux && !ep->nr_chan && ep->role == RSP_ROLE_CLIENT &&
		    ep->state == RSP_STATE_UP && ep->peer_id == req->peer_id &&
		    ep->dev_id == req->dev_id)
			id = ep->id;
	}
	return id;
}

/* where channels of a service are, the last ones seen */
struct apart_homes {
	__u64	id[4];
};

static __noinline int apart_homes(struct apart_homes *homes, const struct rsp_place_req *req)
{
	struct rsp_chan_view *chan;
	__u32 i = 0;

	rsp_for_each(chan, chan) {
		if (chan->svc_id != req->svc_id || chan->peer_id != req->peer_id ||
		    chan->role != RSP_ROLE_CLIENT || chan->state != RSP_STATE_UP)
			continue;
		homes->id[i % 4] = chan->ep_id;
		i += chan->state;	/* UP is 1, but not to the verifier, which else counts along */
	}
	return 0;
}

/* has an endpoint no channels of an older service? Then it is this one's, or is to be */
static __noinline int apart_is_own(__u64 ep_id, __u32 svc_id)
{
	struct rsp_chan_view *chan;
	__u32 oldest = svc_id;

	rsp_for_each(chan, chan) {
		if (chan->ep_id == ep_id && chan->role == RSP_ROLE_CLIENT &&
		    chan->state == RSP_STATE_UP && chan->svc_id < oldest)
			oldest = chan->svc_id;
	}
	return oldest == svc_id;
}

static bool apart_is_shared(__u64 ep_id, __u32 dev_id)
{
	struct rsp_ep_view ep;

	return !rsp_ep_get(ep_id, &ep) && ep.is_mux && ep.dev_id == dev_id;
}

static __u64 apart_find(const struct rsp_place_req *req)
{
	struct apart_homes homes = {};
	__u32 i;

	if (req->ep_id && apart_is_own(req->ep_id, req->svc_id))
		return req->ep_id;
	apart_homes(&homes, req);
	for (i = 0; i < 4; i++) {
		if (homes.id[i] && apart_is_shared(homes.id[i], req->dev_id) &&
		    apart_is_own(homes.id[i], req->svc_id))
			return homes.id[i];
	}
	return apart_find_empty(req);
}

__u64 RSP_HOOK(apart_place, struct rsp_place_req *req)
{
	__u64 vector = req->next_vector & RSP_PLACE_VECTOR_MASK, id;

	if (!req->can_mux || req->role != RSP_ROLE_CLIENT) {
		stat_inc(STAT_OTHER);
		return vector;
	}
	id = apart_find(req);
	stat_inc(id ? STAT_RIDE : STAT_NEW);
	return vector | RSP_PLACE_MUX | id << RSP_PLACE_EP_SHIFT;
}

int RSP_HOOK(apart_rehome, struct rsp_ep_view *ep, __u32 why)
{
	if (why != RSP_REHOME_SWAP)
		return 0;
	stat_inc(STAT_MOVE);
	return 1;
}

int RSP_HOOK(apart_linger, struct rsp_ep_view *ep)
{
	return rsp_clamp(idle_s, 1, 3600);
}

void RSP_HOOK(apart_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_ep_ops, ep_apart) = {
	.place		= (void *)apart_place,
	.rehome		= (void *)apart_rehome,
	.linger		= (void *)apart_linger,
	.exit		= (void *)apart_exit,
	.name		= "ep_apart",
};
