// SPDX-License-Identifier: GPL-2.0
/* A hook cannot sleep: no sleepable program. */
/* expect: attach to unsupported member linger of struct rsp_ep_ops */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

SEC("struct_ops.s/linger")
int BPF_PROG(bad_hook, struct rsp_ep_view *ep)
{
	return 1;
}

RSP_OPS(rsp_ep_ops, bad) = {
	.linger	= (void *)bad_hook,
	.name	= "bad",
};
