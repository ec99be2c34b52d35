// SPDX-License-Identifier: GPL-2.0
/* Text and JSON from the same tables of fields. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "rspctl.h"

bool is_json;
bool is_pretty;
bool is_detailed;

/* ---------------------------------------------------------------- JSON --- */

static int json_depth;
static bool json_has_member;	/* the level under way has one already */

static void json_indent(void)
{
	if (is_pretty)
		printf("\n%*s", json_depth * 2, "");
}

static void json_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c == '\n')
			fputs("\\n", stdout);
		else if (c == '\t')
			fputs("\\t", stdout);
		else if (c < 0x20 || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void json_key(const char *key)
{
	if (json_has_member)
		putchar(',');
	if (json_depth)
		json_indent();
	json_has_member = true;
	if (key) {
		json_string(key);
		fputs(is_pretty ? ": " : ":", stdout);
	}
}

void json_begin(const char *key, char open)
{
	json_key(key);
	putchar(open);
	json_depth++;
	json_has_member = false;
}

void json_end(char close)
{
	json_depth--;
	if (json_has_member)
		json_indent();
	putchar(close);
	json_has_member = true;
	if (!json_depth) {
		putchar('\n');
		json_has_member = false;
	}
}

void json_str(const char *key, const char *value)
{
	json_key(key);
	json_string(value);
}

void json_u64(const char *key, uint64_t value)
{
	json_key(key);
	printf("%" PRIu64, value);
}

void json_s64(const char *key, int64_t value)
{
	json_key(key);
	printf("%" PRId64, value);
}

void json_bool(const char *key, bool value)
{
	json_key(key);
	fputs(value ? "true" : "false", stdout);
}

/* -------------------------------------------------------------- errors --- */

int fail(const char *fmt, ...)
{
	char text[16 * 1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (is_json) {
		json_begin(NULL, '{');
		json_str("error", text);
		json_end('}');
	} else {
		fprintf(stderr, "rspctl: %s\n", text);
	}
	return 1;
}

int fail_rsp(void)
{
	return fail("%s", rsp_error());
}

int fail_word(const char *word, const char *expected)
{
	if (!word)
		return fail("a word is missing at the end: expected %s", expected);
	return fail("stopped at \"%s\": expected %s", word, expected);
}

/* -------------------------------------------------------------- fields --- */

void print_bytes(uint64_t bytes, char *text, size_t size)
{
	static const char * const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = bytes;
	size_t unit = 0;

	while (value >= 1024 && unit < ARRAY_SIZE(units) - 1) {
		value /= 1024;
		unit++;
	}
	snprintf(text, size, value == (uint64_t)value ? "%.0f%s" : "%.1f%s", value, units[unit]);
}

uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

void print_ns(uint64_t ns, char *text, size_t size)
{
	if (!ns)
		snprintf(text, size, "0");
	else if (ns < 1000)
		snprintf(text, size, "%" PRIu64 "ns", ns);
	else if (ns < 1000 * 1000)
		snprintf(text, size, "%.1fus", ns / 1e3);
	else if (ns < 1000 * 1000 * 1000)
		snprintf(text, size, "%.1fms", ns / 1e6);
	else
		snprintf(text, size, "%.1fs", ns / 1e9);
}

uint64_t col_number(const struct col *col, const void *at)
{
	uint64_t eight;
	uint32_t four;
	uint16_t two;

	switch (col->kind) {
	case COL_U16:
		memcpy(&two, at, sizeof(two));
		return two;
	case COL_S32:
		memcpy(&four, at, sizeof(four));
		return (int64_t)(int32_t)four;
	case COL_ID:
	case COL_U32:
	case COL_COUNT32:
	case COL_BOOL:
	case COL_WORD:
		memcpy(&four, at, sizeof(four));
		return four;
	default:
		memcpy(&eight, at, sizeof(eight));
		return eight;
	}
}

void col_text(const struct col *col, const void *row, char *text, size_t size)
{
	const char *at = (const char *)row + col->offset;
	size_t used = 0;

	text[0] = 0;
	switch (col->kind) {
	case COL_TEXT:
		col->text(row, text, size);
		break;
	case COL_STR:
		snprintf(text, size, "%s", at);
		break;
	case COL_WORD:
		snprintf(text, size, "%s", col->word(col_number(col, at)));
		break;
	case COL_BOOL:
		snprintf(text, size, "%s", col_number(col, at) ? "yes" : "no");
		break;
	case COL_BYTES:
	case COL_COUNT_BYTES:
		print_bytes(col_number(col, at), text, size);
		break;
	case COL_NS:
	case COL_COUNT_NS:
		print_ns(col_number(col, at), text, size);
		break;
	case COL_S32:
	case COL_S64:
		snprintf(text, size, "%" PRId64, (int64_t)col_number(col, at));
		break;
	case COL_U64S:
	case COL_EACH:
	case COL_STEPS:
		for (unsigned int i = 0; i < col->nr && used < size; i++)
			used += snprintf(text + used, size - used, "%s%" PRIu64, i ? " " : "",
					 col_number(col, at + i * sizeof(uint64_t)));
		break;
	default:
		snprintf(text, size, "%" PRIu64, col_number(col, at));
	}
	if (!text[0])
		snprintf(text, size, "-");
}

int col_compare(const struct col *col, const void *a, const void *b)
{
	char text[2][512];
	uint64_t x, y;

	switch (col->kind) {
	case COL_TEXT:
	case COL_STR:
	case COL_WORD:
	case COL_U64S:
		col_text(col, a, text[0], sizeof(text[0]));
		col_text(col, b, text[1], sizeof(text[1]));
		return strcmp(text[0], text[1]);
	default:
		x = col_number(col, (const char *)a + col->offset);
		y = col_number(col, (const char *)b + col->offset);
		return x < y ? -1 : x > y;
	}
}

static void col_json(const struct col *col, const void *row)
{
	const char *at = (const char *)row + col->offset;
	char text[256] = "";

	switch (col->kind) {
	case COL_TEXT:
		col->text(row, text, sizeof(text));
		json_str(col->name, text);
		break;
	case COL_STR:
		json_str(col->name, at);
		break;
	case COL_WORD:
		json_str(col->name, col->word(col_number(col, at)));
		break;
	case COL_BOOL:
		json_bool(col->name, col_number(col, at));
		break;
	case COL_S32:
	case COL_S64:
		json_s64(col->name, col_number(col, at));
		break;
	case COL_U64S:
	case COL_EACH:
	case COL_STEPS:
		json_begin(col->name, '[');
		for (unsigned int i = 0; i < col->nr; i++)
			json_u64(NULL, col_number(col, at + i * sizeof(uint64_t)));
		json_end(']');
		break;
	default:
		json_u64(col->name, col_number(col, at));
	}
}

void print_fields(const struct col *cols, size_t nr_col, const void *row)
{
	for (size_t i = 0; i < nr_col; i++) {
		char text[512];

		if (is_json) {
			col_json(&cols[i], row);
			continue;
		}
		col_text(&cols[i], row, text, sizeof(text));
		printf("  %-18s %s\n", cols[i].name, text);
	}
}

/* the unit of a number stands behind it in text, so the head goes without */
static void col_head(const struct col *col, char *head, size_t size)
{
	static const char * const units[] = { "_bytes", "_ns" };

	snprintf(head, size, "%s", col->name);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		char *unit = strstr(head, units[i]);

		if (unit && !unit[strlen(units[i])] && unit != head)
			*unit = 0;
	}
}

static bool col_is_left(const struct col *col)
{
	return col->kind == COL_STR || col->kind == COL_TEXT || col->kind == COL_WORD ||
	       col->kind == COL_BOOL;
}

static void print_table(const struct col *cols, size_t nr_col, const char *rows, size_t size,
			size_t nr)
{
	size_t width[64] = { 0 };
	char text[512];

	/* twice over: to measure, to print; -1 is the head */
	for (int pass = 0; pass < 2; pass++) {
		for (ssize_t i = -1; i < (ssize_t)nr; i++) {
			size_t used = 0;

			for (size_t c = 0; c < nr_col && c < ARRAY_SIZE(width); c++) {
				if (!cols[c].is_main)
					continue;
				if (i < 0)
					col_head(&cols[c], text, sizeof(text));
				else
					col_text(&cols[c], rows + i * size, text, sizeof(text));
				if (!pass) {
					width[c] = strlen(text) > width[c] ? strlen(text) : width[c];
					continue;
				}
				/* spaces belong in front of a word: no line ends with one */
				if (col_is_left(&cols[c])) {
					printf("%*s%s", (int)used, "", text);
					used = width[c] - strlen(text) + 2;
				} else {
					printf("%*s%*s", (int)used, "", (int)width[c], text);
					used = 2;
				}
			}
			if (pass)
				putchar('\n');
		}
	}
}

void print_rows(const char *key, const struct col *cols, size_t nr_col, const void *rows,
		size_t size, size_t nr, const char *none)
{
	const char *row = rows;

	if (is_json) {
		json_begin(key, '[');
		for (size_t i = 0; i < nr; i++, row += size) {
			json_begin(NULL, '{');
			print_fields(cols, nr_col, row);
			json_end('}');
		}
		json_end(']');
		return;
	}
	if (!nr) {
		puts(none);
		return;
	}
	if (!is_detailed) {
		print_table(cols, nr_col, rows, size, nr);
		return;
	}
	for (size_t i = 0; i < nr; i++, row += size) {
		if (i)
			putchar('\n');
		print_fields(cols, nr_col, row);
	}
}

void print_head(const char *head)
{
	static bool is_second;

	if (!is_json)
		printf("%s%s:\n", is_second ? "\n" : "", head);
	is_second = true;
}

void print_help_fields(const struct col *cols, size_t nr_col)
{
	puts("\nFields (* is a column of the table, the others come with -d and -j):");
	for (size_t i = 0; i < nr_col; i++)
		printf("  %c %-18s %s\n", cols[i].is_main ? '*' : ' ', cols[i].name,
		       cols[i].help);
}
