// SPDX-License-Identifier: GPL-2.0
/* rspctl pool: the registered memory of this host. */
#include <errno.h>
#include <stdlib.h>

#include "rspctl.h"

static const struct col pool_cols[] = {
	COL(rsp_pool_view, limit_bytes, COL_BYTES, true, "module parameter pool_mb"),
	COL(rsp_pool_view, arena_bytes, COL_BYTES, true, "allocated and mapped for the devices"),
	COL(rsp_pool_view, held_bytes, COL_BYTES, true, "held by services"),
	COL(rsp_pool_view, nr_svc, COL_U32, true, "services"),
	COL(rsp_pool_view, sum_weight, COL_U32, true, "sum of their weights"),
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

static int pool_list(struct rsp_host *host, void **views)
{
	struct rsp_pool_view *view = calloc(1, sizeof(*view));
	int err;

	*views = view;
	if (!view)
		return -ENOMEM;
	err = rsp_pool_get(host, view);
	return err ?: 1;
}

static int pool_class_list(struct rsp_host *host, void **views)
{
	struct pool_class *classes = calloc(RSP_NR_CLASS, sizeof(*classes));
	struct rsp_pool_view view;
	int err;

	*views = classes;
	if (!classes)
		return -ENOMEM;
	err = rsp_pool_get(host, &view);
	for (uint32_t i = 0; !err && i < RSP_NR_CLASS; i++)
		classes[i] = (struct pool_class) {
			.class = i,
			.buf_bytes = view.buf_bytes[i],
			.nr_buf = view.nr_buf[i],
			.nr_free = view.nr_free[i],
		};
	return err ?: RSP_NR_CLASS;
}

const struct object pool_object = {
	.name	= "pool",
	.head	= "pool",
	.cols	= pool_cols,
	.nr_col	= ARRAY_SIZE(pool_cols),
	.size	= sizeof(struct rsp_pool_view),
	.list	= pool_list,
};

const struct object pool_class_object = {
	.name	= "pool_class",
	.head	= "size classes of the pool",
	.nr_label = 1,
	.cols	= pool_class_cols,
	.nr_col	= ARRAY_SIZE(pool_class_cols),
	.size	= sizeof(struct pool_class),
	.list	= pool_class_list,
};

static int pool_show(int argc, char **argv)
{
	void *pool, *classes;

	if (argc)
		return fail_word(argv[0], "nothing more");
	if (!host_get())
		return 1;
	if (pool_list(host_get(), &pool) < 0 || pool_class_list(host_get(), &classes) < 0)
		return fail_rsp();
	if (!is_json) {
		print_fields(pool_cols, ARRAY_SIZE(pool_cols), pool);
		putchar('\n');
		is_detailed = false;
		print_rows(NULL, pool_class_cols, ARRAY_SIZE(pool_class_cols), classes,
			   sizeof(struct pool_class), RSP_NR_CLASS, "");
	} else {
		json_begin(NULL, '{');
		print_fields(pool_cols, ARRAY_SIZE(pool_cols), pool);
		print_rows("classes", pool_class_cols, ARRAY_SIZE(pool_class_cols), classes,
			   sizeof(struct pool_class), RSP_NR_CLASS, "");
		json_end('}');
	}
	free(pool);
	free(classes);
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
