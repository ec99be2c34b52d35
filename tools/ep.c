// SPDX-License-Identifier: GPL-2.0
/* rspctl ep: endpoints, the queue pairs to peers. */

#include "rspctl.h"

static void ep_col_peer(const void *row, char *text, size_t size)
{
	const struct rsp_ep_view *view = row;

	snprintf(text, size, "%s", peer_addr(view->peer_id));
}

static const struct col ep_cols[] = {
	COL(rsp_ep_view, id, COL_ID, true, "number of the endpoint"),
	COL(rsp_ep_view, dev, COL_STR, true, "RDMA device"),
	COL_MADE("peer", ep_col_peer, true, "address of the peer"),
	COL_ENUM(rsp_ep_view, role, rsp_role_name, true,
		 "client (it connected) or server (it accepted)"),
	COL_ENUM(rsp_ep_view, state, rsp_state_name, true, "connecting, up, closing, dead"),
	COL(rsp_ep_view, qp_num, COL_ID, true, "queue pair number"),
	COL(rsp_ep_view, vector, COL_ID, true, "completion vector"),
	COL(rsp_ep_view, rq_id, COL_ID, true, "receive queue, see rspctl rq"),
	COL(rsp_ep_view, is_mux, COL_BOOL, true, "can be shared by channels of all services"),
	COL(rsp_ep_view, nr_chan, COL_U32, true, "channels that ride it"),
	COL(rsp_ep_view, sq_used, COL_U32, true, "send queue slots taken"),
	COL(rsp_ep_view, sq_size, COL_U32, true, "send queue slots"),
	COL(rsp_ep_view, peer_id, COL_ID, false, "number of the peer"),
	COL(rsp_ep_view, dev_id, COL_ID, false, "number of the device"),
	COL_ARRAY(rsp_ep_view, priv, 4, "scratch of the endpoint policy"),
};

/* does a channel of this service ride the endpoint? All are read once, and kept */
static int ep_has_svc(const void *row, const char *svc)
{
	static struct rsp_chan_view *chans;
	static int nr = -1;
	const struct rsp_ep_view *view = row;

	if (nr < 0)
		nr = rsp_chan_list(host_get(), &chans);
	for (int i = 0; i < nr; i++) {
		if (chans[i].ep_id == view->id && chans[i].svc_id == svc_id(svc))
			return 1;
	}
	return nr < 0 ? nr : 0;
}

OBJECT_LIST(ep)

const struct object ep_object = {
	.name	= "ep",
	.head	= "endpoints",
	.nr_label = 2,
	OBJECT_COLS(ep),
	.none	= "no endpoint",
	.has_svc = ep_has_svc,
};

int cmd_ep(int argc, char **argv)
{
	return cmd_object(&ep_object, argc, argv);
}
