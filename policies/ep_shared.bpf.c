// SPDX-License-Identifier: GPL-2.0
/*
 * ep_shared: everybody on few vectors. All channels share the completion queues
 * and receive queues of the first max_vectors vectors, so that receive memory
 * follows total load and not the number of connections, and few CPUs take
 * interrupts: the SRQ argument (Shipman et al., "High performance RDMA protocols
 * in HPC", 2006) taken to its end.
 *
 * Hooks: place, rehome. Helps with many mostly idle connections, and where RDMA
 * has to stay off most CPUs. Wrong choice for small-message rate: one vector is
 * one CPU, and published measurements lose up to two thirds with one queue per
 * device. On overload that CPU is the limit; set max_vectors higher.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

/* knobs */
const volatile __u32 max_vectors = 1;	/* vectors in use, at least 1 */

enum rsp_stat {
	STAT_PLACE,		/* channels placed */
	STAT_MOVE,		/* channels asked to come over at a swap */
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

__u64 RSP_HOOK(shared_place, struct rsp_place_req *req)
{
	stat_inc(STAT_PLACE);
	return req->next_vector % RSP_MAX(max_vectors, 1U);
}

/* at a swap the others come over; a private receive queue is not shared */
int RSP_HOOK(shared_rehome, struct rsp_ep_view *ep, __u32 why)
{
	struct rsp_rq_view rq = {};
	bool move;

	if (why != RSP_REHOME_SWAP)
		return 0;
	move = ep->vector >= RSP_MAX(max_vectors, 1U);
	if (!rsp_rq_get(ep->rq_id, &rq) && rq.is_private)
		move = true;
	if (move)
		stat_inc(STAT_MOVE);
	return move;
}

void RSP_HOOK(shared_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_ep_ops, ep_shared) = {
	.place		= (void *)shared_place,
	.rehome		= (void *)shared_rehome,
	.exit		= (void *)shared_exit,
	.name		= "ep_shared",
};
