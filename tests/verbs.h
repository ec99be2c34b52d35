/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hostile peers in user space, for tests: messages built word by word so that
 * they can be wrong, and connections over librdmacm. Each program includes this
 * once, through the header of its protocol; nothing here is kept free of a peer's
 * mischief except by the bounds checks of get32().
 */
#ifndef _VERBS_TEST_H
#define _VERBS_TEST_H

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
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

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

struct seg {
	u32	handle;
	u32	len;
	u64	addr;
};

/* ---------------------------------------------------------- connections --- */

struct conn {
	struct rdma_event_channel *ec;
	struct rdma_cm_id	*id;
	struct ibv_comp_channel	*cc;
	struct ibv_cq		*cq;
	struct ibv_mr		*mr;
	u8			*rx, *tx;
	u32			rx_size, nr_rx;
	u32			tx_next;
	u8			pdata[64];	/* what the peer said when it accepted */
	u32			pdata_len;
	u32			tx_done;	/* completions, to compare with tx_next */
	u32			fifo[256];	/* of conn_wait(): receives, length << 8 | number */
	u32			head, tail;
	bool			connected;
	bool			gone;		/* disconnected, or the queue pair failed */
	bool			verbose;
	bool			deaf;		/* what is received is not posted again */
	int			rejected;	/* why; 0: it was not */
	enum ibv_wc_status	rdma_status;	/* of the transfer that ended last */
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

	if (!c->gone && !c->deaf && ibv_post_recv(c->id->qp, &wr, &bad))
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
		u32 len = ev->param.conn.private_data_len;

		c->connected = true;
		if (ev->param.conn.private_data && len) {
			c->pdata_len = len < sizeof(c->pdata) ? len : sizeof(c->pdata);
			memcpy(c->pdata, ev->param.conn.private_data, c->pdata_len);
		}
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
 * Connect with @len bytes of private data, @nr_rx receives posted. Returns NULL on failure,
 * *@rejected says whether the peer refused. After a connection that ended without a
 * farewell its queue pair number may come again: then the peer wants another try.
 */
static __unused struct conn *conn_open(struct sockaddr *dst, struct ibv_pd *pd,
				       const void *pdata, u32 len, u32 nr_rx,
				       u32 rx_size, bool *rejected)
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
		    !conn_setup(c, pd, nr_rx, rx_size) && !rdma_connect(c->id, &param) &&
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

/*
 * Send without waiting for the completion; 64 buffers go round. With @inv_rkey the
 * message invalidates a key of the peer.
 */
static __unused int conn_send_inv(struct conn *c, const struct msg *m, const u32 *inv_rkey)
{
	struct ibv_send_wr wr = {
		.wr_id = 1ull << 32,
		.opcode = inv_rkey ? IBV_WR_SEND_WITH_INV : IBV_WR_SEND,
		.invalidate_rkey = inv_rkey ? *inv_rkey : 0,
	}, *bad;
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

static __unused int conn_send(struct conn *c, const struct msg *m)
{
	return conn_send_inv(c, m, NULL);
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
			if (wc.wr_id >> 32) {
				c->tx_done++;
				continue;
			}
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

/* ---- for a program that waits for transfers and for messages: no conn_recv() beside it */

/* One completion: 0 none now, 1 a receive queued, 2 a transfer done, -1 gone */
static __unused int conn_poll(struct conn *c)
{
	struct ibv_wc wc;

	if (ibv_poll_cq(c->cq, 1, &wc) != 1)
		return c->gone ? -1 : 0;
	if (wc.status != IBV_WC_SUCCESS) {
		c->gone = true;
		if (c->verbose)
			printf("# completion: %s\n", ibv_wc_status_str(wc.status));
		if (wc.wr_id == 2ull << 32)
			c->rdma_status = wc.status;
		return wc.wr_id == 2ull << 32 ? 3 : -1;
	}
	if (wc.wr_id == 2ull << 32) {
		c->rdma_status = wc.status;
		return 2;
	}
	if (wc.wr_id >> 32) {
		c->tx_done++;
		return 0;
	}
	c->fifo[c->head++ % 256] = wc.wr_id | (u32)wc.byte_len << 8;
	return 1;
}

/* Wait for a queued receive (@transfer false) or the end of a transfer; 1: not within @wait_ms */
static __unused int conn_wait_ms(struct conn *c, bool transfer, int wait_ms)
{
	u64 end = now_ms() + wait_ms;
	int n;

	for (;;) {
		struct pollfd pfd[2] = {
			{ .fd = c->ec->fd, .events = POLLIN },
			{ .fd = c->cc->fd, .events = POLLIN },
		};
		struct ibv_cq *cq;
		void *ctx;

		while ((n = conn_poll(c)) > 0) {
			if (transfer && n >= 2)
				return n == 2 ? 0 : -1;
		}
		if (!transfer && c->head != c->tail)
			return 0;
		if (n < 0)
			return -1;
		ibv_req_notify_cq(c->cq, 0);
		n = conn_poll(c);
		if (n > 0) {
			if (transfer && n >= 2)
				return n == 2 ? 0 : -1;
			continue;
		}
		if (now_ms() >= end)
			return 1;
		poll(pfd, 2, end - now_ms() < 1000 ? end - now_ms() : 1000);
		if (pfd[1].revents & POLLIN && !ibv_get_cq_event(c->cc, &cq, &ctx))
			ibv_ack_cq_events(cq, 1);
		if (pfd[0].revents & POLLIN) {
			struct rdma_cm_event *ev;

			if (!rdma_get_cm_event(c->ec, &ev)) {
				if (ev->event == RDMA_CM_EVENT_ESTABLISHED)
					c->connected = true;
				else
					c->gone = true;
				rdma_ack_cm_event(ev);
			}
		}
	}
}

static __unused int conn_wait(struct conn *c, bool transfer)
{
	int n;

	while ((n = conn_wait_ms(c, transfer, 60000)) == 1)
		;
	return n;
}

/* The oldest queued receive, copied to @m; its buffer is posted again */
static __unused void conn_take(struct conn *c, struct msg *m)
{
	u32 e = c->fifo[c->tail++ % 256];

	m->len = e >> 8;
	memcpy(m->b, c->rx + (size_t)(e & 255) * c->rx_size, m->len);
	conn_post_rx(c, e & 255);
}

#endif /* _VERBS_TEST_H */
