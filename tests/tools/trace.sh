#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rspctl trace and rspctl monitor tell what rarely happens on a channel, with the numbers of what was done: its window
# and grant, memory that its peer may reach, an endpoint it moves to, work requests that fail, a policy that is ejected.
#
#	perf-client, nfs-client --- rxe1 10.9.0.2 ===== 10.9.0.1 rxe0 --- perf-server, nfsd
# One processor: programs come and go under traffic, and see docs/lab.md on code that is patched.
# topology: loop
# smp: 1
# timeout: 500
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rdma_rxe module:rsp module:rsp_perf module:rsp_nfs tool:jq tool:bpftool file:/src/build/rspctl
plan 17
modprobe rsp
rxe_wire 9000
defer rxe_down
wire_netem limit 10000
modprobe rsp_perf
defer rsp_unload
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
echo "10.9.0.1:18515" >$P/listen
M=/mnt/trace
pid=''			# of start

# load_up WORD...: a run that goes on; client and server are its channels
load_up() {
	(echo "addr=10.9.0.1 src=10.9.0.2 iters=1000000 timeout_ms=3600000 $*" >$P/run) 2>/dev/null &
	load_pid=$!
	wait_for 30 ends_up
}
ends_up() {
	client=$(end_of perf-client) && server=$(end_of perf-server) && [ -n "$client" ] && [ -n "$server" ]
}
end_of() {
	rspctl -j chan svc "$1" | jq '.[] | select(.state == "up" and .nr_send > 0 and .nr_recv > 0) | .id'
}
load_down() {
	kill $load_pid
	wait_for 30 not kill -0 $load_pid && wait_for 30 no_chan
}
no_chan() {
	is "$(rspctl -j chan svc perf-client | jq length)" 0 && is "$(rspctl -j chan svc perf-server | jq length)" 0
}
# now ID FIELD: of a channel
now() {
	rspctl -j chan id "$1" | jq ".[0].$2"
}
# lines EVENT
lines() {
	grep -c "\"event\":\"$1\"" "$T/lines"
}

# ---- the flow policy ----------------------------------------------------------------------

# there and back takes 20 ms, and the processor is left to rspctl
wire_netem delay 10ms
run "small messages" load_up op=send_rate size=64 window=16
grants() {
	local was
	was=$(now "$server" grant)
	start -j trace "$server" && rspctl policy load $POLICIES/flow_fixed.bpf.o set credits 7 &&
		rspctl policy unload flow_fixed && wait_for 20 eval '[ "$(lines grant)" = 2 ]' && stop &&
		told "[.[] | select(.event == \"grant\") | [.id, .from, .to]] == [[$server, $was, 7], [$server, 7, $was]]" && [ "$was" != 7 ]
}
run "grant: what the server gives, and gives again" grants
windows() {
	local was
	was=$(now "$client" window)
	start -j trace "$client" && rspctl policy load $POLICIES/flow_fixed.bpf.o set credits 7 &&
		rspctl policy swap $POLICIES/flow_fixed.bpf.o set credits 5 && rspctl policy unload flow_fixed &&
		wait_for 20 eval '[ "$(lines window)" = 3 ]' && stop &&
		told "[.[] | select(.event == \"window\") | [.id, .from, .to]] ==
			[[$client, $was, 7], [$client, 7, 5], [$client, 5, $was]]" && [ "$was" != 7 ]
}
run "window: each that the policies give the client" windows
window_text() {
	start trace "$client" && rspctl policy load $POLICIES/flow_fixed.bpf.o set credits 5 &&
		wait_for 20 grep -Eq "^[0-9:]{8}\.[0-9]{6} io window id $client from [0-9]+ to 5$" "$T/lines" && stop &&
		rspctl policy unload flow_fixed
}
run "window, in text" window_text

# ---- a policy that is ejected -------------------------------------------------------------

run "monitor" start -j monitor policy
ejected() {
	rspctl policy load $POLICIES/chaos_flow.bpf.o set mode 1 && wait_for 20 active flow builtin &&
		rspctl policy unload chaos_flow && rspctl policy load $POLICIES/noop_flow.bpf.o &&
		rspctl policy swap $POLICIES/chaos_flow.bpf.o set mode 5 set after 7 && wait_for 20 eval '[ "$(lines eject)" = 2 ]'
}
run "a bad answer, and a policy that asks for it" ejected
log() {	# of what the kernel kept: family, name, kind, text
	rspctl -j policy log | jq -c 'map(select(.name == "chaos_flow") | [.family, .name, .kind, .msg])'
}
eject() {
	local kept
	kept=$(log)
	rspctl policy show
	told "[.[] | select(.event == \"eject\") | [.family, .name, .why, .msg]] == $kept and
		([.[] | select(.event == \"eject\") | .why] == [\"range\", \"self\"])" &&
		told '[.[] | [.event, .family, .name // .from, .to]] | .[:3] == [["swap", "flow", "builtin", "chaos_flow"],
			["eject", "flow", "chaos_flow", null], ["swap", "flow", "chaos_flow", "builtin"]]'
}
run "eject: family, name, kind and text as they are kept" eject
run "SIGINT ends it" stop
eject_text() {
	rspctl policy unload chaos_flow && start monitor policy && rspctl policy load $POLICIES/chaos_flow.bpf.o set mode 5 &&
		wait_for 20 grep -q 'to builtin' "$T/lines" && stop &&
		grep -Eq '^[0-9:]{8}\.[0-9]{6} policy eject family flow name chaos_flow why self msg chaos has seen enough$' "$T/lines" &&
		rspctl policy unload chaos_flow
}
run "eject, in text" eject_text
run "the load goes on, and ends" eval '[ -e /proc/$load_pid ] && load_down'

# ---- memory that the peer may reach -------------------------------------------------------

wire_netem limit 10000		# a retry in front of a registration ends a connection on rxe (docs/lab.md)
run "writes of 100001 bytes, four at a time" load_up op=write size=100001 window=4 verify=1
keys() {
	start -j trace "$server" && wait_for 30 eval '[ "$(lines reg)" -ge 23 ]' && load_down && wait $pid || return
	told "[.[] | select(.event == \"reg\")] | length >= 23 and all(.id == $server and .bytes == 100001 and .nr_page == 25)" &&
		told "[.[] | select(.event == \"inv\")] | all(.id == $server) and ([.[].why] | unique - [\"remote\", \"end\"]) == [] and
			([.[] | select(.why == \"remote\")] | length) >= 20 and ([.[] | select(.why == \"end\")] | length) <= 4" &&
		told '([.[] | select(.event == "inv")] | length) - ([.[] | select(.event == "reg")] | length) | . >= 0 and . <= 4'
}
run "reg, inv: bytes and pages, all of them end" keys

# ---- another endpoint ---------------------------------------------------------------------

two_services() {
	rspctl policy load $POLICIES/ep_mux.bpf.o && nfs_transport rsp || return
	defer nfs_server_down
	nfs_server_up && nfs_mount "$M" && load_up op=send_rate size=64 window=4
}
run "a mount, on an endpoint with messages" two_services
chans() {
	rspctl -j chan | jq -c 'map([.id, .svc, .ep_id]) | sort'
}
shared() {
	rspctl -j chan | jq -e '[.[] | select(.role == "client")] | length == 2 and (map(.ep_id) | unique | length) == 1'
}
moved() {
	local before after
	shared || { chans; return 1; }
	before=$(chans)
	start -j monitor chan && rspctl policy load $POLICIES/ep_apart.bpf.o && wait_for 20 eval '[ "$(lines move)" = 2 ]' && stop || return
	after=$(chans)
	# a line for each channel that has another endpoint than before, and no other
	told "$before as \$b | $after as \$a | ([\$b, \$a] | transpose | map(select(.[0][2] != .[1][2]) |
		{id: .[0][0], svc: .[0][1], from_ep_id: .[0][2], ep_id: .[1][2]}) | sort_by(.id)) as \$want |
		([.[] | select(.event == \"move\")] | all(.ns > 0)) and
		([.[] | select(.event == \"move\") | {id, svc, from_ep_id, ep_id}] | sort_by(.id)) == \$want and (\$want | length) == 2"
}
run "chan move: from where to where, at both ends" moved
move_text() {
	local id ep to
	id=$(jq -r 'select(.event == "move") | .id' "$T/lines" | head -n 1)
	ep=$(now "$id" ep_id)
	start trace "$id" && rspctl policy swap $POLICIES/ep_mux.bpf.o && wait_for 20 grep -q " chan move " "$T/lines" && stop || return
	to=$(now "$id" ep_id)
	grep -Eq "^[0-9:]{8}\.[0-9]{6} chan move id $id svc [a-z-]+ ep $to from $ep took [0-9.]+m?.s$" "$T/lines"
}
run "and back, in text, in its trace" move_text
run "they go" eval 'umount "$M" && load_down && rspctl policy unload ep_mux'

# ---- what fails ---------------------------------------------------------------------------

# cut STATUS OPCODE WORD...: the wire takes nothing any more, and the channel ends for it
cut() {
	load_up "${@:3}" && start -j trace "$client" && wire_netem loss 100% && wait_for 90 not kill -0 $pid && wait $pid || return
	wire_netem limit 10000
	jq -c 'select(.event == "error" or .kind == "chan")' "$T/lines"
	told "([.[] | select(.event == \"error\") | [.id, .wc_status, .wr_opcode]] == [[$client, $1, $2]]) and
		([.[] | select(.kind == \"chan\")] | length == 1 and .[0].event == \"down\" and .[0].reason == -110)" && wait_for 60 no_chan
}
# IB_WC_RETRY_EXC_ERR, IB_WR_SEND. Of reads rxe tells by flushes alone
run "error: what failed, and how" cut 12 2 op=send_rate size=64 window=4
finish
