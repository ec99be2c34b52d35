/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RPC-over-RDMA version 1 on the wire (RFC 8166), and the private data that the
 * two ends exchange when they connect (RFC 8797). Both halves use it.
 *
 *	word	0	XID			the same as in the RPC message
 *		1	version			1
 *		2	credits			asked for in a call, granted in a reply
 *		3	procedure		RDMA_MSG, NOMSG, (MSGP), (DONE), ERROR
 *
 *	MSG, NOMSG:	read list		{ 1, position, segment }... 0
 *			write list		{ 1, count, segment... }... 0
 *			reply chunk		1, count, segment...  or 0
 *			MSG: the RPC message follows
 *	ERROR:		ERR_VERS, lowest, highest  or  ERR_CHUNK
 *
 *	segment		handle, length, offset (two words)
 *
 * An RPC message begins with its XID and a direction word: 0 call, 1 reply.
 */
#ifndef _RSP_NFS_PROTO_H
#define _RSP_NFS_PROTO_H

#include <linux/types.h>
#include <linux/errno.h>
#include <linux/unaligned.h>

#include <rsp/rsp.h>

#define RSP_RPCRDMA_VERSION	1

enum rsp_rpcrdma_proc {
	RSP_RPCRDMA_MSG		= 0,
	RSP_RPCRDMA_NOMSG	= 1,
	RSP_RPCRDMA_MSGP	= 2,	/* nobody sends it; refused */
	RSP_RPCRDMA_DONE	= 3,	/* likewise */
	RSP_RPCRDMA_ERROR	= 4,
};

enum rsp_rpcrdma_err {
	RSP_RPCRDMA_ERR_VERS	= 1,
	RSP_RPCRDMA_ERR_CHUNK	= 2,
};

/* lengths in bytes */
#define RSP_RPCRDMA_FIXED_LEN	16	/* XID to procedure */
#define RSP_RPCRDMA_MIN_LEN	28	/* with three empty lists */
#define RSP_RPCRDMA_SEG_LEN	16	/* a segment */
#define RSP_RPCRDMA_READ_LEN	24	/* item discriminator, position, segment */
#define RSP_RPCRDMA_WRITE_LEN	8	/* item discriminator, segment count */
#define RSP_RPCRDMA_ERR_VERS_LEN 28	/* a whole ERR_VERS message */
#define RSP_RPCRDMA_ERR_CHUNK_LEN 20	/* a whole ERR_CHUNK message */

#define RSP_RPCRDMA_DEF_INLINE	1024	/* when the peer sends no private data */

/**
 * struct rsp_rpcrdma_hdr - the fixed words of a message, in host byte order
 * @xid: kept in network byte order, as sunrpc does
 * @vers: version
 * @credits: asked for or granted
 * @proc: enum rsp_rpcrdma_proc
 */
struct rsp_rpcrdma_hdr {
	__be32	xid;
	u32	vers;
	u32	credits;
	u32	proc;
};

/* @p: room for RSP_RPCRDMA_FIXED_LEN bytes. Return: the next word. */
static inline __be32 *rsp_rpcrdma_put_hdr(__be32 *p, __be32 xid, u32 credits,
					  u32 proc)
{
	*p++ = xid;
	*p++ = cpu_to_be32(RSP_RPCRDMA_VERSION);
	*p++ = cpu_to_be32(credits);
	*p++ = cpu_to_be32(proc);
	return p;
}

/* @p: RSP_RPCRDMA_FIXED_LEN bytes that did arrive. Return: the next word. */
static inline const __be32 *rsp_rpcrdma_get_hdr(const __be32 *p,
						struct rsp_rpcrdma_hdr *hdr)
{
	hdr->xid = *p++;
	hdr->vers = be32_to_cpup(p++);
	hdr->credits = be32_to_cpup(p++);
	hdr->proc = be32_to_cpup(p++);
	return p;
}

/* Segments are 4-byte aligned only, hence the unaligned 64-bit access. */
static inline __be32 *rsp_rpcrdma_put_seg(__be32 *p, const struct rsp_desc *desc)
{
	*p++ = cpu_to_be32(desc->rkey);
	*p++ = cpu_to_be32(desc->len);
	put_unaligned_be64(desc->addr, p);
	return p + 2;
}

static inline const __be32 *rsp_rpcrdma_get_seg(const __be32 *p,
						struct rsp_desc *desc)
{
	desc->rkey = be32_to_cpup(p++);
	desc->len = be32_to_cpup(p++);
	desc->addr = get_unaligned_be64(p);
	return p + 2;
}

/*
 * RFC 8797: what each end says of itself when it connects. Sizes are in units of
 * 1 KiB, less one: 0 stands for 1024, 255 for 262144 bytes.
 */
#define RSP_RPCRDMA_CM_MAGIC	0xf6ab0e18
#define RSP_RPCRDMA_CM_VERSION	1
#define RSP_RPCRDMA_CM_F_REMOTE_INV 0x01	/* may send me Send With Invalidate */
#define RSP_RPCRDMA_CM_LEN	8

struct rsp_rpcrdma_cm {
	__be32	magic;
	u8	version;
	u8	flags;
	u8	send_kib;		/* largest message this end sends */
	u8	recv_kib;		/* largest message this end receives */
} __packed;

/**
 * struct rsp_rpcrdma_limits - inline limits in bytes
 * @send: largest message an end sends, transport header included
 * @recv: largest it receives
 * @remote_inv: it accepts Send With Invalidate
 */
struct rsp_rpcrdma_limits {
	u32	send;
	u32	recv;
	bool	remote_inv;
};

/* @own: sizes are rounded down to whole KiB and clamped to what can be said */
static inline void rsp_rpcrdma_put_cm(struct rsp_rpcrdma_cm *cm,
				      const struct rsp_rpcrdma_limits *own)
{
	cm->magic = cpu_to_be32(RSP_RPCRDMA_CM_MAGIC);
	cm->version = RSP_RPCRDMA_CM_VERSION;
	cm->flags = own->remote_inv ? RSP_RPCRDMA_CM_F_REMOTE_INV : 0;
	cm->send_kib = clamp_t(u32, own->send >> 10, 1, 256) - 1;
	cm->recv_kib = clamp_t(u32, own->recv >> 10, 1, 256) - 1;
}

/*
 * What the peer said, from @len bytes of private data. A peer that says nothing,
 * or something else, has the limits of RFC 8166 and gets no remote invalidation.
 * Return: true when there was RFC 8797 data.
 */
static inline bool rsp_rpcrdma_get_cm(const void *pdata, u8 len,
				      struct rsp_rpcrdma_limits *peer)
{
	const struct rsp_rpcrdma_cm *cm = pdata;

	peer->send = RSP_RPCRDMA_DEF_INLINE;
	peer->recv = RSP_RPCRDMA_DEF_INLINE;
	peer->remote_inv = false;
	if (!pdata || len < RSP_RPCRDMA_CM_LEN ||
	    get_unaligned_be32(&cm->magic) != RSP_RPCRDMA_CM_MAGIC ||
	    cm->version != RSP_RPCRDMA_CM_VERSION)
		return false;

	peer->send = ((u32)cm->send_kib + 1) << 10;
	peer->recv = ((u32)cm->recv_kib + 1) << 10;
	peer->remote_inv = cm->flags & RSP_RPCRDMA_CM_F_REMOTE_INV;
	return true;
}

/*
 * The limits of the connection, seen from this end: what is sent fits what the
 * peer receives, and the other way round.
 */
static inline void rsp_rpcrdma_agree(const struct rsp_rpcrdma_limits *own,
				     const struct rsp_rpcrdma_limits *peer,
				     struct rsp_rpcrdma_limits *both)
{
	both->send = min(own->send, peer->recv);
	both->recv = min(own->recv, peer->send);
	both->remote_inv = peer->remote_inv;
}

_Static_assert(sizeof(struct rsp_rpcrdma_cm) == RSP_RPCRDMA_CM_LEN,
	       "RFC 8797, section 4");

#endif /* _RSP_NFS_PROTO_H */
