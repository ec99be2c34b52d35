// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile publisher in the exchange of descriptors (docs/wire.md): its answers lie about regions,
 * leases and segments, are messages that only holders send, or never come; what it
 * lets be read is stale, torn, or behind a key that is none. The holder may read what is
 * good, hear an error, or wait as long as it said it would, and nothing else.
 *
 *	hostile_publisher [--port PORT] CASE	serves so until it is killed
 *	hostile_publisher --list		names, and what shall become of a reader
 *
 * It publishes to whoever asks, whatever it is asked for: 4 slots of 4096 bytes as rsp_perf makes them.
 */
#include <getopt.h>

#include "desc.h"

#define EPOCH		23
#define GRANT		7
#define ACCESS		(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE)

static struct {
	const struct pcase	*p;
	u8			*mem;
	struct ibv_mr		*mr;
} g;

/* ------------------------------------------------------------------- slots */

static u32 crc32c(u32 crc, const u8 *p, u32 len)
{
	u32 i;

	while (len--) {
		crc ^= *p++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return crc;
}

static void slot_seal(u32 slot, u32 epoch, u32 spoil)
{
	struct msg t = { .len = SLOT };
	u32 i;

	set32(&t, 0, slot);
	for (i = 4; i < SIZE; i++)
		t.b[i] = slot_byte(slot, i);
	set32(&t, T_TAG + 4, slot);
	set32(&t, T_EPOCH, epoch);
	set32(&t, T_LEN, SIZE);
	set32(&t, T_CRC, ~crc32c(crc32c(~0u, t.b, SIZE), t.b + SIZE, 16) ^ spoil);
	memcpy(g.mem + slot * SLOT, t.b, SLOT);
}

/* ------------------------------------------------------------------- cases */

struct pcase {
	const char	*name;
	const char	*must;		/* of a reader: good, fails, waits or outlasts (its lease) */
	void		(*found)(struct conn *c, struct msg *m, u32 a, u32 b);	/* instead of FOUND */
	u32		a, b;
	u32		flags;
};
#define F_REJECT	1		/* no connection */
#define F_NO_PDATA	2
#define F_BAD_MAGIC	4
#define F_STALE		8		/* slots that are not good */
#define F_TORN		16
#define F_NO_RENEW	32		/* RENEW has no answer */
#define F_STALE_RENEW	64		/* RENEW is answered with ESTALE */
#define F_DEAF		128		/* takes one message, the LOOKUP */

static void say_type(struct conn *c, u32 type, u32 grant)
{
	static struct msg m;

	memset(m.b, 0, HDR);
	m.len = HDR;
	m.b[M_TYPE] = type;
	set32(&m, M_GRANT, grant);
	conn_send(c, &m);
}

static void sends(struct conn *c, struct msg *m, u32 a, u32 b)
{
	conn_send(c, m);
}

static void silent(struct conn *c, struct msg *m, u32 a, u32 b)
{
}

static void closes(struct conn *c, struct msg *m, u32 a, u32 b)
{
	rdma_disconnect(c->id);
	c->gone = true;
}

static void dies(struct conn *c, struct msg *m, u32 a, u32 b)
{
	conn_send(c, m);
	usleep(200000);
	_exit(0);
}

/* word @off is @val */
static void word(struct conn *c, struct msg *m, u32 off, u32 val)
{
	set32(m, off, val);
	conn_send(c, m);
}

/* byte @off is @val */
static void byte(struct conn *c, struct msg *m, u32 off, u32 val)
{
	m->b[off] = val;
	conn_send(c, m);
}

/* @nr segments, as the message says, and @bytes of them behind it */
static void segments(struct conn *c, struct msg *m, u32 nr, u32 bytes)
{
	m->b[M_NR_SEG] = nr;
	memset(m->b + m->len, 0, 1024);
	m->len = HDR + bytes;
	conn_send(c, m);
}

static void length(struct conn *c, struct msg *m, u32 len, u32 b)
{
	memset(m->b + m->len, 0, 1024);
	m->len = len;
	conn_send(c, m);
}

static void twice(struct conn *c, struct msg *m, u32 a, u32 b)
{
	conn_send(c, m);
	conn_send(c, m);
}

/* a message of type @type before and behind the answer */
static void amid(struct conn *c, struct msg *m, u32 type, u32 grant)
{
	say_type(c, type, grant);
	conn_send(c, m);
	say_type(c, type, grant);
}

static void then(struct conn *c, struct msg *m, u32 type, u32 grant)
{
	conn_send(c, m);
	say_type(c, type, grant);
}

static void floods(struct conn *c, struct msg *m, u32 type, u32 nr)
{
	conn_send(c, m);
	while (nr-- && !c->gone) {
		say_type(c, type, GRANT + nr % 3);
		while (c->tx_next - c->tx_done > 48 && !c->gone)
			if (conn_poll(c) < 0)
				break;
	}
}

static const struct pcase cases[] = {
	{ "honest", "good", sends, 0, 0, 0 },
	{ "reject", "fails", sends, 0, 0, F_REJECT },
	{ "no-private-data", "fails", sends, 0, 0, F_NO_PDATA },
	{ "wrong-magic", "fails", sends, 0, 0, F_BAD_MAGIC },
	{ "silent", "fails", silent, 0, 0, 0 },
	{ "closes", "fails", closes, 0, 0, 0 },
	{ "dies", "waits", dies, 0, 0, 0 },
	{ "17-segments", "fails", segments, 17, 17 * 16, 0 },
	{ "255-segments", "fails", segments, 255, 16, 0 },
	{ "fewer-segments", "fails", segments, 2, 16, 0 },
	{ "more-segments", "fails", segments, 1, 32, 0 },
	{ "no-segment", "fails", segments, 0, 0, 0 },
	{ "segments-of-nothing", "good", segments, 16, 16 * 16, 0 },
	{ "segments-of-an-error", "fails", word, M_STATUS, ENOENT, 0 },
	{ "error-of-no-errno", "fails", word, M_STATUS, 0x80000001, 0 },
	{ "longer-than-segments", "fails", word, M_LEN + 4, NR_SLOT * SLOT + 1, 0 },
	{ "longer-than-memory", "fails", word, M_LEN, 1, 0 },
	{ "no-length", "fails", word, M_LEN + 4, 0, 0 },
	{ "no-epoch", "fails", word, M_EPOCH, 0, 0 },
	{ "no-lease", "fails", word, M_LEASE, 0, 0 },
	{ "endless-lease", "fails", word, M_LEASE, 0xffffffff, 0 },
	{ "slot-without-data", "fails", word, M_SLOT, 64, 0 },
	{ "slot-past-the-end", "fails", word, M_SLOT, NR_SLOT * SLOT + 64, 0 },
	{ "more-access", "fails", word, M_ACCESS, R | W, 0 },
	{ "no-access", "fails", word, M_ACCESS, 0, 0 },
	{ "another-request", "fails", word, M_REQ, 0x1234, 0 },
	{ "another-epoch", "waits", word, M_EPOCH, EPOCH + 1, 0 },
	{ "no-such-key", "waits", word, HDR + 12, 0x12345678, 0 },
	{ "no-such-address", "waits", word, HDR, 0x7fff0000, 0 },
	{ "answers-twice", "waits", twice, 0, 0, 0 },
	{ "deaf", "outlasts", sends, 0, 0, F_DEAF },
	{ "type-0", "fails", byte, M_TYPE, 0, 0 },
	{ "type-LOOKUP", "fails", byte, M_TYPE, LOOKUP, 0 },
	{ "type-RENEW", "fails", byte, M_TYPE, RENEW, 0 },
	{ "type-DROP", "fails", byte, M_TYPE, DROP, 0 },
	{ "type-255", "fails", byte, M_TYPE, 255, 0 },
	{ "empty", "fails", length, 0, 0, 0 },
	{ "short", "fails", length, 63, 0, 0 },
	{ "long", "fails", length, 1000, 0, 0 },
	{ "renewed-unasked", "good", amid, RENEWED, GRANT, 0 },
	{ "revokes-another", "good", amid, REVOKE, GRANT + 1, 0 },
	{ "revokes-at-once", "waits", then, REVOKE, GRANT, 0 },
	{ "renewed-without-end", "good", floods, RENEWED, 1000, 0 },
	{ "revokes-without-end", "waits", floods, REVOKE, 1000, 0 },
	{ "never-renews", "outlasts", sends, 0, 0, F_NO_RENEW },
	{ "renews-nothing", "outlasts", sends, 0, 0, F_STALE_RENEW },
	{ "stale-slots", "waits", sends, 0, 0, F_STALE },
	{ "torn-slots", "waits", sends, 0, 0, F_TORN },
};
#define NR_CASES	(sizeof(cases) / sizeof(cases[0]))

/* -------------------------------------------------------------- connection */

static void answer(struct conn *c, const struct msg *m)
{
	static struct msg out;

	memset(out.b, 0, HDR + 16);
	out.len = HDR + 16;
	out.b[M_TYPE] = FOUND;
	out.b[M_NR_SEG] = 1;
	set32(&out, M_REQ, get32(m, M_REQ));
	set32(&out, M_GRANT, GRANT);
	set32(&out, M_ACCESS, get32(m, M_ACCESS));
	set32(&out, M_EPOCH, EPOCH);
	set32(&out, M_SLOT, SLOT);
	set32(&out, M_LEASE, 4000);
	set32(&out, M_LEN + 4, NR_SLOT * SLOT);
	set32(&out, HDR, (u64)(uintptr_t)g.mem >> 32);
	set32(&out, HDR + 4, (uintptr_t)g.mem);
	set32(&out, HDR + 8, NR_SLOT * SLOT);
	set32(&out, HDR + 12, g.mr->rkey);
	g.p->found(c, &out, g.p->a, g.p->b);
}

static void serve(struct conn *c)
{
	static struct msg m;
	int n;

	while ((n = conn_recv(c, &m, 100, NULL)) >= 0) {
		if (!n)
			continue;
		if (m.b[M_TYPE] == LOOKUP) {
			answer(c, &m);
		} else if (m.b[M_TYPE] == RENEW && !(g.p->flags & F_NO_RENEW)) {
			m.b[M_TYPE] = RENEWED;
			set32(&m, M_STATUS, g.p->flags & F_STALE_RENEW ? ESTALE : 0);
			conn_send(c, &m);
		}
	}
}

/* Return: the connection, set up and accepted; or NULL */
static struct conn *accept_one(struct rdma_cm_id *id, struct ibv_pd *pd)
{
	u32 pdata[2] = { htobe32(DESC_MAGIC), htobe32(1) };
	struct rdma_conn_param param = {
		.private_data = pdata, .private_data_len = sizeof(pdata),
		.responder_resources = 16, .initiator_depth = 16, .rnr_retry_count = 7,
	};
	struct conn *c = conn_new();

	rdma_destroy_id(c->id);
	c->id = id;
	if (g.p->flags & F_BAD_MAGIC)
		pdata[0]++;
	if (g.p->flags & F_NO_PDATA)
		param.private_data_len = 0;
	if (rdma_migrate_id(id, c->ec) || conn_setup(c, pd, g.p->flags & F_DEAF ? 1 : 64, 512) ||
	    rdma_accept(id, &param)) {
		conn_free(c);
		return NULL;
	}
	c->deaf = g.p->flags & F_DEAF;
	return c;
}

static void listen_on(u16 port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct rdma_event_channel *ec = rdma_create_event_channel();
	struct rdma_cm_event *ev;
	struct rdma_cm_id *id;
	struct ibv_pd *pd = NULL;
	struct conn *c;
	u32 i;

	if (!ec || rdma_create_id(ec, &id, NULL, RDMA_PS_TCP) ||
	    rdma_bind_addr(id, (struct sockaddr *)&any) || rdma_listen(id, 8))
		bail("cannot listen: %s", strerror(errno));
	printf("listening\n");
	fflush(stdout);
	while (!rdma_get_cm_event(ec, &ev)) {
		id = ev->id;
		if (ev->event != RDMA_CM_EVENT_CONNECT_REQUEST) {
			rdma_ack_cm_event(ev);
			continue;
		}
		rdma_ack_cm_event(ev);
		if (g.p->flags & F_REJECT) {
			rdma_reject(id, NULL, 0);
			rdma_destroy_id(id);
			continue;
		}
		if (!pd) {
			pd = ibv_alloc_pd(id->verbs);
			g.mr = ibv_reg_mr(pd, g.mem, NR_SLOT * SLOT, ACCESS);
			if (!g.mr)
				bail("cannot register memory");
			for (i = 0; i < NR_SLOT; i++)
				slot_seal(i, g.p->flags & F_STALE ? 0 : EPOCH,
					  g.p->flags & F_TORN ? 1 : 0);
		}
		c = accept_one(id, pd);
		if (c)
			serve(c);
		conn_free(c);
	}
}

int main(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "port", 1, 0, 'p' }, { "list", 0, 0, 'l' }, { },
	};
	u16 port = 20051;
	u32 i;
	int o;

	while ((o = getopt_long(argc, argv, "p:l", opts, NULL)) != -1) {
		switch (o) {
		case 'p':
			port = atoi(optarg);
			break;
		case 'l':
			for (i = 0; i < NR_CASES; i++)
				printf("%s %s\n", cases[i].name, cases[i].must);
			return 0;
		default:
			optind = argc;
		}
	}
	for (i = 0; optind == argc - 1 && i < NR_CASES; i++)
		if (!strcmp(cases[i].name, argv[optind]))
			g.p = &cases[i];
	if (!g.p) {
		fprintf(stderr, "usage: hostile_publisher [--port PORT] CASE | --list\n");
		return 2;
	}
	g.mem = aligned_alloc(4096, 32768);
	listen_on(port);
	return 1;
}
