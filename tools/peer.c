// SPDX-License-Identifier: GPL-2.0
/* rspctl peer: remote hosts. */
#include <arpa/inet.h>

#include "rspctl.h"

const char *peer_text(const struct rsp_peer_view *view, char *text, size_t size)
{
	if (!inet_ntop(view->family, view->addr, text, size))
		snprintf(text, size, "?");
	return text;
}

static void peer_col_addr(const void *row, char *text, size_t size)
{
	peer_text(row, text, size);
}

static void peer_col_uuid(const void *row, char *text, size_t size)
{
	const struct rsp_peer_view *view = row;
	size_t len = 0;

	for (int i = 0; i < 16 && view->version && len < size; i++)
		len += snprintf(text + len, size - len, i == 4 || i == 6 || i == 8 || i == 10 ?
				"-%02x" : "%02x", view->uuid[i]);
	if (!len)
		snprintf(text, size, "-");
}

static const struct col peer_cols[] = {
	COL(rsp_peer_view, id, COL_ID, true, "number of the peer"),
	COL_MADE("addr", peer_col_addr, true, "one of its addresses"),
	COL(rsp_peer_view, nr_addr, COL_U16, true, "addresses it is known by"),
	COL(rsp_peer_view, nr_ep, COL_U32, true, "endpoints to it"),
	COL(rsp_peer_view, version, COL_U16, true, "of RSP's hello, 0: a stock peer"),
	COL_MADE("uuid", peer_col_uuid, true, "what it is known by, - for a stock peer"),
	COL(rsp_peer_view, features, COL_U16, false, "bits of the hello"),
};

OBJECT_LIST(peer)

const struct object peer_object = {
	.name	= "peer",
	.head	= "peers",
	.nr_label = 2,
	OBJECT_COLS(peer),
	.none	= "no peer",
};

int cmd_peer(int argc, char **argv)
{
	return cmd_object(&peer_object, argc, argv);
}
