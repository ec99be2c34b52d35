// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile NFS/RDMA client: sends what no client should send, and checks that
 * the server answers as RFC 8166 lets it, or drops the message, or closes the
 * connection; that it touches no memory it was not offered; and that it still
 * serves everybody else.
 *
 *	hostile [OPTIONS] SERVER
 *	hostile --fuzz SEED COUNT [OPTIONS] SERVER
 *
 * Each case runs on a connection of its own: a NULL call must be answered, then
 * the case sends its message, then a second NULL call follows as a barrier. It
 * must be answered or the connection must end: a server that does neither has
 * lost a receive, a thread or its mind. The NULL call that opens the next
 * case's connection shows that the server lives. Output is TAP, and behind
 * each name stands what came back.
 *
 * Part of the cases uses the file "hostile" in the root of the NFSv4 export,
 * which must exist and be writable for uid 0; its content is overwritten.
 */
#include "hostile.h"
#include "rpcrdma.h"

/* What can come back, bits */
enum {
	O_REPLY	= 1,	/* an RPC reply, the call was executed */
	O_RPCERR = 2,	/* an RPC reply that refuses the call */
	O_VERS	= 4,	/* RDMA_ERROR, ERR_VERS */
	O_CHUNK	= 8,	/* RDMA_ERROR, ERR_CHUNK */
	O_GONE	= 16,	/* the connection ended */
	O_QUIET	= 32,	/* nothing, and the connection goes on */
	O_BAD	= 64,	/* an answer that is itself malformed; never allowed */
	O_STUCK	= 128,	/* nothing, not even to the barrier; never allowed */
	O_SPILL	= 256,	/* memory changed that was not offered; never allowed */
	O_WRONG	= 512,	/* right form, wrong content; never allowed */
};
#define NR_OUTCOMES	10
/* what a receiver may do with a message it cannot parse */
#define MALFORMED	(O_CHUNK | O_GONE | O_QUIET)
/* a message that parses and makes no sense above the transport header */
#define NONSENSE	(MALFORMED | O_RPCERR)
#define LENIENT		(NONSENSE | O_REPLY)

#define MEM_SIZE	(8 << 20)

static struct {
	struct ibv_mr	*mr_small;	/* the first 4 KiB of the memory only */
	u32		xid;
	bool		have_file;
} nfs = { .xid = 0x52535000 };

/* ---------------------------------------------------------- RPC messages --- */

static void rpc_call(struct msg *m, u32 xid, u32 vers, u32 proc)
{
	put32(m, xid);
	put32(m, 0);			/* CALL */
	put32(m, 2);
	put32(m, NFS_PROG);
	put32(m, vers);
	put32(m, proc);
	if (!proc) {
		put64(m, 0);		/* AUTH_NONE */
	} else {
		put32(m, 1);		/* AUTH_SYS, uid 0 */
		put32(m, 28);
		put32(m, 23);
		put_opaque(m, "hostile", 7);
		put32(m, 0);
		put32(m, 0);
		put32(m, 0);
	}
	put64(m, 0);
}

/* NFSv4.0 COMPOUND with @nr operations, the first two lead to the file */
static void compound(struct msg *m, u32 xid, u32 nr)
{
	rpc_call(m, xid, 4, 1);
	put32(m, 0);			/* no tag */
	put32(m, 0);			/* minor version */
	put32(m, nr);
	put32(m, 24);			/* PUTROOTFH */
	put32(m, 15);			/* LOOKUP */
	put_opaque(m, "hostile", 7);
}

static void put_read(struct msg *m, u32 xid, u64 offset, u32 count)
{
	compound(m, xid, 3);
	put32(m, 25);
	put64(m, 0);			/* anonymous stateid */
	put64(m, 0);
	put64(m, offset);
	put32(m, count);
}

/* without the data behind its length; returns the position of the data */
static u32 put_write(struct msg *m, u32 xid, u64 offset, u32 count)
{
	u32 start = m->len;

	compound(m, xid, 3);
	put32(m, 38);
	put64(m, 0);
	put64(m, 0);
	put64(m, offset);
	put32(m, 0);			/* UNSTABLE */
	put32(m, count);
	return m->len - start;
}

static struct seg seg(u32 off, u32 len)
{
	return (struct seg){ h.mr->rkey, len, (uintptr_t)h.mem + off };
}

/* A READ of @count bytes with the list of Write chunks open for the caller */
static u32 start_msg(struct msg *m, u32 proc)
{
	u32 xid = ++nfs.xid;

	put_hdr(m, xid, 1, 32, proc);
	return xid;
}

/* ---------------------------------------------------------- one exchange --- */

/* offset of the RPC message in a reply, 0 when the transport header is bad */
static u32 reply_body(const struct msg *m)
{
	u32 off = 16, i, nr;

	if (get32(m, off))		/* no Read list in a reply */
		return 0;
	off += 4;
	for (i = 0; i < 2; i++) {	/* the Write list, the Reply chunk */
		while (get32(m, off)) {
			nr = get32(m, off + 4);
			if (nr > m->len / 16)
				return 0;
			off += 8 + nr * 16;
			if (i)
				goto out;
		}
		off += 4;
	}
out:
	return off <= m->len ? off : 0;
}

static u32 rpc_verdict(const struct msg *m, u32 off)
{
	if (get32(m, off + 4) != 1 || m->len - off < 20)
		return O_BAD;
	if (get32(m, off + 8))		/* denied */
		return O_RPCERR;
	off += 16 + ((get32(m, off + 16) + 3) & ~3u);
	return get32(m, off + 4) ? O_RPCERR : O_REPLY;
}

/* What an answer is. @xid: of the case, @barrier: of the NULL call behind it */
static u32 classify(const struct msg *m, u32 xid, u32 barrier, bool *is_barrier)
{
	u32 off;

	*is_barrier = false;
	if (h.verbose) {
		u32 i;

		printf("#   <");
		for (i = 0; i < m->len && i < 96; i += 4)
			printf(" %x", get32(m, i));
		printf("\n");
	}
	if (m->len < 20)
		return O_BAD;
	/* with ERR_VERS the version of the call may come back */
	if (get32(m, 4) != 1 && get32(m, 12) != RDMA_ERROR)
		return O_BAD;
	*is_barrier = get32(m, 0) == barrier;
	if (get32(m, 12) == RDMA_ERROR) {
		*is_barrier = false;
		if (get32(m, 16) == ERR_VERS)
			return m->len >= 28 && get32(m, 20) <= 1 && get32(m, 24) >= 1 ?
				O_VERS : O_BAD;
		return get32(m, 16) == ERR_CHUNK ? O_CHUNK : O_BAD;
	}
	if (get32(m, 0) != xid && get32(m, 0) != barrier)
		return O_BAD;
	if (!get32(m, 8))		/* a grant of 0 would be a deadlock */
		return O_BAD;
	off = reply_body(m);
	if (!off)
		return O_BAD;
	if (get32(m, 12) == RDMA_NOMSG)
		return O_REPLY;
	if (get32(m, 12) != RDMA_MSG || get32(m, off) != get32(m, 0))
		return O_BAD;
	return rpc_verdict(m, off);
}

static struct conn *open_conn(const struct pdata *p)
{
	return conn_open((struct sockaddr *)&h.addr, h.pd, p, p ? sizeof(*p) : 0,
			 128, 4096, NULL);
}

static struct conn *open_usual(void)
{
	struct pdata p;

	pdata_set(&p, 4096, 4096);
	return open_conn(&p);
}

/* Send a NULL call and wait for its reply; what else comes goes to @seen */
static bool barrier(struct conn *c, u32 xid, u32 *seen, struct msg *last)
{
	static struct msg m;
	u32 mine = ++nfs.xid;
	bool is_barrier;
	u64 end = now_ms() + h.wait_ms;
	int n;

	put_null(&m, mine);
	conn_send(c, &m);
	while ((n = conn_recv(c, &m, end > now_ms() ? end - now_ms() : 0, NULL)) > 0) {
		u32 o = classify(&m, xid, mine, &is_barrier);

		if (is_barrier) {
			if (o != O_REPLY)
				*seen |= O_BAD;
			return true;
		}
		*seen |= o;
		if (last)
			*last = m;
	}
	*seen |= n < 0 ? O_GONE : O_STUCK;
	return false;
}

static bool is_alive(struct conn *c)
{
	u32 seen = 0;

	return c && barrier(c, 0, &seen, NULL) && !seen;
}

/* Send @m and report what comes back; @reply gets the last answer */
static u32 exchange(struct conn *c, const struct msg *m, struct msg *reply)
{
	static struct msg in;
	u32 xid = get32(m, 0), seen = 0;
	bool is_barrier;

	if (reply)
		reply->len = 0;
	conn_send(c, m);
	/* an answer, or the failure of a transfer, may come behind the answer to the barrier */
	if (barrier(c, xid, &seen, reply) && !seen) {
		int n = conn_recv(c, &in, h.quiet_ok ? 60 : h.wait_ms, NULL);

		if (n > 0) {
			seen |= classify(&in, xid, 0, &is_barrier);
			if (reply)
				*reply = in;
		} else if (n < 0) {
			seen |= O_GONE;
		}
	}
	return seen ? seen : O_QUIET;
}

/* ------------------------------------------------- cases that must work ---- */

static u32 do_write(struct conn *c, u32 off, u32 len, u32 seed, u32 nr_segs)
{
	static struct msg m, r;
	struct msg body = { 0 };
	u32 xid = start_msg(&m, RDMA_MSG), pos, i, done = 0, n, o;

	pattern(h.mem, len, seed);
	pos = put_write(&body, xid, off, len);
	for (i = 0; i < nr_segs; i++) {
		n = i == nr_segs - 1 ? len - done : (len / nr_segs) & ~3u;
		put_rseg(&m, pos, seg(done, n));
		done += n;
	}
	no_chunks(&m);
	put_bytes(&m, body.b, body.len);
	o = exchange(c, &m, &r);
	if (o == O_REPLY && get32(&r, r.len - 4 * 6) != 38)	/* op of the last result */
		return O_WRONG;
	if (o == O_REPLY && get32(&r, r.len - 4 * 4) != len)
		return O_WRONG;
	return o;
}

static u32 sane_null(struct conn *c)
{
	struct msg m;

	put_null(&m, ++nfs.xid);
	return exchange(c, &m, NULL);
}

static u32 sane_null_3(struct conn *c)
{
	struct msg m;
	u32 xid = start_msg(&m, RDMA_MSG);

	no_chunks(&m);
	rpc_call(&m, xid, 3, 0);
	return exchange(c, &m, NULL);
}

/* WRITE with Read chunks, READ with a Write chunk of several segments, compare */
static u32 write_read(struct conn *c, u32 len, u32 nr_read, u32 nr_write)
{
	static struct msg m, r;
	struct seg s[16];
	u8 *want = malloc(len);
	u32 o, xid, i, done = 0, at = 64 << 10;

	guard_set();
	o = do_write(c, 0, len, len, nr_read);
	pattern(want, len, len);
	guard_set();
	if (o == O_REPLY) {
		for (i = 0; i < nr_write; i++) {
			u32 n = i == nr_write - 1 ? len - done : len / nr_write;

			s[i] = seg(at + done, n);
			done += n;
		}
		xid = start_msg(&m, RDMA_MSG);
		put32(&m, 0);
		put_wchunk(&m, nr_write, s);
		put32(&m, 0);
		put32(&m, 0);
		put_read(&m, xid, 0, len);
		o = exchange(c, &m, &r);
		if (o == O_REPLY && memcmp(h.mem + at, want, len))
			o |= O_WRONG;
		/* a responder may write XDR padding where the chunk has room: ours has none */
		if (!guard_ok(at, len))
			o |= O_SPILL;
	}
	free(want);
	return o;
}

static u32 sane_rw_64k(struct conn *c) { return write_read(c, 65536, 1, 1); }
static u32 sane_rw_odd(struct conn *c) { return write_read(c, 5003, 1, 1); }
static u32 sane_rw_segs(struct conn *c) { return write_read(c, 40961, 3, 5); }
static u32 sane_rw_256k(struct conn *c) { return write_read(c, 256 << 10, 4, 3); }

/* the whole call in a position-zero Read chunk, data included */
static u32 sane_long_call(struct conn *c)
{
	static struct msg m, body, r;
	u8 data[6001], *want = data;
	u32 xid = start_msg(&m, RDMA_NOMSG), o;

	guard_set();
	pattern(want, sizeof(data), 99);
	body.len = 0;
	put_write(&body, xid, 0, sizeof(data));
	put_bytes(&body, data, sizeof(data));
	memcpy(h.mem, body.b, body.len);
	put_rseg(&m, 0, seg(0, 4096));
	put_rseg(&m, 0, seg(4096, body.len - 4096));
	no_chunks(&m);
	o = exchange(c, &m, NULL);
	if (o != O_REPLY)
		return o;

	/* and read it back in a reply chunk */
	guard_set();
	xid = start_msg(&m, RDMA_MSG);
	put32(&m, 0);
	put32(&m, 0);
	put_wchunk(&m, 2, (struct seg[]){ seg(4096, 4096), seg(8192, 4096) });
	put_read(&m, xid, 0, sizeof(data));
	o = exchange(c, &m, &r);
	if (o == O_REPLY && (get32(&r, 12) != RDMA_NOMSG || !get32(&r, 24) ||
			     get32(&r, 32) == 0))
		o |= O_WRONG;
	if (o == O_REPLY && !memmem(h.mem + 4096, 8192, want, sizeof(data)))
		o |= O_WRONG;
	if (!guard_ok(4096, 8192))
		o |= O_SPILL;
	return o;
}

/* ----------------------------------------------- headers that are wrong ---- */

/* each length from 0 to below the smallest header, on connections as needed */
static u32 cut_run(struct conn *c, const struct msg *whole, u32 from, u32 to)
{
	static struct msg m;
	struct conn *extra = NULL, *use = c;
	u32 seen = 0, n;

	for (n = from; n < to; n += from ? 4 : 1) {
		m = *whole;
		m.len = n;
		if (use->gone) {
			conn_free(extra);
			use = extra = open_usual();
			if (!is_alive(extra)) {
				seen |= O_STUCK;
				break;
			}
		}
		/* a message too short for its xid may be answered under any xid */
		if (n < 4) {
			u32 o = 0;

			conn_send(use, &m);
			barrier(use, 0, &o, NULL);
			seen |= o ? o & ~O_BAD : O_QUIET;
		} else {
			seen |= exchange(use, &m, NULL);
		}
	}
	conn_free(extra);
	return seen;
}

static u32 short_header(struct conn *c)
{
	struct msg m;

	put_null(&m, ++nfs.xid);
	return cut_run(c, &m, 0, HDR_MIN);
}

static u32 cut_read_list(struct conn *c)
{
	struct msg m;

	start_msg(&m, RDMA_MSG);
	put_rseg(&m, 40, seg(0, 64));
	put_rseg(&m, 40, seg(64, 64));
	no_chunks(&m);
	return cut_run(c, &m, 20, m.len);
}

static u32 cut_write_list(struct conn *c)
{
	struct seg s[3] = { seg(0, 64), seg(64, 64), seg(128, 64) };
	struct msg m;

	start_msg(&m, RDMA_MSG);
	put32(&m, 0);
	put_wchunk(&m, 2, s);
	put_wchunk(&m, 1, s + 2);
	put32(&m, 0);
	put32(&m, 0);
	return cut_run(c, &m, 20, m.len);
}

static u32 cut_reply_chunk(struct conn *c)
{
	struct seg s[2] = { seg(0, 64), seg(64, 64) };
	struct msg m;

	start_msg(&m, RDMA_MSG);
	put32(&m, 0);
	put32(&m, 0);
	put_wchunk(&m, 2, s);
	return cut_run(c, &m, 24, m.len);
}

struct tcase {
	const char	*name;
	u32		allow;
	u32		(*run)(struct conn *c);		/* either a function, */
	void		(*build)(struct msg *m, u32 a, u32 b);	/* or a message */
	u32		a, b;
	u32		flags;
};
#define F_FILE	1	/* uses the file */
#define F_BARE	2	/* connects without private data */

static void b_vers(struct msg *m, u32 vers, u32 len)
{
	u32 xid = ++nfs.xid;

	put_hdr(m, xid, vers, 32, RDMA_MSG);
	no_chunks(m);
	rpc_call(m, xid, 4, 0);
	if (len)
		m->len = len;
}

static void b_proc(struct msg *m, u32 proc, u32 unused)
{
	u32 xid = start_msg(m, proc);

	no_chunks(m);
	rpc_call(m, xid, 4, 0);
}

static void b_error(struct msg *m, u32 err, u32 len)
{
	start_msg(m, RDMA_ERROR);
	put32(m, err);
	put32(m, 1);
	put32(m, 1);
	m->len = len;
}

static void b_credits(struct msg *m, u32 credits, u32 unused)
{
	put_null(m, ++nfs.xid);
	set32(m, 8, credits);
}

/* list @which with discriminator @disc, a good segment or nothing behind it */
static void b_disc(struct msg *m, u32 disc, u32 which)
{
	u32 xid = start_msg(m, RDMA_MSG), i;

	for (i = 0; i < (which & 3); i++)
		put32(m, 0);
	put32(m, disc);
	if (which & 4)			/* cut here */
		return;
	if (!(which & 3))
		put32(m, 40);
	else
		put32(m, 1);
	put_seg(m, seg(0, 64));
	for (i = which & 3; i < 3; i++)
		put32(m, 0);
	rpc_call(m, xid, 4, 0);
}

/* NULL call with read segments at position @pos of lengths @len and -@len + 64 */
static void b_read(struct msg *m, u32 pos, u32 len)
{
	u32 xid = start_msg(m, RDMA_MSG);

	put_rseg(m, pos, seg(0, len));
	no_chunks(m);
	rpc_call(m, xid, 4, 0);
}

static void b_read_sum(struct msg *m, u32 len1, u32 len2)
{
	u32 xid = start_msg(m, RDMA_MSG);

	put_rseg(m, 40, seg(0, len1));
	put_rseg(m, 40, seg(0, len2));
	put_rseg(m, 40, seg(0, 16));
	no_chunks(m);
	rpc_call(m, xid, 4, 0);
}

static void b_read_many(struct msg *m, u32 nr, u32 step)
{
	u32 xid = start_msg(m, RDMA_MSG), i;

	for (i = 0; i < nr; i++)
		put_rseg(m, 40 + i * step, seg(i * 4, 4));
	no_chunks(m);
	rpc_call(m, xid, 4, 0);
}

static void b_read_order(struct msg *m, u32 pos1, u32 pos2)
{
	u32 xid = start_msg(m, RDMA_MSG);

	put_rseg(m, pos1, seg(0, 64));
	put_rseg(m, pos2, seg(64, 64));
	no_chunks(m);
	rpc_call(m, xid, 4, 0);
}

/* Write list that claims @nr segments and holds @real */
static void b_wsegs(struct msg *m, u32 nr, u32 real)
{
	u32 xid = start_msg(m, RDMA_MSG), i;

	put32(m, 0);
	put32(m, 1);
	put32(m, nr);
	for (i = 0; i < real; i++)
		put_seg(m, seg(i * 16, 16));
	put32(m, 0);
	put32(m, 0);
	rpc_call(m, xid, 4, 0);
}

static void b_wchunks(struct msg *m, u32 nr, u32 len)
{
	struct seg s = seg(0, len);
	u32 xid = start_msg(m, RDMA_MSG), i;

	put32(m, 0);
	for (i = 0; i < nr; i++)
		put_wchunk(m, 1, &s);
	put32(m, 0);
	put32(m, 0);
	rpc_call(m, xid, 4, 0);
}

static void b_rsegs(struct msg *m, u32 nr, u32 real)
{
	u32 xid = start_msg(m, RDMA_MSG), i;

	put64(m, 0);
	put32(m, 1);
	put32(m, nr);
	for (i = 0; i < real; i++)
		put_seg(m, seg(i * 16, 16));
	rpc_call(m, xid, 4, 0);
}

/* READ of @count with one Write segment that says @len, at 64 KiB in our memory */
static void b_wlen(struct msg *m, u32 count, u32 len)
{
	struct seg s = seg(65536, len);
	u32 xid = start_msg(m, RDMA_MSG);

	put32(m, 0);
	put_wchunk(m, 1, &s);
	put64(m, 0);
	put_read(m, xid, 0, count);
}

static void b_wlen_sum(struct msg *m, u32 len1, u32 len2)
{
	u32 xid = start_msg(m, RDMA_MSG);

	put32(m, 0);
	put_wchunk(m, 3, (struct seg[]){ seg(65536, len1), seg(65536, len2), seg(65536, 16) });
	put64(m, 0);
	put_read(m, xid, 0, 4096);
}

static void b_waddr(struct msg *m, u32 hi, u32 lo)
{
	struct seg s = { h.mr->rkey, 8192, (u64)hi << 32 | lo };
	u32 xid = start_msg(m, RDMA_MSG);

	put32(m, 0);
	put_wchunk(m, 1, &s);
	put64(m, 0);
	put_read(m, xid, 0, 8192);
}

/* READ of @count with a reply chunk of @len and nothing else */
static void b_rlen(struct msg *m, u32 count, u32 len)
{
	struct seg s = seg(65536, len);
	u32 xid = start_msg(m, RDMA_MSG);

	put64(m, 0);
	if (len == 1)			/* none at all */
		put32(m, 0);
	else
		put_wchunk(m, 1, &s);
	put_read(m, xid, 0, count);
}

static u32 some_rkey(u32 kind)
{
	switch (kind) {
	case 0:
		return 0;
	case 1:
		return 0xffffffff;
	case 2:
		return h.mr->rkey ^ 0x55;	/* right index, wrong key */
	case 3:
		return h.mr->rkey + 0x7700;	/* no such index */
	case 4:
		return nfs.mr_small->rkey;	/* shorter than the segment says */
	case 5:
		return h.mr_ro->rkey;
	default:
		return h.mr_wo->rkey;
	}
}

static void b_wrkey(struct msg *m, u32 kind, u32 unused)
{
	struct seg s = { some_rkey(kind), 65536, (uintptr_t)h.mem };
	u32 xid = start_msg(m, RDMA_MSG);

	put32(m, 0);
	put_wchunk(m, 1, &s);
	put64(m, 0);
	put_read(m, xid, 0, 65536);
}

static void b_replyrkey(struct msg *m, u32 kind, u32 unused)
{
	struct seg s = { some_rkey(kind), 65536, (uintptr_t)h.mem };
	u32 xid = start_msg(m, RDMA_MSG);

	put64(m, 0);
	put_wchunk(m, 1, &s);
	put_read(m, xid, 0, 16384);
}

static void b_rrkey(struct msg *m, u32 kind, u32 unused)
{
	struct seg s = { some_rkey(kind), 65536, (uintptr_t)h.mem };
	u32 xid = start_msg(m, RDMA_MSG), pos;
	struct msg body = { 0 };

	pos = put_write(&body, xid, 0, 65536);
	put_rseg(m, pos, s);
	no_chunks(m);
	put_bytes(m, body.b, body.len);
}

static void b_pzrkey(struct msg *m, u32 kind, u32 unused)
{
	struct seg s = { some_rkey(kind), 8192, (uintptr_t)h.mem };

	start_msg(m, RDMA_NOMSG);
	put_rseg(m, 0, s);
	no_chunks(m);
}

/* position-zero chunk over a NULL call in our memory; @len bytes of it, RDMA_@proc */
static void b_pz(struct msg *m, u32 proc, u32 len)
{
	static struct msg body;
	u32 xid = start_msg(m, proc);

	body.len = 0;
	rpc_call(&body, xid, 4, 0);
	memset(h.mem, 0, 4096);
	memcpy(h.mem, body.b, body.len);
	put_rseg(m, 0, seg(0, len));
	no_chunks(m);
	if (proc == RDMA_MSG)
		rpc_call(m, xid, 4, 0);
}

static void b_pz_many(struct msg *m, u32 nr, u32 len)
{
	u32 xid = start_msg(m, RDMA_NOMSG), i;

	memset(h.mem, 0, 8192);
	*(u32 *)h.mem = htobe32(xid);
	for (i = 0; i < nr; i++)
		put_rseg(m, 0, seg(i * len, len));
	no_chunks(m);
}

/* call in a position-zero chunk, and a second chunk at @pos in it */
static void b_pz_and(struct msg *m, u32 pos, u32 len)
{
	static struct msg body;
	u32 xid = start_msg(m, RDMA_NOMSG);

	body.len = 0;
	put_write(&body, xid, 0, len);
	memcpy(h.mem, body.b, body.len);
	put_rseg(m, 0, seg(0, body.len));
	put_rseg(m, pos ? pos : body.len, seg(4096, len));
	no_chunks(m);
}

/* a chunk that holds the header which names it, and is written while it is read */
static void b_pz_loop(struct msg *m, u32 unused, u32 unused2)
{
	struct seg s = seg(0, 4096);

	start_msg(m, RDMA_NOMSG);
	put_rseg(m, 0, s);
	put32(m, 0);
	put_wchunk(m, 1, &s);
	put_wchunk(m, 1, &s);
	memcpy(h.mem, m->b, m->len);
	memset(h.mem + m->len, 0, 4096 - m->len);
}

static void b_nomsg(struct msg *m, u32 with_body, u32 unused)
{
	u32 xid = start_msg(m, RDMA_NOMSG);

	no_chunks(m);
	if (with_body)
		rpc_call(m, xid, 4, 0);
}

static void b_long(struct msg *m, u32 len, u32 unused)
{
	put_null(m, ++nfs.xid);
	memset(m->b + m->len, 0x5a, sizeof(m->b) - m->len);
	m->len = len;
}

/* a good transport header; word @off of the RPC call is @val */
static void b_rpc(struct msg *m, u32 off, u32 val)
{
	put_null(m, ++nfs.xid);
	set32(m, HDR_MIN + off, val);
}

/* a good transport header; the RPC call ends after @len bytes */
static void b_rpc_cut(struct msg *m, u32 len, u32 unused)
{
	put_null(m, ++nfs.xid);
	m->len = HDR_MIN + len;
}

static void b_garbage(struct msg *m, u32 len, u32 seed)
{
	start_msg(m, RDMA_MSG);
	no_chunks(m);
	pattern(m->b + m->len, len, seed);
	m->len += len;
}

static void b_args(struct msg *m, u32 nr_ops, u32 op)
{
	u32 xid = start_msg(m, RDMA_MSG);

	no_chunks(m);
	rpc_call(m, xid, 4, 1);
	put64(m, 0);
	put32(m, nr_ops);
	put32(m, op);
}

/* WRITE of a length with a chunk of another, or none */
static void b_wcount(struct msg *m, u32 count, u32 chunk)
{
	struct msg body = { 0 };
	u32 xid = start_msg(m, RDMA_MSG), pos;

	pos = put_write(&body, xid, 0, count);
	if (chunk)
		put_rseg(m, pos, seg(0, chunk));
	no_chunks(m);
	put_bytes(m, body.b, body.len);
}

/* ------------------------------------------------ conduct that is wrong ---- */

static u32 flood(struct conn *c, u32 nr, u32 gap)
{
	static struct msg m;
	u32 i, got = 0, seen = 0;
	bool is_barrier;
	u64 end;

	for (i = 0; i < nr && !c->gone; i++) {
		put_null(&m, ++nfs.xid);
		set32(&m, 8, 1);
		conn_send(c, &m);
		if (gap && i % gap == gap - 1)
			while (conn_recv(c, &m, 0, NULL) > 0)
				got++;
	}
	end = now_ms() + h.wait_ms;
	while (got < nr && now_ms() < end) {
		int n = conn_recv(c, &m, 500, NULL);

		if (n < 0)
			return seen | O_GONE;
		if (n > 0) {
			got++;
			seen |= classify(&m, get32(&m, 0), 0, &is_barrier);
		}
	}
	printf("# %u of %u calls answered\n", got, nr);
	return seen | (got < nr ? O_QUIET : 0);
}

/* far beyond any grant; the send buffers go round, so some calls repeat an xid */
static u32 flood_all(struct conn *c) { return flood(c, 600, 0); }
static u32 flood_some(struct conn *c) { return flood(c, 600, 40); }

/* calls without one receive posted for the answers */
static u32 deaf(struct conn *c)
{
	struct pdata p;
	struct conn *d;
	struct msg m;
	int i;

	pdata_set(&p, 4096, 4096);
	d = conn_open((struct sockaddr *)&h.addr, h.pd, &p, sizeof(p), 0, 4096, NULL);
	if (!d)
		return O_GONE;
	for (i = 0; i < 8; i++) {
		put_null(&m, ++nfs.xid);
		conn_send(d, &m);
	}
	i = conn_recv(d, &m, 400, NULL);
	conn_free(d);
	return is_alive(c) ? (i < 0 ? O_GONE : O_QUIET) : O_STUCK;
}

/* start transfers of 256 KiB and go away at different moments; @how 0: politely */
static u32 leave(struct conn *c, bool is_read, bool polite)
{
	static struct msg m;
	struct conn *d;
	struct seg s = seg(1 << 20, 256 << 10);
	int i, j;

	for (i = 0; i < 8; i++) {
		d = open_usual();
		if (!d)
			return O_STUCK;
		for (j = 0; j < 3; j++) {
			if (is_read) {
				u32 xid = start_msg(&m, RDMA_MSG);

				put32(&m, 0);
				put_wchunk(&m, 1, &s);
				put64(&m, 0);
				put_read(&m, xid, 0, 256 << 10);
			} else {
				b_wcount(&m, 256 << 10, 256 << 10);
			}
			conn_send(d, &m);
		}
		conn_recv(d, &m, i * i, NULL);
		if (!polite)
			d->connected = false;	/* conn_free() sends no farewell then */
		conn_free(d);
	}
	return is_alive(c) ? O_QUIET : O_STUCK;
}

static u32 leave_mid_write(struct conn *c) { return leave(c, true, true); }
static u32 leave_mid_read(struct conn *c) { return leave(c, false, true); }
static u32 vanish_mid_write(struct conn *c) { return leave(c, true, false); }
static u32 vanish_mid_read(struct conn *c) { return leave(c, false, false); }

/* memory taken away while the server reads and writes it */
static u32 pull_memory(struct conn *c)
{
	static struct msg m;
	struct ibv_mr *mr = ibv_reg_mr(h.pd, h.mem + (4 << 20), 1 << 20,
				       IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ |
				       IBV_ACCESS_REMOTE_WRITE);
	struct seg s = { mr->rkey, 1 << 20, (uintptr_t)h.mem + (4 << 20) };
	u32 xid = start_msg(&m, RDMA_MSG), seen = 0;
	int n;

	put32(&m, 0);
	put_wchunk(&m, 1, &s);
	put64(&m, 0);
	put_read(&m, xid, 0, 256 << 10);
	conn_send(c, &m);
	usleep(3000);
	ibv_dereg_mr(mr);
	n = conn_recv(c, &m, h.wait_ms, NULL);
	if (n > 0)
		seen = O_REPLY;		/* it was faster */
	else
		seen = n < 0 ? O_GONE : O_STUCK;
	return seen;
}

static u32 many_idle(struct conn *c)
{
	struct conn *d[24];
	u32 i, nr = 0;

	for (i = 0; i < 24; i++) {
		d[i] = open_usual();
		nr += !!d[i];
		if (d[i] && i % 3 == 0)
			d[i]->connected = false;
	}
	i = is_alive(c) && nr == 24;
	for (nr = 0; nr < 24; nr++)
		conn_free(d[nr]);
	return i && is_alive(c) ? O_QUIET : O_STUCK;
}

/* private data that is none; the server may refuse, or must serve */
static u32 strange_pdata(struct conn *c)
{
	static const struct { u32 magic, len; u8 b[4]; } bad[] = {
		{ 0, 8, { 1, 0, 3, 3 } },
		{ 0xdeadbeef, 8, { 1, 0, 3, 3 } },
		{ PDATA_MAGIC, 8, { 9, 0xff, 3, 3 } },
		{ PDATA_MAGIC, 8, { 1, 0, 255, 255 } },
		{ PDATA_MAGIC, 8, { 1, 0, 0, 0 } },
		{ PDATA_MAGIC, 8, { 1, 0xff, 3, 3 } },
		{ PDATA_MAGIC, 3, { 1, 0, 3, 3 } },
		{ PDATA_MAGIC, 56, { 1, 0, 3, 3 } },
	};
	u32 seen = 0, i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		u8 data[56];
		u32 magic = htobe32(bad[i].magic);
		bool rejected = false;
		struct conn *d;

		memset(data, 0xee, sizeof(data));
		memcpy(data, &magic, 4);
		memcpy(data + 4, bad[i].b, 4);
		d = conn_open((struct sockaddr *)&h.addr, h.pd, data, bad[i].len, 32,
			      4096, &rejected);
		if (d)
			seen |= sane_null(d);
		else
			seen |= rejected ? O_GONE : O_STUCK;
		conn_free(d);
	}
	return seen | (is_alive(c) ? 0 : O_STUCK);
}

/* ----------------------------------------------------------------- table --- */

#define RUN(_name, _allow, _flags, _run) \
	{ .name = _name, .allow = _allow, .flags = _flags, .run = _run }
#define MSG(_name, _allow, _flags, _build, _a, _b) \
	{ .name = _name, .allow = _allow, .flags = _flags, .build = _build, .a = _a, .b = _b }

static const struct tcase cases[] = {
	/* this program works, and so does the server */
	RUN("null", O_REPLY, 0, sane_null),
	RUN("null-v3", O_REPLY, 0, sane_null_3),
	RUN("null-without-private-data", O_REPLY, F_BARE, sane_null),
	RUN("write-read-64k", O_REPLY, F_FILE, sane_rw_64k),
	RUN("write-read-odd", O_REPLY, F_FILE, sane_rw_odd),
	RUN("write-read-segments", O_REPLY, F_FILE, sane_rw_segs),
	RUN("write-read-256k", O_REPLY, F_FILE, sane_rw_256k),
	RUN("long-call-long-reply", O_REPLY, F_FILE, sane_long_call),
	RUN("write-read-without-private-data", O_REPLY, F_FILE | F_BARE, sane_rw_64k),

	RUN("short-header-0-to-27", MALFORMED, 0, short_header),
	MSG("version-0", O_VERS | O_GONE, 0, b_vers, 0, 0),
	MSG("version-2", O_VERS | O_GONE, 0, b_vers, 2, 0),
	MSG("version-max", O_VERS | O_GONE, 0, b_vers, 0xffffffff, 0),
	MSG("version-2-short", O_VERS | MALFORMED, 0, b_vers, 2, 16),
	MSG("proc-msgp", MALFORMED, 0, b_proc, RDMA_MSGP, 0),
	MSG("proc-done", MALFORMED, 0, b_proc, RDMA_DONE, 0),
	MSG("proc-5", MALFORMED, 0, b_proc, 5, 0),
	MSG("proc-max", MALFORMED, 0, b_proc, 0xffffffff, 0),
	MSG("error-vers-to-server", MALFORMED, 0, b_error, ERR_VERS, 28),
	MSG("error-chunk-to-server", MALFORMED, 0, b_error, ERR_CHUNK, 20),
	MSG("error-short-to-server", MALFORMED, 0, b_error, 77, 16),
	MSG("credits-0", LENIENT, 0, b_credits, 0, 0),
	MSG("credits-max", LENIENT, 0, b_credits, 0xffffffff, 0),

	/* a discriminator that is neither 0 nor 1: the liberal read it as 1 */
	MSG("read-list-bool-2", LENIENT, 0, b_disc, 2, 0),
	MSG("write-list-bool-2", LENIENT, 0, b_disc, 2, 1),
	MSG("reply-chunk-bool-2", LENIENT, 0, b_disc, 2, 2),
	MSG("read-list-bool-max-cut", MALFORMED, 0, b_disc, 0xffffffff, 4),
	MSG("write-list-bool-max-cut", MALFORMED, 0, b_disc, 0xffffffff, 5),
	MSG("reply-chunk-bool-max-cut", MALFORMED, 0, b_disc, 0xffffffff, 6),
	RUN("read-list-cut", MALFORMED, 0, cut_read_list),
	RUN("write-list-cut", MALFORMED, 0, cut_write_list),
	RUN("reply-chunk-cut", MALFORMED, 0, cut_reply_chunk),

	MSG("read-length-max", MALFORMED, 0, b_read, 40, 0xffffffff),
	MSG("read-length-2g", MALFORMED, 0, b_read, 40, 0x80000000),
	MSG("read-length-4m", MALFORMED, 0, b_read, 40, 4 << 20),
	MSG("read-length-0", LENIENT, 0, b_read, 40, 0),
	MSG("read-lengths-overflow", MALFORMED, 0, b_read_sum, 0x80000000, 0x80000000),
	MSG("read-lengths-wrap", MALFORMED, 0, b_read_sum, 0xfffff000, 0x1000),
	MSG("read-position-unaligned", NONSENSE, 0, b_read, 38, 64),
	MSG("read-position-beyond", LENIENT, 0, b_read, 4096, 64),
	MSG("read-position-max", LENIENT, 0, b_read, 0xfffffffc, 64),
	MSG("read-position-header", LENIENT, 0, b_read, 4, 64),
	MSG("read-segments-many", LENIENT, 0, b_read_many, 160, 0),
	MSG("read-chunks-many", LENIENT, 0, b_read_many, 160, 4),
	MSG("read-chunks-unordered", LENIENT, 0, b_read_order, 40, 36),
	MSG("read-chunks-beyond", LENIENT, 0, b_read_order, 40, 8192),

	MSG("write-segments-0", LENIENT, 0, b_wsegs, 0, 0),
	MSG("write-segments-max", MALFORMED, 0, b_wsegs, 0xffffffff, 2),
	MSG("write-segments-2pow28", MALFORMED, 0, b_wsegs, 1 << 28, 1),
	MSG("write-segments-short", MALFORMED, 0, b_wsegs, 300, 200),
	MSG("write-segments-many", LENIENT, 0, b_wsegs, 240, 240),
	MSG("write-chunks-many", LENIENT, 0, b_wchunks, 160, 0),
	MSG("reply-segments-0", LENIENT, 0, b_rsegs, 0, 0),
	MSG("reply-segments-max", MALFORMED, 0, b_rsegs, 0xffffffff, 2),
	MSG("reply-segments-2pow28", MALFORMED, 0, b_rsegs, 1 << 28, 1),
	MSG("reply-segments-many", LENIENT, 0, b_rsegs, 240, 240),

	MSG("write-length-max", LENIENT, F_FILE, b_wlen, 65536, 0xffffffff),
	MSG("write-length-short", LENIENT, F_FILE, b_wlen, 8192, 4096),
	MSG("write-length-0", LENIENT, F_FILE, b_wlen, 8192, 0),
	MSG("write-length-1", LENIENT, F_FILE, b_wlen, 8192, 2),
	MSG("write-lengths-overflow", LENIENT, F_FILE, b_wlen_sum, 0xfffff000, 0x1000),
	MSG("write-lengths-wrap", LENIENT, F_FILE, b_wlen_sum, 16, 0xfffffff0),
	MSG("write-address-wrap", NONSENSE, F_FILE, b_waddr, 0xffffffff, 0xfffff000),
	MSG("write-address-0", NONSENSE, F_FILE, b_waddr, 0, 0),
	MSG("reply-chunk-short", NONSENSE, F_FILE, b_rlen, 16384, 64),
	MSG("reply-chunk-none", NONSENSE, F_FILE, b_rlen, 65536, 1),
	MSG("reply-chunk-length-0", NONSENSE, F_FILE, b_rlen, 16384, 0),
	MSG("reply-chunk-length-max", LENIENT, F_FILE, b_rlen, 16384, 0xffffffff),

	MSG("write-rkey-0", O_GONE | O_CHUNK, F_FILE, b_wrkey, 0, 0),
	MSG("write-rkey-max", O_GONE | O_CHUNK, F_FILE, b_wrkey, 1, 0),
	MSG("write-rkey-stale", O_GONE | O_CHUNK, F_FILE, b_wrkey, 2, 0),
	MSG("write-rkey-unknown", O_GONE | O_CHUNK, F_FILE, b_wrkey, 3, 0),
	MSG("write-rkey-short", O_GONE | O_CHUNK, F_FILE, b_wrkey, 4, 0),
	MSG("write-rkey-readonly", O_GONE | O_CHUNK, F_FILE, b_wrkey, 5, 0),
	MSG("reply-rkey-unknown", O_GONE | O_CHUNK, F_FILE, b_replyrkey, 3, 0),
	MSG("reply-rkey-short", O_GONE | O_CHUNK, F_FILE, b_replyrkey, 4, 0),
	MSG("read-rkey-0", O_GONE | O_CHUNK, 0, b_rrkey, 0, 0),
	MSG("read-rkey-stale", O_GONE | O_CHUNK, 0, b_rrkey, 2, 0),
	MSG("read-rkey-unknown", O_GONE | O_CHUNK, 0, b_rrkey, 3, 0),
	MSG("read-rkey-short", O_GONE | O_CHUNK, 0, b_rrkey, 4, 0),
	MSG("read-rkey-writeonly", O_GONE | O_CHUNK, 0, b_rrkey, 6, 0),
	MSG("long-call-rkey-unknown", O_GONE | O_CHUNK, 0, b_pzrkey, 3, 0),

	MSG("nomsg-empty", NONSENSE, 0, b_nomsg, 0, 0),
	MSG("nomsg-with-body", LENIENT, 0, b_nomsg, 1, 0),
	MSG("long-call-and-body", LENIENT, 0, b_pz, RDMA_MSG, 40),
	MSG("long-call-length-0", NONSENSE, 0, b_pz, RDMA_NOMSG, 0),
	MSG("long-call-length-3", NONSENSE, 0, b_pz, RDMA_NOMSG, 3),
	MSG("long-call-length-36", NONSENSE, 0, b_pz, RDMA_NOMSG, 36),
	MSG("long-call-length-4m", NONSENSE, 0, b_pz, RDMA_NOMSG, 4 << 20),
	MSG("long-call-length-max", MALFORMED, 0, b_pz, RDMA_NOMSG, 0xffffffff),
	MSG("long-call-segments-many", NONSENSE, 0, b_pz_many, 160, 4),
	MSG("long-call-segments-empty", NONSENSE, 0, b_pz_many, 160, 0),
	MSG("long-call-and-chunk", LENIENT, 0, b_pz_and, 0, 4096),
	MSG("long-call-and-chunk-beyond", NONSENSE, 0, b_pz_and, 0x10000, 4096),
	MSG("long-call-and-chunk-inside", LENIENT, 0, b_pz_and, 40, 4096),
	MSG("long-call-loop", NONSENSE, 0, b_pz_loop, 0, 0),

	MSG("longer-than-receive-buffer", LENIENT, 0, b_long, 4100, 0),
	MSG("much-longer-than-receive-buffer", LENIENT, 0, b_long, 32768, 0),
	MSG("longer-than-default-inline", LENIENT, F_BARE, b_long, 1500, 0),

	MSG("rpc-empty", NONSENSE, 0, b_rpc_cut, 0, 0),
	MSG("rpc-4-bytes", NONSENSE, 0, b_rpc_cut, 4, 0),
	MSG("rpc-8-bytes", NONSENSE, 0, b_rpc_cut, 8, 0),
	MSG("rpc-24-bytes", NONSENSE, 0, b_rpc_cut, 24, 0),
	MSG("rpc-36-bytes", LENIENT, 0, b_rpc_cut, 36, 0),
	MSG("rpc-reply-to-server", NONSENSE, 0, b_rpc, 4, 1),
	MSG("rpc-xid-differs", LENIENT | O_BAD, 0, b_rpc, 0, 0x1234567),
	MSG("rpc-version-9", NONSENSE, 0, b_rpc, 8, 9),
	MSG("rpc-program-unknown", NONSENSE, 0, b_rpc, 12, 99),
	MSG("rpc-nfs-version-77", NONSENSE, 0, b_rpc, 16, 77),
	MSG("rpc-procedure-99", NONSENSE, 0, b_rpc, 20, 99),
	MSG("rpc-credential-huge", NONSENSE, 0, b_rpc, 28, 0xfffffff0),
	MSG("rpc-verifier-huge", LENIENT, 0, b_rpc, 36, 0xfffffff0),
	MSG("rpc-garbage-64", NONSENSE, 0, b_garbage, 64, 1),
	MSG("rpc-garbage-3001", NONSENSE, 0, b_garbage, 3001, 2),
	MSG("compound-ops-max", LENIENT, 0, b_args, 0xffffffff, 24),
	MSG("compound-op-unknown", LENIENT, 0, b_args, 1, 9999),
	MSG("write-longer-than-chunk", LENIENT, F_FILE, b_wcount, 65536, 4096),
	MSG("write-shorter-than-chunk", LENIENT, F_FILE, b_wcount, 4096, 65536),
	MSG("write-without-data", LENIENT, F_FILE, b_wcount, 4096, 0),
	MSG("write-count-max", LENIENT, F_FILE, b_wcount, 0xffffffff, 4096),

	RUN("flood-600", O_REPLY | O_GONE | O_QUIET, 0, flood_all),
	RUN("flood-600-reading", O_REPLY | O_GONE | O_QUIET, 0, flood_some),
	RUN("no-receives-posted", O_GONE | O_QUIET, 0, deaf),
	RUN("leave-during-rdma-write", O_QUIET, F_FILE, leave_mid_write),
	RUN("leave-during-rdma-read", O_QUIET, F_FILE, leave_mid_read),
	RUN("vanish-during-rdma-write", O_QUIET, F_FILE, vanish_mid_write),
	RUN("vanish-during-rdma-read", O_QUIET, F_FILE, vanish_mid_read),
	RUN("memory-pulled-away", O_GONE | O_REPLY | O_CHUNK, F_FILE, pull_memory),
	RUN("connections-24-idle", O_QUIET, 0, many_idle),
	RUN("private-data-strange", O_REPLY | O_GONE, 0, strange_pdata),

	/* after all that */
	RUN("null-again", O_REPLY, 0, sane_null),
	RUN("write-read-again", O_REPLY, F_FILE, sane_rw_segs),
};
#define NR_CASES (sizeof(cases) / sizeof(cases[0]))

static void run_case(u32 nr)
{
	const struct tcase *t = &cases[nr];
	static struct msg m;
	struct conn *c = t->flags & F_BARE ? open_conn(NULL) : open_usual();
	u32 o;

	if (!is_alive(c)) {
		conn_free(c);
		result(false, t->name, c ? "the server answers no NULL call before this case" :
			       "the server takes no connection before this case");
		return;
	}
	guard_set();
	h.quiet_ok = t->allow & O_QUIET;
	note_case(t->name);
	if (t->run) {
		o = t->run(c);
	} else {
		t->build(&m, t->a, t->b);
		o = exchange(c, &m, NULL);
		/* cases with chunks to write offer at most this much */
		if (t->build == b_wlen || t->build == b_wlen_sum || t->build == b_rlen ||
		    t->build == b_waddr) {
			u32 len = t->b;

			if (t->build == b_waddr || len == 1)
				len = 0;
			if (t->build == b_wlen_sum || len > t->a + 1024)
				len = t->build == b_wlen_sum ? 4096 : t->a + 1024;
			if (!guard_ok(65536, len))
				o |= O_SPILL;
		}
	}
	conn_free(c);
	result(o && !(o & ~t->allow), t->name, outcome_name(o));
}

/* -------------------------------------------------------------- mutation --- */

static void fuzz_seed_msg(struct msg *m)
{
	switch (rnd(7)) {
	case 0:
		put_null(m, ++nfs.xid);
		break;
	case 1:
		b_wlen(m, 8192, 8192);
		break;
	case 2:
		b_wcount(m, 4096, 4096);
		break;
	case 3:
		b_rlen(m, 4096, 8192);
		break;
	case 4:
		b_pz(m, RDMA_NOMSG, 40);
		break;
	case 5:
		b_pz_and(m, 0, 4096);
		break;
	default:
		b_wlen_sum(m, 2048, 2048);
		break;
	}
}

static void mutate(struct msg *m)
{
	static const u32 odd[] = {
		0, 1, 2, 3, 4, 5, 0x7f, 0xff, 0x100, 0xfff, 0x1000, 0x1001, 0x7fff,
		0xffff, 0x10000, 0xfffff, 0x100000, 0x101000, 0x7fffffff, 0x80000000,
		0xfffff000, 0xfffffffc, 0xfffffffe, 0xffffffff,
	};
	u32 n = 1 + rnd(4), max = rnd(4) ? 100 : m->len, i;

	if (max > m->len)
		max = m->len;
	while (n--) {
		u32 off = 4 + rnd(max - 4);	/* leave the xid, to know the answer */

		switch (rnd(6)) {
		case 0:
		case 1:
			m->b[off] ^= 1 << rnd(8);
			break;
		case 2:
			m->b[off] = rnd(256);
			break;
		case 3:
		case 4:
			set32(m, off & ~3u, odd[rnd(sizeof(odd) / 4)]);
			break;
		default:
			if (rnd(3)) {		/* swap two words */
				u32 a = off & ~3u, b = (4 + rnd(max - 4)) & ~3u;
				u32 v = get32(m, a);

				set32(m, a, get32(m, b));
				set32(m, b, v);
			} else if (rnd(2)) {	/* cut */
				m->len = 4 + rnd(m->len - 4);
				if (max > m->len)
					max = m->len;
				if (max < 8)
					return;
			} else {		/* repeat a part */
				u32 len = 4 * (1 + rnd(16));

				for (i = 0; i < len && m->len < 4000; i++, m->len++)
					m->b[m->len] = m->b[(off & ~3u) + i];
			}
		}
	}
}

/* From valid calls to wrong ones, the same ones for the same seed */
static void fuzz(u64 seed, u32 count)
{
	static struct msg m;
	struct conn *c = NULL;
	u32 stat[NR_OUTCOMES] = { 0 }, i, j, o;

	rnd_seed(seed);
	for (i = 0; i < count; i++) {
		if (!c || c->gone) {
			conn_free(c);
			c = open_usual();
			if (!is_alive(c)) {
				printf("# no NULL call answered after message %u\n", i);
				break;
			}
		}
		fuzz_seed_msg(&m);
		mutate(&m);
		if (h.verbose) {
			printf("#   %u >", i);
			for (j = 0; j < m.len && j < 96; j += 4)
				printf(" %x", get32(&m, j));
			printf("\n");
		}
		o = 0;
		conn_send(c, &m);
		barrier(c, get32(&m, 0), &o, NULL);
		/* late answers to earlier messages have xids of their own: no verdict */
		o &= ~O_BAD;
		o = o ? o : O_QUIET;
		outcomes_add(stat, o);
		if (o & O_STUCK) {
			printf("# message %u: %s\n", i, outcome_name(o));
			break;
		}
	}
	conn_free(c);
	printf("# %u messages:", i);
	outcomes_print(stat);
	result(i == count, "fuzz", i == count ? "each message answered, dropped or refused" :
	       "the server stopped answering");
	c = open_usual();
	result(is_alive(c), "null-after-fuzz", "a NULL call on a new connection");
	conn_free(c);
}

/* ------------------------------------------------------------------ main --- */

static void prepare(void)
{
	nfs.mr_small = reg_mem(h.mem, 4096, ACCESS_RW);
}

static const char *case_name(u32 i)
{
	return cases[i].name;
}

static const char *why_not(u32 i)
{
	return (cases[i].flags & F_FILE) && !nfs.have_file ? "no file (--file)" : NULL;
}

static void option(int o, const char *arg)
{
	nfs.have_file = true;
}

int main(int argc, char **argv)
{
	static const char * const outcomes[NR_OUTCOMES] = {
		"reply", "rpc-error", "ERR_VERS", "ERR_CHUNK", "disconnect", "silence",
		"MALFORMED ANSWER", "STUCK", "MEMORY OVERWRITTEN", "WRONG CONTENT",
	};
	static const struct hostile_prog prog = {
		.name		= "hostile",
		.peer		= "SERVER",
		.port		= "20049",
		.mem_bytes	= MEM_SIZE,
		.outcomes	= outcomes,
		.nr_outcomes	= NR_OUTCOMES,
		.nr_fuzz	= 2,
		.nr_cases	= NR_CASES,
		.case_name	= case_name,
		.why_not	= why_not,
		.run_case	= run_case,
		.fuzz		= fuzz,
		.prepare	= prepare,
		.extra		= { { "file", 0, 0, 'F' } },
		.extra_short	= "F",
		.extra_usage	= "  -F, --file           the file \"hostile\" is there: use it\n",
		.option		= option,
	};

	return hostile_main(&prog, argc, argv);
}
