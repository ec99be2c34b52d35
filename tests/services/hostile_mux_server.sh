#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A client whose server lies on mux connections, or on the one that its channel shall move to, goes on with
# its channel where that is, or loses it with an error its service hears; nothing of it stays.
#
#	rsp_perf, ep_mux --- rxe0 10.9.0.1, loopback --- tests/hostile_mux_server, port 18600
#	rsp_perf's server, port 18515 ---'              (opens a channel there, so that there are two)
#
# topology: loop
# timeout: 1500
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../policy/lib.sh"
prog=/src/build/tests/hostile_mux_server
need root module:rsp_perf "file:$prog" tool:jq
P=/sys/kernel/debug/rsp_perf
# CASES: a regular expression, for some of them
mapfile -t cases <<<"$($prog --list | grep -E "${CASES:-.}")"
plan $((${#cases[@]} + 5))
run_pid=

# perf_up SECONDS: a run until perf_down, or until its channel is lost
perf_up() {
	(echo "op=send_lat addr=10.9.0.1 port=18600 window=4 iters=1000000 timeout_ms=$(($1 * 1000))" >$P/run) 2>/dev/null &
	run_pid=$!
}
perf_runs() {
	[ -n "$run_pid" ] && kill -0 $run_pid 2>/dev/null
}
perf_down() {
	kill $run_pid 2>/dev/null
	wait_for 30 not perf_runs && ! wait $run_pid 2>/dev/null
}
# one_run: that ends well
one_run() {
	echo "op=send_lat addr=10.9.0.1 port=18600 iters=23" >$P/run && jq -e '.iters == 23' $P/result
}
said() {
	grep -qx "$1" "$T/said"
}
order() {
	echo "$1" >&3
	wait_for 20 said "order $1"
}
nothing_left() {
	is "$(rspctl -j ep)" "[]" && is "$(rspctl -j chan)" "[]"
}
# errno: of the last run, without a jq a case
errno() {
	local result
	result=$(<$P/result)
	[[ $result =~ '"errno":'\ *([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}
# over: of a run, and of what it was connected to, nothing is left
over() {
	[ -n "$run_pid" ] || return 0
	perf_down || return
	run_pid=
	order none && wait_for 30 nothing_left
}
outcome() {	# outcome CASE: is there one?
	said "on $1" || ! perf_runs
}

# lie CASE MUST: a run meets that lie. MUST is what becomes of its channel; the same one survives all that
# are about a connection it shall move to
lie() {
	local rc=0 is_on limit=600 err
	echo "rsp-test: $1" >/dev/kmsg
	[[ $1 = bare-* ]] || over || rc=1
	: >"$T/said"
	order "$1" || rc=1
	# the second one asks for a channel on the connection of the first
	[[ $1 != open-* ]] || one_run || rc=1
	# who asks for a connection has no limit of its own
	[ "$1" != never ] || limit=5
	perf_runs || perf_up "$limit"
	wait_for 60 outcome "$1" || rc=1
	said "on $1" && perf_runs && is_on=1 || is_on=
	[[ $1 = bare-* && -n $is_on ]] || over || rc=1
	err=$(errno)
	echo "$(<"$T/said"), errno $err"
	said "did $1" || { echo "there was no occasion"; rc=1; }
	case $2:$is_on in
	any:*) ;;
	ends:) [ "$err" -gt 0 ] && [ "$err" != 4 ] || rc=1 ;;
	on:1) ;;
	moved:1) said "moved $1" || rc=1 ;;
	*) echo "the channel must: $2"; rc=1 ;;
	esac
	[ $rc != 0 ] || echo "${is_on:-errno $err}" >>"$T/outcomes"
	return $rc
}

# no_longer: a connection that is never answered does not outlive the channel it is for
no_longer() {
	over || return
	: >"$T/said"
	order bare-never || return
	perf_up 600
	wait_for 60 said "on bare-never" && perf_down && wait_for 20 no_chan
}
no_chan() {
	rspctl -j chan | jq -e 'map(select(.svc == "perf-client")) | length == 0'
}
server_up() {
	mkfifo "$T/orders"
	: >"$T/said"
	exec 3<>"$T/orders"
	$prog --open 18515 <"$T/orders" >>"$T/said" 2>&1 &
	defer eval "kill $!; wait $! || :"
	wait_for 10 grep -q listening "$T/said"
}

modprobe rsp_perf
rxe_dummy 9000
defer rxe_down
pins_up
defer pins_down
run "both servers are up" eval "server_up && echo 10.9.0.1:18515 >$P/listen"
defer eval "echo off >$P/listen"
run "channels share a connection" eval "load ep_mux idle_s=2 && one_run && order none && wait_for 30 nothing_left"
for c in "${cases[@]}"; do
	[[ $c =~ ^(honest|bare|move|attach) ]] || run "${c% *}: ${c#* }" lie "${c% *}" "${c#* }"
done
run "channels want two connections" $POL load "$POLICIES/ep_mux.bpf.o" "$PINS/two" per_peer=2 idle_s=2
for c in "${cases[@]}"; do
	[[ ! $c =~ ^(honest|bare|move|attach) ]] || run "${c% *}: ${c#* }" lie "${c% *}" "${c#* }"
done
run "bare-never: does not outlive the channel" no_longer
diag "$(sort "$T/outcomes" | uniq -c | sort -rn | sed 's/ 1$/ on/' | xargs)"
run "the last one ends, no policy is left" eval "over && unload two && unload ep_mux"
finish
