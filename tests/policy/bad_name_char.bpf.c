// SPDX-License-Identifier: GPL-2.0
/* A name must be printable. */
/* expect: */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

int RSP_HOOK(bad_hook, struct rsp_ep_view *ep)
{
	return 1;
}

RSP_OPS(rsp_ep_ops, bad) = {
	.linger	= (void *)bad_hook,
	.name	= "a\nb",
};
