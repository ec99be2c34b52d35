#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# NFS over RSP over IPv6.
#
#	mount --- rxe0 fd00::1, loopback --- nfsd
#
# topology: loop
# timeout: 120
. "$(dirname "$0")/lib.sh"
need root "module:$NFS_MODULE" tool:fio tool:jq
plan 5

mounted6() {
	mkdir -p "$M"
	timeout 60 mount -t nfs -o "vers=$1,proto=rdma6,port=20049,$2" "[fd00::1]:$3" "$M"
}
run "server is up" nfs_up
run "mount with NFSv4.2" mounted6 4.2 hard /
run "fio with checksums" fio_verify "$M" 2m
run "unmount" umount "$M"
run "NFSv3" eval 'mounted6 3 nolock,mountproto=tcp6 /exp && files renames && umount "$M"'
finish
