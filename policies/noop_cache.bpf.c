// SPDX-License-Identifier: GPL-2.0
/*
 * noop_cache: every cache hook attached, every answer that of builtin. Nothing
 * changes but the cost of asking, which is what this policy measures. Its
 * answers are those of kmod/policy_hook.c: change both. Never useful otherwise.
 * On overload: as builtin.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

/* knobs: builtin's constants */
const volatile __u32 first_list = 0;	/* blocks come into this one of the four lists */

/* calls per hook */
enum rsp_stat {
	STAT_ADMIT,
	STAT_TOUCH,
	STAT_EVICT,
	STAT_INSERT,
	STAT_REMOVE,
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

int RSP_HOOK(noop_cache_init)
{
	return 0;
}

int RSP_HOOK(noop_cache_admit, struct rsp_cache_view *cache, struct rsp_block_req *req)
{
	stat_inc(STAT_ADMIT);
	return first_list;
}

int RSP_HOOK(noop_cache_touch, struct rsp_cache_view *cache, struct rsp_block_view *block)
{
	stat_inc(STAT_TOUCH);
	return block->list;
}

int RSP_HOOK(noop_cache_evict, struct rsp_cache_view *cache, struct rsp_block_view *t0,
	     struct rsp_block_view *t1, struct rsp_block_view *t2, struct rsp_block_view *t3)
{
	__u64 most = cache->nr_in[0];
	__u32 longest = 0;

	stat_inc(STAT_EVICT);
	for (__u32 i = 1; i < RSP_NR_LIST; i++) {
		if (cache->nr_in[i] > most) {
			most = cache->nr_in[i];
			longest = i;
		}
	}
	return RSP_EVICT(longest);
}

void RSP_HOOK(noop_cache_insert, struct rsp_cache_view *cache, struct rsp_block_view *block)
{
	stat_inc(STAT_INSERT);
}

void RSP_HOOK(noop_cache_remove, struct rsp_cache_view *cache, struct rsp_block_view *block,
	      __u32 why)
{
	stat_inc(STAT_REMOVE);
}

void RSP_HOOK(noop_cache_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_cache_ops, noop_cache) = {
	.init		= (void *)noop_cache_init,
	.admit		= (void *)noop_cache_admit,
	.touch		= (void *)noop_cache_touch,
	.evict		= (void *)noop_cache_evict,
	.insert		= (void *)noop_cache_insert,
	.remove		= (void *)noop_cache_remove,
	.exit		= (void *)noop_cache_exit,
	.name		= "noop_cache",
};
