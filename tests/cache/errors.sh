#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A device that fails never leaves anything stale in the cache: what a failed write wanted is not read,
# what was there before is; what is cached is answered while the device fails; a bad sector costs only
# reads of itself.
#
#	workout, dd --- $D (rsp-cache) --- $DEV (linear, error or flakey) --- $LOWER
# topology: loop
# timeout: 300
. "$(dirname "$0")/lib.sh"
need root module:rsp_cache module:dm_flakey module:loop tool:dmsetup
plan 14
modprobe rsp_cache
F=flaky-$$
LOWER='' SECTORS=

# lower TARGET WORDS...: what stands below the cache from now on
lower() {
	dm reload "$F" --table "0 $SECTORS $*" && dm suspend --noflush "$F" && dm resume "$F"
}
# healthy: the device works; bad: it works not at all
healthy() {
	lower "linear $LOWER 0"
}
bad() {
	lower "error"
}
# read_only: what changes anything fails
read_only() {
	lower "flakey $LOWER 0 0 3600 1 error_writes"
}
f_down() {
	[ ! -e "/sys/block/dm-$(dmsetup info -c --noheadings -o minor "$F" 2>/dev/null)" ] || dm remove "$F"
}
up() {
	dev_up loop 8 && modprobe dm_flakey || return
	LOWER=$DEV SECTORS=$(sectors "$DEV")
	dm create "$F" --table "0 $SECTORS linear $LOWER 0" || return
	DEV=/dev/dm-$(dmsetup info -c --noheadings -o minor "$F")
	# undone before the device and behind the cache
	t_undo=("${t_undo[0]}" f_down "${t_undo[@]:1}")
	cache_up 2M
}
run "a device that can fail and a cache" up

block() {	# block FILE BYTE: 4 KiB of it
	head -c 4096 /dev/zero | tr '\0' "$2" >"$1"
}
put() {		# put FILE BLOCK [OPTION...]: written there
	dd if="$1" of="$D" bs=4k seek="$2" count=1 oflag=direct conv=notrunc status=none "${@:3}"
}
get() {		# get BLOCK: read from there
	dd if="$D" bs=4k skip="$1" count=1 iflag=direct status=none of="$T/got"
}
reads_as() {	# reads_as BLOCK FILE
	get "$1" && cmp "$T/got" "$2"
}
block "$T/a" a
block "$T/b" b
block "$T/c" c

cached_answers() {
	put "$T/a" 3 && reads_as 3 "$T/a" && bad && reads_as 3 "$T/a" && not get 4 && healthy && get 4
}
run "what is cached is read while the device fails" cached_answers
failed_write() {
	put "$T/a" 5 && reads_as 5 "$T/a" && bad && not put "$T/b" 5 && not get 5 && healthy && reads_as 5 "$T/a"
}
run "a failed write of a cached block leaves nothing of itself" failed_write
failed_insert() {
	bad && not put "$T/b" 6 && not get 6 && healthy && put "$T/c" 6 && reads_as 6 "$T/c"
}
run "nor of a block that was not cached" failed_insert
failed_part() {
	put "$T/a" 7 && reads_as 7 "$T/a" && bad &&
		not dd if="$T/b" of="$D" bs=512 seek=57 count=2 oflag=direct conv=notrunc status=none &&
		not get 7 && healthy && reads_as 7 "$T/a"
}
run "nor of a part of one" failed_part
failed_discard() {
	local how misses
	for how in "" -z; do
		# shellcheck disable=SC2086 # none is no word
		put "$T/a" 9 && reads_as 9 "$T/a" && read_only && not blkdiscard $how -o 36864 -l 4096 "$D" || return
		misses=$(figure misses)
		reads_as 9 "$T/a" && is "$(figure misses)" $((misses + 1)) && healthy || return
	done
}
run "a failed discard takes the block out" failed_discard
discarded() {
	put "$T/a" 9 && reads_as 9 "$T/a" && blkdiscard -z -o 36864 -l 4096 "$D" && head -c 4096 /dev/zero >"$T/z" &&
		reads_as 9 "$T/z" && put "$T/a" 9 && blkdiscard -o 36864 -l 4096 "$D" && get 9 &&
		dd if="$DEV" bs=4k skip=9 count=1 iflag=direct status=none of="$T/below" && cmp "$T/got" "$T/below"
}
run "one that does not fail, too" discarded
failed_flush() {
	# nothing is written: the flush alone
	read_only && not dd if=/dev/null of="$D" conv=notrunc,fsync status=none && healthy
}
run "a flush that fails is told" failed_flush

# one bad sector in block 100
bad_sector() {
	dm message "$C" 0 drop
	dm reload "$F" --table "0 803 linear $LOWER 0
803 1 error
804 $((SECTORS - 804)) linear $LOWER 804" && dm suspend --noflush "$F" && dm resume "$F" &&
		not get 100 && not dd if="$D" bs=512 skip=803 count=1 iflag=direct status=none of=/dev/null &&
		dd if="$D" bs=512 skip=800 count=3 iflag=direct status=none of=/dev/null &&
		dd if="$D" bs=512 skip=804 count=4 iflag=direct status=none of=/dev/null &&
		dd if="$D" bs=512 skip=792 count=11 iflag=direct status=none of=/dev/null && healthy && get 100
}
run "a bad sector costs only reads of itself" bad_sector

# faults WORDS: workout while the device fails now and then, then while it is well
faults() {
	load_up bytes=1M threads=4 errors=1 "$@"
	goes_on 200 || return
	for _ in {1..7}; do
		lower "flakey $LOWER 0 1 1 1 error_writes" && goes_on 400 && bad && goes_on 200 && healthy &&
			goes_on 200 || return
	done
	load_down
}
run "writes fail now and then under a load" faults
had_errors() {
	! grep -q ' 0 failed' "$T/load"
}
run "some did" had_errors
run "the same with discards" faults discard=1 seed=7
run "the load came to the cache meanwhile" at_least hits 500
run "the device has what is seen" same
finish
