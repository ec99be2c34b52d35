// SPDX-License-Identifier: GPL-2.0
/*
 * flow_aimd: additive increase, multiplicative decrease. The window grows by one
 * exchange per window of exchanges while requests wait for it, and is cut when an
 * exchange fails or the mean latency of a batch passes a multiple of the lowest
 * seen. Several channels that share a bottleneck converge to equal shares (Chiu
 * and Jain, "Analysis of the increase and decrease algorithms for congestion
 * avoidance", 1989).
 *
 * Hooks: chan_open, window, chan_close. Helps where many clients share a server
 * and one of them would fill its queue. Wrong choice for channels that mix small
 * and large exchanges: the lowest latency is that of the small ones, and large
 * ones look like congestion (flow_delay accounts for size). On overload every
 * channel backs off to min_window.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

/* knobs */
const volatile __u32 start_window = 8;	/* exchanges */
const volatile __u32 min_window = 2;	/* exchanges, at least 1 */
const volatile __u32 cut_pct = 30;	/* of the window, taken at a sign of congestion, 1 to 90 */
const volatile __u32 lat_factor = 16;	/* mean latency above this many times the lowest is congestion */

#define ONE	256U			/* windows are kept in 256ths */

/* what a channel's priv[] keeps */
struct aimd_chan {
	__u64	cut_ns;		/* when the window was last cut */
	__u32	window;		/* in 256ths, 0 before the first batch */
	__u32	rsvd;
};

enum rsp_stat {
	STAT_BATCH,		/* batches of exchanges finished */
	STAT_ACK,		/* exchanges finished */
	STAT_GROW,		/* batches that grew the window */
	STAT_CUT_LAT,		/* cuts for latency */
	STAT_CUT_ERROR,		/* cuts for failed exchanges */
	STAT_OPEN,		/* channels seen */
	STAT_CLOSE,		/* channels gone */
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

void RSP_HOOK(aimd_chan_open, struct rsp_chan_view *chan)
{
	struct aimd_chan *mine = RSP_PRIV(struct aimd_chan, chan);

	stat_inc(STAT_OPEN);
	mine->window = RSP_MAX(start_window, 1U) * ONE;
}

int RSP_HOOK(aimd_window, struct rsp_chan_view *chan, struct rsp_ack_req *req)
{
	struct aimd_chan *mine = RSP_PRIV(struct aimd_chan, chan);
	__u64 now = bpf_ktime_get_ns(), lat_ns = 0;
	__u64 window = mine->window;
	bool is_slow;

	stat_inc(STAT_BATCH);
	stat_add(STAT_ACK, req->nr_ack);
	if (!window)
		window = RSP_MAX(start_window, 1U) * ONE;
	if (req->nr_ack)
		lat_ns = req->lat_sum_ns / req->nr_ack;
	is_slow = chan->min_lat_ns && lat_ns > chan->min_lat_ns * lat_factor;

	if (req->nr_error || is_slow) {
		/* what is in flight still belongs to the window before: cut once per round trip */
		if (now - mine->cut_ns > lat_ns) {
			window -= window * rsp_clamp(cut_pct, 1, 90) / 100;
			mine->cut_ns = now;
			stat_inc(req->nr_error ? STAT_CUT_ERROR : STAT_CUT_LAT);
		}
	} else if (req->nr_stall || (__u64)chan->in_flight * ONE + ONE >= window) {
		/* a window that nobody waits for proves nothing */
		window += (__u64)req->nr_ack * ONE * ONE / window;
		stat_inc(STAT_GROW);
	}

	window = rsp_clamp(window, RSP_MAX(min_window, 1U) * ONE,
			   (__u64)chan->max_credits * ONE);
	mine->window = window;
	return rsp_clamp(window / ONE, 1, chan->max_credits);
}

void RSP_HOOK(aimd_chan_close, struct rsp_chan_view *chan)
{
	stat_inc(STAT_CLOSE);
}

void RSP_HOOK(aimd_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_flow_ops, flow_aimd) = {
	.chan_open	= (void *)aimd_chan_open,
	.window		= (void *)aimd_window,
	.chan_close	= (void *)aimd_chan_close,
	.exit		= (void *)aimd_exit,
	.name		= "flow_aimd",
};
