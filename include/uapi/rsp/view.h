/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Views: what a policy, an observer and rspctl see of RSP's objects.
 *
 * A view stands inside the object it shows, is filled by the mechanism and is
 * append-only: a new field goes behind the last one, nothing moves. Figures are
 * read without locks and may be a moment old. Only priv[] can be written
 * by BPF, and only by the policy family named in its comment; it is zero when
 * a policy sees the object for the first time.
 */
#ifndef _UAPI_RSP_VIEW_H
#define _UAPI_RSP_VIEW_H

#ifndef __bpf__			/* BPF code has these types from vmlinux.h */
#include <linux/types.h>
#endif

#define RSP_NAME_LEN	16	/* names of services, policies and devices, NUL included */
#define RSP_NR_CLASS	5	/* buffer size classes, see enum rsp_class */
#define RSP_NR_LIST	4	/* ordered lists of a cache */
#define RSP_NR_SIZE	13	/* transfer sizes: <= 512 B, 1 KiB, ... 1 MiB, larger */

/** enum rsp_class - size classes of the buffer pool */
enum rsp_class {
	RSP_CLASS_1K,
	RSP_CLASS_4K,
	RSP_CLASS_8K,
	RSP_CLASS_16K,		/* 8 KiB and the headers before them: iSER */
	RSP_CLASS_64K,
};

/** enum rsp_family - policy families, one struct_ops type each */
enum rsp_family {
	RSP_FAMILY_BUF,
	RSP_FAMILY_EP,
	RSP_FAMILY_FLOW,
	RSP_FAMILY_CACHE,
	RSP_NR_FAMILY,
};

/** enum rsp_role - which end of a connection this host is */
enum rsp_role {
	RSP_ROLE_CLIENT,	/* it connected */
	RSP_ROLE_SERVER,	/* it accepted */
};

/** enum rsp_state - states of an endpoint and of a channel */
enum rsp_state {
	RSP_STATE_CONNECTING,
	RSP_STATE_UP,
	RSP_STATE_CLOSING,	/* draining, no new work */
	RSP_STATE_DEAD,		/* drained, waits for its last reference */
};

/** enum rsp_bulk - how a payload of some size travels (rsp_buf_ops.bulk) */
enum rsp_bulk {
	RSP_BULK_INLINE,	/* in the message, gathered from its pages, one completion each */
	RSP_BULK_COPY,		/* in the message, copied into a pool buffer */
	RSP_BULK_REG,		/* registered, moved by RDMA read or write */
};

/** enum rsp_dir - direction of a transfer, seen from the service that asks */
enum rsp_dir {
	RSP_DIR_OUT,		/* this host's memory is the source */
	RSP_DIR_IN,		/* this host's memory is the sink */
};

/** enum rsp_rehome_why - why rsp_ep_ops.rehome is asked */
enum rsp_rehome_why {
	RSP_REHOME_SWAP,	/* the endpoint policy was swapped */
	RSP_REHOME_TIMER,	/* once a second */
};

/** enum rsp_remove_why - why a block is not cached any more (rsp_cache_ops.remove) */
enum rsp_remove_why {
	RSP_REMOVE_EVICTED,	/* another block wanted the slot */
	RSP_REMOVE_INVALIDATED,	/* written, discarded, or a write failed */
	RSP_REMOVE_DROPPED,	/* emptied, made smaller, suspended, the end */
	RSP_REMOVE_RECLAIMED,	/* the pool took the slab */
	RSP_NR_REMOVE,
};

/** enum rsp_keys_how - where the key for a registration came from (trace event rsp_keys_take) */
enum rsp_keys_how {
	RSP_KEYS_POOLED,	/* it was there */
	RSP_KEYS_MADE,		/* none was; one was made while the caller waited */
	RSP_KEYS_NONE,		/* none was, and the caller could not wait: it tries again */
	RSP_NR_KEYS_HOW,
};

/** enum rsp_exit_kind - why a policy stopped being the active one */
enum rsp_exit_kind {
	RSP_EXIT_NONE,
	RSP_EXIT_UNREG,		/* its link went away */
	RSP_EXIT_REPLACED,	/* a newer policy took over; it stays registered */
	RSP_EXIT_UPDATED,	/* its link was updated to another map */
	RSP_EXIT_SELF,		/* it called rsp_bpf_policy_exit() */
	RSP_EXIT_RANGE,		/* too many answers out of range: ejected */
	RSP_EXIT_STALL,		/* a request waited past stall_ms: ejected */
	RSP_EXIT_UNLOAD,	/* rsp.ko unloads */
	RSP_EXIT_INIT,		/* its init failed: it did not become the active one */
	RSP_NR_EXIT,
};

/* rsp_cache_ops.evict answers with one of these */
#define RSP_EVICT(list)		((list) * 8 + 4)	/* the tail of that list goes */
#define RSP_MOVE(from, to)	((from) * 8 + (to))	/* the tail of one becomes the head of the other */

/* rsp_ep_ops.place answers with these bits */
#define RSP_PLACE_VECTOR_MASK	0xffffULL	/* completion vector, modulo what the device has */
#define RSP_PLACE_PRIVATE_RQ	(1ULL << 16)	/* a receive queue of its own */
#define RSP_PLACE_MUX		(1ULL << 17)	/* a new endpoint that others can share, if the peer agrees */
#define RSP_PLACE_EP_SHIFT	32		/* above: id of a mux endpoint to ride, 0 for a new one */

/**
 * struct rsp_svc_view - a service (NFS client, NFS server, rsp_perf, ...)
 * @priv: written by the active rsp_buf_ops policy only
 */
struct rsp_svc_view {
	__u32	id;
	__u32	weight;			/* share it asks for, 1 to 1000, 100 is normal */
	char	name[RSP_NAME_LEN];
	__u32	nr_chan;		/* channels, any state */
	__u32	rsvd;
	__u64	held_bytes;		/* pool memory it holds: in use, posted and in its magazines */
	__u64	peak_bytes;		/* highest held_bytes */
	__u64	reserve_bytes;		/* floor no policy can touch */
	__u64	nr_admit;		/* buffers admitted */
	__u64	nr_refused;		/* buffers asked for and not admitted */
	__u64	nr_starved;		/* times the service had to wait for a buffer */
	__u64	priv[8];
};

/**
 * struct rsp_pool_view - the registered memory of this host
 */
struct rsp_pool_view {
	__u64	limit_bytes;		/* module parameter pool_mb */
	__u64	arena_bytes;		/* allocated and mapped for every device */
	__u64	held_bytes;		/* held by services */
	__u32	nr_svc;
	__u32	sum_weight;		/* of all services */
	__u32	buf_bytes[RSP_NR_CLASS];	/* size of a buffer of each class */
	__u32	nr_buf[RSP_NR_CLASS];	/* buffers cut */
	__u32	nr_free[RSP_NR_CLASS];	/* of these on the class's free list */
	__u32	rsvd;			/* 0 */
};

/**
 * struct rsp_buf_req - a service wants buffers (rsp_buf_ops.admit, reclaim)
 */
struct rsp_buf_req {
	__u32	class;			/* enum rsp_class */
	__u32	want;			/* buffers */
	__u32	buf_bytes;		/* size of one */
	__u32	rsvd;
	__u64	limit_bytes;		/* what all services together may hold */
	__u64	held_bytes;		/* what they hold */
	__u32	nr_svc;
	__u32	sum_weight;
};

/**
 * struct rsp_bulk_req - how shall payloads of this size travel
 */
struct rsp_bulk_req {
	__u32	size;			/* largest payload of this size step in bytes, 512 << n */
	__u32	dir;			/* enum rsp_dir */
	__u32	max_inline;		/* largest message the peer and this host can exchange */
	__u32	rsvd;
};

/**
 * struct rsp_rq_view - a receive queue
 * @priv: written by the active rsp_buf_ops policy only
 */
struct rsp_rq_view {
	__u32	id;
	__u32	dev_id;
	__u32	vector;
	__u32	class;			/* enum rsp_class */
	__u32	is_private;		/* 1: belongs to one endpoint */
	__u32	nr_ep;			/* endpoints that receive from it */
	__u32	size;			/* most receives it can hold */
	__u32	min;			/* fewest, the clamp of recv_depth */
	__u32	depth;			/* target in force */
	__u32	posted;			/* receives posted now */
	__u32	credits;		/* sum of the grants of its channels */
	__u32	nr_low;			/* times it ran low since recv_depth was last asked */
	__u64	nr_recv;		/* messages received */
	__u64	nr_refill;		/* batches posted */
	__u64	nr_empty;		/* times it ran low: a quarter of depth left, or of min and no buffers */
	__u64	priv[4];
};

/**
 * struct rsp_peer_view - a remote host
 */
struct rsp_peer_view {
	__u32	id;
	__u32	nr_ep;
	__u16	family;			/* AF_INET or AF_INET6 */
	__u16	version;		/* of RSP's hello (docs/wire.md), 0: a stock peer, or none heard yet */
	__u16	features;		/* bits of the hello */
	__u16	nr_addr;		/* addresses it is known by */
	__u8	addr[16];		/* one of them; network byte order, IPv4 in the first 4 bytes */
	__u8	uuid[16];		/* of a peer with RSP, as in text, first byte first */
};

/**
 * struct rsp_ep_view - an endpoint: one RC queue pair to a peer
 * @priv: written by the active rsp_ep_ops policy only
 */
struct rsp_ep_view {
	__u32	id;
	__u32	peer_id;
	__u32	dev_id;
	__u32	rq_id;
	__u32	vector;
	__u32	role;			/* enum rsp_role */
	__u32	state;			/* enum rsp_state */
	__u32	nr_chan;		/* 1 on a raw endpoint, 0 when no channel rides it */
	__u32	qp_num;
	__u32	sq_size;		/* send queue slots */
	__u32	sq_used;		/* of these taken */
	__u32	is_mux;			/* 1: channels of several services can ride it */
	char	dev[RSP_NAME_LEN];
	__u64	priv[4];
};

/**
 * struct rsp_chan_view - a service's logical connection to a peer
 * @priv: written by the active rsp_flow_ops policy only
 */
struct rsp_chan_view {
	__u32	id;
	__u32	svc_id;
	__u32	ep_id;
	__u32	peer_id;
	__u32	role;			/* enum rsp_role */
	__u32	state;			/* enum rsp_state */
	__u32	weight;			/* flow policy's, 1 to 1000 */
	__u32	max_credits;		/* most this service can use, the clamp of grant and window */
	__u32	grant;			/* receive credits advertised to the peer */
	__u32	peer_grant;		/* credits the peer advertised */
	__u32	window;			/* exchanges this side may have in flight */
	__u32	in_flight;		/* exchanges in flight now */
	__u64	nr_send;		/* messages */
	__u64	send_bytes;		/* inline and by RDMA */
	__u64	nr_recv;
	__u64	recv_bytes;
	__u64	nr_stall;		/* times a request waited for the window or a send slot */
	__u64	stall_ns;		/* total time waited */
	__u64	nr_ack;			/* exchanges finished */
	__u64	lat_ns;			/* smoothed time of an exchange, 1/8 weight */
	__u64	min_lat_ns;		/* lowest seen, 0 before the first */
	__u64	nr_reg;			/* memory registrations */
	__u64	priv[8];
	__u64	nr_move;		/* times it went to another endpoint */
};

/** enum rsp_desc_end - why a peer has no grant of a region any more */
enum rsp_desc_end {
	RSP_DESC_END_DROPPED,	/* it gave it back */
	RSP_DESC_END_EXPIRED,	/* it did not renew its lease */
	RSP_DESC_END_FORCED,	/* revoked, and it did not give it back within its lease */
	RSP_DESC_END_CONN,	/* its connection ended */
};

/* rsp_desc_view.access: what a peer may do with a region */
#define RSP_DESC_READ	1U
#define RSP_DESC_WRITE	2U

/**
 * struct rsp_desc_view - a region of memory: published here (role server), or one of a peer that
 *	was looked up and is held (role client)
 */
struct rsp_desc_view {
	__u32	id;
	__u32	role;			/* enum rsp_role */
	char	svc[RSP_NAME_LEN];	/* the service that publishes it */
	__u64	key;			/* names it among the regions of the service */
	__u64	len;			/* bytes */
	__u32	chan_id;		/* held: of the exchange with the peer */
	__u32	state;			/* enum rsp_state; CLOSING: revoked, given back when nobody uses it */
	__u32	access;			/* RSP_DESC_* */
	__u32	epoch;			/* of the publication, never 0 */
	__u32	slot_bytes;		/* of a slot with its trailer, 0: no slots */
	__u32	lease_ms;		/* how long a grant lasts unless renewed */
	__u32	nr_grant;		/* published: peers that have a key now */
	__u32	nr_use;			/* held: transfers under way */
	__u64	nr_lookup;		/* published: times it was granted */
	__u64	nr_refused;		/* published: times a peer was refused it */
	__u64	nr_forced;		/* published: keys taken from peers that did not give them back */
	__u64	nr_renew;		/* leases renewed */
	__u64	nr_read;		/* held: one-sided reads */
	__u64	read_bytes;
	__u64	nr_write;		/* held: one-sided writes */
	__u64	write_bytes;
};

/**
 * struct rsp_place_req - where shall a channel go (rsp_ep_ops.place)
 */
struct rsp_place_req {
	__u32	svc_id;
	__u32	chan_id;
	__u32	peer_id;
	__u32	dev_id;
	__u32	role;			/* enum rsp_role */
	__u32	nr_vector;		/* completion vectors of the device */
	__u32	next_vector;		/* what round robin would choose */
	__u32	nr_peer_ep;		/* endpoints this peer already has */
	__u32	has_srq;		/* 0: every receive queue is private */
	__u32	can_mux;		/* 1: device and, as far as known, peer can share endpoints */
	__u32	ep_id;			/* where it is now, 0 for a new one */
	__u32	rsvd;
};

/**
 * struct rsp_ack_req - a batch of finished exchanges (rsp_flow_ops.window)
 */
struct rsp_ack_req {
	__u32	nr_ack;			/* exchanges finished since the last call */
	__u32	nr_stall;		/* waits for the window since the last call */
	__u64	bytes;			/* payload moved since the last call */
	__u64	lat_sum_ns;		/* sum of their times */
	__u64	lat_max_ns;		/* longest of them */
	__u32	nr_error;		/* exchanges that failed or were sent again */
	__u32	rsvd;
};

/**
 * struct rsp_cache_view - a block cache
 * @priv: written by the active rsp_cache_ops policy only
 */
struct rsp_cache_view {
	__u32	id;
	__u32	max_block;		/* most blocks it may hold */
	char	dev[RSP_NAME_LEN];	/* MAJOR:MINOR of the device with the cache */
	char	below[RSP_NAME_LEN];	/* of the device that is cached */
	__u64	size_bytes;		/* most pool memory it may hold */
	__u64	held_bytes;		/* that it holds */
	__u64	nr_in[RSP_NR_LIST];	/* blocks in each list */
	__u64	nr_hit;			/* blocks read from the cache; from here to priv: as of a moment ago */
	__u64	nr_miss;		/* read from the device */
	__u64	nr_bypass;		/* read or written past the cache */
	__u64	nr_insert;		/* that came in */
	__u64	nr_update;		/* written that were in and stayed */
	__u64	nr_evict;		/* that made room for others */
	__u64	nr_invalidate;		/* removed because the device's changed */
	__u64	nr_reclaim;		/* that went with their memory */
	__u64	nr_refused;		/* times there was no memory to add */
	__u64	nr_peer_hit;		/* blocks read from a peer's memory, one-sidedly */
	__u64	nr_peer_stale;		/* tried so, and read from the device after all */
	__u64	priv[8];
};

/**
 * struct rsp_block_view - a cached block of 4 KiB
 * @priv: written by the active rsp_cache_ops policy only
 */
struct rsp_block_view {
	__u64	number;			/* of the block on its device */
	__u32	cache_id;
	__u32	list;			/* that it is in */
	__u32	nr_touch;		/* accesses since it came */
	__u32	rsvd;			/* 0 */
	__u64	priv[2];
};

/**
 * struct rsp_block_req - a block that is not cached was read or written (rsp_cache_ops.admit)
 */
struct rsp_block_req {
	__u64	number;			/* of the block on its device */
	__u32	is_write;
	__u32	nr_block;		/* of the read or write that it is part of */
};

/**
 * struct rsp_stages - when an exchange reached its stages, in CLOCK_MONOTONIC
 * @queued_ns: the service's user asked for it; 0 if unknown
 * @sent_ns: the service gave it to RSP
 * @posted_ns: its message was handed to the HCA
 * @replied_ns: its reply was received
 *
 * The last two are noted only while somebody traces, and out of date if not: their order tells.
 */
struct rsp_stages {
	__u64	queued_ns;
	__u64	sent_ns;
	__u64	posted_ns;
	__u64	replied_ns;
};

/**
 * struct rsp_exit_info - why a policy ends (exit of every family)
 */
struct rsp_exit_info {
	__u32	kind;			/* enum rsp_exit_kind */
	__u32	family;			/* enum rsp_family */
	__s64	code;			/* the policy's own with RSP_EXIT_SELF, else the bad answer */
	__u64	nr_call;		/* hook calls while active */
	__u64	nr_clamp;		/* of these answered out of range */
	char	name[RSP_NAME_LEN];
	char	msg[64];
};

/**
 * struct rsp_policy_view - a registered or ended policy (policy log, policy show)
 */
struct rsp_policy_view {
	__u32	family;			/* enum rsp_family */
	__u32	is_active;
	__u32	is_ended;		/* 1: an entry of the log */
	__u32	is_builtin;
	__u64	seq;			/* order of registration, then of ending */
	__u64	since_ns;		/* CLOCK_BOOTTIME of the last change */
	__u64	swap_ns;		/* what its activation took, init to old policy's exit */
	struct rsp_exit_info exit;	/* name, counters; kind when ended */
};

_Static_assert(sizeof(struct rsp_svc_view) == 144, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_pool_view) == 96, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_buf_req) == 40, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_bulk_req) == 16, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_rq_view) == 104, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_peer_view) == 48, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_ep_view) == 96, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_chan_view) == 200, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_desc_view) == 136, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_place_req) == 48, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_ack_req) == 40, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_cache_view) == 240, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_block_view) == 40, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_block_req) == 16, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_exit_info) == 112, "ABI: append, never resize");
_Static_assert(sizeof(struct rsp_policy_view) == 152, "ABI: append, never resize");

#endif /* _UAPI_RSP_VIEW_H */
