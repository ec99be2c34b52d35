/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Policy families: the struct_ops types of rsp.ko.
 *
 * Every member is optional; a missing one is the builtin policy's answer for
 * that question. A hook never sleeps, and hooks on one object (service, receive
 * queue, endpoint, channel, cache) are serialized, so its priv[] needs no atomics. A
 * return value is a hint: it is clamped to what is said at each member, and a
 * policy that is clamped too often is ejected (RSP_EXIT_RANGE).
 *
 * The kernel and BPF programs share this file; user space has no use for it.
 */
#ifndef _UAPI_RSP_OPS_H
#define _UAPI_RSP_OPS_H

#include <rsp/view.h>

/**
 * struct rsp_buf_ops - who gets how much of the registered memory
 */
struct rsp_buf_ops {
	/**
	 * @init: The policy is about to become the active one.
	 *
	 * Context: Process context, the old policy still answers.
	 * Return: 0, or a negative errno that leaves the old policy running.
	 */
	int (*init)(void);

	/**
	 * @exit: The policy is no longer the active one; no hook runs any more.
	 */
	void (*exit)(struct rsp_exit_info *info);

	/**
	 * @admit: A service refills a magazine or a receive queue.
	 *
	 * Context: Any but hard interrupt, under the service's lock.
	 * Return: Buffers it gets now, 0 to @req->want. Up to reserve_bytes it
	 * gets them whatever the answer.
	 */
	int (*admit)(struct rsp_svc_view *svc, struct rsp_buf_req *req);

	/**
	 * @release: A service gave @nr buffers of @class back to the pool.
	 */
	void (*release)(struct rsp_svc_view *svc, __u32 class, __u32 nr);

	/**
	 * @recv_depth: A receive queue is refilled.
	 *
	 * Return: Receives to keep posted, @rq->min to @rq->size.
	 */
	int (*recv_depth)(struct rsp_rq_view *rq);

	/**
	 * @bulk: How payloads up to @req->size bytes travel on @chan.
	 *
	 * Asked when a channel comes up and again when the policy is swapped,
	 * once for each size step and direction; the answers are kept. @chan is
	 * read only here.
	 *
	 * Return: enum rsp_bulk. A payload that does not fit inline is
	 * registered whatever the answer.
	 */
	int (*bulk)(struct rsp_chan_view *chan, struct rsp_bulk_req *req);

	/**
	 * @reclaim: The pool is exhausted and @req of another service cannot be
	 * met; asked of every service.
	 *
	 * Return: Buffers of that size @svc gives back: what it has idle at once,
	 * the rest of what is needed as it comes free. More than it has is all.
	 */
	int (*reclaim)(struct rsp_svc_view *svc, struct rsp_buf_req *req);

	/** @stall_ms: Ejected when a service starves longer; 0 means 10000. */
	__u32 stall_ms;

	/** @name: Shown in rspctl, traces and the kernel log. */
	char name[RSP_NAME_LEN];
};

/**
 * struct rsp_ep_ops - which queue pair, vector and receive queue serve whom
 */
struct rsp_ep_ops {
	/** @init: as in &struct rsp_buf_ops */
	int (*init)(void);
	/** @exit: as in &struct rsp_buf_ops */
	void (*exit)(struct rsp_exit_info *info);

	/**
	 * @place: A channel is about to be connected or accepted, or rehome() has
	 * answered 1 for the shared endpoint it is on (@req->ep_id).
	 *
	 * Context: Process context.
	 * Return: RSP_PLACE_* bits: completion vector in the low 16 bits, taken
	 * modulo @req->nr_vector, RSP_PLACE_PRIVATE_RQ for a receive queue of
	 * its own. With @req->can_mux and a client: RSP_PLACE_MUX for an endpoint
	 * that other channels can ride, raw all the same if the peer does not know
	 * how; and the id of such an endpoint to the same peer, shifted by
	 * RSP_PLACE_EP_SHIFT, to ride it. One that cannot be ridden counts as 0. A
	 * server shares when the client asks, unless RSP_PLACE_PRIVATE_RQ is set.
	 * A channel that is on a shared endpoint moves to the one named, with its
	 * work under way; with none named to a new one, if it shares the old one or
	 * the vector is another; with RSP_PLACE_PRIVATE_RQ by reconnecting.
	 * Any other bit is out of range.
	 */
	__u64 (*place)(struct rsp_place_req *req);

	/**
	 * @rehome: Shall this channel be placed again?
	 *
	 * Asked of every endpoint at a swap of this family and once a second. 1
	 * for a shared one: place() is asked of each channel there. On a raw
	 * endpoint a client's channel moves by reconnecting when it is idle, if its
	 * service can; a server's stays where its client put it.
	 *
	 * Return: 0 stay, 1 move.
	 */
	int (*rehome)(struct rsp_ep_view *ep, __u32 why);

	/**
	 * @linger: How long an idle connection is kept.
	 *
	 * Return: Seconds, 1 to 3600.
	 */
	int (*linger)(struct rsp_ep_view *ep);

	/** @ep_up: An endpoint is connected. */
	void (*ep_up)(struct rsp_ep_view *ep);
	/** @ep_down: An endpoint is drained; its view goes away. */
	void (*ep_down)(struct rsp_ep_view *ep);

	/** @stall_ms: Not used by this family. */
	__u32 stall_ms;
	/** @name: as in &struct rsp_buf_ops */
	char name[RSP_NAME_LEN];
};

/**
 * struct rsp_flow_ops - credits, windows, weights
 */
struct rsp_flow_ops {
	/** @init: as in &struct rsp_buf_ops */
	int (*init)(void);
	/** @exit: as in &struct rsp_buf_ops */
	void (*exit)(struct rsp_exit_info *info);

	/** @chan_open: A channel is up; also told of every channel at a swap. */
	void (*chan_open)(struct rsp_chan_view *chan);
	/** @chan_close: A channel is drained; its view goes away. */
	void (*chan_close)(struct rsp_chan_view *chan);

	/**
	 * @grant: Receive credits to advertise to the peer.
	 *
	 * Asked when a channel comes up and for each batch of received
	 * messages. Return: 1 to @chan->max_credits.
	 */
	int (*grant)(struct rsp_chan_view *chan);

	/**
	 * @window: A batch of exchanges finished.
	 *
	 * Return: Exchanges to have in flight, 1 to @chan->max_credits; the
	 * channel never exceeds @chan->peer_grant.
	 */
	int (*window)(struct rsp_chan_view *chan, struct rsp_ack_req *req);

	/**
	 * @weight: Share of an endpoint among its channels.
	 *
	 * Return: 1 to 1000.
	 */
	int (*weight)(struct rsp_chan_view *chan);

	/** @stall: A request begins to wait for the window or a send slot. */
	void (*stall)(struct rsp_chan_view *chan);

	/** @stall_ms: Ejected when a request waits longer; 0 means 10000. */
	__u32 stall_ms;
	/** @name: as in &struct rsp_buf_ops */
	char name[RSP_NAME_LEN];
};

/**
 * struct rsp_cache_ops - which blocks a cache keeps
 *
 * A cache has four ordered lists. What they mean is the policy's business; the mechanism adds a
 * block at a head, and asks about tails. When another policy becomes the active one all blocks are
 * in list 0, those of list 1 to 3 behind its own.
 */
struct rsp_cache_ops {
	/** @init: as in &struct rsp_buf_ops */
	int (*init)(void);
	/** @exit: as in &struct rsp_buf_ops */
	void (*exit)(struct rsp_exit_info *info);

	/**
	 * @admit: A block that is not there was read or is about to be written.
	 *
	 * Context: Process context, under the cache's lock, as all of these.
	 * Return: The list at whose head it goes, 0 to 3, once its data is
	 * there; -1 to leave it out.
	 */
	int (*admit)(struct rsp_cache_view *cache, struct rsp_block_req *req);

	/**
	 * @touch: A block that is there was read or written.
	 *
	 * Not asked at the time: up to 16 touches are told together, in order, and
	 * all of them before any other question about this cache.
	 *
	 * Return: The list to whose head it moves, 0 to 3; -1 to stay where it is.
	 */
	int (*touch)(struct rsp_cache_view *cache, struct rsp_block_view *block);

	/**
	 * @evict: A slot is needed: what shall happen next?
	 *
	 * @t0 to @t3 are the tails of the lists; of a list that is empty (@cache->nr_in)
	 * a view without meaning. Asked until a block goes, up to 256 times; then
	 * the tail of the longest list does, which counts as an answer out of range,
	 * as does the name of an empty list.
	 *
	 * Return: RSP_EVICT(list) or RSP_MOVE(from, to).
	 */
	int (*evict)(struct rsp_cache_view *cache, struct rsp_block_view *t0,
		     struct rsp_block_view *t1, struct rsp_block_view *t2,
		     struct rsp_block_view *t3);

	/** @insert: A block that was admitted is there now; others never came, and nothing is said. */
	void (*insert)(struct rsp_cache_view *cache, struct rsp_block_view *block);
	/** @remove: A block is not there any more; @why is enum rsp_remove_why. */
	void (*remove)(struct rsp_cache_view *cache, struct rsp_block_view *block, __u32 why);

	/** @stall_ms: Not used by this family. */
	__u32 stall_ms;
	/** @name: as in &struct rsp_buf_ops */
	char name[RSP_NAME_LEN];
};

#endif /* _UAPI_RSP_OPS_H */
