/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Block caches for rsp.ko: what a cache shows, and the questions of the cache policy.
 *
 * The caller of all questions holds the cache's lock, a spinlock; none sleeps. An answer needs no
 * further check but that of the lists that evict() is told about.
 */
#ifndef _RSP_CACHE_OBJ_H
#define _RSP_CACHE_OBJ_H

#include <linux/types.h>

#include <rsp/view.h>

/**
 * struct rsp_block_obj - a cached block, inside the service's own
 * @view: the service fills number, cache_id, list and nr_touch
 * @gen: rsp.ko's; 0 when the block comes
 */
struct rsp_block_obj {
	struct rsp_block_view	view;
	u64			gen;
};

/**
 * struct rsp_cache_obj - a block cache, inside the service's own
 * @view: the service fills what is not priv; id is rsp.ko's
 * @look: bring the counters of a copy of the view up to date; any context, under RCU
 * @gen: rsp.ko's
 * @seen_gen: rsp.ko's
 * @none: stands for the tail of a list that is empty
 */
struct rsp_cache_obj {
	struct rsp_cache_view	view;
	void			(*look)(const struct rsp_cache_obj *cache,
					struct rsp_cache_view *view);
	u64			gen;
	u64			seen_gen;
	struct rsp_block_obj	none;
};

int rsp_cache_obj_register(struct rsp_cache_obj *cache);
void rsp_cache_obj_unregister(struct rsp_cache_obj *cache);

bool rsp_cache_obj_swapped(struct rsp_cache_obj *cache);
int rsp_cache_obj_admit(struct rsp_cache_obj *cache, struct rsp_block_req *req);
int rsp_cache_obj_touch(struct rsp_cache_obj *cache, struct rsp_block_obj *block);
void rsp_cache_obj_touched(struct rsp_cache_obj *cache, u32 nr);
u32 rsp_cache_obj_evict(struct rsp_cache_obj *cache,
			struct rsp_block_obj *tails[RSP_NR_LIST], u32 nr_asked);
void rsp_cache_obj_insert(struct rsp_cache_obj *cache, struct rsp_block_obj *block);
void rsp_cache_obj_remove(struct rsp_cache_obj *cache, struct rsp_block_obj *block,
			  enum rsp_remove_why why);

#endif /* _RSP_CACHE_OBJ_H */
