#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Whatever ends sessions with rsp_isert, and whenever, LIO and RSP have nothing left of them.
#
#	open-iscsi, ib_iser, 16 interfaces --- rxe0 10.9.0.1, loopback --- rsp_isert, LIO
#
# topology: loop
# timeout: 420
INITIATOR=${INITIATOR:-stock}
TARGET=${TARGET:-rsp}
. "$(dirname "$0")/lib.sh"
need root "module:$INITIATOR_MODULE" "module:$TARGET_MODULE" tool:fio tool:iscsiadm
plan 10

# load SECONDS: random I/O on every disk, errors do not matter. A disk that is gone must not become a file
load() {
	local d
	for d in $(iscsi_disks); do
		(cd "$T" && exec timeout -k 5 $(($1 + 40)) fio --name=load --filename="$d" --allow_file_create=0 --ioengine=libaio --direct=1 \
			--rw=randrw --bsrange=4k-64k --iodepth=2 --size=8m --time_based --runtime="$1") \
			>/dev/null 2>&1 &
	done
}

in_and_out() {
	for _ in 1 2; do
		sessions 16 && load 2 && sleep 1 &&
			sessions_out && wait && wait_for 30 target_sessions_are 0 || return
	done
}

killed() {	# the initiator's process, then its kernel end, without a logout
	sessions 4 && load 5 && sleep 1 || return
	pkill -9 -x iscsid
	rdma link del rxe0 && wait_for 40 target_sessions_are 0
	wait
	rdma link add rxe0 type rxe netdev rsp0 && rxe_wait rxe0 && iscsid &&
		wait_for 20 iscsiadm -m session && wait_for 60 all_logged_in || return
	timeout 100 iscsiadm -m session -u
	wait_for 20 sessions_are 0
}

links() {	# the device goes under load, three times
	sessions 4 || return
	for _ in 1 2 3; do
		load 3
		sleep 1
		rdma link del rxe0 && sleep 1 && rdma link add rxe0 type rxe netdev rsp0 && rxe_wait rxe0 || return
		wait
		wait_for 60 all_logged_in || return
	done
	timeout 100 iscsiadm -m session -u
}

# the portal group is switched off and on under load
tpg_off() {
	local tpg=$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1
	sessions 4 && load 4 && sleep 1 && echo 0 >"$tpg/enable" && wait_for 30 target_sessions_are 0 &&
		echo 1 >"$tpg/enable" && wait && wait_for 60 all_logged_in || return
	timeout 100 iscsiadm -m session -u
}

silent() {	# connections that never log in do not keep others out
	for _ in {1..8}; do
		timeout 8 rping -c -a 10.9.0.1 -p 3260 -C 1 >/dev/null 2>&1 &
	done
	sleep 1
	iscsi_login && disk_verify --bs=4k --size=256k && iscsi_logout
	local rc=$?
	wait
	return $rc
}

run "target and initiator are up" iscsi_up mb=64 addr=10.9.0.1
run "16 sessions in and out under load, twice" in_and_out
run "no session is left" target_sessions_are 0
run "the device goes three times under load" links
run "no session is left" wait_for 20 target_sessions_are 0
run "the portal group is switched off and on under load" tpg_off
run "no session is left" wait_for 20 target_sessions_are 0
run "the initiator is killed, its device gone" killed
run "no session is left" wait_for 20 target_sessions_are 0
run "connections that never log in" silent
finish
