#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The stock client works with the RSP server: every NFS version, data compared byte by byte,
# and nfsd's callbacks arrive.
#
#	srv: rsp_nfs client=0 10.9.0.1 fd00::1 ===== 10.9.0.2 fd00::2 cli: stock rpcrdma
#
# topology: pair
# timeout: 900
. "$(dirname "$0")/../lib.sh"
need root module:rsp_nfs module:rpcrdma tool:fio
plan 18

on_srv() {
	on srv 300 ". /src/lab/guest/lib.sh; $*"
}

on_cli() {
	on cli 300 ". /src/lab/guest/lib.sh; $*"
}

mounted_over_rdma() {
	on_cli "grep -q 'xprt:.rdma' /proc/self/mountstats" &&
		on_srv "test ! -e /sys/module/rpcrdma"
}

# nfsd has a way back to the client, and the client does not look for one again and again
callback_is_up() {
	on_srv "grep -q 'callback state: UP' /proc/fs/nfsd/clients/*/info" &&
		on_cli "awk '/BIND_CONN_TO_SESSION:/ { n += \$2 } END { exit n > 1 }' /proc/self/mountstats"
}

# A file the client holds open for reading gets a delegation some time; writing it on the server
# recalls that, and goes on when the client has returned it.
delegated() {
	on_srv "echo one >/exp/deleg\$((RANDOM))" && on_cli "cat /mnt/deleg* >/dev/null" &&
		on_srv "grep -q DELEG /proc/locks"
}

recalled() {
	on_srv "for f in /exp/deleg*; do timeout 30 sh -c \"echo two >>\$f\" || exit; done" &&
		on_srv "! grep -q DELEG /proc/locks" &&
		on_cli "awk '/DELEGRETURN:/ { n += \$2 } END { exit n < 1 }' /proc/self/mountstats"
}


run "RSP server is up" on_srv "modprobe rsp_nfs client=0 && nfs_server_up"
defer on_srv "nfs_server_down"
run "stock client half loads" on_cli "modprobe rpcrdma"

for v in 4.2 4.1; do
	run "mount with NFSv$v" on_cli "nfs_mount /mnt vers=$v,hard 10.9.0.1"
	run "workout with NFSv$v" on_cli "/src/tests/nfs/workout /mnt"
	run "fio with checksums, NFSv$v" on_cli "fio_verify /mnt 8m"
	[ $v = 4.1 ] || run "it is RDMA, and not the stock module" mounted_over_rdma
	[ $v = 4.1 ] || run "callback path is up" callback_is_up
	[ $v = 4.1 ] || run "a delegation is given" wait_for 60 delegated
	[ $v = 4.1 ] || run "and recalled" recalled
	run "unmount" on_cli "umount /mnt"
done
run "mount with NFSv3" on_cli "nfs3_mount /mnt hard 10.9.0.1"
run "workout with NFSv3" on_cli "/src/tests/nfs/workout /mnt"
run "unmount" on_cli "umount /mnt"
run "IPv6 and four connections" on_cli "mkdir -p /mnt &&
	mount -t nfs -o vers=4.2,proto=rdma6,port=20049,nconnect=4 '[fd00::1]:/' /mnt &&
	/src/tests/nfs/workout /mnt && umount /mnt"
finish
