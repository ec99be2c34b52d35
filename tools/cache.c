// SPDX-License-Identifier: GPL-2.0
/* rspctl cache: block caches. */
#include "rspctl.h"

static const struct col cache_cols[] = {
	COL(rsp_cache_view, id, COL_ID, true, "number of the cache"),
	COL(rsp_cache_view, dev, COL_STR, true, "the device with the cache"),
	COL(rsp_cache_view, below, COL_STR, true, "the device that is cached"),
	COL(rsp_cache_view, size_bytes, COL_BYTES, true, "most pool memory it may hold"),
	COL(rsp_cache_view, held_bytes, COL_BYTES, true, "pool memory it holds"),
	COL(rsp_cache_view, max_block, COL_U32, false, "most blocks it may hold"),
	{ .name = "nr_in", .kind = COL_EACH, .offset = offsetof(struct rsp_cache_view, nr_in),
	  .nr = 4, .help = "blocks in each of its lists" },
	COL(rsp_cache_view, nr_hit, COL_COUNT, true, "blocks read from the cache"),
	COL(rsp_cache_view, nr_miss, COL_COUNT, true, "blocks read from the device"),
	COL(rsp_cache_view, nr_bypass, COL_COUNT, false, "blocks read or written past the cache"),
	COL(rsp_cache_view, nr_insert, COL_COUNT, true, "blocks that came in"),
	COL(rsp_cache_view, nr_update, COL_COUNT, false, "blocks written that were in and stayed"),
	COL(rsp_cache_view, nr_evict, COL_COUNT, true, "blocks that made room for others"),
	COL(rsp_cache_view, nr_invalidate, COL_COUNT, false,
	    "blocks removed because the device's changed"),
	COL(rsp_cache_view, nr_reclaim, COL_COUNT, true, "blocks that went with their memory"),
	COL(rsp_cache_view, nr_refused, COL_COUNT, true, "times there was no memory to add"),
	COL(rsp_cache_view, nr_peer_hit, COL_COUNT, true, "blocks read from a peer's memory, one-sidedly"),
	COL(rsp_cache_view, nr_peer_stale, COL_COUNT, false,
	    "blocks tried so, and read from the device after all"),
	COL_ARRAY(rsp_cache_view, priv, 8, "scratch of the cache policy"),
};

OBJECT_LIST(cache)

const struct object cache_object = {
	.name	= "cache",
	.head	= "block caches",
	.nr_label = 2,
	OBJECT_COLS(cache),
	.none	= "no cache",
};

int cmd_cache(int argc, char **argv)
{
	return cmd_object(&cache_object, argc, argv);
}
