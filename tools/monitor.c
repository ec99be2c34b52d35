// SPDX-License-Identifier: GPL-2.0
/* rspctl monitor: events as they happen. */
#include <string.h>

#include "rspctl.h"

static const struct {
	const char	*word;
	unsigned int	kind;
	const char	*help;
} kinds[] = {
	{ "policy", RSP_STREAM_POLICY, "swaps, ejections" },
	{ "svc", RSP_STREAM_SVC, "services that register and unregister" },
	{ "ep", RSP_STREAM_EP, "endpoints up and down" },
	{ "chan", RSP_STREAM_CHAN, "channels up, down, moved to another endpoint" },
	{ "slow", RSP_STREAM_SLOW, "exchanges that took long, with their stages" },
	{ "pool", RSP_STREAM_POOL, "arenas added; buffers refused, summed up" },
	{ "cache", RSP_STREAM_CACHE, "blocks dropped and reclaimed, summed up" },
	{ "desc", RSP_STREAM_DESC, "regions published, revoked, ended, left" },
};

static int monitor_help(void)
{
	puts("Usage: rspctl monitor [KIND]... [slow_us N]\n"
	     "       rspctl monitor help\n"
	     "\n"
	     "KINDs (all of them, if none is named):");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		printf("  %-8s %s\n", kinds[i].word, kinds[i].help);
	return 0;
}

int cmd_monitor(int argc, char **argv)
{
	unsigned int wanted = 0, all = 0;
	uint32_t slow_us = 10000;

	if (argc && !strcmp(argv[0], "help"))
		return monitor_help();
	for (; argc; argc--, argv++) {
		size_t i;

		if (!strcmp(argv[0], "slow_us")) {
			if (word_number(argc, argv, &slow_us))
				return 1;
			argc--;
			argv++;
			continue;
		}
		for (i = 0; i < ARRAY_SIZE(kinds) && strcmp(kinds[i].word, argv[0]); i++)
			;
		if (i == ARRAY_SIZE(kinds))
			return fail_word(argv[0], "policy, svc, ep, chan, slow, pool, cache, desc, "
					 "slow_us N or help");
		wanted |= kinds[i].kind;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		all |= kinds[i].kind;
	return event_follow(wanted ?: all, 0, slow_us * 1000ULL);
}
