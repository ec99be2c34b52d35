#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A guest is killed in the middle of transfers: the server gives back all that it held for a killed
# client; a client of a killed server gets errors in time, and nothing hangs.
#
#	cli 10.9.0.2 (mount) ===== 10.9.0.1 srv (nfsd), now and then one is gone
#
# topology: pair
# timeout: 400
. "$(dirname "$0")/lib.sh"
need root module:rsp_nfs tool:fio tool:rspctl tool:jq
plan 12

has_moved() {
	[ "$(on srv "awk '/^io/ { print \$2 + \$3 }' /proc/net/rpc/nfsd")" -gt "$1" ]
}
load_on_cli() {
	in_guest cli "fio --name=load --directory=$M --direct=1 --ioengine=libaio --rw=randrw --bsrange=4k-1m \
		--size=16m --iodepth=8 --time_based --runtime=300 >/tmp/fio.out 2>&1 & echo \$! >/tmp/fio.pid"
}

run "RSP server is up" server_up rsp
run "a client mounts" in_guest cli "modprobe rsp_nfs && nfs_mount $M hard,nconnect=2"
load_on_cli
run "transfers are going on" wait_for 30 has_moved 4000000
run "the client is killed" power_off cli
run "the server has no channel of it left" wait_for 90 chans_are 0

run "the client boots again" power_on cli
run "and mounts again" in_guest cli "modprobe rsp_nfs && nfs_mount $M soft,timeo=30,retrans=1 &&
	/src/tests/nfs/files renames $M"
load_on_cli
run "the server is killed" power_off srv
# fio ends because its reads and writes fail, not because we stop it
ended() {
	on cli "! kill -0 \$(cat /tmp/fio.pid) 2>/dev/null"
}
run "calls of the client fail" wait_for 120 ended
failed() {
	on cli "cat /tmp/fio.out; grep -qE 'error|err=' /tmp/fio.out"
}
run "with an I/O error" failed
run "the dead mount comes off" in_guest cli "umount -f $M || umount -l $M"
# the calls that end its session have to time out first
run "and lets the module go" wait_for 90 in_guest cli "rmmod rsp_nfs"
power_on srv || exit 1
# what the dead guest would undo is gone
# shellcheck disable=SC2034
t_undo=()
finish
