/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iSER in user space, for tests: what hostile_iser.c and hostile_target.c share
 * beyond hostile.h. A message is an iSER header, a basic header segment, and what
 * follows; fields are set at their offset from the beginning of the message.
 */
#ifndef _ISER_TEST_H
#define _ISER_TEST_H

#include "hostile.h"

/* private data of connect and accept: the first byte of four */
#define CM_NO_ZBVA	0x80
#define CM_NO_INV	0x40

/* the iSER header */
enum {
	I_FLAGS		= 0,
	I_WRITE_KEY	= 4,
	I_WRITE_VA	= 8,
	I_READ_KEY	= 16,
	I_READ_VA	= 20,
	BHS		= 28,
};
#define ISER_CTRL	0x10
#define ISER_HELLO	0x20
#define ISER_WSV	0x08
#define ISER_RSV	0x04

/* the basic header segment; names as in RFC 7143 */
enum {
	B_OPCODE	= BHS,
	B_FLAGS		= BHS + 1,
	B_RESPONSE	= BHS + 2,	/* of a SCSI response; B_STATUS follows */
	B_STATUS	= BHS + 3,
	B_AHS_LEN	= BHS + 4,
	B_DATA_LEN	= BHS + 5,	/* three bytes */
	B_LUN		= BHS + 8,
	B_ITT		= BHS + 16,
	B_EDTL		= BHS + 20,
	B_TTT		= BHS + 20,
	B_CMDSN		= BHS + 24,
	B_STATSN	= BHS + 24,	/* of the target's PDUs */
	B_EXPSTATSN	= BHS + 28,
	B_EXPCMDSN	= BHS + 28,
	B_MAXCMDSN	= BHS + 32,
	B_CDB		= BHS + 32,
	B_RESIDUAL	= BHS + 44,
	HDRS		= BHS + 48,
};

enum {
	OP_NOP_OUT	= 0x00,
	OP_CMD		= 0x01,
	OP_TMF		= 0x02,
	OP_LOGIN	= 0x03,
	OP_TEXT		= 0x04,
	OP_DATA_OUT	= 0x05,
	OP_LOGOUT	= 0x06,
	OP_SNACK	= 0x10,
	OP_NOP_IN	= 0x20,
	OP_RESPONSE	= 0x21,
	OP_TMF_RESP	= 0x22,
	OP_LOGIN_RESP	= 0x23,
	OP_TEXT_RESP	= 0x24,
	OP_DATA_IN	= 0x25,
	OP_LOGOUT_RESP	= 0x26,
	OP_R2T		= 0x31,
	OP_ASYNC	= 0x32,
	OP_REJECT	= 0x3f,
	OP_IMMEDIATE	= 0x40,
};
#define F_FINAL		0x80
#define F_READ		0x40
#define F_WRITE		0x20
#define NO_TAG		0xffffffff

static __unused u8 get8(const struct msg *m, u32 off)
{
	return off < m->len ? m->b[off] : 0;
}

static __unused void set8(struct msg *m, u32 off, u8 v)
{
	m->b[off] = v;
}

static __unused void set64(struct msg *m, u32 off, u64 v)
{
	set32(m, off, v >> 32);
	set32(m, off + 4, v);
}

static __unused u64 get64(const struct msg *m, u32 off)
{
	return (u64)get32(m, off) << 32 | get32(m, off + 4);
}

static __unused u32 get_dlen(const struct msg *m)
{
	return get32(m, B_AHS_LEN) & 0xffffff;
}

static __unused void set_dlen(struct msg *m, u32 len)
{
	set32(m, B_AHS_LEN, (u32)get8(m, B_AHS_LEN) << 24 | (len & 0xffffff));
}

/* the headers, all else zero */
static __unused void put_pdu(struct msg *m, u8 opcode, u8 flags)
{
	memset(m->b, 0, HDRS);
	m->len = HDRS;
	set8(m, I_FLAGS, ISER_CTRL);
	set8(m, B_OPCODE, opcode);
	set8(m, B_FLAGS, flags);
}

/* @len bytes of data segment; NULL for zeroes */
static __unused void put_data(struct msg *m, const void *p, u32 len)
{
	set_dlen(m, len);
	memset(m->b + m->len, 0, (len + 3) & ~3u);
	if (p)
		memcpy(m->b + m->len, p, len);
	m->len += (len + 3) & ~3u;
}

/* a length of zero is a message all the same */
static __unused void msg_resize(struct msg *m, u32 len)
{
	if (len > m->len)
		memset(m->b + m->len, 0x5a, len - m->len);
	m->len = len;
}

/* another data segment: @declared bytes, and @len of them there */
static __unused void msg_data(struct msg *m, u32 declared, u32 len)
{
	m->len = HDRS;
	put_data(m, NULL, len);
	memset(m->b + HDRS, 0x5a, len);
	set_dlen(m, declared);
}

/* several PDUs in a message (docs/wire.md): how far behind the one at @at the next begins, 0 for none */
static __unused u32 get_next(const struct msg *m, u32 at)
{
	return m->b[at + 2] << 8 | m->b[at + 3];
}

static __unused void set_next(struct msg *m, u32 at, u32 next)
{
	m->b[at + 2] = next >> 8;
	m->b[at + 3] = next;
}

/* The PDU of @m at @at, to @one. Returns where the next one would be, 0 if this one is not sound */
static __unused u32 take_pdu(const struct msg *m, u32 at, struct msg *one)
{
	u32 left = m->len - at, len = left >= HDRS ? get_next(m, at) : 0;

	if (len > left || (len && len < HDRS))
		return 0;
	one->len = len ? len : left;
	memcpy(one->b, m->b + at, one->len);
	return at + one->len;
}

static __unused void print_msg(const char *arrow, const struct msg *m)
{
	u32 i;

	printf("#   %s", arrow);
	for (i = 0; i < m->len && i < 112; i += 4)
		printf("%s%x", i == BHS || i == HDRS ? " | " : " ", get32(m, i));
	printf(" (%u bytes)\n", m->len);
}

static __unused void mutate(struct msg *m)
{
	static const u32 odd[] = {
		0, 1, 2, 3, 4, 5, 0x7f, 0xff, 0x100, 0xfff, 0x1000, 0x1001, 0x1fff, 0x2000, 0x2001,
		0x7fff, 0xffff, 0x10000, 0xfffff, 0x100000, 0x7fffffff, 0x80000000, 0xfffff000,
		0xfffffffc, 0xfffffffe, 0xffffffff,
	};
	u32 n = 1 + rnd(3), max = rnd(8) ? HDRS : m->len, i;

	if (max > m->len)
		max = m->len;
	while (n--) {
		/* mostly the basic header, at times that of iSER */
		u32 first = rnd(5) ? BHS : 0, off = first + rnd(max - first);

		switch (rnd(6)) {
		case 0:
		case 1:
			m->b[off] ^= 1 << rnd(8);
			break;
		case 2:
			m->b[off] = rnd(256);
			break;
		case 3:
		case 4:
			if ((off & ~3u) + 4 <= m->len)
				set32(m, off & ~3u, odd[rnd(sizeof(odd) / 4)]);
			break;
		default:
			if (rnd(4)) {
				u32 a = off & ~3u, b = rnd(max / 4) * 4;
				u32 v = get32(m, a);

				set32(m, a, get32(m, b));
				set32(m, b, v);
			} else if (rnd(8) == 0) {	/* cut: mostly the end of the connection */
				m->len = 1 + rnd(m->len - 1);
				return;
			} else {
				u32 len = 4 * (1 + rnd(64));

				for (i = 0; i < len && m->len < 8000; i++, m->len++)
					m->b[m->len] = m->b[(off & ~3u) + i % 64];
				if (rnd(2))
					set_dlen(m, m->len - HDRS);
			}
		}
	}
}

#endif /* _ISER_TEST_H */
