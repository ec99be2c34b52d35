#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Through the cache every byte is what was written to it last: several jobs, ragged sizes, writers that meet in
# one block, FUA, flushes, discards, zeroes; on devices with sectors of 512 and of 4096 bytes.
# topology: loop
# timeout: 600
. "$(dirname "$0")/lib.sh"
need root module:rsp_cache module:loop module:scsi_debug module:null_blk tool:dmsetup tool:fio tool:jq
plan 33
modprobe rsp_cache

verified() {
	(cd "$T" && fio_json "$T/v.json" --filename="$D" --size=8m --iodepth=8 --verify=crc32c --verify_fatal=1 \
		--do_verify=1 --verify_state_save=0 --number_ios=2311 "$@")
}
answered() {
	at_least hits 500 && at_least updates 500 && at_least inserts 500 && at_least invalidations 50
}
# kind DEVICE SIZE SECTOR: all of it on one kind of device
kind() {
	run "$1: a device and a cache of $2" eval "dev_up $1 24 && cache_up $2"
	run "$1: fio with checksums, 4k" verified --bs=4k --rw=randwrite
	run "$1: fio with checksums, several jobs, ragged sizes" verified --rw=randrw --numjobs=3 \
		--offset_increment=8m "--bsrange=$3-256k" "--blockalign=$3" --size=4m --number_ios=811
	run "$1: threads that meet in blocks, with discards and zeroes" workout bytes=2M threads=5 ops=1511 discard=1
	run "$1: the same where all of it fits" workout bytes=512k threads=3 ops=1511 discard=1 seed=7
	run "$1: the cache answered" answered
	run "$1: writers of the same blocks at once" workout bytes=256k threads=5 ops=811 overlap=1
	run "$1: and the device has the same" same
	diag "$(dmsetup status "$C")"
	cache_down
	dev_down
}
kind loop 1M 512
kind scsi512 4M 512
kind scsi4096 4M 4096
kind null 1M 512
# the last block is of three sectors
ragged() {
	local n=4099 i
	dev_up null 24 && dm create "$C" --table "0 $n rsp-cache $DEV 4M" && D=$(dm_dev "$C") &&
		workout bytes=$((n * 512)) threads=3 ops=1511 discard=1 || return
	for i in 1 2; do
		cmp -n $((n * 512)) "$DEV" "$D" || return
		[ $i = 2 ] || dd if=/dev/urandom of="$D" bs=512 count=11 seek=$((n - 11)) oflag=direct conv=notrunc status=none || return
		blockdev --flushbufs "$DEV" && blockdev --flushbufs "$D" || return
	done
	at_least hits 100
}
run "a device that ends within a block" ragged
finish
