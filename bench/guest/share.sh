#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run in a lab guest by bench/share: NFS and iSER alone and together under one small pool, with one buffer
# policy after the other, in one boot.
#
# usage: guest/share.sh "POLICY..." REPEATS SECONDS POOL_MB
#
#	mount, nconnect=$NCONNECT    (nfs-client) --- rxe0, loopback --- nfsd (nfs-server)
#	open-iscsi, $SESSIONS sessions     (iser)  --- the same       --- LIO (iser-target)
set -u
. "$(dirname "$0")/lib.sh"
read -ra policies <<<"$1"
repeats=$2 seconds=$3 pool_mb=$4
NCONNECT=${NCONNECT:-8} SESSIONS=${SESSIONS:-8}
export PATH=$BENCH/../build:$PATH
HELD=$BENCH/../build/bench/held
M=/mnt/share disks=()

# many writers, 1 MiB each: nfsd pulls them into 64 KiB buffers of the pool
nfs_load() {
	fio --name=nfs --directory=$M --nrfiles=1 --size=16m --rw=randwrite --bs=${NFS_BS:-1m} --iodepth=${NFS_QD:-16} \
		--numjobs=${NFS_JOBS:-2} "$@"
}
# small: 2 KiB writes, each copied into a 4 KiB buffer (larger ones are gathered from their pages)
iser_load() {
	local d args=()
	for d in "${disks[@]}"; do
		args+=("--name=$(basename "$d")" "--filename=$d")
	done
	fio --size=64m --rw=randwrite --bs=${ISER_BS:-2k} --iodepth=${ISER_QD:-64} "$@" "${args[@]}"
}
common=(--ioengine=libaio --direct=1 --time_based --randseed=23 --output-format=json --group_reporting)

setup() {
	modprobe rsp "pool_mb=$pool_mb" || return
	rxe_dummy 9000 && nfs_transport rsp || return
	nfs_server_up threads=8 size=256M block=1048576 || return
	mkdir -p $M
	nfs_mount $M "hard,nconnect=$NCONNECT" || return
	iscsi_target rsp && iscsi_target_up addr=10.9.0.1 mb=64 && iscsi_initiator_up rsp || return
	sessions_in "$SESSIONS" node.session.queue_depth 64
}

teardown() {
	umount $M
	iscsiadm -m session -u >/dev/null
	services_off
}

# to POLICY: from the one before
in_force=builtin
to() {
	local knobs=()
	[ "$1" != "$in_force" ] || return 0
	[ "$1" != buf_quota ] || knobs=(set quota_mb 1)
	if [ "$1" != builtin ]; then
		rspctl policy load "$POLICIES/$1.bpf.o" "${knobs[@]}" >/tmp/to 2>&1 || bench_die "$(cat /tmp/to)"
	fi
	[ "$in_force" = builtin ] || rspctl policy unload "$in_force" >/tmp/to 2>&1 || bench_die "$(cat /tmp/to)"
	in_force=$1
}

# measure POLICY CELL ROUND: the loads that CELL names, what each moved, what each service held
measure() {
	local n pids=() rc=0
	rm -f /tmp/nfs.json /tmp/iser.json
	$HELD 50 >/tmp/held.jsonl &
	local sampler=$!
	[[ $2 != *NFS* ]] || { nfs_load "${common[@]}" --runtime="$seconds" --output=/tmp/nfs.json >/tmp/nfs.err 2>&1 & pids+=($!); }
	[[ $2 != *iSER* ]] || { (cd /tmp && iser_load "${common[@]}" --runtime="$seconds" --output=/tmp/iser.json >/tmp/iser.err 2>&1) & pids+=($!); }
	for n in "${pids[@]}"; do
		wait "$n" || rc=1
	done
	kill $sampler
	wait $sampler 2>/dev/null
	[ $rc = 0 ] || cat /tmp/nfs.err /tmp/iser.err >&2
	for n in nfs iser; do
		[ -e /tmp/$n.json ] && sed -n '/^{/,$p' /tmp/$n.json || echo '{"jobs": []}'
	done | jq -sc --argjson rc $rc --slurpfile held /tmp/held.jsonl '
		def of(s): [$held[] | .[s].held // 0] | sort | {min: first, median: .[length / 2 | floor], max: last};
		def more(s; f): ($held | last | .[s][f]) - ($held | first | .[s][f]);
		def io(j): if (j | length) == 0 then {} else {
			iops: ([j[].write.iops] | add), bytes_per_s: ([j[].write.bw_bytes] | add),
			lat_ns_p99: ([j[].write.clat_ns.percentile["99.000000"]] | max)} end;
		(io(.[0].jobs) | with_entries(.key |= "nfs_" + .)) + (io(.[1].jobs) | with_entries(.key |= "iser_" + .)) +
		([("nfs-client", "nfs-server", "iser", "iser-target", "recv") as $s | of($s) | to_entries[] |
			{key: "\($s)_held_bytes_\(.key)", value: .value}] | from_entries) +
		([("nfs-client", "nfs-server", "iser", "iser-target", "recv") as $s |
			{key: "\($s)_refused", value: more($s; "refused")}, {key: "\($s)_starved", value: more($s; "starved")}] | from_entries) +
		{pool_bytes_max: ([$held[].pool] | max), errors: ([.[].jobs[].error] | add + $rc), samples: ($held | length)}' >/tmp/cell.json
	record "$2" "$1" "$3" "$(cat /tmp/cell.json)"
	progress "$1, $2: $(jq -c '{nfs: .nfs_iops, iser: .iser_iops, pool: .pool_bytes_max}' /tmp/cell.json)"
}

: >"$OUT"
setup >/tmp/setup 2>&1 || { cat /tmp/setup >&2; bench_die "no mount and disks"; }
for ((r = 1; r <= repeats; r++)); do
	for p in "${policies[@]}"; do
		to "$p"
		for cell in "NFS alone" "iSER alone" "NFS and iSER"; do
			measure "$p" "$cell" "$r"
		done
	done
done
to builtin
teardown >/tmp/teardown 2>&1 || { cat /tmp/teardown >&2; bench_die "something stays"; }
kernel_is_content
