/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RSP for services: the in-kernel API of rsp.ko.
 *
 * A service registers once, then connects or listens. Each connection is a
 * channel. It receives messages as owned pool buffers, and sends by filling a
 * unit of work: any number of memory registrations and RDMA transfers with at
 * most one message behind them, posted as one chain. RSP owns the queue pairs,
 * queues, keys, buffers and DMA mappings; the service owns the bytes.
 *
 *	rsp_svc_register
 *	  rsp_chan_connect ---- up() -- recv()... rsp_work_post ... -- down()
 *	  rsp_listen -- accept() -^                                      |
 *	  rsp_chan_close  <----------------------------------------------'
 *	rsp_svc_unregister
 *
 * bench/rsp_perf_msg.c is the smallest complete service.
 */
#ifndef _RSP_RSP_H
#define _RSP_RSP_H

#include <linux/types.h>
#include <linux/gfp.h>
#include <linux/dma-direction.h>
#include <linux/scatterlist.h>
#include <linux/socket.h>

#include <rsp/view.h>

struct module;
struct net;
struct page;

struct rsp_svc;
struct rsp_lsn;
struct rsp_chan;
struct rsp_map;

/**
 * struct rsp_desc - a remote memory descriptor: a range of a host's memory
 * @addr: address in the key's address space, as it goes on the wire
 * @len: bytes
 * @rkey: the key that covers the range (R_Key, steering tag)
 */
struct rsp_desc {
	u64	addr;
	u32	len;
	u32	rkey;
};

/**
 * struct rsp_buf - a registered buffer of the pool
 * @data: kernel address, contiguous, 64-byte aligned; in the class of 16 KiB, what
 *	stands 76 bytes behind it is 512-byte aligned instead
 * @size: bytes usable
 * @len: in recv(): bytes received
 * @inv_rkey: in recv(): the key the peer invalidated with this message, 0 for none
 * @recv_ns: in recv(): when it was received, if rsp_chan_acked is traced; else out of date
 *
 * The rest of the structure is RSP's. Whoever holds a buffer gives it back with
 * rsp_buf_put(), or hands it on with rsp_work_set_send().
 */
struct rsp_buf {
	void	*data;
	u32	size;
	u32	len;
	u32	inv_rkey;
	u64	recv_ns;
};

/* ------------------------------------------------------------- services --- */

#define RSP_PDATA_BYTES	32	/* CM private data of a service; RSP's own stands behind it */

/**
 * struct rsp_conn_param - what a service says when it connects or accepts
 * @pdata: CM private data to send, copied; RFC 8797 for NFS. NULL for none
 * @pdata_len: its bytes, at most RSP_PDATA_BYTES
 * @max_sends: messages and RDMA chains in flight at once, sizes the send queue
 * @max_credits: most exchanges in flight or granted, the clamp of the flow policy
 * @max_rdma_bytes: largest RDMA transfer of one rsp_work_add_rw(), 0 for none
 * @max_map_bytes: largest rsp_map_get(), 0 for none
 */
struct rsp_conn_param {
	const void	*pdata;
	u8		pdata_len;
	u32		max_sends;
	u32		max_credits;
	u32		max_rdma_bytes;
	u32		max_map_bytes;
};

/**
 * struct rsp_svc_ops - what RSP calls in a service
 */
struct rsp_svc_ops {
	/**
	 * @accept: A peer wants to connect to one of this service's listeners.
	 * @chan is not yet up. The service fills @param (pointers must stay
	 * valid until the call of up() or down()) and usually sets its
	 * private pointer. @pdata is what the peer sent, @len bytes (the CM
	 * may pad it with zeroes).
	 *
	 * After 0 the service holds a reference on @chan and must end with
	 * rsp_chan_close().
	 *
	 * Context: Process context, may sleep.
	 * Return: 0 to accept, a negative errno to reject.
	 */
	int (*accept)(struct rsp_chan *chan, void *lsn_ctx, const void *pdata,
		      u8 len, struct rsp_conn_param *param);

	/**
	 * @up: The channel is connected; recv() may follow at once, or even
	 * come a moment earlier on the accepting side. @pdata: what the
	 * accepting peer answered (NULL on the accepting side).
	 *
	 * Context: Process context, may sleep.
	 */
	void (*up)(struct rsp_chan *chan, const void *pdata, u8 len);

	/**
	 * @down: The channel is drained, or never came up: @reason is a
	 * negative errno (-ECONNREFUSED, -ECONNRESET, -ETIMEDOUT, -ENODEV when
	 * the device was removed, -ESHUTDOWN for rsp_chan_kill() here).
	 * Called exactly once for each channel that was connected or accepted.
	 * Every work has completed, no callback follows. The service answers,
	 * now or later, with rsp_chan_close().
	 *
	 * Context: Process context (a work queue of RSP), may sleep, and may
	 * call rsp_chan_close() on this channel.
	 */
	void (*down)(struct rsp_chan *chan, int reason);

	/**
	 * @recv: A message arrived. The service owns @buf.
	 *
	 * Context: Process context, bound to the channel's vector, which is another
	 * one after a move to another endpoint; must not sleep long: everything else
	 * on the vector waits. With is_atomic softirq.
	 * Messages of one channel are delivered in order and one at a time.
	 */
	void (*recv)(struct rsp_chan *chan, struct rsp_buf *buf);

	/**
	 * @rehome: The endpoint policy wants this client channel placed anew, and
	 * it cannot move by itself: its endpoint is raw, shall have a private receive
	 * queue, or its peer does not know how. Optional. The service reconnects when
	 * it can do so without loss.
	 *
	 * Context: Process context, may sleep.
	 */
	void (*rehome)(struct rsp_chan *chan);

	/**
	 * @shrink: Others need memory: @bytes of what this service holds in caches of
	 * its own, which it can do without, shall go back by rsp_buf_put(). Optional.
	 * It marks and queues; that work takes what is least worth first. A call
	 * that comes before an earlier one is done asks for the larger of the two.
	 *
	 * Context: Any but hard interrupt, under RCU and perhaps under locks of another
	 * service: must not sleep, nor call rsp_buf_get() or rsp_buf_put().
	 */
	void (*shrink)(struct rsp_svc *svc, u64 bytes);
};

/**
 * struct rsp_svc_attr - a service to register
 * @name: unique, at most 15 characters, e.g. "nfs-client"
 * @ops: its callbacks
 * @owner: THIS_MODULE
 * @weight: share it asks for, 1 to 1000; 100 is normal
 * @recv_bytes: largest message it receives; chooses the class of its receive queue
 * @is_atomic: recv(), and done() of work and maps, do not sleep and may be called in softirq:
 *	a completion costs no switch to a worker then. Not for services that use rsp_work_add_rw()
 * @has_own_keys: what a channel registers can be reached through its own connection only, whatever
 *	other peers know of it: each has a protection domain and a receive queue of its own, and
 *	none shares an endpoint. For keys that live long
 */
struct rsp_svc_attr {
	const char		*name;
	const struct rsp_svc_ops *ops;
	struct module		*owner;
	u32			weight;
	u32			recv_bytes;
	bool			is_atomic;
	bool			has_own_keys;
};

struct rsp_svc *rsp_svc_register(const struct rsp_svc_attr *attr);
void rsp_svc_unregister(struct rsp_svc *svc);
u32 rsp_svc_recv_bytes(const struct rsp_svc *svc);

/* ---------------------------------------------------------- connections --- */

struct rsp_lsn *rsp_listen(struct rsp_svc *svc, struct net *net,
			   const struct sockaddr *addr, void *ctx);
void rsp_lsn_close(struct rsp_lsn *lsn);
/* the address a listener is bound to, with the port the kernel chose for 0 */
void rsp_lsn_addr(const struct rsp_lsn *lsn, struct sockaddr_storage *addr);

struct rsp_chan *rsp_chan_connect(struct rsp_svc *svc, struct net *net,
				  const struct sockaddr *src,
				  const struct sockaddr *dst,
				  const struct rsp_conn_param *param,
				  void *priv, u32 timeout_ms);
void rsp_chan_kill(struct rsp_chan *chan);
void rsp_chan_close(struct rsp_chan *chan);
void rsp_chan_get(struct rsp_chan *chan);
void rsp_chan_put(struct rsp_chan *chan);

void *rsp_chan_priv(const struct rsp_chan *chan);
void rsp_chan_set_priv(struct rsp_chan *chan, void *priv);
bool rsp_chan_is_up(const struct rsp_chan *chan);

/**
 * struct rsp_chan_info - what a service may want to know of a channel
 * @id: the number rspctl shows
 * @max_send_sge: rsp_work_add_page() calls possible behind the first buffer
 * @max_recv: largest message this side can receive in bytes
 * @max_map_bytes: largest rsp_map_get() that takes one key, page aligned; see max_map_descs
 * @max_map_descs: most descriptors one map is made of
 * @vector: completion vector
 * @cpu: where recv() runs
 * @numa_node: of the device, NUMA_NO_NODE if unknown
 * @has_remote_inv: the device can invalidate keys for the peer's messages
 * @dev: device name
 * @local: own address
 * @peer: the peer's address
 */
struct rsp_chan_info {
	u32	id;
	u32	max_send_sge;
	u32	max_recv;
	u32	max_map_bytes;
	u32	max_map_descs;
	u32	vector;
	int	cpu;
	int	numa_node;
	bool	has_remote_inv;
	char	dev[RSP_NAME_LEN];
	struct sockaddr_storage local;
	struct sockaddr_storage peer;
};

void rsp_chan_info(struct rsp_chan *chan, struct rsp_chan_info *info);

/* ----------------------------------------------------------------- buffers - */

struct rsp_buf *rsp_buf_get(struct rsp_svc *svc, u32 bytes, gfp_t gfp);
void rsp_buf_put(struct rsp_buf *buf);
void rsp_buf_wake(struct rsp_svc *svc, void (*fn)(void *arg), void *arg);
u64 rsp_pool_limit(void);

/* ------------------------------------------------------------------- work -- */

/**
 * struct rsp_work - registrations, transfers and a message, posted as one chain
 * @done: called once the whole chain has completed; may be NULL. @status is 0,
 *        or a negative errno when any part failed or was flushed (the channel
 *        is going down then)
 * @ctx: the service's
 * @posted_ns: NULL, or where to note when it is handed to the HCA; written only while
 *	rsp_chan_acked is traced. It must stay until then, or until the channel is down
 *
 * From rsp_work_get() until rsp_work_post() or rsp_work_free() it is the
 * caller's; RSP frees it, and what was handed to it, after @done.
 *
 * Without @done and without pages the chain is posted unsignaled: its buffer is
 * released together with a later completion, and no interrupt is spent.
 *
 * Context of @done: that of recv().
 */
struct rsp_work {
	void	(*done)(struct rsp_work *work, int status);
	void	*ctx;
	u64	*posted_ns;
};

struct rsp_work *rsp_work_get(struct rsp_chan *chan, gfp_t gfp);
void rsp_work_free(struct rsp_work *work);
void rsp_work_add_map(struct rsp_work *work, struct rsp_map *map);
int rsp_work_add_rw(struct rsp_work *work, enum rsp_dir dir,
		    struct scatterlist *sgl, u32 nents, u32 offset,
		    const struct rsp_desc *remote);
void rsp_work_set_send(struct rsp_work *work, struct rsp_buf *buf, u32 len);
int rsp_work_add_page(struct rsp_work *work, struct page *page, u32 offset,
		      u32 len);
int rsp_work_add_sg(struct rsp_work *work, struct scatterlist *sg, u32 len);
void rsp_work_set_inv(struct rsp_work *work, u32 rkey);
int rsp_work_post(struct rsp_work *work);

/* -------------------------------------------------------------------- maps - */

struct rsp_map *rsp_map_get(struct rsp_chan *chan, struct scatterlist *sgl,
			    u32 nents, enum rsp_dir dir, gfp_t gfp);
const struct rsp_desc *rsp_map_descs(const struct rsp_map *map, u32 *nr);
int rsp_map_put(struct rsp_map *map, u32 inv_rkey,
		void (*done)(void *ctx, int status), void *ctx);

/* -------------------------------------------------------------------- flow - */

enum rsp_bulk rsp_chan_bulk(const struct rsp_chan *chan, enum rsp_dir dir,
			    u32 bytes);
void rsp_chan_set_max_inline(struct rsp_chan *chan, u32 bytes);
u32 rsp_chan_grant(struct rsp_chan *chan);
u32 rsp_chan_window(const struct rsp_chan *chan);
u32 rsp_chan_set_peer_grant(struct rsp_chan *chan, u32 credits);
void rsp_chan_sent(struct rsp_chan *chan);
u32 rsp_chan_acked(struct rsp_chan *chan, u64 bytes, u64 lat_ns, int status,
		   const struct rsp_stages *stages);
void rsp_chan_stalled(struct rsp_chan *chan, u64 waited_ns);
u32 rsp_chan_linger_s(struct rsp_chan *chan);

#endif /* _RSP_RSP_H */
