// SPDX-License-Identifier: GPL-2.0
/*
 * held: what each service holds of the pool, as a line of JSON every so often.
 *
 *	held MS [COUNT]		every MS milliseconds, COUNT lines or until killed
 *
 *	{"t_ms": 1200, "pool": 1048576, "recv": {"held": 524288, "refused": 0, "starved": 0}, ...}
 *
 * All lines are made by one loaded program, so they cost little beside what they watch.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <librsp.h>

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int line(struct rsp_host *host, long long t_ms)
{
	struct rsp_svc_view *svcs;
	struct rsp_pool_view pool;
	int nr = rsp_svc_list(host, &svcs), i;

	if (nr < 0 || rsp_pool_get(host, &pool))
		return -1;
	printf("{\"t_ms\": %lld, \"pool\": %llu, \"limit\": %llu", t_ms,
	       (unsigned long long)pool.held_bytes, (unsigned long long)pool.limit_bytes);
	for (i = 0; i < nr; i++)
		printf(", \"%s\": {\"held\": %llu, \"refused\": %llu, \"starved\": %llu}",
		       svcs[i].name, (unsigned long long)svcs[i].held_bytes,
		       (unsigned long long)svcs[i].nr_refused,
		       (unsigned long long)svcs[i].nr_starved);
	puts("}");
	free(svcs);
	return fflush(stdout);
}

int main(int argc, char **argv)
{
	long ms = argc > 1 ? atol(argv[1]) : 0, count = argc > 2 ? atol(argv[2]) : -1;
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };
	struct rsp_host *host;
	long long start;

	if (ms < 1) {
		fprintf(stderr, "usage: held MS [COUNT]\n");
		return 2;
	}
	host = rsp_host_open();
	if (!host) {
		perror("held");
		return 1;
	}
	for (start = now_ms(); count; count -= count > 0) {
		if (line(host, now_ms() - start)) {
			perror("held");
			return 1;
		}
		nanosleep(&pause, NULL);
	}
	rsp_host_close(host);
	return 0;
}
