/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a host with RSP says of itself in the CM private data, behind what the service says:
 * docs/wire.md, "Hello".
 */
#ifndef _RSP_HELLO_H
#define _RSP_HELLO_H

#include <linux/uuid.h>

#include <rsp/rsp.h>

#define RSP_HELLO_MAGIC		0x52535068	/* "RSPh" */
#define RSP_HELLO_VERSION	1
#define RSP_HELLO_CAN_MUX	1	/* features: endpoints can be shared */
#define RSP_HELLO_MUX		2	/* this one shall be, said in request and answer */
#define RSP_HELLO_CAN_MOVE	4	/* channels can go from one to another */
#define RSP_HELLO_BARE		8	/* this one is without a first channel; only in a request, with MUX */

struct rsp_hello_wire {
	__be32	magic;
	__be16	version;
	__be16	features;
	uuid_t	uuid;
} __packed;

/* the private data of a request or an answer: as long as the CM takes in a request */
struct rsp_pdata {
	u8			svc[RSP_PDATA_BYTES];
	struct rsp_hello_wire	hello;
} __packed;

static_assert(sizeof(struct rsp_pdata) == 56);

/* a hello that was received; version 0: none, a stock peer */
struct rsp_hello {
	u32	version;
	u32	features;
	uuid_t	uuid;
};

int rsp_hello_init(void);
void rsp_hello_fill(struct rsp_pdata *pdata, const void *svc, u8 len, u16 features);
void rsp_hello_parse(struct rsp_hello *hello, const void *pdata, u8 len);

#endif /* _RSP_HELLO_H */
