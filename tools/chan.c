// SPDX-License-Identifier: GPL-2.0
/* rspctl chan: channels, the connections of services. */
#include <stdlib.h>
#include <string.h>

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
	COL(rsp_chan_view, id, COL_U32, true, "number of the channel"),
	COL_MADE("svc", chan_col_svc, true, "service it belongs to"),
	COL_MADE("peer", chan_col_peer, true, "address of the peer"),
	COL_ENUM(rsp_chan_view, role, rsp_role_name, true,
		 "client (it connected) or server (it accepted)"),
	COL_ENUM(rsp_chan_view, state, rsp_state_name, true, "connecting, up, closing, dead"),
	COL(rsp_chan_view, ep_id, COL_U32, true, "endpoint it rides"),
	COL(rsp_chan_view, in_flight, COL_U32, true, "exchanges in flight"),
	COL(rsp_chan_view, window, COL_U32, true, "exchanges it may have in flight"),
	COL(rsp_chan_view, grant, COL_U32, true, "receive credits advertised to the peer"),
	COL(rsp_chan_view, peer_grant, COL_U32, true, "credits the peer advertised"),
	COL(rsp_chan_view, max_credits, COL_U32, false, "most the policy can grant or open"),
	COL(rsp_chan_view, weight, COL_U32, false, "share of its endpoint, 1 to 1000"),
	COL(rsp_chan_view, nr_send, COL_U64, true, "messages sent"),
	COL(rsp_chan_view, send_bytes, COL_BYTES, true, "bytes sent, in messages and by RDMA"),
	COL(rsp_chan_view, nr_recv, COL_U64, true, "messages received"),
	COL(rsp_chan_view, recv_bytes, COL_BYTES, true,
	    "bytes received, in messages and by RDMA"),
	COL(rsp_chan_view, lat_ns, COL_NS, true, "smoothed time of an exchange"),
	COL(rsp_chan_view, nr_move, COL_U64, false, "times it went to another endpoint"),
	COL(rsp_chan_view, min_lat_ns, COL_NS, false, "lowest time of an exchange"),
	COL(rsp_chan_view, nr_ack, COL_U64, false, "exchanges finished"),
	COL(rsp_chan_view, nr_stall, COL_U64, true,
	    "times a request waited for the window or a send slot"),
	COL(rsp_chan_view, stall_ns, COL_NS, false, "total time waited"),
	COL(rsp_chan_view, nr_reg, COL_U64, false, "memory registrations"),
	COL(rsp_chan_view, svc_id, COL_U32, false, "number of the service"),
	COL(rsp_chan_view, peer_id, COL_U32, false, "number of the peer"),
	COL_ARRAY(rsp_chan_view, priv, 8, "scratch of the flow policy"),
};

static int chan_show(int argc, char **argv)
{
	struct rsp_chan_view *views;
	struct sel sel;
	int nr, out = 0, err;

	err = sel_parse(&sel, argc, argv, SEL_SVC | SEL_ID);
	if (err)
		return err;
	if (!host_get())
		return 1;
	nr = rsp_chan_list(host_get(), &views);
	if (nr < 0)
		return fail_rsp();
	for (int i = 0; i < nr; i++) {
		if ((!sel.svc || svc_id(sel.svc) == views[i].svc_id) &&
		    (!sel.has_id || sel.id == views[i].id))
			views[out++] = views[i];
	}
	print_rows(NULL, chan_cols, ARRAY_SIZE(chan_cols), views, sizeof(*views), out, "no channel");
	free(views);
	return 0;
}

static int chan_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("Usage: rspctl chan [show] [svc NAME] [id N]\n"
	     "       rspctl chan help");
	print_help_fields(chan_cols, ARRAY_SIZE(chan_cols));
	return 0;
}

static const struct cmd cmds[] = {
	{ "show", chan_show },
	{ "list", chan_show },
	{ "help", chan_help },
	{ NULL, NULL },
};

int cmd_chan(int argc, char **argv)
{
	return cmd_show(cmds, argc, argv);
}
