#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rsp_perf: messages, RDMA write and read carry every byte, at odd sizes and at 1 MiB; 256 channels are
# opened and closed at once; a peer or a device that goes away under traffic ends a run with an error
# and leaves nothing behind.
#
#	rxe0 --- v0 10.9.0.1 ===== v1 10.9.0.2 --- rxe1
#	      server and client      client (src=)
# topology: loop
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../policy/lib.sh"
need root module:rdma_rxe module:rsp module:rsp_perf tool:rdma tool:jq
P=/sys/kernel/debug/rsp_perf

# perf WORD...: one run; shows its result
perf() {
	local rc=0
	echo "$*" 2>/dev/null >$P/run || rc=1
	cat $P/result
	return $rc
}

# perf_clean WORD...: no error, every byte right
perf_clean() {
	perf "$@" verify=1 && jq -e '.errors == 0 and .lat_ns_min > 0 and .msgs_per_s > 0' $P/result
}

# perf_sizes WORDS SIZE...: the same at several sizes, one and sixteen at a time
perf_sizes() {
	local words=$1 size w
	shift
	for size; do
		for w in 1 16; do
			perf_clean "$words addr=10.9.0.1 size=$size window=$w" || {
				echo "$words size=$size window=$w failed"
				return 1
			}
		done
	done
}

# perf_errno ERRNO WORD...: the run must fail with that number and a message
perf_errno() {
	local want=$1
	shift
	! perf "$@" || return
	is "$(jq .errno $P/result)" "$want" && jq -e '.error | length > 10' $P/result
}

# spoiled WORD...: every exchange is damaged, each must be found
spoiled() {
	perf "$@" verify=1 spoil=1 iters=23 && jq -e '.errors == 23' $P/result
}

# under_traffic ERRNO COMMAND...: start an endless run, do COMMAND, the run must end within 20 s
under_traffic() {
	local want=$1 pid rc=0
	shift
	(echo "op=write addr=10.9.0.1 src=10.9.0.2 size=65536 window=8 iters=1000000 verify=1" \
		>$P/run) 2>/dev/null &
	pid=$!
	traffic_flows || rc=1
	"$@" || rc=1
	wait_for 20 not kill -0 $pid || rc=1
	kill $pid 2>/dev/null
	wait $pid && { echo "the run did not fail"; rc=1; }
	cat $P/result
	[ $rc = 0 ] && jq -e ".errno | IN($want)" $P/result
}

# a run is under way and bytes move
traffic_flows() {
	local a
	wait_for 10 is_running || return
	a=$(cat /sys/class/infiniband/rxe1/ports/1/hw_counters/sent_pkts)
	wait_for 10 sent_more $((a + 100))
}
is_running() { [ "$(cat /sys/module/rsp_perf/refcnt)" -gt 0 ]; }
sent_more() { [ "$(cat /sys/class/infiniband/rxe1/ports/1/hw_counters/sent_pkts)" -gt "$1" ]; }

# opened ROUNDS: 256 channels at once, so often; each is counted, and none is left
opened() {
	perf op=open addr=10.9.0.1 window=256 "iters=$1" timeout_ms=240000 && jq -e ".chans == 256 * $1 and
		.errors == 0 and .lat_ns_min > 0 and .lat_ns_p50 <= .lat_ns_p99 and .chans_per_s > 0" $P/result &&
		wait_for 20 no_chan
}
no_chan() {
	rspctl -j chan | jq -e 'length == 0'
}
# ends_are N: endpoints, all of them without a channel
ends_are() {
	rspctl ep
	rspctl -j ep | jq -e "length == $1 and (map(.nr_chan == 0) | all)"
}
# refused_meanwhile: channels that are being opened when their peer stops to listen and ends all it has
refused_meanwhile() {
	local pid
	(echo "op=open addr=10.9.0.1 window=64 iters=10000 timeout_ms=240000" >$P/run) 2>/dev/null &
	pid=$!
	wait_for 20 some_chans || return
	echo off >$P/listen
	wait_for 20 not kill -0 $pid
	! wait $pid || return
	jq -e '.errno > 0' $P/result && wait_for 20 no_chan && serve
}
some_chans() {
	rspctl -j chan | jq -e 'length > 64'
}

busy() {
	perf op=send_lat addr=10.9.0.1 iters=1 2>/dev/null && return 1
	! rmmod rsp_perf
}
busy_then_off() { busy; local rc=$?; echo off >$P/listen; return $rc; }

signalled() {
	local pid
	echo "op=send_rate addr=10.9.0.1 src=10.9.0.2 iters=1000000 window=4" >$P/run 2>/dev/null &
	pid=$!
	wait_for 10 is_running && traffic_flows
	kill -TERM $pid
	wait_for 10 not kill -0 $pid
}

serve() {
	echo "10.9.0.1:18515" >$P/listen && grep -qx "10.9.0.1:18515" $P/listen
}

plan 23
rxe_wire 9000
defer rxe_down
modprobe rsp_perf

run "listens on IPv4" serve
run "send_lat at all sizes" perf_sizes "op=send_lat iters=53" 0 1 3 63 64 65 1000 4063 4064
run "send_rate at all sizes" perf_sizes "op=send_rate iters=211" 0 1 7 511 4064
run "write at all sizes" perf_sizes "op=write iters=23" 1 3 511 4095 4096 4097 65537 1048575 1048576
run "read at all sizes" perf_sizes "op=read iters=23" 1 3 511 4095 4096 4097 65537 1048575 1048576
run "write from an odd offset, across devices" \
	perf_clean op=write addr=10.9.0.1 src=10.9.0.2 size=100001 offset=1021 window=5 iters=53
run "read to an odd offset, across devices" \
	perf_clean op=read addr=10.9.0.1 src=10.9.0.2 size=100001 offset=4095 window=5 iters=53
for op in send_lat write read; do
	run "damaged data is found by $op" spoiled op=$op addr=10.9.0.1 size=5000 window=3 \
		"$([ $op != send_lat ] || echo size=999)"
done
bad_input() {
	local w
	for w in "op=frob addr=10.9.0.1" "op=send_lat" "op=send_lat addr=1.2.3" "size=5000 addr=10.9.0.1" \
		"op=write size=0 addr=10.9.0.1" "op=write size=8388608 window=128 addr=10.9.0.1" \
		"window=129 addr=10.9.0.1" "op=open window=257 addr=10.9.0.1" \
		"op=open window=256 iters=1000000 addr=10.9.0.1" "window=0 addr=10.9.0.1" "iters=x addr=10.9.0.1" "what=1" "alone" "port=70000 addr=10.9.0.1"; do
		perf_errno 22 "$w" || {
			echo "accepted: $w"
			return 1
		}
	done
	! echo "10.9.0.1" 2>/dev/null >$P/listen && ! echo "[10.9.0.1:x" 2>/dev/null >$P/listen
}
run "bad input is refused with a message" bad_input
run "256 channels with connections of their own open and close at once, two times" opened 2
run "all of these are gone" wait_for 20 ends_are 0
run "a peer that goes while channels are opened" refused_meanwhile
pins_up
defer pins_down
run "on one connection, eight times" eval "load ep_mux idle_s=300 && opened 8"
run "which is still there, the only one" ends_are 2
run "and a peer that goes meanwhile" refused_meanwhile
unload ep_mux
run "a closed port is refused" perf_errno 111 addr=10.9.0.1 port=18516
run "a run ends at a signal" signalled
run "second run and rmmod are refused under traffic, server's end ends it" \
	under_traffic 104 busy_then_off
run "after it the port is closed" perf_errno 111 addr=10.9.0.1
serve
# ENODEV when the client's own device went, what its CM says when the server's did
run "rdma link del of the client under traffic" under_traffic 19 rdma link delete rxe1
rdma link add rxe1 type rxe netdev v1
rxe_wait rxe1
run "and it works again on the new device" \
	perf_clean op=write addr=10.9.0.1 src=10.9.0.2 size=65536 window=8 iters=211
finish
