// SPDX-License-Identifier: GPL-2.0
/*
 * What both sides of the exchange of descriptors need: its messages, its services, and the list
 * of what is published and held that rspctl shows.
 *
 * The exchange is a service like any other, made of the calls in rsp.h: "desc-server"
 * while something is published here, "desc-client" while a peer's is held.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>

#include "core.h"
#include "desc.h"

unsigned short rsp_desc_port = 20050;
module_param_named(desc_port, rsp_desc_port, ushort, 0444);
MODULE_PARM_DESC(desc_port, "port of the exchange of descriptors, here and at peers (20050)");

static DEFINE_XARRAY_ALLOC1(rsp_descs);
static u32 rsp_desc_next_id;

int rsp_desc_add(struct rsp_desc_entry *entry)
{
	return rsp_id_alloc(&rsp_descs, &rsp_desc_next_id, &entry->view.id, entry);
}

/* it is freed under RCU */
void rsp_desc_del(struct rsp_desc_entry *entry)
{
	xa_erase(&rsp_descs, entry->view.id);
}

bool rsp_desc_view_next(u32 *id, struct rsp_desc_view *v)
{
	struct rsp_desc_entry *entry;
	unsigned long i = *id;

	rcu_read_lock();
	entry = xa_find_after(&rsp_descs, &i, ULONG_MAX, XA_PRESENT);
	if (entry)
		*v = entry->view;
	rcu_read_unlock();
	*id = i;
	return entry;
}

void rsp_desc_hello_fill(struct rsp_desc_hello *hello)
{
	hello->magic = cpu_to_be32(RSP_DESC_MAGIC);
	hello->version = cpu_to_be32(RSP_DESC_VERSION);
}

bool rsp_desc_hello_is_good(const void *pdata, u8 len)
{
	const struct rsp_desc_hello *hello = pdata;

	return len >= sizeof(*hello) && hello->magic == cpu_to_be32(RSP_DESC_MAGIC) &&
	       hello->version == cpu_to_be32(RSP_DESC_VERSION);
}

/**
 * rsp_desc_sg_vmalloc() - A list of memory from vmalloc(), to publish it or to read into
 * @sgt: made, to be ended with sg_free_table()
 * @mem: the memory, page aligned
 * @bytes: of it
 *
 * Context: Process context. May sleep.
 * Return: 0 or %-ENOMEM, and nothing to end then.
 */
int rsp_desc_sg_vmalloc(struct sg_table *sgt, const void *mem, u32 bytes)
{
	struct scatterlist *sg;
	u32 pos = 0;
	int i;

	if (sg_alloc_table(sgt, DIV_ROUND_UP(bytes, PAGE_SIZE), GFP_KERNEL))
		return -ENOMEM;
	for_each_sgtable_sg(sgt, sg, i) {
		sg_set_page(sg, vmalloc_to_page(mem + pos), min_t(u32, bytes - pos, PAGE_SIZE), 0);
		pos += PAGE_SIZE;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(rsp_desc_sg_vmalloc);

/* it has little traffic and few buffers: its weight takes little from the others' shares */
struct rsp_svc *rsp_desc_svc_register(const char *name, const struct rsp_svc_ops *ops)
{
	struct rsp_svc_attr attr = {
		.name		= name,
		.ops		= ops,
		.owner		= THIS_MODULE,
		.weight		= 1,
		.recv_bytes	= RSP_DESC_MSG_BYTES,
		.has_own_keys	= true,
	};

	return rsp_svc_register(&attr);
}

/*
 * Send @msg. @buf: a received one to send it in, taken whatever happens; NULL for a new one.
 * @map: registered before it, and its segments go behind it; may be NULL.
 * @done, @ctx: of struct rsp_work, may be NULL. Return: 0, or a negative errno and no @done
 */
int rsp_desc_send(struct rsp_chan *chan, struct rsp_svc *svc, struct rsp_buf *buf,
		  const struct rsp_desc_msg *msg, struct rsp_map *map,
		  void (*done)(struct rsp_work *work, int status), void *ctx)
{
	struct rsp_desc_msg *out;
	struct rsp_desc_seg *seg;
	const struct rsp_desc *desc;
	struct rsp_work *work;
	u32 i, nr = 0;

	if (!buf)
		buf = rsp_buf_get(svc, RSP_DESC_MSG_BYTES, GFP_NOIO);
	if (!buf)
		return -ENOMEM;
	work = rsp_work_get(chan, GFP_NOIO);
	if (!work) {
		rsp_buf_put(buf);
		return rsp_chan_is_closing(chan) ? -ENOTCONN : -ENOMEM;
	}
	work->done = done;
	work->ctx = ctx;
	out = buf->data;
	*out = *msg;
	if (map) {
		desc = rsp_map_descs(map, &nr);
		rsp_work_add_map(work, map);
		for (i = 0, seg = (void *)(out + 1); i < nr; i++, seg++) {
			seg->addr = cpu_to_be64(desc[i].addr);
			seg->len = cpu_to_be32(desc[i].len);
			seg->rkey = cpu_to_be32(desc[i].rkey);
		}
		out->nr_seg = nr;
	}
	rsp_work_set_send(work, buf, sizeof(*out) + nr * sizeof(*seg));
	return rsp_work_post(work);
}

static void rsp_desc_tick_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(rsp_desc_tick, rsp_desc_tick_work);

/* once a second. Apart from the platform's own: it may wait for keys that are being made */
static void rsp_desc_tick_work(struct work_struct *work)
{
	unsigned int noio = memalloc_noio_save();

	rsp_region_tick();
	rsp_remote_tick();
	memalloc_noio_restore(noio);
	queue_delayed_work(rsp_wq, &rsp_desc_tick, HZ);
}

void rsp_desc_init(void)
{
	queue_delayed_work(rsp_wq, &rsp_desc_tick, HZ);
}

void rsp_desc_exit(void)
{
	cancel_delayed_work_sync(&rsp_desc_tick);
	WARN_ON_ONCE(!xa_empty(&rsp_descs));
}
