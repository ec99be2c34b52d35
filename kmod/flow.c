// SPDX-License-Identifier: GPL-2.0
/*
 * Flow: how much a channel may have in flight, and how payloads travel.
 *
 * The policy's answers are kept in the channel and asked for again in batches:
 * the window when a quarter of it has been acknowledged, the grant when a
 * quarter of it has been received, bulk when the channel comes up or its
 * largest message becomes known, all of them when a policy is swapped.
 *
 * The peer's grant is law, the policy's window a wish: what is in force is the
 * lesser, at least one.
 */
#include <linux/log2.h>
#include <linux/module.h>

#include "core.h"
#include "trace.h"

#define RSP_SIZE_MIN_LOG2	9	/* the first step holds payloads up to 512 bytes */

static u32 rsp_flow_step(u32 bytes)
{
	u32 log = bytes > 1 ? ilog2(bytes - 1) + 1 : 0;

	return clamp_t(int, (int)log - RSP_SIZE_MIN_LOG2, 0, RSP_NR_SIZE - 1);
}

static void rsp_flow_ask_bulk(struct rsp_chan *chan)
{
	struct rsp_bulk_req req = { .max_inline = chan->max_inline };
	u32 dir, i;

	for (dir = RSP_DIR_OUT; dir <= RSP_DIR_IN; dir++) {
		for (i = 0; i < RSP_NR_SIZE; i++) {
			req.size = 1U << (i + RSP_SIZE_MIN_LOG2);
			req.dir = dir;
			spin_lock_bh(&chan->flow_lock);
			chan->bulk[dir][i] = rsp_policy_bulk(&chan->view, &req);
			spin_unlock_bh(&chan->flow_lock);
		}
	}
}

static u32 rsp_flow_effective(const struct rsp_chan *chan)
{
	return max(1U, min(chan->view.window, chan->view.peer_grant));
}

/* receives this channel can cause, counted in its queue */
static void rsp_flow_count(struct rsp_chan *chan)
{
	u32 now = chan->view.role == RSP_ROLE_SERVER ? chan->view.grant : chan->view.window;
	struct rsp_rq *rq = chan->ep->rq;

	lockdep_assert_held(&chan->flow_lock);
	if (!rq || rsp_chan_is_closing(chan))
		return;
	atomic_add((int)(now - chan->rq_credits), &rq->credits);
	chan->rq_credits = now;
}

static void rsp_flow_ask_grant(struct rsp_chan *chan)
{
	u32 old = chan->view.grant;

	lockdep_assert_held(&chan->flow_lock);
	chan->nr_since_grant = 0;
	chan->view.grant = rsp_policy_grant(&chan->view, &chan->gen);
	if (chan->view.grant != old) {
		trace_rsp_chan_grant(&chan->view, old);
		rsp_flow_count(chan);
	}
}

static void rsp_flow_ask_window(struct rsp_chan *chan)
{
	u32 old = chan->view.window;

	lockdep_assert_held(&chan->flow_lock);
	chan->view.window = rsp_policy_window(&chan->view, &chan->gen, &chan->batch);
	memset(&chan->batch, 0, sizeof(chan->batch));
	if (chan->view.window != old) {
		trace_rsp_chan_window(&chan->view, old);
		rsp_flow_count(chan);
	}
}

/* before the channel is up: what holds until a policy is asked */
void rsp_flow_prepare(struct rsp_chan *chan)
{
	chan->view.max_credits = chan->param.max_credits;
	chan->view.weight = chan->svc->view.weight;
	chan->view.grant = chan->param.max_credits;
	chan->view.window = chan->param.max_credits;
	chan->view.peer_grant = 1;	/* RFC 8166 4.2.3: one until the peer says more */
	rsp_flow_ask_bulk(chan);
}

void rsp_flow_open(struct rsp_chan *chan)
{
	spin_lock_bh(&chan->flow_lock);
	rsp_policy_chan_open(&chan->view, &chan->gen);
	chan->view.weight = rsp_policy_weight(&chan->view, &chan->gen);
	rsp_flow_ask_grant(chan);
	rsp_flow_ask_window(chan);
	rsp_flow_count(chan);
	spin_unlock_bh(&chan->flow_lock);
}

void rsp_flow_close(struct rsp_chan *chan)
{
	spin_lock_bh(&chan->flow_lock);
	rsp_policy_chan_close(&chan->view, &chan->gen);
	spin_unlock_bh(&chan->flow_lock);
}

void rsp_flow_swapped(struct rsp_chan *chan, enum rsp_family family)
{
	if (family == RSP_FAMILY_FLOW)
		rsp_flow_open(chan);
	else
		rsp_flow_ask_bulk(chan);
}

void rsp_flow_received(struct rsp_chan *chan)
{
	if (++chan->nr_since_grant < chan->view.grant / 4)
		return;
	spin_lock_bh(&chan->flow_lock);
	rsp_flow_ask_grant(chan);
	spin_unlock_bh(&chan->flow_lock);
}

/**
 * rsp_chan_bulk() - How a payload shall travel
 * @chan: the channel
 * @dir: RSP_DIR_OUT when this host's memory is the source
 * @bytes: size of the payload
 *
 * Context: Any.
 * Return: enum rsp_bulk, the kept answer of the buffer policy. The caller
 * checks that an inline message fits and registers where it does not.
 */
enum rsp_bulk rsp_chan_bulk(const struct rsp_chan *chan, enum rsp_dir dir, u32 bytes)
{
	return chan->bulk[dir][rsp_flow_step(bytes)];
}
EXPORT_SYMBOL_GPL(rsp_chan_bulk);

/**
 * rsp_chan_set_max_inline() - The largest message both ends can exchange is known
 * @chan: the channel
 * @bytes: the lesser of what this end sends and the peer receives
 *
 * Asks the buffer policy again how payloads shall travel.
 *
 * Context: Process context or softirq, atomic.
 */
void rsp_chan_set_max_inline(struct rsp_chan *chan, u32 bytes)
{
	chan->max_inline = bytes;
	rsp_flow_ask_bulk(chan);
}
EXPORT_SYMBOL_GPL(rsp_chan_set_max_inline);

/**
 * rsp_chan_grant() - Receive credits to advertise
 * @chan: the channel
 *
 * Context: Any.
 * Return: 1 to max_credits.
 */
u32 rsp_chan_grant(struct rsp_chan *chan)
{
	return READ_ONCE(chan->view.grant);
}
EXPORT_SYMBOL_GPL(rsp_chan_grant);

/**
 * rsp_chan_window() - Exchanges this side may have in flight
 * @chan: the channel
 *
 * Context: Any.
 * Return: the lesser of the peer's grant and the policy's window, at least 1.
 */
u32 rsp_chan_window(const struct rsp_chan *chan)
{
	return rsp_flow_effective(chan);
}
EXPORT_SYMBOL_GPL(rsp_chan_window);

/**
 * rsp_chan_set_peer_grant() - The peer advertised credits
 * @chan: the channel
 * @credits: as they came from the wire; 0 counts as 1
 *
 * Context: recv() of the channel.
 * Return: as rsp_chan_window().
 */
u32 rsp_chan_set_peer_grant(struct rsp_chan *chan, u32 credits)
{
	chan->view.peer_grant = clamp(credits, 1U, chan->view.max_credits);
	return rsp_flow_effective(chan);
}
EXPORT_SYMBOL_GPL(rsp_chan_set_peer_grant);

/**
 * rsp_chan_sent() - An exchange begins
 * @chan: the channel
 *
 * For services that send a request and wait for its reply.
 *
 * Context: Process context or softirq, atomic.
 */
void rsp_chan_sent(struct rsp_chan *chan)
{
	spin_lock_bh(&chan->flow_lock);
	chan->view.in_flight++;
	spin_unlock_bh(&chan->flow_lock);
}
EXPORT_SYMBOL_GPL(rsp_chan_sent);

/**
 * rsp_chan_acked() - An exchange ended
 * @chan: the channel
 * @bytes: payload it moved, both ways
 * @lat_ns: its time in nanoseconds
 * @status: 0, or a negative errno when it failed or will be sent again
 * @stages: when it reached its stages, for observers; may be NULL
 *
 * Context: Process context or softirq, atomic.
 * Return: as rsp_chan_window().
 */
u32 rsp_chan_acked(struct rsp_chan *chan, u64 bytes, u64 lat_ns, int status,
		   const struct rsp_stages *stages)
{
	static const struct rsp_stages none;
	struct rsp_chan_view *v = &chan->view;
	u32 window;

	spin_lock_bh(&chan->flow_lock);
	if (v->in_flight)
		v->in_flight--;
	v->nr_ack++;
	chan->batch.nr_ack++;
	chan->batch.bytes += bytes;
	if (likely(!status)) {
		v->lat_ns = v->lat_ns ? v->lat_ns - v->lat_ns / 8 + lat_ns / 8 : lat_ns;
		if (!v->min_lat_ns || lat_ns < v->min_lat_ns)
			v->min_lat_ns = lat_ns;
		chan->batch.lat_sum_ns += lat_ns;
		chan->batch.lat_max_ns = max(chan->batch.lat_max_ns, lat_ns);
	} else {
		chan->batch.nr_error++;
	}
	if (chan->batch.nr_ack >= (rsp_flow_effective(chan) + 3) / 4)
		rsp_flow_ask_window(chan);
	window = rsp_flow_effective(chan);
	spin_unlock_bh(&chan->flow_lock);
	/* kernels before 6.12.2 let BPF take every pointer of a trace event for one */
	trace_rsp_chan_acked(v, bytes, lat_ns, status, stages ?: &none);
	return window;
}
EXPORT_SYMBOL_GPL(rsp_chan_acked);

/**
 * rsp_chan_stalled() - A request waited for the window or a send slot
 * @chan: the channel
 * @waited_ns: how long, 0 when it begins to wait
 *
 * Context: Process context or softirq, atomic.
 */
void rsp_chan_stalled(struct rsp_chan *chan, u64 waited_ns)
{
	spin_lock_bh(&chan->flow_lock);
	chan->view.nr_stall++;
	chan->view.stall_ns += waited_ns;
	chan->batch.nr_stall++;
	rsp_policy_stall(&chan->view, &chan->gen);
	spin_unlock_bh(&chan->flow_lock);
	trace_rsp_chan_stall(&chan->view, waited_ns);
	if (waited_ns)
		rsp_policy_waited(RSP_FAMILY_FLOW, chan->svc->view.name, waited_ns);
}
EXPORT_SYMBOL_GPL(rsp_chan_stalled);

/**
 * rsp_chan_linger_s() - How long to keep the connection when it is idle
 * @chan: a channel that is up
 *
 * Context: Process context or softirq, atomic.
 * Return: seconds, 1 to 3600.
 */
u32 rsp_chan_linger_s(struct rsp_chan *chan)
{
	struct rsp_ep *ep = rsp_chan_pin(chan);
	u32 s;

	spin_lock_bh(&ep->hook_lock);
	s = rsp_policy_linger(&ep->view, &ep->gen);
	spin_unlock_bh(&ep->hook_lock);
	rsp_chan_end(chan, ep);
	return s;
}
EXPORT_SYMBOL_GPL(rsp_chan_linger_s);
