/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mux endpoints: channels of many services on one queue pair. The header that stands before
 * every message, docs/wire.md "Mux", and what mux.c offers to endpoints, channels and work.
 */
#ifndef _RSP_MUX_H
#define _RSP_MUX_H

#include "core.h"

#define RSP_MUX_MAX_CHAN	256	/* channels of one endpoint */
#define RSP_MUX_RESERVE		8	/* send slots only control messages may take */
#define RSP_MUX_SQ		512	/* send slots of an endpoint, at least */
#define RSP_MUX_BULK_BYTES	(512 << 10)	/* under RDMA at once, where channels share */
#define RSP_MUX_MAX_GRANT	65536	/* messages a peer can allow ahead */
#define RSP_MUX_MAX_CONTROL	(4 * RSP_MUX_MAX_CHAN)	/* messages about channels that wait for slots */

enum rsp_mux_type {
	RSP_MUX_HELLO	= 1,	/* first message each way: the number of the first channel */
	RSP_MUX_OPEN	= 2,
	RSP_MUX_ACCEPT	= 3,
	RSP_MUX_REJECT	= 4,
	RSP_MUX_CLOSE	= 5,
	RSP_MUX_DATA	= 6,
	RSP_MUX_CREDIT	= 7,
	RSP_MUX_MOVE	= 8,	/* last message about a channel on this endpoint: it goes to another */
	RSP_MUX_ATTACH	= 9,	/* and the first there */
};

#define RSP_MUX_IS_ANSWER	1	/* flags of CLOSE, REJECT, MOVE, ATTACH: no answer to it */

/* all numbers big-endian */
struct rsp_mux_hdr {
	u8	type;		/* enum rsp_mux_type */
	u8	flags;
	__be16	rsvd;
	__be32	chan;		/* the receiver's number of the channel, 0 where it has none yet */
	__be32	seq;		/* DATA: of this channel and direction, from 1 */
	__be32	grant;		/* the last seq that the sender of this takes */
	__be32	len;		/* bytes behind the header */
	__be32	own;		/* HELLO, OPEN, ACCEPT, REJECT, CLOSE: the sender's number of the channel */
	__be32	arg;		/* OPEN: port; REJECT: errno */
	__be32	rsvd2;
	u8	pdata[RSP_PDATA_BYTES];	/* OPEN, ACCEPT: the service's private data; MOVE, ATTACH: a token */
};

static_assert(sizeof(struct rsp_mux_hdr) == RSP_MUX_HDR_BYTES);

int rsp_mux_init(void);
void rsp_mux_exit(void);

int rsp_mux_create(struct rsp_ep *ep);
int rsp_mux_set_ring(struct rsp_ep *ep, u32 nr);
void rsp_mux_unset_ring(struct rsp_ep *ep);
void rsp_mux_destroy(struct rsp_ep *ep);
bool rsp_mux_begin(struct rsp_ep *ep);
bool rsp_mux_ride(struct rsp_ep *from, u32 ep_id);
void rsp_mux_established(struct rsp_ep *ep, const struct rdma_conn_param *cp);
void rsp_mux_down(struct rsp_ep *ep, int reason);
void rsp_mux_tick(struct rsp_ep *ep);
u64 rsp_mux_nr_msg(const struct rsp_ep *ep);

void rsp_mux_received(struct rsp_ep *ep, struct rsp_ibuf *buf);
void rsp_mux_chan_init(struct rsp_chan *chan);
void rsp_mux_chan_fail(struct rsp_chan *chan, int reason);
bool rsp_mux_may_send(const struct rsp_chan *chan);
void rsp_mux_fill(struct rsp_ep *ep, struct rsp_iwork *work);

/* for move.c */
struct rsp_chan *rsp_mux_find_any(u32 num);
struct rsp_chan *rsp_mux_find(struct rsp_ep *ep, u32 num);
struct rsp_chan *rsp_mux_next(struct rsp_ep *ep, u32 *id);
bool rsp_mux_has_room(const struct rsp_ep *ep);
bool rsp_mux_fits(const struct rsp_ep *ep, const struct rsp_conn_param *param);
bool rsp_mux_leads_there(const struct rsp_ep *to, const struct rsp_ep *from,
			 const struct rsp_conn_param *param);
void rsp_mux_idles(struct rsp_ep *ep);
int rsp_mux_say_then(struct rsp_chan *chan, enum rsp_mux_type type, u32 arg, u8 flags,
		     const void *pdata, u8 pdata_len,
		     void (*done)(struct rsp_work *work, int status), gfp_t gfp);
void rsp_mux_tell(struct rsp_chan *chan, enum rsp_mux_type type, u32 arg, u8 flags,
		  const void *pdata, u8 pdata_len, gfp_t gfp);
void rsp_mux_answer(struct rsp_ep *ep, enum rsp_mux_type type, __be32 chan, u32 arg, gfp_t gfp);
bool rsp_mux_take_grant(struct rsp_chan *chan, u32 grant);

#endif /* _RSP_MUX_H */
