// SPDX-License-Identifier: GPL-2.0
/* No kfunc may overwrite a view for a policy. */
/* expect: pointer type UNKNOWN */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

int RSP_HOOK(bad_hook, struct rsp_chan_view *chan)
{
	return rsp_bpf_chan_get(chan->id, chan, sizeof(*chan));
}

RSP_OPS(rsp_flow_ops, bad) = {
	.grant	= (void *)bad_hook,
	.name	= "bad",
};
