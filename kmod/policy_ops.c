// SPDX-License-Identifier: GPL-2.0
/*
 * The BPF types of the policy families: what the verifier lets a policy do, and
 * how its ops struct comes in and goes.
 *
 * A hook's arguments are trusted pointers into RSP's objects. A program reads
 * all of a view and writes priv[] of the views of its own family, nothing else.
 */
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/ctype.h>
#include <linux/filter.h>
#include <linux/module.h>

#include <rsp/ops.h>

#include "policy.h"
#include "policy_private.h"

/*
 * A range of a view that a family may write. Which BTF type the view is shows
 * the family's own ops struct: an argument of one of its members. Types
 * cannot be looked up by name from a module.
 */
struct rsp_policy_write {
	u32		member;		/* offset in the ops struct */
	u32		start;
	u32		end;
	const char	*view;
	u32		arg;		/* which of the member's */
	u32		type_id;	/* found when the first program is checked */
};

#define RSP_POLICY_WRITE(_ops, _member, _view, _arg) {			\
	.member	= offsetof(struct _ops, _member),			\
	.start	= offsetof(struct _view, priv),				\
	.end	= offsetofend(struct _view, priv),			\
	.view	= #_view,						\
	.arg	= _arg,							\
}

#define RSP_POLICY_NR_WRITE	2

static struct rsp_policy_write rsp_policy_writes[RSP_NR_FAMILY][RSP_POLICY_NR_WRITE] = {
	[RSP_FAMILY_BUF] = {
		RSP_POLICY_WRITE(rsp_buf_ops, admit, rsp_svc_view, 0),
		RSP_POLICY_WRITE(rsp_buf_ops, recv_depth, rsp_rq_view, 0),
	},
	[RSP_FAMILY_EP] = {
		RSP_POLICY_WRITE(rsp_ep_ops, ep_up, rsp_ep_view, 0),
	},
	[RSP_FAMILY_FLOW] = {
		RSP_POLICY_WRITE(rsp_flow_ops, chan_open, rsp_chan_view, 0),
	},
	[RSP_FAMILY_CACHE] = {
		RSP_POLICY_WRITE(rsp_cache_ops, admit, rsp_cache_view, 0),
		RSP_POLICY_WRITE(rsp_cache_ops, insert, rsp_block_view, 1),
	},
};

/* this module's BTF, valid as long as a program or map can use our types */
static const struct btf *rsp_policy_btf;

/* -------------------------------------------------------- for the verifier -- */

static u32 rsp_policy_arg_type(const struct btf_member *member, u32 arg)
{
	const struct btf_type *type;

	type = btf_type_by_id(rsp_policy_btf, member->type);	/* pointer to function */
	if (!type || !btf_type_is_ptr(type))
		return 0;
	type = btf_type_by_id(rsp_policy_btf, type->type);	/* its prototype */
	if (!type || !btf_type_is_func_proto(type) || btf_type_vlen(type) <= arg)
		return 0;
	type = btf_type_by_id(rsp_policy_btf, btf_params(type)[arg].type);
	if (!type || !btf_type_is_ptr(type))
		return 0;
	return type->type;
}

static int rsp_policy_check_member(enum rsp_family family, const struct btf_type *type,
				   const struct bpf_prog *prog)
{
	const struct btf_member *member;
	u32 i, j;

	/* every hook runs with preemption disabled */
	if (prog->sleepable)
		return -EINVAL;
	for_each_member(i, type, member) {
		for (j = 0; j < RSP_POLICY_NR_WRITE; j++) {
			struct rsp_policy_write *range = &rsp_policy_writes[family][j];

			if (range->view &&
			    __btf_member_bit_offset(type, member) / 8 == range->member)
				WRITE_ONCE(range->type_id, rsp_policy_arg_type(member,
									range->arg));
		}
	}
	return 0;
}

static int rsp_policy_struct_access(enum rsp_family family, struct bpf_verifier_log *log,
				    const struct bpf_reg_state *reg, int off, int size)
{
	int i;

	for (i = 0; i < RSP_POLICY_NR_WRITE; i++) {
		const struct rsp_policy_write *range = &rsp_policy_writes[family][i];

		if (!range->type_id || reg->btf != rsp_policy_btf ||
		    reg->btf_id != range->type_id)
			continue;
		if (off >= range->start && off + size <= range->end)
			return 0;
		bpf_log(log, "rsp: %s is writable from %u to %u only, not %d bytes at %d\n",
			range->view, range->start, range->end, size, off);
		return -EACCES;
	}
	bpf_log(log, "rsp: %s policies cannot write to this type\n",
		rsp_policy_layout[family].word);
	return -EACCES;
}

static bool rsp_policy_is_valid_access(int off, int size, enum bpf_access_type type,
				       const struct bpf_prog *prog,
				       struct bpf_insn_access_aux *info)
{
	return bpf_tracing_btf_ctx_access(off, size, type, prog, info);
}

/*
 * 6.12's verifier takes a trusted pointer as the memory a helper writes to and
 * checks it as if the helper only read (check_helper_mem_access()). With such a
 * helper a policy could overwrite a view, so it gets none of them.
 */
static bool rsp_policy_helper_writes(const struct bpf_func_proto *proto)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(proto->arg_type); i++) {
		switch (base_type(proto->arg_type[i])) {
		case ARG_PTR_TO_MEM:
		case ARG_PTR_TO_MAP_VALUE:
			if (proto->arg_type[i] & (MEM_UNINIT | MEM_WRITE))
				return true;
		}
	}
	return false;
}

static const struct bpf_func_proto *
rsp_policy_func_proto(enum bpf_func_id func_id, const struct bpf_prog *prog)
{
	const struct bpf_func_proto *proto = bpf_base_func_proto(func_id, prog);

	return proto && !rsp_policy_helper_writes(proto) ? proto : NULL;
}

/* ------------------------------------------------------------- ops structs -- */

static bool rsp_policy_name_is_good(const char *name)
{
	size_t i, len = strnlen(name, RSP_NAME_LEN);

	if (!len || len == RSP_NAME_LEN || !strcmp(name, "builtin"))
		return false;
	for (i = 0; i < len; i++)
		if (!isgraph(name[i]) || name[i] == '"' || name[i] == '\\')
			return false;
	/* what follows the end is shown to nobody, but copied */
	return !memchr_inv(name + len, 0, RSP_NAME_LEN - len);
}

static int rsp_policy_init_member(enum rsp_family family, const struct btf_type *type,
				  const struct btf_member *member, void *kdata,
				  const void *udata)
{
	const struct rsp_policy_layout *layout = &rsp_policy_layout[family];
	u32 off = __btf_member_bit_offset(type, member) / 8;

	if (off == layout->name) {
		if (!rsp_policy_name_is_good(udata + off))
			return -EINVAL;
		memcpy(kdata + off, udata + off, RSP_NAME_LEN);
		return 1;
	}
	if (off == layout->stall_ms) {
		*(u32 *)(kdata + off) = *(const u32 *)(udata + off);
		return 1;
	}
	return 0;
}

static int rsp_policy_btf_init(struct btf *btf)
{
	rsp_policy_btf = btf;
	return 0;
}

/* ---------------------------------------------- one set of these per family -- */

#define RSP_POLICY_FAMILY(_word, _family)						\
static int rsp_##_word##_ops_check_member(const struct btf_type *type,			\
					  const struct btf_member *member,		\
					  const struct bpf_prog *prog)			\
{											\
	return rsp_policy_check_member(_family, type, prog);				\
}											\
static int rsp_##_word##_ops_init_member(const struct btf_type *type,			\
					 const struct btf_member *member, void *kdata,	\
					 const void *udata)				\
{											\
	return rsp_policy_init_member(_family, type, member, kdata, udata);		\
}											\
static int rsp_##_word##_ops_struct_access(struct bpf_verifier_log *log,		\
					   const struct bpf_reg_state *reg, int off,	\
					   int size)					\
{											\
	return rsp_policy_struct_access(_family, log, reg, off, size);			\
}											\
static int rsp_##_word##_ops_reg(void *kdata, struct bpf_link *link)			\
{											\
	return rsp_policy_register(_family, kdata, link);				\
}											\
static void rsp_##_word##_ops_unreg(void *kdata, struct bpf_link *link)			\
{											\
	rsp_policy_unregister(_family, kdata, link);					\
}											\
static int rsp_##_word##_ops_update(void *kdata, void *old_kdata,			\
				    struct bpf_link *link)				\
{											\
	return rsp_policy_update(_family, kdata, old_kdata, link);			\
}											\
static const struct bpf_verifier_ops rsp_##_word##_verifier_ops = {			\
	.get_func_proto		= rsp_policy_func_proto,				\
	.is_valid_access	= rsp_policy_is_valid_access,				\
	.btf_struct_access	= rsp_##_word##_ops_struct_access,			\
};											\
static struct bpf_struct_ops rsp_##_word##_struct_ops = {				\
	.verifier_ops	= &rsp_##_word##_verifier_ops,					\
	.init		= rsp_policy_btf_init,						\
	.check_member	= rsp_##_word##_ops_check_member,				\
	.init_member	= rsp_##_word##_ops_init_member,				\
	.reg		= rsp_##_word##_ops_reg,					\
	.unreg		= rsp_##_word##_ops_unreg,					\
	.update		= rsp_##_word##_ops_update,					\
	.cfi_stubs	= &rsp_##_word##_stubs,						\
	.owner		= THIS_MODULE,							\
	.name		= "rsp_" #_word "_ops",						\
}

/*
 * Stubs: never called; they give the BPF trampolines the type hash that a
 * kernel with control flow integrity checks at an indirect call.
 */
static int rsp_stub_init(void)
{
	return 0;
}

static void rsp_stub_exit(struct rsp_exit_info *info)
{
}

static int rsp_stub_buf_admit(struct rsp_svc_view *svc, struct rsp_buf_req *req)
{
	return 0;
}

static void rsp_stub_buf_release(struct rsp_svc_view *svc, __u32 class, __u32 nr)
{
}

static int rsp_stub_buf_recv_depth(struct rsp_rq_view *rq)
{
	return 0;
}

static int rsp_stub_buf_bulk(struct rsp_chan_view *chan, struct rsp_bulk_req *req)
{
	return 0;
}

static struct rsp_buf_ops rsp_buf_stubs = {
	.init		= rsp_stub_init,
	.exit		= rsp_stub_exit,
	.admit		= rsp_stub_buf_admit,
	.release	= rsp_stub_buf_release,
	.recv_depth	= rsp_stub_buf_recv_depth,
	.bulk		= rsp_stub_buf_bulk,
	.reclaim	= rsp_stub_buf_admit,
};

static __u64 rsp_stub_ep_place(struct rsp_place_req *req)
{
	return 0;
}

static int rsp_stub_ep_rehome(struct rsp_ep_view *ep, __u32 why)
{
	return 0;
}

static int rsp_stub_ep_linger(struct rsp_ep_view *ep)
{
	return 0;
}

static void rsp_stub_ep_event(struct rsp_ep_view *ep)
{
}

static struct rsp_ep_ops rsp_ep_stubs = {
	.init		= rsp_stub_init,
	.exit		= rsp_stub_exit,
	.place		= rsp_stub_ep_place,
	.rehome		= rsp_stub_ep_rehome,
	.linger		= rsp_stub_ep_linger,
	.ep_up		= rsp_stub_ep_event,
	.ep_down	= rsp_stub_ep_event,
};

static void rsp_stub_flow_event(struct rsp_chan_view *chan)
{
}

static int rsp_stub_flow_ask(struct rsp_chan_view *chan)
{
	return 0;
}

static int rsp_stub_flow_window(struct rsp_chan_view *chan, struct rsp_ack_req *req)
{
	return 0;
}

static struct rsp_flow_ops rsp_flow_stubs = {
	.init		= rsp_stub_init,
	.exit		= rsp_stub_exit,
	.chan_open	= rsp_stub_flow_event,
	.chan_close	= rsp_stub_flow_event,
	.grant		= rsp_stub_flow_ask,
	.window		= rsp_stub_flow_window,
	.weight		= rsp_stub_flow_ask,
	.stall		= rsp_stub_flow_event,
};

static int rsp_stub_cache_admit(struct rsp_cache_view *cache, struct rsp_block_req *req)
{
	return 0;
}

static int rsp_stub_cache_touch(struct rsp_cache_view *cache, struct rsp_block_view *block)
{
	return 0;
}

static int rsp_stub_cache_evict(struct rsp_cache_view *cache, struct rsp_block_view *t0,
				struct rsp_block_view *t1, struct rsp_block_view *t2,
				struct rsp_block_view *t3)
{
	return 0;
}

static void rsp_stub_cache_insert(struct rsp_cache_view *cache, struct rsp_block_view *block)
{
}

static void rsp_stub_cache_remove(struct rsp_cache_view *cache, struct rsp_block_view *block,
				  __u32 why)
{
}

static struct rsp_cache_ops rsp_cache_stubs = {
	.init		= rsp_stub_init,
	.exit		= rsp_stub_exit,
	.admit		= rsp_stub_cache_admit,
	.touch		= rsp_stub_cache_touch,
	.evict		= rsp_stub_cache_evict,
	.insert		= rsp_stub_cache_insert,
	.remove		= rsp_stub_cache_remove,
};

RSP_POLICY_FAMILY(buf, RSP_FAMILY_BUF);
RSP_POLICY_FAMILY(ep, RSP_FAMILY_EP);
RSP_POLICY_FAMILY(flow, RSP_FAMILY_FLOW);
RSP_POLICY_FAMILY(cache, RSP_FAMILY_CACHE);

bool rsp_policy_ops_has_prog(const struct bpf_prog *prog)
{
	return prog->type == BPF_PROG_TYPE_STRUCT_OPS &&
	       prog->aux->attach_btf == rsp_policy_btf;
}

int rsp_policy_ops_register(void)
{
	int err;

	err = register_bpf_struct_ops(&rsp_buf_struct_ops, rsp_buf_ops);
	if (!err)
		err = register_bpf_struct_ops(&rsp_ep_struct_ops, rsp_ep_ops);
	if (!err)
		err = register_bpf_struct_ops(&rsp_flow_struct_ops, rsp_flow_ops);
	if (!err)
		err = register_bpf_struct_ops(&rsp_cache_struct_ops, rsp_cache_ops);
	/* without BTF for this module registering succeeds and does nothing */
	if (!err && !rsp_policy_btf)
		err = -ENOENT;
	return err;
}
