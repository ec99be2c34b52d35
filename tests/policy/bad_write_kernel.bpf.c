// SPDX-License-Identifier: GPL-2.0
/* A policy must not write a kernel object it can find. */
/* expect: rsp: flow policies cannot write to this type */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

void RSP_HOOK(bad_hook, struct rsp_chan_view *chan)
{
	struct task_struct *task = bpf_get_current_task_btf();

	task->prio = 0;
}

RSP_OPS(rsp_flow_ops, bad) = {
	.stall	= (void *)bad_hook,
	.name	= "bad",
};
