// SPDX-License-Identifier: GPL-2.0
/*
 * Sending: responses and RDMA.
 *
 *   read:   RDMA writes and the response in one chain, one completion; it frees the command;
 *           or the data behind the response: copied, no completion of its own, or, under
 *           load, gathered from its pages, one completion
 *   write:  RDMA reads of what did not come with the command, one completion: execute;
 *           then the response, no completion of its own
 *
 * A response is copied into a pool buffer, so a command whose data is not under RDMA is
 * done as soon as its response is posted. It is unlinked from LIO's list before the
 * post, while the unposted work keeps the channel from going down; see isert_conn.c.
 * In a session of several connections it lives until the send completes, as LIO looks
 * at it once more behind a submission, and another connection could have its tag.
 *
 * A transfer longer than RSP_ISERT_RDMA_BYTES is several works. The send queue
 * completes in order, so only the last one tells.
 */
#include <linux/delay.h>
#include <linux/unaligned.h>

#include "isert.h"

#define RSP_ISERT_SENSE_FLAGS	(SCF_TRANSPORT_TASK_SENSE | SCF_EMULATED_TASK_SENSE)

/* a response under construction */
struct rsp_isert_reply {
	struct rsp_work	*work;
	struct rsp_buf	*buf;
	u32		len;
	u32		inline_len;	/* read data of the command behind it, copied */
	bool		is_set;		/* the message is, with pages */
	u32		inv_rkey;
	bool		has_inv;
};

static void *rsp_isert_reply_hdr(const struct rsp_isert_reply *reply)
{
	return reply->buf->data + sizeof(struct iser_ctrl);
}

/*
 * @data_len: bytes of data segment to make room for
 * Return: 0, -ENOTCONN when the channel is going down, -ENOMEM
 */
static int rsp_isert_reply_get(struct rsp_isert_conn *conn, struct rsp_isert_reply *reply,
			       u32 data_len)
{
	struct iser_ctrl *ctrl;

	reply->work = rsp_work_get(conn->chan, GFP_KERNEL);
	if (!reply->work)
		return rsp_chan_is_up(conn->chan) ? -ENOMEM : -ENOTCONN;
	reply->buf = rsp_buf_get(rsp_isert_svc, RSP_ISER_PDU_BYTES + ALIGN(data_len, 4),
				 GFP_KERNEL);
	if (!reply->buf) {
		rsp_work_free(reply->work);
		/* LIO tries again at once, and would take a processor from those who give buffers back */
		usleep_range(500, 2000);
		return -ENOMEM;
	}
	ctrl = reply->buf->data;
	memset(ctrl, 0, RSP_ISER_PDU_BYTES);
	ctrl->flags = ISCSI_CTRL;
	reply->len = RSP_ISER_PDU_BYTES;
	reply->inline_len = 0;
	reply->is_set = false;
	reply->has_inv = false;
	return 0;
}

/* the same in LIO's transmit thread, which takes any error for the end of the connection */
static int rsp_isert_reply_get_wait(struct rsp_isert_conn *conn, struct rsp_isert_reply *reply,
				    u32 data_len)
{
	int err, i;

	for (i = 0; i < 500; i++) {
		err = rsp_isert_reply_get(conn, reply, data_len);
		if (err != -ENOMEM || signal_pending(current))
			break;
		msleep(10);
	}
	return err;
}

static void rsp_isert_reply_drop(struct rsp_isert_reply *reply)
{
	rsp_buf_put(reply->buf);
	rsp_work_free(reply->work);
}

static void rsp_isert_reply_data(struct rsp_isert_reply *reply, const void *data, u32 len)
{
	u32 padded = ALIGN(len, 4);

	memcpy(reply->buf->data + reply->len, data, len);
	memset(reply->buf->data + reply->len + len, 0, padded - len);
	reply->len += padded;
}

/* Context: send_lock held; what waits for company goes first */
static int rsp_isert_reply_post(struct rsp_isert_conn *conn, struct rsp_isert_reply *reply)
{
	lockdep_assert_held(&conn->send_lock);
	rsp_iser_batch_post(&conn->batch);
	if (!reply->is_set)
		rsp_work_set_send(reply->work, reply->buf, reply->len);
	if (reply->has_inv)
		rsp_work_set_inv(reply->work, reply->inv_rkey);
	return rsp_work_post(reply->work);
}

/* ------------------------------------------------------------------ commands */

/* Context: see the end of a command in isert_conn.c */
static void rsp_isert_cmd_unlink(struct iscsit_cmd *cmd)
{
	struct iscsit_conn *iscsi = cmd->conn;

	spin_lock_bh(&iscsi->cmd_lock);
	if (!list_empty(&cmd->i_conn_node))
		list_del_init(&cmd->i_conn_node);
	spin_unlock_bh(&iscsi->cmd_lock);
	if (cmd->data_direction == DMA_TO_DEVICE)
		iscsit_stop_dataout_timer(cmd);
}

/* its response is posted or sent; unlinked */
static void rsp_isert_cmd_put(struct iscsit_cmd *cmd)
{
	rsp_isert_unhold(cmd->conn->context, cmd);
	/* a rejected command has a se_cmd or not, by how far it came */
	if (cmd->se_cmd.se_tfo)
		transport_generic_free_cmd(&cmd->se_cmd, 0);
	else
		iscsit_release_cmd(cmd);
}

static void rsp_isert_cmd_done(struct rsp_work *work, int status)
{
	struct iscsit_cmd *cmd = work->ctx;
	struct rsp_isert_conn *conn = cmd->conn->context;

	if (status)
		return;		/* LIO releases it when it closes the connection */
	rsp_isert_cmd_unlink(cmd);
	rsp_isert_cmd_put(cmd);
	if (unlikely(READ_ONCE(conn->nr_backlog)))
		mod_delayed_work(rsp_isert_wq, &conn->backlog_work, 0);
}

static bool rsp_isert_has_sense(const struct iscsit_cmd *cmd)
{
	return cmd->se_cmd.sense_buffer && (cmd->se_cmd.se_cmd_flags & RSP_ISERT_SENSE_FLAGS);
}

/* say that so many bytes of read data follow */
static void rsp_isert_reply_announce(struct rsp_isert_reply *reply, u32 len)
{
	struct iser_ctrl *ctrl = reply->buf->data;

	ctrl->flags |= ISER_RSV;
	ctrl->read_va = cpu_to_be64(len);
}

/* put the data of a read where it will stand behind header and sense */
static void rsp_isert_reply_inline(struct rsp_isert_reply *reply, struct se_cmd *se_cmd,
				   u32 sense_len, u32 len)
{
	sg_copy_to_buffer(se_cmd->t_data_sg, se_cmd->t_data_nents,
			  reply->buf->data + RSP_ISER_PDU_BYTES + sense_len, len);
	reply->inline_len = len;
	rsp_isert_reply_announce(reply, len);
}

/* the same from where it is; its pages stay until the work is done */
static int rsp_isert_reply_pages(struct rsp_isert_reply *reply, struct se_cmd *se_cmd, u32 len)
{
	rsp_isert_reply_announce(reply, len);
	rsp_work_set_send(reply->work, reply->buf, reply->len);
	reply->is_set = true;
	return rsp_work_add_sg(reply->work, se_cmd->t_data_sg, len);
}

/* commands LIO has of this initiator, as its window says; one to be answered is among them */
static int rsp_isert_nr_cmd(struct iscsit_session *sess)
{
	return sess->cmdsn_window - 1 - (int)(atomic_read(&sess->max_cmd_sn) -
					      READ_ONCE(sess->exp_cmd_sn));
}

/* does it pay to gather the data of a read? */
static bool rsp_isert_may_gather(struct rsp_isert_conn *conn, struct iscsit_cmd *cmd, u32 len)
{
	return rsp_isert_nr_cmd(conn->iscsi->sess) >= RSP_ISER_GATHER_FROM &&
	       !rsp_isert_has_sense(cmd) && cmd->se_cmd.t_data_nents <= conn->max_pages &&
	       rsp_chan_bulk(conn->chan, RSP_DIR_OUT, len) == RSP_BULK_INLINE;
}

/* the SCSI response: header, sense, the key to invalidate. Context: send_lock held */
static void rsp_isert_status_build(struct rsp_isert_conn *conn, struct iscsit_cmd *cmd,
				   struct rsp_isert_reply *reply)
{
	struct rsp_isert_cmd *priv = iscsit_priv_cmd(cmd);
	struct iscsi_scsi_rsp *hdr = rsp_isert_reply_hdr(reply);
	u32 len;

	lockdep_assert_held(&conn->send_lock);
	iscsit_build_rsp_pdu(cmd, conn->iscsi, true, hdr);
	if (unlikely(rsp_isert_has_sense(cmd))) {
		/* LIO leaves two bytes before the sense for its length */
		len = cmd->se_cmd.scsi_sense_length;
		put_unaligned_be16(len, cmd->sense_buffer);
		hton24(hdr->dlength, len + 2);
		rsp_isert_reply_data(reply, cmd->sense_buffer, len + 2);
	}
	reply->len += reply->inline_len;
	reply->has_inv = conn->has_remote_inv && (priv->has_read || priv->has_write);
	reply->inv_rkey = priv->has_read ? priv->read_rkey : priv->write_rkey;
	cmd->i_state = ISTATE_SENT_STATUS;
}

/* StatSN goes onto the wire in the order it is given */
static void rsp_isert_status_post(struct rsp_isert_conn *conn, struct iscsit_cmd *cmd,
				  struct rsp_isert_reply *reply)
{
	spin_lock_bh(&conn->send_lock);
	rsp_isert_status_build(conn, cmd, reply);
	rsp_isert_reply_post(conn, reply);
	spin_unlock_bh(&conn->send_lock);
}

/*
 * Have the bare response of a command leave with those of others: while there are more to
 * answer, until the message is full or this processor has completed what LIO gave it.
 * Return: false if it has to go alone
 */
static bool rsp_isert_batch_status(struct rsp_isert_conn *conn, struct iscsit_cmd *cmd)
{
	struct rsp_isert_cmd *priv = iscsit_priv_cmd(cmd);
	int nr_cmd = rsp_isert_nr_cmd(conn->iscsi->sess);
	bool is_first;

	if (!conn->has_batch || rsp_isert_has_sense(cmd) ||
	    (conn->has_remote_inv && (priv->has_read || priv->has_write)))
		return false;
	spin_lock_bh(&conn->send_lock);
	is_first = !rsp_iser_batch_is_open(&conn->batch);
	if (is_first && (nr_cmd <= 1 ||
			 !rsp_iser_batch_begin(&conn->batch, rsp_isert_svc, conn->chan))) {
		spin_unlock_bh(&conn->send_lock);
		return false;
	}
	rsp_isert_cmd_unlink(cmd);
	iscsit_build_rsp_pdu(cmd, conn->iscsi, true,
			     (struct iscsi_scsi_rsp *)rsp_iser_batch_add(&conn->batch));
	cmd->i_state = ISTATE_SENT_STATUS;
	if (nr_cmd <= 1 || rsp_iser_batch_is_full(&conn->batch))
		rsp_iser_batch_post(&conn->batch);
	else if (is_first)
		queue_work(rsp_isert_batch_wq, &conn->batch_work);
	spin_unlock_bh(&conn->send_lock);
	rsp_isert_cmd_put(cmd);
	return true;
}

void rsp_isert_batch_run(struct work_struct *work)
{
	struct rsp_isert_conn *conn = container_of(work, struct rsp_isert_conn, batch_work);

	spin_lock_bh(&conn->send_lock);
	rsp_iser_batch_post(&conn->batch);
	spin_unlock_bh(&conn->send_lock);
}

/*
 * Send the SCSI response of a command whose data is not under RDMA.
 * @inline_len: bytes of read data behind it
 * Return: 0, also when the channel is going down; -ENOMEM: LIO tries again
 */
static int __rsp_isert_queue_status(struct rsp_isert_conn *conn, struct iscsit_cmd *cmd,
				    u32 inline_len, bool may_wait)
{
	u32 sense_len = rsp_isert_has_sense(cmd) ? ALIGN(cmd->se_cmd.scsi_sense_length + 2, 4) : 0;
	bool is_alone = conn->iscsi->sess->sess_ops->MaxConnections == 1;
	u32 copy_len = inline_len;
	struct rsp_isert_reply reply;
	bool gather;
	int err;

	if (is_alone && !inline_len && rsp_isert_batch_status(conn, cmd))
		return 0;
	gather = inline_len && rsp_isert_may_gather(conn, cmd, inline_len);
	if (gather) {
		copy_len = 0;
		is_alone = false;
	}
	err = may_wait ? rsp_isert_reply_get_wait(conn, &reply, sense_len + copy_len) :
			 rsp_isert_reply_get(conn, &reply, sense_len + copy_len);
	if (err)
		return err == -ENOTCONN ? 0 : err;
	if (gather) {
		err = rsp_isert_reply_pages(&reply, &cmd->se_cmd, inline_len);
		if (err) {
			rsp_work_free(reply.work);
			return -ENOMEM;
		}
	} else if (inline_len) {
		rsp_isert_reply_inline(&reply, &cmd->se_cmd, sense_len, inline_len);
	}
	if (is_alone) {
		rsp_isert_cmd_unlink(cmd);
	} else {
		reply.work->done = rsp_isert_cmd_done;
		reply.work->ctx = cmd;
	}
	rsp_isert_status_post(conn, cmd, &reply);
	if (is_alone)
		rsp_isert_cmd_put(cmd);
	return 0;
}

int rsp_isert_queue_status(struct iscsit_conn *iscsi, struct iscsit_cmd *cmd)
{
	return __rsp_isert_queue_status(iscsi->context, cmd, 0, false);
}

/* LIO has the data of a read. Context: process */
int rsp_isert_queue_data_in(struct iscsit_conn *iscsi, struct iscsit_cmd *cmd)
{
	struct rsp_isert_conn *conn = iscsi->context;
	struct rsp_isert_cmd *priv = iscsit_priv_cmd(cmd);
	struct se_cmd *se_cmd = &cmd->se_cmd;
	struct rsp_isert_reply reply;
	struct rsp_work *work;
	struct rsp_desc desc;
	u32 off, sense_len;
	int err;

	if (unlikely(!se_cmd->data_length))
		return __rsp_isert_queue_status(conn, cmd, 0, false);
	if (!priv->has_read && conn->has_inline_read &&
	    se_cmd->data_length <= RSP_ISER_INLINE_BYTES)
		return __rsp_isert_queue_status(conn, cmd, se_cmd->data_length, false);
	if (unlikely(!priv->has_read)) {
		rsp_isert_conn_warn(conn, "read without a place for its data, connection ended\n");
		rsp_chan_kill(conn->chan);
		return 0;
	}
	sense_len = rsp_isert_has_sense(cmd) ? se_cmd->scsi_sense_length + 2 : 0;
	err = rsp_isert_reply_get(conn, &reply, sense_len);
	if (err)
		return err == -ENOTCONN ? 0 : err;

	desc.addr = priv->read_va;
	desc.rkey = priv->read_rkey;
	for (off = 0; ; off += desc.len, desc.addr += desc.len) {
		desc.len = min_t(u32, se_cmd->data_length - off, RSP_ISERT_RDMA_BYTES);
		if (off + desc.len == se_cmd->data_length)
			break;
		work = rsp_work_get(conn->chan, GFP_KERNEL);
		err = work ? rsp_work_add_rw(work, RSP_DIR_OUT, se_cmd->t_data_sg,
					     se_cmd->t_data_nents, off, &desc) : -ENOMEM;
		if (err) {
			if (work)
				rsp_work_free(work);
			goto err_reply;
		}
		if (rsp_work_post(work))
			goto err_down;
	}
	err = rsp_work_add_rw(reply.work, RSP_DIR_OUT, se_cmd->t_data_sg, se_cmd->t_data_nents,
			      off, &desc);
	if (err)
		goto err_reply;
	reply.work->done = rsp_isert_cmd_done;
	reply.work->ctx = cmd;
	rsp_isert_status_post(conn, cmd, &reply);
	return 0;

err_down:
	err = 0;
err_reply:
	rsp_isert_reply_drop(&reply);
	if (err && err != -ENOMEM) {
		rsp_isert_conn_warn(conn, "RDMA write: error %d, connection ended\n", err);
		rsp_chan_kill(conn->chan);
		err = 0;
	}
	return err;
}

static void rsp_isert_dataout_done(struct rsp_work *work, int status)
{
	struct iscsit_cmd *cmd = work->ctx;

	if (status)
		return;		/* WRITE_PENDING: LIO aborts it when it closes the connection */
	iscsit_stop_dataout_timer(cmd);
	cmd->write_data_done = cmd->se_cmd.data_length;
	spin_lock_bh(&cmd->istate_lock);
	cmd->cmd_flags |= ICF_GOT_LAST_DATAOUT;
	cmd->i_state = ISTATE_RECEIVED_LAST_DATAOUT;
	spin_unlock_bh(&cmd->istate_lock);
	target_execute_cmd(&cmd->se_cmd);
}

/* LIO wants the rest of a write's data. Context: process */
int rsp_isert_get_dataout(struct iscsit_conn *iscsi, struct iscsit_cmd *cmd, bool recovery)
{
	struct rsp_isert_conn *conn = iscsi->context;
	struct rsp_isert_cmd *priv = iscsit_priv_cmd(cmd);
	struct se_cmd *se_cmd = &cmd->se_cmd;
	/* the initiator's address is that of the first byte it has not sent */
	u32 first = cmd->write_data_done, off = first;
	struct rsp_work *work;
	struct rsp_desc desc;
	bool is_last;
	int err;

	if (unlikely(!priv->has_write || off >= se_cmd->data_length)) {
		rsp_isert_conn_warn(conn, "write without a place for its data, connection ended\n");
		rsp_chan_kill(conn->chan);
		return 0;
	}
	desc.rkey = priv->write_rkey;
	do {
		desc.addr = priv->write_va + (off - first);
		desc.len = min_t(u32, se_cmd->data_length - off, RSP_ISERT_RDMA_BYTES);
		is_last = off + desc.len == se_cmd->data_length;
		work = rsp_work_get(conn->chan, GFP_KERNEL);
		if (!work && !rsp_chan_is_up(conn->chan))
			return 0;
		err = work ? rsp_work_add_rw(work, RSP_DIR_IN, se_cmd->t_data_sg,
					     se_cmd->t_data_nents, off, &desc) : -ENOMEM;
		if (err) {
			if (work)
				rsp_work_free(work);
			goto err;
		}
		if (is_last) {
			work->done = rsp_isert_dataout_done;
			work->ctx = cmd;
		}
		/* from here the command may be anywhere, if this was the last */
		err = rsp_work_post(work);
		if (err)
			return 0;	/* the channel goes down */
		off += desc.len;
	} while (!is_last);
	return 0;

err:
	/* LIO tries again, unless it asked from a place where it does not look */
	if (err == -ENOMEM && !cmd->immediate_data && !cmd->unsolicited_data)
		return err;
	rsp_isert_conn_warn(conn, "RDMA read: error %d, connection ended\n", err);
	rsp_chan_kill(conn->chan);
	return 0;
}

/*
 * LIO aborted a command. It does so when the backend has returned it, or before RDMA
 * or behind it; what is in flight is waited for (target_execute_cmd() finds the abort).
 */
void rsp_isert_aborted_task(struct iscsit_conn *iscsi, struct iscsit_cmd *cmd)
{
	rsp_isert_unhold(iscsi->context, cmd);
	rsp_isert_cmd_unlink(cmd);
}

/* ------------------------------------- control PDUs, from LIO's transmit thread */

static int rsp_isert_send_nopin(struct rsp_isert_conn *conn, struct iscsit_cmd *cmd,
				bool is_answer, bool keep)
{
	struct rsp_isert_reply reply;
	int err;

	err = rsp_isert_reply_get_wait(conn, &reply, cmd->buf_ptr_size);
	if (err)
		return err;
	if (!keep)
		rsp_isert_cmd_unlink(cmd);
	spin_lock_bh(&conn->send_lock);
	iscsit_build_nopin_rsp(cmd, conn->iscsi, rsp_isert_reply_hdr(&reply), is_answer);
	if (cmd->buf_ptr_size)
		rsp_isert_reply_data(&reply, cmd->buf_ptr, cmd->buf_ptr_size);
	cmd->i_state = ISTATE_SENT_STATUS;
	rsp_isert_reply_post(conn, &reply);
	spin_unlock_bh(&conn->send_lock);
	if (!keep)
		rsp_isert_cmd_put(cmd);
	return 0;
}

static int rsp_isert_send_tmf(struct rsp_isert_conn *conn, struct iscsit_cmd *cmd)
{
	/* LIO forgets to put its reference on one that waited for its CmdSN and found nothing to do */
	bool has_extra = !cmd->immediate_cmd && !cmd->se_cmd.se_tmr_req->call_transport;
	struct rsp_isert_reply reply;
	int err;

	err = rsp_isert_reply_get_wait(conn, &reply, 0);
	if (err)
		return err;
	rsp_isert_cmd_unlink(cmd);
	spin_lock_bh(&conn->send_lock);
	iscsit_build_task_mgt_rsp(cmd, conn->iscsi, rsp_isert_reply_hdr(&reply));
	cmd->i_state = ISTATE_SENT_STATUS;
	rsp_isert_reply_post(conn, &reply);
	spin_unlock_bh(&conn->send_lock);
	iscsit_tmr_post_handler(cmd, conn->iscsi);
	if (has_extra)
		target_put_sess_cmd(&cmd->se_cmd);
	rsp_isert_cmd_put(cmd);
	return 0;
}

static int rsp_isert_send_reject(struct rsp_isert_conn *conn, struct iscsit_cmd *cmd)
{
	struct rsp_isert_reply reply;
	int err;

	err = rsp_isert_reply_get_wait(conn, &reply, ISCSI_HDR_LEN);
	if (err)
		return err;
	rsp_isert_cmd_unlink(cmd);
	spin_lock_bh(&conn->send_lock);
	iscsit_build_reject(cmd, conn->iscsi, rsp_isert_reply_hdr(&reply));
	rsp_isert_reply_data(&reply, cmd->buf_ptr, ISCSI_HDR_LEN);
	cmd->i_state = ISTATE_SENT_STATUS;
	rsp_isert_reply_post(conn, &reply);
	spin_unlock_bh(&conn->send_lock);
	rsp_isert_cmd_put(cmd);
	return 0;
}

/* LIO allocates while it builds this one: outside send_lock, in a session with little else */
static int rsp_isert_send_text(struct rsp_isert_conn *conn, struct iscsit_cmd *cmd)
{
	struct rsp_isert_reply reply;
	struct iscsi_text_rsp hdr;
	bool is_last;
	int len, err;

	memset(&hdr, 0, sizeof(hdr));
	len = iscsit_build_text_rsp(cmd, conn->iscsi, &hdr, ISCSI_INFINIBAND);
	if (len < 0)
		return len == -ECONNRESET ? -EIO : len;
	err = rsp_isert_reply_get_wait(conn, &reply, len);
	if (err)
		return err;
	is_last = !(hdr.flags & ISCSI_FLAG_TEXT_CONTINUE);
	memcpy(rsp_isert_reply_hdr(&reply), &hdr, sizeof(hdr));
	if (len)
		rsp_isert_reply_data(&reply, cmd->buf_ptr, len);
	if (is_last)
		rsp_isert_cmd_unlink(cmd);
	cmd->i_state = ISTATE_SENT_STATUS;	/* before the next request can come */
	spin_lock_bh(&conn->send_lock);
	rsp_isert_reply_post(conn, &reply);
	spin_unlock_bh(&conn->send_lock);
	if (is_last)
		rsp_isert_cmd_put(cmd);
	return 0;
}

static void rsp_isert_logout_run(struct work_struct *work)
{
	struct rsp_isert_cmd *priv = container_of(work, struct rsp_isert_cmd, logout_work);
	struct iscsit_cmd *cmd = (struct iscsit_cmd *)priv - 1;

	/* closes the session or connection and waits for it; command and connection go with it */
	iscsit_logout_post_handler(cmd, cmd->conn);
}

static void rsp_isert_logout_done(struct rsp_work *work, int status)
{
	struct iscsit_cmd *cmd = work->ctx;
	struct rsp_isert_conn *conn = cmd->conn->context;
	struct rsp_isert_cmd *priv = iscsit_priv_cmd(cmd);

	if (status) {		/* LIO makes up for it when it closes the connection */
		WRITE_ONCE(conn->is_logout, false);
		return;
	}
	INIT_WORK(&priv->logout_work, rsp_isert_logout_run);
	queue_work(rsp_isert_wq, &priv->logout_work);
}

static int rsp_isert_send_logout(struct rsp_isert_conn *conn, struct iscsit_cmd *cmd)
{
	/* else it is of another connection, or for recovery: this one goes on */
	bool is_end = cmd->logout_reason == ISCSI_LOGOUT_REASON_CLOSE_SESSION ||
		      (cmd->logout_reason == ISCSI_LOGOUT_REASON_CLOSE_CONNECTION &&
		       cmd->logout_cid == conn->iscsi->cid);
	struct iscsi_logout_rsp hdr;
	struct rsp_isert_reply reply;
	int err;

	/* may close another connection of the session and wait for it: no lock, no work held */
	memset(&hdr, 0, sizeof(hdr));
	err = iscsit_build_logout_rsp(cmd, conn->iscsi, &hdr);
	if (err)
		return -EIO;
	err = rsp_isert_reply_get_wait(conn, &reply, 0);
	if (err)
		return err;
	memcpy(rsp_isert_reply_hdr(&reply), &hdr, sizeof(hdr));
	if (!is_end) {
		rsp_isert_cmd_unlink(cmd);
		cmd->i_state = ISTATE_SENT_STATUS;
		spin_lock_bh(&conn->send_lock);
		rsp_isert_reply_post(conn, &reply);
		spin_unlock_bh(&conn->send_lock);
		iscsit_logout_post_handler(cmd, conn->iscsi);
		rsp_isert_cmd_put(cmd);
		return 0;
	}
	reply.work->done = rsp_isert_logout_done;
	reply.work->ctx = cmd;
	WRITE_ONCE(conn->is_logout, true);
	spin_lock_bh(&conn->send_lock);
	err = rsp_isert_reply_post(conn, &reply);
	spin_unlock_bh(&conn->send_lock);
	if (err)
		WRITE_ONCE(conn->is_logout, false);
	return err;
}

/* LIO's transmit thread. -ECONNRESET would mean that the connection is freed: never return it */
int rsp_isert_immediate_queue(struct iscsit_conn *iscsi, struct iscsit_cmd *cmd, int state)
{
	switch (state) {
	case ISTATE_SEND_NOPIN_WANT_RESPONSE:
		return rsp_isert_send_nopin(iscsi->context, cmd, false, true);
	case ISTATE_SEND_NOPIN_NO_RESPONSE:
		return rsp_isert_send_nopin(iscsi->context, cmd, false, false);
	case ISTATE_REMOVE:	/* never executed */
		rsp_isert_unhold(iscsi->context, cmd);
		return iscsit_immediate_queue(iscsi, cmd, state);
	default:
		WARN_ON_ONCE(1);
		return -EINVAL;
	}
}

int rsp_isert_response_queue(struct iscsit_conn *iscsi, struct iscsit_cmd *cmd, int state)
{
	struct rsp_isert_conn *conn = iscsi->context;

	switch (state) {
	case ISTATE_SEND_STATUS:
		return __rsp_isert_queue_status(conn, cmd, 0, true);
	case ISTATE_SEND_NOPIN:
		return rsp_isert_send_nopin(conn, cmd, true, false);
	case ISTATE_SEND_TASKMGTRSP:
		return rsp_isert_send_tmf(conn, cmd);
	case ISTATE_SEND_REJECT:
		return rsp_isert_send_reject(conn, cmd);
	case ISTATE_SEND_TEXTRSP:
		return rsp_isert_send_text(conn, cmd);
	case ISTATE_SEND_LOGOUTRSP:
		return rsp_isert_send_logout(conn, cmd);
	default:	/* async messages belong to recovery levels we do not negotiate */
		WARN_ON_ONCE(1);
		return -EINVAL;
	}
}
