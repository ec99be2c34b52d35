// SPDX-License-Identifier: GPL-2.0
/*
 * cache_scan: LRU that a scan cannot wash out. Once the cache is full a block comes in only when it is missed a second
 * time, within as many misses as window_pct of the cache has blocks: what is read once, however much of it, stays
 * outside (the A1out of Johnson and Shasha, "2Q", VLDB 1994, as an admission filter).
 *
 * Hooks: admit, evict; touch as builtin. Helps beside backups, file system checks and other long reads. Wrong choice where
 * the working set changes all the time: each block is missed twice. On overload: nothing special.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

/* knobs */
const volatile __u32 window_pct = 200;	/* of the blocks the cache may have: misses in which a second one counts */

struct scan_cache {			/* of a cache, priv[] */
	__u64	nr_miss;
	__u64	nr_full;		/* blocks when a slot was needed last */
};

struct miss_key {
	__u64	number;
	__u64	cache_id;
};

/* when a block was missed: nr_miss then. Kept far longer than it is looked at */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 18);
	__type(key, struct miss_key);
	__type(value, __u64);
} missed SEC(".maps");

enum rsp_stat {
	STAT_FIRST,		/* misses that left the block outside */
	STAT_SECOND,		/* that let it in */
	STAT_FILL,		/* that let it in since there was room */
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

int RSP_HOOK(scan_admit, struct rsp_cache_view *cache, struct rsp_block_req *req)
{
	struct scan_cache *mine = RSP_PRIV(struct scan_cache, cache);
	struct miss_key key = { req->number, cache->id };
	__u64 window = (__u64)cache->max_block * window_pct / 100;
	__u64 now = mine->nr_miss, nr = cache->nr_in[0], *when;

	mine->nr_miss = now + 1;
	/* it fills, at first or behind a drop or a suspend */
	if (!mine->nr_full || nr + nr / 16 < mine->nr_full) {
		stat_inc(STAT_FILL);
		return 0;
	}
	when = bpf_map_lookup_elem(&missed, &key);
	if (when && now - *when <= window) {
		bpf_map_delete_elem(&missed, &key);
		stat_inc(STAT_SECOND);
		return 0;
	}
	bpf_map_update_elem(&missed, &key, &now, BPF_ANY);
	stat_inc(STAT_FIRST);
	return -1;
}

int RSP_HOOK(scan_evict, struct rsp_cache_view *cache, struct rsp_block_view *t0,
	     struct rsp_block_view *t1, struct rsp_block_view *t2, struct rsp_block_view *t3)
{
	struct scan_cache *mine = RSP_PRIV(struct scan_cache, cache);

	mine->nr_full = cache->nr_in[0];
	return RSP_EVICT(0);
}

void RSP_HOOK(scan_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_cache_ops, cache_scan) = {
	.admit	= (void *)scan_admit,
	.evict	= (void *)scan_evict,
	.exit	= (void *)scan_exit,
	.name	= "cache_scan",
};
