// SPDX-License-Identifier: GPL-2.0
/*
 * Calls: how each part of a call and of its reply travels, and the message.
 *
 * The call		fits inline		-> RDMA_MSG, no read list
 *			has a WRITE payload	-> RDMA_MSG, payload by a read chunk
 *			else			-> RDMA_NOMSG, all of it at position zero
 * The reply can	come inline		-> nothing
 *			has a READ payload	-> write chunk for the payload
 *			else			-> reply chunk for all of it
 *
 * "Fits" is the connection's limit with the transport header counted; for a payload
 * the buffer policy is asked too (rsp_chan_bulk()). What goes inline is copied
 * into a buffer of the pool, so the send needs no completion of its own and
 * rq_snd_buf stays as it is for a retransmission; only RSP_BULK_INLINE leaves the
 * payload in its pages, and holds the request until the send is done.
 *
 * Everything here runs under the transport's send lock: one call at a time.
 */
#include <linux/highmem.h>
#include <linux/slab.h>
#include <linux/sunrpc/auth.h>
#include <linux/sunrpc/clnt.h>
#include <linux/sunrpc/sched.h>

#include "client.h"

/* how the inline part of a call gets into the message */
enum rsp_nfs_inline {
	RSP_NFS_I_NOTHING,	/* position zero chunk */
	RSP_NFS_I_COPY,		/* all of rq_snd_buf */
	RSP_NFS_I_GATHER,	/* head copied, pages and tail as they lie */
	RSP_NFS_I_REDUCED,	/* head and tail without the payload */
};

struct rsp_nfs_plan {
	enum rsp_nfs_inline	how;
	u32			hdr_bytes;
	u32			copy_bytes;	/* behind the header, in the buffer */
};

/* Copies all of @xdr. Return: its bytes. */
u32 rsp_nfs_copy_xdr(void *dst, const struct xdr_buf *xdr)
{
	struct page **page = xdr->pages + (xdr->page_base >> PAGE_SHIFT);
	u32 off = offset_in_page(xdr->page_base);
	u32 left = xdr->page_len;
	u8 *p = dst;

	memcpy(p, xdr->head[0].iov_base, xdr->head[0].iov_len);
	p += xdr->head[0].iov_len;
	while (left) {
		u32 len = min_t(u32, left, PAGE_SIZE - off);

		memcpy_from_page(p, *page++, off, len);
		p += len;
		left -= len;
		off = 0;
	}
	if (xdr->tail[0].iov_len) {
		memcpy(p, xdr->tail[0].iov_base, xdr->tail[0].iov_len);
		p += xdr->tail[0].iov_len;
	}
	return p - (u8 *)dst;
}

/* the XDR pad of the page list stands at the start of the tail */
static u32 rsp_nfs_tail_pad(const struct xdr_buf *xdr)
{
	return min_t(u32, xdr_pad_size(xdr->page_len), xdr->tail[0].iov_len);
}

/* ACL replies name pages that are not there yet; a peer must find them there. */
static int rsp_nfs_fill_sparse(struct xdr_buf *xdr)
{
	struct page **page = xdr->pages + (xdr->page_base >> PAGE_SHIFT);
	u32 nr = PAGE_ALIGN(offset_in_page(xdr->page_base) + xdr->page_len) >>
		 PAGE_SHIFT;

	for (; nr; nr--, page++) {
		if (*page)
			continue;
		*page = alloc_page(GFP_NOWAIT | __GFP_NOWARN);
		if (!*page)
			return -ENOBUFS;
	}
	return 0;
}

/* ---------------------------------------------------------- chunks and maps --- */

/* pages that lie behind one another share an entry */
static u32 rsp_nfs_sgl_pages(struct scatterlist *sg, const struct xdr_buf *xdr)
{
	struct page **page = xdr->pages + (xdr->page_base >> PAGE_SHIFT);
	u32 off = offset_in_page(xdr->page_base);
	u32 left = xdr->page_len;
	struct scatterlist *last = NULL;
	u32 nr = 0;

	while (left) {
		u32 len = min_t(u32, left, PAGE_SIZE - off);

		if (last && !off && offset_in_page(last->offset + last->length) == 0 &&
		    page_to_pfn(*page) == page_to_pfn(sg_page(last)) +
				((last->offset + last->length) >> PAGE_SHIFT)) {
			last->length += len;
		} else {
			last = &sg[nr++];
			sg_set_page(last, *page, len, off);
		}
		page++;
		left -= len;
		off = 0;
	}
	return nr;
}

/*
 * Registers the memory of one chunk: @whole, all of @xdr, else its page list.
 * Return: 0, or what send_request() answers.
 */
static int rsp_nfs_map(struct rsp_nfs_req *req, enum rsp_nfs_chunk chunk,
		       const struct xdr_buf *xdr, bool whole)
{
	u32 nr = PAGE_ALIGN(offset_in_page(xdr->page_base) + xdr->page_len) >>
		 PAGE_SHIFT;
	struct scatterlist *sg = req->sgl_own[chunk];
	gfp_t gfp = rpc_task_gfp_mask();
	struct rsp_map *map;
	u32 n = 0;

	if (whole)
		nr += 2;
	if (nr > RSP_NFS_SGL) {
		sg = kmalloc_array(nr, sizeof(*sg), gfp);
		if (!sg)
			return -ENOMEM;
	}
	req->sgl[chunk] = sg;
	sg_init_table(sg, nr);
	if (whole && xdr->head[0].iov_len)
		sg_set_buf(&sg[n++], xdr->head[0].iov_base, xdr->head[0].iov_len);
	n += rsp_nfs_sgl_pages(&sg[n], xdr);
	if (whole && xdr->tail[0].iov_len)
		sg_set_buf(&sg[n++], xdr->tail[0].iov_base, xdr->tail[0].iov_len);
	if (!n)
		return -EIO;
	sg_mark_end(&sg[n - 1]);

	map = rsp_map_get(req->chan, sg, n, chunk == RSP_NFS_READ_CHUNK ?
			  RSP_DIR_OUT : RSP_DIR_IN, gfp);
	if (IS_ERR(map)) {
		int err = PTR_ERR(map);

		if (err == -EAGAIN || err == -ENOMEM)
			return rsp_nfs_starve(req->owner, false);
		return err == -ENOTCONN ? err : -EIO;
	}
	req->map[chunk] = map;
	return 0;
}

static u32 rsp_nfs_nr_descs(const struct rsp_nfs_req *req, enum rsp_nfs_chunk chunk)
{
	u32 nr = 0;

	if (req->map[chunk])
		rsp_map_descs(req->map[chunk], &nr);
	return nr;
}

/* ----------------------------------------------------------------- planning --- */

/* Could the header of a reply with a write chunk of this request fit? */
static bool rsp_nfs_reply_head_fits(const struct rsp_nfs_xprt *r,
				    const struct xdr_buf *rcv, u32 nr_segs)
{
	return RSP_RPCRDMA_MIN_LEN + RSP_RPCRDMA_WRITE_LEN +
	       nr_segs * RSP_RPCRDMA_SEG_LEN + rcv->head[0].iov_len +
	       rcv->tail[0].iov_len <= r->max_recv;
}

static int rsp_nfs_plan_reply(struct rsp_nfs_req *req, bool may_place)
{
	struct rsp_nfs_xprt *r = req->owner;
	struct xdr_buf *rcv = &req->rqst.rq_rcv_buf;
	bool has_payload = may_place && (rcv->flags & XDRBUF_READ) && rcv->page_len;
	struct rsp_chan_info info;
	int err;

	if (unlikely(rcv->flags & XDRBUF_SPARSE_PAGES)) {
		err = rsp_nfs_fill_sparse(rcv);
		if (err)
			return err;
	}

	req->ctype[RSP_NFS_WRITE_CHUNK] = RSP_NFS_C_NONE;
	if (RSP_RPCRDMA_MIN_LEN + rcv->buflen <= r->max_recv &&
	    (!has_payload || rsp_chan_bulk(req->chan, RSP_DIR_IN,
					   rcv->page_len) != RSP_BULK_REG))
		return 0;

	if (has_payload && rsp_nfs_reply_head_fits(r, rcv, 1)) {
		err = rsp_nfs_map(req, RSP_NFS_WRITE_CHUNK, rcv, false);
		if (err)
			return err;
		req->ctype[RSP_NFS_WRITE_CHUNK] = RSP_NFS_C_DATA;
		req->offered_bytes = rcv->page_len;
		req->offered_segs = rsp_nfs_nr_descs(req, RSP_NFS_WRITE_CHUNK);
		if (likely(rsp_nfs_reply_head_fits(r, rcv, req->offered_segs)))
			return 0;
		/* scattered beyond what an inline header can describe */
		rsp_chan_info(req->chan, &info);
		pr_warn_once("%u segments for %u bytes, device %s\n",
			     req->offered_segs, rcv->page_len, info.dev);
		return -EIO;
	}

	err = rsp_nfs_map(req, RSP_NFS_WRITE_CHUNK, rcv, true);
	if (err)
		return err;
	req->ctype[RSP_NFS_WRITE_CHUNK] = RSP_NFS_C_MSG;
	req->offered_bytes = rcv->head[0].iov_len + rcv->page_len +
			     rcv->tail[0].iov_len;
	req->offered_segs = rsp_nfs_nr_descs(req, RSP_NFS_WRITE_CHUNK);
	return 0;
}

static int rsp_nfs_plan_call(struct rsp_nfs_req *req, bool may_place,
			     struct rsp_nfs_plan *plan)
{
	struct rsp_nfs_xprt *r = req->owner;
	struct xdr_buf *snd = &req->rqst.rq_snd_buf;
	enum rsp_bulk bulk = RSP_BULK_COPY;
	u32 hdr = RSP_RPCRDMA_MIN_LEN;
	u32 inline_bytes;
	int err;

	if (req->ctype[RSP_NFS_WRITE_CHUNK] == RSP_NFS_C_DATA)
		hdr += RSP_RPCRDMA_WRITE_LEN;
	else if (req->ctype[RSP_NFS_WRITE_CHUNK] == RSP_NFS_C_MSG)
		hdr += RSP_RPCRDMA_WRITE_LEN - 4;
	hdr += rsp_nfs_nr_descs(req, RSP_NFS_WRITE_CHUNK) * RSP_RPCRDMA_SEG_LEN;

	req->ctype[RSP_NFS_READ_CHUNK] = RSP_NFS_C_NONE;
	if (hdr + snd->len <= r->max_send) {
		if (snd->page_len)
			bulk = rsp_chan_bulk(req->chan, RSP_DIR_OUT, snd->page_len);
		if (bulk != RSP_BULK_REG || !may_place ||
		    !(snd->flags & XDRBUF_WRITE)) {
			plan->hdr_bytes = hdr;
			plan->how = bulk == RSP_BULK_INLINE ? RSP_NFS_I_GATHER :
							      RSP_NFS_I_COPY;
			plan->copy_bytes = bulk == RSP_BULK_INLINE ?
				snd->head[0].iov_len : snd->len;
			return 0;
		}
	}

	inline_bytes = snd->head[0].iov_len + snd->tail[0].iov_len -
		       rsp_nfs_tail_pad(snd);
	if (may_place && (snd->flags & XDRBUF_WRITE) && snd->page_len &&
	    hdr + RSP_RPCRDMA_READ_LEN + inline_bytes <= r->max_send) {
		err = rsp_nfs_map(req, RSP_NFS_READ_CHUNK, snd, false);
		if (err)
			return err;
		req->ctype[RSP_NFS_READ_CHUNK] = RSP_NFS_C_DATA;
		plan->how = RSP_NFS_I_REDUCED;
		plan->copy_bytes = inline_bytes;
	} else {
		err = rsp_nfs_map(req, RSP_NFS_READ_CHUNK, snd, true);
		if (err)
			return err;
		req->ctype[RSP_NFS_READ_CHUNK] = RSP_NFS_C_MSG;
		plan->how = RSP_NFS_I_NOTHING;
		plan->copy_bytes = 0;
		r->stats.nomsg_calls++;
	}
	plan->hdr_bytes = hdr + rsp_nfs_nr_descs(req, RSP_NFS_READ_CHUNK) *
				RSP_RPCRDMA_READ_LEN;
	if (plan->hdr_bytes + plan->copy_bytes > r->max_send)
		return -EMSGSIZE;
	return 0;
}

/* ----------------------------------------------------------------- encoding --- */

static __be32 *rsp_nfs_put_segs(__be32 *p, struct rsp_nfs_req *req)
{
	const struct rsp_desc *desc;
	u32 i, nr;

	desc = rsp_map_descs(req->map[RSP_NFS_WRITE_CHUNK], &nr);
	*p++ = cpu_to_be32(1);
	*p++ = cpu_to_be32(nr);
	for (i = 0; i < nr; i++) {
		p = rsp_rpcrdma_put_seg(p, &desc[i]);
		req->owner->stats.rdma_request_bytes += desc[i].len;
	}
	return p;
}

static void rsp_nfs_put_header(struct rsp_nfs_req *req, __be32 *p)
{
	struct rsp_nfs_stats *stats = &req->owner->stats;
	u8 read = req->ctype[RSP_NFS_READ_CHUNK];
	u8 write = req->ctype[RSP_NFS_WRITE_CHUNK];
	const struct rsp_desc *desc;
	u32 i, nr, pos;

	p = rsp_rpcrdma_put_hdr(p, req->rqst.rq_xid, RSP_NFS_SLOTS,
				read == RSP_NFS_C_MSG ? RSP_RPCRDMA_NOMSG :
							RSP_RPCRDMA_MSG);
	if (read != RSP_NFS_C_NONE) {
		pos = read == RSP_NFS_C_DATA ? req->rqst.rq_snd_buf.head[0].iov_len : 0;
		desc = rsp_map_descs(req->map[RSP_NFS_READ_CHUNK], &nr);
		for (i = 0; i < nr; i++) {
			*p++ = cpu_to_be32(1);
			*p++ = cpu_to_be32(pos);
			p = rsp_rpcrdma_put_seg(p, &desc[i]);
		}
		stats->read_chunks += nr;
	}
	*p++ = 0;
	if (write == RSP_NFS_C_DATA) {
		p = rsp_nfs_put_segs(p, req);
		stats->write_chunks += req->offered_segs;
	}
	*p++ = 0;
	if (write == RSP_NFS_C_MSG) {
		rsp_nfs_put_segs(p, req);
		stats->reply_chunks += req->offered_segs;
	} else {
		*p = 0;
	}
}

/* the call without its payload: the server puts it, and its pad, back */
static void rsp_nfs_copy_reduced(u8 *p, const struct xdr_buf *snd)
{
	u32 pad = rsp_nfs_tail_pad(snd);

	memcpy(p, snd->head[0].iov_base, snd->head[0].iov_len);
	if (snd->tail[0].iov_len > pad)
		memcpy(p + snd->head[0].iov_len, snd->tail[0].iov_base + pad,
		       snd->tail[0].iov_len - pad);
}

static void rsp_nfs_send_done(struct rsp_work *work, int status)
{
	/* a failed send takes the channel down, which is told in down() */
	rsp_nfs_req_drop(work->ctx);
}

static int rsp_nfs_add_pages(struct rsp_work *work, const struct xdr_buf *snd)
{
	struct page **page = snd->pages + (snd->page_base >> PAGE_SHIFT);
	u32 off = offset_in_page(snd->page_base);
	u32 left = snd->page_len;
	int err;

	while (left) {
		u32 len = min_t(u32, left, PAGE_SIZE - off);

		err = rsp_work_add_page(work, *page++, off, len);
		if (err)
			return err;
		left -= len;
		off = 0;
	}
	if (!snd->tail[0].iov_len)
		return 0;
	/* the XDR pad, and what follows the payload in a compound */
	return rsp_work_add_page(work, virt_to_page(snd->tail[0].iov_base),
				 offset_in_page(snd->tail[0].iov_base),
				 snd->tail[0].iov_len);
}

/*
 * The message of a planned call. Its pages are added here, so that a call with
 * more of them than the device gathers can still be copied.
 * Return: the work, or an error pointer with what send_request() answers.
 */
static struct rsp_work *rsp_nfs_build(struct rsp_nfs_req *req,
				      struct rsp_nfs_plan *plan)
{
	struct xdr_buf *snd = &req->rqst.rq_snd_buf;
	struct rsp_nfs_xprt *r = req->owner;
	gfp_t gfp = rpc_task_gfp_mask();
	struct rsp_work *work;
	struct rsp_buf *buf;
	u32 i, len;
	u8 *p;

	for (;;) {
		work = rsp_work_get(req->chan, gfp);
		if (!work)
			return ERR_PTR(rsp_chan_is_up(req->chan) ?
				       rsp_nfs_starve(r, false) : -ENOTCONN);
		len = plan->hdr_bytes + plan->copy_bytes;
		buf = rsp_buf_get(rsp_nfs_client_svc, len, gfp);
		if (!buf) {
			rsp_work_free(work);
			return ERR_PTR(rsp_nfs_starve(r, true));
		}
		rsp_work_set_send(work, buf, len);
		if (plan->how != RSP_NFS_I_GATHER || !rsp_nfs_add_pages(work, snd))
			break;
		rsp_work_free(work);	/* and its buffer */
		plan->how = RSP_NFS_I_COPY;
		plan->copy_bytes = snd->len;
	}

	rsp_nfs_put_header(req, buf->data);
	p = buf->data + plan->hdr_bytes;
	switch (plan->how) {
	case RSP_NFS_I_COPY:
		rsp_nfs_copy_xdr(p, snd);
		r->stats.pullup_bytes += snd->page_len + snd->tail[0].iov_len;
		break;
	case RSP_NFS_I_GATHER:
		memcpy(p, snd->head[0].iov_base, snd->head[0].iov_len);
		work->done = rsp_nfs_send_done;
		work->ctx = req;
		break;
	case RSP_NFS_I_REDUCED:
		rsp_nfs_copy_reduced(p, snd);
		break;
	case RSP_NFS_I_NOTHING:
		break;
	}
	for (i = 0; i < RSP_NFS_NR_CHUNK; i++)
		if (req->map[i])
			rsp_work_add_map(work, req->map[i]);
	return work;
}

/* ------------------------------------------------------------------ sending --- */

static int rsp_nfs_marshal(struct rsp_nfs_req *req, struct rsp_work **work)
{
	bool may_place = !test_bit(RPCAUTH_AUTH_DATATOUCH,
				   &req->rqst.rq_cred->cr_auth->au_flags);
	struct rsp_nfs_plan plan;
	int err;

	err = rsp_nfs_plan_reply(req, may_place);
	if (err)
		return err;
	err = rsp_nfs_plan_call(req, may_place, &plan);
	if (err)
		return err;
	*work = rsp_nfs_build(req, &plan);
	return PTR_ERR_OR_ZERO(*work);
}

/*
 * Calls from an earlier connection keep their place in xprt->cong, so sunrpc
 * would send all of them at once on a new one. RFC 8166 grants one.
 */
static bool rsp_nfs_may_send(struct rsp_nfs_xprt *r)
{
	u32 max = max(READ_ONCE(r->window), 1U);

	if (unlikely(READ_ONCE(r->is_moving))) {
		if (time_before(jiffies, READ_ONCE(r->move_until)))
			max = 1;	/* let them drain */
		else
			WRITE_ONCE(r->is_moving, false);
	}
	if (likely(atomic_read(&r->nr_busy) < max))
		return true;

	xprt_wait_for_buffer_space(&r->xprt);
	WRITE_ONCE(r->is_gated, true);
	smp_mb();	/* pairs with the full barrier of nr_busy's decrement */
	if (atomic_read(&r->nr_busy) < max)
		xprt_write_space(&r->xprt);
	else if (READ_ONCE(r->is_moving))
		mod_delayed_work(system_wq, &r->retry_work,
				 READ_ONCE(r->move_until) - jiffies + 1);
	return false;
}

/* the request is IDLE again when this returns */
static void rsp_nfs_abort(struct rsp_nfs_req *req)
{
	atomic_set(&req->state, RSP_NFS_SENT);
	rsp_nfs_req_give_up(req, 0);
	rsp_nfs_req_wait_idle(req);
}

static int rsp_nfs_post(struct rsp_nfs_req *req, struct rsp_work *work)
{
	struct rpc_rqst *rqst = &req->rqst;
	struct rsp_chan *chan = req->chan;
	bool has_done = work->done;	/* the post consumes the work */
	int err, old;

	if (has_done)
		atomic_inc(&req->pending);
	work->posted_ns = &req->stages.posted_ns;
	rqst->rq_xtime = ktime_get();
	req->stages.queued_ns = ktime_to_ns(rqst->rq_task->tk_start);
	req->stages.sent_ns = ktime_to_ns(rqst->rq_xtime);
	atomic_set_release(&req->state, RSP_NFS_POSTING);
	rsp_chan_sent(chan);
	err = rsp_work_post(work);

	old = atomic_cmpxchg(&req->state, RSP_NFS_POSTING, RSP_NFS_SENT);
	if (!err) {
		if (old == RSP_NFS_EARLY) {
			atomic_set(&req->state, RSP_NFS_CLAIMED);
			rsp_nfs_req_reply(req);
		}
		return 0;
	}

	if (has_done)
		atomic_dec(&req->pending);	/* done() will not come */
	rsp_chan_acked(chan, 0, 0, err, NULL);
	if (old == RSP_NFS_EARLY) {
		/* an answer to a call that was never sent */
		rsp_buf_put(req->buf);
		req->buf = NULL;
		spin_lock(&rqst->rq_xprt->queue_lock);
		xprt_unpin_rqst(rqst);
		spin_unlock(&rqst->rq_xprt->queue_lock);
		atomic_set(&req->state, RSP_NFS_SENT);
	}
	return err;
}

/* from now on the request waits for the window */
static void rsp_nfs_stall(struct rsp_nfs_req *req)
{
	if (!req->stall_ns)
		req->stall_ns = ktime_get_ns();
}

/**
 * rsp_nfs_reserve() - Wait for the turn to send (rpc_xprt_ops.reserve_xprt)
 * @xprt: the transport
 * @task: its request, if it has one, is noted as waiting when the window is full
 *
 * Context: Process context, caller holds transport_lock.
 * Return: as xprt_reserve_xprt_cong().
 */
int rsp_nfs_reserve(struct rpc_xprt *xprt, struct rpc_task *task)
{
	struct rpc_rqst *rqst = task->tk_rqstp;

	if (xprt_reserve_xprt_cong(xprt, task))
		return 1;
	/* one without a buffer is a reply of the backchannel */
	if (rqst && rqst->rq_buffer && xprt->cong >= xprt->cwnd)
		rsp_nfs_stall(rsp_nfs_req(rqst));
	return 0;
}

/**
 * rsp_nfs_send() - Marshal a call and send it (rpc_xprt_ops.send_request)
 * @rqst: the call in rq_snd_buf, room for the reply in rq_rcv_buf
 *
 * Context: Process context, caller holds the transport's send lock.
 * Return:
 * * %0		- sent
 * * %-ENOTCONN	- reconnect and call again
 * * %-EAGAIN, %-EBADSLT - call again when woken
 * * %-ENOBUFS, %-ENOMEM - call again after a moment
 * * %-EMSGSIZE, %-EIO	- never
 */
int rsp_nfs_send(struct rpc_rqst *rqst)
{
	struct rpc_xprt *xprt = rqst->rq_xprt;
	struct rsp_nfs_xprt *r = rsp_nfs_xprt(xprt);
	struct rsp_nfs_req *req = rsp_nfs_req(rqst);
	struct rsp_work *work = NULL;
	int err;

#ifdef CONFIG_SUNRPC_BACKCHANNEL
	if (unlikely(!rqst->rq_buffer))
		return rsp_nfs_bc_send(rqst);
#endif
	if (!xprt_connected(xprt) || !r->chan)
		return -ENOTCONN;
	if (!xprt_request_get_cong(xprt, rqst)) {
		rsp_nfs_stall(req);
		return -EBADSLT;
	}
	if (!rsp_nfs_may_send(r))
		return -EAGAIN;
	if (req->stall_ns) {
		rsp_chan_stalled(r->chan, ktime_get_ns() - max(req->stall_ns, r->connect_ns));
		req->stall_ns = 0;
	}
	/* the same call twice on one connection would use up two credits */
	if (rqst->rq_connect_cookie == xprt->connect_cookie ||
	    WARN_ON_ONCE(atomic_read(&req->state) != RSP_NFS_IDLE))
		goto err_close;

	if (unlikely(req->buf)) {
		/* an earlier reply that could not be decoded; the call was encoded anew */
		rsp_buf_put(req->buf);
		req->buf = NULL;
	}
	req->chan = r->chan;
	req->is_replied = false;
	atomic_set(&req->pending, 1);
	atomic_inc(&r->nr_busy);
	err = rsp_nfs_marshal(req, &work);
	if (err) {
		if (err != -EAGAIN)
			r->stats.failed_marshals++;
		rsp_nfs_abort(req);
		if (err == -ENOTCONN)
			goto err_close;
		return err;
	}
	err = rsp_nfs_post(req, work);
	if (err) {
		rsp_nfs_abort(req);
		goto err_close;
	}

	rqst->rq_xmit_bytes_sent += rqst->rq_snd_buf.len;
	/* a call without a reply would keep its credit: start over */
	if (!rpc_reply_expected(rqst->rq_task))
		goto err_close;
	return 0;

err_close:
	rsp_nfs_close(xprt);
	return -ENOTCONN;
}
