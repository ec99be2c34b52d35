// SPDX-License-Identifier: GPL-2.0
/* A request is read only. */
/* expect: rsp: flow policies cannot write to this type */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

int RSP_HOOK(bad_hook, struct rsp_chan_view *chan, struct rsp_ack_req *req)
{
	req->nr_ack = 0;
	return 1;
}

RSP_OPS(rsp_flow_ops, bad) = {
	.window	= (void *)bad_hook,
	.name	= "bad",
};
