// SPDX-License-Identifier: GPL-2.0
/* Nothing stands behind a view that a policy may write. */
/* expect: rsp: rsp_chan_view is writable from 128 to 192 only */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

int RSP_HOOK(bad_hook, struct rsp_chan_view *chan)
{
	*(__u64 *)((char *)chan + 192) = 0;
	return 1;
}

RSP_OPS(rsp_flow_ops, bad) = {
	.grant	= (void *)bad_hook,
	.name	= "bad",
};
