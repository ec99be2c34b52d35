// SPDX-License-Identifier: GPL-2.0
/* rsp.ko: the RDMA Service Platform. The table of contents: what starts, in order. */
#include <linux/module.h>

#include "core.h"
#include "desc.h"
#include "hello.h"
#include "mux.h"

struct workqueue_struct *rsp_wq;

int rsp_id_alloc(struct xarray *xa, u32 *next, u32 *id, void *obj)
{
	int err = xa_alloc_cyclic(xa, id, obj, XA_LIMIT(1, INT_MAX), next, GFP_KERNEL);

	return err < 0 ? err : 0;
}

static void rsp_tick_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(rsp_tick, rsp_tick_work);

/* once a second: what policies are asked on a timer, and who waits too long */
static void rsp_tick_work(struct work_struct *work)
{
	rsp_svc_tick();
	rsp_ep_tick(RSP_REHOME_TIMER);
	queue_delayed_work(rsp_wq, &rsp_tick, HZ);
}

static int __init rsp_init(void)
{
	int err;

	err = rsp_hello_init();
	if (err)
		return err;
	rsp_wq = alloc_workqueue("rsp", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!rsp_wq)
		return -ENOMEM;
	err = rsp_pool_init();
	if (err)
		goto err_wq;
	err = rsp_key_init();
	if (err)
		goto err_pool;
	err = rsp_work_init();
	if (err)
		goto err_key;
	err = rsp_svc_init();
	if (err)
		goto err_work;
	err = rsp_mux_init();
	if (err)
		goto err_svc;
	err = rsp_policy_init();
	if (err)
		goto err_mux;
	err = rsp_dev_init();
	if (err)
		goto err_policy;
	queue_delayed_work(rsp_wq, &rsp_tick, HZ);
	rsp_desc_init();
	return 0;

err_policy:
	rsp_policy_exit();
err_mux:
	rsp_mux_exit();
err_svc:
	rsp_svc_exit();
err_work:
	rsp_work_exit();
err_key:
	rsp_key_exit();
err_pool:
	rsp_pool_exit();
err_wq:
	destroy_workqueue(rsp_wq);
	return err;
}

static void __exit rsp_exit(void)
{
	cancel_delayed_work_sync(&rsp_tick);
	rsp_desc_exit();
	rsp_dev_exit();
	rsp_policy_exit();
	rsp_ep_exit();
	rsp_mux_exit();
	rsp_peer_exit();
	rsp_chan_exit();
	rsp_svc_exit();
	rsp_rq_exit();
	rsp_work_exit();
	rsp_key_exit();
	rsp_pool_exit();
	destroy_workqueue(rsp_wq);
	rcu_barrier();
}

module_init(rsp_init);
module_exit(rsp_exit);

MODULE_DESCRIPTION("RDMA Service Platform");
MODULE_LICENSE("GPL");
