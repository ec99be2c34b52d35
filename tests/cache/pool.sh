#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Cache and messages compete for one pool: the cache takes what is left, gives it back when a service needs
# it, keeps to what a buffer policy admits, and nobody reads anything wrong meanwhile.
#
#	workout --- $D (rsp-cache) --- scsi_debug	rsp_perf --- rxe0 10.9.0.1, loopback
# topology: loop
# timeout: 300
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../policy/lib.sh"
need root module:rsp_cache module:rsp_perf module:scsi_debug tool:dmsetup tool:jq file:/src/build/rspctl
plan 13
P=/sys/kernel/debug/rsp_perf
rsp_unload
modprobe rsp pool_mb=8
modprobe rsp_cache
modprobe rsp_perf recv_bytes=16384
pins_up
defer pins_down
defer rxe_down
rxe_dummy 9000
echo "10.9.0.1:18515" >$P/listen

run "a device and a cache larger than the pool" eval "dev_up scsi512 24 && cache_up 64M"
run "the cache takes what there is" eval "fill && at_least held 5000000"
run "and was refused more" at_least refused 1
held_by() {
	/src/build/rspctl -j svc svc "$1" | jq .[0].held_bytes
}
full() {
	[ "$(/src/build/rspctl -j pool | jq '.held_bytes + 262144 > .limit_bytes')" = true ]
}
run "the pool is full" full

# 128 messages of 15000 bytes each way are twice the reserve of their services
crowd() {
	echo "op=send_rate addr=10.9.0.1 size=15000 window=128 iters=2311 verify=1" >$P/run
	jq -e '.errors == 0' $P/result || { cat $P/result; return 1; }
}
run "threads that check what they read" eval 'load_up bytes=16M threads=3; goes_on 100'
run "a crowd of large messages beside them" crowd
run "blocks went back with their memory" at_least reclaimed 60
run "the load goes on" goes_on 100
peak() {
	/src/build/rspctl svc
	[ "$(/src/build/rspctl -j svc | jq '[.[] | select(.name | startswith("perf-")) | .peak_bytes] | max')" -gt 1048576 ]
}
run "the messages had more than their reserve" peak

quota() {
	load buf_quota quota_mb=1 && crowd && goes_on 300 && dm message "$C" 0 drop && goes_on 600 &&
		/src/build/rspctl svc && [ "$(held_by cache)" -le $((1048576 + 262144)) ] && [ "$(held_by cache)" -ge 524288 ]
}
run "a quota holds for the cache" quota
unload buf_quota
fair() {
	load buf_fair && crowd && goes_on 300 && active buf buf_fair || { $POL show; return 1; }
}
run "a fair share does, and the policy stays in force" fair
unload buf_fair
run "nothing wrong was read" load_down
run "the device has what was seen" same
finish
