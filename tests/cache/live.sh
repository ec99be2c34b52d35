#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# While threads check what they read, the cache is made smaller and larger, emptied, suspended, given another
# table, and taken away: nobody reads anything wrong, and the memory comes back.
# topology: loop
# timeout: 400
. "$(dirname "$0")/lib.sh"
need root module:rsp_cache module:scsi_debug tool:dmsetup tool:jq file:/src/build/rspctl
plan 15
modprobe rsp_cache
run "a device and a cache" eval "dev_up scsi512 16 && cache_up 1M"
run "a load" eval 'load_up bytes=2M threads=4 discard=1; goes_on 100'

# held_is BYTES: by the cache, and by the service, but for a buffer or two that lie idle
held_is() {
	is "$(figure held)" "$1" && [ "$(/src/build/rspctl -j svc svc cache | jq .[0].held_bytes)" -le $(($1 + 524288)) ]
}
resizes() {
	local i
	for i in {1..5}; do
		dm message "$C" 0 resize 64K && [ "$(figure held)" -le 65536 ] && dm message "$C" 0 resize 3M &&
			goes_on 50 && dm message "$C" 0 resize 512K && [ "$(figure held)" -le 524288 ] &&
			goes_on 50 || return
	done
}
run "resized again and again" resizes
run "and it is as large as it may be" wait_for 20 held_is 524288
drops() {
	local i
	dm message "$C" 0 resize 1M
	for i in {1..7}; do
		dm message "$C" 0 drop && goes_on 20 || return
	done
}
run "emptied again and again" drops
run "blocks went with their memory" at_least reclaimed 200
suspends() {
	local i
	for i in {1..5}; do
		dm suspend "$C" && is "$(figure held)" 0 && is "$(figure blocks)" 0 && dm resume "$C" && goes_on 20 || return
	done
}
run "suspended again and again, empty behind it" suspends
tables() {
	local i s
	s=$(sectors "$DEV")
	for i in 64K 2M 320K; do
		dm reload "$C" --table "0 $s rsp-cache $DEV $i 2 max_io 32K" && goes_on 20 && dm resume "$C" &&
			goes_on 50 || return
	done
}
run "tables reloaded" tables
to_linear() {
	local s
	s=$(sectors "$DEV")
	dm reload "$C" --table "0 $s linear $DEV 0" && dm resume "$C" && goes_on 100 &&
		dm reload "$C" --table "0 $s rsp-cache $DEV 1M" && dm resume "$C" && goes_on 100
}
run "taken out from under the load, and put in again" to_linear
two_halves() {
	local h
	h=$(($(sectors "$DEV") / 2))
	dm reload "$C" --table "0 2049 linear $DEV 0
2049 $((2 * h - 2049)) linear $DEV 2049" && dm resume "$C" && goes_on 50 &&
		dm reload "$C" --table "0 $((2 * h)) rsp-cache $DEV 640K" && dm resume "$C" && goes_on 50
}
run "exchanged for two segments" two_halves
run "busy: it cannot be removed" not dmsetup --noudevsync --noudevrules remove "$C"
run "nothing wrong was read" load_down
run "the device has what was seen" same
# changed: what is written to the device while the cache is suspended is what is read then
changed() {
	same && dm suspend "$C" && dd if=/dev/urandom of="$DEV" bs=64k count=40 seek=3 oflag=direct conv=notrunc status=none &&
		dm resume "$C" && same
}
run "changed while it is suspended: the new data is read" changed
removed() {
	cache_down && wait_for 10 no_memory
}
no_memory() {
	[ "$(/src/build/rspctl -j svc svc cache | jq .[0].held_bytes)" -le 524288 ]
}
run "removed, its memory is back" removed
finish
