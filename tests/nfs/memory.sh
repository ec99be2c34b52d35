#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Mounts that come and go leave no channel, and services do not hold more after ten than after one;
# without server and device nothing is held at all. The modules stay while a mount needs them.
#
#	mount --- rxe0 10.9.0.1, loopback --- nfsd
#
# topology: loop
# timeout: 300
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2034 # nfs_up reads both
[ "$TRANSPORT" = rsp ] || TRANSPORT=rsp NFS_MODULE=rsp_nfs
need root module:rsp_nfs tool:rspctl tool:jq
plan 13

total() {	# total OBJECT EXPRESSION
	rspctl -j "$1" show | jq "$2"
}
chans_are() { is "$(total chan length)" "$1"; }
held() { total svc '[.[] | .held_bytes] | add // 0'; }
held_is() { is "$(held)" "$1"; }
# per-CPU magazines may fill up a little more
held_at_most() { diag "held: $(held)"; [ "$(held)" -le "$1" ]; }
again() {
	for _ in {1..5}; do
		mounted 4.2 hard,nconnect=2 && files renames && umount "$M" || return
		mounted 3 && files renames && umount "$M" || return
	done
}
refused() {
	not rmmod "$1" && [ -e "/sys/module/$1" ]
}

run "server is up" nfs_up
run "no channel yet" chans_are 0
run "mount" mounted 4.2
run "two channels, one at each end" chans_are 2
run "rsp_nfs cannot be removed" refused rsp_nfs
run "rsp cannot be removed" refused rsp
run "the mount still works" files renames
run "unmount" umount "$M"
run "no channel is left" wait_for 10 chans_are 0
once=$(held)
run "ten mounts come and go" again
run "no channel is left" wait_for 10 chans_are 0
run "services hold no more than after one mount" wait_for 10 held_at_most $((once + once / 4))
diag "held after one mount $once bytes, after eleven $(held)"
empty_after() {
	nfs_down && wait_for 10 held_is 0
}
run "without server and device nothing is held" empty_after
diag "$(rspctl svc)"
finish
