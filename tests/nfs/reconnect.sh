#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A hard mount outlives the loss of its connection: I/O stops while there is no server or no
# device, goes on when there is, and what was written is what is read.
#
#	rxe0 (server) --- v0 10.9.0.1 ===== v1 10.9.0.2 --- rxe1
#
# topology: loop
# timeout: 600
. "$(dirname "$0")/lib.sh"
need root "module:$NFS_MODULE"
plan 13

M=/mnt/reconnect

# a writer that says how far it is
writer() {
	local i
	for i in {1..23}; do
		dd if="$T/data" of="$M/f$i" bs=128k conv=fsync status=none || return
		echo "$i" >"$T/at"
	done
}

written() {
	[ "$(cat "$T/at")" -ge "$1" ]
}

# interrupt COMMAND...: while a writer runs, three files in, do something to the connection
interrupt() {
	echo 0 >"$T/at"
	rm -f $M/f*
	writer &
	writer_pid=$!
	wait_for 60 written 3 && "$@"
}

# the writer ends well and every byte is there
recovered() {
	local i
	wait_for 120 written 23 && wait "$writer_pid" || return
	echo 3 >/proc/sys/vm/drop_caches
	for i in {1..23}; do
		cmp "$T/data" "$M/f$i" || return
	done
}

stopped() {
	local a
	a=$(cat "$T/at")
	wait_for 5 sleep 4
	[ "$(cat "$T/at")" -le $((a + 1)) ]
}

connects() {
	awk '$1 == "xprt:" && $2 == "rdma" { print $5; exit }' /proc/self/mountstats
}

run "server and mount are up" eval "nfs_up wire size=256M && wire_netem && nfs_mount $M hard,timeo=100"
defer nfs_down
defer eval "! mountpoint -q $M || umount -f $M"
head -c 1m /dev/urandom >"$T/data"
run "the first connection is one" is "$(connects)" 1

run "the device is deleted under a writer" interrupt rdma link delete rxe0
run "the writer waits" stopped
run "the device comes back" rdma link add rxe0 type rxe netdev v0
run "the writer ends, every byte is there" recovered
run "it connected again" test "$(connects)" -ge 2

run "nfsd stops under a writer" interrupt rpc.nfsd 0
run "nfsd starts" eval "rpc.nfsd 4 && { grep -q rdma /proc/fs/nfsd/portlist || echo 'rdma 20049' >/proc/fs/nfsd/portlist; } && echo Y >/proc/fs/nfsd/v4_end_grace"
run "the writer ends, every byte is there" recovered

run "the wire is cut under a writer" interrupt wire_netem loss 100%
wait_for 31 sleep 30
run "and mended" wire_netem
run "the writer ends, every byte is there" recovered
finish
