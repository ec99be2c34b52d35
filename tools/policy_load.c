// SPDX-License-Identifier: GPL-2.0
/*
 * The load of `rspctl policy test`: two processes that move data over RSP until they are told to end, and compare all of it.
 *
 *	rsp_perf --- rxe on a dummy netdev, to itself		messages and RDMA
 *	reads and writes --- rsp-cache --- loop --- memory	blocks
 *
 * What is made for it (modules, devices) is taken away again by what test_defer() was given.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy.h"

#define TEST_NAME	"rsptest"		/* of the netdev, the RDMA device, the cached device */
#define TEST_ADDR	"198.18.0.1"		/* RFC 2544: for tests, routed nowhere */
#define TEST_GID	"0000:0000:0000:0000:0000:ffff:c612:0001"
#define TEST_PORT	"18599"
#define TEST_PERF	"/sys/kernel/debug/rsp_perf"

#define TEST_BLOCK	4096
#define TEST_NR_BLOCK	1024			/* of the device, 4 MiB */
#define TEST_NR_HOT	96			/* of them asked for again and again */
#define TEST_CACHE	"640K"			/* 150 blocks: a scan passes through all of them */

struct test_load *load;

uint64_t now_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

/* -------------------------------------------------------------- modules --- */

static const char * const modules[] = {
	"rsp", "rsp_perf", "rsp_cache", "rdma_rxe", "dummy", "loop",
};
static bool was_loaded[ARRAY_SIZE(modules)];

bool load_module_is_there(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return !access(path, F_OK);
}

/* those that were not there go; a BPF program gives its hold on them back with a delay */
static int modules_down(void)
{
	for (int i = ARRAY_SIZE(modules) - 1; i >= 0; i--) {
		const char *argv[] = { "modprobe", "-r", modules[i], NULL };
		int tries = 50;

		if (was_loaded[i])
			continue;
		while (load_module_is_there(modules[i]) && policy_run(NULL, argv) && --tries)
			usleep(100000);
		if (!tries)
			return fail("module %s stays loaded: %s", modules[i], policy_run_said());
	}
	return 0;
}

static int module_up(const char *name)
{
	const char *argv[] = { "modprobe", name,
			       strcmp(name, "dummy") ? NULL : "numdummies=0", NULL };

	if (policy_run(NULL, argv))
		return fail("the test needs module %s: %s", name, policy_run_said());
	return 0;
}

/* ----------------------------------------------------------- the network --- */

static int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static ssize_t file_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, size - 1);

	text[len > 0 ? len : 0] = 0;
	if (fd >= 0)
		close(fd);
	return len;
}

static int link_down(void)
{
	const char *argv[] = { "ip", "link", "del", TEST_NAME, NULL };

	return policy_run(NULL, argv) ? fail("netdev " TEST_NAME " stays: %s", policy_run_said()) : 0;
}

static int rxe_down(void)
{
	const char *argv[] = { "rdma", "link", "delete", TEST_NAME, NULL };

	return policy_run(NULL, argv) ? fail("RDMA device " TEST_NAME " stays: %s",
					     policy_run_said()) : 0;
}

static bool rxe_is_up(void)
{
	char text[64];

	if (file_read("/sys/class/infiniband/" TEST_NAME "/ports/1/state", text, sizeof(text)) <= 0 ||
	    !strstr(text, "ACTIVE"))
		return false;
	for (int i = 0; i < 8; i++) {
		char path[128];

		snprintf(path, sizeof(path), "/sys/class/infiniband/" TEST_NAME "/ports/1/gids/%d", i);
		if (file_read(path, text, sizeof(text)) > 0 && !strncmp(text, TEST_GID, strlen(TEST_GID)))
			return true;
	}
	return false;
}

static int network_up(void)
{
	static const char * const steps[][12] = {
		{ "ip", "link", "add", TEST_NAME, "type", "dummy", NULL },
		{ "ip", "link", "set", TEST_NAME, "mtu", "9000", "up", NULL },
		{ "ip", "addr", "add", TEST_ADDR "/32", "dev", TEST_NAME, NULL },
		{ "rdma", "link", "add", TEST_NAME, "type", "rxe", "netdev", TEST_NAME, NULL },
	};
	static int (* const undo[])(void) = { link_down, NULL, NULL, rxe_down };

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (policy_run(NULL, steps[i]))
			return fail("cannot make a soft RDMA device, `%s %s %s ...' said: %s",
				    steps[i][0], steps[i][1], steps[i][2], policy_run_said());
		if (undo[i])
			test_defer(undo[i]);
	}
	for (int i = 0; i < 100; i++) {
		if (rxe_is_up())
			return 0;
		usleep(100000);
	}
	return fail("RDMA device " TEST_NAME " does not become active");
}

static int listen_down(void)
{
	int err = file_write(TEST_PERF "/listen", "off");

	return err ? fail("rsp_perf goes on to listen: %s", strerror(-err)) : 0;
}

static int listen_up(void)
{
	const char *argv[] = { "mount", "-t", "debugfs", "debugfs", "/sys/kernel/debug", NULL };
	char text[64];
	int err;

	if (access(TEST_PERF "/run", W_OK) && policy_run(NULL, argv))
		return fail("cannot mount debugfs: %s", policy_run_said());
	if (file_read(TEST_PERF "/listen", text, sizeof(text)) > 0)
		return fail("rsp_perf is in use, it listens on %.*s: write off to " TEST_PERF "/listen first",
			    (int)strcspn(text, "\n"), text);
	err = file_write(TEST_PERF "/listen", TEST_ADDR ":" TEST_PORT);
	if (err)
		return fail("rsp_perf cannot listen on " TEST_ADDR ": %s", strerror(-err));
	test_defer(listen_down);
	return 0;
}

/* ------------------------------------------------------------ the device --- */

static int loop_fd = -1;
static char loop_path[32];
static char cache_path[32];

static int loop_down(void)
{
	int err = ioctl(loop_fd, LOOP_CLR_FD, 0) ? errno : 0;

	close(loop_fd);
	return err ? fail("%s stays: %s", loop_path, strerror(err)) : 0;
}

static int loop_up(void)
{
	struct loop_config config = { .block_size = 512 };
	int control, number, fd;

	fd = memfd_create(TEST_NAME, MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)TEST_NR_BLOCK * TEST_BLOCK))
		return fail("no memory for a device: %s", strerror(errno));
	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
	if (number < 0)
		return fail("no loop device: %s", strerror(errno));
	close(control);
	snprintf(loop_path, sizeof(loop_path), "/dev/loop%d", number);
	loop_fd = open(loop_path, O_RDWR | O_CLOEXEC);
	config.fd = fd;
	if (loop_fd < 0 || ioctl(loop_fd, LOOP_CONFIGURE, &config))
		return fail("%s cannot be set up: %s", loop_path, strerror(errno));
	close(fd);
	test_defer(loop_down);
	return 0;
}

static int cache_down(void)
{
	const char *argv[] = { "dmsetup", "--noudevsync", "--noudevrules", "remove", "--retry",
			       TEST_NAME, NULL };

	return policy_run(NULL, argv) ? fail("device " TEST_NAME " stays: %s", policy_run_said()) : 0;
}

static int cache_up(void)
{
	const char *create[] = { "dmsetup", "--noudevsync", "--noudevrules", "create", TEST_NAME,
				 "--table", NULL, NULL };
	const char *info[] = { "dmsetup", "info", "-c", "--noheadings", "-o", "minor", TEST_NAME,
			       NULL };
	char table[128];

	if (loop_up())
		return 1;
	snprintf(table, sizeof(table), "0 %d rsp-cache %s " TEST_CACHE,
		 TEST_NR_BLOCK * (TEST_BLOCK / 512), loop_path);
	create[6] = table;
	if (policy_run(NULL, create))
		return fail("cannot make a block cache: %s", policy_run_said());
	test_defer(cache_down);
	if (policy_run(NULL, info))
		return fail("device " TEST_NAME " cannot be found: %s", policy_run_said());
	snprintf(cache_path, sizeof(cache_path), "/dev/dm-%.8s", policy_run_said());
	return 0;
}

/* -------------------------------------------------------------- the load --- */

static void perf_load(void)
{
	static const struct {
		const char	*words;
		unsigned int	nr;
	} runs[] = {
		{ "op=send_lat size=64 iters=211", 211 },
		{ "op=send_rate size=4000 window=128 iters=997", 997 },	/* more than it may hold */
		{ "op=write size=65536 window=8 iters=53", 53 },
		{ "op=read size=100001 offset=1021 window=5 iters=53", 53 },
		{ "op=open window=16 iters=2", 32 },
	};
	char text[2048];
	int err;

	for (unsigned int i = 0; !load->is_over; i = (i + 1) % ARRAY_SIZE(runs)) {
		snprintf(text, sizeof(text), "%s addr=" TEST_ADDR " port=" TEST_PORT
			 " verify=1 timeout_ms=60000", runs[i].words);
		err = file_write(TEST_PERF "/run", text);
		if (err || file_read(TEST_PERF "/result", text, sizeof(text)) <= 0 ||
		    !strstr(text, "\"errors\": 0,")) {
			snprintf(load->error[0], sizeof(load->error[0]), "rsp_perf %s: %.400s",
				 runs[i].words, err ? strerror(-err) : text);
			if (err && file_read(TEST_PERF "/result", text, sizeof(text)) > 0)
				snprintf(load->error[0], sizeof(load->error[0]), "rsp_perf %s: %.400s",
					 runs[i].words, text);
			return;
		}
		load->nr_run++;
		load->nr_exchange += runs[i].nr;
	}
}

/* a block that says which one it is, and of which write */
static void block_fill(uint64_t *block, uint64_t number, uint64_t version)
{
	for (size_t i = 0; i < TEST_BLOCK / sizeof(*block); i++)
		block[i] = number << 40 ^ version << 8 ^ i;
}

static bool block_is(const uint64_t *block, uint64_t number, uint64_t version)
{
	for (size_t i = 0; i < TEST_BLOCK / sizeof(*block); i++) {
		if (block[i] != (number << 40 ^ version << 8 ^ i))
			return false;
	}
	return true;
}

/* hot blocks again and again, a scan beside them, a write now and then */
static void block_load(void)
{
	static uint64_t versions[TEST_NR_BLOCK];
	uint64_t state = 23, scan = 0, *block;
	char *error = load->error[1];
	int fd;

	fd = open(cache_path, O_RDWR | O_DIRECT | O_CLOEXEC);
	block = aligned_alloc(TEST_BLOCK, TEST_BLOCK);
	if (fd < 0 || !block) {
		snprintf(error, sizeof(load->error[1]), "%s: %s", cache_path, strerror(errno));
		return;
	}
	for (uint64_t i = 0; !load->is_over; i++) {
		uint64_t number;
		ssize_t len;
		bool is_write;

		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		number = state >> 62 ? (state >> 33) % TEST_NR_HOT : scan++ % TEST_NR_BLOCK;
		/* the whole device first: what was never written cannot be compared */
		is_write = i < TEST_NR_BLOCK || (state >> 40) % 16 == 0;
		if (i < TEST_NR_BLOCK)
			number = i;
		if (is_write) {
			block_fill(block, number, ++versions[number]);
			len = pwrite(fd, block, TEST_BLOCK, number * TEST_BLOCK);
		} else {
			len = pread(fd, block, TEST_BLOCK, number * TEST_BLOCK);
		}
		if (len != TEST_BLOCK) {
			snprintf(error, sizeof(load->error[1]), "%s of block %llu: %s",
				 is_write ? "write" : "read", (unsigned long long)number,
				 len < 0 ? strerror(errno) : "short");
			return;
		}
		if (!is_write && !block_is(block, number, versions[number])) {
			snprintf(error, sizeof(load->error[1]), "block %llu is not what was written last",
				 (unsigned long long)number);
			return;
		}
		*(is_write ? &load->nr_write : &load->nr_read) += 1;
	}
}

static void (* const loads[])(void) = { perf_load, block_load };
static pid_t load_pids[ARRAY_SIZE(loads)];

static bool loads_wait(int ms)
{
	bool is_left = true;

	for (uint64_t end = now_ms() + ms; is_left && now_ms() < end; usleep(20000)) {
		is_left = false;
		for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
			if (load_pids[i] > 0 && waitpid(load_pids[i], NULL, WNOHANG) == load_pids[i])
				load_pids[i] = 0;
			is_left |= load_pids[i] > 0;
		}
	}
	return !is_left;
}

/* a run of rsp_perf ends when it is done, at a signal at once */
int load_down(void)
{
	load->is_over = 1;
	for (int round = 0; !loads_wait(round ? 10000 : 15000); round++) {
		if (round == 2)
			return fail("a load does not end");
		for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
			if (load_pids[i] > 0)
				kill(load_pids[i], round ? SIGKILL : SIGTERM);
		}
	}
	return 0;
}

int load_up(void)
{
	fflush(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		load_pids[i] = fork();
		if (load_pids[i] < 0)
			return fail("no process for a load: %s", strerror(errno));
		if (!load_pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			signal(SIGINT, SIG_IGN);	/* of the terminal: the parent ends us */
			signal(SIGQUIT, SIG_IGN);
			signal(SIGTERM, SIG_DFL);
			loads[i]();
			_exit(0);
		}
	}
	return 0;
}

int load_prepare(void)
{
	load = mmap(NULL, sizeof(*load), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (load == MAP_FAILED)
		return fail("no memory: %s", strerror(errno));
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
		was_loaded[i] = load_module_is_there(modules[i]);
	test_defer(modules_down);
	return module_up("rsp");
}

int load_devices_up(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		if (module_up(modules[i]))
			return 1;
	}
	return network_up() || listen_up() || cache_up();
}

const char *load_error(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		if (load->error[i][0])
			return load->error[i];
	}
	return NULL;
}
