#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A cache under LIO's block backstore and a cache over the iSER disk that comes of it, both at once: checksums,
# threads that meet in blocks, a file system, resets under load.
#
#	load --- $D (rsp-cache) --- iSER disk --- rxe0 10.9.0.1, loopback --- LIO iblock --- rsp-cache --- null_blk
#
# topology: loop
# timeout: 400
INITIATOR=${INITIATOR:-rsp}
TARGET=${TARGET:-rsp}
. "$(dirname "$0")/../iscsi/lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp_cache "module:$INITIATOR_MODULE" "module:$TARGET_MODULE" module:null_blk tool:fio \
	tool:iscsiadm tool:dmsetup tool:sg_reset
plan 12
modprobe rsp_cache

run "a device, a cache, a target with it as a block backstore" lower_up 4M
BELOW=$DEV
# shellcheck disable=SC2046 # one word a setting
run "login" iscsi_login 10.9.0.1 iser $(limits)
run "the unit is there" wait_for 20 has_unit
run "the target's cache alone: fio with checksums" eval 'disk_checksums "$(iscsi_disk 1)"'
upper_up() {
	C=$LOWER-upper DEV=$(iscsi_disk 1)
	defer cache_down
	cache_up 1M
}
run "a cache over the iSER disk" upper_up
run "both: fio with checksums" disk_checksums "$D"
run "both: threads that meet in blocks" workout bytes=2M threads=4 ops=811
resets() {
	load_up bytes=2M threads=3 && goes_on 100 || return
	for _ in 1 2 3; do
		sg_reset -d "$DEV" && goes_on 50 && sg_reset -t "$DEV" && wait_for 30 session_is LOGGED_IN && goes_on 50 || return
	done
	load_down
}
run "both: units and target are reset under load" resets
run "a file system: made, filled, stressed, compared, checked" filesystem ext4 "$D"
answered() {
	# shellcheck disable=SC2034 # the cache that at_least looks at
	at_least hits 500 && C=$LOWER && at_least hits 100
}
run "both caches answered" eval '(answered)'
whole() {
	local mb=8
	dd if="$D" of="$T/above" bs=64k count=$((mb * 16)) iflag=direct status=none &&
		dd if="$BELOW" of="$T/below" bs=1M count=$mb iflag=direct status=none && cmp "$T/above" "$T/below"
}
run "the device at the end has what is seen at the other" whole
run "the cache over the disk goes before the session" cache_down
finish
