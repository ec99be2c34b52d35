// SPDX-License-Identifier: GPL-2.0
/*
 * Observers: count what rsp.ko's trace events tell, per service, channel, endpoint, receive
 * queue, key pool, published region, block cache, size class and policy family, and keep samples
 * of slow exchanges.
 *
 * `rspctl observe on` loads and pins them, and only then do they cost anything:
 * a trace event with nobody attached is a patched-out jump.
 *
 * An event on a channel is counted in the channel's entry only: one lookup. Its service and
 * endpoint get the sums when it goes down or moves, see obs_fold().
 *
 * Figures are kept in plain maps with atomic adds, not per CPU, so that
 * `bpftool map dump pinned` shows a figure and not the parts of a sum. An entry
 * is made by the first event that names its object, whenever that was born. The
 * entries of objects that are gone stay readable until an LRU map needs the
 * room.
 *
 * Arguments of trace events may be NULL for all the verifier knows (6.12 since
 * .10, later kernels too): hence the checks.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <rsp/kfunc.h>
#include <rsp/observe.h>
#include <rsp/stage.h>

#define OBS_MAX_SVC	256
#define OBS_MAX_CHAN	8192
#define OBS_MAX_EP	8192
#define OBS_MAX_RQ	1024
#define OBS_MAX_DESC	4096
#define OBS_MAX_CACHE	256
#define OBS_MAX_KEYS	16	/* two for each device that rsp.ko can have */

/* an exchange that takes as long is kept as a sample; 0: none is */
const volatile __u64 slow_ns = 10 * 1000 * 1000;

#define OBS_MAP(name_, type_, max_, value_)	\
	struct {				\
		__uint(type, type_);		\
		__uint(max_entries, max_);	\
		__type(key, __u32);		\
		__type(value, value_);		\
	} name_ SEC(".maps")

OBS_MAP(svc, BPF_MAP_TYPE_LRU_HASH, OBS_MAX_SVC, struct rsp_obs_svc);
OBS_MAP(chan, BPF_MAP_TYPE_LRU_HASH, OBS_MAX_CHAN, struct rsp_obs_chan);
OBS_MAP(ep, BPF_MAP_TYPE_LRU_HASH, OBS_MAX_EP, struct rsp_obs_ep);
OBS_MAP(rq, BPF_MAP_TYPE_LRU_HASH, OBS_MAX_RQ, struct rsp_obs_rq);
OBS_MAP(desc, BPF_MAP_TYPE_LRU_HASH, OBS_MAX_DESC, struct rsp_obs_desc);
OBS_MAP(cache, BPF_MAP_TYPE_LRU_HASH, OBS_MAX_CACHE, struct rsp_obs_cache);
OBS_MAP(keys, BPF_MAP_TYPE_ARRAY, OBS_MAX_KEYS, struct rsp_obs_keys);
OBS_MAP(slow, BPF_MAP_TYPE_ARRAY, RSP_OBS_NR_SLOW, struct rsp_obs_slow);
OBS_MAP(pool, BPF_MAP_TYPE_ARRAY, RSP_NR_CLASS, struct rsp_obs_pool);
OBS_MAP(policy, BPF_MAP_TYPE_ARRAY, RSP_NR_FAMILY, struct rsp_obs_policy);

/* new entries: larger than a BPF stack, so they stand here */
static const struct rsp_obs_svc obs_no_svc;
static const struct rsp_obs_chan obs_no_chan;
static const struct rsp_obs_ep obs_no_ep;
static const struct rsp_obs_rq obs_no_rq;
static const struct rsp_obs_desc obs_no_desc;
static const struct rsp_obs_cache obs_no_cache;

static __u64 slow_next;			/* samples taken */

/* Each returns NULL only where the map is full of entries in use on other CPUs. */
#define OBS_GET(obj)							\
static struct rsp_obs_##obj *obs_##obj##_get(__u32 id)			\
{									\
	struct rsp_obs_##obj *obs = bpf_map_lookup_elem(&obj, &id);	\
									\
	if (obs)							\
		return obs;						\
	bpf_map_update_elem(&obj, &id, &obs_no_##obj, BPF_NOEXIST);	\
	return bpf_map_lookup_elem(&obj, &id);				\
}

OBS_GET(svc)
OBS_GET(chan)
OBS_GET(ep)
OBS_GET(rq)
OBS_GET(desc)
OBS_GET(cache)

static void obs_add(__u64 *sum, __u64 n)
{
	__sync_fetch_and_add(sum, n);
}

/*
 * Four tries: with more CPUs than that raising the same maximum in the same
 * moment it may end below the highest, by what they differ.
 */
static void obs_max(__u64 *max, __u64 n)
{
	for (int i = 0; i < 4; i++) {
		__u64 old = *(volatile __u64 *)max;

		if (n <= old || __sync_val_compare_and_swap(max, old, n) == old)
			return;
	}
}

static __u32 obs_log2(__u64 n)
{
	__u32 step = 0;

	for (__u32 half = 32; half; half >>= 1) {
		if (n >> half) {
			n >>= half;
			step += half;
		}
	}
	return step;
}

/* clamped to the last step of a histogram of times */
static __u32 obs_step(__u64 ns)
{
	__u32 step = obs_log2(ns);

	return step < RSP_OBS_NR_STEP ? step : RSP_OBS_NR_STEP - 1;
}

/* where an event on a channel counts: the channel, and once it is folded also the others */
struct obs_where {
	struct rsp_obs_svc *svc;
	struct rsp_obs_chan *chan;
	struct rsp_obs_ep *ep;
};

#define obs_each(where, io, code) do {				\
	struct rsp_obs_io *io;					\
								\
	if ((where).chan) {					\
		io = &(where).chan->io;				\
		code;						\
	}							\
	if ((where).svc) {					\
		io = &(where).svc->io;				\
		code;						\
	}							\
	if ((where).ep) {					\
		io = &(where).ep->io;				\
		code;						\
	}							\
} while (0)

static void obs_window(struct rsp_obs_chan *obs, __u32 window)
{
	obs->window = window;
	if (!obs->min_window || window < obs->min_window)
		obs->min_window = window;
	if (window > obs->max_window)
		obs->max_window = window;
}

/* the first event of a channel; its service and endpoint are to be seen with it */
static __noinline struct rsp_obs_chan *obs_chan_new(const struct rsp_chan_view *view)
{
	struct rsp_obs_chan *obs = obs_chan_get(view->id);

	obs_svc_get(view->svc_id);
	/* a channel that never found an endpoint has none */
	if (view->ep_id)
		obs_ep_get(view->ep_id);
	if (!obs)
		return NULL;
	obs->svc_id = view->svc_id;
	obs->ep_id = view->ep_id;
	obs->peer_id = view->peer_id;
	obs->role = view->role;
	obs->grant = view->grant;
	obs_window(obs, view->window);
	return obs;
}

static __always_inline void obs_find(struct obs_where *where,
				     const struct rsp_chan_view *view)
{
	struct rsp_obs_chan *obs;
	__u32 id;

	where->svc = NULL;
	where->ep = NULL;
	where->chan = NULL;
	if (!view)
		return;
	id = view->id;
	obs = bpf_map_lookup_elem(&chan, &id);
	if (!obs)
		obs = obs_chan_new(view);
	where->chan = obs;
	if (obs && obs->is_folded) {
		where->svc = obs_svc_get(obs->svc_id);
		where->ep = obs->ep_id ? obs_ep_get(obs->ep_id) : NULL;
	}
}

#define OBS_IO_AT(field)	(offsetof(struct rsp_obs_io, field) / sizeof(__u64))

static void obs_io_add(struct rsp_obs_io *to, const struct rsp_obs_io *from)
{
	const __u64 *f = (const __u64 *)from;
	__u64 *t = (__u64 *)to;

	for (__u32 i = 0; i < sizeof(*to) / sizeof(*t); i++) {
		if (i == OBS_IO_AT(lat_max_ns) || i == OBS_IO_AT(stall_max_ns))
			obs_max(&t[i], f[i]);
		else if (f[i])
			obs_add(&t[i], f[i]);
	}
}

/*
 * A channel goes down or leaves its endpoint: what it has counted is added to its service and
 * endpoint. What other CPUs count in this moment may be missing there, or be there twice.
 */
static void obs_fold(struct rsp_obs_chan *obs)
{
	struct rsp_obs_svc *obs_svc;
	struct rsp_obs_ep *obs_ep;

	if (__sync_val_compare_and_swap(&obs->is_folded, 0, RSP_OBS_FOLDING))
		return;
	obs_svc = obs_svc_get(obs->svc_id);
	if (obs_svc)
		obs_io_add(&obs_svc->io, &obs->io);
	obs_ep = obs->ep_id ? obs_ep_get(obs->ep_id) : NULL;
	if (obs_ep)
		obs_io_add(&obs_ep->io, &obs->io);
	*(volatile __u32 *)&obs->is_folded = RSP_OBS_FOLDED;
}

/* ---------------------------------------------------------- services --- */

static struct rsp_obs_svc *obs_svc_find(const struct rsp_svc_view *view)
{
	struct rsp_obs_svc *obs = view ? obs_svc_get(view->id) : NULL;

	if (!obs)
		return NULL;
	if (!obs->name[0])
		bpf_probe_read_kernel(obs->name, sizeof(obs->name), &view->name);
	obs_max(&obs->max_held_bytes, view->held_bytes);
	return obs;
}

SEC("tp_btf/rsp_svc_register")
int BPF_PROG(obs_svc_register, const struct rsp_svc_view *view)
{
	struct rsp_obs_svc *obs = obs_svc_find(view);

	if (obs)
		obs->is_gone = 0;
	return 0;
}

SEC("tp_btf/rsp_svc_unregister")
int BPF_PROG(obs_svc_unregister, const struct rsp_svc_view *view)
{
	struct rsp_obs_svc *obs = obs_svc_find(view);

	if (obs)
		obs->is_gone = 1;
	return 0;
}

/* -------------------------------------------------------------- pool --- */

SEC("tp_btf/rsp_pool_admit")
int BPF_PROG(obs_pool_admit, const struct rsp_svc_view *view,
	     const struct rsp_buf_req *req, __u32 answer)
{
	struct rsp_obs_svc *obs = obs_svc_find(view);
	struct rsp_obs_pool *obs_class;
	__u32 class, want;

	if (!req)
		return 0;
	class = req->class;
	want = req->want;
	if (obs) {
		obs_add(&obs->nr_ask, 1);
		obs_add(&obs->nr_want, want);
		obs_add(&obs->nr_admit, answer);
	}
	obs_class = bpf_map_lookup_elem(&pool, &class);
	if (obs_class) {
		obs_add(&obs_class->nr_ask, 1);
		obs_add(&obs_class->nr_want, want);
		obs_add(&obs_class->nr_admit, answer);
		if (answer < want)
			obs_add(&obs_class->nr_short, 1);
	}
	return 0;
}

SEC("tp_btf/rsp_pool_grow")
int BPF_PROG(obs_pool_grow, __u32 class, __u64 bytes)
{
	struct rsp_obs_pool *obs = bpf_map_lookup_elem(&pool, &class);

	if (obs) {
		obs_add(&obs->nr_grow, 1);
		obs_add(&obs->grow_bytes, bytes);
	}
	return 0;
}

SEC("tp_btf/rsp_rq_refill")
int BPF_PROG(obs_rq_refill, const struct rsp_rq_view *view, __u32 nr)
{
	struct rsp_obs_rq *obs = view ? obs_rq_get(view->id) : NULL;
	__u32 posted;

	if (!obs)
		return 0;
	posted = view->posted;
	obs->dev_id = view->dev_id;
	obs->vector = view->vector;
	obs->class = view->class;
	if (!obs->nr_refill || posted < obs->min_posted)
		obs->min_posted = posted;
	obs_add(&obs->nr_refill, 1);
	obs_add(&obs->nr_posted, nr);
	return 0;
}

SEC("tp_btf/rsp_rq_empty")
int BPF_PROG(obs_rq_empty, const struct rsp_rq_view *view)
{
	struct rsp_obs_rq *obs = view ? obs_rq_get(view->id) : NULL;

	if (obs)
		obs_add(&obs->nr_empty, 1);
	return 0;
}

/* ------------------------------------------------------ block caches --- */

SEC("tp_btf/rsp_cache_insert")
int BPF_PROG(obs_cache_insert, const struct rsp_cache_view *view)
{
	struct rsp_obs_cache *obs = view ? obs_cache_get(view->id) : NULL;

	if (obs)
		obs_add(&obs->nr_insert, 1);
	return 0;
}

SEC("tp_btf/rsp_cache_remove")
int BPF_PROG(obs_cache_remove, const struct rsp_cache_view *view,
	     const struct rsp_block_view *block, __u32 why)
{
	struct rsp_obs_cache *obs = view ? obs_cache_get(view->id) : NULL;

	if (!obs || why >= 4)
		return 0;
	obs_add(&obs->nr_remove[why], 1);
	if (block && block->nr_touch)
		obs_add(&obs->nr_used, 1);
	return 0;
}

SEC("tp_btf/rsp_cache_touch")
int BPF_PROG(obs_cache_touch, const struct rsp_cache_view *view, __u32 nr)
{
	struct rsp_obs_cache *obs = view ? obs_cache_get(view->id) : NULL;

	if (obs) {
		obs_add(&obs->nr_touch, nr);
		obs_add(&obs->nr_batch, 1);
	}
	return 0;
}

/* ------------------------------------------------- published regions --- */

static struct rsp_obs_desc *obs_desc_find(const struct rsp_desc_view *view)
{
	struct rsp_obs_desc *obs = view ? obs_desc_get(view->id) : NULL;

	if (!obs)
		return NULL;
	bpf_probe_read_kernel(obs->svc, sizeof(obs->svc), &view->svc);
	obs->key = view->key;
	obs->len = view->len;
	obs->role = view->role;
	obs->epoch = view->epoch;
	return obs;
}

SEC("tp_btf/rsp_desc_publish")
int BPF_PROG(obs_desc_publish, const struct rsp_desc_view *view)
{
	obs_desc_find(view);
	return 0;
}

SEC("tp_btf/rsp_desc_revoke")
int BPF_PROG(obs_desc_revoke, const struct rsp_desc_view *view)
{
	struct rsp_obs_desc *obs = obs_desc_find(view);

	if (obs)
		obs->is_over = 1;
	return 0;
}

SEC("tp_btf/rsp_desc_grant")
int BPF_PROG(obs_desc_grant, const struct rsp_desc_view *view)
{
	struct rsp_obs_desc *obs = obs_desc_find(view);

	if (obs)
		obs_add(&obs->nr_grant, 1);
	return 0;
}

SEC("tp_btf/rsp_desc_end")
int BPF_PROG(obs_desc_end, const struct rsp_desc_view *view, __u32 grant, __u32 why)
{
	struct rsp_obs_desc *obs = obs_desc_find(view);

	if (obs && why < 4)
		obs_add(&obs->nr_end[why], 1);
	return 0;
}

SEC("tp_btf/rsp_desc_found")
int BPF_PROG(obs_desc_found, const struct rsp_desc_view *view)
{
	obs_desc_find(view);
	return 0;
}

SEC("tp_btf/rsp_desc_left")
int BPF_PROG(obs_desc_left, const struct rsp_desc_view *view, int reason)
{
	struct rsp_obs_desc *obs = obs_desc_find(view);

	if (obs) {
		obs->is_over = 1;
		obs->reason = reason;
	}
	return 0;
}

/* --------------------------------------------------------- endpoints --- */

static struct rsp_obs_ep *obs_ep_find(const struct rsp_ep_view *view)
{
	struct rsp_obs_ep *obs = view ? obs_ep_get(view->id) : NULL;

	if (!obs)
		return NULL;
	bpf_probe_read_kernel(obs->dev, sizeof(obs->dev), &view->dev);
	obs->peer_id = view->peer_id;
	obs->rq_id = view->rq_id;
	obs->vector = view->vector;
	obs->role = view->role;
	return obs;
}

SEC("tp_btf/rsp_ep_up")
int BPF_PROG(obs_ep_up, const struct rsp_ep_view *view)
{
	struct rsp_obs_ep *obs = obs_ep_find(view);

	if (obs)
		obs->is_down = 0;
	return 0;
}

SEC("tp_btf/rsp_ep_down")
int BPF_PROG(obs_ep_down, const struct rsp_ep_view *view, int reason)
{
	struct rsp_obs_ep *obs = obs_ep_find(view);

	if (obs) {
		obs->is_down = 1;
		obs->reason = reason;
	}
	return 0;
}

/* ---------------------------------------------------------- channels --- */

SEC("tp_btf/rsp_chan_up")
int BPF_PROG(obs_chan_up, const struct rsp_chan_view *view)
{
	struct rsp_obs_svc *obs_svc;
	struct obs_where where;

	obs_find(&where, view);
	if (!view)
		return 0;
	obs_svc = obs_svc_get(view->svc_id);
	if (obs_svc)
		obs_add(&obs_svc->nr_up, 1);
	if (where.chan) {
		where.chan->ep_id = view->ep_id;
		where.chan->grant = view->grant;
		obs_window(where.chan, view->window);
	}
	return 0;
}

SEC("tp_btf/rsp_chan_down")
int BPF_PROG(obs_chan_down, const struct rsp_chan_view *view, int reason)
{
	struct rsp_obs_svc *obs_svc;
	struct obs_where where;

	obs_find(&where, view);
	if (!view)
		return 0;
	obs_svc = obs_svc_get(view->svc_id);
	if (obs_svc)
		obs_add(&obs_svc->nr_down, 1);
	if (where.chan) {
		where.chan->is_down = 1;
		where.chan->reason = reason;
		obs_fold(where.chan);
	}
	return 0;
}

SEC("tp_btf/rsp_chan_send")
int BPF_PROG(obs_chan_send, const struct rsp_chan_view *view, __u32 len,
	     __u32 nr_wr)
{
	struct obs_where where;

	obs_find(&where, view);
	obs_each(where, io, {
		obs_add(&io->nr_send, 1);
		obs_add(&io->send_bytes, len);
		obs_add(&io->nr_wr, nr_wr);
	});
	return 0;
}

SEC("tp_btf/rsp_chan_recv")
int BPF_PROG(obs_chan_recv, const struct rsp_chan_view *view, __u32 len)
{
	struct obs_where where;

	obs_find(&where, view);
	obs_each(where, io, {
		obs_add(&io->nr_recv, 1);
		obs_add(&io->recv_bytes, len);
	});
	return 0;
}

static __noinline int obs_sample(const struct rsp_chan_view *view, __u64 bytes, __u64 lat_ns,
				 int status, const struct rsp_stages *stages)
{
	__u64 seq = __sync_fetch_and_add(&slow_next, 1);
	__u32 slot = seq % RSP_OBS_NR_SLOW;
	struct rsp_obs_slow *obs = bpf_map_lookup_elem(&slow, &slot);
	struct rsp_stage_times times;

	if (!obs)
		return 0;
	rsp_stage_times(&times, stages, lat_ns);
	obs->seq = 0;
	barrier();
	obs->end_ns = bpf_ktime_get_ns();
	obs->sent_ns = times.sent_ns;
	obs->posted_ns = times.posted_ns;
	obs->completed_ns = times.completed_ns;
	obs->delivered_ns = times.delivered_ns;
	obs->bytes = bytes;
	obs->status = status;
	obs->chan_id = view->id;
	obs->svc_id = view->svc_id;
	obs->ep_id = view->ep_id;
	obs->peer_id = view->peer_id;
	obs->in_flight = view->in_flight;
	obs->window = view->window;
	barrier();
	obs->seq = seq + 1;
	return 0;
}

SEC("tp_btf/rsp_chan_acked")
int BPF_PROG(obs_chan_acked, const struct rsp_chan_view *view, __u64 bytes,
	     __u64 lat_ns, int status, const struct rsp_stages *stages)
{
	__u32 step = obs_step(lat_ns), in_flight;
	struct obs_where where;

	obs_find(&where, view);
	obs_each(where, io, {
		obs_add(&io->nr_ack, 1);
		obs_add(&io->ack_bytes, bytes);
		if (status)
			obs_add(&io->nr_error, 1);
		obs_add(&io->lat_sum_ns, lat_ns);
		if (lat_ns > io->lat_max_ns)
			obs_max(&io->lat_max_ns, lat_ns);
		if (step < RSP_OBS_NR_STEP)
			obs_add(&io->lat_steps[step], 1);
	});
	if (!where.chan || !view)
		return 0;
	in_flight = view->in_flight;
	where.chan->in_flight = in_flight;
	if (in_flight >= where.chan->max_in_flight)
		/* and the one that ended */
		where.chan->max_in_flight = in_flight + 1;
	obs_add(&where.chan->flight_sum, in_flight);
	step = obs_log2(in_flight);
	if (step < RSP_OBS_NR_FLIGHT)
		obs_add(&where.chan->flight_steps[step], 1);
	if (slow_ns && lat_ns + rsp_stage_wait(stages) >= slow_ns)
		obs_sample(view, bytes, lat_ns, status, stages);
	return 0;
}

SEC("tp_btf/rsp_chan_stall")
int BPF_PROG(obs_chan_stall, const struct rsp_chan_view *view, __u64 waited_ns)
{
	__u32 step = obs_step(waited_ns);
	struct obs_where where;

	obs_find(&where, view);
	obs_each(where, io, {
		obs_add(&io->nr_stall, 1);
		obs_add(&io->stall_sum_ns, waited_ns);
		obs_max(&io->stall_max_ns, waited_ns);
		if (step < RSP_OBS_NR_STEP)
			obs_add(&io->stall_steps[step], 1);
	});
	return 0;
}

SEC("tp_btf/rsp_chan_window")
int BPF_PROG(obs_chan_window, const struct rsp_chan_view *view, __u32 old)
{
	struct obs_where where;

	obs_find(&where, view);
	if (where.chan && view) {
		__sync_fetch_and_add(&where.chan->nr_window, 1);
		obs_window(where.chan, view->window);
	}
	return 0;
}

SEC("tp_btf/rsp_chan_grant")
int BPF_PROG(obs_chan_grant, const struct rsp_chan_view *view, __u32 old)
{
	struct obs_where where;

	obs_find(&where, view);
	if (where.chan && view) {
		__sync_fetch_and_add(&where.chan->nr_grant, 1);
		where.chan->grant = view->grant;
	}
	return 0;
}

SEC("tp_btf/rsp_chan_move")
int BPF_PROG(obs_chan_move, const struct rsp_chan_view *view, __u32 from_ep, __u64 ns)
{
	struct obs_where where;

	obs_find(&where, view);
	if (where.chan && view) {
		obs_fold(where.chan);
		where.chan->ep_id = view->ep_id;
		obs_add(&where.chan->nr_move, 1);
		obs_max(&where.chan->move_max_ns, ns);
	}
	return 0;
}

/* -------------------------------------------------------------- keys --- */

SEC("tp_btf/rsp_key_reg")
int BPF_PROG(obs_key_reg, const struct rsp_chan_view *view, __u32 nr_pages,
	     __u32 len)
{
	struct obs_where where;

	obs_find(&where, view);
	obs_each(where, io, {
		obs_add(&io->nr_reg, 1);
		obs_add(&io->reg_pages, nr_pages);
		obs_add(&io->reg_bytes, len);
	});
	return 0;
}

SEC("tp_btf/rsp_key_inv")
int BPF_PROG(obs_key_inv, const struct rsp_chan_view *view, __u32 how)
{
	struct obs_where where;

	if (how >= RSP_OBS_NR_INV)
		return 0;
	obs_find(&where, view);
	obs_each(where, io, obs_add(&io->nr_inv[how], 1));
	return 0;
}

static struct rsp_obs_keys *obs_keys_get(__u32 dev_id, bool is_own)
{
	__u32 key = 2 * dev_id + is_own;

	return bpf_map_lookup_elem(&keys, &key);
}

SEC("tp_btf/rsp_keys_take")
int BPF_PROG(obs_keys_take, __u32 dev_id, bool is_own, __u32 how)
{
	struct rsp_obs_keys *obs = obs_keys_get(dev_id, is_own);

	if (obs && how < RSP_NR_KEYS_HOW)
		obs_add(&obs->nr_take[how], 1);
	return 0;
}

SEC("tp_btf/rsp_keys_give")
int BPF_PROG(obs_keys_give, __u32 dev_id, bool is_own, __u32 nr, bool is_destroyed)
{
	struct rsp_obs_keys *obs = obs_keys_get(dev_id, is_own);

	if (obs)
		obs_add(is_destroyed ? &obs->nr_destroy : &obs->nr_give, nr);
	return 0;
}

SEC("tp_btf/rsp_keys_grow")
int BPF_PROG(obs_keys_grow, __u32 dev_id, __u32 nr)
{
	struct rsp_obs_keys *obs = obs_keys_get(dev_id, false);

	if (obs)
		obs_add(&obs->nr_grow, nr);
	return 0;
}

SEC("tp_btf/rsp_work_error")
int BPF_PROG(obs_work_error, const struct rsp_chan_view *view, int status,
	     __u32 opcode)
{
	struct obs_where where;
	struct rsp_obs_ep *obs;

	obs_find(&where, view);
	obs_each(where, io, obs_add(&io->nr_work_error, 1));
	if (status == IB_WC_RNR_RETRY_EXC_ERR && where.chan && where.chan->ep_id) {
		obs = obs_ep_get(where.chan->ep_id);
		if (obs)
			obs_add(&obs->nr_rnr, 1);
	}
	return 0;
}

/* ---------------------------------------------------------- policies --- */

SEC("tp_btf/rsp_policy_swap")
int BPF_PROG(obs_policy_swap, __u32 family, const char *from, const char *to,
	     __u64 ns)
{
	struct rsp_obs_policy *obs = bpf_map_lookup_elem(&policy, &family);

	if (!obs)
		return 0;
	obs_add(&obs->nr_swap, 1);
	obs_add(&obs->swap_sum_ns, ns);
	obs_max(&obs->swap_max_ns, ns);
	obs->swap_last_ns = ns;
	bpf_probe_read_kernel_str(obs->from, sizeof(obs->from), from);
	bpf_probe_read_kernel_str(obs->to, sizeof(obs->to), to);
	return 0;
}

SEC("tp_btf/rsp_policy_eject")
int BPF_PROG(obs_policy_eject, const struct rsp_exit_info *info)
{
	struct rsp_obs_policy *obs;
	__u32 family;

	if (!info)
		return 0;
	family = info->family;
	obs = bpf_map_lookup_elem(&policy, &family);
	if (!obs)
		return 0;
	obs_add(&obs->nr_eject, 1);
	bpf_probe_read_kernel(&obs->ejected, sizeof(obs->ejected), info);
	return 0;
}

char _license[] SEC("license") = "GPL";
