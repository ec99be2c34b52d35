/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rsp_iser.ko: what its files share. States and owners are in README.md.
 */
#ifndef _RSP_ISCSI_ISER_H
#define _RSP_ISCSI_ISER_H

#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <scsi/libiscsi.h>
#include <scsi/iscsi_proto.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_transport_iscsi.h>
#include <scsi/iser.h>

#include <rsp/rsp.h>

#include "batch.h"

/* receives come from the 8 KiB class: a login answer fits, less the headers */
#define RSP_ISER_RECV_BYTES	SZ_8K
#define RSP_ISER_MAX_DATA	(RSP_ISER_RECV_BYTES - sizeof(struct rsp_iser_msg))
/* messages besides those of SCSI commands: NOPs, task management, text, logout */
#define RSP_ISER_MISC_MSGS	8
/* how long a command waits at most for others to share its message */
#define RSP_ISER_BATCH_NS	(50 * NSEC_PER_USEC)
/* unsolicited Data-Out PDUs of one command; where more were needed none is sent */
#define RSP_ISER_MAX_DATA_OUT	16
#define RSP_ISER_MIN_XMIT	512U	/* least data segment a target may declare, RFC 7143 13.12 */
#define RSP_ISER_MAX_COPY	(SZ_64K - sizeof(struct rsp_iser_msg))	/* no buffer is longer */

/* a message: an iSCSI control-type PDU behind the iSER header */
struct rsp_iser_msg {
	struct iser_ctrl	iser;
	struct iscsi_hdr	iscsi;
	u8			data[];
} __packed;

enum rsp_iser_conn_state {
	RSP_ISER_CONNECTING,
	RSP_ISER_UP,
	RSP_ISER_DOWN,
};

/* one connection: an iSCSI endpoint, later bound to a connection of libiscsi */
struct rsp_iser_conn {
	struct kref		ref;		/* endpoint's, and one while bound */
	struct rsp_chan		*chan;
	struct rsp_chan_info	info;		/* once up */
	spinlock_t		lock;		/* state, reason, iscsi */
	enum rsp_iser_conn_state state;
	int			reason;		/* why it is down */
	struct completion	settled;	/* it came up, or never will */
	struct iscsi_conn	*iscsi;		/* bound to, until the channel is closed */
	struct mutex		close_mutex;	/* is_closed */
	bool			is_closed;	/* the channel has been */
	bool			is_closing;	/* we end it: no failure to report */
	bool			is_broken;	/* the target broke the protocol */
	bool			has_remote_inv;	/* the target may invalidate our keys */
	bool			has_inline_read; /* the target can answer with the data */
	bool			has_batch;	/* the target takes several PDUs in a message */
	atomic_t		nr_cmd;		/* SCSI commands in flight */

	/* commands that leave in one message, see iser_task.c */
	spinlock_t		batch_lock;
	struct rsp_iser_batch	batch;
	u64			batch_ns;	/* when it was begun */
	u64			posted_ns[64];	/* when the last ones were posted, see struct rsp_work */
	u32			nr_batch;
	struct work_struct	batch_work;	/* sends it */

	/* a TMF answer that waits for the memory of commands it covers; back_lock */
	struct rsp_buf		*tmf_buf;
	u32			nr_tmf_wait;
};

/*
 * What libiscsi keeps for us with each task. From rsp_iser_task_init() until
 * cleanup_task(); nr_use, answer and state under the session's back_lock once sent.
 */
struct rsp_iser_task {
	struct iscsi_hdr	hdr;		/* libiscsi writes it here */
	struct rsp_iser_conn	*conn;
	enum {
		RSP_ISER_TASK_IDLE,
		RSP_ISER_TASK_SENT,		/* the target has it */
		RSP_ISER_TASK_ANSWERED,		/* it no longer has; memory becomes safe */
		RSP_ISER_TASK_REVOKED,		/* aborted: keys were invalidated, no answer comes */
	} state;
	bool			is_counted;	/* in nr_cmd and the channel's in_flight */
	bool			is_tmf_waited;	/* counted in nr_tmf_wait */
	bool			is_inline_read;	/* the data comes behind the answer */
	u32			nr_use;		/* of the command's memory by the device */
	struct rsp_map		*map;		/* what the target may reach */
	u32			rkey;		/* its key */
	struct rsp_buf		*answer;	/* waits for nr_use to become 0 */
	struct rsp_stages	stages;		/* posted_ns: of a message of its own */
	u32			batch;		/* else: which one it was in, of rsp_iser_conn.nr_batch; 0 for none */
};

extern struct rsp_svc *rsp_iser_svc;
extern unsigned int rsp_iser_max_cmds;
extern struct workqueue_struct *rsp_iser_wq;

/* iser_conn.c */
int rsp_iser_conn_init(void);
void rsp_iser_conn_exit(void);
struct iscsi_endpoint *rsp_iser_ep_connect(struct Scsi_Host *shost, struct sockaddr *dst,
					   int non_blocking);
int rsp_iser_ep_poll(struct iscsi_endpoint *ep, int timeout_ms);
void rsp_iser_ep_disconnect(struct iscsi_endpoint *ep);
int rsp_iser_get_ep_param(struct iscsi_endpoint *ep, enum iscsi_param param, char *buf);
int rsp_iser_conn_bind(struct iscsi_cls_session *cls_session, struct iscsi_cls_conn *cls_conn,
		       u64 ep_handle, int is_leading);
void rsp_iser_conn_stop(struct iscsi_cls_conn *cls_conn, int flag);
bool rsp_iser_conn_is_up(struct rsp_iser_conn *conn);

/* iser_task.c */
int rsp_iser_alloc_pdu(struct iscsi_task *task, u8 opcode);
int rsp_iser_task_init(struct iscsi_task *task);
int rsp_iser_task_xmit(struct iscsi_task *task);
void rsp_iser_batch_run(struct work_struct *work);
void rsp_iser_batch_flush(struct rsp_iser_conn *conn);
void rsp_iser_task_cleanup(struct iscsi_task *task);
void rsp_iser_tasks_forget(struct iscsi_session *session, struct rsp_iser_conn *conn);
void rsp_iser_task_acked(struct rsp_iser_task *it, u32 bytes, int status);

/* iser_recv.c */
void rsp_iser_recv(struct rsp_chan *chan, struct rsp_buf *buf);
void rsp_iser_task_unuse(struct rsp_iser_task *it);
void rsp_iser_task_inv_done(void *ctx, int status);

static inline struct iscsi_task *rsp_iser_to_task(struct rsp_iser_task *it)
{
	/* libiscsi puts the transport's part right behind its own */
	return (struct iscsi_task *)it - 1;
}

#endif /* _RSP_ISCSI_ISER_H */
