// SPDX-License-Identifier: GPL-2.0
/*
 * Listeners: where services accept. New connections come through a listener's cm_id, further
 * channels of a mux endpoint by port from the list here.
 *
 * A listener's id goes away with the device or address it is bound to; it is
 * made again from retry_work until that works or the listener is closed.
 */
#include <linux/inet.h>
#include <linux/module.h>
#include <linux/rwsem.h>

#include "addr.h"
#include "core.h"

struct rsp_lsn {
	struct list_head	list;		/* rsp_lsns */
	struct rsp_svc		*svc;
	struct net		*net;
	void			*ctx;
	struct sockaddr_storage	addr;
	struct mutex		mutex;		/* id */
	struct rdma_cm_id	*id;
	bool			is_closed;
	struct delayed_work	retry_work;
};

static LIST_HEAD(rsp_lsns);
/* held for reading while a service accepts a channel, so that closing waits for it */
static DECLARE_RWSEM(rsp_lsn_sem);

static int rsp_lsn_cm_event(struct rdma_cm_id *id, struct rdma_cm_event *event)
{
	struct rsp_lsn *lsn = id->context;

	switch (event->event) {
	case RDMA_CM_EVENT_CONNECT_REQUEST:
		return rsp_ep_accept(lsn->svc, lsn->ctx, id, &event->param.conn);
	case RDMA_CM_EVENT_ADDR_CHANGE:
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		queue_delayed_work(rsp_wq, &lsn->retry_work, 0);
		break;
	default:
		break;
	}
	return 0;
}

static int rsp_lsn_start(struct rsp_lsn *lsn)
{
	struct sockaddr *addr = (struct sockaddr *)&lsn->addr;
	struct rdma_cm_id *id;
	int err;

	id = rdma_create_id(lsn->net, rsp_lsn_cm_event, lsn, RDMA_PS_TCP, IB_QPT_RC);
	if (IS_ERR(id))
		return PTR_ERR(id);
	if (addr->sa_family == AF_INET6) {
		err = rdma_set_afonly(id, 1);
		if (err)
			goto err_id;
	}
	err = rdma_set_reuseaddr(id, 1);
	if (err)
		goto err_id;
	err = rdma_bind_addr(id, addr);
	if (err)
		goto err_id;
	err = rdma_listen(id, 128);
	if (err)
		goto err_id;
	/* the port the kernel chose, to listen there again */
	memcpy(&lsn->addr, &id->route.addr.src_addr, sizeof(lsn->addr));
	lsn->id = id;
	return 0;

err_id:
	rdma_destroy_id(id);
	return err;
}

static void rsp_lsn_retry_work(struct work_struct *work)
{
	struct rsp_lsn *lsn = container_of(work, struct rsp_lsn, retry_work.work);

	mutex_lock(&lsn->mutex);
	if (lsn->id)
		rdma_destroy_id(lsn->id);
	lsn->id = NULL;
	if (!lsn->is_closed && rsp_lsn_start(lsn))
		queue_delayed_work(rsp_wq, &lsn->retry_work, HZ);
	mutex_unlock(&lsn->mutex);
}

/**
 * rsp_listen() - Accept connections for a service
 * @svc: the service; its accept() is called for each
 * @net: network namespace
 * @addr: IPv4 or IPv6 address and port; any address and port 0 are fine
 * @ctx: passed to accept()
 *
 * When the device with @addr goes, the listener comes back with it.
 *
 * Context: Process context. May sleep.
 * Return: the listener, to be ended with rsp_lsn_close(), or ERR_PTR():
 * %-EADDRINUSE, %-EADDRNOTAVAIL, %-ENODEV, ...
 */
struct rsp_lsn *rsp_listen(struct rsp_svc *svc, struct net *net, const struct sockaddr *addr,
			   void *ctx)
{
	struct rsp_lsn *lsn;
	int err;

	if (addr->sa_family != AF_INET && addr->sa_family != AF_INET6)
		return ERR_PTR(-EAFNOSUPPORT);
	lsn = kzalloc(sizeof(*lsn), GFP_KERNEL);
	if (!lsn)
		return ERR_PTR(-ENOMEM);
	lsn->svc = svc;
	lsn->net = net;
	lsn->ctx = ctx;
	memcpy(&lsn->addr, addr, addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
							       sizeof(struct sockaddr_in));
	mutex_init(&lsn->mutex);
	INIT_DELAYED_WORK(&lsn->retry_work, rsp_lsn_retry_work);
	err = rsp_lsn_start(lsn);
	if (err) {
		kfree(lsn);
		return ERR_PTR(err);
	}
	down_write(&rsp_lsn_sem);
	list_add_tail(&lsn->list, &rsp_lsns);
	up_write(&rsp_lsn_sem);
	return lsn;
}
EXPORT_SYMBOL_GPL(rsp_listen);

/**
 * rsp_lsn_close() - Accept no more connections
 * @lsn: from rsp_listen(); accept() is not called any more after this
 *
 * Connections that were accepted stay.
 *
 * Context: Process context. Sleeps.
 */
void rsp_lsn_close(struct rsp_lsn *lsn)
{
	struct rdma_cm_id *id;

	down_write(&rsp_lsn_sem);
	list_del(&lsn->list);
	up_write(&rsp_lsn_sem);
	mutex_lock(&lsn->mutex);
	lsn->is_closed = true;
	id = lsn->id;
	lsn->id = NULL;
	mutex_unlock(&lsn->mutex);
	if (id)
		rdma_destroy_id(id);
	cancel_delayed_work_sync(&lsn->retry_work);
	kfree(lsn);
}
EXPORT_SYMBOL_GPL(rsp_lsn_close);

/**
 * rsp_lsn_addr() - Where a listener listens
 * @lsn: the listener
 * @addr: set to its address, with the port the kernel chose for port 0
 *
 * Context: Any.
 */
void rsp_lsn_addr(const struct rsp_lsn *lsn, struct sockaddr_storage *addr)
{
	*addr = lsn->addr;
}
EXPORT_SYMBOL_GPL(rsp_lsn_addr);

/* would a connection to @to come to this listener? */
static bool rsp_lsn_takes(const struct rsp_lsn *lsn, const struct sockaddr_storage *to)
{
	return lsn->addr.ss_family == to->ss_family &&
	       (inet_addr_is_any((struct sockaddr *)&lsn->addr) || rsp_addr_equal(&lsn->addr, to));
}

/**
 * rsp_lsn_find() - The listener a further channel of an endpoint is for
 * @ep: the endpoint, pinned
 * @port: as if the peer connected to this port, at the address that the endpoint is on
 *
 * Return: the listener, to be given back with rsp_lsn_put(), or NULL, with nothing to give back.
 */
struct rsp_lsn *rsp_lsn_find(struct rsp_ep *ep, u16 port)
{
	const struct rdma_addr *addr = &ep->cm_id->route.addr;
	struct rsp_lsn *lsn;

	down_read(&rsp_lsn_sem);
	list_for_each_entry(lsn, &rsp_lsns, list) {
		if (rsp_addr_port(&lsn->addr) == port && rsp_lsn_takes(lsn, &addr->src_addr) &&
		    net_eq(lsn->net, addr->dev_addr.net))
			return lsn;
	}
	up_read(&rsp_lsn_sem);
	return NULL;
}

void rsp_lsn_put(struct rsp_lsn *lsn)
{
	up_read(&rsp_lsn_sem);
}

struct rsp_svc *rsp_lsn_svc(struct rsp_lsn *lsn)
{
	return lsn->svc;
}

void *rsp_lsn_ctx(struct rsp_lsn *lsn)
{
	return lsn->ctx;
}
