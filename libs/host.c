// SPDX-License-Identifier: GPL-2.0
/* Is RSP there, and what objects does it have? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "bpf/list.skel.h"

struct rsp_host {
	struct list_bpf	*skel;
	int		nr_user;
};

/* loading takes most of the time of a short command: all users share one */
static struct rsp_host *rsp_host_loaded;

int rsp_check(void)
{
	if (access("/sys/module/rsp", F_OK))
		return rsp_fail(-ENODEV, "rsp.ko is not loaded (modprobe rsp)");
	if (access("/sys/kernel/btf/rsp", F_OK))
		return rsp_fail(-EOPNOTSUPP, "policies are off: rsp.ko has no BTF "
				"(no /sys/kernel/btf/rsp)");
	return 0;
}

/* RSP_LIST_ROWS=1 makes every list one of many runs: for tests */
static struct list_bpf *rsp_host_load(void)
{
	const char *rows = getenv("RSP_LIST_ROWS");
	struct list_bpf *skel = list_bpf__open();
	int err;

	if (!skel)
		return NULL;
	if (rows && atoi(rows) > 0)
		skel->rodata->max_rows = atoi(rows);
	err = list_bpf__load(skel);
	if (err) {
		list_bpf__destroy(skel);
		errno = -err;
		return NULL;
	}
	return skel;
}

struct rsp_host *rsp_host_open(void)
{
	struct rsp_host *host;

	if (rsp_check())
		return NULL;
	if (rsp_host_loaded) {
		rsp_host_loaded->nr_user++;
		return rsp_host_loaded;
	}
	rsp_error_catch();
	host = calloc(1, sizeof(*host));
	if (!host) {
		rsp_fail(-ENOMEM, "out of memory");
		return NULL;
	}
	host->skel = rsp_host_load();
	if (!host->skel) {
		int err = -errno;

		if (err == -EPERM || err == -EACCES)
			rsp_fail(err, "not permitted to load BPF programs (are you root?)");
		else
			rsp_fail_bpf(err, "the list program was not accepted: %s",
				     strerror(-err));
		free(host);
		return NULL;
	}
	host->nr_user = 1;
	rsp_host_loaded = host;
	return host;
}

void rsp_host_close(struct rsp_host *host)
{
	if (!host || --host->nr_user)
		return;
	rsp_host_loaded = NULL;
	list_bpf__destroy(host->skel);
	free(host);
}

static int rsp_host_run(struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err;

	err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	if (!err)
		err = (int)opts.retval;
	if (err)
		return rsp_fail(err, "cannot run %s: %s", bpf_program__name(prog),
				strerror(-err));
	return 0;
}

/* Run @prog until it has no more rows; each run leaves them at @rows. */
static int rsp_host_list(struct rsp_host *host, struct bpf_program *prog, const void *rows,
			 size_t size, void **views)
{
	struct list_bpf__bss *bss = host->skel->bss;
	__u32 nr = 0;
	int err;

	*views = NULL;
	do {
		char *all;

		bss->skip = nr;
		err = rsp_host_run(prog);
		if (err)
			goto err_free;
		if (!bss->nr)
			break;
		all = realloc(*views, (nr + bss->nr) * size);
		if (!all) {
			err = rsp_fail(-ENOMEM, "out of memory");
			goto err_free;
		}
		memcpy(all + nr * size, rows, bss->nr * size);
		nr += bss->nr;
		*views = all;
	} while (bss->more);
	return nr;

err_free:
	free(*views);
	*views = NULL;
	return err;
}

#define RSP_HOST_LIST(what, rows)						\
int rsp_##what##_list(struct rsp_host *host, struct rsp_##what##_view **views)	\
{										\
	return rsp_host_list(host, host->skel->progs.list_##what,		\
			     host->skel->bss->rows, sizeof(**views),		\
			     (void **)views);					\
}

RSP_HOST_LIST(svc, svcs)
RSP_HOST_LIST(peer, peers)
RSP_HOST_LIST(ep, eps)
RSP_HOST_LIST(chan, chans)
RSP_HOST_LIST(rq, rqs)
RSP_HOST_LIST(desc, descs)
RSP_HOST_LIST(cache, caches)
RSP_HOST_LIST(policy, policies)

int rsp_pool_get(struct rsp_host *host, struct rsp_pool_view *view)
{
	int err = rsp_host_run(host->skel->progs.get_pool);

	if (!err)
		*view = host->skel->bss->pool;
	return err;
}
