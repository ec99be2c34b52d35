/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The client transport's own: one rsp_nfs_xprt for each rpc_xprt, one
 * rsp_nfs_req for each RPC slot. README.md has the states and the owners.
 */
#ifndef _RSP_NFS_CLIENT_H
#define _RSP_NFS_CLIENT_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/scatterlist.h>
#include <linux/workqueue.h>
#include <linux/sunrpc/xprt.h>

#include <rsp/rsp.h>

#include "nfs.h"
#include "proto.h"

#define RSP_NFS_SLOTS		128	/* RPCs at once, and the credits asked for */
#define RSP_NFS_BC_SLOTS	16	/* callbacks at once */
#define RSP_NFS_SGL		4	/* scatterlist entries inside a request */

/**
 * enum rsp_nfs_state - where a request stands, see README.md
 */
enum rsp_nfs_state {
	RSP_NFS_IDLE,		/* nothing of it is known to the device or the peer */
	RSP_NFS_POSTING,	/* rsp_nfs_send() hands it to RSP */
	RSP_NFS_EARLY,		/* replied before the post returned */
	RSP_NFS_SENT,		/* waits for its reply */
	RSP_NFS_CLAIMED,	/* replied or given up, its memory becomes safe */
};

/* how a request's memory is shown to the server */
enum rsp_nfs_chunk {
	RSP_NFS_READ_CHUNK,	/* the server reads: read list */
	RSP_NFS_WRITE_CHUNK,	/* the server writes: write list or reply chunk */
	RSP_NFS_NR_CHUNK,
};

enum rsp_nfs_ctype {
	RSP_NFS_C_NONE,		/* all of the message is inline */
	RSP_NFS_C_DATA,		/* the page list by a read or write chunk */
	RSP_NFS_C_MSG,		/* the whole message: position zero, reply chunk */
};

/* what the server answered, out of the transport header of its reply */
struct rsp_nfs_reply {
	u32	proc;
	u32	err;		/* with RSP_RPCRDMA_ERROR */
	u32	nr_write;	/* segments of the write chunk */
	u32	nr_reply;	/* segments of the reply chunk */
	u64	write_bytes;	/* it says it put there */
	u64	reply_bytes;
	void	*msg;		/* the inline RPC message */
	u32	msg_bytes;
};

struct rsp_nfs_req {
	struct rpc_rqst		rqst;		/* first: sunrpc clears exactly this much */

	struct rsp_nfs_xprt	*owner;
	struct list_head	free;		/* on owner->free, under reserve_lock */
	void			*sendbuf;	/* rq_buffer, kept between RPCs */
	void			*recvbuf;	/* rq_rbuffer */
	u32			sendbuf_bytes;
	u32			recvbuf_bytes;

	atomic_t		state;		/* enum rsp_nfs_state */
	atomic_t		pending;	/* the owner, a gathered send, each map put */
	bool			is_replied;	/* last pending one: complete the RPC, else go idle */
	struct rsp_chan		*chan;		/* it was sent on; valid while not idle */
	u64			stall_ns;	/* since when it waits for the window, 0 if it does not */
	struct rsp_stages	stages;

	struct rsp_map		*map[RSP_NFS_NR_CHUNK];
	u8			ctype[RSP_NFS_NR_CHUNK];
	struct scatterlist	*sgl[RSP_NFS_NR_CHUNK];	/* its own array, or allocated */
	u32			offered_bytes;	/* by the write or reply chunk */
	u32			offered_segs;

	struct rsp_buf		*buf;		/* the reply; rq_rcv_buf points into it */
	struct rsp_nfs_reply	reply;

	struct scatterlist	sgl_own[RSP_NFS_NR_CHUNK][RSP_NFS_SGL];
};

static inline struct rsp_nfs_req *rsp_nfs_req(struct rpc_rqst *rqst)
{
	return container_of(rqst, struct rsp_nfs_req, rqst);
}

/* counters behind the "rdma" line of /proc/self/mountstats */
struct rsp_nfs_stats {
	unsigned long		read_chunks;
	unsigned long		write_chunks;
	unsigned long		reply_chunks;
	unsigned long long	rdma_request_bytes;
	unsigned long long	rdma_reply_bytes;
	unsigned long long	pullup_bytes;
	unsigned long long	fixup_bytes;
	unsigned long		hardway_bytes;
	unsigned long		failed_marshals;
	unsigned long		bad_replies;
	unsigned long		nomsg_calls;
	unsigned long		local_invs;
	unsigned long		starved;
};

struct rsp_nfs_xprt {
	struct rpc_xprt		xprt;
	struct delayed_work	connect_work;
	struct delayed_work	retry_work;	/* ends a wait for keys or memory */
	struct rpc_timeout	timeout;	/* when sunrpc shortened it */

	/* set while connecting, then until close; under the transport's send lock */
	struct rsp_chan		*chan;
	struct completion	connected;	/* up() or down() */
	int			conn_err;
	u32			max_send;	/* message, transport header included */
	u32			max_recv;
	bool			is_failed;	/* no reply since the last connection was lost */
	bool			is_closing;	/* down() is expected */
	bool			is_moving;	/* rehome(): drain, then reconnect */
	bool			is_gated;	/* senders wait for nr_busy to fall */
	unsigned long		move_until;	/* jiffies, then give it up */

	u32			peer_grant;	/* last seen; recv() only */
	u32			window;		/* in force; written under transport_lock */
	u64			connect_ns;	/* waits before it were not for the window */

	atomic_t		nr_busy;	/* requests that are not idle */
	u32			nr_req;		/* entries of reqs[] in use */
	struct rsp_nfs_req	*reqs[RSP_NFS_SLOTS];
	struct list_head	free;		/* idle requests, under reserve_lock */

	struct list_head	starved;	/* waits for buffers of the pool */
	struct rsp_nfs_stats	stats;
};

static inline struct rsp_nfs_xprt *rsp_nfs_xprt(struct rpc_xprt *xprt)
{
	return container_of(xprt, struct rsp_nfs_xprt, xprt);
}

extern struct rsp_svc *rsp_nfs_client_svc;

/* client.c */
struct rsp_nfs_req *rsp_nfs_req_alloc(struct rsp_nfs_xprt *r, gfp_t gfp);
void rsp_nfs_req_free(struct rsp_nfs_req *req);
void rsp_nfs_close(struct rpc_xprt *xprt);
int rsp_nfs_starve(struct rsp_nfs_xprt *r, bool for_buf);
void rsp_nfs_set_window(struct rsp_nfs_xprt *r, u32 window);

/* client_send.c */
int rsp_nfs_reserve(struct rpc_xprt *xprt, struct rpc_task *task);
int rsp_nfs_send(struct rpc_rqst *rqst);
u32 rsp_nfs_copy_xdr(void *dst, const struct xdr_buf *xdr);

/* client_recv.c */
void rsp_nfs_recv(struct rsp_chan *chan, struct rsp_buf *buf);
void rsp_nfs_req_reply(struct rsp_nfs_req *req);
bool rsp_nfs_req_give_up(struct rsp_nfs_req *req, int status);
void rsp_nfs_req_wait_idle(struct rsp_nfs_req *req);
void rsp_nfs_req_unmap(struct rsp_nfs_req *req, u32 inv_rkey);
void rsp_nfs_req_drop(struct rsp_nfs_req *req);

/* client_bc.c */
#ifdef CONFIG_SUNRPC_BACKCHANNEL
int rsp_nfs_bc_setup(struct rpc_xprt *xprt, unsigned int reqs);
size_t rsp_nfs_bc_maxpayload(struct rpc_xprt *xprt);
unsigned int rsp_nfs_bc_num_slots(struct rpc_xprt *xprt);
void rsp_nfs_bc_free_rqst(struct rpc_rqst *rqst);
void rsp_nfs_bc_destroy(struct rpc_xprt *xprt, unsigned int reqs);
bool rsp_nfs_bc_recv(struct rsp_nfs_xprt *r, struct rsp_buf *buf, __be32 xid);
int rsp_nfs_bc_send(struct rpc_rqst *rqst);
#endif

#endif /* _RSP_NFS_CLIENT_H */
