#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rspctl shows each object while traffic runs, in text and in JSON alike, and what is gone is gone.
#
#	perf-client --- rxe0 10.9.0.1 --- perf-server	23 transfers without end
# topology: loop
# timeout: 300
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rdma_rxe module:rsp module:rsp_perf tool:jq file:/src/build/rspctl
plan 21

rsp_unload
modprobe rsp pool_mb=64
run "the module's own service is there before any other" json 'map(.name) == ["recv"]' svc
nothing_yet() {
	local o
	for o in chan ep rq peer; do
		json '. == []' $o && text '^no ' $o || return
	done
}
run "no channel, endpoint, queue or peer" nothing_yet
perf_up
defer perf_down

echo "addr=10.9.0.1 op=send_rate size=64 window=7 iters=1000000 timeout_ms=3600000" 2>/dev/null >$P/run &
pid=$!
both_up() {
	[ "$(rspctl -j chan | jq '[.[] | select(.state == "up" and .nr_send > 23)] | length')" = 2 ]
}
run "a connection is two channels on this host" wait_for 30 both_up
rspctl -j chan >"$T/chan"

chan_fields() {
	json 'map(.svc) | sort == ["perf-client", "perf-server"]' chan &&
		json 'map(.role) | sort == ["client", "server"]' chan &&
		json 'all(.peer == "10.9.0.1" and .id > 0 and .ep_id > 0 and .window >= 1 and
			.grant >= 1 and .in_flight <= .max_credits and (.priv | length) == 8)' chan
}
run "chan: services, roles, peer, credits" chan_fields
run "chan in text" text '^ *[0-9]+ +perf-(client|server) +10\.9\.0\.1 +(client|server) +up ' chan
chan_details() {
	rspctl -d chan >"$T/text" && is "$(grep -c '^  lat_ns ' "$T/text")" 2 &&
		grep -Eq '^  lat_ns +[0-9.]+(us|ms|s)$' "$T/text"
}
run "chan -d has each field of each channel" chan_details
selected() {
	local id
	id=$(jq '.[] | select(.role == "client") | .id' "$T/chan")
	json "length == 1 and .[0].id == $id" chan id "$id" &&
		json "length == 1 and .[0].id == $id" chan svc perf-client &&
		json '. == []' chan svc nosuch && json '. == []' chan show svc perf-client id 23232323 &&
		text '^no channel$' chan id 23232323
}
run "a channel is found by id and by service" selected
counts() {
	local a
	a=$(rspctl -j chan svc perf-client | jq .[0].nr_send)
	wait_for 10 sent_more "$a"
}
sent_more() {
	[ "$(rspctl -j chan svc perf-client | jq .[0].nr_send)" -gt "$1" ]
}
run "its figures go on counting" counts

svc_fields() {
	json '[.[] | select(.name | startswith("perf-")) | .nr_chan] == [1, 1]' svc &&
		json '.[] | select(.name == "recv") | .held_bytes > 0 and .nr_admit > 0' svc &&
		json 'length == 1' svc svc perf-client && text '^ *[0-9]+ +recv +[0-9]+ ' svc
}
run "svc: channels, memory" svc_fields
ep_fields() {
	json 'length == 2 and all(.dev == "rxe0" and .state == "up" and .peer == "10.9.0.1" and
		.qp_num > 0 and .is_mux == false and .nr_chan == 1 and .sq_used <= .sq_size)' ep &&
		json 'length == 1 and .[0].role == "server"' ep svc perf-server &&
		text '^ *[0-9]+ +rxe0 +10\.9\.0\.1 ' ep
}
run "ep: device, peer, queue pair" ep_fields
qp_numbers() {
	local n
	for n in $(rspctl -j ep | jq .[].qp_num); do
		rdma -j resource show qp link rxe0 | jq -e --argjson n "$n" 'any(.lqpn == $n)' || return
	done
}
run "ep: the rdma tool knows these queue pairs" qp_numbers
rq_fields() {
	json 'length >= 1 and all(.size >= .depth and .depth >= .min and .posted <= .size and
		.is_private == false) and (map(.nr_ep) | add) == 2 and (map(.nr_recv) | add) > 0' rq &&
		text '^ *[0-9]+ +[0-9]+ +[0-9]+ +(1K|4K|8K|16K|64K) +no ' rq
}
run "rq: shared, posted, received" rq_fields
peer_fields() {
	json "length == 1 and .[0].addr == \"10.9.0.1\" and .[0].nr_ep == 2 and .[0].nr_addr == 1 and
		.[0].version == 1 and .[0].uuid == \"$(cat /sys/module/rsp/parameters/uuid)\"" peer &&
		text '^ *[0-9]+ +10\.9\.0\.1 +1 +2 +1 +[0-9a-f-]{36}$' peer && json '. == []' peer id 23232323
}
run "peer: its addresses, endpoints, UUID" peer_fields
pool_fields() {
	json '.arena_bytes > 0 and .arena_bytes <= .limit_bytes and .held_bytes > 0 and
		.nr_svc == 3 and .sum_weight == 300 and (.classes | length) == 5 and
		([.classes[] | .buf_bytes * .nr_buf] | add) <= .arena_bytes and
		(.classes | all(.nr_free <= .nr_buf))' pool &&
		text '^  limit_bytes +[0-9.]+[KMG]iB$' pool && text '^64K +65536 ' pool
}
run "pool: limit, arenas, classes" pool_fields
limit() {
	is "$(rspctl -j pool | jq '.limit_bytes / 1048576')" 64
}
run "pool: the limit is the module parameter" limit
policy_fields() {
	json 'map([.family, .name, .state]) == [["buf", "builtin", "active"],
		["ep", "builtin", "active"], ["flow", "builtin", "active"], ["cache", "builtin", "active"]]' policy &&
		json '. == []' policy log && text '^flow +builtin +active ' policy
}
run "policy: builtin everywhere, an empty log" policy_fields
pretty() {
	local o
	for o in svc pool peer ep rq policy; do
		rspctl -p $o >"$T/pretty" && jq -e . "$T/pretty" && [ "$(wc -l <"$T/pretty")" -gt 5 ] &&
			is "$(jq -c 'paths | map(strings)' "$T/pretty")" \
				"$(rspctl -j $o | jq -c 'paths | map(strings)')" || return
	done
}
run "-p is JSON with lines" pretty

kill $pid 2>/dev/null
gone() {
	[ "$(rspctl -j chan)" = "[]" ] && [ "$(rspctl -j ep)" = "[]" ] && [ "$(rspctl -j peer)" = "[]" ]
}
ended() {
	wait $pid
	wait_for 60 gone
}
run "when the traffic ends channels, endpoints and the peer are gone" ended
services_stay() {
	json 'map(.nr_chan) == [0, 0, 0]' svc
}
run "the services are still there, without channels" services_stay
many_runs() {
	local o rows
	for o in svc rq "policy log"; do
		# shellcheck disable=SC2086 # policy log is two words
		for rows in 128 1 2; do
			RSP_LIST_ROWS=$rows rspctl -j $o | jq -c 'map(del(.age))' >"$T/rows.$rows" || return
		done
		[ "$(jq length "$T/rows.128")" -ge 2 ] && diff "$T/rows.128" "$T/rows.1" &&
			diff "$T/rows.128" "$T/rows.2" || return
	done
}
for _ in 1 2 3; do
	rspctl policy swap $POLICIES/noop_flow.bpf.o
done >/dev/null
rspctl policy unload noop_flow >/dev/null
run "lists that take several runs of the list program are whole" many_runs
no_prog() {
	is "$(bpftool -j prog list | jq '[.[] | select(.name | startswith("list_"))] | length')" 0
}
run "the list program is gone when rspctl ended" no_prog
finish
