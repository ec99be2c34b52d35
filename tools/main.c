// SPDX-License-Identifier: GPL-2.0
/* rspctl: show RSP's objects, load and swap its policies. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "rspctl.h"

static int cmd_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("Usage: rspctl [OPTIONS] OBJECT { COMMAND | help }\n"
	     "\n"
	     "  rspctl svc     [show] [svc NAME] [id N]\n"
	     "  rspctl pool    [show]\n"
	     "  rspctl peer    [show] [id N]\n"
	     "  rspctl ep      [show] [svc NAME] [id N]\n"
	     "  rspctl rq      [show] [id N]\n"
	     "  rspctl chan    [show] [svc NAME] [id N]\n"
	     "  rspctl desc    [show] [svc NAME] [id N]\n"
	     "  rspctl cache   [show] [id N]\n"
	     "  rspctl policy  [show]\n"
	     "  rspctl policy  show NAME\n"
	     "  rspctl policy  load FILE [set KNOB VALUE]...\n"
	     "  rspctl policy  swap FILE [set KNOB VALUE]...\n"
	     "  rspctl policy  unload NAME\n"
	     "  rspctl policy  log\n"
	     "  rspctl policy  knobs FILE\n"
	     "  rspctl policy  new NAME [family FAMILY] [dir DIR]\n"
	     "  rspctl policy  test FILE [set KNOB VALUE]... [seconds N] [here]\n"
	     "  rspctl observe on [slow_us N]\n"
	     "  rspctl observe off\n"
	     "  rspctl observe [show] [svc NAME]\n"
	     "  rspctl observe slow [svc NAME]\n"
	     "  rspctl stats   [show]\n"
	     "  rspctl stats   --openmetrics [--output FILE]\n"
	     "  rspctl monitor [KIND]... [slow_us N]\n"
	     "  rspctl trace   CHAN\n"
	     "  rspctl top     [-b] [-n COUNT] [-i SECONDS] [-v VIEW]\n"
	     "\n"
	     "OPTIONS := { -j[son] | -p[retty] | -d[etails] | -V[ersion] | -h[elp] }\n"
	     "\n"
	     "`rspctl OBJECT help' says what each field means. Words can be shortened.");
	return 0;
}

static const struct cmd cmds[] = {
	{ "help", cmd_help },
	{ "svc", cmd_svc },
	{ "pool", cmd_pool },
	{ "peer", cmd_peer },
	{ "ep", cmd_ep },
	{ "rq", cmd_rq },
	{ "chan", cmd_chan },
	{ "desc", cmd_desc },
	{ "cache", cmd_cache },
	{ "policy", cmd_policy },
	{ "observe", cmd_observe },
	{ "stats", cmd_stats },
	{ "monitor", cmd_monitor },
	{ "trace", cmd_trace },
	{ "top", cmd_top },
	{ NULL, NULL },
};

static int cmd_fail(const struct cmd *level, const char *word)
{
	char expected[256] = "";
	size_t at = 0;

	for (; level->word && at < sizeof(expected); level++)
		at += snprintf(expected + at, sizeof(expected) - at, "%s%s", at ? ", " : "",
			       level->word);
	return fail_word(word, expected);
}

int cmd_select(const struct cmd *level, int argc, char **argv)
{
	if (!argc)
		return level->fn(0, argv);
	for (const struct cmd *cmd = level; cmd->word; cmd++) {
		if (!strcmp(cmd->word, argv[0]))
			return cmd->fn(argc - 1, argv + 1);
	}
	for (const struct cmd *cmd = level; *argv[0] && cmd->word; cmd++) {
		if (!strncmp(cmd->word, argv[0], strlen(argv[0])))
			return cmd->fn(argc - 1, argv + 1);
	}
	return cmd_fail(level, argv[0]);
}

int cmd_show(const struct cmd *level, int argc, char **argv)
{
	if (argc && (!strcmp(argv[0], "svc") || !strcmp(argv[0], "id")))
		return level->fn(argc, argv);
	return cmd_select(level, argc, argv);
}

int word_number(int argc, char **argv, uint32_t *number)
{
	unsigned long long value;
	char *end;

	if (argc < 2)
		return fail_word(NULL, "a number");
	errno = 0;
	value = strtoull(argv[1], &end, 0);
	if (*end || !*argv[1] || *argv[1] == '-' || errno || value > UINT32_MAX)
		return fail_word(argv[1], "a number");
	*number = value;
	return 0;
}

int sel_parse(struct sel *sel, int argc, char **argv, unsigned int words)
{
	const char *expected = words == (SEL_SVC | SEL_ID) ? "svc NAME or id N" :
			       words == SEL_SVC ? "svc NAME" : "id N";

	memset(sel, 0, sizeof(*sel));
	for (; argc; argc -= 2, argv += 2) {
		bool is_svc = (words & SEL_SVC) && !strcmp(argv[0], "svc");

		if (!is_svc && (!(words & SEL_ID) || strcmp(argv[0], "id")))
			return fail_word(argv[0], expected);
		if (is_svc && argc < 2)
			return fail_word(NULL, "the name of a service");
		if (is_svc) {
			sel->svc = argv[1];
			continue;
		}
		if (word_number(argc, argv, &sel->id))
			return 1;
		sel->has_id = true;
	}
	return 0;
}

/* ---------------------------------------------------------------- host --- */

static struct rsp_host *host;
static struct rsp_svc_view *host_svcs;
static struct rsp_peer_view *host_peers;
static int host_nr_svc = -1;
static int host_nr_peer = -1;

struct rsp_host *host_get(void)
{
	if (!host)
		host = rsp_host_open();
	if (!host)
		fail_rsp();
	return host;
}

static void host_svcs_read(void)
{
	if (host_nr_svc < 0 && host)
		host_nr_svc = rsp_svc_list(host, &host_svcs);
}

/* objects may have come since they were listed */
static void host_forget(void)
{
	if (host_nr_svc >= 0)
		free(host_svcs);
	if (host_nr_peer >= 0)
		free(host_peers);
	host_nr_svc = -1;
	host_nr_peer = -1;
}

void host_put(void)
{
	host_forget();
	rsp_host_close(host);
	host = NULL;
}

const char *svc_name(uint32_t id)
{
	for (int again = 0; again < 2; again++) {
		host_svcs_read();
		for (int i = 0; i < host_nr_svc; i++) {
			if (host_svcs[i].id == id)
				return host_svcs[i].name;
		}
		host_forget();
	}
	return "";
}

uint32_t svc_id(const char *name)
{
	host_svcs_read();
	for (int i = 0; i < host_nr_svc; i++) {
		if (!strcmp(host_svcs[i].name, name))
			return host_svcs[i].id;
	}
	return 0;
}

const char *peer_addr(uint32_t id)
{
	static char text[64];

	for (int again = 0; again < 2; again++) {
		if (host_nr_peer < 0 && host)
			host_nr_peer = rsp_peer_list(host, &host_peers);
		for (int i = 0; i < host_nr_peer; i++) {
			if (host_peers[i].id == id)
				return peer_text(&host_peers[i], text, sizeof(text));
		}
		host_forget();
	}
	return "";
}

/* ---------------------------------------------------------------- main --- */

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ "details", no_argument, NULL, 'd' },
		{ "version", no_argument, NULL, 'V' },
		{ "Version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option, err;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+jpdVh", longs, NULL)) != -1) {
		switch (option) {
		case 'p':
			is_pretty = true;
			is_json = true;
			break;
		case 'j':
			is_json = true;
			break;
		case 'd':
			is_detailed = true;
			break;
		case 'V':
			if (is_json) {
				json_begin(NULL, '{');
				json_str("version", RSP_VERSION);
				json_end('}');
			} else {
				puts("rspctl " RSP_VERSION);
			}
			return 0;
		case 'h':
			return cmd_help(0, NULL);
		default:
			return fail_word(argv[optind - 1], "-j, -p, -d, -V or -h");
		}
	}
	err = cmd_select(cmds, argc - optind, argv + optind);
	host_put();
	if (fflush(stdout) || ferror(stdout))
		return 1;
	return err;
}
