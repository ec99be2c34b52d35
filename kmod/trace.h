/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trace events of rsp.ko: one for each state change, each batch and each error.
 *
 * Arguments are views, so that a BPF program attached to the raw event reads
 * every field by BTF; the text form prints what a person wants first.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM rsp

#if !defined(_RSP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _RSP_TRACE_H

#include <linux/tracepoint.h>
#include <rsp/view.h>

#ifndef _RSP_TRACE_ONCE
#define _RSP_TRACE_ONCE
#define RSP_FAMILIES	{ RSP_FAMILY_BUF, "buf" },		\
			{ RSP_FAMILY_EP, "ep" },		\
			{ RSP_FAMILY_FLOW, "flow" },		\
			{ RSP_FAMILY_CACHE, "cache" }
#define RSP_REMOVES	{ RSP_REMOVE_EVICTED, "evicted" },		\
			{ RSP_REMOVE_INVALIDATED, "invalidated" },	\
			{ RSP_REMOVE_DROPPED, "dropped" },		\
			{ RSP_REMOVE_RECLAIMED, "reclaimed" }
#endif

DECLARE_EVENT_CLASS(rsp_svc_class,
	TP_PROTO(const struct rsp_svc_view *svc),
	TP_ARGS(svc),
	TP_STRUCT__entry(
		__field(u32, id)
		__field(u32, weight)
		__string(name, svc->name)
	),
	TP_fast_assign(
		__entry->id = svc->id;
		__entry->weight = svc->weight;
		__assign_str(name);
	),
	TP_printk("svc=%u name=%s weight=%u", __entry->id, __get_str(name), __entry->weight)
);
DEFINE_EVENT(rsp_svc_class, rsp_svc_register,
	TP_PROTO(const struct rsp_svc_view *svc), TP_ARGS(svc));
DEFINE_EVENT(rsp_svc_class, rsp_svc_unregister,
	TP_PROTO(const struct rsp_svc_view *svc), TP_ARGS(svc));

DECLARE_EVENT_CLASS(rsp_ep_class,
	TP_PROTO(const struct rsp_ep_view *ep, int reason),
	TP_ARGS(ep, reason),
	TP_STRUCT__entry(
		__string(dev, ep->dev)
		__field(u32, id)
		__field(u32, peer)
		__field(u32, qpn)
		__field(u32, vector)
		__field(int, reason)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->id = ep->id;
		__entry->peer = ep->peer_id;
		__entry->qpn = ep->qp_num;
		__entry->vector = ep->vector;
		__entry->reason = reason;
	),
	TP_printk("dev=%s ep=%u peer=%u qpn=%u vector=%u reason=%d", __get_str(dev),
		  __entry->id, __entry->peer, __entry->qpn, __entry->vector, __entry->reason)
);
DEFINE_EVENT(rsp_ep_class, rsp_ep_up,
	TP_PROTO(const struct rsp_ep_view *ep, int reason), TP_ARGS(ep, reason));
DEFINE_EVENT(rsp_ep_class, rsp_ep_down,
	TP_PROTO(const struct rsp_ep_view *ep, int reason), TP_ARGS(ep, reason));

#define RSP_CHAN_EVENT2(event, t1, a1, t2, a2, fmt)			\
TRACE_EVENT(event,							\
	TP_PROTO(const struct rsp_chan_view *chan, t1 a1, t2 a2),	\
	TP_ARGS(chan, a1, a2),						\
	TP_STRUCT__entry(						\
		__field(u32, chan_id)					\
		__field(u32, svc_id)					\
		__field(u32, ep_id)					\
		__field(t1, a1)						\
		__field(t2, a2)						\
	),								\
	TP_fast_assign(							\
		__entry->chan_id = chan->id;				\
		__entry->svc_id = chan->svc_id;				\
		__entry->ep_id = chan->ep_id;				\
		__entry->a1 = a1;					\
		__entry->a2 = a2;					\
	),								\
	TP_printk("chan=%u svc=%u ep=%u " fmt, __entry->chan_id,	\
		  __entry->svc_id, __entry->ep_id, __entry->a1, __entry->a2)	\
)

#define RSP_CHAN_EVENT1(event, t1, a1, fmt)				\
TRACE_EVENT(event,							\
	TP_PROTO(const struct rsp_chan_view *chan, t1 a1),		\
	TP_ARGS(chan, a1),						\
	TP_STRUCT__entry(						\
		__field(u32, chan_id)					\
		__field(u32, svc_id)					\
		__field(u32, ep_id)					\
		__field(t1, a1)						\
	),								\
	TP_fast_assign(							\
		__entry->chan_id = chan->id;				\
		__entry->svc_id = chan->svc_id;				\
		__entry->ep_id = chan->ep_id;				\
		__entry->a1 = a1;					\
	),								\
	TP_printk("chan=%u svc=%u ep=%u " fmt, __entry->chan_id,	\
		  __entry->svc_id, __entry->ep_id, __entry->a1)		\
)

RSP_CHAN_EVENT1(rsp_chan_up, int, reason, "reason=%d");
RSP_CHAN_EVENT1(rsp_chan_down, int, reason, "reason=%d");
RSP_CHAN_EVENT2(rsp_chan_send, u32, len, u32, nr_wr, "len=%u nr_wr=%u");
RSP_CHAN_EVENT1(rsp_chan_recv, u32, len, "len=%u");
RSP_CHAN_EVENT2(rsp_chan_move, u32, from_ep, u64, ns, "from_ep=%u ns=%llu");
RSP_CHAN_EVENT1(rsp_chan_stall, u64, waited_ns, "waited_ns=%llu");
RSP_CHAN_EVENT1(rsp_chan_window, u32, old, "old=%u");
RSP_CHAN_EVENT1(rsp_chan_grant, u32, old, "old=%u");
RSP_CHAN_EVENT2(rsp_key_reg, u32, nr_pages, u32, len, "nr_pages=%u len=%u");
RSP_CHAN_EVENT1(rsp_key_inv, u32, how, "how=%u");
RSP_CHAN_EVENT2(rsp_work_error, int, status, u32, opcode, "status=%d opcode=%u");

TRACE_EVENT(rsp_chan_acked,
	TP_PROTO(const struct rsp_chan_view *chan, u64 bytes, u64 lat_ns, int status,
		 const struct rsp_stages *stages),
	TP_ARGS(chan, bytes, lat_ns, status, stages),
	TP_STRUCT__entry(
		__field(u32, chan_id)
		__field(u32, svc_id)
		__field(u32, ep_id)
		__field(u32, in_flight)
		__field(u64, bytes)
		__field(u64, lat_ns)
		__field(u64, queued_ns)
		__field(u64, posted_ns)
		__field(u64, replied_ns)
		__field(int, status)
	),
	TP_fast_assign(
		__entry->chan_id = chan->id;
		__entry->svc_id = chan->svc_id;
		__entry->ep_id = chan->ep_id;
		__entry->in_flight = chan->in_flight;
		__entry->bytes = bytes;
		__entry->lat_ns = lat_ns;
		__entry->queued_ns = stages->queued_ns;
		__entry->posted_ns = stages->posted_ns;
		__entry->replied_ns = stages->replied_ns;
		__entry->status = status;
	),
	TP_printk("chan=%u svc=%u ep=%u in_flight=%u bytes=%llu lat_ns=%llu status=%d queued_ns=%llu posted_ns=%llu replied_ns=%llu",
		  __entry->chan_id, __entry->svc_id, __entry->ep_id, __entry->in_flight,
		  __entry->bytes, __entry->lat_ns, __entry->status, __entry->queued_ns,
		  __entry->posted_ns, __entry->replied_ns)
);

/* a key for a registration: enum rsp_keys_how. The pool is a device's, or one channel's own */
TRACE_EVENT(rsp_keys_take,
	TP_PROTO(u32 dev_id, bool is_own, u32 how),
	TP_ARGS(dev_id, is_own, how),
	TP_STRUCT__entry(
		__field(u32, dev_id)
		__field(bool, is_own)
		__field(u32, how)
	),
	TP_fast_assign(
		__entry->dev_id = dev_id;
		__entry->is_own = is_own;
		__entry->how = how;
	),
	TP_printk("dev=%u own=%d how=%s", __entry->dev_id, __entry->is_own,
		  __print_symbolic(__entry->how, { RSP_KEYS_POOLED, "pooled" },
				   { RSP_KEYS_MADE, "made" }, { RSP_KEYS_NONE, "none" }))
);

/* keys come back, invalid, or destroyed because nothing else could make them so */
TRACE_EVENT(rsp_keys_give,
	TP_PROTO(u32 dev_id, bool is_own, u32 nr, bool is_destroyed),
	TP_ARGS(dev_id, is_own, nr, is_destroyed),
	TP_STRUCT__entry(
		__field(u32, dev_id)
		__field(bool, is_own)
		__field(u32, nr)
		__field(bool, is_destroyed)
	),
	TP_fast_assign(
		__entry->dev_id = dev_id;
		__entry->is_own = is_own;
		__entry->nr = nr;
		__entry->is_destroyed = is_destroyed;
	),
	TP_printk("dev=%u own=%d nr=%u destroyed=%d", __entry->dev_id, __entry->is_own,
		  __entry->nr, __entry->is_destroyed)
);

/* keys made ahead */
TRACE_EVENT(rsp_keys_grow,
	TP_PROTO(u32 dev_id, u32 nr),
	TP_ARGS(dev_id, nr),
	TP_STRUCT__entry(
		__field(u32, dev_id)
		__field(u32, nr)
	),
	TP_fast_assign(
		__entry->dev_id = dev_id;
		__entry->nr = nr;
	),
	TP_printk("dev=%u nr=%u", __entry->dev_id, __entry->nr)
);

DECLARE_EVENT_CLASS(rsp_rq_class,
	TP_PROTO(const struct rsp_rq_view *rq, u32 nr),
	TP_ARGS(rq, nr),
	TP_STRUCT__entry(
		__field(u32, id)
		__field(u32, dev_id)
		__field(u32, vector)
		__field(u32, depth)
		__field(u32, posted)
		__field(u32, nr)
	),
	TP_fast_assign(
		__entry->id = rq->id;
		__entry->dev_id = rq->dev_id;
		__entry->vector = rq->vector;
		__entry->depth = rq->depth;
		__entry->posted = rq->posted;
		__entry->nr = nr;
	),
	TP_printk("rq=%u dev=%u vector=%u depth=%u posted=%u nr=%u", __entry->id,
		  __entry->dev_id, __entry->vector, __entry->depth, __entry->posted, __entry->nr)
);
DEFINE_EVENT(rsp_rq_class, rsp_rq_refill,
	TP_PROTO(const struct rsp_rq_view *rq, u32 nr), TP_ARGS(rq, nr));
DEFINE_EVENT(rsp_rq_class, rsp_rq_empty,
	TP_PROTO(const struct rsp_rq_view *rq, u32 nr), TP_ARGS(rq, nr));

TRACE_EVENT(rsp_pool_admit,
	TP_PROTO(const struct rsp_svc_view *svc, const struct rsp_buf_req *req, u32 answer),
	TP_ARGS(svc, req, answer),
	TP_STRUCT__entry(
		__field(u32, svc_id)
		__field(u32, buf_class)
		__field(u32, want)
		__field(u32, answer)
		__field(u64, held_bytes)
	),
	TP_fast_assign(
		__entry->svc_id = svc->id;
		__entry->buf_class = req->class;
		__entry->want = req->want;
		__entry->answer = answer;
		__entry->held_bytes = svc->held_bytes;
	),
	TP_printk("svc=%u class=%u want=%u answer=%u held_bytes=%llu", __entry->svc_id,
		  __entry->buf_class, __entry->want, __entry->answer, __entry->held_bytes)
);

TRACE_EVENT(rsp_pool_grow,
	TP_PROTO(u32 buf_class, u64 arena_bytes),
	TP_ARGS(buf_class, arena_bytes),
	TP_STRUCT__entry(
		__field(u32, buf_class)
		__field(u64, arena_bytes)
	),
	TP_fast_assign(
		__entry->buf_class = buf_class;
		__entry->arena_bytes = arena_bytes;
	),
	TP_printk("class=%u arena_bytes=%llu", __entry->buf_class, __entry->arena_bytes)
);

#define RSP_DESC_ENTRY						\
		__string(svc_name, desc->svc)			\
		__field(u32, id)				\
		__field(u32, role)				\
		__field(u64, key)				\
		__field(u64, len)				\
		__field(u32, epoch)
#define RSP_DESC_ASSIGN						\
		__assign_str(svc_name);				\
		__entry->id = desc->id;				\
		__entry->role = desc->role;			\
		__entry->key = desc->key;			\
		__entry->len = desc->len;			\
		__entry->epoch = desc->epoch;
#define RSP_DESC_FMT	"desc=%u role=%u name=%s/%llu len=%llu epoch=%u"
#define RSP_DESC_ARGS	__entry->id, __entry->role, __get_str(svc_name), __entry->key,	\
			__entry->len, __entry->epoch

DECLARE_EVENT_CLASS(rsp_desc_class,
	TP_PROTO(const struct rsp_desc_view *desc),
	TP_ARGS(desc),
	TP_STRUCT__entry(RSP_DESC_ENTRY),
	TP_fast_assign(RSP_DESC_ASSIGN),
	TP_printk(RSP_DESC_FMT, RSP_DESC_ARGS)
);
/* published here, and not any more */
DEFINE_EVENT(rsp_desc_class, rsp_desc_publish,
	TP_PROTO(const struct rsp_desc_view *desc), TP_ARGS(desc));
DEFINE_EVENT(rsp_desc_class, rsp_desc_revoke,
	TP_PROTO(const struct rsp_desc_view *desc), TP_ARGS(desc));
/* a peer's, held here from now on */
DEFINE_EVENT(rsp_desc_class, rsp_desc_found,
	TP_PROTO(const struct rsp_desc_view *desc), TP_ARGS(desc));

TRACE_EVENT(rsp_desc_grant,
	TP_PROTO(const struct rsp_desc_view *desc, u32 grant, u32 chan_id),
	TP_ARGS(desc, grant, chan_id),
	TP_STRUCT__entry(RSP_DESC_ENTRY
		__field(u32, grant)
		__field(u32, chan_id)
	),
	TP_fast_assign(RSP_DESC_ASSIGN
		__entry->grant = grant;
		__entry->chan_id = chan_id;
	),
	TP_printk(RSP_DESC_FMT " grant=%u chan=%u", RSP_DESC_ARGS, __entry->grant,
		  __entry->chan_id)
);

/* the peer's grant ends here: enum rsp_desc_end */
TRACE_EVENT(rsp_desc_end,
	TP_PROTO(const struct rsp_desc_view *desc, u32 grant, u32 why),
	TP_ARGS(desc, grant, why),
	TP_STRUCT__entry(RSP_DESC_ENTRY
		__field(u32, grant)
		__field(u32, why)
	),
	TP_fast_assign(RSP_DESC_ASSIGN
		__entry->grant = grant;
		__entry->why = why;
	),
	TP_printk(RSP_DESC_FMT " grant=%u why=%s", RSP_DESC_ARGS, __entry->grant,
		  __print_symbolic(__entry->why, { RSP_DESC_END_DROPPED, "dropped" },
				   { RSP_DESC_END_EXPIRED, "expired" },
				   { RSP_DESC_END_FORCED, "forced" },
				   { RSP_DESC_END_CONN, "conn" }))
);

/* a peer's is not used here any more: 0 put, -ESTALE revoked, -ETIME unused, -ENOTCONN */
TRACE_EVENT(rsp_desc_left,
	TP_PROTO(const struct rsp_desc_view *desc, int reason),
	TP_ARGS(desc, reason),
	TP_STRUCT__entry(RSP_DESC_ENTRY
		__field(int, reason)
	),
	TP_fast_assign(RSP_DESC_ASSIGN
		__entry->reason = reason;
	),
	TP_printk(RSP_DESC_FMT " reason=%d", RSP_DESC_ARGS, __entry->reason)
);

TRACE_EVENT(rsp_cache_insert,
	TP_PROTO(const struct rsp_cache_view *cache, const struct rsp_block_view *block),
	TP_ARGS(cache, block),
	TP_STRUCT__entry(
		__field(u32, cache_id)
		__field(u32, list)
		__field(u64, number)
	),
	TP_fast_assign(
		__entry->cache_id = cache->id;
		__entry->list = block->list;
		__entry->number = block->number;
	),
	TP_printk("cache=%u block=%llu list=%u", __entry->cache_id, __entry->number,
		  __entry->list)
);

/* evicted, invalidated, dropped or reclaimed */
TRACE_EVENT(rsp_cache_remove,
	TP_PROTO(const struct rsp_cache_view *cache, const struct rsp_block_view *block, u32 why),
	TP_ARGS(cache, block, why),
	TP_STRUCT__entry(
		__field(u32, cache_id)
		__field(u32, list)
		__field(u64, number)
		__field(u32, nr_touch)
		__field(u32, why)
	),
	TP_fast_assign(
		__entry->cache_id = cache->id;
		__entry->list = block->list;
		__entry->number = block->number;
		__entry->nr_touch = block->nr_touch;
		__entry->why = why;
	),
	TP_printk("cache=%u block=%llu list=%u nr_touch=%u why=%s", __entry->cache_id,
		  __entry->number, __entry->list, __entry->nr_touch,
		  __print_symbolic(__entry->why, RSP_REMOVES))
);

/* a batch of touches was told */
TRACE_EVENT(rsp_cache_touch,
	TP_PROTO(const struct rsp_cache_view *cache, u32 nr),
	TP_ARGS(cache, nr),
	TP_STRUCT__entry(
		__field(u32, cache_id)
		__field(u32, nr)
	),
	TP_fast_assign(
		__entry->cache_id = cache->id;
		__entry->nr = nr;
	),
	TP_printk("cache=%u nr=%u", __entry->cache_id, __entry->nr)
);

TRACE_EVENT(rsp_policy_swap,
	TP_PROTO(u32 family, const char *from, const char *to, u64 ns),
	TP_ARGS(family, from, to, ns),
	TP_STRUCT__entry(
		__field(u32, family)
		__string(from, from)
		__string(to, to)
		__field(u64, ns)
	),
	TP_fast_assign(
		__entry->family = family;
		__assign_str(from);
		__assign_str(to);
		__entry->ns = ns;
	),
	TP_printk("family=%s from=%s to=%s ns=%llu", __print_symbolic(__entry->family, RSP_FAMILIES),
		  __get_str(from), __get_str(to), __entry->ns)
);

TRACE_EVENT(rsp_policy_eject,
	TP_PROTO(const struct rsp_exit_info *info),
	TP_ARGS(info),
	TP_STRUCT__entry(
		__field(u32, family)
		__field(u32, kind)
		__field(s64, code)
		__string(name, info->name)
		__string(msg, info->msg)
	),
	TP_fast_assign(
		__entry->family = info->family;
		__entry->kind = info->kind;
		__entry->code = info->code;
		__assign_str(name);
		__assign_str(msg);
	),
	TP_printk("family=%s name=%s kind=%u code=%lld msg=%s",
		  __print_symbolic(__entry->family, RSP_FAMILIES), __get_str(name),
		  __entry->kind, __entry->code, __get_str(msg))
);

#endif /* _RSP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
