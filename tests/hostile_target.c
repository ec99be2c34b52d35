// SPDX-License-Identifier: GPL-2.0
/*
 * A lying iSER target: a small RAM disk that open-iscsi takes for a disk, and
 * that tells one lie a case.
 *
 *	hostile_target --login COMMAND [OPTIONS] ADDRESS
 *	hostile_target --fuzz SEED --count COUNT ...
 *
 *	this program, main thread ---- /dev/sdX, open-iscsi ==iSER== its service thread
 *	  reads, writes, compares                                      tells the lie
 *
 * Each case arms a lie, does what makes the initiator ask for it (I/O on the disk, a
 * new connection, a ping that comes by itself), and looks at what came of it: did the
 * I/O end, with an error or with the right data; did the initiator give up the
 * connection; was RDMA refused that must be; is the memory around the I/O what it was.
 * Then data is written and read back through the same session, by a target that is
 * honest again. Output is TAP, and behind each name stands what happened.
 *
 * COMMAND is a line of shell that logs out what is there and logs in. It is run at the
 * beginning, and where open-iscsi gives up a session for good.
 */

#include <fcntl.h>
#include <glob.h>
#include <pthread.h>

#include "iser.h"

/* What can happen, bits */
enum {
	O_OK	= 1,	/* the I/O ended well and its data is right */
	O_ERROR	= 2,	/* it ended with an error */
	O_KEPT	= 4,	/* the connection goes on */
	O_GONE	= 8,	/* the connection ended */
	O_REFUSED = 16,	/* RDMA was refused */
	O_PONG	= 32,	/* the initiator answered a ping */
	O_AGAIN	= 64,	/* open-iscsi gave the session up, a new login helped */
	O_DONE	= 128,	/* RDMA worked that must be refused; never allowed */
	O_UNTOLD = 256,	/* there was no occasion to lie; never allowed */
	O_HANG	= 512,	/* the I/O did not end; never allowed */
	O_SPILL	= 1024,	/* memory changed that was not offered; never allowed */
	O_WRONG	= 2048,	/* success with wrong data; never allowed */
	O_LOST	= 4096,	/* no honest I/O afterwards; never allowed */
};
#define NR_OUTCOMES	13
#define DROPPED		(O_OK | O_GONE)
#define IGNORED		(O_OK | O_KEPT)
#define FAILED		(O_ERROR | O_KEPT)

#define MEM_SIZE	(1 << 20)
#define OFFER		(64 << 10)	/* where the buffer of the I/O is in h.mem */
#define OFFER_2		(512 << 10)	/* of a second one */
#define IO		4096
#define BIG		(64 << 10)
#define DISK		(1 << 20)
#define SCRATCH		(64 << 10)
#define RX_SIZE		(16 << 10)
#define MAX_DATA	8192		/* data segments, both ways */

/* who asks for the lie */
enum occasion {
	ON_READ, ON_WRITE,	/* the I/O of the case */
	ON_IDLE,		/* nobody */
	ON_PING,
	ON_LOGIN,		/* the answer to the login that ends it */
	ON_ACCEPT,
	ON_UP,			/* a connection without a login yet */
};

/* of a case */
#define F_INLINE	1	/* the target says it can send read data behind the answer */
#define F_NOINV		2	/* it says it does not invalidate keys */
#define F_TWO		4	/* two I/Os at a time */
#define F_BIG		8	/* I/O of 64 KiB */
#define F_SECTOR	16	/* I/O of 512 bytes in the middle of a page */
#define F_SLOW		32	/* what user space does about it takes a while */
#define F_FRESH		64	/* what open-iscsi has made of it is not for the next case */
#define F_BATCH		128	/* it says it takes, and sends, several PDUs in a message */
#define F_MODE		(F_INLINE | F_NOINV | F_BATCH)

struct cmd {
	struct msg	in;
	u32		itt, key;
	u64		va;
	u32		len;		/* expected by the initiator */
	bool		is_write, is_read, is_inline;
	u8		*data;		/* in g.disk */
	u32		data_len;	/* what the device transfers */
	u8		status;
	u8		sense[20];
};

/* a connection, as the target sees it */
struct tgt {
	struct conn	*c;
	u32		nr;
	u32		statsn, exp_cmdsn;
	u32		flags;		/* F_MODE, as said when accepted */
	bool		is_full;	/* feature phase */
	struct cmd	cmd;		/* the latest */
	struct cmd	held;		/* one that a lie has left without an answer */
	u32		old_key;	/* of an earlier command */
	u64		old_va;
};

struct tcase {
	const char	*name;
	enum occasion	on;
	u32		flags;
	u32		must, may;
	/* either change the answer, or do all of it */
	void		(*spoil)(struct tgt *t, struct msg *m, u32 a, u32 b);
	void		(*raw)(struct tgt *t, struct msg *m, u32 a, u32 b);
	u32		a, b;
	const char	*text;		/* of a login: keys to say instead */
};

static struct {
	u8		*disk;		/* and SCRATCH bytes behind it */
	struct ibv_mr	*mr;
	struct rdma_event_channel *listen;
	const char	*login;
	int		cmd_s;		/* SCSI timeout */
	int		slow;
	bool		all;

	pthread_mutex_t	lock;		/* the rest; `armed` is read without it, too */
	const struct tcase * volatile armed;
	volatile u32	nr_told;
	volatile u32	told_on;	/* connection */
	volatile u32	conn_nr;
	volatile u32	mode;		/* F_MODE, for connections to come */
	volatile bool	is_full;	/* connection conn_nr is in full feature phase */
	volatile u32	conn_mode;
	volatile u32	nr_io;		/* I/Os that are over */
	volatile bool	drop;		/* order: end the connection */
	volatile u32	o;		/* what the service thread has seen */
	bool		is_fuzz;
} g = { .lock = PTHREAD_MUTEX_INITIALIZER, .cmd_s = 1 };

static void see(u32 o)
{
	pthread_mutex_lock(&g.lock);
	g.o |= o;
	pthread_mutex_unlock(&g.lock);
}

/* ------------------------------------------------------------- answers ---- */

static void put_sn(struct msg *m, struct tgt *t, bool counts)
{
	set32(m, B_STATSN, t->statsn);
	if (counts)
		t->statsn++;
	set32(m, B_EXPCMDSN, t->exp_cmdsn);
	set32(m, B_MAXCMDSN, t->exp_cmdsn + 63);
}

static void say(struct tgt *t, const struct msg *m, const u32 *inv_rkey)
{
	if (h.verbose)
		print_msg(inv_rkey ? "> inv " : "> ", m);
	conn_send_inv(t->c, m, inv_rkey);
}

static void put_answer(struct msg *m, struct tgt *t, const struct cmd *cmd)
{
	u32 len = cmd->data_len, resid = cmd->len - len;

	put_pdu(m, OP_RESPONSE, F_FINAL);
	set8(m, B_STATUS, cmd->status);
	set32(m, B_ITT, cmd->itt);
	put_sn(m, t, true);
	if (cmd->status == 2) {
		put_data(m, cmd->sense, sizeof(cmd->sense));
		len = 0;
		resid = cmd->len;
	}
	if (resid) {
		set8(m, B_FLAGS, F_FINAL | 2);		/* underflow */
		set32(m, B_RESIDUAL, resid);
	}
	if (cmd->is_inline && len) {
		set8(m, I_FLAGS, ISER_CTRL | ISER_RSV);
		set64(m, I_READ_VA, len);
		memcpy(m->b + m->len, cmd->data, len);
		m->len += len;
	}
}

/* as a target does: with the key it was given, if it may */
static void send_answer(struct tgt *t, const struct msg *m, const struct cmd *cmd)
{
	say(t, m, cmd->key && !(t->flags & F_NOINV) ? &cmd->key : NULL);
}

static void put_pong(struct msg *m, struct tgt *t, const struct msg *in)
{
	put_pdu(m, OP_NOP_IN, F_FINAL);
	set32(m, B_ITT, get32(in, B_ITT));
	set32(m, B_TTT, NO_TAG);
	put_sn(m, t, true);
}

static void put_tmf_answer(struct msg *m, struct tgt *t, const struct msg *in)
{
	put_pdu(m, OP_TMF_RESP, F_FINAL);
	set32(m, B_ITT, get32(in, B_ITT));
	put_sn(m, t, true);
}

/* ------------------------------------------------------------- transfers --- */

/* RDMA between @p in g.disk and the initiator; 0, or -1 when the connection is gone */
static int transfer(struct tgt *t, enum ibv_wr_opcode op, u8 *p, u32 key, u64 va, u32 len)
{
	t->c->rdma_status = IBV_WC_GENERAL_ERR;
	if (t->c->gone)
		return -1;
	if (conn_rdma(t->c, op, p, g.mr->lkey, (struct seg){ key, len, va }, len))
		return -1;
	return conn_wait_ms(t->c, true, 10000) ? -1 : 0;
}

/* RDMA that must be refused */
static void touch(struct tgt *t, enum ibv_wr_opcode op, u32 key, u64 va, u32 len)
{
	u8 *scratch = g.disk + DISK;

	memset(scratch, 0xee, SCRATCH);
	if (!transfer(t, op, scratch, key, va, len))
		see(O_DONE);
	else if (t->c->rdma_status == IBV_WC_REM_ACCESS_ERR ||
		 t->c->rdma_status == IBV_WC_REM_INV_REQ_ERR ||
		 t->c->rdma_status == IBV_WC_REM_OP_ERR)
		see(O_REFUSED);
	else if (h.verbose)
		printf("#   transfer: %s\n", ibv_wc_status_str(t->c->rdma_status));
}

static int move_data(struct tgt *t, struct cmd *cmd)
{
	u32 imm = get_dlen(&cmd->in);

	if (cmd->status)
		return 0;
	if (!cmd->is_write)
		return cmd->is_inline || !cmd->data_len ? 0 :
		       transfer(t, IBV_WR_RDMA_WRITE, cmd->data, cmd->key, cmd->va, cmd->data_len);
	if (imm > cmd->data_len)
		imm = cmd->data_len;
	memcpy(cmd->data, cmd->in.b + HDRS, imm);
	return imm == cmd->data_len ? 0 :
	       transfer(t, IBV_WR_RDMA_READ, cmd->data + imm, cmd->key, cmd->va,
			cmd->data_len - imm);
}

/* ---------------------------------------------------------------- the disk --- */

static void sense(struct cmd *cmd, u8 key, u8 asc)
{
	static const u8 empty[20] = { 0, 18, 0x70, [9] = 10 };

	cmd->status = 2;
	cmd->data_len = 0;
	memcpy(cmd->sense, empty, sizeof(empty));
	cmd->sense[4] = key;
	cmd->sense[14] = asc;
}

static void inquiry(struct cmd *cmd, const u8 *cdb)
{
	u8 *d = cmd->data;

	if (!(cdb[1] & 1)) {
		memcpy(d, "\0\0\6\2\37\0\0\2RSP     Hostile target  1   ", 36);
		cmd->data_len = 36;
	} else if (cdb[2] == 0) {
		memcpy(d, "\0\0\0\2\0\x83", 6);
		cmd->data_len = 6;
	} else if (cdb[2] == 0x83) {
		memcpy(d, "\0\x83\0\14\1\3\0\10\x60\1\2\3\4\5\6\7", 16);
		cmd->data_len = 16;
	} else {
		sense(cmd, 5, 0x24);
	}
}

static void mode_sense(struct cmd *cmd, const u8 *cdb)
{
	bool is_10 = cdb[0] == 0x5a;
	u32 head = is_10 ? 8 : 4;
	u8 *d = cmd->data;

	cmd->data_len = head;
	if ((cdb[2] & 0x3f) == 8 || (cdb[2] & 0x3f) == 0x3f) {	/* no write cache */
		d[head] = 8;
		d[head + 1] = 18;
		cmd->data_len += 20;
	}
	d[is_10] = cmd->data_len - 1 - is_10;
}

/* What the device has to say: data, length, status */
static void execute(struct cmd *cmd)
{
	const u8 *cdb = cmd->in.b + B_CDB;
	u64 lba = 0, bytes = 0;

	memset(g.disk + DISK, 0, SCRATCH);
	cmd->data = g.disk + DISK;
	cmd->data_len = 0;
	cmd->status = 0;
	switch (cdb[0]) {
	case 0x00:	/* TEST UNIT READY */
	case 0x1b:	/* START STOP UNIT */
	case 0x35:	/* SYNCHRONIZE CACHE */
		return;
	case 0x12:
		inquiry(cmd, cdb);
		break;
	case 0x1a:
	case 0x5a:
		mode_sense(cmd, cdb);
		break;
	case 0x25:
		memcpy(cmd->data, &(u32[2]){ htobe32(DISK / 512 - 1), htobe32(512) }, 8);
		cmd->data_len = 8;
		break;
	case 0x9e:
		memcpy(cmd->data, &(u32[3]){ 0, htobe32(DISK / 512 - 1), htobe32(512) }, 12);
		cmd->data_len = 32;
		break;
	case 0xa0:	/* REPORT LUNS: one */
		cmd->data[3] = 8;
		cmd->data_len = 16;
		break;
	case 0x08:
	case 0x0a:
		lba = get32(&cmd->in, B_CDB) & 0x1fffff;
		bytes = (cdb[4] ? cdb[4] : 256) * 512;
		break;
	case 0x28:
	case 0x2a:
		lba = get32(&cmd->in, B_CDB + 2);
		bytes = (cdb[7] << 8 | cdb[8]) * 512;
		break;
	case 0x88:
	case 0x8a:
		lba = get64(&cmd->in, B_CDB + 2);
		bytes = get32(&cmd->in, B_CDB + 10) * 512ull;
		break;
	default:
		sense(cmd, 5, 0x20);
		break;
	}
	if (bytes) {
		if (lba * 512 + bytes > DISK)
			sense(cmd, 5, 0x21);
		cmd->data = g.disk + lba * 512;
		cmd->data_len = bytes;
	}
	if (cmd->data_len > cmd->len)
		cmd->data_len = cmd->len;
}

static void take_cmd(struct tgt *t, const struct msg *in, struct cmd *cmd)
{
	memcpy(&cmd->in, in, sizeof(in->len) + in->len);
	cmd->itt = get32(in, B_ITT);
	cmd->len = get32(in, B_EDTL);
	cmd->is_write = get8(in, B_FLAGS) & F_WRITE;
	cmd->is_read = get8(in, B_FLAGS) & F_READ;
	cmd->key = 0;
	if (get8(in, I_FLAGS) & ISER_RSV) {
		cmd->key = get32(in, I_READ_KEY);
		cmd->va = get64(in, I_READ_VA);
	} else if (get8(in, I_FLAGS) & ISER_WSV) {
		cmd->key = get32(in, I_WRITE_KEY);
		cmd->va = get64(in, I_WRITE_VA);
	}
	cmd->is_inline = cmd->is_read && !cmd->key;
	execute(cmd);
}

/* --------------------------------------------------------------- the lie --- */

/* true: the case that is armed wants this occasion, and has it now */
static bool may_tell(struct tgt *t, enum occasion on)
{
	const struct tcase *lie;
	bool yes;

	pthread_mutex_lock(&g.lock);
	lie = g.armed;
	yes = lie && lie->on == on;
	if (yes) {
		g.nr_told++;
		g.told_on = t->nr;
		g.armed = NULL;
	}
	pthread_mutex_unlock(&g.lock);
	return yes;
}

static const struct tcase *lie_now;	/* of the service thread: kept while it is told */

static bool lie_begin(struct tgt *t, enum occasion on)
{
	const struct tcase *lie = g.armed;

	if (!lie || !may_tell(t, on))
		return false;
	lie_now = lie;
	if (h.verbose)
		printf("# %s\n", lie->name);
	return true;
}

static void mutate_answer(struct tgt *t, struct msg *m, u32 a, u32 b)
{
	mutate(m);
	if (m->len > RX_SIZE)
		m->len = RX_SIZE;
}

/* ------------------------------------------------- what comes from the initiator --- */

static void do_cmd(struct tgt *t, const struct msg *in)
{
	static struct msg m;
	struct cmd *cmd = &t->cmd;
	u8 op = get8(in, B_CDB);
	/* sd goes to shorter commands where it thinks it has to */
	bool is_read = op == 0x28 || op == 0x88 || op == 0x08;
	bool is_write = op == 0x2a || op == 0x8a || op == 0x0a;
	bool lie;

	if (cmd->key) {
		t->old_key = cmd->key;
		t->old_va = cmd->va;
	}
	take_cmd(t, in, cmd);
	lie = (is_read && lie_begin(t, ON_READ)) || (is_write && lie_begin(t, ON_WRITE));
	if (lie && lie_now->raw) {
		lie_now->raw(t, &m, lie_now->a, lie_now->b);
		return;
	}
	if (move_data(t, cmd))
		return;
	put_answer(&m, t, cmd);
	if (lie)
		lie_now->spoil(t, &m, lie_now->a, lie_now->b);
	send_answer(t, &m, cmd);
}

static void add_key(struct msg *m, const char *name, const char *value)
{
	m->len += sprintf((char *)m->b + m->len, "%s=%s", name, value) + 1;
}

static void do_login(struct tgt *t, const struct msg *in)
{
	static const char * const answers[][2] = {
		{ "HeaderDigest", "None" }, { "DataDigest", "None" },
		{ "DefaultTime2Wait", "0" }, { "DefaultTime2Retain", "0" },
		{ "IFMarker", "No" }, { "OFMarker", "No" }, { "ErrorRecoveryLevel", "0" },
		{ "InitialR2T", "Yes" }, { "ImmediateData", "Yes" },
		{ "MaxBurstLength", "262144" }, { "FirstBurstLength", "8192" },
		{ "MaxOutstandingR2T", "1" }, { "MaxConnections", "1" },
		{ "DataPDUInOrder", "Yes" }, { "DataSequenceInOrder", "Yes" },
		{ "MaxRecvDataSegmentLength", "8192" }, { "RDMAExtensions", "Yes" },
		{ "InitiatorRecvDataSegmentLength", "8192" },
		{ "TargetRecvDataSegmentLength", "8192" },
		{ "AuthMethod", "None" },
	};
	u8 flags = get8(in, B_FLAGS), stage = flags >> 2 & 3, next = flags & 3;
	const char *p = (const char *)in->b + HDRS, *end = p + get_dlen(in), *text = NULL;
	static struct msg m;
	bool lie = false;
	u32 i;

	memcpy(&t->cmd.in, in, sizeof(in->len) + in->len);
	if (flags & 0x80 && next == 3 && lie_begin(t, ON_LOGIN)) {
		lie = true;
		text = lie_now->text;
		if (lie_now->raw) {
			lie_now->raw(t, &m, lie_now->a, lie_now->b);
			return;
		}
	}
	t->exp_cmdsn = get32(in, B_CMDSN);
	t->statsn = get32(in, B_EXPSTATSN);
	put_pdu(&m, OP_LOGIN_RESP, flags & 0x80 ? flags & 0x8f : stage << 2);
	memcpy(m.b + B_LUN, in->b + B_LUN, 6);			/* ISID */
	if (flags & 0x80 && next == 3)
		set8(&m, B_LUN + 7, 1);				/* TSIH */
	set32(&m, B_ITT, get32(in, B_ITT));
	put_sn(&m, t, true);
	for (; p < end && *p; p += strlen(p) + 1)
		for (i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
			u32 n = strlen(answers[i][0]);

			if (strncmp(p, answers[i][0], n) || p[n] != '=')
				continue;
			if (text && !strncmp(text, answers[i][0], n) && text[n] == '=')
				continue;
			add_key(&m, answers[i][0], answers[i][1]);
		}
	if (stage == 0 || get_dlen(in))
		add_key(&m, "TargetPortalGroupTag", "1");
	if (text)
		m.len += sprintf((char *)m.b + m.len, "%s", text) + 1;
	set_dlen(&m, m.len - HDRS);
	while (m.len & 3)
		m.b[m.len++] = 0;
	if (lie && lie_now->spoil)
		lie_now->spoil(t, &m, lie_now->a, lie_now->b);
	say(t, &m, NULL);
	if (get8(&m, B_OPCODE) == OP_LOGIN_RESP && (get8(&m, B_FLAGS) & 0x83) == 0x83 &&
	    !get8(&m, BHS + 36)) {
		t->is_full = true;
		t->exp_cmdsn = get32(in, B_CMDSN);
	}
}

/* A message of the initiator, answered as a target does or as the lie says */
static void do_msg(struct tgt *t, const struct msg *in)
{
	u8 op = get8(in, B_OPCODE);
	static struct msg m;

	if (h.verbose)
		print_msg("< ", in);
	if (op != OP_LOGIN && !(op & OP_IMMEDIATE) && (op & 0x3f) != OP_DATA_OUT)
		t->exp_cmdsn = get32(in, B_CMDSN) + 1;
	switch (op & 0x3f) {
	case OP_CMD:
		if (t->is_full)
			do_cmd(t, in);
		break;
	case OP_LOGIN:
		do_login(t, in);
		break;
	case OP_NOP_OUT:
		if (get32(in, B_ITT) == NO_TAG) {
			see(O_PONG);
			break;
		}
		put_pong(&m, t, in);
		if (lie_begin(t, ON_PING)) {
			if (lie_now->raw) {
				lie_now->raw(t, &m, lie_now->a, lie_now->b);
				break;
			}
			lie_now->spoil(t, &m, lie_now->a, lie_now->b);
		}
		say(t, &m, NULL);
		break;
	case OP_TMF:
		put_tmf_answer(&m, t, in);
		say(t, &m, NULL);
		break;
	case OP_LOGOUT:
		put_pdu(&m, OP_LOGOUT_RESP, F_FINAL);
		set32(&m, B_ITT, get32(in, B_ITT));
		put_sn(&m, t, true);
		say(t, &m, NULL);
		break;
	case OP_TEXT:
		put_pdu(&m, OP_TEXT_RESP, F_FINAL);
		set32(&m, B_ITT, get32(in, B_ITT));
		set32(&m, B_TTT, NO_TAG);
		put_sn(&m, t, true);
		say(t, &m, NULL);
		break;
	}
}

/*
 * For a lie that takes several messages: the next of @opcode, everything else is answered.
 * False when none comes or the connection is gone.
 */
static bool next_msg(struct tgt *t, struct msg *in, u8 opcode, int wait_ms)
{
	u64 end = now_ms() + wait_ms * g.slow;
	static struct msg other;

	while (now_ms() < end) {
		int n = conn_wait_ms(t->c, false, 20);

		if (n < 0)
			return false;
		if (n)
			continue;
		conn_take(t->c, &other);
		if ((get8(&other, B_OPCODE) & 0x3f) == opcode) {
			if (h.verbose)
				print_msg("< ", &other);
			if (!(get8(&other, B_OPCODE) & OP_IMMEDIATE))
				t->exp_cmdsn = get32(&other, B_CMDSN) + 1;
			*in = other;
			return true;
		}
		do_msg(t, &other);
	}
	return false;
}

/* with F_BATCH a message may hold several commands */
static void do_msgs(struct tgt *t, struct msg *in)
{
	static struct msg m;
	u32 at = 0;

	if (!(t->flags & F_BATCH)) {
		do_msg(t, in);
		return;
	}
	do {
		at = take_pdu(in, at, &m);
		if (at)
			do_msg(t, &m);
	} while (at && at < in->len);
}

/* ------------------------------------------------------------- the service --- */

static void *serve(void *unused)
{
	static struct msg in;
	static struct tgt t;
	u32 nr = 0;

	for (;;) {
		struct {
			u8 flags, rsvd[3], magic[4], version, features, rsvd2[2];
		} pdata = { .flags = CM_NO_ZBVA, .magic = "RSPi", .version = 1 };
		struct rdma_conn_param param = {
			.private_data = &pdata, .private_data_len = 4,
			.responder_resources = 16, .initiator_depth = 16, .rnr_retry_count = 7,
		};
		static struct msg pm;
		struct rdma_cm_event *ev;
		struct conn *c;

		if (rdma_get_cm_event(g.listen, &ev))
			bail("no events");
		if (ev->event != RDMA_CM_EVENT_CONNECT_REQUEST) {
			rdma_ack_cm_event(ev);
			continue;
		}
		c = calloc(1, sizeof(*c));
		c->id = ev->id;
		c->verbose = h.verbose;
		rdma_ack_cm_event(ev);
		c->ec = rdma_create_event_channel();
		if (!c->ec || conn_setup(c, h.pd, 160, RX_SIZE)) {
			/* the initiator has given it up while a lie took its time */
			conn_free(c);
			continue;
		}
		memset(&t, 0, sizeof(t));
		t.c = c;
		t.nr = ++nr;
		t.statsn = 1;
		pthread_mutex_lock(&g.lock);
		g.conn_nr = nr;
		g.is_full = false;
		g.drop = false;
		t.flags = g.conn_mode = g.mode;
		pthread_mutex_unlock(&g.lock);
		if (t.flags & F_NOINV)
			pdata.flags |= CM_NO_INV;
		pdata.features = (t.flags & F_INLINE ? 1 : 0) | (t.flags & F_BATCH ? 2 : 0);
		if (pdata.features)
			param.private_data_len = sizeof(pdata);
		if (lie_begin(&t, ON_ACCEPT)) {
			if (lie_now->spoil) {
				memcpy(pm.b, &pdata, pm.len = sizeof(pdata));
				lie_now->spoil(&t, &pm, lie_now->a, lie_now->b);
				param.private_data = pm.b;
				param.private_data_len = pm.len;
			} else {
				rdma_reject(c->id, NULL, 0);
				conn_free(c);
				continue;
			}
		}
		if (rdma_migrate_id(c->id, c->ec) || rdma_accept(c->id, &param)) {
			/* given up meanwhile: no event would ever end it */
			printf("# accept: %s\n", strerror(errno));
			conn_free(c);
			continue;
		}
		while (!c->connected && !c->gone && conn_wait_ms(c, false, 20) > 0)
			;
		if (lie_begin(&t, ON_UP))
			lie_now->raw(&t, &in, lie_now->a, lie_now->b);

		while (!c->gone) {
			int n = conn_wait_ms(c, false, 20);

			if (n < 0)
				break;
			if (!n) {
				conn_take(c, &in);
				do_msgs(&t, &in);
				g.is_full = t.is_full;
				continue;
			}
			if (g.drop)
				break;
			if (t.is_full && lie_begin(&t, ON_IDLE))
				lie_now->raw(&t, &in, lie_now->a, lie_now->b);
		}
		g.is_full = false;
		conn_free(c);
	}
	return NULL;
}

/* ------------------------------------------------ lies: what is spoilt --- */

static void sp_none(struct tgt *t, struct msg *m, u32 a, u32 b)
{
}

static void sp_8(struct tgt *t, struct msg *m, u32 off, u32 val)
{
	set8(m, off, val);
}

static void sp_32(struct tgt *t, struct msg *m, u32 off, u32 val)
{
	set32(m, off, val);
}

static void sp_add(struct tgt *t, struct msg *m, u32 off, u32 val)
{
	set32(m, off, get32(m, off) + val);
}

static void sp_xor(struct tgt *t, struct msg *m, u32 off, u32 val)
{
	set32(m, off, get32(m, off) ^ val);
}

static void sp_len(struct tgt *t, struct msg *m, u32 len, u32 unused)
{
	msg_resize(m, len);
}

static void sp_more(struct tgt *t, struct msg *m, u32 more, u32 less)
{
	msg_resize(m, m->len + more - less);
}

static void sp_data(struct tgt *t, struct msg *m, u32 declared, u32 len)
{
	msg_data(m, declared, len);
}

/* status and flags, and the residual */
static void sp_resid(struct tgt *t, struct msg *m, u32 flags, u32 resid)
{
	set8(m, B_FLAGS, F_FINAL | flags);
	set32(m, B_RESIDUAL, resid);
}

/* CHECK CONDITION with @len bytes of sense that says it has @says */
static void sp_sense(struct tgt *t, struct msg *m, u32 says, u32 len)
{
	set8(m, B_STATUS, 2);
	msg_data(m, len, len);
	if (len >= 2) {
		m->b[HDRS] = says >> 8;
		m->b[HDRS + 1] = says;
	}
	if (len > 4)
		memcpy(m->b + HDRS + 2, "\x70\0\5", 3);
}

/* another PDU in place of the answer, same tag */
static void sp_pdu(struct tgt *t, struct msg *m, u32 op, u32 flags)
{
	u32 itt = get32(m, B_ITT);

	put_pdu(m, op, flags);
	set32(m, B_ITT, itt);
	set32(m, B_TTT, op == OP_NOP_IN ? NO_TAG : 0);
	put_sn(m, t, true);
}

/* read data behind the response: @says bytes are, @have are there */
static void sp_inline(struct tgt *t, struct msg *m, u32 says, u32 have)
{
	m->len = HDRS;
	set8(m, I_FLAGS, ISER_CTRL | ISER_RSV);
	set64(m, I_READ_VA, says);
	msg_resize(m, HDRS + have);
}

static void sp_inline_va(struct tgt *t, struct msg *m, u32 hi, u32 lo)
{
	set32(m, I_READ_VA, hi);
	set32(m, I_READ_VA + 4, lo);
}

/* half of the data, and the answer says so: no lie */
static void sp_inline_half(struct tgt *t, struct msg *m, u32 resid, u32 unused)
{
	u32 len = get64(m, I_READ_VA) / 2;

	set64(m, I_READ_VA, len);
	m->len = HDRS + len;
	sp_resid(t, m, 2, resid ? resid : len);
}

/* as @says, the same bytes are data segment and read data */
static void sp_inline_twice(struct tgt *t, struct msg *m, u32 says, u32 unused)
{
	set_dlen(m, says);
}

/* the private data: @len bytes of it, or @val all over */
static void sp_pdata(struct tgt *t, struct msg *m, u32 len, u32 val)
{
	if (val)
		memset(m->b, val, len);
	else if (len > m->len)
		memset(m->b + m->len, 0, len - m->len);
	m->len = len;
}

/* an answer with more behind it, or not */
static void sp_next(struct tgt *t, struct msg *m, u32 next, u32 unused)
{
	set_next(m, 0, next);
}

/* a second PDU in the message: a ping that wants no answer, with a byte of it changed */
static void sp_second(struct tgt *t, struct msg *m, u32 off, u32 val)
{
	static struct msg ping;
	u32 at = m->len;

	put_pdu(&ping, OP_NOP_IN, F_FINAL);
	set32(&ping, B_ITT, NO_TAG);
	set32(&ping, B_TTT, NO_TAG);
	put_sn(&ping, t, false);
	if (val)
		set8(&ping, off, val);
	set_next(m, 0, at);
	msg_resize(m, at + ping.len);
	memcpy(m->b + at, ping.b, ping.len);
}

/* or the answer once more */
static void sp_second_same(struct tgt *t, struct msg *m, u32 unused, u32 unused2)
{
	u32 at = m->len;

	msg_resize(m, 2 * at);
	memcpy(m->b + at, m->b, at);
	set_next(m, 0, at);
}

/* and what it claims is "RSPi", a version, features */
static void sp_features(struct tgt *t, struct msg *m, u32 version, u32 features)
{
	memcpy(m->b + 4, "RSPi", 4);
	m->b[8] = version;
	m->b[9] = features;
	m->b[10] = m->b[11] = 0xff;
	m->len = 12;
}

static void sp_login_status(struct tgt *t, struct msg *m, u32 status, u32 unused)
{
	set32(m, BHS + 36, status << 16);
}

/* keys of a login: @len bytes of one kind of nonsense */
static void sp_keys(struct tgt *t, struct msg *m, u32 kind, u32 len)
{
	static const char * const texts[] = {
		"X-com.example.unknown=1", "NoEqualsSign", "=value", "Key=", "\xff\xfe\x01",
	};
	u32 i, n = strlen(texts[kind]) + 1;
	char *p = (char *)m->b + HDRS + get_dlen(m);

	if (get_dlen(m) + len > MAX_DATA - HDRS)
		len = MAX_DATA - HDRS - get_dlen(m);
	for (i = 0; i < len; i++)
		p[i] = texts[kind][i % n];
	set_dlen(m, get_dlen(m) + len);
	m->len = HDRS + ((get_dlen(m) + 3) & ~3u);
}

/* no zero ends the text */
static void sp_no_end(struct tgt *t, struct msg *m, u32 unused, u32 unused2)
{
	u32 i;

	for (i = HDRS; i < m->len; i++)
		if (!m->b[i])
			m->b[i] = 'x';
	set_dlen(m, m->len - HDRS);
}

/* ------------------------------------------------- lies: all done by them --- */

/* honest so far: data is moved, the answer is in @m */
static bool ready(struct tgt *t, struct msg *m)
{
	if (move_data(t, &t->cmd))
		return false;
	put_answer(m, t, &t->cmd);
	return true;
}

static void tell_twice(struct tgt *t, struct msg *m, u32 a, u32 b)
{
	if (!ready(t, m))
		return;
	send_answer(t, m, &t->cmd);
	if (b)
		put_sn(m, t, true);
	say(t, m, NULL);
}

/* two commands wait: the second is answered in the first one's name, then the first is */
static bool two(struct tgt *t, struct msg *m)
{
	t->held = t->cmd;
	if (!next_msg(t, m, OP_CMD, 8000))
		return false;
	take_cmd(t, m, &t->cmd);
	return true;
}

/* the second's answer invalidates the first's key */
static void inv_other(struct tgt *t, struct msg *m, u32 a, u32 b)
{
	if (two(t, m) && ready(t, m))
		say(t, m, &t->held.key);
}

/* both in the wrong order: no lie */
static void swap_two(struct tgt *t, struct msg *m, u32 a, u32 b)
{
	if (!two(t, m) || !ready(t, m))
		return;
	send_answer(t, m, &t->cmd);
	t->cmd = t->held;
	execute(&t->cmd);
	if (ready(t, m))
		send_answer(t, m, &t->cmd);
}

/* the second is answered, and its memory touched while the first still waits */
static void late_of_two(struct tgt *t, struct msg *m, u32 a, u32 b)
{
	if (!two(t, m) || !ready(t, m))
		return;
	send_answer(t, m, &t->cmd);
	touch(t, IBV_WR_RDMA_WRITE, t->cmd.key, t->cmd.va, 64);
}

static void inv_key(struct tgt *t, struct msg *m, u32 key, u32 stale)
{
	if (ready(t, m))
		say(t, m, stale ? &t->old_key : &key);
}

static void inv_live(struct tgt *t, struct msg *m, u32 xor, u32 b)
{
	u32 key = t->cmd.key ^ xor;

	if (ready(t, m))
		say(t, m, &key);
}

/* invalidation with PDUs that answer no command */
static void inv_with(struct tgt *t, struct msg *m, u32 op, u32 b)
{
	put_pdu(m, op, F_FINAL);
	set32(m, B_ITT, NO_TAG);
	set32(m, B_TTT, NO_TAG);
	put_sn(m, t, false);
	say(t, m, &t->cmd.key);
}

static void inv_twice(struct tgt *t, struct msg *m, u32 a, u32 b)
{
	if (!ready(t, m))
		return;
	say(t, m, &t->cmd.key);
	put_pong(m, t, m);
	set32(m, B_ITT, NO_TAG);
	say(t, m, &t->cmd.key);
}

static void inv_none(struct tgt *t, struct msg *m, u32 a, u32 b)
{
	if (ready(t, m))
		say(t, m, NULL);
}

/* after an answer that is as it should be; @inv 0: the initiator has to invalidate by itself */
static void late(struct tgt *t, struct msg *m, u32 inv, u32 op)
{
	u64 end = now_ms() + 3000 * g.slow;
	u32 nr = g.nr_io;

	if (!ready(t, m))
		return;
	say(t, m, inv ? &t->cmd.key : NULL);
	/* ours would come before its own: by the time the I/O is over that is done */
	while (!inv && g.nr_io == nr && !t->c->gone && now_ms() < end) {
		conn_poll(t->c);
		usleep(1000);
	}
	touch(t, op, t->cmd.key, t->cmd.va, 64);
}

/* RDMA to what the command offers, and @before bytes earlier, @after bytes more */
static void around(struct tgt *t, struct msg *m, u32 before, u32 after)
{
	struct cmd *cmd = &t->cmd;

	touch(t, cmd->is_write ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE, cmd->key,
	      cmd->va - before, cmd->len + before + after);
}

/* @len bytes at @off of it */
static void outside(struct tgt *t, struct msg *m, u32 off, u32 len)
{
	struct cmd *cmd = &t->cmd;

	touch(t, cmd->is_write ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE, cmd->key,
	      cmd->va + (int)off, len);
}

static void wrong_way(struct tgt *t, struct msg *m, u32 a, u32 b)
{
	struct cmd *cmd = &t->cmd;

	touch(t, cmd->is_write ? IBV_WR_RDMA_WRITE : IBV_WR_RDMA_READ, cmd->key, cmd->va, 64);
}

static void wrong_key(struct tgt *t, struct msg *m, u32 xor, u32 b)
{
	struct cmd *cmd = &t->cmd;

	touch(t, cmd->is_write ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE, cmd->key ^ xor, cmd->va, 64);
}

static void wrong_addr(struct tgt *t, struct msg *m, u32 hi, u32 lo)
{
	touch(t, IBV_WR_RDMA_WRITE, t->cmd.key, (u64)hi << 32 | lo, 64);
}

/* the memory of the I/O, whose address is not secret, by a key it does not have */
static void old_key_new_addr(struct tgt *t, struct msg *m, u32 a, u32 b)
{
	touch(t, IBV_WR_RDMA_WRITE, t->old_key, t->cmd.va, 64);
}

/* a PDU while a command waits, then its answer */
static void pdu_first(struct tgt *t, struct msg *m, u32 op, u32 tag)
{
	put_pdu(m, op, F_FINAL);
	set32(m, B_ITT, tag ? tag : t->cmd.itt);
	set32(m, B_TTT, op == OP_NOP_IN ? NO_TAG : 0);
	put_sn(m, t, true);
	say(t, m, NULL);
	if (ready(t, m))
		send_answer(t, m, &t->cmd);
}

/* a Reject of the command that waits, or of a ping with its tag; then the answer */
static void reject_first(struct tgt *t, struct msg *m, u32 reason, u32 ping)
{
	struct msg *in = &t->cmd.in;

	put_pdu(m, OP_REJECT, F_FINAL);
	set8(m, B_FLAGS + 1, reason);
	set32(m, B_ITT, NO_TAG);
	put_data(m, in->b + BHS, 48);
	if (ping)
		m->b[HDRS] = OP_NOP_OUT | OP_IMMEDIATE;
	if (ping == 2)
		memset(m->b + HDRS + 16, 0xff, 4);
	if (ping == 3)
		memset(m->b + HDRS + 16, 0x77, 4);
	put_sn(m, t, true);
	say(t, m, NULL);
	if (ready(t, m))
		send_answer(t, m, &t->cmd);
}

/* --- task management: the command has no answer until the initiator aborts it */

/* Its request; @m is an answer to it. NULL if none comes */
static const struct msg *until_tmf(struct tgt *t, struct msg *m)
{
	static struct msg in;

	t->held = t->cmd;
	if (!next_msg(t, &in, OP_TMF, 15000))
		return NULL;
	put_tmf_answer(m, t, &in);
	return &in;
}

/* the abort is answered with @response; open-iscsi goes on to resets where it must */
static void tmf_says(struct tgt *t, struct msg *m, u32 response, u32 off)
{
	if (!until_tmf(t, m))
		return;
	set8(m, B_RESPONSE, response);
	if (off)
		sp_xor(t, m, off, 0x01000000);
	say(t, m, NULL);
}

static void tmf_data(struct tgt *t, struct msg *m, u32 declared, u32 len)
{
	if (!until_tmf(t, m))
		return;
	msg_data(m, declared, len);
	say(t, m, NULL);
}

static void tmf_twice(struct tgt *t, struct msg *m, u32 a, u32 b)
{
	if (!until_tmf(t, m))
		return;
	say(t, m, NULL);
	say(t, m, NULL);
}

/* complete, says the answer to the abort, but the command is answered or its memory touched */
static void tmf_then(struct tgt *t, struct msg *m, u32 what, u32 b)
{
	if (!until_tmf(t, m))
		return;
	say(t, m, NULL);
	if (what == 0) {
		put_answer(m, t, &t->held);
		say(t, m, NULL);
		return;
	}
	/* the initiator may still be at it: its retry of the command shows that it is not */
	if (!next_msg(t, m, OP_CMD, 8000))
		return;
	if (what == 1) {
		touch(t, IBV_WR_RDMA_WRITE, t->held.key, t->held.va, 64);
	} else {
		put_answer(m, t, &t->held);
		say(t, m, NULL);
	}
}

/* the command is answered when its abort is on the way, then the abort: no lie */
static void tmf_late(struct tgt *t, struct msg *m, u32 a, u32 b)
{
	static struct msg r;

	if (!until_tmf(t, &r))
		return;
	if (move_data(t, &t->held))
		return;
	put_answer(m, t, &t->held);
	say(t, m, NULL);
	set8(&r, B_RESPONSE, 1);		/* no such task */
	say(t, &r, NULL);
}

/* no answer to the abort, nor to the resets behind it */
static void tmf_silence(struct tgt *t, struct msg *m, u32 a, u32 nr)
{
	static struct msg in;

	t->held = t->cmd;
	while (nr-- && next_msg(t, &in, OP_TMF, 20000))
		;
}

static void tmf_rejected(struct tgt *t, struct msg *m, u32 reason, u32 b)
{
	const struct msg *in = until_tmf(t, m);

	if (!in)
		return;
	put_pdu(m, OP_REJECT, F_FINAL);
	set8(m, B_FLAGS + 1, reason);
	set32(m, B_ITT, NO_TAG);
	put_data(m, in->b + BHS, 48);
	put_sn(m, t, true);
	say(t, m, NULL);
}

/* --- nobody asked */

static void idle_pdu(struct tgt *t, struct msg *m, u32 op, u32 itt)
{
	put_pdu(m, op, F_FINAL);
	set32(m, B_ITT, itt);
	set32(m, B_TTT, NO_TAG);
	put_sn(m, t, true);
	say(t, m, NULL);
}

/* with the tag of the last command, which has been answered */
static void idle_stale(struct tgt *t, struct msg *m, u32 op, u32 itt)
{
	idle_pdu(t, m, op, t->cmd.itt);
}

/* the task that would be next has a tag near that of the last command */
static void idle_near(struct tgt *t, struct msg *m, u32 op, u32 delta)
{
	idle_pdu(t, m, op, htobe32(be32toh(t->cmd.itt) + delta));
}

static void idle_ping(struct tgt *t, struct msg *m, u32 itt, u32 ttt)
{
	put_pdu(m, OP_NOP_IN, F_FINAL);
	set32(m, B_ITT, itt);
	set32(m, B_TTT, ttt);
	put_sn(m, t, false);
	say(t, m, NULL);
}

static void idle_ping_data(struct tgt *t, struct msg *m, u32 declared, u32 len)
{
	put_pdu(m, OP_NOP_IN, F_FINAL);
	set32(m, B_ITT, NO_TAG);
	set32(m, B_TTT, 0x1234);
	msg_data(m, declared, len);
	put_sn(m, t, false);
	say(t, m, NULL);
}

static void idle_async(struct tgt *t, struct msg *m, u32 event, u32 param)
{
	put_pdu(m, OP_ASYNC, F_FINAL);
	set32(m, B_ITT, NO_TAG);
	set8(m, BHS + 36, event);
	set32(m, BHS + 38, param << 16 | param);
	set32(m, BHS + 42, param << 16);
	put_sn(m, t, true);
	if (event == 255)
		put_data(m, NULL, param & 0x1fff);
	say(t, m, NULL);
}

static void idle_reject(struct tgt *t, struct msg *m, u32 reason, u32 len)
{
	put_pdu(m, OP_REJECT, F_FINAL);
	set8(m, B_FLAGS + 1, reason);
	set32(m, B_ITT, NO_TAG);
	msg_data(m, len, len);
	put_sn(m, t, true);
	say(t, m, NULL);
}

static void idle_spoilt(struct tgt *t, struct msg *m, u32 len, u32 flags)
{
	idle_pdu(t, m, OP_NOP_IN, NO_TAG);
	set8(m, I_FLAGS, flags);
	m->len = len;
	say(t, m, NULL);
}

/* @nr messages as fast as they go, more than the initiator has receives */
static void flood(struct tgt *t, struct msg *m, u32 what, u32 nr)
{
	struct conn *c = t->c;
	u64 end = now_ms() + 20000 * g.slow;

	while (nr-- && !c->gone) {
		switch (what) {
		case 0:
			idle_ping(t, m, NO_TAG, NO_TAG);
			break;
		case 1:
			idle_ping(t, m, NO_TAG, nr);
			break;
		case 2:
			idle_async(t, m, 255, 8);
			break;
		default:
			idle_pdu(t, m, OP_RESPONSE, NO_TAG - 1);
			break;
		}
		while (c->tx_next - c->tx_done > 48 && !c->gone && now_ms() < end)
			if (conn_wait_ms(c, false, 1) >= 0)
				usleep(500);
	}
}

/* the end of the connection, with a command in flight or none */
static void leave(struct tgt *t, struct msg *m, u32 halfway, u32 b)
{
	if (halfway && t->cmd.is_read)
		transfer(t, IBV_WR_RDMA_WRITE, t->cmd.data, t->cmd.key, t->cmd.va, t->cmd.len / 2);
	rdma_disconnect(t->c->id);
	t->c->connected = false;
	t->c->gone = true;
}

static void silence(struct tgt *t, struct msg *m, u32 a, u32 b)
{
}

/* @nr login answers that want more, in a loop with the initiator */
static void endless_login(struct tgt *t, struct msg *m, u32 flags, u32 nr)
{
	static struct msg in;

	in = t->cmd.in;
	do {
		put_pdu(m, OP_LOGIN_RESP, flags);
		memcpy(m->b + B_LUN, in.b + B_LUN, 6);
		t->statsn = get32(&in, B_EXPSTATSN);
		put_sn(m, t, true);
		set32(m, B_ITT, get32(&in, B_ITT));
		say(t, m, NULL);
	} while (nr-- && next_msg(t, &in, OP_LOGIN, 3000));
}

/* ------------------------------------------------------------------ cases --- */

/* the answer to a read is spoilt */
#define ANS(name, must, may, spoil, a, b) \
	{ name, ON_READ, 0, must, may, spoil, NULL, a, b, NULL }
#define SPO(name, on, flags, must, may, spoil, a, b) \
	{ name, on, flags, must, may, spoil, NULL, a, b, NULL }
#define INL(name, must, may, spoil, a, b) \
	{ name, ON_READ, F_INLINE, must, may, spoil, NULL, a, b, NULL }
#define RAW(name, on, flags, must, may, raw, a, b) \
	{ name, on, flags, must, may, NULL, raw, a, b, NULL }
#define LOG(name, must, may, spoil, a, b) \
	{ name, ON_LOGIN, 0, must, may, spoil, NULL, a, b, NULL }
#define KEY(name, must, may, text) \
	{ name, ON_LOGIN, 0, must, may, sp_none, NULL, 0, 0, text }
#define PRI(name, must, may, spoil, a, b) \
	{ name, ON_ACCEPT, 0, must, may, spoil, NULL, a, b, NULL }
#define LATER	(O_AGAIN)
#define EITHER	(O_KEPT | O_GONE)

static const struct tcase cases[] = {
	/* no lies: what must work, or all the rest says nothing */
	ANS("sane-read", IGNORED, 0, sp_none, 0, 0),
	SPO("sane-read-64k", ON_READ, F_BIG, IGNORED, 0, sp_none, 0, 0),
	SPO("sane-read-512", ON_READ, F_SECTOR, IGNORED, 0, sp_none, 0, 0),
	SPO("sane-write", ON_WRITE, 0, IGNORED, 0, sp_none, 0, 0),
	SPO("sane-write-64k", ON_WRITE, F_BIG, IGNORED, 0, sp_none, 0, 0),
	RAW("sane-no-invalidation", ON_READ, 0, IGNORED, 0, inv_none, 0, 0),
	RAW("sane-out-of-order", ON_READ, F_TWO, IGNORED, 0, swap_two, 0, 0),
	RAW("sane-ping", ON_IDLE, 0, O_KEPT | O_PONG, 0, idle_ping, NO_TAG, 0x1234),
	RAW("sane-leave", ON_IDLE, 0, O_GONE, 0, leave, 0, 0),
	SPO("sane-pong", ON_PING, 0, O_KEPT, 0, sp_none, 0, 0),

	/* the tag of an answer */
	ANS("answer-tag-unknown", DROPPED, 0, sp_32, B_ITT, 0x77000000),
	ANS("answer-tag-free", DROPPED, 0, sp_xor, B_ITT, 0x01000000),
	ANS("answer-tag-age", DROPPED, 0, sp_xor, B_ITT, 0x00000010),
	ANS("answer-tag-none", DROPPED, 0, sp_32, B_ITT, NO_TAG),
	ANS("answer-tag-big", DROPPED, 0, sp_32, B_ITT, 0xff0f0000),
	RAW("answer-twice", ON_READ, 0, DROPPED, 0, tell_twice, 0, 0),
	RAW("answer-twice-next-sn", ON_READ, 0, DROPPED, 0, tell_twice, 0, 1),
	RAW("answer-twice-write", ON_WRITE, 0, DROPPED, 0, tell_twice, 0, 0),
	/* its form */
	ANS("answer-empty", DROPPED, 0, sp_len, 0, 0),
	ANS("answer-27-bytes", DROPPED, 0, sp_len, 27, 0),
	ANS("answer-75-bytes", DROPPED, 0, sp_len, 75, 0),
	ANS("answer-4-bytes-more", DROPPED, 0, sp_more, 4, 0),
	ANS("answer-longer-than-receive", DROPPED, 0, sp_len, 12000, 0),
	ANS("answer-data-not-there", DROPPED, 0, sp_data, 64, 0),
	ANS("answer-data-8-mib", DROPPED, 0, sp_data, 0xffffff, 64),
	ANS("answer-data-less-declared", DROPPED, 0, sp_data, 4, 64),
	ANS("answer-data-for-nothing", IGNORED, 0, sp_data, 64, 64),
	ANS("answer-ahs-1", DROPPED, 0, sp_8, B_AHS_LEN, 1),
	ANS("answer-ahs-255", DROPPED, 0, sp_8, B_AHS_LEN, 255),
	ANS("answer-iser-hello", DROPPED, 0, sp_8, I_FLAGS, ISER_HELLO),
	ANS("answer-iser-0", DROPPED, 0, sp_8, I_FLAGS, 0),
	ANS("answer-iser-f0", DROPPED, 0, sp_8, I_FLAGS, 0xf0),
	ANS("answer-iser-keys", IGNORED, 0, sp_8, I_FLAGS, ISER_CTRL | ISER_WSV | ISER_RSV),
	ANS("answer-opcode-3e", DROPPED, 0, sp_8, B_OPCODE, 0x3e),
	ANS("answer-opcode-command", DROPPED, 0, sp_8, B_OPCODE, OP_CMD),
	ANS("answer-not-final", IGNORED, 0, sp_8, B_FLAGS, 0),
	/* its numbers */
	ANS("answer-statsn-0", IGNORED, 0, sp_32, B_STATSN, 0),
	ANS("answer-statsn-ahead", IGNORED, 0, sp_add, B_STATSN, 1000),
	ANS("answer-expcmdsn-ahead", IGNORED, EITHER, sp_add, B_EXPCMDSN, 1000),
	ANS("answer-expcmdsn-behind", IGNORED, 0, sp_add, B_EXPCMDSN, -1000),
	ANS("answer-maxcmdsn-behind", IGNORED, 0, sp_add, B_MAXCMDSN, -1000),
	ANS("answer-window-closed", IGNORED, 0, sp_add, B_MAXCMDSN, -64),
	ANS("answer-window-huge", IGNORED, 0, sp_add, B_MAXCMDSN, 0x7000000),
	/* what it says of the command */
	ANS("answer-response-1", IGNORED, O_ERROR, sp_8, B_RESPONSE, 1),
	ANS("answer-response-255", IGNORED, O_ERROR, sp_8, B_RESPONSE, 255),
	ANS("answer-status-busy", IGNORED, 0, sp_8, B_STATUS, 8),
	ANS("answer-status-conflict", FAILED, 0, sp_8, B_STATUS, 0x18),
	ANS("answer-status-full", IGNORED, 0, sp_8, B_STATUS, 0x28),
	ANS("answer-status-ff", IGNORED, O_ERROR, sp_8, B_STATUS, 0xff),
	ANS("answer-residual-over", IGNORED, 0, sp_resid, 4, 1 << 20),
	ANS("answer-residual-over-half", IGNORED, 0, sp_resid, 4, IO / 2),
	ANS("answer-residual-more-than-all", FAILED, 0, sp_resid, 2, IO + 1),
	ANS("answer-residual-negative", FAILED, 0, sp_resid, 2, 0xfffffffe),
	ANS("answer-residual-half", IGNORED, O_ERROR, sp_resid, 2, IO / 2),
	ANS("answer-residual-odd", IGNORED, O_ERROR, sp_resid, 2, 1),
	ANS("answer-residual-both", IGNORED, O_ERROR, sp_resid, 6, 512),
	ANS("answer-residual-bidirectional", FAILED, 0, sp_resid, 0x18, 512),
	SPO("answer-write-residual-half", ON_WRITE, 0, IGNORED, O_ERROR, sp_resid, 2, IO / 2),
	ANS("sense-none", FAILED, 0, sp_8, B_STATUS, 2),
	ANS("sense-1-byte", FAILED, 0, sp_sense, 0, 1),
	ANS("sense-length-0", O_KEPT, O_OK | O_ERROR, sp_sense, 0, 2),
	ANS("sense-longer-than-segment", FAILED, 0, sp_sense, 200, 20),
	ANS("sense-65535", FAILED, 0, sp_sense, 65535, 100),
	ANS("sense-8000-bytes", FAILED, 0, sp_sense, 7998, 8000),
	/* PDUs that iSER has no use for, and other answers */
	ANS("data-in-for-answer", DROPPED, 0, sp_pdu, OP_DATA_IN, F_FINAL | 1),
	ANS("r2t-for-answer", DROPPED, 0, sp_pdu, OP_R2T, F_FINAL),
	SPO("r2t-for-write", ON_WRITE, 0, DROPPED, 0, sp_pdu, OP_R2T, F_FINAL),
	ANS("tmf-response-for-answer", DROPPED, 0, sp_pdu, OP_TMF_RESP, F_FINAL),
	ANS("login-response-for-answer", DROPPED, 0, sp_pdu, OP_LOGIN_RESP, 0x87),
	ANS("text-response-for-answer", DROPPED, 0, sp_pdu, OP_TEXT_RESP, F_FINAL),
	ANS("logout-response-for-answer", DROPPED, 0, sp_pdu, OP_LOGOUT_RESP, F_FINAL),
	ANS("ping-for-answer", DROPPED, 0, sp_pdu, OP_NOP_IN, F_FINAL),
	RAW("data-in-first", ON_READ, 0, DROPPED, 0, pdu_first, OP_DATA_IN, 0),
	RAW("tmf-response-first", ON_READ, 0, DROPPED, 0, pdu_first, OP_TMF_RESP, 0),
	RAW("reject-command-4", ON_READ, 0, IGNORED, 0, reject_first, 4, 0),
	RAW("reject-command-as-ping", ON_READ, 0, DROPPED, 0, reject_first, 6, 1),
	RAW("reject-pong", ON_READ, 0, IGNORED | O_PONG, 0, reject_first, 6, 2),
	RAW("reject-ping-unknown", ON_READ, 0, DROPPED, 0, reject_first, 6, 3),
	RAW("leave-in-command", ON_READ, F_NOINV, DROPPED, 0, leave, 0, 0),
	RAW("leave-halfway", ON_READ, F_NOINV | F_BIG, DROPPED, 0, leave, 1, 0),

	/* keys that are invalidated */
	RAW("invalidate-not-said", ON_READ, F_NOINV, DROPPED, 0, inv_live, 0, 0),
	RAW("invalidate-unknown", ON_READ, 0, DROPPED, 0, inv_key, 0x7ffff00, 0),
	RAW("invalidate-0", ON_READ, 0, DROPPED, 0, inv_key, 0, 0),
	RAW("invalidate-stale", ON_READ, 0, DROPPED, 0, inv_key, 0, 1),
	RAW("invalidate-next-key", ON_READ, 0, DROPPED, 0, inv_live, 1, 0),
	RAW("invalidate-other-command", ON_READ, F_TWO, DROPPED, 0, inv_other, 0, 0),
	RAW("invalidate-no-key", ON_WRITE, 0, DROPPED, 0, inv_key, 0x7ffff00, 0),
	RAW("invalidate-with-ping", ON_READ, 0, DROPPED, 0, inv_with, OP_NOP_IN, 0),
	RAW("invalidate-with-async", ON_READ, 0, DROPPED, 0, inv_with, OP_ASYNC, 0),
	RAW("invalidate-with-r2t", ON_READ, 0, DROPPED, 0, inv_with, OP_R2T, 0),
	RAW("invalidate-twice", ON_READ, 0, DROPPED, 0, inv_twice, 0, 0),

	/* memory that is not, or no longer, offered */
	RAW("late-write", ON_READ, 0, DROPPED | O_REFUSED, 0, late, 1, IBV_WR_RDMA_WRITE),
	RAW("late-write-not-invalidated", ON_READ, 0, DROPPED | O_REFUSED, 0, late, 0,
	    IBV_WR_RDMA_WRITE),
	RAW("late-read", ON_WRITE, F_BIG, DROPPED | O_REFUSED, 0, late, 1, IBV_WR_RDMA_READ),
	RAW("late-read-not-invalidated", ON_WRITE, F_BIG, DROPPED | O_REFUSED, 0, late, 0,
	    IBV_WR_RDMA_READ),
	RAW("late-write-others-go-on", ON_READ, F_TWO, DROPPED | O_REFUSED, 0, late_of_two, 0, 0),
	RAW("write-1-before", ON_READ, 0, DROPPED | O_REFUSED, 0, around, 1, 0),
	RAW("write-1-behind", ON_READ, 0, DROPPED | O_REFUSED, 0, around, 0, 1),
	RAW("write-1-behind-sector", ON_READ, F_SECTOR, DROPPED | O_REFUSED, 0, around, 0, 1),
	RAW("write-1-before-sector", ON_READ, F_SECTOR, DROPPED | O_REFUSED, 0, around, 1, 0),
	RAW("write-all-before", ON_READ, 0, DROPPED | O_REFUSED, 0, outside, -IO, IO),
	RAW("write-all-behind", ON_READ, 0, DROPPED | O_REFUSED, 0, outside, IO, IO),
	RAW("write-last-byte-behind", ON_READ, 0, DROPPED | O_REFUSED, 0, outside, IO, 1),
	RAW("write-behind-64k", ON_READ, F_BIG, DROPPED | O_REFUSED, 0, outside, BIG - 64, 128),
	RAW("read-1-behind", ON_WRITE, F_BIG, DROPPED | O_REFUSED, 0, outside, BIG - 64, 65),
	RAW("read-1-before", ON_WRITE, F_BIG, DROPPED | O_REFUSED, 0, outside, -1, 64),
	RAW("read-from-read", ON_READ, 0, DROPPED | O_REFUSED, 0, wrong_way, 0, 0),
	RAW("write-to-write", ON_WRITE, F_BIG, DROPPED | O_REFUSED, 0, wrong_way, 0, 0),
	RAW("write-next-key", ON_READ, 0, DROPPED | O_REFUSED, 0, wrong_key, 1, 0),
	RAW("write-other-mr", ON_READ, 0, DROPPED | O_REFUSED, 0, wrong_key, 0x100, 0),
	RAW("write-key-of-last-command", ON_READ, 0, DROPPED | O_REFUSED, 0, old_key_new_addr, 0, 0),
	RAW("write-address-0", ON_READ, 0, DROPPED | O_REFUSED, 0, wrong_addr, 0, 0),
	RAW("write-address-end", ON_READ, 0, DROPPED | O_REFUSED, 0, wrong_addr, -1, -32),

	/* a command that has no answer, and lies about its abort */
	RAW("abort-complete", ON_READ, 0, IGNORED, 0, tmf_says, 0, 0),
	RAW("abort-no-task", ON_READ, 0, IGNORED, 0, tmf_says, 1, 0),
	RAW("abort-not-supported", ON_READ, 0, IGNORED, 0, tmf_says, 5, 0),
	RAW("abort-response-255", ON_READ, 0, IGNORED, 0, tmf_says, 255, 0),
	RAW("abort-write-complete", ON_WRITE, F_BIG, IGNORED, 0, tmf_says, 0, 0),
	RAW("abort-answer-tag", ON_READ, 0, DROPPED, 0, tmf_says, 0, B_ITT),
	RAW("abort-answer-data", ON_READ, 0, DROPPED, 0, tmf_data, 16, 16),
	RAW("abort-answer-data-missing", ON_READ, 0, DROPPED, 0, tmf_data, 16, 0),
	RAW("abort-answered-twice", ON_READ, 0, DROPPED, 0, tmf_twice, 0, 0),
	RAW("abort-then-answer", ON_READ, 0, DROPPED, 0, tmf_then, 0, 0),
	RAW("abort-then-late-answer", ON_READ, 0, DROPPED, 0, tmf_then, 2, 0),
	RAW("abort-then-write", ON_READ, 0, DROPPED | O_REFUSED, 0, tmf_then, 1, 0),
	RAW("abort-after-answer", ON_READ, 0, IGNORED, 0, tmf_late, 0, 0),
	RAW("abort-rejected", ON_READ, 0, DROPPED, 0, tmf_rejected, 4, 0),
	RAW("abort-unanswered", ON_READ, 0, DROPPED, 0, tmf_silence, 0, 1),

	/* nobody asked */
	RAW("ping-both-tags", ON_IDLE, 0, O_GONE, 0, idle_ping, 0x77000000, 0x77),
	RAW("ping-tag-0", ON_IDLE, 0, O_KEPT | O_PONG, 0, idle_ping, NO_TAG, 0),
	RAW("ping-no-tags", ON_IDLE, 0, O_KEPT, 0, idle_ping, NO_TAG, NO_TAG),
	RAW("ping-data", ON_IDLE, 0, O_GONE, 0, idle_ping_data, 64, 64),
	RAW("ping-data-8000", ON_IDLE, 0, O_GONE, 0, idle_ping_data, 8000, 8000),
	RAW("ping-data-missing", ON_IDLE, 0, O_GONE, 0, idle_ping_data, 64, 0),
	RAW("ping-75-bytes", ON_IDLE, 0, O_GONE, 0, idle_spoilt, 75, ISER_CTRL),
	RAW("ping-0-bytes", ON_IDLE, 0, O_GONE, 0, idle_spoilt, 0, 0),
	RAW("ping-iser-keys", ON_IDLE, 0, O_KEPT, 0, idle_spoilt, HDRS, ISER_CTRL | ISER_RSV),
	RAW("answer-unasked", ON_IDLE, 0, O_GONE, 0, idle_pdu, OP_RESPONSE, NO_TAG),
	RAW("answer-unasked-stale", ON_IDLE, 0, O_GONE, 0, idle_stale, OP_RESPONSE, 0),
	RAW("answer-unasked-next", ON_IDLE, 0, O_GONE, 0, idle_near, OP_RESPONSE, 1),
	RAW("ping-unasked-stale", ON_IDLE, 0, O_GONE, 0, idle_stale, OP_NOP_IN, 0),
	RAW("text-unasked", ON_IDLE, 0, O_GONE, 0, idle_stale, OP_TEXT_RESP, 0),
	RAW("text-unasked-no-tag", ON_IDLE, 0, O_GONE, 0, idle_pdu, OP_TEXT_RESP, NO_TAG),
	RAW("login-unasked", ON_IDLE, 0, O_GONE, 0, idle_stale, OP_LOGIN_RESP, 0),
	RAW("logout-unasked", ON_IDLE, 0, O_GONE, 0, idle_stale, OP_LOGOUT_RESP, 0),
	RAW("tmf-unasked", ON_IDLE, 0, O_GONE, 0, idle_stale, OP_TMF_RESP, 0),
	RAW("tmf-unasked-no-tag", ON_IDLE, 0, O_GONE, 0, idle_pdu, OP_TMF_RESP, NO_TAG),
	RAW("r2t-unasked", ON_IDLE, 0, O_GONE, 0, idle_pdu, OP_R2T, NO_TAG),
	RAW("data-in-unasked", ON_IDLE, 0, O_GONE, 0, idle_pdu, OP_DATA_IN, NO_TAG),
	RAW("command-from-target", ON_IDLE, 0, O_GONE, 0, idle_pdu, OP_CMD, NO_TAG),
	RAW("async-scsi-no-data", ON_IDLE, F_SLOW, O_KEPT, LATER, idle_async, 0, 0),
	RAW("async-logout", ON_IDLE, F_SLOW, 0, EITHER | LATER, idle_async, 1, 0),
	RAW("async-drop", ON_IDLE, F_SLOW, 0, EITHER | LATER, idle_async, 2, 0),
	RAW("async-drop-all", ON_IDLE, F_SLOW, 0, EITHER | LATER, idle_async, 3, 0),
	RAW("async-renegotiate", ON_IDLE, F_SLOW, 0, EITHER | LATER, idle_async, 4, 0xffff),
	RAW("async-event-77", ON_IDLE, F_SLOW, 0, EITHER | LATER, idle_async, 77, 0xffff),
	RAW("async-vendor-data", ON_IDLE, F_SLOW, 0, EITHER | LATER, idle_async, 255, 8000),
	RAW("reject-no-data", ON_IDLE, 0, O_GONE, 0, idle_reject, 4, 0),
	RAW("reject-47-bytes", ON_IDLE, 0, O_GONE, 0, idle_reject, 4, 47),
	RAW("reject-junk", ON_IDLE, 0, O_KEPT, 0, idle_reject, 4, 48),
	RAW("reject-8000-bytes", ON_IDLE, 0, O_KEPT, 0, idle_reject, 255, 8000),
	RAW("reject-digest", ON_IDLE, 0, O_KEPT, 0, idle_reject, 2, 48),
	/* a ping of the initiator */
	SPO("pong-tag-unknown", ON_PING, 0, O_GONE, 0, sp_32, B_ITT, 0x77000000),
	SPO("pong-both-tags", ON_PING, 0, O_GONE, 0, sp_32, B_TTT, 5),
	SPO("pong-data", ON_PING, 0, O_GONE, 0, sp_data, 64, 64),
	SPO("pong-is-text", ON_PING, 0, 0, EITHER | LATER, sp_pdu, OP_TEXT_RESP, F_FINAL),
	SPO("pong-is-tmf", ON_PING, 0, 0, EITHER | LATER, sp_pdu, OP_TMF_RESP, F_FINAL),
	SPO("pong-is-logout", ON_PING, F_SLOW, 0, EITHER | LATER, sp_pdu, OP_LOGOUT_RESP, F_FINAL),
	SPO("pong-is-answer", ON_PING, 0, O_GONE, 0, sp_pdu, OP_RESPONSE, F_FINAL),
	/* too much */
	RAW("flood-pings", ON_IDLE, 0, 0, EITHER | LATER, flood, 0, 1000),
	RAW("flood-pings-to-answer", ON_IDLE, 0, 0, EITHER | LATER | O_PONG, flood, 1, 500),
	RAW("flood-async", ON_IDLE, F_SLOW, 0, EITHER | LATER, flood, 2, 300),
	RAW("flood-answers", ON_IDLE, 0, O_GONE, 0, flood, 3, 500),

	/* read data behind the response */
	INL("inline-sane", IGNORED, 0, sp_none, 0, 0),
	SPO("inline-sane-64k", ON_READ, F_INLINE | F_BIG, IGNORED, 0, sp_none, 0, 0),
	INL("inline-sane-half", IGNORED, O_ERROR, sp_inline_half, 0, 0),
	INL("inline-more-than-asked", DROPPED, 0, sp_inline, IO + 512, IO + 512),
	INL("inline-1-more", DROPPED, 0, sp_inline, IO + 1, IO + 1),
	INL("inline-less", DROPPED, 0, sp_inline, IO - 512, IO - 512),
	INL("inline-none", DROPPED, 0, sp_inline, 0, 0),
	INL("inline-no-flag", DROPPED, 0, sp_8, I_FLAGS, ISER_CTRL),
	INL("inline-write-flag", DROPPED, 0, sp_8, I_FLAGS, ISER_CTRL | ISER_WSV),
	INL("inline-not-there", DROPPED, 0, sp_inline, IO, IO - 4),
	INL("inline-nothing-there", DROPPED, 0, sp_inline, IO, 0),
	INL("inline-length-2-32", DROPPED, 0, sp_inline_va, 1, IO),
	INL("inline-length-2-64", DROPPED, 0, sp_inline_va, -1, -1),
	INL("inline-length-sign", DROPPED, 0, sp_inline_va, 0x80000000, IO),
	INL("inline-residual-more-than-all", DROPPED, 0, sp_inline_half, IO + 1, 0),
	INL("inline-residual-negative", DROPPED, 0, sp_inline_half, -1, 0),
	INL("inline-residual-wrong", DROPPED, 0, sp_inline_half, 512, 0),
	INL("inline-is-sense-too", DROPPED, 0, sp_inline_twice, IO, 0),
	INL("inline-data-16-mib", DROPPED, 0, sp_inline_twice, 0xffffff, 0),
	INL("inline-status-no-sense", FAILED, 0, sp_8, B_STATUS, 2),
	INL("inline-is-ping", DROPPED, 0, sp_8, B_OPCODE, OP_NOP_IN),
	INL("inline-tag-unknown", DROPPED, 0, sp_32, B_ITT, 0x77000000),
	RAW("inline-twice", ON_READ, F_INLINE, DROPPED, 0, tell_twice, 0, 0),
	RAW("inline-invalidate", ON_READ, F_INLINE, DROPPED, 0, inv_key, 0x7ffff00, 0),
	SPO("inline-for-64k", ON_READ, F_INLINE | F_BIG, DROPPED, 0, sp_inline, IO, IO),
	SPO("inline-for-write", ON_WRITE, F_INLINE, DROPPED, 0, sp_inline, IO, IO),
	RAW("inline-unasked", ON_IDLE, F_INLINE, O_GONE, 0, idle_spoilt, HDRS, ISER_CTRL | ISER_RSV),
	INL("inline-write-key-too", IGNORED, 0, sp_8, I_FLAGS, ISER_CTRL | ISER_WSV | ISER_RSV),

	/* private data when the connection is accepted */
	PRI("private-none", IGNORED, 0, sp_pdata, 0, 0),
	PRI("private-1-byte", IGNORED, 0, sp_pdata, 1, 0),
	PRI("private-11-bytes", IGNORED, 0, sp_pdata, 11, 0),
	SPO("private-ones", ON_ACCEPT, F_NOINV, IGNORED, 0, sp_pdata, 196, 0xff),
	PRI("private-zeroes", IGNORED, 0, sp_pdata, 196, 0),
	SPO("batch-sane", ON_READ, F_BATCH | F_NOINV, IGNORED, 0, sp_second, 0, 0),
	SPO("batch-next-4", ON_READ, F_BATCH | F_NOINV, DROPPED, 0, sp_next, 4, 0),
	SPO("batch-next-odd", ON_READ, F_BATCH | F_NOINV, DROPPED, 0, sp_next, 77, 0),
	SPO("batch-next-alone", ON_READ, F_BATCH | F_NOINV, DROPPED, 0, sp_next, HDRS, 0),
	SPO("batch-next-max", ON_WRITE, F_BATCH | F_NOINV, DROPPED, 0, sp_next, 0xfffc, 0),
	SPO("batch-next-unasked", ON_READ, 0, IGNORED, 0, sp_next, 4, 0),
	SPO("batch-second-same", ON_READ, F_BATCH | F_NOINV, DROPPED, 0, sp_second_same, 0, 0),
	SPO("batch-second-long", ON_READ, F_BATCH | F_NOINV, DROPPED, 0, sp_second, B_AHS_LEN + 3, 8),
	SPO("batch-second-ahs", ON_READ, F_BATCH | F_NOINV, DROPPED, 0, sp_second, B_AHS_LEN, 1),
	SPO("batch-second-r2t", ON_READ, F_BATCH | F_NOINV, DROPPED, 0, sp_second, B_OPCODE, OP_R2T),
	SPO("batch-second-flags", ON_READ, F_BATCH | F_NOINV, DROPPED, 0, sp_second, I_FLAGS, 0xff),
	PRI("private-magic-only", IGNORED, 0, sp_features, 0, 1),
	PRI("private-version-2", IGNORED, 0, sp_features, 2, 1),
	PRI("private-features-unknown", IGNORED, 0, sp_features, 1, 0xfe),
	PRI("private-magic-junk", IGNORED, 0, sp_32, 4, 0x52535068),
	PRI("refused", O_OK, EITHER | LATER, NULL, 0, 0),
	RAW("message-before-login", ON_UP, 0, DROPPED, 0, idle_ping, NO_TAG, NO_TAG),
	RAW("answer-before-login", ON_UP, 0, DROPPED, 0, idle_pdu, OP_RESPONSE, 0),
	RAW("login-before-login", ON_UP, 0, DROPPED, 0, idle_pdu, OP_LOGIN_RESP, 0),
	RAW("empty-before-login", ON_UP, 0, DROPPED, 0, idle_spoilt, 0, 0),
	RAW("leave-before-login", ON_UP, 0, DROPPED, LATER, leave, 0, 0),

	/* the answer to a login */
	LOG("login-tag-unknown", DROPPED, LATER, sp_32, B_ITT, 0x77000000),
	LOG("login-tag-none", DROPPED, LATER, sp_32, B_ITT, NO_TAG),
	LOG("login-opcode-text", DROPPED, LATER, sp_8, B_OPCODE, OP_TEXT_RESP),
	LOG("login-opcode-answer", DROPPED, LATER, sp_8, B_OPCODE, OP_RESPONSE),
	LOG("login-empty", DROPPED, LATER, sp_len, 0, 0),
	LOG("login-75-bytes", DROPPED, LATER, sp_len, 75, 0),
	LOG("login-data-not-there", DROPPED, LATER, sp_data, 4096, 0),
	LOG("login-data-less-declared", DROPPED, LATER, sp_data, 4, 64),
	LOG("login-longer-than-receive", DROPPED, LATER, sp_len, 12000, 0),
	LOG("login-ahs", DROPPED, LATER, sp_8, B_AHS_LEN, 8),
	LOG("login-iser-hello", DROPPED, LATER, sp_8, I_FLAGS, ISER_HELLO),
	LOG("login-stage-2", DROPPED, LATER, sp_8, B_FLAGS, 0x8b),
	LOG("login-stage-back", DROPPED, LATER, sp_8, B_FLAGS, 0x84),
	LOG("login-no-tsih", IGNORED, LATER, sp_8, B_LUN + 7, 0),
	LOG("login-version-255", DROPPED, LATER, sp_32, BHS, 0x2387ffff),
	LOG("login-isid", IGNORED, LATER, sp_32, B_LUN, 0x77777777),
	LOG("login-statsn", IGNORED, LATER, sp_32, B_STATSN, 0xfffffff0),
	LOG("login-expcmdsn", IGNORED, LATER, sp_32, B_EXPCMDSN, 0xfffffff0),
	LOG("login-window-closed", IGNORED, LATER, sp_add, B_MAXCMDSN, -64),
	LOG("login-redirect-nowhere", DROPPED, LATER, sp_login_status, 0x0101, 0),
	LOG("login-status-target-error", DROPPED, LATER, sp_login_status, 0x0302, 0),
	LOG("login-status-class-255", DROPPED, LATER, sp_login_status, 0xffff, 0),
	LOG("login-keys-unknown", DROPPED, LATER, sp_keys, 0, 240),
	LOG("login-keys-8000", DROPPED, LATER, sp_keys, 0, 8000),
	LOG("login-keys-no-equals", DROPPED, LATER, sp_keys, 1, 140),
	LOG("login-keys-no-name", DROPPED, LATER, sp_keys, 2, 70),
	LOG("login-keys-no-value", DROPPED, LATER, sp_keys, 3, 50),
	LOG("login-keys-binary", DROPPED, LATER, sp_keys, 4, 400),
	SPO("login-keys-no-end", ON_LOGIN, F_FRESH, O_OK, EITHER | LATER, sp_no_end, 0, 0),
	RAW("login-wants-more", ON_LOGIN, 0, O_OK, EITHER | LATER, endless_login, 0x44, 20),
	RAW("login-never-ends", ON_LOGIN, 0, O_OK, EITHER | LATER, endless_login, 0x04, 20),
	RAW("login-no-answer", ON_LOGIN, 0, DROPPED, LATER, silence, 0, 0),
	KEY("login-segment-0", IGNORED, LATER, "TargetRecvDataSegmentLength=0"),
	KEY("login-segment-1", IGNORED, LATER, "TargetRecvDataSegmentLength=1"),
	KEY("login-segment-2-32", IGNORED, LATER, "TargetRecvDataSegmentLength=4294967295"),
	KEY("login-segment-16-mib", IGNORED, LATER, "TargetRecvDataSegmentLength=16777215"),
	KEY("login-our-segment-0", IGNORED, LATER, "InitiatorRecvDataSegmentLength=0"),
	KEY("login-max-recv-0", IGNORED, LATER, "MaxRecvDataSegmentLength=0"),
	KEY("login-max-recv-2-32", IGNORED, LATER, "MaxRecvDataSegmentLength=4294967295"),
	KEY("login-first-burst-0", IGNORED, LATER, "FirstBurstLength=0"),
	KEY("login-first-burst-2-24", DROPPED, LATER, "FirstBurstLength=16777216"),
	KEY("login-first-burst-above-max", DROPPED, LATER, "FirstBurstLength=1048576"),
	KEY("login-max-burst-0", DROPPED, LATER, "MaxBurstLength=0"),
	KEY("login-bursts-huge", DROPPED, LATER,
	    "MaxBurstLength=99999999999999999999"),
	KEY("login-r2t-maybe", IGNORED, LATER, "InitialR2T=Maybe"),
	KEY("login-r2t-no", IGNORED, LATER, "InitialR2T=No"),
	KEY("login-immediate-no", IGNORED, 0, "ImmediateData=No"),
	KEY("login-digest", DROPPED, LATER, "HeaderDigest=CRC32C"),
	KEY("login-data-digest", DROPPED, LATER, "DataDigest=CRC32C"),
	KEY("login-r2ts-0", IGNORED, LATER, "MaxOutstandingR2T=0"),
	KEY("login-level-9", DROPPED, LATER, "ErrorRecoveryLevel=9"),
	KEY("login-connections-0", DROPPED, LATER, "MaxConnections=0"),
	KEY("login-no-rdma", DROPPED, LATER, "RDMAExtensions=No"),

	/* after all that */
	ANS("read-again", IGNORED, 0, sp_none, 0, 0),
	SPO("write-64k-again", ON_WRITE, F_BIG, IGNORED, 0, sp_none, 0, 0),
};
#define NR_CASES (sizeof(cases) / sizeof(cases[0]))

/* ------------------------------------------------------------- the initiator --- */

struct io {
	pthread_t	tid;
	bool		is_write;
	u8		*buf;
	u32		lba, len;
	int		rc;
	bool		is_running;
};

/* the disk of the only session, with patience as it is wanted here */
static bool find_disk(char *path, size_t size)
{
	char name[200];
	bool found = false;
	glob_t gl;
	FILE *f;

	if (glob("/sys/class/iscsi_session/session*/device/target*/*:0/block/sd*", 0, NULL, &gl))
		return false;
	if (gl.gl_pathc) {
		snprintf(path, size, "/dev/%s", strrchr(gl.gl_pathv[0], '/') + 1);
		snprintf(name, sizeof(name), "%.150s/device/timeout", gl.gl_pathv[0]);
		f = fopen(name, "w");
		if (f) {
			fprintf(f, "%d\n", g.cmd_s);
			fclose(f);
		}
		found = true;
	}
	globfree(&gl);
	return found;
}

static void *io_thread(void *arg)
{
	struct io *io = arg;
	char path[64];
	ssize_t n = -1;
	int fd;

	io->rc = -ENODEV;
	if (!find_disk(path, sizeof(path)))
		return NULL;
	fd = open(path, O_DIRECT | (io->is_write ? O_WRONLY : O_RDONLY));
	if (fd >= 0) {
		n = io->is_write ? pwrite(fd, io->buf, io->len, io->lba * 512ull) :
				   pread(fd, io->buf, io->len, io->lba * 512ull);
		io->rc = n == io->len ? 0 : n < 0 ? -errno : -EIO;
		close(fd);
	} else {
		io->rc = -errno;
	}
	__atomic_add_fetch(&g.nr_io, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void io_begin(struct io *io, bool is_write, u32 off, u32 lba, u32 len)
{
	*io = (struct io){
		.is_write = is_write, .buf = h.mem + off, .lba = lba, .len = len,
		.is_running = true,
	};
	if (is_write)
		pattern(io->buf, len, lba + now_ms());
	else
		memset(io->buf, 0x77, len);
	if (pthread_create(&io->tid, NULL, io_thread, io))
		bail("no thread");
}

/* true when it is over */
static bool io_wait(struct io *io, int wait_ms)
{
	struct timespec ts;

	if (!io->is_running)
		return true;
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += wait_ms * g.slow / 1000;
	if (pthread_timedjoin_np(io->tid, NULL, &ts))
		return false;
	io->is_running = false;
	return true;
}

/* of an I/O that is over: its data is on the disk, or came from there */
static u32 io_outcome(struct io *io)
{
	if (io->rc)
		return O_ERROR;
	return memcmp(io->buf, g.disk + io->lba * 512, io->len) ? O_WRONG : O_OK;
}

static bool wait_full(u32 not_nr, int wait_ms)
{
	u64 end = now_ms() + wait_ms * g.slow;

	while (now_ms() < end) {
		if (g.is_full && g.conn_nr != not_nr)
			return true;
		usleep(10000);
	}
	return false;
}

static bool log_in(void)
{
	char path[64];
	u32 tries;

	/* open-iscsi may be busy with the session that it shall log out of */
	for (tries = 0; tries < 3; tries++) {
		int rc = system(g.login);

		if (!rc && wait_full(0, 5000) && find_disk(path, sizeof(path)))
			return true;
		printf("# no login: exit code %d, session %d\n", rc >> 8, g.is_full);
	}
	return false;
}

/* An honest target: a write and a read of each kind. O_OK, or what else came of it */
static u32 honest(void)
{
	static u32 lba;
	struct io io;
	u32 o = 0, i;

	for (i = 0; i < 3; i++) {
		u32 len = i == 1 ? BIG : IO;

		lba = (lba + 177) % ((DISK - BIG) / 512);
		io_begin(&io, i < 2, OFFER, lba, len);
		if (!io_wait(&io, 12000)) {
			/* the new login ends it, one way or the other */
			o = O_HANG;
			if (log_in() && io_wait(&io, 12000))
				o = O_ERROR;
			break;
		}
		o |= io_outcome(&io);
		if (!guard_ok(OFFER, len))
			o |= O_SPILL;
		memset(h.mem + OFFER, GUARD, len);
		if (o != O_OK)
			break;
	}
	guard_set();
	return o;
}

/* A connection that was accepted with @mode */
static bool set_mode(u32 mode)
{
	u32 nr = g.conn_nr;

	if (g.conn_mode == mode && g.is_full)
		return true;
	g.mode = mode;
	if (g.conn_mode == mode)
		return wait_full(0, 8000);
	g.drop = true;
	return wait_full(nr, 8000);
}

/* Tell @lie, and what came of it */
static u32 tell(const struct tcase *lie)
{
	bool has_io = lie->on == ON_READ || lie->on == ON_WRITE;
	u32 len = lie->flags & F_BIG ? BIG : lie->flags & F_SECTOR ? 512 : IO;
	u32 off = OFFER + (lie->flags & F_SECTOR ? 512 : 0), o = 0, seen, i;
	struct io io[2] = { 0 };
	u64 end = now_ms() + 6000 * g.slow;

	guard_set();
	pthread_mutex_lock(&g.lock);
	g.o = 0;
	g.nr_told = 0;
	g.told_on = 0;
	g.armed = lie;
	pthread_mutex_unlock(&g.lock);
	if (has_io) {
		io_begin(&io[0], lie->on == ON_WRITE, off, 64, len);
		if (lie->flags & F_TWO)
			io_begin(&io[1], lie->on == ON_WRITE, OFFER_2, 640, len);
	} else if (lie->on >= ON_LOGIN) {
		g.drop = true;
	}
	while (!g.nr_told && now_ms() < end)
		usleep(2000);
	if (!g.nr_told)
		o |= O_UNTOLD;
	for (i = 0; i < 2; i++) {
		if (!io[i].is_running)
			continue;
		if (!io_wait(&io[i], 25000)) {
			o |= O_HANG;
			if (!log_in() || !io_wait(&io[i], 12000))
				bail("%s: I/O hangs", lie->name);
		}
		if (!g.is_fuzz || io[i].rc)
			o |= io_outcome(&io[i]);
	}
	if (!guard_ok(off, len)) {
		if (io[1].buf)
			memset(io[1].buf, GUARD, len);
		if (!guard_ok(off, len))
			o |= O_SPILL;
	}
	guard_set();
	if (lie->flags & F_SLOW)
		usleep(700000);
	pthread_mutex_lock(&g.lock);
	g.armed = NULL;
	pthread_mutex_unlock(&g.lock);

	if (!wait_full(lie->on == ON_ACCEPT && !lie->spoil ? g.told_on : 0, 6000)) {
		o |= O_AGAIN;
		if (!log_in())
			o |= O_LOST;
	}
	seen = honest();
	if (seen != O_OK) {
		if (h.verbose)
			printf("# honest I/O: %s\n", outcome_name(seen));
		o |= O_AGAIN | (seen & (O_SPILL | O_WRONG));
		seen = log_in() ? honest() : O_LOST;
		if (seen != O_OK)
			o |= O_LOST;
	}
	if (seen == O_OK && !has_io)
		o |= O_OK;
	if (g.nr_told)
		o |= g.conn_nr == g.told_on ? O_KEPT : O_GONE;
	pthread_mutex_lock(&g.lock);
	o |= g.o;
	pthread_mutex_unlock(&g.lock);
	return o;
}

static void run_case(u32 nr)
{
	const struct tcase *lie = &cases[nr];
	u32 o, must = lie->must;

	note_case(lie->name);
	if (!set_mode(lie->flags & F_MODE) && (!log_in() || !set_mode(lie->flags & F_MODE))) {
		result(false, lie->name, "no session before this case");
		return;
	}
	o = tell(lie);
	/* the connection went before the transfer had an answer: another time */
	if ((must & O_REFUSED) && !(o & (O_REFUSED | O_DONE | O_SPILL | O_WRONG)))
		o = tell(lie);
	/* without I/O of its own, what counts is that honest I/O works */
	if (lie->on != ON_READ && lie->on != ON_WRITE)
		must |= O_OK;
	result((o & must) == must && !(o & ~(must | lie->may)), lie->name, outcome_name(o));
	if (lie->flags & F_FRESH)
		log_in();
}

/* variants of others, each a second or two: with --all */
static const char *why_not(u32 nr)
{
	static const char * const more[] = {
		"answer-tag-big", "answer-27-bytes", "answer-iser-[0f]*", "answer-ahs-255",
		"answer-opcode-command", "answer-twice-next-sn", "answer-data-8-mib",
		"*-response-for-answer", "data-in-first", "reject-ping-unknown", "leave-halfway",
		"invalidate-0", "invalidate-next-key", "invalidate-with-[ar]*",
		"late-write-others-go-on", "write-last-*", "write-behind-64k",
		"write-address-0", "write-1-before-sector", "write-other-mr",
		"abort-not-*", "abort-response-255", "abort-*-missing", "abort-then-late-*",
		"abort-rejected", "ping-data-8000", "ping-0-bytes", "text-unasked-*",
		"tmf-unasked-*", "data-in-unasked", "command-from-*", "login-unasked",
		"async-drop-all", "async-event-77", "reject-47-bytes", "pong-is-answer",
		"inline-1-more", "inline-write-flag", "inline-length-sign",
		"inline-residual-wrong", "inline-data-16-mib", "inline-tag-unknown",
		"inline-for-64k", "empty-before-login",
		"login-before-login", "login-tag-none", "login-opcode-answer", "login-75-bytes",
		"login-data-less-*", "login-iser-hello", "login-ahs", "login-stage-back",
		"login-status-*", "login-keys-[n8]*", "login-keys-unknown", "login-isid",
		"login-expcmdsn", "login-max-*", "login-our-*", "login-level-9",
		"login-data-digest", "login-connections-0", "login-wants-more",
		"login-first-burst-2-24", "login-bursts-huge", "login-redirect-*",
		"login-version-*", "login-keys-binary", "login-opcode-text", "login-segment-1",
		"login-empty", "login-r*", "login-statsn", "login-no-answer",
		"pong-is-[tl]*", "pong-both-tags", "answer-before-login", "leave-before-login",
		"abort-answer-tag", "abort-then-answer", "abort-no-task", "private-1*",
		"private-none", "private-magic-*", "private-version-2", "refused",
		"inline-none", "inline-nothing-*", "inline-invalidate", "inline-residual-neg*",
		"ping-75-bytes", "text-unasked", "r2t-unasked", "answer-unasked",
		"answer-tag-none", "answer-tag-age", "answer-75-bytes", "answer-opcode-3e",
		"write-all-*", "write-key-*", "invalidate-unknown", "sane-leave",
	};
	u32 i;

	for (i = 0; i < sizeof(more) / sizeof(*more) && !g.all && !h.only; i++)
		if (!fnmatch(more[i], cases[nr].name, 0))
			return "--all";
	return NULL;
}

/* -------------------------------------------------------------- mutation --- */

/* Answers of all kinds, mutated; the same for the same seed */
static void fuzz(u64 seed, u32 count)
{
	static struct tcase lie = {
		.name = "fuzz", .spoil = mutate_answer,
	};
	static const enum occasion on[] = { ON_READ, ON_READ, ON_WRITE, ON_READ, ON_LOGIN };
	static const u32 flags[] = { 0, F_INLINE, F_BIG };
	u32 stat[NR_OUTCOMES] = { 0 }, i, o, all = 0;

	rnd_seed(seed);
	g.is_fuzz = true;
	for (i = 0; i < count; i++) {
		lie.on = on[rnd(rnd(4) ? 4 : 5)];
		lie.flags = flags[i * 3 / count];
		if (!set_mode(lie.flags & F_MODE) && (!log_in() || !set_mode(lie.flags & F_MODE))) {
			all |= O_LOST;
			break;
		}
		o = tell(&lie);
		outcomes_add(stat, o);
		all |= o;
		if (o & (O_HANG | O_SPILL | O_LOST | O_UNTOLD)) {
			printf("# answer %u: %s\n", i, outcome_name(o));
			break;
		}
	}
	printf("# %u answers:", i);
	outcomes_print(stat);
	result(!(all & (O_HANG | O_UNTOLD)), "fuzz", "each I/O ended");
	result(!(all & O_SPILL), "memory", "nothing changed that was not offered");
	result(!(all & O_LOST), "honest-after-each", "data was right");
}

/* ------------------------------------------------------------------ main --- */

static void prepare(void)
{
	struct rdma_cm_id *id;
	pthread_t tid;
	const char *slow = getenv("RSP_SLOW");
	u32 o;

	g.slow = slow ? atoi(slow) : 1;
	g.disk = aligned_alloc(4096, DISK + SCRATCH);
	pattern(g.disk, DISK, 1);
	g.mr = reg_mem(g.disk, DISK + SCRATCH, IBV_ACCESS_LOCAL_WRITE);
	g.listen = rdma_create_event_channel();
	if (!g.listen || rdma_create_id(g.listen, &id, NULL, RDMA_PS_TCP) ||
	    rdma_bind_addr(id, (struct sockaddr *)&h.addr) || rdma_listen(id, 8) ||
	    pthread_create(&tid, NULL, serve, NULL))
		bail("cannot listen: %s", strerror(errno));
	if (!g.login)
		bail("how to log in? --login");
	o = log_in() ? honest() : O_LOST;
	if (o != O_OK)
		bail("no session with an honest target: %s", outcome_name(o));
}

static const char *case_name(u32 i)
{
	return cases[i].name;
}

static void option(int o, const char *arg)
{
	if (o == 'L')
		g.login = arg;
	else
		g.all = true;
}

int main(int argc, char **argv)
{
	static const char * const outcomes[NR_OUTCOMES] = {
		"data right", "I/O error", "connection kept", "disconnect", "refusal", "pong",
		"new login", "RDMA NOT REFUSED", "NOT TOLD", "HANG", "MEMORY OVERWRITTEN",
		"WRONG DATA", "LOST",
	};
	static const struct hostile_prog prog = {
		.name		= "hostile_target",
		.peer		= "ADDRESS",
		.port		= "3260",
		.mem_bytes	= MEM_SIZE,
		.outcomes	= outcomes,
		.nr_outcomes	= NR_OUTCOMES,
		.nr_fuzz	= 3,
		.nr_cases	= NR_CASES,
		.case_name	= case_name,
		.why_not	= why_not,
		.run_case	= run_case,
		.fuzz		= fuzz,
		.prepare	= prepare,
		.extra		= { { "login", 1, 0, 'L' }, { "all", 0, 0, 'a' } },
		.extra_short	= "L:a",
		.extra_usage	= "  -L, --login COMMAND  a line of shell that logs out and in\n"
				  "  -a, --all            variants, too\n",
		.option		= option,
	};

	return hostile_main(&prog, argc, argv);
}
