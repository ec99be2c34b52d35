// SPDX-License-Identifier: GPL-2.0
/*
 * Network portals: where connections wait until LIO's login thread takes them.
 *
 *	accept() --> opening --first login request and up()--> pending --accept_np()--> LIO's
 *	               |                                          |
 *	               '--down(), 15 s without a login, free_np()-'--> closed
 *
 * A connection moves to pending only with its first login request, so the login
 * thread, of which a portal has one, never waits for an initiator that says nothing.
 * Whoever unlinks a connection under rsp_isert_np_lock owns its end.
 */
#include <linux/slab.h>
#include <linux/wait.h>
#include <net/net_namespace.h>

#include "isert.h"

/* lists and counts of all portals; np and is_up of all connections. Innermost */
DEFINE_SPINLOCK(rsp_isert_np_lock);

static void rsp_isert_np_reap(struct work_struct *work)
{
	struct rsp_isert_np *np = container_of(work, struct rsp_isert_np, reap_work.work);
	struct rsp_isert_conn *conn;
	bool again;

	spin_lock_bh(&rsp_isert_np_lock);
	list_for_each_entry(conn, &np->opening, link) {
		if (time_before(jiffies, conn->since + RSP_ISERT_LOGIN_S * HZ))
			break;
		/* down() unlinks it */
		rsp_chan_kill(conn->chan);
	}
	again = !list_empty(&np->opening);
	spin_unlock_bh(&rsp_isert_np_lock);
	if (again)
		queue_delayed_work(rsp_isert_wq, &np->reap_work, 5 * HZ);
}

int rsp_isert_setup_np(struct iscsi_np *iscsi_np, struct sockaddr_storage *addr)
{
	struct rsp_isert_np *np;
	int err;

	np = kzalloc(sizeof(*np), GFP_KERNEL);
	if (!np)
		return -ENOMEM;
	np->np = iscsi_np;
	INIT_LIST_HEAD(&np->opening);
	INIT_LIST_HEAD(&np->pending);
	init_waitqueue_head(&np->wait);
	INIT_DELAYED_WORK(&np->reap_work, rsp_isert_np_reap);
	memcpy(&iscsi_np->np_sockaddr, addr, sizeof(*addr));
	np->lsn = rsp_listen(rsp_isert_svc, &init_net, (struct sockaddr *)addr, np);
	if (IS_ERR(np->lsn)) {
		err = PTR_ERR(np->lsn);
		pr_err("portal %pISpc: error %d%s\n", addr, err,
		       err == -EADDRNOTAVAIL || err == -ENODEV ?
		       ", no RDMA device has this address" : "");
		kfree(np);
		return err;
	}
	iscsi_np->np_context = np;
	return 0;
}

/* RSP: a peer wants to connect. Context: process, of the CM. */
int rsp_isert_accept(struct rsp_chan *chan, void *lsn_ctx, const void *pdata, u8 len,
		     struct rsp_conn_param *param)
{
	u8 features = rsp_iser_cm_features(pdata, len);
	struct rsp_isert_np *np = lsn_ctx;
	const struct iser_cm_hdr *cm = pdata;
	struct rsp_isert_conn *conn;
	bool is_full;

	if (!READ_ONCE(np->np->enabled))
		return -ECONNREFUSED;
	conn = rsp_isert_conn_alloc(chan);
	if (!conn)
		return -ENOMEM;
	conn->has_remote_inv = cm && len >= sizeof(*cm) &&
			       !(cm->flags & ISER_SEND_W_INV_NOT_SUP);
	conn->has_inline_read = features & RSP_ISER_F_INLINE_READ;
	conn->has_batch = features & RSP_ISER_F_BATCH;
	rsp_iser_cm_init(&conn->cm, ISERT_ZBVA_NOT_USED |
				    (conn->has_remote_inv ? 0 : ISERT_SEND_W_INV_NOT_USED));
	param->pdata = &conn->cm;
	param->pdata_len = sizeof(conn->cm);
	param->max_sends = RSP_ISERT_SENDS;
	param->max_credits = RSP_ISERT_CREDITS;
	param->max_rdma_bytes = RSP_ISERT_RDMA_BYTES;

	spin_lock_bh(&rsp_isert_np_lock);
	is_full = np->nr >= RSP_ISERT_MAX_OPENING;
	if (!is_full) {
		np->nr++;
		conn->np = np;
		list_add_tail(&conn->link, &np->opening);
	}
	spin_unlock_bh(&rsp_isert_np_lock);
	if (is_full) {
		pr_warn_ratelimited("portal %pISpc: %u connections wait for their login\n",
				    &np->np->np_sockaddr, RSP_ISERT_MAX_OPENING);
		rsp_isert_conn_free(conn);
		return -EBUSY;
	}
	rsp_chan_set_priv(chan, conn);
	queue_delayed_work(rsp_isert_wq, &np->reap_work, RSP_ISERT_LOGIN_S * HZ);
	return 0;
}

/* up() or the first login request: with both the login thread may have it */
void rsp_isert_np_ready(struct rsp_isert_conn *conn)
{
	struct rsp_isert_np *np;

	spin_lock_bh(&rsp_isert_np_lock);
	np = conn->np;
	if (np && conn->is_up && READ_ONCE(conn->login_buf)) {
		list_move_tail(&conn->link, &np->pending);
		wake_up(&np->wait);
	}
	spin_unlock_bh(&rsp_isert_np_lock);
}

/* Return: true if it was in a list: the caller owns its end */
bool rsp_isert_np_take(struct rsp_isert_conn *conn)
{
	struct rsp_isert_np *np;

	spin_lock_bh(&rsp_isert_np_lock);
	np = conn->np;
	if (np) {
		list_del_init(&conn->link);
		conn->np = NULL;
		np->nr--;
	}
	spin_unlock_bh(&rsp_isert_np_lock);
	return np;
}

static bool rsp_isert_np_is_idle(struct rsp_isert_np *np)
{
	bool idle;

	spin_lock_bh(&rsp_isert_np_lock);
	idle = list_empty(&np->pending);
	spin_unlock_bh(&rsp_isert_np_lock);
	return idle;
}

/* LIO's login thread wants a connection; a signal means that the portal is reset or goes */
int rsp_isert_accept_np(struct iscsi_np *iscsi_np, struct iscsit_conn *iscsi)
{
	struct rsp_isert_np *np = iscsi_np->np_context;
	struct rsp_isert_conn *conn;
	struct rsp_chan_info info;
	bool is_active;

	do {
		if (wait_event_interruptible(np->wait, !rsp_isert_np_is_idle(np)))
			return -ENODEV;
		spin_lock_bh(&iscsi_np->np_thread_lock);
		is_active = iscsi_np->np_thread_state < ISCSI_NP_THREAD_RESET;
		spin_unlock_bh(&iscsi_np->np_thread_lock);
		if (!is_active)
			return -ENODEV;
		spin_lock_bh(&rsp_isert_np_lock);
		conn = list_first_entry_or_null(&np->pending, struct rsp_isert_conn, link);
		if (conn) {
			list_del_init(&conn->link);
			conn->np = NULL;
			np->nr--;
			conn->iscsi = iscsi;
			iscsi->context = conn;
		}
		spin_unlock_bh(&rsp_isert_np_lock);
	} while (!conn);

	rsp_chan_info(conn->chan, &info);
	iscsi->login_family = iscsi_np->np_sockaddr.ss_family;
	iscsi->login_sockaddr = info.peer;
	iscsi->local_sockaddr = info.local;
	return 0;
}

void rsp_isert_free_np(struct iscsi_np *iscsi_np)
{
	struct rsp_isert_np *np = iscsi_np->np_context;
	struct rsp_isert_conn *conn;

	rsp_lsn_close(np->lsn);
	cancel_delayed_work_sync(&np->reap_work);
	for (;;) {
		spin_lock_bh(&rsp_isert_np_lock);
		conn = list_first_entry_or_null(&np->opening, struct rsp_isert_conn, link) ?:
		       list_first_entry_or_null(&np->pending, struct rsp_isert_conn, link);
		if (conn) {
			list_del_init(&conn->link);
			conn->np = NULL;
			np->nr--;
		}
		spin_unlock_bh(&rsp_isert_np_lock);
		if (!conn)
			break;
		rsp_chan_close(conn->chan);
		rsp_isert_conn_free(conn);
	}
	iscsi_np->np_context = NULL;
	kfree(np);
}
