#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every policy we ship carries NFS traffic, and 200 swaps of every family under fio with checksums
# cost neither an I/O nor a byte.
#
#	client (mount) --- rxe0 10.9.0.1, loopback --- nfsd
#
# topology: loop
# timeout: 600
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp_nfs tool:fio tool:jq
shipped=()
for obj in "$POLICIES"/*.bpf.o; do
	name=$(basename "$obj" .bpf.o)
	[[ $name == chaos_* ]] || shipped+=("$name")
done
plan $((${#shipped[@]} + 7))
modprobe rsp
pins_up
defer pins_down
rxe_dummy 9000
defer rxe_down
nfs_transport rsp
run "NFS server over RSP" nfs_server_up
defer nfs_server_down
run "mount" nfs_mount /mnt
defer umount /mnt

carries() {
	local family=${1%%_*}
	[ "$family" != noop ] || family=${1#noop_}
	load "$1" && active "$family" "$1" && fio_verify /mnt 4m && active "$family" "$1" || return
	$POL show | grep " $1 active .* clamps=0 " || return
	unload "$1" && wait_for 5 active "$family" builtin
}
for name in "${shipped[@]}"; do
	run "$name carries traffic, never corrected" carries "$name"
done

# fio with checksums goes on until the storm is over
fio_until() {
	local pid rc=0
	fio --name=storm --directory=/mnt --ioengine=libaio --direct=1 --rw=randrw --bsrange=4k-256k \
		--size=16m --iodepth=8 --verify=crc32c --verify_fatal=1 --verify_backlog=64 \
		--time_based --runtime=600 --output-format=json >"$T/fio.raw" 2>"$T/fio.err" &
	pid=$!
	"$@" || rc=1
	kill -0 $pid || { echo "fio ended early"; rc=1; }
	kill -INT $pid
	# fio answers a signal with a non-zero code: what counts is in its report
	wait $pid
	sed -n '/^{/,$p' "$T/fio.raw" >"$T/fio.json"
	jq -e '[.jobs[].error] | add == 0' "$T/fio.json" || { cat "$T/fio.err"; rc=1; }
	jq -e '[.jobs[] | .read.total_ios, .write.total_ios] | min > 0' "$T/fio.json" || rc=1
	return $rc
}
storm() {
	$POL storm "$1" "$POLICIES"/{buf_quota,buf_fair,buf_demand,flow_fixed,flow_aimd,flow_delay}.bpf.o \
		"$POLICIES"/{ep_shared,ep_mux,ep_private,ep_apart,ep_two}.bpf.o >"$T/storm"
}
run "200 swaps of every family under fio" fio_until storm 200
diag "$(cat "$T/storm" 2>/dev/null)"
diag "$(fio_line "$T/fio.json" 2>/dev/null)"
all_swapped() { is "$(jq -s 'map(.swaps) | add' "$T/storm")" 600; }
run "all of them took place" all_swapped
run "nobody was ejected" not eval "$POL show | grep -E 'kind=(self|range|stall)'"
run "data is right afterwards" fio_verify /mnt 8m

# a policy that is ejected under load while another one waits below it
ejected() {
	load flow_aimd && load chaos_flow mode=4 && wait_for 20 active flow flow_aimd &&
		unload chaos_flow && unload flow_aimd
}
run "a bad policy is ejected under fio" fio_until ejected
finish
