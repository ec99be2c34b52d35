// SPDX-License-Identifier: GPL-2.0
/* What is asked about a block is read only. */
/* expect: rsp: cache policies cannot write to this type */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

int RSP_HOOK(bad_hook, struct rsp_cache_view *cache, struct rsp_block_req *req)
{
	req->is_write = 0;
	return 0;
}

RSP_OPS(rsp_cache_ops, bad) = {
	.admit	= (void *)bad_hook,
	.name	= "bad",
};
