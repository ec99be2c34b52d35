#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run in a lab guest by bench/mix: small reads over NFS beside 1 MiB writes over iSER, and many sessions with
# little to do each, with one endpoint policy after the other, in one boot.
#
# usage: guest/mix.sh "POLICY[:KNOB=VALUE]..." REPEATS SECONDS "SESSIONS..."
#
#	mount                (nfs-client) --- rxe0, loopback --- nfsd (nfs-server)
#	open-iscsi, sessions       (iser) --- the same       --- LIO (iser-target)
set -u
. "$(dirname "$0")/lib.sh"
read -ra policies <<<"$1"
repeats=$2 seconds=$3
read -ra counts <<<"$4"
export PATH=$BENCH/../build:$PATH
M=/mnt/mix disks=()
common=(--ioengine=libaio --direct=1 --time_based --randseed=23 --output-format=json --group_reporting
	--runtime="$seconds" --percentile_list=50:99:99.9)

setup() {
	modprobe rsp && rxe_dummy 9000 && nfs_transport rsp || return
	nfs_server_up threads=8 size=256M block=1048576 || return
	dd if=/dev/zero of=/exp/mix bs=1M count=64 status=none || return
	mkdir -p $M
	iscsi_target rsp && iscsi_target_up addr=10.9.0.1 mb=64 && iscsi_initiator_up rsp
}

# to POLICY: from the one before, while nothing is connected
in_force=builtin
to() {
	local name=${1%%:*} knobs=()
	[ "$1" != "$in_force" ] || return 0
	[ "$in_force" = builtin ] || rspctl policy unload "${in_force%%:*}" >/tmp/to 2>&1 || bench_die "$(cat /tmp/to)"
	in_force=$1
	[ "$1" != builtin ] || return 0
	[[ $1 != *:* ]] || { IFS='=,' read -ra knobs <<<"${1#*:}"; knobs=(set "${knobs[@]}"); }
	rspctl policy load "$POLICIES/$name.bpf.o" "${knobs[@]}" >/tmp/to 2>&1 || bench_die "$(cat /tmp/to)"
}

leave() {
	umount $M 2>/dev/null
	! iscsiadm -m session >/dev/null 2>&1 || iscsiadm -m session -u >/dev/null
	iscsiadm -m node -o delete >/dev/null
	# the next one shall find nothing of this one's
	wait_until 60 no_chan
}
no_chan() {
	[ "$(rspctl -j chan | jq length)" = 0 ]
}

# small ARGUMENT..., large ARGUMENT...: the two loads
small() {
	fio --name=small --filename=$M/mix --size=64m --rw=randread --bs=4k --iodepth=2 "${common[@]}" "$@"
}
large() {
	(cd /tmp && exec fio --name=large --filename="${disks[0]}" --size=64m --rw=write --bs=1m --iodepth=8 "${common[@]}" "$@")
}

# io FILE: what fio says, both directions together
io() {
	sed -n '/^{/,$p' "$1" | jq -c '[.jobs[] | .read, .write] | map(select(.total_ios > 0)) | {
		iops: (map(.iops) | add), bytes_per_s: (map(.bw_bytes) | add),
		lat_ns_p50: (map(.clat_ns.percentile["50.000000"]) | max), lat_ns_p99: (map(.clat_ns.percentile["99.000000"]) | max),
		lat_ns_p999: (map(.clat_ns.percentile["99.900000"]) | max)}'
}

# mixed POLICY ROUND: the small ones alone, and beside the large ones
mixed() {
	local rc=0
	nfs_mount $M hard >/tmp/mount 2>&1 && sessions_in 1 >/tmp/login 2>&1 || return
	small --output=/tmp/small.json >/tmp/small.err 2>&1 || return
	record "4 KiB reads alone" "$1" "$2" "$(io /tmp/small.json | jq -c 'with_entries(.key |= "small_" + .)')"
	large --output=/tmp/large.json >/tmp/large.err 2>&1 &
	small --output=/tmp/small.json >/tmp/small.err 2>&1 || rc=1
	wait $! || rc=1
	record "beside 1 MiB writes" "$1" "$2" "$({ io /tmp/small.json; io /tmp/large.json; } | jq -sc '
		(.[0] | with_entries(.key |= "small_" + .)) + (.[1] | with_entries(.key |= "large_" + .))')"
	leave && return $rc
}

free_bytes() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^MemFree/ { printf "%.0f\n", $2 * 1024 }' /proc/meminfo
}
objects() {
	rdma resource show | awk '{ for (i = 1; i < NF; i++) if ($i == "'"$1"'") n += $(i + 1) } END { print n + 0 }'
}

# many POLICY ROUND SESSIONS: so many sessions, from none
many() {
	local free qp cq begun ended args=() d pool
	free=$(free_bytes) qp=$(objects qp) cq=$(objects cq) pool=$(pool_bytes)
	begun=$(date +%s%N)
	sessions_in "$3" >/tmp/login 2>&1 || return
	ended=$(date +%s%N)
	free=$((free - $(free_bytes))) qp=$(($(objects qp) - qp)) cq=$(($(objects cq) - cq)) pool=$(($(pool_bytes) - pool))
	for d in "${disks[@]}"; do
		args+=("--name=$(basename "$d")" "--filename=$d")
	done
	(cd /tmp && exec fio --size=64m --rw=randread --bs=4k --iodepth=1 "${common[@]}" --output=/tmp/many.json "${args[@]}") \
		>/tmp/many.err 2>&1 || return
	record "$3 sessions" "$1" "$2" "$(io /tmp/many.json | jq -c --argjson qp $qp --argjson cq $cq --argjson used $free --argjson pool $pool \
		--argjson ns $(((ended - begun) / $3)) '{many_iops: .iops, many_lat_ns_p99: .lat_ns_p99, qps: $qp, cqs: $cq, used_bytes: $used,
		pool_bytes: $pool, login_ns: $ns}')"
	leave
}

: >"$OUT"
setup >/tmp/setup 2>&1 || { cat /tmp/setup >&2; bench_die "no server and target"; }
for ((r = 1; r <= repeats; r++)); do
	for p in "${policies[@]}"; do
		to "$p"
		mixed "$p" "$r" || { cat /tmp/*.err /tmp/mount /tmp/login >&2; bench_die "$p: mixed loads failed"; }
		progress "round $r of $repeats, $p: small and large"
		for n in "${counts[@]}"; do
			# too many for a policy is a result, too: ep_private's receives for 64 sessions are more than the pool
			if many "$p" "$r" "$n"; then
				progress "round $r of $repeats, $p: $n sessions"
			else
				progress "round $r of $repeats, $p: $n sessions failed: $(cat /tmp/many.err /tmp/login | tail -n 1)"
				record "$n sessions" "$p" "$r" '{"failed": 1}'
				leave || bench_die "sessions stay"
			fi
		done
	done
done
to builtin
services_off >/tmp/teardown 2>&1 || { cat /tmp/teardown >&2; bench_die "something stays"; }
kernel_is_content
