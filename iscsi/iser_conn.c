// SPDX-License-Identifier: GPL-2.0
/*
 * Connections: iSCSI endpoints over RSP channels, and what binds them.
 *
 *	ep_connect() --> CONNECTING --up()--> UP --down()--> DOWN
 *	                      '-----------down()--------------^
 *	ep_poll() tells user space; bind() ties an UP endpoint to a connection of
 *	libiscsi until stop().
 *
 * libiscsi fails the commands of a connection in stop(); their memory must be out
 * of the target's reach by then. So whoever comes first, ep_disconnect() or
 * stop(), closes the channel and waits for it: RSP ends the validity of every
 * key before down(), and no callback follows it. From there the channel is a
 * shell that refuses work, kept until the last reference on the connection goes.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "iser.h"

#define RSP_ISER_CONNECT_MS	10000	/* a caller that wants to wait waits this long */

struct rsp_svc *rsp_iser_svc;
struct workqueue_struct *rsp_iser_wq;

static void rsp_iser_conn_free(struct kref *ref)
{
	struct rsp_iser_conn *conn = container_of(ref, struct rsp_iser_conn, ref);

	if (conn->tmf_buf)
		rsp_buf_put(conn->tmf_buf);
	if (conn->chan)
		rsp_chan_put(conn->chan);
	kfree(conn);
}

static void rsp_iser_conn_put(struct rsp_iser_conn *conn)
{
	kref_put(&conn->ref, rsp_iser_conn_free);
}

bool rsp_iser_conn_is_up(struct rsp_iser_conn *conn)
{
	return READ_ONCE(conn->state) == RSP_ISER_UP && rsp_chan_is_up(conn->chan);
}

/* No callback follows, and no key is valid, when this returns. */
static void rsp_iser_conn_close(struct rsp_iser_conn *conn)
{
	WRITE_ONCE(conn->is_closing, true);
	mutex_lock(&conn->close_mutex);
	if (!conn->is_closed) {
		conn->is_closed = true;
		rsp_chan_close(conn->chan);
		cancel_work_sync(&conn->batch_work);
	}
	mutex_unlock(&conn->close_mutex);
}

/* --------------------------------------------------------- RSP's callbacks */

static void rsp_iser_up(struct rsp_chan *chan, const void *pdata, u8 len)
{
	struct rsp_iser_conn *conn = rsp_chan_priv(chan);
	u8 features = rsp_iser_cm_features(pdata, len);
	const struct iser_cm_hdr *hdr = pdata;

	rsp_chan_info(chan, &conn->info);
	/* a target that says nothing invalidates nothing */
	conn->has_remote_inv = len >= sizeof(*hdr) && !(hdr->flags & ISERT_SEND_W_INV_NOT_USED);
	conn->has_inline_read = features & RSP_ISER_F_INLINE_READ;
	conn->has_batch = features & RSP_ISER_F_BATCH;
	/* iSCSI has the CmdSN window, iSER no credits: only the policy's window counts */
	rsp_chan_set_peer_grant(chan, rsp_iser_max_cmds + RSP_ISER_MISC_MSGS);

	spin_lock_bh(&conn->lock);
	if (conn->state == RSP_ISER_CONNECTING)
		conn->state = RSP_ISER_UP;
	spin_unlock_bh(&conn->lock);
	complete_all(&conn->settled);
}

static void rsp_iser_down(struct rsp_chan *chan, int reason)
{
	struct rsp_iser_conn *conn = rsp_chan_priv(chan);
	struct iscsi_conn *iscsi;

	spin_lock_bh(&conn->lock);
	conn->state = RSP_ISER_DOWN;
	conn->reason = reason;
	iscsi = conn->iscsi;
	spin_unlock_bh(&conn->lock);
	complete_all(&conn->settled);

	/* stop() waits for us before it lets go of the connection of libiscsi */
	if (iscsi && !READ_ONCE(conn->is_closing))
		iscsi_conn_failure(iscsi, ISCSI_ERR_CONN_FAILED);
}

static const struct rsp_svc_ops rsp_iser_svc_ops = {
	.up	= rsp_iser_up,
	.down	= rsp_iser_down,
	.recv	= rsp_iser_recv,
};

/* ----------------------------------------------------------------- endpoints */

/**
 * rsp_iser_ep_connect() - Begin to connect to a target
 * @shost: not used; the route decides on the device
 * @dst: portal of the target
 * @non_blocking: 0 to wait for the outcome
 *
 * Return: the endpoint, or ERR_PTR().
 */
struct iscsi_endpoint *rsp_iser_ep_connect(struct Scsi_Host *shost, struct sockaddr *dst,
					   int non_blocking)
{
	struct rsp_iser_cm cm;
	const struct rsp_conn_param param = {
		.pdata		= &cm,
		.pdata_len	= sizeof(cm),
		.max_sends	= rsp_iser_max_cmds + RSP_ISER_MISC_MSGS,
		.max_credits	= rsp_iser_max_cmds + RSP_ISER_MISC_MSGS,
		.max_map_bytes	= SZ_1M,
	};
	struct rsp_iser_conn *conn;
	struct iscsi_endpoint *ep;
	struct rsp_chan *chan;
	int err;

	if (dst->sa_family != AF_INET && dst->sa_family != AF_INET6)
		return ERR_PTR(-EAFNOSUPPORT);
	ep = iscsi_create_endpoint(0);
	if (!ep)
		return ERR_PTR(-ENOMEM);
	conn = kzalloc(sizeof(*conn), GFP_KERNEL);
	if (!conn) {
		err = -ENOMEM;
		goto err_ep;
	}
	kref_init(&conn->ref);
	spin_lock_init(&conn->lock);
	mutex_init(&conn->close_mutex);
	spin_lock_init(&conn->batch_lock);
	INIT_WORK(&conn->batch_work, rsp_iser_batch_run);
	init_completion(&conn->settled);
	ep->dd_data = conn;

	/* addresses stay virtual, and keys may be invalidated remotely */
	rsp_iser_cm_init(&cm, ISER_ZBVA_NOT_SUP);
	chan = rsp_chan_connect(rsp_iser_svc, &init_net, NULL, dst, &param, conn, 0);
	if (IS_ERR(chan)) {
		err = PTR_ERR(chan);
		goto err_conn;
	}
	rsp_chan_get(chan);		/* ours, beyond the close */
	conn->chan = chan;
	if (!non_blocking) {
		err = wait_for_completion_interruptible_timeout(&conn->settled,
				msecs_to_jiffies(RSP_ISER_CONNECT_MS));
		if (err <= 0 || !rsp_iser_conn_is_up(conn)) {
			err = err < 0 ? err : conn->reason ?: -ETIMEDOUT;
			goto err_close;
		}
	}
	return ep;

err_close:
	rsp_iser_conn_close(conn);
err_conn:
	rsp_iser_conn_put(conn);
err_ep:
	iscsi_destroy_endpoint(ep);
	return ERR_PTR(err);
}

/**
 * rsp_iser_ep_poll() - Wait until an endpoint is connected
 * @ep: the endpoint
 * @timeout_ms: how long
 *
 * Return: 1 when it is, 0 when nothing is known yet, or a negative errno: it
 * failed, or a signal came.
 */
int rsp_iser_ep_poll(struct iscsi_endpoint *ep, int timeout_ms)
{
	struct rsp_iser_conn *conn = ep->dd_data;
	long left;

	left = wait_for_completion_interruptible_timeout(&conn->settled,
							 msecs_to_jiffies(timeout_ms));
	if (left <= 0)
		return left;
	if (rsp_iser_conn_is_up(conn))
		return 1;
	return conn->reason ?: -ENOTCONN;
}

/**
 * rsp_iser_ep_disconnect() - End an endpoint
 * @ep: the endpoint; libiscsi sends nothing on it any more
 *
 * Context: Process context. Sleeps until the channel is drained.
 */
void rsp_iser_ep_disconnect(struct iscsi_endpoint *ep)
{
	struct rsp_iser_conn *conn = ep->dd_data;

	rsp_iser_conn_close(conn);
	iscsi_destroy_endpoint(ep);
	rsp_iser_conn_put(conn);
}

int rsp_iser_get_ep_param(struct iscsi_endpoint *ep, enum iscsi_param param, char *buf)
{
	struct rsp_iser_conn *conn = ep->dd_data;

	switch (param) {
	case ISCSI_PARAM_CONN_PORT:
	case ISCSI_PARAM_CONN_ADDRESS:
		if (!conn || !completion_done(&conn->settled) || !conn->info.peer.ss_family)
			return -ENOTCONN;
		return iscsi_conn_get_addr_param(&conn->info.peer, param, buf);
	default:
		return -ENOSYS;
	}
}

/* ------------------------------------------------------------------- binding */

/* Sending cannot sleep: have the pool own what a first login and first commands need. */
static int rsp_iser_prime(void)
{
	static const u32 bytes[] = { sizeof(struct rsp_iser_msg), SZ_4K, SZ_8K };
	struct rsp_buf *buf;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		buf = rsp_buf_get(rsp_iser_svc, bytes[i], GFP_KERNEL);
		if (!buf)
			return -ENOMEM;
		rsp_buf_put(buf);
	}
	return 0;
}

/**
 * rsp_iser_conn_bind() - Tie an endpoint to a connection of libiscsi
 * @cls_session: its session
 * @cls_conn: the connection
 * @ep_handle: what user space says is the endpoint
 * @is_leading: it leads the session
 *
 * Return: 0, %-EINVAL for an endpoint that is not there or down, %-EBUSY for one
 * that is bound already, %-ENOMEM.
 */
int rsp_iser_conn_bind(struct iscsi_cls_session *cls_session, struct iscsi_cls_conn *cls_conn,
		       u64 ep_handle, int is_leading)
{
	struct iscsi_conn *iscsi = cls_conn->dd_data;
	struct rsp_iser_conn *conn;
	struct iscsi_endpoint *ep;
	int err;

	ep = iscsi_lookup_endpoint(ep_handle);
	if (!ep)
		return -EINVAL;
	conn = ep->dd_data;

	err = -EBUSY;
	if (iscsi->dd_data)
		goto out;
	err = rsp_iser_prime();
	if (err)
		goto out;
	err = iscsi_conn_bind(cls_session, cls_conn, is_leading);
	if (err)
		goto out;
	spin_lock_bh(&conn->lock);
	if (conn->state != RSP_ISER_UP)
		err = -EINVAL;
	else if (conn->iscsi)
		err = -EBUSY;
	else
		conn->iscsi = iscsi;
	spin_unlock_bh(&conn->lock);
	if (err)
		goto out;
	kref_get(&conn->ref);
	spin_lock_bh(&iscsi->session->frwd_lock);
	iscsi->dd_data = conn;
	spin_unlock_bh(&iscsi->session->frwd_lock);
out:
	iscsi_put_endpoint(ep);
	return err;
}

/**
 * rsp_iser_conn_stop() - A connection of libiscsi ends or is recovered
 * @cls_conn: the connection
 * @flag: which of the two
 *
 * Context: Process context. Sleeps.
 */
void rsp_iser_conn_stop(struct iscsi_cls_conn *cls_conn, int flag)
{
	struct iscsi_conn *iscsi = cls_conn->dd_data;
	struct rsp_iser_conn *conn = iscsi->dd_data;

	if (conn) {
		iscsi_suspend_queue(iscsi);
		rsp_iser_conn_close(conn);
	}
	iscsi_conn_stop(cls_conn, flag);
	if (!conn)
		return;
	spin_lock_bh(&iscsi->session->frwd_lock);
	iscsi->dd_data = NULL;
	spin_unlock_bh(&iscsi->session->frwd_lock);
	rsp_iser_tasks_forget(iscsi->session, conn);
	spin_lock_bh(&conn->lock);
	conn->iscsi = NULL;
	spin_unlock_bh(&conn->lock);
	rsp_iser_conn_put(conn);
}

int rsp_iser_conn_init(void)
{
	static const struct rsp_svc_attr attr = {
		.name		= "iser",
		.ops		= &rsp_iser_svc_ops,
		.owner		= THIS_MODULE,
		.weight		= 100,
		.recv_bytes	= RSP_ISER_RECV_BYTES,
		.is_atomic	= true,
	};

	/* on the processor that asks: behind the commands that it sends meanwhile */
	rsp_iser_wq = alloc_workqueue("rsp_iser", WQ_MEM_RECLAIM, 0);
	if (!rsp_iser_wq)
		return -ENOMEM;
	rsp_iser_svc = rsp_svc_register(&attr);
	if (IS_ERR(rsp_iser_svc)) {
		destroy_workqueue(rsp_iser_wq);
		return PTR_ERR(rsp_iser_svc);
	}
	return 0;
}

void rsp_iser_conn_exit(void)
{
	rsp_svc_unregister(rsp_iser_svc);
	destroy_workqueue(rsp_iser_wq);
}
