// SPDX-License-Identifier: GPL-2.0
/*
 * Channels: a service's logical connection to a peer.
 *
 * On a raw endpoint a channel is born with it (ep.c) and has its state; on a mux
 * endpoint it has a state of its own (mux.c). Two references: the service's, from
 * connect or accept until rsp_chan_close(), and the platform's, until down() has
 * returned. Maps hold one each besides.
 */
#include <linux/module.h>

#include "core.h"
#include "mux.h"
#include "trace.h"

DEFINE_XARRAY_ALLOC1(rsp_chans);
static u32 rsp_chan_next_id;

struct rsp_chan *rsp_chan_create(struct rsp_svc *svc, struct rsp_ep *ep)
{
	struct rsp_chan *chan;

	chan = kzalloc(sizeof(*chan), GFP_KERNEL);
	if (!chan)
		return NULL;
	kref_init(&chan->ref);
	kref_get(&chan->ref);		/* the platform's; drained() puts it */
	spin_lock_init(&chan->flow_lock);
	spin_lock_init(&chan->map_lock);
	INIT_LIST_HEAD(&chan->pending);
	INIT_LIST_HEAD(&chan->wait_list);
	rsp_mux_chan_init(chan);
	INIT_LIST_HEAD(&chan->maps);
	init_completion(&chan->down_done);
	chan->svc = svc;
	chan->ep = ep;
	chan->view.svc_id = svc->view.id;
	chan->view.ep_id = ep->view.id;
	chan->view.role = ep->view.role;
	if (rsp_id_alloc(&rsp_chans, &rsp_chan_next_id, &chan->view.id, chan)) {
		kfree(chan);
		return NULL;
	}
	kref_get(&ep->ref);
	atomic_inc(&svc->nr_chan);
	return chan;
}

static void rsp_chan_free(struct kref *ref)
{
	struct rsp_chan *chan = container_of(ref, struct rsp_chan, ref);
	struct rsp_svc *svc = chan->svc;

	WARN_ON_ONCE(!list_empty(&chan->maps));
	xa_erase(&rsp_chans, chan->view.id);
	kref_put(&chan->ep->ref, rsp_ep_free);
	kfree_rcu(chan, rcu);
	atomic_dec(&svc->nr_chan);
}

/**
 * rsp_chan_get() - Take a reference
 * @chan: channel the caller holds a reference on already
 *
 * Context: Any.
 */
void rsp_chan_get(struct rsp_chan *chan)
{
	kref_get(&chan->ref);
}
EXPORT_SYMBOL_GPL(rsp_chan_get);

/**
 * rsp_chan_put() - Drop a reference
 * @chan: the channel
 *
 * Context: Any but hard interrupt.
 */
void rsp_chan_put(struct rsp_chan *chan)
{
	kref_put(&chan->ref, rsp_chan_free);
}
EXPORT_SYMBOL_GPL(rsp_chan_put);

/**
 * rsp_chan_kill() - Disconnect
 * @chan: the channel
 *
 * down() follows with -ESHUTDOWN, unless the channel goes down for another
 * reason first.
 *
 * Context: Any.
 */
void rsp_chan_kill(struct rsp_chan *chan)
{
	rsp_chan_fail(chan, -ESHUTDOWN);
}
EXPORT_SYMBOL_GPL(rsp_chan_kill);

/* the same for another reason; on a mux endpoint the others go on */
void rsp_chan_fail(struct rsp_chan *chan, int reason)
{
	spin_lock_bh(&chan->ep_lock);
	if (chan->is_mux)
		rsp_mux_chan_fail(chan, reason);
	else
		rsp_ep_kill(chan->ep, reason);
	spin_unlock_bh(&chan->ep_lock);
}

/**
 * rsp_chan_close() - The service is done with a channel
 * @chan: the channel; the service's reference goes
 *
 * Disconnects if need be and waits until down() has returned, so that no
 * callback follows; from within down() it does not wait.
 *
 * Context: Process context. Sleeps. Not from accept(), up(), recv(), rehome()
 * or done().
 */
void rsp_chan_close(struct rsp_chan *chan)
{
	rsp_chan_kill(chan);
	if (READ_ONCE(chan->down_task) != current)
		wait_for_completion(&chan->down_done);
	rsp_chan_put(chan);
}
EXPORT_SYMBOL_GPL(rsp_chan_close);

/**
 * rsp_chan_priv() - The service's own pointer
 * @chan: the channel
 *
 * Context: Any.
 * Return: what rsp_chan_connect() or rsp_chan_set_priv() set, else NULL.
 */
void *rsp_chan_priv(const struct rsp_chan *chan)
{
	return chan->priv;
}
EXPORT_SYMBOL_GPL(rsp_chan_priv);

/**
 * rsp_chan_set_priv() - Set the service's own pointer
 * @chan: the channel
 * @priv: anything
 *
 * Context: Any.
 */
void rsp_chan_set_priv(struct rsp_chan *chan, void *priv)
{
	chan->priv = priv;
}
EXPORT_SYMBOL_GPL(rsp_chan_set_priv);

/* of the endpoint it rides now; that one may be another when this returns */
static int rsp_chan_ep_state(const struct rsp_chan *chan)
{
	int state;

	rcu_read_lock();
	state = atomic_read(&READ_ONCE(chan->ep)->state);
	rcu_read_unlock();
	return state;
}

/* those of one device: all endpoints that a channel rides one after the other have the same */
struct rsp_keys *rsp_chan_keys(const struct rsp_chan *chan)
{
	struct rsp_keys *keys;

	rcu_read_lock();
	keys = READ_ONCE(chan->ep)->keys;
	rcu_read_unlock();
	return keys;
}

/**
 * rsp_chan_is_up() - Can the channel carry work
 * @chan: the channel
 *
 * Context: Any.
 * Return: true while it is connected; it may end at any moment.
 */
bool rsp_chan_is_up(const struct rsp_chan *chan)
{
	return rsp_chan_ep_state(chan) == RSP_STATE_UP &&
	       (!chan->is_mux || atomic_read(&chan->state) == RSP_STATE_UP);
}
EXPORT_SYMBOL_GPL(rsp_chan_is_up);

bool rsp_chan_is_closing(const struct rsp_chan *chan)
{
	return rsp_chan_ep_state(chan) >= RSP_STATE_CLOSING ||
	       (chan->is_mux && atomic_read(&chan->state) >= RSP_STATE_CLOSING);
}

/**
 * rsp_chan_begin() - Use the endpoint of a channel
 * @chan: the channel
 *
 * Return: the endpoint; the end of both waits for rsp_chan_end() then. NULL when either closes.
 */
struct rsp_ep *rsp_chan_begin(struct rsp_chan *chan)
{
	struct rsp_ep *ep;
	bool ok;

	do {
		rcu_read_lock();
		ep = READ_ONCE(chan->ep);
		ok = rsp_ep_begin(ep);
		rcu_read_unlock();
	} while (unlikely(!ok) && ep != READ_ONCE(chan->ep));
	if (!ok)
		return NULL;
	if (chan->is_mux) {
		atomic_inc(&chan->nr_work);
		smp_mb__after_atomic();		/* pairs with the change to CLOSING */
		if (unlikely(atomic_read(&chan->state) != RSP_STATE_UP)) {
			rsp_chan_end(chan, ep);
			return NULL;
		}
	}
	return ep;
}

/*
 * The end of the channel waits for rsp_chan_end(), whatever state it is in.
 * Return: the endpoint it rides, which may not end either but may not be its own any more
 */
struct rsp_ep *rsp_chan_pin(struct rsp_chan *chan)
{
	struct rsp_ep *ep;

	if (chan->is_mux)
		atomic_inc(&chan->nr_work);
	rcu_read_lock();
	for (;;) {
		ep = READ_ONCE(chan->ep);
		rsp_ep_pin(ep);
		smp_mb__after_atomic();		/* pairs with rsp_move_switch() */
		if (likely(ep == READ_ONCE(chan->ep)))
			break;
		rsp_ep_end(ep);
	}
	rcu_read_unlock();
	return ep;
}

/* @ep: what the beginning returned */
void rsp_chan_end(struct rsp_chan *chan, struct rsp_ep *ep)
{
	/* behind this the channel may be gone */
	if (ep->is_mux)
		atomic_dec(&chan->nr_work);
	rsp_ep_end(ep);
}

/**
 * rsp_chan_info() - What a service may want to know of a channel
 * @chan: a channel in or after up(), or in recv(); in accept() the figures of
 *        the device are those of the device the request came in on
 * @info: filled
 *
 * Context: Process context or softirq, atomic.
 */
void rsp_chan_info(struct rsp_chan *chan, struct rsp_chan_info *info)
{
	struct rsp_ep *ep = rsp_chan_pin(chan);

	memset(info, 0, sizeof(*info));
	info->id = chan->view.id;
	info->max_recv = rsp_class_bytes[chan->svc->recv_class];
	info->vector = ep->view.vector;
	info->numa_node = NUMA_NO_NODE;
	info->local = chan->local;
	info->peer = chan->remote;
	strscpy(info->dev, ep->view.dev);
	if (ep->is_mux)
		info->max_recv = rsp_class_bytes[RSP_CLASS_16K];
	if (atomic_read(&ep->state) < RSP_STATE_CLOSING && ep->cm_id) {
		info->local = ep->cm_id->route.addr.src_addr;
		info->peer = ep->cm_id->route.addr.dst_addr;
	}
	if (atomic_read(&ep->state) < RSP_STATE_CLOSING && ep->dev) {
		struct ib_device *ibdev = ep->dev->ibdev;

		info->max_send_sge = ep->dev->max_send_sge - 1 - ep->is_mux;
		info->max_map_descs = RSP_MAP_MAX_KEY;
		info->max_map_bytes = (ep->keys->max_pages - 1) << PAGE_SHIFT;
		info->numa_node = ibdev_to_node(ibdev);
		info->cpu = ep->view.vector;
		info->has_remote_inv = true;	/* MEM_MGT_EXTENSIONS implies it */
	}
	rsp_chan_end(chan, ep);
}
EXPORT_SYMBOL_GPL(rsp_chan_info);

/* --------------------------------------------------------- from the endpoint */

/* before anything can arrive */
void rsp_chan_prepare(struct rsp_chan *chan)
{
	chan->max_inline = rsp_class_bytes[chan->svc->recv_class];
	rsp_flow_prepare(chan);
}

/* it is up. @ep: what it rides, pinned */
void rsp_chan_opened(struct rsp_chan *chan, struct rsp_ep *ep)
{
	chan->local = ep->cm_id->route.addr.src_addr;
	chan->remote = ep->cm_id->route.addr.dst_addr;
	WRITE_ONCE(chan->was_up, true);
	rsp_flow_open(chan);
	if (rsp_ep_begin(ep)) {
		rsp_rq_refill(ep->rq, GFP_KERNEL);	/* its credits count from here */
		rsp_ep_end(ep);
	}
	trace_rsp_chan_up(&chan->view, 0);
}

/* it is drained, or never came up; the platform's reference goes */
void rsp_chan_drained(struct rsp_chan *chan, int reason)
{
	if (chan->was_up)
		rsp_flow_close(chan);
	trace_rsp_chan_down(&chan->view, reason);
	WRITE_ONCE(chan->view.state, RSP_STATE_DEAD);
	WRITE_ONCE(chan->down_task, current);
	chan->svc->ops->down(chan, reason);
	WRITE_ONCE(chan->down_task, NULL);
	complete_all(&chan->down_done);
	rsp_chan_put(chan);
}

/* a message; its buffer becomes the service's */
void rsp_chan_received(struct rsp_chan *chan, struct rsp_ibuf *buf)
{
	chan->view.nr_recv++;
	chan->view.recv_bytes += buf->pub.len;
	trace_rsp_chan_recv(&chan->view, buf->pub.len);
	if (trace_rsp_chan_acked_enabled())
		buf->pub.recv_ns = ktime_get_ns();
	rsp_buf_hand_over(buf, chan->svc);
	rsp_flow_received(chan);
	chan->svc->ops->recv(chan, &buf->pub);
}

bool rsp_chan_view_next(u32 *id, struct rsp_chan_view *v)
{
	struct rsp_chan *chan;
	unsigned long i = *id;

	rcu_read_lock();
	chan = xa_find_after(&rsp_chans, &i, ULONG_MAX, XA_PRESENT);
	if (chan)
		*v = chan->view;
	rcu_read_unlock();
	*id = i;
	return chan;
}

/* the next one behind number @id, with a reference */
struct rsp_chan *rsp_chan_next(unsigned long *id)
{
	struct rsp_chan *chan;

	rcu_read_lock();
	do {
		chan = xa_find_after(&rsp_chans, id, ULONG_MAX, XA_PRESENT);
	} while (chan && !kref_get_unless_zero(&chan->ref));
	rcu_read_unlock();
	return chan;
}

/* another policy answers: ask again what is kept */
void rsp_core_swapped(enum rsp_family family)
{
	struct rsp_chan *chan;
	unsigned long id = 0;

	if (family == RSP_FAMILY_EP) {
		rsp_ep_tick(RSP_REHOME_SWAP);
		return;
	}
	while ((chan = rsp_chan_next(&id))) {
		if (rsp_chan_is_up(chan))
			rsp_flow_swapped(chan, family);
		rsp_chan_put(chan);
	}
	if (family == RSP_FAMILY_BUF)
		rsp_rq_refill_all();
}

void rsp_chan_exit(void)
{
	WARN_ON_ONCE(!xa_empty(&rsp_chans));
}
