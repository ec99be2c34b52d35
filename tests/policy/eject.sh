#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A policy that answers badly is corrected, then ejected with a reason, while data keeps moving
# intact; the policy below takes over.
#
#	rxe0 --- v0 10.9.0.1 ===== v1 10.9.0.2 --- rxe1
#	          server              client
# topology: loop
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp module:rsp_perf tool:jq
P=/sys/kernel/debug/rsp_perf
plan 20
rxe_wire 9000
defer rxe_down
modprobe rsp_perf
defer rsp_unload
pins_up
defer pins_down
echo "10.9.0.1:18515" >$P/listen

# traffic [ITERS] [OP] [SIZE]: every byte compared, no error
traffic() {
	echo "op=${2:-write} addr=10.9.0.1 src=10.9.0.2 size=${3:-5000} window=8 iters=${1:-211} verify=1" \
		>$P/run
	jq -e '.errors == 0' $P/result >/dev/null || { cat $P/result; return 1; }
}
# enough connects, refills and batches for a family to notice
much_traffic() {
	local i
	for ((i = 0; i < ${1:-24}; i++)); do
		traffic 53 send_rate 999 || return
	done
}
# ejects FAMILY MODE KIND TEXT [KNOB...]: on top of the family's noop policy
ejects() {
	local family=$1 mode=$2 kind=$3 text=$4
	shift 4
	load "noop_$family" && load "chaos_$family" "mode=$mode" "$@" && much_traffic || return
	wait_for 5 active "$family" "noop_$family" &&
		is "$(state "$family" "chaos_$family")" dead &&
		ended "$family" "chaos_$family" "$kind" "$text" && traffic
}
gone() {
	unload "chaos_$1" && unload "noop_$1" && wait_for 5 active "$1" builtin
}

run "traffic with builtin" traffic
for family in buf ep flow; do
	run "$family: always -1 ejects" ejects $family 1 range answered
	diag "$($POL show | grep "chaos_$family ended" | tail -n 1)"
	gone $family
	run "$family: always the largest number ejects" ejects $family 3 range answered
	gone $family
	run "$family: random numbers eject" ejects $family 4 range answered
	gone $family
	run "$family: asking for it ejects, with code and text" \
		ejects $family 5 self "chaos has seen enough" self_code=4711 after=7
	run "$family: its code is kept" ended $family chaos_$family self "code=4711 "
	gone $family
done

# the lowest answers in range starve everybody by the rules: slow, but alive, and not ejected for range
mean() {
	load chaos_buf mode=8 && load chaos_flow mode=8 && traffic 53 || return
	! $POL show | grep 'chaos_.*kind=range.*ended'
	unload chaos_buf && unload chaos_flow
}
run "the meanest answers in range do not stop traffic" mean
rare() {
	load chaos_flow mode=9 after=1000 && much_traffic 3 && active flow chaos_flow && unload chaos_flow
}
run "a rare bad answer is corrected and forgiven" rare

fresh() {
	is "$(stat_of chaos_flow 3)" 0 && [ "$(stat_of chaos_flow 2)" -gt 0 ]
}
priv_is_zero() {
	load chaos_flow mode=5 after=1000000 && traffic && fresh || return
	# another policy scribbles into the same channels' priv[], then a fresh one looks
	load flow_delay && traffic && unload flow_delay && wait_for 5 active flow chaos_flow &&
		traffic && fresh && unload chaos_flow
}
run "priv[] is zero for each policy that becomes active" priv_is_zero
in_log() {
	local nr
	nr=$(dmesg | grep -c 'rsp: .* policy chaos_.* ejected (.*): .* takes over')
	[ "$nr" -ge 12 ] || { dmesg | grep rsp: | tail; return 1; }
}
run "the kernel log has a line for each" in_log
finish
