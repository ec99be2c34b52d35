/* SPDX-License-Identifier: GPL-2.0 */
/* Between the files of rspctl: one per object, and print.c for text and JSON. */
#ifndef _RSPCTL_H
#define _RSPCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <librsp.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* set by the options of main.c */
extern bool is_json;
extern bool is_pretty;
extern bool is_detailed;

/* ------------------------------------------------------------ commands --- */

/* a level of the command tree ends with an entry of NULL */
struct cmd {
	const char	*word;
	int		(*fn)(int argc, char **argv);
};

/* Run the command that argv[0] names or begins; without a word, the first. */
int cmd_select(const struct cmd *cmds, int argc, char **argv);

/* The same for a level whose first command shows what `svc NAME` and `id N` select. */
int cmd_show(const struct cmd *cmds, int argc, char **argv);

int cmd_svc(int argc, char **argv);
int cmd_pool(int argc, char **argv);
int cmd_peer(int argc, char **argv);
int cmd_ep(int argc, char **argv);
int cmd_rq(int argc, char **argv);
int cmd_desc(int argc, char **argv);
int cmd_chan(int argc, char **argv);
int cmd_cache(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_observe(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_top(int argc, char **argv);

/* Did it end, or was it taken out of force, for what it did? */
bool policy_is_failure(const struct rsp_policy_view *view);

/* Print an error, as text or as {"error": ...}. Return: 1, for exit(). */
__attribute__((format(printf, 1, 2)))
int fail(const char *fmt, ...);
/* the same with what librsp says */
int fail_rsp(void);
/* the same for a word that cannot stand there */
int fail_word(const char *word, const char *expected);

/* which objects to show */
struct sel {
	const char	*svc;		/* of the service with this name */
	bool		has_id;
	uint32_t	id;
};

#define SEL_SVC	1u
#define SEL_ID	2u

/* Read the number behind the word argv[0]. Return: 0, or what to exit with. */
int word_number(int argc, char **argv, uint32_t *number);
/* Read `[svc NAME] [id N]`, as far as @words says. Return: 0, or what to exit with. */
int sel_parse(struct sel *sel, int argc, char **argv, unsigned int words);

/* The host handle, opened at first use; NULL after an error was printed. */
struct rsp_host *host_get(void);
void host_put(void);

/* Name of a service by id, "" if there is none (any more). */
const char *svc_name(uint32_t id);
/* Id of a service by name, 0 if there is none. */
uint32_t svc_id(const char *name);
/* Is it there? */
bool chan_exists(uint32_t id);
/* Address of a peer as text. Return: @text */
const char *peer_text(const struct rsp_peer_view *view, char *text, size_t size);
/* Address of a peer by id, "" if there is none. */
const char *peer_addr(uint32_t id);

/* ------------------------------------------------------------- printing --- */

enum col_kind {
	COL_ID,			/* u32: number of an object, or of what it stands on */
	COL_U16,
	COL_U32,
	COL_S32,
	COL_S64,
	COL_U64,
	COL_BYTES,		/* u64, text in KiB, MiB, GiB */
	COL_NS,			/* u64, text in us, ms, s */
	COL_COUNT32,		/* u32 that only grows; likewise u64, bytes and ns */
	COL_COUNT,
	COL_COUNT_BYTES,
	COL_COUNT_NS,
	COL_BOOL,		/* u32 */
	COL_STR,		/* char[RSP_NAME_LEN] or longer, ends with NUL */
	COL_WORD,		/* u32 with a name */
	COL_TEXT,		/* made by a function */
	COL_U64S,		/* array of u64 */
	COL_EACH,		/* the same, each a figure */
	COL_STEPS,		/* the same, steps of a histogram: of 2^n to 2^(n+1) - 1 */
};

/*
 * A field: the one place that says what it is called, where it stands and what
 * it means. Feeds tables, JSON and `help`.
 */
struct col {
	const char	*name;		/* JSON key, unit at the end */
	enum col_kind	kind;
	size_t		offset;
	bool		is_main;	/* a column of the table */
	unsigned int	nr;		/* of arrays */
	const char	*(*word)(unsigned int number);
	void		(*text)(const void *row, char *text, size_t size);
	const char	*help;
};

#define COL(type, field, kind_, main_, help_) \
	{ .name = #field, .kind = kind_, .offset = offsetof(struct type, field), \
	  .is_main = main_, .help = help_ }
#define COL_ENUM(type, field, word_, main_, help_) \
	{ .name = #field, .kind = COL_WORD, .offset = offsetof(struct type, field), \
	  .is_main = main_, .word = word_, .help = help_ }
#define COL_MADE(name_, text_, main_, help_) \
	{ .name = name_, .kind = COL_TEXT, .is_main = main_, .text = text_, .help = help_ }
#define COL_ARRAY(type, field, nr_, help_) \
	{ .name = #field, .kind = COL_U64S, .offset = offsetof(struct type, field), \
	  .nr = nr_, .help = help_ }

/*
 * Rows as a table, as blocks of all fields (-d), or as an array of objects (-j)
 * under @key. In text @none is said when there is no row.
 */
void print_rows(const char *key, const struct col *cols, size_t nr_col, const void *rows,
		size_t size, size_t nr, const char *none);
/* in text, above one of several tables */
void print_head(const char *head);
/* all fields of one row, as members of the object or lines of the block under way */
void print_fields(const struct col *cols, size_t nr_col, const void *row);
/* a number, whatever its kind; the text of a field */
uint64_t col_number(const struct col *col, const void *at);
void col_text(const struct col *col, const void *row, char *text, size_t size);
/* Order of two rows by a field: words by letter, all else as numbers without sign. */
int col_compare(const struct col *col, const void *a, const void *b);
/* what each field means, for help */
void print_help_fields(const struct col *cols, size_t nr_col);

void print_bytes(uint64_t bytes, char *text, size_t size);
uint64_t clock_ns(clockid_t clock);
void print_ns(uint64_t ns, char *text, size_t size);

/* JSON, piece by piece; @key is NULL inside an array and at the top */
void json_begin(const char *key, char open);
void json_end(char close);
void json_str(const char *key, const char *value);
void json_u64(const char *key, uint64_t value);
void json_s64(const char *key, int64_t value);
void json_bool(const char *key, bool value);

/*
 * A line for each event of these kinds, RSP_STREAM_*, until SIGINT, or with a @chan until that goes
 * down. Return: 0, or what to exit with.
 */
int event_follow(unsigned int kinds, uint32_t chan, uint64_t slow_ns);

/* -------------------------------------------------------------- objects --- */

/* a kind of object that is listed: all of the command is made of this */
struct object {
	const char	*name;
	const char	*head;		/* above its table, where there are several */
	size_t		nr_label;	/* columns that tell one from another: the first ones */
	const struct col *cols;
	size_t		nr_col;
	size_t		size;		/* of a view, which begins with its id */
	const char	*none;		/* what to say where there is none */
	int		(*list)(struct rsp_host *host, void **views);
	/* 1 if it is of the service, 0, or a negative errno; NULL: `svc NAME` selects nothing */
	int		(*has_svc)(const void *row, const char *svc);
};

#define OBJECT_LIST(what)						\
static int what##_list(struct rsp_host *host, void **views)		\
{									\
	return rsp_##what##_list(host, (struct rsp_##what##_view **)views);	\
}

/* members of its struct object: columns what_cols, views struct rsp_what_view */
#define OBJECT_COLS(what)						\
	.cols = what##_cols, .nr_col = ARRAY_SIZE(what##_cols),		\
	.size = sizeof(struct rsp_##what##_view), .list = what##_list

extern const struct object svc_object, pool_object, pool_class_object, peer_object, ep_object,
	rq_object, chan_object, desc_object, cache_object;

/* what the observers count: for each map one */
extern const struct object observe_objects[];
extern const size_t nr_observe_object;

/* all rows of one kind, below its head. Return: 0, or what to exit with */
int object_print(const struct object *what);
/* Those of its rows that are selected, as print_rows() prints them. Return: 0, or what to exit with */
int object_rows(struct rsp_host *from, const struct object *what, const struct sel *sel,
		const char *key, const char *none);

int cmd_object(const struct object *which, int argc, char **argv);

#endif /* _RSPCTL_H */
