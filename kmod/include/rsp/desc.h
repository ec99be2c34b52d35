/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Published regions: memory that peers find by name and read or write on their own.
 *
 *	publisher			holder, on another host
 *	rsp_region_publish()		rsp_exch_open()
 *	  ask <-------------------------  rsp_remote_lookup()
 *	  grant, lease ---------------->  rsp_remote_rw() again and again: no CPU here
 *	rsp_region_revoke() ----------->  -ESTALE from now on
 *	  memory is its own again <-----  what was under way is over
 *
 * A grant is a key that one peer can use, through one connection: each has a protection domain
 * of its own, so that no other peer can do anything with what it overhears or guesses.
 * It lasts as long as the lease, which the holder renews while it uses it. A holder that
 * does not give a revoked key back within its lease loses it, and with its next access
 * the connection.
 *
 * Memory that changes while it can be read is cut into slots. A slot is data with a trailer
 * behind it that says what the data is and has its checksum, so that a reader knows a good
 * copy from one that is old, is of something else, or was being changed.
 *
 * docs/wire.md, "Exchange of descriptors", is what goes over the wire.
 */
#ifndef _RSP_DESC_H
#define _RSP_DESC_H

#include <rsp/rsp.h>

struct rsp_region;
struct rsp_exch;
struct rsp_remote;

/* ------------------------------------------------------------------- slots */

#define RSP_TRAILER_BYTES	64

/**
 * struct rsp_trailer - stands behind the data of a slot; all of it as it goes over the wire
 * @tag: what the data is, the publisher's own meaning
 * @epoch: of the publication, 0 while the slot is not good
 * @len: bytes of data the checksum is over
 * @crc: CRC-32C (RFC 3720, 12.1) of the data, then of tag, epoch and len as they stand here
 * @rsvd: 0
 */
struct rsp_trailer {
	__be64	tag;
	__be32	epoch;
	__be32	len;
	__be32	crc;
	__u8	rsvd[44];
};

void rsp_slot_seal(struct rsp_trailer *trailer, const void *data, u32 len, u64 tag, u32 epoch);
void rsp_slot_break(struct rsp_trailer *trailer);
int rsp_slot_check(const struct rsp_trailer *trailer, const void *data, u32 len, u64 tag,
		   u32 epoch);

/* --------------------------------------------------------------- publisher */

#define RSP_REGION_MIN_LEASE_MS	4000
#define RSP_REGION_MAX_LEASE_MS	3600000

/**
 * struct rsp_region_attr - memory to publish
 * @net: where peers come from
 * @key: names it among the regions of the service
 * @sgl: the memory, at most 16 MiB; must stay until rsp_region_revoke() has returned
 * @nents: its entries
 * @access: RSP_DESC_READ, RSP_DESC_WRITE or both
 * @slot_bytes: of a slot with its trailer, 0 if there are none; what holders are told
 * @lease_ms: how long a grant lasts unless renewed, RSP_REGION_MIN_LEASE_MS to
 *	RSP_REGION_MAX_LEASE_MS; about how long a revocation waits for a peer that does not answer
 * @allow: may this peer have it? NULL: every peer may. Process context, must not sleep long nor
 *	call anything in this file
 * @ctx: passed to @allow
 */
struct rsp_region_attr {
	struct net		*net;
	u64			key;
	struct scatterlist	*sgl;
	u32			nents;
	u32			access;
	u32			slot_bytes;
	u32			lease_ms;
	bool			(*allow)(void *ctx, const struct sockaddr_storage *peer);
	void			*ctx;
};

struct rsp_region *rsp_region_publish(struct rsp_svc *svc, const struct rsp_region_attr *attr);
u32 rsp_region_epoch(const struct rsp_region *region);
int rsp_desc_sg_vmalloc(struct sg_table *sgt, const void *mem, u32 bytes);
void rsp_region_unpublish(struct rsp_region *region);
void rsp_region_revoke(struct rsp_region *region);

/* ------------------------------------------------------------------ holder */

#define RSP_REMOTE_MAX_BYTES	(2U << 20)	/* of one rsp_remote_rw() */

/**
 * struct rsp_remote_info - what a holder knows of a region
 * @len: its bytes
 * @epoch: of the publication; its trailers have this one
 * @access: what is granted, RSP_DESC_READ and RSP_DESC_WRITE
 * @slot_bytes: of a slot with its trailer, 0 if there are none
 * @lease_ms: of the grant
 */
struct rsp_remote_info {
	u64	len;
	u32	epoch;
	u32	access;
	u32	slot_bytes;
	u32	lease_ms;
};

struct rsp_exch *rsp_exch_open(struct net *net, const struct sockaddr *dst, u32 timeout_ms);
void rsp_exch_close(struct rsp_exch *exch);

struct rsp_remote *rsp_remote_lookup(struct rsp_exch *exch, const char *svc, u64 key, u32 access);
void rsp_remote_info(const struct rsp_remote *remote, struct rsp_remote_info *info);
bool rsp_remote_is_good(const struct rsp_remote *remote);
int rsp_remote_rw(struct rsp_remote *remote, enum rsp_dir dir, u64 off, struct scatterlist *sgl,
		  u32 nents, u32 len, void (*done)(void *ctx, int status), void *ctx);
void rsp_remote_put(struct rsp_remote *remote);

#endif /* _RSP_DESC_H */
