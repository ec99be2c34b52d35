/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What bpf/stream.bpf.c tells `rspctl monitor` and `rspctl trace` through its ring buffer.
 */
#ifndef _UAPI_RSP_EVENT_H
#define _UAPI_RSP_EVENT_H

#include <rsp/view.h>

/** enum rsp_event_what - what happened; which fields of struct rsp_event say more */
enum rsp_event_what {
	RSP_EVENT_POLICY_SWAP,	/* id: family, from, to, ns */
	RSP_EVENT_POLICY_EJECT,	/* id: family, from, why: enum rsp_exit_kind, msg */
	RSP_EVENT_SVC_UP,	/* svc_id, from: its name */
	RSP_EVENT_SVC_DOWN,
	RSP_EVENT_EP_UP,	/* ep_id, peer_id, from: device */
	RSP_EVENT_EP_DOWN,	/* and reason */
	RSP_EVENT_CHAN_UP,	/* id, svc_id, ep_id, peer_id */
	RSP_EVENT_CHAN_DOWN,	/* and reason */
	RSP_EVENT_CHAN_MOVE,	/* old: endpoint it left, ns */
	RSP_EVENT_SLOW,		/* as RSP_EVENT_IO_ACK */
	RSP_EVENT_POOL_GROW,	/* id: enum rsp_class, bytes */
	RSP_EVENT_POOL_REFUSE,	/* id: enum rsp_class, svc_id, nr: buffers since the last time */
	RSP_EVENT_CACHE_DROP,	/* id, why: enum rsp_remove_why, nr: blocks since the last time */
	RSP_EVENT_DESC_PUBLISH,	/* id, from: service, key, bytes */
	RSP_EVENT_DESC_REVOKE,
	RSP_EVENT_DESC_END,	/* and why: enum rsp_desc_end */
	RSP_EVENT_DESC_LEFT,	/* and reason */
	RSP_EVENT_IO_SEND,	/* id, bytes, nr: work requests */
	RSP_EVENT_IO_RECV,	/* id, bytes */
	RSP_EVENT_IO_ACK,	/* id, bytes, sent_ns to ns, reason: status, nr: in flight */
	RSP_EVENT_IO_STALL,	/* id, ns */
	RSP_EVENT_IO_WINDOW,	/* id, old, nr: new */
	RSP_EVENT_IO_GRANT,
	RSP_EVENT_IO_REG,	/* id, bytes, nr: pages */
	RSP_EVENT_IO_INV,	/* id, why: enum rsp_obs_inv */
	RSP_EVENT_IO_ERROR,	/* id, reason: enum ib_wc_status, nr: enum ib_wr_opcode */
	RSP_NR_EVENT,
};

/**
 * struct rsp_event - something happened
 * @time_ns: CLOCK_MONOTONIC
 * @sent_ns: of an exchange, from queued (its user asked for it) to sent (the service gave it to RSP)
 * @posted_ns: of an exchange, from queued to posted; 0 if unknown
 * @completed_ns: of an exchange, from queued to the reply's completion; 0 if unknown
 */
struct rsp_event {
	__u64	time_ns;
	__u32	what;			/* enum rsp_event_what */
	__u32	id;
	__u32	svc_id;
	__u32	ep_id;
	__u32	peer_id;
	__s32	reason;
	__u32	why;
	__u32	old;
	__u64	nr;
	__u64	bytes;
	__u64	ns;
	__u64	posted_ns;
	__u64	completed_ns;
	__u64	key;
	char	from[RSP_NAME_LEN];
	char	to[RSP_NAME_LEN];
	char	msg[64];
	__u64	sent_ns;
};

/* what is counted instead of told one by one; value: __u64 */
struct rsp_event_count {
	__u32	what;
	__u32	id;
	__u32	svc_id;
	__u32	why;
};

_Static_assert(sizeof(struct rsp_event) == 192, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_event_count) == 16, "ABI: append, never resize");

#endif /* _UAPI_RSP_EVENT_H */
