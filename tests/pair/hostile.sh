#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The RSP server answers or drops what a hostile client sends it, touches no memory it was not
# offered, and serves a mount of another client all the while.
#
#	cli 10.9.0.2: tests/hostile, and a mount ===== 10.9.0.1 srv: rsp_nfs, nfsd
#
# topology: pair
# timeout: 500
. "$(dirname "$0")/lib.sh"
prog=/src/build/tests/hostile
need root module:rsp_nfs "file:$prog" tool:rspctl tool:jq
seeds="1 2 3"
plan 9

hostile() {
	tap_of in_guest cli "sysctl -qw kernel.printk_devkmsg=on; $prog -k $* 10.9.0.1"
}

run "RSP server is up" server_up rsp
on srv ": >/exp/hostile && chmod 666 /exp/hostile"
run "a client mounts" in_guest cli "modprobe rsp_nfs && nfs_mount $M soft,timeo=100"
defer in_guest cli "! mountpoint -q $M || umount -f $M"
run "each malformed message is answered or dropped as RFC 8166 allows" hostile -F
outcomes
for seed in $seeds; do
	run "300 mutated messages, seed $seed" hostile -F -f "$seed" -n 300
	diag "$(grep '^# 300' "$T/tap")"
done
run "the mount works as before" in_guest cli "/src/tests/nfs/files renames $M && fio_verify $M 1m"
run "unmount" in_guest cli "umount $M"
run "no channel is left at the server" wait_for 30 chans_are 0 show svc nfs-server
finish
