// SPDX-License-Identifier: GPL-2.0
/*
 * ep_two: power of two choices. A new channel draws two vectors at random and
 * takes the one with fewer endpoints, which keeps the fullest vector within
 * log log n of the mean (Mitzenmacher, "The power of two choices in randomized
 * load balancing", 2001), also when connections come and go in patterns that
 * break round robin. Receive queues are shared per vector.
 *
 * Hooks: place, rehome. Helps on hosts with many vectors and connections of
 * unequal life. Wrong choice with two vectors or few connections, where round
 * robin is exact, and where endpoints differ much in load: it counts them, it
 * does not weigh them. On overload: as even as the count is.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

/* knobs */
const volatile __u32 imbalance = 2;	/* at a swap, endpoints move from vectors that have this many more */

enum rsp_stat {
	STAT_PLACE,		/* channels placed */
	STAT_SECOND,		/* of these on the second of the two drawn */
	STAT_MOVE,		/* channels asked to move at a swap */
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

/* endpoints on two vectors of a device */
struct two_load {
	__u32	nr_ep[2];
};

static void two_count(struct two_load *load, __u32 dev_id, __u32 first, __u32 second)
{
	struct rsp_rq_view *rq;

	load->nr_ep[0] = 0;
	load->nr_ep[1] = 0;
	rsp_for_each(rq, rq) {
		if (rq->dev_id != dev_id)
			continue;
		if (rq->vector == first)
			load->nr_ep[0] += rq->nr_ep;
		else if (rq->vector == second)
			load->nr_ep[1] += rq->nr_ep;
	}
}

__u64 RSP_HOOK(two_place, struct rsp_place_req *req)
{
	__u32 nr = RSP_MAX(req->nr_vector, 1U);
	__u32 first = bpf_get_prandom_u32() % nr;
	__u32 second = bpf_get_prandom_u32() % nr;
	struct two_load load;

	stat_inc(STAT_PLACE);
	/* two different ones, where there are two */
	if (second == first)
		second = (first + 1) % nr;
	two_count(&load, req->dev_id, first, second);
	if (second == first || load.nr_ep[0] <= load.nr_ep[1])
		return first & RSP_PLACE_VECTOR_MASK;
	stat_inc(STAT_SECOND);
	return second & RSP_PLACE_VECTOR_MASK;
}

/* compare with one other vector, drawn like above; a wrong draw stays put */
int RSP_HOOK(two_rehome, struct rsp_ep_view *ep, __u32 why)
{
	__u32 other = ep->vector + 1 + bpf_get_prandom_u32() % 2;
	struct two_load load;

	if (why != RSP_REHOME_SWAP)
		return 0;
	two_count(&load, ep->dev_id, ep->vector, other);
	if (!load.nr_ep[1] || load.nr_ep[0] < load.nr_ep[1] + imbalance)
		return 0;
	stat_inc(STAT_MOVE);
	return 1;
}

void RSP_HOOK(two_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_ep_ops, ep_two) = {
	.place		= (void *)two_place,
	.rehome		= (void *)two_rehome,
	.exit		= (void *)two_exit,
	.name		= "ep_two",
};
