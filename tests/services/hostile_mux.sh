#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A host that lies on a mux connection, about channels, order, credits and lengths, or opens channels without
# end, is ignored, refused or disconnected, and a mount and a disk on another one go on all the while.
#
#	tests/hostile_mux --- rxe0 10.9.0.1, loopback --- rsp.ko, port 20049 of nfsd
#	mount, disk, ep_mux ---'
#
# topology: loop
# timeout: 700
# shellcheck disable=SC2034 # lib.sh has the other half
INITIATOR=rsp TARGET=rsp
. "$(dirname "$0")/../iscsi/lib.sh"
. "$(dirname "$0")/lib.sh"
prog=/src/build/tests/hostile_mux
need root module:rsp_nfs module:rsp_iser module:rsp_isert "file:$prog" tool:fio tool:jq tool:iscsiadm
seeds="1 2 3"
plan 10

hostile() {
	tap_of $prog -k "$@" 10.9.0.1
}
channels_are() {
	is "$(rspctl -j chan show | jq length)" "$1"
}

sysctl -qw kernel.printk_devkmsg=on
run "a device, a server, a target" both_up
run "a mount and a disk share a connection" eval "both_out && load ep_mux idle_s=300 && both_in && channels_are 4"
run "they carry verified data meanwhile" both_verify
run "each lie is ignored, refused or the end of its connection" hostile
outcomes
for seed in $seeds; do
	run "500 mutated messages, seed $seed" hostile -f "$seed" -n 500
	diag "$(grep '^# 500' "$T/tap")"
done
run "the others saw no error, and no data but theirs" fio_down nfs iser
run "no channel but theirs is left" wait_for 30 channels_are 4
run "they go" eval "both_out && unload ep_mux"
finish
