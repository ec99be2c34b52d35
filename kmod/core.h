/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The objects of rsp.ko, and what their files offer each other.
 *
 * Lock order, outermost first:
 *	policy mutex (policy.c)
 *	rsp_dev_mutex			list of devices
 *	rsp_dev.mutex			CQs, receive queues, key growth
 *	rsp_chan.ep_lock		what endpoint a channel rides
 *	rsp_svc.lock, rsp_rq.lock, rsp_ep.hook_lock, rsp_chan.flow_lock
 *					one at a time; policy hooks run under these
 *	rsp_ep.chan_lock		two only in rsp_mux_ride() and move.c, by address there
 *	rsp_mag.lock, rsp_class_pool.lock, rsp_ep.sq_lock, rsp_keys.lock,
 *	rsp_chan.map_lock
 * rsp_ep.sq_lock: two only in move.c, by address.
 * All spinlocks are taken in process context and, where a service is_atomic, in
 * softirq; they keep bottom halves out: services call with locks of their own held that timers
 * take too, libiscsi's frwd_lock is one.
 */
#ifndef _RSP_CORE_H
#define _RSP_CORE_H

#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <rdma/ib_verbs.h>
#include <rdma/rdma_cm.h>
#include <rdma/rw.h>

#include <rsp/rsp.h>
#include "policy.h"

#define RSP_MAX_DEV		8	/* devices the pool is mapped for at once */
#define RSP_BATCH		16	/* buffers moved at a time: magazines, receive posts */
#define RSP_RQ_MIN		32	/* receives a shared queue keeps whatever the policy says */
#define RSP_RQ_SIZE		1024	/* receives a shared queue can hold */
#define RSP_CQ_SIZE		4096	/* completions, more CQs are made when they are taken */
#define RSP_KEY_PAGES		272	/* pages a key can cover: 1 MiB at any alignment */
#define RSP_MAP_MAX_KEY		16
/* gather entries of a message, fewer if the device says so. More is slower where both ends work at once:
 * docs/design.md, 1 MiB reads
 */
#define RSP_SEND_SGE		8
#define RSP_MUX_HDR_BYTES	64	/* before a message on a mux endpoint, struct rsp_mux_hdr */
#define RSP_RQ_MUX		RSP_NR_CLASS	/* the shared receive queue of mux endpoints */
#define RSP_NR_RQ		(RSP_NR_CLASS + 1)

struct rsp_ibuf;

/* ------------------------------------------------------------------ device */

/* a completion queue and what its users may put into it */
struct rsp_cq {
	struct list_head	list;
	struct ib_cq		*cq;
	u32			size;
	u32			used;		/* reserved; rsp_dev.mutex */
	u32			rq_kinds;	/* bit per shared queue that is counted */
	bool			is_atomic;	/* polled in softirq */
};

struct rsp_vec {
	struct list_head	cqs;		/* rsp_dev.mutex */
	struct rsp_rq		*rq[RSP_NR_RQ];	/* by class, made at first use; rsp_dev.mutex */
};

/* a protection domain, and keys that are good in it: the device's, or an endpoint's own */
struct rsp_keys {
	struct rsp_dev		*dev;
	struct ib_pd		*pd;
	spinlock_t		lock;		/* free, nr_free */
	struct list_head	free;
	u32			nr_free;
	atomic_t		nr;		/* allocated */
	struct work_struct	grow_work;
	bool			grows;		/* ahead of those who cannot wait */
	u32			max_pages;
};

struct rsp_dev {
	struct list_head	list;		/* rsp_dev_mutex */
	struct ib_device	*ibdev;
	u32			index;		/* into rsp_arena.dma[] */
	u32			nr_vec;
	struct rsp_vec		*vecs;
	atomic_t		next_vec;
	bool			has_srq;
	bool			is_dead;	/* mutex */
	u32			max_send_sge;
	struct mutex		mutex;
	u32			nr_ep;		/* mutex */
	wait_queue_head_t	idle_wait;	/* nr_ep reached 0 */
	struct rsp_keys		keys;
};

extern struct workqueue_struct *rsp_wq;

int rsp_dev_init(void);
void rsp_dev_exit(void);
struct rsp_dev *rsp_dev_enter(struct ib_device *ibdev);
void rsp_dev_leave(struct rsp_dev *dev);
struct rsp_cq *rsp_cq_get(struct rsp_dev *dev, u32 vector, bool is_atomic, struct rsp_rq *rq,
			  u32 nr_cqe);
void rsp_cq_put(struct rsp_dev *dev, struct rsp_cq *cq, u32 nr_cqe);

/* ----------------------------------------------------------------- service */

/* a per-CPU stock of free buffers of one class */
struct rsp_mag {
	spinlock_t		lock;		/* other CPUs only to reclaim */
	u32			nr;
	struct rsp_ibuf		*slot[2 * RSP_BATCH];
};

struct rsp_svc_cpu {
	struct rsp_mag		mag[RSP_NR_CLASS];
	s64			moved_bytes;	/* received buffers handed over, can be negative */
};

struct rsp_svc {
	struct rsp_svc_view	view;
	struct rsp_hookgen	gen;
	spinlock_t		lock;		/* policy hooks, view counters, wakers */
	struct kref		ref;
	const struct rsp_svc_ops *ops;
	struct module		*owner;
	struct rsp_svc_cpu __percpu *cpu;
	atomic64_t		held_bytes;	/* taken from the pool */
	atomic64_t		owed_bytes;	/* to go back to the pool as buffers are put, can be negative */
	u32			recv_class;
	bool			is_atomic;	/* its CQs are polled in softirq */
	bool			has_own_keys;	/* each of its channels: rsp_svc_attr */
	atomic_t		nr_chan;
	u64			starved_ns;	/* since when it waits for buffers, 0 if not */
	u64			refused_ns;	/* when it last asked in vain */
	void			(*wake_fn)(void *arg);
	void			*wake_arg;
	struct rcu_head		rcu;
};

extern atomic_t rsp_nr_svc, rsp_sum_weight;
extern atomic64_t rsp_sum_reserve;
extern struct xarray rsp_svcs;
extern struct rsp_svc *rsp_recv_svc;	/* owns what is posted to receive queues */

int rsp_svc_init(void);
void rsp_svc_exit(void);
u64 rsp_svc_held(struct rsp_svc *svc);
void rsp_svc_refused(struct rsp_svc *svc);
void rsp_svc_starved(struct rsp_svc *svc);
void rsp_svc_tick(void);

/* -------------------------------------------------------------------- pool */

struct rsp_arena;

/* the pool's side of a buffer */
struct rsp_ibuf {
	struct rsp_buf		pub;
	struct ib_cqe		cqe;		/* receive completion */
	struct rsp_rq		*rq;		/* posted to, or received from, this queue */
	struct rsp_svc		*svc;		/* whose accounting it is in */
	struct rsp_arena	*arena;
	struct list_head	list;
	u32			class;
	u32			off;		/* in the arena */
	bool			is_posted;	/* to a receive queue */
	bool			is_shifted;	/* data stands before its place until it is put */
};

struct rsp_arena {
	struct list_head	list;
	struct page		*pages;
	u32			order;
	u32			class;
	u32			nr;
	u64			dma[RSP_MAX_DEV];
	struct rsp_ibuf		bufs[];
};

extern const u32 rsp_class_bytes[RSP_NR_CLASS];

int rsp_pool_init(void);
void rsp_pool_exit(void);
int rsp_pool_map_dev(struct rsp_dev *dev);
void rsp_pool_unmap_dev(struct rsp_dev *dev);
u32 rsp_pool_take(struct rsp_svc *svc, u32 class, u32 want, gfp_t gfp, bool is_needed,
		  struct list_head *out);
void rsp_pool_give(struct rsp_svc *svc, u32 class, struct list_head *bufs, u32 nr);
struct rsp_ibuf *rsp_pool_get(struct rsp_svc *svc, u32 class, gfp_t gfp, bool is_needed);
void rsp_pool_flush(struct rsp_svc *svc);
void rsp_pool_recover(struct rsp_rq *rq);
void rsp_buf_hand_over(struct rsp_ibuf *buf, struct rsp_svc *to);
int rsp_class_of(u32 bytes);

static inline struct rsp_ibuf *to_ibuf(struct rsp_buf *buf)
{
	return container_of(buf, struct rsp_ibuf, pub);
}

static inline u64 rsp_buf_dma(const struct rsp_ibuf *buf, const struct rsp_dev *dev)
{
	return buf->arena->dma[dev->index] + buf->off;
}

/* ----------------------------------------------------------- receive queue */

struct rsp_rq {
	struct rsp_rq_view	view;
	struct rsp_hookgen	gen;
	spinlock_t		lock;		/* policy hooks, view */
	struct rsp_dev		*dev;
	struct ib_srq		*srq;		/* NULL: the QP's own ring */
	struct ib_qp		*qp;		/* of a private queue */
	struct ib_pd		*pd;
	u32			kind;		/* its class, or RSP_RQ_MUX */
	u32			class;
	u32			headroom;	/* a message begins so far before the buffer's data */
	atomic_t		posted;
	atomic_t		credits;
	atomic_t		nr_low;		/* limit events nobody was asked about yet */
	unsigned long		flags;		/* RSP_RQ_* */
	struct delayed_work	retry_work;	/* when buffers ran out, or the device says it is low */
	struct rcu_head		rcu;
};

enum { RSP_RQ_REFILLING, RSP_RQ_ARMED, RSP_RQ_DEAD };

extern struct xarray rsp_rqs;

struct rsp_rq *rsp_rq_shared(struct rsp_dev *dev, u32 vector, u32 kind);
struct rsp_rq *rsp_rq_create_private(struct rsp_keys *keys, u32 vector, u32 class, u32 size);
void rsp_rq_start_private(struct rsp_rq *rq, struct ib_qp *qp);
void rsp_rq_stop(struct rsp_rq *rq);
void rsp_rq_destroy(struct rsp_rq *rq);
void rsp_rq_count(struct rsp_rq *rq, int delta);
void rsp_rq_refill_all(void);
void rsp_rq_unshift(struct rsp_ibuf *buf);
void rsp_rq_refill(struct rsp_rq *rq, gfp_t gfp);
void rsp_rq_exit(void);

/* -------------------------------------------------------------------- keys */

struct rsp_key {
	struct list_head	list;		/* free list */
	struct ib_mr		*mr;
	struct ib_reg_wr	reg_wr;
	struct ib_send_wr	inv_wr;
	struct ib_cqe		cqe;		/* errors of the two, which are not signaled */
};

struct rsp_map {
	struct list_head	list;		/* rsp_chan.maps, rsp_chan.map_lock */
	struct rsp_chan		*chan;
	struct scatterlist	*sgl;
	u32			nents;
	u32			nr;		/* keys */
	enum dma_data_direction	dma_dir;
	enum { RSP_MAP_IDLE, RSP_MAP_ADDED, RSP_MAP_INVALIDATING, RSP_MAP_SAFE } state;
	void			(*done)(void *ctx, int status);
	void			*ctx;
	struct rsp_key		*keys[RSP_MAP_MAX_KEY];
	struct rsp_desc		desc[RSP_MAP_MAX_KEY];
};

int rsp_key_init(void);
void rsp_key_exit(void);
int rsp_keys_init(struct rsp_keys *keys, struct rsp_dev *dev, bool grows);
void rsp_keys_exit(struct rsp_keys *keys);
struct rsp_map *rsp_map_make(struct rsp_chan *chan, struct scatterlist *sgl, u32 nents,
			     enum dma_data_direction dir, gfp_t gfp);
void rsp_map_destroy_all(struct rsp_chan *chan);

/* -------------------------------------------------------------------- peer */

#define RSP_PEER_ADDRS		8	/* addresses of one that are kept */

struct rsp_peer;
struct rsp_hello;

struct rsp_peer *rsp_peer_get(const struct sockaddr_storage *ss, const struct rsp_hello *hello);
void rsp_peer_put(struct rsp_peer *peer);
const struct rsp_peer_view *rsp_peer_view(const struct rsp_peer *peer);
void rsp_peer_exit(void);

/* ---------------------------------------------------------------- endpoint */

struct rsp_mux;

/*
 * An endpoint. A raw one carries one channel, a mux one any number (mux.c); an endpoint that a
 * client began to connect before the policy chose another one ends without a channel.
 *
 *   CONNECTING --established--> UP --rsp_ep_kill()--> CLOSING --rsp_ep_down_work()--> DEAD
 *        '-------rsp_ep_kill(): refused, unreachable---^
 *
 * Every edge to CLOSING goes through rsp_ep_kill(), which only marks and queues.
 */
struct rsp_ep {
	struct rsp_ep_view	view;
	struct rsp_hookgen	gen;
	spinlock_t		hook_lock;	/* policy hooks */
	struct kref		ref;
	struct rsp_peer		*peer;		/* until the end */
	struct rsp_dev		*dev;		/* while the QP is there */
	struct rsp_keys		*keys;		/* the device's, or own_keys */
	struct rsp_keys		*own_keys;
	struct rdma_cm_id	*cm_id;
	struct ib_qp		*qp;
	struct rsp_cq		*cq;
	u32			nr_cqe;		/* reserved in it */
	struct rsp_rq		*rq;
	struct rsp_chan		*chan;		/* until it is a mux endpoint */
	bool			peer_asks_mux;	/* the request, or the answer to ours */
	bool			peer_can_move;
	bool			is_mux;		/* chan_lock; before anything is sent or received */
	struct rsp_mux		*mux;		/* it is one, or a client asks for it */
	spinlock_t		chan_lock;	/* chans, view.nr_chan */
	struct list_head	chans;		/* of a mux endpoint; each pins it */
	int			reason;		/* first cause of the end */
	atomic_t		state;		/* enum rsp_state */
	bool			was_up;
	bool			is_bare;	/* it is connected without a channel: one comes from mover_ep */
	u32			bare_svc;	/* of whose listener it came */
	struct rsp_chan		*mover;		/* until it is up; both with a reference */
	struct rsp_ep		*mover_ep;
	bool			is_left;	/* another one is being connected for a channel of this one */
	bool			is_probed;	/* a probe is under way */
	u32			nr_idle;	/* ticks without a message */
	u64			nr_msg;		/* messages at the last tick */
	u32			timeout_ms;

	spinlock_t		sq_lock;	/* what follows up to nr_control, and chans' pending works */
	struct list_head	sq_posted;	/* rsp_iwork in order of posting */
	struct list_head	sq_control;	/* waiting for slots, of no channel */
	struct list_head	sq_waiting;	/* rsp_chan with pending work that may be posted */
	u32			sq_size;
	u32			sq_avail;
	u32			sq_reserve;	/* of these not for channels */
	u32			nr_unsignaled;	/* since the last signaled one */
	u32			bulk_bytes;	/* posted RDMA */
	struct rsp_chan		*bulk_first;	/* waits for RDMA of others to end, the next to post some */
	u32			nr_control;	/* in sq_control */

	atomic_t		nr_work;	/* rsp_work got and not freed */
	wait_queue_head_t	idle_wait;	/* nr_work reached 0 */
	struct completion	last_wqe;
	struct work_struct	down_work;
	struct rcu_head		rcu;
};

extern struct xarray rsp_eps;

void rsp_ep_exit(void);
int rsp_ep_accept(struct rsp_svc *svc, void *lsn_ctx, struct rdma_cm_id *id,
		  const struct rdma_conn_param *cp);
int rsp_conn_param_check(const struct rsp_conn_param *p);
void rsp_ep_kill(struct rsp_ep *ep, int reason);
void rsp_ep_free(struct kref *ref);
bool rsp_ep_begin(struct rsp_ep *ep);
void rsp_ep_end(struct rsp_ep *ep);
struct rsp_ep *rsp_ep_find(u32 id);
u64 rsp_ep_place_again(struct rsp_ep *ep, const struct rsp_chan *chan);
void rsp_ep_connect_for(struct rsp_chan *chan, struct rsp_ep *ep, u32 vector);
u32 rsp_ep_chain(const struct rsp_dev *dev, const struct rsp_conn_param *p);
void rsp_ep_kill_dev(struct rsp_dev *dev);
void rsp_ep_tick(u32 why);

/* the end of the endpoint waits for rsp_ep_end(), whatever state it is in */
static inline void rsp_ep_pin(struct rsp_ep *ep)
{
	atomic_inc(&ep->nr_work);
}

/* ----------------------------------------------------------------- channel */

struct rsp_chan {
	struct rsp_chan_view	view;
	struct rsp_hookgen	gen;
	spinlock_t		flow_lock;	/* view, batch, policy hooks */
	struct kref		ref;
	struct rsp_svc		*svc;
	struct rsp_ep		*ep;		/* RCU, or what rsp_move_switch() holds; a mux one can change */
	void			*priv;		/* the service's */
	bool			was_up;

	/* waiting works; rsp_ep.sq_lock */
	struct list_head	pending;	/* rsp_iwork */
	struct list_head	wait_list;	/* rsp_ep.sq_waiting */
	u32			deficit;	/* bytes it may post in its turn */

	/* on a mux endpoint: mux.c */
	spinlock_t		ep_lock;	/* the two below, ep and move_*; outermost of a channel */
	bool			is_mux;		/* its end is not the endpoint's */
	bool			is_attached;	/* it is, or was, in the list; its close_work ends it */
	atomic_t		state;		/* enum rsp_state */
	atomic_t		nr_work;	/* as rsp_ep.nr_work */
	struct list_head	ep_list;	/* rsp_ep.chans */
	int			reason;
	unsigned long		since;		/* jiffies of the OPEN, or of the connection */
	u16			port;		/* what a client's connects to */
	bool			has_opened;	/* by an OPEN; the first of an endpoint needs none */
	u32			peer_num;	/* the peer's number for it, 0: not known yet */
	u32			tx_seq, tx_limit;	/* rsp_ep.sq_lock */
	u32			rx_seq, rx_limit;
	bool			owes_credit;	/* there was no memory to say so */
	bool			is_told;	/* its OPEN, ACCEPT or HELLO is on its way: more may follow */
	bool			peer_closed;
	enum { RSP_MUX_END_BEGINS, RSP_MUX_END_KNOWN, RSP_MUX_END_SAID } end_step;	/* close_work's */
	unsigned long		end_since;
	struct delayed_work	close_work;

	/* moving to another endpoint: move.c */
	enum { RSP_MOVE_NONE, RSP_MOVE_ASKED, RSP_MOVE_ATTACHING } move;	/* not none: works wait. sq_lock */
	u8			move_steps;	/* RSP_MOVE_* that have come */
	bool			place_again;	/* it was on its way, or had to wait for another, when asked */
	struct rsp_ep		*move_to;	/* with a reference */
	u32			bare_id;	/* endpoint that was connected for it last */
	u64			move_token;
	u64			move_ns;	/* when it began */

	struct rsp_conn_param	param;		/* without pdata */
	u8			pdata[RSP_PDATA_BYTES];	/* of a connect, until it is sent */
	struct sockaddr_storage	local, remote;	/* once up */
	u32			max_inline;
	u8			bulk[2][RSP_NR_SIZE];
	struct rsp_ack_req	batch;		/* since the last window() */
	u32			nr_since_grant;
	u32			rq_credits;	/* counted in the receive queue */
	spinlock_t		map_lock;	/* maps */
	struct list_head	maps;
	struct completion	down_done;
	struct task_struct	*down_task;	/* runs down() now */
	struct rcu_head		rcu;
};

extern struct xarray rsp_chans;

struct rsp_chan *rsp_chan_create(struct rsp_svc *svc, struct rsp_ep *ep);
void rsp_chan_prepare(struct rsp_chan *chan);
void rsp_chan_opened(struct rsp_chan *chan, struct rsp_ep *ep);
void rsp_chan_drained(struct rsp_chan *chan, int reason);
void rsp_chan_received(struct rsp_chan *chan, struct rsp_ibuf *buf);
void rsp_chan_fail(struct rsp_chan *chan, int reason);
bool rsp_chan_is_closing(const struct rsp_chan *chan);
struct rsp_ep *rsp_chan_begin(struct rsp_chan *chan);
struct rsp_ep *rsp_chan_pin(struct rsp_chan *chan);
void rsp_chan_end(struct rsp_chan *chan, struct rsp_ep *ep);
struct rsp_keys *rsp_chan_keys(const struct rsp_chan *chan);
struct rsp_chan *rsp_chan_next(unsigned long *id);
void rsp_chan_exit(void);

/* --------------------------------------------------------------- listeners */

struct rsp_lsn *rsp_lsn_find(struct rsp_ep *ep, u16 port);
void rsp_lsn_put(struct rsp_lsn *lsn);
struct rsp_svc *rsp_lsn_svc(struct rsp_lsn *lsn);
void *rsp_lsn_ctx(struct rsp_lsn *lsn);

/* -------------------------------------------------------------------- flow */

void rsp_flow_prepare(struct rsp_chan *chan);
void rsp_flow_open(struct rsp_chan *chan);
void rsp_flow_close(struct rsp_chan *chan);
void rsp_flow_received(struct rsp_chan *chan);
void rsp_flow_swapped(struct rsp_chan *chan, enum rsp_family family);

/* -------------------------------------------------------------------- work */

struct rsp_rw {
	struct list_head	list;
	struct rdma_rw_ctx	ctx;
	struct scatterlist	*sgl;		/* the caller's, or slice */
	struct scatterlist	*slice;
	u32			nents;
	enum dma_data_direction	dir;
};

struct rsp_iwork {
	struct rsp_work		pub;
	struct ib_cqe		cqe;
	struct list_head	list;		/* rsp_ep.sq_posted, rsp_ep.sq_control, rsp_chan.pending */
	struct rsp_ep		*ep;		/* whose send queue it is in, at first the channel's */
	struct rsp_ep		*rw_ep;		/* whose rws it has, NULL for that one */
	struct rsp_chan		*chan;		/* NULL: the endpoint's own */
	struct rsp_ibuf		*buf;
	union {
		struct rsp_map	*maps[2 + RSP_MAP_MAX_KEY];	/* to register */
		u8		control[RSP_MUX_HDR_BYTES];	/* struct rsp_mux_hdr of a control message */
	};
	u32			nr_maps;
	struct rsp_map		*inv_map;	/* to invalidate */
	struct list_head	rws;
	u32			nr_wr;
	u32			nr_sge;
	u32			first_sge;	/* of the buffer; a mux header stands before it */
	bool			is_control;
	bool			is_fenced;	/* behind what is read from the peer */
	bool			has_send;
	bool			has_read;
	bool			is_probe;
	bool			is_signaled;
	bool			*told;		/* set as a control message goes before all that comes */
	u64			queued_ns;
	u64			bytes;
	union {
		struct ib_send_wr	wr;
		struct ib_rdma_wr	probe;	/* an RDMA write of nothing */
	};
	struct ib_sge		sge[RSP_SEND_SGE];
};

int rsp_work_init(void);
void rsp_work_exit(void);
struct rsp_iwork *rsp_work_alloc(struct rsp_chan *chan, gfp_t gfp);
struct rsp_iwork *rsp_work_alloc_own(struct rsp_ep *ep, gfp_t gfp);
int rsp_work_submit(struct rsp_iwork *work);
struct rsp_ep *rsp_work_lock(struct rsp_chan *chan) __acquires(sq_lock);
void rsp_work_stop(struct rsp_ep *ep, struct rsp_chan *chan);
void rsp_work_rebase_pending(struct rsp_chan *chan, struct rsp_ep *ep);
bool rsp_work_needs(struct rsp_chan *chan, const struct rsp_ep *ep);
void rsp_work_kick(struct rsp_ep *ep);
void rsp_work_kick_chan(struct rsp_chan *chan);
void rsp_work_abort(struct rsp_ep *ep);
void rsp_work_abort_pending(struct rsp_chan *chan);
int rsp_work_probe(struct rsp_ep *ep, void (*done)(struct rsp_work *work, int status));

/* ids are never 0 and are not used again soon */
int rsp_id_alloc(struct xarray *xa, u32 *next, u32 *id, void *obj);

#endif /* _RSP_CORE_H */
