#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Which policy is active: the newest registered one whose init agreed; below all stands builtin.
# topology: loop
# timeout: 300
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp tool:bpftool
plan 22
modprobe rsp
pins_up
defer pins_down

all_builtin() {
	active buf builtin && active ep builtin && active flow builtin
}
run "without a policy builtin is active" all_builtin

two() {
	load noop_flow && active flow noop_flow &&
		load flow_fixed && active flow flow_fixed &&
		is "$(state flow noop_flow)" waiting && ended flow noop_flow replaced
}
run "the newest is active, the one before waits" two
others() {
	active buf builtin && active ep builtin
}
run "other families do not notice" others
lower() {
	unload noop_flow && wait_for 5 is_gone flow noop_flow && active flow flow_fixed
}
is_gone() { [ -z "$(state "$1" "$2")" ]; }
run "a waiting one goes away, nothing changes" lower
last() {
	unload flow_fixed && wait_for 5 active flow builtin && ended flow flow_fixed unreg
}
run "the last one goes away, builtin is active" last

three() {
	load noop_flow && load flow_fixed && load flow_aimd && active flow flow_aimd || return
	unload flow_aimd && wait_for 5 active flow flow_fixed || return
	unload flow_fixed && wait_for 5 active flow noop_flow || return
	unload noop_flow && wait_for 5 active flow builtin
}
run "each that goes makes the one below active again" three

# errno NUMBER COMMAND...: pol must end with it
errno() {
	local want=$1
	shift
	"$@" >"$T/errno" 2>&1
	is $? "$want" || { cat "$T/errno"; return 1; }
}
failed_init() {
	load ep_shared && errno 16 load chaos_ep mode=6 && active ep ep_shared &&
		ended ep chaos_ep init "-16"
}
run "init that fails leaves the old one running, its errno comes back" failed_init
exit_in_init() {
	errno 125 load chaos_ep mode=7 self_code=23 && active ep ep_shared &&
		ended ep chaos_ep self code=23 && ended ep chaos_ep self "chaos does not want to start"
}
run "init that asks for ejection cancels the registration" exit_in_init
unload ep_shared

skipped() {
	load noop_flow && load chaos_flow mode=10 && load flow_fixed || return
	active flow flow_fixed && unload flow_fixed && wait_for 5 active flow noop_flow || return
	is "$(state flow chaos_flow)" waiting && ended flow chaos_flow init
}
run "one whose init fails when its turn comes is skipped" skipped
unload chaos_flow
unload noop_flow
wait_for 5 active flow builtin

updated() {
	$POL update "$PINS/u" "$POLICIES/flow_fixed.bpf.o" "$POLICIES/flow_delay.bpf.o" &&
		active flow flow_delay && ended flow flow_fixed updated && is_gone flow flow_fixed
}
run "a link is updated to another policy" updated
rm -f "$PINS/u"
wait_for 5 active flow builtin
not_updated() {
	errno 16 $POL update "$PINS/u" "$POLICIES/flow_fixed.bpf.o" \
		"$POLICIES/chaos_flow.bpf.o" mode=6 && active flow flow_fixed
}
run "an update whose init fails changes nothing" not_updated
rm -f "$PINS/u"
wait_for 5 active flow builtin
below() {
	$POL below "$PINS/u" "$POLICIES/flow_fixed.bpf.o" "$POLICIES/flow_delay.bpf.o" \
		"$PINS/noop_flow" "$POLICIES/noop_flow.bpf.o" || return
	active flow noop_flow && is "$(state flow flow_delay)" waiting && is_gone flow flow_fixed || return
	unload noop_flow && wait_for 5 active flow flow_delay
}
run "an update of a waiting one keeps its place" below
rm -f "$PINS/u"
wait_for 5 active flow builtin

nolink() {
	$POL nolink /src/build/tests/policy/nolink.bpf.o 4 &
	wait_for 20 active flow nolink && wait $! && active flow builtin
}
run "a map without a link registers and unregisters" nolink

by_bpftool() {
	bpftool struct_ops register "$POLICIES/buf_fair.bpf.o" "$PINS" && active buf buf_fair &&
		bpftool struct_ops list | grep -q buf_fair &&
		bpftool struct_ops show name buf_fair | grep -q rsp_buf_ops &&
		bpftool struct_ops dump name buf_fair | grep -q headroom\\\|buf_fair
}
run "bpftool registers, lists, shows and dumps" by_bpftool
by_detach() {
	local id
	id=$(bpftool -j link list | jq '.[] | select(.type == "struct_ops") | .id')
	bpftool link detach id "$id" && wait_for 5 active buf builtin && ended buf buf_fair unreg
}
run "bpftool detaches the link" by_detach
rm -f "$PINS/buf_fair"

module_refs() { cat /sys/module/rsp/refcnt; }
in_use() {
	local before
	before=$(module_refs)
	load noop_buf && [ "$(module_refs)" -gt "$before" ] && not rmmod rsp || return
	unload noop_buf && wait_for 5 active buf builtin && is "$(module_refs)" "$before"
}
run "the module stays while a policy is registered" in_use

traced() {
	local tr=/sys/kernel/tracing
	mountpoint -q $tr || mount -t tracefs tracefs $tr
	echo >$tr/trace
	echo 1 >$tr/events/rsp/rsp_policy_swap/enable
	load noop_ep && unload noop_ep && wait_for 5 active ep builtin
	echo 0 >$tr/events/rsp/rsp_policy_swap/enable
	grep -q 'family=ep from=builtin to=noop_ep ns=[1-9]' $tr/trace &&
		grep -q 'family=ep from=noop_ep to=builtin ns=[1-9]' $tr/trace
}
run "trace events tell of each swap" traced

storm() {
	$POL storm 200 "$POLICIES"/{buf_quota,buf_fair,ep_shared,ep_private,flow_fixed,flow_aimd}.bpf.o \
		>"$T/storm" || return
	is "$(jq -s 'map(.swaps) | add' "$T/storm")" 600
}
run "200 swaps of every family" storm
diag "$(cat "$T/storm" 2>/dev/null)"
run "builtin again" wait_for 5 all_builtin
log_bounded() {
	local nr
	nr=$($POL show | grep -c ' ended ')
	[ "$nr" -le 64 ] || { echo "$nr entries"; return 1; }
}
run "the log is bounded" log_bounded
run "and still knows which init failed" ended flow chaos_flow init
run "every kfunc answers" $POL walk
finish
