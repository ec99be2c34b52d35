#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Under pressure: a service that is refused more makes the others give back what lies idle, and a
# policy under which requests wait too long is ejected for it. Both times data keeps moving intact.
#
#	client (rsp_perf, mount) rxe1 10.9.0.2 ===== 10.9.0.1 rxe0 server (rsp_perf, nfsd)
# topology: loop
# timeout: 240
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp_perf module:rsp_nfs tool:jq
P=/sys/kernel/debug/rsp_perf
M=/mnt/pressure
plan 10
rxe_wire 9000
defer rxe_down
modprobe rsp_perf
defer rsp_unload
pins_up
defer pins_down
echo "10.9.0.1:18515" >$P/listen

# 128 messages of 4 KiB each way: twice what rsp_perf may hold whatever the policy says
crowd() {
	echo "op=send_rate addr=10.9.0.1 src=10.9.0.2 size=4000 window=128 iters=997 verify=1" >$P/run
	jq -e '.errors == 0' $P/result || { cat $P/result; return 1; }
}
run "a crowd with builtin" crowd
run "a quota of nothing" load buf_quota quota_mb=0
run "the crowd lives from its reserve" crowd
run "another service was asked to give back" test "$(stat_of buf_quota 3)" -gt 0
run "and the policy is still in force" active buf buf_quota
unload buf_quota

mkdir -p $M
defer nfs_server_down
run "NFS server and mount" eval 'nfs_transport rsp && nfs_server_up && nfs_mount $M hard,timeo=600'
defer umount $M
dd if=/dev/urandom of=/exp/wait bs=4k count=64 status=none

# one at a time over a wire with 1.4 s there and back: the third waits longer than chaos_flow's 2 s
run "a policy that allows one request" load chaos_flow mode=8
queue_up() {
	local i pids=()
	wire_netem delay 700ms
	for i in {0..6}; do
		dd if=$M/wait of="$T/part$i" bs=4k count=1 skip=$i iflag=direct status=none &
		pids+=($!)
	done
	wait "${pids[@]}"
	wire_netem
	cat "$T"/part{0..6} | cmp -n $((7 * 4096)) - /exp/wait
}
run "requests queue up and end well" queue_up
run "it was ejected for the wait" ended flow chaos_flow stall "allowed 2000 ms"
run "builtin answers again" active flow builtin
unload chaos_flow
finish
