// SPDX-License-Identifier: GPL-2.0
/*
 * rsp_isert.ko: iSER over RSP for the LIO target. It registers with
 * iscsi_target_mod.ko as its InfiniBand transport, so that "enable_iser true" of
 * targetcli and np/ADDRESS/iser of configfs mean it. Stock ib_isert.ko registers
 * the same type; LIO takes the one loaded first.
 */
#include <linux/init.h>
#include <linux/module.h>

#include "isert.h"

struct rsp_svc *rsp_isert_svc;
struct workqueue_struct *rsp_isert_wq;
struct workqueue_struct *rsp_isert_batch_wq;

/* protection information (T10 PI) is neither checked nor carried */
static enum target_prot_op rsp_isert_get_sup_prot_ops(struct iscsit_conn *iscsi)
{
	if (iscsi->tpg->tpg_attrib.t10_pi)
		pr_warn_once("T10 PI is not supported, attribute t10_pi has no effect\n");
	return TARGET_PROT_NORMAL;
}

static struct iscsit_transport rsp_isert_transport = {
	.name			= "RSP/iSER",
	.transport_type		= ISCSI_INFINIBAND,
	.rdma_shutdown		= true,
	.priv_size		= sizeof(struct rsp_isert_cmd),
	.owner			= THIS_MODULE,
	.iscsit_setup_np	= rsp_isert_setup_np,
	.iscsit_accept_np	= rsp_isert_accept_np,
	.iscsit_free_np		= rsp_isert_free_np,
	.iscsit_wait_conn	= rsp_isert_wait_conn,
	.iscsit_free_conn	= rsp_isert_free_conn,
	.iscsit_get_login_rx	= rsp_isert_get_login_rx,
	.iscsit_put_login_tx	= rsp_isert_put_login_tx,
	.iscsit_immediate_queue	= rsp_isert_immediate_queue,
	.iscsit_response_queue	= rsp_isert_response_queue,
	.iscsit_get_dataout	= rsp_isert_get_dataout,
	.iscsit_queue_data_in	= rsp_isert_queue_data_in,
	.iscsit_queue_status	= rsp_isert_queue_status,
	.iscsit_aborted_task	= rsp_isert_aborted_task,
	.iscsit_get_rx_pdu	= rsp_isert_get_rx_pdu,
	.iscsit_validate_params	= rsp_isert_validate_params,
	.iscsit_get_sup_prot_ops = rsp_isert_get_sup_prot_ops,
};

static const struct rsp_svc_ops rsp_isert_ops = {
	.accept	= rsp_isert_accept,
	.up	= rsp_isert_up,
	.down	= rsp_isert_down,
	.recv	= rsp_isert_recv,
};

static int __init rsp_isert_init(void)
{
	const struct rsp_svc_attr attr = {
		.name		= "iser-target",
		.ops		= &rsp_isert_ops,
		.owner		= THIS_MODULE,
		.weight		= 100,
		.recv_bytes	= RSP_ISERT_RECV_BYTES,
	};

	int err;

	BUILD_BUG_ON(RSP_ISER_PDU_BYTES != 76);
	rsp_isert_wq = alloc_workqueue("rsp_isert", WQ_UNBOUND, 0);
	if (!rsp_isert_wq)
		return -ENOMEM;
	/* on the processor that asks: behind the commands LIO has to complete there */
	rsp_isert_batch_wq = alloc_workqueue("rsp_isert_batch", WQ_MEM_RECLAIM, 0);
	if (!rsp_isert_batch_wq) {
		err = -ENOMEM;
		goto err_wq;
	}
	rsp_isert_svc = rsp_svc_register(&attr);
	if (IS_ERR(rsp_isert_svc)) {
		err = PTR_ERR(rsp_isert_svc);
		goto err_batch_wq;
	}
	iscsit_register_transport(&rsp_isert_transport);
	return 0;

err_batch_wq:
	destroy_workqueue(rsp_isert_batch_wq);
err_wq:
	destroy_workqueue(rsp_isert_wq);
	return err;
}

static void __exit rsp_isert_exit(void)
{
	iscsit_unregister_transport(&rsp_isert_transport);
	/* a logout handler may still be on its way out */
	destroy_workqueue(rsp_isert_wq);
	destroy_workqueue(rsp_isert_batch_wq);
	rsp_svc_unregister(rsp_isert_svc);
}

module_init(rsp_isert_init);
module_exit(rsp_isert_exit);

MODULE_DESCRIPTION("iSER over RSP: the InfiniBand transport of the LIO iSCSI target");
MODULE_LICENSE("GPL");
/* what LIO asks for; found where the stock module is not installed, see iscsi/README.md */
MODULE_ALIAS("ib_isert");
