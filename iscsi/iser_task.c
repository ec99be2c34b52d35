// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks: what goes out.
 *
 * libiscsi calls all of this with its frwd_lock held, so nothing here sleeps. It
 * either sends a command as a whole or not at all: libiscsi gives back a command
 * whose transmission failed to the block layer, which will send it again. From
 * rsp_work_post() on a command counts as sent, whatever the outcome: on a channel
 * that ends it is lost like one that got lost on the way, and session recovery
 * sends it again.
 *
 * The payload of a write travels as the buffer policy says (rsp_chan_bulk()):
 * in the message, copied or gathered from its pages, where what was negotiated
 * allows all of it to go unsolicited; else the target reads it. It is never split
 * between the two: a target that reads anyway reads all of it for the same price.
 * The payload of a read is written by the target, or comes behind the answer of a
 * target with RSP, and is copied.
 *
 * Commands without data of their own share messages, where the target knows how and
 * has another to be busy with meanwhile. Such a message leaves when it is
 * full, when this processor has nothing better to do (batch_work), before anything that
 * is sent alone, or with an answer that comes a little later.
 *
 * Who may touch a command's memory: the target through it->map until that is
 * put, the device for a message with pages until its work is done. Each is a use
 * (nr_use) that ends the command only when it is over, see iser_recv.c.
 */
#include <linux/slab.h>

#include "iser.h"

/**
 * rsp_iser_alloc_pdu() - Where libiscsi builds the header of a PDU
 * @task: the task
 * @opcode: of the PDU
 *
 * Return: 0.
 */
int rsp_iser_alloc_pdu(struct iscsi_task *task, u8 opcode)
{
	struct rsp_iser_task *it = task->dd_data;

	task->hdr = &it->hdr;
	task->hdr_max = sizeof(it->hdr);
	return 0;
}

/**
 * rsp_iser_task_init() - A task is about to be sent
 * @task: the task
 *
 * Return: 0, or %-ENOTCONN without a connection.
 */
int rsp_iser_task_init(struct iscsi_task *task)
{
	struct rsp_iser_task *it = task->dd_data;

	it->conn = task->conn->dd_data;
	it->state = RSP_ISER_TASK_IDLE;
	it->is_counted = false;
	it->is_tmf_waited = false;
	it->is_inline_read = false;
	it->nr_use = 0;
	it->map = NULL;
	it->answer = NULL;
	return it->conn ? 0 : -ENOTCONN;
}

/* A message with a PDU header at its beginning; NULL if it cannot be had now. */
static struct rsp_buf *rsp_iser_msg_get(const struct iscsi_hdr *hdr, u32 len)
{
	struct rsp_iser_msg *msg;
	struct rsp_buf *buf;

	buf = rsp_buf_get(rsp_iser_svc, sizeof(*msg) + len, GFP_ATOMIC);
	if (!buf)
		return NULL;
	msg = buf->data;
	memset(&msg->iser, 0, sizeof(msg->iser));
	msg->iser.flags = ISCSI_CTRL;
	msg->iscsi = *hdr;
	return buf;
}

/* ---------------------------------------------------------------- not SCSI */

/* Login, text, NOP-Out, task management, logout. Sent by copy: free once posted. */
static int rsp_iser_mgmt_xmit(struct rsp_iser_conn *conn, struct iscsi_task *task)
{
	struct rsp_iser_msg *msg;
	struct rsp_work *work;
	struct rsp_buf *buf;
	int err;

	buf = rsp_iser_msg_get(task->hdr, task->data_count);
	if (!buf)
		return -ENOMEM;
	msg = buf->data;
	memcpy(msg->data, task->data, task->data_count);
	work = rsp_work_get(conn->chan, GFP_ATOMIC);
	if (!work) {
		rsp_buf_put(buf);
		return -ENOTCONN;
	}
	rsp_work_set_send(work, buf, sizeof(*msg) + task->data_count);
	rsp_iser_batch_flush(conn);
	err = rsp_work_post(work);
	if (err)
		return err;
	/* nobody will answer it: it has done its work */
	if (task->hdr->itt == RESERVED_ITT)
		iscsi_put_task(task);
	return 0;
}

/* ------------------------------------------------------------------ commands */

/* how the payload of a command travels */
struct rsp_iser_plan {
	enum { RSP_ISER_NONE, RSP_ISER_REG, RSP_ISER_COPY, RSP_ISER_PAGES, RSP_ISER_ANSWER } how;
	u32	imm;		/* bytes behind the command itself */
	u32	nr_out;		/* Data-Out PDUs that follow */
};

/* entries of the list that the first @len bytes take */
static u32 rsp_iser_nr_sg(struct scsi_cmnd *sc, u32 len)
{
	struct scatterlist *sg = scsi_sglist(sc);
	u32 nr;

	for (nr = 0; len; nr++, sg = sg_next(sg))
		len -= min(len, sg->length);
	return nr;
}

static void rsp_iser_plan(struct rsp_iser_conn *conn, struct iscsi_task *task,
			  struct rsp_iser_plan *plan)
{
	struct iscsi_r2t_info *r2t = &task->unsol_r2t;
	struct scsi_cmnd *sc = task->sc;
	u32 len = scsi_bufflen(sc), xmit;
	enum rsp_bulk bulk;

	*plan = (struct rsp_iser_plan){};
	if (!len)
		return;
	if (sc->sc_data_direction != DMA_TO_DEVICE) {
		plan->how = conn->has_inline_read && len <= RSP_ISER_INLINE_BYTES &&
			    rsp_chan_bulk(conn->chan, RSP_DIR_IN, len) != RSP_BULK_REG ?
			    RSP_ISER_ANSWER : RSP_ISER_REG;
		return;
	}

	bulk = rsp_chan_bulk(conn->chan, RSP_DIR_OUT, len);
	plan->imm = task->imm_count;
	xmit = task->conn->max_xmit_dlength;	/* the target's word */
	plan->nr_out = xmit >= RSP_ISER_MIN_XMIT ? DIV_ROUND_UP(r2t->data_length, xmit) : U32_MAX;
	if (bulk != RSP_BULK_REG && plan->imm + r2t->data_length == len &&
	    plan->nr_out <= RSP_ISER_MAX_DATA_OUT &&
	    max(plan->imm, min(r2t->data_length, xmit)) <= RSP_ISER_MAX_COPY) {
		/* completions are cheap where they come together; a lone one costs more than a copy */
		plan->how = bulk == RSP_BULK_INLINE &&
			    (len > PAGE_SIZE ||
			     atomic_read(&conn->nr_cmd) >= RSP_ISER_GATHER_FROM) &&
			    rsp_iser_nr_sg(sc, plan->imm) <= conn->info.max_send_sge ?
			    RSP_ISER_PAGES : RSP_ISER_COPY;
		return;
	}

	/* the target shall read all of it */
	plan->how = RSP_ISER_REG;
	plan->imm = 0;
	plan->nr_out = 0;
	task->imm_count = 0;
	r2t->data_length = 0;
	hton24(task->hdr->dlength, 0);
	task->hdr->flags |= ISCSI_FLAG_CMD_FINAL;
}

/* Make the memory reachable and put its key into the header. */
static int rsp_iser_map(struct rsp_iser_conn *conn, struct rsp_iser_task *it,
			struct scsi_cmnd *sc, struct iser_ctrl *iser)
{
	bool is_write = sc->sc_data_direction == DMA_TO_DEVICE;
	const struct rsp_desc *desc;
	struct rsp_map *map;
	u32 nr;

	map = rsp_map_get(conn->chan, scsi_sglist(sc), scsi_sg_count(sc),
			  is_write ? RSP_DIR_OUT : RSP_DIR_IN, GFP_ATOMIC);
	if (IS_ERR(map))
		return PTR_ERR(map);
	desc = rsp_map_descs(map, &nr);
	/* the limits of the host keep commands within one key; iSER has room for one */
	if (WARN_ON_ONCE(nr != 1)) {
		rsp_map_put(map, 0, NULL, NULL);
		return -EMSGSIZE;
	}
	it->map = map;
	it->rkey = desc->rkey;
	if (is_write) {
		iser->flags |= ISER_WSV;
		iser->write_stag = cpu_to_be32(desc->rkey);
		iser->write_va = cpu_to_be64(desc->addr);
	} else {
		iser->flags |= ISER_RSV;
		iser->read_stag = cpu_to_be32(desc->rkey);
		iser->read_va = cpu_to_be64(desc->addr);
	}
	return 0;
}

static void rsp_iser_pages_done(struct rsp_work *work, int status)
{
	rsp_iser_task_unuse(work->ctx);
}

/* the Data-Out PDUs of a command, ready to post */
static int rsp_iser_data_outs(struct rsp_iser_conn *conn, struct iscsi_task *task,
			      struct rsp_work **works)
{
	struct iscsi_r2t_info *r2t = &task->unsol_r2t;
	struct scsi_cmnd *sc = task->sc;
	struct rsp_iser_msg *msg;
	struct iscsi_data hdr;
	struct rsp_work *work;
	struct rsp_buf *buf;
	u32 nr = 0;

	while (iscsi_task_has_unsol_data(task)) {
		iscsi_prep_data_out_pdu(task, r2t, &hdr);
		buf = rsp_iser_msg_get((struct iscsi_hdr *)&hdr, r2t->data_count);
		if (!buf)
			goto err_works;
		msg = buf->data;
		sg_pcopy_to_buffer(scsi_sglist(sc), scsi_sg_count(sc), msg->data, r2t->data_count,
				   be32_to_cpu(hdr.offset));
		work = rsp_work_get(conn->chan, GFP_ATOMIC);
		if (!work) {
			rsp_buf_put(buf);
			goto err_works;
		}
		rsp_work_set_send(work, buf, sizeof(*msg) + r2t->data_count);
		works[nr++] = work;
		r2t->sent += r2t->data_count;
	}
	return nr;

err_works:
	while (nr)
		rsp_work_free(works[--nr]);
	return -ENOMEM;
}

static u64 *rsp_iser_batch_posted(struct rsp_iser_conn *conn, u32 batch)
{
	return &conn->posted_ns[batch % ARRAY_SIZE(conn->posted_ns)];
}

/* 0 if unknown: of a batch that long ago somebody else has the place */
static u64 rsp_iser_task_posted(const struct rsp_iser_task *it)
{
	if (!it->batch)
		return it->stages.posted_ns;
	if (READ_ONCE(it->conn->nr_batch) - it->batch >= ARRAY_SIZE(it->conn->posted_ns))
		return 0;
	return *rsp_iser_batch_posted(it->conn, it->batch);
}

/* an answer may come, and the command go, as soon as its message is posted */
static void rsp_iser_task_sent(struct rsp_iser_conn *conn, struct iscsi_task *task,
			       const struct rsp_iser_plan *plan, struct rsp_work *work)
{
	struct rsp_iser_task *it = task->dd_data;

	it->stages = (struct rsp_stages) {
		.queued_ns = scsi_cmd_to_rq(task->sc)->start_time_ns,
		.sent_ns = ktime_get_ns(),
	};
	it->batch = 0;
	if (work != conn->batch.work)
		work->posted_ns = &it->stages.posted_ns;
	else
		it->batch = conn->nr_batch;
	it->state = RSP_ISER_TASK_SENT;
	it->is_inline_read = plan->how == RSP_ISER_ANSWER;
	it->is_counted = true;
	atomic_inc(&conn->nr_cmd);
	rsp_chan_sent(conn->chan);
}

/* ------------------------------------------------------------ shared messages */

void rsp_iser_batch_flush(struct rsp_iser_conn *conn)
{
	if (!rsp_iser_batch_is_open(&conn->batch))
		return;
	spin_lock_bh(&conn->batch_lock);
	rsp_iser_batch_post(&conn->batch);
	spin_unlock_bh(&conn->batch_lock);
}

void rsp_iser_batch_run(struct work_struct *work)
{
	rsp_iser_batch_flush(container_of(work, struct rsp_iser_conn, batch_work));
}

/* Add a command to the message; false if there is none and none can be begun. */
static bool rsp_iser_batch_cmd(struct rsp_iser_conn *conn, struct iscsi_task *task,
			       const struct rsp_iser_plan *plan)
{
	struct rsp_iser_task *it = task->dd_data;
	bool is_first;

	spin_lock_bh(&conn->batch_lock);
	is_first = !rsp_iser_batch_is_open(&conn->batch);
	if (is_first && !rsp_iser_batch_begin(&conn->batch, rsp_iser_svc, conn->chan)) {
		spin_unlock_bh(&conn->batch_lock);
		return false;
	}
	if (is_first) {
		WRITE_ONCE(conn->nr_batch, conn->nr_batch + 1 ?: 1);
		conn->batch.work->posted_ns = rsp_iser_batch_posted(conn, conn->nr_batch);
		*conn->batch.work->posted_ns = 0;
	}
	*rsp_iser_batch_add(&conn->batch) = *task->hdr;
	rsp_iser_task_sent(conn, task, plan, conn->batch.work);
	if (is_first) {
		conn->batch_ns = it->stages.sent_ns;
		queue_work(rsp_iser_wq, &conn->batch_work);
	} else if (rsp_iser_batch_is_full(&conn->batch)) {
		rsp_iser_batch_post(&conn->batch);
	}
	spin_unlock_bh(&conn->batch_lock);
	return true;
}

/* -------------------------------------------------------------------- sending */

static int rsp_iser_cmd_xmit(struct rsp_iser_conn *conn, struct iscsi_task *task)
{
	struct rsp_work *work, *outs[RSP_ISER_MAX_DATA_OUT];
	struct rsp_iser_task *it = task->dd_data;
	struct scsi_cmnd *sc = task->sc;
	struct rsp_iser_plan plan;
	struct rsp_iser_msg *msg;
	struct rsp_buf *buf;
	int err, i, nr_out = 0;
	u32 len;

	if (atomic_read(&conn->nr_cmd) >= rsp_chan_window(conn->chan)) {
		/* one that is in flight makes the block layer come back */
		rsp_chan_stalled(conn->chan, 0);
		return -EBUSY;
	}
	rsp_iser_plan(conn, task, &plan);
	if (conn->has_batch && (plan.how == RSP_ISER_ANSWER || plan.how == RSP_ISER_NONE) &&
	    atomic_read(&conn->nr_cmd) && rsp_iser_batch_cmd(conn, task, &plan))
		return 0;

	len = plan.how == RSP_ISER_COPY ? plan.imm : 0;
	buf = rsp_iser_msg_get(task->hdr, len);
	if (!buf)
		return -ENOMEM;
	msg = buf->data;
	if (len)
		scsi_sg_copy_to_buffer(sc, msg->data, len);
	if (plan.how == RSP_ISER_REG) {
		err = rsp_iser_map(conn, it, sc, &msg->iser);
		if (err)
			goto err_buf;
	}
	err = -ENOTCONN;
	work = rsp_work_get(conn->chan, GFP_ATOMIC);
	if (!work)
		goto err_map;
	rsp_work_set_send(work, buf, sizeof(*msg) + len);
	if (plan.nr_out) {
		nr_out = rsp_iser_data_outs(conn, task, outs);
		err = nr_out;
		if (err < 0)
			goto err_work;
	}
	if (plan.how == RSP_ISER_PAGES) {
		err = rsp_work_add_sg(work, scsi_sglist(sc), plan.imm);
		if (err)
			goto err_outs;
		work->done = rsp_iser_pages_done;
		work->ctx = it;
		it->nr_use = 1;
	}
	if (it->map)
		rsp_work_add_map(work, it->map);
	if (sc->sc_data_direction == DMA_TO_DEVICE)
		task->conn->txdata_octets += scsi_bufflen(sc);

	rsp_iser_task_sent(conn, task, &plan, work);
	rsp_iser_batch_flush(conn);
	err = rsp_work_post(work);
	if (err && plan.how == RSP_ISER_PAGES)
		it->nr_use = 0;
	for (i = 0; i < nr_out; i++)
		rsp_work_post(outs[i]);
	return 0;

err_outs:
	while (nr_out)
		rsp_work_free(outs[--nr_out]);
err_work:
	rsp_work_free(work);
	buf = NULL;
err_map:
	if (it->map)
		rsp_map_put(it->map, 0, NULL, NULL);	/* never registered: safe at once */
	it->map = NULL;
err_buf:
	if (buf)
		rsp_buf_put(buf);
	return err;
}

/**
 * rsp_iser_task_xmit() - Send a task
 * @task: the task
 *
 * Context: frwd_lock of the session is held.
 * Return: 0, or a negative errno: nothing was sent, and it may be tried again.
 */
int rsp_iser_task_xmit(struct iscsi_task *task)
{
	struct rsp_iser_conn *conn = task->conn->dd_data;

	if (unlikely(!conn))
		return -ENOTCONN;
	return task->sc ? rsp_iser_cmd_xmit(conn, task) : rsp_iser_mgmt_xmit(conn, task);
}

/* ----------------------------------------------------------------------- end */

/* a command is no longer in flight; @bytes moved, if @status is 0 */
void rsp_iser_task_acked(struct rsp_iser_task *it, u32 bytes, int status)
{
	if (!it->is_counted)
		return;
	it->is_counted = false;
	atomic_dec(&it->conn->nr_cmd);
	it->stages.posted_ns = rsp_iser_task_posted(it);
	rsp_chan_acked(it->conn->chan, bytes, ktime_get_ns() - it->stages.sent_ns, status, &it->stages);
}

/* Only a task that was never answered has something left here. */
static void rsp_iser_late_done(void *ctx, int status)
{
}

/* Give back what a task that is over still has of its connection. back_lock held. */
static void rsp_iser_task_let_go(struct rsp_iser_task *it)
{
	struct rsp_map *map = it->map;

	if (unlikely(it->answer)) {
		rsp_buf_put(it->answer);
		it->answer = NULL;
	}
	if (unlikely(map)) {
		it->map = NULL;
		WARN_ON_ONCE(rsp_map_put(map, 0, rsp_iser_late_done, NULL));
	}
	rsp_iser_task_acked(it, 0, -ECANCELED);
	it->state = RSP_ISER_TASK_IDLE;
}

/**
 * rsp_iser_task_cleanup() - libiscsi is done with a task
 * @task: the task
 *
 * A command gets here with its memory safe: it was answered or revoked
 * (iser_recv.c), never sent, or its channel is closed, where putting a map only
 * frees it.
 *
 * Context: back_lock of the session is held.
 */
void rsp_iser_task_cleanup(struct iscsi_task *task)
{
	if (task->sc)
		rsp_iser_task_let_go(task->dd_data);
}

/**
 * rsp_iser_tasks_forget() - Tasks must not use a connection any more
 * @session: their session
 * @conn: the connection; its channel is closed, and libiscsi has failed its commands
 *
 * The SCSI error handler may hold on to a task it wanted to abort, and put it only
 * when the connection is gone: what that task has of the connection goes now.
 */
void rsp_iser_tasks_forget(struct iscsi_session *session, struct rsp_iser_conn *conn)
{
	struct rsp_iser_task *it;
	int i;

	spin_lock_bh(&session->back_lock);
	for (i = 0; i < session->cmds_max; i++) {
		it = session->cmds[i]->dd_data;
		if (it->conn != conn)
			continue;
		if (session->cmds[i]->sc)
			rsp_iser_task_let_go(it);
		it->conn = NULL;
	}
	spin_unlock_bh(&session->back_lock);
}
