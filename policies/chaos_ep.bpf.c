// SPDX-License-Identifier: GPL-2.0
/*
 * chaos_ep: an endpoint policy that answers badly on purpose, in one of the ways
 * of chaos.h. All hooks. Helps to test that the mechanism holds; the wrong choice
 * for anything else. On overload it makes things worse, until it is ejected.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>
#include "chaos.h"

RSP_LICENSE;

int RSP_HOOK(chaos_ep_init)
{
	return chaos_init();
}

__u64 RSP_HOOK(chaos_ep_place, struct rsp_place_req *req)
{
	return chaos_answer(req->next_vector, 0);
}

void RSP_HOOK(chaos_ep_up, struct rsp_ep_view *ep)
{
	chaos_priv(ep->priv);
}

int RSP_HOOK(chaos_ep_rehome, struct rsp_ep_view *ep, __u32 why)
{
	chaos_priv(ep->priv);
	return chaos_int(chaos_answer(0, 0));
}

int RSP_HOOK(chaos_ep_linger, struct rsp_ep_view *ep)
{
	chaos_priv(ep->priv);
	return chaos_int(chaos_answer(300, 1));
}

void RSP_HOOK(chaos_ep_down, struct rsp_ep_view *ep)
{
	chaos_priv(ep->priv);
}

void RSP_HOOK(chaos_ep_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_ep_ops, chaos_ep) = {
	.init		= (void *)chaos_ep_init,
	.place		= (void *)chaos_ep_place,
	.ep_up		= (void *)chaos_ep_up,
	.rehome		= (void *)chaos_ep_rehome,
	.linger		= (void *)chaos_ep_linger,
	.ep_down	= (void *)chaos_ep_down,
	.exit		= (void *)chaos_ep_exit,
	.name		= "chaos_ep",
};
