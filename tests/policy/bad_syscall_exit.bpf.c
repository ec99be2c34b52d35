// SPDX-License-Identifier: GPL-2.0
/* Only hooks of policies may end a policy. */
/* expect: is not allowed */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/kfunc.h>

char LICENSE[] SEC("license") = "GPL";
extern int rsp_bpf_policy_exit(__s64 code, const char *msg__str) __ksym __weak;

SEC("syscall")
int bad_prog(void *ctx)
{
	return rsp_bpf_policy_exit(1, "not mine");
}
