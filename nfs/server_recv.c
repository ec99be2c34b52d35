// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving RPC calls: parse and check the transport header, pull the read
 * chunks, hand the whole call to an nfsd thread.
 *
 *	      recv(), or an nfsd thread where memory was short
 *	 NEW ---rsp_nfsd_call_parse()---> PARSED ---rsp_nfsd_call_pull()---.
 *	  |  bad: RDMA_ERROR or nothing     |  no read chunks              | RDMA reads
 *	  '--> freed                        v                              v
 *	                                  READY <----rsp_nfsd_pull_done()--'
 *	                                    |          failed: freed, connection closed
 *	                    rsp_nfsd_recvfrom(), then rsp_nfsd_release_ctxt() frees
 *
 * Nobody copies an inline call: rq_arg points into the receive buffer, which
 * stays with the call. Read chunks land in buffers of the pool, with plain pages
 * where the pool has none for us; rq_pages stays free for the reply.
 *
 * What a header says is believed only after these checks:
 *	- each word read lies within the bytes that arrived
 *	- lists: their discriminators are 0 or 1, at most RSP_NFSD_MAX_SEGS segments
 *	  in all and RSP_NFSD_MAX_CHUNKS write chunks
 *	- segments: address plus length does not wrap; the sum of a chunk fits u32
 *	- read chunks: positions are multiples of 4, lie where the message has
 *	  bytes, do not overlap; the whole message is no longer than nfsd takes
 * A call that fails them is answered with ERR_CHUNK.
 */
#include <linux/mempool.h>
#include <linux/slab.h>
#include <linux/sunrpc/msg_prot.h>
#include <linux/sunrpc/svc.h>
#include <linux/sunrpc/xdr.h>

#include "server.h"

#define RSP_NFSD_NR_RESERVE	32	/* calls there is always memory for */

static struct kmem_cache *rsp_nfsd_call_cache;
static mempool_t *rsp_nfsd_call_pool;

/* a place in a received header */
struct rsp_nfsd_cursor {
	const __be32	*p;
	const __be32	*end;
};

static bool rsp_nfsd_has(const struct rsp_nfsd_cursor *c, u32 words)
{
	return c->end - c->p >= words;
}

/* -------------------------------------------------------------------- calls */

/* Return: NULL when there is no memory, or the client ignores its credits */
static struct rsp_nfsd_call *rsp_nfsd_call_alloc(struct rsp_nfsd_conn *conn, struct rsp_buf *buf)
{
	struct rsp_nfsd_call *call;

	if (atomic_inc_return(&conn->nr_calls) > RSP_NFSD_MAX_CALLS)
		goto err_dec;
	call = mempool_alloc(rsp_nfsd_call_pool, GFP_NOWAIT | __GFP_NOWARN);
	if (!call)
		goto err_dec;
	call->conn = conn;
	call->buf = buf;
	call->sink = NULL;
	call->ext = NULL;
	call->stage = RSP_NFSD_NEW;
	return call;

err_dec:
	atomic_dec(&conn->nr_calls);
	return NULL;
}

void rsp_nfsd_call_free(struct rsp_nfsd_call *call)
{
	rsp_buf_put(call->buf);
	rsp_nfsd_vec_put(call->sink);
	kfree(call->ext);
	atomic_dec(&call->conn->nr_calls);
	mempool_free(call, rsp_nfsd_call_pool);
}

/* for an nfsd thread: the call is ready, or needs one that may sleep */
static void rsp_nfsd_call_queue(struct rsp_nfsd_call *call)
{
	struct rsp_nfsd_conn *conn = call->conn;

	spin_lock(&conn->lock);
	list_add_tail(&call->link, &conn->calls);
	/* under the lock, or rsp_nfsd_recvfrom() could clear it again */
	set_bit(XPT_DATA, &conn->xprt.xpt_flags);
	spin_unlock(&conn->lock);
	svc_xprt_enqueue(&conn->xprt);
}

/* the call can not be had: the client sends it again when it is back */
static void rsp_nfsd_call_abort(struct rsp_nfsd_call *call)
{
	struct rsp_nfsd_conn *conn = call->conn;

	rsp_nfsd_call_free(call);
	svc_xprt_deferred_close(&conn->xprt);
}

/* ------------------------------------------------------------------ parsing */

struct rsp_nfsd_count {
	u32	reads;
	u32	chunks;
	u32	segs;
};

static int rsp_nfsd_scan_reads(struct rsp_nfsd_cursor *c, struct rsp_nfsd_count *nr)
{
	for (;;) {
		if (!rsp_nfsd_has(c, 1))
			return -EINVAL;
		if (!*c->p++)
			return 0;
		if (c->p[-1] != xdr_one || !rsp_nfsd_has(c, 5) ||
		    ++nr->reads > RSP_NFSD_MAX_SEGS)
			return -EINVAL;
		c->p += 5;
	}
}

static int rsp_nfsd_scan_chunk(struct rsp_nfsd_cursor *c, struct rsp_nfsd_count *nr)
{
	u32 segs;

	if (!rsp_nfsd_has(c, 1))
		return -EINVAL;
	segs = be32_to_cpup(c->p++);
	if (segs > RSP_NFSD_MAX_SEGS - nr->segs || !rsp_nfsd_has(c, 4 * segs))
		return -EINVAL;
	nr->segs += segs;
	c->p += 4 * segs;
	return 0;
}

static int rsp_nfsd_scan_writes(struct rsp_nfsd_cursor *c, struct rsp_nfsd_count *nr)
{
	for (;;) {
		if (!rsp_nfsd_has(c, 1))
			return -EINVAL;
		if (!*c->p++)
			return 0;
		if (c->p[-1] != xdr_one || ++nr->chunks > RSP_NFSD_MAX_CHUNKS ||
		    rsp_nfsd_scan_chunk(c, nr))
			return -EINVAL;
	}
}

static int rsp_nfsd_scan_reply(struct rsp_nfsd_cursor *c, struct rsp_nfsd_count *nr,
			       bool *has_reply_chunk)
{
	if (!rsp_nfsd_has(c, 1))
		return -EINVAL;
	*has_reply_chunk = *c->p++;
	if (!*has_reply_chunk)
		return 0;
	return c->p[-1] == xdr_one ? rsp_nfsd_scan_chunk(c, nr) : -EINVAL;
}

/* room for what the scan counted */
static int rsp_nfsd_call_size(struct rsp_nfsd_call *call, const struct rsp_nfsd_count *nr,
			      gfp_t gfp)
{
	size_t reads = nr->reads * sizeof(*call->reads);
	size_t segs = nr->segs * sizeof(*call->segs);

	call->reads = call->few_reads;
	call->segs = call->few_segs;
	call->chunks = call->few_chunks;
	if (nr->reads <= ARRAY_SIZE(call->few_reads) && nr->segs <= ARRAY_SIZE(call->few_segs) &&
	    nr->chunks <= ARRAY_SIZE(call->few_chunks))
		return 0;

	call->ext = kmalloc(reads + segs + nr->chunks * sizeof(*call->chunks),
			    gfp | __GFP_NOWARN);
	if (!call->ext)
		return -ENOMEM;
	call->reads = call->ext;
	call->segs = call->ext + reads;
	call->chunks = call->ext + reads + segs;
	return 0;
}

/* one key covers all that the client registered for this call, or none is named */
static void rsp_nfsd_note_key(struct rsp_nfsd_call *call, u32 rkey, bool *is_first)
{
	if (*is_first)
		call->inv_rkey = rkey;
	else if (call->inv_rkey != rkey)
		call->inv_rkey = 0;
	*is_first = false;
}

static bool rsp_nfsd_desc_ok(const struct rsp_desc *desc)
{
	return desc->addr + desc->len >= desc->addr;
}

/* The read list may come in any order; segments of a chunk keep theirs. */
static int rsp_nfsd_fill_reads(struct rsp_nfsd_call *call, const __be32 *p, u32 nr,
			       bool *is_first)
{
	struct rsp_nfsd_read read;
	u32 i, j;

	for (i = 0; i < nr; i++) {
		read.pos = be32_to_cpup(p + 1);
		p = rsp_rpcrdma_get_seg(p + 2, &read.desc);
		if (read.pos & 3 || read.pos > call->conn->max_mesg ||
		    read.desc.len > call->conn->max_mesg || !rsp_nfsd_desc_ok(&read.desc))
			return -EINVAL;
		rsp_nfsd_note_key(call, read.desc.rkey, is_first);
		for (j = i; j && call->reads[j - 1].pos > read.pos; j--)
			call->reads[j] = call->reads[j - 1];
		call->reads[j] = read;
	}
	call->nr_reads = nr;
	return 0;
}

static const __be32 *rsp_nfsd_fill_chunk(struct rsp_nfsd_call *call, const __be32 *p,
					 struct rsp_nfsd_chunk *chunk, u32 *nr_segs,
					 bool *is_first)
{
	u64 len = 0;
	u32 i;

	chunk->first = *nr_segs;
	chunk->nr = be32_to_cpup(p++);
	for (i = 0; i < chunk->nr; i++) {
		struct rsp_desc *desc = &call->segs[(*nr_segs)++];

		p = rsp_rpcrdma_get_seg(p, desc);
		if (!rsp_nfsd_desc_ok(desc))
			return NULL;
		len += desc->len;
		rsp_nfsd_note_key(call, desc->rkey, is_first);
	}
	if (len > U32_MAX)
		return NULL;
	chunk->len = len;
	chunk->pos = 0;
	chunk->payload = 0;
	return p;
}

/* what the scan found well-formed: into the call's arrays, values checked */
static int rsp_nfsd_fill(struct rsp_nfsd_call *call, const __be32 *p,
			 const struct rsp_nfsd_count *nr)
{
	bool is_first = true;
	u32 i, nr_segs = 0;

	if (rsp_nfsd_fill_reads(call, p, nr->reads, &is_first))
		return -EINVAL;
	p += nr->reads * RSP_RPCRDMA_READ_LEN / XDR_UNIT + 1;
	for (i = 0; i < nr->chunks; i++) {
		p = rsp_nfsd_fill_chunk(call, p + 1, &call->chunks[i], &nr_segs, &is_first);
		if (!p)
			return -EINVAL;
	}
	call->nr_chunks = nr->chunks;
	if (call->has_reply_chunk &&
	    !rsp_nfsd_fill_chunk(call, p + 2, &call->reply, &nr_segs, &is_first))
		return -EINVAL;
	return 0;
}

static int rsp_nfsd_parse_lists(struct rsp_nfsd_call *call, struct rsp_nfsd_cursor *c, gfp_t gfp)
{
	const __be32 *start = c->p;
	struct rsp_nfsd_count nr = {};
	int err;

	call->inv_rkey = 0;
	call->nr_reads = 0;
	call->nr_chunks = 0;
	call->next_chunk = 0;
	call->has_reply_chunk = false;
	/* most messages have three empty lists */
	if (rsp_nfsd_has(c, 3) && !(c->p[0] | c->p[1] | c->p[2])) {
		c->p += 3;
		return 0;
	}
	if (rsp_nfsd_scan_reads(c, &nr) || rsp_nfsd_scan_writes(c, &nr) ||
	    rsp_nfsd_scan_reply(c, &nr, &call->has_reply_chunk))
		return -EINVAL;
	err = rsp_nfsd_call_size(call, &nr, gfp);
	if (err)
		return err;
	err = rsp_nfsd_fill(call, start, &nr);
	if (!call->conn->remote_inv)
		call->inv_rkey = 0;	/* not wanted, or not possible */
	return err;
}

/* -------------------------------------------------------------- read chunks */

/*
 * Bytes @from to @from + @len of the position-zero chunk, which are reads 0 to
 * @nr_zero, go to @to in the sink.
 */
static int rsp_nfsd_pull_zero(struct rsp_nfsd_call *call, struct rsp_work *work, u32 nr_zero,
			      u32 from, u32 to, u32 len)
{
	struct rsp_desc desc;
	u32 i;
	int err;

	for (i = 0; i < nr_zero && len; i++) {
		desc = call->reads[i].desc;
		if (from >= desc.len) {
			from -= desc.len;
			continue;
		}
		desc.addr += from;
		desc.len = min(desc.len - from, len);
		from = 0;
		err = rsp_work_add_rw(work, RSP_DIR_IN, call->sink->sgl, call->sink->nr_sg, to,
				      &desc);
		if (err)
			return err;
		to += desc.len;
		len -= desc.len;
	}
	return 0;
}

/* the inline part is spread over the sink's pages */
static void rsp_nfsd_sink_copy(struct rsp_nfsd_vec *sink, u32 to, const void *from, u32 len)
{
	while (len) {
		u32 off = offset_in_page(to), n = min_t(u32, len, PAGE_SIZE - off);
		void *dst = page_address(sink->pages[to >> PAGE_SHIFT]) + off;

		if (from) {
			memcpy(dst, from, n);
			from += n;
		} else {
			memset(dst, 0, n);
		}
		to += n;
		len -= n;
	}
}

static int rsp_nfsd_take(struct rsp_nfsd_call *call, struct rsp_work *work, u32 nr_zero,
			 u32 from, u32 to, u32 len)
{
	if (!work || !len)
		return 0;
	if (call->is_nomsg)
		return rsp_nfsd_pull_zero(call, work, nr_zero, from, to, len);
	rsp_nfsd_sink_copy(call->sink, to, call->body + from, len);
	return 0;
}

/*
 * Put the message together in the sink: the inline body, or the position-zero
 * chunk instead of it, with the other chunks inserted where they belong. A
 * position counts bytes of the whole message, earlier chunks included; a chunk
 * that does not end on a multiple of 4 is followed by its XDR padding, which the
 * client does not send.
 *
 * Without @work nothing is moved: this is the check, and sets sink_len.
 */
static int rsp_nfsd_assemble(struct rsp_nfsd_call *call, struct rsp_work *work)
{
	u32 max = call->conn->max_mesg, src = 0, out = 0, src_len, nr_zero, i, end;
	int err;

	for (nr_zero = 0, src_len = 0; nr_zero < call->nr_reads; nr_zero++) {
		if (call->reads[nr_zero].pos)
			break;
		src_len += call->reads[nr_zero].desc.len;
		if (src_len > max)
			return -EINVAL;
	}
	if (!call->is_nomsg)
		src_len = call->body_len;

	for (i = nr_zero; i < call->nr_reads; ) {
		u32 pos = call->reads[i].pos;

		if (pos < out || pos - out > src_len - src)
			return -EINVAL;
		err = rsp_nfsd_take(call, work, nr_zero, src, out, pos - out);
		if (err)
			return err;
		src += pos - out;
		out = pos;
		for (; i < call->nr_reads && call->reads[i].pos == pos; i++) {
			struct rsp_desc *desc = &call->reads[i].desc;

			if (desc->len > max - out)
				return -EINVAL;
			if (work && desc->len) {
				err = rsp_work_add_rw(work, RSP_DIR_IN, call->sink->sgl,
						      call->sink->nr_sg, out, desc);
				if (err)
					return err;
			}
			out += desc->len;
		}
		end = xdr_align_size(out);
		if (end > max)
			return -EINVAL;
		if (work)
			rsp_nfsd_sink_copy(call->sink, out, NULL, end - out);
		out = end;
	}
	if (src_len - src > max - out)
		return -EINVAL;
	call->sink_len = out + src_len - src;
	return rsp_nfsd_take(call, work, nr_zero, src, out, src_len - src);
}

/* The usual case, a WRITE: one chunk, no more of the message is moved than that. */
static int rsp_nfsd_pull_one(struct rsp_nfsd_call *call, struct rsp_work *work)
{
	u32 i, out = 0;
	int err;

	for (i = 0; i < call->nr_reads; i++) {
		struct rsp_desc *desc = &call->reads[i].desc;

		if (!desc->len)
			continue;
		err = rsp_work_add_rw(work, RSP_DIR_IN, call->sink->sgl, call->sink->nr_sg, out,
				      desc);
		if (err)
			return err;
		out += desc->len;
	}
	rsp_nfsd_sink_copy(call->sink, out, NULL, call->sink_len - out);
	return 0;
}

/* decide how the read list is pulled, and that it can be */
static int rsp_nfsd_plan_reads(struct rsp_nfsd_call *call)
{
	struct rsp_nfsd_read *reads = call->reads;
	u32 i, len = 0, last = call->nr_reads - 1;

	call->is_split = false;
	call->sink_len = 0;
	if (!call->nr_reads)
		return call->is_nomsg ? -EINVAL : 0;
	/* a long call has its message in the chunk, no other call has such a chunk */
	if (call->is_nomsg != !reads[0].pos)
		return -EINVAL;
	if (call->is_nomsg || reads[0].pos != reads[last].pos)
		return rsp_nfsd_assemble(call, NULL);

	if (reads[0].pos > call->body_len)
		return -EINVAL;
	for (i = 0; i <= last; i++) {
		if (reads[i].desc.len > call->conn->max_mesg - len)
			return -EINVAL;
		len += reads[i].desc.len;
	}
	if (xdr_align_size(len) + call->body_len > call->conn->max_mesg)
		return -EINVAL;
	call->sink_len = xdr_align_size(len);
	call->sink_pos = reads[0].pos;
	call->is_split = true;
	return 0;
}

/* pool buffers for as much of @len as the pool lets us have; pages do for the rest. Return: bytes */
static u32 rsp_nfsd_sink_bufs(struct rsp_nfsd_vec *sink, u32 len, gfp_t gfp)
{
	u32 got = 0;

	while (got < len && sink->nr_bufs < RSP_NFSD_MAX_BUFS) {
		u32 rest = len - got, i, n;
		struct rsp_buf *buf;

		buf = rsp_buf_get(rsp_nfsd_svc, rest > SZ_32K ? SZ_64K :
				  rest > SZ_4K ? SZ_8K : SZ_4K, gfp | __GFP_NORETRY);
		if (!buf)
			break;
		if (WARN_ON_ONCE(offset_in_page(buf->data) || buf->size < PAGE_SIZE)) {
			rsp_buf_put(buf);
			break;
		}
		sink->bufs[sink->nr_bufs++] = buf;
		n = min_t(u32, PAGE_ALIGN(rest), round_down(buf->size, PAGE_SIZE));
		rsp_nfsd_vec_add(sink, virt_to_page(buf->data), 0, n, false);
		for (i = 0; i < n; i += PAGE_SIZE)
			sink->pages[sink->nr_pages++] = virt_to_page(buf->data + i);
		if (!got)
			sink->head_len = n;
		got += n;
	}
	sink->nr_buf_pages = sink->nr_pages;
	return got;
}

static int rsp_nfsd_sink_pages(struct rsp_nfsd_vec *sink, u32 nr, gfp_t gfp)
{
	u32 first = sink->nr_pages, got, i;

	memset(sink->pages + first, 0, nr * sizeof(*sink->pages));
	got = alloc_pages_bulk_array(gfp | __GFP_NOWARN, nr, sink->pages + first);
	while (got < nr) {
		sink->pages[first + got] = alloc_page(gfp | __GFP_NOWARN);
		if (!sink->pages[first + got])
			break;
		got++;
	}
	sink->nr_pages += got;
	if (got < nr)
		return -ENOMEM;
	for (i = first; i < sink->nr_pages; i++)
		rsp_nfsd_vec_add(sink, sink->pages[i], 0, PAGE_SIZE, true);
	if (!sink->head_len)
		sink->head_len = PAGE_SIZE;
	return 0;
}

/*
 * XDR decoders hand a WRITE's payload on as pages and a length. If a client lies
 * about that length, the payload reaches into the tail, and nfsd looks for it
 * behind the last page: let it find zeroes there.
 */
#define RSP_NFSD_GUARD_PAGES	(DIV_ROUND_UP(RSP_NFS_INLINE_BYTES, PAGE_SIZE) + 1)

static struct rsp_nfsd_vec *rsp_nfsd_sink_get(u32 len, gfp_t gfp)
{
	u32 nr_pages = DIV_ROUND_UP(len, PAGE_SIZE), got, i;
	struct rsp_nfsd_vec *sink;

	sink = rsp_nfsd_vec_get(nr_pages + RSP_NFSD_GUARD_PAGES, gfp);
	if (!sink)
		return NULL;
	got = rsp_nfsd_sink_bufs(sink, len, gfp);
	if (got < len) {
		/* an nfsd thread may wait for pages, and does not insist on the pool's */
		if (!gfpflags_allow_blocking(gfp) ||
		    rsp_nfsd_sink_pages(sink, nr_pages - sink->nr_pages, gfp)) {
			rsp_nfsd_vec_put(sink);
			return NULL;
		}
	}
	sink->head_len = min(sink->head_len, len);
	for (i = 0; i < RSP_NFSD_GUARD_PAGES; i++)
		sink->pages[sink->nr_pages + i] = ZERO_PAGE(0);
	return sink;
}

static void rsp_nfsd_pull_done(struct rsp_work *work, int status)
{
	struct rsp_nfsd_call *call = work->ctx;

	if (status) {
		rsp_nfsd_call_abort(call);
		return;
	}
	call->stage = RSP_NFSD_READY;
	rsp_nfsd_call_queue(call);
}

/* Return: 0, the call now belongs to rsp_nfsd_pull_done(); -ENOMEM: try again where @gfp may sleep */
static int rsp_nfsd_call_pull(struct rsp_nfsd_call *call, gfp_t gfp)
{
	struct rsp_work *work;
	int err;

	if (!call->sink)
		call->sink = rsp_nfsd_sink_get(call->sink_len, gfp);
	if (!call->sink)
		return -ENOMEM;
	work = rsp_work_get(call->conn->chan, gfp);
	if (!work)
		return -ENOMEM;
	work->done = rsp_nfsd_pull_done;
	work->ctx = call;
	err = call->is_split ? rsp_nfsd_pull_one(call, work) : rsp_nfsd_assemble(call, work);
	if (err) {
		rsp_work_free(work);
		return err;
	}
	return rsp_work_post(work);
}

/* --------------------------------------------------------------- the stages */

enum rsp_nfsd_verdict {
	RSP_NFSD_GOOD,
	RSP_NFSD_LATER,		/* no memory now */
	RSP_NFSD_DROP,		/* nothing to answer */
	RSP_NFSD_BAD_VERS,
	RSP_NFSD_BAD_CHUNK,
};

static enum rsp_nfsd_verdict rsp_nfsd_call_parse(struct rsp_nfsd_call *call, gfp_t gfp)
{
	struct rsp_nfsd_conn *conn = call->conn;
	struct rsp_nfsd_cursor c = { call->buf->data, call->buf->data };
	struct rsp_rpcrdma_hdr hdr;
	int err;

	c.end += call->buf->len / XDR_UNIT;
	if (!rsp_nfsd_has(&c, RSP_RPCRDMA_FIXED_LEN / XDR_UNIT))
		return RSP_NFSD_DROP;
	c.p = rsp_rpcrdma_get_hdr(c.p, &hdr);
	call->xid = hdr.xid;
	if (hdr.vers != RSP_RPCRDMA_VERSION)
		return RSP_NFSD_BAD_VERS;
	if (hdr.proc == RSP_RPCRDMA_DONE || hdr.proc == RSP_RPCRDMA_ERROR)
		return RSP_NFSD_DROP;
	if (hdr.proc != RSP_RPCRDMA_MSG && hdr.proc != RSP_RPCRDMA_NOMSG)
		return RSP_NFSD_BAD_CHUNK;

	err = rsp_nfsd_parse_lists(call, &c, gfp);
	if (err)
		return err == -ENOMEM ? RSP_NFSD_LATER : RSP_NFSD_BAD_CHUNK;
	call->is_nomsg = hdr.proc == RSP_RPCRDMA_NOMSG;
	call->body = (u8 *)c.p;
	call->body_len = call->buf->data + call->buf->len - (void *)c.p;
	if (rsp_nfsd_plan_reads(call))
		return RSP_NFSD_BAD_CHUNK;
	if (call->is_nomsg)
		return call->sink_len ? RSP_NFSD_GOOD : RSP_NFSD_BAD_CHUNK;

	/* XID and direction at least */
	if (call->body_len < 2 * XDR_UNIT)
		return RSP_NFSD_DROP;
	if (c.p[0] != hdr.xid)
		return RSP_NFSD_BAD_CHUNK;
	if (c.p[1] == rpc_reply) {
		rsp_nfsd_bc_reply(conn, hdr.xid, hdr.credits, call->body, call->body_len);
		return RSP_NFSD_DROP;
	}
	return RSP_NFSD_GOOD;
}

/* take the call as far as it goes; whatever happens, it is not the caller's any more */
static void rsp_nfsd_call_run(struct rsp_nfsd_call *call, gfp_t gfp)
{
	int err;

	if (call->stage == RSP_NFSD_NEW) {
		switch (rsp_nfsd_call_parse(call, gfp)) {
		case RSP_NFSD_GOOD:
			call->stage = RSP_NFSD_PARSED;
			break;
		case RSP_NFSD_LATER:
			goto later;
		case RSP_NFSD_BAD_VERS:
			rsp_nfsd_send_error(call, RSP_RPCRDMA_ERR_VERS, gfp);
			rsp_nfsd_call_free(call);
			return;
		case RSP_NFSD_BAD_CHUNK:
			rsp_nfsd_send_error(call, RSP_RPCRDMA_ERR_CHUNK, gfp);
			fallthrough;
		case RSP_NFSD_DROP:
			rsp_nfsd_call_free(call);
			return;
		}
	}
	if (!call->sink_len) {
		call->stage = RSP_NFSD_READY;
		rsp_nfsd_call_queue(call);
		return;
	}
	err = rsp_nfsd_call_pull(call, gfp);
	if (!err)
		return;
	if (err != -ENOMEM) {
		rsp_nfsd_call_abort(call);
		return;
	}
later:
	if (gfpflags_allow_blocking(gfp))
		rsp_nfsd_call_abort(call);
	else
		rsp_nfsd_call_queue(call);
}

/* what accept() could not know, the device was not chosen then */
static void rsp_nfsd_first_recv(struct rsp_nfsd_conn *conn)
{
	struct rsp_chan_info info;

	rsp_chan_info(conn->chan, &info);
	conn->max_send_sge = max(info.max_send_sge, 1U);
	if (!info.has_remote_inv)
		conn->remote_inv = false;
}

/* rsp_svc_ops.recv */
void rsp_nfsd_recv(struct rsp_chan *chan, struct rsp_buf *buf)
{
	struct rsp_nfsd_conn *conn = rsp_chan_priv(chan);
	struct rsp_nfsd_call *call;

	if (unlikely(!conn->max_send_sge))
		rsp_nfsd_first_recv(conn);
	call = rsp_nfsd_call_alloc(conn, buf);
	if (!call) {
		rsp_buf_put(buf);
		svc_xprt_deferred_close(&conn->xprt);
		return;
	}
	rsp_nfsd_call_run(call, GFP_NOWAIT);
}

/* ----------------------------------------------------------------- to sunrpc */

/* the call is in the receive buffer, whole or around what was pulled */
static void rsp_nfsd_arg_inline(struct xdr_buf *arg, struct rsp_nfsd_call *call)
{
	u32 split = call->is_split && call->sink_len ? call->sink_pos : call->body_len;

	arg->head[0].iov_base = call->body;
	arg->head[0].iov_len = split;
	arg->page_base = 0;
	arg->page_len = 0;
	if (call->sink) {
		arg->pages = call->sink->pages;
		arg->page_len = call->sink_len;
	}
	arg->tail[0].iov_base = call->body + split;
	arg->tail[0].iov_len = call->body_len - split;
}

/* all of it was put together in the sink */
static void rsp_nfsd_arg_sink(struct xdr_buf *arg, struct rsp_nfsd_call *call)
{
	struct rsp_nfsd_vec *sink = call->sink;

	arg->head[0].iov_base = page_address(sink->pages[0]);
	arg->head[0].iov_len = sink->head_len;
	arg->pages = sink->pages + (sink->head_len >> PAGE_SHIFT);
	arg->page_base = 0;
	arg->page_len = call->sink_len - sink->head_len;
	arg->tail[0].iov_base = NULL;
	arg->tail[0].iov_len = 0;
}

/* svc_xprt_ops.xpo_recvfrom. Return: length of the call, 0 when there is none now */
int rsp_nfsd_recvfrom(struct svc_rqst *rqstp)
{
	struct svc_xprt *xprt = rqstp->rq_xprt;
	struct rsp_nfsd_conn *conn = rsp_nfsd_conn_of(xprt);
	struct xdr_buf *arg = &rqstp->rq_arg;
	struct rsp_nfsd_call *call;

	/* no page of rq_pages is in use yet */
	rqstp->rq_respages = rqstp->rq_pages;
	rqstp->rq_next_page = rqstp->rq_respages;
	rqstp->rq_xprt_ctxt = NULL;

	spin_lock(&conn->lock);
	call = list_first_entry_or_null(&conn->calls, struct rsp_nfsd_call, link);
	if (call)
		list_del(&call->link);
	if (list_empty(&conn->calls))
		clear_bit(XPT_DATA, &xprt->xpt_flags);
	spin_unlock(&conn->lock);
	svc_xprt_received(xprt);
	if (!call)
		return 0;
	if (call->stage != RSP_NFSD_READY) {
		rsp_nfsd_call_run(call, GFP_KERNEL);
		return 0;
	}

	if (call->sink && !call->is_split)
		rsp_nfsd_arg_sink(arg, call);
	else
		rsp_nfsd_arg_inline(arg, call);
	arg->len = arg->head[0].iov_len + arg->page_len + arg->tail[0].iov_len;
	arg->buflen = arg->len;

	rqstp->rq_xprt_ctxt = call;
	rqstp->rq_prot = IPPROTO_MAX;
	svc_xprt_copy_addrs(rqstp, xprt);
	/* as with the stock transport, the client's port says nothing about it */
	set_bit(RQ_SECURE, &rqstp->rq_flags);
	/* nfsd does not throttle a writer that its own client waits for */
	if (conn->is_local)
		set_bit(RQ_LOCAL, &rqstp->rq_flags);
	else
		clear_bit(RQ_LOCAL, &rqstp->rq_flags);
	return arg->len;
}

/* svc_xprt_ops.xpo_release_ctxt: the call is done with, answered or not */
void rsp_nfsd_release_ctxt(struct svc_xprt *xprt, void *ctxt)
{
	if (ctxt)
		rsp_nfsd_call_free(ctxt);
}

int rsp_nfsd_recv_init(void)
{
	rsp_nfsd_call_cache = KMEM_CACHE(rsp_nfsd_call, SLAB_HWCACHE_ALIGN);
	if (!rsp_nfsd_call_cache)
		return -ENOMEM;
	rsp_nfsd_call_pool = mempool_create_slab_pool(RSP_NFSD_NR_RESERVE, rsp_nfsd_call_cache);
	if (!rsp_nfsd_call_pool) {
		kmem_cache_destroy(rsp_nfsd_call_cache);
		return -ENOMEM;
	}
	return 0;
}

void rsp_nfsd_recv_exit(void)
{
	mempool_destroy(rsp_nfsd_call_pool);
	kmem_cache_destroy(rsp_nfsd_call_cache);
}
