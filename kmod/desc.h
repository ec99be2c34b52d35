/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The exchange of descriptors: its messages (docs/wire.md, "Exchange of descriptors"), and what
 * region.c (who publishes), remote.c (who holds) and desc.c (what both need) offer each other.
 */
#ifndef _RSP_DESC_PRIVATE_H
#define _RSP_DESC_PRIVATE_H

#include <linux/rcupdate.h>

#include <rsp/desc.h>

#define RSP_DESC_MAGIC		0x52535064	/* "RSPd" */
#define RSP_DESC_VERSION	1
#define RSP_DESC_MAX_SEG	16		/* segments of one region */
#define RSP_DESC_MAX_ASKED	32		/* requests of a holder that wait for their answer */
#define RSP_DESC_MAX_GRANT	256		/* that one connection has */

/* private data of request and answer */
struct rsp_desc_hello {
	__be32	magic;
	__be32	version;
};

enum rsp_desc_type {
	RSP_DESC_LOOKUP	= 1,	/* holder: what is this? */
	RSP_DESC_FOUND	= 2,	/* publisher: the answer, segments behind it */
	RSP_DESC_RENEW	= 3,	/* holder: I still use it */
	RSP_DESC_RENEWED = 4,	/* publisher: the answer */
	RSP_DESC_REVOKE	= 5,	/* publisher: give it back */
	RSP_DESC_DROP	= 6,	/* holder: I do not use it any more; no answer */
};

/* all numbers big-endian */
struct rsp_desc_msg {
	u8	type;		/* enum rsp_desc_type */
	u8	nr_seg;		/* FOUND: segments behind this */
	__be16	rsvd;
	__be32	req;		/* LOOKUP and its answer: the holder's number */
	__be32	grant;		/* the publisher's number, all but LOOKUP */
	__be32	status;		/* FOUND, RENEWED: 0 or an errno */
	__be64	key;		/* LOOKUP */
	__be32	access;		/* LOOKUP, FOUND: RSP_DESC_READ, RSP_DESC_WRITE */
	__be32	epoch;		/* FOUND */
	__be32	slot_bytes;	/* FOUND */
	__be32	lease_ms;	/* FOUND */
	__be64	len;		/* FOUND */
	char	svc[RSP_NAME_LEN];	/* LOOKUP: ended by a zero */
};

struct rsp_desc_seg {
	__be64	addr;
	__be32	len;
	__be32	rkey;
};

#define RSP_DESC_MSG_BYTES	(sizeof(struct rsp_desc_msg) + \
				 RSP_DESC_MAX_SEG * sizeof(struct rsp_desc_seg))

static_assert(sizeof(struct rsp_desc_msg) == 64);
static_assert(RSP_DESC_MAX_SEG * sizeof(struct rsp_desc_seg) == 256);

/* what is listed, in front of a region or a remote */
struct rsp_desc_entry {
	struct rsp_desc_view	view;
	struct rcu_head		rcu;
};

extern unsigned short rsp_desc_port;

int rsp_desc_add(struct rsp_desc_entry *entry);
void rsp_desc_del(struct rsp_desc_entry *entry);
void rsp_desc_hello_fill(struct rsp_desc_hello *hello);
bool rsp_desc_hello_is_good(const void *pdata, u8 len);
struct rsp_svc *rsp_desc_svc_register(const char *name, const struct rsp_svc_ops *ops);
int rsp_desc_send(struct rsp_chan *chan, struct rsp_svc *svc, struct rsp_buf *buf,
		  const struct rsp_desc_msg *msg, struct rsp_map *map,
		  void (*done)(struct rsp_work *work, int status), void *ctx);
void rsp_desc_init(void);
void rsp_desc_exit(void);

void rsp_region_tick(void);
void rsp_remote_tick(void);

#endif /* _RSP_DESC_PRIVATE_H */
