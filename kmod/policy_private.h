/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the files of the policy code: policy.c (which policy is active),
 * policy_hook.c (asking it), policy_ops.c (its BPF types), kfunc.c.
 */
#ifndef _RSP_POLICY_PRIVATE_H
#define _RSP_POLICY_PRIVATE_H

#include <linux/atomic.h>
#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>

#include <rsp/view.h>

struct bpf_link;

/* counted where the hooks run */
struct rsp_policy_stat {
	u64	nr_call;
	u64	nr_clamp;
};

/* why a policy is to be ejected: nobody yet, being written, written */
enum rsp_doom {
	RSP_DOOM_NONE,
	RSP_DOOM_CLAIMED,
	RSP_DOOM_SET,
};

/**
 * struct rsp_policy - a registered policy, active or not
 * @node: in its family's stack, newest first; changed under rsp_policy_mutex, read under RCU
 * @ops: struct rsp_buf_ops, rsp_ep_ops, rsp_flow_ops or rsp_cache_ops; NULL for builtin
 * @link: tells registrations of one map apart, never followed; NULL without one
 * @family: enum rsp_family
 * @stall_ms: ejected when something waits longer
 * @is_dead: ejected; stays in the stack until its link goes, never active again
 * @gen: of its latest activation, unique over all policies
 * @seq: order of registration
 * @since_ns: CLOCK_BOOTTIME of its latest activation or ending
 * @swap_ns: what the latest activation took
 * @stat: since the latest activation
 * @doom: enum rsp_doom; whoever moves it from NONE to CLAIMED writes @end and then SET
 * @nr_bad: answers out of range since the latest activation
 * @nr_row: of these since the last good one
 * @bad_base: @nr_bad when the current window of a second began
 * @bad_jiffies: when that was
 * @end: why it is not active any more, kind 0 while it is
 * @rcu: frees it
 */
struct rsp_policy {
	struct list_head	node;
	const void		*ops;
	const struct bpf_link	*link;
	u32			family;
	u32			stall_ms;
	bool			is_dead;
	u64			gen;
	u64			seq;
	u64			since_ns;
	u64			swap_ns;
	struct rsp_policy_stat __percpu *stat;
	atomic_t		doom;
	atomic_t		nr_bad;
	u32			nr_row;
	u32			bad_base;
	unsigned long		bad_jiffies;
	struct rsp_exit_info	end;
	struct rcu_head		rcu;
};

/* true while a family has a policy other than builtin */
extern struct static_key_false rsp_policy_on[RSP_NR_FAMILY];
/* NULL is builtin; read with preemption disabled */
extern struct rsp_policy __rcu *rsp_policy_active[RSP_NR_FAMILY];
/* whose program runs on this CPU; hooks do not migrate and nest like interrupts */
DECLARE_PER_CPU(struct rsp_policy *, rsp_policy_running);

/* policy.c; @ops is the kernel's copy of the policy's struct, checked */
int rsp_policy_register(enum rsp_family family, const void *ops,
			const struct bpf_link *link);
void rsp_policy_unregister(enum rsp_family family, const void *ops,
			   const struct bpf_link *link);
int rsp_policy_update(enum rsp_family family, const void *ops, const void *old_ops,
		      const struct bpf_link *link);
__printf(4, 5)
void rsp_policy_doom(struct rsp_policy *policy, enum rsp_exit_kind kind, s64 code,
		     const char *fmt, ...);
bool rsp_policy_view_next(u64 *seq, struct rsp_policy_view *view);
int rsp_policy_view_active(enum rsp_family family, struct rsp_policy_view *view);

/* where the members that every family has stand in its ops struct */
struct rsp_policy_layout {
	const char	*word;
	size_t		init;
	size_t		exit;
	size_t		stall_ms;
	size_t		name;
};
extern const struct rsp_policy_layout rsp_policy_layout[RSP_NR_FAMILY];

/* policy_ops.c; Return: 0, -ENOENT without BTF for this module, or what went wrong */
int rsp_policy_ops_register(void);
/* is this program one of our families? */
struct bpf_prog;
bool rsp_policy_ops_has_prog(const struct bpf_prog *prog);
/* kfunc.c */
int rsp_kfunc_register(void);

#endif /* _RSP_POLICY_PRIVATE_H */
