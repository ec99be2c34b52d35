// SPDX-License-Identifier: GPL-2.0
/* The pool, of which there is one. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#include <rsp/view.h>

#include "list_call.h"

static int (*get)(void *out, __u32 out__sz) = (void *)LIST_CALL_GET;

struct rsp_pool_view pool;

SEC("rsp_list")
int list_pool(void *ctx)
{
	return get(&pool, sizeof(pool));
}

char _license[] SEC("license") = "GPL";
