#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Channels move between two queue pairs many times a second while the network goes away and comes
# back, the device goes at either end, and at last a guest is killed.
#
#	cli 10.9.0.2 (mount, open-iscsi, ep_apart and ep_mux in turn) ===== 10.9.0.1 srv (nfsd, LIO)
#
# topology: pair
# timeout: 700
. "$(dirname "$0")/lib.sh"
need root module:rsp_nfs module:rsp_iser module:rsp_isert tool:fio tool:iscsiadm tool:jq
plan 18

# on cli, in the background: from the one policy to the other and back until /tmp/stop is there
swaps_up() {
	on cli 'cat >/tmp/swaps <<-"E"
		export POL_PINS=/sys/fs/bpf/swaps
		mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
		mkdir -p $POL_PINS
		rm -f /tmp/stop
		new=ep_mux old=
		while [ ! -e /tmp/stop ]; do
			/src/build/tests/policy/pol load /src/build/policies/$new.bpf.o $POL_PINS/$new idle_s=60 || break
			[ -z "$old" ] || rm -f $POL_PINS/$old $POL_PINS/${old}_*
			old=$new
			[ $new = ep_mux ] && new=ep_apart || new=ep_mux
			echo >>/tmp/swapped
			sleep 0.2
		done
		rm -f $POL_PINS/*
	E
	: >/tmp/swapped
	setsid bash /tmp/swaps >/tmp/swaps.log 2>&1 </dev/null &'
	wait_for 20 swapped 1
}
swapped() {
	[ "$(on cli "wc -l </tmp/swapped")" -ge "$1" ]
}
swaps_down() {
	on cli 'touch /tmp/stop; cat /tmp/swaps.log | tail -3'
	wait_for 20 on cli '! pgrep -f /tmp/swaps'
}
moves() {
	on cli "rspctl -j chan | jq '[.[] | .nr_move] | add // 0'"
}
# moving: at least four moves more within so many seconds
moving() {
	local before
	before=$(moves)
	wait_for "$1" more_moves "$before"
}
more_moves() {
	[ "$(moves)" -ge $(($1 + 4)) ]
}
nfs_load_up() {
	in_guest cli "cd /tmp && exec fio --name=load --directory=$M --direct=1 --ioengine=libaio --rw=randrw --bsrange=4k-128k \
		--size=16m --iodepth=8 --time_based --runtime=600 --verify=crc32c --verify_fatal=1 --verify_backlog=32 \
		--verify_state_save=0 --output=/tmp/fio.out >/tmp/fio.err 2>&1 & echo \$! >/tmp/fio.pid"
}
nfs_load_down() {
	on cli 'cat /tmp/fio.err; kill -INT $(cat /tmp/fio.pid)' || return
	wait_for 60 on cli '! kill -0 $(cat /tmp/fio.pid) 2>/dev/null' || return
	on cli 'cat /tmp/fio.out | head -3; grep -q "err= 0" /tmp/fio.out'
}
both_go_on() {
	iscsi_on cli "goes_on 50" && on cli "a=\$(awk '/WRITE:/ { print \$2 }' /proc/self/mountstats | tail -1)
		for i in \$(seq 60); do sleep 1
			[ \$(awk '/WRITE:/ { print \$2 }' /proc/self/mountstats | tail -1) -gt \$((a + 20)) ] && exit 0
		done; exit 1"
}

run "a network that can be cut" lossy 0%
run "a server and a target" eval "server_up rsp && target_up"
run "an initiator, the first policy" eval "initiator_up && in_guest cli 'modprobe rsp_nfs' && swaps_up"
run "a mount and a disk" eval "in_guest cli 'nfs_mount $M hard' && iscsi_on cli 'iscsi_login 10.9.0.1 iser \$(limits 300)'"
nfs_load_up
load_up
run "both carry verified data" both_go_on
run "and move" moving 30

# not the cable: a request of the connection manager without a carrier ends rxe's QP 1 (docs/lab.md)
flap() {
	for _ in {1..4}; do
		lossy 100% && sleep 1.5 && lossy 0% && sleep 2 || return
	done
}
run "the network goes away four times for 1.5 s" flap
run "both go on" both_go_on
run "and move" moving 60
run "nothing passes for 12 s" eval "lossy 100% && sleep 12 && lossy 0%"
run "both go on" both_go_on
run "and move" moving 60
run "the server's device goes and comes back" on srv "rdma link del rxe0; sleep 1; rdma link add rxe0 type rxe netdev eth0"
run "both go on, and move" eval "both_go_on && moving 90"
run "no error, no wrong byte" eval "nfs_load_down && iscsi_on cli hold_down"

nfs_load_up
load_up
moving 30
run "the client is killed while channels move" power_off cli
run "the server has no channel and no endpoint of it left" eval \
	"wait_for 90 chans_are 0 && wait_for 150 on srv 'rspctl -j ep | jq -e \"length == 0\"'"
run "it boots again" power_on cli
finish
