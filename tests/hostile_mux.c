// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile host on a mux connection (docs/wire.md, "Mux"): headers that lie about
 * channels, order, credits and lengths, channels opened without end or moved where they do
 * not belong, peers that let the server wait, and everything mutated. The server may end the
 * connection, refuse or ignore; it must go on serving, which the NULL call of the NFS channel of each next connection shows.
 *
 *	hostile_mux [OPTIONS] SERVER
 *	hostile_mux --fuzz SEED [OPTIONS] SERVER
 *
 * Each case has a connection of its own, on which a NULL call has been answered.
 * Behind the case follows another one as a barrier: it must be answered, or the
 * connection must end, as the case says. Output is TAP, and behind each name stands
 * what came back.
 */
#include "hostile.h"
#include "rpcrdma.h"

/* What can come back, bits */
enum {
	O_REPLY	= 1,	/* the NULL call behind the case was answered */
	O_GONE	= 2,	/* the connection ended */
	O_ACCEPT = 4,
	O_REJECT = 8,
	O_CLOSE	= 16,
	O_QUIET	= 32,	/* no barrier was tried, and nothing came */
	O_BAD	= 64,	/* a message that is itself malformed; never allowed */
	O_STUCK	= 128,	/* nothing, not even to the barrier; never allowed */
	O_MOVE	= 256,	/* answers */
	O_ATTACH = 512,
};
#define NR_OUTCOMES	10

enum { HELLO = 1, OPEN, ACCEPT, REJECT, CLOSE, DATA, CREDIT, MOVE, ATTACH };
#define HDR		64
#define OWN		7		/* our number of the first channel */
#define GRANT		64
#define IS_ANSWER	1
#define TOKEN		0x746f6b65	/* of our MOVEs */

/* offsets in the header */
enum { M_TYPE = 0, M_FLAGS = 1, M_CHAN = 4, M_SEQ = 8, M_GRANT = 12, M_LEN = 16, M_OWN = 20, M_ARG = 24, M_TOKEN = 32 };

static struct {
	u32	xid;
	u32	port;
	/* of the connection */
	bool	is_raw;
	u32	chan;			/* the server's number of the first channel */
	u32	seq;			/* last one sent on it */
	u32	last_own;		/* of the channel accepted last */
} mux = { .xid = 0x52534d00 };

/* -------------------------------------------------------------- messages --- */

static void hdr(struct msg *m, u32 type, u32 chan, u32 own, u32 arg)
{
	memset(m->b, 0, HDR);
	m->len = HDR;
	m->b[M_TYPE] = type;
	set32(m, M_CHAN, chan);
	set32(m, M_GRANT, mux.seq + GRANT);
	set32(m, M_OWN, own);
	set32(m, M_ARG, arg);
}

/* a NULL call on the channel @chan with sequence number @seq */
static void data(struct msg *m, u32 chan, u32 seq)
{
	struct msg call = { 0 };

	put_null(&call, ++mux.xid);
	hdr(m, DATA, chan, 0, 0);
	set32(m, M_SEQ, seq);
	set32(m, M_LEN, call.len);
	memcpy(m->b + HDR, call.b, call.len);
	m->len += call.len;
}

static void hello(struct conn *c, u32 own, u32 grant)
{
	static struct msg m;

	hdr(&m, HELLO, 0, own, 0);
	set32(&m, M_GRANT, grant);
	conn_send(c, &m);
}

static void open_chan(struct conn *c, u32 own, u32 port)
{
	static struct msg m;

	hdr(&m, OPEN, 0, own, port);
	set32(&m, M_GRANT, GRANT);
	pdata_set((struct pdata *)(m.b + 32), 4096, 4096);
	conn_send(c, &m);
}

/* ------------------------------------------------------------ connection --- */

/* private data: RFC 8797's, and a hello at 32 */
static void pdata_make(u8 *p, u32 magic, u32 version_features)
{
	memset(p, 0, 56);
	pdata_set((struct pdata *)p, 4096, 4096);
	magic = htobe32(magic);
	version_features = htobe32(version_features);
	memcpy(p + 32, &magic, 4);
	memcpy(p + 36, &version_features, 4);
	memcpy(p + 40, "hostile-mux-host", 16);
}

static struct conn *open_with(const u8 *pdata, u32 len)
{
	struct conn *c = conn_open((struct sockaddr *)&h.addr, h.pd, pdata, len, 128, 16384, NULL);
	u32 word;

	mux.seq = 0;
	mux.chan = 0;
	mux.is_raw = true;
	if (c && c->pdata_len >= 56) {
		memcpy(&word, c->pdata + 36, 4);
		mux.is_raw = !(be32toh(word) & 2);
	}
	return c;
}

static struct conn *open_mux(void)
{
	u8 pdata[56];
	struct conn *c;

	pdata_make(pdata, 0x52535068, 1 << 16 | 3);
	c = open_with(pdata, sizeof(pdata));
	if (c && mux.is_raw) {
		conn_free(c);
		return NULL;
	}
	return c;
}

/* another one, without a channel of its own */
static struct conn *open_bare(void)
{
	typeof(mux) kept = mux;
	struct conn *c;
	u8 pdata[56];

	pdata_make(pdata, 0x52535068, 1 << 16 | 15);
	c = open_with(pdata, sizeof(pdata));
	if (c && mux.is_raw) {
		conn_free(c);
		c = NULL;
	}
	mux = kept;
	return c;
}

static u32 seen_of(const struct msg *m)
{
	if (m->len < HDR || get32(m, M_LEN) != m->len - HDR)
		return O_BAD;
	switch (m->b[M_TYPE]) {
	case HELLO:
		mux.chan = get32(m, M_OWN);
		return mux.chan ? 0 : O_BAD;
	case ACCEPT:
		mux.last_own = get32(m, M_OWN);
		return mux.last_own ? O_ACCEPT : O_BAD;
	case REJECT:
		return get32(m, M_ARG) ? O_REJECT : O_BAD;
	case CLOSE:
		return O_CLOSE;
	case DATA:
	case CREDIT:
		return 0;
	case MOVE:
		return m->b[M_FLAGS] == IS_ANSWER ? O_MOVE : O_BAD;
	case ATTACH:
		return m->b[M_FLAGS] == IS_ANSWER ? O_ATTACH : O_BAD;
	default:
		return O_BAD;
	}
}

/* what comes until a reply to the last call, the end of the connection, or for @wait_ms nothing */
static u32 collect(struct conn *c, bool want_reply, int wait_ms)
{
	static struct msg m;
	u64 end = now_ms() + wait_ms;
	u32 seen = 0;
	int n;

	while ((n = conn_recv(c, &m, end > now_ms() ? end - now_ms() : 0, NULL)) > 0) {
		if (h.verbose)
			printf("#   < type %u chan %u seq %u grant %u len %u own %u arg %u\n", m.b[0],
			       get32(&m, 4), get32(&m, 8), get32(&m, 12), get32(&m, 16),
			       get32(&m, 20), get32(&m, 24));
		if (mux.is_raw) {
			if (get32(&m, 0) == mux.xid)
				return seen | O_REPLY;
			continue;
		}
		seen |= seen_of(&m);
		if (want_reply && m.b[M_TYPE] == DATA && get32(&m, HDR) == mux.xid)
			return seen | O_REPLY;
	}
	return seen | (n < 0 ? O_GONE : want_reply ? O_STUCK : 0);
}

/* A NULL call on the first channel */
static u32 barrier(struct conn *c)
{
	static struct msg m;

	if (mux.is_raw) {
		m.len = 0;
		put_null(&m, ++mux.xid);
	} else {
		data(&m, mux.chan, ++mux.seq);
	}
	conn_send(c, &m);
	return collect(c, true, h.wait_ms);
}

/* HELLO both ways and a call that is answered */
static bool greet(struct conn *c)
{
	if (!c)
		return false;
	hello(c, OWN, GRANT);
	if (collect(c, false, 0) & O_GONE)
		return false;
	while (!mux.chan)
		if (collect(c, false, 20) & O_GONE)
			return false;
	return barrier(c) == O_REPLY;
}

/* ----------------------------------------------------------------- cases --- */

struct tcase {
	const char	*name;
	u32		allow;
	u32		must;
	u32		flags;
	u32		(*run)(struct conn *c, u32 a, u32 b);
	u32		a, b;
};
#define F_NO_HELLO	1	/* the case says it itself */
#define F_NO_BARRIER	2
#define F_RAW		4	/* the private data of case a, b, a connection without mux */

static u32 nothing(struct conn *c, u32 a, u32 b)
{
	return 0;
}

static u32 late_hello(struct conn *c, u32 a, u32 b)
{
	static struct msg m;

	/* its number can be guessed: the call is executed, the answer waits for our HELLO */
	mux.chan = a;
	data(&m, mux.chan, ++mux.seq);
	conn_send(c, &m);
	hello(c, OWN, GRANT);
	return collect(c, false, 200);
}

static u32 hello_is(struct conn *c, u32 own, u32 grant)
{
	hello(c, own, grant);
	return collect(c, false, 300);
}

/* no credit for an answer at first */
static u32 hello_then_credit(struct conn *c, u32 a, u32 b)
{
	static struct msg m;
	u32 seen;

	hello(c, OWN, 0);
	seen = collect(c, false, 300);
	data(&m, mux.chan, ++mux.seq);
	set32(&m, M_GRANT, 0);
	conn_send(c, &m);
	seen |= collect(c, false, 500);
	hdr(&m, CREDIT, mux.chan, OWN, 0);
	set32(&m, M_GRANT, GRANT);
	conn_send(c, &m);
	return seen | (collect(c, true, h.wait_ms) & ~O_REPLY);
}

/* the first @len bytes of a call */
static u32 cut(struct conn *c, u32 len, u32 b)
{
	static struct msg m;

	data(&m, mux.chan, ++mux.seq);
	m.len = len;
	conn_send(c, &m);
	return 0;
}

/* a call with word @off of the header changed to @val */
static u32 word(struct conn *c, u32 off, u32 val)
{
	static struct msg m;

	data(&m, mux.chan, ++mux.seq);
	set32(&m, off, val);
	conn_send(c, &m);
	return 0;
}

static u32 len_add(struct conn *c, u32 add, u32 b)
{
	static struct msg m;

	data(&m, mux.chan, ++mux.seq);
	set32(&m, M_LEN, m.len - HDR + add);
	conn_send(c, &m);
	return 0;
}

static u32 seq_add(struct conn *c, u32 add, u32 b)
{
	return word(c, M_SEQ, mux.seq + 1 + add);
}

static u32 type(struct conn *c, u32 t, u32 len)
{
	static struct msg m;

	hdr(&m, t, mux.chan, OWN, 0);
	set32(&m, M_LEN, len);
	m.len += len;
	conn_send(c, &m);
	return 0;
}

/* a message of type @t about the channel @chan, 0: the first one */
static u32 about(struct conn *c, u32 t, u32 chan)
{
	static struct msg m;

	hdr(&m, t, chan ? chan : mux.chan, OWN + 1, 0);
	conn_send(c, &m);
	return collect(c, false, 300);
}

static u32 close_flags(struct conn *c, u32 chan, u32 flags)
{
	static struct msg m;

	hdr(&m, CLOSE, chan ? chan : mux.chan, OWN, 0);
	m.b[1] = flags;
	conn_send(c, &m);
	return collect(c, false, 500);
}

static u32 close_twice(struct conn *c, u32 a, u32 b)
{
	static struct msg m;

	hdr(&m, CLOSE, mux.chan, OWN, 0);
	conn_send(c, &m);
	conn_send(c, &m);
	return collect(c, false, 1000);
}

static u32 data_behind_close(struct conn *c, u32 a, u32 b)
{
	static struct msg m;
	u32 i;

	hdr(&m, CLOSE, mux.chan, OWN, 0);
	conn_send(c, &m);
	for (i = 0; i < 5; i++) {
		data(&m, mux.chan, ++mux.seq);
		conn_send(c, &m);
	}
	return collect(c, false, 1000);
}

static u32 credit(struct conn *c, u32 grant, u32 b)
{
	static struct msg m;

	hdr(&m, CREDIT, mux.chan, OWN, 0);
	set32(&m, M_GRANT, grant);
	conn_send(c, &m);
	return 0;
}

static u32 open_port(struct conn *c, u32 own, u32 port)
{
	open_chan(c, own, port);
	return collect(c, false, 500);
}

/* a second channel to the same service, a call on it */
static u32 second_chan(struct conn *c, u32 a, u32 b)
{
	static struct msg m;
	u32 seen;

	mux.last_own = 0;
	open_chan(c, OWN + 1, mux.port);
	seen = collect(c, false, 1000);
	if (!mux.last_own)
		return seen;
	data(&m, mux.last_own, 1);
	conn_send(c, &m);
	return seen | (collect(c, true, h.wait_ms) & ~O_REPLY);
}

static u32 open_same_own(struct conn *c, u32 a, u32 b)
{
	open_chan(c, OWN, mux.port);
	open_chan(c, OWN, mux.port);
	return collect(c, false, 1000);
}

static u32 open_with_grant(struct conn *c, u32 grant, u32 b)
{
	static struct msg m;

	hdr(&m, OPEN, 0, OWN + 1, mux.port);
	set32(&m, M_GRANT, grant);
	conn_send(c, &m);
	return collect(c, false, 500);
}

/* MOVE or ATTACH of the first channel, or of number @chan */
static void say_move(struct conn *c, u32 type, u32 flags, u32 chan, u32 token)
{
	static struct msg m;

	hdr(&m, type, chan ? chan : mux.chan, OWN, 0);
	m.b[M_FLAGS] = flags;
	set32(&m, M_TOKEN, token);
	conn_send(c, &m);
}

static u32 move_token(struct conn *c, u32 token, u32 flags)
{
	say_move(c, MOVE, flags, 0, token);
	return collect(c, false, 300);
}

/* no longer than until it is answered */
static u32 move_said(struct conn *c)
{
	u64 end = now_ms() + h.wait_ms;
	u32 seen = 0;

	say_move(c, MOVE, 0, 0, TOKEN);
	while (!(seen & (O_MOVE | O_GONE)) && now_ms() < end)
		seen |= collect(c, false, 1);
	return seen;
}

static u32 move_twice(struct conn *c, u32 a, u32 b)
{
	say_move(c, MOVE, 0, 0, TOKEN);
	say_move(c, MOVE, 0, 0, TOKEN);
	return collect(c, false, 300) & ~O_MOVE;
}

/* a MOVE, then nothing for @ms, then a message of @type */
static u32 move_then(struct conn *c, u32 type, u32 ms)
{
	static struct msg m;
	u32 seen;

	say_move(c, MOVE, 0, 0, TOKEN);
	seen = collect(c, false, ms);
	if (type == DATA) {
		data(&m, mux.chan, ++mux.seq);
		conn_send(c, &m);
	} else if (type == CLOSE) {
		seen |= close_flags(c, 0, 0);
	}
	return seen | collect(c, false, 300);
}

static u32 attach(struct conn *c, u32 chan, u32 flags)
{
	say_move(c, ATTACH, flags, chan, TOKEN);
	return collect(c, false, 300);
}

static u32 attach_own(struct conn *c, u32 own, u32 b)
{
	static struct msg m;

	hdr(&m, ATTACH, 0x7fffff, own, 0);
	conn_send(c, &m);
	return 0;
}

/* where it came from is where it goes */
static u32 move_here(struct conn *c, u32 token, u32 times)
{
	u32 seen = 0;

	while (times--) {
		seen |= move_token(c, TOKEN, 0);
		say_move(c, ATTACH, 0, 0, token);
		seen |= collect(c, false, 300);
	}
	return seen;
}

/* MOVE on @c, ATTACH on a connection of its own. Return: that one, or NULL */
static struct conn *move_to(struct conn *c, u32 *seen)
{
	struct conn *to = open_bare();

	if (!to) {
		*seen |= O_BAD;
		return NULL;
	}
	*seen |= move_said(c);
	say_move(to, ATTACH, 0, 0, TOKEN);
	return to;
}

/* there, @times; a call there */
static u32 move_away(struct conn *c, u32 times, u32 b)
{
	struct conn *from = c, *to = NULL;
	u32 seen = 0;

	while (times-- && !(seen & O_GONE)) {
		to = move_to(from, &seen);
		if (!to)
			return seen;
		seen |= collect(to, false, 300);
		if (from != c)
			conn_free(from);
		from = to;
	}
	seen |= barrier(to);
	conn_free(to);
	return seen;
}

/* a forged ATTACH from elsewhere does not spoil the right one */
static u32 move_forged(struct conn *c, u32 token, u32 b)
{
	struct conn *thief = open_bare();
	u32 seen;

	if (!thief)
		return O_BAD;
	seen = move_token(c, TOKEN, 0);
	say_move(thief, ATTACH, 0, 0, token);
	if (!(collect(thief, false, 1000) & O_GONE))
		seen |= O_BAD;
	conn_free(thief);
	say_move(c, ATTACH, 0, 0, TOKEN);
	return seen | collect(c, false, 300);
}

/* the channels of others, by number */
static u32 steal(struct conn *c, u32 nr, u32 b)
{
	struct conn *thief = NULL;
	u32 i, seen = 0;

	for (i = 1; i <= nr; i++) {
		if (!thief || thief->gone) {
			conn_free(thief);
			thief = open_bare();
			if (!thief)
				return O_BAD;
		}
		say_move(thief, ATTACH, 0, i, TOKEN);
		seen |= collect(thief, false, 20) & ~(O_GONE | O_CLOSE);
	}
	conn_free(thief);
	return seen;
}

/* closed before it can have come, and where it was it is not any more */
static u32 move_and_close(struct conn *c, u32 on_old, u32 b)
{
	u32 seen = 0;
	struct conn *to = move_to(c, &seen);

	if (!to)
		return seen;
	seen |= close_flags(on_old ? c : to, 0, 0);
	seen |= collect(c, false, 300) | collect(to, false, 300);
	conn_free(to);
	return seen;
}

/* the other connection goes while the channel is on its way there */
static u32 move_to_gone(struct conn *c, u32 a, u32 b)
{
	u32 seen = 0;
	struct conn *to = move_to(c, &seen);

	if (!to)
		return seen;
	rdma_disconnect(to->id);
	to->connected = false;
	conn_free(to);
	return seen | collect(c, false, 300);
}

/* a bare connection is one like others, but for its first channel */
static u32 bare(struct conn *c, u32 type, u32 b)
{
	static struct msg m;
	struct conn *to = open_bare();
	u32 seen = 0, kept = mux.seq;

	if (!to)
		return O_BAD;
	mux.seq = 0;
	if (type == OPEN) {
		mux.last_own = 0;
		open_chan(to, OWN + 1, mux.port);
		seen = collect(to, false, 1000);
		data(&m, mux.last_own, 1);
		conn_send(to, &m);
		seen |= collect(to, true, h.wait_ms);
	} else {
		hdr(&m, type, type == DATA ? mux.chan : 0, OWN, 0);
		conn_send(to, &m);
		seen = collect(to, false, 500);
	}
	conn_free(to);
	mux.seq = kept;
	return seen;
}

static void pace(struct conn *c)
{
	while (c->tx_next - c->tx_done > 48 && !c->gone)
		collect(c, false, 1);
}

static u32 open_flood(struct conn *c, u32 nr, u32 port)
{
	u32 i;

	for (i = 0; i < nr && !c->gone; i++) {
		open_chan(c, 1000 + i, port ? port : mux.port);
		pace(c);
	}
	return collect(c, false, 2000);
}

/* the completion of a message that was sent; receives that complete are not posted again */
static void drain_tx(struct conn *c)
{
	struct ibv_wc wc;

	if (ibv_poll_cq(c->cq, 1, &wc) != 1)
		usleep(500);
	else if (wc.status != IBV_WC_SUCCESS)
		c->gone = true;
	else if (wc.wr_id >> 32)
		c->tx_done++;
}

/* @nr messages that must be answered, and no receives for the answers; then perhaps a CLOSE */
static u32 deaf(struct conn *c, u32 nr, u32 do_close)
{
	static struct msg m;
	u64 end = now_ms() + 20000;
	u32 i;

	for (i = 0; i < nr && !c->gone; i++) {
		open_chan(c, 1000 + i, 1);
		while (c->tx_next - c->tx_done > 48 && !c->gone && now_ms() < end)
			drain_tx(c);
	}
	if (do_close) {
		hdr(&m, CLOSE, mux.chan, OWN, 0);
		conn_send(c, &m);
	}
	while (!c->gone && now_ms() < end) {
		drain_tx(c);
		if (!conn_event(c, RDMA_CM_EVENT_DISCONNECTED, 10))
			c->gone = true;
	}
	return c->gone ? O_GONE : O_STUCK;
}

/* a call that no RPC server can read: it closes the connection */
static void unreadable(struct conn *c)
{
	static struct msg m;

	data(&m, mux.chan, ++mux.seq);
	/* the XID and that it is a call */
	m.len = HDR + HDR_MIN + 8;
	set32(&m, M_LEN, m.len - HDR);
	conn_send(c, &m);
}

struct deaf {
	struct conn	*c;
	typeof(mux)	mux;
	u32		seen;
};

static u32 deaf_look(struct deaf *deaf, u32 nr, u32 what)
{
	u32 i, n = 0;

	for (i = 0; i < nr; i++) {
		if (!(deaf[i].seen & O_GONE))
			deaf[i].seen |= collect(deaf[i].c, false, 1);
		n += !!(deaf[i].seen & what);
	}
	return n;
}

/*
 * The server closes the channels of @nr others at once, none of which says CLOSE in turn. It waits for
 * them, but nobody else does: @calls of ours are answered, and it has begun with all of them, before it
 * ends the first
 */
static u32 close_deaf(struct conn *c, u32 nr, u32 calls)
{
	struct deaf *deaf = calloc(nr, sizeof(*deaf));
	typeof(mux) ours = mux;
	u32 i, seen = 0;
	u64 end;

	for (i = 0; i < nr; i++) {
		deaf[i].c = open_mux();
		if (!greet(deaf[i].c))
			bail("no connection that could be closed");
		deaf[i].mux = mux;
	}
	for (i = 0; i < nr; i++) {
		mux = deaf[i].mux;
		unreadable(deaf[i].c);
	}
	mux = ours;
	for (end = now_ms() + h.wait_ms; calls || deaf_look(deaf, nr, O_CLOSE) < nr;) {
		mux.xid += nr;		/* not one of theirs */
		seen |= barrier(c);
		calls -= !!calls;
		if (seen != O_REPLY || deaf_look(deaf, nr, O_GONE) || now_ms() > end) {
			printf("# %u calls left, %u channels closed, %u connections ended\n", calls,
			       deaf_look(deaf, nr, O_CLOSE), deaf_look(deaf, nr, O_GONE));
			seen |= O_STUCK;
			break;
		}
	}
	/* it does end them */
	for (end = now_ms() + 3 * h.wait_ms; deaf_look(deaf, nr, O_GONE) < nr;)
		if (now_ms() > end) {
			seen |= O_STUCK;
			break;
		}
	for (i = 0; i < nr; i++)
		conn_free(deaf[i].c);
	free(deaf);
	return seen & ~O_REPLY;
}

static u32 open_and_leave(struct conn *c, u32 nr, u32 b)
{
	while (nr--)
		open_chan(c, 1000 + nr, mux.port);
	rdma_disconnect(c->id);
	c->connected = false;
	return O_GONE;
}

/* channels opened and closed, @nr times */
static u32 open_close(struct conn *c, u32 nr, u32 b)
{
	static struct msg m;
	u32 seen = 0, i;

	for (i = 0; i < nr && !c->gone; i++) {
		mux.last_own = 0;
		open_chan(c, 1000 + i, mux.port);
		while (!mux.last_own && !c->gone && !(seen & O_REJECT))
			seen |= collect(c, false, 5);
		hdr(&m, CLOSE, mux.last_own, 1000 + i, 0);
		conn_send(c, &m);
		pace(c);
	}
	return seen | collect(c, false, 500);
}

/* calls as fast as they go, whatever the grant says */
static u32 flood(struct conn *c, u32 nr, u32 b)
{
	static struct msg m;

	while (nr-- && !c->gone) {
		data(&m, mux.chan, ++mux.seq);
		conn_send(c, &m);
		pace(c);
	}
	return 0;
}

/* a message as it would be on a raw connection */
static u32 no_header(struct conn *c, u32 a, u32 b)
{
	static struct msg m;

	m.len = 0;
	put_null(&m, ++mux.xid);
	conn_send(c, &m);
	return 0;
}

static u32 long_one(struct conn *c, u32 len, u32 b)
{
	static struct msg m;

	data(&m, mux.chan, ++mux.seq);
	memset(m.b + m.len, 0, HDR + len - m.len);
	m.len = HDR + len;
	set32(&m, M_LEN, len);
	conn_send(c, &m);
	return 0;
}

#define C(n, allow, must, flags, run, a, b)	{ n, allow, must, flags, run, a, b }
#define ENDS(n, run, a, b)			C(n, O_GONE, O_GONE, 0, run, a, b)
#define KEPT(n, more, run, a, b)		C(n, O_REPLY | (more), O_REPLY, 0, run, a, b)

static const struct tcase cases[] = {
	KEPT("honest", 0, nothing, 0, 0),
	C("raw-no-magic", O_REPLY, O_REPLY, F_RAW, nothing, 0x52535069, 1 << 16 | 3),
	C("raw-version-0", O_REPLY, O_REPLY, F_RAW, nothing, 0x52535068, 3),
	C("raw-version-2", O_REPLY, O_REPLY, F_RAW, nothing, 0x52535068, 2 << 16 | 3),
	C("raw-can-but-will-not", O_REPLY, O_REPLY, F_RAW, nothing, 0x52535068, 1 << 16 | 1),
	C("raw-bare-but-not-mux", O_REPLY, O_REPLY, F_RAW, nothing, 0x52535068, 1 << 16 | 13),
	C("raw-features-unknown", O_REPLY, O_REPLY, F_RAW, nothing, 0x52535068, 1 << 16 | 0xfffd),

	C("call-before-hello", O_GONE | O_REPLY, 0, F_NO_HELLO, late_hello, 1, 0),
	C("hello-own-0", O_GONE, O_GONE, F_NO_HELLO, hello_is, 0, GRANT),
	C("hello-grant-huge", O_GONE, O_GONE, F_NO_HELLO, hello_is, OWN, 0x7fffffff),
	C("hello-grant-negative", O_REPLY | O_STUCK, 0, F_NO_HELLO | F_NO_BARRIER, hello_is, OWN, 0x80000001),
	C("hello-without-credit", O_REPLY, O_REPLY, F_NO_HELLO, hello_then_credit, 0, 0),
	C("hello-own-max", O_REPLY, O_REPLY, F_NO_HELLO, hello_is, 0xffffffff, GRANT),
	ENDS("hello-twice", type, HELLO, 0),

	ENDS("message-empty", cut, 0, 0),
	ENDS("message-1-byte", cut, 1, 0),
	ENDS("message-63-bytes", cut, 63, 0),
	ENDS("message-header-only", cut, 64, 0),
	ENDS("message-cut", cut, 100, 0),
	ENDS("length-1-more", len_add, 1, 0),
	ENDS("length-1-less", len_add, -1, 0),
	ENDS("length-max", word, M_LEN, 0xffffffff),
	ENDS("longer-than-receive", long_one, 20000, 0),
	ENDS("no-header", no_header, 0, 0),
	ENDS("type-0", type, 0, 0),
	ENDS("type-10", type, 10, 0),
	ENDS("type-255", type, 255, 0),
	ENDS("hello-with-data", type, HELLO, 4),
	ENDS("open-with-data", type, OPEN, 4),
	ENDS("close-with-data", type, CLOSE, 4),
	ENDS("credit-with-data", type, CREDIT, 64),
	ENDS("move-with-data", type, MOVE, 4),
	ENDS("attach-with-data", type, ATTACH, 4),

	ENDS("channel-0", word, M_CHAN, 0),
	ENDS("channel-max", word, M_CHAN, 0xffffffff),
	ENDS("channel-unknown", word, M_CHAN, 0x7fffff),
	ENDS("channel-1", word, M_CHAN, 1),
	ENDS("seq-0", word, M_SEQ, 0),
	ENDS("seq-again", seq_add, -1, 0),
	ENDS("seq-jump", seq_add, 1, 0),
	ENDS("seq-far", seq_add, 0x7fffffff, 0),
	ENDS("seq-behind", seq_add, 0x80000000, 0),
	ENDS("grant-max", word, M_GRANT, 0x7fffffff),
	ENDS("grant-more-than-any", word, M_GRANT, 66000),
	KEPT("grant-behind", 0, word, M_GRANT, 0),
	KEPT("reserved-words", 0, word, 28, 0xffffffff),
	ENDS("credit-max", credit, 0x7fffffff, 0),
	KEPT("credit-behind", 0, credit, 0, 0),

	KEPT("open-port-nobody", O_REJECT, open_port, OWN + 1, 1),
	KEPT("open-port-0", O_REJECT, open_port, OWN + 1, 0),
	KEPT("open-port-huge", O_REJECT, open_port, OWN + 1, 0x12345678),
	ENDS("open-own-0", open_port, 0, 20049),
	ENDS("open-grant-max", open_with_grant, 0xffffffff, 0),
	KEPT("open-grant-0", O_ACCEPT, open_with_grant, 0, 0),
	KEPT("second-channel", O_ACCEPT, second_chan, 0, 0),
	KEPT("open-same-number", O_ACCEPT, open_same_own, 0, 0),
	KEPT("accept-unasked", O_REJECT | O_CLOSE, about, ACCEPT, 0x7fffff),
	ENDS("accept-of-ours", about, ACCEPT, 0),
	KEPT("reject-unasked", 0, about, REJECT, 0x7fffff),
	ENDS("reject-of-ours", about, REJECT, 0),
	KEPT("credit-unknown", 0, about, CREDIT, 0x7fffff),
	KEPT("close-unknown", O_CLOSE, about, CLOSE, 0x7fffff),
	KEPT("close-unknown-answer", 0, close_flags, 0x7fffff, IS_ANSWER),
	C("close", O_CLOSE | O_QUIET, O_CLOSE, F_NO_BARRIER, close_flags, 0, 0),
	C("close-answer", O_CLOSE | O_QUIET, O_CLOSE, F_NO_BARRIER, close_flags, 0, IS_ANSWER),
	C("close-twice", O_CLOSE | O_QUIET, O_CLOSE, F_NO_BARRIER, close_twice, 0, 0),
	C("data-behind-close", O_CLOSE | O_GONE, 0, F_NO_BARRIER, data_behind_close, 0, 0),

	KEPT("move-here", O_MOVE | O_ATTACH, move_here, TOKEN, 1),
	KEPT("move-here-8", O_MOVE | O_ATTACH, move_here, TOKEN, 8),
	ENDS("move-token-0", move_token, 0, 0),
	ENDS("move-answer-unasked", move_token, TOKEN, IS_ANSWER),
	ENDS("move-twice", move_twice, 0, 0),
	KEPT("move-unknown", 0, about, MOVE, 0x7fffff),
	C("data-behind-move", O_GONE | O_MOVE, O_GONE, F_NO_BARRIER, move_then, DATA, 100),
	C("close-behind-move", O_CLOSE | O_MOVE, O_CLOSE, F_NO_BARRIER, move_then, CLOSE, 0),
	C("move-and-nothing", O_CLOSE | O_MOVE, O_CLOSE, F_NO_BARRIER, move_then, 0, 13000),
	KEPT("attach-unknown", O_CLOSE, attach, 0x7fffff, 0),
	ENDS("attach-own-0", attach_own, 0, 0),
	ENDS("attach-not-moving", attach, 0, 0),
	ENDS("attach-answer-unasked", attach, 0, IS_ANSWER),
	C("attach-wrong-token", O_GONE | O_MOVE, O_GONE, 0, move_here, TOKEN + 1, 1),
	C("move-away", O_MOVE | O_ATTACH | O_REPLY, O_ATTACH | O_REPLY, F_NO_BARRIER, move_away, 1, 0),
	C("move-away-8", O_MOVE | O_ATTACH | O_REPLY, O_ATTACH | O_REPLY, F_NO_BARRIER, move_away, 8, 0),
	KEPT("move-forged", O_MOVE | O_ATTACH, move_forged, TOKEN + 1, 0),
	KEPT("move-forged-0", O_MOVE | O_ATTACH, move_forged, 0, 0),
	KEPT("steal", 0, steal, 100, 0),
	C("close-behind-attach", O_CLOSE | O_MOVE | O_ATTACH, O_CLOSE, F_NO_BARRIER, move_and_close, 0, 0),
	C("close-where-it-was", O_CLOSE | O_MOVE | O_ATTACH, O_CLOSE, F_NO_BARRIER, move_and_close, 1, 0),
	C("move-to-gone", O_MOVE | O_CLOSE, O_MOVE, F_NO_BARRIER, move_to_gone, 0, 0),
	C("bare-open", O_ACCEPT | O_REPLY, O_ACCEPT | O_REPLY, F_NO_BARRIER, bare, OPEN, 0),
	C("bare-hello", O_GONE, O_GONE, F_NO_BARRIER, bare, HELLO, 0),
	C("bare-data", O_GONE, O_GONE, F_NO_BARRIER, bare, DATA, 0),

	/* nfsd closes old connections when there are too many, and we do not answer that */
	C("open-flood-400", O_REPLY | O_GONE | O_CLOSE | O_ACCEPT | O_REJECT, O_ACCEPT, 0,
	  open_flood, 400, 0),
	KEPT("open-flood-nobody", O_REJECT, open_flood, 400, 1),
	KEPT("open-close-256", O_ACCEPT | O_REJECT | O_CLOSE, open_close, 256, 0),
	C("deaf", O_GONE, O_GONE, F_NO_BARRIER, deaf, 2000, 0),
	C("deaf-and-close", O_GONE, O_GONE, F_NO_BARRIER, deaf, 200, 1),
	KEPT("close-deaf", 0, close_deaf, 16, 10),
	C("open-and-leave", O_GONE, O_GONE, F_NO_BARRIER, open_and_leave, 40, 0),
	C("call-flood", O_REPLY | O_GONE, 0, 0, flood, 600, 0),

	/* after all that */
	KEPT("honest-again", 0, nothing, 0, 0),
};
#define NR_CASES (sizeof(cases) / sizeof(cases[0]))

static void run_case(u32 nr)
{
	const struct tcase *t = &cases[nr];
	struct conn *c;
	u8 pdata[56];
	u32 o;

	note_case(t->name);
	if (t->flags & F_RAW) {
		pdata_make(pdata, t->a, t->b);
		c = open_with(pdata, sizeof(pdata));
		if (c && !mux.is_raw) {
			conn_free(c);
			result(false, t->name, "a mux connection that was not asked for");
			return;
		}
	} else {
		c = open_mux();
	}
	if (!c || (!(t->flags & (F_NO_HELLO | F_RAW)) && !greet(c))) {
		conn_free(c);
		result(false, t->name, c ? "the server answers no call before this case" :
			       "the server takes no mux connection before this case");
		return;
	}
	o = t->run(c, t->a, t->b);
	if (!(t->flags & F_NO_BARRIER) && !(o & O_GONE))
		o |= barrier(c);
	o = o ? o : O_QUIET;
	conn_free(c);
	result((o & t->must) == t->must && !(o & ~(t->allow | O_QUIET)), t->name, outcome_name(o));
}

/* -------------------------------------------------------------- mutation --- */

static void fuzz_seed_msg(struct msg *m)
{
	switch (rnd(8)) {
	case 0:
		hdr(m, OPEN, 0, 1000 + rnd(50), rnd(2) ? mux.port : rnd(65536));
		set32(m, M_GRANT, GRANT);
		break;
	case 1:
		hdr(m, CLOSE, mux.last_own, 1000 + rnd(50), 0);
		break;
	case 2:
		hdr(m, rnd(2) ? MOVE : ATTACH, mux.chan, OWN, 0);
		set32(m, M_TOKEN, TOKEN);
		break;
	case 3:
		hdr(m, 1 + rnd(9), rnd(2) ? mux.chan : rnd(100), rnd(100), rnd(100));
		break;
	default:
		data(m, mux.chan, ++mux.seq);
	}
}

static void mutate(struct msg *m)
{
	static const u32 odd[] = {
		0, 1, 2, 7, 8, 63, 64, 65, 0xff, 0x100, 0xffff, 0x10000, 0x10001, 0x7fffffff,
		0x80000000, 0xfffffffe, 0xffffffff,
	};
	u32 n = 1 + rnd(3);

	while (n--) {
		u32 off = rnd(HDR);

		switch (rnd(4)) {
		case 0:
			m->b[off] ^= 1 << rnd(8);
			break;
		case 1:
			m->b[off] = rnd(256);
			break;
		case 2:
			set32(m, off & ~3u, odd[rnd(sizeof(odd) / 4)]);
			break;
		default:
			if (!rnd(8))
				m->len = rnd(m->len + 1);
		}
	}
}

static void fuzz(u64 seed, u32 count)
{
	static struct msg m;
	struct conn *c = NULL;
	u32 stat[NR_OUTCOMES] = { 0 }, i, o;

	rnd_seed(seed);
	for (i = 0; i < count; i++) {
		if (!c || c->gone) {
			conn_free(c);
			c = open_mux();
			if (!greet(c)) {
				printf("# no call answered after message %u\n", i);
				break;
			}
		}
		fuzz_seed_msg(&m);
		mutate(&m);
		conn_send(c, &m);
		/* a lie about the order shows in the next call at the latest: what was sent counts or not */
		o = collect(c, false, rnd(4) ? 0 : 30);
		outcomes_add(stat, o);
		if (rnd(8) == 0 && !c->gone) {
			hdr(&m, CREDIT, mux.chan, OWN, 0);
			conn_send(c, &m);
		}
	}
	conn_free(c);
	printf("# %u messages:", i);
	outcomes_print(stat);
	result(i == count, "fuzz", i == count ? "each message taken, ignored or the end of its connection" :
	       "the server stopped answering");
	c = open_mux();
	result(greet(c), "call-after-fuzz", "a NULL call on a new connection");
	conn_free(c);
}

/* ------------------------------------------------------------------ main --- */

static void prepare(void)
{
	mux.port = ntohs(h.addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&h.addr)->sin6_port :
							((struct sockaddr_in *)&h.addr)->sin_port);
}

static const char *case_name(u32 i)
{
	return cases[i].name;
}

int main(int argc, char **argv)
{
	static const char * const outcomes[NR_OUTCOMES] = {
		"reply", "disconnect", "ACCEPT", "REJECT", "CLOSE", "silence", "MALFORMED MESSAGE", "STUCK",
		"MOVE", "ATTACH",
	};
	static const struct hostile_prog prog = {
		.name		= "hostile_mux",
		.peer		= "SERVER",
		.port		= "20049",
		.mem_bytes	= 4096,
		.outcomes	= outcomes,
		.nr_outcomes	= NR_OUTCOMES,
		.nr_fuzz	= 2,
		.nr_cases	= NR_CASES,
		.case_name	= case_name,
		.run_case	= run_case,
		.fuzz		= fuzz,
		.prepare	= prepare,
		.extra_short	= "",
		.extra_usage	= "",
	};

	return hostile_main(&prog, argc, argv);
}
