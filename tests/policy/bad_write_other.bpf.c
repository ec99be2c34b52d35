// SPDX-License-Identifier: GPL-2.0
/* A buffer policy must not write a channel's priv[], which is the flow policy's. */
/* expect: rsp: buf policies cannot write to this type */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

int RSP_HOOK(bad_hook, struct rsp_chan_view *chan, struct rsp_bulk_req *req)
{
	chan->priv[0] = 1;
	return 0;
}

RSP_OPS(rsp_buf_ops, bad) = {
	.bulk	= (void *)bad_hook,
	.name	= "bad",
};
