// SPDX-License-Identifier: GPL-2.0
/*
 * Which policy is active: stack, swap, ejection and log.
 *
 * Each family has a stack of registered policies, newest on top, builtin below
 * all. The active one is the newest that is not dead and whose init agreed.
 *
 *	            register            newer one registered (REPLACED)
 *	(nothing) -----------> ACTIVE <---------------------------------> WAITING
 *	              init       |  |   newer ones went away: init again     |
 *	                         |  | rsp_policy_doom, rsp_policy_eject_work |
 *	                         |  '---------> DEAD                         |
 *	              unregister |   exit(info)  | unregister                | unregister
 *	              exit(info) '-------------> (nothing) <-----------------'
 *
 * A swap prepares the new policy while the old one answers, then flips one
 * pointer, has the core ask again what it keeps, waits until no hook runs in the
 * old one, and ends the old one. The pointer never shows builtin in between.
 *
 * All of this happens under rsp_policy_mutex in process context. Hooks read the
 * pointer with preemption disabled and take no lock. Only a hook (or a wait
 * that was too long) can doom a policy; the work item then ejects it, if it is
 * still the active one.
 *
 * Lock order: the BPF core's update_mutex, rsp_policy_mutex, then what
 * rsp_core_swapped() takes.
 */
#include <linux/bpf.h>
#include <linux/cleanup.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include <rsp/ops.h>

#include "policy.h"
#include "policy_private.h"
#include "trace.h"

#define RSP_POLICY_NR_LOG	64	/* ended policies remembered */
#define RSP_POLICY_STALL_MS	10000	/* for policies that say 0 */

#define RSP_POLICY_LAYOUT(_word, _type) {			\
	.word		= _word,				\
	.init		= offsetof(struct _type, init),		\
	.exit		= offsetof(struct _type, exit),		\
	.stall_ms	= offsetof(struct _type, stall_ms),	\
	.name		= offsetof(struct _type, name),		\
}

const struct rsp_policy_layout rsp_policy_layout[RSP_NR_FAMILY] = {
	[RSP_FAMILY_BUF]  = RSP_POLICY_LAYOUT("buf", rsp_buf_ops),
	[RSP_FAMILY_EP]   = RSP_POLICY_LAYOUT("ep", rsp_ep_ops),
	[RSP_FAMILY_FLOW] = RSP_POLICY_LAYOUT("flow", rsp_flow_ops),
	[RSP_FAMILY_CACHE] = RSP_POLICY_LAYOUT("cache", rsp_cache_ops),
};

static const char * const rsp_policy_kind_word[RSP_NR_EXIT] = {
	[RSP_EXIT_NONE]		= "none",
	[RSP_EXIT_UNREG]	= "unregistered",
	[RSP_EXIT_REPLACED]	= "replaced",
	[RSP_EXIT_UPDATED]	= "updated",
	[RSP_EXIT_SELF]		= "asked for it",
	[RSP_EXIT_RANGE]	= "out of range",
	[RSP_EXIT_STALL]	= "stall",
	[RSP_EXIT_UNLOAD]	= "unload",
	[RSP_EXIT_INIT]		= "init failed",
};

/* an ended policy, as the log keeps it */
struct rsp_policy_end {
	struct rcu_head		rcu;
	struct rsp_policy_view	view;
};

DEFINE_STATIC_KEY_ARRAY_FALSE(rsp_policy_on, RSP_NR_FAMILY);
struct rsp_policy __rcu *rsp_policy_active[RSP_NR_FAMILY];
DEFINE_PER_CPU(struct rsp_policy *, rsp_policy_running);

/* protects what follows; readers of the lists use RCU */
static DEFINE_MUTEX(rsp_policy_mutex);
static struct list_head rsp_policy_stack[RSP_NR_FAMILY];
static struct rsp_policy_end __rcu *rsp_policy_log[RSP_POLICY_NR_LOG];
static struct rsp_policy rsp_policy_builtin[RSP_NR_FAMILY];
static u64 rsp_policy_last_gen;
static u64 rsp_policy_last_seq;

static struct work_struct rsp_policy_eject_works[RSP_NR_FAMILY];

/* ------------------------------------------------------------------ views -- */

static void rsp_policy_view_fill(const struct rsp_policy *policy,
				 struct rsp_policy_view *view)
{
	const struct rsp_policy *active;
	const struct rsp_policy_stat *stat;
	int cpu;

	active = rcu_access_pointer(rsp_policy_active[policy->family]);
	memset(view, 0, sizeof(*view));
	view->family = policy->family;
	view->is_builtin = !policy->ops;
	view->is_active = policy->ops ? active == policy : !active;
	view->seq = policy->seq;
	view->since_ns = READ_ONCE(policy->since_ns);
	view->swap_ns = READ_ONCE(policy->swap_ns);
	view->exit = policy->end;
	view->exit.family = policy->family;
	if (!policy->stat)
		return;
	view->exit.nr_call = 0;
	view->exit.nr_clamp = 0;
	for_each_possible_cpu(cpu) {
		stat = per_cpu_ptr(policy->stat, cpu);
		view->exit.nr_call += READ_ONCE(stat->nr_call);
		view->exit.nr_clamp += READ_ONCE(stat->nr_clamp);
	}
}

/*
 * Copy the registered policy or log entry with the lowest seq above *@seq. Any
 * context, lockless: a policy that changes meanwhile may show a mix of both.
 */
bool rsp_policy_view_next(u64 *seq, struct rsp_policy_view *view)
{
	const struct rsp_policy_end *end, *best_end = NULL;
	const struct rsp_policy *policy, *best = NULL;
	u64 best_seq = U64_MAX;
	int i;

	guard(rcu)();
	for (i = 0; i < RSP_NR_FAMILY; i++) {
		policy = &rsp_policy_builtin[i];
		if (policy->seq > *seq && policy->seq < best_seq) {
			best = policy;
			best_seq = policy->seq;
		}
		list_for_each_entry_rcu(policy, &rsp_policy_stack[i], node) {
			if (policy->seq <= *seq || policy->seq >= best_seq)
				continue;
			best = policy;
			best_seq = policy->seq;
		}
	}
	for (i = 0; i < RSP_POLICY_NR_LOG; i++) {
		end = rcu_dereference(rsp_policy_log[i]);
		if (!end || end->view.seq <= *seq || end->view.seq >= best_seq)
			continue;
		best_end = end;
		best_seq = end->view.seq;
	}
	if (best_end)
		*view = best_end->view;
	else if (best)
		rsp_policy_view_fill(best, view);
	else
		return false;
	*seq = best_seq;
	return true;
}

int rsp_policy_view_active(enum rsp_family family, struct rsp_policy_view *view)
{
	const struct rsp_policy *policy;

	if ((u32)family >= RSP_NR_FAMILY)
		return -EINVAL;
	guard(rcu)();
	policy = rcu_dereference(rsp_policy_active[family]);
	rsp_policy_view_fill(policy ?: &rsp_policy_builtin[family], view);
	return 0;
}

/* -------------------------------------------------------------------- log -- */

static bool rsp_policy_is_failure(u32 kind)
{
	return kind == RSP_EXIT_SELF || kind == RSP_EXIT_RANGE ||
	       kind == RSP_EXIT_STALL || kind == RSP_EXIT_INIT;
}

/*
 * Which entry makes room: a free one, else the oldest that tells of no failure,
 * so that many swaps do not wash out why a policy was ejected, else the oldest.
 */
static int rsp_policy_log_slot(void)
{
	u64 oldest[2] = { U64_MAX, U64_MAX };
	int slot[2] = { 0, 0 };
	int i;

	for (i = 0; i < RSP_POLICY_NR_LOG; i++) {
		const struct rsp_policy_end *end;
		bool is_failure;

		end = rcu_dereference_protected(rsp_policy_log[i],
						lockdep_is_held(&rsp_policy_mutex));
		if (!end)
			return i;
		is_failure = rsp_policy_is_failure(end->view.exit.kind);
		if (end->view.seq < oldest[is_failure]) {
			oldest[is_failure] = end->view.seq;
			slot[is_failure] = i;
		}
	}
	return slot[oldest[false] == U64_MAX];
}

static void rsp_policy_log_add(const struct rsp_policy *policy)
{
	struct rsp_policy_end *end, *old;
	int slot;

	lockdep_assert_held(&rsp_policy_mutex);
	end = kzalloc(sizeof(*end), GFP_KERNEL);
	if (!end)
		return;
	rsp_policy_view_fill(policy, &end->view);
	end->view.is_ended = 1;
	end->view.is_active = 0;
	end->view.seq = ++rsp_policy_last_seq;
	slot = rsp_policy_log_slot();
	old = rcu_replace_pointer(rsp_policy_log[slot], end,
				  lockdep_is_held(&rsp_policy_mutex));
	if (old)
		kfree_rcu(old, rcu);
}

/* --------------------------------------------------------- life of a policy - */

static struct rsp_policy *rsp_policy_alloc(enum rsp_family family, const void *ops,
					   const struct bpf_link *link)
{
	const struct rsp_policy_layout *layout = &rsp_policy_layout[family];
	struct rsp_policy *policy;

	policy = kzalloc(sizeof(*policy), GFP_KERNEL);
	if (!policy)
		return NULL;
	policy->stat = alloc_percpu(struct rsp_policy_stat);
	if (!policy->stat) {
		kfree(policy);
		return NULL;
	}
	INIT_LIST_HEAD(&policy->node);
	policy->ops = ops;
	policy->link = link;
	policy->family = family;
	policy->stall_ms = *(const u32 *)(ops + layout->stall_ms) ?: RSP_POLICY_STALL_MS;
	policy->seq = ++rsp_policy_last_seq;
	policy->end.family = family;
	strscpy(policy->end.name, ops + layout->name, RSP_NAME_LEN);
	return policy;
}

static void rsp_policy_free_rcu(struct rcu_head *rcu)
{
	struct rsp_policy *policy = container_of(rcu, struct rsp_policy, rcu);

	free_percpu(policy->stat);
	kfree(policy);
}

/* No hook runs in @policy any more; views may still be read. */
static void rsp_policy_free(struct rsp_policy *policy)
{
	call_rcu(&policy->rcu, rsp_policy_free_rcu);
}

/**
 * rsp_policy_doom() - Have a policy ejected soon
 * @policy: the caller reads it with preemption disabled
 * @kind: enum rsp_exit_kind
 * @code: number for the log
 * @fmt: text for the log
 *
 * The first to doom a policy gives the reason. Until the work item has run, the
 * policy goes on answering: its answers are clamped, and what follows must be
 * the policy below it, not a moment of builtin.
 *
 * Context: Any.
 */
void rsp_policy_doom(struct rsp_policy *policy, enum rsp_exit_kind kind, s64 code,
		     const char *fmt, ...)
{
	va_list args;

	if (atomic_cmpxchg(&policy->doom, RSP_DOOM_NONE, RSP_DOOM_CLAIMED))
		return;
	policy->end.kind = kind;
	policy->end.code = code;
	va_start(args, fmt);
	vscnprintf(policy->end.msg, sizeof(policy->end.msg), fmt, args);
	va_end(args);
	atomic_set_release(&policy->doom, RSP_DOOM_SET);
	queue_work(system_unbound_wq, &rsp_policy_eject_works[policy->family]);
}

static bool rsp_policy_is_doomed(const struct rsp_policy *policy)
{
	return atomic_read_acquire(&policy->doom) == RSP_DOOM_SET;
}

/* init and exit run like hooks: not preempted, and known to kfuncs */
static int rsp_policy_call_init(struct rsp_policy *policy)
{
	int (*init)(void);
	int err = 0;

	init = *(typeof(init) *)(policy->ops + rsp_policy_layout[policy->family].init);
	if (!init)
		return 0;
	scoped_guard(preempt) {
		struct rsp_policy *outer = this_cpu_read(rsp_policy_running);

		this_cpu_write(rsp_policy_running, policy);
		err = init();
		this_cpu_write(rsp_policy_running, outer);
	}
	if (err > 0 || err < -MAX_ERRNO)
		err = -EINVAL;
	return err;
}

static void rsp_policy_call_exit(struct rsp_policy *policy, struct rsp_exit_info *info)
{
	void (*exit)(struct rsp_exit_info *info);

	exit = *(typeof(exit) *)(policy->ops + rsp_policy_layout[policy->family].exit);
	if (!exit)
		return;
	scoped_guard(preempt) {
		struct rsp_policy *outer = this_cpu_read(rsp_policy_running);

		this_cpu_write(rsp_policy_running, policy);
		exit(info);
		this_cpu_write(rsp_policy_running, outer);
	}
}

/* First step of a swap: @policy starts anew, nobody asks it yet. */
static int rsp_policy_prepare(struct rsp_policy *policy)
{
	int cpu, err;

	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(policy->stat, cpu), 0, sizeof(*policy->stat));
	atomic_set(&policy->nr_bad, 0);
	policy->nr_row = 0;
	policy->bad_base = 0;
	policy->bad_jiffies = jiffies;
	policy->end.kind = RSP_EXIT_NONE;
	policy->end.code = 0;
	memset(policy->end.msg, 0, sizeof(policy->end.msg));
	policy->gen = ++rsp_policy_last_gen;
	WRITE_ONCE(policy->since_ns, ktime_get_boottime_ns());

	err = rsp_policy_call_init(policy);
	/* it may have asked for its own ejection, or timed out on the old one's account */
	if (rsp_policy_is_doomed(policy)) {
		err = -ECANCELED;
		policy->is_dead = true;
	} else if (err) {
		policy->end.kind = RSP_EXIT_INIT;
		policy->end.code = err;
		scnprintf(policy->end.msg, sizeof(policy->end.msg),
			  "init answered %d", err);
	}
	if (!err)
		return 0;
	WRITE_ONCE(policy->since_ns, ktime_get_boottime_ns());
	rsp_policy_log_add(policy);
	return err;
}

/* Last step of a swap: no hook runs in @policy any more. */
static void rsp_policy_finish(struct rsp_policy *policy, enum rsp_exit_kind kind)
{
	struct rsp_policy_view view;

	if (rsp_policy_is_doomed(policy)) {
		policy->is_dead = true;
	} else {
		policy->end.kind = kind;
		policy->end.code = 0;
		memset(policy->end.msg, 0, sizeof(policy->end.msg));
	}
	WRITE_ONCE(policy->since_ns, ktime_get_boottime_ns());
	rsp_policy_view_fill(policy, &view);
	if (policy->is_dead)
		trace_rsp_policy_eject(&view.exit);
	rsp_policy_call_exit(policy, &view.exit);
	rsp_policy_log_add(policy);
}

/* ------------------------------------------------------------------- swap -- */

static struct rsp_policy *rsp_policy_active_locked(enum rsp_family family)
{
	return rcu_dereference_protected(rsp_policy_active[family],
					 lockdep_is_held(&rsp_policy_mutex));
}

/*
 * Make @new (NULL: builtin) the active policy; the one before ends with @kind.
 * On failure, which only a policy's init can cause, nothing has changed.
 */
static int rsp_policy_activate(enum rsp_family family, struct rsp_policy *new,
			       enum rsp_exit_kind kind)
{
	struct rsp_policy *old = rsp_policy_active_locked(family);
	struct rsp_policy *shown = new ?: &rsp_policy_builtin[family];
	u64 start_ns = ktime_get_ns();
	int err;

	lockdep_assert_held(&rsp_policy_mutex);
	if (new) {
		err = rsp_policy_prepare(new);
		if (err)
			return err;
	} else {
		WRITE_ONCE(shown->since_ns, ktime_get_boottime_ns());
	}
	rcu_assign_pointer(rsp_policy_active[family], new);
	if (new && !old)
		static_branch_enable(&rsp_policy_on[family]);
	rsp_core_swapped(family);

	synchronize_rcu();	/* hooks that still run in old */
	if (old && !new)
		static_branch_disable(&rsp_policy_on[family]);
	if (old)
		rsp_policy_finish(old, kind);
	WRITE_ONCE(shown->swap_ns, ktime_get_ns() - start_ns);
	trace_rsp_policy_swap(family, old ? old->end.name : rsp_policy_builtin[family].end.name,
			      shown->end.name, shown->swap_ns);

	if (old && old->is_dead)
		pr_warn("%s policy %s ejected (%s): %s; %s takes over\n",
			rsp_policy_layout[family].word, old->end.name,
			rsp_policy_kind_word[old->end.kind], old->end.msg,
			shown->end.name);
	return 0;
}

/* The active policy leaves: the newest below it that can takes over. */
static void rsp_policy_fall(enum rsp_family family, enum rsp_exit_kind kind)
{
	struct rsp_policy *leaving = rsp_policy_active_locked(family);
	struct rsp_policy *policy;

	list_for_each_entry(policy, &rsp_policy_stack[family], node) {
		int err;

		if (policy == leaving || policy->is_dead)
			continue;
		err = rsp_policy_activate(family, policy, kind);
		if (!err)
			return;
		pr_warn("%s policy %s skipped: its init answered %d\n",
			rsp_policy_layout[family].word, policy->end.name, err);
	}
	rsp_policy_activate(family, NULL, kind);
}

static void rsp_policy_eject_work(struct work_struct *work)
{
	enum rsp_family family = work - rsp_policy_eject_works;
	struct rsp_policy *policy;

	guard(mutex)(&rsp_policy_mutex);
	policy = rsp_policy_active_locked(family);
	/* it may have been replaced meanwhile, which ended it as well */
	if (policy && rsp_policy_is_doomed(policy))
		rsp_policy_fall(family, RSP_EXIT_NONE);
}

static struct rsp_policy *rsp_policy_find(enum rsp_family family, const void *ops,
					  const struct bpf_link *link)
{
	struct rsp_policy *policy;

	lockdep_assert_held(&rsp_policy_mutex);
	list_for_each_entry(policy, &rsp_policy_stack[family], node)
		if (policy->ops == ops && (!link || policy->link == link))
			return policy;
	return NULL;
}

/**
 * rsp_policy_register() - A new policy, active at once
 * @family: its family
 * @ops: its ops struct; stays valid until rsp_policy_unregister() has returned
 * @link: its link, NULL for a map that was registered without one
 *
 * Context: Process context, may sleep; called by the BPF core.
 * Return:
 * * %0		- it is the active one
 * * %-EEXIST	- this map is registered already
 * * %-ECANCELED - its init called rsp_bpf_policy_exit()
 * * what its init answered; the policy before goes on
 */
int rsp_policy_register(enum rsp_family family, const void *ops,
			const struct bpf_link *link)
{
	struct rsp_policy *policy;
	int err;

	guard(mutex)(&rsp_policy_mutex);
	if (rsp_policy_find(family, ops, NULL))
		return -EEXIST;
	policy = rsp_policy_alloc(family, ops, link);
	if (!policy)
		return -ENOMEM;
	err = rsp_policy_activate(family, policy, RSP_EXIT_REPLACED);
	if (err)
		rsp_policy_free(policy);
	else
		list_add_rcu(&policy->node, &rsp_policy_stack[family]);
	return err;
}

/**
 * rsp_policy_unregister() - A policy's link or map goes away
 * @family: its family
 * @ops: its ops struct; no program of it runs any more after the return
 * @link: its link, or NULL
 *
 * Context: Process context, may sleep; called by the BPF core.
 */
void rsp_policy_unregister(enum rsp_family family, const void *ops,
			   const struct bpf_link *link)
{
	struct rsp_policy *policy;

	guard(mutex)(&rsp_policy_mutex);
	policy = rsp_policy_find(family, ops, link);
	if (WARN_ON_ONCE(!policy))
		return;
	if (policy == rsp_policy_active_locked(family))
		rsp_policy_fall(family, RSP_EXIT_UNREG);
	list_del_rcu(&policy->node);
	rsp_policy_free(policy);
}

/* Does @policy stand above the active one, so that it would have been chosen? */
static bool rsp_policy_is_above(const struct rsp_policy *policy)
{
	const struct rsp_policy *active = rsp_policy_active_locked(policy->family);
	const struct rsp_policy *pos;

	list_for_each_entry(pos, &rsp_policy_stack[policy->family], node) {
		if (pos == active)
			return false;
		if (pos == policy)
			return true;
	}
	return false;
}

/**
 * rsp_policy_update() - A link gets another map
 * @family: its family
 * @ops: the new map's ops struct
 * @old_ops: that of the map it has
 * @link: the link
 *
 * The new policy takes the old one's place in the stack; if that place is the
 * active one's, or above it, it becomes active now.
 *
 * Context: Process context, may sleep; called by the BPF core.
 * Return: as rsp_policy_register(); on failure the old map stays
 */
int rsp_policy_update(enum rsp_family family, const void *ops, const void *old_ops,
		      const struct bpf_link *link)
{
	struct rsp_policy *policy, *old;
	int err;

	guard(mutex)(&rsp_policy_mutex);
	if (rsp_policy_find(family, ops, NULL))
		return -EEXIST;
	old = rsp_policy_find(family, old_ops, link);
	if (WARN_ON_ONCE(!old))
		return -ENOENT;
	policy = rsp_policy_alloc(family, ops, link);
	if (!policy)
		return -ENOMEM;
	if (old == rsp_policy_active_locked(family))
		err = rsp_policy_activate(family, policy, RSP_EXIT_UPDATED);
	else if (rsp_policy_is_above(old))
		err = rsp_policy_activate(family, policy, RSP_EXIT_REPLACED);
	else
		err = 0;
	if (err) {
		rsp_policy_free(policy);
		return err;
	}
	list_replace_rcu(&old->node, &policy->node);
	rsp_policy_free(old);
	return 0;
}

/* ----------------------------------------------------------- init and exit - */

int rsp_policy_init(void)
{
	int i, err;

	for (i = 0; i < RSP_NR_FAMILY; i++) {
		struct rsp_policy *builtin = &rsp_policy_builtin[i];

		INIT_LIST_HEAD(&rsp_policy_stack[i]);
		INIT_WORK(&rsp_policy_eject_works[i], rsp_policy_eject_work);
		builtin->family = i;
		builtin->seq = ++rsp_policy_last_seq;
		builtin->since_ns = ktime_get_boottime_ns();
		builtin->end.family = i;
		strscpy(builtin->end.name, "builtin");
	}

	err = rsp_policy_ops_register();
	if (!err)
		err = rsp_kfunc_register();
	if (err == -ENOENT)
		pr_info("no BTF for this module: policies are off, builtin decides\n");
	else if (err)
		pr_warn("policies are off, builtin decides: error %d\n", err);
	return 0;
}

void rsp_policy_exit(void)
{
	struct rsp_policy_end *end;
	int i;

	for (i = 0; i < RSP_NR_FAMILY; i++) {
		/* every registered policy holds a reference on this module */
		WARN_ON_ONCE(!list_empty(&rsp_policy_stack[i]));
		cancel_work_sync(&rsp_policy_eject_works[i]);
	}
	for (i = 0; i < RSP_POLICY_NR_LOG; i++) {
		end = rcu_replace_pointer(rsp_policy_log[i], NULL, true);
		kfree(end);
	}
	rcu_barrier();	/* rsp_policy_free_rcu */
}
