#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A holder that reads and writes past its grant, with keys of others or that it gave back, and sends what
# makes no sense, loses its connection and harms nobody: a reader beside it sees no error.
#
#	tests/hostile_desc --- rxe0 10.9.0.1, loopback --- rsp.ko, rsp_perf publishes
#	rsp_perf reads ----'
# topology: loop
# timeout: 500
. "$(dirname "$0")/../lib.sh"
prog=/src/build/tests/hostile_desc
need root module:rdma_rxe module:rsp module:rsp_perf "file:$prog" file:/src/build/rspctl tool:rdma tool:jq
PATH=/src/build:$PATH
P=/sys/kernel/debug/rsp_perf
seeds="1 2 3"
plan 7

hostile() {
	tap_of $prog -k "$@" 10.9.0.1
}
descs_are() {
	rspctl -j desc && rspctl -j desc | jq -e "$1"
}
reader() {
	echo "key=5 size=4096 slots=23" >$P/publish || return
	(echo "op=desc_read addr=10.9.0.1 key=5 size=4096 window=2 iters=1000000 verify=1 timeout_ms=400000" \
		>$P/run) 2>/dev/null &
	pid=$!
	wait_for 10 descs_are 'any(.[]; .role == "client" and .nr_read > 10)'
}
reader_is_well() {
	kill $pid && wait_for 30 not kill -0 $pid && cat $P/result && jq -e '.errno == 4' $P/result
}

sysctl -qw kernel.printk_devkmsg=on
rxe_dummy 9000
defer rxe_down
modprobe rsp_perf
run "somebody reads" reader
run "what goes past a grant is refused, and nothing else" hostile
outcomes
for seed in $seeds; do
	run "500 mutated messages, seed $seed" hostile -f "$seed" -n 500
	diag "$(grep '^# 500' "$T/tap")"
done
run "the reader saw no error" reader_is_well
run "no grant is left" wait_for 20 descs_are 'length == 3 and all(.[]; .role == "server" and .nr_grant == 0)'
finish
