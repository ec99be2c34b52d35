// SPDX-License-Identifier: GPL-2.0
/* rspctl policy new: the skeleton of a policy, and a Makefile that compiles it. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skeleton.h>

#include "policy.h"

static const char * const skeletons[RSP_NR_FAMILY] = {
	[RSP_FAMILY_BUF] = skeleton_buf,
	[RSP_FAMILY_EP] = skeleton_ep,
	[RSP_FAMILY_FLOW] = skeleton_flow,
	[RSP_FAMILY_CACHE] = skeleton_cache,
};

static const char makefile_text[] =
	"# SPDX-License-Identifier: GPL-2.0\n"
	"# Compiles the policies of this directory: NAME.bpf.c to NAME.bpf.o. Written by `rspctl policy new`.\n"
	"RSP_INCLUDE ?= @INCLUDE@\n"
	"CLANG ?= clang\n"
	"LLVM_STRIP ?= llvm-strip\n"
	"BPFTOOL ?= bpftool\n"
	"FLAGS := " POLICY_FLAGS "\n"
	"VMLINUX_H := $(firstword $(wildcard $(RSP_INCLUDE:%=%/vmlinux.h)) vmlinux.h)\n"
	"\n"
	"all: $(patsubst %.c,%.o,$(wildcard *.bpf.c))\n"
	"\n"
	"%.bpf.o: %.bpf.c $(VMLINUX_H)\n"
	"\t$(CLANG) $(FLAGS) -I. $(RSP_INCLUDE:%=-I%) -c $< -o $@\n"
	"\t$(LLVM_STRIP) -g $@\n"
	"\n"
	"# the types of the kernel that runs\n"
	"vmlinux.h:\n"
	"\t$(BPFTOOL) btf dump file /sys/kernel/btf/vmlinux format c >$@.new\n"
	"\tmv $@.new $@\n"
	"\n"
	"clean:\n"
	"\trm -f *.bpf.o vmlinux.h\n"
	"\n"
	".DELETE_ON_ERROR:\n"
	".PHONY: all clean\n";

/* Return: 0, or what to exit with after saying why it cannot be a name */
static int new_check_name(const char *name)
{
	if (strlen(name) >= RSP_NAME_LEN)
		return fail("\"%s\" cannot be the name of a policy: it is longer than %d characters",
			    name, RSP_NAME_LEN - 1);
	if (!strcmp(name, "builtin"))
		return fail("\"%s\" cannot be the name of a policy: what stands below all others has it",
			    name);
	if (!isalpha((unsigned char)name[0]))
		return fail("\"%s\" cannot be the name of a policy: it must begin with a letter", name);
	for (const char *c = name; *c; c++) {
		if (!isalnum((unsigned char)*c) && *c != '_')
			return fail("\"%s\" cannot be the name of a policy: it may have letters, digits and _",
				    name);
	}
	return 0;
}

/* Return: the family that the name begins with, as in flow_mine, or RSP_NR_FAMILY */
static unsigned int new_family_of(const char *name)
{
	unsigned int family;

	for (family = 0; family < RSP_NR_FAMILY; family++) {
		size_t len = strlen(rsp_family_name(family));

		if (!strncmp(name, rsp_family_name(family), len) && name[len] == '_')
			break;
	}
	return family;
}

/*
 * Write @text with @word's place taken by @value, to a file that must not be there.
 * Return: 0, or a negative errno.
 */
static int new_write(const char *path, const char *text, const char *word, const char *value)
{
	const char *at;
	FILE *file;
	bool is_bad;
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file)
		return -errno;
	for (; (at = strstr(text, word)); text = at + strlen(word))
		fprintf(file, "%.*s%s", (int)(at - text), text, value);
	fputs(text, file);
	is_bad = ferror(file);
	if (fclose(file) || is_bad) {
		unlink(path);
		return -EIO;
	}
	return 0;
}

int policy_new(int argc, char **argv)
{
	char source[512], makefile[512], include[1024];
	const char *name = NULL, *dir = ".", *word;
	unsigned int family = RSP_NR_FAMILY;
	bool has_family = false;
	int err;

	for (; argc; argc--, argv++) {
		word = argv[0] + (strncmp(argv[0], "--", 2) ? 0 : 2);
		if (strcmp(word, "family") && strcmp(word, "dir")) {
			if (name || word != argv[0])
				return fail_word(argv[0], "family FAMILY or dir DIR");
			name = argv[0];
			continue;
		}
		if (argc < 2)
			return fail_word(NULL, *word == 'f' ? "buf, ep, flow or cache" : "a directory");
		argc--;
		argv++;
		if (*word == 'd') {
			dir = argv[0];
			continue;
		}
		has_family = true;
		for (family = 0; family < RSP_NR_FAMILY; family++) {
			if (!strcmp(argv[0], rsp_family_name(family)))
				break;
		}
		if (family == RSP_NR_FAMILY)
			return fail_word(argv[0], "buf, ep, flow or cache");
	}
	if (!name)
		return fail_word(NULL, "NAME");
	err = new_check_name(name);
	if (err)
		return err;
	if (!has_family)
		family = new_family_of(name);
	if (family == RSP_NR_FAMILY)
		return fail("which family is %s of? Say family buf, ep, flow or cache, or let the name begin with one: flow_%s",
			    name, strlen(name) < 10 ? name : "mine");
	if (!policy_include(include, sizeof(include)))
		return fail("no headers of RSP beside rspctl: `make install', or set RSP_INCLUDE to where rsp/policy.h is");

	if (snprintf(source, sizeof(source), "%s/%s.bpf.c", dir, name) >= (int)sizeof(source))
		return fail("%s: too long", dir);
	snprintf(makefile, sizeof(makefile), "%s/Makefile", dir);
	err = new_write(source, skeletons[family], "@NAME@", name);
	if (err == -EEXIST)
		return fail("%s is there already; take another name or directory", source);
	if (err)
		return fail("cannot write %s: %s", source, strerror(-err));
	err = new_write(makefile, makefile_text, "@INCLUDE@", include);
	if (err && err != -EEXIST) {
		unlink(source);
		return fail("cannot write %s: %s", makefile, strerror(-err));
	}
	if (is_json) {
		json_begin(NULL, '{');
		json_str("family", rsp_family_name(family));
		json_str("source", source);
		json_bool("makefile", !err);
		json_end('}');
		return 0;
	}
	printf("%s: a policy of family %s that answers as builtin does\n", source,
	       rsp_family_name(family));
	printf(err ? "%s was there and stays\n" : "%s: compiles it\n", makefile);
	printf("next: make -C %s && rspctl policy test %s/%s.bpf.o\n", dir, dir, name);
	return 0;
}
