/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Several small PDUs in one message, between peers with RSP: docs/wire.md. The owner has a
 * lock around all of this, and posts before it posts anything else.
 */
#ifndef _RSP_ISCSI_BATCH_H
#define _RSP_ISCSI_BATCH_H

#include <linux/string.h>

#include <rsp/rsp.h>

#include "proto.h"

#define RSP_ISER_MAX_BATCH	32	/* PDUs that we put into one message */
#define RSP_ISER_GATHER_FROM	2	/* commands in flight from which on a completion is cheap */

/**
 * struct rsp_iser_batch - a message to be
 * @work: its work, NULL while no message has been begun
 * @buf: its buffer
 * @nr: PDUs in it
 */
struct rsp_iser_batch {
	struct rsp_work		*work;
	struct rsp_buf		*buf;
	u32			nr;
};

static inline bool rsp_iser_batch_is_open(const struct rsp_iser_batch *batch)
{
	return READ_ONCE(batch->work);
}

/* Begin a message. Until it is posted the channel does not go down. Context: any */
static inline bool rsp_iser_batch_begin(struct rsp_iser_batch *batch, struct rsp_svc *svc,
					struct rsp_chan *chan)
{
	struct rsp_work *work = rsp_work_get(chan, GFP_ATOMIC);

	if (!work)
		return false;
	batch->buf = rsp_buf_get(svc, RSP_ISER_MAX_BATCH * RSP_ISER_PDU_BYTES, GFP_ATOMIC);
	if (!batch->buf) {
		rsp_work_free(work);
		return false;
	}
	batch->nr = 0;
	WRITE_ONCE(batch->work, work);
	return true;
}

/* One more PDU without data; the iSCSI header, zeroed, is the caller's to fill in. */
static inline struct iscsi_hdr *rsp_iser_batch_add(struct rsp_iser_batch *batch)
{
	struct iser_ctrl *ctrl = batch->buf->data + batch->nr * RSP_ISER_PDU_BYTES;

	if (batch->nr++)
		rsp_iser_set_next(batch->buf->data + (batch->nr - 2) * RSP_ISER_PDU_BYTES,
				  RSP_ISER_PDU_BYTES);
	memset(ctrl, 0, RSP_ISER_PDU_BYTES);
	ctrl->flags = ISCSI_CTRL;
	return (struct iscsi_hdr *)(ctrl + 1);
}

static inline bool rsp_iser_batch_is_full(const struct rsp_iser_batch *batch)
{
	return batch->nr == RSP_ISER_MAX_BATCH;
}

/* Send what there is. A channel that fails takes the message with it. */
static inline void rsp_iser_batch_post(struct rsp_iser_batch *batch)
{
	struct rsp_work *work = batch->work;

	if (!work)
		return;
	WRITE_ONCE(batch->work, NULL);
	rsp_work_set_send(work, batch->buf, batch->nr * RSP_ISER_PDU_BYTES);
	rsp_work_post(work);
}

#endif /* _RSP_ISCSI_BATCH_H */
