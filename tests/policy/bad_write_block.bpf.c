// SPDX-License-Identifier: GPL-2.0
/* A cache policy must not change the number of a block. */
/* expect: rsp: rsp_block_view is writable from 24 to 40 only */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

int RSP_HOOK(bad_hook, struct rsp_cache_view *cache, struct rsp_block_view *block)
{
	block->number = 0;
	return 0;
}

RSP_OPS(rsp_cache_ops, bad) = {
	.touch	= (void *)bad_hook,
	.name	= "bad",
};
