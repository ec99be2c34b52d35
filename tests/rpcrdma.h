/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RPC-over-RDMA version 1 in user space, for tests: what hostile.c and
 * hostile_server.c share beyond verbs.h.
 */
#ifndef _RPCRDMA_TEST_H
#define _RPCRDMA_TEST_H

#include "verbs.h"

enum { RDMA_MSG, RDMA_NOMSG, RDMA_MSGP, RDMA_DONE, RDMA_ERROR };
enum { ERR_VERS = 1, ERR_CHUNK };

#define HDR_MIN		28		/* fixed part and three empty lists */
#define NFS_PROG	100003

static __unused void put_hdr(struct msg *m, u32 xid, u32 vers, u32 credits,
			     u32 proc)
{
	m->len = 0;
	put32(m, xid);
	put32(m, vers);
	put32(m, credits);
	put32(m, proc);
}

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

static __unused void no_chunks(struct msg *m)
{
	put32(m, 0);
	put32(m, 0);
	put32(m, 0);
}

/* NFSv4's NULL call, AUTH_NONE */
static __unused void put_null(struct msg *m, u32 xid)
{
	put_hdr(m, xid, 1, 32, RDMA_MSG);
	no_chunks(m);
	put32(m, xid);
	put32(m, 0);			/* CALL */
	put32(m, 2);
	put32(m, NFS_PROG);
	put32(m, 4);
	put32(m, 0);
	put64(m, 0);
	put64(m, 0);
}

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

#endif /* _RPCRDMA_TEST_H */
