// SPDX-License-Identifier: GPL-2.0
/*
 * The device-mapper target "rsp-cache": its table line, status and messages.
 *
 *	START SECTORS rsp-cache DEVICE SIZE [NR_OPTION_WORDS [max_io SIZE] [publish KEY]
 *		[peer ADDRESS KEY] [shared]]
 *
 * docs/man/rsp_cache.8.rst is what a user reads.
 */
#include <linux/blkdev.h>
#include <linux/kstrtox.h>
#include <linux/nsproxy.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "cache.h"

#define RSP_CACHE_MIN_BYTES	RSP_CACHE_BUF
#define RSP_CACHE_MAX_BYTES	(1ULL << 40)
#define RSP_CACHE_MAX_IO	SZ_128K			/* larger ones pass, by default */
#define RSP_CACHE_MAX_MAX_IO	(BIO_MAX_VECS * RSP_CACHE_BLOCK)

static char rsp_cache_bad_size[] = "SIZE is a number of bytes, or with K, M or G behind it, 64K to 1024G";
static char rsp_cache_bad_key[] = "KEY is a number of 64 bits, 0x before it for base 16, not 0";
static char rsp_cache_bad_max_io[] = "max_io is a size with K or M behind it, 4K to 1M";

enum rsp_cache_unit {
	RSP_CACHE_UNIT_BYTES,
	RSP_CACHE_UNIT_BLOCKS,
	RSP_CACHE_UNIT_TIMES,
};

#define RSP_CACHE_FIGURE(_name, _member, _unit, _help)			\
	{ _name, offsetof(struct rsp_cache_view, _member), RSP_CACHE_UNIT_##_unit, _help }

/* what `dmsetup status` says, in this order; tests/cache/table.sh compares it with the page */
static const struct {
	const char		*name;
	u32			offset;
	enum rsp_cache_unit	unit;
	const char		*help;
} rsp_cache_figures[] = {
	RSP_CACHE_FIGURE("size", size_bytes, BYTES, "the most it may hold"),
	RSP_CACHE_FIGURE("held", held_bytes, BYTES, "pool memory it holds"),
	RSP_CACHE_FIGURE("hits", nr_hit, BLOCKS, "read from the cache"),
	RSP_CACHE_FIGURE("misses", nr_miss, BLOCKS, "read from the device"),
	RSP_CACHE_FIGURE("bypasses", nr_bypass, BLOCKS,
			 "read or written past the cache: too large, written by two at once, or no memory"),
	RSP_CACHE_FIGURE("inserts", nr_insert, BLOCKS, "that came into the cache"),
	RSP_CACHE_FIGURE("updates", nr_update, BLOCKS, "written that were in the cache and stayed"),
	RSP_CACHE_FIGURE("evictions", nr_evict, BLOCKS, "that made room for others"),
	RSP_CACHE_FIGURE("invalidations", nr_invalidate, BLOCKS,
			 "removed because the device's changed"),
	RSP_CACHE_FIGURE("reclaimed", nr_reclaim, BLOCKS,
			 "that went with their memory: taken back by the pool, dropped, made smaller, suspended"),
	RSP_CACHE_FIGURE("refused", nr_refused, TIMES,
			 "the pool or its policy had no memory to add"),
	RSP_CACHE_FIGURE("peer_hits", nr_peer_hit, BLOCKS, "read from the peer's memory"),
	RSP_CACHE_FIGURE("peer_stale", nr_peer_stale, BLOCKS,
			 "tried so, and read from the device after all"),
};

static const char * const rsp_cache_unit_word[] = {
	[RSP_CACHE_UNIT_BYTES]	= "bytes",
	[RSP_CACHE_UNIT_BLOCKS]	= "blocks",
	[RSP_CACHE_UNIT_TIMES]	= "times",
};

/* ------------------------------------------------------------------- table */

static int rsp_cache_parse_size(const char *word, u64 low, u64 high, u64 *bytes)
{
	static const char units[] = "KMG";
	size_t len = strlen(word);
	const char *unit = len ? strchr(units, word[len - 1]) : NULL;
	char digits[21];
	u32 shift = 0;
	u64 nr;

	if (unit && *unit) {
		shift = 10 * (unit - units + 1);
		len--;
	}
	/* kstrtou64() takes a sign and a base, too */
	if (!len || len >= sizeof(digits) || strspn(word, "0123456789") != len)
		return -EINVAL;
	memcpy(digits, word, len);
	digits[len] = 0;
	if (kstrtou64(digits, 10, &nr) || nr > U64_MAX >> shift)
		return -EINVAL;
	nr <<= shift;
	if (nr < low || nr > high)
		return -EINVAL;
	*bytes = nr;
	return 0;
}

/* what a table line wants besides device and size */
struct rsp_cache_want {
	u64		pub_key;	/* 0: not published */
	const char	*peer_addr;	/* NULL: no peer */
	u64		peer_key;
};

static int rsp_cache_parse_key(struct dm_arg_set *args, u64 *key, char **error)
{
	const char *word = args->argc ? dm_shift_arg(args) : "";

	if (*word == '-' || *word == '+' || kstrtou64(word, 0, key) || !*key) {
		*error = rsp_cache_bad_key;
		return -EINVAL;
	}
	return 0;
}

static int rsp_cache_parse_option(struct rsp_cache *cache, struct dm_arg_set *args,
				  struct rsp_cache_want *want)
{
	struct dm_target *ti = cache->ti;
	const char *word = dm_shift_arg(args);
	u64 bytes;

	if (!strcasecmp(word, "shared")) {
		cache->is_shared = true;
		return 0;
	}
	if (!strcasecmp(word, "publish"))
		return rsp_cache_parse_key(args, &want->pub_key, &ti->error);
	if (!strcasecmp(word, "peer")) {
		want->peer_addr = args->argc ? dm_shift_arg(args) : "";
		return rsp_cache_parse_key(args, &want->peer_key, &ti->error);
	}
	if (strcasecmp(word, "max_io")) {
		ti->error = "options are max_io SIZE, publish KEY, peer ADDRESS KEY, shared";
		return -EINVAL;
	}
	if (rsp_cache_parse_size(args->argc ? dm_shift_arg(args) : "", RSP_CACHE_BLOCK,
				 RSP_CACHE_MAX_MAX_IO, &bytes)) {
		ti->error = rsp_cache_bad_max_io;
		return -EINVAL;
	}
	cache->max_io = bytes >> RSP_CACHE_SHIFT;
	return 0;
}

static int rsp_cache_parse_options(struct rsp_cache *cache, struct dm_arg_set *args,
				   struct rsp_cache_want *want)
{
	static const struct dm_arg nr_arg[] = {
		{ 0, 8, "the number of words behind it must be 0 to 8" },
	};
	struct dm_target *ti = cache->ti;
	unsigned int nr;
	int err;

	cache->max_io = RSP_CACHE_MAX_IO >> RSP_CACHE_SHIFT;
	if (!args->argc)
		return 0;
	err = dm_read_arg(nr_arg, args, &nr, &ti->error);
	if (err)
		return err;
	if (nr != args->argc) {
		ti->error = "not as many words behind NR_OPTION_WORDS as it says";
		return -EINVAL;
	}
	while (args->argc) {
		err = rsp_cache_parse_option(cache, args, want);
		if (err)
			return err;
	}
	if (cache->is_shared && !want->peer_addr) {
		ti->error = "shared is for a cache with a peer";
		return -EINVAL;
	}
	if (want->peer_addr && want->pub_key) {
		ti->error = "a cache has a peer or is published, not both";
		return -EINVAL;
	}
	return 0;
}

/* what goes over the wire. Return: 0, or a negative errno */
static int rsp_cache_net_init(struct rsp_cache *cache, const struct rsp_cache_want *want)
{
	int err = 0;

	if (want->pub_key) {
		cache->pub_key = want->pub_key;
		cache->pub_net = get_net(current->nsproxy->net_ns);
		err = rsp_cache_pub_init(cache);
		/* it waits for its turn */
		if (err == -EEXIST && rsp_cache_predecessor(cache))
			err = 0;
		if (err)
			cache->ti->error = err == -EEXIST ? "a cache is published with this KEY" :
					   "it cannot be published: is the port desc_port of rsp free?";
	}
	if (want->peer_addr) {
		err = rsp_cache_peer_init(cache, want->peer_addr, want->peer_key);
		if (err)
			cache->ti->error = "ADDRESS of the peer is none";
	}
	return err;
}

static void rsp_cache_free(struct rsp_cache *cache)
{
	if (cache->pub_net)
		put_net(cache->pub_net);
	kfree(cache);
}

static int rsp_cache_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct dm_arg_set args = { .argc = argc, .argv = argv };
	struct rsp_cache_want want = { };
	struct rsp_cache *cache;
	const char *device;
	u64 bytes;
	int err;

	if (argc < 2) {
		ti->error = "a table line is: rsp-cache DEVICE SIZE [NR_OPTION_WORDS OPTION...]";
		return -EINVAL;
	}
	cache = kzalloc(sizeof(*cache), GFP_KERNEL);
	if (!cache) {
		ti->error = "no memory";
		return -ENOMEM;
	}
	cache->ti = ti;
	device = dm_shift_arg(&args);
	err = -EINVAL;
	if (rsp_cache_parse_size(dm_shift_arg(&args), RSP_CACHE_MIN_BYTES, RSP_CACHE_MAX_BYTES,
				 &bytes)) {
		ti->error = rsp_cache_bad_size;
		goto err_free;
	}
	err = rsp_cache_parse_options(cache, &args, &want);
	if (err)
		goto err_free;
	err = dm_get_device(ti, device, dm_table_get_mode(ti->table), &cache->dev);
	if (err) {
		ti->error = "DEVICE cannot be opened";
		goto err_free;
	}
	err = -EINVAL;
	if (bdev_nr_sectors(cache->dev->bdev) < ti->len) {
		ti->error = "DEVICE is smaller than the target";
		goto err_dev;
	}
	if (bdev_logical_block_size(cache->dev->bdev) > RSP_CACHE_BLOCK) {
		ti->error = "DEVICE has logical blocks of more than 4096 bytes";
		goto err_dev;
	}
	cache->nr_block = ti->len / RSP_CACHE_SECTORS;
	err = rsp_cache_store_init(cache, bytes);
	if (err) {
		ti->error = "no memory for the index";
		goto err_dev;
	}
	ti->private = cache;
	ti->per_io_data_size = sizeof(struct rsp_cache_io);
	ti->num_flush_bios = 1;
	ti->num_discard_bios = 1;
	ti->num_secure_erase_bios = 1;
	ti->num_write_zeroes_bios = 1;
	cache->obj.look = rsp_cache_look;
	strscpy(cache->obj.view.dev, dm_table_device_name(ti->table));
	strscpy(cache->obj.view.below, cache->dev->name);
	err = rsp_cache_obj_register(&cache->obj);
	if (err) {
		ti->error = "no memory";
		goto err_store;
	}
	err = rsp_cache_net_init(cache, &want);
	if (err)
		goto err_obj;
	rsp_cache_link(cache);
	return 0;

err_obj:
	rsp_cache_obj_unregister(&cache->obj);
err_store:
	rsp_cache_store_exit(cache);
err_dev:
	dm_put_device(ti, cache->dev);
err_free:
	rsp_cache_free(cache);
	return err;
}

static void rsp_cache_dtr(struct dm_target *ti)
{
	struct rsp_cache *cache = ti->private;

	rsp_cache_peer_exit(cache);
	rsp_cache_unlink(cache);
	rsp_cache_obj_unregister(&cache->obj);
	rsp_cache_store_exit(cache);
	dm_put_device(ti, cache->dev);
	rsp_cache_free(cache);
}

/* all bios have ended; what happens to the device until we go on is not ours to see */
static void rsp_cache_postsuspend(struct dm_target *ti)
{
	rsp_cache_drop(ti->private);
}

/*
 * The table before this one is suspended, and its cache empty: the key changes hands. All I/O waits for us, what
 * memory would be freed by as well. Without peers the cache does what it can; the next resume tries again.
 */
static int rsp_cache_preresume(struct dm_target *ti)
{
	struct rsp_cache *cache = ti->private;
	unsigned int noio;
	int err;

	if (!cache->pub_key || cache->pub)
		return 0;
	noio = memalloc_noio_save();
	err = rsp_cache_pub_follow(cache, rsp_cache_predecessor(cache));
	memalloc_noio_restore(noio);
	if (err)
		pr_err("%s: it cannot be published again: %pe\n", cache->obj.view.dev, ERR_PTR(err));
	return 0;
}

static int rsp_cache_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn,
				     void *data)
{
	struct rsp_cache *cache = ti->private;

	return fn(ti, cache->dev, 0, ti->len, data);
}

/* ----------------------------------------------------- status and messages */

static void rsp_cache_status(struct dm_target *ti, status_type_t type, unsigned int flags,
			     char *result, unsigned int maxlen)
{
	struct rsp_cache *cache = ti->private;
	struct rsp_cache_view view;
	unsigned int sz = 0, nr;
	u64 nr_block = 0, key;
	const char *addr;
	u32 i;

	switch (type) {
	case STATUSTYPE_INFO:
		view = cache->obj.view;
		rsp_cache_look(&cache->obj, &view);
		for (i = 0; i < RSP_NR_LIST; i++)
			nr_block += view.nr_in[i];
		DMEMIT("blocks %llu", nr_block);
		for (i = 0; i < ARRAY_SIZE(rsp_cache_figures); i++)
			DMEMIT(" %s %llu", rsp_cache_figures[i].name,
			       *(u64 *)((void *)&view + rsp_cache_figures[i].offset));
		break;
	case STATUSTYPE_TABLE:
		DMEMIT("%s %lluK", cache->dev->name, READ_ONCE(cache->obj.view.size_bytes) >> 10);
		nr = 2 * (cache->max_io != RSP_CACHE_MAX_IO >> RSP_CACHE_SHIFT) +
		     2 * !!cache->pub_key + 3 * !!cache->peer + cache->is_shared;
		if (nr)
			DMEMIT(" %u", nr);
		if (cache->max_io != RSP_CACHE_MAX_IO >> RSP_CACHE_SHIFT)
			DMEMIT(" max_io %uK", cache->max_io << (RSP_CACHE_SHIFT - 10));
		if (cache->pub_key)
			DMEMIT(" publish %#llx", cache->pub_key);
		if (cache->peer) {
			addr = rsp_cache_peer_addr(cache->peer, &key);
			DMEMIT(" peer %s %#llx", addr, key);
		}
		if (cache->is_shared)
			DMEMIT(" shared");
		break;
	case STATUSTYPE_IMA:
		*result = '\0';
		break;
	}
}

static int rsp_cache_message(struct dm_target *ti, unsigned int argc, char **argv,
			     char *result, unsigned int maxlen)
{
	struct rsp_cache *cache = ti->private;
	unsigned int sz = 0;
	u64 bytes;
	u32 i;

	if (argc == 2 && !strcasecmp(argv[0], "resize")) {
		if (rsp_cache_parse_size(argv[1], RSP_CACHE_MIN_BYTES, RSP_CACHE_MAX_BYTES,
					 &bytes)) {
			pr_err("resize: %s\n", rsp_cache_bad_size);
			return -EINVAL;
		}
		rsp_cache_resize(cache, bytes);
		return 0;
	}
	if (argc == 1 && !strcasecmp(argv[0], "drop")) {
		rsp_cache_drop(cache);
		return 0;
	}
	if (argc == 1 && !strcasecmp(argv[0], "figures")) {
		DMEMIT("blocks (blocks) that are cached\n");
		for (i = 0; i < ARRAY_SIZE(rsp_cache_figures); i++)
			DMEMIT("%s (%s) %s\n", rsp_cache_figures[i].name,
			       rsp_cache_unit_word[rsp_cache_figures[i].unit],
			       rsp_cache_figures[i].help);
		return 1;
	}
	pr_err("messages are: resize SIZE, drop, figures\n");
	return -EINVAL;
}

struct target_type rsp_cache_target = {
	.name			= "rsp-cache",
	.version		= { 1, 0, 0 },
	.module			= THIS_MODULE,
	.ctr			= rsp_cache_ctr,
	.dtr			= rsp_cache_dtr,
	.map			= rsp_cache_map,
	.end_io			= rsp_cache_end_io,
	.postsuspend		= rsp_cache_postsuspend,
	.preresume		= rsp_cache_preresume,
	.iterate_devices	= rsp_cache_iterate_devices,
	.status			= rsp_cache_status,
	.message		= rsp_cache_message,
};
