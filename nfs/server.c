// SPDX-License-Identifier: GPL-2.0
/*
 * The svc transport "rdma" over RSP: listeners and connections.
 *
 * nfsd creates a listener (xpo_create) for each line it is given in portlist.
 * RSP tells of each client that connects; such a connection is accepted at once,
 * and once it is up it waits on its listener until an nfsd thread takes it
 * (xpo_accept).
 *
 *	client         RSP                    rsp_nfsd_conn             sunrpc
 *	connect -----> accept() ------------> created, XPT_BUSY
 *	                                      lsn.opening
 *	               up() ----------------> lsn.accepted, XPT_CONN --> xpo_accept: on serv's list,
 *	                                                                 XPT_BUSY cleared
 *	call --------> recv() ---> parse, pull read chunks, conn.calls,
 *	                                      XPT_DATA ----------------> xpo_recvfrom
 *	                                                                 nfsd works
 *	reply <------- rsp_work_post() <-------------------------------- xpo_sendto
 *	                                      call freed <-------------- xpo_release_ctxt
 *	gone --------> down() --------------> XPT_CLOSE ---------------> xpo_detach: rsp_chan_kill()
 *	               (never up: put)                                   last svc_xprt_put()
 *	                                                                 xpo_free
 *	               the later of down() and xpo_free: rsp_chan_close(), freed
 *
 * Who holds what:
 *
 *   svc_xprt --one reference on--> rsp_chan	from accept() until both ends are over
 *   rsp_chan --pointer (priv)----> svc_xprt	until down(), after which RSP calls us no more. So
 *		recv(), done() and down() may use the connection without a reference.
 *		nr_ends counts the two, sunrpc and RSP: a peer may let RSP wait for seconds, and
 *		xpo_free is called by an nfsd thread, whom others wait for.
 *   call ------pointer-----------> svc_xprt	no reference: nfsd holds one while it works on
 *		it, RSP's drain ends those under RDMA, the end frees those nobody took.
 *   svc_xprt --one reference on--> module	sunrpc's, dropped behind xpo_free. Connections
 *		that no nfsd thread took have none yet: one is taken before they are put.
 *		rsp_svc_unregister() waits for those that RSP has still.
 *   conn ------pointer (lsn)-----> listener	until an nfsd thread takes the connection or
 *		the listener closes; rsp_nfsd_lsn_lock
 *
 * xpt_server is not touched after svc_delete_xprt(): XPT_BUSY stays set and stops
 * svc_xprt_enqueue() before it looks at the pools, however late RSP calls.
 *
 * Contexts: recv() and done() run on the completion queue's work queue and must
 * not sleep for long. What they cannot get at once (memory) an nfsd thread gets.
 */
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/sunrpc/addr.h>
#include <linux/sunrpc/svc.h>

#include "server.h"

#define RSP_NFSD_MERGE_MAX	SZ_64K	/* longest sg entry: what every DMA device takes */

struct rsp_svc *rsp_nfsd_svc;

static struct svc_xprt_class rsp_nfsd_class;
static struct kmem_cache *rsp_nfsd_few_cache, *rsp_nfsd_many_cache;
static struct rsp_rpcrdma_cm rsp_nfsd_cm;
static struct rsp_rpcrdma_limits rsp_nfsd_own;
static DEFINE_SPINLOCK(rsp_nfsd_lsn_lock);	/* lists of all listeners, rsp_nfsd_conn.lsn */

/* ---------------------------------------------------- memory under transfer */

/* one object: the struct, @max pages, @max sg entries */
static size_t rsp_nfsd_vec_size(u32 max)
{
	return sizeof(struct rsp_nfsd_vec) +
	       max * (sizeof(struct page *) + sizeof(struct scatterlist));
}

/* @nr_pages: most that will be added. Return: NULL without memory. */
struct rsp_nfsd_vec *rsp_nfsd_vec_get(u32 nr_pages, gfp_t gfp)
{
	bool few = nr_pages <= RSP_NFSD_FEW_PAGES;
	struct rsp_nfsd_vec *vec;

	vec = kmem_cache_alloc(few ? rsp_nfsd_few_cache : rsp_nfsd_many_cache,
			       gfp | __GFP_NOWARN);
	if (!vec)
		return NULL;
	vec->max = few ? RSP_NFSD_FEW_PAGES : RSP_NFSD_MAX_PAGES;
	vec->nr_pages = 0;
	vec->nr_buf_pages = 0;
	vec->nr_sg = 0;
	vec->nr_bufs = 0;
	vec->head_len = 0;
	vec->sgl = (struct scatterlist *)(vec + 1);
	vec->pages = (struct page **)(vec->sgl + vec->max);
	return vec;
}

void rsp_nfsd_vec_put(struct rsp_nfsd_vec *vec)
{
	u32 i;

	if (!vec)
		return;
	for (i = 0; i < vec->nr_bufs; i++)
		rsp_buf_put(vec->bufs[i]);
	if (vec->nr_pages > vec->nr_buf_pages)
		release_pages(vec->pages + vec->nr_buf_pages, vec->nr_pages - vec->nr_buf_pages);
	kmem_cache_free(vec->max == RSP_NFSD_FEW_PAGES ? rsp_nfsd_few_cache :
			rsp_nfsd_many_cache, vec);
}

/*
 * Append a piece of @page to the scatterlist; with @may_merge to its last entry
 * where the memory is adjacent. The list always ends with a marked entry.
 * Return: 0, or -E2BIG when @vec is full.
 */
int rsp_nfsd_vec_add(struct rsp_nfsd_vec *vec, struct page *page, u32 offset, u32 len,
		     bool may_merge)
{
	struct scatterlist *sg = vec->sgl + vec->nr_sg;

	if (may_merge && vec->nr_sg) {
		sg--;
		if (sg_phys(sg) + sg->length == page_to_phys(page) + offset &&
		    sg->length + len <= RSP_NFSD_MERGE_MAX) {
			sg->length += len;
			return 0;
		}
		sg++;
	}
	if (vec->nr_sg == vec->max)
		return -E2BIG;
	if (vec->nr_sg)
		sg_unmark_end(sg - 1);
	sg->page_link = 0;
	sg_set_page(sg, page, len, offset);
	sg_mark_end(sg);
	vec->nr_sg++;
	return 0;
}

/* ------------------------------------------------------------- connections */

static struct rsp_nfsd_conn *rsp_nfsd_conn_alloc(struct rsp_nfsd_lsn *lsn)
{
	struct svc_serv *serv = lsn->xprt.xpt_server;
	struct rsp_nfsd_conn *conn;

	conn = kzalloc(sizeof(*conn), GFP_KERNEL);
	if (!conn)
		return NULL;
	svc_xprt_init(lsn->xprt.xpt_net, &rsp_nfsd_class, &conn->xprt, serv);
	INIT_LIST_HEAD(&conn->calls);
	spin_lock_init(&conn->lock);
	atomic_set(&conn->nr_ends, 2);
	conn->max_mesg = min_t(u32, serv->sv_max_mesg, RSP_NFS_MAX_MSG);
	/* RDMA's reliable connections do not overload the network: RFC 7530, 3.1 */
	set_bit(XPT_CONG_CTRL, &conn->xprt.xpt_flags);
	return conn;
}

static void rsp_nfsd_conn_set_addrs(struct rsp_nfsd_conn *conn, struct rsp_chan_info *info)
{
	struct svc_xprt *xprt = &conn->xprt;
	struct sockaddr *peer = (struct sockaddr *)&info->peer;
	struct sockaddr *local = (struct sockaddr *)&info->local;

	svc_xprt_set_local(xprt, local, svc_addr_len(local));
	conn->is_local = rpc_cmp_addr(local, peer);
	/*
	 * The client does not choose its port, it is another one after each
	 * reconnect. Without it nfsd's reply cache knows the client again.
	 */
	rpc_set_port(peer, 0);
	svc_xprt_set_remote(xprt, peer, svc_addr_len(peer));
	snprintf(xprt->xpt_remotebuf, sizeof(xprt->xpt_remotebuf), "%pISc", peer);
}

static void rsp_nfsd_conn_free(struct rsp_nfsd_conn *conn)
{
	struct rsp_nfsd_call *call, *next;

	/* down() has returned, or is our caller: nothing of ours runs or is in flight */
	rsp_chan_close(conn->chan);
	list_for_each_entry_safe(call, next, &conn->calls, link) {
		list_del(&call->link);
		rsp_nfsd_call_free(call);
	}
	rsp_nfsd_bc_put(conn);
	WARN_ON_ONCE(atomic_read(&conn->nr_calls));
	kfree(conn);
}

/* sunrpc is done with it, or RSP */
static void rsp_nfsd_conn_end(struct rsp_nfsd_conn *conn)
{
	if (atomic_dec_and_test(&conn->nr_ends))
		rsp_nfsd_conn_free(conn);
}

/* no nfsd thread has taken it, and none will */
static void rsp_nfsd_conn_drop(struct rsp_nfsd_conn *conn)
{
	__module_get(THIS_MODULE);
	svc_xprt_put(&conn->xprt);
}

static int rsp_nfsd_accept(struct rsp_chan *chan, void *lsn_ctx, const void *pdata, u8 len,
			   struct rsp_conn_param *param)
{
	struct rsp_nfsd_lsn *lsn = lsn_ctx;
	struct rsp_rpcrdma_limits peer, both;
	struct rsp_nfsd_conn *conn;
	struct rsp_chan_info info;

	rsp_chan_info(chan, &info);
	if ((info.peer.ss_family != AF_INET && info.peer.ss_family != AF_INET6) ||
	    info.local.ss_family != info.peer.ss_family)
		return -EAFNOSUPPORT;
	conn = rsp_nfsd_conn_alloc(lsn);
	if (!conn)
		return -ENOMEM;

	rsp_rpcrdma_get_cm(pdata, len, &peer);
	rsp_rpcrdma_agree(&rsp_nfsd_own, &peer, &both);
	conn->max_send = both.send;
	conn->remote_inv = both.remote_inv;
	rsp_nfsd_conn_set_addrs(conn, &info);

	param->pdata = &rsp_nfsd_cm;
	param->pdata_len = sizeof(rsp_nfsd_cm);
	/* a call is pulled or answered, not both at once */
	param->max_sends = RSP_NFSD_CREDITS;
	param->max_credits = RSP_NFSD_CREDITS;
	param->max_rdma_bytes = RSP_NFS_MAX_MSG;
	param->max_map_bytes = 0;

	conn->chan = chan;
	rsp_chan_set_priv(chan, conn);

	spin_lock(&rsp_nfsd_lsn_lock);
	conn->lsn = lsn;
	list_add_tail(&conn->link, &lsn->opening);
	spin_unlock(&rsp_nfsd_lsn_lock);
	return 0;
}

static void rsp_nfsd_up(struct rsp_chan *chan, const void *pdata, u8 len)
{
	struct rsp_nfsd_conn *conn = rsp_chan_priv(chan);

	rsp_chan_set_max_inline(chan, conn->max_send);
	spin_lock(&rsp_nfsd_lsn_lock);
	if (conn->lsn) {
		list_move_tail(&conn->link, &conn->lsn->accepted);
		conn->is_up = true;
		set_bit(XPT_CONN, &conn->lsn->xprt.xpt_flags);
		/* under the lock, it keeps the listener there */
		svc_xprt_enqueue(&conn->lsn->xprt);
	}
	spin_unlock(&rsp_nfsd_lsn_lock);
}

static void rsp_nfsd_down(struct rsp_chan *chan, int reason)
{
	struct rsp_nfsd_conn *conn = rsp_chan_priv(chan);
	bool is_orphan;

	spin_lock(&rsp_nfsd_lsn_lock);
	is_orphan = conn->lsn && !conn->is_up;
	if (is_orphan) {
		list_del(&conn->link);
		conn->lsn = NULL;
	}
	spin_unlock(&rsp_nfsd_lsn_lock);
	if (is_orphan)
		rsp_nfsd_conn_drop(conn);
	else if (atomic_read(&conn->nr_ends) > 1)
		svc_xprt_deferred_close(&conn->xprt);
	rsp_nfsd_conn_end(conn);
}

static const struct rsp_svc_ops rsp_nfsd_svc_ops = {
	.accept	= rsp_nfsd_accept,
	.up	= rsp_nfsd_up,
	.down	= rsp_nfsd_down,
	.recv	= rsp_nfsd_recv,
};

/* --------------------------------------------------------- xprt operations */

static struct svc_xprt *rsp_nfsd_xpo_create(struct svc_serv *serv, struct net *net,
					    struct sockaddr *sa, int salen, int flags)
{
	struct sockaddr_storage bound;
	struct rsp_nfsd_lsn *lsn;
	int err;

	if (sa->sa_family != AF_INET && sa->sa_family != AF_INET6)
		return ERR_PTR(-EAFNOSUPPORT);
	lsn = kzalloc(sizeof(*lsn), GFP_KERNEL);
	if (!lsn)
		return ERR_PTR(-ENOMEM);
	svc_xprt_init(net, &rsp_nfsd_class, &lsn->xprt, serv);
	set_bit(XPT_LISTENER, &lsn->xprt.xpt_flags);
	strscpy(lsn->xprt.xpt_remotebuf, "listener");
	INIT_LIST_HEAD(&lsn->opening);
	INIT_LIST_HEAD(&lsn->accepted);

	/* a client may come at once: XPT_BUSY is set still, up() only queues it */
	lsn->lsn = rsp_listen(rsp_nfsd_svc, net, sa, lsn);
	if (IS_ERR(lsn->lsn)) {
		err = PTR_ERR(lsn->lsn);
		lsn->lsn = NULL;
		goto err_put;
	}
	rsp_lsn_addr(lsn->lsn, &bound);
	svc_xprt_set_local(&lsn->xprt, (struct sockaddr *)&bound, salen);
	return &lsn->xprt;

err_put:
	/* the put drops a module reference, and so does our caller */
	__module_get(THIS_MODULE);
	svc_xprt_put(&lsn->xprt);
	return ERR_PTR(err);
}

static struct svc_xprt *rsp_nfsd_xpo_accept(struct svc_xprt *xprt)
{
	struct rsp_nfsd_lsn *lsn = rsp_nfsd_lsn_of(xprt);
	struct rsp_nfsd_conn *conn;

	spin_lock(&rsp_nfsd_lsn_lock);
	conn = list_first_entry_or_null(&lsn->accepted, struct rsp_nfsd_conn, link);
	if (conn) {
		list_del(&conn->link);
		conn->lsn = NULL;
	}
	if (list_empty(&lsn->accepted))
		clear_bit(XPT_CONN, &xprt->xpt_flags);
	spin_unlock(&rsp_nfsd_lsn_lock);
	return conn ? &conn->xprt : NULL;
}

static void rsp_nfsd_lsn_detach(struct rsp_nfsd_lsn *lsn)
{
	struct rsp_nfsd_conn *conn, *next;
	LIST_HEAD(conns);

	rsp_lsn_close(lsn->lsn);
	lsn->lsn = NULL;
	/* no accept() any more: what is left, and up() and down() must not look for us */
	spin_lock(&rsp_nfsd_lsn_lock);
	list_splice_init(&lsn->opening, &conns);
	list_splice_init(&lsn->accepted, &conns);
	list_for_each_entry(conn, &conns, link)
		conn->lsn = NULL;
	spin_unlock(&rsp_nfsd_lsn_lock);
	list_for_each_entry_safe(conn, next, &conns, link)
		rsp_nfsd_conn_drop(conn);
}

static void rsp_nfsd_xpo_detach(struct svc_xprt *xprt)
{
	if (test_bit(XPT_LISTENER, &xprt->xpt_flags))
		rsp_nfsd_lsn_detach(rsp_nfsd_lsn_of(xprt));
	else
		rsp_chan_kill(rsp_nfsd_conn_of(xprt)->chan);
}

static void rsp_nfsd_xpo_free(struct svc_xprt *xprt)
{
	struct rsp_nfsd_conn *conn;

	might_sleep();

	if (test_bit(XPT_LISTENER, &xprt->xpt_flags)) {
		kfree(rsp_nfsd_lsn_of(xprt));
		return;
	}
	conn = rsp_nfsd_conn_of(xprt);
	/* one that no nfsd thread took was not detached */
	rsp_chan_kill(conn->chan);
	rsp_nfsd_conn_end(conn);
}

/* RSP queues what does not fit the send queue, and credits bound how much that is */
static int rsp_nfsd_xpo_has_wspace(struct svc_xprt *xprt)
{
	return 1;
}

/* xpo_detach does all of it */
static void rsp_nfsd_xpo_kill_temp(struct svc_xprt *xprt)
{
}

static const struct svc_xprt_ops rsp_nfsd_xprt_ops = {
	.xpo_create		= rsp_nfsd_xpo_create,
	.xpo_accept		= rsp_nfsd_xpo_accept,
	.xpo_has_wspace		= rsp_nfsd_xpo_has_wspace,
	.xpo_recvfrom		= rsp_nfsd_recvfrom,
	.xpo_sendto		= rsp_nfsd_sendto,
	.xpo_result_payload	= rsp_nfsd_result_payload,
	.xpo_release_ctxt	= rsp_nfsd_release_ctxt,
	.xpo_detach		= rsp_nfsd_xpo_detach,
	.xpo_free		= rsp_nfsd_xpo_free,
	.xpo_kill_temp_xprt	= rsp_nfsd_xpo_kill_temp,
};

static struct svc_xprt_class rsp_nfsd_class = {
	.xcl_name		= "rdma",
	.xcl_owner		= THIS_MODULE,
	.xcl_ops		= &rsp_nfsd_xprt_ops,
	.xcl_max_payload	= RSP_NFS_MAX_PAYLOAD,
	.xcl_ident		= XPRT_TRANSPORT_RDMA,
};

/* ------------------------------------------------------------ init and exit */

static int rsp_nfsd_vec_init(void)
{
	rsp_nfsd_few_cache = kmem_cache_create("rsp_nfsd_vec_few",
					       rsp_nfsd_vec_size(RSP_NFSD_FEW_PAGES), 0,
					       SLAB_HWCACHE_ALIGN, NULL);
	if (!rsp_nfsd_few_cache)
		return -ENOMEM;
	rsp_nfsd_many_cache = kmem_cache_create("rsp_nfsd_vec_many",
						rsp_nfsd_vec_size(RSP_NFSD_MAX_PAGES), 0,
						SLAB_HWCACHE_ALIGN, NULL);
	if (!rsp_nfsd_many_cache) {
		kmem_cache_destroy(rsp_nfsd_few_cache);
		return -ENOMEM;
	}
	return 0;
}

static void rsp_nfsd_vec_exit(void)
{
	kmem_cache_destroy(rsp_nfsd_many_cache);
	kmem_cache_destroy(rsp_nfsd_few_cache);
}

/**
 * rsp_nfs_server_init() - Offer nfsd the transport "rdma"
 *
 * Context: Process context. May sleep.
 * Return:
 * * %0		- nfsd can listen
 * * %-EEXIST	- the stock transport of that name is there
 * * other	- what RSP or sunrpc answered
 */
int rsp_nfs_server_init(void)
{
	static const struct rsp_svc_attr attr = {
		.name		= "nfs-server",
		.ops		= &rsp_nfsd_svc_ops,
		.owner		= THIS_MODULE,
		.weight		= 100,
		.recv_bytes	= RSP_NFS_INLINE_BYTES,
	};
	int err;

	err = rsp_nfsd_vec_init();
	if (err)
		return err;
	err = rsp_nfsd_recv_init();
	if (err)
		goto err_vec_exit;
	rsp_nfsd_svc = rsp_svc_register(&attr);
	if (IS_ERR(rsp_nfsd_svc)) {
		err = PTR_ERR(rsp_nfsd_svc);
		goto err_recv_exit;
	}
	rsp_nfsd_own.send = rsp_svc_recv_bytes(rsp_nfsd_svc);
	rsp_nfsd_own.recv = rsp_svc_recv_bytes(rsp_nfsd_svc);
	/* a responder has no keys a client could invalidate */
	rsp_nfsd_own.remote_inv = false;
	rsp_rpcrdma_put_cm(&rsp_nfsd_cm, &rsp_nfsd_own);

	err = rsp_nfsd_bc_init();
	if (err)
		goto err_svc_unregister;
	err = svc_reg_xprt_class(&rsp_nfsd_class);
	if (err)
		goto err_bc_exit;
	return 0;

err_bc_exit:
	rsp_nfsd_bc_exit();
err_svc_unregister:
	rsp_svc_unregister(rsp_nfsd_svc);
err_recv_exit:
	rsp_nfsd_recv_exit();
err_vec_exit:
	rsp_nfsd_vec_exit();
	return err;
}

/**
 * rsp_nfs_server_exit() - Take the transport back
 *
 * Each xprt holds the module, so sunrpc has none left; RSP may have.
 */
void rsp_nfs_server_exit(void)
{
	svc_unreg_xprt_class(&rsp_nfsd_class);
	rsp_nfsd_bc_exit();
	rsp_svc_unregister(rsp_nfsd_svc);
	rsp_nfsd_recv_exit();
	rsp_nfsd_vec_exit();
}
