#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A mount under verified load comes through the loss of the server's device and of the server:
# no I/O error, no wrong data, and I/O goes on.
#
#	mount --- rxe1 10.9.0.2 ===== 10.9.0.1 rxe0 --- nfsd
#
# topology: loop
# timeout: 400
. "$(dirname "$0")/lib.sh"
need root "module:$NFS_MODULE" tool:fio tool:jq
plan 7

device_away() {
	rdma link delete rxe0 && wait_for 2 false
	rdma link add rxe0 type rxe netdev v0 && rxe_wait rxe0
}
listening() {
	grep -q 'rdma 20049' /proc/fs/nfsd/portlist
}
server_away() {
	rpc.nfsd 0 && rpc.nfsd 4 && { listening || echo "rdma 20049" >/proc/fs/nfsd/portlist; } &&
		{ echo Y >/proc/fs/nfsd/v4_end_grace || :; }
}
run "server is up" nfs_up wire
run "mount" mounted 4.2 "hard,timeo=50"
hold_up
run "fio runs" goes_on 40
device_away >"$T/log" 2>&1
run "I/O goes on after the server's device went and came" goes_on 40
server_away >>"$T/log" 2>&1
run "I/O goes on after the server was stopped and started" goes_on 40
run "no error, no wrong data" hold_down
run "unmount" umount "$M"
finish
