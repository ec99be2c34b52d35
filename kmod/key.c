// SPDX-License-Identifier: GPL-2.0
/*
 * Keys: memory that a peer may touch, for as long as it may.
 *
 * A map makes a scatterlist reachable through one or more keys (fast
 * registration MRs, pooled per device):
 *
 *   IDLE --rsp_work_add_map(), posted--> ADDED --rsp_map_put()--> INVALIDATING --> SAFE, freed
 *     '---rsp_map_put() or the channel's end: nothing was ever valid--------------^
 *                                          '--the peer invalidated the only key---^
 *
 * A key goes back to the pool only when it is known to be invalid: the peer
 * said so in a Send With Invalidate, or our LOCAL_INV completed. Where neither
 * can happen any more, because the queue pair died, the key is destroyed
 * (rsp_map_destroy_all() and rsp_map_inv_done()), which ends its validity too.
 * Only then is the memory unmapped and the owner told.
 *
 * Keys grow in batches from a work item when they run low, and at once where
 * the caller may sleep.
 */
#include <linux/module.h>

#include "core.h"
#include "trace.h"

#define RSP_KEY_BATCH	16
#define RSP_KEY_LOW	4

static struct kmem_cache *rsp_map_cache;

static void rsp_key_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct rsp_ep *ep = wc->qp->qp_context;

	/* only errors get here: the work requests of a key are not signaled */
	if (wc->status == IB_WC_SUCCESS)
		return;
	if (wc->status != IB_WC_WR_FLUSH_ERR && ep->chan)
		trace_rsp_work_error(&ep->chan->view, wc->status, IB_WR_REG_MR);
	rsp_ep_kill(ep, -EIO);
}

static struct rsp_key *rsp_key_create(struct rsp_keys *keys)
{
	struct rsp_key *key;
	struct ib_mr *mr;

	key = kzalloc(sizeof(*key), GFP_KERNEL);
	if (!key)
		return NULL;
	mr = ib_alloc_mr(keys->pd, IB_MR_TYPE_MEM_REG, keys->max_pages);
	if (IS_ERR(mr)) {
		kfree(key);
		return NULL;
	}
	/* a peer that guesses keys shall not begin at 0 */
	ib_update_fast_reg_key(mr, get_random_u8());
	key->mr = mr;
	key->cqe.done = rsp_key_done;
	atomic_inc(&keys->nr);
	return key;
}

static void rsp_key_destroy(struct rsp_keys *keys, struct rsp_key *key)
{
	int err = ib_dereg_mr(key->mr);

	WARN_ON_ONCE(err);
	atomic_dec(&keys->nr);
	kfree(key);
}

static void rsp_key_free(struct rsp_keys *keys, struct rsp_key *key)
{
	spin_lock_bh(&keys->lock);
	list_add(&key->list, &keys->free);
	keys->nr_free++;
	spin_unlock_bh(&keys->lock);
}

static void rsp_keys_grow_work(struct work_struct *work)
{
	struct rsp_keys *keys = container_of(work, struct rsp_keys, grow_work);
	struct rsp_key *key;
	int i;

	for (i = 0; i < RSP_KEY_BATCH; i++) {
		key = rsp_key_create(keys);
		if (!key)
			break;
		rsp_key_free(keys, key);
	}
	trace_rsp_keys_grow(keys->dev->index, i);
}

static struct rsp_key *rsp_key_alloc(struct rsp_keys *keys, gfp_t gfp)
{
	u32 how = RSP_KEYS_POOLED;
	struct rsp_key *key;
	bool is_low;

	spin_lock_bh(&keys->lock);
	key = list_first_entry_or_null(&keys->free, struct rsp_key, list);
	if (key) {
		list_del(&key->list);
		keys->nr_free--;
	}
	is_low = keys->nr_free < RSP_KEY_LOW;
	spin_unlock_bh(&keys->lock);
	if (is_low && keys->grows)
		queue_work(rsp_wq, &keys->grow_work);
	if (!key && gfpflags_allow_blocking(gfp)) {
		key = rsp_key_create(keys);
		how = RSP_KEYS_MADE;
	}
	trace_rsp_keys_take(keys->dev->index, !keys->grows, key ? how : RSP_KEYS_NONE);
	return key;
}

/* @grows: keys are made ahead. Context: process, may sleep. Return: 0 or a negative errno */
int rsp_keys_init(struct rsp_keys *keys, struct rsp_dev *dev, bool grows)
{
	struct ib_pd *pd = ib_alloc_pd(dev->ibdev, 0);

	if (IS_ERR(pd))
		return PTR_ERR(pd);
	keys->dev = dev;
	keys->pd = pd;
	keys->grows = grows;
	spin_lock_init(&keys->lock);
	INIT_LIST_HEAD(&keys->free);
	INIT_WORK(&keys->grow_work, rsp_keys_grow_work);
	keys->max_pages = min_t(u32, RSP_KEY_PAGES, dev->ibdev->attrs.max_fast_reg_page_list_len);
	return 0;
}

/* Those who had maps and queue pairs in the domain have left it. */
void rsp_keys_exit(struct rsp_keys *keys)
{
	struct rsp_key *key, *next;

	cancel_work_sync(&keys->grow_work);
	list_for_each_entry_safe(key, next, &keys->free, list)
		rsp_key_destroy(keys, key);
	WARN_ON_ONCE(atomic_read(&keys->nr));
	ib_dealloc_pd(keys->pd);
}

/* -------------------------------------------------------------------- maps */

/*
 * The keys are invalid, or become so by being destroyed: give them back, undo
 * the DMA mapping. The caller keeps the device from leaving.
 */
static void rsp_map_release(struct rsp_map *map, bool destroy)
{
	struct rsp_keys *keys = rsp_chan_keys(map->chan);
	u32 i;

	for (i = 0; i < map->nr; i++) {
		if (destroy)
			rsp_key_destroy(keys, map->keys[i]);
		else
			rsp_key_free(keys, map->keys[i]);
	}
	trace_rsp_keys_give(keys->dev->index, !keys->grows, map->nr, destroy);
	ib_dma_unmap_sg(keys->dev->ibdev, map->sgl, map->nents, map->dma_dir);
}

static void rsp_map_free(struct rsp_map *map)
{
	struct rsp_chan *chan = map->chan;

	kmem_cache_free(rsp_map_cache, map);
	rsp_chan_put(chan);
}

/* what a peer may do with the memory; writing from afar needs writing at all */
static int rsp_map_access(const struct rsp_map *map)
{
	int access = map->dma_dir == DMA_FROM_DEVICE ? 0 : IB_ACCESS_REMOTE_READ;

	if (map->dma_dir != DMA_TO_DEVICE)
		access |= IB_ACCESS_LOCAL_WRITE | IB_ACCESS_REMOTE_WRITE;
	return access;
}

static int rsp_map_keys(struct rsp_map *map, struct rsp_keys *keys, int nents, gfp_t gfp)
{
	struct scatterlist *sg = map->sgl;
	unsigned int off = 0;
	struct rsp_key *key;
	int n;

	while (nents) {
		if (map->nr == RSP_MAP_MAX_KEY)
			return -EINVAL;
		key = rsp_key_alloc(keys, gfp);
		if (!key)
			return -EAGAIN;
		map->keys[map->nr++] = key;
		n = ib_map_mr_sg(key->mr, sg, nents, &off, PAGE_SIZE);
		if (n < 0 || (!n && !off))
			return -EINVAL;
		nents -= n;
		while (n--)
			sg = sg_next(sg);

		ib_update_fast_reg_key(key->mr, ib_inc_rkey(key->mr->rkey));
		key->reg_wr = (struct ib_reg_wr){
			.wr.opcode	= IB_WR_REG_MR,
			.wr.wr_cqe	= &key->cqe,
			.mr		= key->mr,
			.key		= key->mr->rkey,
			.access		= rsp_map_access(map),
		};
		map->desc[map->nr - 1] = (struct rsp_desc){
			.addr	= key->mr->iova,
			.len	= key->mr->length,
			.rkey	= key->mr->rkey,
		};
	}
	return 0;
}

static void rsp_map_trace(const struct rsp_map *map)
{
	u32 i, pages = 0, len = 0;

	if (!trace_rsp_key_reg_enabled())
		return;
	for (i = 0; i < map->nr; i++) {
		pages += DIV_ROUND_UP(offset_in_page(map->desc[i].addr) + map->desc[i].len,
				      PAGE_SIZE);
		len += map->desc[i].len;
	}
	trace_rsp_key_reg(&map->chan->view, pages, len);
}

/* rsp_map_get() with DMA_BIDIRECTIONAL, too: the peer may read and write it */
struct rsp_map *rsp_map_make(struct rsp_chan *chan, struct scatterlist *sgl, u32 nents,
			     enum dma_data_direction dir, gfp_t gfp)
{
	struct rsp_map *map;
	struct rsp_ep *ep;
	int n, err;

	map = kmem_cache_alloc(rsp_map_cache, gfp);
	if (!map)
		return ERR_PTR(-ENOMEM);
	map->chan = chan;
	map->sgl = sgl;
	map->nents = nents;
	map->nr = 0;
	map->dma_dir = dir;
	map->state = RSP_MAP_IDLE;

	/* nr_work keeps the device while the map is being made; then the list does */
	err = -ENOTCONN;
	ep = rsp_chan_begin(chan);
	if (!ep)
		goto err_free;
	err = -ENOMEM;
	n = ib_dma_map_sg(ep->dev->ibdev, sgl, nents, map->dma_dir);
	if (!n)
		goto err_end;
	err = rsp_map_keys(map, ep->keys, n, gfp);
	if (err)
		goto err_release;
	rsp_chan_get(chan);
	spin_lock_bh(&chan->map_lock);
	list_add_tail(&map->list, &chan->maps);
	spin_unlock_bh(&chan->map_lock);
	rsp_chan_end(chan, ep);
	chan->view.nr_reg += map->nr;
	rsp_map_trace(map);
	return map;

err_release:
	rsp_map_release(map, false);
err_end:
	rsp_chan_end(chan, ep);
err_free:
	kmem_cache_free(rsp_map_cache, map);
	return ERR_PTR(err);
}

/**
 * rsp_map_get() - Make memory reachable for the peer
 * @chan: the channel whose peer shall reach it
 * @sgl: the memory; the array must stay until the map is put and safe
 * @nents: its entries
 * @dir: RSP_DIR_IN: the peer writes into it; RSP_DIR_OUT: the peer reads it
 * @gfp: whether to sleep for keys
 *
 * Nothing is reachable yet: rsp_work_add_map() and rsp_work_post() register
 * it, and only then may the descriptors be told to the peer, usually in the
 * message of the same work.
 *
 * Context: Process context; atomic if @gfp says so.
 * Return: the map, to be ended with rsp_map_put(), or ERR_PTR():
 * * %-ENOTCONN	- the channel is closing
 * * %-EAGAIN	- no free key now, more are on their way
 * * %-EINVAL	- needs more than RSP_MAP_MAX_KEY keys
 * * %-ENOMEM	- no memory, or it cannot be mapped for DMA
 */
struct rsp_map *rsp_map_get(struct rsp_chan *chan, struct scatterlist *sgl, u32 nents,
			    enum rsp_dir dir, gfp_t gfp)
{
	return rsp_map_make(chan, sgl, nents,
			    dir == RSP_DIR_IN ? DMA_FROM_DEVICE : DMA_TO_DEVICE, gfp);
}
EXPORT_SYMBOL_GPL(rsp_map_get);

/**
 * rsp_map_descs() - What to tell the peer
 * @map: the map
 * @nr: set to the number of descriptors, 1 to RSP_MAP_MAX_KEY
 *
 * Context: Any.
 * Return: the descriptors, in the order of the memory; valid until the put.
 */
const struct rsp_desc *rsp_map_descs(const struct rsp_map *map, u32 *nr)
{
	*nr = map->nr;
	return map->desc;
}
EXPORT_SYMBOL_GPL(rsp_map_descs);

/* take the map off the channel's list; false if the channel's end did it before */
static bool rsp_map_unlink(struct rsp_map *map)
{
	bool was_listed;

	spin_lock_bh(&map->chan->map_lock);
	was_listed = !list_empty(&map->list);
	list_del_init(&map->list);
	spin_unlock_bh(&map->chan->map_lock);
	return was_listed;
}

static void rsp_map_inv_done(struct rsp_work *pub, int status)
{
	struct rsp_map *map = container_of(pub, struct rsp_iwork, pub)->inv_map;

	/* flushed: unknown whether invalid. The channel is ending and will destroy them. */
	if (status)
		return;
	if (!rsp_map_unlink(map))
		return;
	trace_rsp_key_inv(&map->chan->view, 1);
	rsp_map_release(map, false);
	map->done(map->ctx, 0);
	rsp_map_free(map);
}

/**
 * rsp_map_put() - End the peer's access
 * @map: from rsp_map_get()
 * @inv_rkey: the key the peer invalidated with its last message, 0 if none
 * @done: called when the memory is safe, unless this call returns 0
 * @ctx: passed to @done
 *
 * Afterwards the map is RSP's. The memory belongs to its owner again when this
 * returns 0 or @done has been called, whatever happens to the channel.
 *
 * Context: Process context, atomic. @done: that of recv(), or a work queue.
 * Return: 0 when the memory is safe now, as always where no work was given the
 * map; %-EINPROGRESS when @done will tell.
 */
int rsp_map_put(struct rsp_map *map, u32 inv_rkey, void (*done)(void *ctx, int status), void *ctx)
{
	struct rsp_chan *chan = map->chan;
	struct rsp_iwork *work;
	struct rsp_ep *ep;
	bool is_safe;

	if (map->state == RSP_MAP_IDLE ||
	    (map->nr == 1 && inv_rkey && inv_rkey == map->desc[0].rkey)) {
		/* a channel that ends waits for us, or has taken the map off its list and,
		 * where no work had it, released it at once (see rsp_map_destroy_all())
		 */
		ep = rsp_chan_pin(chan);
		is_safe = rsp_map_unlink(map);
		if (is_safe) {
			trace_rsp_key_inv(&chan->view, 0);
			rsp_map_release(map, false);
		}
		rsp_chan_end(chan, ep);
		if (is_safe) {
			rsp_map_free(map);
			return 0;
		}
	}

	spin_lock_bh(&chan->map_lock);
	is_safe = map->state == RSP_MAP_SAFE;
	if (!is_safe) {
		map->done = done;
		map->ctx = ctx;
		map->state = RSP_MAP_INVALIDATING;
	}
	spin_unlock_bh(&chan->map_lock);
	if (is_safe) {
		rsp_map_free(map);
		return 0;
	}

	/* where no invalidation can be posted, the end of the channel destroys the keys */
	work = rsp_work_alloc(chan, GFP_ATOMIC);
	if (work) {
		work->inv_map = map;
		work->pub.done = rsp_map_inv_done;
		rsp_work_submit(work);
	} else {
		rsp_chan_fail(chan, -ENOMEM);
	}
	return -EINPROGRESS;
}
EXPORT_SYMBOL_GPL(rsp_map_put);

/*
 * The queue pair is drained: no invalidation will complete. Destroy the keys of
 * all maps, which is what ends their validity. Context: process, sleeps.
 */
void rsp_map_destroy_all(struct rsp_chan *chan)
{
	struct rsp_map *map;
	LIST_HEAD(maps);
	bool is_put;

	spin_lock_bh(&chan->map_lock);
	while ((map = list_first_entry_or_null(&chan->maps, struct rsp_map, list))) {
		list_del_init(&map->list);
		if (map->state == RSP_MAP_IDLE) {
			/* never registered; its owner's put may have no done() to wait for */
			rsp_map_release(map, false);
			map->state = RSP_MAP_SAFE;
			continue;
		}
		spin_unlock_bh(&chan->map_lock);
		trace_rsp_key_inv(&chan->view, 2);
		rsp_map_release(map, true);
		spin_lock_bh(&chan->map_lock);
		is_put = map->state == RSP_MAP_INVALIDATING;
		map->state = RSP_MAP_SAFE;
		if (is_put) {
			spin_unlock_bh(&chan->map_lock);
			map->done(map->ctx, 0);
			rsp_map_free(map);
			spin_lock_bh(&chan->map_lock);
		}
	}
	spin_unlock_bh(&chan->map_lock);
}

int rsp_key_init(void)
{
	rsp_map_cache = KMEM_CACHE(rsp_map, 0);
	return rsp_map_cache ? 0 : -ENOMEM;
}

void rsp_key_exit(void)
{
	kmem_cache_destroy(rsp_map_cache);
}
