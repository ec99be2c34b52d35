// SPDX-License-Identifier: GPL-2.0
/*
 * chaos_cache: a cache policy that answers badly on purpose, in one of the ways
 * of chaos.h. All hooks. Helps to test that the mechanism holds; the wrong choice
 * for anything else. On overload it makes things worse, until it is ejected.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>
#include "chaos.h"

RSP_LICENSE;

int RSP_HOOK(chaos_cache_init)
{
	return chaos_init();
}

int RSP_HOOK(chaos_cache_admit, struct rsp_cache_view *cache, struct rsp_block_req *req)
{
	chaos_priv(cache->priv);
	return chaos_int(chaos_answer(0, 0));
}

int RSP_HOOK(chaos_cache_touch, struct rsp_cache_view *cache, struct rsp_block_view *block)
{
	chaos_priv(cache->priv);
	chaos_priv(block->priv);
	return chaos_int(chaos_answer(block->list, -1));
}

/* the meanest in range goes round for ever */
int RSP_HOOK(chaos_cache_evict, struct rsp_cache_view *cache, struct rsp_block_view *t0,
	     struct rsp_block_view *t1, struct rsp_block_view *t2, struct rsp_block_view *t3)
{
	chaos_priv(cache->priv);
	chaos_priv(t0->priv);
	chaos_priv(t3->priv);
	return chaos_int(chaos_answer(RSP_EVICT(0), RSP_MOVE(0, 0)));
}

void RSP_HOOK(chaos_cache_insert, struct rsp_cache_view *cache, struct rsp_block_view *block)
{
	chaos_priv(block->priv);
}

void RSP_HOOK(chaos_cache_remove, struct rsp_cache_view *cache, struct rsp_block_view *block,
	      __u32 why)
{
	chaos_priv(block->priv);
}

void RSP_HOOK(chaos_cache_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_cache_ops, chaos_cache) = {
	.init		= (void *)chaos_cache_init,
	.admit		= (void *)chaos_cache_admit,
	.touch		= (void *)chaos_cache_touch,
	.evict		= (void *)chaos_cache_evict,
	.insert		= (void *)chaos_cache_insert,
	.remove		= (void *)chaos_cache_remove,
	.exit		= (void *)chaos_cache_exit,
	.name		= "chaos_cache",
};
