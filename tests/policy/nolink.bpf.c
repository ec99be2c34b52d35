// SPDX-License-Identifier: GPL-2.0
/* The smallest policy, registered without a link: its map is the registration. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

int RSP_HOOK(nolink_weight, struct rsp_chan_view *chan)
{
	return 200;
}

SEC(".struct_ops")
struct rsp_flow_ops nolink = {
	.weight	= (void *)nolink_weight,
	.name	= "nolink",
};
