// SPDX-License-Identifier: GPL-2.0
/*
 * rspctl stats: the figures of all objects at once, as tables, JSON or OpenMetrics.
 *
 * A metric is a column of an object's table: rsp_OBJECT_FIELD, the unit at the end of the field in
 * base units, _total behind what only grows. What names an object are the labels of each metric,
 * its other words and numbers those of rsp_OBJECT_info. There is no metric of the type info, and a
 * sum is announced without its _total: the text parser of node_exporter takes the file, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rspctl.h"

#define STEP_FIRST	9	/* of a histogram of times: shorter ones than 1 us count as one step */

/* ------------------------------------------------- objects without a command --- */

static const struct col policy_cols[] = {
	COL_ENUM(rsp_policy_view, family, rsp_family_name, true, "policy family"),
	{ .name = "name", .kind = COL_STR, .is_main = true,
	  .offset = offsetof(struct rsp_policy_view, exit.name), .help = "policy that answers" },
	{ .name = "nr_call", .kind = COL_COUNT, .is_main = true,
	  .offset = offsetof(struct rsp_policy_view, exit.nr_call),
	  .help = "hook calls while active" },
	{ .name = "nr_clamp", .kind = COL_COUNT, .is_main = true,
	  .offset = offsetof(struct rsp_policy_view, exit.nr_clamp),
	  .help = "of these answered out of range" },
	COL(rsp_policy_view, swap_ns, COL_NS, true, "what its activation took"),
};

/* the active ones */
static int policy_active_list(struct rsp_host *host, void **views)
{
	struct rsp_policy_view *all;
	int nr, out = 0;

	nr = rsp_policy_list(host, &all);
	for (int i = 0; i < nr; i++) {
		if (all[i].is_active && !all[i].is_ended)
			all[out++] = all[i];
	}
	*views = all;
	return nr < 0 ? nr : out;
}

static const struct object policy_object = {
	.name	= "policy",
	.head	= "active policies",
	.nr_label = 2,
	.cols	= policy_cols,
	.nr_col	= ARRAY_SIZE(policy_cols),
	.size	= sizeof(struct rsp_policy_view),
	.list	= policy_active_list,
};

/* a counter that a device keeps itself: among them times it or its peer was not ready to receive */
struct hw_counter {
	char		dev[64];
	char		port[16];
	char		counter[64];
	uint64_t	value;
};

static const struct col hw_cols[] = {
	COL(hw_counter, dev, COL_STR, true, "RDMA device"),
	COL(hw_counter, port, COL_STR, true, "its port"),
	COL(hw_counter, counter, COL_STR, true, "name that its driver gave the counter"),
	COL(hw_counter, value, COL_COUNT, true, "what it counted"),
};

static bool hw_read(const char *path, struct hw_counter *hw)
{
	FILE *file = fopen(path, "r");
	bool ok;

	if (!file)
		return false;
	ok = fscanf(file, "%" SCNu64, &hw->value) == 1 &&
	     sscanf(path, "/sys/class/infiniband/%63[^/]/ports/%15[^/]/hw_counters/%63[^/]",
		    hw->dev, hw->port, hw->counter) == 3 &&
	     /* no counter but a setting */
	     strcmp(hw->counter, "lifespan");
	fclose(file);
	return ok;
}

static int hw_list(struct rsp_host *host, void **views)
{
	struct hw_counter *all;
	glob_t paths;
	int nr = 0;

	(void)host;
	*views = NULL;
	if (glob("/sys/class/infiniband/*/ports/*/hw_counters/*", 0, NULL, &paths))
		return 0;
	all = calloc(paths.gl_pathc, sizeof(*all));
	for (size_t i = 0; all && i < paths.gl_pathc; i++)
		nr += hw_read(paths.gl_pathv[i], &all[nr]);
	globfree(&paths);
	*views = all;
	return all ? nr : -ENOMEM;
}

static const struct object hw_object = {
	.name	= "hw_counter",
	.head	= "counters of the RDMA devices",
	.nr_label = 3,
	.cols	= hw_cols,
	.nr_col	= ARRAY_SIZE(hw_cols),
	.size	= sizeof(struct hw_counter),
	.list	= hw_list,
};

static const struct object * const objects[] = {
	&svc_object, &pool_object, &pool_class_object, &peer_object, &ep_object, &rq_object,
	&chan_object, &desc_object, &cache_object, &policy_object, &hw_object,
};

/* --------------------------------------------------------------- OpenMetrics --- */

static void metric_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			fprintf(out, "\\%c", *text);
		else if (*text == '\n')
			fputs("\\n", out);
		else
			fputc((unsigned char)*text < 0x80 ? *text : '?', out);
	}
}

static bool col_is_word(const struct col *col)
{
	return col->kind == COL_ID || col->kind == COL_STR || col->kind == COL_WORD ||
	       col->kind == COL_TEXT;
}

/* the first @to columns, as far as they are labels; @more: a further one, "" for none */
static void metric_labels(FILE *out, const struct object *what, const void *row, size_t to,
			  const char *more)
{
	const char *sep = "{";
	char text[512];

	for (size_t i = 0; i < to; i++) {
		const struct col *col = &what->cols[i];

		if (i >= what->nr_label && !col_is_word(col))
			continue;
		col_text(col, row, text, sizeof(text));
		fprintf(out, "%s%s=\"", sep, col->name);
		metric_escaped(out, text);
		fputc('"', out);
		sep = ",";
	}
	if (*more)
		fprintf(out, "%s%s", sep, more);
	if (*sep == ',' || *more)
		fputc('}', out);
}

static void metric_seconds(FILE *out, uint64_t ns)
{
	fprintf(out, "%" PRIu64 ".%09" PRIu64 "\n", ns / 1000000000, ns % 1000000000);
}

static bool ends_with(const char *name, const char *end, size_t *len)
{
	size_t have = strlen(name), want = strlen(end);

	*len = have - want;
	return have > want && !strcmp(name + *len, end);
}

/* what becomes of a column */
struct metric {
	char		name[128];
	const char	*unit;		/* "" for none */
	const char	*type;
	uint64_t	ns;		/* in one of the column's; 0: it is no time */
};

static const struct col *col_find(const struct object *what, const char *name)
{
	for (size_t i = 0; i < what->nr_col; i++) {
		if (!strcmp(what->cols[i].name, name))
			return &what->cols[i];
	}
	return NULL;
}

/* the column with the sum of all that a histogram counts */
static const struct col *col_sum(const struct object *what, const struct col *steps)
{
	static const char * const ends[] = { "sum_ns", "sum" };
	char name[64];
	size_t len;

	for (size_t i = 0; ends_with(steps->name, "steps", &len) && i < ARRAY_SIZE(ends); i++) {
		const struct col *sum;

		snprintf(name, sizeof(name), "%.*s%s", (int)len, steps->name, ends[i]);
		sum = col_find(what, name);
		if (sum)
			return sum;
	}
	return NULL;
}

/* Return: false for what is no figure, or one of a histogram */
static bool metric_of(const struct object *what, const char *prefix, const struct col *col,
		      struct metric *m)
{
	const char *name = col->name;
	size_t len = strlen(name), end = len;

	if (col_is_word(col) || col->kind == COL_U64S)
		return false;
	for (size_t i = 0; i < what->nr_col; i++) {
		if (what->cols[i].kind == COL_STEPS && col_sum(what, &what->cols[i]) == col)
			return false;
	}
	*m = (struct metric){ .unit = "", .type = "gauge" };
	switch (col->kind) {
	case COL_COUNT32:
	case COL_COUNT:
	case COL_COUNT_BYTES:
	case COL_COUNT_NS:
		m->type = "counter";
		break;
	case COL_STEPS:
		m->type = "histogram";
		m->ns = col_sum(what, col)->kind == COL_COUNT_NS;
		ends_with(name, "_steps", &len);
		break;
	default:
		break;
	}
	if (ends_with(name, "_ns", &end))
		m->ns = 1;
	else if (ends_with(name, "_ms", &end))
		m->ns = 1000000;
	else if (ends_with(name, "_bytes", &end))
		m->unit = "bytes";
	if (m->ns)
		m->unit = "seconds";
	if (col->kind != COL_STEPS && *m->unit)
		len = end;
	snprintf(m->name, sizeof(m->name), "%s_%s_%.*s%s%s", prefix, what->name, (int)len, name,
		 *m->unit ? "_" : "", m->unit);
	return true;
}

static void metric_head(FILE *out, const struct metric *m, const char *help)
{
	fprintf(out, "# TYPE %s %s\n", m->name, m->type);
	if (*m->unit)
		fprintf(out, "# UNIT %s %s\n", m->name, m->unit);
	fprintf(out, "# HELP %s ", m->name);
	metric_escaped(out, help);
	fputc('\n', out);
}

static void metric_value(FILE *out, const struct metric *m, uint64_t value, bool is_signed)
{
	if (m->ns)
		metric_seconds(out, value * m->ns);
	else if (is_signed)
		fprintf(out, "%" PRId64 "\n", (int64_t)value);
	else
		fprintf(out, "%" PRIu64 "\n", value);
}

/* steps as they come from the kernel, to buckets that hold all up to their bound */
static void metric_histogram(FILE *out, const struct object *what, const struct metric *m,
			     const struct col *col, const char *row)
{
	const struct col *sum = col_sum(what, col);
	uint64_t count = 0, step;
	char le[64];

	for (unsigned int i = 0; i < col->nr; i++) {
		uint64_t bound = (2ULL << i) - 1;

		memcpy(&step, row + col->offset + i * sizeof(step), sizeof(step));
		count += step;
		if (m->ns && i < STEP_FIRST)
			continue;
		/* the last step holds all above, too */
		if (i == col->nr - 1)
			snprintf(le, sizeof(le), "le=\"+Inf\"");
		else if (m->ns)
			snprintf(le, sizeof(le), "le=\"%" PRIu64 ".%09" PRIu64 "\"",
				 bound / 1000000000, bound % 1000000000);
		else
			snprintf(le, sizeof(le), "le=\"%" PRIu64 ".0\"", bound);
		fprintf(out, "%s_bucket", m->name);
		metric_labels(out, what, row, what->nr_label, le);
		fprintf(out, " %" PRIu64 "\n", count);
	}
	fprintf(out, "%s_count", m->name);
	metric_labels(out, what, row, what->nr_label, "");
	fprintf(out, " %" PRIu64 "\n%s_sum", count, m->name);
	metric_labels(out, what, row, what->nr_label, "");
	fputc(' ', out);
	metric_value(out, m, col_number(sum, row + sum->offset), false);
}

static void metric_each(FILE *out, const struct object *what, const struct metric *m,
			const struct col *col, const char *row)
{
	unsigned int nr = col->kind == COL_EACH ? col->nr : 1;
	const char *at = row + col->offset;
	char index[32] = "";

	for (unsigned int i = 0; i < nr; i++) {
		if (col->kind == COL_EACH)
			snprintf(index, sizeof(index), "index=\"%u\"", i);
		fprintf(out, "%s%s", m->name, m->type[0] == 'c' ? "_total" : "");
		metric_labels(out, what, row, what->nr_label, index);
		fputc(' ', out);
		metric_value(out, m, col_number(col, at + i * sizeof(uint64_t)),
			     col->kind == COL_S32 || col->kind == COL_S64);
	}
}

/* the words of an object, with 1 as their figure */
static void metric_info(FILE *out, const struct object *what, const char *prefix,
			const char *rows, int nr)
{
	bool has_words = false;

	for (size_t i = what->nr_label; i < what->nr_col; i++)
		has_words |= col_is_word(&what->cols[i]);
	if (!has_words)
		return;
	fprintf(out, "# TYPE %s_%s_info gauge\n# HELP %s_%s_info %s: what is told in words\n",
		prefix, what->name, prefix, what->name, what->head);
	for (int i = 0; i < nr; i++, rows += what->size) {
		fprintf(out, "%s_%s_info", prefix, what->name);
		metric_labels(out, what, rows, what->nr_col, "");
		fputs(" 1\n", out);
	}
}

static int metric_object(FILE *out, const struct object *what, const char *prefix)
{
	struct metric m;
	void *rows;
	int nr;

	nr = what->list(host_get(), &rows);
	if (nr < 0)
		return fail_rsp();
	if (nr)
		metric_info(out, what, prefix, rows, nr);
	for (size_t c = 0; nr && c < what->nr_col; c++) {
		const struct col *col = &what->cols[c];
		const char *row = rows;

		if (c < what->nr_label || !metric_of(what, prefix, col, &m))
			continue;
		metric_head(out, &m, col->help);
		for (int i = 0; i < nr; i++, row += what->size) {
			if (col->kind == COL_STEPS)
				metric_histogram(out, what, &m, col, row);
			else
				metric_each(out, what, &m, col, row);
		}
	}
	free(rows);
	return 0;
}

static int metric_all(FILE *out)
{
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(objects); i++)
		err = metric_object(out, objects[i], "rsp");
	for (size_t i = 0; !err && rsp_observe_is_on() && i < nr_observe_object; i++)
		err = metric_object(out, &observe_objects[i], "rsp_observed");
	if (!err)
		fputs("# EOF\n", out);
	return err;
}

/* whoever reads the file sees the old or the new one, never a part */
static int metric_file(const char *path)
{
	char temp[PATH_MAX];
	struct stat there;
	mode_t mask = umask(0);
	int fd, err;
	FILE *out;

	umask(mask);
	/* it would be replaced, be it /dev/null */
	if (!lstat(path, &there) && !S_ISREG(there.st_mode))
		return fail("%s is there and is no file; without --output it goes to standard output", path);
	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >= (int)sizeof(temp))
		return fail("%s: the name is too long", path);
	fd = mkstemp(temp);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out)
		return fail("cannot make a file beside %s: %s", path, strerror(errno));
	/* mkstemp() lets nobody else read */
	fchmod(fd, 0666 & ~mask);
	err = metric_all(out);
	if ((fflush(out) || ferror(out) || fsync(fd)) && !err)
		err = fail("cannot write %s: %s", temp, strerror(errno));
	fclose(out);
	if (!err && rename(temp, path))
		err = fail("cannot rename %s to %s: %s", temp, path, strerror(errno));
	if (err)
		unlink(temp);
	return err;
}

static int stats_metrics(int argc, char **argv)
{
	if (is_json)
		return fail("--openmetrics is a form of its own: without -j");
	if (argc && strcmp(argv[0], "--output"))
		return fail_word(argv[0], "--output FILE");
	if (argc == 1)
		return fail_word(NULL, "a file name");
	if (argc > 2)
		return fail_word(argv[2], "nothing more");
	if (!host_get())
		return 1;
	return argc ? metric_file(argv[1]) : metric_all(stdout);
}

/* ------------------------------------------------------------------- command --- */

static int stats_show(int argc, char **argv)
{
	int err = 0;

	if (argc)
		return fail_word(argv[0], "nothing more");
	if (!host_get())
		return 1;
	if (is_json)
		json_begin(NULL, '{');
	for (size_t i = 0; !err && i < ARRAY_SIZE(objects); i++)
		err = object_print(objects[i]);
	if (rsp_observe_is_on()) {
		if (is_json)
			json_begin("observed", '{');
		else
			puts("\nobserved:");
		for (size_t i = 0; !err && i < nr_observe_object; i++)
			err = object_print(&observe_objects[i]);
		if (is_json)
			json_end('}');
	}
	if (is_json)
		json_end('}');
	return err;
}

static int stats_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("Usage: rspctl stats [show]\n"
	     "       rspctl stats --openmetrics [--output FILE]\n"
	     "       rspctl stats help");
	print_help_fields(policy_cols, ARRAY_SIZE(policy_cols));
	print_help_fields(hw_cols, ARRAY_SIZE(hw_cols));
	return 0;
}

static const struct cmd cmds[] = {
	{ "show", stats_show },
	{ "list", stats_show },
	{ "--openmetrics", stats_metrics },
	{ "help", stats_help },
	{ NULL, NULL },
};

int cmd_stats(int argc, char **argv)
{
	return cmd_select(cmds, argc, argv);
}
