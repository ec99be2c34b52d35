#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The RSP client works with the stock server: every NFS version, data compared byte by byte.
#
#	srv: stock rpcrdma 10.9.0.1 fd00::1 ===== 10.9.0.2 fd00::2 cli: rsp_nfs server=0
#
# topology: pair
# timeout: 900
. "$(dirname "$0")/../lib.sh"
need root module:rsp_nfs module:rpcrdma tool:fio
plan 16

on_cli() {
	on cli 400 ". /src/lab/guest/lib.sh; $*"
}

mounted_over_rdma() {
	on_cli "grep -q 'xprt:.rdma' /proc/self/mountstats" &&
		on_cli "test ! -e /sys/module/rpcrdma"
}

# Is nothing left that recovers over and over? SEQUENCE goes out once per lease third.
callback_is_quiet() {
	local a b
	a=$(on_cli "awk '/BIND_CONN_TO_SESSION:/ { n += \$2 } END { print n + 0 }' /proc/self/mountstats")
	wait_for 20 sleep 10
	b=$(on_cli "awk '/BIND_CONN_TO_SESSION:/ { n += \$2 } END { print n + 0 }' /proc/self/mountstats")
	[ $((b - a)) -le 1 ]
}

run "stock server is up" on srv ". /src/lab/guest/lib.sh; nfs_transport stock && nfs_server_up"
defer on srv ". /src/lab/guest/lib.sh; nfs_server_down; rmmod rpcrdma"
run "client half loads alone" on_cli "modprobe rsp_nfs server=0"

for v in 4.2 4.1; do
	run "mount with NFSv$v" on_cli "mkdir -p /mnt && mount -t nfs -o vers=$v,proto=rdma,port=20049,hard 10.9.0.1:/ /mnt"
	run "workout with NFSv$v" on_cli "/src/tests/nfs/workout /mnt"
	run "fio with checksums, NFSv$v" on_cli "fio_verify /mnt 8m"
	[ $v = 4.1 ] || run "it is RDMA, and not the stock module" mounted_over_rdma
	[ $v = 4.1 ] || run "no recovery loop over the callback path" callback_is_quiet
	run "unmount" on_cli "umount /mnt"
done
run "mount with NFSv3" on_cli "nfs3_mount /mnt hard 10.9.0.1"
run "workout with NFSv3" on_cli "/src/tests/nfs/workout /mnt"
run "unmount" on_cli "umount /mnt"
run "IPv6 and four connections" on_cli "mkdir -p /mnt &&
	mount -t nfs -o vers=4.2,proto=rdma6,port=20049,nconnect=4 '[fd00::1]:/' /mnt &&
	/src/tests/nfs/workout /mnt && umount /mnt"
finish
