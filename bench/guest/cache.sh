#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run in lab guests by bench/cache.
#
# usage: guest/cache.sh loop REPEATS IOS		all of it in one guest
#        guest/cache.sh STEP [ARGUMENT...]	one of the functions named in steps below, at one end of a pair
#
#	iser	disk --- rdma_rxe --- LIO iblock --- null_blk
#	target	disk --- rdma_rxe --- LIO iblock --- rsp-cache, publish --- null_blk
#	peer	rsp-cache, peer, shared --- the disk of target
#	cold	as target, where the cache has next to nothing
#	miss	rsp-cache, peer, shared --- the disk of cold
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export PATH=$BENCH/../build:$PATH
KEY=0x5eedf00d00000000
CONTENDERS="iser target peer cold miss"
steps="target_up target_down initiator_up initiator_down serve serve_no_more use use_no_more reads_json"

# ---- the target -----------------------------------------------------------------------------

target_up() {
	modprobe rsp_cache && iscsi_target rsp && iscsi_target_up addr=10.9.0.1 mb=16 && null_dev_up bench 64 &&
		[ -b "$(null_dev bench)" ]
}
target_down() {
	null_dev_down bench && modprobe -r null_blk
	iscsi_target_down && rsp_unload
}

# serve CONTENDER: the device as unit 1, with a published cache over it or without
serve() {
	local dev size
	dev=$(null_dev bench)
	case $1 in
	iser)
		iscsi_block_up 1 "$dev"
		return ;;
	target | peer) size=4M ;;
	cold | miss) size=64K ;;
	esac
	dm create low --table "0 $(blockdev --getsz "$dev") rsp-cache $dev $size 2 publish $KEY" &&
		iscsi_block_up 1 "$(dm_dev low)"
}
serve_no_more() {
	iscsi_block_down 1 || return
	! dmsetup info low >/dev/null 2>&1 || dm remove low
}

# ---- the initiator --------------------------------------------------------------------------

initiator_up() {
	modprobe rsp_cache && iscsi_initiator_up rsp
}
initiator_down() {
	iscsi_initiator_down && rsp_unload
}

# use CONTENDER: log in; what reads_json reads is warm as far as it can be
use() {
	local disk
	iscsi_login 10.9.0.1 iser >/tmp/login 2>&1 && wait_until 30 has_unit || return
	disk=$(iscsi_disk 1)
	echo none >"/sys/block/${disk#/dev/}/queue/scheduler"
	reads "$disk" 8 3000 || return
	case $1 in
	peer | miss)
		dm create up --table "0 $(blockdev --getsz "$disk") rsp-cache $disk 64K 4 peer 10.9.0.1 $KEY shared" || return
		[ "$1" = miss ] || wait_until 600 peered || return
		reads "$(dm_dev up)" 8 3000 ;;
	esac
}
use_no_more() {
	! dmsetup info up >/dev/null 2>&1 || dm remove up || return
	iscsi_logout >/tmp/logout 2>&1
}
has_unit() {
	iscsi_disk 1 >/dev/null
}
peered() {
	reads "$(dm_dev up)" 8 100 >/dev/null 2>&1 && [ "$(figure peer_hits)" -gt 0 ]
}
figure() {
	dm_figure up "$1" 2>/dev/null
}
# reads FILE QD IOS: of 2 MiB. Job 0 goes before: what was idle while fio began has its leases again behind it
reads() {
	(cd /tmp && fio --name=global --filename="$1" --size=2m --rw=randread --bs=4k --iodepth="$2" \
		--ioengine=libaio --direct=1 --randseed=23 --output-format=json --percentile_list=50:99 --output=/tmp/reads.json \
		--name=warm --time_based --runtime=600ms --name=reads --stonewall --io_size=$(($3 * 4))k) >/tmp/reads.err 2>&1
}
# reads_json QD IOS: what came of so many, in a line
reads_json() {
	local before hits cpu file
	file=$(iscsi_disk 1)
	! dmsetup info up >/dev/null 2>&1 || file=$(dm_dev up)
	before=$(cpu_ticks </proc/stat) hits=$(figure peer_hits)
	reads "$file" "$1" "$2" || return
	cpu=$(($(cpu_ticks </proc/stat) - before)) hits=$(($(figure peer_hits) - ${hits:-0}))
	sed -n '/^{/,$p' /tmp/reads.json | jq -c --argjson cpu $cpu --argjson hits $hits '
		(.jobs | map(.read.total_ios) | add) as $all |
		.jobs[1].read | {iops, lat_ns_p50: .clat_ns.percentile["50.000000"], lat_ns_p99: .clat_ns.percentile["99.000000"],
		cpu_ns_per_io: ($cpu * 1e7 / $all), peer_share: (100 * $hits / $all), ios: $all}'
}

# ---- both in one guest ----------------------------------------------------------------------

# one CONTENDER ROUND IOS
one() {
	local qd json
	serve "$1" && use "$1" || return
	for qd in 1 8 32; do
		json=$(reads_json $qd "$3") || return
		record "4k randread QD$qd" "$1" "$2" "$json"
	done
	use_no_more && serve_no_more
}
loop() {	# loop REPEATS IOS
	local r c
	: >"$OUT"
	rxe_dummy 9000 && target_up && initiator_up || bench_die "no device, target or initiator"
	for ((r = 1; r <= $1; r++)); do
		for c in $CONTENDERS; do
			progress "round $r of $1, $c"
			one $c $r "$2" || return
		done
	done
	null_dev_down bench
	modprobe -r null_blk
	services_off
}

case " loop $steps " in
*" ${1:-} "*)
	"$@" || bench_die "$*: $(cat /tmp/reads.err /tmp/login 2>/dev/null)"
	kernel_is_content ;;
*)
	echo "guest/cache.sh: loop, or one of $steps" >&2
	exit 2 ;;
esac
