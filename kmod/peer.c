// SPDX-License-Identifier: GPL-2.0
/*
 * Peers: remote hosts. One is known by the addresses it was met at, and by its UUID once it
 * has said a hello; then every address it says so from is the same peer.
 *
 * A hello is a claim, as an address is: it decides what policies see together and what
 * rspctl shows. Whatever trusts it with more has to ask for proof.
 */
#include <linux/in6.h>

#include "core.h"
#include "hello.h"

struct rsp_peer_addr {
	u16	family;
	u8	addr[16];	/* network byte order, IPv4 in the first 4 bytes */
};

struct rsp_peer {
	struct rsp_peer_view	view;
	struct kref		ref;
	struct rsp_peer_addr	addrs[RSP_PEER_ADDRS];	/* view.nr_addr of them */
	struct rcu_head		rcu;
};

static DEFINE_XARRAY_ALLOC1(rsp_peers);
static u32 rsp_peer_next_id;
static DEFINE_MUTEX(rsp_peer_mutex);	/* all of this file, but for views under RCU */

static void rsp_peer_free(struct kref *ref)
{
	struct rsp_peer *peer = container_of(ref, struct rsp_peer, ref);

	xa_erase(&rsp_peers, peer->view.id);
	mutex_unlock(&rsp_peer_mutex);
	kfree_rcu(peer, rcu);
}

static void rsp_peer_addr_set(struct rsp_peer_addr *addr, const struct sockaddr_storage *ss)
{
	memset(addr, 0, sizeof(*addr));
	addr->family = ss->ss_family;
	if (ss->ss_family == AF_INET6)
		memcpy(addr->addr, &((struct sockaddr_in6 *)ss)->sin6_addr, 16);
	else
		memcpy(addr->addr, &((struct sockaddr_in *)ss)->sin_addr, 4);
}

/* Return: its index among the addresses of @peer, or -1 */
static int rsp_peer_find_addr(const struct rsp_peer *peer, const struct rsp_peer_addr *addr)
{
	int i;

	for (i = 0; i < peer->view.nr_addr; i++) {
		if (!memcmp(&peer->addrs[i], addr, sizeof(*addr)))
			return i;
	}
	return -1;
}

/* the first one is what is shown */
static void rsp_peer_show_addr(struct rsp_peer *peer)
{
	peer->view.family = peer->addrs[0].family;
	memcpy(peer->view.addr, peer->addrs[0].addr, sizeof(peer->view.addr));
}

/* @addr is @peer's from now on, and of no other */
static void rsp_peer_add_addr(struct rsp_peer *peer, const struct rsp_peer_addr *addr)
{
	struct rsp_peer *other;
	unsigned long id;
	int i;

	if (rsp_peer_find_addr(peer, addr) >= 0)
		return;
	xa_for_each(&rsp_peers, id, other) {
		i = rsp_peer_find_addr(other, addr);
		/* it keeps showing the last one that it had */
		if (i < 0)
			continue;
		other->addrs[i] = other->addrs[--other->view.nr_addr];
		if (other->view.nr_addr)
			rsp_peer_show_addr(other);
	}
	if (peer->view.nr_addr == RSP_PEER_ADDRS) {
		memmove(peer->addrs, peer->addrs + 1, sizeof(*addr) * (RSP_PEER_ADDRS - 1));
		peer->view.nr_addr--;
	}
	peer->addrs[peer->view.nr_addr++] = *addr;
	rsp_peer_show_addr(peer);
}

static struct rsp_peer *rsp_peer_by_uuid(const uuid_t *uuid)
{
	struct rsp_peer *peer;
	unsigned long id;

	xa_for_each(&rsp_peers, id, peer) {
		if (peer->view.version && !memcmp(peer->view.uuid, uuid, sizeof(*uuid)))
			return peer;
	}
	return NULL;
}

static struct rsp_peer *rsp_peer_by_addr(const struct rsp_peer_addr *addr)
{
	struct rsp_peer *peer;
	unsigned long id;

	xa_for_each(&rsp_peers, id, peer) {
		if (rsp_peer_find_addr(peer, addr) >= 0)
			return peer;
	}
	return NULL;
}

static struct rsp_peer *rsp_peer_create(const struct rsp_peer_addr *addr)
{
	struct rsp_peer *peer;

	peer = kzalloc(sizeof(*peer), GFP_KERNEL);
	if (!peer)
		return NULL;
	kref_init(&peer->ref);
	/* before others can see it */
	rsp_peer_add_addr(peer, addr);
	if (rsp_id_alloc(&rsp_peers, &rsp_peer_next_id, &peer->view.id, peer)) {
		kfree(peer);
		return NULL;
	}
	return peer;
}

/**
 * rsp_peer_get() - The peer of an endpoint, made when it is new
 * @ss: its address
 * @hello: what it said of itself, version 0 if nothing was heard
 *
 * Return: the peer, with this endpoint counted, to be ended with rsp_peer_put(); or NULL
 * when there is no memory.
 */
struct rsp_peer *rsp_peer_get(const struct sockaddr_storage *ss, const struct rsp_hello *hello)
{
	struct rsp_peer_addr addr;
	struct rsp_peer *peer;

	rsp_peer_addr_set(&addr, ss);
	mutex_lock(&rsp_peer_mutex);
	peer = hello->version ? rsp_peer_by_uuid(&hello->uuid) : NULL;
	if (!peer) {
		peer = rsp_peer_by_addr(&addr);
		/* another host has this address now */
		if (peer && hello->version && peer->view.version)
			peer = NULL;
	}
	if (peer)
		kref_get(&peer->ref);
	else
		peer = rsp_peer_create(&addr);
	if (peer) {
		peer->view.nr_ep++;
		if (hello->version) {
			memcpy(peer->view.uuid, &hello->uuid, sizeof(hello->uuid));
			peer->view.version = hello->version;
			peer->view.features = hello->features;
			rsp_peer_add_addr(peer, &addr);
		}
	}
	mutex_unlock(&rsp_peer_mutex);
	return peer;
}

/* Context: process. The endpoint is none of its own any more */
void rsp_peer_put(struct rsp_peer *peer)
{
	mutex_lock(&rsp_peer_mutex);
	peer->view.nr_ep--;
	mutex_unlock(&rsp_peer_mutex);
	kref_put_mutex(&peer->ref, rsp_peer_free, &rsp_peer_mutex);
}

const struct rsp_peer_view *rsp_peer_view(const struct rsp_peer *peer)
{
	return &peer->view;
}

bool rsp_peer_view_next(u32 *id, struct rsp_peer_view *v)
{
	unsigned long i = *id;
	struct rsp_peer *peer;

	rcu_read_lock();
	peer = xa_find_after(&rsp_peers, &i, ULONG_MAX, XA_PRESENT);
	if (peer)
		*v = peer->view;
	rcu_read_unlock();
	*id = i;
	return peer;
}

void rsp_peer_exit(void)
{
	WARN_ON_ONCE(!xa_empty(&rsp_peers));
}
