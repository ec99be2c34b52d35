// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile host that a client connects to (docs/wire.md, "Mux"): it answers rsp_perf's
 * messages (op=send_lat) on a mux connection of its own, and when told so lies once, where
 * the order says: when it is connected to, in its first messages, in what it answers to
 * HELLO, OPEN, MOVE and ATTACH. Without an order it is an honest server, so that a lie always
 * meets a client that has a channel, or is about to.
 *
 *	hostile_mux_server [--port PORT] [--open PORT]
 *
 * With --open it opens a channel of its own to rsp_perf's server there, at the client's end:
 * an endpoint with two channels is one that an endpoint policy wants to divide, so the client
 * connects another one, without a first channel, and the lies about moving have their turn.
 *
 * Orders come on standard input, a line each: the name of a case, or "none". What was done is
 * said on standard output: "order CASE", "did CASE", then "on CASE" when the client's channel has said 30
 * messages more, "moved" when it has come to another connection, "gone" when a connection ended.
 * "none" ends all connections. Each lie on the connection that a channel shall move to meets another
 * one; the channel may stay for all of them. The program ends with its input. --list names the cases, and what a client must do:
 * go on with its channel ("on"), lose it ("ends"), or either ("any").
 */
#include <getopt.h>

#include "verbs.h"

enum { HELLO = 1, OPEN, ACCEPT, REJECT, CLOSE, DATA, CREDIT, MOVE, ATTACH };
#define HDR		64
#define GRANT		64
#define IS_ANSWER	1
#define UNKNOWN		0x7fffff	/* a channel nobody has */
#define PERF_CREDITS	16
#define HONEST		7		/* features: can share, will, can move */
#define NO_HELLO	-1
#define EFFECT_MS	500		/* for a lie to have its effect */

/* offsets in the header, and behind it in rsp_perf's */
enum { M_FLAGS = 1, M_CHAN = 4, M_SEQ = 8, M_GRANT = 12, M_LEN = 16, M_OWN = 20, M_ARG = 24 };
enum { P_FLAGS = HDR + 8, P_CREDITS = HDR + 16 };

/* one connection */
struct link {
	struct conn	*c;
	bool		is_bare;	/* came without a channel */
	bool		is_up;
	bool		is_raw;		/* we said so */
};

/* one of the client's channels, on whichever connection it is, or our own */
struct chan {
	u32		own, his;
	u32		tx_seq, rx_seq;
	struct link	*at;
	struct link	*held_move;	/* a MOVE that came there is not answered yet */
};
#define NR_LINKS	64
#define NR_CHANS	64

/* where a case has its turn */
enum { REQ, REQ_BARE, UP, UP_BARE, AT_HELLO, AT_OPEN, AT_MOVE, AT_ATTACH };

struct tcase {
	const char	*name;
	const char	*must;		/* on, ends, any */
	int		at;
	/* true: that was it; false: the honest answer follows */
	bool		(*act)(struct link *l, struct chan *ch, u32 a, u32 b);
	u32		a, b;
};

static struct {
	const struct tcase *order;
	bool		done;		/* it lies once */
	u64		done_ms;
	u32		nr_on;		/* messages since */
	u32		open_port;	/* 0: none */
	struct link	link[NR_LINKS];
	struct chan	chan[NR_CHANS];
	u32		nr_chan;	/* used one after the other; number 1 is chan[1] */
	struct ibv_pd	*pd;
} g;

static void say(const char *what, const char *name)
{
	printf("%s %s\n", what, name);
	fflush(stdout);
}

/* -------------------------------------------------------------- messages --- */

static void hdr(struct msg *m, u32 type, u32 chan, u32 own)
{
	memset(m->b, 0, HDR);
	m->len = HDR;
	m->b[0] = type;
	set32(m, M_CHAN, chan);
	set32(m, M_GRANT, GRANT);
	set32(m, M_OWN, own);
}

/* about a channel of ours, with its grant */
static void tell(struct link *l, const struct chan *ch, u32 type, u32 flags)
{
	static struct msg m;

	hdr(&m, type, ch->his, ch->own);
	m.b[M_FLAGS] = flags;
	set32(&m, M_GRANT, ch->rx_seq + GRANT);
	conn_send(l->c, &m);
}

/* what a peer may not say, or not now; @chan: the channel it is about */
enum {
	K_EMPTY, K_1_BYTE, K_63_BYTES, K_LEN_4, K_LEN_MAX, K_LONG, K_NO_HEADER,
	K_TYPE_0, K_TYPE_255, K_HELLO, K_HELLO_OWN_0, K_HELLO_GRANT, K_OPEN, K_OPEN_OWN_0,
	K_ACCEPT, K_ACCEPT_OWN_0, K_REJECT, K_REJECT_0, K_CLOSE, K_CLOSE_ANSWER, K_DATA, K_CREDIT,
	K_CREDIT_MAX, K_MOVE, K_MOVE_ANSWER, K_ATTACH, K_ATTACH_ANSWER,
};

static void lie(struct link *l, u32 kind, u32 chan)
{
	static const u8 types[] = {
		[K_LEN_4] = CREDIT, [K_LEN_MAX] = DATA, [K_LONG] = DATA, [K_TYPE_255] = 255,
		[K_HELLO] = HELLO, [K_HELLO_OWN_0] = HELLO, [K_HELLO_GRANT] = HELLO, [K_OPEN] = OPEN,
		[K_OPEN_OWN_0] = OPEN, [K_ACCEPT] = ACCEPT, [K_ACCEPT_OWN_0] = ACCEPT,
		[K_REJECT] = REJECT, [K_REJECT_0] = REJECT, [K_CLOSE] = CLOSE,
		[K_CLOSE_ANSWER] = CLOSE, [K_DATA] = DATA, [K_CREDIT] = CREDIT,
		[K_CREDIT_MAX] = CREDIT, [K_MOVE] = MOVE, [K_MOVE_ANSWER] = MOVE,
		[K_ATTACH] = ATTACH, [K_ATTACH_ANSWER] = ATTACH,
	};
	static struct msg m;

	hdr(&m, types[kind], chan, 23);
	switch (kind) {
	case K_EMPTY:
		m.len = 0;
		break;
	case K_1_BYTE:
		m.len = 1;
		break;
	case K_63_BYTES:
		m.len = 63;
		break;
	case K_LEN_4:
		set32(&m, M_LEN, 4);
		break;
	case K_LEN_MAX:
		set32(&m, M_LEN, 0xffffffff);
		break;
	case K_LONG:
		memset(m.b + HDR, 0, 20000);
		set32(&m, M_LEN, 20000);
		m.len += 20000;
		break;
	case K_NO_HEADER:
		memcpy(m.b, "FPSR", 4);
		m.len = 32;
		break;
	case K_HELLO_OWN_0:
	case K_OPEN_OWN_0:
	case K_ACCEPT_OWN_0:
		set32(&m, M_OWN, 0);
		break;
	case K_HELLO_GRANT:
	case K_CREDIT_MAX:
		set32(&m, M_GRANT, 0x7fffffff);
		break;
	case K_OPEN:
		set32(&m, M_ARG, 1);		/* nobody's port */
		break;
	case K_REJECT:
		set32(&m, M_ARG, ECONNREFUSED);
		break;
	case K_DATA:
		set32(&m, M_SEQ, 1);
		break;
	case K_CLOSE_ANSWER:
	case K_MOVE_ANSWER:
	case K_ATTACH_ANSWER:
		m.b[M_FLAGS] = IS_ANSWER;
		break;
	}
	conn_send(l->c, &m);
}

/* -------------------------------------------------------------- channels --- */

static struct chan *chan_new(struct link *l, u32 his)
{
	struct chan *ch;

	if (++g.nr_chan == NR_CHANS)
		g.nr_chan = 1;		/* those of old runs have gone */
	ch = &g.chan[g.nr_chan];
	*ch = (struct chan){ .own = g.nr_chan, .his = his, .at = l };
	return ch;
}

static struct chan *chan_find(u32 own)
{
	return own && own < NR_CHANS && g.chan[own].at ? &g.chan[own] : NULL;
}

/* the client's, of which the lies are; our own has no number of his before it is accepted */
static u32 chan_of_client(void)
{
	u32 i;

	for (i = NR_CHANS - 1; i; i--)
		if (g.chan[i].at && g.chan[i].rx_seq)
			return g.chan[i].his;
	return UNKNOWN;
}

/* send_lat's answer: the same, with credits */
static void answer_data(struct link *l, struct chan *ch, struct msg *m)
{
	u32 credits = htole32(PERF_CREDITS), len = get32(m, M_LEN);

	if (m->len < HDR + 32 || m->len != HDR + len)
		return;
	hdr(m, DATA, ch->his, 0);
	set32(m, M_LEN, len);
	m->len = HDR + len;
	memset(m->b + P_FLAGS, 0, 4);
	memcpy(m->b + P_CREDITS, &credits, 4);
	set32(m, M_SEQ, ++ch->tx_seq);
	set32(m, M_GRANT, ch->rx_seq + GRANT);
	conn_send(l->c, m);
}

/* a channel to rsp_perf's server at the client's end */
static void open_own(struct link *l)
{
	static const u32 hello[5] = { 0x52535046, 0, 64, 1, 0 };
	static struct msg m;
	u32 i, v;

	hdr(&m, OPEN, 0, chan_new(l, 0)->own);
	set32(&m, M_ARG, g.open_port);
	for (i = 0; i < 5; i++) {
		v = htole32(hello[i]);
		memcpy(m.b + 32 + 4 * i, &v, 4);
	}
	conn_send(l->c, &m);
}

/* ----------------------------------------------------------- connections --- */

/* answer a request; @features: of the hello, or NO_HELLO */
static void link_accept(struct link *l, int features)
{
	struct rdma_conn_param param = {
		.responder_resources = 4, .initiator_depth = 4, .rnr_retry_count = 7,
	};
	u8 pdata[56] = { 0 };
	u32 w;

	if (features != NO_HELLO) {
		w = htobe32(0x52535068);
		memcpy(pdata + 32, &w, 4);
		w = htobe32(1 << 16 | features);
		memcpy(pdata + 36, &w, 4);
		memcpy(pdata + 40, "hostile-mux-serv", 16);
		param.private_data = pdata;
		param.private_data_len = sizeof(pdata);
	}
	l->is_raw = features == NO_HELLO || !(features & 2);
	if (rdma_accept(l->c->id, &param))
		l->c->gone = true;
}

static void link_end(struct link *l)
{
	u32 i;

	for (i = 0; i < NR_CHANS; i++)
		if (g.chan[i].at == l)
			g.chan[i].at = NULL;
	for (i = 0; i < NR_CHANS; i++)
		if (g.chan[i].held_move == l)
			g.chan[i].held_move = NULL;
	conn_free(l->c);
	l->c = NULL;
	say("gone", l->is_bare ? "bare" : "main");
}

/* ----------------------------------------------------------------- cases --- */

static bool turn(int at)
{
	return g.order && !g.done && g.order->at == at;
}

/* the case's turn. Return: true if nothing more is to be answered */
static bool act(int at, struct link *l, struct chan *ch)
{
	const struct tcase *t = g.order;

	if (!turn(at))
		return false;
	g.done = true;
	g.done_ms = now_ms();
	g.nr_on = 0;
	say("did", t->name);
	return t->act(l, ch, t->a, t->b);
}

static bool honest(struct link *l, struct chan *ch, u32 a, u32 b)
{
	return false;
}

static bool silent(struct link *l, struct chan *ch, u32 a, u32 b)
{
	return true;
}

static bool reject(struct link *l, struct chan *ch, u32 a, u32 b)
{
	rdma_reject(l->c->id, NULL, 0);
	l->c->gone = true;
	return true;
}

/* features @a, and at once @b times what no client expects before it knows that it is connected */
static bool accept_with(struct link *l, struct chan *ch, u32 a, u32 b)
{
	link_accept(l, a);
	/* what comes before the client is ready is lost, and sent again when the next one is missed */
	while (b-- && !l->c->gone) {
		lie(l, K_CREDIT, UNKNOWN);
		usleep(100);
	}
	return true;
}

/* as a raw server would, who speaks first */
static bool accept_raw(struct link *l, struct chan *ch, u32 a, u32 b)
{
	link_accept(l, a);
	while (b-- && !l->c->gone)
		lie(l, K_NO_HEADER, 0);
	return true;
}

static bool accept_and_leave(struct link *l, struct chan *ch, u32 do_disconnect, u32 b)
{
	link_accept(l, HONEST);
	if (do_disconnect)
		rdma_disconnect(l->c->id);
	l->c->gone = true;
	return true;
}

static bool leave(struct link *l, struct chan *ch, u32 a, u32 b)
{
	rdma_disconnect(l->c->id);
	l->c->gone = true;
	return true;
}

/* @b: about the client's channel, else about one that nobody has; the honest answer follows */
static bool lies(struct link *l, struct chan *ch, u32 kind, u32 b)
{
	lie(l, kind, b ? chan_of_client() : UNKNOWN);
	return false;
}

/* instead of an answer, about the channel that was asked about */
static bool lies_instead(struct link *l, struct chan *ch, u32 kind, u32 b)
{
	lie(l, kind, ch->his);
	return true;
}

static bool answer_twice(struct link *l, struct chan *ch, u32 type, u32 b)
{
	tell(l, ch, type, type == MOVE || type == ATTACH ? IS_ANSWER : 0);
	tell(l, ch, type, type == MOVE || type == ATTACH ? IS_ANSWER : 0);
	return true;
}

/* an answer, then something behind it that comes too late on this connection */
static bool answer_and(struct link *l, struct chan *ch, u32 type, u32 kind)
{
	tell(l, ch, type, type == MOVE || type == ATTACH ? IS_ANSWER : 0);
	lie(l, kind, ch->his);
	return true;
}

static struct link *link_other(const struct link *l)
{
	u32 i;

	for (i = 0; i < NR_LINKS; i++)
		if (g.link[i].c && &g.link[i] != l && !g.link[i].c->gone)
			return &g.link[i];
	return NULL;
}

/* the right answer, on the wrong connection */
static bool answer_elsewhere(struct link *l, struct chan *ch, u32 type, u32 b)
{
	struct link *other = link_other(l);

	if (other)
		tell(other, ch, type, IS_ANSWER);
	return true;
}

/* the connection it comes from, or goes to, ends with the channel on its way */
static bool leave_other(struct link *l, struct chan *ch, u32 do_answer, u32 b)
{
	struct link *other = link_other(l);

	if (other) {
		rdma_disconnect(other->c->id);
		other->c->gone = true;
	}
	return !do_answer;
}

#define T(n, must, at, act, a, b)	{ n, must, at, act, a, b }
#define BOTH(n, kind)								\
	T("bare-" n, "on", UP_BARE, lies, kind, 0),				\
	T("bare-" n "-of-the-other", "on", UP_BARE, lies, kind, 1)

static const struct tcase cases[] = {
	T("honest", "moved", UP_BARE, honest, 0, 0),

	/* the connection that a channel shall move to */
	T("bare-reject", "on", REQ_BARE, reject, 0, 0),
	T("bare-never", "on", REQ_BARE, silent, 0, 0),
	T("bare-no-hello", "on", REQ_BARE, accept_with, NO_HELLO, 0),
	T("bare-no-hello-and-messages", "on", REQ_BARE, accept_raw, NO_HELLO, 8),
	T("bare-not-mux", "on", REQ_BARE, accept_with, 5, 0),
	T("bare-not-mux-and-messages", "on", REQ_BARE, accept_raw, 5, 8),
	T("bare-early", "on", REQ_BARE, accept_with, HONEST, 2),
	T("bare-early-60", "on", REQ_BARE, accept_with, HONEST, 60),
	T("bare-cannot-move", "on", REQ_BARE, accept_with, 3, 0),
	T("bare-accept-and-leave", "on", REQ_BARE, accept_and_leave, 1, 0),
	T("bare-accept-and-vanish", "on", REQ_BARE, accept_and_leave, 0, 0),
	T("bare-leave", "on", UP_BARE, leave, 0, 0),
	T("bare-empty", "on", UP_BARE, lies, K_EMPTY, 0),
	T("bare-1-byte", "on", UP_BARE, lies, K_1_BYTE, 0),
	T("bare-63-bytes", "on", UP_BARE, lies, K_63_BYTES, 0),
	T("bare-length-4", "on", UP_BARE, lies, K_LEN_4, 0),
	T("bare-length-max", "on", UP_BARE, lies, K_LEN_MAX, 0),
	T("bare-longer-than-receive", "on", UP_BARE, lies, K_LONG, 0),
	T("bare-no-header", "on", UP_BARE, lies, K_NO_HEADER, 0),
	T("bare-type-0", "on", UP_BARE, lies, K_TYPE_0, 0),
	T("bare-type-255", "on", UP_BARE, lies, K_TYPE_255, 0),
	T("bare-hello", "on", UP_BARE, lies, K_HELLO, 0),
	T("bare-open", "on", UP_BARE, lies, K_OPEN, 0),
	T("bare-open-own-0", "on", UP_BARE, lies, K_OPEN_OWN_0, 0),
	BOTH("accept", K_ACCEPT),
	BOTH("reject-channel", K_REJECT),
	BOTH("close", K_CLOSE),
	BOTH("close-answer", K_CLOSE_ANSWER),
	BOTH("data", K_DATA),
	BOTH("credit-max", K_CREDIT_MAX),
	BOTH("move", K_MOVE),
	BOTH("move-answer", K_MOVE_ANSWER),
	BOTH("attach", K_ATTACH),
	BOTH("attach-answer", K_ATTACH_ANSWER),

	/* a channel on its way */
	T("move-silent", "ends", AT_MOVE, silent, 0, 0),
	T("move-answer-twice", "any", AT_MOVE, answer_twice, MOVE, 0),
	T("move-then-data", "any", AT_MOVE, answer_and, MOVE, K_DATA),
	T("move-then-close", "any", AT_MOVE, answer_and, MOVE, K_CLOSE),
	T("move-answered-by-move", "ends", AT_MOVE, lies_instead, K_MOVE, 0),
	T("move-answered-by-attach", "ends", AT_MOVE, lies_instead, K_ATTACH_ANSWER, 0),
	T("move-answered-by-close", "ends", AT_MOVE, lies_instead, K_CLOSE, 0),
	T("move-answered-elsewhere", "ends", AT_MOVE, answer_elsewhere, MOVE, 0),
	T("move-there-leaves", "any", AT_MOVE, leave_other, 1, 0),
	T("move-here-leaves", "ends", AT_MOVE, leave, 0, 0),
	T("attach-silent", "ends", AT_ATTACH, silent, 0, 0),
	T("attach-answer-twice", "ends", AT_ATTACH, answer_twice, ATTACH, 0),
	T("attach-answered-by-data", "ends", AT_ATTACH, lies_instead, K_DATA, 0),
	T("attach-answered-by-accept", "ends", AT_ATTACH, lies_instead, K_ACCEPT, 0),
	T("attach-answered-by-close", "ends", AT_ATTACH, lies_instead, K_CLOSE, 0),
	T("attach-answered-by-move", "ends", AT_ATTACH, lies_instead, K_MOVE_ANSWER, 0),
	T("attach-answered-elsewhere", "ends", AT_ATTACH, answer_elsewhere, ATTACH, 0),
	T("attach-there-leaves", "ends", AT_ATTACH, leave, 0, 0),
	T("attach-here-leaves", "on", AT_ATTACH, leave_other, 1, 0),

	/* the first connection */
	T("reject", "ends", REQ, reject, 0, 0),
	T("never", "ends", REQ, silent, 0, 0),
	T("no-hello-and-messages", "ends", REQ, accept_raw, NO_HELLO, 8),
	T("not-mux-and-messages", "ends", REQ, accept_raw, 5, 8),
	T("early", "any", REQ, accept_with, HONEST, 2),
	T("early-60", "any", REQ, accept_with, HONEST, 60),
	T("cannot-move", "on", REQ, accept_with, 3, 0),
	T("accept-and-leave", "ends", REQ, accept_and_leave, 1, 0),
	T("accept-and-vanish", "ends", REQ, accept_and_leave, 0, 0),
	T("empty", "ends", UP, lies, K_EMPTY, 0),
	T("63-bytes", "ends", UP, lies, K_63_BYTES, 0),
	T("length-max", "ends", UP, lies, K_LEN_MAX, 0),
	T("longer-than-receive", "ends", UP, lies, K_LONG, 0),
	T("no-header", "ends", UP, lies, K_NO_HEADER, 0),
	T("type-255", "ends", UP, lies, K_TYPE_255, 0),
	T("data-unknown", "ends", UP, lies, K_DATA, 0),
	T("accept-unknown", "on", UP, lies, K_ACCEPT, 0),
	T("move-unknown", "on", UP, lies, K_MOVE, 0),
	T("attach-unknown", "on", UP, lies, K_ATTACH, 0),
	T("attach-answer-unknown", "on", UP, lies, K_ATTACH_ANSWER, 0),
	T("hello-silent", "ends", AT_HELLO, silent, 0, 0),
	T("hello-twice", "ends", AT_HELLO, answer_twice, HELLO, 0),
	T("hello-own-0", "ends", AT_HELLO, lies_instead, K_HELLO_OWN_0, 0),
	T("hello-grant-max", "ends", AT_HELLO, lies_instead, K_HELLO_GRANT, 0),
	T("hello-answered-by-accept", "ends", AT_HELLO, lies_instead, K_ACCEPT, 0),
	T("hello-answered-by-move", "ends", AT_HELLO, lies_instead, K_MOVE, 0),
	T("hello-answered-by-close", "ends", AT_HELLO, lies_instead, K_CLOSE, 0),
	T("hello-then-leave", "ends", AT_HELLO, leave, 0, 0),

	/* another channel on it */
	T("open-silent", "ends", AT_OPEN, silent, 0, 0),
	T("open-accept-twice", "ends", AT_OPEN, answer_twice, ACCEPT, 0),
	T("open-accept-own-0", "ends", AT_OPEN, lies_instead, K_ACCEPT_OWN_0, 0),
	T("open-reject", "ends", AT_OPEN, lies_instead, K_REJECT, 0),
	T("open-reject-0", "ends", AT_OPEN, lies_instead, K_REJECT_0, 0),
	T("open-accept-and-reject", "ends", AT_OPEN, answer_and, ACCEPT, K_REJECT),
	T("open-answered-by-close", "ends", AT_OPEN, lies_instead, K_CLOSE, 0),
	T("open-answered-by-data", "ends", AT_OPEN, lies_instead, K_DATA, 0),
	T("open-answered-by-move", "ends", AT_OPEN, lies_instead, K_MOVE, 0),
	T("open-then-leave", "ends", AT_OPEN, leave, 0, 0),

	/* after all that */
	T("honest-again", "moved", UP_BARE, honest, 0, 0),
};
#define NR_CASES (sizeof(cases) / sizeof(cases[0]))

/* --------------------------------------------------------- what comes in --- */

static void move_answer(struct chan *ch)
{
	struct link *l = ch->held_move;

	ch->held_move = NULL;
	tell(l, ch, MOVE, IS_ANSWER);
}

static bool lies_on_bare(void)
{
	return g.order && (g.order->at == UP_BARE || g.order->at == REQ_BARE) &&
	       g.order->act != honest;
}

/*
 * A lie on a bare connection is to hit one without a channel: what moves there waits until it has ended,
 * which it does in the end in any case. Its channel stays for the next lie
 */
static void answer_held(void)
{
	bool is_bare = false;
	u32 i;

	for (i = 0; i < NR_LINKS; i++) {
		struct link *l = &g.link[i];

		if (!l->c || !l->is_bare || !lies_on_bare())
			continue;
		is_bare = true;
		if (g.done && l->is_up && now_ms() - g.done_ms > EFFECT_MS) {
			rdma_disconnect(l->c->id);
			l->c->gone = true;
		}
	}
	for (i = 0; i < NR_CHANS && !is_bare; i++)
		if (g.chan[i].held_move)
			move_answer(&g.chan[i]);
}

static void recv_data(struct link *l, struct msg *m)
{
	struct chan *ch = chan_find(get32(m, M_CHAN));

	if (!ch)
		return;
	ch->rx_seq = get32(m, M_SEQ);
	answer_data(l, ch, m);
	if (g.done && now_ms() - g.done_ms > EFFECT_MS && ++g.nr_on == 30)
		say("on", g.order->name);
}

static void recv_one(struct link *l, struct msg *m)
{
	struct chan *ch = chan_find(get32(m, M_CHAN));
	u8 type = m->b[0];

	if (m->len < HDR)
		return;
	switch (type) {
	case HELLO:
		ch = chan_new(l, get32(m, M_OWN));
		if (act(AT_HELLO, l, ch))
			break;
		tell(l, ch, HELLO, 0);
		if (g.open_port)
			open_own(l);
		break;
	case OPEN:
		ch = chan_new(l, get32(m, M_OWN));
		if (!act(AT_OPEN, l, ch))
			tell(l, ch, ACCEPT, 0);
		break;
	case ACCEPT:
		if (ch)
			ch->his = get32(m, M_OWN);
		break;
	case CLOSE:
		if (!ch)
			break;
		if (!(m->b[M_FLAGS] & IS_ANSWER))
			tell(l, ch, CLOSE, IS_ANSWER);
		ch->at = NULL;
		break;
	case DATA:
		recv_data(l, m);
		break;
	case MOVE:
		if (!ch || act(AT_MOVE, l, ch))
			break;
		ch->held_move = l;
		if (!lies_on_bare())
			move_answer(ch);
		break;
	case ATTACH:
		if (!ch || act(AT_ATTACH, l, ch))
			break;
		if (ch->at != l)
			say("moved", g.order ? g.order->name : "");
		ch->at = l;
		tell(l, ch, ATTACH, IS_ANSWER);
		break;
	}
}

static void link_poll(struct link *l)
{
	static struct msg m;
	int at = l->is_bare ? UP_BARE : UP;

	if (!conn_event(l->c, RDMA_CM_EVENT_DISCONNECTED, 0) || l->c->rejected)
		l->c->gone = true;
	if (l->c->connected && !l->is_up) {
		l->is_up = true;
		act(at, l, NULL);
	}
	/* a few at a time: the others have their turn */
	for (u32 i = 0; i < 8 && !l->c->gone; i++) {
		if (conn_recv(l->c, &m, 0, NULL) <= 0)
			break;
		if (!l->is_raw)
			recv_one(l, &m);
	}
	if (l->c->gone)
		link_end(l);
}

static void requested(struct rdma_cm_id *id, const u8 *pdata, u32 len)
{
	struct link *l = NULL;
	u32 i, word = 0;

	for (i = 0; i < NR_LINKS && !l; i++)
		if (!g.link[i].c)
			l = &g.link[i];
	if (!l)
		bail("too many connections");
	if (pdata && len >= 56)
		memcpy(&word, pdata + 36, 4);
	*l = (struct link){ .is_bare = be32toh(word) & 8, .c = calloc(1, sizeof(*l->c)) };
	l->c->id = id;
	l->c->ec = rdma_create_event_channel();
	if (!g.pd)
		g.pd = ibv_alloc_pd(id->verbs);
	if (!l->c->ec || !g.pd || conn_setup(l->c, g.pd, 128, 16448) ||
	    rdma_migrate_id(id, l->c->ec))
		bail("cannot take a connection: %s", strerror(errno));
	/* behind a lie about moving, or without one, nothing moves */
	if (l->is_bare && (!g.order || (g.done && lies_on_bare())))
		reject(l, NULL, 0, 0);
	else if (!act(l->is_bare ? REQ_BARE : REQ, l, NULL))
		link_accept(l, HONEST);
}

/* @ec: of the listener */
static void listener_poll(struct rdma_event_channel *ec)
{
	struct rdma_cm_event *ev;
	struct rdma_cm_id *id;
	u8 pdata[256];
	u32 len;

	if (rdma_get_cm_event(ec, &ev))
		return;
	id = ev->id;
	len = ev->param.conn.private_data ? ev->param.conn.private_data_len : 0;
	if (ev->event != RDMA_CM_EVENT_CONNECT_REQUEST) {
		rdma_ack_cm_event(ev);
		return;
	}
	memcpy(pdata, ev->param.conn.private_data, len);
	rdma_ack_cm_event(ev);		/* before the id can go to another channel */
	requested(id, pdata, len);
}

static void ordered(char *line)
{
	u32 i;

	line[strcspn(line, "\n")] = 0;
	g.order = NULL;
	g.done = false;
	for (i = 0; i < NR_CASES; i++)
		if (!strcmp(cases[i].name, line))
			g.order = &cases[i];
	/* all that was said is over, and who was not answered need not wait */
	for (i = 0; i < NR_LINKS; i++)
		if (g.link[i].c && (!g.order || !g.link[i].is_up))
			link_end(&g.link[i]);
	say("order", line);
}

int main(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "port", 1, 0, 'p' }, { "open", 1, 0, 'o' }, { "list", 0, 0, 'l' }, { },
	};
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(18600) };
	struct rdma_event_channel *ec;
	struct rdma_cm_id *id;
	char line[100];
	u32 i;
	int o;

	while ((o = getopt_long(argc, argv, "p:o:l", opts, NULL)) != -1) {
		switch (o) {
		case 'p':
			any.sin6_port = htons(atoi(optarg));
			break;
		case 'o':
			g.open_port = atoi(optarg);
			break;
		case 'l':
			for (i = 0; i < NR_CASES; i++)
				printf("%s %s\n", cases[i].name, cases[i].must);
			return 0;
		default:
			fprintf(stderr, "usage: hostile_mux_server [--port PORT] [--open PORT] [--list]\n");
			return 2;
		}
	}
	setvbuf(stdin, NULL, _IONBF, 0);	/* what poll() does not see nobody reads */
	ec = rdma_create_event_channel();
	if (!ec || rdma_create_id(ec, &id, NULL, RDMA_PS_TCP) ||
	    rdma_bind_addr(id, (struct sockaddr *)&any) || rdma_listen(id, 8))
		bail("cannot listen: %s", strerror(errno));
	say("listening", "");
	for (;;) {
		struct pollfd pfd[2] = {
			{ .fd = ec->fd, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN },
		};
		int n = poll(pfd, 2, 1);

		if (n > 0 && pfd[0].revents & POLLIN)
			listener_poll(ec);
		if (n > 0 && pfd[1].revents) {
			if (!fgets(line, sizeof(line), stdin))
				return 0;
			ordered(line);
		}
		for (i = 0; i < NR_LINKS; i++)
			if (g.link[i].c)
				link_poll(&g.link[i]);
		answer_held();
	}
}
