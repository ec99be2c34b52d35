// SPDX-License-Identifier: GPL-2.0
/*
 * A module that misbehaves on purpose, one way a load, so that tests/meta can show that the
 * lab notices: insmod rsp_bad.ko what=NAME. All but "hold" refuse to stay loaded.
 */
#include <linux/delay.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>

static char *what = "";
module_param(what, charp, 0);
MODULE_PARM_DESC(what, "warn, bug, oops, atomic, uaf, overrun, inversion, leak, shift, timer or hold");

/* busy=1 keeps the module in use, 0 lets it go */
static bool busy;

static int rsp_bad_set_busy(const char *val, const struct kernel_param *kp)
{
	bool want;
	int ret;

	ret = kstrtobool(val, &want);
	if (ret)
		return ret;
	if (want && !busy)
		__module_get(THIS_MODULE);
	if (!want && busy)
		module_put(THIS_MODULE);
	busy = want;
	return 0;
}

static int rsp_bad_get_busy(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", busy);
}

static const struct kernel_param_ops rsp_bad_busy_ops = {
	.set = rsp_bad_set_busy,
	.get = rsp_bad_get_busy,
};
module_param_cb(busy, &rsp_bad_busy_ops, NULL, 0644);
MODULE_PARM_DESC(busy, "1 keeps the module in use, with what=hold");

static DEFINE_SPINLOCK(rsp_bad_a);
static DEFINE_SPINLOCK(rsp_bad_b);
static int shift = 64;

static noinline void rsp_bad_warn(void)
{
	WARN(1, "on purpose\n");
}

static noinline void rsp_bad_bug(void)
{
	BUG();
}

static noinline void rsp_bad_oops(void)
{
	int *volatile nowhere = (int *)8;

	*nowhere = 1;
}

static noinline void rsp_bad_atomic(void)
{
	spin_lock(&rsp_bad_a);
	msleep(1);
	spin_unlock(&rsp_bad_a);
}

static noinline void rsp_bad_uaf(void)
{
	volatile char *p = kmalloc(64, GFP_KERNEL);

	kfree((void *)p);
	p[3] = 1;
}

static noinline void rsp_bad_overrun(void)
{
	volatile char *p = vmalloc(4000);

	p[4000] = 1;
	vfree((void *)p);
}

static noinline void rsp_bad_inversion(void)
{
	spin_lock(&rsp_bad_a);
	spin_lock(&rsp_bad_b);
	spin_unlock(&rsp_bad_b);
	spin_unlock(&rsp_bad_a);
	spin_lock(&rsp_bad_b);
	spin_lock(&rsp_bad_a);
	spin_unlock(&rsp_bad_a);
	spin_unlock(&rsp_bad_b);
}

static noinline void rsp_bad_leak(void)
{
	char *volatile p = kmalloc(777, GFP_KERNEL);

	p = NULL;
}

static noinline void rsp_bad_shift(void)
{
	volatile int x = 1;

	x <<= shift;
}

static void rsp_bad_timer_fn(struct timer_list *t)
{
}

static noinline void rsp_bad_timer(void)
{
	struct timer_list *t = kmalloc(sizeof(*t), GFP_KERNEL);

	timer_setup(t, rsp_bad_timer_fn, 0);
	mod_timer(t, jiffies + 100 * HZ);
	kfree(t);
}

static const struct {
	const char *name;
	void (*fn)(void);
} rsp_bad_ways[] = {
	{ "warn",	rsp_bad_warn },
	{ "bug",	rsp_bad_bug },
	{ "oops",	rsp_bad_oops },
	{ "atomic",	rsp_bad_atomic },
	{ "uaf",	rsp_bad_uaf },
	{ "overrun",	rsp_bad_overrun },
	{ "inversion",	rsp_bad_inversion },
	{ "leak",	rsp_bad_leak },
	{ "shift",	rsp_bad_shift },
	{ "timer",	rsp_bad_timer },
};

static int __init rsp_bad_init(void)
{
	int i;

	if (!strcmp(what, "hold"))
		return 0;

	for (i = 0; i < ARRAY_SIZE(rsp_bad_ways); i++) {
		if (strcmp(what, rsp_bad_ways[i].name))
			continue;
		rsp_bad_ways[i].fn();
		return -ECANCELED;
	}
	return -EINVAL;
}
module_init(rsp_bad_init);

static void __exit rsp_bad_exit(void)
{
}
module_exit(rsp_bad_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Misbehaves on purpose, for tests of the tests");
