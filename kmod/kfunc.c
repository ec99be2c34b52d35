// SPDX-License-Identifier: GPL-2.0
/*
 * kfuncs: what BPF programs may ask rsp.ko.
 *
 * Figures of one object by id, iterators over all of a kind, and a policy's way
 * to ask for its own ejection. All hand out copies, take no lock and may be
 * called from hooks, from tracing programs and from SEC("syscall") programs.
 *
 * The _get functions take void memory and its size instead of a typed pointer:
 * the verifier would accept the view a hook was given for the latter, and a
 * policy could have it overwritten.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>

#include <rsp/iter.h>

#include "policy.h"
#include "policy_private.h"

/* a program built with longer views than this kernel's sees zeroes there */
static int rsp_kfunc_copy(void *out, u32 out_size, const void *view, u32 size)
{
	memset(out, 0, out_size);
	memcpy(out, view, min(out_size, size));
	return 0;
}

/* only BPF programs call these; declared for checkers' sake */
int rsp_bpf_svc_get(u32 id, void *out, u32 out__sz);
int rsp_bpf_ep_get(u32 id, void *out, u32 out__sz);
int rsp_bpf_chan_get(u32 id, void *out, u32 out__sz);
int rsp_bpf_rq_get(u32 id, void *out, u32 out__sz);
int rsp_bpf_cache_get(u32 id, void *out, u32 out__sz);
int rsp_bpf_pool_get(void *out, u32 out__sz);
int rsp_bpf_policy_get(u32 family, void *out, u32 out__sz);
int rsp_bpf_policy_exit(s64 code, const char *msg__str);

__bpf_kfunc_start_defs();

/**
 * rsp_bpf_svc_get() - A service's figures
 * @id: its id
 * @out: struct rsp_svc_view of the program
 * @out__sz: sizeof(*@out)
 *
 * Context: Any.
 * Return: 0, or %-ENOENT if there is none with that id.
 */
__bpf_kfunc int rsp_bpf_svc_get(u32 id, void *out, u32 out__sz)
{
	struct rsp_svc_view view;
	u32 pos = id - 1;

	if (!id || !rsp_svc_view_next(&pos, &view) || pos != id)
		return -ENOENT;
	return rsp_kfunc_copy(out, out__sz, &view, sizeof(view));
}

/**
 * rsp_bpf_ep_get() - An endpoint's figures
 * @id: its id
 * @out: struct rsp_ep_view of the program
 * @out__sz: sizeof(*@out)
 *
 * Context: Any.
 * Return: 0, or %-ENOENT if there is none with that id.
 */
__bpf_kfunc int rsp_bpf_ep_get(u32 id, void *out, u32 out__sz)
{
	struct rsp_ep_view view;
	u32 pos = id - 1;

	if (!id || !rsp_ep_view_next(&pos, &view) || pos != id)
		return -ENOENT;
	return rsp_kfunc_copy(out, out__sz, &view, sizeof(view));
}

/**
 * rsp_bpf_chan_get() - A channel's figures
 * @id: its id
 * @out: struct rsp_chan_view of the program
 * @out__sz: sizeof(*@out)
 *
 * Context: Any.
 * Return: 0, or %-ENOENT if there is none with that id.
 */
__bpf_kfunc int rsp_bpf_chan_get(u32 id, void *out, u32 out__sz)
{
	struct rsp_chan_view view;
	u32 pos = id - 1;

	if (!id || !rsp_chan_view_next(&pos, &view) || pos != id)
		return -ENOENT;
	return rsp_kfunc_copy(out, out__sz, &view, sizeof(view));
}

/**
 * rsp_bpf_rq_get() - A receive queue's figures
 * @id: its id
 * @out: struct rsp_rq_view of the program
 * @out__sz: sizeof(*@out)
 *
 * Context: Any.
 * Return: 0, or %-ENOENT if there is none with that id.
 */
__bpf_kfunc int rsp_bpf_rq_get(u32 id, void *out, u32 out__sz)
{
	struct rsp_rq_view view;
	u32 pos = id - 1;

	if (!id || !rsp_rq_view_next(&pos, &view) || pos != id)
		return -ENOENT;
	return rsp_kfunc_copy(out, out__sz, &view, sizeof(view));
}

/**
 * rsp_bpf_cache_get() - A block cache's figures
 * @id: its id
 * @out: struct rsp_cache_view of the program
 * @out__sz: sizeof(*@out)
 *
 * Context: Any.
 * Return: 0, or %-ENOENT if there is none with that id.
 */
__bpf_kfunc int rsp_bpf_cache_get(u32 id, void *out, u32 out__sz)
{
	struct rsp_cache_view view;
	u32 pos = id - 1;

	if (!id || !rsp_cache_view_next(&pos, &view) || pos != id)
		return -ENOENT;
	return rsp_kfunc_copy(out, out__sz, &view, sizeof(view));
}

/**
 * rsp_bpf_pool_get() - The pool's figures
 * @out: struct rsp_pool_view of the program
 * @out__sz: sizeof(*@out)
 *
 * Context: Any.
 * Return: 0
 */
__bpf_kfunc int rsp_bpf_pool_get(void *out, u32 out__sz)
{
	struct rsp_pool_view view = {};

	rsp_pool_view_get(&view);
	return rsp_kfunc_copy(out, out__sz, &view, sizeof(view));
}

/**
 * rsp_bpf_policy_get() - The active policy of a family
 * @family: enum rsp_family
 * @out: struct rsp_policy_view of the program
 * @out__sz: sizeof(*@out)
 *
 * Context: Any.
 * Return: 0, or %-EINVAL if there is no such family.
 */
__bpf_kfunc int rsp_bpf_policy_get(u32 family, void *out, u32 out__sz)
{
	struct rsp_policy_view view;
	int err;

	err = rsp_policy_view_active(family, &view);
	return err ?: rsp_kfunc_copy(out, out__sz, &view, sizeof(view));
}

/**
 * rsp_bpf_policy_exit() - Ask for this policy's ejection
 * @code: number to keep
 * @msg__str: text to keep, 63 characters of it; a constant string
 *
 * For the hooks of RSP's own families. The policy below takes over soon after;
 * until then hooks of this one may still be called. Called in init, it makes
 * the registration fail with %-ECANCELED.
 *
 * Context: Any.
 * Return: 0, or %-EINVAL when no policy runs here.
 */
__bpf_kfunc int rsp_bpf_policy_exit(s64 code, const char *msg__str)
{
	struct rsp_policy *policy = this_cpu_read(rsp_policy_running);

	if (!policy)
		return -EINVAL;
	rsp_policy_doom(policy, RSP_EXIT_SELF, code, "%s", msg__str);
	return 0;
}

/*
 * The iterators of one kind: new, next, destroy. The position comes first, the
 * copy of the view behind it, all of it on the program's stack.
 *
 * next returns a type of its own: the verifier lets a policy write priv[] of its
 * views, and goes on trusting the pointer when the iterator is gone and its part
 * of the stack holds something else.
 */
#define RSP_KFUNC_ITER(_what, _pos)							\
struct rsp_##_what##_copy {								\
	struct rsp_##_what##_view view;							\
};											\
struct rsp_##_what##_iter {								\
	_pos			pos;							\
	struct rsp_##_what##_copy copy __aligned(8);					\
};											\
int bpf_iter_rsp_##_what##_new(struct bpf_iter_rsp_##_what *it);			\
struct rsp_##_what##_copy *								\
bpf_iter_rsp_##_what##_next(struct bpf_iter_rsp_##_what *it);				\
void bpf_iter_rsp_##_what##_destroy(struct bpf_iter_rsp_##_what *it);			\
__bpf_kfunc int bpf_iter_rsp_##_what##_new(struct bpf_iter_rsp_##_what *it)		\
{											\
	BUILD_BUG_ON(sizeof(struct rsp_##_what##_iter) > sizeof(*it));			\
	memset(it, 0, sizeof(*it));							\
	return 0;									\
}											\
__bpf_kfunc struct rsp_##_what##_copy *							\
bpf_iter_rsp_##_what##_next(struct bpf_iter_rsp_##_what *it)				\
{											\
	struct rsp_##_what##_iter *iter = (void *)it;					\
											\
	return rsp_##_what##_view_next(&iter->pos, &iter->copy.view) ? &iter->copy :	\
								       NULL;		\
}											\
__bpf_kfunc void bpf_iter_rsp_##_what##_destroy(struct bpf_iter_rsp_##_what *it)	\
{											\
}

RSP_KFUNC_ITER(svc, u32)
RSP_KFUNC_ITER(peer, u32)
RSP_KFUNC_ITER(ep, u32)
RSP_KFUNC_ITER(chan, u32)
RSP_KFUNC_ITER(rq, u32)
RSP_KFUNC_ITER(desc, u32)
RSP_KFUNC_ITER(cache, u32)
RSP_KFUNC_ITER(policy, u64)

__bpf_kfunc_end_defs();

#define RSP_KFUNC_ITER_FLAGS(_what)							\
	BTF_ID_FLAGS(func, bpf_iter_rsp_##_what##_new, KF_ITER_NEW)			\
	BTF_ID_FLAGS(func, bpf_iter_rsp_##_what##_next, KF_ITER_NEXT | KF_RET_NULL)	\
	BTF_ID_FLAGS(func, bpf_iter_rsp_##_what##_destroy, KF_ITER_DESTROY)

#define RSP_KFUNC_READ_FLAGS								\
	BTF_ID_FLAGS(func, rsp_bpf_svc_get)						\
	BTF_ID_FLAGS(func, rsp_bpf_ep_get)						\
	BTF_ID_FLAGS(func, rsp_bpf_chan_get)						\
	BTF_ID_FLAGS(func, rsp_bpf_rq_get)						\
	BTF_ID_FLAGS(func, rsp_bpf_cache_get)						\
	BTF_ID_FLAGS(func, rsp_bpf_pool_get)						\
	BTF_ID_FLAGS(func, rsp_bpf_policy_get)						\
	RSP_KFUNC_ITER_FLAGS(svc)							\
	RSP_KFUNC_ITER_FLAGS(peer)							\
	RSP_KFUNC_ITER_FLAGS(ep)							\
	RSP_KFUNC_ITER_FLAGS(chan)							\
	RSP_KFUNC_ITER_FLAGS(rq)							\
	RSP_KFUNC_ITER_FLAGS(desc)							\
	RSP_KFUNC_ITER_FLAGS(cache)							\
	RSP_KFUNC_ITER_FLAGS(policy)

/* observers and tools only look */
BTF_KFUNCS_START(rsp_kfunc_read_ids)
RSP_KFUNC_READ_FLAGS
BTF_KFUNCS_END(rsp_kfunc_read_ids)

BTF_KFUNCS_START(rsp_kfunc_hook_ids)
RSP_KFUNC_READ_FLAGS
BTF_ID_FLAGS(func, rsp_bpf_policy_exit)
BTF_KFUNCS_END(rsp_kfunc_hook_ids)

static const struct btf_kfunc_id_set rsp_kfunc_read_set = {
	.owner	= THIS_MODULE,
	.set	= &rsp_kfunc_read_ids,
};

/* not for other subsystems' struct_ops programs: one could end a policy it interrupts */
static int rsp_kfunc_filter(const struct bpf_prog *prog, u32 kfunc_id)
{
	if (prog->type != BPF_PROG_TYPE_STRUCT_OPS)
		return 0;
	return rsp_policy_ops_has_prog(prog) ? 0 : -EACCES;
}

static const struct btf_kfunc_id_set rsp_kfunc_hook_set = {
	.owner	= THIS_MODULE,
	.set	= &rsp_kfunc_hook_ids,
	.filter	= rsp_kfunc_filter,
};

int rsp_kfunc_register(void)
{
	int err;

	err = register_btf_kfunc_id_set(BPF_PROG_TYPE_STRUCT_OPS, &rsp_kfunc_hook_set);
	if (!err)
		err = register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL, &rsp_kfunc_read_set);
	if (!err)
		err = register_btf_kfunc_id_set(BPF_PROG_TYPE_TRACING, &rsp_kfunc_read_set);
	return err;
}
