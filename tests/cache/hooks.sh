#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each hook of the cache family is reached; what rspctl, kfuncs and trace events say of a cache agrees with
# dmsetup; a policy that answers badly is ejected; policies are swapped under load: no byte is wrong meanwhile.
# topology: loop
# timeout: 400
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../policy/lib.sh"
need root module:rsp_cache module:scsi_debug tool:dmsetup tool:jq tool:bpftool file:/src/build/rspctl
plan 22
PATH=/src/build:$PATH
modprobe rsp_cache
pins_up
defer pins_down
run "a device and a cache" eval "dev_up scsi512 16 && cache_up 640K"
run "noop_cache registers" load noop_cache
TRACE=/sys/kernel/tracing
tracing() {
	mountpoint -q $TRACE || mount -t tracefs tracefs $TRACE
	echo 0 >$TRACE/events/rsp/enable && echo >$TRACE/trace && for e in insert remove touch; do
		echo "$1" >$TRACE/events/rsp/rsp_cache_$e/enable || return
	done
}
some() {
	tracing 1 && workout bytes=1M threads=3 ops=811 discard=1 && tracing_off
}
tracing_off() {
	cp $TRACE/trace "$T/trace" && tracing 0
}
run "a load" some
i=0
for hook in admit touch evict insert remove; do
	reached() {
		[ "$(stat_of noop_cache $i)" -gt 0 ]
	}
	run "rsp_cache_ops.$hook is called" reached
	i=$((i + 1))
done
unclamped() {
	$POL show | grep ' noop_cache active .* clamps=0 '
}
run "noop_cache was never out of range" unclamped
events() {
	local e
	for e in "rsp_cache_insert: cache=1 block=[0-9]* list=0" "rsp_cache_remove: .* why=evicted" \
		 "rsp_cache_remove: .* why=invalidated" "rsp_cache_touch: cache=1 nr="; do
		grep -q "$e" "$T/trace" || { echo "no $e"; head -n 20 "$T/trace"; return 1; }
	done
}
run "trace events: inserts, removals, touches" events
shown() {
	local want
	rspctl -j cache >"$T/cache" || return
	want="$(figure hits) $(figure misses) $(figure inserts) $(figure updates) $(figure evictions) $(figure invalidations) $(figure held) $(figure blocks)"
	is "$(jq -r '.[0] | "\(.nr_hit) \(.nr_miss) \(.nr_insert) \(.nr_update) \(.nr_evict) \(.nr_invalidate) \(.held_bytes) \(.nr_in | add)"' "$T/cache")" "$want" &&
		is "$(jq -r '.[0].dev' "$T/cache")" "$(cat "/sys/block/${D#/dev/}/dev")" &&
		is "$(jq -r '.[0].below' "$T/cache")" "$(cat "/sys/block/${DEV#/dev/}/dev")" &&
		is "$(jq 'length' "$T/cache")" 1 && is "$(rspctl -j cache id 4711)" "[]" && rspctl cache | grep -q 640
}
run "rspctl cache says what dmsetup says" shown
run "kfuncs and the iterator agree" $POL walk

run "threads that check what they read" eval 'load_up bytes=1M threads=3 discard=1; goes_on 100'
# ejects MODE KIND TEXT [KNOB...]: chaos_cache on top of noop_cache
ejects() {
	local mode=$1 kind=$2 text=$3
	shift 3
	load chaos_cache "mode=$mode" "$@" && wait_for 60 active cache noop_cache &&
		is "$(state cache chaos_cache)" dead && ended cache chaos_cache "$kind" "$text" && goes_on 50
	local rc=$?
	unload chaos_cache
	return $rc
}
run "always the largest number ejects" ejects 3 range answered
run "random numbers eject" ejects 4 range answered
run "blocks that go round for ever eject" ejects 8 range "without end"
run "asking for it ejects" ejects 5 self "chaos has seen enough" after=97
rare() {
	load chaos_cache mode=9 after=1000 && goes_on 300 && active cache chaos_cache && is "$(stat_of chaos_cache 3)" 0 &&
		[ "$(stat_of chaos_cache 2)" -gt 0 ]
}
run "a rare bad answer is forgiven, priv[] was zero" rare
unload chaos_cache
storm() {
	$POL storm 200 "$POLICIES"/cache_{lru,s3fifo,tinylfu,scan}.bpf.o >"$T/storm" && goes_on 50 &&
		is "$(jq -s 'map(.swaps) | add' "$T/storm")" 200
}
run "200 swaps under the load" storm
nobody_ejected() {
	! $POL show | grep -E ' cache_.*kind=(self|range|stall)'
}
run "nobody was ejected" nobody_ejected
run "nothing wrong was read" load_down
run "the device has what was seen" same
finish
