#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# bench/compare on a machine as it is: directories and disks, and what it refuses to write to.
# timeout: 300
. "$(dirname "$0")/lib.sh"
need root tool:fio tool:jq tool:python3 tool:gnuplot tool:mkfs.ext4 tool:wipefs
plan 9

export TMPDIR=$T
# compare ARGUMENT...: exit code and output in $T/out
compare() {
	"$BENCH/compare" "$@" >"$T/out" 2>&1
	local rc=$?
	cat "$T/out"
	return $rc
}
# refuses TEXT ARGUMENT...: it fails, and TEXT is in the last it says
refuses() {
	! compare "${@:2}" && tail -n 1 "$T/out" | grep -qF -- "$1"
}
own_job "$T/mixed.fio"

mkdir "$T/a" "$T/b"
dirs() {
	compare --mount "$T/a,$T/b" --repeats 2 --jobs "$T/mixed.fio" --json "$T/json" --html "$T/html" || return
	jq -c .cells "$T/json"
	jq -e '.base == $a and (.cells | keys) == ["mixed"] and
		(.cells.mixed | keys) == [$a, $b] and .cells.mixed[$b].iops.n == 2 and (.cells.mixed[$b].iops | has("low"))' \
		--arg a "$T/a" --arg b "$T/b" "$T/json" && report_is_right "$T/html" "$T"/compare.*.jsonl
}
run "two directories, rounds, JSON and a report" dirs

defer null_dev_gone
null_dev_gone() {
	! mountpoint -q "$T/mnt" || umount "$T/mnt"
	null_dev_down bench && modprobe -r null_blk
}
run "a disk of 64 MiB" null_dev_up bench 64
DEV=$(null_dev bench)
written() {	# how many writes it has seen
	awk '{ print $5 }' "/sys/block/${DEV#/dev/}/stat"
}
reads() {
	local before
	before=$(written)
	compare --device "$DEV" --repeats 1 --cells "randread-4k:4:20" && grep -q 'one round says nothing\|^IOPS' "$T/out" &&
		is "$(written)" "$before"
}
run "a disk is read" reads
no_write() {
	local before
	before=$(written)
	refuses "--write, if what is on the device may go" --device "$DEV" --repeats 1 --cells "randwrite-4k:4:20" &&
		refuses "job $T/mixed.fio writes" --device "$DEV" --repeats 1 --jobs "$T/mixed.fio" && is "$(written)" "$before"
}
run "jobs that write are refused without --write, shipped or not" no_write
writes() {
	local before
	before=$(written)
	compare --device "$DEV" --write --repeats 1 --cells "randwrite-4k:4:20" && [ "$(written)" != "$before" ]
}
run "with --write they write" writes
signature() {
	local before
	mkfs.ext4 -q "$DEV" && before=$(written) &&
		refuses "$DEV has a signature (ext4)" --device "$DEV" --write --repeats 1 --cells "randwrite-4k:4:20" && is "$(written)" "$before"
}
run "not to a disk with a file system" signature
mounted() {
	mkdir "$T/mnt" && mount "$DEV" "$T/mnt" && refuses "$DEV is in use" --device "$DEV" --write --repeats 1 --cells "randwrite-4k:4:20" &&
		umount "$T/mnt"
}
run "not to one that is mounted" mounted
forced() {
	local before
	before=$(written)
	compare --device "$DEV" --force-write --repeats 1 --cells "randwrite-4k:4:20" && [ "$(written)" != "$before" ]
}
run "--force-write writes in spite of that" forced
bad_input() {
	echo '[x]' >"$T/nofile.fio"
	refuses "randread-4k is not JOB:DEPTH:IOS" --mount "$T/a" --cells randread-4k &&
		refuses "does not use \${FILE}" --mount "$T/a" --jobs "$T/nofile.fio" &&
		refuses "no file $T/none" --mount "$T/a" --jobs "$T/none" &&
		refuses "is no block device" --device "$T/a" && refuses "is no directory" --mount "$T/none" &&
		refuses "contender stock: on a real machine" --mount "$T/a" --contenders "rsp stock" &&
		refuses "no policy flow_none in policies/" --swap flow_none@3 &&
		refuses "no topology ring: one or pair" --topology ring && refuses "--base wants a value, or is nothing" --base
}
run "bad input is refused with what to do" bad_input
finish
