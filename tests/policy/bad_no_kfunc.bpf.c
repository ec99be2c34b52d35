// SPDX-License-Identifier: GPL-2.0
/* A function of rsp.ko that is no kfunc cannot be called. */
/* expect: calling kernel function rsp_policy_exit is not allowed */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

extern void rsp_policy_exit(void) __ksym __weak;

int RSP_HOOK(bad_hook, struct rsp_svc_view *svc, struct rsp_buf_req *req)
{
	rsp_policy_exit();
	return 0;
}

RSP_OPS(rsp_buf_ops, bad) = {
	.admit	= (void *)bad_hook,
	.name	= "bad",
};
