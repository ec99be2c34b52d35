// SPDX-License-Identifier: GPL-2.0
/* rspctl svc: the registered services. */
#include <stdlib.h>
#include <string.h>

#include "rspctl.h"

static const struct col svc_cols[] = {
	COL(rsp_svc_view, id, COL_U32, true, "number of the service"),
	COL(rsp_svc_view, name, COL_STR, true, "its name"),
	COL(rsp_svc_view, weight, COL_U32, true, "share it asks for, 1 to 1000"),
	COL(rsp_svc_view, nr_chan, COL_U32, true, "channels, in any state"),
	COL(rsp_svc_view, held_bytes, COL_BYTES, true,
	    "pool memory it holds: in use, posted, in its magazines"),
	COL(rsp_svc_view, peak_bytes, COL_BYTES, true, "highest held_bytes"),
	COL(rsp_svc_view, reserve_bytes, COL_BYTES, true, "floor no policy can touch"),
	COL(rsp_svc_view, nr_admit, COL_U64, true, "buffers admitted"),
	COL(rsp_svc_view, nr_refused, COL_U64, true, "buffers asked for and not admitted"),
	COL(rsp_svc_view, nr_starved, COL_U64, true, "times it had to wait for a buffer"),
	COL_ARRAY(rsp_svc_view, priv, 8, "scratch of the buffer policy"),
};

static int svc_show(int argc, char **argv)
{
	struct rsp_svc_view *views;
	struct sel sel;
	int nr, out = 0, err;

	err = sel_parse(&sel, argc, argv, SEL_SVC | SEL_ID);
	if (err)
		return err;
	if (!host_get())
		return 1;
	nr = rsp_svc_list(host_get(), &views);
	if (nr < 0)
		return fail_rsp();
	for (int i = 0; i < nr; i++) {
		if ((!sel.svc || !strcmp(sel.svc, views[i].name)) &&
		    (!sel.has_id || sel.id == views[i].id))
			views[out++] = views[i];
	}
	print_rows(NULL, svc_cols, ARRAY_SIZE(svc_cols), views, sizeof(*views), out, "no service");
	free(views);
	return 0;
}

static int svc_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("Usage: rspctl svc [show] [svc NAME] [id N]\n"
	     "       rspctl svc help");
	print_help_fields(svc_cols, ARRAY_SIZE(svc_cols));
	return 0;
}

static const struct cmd cmds[] = {
	{ "show", svc_show },
	{ "list", svc_show },
	{ "help", svc_help },
	{ NULL, NULL },
};

int cmd_svc(int argc, char **argv)
{
	return cmd_show(cmds, argc, argv);
}
