// SPDX-License-Identifier: GPL-2.0
/* Files and directories of the BPF file system. */
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "internal.h"

#define RSP_BPFFS	"/sys/fs/bpf"

int rsp_pin_path(char *path, size_t size, const char *dir, const char *name)
{
	int n = snprintf(path, size, "%s/%s", dir, name);

	if (!*name || strchr(name, '/') || n < 0 || (size_t)n >= size)
		return rsp_fail(-EINVAL, "\"%s\" cannot be a name", name);
	for (char *c = path + strlen(dir) + 1; *c; c++) {
		if (*c == '.')
			*c = '_';
	}
	return 0;
}

static int rsp_pin_mount(void)
{
	struct statfs fs;

	if (!statfs(RSP_BPFFS, &fs) && fs.f_type == BPF_FS_MAGIC)
		return 0;
	if (mount("bpf", RSP_BPFFS, "bpf", 0, "mode=0700"))
		return rsp_fail(-errno, "no BPF file system on " RSP_BPFFS
				", and mounting one failed: %s", strerror(errno));
	return 0;
}

int rsp_pin_mkdir(const char *path)
{
	char part[256];
	int err;

	err = rsp_pin_mount();
	if (err)
		return err;
	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return rsp_fail(-ENAMETOOLONG, "%s: too long", path);
	for (char *c = part + strlen(RSP_BPFFS) + 1; ; c++) {
		char was = *c;

		if (was && was != '/')
			continue;
		*c = 0;
		if (mkdir(part, 0700) && errno != EEXIST)
			return rsp_fail(-errno, "cannot make %s: %s", part, strerror(errno));
		if (!was)
			return 0;
		*c = was;
	}
}

int rsp_pin_fd(int fd, const char *path)
{
	int err = bpf_obj_pin(fd, path);

	if (err)
		return rsp_fail(err, "cannot pin %s: %s", path, strerror(-err));
	return 0;
}

int rsp_pin_rmdir(const char *path)
{
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		char file[512];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		if (entry->d_type == DT_DIR)
			err = rsp_pin_rmdir(file);
		else if (unlink(file))
			err = -errno;
		if (err)
			break;
	}
	closedir(dir);
	if (!err && rmdir(path))
		err = -errno;
	if (err)
		return rsp_fail(err, "cannot remove %s: %s", path, strerror(-err));
	return 0;
}

bool rsp_pin_exists(const char *path)
{
	return !access(path, F_OK);
}
