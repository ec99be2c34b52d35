// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: memory that a service publishes, and the grants that peers have of it.
 *
 *	region	published --rsp_region_revoke()--> revoked --the last grant has ended--> freed
 *	grant	LOOKUP --> granted --DROP, lease over, connection gone--> key is invalidated --> freed
 *
 * A grant is a map (key.c) on the connection of the one peer that has it. REVOKE asks the peer for
 * its grant; with DROP it says that nothing of its is under way any more. Who does not say so
 * loses the key at the end of the lease: what it sends after that ends its connection, by its
 * own device's error. Who takes no messages keeps our invalidation waiting behind them: after
 * RSP_REGION_END_MS that costs the connection, too, and the key is destroyed with it.
 *
 * A grant is reached through its region, its connection and its number; it leaves all three when it
 * begins to end, under rsp_region_mutex. From there on it counts on its connection until its key is
 * invalid, and only the map's done() and rsp_region_tick() look at it. done() comes before down(), so the
 * connection is there.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <net/net_namespace.h>

#include "addr.h"
#include "core.h"
#include "desc.h"
#include "trace.h"

#define RSP_REGION_MAX_CONN	8	/* connections from one address */
#define RSP_REGION_MAX_CONNS	128	/* from all */
#define RSP_REGION_END_MS	5000	/* a key that is not invalid so long is destroyed */
#define RSP_REGION_MAX_KEY	1024	/* keys of all grants of one connection */
#define RSP_REGION_MAX_RX	(RSP_DESC_MAX_ASKED + 2 * RSP_DESC_MAX_GRANT)
#define RSP_REGION_MAX_BYTES	(16U << 20)

struct rsp_region {
	struct rsp_desc_entry	entry;
	struct list_head	list;		/* rsp_regions, while it is published */
	struct list_head	grants;
	struct rsp_region_attr	attr;
	atomic_t		nr_live;	/* grants whose key may be valid */
	wait_queue_head_t	idle_wait;	/* nr_live reached 0 */
};

struct rsp_grant {
	struct list_head	region_list;
	struct list_head	conn_list;	/* grants, then ending */
	struct rsp_region	*region;
	struct rsp_region_conn	*conn;
	struct rsp_map		*map;
	struct sg_table		sgt;		/* of its own: each has other DMA addresses */
	u32			id;
	u32			nr_key;
	unsigned long		expires;	/* jiffies; while it ends: how long that may take */
	bool			is_told;	/* that it is revoked */
};

/* a peer that looks things up */
struct rsp_region_conn {
	struct list_head	list;		/* rsp_region_conns */
	struct rsp_chan		*chan;
	struct net		*net;
	struct sockaddr_storage	peer;
	struct list_head	grants;		/* rsp_region_mutex */
	spinlock_t		lock;		/* to the next blank line */
	struct list_head	ending;		/* grants whose key may still be valid */
	u32			nr_grant, nr_key;	/* with these */
	struct list_head	rx;		/* messages to be answered */

	atomic_t		nr_rx;		/* not answered, or the answer is not out */
	struct work_struct	rx_work;
};

/* where peers come from, as long as something is published there */
struct rsp_region_net {
	struct list_head	list;		/* rsp_region_nets */
	struct net		*net;
	u32			nr;		/* regions */
	struct rsp_lsn		*lsn[2];	/* IPv4, IPv6; the latter NULL where there is none */
};

/* outermost: services come and go under it */
static DEFINE_MUTEX(rsp_region_net_mutex);
static LIST_HEAD(rsp_region_nets);
static struct rsp_svc *rsp_region_svc;

static DEFINE_MUTEX(rsp_region_mutex);
static LIST_HEAD(rsp_regions);
static DEFINE_SPINLOCK(rsp_region_conns_lock);	/* who accepts waits for nothing else */
static LIST_HEAD(rsp_region_conns);
static DEFINE_XARRAY_ALLOC1(rsp_grants);
static u32 rsp_grant_next_id;
static u32 rsp_region_next_epoch;

/* ------------------------------------------------------------------ grants */

static void rsp_grant_free(struct rsp_grant *grant)
{
	struct rsp_region_conn *conn = grant->conn;
	struct rsp_region *region = grant->region;

	spin_lock_bh(&conn->lock);
	list_del(&grant->conn_list);
	conn->nr_grant--;
	conn->nr_key -= grant->nr_key;
	spin_unlock_bh(&conn->lock);
	sg_free_table(&grant->sgt);
	kfree(grant);
	/* the region may be gone when what waits here goes on */
	rcu_read_lock();
	if (atomic_dec_and_test(&region->nr_live))
		wake_up_all(&region->idle_wait);
	rcu_read_unlock();
}

static void rsp_grant_map_done(void *ctx, int status)
{
	rsp_grant_free(ctx);
}

/* the key becomes invalid. Context: rsp_region_mutex held */
static void rsp_grant_end(struct rsp_grant *grant, enum rsp_desc_end why)
{
	struct rsp_desc_view *view = &grant->region->entry.view;

	list_del(&grant->region_list);
	xa_erase(&rsp_grants, grant->id);
	grant->expires = jiffies + msecs_to_jiffies(RSP_REGION_END_MS);
	spin_lock_bh(&grant->conn->lock);
	list_move_tail(&grant->conn_list, &grant->conn->ending);
	spin_unlock_bh(&grant->conn->lock);
	view->nr_grant--;
	if (why == RSP_DESC_END_FORCED)
		view->nr_forced++;
	trace_rsp_desc_end(view, grant->id, why);
	if (rsp_map_put(grant->map, 0, rsp_grant_map_done, grant) != -EINPROGRESS)
		rsp_grant_free(grant);
}

/* what the CPU writes later must be what a device reads, without another call here */
static bool rsp_grant_is_coherent(const struct rsp_grant *grant, struct ib_device *ibdev)
{
	struct scatterlist *sg;
	int i;

	if (ib_uses_virt_dma(ibdev))
		return true;
	for_each_sgtable_sg(&grant->sgt, sg, i)
		if (dma_need_sync(ibdev->dma_device, sg_dma_address(sg)))
			return false;
	return true;
}

static int rsp_grant_copy_sgl(struct rsp_grant *grant)
{
	const struct rsp_region_attr *attr = &grant->region->attr;
	struct scatterlist *from = attr->sgl, *sg;
	int i, err;

	err = sg_alloc_table(&grant->sgt, attr->nents, GFP_NOIO);
	if (err)
		return err;
	for_each_sgtable_sg(&grant->sgt, sg, i) {
		sg_set_page(sg, sg_page(from), from->length, from->offset);
		from = sg_next(from);
	}
	return 0;
}

static unsigned long rsp_grant_lease(const struct rsp_grant *grant)
{
	/* an eighth is for what is on its way; who holds it takes it for as much shorter */
	return msecs_to_jiffies(grant->region->attr.lease_ms / 8 * 9);
}

static struct rsp_grant *rsp_grant_create(struct rsp_region *region, struct rsp_region_conn *conn,
					  u32 access)
{
	struct rsp_grant *grant;
	struct rsp_ep *ep;
	int err;

	grant = kzalloc(sizeof(*grant), GFP_NOIO);
	if (!grant)
		return ERR_PTR(-ENOMEM);
	grant->region = region;
	grant->conn = conn;
	err = rsp_grant_copy_sgl(grant);
	if (err)
		goto err_free;
	grant->map = rsp_map_make(conn->chan, grant->sgt.sgl, grant->sgt.nents,
				  access == (RSP_DESC_READ | RSP_DESC_WRITE) ? DMA_BIDIRECTIONAL :
				  access == RSP_DESC_WRITE ? DMA_FROM_DEVICE : DMA_TO_DEVICE,
				  GFP_NOIO);
	if (IS_ERR(grant->map)) {
		err = PTR_ERR(grant->map);
		goto err_sgt;
	}
	rsp_map_descs(grant->map, &grant->nr_key);
	/* the device may be on its way out */
	err = -ENOTCONN;
	ep = rsp_chan_begin(conn->chan);
	if (!ep)
		goto err_map;
	err = rsp_grant_is_coherent(grant, ep->dev->ibdev) ? 0 : -EOPNOTSUPP;
	rsp_chan_end(conn->chan, ep);
	if (err)
		goto err_map;
	err = -EDQUOT;
	if (READ_ONCE(conn->nr_key) + grant->nr_key > RSP_REGION_MAX_KEY)
		goto err_map;
	err = xa_alloc_cyclic(&rsp_grants, &grant->id, grant, XA_LIMIT(1, INT_MAX),
			      &rsp_grant_next_id, GFP_NOIO);
	if (err < 0)
		goto err_map;
	grant->expires = jiffies + rsp_grant_lease(grant);
	list_add_tail(&grant->region_list, &region->grants);
	list_add_tail(&grant->conn_list, &conn->grants);
	spin_lock_bh(&conn->lock);
	conn->nr_grant++;
	conn->nr_key += grant->nr_key;
	spin_unlock_bh(&conn->lock);
	atomic_inc(&region->nr_live);
	region->entry.view.nr_grant++;
	return grant;

err_map:
	rsp_map_put(grant->map, 0, NULL, NULL);	/* no work was given it: safe at once */
err_sgt:
	sg_free_table(&grant->sgt);
err_free:
	kfree(grant);
	return ERR_PTR(err);
}

/* Return: one of this connection, or NULL. Context: rsp_region_mutex held */
static struct rsp_grant *rsp_grant_find(const struct rsp_region_conn *conn, __be32 id)
{
	struct rsp_grant *grant = xa_load(&rsp_grants, be32_to_cpu(id));

	return grant && grant->conn == conn ? grant : NULL;
}

/* it may be told later, once a second: rsp_region_tick() */
static void rsp_grant_tell_revoked(struct rsp_grant *grant)
{
	struct rsp_desc_msg msg = {
		.type	= RSP_DESC_REVOKE,
		.grant	= cpu_to_be32(grant->id),
	};

	grant->is_told = !rsp_desc_send(grant->conn->chan, rsp_region_svc, NULL, &msg, NULL, NULL,
					NULL);
}

/* --------------------------------------------------------------- requests */

static struct rsp_region *rsp_region_find(const struct net *net, const char *svc, u64 key)
{
	struct rsp_region *region;

	list_for_each_entry(region, &rsp_regions, list)
		if (region->entry.view.key == key && net_eq(region->attr.net, net) &&
		    !strcmp(region->entry.view.svc, svc))
			return region;
	return NULL;
}

static struct rsp_grant *rsp_region_grant(struct rsp_region_conn *conn, struct rsp_desc_msg *msg)
{
	u32 access = be32_to_cpu(msg->access);
	struct rsp_region *region;
	struct rsp_grant *grant;

	if (READ_ONCE(conn->nr_grant) >= RSP_DESC_MAX_GRANT)
		return ERR_PTR(-EDQUOT);
	region = rsp_region_find(conn->net, msg->svc, be64_to_cpu(msg->key));
	if (!region)
		return ERR_PTR(-ENOENT);
	if (!access || access & ~region->attr.access ||
	    (region->attr.allow && !region->attr.allow(region->attr.ctx, &conn->peer)))
		grant = ERR_PTR(-EACCES);
	else
		grant = rsp_grant_create(region, conn, access);
	if (IS_ERR(grant)) {
		region->entry.view.nr_refused++;
	} else {
		region->entry.view.nr_lookup++;
		trace_rsp_desc_grant(&region->entry.view, grant->id, conn->chan->view.id);
	}
	return grant;
}

/* the answer has gone out: one more may be asked */
static void rsp_region_answered(struct rsp_work *work, int status)
{
	struct rsp_region_conn *conn = work->ctx;

	atomic_dec(&conn->nr_rx);
}

/* @buf: what is answered, and what the answer goes out in */
static int rsp_region_answer(struct rsp_region_conn *conn, struct rsp_buf *buf,
			     const struct rsp_desc_msg *answer, struct rsp_map *map)
{
	return rsp_desc_send(conn->chan, rsp_region_svc, buf, answer, map, rsp_region_answered,
			     conn);
}

/* Return: what a holder is told; the kernel has more numbers */
static u32 rsp_region_status(int err)
{
	switch (err) {
	case -EINVAL:		/* more keys than a region may have, on a device whose keys are small */
		return EOPNOTSUPP;
	case -EAGAIN:
	case -ENOTCONN:
		return ENOMEM;
	}
	return -err;
}

/* Context: rsp_region_mutex held. @buf becomes the answer */
static int rsp_region_recv_lookup(struct rsp_region_conn *conn, struct rsp_buf *buf)
{
	struct rsp_desc_msg *msg = buf->data, answer = {
		.type	= RSP_DESC_FOUND,
		.req	= msg->req,
	};
	struct rsp_grant *grant = rsp_region_grant(conn, msg);
	struct rsp_region *region;

	if (IS_ERR(grant)) {
		answer.status = cpu_to_be32(rsp_region_status(PTR_ERR(grant)));
		return rsp_region_answer(conn, buf, &answer, NULL);
	}
	region = grant->region;
	answer.grant = cpu_to_be32(grant->id);
	answer.access = msg->access;
	answer.epoch = cpu_to_be32(region->entry.view.epoch);
	answer.slot_bytes = cpu_to_be32(region->attr.slot_bytes);
	answer.lease_ms = cpu_to_be32(region->attr.lease_ms);
	answer.len = cpu_to_be64(region->entry.view.len);
	return rsp_region_answer(conn, buf, &answer, grant->map);
}

static int rsp_region_recv_renew(struct rsp_region_conn *conn, struct rsp_buf *buf)
{
	struct rsp_desc_msg *msg = buf->data, answer = {
		.type	= RSP_DESC_RENEWED,
		.grant	= msg->grant,
	};
	struct rsp_grant *grant = rsp_grant_find(conn, msg->grant);

	if (!grant || grant->region->entry.view.state != RSP_STATE_UP) {
		answer.status = cpu_to_be32(ESTALE);
	} else {
		grant->expires = jiffies + rsp_grant_lease(grant);
		grant->region->entry.view.nr_renew++;
	}
	return rsp_region_answer(conn, buf, &answer, NULL);
}

/* Return: 0, or why the connection ends. @buf is taken */
static int rsp_region_recv_one(struct rsp_region_conn *conn, struct rsp_buf *buf)
{
	struct rsp_desc_msg *msg = buf->data;
	struct rsp_grant *grant;
	int err;

	guard(mutex)(&rsp_region_mutex);
	switch (msg->type) {
	case RSP_DESC_LOOKUP:
		if (strnlen(msg->svc, sizeof(msg->svc)) == sizeof(msg->svc))
			break;
		return rsp_region_recv_lookup(conn, buf);
	case RSP_DESC_RENEW:
		return rsp_region_recv_renew(conn, buf);
	case RSP_DESC_DROP:
		/* it may have ended when this was on its way */
		grant = rsp_grant_find(conn, msg->grant);
		if (grant)
			rsp_grant_end(grant, RSP_DESC_END_DROPPED);
		rsp_buf_put(buf);
		atomic_dec(&conn->nr_rx);
		return 0;
	}
	err = -EPROTO;
	pr_warn_ratelimited("chan %u: exchange of descriptors: message of type %u, connection ended\n",
			    conn->chan->view.id, msg->type);
	rsp_buf_put(buf);
	return err;
}

static struct rsp_buf *rsp_region_rx_pop(struct rsp_region_conn *conn)
{
	struct rsp_ibuf *buf;

	spin_lock_bh(&conn->lock);
	buf = list_first_entry_or_null(&conn->rx, struct rsp_ibuf, list);
	if (buf)
		list_del(&buf->list);
	spin_unlock_bh(&conn->lock);
	return buf ? &buf->pub : NULL;
}

/* keys are made here, which takes its time: others on the vector shall not wait for it */
static void rsp_region_rx_work(struct work_struct *work)
{
	struct rsp_region_conn *conn = container_of(work, struct rsp_region_conn, rx_work);
	unsigned int noio = memalloc_noio_save();	/* disks may wait for what is published */
	struct rsp_buf *buf;
	int err;

	while ((buf = rsp_region_rx_pop(conn))) {
		err = rsp_region_recv_one(conn, buf);
		if (err)
			rsp_chan_fail(conn->chan, err);
	}
	memalloc_noio_restore(noio);
}

/* ------------------------------------------------------------- the service */

/* Return: false when there are as many as may be, from its address or from all */
static bool rsp_region_add_conn(struct rsp_region_conn *new)
{
	struct rsp_region_conn *conn;
	u32 nr = 0, nr_same = 0;
	bool ok;

	spin_lock_bh(&rsp_region_conns_lock);
	list_for_each_entry(conn, &rsp_region_conns, list) {
		nr++;
		nr_same += conn->net == new->net && rsp_addr_equal(&conn->peer, &new->peer);
	}
	ok = nr < RSP_REGION_MAX_CONNS && nr_same < RSP_REGION_MAX_CONN;
	if (ok)
		list_add_tail(&new->list, &rsp_region_conns);
	spin_unlock_bh(&rsp_region_conns_lock);
	return ok;
}

static int rsp_region_accept(struct rsp_chan *chan, void *lsn_ctx, const void *pdata, u8 len,
			     struct rsp_conn_param *param)
{
	/* the same for every peer, so that it can stay where it is */
	static struct rsp_desc_hello hello;
	struct rsp_region_net *rn = lsn_ctx;
	struct rsp_region_conn *conn;
	struct rsp_chan_info info;

	if (!rsp_desc_hello_is_good(pdata, len))
		return -EPROTO;
	conn = kzalloc(sizeof(*conn), GFP_KERNEL);
	if (!conn)
		return -ENOMEM;
	rsp_chan_info(chan, &info);
	conn->peer = info.peer;
	conn->chan = chan;
	conn->net = rn->net;
	INIT_LIST_HEAD(&conn->grants);
	INIT_LIST_HEAD(&conn->ending);
	INIT_LIST_HEAD(&conn->rx);
	spin_lock_init(&conn->lock);
	INIT_WORK(&conn->rx_work, rsp_region_rx_work);

	rsp_desc_hello_fill(&hello);
	param->pdata = &hello;
	param->pdata_len = sizeof(hello);
	param->max_sends = RSP_DESC_MAX_ASKED;
	param->max_credits = RSP_DESC_MAX_ASKED;
	param->max_map_bytes = RSP_REGION_MAX_BYTES;

	rsp_chan_set_priv(chan, conn);
	if (rsp_region_add_conn(conn))
		return 0;
	kfree(conn);
	return -EBUSY;
}

static void rsp_region_up(struct rsp_chan *chan, const void *pdata, u8 len)
{
	/* the holder asks */
}

static void rsp_region_recv(struct rsp_chan *chan, struct rsp_buf *buf)
{
	struct rsp_region_conn *conn = rsp_chan_priv(chan);
	if (buf->len != sizeof(struct rsp_desc_msg) ||
	    atomic_inc_return(&conn->nr_rx) > RSP_REGION_MAX_RX) {
		rsp_buf_put(buf);
		rsp_chan_fail(chan, -EPROTO);
		return;
	}
	spin_lock_bh(&conn->lock);
	list_add_tail(&to_ibuf(buf)->list, &conn->rx);
	spin_unlock_bh(&conn->lock);
	queue_work(rsp_wq, &conn->rx_work);
}

static void rsp_region_down(struct rsp_chan *chan, int reason)
{
	struct rsp_region_conn *conn = rsp_chan_priv(chan);
	struct rsp_grant *grant, *next;
	struct rsp_buf *buf;

	cancel_work_sync(&conn->rx_work);
	while ((buf = rsp_region_rx_pop(conn)))
		rsp_buf_put(buf);
	mutex_lock(&rsp_region_mutex);
	list_for_each_entry_safe(grant, next, &conn->grants, conn_list)
		rsp_grant_end(grant, RSP_DESC_END_CONN);
	mutex_unlock(&rsp_region_mutex);
	spin_lock_bh(&rsp_region_conns_lock);
	list_del(&conn->list);
	spin_unlock_bh(&rsp_region_conns_lock);
	rsp_chan_close(chan);
	kfree(conn);
}

static const struct rsp_svc_ops rsp_region_svc_ops = {
	.accept	= rsp_region_accept,
	.up	= rsp_region_up,
	.recv	= rsp_region_recv,
	.down	= rsp_region_down,
};

/* ------------------------------------------------- where peers come from */

static struct rsp_lsn *rsp_region_listen(struct rsp_region_net *rn, int family)
{
	struct sockaddr_storage any = { .ss_family = family };

	rsp_addr_set_port(&any, rsp_desc_port);
	return rsp_listen(rsp_region_svc, rn->net, (struct sockaddr *)&any, rn);
}

/* nothing is published any more: the service goes */
static void rsp_region_svc_idle(void)
{
	if (!list_empty(&rsp_region_nets))
		return;
	rsp_svc_unregister(rsp_region_svc);
	rsp_region_svc = NULL;
}

static void rsp_region_net_close(struct rsp_region_net *rn)
{
	struct rsp_region_conn *conn;

	list_del(&rn->list);
	if (rn->lsn[0])
		rsp_lsn_close(rn->lsn[0]);
	if (rn->lsn[1])
		rsp_lsn_close(rn->lsn[1]);
	spin_lock_bh(&rsp_region_conns_lock);
	list_for_each_entry(conn, &rsp_region_conns, list)
		if (conn->net == rn->net)
			rsp_chan_kill(conn->chan);
	spin_unlock_bh(&rsp_region_conns_lock);
	rsp_region_svc_idle();
	put_net(rn->net);
	kfree(rn);
}

static struct rsp_region_net *rsp_region_net_create(struct net *net)
{
	struct rsp_region_net *rn;
	int err = 0;

	if (!rsp_region_svc) {
		struct rsp_svc *svc = rsp_desc_svc_register("desc-server", &rsp_region_svc_ops);

		if (IS_ERR(svc))
			return ERR_CAST(svc);
		rsp_region_svc = svc;
	}
	rn = kzalloc(sizeof(*rn), GFP_KERNEL);
	if (!rn) {
		rsp_region_svc_idle();
		return ERR_PTR(-ENOMEM);
	}
	rn->net = get_net(net);
	list_add(&rn->list, &rsp_region_nets);
	rn->lsn[0] = rsp_region_listen(rn, AF_INET);
	if (IS_ERR(rn->lsn[0])) {
		err = PTR_ERR(rn->lsn[0]);
		rn->lsn[0] = NULL;
		rsp_region_net_close(rn);
		return ERR_PTR(err);
	}
	rn->lsn[1] = rsp_region_listen(rn, AF_INET6);
	if (IS_ERR(rn->lsn[1]))
		rn->lsn[1] = NULL;
	return rn;
}

static struct rsp_region_net *rsp_region_net_find(const struct net *net)
{
	struct rsp_region_net *rn;

	list_for_each_entry(rn, &rsp_region_nets, list)
		if (net_eq(rn->net, net))
			return rn;
	return NULL;
}

static int rsp_region_net_get(struct net *net)
{
	struct rsp_region_net *rn;

	guard(mutex)(&rsp_region_net_mutex);
	rn = rsp_region_net_find(net) ?: rsp_region_net_create(net);
	if (IS_ERR(rn))
		return PTR_ERR(rn);
	rn->nr++;
	return 0;
}

static void rsp_region_net_put(struct net *net)
{
	struct rsp_region_net *rn;

	guard(mutex)(&rsp_region_net_mutex);
	rn = rsp_region_net_find(net);
	if (!--rn->nr)
		rsp_region_net_close(rn);
}

/* ----------------------------------------------------------------- regions */

/* Return: bytes of the region, or a negative errno */
static s64 rsp_region_attr_check(const struct rsp_region_attr *attr)
{
	struct scatterlist *sg;
	u64 len = 0;
	u32 i;

	/* a key covers whole pages but for the ends */
	for_each_sg(attr->sgl, sg, attr->nents, i) {
		if ((i && sg->offset) ||
		    (i + 1 < attr->nents && !IS_ALIGNED(sg->offset + sg->length, PAGE_SIZE)))
			return -EINVAL;
		len += sg->length;
	}
	if (!attr->nents || !attr->access || attr->access & ~(RSP_DESC_READ | RSP_DESC_WRITE) ||
	    attr->lease_ms < RSP_REGION_MIN_LEASE_MS || attr->lease_ms > RSP_REGION_MAX_LEASE_MS ||
	    (attr->slot_bytes && attr->slot_bytes <= RSP_TRAILER_BYTES))
		return -EINVAL;
	if (!len || len > RSP_REGION_MAX_BYTES || attr->slot_bytes > len)
		return -EINVAL;
	return len;
}

/**
 * rsp_region_publish() - Let peers find memory of this host
 * @svc: the service; with @attr->key it names the region
 * @attr: what is published; need not outlive the call, @attr->sgl must
 *
 * Begins no I/O to get memory: it may be I/O that waits for it.
 * While anything is published, this host listens at port desc_port (module parameter) for those
 * who look it up.
 *
 * Context: Process context. Sleeps.
 * Return: the region, to be ended with rsp_region_revoke(), or ERR_PTR():
 * * %-EINVAL	- no access, no memory or more than 16 MiB or with gaps within pages, a lease out of
 *	bounds, slots without data
 * * %-EEXIST	- the service has one with that key
 * * %-ENOMEM	- no memory
 * * other	- the port cannot be listened at, %-EADDRINUSE for one
 */
struct rsp_region *rsp_region_publish(struct rsp_svc *svc, const struct rsp_region_attr *attr)
{
	s64 len = rsp_region_attr_check(attr);
	struct rsp_region *region;
	unsigned int noio;
	int err = -ENOMEM;

	if (len < 0)
		return ERR_PTR(len);
	noio = memalloc_noio_save();
	region = kzalloc(sizeof(*region), GFP_KERNEL);
	if (!region)
		goto err_noio;
	region->attr = *attr;
	INIT_LIST_HEAD(&region->grants);
	init_waitqueue_head(&region->idle_wait);
	region->entry.view.role = RSP_ROLE_SERVER;
	strscpy(region->entry.view.svc, svc->view.name);
	region->entry.view.key = attr->key;
	region->entry.view.len = len;
	region->entry.view.state = RSP_STATE_UP;
	region->entry.view.access = attr->access;
	region->entry.view.slot_bytes = attr->slot_bytes;
	region->entry.view.lease_ms = attr->lease_ms;

	err = rsp_region_net_get(attr->net);
	if (err)
		goto err_free;
	mutex_lock(&rsp_region_mutex);
	err = rsp_region_find(attr->net, region->entry.view.svc, attr->key) ? -EEXIST :
	      rsp_desc_add(&region->entry);
	if (!err) {
		/* one that was sealed before this host started last is of no epoch of now */
		if (!rsp_region_next_epoch)
			rsp_region_next_epoch = get_random_u32();
		region->entry.view.epoch = ++rsp_region_next_epoch ?: ++rsp_region_next_epoch;
		list_add_tail(&region->list, &rsp_regions);
	}
	mutex_unlock(&rsp_region_mutex);
	if (err)
		goto err_net;
	memalloc_noio_restore(noio);
	trace_rsp_desc_publish(&region->entry.view);
	return region;

err_net:
	rsp_region_net_put(attr->net);
err_free:
	kfree(region);
err_noio:
	memalloc_noio_restore(noio);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(rsp_region_publish);

/**
 * rsp_region_epoch() - What to seal slots with
 * @region: from rsp_region_publish()
 *
 * Context: Any.
 * Return: a number that no other publication of this host has, never 0.
 */
u32 rsp_region_epoch(const struct rsp_region *region)
{
	return region->entry.view.epoch;
}
EXPORT_SYMBOL_GPL(rsp_region_epoch);

/**
 * rsp_region_unpublish() - The first half of rsp_region_revoke()
 * @region: from rsp_region_publish(); rsp_region_revoke() is still owed
 *
 * Nobody gets it any more, and those who have it are asked to give it back. For many regions: unpublish
 * all, then revoke each, so that they wait for their peers together.
 *
 * Context: Process context. Sleeps. Not from a callback of RSP.
 */
void rsp_region_unpublish(struct rsp_region *region)
{
	struct rsp_grant *grant;

	guard(mutex)(&rsp_region_mutex);
	if (region->entry.view.state != RSP_STATE_UP)
		return;
	list_del(&region->list);
	WRITE_ONCE(region->entry.view.state, RSP_STATE_CLOSING);
	trace_rsp_desc_revoke(&region->entry.view);
	list_for_each_entry(grant, &region->grants, region_list) {
		/* however long it had it: it has so long to give it back */
		grant->expires = jiffies + rsp_grant_lease(grant);
		rsp_grant_tell_revoked(grant);
	}
}
EXPORT_SYMBOL_GPL(rsp_region_unpublish);

/**
 * rsp_region_revoke() - The memory is this host's alone again
 * @region: from rsp_region_publish(); it is gone when this returns
 *
 * Asks those who have it to give it back, and waits until no key is valid any more: some
 * milliseconds, or until a lease is over, and some seconds more, for a peer that does not answer.
 *
 * Context: Process context. Sleeps. Not from a callback of RSP.
 */
void rsp_region_revoke(struct rsp_region *region)
{
	rsp_region_unpublish(region);
	wait_event_idle(region->idle_wait, !atomic_read(&region->nr_live));
	rsp_desc_del(&region->entry);
	rsp_region_net_put(region->attr.net);
	kfree_rcu(region, entry.rcu);
}
EXPORT_SYMBOL_GPL(rsp_region_revoke);

/* keys that should be invalid by now: the connection ends, and they with it */
static void rsp_region_tick_ending(void)
{
	struct rsp_region_conn *conn;
	struct rsp_grant *grant;

	spin_lock_bh(&rsp_region_conns_lock);
	list_for_each_entry(conn, &rsp_region_conns, list) {
		spin_lock(&conn->lock);
		grant = list_first_entry_or_null(&conn->ending, struct rsp_grant, conn_list);
		if (grant && time_after(jiffies, grant->expires))
			rsp_chan_fail(conn->chan, -ETIMEDOUT);
		spin_unlock(&conn->lock);
	}
	spin_unlock_bh(&rsp_region_conns_lock);
}

/* once a second: leases that are over, and those that could not be told of a revocation */
void rsp_region_tick(void)
{
	struct rsp_grant *grant;
	unsigned long id;

	rsp_region_tick_ending();
	guard(mutex)(&rsp_region_mutex);
	xa_for_each(&rsp_grants, id, grant) {
		bool is_revoked = grant->region->entry.view.state != RSP_STATE_UP;

		if (time_after(jiffies, grant->expires))
			rsp_grant_end(grant, is_revoked ? RSP_DESC_END_FORCED :
							  RSP_DESC_END_EXPIRED);
		else if (is_revoked && !grant->is_told)
			rsp_grant_tell_revoked(grant);
	}
}
