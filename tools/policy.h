/* SPDX-License-Identifier: GPL-2.0 */
/* Between the files of rspctl policy. */
#ifndef _RSPCTL_POLICY_H
#define _RSPCTL_POLICY_H

#include "rspctl.h"

/* ---- policy.c */

/* Read `FILE [set KNOB VALUE]...`. Return: NULL after an error was printed. */
struct rsp_policy *policy_open(int argc, char **argv);

/* ---- policy_build.c */

/* the directory that this rspctl is in */
bool policy_exe_dir(char *dir, size_t size);

/*
 * Directories with RSP's headers for policies and, where it is there, vmlinux.h, in @text with
 * blanks between: $RSP_INCLUDE, those that were installed with this rspctl, those of its tree.
 */
bool policy_include(char *text, size_t size);

/*
 * Compile a policy into @object, a file below @dir. Return: 0, or what to exit with.
 */
int policy_compile(const char *source, const char *dir, char *object, size_t size);

/*
 * Run a program and wait for its end. What it says on standard error (and output, which @out
 * replaces if it is not NULL) is kept for policy_run_said(). Return: 0, or a negative errno, -EIO
 * if it ended with a failure.
 */
int policy_run(const char *out, const char *const argv[]);
const char *policy_run_said(void);

/* ---- policy_load.c */

/* what the two loads did: they are processes of their own, and this is shared */
struct test_load {
	volatile int	is_over;
	volatile uint64_t nr_run;		/* of rsp_perf */
	volatile uint64_t nr_exchange;
	volatile uint64_t nr_read;		/* blocks */
	volatile uint64_t nr_write;
	char		error[2][512];		/* rsp_perf's, the blocks' */
};
extern struct test_load *load;

bool load_module_is_there(const char *name);
/* rsp.ko; then all else; then the load. Return: 0, or 1 after an error was printed. */
int load_prepare(void);
int load_devices_up(void);
int load_up(void);
int load_down(void);
/* what went wrong in it, NULL if nothing did */
const char *load_error(void);
uint64_t now_ms(void);

/* ---- policy_test.c: undone at the end, the last first; 0, or 1 after an error was printed */
void test_defer(int (*undo)(void));

/* ---- commands */

int policy_new(int argc, char **argv);
int policy_test(int argc, char **argv);
void policy_test_help(void);	/* the fields of its result */

#endif /* _RSPCTL_POLICY_H */
