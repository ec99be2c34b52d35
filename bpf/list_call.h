/* SPDX-License-Identifier: GPL-2.0 */
/* Calls of the list programs that librsp directs to rsp.ko's functions; no helper has these numbers. */
#ifndef _RSP_LIST_CALL_H
#define _RSP_LIST_CALL_H

enum {
	LIST_CALL_NEW = 0x52530000,	/* bpf_iter_rsp_WHAT_new, and so on */
	LIST_CALL_NEXT,
	LIST_CALL_DESTROY,
	LIST_CALL_GET,			/* rsp_bpf_WHAT_get */
};

#endif /* _RSP_LIST_CALL_H */
