// SPDX-License-Identifier: GPL-2.0
/* A view is not an array: no index that the verifier does not know. */
/* expect: invalid variable offset */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

int RSP_HOOK(bad_hook, struct rsp_chan_view *chan)
{
	chan->priv[chan->id & 7] = 1;
	return 1;
}

RSP_OPS(rsp_flow_ops, bad) = {
	.grant	= (void *)bad_hook,
	.name	= "bad",
};
