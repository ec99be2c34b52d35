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

BELOW='' LOWER='' CORE=$ISCSI_LIO/core/iblock_0/cached
lower_down() {
	[ ! -e "$CORE" ] || { rmdir "$CORE" && rmdir "${CORE%/*}"; } || return
	[ -z "$LOWER" ] || dm remove "$LOWER"
}
lower_up() {
	dev_up null 64 && cache_up 4M || return
	BELOW=$DEV LOWER=$C
	defer lower_down
	iscsi_up mb=16 && mkdir -p "$CORE" && echo "udev_path=$D" >"$CORE/control" && echo "$D" >"$CORE/udev_path" &&
		echo 1 >"$CORE/enable" || return
	mkdir "$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1/lun/lun_1" &&
		ln -s "$CORE" "$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1/lun/lun_1/disk"
	D=
}
run "a device, a cache, a target with it as a block backstore" lower_up
# shellcheck disable=SC2046 # one word a setting
run "login" iscsi_login 10.9.0.1 iser $(limits)
has_unit() {
	iscsi_disk 1
}
run "the unit is there" wait_for 20 has_unit
verified() {
	(cd "$T" && fio_json "$T/v.json" --filename="$1" --rw=randrw --bsrange=512-128k --blockalign=512 --size=8m \
		--iodepth=8 --serialize_overlap=1 --verify=crc32c --verify_fatal=1 --do_verify=1 --verify_state_save=0 \
		--number_ios=1511)
}
run "the target's cache alone: fio with checksums" eval 'verified "$(iscsi_disk 1)"'
upper_up() {
	C=$LOWER-upper DEV=$(iscsi_disk 1)
	defer cache_down
	cache_up 1M
}
run "a cache over the iSER disk" upper_up
run "both: fio with checksums" verified "$D"
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
