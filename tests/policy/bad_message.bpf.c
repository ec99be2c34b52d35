// SPDX-License-Identifier: GPL-2.0
/* The message of an exit must be a constant. */
/* expect:  */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

int RSP_HOOK(bad_hook, struct rsp_svc_view *svc, struct rsp_buf_req *req)
{
	char msg[8] = "local";

	rsp_bpf_policy_exit(1, msg);
	return 0;
}

RSP_OPS(rsp_buf_ops, bad) = {
	.admit	= (void *)bad_hook,
	.name	= "bad",
};
