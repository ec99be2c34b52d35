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
