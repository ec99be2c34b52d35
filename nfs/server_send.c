// SPDX-License-Identifier: GPL-2.0
/*
 * Sending RPC replies.
 *
 * The transport header and, if it fits, the reply are built in the buffer the
 * call came in: nfsd has decoded the arguments by then and nobody reads them any
 * more. So a reply needs no buffer of its own and can always be sent.
 *
 *	reply			message		where its bytes go
 *	------------------------------------------------------------------
 *	fits inline		RDMA_MSG	copied behind the header, or the
 *						pages gathered from where they are
 *	payload for a write	RDMA_MSG	payload: RDMA write; rest: inline
 *	chunk (READ)
 *	too long for inline	RDMA_NOMSG	all but payloads: RDMA write to
 *						the reply chunk
 *	too long, no chunk	RDMA_ERROR	ERR_CHUNK
 *
 * Writes and message are one unit of work, posted together; the message comes
 * last and its completion stands for all. Chunks come back in the reply's header
 * with the lengths written, 0 where nothing was.
 *
 * Pages: a copied reply leaves none behind and is sent without a completion of
 * its own. Otherwise each page that is under transfer has a reference from
 * rsp_nfsd_hold(), dropped in rsp_nfsd_sent(); nfsd drops its own as it likes.
 */
#include <linux/slab.h>
#include <linux/sunrpc/svc.h>
#include <linux/sunrpc/xdr.h>

#include "server.h"

/* a reply on its way to the wire */
struct rsp_nfsd_reply {
	struct rsp_nfsd_call	*call;
	const struct xdr_buf	*xdr;
	struct rsp_work		*work;
	struct rsp_nfsd_vec	*vec;		/* pages under transfer, NULL for none */
	u32			rest_len;	/* what no write chunk takes */
	u32			hdr_len;
	bool			is_nomsg;
};

/* ------------------------------------------------------- pieces of an xdr_buf */

/*
 * A range of the reply that no write chunk takes: call with *@next and *@off 0,
 * until it returns false.
 */
static bool rsp_nfsd_next_rest(const struct rsp_nfsd_reply *reply, u32 *next, u32 *off, u32 *len)
{
	const struct rsp_nfsd_call *call = reply->call;

	if (*next > call->nr_chunks)
		return false;
	*len = reply->xdr->len - min(*off, reply->xdr->len);
	for (; *next < call->nr_chunks; (*next)++) {
		const struct rsp_nfsd_chunk *chunk = &call->chunks[*next];

		if (chunk->payload) {
			*len = chunk->pos - *off;
			break;
		}
	}
	return true;
}

/* behind the range, and behind the payload and its padding that follow it */
static void rsp_nfsd_skip_payload(const struct rsp_nfsd_reply *reply, u32 *next, u32 *off)
{
	const struct rsp_nfsd_call *call = reply->call;

	if (*next < call->nr_chunks)
		*off = xdr_align_size(call->chunks[*next].pos + call->chunks[*next].payload);
	(*next)++;
}

/* add a piece to the pages under transfer; with @sg to the scatterlist, too */
static int rsp_nfsd_hold(struct rsp_nfsd_vec *vec, struct page *page, u32 offset, u32 len,
			 bool may_merge)
{
	int err;

	if (vec->nr_pages == vec->max)
		return -E2BIG;
	err = rsp_nfsd_vec_add(vec, page, offset, len, may_merge);
	if (err)
		return err;
	get_page(page);
	vec->pages[vec->nr_pages++] = page;
	return 0;
}

static int rsp_nfsd_hold_kvec(struct rsp_nfsd_vec *vec, const struct kvec *kvec, u32 off, u32 len,
			      bool *may_merge)
{
	void *p = kvec->iov_base + off;
	int err;

	while (len) {
		u32 n = min_t(u32, len, PAGE_SIZE - offset_in_page(p));

		err = rsp_nfsd_hold(vec, virt_to_page(p), offset_in_page(p), n, *may_merge);
		if (err)
			return err;
		*may_merge = true;
		p += n;
		len -= n;
	}
	return 0;
}

/* the range @off to @off + @len of @xdr, which has that many bytes */
static int rsp_nfsd_hold_range(struct rsp_nfsd_vec *vec, const struct xdr_buf *xdr, u32 off,
			       u32 len, bool *may_merge)
{
	u32 n;
	int err;

	if (off < xdr->head[0].iov_len) {
		n = min_t(u32, len, xdr->head[0].iov_len - off);
		err = rsp_nfsd_hold_kvec(vec, &xdr->head[0], off, n, may_merge);
		if (err)
			return err;
		len -= n;
		off = 0;
	} else {
		off -= xdr->head[0].iov_len;
	}
	for (; len && off < xdr->page_len; off += n, len -= n) {
		u32 pos = xdr->page_base + off;

		n = min3((u32)(PAGE_SIZE - offset_in_page(pos)), len, xdr->page_len - off);
		err = rsp_nfsd_hold(vec, xdr->pages[pos >> PAGE_SHIFT], offset_in_page(pos), n,
				    *may_merge);
		if (err)
			return err;
		*may_merge = true;
	}
	if (!len)
		return 0;
	return rsp_nfsd_hold_kvec(vec, &xdr->tail[0], off - xdr->page_len, len, may_merge);
}

/* most pieces @len bytes of @xdr can fall into */
static u32 rsp_nfsd_max_pieces(const struct xdr_buf *xdr, u32 len)
{
	return min(len, xdr->page_len) / PAGE_SIZE + 6;
}

/* ------------------------------------------------------------------ chunks */

/*
 * The payloads nfsd marked, as far as they are in the reply still: an operation
 * that failed later may have truncated it.
 */
static u32 rsp_nfsd_check_payloads(struct rsp_nfsd_call *call, u32 len)
{
	u32 i, end = 0, sum = 0;

	for (i = 0; i < call->nr_chunks; i++) {
		struct rsp_nfsd_chunk *chunk = &call->chunks[i];

		if (!chunk->payload)
			continue;
		if (chunk->pos < end || chunk->pos > len || chunk->payload > len - chunk->pos) {
			chunk->payload = 0;
			continue;
		}
		end = min(xdr_align_size(chunk->pos + chunk->payload), len);
		sum += end - chunk->pos;
	}
	return sum;
}

/* write entries @first.. of the vec, @len bytes, to the segments of @chunk */
static int rsp_nfsd_write_chunk(struct rsp_nfsd_reply *reply, const struct rsp_nfsd_chunk *chunk,
				u32 first, u32 len)
{
	struct rsp_nfsd_vec *vec = reply->vec;
	struct rsp_desc desc;
	u32 i, off = 0;
	int err;

	for (i = 0; i < chunk->nr && off < len; i++) {
		desc = reply->call->segs[chunk->first + i];
		desc.len = min(desc.len, len - off);
		if (!desc.len)
			continue;
		err = rsp_work_add_rw(reply->work, RSP_DIR_OUT, vec->sgl + first,
				      vec->nr_sg - first, off, &desc);
		if (err)
			return err;
		off += desc.len;
	}
	return off == len ? 0 : -E2BIG;
}

static int rsp_nfsd_write_payloads(struct rsp_nfsd_reply *reply)
{
	struct rsp_nfsd_call *call = reply->call;
	u32 i, first;
	int err;

	for (i = 0; i < call->nr_chunks; i++) {
		struct rsp_nfsd_chunk *chunk = &call->chunks[i];
		bool may_merge = false;

		if (!chunk->payload)
			continue;
		first = reply->vec->nr_sg;
		err = rsp_nfsd_hold_range(reply->vec, reply->xdr, chunk->pos, chunk->payload,
					  &may_merge);
		if (!err)
			err = rsp_nfsd_write_chunk(reply, chunk, first, chunk->payload);
		if (err)
			return err;
	}
	return 0;
}

static int rsp_nfsd_write_rest(struct rsp_nfsd_reply *reply)
{
	u32 next = 0, off = 0, len, first = reply->vec->nr_sg;
	bool may_merge = false;
	int err;

	while (rsp_nfsd_next_rest(reply, &next, &off, &len)) {
		err = rsp_nfsd_hold_range(reply->vec, reply->xdr, off, len, &may_merge);
		if (err)
			return err;
		rsp_nfsd_skip_payload(reply, &next, &off);
	}
	reply->call->reply.payload = reply->rest_len;
	return rsp_nfsd_write_chunk(reply, &reply->call->reply, first, reply->rest_len);
}

/* ------------------------------------------------------------------ header */

static u32 rsp_nfsd_hdr_len(const struct rsp_nfsd_call *call)
{
	u32 len = RSP_RPCRDMA_MIN_LEN, i;

	for (i = 0; i < call->nr_chunks; i++)
		len += RSP_RPCRDMA_WRITE_LEN + call->chunks[i].nr * RSP_RPCRDMA_SEG_LEN;
	if (call->has_reply_chunk)
		len += XDR_UNIT + call->reply.nr * RSP_RPCRDMA_SEG_LEN;
	return len;
}

static __be32 *rsp_nfsd_put_chunk(__be32 *p, const struct rsp_nfsd_call *call,
				  const struct rsp_nfsd_chunk *chunk)
{
	u32 rest = chunk->payload, i;
	struct rsp_desc desc;

	*p++ = xdr_one;
	*p++ = cpu_to_be32(chunk->nr);
	for (i = 0; i < chunk->nr; i++) {
		desc = call->segs[chunk->first + i];
		desc.len = min(desc.len, rest);
		rest -= desc.len;
		p = rsp_rpcrdma_put_seg(p, &desc);
	}
	return p;
}

static void rsp_nfsd_put_hdr(struct rsp_nfsd_reply *reply)
{
	struct rsp_nfsd_call *call = reply->call;
	__be32 *p = call->buf->data;
	u32 i;

	p = rsp_rpcrdma_put_hdr(p, call->xid, rsp_chan_grant(call->conn->chan),
				reply->is_nomsg ? RSP_RPCRDMA_NOMSG : RSP_RPCRDMA_MSG);
	*p++ = xdr_zero;
	for (i = 0; i < call->nr_chunks; i++)
		p = rsp_nfsd_put_chunk(p, call, &call->chunks[i]);
	*p++ = xdr_zero;
	if (call->has_reply_chunk)
		rsp_nfsd_put_chunk(p, call, &call->reply);
	else
		*p = xdr_zero;
}

/* ----------------------------------------------------------------- message */

static void rsp_nfsd_copy_range(u8 *dst, const struct xdr_buf *xdr, u32 off, u32 len)
{
	/* a reply without pages is the most frequent one */
	if (off + len <= xdr->head[0].iov_len)
		memcpy(dst, xdr->head[0].iov_base + off, len);
	else
		read_bytes_from_xdr_buf(xdr, off, dst, len);
}

static void rsp_nfsd_copy_rest(struct rsp_nfsd_reply *reply)
{
	u8 *dst = reply->call->buf->data + reply->hdr_len;
	u32 next = 0, off = 0, len;

	while (rsp_nfsd_next_rest(reply, &next, &off, &len)) {
		rsp_nfsd_copy_range(dst, reply->xdr, off, len);
		dst += len;
		rsp_nfsd_skip_payload(reply, &next, &off);
	}
}

/*
 * Shall the reply's pages be gathered rather than copied? Then they are held in
 * a vec, one entry a piece. Return: false also when that cannot be.
 */
static bool rsp_nfsd_gather(struct rsp_nfsd_reply *reply)
{
	const struct xdr_buf *xdr = reply->xdr;
	struct rsp_nfsd_conn *conn = reply->call->conn;
	u32 head = xdr->head[0].iov_len;
	bool may_merge = false;

	if (!xdr->page_len || reply->rest_len != xdr->len ||
	    rsp_chan_bulk(conn->chan, RSP_DIR_OUT, xdr->len) == RSP_BULK_COPY)
		return false;
	reply->vec = rsp_nfsd_vec_get(rsp_nfsd_max_pieces(xdr, xdr->len), GFP_KERNEL);
	if (!reply->vec)
		return false;
	if (rsp_nfsd_hold_range(reply->vec, xdr, head, xdr->len - head, &may_merge) ||
	    reply->vec->nr_sg > conn->max_send_sge)
		goto err_put;
	return true;

err_put:
	rsp_nfsd_vec_put(reply->vec);
	reply->vec = NULL;
	return false;
}

static int rsp_nfsd_set_message(struct rsp_nfsd_reply *reply)
{
	struct rsp_nfsd_call *call = reply->call;
	struct rsp_buf *buf = call->buf;
	u32 len = reply->hdr_len;
	bool gather = false;

	if (!reply->is_nomsg) {
		gather = !reply->vec && rsp_nfsd_gather(reply);
		if (gather) {
			memcpy(buf->data + len, reply->xdr->head[0].iov_base,
			       reply->xdr->head[0].iov_len);
			len += reply->xdr->head[0].iov_len;
		} else {
			rsp_nfsd_copy_rest(reply);
			len += reply->rest_len;
		}
	}
	rsp_nfsd_put_hdr(reply);
	rsp_work_set_send(reply->work, buf, len);
	call->buf = NULL;
	if (call->inv_rkey)
		rsp_work_set_inv(reply->work, call->inv_rkey);
	return gather ? rsp_work_add_sg(reply->work, reply->vec->sgl,
					reply->xdr->len - reply->xdr->head[0].iov_len) : 0;
}

static void rsp_nfsd_sent(struct rsp_work *work, int status)
{
	/* with an error the channel goes down, which closes the connection */
	rsp_nfsd_vec_put(work->ctx);
}

/*
 * Choose how the reply goes and prepare the work. Return: 0, -E2BIG when the
 * client left no room for it, or another error.
 */
static int rsp_nfsd_prepare(struct rsp_nfsd_reply *reply)
{
	struct rsp_nfsd_call *call = reply->call;
	const struct xdr_buf *xdr = reply->xdr;
	u32 room = min(call->conn->max_send, call->buf->size);
	u32 payload = rsp_nfsd_check_payloads(call, xdr->len);
	int err;

	reply->rest_len = xdr->len - payload;
	reply->hdr_len = rsp_nfsd_hdr_len(call);
	if (reply->hdr_len > room)
		return -E2BIG;
	reply->is_nomsg = reply->rest_len > room - reply->hdr_len;
	if (reply->is_nomsg && (!call->has_reply_chunk || reply->rest_len > call->reply.len))
		return -E2BIG;

	if (payload || reply->is_nomsg) {
		reply->vec = rsp_nfsd_vec_get(rsp_nfsd_max_pieces(xdr, xdr->len) +
					      4 * call->nr_chunks, GFP_KERNEL);
		if (!reply->vec)
			return -ENOMEM;
	}
	if (payload) {
		err = rsp_nfsd_write_payloads(reply);
		if (err)
			return err;
	}
	if (reply->is_nomsg) {
		err = rsp_nfsd_write_rest(reply);
		if (err)
			return err;
	}
	return rsp_nfsd_set_message(reply);
}

/* svc_xprt_ops.xpo_sendto. Return: 0, or -ENOTCONN and the connection is closed */
int rsp_nfsd_sendto(struct svc_rqst *rqstp)
{
	struct svc_xprt *xprt = rqstp->rq_xprt;
	struct rsp_nfsd_call *call = rqstp->rq_xprt_ctxt;
	struct rsp_nfsd_reply reply = {
		.call	= call,
		.xdr	= &rqstp->rq_res,
	};
	int err;

	if (svc_xprt_is_dead(xprt))
		goto err_close;
	reply.work = rsp_work_get(call->conn->chan, GFP_KERNEL);
	if (!reply.work)
		goto err_close;
	err = rsp_nfsd_prepare(&reply);
	if (err)
		goto err_free;
	if (reply.vec) {
		reply.work->done = rsp_nfsd_sent;
		reply.work->ctx = reply.vec;
	}
	if (rsp_work_post(reply.work))
		goto err_put;
	return 0;

err_free:
	rsp_work_free(reply.work);
	rsp_nfsd_vec_put(reply.vec);
	if (err != -E2BIG || !call->buf)
		goto err_close;
	rsp_nfsd_send_error(call, RSP_RPCRDMA_ERR_CHUNK, GFP_KERNEL);
	return 0;
err_put:
	rsp_nfsd_vec_put(reply.vec);
err_close:
	svc_xprt_deferred_close(xprt);
	return -ENOTCONN;
}

/*
 * svc_xprt_ops.xpo_result_payload: @length bytes at @offset of the reply are what
 * the client provides write chunks for, in the order of the chunks. An empty
 * chunk says that this one is wanted inline.
 * Return: 0, -E2BIG when it does not fit.
 */
int rsp_nfsd_result_payload(struct svc_rqst *rqstp, unsigned int offset, unsigned int length)
{
	struct rsp_nfsd_call *call = rqstp->rq_xprt_ctxt;
	struct rsp_nfsd_chunk *chunk;

	if (!length || call->next_chunk >= call->nr_chunks)
		return 0;
	chunk = &call->chunks[call->next_chunk++];
	if (!chunk->len)
		return 0;
	if (length > chunk->len)
		return -E2BIG;
	chunk->pos = offset;
	chunk->payload = length;
	return 0;
}

/*
 * Answer a call that cannot be processed, or not replied to. The buffer of the
 * call carries the answer; when it cannot be sent, nothing is.
 */
void rsp_nfsd_send_error(struct rsp_nfsd_call *call, enum rsp_rpcrdma_err err, gfp_t gfp)
{
	struct rsp_chan *chan = call->conn->chan;
	__be32 *p = call->buf->data;
	struct rsp_work *work;
	u32 len;

	work = rsp_work_get(chan, gfp);
	if (!work)
		return;
	p = rsp_rpcrdma_put_hdr(p, call->xid, rsp_chan_grant(chan), RSP_RPCRDMA_ERROR);
	*p++ = cpu_to_be32(err);
	len = RSP_RPCRDMA_ERR_CHUNK_LEN;
	if (err == RSP_RPCRDMA_ERR_VERS) {
		*p++ = cpu_to_be32(RSP_RPCRDMA_VERSION);
		*p = cpu_to_be32(RSP_RPCRDMA_VERSION);
		len = RSP_RPCRDMA_ERR_VERS_LEN;
	}
	rsp_work_set_send(work, call->buf, len);
	call->buf = NULL;
	rsp_work_post(work);
}
