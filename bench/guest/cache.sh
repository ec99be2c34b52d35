#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run in a lab guest by bench/cache.
#
# usage: guest/cache.sh REPEATS IOS
#
#	iser	disk --- rxe0, loopback --- LIO iblock --- null_blk
#	target	disk --- rxe0, loopback --- LIO iblock --- rsp-cache, publish --- null_blk
#	peer	rsp-cache, peer, shared --- the disk of target
#	cold	as target, where the cache has next to nothing
#	miss	rsp-cache, peer, shared --- the disk of cold
set -u
. "$(dirname "$0")/lib.sh"
repeats=$1 ios=$2
export PATH=$BENCH/../build:$PATH
KEY=0x5eedf00d00000000 LOW='' UP='' DISK=''

setup() {
	modprobe rsp_cache && rxe_dummy 9000 && iscsi_target rsp && iscsi_target_up addr=10.9.0.1 mb=16 &&
		iscsi_initiator_up rsp && null_dev_up bench 64 || return
	DEV=$(null_dev bench)
	[ -b "$DEV" ]
}

# serve [SIZE]: the device as unit 1, with a published cache of that size if there is one; then log in
serve() {
	local below=$DEV
	if [ -n "${1:-}" ]; then
		dm create low --table "0 $(blockdev --getsz "$DEV") rsp-cache $DEV $1 2 publish $KEY" || return
		LOW=1 below=$(dm_dev low)
	fi
	iscsi_block_up 1 "$below" || return
	iscsi_login 10.9.0.1 iser >/tmp/login 2>&1 && wait_until 30 has_unit || return
	DISK=$(iscsi_disk 1)
	echo none >"/sys/block/${DISK#/dev/}/queue/scheduler"
}
has_unit() {
	iscsi_disk 1 >/dev/null
}
leave() {
	[ -z "$UP" ] || dm remove up || return
	iscsi_logout >/tmp/logout 2>&1
	iscsi_block_down 1 || return
	[ -z "$LOW" ] || dm remove low || return
	UP='' LOW=''
}
peered() {
	reads 8 100 >/dev/null 2>&1 && [ "$(figure peer_hits)" -gt 0 ]
}
figure() {
	dmsetup status up 2>/dev/null | awk -v f="$1" '{ for (i = 4; i < NF; i += 2) if ($i == f) print $(i + 1) }'
}
reads() {	# reads QD IOS: of 2 MiB
	(cd /tmp && fio --name=reads --filename="$FILE" --size=2m --rw=randread --bs=4k --iodepth="$1" --io_size=$(($2 * 4))k \
		--ioengine=libaio --direct=1 --randseed=23 --output-format=json --percentile_list=50:99 \
		--output=/tmp/reads.json) >/tmp/reads.err 2>&1
}
measure() {	# measure CONTENDER ROUND
	local qd before cpu hits
	for qd in 1 8 32; do
		before=$(cpu_ticks </proc/stat) hits=$(figure peer_hits)
		reads $qd "$ios" || return
		cpu=$(($(cpu_ticks </proc/stat) - before)) hits=$(($(figure peer_hits) - ${hits:-0}))
		record "4k randread QD$qd" "$1" "$2" "$(sed -n '/^{/,$p' /tmp/reads.json | jq -c --argjson cpu $cpu --argjson hits $hits '
			.jobs[0].read | {iops, lat_ns_p50: .clat_ns.percentile["50.000000"], lat_ns_p99: .clat_ns.percentile["99.000000"],
			cpu_ns_per_io: ($cpu * 1e7 / .total_ios), peer_share: (100 * $hits / .total_ios)}')"
	done
}

one() {	# one CONTENDER ROUND
	case $1 in
	iser) serve ;;
	target | peer) serve 4M ;;
	cold | miss) serve 64K ;;
	esac || return
	FILE=$DISK
	reads 8 3000 || return		# the target's cache is warm
	case $1 in
	peer | miss)
		dm create up --table "0 $(blockdev --getsz "$DISK") rsp-cache $DISK 64K 4 peer 10.9.0.1 $KEY shared" || return
		UP=1 FILE=$(dm_dev up)
		[ "$1" = miss ] || wait_until 600 peered || return
		reads 8 3000 || return ;;
	esac
	measure "$1" "$2" && leave
}

: >"$OUT"
setup || bench_die "no device, target or initiator"
for ((r = 1; r <= repeats; r++)); do
	for c in iser target peer cold miss; do
		progress "round $r of $repeats, $c"
		one $c $r || bench_die "$c failed: $(cat /tmp/reads.err /tmp/login)"
	done
done
null_dev_down bench
modprobe -r null_blk
services_off
kernel_is_content
