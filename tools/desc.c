// SPDX-License-Identifier: GPL-2.0
/* rspctl desc: published regions of memory, of this host and those of peers that are held. */
#include <stdlib.h>
#include <string.h>

#include "rspctl.h"

static void desc_col_access(const void *row, char *text, size_t size)
{
	const struct rsp_desc_view *view = row;

	snprintf(text, size, "%s%s", view->access & RSP_DESC_READ ? "r" : "",
		 view->access & RSP_DESC_WRITE ? "w" : "");
}

static const struct col desc_cols[] = {
	COL(rsp_desc_view, id, COL_U32, true, "number of the region"),
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
	COL(rsp_desc_view, nr_lookup, COL_U64, true, "published: times it was granted"),
	COL(rsp_desc_view, nr_refused, COL_U64, true, "published: times it was refused"),
	COL(rsp_desc_view, nr_forced, COL_U64, false,
	    "published: keys taken from peers that did not give them back"),
	COL(rsp_desc_view, nr_renew, COL_U64, false, "leases renewed"),
	COL(rsp_desc_view, chan_id, COL_U32, false, "held: channel of the exchange, see rspctl chan"),
	COL(rsp_desc_view, nr_use, COL_U32, false, "held: transfers under way"),
	COL(rsp_desc_view, nr_read, COL_U64, true, "held: one-sided reads"),
	COL(rsp_desc_view, read_bytes, COL_BYTES, false, "bytes in them"),
	COL(rsp_desc_view, nr_write, COL_U64, false, "held: one-sided writes"),
	COL(rsp_desc_view, write_bytes, COL_BYTES, false, "bytes in them"),
};

static int desc_show(int argc, char **argv)
{
	struct rsp_desc_view *views;
	struct sel sel;
	int nr, out = 0, err;

	err = sel_parse(&sel, argc, argv, SEL_SVC | SEL_ID);
	if (err)
		return err;
	if (!host_get())
		return 1;
	nr = rsp_desc_list(host_get(), &views);
	if (nr < 0)
		return fail_rsp();
	for (int i = 0; i < nr; i++) {
		if ((!sel.has_id || sel.id == views[i].id) &&
		    (!sel.svc || !strcmp(sel.svc, views[i].svc)))
			views[out++] = views[i];
	}
	print_rows(NULL, desc_cols, ARRAY_SIZE(desc_cols), views, sizeof(*views), out,
		   "nothing is published or held");
	free(views);
	return 0;
}

static int desc_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("Usage: rspctl desc [show] [svc NAME] [id N]\n"
	     "       rspctl desc help");
	print_help_fields(desc_cols, ARRAY_SIZE(desc_cols));
	return 0;
}

static const struct cmd cmds[] = {
	{ "show", desc_show },
	{ "list", desc_show },
	{ "help", desc_help },
	{ NULL, NULL },
};

int cmd_desc(int argc, char **argv)
{
	return cmd_show(cmds, argc, argv);
}
