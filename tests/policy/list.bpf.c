// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of tests/policy/pol: list policies and the log; walk all objects and
 * ask for each of them by its id as well. Every kfunc is called here.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/kfunc.h>
#include "list.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LIST_MAX);
	__type(key, __u32);
	__type(value, struct rsp_policy_view);
} policies SEC(".maps");

SEC("syscall")
int list_policies(struct list_result *result)
{
	struct rsp_policy_view *policy, *copy;
	__u32 nr = 0;

	rsp_for_each(policy, policy) {
		if (nr >= LIST_MAX)
			break;
		copy = bpf_map_lookup_elem(&policies, &nr);
		if (copy)
			bpf_probe_read_kernel(copy, sizeof(*copy), policy);
		nr++;
	}
	result->nr_policy = nr;
	return 0;
}

SEC("syscall")
int walk_objects(struct list_result *result)
{
	__u32 nr, bad = 0;

	{
		struct rsp_svc_view *cur, got = {};

		nr = 0;
		rsp_for_each(svc, cur) {
			nr++;
			if (rsp_svc_get(cur->id, &got) || got.id != cur->id)
				bad++;
		}
		result->nr_svc = nr;
	}
	{
		struct rsp_ep_view *cur, got = {};

		nr = 0;
		rsp_for_each(ep, cur) {
			nr++;
			if (rsp_ep_get(cur->id, &got) || got.id != cur->id)
				bad++;
		}
		result->nr_ep = nr;
	}
	{
		struct rsp_rq_view *cur, got = {};

		nr = 0;
		rsp_for_each(rq, cur) {
			nr++;
			if (rsp_rq_get(cur->id, &got) || got.id != cur->id)
				bad++;
		}
		result->nr_rq = nr;
	}
	{
		struct rsp_peer_view *cur;

		nr = 0;
		rsp_for_each(peer, cur)
			nr++;
		result->nr_peer = nr;
	}
	result->nr_bad = bad;
	return 0;
}

/* its view is the largest: a program of its own for the sake of the stack */
SEC("syscall")
int walk_channels(struct list_result *result)
{
	struct rsp_chan_view *cur, got = {};
	__u32 nr = 0;

	rsp_for_each(chan, cur) {
		nr++;
		if (rsp_chan_get(cur->id, &got) || got.id != cur->id)
			result->nr_bad++;
	}
	result->nr_chan = nr;
	if (!rsp_chan_get(0, &got) || !rsp_chan_get(0x7fffffff, &got))
		result->nr_bad++;
	return 0;
}

/* its view and the iterator do not fit the stack together */
static struct rsp_cache_view got_cache;

SEC("syscall")
int walk_caches(struct list_result *result)
{
	struct rsp_cache_view *cur;
	__u32 nr = 0;

	rsp_for_each(cache, cur) {
		nr++;
		if (rsp_cache_get(cur->id, &got_cache) || got_cache.id != cur->id)
			result->nr_bad++;
	}
	result->nr_cache = nr;
	if (!rsp_cache_get(0, &got_cache) || !rsp_cache_get(0x7fffffff, &got_cache))
		result->nr_bad++;
	return 0;
}

SEC("syscall")
int walk_host(struct list_result *result)
{
	struct rsp_policy_view policy = {};
	struct rsp_pool_view pool = {};

	rsp_pool_get(&pool);
	result->limit_bytes = pool.limit_bytes;
	for (int i = 0; i < RSP_NR_FAMILY; i++)
		if (rsp_policy_get(i, &policy) || !policy.is_active || policy.family != i)
			result->nr_bad++;
	if (!rsp_policy_get(RSP_NR_FAMILY, &policy))
		result->nr_bad++;
	return 0;
}
