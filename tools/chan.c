// SPDX-License-Identifier: GPL-2.0
/* rspctl chan: channels, the connections of services. */
#include "rspctl.h"

static void chan_col_svc(const void *row, char *text, size_t size)
{
	const struct rsp_chan_view *view = row;

	snprintf(text, size, "%s", svc_name(view->svc_id));
}

static void chan_col_peer(const void *row, char *text, size_t size)
{
	const struct rsp_chan_view *view = row;

	snprintf(text, size, "%s", peer_addr(view->peer_id));
}

static const struct col chan_cols[] = {
	COL(rsp_chan_view, id, COL_ID, true, "number of the channel"),
	COL_MADE("svc", chan_col_svc, true, "service it belongs to"),
	COL_MADE("peer", chan_col_peer, true, "address of the peer"),
	COL_ENUM(rsp_chan_view, role, rsp_role_name, true,
		 "client (it connected) or server (it accepted)"),
	COL_ENUM(rsp_chan_view, state, rsp_state_name, true, "connecting, up, closing, dead"),
	COL(rsp_chan_view, ep_id, COL_ID, true, "endpoint it rides"),
	COL(rsp_chan_view, in_flight, COL_U32, true, "exchanges in flight"),
	COL(rsp_chan_view, window, COL_U32, true, "exchanges it may have in flight"),
	COL(rsp_chan_view, grant, COL_U32, true, "receive credits advertised to the peer"),
	COL(rsp_chan_view, peer_grant, COL_U32, true, "credits the peer advertised"),
	COL(rsp_chan_view, max_credits, COL_U32, false, "most the policy can grant or open"),
	COL(rsp_chan_view, weight, COL_U32, false, "share of its endpoint, 1 to 1000"),
	COL(rsp_chan_view, nr_send, COL_COUNT, true, "messages sent"),
	COL(rsp_chan_view, send_bytes, COL_COUNT_BYTES, true, "bytes sent, in messages and by RDMA"),
	COL(rsp_chan_view, nr_recv, COL_COUNT, true, "messages received"),
	COL(rsp_chan_view, recv_bytes, COL_COUNT_BYTES, true,
	    "bytes received, in messages and by RDMA"),
	COL(rsp_chan_view, lat_ns, COL_NS, true, "smoothed time of an exchange"),
	COL(rsp_chan_view, nr_move, COL_COUNT, false, "times it went to another endpoint"),
	COL(rsp_chan_view, min_lat_ns, COL_NS, false, "lowest time of an exchange"),
	COL(rsp_chan_view, nr_ack, COL_COUNT, false, "exchanges finished"),
	COL(rsp_chan_view, nr_stall, COL_COUNT, true,
	    "times a request waited for the window or a send slot"),
	COL(rsp_chan_view, stall_ns, COL_COUNT_NS, false, "total time waited"),
	COL(rsp_chan_view, nr_reg, COL_COUNT, false, "memory registrations"),
	COL(rsp_chan_view, svc_id, COL_ID, false, "number of the service"),
	COL(rsp_chan_view, peer_id, COL_ID, false, "number of the peer"),
	COL_ARRAY(rsp_chan_view, priv, 8, "scratch of the flow policy"),
};

static int chan_has_svc(const void *row, const char *svc)
{
	const struct rsp_chan_view *view = row;

	return svc_id(svc) == view->svc_id;
}

OBJECT_LIST(chan)

const struct object chan_object = {
	.name	= "chan",
	.head	= "channels",
	.nr_label = 2,
	OBJECT_COLS(chan),
	.none	= "no channel",
	.has_svc = chan_has_svc,
};

int cmd_chan(int argc, char **argv)
{
	return cmd_object(&chan_object, argc, argv);
}
