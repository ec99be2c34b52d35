// SPDX-License-Identifier: GPL-2.0
/* rspctl ep: endpoints, the queue pairs to peers. */
#include <stdlib.h>
#include <string.h>

#include "rspctl.h"

static void ep_col_peer(const void *row, char *text, size_t size)
{
	const struct rsp_ep_view *view = row;

	snprintf(text, size, "%s", peer_addr(view->peer_id));
}

static const struct col ep_cols[] = {
	COL(rsp_ep_view, id, COL_U32, true, "number of the endpoint"),
	COL(rsp_ep_view, dev, COL_STR, true, "RDMA device"),
	COL_MADE("peer", ep_col_peer, true, "address of the peer"),
	COL_ENUM(rsp_ep_view, role, rsp_role_name, true,
		 "client (it connected) or server (it accepted)"),
	COL_ENUM(rsp_ep_view, state, rsp_state_name, true, "connecting, up, closing, dead"),
	COL(rsp_ep_view, qp_num, COL_U32, true, "queue pair number"),
	COL(rsp_ep_view, vector, COL_U32, true, "completion vector"),
	COL(rsp_ep_view, rq_id, COL_U32, true, "receive queue, see rspctl rq"),
	COL(rsp_ep_view, is_mux, COL_BOOL, true, "can be shared by channels of all services"),
	COL(rsp_ep_view, nr_chan, COL_U32, true, "channels that ride it"),
	COL(rsp_ep_view, sq_used, COL_U32, true, "send queue slots taken"),
	COL(rsp_ep_view, sq_size, COL_U32, true, "send queue slots"),
	COL(rsp_ep_view, peer_id, COL_U32, false, "number of the peer"),
	COL(rsp_ep_view, dev_id, COL_U32, false, "number of the device"),
	COL_ARRAY(rsp_ep_view, priv, 4, "scratch of the endpoint policy"),
};

/* does a channel of this service ride the endpoint? */
static bool ep_has_svc(uint32_t ep, uint32_t svc, const struct rsp_chan_view *chans, int nr)
{
	for (int i = 0; i < nr; i++) {
		if (chans[i].ep_id == ep && chans[i].svc_id == svc)
			return true;
	}
	return false;
}

static int ep_show(int argc, char **argv)
{
	struct rsp_chan_view *chans = NULL;
	struct rsp_ep_view *views;
	int nr, nr_chan = 0, out = 0, err;
	struct sel sel;

	err = sel_parse(&sel, argc, argv, SEL_SVC | SEL_ID);
	if (err)
		return err;
	if (!host_get())
		return 1;
	nr = rsp_ep_list(host_get(), &views);
	if (nr >= 0 && sel.svc)
		nr_chan = rsp_chan_list(host_get(), &chans);
	if (nr < 0 || nr_chan < 0)
		return fail_rsp();
	for (int i = 0; i < nr; i++) {
		if ((!sel.svc || ep_has_svc(views[i].id, svc_id(sel.svc), chans, nr_chan)) &&
		    (!sel.has_id || sel.id == views[i].id))
			views[out++] = views[i];
	}
	print_rows(NULL, ep_cols, ARRAY_SIZE(ep_cols), views, sizeof(*views), out, "no endpoint");
	free(chans);
	free(views);
	return 0;
}

static int ep_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("Usage: rspctl ep [show] [svc NAME] [id N]\n"
	     "       rspctl ep help");
	print_help_fields(ep_cols, ARRAY_SIZE(ep_cols));
	return 0;
}

static const struct cmd cmds[] = {
	{ "show", ep_show },
	{ "list", ep_show },
	{ "help", ep_help },
	{ NULL, NULL },
};

int cmd_ep(int argc, char **argv)
{
	return cmd_show(cmds, argc, argv);
}
