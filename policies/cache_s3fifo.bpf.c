// SPDX-License-Identifier: GPL-2.0
/*
 * cache_s3fifo: S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you need for cache eviction", SOSP
 * 2023). New blocks go to a small queue, list 0, a tenth of the cache; of its tails those that were
 * touched more than once go on to the main queue, list 1, the others are evicted and remembered by a ghost. A block that the
 * ghost knows comes to the main queue at once. There the tail goes round as often as it was touched, up to
 * three times. No list is reordered by a touch.
 *
 * The ghost is a window of as many evictions from the small queue as the main queue has blocks. Of one slot's search no more than
 * most_rounds blocks go round, then the tail is evicted all the same.
 *
 * Hooks: admit, touch, evict. Helps where many blocks are used once: they leave soon. Wrong choice where
 * what comes again does so later than the ghost remembers, or in a cache of a few dozen blocks. On
 * overload: nothing special.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

/* knobs */
const volatile __u32 small_pct = 10;	/* of the blocks: the small queue */
const volatile __u32 most_freq = 3;	/* touches of a block that count */
const volatile __u32 most_rounds = 200;	/* blocks that go round for one eviction, at most 250 */

enum { SMALL, MAIN };			/* lists */

struct s3fifo_block {			/* of a block, priv[] */
	__u64	freq;
};

struct s3fifo_cache {			/* of a cache, priv[] */
	__u64	nr_ghost;		/* blocks that went to the ghost so far */
	__u64	nr_round;		/* went round since the last eviction */
};

struct ghost_key {
	__u64	number;
	__u64	cache_id;
};

/* when a block went to the ghost: nr_ghost then. Kept far longer than it is looked at */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 18);
	__type(key, struct ghost_key);
	__type(value, __u64);
} ghost SEC(".maps");

enum rsp_stat {
	STAT_SMALL,		/* new blocks */
	STAT_GHOST,		/* new ones that the ghost knew */
	STAT_PROMOTED,		/* from the small to the main queue */
	STAT_ROUND,		/* went round in the main queue */
	STAT_EVICT_SMALL,
	STAT_EVICT_MAIN,
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

static __u64 s3fifo_small(const struct rsp_cache_view *cache)
{
	__u64 nr = (cache->nr_in[SMALL] + cache->nr_in[MAIN]) * small_pct / 100;

	return RSP_MAX(nr, 1ULL);
}

int RSP_HOOK(s3fifo_admit, struct rsp_cache_view *cache, struct rsp_block_req *req)
{
	struct s3fifo_cache *mine = RSP_PRIV(struct s3fifo_cache, cache);
	struct ghost_key key = { req->number, cache->id };
	__u64 *when = bpf_map_lookup_elem(&ghost, &key), window;

	if (!when) {
		stat_inc(STAT_SMALL);
		return SMALL;
	}
	window = cache->nr_in[SMALL] + cache->nr_in[MAIN] - s3fifo_small(cache);
	window = mine->nr_ghost - *when < window;
	bpf_map_delete_elem(&ghost, &key);
	stat_inc(window ? STAT_GHOST : STAT_SMALL);
	return window ? MAIN : SMALL;
}

int RSP_HOOK(s3fifo_touch, struct rsp_cache_view *cache, struct rsp_block_view *block)
{
	struct s3fifo_block *mine = RSP_PRIV(struct s3fifo_block, block);

	if (mine->freq < most_freq)
		mine->freq++;
	return -1;
}

int RSP_HOOK(s3fifo_evict, struct rsp_cache_view *cache, struct rsp_block_view *small,
	     struct rsp_block_view *main, struct rsp_block_view *t2, struct rsp_block_view *t3)
{
	struct s3fifo_cache *mine = RSP_PRIV(struct s3fifo_cache, cache);
	struct s3fifo_block *block;

	if (cache->nr_in[SMALL] && (cache->nr_in[SMALL] >= s3fifo_small(cache) ||
				    !cache->nr_in[MAIN])) {
		struct ghost_key key = { small->number, cache->id };
		__u64 now = mine->nr_ghost;

		block = RSP_PRIV(struct s3fifo_block, small);
		if (block->freq > 1 && mine->nr_round < most_rounds) {
			block->freq = 0;
			mine->nr_round++;
			stat_inc(STAT_PROMOTED);
			return RSP_MOVE(SMALL, MAIN);
		}
		bpf_map_update_elem(&ghost, &key, &now, BPF_ANY);
		mine->nr_ghost = now + 1;
		mine->nr_round = 0;
		stat_inc(STAT_EVICT_SMALL);
		return RSP_EVICT(SMALL);
	}
	block = RSP_PRIV(struct s3fifo_block, main);
	if (block->freq && mine->nr_round < most_rounds) {
		block->freq--;
		mine->nr_round++;
		stat_inc(STAT_ROUND);
		return RSP_MOVE(MAIN, MAIN);
	}
	mine->nr_round = 0;
	stat_inc(STAT_EVICT_MAIN);
	return RSP_EVICT(MAIN);
}

void RSP_HOOK(s3fifo_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_cache_ops, cache_s3fifo) = {
	.admit	= (void *)s3fifo_admit,
	.touch	= (void *)s3fifo_touch,
	.evict	= (void *)s3fifo_evict,
	.exit	= (void *)s3fifo_exit,
	.name	= "cache_s3fifo",
};
