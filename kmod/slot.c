// SPDX-License-Identifier: GPL-2.0
/*
 * Slots: data with a trailer that tells a good copy of it from any other.
 *
 * The publisher breaks a slot, changes the data and seals it again. A reader whose device fetches
 * both meanwhile has some mixture of old and new; devices promise no order within one read.
 * Whatever it is, either the trailer is not the one expected, or the checksum is not that of
 * the data.
 */
#include <linux/crc32c.h>
#include <linux/module.h>

#include <rsp/desc.h>

static_assert(sizeof(struct rsp_trailer) == RSP_TRAILER_BYTES);

static u32 rsp_slot_crc(const struct rsp_trailer *trailer, const void *data, u32 len)
{
	u32 crc = crc32c(~0, data, len);

	return ~crc32c(crc, trailer, offsetof(struct rsp_trailer, crc));
}

/**
 * rsp_slot_seal() - The data of a slot is good from now on
 * @trailer: behind the data
 * @data: the data; it does not change until rsp_slot_break()
 * @len: its bytes
 * @tag: what it is
 * @epoch: rsp_region_epoch() of the region
 *
 * Context: Any. One caller at a time for a slot.
 */
void rsp_slot_seal(struct rsp_trailer *trailer, const void *data, u32 len, u64 tag, u32 epoch)
{
	struct rsp_trailer new = {
		.tag	= cpu_to_be64(tag),
		.epoch	= cpu_to_be32(epoch),
		.len	= cpu_to_be32(len),
	};

	new.crc = cpu_to_be32(rsp_slot_crc(&new, data, len));
	trailer->tag = new.tag;
	trailer->len = new.len;
	trailer->crc = new.crc;
	memset(trailer->rsvd, 0, sizeof(trailer->rsvd));
	smp_store_release(&trailer->epoch, new.epoch);
}
EXPORT_SYMBOL_GPL(rsp_slot_seal);

/**
 * rsp_slot_break() - The data of a slot is about to change, or is not valid any more
 * @trailer: behind the data
 *
 * Who begins to read the slot when this has returned finds that it is not good.
 *
 * Context: Any. One caller at a time for a slot.
 */
void rsp_slot_break(struct rsp_trailer *trailer)
{
	WRITE_ONCE(trailer->epoch, 0);
	/* a device reads it: before the data changes, and before anybody is told that it was invalid */
	mb();
}
EXPORT_SYMBOL_GPL(rsp_slot_break);

/**
 * rsp_slot_check() - Is this copy of a slot good
 * @trailer: a copy that was read from a peer
 * @data: the data that was read with it
 * @len: bytes of data expected
 * @tag: what is expected
 * @epoch: of the region, struct rsp_remote_info
 *
 * Context: Any.
 * Return:
 * * %0		- it is, as it was at some moment during the read
 * * %-ESTALE	- it is something else, of another publication, or not valid now
 * * %-EBADMSG	- it was being changed, or is damaged
 */
int rsp_slot_check(const struct rsp_trailer *trailer, const void *data, u32 len, u64 tag, u32 epoch)
{
	if (!epoch || trailer->epoch != cpu_to_be32(epoch) || trailer->tag != cpu_to_be64(tag))
		return -ESTALE;
	if (trailer->len != cpu_to_be32(len) ||
	    trailer->crc != cpu_to_be32(rsp_slot_crc(trailer, data, len)))
		return -EBADMSG;
	return 0;
}
EXPORT_SYMBOL_GPL(rsp_slot_check);
