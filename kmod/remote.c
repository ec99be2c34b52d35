// SPDX-License-Identifier: GPL-2.0
/*
 * Remotes: regions that peers publish, looked up and held here.
 *
 *	ASKED --FOUND--> GOOD --REVOKE, lease over, rsp_remote_put()--> LEFT --nr_use 0: DROP--> GONE
 *	  '--refused, no answer--> GONE                '--the connection ends------------------^
 *
 * What of it is under way is counted in nr_use. Nothing begins once it is not good any more, and
 * DROP is said when the last has completed: the publisher may take its key away then
 * without an error of ours. Whoever begins looks at the lease, which counts from
 * when it was asked for and is taken for an eighth shorter than it is.
 *
 * An exchange is the connection to one peer, shared by all that hold something of it here.
 */
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <net/net_namespace.h>

#include "addr.h"
#include "core.h"
#include "desc.h"
#include "trace.h"

#define RSP_REMOTE_ANSWER_MS	5000
#define RSP_REMOTE_LEFT_MS	10000	/* what was under way has ended by then, or the connection does */

struct rsp_exch {
	struct list_head	list;		/* rsp_exchs */
	u32			nr_user;	/* rsp_exch_mutex */
	struct net		*net;
	struct sockaddr_storage	dst;
	struct rsp_chan		*chan;
	struct completion	up;
	int			reason;		/* why it is over, 0 while it is not */
	struct semaphore	asked;		/* RSP_DESC_MAX_ASKED at once */
	spinlock_t		lock;		/* remotes, their grants and states */
	struct list_head	remotes;
	u32			next_req;
	u32			nr_late;	/* lookups that gave up before their answer came */
};

enum rsp_remote_state { RSP_REMOTE_ASKED, RSP_REMOTE_GOOD, RSP_REMOTE_LEFT, RSP_REMOTE_GONE };

struct rsp_remote {
	struct rsp_desc_entry	entry;
	struct list_head	list;		/* rsp_exch.remotes */
	struct kref		ref;		/* the user's, each transfer's, the asker's */
	struct rsp_exch		*exch;
	atomic_t		state;		/* enum rsp_remote_state */
	atomic_t		nr_use;		/* transfers, and who is about to begin one */
	u32			req;
	u32			grant;
	int			status;		/* of the lookup */
	struct completion	found;
	unsigned long		asked_at;	/* jiffies: LOOKUP, then the last RENEW, was sent */
	unsigned long		good_until;
	unsigned long		left_at;
	bool			is_renewing;
	u64			nr_rw;		/* when it was last renewed */
	u32			nr_seg;
	struct rsp_desc		seg[RSP_DESC_MAX_SEG];
};

static DEFINE_MUTEX(rsp_exch_svc_mutex);	/* outermost; the two below */
static struct rsp_svc *rsp_exch_svc;
static u32 rsp_exch_svc_nr;			/* users of exchanges */
static DEFINE_MUTEX(rsp_exch_mutex);
static LIST_HEAD(rsp_exchs);

/* ----------------------------------------------------------------- remotes */

/* its RENEW has its answer, or nobody waits for that any more: another one may be asked for */
static void rsp_remote_renewed(struct rsp_remote *remote)
{
	if (xchg(&remote->is_renewing, false))
		up(&remote->exch->asked);
}

static void rsp_remote_free(struct kref *ref)
{
	struct rsp_remote *remote = container_of(ref, struct rsp_remote, ref);
	struct rsp_exch *exch = remote->exch;

	rsp_remote_renewed(remote);
	spin_lock_bh(&exch->lock);
	list_del(&remote->list);
	spin_unlock_bh(&exch->lock);
	rsp_desc_del(&remote->entry);
	kfree_rcu(remote, entry.rcu);
}

static int rsp_exch_tell(struct rsp_chan *chan, enum rsp_desc_type type, u32 grant)
{
	struct rsp_desc_msg msg = {
		.type	= type,
		.grant	= cpu_to_be32(grant),
	};

	return rsp_desc_send(chan, rsp_exch_svc, NULL, &msg, NULL, NULL, NULL);
}

/* nothing of it is under way, and nothing begins: say so, once */
static void rsp_remote_settle(struct rsp_remote *remote)
{
	int left = RSP_REMOTE_LEFT;

	if (!atomic_read(&remote->nr_use) &&
	    atomic_try_cmpxchg(&remote->state, &left, RSP_REMOTE_GONE)) {
		WRITE_ONCE(remote->entry.view.state, RSP_STATE_DEAD);
		/* without memory rsp_remote_tick() tries again, or the lease says it */
		if (rsp_exch_tell(remote->exch->chan, RSP_DESC_DROP, remote->grant) == -ENOMEM)
			atomic_set(&remote->state, RSP_REMOTE_LEFT);
	}
}

/* no transfer begins any more */
static void rsp_remote_leave(struct rsp_remote *remote, int why)
{
	int good = RSP_REMOTE_GOOD;

	WRITE_ONCE(remote->left_at, jiffies);
	if (!atomic_try_cmpxchg(&remote->state, &good, RSP_REMOTE_LEFT))
		return;
	smp_mb__after_atomic();		/* pairs with rsp_remote_begin() */
	WRITE_ONCE(remote->entry.view.state, RSP_STATE_CLOSING);
	trace_rsp_desc_left(&remote->entry.view, why);
	rsp_remote_settle(remote);
}

static void rsp_remote_end(struct rsp_remote *remote)
{
	remote->entry.view.nr_use--;	/* several at once: for those who look */
	if (atomic_dec_and_test(&remote->nr_use) &&
	    atomic_read(&remote->state) == RSP_REMOTE_LEFT)
		rsp_remote_settle(remote);
}

/* Return: 0 when a transfer may begin; rsp_remote_end() follows */
static int rsp_remote_begin(struct rsp_remote *remote)
{
	remote->entry.view.nr_use++;
	atomic_inc(&remote->nr_use);
	smp_mb__after_atomic();		/* pairs with rsp_remote_leave() */
	if (likely(rsp_remote_is_good(remote)))
		return 0;
	rsp_remote_end(remote);
	return READ_ONCE(remote->exch->reason) ? -ENOTCONN : -ESTALE;
}

/* Context: exch->lock held. Return: with a reference, or NULL */
static struct rsp_remote *rsp_remote_find_grant(struct rsp_exch *exch, u32 grant)
{
	struct rsp_remote *remote;

	list_for_each_entry(remote, &exch->remotes, list)
		if (atomic_read(&remote->state) != RSP_REMOTE_ASKED && remote->grant == grant)
			return kref_get_unless_zero(&remote->ref) ? remote : NULL;
	return NULL;
}

static struct rsp_remote *rsp_remote_find_req(struct rsp_exch *exch, u32 req)
{
	struct rsp_remote *remote;

	list_for_each_entry(remote, &exch->remotes, list)
		if (atomic_read(&remote->state) == RSP_REMOTE_ASKED && remote->req == req)
			return kref_get_unless_zero(&remote->ref) ? remote : NULL;
	return NULL;
}

static void rsp_remote_lease(struct rsp_remote *remote)
{
	unsigned long lease = msecs_to_jiffies(remote->entry.view.lease_ms);

	WRITE_ONCE(remote->good_until, remote->asked_at + lease - lease / 8);
}

/* ---------------------------------------------------------------- messages */

/* Return: 0, or a negative errno when no publisher says so */
static int rsp_remote_fill(struct rsp_remote *remote, const struct rsp_buf *buf)
{
	const struct rsp_desc_msg *msg = buf->data;
	const struct rsp_desc_seg *seg = (const void *)(msg + 1);
	struct rsp_desc_view *view = &remote->entry.view;
	u32 access = be32_to_cpu(msg->access), i;
	u64 len = 0;

	for (i = 0; i < msg->nr_seg; i++, seg++) {
		remote->seg[i] = (struct rsp_desc){
			.addr	= be64_to_cpu(seg->addr),
			.len	= be32_to_cpu(seg->len),
			.rkey	= be32_to_cpu(seg->rkey),
		};
		len += remote->seg[i].len;
	}
	view->len = be64_to_cpu(msg->len);
	view->epoch = be32_to_cpu(msg->epoch);
	view->slot_bytes = be32_to_cpu(msg->slot_bytes);
	view->lease_ms = be32_to_cpu(msg->lease_ms);
	remote->nr_seg = msg->nr_seg;
	if (!len || len != view->len || access != view->access || !view->epoch ||
	    view->slot_bytes > len || (view->slot_bytes && view->slot_bytes <= RSP_TRAILER_BYTES) ||
	    view->lease_ms < RSP_REGION_MIN_LEASE_MS || view->lease_ms > RSP_REGION_MAX_LEASE_MS)
		return -EPROTO;
	rsp_remote_lease(remote);
	return 0;
}

/* a peer's numbers are not ours: those that have a meaning here, and one for all others */
static int rsp_remote_errno(u32 status)
{
	switch (status) {
	case 0:
	case ENOENT:
	case EACCES:
	case EDQUOT:
	case ENOMEM:
	case EOPNOTSUPP:
		return -(int)status;
	}
	return -EREMOTEIO;
}

static int rsp_exch_recv_found(struct rsp_exch *exch, struct rsp_chan *chan,
			       const struct rsp_buf *buf)
{
	const struct rsp_desc_msg *msg = buf->data;
	u32 status = be32_to_cpu(msg->status);
	struct rsp_remote *remote;
	bool is_late;
	int err = 0;

	if (buf->len != sizeof(*msg) + msg->nr_seg * sizeof(struct rsp_desc_seg) ||
	    msg->nr_seg > RSP_DESC_MAX_SEG || !status == !msg->nr_seg)
		return -EPROTO;
	spin_lock_bh(&exch->lock);
	remote = rsp_remote_find_req(exch, be32_to_cpu(msg->req));
	if (remote) {
		if (!status)
			err = rsp_remote_fill(remote, buf);
		remote->status = err ?: rsp_remote_errno(status);
		if (!remote->status)
			remote->entry.view.state = RSP_STATE_UP;
		remote->grant = be32_to_cpu(msg->grant);
		atomic_set_release(&remote->state,
				   remote->status ? RSP_REMOTE_GONE : RSP_REMOTE_GOOD);
	}
	is_late = !remote && exch->nr_late;
	if (is_late)
		exch->nr_late--;
	spin_unlock_bh(&exch->lock);
	if (is_late)	/* who asked has gone */
		return status ? 0 : rsp_exch_tell(chan, RSP_DESC_DROP, be32_to_cpu(msg->grant));
	if (!remote)
		return -EPROTO;
	complete(&remote->found);
	kref_put(&remote->ref, rsp_remote_free);
	return err;
}

static int rsp_exch_recv_about(struct rsp_exch *exch, const struct rsp_buf *buf)
{
	const struct rsp_desc_msg *msg = buf->data;
	struct rsp_remote *remote;

	if (buf->len != sizeof(*msg))
		return -EPROTO;
	spin_lock_bh(&exch->lock);
	remote = rsp_remote_find_grant(exch, be32_to_cpu(msg->grant));
	spin_unlock_bh(&exch->lock);
	if (!remote)	/* it was dropped when this was on its way */
		return 0;
	if (msg->type == RSP_DESC_REVOKE) {
		rsp_remote_leave(remote, -ESTALE);
	} else if (remote->is_renewing) {
		rsp_remote_renewed(remote);
		if (msg->status) {
			rsp_remote_leave(remote, -ESTALE);
		} else {
			remote->entry.view.nr_renew++;
			rsp_remote_lease(remote);
		}
	}
	kref_put(&remote->ref, rsp_remote_free);
	return 0;
}

static void rsp_exch_recv(struct rsp_chan *chan, struct rsp_buf *buf)
{
	struct rsp_exch *exch = rsp_chan_priv(chan);
	const struct rsp_desc_msg *msg = buf->data;
	unsigned int noio = memalloc_noio_save();
	int err = -EPROTO;

	if (buf->len >= sizeof(*msg)) {
		switch (msg->type) {
		case RSP_DESC_FOUND:
			err = rsp_exch_recv_found(exch, chan, buf);
			break;
		case RSP_DESC_RENEWED:
		case RSP_DESC_REVOKE:
			err = rsp_exch_recv_about(exch, buf);
			break;
		}
	}
	rsp_buf_put(buf);
	if (err)
		rsp_chan_fail(chan, err);
	memalloc_noio_restore(noio);
}

static void rsp_exch_up(struct rsp_chan *chan, const void *pdata, u8 len)
{
	struct rsp_exch *exch = rsp_chan_priv(chan);

	if (rsp_desc_hello_is_good(pdata, len))
		complete_all(&exch->up);
	else
		rsp_chan_fail(chan, -EPROTO);
}

/* nothing completes any more: all transfers have */
static void rsp_exch_down(struct rsp_chan *chan, int reason)
{
	struct rsp_exch *exch = rsp_chan_priv(chan);
	struct rsp_remote *remote;

	WRITE_ONCE(exch->reason, reason ?: -ECONNRESET);
	spin_lock_bh(&exch->lock);
	list_for_each_entry(remote, &exch->remotes, list) {
		int state = atomic_xchg(&remote->state, RSP_REMOTE_GONE);

		WRITE_ONCE(remote->entry.view.state, RSP_STATE_DEAD);
		rsp_remote_renewed(remote);
		if (state == RSP_REMOTE_ASKED) {
			remote->status = -ENOTCONN;
			complete(&remote->found);
		} else if (state == RSP_REMOTE_GOOD) {
			trace_rsp_desc_left(&remote->entry.view, -ENOTCONN);
		}
	}
	spin_unlock_bh(&exch->lock);
	complete_all(&exch->up);
}

static const struct rsp_svc_ops rsp_exch_svc_ops = {
	.up	= rsp_exch_up,
	.recv	= rsp_exch_recv,
	.down	= rsp_exch_down,
};

/* --------------------------------------------------------------- exchanges */

static int rsp_exch_svc_get(void)
{
	struct rsp_svc *svc;

	guard(mutex)(&rsp_exch_svc_mutex);
	if (!rsp_exch_svc_nr) {
		svc = rsp_desc_svc_register("desc-client", &rsp_exch_svc_ops);
		if (IS_ERR(svc))
			return PTR_ERR(svc);
		rsp_exch_svc = svc;
	}
	rsp_exch_svc_nr++;
	return 0;
}

static void rsp_exch_svc_put(void)
{
	guard(mutex)(&rsp_exch_svc_mutex);
	if (--rsp_exch_svc_nr)
		return;
	rsp_svc_unregister(rsp_exch_svc);
	rsp_exch_svc = NULL;
}

/* Context: rsp_exch_mutex held */
static struct rsp_exch *rsp_exch_create(struct net *net, const struct sockaddr_storage *dst,
					u32 timeout_ms)
{
	struct rsp_desc_hello hello;
	struct rsp_conn_param param = {
		.pdata		= &hello,
		.pdata_len	= sizeof(hello),
		.max_sends	= RSP_DESC_MAX_ASKED,
		.max_credits	= RSP_DESC_MAX_ASKED,
		.max_rdma_bytes	= RSP_REMOTE_MAX_BYTES,
	};
	struct rsp_exch *exch;
	struct rsp_chan *chan;

	exch = kzalloc(sizeof(*exch), GFP_KERNEL);
	if (!exch)
		return ERR_PTR(-ENOMEM);
	exch->nr_user = 1;
	exch->net = get_net(net);
	exch->dst = *dst;
	init_completion(&exch->up);
	sema_init(&exch->asked, RSP_DESC_MAX_ASKED);
	spin_lock_init(&exch->lock);
	INIT_LIST_HEAD(&exch->remotes);
	rsp_desc_hello_fill(&hello);
	chan = rsp_chan_connect(rsp_exch_svc, net, NULL, (struct sockaddr *)&exch->dst, &param, exch,
				timeout_ms);
	if (IS_ERR(chan)) {
		put_net(exch->net);
		kfree(exch);
		return ERR_CAST(chan);
	}
	exch->chan = chan;
	list_add(&exch->list, &rsp_exchs);
	return exch;
}

/* one that is not over */
static struct rsp_exch *rsp_exch_find(const struct net *net, const struct sockaddr_storage *dst)
{
	struct rsp_exch *exch;

	list_for_each_entry(exch, &rsp_exchs, list)
		if (!READ_ONCE(exch->reason) && !rsp_chan_is_closing(exch->chan) &&
		    net_eq(exch->net, net) && rsp_addr_equal(&exch->dst, dst) &&
		    rsp_addr_port(&exch->dst) == rsp_addr_port(dst) &&
		    rsp_addr_scope(&exch->dst) == rsp_addr_scope(dst))
			return exch;
	return NULL;
}

/**
 * rsp_exch_open() - Be able to look up what a peer publishes
 * @net: network namespace
 * @dst: the peer's address; a port of 0 is the port desc_port (module parameter)
 * @timeout_ms: how long to wait for the connection, 0 for 5000
 *
 * Those who open the same address share a connection. It is over when the peer or the device
 * goes; then all that is held of the peer is stale, and another one has to be opened.
 *
 * Context: Process context. Sleeps. Not from a callback of RSP.
 * Return: the exchange, to be ended with rsp_exch_close(), or ERR_PTR(): what
 * rsp_chan_connect() and down() say, %-EPROTO when something else is listening there,
 * %-ETIMEDOUT.
 */
struct rsp_exch *rsp_exch_open(struct net *net, const struct sockaddr *dst, u32 timeout_ms)
{
	struct sockaddr_storage to = { };
	struct rsp_exch *exch;
	unsigned long left;
	int err;

	if (dst->sa_family != AF_INET && dst->sa_family != AF_INET6)
		return ERR_PTR(-EAFNOSUPPORT);
	memcpy(&to, dst, dst->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
						      sizeof(struct sockaddr_in));
	if (!rsp_addr_port(&to))
		rsp_addr_set_port(&to, rsp_desc_port);
	err = rsp_exch_svc_get();
	if (err)
		return ERR_PTR(err);
	mutex_lock(&rsp_exch_mutex);
	exch = rsp_exch_find(net, &to);
	if (exch)
		exch->nr_user++;
	else
		exch = rsp_exch_create(net, &to, timeout_ms);
	mutex_unlock(&rsp_exch_mutex);
	if (IS_ERR(exch)) {
		rsp_exch_svc_put();
		return exch;
	}
	left = wait_for_completion_timeout(&exch->up, msecs_to_jiffies(timeout_ms ?: 5000));
	err = READ_ONCE(exch->reason) ?: left ? 0 : -ETIMEDOUT;
	if (!err)
		return exch;
	rsp_exch_close(exch);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(rsp_exch_open);

/**
 * rsp_exch_close() - One user less
 * @exch: from rsp_exch_open(); what was looked up through it has been put, and all done() have come
 *
 * Context: Process context. Sleeps. Not from a callback of RSP.
 */
void rsp_exch_close(struct rsp_exch *exch)
{
	bool is_last;

	mutex_lock(&rsp_exch_mutex);
	is_last = !--exch->nr_user;
	if (is_last)
		list_del(&exch->list);
	mutex_unlock(&rsp_exch_mutex);
	if (is_last) {
		/* behind this no transfer is under way */
		rsp_chan_close(exch->chan);
		WARN_ON_ONCE(!list_empty(&exch->remotes));
		put_net(exch->net);
		kfree(exch);
	}
	rsp_exch_svc_put();
}
EXPORT_SYMBOL_GPL(rsp_exch_close);

/* ------------------------------------------------------------------- users */

static struct rsp_remote *rsp_remote_create(struct rsp_exch *exch, const char *svc, u64 key,
					    u32 access)
{
	struct rsp_remote *remote;
	int err;

	remote = kzalloc(sizeof(*remote), GFP_KERNEL);
	if (!remote)
		return ERR_PTR(-ENOMEM);
	kref_init(&remote->ref);
	init_completion(&remote->found);
	remote->exch = exch;
	remote->asked_at = jiffies;
	remote->entry.view.role = RSP_ROLE_CLIENT;
	remote->entry.view.chan_id = exch->chan->view.id;
	remote->entry.view.key = key;
	remote->entry.view.access = access;
	if (strscpy(remote->entry.view.svc, svc) <= 0) {
		kfree(remote);
		return ERR_PTR(-EINVAL);
	}
	err = rsp_desc_add(&remote->entry);
	if (err) {
		kfree(remote);
		return ERR_PTR(err);
	}
	spin_lock_bh(&exch->lock);
	remote->req = ++exch->next_req;
	list_add_tail(&remote->list, &exch->remotes);
	spin_unlock_bh(&exch->lock);
	return remote;
}

static int rsp_remote_ask(struct rsp_remote *remote, bool *is_asked)
{
	const struct rsp_desc_view *view = &remote->entry.view;
	struct rsp_desc_msg msg = {
		.type	= RSP_DESC_LOOKUP,
		.req	= cpu_to_be32(remote->req),
		.key	= cpu_to_be64(view->key),
		.access	= cpu_to_be32(view->access),
	};
	struct rsp_exch *exch = remote->exch;
	int err;

	memcpy(msg.svc, view->svc, sizeof(msg.svc));
	down(&exch->asked);
	remote->asked_at = jiffies;
	err = rsp_desc_send(exch->chan, rsp_exch_svc, NULL, &msg, NULL, NULL, NULL);
	*is_asked = !err;
	if (!err && !wait_for_completion_timeout(&remote->found,
						 msecs_to_jiffies(RSP_REMOTE_ANSWER_MS)))
		err = -ETIMEDOUT;
	up(&exch->asked);
	return err;
}

/**
 * rsp_remote_lookup() - Hold a region that a peer publishes
 * @exch: the exchange with the peer
 * @svc: name of the peer's service
 * @key: of the region
 * @access: RSP_DESC_READ, RSP_DESC_WRITE or both, no more than is needed
 *
 * Context: Process context. Sleeps until the peer has answered. Not from a callback of RSP.
 * Return: the region, to be ended with rsp_remote_put(), or ERR_PTR():
 * * %-ENOENT	- the peer has none such
 * * %-EACCES	- not for this host, or not with this access
 * * %-EDQUOT	- this host holds as many of the peer's as it may
 * * %-ENOTCONN	- the exchange is over
 * * %-ETIMEDOUT - no answer within 5 s of its being asked
 * * %-EREMOTEIO - refused for another reason
 * * %-EPROTO	- the answer makes no sense; the exchange is over
 * * %-EINVAL	- no name, or one of more than 15 characters
 * * %-ENOMEM	- no memory, here or there
 * * %-EOPNOTSUPP - the peer's device does not see what its CPU writes without being told
 */
struct rsp_remote *rsp_remote_lookup(struct rsp_exch *exch, const char *svc, u64 key, u32 access)
{
	struct rsp_remote *remote = rsp_remote_create(exch, svc, key, access);
	bool is_asked = false;
	int err, state;

	if (IS_ERR(remote))
		return remote;
	err = rsp_remote_ask(remote, &is_asked);
	/* an answer that comes from here on is to nobody: it drops the grant */
	spin_lock_bh(&exch->lock);
	state = RSP_REMOTE_ASKED;
	if (!atomic_try_cmpxchg(&remote->state, &state, RSP_REMOTE_GONE))
		err = remote->status;
	else if (is_asked)
		exch->nr_late++;
	spin_unlock_bh(&exch->lock);
	if (!err && !READ_ONCE(exch->reason)) {
		trace_rsp_desc_found(&remote->entry.view);
		return remote;
	}
	rsp_remote_put(remote);
	return ERR_PTR(err ?: -ENOTCONN);
}
EXPORT_SYMBOL_GPL(rsp_remote_lookup);

/**
 * rsp_remote_info() - What is known of a region
 * @remote: from rsp_remote_lookup()
 * @info: filled
 *
 * Context: Any.
 */
void rsp_remote_info(const struct rsp_remote *remote, struct rsp_remote_info *info)
{
	const struct rsp_desc_view *view = &remote->entry.view;

	*info = (struct rsp_remote_info){
		.len		= view->len,
		.epoch		= view->epoch,
		.access		= view->access,
		.slot_bytes	= view->slot_bytes,
		.lease_ms	= view->lease_ms,
	};
}
EXPORT_SYMBOL_GPL(rsp_remote_info);

/**
 * rsp_remote_is_good() - Can it be read or written
 * @remote: from rsp_remote_lookup()
 *
 * Context: Any.
 * Return: true until it is revoked, its lease is over or the connection is; that may be
 * at any moment.
 */
bool rsp_remote_is_good(const struct rsp_remote *remote)
{
	return atomic_read(&remote->state) == RSP_REMOTE_GOOD &&
	       time_before(jiffies, READ_ONCE(remote->good_until));
}
EXPORT_SYMBOL_GPL(rsp_remote_is_good);

/* a transfer's ends: who waits for it, and what is counted */
struct rsp_remote_rw {
	struct rsp_remote	*remote;
	void			(*done)(void *ctx, int status);
	void			*ctx;
};

static void rsp_remote_rw_done(struct rsp_work *work, int status)
{
	struct rsp_remote_rw *rw = work->ctx;
	struct rsp_remote *remote = rw->remote;

	rw->done(rw->ctx, status);
	kfree(rw);
	rsp_remote_end(remote);
	kref_put(&remote->ref, rsp_remote_free);
}

/* Return: 0, or a negative errno; @work is the caller's then */
static int rsp_remote_rw_fill(struct rsp_work *work, const struct rsp_remote *remote,
			      enum rsp_dir dir, u64 off, struct scatterlist *sgl, u32 nents, u32 len)
{
	struct rsp_desc part;
	u32 i, pos = 0;
	int err;

	for (i = 0; i < remote->nr_seg && len; i++) {
		part = remote->seg[i];
		if (off >= part.len) {
			off -= part.len;
			continue;
		}
		part.addr += off;
		part.len = min_t(u64, part.len - off, len);
		err = rsp_work_add_rw(work, dir, sgl, nents, pos, &part);
		if (err)
			return err;
		pos += part.len;
		len -= part.len;
		off = 0;
	}
	return 0;
}

/**
 * rsp_remote_rw() - Read from a peer's region, or write to it
 * @remote: from rsp_remote_lookup()
 * @dir: RSP_DIR_IN reads, RSP_DIR_OUT writes
 * @off: where in the region
 * @sgl: local memory; must stay until @done
 * @nents: its entries
 * @len: bytes, at most RSP_REMOTE_MAX_BYTES
 * @done: called once, unless this fails; with 0, or a negative errno when the connection ended.
 *	In process context, as recv() of a service; it must not sleep long
 * @ctx: passed to @done
 *
 * The peer's CPU has no part in it. What was read from memory with slots is to be looked at with
 * rsp_slot_check(). A status of 0 of a write says that it is there.
 *
 * Context: Process context. May sleep, begins no I/O.
 * Return: 0 when it is under way, or
 * * %-ESTALE	- it is revoked, or the lease is over: look it up again
 * * %-ENOTCONN	- the exchange is over
 * * %-EINVAL	- outside the region, or longer than @sgl or may be, or of too many small parts
 * * %-EACCES	- not granted
 * * %-ENOMEM	- no memory
 */
int rsp_remote_rw(struct rsp_remote *remote, enum rsp_dir dir, u64 off, struct scatterlist *sgl,
		  u32 nents, u32 len, void (*done)(void *ctx, int status), void *ctx)
{
	u32 needed = dir == RSP_DIR_IN ? RSP_DESC_READ : RSP_DESC_WRITE;
	struct rsp_desc_view *view = &remote->entry.view;
	unsigned int noio = memalloc_noio_save();
	struct rsp_remote_rw *rw = NULL;
	struct rsp_work *work;
	int err;

	err = rsp_remote_begin(remote);
	if (err)
		goto out;
	err = -EACCES;
	if (!(view->access & needed))
		goto err_end;
	err = -EINVAL;
	if (!len || len > RSP_REMOTE_MAX_BYTES || off > view->len || len > view->len - off)
		goto err_end;
	err = -ENOMEM;
	rw = kmalloc(sizeof(*rw), GFP_NOIO);
	if (!rw)
		goto err_end;
	*rw = (struct rsp_remote_rw){ .remote = remote, .done = done, .ctx = ctx };
	work = rsp_work_get(remote->exch->chan, GFP_NOIO);
	if (!work) {
		if (rsp_chan_is_closing(remote->exch->chan))
			err = -ENOTCONN;
		goto err_end;
	}
	work->done = rsp_remote_rw_done;
	work->ctx = rw;
	err = rsp_remote_rw_fill(work, remote, dir, off, sgl, nents, len);
	if (err) {
		rsp_work_free(work);
		goto err_end;
	}
	kref_get(&remote->ref);
	if (dir == RSP_DIR_IN) {
		view->nr_read++;	/* several at once: a lost count is harmless */
		view->read_bytes += len;
	} else {
		view->nr_write++;
		view->write_bytes += len;
	}
	err = rsp_work_post(work);
	if (!err)
		goto out;
	kref_put(&remote->ref, rsp_remote_free);
err_end:
	kfree(rw);
	rsp_remote_end(remote);
out:
	memalloc_noio_restore(noio);
	return err;
}
EXPORT_SYMBOL_GPL(rsp_remote_rw);

/**
 * rsp_remote_put() - The region is not needed any more
 * @remote: from rsp_remote_lookup(); transfers under way go on, and its key goes back when the
 *	last has completed
 *
 * Context: Process context. May sleep.
 */
void rsp_remote_put(struct rsp_remote *remote)
{
	rsp_remote_leave(remote, 0);
	kref_put(&remote->ref, rsp_remote_free);
}
EXPORT_SYMBOL_GPL(rsp_remote_put);

/* half of the lease is over: renew it if it was used, let it go if it was not */
static void rsp_remote_tick_one(struct rsp_remote *remote)
{
	struct rsp_desc_view *view = &remote->entry.view;
	u64 nr_rw = view->nr_read + view->nr_write;
	unsigned long asked_at = remote->asked_at;

	if (atomic_read(&remote->state) == RSP_REMOTE_LEFT) {
		rsp_remote_settle(remote);
		/* the peer takes no messages, and what is behind them waits for ever */
		if (atomic_read(&remote->nr_use) &&
		    time_after(jiffies, READ_ONCE(remote->left_at) +
					msecs_to_jiffies(RSP_REMOTE_LEFT_MS)))
			rsp_chan_fail(remote->exch->chan, -ETIMEDOUT);
		return;
	}
	if (atomic_read(&remote->state) != RSP_REMOTE_GOOD)
		return;
	if (!rsp_remote_is_good(remote)) {
		rsp_remote_leave(remote, -ETIME);
		return;
	}
	if (remote->is_renewing || nr_rw == remote->nr_rw ||
	    time_before(jiffies, remote->asked_at + msecs_to_jiffies(view->lease_ms / 2)))
		return;
	/* as many at once as a publisher takes; the next tick is soon enough for the others */
	if (down_trylock(&remote->exch->asked))
		return;
	remote->is_renewing = true;
	remote->asked_at = jiffies;
	if (!rsp_exch_tell(remote->exch->chan, RSP_DESC_RENEW, remote->grant)) {
		remote->nr_rw = nr_rw;
		return;
	}
	remote->asked_at = asked_at;
	rsp_remote_renewed(remote);
}

/* the next one of an exchange behind @last, which is put, with a reference */
static struct rsp_remote *rsp_remote_next(struct rsp_exch *exch, struct rsp_remote *last)
{
	struct list_head *pos;
	struct rsp_remote *remote = NULL;

	spin_lock_bh(&exch->lock);
	for (pos = last ? last->list.next : exch->remotes.next; pos != &exch->remotes;
	     pos = pos->next) {
		remote = list_entry(pos, struct rsp_remote, list);
		if (kref_get_unless_zero(&remote->ref))
			break;
		remote = NULL;
	}
	spin_unlock_bh(&exch->lock);
	if (last)
		kref_put(&last->ref, rsp_remote_free);
	return remote;
}

/* once a second; who closes an exchange waits for it by the mutex */
void rsp_remote_tick(void)
{
	struct rsp_remote *remote;
	struct rsp_exch *exch;

	guard(mutex)(&rsp_exch_mutex);
	list_for_each_entry(exch, &rsp_exchs, list)
		for (remote = rsp_remote_next(exch, NULL); remote;
		     remote = rsp_remote_next(exch, remote))
			rsp_remote_tick_one(remote);
}
