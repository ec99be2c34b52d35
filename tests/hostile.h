/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the hostile clients of a server share beyond verbs.h: cases that are chosen by
 * name, what came back as bits, TAP, memory with a guard around what is offered, a
 * seeded generator, and main(). A program fills a struct hostile_prog.
 */
#ifndef _HOSTILE_TEST_H
#define _HOSTILE_TEST_H

#include <fnmatch.h>
#include <getopt.h>

#include "verbs.h"

#define GUARD		0xA5
#define NR_EXTRA	4

struct hostile_prog {
	const char		*name;
	const char		*peer;		/* what the argument is called */
	const char		*port;
	u32			mem_bytes;	/* that may be offered, all of it or parts */
	const char * const	*outcomes;	/* what the bits are called, the lowest first */
	u32			nr_outcomes;
	u32			nr_fuzz;	/* results of fuzz() */
	u32			nr_cases;
	const char		*(*case_name)(u32 i);
	const char		*(*why_not)(u32 i);	/* a reason to skip it, or NULL */
	void			(*run_case)(u32 i);
	void			(*fuzz)(u64 seed, u32 count);
	void			(*prepare)(void);	/* behind hostile_prepare() */
	/* options of its own */
	struct option		extra[NR_EXTRA];
	const char		*extra_short;
	const char		*extra_usage;
	void			(*option)(int o, const char *arg);
};

static struct {
	const struct hostile_prog *prog;
	struct sockaddr_storage	addr;
	struct rdma_cm_id	*anchor;	/* keeps the device context alive */
	struct ibv_pd		*pd;
	u8			*mem;		/* the parts that are not offered are a guard */
	struct ibv_mr		*mr;		/* all of mem, remote read and write */
	struct ibv_mr		*mr_ro, *mr_wo;	/* remote read only, remote write only */
	int			wait_ms;
	int			verbose;
	int			nr, failed;
	const char		*only;
	const char		*skip[16];	/* patterns */
	u32			nr_skip;
	FILE			*kmsg;
	bool			quiet_ok;	/* do not wait long for an answer */
} h = { .wait_ms = 8000 };

/* -------------------------------------------------------------- outcomes --- */

static __unused const char *outcome_name(u32 o)
{
	static char buf[200];
	u32 i;

	buf[0] = 0;
	for (i = 0; i < h.prog->nr_outcomes; i++)
		if (o & (1u << i)) {
			strcat(buf, buf[0] ? "+" : "");
			strcat(buf, h.prog->outcomes[i]);
		}
	return buf[0] ? buf : "nothing";
}

static __unused void outcomes_add(u32 *stat, u32 o)
{
	u32 i;

	for (i = 0; i < h.prog->nr_outcomes; i++)
		stat[i] += o >> i & 1;
}

/* behind a line that has begun */
static __unused void outcomes_print(const u32 *stat)
{
	u32 i;

	for (i = 0; i < h.prog->nr_outcomes; i++)
		if (stat[i])
			printf(" %u %s", stat[i], outcome_name(1u << i));
	printf("\n");
}

static __unused void result(bool ok, const char *name, const char *what)
{
	printf("%sok %d - %s: %s\n", ok ? "" : "not ", ++h.nr, name, what);
	fflush(stdout);
	if (!ok)
		h.failed++;
}

/* the name of a case that begins into the kernel log, if --kmsg says so */
static __unused void note_case(const char *name)
{
	if (!h.kmsg)
		return;
	fprintf(h.kmsg, "<4>%s: %s\n", h.prog->name, name);
	fflush(h.kmsg);
}

/* ----------------------------------------------------- the guarded memory --- */

static __unused void guard_set(void)
{
	memset(h.mem, GUARD, h.prog->mem_bytes);
}

/* Only @len bytes from @off may differ from the guard */
static __unused bool guard_ok(u32 off, u32 len)
{
	static const u8 ref[4096] = { [0 ... 4095] = GUARD };
	u32 i, n, bytes = h.prog->mem_bytes;

	for (i = 0; i < bytes; i += n) {
		if (i == off && len) {
			n = len;
			continue;
		}
		n = bytes - i < sizeof(ref) ? bytes - i : sizeof(ref);
		if (i < off && off - i < n)
			n = off - i;
		if (memcmp(h.mem + i, ref, n))
			return false;
	}
	return true;
}

static __unused void pattern(u8 *p, u32 len, u32 seed)
{
	u32 i, x = seed * 2654435761u + 1;

	for (i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = x >> 24;
	}
}

/* -------------------------------------------------------------- mutation --- */

static u64 rnd_state;

static __unused void rnd_seed(u64 seed)
{
	rnd_state = seed * 0x9e3779b97f4a7c15ull + 1;
}

static __unused u32 rnd(u32 below)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return (rnd_state >> 11) % below;
}

/* ------------------------------------------------------------------ main --- */

static __unused struct ibv_mr *reg_mem(void *p, size_t len, int access)
{
	struct ibv_mr *mr = ibv_reg_mr(h.pd, p, len, access);

	if (!mr)
		bail("cannot register memory");
	return mr;
}
#define ACCESS_RW	(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE)

static void hostile_prepare(const char *host, const char *port)
{
	struct addrinfo *ai, hint = { .ai_socktype = SOCK_STREAM };
	u32 bytes = h.prog->mem_bytes;
	struct conn *c;
	int rc = getaddrinfo(host, port, &hint, &ai);

	if (rc)
		bail("%s: %s", host, gai_strerror(rc));
	memcpy(&h.addr, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(ai);
	c = conn_new();
	if (conn_resolve(c, (struct sockaddr *)&h.addr) || !c->id->verbs)
		bail("no RDMA route to %s", host);
	h.anchor = c->id;
	h.pd = ibv_alloc_pd(c->id->verbs);
	h.mem = aligned_alloc(4096, bytes);
	guard_set();
	h.mr = reg_mem(h.mem, bytes, ACCESS_RW);
	h.mr_ro = reg_mem(h.mem, bytes, IBV_ACCESS_REMOTE_READ);
	h.mr_wo = reg_mem(h.mem, bytes, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
	h.prog->prepare();
}

static void hostile_usage(void)
{
	printf("usage: %s [OPTIONS] %s\n"
	       "  -p, --port PORT      %s\n"
	       "%s"
	       "  -o, --only PATTERN   cases whose names match\n"
	       "  -s, --skip PATTERN   not these (repeat it)\n"
	       "  -f, --fuzz SEED      mutated messages instead of the cases\n"
	       "  -n, --count COUNT    that many (1000)\n"
	       "  -w, --wait MS        longest wait for an answer (8000)\n"
	       "  -k, --kmsg           names of the cases into the kernel log\n"
	       "  -v, --verbose        print messages\n"
	       "  -l, --list           names of the cases\n"
	       "TAP on standard output; exit code 0 when every case ended in a way it may end.\n",
	       h.prog->name, h.prog->peer, h.prog->port, h.prog->extra_usage);
}

static bool is_chosen(u32 i)
{
	return !h.only || !fnmatch(h.only, h.prog->case_name(i), 0);
}

/* why a chosen case is not run, or NULL */
static const char *skip_reason(u32 i)
{
	u32 j;

	for (j = 0; j < h.nr_skip; j++)
		if (!fnmatch(h.skip[j], h.prog->case_name(i), 0))
			return "told so";
	return h.prog->why_not ? h.prog->why_not(i) : NULL;
}

static int hostile_main(const struct hostile_prog *prog, int argc, char **argv)
{
	struct option opts[10 + NR_EXTRA + 1] = {
		{ "port", 1, 0, 'p' }, { "only", 1, 0, 'o' }, { "skip", 1, 0, 's' },
		{ "fuzz", 1, 0, 'f' }, { "count", 1, 0, 'n' }, { "wait", 1, 0, 'w' },
		{ "kmsg", 0, 0, 'k' }, { "verbose", 0, 0, 'v' }, { "list", 0, 0, 'l' },
		{ "help", 0, 0, 'h' },
	};
	const char *port = prog->port, *why;
	char short_opts[64];
	bool is_fuzz = false;
	u64 seed = 0;
	u32 count = 1000, i, nr = 0;
	int o;

	h.prog = prog;
	memcpy(opts + 10, prog->extra, sizeof(prog->extra));
	snprintf(short_opts, sizeof(short_opts), "p:o:s:f:n:w:kvlh%s", prog->extra_short);
	while ((o = getopt_long(argc, argv, short_opts, opts, NULL)) != -1) {
		switch (o) {
		case 'p': port = optarg; break;
		case 'o': h.only = optarg; break;
		case 's':
			if (h.nr_skip < 16)
				h.skip[h.nr_skip++] = optarg;
			break;
		case 'f': is_fuzz = true; seed = strtoull(optarg, NULL, 0); break;
		case 'n': count = strtoul(optarg, NULL, 0); break;
		case 'w': h.wait_ms = atoi(optarg); break;
		case 'k': h.kmsg = fopen("/dev/kmsg", "w"); break;
		case 'v': h.verbose = 1; break;
		case 'l':
			for (i = 0; i < prog->nr_cases; i++)
				printf("%s\n", prog->case_name(i));
			return 0;
		case 'h':
			hostile_usage();
			return 0;
		case '?':
			hostile_usage();
			return 2;
		default:
			prog->option(o, optarg);
		}
	}
	if (optind != argc - 1) {
		hostile_usage();
		return 2;
	}
	hostile_prepare(argv[optind], port);

	if (is_fuzz) {
		printf("1..%u\n", prog->nr_fuzz);
		prog->fuzz(seed, count);
		return !!h.failed;
	}
	for (i = 0; i < prog->nr_cases; i++)
		nr += is_chosen(i);
	printf("1..%u\n", nr);
	for (i = 0; i < prog->nr_cases; i++) {
		if (!is_chosen(i))
			continue;
		why = skip_reason(i);
		if (why)
			printf("ok %d - %s # SKIP %s\n", ++h.nr, prog->case_name(i), why);
		else
			prog->run_case(i);
	}
	printf("# %d cases, %d failed\n", h.nr, h.failed);
	return !!h.failed;
}

#endif /* _HOSTILE_TEST_H */
