// SPDX-License-Identifier: GPL-2.0
/*
 * The questions: for each the builtin answer, the call of the active policy,
 * and what its answer is clamped to.
 *
 * With builtin active a question costs a static branch. Otherwise a call runs
 * with preemption disabled, which is also what keeps the policy alive, and
 * counts its answer. An answer out of range is clamped; too many of them doom
 * the policy.
 */
#include <linux/bpf.h>
#include <linux/cleanup.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/timekeeping.h>

#include <rsp/cache.h>
#include <rsp/ops.h>

#include "policy.h"
#include "policy_private.h"
#include "trace.h"

/* more bad answers than this within a second, in all, or without a good one between, eject */
#define RSP_POLICY_BAD_PER_S	64
#define RSP_POLICY_BAD_TOTAL	1024
#define RSP_POLICY_BAD_ROW	16	/* for hooks that are asked once in a while */

/* ---------------------------------------------------------------- builtin -- */

/*
 * The builtin policy, tuned here. noop_buf, noop_ep, noop_flow and noop_cache in policies/
 * answer the same: change both.
 */
#define RSP_BUILTIN_COPY_BYTES		2048	/* copy payloads up to this into the message */
#define RSP_BUILTIN_INLINE_BYTES	8192	/* send them from their pages up to this */
#define RSP_BUILTIN_HEADER_BYTES	512	/* room in the message for what is not payload */
#define RSP_BUILTIN_LINGER_S		300
#define RSP_BUILTIN_WEIGHT		100
#define RSP_BUILTIN_RECLAIM		INT_MAX	/* whoever waits is served as buffers come free */
#define RSP_BUILTIN_DECAY		16	/* refills between two steps down in depth */
#define RSP_BUILTIN_COVERED		64	/* receives up to which every credit has one */

/* everything, as long as the host's limit allows */
static u32 rsp_builtin_admit(const struct rsp_buf_req *req)
{
	u64 left_bytes;

	if (req->held_bytes >= req->limit_bytes || !req->buf_bytes)
		return 0;
	left_bytes = req->limit_bytes - req->held_bytes;
	return min_t(u64, req->want, div_u64(left_bytes, req->buf_bytes));
}

/*
 * The first credits are all covered: one busy peer draws them at once. Past that
 * they are promises that are rarely all drawn together, so depth follows what
 * arrives: doubled when the device ran low or more than half was used up before
 * this refill, let go slowly, never past what the channels may send with a
 * quarter more for refill to lag. This keeps receive memory from growing with
 * connections; a burst that comes too soon meets an RNR NAK and is sent again.
 */
static u32 rsp_builtin_recv_depth(const struct rsp_rq_view *rq)
{
	u64 most = (u64)rq->credits + rq->credits / 4;
	u64 least = min(rq->credits, RSP_BUILTIN_COVERED);
	u64 depth;

	if (rq->is_private)
		return rq->size;
	if (rq->nr_low || rq->posted < rq->depth / 2)
		depth = 2ULL * rq->depth;
	else
		depth = rq->depth - (rq->nr_refill % RSP_BUILTIN_DECAY ? 0 : rq->depth / 64);
	return clamp_t(u64, max(min(depth, most), least), rq->min, max(rq->min, rq->size));
}

/*
 * A copy of a few pages is cheaper than a registration and its invalidation;
 * past that, gathering from the pages saves the copy at the price of a
 * completion; what does not fit the message has to be registered.
 */
static u32 rsp_builtin_bulk(const struct rsp_bulk_req *req)
{
	if ((u64)req->size + RSP_BUILTIN_HEADER_BYTES > req->max_inline)
		return RSP_BULK_REG;
	if (req->size <= RSP_BUILTIN_COPY_BYTES)
		return RSP_BULK_COPY;
	if (req->size <= RSP_BUILTIN_INLINE_BYTES)
		return RSP_BULK_INLINE;
	return RSP_BULK_REG;
}

/* ----------------------------------------------------------------- calling - */

/**
 * struct rsp_call - one call of the active policy
 * @policy: NULL if builtin became the active one meanwhile
 * @outer: whose program this call interrupted on this CPU
 */
struct rsp_call {
	struct rsp_policy	*policy;
	struct rsp_policy	*outer;
};

#define rsp_hook_is_on(family)	static_branch_unlikely(&rsp_policy_on[family])

/*
 * Begin a call: the ops struct of the active policy, or NULL. @priv belonged to
 * an earlier policy, or to an earlier activation of this one, if the
 * generations differ: then it is zeroed.
 */
static const void *rsp_call_begin(struct rsp_call *call, enum rsp_family family,
				  struct rsp_hookgen *gen, void *priv, size_t len)
{
	struct rsp_policy *policy;

	preempt_disable();
	policy = rcu_dereference_sched(rsp_policy_active[family]);
	call->policy = policy;
	if (!policy)
		return NULL;
	call->outer = this_cpu_read(rsp_policy_running);
	this_cpu_write(rsp_policy_running, policy);
	if (gen && gen->gen != policy->gen) {
		memset(priv, 0, len);
		gen->gen = policy->gen;
	}
	return policy->ops;
}

static void rsp_call_end(struct rsp_call *call)
{
	if (call->policy)
		this_cpu_write(rsp_policy_running, call->outer);
	preempt_enable();
}

static void rsp_call_count(struct rsp_call *call)
{
	this_cpu_inc(call->policy->stat->nr_call);
}

/* Count a bad answer. Races only shift the limits by a few answers. */
static noinline void rsp_call_bad(struct rsp_call *call, const char *hook, s64 answer,
				  s64 low, s64 high)
{
	struct rsp_policy *policy = call->policy;
	u32 nr_bad = atomic_inc_return(&policy->nr_bad);

	this_cpu_inc(policy->stat->nr_clamp);
	if (time_after(jiffies, READ_ONCE(policy->bad_jiffies) + HZ)) {
		WRITE_ONCE(policy->bad_jiffies, jiffies);
		WRITE_ONCE(policy->bad_base, nr_bad - 1);
	}
	WRITE_ONCE(policy->nr_row, READ_ONCE(policy->nr_row) + 1);
	if (nr_bad - READ_ONCE(policy->bad_base) > RSP_POLICY_BAD_PER_S ||
	    nr_bad > RSP_POLICY_BAD_TOTAL ||
	    READ_ONCE(policy->nr_row) > RSP_POLICY_BAD_ROW)
		rsp_policy_doom(policy, RSP_EXIT_RANGE, answer,
				"%s answered %lld, allowed %lld to %lld",
				hook, answer, low, high);
}

static void rsp_call_good(struct rsp_call *call)
{
	if (unlikely(READ_ONCE(call->policy->nr_row)))
		WRITE_ONCE(call->policy->nr_row, 0);
}

/* Count an answer and bring it into range. */
static u32 rsp_call_clamp(struct rsp_call *call, const char *hook, s64 answer, s64 low,
			  s64 high)
{
	rsp_call_count(call);
	if (likely(answer >= low && answer <= high)) {
		rsp_call_good(call);
		return answer;
	}
	rsp_call_bad(call, hook, answer, low, high);
	return clamp(answer, low, high);
}

/* ---------------------------------------------------------------- buffers -- */

u32 rsp_policy_admit(struct rsp_svc_view *svc, struct rsp_hookgen *gen,
		     struct rsp_buf_req *req)
{
	const struct rsp_buf_ops *ops;
	struct rsp_call call;
	u32 nr;

	if (!rsp_hook_is_on(RSP_FAMILY_BUF))
		return rsp_builtin_admit(req);
	ops = rsp_call_begin(&call, RSP_FAMILY_BUF, gen, svc->priv, sizeof(svc->priv));
	if (ops && ops->admit)
		nr = rsp_call_clamp(&call, "admit", ops->admit(svc, req), 0, req->want);
	else
		nr = rsp_builtin_admit(req);
	rsp_call_end(&call);
	return nr;
}

void rsp_policy_release(struct rsp_svc_view *svc, struct rsp_hookgen *gen, u32 class,
			u32 nr)
{
	const struct rsp_buf_ops *ops;
	struct rsp_call call;

	if (!rsp_hook_is_on(RSP_FAMILY_BUF))
		return;
	ops = rsp_call_begin(&call, RSP_FAMILY_BUF, gen, svc->priv, sizeof(svc->priv));
	if (ops && ops->release) {
		rsp_call_count(&call);
		ops->release(svc, class, nr);
	}
	rsp_call_end(&call);
}

u32 rsp_policy_recv_depth(struct rsp_rq_view *rq, struct rsp_hookgen *gen)
{
	const struct rsp_buf_ops *ops;
	struct rsp_call call;
	u32 depth;

	if (!rsp_hook_is_on(RSP_FAMILY_BUF))
		return rsp_builtin_recv_depth(rq);
	ops = rsp_call_begin(&call, RSP_FAMILY_BUF, gen, rq->priv, sizeof(rq->priv));
	if (ops && ops->recv_depth)
		depth = rsp_call_clamp(&call, "recv_depth", ops->recv_depth(rq),
				       rq->min, max(rq->min, rq->size));
	else
		depth = rsp_builtin_recv_depth(rq);
	rsp_call_end(&call);
	return depth;
}

u32 rsp_policy_bulk(struct rsp_chan_view *chan, struct rsp_bulk_req *req)
{
	const struct rsp_buf_ops *ops;
	struct rsp_call call;
	u32 bulk;

	if (!rsp_hook_is_on(RSP_FAMILY_BUF))
		return rsp_builtin_bulk(req);
	ops = rsp_call_begin(&call, RSP_FAMILY_BUF, NULL, NULL, 0);
	if (ops && ops->bulk)
		bulk = rsp_call_clamp(&call, "bulk", ops->bulk(chan, req),
				      RSP_BULK_INLINE, RSP_BULK_REG);
	else
		bulk = rsp_builtin_bulk(req);
	rsp_call_end(&call);
	return bulk;
}

u32 rsp_policy_reclaim(struct rsp_svc_view *svc, struct rsp_hookgen *gen,
		       struct rsp_buf_req *req)
{
	const struct rsp_buf_ops *ops;
	struct rsp_call call;
	u32 nr = RSP_BUILTIN_RECLAIM;

	if (!rsp_hook_is_on(RSP_FAMILY_BUF))
		return nr;
	ops = rsp_call_begin(&call, RSP_FAMILY_BUF, gen, svc->priv, sizeof(svc->priv));
	/* a policy cannot know what is idle or needed: more than that is all of it */
	if (ops && ops->reclaim)
		nr = rsp_call_clamp(&call, "reclaim", ops->reclaim(svc, req), 0, INT_MAX);
	rsp_call_end(&call);
	return nr;
}

/* -------------------------------------------------------------- endpoints -- */

/* the vector that is next, a receive queue shared with it */
static u64 rsp_builtin_place(const struct rsp_place_req *req)
{
	return req->next_vector & RSP_PLACE_VECTOR_MASK;
}

u64 rsp_policy_place(struct rsp_place_req *req)
{
	const u64 flags = RSP_PLACE_PRIVATE_RQ | RSP_PLACE_MUX | ~0ULL << RSP_PLACE_EP_SHIFT;
	const u64 bits = RSP_PLACE_VECTOR_MASK | flags;
	const struct rsp_ep_ops *ops;
	struct rsp_call call;
	u64 place;

	if (!rsp_hook_is_on(RSP_FAMILY_EP)) {
		place = rsp_builtin_place(req);
	} else {
		ops = rsp_call_begin(&call, RSP_FAMILY_EP, NULL, NULL, 0);
		if (ops && ops->place) {
			place = ops->place(req);
			rsp_call_count(&call);
			if (place & ~bits)
				rsp_call_bad(&call, "place", place, 0, bits);
			else
				rsp_call_good(&call);
		} else {
			place = rsp_builtin_place(req);
		}
		rsp_call_end(&call);
	}
	return (place & flags) |
	       ((u32)(place & RSP_PLACE_VECTOR_MASK) % max(req->nr_vector, 1U));
}

bool rsp_policy_rehome(struct rsp_ep_view *ep, struct rsp_hookgen *gen, u32 why)
{
	const struct rsp_ep_ops *ops;
	struct rsp_call call;
	bool move = false;

	if (!rsp_hook_is_on(RSP_FAMILY_EP))
		return false;
	ops = rsp_call_begin(&call, RSP_FAMILY_EP, gen, ep->priv, sizeof(ep->priv));
	if (ops && ops->rehome)
		/* what is neither yes nor no must not move anything */
		move = rsp_call_clamp(&call, "rehome", ops->rehome(ep, why), 0, 1) == 1;
	rsp_call_end(&call);
	return move;
}

u32 rsp_policy_linger(struct rsp_ep_view *ep, struct rsp_hookgen *gen)
{
	const struct rsp_ep_ops *ops;
	struct rsp_call call;
	u32 linger_s = RSP_BUILTIN_LINGER_S;

	if (!rsp_hook_is_on(RSP_FAMILY_EP))
		return linger_s;
	ops = rsp_call_begin(&call, RSP_FAMILY_EP, gen, ep->priv, sizeof(ep->priv));
	if (ops && ops->linger)
		linger_s = rsp_call_clamp(&call, "linger", ops->linger(ep), 1, 3600);
	rsp_call_end(&call);
	return linger_s;
}

void rsp_policy_ep_up(struct rsp_ep_view *ep, struct rsp_hookgen *gen)
{
	const struct rsp_ep_ops *ops;
	struct rsp_call call;

	if (!rsp_hook_is_on(RSP_FAMILY_EP))
		return;
	ops = rsp_call_begin(&call, RSP_FAMILY_EP, gen, ep->priv, sizeof(ep->priv));
	if (ops && ops->ep_up) {
		rsp_call_count(&call);
		ops->ep_up(ep);
	}
	rsp_call_end(&call);
}

void rsp_policy_ep_down(struct rsp_ep_view *ep, struct rsp_hookgen *gen)
{
	const struct rsp_ep_ops *ops;
	struct rsp_call call;

	if (!rsp_hook_is_on(RSP_FAMILY_EP))
		return;
	ops = rsp_call_begin(&call, RSP_FAMILY_EP, gen, ep->priv, sizeof(ep->priv));
	if (ops && ops->ep_down) {
		rsp_call_count(&call);
		ops->ep_down(ep);
	}
	rsp_call_end(&call);
}

/* ------------------------------------------------------------------- flow -- */

void rsp_policy_chan_open(struct rsp_chan_view *chan, struct rsp_hookgen *gen)
{
	const struct rsp_flow_ops *ops;
	struct rsp_call call;

	if (!rsp_hook_is_on(RSP_FAMILY_FLOW))
		return;
	ops = rsp_call_begin(&call, RSP_FAMILY_FLOW, gen, chan->priv, sizeof(chan->priv));
	if (ops && ops->chan_open) {
		rsp_call_count(&call);
		ops->chan_open(chan);
	}
	rsp_call_end(&call);
}

void rsp_policy_chan_close(struct rsp_chan_view *chan, struct rsp_hookgen *gen)
{
	const struct rsp_flow_ops *ops;
	struct rsp_call call;

	if (!rsp_hook_is_on(RSP_FAMILY_FLOW))
		return;
	ops = rsp_call_begin(&call, RSP_FAMILY_FLOW, gen, chan->priv, sizeof(chan->priv));
	if (ops && ops->chan_close) {
		rsp_call_count(&call);
		ops->chan_close(chan);
	}
	rsp_call_end(&call);
}

u32 rsp_policy_grant(struct rsp_chan_view *chan, struct rsp_hookgen *gen)
{
	const struct rsp_flow_ops *ops;
	u32 max_credits = max(chan->max_credits, 1U);
	struct rsp_call call;
	u32 grant = max_credits;

	if (!rsp_hook_is_on(RSP_FAMILY_FLOW))
		return grant;
	ops = rsp_call_begin(&call, RSP_FAMILY_FLOW, gen, chan->priv, sizeof(chan->priv));
	if (ops && ops->grant)
		grant = rsp_call_clamp(&call, "grant", ops->grant(chan), 1, max_credits);
	rsp_call_end(&call);
	return grant;
}

u32 rsp_policy_window(struct rsp_chan_view *chan, struct rsp_hookgen *gen,
		      struct rsp_ack_req *req)
{
	const struct rsp_flow_ops *ops;
	u32 max_credits = max(chan->max_credits, 1U);
	struct rsp_call call;
	u32 window = max_credits;

	if (!rsp_hook_is_on(RSP_FAMILY_FLOW))
		return window;
	ops = rsp_call_begin(&call, RSP_FAMILY_FLOW, gen, chan->priv, sizeof(chan->priv));
	if (ops && ops->window)
		window = rsp_call_clamp(&call, "window", ops->window(chan, req), 1,
					max_credits);
	rsp_call_end(&call);
	return window;
}

u32 rsp_policy_weight(struct rsp_chan_view *chan, struct rsp_hookgen *gen)
{
	const struct rsp_flow_ops *ops;
	struct rsp_call call;
	u32 weight = RSP_BUILTIN_WEIGHT;

	if (!rsp_hook_is_on(RSP_FAMILY_FLOW))
		return weight;
	ops = rsp_call_begin(&call, RSP_FAMILY_FLOW, gen, chan->priv, sizeof(chan->priv));
	if (ops && ops->weight)
		weight = rsp_call_clamp(&call, "weight", ops->weight(chan), 1, 1000);
	rsp_call_end(&call);
	return weight;
}

void rsp_policy_stall(struct rsp_chan_view *chan, struct rsp_hookgen *gen)
{
	const struct rsp_flow_ops *ops;
	struct rsp_call call;

	if (!rsp_hook_is_on(RSP_FAMILY_FLOW))
		return;
	ops = rsp_call_begin(&call, RSP_FAMILY_FLOW, gen, chan->priv, sizeof(chan->priv));
	if (ops && ops->stall) {
		rsp_call_count(&call);
		ops->stall(chan);
	}
	rsp_call_end(&call);
}

/* ------------------------------------------------------------------ caches - */

#define RSP_EVICT_STEPS	256	/* answers until a block goes */

static bool rsp_cache_begin(struct rsp_call *call, struct rsp_cache_obj *cache,
			    const struct rsp_cache_ops **ops)
{
	struct rsp_hookgen gen = { cache->gen };

	*ops = rsp_call_begin(call, RSP_FAMILY_CACHE, &gen, cache->view.priv,
			      sizeof(cache->view.priv));
	cache->gen = gen.gen;
	return *ops;
}

/* what another policy wrote about a block is not for this one */
static struct rsp_block_view *rsp_cache_fresh(struct rsp_call *call,
					      struct rsp_block_obj *block)
{
	if (block->gen != call->policy->gen) {
		memset(block->view.priv, 0, sizeof(block->view.priv));
		block->gen = call->policy->gen;
	}
	return &block->view;
}

/**
 * rsp_cache_obj_swapped() - Does another policy answer than at the last call?
 * @cache: the cache; the caller holds its lock
 *
 * The lists mean nothing to a policy that has not made them.
 *
 * Context: What holds the lock of the cache, atomic.
 * Return: true once after each swap, unless builtin answers now.
 */
bool rsp_cache_obj_swapped(struct rsp_cache_obj *cache)
{
	const struct rsp_policy *policy;
	u64 gen = 0;

	if (!rsp_hook_is_on(RSP_FAMILY_CACHE))
		return false;
	guard(preempt)();
	policy = rcu_dereference_sched(rsp_policy_active[RSP_FAMILY_CACHE]);
	if (policy)
		gen = policy->gen;
	if (gen == cache->seen_gen)
		return false;
	cache->seen_gen = gen;
	return gen;
}
EXPORT_SYMBOL_GPL(rsp_cache_obj_swapped);

/**
 * rsp_cache_obj_admit() - Shall a block come into the cache?
 * @cache: the cache; the caller holds its lock
 * @req: the block
 *
 * Context: What holds the lock of the cache, atomic.
 * Return: the list at whose head it goes, or -1
 */
int rsp_cache_obj_admit(struct rsp_cache_obj *cache, struct rsp_block_req *req)
{
	const struct rsp_cache_ops *ops;
	struct rsp_call call;
	int list = 0;

	if (!rsp_hook_is_on(RSP_FAMILY_CACHE))
		return list;
	if (rsp_cache_begin(&call, cache, &ops) && ops->admit)
		list = rsp_call_clamp(&call, "admit", ops->admit(&cache->view, req), -1,
				      RSP_NR_LIST - 1);
	rsp_call_end(&call);
	return list;
}
EXPORT_SYMBOL_GPL(rsp_cache_obj_admit);

/**
 * rsp_cache_obj_touch() - A cached block was read or written
 * @cache: the cache; the caller holds its lock
 * @block: the block
 *
 * Context: What holds the lock of the cache, atomic.
 * Return: the list to whose head it moves, or -1 to stay
 */
int rsp_cache_obj_touch(struct rsp_cache_obj *cache, struct rsp_block_obj *block)
{
	const struct rsp_cache_ops *ops;
	struct rsp_call call;
	int list = block->view.list;

	if (!rsp_hook_is_on(RSP_FAMILY_CACHE))
		return list;
	if (rsp_cache_begin(&call, cache, &ops) && ops->touch)
		list = rsp_call_clamp(&call, "touch",
				      ops->touch(&cache->view, rsp_cache_fresh(&call, block)),
				      -1, RSP_NR_LIST - 1);
	rsp_call_end(&call);
	return list;
}
EXPORT_SYMBOL_GPL(rsp_cache_obj_touch);

/**
 * rsp_cache_obj_touched() - So many touches were told together
 * @cache: the cache; the caller holds its lock
 * @nr: touches
 *
 * Context: What holds the lock of the cache, atomic.
 */
void rsp_cache_obj_touched(struct rsp_cache_obj *cache, u32 nr)
{
	trace_rsp_cache_touch(&cache->view, nr);
}
EXPORT_SYMBOL_GPL(rsp_cache_obj_touched);

static u32 rsp_builtin_evict(const struct rsp_cache_view *cache)
{
	u32 i, longest = 0;

	for (i = 1; i < RSP_NR_LIST; i++)
		if (cache->nr_in[i] > cache->nr_in[longest])
			longest = i;
	return RSP_EVICT(longest);
}

static bool rsp_cache_can(const struct rsp_cache_view *cache, int step)
{
	return step >= 0 && step <= RSP_EVICT(RSP_NR_LIST - 1) && step % 8 <= RSP_NR_LIST &&
	       cache->nr_in[step / 8];
}

/**
 * rsp_cache_obj_evict() - What happens next, for a slot to become free?
 * @cache: the cache; the caller holds its lock. Not empty
 * @tails: of its lists, NULL where one is empty
 * @nr_asked: how often it was asked already for this slot
 *
 * Context: What holds the lock of the cache, atomic.
 * Return: RSP_EVICT() or RSP_MOVE() of a list that is not empty; the former at the latest
 * when @nr_asked is 256
 */
u32 rsp_cache_obj_evict(struct rsp_cache_obj *cache,
			struct rsp_block_obj *tails[RSP_NR_LIST], u32 nr_asked)
{
	struct rsp_block_view *views[RSP_NR_LIST];
	const struct rsp_cache_ops *ops;
	struct rsp_call call;
	u32 answer = rsp_builtin_evict(&cache->view), i;
	int step;

	if (!rsp_hook_is_on(RSP_FAMILY_CACHE))
		return answer;
	if (!rsp_cache_begin(&call, cache, &ops) || !ops->evict)
		goto out;
	if (nr_asked >= RSP_EVICT_STEPS) {
		rsp_call_bad(&call, "evict without end", nr_asked, 0, RSP_EVICT_STEPS - 1);
		goto out;
	}
	for (i = 0; i < RSP_NR_LIST; i++)
		views[i] = rsp_cache_fresh(&call, tails[i] ?: &cache->none);
	step = ops->evict(&cache->view, views[0], views[1], views[2], views[3]);
	rsp_call_count(&call);
	if (rsp_cache_can(&cache->view, step)) {
		answer = step;
		rsp_call_good(&call);
	} else {
		rsp_call_bad(&call, "evict", step, 0, RSP_EVICT(RSP_NR_LIST - 1));
	}
out:
	rsp_call_end(&call);
	return answer;
}
EXPORT_SYMBOL_GPL(rsp_cache_obj_evict);

/**
 * rsp_cache_obj_insert() - A block is cached now
 * @cache: the cache; the caller holds its lock
 * @block: the block
 *
 * Context: What holds the lock of the cache, atomic.
 */
void rsp_cache_obj_insert(struct rsp_cache_obj *cache, struct rsp_block_obj *block)
{
	const struct rsp_cache_ops *ops;
	struct rsp_call call;

	trace_rsp_cache_insert(&cache->view, &block->view);
	if (!rsp_hook_is_on(RSP_FAMILY_CACHE))
		return;
	if (rsp_cache_begin(&call, cache, &ops) && ops->insert) {
		rsp_call_count(&call);
		ops->insert(&cache->view, rsp_cache_fresh(&call, block));
	}
	rsp_call_end(&call);
}
EXPORT_SYMBOL_GPL(rsp_cache_obj_insert);

/**
 * rsp_cache_obj_remove() - A block is not cached any more
 * @cache: the cache; the caller holds its lock
 * @block: the block
 * @why: what for
 *
 * Context: What holds the lock of the cache, atomic.
 */
void rsp_cache_obj_remove(struct rsp_cache_obj *cache, struct rsp_block_obj *block,
			  enum rsp_remove_why why)
{
	const struct rsp_cache_ops *ops;
	struct rsp_call call;

	trace_rsp_cache_remove(&cache->view, &block->view, why);
	if (!rsp_hook_is_on(RSP_FAMILY_CACHE))
		return;
	if (rsp_cache_begin(&call, cache, &ops) && ops->remove) {
		rsp_call_count(&call);
		ops->remove(&cache->view, rsp_cache_fresh(&call, block), why);
	}
	rsp_call_end(&call);
}
EXPORT_SYMBOL_GPL(rsp_cache_obj_remove);

/* ------------------------------------------------------------------ stalls - */

void rsp_policy_waited(enum rsp_family family, const char *who, u64 waited_ns)
{
	struct rsp_policy *policy;
	u64 active_ns;
	u32 waited_ms;

	guard(preempt)();
	policy = rcu_dereference_sched(rsp_policy_active[family]);
	if (!policy)
		return;
	/* a wait that began under the policy before is not this one's fault */
	active_ns = ktime_get_boottime_ns() - READ_ONCE(policy->since_ns);
	waited_ms = min_t(u64, div_u64(min(waited_ns, active_ns), NSEC_PER_MSEC), U32_MAX);
	if (waited_ms > policy->stall_ms)
		rsp_policy_doom(policy, RSP_EXIT_STALL, waited_ms,
				"%s waited %u ms, allowed %u ms", who, waited_ms,
				policy->stall_ms);
}
