// SPDX-License-Identifier: GPL-2.0
/* Has every shared struct in its BTF, for tests/policy/layout.sh. Never loaded. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <rsp/policy.h>

RSP_LICENSE;

struct {
	struct rsp_svc_view svc;
	struct rsp_pool_view pool;
	struct rsp_buf_req buf;
	struct rsp_bulk_req bulk;
	struct rsp_rq_view rq;
	struct rsp_peer_view peer;
	struct rsp_ep_view ep;
	struct rsp_chan_view chan;
	struct rsp_desc_view desc;
	struct rsp_place_req place;
	struct rsp_ack_req ack;
	struct rsp_exit_info info;
	struct rsp_policy_view policy;
	struct rsp_cache_view cache;
	struct rsp_block_view block;
	struct rsp_block_req block_req;
} layout;
