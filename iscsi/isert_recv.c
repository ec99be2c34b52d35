// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving: login requests, commands with immediate data, data-out, control PDUs.
 *
 * A receive buffer stays with us while recv() looks at it: LIO copies headers, and data
 * that is only part of a command's is copied to LIO's pages. It stays longer as the
 * data of a command that came with all of it, until the backend is done (the tag's slot
 * in conn->held: LIO releases commands without a word when it closes a connection);
 * as a login request, until LIO fetches it; in the backlog.
 *
 * Everything runs on the completion queue's work queue, one message of a connection
 * at a time, so nothing here waits for what only a completion can give: a PDU that
 * finds no command tag goes to the backlog, and so do those behind it, until a work
 * item has found tags for them.
 *
 * What a peer says is believed only after these checks:
 *	- the message holds the headers, the additional headers and the data it declares
 *	- login requests come before, everything else after the login
 *	- an extended CDB lies within its additional header
 *	- data-out has a command that waits for unsolicited data, and fits into it
 *	- a further text request belongs to a text command that waits for it
 * LIO checks the rest. What cannot be answered by a Reject ends the connection.
 */
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <scsi/scsi_proto.h>

#include "isert.h"

/* a received PDU, lengths checked */
struct rsp_isert_pdu {
	struct iser_ctrl	*ctrl;
	struct iscsi_hdr	*hdr;
	u32			ahs_len;
	void			*data;
	u32			len;
	struct rsp_buf		*buf;		/* it is in this one */
	u32			next;		/* bytes to the next PDU there, or 0 */
	bool			is_alone;	/* no other PDU there */
	bool			is_kept;	/* the buffer */
};

static const char *rsp_isert_pdu_parse(struct rsp_isert_conn *conn, struct rsp_isert_pdu *pdu,
				       struct rsp_buf *buf, u32 off)
{
	u32 have = buf->len - off;

	if (have < RSP_ISER_PDU_BYTES)
		return "message shorter than its headers";
	pdu->buf = buf;
	pdu->is_kept = false;
	pdu->ctrl = buf->data + off;
	pdu->hdr = buf->data + off + sizeof(struct iser_ctrl);
	pdu->next = conn->has_batch ? rsp_iser_next(pdu->ctrl) : 0;
	if (pdu->next) {
		if (!rsp_iser_next_is_sound(pdu->next, have))
			return "PDU beyond its message";
		have = pdu->next;
	}
	pdu->is_alone = !off && !pdu->next;
	pdu->ahs_len = pdu->hdr->hlength * 4;
	pdu->len = ntoh24(pdu->hdr->dlength);
	pdu->data = buf->data + off + RSP_ISER_PDU_BYTES + pdu->ahs_len;
	if (have < RSP_ISER_PDU_BYTES + pdu->ahs_len + pdu->len)
		return "message shorter than it declares";
	if ((pdu->ctrl->flags & 0xf0) != ISCSI_CTRL)
		return "not an iSCSI control-type PDU";
	return NULL;
}

/* -------------------------------------------------------------------- login */

static const char *rsp_isert_recv_login(struct rsp_isert_conn *conn, struct rsp_buf *buf,
					struct rsp_isert_pdu *pdu)
{
	bool is_first;

	if ((pdu->hdr->opcode & ISCSI_OPCODE_MASK) != ISCSI_OP_LOGIN)
		return "not a login request before the login is complete";
	if (pdu->ahs_len || pdu->len > MAX_KEY_VALUE_PAIRS || !pdu->is_alone)
		return "bad login request";

	spin_lock_bh(&conn->lock);
	if (conn->phase != RSP_ISERT_LOGIN_WAIT) {
		spin_unlock_bh(&conn->lock);
		return "login request out of turn";
	}
	conn->login_buf = buf;
	conn->phase = RSP_ISERT_LOGIN_BUSY;
	is_first = !conn->login_queued;
	if (!is_first)
		queue_delayed_work(rsp_isert_wq, &conn->iscsi->login_work, 0);
	spin_unlock_bh(&conn->lock);
	if (is_first)
		rsp_isert_np_ready(conn);
	return NULL;
}

/* ----------------------------------------------------------------- commands */

/* LIO copies the CDB by what these fields say, and by the length in a variable length CDB */
static bool rsp_isert_cdb_is_sound(const struct rsp_isert_pdu *pdu)
{
	const struct iscsi_scsi_req *hdr = (const void *)pdu->hdr;
	const struct iscsi_ecdb_ahdr *ahs = (const void *)(pdu->hdr + 1);
	u32 bytes = ISCSI_CDB_SIZE;

	if (pdu->ahs_len) {
		u32 ahs_bytes = be16_to_cpu(ahs->ahslength);

		/* the length counts from the byte behind the type */
		if (ahs->ahstype == ISCSI_AHSTYPE_CDB) {
			if (!ahs_bytes || ahs_bytes + 3 > pdu->ahs_len)
				return false;
			bytes += ahs_bytes - 1;
		}
	}
	return hdr->cdb[0] != VARIABLE_LENGTH_CMD || hdr->cdb[7] + 8U <= bytes;
}

static int rsp_isert_recv_cmd(struct rsp_isert_conn *conn, struct rsp_isert_pdu *pdu)
{
	struct iscsi_scsi_req *hdr = (struct iscsi_scsi_req *)pdu->hdr;
	struct iscsit_conn *iscsi = conn->iscsi;
	struct rsp_isert_cmd *priv;
	struct iscsit_cmd *cmd;
	struct se_cmd *se_cmd;
	bool has_unsol, drop, hold;
	u32 len;
	int err;

	if (!rsp_isert_cdb_is_sound(pdu)) {
		rsp_isert_conn_warn(conn, "CDB longer than its header\n");
		return -EPROTO;
	}
	if (pdu->len && !(hdr->flags & ISCSI_FLAG_CMD_WRITE)) {
		/* LIO would execute the command twice, and free it between */
		rsp_isert_conn_warn(conn, "data with a command that writes nothing\n");
		return -EPROTO;
	}
	cmd = iscsit_allocate_cmd(iscsi, TASK_RUNNING);
	if (!cmd)
		return -EAGAIN;
	priv = iscsit_priv_cmd(cmd);
	if (pdu->ctrl->flags & ISER_RSV) {
		priv->has_read = true;
		priv->read_rkey = be32_to_cpu(pdu->ctrl->read_stag);
		priv->read_va = be64_to_cpu(pdu->ctrl->read_va);
	}
	if (pdu->ctrl->flags & ISER_WSV) {
		priv->has_write = true;
		priv->write_rkey = be32_to_cpu(pdu->ctrl->write_stag);
		priv->write_va = be64_to_cpu(pdu->ctrl->write_va);
	}

	if (iscsit_setup_scsi_cmd(iscsi, cmd, (unsigned char *)hdr) < 0)
		return 0;	/* LIO queued a Reject */
	se_cmd = &cmd->se_cmd;
	if (cmd->immediate_data && !se_cmd->data_length && !cmd->sense_reason) {
		/* the CDB wants none of it; LIO would execute the command twice */
		cmd->immediate_data = 0;
		cmd->unsolicited_data = 0;
		cmd->cmd_flags &= ~ICF_NON_IMMEDIATE_UNSOLICITED_DATA;
	}
	if (!cmd->immediate_data)
		/* from here LIO may be done with the command at any moment */
		return iscsit_process_scsi_cmd(iscsi, cmd, hdr) < 0 ? -EPROTO : 0;

	/* all of its data, and aligned: LIO needs no pages for it */
	hold = conn->held && pdu->len == se_cmd->data_length && !pdu->ahs_len && pdu->is_alone &&
	       !cmd->sense_reason;
	if (hold)
		se_cmd->se_cmd_flags |= SCF_PASSTHROUGH_SG_TO_MEM_NOALLOC;
	err = iscsit_process_scsi_cmd(iscsi, cmd, hdr);
	if (err < 0)
		return -EPROTO;
	drop = err;		/* LIO answers with the sense it has found */
	if (!drop) {
		len = min(pdu->len, se_cmd->data_length);
		if (hold) {
			rsp_isert_unhold(conn, cmd);	/* of a predecessor, if it had bad luck */
			conn->held[se_cmd->map_tag] = pdu->buf;
			pdu->is_kept = true;
			sg_init_one(&priv->sg, pdu->data, len);
			se_cmd->t_data_sg = &priv->sg;
			se_cmd->t_data_nents = 1;
		} else {
			sg_copy_from_buffer(se_cmd->t_data_sg, se_cmd->t_data_nents, pdu->data,
					    len);
		}
		cmd->write_data_done += len;
		if (cmd->write_data_done >= se_cmd->data_length) {
			spin_lock_bh(&cmd->istate_lock);
			cmd->cmd_flags |= ICF_GOT_LAST_DATAOUT;
			cmd->cmd_flags &= ~ICF_NON_IMMEDIATE_UNSOLICITED_DATA;
			cmd->i_state = ISTATE_RECEIVED_LAST_DATAOUT;
			spin_unlock_bh(&cmd->istate_lock);
			cmd->unsolicited_data = 0;
		}
	}
	/* a command with data to come stays; one with sense has a reference for us to put */
	has_unsol = cmd->unsolicited_data;
	err = iscsit_sequence_cmd(iscsi, cmd, (unsigned char *)hdr, hdr->cmdsn);
	if (err == CMDSN_ERROR_CANNOT_RECOVER)
		return -EPROTO;
	if (err == CMDSN_LOWER_THAN_EXP) {
		/*
		 * LIO's transmit thread drops it. Where the connection ends first, a command
		 * that waits for data would be completed, and with our reference gone be
		 * freed under the end of the connection.
		 */
		spin_lock_irq(&se_cmd->t_state_lock);
		se_cmd->t_state = TRANSPORT_NO_STATE;
		spin_unlock_irq(&se_cmd->t_state_lock);
	}
	if (drop || err == CMDSN_LOWER_THAN_EXP)
		target_put_sess_cmd(se_cmd);
	else if (has_unsol)
		iscsit_set_unsolicited_dataout(cmd);
	return 0;
}

static int rsp_isert_recv_dataout(struct rsp_isert_conn *conn, struct rsp_isert_pdu *pdu)
{
	struct iscsi_data *hdr = (struct iscsi_data *)pdu->hdr;
	u32 offset = be32_to_cpu(hdr->offset), len = pdu->len;
	struct iscsit_conn *iscsi = conn->iscsi;
	struct iscsit_cmd *cmd;
	bool is_good = false;
	struct se_cmd *se_cmd;

	if (!len)
		return 0;
	if (len > iscsi->conn_ops->MaxXmitDataSegmentLength)
		return -EPROTO;
	cmd = iscsit_find_cmd_from_itt_or_dump(iscsi, hdr->itt, len);
	if (!cmd)
		return 0;	/* aborted, perhaps; LIO says so */
	se_cmd = &cmd->se_cmd;
	if (cmd->iscsi_opcode != ISCSI_OP_SCSI_CMD || !cmd->unsolicited_data ||
	    se_cmd->t_state != TRANSPORT_WRITE_PENDING || !se_cmd->t_data_sg ||
	    offset > se_cmd->data_length || len > se_cmd->data_length - offset) {
		rsp_isert_conn_warn(conn, "data-out that no command waits for\n");
		return -EPROTO;
	}
	if (__iscsit_check_dataout_hdr(iscsi, hdr, cmd, len, &is_good) < 0)
		return -EPROTO;
	if (!is_good)
		return 0;
	sg_pcopy_from_buffer(se_cmd->t_data_sg, se_cmd->t_data_nents, pdu->data, len, offset);
	return iscsit_check_dataout_payload(cmd, hdr, false) < 0 ? -EPROTO : 0;
}

/* -------------------------------------------------------------- control PDUs */

static int rsp_isert_recv_nop(struct rsp_isert_conn *conn, struct rsp_isert_pdu *pdu)
{
	struct iscsi_nopout *hdr = (struct iscsi_nopout *)pdu->hdr;
	struct iscsit_conn *iscsi = conn->iscsi;
	bool is_ping = hdr->ttt == cpu_to_be32(ISCSI_RESERVED_TAG);
	struct iscsit_cmd *cmd = NULL;
	u32 len;

	if (is_ping) {
		cmd = iscsit_allocate_cmd(iscsi, TASK_RUNNING);
		if (!cmd)
			return -EAGAIN;
	} else if (hdr->itt != RESERVED_ITT || !(hdr->flags & ISCSI_FLAG_CMD_FINAL) ||
		   !(hdr->opcode & ISCSI_OP_IMMEDIATE)) {
		return -EPROTO;
	}
	if (iscsit_setup_nop_out(iscsi, cmd, hdr) < 0)
		return is_ping ? 0 : -EPROTO;
	len = min(pdu->len, iscsi->conn_ops->MaxXmitDataSegmentLength);
	if (is_ping && hdr->itt != RESERVED_ITT && len) {
		cmd->buf_ptr = kmemdup(pdu->data, len, GFP_KERNEL);
		if (cmd->buf_ptr)
			cmd->buf_ptr_size = len;
	}
	return iscsit_process_nop_out(iscsi, cmd, hdr) < 0 ? -EPROTO : 0;
}

static int rsp_isert_recv_text(struct rsp_isert_conn *conn, struct rsp_isert_pdu *pdu)
{
	struct iscsi_text *hdr = (struct iscsi_text *)pdu->hdr;
	struct iscsit_conn *iscsi = conn->iscsi;
	struct iscsit_cmd *cmd;
	char *text = NULL;

	if (hdr->ttt != cpu_to_be32(ISCSI_RESERVED_TAG)) {
		/* more of an answer that did not fit: LIO keeps its command for this */
		cmd = iscsit_find_cmd_from_itt(iscsi, hdr->itt);
		if (!cmd || cmd->iscsi_opcode != ISCSI_OP_TEXT || pdu->len ||
		    cmd->i_state != ISTATE_SENT_STATUS ||
		    cmd->targ_xfer_tag != be32_to_cpu(hdr->ttt) ||
		    cmd->cmd_flags & ICF_SENDTARGETS_SINGLE)
			return -EPROTO;
	} else {
		cmd = iscsit_allocate_cmd(iscsi, TASK_RUNNING);
		if (!cmd)
			return -EAGAIN;
		if (pdu->len) {
			text = kzalloc(pdu->len + 1, GFP_KERNEL);
			if (!text) {
				iscsit_release_cmd(cmd);
				return -ENOMEM;
			}
			memcpy(text, pdu->data, pdu->len);
		}
	}
	if (iscsit_setup_text_cmd(iscsi, cmd, hdr) < 0) {
		kfree(text);
		return 0;
	}
	cmd->text_in_ptr = text;
	/* an error has a Reject queued */
	iscsit_process_text_cmd(iscsi, cmd, hdr);
	return 0;
}

static int rsp_isert_recv_tmf(struct rsp_isert_conn *conn, struct rsp_isert_pdu *pdu)
{
	struct iscsit_cmd *cmd = iscsit_allocate_cmd(conn->iscsi, TASK_RUNNING);

	if (!cmd)
		return -EAGAIN;
	/* an error has a Reject queued */
	iscsit_handle_task_mgt_cmd(conn->iscsi, cmd, (unsigned char *)pdu->hdr);
	return 0;
}

static int rsp_isert_recv_logout(struct rsp_isert_conn *conn, struct rsp_isert_pdu *pdu)
{
	struct iscsit_cmd *cmd = iscsit_allocate_cmd(conn->iscsi, TASK_RUNNING);

	if (!cmd)
		return -EAGAIN;
	return iscsit_handle_logout_cmd(conn->iscsi, cmd, (unsigned char *)pdu->hdr) < 0 ?
	       -EPROTO : 0;
}

/*
 * Return: 0, -EAGAIN when there is no command tag and nothing has happened, another
 * negative errno when the connection must end
 */
static int rsp_isert_recv_full(struct rsp_isert_conn *conn, struct rsp_isert_pdu *pdu)
{
	struct iscsit_conn *iscsi = conn->iscsi;
	u8 opcode = pdu->hdr->opcode & ISCSI_OPCODE_MASK;

	if (READ_ONCE(iscsi->conn_state) == TARG_CONN_STATE_IN_LOGOUT)
		return 0;
	if (iscsi->sess->sess_ops->SessionType && opcode != ISCSI_OP_TEXT &&
	    opcode != ISCSI_OP_LOGOUT && opcode != ISCSI_OP_NOOP_OUT) {
		rsp_isert_conn_warn(conn, "opcode %#x in a discovery session\n", opcode);
		return -EPROTO;
	}
	switch (opcode) {
	case ISCSI_OP_SCSI_CMD:
		return rsp_isert_recv_cmd(conn, pdu);
	case ISCSI_OP_SCSI_DATA_OUT:
		return rsp_isert_recv_dataout(conn, pdu);
	case ISCSI_OP_NOOP_OUT:
		return rsp_isert_recv_nop(conn, pdu);
	case ISCSI_OP_SCSI_TMFUNC:
		return rsp_isert_recv_tmf(conn, pdu);
	case ISCSI_OP_TEXT:
		return rsp_isert_recv_text(conn, pdu);
	case ISCSI_OP_LOGOUT:
		return rsp_isert_recv_logout(conn, pdu);
	default:	/* a login request too */
		rsp_isert_conn_warn(conn, "unexpected opcode %#x\n", opcode);
		return -EPROTO;
	}
}

/* ------------------------------------------------------------------ backlog */

/* @off: what of @buf is handled already, when nothing is in the backlog */
static int rsp_isert_backlog_add(struct rsp_isert_conn *conn, struct rsp_buf *buf, u32 off)
{
	if (!conn->backlog)
		conn->backlog = kcalloc(RSP_ISERT_BACKLOG, sizeof(*conn->backlog), GFP_KERNEL);
	if (!conn->backlog)
		return -ENOMEM;
	spin_lock_bh(&conn->lock);
	if (conn->nr_backlog == RSP_ISERT_BACKLOG) {
		spin_unlock_bh(&conn->lock);
		rsp_isert_conn_warn(conn, "more commands than were granted\n");
		return -EPROTO;
	}
	if (!conn->nr_backlog)
		conn->backlog_off = off;
	conn->backlog[(conn->backlog_first + conn->nr_backlog) % RSP_ISERT_BACKLOG] = buf;
	WRITE_ONCE(conn->nr_backlog, conn->nr_backlog + 1);
	spin_unlock_bh(&conn->lock);
	queue_delayed_work(rsp_isert_wq, &conn->backlog_work, 1);
	return 0;
}

static void rsp_isert_fail(struct rsp_isert_conn *conn, int err)
{
	rsp_isert_conn_warn(conn, "error %d, connection ended\n", err);
	rsp_chan_kill(conn->chan);
}

/*
 * Handle the PDUs of a message from @off on. With -EAGAIN that at @off waits for a tag and
 * those before it are done, else the buffer is put or kept.
 */
static int rsp_isert_recv_pdus(struct rsp_isert_conn *conn, struct rsp_buf *buf, u32 *off)
{
	struct rsp_isert_pdu pdu;
	const char *why;
	int err;

	do {
		why = rsp_isert_pdu_parse(conn, &pdu, buf, *off);
		if (unlikely(why)) {
			rsp_isert_conn_warn(conn, "%s\n", why);
			err = -EPROTO;
			break;
		}
		err = rsp_isert_recv_full(conn, &pdu);
		if (unlikely(err == -EAGAIN))
			return err;
		*off += pdu.next;
	} while (pdu.next && !err && READ_ONCE(conn->phase) == RSP_ISERT_FULL);
	if (!pdu.is_kept)
		rsp_buf_put(buf);
	return err;
}

/*
 * Try the oldest PDU again, and those behind it. A tag may come free in any thread of LIO's,
 * which then may touch neither tag nor connection any more: so this looks again and again
 * until there is one. A PDU counts until it is handled, so recv() keeps the order.
 */
void rsp_isert_backlog_run(struct work_struct *work)
{
	struct rsp_isert_conn *conn = container_of(work, struct rsp_isert_conn,
						   backlog_work.work);
	int err;

	while (READ_ONCE(conn->nr_backlog) && READ_ONCE(conn->phase) == RSP_ISERT_FULL) {
		err = rsp_isert_recv_pdus(conn, conn->backlog[conn->backlog_first],
					  &conn->backlog_off);
		if (err == -EAGAIN) {
			queue_delayed_work(rsp_isert_wq, &conn->backlog_work, 1);
			break;
		}
		spin_lock_bh(&conn->lock);
		conn->backlog_off = 0;
		conn->backlog_first = (conn->backlog_first + 1) % RSP_ISERT_BACKLOG;
		/* with 0 the next PDU is recv()'s */
		smp_store_release(&conn->nr_backlog, conn->nr_backlog - 1);
		spin_unlock_bh(&conn->lock);
		if (err) {
			rsp_isert_fail(conn, err);
			break;
		}
	}
}

void rsp_isert_backlog_drop(struct rsp_isert_conn *conn)
{
	for (; conn->nr_backlog; conn->nr_backlog--) {
		rsp_buf_put(conn->backlog[conn->backlog_first]);
		conn->backlog_first = (conn->backlog_first + 1) % RSP_ISERT_BACKLOG;
	}
	kfree(conn->backlog);
	conn->backlog = NULL;
}

/* RSP: a message arrived. Context: process, bound to the vector. */
void rsp_isert_recv(struct rsp_chan *chan, struct rsp_buf *buf)
{
	struct rsp_isert_conn *conn = rsp_chan_priv(chan);
	struct rsp_isert_pdu pdu;
	const char *why;
	u32 off = 0;
	int err;

	switch (READ_ONCE(conn->phase)) {
	case RSP_ISERT_FULL:
		break;
	case RSP_ISERT_CLOSING:
		rsp_buf_put(buf);
		return;
	default:
		why = rsp_isert_pdu_parse(conn, &pdu, buf, 0) ?:
		      rsp_isert_recv_login(conn, buf, &pdu);
		if (unlikely(why)) {
			rsp_isert_conn_warn(conn, "%s, connection ended\n", why);
			rsp_buf_put(buf);
			rsp_chan_kill(chan);
		}
		return;
	}

	/* only we make it longer */
	err = smp_load_acquire(&conn->nr_backlog) ? -EAGAIN : rsp_isert_recv_pdus(conn, buf, &off);
	if (unlikely(err == -EAGAIN)) {
		err = rsp_isert_backlog_add(conn, buf, off);
		if (err)
			rsp_buf_put(buf);
	}
	if (unlikely(err))
		rsp_isert_fail(conn, err);
}
