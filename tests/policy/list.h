/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by pol.c and list.bpf.c. */
#define LIST_MAX	128

struct list_result {
	__u32	nr_policy;
	__u32	nr_svc;
	__u32	nr_ep;
	__u32	nr_rq;
	__u32	nr_peer;
	__u32	nr_chan;
	__u32	nr_bad;
	__u32	nr_cache;
	__u64	limit_bytes;
};
