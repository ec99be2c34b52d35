// SPDX-License-Identifier: GPL-2.0
/* rspctl rq: receive queues, shared or private. */
#include "rspctl.h"

static const struct col rq_cols[] = {
	COL(rsp_rq_view, id, COL_ID, true, "number of the receive queue"),
	COL(rsp_rq_view, dev_id, COL_ID, true, "number of the device"),
	COL(rsp_rq_view, vector, COL_ID, true, "completion vector"),
	COL_ENUM(rsp_rq_view, class, rsp_class_name, true, "size class of its buffers"),
	COL(rsp_rq_view, is_private, COL_BOOL, true, "belongs to one endpoint"),
	COL(rsp_rq_view, nr_ep, COL_U32, true, "endpoints that receive from it"),
	COL(rsp_rq_view, depth, COL_U32, true, "receives to keep posted, as the policy says"),
	COL(rsp_rq_view, posted, COL_U32, true, "receives posted now"),
	COL(rsp_rq_view, credits, COL_U32, true, "sum of the grants of its channels"),
	COL(rsp_rq_view, min, COL_U32, false, "fewest receives the policy can ask for"),
	COL(rsp_rq_view, size, COL_U32, false, "most receives it can hold"),
	COL(rsp_rq_view, nr_recv, COL_COUNT, true, "messages received"),
	COL(rsp_rq_view, nr_refill, COL_COUNT, true, "batches posted"),
	COL(rsp_rq_view, nr_empty, COL_COUNT, true, "times it ran low"),
	COL_ARRAY(rsp_rq_view, priv, 4, "scratch of the buffer policy"),
};

OBJECT_LIST(rq)

const struct object rq_object = {
	.name	= "rq",
	.head	= "receive queues",
	.nr_label = 1,
	OBJECT_COLS(rq),
	.none	= "no receive queue",
};

int cmd_rq(int argc, char **argv)
{
	return cmd_object(&rq_object, argc, argv);
}
