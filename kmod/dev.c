// SPDX-License-Identifier: GPL-2.0
/*
 * Devices: every RDMA device of the host, with what all services share on it:
 * a protection domain, completion queues and receive queues per completion
 * vector, a pool of keys.
 *
 * A device is entered by each endpoint (rsp_dev_enter()) and left when its
 * queue pair is gone. Removal marks it dead, ends all endpoints and waits for
 * the last to leave; it does not wait for services, whose channels outlive the
 * device as empty shells.
 *
 * CQs are polled by the RDMA core's bound work queue (IB_POLL_WORKQUEUE): all
 * completions run in process context on the vector's CPU. Services that can be called
 * in softirq have CQs of their own that are polled there (IB_POLL_SOFTIRQ), without a
 * switch to a worker.
 */
#include <linux/module.h>

#include "core.h"

static LIST_HEAD(rsp_devs);
static DEFINE_MUTEX(rsp_dev_mutex);

static void rsp_dev_free_cqs(struct rsp_dev *dev)
{
	struct rsp_cq *cq, *next;
	u32 i;

	for (i = 0; i < dev->nr_vec; i++) {
		list_for_each_entry_safe(cq, next, &dev->vecs[i].cqs, list) {
			WARN_ON_ONCE(cq->used);
			ib_free_cq(cq->cq);
			kfree(cq);
		}
	}
}

static struct rsp_cq *rsp_cq_create(struct rsp_dev *dev, u32 vector, bool is_atomic, u32 at_least)
{
	struct rsp_cq *cq;

	cq = kzalloc(sizeof(*cq), GFP_KERNEL);
	if (!cq)
		return ERR_PTR(-ENOMEM);
	cq->size = min_t(u32, max(at_least, RSP_CQ_SIZE), dev->ibdev->attrs.max_cqe);
	cq->is_atomic = is_atomic;
	cq->cq = ib_alloc_cq(dev->ibdev, cq, cq->size, vector,
			     is_atomic ? IB_POLL_SOFTIRQ : IB_POLL_WORKQUEUE);
	if (IS_ERR(cq->cq)) {
		int err = PTR_ERR(cq->cq);

		kfree(cq);
		return ERR_PTR(err);
	}
	list_add_tail(&cq->list, &dev->vecs[vector].cqs);
	return cq;
}

/* completions a queue pair needs in @cq: its own, and once those of the shared receive queue */
static u32 rsp_cq_need(struct rsp_cq *cq, struct rsp_rq *rq, u32 nr_cqe)
{
	if (rq->view.is_private || (cq && cq->rq_kinds & BIT(rq->kind)))
		return nr_cqe;
	return nr_cqe + rq->view.size;
}

/**
 * rsp_cq_get() - Find room for a queue pair's completions
 * @dev: device, entered
 * @vector: completion vector
 * @is_atomic: completions may be handled in softirq
 * @rq: the receive queue it will use
 * @nr_cqe: send completions, and receives if @rq is private
 *
 * Return: the CQ, given back with rsp_cq_put(), or ERR_PTR().
 */
struct rsp_cq *rsp_cq_get(struct rsp_dev *dev, u32 vector, bool is_atomic, struct rsp_rq *rq,
			  u32 nr_cqe)
{
	struct rsp_cq *cq;

	mutex_lock(&dev->mutex);
	list_for_each_entry(cq, &dev->vecs[vector].cqs, list)
		if (cq->is_atomic == is_atomic &&
		    cq->used + rsp_cq_need(cq, rq, nr_cqe) <= cq->size)
			goto found;
	cq = rsp_cq_create(dev, vector, is_atomic, rsp_cq_need(NULL, rq, nr_cqe));
	if (!IS_ERR(cq) && rsp_cq_need(cq, rq, nr_cqe) > cq->size)
		cq = ERR_PTR(-ENOSPC);	/* empty, stays for others */
	if (IS_ERR(cq))
		goto out;
found:
	cq->used += rsp_cq_need(cq, rq, nr_cqe);
	if (!rq->view.is_private)
		cq->rq_kinds |= BIT(rq->kind);
out:
	mutex_unlock(&dev->mutex);
	return cq;
}

void rsp_cq_put(struct rsp_dev *dev, struct rsp_cq *cq, u32 nr_cqe)
{
	mutex_lock(&dev->mutex);
	cq->used -= nr_cqe;
	mutex_unlock(&dev->mutex);
}

static void rsp_dev_free_rqs(struct rsp_dev *dev)
{
	struct rsp_cq *cq;
	u32 i, kind;

	for (i = 0; i < dev->nr_vec; i++) {
		for (kind = 0; kind < RSP_NR_RQ; kind++) {
			struct rsp_rq *rq = dev->vecs[i].rq[kind];

			if (!rq)
				continue;
			list_for_each_entry(cq, &dev->vecs[i].cqs, list)
				if (cq->rq_kinds & BIT(kind))
					cq->used -= rq->view.size;
			rsp_rq_destroy(rq);
		}
	}
}

static int rsp_dev_add(struct ib_device *ibdev)
{
	struct rsp_dev *dev;
	int err = -ENOMEM;
	u32 i;

	if (!(ibdev->attrs.device_cap_flags & IB_DEVICE_MEM_MGT_EXTENSIONS))
		return -EOPNOTSUPP;
	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return -ENOMEM;
	dev->ibdev = ibdev;
	dev->nr_vec = clamp_t(u32, ibdev->num_comp_vectors, 1, num_online_cpus());
	dev->vecs = kcalloc(dev->nr_vec, sizeof(*dev->vecs), GFP_KERNEL);
	if (!dev->vecs)
		goto err_free;
	for (i = 0; i < dev->nr_vec; i++)
		INIT_LIST_HEAD(&dev->vecs[i].cqs);
	mutex_init(&dev->mutex);
	init_waitqueue_head(&dev->idle_wait);
	dev->has_srq = ibdev->attrs.max_srq > 0;
	dev->max_send_sge = min_t(u32, ibdev->attrs.max_send_sge, RSP_SEND_SGE);
	err = rsp_keys_init(&dev->keys, dev, true);
	if (err)
		goto err_vecs;
	err = rsp_pool_map_dev(dev);
	if (err)
		goto err_keys;
	mutex_lock(&rsp_dev_mutex);
	list_add_tail(&dev->list, &rsp_devs);
	mutex_unlock(&rsp_dev_mutex);
	pr_info("device %s: %u completion vectors, %s receive queues\n", ibdev->name,
		dev->nr_vec, dev->has_srq ? "shared" : "private");
	return 0;

err_keys:
	rsp_keys_exit(&dev->keys);
err_vecs:
	kfree(dev->vecs);
err_free:
	kfree(dev);
	pr_warn("device %s cannot be used: %d\n", ibdev->name, err);
	return err;
}

/* The device goes, possibly under load: no endpoint can enter, all present ones end. */
static void rsp_dev_remove(struct ib_device *ibdev, void *client_data)
{
	struct rsp_dev *dev, *tmp;

	mutex_lock(&rsp_dev_mutex);
	list_for_each_entry_safe(dev, tmp, &rsp_devs, list)
		if (dev->ibdev == ibdev)
			break;
	if (list_entry_is_head(dev, &rsp_devs, list)) {
		mutex_unlock(&rsp_dev_mutex);
		return;
	}
	list_del(&dev->list);
	mutex_unlock(&rsp_dev_mutex);

	mutex_lock(&dev->mutex);
	dev->is_dead = true;
	mutex_unlock(&dev->mutex);
	rsp_ep_kill_dev(dev);
	/* who may still be in: endpoints on their way down, a connect that just entered */
	while (!wait_event_timeout(dev->idle_wait, !READ_ONCE(dev->nr_ep), HZ))
		rsp_ep_kill_dev(dev);

	rsp_dev_free_rqs(dev);
	rsp_pool_flush(rsp_recv_svc);	/* the queues of other devices take what they need again */
	rsp_dev_free_cqs(dev);
	rsp_pool_unmap_dev(dev);
	rsp_keys_exit(&dev->keys);
	mutex_lock(&dev->mutex);	/* the last rsp_dev_leave() is through */
	mutex_unlock(&dev->mutex);
	kfree(dev->vecs);
	kfree(dev);
}

static struct ib_client rsp_ib_client = {
	.name	= "rsp",
	.add	= rsp_dev_add,
	.remove	= rsp_dev_remove,
};

/**
 * rsp_dev_enter() - Begin to use a device
 * @ibdev: as the connection manager chose it
 *
 * Return: the device, to be left with rsp_dev_leave(), or NULL when RSP does
 * not have it or it is being removed.
 */
struct rsp_dev *rsp_dev_enter(struct ib_device *ibdev)
{
	struct rsp_dev *dev, *found = NULL;

	mutex_lock(&rsp_dev_mutex);
	list_for_each_entry(dev, &rsp_devs, list) {
		if (dev->ibdev != ibdev)
			continue;
		mutex_lock(&dev->mutex);
		if (!dev->is_dead) {
			dev->nr_ep++;
			found = dev;
		}
		mutex_unlock(&dev->mutex);
		break;
	}
	mutex_unlock(&rsp_dev_mutex);
	return found;
}

void rsp_dev_leave(struct rsp_dev *dev)
{
	mutex_lock(&dev->mutex);
	if (!--dev->nr_ep)
		wake_up_all(&dev->idle_wait);
	mutex_unlock(&dev->mutex);
}

int rsp_dev_init(void)
{
	return ib_register_client(&rsp_ib_client);
}

void rsp_dev_exit(void)
{
	ib_unregister_client(&rsp_ib_client);
}
