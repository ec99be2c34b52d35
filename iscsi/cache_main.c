// SPDX-License-Identifier: GPL-2.0
/*
 * rsp_cache.ko: the device-mapper target "rsp-cache", a block cache in the pool.
 *
 * All caches are one service, "cache". When the pool wants memory back it calls
 * shrink(); a work item then gives slabs back, each time from the cache whose coldest one was
 * touched longest ago.
 */
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/module.h>

#include "cache.h"

struct rsp_svc *rsp_cache_svc;
struct workqueue_struct *rsp_cache_wq;	/* bios that end: on the I/O path, hence with a rescuer */

static DEFINE_MUTEX(rsp_cache_mutex);
static LIST_HEAD(rsp_caches);		/* rsp_cache_mutex */
static atomic64_t rsp_cache_owed;	/* bytes the pool wants back */
static u64 rsp_cache_shrunk;		/* jiffies when it wanted any, 0 for never */

#define RSP_CACHE_SHRUNK_MS	1000	/* no cache asks for memory so soon behind that */

bool rsp_cache_is_shrinking(void)
{
	u64 shrunk = READ_ONCE(rsp_cache_shrunk);

	return shrunk && time_before64(get_jiffies_64(), shrunk + msecs_to_jiffies(RSP_CACHE_SHRUNK_MS));
}

void rsp_cache_link(struct rsp_cache *cache)
{
	mutex_lock(&rsp_cache_mutex);
	list_add_tail(&cache->node, &rsp_caches);
	mutex_unlock(&rsp_cache_mutex);
}

/* nobody but the caller knows of the cache when this returns */
void rsp_cache_unlink(struct rsp_cache *cache)
{
	mutex_lock(&rsp_cache_mutex);
	list_del(&cache->node);
	mutex_unlock(&rsp_cache_mutex);
}

/*
 * The cache of the same device in another table that is published with the key of @next, or NULL. If that is
 * the table before, it stays until that of @next has taken its place.
 */
struct rsp_cache *rsp_cache_predecessor(const struct rsp_cache *next)
{
	struct rsp_cache *cache, *found = NULL;

	mutex_lock(&rsp_cache_mutex);
	list_for_each_entry(cache, &rsp_caches, node)
		if (cache->ti->table != next->ti->table && cache->pub &&
		    cache->pub_key == next->pub_key && dm_table_get_md(cache->ti->table) == dm_table_get_md(next->ti->table))
			found = cache;
	mutex_unlock(&rsp_cache_mutex);
	return found;
}

/* the cache with the coldest slab, NULL if no cache has any */
static struct rsp_cache *rsp_cache_next_victim(void)
{
	struct rsp_cache *cache, *coldest = NULL;
	u64 least = U64_MAX;

	lockdep_assert_held(&rsp_cache_mutex);
	list_for_each_entry(cache, &rsp_caches, node) {
		u64 touched = rsp_cache_coldest(cache);

		if (touched < least) {
			least = touched;
			coldest = cache;
		}
	}
	return coldest;
}

static void rsp_cache_shrink_work(struct work_struct *work)
{
	s64 bytes = atomic64_xchg(&rsp_cache_owed, 0);
	struct rsp_cache *cache;

	while (bytes > 0) {
		mutex_lock(&rsp_cache_mutex);
		cache = rsp_cache_next_victim();
		if (cache)
			bytes -= rsp_cache_give_slab(cache, RSP_REMOVE_RECLAIMED);
		mutex_unlock(&rsp_cache_mutex);
		if (!cache)
			break;
	}
}
static DECLARE_WORK(rsp_cache_shrinker, rsp_cache_shrink_work);

static void rsp_cache_shrink(struct rsp_svc *svc, u64 bytes)
{
	s64 owed = atomic64_read(&rsp_cache_owed);

	WRITE_ONCE(rsp_cache_shrunk, get_jiffies_64());
	while (owed < (s64)bytes && !atomic64_try_cmpxchg(&rsp_cache_owed, &owed, bytes))
		;
	queue_work(system_unbound_wq, &rsp_cache_shrinker);
}

static const struct rsp_svc_ops rsp_cache_svc_ops = {
	.shrink	= rsp_cache_shrink,
};

static int __init rsp_cache_init(void)
{
	static const struct rsp_svc_attr attr = {
		.name		= "cache",
		.ops		= &rsp_cache_svc_ops,
		.owner		= THIS_MODULE,
		.weight		= 100,
		.recv_bytes	= 1,
	};
	int err;

	rsp_cache_wq = alloc_workqueue("rsp_cache", WQ_MEM_RECLAIM | WQ_HIGHPRI, 0);
	if (!rsp_cache_wq)
		return -ENOMEM;
	err = rsp_cache_io_init();
	if (err)
		goto err_wq;
	rsp_cache_svc = rsp_svc_register(&attr);
	if (IS_ERR(rsp_cache_svc)) {
		err = PTR_ERR(rsp_cache_svc);
		goto err_io;
	}
	err = dm_register_target(&rsp_cache_target);
	if (err)
		goto err_svc;
	return 0;

err_svc:
	rsp_svc_unregister(rsp_cache_svc);
	cancel_work_sync(&rsp_cache_shrinker);
err_io:
	rsp_cache_io_exit();
err_wq:
	destroy_workqueue(rsp_cache_wq);
	return err;
}

static void __exit rsp_cache_exit(void)
{
	dm_unregister_target(&rsp_cache_target);
	rsp_svc_unregister(rsp_cache_svc);
	cancel_work_sync(&rsp_cache_shrinker);
	rsp_cache_io_exit();
	destroy_workqueue(rsp_cache_wq);
}

module_init(rsp_cache_init);
module_exit(rsp_cache_exit);

MODULE_DESCRIPTION("Block cache in the pool of the RDMA Service Platform");
MODULE_LICENSE("GPL");
