// SPDX-License-Identifier: GPL-2.0
/*
 * Endpoints: queue pairs and the connections that carry them.
 *
 * States stand at struct rsp_ep in core.h. The connection manager's events and
 * completions come in here; both only mark and queue. All teardown is in
 * rsp_ep_down_work(), once per endpoint:
 *
 *	wait: CM event handler				nothing more is set up
 *	disconnect, move the QP to error
 *	wait: last receive (SRQ), drained send queue	no completion follows
 *	fail what is left of the work
 *	a mux endpoint's channels end (mux.c), each of which is counted in nr_work
 *	wait: nr_work					nobody fills or maps
 *	destroy the keys of maps that are still out
 *	destroy QP and cm_id				no CM event follows
 *	destroy keys of its own
 *	leave the device
 *	tell the service
 *
 * Until "leave the device", a device removal waits for us; behind it the
 * channel is a shell the service may keep as long as it likes.
 */
#include <linux/module.h>
#include <rdma/ib_cm.h>

#include "addr.h"
#include "core.h"
#include "hello.h"
#include "move.h"
#include "mux.h"
#include "trace.h"

#define RSP_DRAIN_MS	5000	/* for a Last WQE event the device may never send */
#define RSP_RNR_TIMER	10	/* 0.32 ms, IBA 9.7.5.2.8 table 45 */
#define RSP_MAX_RD_ATOM	32
#define RSP_PROBE_S	10	/* without a message, then ask whether the peer is there */

DEFINE_XARRAY_ALLOC1(rsp_eps);
static u32 rsp_ep_next_id;

/* ------------------------------------------------------------- life of one */

static void rsp_ep_down_work(struct work_struct *work);

static struct rsp_ep *rsp_ep_create(enum rsp_role role)
{
	struct rsp_ep *ep;

	ep = kzalloc(sizeof(*ep), GFP_KERNEL);
	if (!ep)
		return NULL;
	kref_init(&ep->ref);
	spin_lock_init(&ep->hook_lock);
	spin_lock_init(&ep->chan_lock);
	INIT_LIST_HEAD(&ep->chans);
	spin_lock_init(&ep->sq_lock);
	INIT_LIST_HEAD(&ep->sq_posted);
	INIT_LIST_HEAD(&ep->sq_control);
	INIT_LIST_HEAD(&ep->sq_waiting);
	init_waitqueue_head(&ep->idle_wait);
	init_completion(&ep->last_wqe);
	INIT_WORK(&ep->down_work, rsp_ep_down_work);
	atomic_set(&ep->state, RSP_STATE_CONNECTING);
	ep->view.role = role;
	ep->view.nr_chan = 1;
	if (rsp_id_alloc(&rsp_eps, &rsp_ep_next_id, &ep->view.id, ep)) {
		kfree(ep);
		return NULL;
	}
	return ep;
}

void rsp_ep_free(struct kref *ref)
{
	struct rsp_ep *ep = container_of(ref, struct rsp_ep, ref);

	xa_erase(&rsp_eps, ep->view.id);
	rsp_mux_destroy(ep);
	kfree(ep->own_keys);
	kfree_rcu(ep, rcu);
}

/**
 * rsp_ep_begin() - Use the queue pair or the device of an endpoint
 * @ep: the endpoint
 *
 * Return: true until it closes; its end waits for rsp_ep_end() then.
 */
bool rsp_ep_begin(struct rsp_ep *ep)
{
	int state;

	atomic_inc(&ep->nr_work);
	smp_mb__after_atomic();		/* pairs with the change to CLOSING */
	state = atomic_read(&ep->state);
	/* an accepted connection may carry a message before the CM says it is up */
	if (likely(state == RSP_STATE_UP) ||
	    (state == RSP_STATE_CONNECTING && ep->view.role == RSP_ROLE_SERVER && ep->qp))
		return true;
	rsp_ep_end(ep);
	return false;
}

void rsp_ep_end(struct rsp_ep *ep)
{
	/* the last reference may be gone when what waits here goes on */
	rcu_read_lock();
	if (atomic_dec_and_test(&ep->nr_work) &&
	    unlikely(atomic_read(&ep->state) >= RSP_STATE_CLOSING))
		wake_up_all(&ep->idle_wait);
	rcu_read_unlock();
}

/**
 * rsp_ep_kill() - The endpoint ends
 * @ep: the endpoint
 * @reason: a negative errno, the service hears the first one
 *
 * Context: Any. Marks and queues, nothing more.
 */
void rsp_ep_kill(struct rsp_ep *ep, int reason)
{
	int old = atomic_read(&ep->state);
	struct rsp_chan *chan;

	do {
		if (old >= RSP_STATE_CLOSING)
			return;
	} while (!atomic_try_cmpxchg(&ep->state, &old, RSP_STATE_CLOSING));
	ep->was_up = old == RSP_STATE_UP;
	ep->reason = reason;
	WRITE_ONCE(ep->view.state, RSP_STATE_CLOSING);
	chan = READ_ONCE(ep->chan);
	if (chan)
		WRITE_ONCE(chan->view.state, RSP_STATE_CLOSING);
	queue_work(rsp_wq, &ep->down_work);
}

static void rsp_ep_drain(struct rsp_ep *ep)
{
	struct ib_qp_attr attr = { .qp_state = IB_QPS_ERR };

	if (!ep->qp->srq) {
		rsp_rq_stop(ep->rq);
		ib_drain_qp(ep->qp);
		return;
	}
	if (!ib_modify_qp(ep->qp, &attr, IB_QP_STATE) &&
	    !wait_for_completion_timeout(&ep->last_wqe, msecs_to_jiffies(RSP_DRAIN_MS)))
		pr_warn("%s ep %u: no Last WQE event within %u ms\n", ep->view.dev, ep->view.id,
			RSP_DRAIN_MS);
	/* same CQ: behind this completion no receive is left either */
	ib_drain_sq(ep->qp);
}

static void rsp_ep_down_work(struct work_struct *work)
{
	struct rsp_ep *ep = container_of(work, struct rsp_ep, down_work);
	struct rsp_chan *chan;
	struct rsp_dev *dev;

	/* one that is setting up device and queue pair; the next sees that the endpoint closes */
	if (ep->cm_id) {
		rdma_lock_handler(ep->cm_id);
		rdma_unlock_handler(ep->cm_id);
	}
	dev = ep->dev;
	if (ep->qp) {
		rdma_disconnect(ep->cm_id);
		rsp_ep_drain(ep);
		rsp_work_abort(ep);
	}
	rsp_move_connected(ep, false);
	rsp_move_leave(ep);
	/* from here on it stays what it is: raw with its channel, mux, or nothing */
	rsp_mux_down(ep, ep->reason);
	chan = ep->chan;
	if (chan && dev)
		rsp_work_abort_pending(chan);
	wait_event(ep->idle_wait, !atomic_read(&ep->nr_work));
	if (chan && dev) {
		rsp_map_destroy_all(chan);
		/* a map that was being put meanwhile; nobody can begin any more */
		wait_event(ep->idle_wait, !atomic_read(&ep->nr_work));
	}
	if (ep->qp)
		rdma_destroy_qp(ep->cm_id);
	rsp_mux_unset_ring(ep);
	if (ep->cm_id)
		rdma_destroy_id(ep->cm_id);
	if (ep->rq) {
		if (chan) {
			atomic_sub(chan->rq_credits, &ep->rq->credits);
			chan->rq_credits = 0;
		}
		if (ep->rq->view.is_private)
			rsp_rq_destroy(ep->rq);
		else if (ep->qp)
			rsp_rq_count(ep->rq, -1);
	}
	if (ep->own_keys)
		rsp_keys_exit(ep->own_keys);
	if (ep->cq)
		rsp_cq_put(dev, ep->cq, ep->nr_cqe);
	if (ep->was_up) {
		spin_lock_bh(&ep->hook_lock);
		rsp_policy_ep_down(&ep->view, &ep->gen);
		spin_unlock_bh(&ep->hook_lock);
	}
	if (ep->peer)
		rsp_peer_put(ep->peer);
	ep->peer = NULL;
	trace_rsp_ep_down(&ep->view, ep->reason);
	atomic_set(&ep->state, RSP_STATE_DEAD);
	WRITE_ONCE(ep->view.state, RSP_STATE_DEAD);
	if (dev)
		rsp_dev_leave(dev);
	if (chan)
		rsp_chan_drained(chan, ep->reason);
	kref_put(&ep->ref, rsp_ep_free);
}

static void rsp_ep_qp_event(struct ib_event *event, void *context)
{
	struct rsp_ep *ep = context;

	switch (event->event) {
	case IB_EVENT_QP_LAST_WQE_REACHED:
		complete(&ep->last_wqe);
		break;
	case IB_EVENT_COMM_EST:
		rdma_notify(ep->cm_id, IB_EVENT_COMM_EST);
		break;
	case IB_EVENT_QP_FATAL:
	case IB_EVENT_QP_REQ_ERR:
	case IB_EVENT_QP_ACCESS_ERR:
		rsp_ep_kill(ep, -EIO);
		break;
	default:
		break;
	}
}

/* ----------------------------------------------------------- the queue pair */

/* can the channel share an endpoint? A client does not know of a peer it has not met */
static bool rsp_ep_can_mux(const struct rsp_ep *ep)
{
	const struct rsp_peer_view *peer = rsp_peer_view(ep->peer);

	if (!ep->dev->has_srq || rdma_protocol_iwarp(ep->dev->ibdev, ep->cm_id->port_num) ||
	    (ep->chan && (ep->chan->svc->recv_class > RSP_CLASS_16K || ep->own_keys)))
		return false;
	return ep->view.role == RSP_ROLE_SERVER ? ep->peer_asks_mux :
	       !peer->version || peer->features & RSP_HELLO_CAN_MUX;
}

static struct rsp_ep *rsp_ep_next(unsigned long *id)
{
	struct rsp_ep *ep;

	rcu_read_lock();
	do {
		ep = xa_find_after(&rsp_eps, id, ULONG_MAX, XA_PRESENT);
	} while (ep && !kref_get_unless_zero(&ep->ref));
	rcu_read_unlock();
	return ep;
}

/* A policy knows peers, not addresses: where the one it names leads elsewhere, another may do */
static bool rsp_ep_ride(struct rsp_ep *ep, u32 named)
{
	bool ok = rsp_mux_ride(ep, named);
	unsigned long id = 0;
	struct rsp_ep *to;

	while (!ok && (to = rsp_ep_next(&id))) {
		ok = to->is_mux && rsp_mux_ride(ep, id);
		kref_put(&to->ref, rsp_ep_free);
	}
	return ok;
}

/* @chan: NULL for the first one of an endpoint that is connected without */
static u64 rsp_ep_ask(const struct rsp_ep *ep, const struct rsp_chan *chan, u32 can_mux, u32 on_ep)
{
	struct rsp_dev *dev = ep->dev;
	struct rsp_place_req req = {
		.svc_id		= chan ? chan->view.svc_id : ep->bare_svc,
		.chan_id	= chan ? chan->view.id : 0,
		.peer_id	= ep->view.peer_id,
		.dev_id		= dev->index,
		.role		= ep->view.role,
		.nr_vector	= dev->nr_vec,
		.next_vector	= (u32)atomic_inc_return(&dev->next_vec) % dev->nr_vec,
		.nr_peer_ep	= rsp_peer_view(ep->peer)->nr_ep - 1,
		.has_srq	= dev->has_srq,
		.can_mux	= can_mux,
		.ep_id		= on_ep,
	};

	return rsp_policy_place(&req);
}

/* where a channel of a mux endpoint shall go. Context: @ep is pinned */
u64 rsp_ep_place_again(struct rsp_ep *ep, const struct rsp_chan *chan)
{
	return rsp_ep_ask(ep, chan, true, ep->view.id);
}

static int rsp_ep_set_rq(struct rsp_ep *ep, struct rsp_rq *rq)
{
	if (IS_ERR(rq))
		return PTR_ERR(rq);
	ep->rq = rq;
	ep->view.rq_id = rq->view.id;
	return 0;
}

/* as the one that connected it was told, or as the policy says where it comes to */
static int rsp_ep_place_bare(struct rsp_ep *ep)
{
	bool is_client = ep->view.role == RSP_ROLE_CLIENT;
	u64 place;
	int err;

	if (!rsp_ep_can_mux(ep))
		return -ECONNREFUSED;
	if (is_client && ep->dev != ep->mover_ep->dev)
		return -EXDEV;
	if (!is_client) {
		place = rsp_ep_ask(ep, NULL, true, 0);
		if (place & RSP_PLACE_PRIVATE_RQ)
			return -ECONNREFUSED;
		ep->view.vector = place & RSP_PLACE_VECTOR_MASK;
	}
	err = rsp_mux_create(ep);
	if (err)
		return err;
	return rsp_ep_set_rq(ep, rsp_rq_shared(ep->dev, ep->view.vector, RSP_RQ_MUX));
}

/*
 * Where it goes: vector and receive queue, or another endpoint, as the endpoint policy says.
 * Return: 0, -EXFULL when the channel rides another endpoint, another negative errno
 */
static int rsp_ep_place(struct rsp_ep *ep)
{
	bool is_client = ep->view.role == RSP_ROLE_CLIENT;
	bool can_mux = rsp_ep_can_mux(ep);
	struct rsp_chan *chan = ep->chan;
	struct rsp_dev *dev = ep->dev;
	u64 place = rsp_ep_ask(ep, chan, can_mux, 0);
	u32 class = chan->svc->recv_class;
	struct rsp_rq *rq;
	int err;

	if (is_client && can_mux && place >> RSP_PLACE_EP_SHIFT &&
	    rsp_ep_ride(ep, place >> RSP_PLACE_EP_SHIFT))
		return -EXFULL;
	/* a server shares where the client wants to, unless the policy is against it */
	if (can_mux && !(place & RSP_PLACE_PRIVATE_RQ) && (!is_client || place & RSP_PLACE_MUX)) {
		err = rsp_mux_create(ep);
		if (err)
			return err;
	}
	ep->view.vector = place & RSP_PLACE_VECTOR_MASK;
	if (dev->has_srq && !(place & RSP_PLACE_PRIVATE_RQ) && !ep->own_keys)
		rq = rsp_rq_shared(dev, ep->view.vector, ep->mux ? RSP_RQ_MUX : class);
	else
		rq = rsp_rq_create_private(ep->keys, ep->view.vector, class,
				min_t(u32, chan->param.max_credits + 8,
				      dev->ibdev->attrs.max_qp_wr));
	return rsp_ep_set_rq(ep, rq);
}

/* send slots the longest chain of a channel with these parameters takes */
u32 rsp_ep_chain(const struct rsp_dev *dev, const struct rsp_conn_param *p)
{
	return 2 + DIV_ROUND_UP(p->max_map_bytes >> PAGE_SHIFT, dev->keys.max_pages) * 2 +
	       DIV_ROUND_UP(p->max_rdma_bytes >> PAGE_SHIFT, dev->max_send_sge) * 2;
}

static int rsp_ep_create_qp(struct rsp_ep *ep)
{
	static const struct rsp_conn_param unknown;	/* a bare one's, of what will move there */
	struct rsp_chan *chan = ep->chan ?: ep->mover;
	const struct rsp_conn_param *p = chan ? &chan->param : &unknown;
	struct rsp_dev *dev = ep->dev;
	struct ib_qp_init_attr attr = {
		.event_handler	= rsp_ep_qp_event,
		.qp_context	= ep,
		.sq_sig_type	= IB_SIGNAL_REQ_WR,
		.qp_type	= IB_QPT_RC,
		.port_num	= ep->cm_id->port_num,
	};
	u32 per_send, sq;
	int err;

	err = ep->is_bare ? rsp_ep_place_bare(ep) : rsp_ep_place(ep);
	if (err)
		return err;

	/* more than the longest chain may wait for slots */
	per_send = 1 + (p->max_map_bytes ? 2 : 0) + (p->max_rdma_bytes ? 1 : 0);
	sq = max(p->max_sends * per_send, 2 * rsp_ep_chain(dev, p)) + 8;
	if (ep->mux)
		sq = max_t(u32, sq, RSP_MUX_SQ);
	sq = min_t(u32, sq, dev->ibdev->attrs.max_qp_wr / 2);
	if (ep->mux) {
		err = rsp_mux_set_ring(ep, sq);
		if (err)
			return err;
	}
	attr.cap.max_send_wr = sq + 1;	/* and the one that drains */
	attr.cap.max_send_sge = dev->max_send_sge;
	if (p->max_rdma_bytes &&
	    rdma_protocol_iwarp(dev->ibdev, ep->cm_id->port_num))
		attr.cap.max_rdma_ctxs = p->max_sends;	/* they read through keys of their own */
	ep->nr_cqe = attr.cap.max_send_wr;
	if (ep->rq->srq) {
		attr.srq = ep->rq->srq;
	} else {
		attr.cap.max_recv_wr = ep->rq->view.size + 1;
		attr.cap.max_recv_sge = 1;
		ep->nr_cqe += attr.cap.max_recv_wr;
	}
	/* services of all kinds are called from a mux endpoint's */
	ep->cq = rsp_cq_get(dev, ep->view.vector, !ep->mux && chan->svc->is_atomic, ep->rq,
			    ep->nr_cqe);
	if (IS_ERR(ep->cq)) {
		err = PTR_ERR(ep->cq);
		ep->cq = NULL;
		return err;
	}
	attr.send_cq = ep->cq->cq;
	attr.recv_cq = ep->cq->cq;
	err = rdma_create_qp(ep->cm_id, ep->keys->pd, &attr);
	if (err)
		return err;
	ep->sq_size = sq;
	ep->sq_avail = sq;
	ep->qp = ep->cm_id->qp;
	ep->view.sq_size = sq;
	ep->view.qp_num = ep->qp->qp_num;
	rsp_rq_count(ep->rq, 1);
	if (ep->rq->view.is_private)
		rsp_rq_start_private(ep->rq, ep->qp);
	return 0;
}

/*
 * What the endpoint's peer has said, or its address before it says anything, tells who it is.
 * Context: before down_work can be at the peer
 */
static int rsp_ep_set_peer(struct rsp_ep *ep, const void *pdata, u8 len)
{
	struct rsp_hello hello;
	struct rsp_peer *peer;

	rsp_hello_parse(&hello, pdata, len);
	ep->peer_asks_mux = hello.features & RSP_HELLO_MUX;
	ep->peer_can_move = hello.features & RSP_HELLO_CAN_MOVE;
	peer = rsp_peer_get(&ep->cm_id->route.addr.dst_addr, &hello);
	if (!peer)
		return -ENOMEM;
	if (ep->peer)
		rsp_peer_put(ep->peer);
	ep->peer = peer;
	WRITE_ONCE(ep->view.peer_id, rsp_peer_view(peer)->id);
	if (ep->chan)
		WRITE_ONCE(ep->chan->view.peer_id, ep->view.peer_id);
	return 0;
}

/* the device's, or those of a service whose peers shall not have each other's */
static int rsp_ep_set_keys(struct rsp_ep *ep)
{
	int err;

	if (!ep->chan || !ep->chan->svc->has_own_keys)
		return 0;
	ep->own_keys = kzalloc(sizeof(*ep->own_keys), GFP_KERNEL);
	if (!ep->own_keys)
		return -ENOMEM;
	err = rsp_keys_init(ep->own_keys, ep->dev, false);
	if (err) {
		kfree(ep->own_keys);
		ep->own_keys = NULL;
		return err;
	}
	ep->keys = ep->own_keys;
	return 0;
}

/* the CM has chosen a device: enter it and make the queue pair. @pdata: of a request */
static int rsp_ep_setup(struct rsp_ep *ep, const void *pdata, u8 len)
{
	struct rsp_dev *dev;
	int err;

	if (atomic_read(&ep->state) >= RSP_STATE_CLOSING)
		return -ENOTCONN;
	err = rsp_ep_set_peer(ep, pdata, len);
	if (err)
		return err;
	dev = rsp_dev_enter(ep->cm_id->device);
	if (!dev)
		return -ENODEV;
	ep->keys = &dev->keys;	/* who finds a device finds these */
	ep->dev = dev;
	ep->view.dev_id = ep->dev->index;
	strscpy(ep->view.dev, ep->dev->ibdev->name);
	err = rsp_ep_set_keys(ep);
	return err ?: rsp_ep_create_qp(ep);
}

/* @pdata: filled, and pointed at by @cp */
static void rsp_ep_conn_param(struct rsp_ep *ep, struct rdma_conn_param *cp,
			      struct rsp_pdata *pdata)
{
	const struct ib_device_attr *attrs = &ep->dev->ibdev->attrs;
	const struct rsp_chan *chan = ep->chan;

	memset(cp, 0, sizeof(*cp));
	rsp_hello_fill(pdata, chan ? chan->param.pdata : NULL, chan ? chan->param.pdata_len : 0,
		       RSP_HELLO_CAN_MUX | RSP_HELLO_CAN_MOVE | (ep->mux ? RSP_HELLO_MUX : 0) |
		       (ep->is_bare ? RSP_HELLO_BARE : 0));
	cp->private_data = pdata;
	cp->private_data_len = sizeof(*pdata);
	cp->responder_resources = min_t(u32, attrs->max_qp_rd_atom, RSP_MAX_RD_ATOM);
	cp->initiator_depth = min_t(u32, attrs->max_qp_init_rd_atom, RSP_MAX_RD_ATOM);
	cp->retry_count = 6;
	cp->rnr_retry_count = 7;	/* without end: a shared queue may run short for a while */
	rdma_set_min_rnr_timer(ep->cm_id, RSP_RNR_TIMER);
}

/* --------------------------------------------------------------- CM events */

static void rsp_ep_established(struct rsp_ep *ep, const struct rdma_conn_param *cp)
{
	struct rsp_chan *chan = ep->chan;
	int old = RSP_STATE_CONNECTING;

	/* without memory it stays the peer that its address says */
	if (ep->view.role == RSP_ROLE_CLIENT) {
		rsp_ep_set_peer(ep, cp->private_data, cp->private_data_len);
		if (ep->mux && ep->peer_asks_mux && !rsp_mux_begin(ep))
			return;
		if (ep->is_bare && !ep->peer_asks_mux) {
			rsp_ep_kill(ep, -EPROTO);
			return;
		}
	}
	WRITE_ONCE(ep->view.state, RSP_STATE_UP);
	if (!ep->is_mux)
		WRITE_ONCE(chan->view.state, RSP_STATE_UP);
	if (!atomic_try_cmpxchg(&ep->state, &old, RSP_STATE_UP)) {
		WRITE_ONCE(ep->view.state, old);
		if (!ep->is_mux)
			WRITE_ONCE(chan->view.state, old);
		return;
	}
	spin_lock_bh(&ep->hook_lock);
	rsp_policy_ep_up(&ep->view, &ep->gen);
	spin_unlock_bh(&ep->hook_lock);
	trace_rsp_ep_up(&ep->view, 0);
	if (ep->is_mux) {
		rsp_mux_established(ep, cp);
		rsp_move_connected(ep, true);
		return;
	}
	rsp_chan_opened(chan, ep);
	if (ep->view.role == RSP_ROLE_CLIENT)
		chan->svc->ops->up(chan, cp->private_data, cp->private_data_len);
	else
		chan->svc->ops->up(chan, NULL, 0);
}

static int rsp_ep_resolved(struct rsp_ep *ep)
{
	struct rdma_conn_param cp;
	struct rsp_pdata pdata;
	int err;

	err = rsp_ep_setup(ep, NULL, 0);
	if (err)
		return err;
	rsp_ep_conn_param(ep, &cp, &pdata);
	return rdma_connect_locked(ep->cm_id, &cp);
}

/* ids of endpoints; their context is the endpoint */
static int rsp_ep_cm_event(struct rdma_cm_id *id, struct rdma_cm_event *event)
{
	struct rsp_ep *ep = id->context;
	int err;

	switch (event->event) {
	case RDMA_CM_EVENT_ADDR_RESOLVED:
		err = rdma_resolve_route(id, ep->timeout_ms);
		if (err)
			rsp_ep_kill(ep, err);
		break;
	case RDMA_CM_EVENT_ROUTE_RESOLVED:
		err = rsp_ep_resolved(ep);
		if (err)
			rsp_ep_kill(ep, err);
		break;
	case RDMA_CM_EVENT_ESTABLISHED:
		rsp_ep_established(ep, &event->param.conn);
		break;
	case RDMA_CM_EVENT_REJECTED:
		pr_debug("%s ep %u rejected: %s\n", ep->view.dev, ep->view.id,
			 rdma_reject_msg(id, event->status));
		rsp_ep_kill(ep, -ECONNREFUSED);
		break;
	case RDMA_CM_EVENT_ADDR_ERROR:
	case RDMA_CM_EVENT_ROUTE_ERROR:
	case RDMA_CM_EVENT_UNREACHABLE:
		rsp_ep_kill(ep, event->status < 0 ? event->status : -EHOSTUNREACH);
		break;
	case RDMA_CM_EVENT_CONNECT_ERROR:
		rsp_ep_kill(ep, -ECONNABORTED);
		break;
	case RDMA_CM_EVENT_DISCONNECTED:
		rsp_ep_kill(ep, -ECONNRESET);
		break;
	case RDMA_CM_EVENT_ADDR_CHANGE:
		rsp_ep_kill(ep, -EADDRNOTAVAIL);
		break;
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		rsp_ep_kill(ep, -ENODEV);
		break;
	default:
		break;
	}
	return 0;
}

/* ------------------------------------------------------- connect and accept */

int rsp_conn_param_check(const struct rsp_conn_param *p)
{
	if (!p->max_sends || !p->max_credits || p->pdata_len > RSP_PDATA_BYTES ||
	    (p->pdata_len && !p->pdata))
		return -EINVAL;
	return 0;
}

/* An id made for a request is ours from here on: answer, or end */
static void rsp_ep_answer(struct rsp_ep *ep, const struct rdma_conn_param *cp, int err)
{
	struct rdma_cm_id *id = ep->cm_id;
	struct rdma_conn_param reply;
	struct rsp_pdata pdata;

	id->context = ep;
	id->event_handler = rsp_ep_cm_event;
	if (!err)
		err = rsp_ep_setup(ep, cp->private_data, cp->private_data_len);
	if (!err) {
		if (ep->chan)
			rsp_chan_prepare(ep->chan);
		rsp_ep_conn_param(ep, &reply, &pdata);
		reply.initiator_depth = min_t(u8, reply.initiator_depth, cp->initiator_depth);
		reply.responder_resources = min_t(u8, reply.responder_resources,
						  cp->responder_resources);
		/* it may share from the first message on; the channel goes its own way then */
		if (ep->mux && !rsp_mux_begin(ep))
			err = -ENOTCONN;
		else
			err = rdma_accept(id, &reply);
	}
	if (err) {
		if (!ep->qp)
			rdma_reject(id, NULL, 0, IB_CM_REJ_CONSUMER_DEFINED);
		rsp_ep_kill(ep, err);
	}
}

/* a peer's channel is to come from another endpoint: no service need be asked */
static int rsp_ep_accept_bare(struct rsp_svc *svc, struct rdma_cm_id *id,
			      const struct rdma_conn_param *cp)
{
	struct rsp_ep *ep = rsp_ep_create(RSP_ROLE_SERVER);

	if (!ep)
		return -ENOMEM;
	ep->view.nr_chan = 0;
	ep->is_bare = true;
	ep->bare_svc = svc->view.id;
	ep->cm_id = id;
	rsp_ep_answer(ep, cp, 0);
	return 0;
}

/* A new id was made for a connection request; non-zero lets the CM destroy it. */
int rsp_ep_accept(struct rsp_svc *svc, void *lsn_ctx, struct rdma_cm_id *id,
		  const struct rdma_conn_param *cp)
{
	struct rsp_hello hello;
	struct rsp_chan *chan;
	struct rsp_ep *ep;
	int err;

	rsp_hello_parse(&hello, cp->private_data, cp->private_data_len);
	if (hello.features & RSP_HELLO_BARE && hello.features & RSP_HELLO_MUX)
		return rsp_ep_accept_bare(svc, id, cp);
	ep = rsp_ep_create(RSP_ROLE_SERVER);
	if (!ep)
		return -ENOMEM;
	chan = rsp_chan_create(svc, ep);
	if (!chan) {
		kref_put(&ep->ref, rsp_ep_free);
		return -ENOMEM;
	}
	ep->chan = chan;
	ep->cm_id = id;
	err = svc->ops->accept(chan, lsn_ctx, cp->private_data, cp->private_data_len,
			       &chan->param);
	if (err) {
		/* never was: the service has no reference, the CM rejects and keeps its id */
		rsp_chan_put(chan);
		rsp_chan_put(chan);
		kref_put(&ep->ref, rsp_ep_free);
		return err;
	}

	/* from here down() is owed */
	rsp_ep_answer(ep, cp, rsp_conn_param_check(&chan->param));
	return 0;
}

/**
 * rsp_chan_connect() - Connect to a peer's service
 * @svc: the service that connects
 * @net: network namespace
 * @src: own address, NULL to let the route decide
 * @dst: the peer's address and port
 * @param: what to say and what is needed; need not outlive the call
 * @priv: see rsp_chan_priv()
 * @timeout_ms: for address and route resolution each, 0 for 5000
 *
 * The outcome is told by up() or down(). The service holds a reference and
 * must end with rsp_chan_close().
 *
 * Context: Process context. May sleep.
 * Return: the channel, or ERR_PTR(), and no callback then.
 */
struct rsp_chan *rsp_chan_connect(struct rsp_svc *svc, struct net *net,
				  const struct sockaddr *src, const struct sockaddr *dst,
				  const struct rsp_conn_param *param, void *priv, u32 timeout_ms)
{
	struct rdma_cm_id *id;
	struct rsp_chan *chan;
	struct rsp_ep *ep;
	int err;

	err = rsp_conn_param_check(param);
	if (err)
		return ERR_PTR(err);
	ep = rsp_ep_create(RSP_ROLE_CLIENT);
	if (!ep)
		return ERR_PTR(-ENOMEM);
	chan = rsp_chan_create(svc, ep);
	if (!chan) {
		kref_put(&ep->ref, rsp_ep_free);
		return ERR_PTR(-ENOMEM);
	}
	ep->chan = chan;
	chan->param = *param;
	memcpy(chan->pdata, param->pdata, param->pdata_len);
	chan->param.pdata = chan->pdata;
	chan->priv = priv;
	chan->port = rsp_addr_port((const struct sockaddr_storage *)dst);
	ep->timeout_ms = timeout_ms ?: 5000;
	rsp_chan_prepare(chan);

	id = rdma_create_id(net, rsp_ep_cm_event, ep, RDMA_PS_TCP, IB_QPT_RC);
	if (IS_ERR(id)) {
		err = PTR_ERR(id);
		goto err_chan;
	}
	ep->cm_id = id;
	err = rdma_resolve_addr(id, (struct sockaddr *)src, dst, ep->timeout_ms);
	if (err)
		goto err_id;
	return chan;

err_id:
	rdma_destroy_id(id);
err_chan:
	rsp_chan_put(chan);
	rsp_chan_put(chan);
	kref_put(&ep->ref, rsp_ep_free);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(rsp_chan_connect);

/**
 * rsp_ep_connect_for() - Connect an endpoint that a channel moves to
 * @chan: the channel
 * @like: the mux endpoint it is on, pinned; the new one is from and to the same addresses
 * @vector: completion vector
 *
 * When it is up the channel goes there; where it cannot be, the channel stays where it is.
 */
void rsp_ep_connect_for(struct rsp_chan *chan, struct rsp_ep *like, u32 vector)
{
	const struct rdma_addr *addr = &like->cm_id->route.addr;
	struct sockaddr_storage src = addr->src_addr, dst = addr->dst_addr;
	struct rdma_cm_id *id;
	struct rsp_ep *ep;

	ep = rsp_ep_create(RSP_ROLE_CLIENT);
	if (!ep)
		return;
	id = rdma_create_id(addr->dev_addr.net, rsp_ep_cm_event, ep, RDMA_PS_TCP, IB_QPT_RC);
	if (IS_ERR(id)) {
		kref_put(&ep->ref, rsp_ep_free);
		return;
	}
	rsp_addr_set_port(&src, 0);
	rsp_addr_set_port(&dst, chan->port);
	ep->cm_id = id;
	ep->timeout_ms = 5000;
	ep->view.nr_chan = 0;
	ep->view.vector = vector;
	ep->is_bare = true;
	kref_get(&chan->ref);
	ep->mover = chan;
	kref_get(&like->ref);
	ep->mover_ep = like;
	WRITE_ONCE(like->is_left, true);
	/* from here on its end sees to all of it; rsp_move_end() sees it, or we that the channel ends */
	WRITE_ONCE(chan->bare_id, ep->view.id);
	smp_mb();
	if (rsp_chan_is_closing(chan))
		rsp_ep_kill(ep, -ECONNABORTED);
	else if (rdma_resolve_addr(id, (struct sockaddr *)&src, (struct sockaddr *)&dst, ep->timeout_ms))
		rsp_ep_kill(ep, -EHOSTUNREACH);
}

/* ------------------------------------------------------------------ all of them */

void rsp_ep_kill_dev(struct rsp_dev *dev)
{
	unsigned long id = 0;
	struct rsp_ep *ep;

	while ((ep = rsp_ep_next(&id))) {
		if (READ_ONCE(ep->dev) == dev)
			rsp_ep_kill(ep, -ENODEV);
		kref_put(&ep->ref, rsp_ep_free);
	}
}

static void rsp_ep_probe_done(struct rsp_work *work, int status)
{
	WRITE_ONCE(container_of(work, struct rsp_iwork, pub)->ep->is_probed, false);
}

/*
 * A queue pair notices that its peer is gone only by what is not acknowledged.
 * One that only waits, a server's above all, would keep all it holds for ever.
 */
static void rsp_ep_probe(struct rsp_ep *ep)
{
	u64 nr_msg = ep->is_mux ? rsp_mux_nr_msg(ep) :
				  ep->chan->view.nr_send + ep->chan->view.nr_recv;

	if (nr_msg != ep->nr_msg) {
		ep->nr_msg = nr_msg;
		ep->nr_idle = 0;
	} else if (++ep->nr_idle >= RSP_PROBE_S && !READ_ONCE(ep->is_probed)) {
		ep->nr_idle = 0;
		ep->is_probed = true;
		if (rsp_work_probe(ep, rsp_ep_probe_done))
			ep->is_probed = false;
	}
}

/* ask the policy whether channels shall move; @why: enum rsp_rehome_why */
void rsp_ep_tick(u32 why)
{
	unsigned long id = 0;
	struct rsp_chan *chan;
	struct rsp_ep *ep;
	bool move;

	while ((ep = rsp_ep_next(&id))) {
		/* down() waits for rsp_ep_end(), so no rehome() comes behind it */
		if (rsp_ep_begin(ep)) {
			chan = ep->chan;
			spin_lock_bh(&ep->hook_lock);
			ep->view.sq_used = ep->sq_size - READ_ONCE(ep->sq_avail);
			move = rsp_policy_rehome(&ep->view, &ep->gen, why);
			spin_unlock_bh(&ep->hook_lock);
			if (ep->is_mux) {
				/* or else those who had to wait when it last did */
				if (move || why == RSP_REHOME_TIMER)
					rsp_move_rehome(ep, !move);
			} else if (move && ep->view.role == RSP_ROLE_CLIENT && chan->svc->ops->rehome) {
				chan->svc->ops->rehome(chan);
			}
			if (why == RSP_REHOME_TIMER && atomic_read(&ep->state) == RSP_STATE_UP) {
				rsp_ep_probe(ep);
				if (ep->is_mux)
					rsp_mux_tick(ep);
			}
			rsp_ep_end(ep);
		}
		kref_put(&ep->ref, rsp_ep_free);
	}
}

/* Return: the endpoint with a reference, or NULL */
struct rsp_ep *rsp_ep_find(u32 id)
{
	struct rsp_ep *ep;

	rcu_read_lock();
	ep = xa_load(&rsp_eps, id);
	if (ep && !kref_get_unless_zero(&ep->ref))
		ep = NULL;
	rcu_read_unlock();
	return ep;
}

bool rsp_ep_view_next(u32 *id, struct rsp_ep_view *v)
{
	unsigned long i = *id;
	struct rsp_ep *ep;

	rcu_read_lock();
	ep = xa_find_after(&rsp_eps, &i, ULONG_MAX, XA_PRESENT);
	if (ep) {
		*v = ep->view;
		v->sq_used = ep->sq_size - READ_ONCE(ep->sq_avail);
	}
	rcu_read_unlock();
	*id = i;
	return ep;
}

void rsp_ep_exit(void)
{
	WARN_ON_ONCE(!xa_empty(&rsp_eps));
}
