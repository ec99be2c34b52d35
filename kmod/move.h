/* SPDX-License-Identifier: GPL-2.0 */
/* A channel goes from one mux endpoint to another with its work under way: docs/wire.md, "Moving". */
#ifndef _RSP_MOVE_H
#define _RSP_MOVE_H

#include "mux.h"

void rsp_move_rehome(struct rsp_ep *ep, bool is_rest);
void rsp_move_connected(struct rsp_ep *ep, bool is_up);
void rsp_move_end(struct rsp_chan *chan);
void rsp_move_leave(struct rsp_ep *ep);
bool rsp_move_is_late(const struct rsp_chan *chan);
bool rsp_move_closed(struct rsp_ep *ep, const struct rsp_mux_hdr *hdr);
const char *rsp_move_recv(struct rsp_ep *ep, const struct rsp_mux_hdr *hdr, struct rsp_chan *chan);
const char *rsp_move_recv_attach(struct rsp_ep *ep, const struct rsp_mux_hdr *hdr);

/* May DATA come? Not from a peer that has said its last on one endpoint, and nothing on the other */
static inline bool rsp_move_may_receive(const struct rsp_chan *chan)
{
	int move = smp_load_acquire(&chan->move);

	return move == RSP_MOVE_NONE ||
	       (move == RSP_MOVE_ASKED && chan->view.role == RSP_ROLE_CLIENT);
}

#endif /* _RSP_MOVE_H */
