// SPDX-License-Identifier: GPL-2.0
/* From the source of a policy to its object file, with the headers that belong to this rspctl. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skeleton.h>

#include "policy.h"

extern char **environ;

/* ------------------------------------------------------------- programs --- */

static char run_said[8192];

const char *policy_run_said(void)
{
	return run_said;
}

/* Read to the end; what does not fit is dropped. */
static void run_read(int fd)
{
	size_t len = 0;
	char rest[512];
	ssize_t n;

	while ((n = read(fd, len < sizeof(run_said) - 1 ? run_said + len : rest,
			 len < sizeof(run_said) - 1 ? sizeof(run_said) - 1 - len :
			 sizeof(rest))) > 0) {
		if (len < sizeof(run_said) - 1)
			len += n;
	}
	while (len && run_said[len - 1] == '\n')
		len--;
	run_said[len] = 0;
}

int policy_run(const char *out, const char *const argv[])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int pipes[2], status, err;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDERR_FILENO);
	if (out)
		posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out,
						 O_WRONLY | O_CREAT | O_TRUNC, 0600);
	else
		posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	/* ^C is for us: what was begun is done to its end, then undone */
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setpgroup(&attr, 0);
	err = -posix_spawnp(&pid, argv[0], &actions, &attr, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	run_said[0] = 0;
	if (!err)
		run_read(pipes[0]);
	else
		snprintf(run_said, sizeof(run_said), "%s: %s", argv[0], strerror(-err));
	close(pipes[0]);
	if (err)
		return err;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

/* -------------------------------------------------------------- headers --- */

static bool build_has(const char *dir, const char *file)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", dir, file) < (int)sizeof(path) &&
	       !access(path, R_OK);
}

bool policy_exe_dir(char *dir, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", dir, size - 1);

	if (len < 0)
		return false;
	dir[len] = 0;
	*strrchr(dir, '/') = 0;
	return true;
}

bool policy_include(char *text, size_t size)
{
	char exe[PATH_MAX], installed[PATH_MAX + 16];
	const char *set = getenv("RSP_INCLUDE");
	int n;

	if (set)
		return snprintf(text, size, "%s", set) < (int)size && *set;
	/* PREFIX/sbin/rspctl and PREFIX/include, or TREE/build/rspctl */
	if (!policy_exe_dir(exe, sizeof(exe)))
		return false;
	snprintf(installed, sizeof(installed), "%s/../include", exe);
	*strrchr(exe, '/') = 0;
	if (build_has(installed, "rsp/policy.h") && build_has(installed, "rsp/ops.h"))
		n = snprintf(text, size, "%s/include", exe);
	else if (build_has(exe, "bpf/include/rsp/policy.h"))
		n = snprintf(text, size, "%s/bpf/include %s/include/uapi %s/build", exe, exe, exe);
	else
		return false;
	return n < (int)size;
}

/* -------------------------------------------------------------- compile --- */

/* vmlinux.h of the kernel that runs, where no directory of @include and not that of the source has one */
static int build_vmlinux(const char *const *include, int nr, const char *dir)
{
	const char *argv[] = { "bpftool", "btf", "dump", "file", "/sys/kernel/btf/vmlinux",
			       "format", "c", NULL };
	char path[PATH_MAX];

	for (int i = 0; i < nr; i++) {
		if (build_has(include[i], "vmlinux.h"))
			return 0;
	}
	snprintf(path, sizeof(path), "%s/vmlinux.h", dir);
	if (policy_run(path, argv))
		return fail("cannot make vmlinux.h: %s", policy_run_said());
	return 0;
}

int policy_compile(const char *source, const char *dir, char *object, size_t size)
{
	char include[1024], flags[] = POLICY_FLAGS, beside[PATH_MAX], name[PATH_MAX];
	const char *dirs[16], *argv[64];
	char *word, *rest = flags;
	static char options[ARRAY_SIZE(dirs)][PATH_MAX];
	int nr_dir = 0, nr = 0;

	if (access(source, R_OK))
		return fail("cannot read %s: %s", source, strerror(errno));
	if (!policy_include(include, sizeof(include)))
		return fail("%s cannot be compiled, no headers of RSP beside rspctl: `make install', or set RSP_INCLUDE to where rsp/policy.h is",
			    source);
	snprintf(beside, sizeof(beside), "%s", source);
	snprintf(name, sizeof(name), "%s", source);
	dirs[nr_dir++] = dirname(beside);
	for (word = strtok(include, " "); word && nr_dir < (int)ARRAY_SIZE(dirs) - 1;
	     word = strtok(NULL, " "))
		dirs[nr_dir++] = word;
	if (build_vmlinux(dirs, nr_dir, dir))
		return 1;
	dirs[nr_dir++] = dir;

	argv[nr++] = getenv("CLANG") ?: "clang";
	while ((word = strsep(&rest, " ")))
		argv[nr++] = word;
	for (int i = 0; i < nr_dir; i++) {
		snprintf(options[i], sizeof(options[i]), "-I%s", dirs[i]);
		argv[nr++] = options[i];
	}
	snprintf(object, size, "%s/%s", dir, basename(name));
	object[strlen(object) - 1] = 'o';
	argv[nr++] = "-c";
	argv[nr++] = source;
	argv[nr++] = "-o";
	argv[nr++] = object;
	argv[nr] = NULL;
	if (policy_run(NULL, argv))
		return fail("%s does not compile:\n%s", source, policy_run_said());
	return 0;
}
