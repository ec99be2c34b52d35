/* SPDX-License-Identifier: GPL-2.0 */
/* The exchange of descriptors (docs/wire.md) as hostile programs speak it, and what rsp_perf publishes. */
#ifndef _DESC_TEST_H
#define _DESC_TEST_H

#include "verbs.h"

#define DESC_MAGIC	0x52535064

enum { LOOKUP = 1, FOUND, RENEW, RENEWED, REVOKE, DROP };

/* offsets in a message; segments stand behind HDR */
enum { M_TYPE = 0, M_NR_SEG = 1, M_REQ = 4, M_GRANT = 8, M_STATUS = 12, M_KEY = 16, M_ACCESS = 24,
       M_EPOCH = 28, M_SLOT = 32, M_LEASE = 36, M_LEN = 40, M_SVC = 48 };
#define HDR		64
#define R		1		/* access */
#define W		2

/* slots of rsp_perf: a seed, a pattern, a trailer */
#define SIZE		4096
#define SLOT		(SIZE + 64)
#define NR_SLOT		4
enum { T_TAG = SIZE, T_EPOCH = SIZE + 8, T_LEN = SIZE + 12, T_CRC = SIZE + 16 };

static __unused u8 slot_byte(u32 seed, u32 i)
{
	return ((seed + i) * 0x9e3779b1u) >> 24;
}

#endif /* _DESC_TEST_H */
