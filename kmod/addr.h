/* SPDX-License-Identifier: GPL-2.0 */
/* IPv4 and IPv6 socket addresses: their ports, and the addresses without them. */
#ifndef _RSP_ADDR_H
#define _RSP_ADDR_H

#include <net/addrconf.h>

static inline u16 rsp_addr_port(const struct sockaddr_storage *ss)
{
	return be16_to_cpu(ss->ss_family == AF_INET6 ? ((struct sockaddr_in6 *)ss)->sin6_port :
						       ((struct sockaddr_in *)ss)->sin_port);
}

static inline void rsp_addr_set_port(struct sockaddr_storage *ss, u16 port)
{
	if (ss->ss_family == AF_INET6)
		((struct sockaddr_in6 *)ss)->sin6_port = cpu_to_be16(port);
	else
		((struct sockaddr_in *)ss)->sin_port = cpu_to_be16(port);
}

/* of an IPv6 address, 0 else */
static inline u32 rsp_addr_scope(const struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET6 ? ((struct sockaddr_in6 *)ss)->sin6_scope_id : 0;
}

static inline bool rsp_addr_equal(const struct sockaddr_storage *a,
				  const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET6)
		return ipv6_addr_equal(&((struct sockaddr_in6 *)a)->sin6_addr,
				       &((struct sockaddr_in6 *)b)->sin6_addr);
	return ((struct sockaddr_in *)a)->sin_addr.s_addr ==
	       ((struct sockaddr_in *)b)->sin_addr.s_addr;
}

#endif /* _RSP_ADDR_H */
