// SPDX-License-Identifier: GPL-2.0
/*
 * The pool: the host's registered memory.
 *
 *   pages --rsp_arena_create()--> class free list <--rsp_pool_take/give()--> magazine <--rsp_buf_get/put()--> service
 *             mapped for every       one spinlock        policy: admit,         per CPU, its lock
 *             device                 a class             reclaim                is never contended
 *
 * An arena is a run of pages of one class; it is mapped once for each device,
 * so that a buffer costs no DMA mapping. Arenas are kept until the module
 * unloads.
 *
 * Progress: up to its reserve_bytes a service is admitted whatever the policy
 * and the limit say. What was received and handed over to it does not count
 * against that: a service answers a message before it gives its buffer back, so
 * messages must not use up what answers are made of. Nor do they count against the
 * reserve of the receive queues, from which they came, until all reserves together are
 * beyond the limit: where services hold all that the limit allows, their answers still find
 * receives, and what they hold is freed. Within the limit a shared
 * receive queue gets its minimum whatever the policy says: receives that are posted
 * cannot be taken back from another one.
 */
#include <linux/mm.h>
#include <linux/module.h>

#include "core.h"
#include "trace.h"

static uint rsp_pool_mb;
module_param_named(pool_mb, rsp_pool_mb, uint, 0444);
MODULE_PARM_DESC(pool_mb, "limit of the pool in MiB, 8 to 65536; 0: a sixteenth of RAM, at most 1024");

struct rsp_class_pool {
	spinlock_t		lock;		/* free, nr_free */
	struct list_head	free;
	u32			nr_free;
	u32			nr;
	bool			is_wanted;	/* somebody asked in vain, or nearly */
	struct list_head	arenas;		/* rsp_arena_mutex */
};

/*
 * Bytes before a buffer: what iSER puts before data is 76 bytes long, and data a target
 * hands to a block device as it was received must be aligned to 512.
 */
#define RSP_LEAD_16K	(SZ_512 - 76)
static const u16 rsp_class_lead[RSP_NR_CLASS] = { [RSP_CLASS_16K] = RSP_LEAD_16K };
const u32 rsp_class_bytes[RSP_NR_CLASS] = { SZ_1K, SZ_4K, SZ_8K, SZ_16K - RSP_LEAD_16K, SZ_64K };

static struct rsp_class_pool rsp_classes[RSP_NR_CLASS];
static DEFINE_MUTEX(rsp_arena_mutex);
static struct rsp_dev *rsp_arena_devs[RSP_MAX_DEV];	/* rsp_arena_mutex */
static atomic64_t rsp_arena_bytes, rsp_held_bytes;
static u64 rsp_limit_bytes;

/* The smallest class that holds @bytes, or -EMSGSIZE */
int rsp_class_of(u32 bytes)
{
	int i;

	for (i = 0; i < RSP_NR_CLASS; i++)
		if (bytes <= rsp_class_bytes[i])
			return i;
	return -EMSGSIZE;
}

/* magazines of large classes stay small: memory a service does not use is lost to all */
static u32 rsp_class_batch(u32 class)
{
	static const u8 batch[RSP_NR_CLASS] = { 16, 8, 8, 4, 1 };

	return batch[class];
}

/* ------------------------------------------------------------------ arenas */

static int rsp_arena_map(struct rsp_arena *arena, struct rsp_dev *dev)
{
	u64 dma = ib_dma_map_page(dev->ibdev, arena->pages, 0, PAGE_SIZE << arena->order,
				  DMA_BIDIRECTIONAL);

	if (ib_dma_mapping_error(dev->ibdev, dma))
		return -ENOMEM;
	arena->dma[dev->index] = dma;
	return 0;
}

static void rsp_arena_unmap(struct rsp_arena *arena, struct rsp_dev *dev)
{
	ib_dma_unmap_page(dev->ibdev, arena->dma[dev->index], PAGE_SIZE << arena->order,
			  DMA_BIDIRECTIONAL);
}

static void rsp_arena_free(struct rsp_arena *arena)
{
	__free_pages(arena->pages, arena->order);
	atomic64_sub(PAGE_SIZE << arena->order, &rsp_arena_bytes);
	kvfree(arena);
}

/* cut one more arena of @class; process context, may sleep */
static int rsp_arena_create(u32 class)
{
	struct rsp_class_pool *cp = &rsp_classes[class];
	u32 lead = rsp_class_lead[class], size = rsp_class_bytes[class] + lead, order, nr, i;
	struct rsp_arena *arena;
	struct page *pages;

	/* a smaller run where memory is fragmented, but never below one buffer */
	for (order = get_order(SZ_256K); ; order -= 2) {
		pages = alloc_pages(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY | __GFP_ZERO |
				    __GFP_COMP, order);
		if (pages || order - 2 < get_order(size) || order < 2)
			break;
	}
	if (!pages)
		return -ENOMEM;
	nr = (PAGE_SIZE << order) / size;
	arena = kvzalloc(struct_size(arena, bufs, nr), GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (!arena) {
		__free_pages(pages, order);
		return -ENOMEM;
	}
	arena->pages = pages;
	arena->order = order;
	arena->class = class;
	arena->nr = nr;
	for (i = 0; i < nr; i++) {
		struct rsp_ibuf *buf = &arena->bufs[i];

		buf->pub.data = page_address(pages) + i * size + lead;
		buf->pub.size = size - lead;
		buf->arena = arena;
		buf->class = class;
		buf->off = i * size + lead;
	}

	mutex_lock(&rsp_arena_mutex);
	for (i = 0; i < RSP_MAX_DEV; i++)
		if (rsp_arena_devs[i] && rsp_arena_map(arena, rsp_arena_devs[i]))
			goto err_unmap;
	list_add(&arena->list, &cp->arenas);
	atomic64_add(PAGE_SIZE << order, &rsp_arena_bytes);
	spin_lock_bh(&cp->lock);
	for (i = 0; i < nr; i++)
		list_add_tail(&arena->bufs[i].list, &cp->free);
	cp->nr_free += nr;
	cp->nr += nr;
	spin_unlock_bh(&cp->lock);
	mutex_unlock(&rsp_arena_mutex);
	trace_rsp_pool_grow(class, PAGE_SIZE << order);
	return 0;

err_unmap:
	while (i--)
		if (rsp_arena_devs[i])
			rsp_arena_unmap(arena, rsp_arena_devs[i]);
	mutex_unlock(&rsp_arena_mutex);
	__free_pages(pages, order);
	kvfree(arena);
	return -ENOMEM;
}

static void rsp_grow_work(struct work_struct *work)
{
	int i;

	for (i = 0; i < RSP_NR_CLASS; i++)
		if (READ_ONCE(rsp_classes[i].is_wanted) &&
		    READ_ONCE(rsp_classes[i].nr_free) < RSP_BATCH)
			rsp_arena_create(i);
}
static DECLARE_WORK(rsp_grow, rsp_grow_work);

/* Map what there is for a new device. Context: process, may sleep. */
int rsp_pool_map_dev(struct rsp_dev *dev)
{
	struct rsp_arena *arena;
	int slot, class;

	mutex_lock(&rsp_arena_mutex);
	for (slot = 0; slot < RSP_MAX_DEV; slot++)
		if (!rsp_arena_devs[slot])
			break;
	if (slot == RSP_MAX_DEV) {
		mutex_unlock(&rsp_arena_mutex);
		return -ENOSPC;
	}
	dev->index = slot;
	for (class = 0; class < RSP_NR_CLASS; class++)
		list_for_each_entry(arena, &rsp_classes[class].arenas, list)
			if (rsp_arena_map(arena, dev))
				goto err_unmap;
	rsp_arena_devs[slot] = dev;
	mutex_unlock(&rsp_arena_mutex);
	return 0;

err_unmap:
	list_for_each_entry_continue_reverse(arena, &rsp_classes[class].arenas, list)
		rsp_arena_unmap(arena, dev);
	while (class--)
		list_for_each_entry(arena, &rsp_classes[class].arenas, list)
			rsp_arena_unmap(arena, dev);
	mutex_unlock(&rsp_arena_mutex);
	return -ENOMEM;
}

/* The device goes; it has no queue pair and no receive queue any more. */
void rsp_pool_unmap_dev(struct rsp_dev *dev)
{
	struct rsp_arena *arena;
	int class;

	mutex_lock(&rsp_arena_mutex);
	for (class = 0; class < RSP_NR_CLASS; class++)
		list_for_each_entry(arena, &rsp_classes[class].arenas, list)
			rsp_arena_unmap(arena, dev);
	rsp_arena_devs[dev->index] = NULL;
	mutex_unlock(&rsp_arena_mutex);
}

/* --------------------------------------------------------- admit and give */

static void rsp_pool_req(struct rsp_buf_req *req, u32 class, u32 want)
{
	memset(req, 0, sizeof(*req));
	req->class = class;
	req->want = want;
	req->buf_bytes = rsp_class_bytes[class];
	req->limit_bytes = rsp_limit_bytes;
	req->held_bytes = atomic64_read(&rsp_held_bytes);
	req->nr_svc = atomic_read(&rsp_nr_svc);
	req->sum_weight = atomic_read(&rsp_sum_weight);
}

/*
 * How many of @want buffers the policy, the limit and the reserve let @svc have;
 * @is_needed: whatever the policy says
 */
static u32 rsp_pool_admit(struct rsp_svc *svc, u32 class, u32 want, bool is_needed)
{
	struct rsp_buf_req req;
	u64 held, taken, room;
	u32 nr, floor;

	rsp_pool_req(&req, class, want);
	held = rsp_svc_held(svc);
	taken = max_t(s64, atomic64_read(&svc->held_bytes), 0);
	if (svc == rsp_recv_svc &&
	    req.held_bytes < req.limit_bytes + atomic64_read(&rsp_sum_reserve))
		taken = min(taken, held);
	floor = taken < svc->view.reserve_bytes ?
		min_t(u64, want, DIV_ROUND_UP(svc->view.reserve_bytes - taken, req.buf_bytes)) : 0;
	room = req.held_bytes < req.limit_bytes ?
	       (req.limit_bytes - req.held_bytes) / req.buf_bytes : 0;

	spin_lock_bh(&svc->lock);
	svc->view.held_bytes = held;
	svc->view.peak_bytes = max(svc->view.peak_bytes, held);
	nr = rsp_policy_admit(&svc->view, &svc->gen, &req);
	if (is_needed)
		nr = want;
	nr = max_t(u32, min_t(u64, nr, room), floor);
	svc->view.nr_admit += nr;
	svc->view.nr_refused += want - nr;
	trace_rsp_pool_admit(&svc->view, &req, nr);
	spin_unlock_bh(&svc->lock);
	return nr;
}

/* up to @nr idle buffers of a service go back to the pool. Return: how many */
static u32 rsp_pool_drain(struct rsp_svc *svc, u32 class, u32 nr)
{
	u32 total = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct rsp_mag *mag = &per_cpu_ptr(svc->cpu, cpu)->mag[class];
		LIST_HEAD(bufs);
		u32 got = 0;

		spin_lock_bh(&mag->lock);
		while (mag->nr && total + got < nr) {
			list_add(&mag->slot[--mag->nr]->list, &bufs);
			got++;
		}
		spin_unlock_bh(&mag->lock);
		if (got)
			rsp_pool_give(svc, class, &bufs, got);
		total += got;
	}
	return total;
}

/*
 * Have the services give back memory: what lies idle in their magazines now, and
 * the rest of what the policy says when it comes free, but no more than is needed.
 * A service that keeps caches of its own is told to empty them that far.
 * The one that asks gives back what it has idle elsewhere: on other processors,
 * in other classes.
 *
 * @any_class: the limit is reached, which counts bytes, so that idle buffers of
 * any class help; else it is buffers of @class that are missing
 */
static void rsp_pool_reclaim(struct rsp_svc *asking, u32 class, u32 want, bool any_class)
{
	u64 need = (u64)want * rsp_class_bytes[class];
	struct rsp_buf_req req;
	struct rsp_svc *svc;
	unsigned long id;
	u32 nr, i, c;

	rsp_pool_req(&req, class, want);
	rcu_read_lock();
	xa_for_each(&rsp_svcs, id, svc) {
		u64 bytes = need, got = 0, held = rsp_svc_held(svc), enough;

		if (svc != asking) {
			spin_lock_bh(&svc->lock);
			svc->view.held_bytes = held;
			nr = rsp_policy_reclaim(&svc->view, &svc->gen, &req);
			spin_unlock_bh(&svc->lock);
			bytes = min(held, (u64)nr * req.buf_bytes);
		}
		enough = min(bytes, need);
		/* @class first, and all of it that it may: whoever is next asks for the same */
		for (i = 0; i < (any_class ? RSP_NR_CLASS : 1); i++) {
			c = (class + i) % RSP_NR_CLASS;
			if (i && got >= enough)
				break;
			nr = DIV_ROUND_UP_ULL((i ? enough : bytes) - got, rsp_class_bytes[c]);
			got += (u64)rsp_pool_drain(svc, c, nr) * rsp_class_bytes[c];
		}
		if (svc != asking && any_class && got < enough) {
			atomic64_set(&svc->owed_bytes, enough - got);
			if (svc->ops && svc->ops->shrink)
				svc->ops->shrink(svc, enough - got);
		}
	}
	rcu_read_unlock();
}

static u32 rsp_pool_pick(u32 class, u32 want, struct list_head *out)
{
	struct rsp_class_pool *cp = &rsp_classes[class];
	u32 nr;

	spin_lock_bh(&cp->lock);
	for (nr = 0; nr < want && cp->nr_free; nr++, cp->nr_free--)
		list_move_tail(cp->free.next, out);
	spin_unlock_bh(&cp->lock);
	return nr;
}

/**
 * rsp_pool_take() - Move buffers from the pool to a service
 * @svc: whose account they go to
 * @class: enum rsp_class
 * @want: how many
 * @gfp: may sleep or not, when an arena must be added
 * @is_needed: the policy cannot refuse them
 * @out: they are added here
 *
 * Context: Process context; atomic if @gfp says so.
 * Return: how many were added, 0 to @want.
 */
u32 rsp_pool_take(struct rsp_svc *svc, u32 class, u32 want, gfp_t gfp, bool is_needed,
		  struct list_head *out)
{
	struct rsp_ibuf *buf;
	u32 nr, got;

	nr = rsp_pool_admit(svc, class, want, is_needed);
	if (!nr) {
		rsp_pool_reclaim(svc, class, want, true);
		nr = rsp_pool_admit(svc, class, want, is_needed);
		if (!nr)
			return 0;
	}
	got = rsp_pool_pick(class, nr, out);
	while (got < nr && gfpflags_allow_blocking(gfp)) {
		if (rsp_arena_create(class))
			break;
		got += rsp_pool_pick(class, nr - got, out);
	}
	if (!got) {
		rsp_pool_reclaim(svc, class, nr, false);
		got = rsp_pool_pick(class, nr, out);
	}
	if (READ_ONCE(rsp_classes[class].nr_free) < RSP_BATCH) {
		/* the first who asks may be one that cannot sleep */
		WRITE_ONCE(rsp_classes[class].is_wanted, true);
		queue_work(rsp_wq, &rsp_grow);
	}
	atomic64_add((u64)got * rsp_class_bytes[class], &svc->held_bytes);
	atomic64_add((u64)got * rsp_class_bytes[class], &rsp_held_bytes);
	list_for_each_entry(buf, out, list)
		buf->svc = svc;
	return got;
}

/**
 * rsp_pool_give() - Move buffers from a service back to the pool
 * @svc: whose account they are in
 * @class: enum rsp_class
 * @bufs: the buffers; the list is emptied
 * @nr: how many
 */
void rsp_pool_give(struct rsp_svc *svc, u32 class, struct list_head *bufs, u32 nr)
{
	struct rsp_class_pool *cp = &rsp_classes[class];

	spin_lock_bh(&cp->lock);
	list_splice_init(bufs, &cp->free);
	cp->nr_free += nr;
	spin_unlock_bh(&cp->lock);
	atomic64_sub((u64)nr * rsp_class_bytes[class], &svc->held_bytes);
	atomic64_sub((u64)nr * rsp_class_bytes[class], &rsp_held_bytes);
	spin_lock_bh(&svc->lock);
	rsp_policy_release(&svc->view, &svc->gen, class, nr);
	spin_unlock_bh(&svc->lock);
}

/* --------------------------------------------------------------- magazines */

/* the caller knows how badly it needs one: rsp_svc_refused(), rsp_svc_starved() */
struct rsp_ibuf *rsp_pool_get(struct rsp_svc *svc, u32 class, gfp_t gfp, bool is_needed)
{
	struct rsp_mag *mag = &raw_cpu_ptr(svc->cpu)->mag[class];
	struct rsp_ibuf *buf = NULL, *next;
	LIST_HEAD(bufs);
	u32 nr = 0;

	spin_lock_bh(&mag->lock);
	if (mag->nr)
		buf = mag->slot[--mag->nr];
	spin_unlock_bh(&mag->lock);
	if (buf)
		goto out;

	if (!rsp_pool_take(svc, class, rsp_class_batch(class), gfp, is_needed, &bufs))
		return NULL;
	buf = list_first_entry(&bufs, struct rsp_ibuf, list);
	list_del(&buf->list);
	spin_lock_bh(&mag->lock);
	while (!list_empty(&bufs) && mag->nr < ARRAY_SIZE(mag->slot)) {
		next = list_first_entry(&bufs, struct rsp_ibuf, list);
		list_del(&next->list);
		mag->slot[mag->nr++] = next;
	}
	spin_unlock_bh(&mag->lock);
	/* put() may have filled the magazine meanwhile */
	list_for_each_entry(next, &bufs, list)
		nr++;
	if (nr)
		rsp_pool_give(svc, class, &bufs, nr);
out:
	if (unlikely(READ_ONCE(svc->starved_ns)))
		WRITE_ONCE(svc->starved_ns, 0);
	return buf;
}

/**
 * rsp_buf_get() - Get a registered buffer
 * @svc: the service it is for
 * @bytes: size needed, up to 64 KiB
 * @gfp: GFP_KERNEL, or what the caller's context allows. With __GFP_NORETRY the
 *       caller can do without: a policy is not ejected for refusing it
 *
 * Context: Process context; atomic if @gfp says so.
 * Return: a buffer of at least @bytes, or NULL when the policy or the pool has
 * none for this service now: see rsp_buf_wake().
 */
struct rsp_buf *rsp_buf_get(struct rsp_svc *svc, u32 bytes, gfp_t gfp)
{
	int class = rsp_class_of(bytes);
	struct rsp_ibuf *buf;

	if (class < 0)
		return NULL;
	buf = rsp_pool_get(svc, class, gfp, false);
	if (likely(buf))
		return &buf->pub;
	if (gfp & __GFP_NORETRY)
		rsp_svc_refused(svc);
	else
		rsp_svc_starved(svc);
	return NULL;
}
EXPORT_SYMBOL_GPL(rsp_buf_get);

/**
 * rsp_buf_put() - Give a buffer back
 * @b: from rsp_buf_get() or recv(); NULL is ignored
 *
 * Context: Process context or softirq, atomic.
 */
void rsp_buf_put(struct rsp_buf *b)
{
	struct rsp_ibuf *buf;
	struct rsp_mag *mag;
	LIST_HEAD(bufs);
	u32 batch, nr = 0;

	if (!b)
		return;
	buf = to_ibuf(b);
	if (buf->rq) {
		/* received: back to where receives are refilled from */
		rsp_buf_hand_over(buf, rsp_recv_svc);
		buf->rq = NULL;
		if (unlikely(buf->is_shifted))
			rsp_rq_unshift(buf);
	}
	if (unlikely(atomic64_read(&buf->svc->owed_bytes) > 0)) {
		/* somebody waits for it */
		atomic64_sub(buf->pub.size, &buf->svc->owed_bytes);
		list_add(&buf->list, &bufs);
		rsp_pool_give(buf->svc, buf->class, &bufs, 1);
		return;
	}
	batch = rsp_class_batch(buf->class);
	mag = &raw_cpu_ptr(buf->svc->cpu)->mag[buf->class];
	spin_lock_bh(&mag->lock);
	if (mag->nr >= 2 * batch)
		for (; nr < batch; nr++)
			list_add(&mag->slot[--mag->nr]->list, &bufs);
	mag->slot[mag->nr++] = buf;
	spin_unlock_bh(&mag->lock);
	if (nr)
		rsp_pool_give(buf->svc, buf->class, &bufs, nr);
}
EXPORT_SYMBOL_GPL(rsp_buf_put);

/* the buffer changes account without a trip through the pool */
void rsp_buf_hand_over(struct rsp_ibuf *buf, struct rsp_svc *to)
{
	if (buf->svc == to)
		return;
	this_cpu_sub(buf->svc->cpu->moved_bytes, buf->pub.size);
	this_cpu_add(to->cpu->moved_bytes, buf->pub.size);
	buf->svc = to;
}

/* empty the magazines of a service that has nothing in use */
void rsp_pool_flush(struct rsp_svc *svc)
{
	u32 class, nr;
	int cpu;

	for_each_possible_cpu(cpu) {
		for (class = 0; class < RSP_NR_CLASS; class++) {
			struct rsp_mag *mag = &per_cpu_ptr(svc->cpu, cpu)->mag[class];
			LIST_HEAD(bufs);

			spin_lock_bh(&mag->lock);
			for (nr = 0; mag->nr; nr++)
				list_add(&mag->slot[--mag->nr]->list, &bufs);
			spin_unlock_bh(&mag->lock);
			if (nr)
				rsp_pool_give(svc, class, &bufs, nr);
		}
	}
}

/* take back what was posted to a receive queue that is no more */
void rsp_pool_recover(struct rsp_rq *rq)
{
	struct rsp_arena *arena;
	u32 i;

	mutex_lock(&rsp_arena_mutex);
	list_for_each_entry(arena, &rsp_classes[rq->class].arenas, list) {
		for (i = 0; i < arena->nr; i++) {
			struct rsp_ibuf *buf = &arena->bufs[i];

			if (!buf->is_posted || buf->rq != rq)
				continue;
			buf->is_posted = false;
			rsp_buf_put(&buf->pub);
		}
	}
	mutex_unlock(&rsp_arena_mutex);
}

/**
 * rsp_pool_limit() - How much memory the pool can have
 *
 * Context: Any.
 * Return: bytes that all services together may hold.
 */
u64 rsp_pool_limit(void)
{
	return rsp_limit_bytes;
}
EXPORT_SYMBOL_GPL(rsp_pool_limit);

void rsp_pool_view_get(struct rsp_pool_view *v)
{
	struct rsp_buf_req req;
	int i;

	rsp_pool_req(&req, 0, 0);
	memset(v, 0, sizeof(*v));
	v->limit_bytes = rsp_limit_bytes;
	v->arena_bytes = atomic64_read(&rsp_arena_bytes);
	v->held_bytes = req.held_bytes;
	v->nr_svc = req.nr_svc;
	v->sum_weight = req.sum_weight;
	for (i = 0; i < RSP_NR_CLASS; i++) {
		v->buf_bytes[i] = rsp_class_bytes[i];
		v->nr_buf[i] = READ_ONCE(rsp_classes[i].nr);
		v->nr_free[i] = READ_ONCE(rsp_classes[i].nr_free);
	}
}

int rsp_pool_init(void)
{
	u64 mb = rsp_pool_mb;
	int i;

	if (mb && (mb < 8 || mb > 65536)) {
		pr_err("pool_mb=%llu is outside 8 to 65536\n", mb);
		return -EINVAL;
	}
	if (!mb)
		mb = clamp_t(u64, (u64)totalram_pages() * PAGE_SIZE / 16 >> 20, 8, 1024);
	rsp_limit_bytes = mb << 20;
	for (i = 0; i < RSP_NR_CLASS; i++) {
		spin_lock_init(&rsp_classes[i].lock);
		INIT_LIST_HEAD(&rsp_classes[i].free);
		INIT_LIST_HEAD(&rsp_classes[i].arenas);
	}
	return 0;
}

void rsp_pool_exit(void)
{
	struct rsp_arena *arena, *next;
	int i;

	cancel_work_sync(&rsp_grow);
	for (i = 0; i < RSP_NR_CLASS; i++) {
		WARN_ON_ONCE(rsp_classes[i].nr_free != rsp_classes[i].nr);
		list_for_each_entry_safe(arena, next, &rsp_classes[i].arenas, list)
			rsp_arena_free(arena);
	}
	WARN_ON_ONCE(atomic64_read(&rsp_arena_bytes) || atomic64_read(&rsp_held_bytes));
}
