// SPDX-License-Identifier: GPL-2.0
/* Observers: switched on they are links and maps in bpffs, nothing else. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "bpf/observe.skel.h"

#define RSP_PIN_LINKS	RSP_PIN_OBSERVE "/links"

bool rsp_observe_is_on(void)
{
	return rsp_pin_exists(RSP_PIN_LINKS);
}

/* services that registered before anyone observed: events on channels carry no name */
static int rsp_observe_seed(struct observe_bpf *skel, struct rsp_host *host)
{
	struct rsp_svc_view *svcs;
	int nr, err = 0;

	nr = rsp_svc_list(host, &svcs);
	if (nr < 0)
		return nr;
	for (int i = 0; !err && i < nr; i++) {
		struct rsp_obs_svc obs = { .max_held_bytes = svcs[i].held_bytes };

		memcpy(obs.name, svcs[i].name, sizeof(obs.name));
		err = bpf_map__update_elem(skel->maps.svc, &svcs[i].id, sizeof(svcs[i].id),
					   &obs, sizeof(obs), BPF_ANY);
		if (err)
			rsp_fail(err, "cannot fill the map of services: %s", strerror(-err));
	}
	free(svcs);
	return err;
}

static int rsp_observe_pin(struct observe_bpf *skel)
{
	const struct bpf_object_skeleton *s = skel->skeleton;
	struct bpf_map *map;
	char path[256];
	int err;

	err = rsp_pin_mkdir(RSP_PIN_LINKS);
	bpf_object__for_each_map(map, skel->obj) {
		/* .rodata and the like are no figures */
		if (err || strchr(bpf_map__name(map), '.'))
			continue;
		err = rsp_pin_path(path, sizeof(path), RSP_PIN_OBSERVE, bpf_map__name(map)) ?:
		      rsp_pin_fd(bpf_map__fd(map), path);
	}
	for (int i = 0; !err && i < s->prog_cnt; i++) {
		/* entries are as long as the bpftool that wrote the skeleton made them */
		const struct bpf_prog_skeleton *prog =
			(void *)((char *)s->progs + i * s->prog_skel_sz);

		err = rsp_pin_path(path, sizeof(path), RSP_PIN_LINKS, prog->name) ?:
		      rsp_pin_fd(bpf_link__fd(*prog->link), path);
	}
	return err;
}

int rsp_observe_on(struct rsp_host *host, unsigned long long slow_ns)
{
	struct observe_bpf *skel;
	int err;

	if (rsp_observe_is_on())
		return rsp_fail(-EEXIST, "the observers are on already");
	rsp_error_catch();
	skel = observe_bpf__open();
	if (!skel)
		return rsp_fail_bpf(-errno, "the observers are no BPF object: %s", strerror(errno));
	skel->rodata->slow_ns = slow_ns;
	err = observe_bpf__load(skel);
	if (err) {
		rsp_fail_bpf(err, "the observers were not accepted: %s", strerror(-err));
		goto out_destroy;
	}
	err = rsp_observe_seed(skel, host);
	if (err)
		goto out_destroy;
	err = observe_bpf__attach(skel);
	if (err) {
		rsp_fail_bpf(err, "the observers cannot be attached: %s", strerror(-err));
		goto out_destroy;
	}
	err = rsp_observe_pin(skel);
	if (err) {
		char *text = strdup(rsp_error());

		rsp_pin_rmdir(RSP_PIN_OBSERVE);
		rsp_fail(err, "%s", text ?: "out of memory");
		free(text);
	}
out_destroy:
	/* what is pinned stays */
	observe_bpf__destroy(skel);
	return err;
}

int rsp_observe_off(void)
{
	if (!rsp_observe_is_on())
		return rsp_fail(-ENOENT, "the observers are off");
	return rsp_pin_rmdir(RSP_PIN_OBSERVE);
}

static int rsp_observe_compare(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return x < y ? -1 : x > y;
}

/* Keys come first and are sorted; an entry that goes meanwhile is left out. */
static int rsp_observe_read(int fd, const struct bpf_map_info *info, __u32 *keys, char *values)
{
	__u32 nr = 0, found = 0;
	__u32 *at = NULL;

	while (nr < info->max_entries && !bpf_map_get_next_key(fd, at, &keys[nr]))
		at = &keys[nr++];
	if (nr)
		qsort(keys, nr, sizeof(*keys), rsp_observe_compare);
	for (__u32 i = 0; i < nr; i++) {
		keys[found] = keys[i];
		/* the walk starts anew when its entry goes: no key twice */
		if (found && keys[found] == keys[found - 1])
			continue;
		if (!bpf_map_lookup_elem(fd, &keys[i], values + found * info->value_size))
			found++;
	}
	return found;
}

static int rsp_observe_map(const char *name, __u32 **keys, void **values)
{
	static const struct {
		const char	*name;
		size_t		size;
	} maps[] = {
		{ "svc", sizeof(struct rsp_obs_svc) },
		{ "chan", sizeof(struct rsp_obs_chan) },
		{ "ep", sizeof(struct rsp_obs_ep) },
		{ "rq", sizeof(struct rsp_obs_rq) },
		{ "desc", sizeof(struct rsp_obs_desc) },
		{ "cache", sizeof(struct rsp_obs_cache) },
		{ "keys", sizeof(struct rsp_obs_keys) },
		{ "slow", sizeof(struct rsp_obs_slow) },
		{ "pool", sizeof(struct rsp_obs_pool) },
		{ "policy", sizeof(struct rsp_obs_policy) },
	};
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	size_t size = 0;
	char path[256];
	int fd, err;

	*keys = NULL;
	*values = NULL;
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		if (!strcmp(maps[i].name, name))
			size = maps[i].size;
	}
	if (!size)
		return rsp_fail(-EINVAL, "the observers have no map %s", name);
	if (!rsp_observe_is_on())
		return rsp_fail(-ENOENT, "the observers are off (rspctl observe on)");
	err = rsp_pin_path(path, sizeof(path), RSP_PIN_OBSERVE, name);
	if (err)
		return err;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return rsp_fail(fd, "cannot open %s: %s", path, strerror(-fd));
	err = bpf_map_get_info_by_fd(fd, &info, &len);
	if (err) {
		rsp_fail(err, "cannot read %s: %s", path, strerror(-err));
		goto out_close;
	}
	if (info.value_size != size || info.key_size != sizeof(__u32)) {
		err = rsp_fail(-EPROTO, "%s is of another version of RSP: switch the observers "
			       "off and on", path);
		goto out_close;
	}
	*keys = calloc(info.max_entries, sizeof(**keys));
	*values = calloc(info.max_entries, size);
	if (!*keys || !*values) {
		free(*keys);
		free(*values);
		*keys = NULL;
		*values = NULL;
		err = rsp_fail(-ENOMEM, "out of memory");
		goto out_close;
	}
	err = rsp_observe_read(fd, &info, *keys, *values);
out_close:
	close(fd);
	return err;
}

static void rsp_observe_io_add(struct rsp_obs_io *to, const struct rsp_obs_io *from)
{
	__u64 lat_max = from->lat_max_ns > to->lat_max_ns ? from->lat_max_ns : to->lat_max_ns;
	__u64 stall_max = from->stall_max_ns > to->stall_max_ns ? from->stall_max_ns :
			  to->stall_max_ns;
	const __u64 *f = (const __u64 *)from;
	__u64 *t = (__u64 *)to;

	for (size_t i = 0; i < sizeof(*to) / sizeof(*t); i++)
		t[i] += f[i];
	to->lat_max_ns = lat_max;
	to->stall_max_ns = stall_max;
}

struct rsp_observe_chans {
	__u32			*ids;
	struct rsp_obs_chan	*chans;
	int			nr;		/* or a negative errno */
};

static void rsp_observe_chans_read(struct rsp_observe_chans *all)
{
	all->nr = rsp_observe_map("chan", &all->ids, (void **)&all->chans);
}

static void rsp_observe_chans_free(struct rsp_observe_chans *all)
{
	free(all->ids);
	free(all->chans);
}

/* of those that are folded, another one if they are others. Return: 0 while one is being folded */
static __u64 rsp_observe_chans_sign(const struct rsp_observe_chans *all)
{
	__u64 sign = 1;

	for (int c = 0; c < all->nr; c++) {
		if (all->chans[c].is_folded == RSP_OBS_FOLDING)
			return 0;
		if (all->chans[c].is_folded)
			sign += all->ids[c] * 0x9e3779b97f4a7c15ULL;
	}
	return sign;
}

/* a channel counts for its service and endpoint, too: add what is not in their entries yet */
static void rsp_observe_add_chans(const char *name, const __u32 *keys, void *values, int nr,
				  const struct rsp_observe_chans *all)
{
	const struct rsp_obs_chan *chans = all->chans;
	bool is_svc = !strcmp(name, "svc");

	for (int c = 0; c < all->nr; c++) {
		__u32 id = is_svc ? chans[c].svc_id : chans[c].ep_id;

		for (int i = 0; !chans[c].is_folded && i < nr; i++) {
			if (keys[i] != id)
				continue;
			rsp_observe_io_add(is_svc ? &((struct rsp_obs_svc *)values)[i].io :
					   &((struct rsp_obs_ep *)values)[i].io, &chans[c].io);
			break;
		}
	}
}

int rsp_observe_list(const char *name, __u32 **keys, void **values)
{
	struct rsp_observe_chans before, after;
	bool is_same = false;
	int nr;

	if (strcmp(name, "svc") && strcmp(name, "ep"))
		return rsp_observe_map(name, keys, values);
	/* a channel that is folded meanwhile would be in both, or in none */
	for (int tries = 0; ; tries++) {
		rsp_observe_chans_read(&before);
		nr = rsp_observe_map(name, keys, values);
		rsp_observe_chans_read(&after);
		if (before.nr >= 0 && after.nr >= 0)
			is_same = rsp_observe_chans_sign(&before) &&
				  rsp_observe_chans_sign(&before) == rsp_observe_chans_sign(&after);
		else if (nr >= 0)
			nr = before.nr < 0 ? before.nr : after.nr;
		if (is_same || nr < 0 || tries == 4)
			break;
		rsp_observe_chans_free(&before);
		rsp_observe_chans_free(&after);
		free(*keys);
		free(*values);
	}
	if (nr >= 0)
		rsp_observe_add_chans(name, *keys, *values, nr, &before);
	rsp_observe_chans_free(&before);
	rsp_observe_chans_free(&after);
	if (nr < 0) {
		free(*keys);
		free(*values);
		*keys = NULL;
		*values = NULL;
	}
	return nr;
}

__u64 rsp_observe_percentile(const __u64 *steps, double percent)
{
	__u64 all = 0, sum = 0;
	int step;

	for (step = 0; step < RSP_OBS_NR_STEP; step++)
		all += steps[step];
	if (!all)
		return 0;
	for (step = 0; step < RSP_OBS_NR_STEP - 1; step++) {
		sum += steps[step];
		if (sum && (double)sum >= all * percent / 100)
			break;
	}
	return (2ULL << step) - 1;
}
