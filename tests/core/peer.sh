#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Hosts with RSP know each other by UUID: two addresses of one are one peer, NFS and iSER to it are the
# same peer's, and a host without RSP is known by its address.
#
#	rxe0 --- rsp0 10.9.0.1, 10.9.0.7, loopback
#
# topology: loop
# timeout: 300
. "$(dirname "$0")/../iscsi/lib.sh"
need root module:rsp_nfs module:rsp_iser module:rsp_isert module:ib_iser tool:iscsiadm tool:jq
plan 10
uuid=6e3fb0a2-52d4-4d0b-a6a1-0f57ba1cb8e5

own_uuid() {
	cat /sys/module/rsp/parameters/uuid
}

# refuses UUID: rsp.ko does not load with it, and says why
refuses() {
	! modprobe rsp "uuid=$1" || return
	[ ! -e /sys/module/rsp ] && dmesg | tail -n 5 | grep -qF "uuid=$1 is no UUID"
}

takes_uuid() {
	modprobe rsp "uuid=$uuid" && is "$(own_uuid)" $uuid
}

# peers_are FILTER: what jq makes of the list of peers
peers_are() {
	rspctl -j peer && rspctl -j peer | jq -e "$1"
}

# nfs_to ADDR: version 3, a client and a connection for each address
nfs_to() {
	nfs3_mount "/mnt/$1" hard "$1" && echo 23 >"/mnt/$1/f" && is "$(cat /exp/f)" 23
}

# every load without a UUID has a new one
new_uuids() {
	local a b
	modprobe rsp && a=$(own_uuid) && rmmod rsp && modprobe rsp && b=$(own_uuid) && rmmod rsp || return
	echo "$a $b"
	[[ $a =~ ^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$ ]] && [ "$a" != "$b" ]
}

for bad in 23 00000000-0000-0000-0000-000000000000 "${uuid%?}x"; do
	run "uuid=$bad is refused" refuses "$bad"
done
run "without one it is new at every load" new_uuids
run "one that is given is taken" takes_uuid
rxe_dummy 9000; defer rxe_down
ip addr add 10.9.0.7/24 dev rsp0
iscsi_target rsp && iscsi_target_up addr=10.9.0.1 mb=16
defer iscsi_target_down

stock_initiator() {
	iscsi_initiator_up stock && iscsi_login 10.9.0.1 iser || return
	wait_for 5 peers_are 'length == 1 and .[0].version == 0 and .[0].uuid == "-" and
		.[0].nr_addr == 1 and .[0].nr_ep == 1' || return
	iscsi_logout && iscsi_initiator_down && wait_for 10 peers_are 'length == 0'
}
run "a stock initiator is known by its address" stock_initiator
iscsi_initiator_down

both_services() {
	nfs_transport rsp && nfs_server_up size=16M && nfs_to 10.9.0.1 &&
		iscsi_initiator_up rsp && iscsi_login 10.9.0.1 iser || return
	wait_for 5 peers_are "length == 1 and .[0].version == 1 and .[0].uuid == \"$uuid\" and
		.[0].nr_addr == 1 and .[0].nr_ep == 4 and .[0].addr == \"10.9.0.1\""
}
run "NFS and iSER to one host are one peer's, known by its UUID" both_services
run "its other address is the same peer" eval "nfs_to 10.9.0.7 && wait_for 5 peers_are \
	'length == 1 and .[0].nr_addr == 2 and .[0].nr_ep == 6'"
run "all of its channels say so" eval "rspctl -j chan | jq -e '[.[].peer_id] | unique | length == 1'"

all_gone() {
	umount /mnt/10.9.0.1 /mnt/10.9.0.7 && iscsi_logout && wait_for 10 peers_are 'length == 0'
}
run "without an endpoint there is no peer" all_gone
iscsi_initiator_down
nfs_server_down
finish
