// SPDX-License-Identifier: GPL-2.0
/*
 * A policy from file to active, and back.
 *
 *	open -> [set knobs] -> attach or swap: load, attach, pin -> close
 *
 * A file may hold more than one ops table (a policy that spans families); then
 * each is attached and pinned under its own name, and all or none stay.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define RSP_POLICY_MAX_TABLE	RSP_NR_FAMILY

/* one ops table of the file */
struct rsp_policy_table {
	struct bpf_map	*map;
	unsigned int	family;
	char		name[RSP_NAME_LEN];
	struct bpf_link	*link;
	char		aside[RSP_NAME_LEN];	/* where the pins of its name went, or empty */
	char		goes[RSP_NAME_LEN];	/* policy that goes when this one is there */
};

struct rsp_policy {
	struct bpf_object	*obj;
	char			*file;
	bool			is_loaded;
	int			nr_table;
	struct rsp_policy_table	table[RSP_POLICY_MAX_TABLE];
};

/* ------------------------------------------------------------- the file --- */

static const struct btf_member *rsp_policy_member(const struct btf *btf,
						  const struct btf_type *type,
						  const char *name)
{
	for (int i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];

		if (!strcmp(btf__name_by_offset(btf, member->name_off), name))
			return member;
	}
	return NULL;
}

static int rsp_policy_table_read(struct rsp_policy *policy, struct bpf_map *map)
{
	static const char * const types[RSP_NR_FAMILY] = {
		[RSP_FAMILY_BUF] = "rsp_buf_ops",
		[RSP_FAMILY_EP] = "rsp_ep_ops",
		[RSP_FAMILY_FLOW] = "rsp_flow_ops",
		[RSP_FAMILY_CACHE] = "rsp_cache_ops",
	};
	const struct btf *btf = bpf_object__btf(policy->obj);
	struct rsp_policy_table *table;
	const struct btf_member *name;
	const struct btf_type *type;
	unsigned int family;
	const char *word;
	size_t size, at;
	void *data;

	type = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
	word = type ? btf__name_by_offset(btf, type->name_off) : "";
	for (family = 0; family < RSP_NR_FAMILY; family++) {
		if (!strcmp(word, types[family]))
			break;
	}
	if (family == RSP_NR_FAMILY)
		return rsp_fail(-EINVAL, "%s: ops table %s is a %s, none of RSP's types",
				policy->file, bpf_map__name(map), word);
	if (!(bpf_map__map_flags(map) & BPF_F_LINK))
		return rsp_fail(-EINVAL, "%s: ops table %s must be in section .struct_ops.link",
				policy->file, bpf_map__name(map));
	if (policy->nr_table == RSP_POLICY_MAX_TABLE)
		return rsp_fail(-E2BIG, "%s: more than %d ops tables", policy->file,
				RSP_POLICY_MAX_TABLE);

	table = &policy->table[policy->nr_table];
	data = bpf_map__initial_value(map, &size);
	name = rsp_policy_member(btf, type, "name");
	at = name ? name->offset / 8 : 0;
	if (!data || !name || at + RSP_NAME_LEN > size)
		return rsp_fail(-EINVAL, "%s: ops table %s has no name member", policy->file,
				bpf_map__name(map));
	snprintf(table->name, sizeof(table->name), "%.*s", RSP_NAME_LEN - 1,
		 (char *)data + at);
	if (!table->name[0])
		return rsp_fail(-EINVAL, "%s: ops table %s does not set .name", policy->file,
				bpf_map__name(map));
	for (int i = 0; i < policy->nr_table; i++) {
		if (!strcmp(policy->table[i].name, table->name))
			return rsp_fail(-EINVAL, "%s: two ops tables are named %s",
					policy->file, table->name);
	}
	table->map = map;
	table->family = family;
	policy->nr_table++;
	return 0;
}

struct rsp_policy *rsp_policy_open(const char *file)
{
	struct rsp_policy *policy;
	struct bpf_map *map;
	int err;

	rsp_error_catch();
	policy = calloc(1, sizeof(*policy));
	if (!policy)
		return NULL;
	policy->file = strdup(file);
	if (access(file, R_OK)) {
		rsp_fail(-errno, "cannot read %s: %s", file, strerror(errno));
		goto err_close;
	}
	policy->obj = bpf_object__open_file(file, NULL);
	if (!policy->obj) {
		rsp_fail_bpf(-errno, "%s is not a BPF object: %s", file, strerror(errno));
		goto err_close;
	}
	bpf_object__for_each_map(map, policy->obj) {
		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		err = rsp_policy_table_read(policy, map);
		if (err)
			goto err_close;
	}
	if (!policy->nr_table) {
		rsp_fail(-EINVAL, "%s has no RSP ops table: no policy", file);
		goto err_close;
	}
	return policy;

err_close:
	err = errno;
	rsp_policy_close(policy);
	errno = err;
	return NULL;
}

void rsp_policy_close(struct rsp_policy *policy)
{
	if (!policy)
		return;
	/* a link that is pinned stays, its descriptor goes */
	for (int i = 0; i < policy->nr_table; i++)
		bpf_link__destroy(policy->table[i].link);
	bpf_object__close(policy->obj);
	free(policy->file);
	free(policy);
}

const char *rsp_policy_names(const struct rsp_policy *policy, unsigned int i)
{
	return i < (unsigned int)policy->nr_table ? policy->table[i].name : NULL;
}

unsigned int rsp_policy_family(const struct rsp_policy *policy, unsigned int i)
{
	return i < (unsigned int)policy->nr_table ? policy->table[i].family : RSP_NR_FAMILY;
}

/* the member of the ops table that a program stands in; libbpf keeps its number when it loads */
static const char *rsp_policy_hook(const struct rsp_policy *policy,
				   const struct bpf_program *prog)
{
	const struct btf *btf = bpf_object__btf(policy->obj);
	const struct btf_type *type;
	int i = bpf_program__expected_attach_type(prog);

	type = btf__type_by_id(btf, bpf_map__btf_value_type_id(policy->table[0].map));
	if (policy->nr_table > 1 || i < 0 || i >= btf_vlen(type))
		return bpf_program__name(prog);
	return btf__name_by_offset(btf, btf_members(type)[i].name_off);
}

int rsp_hook_each(const struct rsp_policy *policy, rsp_hook_fn fn, void *arg)
{
	struct bpf_program *prog;
	int err = 0;

	bpf_object__for_each_program(prog, policy->obj) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (bpf_program__fd(prog) < 0)
			continue;
		err = bpf_prog_get_info_by_fd(bpf_program__fd(prog), &info, &len);
		if (err)
			return rsp_fail(err, "%s: no figures of %s: %s", policy->file,
					bpf_program__name(prog), strerror(-err));
		err = fn(rsp_policy_hook(policy, prog), info.run_cnt, info.run_time_ns, arg);
		if (err)
			break;
	}
	return err;
}

static struct bpf_map *rsp_policy_rodata(const struct rsp_policy *policy)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, policy->obj) {
		const char *dot = strchr(bpf_map__name(map), '.');

		if (dot && !strcmp(dot, ".rodata"))
			return map;
	}
	return NULL;
}

int rsp_policy_set(struct rsp_policy *policy, const char *knob, const char *value)
{
	struct bpf_map *map = rsp_policy_rodata(policy);
	size_t size = 0;
	void *data;

	if (policy->is_loaded)
		return rsp_fail(-EBUSY, "knob %s: the policy is loaded already", knob);
	data = map ? bpf_map__initial_value(map, &size) : NULL;
	return rsp_knob_set(bpf_object__btf(policy->obj),
			    map ? bpf_map__btf_value_type_id(map) : 0, data, size, knob, value);
}

int rsp_knob_each(const struct rsp_policy *policy, rsp_knob_fn fn, void *arg)
{
	struct bpf_map *map = rsp_policy_rodata(policy);
	size_t size = 0;
	void *data = map ? bpf_map__initial_value(map, &size) : NULL;

	if (!data)
		return 0;
	return rsp_knob_walk(bpf_object__btf(policy->obj), bpf_map__btf_value_type_id(map),
			     data, size, fn, arg);
}

/* ----------------------------------------------------------------- pins --- */

bool rsp_policy_is_pinned(const char *name)
{
	char path[256];

	return !rsp_pin_path(path, sizeof(path), RSP_PIN_POLICIES, name) && rsp_pin_exists(path);
}

/* the name a map is pinned under: without the object's in front of .rodata */
static const char *rsp_policy_map_name(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map), *dot = strchr(name, '.');

	return dot ? dot + 1 : name;
}

static int rsp_policy_pin_maps(const struct rsp_policy *policy, const char *dir)
{
	struct bpf_map *map;
	int err;

	err = rsp_pin_mkdir(dir);
	if (err)
		return err;
	bpf_object__for_each_map(map, policy->obj) {
		char path[256];

		/* an ops table holds its programs: it lives as long as its link */
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS || bpf_map__fd(map) < 0)
			continue;
		err = rsp_pin_path(path, sizeof(path), dir, rsp_policy_map_name(map));
		if (!err)
			err = rsp_pin_fd(bpf_map__fd(map), path);
		if (err) {
			rsp_pin_rmdir(dir);
			return err;
		}
	}
	return 0;
}

/*
 * Detach first: removing the file alone would leave the end of the policy to
 * whenever the kernel frees the inode.
 */
static int rsp_policy_unpin(const char *link_path, const char *maps_path)
{
	int err = 0, fd;

	if (link_path) {
		fd = bpf_obj_get(link_path);
		if (fd < 0)
			return rsp_fail(fd, "cannot open %s: %s", link_path, strerror(-fd));
		err = bpf_link_detach(fd);
		close(fd);
		/* detached before, by someone or because it was ejected */
		if (err && err != -EINVAL && err != -ENOENT)
			return rsp_fail(err, "cannot detach %s: %s", link_path, strerror(-err));
		if (unlink(link_path))
			return rsp_fail(-errno, "cannot remove %s: %s", link_path,
					strerror(errno));
	}
	if (rsp_pin_exists(maps_path))
		return rsp_pin_rmdir(maps_path);
	return 0;
}

static int rsp_policy_paths(const char *name, char *link, char *maps, size_t size)
{
	return rsp_pin_path(link, size, RSP_PIN_POLICIES, name) ?:
	       rsp_pin_path(maps, size, RSP_PIN_MAPS, name);
}

/* Move link and maps to another name; errno on failure. */
static int rsp_policy_rename(const char *from, const char *to)
{
	char link[2][256], maps[2][256];
	int err;

	err = rsp_policy_paths(from, link[0], maps[0], sizeof(link[0])) ?:
	      rsp_policy_paths(to, link[1], maps[1], sizeof(link[1]));
	if (err)
		return err;
	if (rename(maps[0], maps[1]) && errno != ENOENT)
		return -errno;
	if (rename(link[0], link[1])) {
		err = errno;
		rename(maps[1], maps[0]);
		errno = err;
		return -err;
	}
	return 0;
}

int rsp_policy_unload(const char *name)
{
	char link[256], maps[256];
	int err;

	rsp_error_catch();
	err = rsp_policy_paths(name, link, maps, sizeof(link));
	if (err)
		return err;
	if (!rsp_pin_exists(link))
		return rsp_fail(-ENOENT, "no policy %s is loaded (nothing at %s)", name, link);
	return rsp_policy_unpin(link, maps);
}

/* --------------------------------------------------------- load, attach --- */

/* Which names are registered and not dead, and which of them are active. */
struct rsp_policy_now {
	int			nr;
	struct rsp_policy_view	*views;
};

static int rsp_policy_now_get(struct rsp_policy_now *now)
{
	struct rsp_host *host = rsp_host_open();

	if (!host)
		return -errno;
	now->nr = rsp_policy_list(host, &now->views);
	rsp_host_close(host);
	return now->nr < 0 ? now->nr : 0;
}

static bool rsp_policy_is_failure(unsigned int kind)
{
	return kind == RSP_EXIT_SELF || kind == RSP_EXIT_RANGE || kind == RSP_EXIT_STALL;
}

static bool rsp_policy_is_registered(const struct rsp_policy_now *now, const char *name)
{
	for (int i = 0; i < now->nr; i++) {
		const struct rsp_policy_view *view = &now->views[i];

		if (!view->is_ended && !view->is_builtin && !strcmp(view->exit.name, name) &&
		    (view->is_active || !rsp_policy_is_failure(view->exit.kind)))
			return true;
	}
	return false;
}

static const char *rsp_policy_active(const struct rsp_policy_now *now, unsigned int family)
{
	for (int i = 0; i < now->nr; i++) {
		const struct rsp_policy_view *view = &now->views[i];

		if (view->family == family && view->is_active && !view->is_builtin)
			return view->exit.name;
	}
	return NULL;
}

/* Say which hook was refused, and at which line of its source. */
static void rsp_policy_where(const struct rsp_policy *policy, char *text, size_t size)
{
	char name[128], line[512];
	struct bpf_program *prog;

	text[0] = 0;
	if (!rsp_error_find(name, sizeof(name), line, sizeof(line)))
		return;
	prog = bpf_object__find_program_by_name(policy->obj, name);
	snprintf(text, size, "\n  hook %s%s%s", prog ? rsp_policy_hook(policy, prog) : name,
		 line[0] ? ", " : "", line);
}

static int rsp_policy_load(struct rsp_policy *policy)
{
	char where[1024];
	int err;

	if (policy->is_loaded)
		return 0;
	rsp_error_catch();
	err = bpf_object__load(policy->obj);
	if (err) {
		rsp_policy_where(policy, where, sizeof(where));
		return rsp_fail_bpf(err, "%s was not accepted: %s%s", policy->file,
				    strerror(-err), where);
	}
	policy->is_loaded = true;
	return 0;
}

/*
 * What stands under the new policy's name goes out of its way; its link keeps it
 * registered until it is unpinned.
 */
static int rsp_policy_set_aside(struct rsp_policy_table *table)
{
	char link[256], maps[256];
	int err;

	err = rsp_policy_paths(table->name, link, maps, sizeof(link));
	if (err || !rsp_pin_exists(link))
		return err;
	snprintf(table->aside, sizeof(table->aside), "~%d-%u", getpid(), table->family);
	if (rsp_policy_rename(table->name, table->aside)) {
		table->aside[0] = 0;
		return rsp_fail(-errno, "cannot move the pins of %s: %s", table->name,
				strerror(errno));
	}
	return 0;
}

/* Attach and pin one table. On failure it is detached and nothing is pinned. */
static int rsp_policy_table_attach(struct rsp_policy *policy, struct rsp_policy_table *table)
{
	char link[256], maps[256];
	int err;

	err = rsp_policy_paths(table->name, link, maps, sizeof(link)) ?:
	      rsp_pin_mkdir(RSP_PIN_POLICIES);
	/* maps without a link: of a process that was killed half way */
	if (!err && rsp_pin_exists(maps))
		err = rsp_pin_rmdir(maps);
	err = err ?: rsp_policy_pin_maps(policy, maps);
	if (err)
		return err;
	rsp_error_catch();
	/* of the time before it was unloaded */
	bpf_link__destroy(table->link);
	table->link = bpf_map__attach_struct_ops(table->map);
	if (!table->link) {
		err = rsp_fail_bpf(-errno, "policy %s was not registered: %s", table->name,
				   errno == EOPNOTSUPP ? "policies are off" : strerror(errno));
		goto err_unpin_maps;
	}
	err = rsp_pin_fd(bpf_link__fd(table->link), link);
	if (err)
		goto err_detach;
	return 0;

err_detach:
	bpf_link_detach(bpf_link__fd(table->link));
	bpf_link__destroy(table->link);
	table->link = NULL;
err_unpin_maps:
	/* keep the sentence of what went wrong first */
	if (rsp_pin_exists(maps)) {
		char *text = strdup(rsp_error());

		rsp_pin_rmdir(maps);
		rsp_fail(err, "%s", text ?: "out of memory");
		free(text);
	}
	return err;
}

/* Undo what was done for a table; the sentence of what went wrong stays. */
static void rsp_policy_table_undo(struct rsp_policy_table *table)
{
	char *text = strdup(rsp_error());
	int err = errno;

	if (table->link) {
		rsp_policy_unload(table->name);
		bpf_link__destroy(table->link);
		table->link = NULL;
	}
	if (table->aside[0])
		rsp_policy_rename(table->aside, table->name);
	table->aside[0] = 0;
	rsp_fail(-err, "%s", text ?: "out of memory");
	free(text);
}

/*
 * For each table: what has its name goes aside, the new one is attached above
 * all and so becomes active. Only when all are there do the old ones go.
 */
static int rsp_policy_bring(struct rsp_policy *policy, bool is_swap)
{
	struct rsp_policy_now now = {};
	int err, i;

	err = rsp_check() ?: rsp_policy_now_get(&now);
	if (err)
		return err;
	for (i = 0; i < policy->nr_table; i++) {
		struct rsp_policy_table *table = &policy->table[i];
		const char *active = rsp_policy_active(&now, table->family);

		table->goes[0] = 0;
		if (is_swap && active && strcmp(active, table->name) &&
		    rsp_policy_is_pinned(active))
			snprintf(table->goes, sizeof(table->goes), "%s", active);
		if (!is_swap && rsp_policy_is_pinned(table->name) &&
		    rsp_policy_is_registered(&now, table->name)) {
			err = rsp_fail(-EEXIST, "policy %s is loaded already, use swap",
				       table->name);
			goto out_free;
		}
	}
	err = rsp_policy_load(policy);
	if (err)
		goto out_free;

	for (i = 0; i < policy->nr_table; i++) {
		err = rsp_policy_set_aside(&policy->table[i]) ?:
		      rsp_policy_table_attach(policy, &policy->table[i]);
		if (err)
			break;
	}
	if (err) {
		for (; i >= 0; i--)
			rsp_policy_table_undo(&policy->table[i]);
		goto out_free;
	}
	for (i = 0; i < policy->nr_table; i++) {
		struct rsp_policy_table *table = &policy->table[i];

		if (table->aside[0])
			err = rsp_policy_unload(table->aside) ?: err;
		if (table->goes[0] && rsp_policy_is_pinned(table->goes))
			err = rsp_policy_unload(table->goes) ?: err;
		table->aside[0] = 0;
	}
out_free:
	free(now.views);
	return err;
}

int rsp_policy_attach(struct rsp_policy *policy)
{
	return rsp_policy_bring(policy, false);
}

int rsp_policy_swap(struct rsp_policy *policy)
{
	return rsp_policy_bring(policy, true);
}

/* ----------------------------------------------------- maps of a pinned one */

/* Return: descriptor of a map of a pinned policy, or a negative errno. */
static int rsp_policy_map_get(const char *name, const char *map)
{
	char dir[256], path[512];
	int err, fd;

	err = rsp_pin_path(dir, sizeof(dir), RSP_PIN_MAPS, name) ?:
	      rsp_pin_path(path, sizeof(path), dir, map);
	if (err)
		return err;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return rsp_fail(fd, "policy %s has no map %s: %s", name, map, strerror(-fd));
	return fd;
}

/* a pinned map with its BTF */
struct rsp_policy_map {
	int			fd;
	struct bpf_map_info	info;
	struct btf		*btf;
};

static int rsp_policy_map_open(const char *name, const char *word, struct rsp_policy_map *map)
{
	__u32 len = sizeof(map->info);
	int err;

	memset(map, 0, sizeof(*map));
	map->fd = rsp_policy_map_get(name, word);
	if (map->fd < 0)
		return map->fd;
	err = bpf_map_get_info_by_fd(map->fd, &map->info, &len);
	if (!err) {
		map->btf = btf__load_from_kernel_by_id(map->info.btf_id);
		if (!map->btf)
			err = -errno;
	}
	if (err) {
		close(map->fd);
		return rsp_fail(err, "policy %s: map %s cannot be read: %s", name, word,
				strerror(-err));
	}
	return 0;
}

static void rsp_policy_map_close(struct rsp_policy_map *map)
{
	btf__free(map->btf);
	close(map->fd);
}

int rsp_knob_each_pinned(const char *name, rsp_knob_fn fn, void *arg)
{
	struct rsp_policy_map map;
	__u32 zero = 0;
	void *data;
	int err;

	err = rsp_policy_map_open(name, "rodata", &map);
	if (err)
		return err == -ENOENT ? 0 : err;
	data = calloc(1, map.info.value_size);
	err = data ? bpf_map_lookup_elem(map.fd, &zero, data) : -ENOMEM;
	if (err)
		rsp_fail(err, "policy %s: knobs cannot be read: %s", name, strerror(-err));
	else
		err = rsp_knob_walk(map.btf, map.info.btf_value_type_id, data,
				    map.info.value_size, fn, arg);
	free(data);
	rsp_policy_map_close(&map);
	return err;
}

/* bytes that the words of the first @nr numbers begin with, up to a '_' */
static size_t rsp_stat_prefix(const struct btf *btf, const struct btf_type *type, __u32 nr)
{
	const char *first = NULL;
	size_t len = 0;

	for (int i = 0; i < btf_vlen(type); i++) {
		const struct btf_enum *entry = &btf_enum(type)[i];
		const char *word = btf__name_by_offset(btf, entry->name_off);
		size_t same = 0;

		/* the number of figures has a name, too */
		if ((__u32)entry->val >= nr)
			continue;
		if (!first) {
			first = word;
			len = strlen(word);
		}
		while (same < len && word[same] == first[same])
			same++;
		len = same;
	}
	while (len && first[len - 1] != '_')
		len--;
	return len;
}

/* name of figure @key of @nr: from the enum, else its number */
static void rsp_stat_name(const struct btf *btf, const struct btf_type *type, __u32 key,
			  __u32 nr, char *name, size_t size)
{
	snprintf(name, size, "%u", key);
	for (int i = 0; type && i < btf_vlen(type); i++) {
		const struct btf_enum *entry = &btf_enum(type)[i];

		if ((__u32)entry->val != key)
			continue;
		snprintf(name, size, "%s", btf__name_by_offset(btf, entry->name_off) +
			 rsp_stat_prefix(btf, type, nr));
		for (char *c = name; *c; c++) {
			if (*c >= 'A' && *c <= 'Z')
				*c += 'a' - 'A';
		}
		return;
	}
}

int rsp_stat_each(const char *name, rsp_stat_fn fn, void *arg)
{
	const struct btf_type *type;
	struct rsp_policy_map map;
	__u64 *values = NULL;
	int nr_cpu = 1, err;
	__s32 id;

	err = rsp_policy_map_open(name, "stats", &map);
	if (err)
		return err;
	if (map.info.value_size != sizeof(__u64) || map.info.key_size != sizeof(__u32)) {
		err = rsp_fail(-EINVAL, "policy %s: map stats does not hold u64 by u32", name);
		goto out_close;
	}
	if (map.info.type == BPF_MAP_TYPE_PERCPU_ARRAY)
		nr_cpu = libbpf_num_possible_cpus();
	values = nr_cpu > 0 ? calloc(nr_cpu, sizeof(*values)) : NULL;
	if (!values) {
		err = rsp_fail(nr_cpu < 0 ? nr_cpu : -ENOMEM, "cannot count the CPUs");
		goto out_close;
	}
	id = btf__find_by_name_kind(map.btf, "rsp_stat", BTF_KIND_ENUM);
	type = id > 0 ? btf__type_by_id(map.btf, id) : NULL;

	for (__u32 key = 0; !err && key < map.info.max_entries; key++) {
		unsigned long long sum = 0;
		char word[64];

		err = bpf_map_lookup_elem(map.fd, &key, values);
		if (err) {
			rsp_fail(err, "policy %s: map stats cannot be read: %s", name,
				 strerror(-err));
			break;
		}
		for (int cpu = 0; cpu < nr_cpu; cpu++)
			sum += values[cpu];
		rsp_stat_name(map.btf, type, key, map.info.max_entries, word, sizeof(word));
		err = fn(word, sum, arg);
	}
out_close:
	free(values);
	rsp_policy_map_close(&map);
	return err;
}
