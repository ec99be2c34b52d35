// SPDX-License-Identifier: GPL-2.0
/*
 * pol: the struct_ops operations the policy tests need one by one, some of which
 * no friendly tool offers. Prints what it did; the exit code is 0, or the errno.
 *
 *	pol load FILE PIN [KNOB=VALUE]...	register with a link, pin the link, and the maps
 *						stats and .bss as PIN_stats, PIN_bss
 *	pol again FILE KEPT PIN [KNOB=VALUE]...	the same without PIN_stats and PIN_bss, and keep what was loaded
 *						as KEPT; when that is there, register it again as it is
 *	pol stats PIN				sums of its statistics, in order
 *	pol update PIN FILE FILE2 [KNOB=VALUE]...	the same, then give the link FILE2's map;
 *						the pin stays when that fails
 *	pol nolink FILE SECONDS			register a .struct_ops map, wait, unregister
 *	pol refuse FILE TEXT			the verifier must refuse, its log must say TEXT
 *	pol show				family name state kind code msg, a line each
 *	pol walk				how many of each object; 0 bad expected
 *	pol below PIN FILE FILE2 PIN3 FILE3	FILE, FILE3 on top of it, then give FILE's link FILE2's map
 *	pol storm COUNT FILE FILE...		COUNT registrations for each family that FILEs have at
 *						least two of, in turn
 *
 * Unpinning is `rm PIN`.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <rsp/view.h>
#include "list.h"

#define LOG_SIZE	(1 << 20)

static const char * const families[] = { "buf", "ep", "flow", "cache" };
static const char * const kinds[] = {
	"none", "unreg", "replaced", "updated", "self", "range", "stall", "unload", "init",
};
static char vlog[LOG_SIZE];
static char messages[LOG_SIZE];		/* libbpf's, kept for when something fails */

static int keep(enum libbpf_print_level level, const char *fmt, va_list args)
{
	size_t len = strlen(messages);

	if (level == LIBBPF_DEBUG)
		return 0;
	return vsnprintf(messages + len, sizeof(messages) - len, fmt, args);
}

static int fail(int err, const char *what)
{
	err = err < 0 ? -err : err;
	fprintf(stderr, "%s: %s\n%s", what, strerror(err), messages);
	return err ? err : EIO;
}

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int set_knob(struct bpf_object *obj, const char *word)
{
	const struct btf *btf = bpf_object__btf(obj);
	const char *value = strchr(word, '=');
	struct bpf_map *map;
	unsigned int i;

	if (!value++)
		return -EINVAL;
	bpf_object__for_each_map(map, obj) {
		const struct btf_type *sec;
		size_t size;
		char *data;

		if (!strstr(bpf_map__name(map), ".rodata"))
			continue;
		data = bpf_map__initial_value(map, &size);
		sec = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
		for (i = 0; data && sec && i < btf_vlen(sec); i++) {
			const struct btf_var_secinfo *var = btf_var_secinfos(sec) + i;
			const char *name = btf__name_by_offset(btf,
						btf__type_by_id(btf, var->type)->name_off);
			__u64 n = strtoull(value, NULL, 0);

			if (strlen(name) != (size_t)(value - 1 - word) ||
			    strncmp(name, word, strlen(name)) || var->size > 8)
				continue;
			memcpy(data + var->offset, &n, var->size);
			return 0;
		}
	}
	return -ENOENT;
}

static struct bpf_object *load(const char *file, char **knobs, int *err)
{
	struct bpf_object *obj = bpf_object__open_file(file, NULL);

	if (!obj) {
		*err = -errno;
		return NULL;
	}
	for (*err = 0; *knobs && !*err; knobs++)
		*err = set_knob(obj, *knobs);
	if (!*err)
		*err = bpf_object__load(obj);
	if (!*err)
		return obj;
	bpf_object__close(obj);
	return NULL;
}

static struct bpf_map *ops_map(struct bpf_object *obj)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj)
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			return map;
	return NULL;
}

/* @obj: set to what was loaded */
static int load_and_pin(const char *file, const char *pin, char **knobs, struct bpf_object **obj)
{
	struct bpf_link *link;
	struct bpf_map *map;
	int err;

	*obj = load(file, knobs, &err);
	if (!*obj)
		return fail(err, "load");
	map = ops_map(*obj);
	if (!map)
		return fail(ENOENT, "no struct_ops map");
	link = bpf_map__attach_struct_ops(map);
	if (!link)
		return fail(errno, "register");
	err = bpf_link__pin(link, pin);
	if (err)
		return fail(err, "pin");
	printf("registered %s\n", bpf_map__name(map));
	return 0;
}

static int do_load(const char *file, const char *pin, char **knobs)
{
	struct bpf_object *obj;
	struct bpf_map *map;
	int err;

	err = load_and_pin(file, pin, knobs, &obj);
	if (err)
		return err;
	bpf_object__for_each_map(map, obj) {
		const char *name = bpf_map__name(map), *end = NULL;
		char path[4096];

		if (!strcmp(name, "stats"))
			end = "stats";
		else if (strlen(name) > 4 && !strcmp(name + strlen(name) - 4, ".bss"))
			end = "bss";
		if (!end)
			continue;
		snprintf(path, sizeof(path), "%s_%s", pin, end);
		err = bpf_map__pin(map, path);
		if (err)
			return fail(err, path);
	}
	return 0;
}

static int do_again(const char *file, const char *kept, const char *pin, char **knobs)
{
	struct bpf_object *obj;
	int err, map, link;

	map = bpf_obj_get(kept);
	if (map >= 0) {
		link = bpf_link_create(map, 0, BPF_STRUCT_OPS, NULL);
		if (link < 0)
			return fail(link, "register again");
		err = bpf_obj_pin(link, pin);
		return err ? fail(err, pin) : 0;
	}
	err = load_and_pin(file, pin, knobs, &obj);
	if (err)
		return err;
	err = bpf_obj_pin(bpf_map__fd(ops_map(obj)), kept);
	return err ? fail(err, kept) : 0;
}

static int do_stats(const char *pin)
{
	int nr_cpu = libbpf_num_possible_cpus(), cpu, fd;
	__u64 values[1024], sum;
	char path[4096];
	__u32 i;

	snprintf(path, sizeof(path), "%s_stats", pin);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fail(errno, path);
	if (nr_cpu < 1 || nr_cpu > 1024)
		return fail(E2BIG, "processors");
	for (i = 0; !bpf_map_lookup_elem(fd, &i, values); i++) {
		for (sum = 0, cpu = 0; cpu < nr_cpu; cpu++)
			sum += values[cpu];
		printf("%s%llu", i ? " " : "", sum);
	}
	printf("\n");
	return 0;
}

/* libbpf updates only links that this process has created, so that comes first */
static int do_update(const char *pin, const char *file, const char *file2, char **knobs)
{
	char *none[] = { NULL };
	struct bpf_object *obj;
	struct bpf_link *link;
	int err;

	obj = load(file, none, &err);
	if (!obj)
		return fail(err, file);
	link = bpf_map__attach_struct_ops(ops_map(obj));
	if (!link)
		return fail(errno, "register");
	err = bpf_link__pin(link, pin);
	if (err)
		return fail(err, "pin");
	obj = load(file2, knobs, &err);
	if (!obj)
		return fail(err, file2);
	err = bpf_link__update_map(link, ops_map(obj));
	if (err)
		return fail(err, "update");
	printf("updated to %s\n", bpf_map__name(ops_map(obj)));
	return 0;
}

static int do_nolink(const char *file, unsigned int seconds)
{
	struct bpf_object *obj;
	struct bpf_link *link;
	char *none[] = { NULL };
	int err;

	obj = load(file, none, &err);
	if (!obj)
		return fail(err, "load");
	link = bpf_map__attach_struct_ops(ops_map(obj));
	if (!link)
		return fail(errno, "register");
	printf("registered\n");
	fflush(stdout);
	sleep(seconds);
	err = bpf_link__destroy(link);
	return err ? fail(err, "unregister") : 0;
}

static int do_refuse(const char *file, const char *text)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_buf = vlog,
		    .kernel_log_size = sizeof(vlog), .kernel_log_level = 1);
	struct bpf_object *obj = bpf_object__open_file(file, &opts);
	int err;

	if (!obj)
		return fail(errno, "open");
	err = bpf_object__load(obj);
	if (!err) {
		/* some are refused only when the map is filled in */
		struct bpf_map *map = ops_map(obj);

		if (!map || bpf_map__attach_struct_ops(map))
			return fail(EEXIST, "it was accepted");
		err = -errno;
	}
	if (*text && !strstr(vlog, text) && !strstr(messages, text)) {
		fprintf(stderr, "refused (%s), but not for \"%s\":\n%s\n%s", strerror(-err), text,
			vlog, messages);
		return ENOMSG;
	}
	printf("refused: %s\n", strerror(-err));
	return 0;
}

static struct bpf_object *lister(const char *self, int *err)
{
	char path[4096], *none[] = { NULL };

	snprintf(path, sizeof(path), "%s", self);
	strcat(dirname(path), "/list.bpf.o");
	return load(path, none, err);
}

static int run_prog(struct bpf_object *obj, const char *name, struct list_result *result)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = result, .ctx_size_in = sizeof(*result));
	struct bpf_program *prog = bpf_object__find_program_by_name(obj, name);

	if (!prog)
		return -ENOENT;
	return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
}

/* the lister, pinned in the folder $POL_PINS when there is one: loading it takes a second */
static int lister_fds(const char *self, int *prog, int *map)
{
	const char *dir = getenv("POL_PINS");
	char prog_path[4096], map_path[4096];
	struct bpf_object *obj;
	int err;

	snprintf(prog_path, sizeof(prog_path), "%s/lister_prog", dir ? dir : "");
	snprintf(map_path, sizeof(map_path), "%s/lister_map", dir ? dir : "");
	if (dir) {
		*prog = bpf_obj_get(prog_path);
		*map = bpf_obj_get(map_path);
		if (*prog >= 0 && *map >= 0)
			return 0;
	}
	obj = lister(self, &err);
	if (!obj)
		return err;
	*prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "list_policies"));
	*map = bpf_object__find_map_fd_by_name(obj, "policies");
	if (dir && (bpf_obj_pin(*prog, prog_path) || bpf_obj_pin(*map, map_path)))
		return -errno;
	return 0;
}

static int do_show(const char *self)
{
	struct list_result result = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &result, .ctx_size_in = sizeof(result));
	struct rsp_policy_view view;
	int err, prog, map;
	__u32 i;

	err = lister_fds(self, &prog, &map);
	if (err)
		return fail(err, "lister");
	err = bpf_prog_test_run_opts(prog, &opts);
	if (err)
		return fail(err, "list_policies");
	for (i = 0; i < result.nr_policy; i++) {
		err = bpf_map_lookup_elem(map, &i, &view);
		if (err)
			return fail(err, "lookup");
		printf("%s %s %s kind=%s code=%lld calls=%llu clamps=%llu swap_ns=%llu msg=%s\n",
		       families[view.family % RSP_NR_FAMILY], view.exit.name,
		       view.is_ended ? "ended" : view.is_active ? "active" :
		       view.is_builtin ? "idle" : view.exit.kind >= RSP_EXIT_SELF &&
		       view.exit.kind <= RSP_EXIT_STALL ? "dead" : "waiting",
		       view.exit.kind < RSP_NR_EXIT ? kinds[view.exit.kind] : "?",
		       (long long)view.exit.code, view.exit.nr_call, view.exit.nr_clamp,
		       view.swap_ns, view.exit.msg);
	}
	return 0;
}

static int do_walk(const char *self)
{
	static const char * const progs[] = { "walk_objects", "walk_channels", "walk_caches", "walk_host" };
	struct list_result result = {};
	struct bpf_object *obj;
	unsigned int i;
	int err;

	obj = lister(self, &err);
	if (!obj)
		return fail(err, "load list.bpf.o");
	for (i = 0; i < sizeof(progs) / sizeof(progs[0]); i++) {
		err = run_prog(obj, progs[i], &result);
		if (err)
			return fail(err, progs[i]);
	}
	printf("svc=%u peer=%u ep=%u rq=%u chan=%u pool_bytes=%llu bad=%u\n", result.nr_svc,
	       result.nr_peer, result.nr_ep, result.nr_rq, result.nr_chan, result.limit_bytes,
	       result.nr_bad);
	return result.nr_bad ? EIO : 0;
}

static int do_below(const char *pin, const char *file, const char *file2, const char *pin3,
		    const char *file3)
{
	struct bpf_object *obj, *obj2;
	char *none[] = { NULL };
	struct bpf_link *link;
	int err;

	obj = load(file, none, &err);
	if (!obj)
		return fail(err, file);
	link = bpf_map__attach_struct_ops(ops_map(obj));
	if (!link)
		return fail(errno, "register");
	err = bpf_link__pin(link, pin);
	if (err)
		return fail(err, pin);
	err = do_load(file3, pin3, none);
	if (err)
		return err;
	obj2 = load(file2, none, &err);
	if (!obj2)
		return fail(err, file2);
	err = bpf_link__update_map(link, ops_map(obj2));
	return err ? fail(err, "update") : 0;
}

static int family_of(struct bpf_object *obj)
{
	const char *name = bpf_map__name(ops_map(obj));
	const struct btf *btf = bpf_object__btf(obj);
	const struct btf_type *type;
	char want[32];
	int id, i;

	id = btf__find_by_name_kind(btf, name, BTF_KIND_VAR);
	if (id < 0)
		return id;
	type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	for (i = 0; i < RSP_NR_FAMILY; i++) {
		snprintf(want, sizeof(want), "rsp_%s_ops", families[i]);
		if (!strcmp(btf__name_by_offset(btf, type->name_off), want))
			return i;
	}
	return -ENOENT;
}

/*
 * Register, each time on top of the one before, which then goes away: there is
 * never a moment with none of them. The last of each family stays until the end.
 */
static int do_storm(unsigned int count, char **files)
{
	struct bpf_object *obj[RSP_NR_FAMILY][8] = {};
	struct bpf_link *link[RSP_NR_FAMILY] = {};
	unsigned int i, f, nr[RSP_NR_FAMILY] = {};
	long long max[RSP_NR_FAMILY] = {}, sum[RSP_NR_FAMILY] = {};
	char *none[] = { NULL };
	int err = 0;

	for (; *files; files++) {
		struct bpf_object *new = load(*files, none, &err);

		if (!new)
			return fail(err, *files);
		err = family_of(new);
		if (err < 0 || nr[err] == 8)
			return fail(EINVAL, *files);
		obj[err][nr[err]++] = new;
	}
	for (i = 0; i < count; i++) {
		for (f = 0; f < RSP_NR_FAMILY; f++) {
			struct bpf_link *new;
			long long ns;

			if (nr[f] < 2)
				continue;
			ns = now_ns();
			new = bpf_map__attach_struct_ops(ops_map(obj[f][i % nr[f]]));
			if (!new)
				return fail(errno, "register");
			ns = now_ns() - ns;
			sum[f] += ns;
			if (ns > max[f])
				max[f] = ns;
			bpf_link__destroy(link[f]);
			link[f] = new;
		}
	}
	for (f = 0; f < RSP_NR_FAMILY; f++)
		if (nr[f] >= 2)
			printf("{\"family\":\"%s\",\"swaps\":%u,\"mean_ns\":%lld,\"max_ns\":%lld}\n",
			       families[f], count, sum[f] / (count ? count : 1), max[f]);
	return 0;
}

int main(int argc, char **argv)
{
	const char *cmd = argc > 1 ? argv[1] : "";

	libbpf_set_print(keep);
	if (!strcmp(cmd, "load") && argc > 3)
		return do_load(argv[2], argv[3], argv + 4);
	if (!strcmp(cmd, "again") && argc > 4)
		return do_again(argv[2], argv[3], argv[4], argv + 5);
	if (!strcmp(cmd, "update") && argc > 4)
		return do_update(argv[2], argv[3], argv[4], argv + 5);
	if (!strcmp(cmd, "nolink") && argc == 4)
		return do_nolink(argv[2], atoi(argv[3]));
	if (!strcmp(cmd, "refuse") && argc == 4)
		return do_refuse(argv[2], argv[3]);
	if (!strcmp(cmd, "show"))
		return do_show(argv[0]);
	if (!strcmp(cmd, "walk"))
		return do_walk(argv[0]);
	if (!strcmp(cmd, "stats") && argc == 3)
		return do_stats(argv[2]);
	if (!strcmp(cmd, "below") && argc == 7)
		return do_below(argv[2], argv[3], argv[4], argv[5], argv[6]);
	if (!strcmp(cmd, "storm") && argc > 4)
		return do_storm(atoi(argv[2]), argv + 3);
	fprintf(stderr, "pol: see the top of tests/policy/pol.c\n");
	return EINVAL;
}
