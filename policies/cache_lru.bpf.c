// SPDX-License-Identifier: GPL-2.0
/*
 * cache_lru: least recently used. One list, a touched block goes to its head, the tail is evicted: what builtin
 * does, with figures.
 *
 * Hooks: admit, touch, evict. Helps where what was used lately is used again soon. Wrong choice where
 * large scans pass through (cache_scan, cache_s3fifo) or where blocks are used often but not lately
 * (cache_tinylfu). On overload: nothing special.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

enum rsp_stat {
	STAT_MISS,		/* blocks asked for and not there */
	STAT_HIT,		/* touches */
	STAT_EVICT,		/* blocks evicted */
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

int RSP_HOOK(lru_admit, struct rsp_cache_view *cache, struct rsp_block_req *req)
{
	stat_inc(STAT_MISS);
	return 0;
}

int RSP_HOOK(lru_touch, struct rsp_cache_view *cache, struct rsp_block_view *block)
{
	stat_inc(STAT_HIT);
	return 0;
}

int RSP_HOOK(lru_evict, struct rsp_cache_view *cache, struct rsp_block_view *t0,
	     struct rsp_block_view *t1, struct rsp_block_view *t2, struct rsp_block_view *t3)
{
	stat_inc(STAT_EVICT);
	return RSP_EVICT(0);
}

void RSP_HOOK(lru_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_cache_ops, cache_lru) = {
	.admit	= (void *)lru_admit,
	.touch	= (void *)lru_touch,
	.evict	= (void *)lru_evict,
	.exit	= (void *)lru_exit,
	.name	= "cache_lru",
};
