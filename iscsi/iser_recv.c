// SPDX-License-Identifier: GPL-2.0
/*
 * What comes in: answers, and the end of commands.
 *
 *	         answer           nr_use 0
 *	SENT -----------> ANSWERED ----------> libiscsi completes it
 *	  '--TMF answer--> REVOKED ----------> the TMF answer goes to libiscsi,
 *	                            nr_use 0   which fails the command
 *
 * Whoever gets a command back owns its memory. So an answer goes to libiscsi only
 * when the target cannot reach the memory any more: at once where the target
 * invalidated the key with the answer, else after our own invalidation. The same
 * holds for commands that task management ends: the answer of the target, which
 * lets libiscsi fail them, waits for the invalidation of what it covers.
 *
 * A target that does not keep to the protocol loses the connection. A command is
 * answered once: anything more about it is an unknown tag.
 */
#include <linux/module.h>
#include <linux/ratelimit.h>

#include "iser.h"

/* The target broke the protocol; nothing more is taken from it. No locks held. */
static void rsp_iser_broken(struct rsp_iser_conn *conn, struct iscsi_conn *iscsi, int err,
			    const char *what)
{
	if (conn->is_broken)
		return;
	conn->is_broken = true;
	pr_warn_ratelimited("%s chan %u: %s, connection dropped\n", conn->info.dev, conn->info.id,
			    what);
	if (iscsi)
		iscsi_conn_failure(iscsi, err);
	rsp_chan_kill(conn->chan);
}

/* a PDU that came: @buf holds nothing else, or is NULL */
struct rsp_iser_in {
	struct rsp_iser_msg	*msg;
	u32			len;
	u32			inv_rkey;
	u64			recv_ns;
	struct rsp_buf		*buf;
};

/* A PDU for later. Its buffer is not the caller's any more. */
static struct rsp_buf *rsp_iser_in_keep(struct rsp_iser_in *in)
{
	struct rsp_buf *buf = in->buf;

	in->buf = NULL;
	if (buf)
		return buf;
	buf = rsp_buf_get(rsp_iser_svc, in->len, GFP_ATOMIC);
	if (buf) {
		memcpy(buf->data, in->msg, in->len);
		buf->len = in->len;
	}
	return buf;
}

/* bytes of read data behind the PDU; rsp_iser_check() has seen that they are there */
static u32 rsp_iser_inline_len(const struct rsp_iser_msg *msg)
{
	return msg->iser.flags & ISER_RSV ? be64_to_cpu(msg->iser.read_va) : 0;
}

/* Hand a PDU to libiscsi. */
static int rsp_iser_complete(struct iscsi_conn *iscsi, struct rsp_iser_msg *msg, u32 len)
{
	int err;

	lockdep_assert_held(&iscsi->session->back_lock);
	err = __iscsi_complete_pdu(iscsi, &msg->iscsi, msg->data,
				   len - sizeof(*msg) - rsp_iser_inline_len(msg));
	return err == ISCSI_ERR_NO_SCSI_CMD ? 0 : err;
}

/* Nothing of a command is in use: complete it with its answer. */
static int rsp_iser_task_end(struct iscsi_conn *iscsi, struct rsp_iser_task *it,
			     struct rsp_iser_msg *msg, u32 len)
{
	struct scsi_cmnd *sc = rsp_iser_to_task(it)->sc;

	if (sc->sc_data_direction == DMA_FROM_DEVICE)
		iscsi->rxdata_octets += scsi_bufflen(sc);
	rsp_iser_task_acked(it, scsi_bufflen(sc), 0);
	return rsp_iser_complete(iscsi, msg, len);
}

/* one of those a TMF answer waits for is safe; true with the last one */
static bool rsp_iser_tmf_release(struct rsp_iser_conn *conn, struct rsp_iser_task *it)
{
	if (!it->is_tmf_waited)
		return false;
	it->is_tmf_waited = false;
	return !--conn->nr_tmf_wait;
}

/**
 * rsp_iser_task_unuse() - A use of a command's memory is over
 * @it: the command's task
 *
 * Context: Process context or softirq, no locks held.
 */
void rsp_iser_task_unuse(struct rsp_iser_task *it)
{
	struct rsp_iser_conn *conn = it->conn;
	struct iscsi_conn *iscsi = conn->iscsi;
	struct rsp_buf *answer = NULL, *tmf = NULL;
	int err = 0;

	local_bh_disable();
	spin_lock(&iscsi->session->back_lock);
	if (!--it->nr_use) {
		if (rsp_iser_tmf_release(conn, it)) {
			tmf = conn->tmf_buf;
			conn->tmf_buf = NULL;
		}
		answer = it->answer;
		it->answer = NULL;
		if (answer)
			err = rsp_iser_task_end(iscsi, it, answer->data, answer->len);
		if (tmf && !err)
			err = rsp_iser_complete(iscsi, tmf->data, tmf->len);
	}
	spin_unlock(&iscsi->session->back_lock);
	local_bh_enable();
	if (answer)
		rsp_buf_put(answer);
	if (tmf)
		rsp_buf_put(tmf);
	if (err)
		rsp_iser_broken(conn, iscsi, err, "libiscsi refuses an answer");
}

void rsp_iser_task_inv_done(void *ctx, int status)
{
	rsp_iser_task_unuse(ctx);
}

/* End the target's access; true when it is over already. back_lock held. */
static bool rsp_iser_task_unmap(struct rsp_iser_task *it, u32 inv_rkey)
{
	struct rsp_map *map = it->map;

	it->map = NULL;
	if (map && rsp_map_put(map, inv_rkey, rsp_iser_task_inv_done, it))
		it->nr_use++;	/* its end waits for back_lock */
	return !it->nr_use;
}

/* --------------------------------------------------------------- SCSI answers */

/* Copy the data of a read that came with the answer; what is wrong with it, or NULL. */
static const char *rsp_iser_inline_data(struct rsp_iser_task *it, const struct rsp_iser_in *in)
{
	struct rsp_iser_msg *msg = in->msg;
	const struct iscsi_scsi_rsp *answer = (struct iscsi_scsi_rsp *)&msg->iscsi;
	struct scsi_cmnd *sc = rsp_iser_to_task(it)->sc;
	u32 len = rsp_iser_inline_len(msg), want = scsi_bufflen(sc), resid;

	if (!it->is_inline_read)
		return len ? "data with the answer to a command that asked for none" : NULL;
	if (len > want)
		return "more data than the command asked for";
	/* what the device says it has read must be there */
	if (answer->response == ISCSI_STATUS_CMD_COMPLETED && answer->cmd_status == SAM_STAT_GOOD) {
		resid = answer->flags & ISCSI_FLAG_CMD_UNDERFLOW ?
			be32_to_cpu(answer->residual_count) : 0;
		if (resid > want || len != want - resid)
			return "less data than the answer says";
	}
	scsi_sg_copy_from_buffer(sc, (void *)msg + in->len - len, len);
	return NULL;
}

/* a SCSI Response, kept until the command's memory is safe */
static void rsp_iser_recv_answer(struct rsp_iser_conn *conn, struct iscsi_conn *iscsi,
				 struct rsp_iser_in *in)
{
	struct rsp_iser_msg *msg = in->msg;
	struct iscsi_task *task;
	struct rsp_iser_task *it;
	const char *what = NULL;
	int err = ISCSI_ERR_PROTO;

	local_bh_disable();
	spin_lock(&iscsi->session->back_lock);
	task = iscsi_itt_to_ctask(iscsi, msg->iscsi.itt);
	it = task ? task->dd_data : NULL;
	if (unlikely(!it || it->state != RSP_ISER_TASK_SENT)) {
		what = "answer to no command";
		err = ISCSI_ERR_BAD_ITT;
	} else if (unlikely(in->inv_rkey && (!it->map || in->inv_rkey != it->rkey ||
					     !conn->has_remote_inv))) {
		what = "invalidated a key that is not the command's";
	} else if (unlikely((it->is_inline_read || rsp_iser_inline_len(msg)) &&
			    (what = rsp_iser_inline_data(it, in)))) {
		err = ISCSI_ERR_PROTO;
	} else {
		it->state = RSP_ISER_TASK_ANSWERED;
		it->stages.replied_ns = in->recv_ns;
		if (likely(rsp_iser_task_unmap(it, in->inv_rkey))) {
			err = rsp_iser_task_end(iscsi, it, msg, in->len);
			if (unlikely(err))
				what = "libiscsi refuses an answer";
		} else {
			it->answer = rsp_iser_in_keep(in);
			err = ISCSI_ERR_CONN_FAILED;
			if (unlikely(!it->answer))
				what = "no memory for an answer";
		}
	}
	spin_unlock(&iscsi->session->back_lock);
	local_bh_enable();
	if (unlikely(what))
		rsp_iser_broken(conn, iscsi, err, what);
}

/* ---------------------------------------------------------- task management */

/* does a successful answer to this TMF end that command? */
static bool rsp_iser_tmf_covers(const struct iscsi_tm *tmf, const struct iscsi_task *task)
{
	switch (tmf->flags & ISCSI_FLAG_TM_FUNC_MASK) {
	case ISCSI_TM_FUNC_ABORT_TASK:
		return tmf->rtt == task->hdr_itt;
	case ISCSI_TM_FUNC_LOGICAL_UNIT_RESET:
		return scsilun_to_int((struct scsi_lun *)&tmf->lun) == task->sc->device->lun;
	default:
		return true;
	}
}

/*
 * A TMF answer, kept until what it covers is safe. libiscsi
 * has one TMF out at a time and sends no command it covers meanwhile. frwd_lock
 * keeps it from sending one while we look: an answer that came too early must not
 * count for it.
 */
static void rsp_iser_recv_tmf(struct rsp_iser_conn *conn, struct iscsi_conn *iscsi,
			      struct rsp_iser_in *in)
{
	struct iscsi_session *session = iscsi->session;
	struct iscsi_tm_rsp *answer = (struct iscsi_tm_rsp *)&in->msg->iscsi;
	struct iscsi_task *task;
	struct rsp_iser_task *it;
	bool is_queued;
	int err = 0, i;

	spin_lock_bh(&session->frwd_lock);
	spin_lock(&session->back_lock);
	is_queued = session->tmf_state == TMF_QUEUED;
	if (conn->tmf_buf) {
		/* the last one still waits: this answers nothing */
		err = ISCSI_ERR_PROTO;
		goto out;
	}
	for (i = 0; i < session->cmds_max && is_queued &&
	     answer->response == ISCSI_TMF_RSP_COMPLETE; i++) {
		task = session->cmds[i];
		it = task->dd_data;
		if (!task->sc || task->state == ISCSI_TASK_FREE || it->is_tmf_waited ||
		    (it->state != RSP_ISER_TASK_SENT && it->state != RSP_ISER_TASK_ANSWERED) ||
		    !rsp_iser_tmf_covers(&session->tmhdr, task))
			continue;
		if (it->state == RSP_ISER_TASK_SENT)
			it->state = RSP_ISER_TASK_REVOKED;
		if (!rsp_iser_task_unmap(it, 0)) {
			it->is_tmf_waited = true;
			conn->nr_tmf_wait++;
		}
	}
	if (conn->nr_tmf_wait) {
		conn->tmf_buf = rsp_iser_in_keep(in);
		err = conn->tmf_buf ? 0 : ISCSI_ERR_CONN_FAILED;
	} else {
		err = rsp_iser_complete(iscsi, in->msg, in->len);
	}
out:
	spin_unlock(&session->back_lock);
	spin_unlock_bh(&session->frwd_lock);
	if (err)
		rsp_iser_broken(conn, iscsi, err, "bad answer to task management");
}

/* ------------------------------------------------------------------ everything */

/* What is wrong with the form of a PDU, or NULL. */
static const char *rsp_iser_check(const struct rsp_iser_conn *conn, const struct rsp_iser_in *in)
{
	struct rsp_iser_msg *msg = in->msg;
	u32 dlen, len;

	if (in->len < sizeof(*msg))
		return "message shorter than its headers";
	if ((msg->iser.flags & 0xf0) != ISCSI_CTRL)
		return "not an iSCSI control PDU";
	if (msg->iscsi.hlength)
		return "additional header in an answer";
	dlen = ntoh24(msg->iscsi.dlength);
	len = in->len - sizeof(*msg);
	if (!conn->has_inline_read)
		msg->iser.flags &= ~ISER_RSV;	/* means nothing then */
	if (msg->iser.flags & ISER_RSV) {
		if (be64_to_cpu(msg->iser.read_va) > len ||
		    (msg->iscsi.opcode & ISCSI_OPCODE_MASK) != ISCSI_OP_SCSI_CMD_RSP)
			return "read data that is not there";
		len -= be64_to_cpu(msg->iser.read_va);
	}
	if (dlen > len)
		return "data segment longer than the message";
	if (len > dlen + ISCSI_PAD_LEN - 1)
		return "message longer than its data segment";
	return NULL;
}

static void rsp_iser_recv_other(struct rsp_iser_conn *conn, struct iscsi_conn *iscsi,
				struct rsp_iser_in *in)
{
	int err;

	local_bh_disable();
	spin_lock(&iscsi->session->back_lock);
	err = rsp_iser_complete(iscsi, in->msg, in->len);
	spin_unlock(&iscsi->session->back_lock);
	local_bh_enable();
	if (err)
		rsp_iser_broken(conn, iscsi, err, "bad PDU");
}

static void rsp_iser_recv_pdu(struct rsp_iser_conn *conn, struct iscsi_conn *iscsi,
			      struct rsp_iser_in *in)
{
	const char *what = iscsi ? rsp_iser_check(conn, in) : "message before a login";
	u8 opcode;

	if (unlikely(what)) {
		rsp_iser_broken(conn, iscsi, ISCSI_ERR_DATALEN, what);
		return;
	}
	opcode = in->msg->iscsi.opcode & ISCSI_OPCODE_MASK;
	if (likely(opcode == ISCSI_OP_SCSI_CMD_RSP)) {
		rsp_iser_recv_answer(conn, iscsi, in);
		return;
	}
	if (unlikely(in->inv_rkey)) {
		rsp_iser_broken(conn, iscsi, ISCSI_ERR_PROTO, "invalidated a key without a command");
		return;
	}
	switch (opcode) {
	case ISCSI_OP_SCSI_TMFUNC_RSP:
		rsp_iser_recv_tmf(conn, iscsi, in);
		break;
	case ISCSI_OP_SCSI_DATA_IN:
	case ISCSI_OP_R2T:
		/* RDMA takes their place */
		rsp_iser_broken(conn, iscsi, ISCSI_ERR_BAD_OPCODE, "data PDU in a message");
		break;
	default:
		rsp_iser_recv_other(conn, iscsi, in);
	}
}

/* several PDUs in one message */
static void rsp_iser_recv_batch(struct rsp_iser_conn *conn, struct iscsi_conn *iscsi,
				const struct rsp_buf *buf)
{
	struct rsp_iser_in in;
	u32 off, next;

	for (off = 0; off < buf->len && !conn->is_broken; off += in.len) {
		in = (struct rsp_iser_in){
			.msg		= buf->data + off,
			.len		= buf->len - off,
			.inv_rkey	= buf->inv_rkey,
			.recv_ns	= buf->recv_ns,
		};
		next = rsp_iser_next(&in.msg->iser);
		if (next && !rsp_iser_next_is_sound(next, in.len)) {
			rsp_iser_broken(conn, iscsi, ISCSI_ERR_DATALEN, "PDU beyond its message");
			break;
		}
		in.len = next ?: in.len;
		rsp_iser_recv_pdu(conn, iscsi, &in);
	}
}

/* A message. Context: softirq, one at a time. */
void rsp_iser_recv(struct rsp_chan *chan, struct rsp_buf *buf)
{
	struct rsp_iser_in in = {
		.msg		= buf->data,
		.len		= buf->len,
		.inv_rkey	= buf->inv_rkey,
		.recv_ns	= buf->recv_ns,
		.buf		= buf,
	};
	struct rsp_iser_conn *conn = rsp_chan_priv(chan);
	struct iscsi_conn *iscsi = READ_ONCE(conn->iscsi);

	if (unlikely(conn->is_broken)) {
		rsp_buf_put(buf);
		return;
	}
	if (conn->has_batch && in.len >= sizeof(*in.msg) && rsp_iser_next(&in.msg->iser))
		rsp_iser_recv_batch(conn, iscsi, buf);
	else
		rsp_iser_recv_pdu(conn, iscsi, &in);
	if (in.buf)
		rsp_buf_put(buf);
	if (rsp_iser_batch_is_open(&conn->batch) &&
	    ktime_get_ns() - conn->batch_ns > RSP_ISER_BATCH_NS)
		rsp_iser_batch_flush(conn);
}
