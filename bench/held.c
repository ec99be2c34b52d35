// SPDX-License-Identifier: GPL-2.0
/*
 * held: what each service holds of the pool and may have in flight, as a line of JSON every so often.
 *
 *	held MS [COUNT]		every MS milliseconds, COUNT lines or until killed
 *
 *	{"unix_ms": 1764180000000, "pool": 1048576, "limit": 67108864, "iser": {"held": 524288, "refused": 0,
 *	 "starved": 0, "chans": 1, "window": 64, "grant": 64, "peer_grant": 128, "in_flight": 8}, ...,
 *	 "active": {"flow": {"name": "builtin", "age_ms": 1200}, ...}}
 *
 * window and what follows are sums over the service's channels; active are the policies, since when.
 * All lines are made by one loaded program, so they cost little beside what they watch.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <librsp.h>

static long long unix_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void put_svc(const struct rsp_svc_view *svc, const struct rsp_chan_view *chans, int nr)
{
	unsigned int window = 0, grant = 0, peer_grant = 0, in_flight = 0;
	int i;

	for (i = 0; i < nr; i++) {
		if (chans[i].svc_id != svc->id)
			continue;
		window += chans[i].window;
		grant += chans[i].grant;
		peer_grant += chans[i].peer_grant;
		in_flight += chans[i].in_flight;
	}
	printf(", \"%s\": {\"held\": %llu, \"refused\": %llu, \"starved\": %llu, \"chans\": %u, "
	       "\"window\": %u, \"grant\": %u, \"peer_grant\": %u, \"in_flight\": %u}",
	       svc->name, (unsigned long long)svc->held_bytes, (unsigned long long)svc->nr_refused,
	       (unsigned long long)svc->nr_starved, svc->nr_chan, window, grant, peer_grant,
	       in_flight);
}

/* the active policy of each family, and for how long it has been */
static void put_active(const struct rsp_policy_view *policies, int nr)
{
	const char *comma = "";
	struct timespec t;
	int i;

	clock_gettime(CLOCK_BOOTTIME, &t);
	printf(", \"active\": {");
	for (i = 0; i < nr; i++) {
		if (!policies[i].is_active)
			continue;
		printf("%s\"%s\": {\"name\": \"%s\", \"age_ms\": %lld}", comma,
		       rsp_family_name(policies[i].family), policies[i].exit.name,
		       t.tv_sec * 1000LL + t.tv_nsec / 1000000 -
		       (long long)(policies[i].since_ns / 1000000));
		comma = ", ";
	}
	printf("}");
}

static int line(struct rsp_host *host)
{
	struct rsp_policy_view *policies = NULL;
	struct rsp_chan_view *chans = NULL;
	struct rsp_svc_view *svcs = NULL;
	struct rsp_pool_view pool;
	int nr = rsp_svc_list(host, &svcs), nr_chan = rsp_chan_list(host, &chans);
	int nr_policy = rsp_policy_list(host, &policies), i;
	int err = nr < 0 || nr_chan < 0 || nr_policy < 0 || rsp_pool_get(host, &pool);

	if (!err) {
		printf("{\"unix_ms\": %lld, \"pool\": %llu, \"limit\": %llu", unix_ms(),
		       (unsigned long long)pool.held_bytes, (unsigned long long)pool.limit_bytes);
		for (i = 0; i < nr; i++)
			put_svc(&svcs[i], chans, nr_chan);
		put_active(policies, nr_policy);
		puts("}");
		err = fflush(stdout);
	}
	free(svcs);
	free(chans);
	free(policies);
	return err;
}

int main(int argc, char **argv)
{
	long ms = argc > 1 ? atol(argv[1]) : 0, count = argc > 2 ? atol(argv[2]) : -1;
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };
	struct rsp_host *host;

	if (ms < 1) {
		fprintf(stderr, "usage: held MS [COUNT]\n");
		return 2;
	}
	host = rsp_host_open();
	if (!host) {
		perror("held");
		return 1;
	}
	for (; count; count -= count > 0) {
		if (line(host)) {
			perror("held");
			return 1;
		}
		nanosleep(&pause, NULL);
	}
	rsp_host_close(host);
	return 0;
}
