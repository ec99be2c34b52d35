// SPDX-License-Identifier: GPL-2.0
/*
 * rsp_perf: the smallest complete RSP service, and a benchmark.
 *
 * It shows each thing a service does with kmod/include/rsp/rsp.h: register,
 * listen, connect, send and receive messages, offer memory to a peer, RDMA
 * write and read, hand keys back, obey credits, go down. Read it in this order:
 * the message, memory, server, client, runner, control files, init.
 *
 * One exchange, repeated iters times with up to window of them in flight, each
 * in a slot of its own (a number that both ends know):
 *
 *   send_lat    client: message of size bytes        server: sends it back
 *   send_rate   client: message of size bytes        server: answers without payload
 *   write       client: asks once for a descriptor   server: maps slot, answers with it
 *               client: RDMA write, again and again
 *   read        the same with RDMA read
 *   desc_read   client: looks up what the server publishes, reads slot by slot (rsp_perf_desc.c)
 *
 *   open        no messages: window channels are opened at once, and when all are
 *               there closed again, iters times. The first of each round goes ahead, so
 *               that there is an endpoint an endpoint policy can let the others ride.
 *               A peer that takes no more at a time is asked again. The times are those
 *               from the first attempt until the channel is up
 *
 * With verify=1 every byte is compared with a pattern, and write and read do it
 * the way a service must that looks at its memory: a descriptor is good for one
 * transfer, the message that ends it invalidates the key, and only then the
 * server checks or fills the memory and maps it again for the answer. spoil=1
 * makes the client damage each exchange: errors in the result must equal iters.
 *
 * Control, in debugfs below rsp_perf/ (addresses are of the writer's network
 * namespace):
 *   listen   write "ADDRESS:PORT" ("[fd00::1]:PORT") to serve there, "off" to
 *            end all of it; read it for the list
 *   publish  write "key=7 size=4096 slots=16" to publish, see rsp_perf_desc.c
 *   run      write "op=send_lat addr=10.9.0.1 port=18515 size=64 iters=1000
 *            window=16 verify=1" and wait for its end
 *   result   read the outcome of the last run, a JSON object
 */
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/inet.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include <rsp/rsp.h>

#include "rsp_perf.h"

#define RSP_PERF_MAX_WINDOW	128
#define RSP_PERF_MAX_CHANS	256		/* of op=open */
#define RSP_PERF_MAX_BYTES	(8U << 20)	/* of one transfer */
#define RSP_PERF_MAX_MEM	(64U << 20)	/* of all slots of one end */
#define RSP_PERF_MAX_ITERS	1000000U
#define RSP_PERF_MAX_DESC	32		/* descriptors of one slot */

static unsigned int recv_bytes = 4096;
module_param(recv_bytes, uint, 0444);
MODULE_PARM_DESC(recv_bytes, "largest message in bytes, header included (1024 to 65536)");

/* ---------------------------------------------------------- the message --- */

#define RSP_PERF_MAGIC		0x52535046	/* "RSPF" */

static const char * const rsp_perf_op_name[RSP_PERF_NR_OP] = {
	"send_lat", "send_rate", "write", "read", "open", "desc_read",
};

static bool rsp_perf_is_rdma(u32 op)
{
	return op == RSP_PERF_WRITE || op == RSP_PERF_READ;
}

/* private data of the connect request: what the client is going to do */
struct rsp_perf_hello {
	__le32	magic;
	__le32	op;
	__le32	size;		/* bytes of payload */
	__le32	window;		/* slots */
	__le32	verify;
};

#define RSP_PERF_HAS_DATA	1	/* flags: a transfer went before */

/* in front of every message, both ways */
struct rsp_perf_hdr {
	__le32	magic;
	__le32	slot;
	__le32	flags;
	__le32	seed;		/* of the pattern */
	__le32	credits;	/* what the sender of this message can receive */
	__le32	status;		/* answer: 1 when the data was wrong */
	__le32	nr_desc;	/* answer: descriptors behind this header */
	__le32	rsvd;
};

struct rsp_perf_desc {
	__le64	addr;
	__le32	len;
	__le32	rkey;
};

/* -------------------------------------------------------------- memory --- */

/*
 * A slot is one exchange in flight. Both ends have an array of them; only the
 * fields of their own part are used.
 */
struct rsp_perf_slot {
	struct sg_table		sgt;		/* memory, for write and read */
	u32			index;

	/* server: waits for the key to be invalid, under lock */
	struct rsp_perf_conn	*conn;
	struct mutex		lock;
	struct rsp_map		*map;		/* offered to the client */
	struct rsp_buf		*buf;		/* message to answer */

	/* client: who owns a slot that is not on the free list owns these */
	struct rsp_perf_run	*run;
	struct list_head	free;		/* run->lock */
	struct rsp_stages	stages;
	u32			seed;
	bool			is_asking;	/* for a descriptor; no transfer yet */
	bool			is_bad;		/* wrong data, found at either end */
	atomic_t		nr_wait;	/* answer, completion of the transfer */
	u32			nr_desc;
	struct rsp_desc		desc[RSP_PERF_MAX_DESC];

	/* client, op=open: a slot is a channel */
	struct rsp_chan		*chan;
	bool			is_up;
	int			reason;		/* of its end */
};

static u8 rsp_perf_byte(u32 seed, u32 i)
{
	return ((seed + i) * 0x9e3779b1U) >> 24;
}

void rsp_perf_fill(void *p, u32 len, u32 seed, u32 pos)
{
	u8 *b = p;
	u32 i;

	for (i = 0; i < len; i++)
		b[i] = rsp_perf_byte(seed, pos + i);
}

bool rsp_perf_check(const void *p, u32 len, u32 seed, u32 pos)
{
	const u8 *b = p;
	u32 i;

	for (i = 0; i < len; i++)
		if (b[i] != rsp_perf_byte(seed, pos + i))
			return false;
	return true;
}

static void rsp_perf_slot_fill(struct rsp_perf_slot *slot, u32 seed)
{
	struct scatterlist *sg;
	u32 pos = 0;
	int i;

	for_each_sgtable_sg(&slot->sgt, sg, i) {
		rsp_perf_fill(sg_virt(sg), sg->length, seed, pos);
		pos += sg->length;
	}
}

static bool rsp_perf_slot_check(struct rsp_perf_slot *slot, u32 seed)
{
	struct scatterlist *sg;
	u32 pos = 0;
	int i;

	for_each_sgtable_sg(&slot->sgt, sg, i) {
		if (!rsp_perf_check(sg_virt(sg), sg->length, seed, pos))
			return false;
		pos += sg->length;
	}
	return true;
}

/* a wrong bit on purpose, to see that verify=1 finds it */
static void rsp_perf_slot_spoil(struct rsp_perf_slot *slot)
{
	struct scatterlist *last = sg_last(slot->sgt.sgl, slot->sgt.nents);

	*((u8 *)sg_virt(last) + last->length - 1) ^= 1;
}

/* single pages on purpose: a real service's memory is not contiguous either */
static int rsp_perf_slot_alloc(struct rsp_perf_slot *slot, u32 size, u32 offset)
{
	u32 nr = DIV_ROUND_UP(offset + size, PAGE_SIZE);
	struct scatterlist *sg;
	int i, ret;

	ret = sg_alloc_table(&slot->sgt, nr, GFP_KERNEL);
	if (ret)
		return ret;
	for_each_sgtable_sg(&slot->sgt, sg, i) {
		u32 len = min_t(u32, size, PAGE_SIZE - offset);
		struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

		if (!page)
			return -ENOMEM;
		sg_set_page(sg, page, len, offset);
		size -= len;
		offset = 0;
	}
	return 0;
}

static void rsp_perf_slots_free(struct rsp_perf_slot *slots, u32 nr)
{
	struct scatterlist *sg;
	u32 i;
	int j;

	for (i = 0; slots && i < nr; i++) {
		if (slots[i].sgt.sgl) {
			for_each_sgtable_sg(&slots[i].sgt, sg, j)
				if (sg_page(sg))
					__free_page(sg_page(sg));
			sg_free_table(&slots[i].sgt);
		}
		mutex_destroy(&slots[i].lock);
	}
	kvfree(slots);
}

static struct rsp_perf_slot *rsp_perf_slots_alloc(u32 op, u32 nr, u32 size, u32 offset)
{
	struct rsp_perf_slot *slots;
	u32 i;

	slots = kvcalloc(nr, sizeof(*slots), GFP_KERNEL);
	if (!slots)
		return NULL;
	for (i = 0; i < nr; i++) {
		slots[i].index = i;
		mutex_init(&slots[i].lock);
	}
	for (i = 0; i < nr && rsp_perf_is_rdma(op); i++) {
		if (rsp_perf_slot_alloc(&slots[i], size, offset)) {
			rsp_perf_slots_free(slots, nr);
			return NULL;
		}
	}
	return slots;
}

static u32 rsp_perf_max_send(void)
{
	return recv_bytes - sizeof(struct rsp_perf_hdr);
}

/* NULL when a test of this shape is possible, else what is wrong with it */
static const char *rsp_perf_shape_check(u32 op, u32 size, u32 window)
{
	if (op >= RSP_PERF_NR_OP)
		return "op must be send_lat, send_rate, write, read, open or desc_read";
	if (window < 1 || window > (op == RSP_PERF_OPEN ? RSP_PERF_MAX_CHANS : RSP_PERF_MAX_WINDOW))
		return "window must be 1 to 128, of op=open 1 to 256";
	if (!rsp_perf_is_rdma(op) && op != RSP_PERF_DESC_READ && size > rsp_perf_max_send())
		return "size is larger than a message (module parameter recv_bytes, less 32)";
	if (rsp_perf_is_rdma(op) && (size < 1 || size > RSP_PERF_MAX_BYTES))
		return "size must be 1 to 8388608";
	if (window * (u64)size > RSP_PERF_MAX_MEM)
		return "window times size must be at most 67108864";
	return NULL;
}

/*
 * What both ends ask RSP for. A work is one entry of the send queue however
 * long its chain is; a slot has at most two under way: the end of a transfer
 * and the message behind it.
 */
static void rsp_perf_conn_param(struct rsp_conn_param *param, u32 op, u32 size, u32 window)
{
	param->max_sends = 2 * window;
	param->max_credits = window;
	if (rsp_perf_is_rdma(op)) {
		param->max_rdma_bytes = size;
		param->max_map_bytes = size;
	}
}

/* -------------------------------------------------------------- server --- */

static struct rsp_svc *rsp_perf_srv_svc;
static DEFINE_SPINLOCK(rsp_perf_conns_lock);
static LIST_HEAD(rsp_perf_conns);		/* rsp_perf_conns_lock */

/*
 * A client of ours. References: one from accept() to down(), one for each key
 * on its way to be invalid.
 */
struct rsp_perf_conn {
	struct kref		ref;
	struct list_head	list;		/* rsp_perf_conns */
	struct rsp_chan		*chan;
	u32			op;
	u32			size;
	u32			window;
	bool			verify;
	bool			is_dead;	/* set before down() takes the slots' locks */
	struct rsp_perf_slot	*slots;
};

static void rsp_perf_conn_free(struct kref *ref)
{
	struct rsp_perf_conn *conn = container_of(ref, struct rsp_perf_conn, ref);

	spin_lock(&rsp_perf_conns_lock);
	list_del(&conn->list);
	spin_unlock(&rsp_perf_conns_lock);
	rsp_perf_slots_free(conn->slots, conn->window);
	rsp_chan_put(conn->chan);
	kfree(conn);
}

static void rsp_perf_conn_put(struct rsp_perf_conn *conn)
{
	kref_put(&conn->ref, rsp_perf_conn_free);
}

/* step 1: a client knocks; look at what it wants and make room for it */
static int rsp_perf_srv_accept(struct rsp_chan *chan, void *lsn_ctx, const void *pdata,
			       u8 len, struct rsp_conn_param *param)
{
	const struct rsp_perf_hello *hello = pdata;
	struct rsp_perf_conn *conn;
	u32 i;

	if (len < sizeof(*hello) || hello->magic != cpu_to_le32(RSP_PERF_MAGIC))
		return -EPROTO;

	conn = kzalloc(sizeof(*conn), GFP_KERNEL);
	if (!conn)
		return -ENOMEM;
	kref_init(&conn->ref);
	conn->op = le32_to_cpu(hello->op);
	conn->size = le32_to_cpu(hello->size);
	conn->window = le32_to_cpu(hello->window);
	conn->verify = hello->verify;
	if (conn->op == RSP_PERF_DESC_READ ||
	    rsp_perf_shape_check(conn->op, conn->size, conn->window)) {
		kfree(conn);
		return -EINVAL;
	}
	conn->slots = rsp_perf_slots_alloc(conn->op, conn->window, conn->size, 0);
	if (!conn->slots) {
		kfree(conn);
		return -ENOMEM;
	}
	for (i = 0; i < conn->window; i++)
		conn->slots[i].conn = conn;

	/* our own reference: keys may come back after the channel was closed */
	conn->chan = chan;
	rsp_chan_get(chan);
	rsp_chan_set_priv(chan, conn);
	rsp_perf_conn_param(param, conn->op, conn->size, conn->window);

	spin_lock(&rsp_perf_conns_lock);
	list_add_tail(&conn->list, &rsp_perf_conns);
	spin_unlock(&rsp_perf_conns_lock);
	return 0;
}

static void rsp_perf_srv_up(struct rsp_chan *chan, const void *pdata, u8 len)
{
	/* nothing to say: the client begins */
}

/*
 * step 4: answer in the buffer the message came in. Handing a received buffer
 * on means that an answer can never lack one.
 */
static void rsp_perf_srv_answer(struct rsp_perf_slot *slot, struct rsp_buf *buf, bool is_bad)
{
	struct rsp_perf_conn *conn = slot->conn;
	struct rsp_perf_hdr *hdr = buf->data;
	u32 len = sizeof(*hdr), i, nr = 0;
	struct rsp_work *work;

	work = rsp_work_get(conn->chan, GFP_NOIO);
	if (!work) {
		rsp_buf_put(buf);
		rsp_chan_kill(conn->chan);
		return;
	}

	if (slot->map) {
		struct rsp_perf_desc *out = (void *)(hdr + 1);
		const struct rsp_desc *desc = rsp_map_descs(slot->map, &nr);

		/* the registration travels in front of the message, in one chain */
		rsp_work_add_map(work, slot->map);
		for (i = 0; i < nr; i++) {
			out[i].addr = cpu_to_le64(desc[i].addr);
			out[i].len = cpu_to_le32(desc[i].len);
			out[i].rkey = cpu_to_le32(desc[i].rkey);
		}
		len += nr * sizeof(*out);
	} else if (conn->op == RSP_PERF_SEND_LAT) {
		len += conn->size;		/* it is still there */
	}
	hdr->flags = 0;
	hdr->credits = cpu_to_le32(rsp_chan_grant(conn->chan));
	hdr->status = cpu_to_le32(is_bad);
	hdr->nr_desc = cpu_to_le32(nr);

	/* from here work and buffer are RSP's. No done(): nothing waits for it */
	rsp_work_set_send(work, buf, len);
	if (rsp_work_post(work))
		rsp_chan_kill(conn->chan);
}

/* step 3: no peer can touch the memory of @slot any more; look at it, offer it anew */
static void rsp_perf_srv_slot_safe(struct rsp_perf_slot *slot)
{
	struct rsp_perf_conn *conn = slot->conn;
	struct rsp_perf_hdr *hdr;
	struct rsp_map *map;
	struct rsp_buf *buf;
	bool is_bad = false;
	u32 seed;

	mutex_lock(&slot->lock);
	buf = slot->buf;
	slot->buf = NULL;
	if (READ_ONCE(conn->is_dead))
		goto err_put_buf;

	hdr = buf->data;
	seed = le32_to_cpu(hdr->seed);
	if (conn->op == RSP_PERF_WRITE && conn->verify &&
	    hdr->flags & cpu_to_le32(RSP_PERF_HAS_DATA))
		is_bad = !rsp_perf_slot_check(slot, seed);
	if (conn->op == RSP_PERF_READ && conn->verify)
		rsp_perf_slot_fill(slot, seed);

	map = rsp_map_get(conn->chan, slot->sgt.sgl, slot->sgt.nents,
			  conn->op == RSP_PERF_WRITE ? RSP_DIR_IN : RSP_DIR_OUT, GFP_NOIO);
	if (IS_ERR(map)) {
		/* out of keys: an answer without descriptor, the client asks again */
		if (PTR_ERR(map) != -EAGAIN && PTR_ERR(map) != -ENOMEM)
			goto err_kill;
		map = NULL;
	}
	slot->map = map;
	rsp_perf_srv_answer(slot, buf, is_bad);
	mutex_unlock(&slot->lock);
	return;

err_kill:
	rsp_chan_kill(conn->chan);
err_put_buf:
	rsp_buf_put(buf);
	mutex_unlock(&slot->lock);
}

static void rsp_perf_srv_map_done(void *ctx, int status)
{
	struct rsp_perf_slot *slot = ctx;
	struct rsp_perf_conn *conn = slot->conn;

	rsp_perf_srv_slot_safe(slot);
	rsp_perf_conn_put(conn);
}

/* step 2: a message. We own @buf until we put it or hand it on */
static void rsp_perf_srv_recv(struct rsp_chan *chan, struct rsp_buf *buf)
{
	struct rsp_perf_conn *conn = rsp_chan_priv(chan);
	struct rsp_perf_hdr *hdr = buf->data;
	struct rsp_perf_slot *slot;
	struct rsp_map *map;
	u32 len, inv_rkey = buf->inv_rkey;

	/* believe nothing that came over the wire */
	len = sizeof(*hdr) + (!rsp_perf_is_rdma(conn->op) ? conn->size : 0);
	if (buf->len != len || hdr->magic != cpu_to_le32(RSP_PERF_MAGIC) ||
	    le32_to_cpu(hdr->slot) >= conn->window)
		goto err_kill;
	slot = &conn->slots[le32_to_cpu(hdr->slot)];
	rsp_chan_set_peer_grant(chan, le32_to_cpu(hdr->credits));

	if (!rsp_perf_is_rdma(conn->op)) {
		bool is_bad = conn->verify &&
			      !rsp_perf_check(hdr + 1, conn->size, le32_to_cpu(hdr->seed), 0);

		rsp_perf_srv_answer(slot, buf, is_bad);
		return;
	}

	mutex_lock(&slot->lock);
	if (slot->buf) {		/* two messages for one slot */
		mutex_unlock(&slot->lock);
		goto err_kill;
	}
	slot->buf = buf;
	map = slot->map;
	slot->map = NULL;
	mutex_unlock(&slot->lock);

	/*
	 * Our memory is ours again only when the key is invalid: at once when
	 * the client did that with its message, else after our own request.
	 */
	kref_get(&conn->ref);
	if (map && rsp_map_put(map, inv_rkey, rsp_perf_srv_map_done, slot) == -EINPROGRESS)
		return;
	rsp_perf_srv_map_done(slot, 0);
	return;

err_kill:
	rsp_buf_put(buf);
	rsp_chan_kill(chan);
}

static void rsp_perf_srv_down_done(void *ctx, int status)
{
	rsp_perf_conn_put(ctx);
}

/* step 5: over. Take back what is still offered, then let go */
static void rsp_perf_srv_down(struct rsp_chan *chan, int reason)
{
	struct rsp_perf_conn *conn = rsp_chan_priv(chan);
	struct rsp_map *map;
	u32 i;

	WRITE_ONCE(conn->is_dead, true);
	for (i = 0; i < conn->window; i++) {
		struct rsp_perf_slot *slot = &conn->slots[i];

		mutex_lock(&slot->lock);
		map = slot->map;
		slot->map = NULL;
		mutex_unlock(&slot->lock);
		if (!map)
			continue;
		kref_get(&conn->ref);
		if (rsp_map_put(map, 0, rsp_perf_srv_down_done, conn) != -EINPROGRESS)
			rsp_perf_conn_put(conn);
	}
	rsp_chan_close(chan);
	rsp_perf_conn_put(conn);
}

static const struct rsp_svc_ops rsp_perf_srv_ops = {
	.accept	= rsp_perf_srv_accept,
	.up	= rsp_perf_srv_up,
	.recv	= rsp_perf_srv_recv,
	.down	= rsp_perf_srv_down,
};

/* -------------------------------------------------------------- client --- */

static struct rsp_svc *rsp_perf_cli_svc;
static DEFINE_MUTEX(rsp_perf_current_lock);
static struct rsp_perf_run *rsp_perf_current;	/* rsp_perf_current_lock */

static void rsp_perf_cli_pump(struct rsp_perf_run *run);

void rsp_perf_run_end(struct rsp_perf_run *run, int reason)
{
	spin_lock(&run->lock);
	if (!run->is_over) {
		run->is_over = true;
		run->reason = reason;
	}
	spin_unlock(&run->lock);
	complete(&run->over);
}

/* a failed post on a channel that goes down is down()'s to report */
static void rsp_perf_run_failed(struct rsp_perf_run *run, int err)
{
	if (rsp_chan_is_up(run->chan))
		rsp_perf_run_end(run, err);
}

/* @slot has done nothing yet that counts: back to the free list, first in line */
static void rsp_perf_cli_undo(struct rsp_perf_slot *slot, int status)
{
	struct rsp_perf_run *run = slot->run;
	u32 limit = rsp_chan_acked(run->chan, 0, ktime_get_ns() - slot->stages.sent_ns, status,
				   &slot->stages);

	spin_lock(&run->lock);
	run->nr_started--;
	run->in_flight--;
	run->limit = limit;
	list_add(&slot->free, &run->free);
	spin_unlock(&run->lock);
}

/* step 5: an exchange is finished; count it and start the next */
static void rsp_perf_cli_finish(struct rsp_perf_slot *slot)
{
	struct rsp_perf_run *run = slot->run;
	u64 now = ktime_get_ns(), lat = now - slot->stages.sent_ns;
	u32 limit = rsp_chan_acked(run->chan, run->size, lat, 0, &slot->stages);
	bool is_over;

	spin_lock(&run->lock);
	run->nr_bad += slot->is_bad;
	slot->is_bad = false;
	if (run->nr_done < run->iters)
		run->lat_ns[run->nr_done++] = lat;
	run->in_flight--;
	run->limit = limit;
	run->end_ns = now;
	list_add_tail(&slot->free, &run->free);
	is_over = run->nr_done == run->iters;
	spin_unlock(&run->lock);

	if (is_over)
		rsp_perf_run_end(run, 0);
	else
		rsp_perf_cli_pump(run);
}

/* the answer and the completion of the transfer come in any order: wait for both */
static void rsp_perf_cli_part_done(struct rsp_perf_slot *slot)
{
	if (atomic_dec_and_test(&slot->nr_wait))
		rsp_perf_cli_finish(slot);
}

/* append the message of @slot to @work */
static int rsp_perf_cli_add_msg(struct rsp_perf_slot *slot, struct rsp_work *work, bool has_data)
{
	struct rsp_perf_run *run = slot->run;
	u32 payload = !rsp_perf_is_rdma(run->op) ? run->size : 0;
	struct rsp_perf_hdr *hdr;
	struct rsp_buf *buf;

	buf = rsp_buf_get(rsp_perf_cli_svc, sizeof(*hdr) + payload, GFP_NOIO);
	if (!buf)
		return -EAGAIN;
	hdr = buf->data;
	memset(hdr, 0, sizeof(*hdr));
	hdr->magic = cpu_to_le32(RSP_PERF_MAGIC);
	hdr->slot = cpu_to_le32(slot->index);
	hdr->seed = cpu_to_le32(slot->seed);
	hdr->credits = cpu_to_le32(rsp_chan_grant(run->chan));
	if (has_data)
		hdr->flags = cpu_to_le32(RSP_PERF_HAS_DATA);
	if (run->verify)
		rsp_perf_fill(hdr + 1, payload, slot->seed, 0);
	if (run->spoil && payload)
		((u8 *)(hdr + 1))[payload / 2] ^= 1;
	rsp_work_set_send(work, buf, sizeof(*hdr) + payload);

	/* the descriptor is used up: take the key from the server's memory with this message */
	if (has_data && slot->nr_desc)
		rsp_work_set_inv(work, slot->desc[0].rkey);
	return 0;
}

/* step 2 of send_*, and how write and read ask for a descriptor */
static int rsp_perf_cli_tell(struct rsp_perf_slot *slot, bool has_data)
{
	struct rsp_work *work = rsp_work_get(slot->run->chan, GFP_NOIO);
	int ret;

	if (!work)
		return -EAGAIN;
	ret = rsp_perf_cli_add_msg(slot, work, has_data);
	if (ret) {
		rsp_work_free(work);
		return ret;
	}
	work->posted_ns = &slot->stages.posted_ns;
	return rsp_work_post(work);
}

/* step 3 of write and read: the transfer has completed */
static void rsp_perf_cli_moved(struct rsp_work *work, int status)
{
	struct rsp_perf_slot *slot = work->ctx;
	struct rsp_perf_run *run = slot->run;
	int ret;

	if (status)		/* down() follows and says why */
		return;
	if (run->op == RSP_PERF_READ && run->verify) {
		if (run->spoil)
			rsp_perf_slot_spoil(slot);
		if (!rsp_perf_slot_check(slot, slot->seed))
			slot->is_bad = true;
		/* no message can stand behind a read in one chain: its data must be here first */
		slot->seed++;		/* what the server shall fill in next */
		ret = rsp_perf_cli_tell(slot, true);
		if (ret == -EAGAIN) {	/* no buffer: ask for a new descriptor later */
			slot->nr_desc = 0;
			rsp_perf_cli_part_done(slot);
		} else if (ret) {
			rsp_perf_run_failed(run, ret);
		}
	}
	rsp_perf_cli_part_done(slot);
}

/* step 2 of write and read: move the bytes, by as many descriptors as the server gave */
static int rsp_perf_cli_move(struct rsp_perf_slot *slot)
{
	struct rsp_perf_run *run = slot->run;
	struct rsp_work *work;
	u32 i, pos = 0;
	int ret;

	work = rsp_work_get(run->chan, GFP_NOIO);
	if (!work)
		return -EAGAIN;
	work->done = rsp_perf_cli_moved;
	work->ctx = slot;
	for (i = 0; i < slot->nr_desc; i++) {
		ret = rsp_work_add_rw(work, run->op == RSP_PERF_WRITE ? RSP_DIR_OUT : RSP_DIR_IN,
				      slot->sgt.sgl, slot->sgt.nents, pos, &slot->desc[i]);
		if (ret)
			goto err_free_work;
		pos += slot->desc[i].len;
	}
	atomic_set(&slot->nr_wait, run->verify ? 2 : 1);
	if (run->op == RSP_PERF_WRITE && run->verify) {
		rsp_perf_slot_fill(slot, slot->seed);
		if (run->spoil)
			rsp_perf_slot_spoil(slot);
		ret = rsp_perf_cli_add_msg(slot, work, true);
		if (ret)
			goto err_free_work;
	}
	work->posted_ns = &slot->stages.posted_ns;
	return rsp_work_post(work);

err_free_work:
	rsp_work_free(work);
	return ret;
}

static int rsp_perf_cli_start(struct rsp_perf_slot *slot)
{
	struct rsp_perf_run *run = slot->run;

	slot->stages.sent_ns = ktime_get_ns();
	if (rsp_perf_is_rdma(run->op) && slot->nr_desc) {
		if (run->op == RSP_PERF_WRITE)
			slot->seed++;
		return rsp_perf_cli_move(slot);
	}
	slot->is_asking = rsp_perf_is_rdma(run->op);
	slot->seed++;
	atomic_set(&slot->nr_wait, 1);
	return rsp_perf_cli_tell(slot, false);
}

/* a buffer was missing, now there may be one. The run may be over by now */
static void rsp_perf_cli_wake(void *arg)
{
	mutex_lock(&rsp_perf_current_lock);
	if (rsp_perf_current)
		rsp_perf_cli_pump(rsp_perf_current);
	mutex_unlock(&rsp_perf_current_lock);
}

/* start as many exchanges as window, credits and flow policy allow */
static void rsp_perf_cli_pump(struct rsp_perf_run *run)
{
	struct rsp_perf_slot *slot;
	int ret;

	for (;;) {
		spin_lock(&run->lock);
		slot = list_first_entry_or_null(&run->free, struct rsp_perf_slot, free);
		if (!slot || run->is_over || run->nr_started == run->iters ||
		    run->in_flight >= run->limit) {
			spin_unlock(&run->lock);
			return;
		}
		list_del(&slot->free);
		run->nr_started++;
		run->in_flight++;
		if (!run->start_ns && (!rsp_perf_is_rdma(run->op) || slot->nr_desc))
			run->start_ns = ktime_get_ns();
		spin_unlock(&run->lock);

		rsp_chan_sent(run->chan);
		ret = rsp_perf_cli_start(slot);
		if (!ret)
			continue;
		if (ret != -EAGAIN) {
			rsp_perf_run_failed(run, ret);
			return;
		}

		/* no buffer or no memory: undo, and come back when there is some */
		rsp_perf_cli_undo(slot, -EAGAIN);
		atomic_inc(&run->nr_starved);
		rsp_buf_wake(rsp_perf_cli_svc, rsp_perf_cli_wake, NULL);
		return;
	}
}

/* step 4: the server's answer. true when it makes sense */
static bool rsp_perf_cli_answer(struct rsp_perf_run *run, struct rsp_buf *buf,
				struct rsp_perf_slot **out)
{
	struct rsp_perf_hdr *hdr = buf->data;
	struct rsp_perf_desc *desc = (void *)(hdr + 1);
	u32 i, nr, len = sizeof(*hdr), sum = 0;
	struct rsp_perf_slot *slot;

	if (buf->len < sizeof(*hdr) || hdr->magic != cpu_to_le32(RSP_PERF_MAGIC) ||
	    le32_to_cpu(hdr->slot) >= run->window)
		return false;
	slot = &run->slots[le32_to_cpu(hdr->slot)];
	if (!atomic_read(&slot->nr_wait))	/* nobody asked */
		return false;
	*out = slot;
	if (hdr->status)
		slot->is_bad = true;

	if (!rsp_perf_is_rdma(run->op)) {
		if (run->op == RSP_PERF_SEND_LAT)
			len += run->size;
		if (buf->len != len)
			return false;
		if (run->op == RSP_PERF_SEND_LAT && run->verify &&
		    !rsp_perf_check(hdr + 1, run->size, slot->seed, 0))
			slot->is_bad = true;
		return true;
	}

	nr = le32_to_cpu(hdr->nr_desc);
	if (nr > RSP_PERF_MAX_DESC || buf->len != len + nr * sizeof(*desc))
		return false;
	for (i = 0; i < nr; i++) {
		slot->desc[i].addr = le64_to_cpu(desc[i].addr);
		slot->desc[i].len = le32_to_cpu(desc[i].len);
		slot->desc[i].rkey = le32_to_cpu(desc[i].rkey);
		if (slot->desc[i].len > run->size - sum)
			return false;
		sum += slot->desc[i].len;
	}
	slot->nr_desc = nr;
	return !nr || sum == run->size;
}

/* the service's pointer is a slot of the run, the first one where there is but one channel */
static struct rsp_perf_run *rsp_perf_run_of(const struct rsp_chan *chan)
{
	return ((struct rsp_perf_slot *)rsp_chan_priv(chan))->run;
}

static void rsp_perf_cli_recv(struct rsp_chan *chan, struct rsp_buf *buf)
{
	struct rsp_perf_run *run = rsp_perf_run_of(chan);
	struct rsp_perf_slot *slot;
	u32 limit;

	if (!rsp_perf_cli_answer(run, buf, &slot)) {
		rsp_buf_put(buf);
		rsp_perf_run_end(run, -EPROTO);
		return;
	}
	limit = rsp_chan_set_peer_grant(chan, le32_to_cpu(((struct rsp_perf_hdr *)buf->data)->credits));
	slot->stages.replied_ns = buf->recv_ns;
	rsp_buf_put(buf);
	spin_lock(&run->lock);
	run->limit = limit;
	spin_unlock(&run->lock);

	if (!slot->is_asking) {
		rsp_perf_cli_part_done(slot);
		return;
	}
	/* the descriptor we asked for, or none: the slot asks again then */
	slot->is_asking = false;
	if (!slot->nr_desc)
		atomic_inc(&run->nr_retry);
	rsp_perf_cli_undo(slot, 0);
	rsp_perf_cli_pump(run);
}

/* op=open: a channel is up, or will not be. The last one tells the runner */
static void rsp_perf_open_known(struct rsp_perf_run *run)
{
	bool is_last;

	spin_lock(&run->lock);
	is_last = !--run->in_flight;
	spin_unlock(&run->lock);
	if (is_last)
		complete(&run->over);
}

/* step 1: connected. One exchange is always allowed; the first answer says how many more */
static void rsp_perf_cli_up(struct rsp_chan *chan, const void *pdata, u8 len)
{
	struct rsp_perf_run *run = rsp_perf_run_of(chan);

	if (run->op == RSP_PERF_OPEN) {
		struct rsp_perf_slot *slot = rsp_chan_priv(chan);

		slot->is_up = true;
		spin_lock(&run->lock);
		run->lat_ns[run->nr_done++] = ktime_get_ns() - slot->stages.sent_ns;
		spin_unlock(&run->lock);
		rsp_perf_open_known(run);
		return;
	}
	spin_lock(&run->lock);
	run->chan = chan;
	run->limit = 1;
	spin_unlock(&run->lock);
	rsp_perf_cli_pump(run);
}

/* the runner closes the channel */
static void rsp_perf_cli_down(struct rsp_chan *chan, int reason)
{
	struct rsp_perf_run *run = rsp_perf_run_of(chan);

	if (run->op == RSP_PERF_OPEN) {
		struct rsp_perf_slot *slot = rsp_chan_priv(chan);

		slot->reason = reason ?: -ECONNRESET;
		if (!slot->is_up)
			rsp_perf_open_known(run);
		return;
	}
	rsp_perf_run_end(run, reason ?: -ECONNRESET);
}

static const struct rsp_svc_ops rsp_perf_cli_ops = {
	.up	= rsp_perf_cli_up,
	.recv	= rsp_perf_cli_recv,
	.down	= rsp_perf_cli_down,
};

/* -------------------------------------------------------------- runner --- */

static DEFINE_MUTEX(rsp_perf_run_lock);		/* one run at a time */
static DEFINE_MUTEX(rsp_perf_result_lock);
static char rsp_perf_result[1024] = "{}\n";	/* rsp_perf_result_lock */

int rsp_perf_fail(int err, const char *fmt, ...)
{
	char text[160], *p;
	va_list args;

	va_start(args, fmt);
	vscnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (p = text; *p; p++)		/* parts of it are what somebody wrote */
		if (*p == '"' || *p == '\\' || *p < ' ' || *p > '~')
			*p = '?';
	pr_info("%s\n", text);
	mutex_lock(&rsp_perf_result_lock);
	scnprintf(rsp_perf_result, sizeof(rsp_perf_result),
		  "{\"error\": \"%s\", \"errno\": %d}\n", text, -err);
	mutex_unlock(&rsp_perf_result_lock);
	return err;
}

static int rsp_perf_cmp_ns(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static void rsp_perf_run_report(struct rsp_perf_run *run, const struct rsp_chan_info *info)
{
	u64 elapsed = max_t(u64, run->end_ns - run->start_ns, 1), sum = 0;
	u32 i, n = run->nr_lat;
	size_t at;

	sort(run->lat_ns, n, sizeof(u64), rsp_perf_cmp_ns, NULL);
	for (i = 0; i < n; i++)
		sum += run->lat_ns[i];

	mutex_lock(&rsp_perf_result_lock);
	at = scnprintf(rsp_perf_result, sizeof(rsp_perf_result),
		       "{\"op\": \"%s\", \"dev\": \"%s\", \"vector\": %u, \"addr\": \"%s\", \"port\": %u,"
		       " \"iters\": %u, \"window\": %u, \"errors\": %u,"
		       " \"elapsed_ns\": %llu, \"lat_ns_min\": %llu, \"lat_ns_mean\": %llu,"
		       " \"lat_ns_p50\": %llu, \"lat_ns_p99\": %llu, \"lat_ns_max\": %llu,",
		       rsp_perf_op_name[run->op], info->dev, info->vector, run->addr, run->port,
		       run->iters, run->window, run->nr_bad, elapsed, run->lat_ns[0],
		       div64_u64(sum, n), run->lat_ns[(n - 1) / 2],
		       run->lat_ns[(u32)((n - 1) * 99ULL / 100)], run->lat_ns[n - 1]);
	if (run->op == RSP_PERF_OPEN)
		scnprintf(rsp_perf_result + at, sizeof(rsp_perf_result) - at,
			  " \"chans\": %u, \"retries\": %d, \"chans_per_s\": %llu}\n",
			  n, atomic_read(&run->nr_retry),
			  div64_u64((u64)n * NSEC_PER_SEC, elapsed));
	else if (run->op == RSP_PERF_DESC_READ)
		scnprintf(rsp_perf_result + at, sizeof(rsp_perf_result) - at,
			  " \"size_bytes\": %u, \"verify\": %u, \"lookups\": %u, \"stale\": %u,"
			  " \"torn\": %u, \"msgs_per_s\": %llu, \"bytes_per_s\": %llu}\n",
			  run->size, run->verify, run->nr_lookup, run->nr_stale, run->nr_torn,
			  div64_u64((u64)n * NSEC_PER_SEC, elapsed),
			  mul_u64_u64_div_u64((u64)n * run->size, NSEC_PER_SEC, elapsed));
	else
		scnprintf(rsp_perf_result + at, sizeof(rsp_perf_result) - at,
			  " \"size_bytes\": %u, \"verify\": %u, \"offset_bytes\": %u,"
			  " \"desc_retries\": %d, \"starved\": %d,"
			  " \"msgs_per_s\": %llu, \"bytes_per_s\": %llu}\n",
			  run->size, run->verify, run->offset, atomic_read(&run->nr_retry),
			  atomic_read(&run->nr_starved),
			  div64_u64((u64)n * NSEC_PER_SEC, elapsed),
			  mul_u64_u64_div_u64((u64)n * run->size, NSEC_PER_SEC, elapsed));
	mutex_unlock(&rsp_perf_result_lock);
}

/* it is over, as it was to be or not */
int rsp_perf_run_finish(struct rsp_perf_run *run, const struct rsp_chan_info *info)
{
	if (run->reason)
		return rsp_perf_fail(run->reason, "%s to %s port %u ended after %u of %u: %pe",
				     rsp_perf_op_name[run->op], run->addr, run->port,
				     run->nr_done, run->iters, ERR_PTR(run->reason));
	rsp_perf_run_report(run, info);
	return 0;
}

/* its destination. Return: 0, or what rsp_perf_fail() says */
int rsp_perf_run_addr(struct rsp_perf_run *run, struct net *net, struct sockaddr_storage *dst)
{
	char port[8];

	snprintf(port, sizeof(port), "%u", run->port);
	if (inet_pton_with_scope(net, AF_UNSPEC, run->addr, port, dst))
		return rsp_perf_fail(-EINVAL, "addr=%s is no address", run->addr);
	return 0;
}

/* where a run connects to, and as what */
struct rsp_perf_dest {
	struct net		*net;
	struct sockaddr_storage	dst, src;
	struct rsp_perf_hello	hello;
	struct rsp_conn_param	param;
};

static int rsp_perf_dest_init(struct rsp_perf_dest *dest, struct rsp_perf_run *run)
{
	/* a channel of op=open has nothing to say */
	u32 window = run->op == RSP_PERF_OPEN ? 1 : run->window;
	int err;

	dest->net = current->nsproxy->net_ns;
	err = rsp_perf_run_addr(run, dest->net, &dest->dst);
	if (err)
		return err;
	if (run->src[0] && inet_pton_with_scope(dest->net, AF_UNSPEC, run->src, "0", &dest->src))
		return rsp_perf_fail(-EINVAL, "src=%s is no address", run->src);
	dest->hello = (struct rsp_perf_hello){
		.magic	= cpu_to_le32(RSP_PERF_MAGIC),
		.op	= cpu_to_le32(run->op),
		.size	= cpu_to_le32(run->size),
		.window	= cpu_to_le32(window),
		.verify	= cpu_to_le32(run->verify),
	};
	dest->param = (struct rsp_conn_param){
		.pdata = &dest->hello, .pdata_len = sizeof(dest->hello),
	};
	rsp_perf_conn_param(&dest->param, run->op, run->size, window);
	return 0;
}

static struct rsp_chan *rsp_perf_dest_connect(struct rsp_perf_dest *dest, struct rsp_perf_slot *slot)
{
	return rsp_chan_connect(rsp_perf_cli_svc, dest->net,
				slot->run->src[0] ? (struct sockaddr *)&dest->src : NULL,
				(struct sockaddr *)&dest->dst, &dest->param, slot, 5000);
}

/* the outcome is known of all that were asked for; or it took too long, or there was a signal */
static int rsp_perf_run_wait(struct rsp_perf_run *run, unsigned long end)
{
	long left = end - jiffies;

	left = wait_for_completion_interruptible_timeout(&run->over, max(left, 1L));
	return left > 0 ? 0 : left ? -EINTR : -ETIMEDOUT;
}

/*
 * op=open: ask for those of @nr slots from @slot on that have no channel, all at once.
 * Return: how many are still without because the peer takes no more now, or what went wrong
 */
static int rsp_perf_open_some(struct rsp_perf_dest *dest, struct rsp_perf_slot *slot, u32 nr,
			      unsigned long end)
{
	struct rsp_perf_run *run = slot->run;
	int err = 0, nr_busy = 0;
	u32 i;

	reinit_completion(&run->over);
	run->in_flight = 1;		/* until all have been asked for */
	for (i = 0; i < nr && !err; i++) {
		struct rsp_chan *chan;

		if (slot[i].chan)
			continue;
		slot[i].is_up = false;
		slot[i].reason = 0;
		slot[i].stages.sent_ns = slot[i].stages.sent_ns ?: ktime_get_ns();
		spin_lock(&run->lock);
		run->in_flight++;
		spin_unlock(&run->lock);
		chan = rsp_perf_dest_connect(dest, &slot[i]);
		if (IS_ERR(chan)) {
			rsp_perf_open_known(run);
			err = PTR_ERR(chan);
		} else {
			slot[i].chan = chan;
		}
	}
	rsp_perf_open_known(run);
	err = err ?: rsp_perf_run_wait(run, end);
	for (i = 0; i < nr && !err; i++) {
		if (slot[i].is_up)
			continue;
		rsp_chan_close(slot[i].chan);
		slot[i].chan = NULL;
		if (slot[i].reason != -EBUSY)
			err = slot[i].reason;
		nr_busy++;
	}
	return err ?: nr_busy;
}

static void rsp_perf_open_close(struct rsp_perf_run *run)
{
	u32 i;

	for (i = 0; i < run->window; i++)
		if (run->slots[i].chan)
			rsp_chan_kill(run->slots[i].chan);
	for (i = 0; i < run->window; i++) {
		if (run->slots[i].chan)
			rsp_chan_close(run->slots[i].chan);
		run->slots[i].chan = NULL;
		run->slots[i].stages.sent_ns = 0;
	}
}

static int rsp_perf_open_round(struct rsp_perf_dest *dest, struct rsp_perf_run *run,
			       unsigned long end)
{
	u32 first = 0, nr = 1, i;
	int ret;

	do {
		ret = rsp_perf_open_some(dest, run->slots + first, nr, end);
		if (ret > 0)
			atomic_add(ret, &run->nr_retry);
		if (!ret) {
			first += nr;
			nr = run->window - first;
		}
	} while (ret >= 0 && nr);
	/* one that came up may have ended while others were asked for */
	for (i = 0; i < run->window && !ret; i++)
		ret = READ_ONCE(run->slots[i].reason);
	return ret ?: run->reason;
}

static int rsp_perf_open_exec(struct rsp_perf_run *run)
{
	unsigned long end = jiffies + msecs_to_jiffies(run->timeout_ms);
	struct rsp_chan_info info = {};
	struct rsp_perf_dest dest;
	u32 i;
	int ret;

	ret = rsp_perf_dest_init(&dest, run);
	if (ret)
		return ret;
	run->start_ns = ktime_get_ns();
	for (i = 0; i < run->iters && !ret; i++) {
		ret = rsp_perf_open_round(&dest, run, end);
		if (!ret)
			rsp_chan_info(run->slots[0].chan, &info);
		rsp_perf_open_close(run);
	}
	run->end_ns = ktime_get_ns();
	if (ret)
		return rsp_perf_fail(ret, "open to %s port %u ended after %u of %u: %pe", run->addr,
				     run->port, run->nr_done, run->nr_lat, ERR_PTR(ret));
	rsp_perf_run_report(run, &info);
	return 0;
}

static int rsp_perf_run_exec(struct rsp_perf_run *run)
{
	unsigned long end = jiffies + msecs_to_jiffies(run->timeout_ms);
	struct rsp_perf_dest dest;
	struct rsp_chan_info info;
	struct rsp_chan *chan;
	int ret;

	ret = rsp_perf_dest_init(&dest, run);
	if (ret)
		return ret;
	chan = rsp_perf_dest_connect(&dest, run->slots);
	if (IS_ERR(chan))
		return rsp_perf_fail(PTR_ERR(chan), "cannot connect to %s port %u: %pe",
				     run->addr, run->port, chan);
	mutex_lock(&rsp_perf_current_lock);
	rsp_perf_current = run;
	mutex_unlock(&rsp_perf_current_lock);

	ret = rsp_perf_run_wait(run, end);
	if (ret)
		rsp_perf_run_end(run, ret);

	mutex_lock(&rsp_perf_current_lock);
	rsp_perf_current = NULL;
	mutex_unlock(&rsp_perf_current_lock);
	rsp_chan_info(chan, &info);
	/* after this no callback of the channel runs, the slots are ours alone */
	rsp_chan_close(chan);

	return rsp_perf_run_finish(run, &info);
}

/* ------------------------------------------------------- control files --- */

static int rsp_perf_run_parse(struct rsp_perf_run *run, char *text)
{
	const struct { const char *key; u32 *val; u32 min, max; } nums[] = {
		{ "port",	&run->port,	1, 65535 },
		{ "key",	&run->key,	0, U32_MAX },
		{ "size",	&run->size,	0, RSP_PERF_MAX_BYTES },
		{ "iters",	&run->iters,	1, RSP_PERF_MAX_ITERS },
		{ "window",	&run->window,	1, RSP_PERF_MAX_CHANS },
		{ "verify",	&run->verify,	0, 1 },
		{ "spoil",	&run->spoil,	0, 1 },
		{ "offset",	&run->offset,	0, PAGE_SIZE - 1 },
		{ "timeout_ms",	&run->timeout_ms, 1, 3600000 },
	};
	const char *wrong;
	char *word, *val;
	int i;

	while ((word = strsep(&text, " \t\n"))) {
		if (!*word)
			continue;
		val = strchr(word, '=');
		if (!val)
			return rsp_perf_fail(-EINVAL, "%s: KEY=VALUE wanted", word);
		*val++ = 0;

		if (!strcmp(word, "op")) {
			i = match_string(rsp_perf_op_name, RSP_PERF_NR_OP, val);
			run->op = i < 0 ? RSP_PERF_NR_OP : i;
			continue;
		}
		if (!strcmp(word, "addr") || !strcmp(word, "src")) {
			char *to = *word == 'a' ? run->addr : run->src;

			if (strscpy(to, val, sizeof(run->addr)) < 0)
				return rsp_perf_fail(-EINVAL, "%s is too long", word);
			continue;
		}
		for (i = 0; i < ARRAY_SIZE(nums); i++)
			if (!strcmp(word, nums[i].key))
				break;
		if (i == ARRAY_SIZE(nums))
			return rsp_perf_fail(-EINVAL,
				"%s is no key: op addr src port key size iters window verify spoil offset timeout_ms",
				word);
		if (kstrtou32(val, 10, nums[i].val) || *nums[i].val < nums[i].min ||
		    *nums[i].val > nums[i].max)
			return rsp_perf_fail(-EINVAL, "%s must be %u to %u", word,
					     nums[i].min, nums[i].max);
	}
	if (!run->addr[0])
		return rsp_perf_fail(-EINVAL, "addr=ADDRESS is missing");
	if (!run->port && run->op != RSP_PERF_DESC_READ)
		run->port = 18515;
	wrong = rsp_perf_shape_check(run->op, run->size, run->window);
	if (wrong)
		return rsp_perf_fail(-EINVAL, "%s", wrong);
	if (run->op == RSP_PERF_OPEN && run->iters > RSP_PERF_MAX_ITERS / run->window)
		return rsp_perf_fail(-EINVAL, "window times iters must be at most %u of op=open",
				     RSP_PERF_MAX_ITERS);
	return 0;
}

static ssize_t rsp_perf_run_write(struct file *file, const char __user *ubuf, size_t len,
				  loff_t *pos)
{
	struct rsp_perf_run *run;
	char *text;
	u32 i;
	int ret;

	if (len > 1000)
		return rsp_perf_fail(-EINVAL, "more than 1000 characters");
	if (!mutex_trylock(&rsp_perf_run_lock))
		return -EBUSY;		/* the result belongs to the run under way */
	text = memdup_user_nul(ubuf, len);
	if (IS_ERR(text)) {
		ret = PTR_ERR(text);
		goto err_unlock;
	}
	run = kzalloc(sizeof(*run), GFP_KERNEL);
	if (!run) {
		ret = -ENOMEM;
		goto err_free_text;
	}
	run->op = RSP_PERF_SEND_LAT;
	run->size = 64;
	run->iters = 1000;
	run->window = 1;
	run->timeout_ms = 60000;
	spin_lock_init(&run->lock);
	INIT_LIST_HEAD(&run->free);
	init_completion(&run->over);
	ret = rsp_perf_run_parse(run, text);
	if (ret)
		goto err_free_run;

	run->nr_lat = run->iters * (run->op == RSP_PERF_OPEN ? run->window : 1);
	run->lat_ns = kvcalloc(run->nr_lat, sizeof(u64), GFP_KERNEL);
	run->slots = rsp_perf_slots_alloc(run->op, run->window, run->size, run->offset);
	if (!run->lat_ns || !run->slots) {
		ret = rsp_perf_fail(-ENOMEM, "no memory for %u slots of %u bytes",
				    run->window, run->size);
		goto err_free_slots;
	}
	for (i = 0; i < run->window; i++) {
		run->slots[i].run = run;
		run->slots[i].seed = i * 0x85ebca6bU;
		list_add_tail(&run->slots[i].free, &run->free);
	}
	ret = run->op == RSP_PERF_OPEN ? rsp_perf_open_exec(run) :
	      run->op == RSP_PERF_DESC_READ ? rsp_perf_desc_exec(run) : rsp_perf_run_exec(run);

err_free_slots:
	rsp_perf_slots_free(run->slots, run->window);
	kvfree(run->lat_ns);
err_free_run:
	kfree(run);
err_free_text:
	kfree(text);
err_unlock:
	mutex_unlock(&rsp_perf_run_lock);
	return ret ?: len;
}

/* the owner keeps the module while a run is under way: rmmod says it is in use */
static const struct file_operations rsp_perf_run_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= rsp_perf_run_write,
};

static int rsp_perf_result_show(struct seq_file *m, void *v)
{
	mutex_lock(&rsp_perf_result_lock);
	seq_puts(m, rsp_perf_result);
	mutex_unlock(&rsp_perf_result_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(rsp_perf_result);

struct rsp_perf_lsn {
	struct list_head	list;
	struct rsp_lsn		*lsn;
};

static DEFINE_MUTEX(rsp_perf_lsns_lock);
static LIST_HEAD(rsp_perf_lsns);		/* rsp_perf_lsns_lock */

/* stop listening, and end what was accepted */
static void rsp_perf_lsns_close(void)
{
	struct rsp_perf_lsn *pl, *tmp;
	struct rsp_perf_conn *conn;

	mutex_lock(&rsp_perf_lsns_lock);
	list_for_each_entry_safe(pl, tmp, &rsp_perf_lsns, list) {
		rsp_lsn_close(pl->lsn);
		list_del(&pl->list);
		kfree(pl);
	}
	mutex_unlock(&rsp_perf_lsns_lock);

	spin_lock(&rsp_perf_conns_lock);
	list_for_each_entry(conn, &rsp_perf_conns, list)
		rsp_chan_kill(conn->chan);
	spin_unlock(&rsp_perf_conns_lock);
}

static ssize_t rsp_perf_listen_write(struct file *file, const char __user *ubuf, size_t len,
				     loff_t *pos)
{
	struct net *net = current->nsproxy->net_ns;
	struct sockaddr_storage ss;
	struct rsp_perf_lsn *pl;
	char text[96], *addr, *port;

	if (len >= sizeof(text))
		return rsp_perf_fail(-EINVAL, "listen: ADDRESS:PORT wanted");
	if (copy_from_user(text, ubuf, len))
		return -EFAULT;
	text[len] = 0;
	addr = strim(text);
	if (!strcmp(addr, "off")) {
		rsp_perf_lsns_close();
		return len;
	}

	port = strrchr(addr, ':');
	if (!port)
		return rsp_perf_fail(-EINVAL, "listen: ADDRESS:PORT wanted, not %s", addr);
	*port++ = 0;
	if (*addr == '[' && port[-2] == ']') {
		port[-2] = 0;
		addr++;
	}
	if (inet_pton_with_scope(net, AF_UNSPEC, addr, port, &ss))
		return rsp_perf_fail(-EINVAL, "listen: %s port %s is no address", addr, port);

	pl = kzalloc(sizeof(*pl), GFP_KERNEL);
	if (!pl)
		return -ENOMEM;
	pl->lsn = rsp_listen(rsp_perf_srv_svc, net, (struct sockaddr *)&ss, NULL);
	if (IS_ERR(pl->lsn)) {
		int ret = PTR_ERR(pl->lsn);

		kfree(pl);
		return rsp_perf_fail(ret, "listen: %s port %s: %pe", addr, port, ERR_PTR(ret));
	}
	mutex_lock(&rsp_perf_lsns_lock);
	list_add_tail(&pl->list, &rsp_perf_lsns);
	mutex_unlock(&rsp_perf_lsns_lock);
	return len;
}

static int rsp_perf_listen_show(struct seq_file *m, void *v)
{
	struct sockaddr_storage ss;
	struct rsp_perf_lsn *pl;

	mutex_lock(&rsp_perf_lsns_lock);
	list_for_each_entry(pl, &rsp_perf_lsns, list) {
		rsp_lsn_addr(pl->lsn, &ss);
		seq_printf(m, "%pISpc\n", &ss);
	}
	mutex_unlock(&rsp_perf_lsns_lock);
	return 0;
}

static int rsp_perf_listen_open(struct inode *inode, struct file *file)
{
	return single_open(file, rsp_perf_listen_show, NULL);
}

static const struct file_operations rsp_perf_listen_fops = {
	.owner		= THIS_MODULE,
	.open		= rsp_perf_listen_open,
	.read		= seq_read,
	.write		= rsp_perf_listen_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

/* ---------------------------------------------------------------- init --- */

static struct dentry *rsp_perf_dir;

static int __init rsp_perf_init(void)
{
	struct rsp_svc_attr attr = { .owner = THIS_MODULE, .weight = 100 };
	int ret;

	if (recv_bytes < 1024 || recv_bytes > 65536) {
		pr_err("recv_bytes must be 1024 to 65536\n");
		return -EINVAL;
	}
	attr.recv_bytes = recv_bytes;

	/* two services, so that each end has its own figures in rspctl svc */
	attr.name = "perf-server";
	attr.ops = &rsp_perf_srv_ops;
	rsp_perf_srv_svc = rsp_svc_register(&attr);
	if (IS_ERR(rsp_perf_srv_svc))
		return PTR_ERR(rsp_perf_srv_svc);
	attr.name = "perf-client";
	attr.ops = &rsp_perf_cli_ops;
	rsp_perf_cli_svc = rsp_svc_register(&attr);
	if (IS_ERR(rsp_perf_cli_svc)) {
		ret = PTR_ERR(rsp_perf_cli_svc);
		goto err_unregister_srv;
	}

	rsp_perf_dir = debugfs_create_dir("rsp_perf", NULL);
	debugfs_create_file("listen", 0600, rsp_perf_dir, NULL, &rsp_perf_listen_fops);
	debugfs_create_file("run", 0200, rsp_perf_dir, NULL, &rsp_perf_run_fops);
	debugfs_create_file("result", 0400, rsp_perf_dir, NULL, &rsp_perf_result_fops);
	rsp_perf_desc_init(rsp_perf_srv_svc, rsp_perf_dir);
	return 0;

err_unregister_srv:
	rsp_svc_unregister(rsp_perf_srv_svc);
	return ret;
}

static void __exit rsp_perf_exit(void)
{
	/* no new work from user space, then none from peers, then wait for the rest */
	debugfs_remove(rsp_perf_dir);
	rsp_perf_lsns_close();
	rsp_perf_desc_exit();
	rsp_svc_unregister(rsp_perf_cli_svc);
	rsp_svc_unregister(rsp_perf_srv_svc);
}

module_init(rsp_perf_init);
module_exit(rsp_perf_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("RSP's smallest service: message and RDMA benchmark");
