// SPDX-License-Identifier: GPL-2.0
/*
 * Moving: a channel goes from one mux endpoint to another with its work under way.
 *
 *	   client				   server
 *	NONE					NONE
 *	  | rsp_move_start(), works wait
 *	ASKED	  --- MOVE, its last there --->	  | works wait
 *		<-- MOVE, answer, last there --	ASKED
 *	  | rsp_move_switch()
 *	ATTACHING --- ATTACH, first here ----->	  | rsp_move_switch(), works go on
 *	  |	<-- ATTACH, answer, first here	NONE
 *	NONE, works go on
 *
 * Each side switches when its last message has completed, and with it all work before, and when
 * the peer's has come: so callbacks of one channel come one at a time, whichever endpoint's they
 * are. Numbers of messages and credits go on counting; keys are the device's, not a queue pair's.
 * A channel that ends meanwhile, for whatever reason, does so where it is; its service connects
 * anew. What a peer can do wrong ends its endpoint, what it does not do in time its channel.
 *
 * The ATTACH proves by a token of the MOVE that it comes from who has the channel.
 */
#include <linux/random.h>

#include "move.h"
#include "trace.h"

#define RSP_MOVE_SENT	1	/* our last message on the old endpoint has completed */
#define RSP_MOVE_HEARD	2	/* the peer's has come, at a server its ATTACH too */
#define RSP_MOVE_NS	(10 * NSEC_PER_SEC)

/* ---------------------------------------------------------------- the switch */

static void rsp_move_lock(spinlock_t *a, spinlock_t *b)
	__acquires(a) __acquires(b)
{
	if (a > b)
		swap(a, b);
	spin_lock(a);
	if (a != b)
		spin_lock_nested(b, SINGLE_DEPTH_NESTING);
	else
		__acquire(b);
}

static void rsp_move_unlock(spinlock_t *a, spinlock_t *b)
	__releases(a) __releases(b)
{
	if (a != b)
		spin_unlock(b);
	else
		__release(b);
	spin_unlock(a);
}

/* Works wait from here on. Context: chan->ep_lock held */
static void rsp_move_stop(struct rsp_chan *chan, u64 token)
{
	struct rsp_ep *ep = chan->ep;

	chan->move_steps = 0;
	chan->move_token = token;
	chan->move_ns = ktime_get_ns();
	spin_lock(&ep->sq_lock);
	smp_store_release(&chan->move, RSP_MOVE_ASKED);
	rsp_work_stop(ep, chan);
	spin_unlock(&ep->sq_lock);
}

static void rsp_move_set(struct rsp_chan *chan, int move)
{
	struct rsp_ep *ep = rsp_work_lock(chan);

	smp_store_release(&chan->move, move);
	spin_unlock_bh(&ep->sq_lock);
}

/*
 * What policies see: a client's channel is counted where it goes as soon as it is on its way, so that
 * those which are placed after it know. Context: what holds both endpoints
 */
static void rsp_move_count(struct rsp_ep *from, struct rsp_ep *to)
{
	if (from == to)
		return;
	rsp_move_lock(&from->chan_lock, &to->chan_lock);
	from->view.nr_chan--;
	to->view.nr_chan++;
	rsp_move_unlock(&from->chan_lock, &to->chan_lock);
}

/* The list and what is counted in receive queues go over. Context: all locks */
static void rsp_move_over(struct rsp_chan *chan, struct rsp_ep *from, struct rsp_ep *to)
{
	rsp_ep_pin(to);
	kref_get(&to->ref);
	list_move_tail(&chan->ep_list, &to->chans);
	if (chan->view.role == RSP_ROLE_SERVER) {
		from->view.nr_chan--;
		to->view.nr_chan++;
	}
	rsp_mux_idles(from);
	rsp_work_rebase_pending(chan, to);
	atomic_sub(chan->rq_credits, &from->rq->credits);
	atomic_add(chan->rq_credits, &to->rq->credits);
	chan->view.ep_id = to->view.id;
	chan->view.nr_move++;
	/* pairs with rsp_chan_pin(): who still sees the old one is counted in it now */
	smp_store_release(&chan->ep, to);
	smp_mb();
}

/*
 * The channel rides chan->move_to from here on, with nothing told to the peer there.
 * Return: false if that one cannot take it, or the channel ends
 */
static bool rsp_move_switch(struct rsp_chan *chan)
{
	struct rsp_ep *from, *to;
	bool ok;

	spin_lock_bh(&chan->ep_lock);
	from = chan->ep;
	to = chan->move_to;
	if (!to) {	/* rsp_move_drop() */
		spin_unlock_bh(&chan->ep_lock);
		return false;
	}
	spin_lock(&chan->flow_lock);
	rsp_move_lock(&from->chan_lock, &to->chan_lock);
	rsp_move_lock(&from->sq_lock, &to->sq_lock);
	ok = atomic_read(&chan->state) == RSP_STATE_UP &&
	     (chan->view.role == RSP_ROLE_CLIENT ? atomic_read(&to->state) < RSP_STATE_CLOSING :
	      to == from || (rsp_mux_has_room(to) && rsp_mux_fits(to, &chan->param)));
	if (ok) {
		WRITE_ONCE(chan->is_told, false);
		chan->move_to = NULL;
		if (to != from)
			rsp_move_over(chan, from, to);
	}
	rsp_move_unlock(&from->sq_lock, &to->sq_lock);
	rsp_move_unlock(&from->chan_lock, &to->chan_lock);
	spin_unlock(&chan->flow_lock);
	spin_unlock_bh(&chan->ep_lock);
	if (!ok)
		return false;
	if (to != from) {
		trace_rsp_chan_move(&chan->view, from->view.id, ktime_get_ns() - chan->move_ns);
		rsp_rq_refill(to->rq, GFP_ATOMIC);
		rsp_ep_end(from);
		kref_put(&from->ref, rsp_ep_free);
	}
	kref_put(&to->ref, rsp_ep_free);
	return true;
}

/* ------------------------------------------------------------------ its steps */

static void rsp_move_client(struct rsp_chan *chan)
{
	const u64 token = chan->move_token;
	struct rsp_ep *lost = NULL;

	if (!rsp_move_switch(chan)) {
		/* the other endpoint ends: back to where it is, if the channel does not end */
		spin_lock_bh(&chan->ep_lock);
		if (atomic_read(&chan->state) == RSP_STATE_UP) {
			lost = chan->move_to;
			rsp_move_count(lost, chan->ep);
			chan->move_to = chan->ep;
			kref_get(&chan->ep->ref);
		}
		spin_unlock_bh(&chan->ep_lock);
		if (!lost)
			return;
		kref_put(&lost->ref, rsp_ep_free);
		if (!rsp_move_switch(chan))
			return;
	}
	rsp_move_set(chan, RSP_MOVE_ATTACHING);
	rsp_mux_tell(chan, RSP_MUX_ATTACH, 0, 0, &token, sizeof(token), GFP_ATOMIC);
}

static void rsp_move_server(struct rsp_chan *chan)
{
	if (!rsp_move_switch(chan)) {
		/* its end begins with rsp_move_end() */
		rsp_mux_chan_fail(chan, -ECONNABORTED);
		return;
	}
	rsp_move_set(chan, RSP_MOVE_NONE);
	rsp_mux_tell(chan, RSP_MUX_ATTACH, 0, RSP_MUX_IS_ANSWER, NULL, 0, GFP_ATOMIC);
	/* there before the channel was: rsp_move_closed() */
	if (READ_ONCE(chan->peer_closed))
		rsp_mux_chan_fail(chan, -ECONNRESET);
}

static void rsp_move_step(struct rsp_chan *chan, u8 step)
{
	bool is_last;

	spin_lock_bh(&chan->ep_lock);
	chan->move_steps |= step;
	is_last = chan->move == RSP_MOVE_ASKED &&
		  chan->move_steps == (RSP_MOVE_SENT | RSP_MOVE_HEARD);
	if (is_last)
		chan->move_steps = 0;
	spin_unlock_bh(&chan->ep_lock);
	if (!is_last)
		return;
	if (chan->view.role == RSP_ROLE_CLIENT)
		rsp_move_client(chan);
	else
		rsp_move_server(chan);
}

static void rsp_move_sent(struct rsp_work *work, int status)
{
	struct rsp_chan *chan = work->ctx;

	if (!status)
		rsp_move_step(chan, RSP_MOVE_SENT);
	rsp_chan_put(chan);
}

/* our last message on the endpoint the channel is on */
static int rsp_move_say(struct rsp_chan *chan, u8 flags, u64 token, gfp_t gfp)
{
	int err;

	rsp_chan_get(chan);
	err = rsp_mux_say_then(chan, RSP_MUX_MOVE, 0, flags, &token, sizeof(token), rsp_move_sent,
			       gfp);
	if (err)
		rsp_chan_put(chan);
	return err;
}

/* it does not go there. Context: the channel is attached */
static void rsp_move_drop(struct rsp_chan *chan)
{
	struct rsp_ep *to;

	spin_lock_bh(&chan->ep_lock);
	to = chan->move_to;
	chan->move_to = NULL;
	if (to && chan->view.role == RSP_ROLE_CLIENT)
		rsp_move_count(to, chan->ep);
	spin_unlock_bh(&chan->ep_lock);
	if (!to)
		return;
	/* who opened it has it there already */
	if (chan->view.role == RSP_ROLE_SERVER)
		rsp_mux_answer(to, RSP_MUX_CLOSE, cpu_to_be32(chan->peer_num), 0, GFP_KERNEL);
	kref_put(&to->ref, rsp_ep_free);
}

/*
 * The channel ends: it does not go anywhere, and no endpoint is connected for it any longer, however
 * long the peer takes. Context: the channel is attached, and closing
 */
void rsp_move_end(struct rsp_chan *chan)
{
	struct rsp_ep *ep;

	rsp_move_drop(chan);
	smp_mb();	/* pairs with rsp_ep_connect_for() */
	ep = rsp_ep_find(READ_ONCE(chan->bare_id));
	if (!ep)
		return;
	if (READ_ONCE(ep->mover) == chan)
		rsp_ep_kill(ep, -ECONNABORTED);
	kref_put(&ep->ref, rsp_ep_free);
}

/*
 * The endpoint ends, and waits for what its queue pair lent to work that has gone elsewhere with
 * its channel and may wait there as long as a peer likes. Context: process
 */
void rsp_move_leave(struct rsp_ep *ep)
{
	struct rsp_chan *chan;
	unsigned long id = 0;

	while ((chan = rsp_chan_next(&id))) {
		if (READ_ONCE(chan->is_attached) && rsp_work_needs(chan, ep))
			rsp_mux_chan_fail(chan, -ECONNRESET);
		rsp_chan_put(chan);
	}
}

/* nothing has been said: as before */
static void rsp_move_undo(struct rsp_chan *chan)
{
	rsp_move_drop(chan);
	rsp_move_set(chan, RSP_MOVE_NONE);
	rsp_work_kick_chan(chan);
}

/* A client's channel shall go to @to, which is kept. It does, or stays, or ends with its endpoint */
static void rsp_move_start(struct rsp_chan *chan, struct rsp_ep *to)
{
	struct rsp_ep *ep;
	bool ok = false;

	if (!rsp_ep_begin(to))
		return;
	ep = rsp_chan_begin(chan);
	if (!ep)
		goto out;
	if (ep != to && rsp_mux_leads_there(to, ep, &chan->param)) {
		spin_lock_bh(&chan->ep_lock);
		ok = chan->ep == ep && chan->move == RSP_MOVE_NONE && chan->peer_num &&
		     chan->is_told && atomic_read(&chan->state) == RSP_STATE_UP &&
		     rsp_mux_has_room(to);
		if (ok) {
			kref_get(&to->ref);
			chan->move_to = to;
			rsp_move_count(ep, to);
			rsp_move_stop(chan, get_random_u64() | 1);
		}
		spin_unlock_bh(&chan->ep_lock);
	}
	/* I/O that memory is freed by may be what waits for this */
	if (ok && rsp_move_say(chan, 0, chan->move_token, GFP_ATOMIC))
		rsp_move_undo(chan);
	rsp_chan_end(chan, ep);
out:
	rsp_ep_end(to);
}

/* the peer, or its network, leaves it between two endpoints */
bool rsp_move_is_late(const struct rsp_chan *chan)
{
	return smp_load_acquire(&chan->move) != RSP_MOVE_NONE &&
	       ktime_get_ns() - chan->move_ns > RSP_MOVE_NS;
}

/* ------------------------------------------------------------------ what comes */

static u64 rsp_move_token(const struct rsp_mux_hdr *hdr)
{
	u64 token;

	memcpy(&token, hdr->pdata, sizeof(token));
	return token;
}

/* MOVE of a channel of the endpoint. Return: what is wrong with it */
const char *rsp_move_recv(struct rsp_ep *ep, const struct rsp_mux_hdr *hdr, struct rsp_chan *chan)
{
	bool is_client = chan->view.role == RSP_ROLE_CLIENT, is_ours = false;
	const char *why = NULL;

	spin_lock_bh(&chan->ep_lock);
	if (chan->ep != ep) {
		why = "MOVE of a channel that has moved";
	} else if (hdr->flags & RSP_MUX_IS_ANSWER) {
		if (!is_client || chan->move != RSP_MOVE_ASKED || chan->move_steps & RSP_MOVE_HEARD)
			why = "answer to a MOVE that was not";
	} else if (is_client || chan->move != RSP_MOVE_NONE || !rsp_move_token(hdr) ||
		   !chan->peer_num) {
		why = "MOVE by who did not open the channel, or a second one";
	} else if (atomic_read(&chan->state) == RSP_STATE_UP) {
		is_ours = true;
		rsp_move_stop(chan, rsp_move_token(hdr));
	}
	spin_unlock_bh(&chan->ep_lock);
	if (why)
		return why;
	if (!rsp_mux_take_grant(chan, be32_to_cpu(hdr->grant)))
		return "more credits than anybody grants";
	if (is_client)
		rsp_move_step(chan, RSP_MOVE_HEARD);
	else if (is_ours && rsp_move_say(chan, RSP_MUX_IS_ANSWER, 0, GFP_ATOMIC))
		rsp_mux_chan_fail(chan, -ENOMEM);
	return NULL;
}

static const char *rsp_move_recv_answer(struct rsp_ep *ep, const struct rsp_mux_hdr *hdr)
{
	struct rsp_chan *chan = rsp_mux_find(ep, be32_to_cpu(hdr->chan));
	const char *why = NULL;

	if (!chan)
		return NULL;	/* it has gone before this came */
	if (chan->view.role != RSP_ROLE_CLIENT || chan->move != RSP_MOVE_ATTACHING) {
		why = "answer to an ATTACH that was not";
	} else if (!rsp_mux_take_grant(chan, be32_to_cpu(hdr->grant))) {
		why = "more credits than anybody grants";
	} else {
		rsp_move_set(chan, RSP_MOVE_NONE);
		rsp_work_kick_chan(chan);
	}
	rsp_chan_put(chan);
	return why;
}

/* ATTACH: a channel comes from another endpoint. Return: what is wrong with it */
const char *rsp_move_recv_attach(struct rsp_ep *ep, const struct rsp_mux_hdr *hdr)
{
	bool is_his = false, is_up = false;
	struct rsp_chan *chan;

	if (hdr->flags & RSP_MUX_IS_ANSWER)
		return rsp_move_recv_answer(ep, hdr);
	if (!hdr->own)
		return "ATTACH without a channel";
	chan = rsp_mux_find_any(be32_to_cpu(hdr->chan));
	if (chan) {
		spin_lock_bh(&chan->ep_lock);
		is_up = atomic_read(&chan->state) == RSP_STATE_UP;
		is_his = chan->move == RSP_MOVE_ASKED && chan->view.role == RSP_ROLE_SERVER &&
			 chan->move_token && chan->move_token == rsp_move_token(hdr) &&
			 chan->peer_num == be32_to_cpu(hdr->own) && rsp_chan_keys(chan) == ep->keys;
		if (is_up && is_his) {
			chan->move_token = 0;
			kref_get(&ep->ref);
			chan->move_to = ep;
		}
		spin_unlock_bh(&chan->ep_lock);
	}
	if (!is_up) {
		/* it has ended before this came */
		rsp_mux_answer(ep, RSP_MUX_CLOSE, hdr->own, 0, GFP_ATOMIC);
	} else if (is_his && !rsp_mux_take_grant(chan, be32_to_cpu(hdr->grant))) {
		rsp_chan_put(chan);
		return "more credits than anybody grants";
	} else if (is_his) {
		rsp_move_step(chan, RSP_MOVE_HEARD);
	}
	if (chan)
		rsp_chan_put(chan);
	return is_up && !is_his ? "ATTACH of a channel that is not its own" : NULL;
}

/*
 * A CLOSE of a channel that is not on its endpoint: is it on its way there?
 * Return: true if so, and it ends when it has come
 */
bool rsp_move_closed(struct rsp_ep *ep, const struct rsp_mux_hdr *hdr)
{
	struct rsp_chan *chan = rsp_mux_find_any(be32_to_cpu(hdr->chan));
	bool is_coming, has_come;

	if (!chan)
		return false;
	spin_lock_bh(&chan->ep_lock);
	is_coming = chan->move_to == ep && chan->view.role == RSP_ROLE_SERVER;
	has_come = chan->ep == ep;
	if (is_coming || has_come)
		WRITE_ONCE(chan->peer_closed, true);
	spin_unlock_bh(&chan->ep_lock);
	if (has_come)
		rsp_mux_chan_fail(chan, -ECONNRESET);
	rsp_chan_put(chan);
	return is_coming || has_come;
}

/* ------------------------------------------------------------- as the policy wants */

static void rsp_move_place(struct rsp_ep *ep, struct rsp_chan *chan)
{
	struct rsp_ep *to;
	u32 vector;
	u64 place;

	/* one new endpoint at a time: the next one may want to go there, too */
	if (READ_ONCE(ep->is_left) || READ_ONCE(chan->move) != RSP_MOVE_NONE) {
		WRITE_ONCE(chan->place_again, true);
		return;
	}
	WRITE_ONCE(chan->place_again, false);
	place = rsp_ep_place_again(ep, chan);
	vector = place & RSP_PLACE_VECTOR_MASK;
	if (place & RSP_PLACE_PRIVATE_RQ || !ep->peer_can_move) {
		to = rsp_chan_begin(chan);
		if (to && chan->svc->ops->rehome)
			chan->svc->ops->rehome(chan);
		if (to)
			rsp_chan_end(chan, to);
	} else if (place >> RSP_PLACE_EP_SHIFT) {
		to = rsp_ep_find(place >> RSP_PLACE_EP_SHIFT);
		if (to) {
			rsp_move_start(chan, to);
			kref_put(&to->ref, rsp_ep_free);
		}
	} else if (READ_ONCE(ep->view.nr_chan) > 1 || vector != ep->view.vector) {
		rsp_ep_connect_for(chan, ep, vector);
	}
}

/*
 * The policy wants the channels of a mux endpoint to be placed again, or only those that had to
 * wait when it last did. Context: @ep is pinned
 */
void rsp_move_rehome(struct rsp_ep *ep, bool is_rest)
{
	struct rsp_chan *chan;
	u32 id = 0;

	while ((chan = rsp_mux_next(ep, &id))) {
		if (chan->view.role == RSP_ROLE_CLIENT &&
		    (!is_rest || READ_ONCE(chan->place_again)))
			rsp_move_place(ep, chan);
		rsp_chan_put(chan);
	}
}

/* an endpoint that may be connected for a channel is up, or ends. Context: its CM handler, or its end */
void rsp_move_connected(struct rsp_ep *ep, bool is_up)
{
	struct rsp_chan *chan = ep->mover;
	struct rsp_ep *from = ep->mover_ep;

	if (!chan)
		return;
	WRITE_ONCE(ep->mover, NULL);
	if (is_up)
		rsp_move_start(chan, ep);
	WRITE_ONCE(from->is_left, false);
	if (is_up && rsp_ep_begin(from)) {
		rsp_move_rehome(from, true);
		rsp_ep_end(from);
	}
	kref_put(&from->ref, rsp_ep_free);
	rsp_chan_put(chan);
}
