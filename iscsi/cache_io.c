// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a bio, and why no read is stale.
 *
 *	read   all blocks cached ---------------- copied, ended in map
 *	       one that is not, a peer has it     read from its memory (cache_peer.c) --> cached, copied on, ended
 *	       some are not, a policy wants them  copy: read into pages of our own --> cached, copied on, ended
 *	       nobody wants them, or no memory    goes down as it came
 *	write  blocks cached, or wanted           copy: written from pages of our own --> cached, ended
 *	       else, and discard, write zeroes,   what is cached is removed, goes down as it came
 *	       secure erase
 *	flush                                     goes down as it came
 *
 * A bio is ended by the device in any context, hard interrupts included; what has a copy then goes to a
 * work queue, where all of the cache's locks may be taken.
 *
 * What is cached has passed between the device and pages that nobody else can write. Copying
 * from the pages of a bio when it has ended would be one copy less, but they are somebody's who may
 * change them meanwhile: with direct I/O a process that may only read a file could so plant data of its
 * own for all others (bcache reads into its own pages for the same reason), and a write whose
 * buffer changes under way would leave the cache and the device apart.
 *
 * Why no read is stale. Let a change be a write, discard, write zeroes or secure erase of blocks R from map to
 * bio_endio(), and a fill the copy of a read. The claim: (1) from when a change is acknowledged no read that
 * begins then is answered from a copy that is older; (2) what a fill has read is cached only if it
 * is not older than any acknowledged change.
 *
 * rsp_cache.ranges has the blocks of all changes and fills under way, as an interval tree. Entering it and
 * looking who else is there is one step under range_lock:
 *	- a change that enters spoils all fills and changes that overlap it; if there was a change among
 *	  these it is spoiled itself (who of two overlapping writes came last only the device knows)
 *	- a fill that finds a change does not enter: it goes down as a plain read, nothing is cached
 * After it has entered, a change takes the bucket lock of each of its blocks once and marks the block stale, or
 * removes it (rsp_cache_mark(), rsp_cache_remove()); only then it goes down. Data gets into the index,
 * or a stale block becomes good, only under the block's bucket lock and only if the fill or write that
 * carries it is not spoiled at that time (rsp_cache_insert(), rsp_cache_update()), before it leaves the tree.
 *
 * Now let change W have entered, and some other fill or write X want to cache a block of W's.
 *	- X entered before W and had not left: W spoiled it. If X's turn under the bucket lock is before W's, W
 *	  marks or removes what X cached. If it is after, X sees is_spoiled, which was set before W
 *	  took and let go that lock, and caches nothing.
 *	- X left before W entered: it had cached before it left, so W marks or removes that.
 *	- X came after W entered, and W has not left: a fill does not enter; a write is spoiled.
 *	- X came after W left: W's data was on the device then, X read it or wrote something newer.
 * So between W's pass over the buckets and its end nothing but W itself makes a block of R answer, which
 * it does with its own data, when that is on the device and unless it is spoiled; what it marked and does not make good,
 * because it failed or is spoiled, it removes before it is acknowledged. That is (1), and with X as the fill, (2).
 *
 * Reads that are under way together with a change see the old or the new data, block by block, as they would on the
 * device. Part of a block is changed like all of it, the rest of the block being right already:
 * only a write that is alone on the block gets there. When the device fails a write nobody knows what is on
 * it: the blocks are removed. A read that fails with its copy is sent down as it came: the copy
 * reads whole blocks, the error may be in a part that nobody asked for.
 *
 * Suspending waits in dm until all bios have ended; then the cache is emptied, for who suspends may change
 * the device behind our back. A table that is reloaded begins with an empty cache.
 *
 * No bio waits for memory here: pages, bios and slabs are asked for so that they may fail, and without
 * them the bio is passed down.
 */
#include <linux/blkdev.h>
#include <linux/slab.h>

#include "cache.h"

/* not out of the reserves of those who write memory out: the cache can do without */
#define RSP_CACHE_GFP	(GFP_NOWAIT | __GFP_NOWARN | __GFP_NOMEMALLOC)

static struct bio_set rsp_cache_bios;

/* ------------------------------------------------------------------ ranges */

/* Return: true if no change of these blocks is under way; false keeps a fill out */
static bool rsp_cache_enter(struct rsp_cache *cache, struct rsp_cache_io *io, u64 first,
			    u64 last, bool is_change)
{
	struct interval_tree_node *node;
	unsigned long flags;
	bool is_alone = true;

	spin_lock_irqsave(&cache->range_lock, flags);
	for (node = interval_tree_iter_first(&cache->ranges, first, last); node;
	     node = interval_tree_iter_next(node, first, last)) {
		struct rsp_cache_io *other = container_of(node, struct rsp_cache_io, range);

		if (other->is_change)
			is_alone = false;
		if (is_change)
			WRITE_ONCE(other->is_spoiled, true);
	}
	if (is_change || is_alone) {
		io->range.start = first;
		io->range.last = last;
		io->is_change = is_change;
		io->is_spoiled = !is_alone;
		io->in_ranges = true;
		interval_tree_insert(&io->range, &cache->ranges);
	}
	spin_unlock_irqrestore(&cache->range_lock, flags);
	return is_alone;
}

static void rsp_cache_leave(struct rsp_cache *cache, struct rsp_cache_io *io)
{
	unsigned long flags;

	spin_lock_irqsave(&cache->range_lock, flags);
	interval_tree_remove(&io->range, &cache->ranges);
	io->in_ranges = false;
	spin_unlock_irqrestore(&cache->range_lock, flags);
}

/* ------------------------------------------------------------------ copies */

static void rsp_cache_copy_work(struct work_struct *work);

/* one that was used before, with its page, or NULL */
static struct rsp_cache_copy *rsp_cache_copy_reuse(struct rsp_cache *cache)
{
	struct rsp_cache_copy *copy;
	struct page *page;

	spin_lock(&cache->idle_lock);
	copy = list_first_entry_or_null(&cache->idle, struct rsp_cache_copy, idle);
	if (copy) {
		list_del(&copy->idle);
		cache->nr_idle--;
	}
	spin_unlock(&cache->idle_lock);
	if (copy) {
		page = copy->parts[0].page;
		memset(copy, 0, struct_size(copy, parts, 1));
		copy->parts[0].page = page;
	}
	return copy;
}

/* Return: true if it is kept to be used again */
static bool rsp_cache_copy_keep(struct rsp_cache_copy *copy)
{
	struct rsp_cache *cache = copy->cache;
	bool is_kept = false;

	if (copy->nr != 1 || !copy->parts[0].page)
		return false;
	spin_lock(&cache->idle_lock);
	if (cache->nr_idle < RSP_CACHE_MAX_IDLE) {
		list_add(&copy->idle, &cache->idle);
		cache->nr_idle++;
		is_kept = true;
	}
	spin_unlock(&cache->idle_lock);
	return is_kept;
}

static struct rsp_cache_copy *rsp_cache_copy_alloc(struct rsp_cache *cache, u64 first, u32 nr)
{
	struct rsp_cache_copy *copy = nr == 1 ? rsp_cache_copy_reuse(cache) : NULL;

	if (!copy)
		copy = kzalloc(struct_size(copy, parts, nr), RSP_CACHE_GFP);
	if (!copy)
		return NULL;
	copy->cache = cache;
	copy->first = first;
	copy->nr = nr;
	INIT_WORK(&copy->work, rsp_cache_copy_work);
	return copy;
}

static void rsp_cache_copy_free(struct rsp_cache_copy *copy)
{
	u32 i;

	if (copy->bio)
		bio_put(copy->bio);
	if (rsp_cache_copy_keep(copy))
		return;
	for (i = 0; i < copy->nr; i++)
		if (copy->parts[i].page)
			__free_page(copy->parts[i].page);
	kfree(copy);
}

/* no bio is under way */
void rsp_cache_copies_free(struct rsp_cache *cache)
{
	struct rsp_cache_copy *copy, *next;

	list_for_each_entry_safe(copy, next, &cache->idle, idle) {
		__free_page(copy->parts[0].page);
		kfree(copy);
	}
}

static void rsp_cache_copy_done(struct bio *bio)
{
	struct rsp_cache_copy *copy = bio->bi_private;

	queue_work(rsp_cache_wq, &copy->work);
}

/* bytes of the clone in part @i, which begin at *@off of the block */
static u32 rsp_cache_part_range(const struct rsp_cache_copy *copy, u32 i, u32 *off)
{
	u32 end = copy->off + copy->clone->bi_iter.bi_size;

	*off = i ? 0 : copy->off;
	return min(end - (i << RSP_CACHE_SHIFT), RSP_CACHE_BLOCK) - *off;
}

static struct page *rsp_cache_part_page(struct rsp_cache_part *part)
{
	if (!part->page)
		part->page = alloc_page(RSP_CACHE_GFP);
	return part->page;
}

/* Pages and a bio of our own: whole blocks for a read, what the clone has for a write. */
static bool rsp_cache_copy_build(struct rsp_cache_copy *copy, struct rsp_cache_io *io,
				 struct bio *clone)
{
	const blk_opf_t opf = clone->bi_opf & ~(REQ_NOWAIT | REQ_POLLED);
	bool is_write = op_is_write(bio_op(clone));
	struct bvec_iter iter = clone->bi_iter;
	struct bio *bio;
	u32 i, off, len;

	copy->io = io;
	copy->clone = clone;
	bio = bio_alloc_bioset(clone->bi_bdev, copy->nr, opf, GFP_NOWAIT, &rsp_cache_bios);
	if (!bio)
		return false;
	copy->bio = bio;
	bio->bi_iter.bi_sector = copy->first * RSP_CACHE_SECTORS;
	bio->bi_end_io = rsp_cache_copy_done;
	bio->bi_private = copy;
	bio->bi_ioprio = clone->bi_ioprio;
	bio->bi_write_hint = clone->bi_write_hint;
	bio_clone_blkg_association(bio, clone);
	for (i = 0; i < copy->nr; i++) {
		struct page *page = rsp_cache_part_page(&copy->parts[i]);

		if (!page)
			return false;
		len = RSP_CACHE_BLOCK;
		off = 0;
		if (is_write) {
			len = rsp_cache_part_range(copy, i, &off);
			rsp_cache_bio_copy(clone, &iter, page_address(page) + off, len, false);
		}
		__bio_add_page(bio, page, len, off);
	}
	if (is_write)
		bio->bi_iter.bi_sector += copy->off >> SECTOR_SHIFT;
	return true;
}

/* a read has ended. Return: false to read again as the bio came */
static bool rsp_cache_read_done(struct rsp_cache_copy *copy)
{
	struct bvec_iter iter = copy->clone->bi_iter;
	struct rsp_cache *cache = copy->cache;
	u32 i, off, len;

	if (copy->bio->bi_status) {
		rsp_cache_leave(cache, copy->io);
		return false;
	}
	rsp_cache_fill(cache, copy->io, copy->first, copy->nr, copy->parts);
	rsp_cache_leave(cache, copy->io);
	for (i = 0; i < copy->nr; i++) {
		len = rsp_cache_part_range(copy, i, &off);
		rsp_cache_bio_copy(copy->clone, &iter, page_address(copy->parts[i].page) + off,
				   len, true);
	}
	return true;
}

/* a block came from a peer. Return: false to read it from the device */
static bool rsp_cache_peer_done(struct rsp_cache_copy *copy)
{
	struct bvec_iter iter = copy->clone->bi_iter;
	void *data = page_address(copy->parts[0].page);
	struct rsp_cache *cache = copy->cache;
	bool ok = !copy->peer_status;

	if (copy->io->in_ranges) {
		if (ok)
			rsp_cache_fill(cache, copy->io, copy->first, 1, copy->parts);
		rsp_cache_leave(cache, copy->io);
	}
	rsp_cache_count(cache, ok ? RSP_CACHE_STAT_PEER_HITS : RSP_CACHE_STAT_PEER_STALE, 1);
	if (ok)
		rsp_cache_bio_copy(copy->clone, &iter, data + copy->off, iter.bi_size, true);
	return ok;
}

/*
 * The read from a peer is over. What is good and not cached here needs nothing that sleeps: its reader
 * has it at once. Context: process, must not sleep long
 */
void rsp_cache_peer_ended(struct rsp_cache_copy *copy)
{
	struct bio *clone = copy->clone;

	if (!copy->peer_status)
		copy->peer_status = rsp_slot_check(&copy->trailer, page_address(copy->parts[0].page),
						   RSP_CACHE_BLOCK, copy->first, copy->peer_epoch);
	if (copy->peer_status || copy->io->in_ranges) {
		queue_work(rsp_cache_wq, &copy->work);
		return;
	}
	rsp_cache_peer_done(copy);
	rsp_cache_copy_free(copy);
	bio_endio(clone);
}

static void rsp_cache_write_done(struct rsp_cache_copy *copy)
{
	struct rsp_cache *cache = copy->cache;
	struct rsp_cache_io *io = copy->io;
	u64 last = copy->first + copy->nr - 1;
	u32 i, off, len;

	copy->clone->bi_status = copy->bio->bi_status;
	if (!copy->bio->bi_status && !READ_ONCE(io->is_spoiled)) {
		for (i = 0; i < copy->nr; i++) {
			len = rsp_cache_part_range(copy, i, &off);
			/* also what came between the question and the mark, which is stale by then */
			rsp_cache_update(cache, io, copy->first + i, copy->parts[i].page,
					 off, len);
		}
		rsp_cache_fill(cache, io, copy->first, copy->nr, copy->parts);
	}
	/* spoiled meanwhile, perhaps half-way: what is stale must not stay */
	if (copy->bio->bi_status || READ_ONCE(io->is_spoiled))
		rsp_cache_remove(cache, copy->first, last, RSP_REMOVE_INVALIDATED);
	rsp_cache_leave(cache, io);
}

static void rsp_cache_copy_work(struct work_struct *work)
{
	struct rsp_cache_copy *copy = container_of(work, struct rsp_cache_copy, work);
	struct bio *clone = copy->clone;
	bool is_done = true;

	if (copy->is_peer)
		is_done = rsp_cache_peer_done(copy);
	else if (op_is_write(bio_op(clone)))
		rsp_cache_write_done(copy);
	else
		is_done = rsp_cache_read_done(copy);
	rsp_cache_copy_free(copy);
	if (is_done)
		bio_endio(clone);
	else
		submit_bio_noacct(clone);
}

/* --------------------------------------------------------------------- map */

static u64 rsp_cache_first(const struct bio *bio)
{
	return bio->bi_iter.bi_sector / RSP_CACHE_SECTORS;
}

static u64 rsp_cache_last(const struct bio *bio)
{
	return (bio_end_sector(bio) - 1) / RSP_CACHE_SECTORS;
}

/* copy from the cache what the bio wants, if all of it is there */
static bool rsp_cache_answer(struct rsp_cache *cache, struct bio *bio, u64 first, u64 last)
{
	u32 off = (bio->bi_iter.bi_sector % RSP_CACHE_SECTORS) << SECTOR_SHIFT;
	struct bvec_iter iter = bio->bi_iter;
	u64 number;

	for (number = first; number <= last; number++)
		if (!rsp_cache_has(cache, number))
			return false;
	for (number = first; number <= last; number++) {
		u32 len = min(RSP_CACHE_BLOCK - off, iter.bi_size);

		/* it may have gone since */
		if (!rsp_cache_read_block(cache, number, off, len, bio, &iter))
			return false;
		off = 0;
	}
	return true;
}

/* A block that is not here may be in the memory of a peer. Return: false if it cannot be read there */
static bool rsp_cache_try_peer(struct rsp_cache_copy *copy, struct rsp_cache_io *io,
			       struct bio *bio, bool is_wanted)
{
	struct rsp_cache *cache = copy->cache;

	if (!cache->peer || copy->nr != 1 || bio->bi_opf & REQ_NOWAIT ||
	    /* a shared one has looked before it made the copy */
	    !(cache->is_shared || rsp_cache_peer_has(cache->peer, copy->first)) || !rsp_cache_part_page(&copy->parts[0]))
		return false;
	if (is_wanted && !rsp_cache_enter(cache, io, copy->first, copy->first, false))
		return false;
	copy->io = io;
	copy->clone = bio;
	copy->is_peer = true;
	if (rsp_cache_peer_read(cache->peer, copy))
		return true;
	copy->is_peer = false;
	if (io->in_ranges)
		rsp_cache_leave(cache, io);
	return false;
}

static int rsp_cache_map_read(struct rsp_cache *cache, struct rsp_cache_io *io,
			      struct bio *bio)
{
	u64 first = rsp_cache_first(bio), last = rsp_cache_last(bio), nr = last - first + 1;
	struct rsp_cache_copy *copy;
	u32 i, nr_wanted = 0;

	if (!cache->is_shared && rsp_cache_answer(cache, bio, first, last)) {
		rsp_cache_count(cache, RSP_CACHE_STAT_HITS, nr);
		bio_endio(bio);
		return DM_MAPIO_SUBMITTED;
	}
	rsp_cache_count(cache, RSP_CACHE_STAT_MISSES, nr);
	if (nr > cache->max_io || last >= cache->nr_block)
		goto bypass;
	if (cache->is_shared && (nr != 1 || !rsp_cache_peer_has(cache->peer, first)))
		return DM_MAPIO_REMAPPED;
	copy = rsp_cache_copy_alloc(cache, first, nr);
	if (!copy)
		goto bypass;
	copy->off = (bio->bi_iter.bi_sector % RSP_CACHE_SECTORS) << SECTOR_SHIFT;
	for (i = 0; i < nr; i++)
		copy->parts[i].is_whole = true;
	if (!cache->is_shared)
		nr_wanted = rsp_cache_ask(cache, first, nr, false, copy->parts);
	if (rsp_cache_try_peer(copy, io, bio, nr_wanted))
		return DM_MAPIO_SUBMITTED;
	if (!nr_wanted) {
		rsp_cache_copy_free(copy);
		return DM_MAPIO_REMAPPED;
	}
	if (!rsp_cache_copy_build(copy, io, bio) ||
	    !rsp_cache_enter(cache, io, first, last, false)) {
		rsp_cache_copy_free(copy);
		goto bypass;
	}
	submit_bio_noacct(copy->bio);
	return DM_MAPIO_SUBMITTED;

bypass:
	rsp_cache_count(cache, RSP_CACHE_STAT_BYPASSES, nr);
	return DM_MAPIO_REMAPPED;
}

/* a copy for a write that is alone, if there is something to do for it; NULL if not */
static struct rsp_cache_copy *rsp_cache_copy_write(struct rsp_cache *cache,
						   struct rsp_cache_io *io, struct bio *bio,
						   u64 first, u32 nr)
{
	struct rsp_cache_copy *copy = rsp_cache_copy_alloc(cache, first, nr);
	u32 i, off;

	if (!copy)
		goto bypass;
	copy->clone = bio;
	copy->off = (bio->bi_iter.bi_sector % RSP_CACHE_SECTORS) << SECTOR_SHIFT;
	for (i = 0; i < nr; i++)
		copy->parts[i].is_whole = rsp_cache_part_range(copy, i, &off) ==
					  RSP_CACHE_BLOCK;
	if (!rsp_cache_ask(cache, first, nr, true, copy->parts)) {
		rsp_cache_copy_free(copy);
		return NULL;
	}
	if (rsp_cache_copy_build(copy, io, bio))
		return copy;
	rsp_cache_copy_free(copy);
bypass:
	rsp_cache_count(cache, RSP_CACHE_STAT_BYPASSES, nr);
	return NULL;
}

static int rsp_cache_map_change(struct rsp_cache *cache, struct rsp_cache_io *io,
				struct bio *bio)
{
	u64 first = rsp_cache_first(bio), last = rsp_cache_last(bio), nr = last - first + 1;
	struct rsp_cache_copy *copy = NULL;
	bool is_alone;

	is_alone = rsp_cache_enter(cache, io, first, last, true);
	if (bio_op(bio) == REQ_OP_WRITE) {
		if (is_alone && nr <= cache->max_io && last < cache->nr_block && !cache->is_shared)
			copy = rsp_cache_copy_write(cache, io, bio, first, nr);
		else
			rsp_cache_count(cache, RSP_CACHE_STAT_BYPASSES, nr);
	}
	if (!copy) {
		rsp_cache_remove(cache, first, last, RSP_REMOVE_INVALIDATED);
		return DM_MAPIO_REMAPPED;
	}
	rsp_cache_mark(cache, first, nr);
	submit_bio_noacct(copy->bio);
	return DM_MAPIO_SUBMITTED;
}

int rsp_cache_map(struct dm_target *ti, struct bio *bio)
{
	struct rsp_cache_io *io = dm_per_bio_data(bio, sizeof(*io));
	struct rsp_cache *cache = ti->private;

	io->in_ranges = false;
	bio_set_dev(bio, cache->dev->bdev);
	bio->bi_iter.bi_sector = dm_target_offset(ti, bio->bi_iter.bi_sector);
	/* what has no blocks is a flush */
	if (!bio_sectors(bio))
		return DM_MAPIO_REMAPPED;
	if (op_is_write(bio_op(bio)))
		return rsp_cache_map_change(cache, io, bio);
	return rsp_cache_map_read(cache, io, bio);
}

int rsp_cache_end_io(struct dm_target *ti, struct bio *bio, blk_status_t *status)
{
	struct rsp_cache_io *io = dm_per_bio_data(bio, sizeof(*io));

	/* a change that went down as it came: what it touched had been removed before */
	if (io->in_ranges)
		rsp_cache_leave(ti->private, io);
	return DM_ENDIO_DONE;
}

int rsp_cache_io_init(void)
{
	return bioset_init(&rsp_cache_bios, 64, 0, BIOSET_NEED_BVECS);
}

void rsp_cache_io_exit(void)
{
	bioset_exit(&rsp_cache_bios);
}
