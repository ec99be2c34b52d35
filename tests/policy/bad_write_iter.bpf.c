// SPDX-License-Identifier: GPL-2.0
/* What an iterator yields is read only: it stands on the stack. */
/* expect: rsp: flow policies cannot write to this type */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

int RSP_HOOK(bad_hook, struct rsp_chan_view *chan)
{
	struct rsp_chan_view *cur;

	rsp_for_each(chan, cur)
		cur->priv[0] = 1;
	return 1;
}

RSP_OPS(rsp_flow_ops, bad) = {
	.weight	= (void *)bad_hook,
	.name	= "bad",
};
