/* SPDX-License-Identifier: GPL-2.0 */
/* Stages of an exchange, from what trace event rsp_chan_acked tells. */
#ifndef __RSP_BPF_STAGE_H
#define __RSP_BPF_STAGE_H

/* each from queued on; 0: unknown */
struct rsp_stage_times {
	__u64	sent_ns;	/* the service gave it to RSP */
	__u64	posted_ns;	/* RSP gave it to the HCA */
	__u64	completed_ns;	/* the reply was received */
	__u64	delivered_ns;	/* the service was done with it */
};

/* what it waited before it was sent; none where the service does not tell */
static __always_inline __u64 rsp_stage_wait(const struct rsp_stages *stages)
{
	__u64 queued_ns = stages ? stages->queued_ns : 0, sent_ns = stages ? stages->sent_ns : 0;

	return queued_ns && queued_ns < sent_ns ? sent_ns - queued_ns : 0;
}

/*
 * At least 1; 0 where @ns is out of date: nobody traced as this stage was reached, and it is an
 * earlier exchange's.
 */
static __always_inline __u64 rsp_stage_since(__u64 ns, __u64 sent_ns, __u64 lat_ns, __u64 wait_ns)
{
	if (ns < sent_ns || ns - sent_ns > lat_ns)
		return 0;
	return wait_ns + (ns - sent_ns) ?: 1;
}

/* of an exchange that took @lat_ns since it was sent */
static __always_inline void rsp_stage_times(struct rsp_stage_times *times,
					    const struct rsp_stages *stages, __u64 lat_ns)
{
	__u64 wait_ns = rsp_stage_wait(stages);

	times->sent_ns = wait_ns;
	times->posted_ns = 0;
	times->completed_ns = 0;
	times->delivered_ns = wait_ns + lat_ns;
	if (!stages)
		return;
	times->posted_ns = rsp_stage_since(stages->posted_ns, stages->sent_ns, lat_ns, wait_ns);
	times->completed_ns = rsp_stage_since(stages->replied_ns, stages->sent_ns, lat_ns, wait_ns);
	if (times->completed_ns < times->posted_ns)
		times->completed_ns = 0;
}

#endif /* __RSP_BPF_STAGE_H */
