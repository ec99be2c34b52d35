// SPDX-License-Identifier: GPL-2.0
/* A cache policy must not change what is in the lists. */
/* expect: rsp: rsp_cache_view is writable from 176 to 240 only */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

int RSP_HOOK(bad_hook, struct rsp_cache_view *cache, struct rsp_block_view *t0,
	     struct rsp_block_view *t1, struct rsp_block_view *t2, struct rsp_block_view *t3)
{
	cache->nr_in[0] = 0;
	return RSP_EVICT(0);
}

RSP_OPS(rsp_cache_ops, bad) = {
	.evict	= (void *)bad_hook,
	.name	= "bad",
};
