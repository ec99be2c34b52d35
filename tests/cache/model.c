// SPDX-License-Identifier: GPL-2.0
/*
 * model: what a cache policy must do, beside what it does.
 *
 *	model gen KIND COUNT SEED		a trace, a block number a line: zipf09, zipf11, scan, shift
 *	model run POLICY BLOCKS < TRACE		hits that POLICY has with room for BLOCKS: lru, s3fifo, tinylfu, scan
 *	model play DEVICE < TRACE		read these blocks, one at a time, past the page cache
 *
 * The policies are written anew from what stands at the top of their files in policies/, with arrays instead of
 * the cache's lists, queues instead of windows in maps, and no step that the mechanism would have to ask for.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNIVERSE	1500	/* blocks of a trace */
#define MAX_LIST	4096

/* ------------------------------------------------------------------- traces */

static uint64_t state;

static double chance(void)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 11) / 9007199254740992.0;
}

static void gen_zipf(long count, double skew)
{
	static double sum[UNIVERSE];
	static int name[UNIVERSE];
	int i, j;

	for (i = 0; i < UNIVERSE; i++) {
		sum[i] = (i ? sum[i - 1] : 0) + 1 / pow(i + 1, skew);
		name[i] = i;
	}
	/* neighbours in rank are not neighbours on the device */
	for (i = UNIVERSE - 1; i > 0; i--) {
		int swap = name[i];

		j = chance() * (i + 1);
		name[i] = name[j];
		name[j] = swap;
	}
	while (count--) {
		double at = chance() * sum[UNIVERSE - 1];

		for (i = 0; sum[i] < at; i++)
			;
		printf("%d\n", name[i]);
	}
}

/* a hot set of 100 blocks, and 200 in a row now and then */
static void gen_scan(long count)
{
	int at = 100, run = 0;

	while (count--) {
		if (!run && chance() < 1.0 / 400)
			run = 200;
		if (run && chance() < .7) {
			run--;
			printf("%d\n", at);
			at = at + 1 < UNIVERSE ? at + 1 : 100;
		} else {
			printf("%d\n", (int)(chance() * 100));
		}
	}
}

/* a hot set of 120 blocks that is another one after every sixth of the trace */
static void gen_shift(long count)
{
	long i;

	for (i = 0; i < count; i++)
		printf("%d\n", chance() < .9 ? (int)(i * 6 / count) * 120 + (int)(chance() * 120) :
		       (int)(chance() * UNIVERSE));
}

/* -------------------------------------------------------------------- lists */

struct entry {
	int	number;
	int	freq;
};

/* head at the end of the array */
struct list {
	struct entry	e[MAX_LIST];
	int		nr;
};

static struct list lists[3], ghost;
static int capacity;

static int list_find(const struct list *list, int number)
{
	int i;

	for (i = list->nr - 1; i >= 0; i--)
		if (list->e[i].number == number)
			return i;
	return -1;
}

static struct entry list_take(struct list *list, int i)
{
	struct entry entry = list->e[i];

	memmove(&list->e[i], &list->e[i + 1], (list->nr - i - 1) * sizeof(entry));
	list->nr--;
	return entry;
}

static void list_push(struct list *list, struct entry entry)
{
	list->e[list->nr++] = entry;
}

static int total(void)
{
	return lists[0].nr + lists[1].nr + lists[2].nr;
}

/* --------------------------------------------------------------------- lru */

static int lru(int number)
{
	int i = list_find(&lists[0], number);

	if (i >= 0) {
		list_push(&lists[0], list_take(&lists[0], i));
		return 1;
	}
	if (total() == capacity)
		list_take(&lists[0], 0);
	list_push(&lists[0], (struct entry){ number, 0 });
	return 0;
}

/* -------------------------------------------------------------------- scan */

static int scan(int number)
{
	static long missed[UNIVERSE], nr_miss;	/* the miss before, from 1 on */
	static int is_full;
	int i = list_find(&lists[0], number), again;

	if (i >= 0) {
		list_push(&lists[0], list_take(&lists[0], i));
		return 1;
	}
	nr_miss++;
	if (is_full) {
		again = missed[number] && nr_miss - missed[number] <= 2 * capacity;
		missed[number] = again ? 0 : nr_miss;
		if (!again)
			return 0;
	}
	if (total() == capacity) {
		is_full = 1;
		list_take(&lists[0], 0);
	}
	list_push(&lists[0], (struct entry){ number, 0 });
	return 0;
}

/* ------------------------------------------------------------------ s3fifo */

/* small is lists[0], main lists[1]; the ghost holds what left small, and holes for what came back */
static void s3fifo_evict(void)
{
	int round = 0;
	struct entry entry;

	for (;;) {
		int small = total() * 10 / 100;

		if (small < 1)
			small = 1;
		if (lists[0].nr && (lists[0].nr >= small || !lists[1].nr)) {
			entry = list_take(&lists[0], 0);
			if (entry.freq > 1 && round++ < 200) {
				entry.freq = 0;
				list_push(&lists[1], entry);
				continue;
			}
			if (ghost.nr == MAX_LIST)
				list_take(&ghost, 0);
			list_push(&ghost, entry);
			return;
		}
		entry = list_take(&lists[1], 0);
		if (!entry.freq || round++ >= 200)
			return;
		entry.freq--;
		list_push(&lists[1], entry);
	}
}

static int s3fifo(int number)
{
	int l, i, small, to = 0;

	for (l = 0; l < 2; l++) {
		i = list_find(&lists[l], number);
		if (i < 0)
			continue;
		if (lists[l].e[i].freq < 3)
			lists[l].e[i].freq++;
		return 1;
	}
	i = list_find(&ghost, number);
	if (i >= 0) {
		small = total() * 10 / 100;
		if (small < 1)
			small = 1;
		if (ghost.nr - i < total() - small)
			to = 1;
		ghost.e[i].number = -1;
	}
	if (total() == capacity)
		s3fifo_evict();
	list_push(&lists[to], (struct entry){ number, 0 });
	return 0;
}

/* ----------------------------------------------------------------- tinylfu */

static uint8_t sketch[4][1 << 14];
static long nr_access;

static uint8_t *counter(int number, int row)
{
	uint64_t h = number;

	h = (h ^ (h >> 31)) * 0x9e3779b97f4a7c15ULL;
	h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9ULL;
	h ^= h >> 32;
	return &sketch[row][(h >> (16 * row)) % (1 << 14)];
}

static int frequency(int number)
{
	int row, least = 15;

	for (row = 0; row < 4; row++)
		if (*counter(number, row) < least)
			least = *counter(number, row);
	return least;
}

static void seen(int number)
{
	unsigned int i;
	int row;

	for (row = 0; row < 4; row++)
		if (*counter(number, row) < 15)
			++*counter(number, row);
	if (++nr_access < 10L * capacity)
		return;
	for (i = 0; i < sizeof(sketch); i++)
		(&sketch[0][0])[i] /= 2;
	nr_access /= 2;
}

static void tinylfu_evict(void)
{
	int window = total() / 100 > 1 ? total() / 100 : 1;

	while (lists[2].nr > (total() - window) * 80 / 100 || (lists[2].nr && !lists[1].nr))
		list_push(&lists[1], list_take(&lists[2], 0));
	if (!lists[1].nr) {
		list_take(&lists[0], 0);
		return;
	}
	while (lists[0].nr >= window) {
		if (frequency(lists[0].e[0].number) <= frequency(lists[1].e[0].number)) {
			list_take(&lists[0], 0);
			return;
		}
		list_push(&lists[1], list_take(&lists[0], 0));
	}
	list_take(&lists[1], 0);
}

static int tinylfu(int number)
{
	static int is_full;
	int l, i, window;

	seen(number);
	for (l = 0; l < 3; l++) {
		i = list_find(&lists[l], number);
		if (i < 0)
			continue;
		list_push(&lists[l ? 2 : 0], list_take(&lists[l], i));
		return 1;
	}
	window = total() / 100 > 1 ? total() / 100 : 1;
	l = is_full || lists[0].nr < window ? 0 : 1;
	if (total() == capacity) {
		is_full = 1;
		tinylfu_evict();
	}
	list_push(&lists[l], (struct entry){ number, 0 });
	return 0;
}

/* -------------------------------------------------------------------- main */

static int play(const char *device)
{
	int fd = open(device, O_RDONLY | O_DIRECT), number;
	void *buf;

	if (fd < 0 || posix_memalign(&buf, 4096, 4096)) {
		perror(device);
		return 1;
	}
	while (scanf("%d", &number) == 1) {
		if (pread(fd, buf, 4096, number * 4096L) != 4096) {
			perror("read");
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct { const char *name; int (*access)(int number); } policies[] = {
		{ "lru", lru }, { "s3fifo", s3fifo }, { "tinylfu", tinylfu }, { "scan", scan },
	};
	long count, hits = 0;
	unsigned int i;
	int number;

	if (argc == 3 && !strcmp(argv[1], "play"))
		return play(argv[2]);
	if (argc == 5 && !strcmp(argv[1], "gen")) {
		count = atol(argv[3]);
		state = atol(argv[4]);
		if (!strcmp(argv[2], "zipf09"))
			gen_zipf(count, .9);
		else if (!strcmp(argv[2], "zipf11"))
			gen_zipf(count, 1.1);
		else if (!strcmp(argv[2], "scan"))
			gen_scan(count);
		else if (!strcmp(argv[2], "shift"))
			gen_shift(count);
		else
			return 2;
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "run")) {
		capacity = atoi(argv[3]);
		for (i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
			if (strcmp(argv[2], policies[i].name))
				continue;
			while (scanf("%d", &number) == 1)
				hits += policies[i].access(number);
			printf("%ld\n", hits);
			return 0;
		}
	}
	fprintf(stderr, "usage: model gen KIND COUNT SEED | run POLICY BLOCKS | play DEVICE\n");
	return 2;
}
