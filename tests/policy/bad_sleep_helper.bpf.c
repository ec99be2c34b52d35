// SPDX-License-Identifier: GPL-2.0
/* A hook cannot sleep: no helper that does. */
/* expect: cannot use helper bpf_copy_from_user */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

__u64 RSP_HOOK(bad_hook, struct rsp_place_req *req)
{
	__u64 word = 0;

	bpf_copy_from_user(&word, sizeof(word), (void *)4096);
	return word;
}

RSP_OPS(rsp_ep_ops, bad) = {
	.place	= (void *)bad_hook,
	.name	= "bad",
};
