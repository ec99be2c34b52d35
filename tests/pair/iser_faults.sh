#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A disk over iSER, under verified load, comes through lost packets, a cable that is pulled, and
# the loss of the device at either end: no I/O error, no wrong data, and I/O goes on. Past the
# replacement timeout I/O fails, and nothing hangs. No module comes out while it is used.
#
#	cli 10.9.0.2 (open-iscsi, $INITIATOR) ===== 10.9.0.1 srv (LIO, $TARGET)
#
# topology: pair
# timeout: 600
. "$(dirname "$0")/lib.sh"
need root "module:$INITIATOR_MODULE" "module:$TARGET_MODULE" tool:fio tool:iscsiadm
plan 19

# cut SECONDS: nothing passes, in either direction
cut() {
	lossy 100% && sleep "$1" && lossy 0%
}
flap() {
	for _ in {1..5}; do
		cable "$1" off && sleep 1 && cable "$1" on && sleep 1 || return
	done
}
device_away() {
	on "$1" "rdma link del rxe0; sleep 1; rdma link add rxe0 type rxe netdev eth0"
	# the stock target does not come back to its address by itself
	[ "$1:$TARGET" != srv:stock ] || iscsi_on srv 'np=$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1/np/10.9.0.1:3260
		echo 0 >$np/iser; echo 1 >$np/iser'
}
refused() {	# refused NODE MODULE...: none of them comes out
	local node=$1 m
	shift
	for m; do
		on "$node" "rmmod $m" && { echo "$m came out"; return 1; }
	done
	return 0
}
recovers() {
	iscsi_on cli "wait_for 90 session_is LOGGED_IN && goes_on 50 60"
}
load_failed() {
	iscsi_on cli '! kill -0 $hold_pid 2>/dev/null && grep -E "error|err=" $T/hold.raw $T/hold.err'
}

run "target is up" target_up
run "initiator is up" initiator_up
defer eval 'on srv "tc qdisc del dev eth0 root"; on cli "tc qdisc del dev eth0 root"'
lossy 0%		# netem is there before the load
run "login" iscsi_on cli 'iscsi_login 10.9.0.1 iser $(limits 120)'
load_up
run "fio runs" recovers
for n in srv cli; do
	[ $n = srv ] && used="$TARGET_MODULE" || used="$INITIATOR_MODULE"
	on $n "[ ! -e /sys/module/rsp ]" || used+=" rsp"
	# shellcheck disable=SC2086 # one or two
	run "$n: no module comes out" refused $n $used
done
run "nothing passes for 7 s" cut 7
run "I/O goes on" recovers
run "the cable is pulled and put back five times" flap srv
run "I/O goes on" recovers
for n in srv cli; do
	run "$n: the device goes and comes" device_away $n
	run "I/O goes on" recovers
done
run "no error, no wrong data" iscsi_on cli hold_down
run "logout" iscsi_on cli iscsi_logout

run "login, I/O may wait for 5 s" iscsi_on cli 'iscsi_login 10.9.0.1 iser $(limits 5)'
load_up
lossy 100%
run "I/O fails in time when nothing passes" wait_for 60 load_failed
lossy 0%
run "the session comes back, and data is right" iscsi_on cli \
	"wait_for 60 session_is LOGGED_IN && disk_verify --bs=16k --size=2m && iscsi_logout"
finish
