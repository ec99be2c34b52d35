// SPDX-License-Identifier: GPL-2.0
/*
 * The number and the size of a type of rsp.ko, by its name. libbpf could say, too, but reads and
 * checks the BTF of the kernel first, which takes longer than all else that a short command does.
 * Types of a module are numbered behind those of the kernel: they are counted here, no more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/* bytes behind a type's struct btf_type, negative where its kind is unknown */
static long rsp_btf_rest(const struct btf_type *type)
{
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		return sizeof(__u32);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return btf_vlen(type) * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return btf_vlen(type) * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return btf_vlen(type) * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return btf_vlen(type) * sizeof(struct btf_param);
	case BTF_KIND_VAR:
		return sizeof(struct btf_var);
	case BTF_KIND_DATASEC:
		return btf_vlen(type) * sizeof(struct btf_var_secinfo);
	case BTF_KIND_DECL_TAG:
		return sizeof(struct btf_decl_tag);
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static const struct btf_type *rsp_btf_first(const struct btf_header *hdr)
{
	return (void *)((char *)hdr + hdr->hdr_len + hdr->type_off);
}

/* Return: the type behind @type, NULL if there is none */
static const struct btf_type *rsp_btf_next(const struct btf_header *hdr, const struct btf_type *type)
{
	const char *end = (const char *)rsp_btf_first(hdr) + hdr->type_len;
	long rest = rsp_btf_rest(type);
	const char *at = (const char *)(type + 1) + rest;

	return rest >= 0 && at + sizeof(*type) <= end ? (const void *)at : NULL;
}

/* Open the BTF of the kernel, or of a module. Return: a descriptor, or a negative errno */
static int rsp_btf_open(const char *name)
{
	__u32 id = 0;
	int fd, err;

	for (;;) {
		struct bpf_btf_info info = {};
		char found[64] = "";
		__u32 len = sizeof(info);

		err = bpf_btf_get_next_id(id, &id);
		if (err)
			return err;
		fd = bpf_btf_get_fd_by_id(id);
		if (fd < 0 && fd != -ENOENT)
			return fd;
		info.name = (__u64)(unsigned long)found;
		info.name_len = sizeof(found);
		if (fd >= 0 && !bpf_btf_get_info_by_fd(fd, &info, &len) && info.kernel_btf &&
		    !strcmp(found, name))
			return fd;
		if (fd >= 0)
			close(fd);
	}
}

/* Return: its bytes, or NULL with errno set */
static struct btf_header *rsp_btf_read(int fd)
{
	struct bpf_btf_info info = {};
	__u32 len = sizeof(info);
	void *data;
	int err;

	err = bpf_btf_get_info_by_fd(fd, &info, &len);
	data = err ? NULL : malloc(info.btf_size);
	if (!data)
		return NULL;
	info = (struct bpf_btf_info){ .btf = (__u64)(unsigned long)data, .btf_size = info.btf_size };
	len = sizeof(info);
	err = bpf_btf_get_info_by_fd(fd, &info, &len);
	if (err) {
		free(data);
		errno = -err;
		return NULL;
	}
	return data;
}

int rsp_btf_load(struct rsp_btf *btf)
{
	const struct btf_type *type;
	struct btf_header *kernel;
	long rest = 0;
	int fd;

	fd = rsp_btf_open("vmlinux");
	if (fd < 0)
		return fd;
	kernel = rsp_btf_read(fd);
	close(fd);
	if (!kernel)
		return -errno;
	btf->kernel_str_len = kernel->str_len;
	btf->first_id = 1;
	for (type = rsp_btf_first(kernel); type; type = rsp_btf_next(kernel, type)) {
		btf->first_id++;
		rest = rsp_btf_rest(type);
		if (rest < 0)
			break;
	}
	free(kernel);
	if (rest < 0)
		return rest;		/* a kernel much newer than this */

	btf->fd = rsp_btf_open("rsp");
	if (btf->fd < 0)
		return btf->fd;
	btf->hdr = rsp_btf_read(btf->fd);
	if (!btf->hdr) {
		int err = -errno;

		close(btf->fd);
		return err;
	}
	return 0;
}

void rsp_btf_free(struct rsp_btf *btf)
{
	if (!btf->hdr)
		return;
	close(btf->fd);
	free(btf->hdr);
}

int rsp_btf_find(const struct rsp_btf *btf, const char *name, __u32 kind, __u32 *size)
{
	const char *strings = (const char *)btf->hdr + btf->hdr->hdr_len + btf->hdr->str_off;
	const struct btf_type *type;
	int id = btf->first_id;

	for (type = rsp_btf_first(btf->hdr); type; type = rsp_btf_next(btf->hdr, type), id++) {
		/* no name of ours is one of the kernel's */
		if (btf_kind(type) != kind || type->name_off < btf->kernel_str_len)
			continue;
		if (strcmp(strings + type->name_off - btf->kernel_str_len, name))
			continue;
		if (size)
			*size = type->size;
		return id;
	}
	return -ENOENT;
}
