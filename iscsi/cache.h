/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rsp_cache.ko: a write-through block cache in memory of the RSP pool.
 *
 * cache_main.c	the service, what it gives back under pressure, module
 * cache_target.c	the device-mapper target: table, status, messages
 * cache_io.c		the life of a bio, and why no read is stale: read its top first
 * cache_store.c	slabs, blocks, the index, the four lists, eviction
 * cache_pub.c		what peers can read: slabs, and the directory that tells where blocks are
 * cache_peer.c	reading from a peer that publishes so
 *
 * Lock order, outermost first:
 *	rsp_cache_mutex		list of caches; process context, sleeps
 *	rsp_cache.lock		lists, slabs, free slots, all that decides about blocks
 *	rsp_cache_bucket.lock	what is in a bucket, the data of its blocks
 *	rsp_cache.touch_lock	blocks touched and not yet told
 *	rsp_cache.idle_lock	copies to be used again; nothing is taken inside
 *	rsp_cache.range_lock	bios under way; hard interrupts take it, nothing is taken inside
 *	rsp_cache_pub.lock	slabs on their way to and from being published
 * All but the last are taken in process context only: bios that complete go to a work queue.
 */
#ifndef _RSP_CACHE_H
#define _RSP_CACHE_H

#include <linux/bio.h>
#include <linux/device-mapper.h>
#include <linux/interval_tree.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <rsp/cache.h>
#include <rsp/desc.h>

#define RSP_CACHE_SHIFT		12
#define RSP_CACHE_BLOCK		(1U << RSP_CACHE_SHIFT)		/* bytes of a block */
#define RSP_CACHE_SECTORS	(RSP_CACHE_BLOCK >> SECTOR_SHIFT)
#define RSP_CACHE_BUF		SZ_64K				/* bytes of a pool buffer */
#define RSP_CACHE_SLOT		(RSP_CACHE_BLOCK + RSP_TRAILER_BYTES)
#define RSP_CACHE_SLOTS		15				/* of a buffer */
#define RSP_CACHE_SLAB_BUFS	16				/* of a slab that is published: one key */
#define RSP_CACHE_TOUCHES	16				/* told at a time */
#define RSP_CACHE_MAX_IDLE	64				/* copies kept */

static_assert(RSP_CACHE_SLOTS * RSP_CACHE_SLOT <= RSP_CACHE_BUF);
static_assert(sizeof(unsigned long) == sizeof(u64));	/* interval trees have such keys */

/**
 * struct rsp_cache_block - a slot and the block in it
 * @hash: in its bucket, while the block is cached; bucket.lock
 * @list: rsp_cache.lists[] while cached, else rsp_cache.free, a list of who has taken the slot, or none
 * @slab: where the slot is
 * @obj: what policies see of it; number does not change while cached, the rest: cache.lock
 * @ref: 1 for being cached, 1 for each touch that is not told yet; the slot is free at 0
 * @is_cached: in a list and in its bucket; cache.lock
 * @is_stale: a write is under way; bucket.lock
 */
struct rsp_cache_block {
	struct hlist_node	hash;
	struct list_head	list;
	struct rsp_cache_slab	*slab;
	struct rsp_block_obj	obj;
	atomic_t		ref;
	bool			is_cached;
	bool			is_stale;
};

/**
 * struct rsp_cache_slab - pool buffers cut into slots, which come and go together
 * @list: rsp_cache.slabs, the one touched last first
 * @touched: jiffies of that
 * @nr_used: slots not in rsp_cache.free
 * @is_leaving: goes back to the pool with its last slot
 * @pub_list: rsp_cache_pub.fresh or .gone
 * @num: of a cache that is published: the slab's number there, never 0
 * @region: it can be read from afar; rsp_cache_pub.work
 * @sgt: what of it can
 * @nr_buf: buffers, one if it is not published
 * @bufs: its memory
 * @blocks: its slots, RSP_CACHE_SLOTS of each buffer
 */
struct rsp_cache_slab {
	struct list_head	list;
	u64			touched;
	u32			nr_used;
	bool			is_leaving;
	struct list_head	pub_list;
	u32			num;
	struct rsp_region	*region;
	struct sg_table		sgt;
	u32			nr_buf;
	struct rsp_buf		*bufs[RSP_CACHE_SLAB_BUFS];
	struct rsp_cache_block	blocks[];
};

/* where a slot is in its slab, from the beginning of the memory */
static inline u32 rsp_cache_slot_off(u32 index)
{
	return index / RSP_CACHE_SLOTS * RSP_CACHE_BUF + index % RSP_CACHE_SLOTS * RSP_CACHE_SLOT;
}

static inline u32 rsp_cache_slab_slots(const struct rsp_cache_slab *slab)
{
	return slab->nr_buf * RSP_CACHE_SLOTS;
}

struct rsp_cache_bucket {
	spinlock_t		lock;
	struct hlist_head	head;
};

/* counted where it happens; what each is stands in rsp_cache_figures[] */
enum rsp_cache_stat_id {
	RSP_CACHE_STAT_HITS,
	RSP_CACHE_STAT_MISSES,
	RSP_CACHE_STAT_BYPASSES,
	RSP_CACHE_STAT_INSERTS,
	RSP_CACHE_STAT_UPDATES,
	RSP_CACHE_STAT_EVICTIONS,
	RSP_CACHE_STAT_INVALIDATIONS,
	RSP_CACHE_STAT_RECLAIMED,
	RSP_CACHE_STAT_REFUSED,
	RSP_CACHE_STAT_PEER_HITS,
	RSP_CACHE_STAT_PEER_STALE,
	RSP_CACHE_NR_STAT
};

struct rsp_cache_stat {
	u64	nr[RSP_CACHE_NR_STAT];
};

/**
 * struct rsp_cache - a device with a cache
 * @node: in the list of all; rsp_cache_mutex
 * @ti: its target
 * @dev: what is cached
 * @obj: what policies see of it: size, what is in the lists; @lock
 * @max_io: blocks; larger bios are not cached
 * @nr_block: whole blocks of the device
 * @hash_bits: log2 of the number of buckets
 * @buckets: the index
 * @stat: counters
 * @pub_key: it is published with this key, 0 if not
 * @pub_net: there, of who made it
 * @pub: peers can read it. NULL where it has no key, or while the table before it has the key
 * @peer: a peer's can be read, or NULL
 * @is_shared: others write to the device, too: nothing is cached here
 * @lock: all to the next blank line
 * @lists: blocks, head first
 * @free: free slots
 * @slabs: the slab touched last first
 * @nr_buf: buffers of these
 * @max_buf: most of them
 * @looked: jiffies when the counters in @obj were brought up to date
 * @grow_after: jiffies before which the pool is not asked again, which has refused
 * @is_growing: it is being asked
 *
 * @touch_lock: @touched, @nr_touched
 * @idle_lock: @idle, @nr_idle
 * @idle: copies of one block with their page: to make one anew costs more than to read a block in a peer's memory
 * @nr_idle: of them, RSP_CACHE_MAX_IDLE at most
 * @range_lock: @ranges, is_spoiled of each
 * @ranges: fills and changes under way, by blocks
 */
struct rsp_cache {
	struct list_head	node;
	struct dm_target	*ti;
	struct dm_dev		*dev;
	struct rsp_cache_obj	obj;
	u32			max_io;
	u64			nr_block;
	u32			hash_bits;
	struct rsp_cache_bucket	*buckets;
	struct rsp_cache_stat __percpu *stat;
	u64			pub_key;
	struct net		*pub_net;
	struct rsp_cache_pub	*pub;
	struct rsp_cache_peer	*peer;
	bool			is_shared;

	spinlock_t		lock;
	struct list_head	lists[RSP_NR_LIST];
	struct list_head	free;
	struct list_head	slabs;
	u64			nr_buf;
	u64			max_buf;
	u64			grow_after;
	bool			is_growing;
	unsigned long		looked;

	spinlock_t		touch_lock;
	struct rsp_cache_block	*touched[RSP_CACHE_TOUCHES];
	u32			nr_touched;

	spinlock_t		idle_lock;
	struct list_head	idle;
	u32			nr_idle;

	spinlock_t		range_lock;
	struct rb_root_cached	ranges;
};

/**
 * struct rsp_cache_io - a bio of the target, in its per-bio data
 * @range: its blocks, while it is in rsp_cache.ranges
 * @in_ranges: it is
 * @is_change: a write or the like, not a fill
 * @is_spoiled: a change of the same blocks came meanwhile: what it carries must not be cached
 */
struct rsp_cache_io {
	struct interval_tree_node range;
	bool			in_ranges;
	bool			is_change;
	bool			is_spoiled;
};

/* a block of a bio that may be cached */
struct rsp_cache_part {
	struct page		*page;		/* its data, at the offset it has in the block */
	struct rsp_cache_block	*slot;		/* taken for it */
	int			to_list;	/* where it goes, below 0 for nowhere */
	u64			gen;		/* rsp_cache_obj.seen_gen when that was said */
	bool			is_whole;	/* all of the block's bytes */
};

/*
 * A bio's data in pages of our own. The clone is what dm gave us: it is not sent down and keeps its iterator,
 * the bio in its place goes. Or the only block is read from a peer: then there is a trailer and no bio.
 */
struct rsp_cache_copy {
	struct list_head	idle;		/* rsp_cache.idle */
	struct work_struct	work;
	struct rsp_cache	*cache;
	struct rsp_cache_io	*io;
	struct bio		*clone;
	struct bio		*bio;
	u64			first;		/* block */
	u32			nr;
	u32			off;		/* where the clone begins in the first block */
	bool			is_peer;
	int			peer_status;
	u32			peer_epoch;
	struct scatterlist	sg[2];
	struct rsp_trailer	trailer;
	struct rsp_cache_part	parts[];
};

static inline void rsp_cache_count(struct rsp_cache *cache, enum rsp_cache_stat_id id, u64 nr)
{
	this_cpu_add(cache->stat->nr[id], nr);
}

/* cache_main.c */
extern struct rsp_svc *rsp_cache_svc;
extern struct workqueue_struct *rsp_cache_wq;
bool rsp_cache_is_shrinking(void);
void rsp_cache_link(struct rsp_cache *cache);
void rsp_cache_unlink(struct rsp_cache *cache);
struct rsp_cache *rsp_cache_predecessor(const struct rsp_cache *next);

/* cache_pub.c */
int rsp_cache_pub_init(struct rsp_cache *cache);
int rsp_cache_pub_follow(struct rsp_cache *cache, struct rsp_cache *old);
void rsp_cache_pub_exit(struct rsp_cache *cache);
void rsp_cache_pub_seal(struct rsp_cache_block *block, struct rsp_cache_pub *pub, void *data);
void rsp_cache_pub_break(struct rsp_cache_block *block, struct rsp_cache_pub *pub, void *data);
void rsp_cache_pub_add(struct rsp_cache_pub *pub, struct rsp_cache_slab *slab);
void rsp_cache_pub_del(struct rsp_cache_pub *pub, struct rsp_cache_slab *slab);

/* cache_peer.c */
int rsp_cache_peer_init(struct rsp_cache *cache, const char *addr, u64 key);
void rsp_cache_peer_exit(struct rsp_cache *cache);
const char *rsp_cache_peer_addr(const struct rsp_cache_peer *peer, u64 *key);
bool rsp_cache_peer_has(struct rsp_cache_peer *peer, u64 number);
bool rsp_cache_peer_read(struct rsp_cache_peer *peer, struct rsp_cache_copy *copy);

/* cache_target.c */
extern struct target_type rsp_cache_target;

/* cache_io.c */
int rsp_cache_io_init(void);
void rsp_cache_io_exit(void);
int rsp_cache_map(struct dm_target *ti, struct bio *bio);
int rsp_cache_end_io(struct dm_target *ti, struct bio *bio, blk_status_t *status);
void rsp_cache_copies_free(struct rsp_cache *cache);
void rsp_cache_peer_ended(struct rsp_cache_copy *copy);

/* cache_store.c */
int rsp_cache_store_init(struct rsp_cache *cache, u64 bytes);
void rsp_cache_store_exit(struct rsp_cache *cache);
void rsp_cache_slab_free(struct rsp_cache_slab *slab);
bool rsp_cache_has(struct rsp_cache *cache, u64 number);
bool rsp_cache_read_block(struct rsp_cache *cache, u64 number, u32 off, u32 len,
			  struct bio *bio, struct bvec_iter *iter);
u32 rsp_cache_ask(struct rsp_cache *cache, u64 first, u32 nr, bool is_write,
		  struct rsp_cache_part *parts);
void rsp_cache_mark(struct rsp_cache *cache, u64 first, u32 nr);
void rsp_cache_update(struct rsp_cache *cache, struct rsp_cache_io *io, u64 number,
		      struct page *page, u32 off, u32 len);
void rsp_cache_fill(struct rsp_cache *cache, struct rsp_cache_io *io, u64 first, u32 nr,
		    struct rsp_cache_part *parts);
void rsp_cache_remove(struct rsp_cache *cache, u64 first, u64 last, enum rsp_remove_why why);
void rsp_cache_resize(struct rsp_cache *cache, u64 bytes);
u64 rsp_cache_coldest(struct rsp_cache *cache);
u32 rsp_cache_give_slab(struct rsp_cache *cache, enum rsp_remove_why why);
void rsp_cache_drop(struct rsp_cache *cache);
void rsp_cache_look(const struct rsp_cache_obj *obj, struct rsp_cache_view *view);

/* what the directory of a published cache has, docs/wire.md "A published block cache" */
#define RSP_CACHE_DIR_MAGIC	0x52535063	/* "RSPc" */
#define RSP_CACHE_DIR_VERSION	1
#define RSP_CACHE_DIR_HEADER	4096		/* bytes; entries stand behind it */
#define RSP_CACHE_DIR_MIN_BITS	9
#define RSP_CACHE_DIR_MAX_BITS	20
#define RSP_CACHE_LEASE_MS	10000

struct rsp_cache_dir_header {
	__be32	magic;
	__be32	version;
	__be64	nr_block;	/* of the device */
	__be32	bits;		/* log2 of the number of entries */
	__be32	rsvd;
};

/* which entry tells of a block */
static inline u32 rsp_cache_dir_index(u64 number, u32 bits)
{
	return number * 0x61c8864680b583ebULL >> (64 - bits);
}

/* move @len bytes between memory and the bio, from *@iter on */
void rsp_cache_bio_copy(struct bio *bio, struct bvec_iter *iter, void *mem, u32 len,
			bool to_bio);

#endif /* _RSP_CACHE_H */
