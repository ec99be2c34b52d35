// SPDX-License-Identifier: GPL-2.0
/*
 * rsp_perf, published regions: what kmod/include/rsp/desc.h offers, used from both ends.
 *
 * A server publishes slots of a pattern by name, "perf-server" and a number. A client looks them
 * up and reads slot after slot, with no part of the server's CPU; send_lat of the same size is
 * the same bytes fetched by a message and its answer. Every slot that was read must be good, or
 * say that it is not: it is read again then, and counted as stale or torn.
 *
 *   publish  write "key=7 size=4096 slots=16 lease_ms=10000 churn=1" to publish, "key=7 off" to end
 *            it, "off" to end all; read it for the list. churn=1 rewrites slots without end, write=1
 *            lets peers write, too
 *   run      write "op=desc_read addr=10.9.0.1 key=7 size=4096 iters=1000 window=4 verify=1"
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <net/net_namespace.h>

#include <rsp/desc.h>

#include "rsp_perf.h"

#define RSP_PERF_DESC_SVC	"perf-server"
#define RSP_PERF_DESC_MAX_BYTES	(16U << 20)

/* ----------------------------------------------------------------- server */

struct rsp_perf_pub {
	struct list_head	list;		/* rsp_perf_pubs */
	u32			key;
	u32			size;		/* of a slot's data */
	u32			nr;		/* slots */
	u32			lease_ms;
	u32			churn;
	u32			write;
	void			*mem;
	struct sg_table		sgt;
	struct rsp_region	*region;
	struct task_struct	*churner;
};

static DEFINE_MUTEX(rsp_perf_pubs_lock);
static LIST_HEAD(rsp_perf_pubs);
static struct rsp_svc *rsp_perf_pub_svc;

static u32 rsp_perf_slot_bytes(u32 size)
{
	return ALIGN(size, 8) + RSP_TRAILER_BYTES;
}

/* the first word says what the rest is */
static void rsp_perf_pub_fill(struct rsp_perf_pub *pub, u32 slot, u32 seed)
{
	void *data = pub->mem + (size_t)slot * rsp_perf_slot_bytes(pub->size);
	struct rsp_trailer *trailer = data + ALIGN(pub->size, 8);

	rsp_slot_break(trailer);
	*(__be32 *)data = cpu_to_be32(seed);
	rsp_perf_fill(data + 4, pub->size - 4, seed, 4);
	rsp_slot_seal(trailer, data, pub->size, slot, rsp_region_epoch(pub->region));
}

static int rsp_perf_churn(void *arg)
{
	struct rsp_perf_pub *pub = arg;
	u32 i, seed = 0;

	while (!kthread_should_stop()) {
		for (i = 0; i < pub->nr && !kthread_should_stop(); i++)
			rsp_perf_pub_fill(pub, i, ++seed);
		cond_resched();
	}
	return 0;
}

static void rsp_perf_pub_free(struct rsp_perf_pub *pub)
{
	sg_free_table(&pub->sgt);
	vfree(pub->mem);
	kfree(pub);
}

static void rsp_perf_pub_end(struct rsp_perf_pub *pub)
{
	list_del(&pub->list);
	if (pub->churner)
		kthread_stop(pub->churner);
	rsp_region_revoke(pub->region);
	/* nobody reads it any more */
	rsp_perf_pub_free(pub);
}

static int rsp_perf_pub_alloc(struct rsp_perf_pub *pub)
{
	u32 bytes = rsp_perf_slot_bytes(pub->size) * pub->nr;

	pub->mem = vzalloc(bytes);
	return pub->mem ? rsp_desc_sg_vmalloc(&pub->sgt, pub->mem, bytes) : -ENOMEM;
}

static int rsp_perf_pub_start(struct rsp_perf_pub *pub, struct net *net)
{
	struct rsp_region_attr attr = {
		.net		= net,
		.key		= pub->key,
		.access		= RSP_DESC_READ | (pub->write ? RSP_DESC_WRITE : 0),
		.slot_bytes	= rsp_perf_slot_bytes(pub->size),
		.lease_ms	= pub->lease_ms,
	};
	int err;
	u32 i;

	err = rsp_perf_pub_alloc(pub);
	if (err)
		goto err_free;
	attr.sgl = pub->sgt.sgl;
	attr.nents = pub->sgt.nents;
	pub->region = rsp_region_publish(rsp_perf_pub_svc, &attr);
	if (IS_ERR(pub->region)) {
		err = PTR_ERR(pub->region);
		goto err_free;
	}
	for (i = 0; i < pub->nr; i++)
		rsp_perf_pub_fill(pub, i, i);
	list_add_tail(&pub->list, &rsp_perf_pubs);
	if (!pub->churn)
		return 0;
	pub->churner = kthread_run(rsp_perf_churn, pub, "rsp_perf_churn");
	if (!IS_ERR(pub->churner))
		return 0;
	err = PTR_ERR(pub->churner);
	pub->churner = NULL;
	rsp_perf_pub_end(pub);
	return err;

err_free:
	rsp_perf_pub_free(pub);
	return err;
}

/* @key: of one, or NULL for all. Return: how many */
static u32 rsp_perf_pubs_off(const u32 *key)
{
	struct rsp_perf_pub *pub, *next;
	u32 nr = 0;

	guard(mutex)(&rsp_perf_pubs_lock);
	list_for_each_entry_safe(pub, next, &rsp_perf_pubs, list) {
		if (key && pub->key != *key)
			continue;
		rsp_perf_pub_end(pub);
		nr++;
	}
	return nr;
}

/* Return: 0, what rsp_perf_fail() says, or 1 for "off" */
static int rsp_perf_pub_parse(struct rsp_perf_pub *pub, char *text, bool *has_key)
{
	const struct { const char *key; u32 *val; u32 min, max; } nums[] = {
		{ "key",	&pub->key,	0, U32_MAX },
		{ "size",	&pub->size,	4, 1 << 20 },
		{ "slots",	&pub->nr,	1, 65536 },
		{ "lease_ms",	&pub->lease_ms,	RSP_REGION_MIN_LEASE_MS, RSP_REGION_MAX_LEASE_MS },
		{ "churn",	&pub->churn,	0, 1 },
		{ "write",	&pub->write,	0, 1 },
	};
	char *word, *val;
	int i;

	while ((word = strsep(&text, " \t\n"))) {
		if (!*word)
			continue;
		if (!strcmp(word, "off"))
			return 1;
		val = strchr(word, '=');
		if (!val)
			return rsp_perf_fail(-EINVAL, "publish: %s: KEY=VALUE or off wanted", word);
		*val++ = 0;
		for (i = 0; i < ARRAY_SIZE(nums); i++)
			if (!strcmp(word, nums[i].key))
				break;
		if (i == ARRAY_SIZE(nums))
			return rsp_perf_fail(-EINVAL, "publish: %s is none of key size slots lease_ms churn write",
					     word);
		if (kstrtou32(val, 10, nums[i].val) || *nums[i].val < nums[i].min ||
		    *nums[i].val > nums[i].max)
			return rsp_perf_fail(-EINVAL, "publish: %s must be %u to %u", word,
					     nums[i].min, nums[i].max);
		*has_key |= !i;
	}
	if (!*has_key)
		return rsp_perf_fail(-EINVAL, "publish: key=NUMBER is missing");
	if ((u64)rsp_perf_slot_bytes(pub->size) * pub->nr > RSP_PERF_DESC_MAX_BYTES)
		return rsp_perf_fail(-EINVAL, "publish: all slots must be at most 16 MiB");
	return 0;
}

static ssize_t rsp_perf_publish_write(struct file *file, const char __user *ubuf, size_t len,
				      loff_t *pos)
{
	struct net *net = current->nsproxy->net_ns;
	struct rsp_perf_pub *pub;
	bool has_key = false;
	char text[160];
	u32 key;
	int ret;

	if (len >= sizeof(text))
		return rsp_perf_fail(-EINVAL, "publish: too long");
	if (copy_from_user(text, ubuf, len))
		return -EFAULT;
	text[len] = 0;
	pub = kzalloc(sizeof(*pub), GFP_KERNEL);
	if (!pub)
		return -ENOMEM;
	pub->size = 4096;
	pub->nr = 16;
	pub->lease_ms = 10000;
	ret = rsp_perf_pub_parse(pub, text, &has_key);
	if (ret) {
		key = pub->key;
		kfree(pub);
		if (ret < 0)
			return ret;
		if (!rsp_perf_pubs_off(has_key ? &key : NULL) && has_key)
			return rsp_perf_fail(-ENOENT, "publish: no key %u", key);
		return len;
	}
	key = pub->key;
	mutex_lock(&rsp_perf_pubs_lock);
	ret = rsp_perf_pub_start(pub, net);
	mutex_unlock(&rsp_perf_pubs_lock);
	return ret ? rsp_perf_fail(ret, "publish: key %u: %pe", key, ERR_PTR(ret)) : len;
}

static int rsp_perf_publish_show(struct seq_file *m, void *v)
{
	struct rsp_perf_pub *pub;

	guard(mutex)(&rsp_perf_pubs_lock);
	list_for_each_entry(pub, &rsp_perf_pubs, list)
		seq_printf(m, "key=%u size=%u slots=%u lease_ms=%u churn=%u write=%u\n", pub->key,
			   pub->size, pub->nr, pub->lease_ms, pub->churn, pub->write);
	return 0;
}

static int rsp_perf_publish_open(struct inode *inode, struct file *file)
{
	return single_open(file, rsp_perf_publish_show, NULL);
}

static const struct file_operations rsp_perf_publish_fops = {
	.owner		= THIS_MODULE,
	.open		= rsp_perf_publish_open,
	.read		= seq_read,
	.write		= rsp_perf_publish_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

/* ----------------------------------------------------------------- client */

/* One lookup and what is read through it. A reader is one read in flight */
struct rsp_perf_reader {
	struct rsp_perf_look	*look;
	void			*mem;
	struct sg_table		sgt;
	u32			slot;
	u64			start_ns;
};

struct rsp_perf_look {
	struct rsp_perf_run	*run;
	struct rsp_remote	*remote;
	struct rsp_remote_info	info;
	u32			nr_slot;
	atomic_t		next_slot;
	atomic_t		nr_busy;	/* readers, and who waits for them */
	struct completion	idle;
	struct rsp_perf_reader	*readers;
};

static void rsp_perf_reader_go(struct rsp_perf_reader *reader);

static void rsp_perf_look_put(struct rsp_perf_look *look)
{
	if (atomic_dec_and_test(&look->nr_busy))
		complete(&look->idle);
}

/* Return: 0 for a good one, as rsp_slot_check() else; counts */
static int rsp_perf_reader_check(struct rsp_perf_reader *reader)
{
	struct rsp_perf_run *run = reader->look->run;
	void *data = reader->mem;
	u32 seed = be32_to_cpu(*(__be32 *)data);
	int err;

	err = rsp_slot_check(data + ALIGN(run->size, 8), data, run->size, reader->slot,
			     reader->look->info.epoch);
	if (!err && run->spoil)		/* a good checksum is believed: verify=1 looks at the data */
		*((u8 *)data + run->size - 1) ^= 1;
	spin_lock(&run->lock);
	if (err == -ESTALE)
		run->nr_stale++;
	else if (err)
		run->nr_torn++;
	else if (run->verify && !rsp_perf_check(data + 4, run->size - 4, seed, 4))
		run->nr_bad++;
	spin_unlock(&run->lock);
	return err;
}

static void rsp_perf_reader_done(void *ctx, int status)
{
	struct rsp_perf_reader *reader = ctx;
	struct rsp_perf_run *run = reader->look->run;
	u64 now = ktime_get_ns();
	bool is_over;

	if (status) {
		rsp_perf_look_put(reader->look);
		return;
	}
	if (!rsp_perf_reader_check(reader)) {
		spin_lock(&run->lock);
		if (run->nr_done < run->iters)
			run->lat_ns[run->nr_done++] = now - reader->start_ns;
		run->end_ns = now;
		is_over = run->nr_done == run->iters;
		spin_unlock(&run->lock);
		if (is_over)
			rsp_perf_run_end(run, 0);
		reader->slot = (u32)atomic_inc_return(&reader->look->next_slot) % reader->look->nr_slot;
		reader->start_ns = 0;
	}
	rsp_perf_reader_go(reader);
}

/* one more read, unless it is over: then, or when it can read no more, it is put */
static void rsp_perf_reader_go(struct rsp_perf_reader *reader)
{
	struct rsp_perf_look *look = reader->look;
	struct rsp_perf_run *run = look->run;
	int err = -ECANCELED;

	if (!reader->start_ns)		/* a slot that is read again takes as long as it takes */
		reader->start_ns = ktime_get_ns();
	if (!READ_ONCE(run->is_over))
		err = rsp_remote_rw(look->remote, RSP_DIR_IN, (u64)reader->slot * look->info.slot_bytes,
				    reader->sgt.sgl, reader->sgt.nents, look->info.slot_bytes,
				    rsp_perf_reader_done, reader);
	if (!err)
		return;
	/* what is stale or not connected is looked up again */
	if (err != -ECANCELED && err != -ESTALE && err != -ENOTCONN)
		rsp_perf_run_end(run, err);
	rsp_perf_look_put(look);
}

static void rsp_perf_readers_free(struct rsp_perf_reader *readers, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		sg_free_table(&readers[i].sgt);
		vfree(readers[i].mem);
	}
	kvfree(readers);
}

static struct rsp_perf_reader *rsp_perf_readers_alloc(struct rsp_perf_look *look, u32 nr, u32 bytes)
{
	struct rsp_perf_reader *readers;
	u32 i;

	readers = kvcalloc(nr, sizeof(*readers), GFP_KERNEL);
	if (!readers)
		return NULL;
	for (i = 0; i < nr; i++) {
		readers[i].look = look;
		readers[i].mem = vzalloc(bytes);
		if (!readers[i].mem ||
		    rsp_desc_sg_vmalloc(&readers[i].sgt, readers[i].mem, bytes)) {
			rsp_perf_readers_free(readers, nr);
			return NULL;
		}
	}
	return readers;
}

/* Read until the run is over or the region cannot be read any more. Return: 0 or an errno */
static int rsp_perf_look(struct rsp_perf_look *look)
{
	struct rsp_perf_run *run = look->run;
	u32 i;

	rsp_remote_info(look->remote, &look->info);
	if (look->info.slot_bytes != rsp_perf_slot_bytes(run->size))
		return rsp_perf_fail(-EINVAL, "size=%u: what is published has slots of %u bytes",
				     run->size, look->info.slot_bytes);
	look->nr_slot = div_u64(look->info.len, look->info.slot_bytes);
	atomic_set(&look->nr_busy, run->window + 1);
	reinit_completion(&look->idle);
	if (!run->start_ns)
		run->start_ns = ktime_get_ns();
	for (i = 0; i < run->window; i++) {
		look->readers[i].slot = (u32)atomic_inc_return(&look->next_slot) % look->nr_slot;
		look->readers[i].start_ns = 0;
		rsp_perf_reader_go(&look->readers[i]);
	}
	rsp_perf_look_put(look);
	/* a signal or the time ends it; readers see that */
	while (wait_for_completion_interruptible_timeout(&look->idle, HZ / 10) <= 0) {
		if (signal_pending(current))
			rsp_perf_run_end(run, -EINTR);
		else if (ktime_get_ns() - run->start_ns > (u64)run->timeout_ms * NSEC_PER_MSEC)
			rsp_perf_run_end(run, -ETIMEDOUT);
		if (run->is_over) {
			wait_for_completion(&look->idle);
			break;
		}
	}
	return 0;
}

/*
 * What was revoked may be published again soon, and a server that went may come back: look
 * until the time is over
 */
static int rsp_perf_desc_loop(struct rsp_perf_look *look, struct net *net,
			      const struct sockaddr_storage *dst)
{
	struct rsp_perf_run *run = look->run;
	unsigned long until = jiffies + msecs_to_jiffies(run->timeout_ms);
	struct rsp_exch *exch;
	int err, ret = 0;

	for (;;) {
		exch = rsp_exch_open(net, (const struct sockaddr *)dst, 5000);
		err = PTR_ERR_OR_ZERO(exch);
		if (!err) {
			look->remote = rsp_remote_lookup(exch, RSP_PERF_DESC_SVC, run->key, RSP_DESC_READ);
			err = PTR_ERR_OR_ZERO(look->remote);
			if (!err) {
				run->nr_lookup++;
				ret = rsp_perf_look(look);
				rsp_remote_put(look->remote);
			}
			rsp_exch_close(exch);
		}
		if (ret || run->is_over)
			return ret;
		if (err && !run->nr_lookup)
			return rsp_perf_fail(err, "%s does not give key %u: %pe", run->addr, run->key,
					     ERR_PTR(err));
		if (time_after(jiffies, until) || signal_pending(current)) {
			rsp_perf_run_end(run, err ?: signal_pending(current) ? -EINTR : -ETIMEDOUT);
			return 0;
		}
		if (err)
			msleep(20);
	}
}

int rsp_perf_desc_exec(struct rsp_perf_run *run)
{
	struct net *net = current->nsproxy->net_ns;
	struct rsp_perf_look look = { .run = run };
	struct rsp_chan_info info = { };	/* it has a connection, but not of its own */
	struct sockaddr_storage dst;
	int err;

	err = rsp_perf_run_addr(run, net, &dst);
	if (err)
		return err;
	if (run->size < 4)
		return rsp_perf_fail(-EINVAL, "size must be 4 and more, as what is published");
	init_completion(&look.idle);
	look.readers = rsp_perf_readers_alloc(&look, run->window, rsp_perf_slot_bytes(run->size));
	if (!look.readers)
		return rsp_perf_fail(-ENOMEM, "no memory for %u reads of %u bytes", run->window,
				     run->size);
	err = rsp_perf_desc_loop(&look, net, &dst);
	rsp_perf_readers_free(look.readers, run->window);
	return err ?: rsp_perf_run_finish(run, &info);
}

void rsp_perf_desc_init(struct rsp_svc *svc, struct dentry *dir)
{
	rsp_perf_pub_svc = svc;
	debugfs_create_file("publish", 0600, dir, NULL, &rsp_perf_publish_fops);
}

/* nobody can publish or read any more */
void rsp_perf_desc_exit(void)
{
	rsp_perf_pubs_off(NULL);
}
