/* SPDX-License-Identifier: GPL-2.0 */
/* Stages of an exchange, from what trace event rsp_chan_acked tells. */
#ifndef __RSP_BPF_STAGE_H
#define __RSP_BPF_STAGE_H

/*
 * From @queued_ns to @ns, at least 1; 0 where @ns is out of date: nobody traced as this stage was
 * reached, and it is an earlier exchange's. @queued_ns is reckoned back from @end_ns, which is
 * taken a moment later than the time of the exchange: so much that it took is forgiven.
 */
static __always_inline __u64 rsp_stage_ns(__u64 ns, __u64 queued_ns, __u64 end_ns)
{
	if (ns > end_ns || ns + (end_ns - queued_ns) < queued_ns)
		return 0;
	return ns > queued_ns ? ns - queued_ns : 1;
}

#endif /* __RSP_BPF_STAGE_H */
