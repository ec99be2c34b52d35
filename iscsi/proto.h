/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iSER between two RSP peers: what goes beyond RFC 7145. docs/wire.md has it in words.
 */
#ifndef _RSP_ISCSI_PROTO_H
#define _RSP_ISCSI_PROTO_H

#include <linux/bits.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <linux/unaligned.h>
#include <scsi/iscsi_proto.h>
#include <scsi/iser.h>

#define RSP_ISER_PDU_BYTES	(sizeof(struct iser_ctrl) + sizeof(struct iscsi_hdr))	/* at least */

#define RSP_ISER_CM_MAGIC	0x52535069U	/* "RSPi" */
#define RSP_ISER_CM_VERSION	1

/* a read command without a read key asks for its data behind the SCSI Response */
#define RSP_ISER_F_INLINE_READ	BIT(0)
#define RSP_ISER_INLINE_BYTES	(SZ_8K - RSP_ISER_PDU_BYTES)	/* at most */
/* a message may hold several PDUs */
#define RSP_ISER_F_BATCH	BIT(1)
#define RSP_ISER_FEATURES	(RSP_ISER_F_INLINE_READ | RSP_ISER_F_BATCH)

/* Private data of request and answer; peers without RSP read and write only @std. */
struct rsp_iser_cm {
	struct iser_cm_hdr	std;
	__be32			magic;
	u8			version;
	u8			features;
	u8			rsvd[2];
} __packed;

static inline void rsp_iser_cm_init(struct rsp_iser_cm *cm, u8 flags)
{
	*cm = (struct rsp_iser_cm){
		.std.flags	= flags,
		.magic		= cpu_to_be32(RSP_ISER_CM_MAGIC),
		.version	= RSP_ISER_CM_VERSION,
		.features	= RSP_ISER_FEATURES,
	};
}

/* RSP_ISER_F_* that both ends know; 0 for a peer without RSP */
static inline u8 rsp_iser_cm_features(const void *pdata, u8 len)
{
	const struct rsp_iser_cm *cm = pdata;

	if (!cm || len < sizeof(*cm) || cm->magic != cpu_to_be32(RSP_ISER_CM_MAGIC) ||
	    cm->version != RSP_ISER_CM_VERSION)
		return 0;
	return cm->features & RSP_ISER_FEATURES;
}

/* bytes to the next PDU of a message, 0 in the last */
static inline u32 rsp_iser_next(const struct iser_ctrl *ctrl)
{
	return get_unaligned_be16(&ctrl->rsvd[1]);
}

static inline void rsp_iser_set_next(struct iser_ctrl *ctrl, u32 bytes)
{
	put_unaligned_be16(bytes, &ctrl->rsvd[1]);
}

/* can another PDU stand @next bytes into a message of @len? */
static inline bool rsp_iser_next_is_sound(u32 next, u32 len)
{
	return !(next % 4) && next >= RSP_ISER_PDU_BYTES && len >= RSP_ISER_PDU_BYTES &&
	       next <= len - RSP_ISER_PDU_BYTES;
}

#endif /* _RSP_ISCSI_PROTO_H */
