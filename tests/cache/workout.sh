#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# workout, which the tests of the cache believe, sees what is wrong: data that is stale, of another sector, or gone.
# A device without a cache, changed beside the load.
# topology: loop
# timeout: 180
. "$(dirname "$0")/lib.sh"
need root module:null_blk
plan 7

run "a device" dev_up null 8
D=$DEV
run "nothing is wrong with it" workout bytes=1M threads=3 ops=311 discard=1
# damaged WORD COMMAND...: the load, with $how, finds what COMMAND did to the device, and says so
how=''
# shellcheck disable=SC2154,SC2086 # load_up sets load_pid; how is a word or none
damaged() {
	local word=$1 rc=0
	shift
	load_up bytes=1M threads=2 $how
	goes_on 100 && dd if="$D" of="$T/old" bs=1M count=1 iflag=direct status=none && goes_on 200 && "$@" || return
	wait_for 60 not kill -0 $load_pid || { kill -9 $load_pid; return 1; }
	wait $load_pid || rc=$?
	cat "$T/load"
	is $rc 1 && grep "$word" "$T/load"
}
put_back() {
	dd if="$T/old" of="$D" bs=1M count=1 oflag=direct conv=notrunc status=none
}
run "nor where all write everywhere" workout bytes=256k threads=5 ops=811 overlap=1
run "what was there before is stale" damaged stale put_back
shift_it() {
	dd if="$T/old" of="$D" bs=512 count=2047 seek=1 oflag=direct conv=notrunc status=none
}
run "a sector in another's place" damaged "another sector" shift_it
run "nothing where something was written" damaged empty blkdiscard -z -o 0 -l 1048576 "$DEV"
how=overlap=1
run "what was there before is stale where all write everywhere" damaged stale put_back
D=
finish
