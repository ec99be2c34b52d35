// SPDX-License-Identifier: GPL-2.0
/*
 * Work: chains of work requests, their send queue slots and their completions.
 *
 *   got --rsp_work_post()-----------> posted ---------> retired: done() called, freed
 *                 '--has to wait--> pending --^   (in order of posting)
 *
 * A channel's work waits for send queue slots, on a mux endpoint also for the peer's
 * credits and for the RDMA of others; it goes in the order in which it came. Channels that
 * could go on take turns by bytes, RSP_QUANTUM by their weight in each (deficit round
 * robin, Shreedhar and Varghese, 1995). The endpoint's own messages go before all.
 *
 * Each endpoint keeps its posted work in a list in order of posting. The send
 * queue completes in that order, so a signaled completion retires everything
 * before it too. This is what lets most messages go unsignaled: work without
 * done() and without page fragments only holds a pool buffer, which may be
 * returned late; every RSP_SIGNAL_BATCH-th of them is signaled nevertheless. A
 * failed or flushed work request always completes, signaled or not.
 *
 * Who owns a work's buffer, pages and rw contexts: the caller until
 * rsp_work_post(); the HCA and this file until it is retired.
 */
#include <linux/module.h>

#include "core.h"
#include "mux.h"
#include "trace.h"

#define RSP_SIGNAL_BATCH	16
#define RSP_QUANTUM		16384	/* bytes in a turn of a channel whose weight is 100 */
#define RSP_WORK_BYTES		256	/* what a work costs besides its bytes */

static struct kmem_cache *rsp_work_cache, *rsp_rw_cache;

static struct rsp_iwork *to_iwork(struct rsp_work *work)
{
	return container_of(work, struct rsp_iwork, pub);
}

/* the HCA has nothing to do with it any more: undo the DMA mappings, release the buffer */
static void rsp_work_unmap(struct rsp_iwork *work)
{
	struct rsp_ep *rw_ep = work->rw_ep ?: work->ep;
	struct rsp_ep *ep = work->ep;
	struct rsp_rw *rw, *next;
	u32 i;

	list_for_each_entry_safe(rw, next, &work->rws, list) {
		rdma_rw_ctx_destroy(&rw->ctx, rw_ep->qp, rw_ep->cm_id->port_num, rw->sgl,
				    rw->nents, rw->dir);
		kvfree(rw->slice);
		kmem_cache_free(rsp_rw_cache, rw);
	}
	for (i = work->first_sge + 1; i < work->nr_sge; i++)
		ib_dma_unmap_page(ep->dev->ibdev, work->sge[i].addr, work->sge[i].length,
				  DMA_TO_DEVICE);
	if (work->buf)
		rsp_buf_put(&work->buf->pub);
	if (unlikely(work->rw_ep))
		rsp_ep_end(work->rw_ep);
}

/*
 * The channel has moved since the work was begun. What is mapped for the device stays; rdma_rw
 * may have taken keys from the queue pair that it was begun on, and gives them back there.
 */
static void rsp_work_rebase(struct rsp_iwork *work, struct rsp_ep *ep)
{
	struct rsp_ep *old = work->ep;

	rsp_ep_pin(ep);
	work->ep = ep;
	if (list_empty(&work->rws) || work->rw_ep)
		rsp_ep_end(old);
	else
		work->rw_ep = old;
}

/* Context: sq_lock of the old one and of @ep held */
void rsp_work_rebase_pending(struct rsp_chan *chan, struct rsp_ep *ep)
{
	struct rsp_iwork *work;

	list_for_each_entry(work, &chan->pending, list)
		if (work->ep != ep)
			rsp_work_rebase(work, ep);
}

static void rsp_work_end(struct rsp_iwork *work)
{
	struct rsp_chan *chan = work->chan;
	struct rsp_ep *ep = work->ep;

	kmem_cache_free(rsp_work_cache, work);
	if (chan)
		rsp_chan_end(chan, ep);
	else
		rsp_ep_end(ep);
}

static void rsp_work_release(struct rsp_iwork *work)
{
	rsp_work_unmap(work);
	rsp_work_end(work);
}

static void rsp_work_retire(struct list_head *works, int status)
{
	struct rsp_iwork *work, *next;

	list_for_each_entry_safe(work, next, works, list) {
		rsp_work_unmap(work);
		if (work->pub.done)
			work->pub.done(&work->pub, status);
		rsp_work_end(work);
	}
}

static u32 rsp_work_bulk(const struct rsp_iwork *work)
{
	return list_empty(&work->rws) ? 0 : work->bytes;
}

static int rsp_wc_errno(enum ib_wc_status status)
{
	switch (status) {
	case IB_WC_SUCCESS:
		return 0;
	case IB_WC_WR_FLUSH_ERR:
		return -ECONNRESET;
	case IB_WC_RETRY_EXC_ERR:
	case IB_WC_RNR_RETRY_EXC_ERR:
		return -ETIMEDOUT;
	case IB_WC_REM_ACCESS_ERR:
	case IB_WC_REM_INV_REQ_ERR:
	case IB_WC_REM_OP_ERR:
		return -EREMOTEIO;
	default:
		return -EIO;
	}
}

/* of a work request that failed the completion does not tell: the last of the chain has the work's cqe */
static u32 rsp_work_opcode(const struct rsp_iwork *work)
{
	if (work->has_send || work->is_control || work->is_probe)
		return work->wr.opcode;
	if (!list_empty(&work->rws))
		return list_last_entry(&work->rws, struct rsp_rw, list)->dir == DMA_TO_DEVICE ?
		       IB_WR_RDMA_WRITE : IB_WR_RDMA_READ;
	return work->nr_maps ? IB_WR_REG_MR : IB_WR_LOCAL_INV;
}

static void rsp_work_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct rsp_iwork *work = container_of(wc->wr_cqe, struct rsp_iwork, cqe);
	int status = rsp_wc_errno(wc->status);
	struct rsp_ep *ep = work->ep;
	struct rsp_iwork *w;
	LIST_HEAD(retired);
	bool has_pending;
	u32 slots = 0;

	if (unlikely(status)) {
		if (wc->status != IB_WC_WR_FLUSH_ERR) {
			if (work->chan)
				trace_rsp_work_error(&work->chan->view, wc->status,
						     rsp_work_opcode(work));
			pr_debug("%s ep %u: send queue error %s, vendor %#x\n", ep->view.dev,
				 ep->view.id, ib_wc_status_msg(wc->status), wc->vendor_err);
		}
		/* also for a flush that we did not begin: rxe tells of some failures by nothing else */
		rsp_ep_kill(ep, status);
	}

	spin_lock_bh(&ep->sq_lock);
	list_for_each_entry(w, &ep->sq_posted, list) {
		slots += w->nr_wr;
		ep->bulk_bytes -= rsp_work_bulk(w);
		if (w == work)
			break;
	}
	list_cut_position(&retired, &ep->sq_posted, &work->list);
	ep->sq_avail += slots;
	has_pending = !list_empty(&ep->sq_waiting) || !list_empty(&ep->sq_control);
	spin_unlock_bh(&ep->sq_lock);

	if (has_pending)
		rsp_work_kick(ep);
	rsp_work_retire(&retired, status);
}

/* ----------------------------------------------------------------- filling */

/*
 * rdma_rw moves a list from an offset to its end: give it exactly @len bytes behind
 * @offset, out of the caller's own list where that ends there.
 * Return: the offset in rw->sgl, or a negative errno
 */
static int rsp_rw_slice(struct rsp_rw *rw, struct scatterlist *sgl, u32 nents, u32 offset, u32 len)
{
	struct scatterlist *sg, *out;
	u32 i, have, first;

	for (; nents && offset >= sgl->length; nents--, sgl = sg_next(sgl))
		offset -= sgl->length;
	for (i = 0, have = 0, sg = sgl; i < nents && have < len + offset; i++, sg = sg_next(sg))
		have += sg->length;
	if (!len || have < len + offset)
		return -EINVAL;
	rw->nents = i;
	rw->sgl = sgl;
	if (have == len + offset)
		return offset;

	rw->slice = kvmalloc_array(i, sizeof(*rw->slice), GFP_KERNEL);
	if (!rw->slice)
		return -ENOMEM;
	sg_init_table(rw->slice, i);
	first = offset;
	for (out = rw->slice, sg = sgl; len; out++, sg = sg_next(sg), first = 0) {
		u32 part = min(len, sg->length - first);

		sg_set_page(out, sg_page(sg), part, sg->offset + first);
		len -= part;
	}
	rw->sgl = rw->slice;
	return 0;
}

static struct rsp_iwork *rsp_work_init_one(struct rsp_chan *chan, struct rsp_ep *ep, gfp_t gfp)
{
	struct rsp_iwork *work;

	work = kmem_cache_alloc(rsp_work_cache, gfp);
	if (!work)
		return NULL;
	work->pub.done = NULL;
	work->pub.ctx = NULL;
	work->pub.posted_ns = NULL;
	work->cqe.done = rsp_work_done;
	work->chan = chan;
	work->ep = ep;
	work->rw_ep = NULL;
	work->buf = NULL;
	work->nr_maps = 0;
	work->inv_map = NULL;
	INIT_LIST_HEAD(&work->rws);
	work->nr_wr = 0;
	work->first_sge = ep->is_mux;
	work->nr_sge = 0;
	work->is_control = false;
	work->is_fenced = false;
	work->has_send = false;
	work->has_read = false;
	work->is_probe = false;
	work->told = NULL;
	work->bytes = 0;
	work->queued_ns = 0;
	memset(&work->probe, 0, sizeof(work->probe));
	return work;
}

/* a channel's; NULL when it is closing, or without memory */
struct rsp_iwork *rsp_work_alloc(struct rsp_chan *chan, gfp_t gfp)
{
	struct rsp_ep *ep = rsp_chan_begin(chan);
	struct rsp_iwork *work;

	if (!ep)
		return NULL;
	work = rsp_work_init_one(chan, ep, gfp);
	if (!work)
		rsp_chan_end(chan, ep);
	return work;
}

/* the endpoint's own */
struct rsp_iwork *rsp_work_alloc_own(struct rsp_ep *ep, gfp_t gfp)
{
	struct rsp_iwork *work;

	if (!rsp_ep_begin(ep))
		return NULL;
	work = rsp_work_init_one(NULL, ep, gfp);
	if (!work)
		rsp_ep_end(ep);
	return work;
}

/**
 * rsp_work_get() - Begin a chain of work requests
 * @chan: the channel it is for
 * @gfp: GFP_KERNEL, or what the caller's context allows
 *
 * Context: Process context; atomic if @gfp says so.
 * Return: the work, to be ended with rsp_work_post() or rsp_work_free(), or
 * NULL when the channel is closing or there is no memory.
 */
struct rsp_work *rsp_work_get(struct rsp_chan *chan, gfp_t gfp)
{
	struct rsp_iwork *work = rsp_work_alloc(chan, gfp);

	return work ? &work->pub : NULL;
}
EXPORT_SYMBOL_GPL(rsp_work_get);

/**
 * rsp_work_free() - Drop work that was not posted
 * @work: from rsp_work_get(); its buffer and transfers are released with it,
 *        its maps stay the caller's
 *
 * Context: Process context or softirq, atomic.
 */
void rsp_work_free(struct rsp_work *work)
{
	rsp_work_release(to_iwork(work));
}
EXPORT_SYMBOL_GPL(rsp_work_free);

/**
 * rsp_work_add_map() - Register memory with this work
 * @work: work being filled, at most 16 maps in one
 * @map: from rsp_map_get(), added to no other work
 *
 * The registration comes first in the chain, so the message behind it may
 * carry the descriptors.
 *
 * Context: Any; the work is one caller's.
 */
void rsp_work_add_map(struct rsp_work *work, struct rsp_map *map)
{
	struct rsp_iwork *w = to_iwork(work);

	if (WARN_ON_ONCE(w->nr_maps == ARRAY_SIZE(w->maps)))
		return;
	map->state = RSP_MAP_ADDED;
	w->maps[w->nr_maps++] = map;
	w->nr_wr += map->nr;
}
EXPORT_SYMBOL_GPL(rsp_work_add_map);

/**
 * rsp_work_add_rw() - Transfer to or from the peer's memory
 * @work: work being filled
 * @dir: RSP_DIR_OUT writes to the peer, RSP_DIR_IN reads from it
 * @sgl: local memory; must stay until @work is done
 * @nents: its entries
 * @offset: bytes of @sgl to skip
 * @remote: where to, and how many bytes
 *
 * A message in the same chain follows the writes. It must not follow a read:
 * wait for done() first.
 *
 * Context: Process context. May sleep.
 * Return: 0, or a negative errno: %-ENOMEM, %-EINVAL when @sgl is shorter than
 * @remote, what the RDMA core says; @work is unchanged then.
 */
int rsp_work_add_rw(struct rsp_work *work, enum rsp_dir dir, struct scatterlist *sgl,
		    u32 nents, u32 offset, const struct rsp_desc *remote)
{
	struct rsp_iwork *w = to_iwork(work);
	struct rsp_ep *ep = w->ep;
	struct rsp_rw *rw;
	int n, first;

	rw = kmem_cache_alloc(rsp_rw_cache, GFP_KERNEL);
	if (!rw)
		return -ENOMEM;
	rw->slice = NULL;
	rw->dir = dir == RSP_DIR_OUT ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
	first = rsp_rw_slice(rw, sgl, nents, offset, remote->len);
	if (first < 0) {
		n = first;
		goto err_free;
	}
	n = rdma_rw_ctx_init(&rw->ctx, ep->qp, ep->cm_id->port_num, rw->sgl, rw->nents, first,
			     remote->addr, remote->rkey, rw->dir);
	if (n < 0)
		goto err_slice;
	list_add_tail(&rw->list, &w->rws);
	w->nr_wr += n;	/* rdma_rw counts registrations too */
	w->bytes += remote->len;
	if (dir == RSP_DIR_IN)
		w->has_read = true;
	return 0;

err_slice:
	kvfree(rw->slice);
err_free:
	kmem_cache_free(rsp_rw_cache, rw);
	return n;
}
EXPORT_SYMBOL_GPL(rsp_work_add_rw);

/**
 * rsp_work_set_send() - A message ends the chain
 * @work: work being filled
 * @buf: starts the message; becomes RSP's
 * @len: bytes of it
 *
 * Context: Any; the work is one caller's.
 */
void rsp_work_set_send(struct rsp_work *work, struct rsp_buf *buf, u32 len)
{
	struct rsp_iwork *w = to_iwork(work);

	w->buf = to_ibuf(buf);
	w->has_send = true;
	w->sge[w->first_sge] = (struct ib_sge){
		.addr	= rsp_buf_dma(w->buf, w->ep->dev) -
			  (w->buf->is_shifted ? RSP_MUX_HDR_BYTES : 0),
		.length	= len,
		.lkey	= w->ep->keys->pd->local_dma_lkey,
	};
	w->nr_sge = w->first_sge + 1;
	w->nr_wr++;
	w->bytes += len;
	w->wr.opcode = IB_WR_SEND;
}
EXPORT_SYMBOL_GPL(rsp_work_set_send);

/**
 * rsp_work_add_page() - Continue the message with part of a page
 * @work: work with a message, see rsp_work_set_send()
 * @page: the page; must stay until @work is done
 * @offset: where in the page
 * @len: bytes
 *
 * Context: Any; the work is one caller's.
 * Return: 0, %-E2BIG past the channel's max_send_sge, %-ENOMEM if it cannot be
 * mapped.
 */
int rsp_work_add_page(struct rsp_work *work, struct page *page, u32 offset, u32 len)
{
	struct rsp_iwork *w = to_iwork(work);
	struct rsp_dev *dev = w->ep->dev;
	u64 dma;

	if (WARN_ON_ONCE(!w->has_send))
		return -EINVAL;
	if (w->nr_sge >= dev->max_send_sge)
		return -E2BIG;
	dma = ib_dma_map_page(dev->ibdev, page, offset, len, DMA_TO_DEVICE);
	if (ib_dma_mapping_error(dev->ibdev, dma))
		return -ENOMEM;
	w->sge[w->nr_sge++] = (struct ib_sge){
		.addr = dma, .length = len, .lkey = w->ep->keys->pd->local_dma_lkey,
	};
	w->bytes += len;
	return 0;
}
EXPORT_SYMBOL_GPL(rsp_work_add_page);

/**
 * rsp_work_add_sg() - Continue the message with the beginning of a list
 * @work: work with a message, see rsp_work_set_send()
 * @sg: the list; its pages must stay until @work is done
 * @len: bytes of it, no more than it has
 *
 * Context: Any; the work is one caller's.
 * Return: 0, or what rsp_work_add_page() says; a part may be added then.
 */
int rsp_work_add_sg(struct rsp_work *work, struct scatterlist *sg, u32 len)
{
	u32 part;
	int err;

	for (; len; len -= part, sg = sg_next(sg)) {
		part = min(len, sg->length);
		err = rsp_work_add_page(work, sg_page(sg), sg->offset, part);
		if (err)
			return err;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(rsp_work_add_sg);

/**
 * rsp_work_set_inv() - The message invalidates one of the peer's keys
 * @work: work with a message
 * @rkey: the key; the peer must have said that it wants this
 *
 * Context: Any; the work is one caller's.
 */
void rsp_work_set_inv(struct rsp_work *work, u32 rkey)
{
	struct rsp_iwork *w = to_iwork(work);

	w->wr.opcode = IB_WR_SEND_WITH_INV;
	w->wr.ex.invalidate_rkey = rkey;
}
EXPORT_SYMBOL_GPL(rsp_work_set_inv);

/* ----------------------------------------------------------------- posting */

/* string the work requests together, last first */
static struct ib_send_wr *rsp_work_chain(struct rsp_iwork *work)
{
	struct rsp_ep *ep = work->ep;
	struct ib_send_wr *first = NULL;
	struct rsp_map *map;
	struct rsp_rw *rw;
	u32 i, m;

	if (work->has_send || unlikely(work->is_control)) {
		if (work->buf)
			ib_dma_sync_single_for_device(ep->dev->ibdev,
						      work->sge[work->first_sge].addr,
						      work->sge[work->first_sge].length,
						      DMA_BIDIRECTIONAL);
		work->wr.wr_cqe = &work->cqe;
		work->wr.sg_list = work->sge;
		work->wr.num_sge = work->nr_sge;
		work->wr.send_flags = (work->is_signaled ? IB_SEND_SIGNALED : 0) |
				      (work->is_fenced ? IB_SEND_FENCE : 0);
		first = &work->wr;
	} else if (unlikely(work->is_probe)) {
		work->wr.opcode = IB_WR_RDMA_WRITE;
		work->wr.wr_cqe = &work->cqe;
		work->wr.send_flags = IB_SEND_SIGNALED;
		first = &work->wr;
	}
	list_for_each_entry_reverse(rw, &work->rws, list)
		first = rdma_rw_ctx_wrs(&rw->ctx, ep->qp, ep->cm_id->port_num,
					first ? NULL : &work->cqe, first);
	for (m = work->nr_maps; m--;) {
		map = work->maps[m];
		for (i = map->nr; i--;) {
			struct ib_send_wr *wr = &map->keys[i]->reg_wr.wr;

			wr->next = first;
			if (!first) {	/* registrations alone */
				wr->wr_cqe = &work->cqe;
				wr->send_flags = IB_SEND_SIGNALED;
			}
			first = wr;
		}
	}
	map = work->inv_map;
	for (i = map ? map->nr : 0; i--;) {
		struct rsp_key *key = map->keys[i];

		key->inv_wr = (struct ib_send_wr){
			.next		= first,
			.wr_cqe		= first ? &key->cqe : &work->cqe,
			.opcode		= IB_WR_LOCAL_INV,
			.send_flags	= first ? 0 : IB_SEND_SIGNALED,
			.ex.invalidate_rkey = key->mr->rkey,
		};
		first = &key->inv_wr;
	}
	return first;
}

/* hand the chain to the HCA; there are slots for it. Where that fails nothing has changed */
static int __rsp_work_post(struct rsp_ep *ep, struct rsp_iwork *work)
{
	const struct ib_send_wr *bad;
	int err;

	lockdep_assert_held(&ep->sq_lock);
	if (ep->is_mux)
		rsp_mux_fill(ep, work);
	work->is_signaled = work->pub.done || work->nr_sge > work->first_sge + 1 ||
			    !work->has_send || !list_empty(&work->rws) ||
			    ++ep->nr_unsignaled >= RSP_SIGNAL_BATCH ||
			    ep->sq_avail - work->nr_wr < ep->sq_size / 4;
	if (work->is_signaled)
		ep->nr_unsignaled = 0;
	list_add_tail(&work->list, &ep->sq_posted);
	/* before: then the answer may come, and whose it is be gone */
	if (trace_rsp_chan_acked_enabled() && work->pub.posted_ns)
		*work->pub.posted_ns = ktime_get_ns();
	err = ib_post_send(ep->qp, rsp_work_chain(work), &bad);
	if (unlikely(err)) {
		list_del(&work->list);
		return err;
	}
	ep->sq_avail -= work->nr_wr;
	ep->bulk_bytes += rsp_work_bulk(work);
	if (ep->bulk_first && ep->bulk_first == work->chan)
		ep->bulk_first = NULL;
	return 0;
}

static bool rsp_work_has_slots(const struct rsp_ep *ep, const struct rsp_iwork *work)
{
	return work->nr_wr + ep->sq_reserve <= ep->sq_avail;
}

/*
 * Where channels share, one must not fill the queue with what takes long. Who has been
 * refused comes next: small transfers of others would keep a large one out for ever.
 */
static bool rsp_work_is_modest(struct rsp_ep *ep, const struct rsp_iwork *work)
{
	u32 bulk = ep->is_mux ? rsp_work_bulk(work) : 0;

	if (!bulk)
		return true;
	if (ep->bulk_first && ep->bulk_first != work->chan)
		return false;
	if (!ep->bulk_bytes || ep->view.nr_chan == 1 ||
	    ep->bulk_bytes + bulk <= RSP_MUX_BULK_BYTES)
		return true;
	ep->bulk_first = work->chan;
	return false;
}

/* does the channel wait for nothing but its turn? */
static bool rsp_work_may_go(const struct rsp_chan *chan, const struct rsp_iwork *work)
{
	return !chan->is_mux ||
	       (chan->move == RSP_MOVE_NONE && (!work->has_send || rsp_mux_may_send(chan)));
}

static bool rsp_work_chan_is_ready(struct rsp_chan *chan)
{
	const struct rsp_iwork *work;

	work = list_first_entry_or_null(&chan->pending, struct rsp_iwork, list);
	return work && rsp_work_may_go(chan, work);
}

/* give it a place among those that take turns, if it can go on */
static void rsp_work_wait(struct rsp_ep *ep, struct rsp_chan *chan)
{
	lockdep_assert_held(&ep->sq_lock);
	if (list_empty(&chan->wait_list) && rsp_work_chan_is_ready(chan)) {
		chan->deficit = 0;
		list_add_tail(&chan->wait_list, &ep->sq_waiting);
	}
}

/* longest wait that has ended, and whose; with a reference on the channel */
struct rsp_waited {
	struct rsp_chan	*chan;
	u64		ns;
};

static void rsp_waited_note(struct rsp_waited *waited, struct rsp_iwork *work)
{
	u64 ns = ktime_get_ns() - work->queued_ns;

	if (ns <= waited->ns)
		return;
	waited->ns = ns;
	if (waited->chan == work->chan)
		return;
	kref_get(&work->chan->ref);
	if (waited->chan)
		rsp_chan_put(waited->chan);
	waited->chan = work->chan;
}

static void rsp_waited_tell(struct rsp_waited *waited)
{
	if (!waited->chan)
		return;
	rsp_chan_stalled(waited->chan, waited->ns);
	rsp_chan_put(waited->chan);
}

enum rsp_turn { RSP_TURN_NONE, RSP_TURN_SOME, RSP_TURN_NO_SLOTS };

/* One turn of a channel. Return: what came of it, or a negative errno of the post */
static int rsp_work_turn(struct rsp_ep *ep, struct rsp_chan *chan, struct rsp_waited *waited)
{
	bool is_only = list_is_singular(&ep->sq_waiting);
	int turn = RSP_TURN_NONE, err;
	struct rsp_iwork *work;
	u64 cost;

	chan->deficit += RSP_QUANTUM * max(chan->view.weight, 1U) / 100 + RSP_WORK_BYTES;
	while (rsp_work_chan_is_ready(chan)) {
		work = list_first_entry(&chan->pending, struct rsp_iwork, list);
		cost = work->bytes + RSP_WORK_BYTES;
		if (!rsp_work_has_slots(ep, work) || !rsp_work_is_modest(ep, work)) {
			/* what it could not use now it must not save */
			chan->deficit = min_t(u64, chan->deficit, cost);
			return rsp_work_has_slots(ep, work) ? turn : RSP_TURN_NO_SLOTS;
		}
		if (cost > chan->deficit && !is_only)
			return RSP_TURN_SOME;
		list_del(&work->list);
		err = __rsp_work_post(ep, work);
		if (err) {
			/* the end of the endpoint fails it */
			list_add(&work->list, &chan->pending);
			return err;
		}
		rsp_waited_note(waited, work);
		chan->deficit -= min_t(u64, chan->deficit, cost);
		turn = RSP_TURN_SOME;
	}
	list_del_init(&chan->wait_list);
	return RSP_TURN_SOME;
}

/* post what may go */
static int rsp_work_pump(struct rsp_ep *ep, struct rsp_waited *waited)
{
	struct rsp_iwork *work;
	struct rsp_chan *chan, *stuck = NULL;
	int err;

	lockdep_assert_held(&ep->sq_lock);
	if (atomic_read(&ep->state) >= RSP_STATE_CLOSING)
		return 0;
	while ((work = list_first_entry_or_null(&ep->sq_control, struct rsp_iwork, list)) &&
	       work->nr_wr <= ep->sq_avail) {
		list_del(&work->list);
		err = __rsp_work_post(ep, work);
		if (err) {
			list_add(&work->list, &ep->sq_control);
			return err;
		}
		ep->nr_control--;
	}
	/* until a whole round has posted nothing; who lacks slots is the first to get some */
	while ((chan = list_first_entry_or_null(&ep->sq_waiting, struct rsp_chan, wait_list))) {
		int turn;

		if (chan == stuck)
			break;
		turn = rsp_work_turn(ep, chan, waited);
		if (turn < 0)
			return turn;
		if (turn == RSP_TURN_NO_SLOTS)
			break;
		if (!list_empty(&chan->wait_list))
			list_move_tail(&chan->wait_list, &ep->sq_waiting);
		if (turn == RSP_TURN_SOME)
			stuck = NULL;
		else if (!stuck)
			stuck = chan;
	}
	return 0;
}

/*
 * The endpoint that a channel rides, with its send queue locked: it stays until that is unlocked.
 * Context: the channel is kept
 */
struct rsp_ep *rsp_work_lock(struct rsp_chan *chan)
	__acquires(sq_lock)
{
	struct rsp_ep *ep;

	for (;;) {
		rcu_read_lock();
		ep = READ_ONCE(chan->ep);
		spin_lock_bh(&ep->sq_lock);
		rcu_read_unlock();
		if (likely(ep == chan->ep))
			return ep;
		spin_unlock_bh(&ep->sq_lock);
	}
}

/**
 * rsp_work_submit() - Post work, or let it wait for send queue slots
 * @work: filled; consumed in every outcome
 *
 * Return: 0, or a negative errno: nothing was posted, done() is not called.
 */
int rsp_work_submit(struct rsp_iwork *work)
{
	struct rsp_waited waited = { 0 };
	struct rsp_chan *chan = work->chan;
	bool is_queued = false, is_posting = true;
	struct rsp_ep *ep = work->ep;
	int err = 0;

	if (work->inv_map)
		work->nr_wr += work->inv_map->nr;
	if (unlikely(!work->nr_wr || work->nr_wr + ep->sq_reserve > ep->sq_size ||
		     (work->has_send && work->has_read))) {
		rsp_work_release(work);
		return -EINVAL;
	}
	if (work->has_send) {
		chan->view.nr_send++;
		trace_rsp_chan_send(&chan->view, work->bytes, work->nr_wr);
	}
	if (chan)
		chan->view.send_bytes += work->bytes;

	if (likely(chan))
		ep = rsp_work_lock(chan);
	else
		spin_lock_bh(&ep->sq_lock);
	if (unlikely(work->ep != ep))
		rsp_work_rebase(work, ep);
	if (unlikely(atomic_read(&ep->state) >= RSP_STATE_CLOSING ||
		     (chan && rsp_chan_is_closing(chan)))) {
		is_posting = false;
		err = -ENOTCONN;
	} else if (unlikely(work->rw_ep && atomic_read(&work->rw_ep->state) >= RSP_STATE_CLOSING)) {
		/* it must not wait, for it would keep the old one: rsp_move_leave() */
		is_posting = false;
		err = -ENOTCONN;
		rsp_mux_chan_fail(chan, -ECONNRESET);
	} else if (unlikely(!chan)) {
		is_queued = true;
		list_add_tail(&work->list, &ep->sq_control);
		if (work->told)
			WRITE_ONCE(*work->told, true);
		/* answers to a peer that takes none */
		if (++ep->nr_control > RSP_MUX_MAX_CONTROL)
			err = -ENOBUFS;
		else
			err = rsp_work_pump(ep, &waited);
	} else if (likely(list_empty(&ep->sq_waiting) && list_empty(&chan->pending) &&
			  rsp_work_has_slots(ep, work) && rsp_work_is_modest(ep, work) &&
			  rsp_work_may_go(chan, work))) {
		err = __rsp_work_post(ep, work);
	} else {
		is_queued = true;
		work->queued_ns = ktime_get_ns();
		list_add_tail(&work->list, &chan->pending);
		rsp_work_wait(ep, chan);
		err = rsp_work_pump(ep, &waited);
	}
	if (unlikely(err && is_posting))
		rsp_ep_kill(ep, err);
	spin_unlock_bh(&ep->sq_lock);
	rsp_waited_tell(&waited);
	/* it may be another's that failed; the end of the endpoint retires what is queued */
	if (likely(!err) || is_queued)
		return 0;
	rsp_work_release(work);
	return err;
}

/**
 * rsp_work_post() - Post the chain
 * @work: from rsp_work_get(), filled; RSP's from here, whatever the outcome
 *
 * When the send queue is full the work waits for slots, in order.
 *
 * Context: Process context or softirq, atomic.
 * Return:
 * * %0		- done() will be called
 * * %-ENOTCONN	- the channel is closing; done() is not called
 * * %-EINVAL	- empty, larger than the send queue, or a message behind a read
 */
int rsp_work_post(struct rsp_work *work)
{
	return rsp_work_submit(to_iwork(work));
}
EXPORT_SYMBOL_GPL(rsp_work_post);

/**
 * rsp_work_probe() - Ask whether the peer still answers
 * @ep: an endpoint that is up
 * @done: called with 0 when it did; when it did not the endpoint ends
 *
 * An RDMA write of no bytes: the peer's device acknowledges it and checks no key
 * (IBA C9-88), whatever service is behind it. It also retires the unsignaled
 * work before it.
 *
 * Context: Process context. May sleep.
 * Return: 0, or a negative errno, and @done is not called then.
 */
int rsp_work_probe(struct rsp_ep *ep, void (*done)(struct rsp_work *work, int status))
{
	struct rsp_iwork *work = rsp_work_alloc_own(ep, GFP_KERNEL);

	if (!work)
		return -ENOMEM;
	work->pub.done = done;
	work->is_probe = true;
	work->nr_wr = 1;
	return rsp_work_submit(work);
}

/* slots came back, or credits: post what waits for them */
void rsp_work_kick(struct rsp_ep *ep)
{
	struct rsp_waited waited = { 0 };
	int err;

	spin_lock_bh(&ep->sq_lock);
	err = rsp_work_pump(ep, &waited);
	spin_unlock_bh(&ep->sq_lock);
	if (err)
		rsp_ep_kill(ep, err);
	rsp_waited_tell(&waited);
}

/* the peer takes more of a channel's messages */
void rsp_work_kick_chan(struct rsp_chan *chan)
{
	struct rsp_waited waited = { 0 };
	struct rsp_ep *ep;
	int err = 0;

	ep = rsp_work_lock(chan);
	rsp_work_wait(ep, chan);
	if (!list_empty(&chan->wait_list))
		err = rsp_work_pump(ep, &waited);
	if (err)
		rsp_ep_kill(ep, err);
	spin_unlock_bh(&ep->sq_lock);
	rsp_waited_tell(&waited);
}

/* a channel does not take turns any more. Context: sq_lock held */
void rsp_work_stop(struct rsp_ep *ep, struct rsp_chan *chan)
{
	list_del_init(&chan->wait_list);
	if (ep->bulk_first == chan)
		ep->bulk_first = NULL;
}

/* does what waits need the queue pair of @ep, which the channel has left? */
bool rsp_work_needs(struct rsp_chan *chan, const struct rsp_ep *ep)
{
	struct rsp_iwork *work;
	struct rsp_ep *now;
	bool ok = false;

	now = rsp_work_lock(chan);
	list_for_each_entry(work, &chan->pending, list)
		if (work->rw_ep == ep)
			ok = true;
	spin_unlock_bh(&now->sq_lock);
	return ok;
}

/* The channel ends: fail what waits. Nothing is added any more. */
void rsp_work_abort_pending(struct rsp_chan *chan)
{
	struct rsp_ep *ep;
	LIST_HEAD(works);

	ep = rsp_work_lock(chan);
	list_splice_init(&chan->pending, &works);
	rsp_work_stop(ep, chan);
	spin_unlock_bh(&ep->sq_lock);
	rsp_work_retire(&works, -ECONNRESET);
}

/* The queue pair is drained: nothing completes any more. Fail what is left. */
void rsp_work_abort(struct rsp_ep *ep)
{
	LIST_HEAD(works);

	spin_lock_bh(&ep->sq_lock);
	list_splice_init(&ep->sq_posted, &works);
	list_splice_tail_init(&ep->sq_control, &works);
	ep->nr_control = 0;
	spin_unlock_bh(&ep->sq_lock);
	rsp_work_retire(&works, -ECONNRESET);
}

int rsp_work_init(void)
{
	rsp_work_cache = KMEM_CACHE(rsp_iwork, 0);
	rsp_rw_cache = KMEM_CACHE(rsp_rw, 0);
	if (rsp_work_cache && rsp_rw_cache)
		return 0;
	rsp_work_exit();
	return -ENOMEM;
}

void rsp_work_exit(void)
{
	kmem_cache_destroy(rsp_rw_cache);
	kmem_cache_destroy(rsp_work_cache);
}
