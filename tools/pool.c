// SPDX-License-Identifier: GPL-2.0
/* rspctl pool: the registered memory of this host. */
#include "rspctl.h"

static const struct col pool_cols[] = {
	COL(rsp_pool_view, limit_bytes, COL_BYTES, false, "module parameter pool_mb"),
	COL(rsp_pool_view, arena_bytes, COL_BYTES, false, "allocated and mapped for the devices"),
	COL(rsp_pool_view, held_bytes, COL_BYTES, false, "held by services"),
	COL(rsp_pool_view, nr_svc, COL_U32, false, "services"),
	COL(rsp_pool_view, sum_weight, COL_U32, false, "sum of their weights"),
};

/* one size class, taken out of the arrays of the view */
struct pool_class {
	uint32_t	class;
	uint32_t	buf_bytes;
	uint32_t	nr_buf;
	uint32_t	nr_free;
};

static const struct col pool_class_cols[] = {
	COL_ENUM(pool_class, class, rsp_class_name, true, "size class"),
	COL(pool_class, buf_bytes, COL_U32, true, "size of a buffer"),
	COL(pool_class, nr_buf, COL_U32, true, "buffers cut"),
	COL(pool_class, nr_free, COL_U32, true, "of these on the free list of the class"),
};

static int pool_show(int argc, char **argv)
{
	struct pool_class classes[RSP_NR_CLASS];
	struct rsp_pool_view view;

	if (argc)
		return fail_word(argv[0], "nothing more");
	if (!host_get())
		return 1;
	if (rsp_pool_get(host_get(), &view))
		return fail_rsp();
	for (uint32_t i = 0; i < RSP_NR_CLASS; i++)
		classes[i] = (struct pool_class) {
			.class = i,
			.buf_bytes = view.buf_bytes[i],
			.nr_buf = view.nr_buf[i],
			.nr_free = view.nr_free[i],
		};
	if (!is_json) {
		print_fields(pool_cols, ARRAY_SIZE(pool_cols), &view);
		putchar('\n');
		is_detailed = false;
		print_rows(NULL, pool_class_cols, ARRAY_SIZE(pool_class_cols), classes,
			   sizeof(classes[0]), RSP_NR_CLASS, "");
		return 0;
	}
	json_begin(NULL, '{');
	print_fields(pool_cols, ARRAY_SIZE(pool_cols), &view);
	json_begin("classes", '[');
	for (uint32_t i = 0; i < RSP_NR_CLASS; i++) {
		json_begin(NULL, '{');
		print_fields(pool_class_cols, ARRAY_SIZE(pool_class_cols), &classes[i]);
		json_end('}');
	}
	json_end(']');
	json_end('}');
	return 0;
}

static int pool_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("Usage: rspctl pool [show]\n"
	     "       rspctl pool help");
	print_help_fields(pool_cols, ARRAY_SIZE(pool_cols));
	print_help_fields(pool_class_cols, ARRAY_SIZE(pool_class_cols));
	return 0;
}

static const struct cmd cmds[] = {
	{ "show", pool_show },
	{ "list", pool_show },
	{ "help", pool_help },
	{ NULL, NULL },
};

int cmd_pool(int argc, char **argv)
{
	return cmd_select(cmds, argc, argv);
}
