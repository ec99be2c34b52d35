// SPDX-License-Identifier: GPL-2.0
/*
 * A stream of events for `rspctl monitor` and `rspctl trace`, through a ring buffer.
 *
 * Programs are named ev_KIND_EVENT; librsp loads those of the kinds that are asked for, and they
 * cost for as long as it runs. What comes in bursts (refusals of the pool, blocks that a cache
 * drops) is counted and read from time to time. What comes with each message leaves a part of the
 * ring buffer to the rest: a reader that is too slow misses messages, not the end of a channel.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <rsp/kfunc.h>
#include <rsp/event.h>
#include <rsp/stage.h>

#define EV_MAX_COUNT	1024
#define EV_RING_BYTES	(1 << 20)
#define EV_RESERVE	(EV_RING_BYTES / 8)	/* what events of messages leave */

/* events on other channels are left out; 0: all channels */
const volatile __u32 only_chan;
/* exchanges that take as long are slow */
const volatile __u64 slow_ns = 10 * 1000 * 1000;

/* events that found the ring buffer full */
volatile __u64 lost;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EV_RING_BYTES);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EV_MAX_COUNT);
	__type(key, struct rsp_event_count);
	__type(value, __u64);
} counts SEC(".maps");

static __always_inline bool ev_is_of_message(__u32 what)
{
	return what == RSP_EVENT_SLOW || what >= RSP_EVENT_IO_SEND;
}

static __always_inline struct rsp_event *ev_begin(__u32 what)
{
	struct rsp_event *ev = NULL;

	if (!ev_is_of_message(what) ||
	    bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) < EV_RING_BYTES - EV_RESERVE)
		ev = bpf_ringbuf_reserve(&ring, sizeof(*ev), 0);
	if (!ev) {
		__sync_fetch_and_add(&lost, 1);
		return NULL;
	}
	__builtin_memset(ev, 0, sizeof(*ev));
	ev->time_ns = bpf_ktime_get_ns();
	ev->what = what;
	return ev;
}

static void ev_count(struct rsp_event_count *key, __u64 nr)
{
	__u64 *sum = bpf_map_lookup_elem(&counts, key), none = 0;

	if (!sum) {
		bpf_map_update_elem(&counts, key, &none, BPF_NOEXIST);
		sum = bpf_map_lookup_elem(&counts, key);
	}
	if (sum)
		__sync_fetch_and_add(sum, nr);
}

/* NULL where the channel is not asked for, too */
static __always_inline struct rsp_event *ev_chan(__u32 what, const struct rsp_chan_view *view)
{
	struct rsp_event *ev;

	if (!view || (only_chan && view->id != only_chan))
		return NULL;
	ev = ev_begin(what);
	if (!ev)
		return NULL;
	ev->id = view->id;
	ev->svc_id = view->svc_id;
	ev->ep_id = view->ep_id;
	ev->peer_id = view->peer_id;
	return ev;
}

/* ---------------------------------------------------- policies, services --- */

SEC("tp_btf/rsp_policy_swap")
int BPF_PROG(ev_policy_swap, __u32 family, const char *from, const char *to, __u64 ns)
{
	struct rsp_event *ev = ev_begin(RSP_EVENT_POLICY_SWAP);

	if (!ev)
		return 0;
	ev->id = family;
	ev->ns = ns;
	bpf_probe_read_kernel_str(ev->from, sizeof(ev->from), from);
	bpf_probe_read_kernel_str(ev->to, sizeof(ev->to), to);
	bpf_ringbuf_submit(ev, 0);
	return 0;
}

SEC("tp_btf/rsp_policy_eject")
int BPF_PROG(ev_policy_eject, const struct rsp_exit_info *info)
{
	struct rsp_event *ev = info ? ev_begin(RSP_EVENT_POLICY_EJECT) : NULL;

	if (!ev)
		return 0;
	ev->id = info->family;
	ev->why = info->kind;
	bpf_probe_read_kernel_str(ev->from, sizeof(ev->from), &info->name);
	bpf_probe_read_kernel_str(ev->msg, sizeof(ev->msg), &info->msg);
	bpf_ringbuf_submit(ev, 0);
	return 0;
}

static __always_inline int ev_svc(__u32 what, const struct rsp_svc_view *view)
{
	struct rsp_event *ev = view ? ev_begin(what) : NULL;

	if (!ev)
		return 0;
	ev->svc_id = view->id;
	bpf_probe_read_kernel_str(ev->from, sizeof(ev->from), &view->name);
	bpf_ringbuf_submit(ev, 0);
	return 0;
}

SEC("tp_btf/rsp_svc_register")
int BPF_PROG(ev_svc_register, const struct rsp_svc_view *view)
{
	return ev_svc(RSP_EVENT_SVC_UP, view);
}

SEC("tp_btf/rsp_svc_unregister")
int BPF_PROG(ev_svc_unregister, const struct rsp_svc_view *view)
{
	return ev_svc(RSP_EVENT_SVC_DOWN, view);
}

/* --------------------------------------------------- endpoints, channels --- */

static __always_inline int ev_ep(__u32 what, const struct rsp_ep_view *view, int reason)
{
	struct rsp_event *ev = view ? ev_begin(what) : NULL;

	if (!ev)
		return 0;
	ev->ep_id = view->id;
	ev->peer_id = view->peer_id;
	ev->reason = reason;
	bpf_probe_read_kernel_str(ev->from, sizeof(ev->from), &view->dev);
	bpf_ringbuf_submit(ev, 0);
	return 0;
}

SEC("tp_btf/rsp_ep_up")
int BPF_PROG(ev_ep_up, const struct rsp_ep_view *view)
{
	return ev_ep(RSP_EVENT_EP_UP, view, 0);
}

SEC("tp_btf/rsp_ep_down")
int BPF_PROG(ev_ep_down, const struct rsp_ep_view *view, int reason)
{
	return ev_ep(RSP_EVENT_EP_DOWN, view, reason);
}

SEC("tp_btf/rsp_chan_up")
int BPF_PROG(ev_chan_up, const struct rsp_chan_view *view)
{
	struct rsp_event *ev = ev_chan(RSP_EVENT_CHAN_UP, view);

	if (ev)
		bpf_ringbuf_submit(ev, 0);
	return 0;
}

SEC("tp_btf/rsp_chan_down")
int BPF_PROG(ev_chan_down, const struct rsp_chan_view *view, int reason)
{
	struct rsp_event *ev = ev_chan(RSP_EVENT_CHAN_DOWN, view);

	if (ev) {
		ev->reason = reason;
		bpf_ringbuf_submit(ev, 0);
	}
	return 0;
}

SEC("tp_btf/rsp_chan_move")
int BPF_PROG(ev_chan_move, const struct rsp_chan_view *view, __u32 from_ep, __u64 ns)
{
	struct rsp_event *ev = ev_chan(RSP_EVENT_CHAN_MOVE, view);

	if (ev) {
		ev->old = from_ep;
		ev->ns = ns;
		bpf_ringbuf_submit(ev, 0);
	}
	return 0;
}

/* ------------------------------------------------- pool, caches, regions --- */

SEC("tp_btf/rsp_pool_grow")
int BPF_PROG(ev_pool_grow, __u32 class, __u64 bytes)
{
	struct rsp_event *ev = ev_begin(RSP_EVENT_POOL_GROW);

	if (ev) {
		ev->id = class;
		ev->bytes = bytes;
		bpf_ringbuf_submit(ev, 0);
	}
	return 0;
}

SEC("tp_btf/rsp_pool_admit")
int BPF_PROG(ev_pool_admit, const struct rsp_svc_view *view, const struct rsp_buf_req *req,
	     __u32 answer)
{
	struct rsp_event_count key = { .what = RSP_EVENT_POOL_REFUSE };

	if (!view || !req || answer >= req->want)
		return 0;
	key.id = req->class;
	key.svc_id = view->id;
	ev_count(&key, req->want - answer);
	return 0;
}

SEC("tp_btf/rsp_cache_remove")
int BPF_PROG(ev_cache_remove, const struct rsp_cache_view *view,
	     const struct rsp_block_view *block, __u32 why)
{
	struct rsp_event_count key = { .what = RSP_EVENT_CACHE_DROP, .why = why };

	if (!view || (why != RSP_REMOVE_DROPPED && why != RSP_REMOVE_RECLAIMED))
		return 0;
	key.id = view->id;
	ev_count(&key, 1);
	return 0;
}

static __always_inline int ev_desc(__u32 what, const struct rsp_desc_view *view, __u32 why,
				   int reason)
{
	struct rsp_event *ev = view ? ev_begin(what) : NULL;

	if (!ev)
		return 0;
	ev->id = view->id;
	ev->key = view->key;
	ev->bytes = view->len;
	ev->why = why;
	ev->reason = reason;
	bpf_probe_read_kernel_str(ev->from, sizeof(ev->from), &view->svc);
	bpf_ringbuf_submit(ev, 0);
	return 0;
}

SEC("tp_btf/rsp_desc_publish")
int BPF_PROG(ev_desc_publish, const struct rsp_desc_view *view)
{
	return ev_desc(RSP_EVENT_DESC_PUBLISH, view, 0, 0);
}

SEC("tp_btf/rsp_desc_revoke")
int BPF_PROG(ev_desc_revoke, const struct rsp_desc_view *view)
{
	return ev_desc(RSP_EVENT_DESC_REVOKE, view, 0, 0);
}

SEC("tp_btf/rsp_desc_end")
int BPF_PROG(ev_desc_end, const struct rsp_desc_view *view, __u32 grant, __u32 why)
{
	return ev_desc(RSP_EVENT_DESC_END, view, why, 0);
}

SEC("tp_btf/rsp_desc_left")
int BPF_PROG(ev_desc_left, const struct rsp_desc_view *view, int reason)
{
	return ev_desc(RSP_EVENT_DESC_LEFT, view, 0, reason);
}

/* ------------------------------------------------------------- exchanges --- */

static __always_inline int ev_ack(__u32 what, const struct rsp_chan_view *view, __u64 bytes,
				  __u64 lat_ns, int status, const struct rsp_stages *stages)
{
	struct rsp_event *ev = ev_chan(what, view);
	struct rsp_stage_times times;

	if (!ev)
		return 0;
	rsp_stage_times(&times, stages, lat_ns);
	ev->bytes = bytes;
	ev->reason = status;
	ev->nr = view->in_flight;
	ev->sent_ns = times.sent_ns;
	ev->posted_ns = times.posted_ns;
	ev->completed_ns = times.completed_ns;
	ev->ns = times.delivered_ns;
	bpf_ringbuf_submit(ev, 0);
	return 0;
}

SEC("tp_btf/rsp_chan_acked")
int BPF_PROG(ev_slow_acked, const struct rsp_chan_view *view, __u64 bytes, __u64 lat_ns,
	     int status, const struct rsp_stages *stages)
{
	if (lat_ns + rsp_stage_wait(stages) < slow_ns)
		return 0;
	return ev_ack(RSP_EVENT_SLOW, view, bytes, lat_ns, status, stages);
}

SEC("tp_btf/rsp_chan_acked")
int BPF_PROG(ev_io_acked, const struct rsp_chan_view *view, __u64 bytes, __u64 lat_ns,
	     int status, const struct rsp_stages *stages)
{
	return ev_ack(RSP_EVENT_IO_ACK, view, bytes, lat_ns, status, stages);
}

SEC("tp_btf/rsp_chan_send")
int BPF_PROG(ev_io_send, const struct rsp_chan_view *view, __u32 len, __u32 nr_wr)
{
	struct rsp_event *ev = ev_chan(RSP_EVENT_IO_SEND, view);

	if (ev) {
		ev->bytes = len;
		ev->nr = nr_wr;
		bpf_ringbuf_submit(ev, 0);
	}
	return 0;
}

SEC("tp_btf/rsp_chan_recv")
int BPF_PROG(ev_io_recv, const struct rsp_chan_view *view, __u32 len)
{
	struct rsp_event *ev = ev_chan(RSP_EVENT_IO_RECV, view);

	if (ev) {
		ev->bytes = len;
		bpf_ringbuf_submit(ev, 0);
	}
	return 0;
}

SEC("tp_btf/rsp_chan_stall")
int BPF_PROG(ev_io_stall, const struct rsp_chan_view *view, __u64 waited_ns)
{
	struct rsp_event *ev = ev_chan(RSP_EVENT_IO_STALL, view);

	if (ev) {
		ev->ns = waited_ns;
		bpf_ringbuf_submit(ev, 0);
	}
	return 0;
}

SEC("tp_btf/rsp_chan_window")
int BPF_PROG(ev_io_window, const struct rsp_chan_view *view, __u32 old)
{
	struct rsp_event *ev = ev_chan(RSP_EVENT_IO_WINDOW, view);

	if (ev) {
		ev->old = old;
		ev->nr = view->window;
		bpf_ringbuf_submit(ev, 0);
	}
	return 0;
}

SEC("tp_btf/rsp_chan_grant")
int BPF_PROG(ev_io_grant, const struct rsp_chan_view *view, __u32 old)
{
	struct rsp_event *ev = ev_chan(RSP_EVENT_IO_GRANT, view);

	if (ev) {
		ev->old = old;
		ev->nr = view->grant;
		bpf_ringbuf_submit(ev, 0);
	}
	return 0;
}

SEC("tp_btf/rsp_key_reg")
int BPF_PROG(ev_io_reg, const struct rsp_chan_view *view, __u32 nr_pages, __u32 len)
{
	struct rsp_event *ev = ev_chan(RSP_EVENT_IO_REG, view);

	if (ev) {
		ev->nr = nr_pages;
		ev->bytes = len;
		bpf_ringbuf_submit(ev, 0);
	}
	return 0;
}

SEC("tp_btf/rsp_key_inv")
int BPF_PROG(ev_io_inv, const struct rsp_chan_view *view, __u32 how)
{
	struct rsp_event *ev = ev_chan(RSP_EVENT_IO_INV, view);

	if (ev) {
		ev->why = how;
		bpf_ringbuf_submit(ev, 0);
	}
	return 0;
}

SEC("tp_btf/rsp_work_error")
int BPF_PROG(ev_io_error, const struct rsp_chan_view *view, int status, __u32 opcode)
{
	struct rsp_event *ev = ev_chan(RSP_EVENT_IO_ERROR, view);

	if (ev) {
		ev->reason = status;
		ev->nr = opcode;
		bpf_ringbuf_submit(ev, 0);
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
