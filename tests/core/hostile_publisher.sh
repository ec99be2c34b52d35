#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A reader whose publisher lies about regions, leases and segments, sends what only readers send, or goes,
# reads what is good, hears an error, or waits no longer than it said; nothing of it stays.
#
#	rsp_perf reads --- rxe0 10.9.0.1, loopback --- tests/hostile_publisher, port 20051
# topology: loop
# timeout: 900
. "$(dirname "$0")/../lib.sh"
prog=/src/build/tests/hostile_publisher
need root module:rdma_rxe module:rsp module:rsp_perf "file:$prog" file:/src/build/rspctl tool:rdma tool:jq
PATH=/src/build:$PATH
P=/sys/kernel/debug/rsp_perf
# CASES: a regular expression, for some of them
mapfile -t cases <<<"$($prog --list | grep -E "^${CASES:-.*} ")"
plan ${#cases[@]}

listening() {
	grep -qx listening "$T/said"
}
nothing_left() {
	{ rspctl -j desc; rspctl -j chan; rspctl -j ep; } | jq -es 'add == []'
}
# lie CASE MUST: a reader meets it
lie() {
	local rc=0 pid
	echo "rsp-test: $1" >/dev/kmsg
	: >"$T/said"
	$prog "$1" >"$T/said" &
	pid=$!
	wait_for 20 listening || rc=1
	echo "op=desc_read addr=10.9.0.1 port=20051 size=4096 window=2 verify=1 iters=$([ "$2" = good ] && echo 203 ||
		echo 1000000) timeout_ms=$([ "$2" = waits ] && echo 1500 || echo 6000)" 2>/dev/null >$P/run
	cat $P/result
	case $2 in
	good) jq -e '.errors == 0 and .iters == 203' $P/result || rc=1 ;;
	# told at the first answer
	fails) jq -e '.errno > 0 and (.error | test("does not give|cannot"))' $P/result || rc=1 ;;
	# it tries again until its time is over, and nothing wrong was taken for good
	waits | outlasts) jq -e '.errno > 0 and (.error | test("ended after [0-9]+ of 1000000"))' $P/result || rc=1 ;;
	esac
	kill $pid 2>/dev/null
	wait $pid 2>/dev/null
	wait_for 30 nothing_left || rc=1
	return $rc
}

sysctl -qw kernel.printk_devkmsg=on
rxe_dummy 9000
defer rxe_down
modprobe rsp_perf
for c in "${cases[@]}"; do
	run "${c% *}: ${c#* }" lie ${c% *} ${c#* }
done
finish
