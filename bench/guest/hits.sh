#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run in a lab guest by bench/hits.
#
# usage: guest/hits.sh REPEATS READS "CONTENDER..."
#
#	fio --- rsp-cache, 4 MiB --- null_blk, 64 MiB, 500 us
#
# Each run begins with an empty cache.
set -u
. "$(dirname "$0")/lib.sh"
repeats=$1 reads=$2
read -ra contenders <<<"$3"

# measure CELL JOB QD
measure() {
	local hit miss
	rm -f /tmp/hits.stat0
	# processor time from the first job's begin to the last one's end
	sed 's:^\[global\]$:&\nexec_prerun=[ -e /tmp/hits.stat0 ] || cp /proc/stat /tmp/hits.stat0\nexec_postrun=cp /proc/stat /tmp/hits.stat1:' \
		"$BENCH/fio/cache/$2.fio" >/tmp/hits.fio
	FILE=$FILE QD=$3 KIB=$((reads * 4)) QUARTER=$reads env -C /tmp fio --output-format=json --output=/tmp/hits.json \
		--percentile_list=50:99 /tmp/hits.fio >/tmp/hits.err 2>&1 || return
	hit=0 miss=0
	[ "$FILE" = "$DEV" ] || { hit=$(dm_figure hits hits) miss=$(dm_figure hits misses); }
	# scan: how fast the hot set is, beside it. shift: its parts are one after the other
	record "$1" "$c" "$r" "$(sed -n '/^{/,$p' /tmp/hits.json | jq -c --argjson hit "$hit" --argjson miss "$miss" \
		--argjson cpu $(($(cpu_ticks </tmp/hits.stat1) - $(cpu_ticks </tmp/hits.stat0))) '
		[.jobs[].read] as $all | ($all | if length == 4 then . else .[:1] end) as $hot |
		$hot[0].clat_ns.percentile as $lat |
		{iops: (([$hot[].total_ios] | add) * 1000 / ([$hot[].runtime] | add)),
		lat_ns_p50: $lat["50.000000"], lat_ns_p99: $lat["99.000000"],
		cpu_ns_per_io: ($cpu * 1e7 / ([$all[].total_ios] | add))} +
		if $hit + $miss > 0 then {hit_percent: (100 * $hit / ($hit + $miss))} else {} end')"
}

# one: all cells of contender $c in round $r
one() {
	local cell job qd
	case $c in
	device | builtin) ;;
	*) policy_on cache "$c" || return ;;
	esac
	for cell in zipf09:8 zipf11:8 scan:8 shift:8 zipf11:1; do
		IFS=: read -r job qd <<<"$cell"
		FILE=$DEV
		if [ "$c" != device ]; then
			dm create hits --table "0 $(blockdev --getsz "$DEV") rsp-cache $DEV 4M" || return
			FILE=$(dm_dev hits)
		fi
		measure "$job QD$qd" "$job" "$qd" || return
		[ "$c" = device ] || dm remove hits || return
	done
	policy_off cache
}

setup() {
	modprobe rsp_cache && null_dev_up hits 64 completion_nsec=500000 irqmode=2 || return
	DEV=$(null_dev hits)
	[ -b "$DEV" ]
}

: >"$OUT"
setup || bench_die "no device to cache"
for ((r = 1; r <= repeats; r++)); do
	for c in "${contenders[@]}"; do
		one || bench_die "$c failed: $(cat /tmp/hits.err)"
		progress "round $r of $repeats: $c done"
	done
done
null_dev_down hits
modprobe -r null_blk rsp_cache
rsp_unload
kernel_is_content
