// SPDX-License-Identifier: GPL-2.0
/*
 * What a cache holds: slabs of the pool cut into slots, blocks in them, the index by
 * block number, and four ordered lists that say who is evicted.
 *
 *	            rsp_cache_slot_get                    rsp_cache_fill: bucket, list
 *	  (free) -------------------------> (taken) ------------------------------------> (cached)
 *	    ^ ^                                |                                              |
 *	    | '--------------------------------'      rsp_cache_detach: bucket, list          |
 *	    |       came too late               (removed) <-----------------------------------'
 *	    '---------------------------------------'
 *	       the last touch is told: rsp_cache_block_put
 *
 * All arrows under rsp_cache.lock; data of a taken slot is written by its owner without a lock, that
 * of a cached one under its bucket's.
 *
 * A hit takes no lock of the whole cache but for a moment to note what was touched (touch_lock). Touches are
 * told (moved to the head of a list) by the dozen, and always, in order, before anything else is
 * decided: whoever takes rsp_cache.lock to decide tells them first (rsp_cache_lock()). A touch keeps its slot from being
 * used again, not its block from being removed: then nobody hears of it.
 *
 * A slab goes back to the pool as a whole: its blocks are removed, its free slots leave the free list,
 * and the last slot to come back takes it along.
 */
#include <linux/hash.h>
#include <linux/highmem.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "cache.h"

#define RSP_CACHE_REFUSED_MS	100	/* the pool is not asked again so soon */

/* ------------------------------------------------------------------- slots */

static void *rsp_cache_slot_data(const struct rsp_cache_block *block)
{
	u32 index = block - block->slab->blocks;

	return block->slab->bufs[index / RSP_CACHE_SLOTS]->data +
	       index % RSP_CACHE_SLOTS * RSP_CACHE_SLOT;
}

/* the slot is about to change, or must not be used */
static void rsp_cache_slot_open(struct rsp_cache *cache, struct rsp_cache_block *block)
{
	if (cache->pub)
		rsp_cache_pub_break(block, cache->pub, rsp_cache_slot_data(block));
}

/* it has the data of its block */
static void rsp_cache_slot_close(struct rsp_cache *cache, struct rsp_cache_block *block)
{
	if (cache->pub)
		rsp_cache_pub_seal(block, cache->pub, rsp_cache_slot_data(block));
}

/* ------------------------------------------------------------------- slabs */

/* Context: process; may sleep, but starts no I/O and waits for none */
static struct rsp_cache_slab *rsp_cache_slab_create(u32 nr_buf)
{
	const gfp_t gfp = GFP_NOIO | __GFP_NORETRY | __GFP_NOWARN;
	unsigned int noio = memalloc_noio_save();
	struct rsp_cache_slab *slab;
	u32 i;

	slab = kzalloc(struct_size(slab, blocks, nr_buf * RSP_CACHE_SLOTS), gfp);
	if (!slab)
		goto out;
	INIT_LIST_HEAD(&slab->pub_list);
	/* as many as there are */
	while (slab->nr_buf < nr_buf) {
		struct rsp_buf *buf = rsp_buf_get(rsp_cache_svc, RSP_CACHE_BUF, gfp);

		if (!buf)
			break;
		/* what an earlier owner left is nobody's business, where slabs are read from afar */
		memset(buf->data, 0, RSP_CACHE_BUF);
		slab->bufs[slab->nr_buf++] = buf;
	}
	if (!slab->nr_buf) {
		kfree(slab);
		slab = NULL;
		goto out;
	}
	for (i = 0; i < rsp_cache_slab_slots(slab); i++) {
		struct rsp_cache_block *block = &slab->blocks[i];

		INIT_HLIST_NODE(&block->hash);
		INIT_LIST_HEAD(&block->list);
		block->slab = slab;
	}
out:
	memalloc_noio_restore(noio);
	return slab;
}

void rsp_cache_slab_free(struct rsp_cache_slab *slab)
{
	u32 i;

	for (i = 0; i < slab->nr_buf; i++)
		rsp_buf_put(slab->bufs[i]);
	kfree(slab);
}

/* peers who can read it are asked for it first, which takes its time */
static void rsp_cache_slab_destroy(struct rsp_cache *cache, struct rsp_cache_slab *slab)
{
	if (cache->pub)
		rsp_cache_pub_del(cache->pub, slab);
	else
		rsp_cache_slab_free(slab);
}

static void rsp_cache_slab_add(struct rsp_cache *cache, struct rsp_cache_slab *slab)
{
	u32 i;

	lockdep_assert_held(&cache->lock);
	slab->touched = get_jiffies_64();
	list_add(&slab->list, &cache->slabs);
	cache->nr_buf += slab->nr_buf;
	for (i = 0; i < rsp_cache_slab_slots(slab); i++)
		list_add_tail(&slab->blocks[i].list, &cache->free);
}

static void rsp_cache_slab_touch(struct rsp_cache *cache, struct rsp_cache_slab *slab)
{
	if (slab->is_leaving)
		return;
	slab->touched = get_jiffies_64();
	list_move(&slab->list, &cache->slabs);
}

/* ------------------------------------------------------------------ blocks */

static struct rsp_cache_bucket *rsp_cache_bucket(struct rsp_cache *cache, u64 number)
{
	return &cache->buckets[hash_64(number, cache->hash_bits)];
}

static struct rsp_cache_block *rsp_cache_find(struct rsp_cache_bucket *bucket, u64 number)
{
	struct rsp_cache_block *block;

	lockdep_assert_held(&bucket->lock);
	hlist_for_each_entry(block, &bucket->head, hash)
		if (block->obj.view.number == number)
			return block;
	return NULL;
}

static void rsp_cache_block_put(struct rsp_cache *cache, struct rsp_cache_block *block)
{
	struct rsp_cache_slab *slab = block->slab;

	lockdep_assert_held(&cache->lock);
	if (!atomic_dec_and_test(&block->ref))
		return;
	slab->nr_used--;
	if (!slab->is_leaving)
		list_add(&block->list, &cache->free);
	else if (!slab->nr_used)
		rsp_cache_slab_destroy(cache, slab);
}

static void rsp_cache_move(struct rsp_cache *cache, struct rsp_cache_block *block, u32 to_list)
{
	lockdep_assert_held(&cache->lock);
	cache->obj.view.nr_in[block->obj.view.list]--;
	cache->obj.view.nr_in[to_list]++;
	block->obj.view.list = to_list;
	list_move(&block->list, &cache->lists[to_list]);
}

/* one access of a cached block is told */
static void rsp_cache_tell_touch(struct rsp_cache *cache, struct rsp_cache_block *block)
{
	int to_list;

	block->obj.view.nr_touch++;
	rsp_cache_slab_touch(cache, block->slab);
	to_list = rsp_cache_obj_touch(&cache->obj, &block->obj);
	if (to_list >= 0)
		rsp_cache_move(cache, block, to_list);
}

/* tell what was touched since the last time */
static void rsp_cache_deliver(struct rsp_cache *cache)
{
	struct rsp_cache_block *touched[RSP_CACHE_TOUCHES];
	u32 nr, i;

	lockdep_assert_held(&cache->lock);
	spin_lock(&cache->touch_lock);
	nr = cache->nr_touched;
	memcpy(touched, cache->touched, nr * sizeof(touched[0]));
	cache->nr_touched = 0;
	spin_unlock(&cache->touch_lock);
	for (i = 0; i < nr; i++) {
		if (touched[i]->is_cached)
			rsp_cache_tell_touch(cache, touched[i]);
		rsp_cache_block_put(cache, touched[i]);
	}
	if (nr)
		rsp_cache_obj_touched(&cache->obj, nr);
}

/* another policy answers: the lists mean nothing to it, so it finds all blocks in the first */
static void rsp_cache_merge(struct rsp_cache *cache)
{
	struct rsp_cache_block *block;
	u32 i;

	for (i = 1; i < RSP_NR_LIST; i++) {
		list_for_each_entry(block, &cache->lists[i], list)
			block->obj.view.list = 0;
		list_splice_tail_init(&cache->lists[i], &cache->lists[0]);
		cache->obj.view.nr_in[0] += cache->obj.view.nr_in[i];
		cache->obj.view.nr_in[i] = 0;
	}
}

/* to decide about blocks: what was touched before is told */
static void rsp_cache_lock(struct rsp_cache *cache) __acquires(cache->lock)
{
	spin_lock(&cache->lock);
	if (rsp_cache_obj_swapped(&cache->obj))
		rsp_cache_merge(cache);
	if (cache->looked != jiffies) {
		cache->looked = jiffies;
		rsp_cache_look(&cache->obj, &cache->obj.view);
	}
	rsp_cache_deliver(cache);
}

/* note an access; the caller's reference on @block goes with it */
static void rsp_cache_touch(struct rsp_cache *cache, struct rsp_cache_block *block)
{
	for (;;) {
		spin_lock(&cache->touch_lock);
		if (cache->nr_touched < RSP_CACHE_TOUCHES) {
			cache->touched[cache->nr_touched++] = block;
			spin_unlock(&cache->touch_lock);
			return;
		}
		spin_unlock(&cache->touch_lock);
		rsp_cache_lock(cache);
		spin_unlock(&cache->lock);
	}
}

static void rsp_cache_detach(struct rsp_cache *cache, struct rsp_cache_block *block,
			     enum rsp_remove_why why)
{
	static const u8 stat[] = {
		[RSP_REMOVE_EVICTED]	= RSP_CACHE_STAT_EVICTIONS,
		[RSP_REMOVE_INVALIDATED]	= RSP_CACHE_STAT_INVALIDATIONS,
		[RSP_REMOVE_DROPPED]	= RSP_CACHE_STAT_RECLAIMED,
		[RSP_REMOVE_RECLAIMED]	= RSP_CACHE_STAT_RECLAIMED,
	};
	struct rsp_cache_bucket *bucket = rsp_cache_bucket(cache, block->obj.view.number);

	lockdep_assert_held(&cache->lock);
	spin_lock(&bucket->lock);
	hlist_del_init(&block->hash);
	rsp_cache_slot_open(cache, block);
	block->is_stale = false;
	spin_unlock(&bucket->lock);
	list_del_init(&block->list);
	cache->obj.view.nr_in[block->obj.view.list]--;
	block->is_cached = false;
	rsp_cache_count(cache, stat[why], 1);
	rsp_cache_obj_remove(&cache->obj, &block->obj, why);
	rsp_cache_block_put(cache, block);
}

/* -------------------------------------------------------------- decisions */

/* Make room: one block goes. Return: false if there is none. */
static bool rsp_cache_evict(struct rsp_cache *cache)
{
	struct rsp_block_obj *tails[RSP_NR_LIST];
	struct rsp_cache_block *block;
	u32 i, nr_asked, step;

	lockdep_assert_held(&cache->lock);
	for (nr_asked = 0; ; nr_asked++) {
		bool has_any = false;

		/* another policy may answer than when the lock was taken */
		if (rsp_cache_obj_swapped(&cache->obj))
			rsp_cache_merge(cache);
		for (i = 0; i < RSP_NR_LIST; i++) {
			tails[i] = NULL;
			if (list_empty(&cache->lists[i]))
				continue;
			block = list_last_entry(&cache->lists[i], struct rsp_cache_block, list);
			tails[i] = &block->obj;
			has_any = true;
		}
		if (!has_any)
			return false;
		step = rsp_cache_obj_evict(&cache->obj, tails, nr_asked);
		block = container_of(tails[step / 8], struct rsp_cache_block, obj);
		if (step == RSP_EVICT(step / 8)) {
			rsp_cache_detach(cache, block, RSP_REMOVE_EVICTED);
			return true;
		}
		rsp_cache_move(cache, block, step % 8);
	}
}

/*
 * The pool is asked for a slab, if there may be one more; drops the lock meanwhile. One asks at a time: where the
 * pool is short each question makes it look for what others could give back.
 */
static void rsp_cache_grow(struct rsp_cache *cache) __must_hold(cache->lock)
{
	struct rsp_cache_slab *slab;
	u32 nr_buf;

	if (cache->is_growing || cache->nr_buf >= cache->max_buf ||
	    time_before64(get_jiffies_64(), cache->grow_after) || rsp_cache_is_shrinking())
		return;
	cache->is_growing = true;
	nr_buf = cache->pub ? min(cache->max_buf - cache->nr_buf, RSP_CACHE_SLAB_BUFS) : 1;
	spin_unlock(&cache->lock);
	slab = rsp_cache_slab_create(nr_buf);
	rsp_cache_lock(cache);
	cache->is_growing = false;
	if (!slab) {
		rsp_cache_count(cache, RSP_CACHE_STAT_REFUSED, 1);
		cache->grow_after = get_jiffies_64() + msecs_to_jiffies(RSP_CACHE_REFUSED_MS);
	} else if (cache->nr_buf + slab->nr_buf > cache->max_buf) {
		rsp_cache_slab_free(slab);	/* somebody else got one, or made it smaller */
	} else {
		if (cache->pub)
			rsp_cache_pub_add(cache->pub, slab);
		rsp_cache_slab_add(cache, slab);
	}
}

/* a slot for a new block, or NULL */
static struct rsp_cache_block *rsp_cache_slot_get(struct rsp_cache *cache)
	__must_hold(cache->lock)
{
	struct rsp_cache_block *block;

	if (list_empty(&cache->free))
		rsp_cache_grow(cache);
	/* a slot does not come back while a touch of its old block is not told, or its slab leaves */
	while (list_empty(&cache->free)) {
		if (!rsp_cache_evict(cache))
			return NULL;
		rsp_cache_deliver(cache);
	}
	block = list_first_entry(&cache->free, struct rsp_cache_block, list);
	list_del_init(&block->list);
	block->slab->nr_used++;
	atomic_set(&block->ref, 1);
	return block;
}

/* ----------------------------------------------------------- for the bios */

void rsp_cache_bio_copy(struct bio *bio, struct bvec_iter *iter, void *mem, u32 len,
			bool to_bio)
{
	while (len) {
		struct bio_vec vec = bio_iter_iovec(bio, *iter);
		u32 nr = min(vec.bv_len, len);

		if (to_bio)
			memcpy_to_page(vec.bv_page, vec.bv_offset, mem, nr);
		else
			memcpy_from_page(mem, vec.bv_page, vec.bv_offset, nr);
		bio_advance_iter_single(bio, iter, nr);
		mem += nr;
		len -= nr;
	}
}

/* Is block @number there, and nobody writes it? A moment later it may be otherwise. */
bool rsp_cache_has(struct rsp_cache *cache, u64 number)
{
	struct rsp_cache_bucket *bucket = rsp_cache_bucket(cache, number);
	struct rsp_cache_block *block;
	bool has;

	spin_lock(&bucket->lock);
	block = rsp_cache_find(bucket, number);
	has = block && !block->is_stale;
	spin_unlock(&bucket->lock);
	return has;
}

/* Copy a part of a block to the bio. Return: false if the block is not there. */
bool rsp_cache_read_block(struct rsp_cache *cache, u64 number, u32 off, u32 len,
			  struct bio *bio, struct bvec_iter *iter)
{
	struct rsp_cache_bucket *bucket = rsp_cache_bucket(cache, number);
	struct rsp_cache_block *block;

	spin_lock(&bucket->lock);
	block = rsp_cache_find(bucket, number);
	if (!block || block->is_stale) {
		spin_unlock(&bucket->lock);
		return false;
	}
	rsp_cache_bio_copy(bio, iter, rsp_cache_slot_data(block) + off, len, true);
	atomic_inc(&block->ref);
	spin_unlock(&bucket->lock);
	rsp_cache_touch(cache, block);
	return true;
}

/*
 * A bio that the cache cannot answer is about to go down: an access of the blocks that are
 * there, and may the others come in? Return: how many blocks there will be something to do for
 * when it has ended.
 */
u32 rsp_cache_ask(struct rsp_cache *cache, u64 first, u32 nr, bool is_write,
		  struct rsp_cache_part *parts)
{
	u32 i, nr_wanted = 0;

	rsp_cache_lock(cache);
	for (i = 0; i < nr; i++) {
		struct rsp_cache_bucket *bucket = rsp_cache_bucket(cache, first + i);
		struct rsp_cache_block *block;

		spin_lock(&bucket->lock);
		block = rsp_cache_find(bucket, first + i);
		spin_unlock(&bucket->lock);
		/* it stays: to remove it takes the lock we have */
		parts[i].to_list = -1;
		if (block)
			rsp_cache_tell_touch(cache, block);
		else if (parts[i].is_whole)
			parts[i].to_list = rsp_cache_obj_admit(&cache->obj,
				&(struct rsp_block_req){ first + i, is_write, nr });
		parts[i].gen = cache->obj.seen_gen;
		if (parts[i].to_list >= 0 || (block && is_write))
			nr_wanted++;
	}
	spin_unlock(&cache->lock);
	return nr_wanted;
}

/* a write begins whose data will be here: until then these blocks answer nobody */
void rsp_cache_mark(struct rsp_cache *cache, u64 first, u32 nr)
{
	u64 number;

	for (number = first; number < first + nr; number++) {
		struct rsp_cache_bucket *bucket = rsp_cache_bucket(cache, number);
		struct rsp_cache_block *block;

		spin_lock(&bucket->lock);
		block = rsp_cache_find(bucket, number);
		if (block) {
			block->is_stale = true;
			rsp_cache_slot_open(cache, block);
		}
		spin_unlock(&bucket->lock);
	}
}

/* the write @io, which marked the block, is done: if the block is still here it is good again */
void rsp_cache_update(struct rsp_cache *cache, struct rsp_cache_io *io, u64 number,
		      struct page *page, u32 off, u32 len)
{
	struct rsp_cache_bucket *bucket = rsp_cache_bucket(cache, number);
	struct rsp_cache_block *block;

	spin_lock(&bucket->lock);
	block = rsp_cache_find(bucket, number);
	if (block && !READ_ONCE(io->is_spoiled)) {
		rsp_cache_slot_open(cache, block);
		memcpy_from_page(rsp_cache_slot_data(block) + off, page, off, len);
		rsp_cache_slot_close(cache, block);
		block->is_stale = false;
		rsp_cache_count(cache, RSP_CACHE_STAT_UPDATES, 1);
	}
	spin_unlock(&bucket->lock);
}

/* a taken slot becomes its block, unless that is there already or @io carries what is old */
static void rsp_cache_insert(struct rsp_cache *cache, struct rsp_cache_io *io,
			     struct rsp_cache_block *block, u64 number, u32 to_list)
{
	struct rsp_cache_bucket *bucket = rsp_cache_bucket(cache, number);

	lockdep_assert_held(&cache->lock);
	spin_lock(&bucket->lock);
	/* or its slab left meanwhile: nobody would find the block to remove it */
	if (block->slab->is_leaving || READ_ONCE(io->is_spoiled) ||
	    rsp_cache_find(bucket, number)) {
		spin_unlock(&bucket->lock);
		rsp_cache_block_put(cache, block);
		return;
	}
	block->obj = (struct rsp_block_obj){
		.view = {
			.number		= number,
			.cache_id	= cache->obj.view.id,
			.list		= to_list,
		},
	};
	block->is_cached = true;
	rsp_cache_slot_close(cache, block);
	hlist_add_head(&block->hash, &bucket->head);
	spin_unlock(&bucket->lock);
	list_add(&block->list, &cache->lists[to_list]);
	cache->obj.view.nr_in[to_list]++;
	rsp_cache_slab_touch(cache, block->slab);
	rsp_cache_count(cache, RSP_CACHE_STAT_INSERTS, 1);
	rsp_cache_obj_insert(&cache->obj, &block->obj);
}

/* the blocks that rsp_cache_ask() let in have come: their data is in the parts' pages */
void rsp_cache_fill(struct rsp_cache *cache, struct rsp_cache_io *io, u64 first, u32 nr,
		    struct rsp_cache_part *parts)
{
	u32 i, nr_slot = 0;

	rsp_cache_lock(cache);
	for (i = 0; i < nr && !READ_ONCE(io->is_spoiled); i++) {
		if (parts[i].to_list < 0)
			continue;
		parts[i].slot = rsp_cache_slot_get(cache);
		if (!parts[i].slot)
			break;
		nr_slot++;
	}
	spin_unlock(&cache->lock);
	if (!nr_slot)
		return;
	for (i = 0; i < nr; i++)
		if (parts[i].slot)
			memcpy_from_page(rsp_cache_slot_data(parts[i].slot), parts[i].page, 0,
					 RSP_CACHE_BLOCK);
	rsp_cache_lock(cache);
	for (i = 0; i < nr; i++)
		/* where the policy wanted it that was asked; another one knows the first list only */
		if (parts[i].slot)
			rsp_cache_insert(cache, io, parts[i].slot, first + i,
					 parts[i].gen == cache->obj.seen_gen ?
					 parts[i].to_list : 0);
	spin_unlock(&cache->lock);
}

/* ----------------------------------------------------------------- removal */

static void rsp_cache_remove_one(struct rsp_cache *cache, u64 number, enum rsp_remove_why why)
{
	struct rsp_cache_bucket *bucket = rsp_cache_bucket(cache, number);
	struct rsp_cache_block *block;

	spin_lock(&bucket->lock);
	block = rsp_cache_find(bucket, number);
	spin_unlock(&bucket->lock);
	if (!block)
		return;
	rsp_cache_lock(cache);
	/* it may be gone, or come anew, in between */
	spin_lock(&bucket->lock);
	block = rsp_cache_find(bucket, number);
	spin_unlock(&bucket->lock);
	if (block)
		rsp_cache_detach(cache, block, why);
	spin_unlock(&cache->lock);
}

/* a block of the bucket between @first and @last, U64_MAX if there is none */
static u64 rsp_cache_bucket_next(struct rsp_cache_bucket *bucket, u64 first, u64 last)
{
	struct rsp_cache_block *block;
	u64 number = U64_MAX;

	spin_lock(&bucket->lock);
	hlist_for_each_entry(block, &bucket->head, hash) {
		if (block->obj.view.number >= first && block->obj.view.number <= last) {
			number = block->obj.view.number;
			break;
		}
	}
	spin_unlock(&bucket->lock);
	return number;
}

/*
 * Blocks @first to @last are not cached any more. Takes the bucket lock of each of them, whether it is
 * there or not: what cache_io.c argues with.
 */
void rsp_cache_remove(struct rsp_cache *cache, u64 first, u64 last, enum rsp_remove_why why)
{
	u64 number, i;

	if (last - first < 1ULL << cache->hash_bits) {
		for (number = first; number <= last; number++) {
			rsp_cache_remove_one(cache, number, why);
			cond_resched();
		}
		return;
	}
	for (i = 0; i < 1ULL << cache->hash_bits; i++) {
		struct rsp_cache_bucket *bucket = &cache->buckets[i];

		while ((number = rsp_cache_bucket_next(bucket, first, last)) != U64_MAX)
			rsp_cache_remove_one(cache, number, why);
		cond_resched();
	}
}

/* The slab that was touched longest ago goes back to the pool. Return: its bytes, 0 if there is none. */
u32 rsp_cache_give_slab(struct rsp_cache *cache, enum rsp_remove_why why)
{
	struct rsp_cache_slab *slab;
	u32 bytes, i;

	rsp_cache_lock(cache);
	if (list_empty(&cache->slabs)) {
		spin_unlock(&cache->lock);
		return 0;
	}
	slab = list_last_entry(&cache->slabs, struct rsp_cache_slab, list);
	slab->is_leaving = true;
	list_del(&slab->list);
	cache->nr_buf -= slab->nr_buf;
	bytes = slab->nr_buf * RSP_CACHE_BUF;
	slab->nr_used++;	/* ours: it must not go before the loop ends */
	for (i = 0; i < rsp_cache_slab_slots(slab); i++) {
		struct rsp_cache_block *block = &slab->blocks[i];

		if (block->is_cached)
			rsp_cache_detach(cache, block, why);
		else if (!atomic_read(&block->ref))
			list_del_init(&block->list);
	}
	if (!--slab->nr_used)
		rsp_cache_slab_destroy(cache, slab);
	spin_unlock(&cache->lock);
	return bytes;
}

/* jiffies when the slab that would go next was touched, U64_MAX if there is none */
u64 rsp_cache_coldest(struct rsp_cache *cache)
{
	u64 touched = U64_MAX;

	spin_lock(&cache->lock);
	if (!list_empty(&cache->slabs))
		touched = list_last_entry(&cache->slabs, struct rsp_cache_slab, list)->touched;
	spin_unlock(&cache->lock);
	return touched;
}

/* What is cached now goes, with its memory. */
void rsp_cache_drop(struct rsp_cache *cache)
{
	u64 nr = READ_ONCE(cache->nr_buf);

	while (nr-- && rsp_cache_give_slab(cache, RSP_REMOVE_DROPPED))
		cond_resched();
	/* a hit meanwhile may keep a slot, and its slab, until it is told */
	rsp_cache_lock(cache);
	spin_unlock(&cache->lock);
}

void rsp_cache_resize(struct rsp_cache *cache, u64 bytes)
{
	bool too_large;

	spin_lock(&cache->lock);
	cache->max_buf = div_u64(bytes, RSP_CACHE_BUF);
	cache->obj.view.size_bytes = cache->max_buf * RSP_CACHE_BUF;
	cache->obj.view.max_block = cache->max_buf * RSP_CACHE_SLOTS;
	cache->grow_after = get_jiffies_64();
	spin_unlock(&cache->lock);
	do {
		spin_lock(&cache->lock);
		too_large = cache->nr_buf > cache->max_buf;
		spin_unlock(&cache->lock);
		cond_resched();
	} while (too_large && rsp_cache_give_slab(cache, RSP_REMOVE_DROPPED));
}

/* ----------------------------------------------------------- init and exit */

/* for those who look at the view: counters are kept for each processor */
void rsp_cache_look(const struct rsp_cache_obj *obj, struct rsp_cache_view *view)
{
	const struct rsp_cache *cache = container_of_const(obj, struct rsp_cache, obj);
	u64 *const to[RSP_CACHE_NR_STAT] = {
		[RSP_CACHE_STAT_HITS]		= &view->nr_hit,
		[RSP_CACHE_STAT_MISSES]		= &view->nr_miss,
		[RSP_CACHE_STAT_BYPASSES]	= &view->nr_bypass,
		[RSP_CACHE_STAT_INSERTS]	= &view->nr_insert,
		[RSP_CACHE_STAT_UPDATES]	= &view->nr_update,
		[RSP_CACHE_STAT_EVICTIONS]	= &view->nr_evict,
		[RSP_CACHE_STAT_INVALIDATIONS]	= &view->nr_invalidate,
		[RSP_CACHE_STAT_RECLAIMED]	= &view->nr_reclaim,
		[RSP_CACHE_STAT_REFUSED]	= &view->nr_refused,
		[RSP_CACHE_STAT_PEER_HITS]	= &view->nr_peer_hit,
		[RSP_CACHE_STAT_PEER_STALE]	= &view->nr_peer_stale,
	};
	int cpu, i;

	for (i = 0; i < RSP_CACHE_NR_STAT; i++) {
		u64 sum = 0;

		for_each_possible_cpu(cpu)
			sum += READ_ONCE(per_cpu_ptr(cache->stat, cpu)->nr[i]);
		*to[i] = sum;
	}
	view->held_bytes = READ_ONCE(cache->nr_buf) * RSP_CACHE_BUF;
}

int rsp_cache_store_init(struct rsp_cache *cache, u64 bytes)
{
	/* as many as the pool could ever hold blocks of this device, two to a bucket */
	u64 most = min(cache->nr_block, rsp_pool_limit() >> RSP_CACHE_SHIFT);
	u64 i;

	cache->hash_bits = clamp(ilog2(most | 1), 6, 20);
	cache->buckets = kvmalloc_array(1ULL << cache->hash_bits, sizeof(*cache->buckets),
					GFP_KERNEL);
	cache->stat = alloc_percpu(struct rsp_cache_stat);
	if (!cache->buckets || !cache->stat) {
		kvfree(cache->buckets);
		free_percpu(cache->stat);
		return -ENOMEM;
	}
	for (i = 0; i < 1ULL << cache->hash_bits; i++) {
		spin_lock_init(&cache->buckets[i].lock);
		INIT_HLIST_HEAD(&cache->buckets[i].head);
	}
	spin_lock_init(&cache->lock);
	spin_lock_init(&cache->touch_lock);
	spin_lock_init(&cache->idle_lock);
	INIT_LIST_HEAD(&cache->idle);
	spin_lock_init(&cache->range_lock);
	for (i = 0; i < RSP_NR_LIST; i++)
		INIT_LIST_HEAD(&cache->lists[i]);
	INIT_LIST_HEAD(&cache->free);
	INIT_LIST_HEAD(&cache->slabs);
	cache->ranges = RB_ROOT_CACHED;
	rsp_cache_resize(cache, bytes);
	return 0;
}

/* no bio is under way */
void rsp_cache_store_exit(struct rsp_cache *cache)
{
	rsp_cache_drop(cache);
	rsp_cache_pub_exit(cache);
	rsp_cache_copies_free(cache);
	WARN_ON_ONCE(!list_empty(&cache->slabs) || !list_empty(&cache->free) ||
		     memchr_inv(cache->obj.view.nr_in, 0, sizeof(cache->obj.view.nr_in)) ||
		     cache->nr_touched || !RB_EMPTY_ROOT(&cache->ranges.rb_root));
	kvfree(cache->buckets);
	free_percpu(cache->stat);
}
