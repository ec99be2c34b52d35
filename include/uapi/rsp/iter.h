/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Open-coded iterators over RSP's objects, as they stand on a BPF program's
 * stack. The kernel and BPF programs share this file.
 *
 * Each holds a copy of the view it shows, so that no lock and no reference is
 * needed while a program looks at it; that copy is gone at the next step. The
 * sizes leave room for views to grow and never change.
 */
#ifndef _UAPI_RSP_ITER_H
#define _UAPI_RSP_ITER_H

#include <rsp/view.h>

/** struct bpf_iter_rsp_svc - over services */
struct bpf_iter_rsp_svc {
	__u64	opaque[24];
};

/** struct bpf_iter_rsp_peer - over remote hosts */
struct bpf_iter_rsp_peer {
	__u64	opaque[8];
};

/** struct bpf_iter_rsp_ep - over endpoints */
struct bpf_iter_rsp_ep {
	__u64	opaque[16];
};

/** struct bpf_iter_rsp_chan - over channels */
struct bpf_iter_rsp_chan {
	__u64	opaque[28];
};

/** struct bpf_iter_rsp_rq - over receive queues */
struct bpf_iter_rsp_rq {
	__u64	opaque[16];
};

/** struct bpf_iter_rsp_desc - over published regions and those held of peers */
struct bpf_iter_rsp_desc {
	__u64	opaque[24];
};

/** struct bpf_iter_rsp_cache - over block caches */
struct bpf_iter_rsp_cache {
	__u64	opaque[32];
};

/** struct bpf_iter_rsp_policy - over registered policies and the log */
struct bpf_iter_rsp_policy {
	__u64	opaque[24];
};

_Static_assert(sizeof(struct bpf_iter_rsp_svc) == 192, "ABI: never resize");
_Static_assert(sizeof(struct bpf_iter_rsp_peer) == 64, "ABI: never resize");
_Static_assert(sizeof(struct bpf_iter_rsp_ep) == 128, "ABI: never resize");
_Static_assert(sizeof(struct bpf_iter_rsp_chan) == 224, "ABI: never resize");
_Static_assert(sizeof(struct bpf_iter_rsp_rq) == 128, "ABI: never resize");
_Static_assert(sizeof(struct bpf_iter_rsp_desc) == 192, "ABI: never resize");
_Static_assert(sizeof(struct bpf_iter_rsp_cache) == 256, "ABI: never resize");
_Static_assert(sizeof(struct bpf_iter_rsp_policy) == 192, "ABI: never resize");

#endif /* _UAPI_RSP_ITER_H */
