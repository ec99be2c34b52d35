/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RPC-over-RDMA version 1 in user space, for tests: messages built word by
 * word so that they can be wrong, and connections over librdmacm. Each program
 * includes this once; nothing here is kept free of a peer's mischief except by
 * the bounds checks of msg_get32().
 */
#ifndef _RPCRDMA_TEST_H
#define _RPCRDMA_TEST_H

#include <arpa/inet.h>
#include <stdarg.h>
#include <endian.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#define __unused __attribute__((unused))

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

enum { RDMA_MSG, RDMA_NOMSG, RDMA_MSGP, RDMA_DONE, RDMA_ERROR };
enum { ERR_VERS = 1, ERR_CHUNK };

#define HDR_MIN		28		/* fixed part and three empty lists */
#define NFS_PROG	100003
#define MSG_MAX		(128 << 10)

static __unused u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

static void __attribute__((noreturn, format(printf, 1, 2)))
bail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("Bail out! ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	exit(1);
}

/* ------------------------------------------------------------- messages --- */

struct msg {
	u32	len;
	u8	b[MSG_MAX];
};

static __unused void put32(struct msg *m, u32 v)
{
	v = htobe32(v);
	memcpy(m->b + m->len, &v, 4);
	m->len += 4;
}

static __unused void put64(struct msg *m, u64 v)
{
	put32(m, v >> 32);
	put32(m, v);
}

static __unused void put_bytes(struct msg *m, const void *p, u32 len)
{
	memcpy(m->b + m->len, p, len);
	memset(m->b + m->len + len, 0, 3);
	m->len += (len + 3) & ~3u;
}

static __unused void put_opaque(struct msg *m, const void *p, u32 len)
{
	put32(m, len);
	put_bytes(m, p, len);
}

/* word at byte @off, 0 behind the end */
static __unused u32 get32(const struct msg *m, u32 off)
{
	u32 v;

	if (off > m->len || m->len - off < 4)
		return 0;
	memcpy(&v, m->b + off, 4);
	return be32toh(v);
}

static __unused void set32(struct msg *m, u32 off, u32 v)
{
	v = htobe32(v);
	memcpy(m->b + off, &v, 4);
}

static __unused void put_hdr(struct msg *m, u32 xid, u32 vers, u32 credits,
			     u32 proc)
{
	m->len = 0;
	put32(m, xid);
	put32(m, vers);
	put32(m, credits);
	put32(m, proc);
}

struct seg {
	u32	handle;
	u32	len;
	u64	addr;
};

static __unused void put_seg(struct msg *m, struct seg s)
{
	put32(m, s.handle);
	put32(m, s.len);
	put64(m, s.addr);
}

static __unused void put_rseg(struct msg *m, u32 pos, struct seg s)
{
	put32(m, 1);
	put32(m, pos);
	put_seg(m, s);
}

/* a Write chunk with its discriminator, or a Reply chunk */
static __unused void put_wchunk(struct msg *m, int nr, const struct seg *s)
{
	int i;

	put32(m, 1);
	put32(m, nr);
	for (i = 0; i < nr; i++)
		put_seg(m, s[i]);
}

/* ---------------------------------------------------------- connections --- */

/* What RFC 8797 puts in the private data of connect and accept */
struct pdata {
	u32	magic;
	u8	version;
	u8	flags;
	u8	send_size;
	u8	recv_size;
} __attribute__((packed));

#define PDATA_MAGIC	0xf6ab0e18

static __unused void pdata_set(struct pdata *p, u32 send, u32 recv)
{
	p->magic = htobe32(PDATA_MAGIC);
	p->version = 1;
	p->flags = 0;
	p->send_size = (send >> 10) - 1;
	p->recv_size = (recv >> 10) - 1;
}

struct conn {
	struct rdma_event_channel *ec;
	struct rdma_cm_id	*id;
	struct ibv_comp_channel	*cc;
	struct ibv_cq		*cq;
	struct ibv_mr		*mr;
	u8			*rx, *tx;
	u32			rx_size, nr_rx;
	u32			tx_next;
	u32			peer_recv;	/* from private data, 1024 without */
	bool			connected;
	bool			gone;		/* disconnected, or the queue pair failed */
	int			rejected;	/* why; 0: it was not */
};
#define REJ_STALE	10		/* a queue pair number that the peer thinks connected */

#define NR_TX		64
#define TX_SIZE		(32 << 10)

static __unused void conn_post_rx(struct conn *c, u32 i)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)c->rx + (u64)i * c->rx_size,
		.length = c->rx_size,
		.lkey = c->mr->lkey,
	};
	struct ibv_recv_wr wr = { .wr_id = i, .sg_list = &sge, .num_sge = 1 }, *bad;

	if (!c->gone && ibv_post_recv(c->id->qp, &wr, &bad))
		c->gone = true;
}

/* queue pair, buffers and @nr_rx posted receives for an id with a device */
static __unused int conn_setup(struct conn *c, struct ibv_pd *pd, u32 nr_rx,
			       u32 rx_size)
{
	struct ibv_qp_init_attr attr = {
		.cap = { .max_send_wr = 1024, .max_recv_wr = 256,
			 .max_send_sge = 1, .max_recv_sge = 1 },
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
	};
	size_t bytes;
	u32 i;

	c->nr_rx = nr_rx;
	c->rx_size = rx_size;
	bytes = (size_t)nr_rx * rx_size + NR_TX * TX_SIZE;
	c->cc = ibv_create_comp_channel(c->id->verbs);
	c->cq = ibv_create_cq(c->id->verbs, 2048, NULL, c->cc, 0);
	if (!c->cc || !c->cq)
		return -1;
	attr.send_cq = attr.recv_cq = c->cq;
	if (rdma_create_qp(c->id, pd, &attr))
		return -1;
	c->rx = aligned_alloc(4096, (bytes + 4095) & ~4095ul);
	memset(c->rx, 0, bytes);
	c->tx = c->rx + (size_t)nr_rx * rx_size;
	c->mr = ibv_reg_mr(pd, c->rx, bytes, IBV_ACCESS_LOCAL_WRITE |
			   IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE);
	if (!c->mr)
		return -1;
	for (i = 0; i < nr_rx; i++)
		conn_post_rx(c, i);
	return ibv_req_notify_cq(c->cq, 0);
}

static __unused void conn_free(struct conn *c)
{
	if (!c)
		return;
	if (c->id) {
		if (c->connected)
			rdma_disconnect(c->id);
		if (c->id->qp)
			rdma_destroy_qp(c->id);
		rdma_destroy_id(c->id);
	}
	if (c->mr)
		ibv_dereg_mr(c->mr);
	if (c->cq)
		ibv_destroy_cq(c->cq);
	if (c->cc)
		ibv_destroy_comp_channel(c->cc);
	if (c->ec)
		rdma_destroy_event_channel(c->ec);
	free(c->rx);
	free(c);
}

static __unused int conn_event(struct conn *c, enum rdma_cm_event_type want,
			       int timeout_ms)
{
	struct pollfd pfd = { .fd = c->ec->fd, .events = POLLIN };
	struct rdma_cm_event *ev;
	int rc = -1;

	if (poll(&pfd, 1, timeout_ms) != 1 || rdma_get_cm_event(c->ec, &ev))
		return -1;
	if (ev->event == want)
		rc = 0;
	if (ev->event == RDMA_CM_EVENT_REJECTED)
		c->rejected = ev->status ? ev->status : -1;
	if (ev->event == RDMA_CM_EVENT_ESTABLISHED) {
		const struct pdata *p = ev->param.conn.private_data;

		c->connected = true;
		c->peer_recv = 1024;
		if (p && ev->param.conn.private_data_len >= sizeof(*p) &&
		    be32toh(p->magic) == PDATA_MAGIC)
			c->peer_recv = (p->recv_size + 1) << 10;
	}
	rdma_ack_cm_event(ev);
	return rc;
}

static __unused struct conn *conn_new(void)
{
	struct conn *c = calloc(1, sizeof(*c));

	c->ec = rdma_create_event_channel();
	if (!c->ec || rdma_create_id(c->ec, &c->id, NULL, RDMA_PS_TCP))
		bail("no RDMA event channel: %s", strerror(errno));
	return c;
}

static __unused int conn_resolve(struct conn *c, struct sockaddr *dst)
{
	if (rdma_resolve_addr(c->id, NULL, dst, 2000) ||
	    conn_event(c, RDMA_CM_EVENT_ADDR_RESOLVED, 3000))
		return -1;
	return 0;
}

/*
 * Connect with @len bytes of private data, @nr_rx receives posted. NULL on failure,
 * *@rejected says whether the peer refused. After a connection that ended without a
 * farewell its queue pair number may come again: then the peer wants another try.
 */
static __unused struct conn *conn_open(struct sockaddr *dst, struct ibv_pd *pd,
				       const void *pdata, u32 len, u32 nr_rx,
				       bool *rejected)
{
	struct rdma_conn_param param = {
		.private_data = pdata, .private_data_len = len,
		.responder_resources = 16, .initiator_depth = 16,
		.retry_count = 6, .rnr_retry_count = 7,
	};
	int try, why = 0;

	for (try = 0; try < 20; try++) {
		struct conn *c = conn_new();

		if (!conn_resolve(c, dst) && !rdma_resolve_route(c->id, 2000) &&
		    !conn_event(c, RDMA_CM_EVENT_ROUTE_RESOLVED, 3000) &&
		    !conn_setup(c, pd, nr_rx, 4096) && !rdma_connect(c->id, &param) &&
		    !conn_event(c, RDMA_CM_EVENT_ESTABLISHED, 8000))
			return c;
		why = c->rejected;
		conn_free(c);
		if (why != REJ_STALE)
			break;
		usleep(50000);
	}
	if (rejected)
		*rejected = why;
	return NULL;
}

/* Send without waiting for the completion; 64 buffers go round */
static __unused int conn_send(struct conn *c, const struct msg *m)
{
	struct ibv_send_wr wr = { .wr_id = 1ull << 32, .opcode = IBV_WR_SEND }, *bad;
	u32 i = c->tx_next++ % NR_TX;
	struct ibv_sge sge = {
		.addr = (uintptr_t)c->tx + (u64)i * TX_SIZE,
		.length = m->len,
		.lkey = c->mr->lkey,
	};

	if (c->gone)
		return -1;
	if (m->len > TX_SIZE)
		bail("message of %u bytes", m->len);
	memcpy(c->tx + (size_t)i * TX_SIZE, m->b, m->len);
	wr.sg_list = &sge;
	wr.num_sge = m->len ? 1 : 0;
	if (ibv_post_send(c->id->qp, &wr, &bad))
		c->gone = true;
	return c->gone ? -1 : 0;
}

/*
 * One RDMA read or write between our memory and the peer's, waited for. Receives
 * that complete meanwhile would be lost, so only for a peer that waits for us.
 */
static __unused int conn_rdma(struct conn *c, enum ibv_wr_opcode op, void *buf,
			      u32 lkey, struct seg s, u32 len)
{
	struct ibv_sge sge = { .addr = (uintptr_t)buf, .length = len, .lkey = lkey };
	struct ibv_send_wr wr = {
		.wr_id = 2ull << 32, .opcode = op, .sg_list = &sge, .num_sge = 1,
		.wr.rdma = { .remote_addr = s.addr, .rkey = s.handle },
	}, *bad;

	return ibv_post_send(c->id->qp, &wr, &bad) ? -1 : 0;
}

/*
 * Wait for the next message. Returns its length with a copy in @m, 0 when
 * @timeout_ms are over, -1 when the connection has ended. @rdma_done counts
 * completed RDMA transfers.
 */
static __unused int conn_recv(struct conn *c, struct msg *m, int timeout_ms,
			      int *rdma_done)
{
	u64 end = now_ms() + timeout_ms;
	struct pollfd pfd[2];
	struct ibv_cq *cq;
	struct ibv_wc wc;
	void *ctx;

	for (;;) {
		while (ibv_poll_cq(c->cq, 1, &wc) == 1) {
			if (wc.status != IBV_WC_SUCCESS) {
				c->gone = true;
				continue;
			}
			if (wc.wr_id == 2ull << 32 && rdma_done) {
				(*rdma_done)--;
				if (!*rdma_done)
					return 0;
			}
			if (wc.wr_id >> 32)
				continue;
			m->len = wc.byte_len;
			memcpy(m->b, c->rx + wc.wr_id * c->rx_size, wc.byte_len);
			conn_post_rx(c, wc.wr_id);
			return wc.byte_len ? (int)wc.byte_len : 0;
		}
		if (c->gone)
			return -1;
		if (now_ms() >= end)
			return 0;
		pfd[0] = (struct pollfd){ .fd = c->ec->fd, .events = POLLIN };
		pfd[1] = (struct pollfd){ .fd = c->cc->fd, .events = POLLIN };
		poll(pfd, 2, end - now_ms() < 20 ? 1 : 20);
		if (pfd[1].revents & POLLIN) {
			if (!ibv_get_cq_event(c->cc, &cq, &ctx))
				ibv_ack_cq_events(cq, 1);
			ibv_req_notify_cq(c->cq, 0);
		}
		if (pfd[0].revents & POLLIN) {
			struct rdma_cm_event *ev;

			if (!rdma_get_cm_event(c->ec, &ev)) {
				if (ev->event == RDMA_CM_EVENT_DISCONNECTED ||
				    ev->event == RDMA_CM_EVENT_DEVICE_REMOVAL ||
				    ev->event == RDMA_CM_EVENT_TIMEWAIT_EXIT)
					c->gone = true;
				if (ev->event == RDMA_CM_EVENT_ESTABLISHED)
					c->connected = true;
				rdma_ack_cm_event(ev);
			}
		}
	}
}

#endif /* _RPCRDMA_TEST_H */
