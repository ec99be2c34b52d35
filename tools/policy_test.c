// SPDX-License-Identifier: GPL-2.0
/*
 * rspctl policy test: a policy under the verifier, then under the load of policy_load.c. Meanwhile it is taken
 * out and put back again and again, and the chaos policies of the other families, which answer badly on
 * purpose, come and go. All that was made for it is taken away at the end, whatever happened.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "policy.h"

#define TEST_STEP_MS	400			/* between two changes of who is active */
#define TEST_EXTRA_S	120			/* more than it was told to, for a load that comes slowly */

/* what comes of a test: one table for text, JSON and help */
struct test_result {
	char		name[RSP_NAME_LEN];
	uint32_t	family;
	uint64_t	time_ns;
	uint64_t	nr_swap;
	uint64_t	nr_chaos;
	uint64_t	nr_run;
	uint64_t	nr_exchange;
	uint64_t	nr_read;
	uint64_t	nr_write;
	uint64_t	nr_refused;
	uint64_t	nr_call;
	uint64_t	nr_clamp;
	uint32_t	is_ejected;
	char		error[1024];		/* empty: it passed */
};

static const struct col result_cols[] = {
	COL(test_result, name, COL_STR, true, "the policy's"),
	COL_ENUM(test_result, family, rsp_family_name, true, "buf, ep, flow or cache"),
	COL(test_result, time_ns, COL_NS, true, "how long there was a load"),
	COL(test_result, nr_swap, COL_U64, true, "times it was taken out and put back"),
	COL(test_result, nr_chaos, COL_U64, true, "chaos policies of other families that were on meanwhile"),
	COL(test_result, nr_run, COL_U64, true, "runs of rsp_perf"),
	COL(test_result, nr_exchange, COL_U64, true, "messages, transfers and channels in them, compared"),
	COL(test_result, nr_read, COL_U64, true, "blocks read through a block cache, compared"),
	COL(test_result, nr_write, COL_U64, true, "blocks written"),
	COL(test_result, nr_refused, COL_U64, true, "buffers that rsp_perf and the cache wanted and did not get"),
	COL(test_result, nr_call, COL_U64, true, "hook calls"),
	COL(test_result, nr_clamp, COL_U64, true, "of these answered out of range"),
	COL(test_result, is_ejected, COL_BOOL, true, "it was"),
	COL(test_result, error, COL_STR, true, "why it did not pass, empty if it did"),
};

struct test_hook {
	char		hook[64];
	uint64_t	nr_run;
	uint64_t	mean_ns;
};

static const struct col hook_cols[] = {
	COL(test_hook, hook, COL_STR, true, "member of the ops table"),
	COL(test_hook, nr_run, COL_U64, true, "times it ran"),
	COL(test_hook, mean_ns, COL_NS, true, "what it took"),
};

static struct rsp_policy *policy;
static struct test_result result;
static int stats_fd = -1;		/* as long as it is open the kernel times BPF programs */
static uint64_t last_seq;		/* of the policy log, as far as it was looked at */
static volatile sig_atomic_t is_interrupted;

static void on_signal(int number)
{
	is_interrupted = number;
}

/* ----------------------------------------------------------------- undo --- */

static int (*undos[32])(void);
static int nr_undo;

void test_defer(int (*undo)(void))
{
	undos[nr_undo++] = undo;
}

/* Return: 0, or 1 after it was said what stays behind */
static int undo_all(void)
{
	int err = 0;

	while (nr_undo)
		err |= undos[--nr_undo]();
	return err;
}

/* what keeps rsp.ko in use */
static int references_down(void)
{
	if (stats_fd >= 0)
		close(stats_fd);
	rsp_policy_close(policy);
	policy = NULL;
	host_put();
	return 0;
}

/* ------------------------------------------------------------ the others --- */

/* Refuse where services are at work that the policy under test would decide for. */
static int test_check_idle(bool is_here)
{
	struct rsp_cache_view *caches;
	struct rsp_chan_view *chans;
	char text[256] = "";
	int nr_chan, nr_cache;

	if (is_here || !load_module_is_there("rsp"))
		return 0;
	if (!host_get())
		return 1;
	nr_chan = rsp_chan_list(host_get(), &chans);
	nr_cache = rsp_cache_list(host_get(), &caches);
	if (nr_chan < 0 || nr_cache < 0)
		return fail_rsp();
	for (int i = 0; i < nr_chan; i++) {
		const char *name = svc_name(chans[i].svc_id);

		if (strlen(text) + strlen(name) + 3 < sizeof(text) && !strstr(text, name))
			sprintf(text + strlen(text), "%s%s", *text ? ", " : "", name);
	}
	free(chans);
	free(caches);
	if (nr_chan || nr_cache)
		return fail("services of this host are at work (%d channels%s%s, %d block caches), and the test would decide for them: say here to run it all the same, or run it in a guest with lab/policy-test",
			    nr_chan, *text ? " of " : "", text, nr_cache);
	return 0;
}

/* ---------------------------------------------------------- the policies --- */

static bool is_ours(const char *name)
{
	const char *ours;

	for (unsigned int i = 0; (ours = rsp_policy_names(policy, i)); i++) {
		if (!strcmp(name, ours))
			return true;
	}
	return false;
}

static bool is_our_family(unsigned int family)
{
	for (unsigned int i = 0; rsp_policy_names(policy, i); i++) {
		if (rsp_policy_family(policy, i) == family)
			return true;
	}
	return false;
}

/* Add up what the log says of the policy, from where it was read last. Return: 0, 1 if it was ejected. */
static int log_read(void)
{
	struct rsp_policy_view *views;
	uint64_t seq = last_seq;
	int nr;

	nr = rsp_policy_list(host_get(), &views);
	for (int i = 0; i < nr; i++) {
		const struct rsp_exit_info *info = &views[i].exit;

		if (views[i].seq > seq)
			seq = views[i].seq;
		if (!views[i].is_ended || views[i].seq <= last_seq || !is_ours(info->name))
			continue;
		result.nr_call += info->nr_call;
		result.nr_clamp += info->nr_clamp;
		if (policy_is_failure(&views[i]) && !result.is_ejected) {
			result.is_ejected = 1;
			snprintf(result.error, sizeof(result.error), "%s was ejected, %s %lld: %s",
				 info->name, rsp_exit_name(info->kind), (long long)info->code, info->msg);
		}
	}
	last_seq = seq;
	free(views);
	return result.is_ejected;
}

static uint64_t refused(void)
{
	struct rsp_svc_view *views;
	uint64_t sum = 0;
	int nr;

	nr = rsp_svc_list(host_get(), &views);
	for (int i = 0; i < nr; i++) {
		if (!strncmp(views[i].name, "perf", 4) || !strcmp(views[i].name, "cache"))
			sum += views[i].nr_refused;
	}
	free(views);
	return sum;
}

static bool is_attached;

static int policy_down(void)
{
	const char *name;
	int err = 0;

	if (!is_attached)
		return 0;
	is_attached = false;
	for (unsigned int i = 0; (name = rsp_policy_names(policy, i)); i++) {
		if (rsp_policy_unload(name))
			err = fail_rsp();
	}
	return err;
}

static int policy_up(void)
{
	if (rsp_policy_attach(policy))
		return fail_rsp();
	is_attached = true;
	return 0;
}

/* chaos of another family: the file, and whether it is on */
static const char *chaos_name;

static int chaos_down(void)
{
	const char *name = chaos_name;

	chaos_name = NULL;
	return name && rsp_policy_unload(name) ? fail_rsp() : 0;
}

static bool chaos_path(const char *name, char *path, size_t size)
{
	char exe[PATH_MAX];

	if (!policy_exe_dir(exe, sizeof(exe)))
		return false;
	/* where this rspctl was installed, or built */
	snprintf(path, size, "%s/../lib/rsp/%s.bpf.o", exe, name);
	if (access(path, R_OK))
		snprintf(path, size, "%s/policies/%s.bpf.o", exe, name);
	return !access(path, R_OK);
}

static int chaos_up(void)
{
	static const char * const names[RSP_NR_FAMILY] = {
		"chaos_buf", "chaos_ep", "chaos_flow", "chaos_cache",
	};
	/* random, all negative, the meanest that is allowed, a bad one now and then */
	static const char * const modes[] = { "4", "1", "8", "9" };
	static unsigned int turn;
	char path[PATH_MAX + 64];
	struct rsp_policy *chaos;
	unsigned int family, tries = 0;
	int err;

	/* a file may have a policy of each family */
	do {
		if (tries++ == RSP_NR_FAMILY)
			return 0;
		family = turn++ % RSP_NR_FAMILY;
	} while (is_our_family(family));
	if (!chaos_path(names[family], path, sizeof(path)))
		return fail("no %s beside rspctl: `make install'", path);
	chaos = rsp_policy_open(path);
	if (!chaos)
		return fail_rsp();
	err = rsp_policy_set(chaos, "mode", modes[turn / RSP_NR_FAMILY % ARRAY_SIZE(modes)]) ?:
	      rsp_policy_attach(chaos);
	rsp_policy_close(chaos);
	if (err)
		return fail_rsp();
	chaos_name = names[family];
	result.nr_chaos++;
	return 0;
}

/* ------------------------------------------------------------- the steps --- */

/* less than this has tested nothing: each kind of run, blocks that were read again, a swap */
static bool load_is_enough(void)
{
	return load->nr_run >= 5 && load->nr_read >= 1000 && result.nr_swap >= 1;
}

/*
 * Ours is active in three steps of four, in the fourth builtin; another family's chaos comes and goes
 * in between. Return: 0, or 1 after an error of the test's own was printed.
 */
static int steps_run(unsigned int seconds)
{
	uint64_t begin = now_ms(), end = begin + seconds * 1000ULL;
	int err = 0;

	for (unsigned int step = 0; !err && !is_interrupted; step++) {
		if (now_ms() >= end && (load_is_enough() || now_ms() >= end + TEST_EXTRA_S * 1000))
			break;
		poll(NULL, 0, TEST_STEP_MS);
		if (log_read() || load_error())
			break;
		switch (step % 4) {
		case 0:
			err = chaos_up();
			break;
		case 1:
			err = policy_down();
			break;
		case 2:
			err = chaos_down() ?: policy_up();
			result.nr_swap++;
			break;
		}
	}
	result.time_ns = (now_ms() - begin) * 1000000ULL;
	return err;
}

static int test_prepare(void)
{
	struct rsp_policy_view *views;
	int nr;

	if (load_prepare())
		return 1;
	test_defer(references_down);
	if (!host_get())
		return 1;
	nr = rsp_policy_list(host_get(), &views);
	for (int i = 0; i < nr; i++) {
		if (views[i].seq > last_seq)
			last_seq = views[i].seq;
	}
	free(views);
	stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	/* the verifier's word comes first: the rest takes a while to set up */
	if (policy_up())
		return 1;
	test_defer(policy_down);
	return load_devices_up();
}

static int hook_add(const char *hook, unsigned long long nr_run, unsigned long long run_ns,
		    void *arg)
{
	struct test_hook **next = arg;

	snprintf((*next)->hook, sizeof((*next)->hook), "%s", hook);
	(*next)->nr_run = nr_run;
	(*next)->mean_ns = nr_run ? run_ns / nr_run : 0;
	(*next)++;
	return 0;
}

/* Return: 0 if it passed */
static int test_report(void)
{
	struct test_hook hooks[64] = {}, *next = hooks;

	log_read();
	result.nr_run = load->nr_run;
	result.nr_exchange = load->nr_exchange;
	result.nr_read = load->nr_read;
	result.nr_write = load->nr_write;
	if (load_error() && !result.error[0])
		snprintf(result.error, sizeof(result.error), "under %s: %s", result.name, load_error());
	if (result.nr_clamp && !result.error[0])
		snprintf(result.error, sizeof(result.error),
			 "%s gave %llu answers out of range: what is allowed stands at each hook in rsp/ops.h",
			 result.name, (unsigned long long)result.nr_clamp);
	if (!load_is_enough() && !is_interrupted && !result.error[0])
		snprintf(result.error, sizeof(result.error),
			 "too little was tested: %llu runs of rsp_perf, %llu blocks read, %llu times put back",
			 (unsigned long long)result.nr_run, (unsigned long long)result.nr_read,
			 (unsigned long long)result.nr_swap);
	if (is_interrupted && !result.error[0])
		snprintf(result.error, sizeof(result.error), "interrupted");
	if (rsp_hook_each(policy, hook_add, &next))
		return fail_rsp();
	if (is_json)
		json_begin(NULL, '{');
	print_fields(result_cols, ARRAY_SIZE(result_cols), &result);
	if (!is_json)
		putchar('\n');
	print_rows("hooks", hook_cols, ARRAY_SIZE(hook_cols), hooks, sizeof(hooks[0]),
		   next - hooks, "no hook");
	if (is_json) {
		json_end('}');
		return !!result.error[0];
	}
	printf("\n%s %s\n", result.name, result.error[0] ? "did not pass" : "passed");
	fflush(stdout);
	return result.error[0] ? fail("%s", result.error) : 0;
}

static int test_run(unsigned int seconds)
{
	uint64_t before;
	int err;

	before = refused();
	err = load_up();
	if (!err)
		err = steps_run(seconds);
	/* builtin sees the loads to their end; what chaos and ours left is in the log by then */
	err |= chaos_down();
	result.nr_refused = refused() - before;
	err |= policy_down();
	err |= load_down();
	return err;
}

void policy_test_help(void)
{
	puts("\nOf a test:");
	print_help_fields(result_cols, ARRAY_SIZE(result_cols));
	print_help_fields(hook_cols, ARRAY_SIZE(hook_cols));
}

/* Take `seconds N` and `here` out of the words. Return: how many are left, or -1. */
static int test_words(int argc, char **argv, unsigned int *seconds, bool *is_here)
{
	int out = 0;

	for (int i = 0; i < argc; i++) {
		const char *word = argv[i] + (strncmp(argv[i], "--", 2) ? 0 : 2);
		char *end;

		/* the words of `set KNOB VALUE` are what they are */
		if (i && !strcmp(argv[i], "set")) {
			for (int j = 0; j < 3 && i < argc; j++)
				argv[out++] = argv[i++];
			i--;
		} else if (i && !strcmp(word, "here")) {
			*is_here = true;
		} else if (i && !strcmp(word, "seconds")) {
			unsigned long n;

			if (++i == argc)
				return fail_word(NULL, "a number of seconds"), -1;
			n = strtoul(argv[i], &end, 10);
			if (*end || !n || n > 3600)
				return fail_word(argv[i], "1 to 3600 seconds"), -1;
			*seconds = n;
		} else if (i) {
			return fail_word(argv[i], "set KNOB VALUE, seconds N or here"), -1;
		} else {
			argv[out++] = argv[i];
		}
	}
	return out;
}

int policy_test(int argc, char **argv)
{
	static char object[PATH_MAX];
	char dir[] = "/tmp/rspctl-XXXXXX", vmlinux[64];
	const struct sigaction action = { .sa_handler = on_signal };
	unsigned int seconds = 10;
	bool is_here = false, is_source;
	size_t len;
	int err;

	argc = test_words(argc, argv, &seconds, &is_here);
	if (argc < 0)
		return 1;
	if (!argc)
		return fail_word(NULL, "FILE");
	err = test_check_idle(is_here);
	if (err)
		return err;
	/* all that is made is taken away again, also if nobody reads what we say */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGQUIT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	len = strlen(argv[0]);
	is_source = len > 2 && !strcmp(argv[0] + len - 2, ".c");
	if (is_source) {
		if (!mkdtemp(dir))
			return fail("cannot make a directory below /tmp: %s", strerror(errno));
		err = policy_compile(argv[0], dir, object, sizeof(object));
		argv[0] = object;
	}
	policy = err ? NULL : policy_open(argc, argv);
	if (is_source) {
		snprintf(vmlinux, sizeof(vmlinux), "%s/vmlinux.h", dir);
		unlink(vmlinux);
		unlink(object);
		rmdir(dir);
	}
	if (!policy)
		return 1;
	snprintf(result.name, sizeof(result.name), "%s", rsp_policy_names(policy, 0));
	result.family = rsp_policy_family(policy, 0);

	err = test_prepare();
	if (!err) {
		if (!is_json) {
			printf("%s: the verifier takes it, it is registered; %u s of load follow\n",
			       result.name, seconds);
			fflush(stdout);
		}
		err = test_run(seconds);
		err = test_report() || err;
	}
	return undo_all() || err;
}
