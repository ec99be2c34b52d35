// SPDX-License-Identifier: GPL-2.0
/* A policy must have a GPL-compatible license. */
/* expect: must have a GPL compatible license */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

char LICENSE[] SEC("license") = "Proprietary";

int RSP_HOOK(bad_hook, struct rsp_ep_view *ep)
{
	return 1;
}

RSP_OPS(rsp_ep_ops, bad) = {
	.linger	= (void *)bad_hook,
	.name	= "bad",
};
