// SPDX-License-Identifier: GPL-2.0
/*
 * buf_quota: a fixed amount of pool memory per service. What a service gets
 * depends on nobody else, so its behaviour can be reproduced and reasoned about:
 * the static partition that shared-buffer work is measured against (Irland,
 * "Buffer management in a packet switch", 1978). Receive queues hold a receive
 * for every credit their channels gave out, as the stock transports do.
 *
 * Hooks: admit, recv_depth, reclaim. Helps where one service must never feel
 * another, or where memory has to be capped for sure. Wrong choice where demand
 * moves between services: memory stands idle while somebody waits. On overload
 * a service at its quota starves, the others notice nothing.
 *
 * Quotas of single services: `bpftool map update name quotas key ... value ...`,
 * key the name in 16 bytes, value bytes as u64.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

/* knobs */
const volatile __u32 quota_mb = 32;	/* for services that are not in the map */

struct quota_key {
	char	name[RSP_NAME_LEN];
};

/* quotas of single services, in bytes; written by user space only */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct quota_key);
	__type(value, __u64);
} quotas SEC(".maps");

/* what a service's priv[] keeps */
struct quota_svc {
	__u64	nr_cut;		/* times it got less than it wanted */
};

enum rsp_stat {
	STAT_ADMIT,		/* times asked */
	STAT_CUT,		/* of these answered with less than wanted */
	STAT_CUT_BUFS,		/* buffers not admitted */
	STAT_RECLAIM_BUFS,	/* buffers asked back */
	NR_STAT
};
RSP_STATS(NR_STAT);
RSP_EXIT_RECORD;

static __u64 quota_bytes(const struct rsp_svc_view *svc)
{
	struct quota_key key;
	__u64 *bytes;

	for (int i = 0; i < RSP_NAME_LEN; i++)
		key.name[i] = svc->name[i];
	bytes = bpf_map_lookup_elem(&quotas, &key);
	return bytes ? *bytes : (__u64)quota_mb << 20;
}

int RSP_HOOK(quota_admit, struct rsp_svc_view *svc, struct rsp_buf_req *req)
{
	struct quota_svc *mine = RSP_PRIV(struct quota_svc, svc);
	__u64 bytes = quota_bytes(svc), held = svc->held_bytes;
	__u64 nr = 0;

	stat_inc(STAT_ADMIT);
	if (held < bytes && req->buf_bytes)
		nr = (bytes - held) / req->buf_bytes;
	if (nr >= req->want)
		return req->want;
	mine->nr_cut++;
	stat_inc(STAT_CUT);
	stat_add(STAT_CUT_BUFS, req->want - nr);
	return nr;
}

int RSP_HOOK(quota_recv_depth, struct rsp_rq_view *rq)
{
	return rsp_clamp(rq->credits, rq->min, rq->size);
}

/* the pool ran out although nobody may be over quota: quotas can sum up to more */
int RSP_HOOK(quota_reclaim, struct rsp_svc_view *svc, struct rsp_buf_req *req)
{
	__u64 bytes = quota_bytes(svc), held = svc->held_bytes;
	__u64 nr = req->want;

	if (held > bytes && req->buf_bytes)
		nr += (held - bytes) / req->buf_bytes;
	nr = RSP_MIN(nr, 0x7fffffffULL);
	stat_add(STAT_RECLAIM_BUFS, nr);
	return nr;
}

void RSP_HOOK(quota_exit, struct rsp_exit_info *info)
{
	exit_record(info);
}

RSP_OPS(rsp_buf_ops, buf_quota) = {
	.admit		= (void *)quota_admit,
	.recv_depth	= (void *)quota_recv_depth,
	.reclaim	= (void *)quota_reclaim,
	.exit		= (void *)quota_exit,
	.name		= "buf_quota",
};
