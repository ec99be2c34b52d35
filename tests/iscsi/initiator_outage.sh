#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Resets, logins in a row and the loss of the device under load cost rsp_iser no I/O.
#
#	open-iscsi --- rxe0 10.9.0.1, loopback --- LIO
#
# topology: loop
# timeout: 200
. "$(dirname "$0")/lib.sh"
need root "module:$INITIATOR_MODULE" "module:$TARGET_MODULE" tool:fio tool:iscsiadm tool:sg_reset
plan 10

resets() {
	local d
	d=$(iscsi_disk)
	sg_reset -d "$d" && sg_reset -t "$d" && wait_for 30 session_is LOGGED_IN
}

relogins() {
	for _ in {1..7}; do
		iscsi_login >/dev/null && disk_verify --bs=4k --size=256k &&
			iscsi_logout >/dev/null || return
	done
}

outage() {
	rdma link del rxe0 && wait_for 20 session_is FAILED || return
	rdma link add rxe0 type rxe netdev rsp0 && rxe_wait rxe0
	# the stock target does not come back to its address by itself
	local np=$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1/np/10.9.0.1:3260
	[ "$TARGET" = rsp ] || { echo 0 >"$np/iser"; echo 1 >"$np/iser"; }
	wait_for 60 session_is LOGGED_IN
}

run "target and initiator are up" iscsi_up addr=10.9.0.1
run "login, I/O and logout, seven times" relogins
# shellcheck disable=SC2046 # one word a setting
run "login" iscsi_login 10.9.0.1 iser $(limits)
run "fio goes on in the background" eval 'hold_up; goes_on 200'
run "LUN and target reset" resets
run "fio goes on" goes_on 100
run "the device goes and comes back" outage
run "fio goes on" goes_on 100
run "fio saw no error" hold_down
run "logout" iscsi_logout
finish
