// SPDX-License-Identifier: GPL-2.0
/*
 * A cache that peers can read: its slabs are published (rsp/desc.h), and a directory that tells in
 * which slot a block is. docs/wire.md, "A published block cache".
 *
 *	slab	fresh --work: rsp_region_publish()--> readable --rsp_cache_pub_del()--> gone --work: nobody
 *		                                                                has a key--> freed
 *
 * A slot is sealed under its bucket's lock when it has its block, and broken under the same lock before
 * anything else becomes of the block: a change breaks it before it goes down to the device (cache_io.c), and what
 * makes a block answer here again seals it again. So whoever begins to read the slot when a change has been
 * acknowledged gets what is newer, or nothing; the argument of cache_io.c holds for readers at peers
 * as it does for those here.
 *
 * The directory is a hint. Its entries are written without a lock, two blocks may want the same one, and
 * readers have copies that are old: the trailer of the slot decides.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "cache.h"

struct rsp_cache_pub {
	struct rsp_cache	*cache;
	u32			epoch;		/* of the directory, and of all slots */
	u32			bits;
	__be64			*dir;
	void			*mem;		/* the directory with its header */
	struct sg_table		sgt;
	struct rsp_region	*region;
	u32			next_num;	/* rsp_cache.lock */
	spinlock_t		lock;
	struct list_head	fresh, gone;	/* slabs */
	struct work_struct	work;
};

/* ------------------------------------------------------------------- slots */

/* what the directory says of a block in a slot */
static __be64 rsp_cache_pub_entry(const struct rsp_cache_block *block)
{
	u32 index = block - block->slab->blocks;

	return cpu_to_be64(block->obj.view.number << 32 | block->slab->num << 8 | index);
}

/* the slot has its block. Context: bucket.lock held */
void rsp_cache_pub_seal(struct rsp_cache_block *block, struct rsp_cache_pub *pub, void *data)
{
	u64 number = block->obj.view.number;

	rsp_slot_seal(data + RSP_CACHE_BLOCK, data, RSP_CACHE_BLOCK, number, pub->epoch);
	WRITE_ONCE(pub->dir[rsp_cache_dir_index(number, pub->bits)], rsp_cache_pub_entry(block));
}

/* it has it no longer, or it is about to change. Context: bucket.lock held */
void rsp_cache_pub_break(struct rsp_cache_block *block, struct rsp_cache_pub *pub, void *data)
{
	__be64 *entry = &pub->dir[rsp_cache_dir_index(block->obj.view.number, pub->bits)];

	rsp_slot_break(data + RSP_CACHE_BLOCK);
	/* another block may have taken the entry */
	cmpxchg64((u64 *)entry, (__force u64)rsp_cache_pub_entry(block), 0);
}

/* ------------------------------------------------------------------- slabs */

static void rsp_cache_pub_slab(struct rsp_cache_pub *pub, struct rsp_cache_slab *slab)
{
	struct rsp_region_attr attr = {
		.net		= pub->cache->pub_net,
		.key		= pub->cache->pub_key + slab->num,
		.access		= RSP_DESC_READ,
		.slot_bytes	= RSP_CACHE_SLOT,
		.lease_ms	= RSP_CACHE_LEASE_MS,
	};
	struct rsp_region *region;
	struct scatterlist *sg;
	int i;

	if (sg_alloc_table(&slab->sgt, slab->nr_buf, GFP_KERNEL))
		return;
	for_each_sgtable_sg(&slab->sgt, sg, i)
		sg_set_buf(sg, slab->bufs[i]->data, RSP_CACHE_BUF);
	attr.sgl = slab->sgt.sgl;
	attr.nents = slab->sgt.nents;
	region = rsp_region_publish(rsp_cache_svc, &attr);
	if (IS_ERR(region)) {
		/* it serves here; peers go without */
		pr_warn_ratelimited("%s: a slab cannot be published: %pe\n",
				    pub->cache->obj.view.dev, region);
		sg_free_table(&slab->sgt);
		return;
	}
	slab->region = region;
}

static struct rsp_cache_slab *rsp_cache_pub_pop(struct rsp_cache_pub *pub)
{
	struct rsp_cache_slab *slab;

	spin_lock(&pub->lock);
	slab = list_first_entry_or_null(&pub->fresh, struct rsp_cache_slab, pub_list);
	if (slab)
		list_del_init(&slab->pub_list);
	spin_unlock(&pub->lock);
	return slab;
}

static void rsp_cache_pub_work(struct work_struct *work)
{
	struct rsp_cache_pub *pub = container_of(work, struct rsp_cache_pub, work);
	struct rsp_cache_slab *slab, *next;
	unsigned int noio;
	LIST_HEAD(gone);

	/* a suspended device may wait for us */
	noio = memalloc_noio_save();
	/* one that goes meanwhile waits for this work to come round again */
	while ((slab = rsp_cache_pub_pop(pub)))
		rsp_cache_pub_slab(pub, slab);
	spin_lock(&pub->lock);
	list_splice_init(&pub->gone, &gone);
	spin_unlock(&pub->lock);
	list_for_each_entry(slab, &gone, pub_list)
		if (slab->region)
			rsp_region_unpublish(slab->region);
	list_for_each_entry_safe(slab, next, &gone, pub_list) {
		if (slab->region) {
			rsp_region_revoke(slab->region);
			sg_free_table(&slab->sgt);
		}
		rsp_cache_slab_free(slab);
	}
	memalloc_noio_restore(noio);
}

/* a new one. Context: rsp_cache.lock held */
void rsp_cache_pub_add(struct rsp_cache_pub *pub, struct rsp_cache_slab *slab)
{
	/* 24 bits of an entry; never 0 */
	pub->next_num = pub->next_num % ((1 << 24) - 1) + 1;
	slab->num = pub->next_num;
	spin_lock(&pub->lock);
	list_add_tail(&slab->pub_list, &pub->fresh);
	spin_unlock(&pub->lock);
	queue_work(system_unbound_wq, &pub->work);
}

/* All its slots are broken: it is freed when nobody has a key. Context: rsp_cache.lock held */
void rsp_cache_pub_del(struct rsp_cache_pub *pub, struct rsp_cache_slab *slab)
{
	spin_lock(&pub->lock);
	list_move_tail(&slab->pub_list, &pub->gone);
	spin_unlock(&pub->lock);
	queue_work(system_unbound_wq, &pub->work);
}

/* ----------------------------------------------------------- init and exit */

static int rsp_cache_pub_alloc(struct rsp_cache_pub *pub)
{
	u64 most = pub->cache->obj.view.max_block;
	struct rsp_cache_dir_header *header;
	u32 bytes;

	/* two entries to a block */
	pub->bits = clamp(ilog2(most | 1) + 2, RSP_CACHE_DIR_MIN_BITS, RSP_CACHE_DIR_MAX_BITS);
	bytes = RSP_CACHE_DIR_HEADER + (sizeof(*pub->dir) << pub->bits);
	pub->mem = vzalloc(bytes);
	if (!pub->mem || rsp_desc_sg_vmalloc(&pub->sgt, pub->mem, bytes))
		return -ENOMEM;
	header = pub->mem;
	header->magic = cpu_to_be32(RSP_CACHE_DIR_MAGIC);
	header->version = cpu_to_be32(RSP_CACHE_DIR_VERSION);
	header->nr_block = cpu_to_be64(pub->cache->nr_block);
	header->bits = cpu_to_be32(pub->bits);
	pub->dir = pub->mem + RSP_CACHE_DIR_HEADER;
	return 0;
}

static void rsp_cache_pub_free(struct rsp_cache_pub *pub)
{
	sg_free_table(&pub->sgt);
	vfree(pub->mem);
	kfree(pub);
}

/* before there is anything in the cache. Return: 0 or a negative errno */
int rsp_cache_pub_init(struct rsp_cache *cache)
{
	struct rsp_region_attr attr = {
		.net		= cache->pub_net,
		.key		= cache->pub_key,
		.access		= RSP_DESC_READ,
		.lease_ms	= RSP_CACHE_LEASE_MS,
	};
	struct rsp_cache_pub *pub;
	int err;

	pub = kzalloc(sizeof(*pub), GFP_KERNEL);
	if (!pub)
		return -ENOMEM;
	pub->cache = cache;
	spin_lock_init(&pub->lock);
	INIT_LIST_HEAD(&pub->fresh);
	INIT_LIST_HEAD(&pub->gone);
	INIT_WORK(&pub->work, rsp_cache_pub_work);
	err = rsp_cache_pub_alloc(pub);
	if (err)
		goto err_free;
	attr.sgl = pub->sgt.sgl;
	attr.nents = pub->sgt.nents;
	pub->region = rsp_region_publish(rsp_cache_svc, &attr);
	if (IS_ERR(pub->region)) {
		err = PTR_ERR(pub->region);
		goto err_free;
	}
	pub->epoch = rsp_region_epoch(pub->region);
	cache->pub = pub;
	return 0;

err_free:
	rsp_cache_pub_free(pub);
	return err;
}

/*
 * The key of @old, a cache that is empty and stays so (or NULL), goes to one that is new. @old waits for its readers as
 * it ends, when there is I/O again; its slabs on their way out have names that no slab of the new one gets.
 */
int rsp_cache_pub_follow(struct rsp_cache *cache, struct rsp_cache *old)
{
	int err;

	if (old)
		rsp_region_unpublish(old->pub->region);
	err = rsp_cache_pub_init(cache);
	if (!err && old)
		cache->pub->next_num = old->pub->next_num;
	return err;
}

/* the cache is empty, and stays so */
void rsp_cache_pub_exit(struct rsp_cache *cache)
{
	struct rsp_cache_pub *pub = cache->pub;

	if (!pub)
		return;
	rsp_region_unpublish(pub->region);
	flush_work(&pub->work);
	rsp_region_revoke(pub->region);
	cache->pub = NULL;
	rsp_cache_pub_free(pub);
}
