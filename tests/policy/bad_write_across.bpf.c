// SPDX-License-Identifier: GPL-2.0
/* A write that begins in priv[] must end there. */
/* expect: rsp: rsp_rq_view is writable from 72 to 104 only */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

int RSP_HOOK(bad_hook, struct rsp_rq_view *rq)
{
	/* half of it is nr_empty */
	*(__u64 *)((char *)rq->priv - 4) = 0;
	return 0;
}

RSP_OPS(rsp_buf_ops, bad) = {
	.recv_depth	= (void *)bad_hook,
	.name	= "bad",
};
