// SPDX-License-Identifier: GPL-2.0
/*
 * workout: reads and writes on a block device by several threads, each of which knows what it must find.
 *
 *	workout [KEY=VALUE]... DEVICE...
 *	workout serve=PORT DEVICE
 *
 *	bytes=N		use so much from the beginning (4 MiB)
 *	threads=N	(4)
 *	ops=N		of each thread, 0: until SIGINT or SIGTERM (1000)
 *	seed=N		(23)
 *	errors=1	reads and writes may fail; a failed write leaves what was there, or what it wrote
 *	discard=1	discard and write zeroes, too
 *	run=N		sectors of a thread in a row (3)
 *	overlap=1	all write everywhere, whole blocks or sectors; no discards
 *	log=FILE	its number of operations, rewritten now and then
 *
 * Several devices are ways to the same data, through caches of several hosts: thread 0 uses the first, thread 1
 * the second, and so on. One that is ADDRESS:PORT is of another host, where `serve` runs (way.h).
 *
 * The sectors belong to the threads in turn, in runs of three: writes of two threads meet in most blocks of
 * 4 KiB, and never in a sector. Each sector has a stamp: its number, its owner, a version. The owner
 * must read the version it wrote last. Everybody else must not read an older one than was
 * acknowledged when the read began, or than any read had seen that ended before, nor one that was never
 * written: each sector is an atomic register (linearizable), with one writer. Writes are plain, FUA (RWF_DSYNC) or
 * followed by a flush; reads are of any length at any sector. To write zeroes is a version without a
 * stamp, and a discard may be one.
 *
 * With overlap a sector has many writers, and a version is the moment when its write began, by a clock that ticks
 * when a write begins and when it is acknowledged. A version is stale when another write began behind
 * its acknowledgement, and was acknowledged or seen before the read began.
 *
 * Exit code 0: all was right. 1: not, the first that was wrong is told.
 */
#include <stdatomic.h>

#include "way.h"

#define MAX_IO		WAY_MAX_IO
#define MAX_THREAD	16
#define MAX_TICK	(1 << 23)
#define RANGE		4	/* blocks or sectors of a write anywhere, at most */

struct stamp {
	uint64_t	sector;
	uint32_t	owner;
	uint32_t	version;
};

/* what is known of a sector; versions of a sector only grow */
struct known {
	_Atomic uint32_t	acked;		/* the last write that was acknowledged */
	_Atomic uint32_t	begun;		/* the last write that began */
	_Atomic uint32_t	zeroed;		/* the last that has no stamp, 0 for none */
	_Atomic uint32_t	seen;		/* the latest that a read has had */
};

static long bytes = 4 << 20, nr_thread = 4, nr_op = 1000, seed = 23, errors, discard, run = 3, serve,
	    overlap;
static const char *log_file;
static const char *devices[MAX_THREAD];
static int nr_device, sector_bytes, nr_sector;
static struct known *known;
static _Atomic uint32_t now;			/* with overlap: the clock */
static _Atomic uint32_t acked_at[MAX_TICK];	/* by version, 0 for not yet */
static atomic_int is_over;
static atomic_long ops_done, io_errors;

static void wrong(int sector, const struct stamp *got, const char *what, uint32_t low, uint32_t high)
{
	fprintf(stderr, "sector %d: %s: stamp says sector %llu owner %u version %u, expected %u to %u\n",
		sector, what, (unsigned long long)got->sector, got->owner, got->version, low, high);
	exit(1);
}

/* with k or M behind it */
static long number(const char *word)
{
	char *end;
	long n = strtol(word, &end, 0);

	return *end == 'k' ? n << 10 : *end == 'M' ? n << 20 : n;
}

static int owner_of(int sector)
{
	return sector / run % nr_thread;
}

static uint32_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 16;
}

static uint32_t tick(void)
{
	uint32_t t = atomic_fetch_add(&now, 1) + 1;

	if (t >= MAX_TICK) {
		fprintf(stderr, "more writes than it can tell apart: %d\n", MAX_TICK / 2);
		exit(2);
	}
	return t;
}

static void raise_to(_Atomic uint32_t *at, uint32_t version)
{
	uint32_t low = atomic_load(at);

	while (version > low && !atomic_compare_exchange_weak(at, &low, version))
		;
}

/* was it replaced before a read began that may have @low at least? */
static int is_stale(uint32_t version, uint32_t low)
{
	if (overlap) {
		version = atomic_load(&acked_at[version]);
		return version && version < low;
	}
	return version < low;
}

/* a stamp at both ends of the sector: a torn one is seen */
static void stamp_write(char *at, int sector, uint32_t owner, uint32_t version)
{
	struct stamp stamp = { sector, owner, version };

	memset(at, version, sector_bytes);
	memcpy(at, &stamp, sizeof(stamp));
	memcpy(at + sector_bytes - sizeof(stamp), &stamp, sizeof(stamp));
}

static void stamp_check(const char *at, int sector, uint32_t low)
{
	struct known *k = &known[sector];
	uint32_t high = overlap ? atomic_load(&now) : atomic_load(&k->begun);
	struct stamp a, b;

	memcpy(&a, at, sizeof(a));
	memcpy(&b, at + sector_bytes - sizeof(b), sizeof(b));
	if (memcmp(&a, &b, sizeof(a)))
		wrong(sector, &b, "torn", low, high);
	if (!a.sector && !a.owner && !a.version) {
		/* versions begin with 1 */
		if (atomic_load(&k->zeroed) && atomic_load(&k->zeroed) >= low)
			return;
		wrong(sector, &a, "empty", low, high);
	}
	if (a.sector != (uint64_t)sector || (!overlap && a.owner != (uint32_t)owner_of(sector)))
		wrong(sector, &a, "another sector's data", low, high);
	if (a.version > high)
		wrong(sector, &a, "never written", low, high);
	if (is_stale(a.version, low))
		wrong(sector, &a, "stale", low, high);
	raise_to(&k->seen, a.version);
}

/* what a read that begins now may have at least. After a write that failed old and new may take turns */
static uint32_t lowest(int sector)
{
	uint32_t acked = atomic_load(&known[sector].acked);
	uint32_t seen = errors ? 0 : atomic_load(&known[sector].seen);

	return seen > acked ? seen : acked;
}

static void do_read(struct way *way, uint64_t *random, char *buf)
{
	int first = next_random(random) % nr_sector, nr, i;
	static _Thread_local uint32_t low[MAX_IO / 512];
	int most = next_random(random) % 4 ? 24 : MAX_IO / sector_bytes;

	nr = 1 + next_random(random) % most;
	if (nr > nr_sector - first)
		nr = nr_sector - first;
	for (i = 0; i < nr; i++)
		low[i] = lowest(first + i);
	if (way_do(way, WAY_READ, (uint64_t)first * sector_bytes, (uint64_t)nr * sector_bytes, 0, buf)) {
		if (!errors) {
			fprintf(stderr, "read of %d at %d: %s\n", nr, first, strerror(errno));
			exit(1);
		}
		atomic_fetch_add(&io_errors, 1);
		return;
	}
	for (i = 0; i < nr; i++)
		stamp_check(buf + i * sector_bytes, first + i, low[i]);
}

/* the sectors of a run that are there: the last one may be short */
static int own_run(long thread, uint64_t *random, int *first)
{
	int nr_run = nr_sector / run;
	int which = next_random(random) % ((nr_run + nr_thread - 1) / nr_thread) * nr_thread + thread;

	if (which >= nr_run)
		which = thread;
	*first = which * run;
	return run;
}

/* anywhere: one to four blocks, or some sectors */
static int any_range(uint64_t *random, int *first)
{
	int block = 4096 / sector_bytes, nr = 1 + next_random(random) % RANGE;

	if (next_random(random) % 2) {
		*first = next_random(random) % (nr_sector / block) * block;
		nr *= block;
	} else {
		*first = next_random(random) % nr_sector;
	}
	return nr < nr_sector - *first ? nr : nr_sector - *first;
}

static void do_write(struct way *way, long thread, uint64_t *random, char *buf)
{
	static const int flags[] = { 0, 0, 0, RWF_DSYNC };
	uint32_t how = next_random(random);
	uint32_t version = 0;
	int first, nr, i, failed;

	if (overlap) {
		nr = any_range(random, &first);
		version = tick();
	} else {
		nr = own_run(thread, random, &first);
		/* not always all of it */
		i = next_random(random) % nr;
		first += i;
		nr -= i;
	}
	for (i = 0; i < nr; i++) {
		if (!overlap)
			version = atomic_load(&known[first + i].begun) + 1;

		atomic_store(&known[first + i].begun, version);
		stamp_write(buf + i * sector_bytes, first + i, thread, version);
	}
	failed = way_do(way, WAY_WRITE, (uint64_t)first * sector_bytes, (uint64_t)nr * sector_bytes,
			flags[how % 4], buf);
	if (!failed && how % 32 == 1)
		failed = way_do(way, WAY_SYNC, 0, 0, 0, NULL);
	if (failed) {
		if (!errors) {
			fprintf(stderr, "write of %d at %d: %s\n", nr, first, strerror(errno));
			exit(1);
		}
		atomic_fetch_add(&io_errors, 1);
		return;
	}
	if (overlap)
		atomic_store(&acked_at[version], tick());
	for (i = 0; i < nr; i++)
		raise_to(&known[first + i].acked, overlap ? version : atomic_load(&known[first + i].begun));
}

/* a run of its own is zeroed: it reads as nothing then; or discarded: as nothing, or as before */
static void do_discard(struct way *way, long thread, uint64_t *random)
{
	int first, nr, i;
	int zero = next_random(random) % 2;

	nr = own_run(thread, random, &first);
	for (i = 0; i < nr; i++)
		atomic_store(&known[first + i].zeroed,
			     atomic_fetch_add(&known[first + i].begun, 1) + 1);
	if (way_do(way, zero ? WAY_ZERO : WAY_DISCARD, (uint64_t)first * sector_bytes,
		   (uint64_t)nr * sector_bytes, 0, NULL)) {
		if (!errors) {
			fprintf(stderr, "%s of %d at %d: %s\n", zero ? "zero" : "discard", nr,
				first, strerror(errno));
			exit(1);
		}
		atomic_fetch_add(&io_errors, 1);
		return;
	}
	for (i = 0; i < nr && zero; i++)
		atomic_store(&known[first + i].acked, atomic_load(&known[first + i].begun));
}

static void open_way(struct way *way, const char *device)
{
	if (way_open(way, device)) {
		perror(device);
		exit(2);
	}
}

static void *work(void *arg)
{
	long thread = (long)arg, i;
	struct way way;
	uint64_t random = seed * 1000003 + thread * 7919 + 1;
	char *buf;

	open_way(&way, devices[thread % nr_device]);
	if (posix_memalign((void **)&buf, 4096, MAX_IO))
		exit(1);
	for (i = 0; !atomic_load(&is_over) && (!nr_op || i < nr_op); i++) {
		uint32_t what = next_random(&random) % 64;

		if (what < 24)
			do_write(&way, thread, &random, buf);
		else if (what == 24 && discard && !overlap)
			do_discard(&way, thread, &random);
		else
			do_read(&way, &random, buf);
		atomic_fetch_add(&ops_done, 1);
		if (!thread && log_file && !(i % 16)) {
			FILE *f = fopen(log_file, "w");

			if (f) {
				fprintf(f, "%ld\n", atomic_load(&ops_done));
				fclose(f);
			}
		}
	}
	free(buf);
	return NULL;
}

static void over(int sig)
{
	atomic_store(&is_over, 1);
}

/* when all is quiet: each sector is what was written to it last */
static void check_all(const char *device)
{
	struct way way;
	char *buf;
	int i;

	open_way(&way, device);
	if (posix_memalign((void **)&buf, 4096, 4096))
		exit(1);
	for (i = 0; i < nr_sector; i++) {
		if (way_do(&way, WAY_READ, (uint64_t)i * sector_bytes, sector_bytes, 0, buf)) {
			fprintf(stderr, "read of sector %d at the end: %s\n", i, strerror(errno));
			exit(1);
		}
		stamp_check(buf, i, atomic_load(&known[i].acked));
	}
	free(buf);
	close(way.fd);
}

static void prepare(void)
{
	struct way way;
	char *buf;
	int i;

	open_way(&way, devices[0]);
	if (way_do(&way, WAY_SECTOR_BYTES, 0, 0, 0, &sector_bytes)) {
		perror(devices[0]);
		exit(2);
	}
	nr_sector = bytes / sector_bytes;
	atomic_store(&acked_at[tick()], tick());	/* the first write */
	known = calloc(nr_sector, sizeof(*known));
	if (!known || posix_memalign((void **)&buf, 4096, MAX_IO))
		exit(1);
	for (i = 0; i < nr_sector; i++) {
		atomic_store(&known[i].begun, 1);
		atomic_store(&known[i].acked, 1);
	}
	for (i = 0; i < nr_sector; i += MAX_IO / sector_bytes) {
		int nr = MAX_IO / sector_bytes, j;

		if (nr > nr_sector - i)
			nr = nr_sector - i;
		for (j = 0; j < nr; j++)
			stamp_write(buf + j * sector_bytes, i + j, owner_of(i + j), 1);
		if (way_do(&way, WAY_WRITE, (uint64_t)i * sector_bytes, (uint64_t)nr * sector_bytes, 0, buf)) {
			perror("the first write");
			exit(1);
		}
	}
	free(buf);
	close(way.fd);
}

int main(int argc, char **argv)
{
	static const struct { const char *key; long *value; } keys[] = {
		{ "bytes", &bytes }, { "threads", &nr_thread }, { "ops", &nr_op },
		{ "seed", &seed }, { "errors", &errors }, { "discard", &discard },
		{ "run", &run }, { "serve", &serve },
		{ "overlap", &overlap },
	};
	pthread_t threads[MAX_THREAD];
	unsigned int k;
	long i;

	for (i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (!value) {
			if (nr_device < MAX_THREAD)
				devices[nr_device++] = argv[i];
			continue;
		}
		*value++ = 0;
		for (k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			if (!strcmp(argv[i], keys[k].key))
				*keys[k].value = number(value);
		if (!strcmp(argv[i], "log"))
			log_file = value;
	}
	if (!nr_device || nr_thread < 1 || nr_thread > MAX_THREAD || run < 1 || run > MAX_IO / 4096) {
		fprintf(stderr, "usage: workout [KEY=VALUE]... DEVICE...\n");
		return 2;
	}
	if (serve)
		return way_serve(serve, devices[0]);
	signal(SIGINT, over);
	signal(SIGTERM, over);
	prepare();
	for (i = 0; i < nr_thread; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)i))
			return 2;
	for (i = 0; i < nr_thread; i++)
		pthread_join(threads[i], NULL);
	errors = 0;
	for (i = 0; i < nr_device; i++)
		check_all(devices[i]);
	printf("%ld operations, %ld failed\n", atomic_load(&ops_done), atomic_load(&io_errors));
	return 0;
}
