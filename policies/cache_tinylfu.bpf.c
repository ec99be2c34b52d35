// SPDX-License-Identifier: GPL-2.0
/*
 * cache_tinylfu: W-TinyLFU (Einziger, Friedman, Manes, "TinyLFU: a highly efficient cache admission policy", ACM
 * Transactions on Storage 2017). A window of one percent, list 0, takes new blocks; what leaves it comes into
 * the main part only if it was used more often than the block that would have to go. The main part is a
 * segmented LRU: list 1 on probation, list 2, up to 80 % of it, for what was touched there. How often a block
 * was used, cached or not, is estimated by a count-min sketch of 4-bit counters, halved after ten accesses for each
 * block of the cache.
 *
 * Without the doorkeeper of the paper. What is too much in list 2 goes back when a slot is needed, not at once. While the cache is
 * filling up new blocks go past the full window to probation. The sketch is shared by all caches, and updates of two
 * caches may get lost: an estimate is a little lower then.
 *
 * Hooks: admit, touch, evict. Helps where popularity is skewed and stable. Wrong choice where it
 * changes quickly: old counts keep new blocks out until they are halved. On overload: nothing special.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

#define ROWS		4
#define ROW_BITS	14			/* log2 of the counters in a row */
#define ROW_WORDS	(1 << (ROW_BITS - 4))	/* 16 counters each */

/* knobs */
const volatile __u32 window_pct = 1;	/* of the blocks */
const volatile __u32 protected_pct = 80;	/* of the main part */
const volatile __u32 sample = 10;	/* accesses for each block until counters are halved */

enum { WINDOW, PROBATION, PROTECTED };	/* lists */

#define MAX_STEP	200		/* of 256 that the mechanism allows for one block */

struct tinylfu_cache {			/* of a cache, priv[] */
	__u64	nr_full;		/* blocks when a slot was needed last */
	__u64	nr_step;		/* moves since the last block went */
};

static __u64 sketch[ROWS * ROW_WORDS];
static __u64 nr_access;			/* since counters were halved */

enum rsp_stat {
	STAT_MISS,
	STAT_HIT,
	STAT_WON,		/* candidates used more often than the victim */
	STAT_LOST,		/* others */
	STAT_DEMOTED,		/* from list 2 to list 1 */
	STAT_HALVED,
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

static __u64 tinylfu_hash(__u64 number)
{
	number = (number ^ (number >> 31)) * 0x9e3779b97f4a7c15ULL;
	number = (number ^ (number >> 29)) * 0xbf58476d1ce4e5b9ULL;
	return number ^ (number >> 32);
}

/* the word of a block's counter in @row, and where in it */
static __u64 *tinylfu_word(__u64 hash, __u32 row, __u32 *shift)
{
	__u32 at = (hash >> (row * 16)) & ((1 << ROW_BITS) - 1);

	*shift = at % 16 * 4;
	return &sketch[(row * ROW_WORDS + at / 16) & (ROWS * ROW_WORDS - 1)];
}

static __u32 tinylfu_freq(__u64 number)
{
	__u64 hash = tinylfu_hash(number);
	__u32 least = 15, shift;

	for (__u32 row = 0; row < ROWS; row++) {
		__u32 nr = *tinylfu_word(hash, row, &shift) >> shift & 15;

		least = RSP_MIN(least, nr);
	}
	return least;
}

static void tinylfu_halve(void)
{
	for (__u32 i = 0; i < ROWS * ROW_WORDS; i++)
		sketch[i] = sketch[i] >> 1 & 0x7777777777777777ULL;
	nr_access /= 2;
	stat_inc(STAT_HALVED);
}

static void tinylfu_add(const struct rsp_cache_view *cache, __u64 number)
{
	__u64 hash = tinylfu_hash(number);
	__u32 shift;

	for (__u32 row = 0; row < ROWS; row++) {
		__u64 *word = tinylfu_word(hash, row, &shift);

		if ((*word >> shift & 15) < 15)
			*word += 1ULL << shift;
	}
	if (++nr_access >= (__u64)sample * cache->max_block)
		tinylfu_halve();
}

static __u64 tinylfu_total(const struct rsp_cache_view *cache)
{
	return cache->nr_in[WINDOW] + cache->nr_in[PROBATION] + cache->nr_in[PROTECTED];
}

/* not while it fills, at first or behind a drop or a suspend */
static bool tinylfu_is_full(const struct rsp_cache_view *cache, __u64 nr_full)
{
	__u64 nr = tinylfu_total(cache);

	return nr_full && nr + nr / 16 >= nr_full;
}

static __u64 tinylfu_window(const struct rsp_cache_view *cache)
{
	__u64 nr = tinylfu_total(cache) * window_pct / 100;

	return RSP_MAX(nr, 1ULL);
}

int RSP_HOOK(tinylfu_admit, struct rsp_cache_view *cache, struct rsp_block_req *req)
{
	struct tinylfu_cache *mine = RSP_PRIV(struct tinylfu_cache, cache);

	stat_inc(STAT_MISS);
	tinylfu_add(cache, req->number);
	if (tinylfu_is_full(cache, mine->nr_full) || cache->nr_in[WINDOW] < tinylfu_window(cache))
		return WINDOW;
	return PROBATION;
}

int RSP_HOOK(tinylfu_touch, struct rsp_cache_view *cache, struct rsp_block_view *block)
{
	stat_inc(STAT_HIT);
	tinylfu_add(cache, block->number);
	return block->list == WINDOW ? WINDOW : PROTECTED;
}

int RSP_HOOK(tinylfu_evict, struct rsp_cache_view *cache, struct rsp_block_view *window,
	     struct rsp_block_view *probation, struct rsp_block_view *protected,
	     struct rsp_block_view *t3)
{
	struct tinylfu_cache *mine = RSP_PRIV(struct tinylfu_cache, cache);
	__u64 nr_window = tinylfu_window(cache), nr_main;

	mine->nr_full = tinylfu_total(cache);
	nr_main = mine->nr_full - nr_window;
	/* what hits have moved to PROTECTED comes back in steps, of which one answer has so many */
	if (mine->nr_step >= MAX_STEP) {
		mine->nr_step = 0;
		return RSP_EVICT(cache->nr_in[PROBATION] ? PROBATION :
				 cache->nr_in[WINDOW] ? WINDOW : PROTECTED);
	}
	mine->nr_step++;
	if (cache->nr_in[PROTECTED] > nr_main * protected_pct / 100 ||
	    (cache->nr_in[PROTECTED] && !cache->nr_in[PROBATION])) {
		stat_inc(STAT_DEMOTED);
		return RSP_MOVE(PROTECTED, PROBATION);
	}
	if (cache->nr_in[PROBATION] && cache->nr_in[WINDOW] >= nr_window &&
	    tinylfu_freq(window->number) > tinylfu_freq(probation->number)) {
		stat_inc(STAT_WON);
		return RSP_MOVE(WINDOW, PROBATION);
	}
	mine->nr_step = 0;
	if (cache->nr_in[PROBATION] && cache->nr_in[WINDOW] < nr_window)
		return RSP_EVICT(PROBATION);
	stat_inc(STAT_LOST);
	return RSP_EVICT(WINDOW);
}

void RSP_HOOK(tinylfu_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_cache_ops, cache_tinylfu) = {
	.admit	= (void *)tinylfu_admit,
	.touch	= (void *)tinylfu_touch,
	.evict	= (void *)tinylfu_evict,
	.exit	= (void *)tinylfu_exit,
	.name	= "cache_tinylfu",
};
