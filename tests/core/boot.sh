#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A guest has what the project needs: a soft RDMA device, BTF, the patched bpftool, NFS.
# topology: loop
. "$(dirname "$0")/../lib.sh"
need root tool:rdma tool:bpftool
plan 7

patched_bpftool() {
	[ "$(command -v bpftool)" = /usr/local/sbin/bpftool ] &&
		grep -q '<btf_module_not_found>' /usr/local/sbin/bpftool
}

large_mtu() {
	ibv_devinfo -d rxe0 | grep -q 'active_mtu:.*4096'
}

rping_self() {
	rping -s -a 10.9.0.1 -p 7174 -C 23 &
	wait_for 10 rping -c -a 10.9.0.1 -p 7174 -C 23 && wait $!
}

run "kernel describes itself in BTF" test -s /sys/kernel/btf/vmlinux
run "bpftool is the patched one" patched_bpftool
run "rxe comes up on a dummy device" rxe_dummy 9000
defer rxe_down
run "its MTU is 4096" large_mtu
run "rdma_cm connects, 23 pings pass" rping_self
run "nfsd and the stock transport are there" modinfo -n nfsd rpcrdma nfsv4
run "the project tree is read-only" not touch /src/x
finish
