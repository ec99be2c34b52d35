/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rsp_isert.ko, the target's half of iSER over RSP: what its files offer each
 * other. The story of the objects stands in isert_conn.c.
 */
#ifndef _RSP_ISERT_H
#define _RSP_ISERT_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <scsi/iscsi_proto.h>
#include <scsi/iser.h>
#include <target/target_core_base.h>
#include <target/target_core_fabric.h>
#include <target/iscsi/iscsi_transport.h>

#include <rsp/rsp.h>

#include "batch.h"

#define RSP_ISERT_DATA_BYTES	ISCSI_DEF_MAX_RECV_SEG_LEN	/* data segment; initiators insist */
#define RSP_ISERT_RECV_BYTES	(RSP_ISER_PDU_BYTES + RSP_ISERT_DATA_BYTES + 260)	/* and AHS */
#define RSP_ISERT_RDMA_BYTES	SZ_1M	/* in one rsp_work; longer transfers are several */
#define RSP_ISERT_SENDS		120	/* in flight: commands, and some PDUs; more wait */
#define RSP_ISERT_CREDITS	128	/* receives a connection may cause */
#define RSP_ISERT_BACKLOG	64	/* PDUs that wait for a command tag */
#define RSP_ISERT_MAX_OPENING	256	/* connections of a portal before their login */
#define RSP_ISERT_LOGIN_S	15	/* for the first login request */

/**
 * struct rsp_isert_np - a network portal
 * @np: LIO's
 * @lsn: RSP's listener
 * @opening: connections without a login request, oldest first; rsp_isert_np_lock
 * @pending: connections whose first login request is here; rsp_isert_np_lock
 * @nr: in both lists; rsp_isert_np_lock
 * @wait: LIO's login thread
 * @reap_work: ends connections that do not log in
 */
struct rsp_isert_np {
	struct iscsi_np		*np;
	struct rsp_lsn		*lsn;
	struct list_head	opening;
	struct list_head	pending;
	u32			nr;
	wait_queue_head_t	wait;
	struct delayed_work	reap_work;
};

/* see the picture in isert_conn.c */
enum rsp_isert_phase {
	RSP_ISERT_LOGIN_WAIT,		/* a login request may come */
	RSP_ISERT_LOGIN_BUSY,		/* one is here or with LIO */
	RSP_ISERT_FULL,
	RSP_ISERT_CLOSING,
};

/**
 * struct rsp_isert_conn - a connection from an initiator
 * @chan: its channel; two references, one ends with rsp_chan_close()
 * @np: its portal, NULL once LIO, free_np() or down() took it; rsp_isert_np_lock
 * @link: in a list of @np
 * @since: jiffies of accept()
 * @is_up: up() was called; rsp_isert_np_lock
 * @iscsi: LIO's connection, NULL before accept_np()
 * @lock: protects @phase, @login_buf, @login_queued, @final_buf, @backlog
 * @phase: what recv() does with a message
 * @login_buf: a login request LIO has not fetched yet
 * @final_buf: the last login response, sent when LIO is ready for commands
 * @final_len: its bytes
 * @login_queued: @iscsi's login_work has been queued once
 * @was_full: there may be commands
 * @has_remote_inv: the initiator wants Send With Invalidate
 * @has_inline_read: a read without a key has its data sent with the answer
 * @max_pages: what a message can be gathered from
 * @has_batch: the initiator takes several PDUs in a message
 * @is_logout: a logout response is on its way, or its handler will run
 * @send_lock: StatSN and MaxCmdSN go onto the wire in the order they are assigned
 * @batch: responses that leave in one message; @send_lock
 * @batch_work: sends it
 * @down_done: down() has been called
 * @sent: a login response that ends the login has left
 * @backlog: PDUs that wait for a command tag; only recv() adds, only @backlog_work takes
 * @backlog_first: oldest of these
 * @backlog_off: where in that one
 * @nr_backlog: how many
 * @backlog_work: handles them
 * @held: receive buffers that are the data of a command, by the command's tag
 * @nr_held: tags, not buffers
 * @cm: private data of the answer
 * @id: the channel's number, for messages
 */
struct rsp_isert_conn {
	struct rsp_chan		*chan;
	struct rsp_isert_np	*np;
	struct list_head	link;
	unsigned long		since;
	bool			is_up;

	struct iscsit_conn	*iscsi;
	spinlock_t		lock;
	enum rsp_isert_phase	phase;
	struct rsp_buf		*login_buf;
	struct rsp_buf		*final_buf;
	u32			final_len;
	bool			login_queued;
	bool			was_full;
	bool			has_remote_inv;
	bool			has_inline_read;
	bool			has_batch;
	u32			max_pages;
	bool			is_logout;

	spinlock_t		send_lock;
	struct rsp_iser_batch	batch;
	struct work_struct	batch_work;
	struct completion	down_done;
	struct completion	sent;

	struct rsp_buf		**backlog;
	u32			backlog_first;
	u32			backlog_off;
	u32			nr_backlog;
	struct delayed_work	backlog_work;

	struct rsp_buf		**held;
	u32			nr_held;

	struct rsp_iser_cm	cm;
	u32			id;
};

/**
 * struct rsp_isert_cmd - our part of a command, behind LIO's
 * @read_va: where the initiator wants the data of a read
 * @write_va: where it has the data of a write that did not come with the command
 * @read_rkey: key of @read_va
 * @write_rkey: key of @write_va
 * @has_read: @read_va and @read_rkey are valid
 * @has_write: @write_va and @write_rkey are valid
 * @sg: immediate data in a receive buffer that rsp_isert_conn.held has
 * @logout_work: runs what follows a logout response
 */
struct rsp_isert_cmd {
	u64			read_va;
	u64			write_va;
	u32			read_rkey;
	u32			write_rkey;
	bool			has_read;
	bool			has_write;
	struct scatterlist	sg;
	struct work_struct	logout_work;
};

#define rsp_isert_conn_warn(conn, fmt, ...) \
	pr_warn_ratelimited("chan %u: " fmt, (conn)->id, ##__VA_ARGS__)

extern struct rsp_svc *rsp_isert_svc;
extern struct workqueue_struct *rsp_isert_wq;
extern struct workqueue_struct *rsp_isert_batch_wq;
extern spinlock_t rsp_isert_np_lock;

/* isert_np.c */
int rsp_isert_setup_np(struct iscsi_np *np, struct sockaddr_storage *addr);
int rsp_isert_accept_np(struct iscsi_np *np, struct iscsit_conn *iscsi);
void rsp_isert_free_np(struct iscsi_np *np);
int rsp_isert_accept(struct rsp_chan *chan, void *lsn_ctx, const void *pdata, u8 len,
		     struct rsp_conn_param *param);
void rsp_isert_np_ready(struct rsp_isert_conn *conn);
bool rsp_isert_np_take(struct rsp_isert_conn *conn);

/* isert_conn.c */
struct rsp_isert_conn *rsp_isert_conn_alloc(struct rsp_chan *chan);
void rsp_isert_conn_free(struct rsp_isert_conn *conn);
void rsp_isert_up(struct rsp_chan *chan, const void *pdata, u8 len);
void rsp_isert_down(struct rsp_chan *chan, int reason);
int rsp_isert_get_login_rx(struct iscsit_conn *iscsi, struct iscsi_login *login);
int rsp_isert_put_login_tx(struct iscsit_conn *iscsi, struct iscsi_login *login, u32 len);
int rsp_isert_validate_params(struct iscsit_conn *iscsi);
void rsp_isert_get_rx_pdu(struct iscsit_conn *iscsi);
void rsp_isert_wait_conn(struct iscsit_conn *iscsi);
void rsp_isert_free_conn(struct iscsit_conn *iscsi);

/* the backend has what it wanted of a command's data */
static inline void rsp_isert_unhold(struct rsp_isert_conn *conn, struct iscsit_cmd *cmd)
{
	struct rsp_buf **slot = conn->held ? &conn->held[cmd->se_cmd.map_tag] : NULL;
	struct rsp_buf *buf = slot && READ_ONCE(*slot) ? xchg(slot, NULL) : NULL;

	if (buf)
		rsp_buf_put(buf);
}

/* isert_recv.c */
void rsp_isert_recv(struct rsp_chan *chan, struct rsp_buf *buf);
void rsp_isert_backlog_run(struct work_struct *work);
void rsp_isert_backlog_drop(struct rsp_isert_conn *conn);

/* isert_send.c */
int rsp_isert_queue_data_in(struct iscsit_conn *iscsi, struct iscsit_cmd *cmd);
int rsp_isert_queue_status(struct iscsit_conn *iscsi, struct iscsit_cmd *cmd);
int rsp_isert_get_dataout(struct iscsit_conn *iscsi, struct iscsit_cmd *cmd, bool recovery);
int rsp_isert_immediate_queue(struct iscsit_conn *iscsi, struct iscsit_cmd *cmd, int state);
int rsp_isert_response_queue(struct iscsit_conn *iscsi, struct iscsit_cmd *cmd, int state);
void rsp_isert_batch_run(struct work_struct *work);
void rsp_isert_aborted_task(struct iscsit_conn *iscsi, struct iscsit_cmd *cmd);

#endif /* _RSP_ISERT_H */
