// SPDX-License-Identifier: GPL-2.0
/* An exit record is read only. */
/* expect: rsp: ep policies cannot write to this type */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

void RSP_HOOK(bad_hook, struct rsp_exit_info *info)
{
	info->kind = 0;
}

RSP_OPS(rsp_ep_ops, bad) = {
	.exit	= (void *)bad_hook,
	.name	= "bad",
};
