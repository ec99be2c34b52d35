// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile NFS/RDMA server: passes the calls of a client on to a good server
 * over TCP, and the replies back, and when told so spoils a reply on its way.
 * Without an order it is a plain (slow) NFS/RDMA server, so a mount through it
 * works, and each spoilt reply hits a client that has offered real memory.
 *
 *	client ==RDMA== hostile_server --TCP-- nfsd
 *
 *	hostile_server [--port PORT] BACKEND
 *
 * Orders come on standard input, a line each: "CASE [COUNT]" spoils the next
 * COUNT (1) replies to which CASE can be applied; "none" stops it. What
 * was done is said on standard output: "did CASE". The program ends with its
 * input. --list names the cases.
 *
 * The case late-write is not about a reply: after the client has moved on, the
 * server writes once more into memory it was offered for an earlier call. It
 * says "late-write refused" or "late-write ACCEPTED": a client that sees data
 * while a peer may still change it has a hole.
 */
#include <getopt.h>
#include <netinet/tcp.h>
#include <pthread.h>

#include "rpcrdma.h"

#define BIG		(3 << 20)
#define MAX_SEGS	64
#define OUR_INLINE	4096
#define OUR_CREDITS	32

struct chunk {
	u32		nr;
	struct seg	seg[MAX_SEGS];
	u32		pos;
};

/* a call as it came, then its reply on the way */
struct exchange {
	u32		xid, proc;
	u32		nr_read;
	struct chunk	read[8];		/* one for each position */
	bool		has_write, has_reply;
	struct chunk	write, reply;		/* what was offered */
	u32		written, replied;	/* bytes put there */
	u32		vers, credits, out_proc;
	u8		*body;			/* inline part of the reply */
	u32		body_len;
};

/* one connection, one thread */
struct proxy {
	struct conn	*c;
	struct ibv_pd	*pd;
	struct ibv_mr	*mr;
	u8		*big;		/* call and reply, for TCP and RDMA alike */
	int		tcp;
	u32		peer_recv;	/* from private data, 1024 without */
	struct pdata	pdata;
	bool		has_old;
	struct seg	old;		/* offered for an earlier call */
};

static struct {
	struct sockaddr_storage	backend;
	socklen_t		backend_len;
	pthread_mutex_t		lock;	/* order, count */
	char			order[40];
	u32			count;
	bool			verbose;
} g = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

/* Is this the order of the moment? Takes one of its count if so */
static bool ordered(const char *name, bool applies)
{
	bool yes = false;

	pthread_mutex_lock(&g.lock);
	if (g.count && applies && !strcmp(g.order, name)) {
		g.count--;
		yes = true;
		say("did %s", name);
	}
	pthread_mutex_unlock(&g.lock);
	return yes;
}

/* --------------------------------------------------------- RDMA and TCP ---- */

/* Move @len bytes between @buf in p->big and the segments of a chunk */
static int proxy_move(struct proxy *p, enum ibv_wr_opcode op, struct chunk *k,
		      u8 *buf, u32 len)
{
	u32 i, n;

	for (i = 0; i < k->nr && len; i++) {
		n = k->seg[i].len < len ? k->seg[i].len : len;
		if (!n)
			continue;
		if (conn_rdma(p->c, op, buf, p->mr->lkey, k->seg[i], n) ||
		    conn_wait(p->c, true))
			return -1;
		buf += n;
		len -= n;
	}
	return len ? -1 : 0;
}

static int io_all(int fd, u8 *buf, u32 len, bool is_write)
{
	while (len) {
		ssize_t n = is_write ? write(fd, buf, len) : read(fd, buf, len);

		if (n <= 0)
			return -1;
		buf += n;
		len -= n;
	}
	return 0;
}

/* The call in p->big to the good server, its reply to p->big; returns the length */
static int proxy_tcp(struct proxy *p, u32 len)
{
	u32 mark = htobe32(len | 0x80000000), got = 0;

	if (io_all(p->tcp, (u8 *)&mark, 4, true) || io_all(p->tcp, p->big, len, true))
		return -1;
	do {
		if (io_all(p->tcp, (u8 *)&mark, 4, false))
			return -1;
		mark = be32toh(mark);
		len = mark & 0x7fffffff;
		if (len > BIG - got || io_all(p->tcp, p->big + got, len, false))
			return -1;
		got += len;
	} while (!(mark & 0x80000000));
	return got;
}

/* ------------------------------------------------------ calls and replies -- */

static u32 chunk_len(const struct chunk *k)
{
	u32 i, len = 0;

	for (i = 0; i < k->nr; i++)
		len += k->seg[i].len;
	return len;
}

static u32 get_seg(const struct msg *m, u32 off, struct seg *s)
{
	s->handle = get32(m, off);
	s->len = get32(m, off + 4);
	s->addr = (u64)get32(m, off + 8) << 32 | get32(m, off + 12);
	return off + 16;
}

static int get_wchunk(const struct msg *m, u32 *off, struct chunk *k)
{
	u32 i;

	k->nr = get32(m, *off);
	if (k->nr > MAX_SEGS)
		return -1;
	*off += 4;
	for (i = 0; i < k->nr; i++)
		*off = get_seg(m, *off, &k->seg[i]);
	return 0;
}

/* Take a call apart, put the RPC call together in p->big; returns its length */
static int get_call(struct proxy *p, const struct msg *m, struct exchange *x)
{
	u32 off = 16, len, i, pos;
	struct chunk *k = NULL;

	memset(x, 0, sizeof(*x));
	x->xid = get32(m, 0);
	x->proc = get32(m, 12);
	if (m->len < HDR_MIN || x->proc > RDMA_NOMSG)
		return -1;
	while (get32(m, off)) {
		pos = get32(m, off + 4);
		if (!k || k->pos != pos) {
			if (x->nr_read == 8)
				return -1;
			k = &x->read[x->nr_read++];
			k->pos = pos;
		}
		if (k->nr == MAX_SEGS)
			return -1;
		off = get_seg(m, off + 8, &k->seg[k->nr++]);
	}
	off += 4;
	if (get32(m, off)) {
		x->has_write = true;
		off += 4;
		if (get_wchunk(m, &off, &x->write) || get32(m, off))
			return -1;
	}
	off += 4;
	if (get32(m, off)) {
		x->has_reply = true;
		off += 4;
		if (get_wchunk(m, &off, &x->reply))
			return -1;
	} else {
		off += 4;
	}
	if (off > m->len)
		return -1;
	len = m->len - off;
	memcpy(p->big, m->b + off, len);
	for (i = 0; i < x->nr_read; i++) {
		u32 n = chunk_len(&x->read[i]), room = (n + 3) & ~3u;

		pos = x->read[i].pos;
		if (pos > len || n > BIG - len - 4)
			return -1;
		memmove(p->big + pos + room, p->big + pos, len - pos);
		memset(p->big + pos + n, 0, room - n);
		if (proxy_move(p, IBV_WR_RDMA_READ, &x->read[i], p->big + pos, n))
			return -1;
		len += room;
	}
	return len;
}

static u32 big32(const struct proxy *p, u32 off)
{
	u32 v;

	memcpy(&v, p->big + off, 4);
	return be32toh(v);
}

/* Offset of the opaque with which a reply ends, for instance of READ; 0 for none */
static u32 last_opaque(const struct proxy *p, u32 len)
{
	u32 off, n;

	for (off = 24; off + 8 <= len; off += 4) {
		n = big32(p, off);
		if (n && off + 4 + ((n + 3) & ~3u) == len)
			return off;
	}
	return 0;
}

/* Bring the reply in p->big where the call asked for it; what is left goes inline */
static int place_reply(struct proxy *p, struct exchange *x, u32 len)
{
	u32 max = p->peer_recv - HDR_MIN - 16 * (x->write.nr + x->reply.nr) - 16;
	u32 at, n;

	x->vers = 1;
	x->credits = OUR_CREDITS;
	x->out_proc = RDMA_MSG;
	x->body = p->big;
	x->body_len = len;
	at = x->has_write ? last_opaque(p, len) : 0;
	if (at) {
		n = big32(p, at);
		if (n <= chunk_len(&x->write)) {
			if (proxy_move(p, IBV_WR_RDMA_WRITE, &x->write, p->big + at + 4, n))
				return -1;
			x->written = n;
			x->body_len = at + 4;
		}
	}
	if (x->body_len <= max)
		return 0;
	if (!x->has_reply || x->body_len > chunk_len(&x->reply)) {
		x->out_proc = RDMA_ERROR;
		return 0;
	}
	if (proxy_move(p, IBV_WR_RDMA_WRITE, &x->reply, x->body, x->body_len))
		return -1;
	x->replied = x->body_len;
	x->out_proc = RDMA_NOMSG;
	x->body_len = 0;
	return 0;
}

/* a chunk as the reply returns it: lengths are what was put there */
static void put_used(struct msg *m, const struct chunk *k, u32 used)
{
	u32 i, n;

	put32(m, 1);
	put32(m, k->nr);
	for (i = 0; i < k->nr; i++) {
		struct seg s = k->seg[i];

		n = s.len < used ? s.len : used;
		s.len = n;
		used -= n;
		put_seg(m, s);
	}
}

static void encode(struct msg *m, const struct exchange *x)
{
	put_hdr(m, x->xid, x->vers, x->credits, x->out_proc);
	if (x->out_proc == RDMA_ERROR) {
		put32(m, ERR_CHUNK);
		return;
	}
	put32(m, 0);
	if (x->has_write)
		put_used(m, &x->write, x->written);
	put32(m, 0);
	if (x->out_proc == RDMA_NOMSG)
		put_used(m, &x->reply, x->replied);
	else
		put32(m, 0);
	put_bytes(m, x->body, x->body_len);
}

/* ------------------------------------------------------------ spoiling ----- */

/* What a case can do to a message; @x tells what the call offered */
struct scase {
	const char	*name;
	int		applies;
	void		(*spoil)(struct msg *m, struct exchange *x, u32 a);
	u32		a;
};
enum { ANY, WRITE, REPLY, INLINE };	/* which replies */

static void s_cut(struct msg *m, struct exchange *x, u32 len)
{
	if (m->len > len)
		m->len = len;
}

static void s_word(struct msg *m, struct exchange *x, u32 a)
{
	static const u32 val[] = { 0, 1, 2, 5, 0xffffffff, 3, 4 };

	set32(m, (a >> 8) * 4, val[a & 0xff]);
}

static void s_xid(struct msg *m, struct exchange *x, u32 a)
{
	set32(m, 0, x->xid + a);
}

/* headers built by hand, the RPC reply behind them */
static void s_lists(struct msg *m, struct exchange *x, u32 kind)
{
	static const struct seg bogus = { 0x1234, 65536, 0x100000 };
	u32 i;

	put_hdr(m, x->xid, 1, OUR_CREDITS, RDMA_MSG);
	switch (kind) {
	case 0:			/* a Read list, which no reply has */
		put_rseg(m, 40, bogus);
		put64(m, 0);
		put32(m, 0);
		break;
	case 1:			/* a Write chunk nobody offered */
		put32(m, 0);
		put_wchunk(m, 1, &bogus);
		put64(m, 0);
		break;
	case 2:			/* a Reply chunk with an RDMA_MSG */
		put64(m, 0);
		put_wchunk(m, 1, &bogus);
		break;
	case 3:
	case 4:			/* counts beyond the message; 2^28 * 16 is 0 in 32 bits */
		put32(m, 0);
		put32(m, 1);
		put32(m, kind == 3 ? 0xffffffff : 1 << 28);
		put_seg(m, bogus);
		put64(m, 0);
		break;
	case 5:			/* the same for the Reply chunk, in an RDMA_NOMSG */
	case 6:
		set32(m, 12, RDMA_NOMSG);
		put64(m, 0);
		put32(m, 1);
		put32(m, kind == 5 ? 0xffffffff : 0);
		return;
	case 7:			/* RDMA_NOMSG without a place for the reply */
		set32(m, 12, RDMA_NOMSG);
		put64(m, 0);
		put32(m, 0);
		break;
	case 8:			/* many Write chunks */
		put32(m, 0);
		for (i = 0; i < 40; i++)
			put_wchunk(m, 1, &bogus);
		put64(m, 0);
		break;
	case 9:			/* no RPC reply behind a good header */
		put64(m, 0);
		put32(m, 0);
		return;
	case 10:		/* a reply chunk that nobody offered */
		set32(m, 12, RDMA_NOMSG);
		put64(m, 0);
		put_wchunk(m, 1, &bogus);
		return;
	}
	put_bytes(m, x->body, x->body_len);
}

/* lengths of the returned chunk */
static void s_used(struct msg *m, struct exchange *x, u32 kind)
{
	struct chunk *k = x->written ? &x->write : &x->reply;
	u32 *used = x->written ? &x->written : &x->replied, i;

	switch (kind) {
	case 0:
		for (i = 0; i < k->nr; i++)
			k->seg[i].len = 0xfffffff0;
		*used = 0xfffffff0;
		break;
	case 1:
		k->seg[k->nr - 1].len += 1 << 20;
		*used = chunk_len(k);
		break;
	case 2:
		*used = *used > 8 ? *used - 8 : 0;
		break;
	case 3:
		*used = 0;
		break;
	case 4:				/* more segments than were offered */
		while (k->nr < 24) {
			k->seg[k->nr] = k->seg[0];
			k->nr++;
		}
		*used = chunk_len(k);
		break;
	case 5:				/* lengths that add up to what they should modulo 2^32 */
		if (k->nr + 2 <= MAX_SEGS) {
			k->seg[k->nr] = k->seg[k->nr + 1] = k->seg[0];
			k->seg[k->nr].len = k->seg[k->nr + 1].len = 0x80000000;
			k->nr += 2;
		}
		encode(m, x);
		set32(m, m->len - x->body_len - 8 - 12 - 16, 0x80000000);
		set32(m, m->len - x->body_len - 8 - 12, 0x80000000);
		return;
	case 6:				/* no Write list though data went there */
		x->has_write = false;
		break;
	}
	encode(m, x);
}

static void s_error(struct msg *m, struct exchange *x, u32 kind)
{
	put_hdr(m, x->xid, 1, OUR_CREDITS, RDMA_ERROR);
	switch (kind) {
	case 0:
		put32(m, ERR_VERS);
		put32(m, 1);
		put32(m, 1);
		break;
	case 1:
		put32(m, ERR_VERS);
		break;
	case 2:
		put32(m, ERR_CHUNK);
		break;
	case 3:
		put32(m, 77);
		break;
	case 4:
		put32(m, ERR_VERS);
		put32(m, 2);
		put32(m, 9);
		break;
	}
}

/* RPC replies that are none; the transport header is good */
static void s_rpc(struct msg *m, struct exchange *x, u32 kind)
{
	u32 i;

	put_hdr(m, x->xid, 1, OUR_CREDITS, RDMA_MSG);
	put64(m, 0);
	put32(m, 0);
	put32(m, kind == 0 ? x->xid + 1 : x->xid);
	if (kind == 1)
		return;
	put32(m, kind == 2 ? 0 : 1);		/* a CALL: the backchannel's direction */
	for (i = 0; kind != 4 && i < 200; i++)
		put32(m, (i + 1) * 2654435761u);
}

static void s_long(struct msg *m, struct exchange *x, u32 len)
{
	memset(m->b + m->len, 0x5a, len);
	m->len += len;
}

static const struct scase cases[] = {
	{ "short-0", ANY, s_cut, 0 },
	{ "short-4", ANY, s_cut, 4 },
	{ "short-15", ANY, s_cut, 15 },
	{ "short-16", ANY, s_cut, 16 },
	{ "short-27", ANY, s_cut, 27 },
	{ "xid-unknown", ANY, s_xid, 0x10000 },
	{ "version-0", ANY, s_word, 1 << 8 | 0 },
	{ "version-2", ANY, s_word, 1 << 8 | 2 },
	{ "proc-msgp", ANY, s_word, 3 << 8 | 2 },
	{ "proc-done", ANY, s_word, 3 << 8 | 5 },
	{ "proc-5", ANY, s_word, 3 << 8 | 3 },
	{ "proc-max", ANY, s_word, 3 << 8 | 4 },
	{ "credits-0", ANY, s_word, 2 << 8 | 0 },
	{ "credits-max", ANY, s_word, 2 << 8 | 4 },
	{ "read-list", INLINE, s_lists, 0 },
	{ "write-list-unoffered", INLINE, s_lists, 1 },
	{ "reply-chunk-with-msg", INLINE, s_lists, 2 },
	{ "write-segments-max", INLINE, s_lists, 3 },
	{ "write-segments-2pow28", INLINE, s_lists, 4 },
	{ "reply-segments-max", INLINE, s_lists, 5 },
	{ "reply-segments-0", INLINE, s_lists, 6 },
	{ "nomsg-without-chunk", INLINE, s_lists, 7 },
	{ "write-chunks-many", INLINE, s_lists, 8 },
	{ "body-empty", INLINE, s_lists, 9 },
	{ "reply-chunk-unoffered", INLINE, s_lists, 10 },
	{ "write-length-max", WRITE, s_used, 0 },
	{ "write-length-more", WRITE, s_used, 1 },
	{ "write-length-less", WRITE, s_used, 2 },
	{ "write-length-0", WRITE, s_used, 3 },
	{ "write-segments-more", WRITE, s_used, 4 },
	{ "write-lengths-wrap", WRITE, s_used, 5 },
	{ "write-list-missing", WRITE, s_used, 6 },
	{ "reply-length-max", REPLY, s_used, 0 },
	{ "reply-length-more", REPLY, s_used, 1 },
	{ "reply-length-less", REPLY, s_used, 2 },
	{ "reply-length-0", REPLY, s_used, 3 },
	{ "reply-segments-more", REPLY, s_used, 4 },
	{ "error-vers", ANY, s_error, 0 },
	{ "error-vers-short", ANY, s_error, 1 },
	{ "error-chunk", ANY, s_error, 2 },
	{ "error-unknown", ANY, s_error, 3 },
	{ "error-vers-2-to-9", ANY, s_error, 4 },
	{ "rpc-xid-differs", ANY, s_rpc, 0 },
	{ "rpc-4-bytes", ANY, s_rpc, 1 },
	{ "rpc-is-a-call", ANY, s_rpc, 2 },
	{ "rpc-garbage", ANY, s_rpc, 3 },
	{ "rpc-8-bytes", ANY, s_rpc, 4 },
	{ "longer-than-reply", INLINE, s_long, 512 },
	{ "longer-than-receive-buffer", INLINE, s_long, 16384 },
};
#define NR_CASES (sizeof(cases) / sizeof(cases[0]))
static const char * const more_cases[] = {
	"reply-twice", "no-reply", "disconnect", "disconnect-after-write",
	"invalidate-unknown", "invalidate-twice", "late-write", "reject", "private-data-strange",
};

static bool case_applies(int which, const struct exchange *x)
{
	switch (which) {
	case WRITE:
		return x->written;
	case REPLY:
		return x->replied;
	case INLINE:
		return x->out_proc == RDMA_MSG && !x->written;
	default:
		return true;
	}
}

/* Into memory of an earlier call; the client has made calls since */
static void late_write(struct proxy *p)
{
	memset(p->big, 0xee, 64);
	if (conn_rdma(p->c, IBV_WR_RDMA_WRITE, p->big, p->mr->lkey, p->old, 64) ||
	    conn_wait(p->c, true))
		say("late-write refused");
	else
		say("late-write ACCEPTED");
}

static int serve_one(struct proxy *p, const struct msg *in)
{
	static __thread struct msg m;
	static __thread struct exchange x;
	int len = get_call(p, in, &x);
	u32 i;

	if (len < 0) {
		say("# a call that this program cannot take apart");
		return -1;
	}
	if (ordered("late-write", p->has_old)) {
		late_write(p);
		return -1;
	}
	len = proxy_tcp(p, len);
	if (len < 0)
		return -1;
	if (ordered("no-reply", true))
		return 0;
	if (ordered("disconnect", true))
		return -1;
	if (place_reply(p, &x, len))
		return -1;
	if (ordered("disconnect-after-write", x.written || x.replied))
		return -1;
	encode(&m, &x);
	for (i = 0; i < NR_CASES; i++)
		if (ordered(cases[i].name, case_applies(cases[i].applies, &x))) {
			cases[i].spoil(&m, &x, cases[i].a);
			break;
		}
	if (ordered("invalidate-unknown", true)) {
		conn_send_inv(p->c, &m, &(u32){ 0x7ffff00 });
		return 0;
	}
	if (ordered("invalidate-twice", x.written)) {
		conn_send_inv(p->c, &m, &x.write.seg[0].handle);
		conn_send_inv(p->c, &m, &x.write.seg[0].handle);
		return 0;
	}
	conn_send(p->c, &m);
	if (ordered("reply-twice", true))
		conn_send(p->c, &m);
	if (x.written) {
		p->old = x.write.seg[0];
		p->has_old = true;
	}
	return 0;
}

static void *proxy_thread(void *arg)
{
	struct proxy *p = arg;
	struct conn *c = p->c;
	static __thread struct msg m;

	while (!conn_wait(p->c, false)) {
		conn_take(c, &m);
		if (serve_one(p, &m))
			break;
	}
	close(p->tcp);
	conn_free(c);
	ibv_dereg_mr(p->mr);
	ibv_dealloc_pd(p->pd);
	free(p->big);
	free(p);
	return NULL;
}

static void accept_one(struct rdma_cm_event *ev)
{
	const struct pdata *in = ev->param.conn.private_data;
	struct rdma_conn_param param = {
		.responder_resources = ev->param.conn.initiator_depth,
		.initiator_depth = ev->param.conn.responder_resources,
		.rnr_retry_count = 7,
	};
	struct proxy *p = calloc(1, sizeof(*p));
	struct conn *c = p->c = calloc(1, sizeof(*c));
	pthread_t tid;
	int one = 1;

	c->id = ev->id;
	c->verbose = g.verbose;
	p->peer_recv = 1024;
	if (in && ev->param.conn.private_data_len >= sizeof(*in) &&
	    be32toh(in->magic) == PDATA_MAGIC && in->version == 1)
		p->peer_recv = (in->recv_size + 1) << 10;
	if (ordered("reject", true)) {
		rdma_reject(c->id, NULL, 0);
		goto err;
	}
	c->ec = rdma_create_event_channel();
	p->pd = ibv_alloc_pd(c->id->verbs);
	p->big = aligned_alloc(4096, BIG);
	p->mr = ibv_reg_mr(p->pd, p->big, BIG, IBV_ACCESS_LOCAL_WRITE);
	p->tcp = socket(g.backend.ss_family, SOCK_STREAM, 0);
	setsockopt(p->tcp, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!c->ec || !p->mr || conn_setup(c, p->pd, 64, OUR_INLINE) ||
	    connect(p->tcp, (struct sockaddr *)&g.backend, g.backend_len))
		bail("cannot serve a connection: %s", strerror(errno));
	pdata_set(&p->pdata, OUR_INLINE, OUR_INLINE);
	p->pdata.flags = in && p->peer_recv ? in->flags : 0;
	if (ordered("private-data-strange", true))
		memset(&p->pdata.version, 0xff, 4);
	param.private_data = &p->pdata;
	param.private_data_len = sizeof(p->pdata);
	if (rdma_migrate_id(c->id, c->ec) || rdma_accept(c->id, &param))
		say("# accept: %s", strerror(errno));
	if (!pthread_create(&tid, NULL, proxy_thread, p))
		pthread_detach(tid);
	return;
err:
	free(c);
	free(p);
}

static void *listen_thread(void *arg)
{
	struct rdma_event_channel *ec = arg;
	struct rdma_cm_event *ev;

	while (!rdma_get_cm_event(ec, &ev)) {
		if (ev->event == RDMA_CM_EVENT_CONNECT_REQUEST) {
			/* the private data lives as long as the event, and the ack waits
			 * for nobody: migrating needs it done
			 */
			struct rdma_cm_event copy = *ev;
			u8 pdata[256];

			if (ev->param.conn.private_data)
				memcpy(pdata, ev->param.conn.private_data,
				       ev->param.conn.private_data_len);
			copy.param.conn.private_data = pdata;
			if (!ev->param.conn.private_data)
				copy.param.conn.private_data_len = 0;
			rdma_ack_cm_event(ev);
			accept_one(&copy);
		} else {
			rdma_ack_cm_event(ev);
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "port", 1, 0, 'p' }, { "list", 0, 0, 'l' }, { "verbose", 0, 0, 'v' }, { },
	};
	struct addrinfo *ai, hint = { .ai_socktype = SOCK_STREAM };
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	struct rdma_event_channel *ec;
	struct rdma_cm_id *id;
	const char *port = "20050";
	char line[100], name[40];
	pthread_t tid;
	u32 i, count;
	int o;

	while ((o = getopt_long(argc, argv, "p:lv", opts, NULL)) != -1) {
		switch (o) {
		case 'p':
			port = optarg;
			break;
		case 'v':
			g.verbose = true;
			break;
		case 'l':
			for (i = 0; i < NR_CASES; i++)
				printf("%s\n", cases[i].name);
			for (i = 0; i < sizeof(more_cases) / sizeof(*more_cases); i++)
				printf("%s\n", more_cases[i]);
			return 0;
		default:
			optind = argc;
		}
	}
	if (optind != argc - 1) {
		fprintf(stderr, "usage: hostile_server [--port PORT] [--list] [--verbose] BACKEND\n");
		return 2;
	}
	if (getaddrinfo(argv[optind], "2049", &hint, &ai))
		bail("no address %s", argv[optind]);
	memcpy(&g.backend, ai->ai_addr, ai->ai_addrlen);
	g.backend_len = ai->ai_addrlen;
	any.sin6_port = htons(atoi(port));
	ec = rdma_create_event_channel();
	if (!ec || rdma_create_id(ec, &id, NULL, RDMA_PS_TCP) ||
	    rdma_bind_addr(id, (struct sockaddr *)&any) || rdma_listen(id, 8) ||
	    pthread_create(&tid, NULL, listen_thread, ec))
		bail("cannot listen: %s", strerror(errno));
	say("listening on %s", port);
	while (fgets(line, sizeof(line), stdin)) {
		count = 1;
		if (sscanf(line, "%39s %u", name, &count) < 1)
			continue;
		pthread_mutex_lock(&g.lock);
		strcpy(g.order, name);
		g.count = strcmp(name, "none") ? count : 0;
		pthread_mutex_unlock(&g.lock);
	}
	return 0;
}
