// SPDX-License-Identifier: GPL-2.0
/*
 * Block caches, as far as rsp.ko knows them: their list, for rspctl and BPF programs. The caches
 * are rsp_cache.ko's; the questions of their policy are in policy_hook.c.
 */
#include <linux/module.h>

#include <rsp/cache.h>

#include "core.h"

static DEFINE_XARRAY_ALLOC1(rsp_cache_objs);
static u32 rsp_cache_obj_next_id;

/**
 * rsp_cache_obj_register() - A cache begins
 * @cache: its view is filled, but for the id
 *
 * Context: Process context. May sleep.
 * Return: 0 or a negative errno
 */
int rsp_cache_obj_register(struct rsp_cache_obj *cache)
{
	return rsp_id_alloc(&rsp_cache_objs, &rsp_cache_obj_next_id, &cache->view.id, cache);
}
EXPORT_SYMBOL_GPL(rsp_cache_obj_register);

/**
 * rsp_cache_obj_unregister() - It ends
 * @cache: nobody looks at it any more when this returns
 *
 * Context: Process context. Sleeps.
 */
void rsp_cache_obj_unregister(struct rsp_cache_obj *cache)
{
	xa_erase(&rsp_cache_objs, cache->view.id);
	synchronize_rcu();
}
EXPORT_SYMBOL_GPL(rsp_cache_obj_unregister);

bool rsp_cache_view_next(u32 *id, struct rsp_cache_view *v)
{
	unsigned long i = *id;
	struct rsp_cache_obj *cache;

	rcu_read_lock();
	cache = xa_find_after(&rsp_cache_objs, &i, ULONG_MAX, XA_PRESENT);
	if (cache) {
		*v = cache->view;
		cache->look(cache, v);
	}
	rcu_read_unlock();
	*id = i;
	return cache;
}
