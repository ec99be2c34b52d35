// SPDX-License-Identifier: GPL-2.0
/* A policy must not write a field of a view beside priv[]. */
/* expect: rsp: rsp_svc_view is writable from 80 to 144 only */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

int RSP_HOOK(bad_hook, struct rsp_svc_view *svc, struct rsp_buf_req *req)
{
	svc->held_bytes = 0;
	return 0;
}

RSP_OPS(rsp_buf_ops, bad) = {
	.admit	= (void *)bad_hook,
	.name	= "bad",
};
