// SPDX-License-Identifier: GPL-2.0
/* rspctl policy: load, swap, unload, look at. */
#include <stdlib.h>
#include <string.h>

#include "policy.h"

static void policy_col_name(const void *row, char *text, size_t size)
{
	const struct rsp_policy_view *view = row;

	snprintf(text, size, "%s", view->exit.name);
}

bool policy_is_failure(const struct rsp_policy_view *view)
{
	return view->exit.kind == RSP_EXIT_SELF || view->exit.kind == RSP_EXIT_RANGE ||
	       view->exit.kind == RSP_EXIT_STALL || view->exit.kind == RSP_EXIT_INIT;
}

static void policy_col_state(const void *row, char *text, size_t size)
{
	const struct rsp_policy_view *view = row;

	snprintf(text, size, "%s", view->is_ended ? "ended" : view->is_active ? "active" :
		 policy_is_failure(view) ? "ejected" : "waiting");
}

static void policy_col_pin(const void *row, char *text, size_t size)
{
	const struct rsp_policy_view *view = row;

	text[0] = 0;
	if (!view->is_builtin && rsp_policy_is_pinned(view->exit.name))
		snprintf(text, size, "%s", view->exit.name);
}

/* how long ago the last change was */
static void policy_col_age(const void *row, char *text, size_t size)
{
	const struct rsp_policy_view *view = row;
	uint64_t now_ns = clock_ns(CLOCK_BOOTTIME);

	print_ns(now_ns > view->since_ns ? now_ns - view->since_ns : 0, text, size);
}

static const struct col policy_cols[] = {
	COL_ENUM(rsp_policy_view, family, rsp_family_name, true, "buf, ep, flow or cache"),
	COL_MADE("name", policy_col_name, true, "the policy's"),
	COL_MADE("state", policy_col_state, true,
		 "active, waiting (a newer one is active), ejected"),
	COL_MADE("pin", policy_col_pin, true,
		 "name of its link in " RSP_PIN_DIR "/policies, if rspctl loaded it"),
	{ .name = "nr_call", .kind = COL_U64, .is_main = true,
	  .offset = offsetof(struct rsp_policy_view, exit.nr_call),
	  .help = "hook calls while active" },
	{ .name = "nr_clamp", .kind = COL_U64, .is_main = true,
	  .offset = offsetof(struct rsp_policy_view, exit.nr_clamp),
	  .help = "of these answered out of range" },
	COL(rsp_policy_view, swap_ns, COL_NS, true,
	    "what its activation took, init to the old policy's exit"),
	COL_MADE("age", policy_col_age, true, "since it became what state says"),
	COL(rsp_policy_view, since_ns, COL_U64, false, "the same moment, in CLOCK_BOOTTIME"),
	COL(rsp_policy_view, seq, COL_U64, false, "order of registration"),
	COL(rsp_policy_view, is_active, COL_BOOL, false, "it answers"),
	COL(rsp_policy_view, is_builtin, COL_BOOL, false, "the built-in answers"),
};

static const struct col policy_log_cols[] = {
	COL(rsp_policy_view, seq, COL_U64, true, "order of ending"),
	COL_ENUM(rsp_policy_view, family, rsp_family_name, true, "buf, ep, flow or cache"),
	COL_MADE("name", policy_col_name, true, "the policy's"),
	{ .name = "kind", .kind = COL_WORD, .is_main = true, .word = rsp_exit_name,
	  .offset = offsetof(struct rsp_policy_view, exit.kind),
	  .help = "unregistered, replaced, updated, self, range, stall, unload, init" },
	{ .name = "code", .kind = COL_S64, .is_main = true,
	  .offset = offsetof(struct rsp_policy_view, exit.code),
	  .help = "number of that kind: the policy's own, or the bad answer" },
	{ .name = "msg", .kind = COL_STR, .is_main = true,
	  .offset = offsetof(struct rsp_policy_view, exit.msg), .help = "in words" },
	{ .name = "nr_call", .kind = COL_U64, .is_main = true,
	  .offset = offsetof(struct rsp_policy_view, exit.nr_call),
	  .help = "hook calls while it was active" },
	{ .name = "nr_clamp", .kind = COL_U64, .is_main = true,
	  .offset = offsetof(struct rsp_policy_view, exit.nr_clamp),
	  .help = "of these answered out of range" },
	COL_MADE("age", policy_col_age, true, "since it ended"),
	COL(rsp_policy_view, since_ns, COL_U64, false, "the same moment, in CLOCK_BOOTTIME"),
};

/* ---------------------------------------------------------------- show --- */

/* order of families, then newest first: the active one on top, builtin below all */
static int policy_compare(const void *a, const void *b)
{
	const struct rsp_policy_view *x = a, *y = b;

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	if (x->is_builtin != y->is_builtin)
		return x->is_builtin ? 1 : -1;
	return x->seq > y->seq ? -1 : x->seq < y->seq;
}

/* Keep those that ended (the log), or those that did not. */
static int policy_list(struct rsp_policy_view **views, bool is_ended, const char *name)
{
	int nr, out = 0;

	nr = rsp_policy_list(host_get(), views);
	for (int i = 0; i < nr; i++) {
		if (!!(*views)[i].is_ended == is_ended &&
		    (!name || !strcmp(name, (*views)[i].exit.name)))
			(*views)[out++] = (*views)[i];
	}
	return nr < 0 ? nr : out;
}

static int policy_print_knob(const char *name, const char *value, void *arg)
{
	char *end;

	(void)arg;
	if (!is_json) {
		printf("  set %s %s\n", name, value);
		return 0;
	}
	if (!strcmp(value, "true") || !strcmp(value, "false"))
		json_bool(name, value[0] == 't');
	else if (value[0] == '-')
		json_s64(name, strtoll(value, &end, 10));
	else
		json_u64(name, strtoull(value, &end, 10));
	return 0;
}

static int policy_print_stat(const char *name, unsigned long long value, void *arg)
{
	(void)arg;
	if (is_json)
		json_u64(name, value);
	else
		printf("  %-28s %llu\n", name, value);
	return 0;
}

/* one policy with its knobs and its own figures */
static void policy_show_one(const struct rsp_policy_view *view)
{
	bool is_pinned = !view->is_builtin && rsp_policy_is_pinned(view->exit.name);

	if (is_json) {
		json_begin(NULL, '{');
		print_fields(policy_cols, ARRAY_SIZE(policy_cols), view);
		json_begin("knobs", '{');
		if (is_pinned)
			rsp_knob_each_pinned(view->exit.name, policy_print_knob, NULL);
		json_end('}');
		json_begin("stats", '{');
		if (is_pinned)
			rsp_stat_each(view->exit.name, policy_print_stat, NULL);
		json_end('}');
		json_end('}');
		return;
	}
	print_fields(policy_cols, ARRAY_SIZE(policy_cols), view);
	if (!is_pinned)
		return;
	puts("knobs:");
	rsp_knob_each_pinned(view->exit.name, policy_print_knob, NULL);
	puts("stats:");
	rsp_stat_each(view->exit.name, policy_print_stat, NULL);
}

static int policy_show(int argc, char **argv)
{
	const char *name = argc ? argv[0] : NULL;
	struct rsp_policy_view *views;
	int nr;

	if (argc > 1)
		return fail_word(argv[1], "nothing more");
	if (!host_get())
		return 1;
	nr = policy_list(&views, false, name);
	if (nr < 0)
		return fail_rsp();
	if (name && !nr) {
		free(views);
		return fail("no policy %s is registered", name);
	}
	if (nr)
		qsort(views, nr, sizeof(*views), policy_compare);
	if (!name && !is_detailed) {
		print_rows(NULL, policy_cols, ARRAY_SIZE(policy_cols), views, sizeof(*views), nr,
			   "no policy");
		free(views);
		return 0;
	}
	if (is_json)
		json_begin(NULL, '[');
	for (int i = 0; i < nr; i++) {
		if (i && !is_json)
			putchar('\n');
		policy_show_one(&views[i]);
	}
	if (is_json)
		json_end(']');
	free(views);
	return 0;
}

static int policy_log(int argc, char **argv)
{
	struct rsp_policy_view *views;
	int nr;

	if (argc)
		return fail_word(argv[0], "nothing more");
	if (!host_get())
		return 1;
	nr = policy_list(&views, true, NULL);
	if (nr < 0)
		return fail_rsp();
	print_rows(NULL, policy_log_cols, ARRAY_SIZE(policy_log_cols), views, sizeof(*views), nr,
		   "no policy ended so far");
	free(views);
	return 0;
}

/* -------------------------------------------------------- load and swap --- */

struct rsp_policy *policy_open(int argc, char **argv)
{
	struct rsp_policy *policy;

	if (!argc) {
		fail_word(NULL, "FILE");
		return NULL;
	}
	policy = rsp_policy_open(argv[0]);
	if (!policy) {
		fail_rsp();
		return NULL;
	}
	for (argc--, argv++; argc; argc -= 3, argv += 3) {
		if (strcmp(argv[0], "set")) {
			fail_word(argv[0], "set KNOB VALUE");
			goto err_close;
		}
		if (argc < 3) {
			fail_word(NULL, argc < 2 ? "KNOB VALUE" : "VALUE");
			goto err_close;
		}
		if (rsp_policy_set(policy, argv[1], argv[2])) {
			fail_rsp();
			goto err_close;
		}
	}
	return policy;

err_close:
	rsp_policy_close(policy);
	return NULL;
}

/* say what is active now, and what it took */
static int policy_report(const struct rsp_policy *policy)
{
	struct rsp_policy_view *views;
	const char *name;
	int nr;

	nr = policy_list(&views, false, NULL);
	if (nr < 0)
		return fail_rsp();
	if (is_json)
		json_begin(NULL, '[');
	for (unsigned int i = 0; (name = rsp_policy_names(policy, i)); i++) {
		for (int j = 0; j < nr; j++) {
			char took[32];

			if (!views[j].is_active || strcmp(views[j].exit.name, name))
				continue;
			if (is_json) {
				json_begin(NULL, '{');
				print_fields(policy_cols, ARRAY_SIZE(policy_cols), &views[j]);
				json_end('}');
				continue;
			}
			print_ns(views[j].swap_ns, took, sizeof(took));
			printf("%s policy %s is active, the swap took %s\n",
			       rsp_family_name(views[j].family), name, took);
		}
	}
	if (is_json)
		json_end(']');
	free(views);
	return 0;
}

static int policy_bring(int argc, char **argv, int (*fn)(struct rsp_policy *policy))
{
	struct rsp_policy *policy;
	int err;

	policy = policy_open(argc, argv);
	if (!policy)
		return 1;
	if (!host_get()) {
		rsp_policy_close(policy);
		return 1;
	}
	err = fn(policy) ? fail_rsp() : policy_report(policy);
	rsp_policy_close(policy);
	return err;
}

static int policy_load(int argc, char **argv)
{
	return policy_bring(argc, argv, rsp_policy_attach);
}

static int policy_swap(int argc, char **argv)
{
	return policy_bring(argc, argv, rsp_policy_swap);
}

static int policy_unload(int argc, char **argv)
{
	if (!argc)
		return fail_word(NULL, "NAME");
	if (argc > 1)
		return fail_word(argv[1], "nothing more");
	if (rsp_policy_unload(argv[0]))
		return fail_rsp();
	if (is_json) {
		json_begin(NULL, '{');
		json_str("unloaded", argv[0]);
		json_end('}');
	} else {
		printf("policy %s is unloaded\n", argv[0]);
	}
	return 0;
}

static int policy_knobs(int argc, char **argv)
{
	struct rsp_policy *policy;

	if (argc > 1)
		return fail_word(argv[1], "nothing more");
	policy = policy_open(argc, argv);
	if (!policy)
		return 1;
	if (is_json)
		json_begin(NULL, '{');
	rsp_knob_each(policy, policy_print_knob, NULL);
	if (is_json)
		json_end('}');
	rsp_policy_close(policy);
	return 0;
}

static int policy_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("Usage: rspctl policy [show]\n"
	     "       rspctl policy show NAME\n"
	     "       rspctl policy load FILE [set KNOB VALUE]...\n"
	     "       rspctl policy swap FILE [set KNOB VALUE]...\n"
	     "       rspctl policy unload NAME\n"
	     "       rspctl policy log\n"
	     "       rspctl policy knobs FILE\n"
	     "       rspctl policy new NAME [family FAMILY] [dir DIR]\n"
	     "       rspctl policy test FILE [set KNOB VALUE]... [seconds N] [here]\n"
	     "       rspctl policy help");
	print_help_fields(policy_cols, ARRAY_SIZE(policy_cols));
	puts("\nOf the log:");
	print_help_fields(policy_log_cols, ARRAY_SIZE(policy_log_cols));
	policy_test_help();
	return 0;
}

static const struct cmd cmds[] = {
	{ "show", policy_show },
	{ "list", policy_show },
	{ "load", policy_load },
	{ "swap", policy_swap },
	{ "unload", policy_unload },
	{ "log", policy_log },
	{ "knobs", policy_knobs },
	{ "new", policy_new },
	{ "test", policy_test },
	{ "help", policy_help },
	{ NULL, NULL },
};

int cmd_policy(int argc, char **argv)
{
	return cmd_select(cmds, argc, argv);
}
