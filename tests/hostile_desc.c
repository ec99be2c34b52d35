// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile holder in the exchange of descriptors (docs/wire.md): it reads and writes where it may
 * not, with keys of others, with keys it gave back or did not give back, sends messages that make
 * no sense, and too many that do. A live grant must give what it says; anything past it must be
 * the end of this host's connection, and of nothing else.
 *
 *	hostile_desc [OPTIONS] PUBLISHER
 *	hostile_desc --fuzz SEED [OPTIONS] PUBLISHER
 *
 * It publishes itself what it looks up, through debugfs of rsp_perf on this host: key 1 to be read,
 * key 2 to be written too, key 3 for each case that has it revoked. Behind each case a lookup on the
 * same connection must be answered, or the connection must have ended, as the case says.
 */
#include <sys/wait.h>
#include "hostile.h"
#include "desc.h"

/* What can come of it, bits */
enum {
	O_GOOD	= 1,	/* what was tried worked, with the right data */
	O_ERROR	= 2,	/* a transfer was refused by the publisher's device */
	O_GONE	= 4,	/* the connection ended */
	O_NOENT	= 8,	/* a lookup was answered with these */
	O_ACCES	= 16,
	O_DQUOT	= 32,
	O_STALE	= 64,	/* a RENEW */
	O_REVOKE = 128,	/* we were asked to give it back */
	O_SAFE	= 256,	/* the publisher has its memory back */
	O_REFUSED = 512,	/* no connection */
	O_ANSWER = 1024,	/* the lookup behind the case was answered */
	O_BAD	= 2048,	/* wrong data, or a message that is itself malformed; never allowed */
	O_STUCK	= 4096,	/* no answer; never allowed */
};
#define NR_OUTCOMES	13

#define LEASE_MS	4000
#define PUBLISH		"/sys/kernel/debug/rsp_perf/publish"

struct grant {
	u32	id;
	u32	status;
	u32	epoch;
	u32	nr_seg;
	u64	len;
	struct seg seg;		/* the first */
};

static u32 next_req;

/* --------------------------------------------------------------- publisher */

static bool publish(const char *words)
{
	FILE *f = fopen(PUBLISH, "w");
	bool ok = f && fputs(words, f) >= 0;

	if (f && fclose(f))
		ok = false;
	return ok;
}

/* Revoke key 3 in another process. Return: its pid */
static pid_t revoke_begin(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(publish("key=3 off") ? 0 : 1);
	return pid;
}

static u32 revoke_end(pid_t pid)
{
	u64 end = now_ms() + h.wait_ms + 2 * LEASE_MS;
	int status;

	while (now_ms() < end) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) && !WEXITSTATUS(status) ? O_SAFE : O_BAD;
		usleep(20000);
	}
	return O_STUCK;
}

/* ---------------------------------------------------------------- messages */

static void hdr(struct msg *m, u32 type)
{
	memset(m->b, 0, HDR);
	m->len = HDR;
	m->b[M_TYPE] = type;
}

static void lookup(struct msg *m, const char *svc, u32 key, u32 access)
{
	hdr(m, LOOKUP);
	set32(m, M_REQ, ++next_req);
	set32(m, M_KEY + 4, key);
	set32(m, M_ACCESS, access);
	strncpy((char *)m->b + M_SVC, svc, 16);
}

static struct conn *open_with(u32 magic, u32 version, u32 len, u32 nr_rx)
{
	u32 pdata[2] = { htobe32(magic), htobe32(version) };

	return conn_open((struct sockaddr *)&h.addr, h.pd, pdata, len, nr_rx, 512, NULL);
}

static struct conn *open_desc(void)
{
	return open_with(DESC_MAGIC, 1, 8, 64);
}

/* Return: a message of @type, its length; or 0 for none, -1 when the connection ended */
static int await(struct conn *c, struct msg *m, u32 type, u32 *seen)
{
	u64 end = now_ms() + h.wait_ms;
	int n;

	while ((n = conn_recv(c, m, end > now_ms() ? end - now_ms() : 0, NULL)) > 0) {
		if (h.verbose)
			printf("#   < type %u req %u grant %u status %u\n", m->b[0], get32(m, M_REQ),
			       get32(m, M_GRANT), get32(m, M_STATUS));
		if (n < HDR || (u32)n != HDR + 16u * m->b[M_NR_SEG])
			*seen |= O_BAD;
		if (m->b[M_TYPE] == type)
			return n;
		if (m->b[M_TYPE] == REVOKE)
			*seen |= O_REVOKE;
	}
	return n;
}

/* ask as @m says. Return: outcomes; 0 when @g is granted */
static u32 ask(struct conn *c, struct msg *m, struct grant *g)
{
	u32 seen = 0, i;
	u64 sum = 0;
	int n;

	memset(g, 0, sizeof(*g));
	conn_send(c, m);
	n = await(c, m, FOUND, &seen);
	if (n <= 0)
		return seen | (n ? O_GONE : O_STUCK);
	g->status = get32(m, M_STATUS);
	g->id = get32(m, M_GRANT);
	g->epoch = get32(m, M_EPOCH);
	g->nr_seg = m->b[M_NR_SEG];
	g->len = (u64)get32(m, M_LEN) << 32 | get32(m, M_LEN + 4);
	g->seg.addr = (u64)get32(m, HDR) << 32 | get32(m, HDR + 4);
	g->seg.len = get32(m, HDR + 8);
	g->seg.handle = get32(m, HDR + 12);
	for (i = 0; i < g->nr_seg; i++)
		sum += get32(m, HDR + 16 * i + 8);
	if (get32(m, M_REQ) != next_req || !g->status != !!g->nr_seg || (!g->status && sum != g->len))
		seen |= O_BAD;
	return seen | (g->status == ENOENT ? O_NOENT : g->status == EACCES ? O_ACCES :
		       g->status == EDQUOT ? O_DQUOT : g->status ? O_BAD : 0);
}

static u32 get(struct conn *c, u32 key, u32 access, struct grant *g)
{
	static struct msg m;

	lookup(&m, "perf-server", key, access);
	return ask(c, &m, g);
}

static void drop(struct conn *c, u32 grant)
{
	static struct msg m;

	hdr(&m, DROP);
	set32(&m, M_GRANT, grant);
	conn_send(c, &m);
}

static u32 renew(struct conn *c, u32 grant)
{
	static struct msg m;
	u32 seen = 0;
	int n;

	hdr(&m, RENEW);
	set32(&m, M_GRANT, grant);
	conn_send(c, &m);
	n = await(c, &m, RENEWED, &seen);
	if (n <= 0)
		return seen | (n ? O_GONE : O_STUCK);
	return seen | (get32(&m, M_STATUS) == ESTALE ? O_STALE : get32(&m, M_STATUS) ? O_BAD : 0);
}

/* a lookup that is answered */
static u32 barrier(struct conn *c)
{
	struct grant g;
	u32 seen = get(c, 1, R, &g);

	if (!seen)
		drop(c, g.id);
	return seen & (O_GONE | O_STUCK | O_BAD) ?: O_ANSWER;
}

/* --------------------------------------------------------------- transfers */

/* Return: 0 or O_REVOKE when it was done, else O_ERROR | O_GONE */
static u32 rdma(struct conn *c, enum ibv_wr_opcode op, const struct grant *g, u64 off, u32 len)
{
	struct seg s = { .handle = g->seg.handle, .addr = g->seg.addr + off };
	static struct msg m;
	u32 seen = 0;
	int left = 1, n;

	if (c->gone || conn_rdma(c, op, h.mem, h.mr->lkey, s, len))
		return O_GONE;
	while ((n = conn_recv(c, &m, h.wait_ms, &left)) > 0)
		if (m.b[M_TYPE] == REVOKE)
			seen |= O_REVOKE;
	return seen | (n < 0 ? O_ERROR | O_GONE : left ? O_STUCK : 0);
}

/* slot @slot and its trailer; the data is as rsp_perf makes it */
static u32 read_slot(struct conn *c, const struct grant *g, u32 slot)
{
	struct msg t = { .len = SLOT };
	u32 seen, seed, i;

	guard_set();
	seen = rdma(c, IBV_WR_RDMA_READ, g, (u64)slot * SLOT, SLOT);
	if (seen & ~O_REVOKE)
		return seen | (guard_ok(0, 0) ? 0 : O_BAD);
	memcpy(t.b, h.mem, SLOT);
	seed = get32(&t, 0);
	if (get32(&t, T_TAG + 4) != slot || get32(&t, T_EPOCH) != g->epoch)
		return seen | O_BAD;
	for (i = 4; i < SIZE; i++)
		if (t.b[i] != slot_byte(seed, i))
			return seen | O_BAD;
	return seen | O_GOOD;
}

/* ------------------------------------------------------------------- cases */

struct tcase {
	const char	*name;
	u32		allow;
	u32		must;
	u32		(*run)(struct conn *c, u32 a, u32 b);
	u32		a, b;
	u32		flags;
};
#define F_KEY3		1	/* it is published before, and off behind */
#define F_NO_CONN	2	/* the case connects itself */
#define F_DEAF		4	/* one receive, for the answer to the first lookup, and no more */

static u32 reads(struct conn *c, u32 a, u32 b)
{
	struct grant g;
	u32 seen = get(c, 1, R, &g), i;

	for (i = 0; i < NR_SLOT && !(seen & ~O_GOOD); i++)
		seen |= read_slot(c, &g, i);
	drop(c, g.id);
	return seen;
}

/* what is written is read back */
static u32 writes(struct conn *c, u32 a, u32 b)
{
	struct grant g;
	u32 seen = get(c, 2, R | W, &g);

	if (seen)
		return seen;
	pattern(h.mem, SIZE, 23);
	seen = rdma(c, IBV_WR_RDMA_WRITE, &g, SLOT, SIZE);
	guard_set();
	seen |= rdma(c, IBV_WR_RDMA_READ, &g, SLOT, SIZE);
	if (!seen) {
		static u8 want[SIZE];

		pattern(want, SIZE, 23);
		seen |= memcmp(want, h.mem, SIZE) ? O_BAD : O_GOOD;
	}
	drop(c, g.id);
	return seen;
}

/* a read of a slot's length at @off of what key 1 is, counted from its end if that is negative */
static u32 reads_at(struct conn *c, u32 off, u32 b)
{
	struct grant g;
	u32 seen = get(c, 1, R, &g);

	if (seen)
		return seen;
	guard_set();
	seen = rdma(c, IBV_WR_RDMA_READ, &g, (int32_t)off < 0 ? (u64)(int32_t)off : g.len - off, SLOT);
	return seen | (guard_ok(0, 0) ? 0 : O_BAD);
}

/* a transfer that access @b of key @a does not have */
static u32 oversteps(struct conn *c, u32 key, u32 access)
{
	struct grant g;
	u32 seen = get(c, key, access, &g);

	if (seen)
		return seen;
	guard_set();
	seen = rdma(c, access & R ? IBV_WR_RDMA_WRITE : IBV_WR_RDMA_READ, &g, 0, 64);
	return seen | (guard_ok(0, 0) ? 0 : O_BAD);
}

/* another one of ours has the grant: ours cannot use its key, and it still can */
static u32 others_key(struct conn *c, u32 op, u32 b)
{
	struct conn *other = open_desc();
	struct grant g;
	u32 seen;

	if (!other)
		return O_STUCK;
	seen = get(other, 2, R | W, &g);
	if (!seen) {
		guard_set();
		seen = rdma(c, op, &g, 0, SLOT) | (guard_ok(0, 0) ? 0 : O_BAD);
		seen |= rdma(other, IBV_WR_RDMA_READ, &g, 0, SLOT) ? O_BAD : O_GOOD;
	}
	conn_free(other);
	return seen;
}

static u32 after_drop(struct conn *c, u32 a, u32 b)
{
	struct grant g;
	u32 seen = get(c, 1, R, &g);

	if (seen)
		return seen;
	drop(c, g.id);
	if (barrier(c) != O_ANSWER)
		return O_BAD;
	return read_slot(c, &g, 0);
}

/* the lease, and a second more for the tick, and as much again where time is slow */
static u32 outlives(struct conn *c, u32 renews, u32 b)
{
	u64 end = now_ms() + LEASE_MS + 4000;
	struct grant g;
	u32 seen = get(c, 1, R, &g);

	while (!seen && now_ms() < end) {
		usleep(500000);
		if (renews)
			seen |= renew(c, g.id);
	}
	return seen ?: read_slot(c, &g, 0);
}

/* @drops: we give it back; @renews: and try to keep it before */
static u32 revoked(struct conn *c, u32 drops, u32 renews)
{
	static struct msg m;
	struct grant g;
	u32 seen = get(c, 3, R, &g);
	pid_t pid;
	int n;

	if (seen)
		return seen;
	seen = read_slot(c, &g, 1) & ~O_GOOD;
	pid = revoke_begin();
	n = await(c, &m, REVOKE, &seen);
	seen |= n > 0 && get32(&m, M_GRANT) == g.id ? O_REVOKE : O_STUCK;
	if (renews)
		seen |= renew(c, g.id);
	if (drops)
		drop(c, g.id);
	/* the lease may not be over yet: it is still what was granted */
	else
		seen |= read_slot(c, &g, 2) & ~O_GOOD;
	seen |= revoke_end(pid);
	return seen | (read_slot(c, &g, 0) & O_GOOD ? O_BAD : O_ERROR);
}

/* it hears nothing of the revocation, and what would end its grant waits behind that */
static u32 revoked_deaf(struct conn *c, u32 a, u32 b)
{
	struct grant g;
	u32 seen = get(c, 3, R, &g);

	return seen ?: revoke_end(revoke_begin());
}

static u32 dies_with_it(struct conn *c, u32 a, u32 b)
{
	struct conn *other = open_desc();
	struct grant g;
	pid_t pid;
	u32 seen;

	if (!other)
		return O_STUCK;
	seen = get(other, 3, R, &g);
	pid = revoke_begin();
	conn_free(other);
	return seen | revoke_end(pid);
}

static u32 looks_up(struct conn *c, u32 key, u32 access)
{
	struct grant g;
	u32 seen = get(c, key, access, &g);

	if (!seen)
		drop(c, g.id);
	return seen ?: O_BAD;
}

static u32 unknown_service(struct conn *c, u32 a, u32 b)
{
	static struct msg m;
	struct grant g;

	lookup(&m, a ? "" : "perf-serve", 1, R);
	return ask(c, &m, &g) ?: O_BAD;
}

static u32 endless_name(struct conn *c, u32 a, u32 b)
{
	static struct msg m;

	lookup(&m, "", 1, R);
	memset(m.b + M_SVC, 'x', 16);
	conn_send(c, &m);
	return 0;
}

static u32 of_type(struct conn *c, u32 type, u32 b)
{
	static struct msg m;

	lookup(&m, "perf-server", 1, R);
	m.b[M_TYPE] = type;
	conn_send(c, &m);
	return 0;
}

static u32 of_length(struct conn *c, u32 len, u32 b)
{
	static struct msg m;

	lookup(&m, "perf-server", 1, R);
	memset(m.b + m.len, 0, 4096);
	m.len = len;
	conn_send(c, &m);
	return 0;
}

/* numbers of grants that are not ours */
static u32 of_others(struct conn *c, u32 type, u32 is_real)
{
	struct conn *other = open_desc();
	struct grant g;
	u32 seen;

	if (!other)
		return O_STUCK;
	seen = get(other, 1, R, &g);
	if (!seen) {
		u32 id = is_real ? g.id : g.id + 1000;

		if (type == DROP)
			drop(c, id);
		else
			seen = renew(c, id);
		seen |= barrier(c) & ~O_ANSWER;
		seen |= read_slot(other, &g, 3);
	}
	conn_free(other);
	return seen;
}

static u32 too_many_grants(struct conn *c, u32 a, u32 b)
{
	u32 ids[256], i, seen = 0;
	struct grant g;

	for (i = 0; i < 256 && !seen; i++) {
		seen = get(c, 1, R, &g);
		ids[i] = g.id;
	}
	if (!seen)
		seen = get(c, 1, R, &g);
	while (i--)
		drop(c, ids[i]);
	return seen;
}

/* lookups whose answers we do not take: more than the publisher keeps */
static u32 floods(struct conn *c, u32 type, u32 b)
{
	static struct msg m;
	u32 i;

	for (i = 0; i < 1000 && !c->gone; i++) {
		lookup(&m, "perf-server", 1, R);
		m.b[M_TYPE] = type;
		conn_send(c, &m);
		/* the send queue is ours to fill: completions only */
		while (c->tx_next - c->tx_done > 48 && !c->gone)
			if (conn_poll(c) < 0)
				break;
	}
	return 0;
}

static u32 too_many_conns(struct conn *none, u32 a, u32 b)
{
	struct conn *c[9];
	u32 i, seen = 0;

	for (i = 0; i < 9; i++) {
		c[i] = open_desc();
		if (!c[i])
			seen |= i >= 7 ? O_REFUSED : O_BAD;	/* another reader may have one */
	}
	if (c[0])
		seen |= barrier(c[0]);
	for (i = 0; i < 9; i++)
		conn_free(c[i]);
	return seen;
}

static u32 greets_with(struct conn *none, u32 magic, u32 version)
{
	struct conn *c = open_with(magic, version, magic ? 8 : 0, 8);

	if (!c)
		return O_REFUSED;
	conn_free(c);
	return O_BAD;
}

static const struct tcase cases[] = {
	{ "read", O_GOOD, O_GOOD | O_ANSWER, reads, 0, 0, 0 },
	{ "write", O_GOOD, O_GOOD | O_ANSWER, writes, 0, 0, 0 },
	{ "read-past-the-end", O_ERROR, O_GONE, reads_at, 64, 0, 0 },
	{ "read-far-past-the-end", O_ERROR, O_GONE, reads_at, 0, 0, 0 },
	{ "read-before-the-beginning", O_ERROR, O_GONE, reads_at, -4096, 0, 0 },
	{ "write-what-is-read-only", O_ERROR, O_GONE, oversteps, 1, R, 0 },
	{ "write-with-a-grant-to-read", O_ERROR, O_GONE, oversteps, 2, R, 0 },
	{ "read-with-a-grant-to-write", O_ERROR, O_GONE, oversteps, 2, W, 0 },
	{ "read-with-anothers-key", O_ERROR | O_GOOD, O_GONE | O_GOOD,
	  others_key, IBV_WR_RDMA_READ, 0, 0 },
	{ "write-with-anothers-key", O_ERROR | O_GOOD, O_GONE | O_GOOD,
	  others_key, IBV_WR_RDMA_WRITE, 0, 0 },
	{ "read-after-drop", O_ERROR, O_GONE, after_drop, 0, 0, 0 },
	{ "read-after-the-lease", O_ERROR, O_GONE, outlives, 0, 0, 0 },
	{ "renewed", O_GOOD, O_GOOD | O_ANSWER, outlives, 1, 0, 0 },
	{ "revoked-given-back", O_ERROR | O_REVOKE, O_SAFE | O_GONE, revoked, 1, 0, F_KEY3 },
	{ "revoked-kept", O_ERROR | O_REVOKE, O_SAFE | O_GONE, revoked, 0, 0, F_KEY3 },
	{ "revoked-renewed", O_ERROR | O_REVOKE | O_STALE, O_SAFE | O_GONE | O_STALE,
	  revoked, 0, 1, F_KEY3 },
	{ "revoked-deaf", O_ERROR, O_SAFE | O_GONE, revoked_deaf, 0, 0, F_KEY3 | F_DEAF },
	{ "revoked-while-leaving", 0, O_SAFE | O_ANSWER, dies_with_it, 0, 0, F_KEY3 },
	{ "unknown-key", 0, O_NOENT | O_ANSWER, looks_up, 99, R, 0 },
	{ "unknown-service", 0, O_NOENT | O_ANSWER, unknown_service, 0, 0, 0 },
	{ "no-service", 0, O_NOENT | O_ANSWER, unknown_service, 1, 0, 0 },
	{ "no-access", 0, O_ACCES | O_ANSWER, looks_up, 1, 0, 0 },
	{ "access-to-write", 0, O_ACCES | O_ANSWER, looks_up, 1, R | W, 0 },
	{ "unknown-access", 0, O_ACCES | O_ANSWER, looks_up, 1, R | 4, 0 },
	{ "endless-name", 0, O_GONE, endless_name, 0, 0, 0 },
	{ "type-0", 0, O_GONE, of_type, 0, 0, 0 },
	{ "type-FOUND", 0, O_GONE, of_type, FOUND, 0, 0 },
	{ "type-RENEWED", 0, O_GONE, of_type, RENEWED, 0, 0 },
	{ "type-REVOKE", 0, O_GONE, of_type, REVOKE, 0, 0 },
	{ "type-7", 0, O_GONE, of_type, 7, 0, 0 },
	{ "type-255", 0, O_GONE, of_type, 255, 0, 0 },
	{ "empty", 0, O_GONE, of_length, 0, 0, 0 },
	{ "short", 0, O_GONE, of_length, 63, 0, 0 },
	{ "long", 0, O_GONE, of_length, 65, 0, 0 },
	{ "with-segments", 0, O_GONE, of_length, 320, 0, 0 },
	{ "longer-than-a-receive", O_ERROR, O_GONE, of_length, 4096, 0, 0 },
	{ "drop-nothing", O_GOOD, O_GOOD | O_ANSWER, of_others, DROP, 0, 0 },
	{ "drop-anothers", O_GOOD, O_GOOD | O_ANSWER, of_others, DROP, 1, 0 },
	{ "renew-nothing", O_GOOD, O_STALE | O_GOOD | O_ANSWER, of_others, RENEW, 0, 0 },
	{ "renew-anothers", O_GOOD, O_STALE | O_GOOD | O_ANSWER, of_others, RENEW, 1, 0 },
	{ "257-grants", 0, O_DQUOT | O_ANSWER, too_many_grants, 0, 0, 0 },
	{ "flood-of-lookups", O_ERROR, O_GONE, floods, LOOKUP, 0, 0 },
	{ "flood-of-renewals", O_ERROR, O_GONE, floods, RENEW, 0, 0 },
	{ "flood-of-lookups-deaf", O_ERROR, O_GONE, floods, LOOKUP, 0, F_DEAF },
	{ "flood-of-renewals-deaf", O_ERROR, O_GONE, floods, RENEW, 0, F_DEAF },
	{ "nine-connections", 0, O_REFUSED | O_ANSWER, too_many_conns, 0, 0, F_NO_CONN },
	{ "wrong-magic", 0, O_REFUSED, greets_with, 0x52535065, 1, F_NO_CONN },
	{ "version-2", 0, O_REFUSED, greets_with, DESC_MAGIC, 2, F_NO_CONN },
	{ "no-private-data", 0, O_REFUSED, greets_with, 0, 0, F_NO_CONN },
};
#define NR_CASES	(sizeof(cases) / sizeof(cases[0]))

static void run_case(u32 i)
{
	const struct tcase *t = &cases[i];
	struct conn *c = NULL;
	u32 seen = 0;

	note_case(t->name);
	if (t->flags & F_KEY3 && !publish("key=3 size=4096 slots=4 lease_ms=4000"))
		bail("%s: cannot publish", t->name);
	if (!(t->flags & F_NO_CONN)) {
		c = open_with(DESC_MAGIC, 1, 8, t->flags & F_DEAF ? 1 : 64);
		if (c)
			c->deaf = t->flags & F_DEAF;
		if (!c) {
			result(false, t->name, "no connection");
			return;
		}
	}
	seen = t->run(c, t->a, t->b);
	if (c && !c->gone)
		seen |= barrier(c);
	else if (c)
		seen |= O_GONE;
	conn_free(c);
	result(!(seen & ~(t->allow | t->must)) && (seen & t->must) == t->must, t->name,
	       outcome_name(seen));
}

/* -------------------------------------------------------------------- fuzz */

static void fuzz_msg(struct msg *m, u32 grant)
{
	u32 n = rnd(4);

	lookup(m, rnd(8) ? "perf-server" : "desc-server", rnd(4), 1 + rnd(3));
	if (rnd(2)) {
		m->b[M_TYPE] = rnd(2) ? RENEW : DROP;
		set32(m, M_GRANT, rnd(2) ? grant : rnd(100));
	}
	while (n--) {
		u32 off = rnd(HDR);

		if (rnd(2))
			m->b[off] ^= 1 << rnd(8);
		else
			m->b[off] = rnd(256);
	}
	if (!rnd(16))
		m->len = rnd(400);
}

static void fuzz(u64 seed, u32 count)
{
	u32 stat[NR_OUTCOMES] = { 0 }, i, grant = 0, seen;
	static struct msg m, in;
	struct conn *c = NULL;

	rnd_seed(seed);
	for (i = 0; i < count; i++) {
		if (!c || c->gone) {
			conn_free(c);
			c = open_desc();
			if (!c || barrier(c) != O_ANSWER) {
				printf("# no lookup answered after message %u\n", i);
				break;
			}
		}
		fuzz_msg(&m, grant);
		conn_send(c, &m);
		seen = 0;
		while (conn_recv(c, &in, rnd(4) ? 0 : 20, NULL) > 0) {
			if (in.len < HDR || in.len != HDR + 16u * in.b[M_NR_SEG])
				seen |= O_BAD;
			else if (in.b[M_TYPE] == FOUND && !get32(&in, M_STATUS))
				grant = get32(&in, M_GRANT);
			seen |= O_ANSWER;
		}
		seen |= c->gone ? O_GONE : 0;
		outcomes_add(stat, seen);
		if (seen & O_BAD)
			break;
	}
	conn_free(c);
	printf("# %u messages:", i);
	outcomes_print(stat);
	result(i == count, "fuzz", i == count ? "each message answered, ignored or the end of its connection" :
	       "the publisher stopped answering, or said nonsense");
	c = open_desc();
	result(c && reads(c, 0, 0) == O_GOOD, "read-after-fuzz", "what is published, on a new connection");
	conn_free(c);
}

/* -------------------------------------------------------------------- main */

static void prepare(void)
{
	publish("key=1 off");
	publish("key=2 off");
	if (!publish("key=1 size=4096 slots=4 lease_ms=4000") ||
	    !publish("key=2 size=4096 slots=4 lease_ms=4000 write=1"))
		bail("cannot publish: is rsp_perf loaded?");
}

static const char *case_name(u32 i)
{
	return cases[i].name;
}

int main(int argc, char **argv)
{
	static const char * const outcomes[NR_OUTCOMES] = {
		"good", "error", "disconnect", "ENOENT", "EACCES", "EDQUOT", "ESTALE", "REVOKE", "safe",
		"refused", "answer", "BAD", "STUCK",
	};
	static const struct hostile_prog prog = {
		.name		= "hostile_desc",
		.peer		= "PUBLISHER",
		.port		= "20050",
		.mem_bytes	= 8192,
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
