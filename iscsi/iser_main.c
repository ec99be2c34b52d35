// SPDX-License-Identifier: GPL-2.0
/*
 * rsp_iser.ko: the iSCSI transport "iser" over RSP, for plain open-iscsi.
 *
 * It takes the name the stock ib_iser.ko uses, so one of the two can be loaded.
 * open-iscsi loads ib_iser when nobody has registered the name: load rsp_iser first.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

#include "iser.h"

#define RSP_ISER_MAX_LUN	512
#define RSP_ISER_MAX_CDB	16	/* no additional header segments */

unsigned int rsp_iser_max_cmds = 128;
module_param_named(max_cmds, rsp_iser_max_cmds, uint, 0444);
MODULE_PARM_DESC(max_cmds, "SCSI commands of a session in flight at most, 16 to 512 (default 128)");

static unsigned int rsp_iser_max_sectors = 2048;
module_param_named(max_sectors, rsp_iser_max_sectors, uint, 0444);
MODULE_PARM_DESC(max_sectors, "longest SCSI command in sectors, 8 to 2048 (default 2048, 1 MiB)");

static struct iscsi_transport rsp_iser_transport;
static struct scsi_transport_template *rsp_iser_scsi_transport;

static const struct scsi_host_template rsp_iser_sht = {
	.module			= THIS_MODULE,
	.name			= "iSCSI initiator, iSER over RSP",
	.proc_name		= "iscsi_iser",	/* open-iscsi finds the transport by it */
	.queuecommand		= iscsi_queuecommand,
	.change_queue_depth	= scsi_change_queue_depth,
	.target_alloc		= iscsi_target_alloc,
	.eh_timed_out		= iscsi_eh_cmd_timed_out,
	.eh_abort_handler	= iscsi_eh_abort,
	.eh_device_reset_handler = iscsi_eh_device_reset,
	.eh_target_reset_handler = iscsi_eh_recover_target,
	.cmd_size		= sizeof(struct iscsi_cmd),
	.cmd_per_lun		= 128,
	.this_id		= -1,
	.track_queue_depth	= 1,
};

/* ------------------------------------------------------------------- sessions */

/* A command must fit one key: iSER has room for one. */
static void rsp_iser_set_limits(struct Scsi_Host *shost, u32 max_map_bytes)
{
	u32 bytes = min_t(u32, rsp_iser_max_sectors << SECTOR_SHIFT, max_map_bytes);

	shost->max_sectors = bytes >> SECTOR_SHIFT;
	/* a first page that is not whole takes one more */
	shost->sg_tablesize = (bytes >> PAGE_SHIFT) + 1;
	shost->virt_boundary_mask = PAGE_SIZE - 1;
}

static struct iscsi_cls_session *rsp_iser_session_create(struct iscsi_endpoint *ep, u16 max_cmds,
							 u16 queue_depth, u32 initial_cmdsn)
{
	struct rsp_iser_conn *conn = ep ? ep->dd_data : NULL;
	struct iscsi_cls_session *cls_session;
	struct Scsi_Host *shost;

	/* what a device can map is known from the endpoint, which open-iscsi passes since 2.0-870 */
	if (!conn || !rsp_iser_conn_is_up(conn))
		return NULL;
	shost = iscsi_host_alloc(&rsp_iser_sht, 0, false);
	if (!shost)
		return NULL;
	shost->transportt = rsp_iser_scsi_transport;
	shost->cmd_per_lun = queue_depth;
	shost->can_queue = min_t(u32, max_cmds, rsp_iser_max_cmds);
	shost->max_lun = RSP_ISER_MAX_LUN;
	shost->max_id = 0;
	shost->max_channel = 0;
	shost->max_cmd_len = RSP_ISER_MAX_CDB;
	rsp_iser_set_limits(shost, conn->info.max_map_bytes);
	if (iscsi_host_add(shost, NULL))
		goto err_free;
	cls_session = iscsi_session_setup(&rsp_iser_transport, shost, shost->can_queue, 0,
					  sizeof(struct rsp_iser_task), initial_cmdsn, 0);
	if (!cls_session)
		goto err_remove;
	return cls_session;

err_remove:
	iscsi_host_remove(shost, false);
err_free:
	iscsi_host_free(shost);
	return NULL;
}

static void rsp_iser_session_destroy(struct iscsi_cls_session *cls_session)
{
	struct Scsi_Host *shost = iscsi_session_to_shost(cls_session);

	iscsi_session_teardown(cls_session);
	iscsi_host_remove(shost, false);
	iscsi_host_free(shost);
}

/* ---------------------------------------------------------------- connections */

static struct iscsi_cls_conn *rsp_iser_conn_create(struct iscsi_cls_session *cls_session, u32 cid)
{
	struct iscsi_cls_conn *cls_conn = iscsi_conn_setup(cls_session, 0, cid);
	struct iscsi_conn *iscsi;

	if (!cls_conn)
		return NULL;
	iscsi = cls_conn->dd_data;
	iscsi->max_recv_dlength = RSP_ISER_MAX_DATA;
	return cls_conn;
}

static int rsp_iser_conn_start(struct iscsi_cls_conn *cls_conn)
{
	struct iscsi_conn *iscsi = cls_conn->dd_data;
	struct iscsi_session *session = iscsi->session;
	struct rsp_iser_conn *conn = iscsi->dd_data;
	u32 max_data = 0;

	if (!conn)
		return -ENOTCONN;
	/* negotiated by now: what may go in a message, with the command or behind it */
	if (session->imm_data_en || !session->initial_r2t_en)
		max_data = iscsi->max_xmit_dlength;
	rsp_chan_set_max_inline(conn->chan, sizeof(struct rsp_iser_msg) + max_data);
	return iscsi_conn_start(cls_conn);
}

/* negotiated parameters that iSER rules out when they are not 0 */
static int rsp_iser_set_param(struct iscsi_cls_conn *cls_conn, enum iscsi_param param,
			      char *buf, int buflen)
{
	int err, value;

	switch (param) {
	case ISCSI_PARAM_MAX_RECV_DLENGTH:
		/* what we can receive is given: RSP_ISER_MAX_DATA */
		return 0;
	case ISCSI_PARAM_HDRDGST_EN:
	case ISCSI_PARAM_DATADGST_EN:
	case ISCSI_PARAM_IFMARKER_EN:
	case ISCSI_PARAM_OFMARKER_EN:
		err = kstrtoint(buf, 10, &value);
		if (err)
			return err;
		if (value) {
			pr_err("digests and markers do not go with iSER, parameter %d\n", param);
			return -EPROTO;
		}
		return 0;
	default:
		return iscsi_set_param(cls_conn, param, buf, buflen);
	}
}

static void rsp_iser_get_stats(struct iscsi_cls_conn *cls_conn, struct iscsi_stats *stats)
{
	struct iscsi_conn *iscsi = cls_conn->dd_data;

	stats->txdata_octets = iscsi->txdata_octets;
	stats->rxdata_octets = iscsi->rxdata_octets;
	stats->scsicmd_pdus = iscsi->scsicmd_pdus_cnt;
	stats->scsirsp_pdus = iscsi->scsirsp_pdus_cnt;
	stats->dataout_pdus = iscsi->dataout_pdus_cnt;
	stats->datain_pdus = 0;		/* RDMA takes their place */
	stats->r2t_pdus = 0;
	stats->tmfcmd_pdus = iscsi->tmfcmd_pdus_cnt;
	stats->tmfrsp_pdus = iscsi->tmfrsp_pdus_cnt;
	stats->custom_length = 0;
}

static umode_t rsp_iser_attr_is_visible(int type, int param)
{
	switch (type) {
	case ISCSI_HOST_PARAM:
		switch (param) {
		case ISCSI_HOST_PARAM_NETDEV_NAME:
		case ISCSI_HOST_PARAM_HWADDRESS:
		case ISCSI_HOST_PARAM_INITIATOR_NAME:
			return 0444;
		}
		return 0;
	case ISCSI_PARAM:
		switch (param) {
		/* of a connection */
		case ISCSI_PARAM_CONN_ADDRESS:
		case ISCSI_PARAM_CONN_PORT:
		case ISCSI_PARAM_PERSISTENT_ADDRESS:
		case ISCSI_PARAM_PERSISTENT_PORT:
		case ISCSI_PARAM_MAX_RECV_DLENGTH:
		case ISCSI_PARAM_MAX_XMIT_DLENGTH:
		case ISCSI_PARAM_HDRDGST_EN:
		case ISCSI_PARAM_DATADGST_EN:
		case ISCSI_PARAM_EXP_STATSN:
		case ISCSI_PARAM_PING_TMO:
		case ISCSI_PARAM_RECV_TMO:
		/* of a session */
		case ISCSI_PARAM_INITIAL_R2T_EN:
		case ISCSI_PARAM_IMM_DATA_EN:
		case ISCSI_PARAM_MAX_R2T:
		case ISCSI_PARAM_FIRST_BURST:
		case ISCSI_PARAM_MAX_BURST:
		case ISCSI_PARAM_PDU_INORDER_EN:
		case ISCSI_PARAM_DATASEQ_INORDER_EN:
		case ISCSI_PARAM_TARGET_NAME:
		case ISCSI_PARAM_TPGT:
		case ISCSI_PARAM_USERNAME:
		case ISCSI_PARAM_USERNAME_IN:
		case ISCSI_PARAM_PASSWORD:
		case ISCSI_PARAM_PASSWORD_IN:
		case ISCSI_PARAM_FAST_ABORT:
		case ISCSI_PARAM_ABORT_TMO:
		case ISCSI_PARAM_LU_RESET_TMO:
		case ISCSI_PARAM_TGT_RESET_TMO:
		case ISCSI_PARAM_IFACE_NAME:
		case ISCSI_PARAM_INITIATOR_NAME:
		case ISCSI_PARAM_DISCOVERY_SESS:
			return 0444;
		}
		return 0;
	}
	return 0;
}

static struct iscsi_transport rsp_iser_transport = {
	.owner			= THIS_MODULE,
	.name			= "iser",
	.caps			= CAP_RECOVERY_L0 | CAP_MULTI_R2T | CAP_TEXT_NEGO,
	.create_session		= rsp_iser_session_create,
	.destroy_session	= rsp_iser_session_destroy,
	.create_conn		= rsp_iser_conn_create,
	.bind_conn		= rsp_iser_conn_bind,
	.unbind_conn		= iscsi_conn_unbind,
	.destroy_conn		= iscsi_conn_teardown,
	.start_conn		= rsp_iser_conn_start,
	.stop_conn		= rsp_iser_conn_stop,
	.attr_is_visible	= rsp_iser_attr_is_visible,
	.set_param		= rsp_iser_set_param,
	.get_conn_param		= iscsi_conn_get_param,
	.get_session_param	= iscsi_session_get_param,
	.get_ep_param		= rsp_iser_get_ep_param,
	.get_host_param		= iscsi_host_get_param,
	.set_host_param		= iscsi_host_set_param,
	.get_stats		= rsp_iser_get_stats,
	.send_pdu		= iscsi_conn_send_pdu,
	.alloc_pdu		= rsp_iser_alloc_pdu,
	.init_task		= rsp_iser_task_init,
	.xmit_task		= rsp_iser_task_xmit,
	.cleanup_task		= rsp_iser_task_cleanup,
	.session_recovery_timedout = iscsi_session_recovery_timedout,
	.ep_connect		= rsp_iser_ep_connect,
	.ep_poll		= rsp_iser_ep_poll,
	.ep_disconnect		= rsp_iser_ep_disconnect,
};

static int __init rsp_iser_init(void)
{
	int err;

	if (rsp_iser_max_cmds < 16 || rsp_iser_max_cmds > 512 ||
	    rsp_iser_max_sectors < 8 || rsp_iser_max_sectors > 2048) {
		pr_err("max_cmds is 16 to 512, max_sectors 8 to 2048\n");
		return -EINVAL;
	}
	err = rsp_iser_conn_init();
	if (err)
		return err;
	rsp_iser_scsi_transport = iscsi_register_transport(&rsp_iser_transport);
	if (!rsp_iser_scsi_transport) {
		pr_err("cannot register the transport \"iser\", is ib_iser.ko loaded?\n");
		rsp_iser_conn_exit();
		return -EEXIST;
	}
	return 0;
}

static void __exit rsp_iser_exit(void)
{
	iscsi_unregister_transport(&rsp_iser_transport);
	rsp_iser_conn_exit();
}

module_init(rsp_iser_init);
module_exit(rsp_iser_exit);

MODULE_DESCRIPTION("iSER initiator over RSP");
MODULE_LICENSE("GPL");
