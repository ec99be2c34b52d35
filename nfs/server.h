/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The server half of rsp_nfs.ko: what its files offer each other. The story of
 * the objects stands in server.c.
 */
#ifndef _RSP_NFS_SERVER_H
#define _RSP_NFS_SERVER_H

#include <linux/list.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/sunrpc/svc_xprt.h>

#include <rsp/rsp.h>

#include "nfs.h"
#include "proto.h"

#define RSP_NFSD_CREDITS	128	/* most calls a client may have outstanding */
/*
 * A client sees the reply before the nfsd thread lets go of the call, so twice
 * its credits can be here for a moment. More is a client that ignores credits.
 */
#define RSP_NFSD_MAX_CALLS	(2 * RSP_NFSD_CREDITS + 32)

#define RSP_NFSD_MAX_SEGS	272	/* in one header; 1 MiB in pages, and some */
#define RSP_NFSD_MAX_CHUNKS	16	/* write chunks in one header */

/* Pages in a message, and room for buffers that begin and end within one */
#define RSP_NFSD_MAX_PAGES	(RSP_NFS_MAX_PAYLOAD / PAGE_SIZE + 3 + 2 * (RSP_NFSD_MAX_CHUNKS + 1))
#define RSP_NFSD_FEW_PAGES	18	/* 64 KiB; what most messages fit in */
#define RSP_NFSD_MAX_BUFS	24	/* 1 MiB and a page in pool buffers */

/**
 * struct rsp_nfsd_lsn - a listener of nfsd
 * @xprt: what sunrpc sees
 * @lsn: RSP's listener, until xpo_detach
 * @opening: connections not up yet
 * @accepted: connections that wait for an nfsd thread to take them
 */
struct rsp_nfsd_lsn {
	struct svc_xprt		xprt;
	struct rsp_lsn		*lsn;
	struct list_head	opening;
	struct list_head	accepted;
};

/**
 * struct rsp_nfsd_conn - a connection from a client
 * @xprt: what sunrpc sees
 * @chan: its channel
 * @nr_ends: of sunrpc and RSP, those that are not done with it
 * @lsn: its listener, NULL once taken by an nfsd thread or the listener closed
 * @link: in a list of @lsn
 * @lock: protects @calls
 * @calls: received, for xpo_recvfrom
 * @nr_calls: that exist, in whatever state
 * @max_send: largest message the client can receive
 * @max_send_sge: pages a message can gather; 0 before the first message came
 * @max_mesg: largest RPC message nfsd takes
 * @remote_inv: the client accepts Send With Invalidate
 * @is_up: up() was called
 * @is_local: the client is on this host
 * @bc: backchannel, NULL before nfsd asked for one
 */
struct rsp_nfsd_conn {
	struct svc_xprt		xprt;
	struct rsp_chan		*chan;
	atomic_t		nr_ends;
	struct rsp_nfsd_lsn	*lsn;
	struct list_head	link;
	spinlock_t		lock;
	struct list_head	calls;
	atomic_t		nr_calls;
	u32			max_send;
	u32			max_send_sge;
	u32			max_mesg;
	bool			remote_inv;
	bool			is_up;
	bool			is_local;
	struct rpc_xprt		*bc;
};

/**
 * struct rsp_nfsd_vec - memory under RDMA, until the transfer completes
 * @nr_pages: in @pages
 * @nr_buf_pages: of these, from the front, belong to @bufs; we hold a
 *	reference on each of the others
 * @nr_sg: entries of @sgl in use
 * @nr_bufs: pool buffers
 * @max: room in @pages and @sgl
 * @head_len: bytes that are contiguous from the start of the first page
 * @bufs: pool buffers
 * @pages: in the order of the message
 * @sgl: the same memory, what is adjacent merged
 */
struct rsp_nfsd_vec {
	u32			nr_pages;
	u32			nr_buf_pages;
	u32			nr_sg;
	u32			nr_bufs;
	u32			max;
	u32			head_len;
	struct rsp_buf		*bufs[RSP_NFSD_MAX_BUFS];
	struct page		**pages;
	struct scatterlist	*sgl;
};

/* one segment of the read list */
struct rsp_nfsd_read {
	u32			pos;
	struct rsp_desc		desc;
};

/* a write chunk or the reply chunk: segments first to first + nr of rsp_nfsd_call.segs */
struct rsp_nfsd_chunk {
	u16			first;
	u16			nr;
	u32			len;		/* sum of the segments */
	u32			pos;		/* in the reply: where its payload begins */
	u32			payload;	/* and how long it is */
};

enum rsp_nfsd_stage {
	RSP_NFSD_NEW,		/* header not yet parsed */
	RSP_NFSD_PARSED,	/* read chunks not yet pulled */
	RSP_NFSD_READY,		/* complete */
};

/**
 * struct rsp_nfsd_call - an RPC call, from its receive to xpo_release_ctxt
 * @link: in rsp_nfsd_conn.calls
 * @conn: where it came from
 * @buf: the received message; the reply is built in it too. NULL once sent
 * @sink: memory its read chunks are pulled into, NULL without
 * @stage: what is still to be done
 * @is_nomsg: the RPC message is in the position-zero chunk
 * @is_split: one read chunk: @sink is a range of the message, not all of it
 * @has_reply_chunk: @reply is there
 * @xid: of the call
 * @inv_rkey: key to invalidate with the reply, 0 for none
 * @body: the RPC message, as far as it came inline
 * @body_len: its bytes
 * @sink_pos: where @sink goes in @body (with @is_split)
 * @sink_len: bytes of the message in @sink
 * @nr_reads: entries of @reads
 * @nr_chunks: entries of @chunks
 * @next_chunk: for the next result payload
 * @reads: read list, by position
 * @chunks: write list
 * @segs: segments of @chunks and @reply
 * @reply: the reply chunk
 * @ext: where the three arrays are if they do not fit the ones below
 */
struct rsp_nfsd_call {
	struct list_head	link;
	struct rsp_nfsd_conn	*conn;
	struct rsp_buf		*buf;
	struct rsp_nfsd_vec	*sink;
	u8			stage;
	bool			is_nomsg;
	bool			is_split;
	bool			has_reply_chunk;
	__be32			xid;
	u32			inv_rkey;
	u8			*body;
	u32			body_len;
	u32			sink_pos;
	u32			sink_len;
	u16			nr_reads;
	u16			nr_chunks;
	u16			next_chunk;
	struct rsp_nfsd_read	*reads;
	struct rsp_nfsd_chunk	*chunks;
	struct rsp_desc		*segs;
	struct rsp_nfsd_chunk	reply;
	void			*ext;
	struct rsp_nfsd_read	few_reads[2];
	struct rsp_nfsd_chunk	few_chunks[2];
	struct rsp_desc		few_segs[4];
};

static inline struct rsp_nfsd_conn *rsp_nfsd_conn_of(struct svc_xprt *xprt)
{
	return container_of(xprt, struct rsp_nfsd_conn, xprt);
}

static inline struct rsp_nfsd_lsn *rsp_nfsd_lsn_of(struct svc_xprt *xprt)
{
	return container_of(xprt, struct rsp_nfsd_lsn, xprt);
}

/* server.c */
extern struct rsp_svc *rsp_nfsd_svc;

struct rsp_nfsd_vec *rsp_nfsd_vec_get(u32 nr_pages, gfp_t gfp);
void rsp_nfsd_vec_put(struct rsp_nfsd_vec *vec);
int rsp_nfsd_vec_add(struct rsp_nfsd_vec *vec, struct page *page, u32 offset, u32 len,
		     bool may_merge);

/* server_recv.c */
int rsp_nfsd_recv_init(void);
void rsp_nfsd_recv_exit(void);
void rsp_nfsd_recv(struct rsp_chan *chan, struct rsp_buf *buf);
int rsp_nfsd_recvfrom(struct svc_rqst *rqstp);
void rsp_nfsd_release_ctxt(struct svc_xprt *xprt, void *ctxt);
void rsp_nfsd_call_free(struct rsp_nfsd_call *call);

/* server_send.c */
int rsp_nfsd_sendto(struct svc_rqst *rqstp);
int rsp_nfsd_result_payload(struct svc_rqst *rqstp, unsigned int offset, unsigned int length);
void rsp_nfsd_send_error(struct rsp_nfsd_call *call, enum rsp_rpcrdma_err err, gfp_t gfp);

/* server_bc.c */
int rsp_nfsd_bc_init(void);
void rsp_nfsd_bc_exit(void);
void rsp_nfsd_bc_reply(struct rsp_nfsd_conn *conn, __be32 xid, u32 credits, const void *msg,
		       u32 len);
void rsp_nfsd_bc_put(struct rsp_nfsd_conn *conn);

#endif /* _RSP_NFS_SERVER_H */
