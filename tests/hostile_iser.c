// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile iSER initiator: sends what no initiator should send, and checks that
 * the target answers it, drops it or closes the connection; that it touches no
 * memory it was not offered; and that it still serves everybody else.
 *
 *	hostile_iser [OPTIONS] TARGET
 *	hostile_iser --fuzz SEED --count COUNT [OPTIONS] TARGET
 *
 * Each case has a connection of its own, with a login through real login requests
 * unless the case is about that. Then it sends its message, and behind it a NOP-Out
 * as a barrier, which must be answered, or the connection must end: a target that
 * does neither has lost a receive, a command or its mind. The login of the next
 * case shows that the target lives. Output is TAP, and behind each name stands
 * what came back.
 *
 * The target must let anybody log in. The logical unit (--lun, 1) is overwritten.
 */
#include "iser.h"

/* What can come back, bits */
enum {
	O_OK	= 1,	/* an answer: done */
	O_NO	= 2,	/* an answer: not done */
	O_REJECT = 4,	/* a Reject */
	O_GONE	= 8,	/* the connection ended */
	O_QUIET	= 16,	/* nothing, and the connection goes on */
	O_BAD	= 32,	/* an answer that is itself malformed or answers nothing; never allowed */
	O_STUCK	= 64,	/* nothing, not even to the barrier; never allowed */
	O_SPILL	= 128,	/* memory changed that was not offered; never allowed */
	O_WRONG	= 256,	/* right form, wrong content; never allowed */
};
#define NR_OUTCOMES	9
#define REFUSED		(O_NO | O_REJECT | O_GONE)
#define REFUSED_OR_LOST	(REFUSED | O_QUIET)
#define LENIENT		(REFUSED_OR_LOST | O_OK)

#define MEM_SIZE	(2 << 20)
#define OFFER		(64 << 10)	/* where what is offered begins */
#define IO		4096		/* bytes of the usual command */
#define RX_SIZE		(16 << 10)

/* a session, or what becomes one */
struct ses {
	struct conn	*c;
	u32		itt_first, itt;		/* all of ours lie between */
	u32		cmdsn, exp_cmdsn;	/* ours, the target's */
	u32		max_cmdsn;
	u32		exp_statsn;
	u16		tsih;
	u8		isid;
	u32		nr_answers;
};

static struct {
	struct ibv_mr	*mr_short;	/* half of what a usual command offers */
	struct ibv_mr	*mr_fuzz;	/* the first half of the memory */
	u32		itt;
	u8		isid;
	u8		lun;
	const char	*iqn;
} me = { .itt = 0x52000000, .lun = 1, .iqn = "iqn.2026-01.lab.rsp:t0" };

/* -------------------------------------------------------------- messages --- */

/* the usual messages; what a case spoils */
enum base {
	TUR, READ, WRITE, IMM, IMM_PART, UNSOL, NOP, TEXT, TMF, LOGOUT, SNACK, DATA_OUT, LOGIN,
	NR_BASES,
};

static void put_tags(struct msg *m, struct ses *s)
{
	set32(m, B_ITT, ++me.itt);
	s->itt = me.itt;
	set32(m, B_CMDSN, s->cmdsn);
	if (!(get8(m, B_OPCODE) & OP_IMMEDIATE))
		s->cmdsn++;
	set32(m, B_EXPSTATSN, s->exp_statsn);
}

/* READ(10) or WRITE(10) of @bytes, or whatever @op is, without data and keys */
static void put_cmd(struct msg *m, struct ses *s, u8 op, u8 flags, u32 lba, u32 bytes)
{
	put_pdu(m, OP_CMD, F_FINAL | flags | 1);	/* simple */
	set8(m, B_LUN + 1, me.lun);
	put_tags(m, s);
	set32(m, B_EDTL, flags & (F_READ | F_WRITE) ? bytes : 0);
	set8(m, B_CDB, op);
	if (op == 0x28 || op == 0x2a) {
		set32(m, B_CDB + 2, lba);
		set8(m, B_CDB + 7, bytes / 512 >> 8);
		set8(m, B_CDB + 8, bytes / 512);
	}
}

static void offer_read(struct msg *m, u32 rkey, u64 addr)
{
	set8(m, I_FLAGS, get8(m, I_FLAGS) | ISER_RSV);
	set32(m, I_READ_KEY, rkey);
	set64(m, I_READ_VA, addr);
}

static void offer_write(struct msg *m, u32 rkey, u64 addr)
{
	set8(m, I_FLAGS, get8(m, I_FLAGS) | ISER_WSV);
	set32(m, I_WRITE_KEY, rkey);
	set64(m, I_WRITE_VA, addr);
}

static u64 at(u32 off)
{
	return (uintptr_t)h.mem + off;
}

static void put_read(struct msg *m, struct ses *s, u32 lba, u32 bytes)
{
	put_cmd(m, s, 0x28, F_READ, lba, bytes);
	offer_read(m, h.mr->rkey, at(OFFER));
}

static void put_write(struct msg *m, struct ses *s, u32 lba, u32 bytes)
{
	put_cmd(m, s, 0x2a, F_WRITE, lba, bytes);
	offer_write(m, h.mr->rkey, at(OFFER));
}

static void put_write_imm(struct msg *m, struct ses *s, u32 lba, u32 bytes, u32 imm)
{
	put_cmd(m, s, 0x2a, F_WRITE, lba, bytes);
	if (imm < bytes)
		offer_write(m, h.mr->rkey, at(OFFER + imm));
	put_data(m, h.mem + OFFER, imm);
}

/* for the last command; @off of what it writes */
static void put_data_out(struct msg *m, struct ses *s, u32 itt, u32 off, u32 len)
{
	put_pdu(m, OP_DATA_OUT, F_FINAL);
	set8(m, B_LUN + 1, me.lun);
	set32(m, B_ITT, itt);
	set32(m, B_TTT, NO_TAG);
	set32(m, B_EXPSTATSN, s->exp_statsn);
	set32(m, BHS + 40, off);
	put_data(m, h.mem + OFFER + off, len);
}

static void put_nop(struct msg *m, struct ses *s)
{
	put_pdu(m, OP_NOP_OUT | OP_IMMEDIATE, F_FINAL);
	put_tags(m, s);
	set32(m, B_TTT, NO_TAG);
}

static void put_tmf(struct msg *m, struct ses *s, u8 function, u32 rtt)
{
	put_pdu(m, OP_TMF | OP_IMMEDIATE, F_FINAL | function);
	set8(m, B_LUN + 1, me.lun);
	put_tags(m, s);
	set32(m, B_TTT, rtt);
	set32(m, BHS + 32, NO_TAG);
}

static void put_logout(struct msg *m, struct ses *s, u8 reason, u16 cid)
{
	put_pdu(m, OP_LOGOUT | OP_IMMEDIATE, F_FINAL | reason);
	put_tags(m, s);
	set8(m, BHS + 20, cid >> 8);
	set8(m, BHS + 21, cid);
}

static void put_text(struct msg *m, struct ses *s, u32 ttt, const char *text, u32 len)
{
	put_pdu(m, OP_TEXT | OP_IMMEDIATE, F_FINAL);
	put_tags(m, s);
	set32(m, B_TTT, ttt);
	if (len)
		put_data(m, text, len);
}

static void put_key(char *text, u32 *len, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	*len += vsprintf(text + *len, fmt, ap) + 1;
	va_end(ap);
}

/* @flags: T, C, CSG, NSG. Without @text the keys of a usual session */
static void put_login(struct msg *m, struct ses *s, u8 flags, bool discovery, const char *text, u32 len)
{
	char usual[1000];

	if (!text) {
		len = 0;
		put_key(usual, &len, "InitiatorName=iqn.2026-01.lab.rsp:hostile");
		put_key(usual, &len, "SessionType=%s", discovery ? "Discovery" : "Normal");
		if (!discovery)
			put_key(usual, &len, "TargetName=%s", me.iqn);
		put_key(usual, &len, "HeaderDigest=None");
		put_key(usual, &len, "DataDigest=None");
		put_key(usual, &len, "DefaultTime2Wait=2");
		put_key(usual, &len, "DefaultTime2Retain=0");
		put_key(usual, &len, "ErrorRecoveryLevel=0");
		put_key(usual, &len, "RDMAExtensions=Yes");
		put_key(usual, &len, "InitiatorRecvDataSegmentLength=8192");
		put_key(usual, &len, "TargetRecvDataSegmentLength=8192");
		if (!discovery) {
			put_key(usual, &len, "InitialR2T=No");
			put_key(usual, &len, "ImmediateData=Yes");
			put_key(usual, &len, "MaxBurstLength=262144");
			put_key(usual, &len, "FirstBurstLength=16384");
			put_key(usual, &len, "MaxOutstandingR2T=1");
			put_key(usual, &len, "MaxConnections=1");
			put_key(usual, &len, "DataPDUInOrder=Yes");
			put_key(usual, &len, "DataSequenceInOrder=Yes");
		}
		text = usual;
	}
	put_pdu(m, OP_LOGIN | OP_IMMEDIATE, flags);
	set32(m, BHS + 8, 0x80525350);		/* random format */
	set8(m, BHS + 13, s->isid);
	set8(m, BHS + 14, s->tsih >> 8);
	set8(m, BHS + 15, s->tsih);
	put_tags(m, s);
	if (len)
		put_data(m, text, len);
}
#define LOGIN_LAST	0x87		/* from operational negotiation to full feature */

static void put_base(struct msg *m, struct ses *s, enum base base)
{
	switch (base) {
	case TUR:
		put_cmd(m, s, 0, 0, 0, 0);
		break;
	case READ:
		put_read(m, s, 0, IO);
		break;
	case WRITE:
		put_write(m, s, 0, IO);
		break;
	case IMM:
		put_write_imm(m, s, 0, IO, IO);
		break;
	case IMM_PART:
		put_write_imm(m, s, 0, 2 * IO, IO);
		break;
	case UNSOL:	/* Data-Outs are to follow */
		put_write_imm(m, s, 0, 2 * IO, IO);
		set8(m, B_FLAGS, get8(m, B_FLAGS) & ~F_FINAL);
		break;
	case TEXT:
		put_text(m, s, NO_TAG, "SendTargets=All", 16);
		break;
	case TMF:
		put_tmf(m, s, 1, s->itt);
		break;
	case LOGOUT:
		put_logout(m, s, 0, 0);
		break;
	case SNACK:
		put_pdu(m, OP_SNACK, F_FINAL | 1);
		put_tags(m, s);
		s->cmdsn--;
		set32(m, B_TTT, NO_TAG);
		break;
	case DATA_OUT:
		put_data_out(m, s, ++me.itt, 0, IO);
		s->itt = me.itt;
		break;
	case LOGIN:
		put_login(m, s, LOGIN_LAST, false, NULL, 0);
		break;
	default:
		put_nop(m, s);
		break;
	}
}

/* -------------------------------------------------------- what comes back --- */

/* What an answer is; 0 for a ping of the target, which is answered here */
static u32 classify(struct ses *s, const struct msg *m, u32 barrier, bool *is_barrier)
{
	u32 itt = get32(m, B_ITT);
	u8 op = get8(m, B_OPCODE);
	static struct msg pong;

	*is_barrier = false;
	if (h.verbose)
		print_msg("<", m);
	if (m->len < HDRS || (get8(m, I_FLAGS) & 0xf0) != ISER_CTRL || get8(m, B_AHS_LEN) ||
	    m->len < HDRS + get_dlen(m) || m->len > HDRS + get_dlen(m) + 3)
		return O_BAD;
	s->exp_statsn = get32(m, B_STATSN) + 1;
	s->exp_cmdsn = get32(m, B_EXPCMDSN);
	s->max_cmdsn = get32(m, B_MAXCMDSN);
	if (op == OP_NOP_IN && itt == NO_TAG) {
		s->exp_statsn--;
		if (get32(m, B_TTT) == NO_TAG)
			return 0;
		put_pdu(&pong, OP_NOP_OUT | OP_IMMEDIATE, F_FINAL);
		set32(&pong, B_ITT, NO_TAG);
		set32(&pong, B_TTT, get32(m, B_TTT));
		set32(&pong, B_CMDSN, s->cmdsn);
		set32(&pong, B_EXPSTATSN, s->exp_statsn);
		conn_send(s->c, &pong);
		return 0;
	}
	if (op == OP_REJECT)
		return get_dlen(m) == 48 ? O_REJECT : O_BAD;
	if (itt - s->itt_first > s->itt - s->itt_first)
		return O_BAD;
	s->nr_answers++;
	switch (op) {
	case OP_NOP_IN:
		*is_barrier = itt == barrier;
		return O_OK;
	case OP_RESPONSE:
		return get8(m, B_RESPONSE) || get8(m, B_STATUS) ? O_NO : O_OK;
	case OP_TMF_RESP:
	case OP_LOGOUT_RESP:
		return get8(m, B_RESPONSE) ? O_NO : O_OK;
	case OP_LOGIN_RESP:
		return get8(m, BHS + 36) ? O_NO : O_OK;
	case OP_TEXT_RESP:
		return O_OK;
	default:
		return O_BAD;
	}
}

/* -------------------------------------------------------------- sessions --- */

static struct conn *connect_with(const void *pdata, u32 len, u32 nr_rx, bool *rejected)
{
	return conn_open((struct sockaddr *)&h.addr, h.pd, pdata, len, nr_rx, RX_SIZE, rejected);
}

/* keys of user space memory regions cannot be invalidated remotely */
static struct conn *connect_usual(void)
{
	static const u8 cm[4] = { CM_NO_ZBVA | CM_NO_INV };

	return connect_with(cm, sizeof(cm), 96, NULL);
}

static void ses_init(struct ses *s, struct conn *c)
{
	memset(s, 0, sizeof(*s));
	s->c = c;
	s->itt_first = s->itt = ++me.itt;
	s->cmdsn = 1;
	s->isid = ++me.isid;
}

/* Log in on a connection. Returns O_OK or what else came */
static u32 ses_login(struct ses *s, bool discovery)
{
	static struct msg m;
	u32 o, itt, tries;
	bool is_barrier;
	int n;

	if (!s->c)
		return O_GONE;
	put_login(&m, s, LOGIN_LAST, discovery, NULL, 0);
	itt = get32(&m, B_ITT);
	for (tries = 0; tries < 6; tries++) {
		if (h.verbose)
			print_msg(">", &m);
		conn_send(s->c, &m);
		n = conn_recv(s->c, &m, h.wait_ms, NULL);
		if (n <= 0)
			return n < 0 ? O_GONE : O_STUCK;
		o = classify(s, &m, 0, &is_barrier);
		if (o != O_OK || get8(&m, B_OPCODE) != OP_LOGIN_RESP)
			return o == O_OK ? O_BAD : o;
		if ((get8(&m, B_FLAGS) & 0x83) == 0x83) {
			s->tsih = get32(&m, BHS + 12);
			return O_OK;
		}
		put_login(&m, s, LOGIN_LAST, discovery, "", 0);
		set32(&m, B_ITT, itt);
	}
	return O_WRONG;
}

static u32 ses_open(struct ses *s, bool discovery)
{
	ses_init(s, connect_usual());
	return ses_login(s, discovery);
}

/* @polite: with a farewell to the connection manager */
static void ses_close(struct ses *s, bool polite)
{
	if (s->c && !polite)
		s->c->connected = false;
	conn_free(s->c);
	s->c = NULL;
}

static void ses_send(struct ses *s, const struct msg *m)
{
	if (h.verbose)
		print_msg(">", m);
	conn_send(s->c, m);
}

/* Send a NOP-Out and wait for its answer; what else comes goes to @seen and @last */
static bool barrier(struct ses *s, u32 *seen, struct msg *last)
{
	static struct msg m;
	u64 end = now_ms() + h.wait_ms;
	bool is_barrier;
	u32 itt;
	int n;

	put_nop(&m, s);
	itt = get32(&m, B_ITT);
	ses_send(s, &m);
	while ((n = conn_recv(s->c, &m, end > now_ms() ? end - now_ms() : 0, NULL)) > 0) {
		u32 o = classify(s, &m, itt, &is_barrier);

		if (is_barrier)
			return true;
		*seen |= o;
		if (last && o)
			*last = m;
	}
	*seen |= n < 0 ? O_GONE : O_STUCK;
	return false;
}

/* Wait for one more answer; @allowed_ms 0: as long as it takes */
static u32 next_answer(struct ses *s, struct msg *reply, int allowed_ms)
{
	static struct msg m;
	u64 end = now_ms() + (allowed_ms ? allowed_ms : h.wait_ms);
	bool is_barrier;
	u32 o;
	int n;

	while ((n = conn_recv(s->c, &m, end > now_ms() ? end - now_ms() : 0, NULL)) > 0) {
		o = classify(s, &m, 0, &is_barrier);
		if (o) {
			if (reply)
				*reply = m;
			return o;
		}
	}
	return n < 0 ? O_GONE : 0;
}

/* Collect answers until none comes for @allowed_ms, or the connection ends: then O_GONE */
static u32 answers(struct ses *s, u32 *seen, int allowed_ms)
{
	u32 o;

	while ((o = next_answer(s, NULL, allowed_ms)) && o != O_GONE)
		*seen |= o;
	return o;
}

/* Send @m and report what comes back; @reply gets the last answer */
static u32 exchange(struct ses *s, const struct msg *m, struct msg *reply)
{
	u32 seen = 0;

	if (reply)
		reply->len = 0;
	ses_send(s, m);
	/* an answer, or the failure of a transfer, may come behind that to the barrier */
	if (barrier(s, &seen, reply) && !seen)
		seen |= next_answer(s, reply, h.quiet_ok ? 80 : 0);
	return seen ? seen : O_QUIET;
}

static bool is_alive(struct ses *s)
{
	u32 seen = 0;

	return s->c && barrier(s, &seen, NULL) && !(seen & ~(O_OK | O_NO | O_REJECT));
}

/* -------------------------------------------------------- the guarded memory --- */

/* Did the target write only where @m let it? */
static bool kept_to_offer(const struct msg *m)
{
	u64 off = get64(m, I_READ_VA) - (uintptr_t)h.mem;
	u32 len = get32(m, B_EDTL);

	if (!(get8(m, I_FLAGS) & ISER_RSV) || off >= MEM_SIZE)
		return guard_ok(0, 0);
	if (len > MEM_SIZE - off)
		len = MEM_SIZE - off;
	return guard_ok(off, len);
}

/* ------------------------------------------------- cases that must work ---- */

static u32 read_back(struct ses *s, u32 len, u32 seed)
{
	static struct msg m;
	u8 *want = malloc(len);
	u32 o;

	pattern(want, len, seed);
	guard_set();
	put_read(&m, s, 64, len);
	o = exchange(s, &m, NULL);
	if (o == O_OK && memcmp(h.mem + OFFER, want, len))
		o |= O_WRONG;
	if (!kept_to_offer(&m))
		o |= O_SPILL;
	free(want);
	return o;
}

static u32 write_read(struct ses *s, u32 len, u32 imm)
{
	static struct msg m;
	u32 o;

	pattern(h.mem + OFFER, len, len + imm);
	if (imm)
		put_write_imm(&m, s, 64, len, imm);
	else
		put_write(&m, s, 64, len);
	o = exchange(s, &m, NULL);
	return o == O_OK ? read_back(s, len, len + imm) : o;
}

static u32 sane_rw(struct ses *s) { return write_read(s, 64 << 10, 0); }
static u32 sane_imm(struct ses *s) { return write_read(s, 4096, 4096); }
static u32 sane_imm_part(struct ses *s) { return write_read(s, 64 << 10, 512); }
static u32 sane_big(struct ses *s) { return write_read(s, 1 << 20, 0); }

/* half of it with the command, half in two Data-Outs */
static u32 sane_data_out(struct ses *s)
{
	static struct msg m;
	u32 o, itt;

	pattern(h.mem + OFFER, 16384, 7);
	put_write_imm(&m, s, 64, 16384, 8192);
	set8(&m, I_FLAGS, ISER_CTRL);
	set8(&m, B_FLAGS, get8(&m, B_FLAGS) & ~F_FINAL);
	itt = get32(&m, B_ITT);
	ses_send(s, &m);
	put_data_out(&m, s, itt, 8192, 4096);
	set8(&m, B_FLAGS, 0);
	ses_send(s, &m);
	put_data_out(&m, s, itt, 12288, 4096);
	set32(&m, BHS + 36, 1);		/* DataSN */
	o = exchange(s, &m, NULL);
	return o == O_OK ? read_back(s, 16384, 7) : o;
}

static u32 sane_ping(struct ses *s)
{
	static struct msg m, r;
	u32 o;

	put_nop(&m, s);
	put_data(&m, "twenty-three bytes here", 23);
	o = exchange(s, &m, &r);
	return o == O_OK && (get_dlen(&r) != 23 || memcmp(r.b + HDRS, m.b + HDRS, 23)) ? O_WRONG : o;
}

static u32 sane_targets(struct ses *s)
{
	static struct msg m, r;
	u32 o;

	put_base(&m, s, TEXT);
	o = exchange(s, &m, &r);
	return o == O_OK && (get_dlen(&r) < 12 || memcmp(r.b + HDRS, "TargetName=", 11)) ? O_WRONG : o;
}

static u32 sane_logout(struct ses *s)
{
	static struct msg m;
	u32 o;

	put_base(&m, s, LOGOUT);
	o = exchange(s, &m, NULL);
	/* the connection is the target's to close now: the barrier may see it */
	return o & O_OK ? o & ~O_GONE : o;
}

/* ------------------------------------------------------------- spoiling ---- */

static void sp_none(struct ses *s, struct msg *m, u32 a, u32 b)
{
}

static void sp_8(struct ses *s, struct msg *m, u32 off, u32 val)
{
	set8(m, off, val);
}

static void sp_32(struct ses *s, struct msg *m, u32 off, u32 val)
{
	set32(m, off, val);
}

/* of the PDU at @at in a message of several */
static void sp_next(struct ses *s, struct msg *m, u32 at, u32 next)
{
	set_next(m, at, next);
}

static void sp_less(struct ses *s, struct msg *m, u32 less, u32 unused)
{
	m->len -= less;
}

static void sp_len(struct ses *s, struct msg *m, u32 len, u32 unused)
{
	msg_resize(m, len);
}

static void sp_data(struct ses *s, struct msg *m, u32 declared, u32 len)
{
	msg_data(m, declared, len);
}

static void sp_sn(struct ses *s, struct msg *m, u32 delta, u32 unused)
{
	set32(m, B_CMDSN, get32(m, B_CMDSN) + delta);
}

/* an additional header of @type and length @declared in a space of 16 bytes; no data */
static void sp_ahs(struct ses *s, struct msg *m, u32 type, u32 declared)
{
	set8(m, B_AHS_LEN, 4);
	memset(m->b + HDRS, 0x5a, 16);
	set8(m, HDRS, declared >> 8);
	set8(m, HDRS + 1, declared);
	set8(m, HDRS + 2, type);
	set8(m, HDRS + 3, 0);
	m->len = HDRS + 16;
}

/* a variable length CDB that says it has @len bytes behind the first eight */
static void sp_cdb_var(struct ses *s, struct msg *m, u32 len, u32 with_ahs)
{
	if (with_ahs)
		sp_ahs(s, m, 1, 13);
	set8(m, B_CDB, 0x7f);
	set8(m, B_CDB + 7, len);
}

/* keys that are wrong in one way or another */
static void sp_key(struct ses *s, struct msg *m, u32 kind, u32 unused)
{
	u32 key_at = get8(m, I_FLAGS) & ISER_RSV ? I_READ_KEY : I_WRITE_KEY, key = 0;
	struct ibv_mr *mr;

	switch (kind) {
	case 0:
		break;
	case 1:
		key = 0xffffffff;
		break;
	case 2:			/* was one */
		mr = ibv_reg_mr(h.pd, h.mem, MEM_SIZE, IBV_ACCESS_LOCAL_WRITE |
				IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE);
		key = mr->rkey;
		ibv_dereg_mr(mr);
		break;
	case 3:
		key = h.mr->rkey ^ 0x5a00;
		break;
	case 4:
		key = me.mr_short->rkey;
		break;
	case 5:
		key = h.mr_ro->rkey;
		break;
	case 6:
		key = h.mr_wo->rkey;
		break;
	}
	set32(m, key_at, key);
}

static void sp_addr(struct ses *s, struct msg *m, u32 hi, u32 lo)
{
	u32 va_at = get8(m, I_FLAGS) & ISER_RSV ? I_READ_VA : I_WRITE_VA;

	set32(m, va_at, hi);
	set32(m, va_at + 4, lo);
}

/* flags of the iSER header, all fields filled */
static void sp_flags(struct ses *s, struct msg *m, u32 flags, u32 unused)
{
	offer_read(m, h.mr->rkey, at(OFFER));
	offer_write(m, h.mr->rkey, at(OFFER));
	set8(m, I_FLAGS, flags);
}

/* EDTL, and blocks of the CDB */
static void sp_edtl(struct ses *s, struct msg *m, u32 edtl, u32 blocks)
{
	set32(m, B_EDTL, edtl);
	set8(m, B_CDB + 7, blocks >> 8);
	set8(m, B_CDB + 8, blocks);
}

/* SCSI command flags, F included */
static void sp_cmd(struct ses *s, struct msg *m, u32 flags, u32 edtl)
{
	set8(m, B_FLAGS, flags);
	set32(m, B_EDTL, edtl);
}

/* Data-Out: @off and @len */
static void sp_out(struct ses *s, struct msg *m, u32 off, u32 len)
{
	set32(m, BHS + 40, off);
	sp_data(s, m, len, len);
}

#define NAME	"InitiatorName=iqn.2026-01.lab.rsp:hostile"
#define NORMAL	NAME "|SessionType=Normal|TargetName=iqn.2026-01.lab.rsp:t0|"

static void sp_logout(struct ses *s, struct msg *m, u32 reason, u32 cid)
{
	set8(m, B_FLAGS, F_FINAL | reason);
	set32(m, BHS + 20, cid << 16);
}

/* opcode and task tag */
static void sp_op_tag(struct ses *s, struct msg *m, u32 op, u32 itt)
{
	set8(m, B_OPCODE, op);
	set32(m, B_ITT, itt);
}

/* text of a login or text request, @len bytes: a line of these and zeroes, or worse */
static void sp_text(struct ses *s, struct msg *m, u32 kind, u32 len)
{
	static const char * const texts[] = {
		"", "no equals sign", "=value", "=", "Key=", "SendTargets", "SendTargets=",
		"SendTargets=iqn.2026-01.lab.rsp:t0", "SendTargets=iqn.nothing", "SendTargets=x",
		NAME,
		NAME "|SessionType=Strange|TargetName=x",
		"InitiatorName=|SessionType=Normal|TargetName=iqn.2026-01.lab.rsp:t0|",
		NAME "|SessionType=Normal|TargetName=iqn.nobody|",
		NORMAL "MaxBurstLength=-1|FirstBurstLength=999999999999|",
		NORMAL "RDMAExtensions=No|",
		NORMAL "InitiatorRecvDataSegmentLength=0|TargetRecvDataSegmentLength=4294967295|"
		"MaxRecvDataSegmentLength=1|",
		NAME "|" NAME "|SessionType=Normal|SessionType=Discovery|"
		"TargetName=iqn.2026-01.lab.rsp:t0|",
		NORMAL "AuthMethod=CHAP|CHAP_A=99|CHAP_R=zz|",
	};
	u32 i;

	m->len = HDRS;
	put_data(m, NULL, len);
	switch (kind) {
	case 98:		/* many keys */
		for (i = 0; i + 4 <= len; i += 4)
			memcpy(m->b + HDRS + i, "K=v", 4);
		break;
	case 99:		/* a long key with a long value, and no end */
		memset(m->b + HDRS, 'A', len);
		m->b[HDRS + len / 2] = '=';
		break;
	case 200:
		memset(m->b + HDRS, 'A', len);
		break;
	default:
		for (i = 0; i < len && texts[kind][i]; i++)
			m->b[HDRS + i] = texts[kind][i] == '|' ? 0 : texts[kind][i];
	}
}

/* login flags, with the usual keys */
static void sp_login(struct ses *s, struct msg *m, u32 flags, u32 versions)
{
	set8(m, B_FLAGS, flags);
	set8(m, BHS + 2, versions >> 8);
	set8(m, BHS + 3, versions);
}

/* ------------------------------------------------ conduct that is wrong ---- */

/* a case's second session, beside that of the case */
static u32 with_pdata(const void *pdata, u32 len)
{
	bool rejected = false;
	struct ses s;
	u32 o;

	ses_init(&s, connect_with(pdata, len, 96, &rejected));
	if (!s.c)
		return rejected ? O_GONE : O_STUCK;
	o = ses_login(&s, false);
	if (o == O_OK)
		o = write_read(&s, 16384, 0);
	ses_close(&s, true);
	return o;
}

static u32 pdata_none(struct ses *s) { return with_pdata(NULL, 0); }
static u32 pdata_short(struct ses *s) { return with_pdata("\x80", 1); }

static u32 pdata_flags(struct ses *s)
{
	u32 seen = 0, i;

	for (i = 0; i < 256; i += 51) {
		u8 cm[4] = { i, i, i, i };

		seen |= with_pdata(cm, 4);
	}
	return seen;
}

static u32 pdata_garbage(struct ses *s)
{
	u8 cm[56];

	pattern(cm, sizeof(cm), 23);
	return with_pdata(cm, sizeof(cm));
}

/* ----------------------------------------------- several PDUs in a message --- */

/* to a target that is told that we know how */
static struct conn *batch_connect(void)
{
	static const u8 cm[12] = { CM_NO_ZBVA | CM_NO_INV, 0, 0, 0, 'R', 'S', 'P', 'i', 1, 2 };

	return connect_with(cm, sizeof(cm), 96, NULL);
}

/* put @one behind what is in @m; the PDU there that was the last begins at @last */
static void batch_add(struct msg *m, const struct msg *one, u32 *last)
{
	if (m->len)
		set_next(m, *last, m->len - *last);
	*last = m->len;
	memcpy(m->b + m->len, one->b, one->len);
	m->len += (one->len + 3) & ~3U;
}

/* Collect @nr answers, several of which may share a message */
static void batch_answers(struct ses *s, u32 nr, u32 *seen)
{
	static struct msg m, one;
	u64 end = now_ms() + h.wait_ms;
	bool is_barrier;
	u32 at;
	int n;

	while (nr) {
		n = conn_recv(s->c, &m, end > now_ms() ? end - now_ms() : 0, NULL);
		if (n <= 0) {
			*seen |= n < 0 ? O_GONE : O_STUCK;
			return;
		}
		for (at = 0; at < m.len; nr--) {
			at = take_pdu(&m, at, &one);
			if (!nr || !at) {
				*seen |= O_BAD;
				return;
			}
			*seen |= classify(s, &one, 0, &is_barrier);
		}
	}
}

/* @nr commands without data, two writes with theirs, and a NOP-Out; all in one message */
static u32 batch_of(u32 nr, void (*spoil)(struct ses *s, struct msg *m, u32 a, u32 b), u32 a, u32 b)
{
	static struct msg m, one;
	u32 seen, last = 0, i;
	struct ses s;

	ses_init(&s, batch_connect());
	seen = ses_login(&s, false);
	if (seen != O_OK)
		goto out;
	m.len = 0;
	for (i = 0; i < nr; i++) {
		put_base(&one, &s, TUR);
		batch_add(&m, &one, &last);
	}
	for (i = 0; i < 2; i++) {
		put_write_imm(&one, &s, i, 512, 512);
		batch_add(&m, &one, &last);
	}
	put_nop(&one, &s);
	batch_add(&m, &one, &last);
	spoil(&s, &m, a, b);
	ses_send(&s, &m);
	batch_answers(&s, nr + 3, &seen);
	if (seen == O_OK && write_read(&s, 16384, 0) != O_OK)
		seen |= O_WRONG;
	if (seen & O_GONE)
		seen &= ~O_OK;
out:
	ses_close(&s, true);
	return seen;
}

static u32 batch_many(struct ses *s) { return batch_of(50, sp_none, 0, 0); }

/* a login request that is not alone */
static u32 batch_login(struct ses *s)
{
	static struct msg m, one;
	u32 last = 0, seen;
	struct ses b;

	ses_init(&b, batch_connect());
	if (!b.c)
		return O_STUCK;
	m.len = 0;
	put_login(&one, &b, LOGIN_LAST, false, NULL, 0);
	batch_add(&m, &one, &last);
	put_nop(&one, &b);
	batch_add(&m, &one, &last);
	ses_send(&b, &m);
	seen = next_answer(&b, NULL, 0);
	ses_close(&b, true);
	return seen ? seen : O_QUIET;
}

/* without the feature the bytes are reserved, and what follows the first PDU is not looked at */
static u32 batch_unasked(struct ses *s)
{
	static struct msg m, one;
	u32 last = 0;

	m.len = 0;
	put_base(&one, s, TUR);
	batch_add(&m, &one, &last);
	set_next(&m, 0, 4);
	return exchange(s, &m, NULL);
}

/* Wait until no more sends are in flight than there are buffers for */
static bool drained(struct ses *s, u32 *seen)
{
	static struct msg m;
	bool is_barrier;
	u64 end = now_ms() + h.wait_ms;
	int n;

	while (s->c->tx_next - s->c->tx_done > NR_TX - 4) {
		n = conn_recv(s->c, &m, 5, NULL);
		if (n < 0 || now_ms() > end)
			return false;
		if (n > 0)
			*seen |= classify(s, &m, 0, &is_barrier);
	}
	return true;
}

/* @nr messages at once, far beyond the window; then all answers, then a barrier */
static u32 flood(struct ses *s, u32 nr, enum base base)
{
	static struct msg m;
	u32 i, seen = 0, o, before = s->nr_answers;

	h.quiet_ok = true;
	for (i = 0; i < nr && !s->c->gone && drained(s, &seen); i++) {
		put_base(&m, s, base);
		conn_send(s->c, &m);
	}
	o = answers(s, &seen, 400);
	printf("# %u of %u answered\n", s->nr_answers - before, nr);
	if (o == O_GONE)
		return seen | O_GONE;
	if (!barrier(s, &seen, NULL) && seen & O_GONE)
		return seen;
	return seen ? seen : O_QUIET;
}

static u32 flood_nops(struct ses *s) { return flood(s, 300, NOP); }
static u32 flood_turs(struct ses *s) { return flood(s, 300, TUR); }
static u32 flood_reads(struct ses *s) { return flood(s, 300, READ); }
static u32 flood_writes(struct ses *s) { return flood(s, 300, WRITE); }
static u32 flood_imm(struct ses *s) { return flood(s, 300, IMM); }
static u32 flood_unsol(struct ses *s) { return flood(s, 300, UNSOL); }
static u32 flood_tmfs(struct ses *s) { return flood(s, 200, TMF); }
static u32 flood_texts(struct ses *s) { return flood(s, 200, TEXT); }

/* all with the same task tag */
static u32 flood_same_tag(struct ses *s)
{
	static struct msg m;
	u32 i, seen = 0;

	h.quiet_ok = true;
	for (i = 0; i < 40 && drained(s, &seen); i++) {
		put_base(&m, s, i & 1 ? WRITE : READ);
		set32(&m, B_ITT, s->itt);
		conn_send(s->c, &m);
	}
	answers(s, &seen, 300);
	barrier(s, &seen, NULL);
	return seen;
}

/* the second half of a window first, then the first, backwards */
static u32 out_of_order(struct ses *s)
{
	static struct msg m;
	u32 i, n = 16, first = s->cmdsn, seen = 0, before = s->nr_answers, o;

	for (i = 0; i < n; i++) {
		put_base(&m, s, i % 3 ? READ : IMM);
		set32(&m, B_CMDSN, first + n - 1 - i);
		conn_send(s->c, &m);
	}
	while (s->nr_answers - before < n && (o = next_answer(s, NULL, 0))) {
		seen |= o;
		if (o == O_GONE)
			break;
	}
	if (s->nr_answers - before != n && !(seen & O_GONE))
		seen |= O_STUCK;
	return seen;
}

/* commands behind a gap that is never filled, and then the end */
static u32 gap(struct ses *s)
{
	static struct msg m;
	u32 i, seen = 0;

	s->cmdsn++;
	for (i = 0; i < 24; i++) {
		put_base(&m, s, (enum base)(i % 4));
		conn_send(s->c, &m);
	}
	barrier(s, &seen, NULL);
	return seen ? seen : O_QUIET;
}

/* connect without one receive posted for the answers */
static u32 deaf(struct ses *s)
{
	static const u8 cm[4] = { CM_NO_ZBVA | CM_NO_INV };
	static struct msg m;
	struct ses d;
	int n;

	ses_init(&d, connect_with(cm, 4, 0, NULL));
	if (!d.c)
		return O_GONE;
	put_base(&m, &d, LOGIN);
	ses_send(&d, &m);
	n = conn_recv(d.c, &m, 500, NULL);
	ses_close(&d, true);
	return is_alive(s) ? (n < 0 ? O_GONE : O_QUIET) : O_STUCK;
}

/* log in with four receives, then ask for much and post none of them again */
static u32 deaf_later(struct ses *s)
{
	static const u8 cm[4] = { CM_NO_ZBVA | CM_NO_INV };
	static struct msg m;
	struct ses d;
	int i, n = 0;

	ses_init(&d, connect_with(cm, 4, 4, NULL));
	if (ses_login(&d, false) != O_OK)
		return O_STUCK;
	for (i = 0; i < 40; i++) {
		put_base(&m, &d, i & 1 ? READ : NOP);
		conn_send(d.c, &m);
	}
	/* conn_recv() would post receives: only look whether the others live */
	for (i = 0; i < 5 && !n; i++)
		n = !is_alive(s);
	ses_close(&d, true);
	return n || !is_alive(s) ? O_STUCK : O_QUIET;
}

static u32 idle(struct ses *s, bool half)
{
	static struct msg m;
	struct ses d[24], late;
	u32 i, nr = 0, o;

	for (i = 0; i < 24; i++) {
		ses_init(&d[i], connect_usual());
		nr += !!d[i].c;
		if (half && d[i].c) {
			/* security negotiation without an end */
			put_login(&m, &d[i], 0x00, false, NULL, 0);
			conn_send(d[i].c, &m);
			if (i % 2)
				next_answer(&d[i], NULL, 200);
		}
		if (i % 3 == 0 && d[i].c)
			d[i].c->connected = false;
		/* LIO logs in one at a time: leave some behind at once */
		if (half && i % 4)
			ses_close(&d[i], i % 3);
	}
	if (!half) {
		o = ses_open(&late, false);
		if (o == O_OK)
			o = write_read(&late, 16384, 0);
		ses_close(&late, true);
	} else {
		o = O_OK;
	}
	for (i = 0; i < 24; i++)
		ses_close(&d[i], true);
	return nr == 24 && is_alive(s) ? o : O_STUCK;
}

static u32 idle_24(struct ses *s) { return idle(s, false); }
static u32 half_logins_24(struct ses *s) { return idle(s, true); }

/* two first login requests at once; one may be answered, the connection may end */
static u32 login_pending(struct ses *s)
{
	static struct msg m;
	struct ses d;
	u32 seen = 0, o, i;

	ses_init(&d, connect_usual());
	if (!d.c)
		return O_STUCK;
	for (i = 0; i < 3; i++) {
		put_base(&m, &d, LOGIN);
		ses_send(&d, &m);
	}
	for (i = 0; i < 4 && !(seen & O_GONE); i++) {
		o = next_answer(&d, NULL, 1000);
		seen |= o;
	}
	ses_close(&d, true);
	return is_alive(s) ? (seen ? seen : O_QUIET) : O_STUCK;
}

/* the same initiator port twice: the first session must go, and its commands */
static u32 reinstate(struct ses *s)
{
	static struct msg m;
	struct ses d;
	u32 o, i, end;

	for (i = 0; i < 8; i++) {
		put_base(&m, s, i & 1 ? READ : UNSOL);
		conn_send(s->c, &m);
	}
	ses_init(&d, connect_usual());
	d.isid = s->isid;
	o = ses_login(&d, false);
	if (o == O_OK)
		o = write_read(&d, 16384, 0);
	ses_close(&d, true);
	while ((end = next_answer(s, NULL, 0)) && end != O_GONE)
		;
	return end == O_GONE ? o : O_STUCK;
}

/* a login into the session of the case, which takes no second connection */
static u32 second_conn(struct ses *s)
{
	struct ses d;
	u32 o;

	ses_init(&d, connect_usual());
	d.isid = s->isid;
	d.tsih = s->tsih;
	o = ses_login(&d, false);
	ses_close(&d, true);
	return is_alive(s) ? o : o | O_GONE;
}

static u32 unknown_session(struct ses *s)
{
	struct ses d;
	u32 o;

	ses_init(&d, connect_usual());
	d.tsih = 0x7ead;
	o = ses_login(&d, false);
	ses_close(&d, true);
	return is_alive(s) ? o : O_STUCK;
}

/* begin @nr commands of a kind and go away at different moments */
static u32 leave(struct ses *s, enum base base, bool polite)
{
	static struct msg m;
	struct ses d;
	int i, j;

	for (i = 0; i < 6; i++) {
		if (ses_open(&d, false) != O_OK)
			return O_STUCK;
		for (j = 0; j < 8; j++) {
			put_base(&m, &d, base);
			if (base == READ || base == WRITE)
				sp_edtl(&d, &m, 256 << 10, 512);
			conn_send(d.c, &m);
		}
		conn_recv(d.c, &m, i * i, NULL);
		ses_close(&d, polite);
	}
	return is_alive(s) ? O_QUIET : O_STUCK;
}

static u32 leave_read(struct ses *s) { return leave(s, READ, true); }
static u32 leave_write(struct ses *s) { return leave(s, WRITE, true); }
static u32 leave_unsol(struct ses *s) { return leave(s, UNSOL, true); }
static u32 leave_text(struct ses *s) { return leave(s, TEXT, true); }
static u32 leave_tmf(struct ses *s) { return leave(s, TMF, true); }
static u32 leave_logout(struct ses *s) { return leave(s, LOGOUT, true); }
static u32 vanish_read(struct ses *s) { return leave(s, READ, false); }
static u32 vanish_write(struct ses *s) { return leave(s, WRITE, false); }

/* rejected at once, and the connection ends with the Rejects on their way */
static u32 leave_rejects(struct ses *s)
{
	static struct msg m;
	struct ses d;
	int i, j;

	for (i = 0; i < 6; i++) {
		if (ses_open(&d, false) != O_OK)
			return O_STUCK;
		for (j = 0; j < 12; j++) {
			put_base(&m, &d, j % 3 ? (j % 3 == 1 ? NOP : TEXT) : TUR);
			set8(&m, B_FLAGS, 0);
			conn_send(d.c, &m);
		}
		conn_recv(d.c, &m, i * i, NULL);
		ses_close(&d, i & 1);
	}
	return is_alive(s) ? O_QUIET : O_STUCK;
}

/* memory taken away while the target reads or writes it */
static u32 pull_memory(struct ses *s, bool is_read)
{
	static struct msg m;
	struct ibv_mr *mr = ibv_reg_mr(h.pd, h.mem, MEM_SIZE, IBV_ACCESS_LOCAL_WRITE |
				       IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE);
	u32 o;

	put_base(&m, s, is_read ? READ : WRITE);
	sp_edtl(s, &m, 1 << 20, 2048);
	set32(&m, is_read ? I_READ_KEY : I_WRITE_KEY, mr->rkey);
	ses_send(s, &m);
	usleep(2000);
	ibv_dereg_mr(mr);
	o = next_answer(s, NULL, 0);
	return o ? o : O_STUCK;
}

static u32 pull_read(struct ses *s) { return pull_memory(s, true); }
static u32 pull_write(struct ses *s) { return pull_memory(s, false); }

/* Send With Invalidate: the target has offered no key */
static u32 invalidate(struct ses *s, u32 rkey)
{
	static struct msg m;
	u32 seen = 0;

	put_base(&m, s, TUR);
	conn_send_inv(s->c, &m, &rkey);
	if (barrier(s, &seen, NULL) && !seen)
		seen |= next_answer(s, NULL, 100);
	return seen ? seen : O_QUIET;
}

static u32 inv_0(struct ses *s) { return invalidate(s, 0); }
static u32 inv_unknown(struct ses *s) { return invalidate(s, 0x7ffff00); }

/* all keys there may be near the low numbers a soft device gives */
static u32 inv_guess(struct ses *s)
{
	u32 i, seen = 0;
	struct ses d;

	for (i = 0; i < 8; i++) {
		if (ses_open(&d, false) != O_OK)
			return O_STUCK;
		seen |= invalidate(&d, i << 8 | 1);
		ses_close(&d, true);
	}
	return is_alive(s) ? seen : O_STUCK;
}

/* a message of RDMA with immediate: no target has a use for it */
static u32 rdma_to_target(struct ses *s)
{
	struct seg t = { 0x1234, 4096, 0x1000 };

	conn_rdma(s->c, IBV_WR_RDMA_WRITE, h.mem, h.mr->lkey, t, 4096);
	return next_answer(s, NULL, 0) ?: O_QUIET;
}

/* Data-Outs that a command waits for, and their faults */
enum { OUT_AFTER, OUT_TWICE, OUT_WRONG_OFFSET, OUT_BEYOND, OUT_TOO_MUCH, OUT_NOT_ALL, OUT_WRONG_SN,
       OUT_WRONG_LUN, OUT_ZERO, OUT_WRONG_TTT, OUT_HUGE_OFFSET };

static u32 data_out(struct ses *s, u32 fault)
{
	static struct msg m;
	u32 itt, o = 0, t;
	bool wait = false;

	put_base(&m, s, UNSOL);
	itt = get32(&m, B_ITT);
	ses_send(s, &m);
	put_data_out(&m, s, itt, IO, IO);
	switch (fault) {
	case OUT_AFTER:		/* right, then once more */
		ses_send(s, &m);
		break;
	case OUT_TWICE:		/* the same part */
		put_data_out(&m, s, itt, IO, 512);
		set8(&m, B_FLAGS, 0);
		ses_send(s, &m);
		break;
	case OUT_WRONG_OFFSET:
		set32(&m, BHS + 40, 0);
		break;
	case OUT_BEYOND:
		set32(&m, BHS + 40, 2 * IO);
		break;
	case OUT_HUGE_OFFSET:
		set32(&m, BHS + 40, 0xfffff000);
		break;
	case OUT_TOO_MUCH:
		put_data_out(&m, s, itt, IO, 2 * IO);
		break;
	case OUT_NOT_ALL:
		put_data_out(&m, s, itt, IO, 512);
		wait = true;
		break;
	case OUT_WRONG_SN:
		set32(&m, BHS + 36, 7);
		break;
	case OUT_WRONG_LUN:
		set8(&m, B_LUN + 1, 9);
		break;
	case OUT_ZERO:
		put_data_out(&m, s, itt, IO, 0);
		break;
	case OUT_WRONG_TTT:
		set32(&m, B_TTT, 0x77);
		break;
	}
	h.quiet_ok = true;
	o = exchange(s, &m, NULL);
	/* what waits for data is given up by the target in a few seconds */
	if (wait)
		while (!(o & O_GONE) && (t = next_answer(s, NULL, 0)))
			o |= t;
	return o;
}

#define OUT(name, fault) static u32 name(struct ses *s) { return data_out(s, fault); }
OUT(out_after, OUT_AFTER)
OUT(out_twice, OUT_TWICE)
OUT(out_wrong_offset, OUT_WRONG_OFFSET)
OUT(out_beyond, OUT_BEYOND)
OUT(out_huge_offset, OUT_HUGE_OFFSET)
OUT(out_too_much, OUT_TOO_MUCH)
OUT(out_not_all, OUT_NOT_ALL)
OUT(out_wrong_sn, OUT_WRONG_SN)
OUT(out_wrong_lun, OUT_WRONG_LUN)
OUT(out_zero, OUT_ZERO)
OUT(out_wrong_ttt, OUT_WRONG_TTT)

/* a Data-Out never comes: the target must give up */
static u32 out_never(struct ses *s)
{
	static struct msg m;
	u32 o, seen = 0, i;

	put_base(&m, s, UNSOL);
	ses_send(s, &m);
	for (i = 0; i < 3 && !(seen & O_GONE); i++) {
		o = next_answer(s, NULL, 0);
		seen |= o;
	}
	return seen ? seen : O_STUCK;
}

/* Data-Out for a command that the target reads or writes by RDMA at the moment */
static u32 out_for(struct ses *s, enum base base)
{
	static struct msg m;
	u32 itt;

	put_base(&m, s, base);
	if (base != TUR)
		sp_edtl(s, &m, 512 << 10, 1024);
	itt = get32(&m, B_ITT);
	ses_send(s, &m);
	put_data_out(&m, s, itt, 0, IO);
	return exchange(s, &m, NULL);
}

static u32 out_for_read(struct ses *s) { return out_for(s, READ); }
static u32 out_for_write(struct ses *s) { return out_for(s, WRITE); }
static u32 out_for_tur(struct ses *s) { return out_for(s, TUR); }

/* abort a write that waits for data, then send the data */
static u32 abort_waiting(struct ses *s)
{
	static struct msg m;
	u32 itt, o, sn;

	put_base(&m, s, UNSOL);
	itt = get32(&m, B_ITT);
	sn = get32(&m, B_CMDSN);
	ses_send(s, &m);
	put_tmf(&m, s, 1, itt);
	set32(&m, BHS + 32, sn);
	o = exchange(s, &m, NULL);
	if (o & O_GONE)
		return o;
	put_data_out(&m, s, itt, IO, IO);
	return o | exchange(s, &m, NULL);
}

/* abort commands under RDMA, reset the unit, several times, and use it then */
static u32 abort_busy(struct ses *s)
{
	static struct msg m;
	u32 itt, sn, i, seen = 0;

	for (i = 0; i < 8; i++) {
		put_base(&m, s, i & 1 ? READ : WRITE);
		sp_edtl(s, &m, 512 << 10, 1024);
		itt = get32(&m, B_ITT);
		sn = get32(&m, B_CMDSN);
		ses_send(s, &m);
		put_tmf(&m, s, i == 7 ? 5 : 1, i == 7 ? NO_TAG : itt);
		if (i != 7)
			set32(&m, BHS + 32, sn);
		ses_send(s, &m);
	}
	answers(s, &seen, 800);
	barrier(s, &seen, NULL);
	return seen;
}

static u32 after_logout(struct ses *s)
{
	static struct msg m;
	u32 i, seen = 0;

	put_base(&m, s, LOGOUT);
	ses_send(s, &m);
	for (i = 0; i < 8; i++) {
		put_base(&m, s, (enum base)(i % NR_BASES));
		conn_send(s->c, &m);
	}
	return answers(s, &seen, 0) == O_GONE ? seen | O_GONE : seen;
}

/* an answer in parts goes on by its tag; ask for parts there are not */
static u32 text_more(struct ses *s)
{
	static struct msg m;
	u32 o;

	put_base(&m, s, TEXT);
	ses_send(s, &m);
	put_text(&m, s, 0x1234, NULL, 0);
	set32(&m, B_ITT, s->itt - 1);
	o = exchange(s, &m, NULL);
	return o;
}

static u32 pong_nobody_asked(struct ses *s)
{
	static struct msg m;

	put_nop(&m, s);
	set32(&m, B_ITT, NO_TAG);
	set32(&m, B_TTT, 0x4711);
	return exchange(s, &m, NULL);
}

/* ----------------------------------------------------------------- table --- */

#define F_DISCOVERY	1
#define F_BARE		2		/* without a login; a login comes behind */
#define F_BATCH		4		/* a message of several PDUs, in a second session */

struct tcase {
	const char	*name;
	u32		allow;
	u32		flags;
	enum base	base;
	void		(*spoil)(struct ses *s, struct msg *m, u32 a, u32 b);
	u32		a, b;
	u32		(*run)(struct ses *s);
};

#define MSG(name, allow, flags, base, spoil, a, b) { name, allow, flags, base, spoil, a, b, NULL }
#define RUN(name, allow, flags, run) { name, allow, flags, NOP, NULL, 0, 0, run }
#define BAT(name, allow, spoil, a, b) { name, allow, F_BATCH, NOP, spoil, a, b, NULL }

static const struct tcase cases[] = {
	RUN("ping", O_OK, 0, sane_ping),
	RUN("write-read", O_OK, 0, sane_rw),
	RUN("write-read-1m", O_OK, 0, sane_big),
	RUN("write-immediate", O_OK, 0, sane_imm),
	RUN("write-immediate-and-rdma", O_OK, 0, sane_imm_part),
	RUN("write-data-outs", O_OK, 0, sane_data_out),
	RUN("discovery", O_OK, F_DISCOVERY, sane_targets),
	RUN("logout", O_OK, 0, sane_logout),

	RUN("private-data-absent", O_OK | O_GONE, 0, pdata_none),
	RUN("private-data-1-byte", O_OK | O_GONE, 0, pdata_short),
	RUN("private-data-flags", O_OK | O_GONE, 0, pdata_flags),
	RUN("private-data-garbage", O_OK | O_GONE, 0, pdata_garbage),

	BAT("batch", O_OK, sp_none, 0, 0),
	RUN("batch-50", O_OK, 0, batch_many),
	RUN("batch-unasked", O_OK, 0, batch_unasked),
	RUN("batch-login", O_GONE, 0, batch_login),
	BAT("batch-next-4", O_GONE, sp_next, 0, 4),
	BAT("batch-next-72", O_GONE, sp_next, 0, 72),
	BAT("batch-next-odd", O_GONE, sp_next, 0, 77),
	BAT("batch-next-max", O_GONE, sp_next, 0, 0xfffc),
	BAT("batch-next-overlap", O_GONE, sp_next, HDRS, 80),
	BAT("batch-next-end", O_GONE, sp_next, HDRS, 1480),
	BAT("batch-second-long", O_GONE, sp_8, HDRS + B_AHS_LEN + 3, 4),
	BAT("batch-second-ahs", O_GONE, sp_8, HDRS + B_AHS_LEN, 255),
	BAT("batch-second-hello", O_GONE, sp_8, HDRS + I_FLAGS, ISER_HELLO),
	BAT("batch-cut", O_GONE, sp_less, 4, 0),
	BAT("batch-cut-header", O_GONE, sp_less, 72, 0),

	/* before the login */
	MSG("bare-command", O_GONE, F_BARE, TUR, sp_none, 0, 0),
	MSG("bare-write", O_GONE, F_BARE, IMM, sp_none, 0, 0),
	MSG("bare-nop", O_GONE, F_BARE, NOP, sp_none, 0, 0),
	MSG("bare-text", O_GONE, F_BARE, TEXT, sp_none, 0, 0),
	MSG("bare-logout", O_GONE, F_BARE, LOGOUT, sp_none, 0, 0),
	MSG("bare-hello", O_GONE, F_BARE, NOP, sp_8, I_FLAGS, ISER_HELLO),
	MSG("bare-0-bytes", O_GONE, F_BARE, LOGIN, sp_len, 0, 0),
	MSG("bare-75-bytes", O_GONE, F_BARE, LOGIN, sp_len, 75, 0),
	MSG("login-cut", O_GONE, F_BARE, LOGIN, sp_len, 200, 0),
	MSG("login-length-max", O_GONE, F_BARE, LOGIN, sp_data, 0xffffff, 512),
	MSG("login-8193-bytes", REFUSED, F_BARE, LOGIN, sp_text, 98, 8193),
	MSG("login-16k", REFUSED, F_BARE, LOGIN, sp_data, 16000, 16000),
	MSG("login-32k", O_GONE, F_BARE, LOGIN, sp_data, 32000, 32000),
	MSG("login-ahs", REFUSED, F_BARE, LOGIN, sp_ahs, 1, 5),
	MSG("login-no-text", REFUSED, F_BARE, LOGIN, sp_data, 0, 0),
	MSG("login-no-terminator", REFUSED, F_BARE, LOGIN, sp_text, 200, 8192),
	MSG("login-no-terminator-equals", REFUSED, F_BARE, LOGIN, sp_text, 99, 8192),
	MSG("login-key-long", REFUSED, F_BARE, LOGIN, sp_text, 99, 600),
	MSG("login-keys-2048", REFUSED, F_BARE, LOGIN, sp_text, 98, 8192),
	MSG("login-no-equals", REFUSED, F_BARE, LOGIN, sp_text, 1, 16),
	MSG("login-only-equals", REFUSED, F_BARE, LOGIN, sp_text, 3, 4),
	MSG("login-no-key", REFUSED, F_BARE, LOGIN, sp_text, 2, 16),
	MSG("login-no-value", REFUSED, F_BARE, LOGIN, sp_text, 4, 16),
	MSG("login-name-cut", REFUSED, F_BARE, LOGIN, sp_text, 10, 30),
	MSG("login-name-alone", REFUSED, F_BARE, LOGIN, sp_text, 10, 64),
	MSG("login-session-strange", REFUSED, F_BARE, LOGIN, sp_text, 11, 300),
	MSG("login-name-empty", REFUSED, F_BARE, LOGIN, sp_text, 12, 300),
	MSG("login-target-unknown", REFUSED, F_BARE, LOGIN, sp_text, 13, 300),
	MSG("login-numbers-odd", REFUSED | O_OK, F_BARE, LOGIN, sp_text, 14, 300),
	MSG("login-no-rdma", REFUSED | O_OK, F_BARE, LOGIN, sp_text, 15, 300),
	MSG("login-segments-odd", REFUSED | O_OK, F_BARE, LOGIN, sp_text, 16, 300),
	MSG("login-keys-twice", REFUSED | O_OK, F_BARE, LOGIN, sp_text, 17, 300),
	MSG("login-chap-in-operational", REFUSED | O_OK, F_BARE, LOGIN, sp_text, 18, 300),
	MSG("login-stage-2", REFUSED, F_BARE, LOGIN, sp_login, 0x8b, 0),
	MSG("login-stage-3", REFUSED, F_BARE, LOGIN, sp_login, 0x8f, 0),
	MSG("login-next-is-lower", REFUSED, F_BARE, LOGIN, sp_login, 0x84, 0),
	MSG("login-transit-continue", REFUSED, F_BARE, LOGIN, sp_login, 0xc7, 0),
	MSG("login-continue", REFUSED | O_OK | O_QUIET, F_BARE, LOGIN, sp_login, 0x44, 0),
	MSG("login-version-9", REFUSED, F_BARE, LOGIN, sp_login, LOGIN_LAST, 0x0909),
	MSG("login-not-immediate", REFUSED | O_OK, F_BARE, LOGIN, sp_8, B_OPCODE, OP_LOGIN),
	MSG("login-sends-invalid-keys", REFUSED | O_OK, F_BARE, LOGIN, sp_flags, 0x1f, 0),
	RUN("login-requests-3", REFUSED | O_OK, 0, login_pending),
	RUN("login-into-session", REFUSED, 0, second_conn),
	RUN("login-into-unknown-session", REFUSED, 0, unknown_session),
	RUN("login-reinstates", O_OK, 0, reinstate),
	RUN("connections-24-idle", O_OK, 0, idle_24),
	RUN("logins-24-half", O_OK, 0, half_logins_24),

	/* form */
	MSG("length-0", O_GONE, 0, TUR, sp_len, 0, 0),
	MSG("length-1", O_GONE, 0, TUR, sp_len, 1, 0),
	MSG("length-27", O_GONE, 0, TUR, sp_len, 27, 0),
	MSG("length-28", O_GONE, 0, TUR, sp_len, 28, 0),
	MSG("length-75", O_GONE, 0, TUR, sp_len, 75, 0),
	MSG("length-77", O_OK | REFUSED, 0, TUR, sp_len, 77, 0),
	MSG("length-8192-no-data", O_OK | REFUSED, 0, TUR, sp_len, 8192, 0),
	MSG("longer-than-receive-buffer", O_GONE, 0, TUR, sp_len, 16385, 0),
	MSG("much-longer-than-receive-buffer", O_GONE, 0, TUR, sp_len, 32768, 0),
	MSG("iser-opcode-0", O_GONE, 0, TUR, sp_8, I_FLAGS, 0),
	MSG("iser-hello", O_GONE, 0, TUR, sp_8, I_FLAGS, ISER_HELLO),
	MSG("iser-hello-reply", O_GONE, 0, TUR, sp_8, I_FLAGS, 0x30),
	MSG("iser-opcode-15", O_GONE, 0, TUR, sp_8, I_FLAGS, 0xf0),
	MSG("iser-reserved-bits", O_OK | REFUSED, 0, TUR, sp_8, I_FLAGS, 0x13),
	MSG("data-length-1-none-there", O_GONE, 0, IMM, sp_data, 1, 0),
	MSG("data-length-4097", O_GONE, 0, IMM, sp_data, 4097, 4096),
	MSG("data-length-max", O_GONE, 0, IMM, sp_data, 0xffffff, 4096),
	MSG("ahs-beyond-message", O_GONE, 0, TUR, sp_8, B_AHS_LEN, 1),
	MSG("ahs-255-words", O_GONE, 0, IMM, sp_8, B_AHS_LEN, 255),
	MSG("ahs-cdb-length-0", REFUSED, 0, TUR, sp_ahs, 1, 0),
	MSG("ahs-cdb-length-1", O_OK | REFUSED, 0, TUR, sp_ahs, 1, 1),
	MSG("ahs-cdb-length-13", O_OK | REFUSED, 0, TUR, sp_ahs, 1, 13),
	MSG("ahs-cdb-length-14", REFUSED, 0, TUR, sp_ahs, 1, 14),
	MSG("ahs-cdb-length-max", REFUSED, 0, TUR, sp_ahs, 1, 0xffff),
	MSG("ahs-bidi-read", REFUSED, 0, TUR, sp_ahs, 2, 5),
	MSG("ahs-bidi-read-length-max", REFUSED, 0, READ, sp_ahs, 2, 0xffff),
	MSG("ahs-type-0", REFUSED, 0, TUR, sp_ahs, 0, 13),
	MSG("ahs-type-63", REFUSED, 0, TUR, sp_ahs, 63, 13),
	MSG("ahs-on-nop", O_OK | REFUSED, 0, NOP, sp_ahs, 1, 13),
	MSG("ahs-on-data-out", REFUSED_OR_LOST, 0, DATA_OUT, sp_ahs, 1, 13),
	MSG("cdb-variable-0", REFUSED, 0, TUR, sp_cdb_var, 0, 0),
	MSG("cdb-variable-8", REFUSED, 0, TUR, sp_cdb_var, 8, 0),
	MSG("cdb-variable-9", REFUSED, 0, TUR, sp_cdb_var, 9, 0),
	MSG("cdb-variable-255", REFUSED, 0, TUR, sp_cdb_var, 255, 0),
	MSG("cdb-variable-with-ahs", REFUSED, 0, TUR, sp_cdb_var, 20, 1),
	MSG("cdb-variable-with-ahs-255", REFUSED, 0, TUR, sp_cdb_var, 255, 1),
	MSG("opcode-unknown-07", REFUSED, 0, TUR, sp_8, B_OPCODE, 0x07),
	MSG("opcode-unknown-1f", REFUSED, 0, TUR, sp_8, B_OPCODE, 0x1f),
	MSG("opcode-nop-in", REFUSED, 0, TUR, sp_8, B_OPCODE, OP_NOP_IN),
	MSG("opcode-response", REFUSED, 0, TUR, sp_8, B_OPCODE, OP_RESPONSE),
	MSG("opcode-reject", REFUSED, 0, TUR, sp_8, B_OPCODE, OP_REJECT),
	MSG("opcode-high-bit", LENIENT, 0, TUR, sp_8, B_OPCODE, 0x81),
	MSG("snack", REFUSED_OR_LOST, 0, SNACK, sp_none, 0, 0),
	MSG("snack-of-data", REFUSED_OR_LOST, 0, SNACK, sp_8, B_FLAGS, F_FINAL),
	MSG("login-again", REFUSED, 0, LOGIN, sp_none, 0, 0),

	/* commands */
	MSG("cmd-immediate", REFUSED, 0, TUR, sp_8, B_OPCODE, OP_CMD | OP_IMMEDIATE),
	MSG("cmd-no-final", REFUSED, 0, TUR, sp_8, B_FLAGS, 1),
	MSG("cmd-attribute-aca", REFUSED | O_OK, 0, TUR, sp_8, B_FLAGS, F_FINAL | 4),
	MSG("cmd-attribute-7", REFUSED | O_OK, 0, TUR, sp_8, B_FLAGS, F_FINAL | 7),
	MSG("cmd-lun-unknown", O_NO, 0, READ, sp_8, B_LUN + 1, 77),
	MSG("cmd-lun-odd", O_NO, 0, READ, sp_32, B_LUN, 0xffffffff),
	MSG("cmd-tag-none", LENIENT | O_BAD, 0, READ, sp_32, B_ITT, NO_TAG),
	MSG("cmd-cdb-unknown", O_NO, 0, READ, sp_8, B_CDB, 0xff),
	MSG("cmd-lba-beyond", O_NO, 0, READ, sp_32, B_CDB + 2, 0xfffffff0),
	MSG("cmd-statsn-ahead", O_OK | REFUSED, 0, READ, sp_32, B_EXPSTATSN, 0x7fffffff),
	MSG("read-and-write", REFUSED, 0, READ, sp_cmd, F_FINAL | F_READ | F_WRITE | 1, IO),
	MSG("read-flag-edtl-0", O_OK | REFUSED, 0, READ, sp_cmd, F_FINAL | F_READ | 1, 0),
	MSG("write-flag-edtl-0", O_OK | REFUSED, 0, WRITE, sp_cmd, F_FINAL | F_WRITE | 1, 0),
	MSG("no-flag-with-edtl", REFUSED, 0, READ, sp_cmd, F_FINAL | 1, IO),
	MSG("read-as-write", LENIENT, 0, READ, sp_cmd, F_FINAL | F_WRITE | 1, IO),
	MSG("write-as-read", LENIENT, 0, WRITE, sp_cmd, F_FINAL | F_READ | 1, IO),
	MSG("tur-as-read", O_OK | REFUSED, 0, READ, sp_8, B_CDB, 0),
	MSG("tur-as-write", O_OK | REFUSED, 0, WRITE, sp_8, B_CDB, 0),
	MSG("tur-with-immediate-data", O_OK | REFUSED, 0, IMM, sp_8, B_CDB, 0),
	MSG("inquiry-short", O_OK | REFUSED, 0, READ, sp_32, B_CDB, 0x12000000),
	MSG("read-underflow", O_OK, 0, READ, sp_edtl, 2 * IO, IO / 512),
	MSG("read-overflow", O_OK | REFUSED, 0, READ, sp_edtl, IO, 2 * IO / 512),
	MSG("read-overflow-much", O_OK | REFUSED, 0, READ, sp_edtl, IO, 0xffff),
	MSG("read-edtl-1", O_OK | REFUSED, 0, READ, sp_edtl, 1, 1),
	MSG("read-edtl-513", O_OK | REFUSED, 0, READ, sp_edtl, 513, 2),
	MSG("read-edtl-max", O_OK | REFUSED, 0, READ, sp_edtl, 0xffffffff, 1),
	MSG("read-blocks-0", O_OK | REFUSED, 0, READ, sp_edtl, IO, 0),
	MSG("write-underflow", O_OK | REFUSED, 0, WRITE, sp_edtl, 2 * IO, IO / 512),
	MSG("write-overflow", REFUSED | O_OK, 0, WRITE, sp_edtl, IO, 2 * IO / 512),
	MSG("write-edtl-max", O_OK | REFUSED, 0, WRITE, sp_edtl, 0xffffffff, 1),
	MSG("write-edtl-1", O_OK | REFUSED, 0, WRITE, sp_edtl, 1, 1),
	MSG("write-blocks-0", O_OK | REFUSED, 0, WRITE, sp_edtl, IO, 0),
	MSG("immediate-underflow", O_OK | REFUSED, 0, IMM, sp_edtl, IO, 1),
	MSG("immediate-overflow", O_OK | REFUSED, 0, IMM, sp_edtl, IO, 16),
	MSG("immediate-longer-than-edtl", REFUSED, 0, IMM, sp_edtl, 512, 1),
	MSG("immediate-longer-than-edtl-cdb-long", REFUSED, 0, IMM, sp_edtl, 512, 8),
	MSG("immediate-part-blocks-1", LENIENT, 0, IMM_PART, sp_edtl, 2 * IO, 1),
	MSG("immediate-part-blocks-0", LENIENT, 0, IMM_PART, sp_edtl, 2 * IO, 0),
	MSG("immediate-part-blocks-8", LENIENT, 0, IMM_PART, sp_edtl, 2 * IO, 8),
	MSG("immediate-part-blocks-9", LENIENT, 0, IMM_PART, sp_edtl, 2 * IO, 9),
	MSG("immediate-beyond-first-burst", REFUSED, 0, IMM, sp_data, 16000, 16000),
	MSG("immediate-beyond-segment", REFUSED, 0, IMM, sp_data, 8193, 8193),
	MSG("immediate-not-final", REFUSED, 0, IMM, sp_8, B_FLAGS, F_WRITE | 1),
	MSG("immediate-on-read", LENIENT, 0, IMM, sp_8, B_FLAGS, F_FINAL | F_READ | 1),
	MSG("immediate-on-no-data", REFUSED, 0, IMM, sp_cmd, F_FINAL | 1, 0),
	MSG("immediate-lun-unknown", O_NO, 0, IMM, sp_8, B_LUN + 1, 77),
	MSG("immediate-cdb-unknown", O_NO, 0, IMM, sp_8, B_CDB, 0xff),
	MSG("immediate-lba-beyond", O_NO, 0, IMM, sp_32, B_CDB + 2, 0xfffffff0),
	MSG("unsolicited-lun-unknown", O_NO | O_GONE, 0, UNSOL, sp_8, B_LUN + 1, 77),
	MSG("unsolicited-cdb-unknown", O_NO | O_GONE, 0, UNSOL, sp_8, B_CDB, 0xff),
	MSG("unsolicited-blocks-0", LENIENT, 0, UNSOL, sp_edtl, 2 * IO, 0),
	MSG("unsolicited-blocks-1", LENIENT, 0, UNSOL, sp_edtl, 2 * IO, 1),
	MSG("cmdsn-ahead-5", O_QUIET, 0, READ, sp_sn, 5, 0),
	MSG("cmdsn-ahead-1000", O_QUIET | O_GONE, 0, READ, sp_sn, 1000, 0),
	MSG("cmdsn-ahead-1000-immediate", O_QUIET | O_GONE, 0, IMM, sp_sn, 1000, 0),
	MSG("cmdsn-ahead-unsolicited", O_QUIET | O_GONE, 0, UNSOL, sp_sn, 1000, 0),
	MSG("cmdsn-behind-1", O_QUIET, 0, READ, sp_sn, 0xffffffff, 0),
	MSG("cmdsn-behind-write", O_QUIET, 0, WRITE, sp_sn, 0xffffffff, 0),
	MSG("cmdsn-behind-immediate", O_QUIET, 0, IMM, sp_sn, 0xffffffff, 0),
	MSG("cmdsn-half-away", O_QUIET, 0, READ, sp_sn, 0x80000000, 0),
	MSG("cmdsn-half-away-unsolicited", O_QUIET, 0, UNSOL, sp_sn, 0x80000000, 0),
	RUN("cmdsn-backwards-16", O_OK, 0, out_of_order),
	RUN("cmdsn-gap-24", O_QUIET, 0, gap),

	/* keys */
	MSG("read-without-key", REFUSED, 0, READ, sp_flags, ISER_CTRL, 0),
	MSG("read-with-write-key", REFUSED, 0, READ, sp_flags, ISER_CTRL | ISER_WSV, 0),
	MSG("read-with-both-keys", O_OK, 0, READ, sp_flags, ISER_CTRL | ISER_WSV | ISER_RSV, 0),
	MSG("write-without-key", REFUSED, 0, WRITE, sp_flags, ISER_CTRL, 0),
	MSG("write-with-read-key", REFUSED, 0, WRITE, sp_flags, ISER_CTRL | ISER_RSV, 0),
	MSG("write-with-both-keys", O_OK, 0, WRITE, sp_flags, ISER_CTRL | ISER_WSV | ISER_RSV, 0),
	MSG("no-data-with-both-keys", O_OK | O_GONE, 0, TUR, sp_flags, ISER_CTRL | ISER_WSV | ISER_RSV, 0),
	MSG("part-without-key", REFUSED, 0, IMM_PART, sp_8, I_FLAGS, ISER_CTRL),
	MSG("read-rkey-0", O_GONE, 0, READ, sp_key, 0, 0),
	MSG("read-rkey-max", O_GONE, 0, READ, sp_key, 1, 0),
	MSG("read-rkey-stale", O_GONE, 0, READ, sp_key, 2, 0),
	MSG("read-rkey-unknown", O_GONE, 0, READ, sp_key, 3, 0),
	MSG("read-rkey-short", O_GONE, 0, READ, sp_key, 4, 0),
	MSG("read-rkey-readonly", O_GONE, 0, READ, sp_key, 5, 0),
	MSG("write-rkey-0", O_GONE, 0, WRITE, sp_key, 0, 0),
	MSG("write-rkey-max", O_GONE, 0, WRITE, sp_key, 1, 0),
	MSG("write-rkey-stale", O_GONE, 0, WRITE, sp_key, 2, 0),
	MSG("write-rkey-unknown", O_GONE, 0, WRITE, sp_key, 3, 0),
	MSG("write-rkey-short", O_GONE, 0, WRITE, sp_key, 4, 0),
	MSG("write-rkey-writeonly", O_GONE, 0, WRITE, sp_key, 6, 0),
	MSG("part-rkey-unknown", O_GONE, 0, IMM_PART, sp_key, 3, 0),
	MSG("tur-rkey-unknown", O_OK | O_GONE, 0, TUR, sp_32, I_READ_KEY, 0x1234),
	MSG("read-address-0", O_GONE, 0, READ, sp_addr, 0, 0),
	MSG("read-address-max", O_GONE, 0, READ, sp_addr, 0xffffffff, 0xfffff000),
	MSG("write-address-max", O_GONE, 0, WRITE, sp_addr, 0xffffffff, 0xfffff000),
	RUN("read-memory-pulled", O_OK | O_GONE, 0, pull_read),
	RUN("write-memory-pulled", O_OK | O_GONE, 0, pull_write),
	RUN("invalidate-0", LENIENT, 0, inv_0),
	RUN("invalidate-unknown", LENIENT, 0, inv_unknown),
	RUN("invalidate-guessed", LENIENT, 0, inv_guess),
	RUN("rdma-write-to-target", O_GONE, 0, rdma_to_target),

	/* Data-Out */
	MSG("data-out-tag-unknown", REFUSED_OR_LOST, 0, DATA_OUT, sp_none, 0, 0),
	MSG("data-out-tag-none", REFUSED_OR_LOST, 0, DATA_OUT, sp_32, B_ITT, NO_TAG),
	MSG("data-out-16000", REFUSED_OR_LOST, 0, DATA_OUT, sp_out, 0, 16000),
	RUN("data-out-after-end", LENIENT, 0, out_after),
	RUN("data-out-twice", LENIENT, 0, out_twice),
	RUN("data-out-wrong-offset", REFUSED_OR_LOST, 0, out_wrong_offset),
	RUN("data-out-beyond", REFUSED_OR_LOST, 0, out_beyond),
	RUN("data-out-offset-max", REFUSED_OR_LOST, 0, out_huge_offset),
	RUN("data-out-too-much", REFUSED_OR_LOST, 0, out_too_much),
	RUN("data-out-not-all", LENIENT, 0, out_not_all),
	RUN("data-out-wrong-number", LENIENT, 0, out_wrong_sn),
	RUN("data-out-wrong-lun", LENIENT, 0, out_wrong_lun),
	RUN("data-out-empty", LENIENT, 0, out_zero),
	RUN("data-out-wrong-ttt", LENIENT, 0, out_wrong_ttt),
	RUN("data-out-never", REFUSED, 0, out_never),
	RUN("data-out-for-read", LENIENT, 0, out_for_read),
	RUN("data-out-for-rdma-write", LENIENT, 0, out_for_write),
	RUN("data-out-for-no-data", LENIENT, 0, out_for_tur),

	/* control PDUs */
	MSG("nop-no-final", O_REJECT | O_GONE, 0, NOP, sp_8, B_FLAGS, 0),
	MSG("nop-tag-none-not-immediate", REFUSED_OR_LOST, 0, NOP, sp_op_tag, OP_NOP_OUT, NO_TAG),
	MSG("nop-tag-none", O_QUIET, 0, NOP, sp_32, B_ITT, NO_TAG),
	MSG("nop-ttt-and-tag", REFUSED, 0, NOP, sp_32, B_TTT, 0x77),
	RUN("nop-answers-nothing", REFUSED_OR_LOST, 0, pong_nobody_asked),
	MSG("nop-data-8192", O_OK, 0, NOP, sp_data, 8192, 8192),
	MSG("nop-data-8193", REFUSED, 0, NOP, sp_data, 8193, 8193),
	MSG("nop-not-immediate", O_OK | O_QUIET, 0, NOP, sp_8, B_OPCODE, OP_NOP_OUT),
	MSG("text-no-final", REFUSED, 0, TEXT, sp_8, B_FLAGS, 0),
	MSG("text-continue", REFUSED, 0, TEXT, sp_8, B_FLAGS, 0x40),
	MSG("text-ttt-unknown", REFUSED, 0, TEXT, sp_32, B_TTT, 0x77),
	MSG("text-ttt-0", REFUSED, 0, TEXT, sp_32, B_TTT, 0),
	MSG("text-empty", REFUSED, 0, TEXT, sp_data, 0, 0),
	MSG("text-no-terminator", REFUSED, 0, TEXT, sp_text, 200, 512),
	MSG("text-8192", REFUSED, 0, TEXT, sp_text, 98, 8192),
	MSG("text-16000", REFUSED, 0, TEXT, sp_text, 98, 16000),
	MSG("text-sendtargets-no-equals", REFUSED, 0, TEXT, sp_text, 5, 11),
	MSG("text-sendtargets-empty", REFUSED, 0, TEXT, sp_text, 6, 16),
	MSG("text-sendtargets-one", O_OK, 0, TEXT, sp_text, 7, 36),
	MSG("text-sendtargets-nobody", LENIENT, 0, TEXT, sp_text, 8, 32),
	MSG("text-sendtargets-odd", REFUSED, 0, TEXT, sp_text, 9, 16),
	RUN("text-more-of-nothing", LENIENT, 0, text_more),
	MSG("tmf-function-0", REFUSED, 0, TMF, sp_8, B_FLAGS, F_FINAL),
	MSG("tmf-function-127", REFUSED, 0, TMF, sp_8, B_FLAGS, F_FINAL | 127),
	MSG("tmf-abort-unknown", O_OK | O_NO, 0, TMF, sp_32, B_TTT, 0x77777777),
	MSG("tmf-abort-itself", O_OK | REFUSED, 0, TMF, sp_none, 0, 0),
	MSG("tmf-abort-set", O_OK | REFUSED, 0, TMF, sp_8, B_FLAGS, F_FINAL | 2),
	MSG("tmf-clear-aca", O_OK | REFUSED, 0, TMF, sp_8, B_FLAGS, F_FINAL | 3),
	MSG("tmf-reset-unit", O_OK | REFUSED, 0, TMF, sp_8, B_FLAGS, F_FINAL | 5),
	MSG("tmf-warm-reset", O_OK | REFUSED, 0, TMF, sp_8, B_FLAGS, F_FINAL | 6),
	MSG("tmf-cold-reset", O_OK | REFUSED, 0, TMF, sp_8, B_FLAGS, F_FINAL | 7),
	MSG("tmf-reassign", O_OK | REFUSED, 0, TMF, sp_8, B_FLAGS, F_FINAL | 8),
	MSG("tmf-reassign-not-immediate", REFUSED, 0, TMF, sp_32, BHS, 0x02880000),
	MSG("tmf-lun-unknown", O_NO | O_REJECT, 0, TMF, sp_8, B_LUN + 1, 77),
	MSG("tmf-with-data", LENIENT, 0, TMF, sp_data, 512, 512),
	MSG("tmf-not-immediate", LENIENT, 0, TMF, sp_8, B_OPCODE, OP_TMF),
	RUN("tmf-abort-waiting-write", LENIENT, 0, abort_waiting),
	RUN("tmf-abort-under-rdma", LENIENT, 0, abort_busy),
	MSG("logout-cid-unknown", O_NO | O_REJECT | O_GONE, 0, LOGOUT, sp_logout, 1, 0x77),
	MSG("logout-cid-max", O_NO | O_REJECT | O_GONE, 0, LOGOUT, sp_logout, 1, 0xffff),
	MSG("logout-recovery", O_OK | REFUSED, 0, LOGOUT, sp_logout, 2, 0),
	MSG("logout-recovery-unknown", REFUSED, 0, LOGOUT, sp_logout, 2, 0x77),
	MSG("logout-reason-127", REFUSED, 0, LOGOUT, sp_logout, 127, 0),
	MSG("logout-with-data", O_OK | O_GONE, 0, LOGOUT, sp_data, 512, 512),
	RUN("logout-and-more", LENIENT, 0, after_logout),
	MSG("discovery-command", REFUSED, F_DISCOVERY, TUR, sp_none, 0, 0),
	MSG("discovery-write", REFUSED, F_DISCOVERY, IMM, sp_none, 0, 0),
	MSG("discovery-tmf", REFUSED, F_DISCOVERY, TMF, sp_none, 0, 0),
	MSG("discovery-data-out", REFUSED, F_DISCOVERY, DATA_OUT, sp_none, 0, 0),
	MSG("discovery-text-odd", REFUSED, F_DISCOVERY, TEXT, sp_text, 9, 16),
	MSG("discovery-text-ttt", REFUSED, F_DISCOVERY, TEXT, sp_32, B_TTT, 1),

	/* too much, and the end at a bad moment */
	RUN("flood-300-pings", LENIENT, 0, flood_nops),
	RUN("flood-300-commands", LENIENT, 0, flood_turs),
	RUN("flood-300-reads", LENIENT, 0, flood_reads),
	RUN("flood-300-writes", LENIENT, 0, flood_writes),
	RUN("flood-300-immediate", LENIENT, 0, flood_imm),
	RUN("flood-300-waiting-writes", LENIENT, 0, flood_unsol),
	RUN("flood-200-aborts", LENIENT, 0, flood_tmfs),
	RUN("flood-200-texts", LENIENT, 0, flood_texts),
	RUN("flood-same-tag", LENIENT, 0, flood_same_tag),
	RUN("no-receives-posted", O_GONE | O_QUIET, 0, deaf),
	RUN("no-receives-posted-again", O_QUIET, 0, deaf_later),
	RUN("leave-during-reads", O_QUIET, 0, leave_read),
	RUN("leave-during-writes", O_QUIET, 0, leave_write),
	RUN("leave-before-data-outs", O_QUIET, 0, leave_unsol),
	RUN("leave-during-texts", O_QUIET, 0, leave_text),
	RUN("leave-during-aborts", O_QUIET, 0, leave_tmf),
	RUN("leave-during-logout", O_QUIET, 0, leave_logout),
	RUN("leave-during-rejects", O_QUIET, 0, leave_rejects),
	RUN("vanish-during-reads", O_QUIET, 0, vanish_read),
	RUN("vanish-during-writes", O_QUIET, 0, vanish_write),

	/* after all that */
	RUN("ping-again", O_OK, 0, sane_ping),
	RUN("write-read-again", O_OK, 0, sane_rw),
	RUN("write-immediate-again", O_OK, 0, sane_imm),
	RUN("logout-again", O_OK, 0, sane_logout),
};
#define NR_CASES (sizeof(cases) / sizeof(cases[0]))

/* a case before the login: an answer to it, or the end; and then a login on another connection */
static u32 exchange_bare(struct ses *s, const struct msg *m)
{
	u32 seen = 0, o, i;

	ses_send(s, m);
	for (i = 0; i < 3 && !(seen & O_GONE); i++) {
		o = next_answer(s, NULL, i ? 300 : h.quiet_ok ? 2000 : 0);
		seen |= o;
		if (!o)
			break;
	}
	return seen ? seen : O_QUIET;
}

static void run_case(u32 nr)
{
	const struct tcase *t = &cases[nr];
	static struct msg m;
	struct ses s;
	u32 o;

	note_case(t->name);
	if (t->flags & F_BARE) {
		ses_init(&s, connect_usual());
		o = s.c ? O_OK : O_GONE;
	} else {
		o = ses_open(&s, t->flags & F_DISCOVERY);
	}
	if (o != O_OK) {
		ses_close(&s, true);
		result(false, t->name, s.c ? "the target takes no login before this case" :
		       "the target takes no connection before this case");
		return;
	}
	guard_set();
	h.quiet_ok = t->allow & O_QUIET;
	if (t->run) {
		o = t->run(&s);
	} else if (t->flags & F_BATCH) {
		o = batch_of(4, t->spoil, t->a, t->b);
	} else {
		put_base(&m, &s, t->base);
		t->spoil(&s, &m, t->a, t->b);
		o = t->flags & F_BARE ? exchange_bare(&s, &m) : exchange(&s, &m, NULL);
		/* behind the answer to a logout the end is in order */
		if (t->base == LOGOUT && o & (O_OK | O_NO))
			o &= ~O_GONE;
		if (!kept_to_offer(&m))
			o |= O_SPILL;
	}
	ses_close(&s, true);
	result(o && !(o & ~t->allow), t->name, outcome_name(o));
}

/* -------------------------------------------------------------- mutation --- */

/* From valid messages to wrong ones, the same ones for the same seed */
static void fuzz(u64 seed, u32 count)
{
	static struct msg m;
	struct ses s = { 0 };
	u32 stat[NR_OUTCOMES] = { 0 }, i, o, nr_logins = 0;
	bool ok = true;

	rnd_seed(seed);
	guard_set();
	for (i = 0; i < count; i++) {
		/* a session in which nothing goes on any more is of no use */
		if (!s.c || s.c->gone || rnd(60) == 0) {
			ses_close(&s, rnd(3));
			o = ses_open(&s, rnd(12) == 0);
			nr_logins++;
			if (o != O_OK) {
				printf("# no login after message %u: %s\n", i, outcome_name(o));
				ok = false;
				break;
			}
		}
		put_base(&m, &s, (enum base)rnd(rnd(6) ? DATA_OUT + 1 : NR_BASES));
		if (get8(&m, I_FLAGS) & ISER_RSV)
			set32(&m, I_READ_KEY, me.mr_fuzz->rkey);
		if (get8(&m, I_FLAGS) & ISER_WSV)
			set32(&m, I_WRITE_KEY, me.mr_fuzz->rkey);
		if (get8(&m, B_OPCODE) == OP_DATA_OUT)
			set32(&m, B_ITT, s.itt - rnd(3));
		mutate(&m);
		/* the other units are somebody else's */
		if (m.len > B_LUN + 1 && (get8(&m, B_OPCODE) & 0x3f) <= OP_TMF)
			set32(&m, B_LUN, (u32)me.lun << 16);
		if (h.verbose)
			printf("#   %u\n", i);
		o = 0;
		ses_send(&s, &m);
		if (barrier(&s, &o, NULL))
			s.cmdsn = s.exp_cmdsn;
		/* late answers and changed tags: no verdict on these */
		o &= ~O_BAD;
		o = o ? o : O_QUIET;
		outcomes_add(stat, o);
		if (o & O_STUCK) {
			printf("# message %u: %s\n", i, outcome_name(o));
			ok = false;
			break;
		}
	}
	ses_close(&s, true);
	printf("# %u messages, %u logins:", i, nr_logins);
	outcomes_print(stat);
	result(ok, "fuzz", ok ? "each message answered, dropped or refused" :
	       "the target stopped answering");
	result(guard_ok(0, MEM_SIZE / 2), "memory", "nothing changed that was not offered");
	o = ses_open(&s, false);
	if (o == O_OK && !is_alive(&s))
		o = O_STUCK;
	ses_close(&s, true);
	result(o == O_OK, "login-after-fuzz", outcome_name(o));
}

/* ------------------------------------------------------------------ main --- */

/* the unit has news for an initiator it has not seen: take them */
static void take_attention(void)
{
	static struct msg m;
	struct ses s;
	u32 o = ses_open(&s, false), i;

	for (i = 0; i < 8 && o != O_GONE; i++) {
		put_base(&m, &s, TUR);
		o = exchange(&s, &m, NULL);
		if (o == O_OK)
			break;
	}
	ses_close(&s, true);
	if (o != O_OK)
		bail("unit %u is not ready: %s", me.lun, outcome_name(o));
}

static void prepare(void)
{
	me.mr_short = reg_mem(h.mem + OFFER, IO / 2, ACCESS_RW);
	me.mr_fuzz = reg_mem(h.mem, MEM_SIZE / 2, ACCESS_RW);
	take_attention();
}

static const char *case_name(u32 i)
{
	return cases[i].name;
}

static void option(int o, const char *arg)
{
	if (o == 't')
		me.iqn = arg;
	else
		me.lun = atoi(arg);
}

int main(int argc, char **argv)
{
	static const char * const outcomes[NR_OUTCOMES] = {
		"answer", "refusal", "reject", "disconnect", "silence",
		"MALFORMED ANSWER", "STUCK", "MEMORY OVERWRITTEN", "WRONG CONTENT",
	};
	static const struct hostile_prog prog = {
		.name		= "hostile_iser",
		.peer		= "TARGET",
		.port		= "3260",
		.mem_bytes	= MEM_SIZE,
		.outcomes	= outcomes,
		.nr_outcomes	= NR_OUTCOMES,
		.nr_fuzz	= 3,
		.nr_cases	= NR_CASES,
		.case_name	= case_name,
		.run_case	= run_case,
		.fuzz		= fuzz,
		.prepare	= prepare,
		.extra		= { { "target", 1, 0, 't' }, { "lun", 1, 0, 'L' } },
		.extra_short	= "t:L:",
		.extra_usage	= "  -t, --target IQN     its name (iqn.2026-01.lab.rsp:t0)\n"
				  "  -L, --lun LUN        the logical unit to use (1)\n",
		.option		= option,
	};

	return hostile_main(&prog, argc, argv);
}
