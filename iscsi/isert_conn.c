// SPDX-License-Identifier: GPL-2.0
/*
 * Connections: from the portal through the login to their end.
 *
 *	recv(): login request     LIO: get_login_rx()   put_login_tx()
 *	LOGIN_WAIT ------------> LOGIN_BUSY ----------------------------> LOGIN_WAIT, again
 *	                             |    put_login_tx(), login complete: the response is kept
 *	                             '--> get_rx_pdu(): LIO's receive thread runs, the session
 *	                                  is registered; response sent ---> FULL
 *	any --wait_conn()--> CLOSING
 *
 * Who holds what:
 *
 *   conn --two references on--> rsp_chan	one from accept() to rsp_chan_close(), one
 *		until conn is freed: commands that complete late still ask it for work
 *   rsp_chan --pointer (priv)--> conn		no reference: conn is freed behind
 *		rsp_chan_close(), after which RSP calls us no more
 *   iscsit_conn --pointer (context)--> conn	freed by free_conn()
 *   conn --pointer (iscsi)--> iscsit_conn	used by recv() and done(), which end before
 *		wait_conn() returns; by down() only in LOGIN_WAIT, under conn->lock
 *
 * The end. LIO's transmit and receive threads close a connection, or the login does
 * (iscsit_close_connection(), iscsi_target_login_sess_out()). What we do about a
 * connection that is lost or misbehaves is always the same: rsp_chan_kill(). down()
 * then wakes the receive thread in get_rx_pdu(), or has the login fail. In order:
 *
 *   1. wait_conn(): the channel is closed. All RDMA is over, every recv() and done()
 *	has returned, rsp_work_get() fails from now on, and the backlog stays as it is.
 *	A logout handler is waited for.
 *   2. LIO releases what is on conn_cmd_list, exactly as for TCP: this is why neither a
 *	failed transfer nor a response that cannot be sent releases its command.
 *	Commands in the backend are waited for there; what they queue is not sent.
 *   3. free_conn(): waits for the last se_cmd: those being aborted, and those whose
 *	response left while the channel was still up.
 *
 * A command leaves conn_cmd_list only while unposted work pins the channel, in
 * done(), or in LIO's threads: never during step 2.
 */
#include <linux/slab.h>

#include "isert.h"

struct rsp_isert_conn *rsp_isert_conn_alloc(struct rsp_chan *chan)
{
	struct rsp_isert_conn *conn;
	struct rsp_chan_info info;

	conn = kzalloc(sizeof(*conn), GFP_KERNEL);
	if (!conn)
		return NULL;
	rsp_chan_info(chan, &info);
	conn->id = info.id;
	rsp_chan_get(chan);
	conn->chan = chan;
	INIT_LIST_HEAD(&conn->link);
	conn->since = jiffies;
	spin_lock_init(&conn->lock);
	spin_lock_init(&conn->send_lock);
	INIT_WORK(&conn->batch_work, rsp_isert_batch_run);
	INIT_DELAYED_WORK(&conn->backlog_work, rsp_isert_backlog_run);
	init_completion(&conn->down_done);
	init_completion(&conn->sent);
	return conn;
}

/* RSP knows it no more, or never did */
void rsp_isert_conn_free(struct rsp_isert_conn *conn)
{
	rsp_isert_backlog_drop(conn);
	if (conn->login_buf)
		rsp_buf_put(conn->login_buf);
	if (conn->final_buf)
		rsp_buf_put(conn->final_buf);
	rsp_chan_put(conn->chan);
	kfree(conn);
}

void rsp_isert_up(struct rsp_chan *chan, const void *pdata, u8 len)
{
	struct rsp_isert_conn *conn = rsp_chan_priv(chan);
	struct rsp_chan_info info;

	rsp_chan_info(chan, &info);
	conn->max_pages = info.max_send_sge;
	spin_lock_bh(&rsp_isert_np_lock);
	conn->is_up = true;
	spin_unlock_bh(&rsp_isert_np_lock);
	rsp_isert_np_ready(conn);
}

void rsp_isert_down(struct rsp_chan *chan, int reason)
{
	struct rsp_isert_conn *conn = rsp_chan_priv(chan);

	if (rsp_isert_np_take(conn)) {	/* LIO never saw it */
		rsp_chan_close(chan);
		rsp_isert_conn_free(conn);
		return;
	}
	spin_lock_bh(&conn->lock);
	if (conn->phase == RSP_ISERT_LOGIN_WAIT && conn->login_queued) {
		/* get_login_rx() finds no request, and the login fails now, not in 15 s */
		conn->phase = RSP_ISERT_LOGIN_BUSY;
		queue_delayed_work(rsp_isert_wq, &conn->iscsi->login_work, 0);
	}
	spin_unlock_bh(&conn->lock);
	complete_all(&conn->down_done);
}

/* -------------------------------------------------------------------- login */

/*
 * LIO fetches a login request: the first from its login thread, which got the
 * connection because the request is here; later ones from login_work.
 */
int rsp_isert_get_login_rx(struct iscsit_conn *iscsi, struct iscsi_login *login)
{
	struct rsp_isert_conn *conn = iscsi->context;
	struct iscsi_login_req *req;
	struct rsp_buf *buf;

	spin_lock_bh(&conn->lock);
	buf = conn->login_buf;
	conn->login_buf = NULL;
	spin_unlock_bh(&conn->lock);
	if (!buf)
		return -ENOTCONN;

	/* recv() has checked the lengths */
	req = buf->data + sizeof(struct iser_ctrl);
	memcpy(login->req, req, sizeof(*req));
	memset(login->req_buf, 0, MAX_KEY_VALUE_PAIRS);
	memcpy(login->req_buf, req + 1, ntoh24(req->dlength));
	iscsi->login_itt = req->itt;	/* LIO does it too late for what it refuses below */
	if (login->first_request) {
		login->leading_connection = !req->tsih;
		login->current_stage = ISCSI_LOGIN_CURRENT_STAGE(req->flags);
		login->version_min = req->min_version;
		login->version_max = req->max_version;
		memcpy(login->isid, req->isid, sizeof(req->isid));
		login->cmd_sn = be32_to_cpu(req->cmdsn);
		login->init_task_tag = req->itt;
		login->initial_exp_statsn = be32_to_cpu(req->exp_statsn);
		login->cid = be16_to_cpu(req->cid);
		login->tsih = be16_to_cpu(req->tsih);
	}
	rsp_buf_put(buf);
	return iscsi_target_check_login_request(iscsi, login) < 0 ? -EINVAL : 0;
}

static void rsp_isert_login_sent(struct rsp_work *work, int status)
{
	struct rsp_isert_conn *conn = work->ctx;

	complete(&conn->sent);
}

static int rsp_isert_login_send(struct rsp_isert_conn *conn, struct rsp_buf *buf, u32 len,
				bool wait)
{
	struct rsp_work *work = rsp_work_get(conn->chan, GFP_KERNEL);
	int err;

	if (!work) {
		rsp_buf_put(buf);
		return -ENOTCONN;
	}
	rsp_work_set_send(work, buf, len);
	if (wait) {
		work->done = rsp_isert_login_sent;
		work->ctx = conn;
		reinit_completion(&conn->sent);
	}
	err = rsp_work_post(work);
	if (!err && wait)
		wait_for_completion_timeout(&conn->sent, 2 * HZ);
	return err;
}

/*
 * LIO answers a login request. An answer that ends the login badly is waited for, as
 * LIO closes the connection next; one that ends it well is sent by get_rx_pdu().
 */
int rsp_isert_put_login_tx(struct iscsit_conn *iscsi, struct iscsi_login *login, u32 len)
{
	struct rsp_isert_conn *conn = iscsi->context;
	struct iser_ctrl *ctrl;
	struct rsp_buf *buf;

	buf = rsp_buf_get(rsp_isert_svc, RSP_ISER_PDU_BYTES + len, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	ctrl = buf->data;
	memset(ctrl, 0, sizeof(*ctrl));
	ctrl->flags = ISCSI_CTRL;
	memcpy(ctrl + 1, login->rsp, sizeof(struct iscsi_hdr));
	memcpy(buf->data + RSP_ISER_PDU_BYTES, login->rsp_buf, len);
	len += RSP_ISER_PDU_BYTES;

	if (login->login_failed)
		return rsp_isert_login_send(conn, buf, len, true);

	spin_lock_bh(&conn->lock);
	if (login->login_complete) {
		conn->final_buf = buf;
		conn->final_len = len;
	} else {
		/* before it is sent: the next request may be quick */
		conn->phase = RSP_ISERT_LOGIN_WAIT;
		conn->login_queued = true;
	}
	spin_unlock_bh(&conn->lock);
	if (login->login_complete)
		return 0;
	if (rsp_isert_login_send(conn, buf, len, false)) {
		/* down() has run or will: it ends the login if we do not */
		spin_lock_bh(&conn->lock);
		conn->phase = RSP_ISERT_LOGIN_BUSY;
		spin_unlock_bh(&conn->lock);
		return -ENOTCONN;
	}
	return 0;
}

/*
 * What LIO is about to offer for us. The data segment is what a receive buffer has room
 * for, whatever the portal group says; there is no recovery within a session.
 */
int rsp_isert_validate_params(struct iscsit_conn *iscsi)
{
	if (iscsi_change_param_sprintf(iscsi, "MaxRecvDataSegmentLength=%u",
				       RSP_ISERT_DATA_BYTES) ||
	    iscsi_change_param_sprintf(iscsi, "TargetRecvDataSegmentLength=%u",
				       RSP_ISERT_DATA_BYTES) ||
	    iscsi_change_param_sprintf(iscsi, "ErrorRecoveryLevel=0"))
		return -EINVAL;
	return 0;
}

/* -------------------------------------------------------- full feature phase */

/* LIO's receive thread, once the session is registered. Returns when the connection is over. */
void rsp_isert_get_rx_pdu(struct iscsit_conn *iscsi)
{
	struct rsp_isert_conn *conn = iscsi->context;
	struct rsp_buf *buf;
	u32 len;

	/* without it immediate data is copied */
	conn->nr_held = iscsi->sess->se_sess->sess_tag_pool.sb.depth;
	conn->held = kvcalloc(conn->nr_held, sizeof(*conn->held), GFP_KERNEL);

	spin_lock_bh(&conn->lock);
	buf = conn->phase == RSP_ISERT_CLOSING ? NULL : conn->final_buf;
	if (buf) {
		conn->final_buf = NULL;
		len = conn->final_len;
		conn->was_full = true;
		conn->phase = RSP_ISERT_FULL;
	}
	spin_unlock_bh(&conn->lock);
	if (!buf || rsp_isert_login_send(conn, buf, len, false))
		return;
	wait_for_completion_interruptible(&conn->down_done);
}

/* step 1 of the end */
void rsp_isert_wait_conn(struct iscsit_conn *iscsi)
{
	struct rsp_isert_conn *conn = iscsi->context;

	spin_lock_bh(&conn->lock);
	conn->phase = RSP_ISERT_CLOSING;
	spin_unlock_bh(&conn->lock);
	/* LIO's login timer and recv() may both have queued it; we run in the last instance */
	if (conn->login_queued)
		cancel_delayed_work(&iscsi->login_work);

	rsp_chan_close(conn->chan);
	cancel_delayed_work_sync(&conn->backlog_work);
	cancel_work_sync(&conn->batch_work);
	if (READ_ONCE(conn->is_logout))
		wait_for_completion_timeout(&iscsi->conn_logout_comp,
					    SECONDS_FOR_LOGOUT_COMP * HZ);
}

/* step 3 of the end */
void rsp_isert_free_conn(struct iscsit_conn *iscsi)
{
	struct rsp_isert_conn *conn = iscsi->context;
	u32 i;

	if (conn->was_full) {
		target_stop_cmd_counter(iscsi->cmd_cnt);
		target_wait_for_cmds(iscsi->cmd_cnt);
	}
	/* of commands that LIO released */
	for (i = 0; conn->held && i < conn->nr_held; i++)
		if (conn->held[i])
			rsp_buf_put(conn->held[i]);
	kvfree(conn->held);
	iscsi->context = NULL;
	rsp_isert_conn_free(conn);
}
