/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two halves of rsp_nfs.ko and main.c share.
 */
#ifndef _RSP_NFS_NFS_H
#define _RSP_NFS_NFS_H

#include <linux/sizes.h>

/* inline messages up to this size both ways, transport header included */
#define RSP_NFS_INLINE_BYTES	SZ_8K
/* largest READ or WRITE payload, and the rest of such a message */
#define RSP_NFS_MAX_PAYLOAD	SZ_1M
#define RSP_NFS_MAX_MSG		(RSP_NFS_MAX_PAYLOAD + SZ_64K)

int rsp_nfs_client_init(void);
void rsp_nfs_client_exit(void);

int rsp_nfs_server_init(void);
void rsp_nfs_server_exit(void);

#endif /* _RSP_NFS_NFS_H */
