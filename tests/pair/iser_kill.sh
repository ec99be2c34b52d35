#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A guest is killed in the middle of transfers. A target that boots again has its session back, and
# I/O that waited goes on; of an initiator that is gone the target keeps nothing.
#
#	cli 10.9.0.2 (open-iscsi, $INITIATOR) ===== 10.9.0.1 srv (LIO, $TARGET), now and then one is gone
#
# topology: pair
# timeout: 600
. "$(dirname "$0")/lib.sh"
need root "module:$INITIATOR_MODULE" "module:$TARGET_MODULE" tool:fio tool:iscsiadm
plan 16

target_is_idle() {
	chans_are 0 && iscsi_on srv "target_sessions_are 0"
}

run "target is up" target_up
run "initiator is up" initiator_up
run "login, I/O may wait for 300 s" iscsi_on cli 'iscsi_login 10.9.0.1 iser $(limits 300)'
load_up --verify=0		# a RAM disk forgets
run "fio runs" iscsi_on cli "goes_on 100"
run "the target is killed" power_off srv
run "it boots again" power_on srv
run "with the same target" target_up
run "the session is back, and I/O goes on" iscsi_on cli "wait_for 120 session_is LOGGED_IN && goes_on 50"
run "no I/O failed" iscsi_on cli hold_down
run "what is written now is read again" iscsi_on cli "disk_verify --bsrange=4k-128k --size=4m"

load_up
run "fio with checksums runs" iscsi_on cli "goes_on 100"
run "the initiator is killed" power_off cli
what="the target lets go of its session and channel"
if [ "$TARGET" = stock ]; then
	skip "$what" "ib_isert keeps it for longer than 90 s"
else
	killed=$SECONDS
	run "$what" wait_for 90 target_is_idle
	diag "after $((SECONDS - killed)) s"
fi
run "it boots again" power_on cli
run "its initiator is up" initiator_up
run "login, data, logout" iscsi_on cli "iscsi_login && disk_verify --bs=16k --size=1m && iscsi_logout"
finish
