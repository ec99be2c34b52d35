#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What bench/demo runs in the guest: guest/demo.sh "SERVICE..." FAMILY "POLICY..."; builtin is one of them.
set -u
. "$(dirname "$0")/lib.sh"
read -ra services <<<"$1"
family=$2
read -ra policies <<<"$3"
cells="randread-4k:8:${IOS:-2000} randwrite-4k:8:${IOS:-2000} read-1m:4:48 write-1m:4:48"

# measure CONTENDER: the four cells
measure() {
	local cell job qd ios figures
	fio_cell randread-4k 8 100 >/dev/null
	for cell in $cells; do
		IFS=: read -r job qd ios <<<"$cell"
		figures=$(fio_cell "$job" "$qd" "$ios")
		record "$(${SERVICE}_title) $job qd$qd" "$1" 1 "$figures"
		progress "$(${SERVICE}_title), $1: $job $(jq -r '"\(.iops | floor) IOPS, \(.errors) errors"' <<<"$figures")"
	done
}

# active: name of the policy in force
active() {
	rspctl -j policy show | jq -r --arg f "$family" \
		'[.. | objects | select(.family? == $f and (.active? // .is_active?))][0].name'
}

# swap_ms: what the last activation took
swap_us() {
	rspctl -j policy show | jq -r --arg f "$family" \
		'[.. | objects | select(.family? == $f and (.active? // .is_active?))][0].swap_ns / 1000 | floor'
}

# swap_to POLICY: while fio runs with checksums. The first registration is bpftool's, to show
# that it is all it takes; then rspctl, which puts the new one in force before the old one goes.
swap_to() {
	local pid rc=0 us=null first=
	FILE=$FILE QD=8 RUNTIME=6 timeout 120 fio --output-format=json --output=/tmp/verify.json \
		"$BENCH/fio/verify.fio" >/tmp/verify.err 2>&1 &
	pid=$!
	sleep 2
	if [ "$1" = builtin ]; then
		:
	elif [ -z "$registered" ]; then
		registered=$1
		first=1
		policy_on "$family" "$1" || bench_die "bpftool cannot register $1"
	else
		rspctl policy swap "$POLICIES/$1.bpf.o" || bench_die "rspctl cannot swap to $1"
		policy_off "$family"	# bpftool's, which waited below
	fi
	[ "$1" = builtin ] || us=$(swap_us)
	sleep 1
	wait $pid || rc=$?
	[ $rc = 0 ] || tail -n 5 /tmp/verify.err >&2
	record "$(${SERVICE}_title) swapped in under fio --verify" "$1" 1 \
		"$(sed -n '/^{/,$p' /tmp/verify.json | jq -c --argjson rc $rc --argjson us "$us" \
			'{errors: (.jobs[0].error + $rc), swap_us: $us,
			  bytes_per_s: .jobs[0].write.bw_bytes, verified_bytes: .jobs[0].read.io_bytes}')"
	if [ "$1" = builtin ]; then
		progress "builtin: fio --verify ran, exit code $rc"
	else
		progress "$1: swapped in by $([ -n "$first" ] && echo "bpftool struct_ops register" ||
			echo "rspctl policy swap") in $us us under fio --verify, exit code $rc; active: $(active)"
	fi
}

show() {
	echo
	echo "\$ $*"
	"$@" >/tmp/show 2>&1
	head -n "${LINES_MAX:-30}" /tmp/show
	[ "$(wc -l </tmp/show)" -le "${LINES_MAX:-30}" ] || echo "..."
}

# look: what there is to see: the policy's own maps, the observers' maps, rspctl's view of both
look() {
	rspctl observe on >/dev/null || bench_die "observers do not start"
	FILE=$FILE QD=8 RUNTIME=3 fio "$BENCH/fio/verify.fio" >/dev/null || bench_die "fio failed"
	show rspctl policy show
	show rspctl policy show "$1"
	LINES_MAX=16 show bpftool map dump pinned "/sys/fs/bpf/rsp/maps/$1/stats"
	LINES_MAX=16 show bpftool map dump pinned /sys/fs/bpf/rsp/observe/chan
	show rspctl observe show svc "$("${SERVICE}_svc")"
	show rspctl -j pool show
	rspctl observe off >/dev/null
}

# demo SERVICE: over RSP with each policy, then over the stock transport and TCP
demo() {
	local p last
	bench_service "$1"
	"${SERVICE}_begin"
	contender_to rsp
	progress "$(${SERVICE}_title) over RSP: $FILE"
	registered=
	for p in "${policies[@]}"; do
		swap_to "$p"
		measure "$p"
		last=$p
	done
	[ "$last" = builtin ] || [ "$1" != "${services[-1]}" ] || look "$last"
	contender_off
	rspctl policy unload "$last" >/dev/null 2>&1
	contender_to stock
	measure stock
	contender_to tcp
	measure tcp
	contender_off
	"${SERVICE}_end"
}

: >"$OUT"
rxe_dummy 9000 || bench_die "no RDMA device"
for s in "${services[@]}"; do
	demo "$s"
done
kernel_is_content
