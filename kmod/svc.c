// SPDX-License-Identifier: GPL-2.0
/*
 * Services: who uses the platform, and what each of them holds.
 *
 * A service is registered by its module and lives until it is unregistered and
 * its last channel is gone. The platform itself is one, "recv": it owns the
 * buffers posted to the shared receive queues, until a message arrives in one
 * and hands it over to the service it is for.
 */
#include <linux/delay.h>
#include <linux/module.h>

#include "core.h"
#include "trace.h"

#define RSP_STARVE_NS	(3ULL * NSEC_PER_SEC)	/* waiters are woken once a second */

DEFINE_XARRAY_ALLOC1(rsp_svcs);
atomic_t rsp_nr_svc, rsp_sum_weight;	/* of those in rsp_svcs */
atomic64_t rsp_sum_reserve;
static u32 rsp_svc_next_id;
static DEFINE_MUTEX(rsp_svc_mutex);	/* names are unique */

struct rsp_svc *rsp_recv_svc;

/* bytes of the pool that are in this service's account */
u64 rsp_svc_held(struct rsp_svc *svc)
{
	s64 sum = atomic64_read(&svc->held_bytes);
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(svc->cpu, cpu)->moved_bytes);
	return max_t(s64, sum, 0);
}

static bool rsp_svc_name_taken(const char *name)
{
	struct rsp_svc *svc;
	unsigned long id;

	xa_for_each(&rsp_svcs, id, svc)
		if (!strcmp(svc->view.name, name))
			return true;
	return false;
}

static void rsp_svc_free(struct kref *ref)
{
	struct rsp_svc *svc = container_of(ref, struct rsp_svc, ref);

	free_percpu(svc->cpu);
	kfree_rcu(svc, rcu);
}

/**
 * rsp_svc_register() - Make a service known to the platform
 * @attr: who it is; need not outlive the call, the ops it points to must
 *
 * Context: Process context. May sleep.
 * Return: the service, or ERR_PTR():
 * * %-EINVAL	- no name, a weight outside 1 to 1000, or a message size no class holds
 * * %-EEXIST	- the name is taken
 * * %-ENOMEM	- no memory
 */
struct rsp_svc *rsp_svc_register(const struct rsp_svc_attr *attr)
{
	int class = rsp_class_of(attr->recv_bytes), err, cpu, i;
	struct rsp_svc *svc;

	if (!attr->name || !attr->name[0] || strlen(attr->name) >= RSP_NAME_LEN ||
	    attr->weight < 1 || attr->weight > 1000 || class < 0)
		return ERR_PTR(-EINVAL);

	svc = kzalloc(sizeof(*svc), GFP_KERNEL);
	if (!svc)
		return ERR_PTR(-ENOMEM);
	svc->cpu = alloc_percpu(struct rsp_svc_cpu);
	if (!svc->cpu) {
		kfree(svc);
		return ERR_PTR(-ENOMEM);
	}
	for_each_possible_cpu(cpu)
		for (i = 0; i < RSP_NR_CLASS; i++)
			spin_lock_init(&per_cpu_ptr(svc->cpu, cpu)->mag[i].lock);
	spin_lock_init(&svc->lock);
	kref_init(&svc->ref);
	svc->ops = attr->ops;
	svc->owner = attr->owner;
	svc->recv_class = class;
	svc->is_atomic = attr->is_atomic;
	svc->has_own_keys = attr->has_own_keys;
	svc->view.weight = attr->weight;
	svc->view.reserve_bytes = max(SZ_256K, 2 * RSP_RQ_MIN * rsp_class_bytes[class]);
	strscpy(svc->view.name, attr->name);

	mutex_lock(&rsp_svc_mutex);
	err = rsp_svc_name_taken(attr->name) ? -EEXIST :
	      rsp_id_alloc(&rsp_svcs, &rsp_svc_next_id, &svc->view.id, svc);
	mutex_unlock(&rsp_svc_mutex);
	if (err) {
		kref_put(&svc->ref, rsp_svc_free);
		return ERR_PTR(err);
	}
	atomic_inc(&rsp_nr_svc);
	atomic_add(attr->weight, &rsp_sum_weight);
	atomic64_add(svc->view.reserve_bytes, &rsp_sum_reserve);
	trace_rsp_svc_register(&svc->view);
	return svc;
}
EXPORT_SYMBOL_GPL(rsp_svc_register);

/**
 * rsp_svc_unregister() - The service ends
 * @svc: from rsp_svc_register(); its listeners are closed
 *
 * Waits until the last reference on its channels and its last buffer are given
 * back, and says so in the log when that takes more than ten seconds. No callback
 * of the service runs any more when it returns.
 *
 * Context: Process context. Sleeps.
 */
void rsp_svc_unregister(struct rsp_svc *svc)
{
	unsigned long warn = jiffies + 10 * HZ;
	u64 held;

	for (;;) {
		rsp_pool_flush(svc);
		held = rsp_svc_held(svc);
		if (!atomic_read(&svc->nr_chan) && !held)
			break;
		if (time_after(jiffies, warn)) {
			pr_warn("service %s waits for %d channels and %llu bytes of buffers\n",
				svc->view.name, atomic_read(&svc->nr_chan), held);
			warn = jiffies + 60 * HZ;
		}
		msleep(10);
	}
	trace_rsp_svc_unregister(&svc->view);
	xa_erase(&rsp_svcs, svc->view.id);
	atomic_dec(&rsp_nr_svc);
	atomic_sub(svc->view.weight, &rsp_sum_weight);
	atomic64_sub(svc->view.reserve_bytes, &rsp_sum_reserve);
	/* a waker may still run in rsp_svc_tick(), shrink() in rsp_pool_reclaim() */
	flush_workqueue(rsp_wq);
	synchronize_rcu();
	kref_put(&svc->ref, rsp_svc_free);
}
EXPORT_SYMBOL_GPL(rsp_svc_unregister);

/**
 * rsp_svc_recv_bytes() - Size of the buffers a service receives into
 * @svc: the service
 *
 * Context: Any.
 * Return: bytes, at least what it registered with.
 */
u32 rsp_svc_recv_bytes(const struct rsp_svc *svc)
{
	return rsp_class_bytes[svc->recv_class];
}
EXPORT_SYMBOL_GPL(rsp_svc_recv_bytes);

/* a buffer was asked for and not to be had, but there is no hurry */
void rsp_svc_refused(struct rsp_svc *svc)
{
	WRITE_ONCE(svc->refused_ns, ktime_get_ns());
}

/*
 * A buffer was needed and not to be had. It starves until it gets one; a
 * service that does not ask again within RSP_STARVE_NS has found another way.
 */
void rsp_svc_starved(struct rsp_svc *svc)
{
	u64 now = ktime_get_ns();

	spin_lock_bh(&svc->lock);
	svc->refused_ns = now;
	if (!svc->starved_ns) {
		svc->view.nr_starved++;
		svc->starved_ns = now;
	}
	spin_unlock_bh(&svc->lock);
}

/* wake those who wait for buffers, tell the policy how long they have waited */
void rsp_svc_tick(void)
{
	void (*fn)(void *arg);
	struct rsp_svc *svc;
	unsigned long id;
	u64 since;
	void *arg;

	rcu_read_lock();
	xa_for_each(&rsp_svcs, id, svc) {
		if (!kref_get_unless_zero(&svc->ref))
			continue;
		rcu_read_unlock();
		spin_lock_bh(&svc->lock);
		fn = svc->wake_fn;
		arg = svc->wake_arg;
		svc->wake_fn = NULL;
		if (svc->starved_ns && ktime_get_ns() - svc->refused_ns > RSP_STARVE_NS)
			svc->starved_ns = 0;
		since = svc->starved_ns;
		spin_unlock_bh(&svc->lock);
		if (since)
			rsp_policy_waited(RSP_FAMILY_BUF, svc->view.name,
					  ktime_get_ns() - since);
		if (fn)
			fn(arg);
		kref_put(&svc->ref, rsp_svc_free);
		rcu_read_lock();
	}
	rcu_read_unlock();
}

/**
 * rsp_buf_wake() - Be told when buffers may be had again
 * @svc: the service whose rsp_buf_get() returned NULL
 * @fn: called once, in process context, within about a second
 * @arg: passed to @fn
 *
 * A later call replaces an earlier one that was not yet answered.
 *
 * Context: Process context or softirq, atomic.
 */
void rsp_buf_wake(struct rsp_svc *svc, void (*fn)(void *arg), void *arg)
{
	spin_lock_bh(&svc->lock);
	svc->wake_fn = fn;
	svc->wake_arg = arg;
	spin_unlock_bh(&svc->lock);
}
EXPORT_SYMBOL_GPL(rsp_buf_wake);

bool rsp_svc_view_next(u32 *id, struct rsp_svc_view *v)
{
	unsigned long i = *id;
	struct rsp_svc *svc;

	rcu_read_lock();
	svc = xa_find_after(&rsp_svcs, &i, ULONG_MAX, XA_PRESENT);
	if (svc) {
		*v = svc->view;
		v->held_bytes = rsp_svc_held(svc);
		v->peak_bytes = max(v->peak_bytes, v->held_bytes);
		v->nr_chan = atomic_read(&svc->nr_chan);
	}
	rcu_read_unlock();
	*id = i;
	return svc;
}

int rsp_svc_init(void)
{
	static const struct rsp_svc_attr attr = {
		.name		= "recv",
		.weight		= 100,
		.recv_bytes	= 1,
	};

	rsp_recv_svc = rsp_svc_register(&attr);
	if (IS_ERR(rsp_recv_svc))
		return PTR_ERR(rsp_recv_svc);
	atomic64_add(SZ_2M - rsp_recv_svc->view.reserve_bytes, &rsp_sum_reserve);
	rsp_recv_svc->view.reserve_bytes = SZ_2M;
	return 0;
}

void rsp_svc_exit(void)
{
	rsp_svc_unregister(rsp_recv_svc);
	WARN_ON_ONCE(!xa_empty(&rsp_svcs));
}
