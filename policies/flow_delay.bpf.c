// SPDX-License-Identifier: GPL-2.0
/*
 * flow_delay: hold the time of an exchange at a target. Below it the window
 * grows by one per window of exchanges, above it the window shrinks in proportion
 * to the excess, by max_cut_pct at most and once per round trip: the control law
 * of Swift (Kumar et al., "Swift: delay is simple and effective for congestion
 * control in the datacenter", SIGCOMM 2020), with a target that grows with the
 * size of exchanges instead of the length of the path.
 *
 * Hooks: chan_open, window, stall. Helps where latency matters more than the last
 * bit of throughput and load varies. Wrong choice where the target cannot be known
 * or the server's own time (disk) dwarfs the network's: the window then shrinks
 * for a delay it did not cause. On overload windows fall until the target holds,
 * requests wait in the client instead of in the network.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

/* knobs; the defaults suit soft RDMA, a hardware device wants target_us = 50, ns_per_kib = 200 */
const volatile __u32 target_us = 2000;	/* of an exchange without payload */
const volatile __u32 ns_per_kib = 40000;	/* more for each KiB of payload */
const volatile __u32 beta_pct = 80;	/* of the relative excess, taken from the window */
const volatile __u32 max_cut_pct = 50;	/* of the window, taken at once at most, 1 to 90 */
const volatile __u32 start_window = 16;	/* exchanges */
const volatile __u32 min_window = 1;	/* exchanges, at least 1 */

#define ONE	256U			/* windows are kept in 256ths */

/* what a channel's priv[] keeps */
struct delay_chan {
	__u64	cut_ns;		/* when the window was last cut */
	__u64	target_ns;	/* of the last batch, to look at */
	__u64	delay_ns;	/* of the last batch, to look at */
	__u32	window;		/* in 256ths, 0 before the first batch */
	__u32	rsvd;
};

enum rsp_stat {
	STAT_BATCH,		/* batches of exchanges finished */
	STAT_ACK,		/* exchanges finished */
	STAT_BELOW,		/* batches below target */
	STAT_ABOVE,		/* batches above target */
	STAT_CUT,		/* of these that cut the window */
	STAT_STALL,		/* requests that had to wait */
	NR_STAT
};
RSP_STATS(NR_STAT);

/* batches by log2 of their mean delay in microseconds */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 32);
	__type(key, __u32);
	__type(value, __u64);
} delay_us_log2 SEC(".maps");

RSP_EXIT_RECORD;

static void delay_count(__u64 delay_ns)
{
	__u32 step = rsp_log2(delay_ns / 1000) & 31;
	__u64 *nr = bpf_map_lookup_elem(&delay_us_log2, &step);

	if (nr)
		(*nr)++;
}

void RSP_HOOK(delay_chan_open, struct rsp_chan_view *chan)
{
	struct delay_chan *mine = RSP_PRIV(struct delay_chan, chan);

	mine->window = RSP_MAX(start_window, 1U) * ONE;
}

int RSP_HOOK(delay_window, struct rsp_chan_view *chan, struct rsp_ack_req *req)
{
	struct delay_chan *mine = RSP_PRIV(struct delay_chan, chan);
	__u64 window = mine->window, target_ns, delay_ns, now;

	stat_inc(STAT_BATCH);
	stat_add(STAT_ACK, req->nr_ack);
	if (!window)
		window = RSP_MAX(start_window, 1U) * ONE;
	if (!req->nr_ack)
		goto out;
	delay_ns = req->lat_sum_ns / req->nr_ack;
	target_ns = (__u64)target_us * 1000 + req->bytes / req->nr_ack * ns_per_kib / 1024;
	mine->target_ns = target_ns;
	mine->delay_ns = delay_ns;
	delay_count(delay_ns);

	if (delay_ns <= target_ns) {
		stat_inc(STAT_BELOW);
		window += (__u64)req->nr_ack * ONE * ONE / window;
	} else {
		stat_inc(STAT_ABOVE);
		now = bpf_ktime_get_ns();
		if (now - mine->cut_ns > delay_ns) {
			__u64 cut = (delay_ns - target_ns) * beta_pct / delay_ns;

			window -= window * rsp_clamp(cut, 0, rsp_clamp(max_cut_pct, 1, 90)) / 100;
			mine->cut_ns = now;
			stat_inc(STAT_CUT);
		}
	}
	window = rsp_clamp(window, RSP_MAX(min_window, 1U) * ONE,
			   (__u64)chan->max_credits * ONE);
out:
	mine->window = window;
	return rsp_clamp(window / ONE, 1, chan->max_credits);
}

void RSP_HOOK(delay_stall, struct rsp_chan_view *chan)
{
	stat_inc(STAT_STALL);
}

void RSP_HOOK(delay_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_flow_ops, flow_delay) = {
	.chan_open	= (void *)delay_chan_open,
	.window		= (void *)delay_window,
	.stall		= (void *)delay_stall,
	.exit		= (void *)delay_exit,
	.name		= "flow_delay",
};
