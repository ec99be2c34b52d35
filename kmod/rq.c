// SPDX-License-Identifier: GPL-2.0
/*
 * Receive queues: where messages land before anyone knows whose they are.
 *
 * One shared queue (SRQ) per completion vector and size class, made at first
 * use and kept until its device goes; or a private one, the queue pair's own
 * ring, where the endpoint policy wants it or the device has no SRQ. Mux endpoints
 * have shared ones of their own, whose messages begin before the buffer's data: the
 * header ends where a service expects its message.
 *
 * A receive buffer is owned by: the "recv" service while it is posted; the
 * channel's service from rsp_chan_received() until rsp_buf_put(); on a flush
 * the handler here puts it at once. SRQ buffers are not flushed with a queue
 * pair; rsp_pool_recover() finds them when the queue is destroyed.
 *
 * Refill runs where receives complete, in batches; the buffer policy is asked
 * for the depth once a batch. Where buffers run out it is tried again after
 * 10 ms; the peers meanwhile get RNR NAKs and wait.
 *
 * How low a queue really gets only the device knows: a burst takes many receives
 * before the first completion is seen here. So an SRQ is armed with a limit of a
 * quarter of its depth (IBA 10.2.9.1); the event counts in nr_low, which makes
 * the policy choose a deeper one before the next burst meets an empty queue.
 */
#include <linux/module.h>

#include "core.h"
#include "mux.h"
#include "trace.h"

#define RSP_RQ_REARM_MS	1000

DEFINE_XARRAY_ALLOC1(rsp_rqs);
static u32 rsp_rq_next_id;
static atomic_t rsp_rq_nr_shared;

/* have the device tell when only a quarter is left; one that cannot is not asked again */
static void rsp_rq_arm(struct rsp_rq *rq)
{
	struct ib_srq_attr attr = { .srq_limit = max(rq->view.depth / 4, 1U) };

	if (!rq->srq || test_bit(RSP_RQ_DEAD, &rq->flags) ||
	    test_and_set_bit(RSP_RQ_ARMED, &rq->flags))
		return;
	if (ib_modify_srq(rq->srq, &attr, IB_SRQ_LIMIT))
		pr_debug("rq %u: no limit events\n", rq->view.id);
}

static void rsp_rq_retry_work(struct work_struct *work)
{
	struct rsp_rq *rq = container_of(work, struct rsp_rq, retry_work.work);

	u32 depth = rq->view.depth;
	bool was_low = atomic_read(&rq->nr_low);

	rsp_rq_refill(rq, GFP_KERNEL);
	/* where the policy keeps it short on purpose, be told once in a while */
	if (was_low && rq->view.depth <= depth && !test_bit(RSP_RQ_DEAD, &rq->flags))
		queue_delayed_work(rsp_wq, &rq->retry_work, msecs_to_jiffies(RSP_RQ_REARM_MS));
	else
		rsp_rq_arm(rq);
}

/* Context: what the device's events come in, often softirq */
static void rsp_rq_event(struct ib_event *event, void *context)
{
	struct rsp_rq *rq = context;

	if (event->event != IB_EVENT_SRQ_LIMIT_REACHED || test_bit(RSP_RQ_DEAD, &rq->flags))
		return;
	atomic_inc(&rq->nr_low);
	clear_bit(RSP_RQ_ARMED, &rq->flags);
	mod_delayed_work(rsp_wq, &rq->retry_work, 0);
}

static struct rsp_rq *rsp_rq_alloc(struct rsp_keys *keys, u32 vector, u32 kind, u32 size)
{
	u32 class = kind == RSP_RQ_MUX ? RSP_CLASS_16K : kind;
	struct rsp_rq *rq;

	rq = kzalloc(sizeof(*rq), GFP_KERNEL);
	if (!rq)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&rq->lock);
	INIT_DELAYED_WORK(&rq->retry_work, rsp_rq_retry_work);
	rq->dev = keys->dev;
	rq->pd = keys->pd;
	rq->kind = kind;
	rq->class = class;
	rq->headroom = kind == RSP_RQ_MUX ? RSP_MUX_HDR_BYTES : 0;
	rq->view.dev_id = keys->dev->index;
	rq->view.vector = vector;
	rq->view.class = class;
	rq->view.size = size;
	rq->view.min = min_t(u32, size, RSP_RQ_MIN);
	return rq;
}

/**
 * rsp_rq_shared() - The shared receive queue of a vector and kind
 * @dev: device with SRQs, entered
 * @vector: completion vector
 * @kind: enum rsp_class, or RSP_RQ_MUX
 *
 * Return: the queue, filled; it lives as long as the device. Or ERR_PTR().
 */
struct rsp_rq *rsp_rq_shared(struct rsp_dev *dev, u32 vector, u32 kind)
{
	struct ib_srq_init_attr attr = {
		.attr.max_wr	= min_t(u32, RSP_RQ_SIZE, dev->ibdev->attrs.max_srq_wr),
		.attr.max_sge	= 1,
		.srq_type	= IB_SRQT_BASIC,
		.event_handler	= rsp_rq_event,
	};
	struct rsp_rq *rq;
	int err;

	mutex_lock(&dev->mutex);
	rq = dev->vecs[vector].rq[kind];
	if (rq)
		goto out;
	rq = rsp_rq_alloc(&dev->keys, vector, kind, attr.attr.max_wr);
	if (IS_ERR(rq))
		goto out;
	attr.srq_context = rq;
	rq->srq = ib_create_srq(rq->pd, &attr);
	err = PTR_ERR_OR_ZERO(rq->srq);
	if (err)
		goto err_free;
	err = rsp_id_alloc(&rsp_rqs, &rsp_rq_next_id, &rq->view.id, rq);
	if (err)
		goto err_srq;
	dev->vecs[vector].rq[kind] = rq;
	atomic_inc(&rsp_rq_nr_shared);
	mutex_unlock(&dev->mutex);
	rsp_rq_refill(rq, GFP_KERNEL);
	rsp_rq_arm(rq);
	return rq;

err_srq:
	ib_destroy_srq(rq->srq);
err_free:
	kfree(rq);
	rq = ERR_PTR(err);
out:
	mutex_unlock(&dev->mutex);
	return rq;
}

/* A queue for one endpoint; rsp_rq_start_private() follows once its QP exists. */
struct rsp_rq *rsp_rq_create_private(struct rsp_keys *keys, u32 vector, u32 class, u32 size)
{
	struct rsp_rq *rq = rsp_rq_alloc(keys, vector, class, size);
	int err;

	if (IS_ERR(rq))
		return rq;
	rq->view.is_private = 1;
	/* nobody else's buffers to live on: every credit needs a receive */
	rq->view.min = size;
	err = rsp_id_alloc(&rsp_rqs, &rsp_rq_next_id, &rq->view.id, rq);
	if (err) {
		kfree(rq);
		return ERR_PTR(err);
	}
	return rq;
}

void rsp_rq_start_private(struct rsp_rq *rq, struct ib_qp *qp)
{
	rq->qp = qp;
	rsp_rq_refill(rq, GFP_KERNEL);
}

void rsp_rq_count(struct rsp_rq *rq, int delta)
{
	spin_lock_bh(&rq->lock);
	rq->view.nr_ep += delta;
	spin_unlock_bh(&rq->lock);
}

/* Nothing is posted after this. Context: process, sleeps. */
void rsp_rq_stop(struct rsp_rq *rq)
{
	if (!test_and_set_bit(RSP_RQ_DEAD, &rq->flags)) {
		xa_erase(&rsp_rqs, rq->view.id);
		synchronize_rcu();	/* rsp_rq_refill_all() */
	}
	cancel_delayed_work_sync(&rq->retry_work);
	while (test_bit(RSP_RQ_REFILLING, &rq->flags))
		cond_resched();
}

/* No queue pair uses it any more. Context: process, sleeps. */
void rsp_rq_destroy(struct rsp_rq *rq)
{
	rsp_rq_stop(rq);
	if (rq->srq) {
		ib_destroy_srq(rq->srq);
		atomic_dec(&rsp_rq_nr_shared);
	}
	cancel_delayed_work_sync(&rq->retry_work);	/* of an event that was under way */
	rsp_pool_recover(rq);
	kfree_rcu(rq, rcu);
}

static void rsp_rq_recv_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct rsp_ibuf *buf = container_of(wc->wr_cqe, struct rsp_ibuf, cqe);
	struct rsp_ep *ep = wc->qp->qp_context;
	struct rsp_rq *rq = buf->rq;
	u32 posted;

	buf->is_posted = false;
	posted = atomic_dec_return(&rq->posted);
	if (unlikely(wc->status != IB_WC_SUCCESS)) {
		rsp_buf_put(&buf->pub);
		rsp_ep_kill(ep, wc->status == IB_WC_WR_FLUSH_ERR ? -ECONNRESET : -EIO);
		return;
	}
	if (unlikely(wc->opcode != IB_WC_RECV)) {
		/* an RDMA write with immediate data: no message, and its length is not the buffer's */
		rsp_buf_put(&buf->pub);
		rsp_ep_kill(ep, -EPROTO);
		return;
	}
	if (posted + RSP_BATCH / 2 < rq->view.depth)
		rsp_rq_refill(rq, GFP_NOWAIT | __GFP_NOWARN);

	rq->view.nr_recv++;	/* one CQ a queue, or nearly: a lost count is harmless */
	ib_dma_sync_single_for_cpu(rq->dev->ibdev, rsp_buf_dma(buf, rq->dev) - rq->headroom,
				   wc->byte_len, DMA_BIDIRECTIONAL);
	buf->pub.len = wc->byte_len;
	buf->pub.inv_rkey = wc->wc_flags & IB_WC_WITH_INVALIDATE ? wc->ex.invalidate_rkey : 0;
	if (rq->headroom) {
		/* it is decided before the endpoint is up */
		int state = atomic_read_acquire(&ep->state);

		if (likely(READ_ONCE(ep->is_mux))) {
			rsp_mux_received(ep, buf);
			return;
		}
		/* too early; or it ends, and may have been without a channel of its own */
		if (state != RSP_STATE_UP || !ep->chan) {
			rsp_buf_put(&buf->pub);
			rsp_ep_kill(ep, -EPROTO);
			return;
		}
		/* the peer does not want to share: its messages have no header */
		buf->pub.data -= rq->headroom;
		buf->is_shifted = true;
	}
	rsp_chan_received(ep->chan, buf);
}

/* a buffer that was received raw from a queue of mux endpoints is put */
void rsp_rq_unshift(struct rsp_ibuf *buf)
{
	buf->pub.data += RSP_MUX_HDR_BYTES;
	buf->is_shifted = false;
}

static int rsp_rq_post(struct rsp_rq *rq, struct list_head *bufs, u32 nr)
{
	struct ib_recv_wr wr[RSP_BATCH], *w = wr;
	struct ib_sge sge[RSP_BATCH], *s = sge;
	const struct ib_recv_wr *bad = NULL;
	struct rsp_ibuf *buf;
	int err;

	list_for_each_entry(buf, bufs, list) {
		buf->rq = rq;
		buf->is_posted = true;
		buf->cqe.done = rsp_rq_recv_done;
		s->addr = rsp_buf_dma(buf, rq->dev) - rq->headroom;
		s->length = buf->pub.size + rq->headroom;
		s->lkey = rq->pd->local_dma_lkey;
		*w = (struct ib_recv_wr){
			.next = w + 1, .wr_cqe = &buf->cqe, .sg_list = s, .num_sge = 1,
		};
		w++;
		s++;
	}
	w[-1].next = NULL;
	atomic_add(nr, &rq->posted);
	err = rq->srq ? ib_post_srq_recv(rq->srq, wr, &bad) : ib_post_recv(rq->qp, wr, &bad);
	if (likely(!err))
		return 0;

	for (; bad; bad = bad->next) {
		buf = container_of(bad->wr_cqe, struct rsp_ibuf, cqe);
		buf->is_posted = false;
		atomic_dec(&rq->posted);
		rsp_buf_put(&buf->pub);
	}
	return err;
}

/*
 * What a shared queue may have posted when memory is short: all of them together half of
 * the pool, or what the policy admits, in equal parts. Else one whose peers have many
 * credits takes what others need to receive anything at all, and everybody to answer.
 */
static u32 rsp_rq_most(struct rsp_rq *rq)
{
	u32 nr = max(atomic_read(&rsp_rq_nr_shared), 1);
	u64 refused_ns = READ_ONCE(rsp_recv_svc->refused_ns);
	u64 bytes = rsp_pool_limit() / 2;

	if (!rq->srq)
		return rq->view.size;
	if (refused_ns && ktime_get_ns() - refused_ns < NSEC_PER_SEC)
		bytes = min_t(u64, bytes, atomic64_read(&rsp_recv_svc->held_bytes));
	bytes = div_u64(bytes, nr);
	return clamp_t(u64, div_u64(bytes, rsp_class_bytes[rq->class]), rq->view.min, rq->view.size);
}

/**
 * rsp_rq_refill() - Bring a receive queue to the depth the policy wants
 * @rq: the queue
 * @gfp: whether the pool may sleep for memory
 *
 * One caller at a time does it; another one passes on.
 */
void rsp_rq_refill(struct rsp_rq *rq, gfp_t gfp)
{
	u32 depth, posted, n, total = 0;
	bool is_short = false;

	if (test_and_set_bit_lock(RSP_RQ_REFILLING, &rq->flags))
		return;
	if (test_bit(RSP_RQ_DEAD, &rq->flags))
		goto out;

	posted = atomic_read(&rq->posted);
	spin_lock_bh(&rq->lock);
	rq->view.posted = posted;
	rq->view.credits = atomic_read(&rq->credits);
	rq->view.nr_low = atomic_xchg(&rq->nr_low, 0);
	rq->view.nr_empty += rq->view.nr_low;
	depth = min(rsp_policy_recv_depth(&rq->view, &rq->gen), rsp_rq_most(rq));
	rq->view.depth = depth;
	if (rq->view.nr_low)
		trace_rsp_rq_empty(&rq->view, posted);
	spin_unlock_bh(&rq->lock);

	while (posted + total < depth) {
		struct rsp_ibuf *buf;
		LIST_HEAD(bufs);
		u32 want = min_t(u32, depth - posted - total, RSP_BATCH);

		for (n = 0; n < want; n++) {
			/* a shared queue has its minimum though another one holds what the policy allows all */
			buf = rsp_pool_get(rsp_recv_svc, rq->class, gfp,
					   rq->srq && posted + total + n < rq->view.min);
			if (!buf)
				break;
			list_add_tail(&buf->list, &bufs);
		}
		is_short = n < want;
		if (!n || rsp_rq_post(rq, &bufs, n))
			break;
		total += n;
		if (is_short)
			break;
	}
	if (total) {
		rq->view.nr_refill++;
		rq->view.posted = posted + total;
		trace_rsp_rq_refill(&rq->view, total);
	}
	if (is_short) {
		/* one that gives back what is above its share is refused as long, and lacks nothing */
		if (atomic_read(&rq->posted) < rq->view.min / 4) {
			rsp_svc_starved(rsp_recv_svc);
			rq->view.nr_empty++;
			trace_rsp_rq_empty(&rq->view, posted + total);
		} else {
			rsp_svc_refused(rsp_recv_svc);
		}
		if (!test_bit(RSP_RQ_DEAD, &rq->flags))
			queue_delayed_work(rsp_wq, &rq->retry_work, msecs_to_jiffies(10));
	}
out:
	clear_bit_unlock(RSP_RQ_REFILLING, &rq->flags);
}

/* the buffer policy changed: every queue asks for its depth again */
void rsp_rq_refill_all(void)
{
	struct rsp_rq *rq;
	unsigned long id;

	rcu_read_lock();
	xa_for_each(&rsp_rqs, id, rq)
		if (!test_bit(RSP_RQ_DEAD, &rq->flags) && (rq->srq || rq->qp))
			queue_delayed_work(rsp_wq, &rq->retry_work, 0);
	rcu_read_unlock();
}

bool rsp_rq_view_next(u32 *id, struct rsp_rq_view *v)
{
	unsigned long i = *id;
	struct rsp_rq *rq;

	rcu_read_lock();
	rq = xa_find_after(&rsp_rqs, &i, ULONG_MAX, XA_PRESENT);
	if (rq) {
		*v = rq->view;
		v->posted = atomic_read(&rq->posted);
		v->credits = atomic_read(&rq->credits);
	}
	rcu_read_unlock();
	*id = i;
	return rq;
}

void rsp_rq_exit(void)
{
	WARN_ON_ONCE(!xa_empty(&rsp_rqs));
}
