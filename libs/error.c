// SPDX-License-Identifier: GPL-2.0
/*
 * One sentence for the last failure. libbpf talks while it works; what it said
 * is kept, and shown only behind a failure: the verifier's reason stands in its
 * last lines.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define RSP_ERROR_LINES	16	/* of libbpf's, shown */

static char rsp_error_text[8192];
/* libbpf's words; of a long verifier log the end is what counts */
static char rsp_error_said[64 * 1024];
static size_t rsp_error_len;

const char *rsp_error(void)
{
	return rsp_error_text;
}

static int rsp_error_print(enum libbpf_print_level level, const char *fmt, va_list args)
{
	size_t len, most = sizeof(rsp_error_said) / 2 - 1;
	char *line, *from;
	int n;

	if (level == LIBBPF_DEBUG)
		return 0;
	n = vasprintf(&line, fmt, args);
	if (n <= 0)
		return 0;
	if (getenv("RSP_VERBOSE"))
		fwrite(line, 1, n, stderr);
	len = (size_t)n < most ? (size_t)n : most;
	from = line + n - len;
	if (rsp_error_len + len >= sizeof(rsp_error_said)) {
		size_t keep = rsp_error_len < most ? rsp_error_len : most;

		memmove(rsp_error_said, rsp_error_said + rsp_error_len - keep, keep);
		rsp_error_len = keep;
	}
	memcpy(rsp_error_said + rsp_error_len, from, len);
	rsp_error_len += len;
	rsp_error_said[rsp_error_len] = 0;
	free(line);
	return n;
}

void rsp_error_catch(void)
{
	rsp_error_len = 0;
	rsp_error_said[0] = 0;
	libbpf_set_print(rsp_error_print);
}

bool rsp_error_find(char *prog, size_t prog_size, char *line, size_t line_size)
{
	const char *at, *end, *found = NULL;
	int len;

	line[0] = 0;
	for (at = strstr(rsp_error_said, "prog '"); at; at = strstr(at + 6, "prog '")) {
		end = strchr(at + 6, '\'');
		if (end && !strncmp(end, "': BPF program load failed", 26))
			break;
	}
	if (!at)
		return false;
	snprintf(prog, prog_size, "%.*s", (int)(end - at - 6), at + 6);
	/* the log has a line of source, "; TEXT @ FILE:LINE", in front of its instructions */
	for (at = strstr(at, "\n; "); at; at = strstr(at + 1, "\n; "))
		found = at + 3;
	end = found ? strchrnul(found, '\n') : NULL;
	for (at = end; at && at > found && strncmp(at, " @ ", 3); at--)
		;
	if (at && at > found) {
		len = end - at - 3;
		snprintf(line, line_size, "%.*s: %.*s", len, at + 3, (int)(at - found), found);
	}
	return true;
}

/* lines that only repeat what the sentence says or that frame the log */
static bool rsp_error_is_noise(const char *line)
{
	static const char * const noise[] = {
		"-- BEGIN PROG LOAD LOG --", "-- END PROG LOAD LOG --",
		"processed ", "failed to load object", "failed to load BPF skeleton",
		"verification time ", "stack depth ",
	};

	for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++) {
		if (strstr(line, noise[i]))
			return true;
	}
	return !*line;
}

static void rsp_error_add_said(size_t at)
{
	char *lines[RSP_ERROR_LINES];
	char *line, *next = rsp_error_said;
	int nr = 0;

	while ((line = strsep(&next, "\n"))) {
		if (rsp_error_is_noise(line))
			continue;
		if (nr == RSP_ERROR_LINES) {
			memmove(lines, lines + 1, sizeof(lines) - sizeof(lines[0]));
			nr--;
		}
		lines[nr++] = line;
	}
	for (int i = 0; i < nr && at < sizeof(rsp_error_text); i++)
		at += snprintf(rsp_error_text + at, sizeof(rsp_error_text) - at,
			       "\n  %s", lines[i]);
	rsp_error_len = 0;
}

static size_t rsp_error_set(const char *fmt, va_list args)
{
	int n = vsnprintf(rsp_error_text, sizeof(rsp_error_text), fmt, args);

	return n > 0 ? (size_t)n : 0;
}

int rsp_fail(int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	rsp_error_set(fmt, args);
	va_end(args);
	errno = -err;
	return err;
}

int rsp_fail_bpf(int err, const char *fmt, ...)
{
	va_list args;
	size_t at;

	va_start(args, fmt);
	at = rsp_error_set(fmt, args);
	va_end(args);
	rsp_error_add_said(at);
	errno = -err;
	return err;
}
