// SPDX-License-Identifier: GPL-2.0
/*
 * The client transport: the xprt class behind "proto=rdma", its connections and
 * its slots. client_send.c marshals calls, client_recv.c takes replies,
 * client_bc.c is the NFSv4.1 backchannel.
 *
 * A transport has at most one channel. It is made by the connect worker and
 * ended by rsp_nfs_close(), both under the transport's send lock, so sending
 * needs no other lock to use it:
 *
 *	connect() -> connect_work: rsp_chan_connect() .. up()   -> connected
 *	                                              .. down() -> connect fails
 *	connected: down() -> xprt_force_disconnect() -> autoclose -> close()
 *	           timer(), rehome(), idle           -> autoclose -> close()
 *	           a failed post                     -> close()
 *
 * close() leaves no request behind that the device, RSP or the peer still
 * knows: only then does sunrpc send them again or give their pages back.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/seq_file.h>
#include <linux/wait_bit.h>
#include <linux/sched/mm.h>
#include <linux/sunrpc/addr.h>
#include <linux/sunrpc/clnt.h>
#include <linux/sunrpc/sched.h>

#include "client.h"

#define RSP_NFS_RESOLVE_MS	5000		/* address and route each */
#define RSP_NFS_CONNECT_TO	(30U * HZ)	/* all of it; the CM alone would go on for a minute */
#define RSP_NFS_REEST_MIN	(1U * HZ)	/* first wait before a reconnect */
#define RSP_NFS_REEST_MAX	(15U * HZ)	/* longest */
#define RSP_NFS_BIND_TO		(60U * HZ)
#define RSP_NFS_MOVE_TO		(5U * HZ)	/* longest drain for rehome() */
#define RSP_NFS_RETRY_TO	(HZ / 50 + 1)	/* for keys and memory */

static unsigned int inline_bytes = RSP_NFS_INLINE_BYTES;
module_param(inline_bytes, uint, 0444);
MODULE_PARM_DESC(inline_bytes, "client: largest inline message, 1024 to 65536 (default 8192)");

struct rsp_svc *rsp_nfs_client_svc;

/* transports that wait for a buffer; one wake-up is ordered for all of them */
static LIST_HEAD(rsp_nfs_starved);
static DEFINE_SPINLOCK(rsp_nfs_starved_lock);

static struct xprt_class rsp_nfs_xprt_class;

/* -------------------------------------------------------------- requests --- */

struct rsp_nfs_req *rsp_nfs_req_alloc(struct rsp_nfs_xprt *r, gfp_t gfp)
{
	struct rsp_nfs_req *req = kzalloc(sizeof(*req), gfp);

	if (!req)
		return NULL;
	req->owner = r;
	INIT_LIST_HEAD(&req->free);
	atomic_set(&req->state, RSP_NFS_IDLE);
	return req;
}

void rsp_nfs_req_free(struct rsp_nfs_req *req)
{
	if (!req)
		return;
	if (req->buf)
		rsp_buf_put(req->buf);
	kfree(req->sendbuf);
	kfree(req->recvbuf);
	kfree(req);
}

static void rsp_nfs_alloc_slot(struct rpc_xprt *xprt, struct rpc_task *task)
{
	struct rsp_nfs_xprt *r = rsp_nfs_xprt(xprt);
	struct rsp_nfs_req *req;

	spin_lock(&xprt->reserve_lock);
	req = list_first_entry_or_null(&r->free, struct rsp_nfs_req, free);
	if (req) {
		list_del_init(&req->free);
		goto out;
	}
	if (xprt->num_reqs >= xprt->max_reqs) {
		xprt_add_backlog(xprt, task);
		task->tk_status = -EAGAIN;
		spin_unlock(&xprt->reserve_lock);
		return;
	}
	xprt->num_reqs++;
	spin_unlock(&xprt->reserve_lock);

	req = rsp_nfs_req_alloc(r, rpc_task_gfp_mask());

	spin_lock(&xprt->reserve_lock);
	if (!req) {
		xprt->num_reqs--;
		task->tk_status = -ENOMEM;
		spin_unlock(&xprt->reserve_lock);
		return;
	}
	r->reqs[r->nr_req] = req;
	smp_store_release(&r->nr_req, r->nr_req + 1);	/* rsp_nfs_give_up_all() */
	xprt->stat.max_slots = max_t(unsigned int, xprt->stat.max_slots,
				     xprt->num_reqs);
out:
	spin_unlock(&xprt->reserve_lock);
	task->tk_rqstp = &req->rqst;
	task->tk_status = 0;
}

static void rsp_nfs_free_slot(struct rpc_xprt *xprt, struct rpc_rqst *rqst)
{
	struct rsp_nfs_xprt *r = rsp_nfs_xprt(xprt);
	struct rsp_nfs_req *req = rsp_nfs_req(rqst);

	spin_lock(&xprt->reserve_lock);
	if (!xprt_wake_up_backlog(xprt, rqst)) {
		memset(rqst, 0, sizeof(*rqst));
		req->stall_ns = 0;
		list_add(&req->free, &r->free);
	}
	spin_unlock(&xprt->reserve_lock);
}

static void *rsp_nfs_grow(void *buf, u32 *have, size_t want, gfp_t gfp,
			  struct rsp_nfs_xprt *r)
{
	if (likely(want <= *have))
		return buf;
	kfree(buf);
	*have = 0;
	want = kmalloc_size_roundup(want);
	buf = kmalloc(want, gfp);
	if (buf) {
		*have = want;
		r->stats.hardway_bytes += want;
	}
	return buf;
}

static int rsp_nfs_buf_alloc(struct rpc_task *task)
{
	struct rpc_rqst *rqst = task->tk_rqstp;
	struct rsp_nfs_req *req = rsp_nfs_req(rqst);
	gfp_t gfp = rpc_task_gfp_mask();

	req->sendbuf = rsp_nfs_grow(req->sendbuf, &req->sendbuf_bytes,
				    rqst->rq_callsize, gfp, req->owner);
	if (!req->sendbuf)
		return -ENOMEM;
	req->recvbuf = rsp_nfs_grow(req->recvbuf, &req->recvbuf_bytes,
				    rqst->rq_rcvsize, gfp, req->owner);
	if (!req->recvbuf)
		return -ENOMEM;
	rqst->rq_buffer = req->sendbuf;
	rqst->rq_rbuffer = req->recvbuf;
	return 0;
}

/*
 * The task is over. If it was killed the call may still be out: nobody may touch
 * its pages any more once this returns.
 */
static void rsp_nfs_buf_free(struct rpc_task *task)
{
	struct rsp_nfs_req *req = rsp_nfs_req(task->tk_rqstp);

	if (unlikely(atomic_read_acquire(&req->state) != RSP_NFS_IDLE)) {
		rsp_nfs_req_give_up(req, -EINTR);
		rsp_nfs_req_wait_idle(req);
	}
	if (req->buf) {
		rsp_buf_put(req->buf);
		req->buf = NULL;
	}
}

/* -------------------------------------------------- waiting for resources --- */

static void rsp_nfs_unstarve(struct rsp_nfs_xprt *r)
{
	spin_lock(&rsp_nfs_starved_lock);
	list_del_init(&r->starved);
	spin_unlock(&rsp_nfs_starved_lock);
}

static void rsp_nfs_buf_ready(void *arg)
{
	struct rsp_nfs_xprt *r, *next;

	/* under the lock, so that destroy cannot free a transport meanwhile */
	spin_lock(&rsp_nfs_starved_lock);
	list_for_each_entry_safe(r, next, &rsp_nfs_starved, starved) {
		list_del_init(&r->starved);
		xprt_write_space(&r->xprt);
	}
	spin_unlock(&rsp_nfs_starved_lock);
}

static void rsp_nfs_retry_work(struct work_struct *work)
{
	struct rsp_nfs_xprt *r = container_of(work, struct rsp_nfs_xprt,
					      retry_work.work);

	xprt_write_space(&r->xprt);
}

/*
 * There is no buffer (@for_buf), key or memory for a send now. Senders wait until
 * one may have come free; the timer is for what nobody announces.
 *
 * Return: what send_request() answers.
 */
int rsp_nfs_starve(struct rsp_nfs_xprt *r, bool for_buf)
{
	bool is_first = false;

	r->stats.starved++;
	xprt_wait_for_buffer_space(&r->xprt);
	if (for_buf) {
		spin_lock(&rsp_nfs_starved_lock);
		is_first = list_empty(&rsp_nfs_starved);
		if (list_empty(&r->starved))
			list_add_tail(&r->starved, &rsp_nfs_starved);
		spin_unlock(&rsp_nfs_starved_lock);
		if (is_first)
			rsp_buf_wake(rsp_nfs_client_svc, rsp_nfs_buf_ready, NULL);
	}
	mod_delayed_work(system_wq, &r->retry_work, RSP_NFS_RETRY_TO);
	return -EAGAIN;
}

void rsp_nfs_set_window(struct rsp_nfs_xprt *r, u32 window)
{
	struct rpc_xprt *xprt = &r->xprt;

	if (window == READ_ONCE(r->window))
		return;
	spin_lock(&xprt->transport_lock);
	WRITE_ONCE(r->window, window);
	xprt->cwnd = (unsigned long)window << RPC_CWNDSHIFT;
	spin_unlock(&xprt->transport_lock);
}

/* ----------------------------------------------------------- connections --- */

static void rsp_nfs_up(struct rsp_chan *chan, const void *pdata, u8 len)
{
	struct rsp_nfs_xprt *r = rsp_chan_priv(chan);
	struct rsp_rpcrdma_limits own = {
		.send = inline_bytes,
		.recv = inline_bytes,
	}, peer, both;

	rsp_rpcrdma_get_cm(pdata, len, &peer);
	rsp_rpcrdma_agree(&own, &peer, &both);
	r->max_send = both.send;
	r->max_recv = both.recv;
	rsp_chan_set_max_inline(chan, min(both.send, both.recv));
	r->conn_err = 0;
	complete(&r->connected);
}

static void rsp_nfs_down(struct rsp_chan *chan, int reason)
{
	struct rsp_nfs_xprt *r = rsp_chan_priv(chan);

	if (r->conn_err) {		/* it never came up */
		r->conn_err = reason ? reason : -ECONNRESET;
		complete(&r->connected);
		return;
	}
	if (!READ_ONCE(r->is_closing))
		xprt_force_disconnect(&r->xprt);
}

static void rsp_nfs_rehome(struct rsp_chan *chan)
{
	struct rsp_nfs_xprt *r = rsp_chan_priv(chan);

	if (READ_ONCE(r->is_closing) || READ_ONCE(r->is_moving))
		return;
	WRITE_ONCE(r->move_until, jiffies + RSP_NFS_MOVE_TO);
	WRITE_ONCE(r->is_moving, true);
	smp_mb();	/* whoever makes it zero after this looks at is_moving */
	if (!atomic_read(&r->nr_busy))
		xprt_force_disconnect(&r->xprt);
}

/* end requests that the connection in its last breath cannot end */
static void rsp_nfs_give_up_all(struct rsp_nfs_xprt *r)
{
	u32 i, nr = smp_load_acquire(&r->nr_req);

	for (i = 0; i < nr; i++)
		rsp_nfs_req_give_up(r->reqs[i], -ENOTCONN);
	wait_var_event(&r->nr_busy, !atomic_read(&r->nr_busy));
}

/* Caller holds the send lock, or is the last user. */
static void rsp_nfs_disconnect(struct rsp_nfs_xprt *r)
{
	struct rsp_chan *chan = r->chan;

	if (!chan)
		return;
	WRITE_ONCE(r->is_closing, true);
	rsp_chan_kill(chan);
	rsp_nfs_give_up_all(r);
	r->chan = NULL;
	rsp_chan_close(chan);		/* waits for down(), nothing follows */
	r->is_moving = false;
	cancel_delayed_work(&r->retry_work);
}

void rsp_nfs_close(struct rpc_xprt *xprt)
{
	struct rsp_nfs_xprt *r = rsp_nfs_xprt(xprt);

	rsp_nfs_disconnect(r);
	xprt->reestablish_timeout = 0;
	xprt->connect_cookie++;
	xprt_disconnect_done(xprt);
}

static int rsp_nfs_connect_chan(struct rsp_nfs_xprt *r)
{
	struct rpc_xprt *xprt = &r->xprt;
	struct rsp_rpcrdma_limits own = {
		.send = inline_bytes,
		.recv = inline_bytes,
		.remote_inv = true,
	};
	struct rsp_rpcrdma_cm cm;
	struct rsp_conn_param param = {
		.pdata		= &cm,
		.pdata_len	= sizeof(cm),
		.max_sends	= RSP_NFS_SLOTS + RSP_NFS_BC_SLOTS,
		.max_credits	= RSP_NFS_SLOTS,
		.max_map_bytes	= RSP_NFS_MAX_MSG,
	};
	struct rsp_chan *chan;

	rsp_nfs_disconnect(r);

	/* one call until the first reply tells the grant, RFC 8166 section 3.3.3 */
	rsp_nfs_set_window(r, 1);
	r->peer_grant = 0;
	r->connect_ns = ktime_get_ns();

	rsp_rpcrdma_put_cm(&cm, &own);
	r->is_closing = false;
	r->conn_err = -EINPROGRESS;
	reinit_completion(&r->connected);
	chan = rsp_chan_connect(rsp_nfs_client_svc, xprt->xprt_net, NULL,
				(struct sockaddr *)&xprt->addr, &param, r,
				RSP_NFS_RESOLVE_MS);
	if (IS_ERR(chan))
		return PTR_ERR(chan);
	r->chan = chan;
	if (!wait_for_completion_timeout(&r->connected, RSP_NFS_CONNECT_TO))
		return -ETIMEDOUT;
	if (r->conn_err)
		return r->conn_err;
	if (xprt->idle_timeout)
		xprt->idle_timeout = (unsigned long)rsp_chan_linger_s(chan) * HZ;
	return 0;
}

/* errors that sunrpc knows as "try again", with a delay where that is wise */
static int rsp_nfs_connect_status(int err)
{
	switch (err) {
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -ECONNABORTED:
	case -ENETDOWN:
	case -ENETUNREACH:
	case -EHOSTUNREACH:
	case -ETIMEDOUT:
	case -ENOTCONN:
		return err;
	case -ENODEV:		/* no RDMA device leads there, now */
	case -EADDRNOTAVAIL:
		return -EHOSTUNREACH;
	case -ENOMEM:
		return -ENOBUFS;
	default:
		return -ENOTCONN;
	}
}

static void rsp_nfs_connect_work(struct work_struct *work)
{
	struct rsp_nfs_xprt *r = container_of(work, struct rsp_nfs_xprt,
					      connect_work.work);
	struct rpc_xprt *xprt = &r->xprt;
	unsigned int nofs = memalloc_nofs_save();
	int err;

	xprt_clear_connected(xprt);
	err = rsp_nfs_connect_chan(r);
	xprt_clear_connecting(xprt);
	if (!err) {
		xprt->connect_cookie++;
		xprt->stat.connect_count++;
		xprt->stat.connect_time += (long)jiffies -
					   xprt->stat.connect_start;
		xprt_set_connected(xprt);
		err = -EAGAIN;
	} else {
		rsp_nfs_disconnect(r);
		err = rsp_nfs_connect_status(err);
	}
	r->is_failed = true;		/* until a reply proves otherwise */
	xprt_unlock_connect(xprt, r);
	xprt_wake_pending_tasks(xprt, err);
	memalloc_nofs_restore(nofs);
}

static void rsp_nfs_connect(struct rpc_xprt *xprt, struct rpc_task *task)
{
	struct rsp_nfs_xprt *r = rsp_nfs_xprt(xprt);
	unsigned long delay = 0;

	WARN_ON_ONCE(!xprt_lock_connect(xprt, task, r));

	if (r->is_failed) {
		delay = xprt_reconnect_delay(xprt);
		xprt_reconnect_backoff(xprt, RSP_NFS_REEST_MIN);
	}
	queue_delayed_work(system_long_wq, &r->connect_work, delay);
}

static void rsp_nfs_set_connect_timeout(struct rpc_xprt *xprt,
					unsigned long connect_timeout,
					unsigned long reconnect_timeout)
{
	struct rsp_nfs_xprt *r = rsp_nfs_xprt(xprt);

	spin_lock(&xprt->transport_lock);
	if (connect_timeout < xprt->connect_timeout) {
		r->timeout = *xprt->timeout;
		r->timeout.to_initval = max_t(unsigned long, connect_timeout,
					      2 * RSP_NFS_REEST_MIN);
		r->timeout.to_maxval = r->timeout.to_initval;
		xprt->timeout = &r->timeout;
		xprt->connect_timeout = connect_timeout;
	}
	if (reconnect_timeout < xprt->max_reconnect_timeout)
		xprt->max_reconnect_timeout = reconnect_timeout;
	spin_unlock(&xprt->transport_lock);
}

/* A call got no answer in time: nothing tells a dead path but a new connection. */
static void rsp_nfs_timer(struct rpc_xprt *xprt, struct rpc_task *task)
{
	xprt_force_disconnect(xprt);
}

static void rsp_nfs_inject_disconnect(struct rpc_xprt *xprt)
{
	struct rsp_nfs_xprt *r = rsp_nfs_xprt(xprt);

	if (r->chan)
		rsp_chan_kill(r->chan);
}

/* --------------------------------------------------- addresses and figures --- */

static void rsp_nfs_set_string(struct rpc_xprt *xprt, enum rpc_display_format_t i,
			       const char *text)
{
	kfree(xprt->address_strings[i]);
	xprt->address_strings[i] = kstrdup(text, GFP_KERNEL);
}

static void rsp_nfs_format_port(struct rpc_xprt *xprt, u16 port)
{
	char text[8];

	snprintf(text, sizeof(text), "%u", port);
	rsp_nfs_set_string(xprt, RPC_DISPLAY_PORT, text);
	snprintf(text, sizeof(text), "%4hx", port);
	rsp_nfs_set_string(xprt, RPC_DISPLAY_HEX_PORT, text);
}

static void rsp_nfs_format_addr(struct rpc_xprt *xprt, const struct sockaddr *sap)
{
	char text[128];

	if (sap->sa_family == AF_INET6) {
		snprintf(text, sizeof(text), "%pi6",
			 &((const struct sockaddr_in6 *)sap)->sin6_addr);
		xprt->address_strings[RPC_DISPLAY_NETID] = RPCBIND_NETID_RDMA6;
	} else {
		snprintf(text, sizeof(text), "%08x",
			 ntohl(((const struct sockaddr_in *)sap)->sin_addr.s_addr));
		xprt->address_strings[RPC_DISPLAY_NETID] = RPCBIND_NETID_RDMA;
	}
	rsp_nfs_set_string(xprt, RPC_DISPLAY_HEX_ADDR, text);
	rpc_ntop(sap, text, sizeof(text));
	rsp_nfs_set_string(xprt, RPC_DISPLAY_ADDR, text);
	rsp_nfs_format_port(xprt, rpc_get_port(sap));
	xprt->address_strings[RPC_DISPLAY_PROTO] = "rdma";
}

static void rsp_nfs_set_port(struct rpc_xprt *xprt, unsigned short port)
{
	rpc_set_port((struct sockaddr *)&xprt->addr, port);
	rsp_nfs_format_port(xprt, port);
}

/* the layout is that of the stock "rdma" transport: nfsiostat and others parse it */
static void rsp_nfs_print_stats(struct rpc_xprt *xprt, struct seq_file *seq)
{
	const struct rsp_nfs_stats *s = &rsp_nfs_xprt(xprt)->stats;
	long idle_s = 0;

	if (xprt_connected(xprt))
		idle_s = (long)(jiffies - xprt->last_used) / HZ;

	seq_printf(seq, "\txprt:\trdma %u %lu %lu %lu %ld %lu %lu %lu %llu %llu ",
		   0, xprt->stat.bind_count, xprt->stat.connect_count,
		   xprt->stat.connect_time / HZ, idle_s, xprt->stat.sends,
		   xprt->stat.recvs, xprt->stat.bad_xids, xprt->stat.req_u,
		   xprt->stat.bklog_u);
	seq_printf(seq, "%lu %lu %lu %llu %llu %llu %llu %lu %lu %lu %lu ",
		   s->read_chunks, s->write_chunks, s->reply_chunks,
		   s->rdma_request_bytes, s->rdma_reply_bytes, s->pullup_bytes,
		   s->fixup_bytes, s->hardway_bytes, s->failed_marshals,
		   s->bad_replies, s->nomsg_calls);
	/* recycled, orphaned and allocated MRs are the platform's: rspctl shows them */
	seq_printf(seq, "%lu %lu %lu %lu %lu %lu\n", 0UL, 0UL, 0UL,
		   s->local_invs, s->starved, 0UL);
}

/*
 * Swap needs memory reserves all the way down. Connection set-up and refills run
 * on RSP's own queues, without them: say no rather than hang later.
 */
static int rsp_nfs_enable_swap(struct rpc_xprt *xprt)
{
	return -EOPNOTSUPP;
}

static void rsp_nfs_disable_swap(struct rpc_xprt *xprt)
{
}

/* --------------------------------------------------------- set-up and class --- */

static void rsp_nfs_free_strings(struct rpc_xprt *xprt)
{
	unsigned int i;

	for (i = 0; i < RPC_DISPLAY_MAX; i++)
		if (i != RPC_DISPLAY_PROTO && i != RPC_DISPLAY_NETID)
			kfree(xprt->address_strings[i]);
}

static void rsp_nfs_destroy(struct rpc_xprt *xprt)
{
	struct rsp_nfs_xprt *r = rsp_nfs_xprt(xprt);
	u32 i;

	cancel_delayed_work_sync(&r->connect_work);
	rsp_nfs_disconnect(r);
	cancel_delayed_work_sync(&r->retry_work);
	rsp_nfs_unstarve(r);
#ifdef CONFIG_SUNRPC_BACKCHANNEL
	/* what came back after sunrpc emptied the list */
	rsp_nfs_bc_destroy(xprt, UINT_MAX);
#endif
	for (i = 0; i < r->nr_req; i++)
		rsp_nfs_req_free(r->reqs[i]);
	rsp_nfs_free_strings(xprt);
	xprt_free(xprt);
	module_put(THIS_MODULE);
}

static const struct rpc_timeout rsp_nfs_timeout = {
	.to_initval	= 60 * HZ,
	.to_maxval	= 60 * HZ,
};

static const struct rpc_xprt_ops rsp_nfs_xprt_ops = {
	.reserve_xprt		= rsp_nfs_reserve,
	.release_xprt		= xprt_release_xprt_cong,
	.alloc_slot		= rsp_nfs_alloc_slot,
	.free_slot		= rsp_nfs_free_slot,
	.rpcbind		= rpcb_getport_async,
	.set_port		= rsp_nfs_set_port,
	.connect		= rsp_nfs_connect,
	.buf_alloc		= rsp_nfs_buf_alloc,
	.buf_free		= rsp_nfs_buf_free,
	.send_request		= rsp_nfs_send,
	.wait_for_reply_request	= xprt_wait_for_reply_request_def,
	.timer			= rsp_nfs_timer,
	.release_request	= xprt_release_rqst_cong,
	.close			= rsp_nfs_close,
	.destroy		= rsp_nfs_destroy,
	.set_connect_timeout	= rsp_nfs_set_connect_timeout,
	.print_stats		= rsp_nfs_print_stats,
	.enable_swap		= rsp_nfs_enable_swap,
	.disable_swap		= rsp_nfs_disable_swap,
	.inject_disconnect	= rsp_nfs_inject_disconnect,
#ifdef CONFIG_SUNRPC_BACKCHANNEL
	.bc_setup		= rsp_nfs_bc_setup,
	.bc_maxpayload		= rsp_nfs_bc_maxpayload,
	.bc_num_slots		= rsp_nfs_bc_num_slots,
	.bc_free_rqst		= rsp_nfs_bc_free_rqst,
	.bc_destroy		= rsp_nfs_bc_destroy,
#endif
};

static struct rpc_xprt *rsp_nfs_setup(struct xprt_create *args)
{
	struct rsp_nfs_xprt *r;
	struct rpc_xprt *xprt;

	if (args->addrlen > sizeof(xprt->addr) ||
	    (args->dstaddr->sa_family != AF_INET &&
	     args->dstaddr->sa_family != AF_INET6))
		return ERR_PTR(-EBADF);
	if (!try_module_get(THIS_MODULE))
		return ERR_PTR(-EIO);

	xprt = xprt_alloc(args->net, sizeof(*r), 0, RSP_NFS_SLOTS);
	if (!xprt) {
		module_put(THIS_MODULE);
		return ERR_PTR(-ENOMEM);
	}
	r = rsp_nfs_xprt(xprt);
	INIT_LIST_HEAD(&r->free);
	INIT_LIST_HEAD(&r->starved);
	INIT_DELAYED_WORK(&r->connect_work, rsp_nfs_connect_work);
	INIT_DELAYED_WORK(&r->retry_work, rsp_nfs_retry_work);
	init_completion(&r->connected);

	xprt->ops = &rsp_nfs_xprt_ops;
	xprt->xprt_class = &rsp_nfs_xprt_class;
	xprt->timeout = &rsp_nfs_timeout;
	xprt->connect_timeout = rsp_nfs_timeout.to_initval;
	xprt->max_reconnect_timeout = RSP_NFS_REEST_MAX;
	xprt->bind_timeout = RSP_NFS_BIND_TO;
	xprt->reestablish_timeout = RSP_NFS_REEST_MIN;
	xprt->idle_timeout = 300 * HZ;	/* the endpoint policy's once connected */
	xprt->max_payload = RSP_NFS_MAX_PAYLOAD;
	xprt->prot = IPPROTO_TCP;	/* for side protocols that look at it */
	xprt->addrlen = args->addrlen;
	memcpy(&xprt->addr, args->dstaddr, args->addrlen);
	if (rpc_get_port(args->dstaddr))
		xprt_set_bound(xprt);
	rsp_nfs_format_addr(xprt, args->dstaddr);
	return xprt;
}

static struct xprt_class rsp_nfs_xprt_class = {
	.list	= LIST_HEAD_INIT(rsp_nfs_xprt_class.list),
	.name	= "rdma",
	.owner	= THIS_MODULE,
	.ident	= XPRT_TRANSPORT_RDMA,
	.setup	= rsp_nfs_setup,
	.netid	= { "rdma", "rdma6", "" },
};

static const struct rsp_svc_ops rsp_nfs_client_ops = {
	.up	= rsp_nfs_up,
	.down	= rsp_nfs_down,
	.recv	= rsp_nfs_recv,
	.rehome	= rsp_nfs_rehome,
};

int rsp_nfs_client_init(void)
{
	struct rsp_svc_attr attr = {
		.name	= "nfs-client",
		.ops	= &rsp_nfs_client_ops,
		.owner	= THIS_MODULE,
		.weight	= 100,
	};
	struct rsp_svc *svc;
	int err;

	inline_bytes = clamp_t(unsigned int, inline_bytes, 1024, 65536) & ~1023U;
	attr.recv_bytes = inline_bytes;
	svc = rsp_svc_register(&attr);
	if (IS_ERR(svc))
		return PTR_ERR(svc);
	rsp_nfs_client_svc = svc;

	err = xprt_register_transport(&rsp_nfs_xprt_class);
	if (err)
		rsp_svc_unregister(svc);
	return err;
}

void rsp_nfs_client_exit(void)
{
	xprt_unregister_transport(&rsp_nfs_xprt_class);
	rsp_svc_unregister(rsp_nfs_client_svc);
}
