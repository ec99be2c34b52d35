// SPDX-License-Identifier: GPL-2.0
/* rspctl desc: published regions of memory, of this host and those of peers that are held. */
#include <string.h>

#include "rspctl.h"

static void desc_col_access(const void *row, char *text, size_t size)
{
	const struct rsp_desc_view *view = row;

	snprintf(text, size, "%s%s", view->access & RSP_DESC_READ ? "r" : "",
		 view->access & RSP_DESC_WRITE ? "w" : "");
}

static const struct col desc_cols[] = {
	COL(rsp_desc_view, id, COL_ID, true, "number of the region"),
	COL_ENUM(rsp_desc_view, role, rsp_role_name, true,
		 "server (this host publishes it) or client (it holds a peer's)"),
	COL(rsp_desc_view, svc, COL_STR, true, "service that publishes it"),
	COL(rsp_desc_view, key, COL_U64, true, "its name among the regions of the service"),
	COL_ENUM(rsp_desc_view, state, rsp_state_name, true,
		 "connecting (being looked up), up, closing (revoked), dead"),
	COL(rsp_desc_view, len, COL_BYTES, true, "its size"),
	COL_MADE("access", desc_col_access, true, "what peers may do: r read, w write"),
	COL(rsp_desc_view, epoch, COL_U32, false, "number of the publication"),
	COL(rsp_desc_view, slot_bytes, COL_U32, true, "size of a slot with its trailer, 0: no slots"),
	COL(rsp_desc_view, lease_ms, COL_U32, true, "how long a grant lasts unless renewed, in ms"),
	COL(rsp_desc_view, nr_grant, COL_U32, true, "published: peers that have a key now"),
	COL(rsp_desc_view, nr_lookup, COL_COUNT, true, "published: times it was granted"),
	COL(rsp_desc_view, nr_refused, COL_COUNT, true, "published: times it was refused"),
	COL(rsp_desc_view, nr_forced, COL_COUNT, false,
	    "published: keys taken from peers that did not give them back"),
	COL(rsp_desc_view, nr_renew, COL_COUNT, false, "leases renewed"),
	COL(rsp_desc_view, chan_id, COL_ID, false, "held: channel of the exchange, see rspctl chan"),
	COL(rsp_desc_view, nr_use, COL_U32, false, "held: transfers under way"),
	COL(rsp_desc_view, nr_read, COL_COUNT, true, "held: one-sided reads"),
	COL(rsp_desc_view, read_bytes, COL_COUNT_BYTES, false, "bytes in them"),
	COL(rsp_desc_view, nr_write, COL_COUNT, false, "held: one-sided writes"),
	COL(rsp_desc_view, write_bytes, COL_COUNT_BYTES, false, "bytes in them"),
};

static int desc_has_svc(const void *row, const char *svc)
{
	const struct rsp_desc_view *view = row;

	return !strcmp(svc, view->svc);
}

OBJECT_LIST(desc)

const struct object desc_object = {
	.name	= "desc",
	.head	= "published regions, here and of peers",
	.nr_label = 4,
	OBJECT_COLS(desc),
	.none	= "nothing is published or held",
	.has_svc = desc_has_svc,
};

int cmd_desc(int argc, char **argv)
{
	return cmd_object(&desc_object, argc, argv);
}
