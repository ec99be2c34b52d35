#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rspctl loads, swaps and unloads policies: the one it says is active, with the knobs it was given,
# pins come and go with it, and a failure leaves everything as it was.
# topology: loop
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rdma_rxe module:rsp module:rsp_perf tool:jq tool:bpftool file:/src/build/rspctl
plan 24
modprobe rsp

# pinned: names of all pins, links and maps
pinned() {
	(cd $PINS 2>/dev/null && find policies maps -mindepth 1 | sort | xargs)
}
# knob NAME KNOB VALUE: in force, as rspctl reads it and as it stands in the pinned map
knob() {
	is "$(rspctl -j policy show "$1" | jq ".[0].knobs.$2")" "$3" &&
		bpftool -j map dump pinned $PINS/maps/"$1"/rodata |
		jq -e --argjson v "$3" "[.. | objects | select(has(\"$2\")) | .$2] | any(. == \$v)"
}

knobs_of_file() {
	json '.credits > 0' policy knobs $POLICIES/flow_fixed.bpf.o &&
		text '^  set credits [0-9]+$' policy knobs $POLICIES/flow_fixed.bpf.o
}
run "the knobs of a file" knobs_of_file
load() {
	text '^flow policy flow_fixed is active, the swap took ' \
		policy load $POLICIES/flow_fixed.bpf.o set credits 7 && active flow flow_fixed
}
run "load makes it active" load
run "its knob is in force" knob flow_fixed credits 7
pins() {
	is "$(pinned)" "maps/flow_fixed maps/flow_fixed/bss maps/flow_fixed/rodata maps/flow_fixed/stats policies/flow_fixed"
}
run "its link and maps are pinned" pins
run "show says where" json '.[0] | .pin == "flow_fixed" and .state == "active" and .swap_ns > 0' \
	policy show flow_fixed
run "show says so in text" text '^flow +flow_fixed +active +flow_fixed ' policy
twice() {
	fails "policy flow_fixed is loaded already, use swap" -- policy load $POLICIES/flow_fixed.bpf.o &&
		knob flow_fixed credits 7
}
run "it cannot be loaded twice" twice

perf_up
defer perf_down
traffic() {
	perf op=send_rate size=64 window=7 iters=230 &&
		json '.[0] | .nr_call > 0 and .nr_clamp == 0' policy show flow_fixed
}
run "under traffic it is called" traffic
stats_agree() {
	local sum
	sum=$(bpftool -j map dump pinned $PINS/maps/flow_fixed/stats |
		jq -c '[.[] | [(.formatted // .).values[].value] | add]')
	echo "$sum"
	jq -ne --argjson s "$sum" '($s | add) > 0' &&
		is "$(rspctl -j policy show flow_fixed | jq -c '[.[0].stats[]]')" "$sum"
}
run "its own figures are those of its pinned map" stats_agree
stats_named() {
	json '.[0].stats | keys | all(test("^[a-z_]+$"))' policy show flow_fixed &&
		is "$(rspctl -j policy show flow_fixed | jq -c '.[0].stats | keys_unsorted')" \
			"$(sed -n '/^enum rsp_stat/,/NR_STAT/s/^\tSTAT_\([A-Z_]*\).*/\1/p' \
				/src/policies/flow_fixed.bpf.c | tr A-Z a-z | jq -Rnc '[inputs]')"
}
run "and have the names that the policy gave them" stats_named

swap_self() {
	rspctl policy swap $POLICIES/flow_fixed.bpf.o set credits 23 && knob flow_fixed credits 23 &&
		active flow flow_fixed && pins &&
		json 'map(select(.name == "flow_fixed")) | length == 1' policy
}
run "a policy is swapped for itself with another knob" swap_self
swap_other() {
	rspctl policy swap $POLICIES/flow_aimd.bpf.o && active flow flow_aimd &&
		json 'map(select(.family == "flow") | .name) == ["flow_aimd", "builtin"]' policy &&
		is "$(cd $PINS && echo policies/* maps/*)" "policies/flow_aimd maps/flow_aimd"
}
run "a swap leaves the new one alone" swap_other
in_log() {
	json '.[-1] | .name == "flow_fixed" and .kind == "unregistered" or .kind == "replaced"' policy log &&
		json 'any(.name == "flow_fixed" and .kind == "replaced" and .nr_call > 0)' policy log &&
		text '^ *[0-9]+ +flow +flow_fixed +replaced ' policy log
}
run "the log tells of the old one" in_log
swap_bad() {
	local before
	before=$(pinned)
	fails "Device or resource busy" -- policy swap $POLICIES/chaos_flow.bpf.o set mode 6 &&
		active flow flow_aimd && is "$(pinned)" "$before"
}
run "a swap whose init fails changes nothing" swap_bad
swap_bad_self() {
	rspctl policy swap $POLICIES/chaos_flow.bpf.o set mode 10 && active flow chaos_flow || return
	fails "Device or resource busy" -- policy swap $POLICIES/chaos_flow.bpf.o set mode 6 &&
		active flow chaos_flow && knob chaos_flow mode 10 && rspctl policy swap $POLICIES/flow_aimd.bpf.o
}
run "nor does one whose failed policy has the same name" swap_bad_self
families() {
	rspctl policy load $POLICIES/buf_fair.bpf.o && rspctl policy load $POLICIES/ep_two.bpf.o &&
		active buf buf_fair && active ep ep_two && active flow flow_aimd
}
run "families do not get in each other's way" families
below() {
	rspctl policy load $POLICIES/noop_flow.bpf.o && active flow noop_flow &&
		json '.[0].state == "waiting"' policy show flow_aimd &&
		text '^policy noop_flow is unloaded$' policy unload noop_flow && active flow flow_aimd
}
run "load puts a policy above, unload takes it off again" below
foreign() {
	mkdir -p /sys/fs/bpf/link-$$
	bpftool struct_ops register $POLICIES/noop_flow.bpf.o /sys/fs/bpf/link-$$ &&
		active flow noop_flow && json '.[0].pin == ""' policy show noop_flow &&
		rspctl policy swap $POLICIES/flow_fixed.bpf.o && active flow flow_fixed &&
		json '.[0].state == "waiting"' policy show noop_flow || return
	rm -r /sys/fs/bpf/link-$$
	rspctl policy unload flow_fixed && active flow flow_aimd
}
run "a policy that bpftool registered is not taken away" foreign
ejected() {
	rspctl policy load $POLICIES/chaos_flow.bpf.o set mode 5 set after 5 set self_code 2323 || return
	perf op=send_rate size=64 window=7 iters=230
	wait_for 10 active flow flow_aimd &&
		json 'any(.name == "chaos_flow" and .kind == "self" and .code == 2323 and
			(.msg | length) > 0)' policy log &&
		json '.[0].state == "ejected"' policy show chaos_flow
}
run "an ejected one is in the log with its reason, its figures stay" ejected
ejected_again() {
	rspctl policy load $POLICIES/chaos_flow.bpf.o set mode 8 && active flow chaos_flow &&
		rspctl policy unload chaos_flow && active flow flow_aimd
}
run "its name can be loaded again" ejected_again
all_off() {
	rspctl policy unload buf_fair && rspctl policy unload ep_two && rspctl policy unload flow_aimd &&
		active flow builtin && active buf builtin && active ep builtin && is "$(pinned)" ""
}
run "unload: builtin everywhere, no pin left" all_off
storm() {
	local i
	for i in aimd fixed aimd fixed aimd fixed aimd; do
		rspctl policy swap $POLICIES/flow_$i.bpf.o || return
	done
	active flow flow_aimd && is "$(ls $PINS/policies)" flow_aimd && rspctl policy unload flow_aimd
}
run "7 swaps in a row" storm
killed() {
	mkdir -p $PINS/maps/flow_fixed && bpftool map create $PINS/maps/flow_fixed/stats type array \
		key 4 value 8 entries 1 name left && rspctl policy load $POLICIES/flow_fixed.bpf.o &&
		json '.[0].stats | length > 1' policy show flow_fixed && rspctl policy unload flow_fixed
}
run "maps of a loader that was killed are cleared away" killed
no_prog() {
	is "$(bpftool -j prog list | jq '[.[] | select(.type == "struct_ops")] | length')" 0
}
run "no program is left" wait_for 10 no_prog
finish
