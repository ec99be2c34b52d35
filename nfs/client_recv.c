// SPDX-License-Identifier: GPL-2.0
/*
 * Replies: check the transport header, find the call, make its memory safe, put
 * the inline part where the upper layer looks for it, complete the RPC.
 *
 * Nothing a server says is taken on trust. The header is decoded against the bytes
 * that arrived; lengths it reports are held against what the call offered; an
 * answer counts only for a request that is out on this connection (state SENT,
 * or POSTING and then it is kept until the post has returned). What cannot be
 * parsed or matched is dropped: the call times out and sunrpc reconnects. What is
 * matched but wrong ends the RPC with -EIO.
 *
 * A request has one "pending" for its owner (the reply, or who gives it up), one
 * for a gathered send and one for each key that is not invalid yet. The last to
 * drop one finishes the request, so its pages are seen by nobody before.
 */
#include <linux/highmem.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <linux/sunrpc/clnt.h>
#include <linux/sunrpc/msg_prot.h>
#include <linux/sunrpc/sched.h>

#include "client.h"

/* ------------------------------------------------- the end of a request --- */

/*
 * A READ reply ends with the payload's length and the payload. Where sunrpc's
 * estimate of what precedes it is too long the upper layer would move all of the
 * payload; so look for the place where the length word agrees with the message.
 * A wrong guess costs that move, no more: the byte stream is the same.
 */
static u32 rsp_nfs_payload_start(const void *msg, u32 bytes, u32 head)
{
	u32 at = min(head, bytes) & ~3U;
	u32 lowest = at > 64 ? at - 64 : 4;

	if (bytes & 3)
		return head;
	for (; at >= lowest; at -= 4) {
		u32 len = get_unaligned_be32(msg + at - 4);

		if (len <= bytes && at + xdr_align_size(len) == bytes)
			return at;
	}
	return head;
}

static u32 rsp_nfs_copy_to_pages(const struct xdr_buf *rcv, const u8 *src, u32 left)
{
	struct page **page = rcv->pages + (rcv->page_base >> PAGE_SHIFT);
	u32 off = offset_in_page(rcv->page_base);
	u32 done = 0;

	left = min(left, rcv->page_len);
	while (done < left) {
		u32 len = min_t(u32, left - done, PAGE_SIZE - off);

		memcpy_to_page(*page++, off, src + done, len);
		done += len;
		off = 0;
	}
	return done;
}

/*
 * Head and tail are pointed into the receive buffer, which the request keeps until
 * buf_free(); only what belongs into pages is copied.
 */
static void rsp_nfs_place_inline(struct rsp_nfs_req *req)
{
	const struct rsp_nfs_reply *reply = &req->reply;
	struct xdr_buf *rcv = &req->rqst.rq_rcv_buf;
	u8 *src = reply->msg;
	u32 left = reply->msg_bytes;
	u32 head = rcv->head[0].iov_len;
	u32 done;

	if (!reply->write_bytes && rcv->page_len && (rcv->flags & XDRBUF_READ))
		head = rsp_nfs_payload_start(src, left, head);
	head = min(head, left);
	rcv->buflen -= rcv->head[0].iov_len - head;
	rcv->head[0].iov_base = src;
	rcv->head[0].iov_len = head;
	src += head;
	left -= head;

	if (left && rcv->page_len && !reply->write_bytes) {
		done = rsp_nfs_copy_to_pages(rcv, src, left);
		req->owner->stats.fixup_bytes += done;
		src += done;
		left -= done;
	}
	if (left) {
		rcv->buflen += left - rcv->tail[0].iov_len;
		rcv->tail[0].iov_base = src;
		rcv->tail[0].iov_len = left;
	}
}

/* Return: bytes of the RPC reply, or a negative errno */
static int rsp_nfs_place(struct rsp_nfs_req *req)
{
	const struct rsp_nfs_reply *reply = &req->reply;
	u8 write = req->ctype[RSP_NFS_WRITE_CHUNK];

	switch (reply->proc) {
	case RSP_RPCRDMA_MSG:
		if (reply->reply_bytes)
			return -EIO;
		if (reply->write_bytes &&
		    (write != RSP_NFS_C_DATA || reply->nr_write > req->offered_segs ||
		     reply->write_bytes > req->offered_bytes))
			return -EIO;
		rsp_nfs_place_inline(req);
		req->owner->stats.rdma_reply_bytes += reply->write_bytes;
		return reply->msg_bytes + xdr_align_size(reply->write_bytes);
	case RSP_RPCRDMA_NOMSG:
		if (write != RSP_NFS_C_MSG || reply->write_bytes ||
		    reply->nr_reply > req->offered_segs || !reply->reply_bytes ||
		    reply->reply_bytes > req->offered_bytes)
			return -EIO;
		req->owner->stats.rdma_reply_bytes += reply->reply_bytes;
		return reply->reply_bytes;
	default:
		pr_info_ratelimited("server cannot decode a call, error %u\n",
				    reply->err);
		return -EIO;
	}
}

static void rsp_nfs_req_complete(struct rsp_nfs_req *req)
{
	struct rpc_rqst *rqst = &req->rqst;
	struct rpc_xprt *xprt = rqst->rq_xprt;
	int bytes = rsp_nfs_place(req);

	if (unlikely(bytes < 0)) {
		req->owner->stats.bad_replies++;
		rqst->rq_task->tk_status = bytes;
		bytes = 0;
	} else {
		rqst->rq_private_buf = rqst->rq_rcv_buf;
	}
	atomic_set_release(&req->state, RSP_NFS_IDLE);

	spin_lock(&xprt->queue_lock);
	xprt_complete_rqst(rqst->rq_task, bytes);
	xprt_unpin_rqst(rqst);
	spin_unlock(&xprt->queue_lock);
}

/* The device, RSP and the peer know nothing of the request any more. */
static void rsp_nfs_req_finish(struct rsp_nfs_req *req)
{
	struct rsp_nfs_xprt *r = req->owner;
	bool is_last;
	u32 i;

	for (i = 0; i < RSP_NFS_NR_CHUNK; i++) {
		if (req->sgl[i] && req->sgl[i] != req->sgl_own[i])
			kfree(req->sgl[i]);
		req->sgl[i] = NULL;
	}

	if (req->is_replied) {
		rsp_nfs_req_complete(req);
	} else {
		atomic_set_release(&req->state, RSP_NFS_IDLE);
		wake_up_var(&req->state);
	}

	/*
	 * Once the count falls the transport may close and go away; sunrpc frees it
	 * after a grace period.
	 */
	rcu_read_lock();
	is_last = atomic_dec_and_test(&r->nr_busy);
	if (unlikely(READ_ONCE(r->is_gated))) {
		WRITE_ONCE(r->is_gated, false);
		xprt_write_space(&r->xprt);
	}
	if (is_last) {
		wake_up_var(&r->nr_busy);
		if (unlikely(READ_ONCE(r->is_moving) && !READ_ONCE(r->is_closing)))
			xprt_force_disconnect(&r->xprt);
	}
	rcu_read_unlock();
}

void rsp_nfs_req_drop(struct rsp_nfs_req *req)
{
	if (atomic_dec_and_test(&req->pending))
		rsp_nfs_req_finish(req);
}

static void rsp_nfs_unmap_done(void *ctx, int status)
{
	rsp_nfs_req_drop(ctx);
}

/* Caller claimed the request and holds a pending of it. */
void rsp_nfs_req_unmap(struct rsp_nfs_req *req, u32 inv_rkey)
{
	u32 i;

	for (i = 0; i < RSP_NFS_NR_CHUNK; i++) {
		struct rsp_map *map = req->map[i];

		if (!map)
			continue;
		req->map[i] = NULL;
		atomic_inc(&req->pending);
		if (rsp_map_put(map, inv_rkey, rsp_nfs_unmap_done, req))
			req->owner->stats.local_invs++;
		else
			atomic_dec(&req->pending);	/* never the last */
	}
}

/*
 * Takes a request that is out back, unless its reply came first. It is IDLE
 * some time later, see rsp_nfs_req_wait_idle().
 * @status: what the flow policy hears of the exchange, 0 when it never began
 * Return: true when it was the caller's to take.
 */
bool rsp_nfs_req_give_up(struct rsp_nfs_req *req, int status)
{
	if (atomic_cmpxchg(&req->state, RSP_NFS_SENT, RSP_NFS_CLAIMED) !=
	    RSP_NFS_SENT)
		return false;
	if (status)
		rsp_chan_acked(req->chan, 0, 0, status, NULL);
	rsp_nfs_req_unmap(req, 0);
	rsp_nfs_req_drop(req);
	return true;
}

void rsp_nfs_req_wait_idle(struct rsp_nfs_req *req)
{
	wait_var_event(&req->state,
		       atomic_read_acquire(&req->state) == RSP_NFS_IDLE);
}

/*
 * The reply in req->buf is this request's, which the caller claimed and pinned.
 * The channel stays while the request is not idle.
 */
void rsp_nfs_req_reply(struct rsp_nfs_req *req)
{
	struct rsp_nfs_xprt *r = req->owner;
	struct rpc_rqst *rqst = &req->rqst;

	req->stages.replied_ns = req->buf->recv_ns;
	rsp_nfs_set_window(r, rsp_chan_acked(req->chan, rqst->rq_snd_buf.len +
					     req->reply.msg_bytes +
					     req->reply.write_bytes +
					     req->reply.reply_bytes,
					     ktime_to_ns(rqst->rq_rtt), 0, &req->stages));
	req->is_replied = true;
	rsp_nfs_req_unmap(req, req->buf->inv_rkey);
	rsp_nfs_req_drop(req);
}

/* ------------------------------------------------------------- decoding --- */

/*
 * A counted array of segments. @max: words left at @p.
 * Return: words used, or a negative errno.
 */
static int rsp_nfs_get_chunk(const __be32 *p, u32 max, u32 *nr, u64 *bytes)
{
	struct rsp_desc desc;
	u32 i;

	if (max < 1)
		return -EBADMSG;
	*nr = be32_to_cpup(p++);
	if (*nr > (max - 1) / (RSP_RPCRDMA_SEG_LEN / 4))
		return -EBADMSG;
	*bytes = 0;
	for (i = 0; i < *nr; i++) {
		p = rsp_rpcrdma_get_seg(p, &desc);
		*bytes += desc.len;
	}
	return 1 + *nr * (RSP_RPCRDMA_SEG_LEN / 4);
}

/* the three lists of a reply; Return: words used, or a negative errno */
static int rsp_nfs_get_lists(const __be32 *start, u32 max, struct rsp_nfs_reply *reply)
{
	const __be32 *p = start, *end = start + max;
	int words;

	if (max < 3)
		return -EBADMSG;
	if (*p++)			/* a read list is no part of a reply */
		return -EBADMSG;
	if (*p++) {
		words = rsp_nfs_get_chunk(p, end - p, &reply->nr_write,
					  &reply->write_bytes);
		if (words < 0)
			return words;
		p += words;
		/* we offer one write chunk, so there cannot be a second */
		if (end - p < 2 || *p++)
			return -EBADMSG;
	}
	if (end - p < 1)
		return -EBADMSG;
	if (*p++) {
		words = rsp_nfs_get_chunk(p, end - p, &reply->nr_reply,
					  &reply->reply_bytes);
		if (words < 0)
			return words;
		p += words;
	}
	return p - start;
}

/*
 * Everything about a reply that can be checked without its call.
 * Return: 0, or a negative errno for a message to drop.
 */
static int rsp_nfs_parse(const struct rsp_buf *buf, const struct rsp_rpcrdma_hdr *hdr,
			 struct rsp_nfs_reply *reply)
{
	const __be32 *p = buf->data + RSP_RPCRDMA_FIXED_LEN;
	u32 left = buf->len - RSP_RPCRDMA_FIXED_LEN;
	int words;

	memset(reply, 0, sizeof(*reply));
	reply->proc = hdr->proc;
	switch (hdr->proc) {
	case RSP_RPCRDMA_ERROR:
		if (left < 4)
			return -EBADMSG;
		reply->err = be32_to_cpup(p);
		return 0;
	case RSP_RPCRDMA_MSG:
	case RSP_RPCRDMA_NOMSG:
		break;
	default:
		return -EBADMSG;
	}

	words = rsp_nfs_get_lists(p, left / 4, reply);
	if (words < 0)
		return words;
	p += words;
	left -= words * 4;
	if (hdr->proc == RSP_RPCRDMA_NOMSG)
		return 0;
	/* XID and direction of the RPC message itself */
	if (left < 8 || p[0] != hdr->xid || p[1] != cpu_to_be32(RPC_REPLY))
		return -EBADMSG;
	reply->msg = (void *)p;
	reply->msg_bytes = left;
	return 0;
}

#ifdef CONFIG_SUNRPC_BACKCHANNEL
/* a call of the server: RDMA_MSG, three empty lists, direction CALL */
static bool rsp_nfs_is_call(const struct rsp_buf *buf, const struct rsp_rpcrdma_hdr *hdr)
{
	const __be32 *p = buf->data + RSP_RPCRDMA_FIXED_LEN;

	return hdr->proc == RSP_RPCRDMA_MSG &&
	       buf->len >= RSP_RPCRDMA_MIN_LEN + 8 && !p[0] && !p[1] && !p[2] &&
	       p[3] == hdr->xid && p[4] == cpu_to_be32(RPC_CALL);
}
#endif

/*
 * Finds the request a reply belongs to, pinned.
 * Return: the request, claimed, or NULL: @buf is not needed, or it is kept until
 * the post of the call has returned.
 */
static struct rsp_nfs_req *rsp_nfs_claim(struct rsp_nfs_xprt *r, __be32 xid,
					 struct rsp_buf *buf,
					 const struct rsp_nfs_reply *reply)
{
	struct rpc_xprt *xprt = &r->xprt;
	struct rsp_nfs_req *req;
	struct rpc_rqst *rqst;

	spin_lock(&xprt->queue_lock);
	rqst = xprt_lookup_rqst(xprt, xid);
	if (!rqst) {
		spin_unlock(&xprt->queue_lock);
		goto out_drop;
	}
	xprt_pin_rqst(rqst);
	spin_unlock(&xprt->queue_lock);

	req = rsp_nfs_req(rqst);
	for (;;) {
		int state = atomic_read_acquire(&req->state);

		if (state == RSP_NFS_POSTING) {
			/* its sender looks here once the state says EARLY */
			req->buf = buf;
			req->reply = *reply;
			if (atomic_cmpxchg(&req->state, RSP_NFS_POSTING,
					   RSP_NFS_EARLY) == RSP_NFS_POSTING)
				return NULL;
			req->buf = NULL;
			continue;
		}
		if (state != RSP_NFS_SENT)
			break;
		if (atomic_cmpxchg(&req->state, RSP_NFS_SENT,
				   RSP_NFS_CLAIMED) != RSP_NFS_SENT)
			continue;
		req->buf = buf;
		req->reply = *reply;
		return req;
	}

	/* not out on this connection, or answered already */
	spin_lock(&xprt->queue_lock);
	xprt_unpin_rqst(rqst);
	spin_unlock(&xprt->queue_lock);
	r->stats.bad_replies++;
out_drop:
	rsp_buf_put(buf);
	return NULL;
}

/**
 * rsp_nfs_recv() - A message of the server (rsp_svc_ops.recv)
 * @chan: the transport's channel
 * @buf: the message; kept with the request, or put
 *
 * Context: Process context on the channel's vector, one message at a time.
 */
void rsp_nfs_recv(struct rsp_chan *chan, struct rsp_buf *buf)
{
	struct rsp_nfs_xprt *r = rsp_chan_priv(chan);
	struct rsp_rpcrdma_hdr hdr;
	struct rsp_nfs_reply reply;
	struct rsp_nfs_req *req;

	if (unlikely(buf->len < RSP_RPCRDMA_FIXED_LEN))
		goto err_drop;
	rsp_rpcrdma_get_hdr(buf->data, &hdr);
	if (unlikely(hdr.vers != RSP_RPCRDMA_VERSION))
		goto err_drop;
#ifdef CONFIG_SUNRPC_BACKCHANNEL
	if (unlikely(rsp_nfs_is_call(buf, &hdr))) {
		if (!rsp_nfs_bc_recv(r, buf, hdr.xid))
			goto err_drop;
		return;
	}
#endif
	if (unlikely(rsp_nfs_parse(buf, &hdr, &reply)))
		goto err_drop;

	/* the connection is of use: no delay before the next one */
	if (r->is_failed) {
		r->is_failed = false;
		r->xprt.reestablish_timeout = 0;
	}
	if (hdr.credits != r->peer_grant) {
		r->peer_grant = hdr.credits;
		rsp_nfs_set_window(r, rsp_chan_set_peer_grant(chan, hdr.credits));
	}
	req = rsp_nfs_claim(r, hdr.xid, buf, &reply);
	if (req)
		rsp_nfs_req_reply(req);
	return;

err_drop:
	r->stats.bad_replies++;
	rsp_buf_put(buf);
}
