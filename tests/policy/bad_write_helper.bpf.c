// SPDX-License-Identifier: GPL-2.0
/* No helper may overwrite a view for a policy. */
/* expect: cannot use helper bpf_probe_read_kernel */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

int RSP_HOOK(bad_hook, struct rsp_svc_view *svc, struct rsp_buf_req *req)
{
	return bpf_probe_read_kernel(svc, 16, req);
}

RSP_OPS(rsp_buf_ops, bad) = {
	.admit	= (void *)bad_hook,
	.name	= "bad",
};
