// SPDX-License-Identifier: GPL-2.0
/*
 * The NFSv4.1 backchannel (RFC 8167): calls of the server arrive on the same
 * connection and are answered on it, inline both ways.
 *
 *	rsp_nfs_bc_recv() -> bc_serv's queue -> callback thread
 *	   -> rsp_nfs_bc_send() -> rsp_nfs_bc_free_rqst() -> bc_pa_list
 *
 * The request owns the receive buffer of its call from recv until it is freed, and
 * a reference on the transport. The server's backchannel credits are what
 * RSP_NFS_BC_SLOTS says; a server that exceeds them is disconnected.
 */
#include <linux/lwq.h>
#include <linux/slab.h>
#include <linux/sunrpc/bc_xprt.h>
#include <linux/sunrpc/sched.h>
#include <linux/sunrpc/svc.h>

#include "client.h"

#ifdef CONFIG_SUNRPC_BACKCHANNEL

/* requests are made when the first calls come, so there is nothing to prepare */
int rsp_nfs_bc_setup(struct rpc_xprt *xprt, unsigned int reqs)
{
	return 0;
}

size_t rsp_nfs_bc_maxpayload(struct rpc_xprt *xprt)
{
	struct rsp_nfs_xprt *r = rsp_nfs_xprt(xprt);
	u32 bytes = min3(r->max_send, r->max_recv, (u32)PAGE_SIZE);

	return max_t(u32, bytes, RSP_RPCRDMA_DEF_INLINE) - RSP_RPCRDMA_MIN_LEN;
}

unsigned int rsp_nfs_bc_num_slots(struct rpc_xprt *xprt)
{
	return RSP_NFS_BC_SLOTS;
}

void rsp_nfs_bc_destroy(struct rpc_xprt *xprt, unsigned int reqs)
{
	struct rpc_rqst *rqst, *next;
	LIST_HEAD(list);

	spin_lock(&xprt->bc_pa_lock);
	list_splice_init(&xprt->bc_pa_list, &list);
	list_for_each_entry(rqst, &list, rq_bc_pa_list)
		xprt->bc_alloc_count--;
	spin_unlock(&xprt->bc_pa_lock);
	list_for_each_entry_safe(rqst, next, &list, rq_bc_pa_list)
		rsp_nfs_req_free(rsp_nfs_req(rqst));
}

static struct rpc_rqst *rsp_nfs_bc_get(struct rsp_nfs_xprt *r)
{
	struct rpc_xprt *xprt = &r->xprt;
	struct rsp_nfs_req *req;
	struct rpc_rqst *rqst;

	spin_lock(&xprt->bc_pa_lock);
	rqst = list_first_entry_or_null(&xprt->bc_pa_list, struct rpc_rqst,
					rq_bc_pa_list);
	if (rqst) {
		list_del(&rqst->rq_bc_pa_list);
		spin_unlock(&xprt->bc_pa_lock);
		return rqst;
	}
	if (xprt->bc_alloc_count >= RSP_NFS_BC_SLOTS) {
		spin_unlock(&xprt->bc_pa_lock);
		return NULL;
	}
	xprt->bc_alloc_count++;
	spin_unlock(&xprt->bc_pa_lock);

	req = rsp_nfs_req_alloc(r, GFP_NOWAIT | __GFP_NOWARN);
	if (req) {
		req->sendbuf = kmalloc(PAGE_SIZE, GFP_NOWAIT | __GFP_NOWARN);
		if (req->sendbuf) {
			req->sendbuf_bytes = PAGE_SIZE;
			req->rqst.rq_xprt = xprt;
			__set_bit(RPC_BC_PA_IN_USE, &req->rqst.rq_bc_pa_state);
			return &req->rqst;
		}
		rsp_nfs_req_free(req);
	}
	spin_lock(&xprt->bc_pa_lock);
	xprt->bc_alloc_count--;
	spin_unlock(&xprt->bc_pa_lock);
	return NULL;
}

void rsp_nfs_bc_free_rqst(struct rpc_rqst *rqst)
{
	struct rsp_nfs_req *req = rsp_nfs_req(rqst);
	struct rpc_xprt *xprt = rqst->rq_xprt;

	rsp_buf_put(req->buf);
	req->buf = NULL;
	spin_lock(&xprt->bc_pa_lock);
	list_add_tail(&rqst->rq_bc_pa_list, &xprt->bc_pa_list);
	spin_unlock(&xprt->bc_pa_lock);
	xprt_put(xprt);
}

/*
 * A call of the server in @buf, headers checked.
 * Return: true when the request took @buf.
 */
bool rsp_nfs_bc_recv(struct rsp_nfs_xprt *r, struct rsp_buf *buf, __be32 xid)
{
	struct rpc_xprt *xprt = &r->xprt;
	struct svc_serv *serv = READ_ONCE(xprt->bc_serv);
	struct rpc_rqst *rqst;
	struct xdr_buf *xdr;
	u32 bytes = buf->len - RSP_RPCRDMA_MIN_LEN;

	if (!serv || !xprt_get(xprt))
		return false;
	rqst = rsp_nfs_bc_get(r);
	if (!rqst) {
		xprt_put(xprt);
		/* it has more calls out than the session allows */
		xprt_force_disconnect(xprt);
		return false;
	}

	rsp_nfs_req(rqst)->buf = buf;
	rqst->rq_xid = xid;
	rqst->rq_reply_bytes_recvd = 0;
	rqst->rq_bytes_sent = 0;
	rqst->rq_connect_cookie = xprt->connect_cookie;
	xdr_buf_init(&rqst->rq_snd_buf, rsp_nfs_req(rqst)->sendbuf, PAGE_SIZE);
	xdr = &rqst->rq_rcv_buf;
	memset(xdr, 0, sizeof(*xdr));
	xdr->head[0].iov_base = buf->data + RSP_RPCRDMA_MIN_LEN;
	xdr->head[0].iov_len = bytes;
	xdr->len = bytes;
	xdr->buflen = bytes;
	rqst->rq_private_buf = *xdr;

	atomic_inc(&xprt->bc_slot_count);	/* svc_process_bc() takes it back */
	lwq_enqueue(&rqst->rq_bc_list, &serv->sv_cb_list);
	svc_pool_wake_idle_thread(&serv->sv_pools[0]);
	return true;
}

/* Sends the answer in rq_snd_buf. Caller holds the send lock. */
int rsp_nfs_bc_send(struct rpc_rqst *rqst)
{
	struct rsp_nfs_xprt *r = rsp_nfs_xprt(rqst->rq_xprt);
	u32 len = RSP_RPCRDMA_MIN_LEN + rqst->rq_snd_buf.len;
	gfp_t gfp = rpc_task_gfp_mask();
	struct rsp_work *work;
	struct rsp_buf *buf;
	__be32 *p;

	/* an answer belongs to the connection its call came on */
	if (!xprt_connected(&r->xprt) || !r->chan ||
	    rqst->rq_connect_cookie != r->xprt.connect_cookie)
		return -ENOTCONN;
	if (len > r->max_send)
		return -EIO;
	work = rsp_work_get(r->chan, gfp);
	if (!work)
		return rsp_chan_is_up(r->chan) ? rsp_nfs_starve(r, false) : -ENOTCONN;
	buf = rsp_buf_get(rsp_nfs_client_svc, len, gfp);
	if (!buf) {
		rsp_work_free(work);
		return rsp_nfs_starve(r, true);
	}
	p = rsp_rpcrdma_put_hdr(buf->data, rqst->rq_xid, RSP_NFS_BC_SLOTS,
				RSP_RPCRDMA_MSG);
	*p++ = 0;
	*p++ = 0;
	*p++ = 0;
	rsp_nfs_copy_xdr(p, &rqst->rq_snd_buf);
	rsp_work_set_send(work, buf, len);
	if (rsp_work_post(work)) {
		rsp_nfs_close(&r->xprt);
		return -ENOTCONN;
	}
	return 0;
}

#endif /* CONFIG_SUNRPC_BACKCHANNEL */
