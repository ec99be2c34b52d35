#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The RSP initiator survives a target that lies: I/O ends, with right data or an error, memory that was
# not offered stays what it was, and the next login, to this target or to LIO, works.
#
#	open-iscsi, rsp_iser --- rxe0 10.9.0.1, loopback --- tests/hostile_target, port 3261
#	                                                '--- LIO, port 3260
#
# topology: loop
# timeout: 800
. "$(dirname "$0")/lib.sh"
prog=/src/build/tests/hostile_target
need root "module:$INITIATOR_MODULE" "module:$TARGET_MODULE" "file:$prog" tool:iscsiadm tool:jq
seeds="1 2"
plan 9
iqn=iqn.2026-01.lab.rsp:liar
node="iscsiadm -m node -T $iqn -p 10.9.0.1:3261 -I iser"

# open-iscsi shall be quick: to see that something is wrong, and to try again
record() {
	local v update=()
	iscsiadm -m node -o new -T $iqn -p 10.9.0.1:3261,1 -I iser || return
	for v in node.startup=manual node.session.timeo.replacement_timeout=20 \
		"node.conn[0].timeo.noop_out_interval=1" "node.conn[0].timeo.noop_out_timeout=5" \
		"node.conn[0].timeo.login_timeout=3" "node.conn[0].timeo.logout_timeout=3" \
		node.session.err_timeo.abort_timeout=2 node.session.err_timeo.lu_reset_timeout=2 \
		node.session.err_timeo.tgt_reset_timeout=2 node.session.initial_login_retry_max=3 \
		node.session.iscsi.DefaultTime2Wait=0 node.session.cmds_max=32; do
		update+=(-n "${v%%=*}" -v "${v#*=}")
	done
	$node -o update "${update[@]}"
}

hostile() {
	local rc
	$prog -k -p 3261 -L "($node --logout; $node --login) >$T/login 2>&1" "$@" 10.9.0.1 >"$T/tap" 2>&1
	rc=$?
	$node --logout >/dev/null 2>&1
	grep -vE '^ok' "$T/tap"
	return $rc
}

forget() {
	$node -o delete && sessions_are 0
}

sysctl -qw kernel.printk_devkmsg=on
run "an initiator, and an honest target" iscsi_up addr=10.9.0.1 mb=16
run "open-iscsi knows the liar" record
# ALL=1: with variants of the lies, nearly twice as long
run "each lie ends in an error, a new connection or nothing" hostile ${ALL:+--all}
outcomes
for seed in $seeds; do
	run "40 mutated answers, seed $seed" hostile -f "$seed" -n 40
	diag "$(grep '^# 40' "$T/tap")"
done
run "the liar is forgotten" forget
# shellcheck disable=SC2046 # one word a setting
run "login to the honest target" iscsi_login 10.9.0.1 iser $(limits)
run "its data is right" disk_verify --bs=4k --size=1m
run "logout" iscsi_logout
finish
