#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Channels of NFS and iSER share one queue pair where the endpoint policy says so, open and close
# there under load, and a stock peer gets an endpoint of the ordinary kind.
#
#	client: nfs-client, iser   ===== one RC queue pair =====   server: nfs-server, iser-target
#
# topology: loop
# timeout: 1000
# shellcheck disable=SC2034 # lib.sh has the other half
INITIATOR=rsp TARGET=rsp
. "$(dirname "$0")/../iscsi/lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp_nfs module:rsp_iser module:rsp_isert module:ib_iser module:ib_isert tool:fio tool:jq tool:iscsiadm
plan 22

IDLE=$((10 * ${RSP_SLOW:-1}))	# NFS drops a connection, and the policy an endpoint, that is idle so long

# shared N: there is one endpoint at either end, with N channels
shared() {
	eps_are "length == 2 and (map(.is_mux and .state == \"up\" and .nr_chan == $1) | all) and
		([.[].role] | sort) == [\"client\", \"server\"]"
}
# shared_by_many: four sessions and a mount besides, whose other connections come when it needs them
shared_by_many() {
	eps_are 'length == 2 and (map(.is_mux and .nr_chan >= 6) | all)'
}

run "a mount and a disk, raw" both_up
run "each has endpoints of its own" eps_are 'length == 4 and (map((.is_mux | not) and .nr_chan == 1) | all)'
run "they go" eval "both_out && wait_for 60 no_ep"

run "ep_mux is active" eval "again ep_mux idle_s=$IDLE && active ep ep_mux"
run "a mount and a disk on it" both_in
run "both ride one queue pair" wait_for 5 shared 2

# both verify what they read, so much of it
verified() {
	both_verify && both_go_on "$1" || return
	fio_down nfs iser && shared 2
}
run "both carry verified data at once" verified 80
run "files of many sizes" /src/tests/nfs/files sizes "$M" 31
run "1 MiB each way" eval "both_load --rw=randrw --bs=1m --size=16m --iodepth=4 --serialize_overlap=1 --verify=crc32c \
	--verify_fatal=1 --verify_backlog=8 --verify_state_save=0 --overwrite=1 && both_go_on 20 && fio_down nfs iser"
run "accounts agree, nothing is left of it" wait_for 10 accounts_agree

# other channels come and go meanwhile
come_and_go() {
	local i rc=0
	# shellcheck disable=SC2046 # one word an argument
	logged_out && nfs_fio_up $(verifying) || return
	for i in 1 2 3; do
		sessions 4 && mkdir -p "$M-2" && nfs3_mount "$M-2" hard,nconnect=4,nosharecache &&
			wait_for 5 shared_by_many || rc=1
		umount "$M-2" || rc=1
		logged_out || rc=1
		wait_for 40 shared 1 || rc=1
	done
	fio_down nfs && return $rc
}
run "channels open and close under load" come_and_go
run "all go, and the endpoint lingers" eval "both_out && wait_for 5 shared 0"
run "until nobody wants it" wait_for 60 no_ep

# one that a peer refuses: there is no such target, no such port
refused() {
	both_in || return
	! timeout 20 mount -t nfs -o vers=4.2,proto=rdma,port=20050,soft,retry=0,timeo=20,retrans=1 10.9.0.1:/ /mnt || return
	wait_for 30 shared 2 && dd if="$M/f0" of=/dev/null bs=4k count=1 2>/dev/null
	rspctl ep && both_out
}
run "a port that nobody listens on is refused, the others go on" refused

# nobody asks for it at a swap
moved_by_swap() {
	local rc=0
	unload ep_mux
	both_in || return
	both_verify || return
	again ep_mux idle_s=$IDLE && wait_for 20 eps_are 'map(select(.is_mux)) | length == 2' || rc=1
	fio_down nfs iser && return $rc
}
run "a mount comes over at a swap" moved_by_swap
run "it goes" eval "both_out && wait_for 60 no_ep && unload ep_mux"

# the device goes, and with it the connection; both services find to new ones, to one if the second comes
# when the first has it. Meanwhile endpoints come and fail: only those that are up count
dies_and_recovers() {
	local rc=0
	again ep_mux idle_s=$IDLE && both_in || return
	both_verify || return
	rdma link delete rxe0 && wait_for 30 eps_are 'map(select(.state == "up")) == []' || rc=1
	rdma link add rxe0 type rxe netdev rsp0 && rxe_wait rxe0 || return
	wait_for 90 eps_are 'map(select(.state == "up")) | all(.is_mux) and (map(.nr_chan) | add) == 4' || {
		rc=1
		eps_are true
	}
	both_go_on 40 || rc=1
	fio_down nfs iser && return $rc
}
run "the device goes under load and comes back, and nothing is lost" dies_and_recovers
run "it goes" eval "both_out && wait_for 60 no_ep && unload ep_mux"

# ep_apart: an endpoint for each service
apart() {
	again ep_apart idle_s=$IDLE && both_in && logged_out && sessions 4 || return
	wait_for 5 eps_are 'length == 4 and (map(.is_mux) | all) and ([.[].nr_chan] | sort) == [1, 1, 4, 4]'
}
run "ep_apart: one endpoint a service" apart
run "they go" eval "sessions_out; both_out && wait_for 60 no_ep && unload ep_apart"

# stock LIO target: raw, on an endpoint that was made to be shared
stock_target() {
	local rc=0
	iscsi_target_down && iscsi_target stock && iscsi_target_up addr=10.9.0.1 mb=128 && again ep_mux idle_s=$IDLE || return
	iscsi_login 10.9.0.1 iser || return
	eps_are 'length == 1 and (.[0].is_mux | not) and .[0].nr_chan == 1' &&
		disk_verify --bsrange=512-128k --size=8m || rc=1
	iscsi_logout && wait_for 60 no_ep && return $rc
}
run "a stock target notices nothing" stock_target
stock_initiator() {
	local rc=0
	iscsi_target_down && iscsi_target rsp && iscsi_target_up addr=10.9.0.1 mb=128 || return
	iscsi_initiator_down && iscsi_initiator_up stock && iscsi_login 10.9.0.1 iser || return
	eps_are 'length == 1 and (.[0].is_mux | not) and .[0].role == "server"' &&
		disk_verify --bsrange=512-128k --size=8m || rc=1
	iscsi_logout && return $rc
}
run "nor does a stock initiator" stock_initiator
unload ep_mux
finish
