// SPDX-License-Identifier: GPL-2.0
/*
 * The backchannel (RFC 8167): nfsd's calls to the client, such as the recall of
 * a delegation, on the connection the client made.
 *
 * sunrpc has a client transport for them, made by nfsd when a client binds the
 * connection to a session's backchannel. It owns no connection: it sends on the
 * channel of the svc_xprt, inline and without chunks, and recv() hands it each
 * message that is an RPC reply.
 *
 *   rpc_xprt  --pointer-------> svc_xprt	bc_xprt; nfsd keeps the svc_xprt as long as
 *						it has an rpc_clnt for it
 *   svc_xprt  --a reference---> rpc_xprt	xpt_bc_xprt, sunrpc puts it
 *   conn      --a reference---> rpc_xprt	bc, for recv(); put when recv() has ended
 *   rpc_xprt  --a reference---> module
 */
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sunrpc/addr.h>
#include <linux/sunrpc/clnt.h>
#include <linux/sunrpc/xprt.h>

#include "server.h"

#define RSP_NFSD_BC_SLOTS	2	/* calls in flight; clients hold this many receives */

static const struct rpc_timeout rsp_nfsd_bc_timeout = {
	.to_initval	= 60 * HZ,
	.to_maxval	= 60 * HZ,
};

static void rsp_nfsd_bc_set_addrs(struct rpc_xprt *xprt)
{
	struct sockaddr *sap = (struct sockaddr *)&xprt->addr;
	char buf[INET6_ADDRSTRLEN + 10];

	rpc_ntop(sap, buf, sizeof(buf));
	xprt->address_strings[RPC_DISPLAY_ADDR] = kstrdup(buf, GFP_KERNEL);
	snprintf(buf, sizeof(buf), "%u", rpc_get_port(sap));
	xprt->address_strings[RPC_DISPLAY_PORT] = kstrdup(buf, GFP_KERNEL);
	xprt->address_strings[RPC_DISPLAY_PROTO] = "rdma";
	xprt->address_strings[RPC_DISPLAY_NETID] =
		sap->sa_family == AF_INET6 ? RPCBIND_NETID_RDMA6 : RPCBIND_NETID_RDMA;
}

static int rsp_nfsd_bc_buf_alloc(struct rpc_task *task)
{
	struct rpc_rqst *rqst = task->tk_rqstp;

	rqst->rq_buffer = kmalloc(rqst->rq_callsize + rqst->rq_rcvsize,
				  GFP_NOIO | __GFP_NOWARN);
	if (!rqst->rq_buffer)
		return -ENOMEM;
	rqst->rq_rbuffer = rqst->rq_buffer + rqst->rq_callsize;
	return 0;
}

static void rsp_nfsd_bc_buf_free(struct rpc_task *task)
{
	kfree(task->tk_rqstp->rq_buffer);
}

static struct rsp_buf *rsp_nfsd_bc_marshal(struct rsp_nfsd_conn *conn, struct rpc_rqst *rqst,
					   u32 len)
{
	struct xdr_buf *xdr = &rqst->rq_snd_buf;
	struct rsp_buf *buf;
	__be32 *p;

	buf = rsp_buf_get(rsp_nfsd_svc, len, GFP_NOIO | __GFP_NOWARN);
	if (!buf)
		return NULL;
	p = rsp_rpcrdma_put_hdr(buf->data, rqst->rq_xid, RSP_NFSD_BC_SLOTS, RSP_RPCRDMA_MSG);
	*p++ = xdr_zero;
	*p++ = xdr_zero;
	*p++ = xdr_zero;
	read_bytes_from_xdr_buf(xdr, 0, p, xdr->len);
	return buf;
}

/*
 * rpc_xprt_ops.send_request. Return: 0, -ENOBUFS to be called again a little
 * later, -EMSGSIZE for never, -ENOTCONN when the connection is gone
 */
static int rsp_nfsd_bc_send(struct rpc_rqst *rqst)
{
	struct rpc_xprt *xprt = rqst->rq_xprt;
	struct svc_xprt *sxprt = xprt->bc_xprt;
	struct rsp_nfsd_conn *conn = rsp_nfsd_conn_of(sxprt);
	u32 len = RSP_RPCRDMA_MIN_LEN + rqst->rq_snd_buf.len;
	struct rsp_work *work;
	struct rsp_buf *buf;

	if (svc_xprt_is_dead(sxprt))
		return -ENOTCONN;
	if (len > conn->max_send)
		return -EMSGSIZE;
	if (!xprt_request_get_cong(xprt, rqst))
		return -EBADSLT;

	work = rsp_work_get(conn->chan, GFP_NOIO | __GFP_NOWARN);
	if (!work)
		return -ENOBUFS;
	buf = rsp_nfsd_bc_marshal(conn, rqst, len);
	if (!buf) {
		rsp_work_free(work);
		return -ENOBUFS;
	}
	rsp_work_set_send(work, buf, len);
	rqst->rq_xtime = ktime_get();
	if (rsp_work_post(work)) {
		svc_xprt_close(sxprt);
		return -ENOTCONN;
	}
	rqst->rq_xmit_bytes_sent += rqst->rq_snd_buf.len;
	return 0;
}

/* sunrpc says that the svc_xprt is closed */
static void rsp_nfsd_bc_close(struct rpc_xprt *xprt)
{
	xprt_disconnect_done(xprt);
}

static void rsp_nfsd_bc_destroy(struct rpc_xprt *xprt)
{
	kfree(xprt->address_strings[RPC_DISPLAY_ADDR]);
	kfree(xprt->address_strings[RPC_DISPLAY_PORT]);
	xprt_free(xprt);
	module_put(THIS_MODULE);
}

static void rsp_nfsd_bc_print_stats(struct rpc_xprt *xprt, struct seq_file *seq)
{
	seq_printf(seq, "\txprt:\trdma %u %lu %lu %lu %lu\n", 0, xprt->stat.bind_count,
		   xprt->stat.sends, xprt->stat.recvs, xprt->stat.bad_xids);
}

static const struct rpc_xprt_ops rsp_nfsd_bc_ops = {
	.reserve_xprt		= xprt_reserve_xprt_cong,
	.release_xprt		= xprt_release_xprt_cong,
	.alloc_slot		= xprt_alloc_slot,
	.free_slot		= xprt_free_slot,
	.release_request	= xprt_release_rqst_cong,
	.buf_alloc		= rsp_nfsd_bc_buf_alloc,
	.buf_free		= rsp_nfsd_bc_buf_free,
	.send_request		= rsp_nfsd_bc_send,
	.wait_for_reply_request	= xprt_wait_for_reply_request_def,
	.close			= rsp_nfsd_bc_close,
	.destroy		= rsp_nfsd_bc_destroy,
	.print_stats		= rsp_nfsd_bc_print_stats,
};

/*
 * A client's reply to a call of ours, from recv(). What does not fit or nobody
 * waits for is dropped.
 */
void rsp_nfsd_bc_reply(struct rsp_nfsd_conn *conn, __be32 xid, u32 credits, const void *msg,
		       u32 len)
{
	struct rpc_xprt *xprt = smp_load_acquire(&conn->bc);
	struct rpc_rqst *rqst;
	struct kvec *dst;

	if (!xprt)
		return;
	spin_lock(&xprt->queue_lock);
	rqst = xprt_lookup_rqst(xprt, xid);
	if (!rqst)
		goto out_unlock;
	dst = &rqst->rq_rcv_buf.head[0];
	if (dst->iov_len < len)
		goto out_unlock;
	memcpy(&rqst->rq_private_buf, &rqst->rq_rcv_buf, sizeof(struct xdr_buf));
	memcpy(dst->iov_base, msg, len);
	xprt_pin_rqst(rqst);
	spin_unlock(&xprt->queue_lock);

	spin_lock(&xprt->transport_lock);
	xprt->cwnd = clamp_t(u32, credits, 1, RSP_NFSD_BC_SLOTS) << RPC_CWNDSHIFT;
	spin_unlock(&xprt->transport_lock);

	spin_lock(&xprt->queue_lock);
	xprt_complete_rqst(rqst->rq_task, len);
	xprt_unpin_rqst(rqst);
out_unlock:
	spin_unlock(&xprt->queue_lock);
}

/* Ends with the reference recv() had; recv() has ended. */
void rsp_nfsd_bc_put(struct rsp_nfsd_conn *conn)
{
	if (conn->bc)
		xprt_put(conn->bc);
}

static struct rpc_xprt *rsp_nfsd_bc_setup(struct xprt_create *args)
{
	struct rsp_nfsd_conn *conn = rsp_nfsd_conn_of(args->bc_xprt);
	struct rpc_xprt *xprt;

	if (args->addrlen > sizeof(xprt->addr))
		return ERR_PTR(-EBADF);
	xprt = xprt_alloc(args->net, sizeof(*xprt), RSP_NFSD_BC_SLOTS, RSP_NFSD_BC_SLOTS);
	if (!xprt)
		return ERR_PTR(-ENOMEM);

	xprt->timeout = &rsp_nfsd_bc_timeout;
	xprt->prot = XPRT_TRANSPORT_BC_RDMA;
	xprt->ops = &rsp_nfsd_bc_ops;
	xprt->max_payload = conn->max_send - RSP_RPCRDMA_MIN_LEN;
	xprt->bc_xprt = args->bc_xprt;
	memcpy(&xprt->addr, args->dstaddr, args->addrlen);
	xprt->addrlen = args->addrlen;
	rsp_nfsd_bc_set_addrs(xprt);
	xprt_set_bound(xprt);
	xprt_set_connected(xprt);
	__module_get(THIS_MODULE);

	/* nfsd asks once for each connection; should two clients share one, the first has it */
	if (cmpxchg_release(&conn->bc, NULL, xprt)) {
		rsp_nfsd_bc_destroy(xprt);
		return ERR_PTR(-EBUSY);
	}
	xprt_get(xprt);		/* conn->bc; recv() may look already, on our caller's reference */
	xprt_get(xprt);
	args->bc_xprt->xpt_bc_xprt = xprt;
	return xprt;
}

static struct xprt_class rsp_nfsd_bc_class = {
	.list		= LIST_HEAD_INIT(rsp_nfsd_bc_class.list),
	.name		= "rdma backchannel",
	.owner		= THIS_MODULE,
	.ident		= XPRT_TRANSPORT_BC_RDMA,
	.setup		= rsp_nfsd_bc_setup,
};

int rsp_nfsd_bc_init(void)
{
	return xprt_register_transport(&rsp_nfsd_bc_class);
}

void rsp_nfsd_bc_exit(void)
{
	xprt_unregister_transport(&rsp_nfsd_bc_class);
}
