// SPDX-License-Identifier: GPL-2.0
/* rspctl svc: the registered services. */
#include <string.h>

#include "rspctl.h"

static const struct col svc_cols[] = {
	COL(rsp_svc_view, id, COL_ID, true, "number of the service"),
	COL(rsp_svc_view, name, COL_STR, true, "its name"),
	COL(rsp_svc_view, weight, COL_U32, true, "share it asks for, 1 to 1000"),
	COL(rsp_svc_view, nr_chan, COL_U32, true, "channels, in any state"),
	COL(rsp_svc_view, held_bytes, COL_BYTES, true,
	    "pool memory it holds: in use, posted, in its magazines"),
	COL(rsp_svc_view, peak_bytes, COL_BYTES, true, "highest held_bytes"),
	COL(rsp_svc_view, reserve_bytes, COL_BYTES, true, "floor no policy can touch"),
	COL(rsp_svc_view, nr_admit, COL_COUNT, true, "buffers admitted"),
	COL(rsp_svc_view, nr_refused, COL_COUNT, true, "buffers asked for and not admitted"),
	COL(rsp_svc_view, nr_starved, COL_COUNT, true, "times it had to wait for a buffer"),
	COL_ARRAY(rsp_svc_view, priv, 8, "scratch of the buffer policy"),
};

static int svc_is_svc(const void *row, const char *svc)
{
	const struct rsp_svc_view *view = row;

	return !strcmp(svc, view->name);
}

OBJECT_LIST(svc)

const struct object svc_object = {
	.name	= "svc",
	.head	= "services",
	.nr_label = 2,
	OBJECT_COLS(svc),
	.none	= "no service",
	.has_svc = svc_is_svc,
};

int cmd_svc(int argc, char **argv)
{
	return cmd_object(&svc_object, argc, argv);
}
