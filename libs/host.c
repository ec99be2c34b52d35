// SPDX-License-Identifier: GPL-2.0
/* Is RSP there, and what objects does it have? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "../bpf/list_call.h"
#include "bpf/list_svc.skel.h"
#include "bpf/list_peer.skel.h"
#include "bpf/list_ep.skel.h"
#include "bpf/list_chan.skel.h"
#include "bpf/list_rq.skel.h"
#include "bpf/list_desc.skel.h"
#include "bpf/list_cache.skel.h"
#include "bpf/list_policy.skel.h"
#include "bpf/list_pool.skel.h"

/* programs are loaded when they are asked for: that takes most of the time of a short command */
struct rsp_host {
	struct list_svc_bpf	*svc;
	struct list_peer_bpf	*peer;
	struct list_ep_bpf	*ep;
	struct list_chan_bpf	*chan;
	struct list_rq_bpf	*rq;
	struct list_desc_bpf	*desc;
	struct list_cache_bpf	*cache;
	struct list_policy_bpf	*policy;
	struct list_pool_bpf	*pool;
	struct rsp_btf		btf;
	int			prog_handler;
	int			nr_user;
};

/* all users share one */
static struct rsp_host *rsp_host_opened;

int rsp_check(void)
{
	if (access("/sys/module/rsp", F_OK))
		return rsp_fail(-ENODEV, "rsp.ko is not loaded (modprobe rsp)");
	if (access("/sys/kernel/btf/rsp", F_OK))
		return rsp_fail(-EOPNOTSUPP, "policies are off: rsp.ko has no BTF "
				"(no /sys/kernel/btf/rsp)");
	return 0;
}

static int rsp_host_refused(const char *what, int err)
{
	if (err == -EPERM || err == -EACCES)
		return rsp_fail(err, "not permitted to load BPF programs (are you root?)");
	return rsp_fail_bpf(err, "%s: %s", what, strerror(-err));
}

/* the program of a list was not loaded */
static int rsp_host_unloaded(const char *what, int err)
{
	if (err == -ENOENT)
		return rsp_fail(err, "%s: rsp.ko has no such list; load the one that came with this rspctl",
				what);
	if (err == -ENXIO)
		return rsp_fail(err, "%s: rsp.ko was loaded anew meanwhile; try again", what);
	return rsp_host_refused(what, err);
}

static int rsp_host_kfunc(const char *what, __s32 call)
{
	static const char * const names[] = {
		[LIST_CALL_NEW - LIST_CALL_NEW]		= "bpf_iter_rsp_%s_new",
		[LIST_CALL_NEXT - LIST_CALL_NEW]	= "bpf_iter_rsp_%s_next",
		[LIST_CALL_DESTROY - LIST_CALL_NEW]	= "bpf_iter_rsp_%s_destroy",
		[LIST_CALL_GET - LIST_CALL_NEW]		= "rsp_bpf_%s_get",
	};
	char name[64];

	snprintf(name, sizeof(name), names[call - LIST_CALL_NEW], what);
	return rsp_btf_find(&rsp_host_opened->btf, name, BTF_KIND_FUNC, NULL);
}

/* libbpf asks before it loads a list program: its calls get the numbers of rsp.ko's functions */
static int rsp_host_prepare(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	static int fds[2];	/* a call's off is the place of a module's BTF, 0 is the kernel's */
	size_t nr = bpf_program__insn_cnt(prog);
	struct bpf_insn *insns = malloc(nr * sizeof(*insns));
	int err = 0;

	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(prog), nr * sizeof(*insns));
	for (size_t i = 0; i < nr; i++) {
		struct bpf_insn *insn = &insns[i];
		int id;

		if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg ||
		    insn->imm < LIST_CALL_NEW || insn->imm > LIST_CALL_GET)
			continue;
		id = rsp_host_kfunc(bpf_program__name(prog) + strlen("list_"), insn->imm);
		if (id < 0) {
			err = id;
			break;
		}
		insn->src_reg = BPF_PSEUDO_KFUNC_CALL;
		insn->imm = id;
		insn->off = 1;
	}
	if (!err)
		err = bpf_program__set_insns(prog, insns, nr);
	free(insns);
	fds[1] = rsp_host_opened->btf.fd;
	opts->fd_array = fds;
	opts->prog_flags |= BPF_F_SLEEPABLE;
	return err;
}

struct rsp_host *rsp_host_open(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = rsp_host_prepare);
	struct rsp_host *host;
	int err;

	if (rsp_check())
		return NULL;
	if (rsp_host_opened) {
		rsp_host_opened->nr_user++;
		return rsp_host_opened;
	}
	rsp_error_catch();
	host = calloc(1, sizeof(*host));
	if (!host) {
		rsp_fail(-ENOMEM, "out of memory");
		return NULL;
	}
	err = rsp_btf_load(&host->btf);
	if (err) {
		rsp_host_refused("the BTF of rsp.ko cannot be read", err);
		goto err_free;
	}
	host->prog_handler = libbpf_register_prog_handler("rsp_list", BPF_PROG_TYPE_SYSCALL, 0, &opts);
	if (host->prog_handler < 0) {
		rsp_host_refused("libbpf takes no list programs", host->prog_handler);
		goto err_free_btf;
	}
	host->nr_user = 1;
	rsp_host_opened = host;
	return host;

err_free_btf:
	rsp_btf_free(&host->btf);
err_free:
	free(host);
	return NULL;
}

void rsp_host_close(struct rsp_host *host)
{
	if (!host || --host->nr_user)
		return;
	rsp_host_opened = NULL;
	list_svc_bpf__destroy(host->svc);
	list_peer_bpf__destroy(host->peer);
	list_ep_bpf__destroy(host->ep);
	list_chan_bpf__destroy(host->chan);
	list_rq_bpf__destroy(host->rq);
	list_desc_bpf__destroy(host->desc);
	list_cache_bpf__destroy(host->cache);
	list_policy_bpf__destroy(host->policy);
	list_pool_bpf__destroy(host->pool);
	libbpf_unregister_prog_handler(host->prog_handler);
	rsp_btf_free(&host->btf);
	free(host);
}

/* RSP_LIST_ROWS=1 makes every list one of many runs: for tests */
static __u32 rsp_host_max_rows(__u32 max)
{
	const char *rows = getenv("RSP_LIST_ROWS");

	return rows && atoi(rows) > 0 ? (__u32)atoi(rows) : max;
}

static __u32 rsp_host_view_size(const char *view)
{
	__u32 size;

	/* there is none: its functions are not there either, and the program will be refused */
	return rsp_btf_find(&rsp_host_opened->btf, view, BTF_KIND_STRUCT, &size) < 0 ? 1 : size;
}

static int rsp_host_run(const struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err;

	err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	if (!err)
		err = (int)opts.retval;
	if (err)
		return rsp_fail(err, "cannot run %s: %s", bpf_program__name(prog), strerror(-err));
	return 0;
}

/* Add @nr rows of a run to the @had of those before. Return: how many there are then */
static int rsp_host_add(void **views, __u32 had, const void *rows, __u32 nr, size_t size)
{
	char *all;

	if (!nr)
		return had;
	all = realloc(*views, (had + nr) * size);
	if (!all)
		return rsp_fail(-ENOMEM, "out of memory");
	memcpy(all + had * size, rows, nr * size);
	*views = all;
	return had + nr;
}

/* Load the program of a kind; @knobs are statements that set its constants */
#define RSP_HOST_LOAD(what, knobs)						\
static int rsp_host_load_##what(struct rsp_host *host)				\
{										\
	struct list_##what##_bpf *skel;						\
	int err;								\
										\
	rsp_error_catch();							\
	skel = list_##what##_bpf__open();					\
	if (!skel)								\
		return rsp_host_refused("list_" #what " cannot be opened", -errno);\
	knobs									\
	err = list_##what##_bpf__load(skel);					\
	if (err) {								\
		list_##what##_bpf__destroy(skel);				\
		return rsp_host_unloaded("list_" #what " was not accepted", err);	\
	}									\
	host->what = skel;							\
	return 0;								\
}

/* Run the program of a kind until it has no more rows: each run leaves them in its bss. */
#define RSP_HOST_LIST(what)							\
RSP_HOST_LOAD(what,								\
	skel->rodata->max_rows = rsp_host_max_rows(skel->rodata->max_rows);	\
	skel->rodata->view_size = rsp_host_view_size("rsp_" #what "_view");)	\
										\
int rsp_##what##_list(struct rsp_host *host, struct rsp_##what##_view **views)	\
{										\
	struct list_##what##_bpf *skel;						\
	int nr = 0, err = 0;							\
	void *all = NULL;							\
										\
	*views = NULL;								\
	if (!host->what)							\
		err = rsp_host_load_##what(host);				\
	skel = host->what;							\
	while (!err) {								\
		skel->bss->skip = nr;						\
		err = rsp_host_run(skel->progs.list_##what);			\
		if (err)							\
			break;							\
		nr = rsp_host_add(&all, nr, skel->bss->rows, skel->bss->nr,	\
				  sizeof(**views));				\
		err = nr < 0 ? nr : 0;						\
		if (!skel->bss->nr || !skel->bss->more)				\
			break;							\
	}									\
	if (err) {								\
		free(all);							\
		return err;							\
	}									\
	*views = all;								\
	return nr;								\
}

RSP_HOST_LIST(svc)
RSP_HOST_LIST(peer)
RSP_HOST_LIST(ep)
RSP_HOST_LIST(chan)
RSP_HOST_LIST(rq)
RSP_HOST_LIST(desc)
RSP_HOST_LIST(cache)
RSP_HOST_LIST(policy)

RSP_HOST_LOAD(pool,)

int rsp_pool_get(struct rsp_host *host, struct rsp_pool_view *view)
{
	int err = host->pool ? 0 : rsp_host_load_pool(host);

	if (!err)
		err = rsp_host_run(host->pool->progs.list_pool);
	if (!err)
		*view = host->pool->bss->pool;
	return err;
}
