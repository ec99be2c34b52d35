#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The RSP target answers or drops what a hostile initiator sends it, touches no memory it was not
# offered, and serves a session of another initiator all the while.
#
#	tests/hostile_iser, LUN 1 -----.
#	open-iscsi, ib_iser, LUN 0 --- rxe0 10.9.0.1, loopback --- rsp_isert, LIO
#
# topology: loop
# timeout: 500
INITIATOR=${INITIATOR:-stock}
TARGET=${TARGET:-rsp}
. "$(dirname "$0")/lib.sh"
prog=/src/build/tests/hostile_iser
need root "module:$INITIATOR_MODULE" "module:$TARGET_MODULE" "file:$prog" tool:fio tool:iscsiadm tool:jq
seeds="1 2 3"
plan 11

hostile() {
	tap_of $prog -k "$@" 10.9.0.1
}

chans_are() {
	[ "$TARGET" != rsp ] || is "$(rspctl -j chan show svc iser-target | jq length)" "$1"
}

sysctl -qw kernel.printk_devkmsg=on
run "target and initiator are up" iscsi_up luns=2 mb=64 addr=10.9.0.1 param="InitialR2T=No"
# shellcheck disable=SC2046 # one word a setting
run "an initiator logs in" iscsi_login 10.9.0.1 iser $(limits)
run "its fio goes on in the background" eval 'hold_up; goes_on 200 20'
run "each malformed message is answered, dropped or the end of its connection" hostile
outcomes
for seed in $seeds; do
	run "200 mutated messages, seed $seed" hostile -f "$seed" -n 200
	diag "$(grep '^# 200' "$T/tap")"
done
run "fio saw no error, and nobody else's data" hold_down
run "the session never failed" not grep -q "detected conn error" <(dmesg)
run "no session but this one is left" wait_for 30 eval 'target_sessions_are 1 && chans_are 1'
run "logout" iscsi_logout
finish
