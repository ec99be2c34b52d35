#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Through the cache every byte is what was written to it last: several jobs, ragged sizes, writers that meet in
# one block, FUA, flushes, discards, zeroes; on devices with sectors of 512 and of 4096 bytes.
# topology: loop
# timeout: 600
. "$(dirname "$0")/lib.sh"
need root module:rsp_cache module:loop module:scsi_debug module:null_blk tool:dmsetup tool:fio tool:jq
plan 28
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
	run "$1: and the device has the same" same
	diag "$(dmsetup status "$C")"
	cache_down
	dev_down
}
kind loop 1M 512
kind scsi512 4M 512
kind scsi4096 4M 4096
kind null 1M 512
finish
