// SPDX-License-Identifier: GPL-2.0
/*
 * Reading from a peer's cache: a block that is not here but in the memory of the host that has the device
 * (cache_pub.c) is read from there, one-sidedly, without that host's CPU.
 *
 *	bio: directory's copy --> slab held? --> rsp_remote_rw() of slot and trailer --> rsp_slot_check()
 *	         no entry             no, ask for it    it cannot be read                   stale, torn
 *	            '--------------------'-------------------'----------------------------------'--> device
 *
 * All that takes time is the worker's, every RSP_CACHE_PEER_MS while there are readers: to connect, to read the
 * directory anew, to look up slabs that were wanted, to let go what is not good any more. Readers find what
 * it has made under SRCU: they may sleep, and a transfer they began holds what it needs itself.
 *
 * Nothing from a peer is believed but a slot whose trailer names this block and this publication, and whose
 * checksum is right.
 */
#include <linux/inet.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>

#include "cache.h"

#define RSP_CACHE_PEER_MS	100	/* age of the directory's copy while it is used */
#define RSP_CACHE_PEER_IDLE_MS	2000	/* and while it is not: the lease goes on */
#define RSP_CACHE_PEER_RETRY_MS	1000	/* no connection, or nothing published there */

/* what is known of the peer's cache, as long as its directory is good */
struct rsp_cache_seen {
	struct rsp_remote	*remote;	/* the directory */
	u32			epoch;
	u32			bits;
	__be64			*dir;		/* a copy */
	struct sg_table		sgt;
	struct xarray		slabs;		/* rsp_remote by number */
	struct xarray		wanted;		/* numbers of others that were wanted */
};

struct rsp_cache_peer {
	struct rsp_cache	*cache;
	struct net		*net;
	struct sockaddr_storage	addr;
	char			text[48];	/* of addr */
	u64			key;
	struct srcu_struct	srcu;
	struct rsp_cache_seen __rcu *seen;	/* NULL: nothing can be read now */
	struct rsp_exch		*exch;		/* the worker's from here */
	struct delayed_work	work;
	unsigned long		read_at;	/* jiffies: the directory was */
	u64			nr_miss;	/* when that was */
	int			told;		/* the error that was logged last */
};

/* -------------------------------------------------------------- transfers */

struct rsp_cache_wait {
	struct completion	done;
	int			status;
};

static void rsp_cache_wait_done(void *ctx, int status)
{
	struct rsp_cache_wait *wait = ctx;

	wait->status = status;
	complete(&wait->done);
}

/* read and wait */
static int rsp_cache_peer_fetch(struct rsp_remote *remote, u64 off, struct scatterlist *sgl,
				u32 nents, u32 len)
{
	struct rsp_cache_wait wait;
	int err;

	init_completion(&wait.done);
	err = rsp_remote_rw(remote, RSP_DIR_IN, off, sgl, nents, len, rsp_cache_wait_done, &wait);
	if (err)
		return err;
	wait_for_completion(&wait.done);
	return wait.status;
}

/* the whole directory, as it is now */
static int rsp_cache_seen_refresh(struct rsp_cache_seen *seen)
{
	const u32 step = SZ_1M, bytes = sizeof(*seen->dir) << seen->bits;
	struct scatterlist *sg = seen->sgt.sgl;
	u32 pos, len, i;
	int err;

	for (pos = 0; pos < bytes; pos += len) {
		len = min(step, bytes - pos);
		err = rsp_cache_peer_fetch(seen->remote, RSP_CACHE_DIR_HEADER + pos, sg,
					   len >> PAGE_SHIFT, len);
		if (err)
			return err;
		for (i = 0; i < len >> PAGE_SHIFT; i++)
			sg = sg_next(sg);
	}
	return 0;
}

/* -------------------------------------------------------------- the worker */

static void rsp_cache_seen_free(struct rsp_cache_seen *seen)
{
	struct rsp_remote *remote;
	unsigned long num;

	xa_for_each(&seen->slabs, num, remote)
		rsp_remote_put(remote);
	xa_destroy(&seen->slabs);
	xa_destroy(&seen->wanted);
	if (seen->remote)
		rsp_remote_put(seen->remote);
	sg_free_table(&seen->sgt);
	vfree(seen->dir);
	kfree(seen);
}

static int rsp_cache_seen_alloc(struct rsp_cache_seen *seen)
{
	u32 bytes = sizeof(*seen->dir) << seen->bits;

	seen->dir = vzalloc(bytes);
	return seen->dir ? rsp_desc_sg_vmalloc(&seen->sgt, seen->dir, bytes) : -ENOMEM;
}

/* is it the directory of a cache of this device? Return: 0, or a negative errno */
static int rsp_cache_seen_header(struct rsp_cache_peer *peer, struct rsp_cache_seen *seen)
{
	struct rsp_cache_dir_header *header;
	struct rsp_remote_info info;
	struct scatterlist sg;
	int err;

	rsp_remote_info(seen->remote, &info);
	seen->epoch = info.epoch;
	header = kzalloc(sizeof(*header), GFP_KERNEL);
	if (!header)
		return -ENOMEM;
	sg_init_one(&sg, header, sizeof(*header));
	err = rsp_cache_peer_fetch(seen->remote, 0, &sg, 1, sizeof(*header));
	seen->bits = be32_to_cpu(header->bits);
	if (!err && (header->magic != cpu_to_be32(RSP_CACHE_DIR_MAGIC) ||
		     header->version != cpu_to_be32(RSP_CACHE_DIR_VERSION) ||
		     seen->bits < RSP_CACHE_DIR_MIN_BITS || seen->bits > RSP_CACHE_DIR_MAX_BITS ||
		     info.len != RSP_CACHE_DIR_HEADER + (sizeof(*seen->dir) << seen->bits)))
		err = -EPROTO;
	/* blocks have the same numbers there if it is all of the device */
	if (!err && be64_to_cpu(header->nr_block) != peer->cache->nr_block)
		err = -EXDEV;
	kfree(header);
	return err;
}

static struct rsp_cache_seen *rsp_cache_seen_create(struct rsp_cache_peer *peer)
{
	struct rsp_cache_seen *seen;
	int err;

	seen = kzalloc(sizeof(*seen), GFP_KERNEL);
	if (!seen)
		return ERR_PTR(-ENOMEM);
	xa_init(&seen->slabs);
	xa_init(&seen->wanted);
	seen->remote = rsp_remote_lookup(peer->exch, "cache", peer->key, RSP_DESC_READ);
	if (IS_ERR(seen->remote)) {
		err = PTR_ERR(seen->remote);
		seen->remote = NULL;
		goto err_free;
	}
	err = rsp_cache_seen_header(peer, seen);
	if (!err)
		err = rsp_cache_seen_alloc(seen);
	if (!err)
		err = rsp_cache_seen_refresh(seen);
	if (!err)
		return seen;
err_free:
	rsp_cache_seen_free(seen);
	return ERR_PTR(err);
}

/* the worker alone changes it */
static struct rsp_cache_seen *rsp_cache_peer_seen(struct rsp_cache_peer *peer)
{
	return rcu_dereference_protected(peer->seen, true);
}

static void rsp_cache_peer_disconnect(struct rsp_cache_peer *peer)
{
	struct rsp_cache_seen *seen = rsp_cache_peer_seen(peer);

	rcu_assign_pointer(peer->seen, NULL);
	synchronize_srcu(&peer->srcu);
	if (seen)
		rsp_cache_seen_free(seen);
	if (peer->exch)
		rsp_exch_close(peer->exch);
	peer->exch = NULL;
}

static int rsp_cache_peer_connect(struct rsp_cache_peer *peer)
{
	struct rsp_cache_seen *seen;

	peer->exch = rsp_exch_open(peer->net, (struct sockaddr *)&peer->addr, 5000);
	if (IS_ERR(peer->exch)) {
		int err = PTR_ERR(peer->exch);

		peer->exch = NULL;
		return err;
	}
	seen = rsp_cache_seen_create(peer);
	if (IS_ERR(seen))
		return PTR_ERR(seen);
	peer->read_at = jiffies;
	rcu_assign_pointer(peer->seen, seen);
	return 0;
}

static u64 rsp_cache_peer_misses(const struct rsp_cache_peer *peer)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(peer->cache->stat, cpu)->nr[RSP_CACHE_STAT_MISSES]);
	return sum;
}

/* what cannot be read any more goes, and is wanted again when somebody wants it */
static void rsp_cache_peer_prune(struct rsp_cache_peer *peer, struct rsp_cache_seen *seen)
{
	struct rsp_remote *remote;
	struct xarray gone;
	unsigned long num;

	xa_init(&gone);
	xa_for_each(&seen->slabs, num, remote)
		if (!rsp_remote_is_good(remote) &&
		    !xa_err(xa_store(&gone, num, remote, GFP_KERNEL)))
			xa_erase(&seen->slabs, num);
	if (!xa_empty(&gone))
		synchronize_srcu(&peer->srcu);
	xa_for_each(&gone, num, remote)
		rsp_remote_put(remote);
	xa_destroy(&gone);
}

/* slabs that readers asked for. Return: 0, or what says that the connection is over */
static int rsp_cache_peer_look_up(struct rsp_cache_peer *peer, struct rsp_cache_seen *seen)
{
	struct rsp_remote *remote;
	unsigned long num;
	void *entry;

	xa_for_each(&seen->wanted, num, entry) {
		xa_erase(&seen->wanted, num);
		if (xa_load(&seen->slabs, num))
			continue;
		remote = rsp_remote_lookup(peer->exch, "cache", peer->key + num, RSP_DESC_READ);
		if (PTR_ERR_OR_ZERO(remote) == -ENOTCONN)
			return -ENOTCONN;
		/* it has gone, or there are more than this host may hold */
		if (IS_ERR(remote))
			continue;
		if (xa_err(xa_store(&seen->slabs, num, remote, GFP_KERNEL)))
			rsp_remote_put(remote);
	}
	return 0;
}

static int rsp_cache_peer_step(struct rsp_cache_peer *peer)
{
	struct rsp_cache_seen *seen = rsp_cache_peer_seen(peer);
	u64 nr_miss = rsp_cache_peer_misses(peer);
	int err;

	if (!seen)
		return rsp_cache_peer_connect(peer);
	if (!rsp_remote_is_good(seen->remote))
		return -ESTALE;
	rsp_cache_peer_prune(peer, seen);
	err = rsp_cache_peer_look_up(peer, seen);
	if (err)
		return err;
	if (nr_miss == peer->nr_miss &&
	    time_before(jiffies, peer->read_at + msecs_to_jiffies(RSP_CACHE_PEER_IDLE_MS)))
		return 0;
	peer->nr_miss = nr_miss;
	peer->read_at = jiffies;
	return rsp_cache_seen_refresh(seen);
}

static void rsp_cache_peer_work(struct work_struct *work)
{
	struct rsp_cache_peer *peer = container_of(work, struct rsp_cache_peer, work.work);
	int err = rsp_cache_peer_step(peer);

	if (err)
		rsp_cache_peer_disconnect(peer);
	if (err != peer->told && err != -ESTALE) {
		if (err)
			pr_info("%s: cannot read from %s: %pe%s\n", peer->cache->obj.view.dev, peer->text,
				ERR_PTR(err), err == -EXDEV ? ", its device has another size" : "");
		else
			pr_info("%s: reading from %s\n", peer->cache->obj.view.dev, peer->text);
		peer->told = err;
	}
	queue_delayed_work(system_unbound_wq, &peer->work,
			   msecs_to_jiffies(err ? RSP_CACHE_PEER_RETRY_MS : RSP_CACHE_PEER_MS));
}

/* -------------------------------------------------------------------- bios */

static void rsp_cache_peer_rw_done(void *ctx, int status)
{
	struct rsp_cache_copy *copy = ctx;

	copy->peer_status = status;
	rsp_cache_peer_ended(copy);
}

/* Return: where the directory says that block @number is, 0 for nowhere */
static u64 rsp_cache_seen_entry(const struct rsp_cache_seen *seen, u64 number)
{
	u64 entry = be64_to_cpu(READ_ONCE(seen->dir[rsp_cache_dir_index(number, seen->bits)]));

	return (u32)entry >> 8 && entry >> 32 == (u32)number ? entry : 0;
}

static int rsp_cache_seen_read(struct rsp_cache_seen *seen, struct rsp_cache_copy *copy)
{
	u64 entry = rsp_cache_seen_entry(seen, copy->first);
	u32 num = (u32)entry >> 8, index = entry & 0xff;
	struct rsp_remote *remote;

	if (!entry)
		return -ENOENT;
	remote = xa_load(&seen->slabs, num);
	if (!remote) {
		xa_store(&seen->wanted, num, xa_mk_value(1), GFP_NOWAIT | __GFP_NOWARN);
		return -ENOENT;
	}
	copy->peer_epoch = seen->epoch;
	sg_init_table(copy->sg, 2);
	sg_set_page(&copy->sg[0], copy->parts[0].page, RSP_CACHE_BLOCK, 0);
	sg_set_buf(&copy->sg[1], &copy->trailer, sizeof(copy->trailer));
	return rsp_remote_rw(remote, RSP_DIR_IN, rsp_cache_slot_off(index), copy->sg, 2,
			     RSP_CACHE_SLOT, rsp_cache_peer_rw_done, copy);
}

/* Does the peer seem to have a block? All that a read costs which it does not concern */
bool rsp_cache_peer_has(struct rsp_cache_peer *peer, u64 number)
{
	struct rsp_cache_seen *seen;
	bool has;
	int idx;

	idx = srcu_read_lock(&peer->srcu);
	seen = srcu_dereference(peer->seen, &peer->srcu);
	has = seen && rsp_cache_seen_entry(seen, number);
	srcu_read_unlock(&peer->srcu, idx);
	return has;
}

/*
 * Read a block and its trailer into a copy, whose work follows. Return: false if it is not to be had.
 * Context: process, may sleep, begins no I/O
 */
bool rsp_cache_peer_read(struct rsp_cache_peer *peer, struct rsp_cache_copy *copy)
{
	struct rsp_cache_seen *seen;
	int idx, err = -ENOTCONN;

	idx = srcu_read_lock(&peer->srcu);
	seen = srcu_dereference(peer->seen, &peer->srcu);
	if (seen)
		err = rsp_cache_seen_read(seen, copy);
	srcu_read_unlock(&peer->srcu, idx);
	return !err;
}

/* ----------------------------------------------------------- init and exit */

/* Return: 0, or -EINVAL for an address that is none, another negative errno */
int rsp_cache_peer_init(struct rsp_cache *cache, const char *addr, u64 key)
{
	struct net *net = current->nsproxy->net_ns;
	struct rsp_cache_peer *peer;
	int err;

	peer = kzalloc(sizeof(*peer), GFP_KERNEL);
	if (!peer)
		return -ENOMEM;
	err = -EINVAL;
	if (strscpy(peer->text, addr) < 0 ||
	    inet_pton_with_scope(net, AF_UNSPEC, addr, "0", &peer->addr))
		goto err_free;
	err = init_srcu_struct(&peer->srcu);
	if (err)
		goto err_free;
	peer->cache = cache;
	peer->net = get_net(net);
	peer->key = key;
	INIT_DELAYED_WORK(&peer->work, rsp_cache_peer_work);
	cache->peer = peer;
	queue_delayed_work(system_unbound_wq, &peer->work, 0);
	return 0;

err_free:
	kfree(peer);
	return err;
}

/* no bio is under way */
void rsp_cache_peer_exit(struct rsp_cache *cache)
{
	struct rsp_cache_peer *peer = cache->peer;

	if (!peer)
		return;
	cancel_delayed_work_sync(&peer->work);
	rsp_cache_peer_disconnect(peer);
	cleanup_srcu_struct(&peer->srcu);
	put_net(peer->net);
	cache->peer = NULL;
	kfree(peer);
}

const char *rsp_cache_peer_addr(const struct rsp_cache_peer *peer, u64 *key)
{
	*key = peer->key;
	return peer->text;
}
