// SPDX-License-Identifier: GPL-2.0
/* rspctl OBJECT [show] [svc NAME] [id N], rspctl OBJECT help: what objects that are listed have in common. */
#include <stdlib.h>
#include <string.h>

#include "rspctl.h"

static const struct object *object;	/* that the command line names */

/* Return: 1 if it is selected, 0 if not, or a negative errno */
static int object_is_selected(const struct object *what, const struct sel *sel, const void *row)
{
	/* each view begins with its id */
	if (sel->has_id && sel->id != *(const uint32_t *)row)
		return 0;
	return sel->svc ? what->has_svc(row, sel->svc) : 1;
}

int object_rows(struct rsp_host *from, const struct object *what, const struct sel *sel,
		const char *key, const char *none)
{
	int nr, out = 0, is_selected;
	void *rows;

	nr = what->list(from, &rows);
	if (nr < 0)
		return fail_rsp();
	for (int i = 0; i < nr; i++) {
		char *row = (char *)rows + i * what->size;

		is_selected = object_is_selected(what, sel, row);
		if (is_selected < 0)
			return fail_rsp();
		if (is_selected)
			memmove((char *)rows + out++ * what->size, row, what->size);
	}
	print_rows(key, what->cols, what->nr_col, rows, what->size, out, none);
	free(rows);
	return 0;
}

static int object_show(int argc, char **argv)
{
	struct sel sel;
	int err;

	err = sel_parse(&sel, argc, argv, SEL_ID | (object->has_svc ? SEL_SVC : 0));
	if (err)
		return err;
	if (!host_get())
		return 1;
	return object_rows(host_get(), object, &sel, NULL, object->none);
}

int object_print(const struct object *what)
{
	void *rows;
	int nr;

	if (!host_get())
		return 1;
	nr = what->list(host_get(), &rows);
	if (nr < 0)
		return fail_rsp();
	print_head(what->head);
	print_rows(what->name, what->cols, what->nr_col, rows, what->size, nr, "none");
	free(rows);
	return 0;
}

static int object_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("Usage: rspctl %s [show]%s [id N]\n"
	       "       rspctl %s help\n", object->name, object->has_svc ? " [svc NAME]" : "",
	       object->name);
	print_help_fields(object->cols, object->nr_col);
	return 0;
}

static const struct cmd cmds[] = {
	{ "show", object_show },
	{ "list", object_show },
	{ "help", object_help },
	{ NULL, NULL },
};

int cmd_object(const struct object *which, int argc, char **argv)
{
	object = which;
	return cmd_show(cmds, argc, argv);
}
