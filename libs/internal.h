/* SPDX-License-Identifier: GPL-2.0 */
/* Between the files of librsp. */
#ifndef _RSP_INTERNAL_H
#define _RSP_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <librsp.h>

#define RSP_PIN_POLICIES	RSP_PIN_DIR "/policies"
#define RSP_PIN_MAPS		RSP_PIN_DIR "/maps"
#define RSP_PIN_OBSERVE		RSP_PIN_DIR "/observe"

/* error.c: keep the sentence for rsp_error(), answer @err */
__attribute__((format(printf, 2, 3)))
int rsp_fail(int err, const char *fmt, ...);
/* the same, with the last words of libbpf and the verifier below the sentence */
__attribute__((format(printf, 2, 3)))
int rsp_fail_bpf(int err, const char *fmt, ...);
/*
 * Of what libbpf said: the program that was refused, and, where the verifier got to, "FILE:LINE: TEXT" of
 * its source, or empty. Return: false if none was refused.
 */
bool rsp_error_find(char *prog, size_t prog_size, char *line, size_t line_size);
/* start to keep what libbpf says */
void rsp_error_catch(void);

/* pin.c: bpffs takes no dots in names */
int rsp_pin_path(char *path, size_t size, const char *dir, const char *name);
int rsp_pin_mkdir(const char *path);
int rsp_pin_fd(int fd, const char *path);
/* unlink the files of a directory, and those in directories below it */
int rsp_pin_rmdir(const char *path);
bool rsp_pin_exists(const char *path);

/* btf.c: of rsp.ko */
struct rsp_btf {
	int			fd;
	struct btf_header	*hdr;
	int			first_id;	/* of its types */
	__u32			kernel_str_len;	/* names below are the kernel's */
};

int rsp_btf_load(struct rsp_btf *btf);
void rsp_btf_free(struct rsp_btf *btf);
/* Return: number of a function or struct, or -ENOENT; @size may be NULL */
int rsp_btf_find(const struct rsp_btf *btf, const char *name, __u32 kind, __u32 *size);

/* knob.c: a datasec of globals, and its bytes */
int rsp_knob_set(const struct btf *btf, __u32 sec_id, void *data, size_t size,
		 const char *knob, const char *value);
int rsp_knob_walk(const struct btf *btf, __u32 sec_id, const void *data, size_t size,
		  rsp_knob_fn fn, void *arg);

#endif /* _RSP_INTERNAL_H */
