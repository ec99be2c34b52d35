/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a policy includes, after vmlinux.h, <bpf/bpf_helpers.h> and
 * <bpf/bpf_tracing.h>. See policies/ for examples and docs for how to write one.
 *
 *	int RSP_HOOK(fixed_window, struct rsp_chan_view *chan, struct rsp_ack_req *req)
 *	{
 *		return 16;
 *	}
 *
 *	RSP_OPS(rsp_flow_ops, fixed) = {
 *		.window	= (void *)fixed_window,
 *		.name	= "fixed",
 *	};
 *
 * A hook reads all of its arguments and writes only priv[] of its own family's
 * views. Helpers that write to memory they are given (bpf_probe_read_kernel(),
 * bpf_snprintf(), ...) are not available.
 */
#ifndef __RSP_BPF_POLICY_H
#define __RSP_BPF_POLICY_H

#include <rsp/kfunc.h>
#include <rsp/ops.h>

/* struct_ops programs are refused under any other license */
#define RSP_LICENSE	char LICENSE[] SEC("license") = "GPL"

#define RSP_HOOK(name, args...)	SEC("struct_ops/" #name) BPF_PROG(name, ##args)
#define RSP_OPS(type, name)	SEC(".struct_ops.link") struct type name

/*
 * The policy's own structure in a view's priv[]; zero when the policy sees the
 * object for the first time.
 */
#define RSP_PRIV(type, view) ({							\
	_Static_assert(sizeof(type) <= sizeof((view)->priv), "does not fit priv[]");	\
	(type *)(view)->priv;							\
})

/* ------------------------------------------------------------- statistics -- */

/*
 * One per-CPU array `stats`, its indices the policy's enum rsp_stat, which ends
 * with the number of them: RSP_STATS(NR_STAT). The variable only brings the enum
 * into BTF: rspctl names the figures by it.
 */
#define RSP_STATS(nr)						\
static const enum rsp_stat rsp_stat_last			\
	__attribute__((used)) = (enum rsp_stat)((nr) - 1);	\
struct {							\
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);		\
	__uint(max_entries, nr);				\
	__type(key, __u32);					\
	__type(value, __u64);					\
} stats SEC(".maps");						\
static __always_inline __attribute__((unused))			\
void stat_add(__u32 stat, __u64 n)				\
{								\
	__u64 *sum = bpf_map_lookup_elem(&stats, &stat);	\
								\
	if (sum)						\
		*sum += n;					\
}								\
static __always_inline __attribute__((unused))			\
void stat_inc(__u32 stat)					\
{								\
	stat_add(stat, 1);					\
}								\
struct rsp_stats_end

/*
 * Keep why the policy ended, for whoever holds its maps: RSP_EXIT_RECORD;
 * declares `exit_info`, which exit fills by exit_record(info).
 */
#define RSP_EXIT_RECORD						\
struct rsp_exit_info exit_info;					\
static __always_inline void exit_record(struct rsp_exit_info *info)	\
{								\
	exit_info.kind = info->kind;				\
	exit_info.family = info->family;			\
	exit_info.code = info->code;				\
	exit_info.nr_call = info->nr_call;			\
	exit_info.nr_clamp = info->nr_clamp;			\
	for (int i = 0; i < RSP_NAME_LEN; i++)			\
		exit_info.name[i] = info->name[i];		\
	for (int i = 0; i < (int)sizeof(info->msg); i++)	\
		exit_info.msg[i] = info->msg[i];		\
}								\
struct rsp_exit_record_end

/* ------------------------------------------------------------ small helpers - */

#define RSP_MIN(a, b) ({ typeof(a) ___a = (a); typeof(b) ___b = (b); ___a < ___b ? ___a : ___b; })
#define RSP_MAX(a, b) ({ typeof(a) ___a = (a); typeof(b) ___b = (b); ___a > ___b ? ___a : ___b; })

/* low wins where the two cross */
static __always_inline __s64 rsp_clamp(__s64 n, __s64 low, __s64 high)
{
	if (n > high)
		n = high;
	return n < low ? low : n;
}

/* position of the highest bit, 0 for 0 and 1 */
static __always_inline __u32 rsp_log2(__u64 n)
{
	__u32 log = 0;

	for (__u32 half = 32; half; half >>= 1) {
		if (n >> half) {
			n >>= half;
			log += half;
		}
	}
	return log;
}

#endif /* __RSP_BPF_POLICY_H */
