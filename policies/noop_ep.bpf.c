// SPDX-License-Identifier: GPL-2.0
/*
 * noop_ep: every endpoint hook attached, every answer that of builtin. Nothing
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
const volatile __u32 linger_s = 300;	/* idle connections are kept this long */

/* calls per hook */
enum rsp_stat {
	STAT_PLACE,
	STAT_REHOME,
	STAT_LINGER,
	STAT_EP_UP,
	STAT_EP_DOWN,
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

int RSP_HOOK(noop_ep_init)
{
	return 0;
}

__u64 RSP_HOOK(noop_ep_place, struct rsp_place_req *req)
{
	stat_inc(STAT_PLACE);
	return req->next_vector & RSP_PLACE_VECTOR_MASK;
}

void RSP_HOOK(noop_ep_up, struct rsp_ep_view *ep)
{
	stat_inc(STAT_EP_UP);
}

int RSP_HOOK(noop_ep_rehome, struct rsp_ep_view *ep, __u32 why)
{
	stat_inc(STAT_REHOME);
	return 0;
}

int RSP_HOOK(noop_ep_linger, struct rsp_ep_view *ep)
{
	stat_inc(STAT_LINGER);
	return linger_s;
}

void RSP_HOOK(noop_ep_down, struct rsp_ep_view *ep)
{
	stat_inc(STAT_EP_DOWN);
}

void RSP_HOOK(noop_ep_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_ep_ops, noop_ep) = {
	.init		= (void *)noop_ep_init,
	.place		= (void *)noop_ep_place,
	.ep_up		= (void *)noop_ep_up,
	.rehome		= (void *)noop_ep_rehome,
	.linger		= (void *)noop_ep_linger,
	.ep_down	= (void *)noop_ep_down,
	.exit		= (void *)noop_ep_exit,
	.name		= "noop_ep",
};
