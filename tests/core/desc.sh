#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Memory that is published by name is found and read one-sidedly: every read is good or known not to be,
# while it is rewritten, revoked, published again, its lease runs out, packets are lost, its device goes.
#
#	perf-server publishes --- rxe0 --- v0 10.9.0.1 ===== v1 --- rxe1
#	perf-client reads
# topology: loop
# timeout: 400
. "$(dirname "$0")/../lib.sh"
need root module:rdma_rxe module:rsp module:rsp_perf tool:rdma tool:jq file:/src/build/rspctl
PATH=/src/build:$PATH
P=/sys/kernel/debug/rsp_perf
plan 20

publish() {
	echo "$*" 2>/dev/null >$P/publish || {
		cat $P/result
		return 1
	}
}
# reads WORD...: one run; shows its result
reads() {
	local rc=0
	echo "op=desc_read addr=10.9.0.1 size=4096 $*" 2>/dev/null >$P/run || rc=1
	cat $P/result
	return $rc
}
# good WORD...: every byte right
good() {
	reads verify=1 "$@" && jq -e '.errors == 0 and .lat_ns_min > 0' $P/result
}
# fails_with ERRNO COMMAND...: with a message
fails_with() {
	local want=$1
	shift
	! "$@" || return
	is "$(jq .errno $P/result)" "$want" && jq -e '.error | length > 10' $P/result
}
# descs_are FILTER: what jq makes of the list
descs_are() {
	rspctl -j desc && rspctl -j desc | jq -e "$1"
}
# in_background WORD...: a run that goes on
in_background() {
	(echo "op=desc_read addr=10.9.0.1 size=4096 verify=1 $*" >$P/run) 2>/dev/null &
	pid=$!
	wait_for 10 descs_are 'any(.[]; .role == "client" and .nr_read > 10)'
}
# the run in the background does
ends() {
	wait_for 30 not kill -0 "$pid" && cat $P/result
}

sizes() {
	local size w key=100
	for size in 4 64 511 4096 4097 65536 1048576; do
		publish "key=$((++key)) size=$size slots=15" || return
		for w in 1 16; do
			good "key=$key size=$size window=$w iters=53" || return
		done
	done
	publish off && descs_are '. == []'
}
listed() {
	publish "key=7 size=4096 slots=23 lease_ms=5000" || return
	descs_are 'length == 1 and (.[0] | .role == "server" and .svc == "perf-server" and .key == 7 and
		.len == 23 * 4160 and .slot_bytes == 4160 and .lease_ms == 5000 and .access == "r" and
		.nr_grant == 0 and .epoch > 0)' || return
	rspctl desc show svc perf-server id 999 | grep -q 'nothing is published' &&
		rspctl svc | grep -q desc-server && grep -q '^key=7 size=4096 slots=23' $P/publish
}
counted() {
	good key=7 iters=230 || return
	descs_are 'length == 1 and (.[0] | .nr_lookup == 1 and .nr_grant == 0 and .nr_refused == 0)'
}
bad_words() {
	local w
	for w in "size=64" "key=x" "key=8 size=3" "key=8 slots=0" "key=8 lease_ms=3999" "key=8 frob=1" "key=8 frob" \
		"key=8 size=1048576 slots=16"; do
		fails_with 22 publish "$w" || { echo "publish $w"; return 1; }
	done
	fails_with 2 publish "key=8 off"
}
as_they_change() {
	publish "key=9 size=4096 slots=3 churn=1" && good key=9 window=8 iters=2003 &&
		jq -e '.stale + .torn > 0' $P/result
	local rc=$?
	publish "key=9 off" && return $rc
}
# published again and again under a reader that wants more than it gets
again_and_again() {
	local i epochs=()
	in_background key=7 iters=1000000 window=4 timeout_ms=300000 || return
	for i in 1 2 3 4 5 6 7; do
		publish "key=7 off" && ! descs_are 'any(.[]; .role == "server" and .key == 7)' &&
			publish "key=7 size=4096 slots=$((3 * i))" || return
		epochs+=("$(rspctl -j desc | jq '.[] | select(.role == "server").epoch')")
		wait_for 10 descs_are 'any(.[]; .role == "client" and .state == "up" and .nr_read > 10)' || return
	done
	kill $pid
	ends || return
	# a signal ended it; until then nothing was wrong
	jq -e '.errno == 4' $P/result && is "$(printf '%s\n' "${epochs[@]}" | sort -u | wc -l)" 7
}
renewed() {
	publish "key=11 lease_ms=4000" && in_background key=11 iters=1000000 timeout_ms=300000 || return
	wait_for 30 descs_are '.[] | select(.role == "server" and .key == 11) | .nr_renew >= 2 and .nr_lookup == 1' &&
		descs_are '.[] | select(.role == "client") | .nr_renew >= 2 and .state == "up"' || return
	kill $pid
	ends && publish "key=11 off"
}
dropped() {
	wait_for 5 descs_are 'all(.[]; .nr_grant == 0) and all(.[]; .role == "server")'
}
shared_or_not() {
	rspctl policy load /src/build/policies/ep_mux.bpf.o && good key=7 iters=53 || return
	in_background key=7 iters=1000000 timeout_ms=300000 || return
	rspctl -j ep | jq -e 'all(.[]; .is_mux == false)' && kill $pid && ends
	local rc=$?
	rspctl policy unload ep_mux && return $rc
}
lossy() {
	wire_netem loss 3% && good key=7 window=4 iters=503 timeout_ms=120000
	local rc=$?
	wire_netem loss 0% && return $rc
}
# the publisher keeps what it has; the reader finds it again when the device is back
device_goes() {
	in_background key=7 iters=1000000 window=4 timeout_ms=300000 || return
	rdma link delete rxe0 &&
		wait_for 30 descs_are 'length == 1 and .[0].nr_grant == 0 and .[0].role == "server"' || return
	kill -0 $pid && rdma link add rxe0 type rxe netdev v0 &&
		wait_for 30 descs_are 'any(.[]; .role == "client" and .state == "up" and .nr_read > 10)' || return
	kill $pid
	ends && jq -e '.errno == 4' $P/result
}
unloads() {
	publish "key=12" && descs_are 'length == 2' && rmmod rsp_perf && descs_are '. == []' &&
		! rspctl svc | grep -q desc-
}

rxe_wire 9000
defer rxe_down
modprobe rsp_perf
run "of all sizes" sizes
run "is listed" listed
run "lookups are counted, grants given back" counted
run "the same key twice is refused" fails_with 17 publish "key=7"
run "so is what makes no sense" bad_words
run "a key nobody published is not found" fails_with 2 reads key=8
run "a host that publishes nothing at this port is an error" fails_with 111 reads key=7 port=20051
run "slots of another size are refused" fails_with 22 reads key=7 size=64
spoiled() {
	reads key=7 iters=53 verify=1 spoil=1 && jq -e '.errors == 53' $P/result
}
run "damaged data is found" spoiled
run "while slots change each read is good or known not to be" as_they_change
run "published again under a reader" again_and_again
run "what was held is given back" dropped
run "used longer than the lease, it is renewed" renewed
run "what was held is given back" dropped
run "it never shares a queue pair" shared_or_not
run "with packets lost" lossy
run "the device goes under a reader, and comes back" device_goes
run "a second reader of the same" good key=7 window=16 iters=503
run "what was held is given back" dropped
run "who publishes can be unloaded" unloads
finish
