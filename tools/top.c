// SPDX-License-Identifier: GPL-2.0
/*
 * rspctl top: what goes on, every few seconds anew.
 *
 * Two snapshots of the lists make a picture: figures that count become rates. The tables are those of print.c, caught
 * in memory and cut to the screen; in batch mode they go where standard output goes.
 */
#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rspctl.h"

/* ------------------------------------------------------------ snapshots --- */

struct snap {
	uint64_t		ns;		/* when */
	time_t			time;		/* the same, of the day */
	int			nr_svc, nr_peer, nr_ep, nr_chan, nr_policy, nr_cache;
	struct rsp_svc_view	*svcs;
	struct rsp_peer_view	*peers;
	struct rsp_ep_view	*eps;
	struct rsp_chan_view	*chans;
	struct rsp_policy_view	*policies;
	struct rsp_cache_view	*caches;
	struct rsp_pool_view	pool;
	int			nr_obs;		/* negative: the observers are off */
	uint32_t		*obs_ids;	/* of services */
	struct rsp_obs_svc	*obs;
};

static struct snap snaps[2];
static struct snap *now = &snaps[0], *before = &snaps[1];

static void snap_free(struct snap *snap)
{
	free(snap->svcs);
	free(snap->peers);
	free(snap->eps);
	free(snap->chans);
	free(snap->policies);
	free(snap->caches);
	free(snap->obs_ids);
	free(snap->obs);
	memset(snap, 0, sizeof(*snap));
}

/* The last one becomes the one before. Return: 0, or a negative errno. */
static int snap_take(void)
{
	struct rsp_host *host = host_get();
	struct snap *snap = before;

	before = now;
	now = snap;
	snap_free(snap);
	snap->ns = clock_ns(CLOCK_MONOTONIC);
	snap->time = time(NULL);
	snap->nr_svc = rsp_svc_list(host, &snap->svcs);
	snap->nr_peer = rsp_peer_list(host, &snap->peers);
	snap->nr_ep = rsp_ep_list(host, &snap->eps);
	snap->nr_chan = rsp_chan_list(host, &snap->chans);
	snap->nr_policy = rsp_policy_list(host, &snap->policies);
	snap->nr_cache = rsp_cache_list(host, &snap->caches);
	snap->nr_obs = rsp_observe_is_on() ?
		       rsp_observe_list("svc", &snap->obs_ids, (void **)&snap->obs) : -ENOENT;
	if (snap->nr_svc < 0 || snap->nr_peer < 0 || snap->nr_ep < 0 || snap->nr_chan < 0 ||
	    snap->nr_policy < 0 || snap->nr_cache < 0)
		return -EIO;
	return rsp_pool_get(host, &snap->pool);
}

/* a figure that counts, in a second; it began anew if it was higher before */
static uint64_t rate(uint64_t is, uint64_t was)
{
	uint64_t ns = now->ns - before->ns;

	return ns ? (is >= was ? is - was : is) * 1e9 / ns + .5 : 0;
}

/* what a channel did since the snapshot before */
struct traffic {
	uint64_t	ops_s;
	uint64_t	out_s;
	uint64_t	in_s;
};

static void traffic_add(struct traffic *sum, const struct rsp_chan_view *chan)
{
	static const struct rsp_chan_view zero;
	const struct rsp_chan_view *was = &zero;

	for (int i = 0; i < before->nr_chan; i++) {
		if (before->chans[i].id == chan->id)
			was = &before->chans[i];
	}
	/* a server finishes no exchanges, it is asked */
	sum->ops_s += chan->role == RSP_ROLE_CLIENT ? rate(chan->nr_ack, was->nr_ack) :
		      rate(chan->nr_recv, was->nr_recv);
	sum->out_s += rate(chan->send_bytes, was->send_bytes);
	sum->in_s += rate(chan->recv_bytes, was->recv_bytes);
}

/* --------------------------------------------------------------- tables --- */

struct top_svc {
	struct rsp_svc_view	view;
	struct traffic		io;
	uint64_t		refused_s;
	uint32_t		held_pct;
	uint64_t		lat_p50_ns;
	uint64_t		lat_p99_ns;
};

#define TOP(what, name_, field, kind_, help_) \
	{ .name = name_, .kind = kind_, .offset = offsetof(struct top_##what, field), \
	  .is_main = true, .help = help_ }

#define TOP_IO(what) \
	TOP(what, "ops_s", io.ops_s, COL_U64, "exchanges finished in a second; of a server: requests received"), \
	TOP(what, "out_s", io.out_s, COL_BYTES, "bytes sent in a second, in messages and by RDMA"), \
	TOP(what, "in_s", io.in_s, COL_BYTES, "bytes received in a second, likewise")

/* not const: those of latency are columns while the observers are on */
static struct col svc_cols[] = {
	TOP(svc, "name", view.name, COL_STR, "name of the service"),
	TOP(svc, "chans", view.nr_chan, COL_U32, "channels"),
	TOP_IO(svc),
	TOP(svc, "p50", lat_p50_ns, COL_NS, "half of the exchanges since the last picture took at most this"),
	TOP(svc, "p99", lat_p99_ns, COL_NS, "99 of 100 of them took at most this"),
	TOP(svc, "held", view.held_bytes, COL_BYTES, "pool memory it holds"),
	TOP(svc, "pct", held_pct, COL_U32, "that in percent of the pool's limit"),
	TOP(svc, "refused_s", refused_s, COL_U64, "buffers refused in a second"),
};

static void svc_cols_show(bool is_observed)
{
	for (size_t i = 0; i < ARRAY_SIZE(svc_cols); i++) {
		if (svc_cols[i].offset == offsetof(struct top_svc, lat_p50_ns) ||
		    svc_cols[i].offset == offsetof(struct top_svc, lat_p99_ns))
			svc_cols[i].is_main = is_observed;
	}
}

struct top_ep {
	struct rsp_ep_view	view;
	struct traffic		io;
	char			peer[64];
};

static const struct col ep_cols[] = {
	TOP(ep, "id", view.id, COL_U32, "number of the endpoint"),
	TOP(ep, "dev", view.dev, COL_STR, "RDMA device"),
	TOP(ep, "peer", peer, COL_STR, "address of the peer"),
	{ .name = "role", .kind = COL_WORD, .offset = offsetof(struct top_ep, view.role),
	  .is_main = true, .word = rsp_role_name, .help = "client or server" },
	{ .name = "state", .kind = COL_WORD, .offset = offsetof(struct top_ep, view.state),
	  .is_main = true, .word = rsp_state_name, .help = "connecting, up, closing, dead" },
	TOP(ep, "chans", view.nr_chan, COL_U32, "channels"),
	TOP_IO(ep),
	TOP(ep, "sq_used", view.sq_used, COL_U32, "send queue slots taken"),
	TOP(ep, "sq_size", view.sq_size, COL_U32, "send queue slots"),
};

struct top_pool {
	uint32_t	class;
	uint32_t	nr_buf;
	uint32_t	nr_free;
	uint32_t	used_pct;
	uint64_t	used_bytes;
};

static const struct col pool_cols[] = {
	{ .name = "class", .kind = COL_WORD, .offset = offsetof(struct top_pool, class),
	  .is_main = true, .word = rsp_class_name, .help = "size class of buffers" },
	TOP(pool, "nr_buf", nr_buf, COL_U32, "buffers cut"),
	TOP(pool, "nr_free", nr_free, COL_U32, "of these on the free list of the class"),
	TOP(pool, "used", used_bytes, COL_BYTES, "memory of those that are not"),
	TOP(pool, "used_pct", used_pct, COL_U32, "their share"),
};

struct top_policy {
	struct rsp_policy_view	view;
	uint64_t		calls_s;
	uint64_t		age_ns;
	char			state[16];
};

static const struct col policy_cols[] = {
	{ .name = "family", .kind = COL_WORD, .offset = offsetof(struct top_policy, view.family),
	  .is_main = true, .word = rsp_family_name, .help = "buf, ep, flow or cache" },
	TOP(policy, "policy", view.exit.name, COL_STR, "its name"),
	TOP(policy, "state", state, COL_STR, "active, waiting, ejected"),
	TOP(policy, "age", age_ns, COL_NS, "since it is so"),
	TOP(policy, "calls_s", calls_s, COL_U64, "hook calls in a second"),
	TOP(policy, "nr_clamp", view.exit.nr_clamp, COL_U64, "answers out of range"),
	TOP(policy, "msg", view.exit.msg, COL_STR, "why it was ejected"),
};

struct top_cache {
	struct rsp_cache_view	view;
	uint64_t		hit_s;
	uint64_t		miss_s;
	uint64_t		evict_s;
	uint32_t		hit_pct;
};

static const struct col cache_cols[] = {
	TOP(cache, "dev", view.dev, COL_STR, "device with the cache"),
	TOP(cache, "below", view.below, COL_STR, "device that is cached"),
	TOP(cache, "size", view.size_bytes, COL_BYTES, "most pool memory it may hold"),
	TOP(cache, "held", view.held_bytes, COL_BYTES, "pool memory it holds"),
	TOP(cache, "hit_s", hit_s, COL_U64, "blocks read from the cache in a second"),
	TOP(cache, "miss_s", miss_s, COL_U64, "blocks read from the device in a second"),
	TOP(cache, "hit_pct", hit_pct, COL_U32, "the former of both, in percent"),
	TOP(cache, "evict_s", evict_s, COL_U64, "blocks that made room for others in a second"),
};

/* of its exchanges since the snapshot before */
static void svc_latency(struct top_svc *row)
{
	static const struct rsp_obs_io zero;
	const struct rsp_obs_io *is = NULL, *was = &zero;
	__u64 steps[RSP_OBS_NR_STEP];

	for (int i = 0; i < now->nr_obs; i++) {
		if (now->obs_ids[i] == row->view.id)
			is = &now->obs[i].io;
	}
	for (int i = 0; i < before->nr_obs; i++) {
		if (before->obs_ids[i] == row->view.id)
			was = &before->obs[i].io;
	}
	if (!is)
		return;
	for (int i = 0; i < RSP_OBS_NR_STEP; i++)
		steps[i] = is->lat_steps[i] >= was->lat_steps[i] ?
			   is->lat_steps[i] - was->lat_steps[i] : is->lat_steps[i];
	row->lat_p50_ns = rsp_observe_percentile(steps, 50);
	row->lat_p99_ns = rsp_observe_percentile(steps, 99);
}

static int svc_rows(void **out)
{
	struct top_svc *rows = calloc(now->nr_svc + 1, sizeof(*rows));

	for (int i = 0; rows && i < now->nr_svc; i++) {
		uint64_t was = 0;

		rows[i].view = now->svcs[i];
		for (int j = 0; j < now->nr_chan; j++) {
			if (now->chans[j].svc_id == now->svcs[i].id)
				traffic_add(&rows[i].io, &now->chans[j]);
		}
		for (int j = 0; j < before->nr_svc; j++) {
			if (before->svcs[j].id == now->svcs[i].id)
				was = before->svcs[j].nr_refused;
		}
		rows[i].refused_s = rate(now->svcs[i].nr_refused, was);
		if (now->pool.limit_bytes)
			rows[i].held_pct = 100 * now->svcs[i].held_bytes / now->pool.limit_bytes;
		svc_latency(&rows[i]);
	}
	*out = rows;
	return rows ? now->nr_svc : 0;
}

static int ep_rows(void **out)
{
	struct top_ep *rows = calloc(now->nr_ep + 1, sizeof(*rows));

	for (int i = 0; rows && i < now->nr_ep; i++) {
		rows[i].view = now->eps[i];
		for (int j = 0; j < now->nr_chan; j++) {
			if (now->chans[j].ep_id == now->eps[i].id)
				traffic_add(&rows[i].io, &now->chans[j]);
		}
		for (int j = 0; j < now->nr_peer; j++) {
			if (now->peers[j].id == now->eps[i].peer_id)
				peer_text(&now->peers[j], rows[i].peer, sizeof(rows[i].peer));
		}
	}
	*out = rows;
	return rows ? now->nr_ep : 0;
}

static int pool_rows(void **out)
{
	struct top_pool *rows = calloc(RSP_NR_CLASS, sizeof(*rows));

	for (uint32_t i = 0; rows && i < RSP_NR_CLASS; i++) {
		uint32_t nr = now->pool.nr_buf[i], used = nr - now->pool.nr_free[i];

		rows[i] = (struct top_pool) {
			.class = i, .nr_buf = nr, .nr_free = now->pool.nr_free[i],
			.used_bytes = (uint64_t)used * now->pool.buf_bytes[i],
			.used_pct = nr ? 100ULL * used / nr : 0,
		};
	}
	*out = rows;
	return rows ? RSP_NR_CLASS : 0;
}

/* ejected: is registered still, or the log has it */
static int policy_rows(void **out)
{
	struct top_policy *rows = calloc(now->nr_policy + 1, sizeof(*rows));
	uint64_t boot_ns = clock_ns(CLOCK_BOOTTIME);
	int nr = 0;

	for (int i = 0; rows && i < now->nr_policy; i++) {
		const struct rsp_policy_view *view = &now->policies[i];
		uint64_t was = 0;

		if (view->is_ended && !policy_is_failure(view))
			continue;
		for (int j = 0; j < before->nr_policy; j++) {
			if (before->policies[j].seq == view->seq &&
			    before->policies[j].family == view->family)
				was = before->policies[j].exit.nr_call;
		}
		rows[nr].view = *view;
		rows[nr].calls_s = view->is_ended ? 0 : rate(view->exit.nr_call, was);
		rows[nr].age_ns = boot_ns > view->since_ns ? boot_ns - view->since_ns : 0;
		snprintf(rows[nr].state, sizeof(rows[nr].state), "%s", view->is_active ? "active" :
			 policy_is_failure(view) ? "ejected" : "waiting");
		nr++;
	}
	*out = rows;
	return nr;
}

static int cache_rows(void **out)
{
	struct top_cache *rows = calloc(now->nr_cache + 1, sizeof(*rows));
	static const struct rsp_cache_view zero;

	for (int i = 0; rows && i < now->nr_cache; i++) {
		const struct rsp_cache_view *is = &now->caches[i], *was = &zero;

		for (int j = 0; j < before->nr_cache; j++) {
			if (before->caches[j].id == is->id)
				was = &before->caches[j];
		}
		rows[i].view = *is;
		rows[i].hit_s = rate(is->nr_hit, was->nr_hit);
		rows[i].miss_s = rate(is->nr_miss, was->nr_miss);
		rows[i].evict_s = rate(is->nr_evict, was->nr_evict);
		if (rows[i].hit_s + rows[i].miss_s)
			rows[i].hit_pct = 100 * rows[i].hit_s / (rows[i].hit_s + rows[i].miss_s);
	}
	*out = rows;
	return rows ? now->nr_cache : 0;
}

#define VIEW(what, word_, sort_, none_) \
	{ .word = word_, .cols = what##_cols, .nr_col = ARRAY_SIZE(what##_cols), \
	  .size = sizeof(struct top_##what), .rows = what##_rows, .sort = sort_, .none = none_ }

/* a table; its key is the first letter of its name */
static struct view {
	const char	*word;
	const struct col *cols;
	size_t		nr_col;
	size_t		size;
	int		(*rows)(void **rows);
	int		sort;		/* column, from 1 on, highest first; 0: as they come */
	const char	*none;
} views[] = {
	VIEW(svc, "services", 3, "no service"),
	VIEW(ep, "endpoints", 7, "no endpoint"),
	VIEW(pool, "memory", 0, ""),
	VIEW(policy, "policies", 0, "no policy"),
	VIEW(cache, "caches", 5, "no block cache"),
};

static const struct view *sorted;	/* what row_compare() is for */

static int row_compare(const void *a, const void *b)
{
	return col_compare(&sorted->cols[sorted->sort - 1], b, a);
}

static void view_print(const struct view *view)
{
	void *rows;
	int nr;

	svc_cols_show(now->nr_obs >= 0);
	nr = view->rows(&rows);
	sorted = view;
	if (view->sort && nr)
		qsort(rows, nr, view->size, row_compare);
	print_rows(NULL, view->cols, view->nr_col, rows, view->size, nr, view->none);
	free(rows);
}

/* what is true of all: pool, active policies */
static void head_print(void)
{
	char held[32], arena[32], limit[32], clock[16];

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now->time));
	print_bytes(now->pool.held_bytes, held, sizeof(held));
	print_bytes(now->pool.arena_bytes, arena, sizeof(arena));
	print_bytes(now->pool.limit_bytes, limit, sizeof(limit));
	printf("rspctl top, %s: %d services, %d channels, %d endpoints, %d block caches\n", clock,
	       now->nr_svc, now->nr_chan, now->nr_ep, now->nr_cache);
	printf("pool: %s held, %s mapped, %s limit\n", held, arena, limit);
	printf("policies:");
	for (int i = 0; i < now->nr_policy; i++) {
		if (now->policies[i].is_active)
			printf(" %s %s", rsp_family_name(now->policies[i].family),
			       now->policies[i].exit.name);
	}
	putchar('\n');
	if (now->nr_obs < 0)
		puts("no p50, p99: `rspctl observe on' switches the observers on");
}

/* ---------------------------------------------------------------- batch --- */

static volatile sig_atomic_t is_over;

static void on_signal(int number)
{
	(void)number;
	is_over = 1;
}

static void pause_ms(unsigned int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

static int top_batch(const struct view *only, unsigned int ms, unsigned long count)
{
	for (unsigned long i = 0; !is_over && (!count || i < count); i++) {
		pause_ms(ms);
		if (is_over)
			break;
		if (snap_take())
			return fail_rsp();
		if (i)
			putchar('\n');
		head_print();
		for (size_t v = 0; v < ARRAY_SIZE(views); v++) {
			if (only && only != &views[v])
				continue;
			printf("\n%s:\n", views[v].word);
			view_print(&views[v]);
		}
		if (fflush(stdout))
			return 1;
	}
	return 0;
}

/* --------------------------------------------------------------- screen --- */

static struct view *shown = &views[0];
static unsigned int interval_ms = 2000;
static bool is_paused;

/* What is printed, as lines from @y on. Return: the line behind. */
static int screen_add(int y, void (*print)(const struct view *view), const struct view *view)
{
	char *text = NULL, *line, *rest;
	FILE *screen = stdout;
	size_t size;

	fflush(stdout);
	stdout = open_memstream(&text, &size);
	if (stdout)
		print(view);
	if (stdout)
		fclose(stdout);
	stdout = screen;
	rest = text;
	while (rest && (line = strsep(&rest, "\n")) && (*line || rest)) {
		if (y < LINES - 1)
			mvaddnstr(y, 0, line, COLS);
		y++;
	}
	free(text);
	return y;
}

static void screen_head(const struct view *view)
{
	head_print();
}

static void screen_draw(void)
{
	char foot[256];
	int y;

	erase();
	y = screen_add(0, screen_head, NULL);
	attron(A_BOLD);
	mvprintw(y + 1 < LINES - 1 ? y + 1 : LINES - 1, 0, "%s by %s", shown->word,
		 shown->sort ? shown->cols[shown->sort - 1].name : "order");
	attroff(A_BOLD);
	screen_add(y + 2, view_print, shown);
	snprintf(foot, sizeof(foot), "%s%.1fs  s e m p c view  < > sort  space pause  + - interval  q quit",
		 is_paused ? "PAUSED " : "", interval_ms / 1000.0);
	attron(A_REVERSE);
	mvaddnstr(LINES - 1, 0, foot, COLS);
	attroff(A_REVERSE);
	refresh();
}

/* the next column on the screen, or none, from the last one on to the first */
static void screen_sort(int step)
{
	int nr = shown->nr_col + 1;

	do {
		shown->sort = (shown->sort + nr + step) % nr;
	} while (shown->sort && !shown->cols[shown->sort - 1].is_main);
}

/* Return: false to leave */
static bool screen_key(int key)
{
	switch (key) {
	case 'q':
		return false;
	case ' ':
		is_paused = !is_paused;
		break;
	case '+':
		interval_ms = interval_ms < 60000 ? interval_ms * 2 : interval_ms;
		break;
	case '-':
		interval_ms = interval_ms > 250 ? interval_ms / 2 : interval_ms;
		break;
	case '<':
	case KEY_LEFT:
		screen_sort(-1);
		break;
	case '>':
	case KEY_RIGHT:
		screen_sort(1);
		break;
	default:
		for (size_t v = 0; v < ARRAY_SIZE(views); v++) {
			if (key == views[v].word[0])
				shown = &views[v];
		}
	}
	return true;
}

static int top_screen(void)
{
	uint64_t next = now->ns + 250000000;	/* the first rates soon */
	int key, err = 0;
	SCREEN *screen;

	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return fail("terminal type \"%s\" is unknown: set TERM, or use -b", getenv("TERM") ?: "");
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	while (!is_over) {
		uint64_t ns = clock_ns(CLOCK_MONOTONIC);

		if (ns >= next) {
			if (!is_paused)
				err = snap_take();
			if (err)
				break;
			next = ns + interval_ms * 1000000ULL;
		}
		screen_draw();
		timeout((next - ns) / 1000000 + 1);
		key = getch();
		if (key != ERR && !screen_key(key))
			break;
		/* a shorter interval holds from now on */
		if (key == '-' && next > ns + interval_ms * 1000000ULL)
			next = ns + interval_ms * 1000000ULL;
	}
	endwin();
	delscreen(screen);
	return err ? fail_rsp() : 0;
}

/* -------------------------------------------------------------- command --- */

static int top_help(void)
{
	puts("Usage: rspctl top [-b] [-n COUNT] [-i SECONDS] [-v VIEW]\n"
	     "       rspctl top help");
	for (size_t v = 0; v < ARRAY_SIZE(views); v++) {
		printf("\nView %s, key %c:", views[v].word, views[v].word[0]);
		print_help_fields(views[v].cols, views[v].nr_col);
	}
	return 0;
}

static struct view *view_find(const char *word)
{
	for (size_t v = 0; *word && v < ARRAY_SIZE(views); v++) {
		if (!strncmp(word, views[v].word, strlen(word)))
			return &views[v];
	}
	return NULL;
}

int cmd_top(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_signal };
	struct view *only = NULL;
	unsigned long count = 0;
	bool is_batch = false;
	int err;

	if (argc && !strcmp(argv[0], "help"))
		return top_help();
	for (; argc; argc--, argv++) {
		const char *word = argv[0];
		double seconds;
		char *end;

		if (!strcmp(word, "-b")) {
			is_batch = true;
			continue;
		}
		if (word[0] != '-' || !word[1] || !strchr("niv", word[1]) || word[2])
			return fail_word(word, "-b, -n COUNT, -i SECONDS, -v VIEW or help");
		if (argc < 2)
			return fail_word(NULL, word[1] == 'v' ? "a view" : "a number");
		argc--;
		argv++;
		switch (word[1]) {
		case 'n':
			count = strtoul(argv[0], &end, 10);
			if (*end || !count || *argv[0] == '-')
				return fail_word(argv[0], "a number of pictures");
			break;
		case 'i':
			seconds = strtod(argv[0], &end);
			if (*end || !(seconds >= .1 && seconds <= 3600))
				return fail_word(argv[0], "0.1 to 3600 seconds");
			interval_ms = seconds * 1000;
			break;
		case 'v':
			only = view_find(argv[0]);
			if (!only)
				return fail_word(argv[0], "services, endpoints, memory, policies or caches");
			shown = only;
		}
	}
	if (is_json)
		return fail("top has no JSON: rspctl -j svc, ep, pool, policy, cache have what it is made of");
	if (!is_batch && count)
		return fail("-n is for -b");
	if (!is_batch && (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO)))
		return fail("standard input and output are no terminal: use -b, and -n COUNT for an end");
	if (!host_get())
		return 1;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGQUIT, &action, NULL);
	err = snap_take();
	if (err)
		err = fail_rsp();
	else
		err = is_batch ? top_batch(only, interval_ms, count) : top_screen();
	snap_free(now);
	snap_free(before);
	return err;
}
