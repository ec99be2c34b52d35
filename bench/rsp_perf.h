/* SPDX-License-Identifier: GPL-2.0 */
/* Between the files of rsp_perf.ko: messages and RDMA (rsp_perf_msg.c), published regions (_desc.c). */
#ifndef _RSP_PERF_H
#define _RSP_PERF_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct dentry;
struct net;
struct rsp_chan_info;
struct rsp_perf_slot;
struct rsp_svc;
struct sockaddr_storage;

enum rsp_perf_op {
	RSP_PERF_SEND_LAT,
	RSP_PERF_SEND_RATE,
	RSP_PERF_WRITE,
	RSP_PERF_READ,
	RSP_PERF_OPEN,
	RSP_PERF_DESC_READ,
	RSP_PERF_NR_OP,
};

/* One test. Lives in the write() that asked for it */
struct rsp_perf_run {
	/* what was asked for */
	u32			op;
	u32			size;
	u32			iters;
	u32			window;
	u32			verify;
	u32			spoil;
	u32			offset;
	u32			port;
	u32			key;
	u32			timeout_ms;
	char			addr[64];
	char			src[64];

	struct rsp_chan		*chan;
	struct rsp_perf_slot	*slots;
	u32			nr_lat;		/* exchanges, or channels */
	u64			*lat_ns;	/* one for each */
	struct completion	over;
	atomic_t		nr_retry;	/* asked again for a descriptor, or a channel */
	atomic_t		nr_starved;	/* waited for a buffer */

	spinlock_t		lock;		/* below */
	struct list_head	free;		/* slots */
	u32			nr_started;
	u32			nr_done;
	u32			nr_bad;		/* of these with wrong data */
	u32			nr_stale;	/* desc_read: read again, the slot was not good */
	u32			nr_torn;	/* or was being changed */
	u32			nr_lookup;
	u32			in_flight;
	u32			limit;		/* exchanges credits and flow policy allow now */
	u64			start_ns;
	u64			end_ns;
	bool			is_over;
	int			reason;		/* why, if not for its being done */
};

void rsp_perf_fill(void *p, u32 len, u32 seed, u32 pos);
bool rsp_perf_check(const void *p, u32 len, u32 seed, u32 pos);
__printf(2, 3) int rsp_perf_fail(int err, const char *fmt, ...);
int rsp_perf_run_addr(struct rsp_perf_run *run, struct net *net, struct sockaddr_storage *dst);
void rsp_perf_run_end(struct rsp_perf_run *run, int reason);
int rsp_perf_run_finish(struct rsp_perf_run *run, const struct rsp_chan_info *info);

int rsp_perf_desc_exec(struct rsp_perf_run *run);
void rsp_perf_desc_init(struct rsp_svc *svc, struct dentry *dir);
void rsp_perf_desc_exit(void);

#endif /* _RSP_PERF_H */
