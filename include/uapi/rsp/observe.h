/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What the observers of bpf/observe.bpf.c keep in their maps, pinned under
 * /sys/fs/bpf/rsp/observe/. Append-only, as the views are.
 *
 * Figures count from the moment the observers were switched on.
 */
#ifndef _UAPI_RSP_OBSERVE_H
#define _UAPI_RSP_OBSERVE_H

#include <rsp/view.h>

/* step n of a histogram counts times of 2^n to 2^(n+1) - 1 ns; 0 ns is in step 0 */
#define RSP_OBS_NR_STEP	36

/* step n counts samples of 2^n to 2^(n+1) - 1 exchanges in flight; 0 is in step 0 */
#define RSP_OBS_NR_FLIGHT	16

/* rsp_obs_chan.is_folded, else 0 */
#define RSP_OBS_FOLDING		1
#define RSP_OBS_FOLDED		2

/* samples of slow exchanges that are kept: the last ones */
#define RSP_OBS_NR_SLOW		512

/** enum rsp_obs_inv - ways a key becomes invalid again (trace event rsp_key_inv) */
enum rsp_obs_inv {
	RSP_OBS_INV_REMOTE,	/* the peer did it, or nobody got to know the key */
	RSP_OBS_INV_LOCAL,	/* this host did, with a work request of its own */
	RSP_OBS_INV_END,	/* destroyed with its channel */
	RSP_OBS_NR_INV = 4,	/* room for one more */
};

/**
 * struct rsp_obs_io - traffic of a service, a channel or an endpoint
 */
struct rsp_obs_io {
	__u64	nr_send;		/* messages sent */
	__u64	send_bytes;		/* in messages; RDMA is in ack_bytes */
	__u64	nr_wr;			/* work requests posted */
	__u64	nr_recv;		/* messages received */
	__u64	recv_bytes;
	__u64	nr_ack;			/* exchanges finished */
	__u64	ack_bytes;		/* payload they moved */
	__u64	nr_error;		/* of them with an error */
	__u64	lat_sum_ns;
	__u64	lat_max_ns;
	__u64	nr_stall;		/* waits for the window or a send slot */
	__u64	stall_sum_ns;
	__u64	stall_max_ns;
	__u64	nr_reg;			/* memory registrations */
	__u64	reg_pages;
	__u64	reg_bytes;
	__u64	nr_inv[RSP_OBS_NR_INV];	/* keys invalidated, enum rsp_obs_inv */
	__u64	nr_work_error;		/* work requests that failed, not what was flushed then */
	__u64	lat_steps[RSP_OBS_NR_STEP];	/* exchanges by their time */
	__u64	stall_steps[RSP_OBS_NR_STEP];	/* waits by their time */
};

/**
 * struct rsp_obs_svc - a service (map "svc", key: service id)
 *
 * An event on a channel counts in the channel alone, which is cheaper. When that goes down or moves
 * its figures are added to those of its service and endpoint, where its later ones count from then
 * on (rsp_obs_chan.is_folded); rsp_observe_list() adds what channels have that are not folded. So
 * a channel that had no event while the map's size of others came and went takes its part along.
 */
struct rsp_obs_svc {
	char	name[RSP_NAME_LEN];	/* empty until an event that carries it */
	__u32	is_gone;		/* 1: unregistered */
	__u32	rsvd;
	__u64	nr_up;			/* channels that came up */
	__u64	nr_down;		/* channels that went down */
	__u64	nr_ask;			/* times it asked the pool for buffers */
	__u64	nr_want;		/* buffers it asked for */
	__u64	nr_admit;		/* buffers it was allowed */
	__u64	max_held_bytes;		/* most pool memory seen held */
	struct rsp_obs_io io;
};

/**
 * struct rsp_obs_chan - a channel (map "chan", key: channel id)
 */
struct rsp_obs_chan {
	__u32	svc_id;
	__u32	ep_id;
	__u32	peer_id;
	__u32	role;			/* enum rsp_role */
	__u32	is_down;
	__s32	reason;			/* negative errno it went down with */
	__u32	in_flight;		/* at the last event */
	__u32	max_in_flight;
	__u32	window;			/* in force */
	__u32	min_window;		/* lowest and highest seen */
	__u32	max_window;
	__u32	grant;			/* advertised to the peer */
	__u32	nr_window;		/* changes of the window */
	__u32	nr_grant;		/* changes of the grant */
	struct rsp_obs_io io;
	__u64	nr_move;		/* times it went to another endpoint */
	__u64	move_max_ns;		/* longest of these */
	__u32	is_folded;		/* its io is in those of its service and endpoint, too */
	__u32	rsvd;
	__u64	flight_sum;
	__u64	flight_steps[RSP_OBS_NR_FLIGHT];	/* exchanges left in flight as one ends */
};

/**
 * struct rsp_obs_ep - an endpoint (map "ep", key: endpoint id)
 */
struct rsp_obs_ep {
	char	dev[RSP_NAME_LEN];	/* empty if it was up before the observers */
	__u32	peer_id;
	__u32	rq_id;
	__u32	vector;
	__u32	role;			/* enum rsp_role */
	__u32	is_down;
	__s32	reason;			/* negative errno it went down with */
	struct rsp_obs_io io;
	__u64	nr_rnr;			/* work requests failed since the peer was never ready to receive */
};

/**
 * struct rsp_obs_rq - a receive queue (map "rq", key: receive queue id)
 */
struct rsp_obs_rq {
	__u32	dev_id;
	__u32	vector;
	__u32	class;			/* enum rsp_class */
	__u32	min_posted;		/* fewest receives seen posted at a refill */
	__u64	nr_refill;		/* batches */
	__u64	nr_posted;		/* receives in them */
	__u64	nr_empty;		/* times it ran low */
};

/**
 * struct rsp_obs_desc - a published region, or a peer's that is held (map "desc", key: its id)
 */
struct rsp_obs_desc {
	char	svc[RSP_NAME_LEN];	/* the service that publishes it */
	__u64	key;			/* names it among the regions of the service */
	__u64	len;			/* bytes */
	__u32	role;			/* enum rsp_role: server publishes, client holds */
	__u32	epoch;
	__u32	is_over;		/* 1: revoked, or not held any more */
	__s32	reason;			/* held: why, 0: it was put */
	__u64	nr_grant;		/* published: grants given */
	__u64	nr_end[4];		/* published: grants that ended, by enum rsp_desc_end */
};

/**
 * struct rsp_obs_cache - a block cache (map "cache", key: its id)
 */
struct rsp_obs_cache {
	__u64	nr_insert;		/* blocks that came in */
	__u64	nr_remove[4];		/* that went, by enum rsp_remove_why */
	__u64	nr_used;		/* of these that had been touched */
	__u64	nr_touch;		/* accesses told to the policy */
	__u64	nr_batch;		/* batches they were told in */
};

/**
 * struct rsp_obs_keys - a pool of memory keys (map "keys", key: 2 * device id, + 1 for keys that
 *	belong to single channels)
 */
struct rsp_obs_keys {
	__u64	nr_take[RSP_NR_KEYS_HOW];	/* keys asked for, by enum rsp_keys_how */
	__u64	nr_grow;		/* keys made ahead */
	__u64	nr_give;		/* keys that came back, invalid */
	__u64	nr_destroy;		/* keys destroyed to make them invalid */
};

/**
 * struct rsp_obs_slow - an exchange that took long (map "slow", key: no matter)
 * @sent_ns: from queued to sent, the service gave it to RSP
 * @posted_ns: from queued to posted, the message was handed to the HCA; 0 if unknown
 * @completed_ns: from queued to completed, the reply was received; 0 if unknown
 * @delivered_ns: from queued to delivered, the service was done with it
 *
 * Queued is when the service's user asked for it (sunrpc's task, the block layer's request), or sent where
 * the service does not tell.
 */
struct rsp_obs_slow {
	__u64	seq;			/* 1, 2, ...; 0: not used yet, or being written */
	__u64	end_ns;			/* CLOCK_MONOTONIC as it was delivered */
	__u64	posted_ns;
	__u64	completed_ns;
	__u64	delivered_ns;
	__u64	bytes;			/* payload it moved */
	__u32	chan_id;
	__u32	svc_id;
	__u32	ep_id;
	__u32	peer_id;
	__s32	status;			/* negative errno, if it failed */
	__u32	in_flight;		/* others of the channel */
	__u32	window;
	__u32	rsvd;
	__u64	sent_ns;
};

/**
 * struct rsp_obs_pool - a size class of the pool (map "pool", key: enum rsp_class)
 */
struct rsp_obs_pool {
	__u64	nr_ask;			/* times a service asked */
	__u64	nr_want;		/* buffers asked for */
	__u64	nr_admit;		/* buffers allowed */
	__u64	nr_short;		/* answers below what was asked */
	__u64	nr_grow;		/* arenas added */
	__u64	grow_bytes;		/* in them */
};

/**
 * struct rsp_obs_policy - a policy family (map "policy", key: enum rsp_family)
 */
struct rsp_obs_policy {
	__u64	nr_swap;		/* times another policy took over */
	__u64	swap_sum_ns;
	__u64	swap_max_ns;
	__u64	swap_last_ns;
	__u64	nr_eject;
	char	from[RSP_NAME_LEN];	/* the last swap */
	char	to[RSP_NAME_LEN];
	struct rsp_exit_info ejected;	/* the last ejection */
};

_Static_assert(sizeof(struct rsp_obs_io) == 744, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_obs_svc) == 816, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_obs_chan) == 960, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_obs_ep) == 792, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_obs_rq) == 40, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_obs_desc) == 88, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_obs_cache) == 64, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_obs_keys) == 48, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_obs_slow) == 88, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_obs_pool) == 48, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_obs_policy) == 184, "ABI: append, never resize");

#endif /* _UAPI_RSP_OBSERVE_H */
