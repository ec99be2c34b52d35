// SPDX-License-Identifier: GPL-2.0
/* rspctl rq: receive queues, shared or private. */
#include <stdlib.h>
#include <string.h>

#include "rspctl.h"

static const struct col rq_cols[] = {
	COL(rsp_rq_view, id, COL_U32, true, "number of the receive queue"),
	COL(rsp_rq_view, dev_id, COL_U32, true, "number of the device"),
	COL(rsp_rq_view, vector, COL_U32, true, "completion vector"),
	COL_ENUM(rsp_rq_view, class, rsp_class_name, true, "size class of its buffers"),
	COL(rsp_rq_view, is_private, COL_BOOL, true, "belongs to one endpoint"),
	COL(rsp_rq_view, nr_ep, COL_U32, true, "endpoints that receive from it"),
	COL(rsp_rq_view, depth, COL_U32, true, "receives to keep posted, as the policy says"),
	COL(rsp_rq_view, posted, COL_U32, true, "receives posted now"),
	COL(rsp_rq_view, credits, COL_U32, true, "sum of the grants of its channels"),
	COL(rsp_rq_view, min, COL_U32, false, "fewest receives the policy can ask for"),
	COL(rsp_rq_view, size, COL_U32, false, "most receives it can hold"),
	COL(rsp_rq_view, nr_recv, COL_U64, true, "messages received"),
	COL(rsp_rq_view, nr_refill, COL_U64, true, "batches posted"),
	COL(rsp_rq_view, nr_empty, COL_U64, true, "times it ran low"),
	COL_ARRAY(rsp_rq_view, priv, 4, "scratch of the buffer policy"),
};

static int rq_show(int argc, char **argv)
{
	struct rsp_rq_view *views;
	struct sel sel;
	int nr, out = 0, err;

	err = sel_parse(&sel, argc, argv, SEL_ID);
	if (err)
		return err;
	if (!host_get())
		return 1;
	nr = rsp_rq_list(host_get(), &views);
	if (nr < 0)
		return fail_rsp();
	for (int i = 0; i < nr; i++) {
		if (!sel.has_id || sel.id == views[i].id)
			views[out++] = views[i];
	}
	print_rows(NULL, rq_cols, ARRAY_SIZE(rq_cols), views, sizeof(*views), out, "no receive queue");
	free(views);
	return 0;
}

static int rq_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("Usage: rspctl rq [show] [id N]\n"
	     "       rspctl rq help");
	print_help_fields(rq_cols, ARRAY_SIZE(rq_cols));
	return 0;
}

static const struct cmd cmds[] = {
	{ "show", rq_show },
	{ "list", rq_show },
	{ "help", rq_help },
	{ NULL, NULL },
};

int cmd_rq(int argc, char **argv)
{
	return cmd_show(cmds, argc, argv);
}
