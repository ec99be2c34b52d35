// SPDX-License-Identifier: GPL-2.0
/*
 * Mux endpoints: channels of many services on one queue pair (docs/wire.md, "Mux").
 *
 *	  client's   rsp_mux_ride() ----> CONNECTING --ACCEPT--> UP --rsp_mux_chan_fail()--> CLOSING
 *	  first of   rsp_mux_begin() -------^         established --^                           |
 *	  server's   OPEN, accept() --------------------------------^       rsp_mux_close_work(), DEAD
 *
 * A channel ends by itself: what it waits with is failed, CLOSE is its last message, and the
 * peer's CLOSE says that the peer's RDMA for it is over too. Only then are its keys destroyed
 * and the service told: a key that dies under a peer's RDMA would end the whole endpoint. A
 * peer that does not answer within RSP_MUX_CLOSE_MS, or takes no messages, ends it as well.
 *
 * Who holds what: each channel of the list pins its endpoint, so the endpoint's end waits for
 * them (and ends them). A channel's works and callbacks pin the channel (rsp_chan_begin()). A
 * message that arrives finds its channel by number under RCU, and pins it while it is UP.
 *
 * A channel that moves to another endpoint is in move.c.
 *
 * Whatever a peer says that it may not, ends the endpoint: rsp_mux_received().
 */
#include <linux/module.h>
#include <linux/sched/mm.h>

#include "addr.h"
#include "move.h"
#include "mux.h"
#include "trace.h"

#define RSP_MUX_MAX_OPEN	16	/* OPENs that wait for their accept() */
#define RSP_MUX_OPEN_S		10	/* an OPEN or HELLO must be answered within */
#define RSP_MUX_CLOSE_MS	5000	/* a CLOSE must */
#define RSP_MUX_MAX_REFUSED	8	/* ports of a peer that are remembered as not there */
#define RSP_MUX_SERVER_IDLE_S	120	/* a server's endpoint without a channel is kept so long */

/* an OPEN that waits for process context of its own */
struct rsp_mux_open {
	struct list_head	list;
	struct rsp_mux_hdr	hdr;
};

struct rsp_mux {
	struct rsp_ep		*ep;
	struct rsp_mux_hdr	*ring;		/* headers of messages that are posted; rsp_ep.sq_lock */
	u64			ring_dma;
	u32			ring_nr, ring_next;
	u32			first;		/* number of the first channel, told in HELLO */
	bool			has_hello;	/* the peer's came */
	u64			nr_msg;
	unsigned long		idle_since;	/* jiffies, with no channel */
	u16			refused[RSP_MUX_MAX_REFUSED];	/* ep->chan_lock; connect there instead */
	u32			nr_refused;
	spinlock_t		open_lock;	/* opens, nr_open */
	struct list_head	opens;
	u32			nr_open;
	struct work_struct	open_work;
	struct delayed_work	credit_work;
};

static struct workqueue_struct *rsp_mux_wq;

static void rsp_mux_open_work(struct work_struct *work);
static void rsp_mux_credit_work(struct work_struct *work);
static void rsp_mux_close_work(struct work_struct *work);

/* ------------------------------------------------------------------- its life */

/* an endpoint that is, or asks to be, one; its send queue is not yet known */
int rsp_mux_create(struct rsp_ep *ep)
{
	struct rsp_mux *mux;

	mux = kzalloc(sizeof(*mux), GFP_KERNEL);
	if (!mux)
		return -ENOMEM;
	mux->ep = ep;
	mux->idle_since = jiffies;
	spin_lock_init(&mux->open_lock);
	INIT_LIST_HEAD(&mux->opens);
	INIT_WORK(&mux->open_work, rsp_mux_open_work);
	INIT_DELAYED_WORK(&mux->credit_work, rsp_mux_credit_work);
	ep->mux = mux;
	return 0;
}

/* a header for each message there can be in a send queue of @nr slots */
int rsp_mux_set_ring(struct rsp_ep *ep, u32 nr)
{
	struct rsp_mux *mux = ep->mux;

	mux->ring = kcalloc(nr, sizeof(*mux->ring), GFP_KERNEL);
	if (!mux->ring)
		return -ENOMEM;
	mux->ring_nr = nr;
	mux->ring_dma = ib_dma_map_single(ep->dev->ibdev, mux->ring, nr * sizeof(*mux->ring),
					  DMA_TO_DEVICE);
	if (ib_dma_mapping_error(ep->dev->ibdev, mux->ring_dma)) {
		kfree(mux->ring);
		mux->ring = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* the queue pair is gone, the device not yet */
void rsp_mux_unset_ring(struct rsp_ep *ep)
{
	struct rsp_mux *mux = ep->mux;

	if (!mux || !mux->ring)
		return;
	ib_dma_unmap_single(ep->dev->ibdev, mux->ring_dma, mux->ring_nr * sizeof(*mux->ring),
			    DMA_TO_DEVICE);
	kfree(mux->ring);
	mux->ring = NULL;
}

void rsp_mux_destroy(struct rsp_ep *ep)
{
	kfree(ep->mux);
}

void rsp_mux_chan_init(struct rsp_chan *chan)
{
	spin_lock_init(&chan->ep_lock);
	INIT_LIST_HEAD(&chan->ep_list);
	INIT_DELAYED_WORK(&chan->close_work, rsp_mux_close_work);
	atomic_set(&chan->state, RSP_STATE_CONNECTING);
}

/* Context: chan->ep_lock, ep->chan_lock held; neither of the two is closing */
static void rsp_mux_attach(struct rsp_ep *ep, struct rsp_chan *chan, int state)
{
	rsp_ep_pin(ep);
	list_add_tail(&chan->ep_list, &ep->chans);
	ep->view.nr_chan++;
	chan->since = jiffies;
	chan->rx_limit = max(chan->view.grant, 1U);
	atomic_set(&chan->state, state);
	WRITE_ONCE(chan->view.state, state);
	WRITE_ONCE(chan->is_mux, true);
	WRITE_ONCE(chan->is_attached, true);
}

bool rsp_mux_has_room(const struct rsp_ep *ep)
{
	return atomic_read(&ep->state) < RSP_STATE_CLOSING && ep->view.nr_chan < RSP_MUX_MAX_CHAN;
}

/* Context: chan_lock held. Return: false if the endpoint is closing */
static bool rsp_mux_become(struct rsp_ep *ep, const struct rsp_chan *first)
{
	if (atomic_read(&ep->state) >= RSP_STATE_CLOSING)
		return false;
	ep->view.nr_chan = 0;
	ep->view.is_mux = 1;
	ep->sq_reserve = RSP_MUX_RESERVE;
	ep->mux->first = first ? first->view.id : 0;
	ep->mux->has_hello = !first;
	WRITE_ONCE(ep->is_mux, true);
	return true;
}

/*
 * Both ends want it: the endpoint becomes one, with the channel it was made for as the first,
 * if it was made for one. Return: false if it is closing
 */
bool rsp_mux_begin(struct rsp_ep *ep)
{
	bool is_server = ep->view.role == RSP_ROLE_SERVER;
	struct rsp_chan *chan = ep->chan;
	bool ok;

	if (!chan) {
		spin_lock_bh(&ep->chan_lock);
		ok = rsp_mux_become(ep, NULL);
		spin_unlock_bh(&ep->chan_lock);
		return ok;
	}
	spin_lock_bh(&chan->ep_lock);
	spin_lock(&ep->chan_lock);
	ok = rsp_mux_become(ep, chan);
	if (ok) {
		/* a server's may receive before it is up, as on a raw endpoint */
		rsp_mux_attach(ep, chan, is_server ? RSP_STATE_UP : RSP_STATE_CONNECTING);
		WRITE_ONCE(ep->chan, NULL);
	}
	spin_unlock(&ep->chan_lock);
	spin_unlock_bh(&chan->ep_lock);
	return ok;
}

u64 rsp_mux_nr_msg(const struct rsp_ep *ep)
{
	return READ_ONCE(ep->mux->nr_msg);
}

/* -------------------------------------------------------------------- sending */

/* Context: sq_lock held */
bool rsp_mux_may_send(const struct rsp_chan *chan)
{
	return chan->peer_num && chan->is_told && (s32)(chan->tx_limit - chan->tx_seq) > 0;
}

/* the last message the peer may send now. Context: sq_lock held */
static u32 rsp_mux_grant(struct rsp_chan *chan)
{
	u32 limit = READ_ONCE(chan->rx_seq) + max(READ_ONCE(chan->view.grant), 1U);

	if ((s32)(limit - chan->rx_limit) > 0)
		WRITE_ONCE(chan->rx_limit, limit);
	return chan->rx_limit;
}

/* A message is about to be posted: put its header before it. Context: sq_lock held */
void rsp_mux_fill(struct rsp_ep *ep, struct rsp_iwork *work)
{
	struct rsp_mux *mux = ep->mux;
	struct rsp_chan *chan = work->chan;
	struct rsp_mux_hdr *hdr;
	u64 dma;

	if (!work->has_send && !work->is_control)
		return;
	hdr = &mux->ring[mux->ring_next];
	dma = mux->ring_dma + mux->ring_next * sizeof(*hdr);
	mux->ring_next = (mux->ring_next + 1) % mux->ring_nr;
	mux->nr_msg++;
	if (work->is_control) {
		memcpy(hdr, work->control, sizeof(*hdr));
	} else {
		u32 i, len = 0;

		for (i = work->first_sge; i < work->nr_sge; i++)
			len += work->sge[i].length;
		memset(hdr, 0, sizeof(*hdr));
		hdr->type = RSP_MUX_DATA;
		hdr->chan = cpu_to_be32(chan->peer_num);
		hdr->seq = cpu_to_be32(++chan->tx_seq);
		hdr->grant = cpu_to_be32(rsp_mux_grant(chan));
		hdr->len = cpu_to_be32(len);
	}
	ib_dma_sync_single_for_device(ep->dev->ibdev, dma, sizeof(*hdr), DMA_TO_DEVICE);
	work->sge[0] = (struct ib_sge){
		.addr = dma, .length = sizeof(*hdr), .lkey = ep->keys->pd->local_dma_lkey,
	};
}

/* @done: may be NULL, else called with @ctx if this returns 0; @told: may be NULL, else set with it */
static int rsp_mux_send(struct rsp_ep *ep, const struct rsp_mux_hdr *hdr,
			void (*done)(struct rsp_work *work, int status), void *ctx, bool *told,
			gfp_t gfp)
{
	struct rsp_iwork *work = rsp_work_alloc_own(ep, gfp);

	if (!work)
		return atomic_read(&ep->state) < RSP_STATE_CLOSING ? -ENOMEM : -ENOTCONN;
	memcpy(work->control, hdr, sizeof(*hdr));
	work->is_control = true;
	work->pub.done = done;
	work->pub.ctx = ctx;
	work->told = told;
	work->nr_sge = work->first_sge;
	work->nr_wr = 1;
	work->wr.opcode = IB_WR_SEND;
	/* with the last message of a channel what was read for it has come, too */
	work->is_fenced = hdr->type == RSP_MUX_CLOSE || hdr->type == RSP_MUX_MOVE;
	return rsp_work_submit(work);
}

/* a message about a channel of ours, on the endpoint it rides. @done, @told: as in rsp_mux_send() */
static int __rsp_mux_say(struct rsp_chan *chan, enum rsp_mux_type type, u32 arg, u8 flags,
			 const void *pdata, u8 pdata_len,
			 void (*done)(struct rsp_work *work, int status), bool *told, gfp_t gfp)
{
	struct rsp_mux_hdr hdr = {
		.type	= type,
		.flags	= flags,
		.chan	= cpu_to_be32(chan->peer_num),
		.own	= cpu_to_be32(chan->view.id),
		.arg	= cpu_to_be32(arg),
	};
	struct rsp_ep *ep, *now;
	int err;

	if (pdata_len)
		memcpy(hdr.pdata, pdata, pdata_len);
	ep = rsp_chan_pin(chan);
	now = rsp_work_lock(chan);
	hdr.grant = cpu_to_be32(rsp_mux_grant(chan));
	spin_unlock_bh(&now->sq_lock);
	err = rsp_mux_send(ep, &hdr, done, chan, told, gfp);
	rsp_chan_end(chan, ep);
	return err;
}

int rsp_mux_say_then(struct rsp_chan *chan, enum rsp_mux_type type, u32 arg, u8 flags,
		     const void *pdata, u8 pdata_len,
		     void (*done)(struct rsp_work *work, int status), gfp_t gfp)
{
	return __rsp_mux_say(chan, type, arg, flags, pdata, pdata_len, done, NULL, gfp);
}

static int rsp_mux_say(struct rsp_chan *chan, enum rsp_mux_type type, u32 arg, u8 flags,
		       const void *pdata, u8 pdata_len, gfp_t gfp)
{
	return __rsp_mux_say(chan, type, arg, flags, pdata, pdata_len, NULL, NULL, gfp);
}

/* The first message about a channel of ours on its endpoint, which is of no use without it */
void rsp_mux_tell(struct rsp_chan *chan, enum rsp_mux_type type, u32 arg, u8 flags,
		  const void *pdata, u8 pdata_len, gfp_t gfp)
{
	struct rsp_ep *ep;
	int err;

	err = __rsp_mux_say(chan, type, arg, flags, pdata, pdata_len, NULL, &chan->is_told, gfp);
	if (err) {
		ep = rsp_chan_pin(chan);
		rsp_ep_kill(ep, err);
		rsp_chan_end(chan, ep);
		return;
	}
	rsp_work_kick_chan(chan);
}

/* an answer about a channel of the peer's that we do not have */
void rsp_mux_answer(struct rsp_ep *ep, enum rsp_mux_type type, __be32 chan, u32 arg, gfp_t gfp)
{
	const struct rsp_mux_hdr hdr = {
		.type	= type,
		.flags	= RSP_MUX_IS_ANSWER,
		.chan	= chan,
		.arg	= cpu_to_be32(arg),
	};

	/* a peer that is not answered gives up */
	rsp_mux_send(ep, &hdr, NULL, NULL, NULL, gfp);
}

/* half of what was granted has come: grant more */
static void rsp_mux_tell_credit(struct rsp_ep *ep, struct rsp_chan *chan)
{
	s32 left = READ_ONCE(chan->rx_limit) - chan->rx_seq;

	if (left > (s32)READ_ONCE(chan->view.grant) / 2)
		return;
	if (rsp_mux_say(chan, RSP_MUX_CREDIT, 0, 0, NULL, 0, GFP_ATOMIC) == -ENOMEM) {
		WRITE_ONCE(chan->owes_credit, true);
		queue_delayed_work(rsp_wq, &ep->mux->credit_work, msecs_to_jiffies(10));
	}
}

/* the next channel that is up behind number @id, with a reference */
struct rsp_chan *rsp_mux_next(struct rsp_ep *ep, u32 *id)
{
	struct rsp_chan *chan, *next = NULL;

	spin_lock_bh(&ep->chan_lock);
	list_for_each_entry(chan, &ep->chans, ep_list) {
		if (chan->view.id > *id && (!next || chan->view.id < next->view.id) &&
		    atomic_read(&chan->state) == RSP_STATE_UP)
			next = chan;
	}
	if (next) {
		*id = next->view.id;
		kref_get(&next->ref);
	}
	spin_unlock_bh(&ep->chan_lock);
	return next;
}

static void rsp_mux_credit_work(struct work_struct *work)
{
	struct rsp_mux *mux = container_of(work, struct rsp_mux, credit_work.work);
	struct rsp_chan *chan;
	u32 id = 0;

	while ((chan = rsp_mux_next(mux->ep, &id))) {
		if (READ_ONCE(chan->owes_credit)) {
			WRITE_ONCE(chan->owes_credit, false);
			rsp_mux_say(chan, RSP_MUX_CREDIT, 0, 0, NULL, 0, GFP_KERNEL);
		}
		rsp_chan_put(chan);
	}
}

/* -------------------------------------------------------------- channels begin */

/* both ends know it: up() */
static void rsp_mux_chan_up(struct rsp_chan *chan, const void *pdata, u8 len)
{
	struct rsp_ep *ep = rsp_chan_pin(chan);
	int state = RSP_STATE_CONNECTING;

	smp_mb__after_atomic();		/* pairs with the change to CLOSING */
	if (atomic_try_cmpxchg(&chan->state, &state, RSP_STATE_UP) || state == RSP_STATE_UP) {
		WRITE_ONCE(chan->view.state, RSP_STATE_UP);
		rsp_chan_opened(chan, ep);
		chan->svc->ops->up(chan, pdata, len);
	}
	rsp_chan_end(chan, ep);
}

/* one of any mux endpoint, with a reference */
struct rsp_chan *rsp_mux_find_any(u32 num)
{
	struct rsp_chan *chan;

	rcu_read_lock();
	chan = xa_load(&rsp_chans, num);
	if (chan && (!READ_ONCE(chan->is_attached) || !kref_get_unless_zero(&chan->ref)))
		chan = NULL;
	rcu_read_unlock();
	return chan;
}

/* one of this endpoint, with a reference */
struct rsp_chan *rsp_mux_find(struct rsp_ep *ep, u32 num)
{
	struct rsp_chan *chan = rsp_mux_find_any(num);

	if (chan && READ_ONCE(chan->ep) != ep) {
		rsp_chan_put(chan);
		chan = NULL;
	}
	return chan;
}

/* is the send queue long enough for the works of such a channel? */
bool rsp_mux_fits(const struct rsp_ep *ep, const struct rsp_conn_param *param)
{
	return rsp_ep_chain(ep->dev, param) + RSP_MUX_RESERVE <= ep->sq_size;
}

/* the connection manager says that the endpoint is up */
void rsp_mux_established(struct rsp_ep *ep, const struct rdma_conn_param *cp)
{
	struct rsp_chan *chan = rsp_mux_find_any(ep->mux->first);	/* it may have moved on */
	bool is_client = ep->view.role == RSP_ROLE_CLIENT;

	if (!chan)
		return;		/* its end has seen to the rest */
	chan->since = jiffies;
	rsp_mux_chan_up(chan, is_client ? cp->private_data : NULL,
			is_client ? cp->private_data_len : 0);
	/* a server answers with its own */
	if (is_client)
		rsp_mux_tell(chan, RSP_MUX_HELLO, 0, 0, NULL, 0, GFP_KERNEL);
	rsp_chan_put(chan);
}

/*
 * Does @to lead where @from does, for a channel with such parameters? A UUID is a claim: what
 * counts is that we connected it to the same address, from the same one. Context: both are pinned
 */
bool rsp_mux_leads_there(const struct rsp_ep *to, const struct rsp_ep *from,
			 const struct rsp_conn_param *param)
{
	const struct rdma_addr *a = &to->cm_id->route.addr, *b = &from->cm_id->route.addr;

	return to->is_mux && to->view.role == RSP_ROLE_CLIENT && to->dev == from->dev &&
	       to->view.peer_id == from->view.peer_id &&
	       rsp_addr_equal(&a->dst_addr, &b->dst_addr) &&
	       rsp_addr_equal(&a->src_addr, &b->src_addr) &&
	       net_eq(a->dev_addr.net, b->dev_addr.net) &&
	       rsp_mux_fits(to, param);
}

/* Context: to->chan_lock held */
static bool rsp_mux_is_refused(const struct rsp_ep *to, u16 port)
{
	u32 i;

	for (i = 0; i < min_t(u32, to->mux->nr_refused, RSP_MUX_MAX_REFUSED); i++)
		if (to->mux->refused[i] == port)
			return true;
	return false;
}

/**
 * rsp_mux_ride() - A client's channel goes to an endpoint that is there
 * @from: the endpoint it was to have, still connecting
 * @ep_id: the one it shall ride, as the policy says
 *
 * Return: true if it does, and @from has no channel any more; its end comes by itself. false
 * if that endpoint does not lead there, or cannot take it.
 */
bool rsp_mux_ride(struct rsp_ep *from, u32 ep_id)
{
	struct rsp_ep *to = rsp_ep_find(ep_id);
	struct rsp_chan *chan = from->chan;
	u16 port = chan->port;
	bool ok;

	if (!to)
		return false;
	if (!rsp_ep_begin(to)) {
		kref_put(&to->ref, rsp_ep_free);
		return false;
	}
	ok = rsp_mux_leads_there(to, from, &chan->param);
	if (ok) {
		spin_lock_bh(&chan->ep_lock);
		spin_lock(&from->chan_lock);
		spin_lock_nested(&to->chan_lock, SINGLE_DEPTH_NESTING);
		ok = atomic_read(&from->state) == RSP_STATE_CONNECTING && rsp_mux_has_room(to) &&
		     !rsp_mux_is_refused(to, port);
		if (ok) {
			chan->ep = to;
			chan->view.ep_id = to->view.id;
			chan->has_opened = true;
			rsp_mux_attach(to, chan, RSP_STATE_CONNECTING);
			rsp_chan_pin(chan);	/* @to */
			WRITE_ONCE(from->chan, NULL);
			from->view.nr_chan = 0;
		}
		spin_unlock(&to->chan_lock);
		spin_unlock(&from->chan_lock);
		spin_unlock_bh(&chan->ep_lock);
	}
	if (ok) {
		rsp_mux_tell(chan, RSP_MUX_OPEN, port, 0, chan->pdata, chan->param.pdata_len,
			     GFP_KERNEL);
		rsp_chan_end(chan, to);
	}
	rsp_ep_end(to);
	/* the channel's reference is on the other one now */
	kref_put(ok ? &from->ref : &to->ref, rsp_ep_free);
	return ok;
}

static int rsp_mux_accept(struct rsp_ep *ep, const struct rsp_mux_hdr *hdr)
{
	struct rsp_lsn *lsn = rsp_lsn_find(ep, be32_to_cpu(hdr->arg));
	struct rsp_chan *chan;
	struct rsp_svc *svc;
	int err;

	if (!lsn)
		return -ECONNREFUSED;
	svc = rsp_lsn_svc(lsn);
	/* one whose messages are longer than a shared endpoint takes, or whose keys shall be its own */
	if (svc->recv_class > RSP_CLASS_16K || svc->has_own_keys) {
		rsp_lsn_put(lsn);
		return -ECONNREFUSED;
	}
	chan = rsp_chan_create(svc, ep);
	if (!chan) {
		rsp_lsn_put(lsn);
		return -ENOMEM;
	}
	chan->view.role = RSP_ROLE_SERVER;
	chan->view.peer_id = ep->view.peer_id;
	chan->is_mux = true;
	err = svc->ops->accept(chan, rsp_lsn_ctx(lsn), hdr->pdata, sizeof(hdr->pdata),
			       &chan->param);
	rsp_lsn_put(lsn);
	if (err) {
		/* never was: the service has no reference */
		rsp_chan_put(chan);
		rsp_chan_put(chan);
		return err;
	}
	/* from here down() is owed */
	err = rsp_conn_param_check(&chan->param);
	if (!err && !rsp_mux_fits(ep, &chan->param))
		err = -E2BIG;
	if (!err) {
		rsp_chan_prepare(chan);
		chan->peer_num = be32_to_cpu(hdr->own);
		chan->tx_limit = be32_to_cpu(hdr->grant);
		spin_lock_bh(&chan->ep_lock);
		spin_lock(&ep->chan_lock);
		if (atomic_read(&chan->state) != RSP_STATE_CONNECTING) {
			err = chan->reason;	/* the service has thought better of it */
		} else if (rsp_mux_has_room(ep)) {
			rsp_mux_attach(ep, chan, RSP_STATE_UP);
			rsp_chan_pin(chan);
		} else {
			err = -EBUSY;
		}
		spin_unlock(&ep->chan_lock);
		spin_unlock_bh(&chan->ep_lock);
	}
	if (err) {
		atomic_set(&chan->state, RSP_STATE_DEAD);
		rsp_chan_drained(chan, err);
		return err;
	}
	rsp_mux_tell(chan, RSP_MUX_ACCEPT, 0, 0, chan->param.pdata, chan->param.pdata_len,
		     GFP_KERNEL);
	rsp_mux_chan_up(chan, NULL, 0);
	rsp_chan_end(chan, ep);
	return 0;
}

/* accept() may sleep, and receives shall not wait for it */
static void rsp_mux_open_work(struct work_struct *work)
{
	struct rsp_mux *mux = container_of(work, struct rsp_mux, open_work);
	struct rsp_ep *ep = mux->ep;
	struct rsp_mux_open *open;
	int err;

	for (;;) {
		spin_lock_bh(&mux->open_lock);
		open = list_first_entry_or_null(&mux->opens, struct rsp_mux_open, list);
		if (open) {
			list_del(&open->list);
			mux->nr_open--;
		}
		spin_unlock_bh(&mux->open_lock);
		if (!open)
			break;
		err = -ENOTCONN;
		if (rsp_ep_begin(ep)) {
			err = rsp_mux_accept(ep, &open->hdr);
			rsp_ep_end(ep);
		}
		if (err)
			rsp_mux_answer(ep, RSP_MUX_REJECT, open->hdr.own, -err, GFP_KERNEL);
		kfree(open);
	}
}

static const char *rsp_mux_recv_open(struct rsp_ep *ep, const struct rsp_mux_hdr *hdr)
{
	struct rsp_mux *mux = ep->mux;
	struct rsp_mux_open *open = NULL;

	if (!hdr->own || be32_to_cpu(hdr->grant) > RSP_MUX_MAX_GRANT)
		return "OPEN without a channel, or with too many credits";
	if (ep->view.nr_chan + READ_ONCE(mux->nr_open) < RSP_MUX_MAX_CHAN &&
	    READ_ONCE(mux->nr_open) < RSP_MUX_MAX_OPEN)
		open = kmalloc(sizeof(*open), GFP_ATOMIC);
	if (!open) {
		rsp_mux_answer(ep, RSP_MUX_REJECT, hdr->own, EBUSY, GFP_ATOMIC);
		return NULL;
	}
	open->hdr = *hdr;
	spin_lock_bh(&mux->open_lock);
	list_add_tail(&open->list, &mux->opens);
	mux->nr_open++;
	spin_unlock_bh(&mux->open_lock);
	queue_work(rsp_wq, &mux->open_work);
	return NULL;
}

/* ---------------------------------------------------------------- channels end */

/*
 * The channel ends; the others go on. Context: any; marks and queues. One that is not attached
 * yet: chan->ep_lock held
 */
void rsp_mux_chan_fail(struct rsp_chan *chan, int reason)
{
	int old = atomic_read(&chan->state);

	do {
		if (old >= RSP_STATE_CLOSING)
			return;
	} while (!atomic_try_cmpxchg(&chan->state, &old, RSP_STATE_CLOSING));
	chan->reason = reason;
	WRITE_ONCE(chan->view.state, RSP_STATE_CLOSING);
	if (chan->is_attached)
		queue_delayed_work(rsp_mux_wq, &chan->close_work, 0);
}

static bool rsp_mux_is_over(const struct rsp_chan *chan)
{
	return READ_ONCE(chan->peer_closed) || atomic_read(&chan->ep->state) >= RSP_STATE_CLOSING;
}

/* the next step of a channel's end. Return: false when it has to wait for one more */
static bool rsp_mux_end_step(struct rsp_chan *chan)
{
	struct rsp_ep *ep = chan->ep;

	if (chan->end_step == RSP_MUX_END_BEGINS) {
		rsp_move_end(chan);
		rsp_work_abort_pending(chan);
		chan->end_since = jiffies;
		chan->end_step = RSP_MUX_END_KNOWN;
	}
	if (chan->end_step == RSP_MUX_END_KNOWN) {
		bool is_known = READ_ONCE(chan->peer_num) && READ_ONCE(chan->is_told);

		if (!is_known && !rsp_mux_is_over(chan))
			return false;
		if (is_known && atomic_read(&ep->state) < RSP_STATE_CLOSING &&
		    rsp_mux_say(chan, RSP_MUX_CLOSE, 0,
				READ_ONCE(chan->peer_closed) ? RSP_MUX_IS_ANSWER : 0, NULL, 0,
				GFP_KERNEL) == -ENOMEM)
			return false;
		chan->end_step = RSP_MUX_END_SAID;
	}
	return rsp_mux_is_over(chan) && !atomic_read(&chan->nr_work);
}

/*
 * Many may end at once, with peers that take their time or never answer: none of them keeps
 * a worker waiting
 */
static void rsp_mux_close_work(struct work_struct *work)
{
	struct rsp_chan *chan = container_of(work, struct rsp_chan, close_work.work);
	struct rsp_ep *ep;

	/* a move that has seen the channel up is over behind this; another will not */
	spin_lock_bh(&chan->ep_lock);
	ep = chan->ep;
	spin_unlock_bh(&chan->ep_lock);
	if (!rsp_mux_end_step(chan)) {
		unsigned long waited = jiffies - chan->end_since;

		if (waited > msecs_to_jiffies(RSP_MUX_CLOSE_MS))
			rsp_ep_kill(ep, -ETIMEDOUT);
		queue_delayed_work(rsp_mux_wq, &chan->close_work, waited < HZ / 10 ? 1 : HZ / 50);
		return;
	}
	rsp_map_destroy_all(chan);
	/* a map that was being put meanwhile; nobody can begin any more */
	if (atomic_read(&chan->nr_work)) {
		queue_delayed_work(rsp_mux_wq, &chan->close_work, 1);
		return;
	}
	spin_lock_bh(&ep->chan_lock);
	list_del_init(&chan->ep_list);
	ep->view.nr_chan--;
	rsp_mux_idles(ep);
	spin_unlock_bh(&ep->chan_lock);
	atomic_sub(chan->rq_credits, &ep->rq->credits);
	chan->rq_credits = 0;
	atomic_set(&chan->state, RSP_STATE_DEAD);
	/* the device may go before the service has been told, as with a raw endpoint */
	kref_get(&ep->ref);
	rsp_ep_end(ep);
	rsp_chan_drained(chan, chan->reason);
	kref_put(&ep->ref, rsp_ep_free);
}

/* The endpoint ends, its queue pair is drained: all channels do. Context: process */
void rsp_mux_down(struct rsp_ep *ep, int reason)
{
	struct rsp_mux *mux = ep->mux;
	struct rsp_mux_open *open, *next;
	struct rsp_chan *chan;

	spin_lock_bh(&ep->chan_lock);
	list_for_each_entry(chan, &ep->chans, ep_list)
		rsp_mux_chan_fail(chan, reason);
	spin_unlock_bh(&ep->chan_lock);
	if (!mux)
		return;
	cancel_work_sync(&mux->open_work);
	cancel_delayed_work_sync(&mux->credit_work);
	list_for_each_entry_safe(open, next, &mux->opens, list)
		kfree(open);
}

/* a channel has left. Context: chan_lock held */
void rsp_mux_idles(struct rsp_ep *ep)
{
	ep->mux->idle_since = jiffies;
}

/* an OPEN of ours, or the peer's HELLO, is waited for too long */
static bool rsp_mux_is_late(const struct rsp_chan *chan)
{
	int state = atomic_read(&chan->state);

	return (state == RSP_STATE_CONNECTING ||
		(state == RSP_STATE_UP && !READ_ONCE(chan->peer_num))) &&
	       time_after(jiffies, chan->since + RSP_MUX_OPEN_S * HZ);
}

/* once a second */
void rsp_mux_tick(struct rsp_ep *ep)
{
	u32 linger_s = RSP_MUX_SERVER_IDLE_S;
	struct rsp_chan *chan;

	if (ep->view.role == RSP_ROLE_CLIENT) {
		spin_lock_bh(&ep->hook_lock);
		linger_s = rsp_policy_linger(&ep->view, &ep->gen);
		spin_unlock_bh(&ep->hook_lock);
	}
	spin_lock_bh(&ep->chan_lock);
	list_for_each_entry(chan, &ep->chans, ep_list)
		if (rsp_mux_is_late(chan))
			rsp_ep_kill(ep, -ETIMEDOUT);
		else if (rsp_move_is_late(chan))
			rsp_mux_chan_fail(chan, -ETIMEDOUT);
	if (list_empty(&ep->chans) && time_after(jiffies, ep->mux->idle_since + linger_s * HZ))
		rsp_ep_kill(ep, -ESHUTDOWN);
	spin_unlock_bh(&ep->chan_lock);
}

/* ------------------------------------------------------------------- receiving */

/* Return: false when no honest peer says so */
bool rsp_mux_take_grant(struct rsp_chan *chan, u32 grant)
{
	bool waits = false, ok;
	struct rsp_ep *ep;

	ep = rsp_work_lock(chan);
	ok = (s32)(grant - chan->tx_seq) <= RSP_MUX_MAX_GRANT;
	/* messages about a channel may pass those of it: an older one says nothing */
	if (ok && (s32)(grant - chan->tx_limit) > 0) {
		chan->tx_limit = grant;
		waits = !list_empty(&chan->pending);
	}
	spin_unlock_bh(&ep->sq_lock);
	if (waits)
		rsp_work_kick_chan(chan);
	return ok;
}

/* the buffer goes to the service, or back */
static const char *rsp_mux_recv_data(struct rsp_ep *ep, const struct rsp_mux_hdr *hdr,
				     struct rsp_ibuf *buf)
{
	u32 num = be32_to_cpu(hdr->chan), seq = be32_to_cpu(hdr->seq);
	u32 grant = be32_to_cpu(hdr->grant);
	const char *why = NULL;
	struct rsp_chan *chan;
	bool is_up = false;

	rcu_read_lock();
	chan = xa_load(&rsp_chans, num);
	/* in this order: where the move is over, the endpoint is the other one */
	if (!chan || !READ_ONCE(chan->is_attached) || !rsp_move_may_receive(chan) ||
	    READ_ONCE(chan->ep) != ep) {
		why = "DATA of a channel that is not there";
	} else {
		rsp_ep_pin(ep);
		atomic_inc(&chan->nr_work);
		smp_mb__after_atomic();		/* pairs with the change to CLOSING */
		is_up = atomic_read(&chan->state) == RSP_STATE_UP;
		if (!is_up) {
			/* what was under way when we closed it is dropped */
			if (atomic_read(&chan->state) == RSP_STATE_CONNECTING)
				why = "DATA of a channel that is not open yet";
			rsp_chan_end(chan, ep);
		}
	}
	rcu_read_unlock();
	if (!is_up) {
		rsp_buf_put(&buf->pub);
		return why;
	}
	if (seq != chan->rx_seq + 1)
		why = "DATA out of sequence";
	else if ((s32)(seq - READ_ONCE(chan->rx_limit)) > 0)
		why = "DATA without a credit";
	else if (!rsp_mux_take_grant(chan, grant))
		why = "more credits than anybody grants";
	if (unlikely(why)) {
		rsp_buf_put(&buf->pub);
	} else {
		WRITE_ONCE(chan->rx_seq, seq);
		rsp_chan_received(chan, buf);
		rsp_mux_tell_credit(ep, chan);
	}
	rsp_chan_end(chan, ep);
	return why;
}

static const char *rsp_mux_recv_hello(struct rsp_ep *ep, const struct rsp_mux_hdr *hdr)
{
	struct rsp_mux *mux = ep->mux;
	struct rsp_chan *chan;
	const char *why = NULL;

	if (mux->has_hello || !hdr->own)
		return "HELLO a second time, or without a channel";
	mux->has_hello = true;
	chan = rsp_mux_find(ep, mux->first);
	if (!chan)
		return NULL;	/* its end waited for this in vain, and ends the endpoint */
	WRITE_ONCE(chan->peer_num, be32_to_cpu(hdr->own));
	if (!rsp_mux_take_grant(chan, be32_to_cpu(hdr->grant)))
		why = "more credits than anybody grants";
	else if (ep->view.role == RSP_ROLE_SERVER)
		rsp_mux_tell(chan, RSP_MUX_HELLO, 0, 0, NULL, 0, GFP_ATOMIC);
	else
		rsp_work_kick_chan(chan);
	rsp_chan_put(chan);
	return why;
}

/* an OPEN of ours waits for its answer; the first channel needs none */
static bool rsp_mux_has_asked(const struct rsp_chan *chan)
{
	return chan->has_opened && !chan->peer_num && !chan->peer_closed;
}

static const char *rsp_mux_recv_accept(const struct rsp_mux_hdr *hdr, struct rsp_chan *chan)
{
	unsigned int noio;

	if (!hdr->own || !rsp_mux_has_asked(chan))
		return "ACCEPT of what was not asked";
	if (!rsp_mux_take_grant(chan, be32_to_cpu(hdr->grant)))
		return "more credits than anybody grants";
	WRITE_ONCE(chan->peer_num, be32_to_cpu(hdr->own));
	/* I/O of a disk on this connection would wait for us */
	noio = memalloc_noio_save();
	rsp_mux_chan_up(chan, hdr->pdata, sizeof(hdr->pdata));
	memalloc_noio_restore(noio);
	return NULL;
}

/* a message about one of our channels */
static const char *rsp_mux_recv_about(struct rsp_ep *ep, const struct rsp_mux_hdr *hdr)
{
	struct rsp_chan *chan = rsp_mux_find(ep, be32_to_cpu(hdr->chan));
	const char *why = NULL;
	u32 err;

	if (!chan) {
		/* it has gone before this came, or is about to come */
		if (hdr->type == RSP_MUX_CLOSE && !rsp_move_closed(ep, hdr) &&
		    !(hdr->flags & RSP_MUX_IS_ANSWER) && hdr->own)
			rsp_mux_answer(ep, RSP_MUX_CLOSE, hdr->own, 0, GFP_ATOMIC);
		return NULL;
	}
	switch (hdr->type) {
	case RSP_MUX_ACCEPT:
		why = rsp_mux_recv_accept(hdr, chan);
		break;
	case RSP_MUX_REJECT:
		if (!rsp_mux_has_asked(chan)) {
			why = "REJECT of what was not asked";
			break;
		}
		err = be32_to_cpu(hdr->arg);
		if (err == ECONNREFUSED) {
			/* what listens there may know of connections only: the next one is one */
			spin_lock_bh(&ep->chan_lock);
			ep->mux->refused[ep->mux->nr_refused++ % RSP_MUX_MAX_REFUSED] = chan->port;
			spin_unlock_bh(&ep->chan_lock);
		}
		WRITE_ONCE(chan->peer_closed, true);
		rsp_mux_chan_fail(chan, err && err < MAX_ERRNO ? -(int)err : -ECONNREFUSED);
		break;
	case RSP_MUX_CLOSE:
		if (!chan->peer_num) {
			why = "CLOSE of a channel that is not open yet";
			break;
		}
		WRITE_ONCE(chan->peer_closed, true);
		rsp_mux_chan_fail(chan, -ECONNRESET);
		break;
	case RSP_MUX_CREDIT:
		if (!rsp_mux_take_grant(chan, be32_to_cpu(hdr->grant)))
			why = "more credits than anybody grants";
		break;
	case RSP_MUX_MOVE:
		why = rsp_move_recv(ep, hdr, chan);
		break;
	}
	rsp_chan_put(chan);
	return why;
}

static const char *rsp_mux_recv(struct rsp_ep *ep, const struct rsp_mux_hdr *hdr,
				struct rsp_ibuf *buf)
{
	const char *why;

	if (hdr->type == RSP_MUX_DATA)
		return rsp_mux_recv_data(ep, hdr, buf);
	if (buf->pub.len) {
		why = "data behind what has none";
	} else {
		switch (hdr->type) {
		case RSP_MUX_HELLO:
			why = rsp_mux_recv_hello(ep, hdr);
			break;
		case RSP_MUX_OPEN:
			why = rsp_mux_recv_open(ep, hdr);
			break;
		case RSP_MUX_ACCEPT:
		case RSP_MUX_REJECT:
		case RSP_MUX_CLOSE:
		case RSP_MUX_CREDIT:
		case RSP_MUX_MOVE:
			why = rsp_mux_recv_about(ep, hdr);
			break;
		case RSP_MUX_ATTACH:
			why = rsp_move_recv_attach(ep, hdr);
			break;
		default:
			why = "unknown type";
		}
	}
	rsp_buf_put(&buf->pub);
	return why;
}

/* A message arrived. Context: process, one at a time for an endpoint */
void rsp_mux_received(struct rsp_ep *ep, struct rsp_ibuf *buf)
{
	const struct rsp_mux_hdr *hdr = buf->pub.data - sizeof(*hdr);
	const char *why = NULL;

	ep->mux->nr_msg++;
	if (buf->pub.len < sizeof(*hdr) ||
	    be32_to_cpu(hdr->len) != buf->pub.len - sizeof(*hdr)) {
		why = "message of another length than its header says";
		rsp_buf_put(&buf->pub);
	} else {
		buf->pub.len -= sizeof(*hdr);
		why = rsp_mux_recv(ep, hdr, buf);
	}
	if (unlikely(why)) {
		pr_warn_ratelimited("%s ep %u: %s, connection ended\n", ep->view.dev,
				    ep->view.id, why);
		rsp_ep_kill(ep, -EPROTO);
	}
}

int rsp_mux_init(void)
{
	rsp_mux_wq = alloc_workqueue("rsp_mux", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return rsp_mux_wq ? 0 : -ENOMEM;
}

void rsp_mux_exit(void)
{
	destroy_workqueue(rsp_mux_wq);
}
