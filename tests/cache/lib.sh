# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the tests of the block cache share, on top of tests/lib.sh.
#
#	workout, fio --- $D (rsp-cache) --- $DEV
[ -n "${TESTDIR:-}" ] || . "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

WORKOUT=/src/build/tests/cache/workout
C=cache-$$			# name of the cached device
D=				# its device file, the kernel's: there is no udev
DEV=				# what is cached

# dev_up KIND MIB: a device to cache in $DEV. loop: a file in memory; scsi512, scsi4096: scsi_debug with sectors of that
# size, FUA, a cache to flush, UNMAP and WRITE SAME; null: null_blk with memory. dev_down at the end, or before
dev_up() {
	local mb=$2
	case $1 in
	loop)
		modprobe loop && truncate -s "${mb}M" "$T/disk" && DEV=$(losetup -f --show "$T/disk") || return
		dev_undo=(losetup -d "$DEV")
		;;
	scsi*)
		modprobe sd_mod && modprobe scsi_debug "sector_size=${1#scsi}" "dev_size_mb=$mb" lbpu=1 lbpws=1 \
			delay=0 || return
		dev_undo=(rmmod scsi_debug)
		wait_for 20 scsi_there || return
		;;
	null)
		dev_undo=(null_dev_down n$$)
		null_dev_up n$$ "$mb" || return
		DEV=$(null_dev n$$)
		;;
	esac
	[ -b "$DEV" ]
}
dev_undo=(:)
dev_down() {
	wait_for 10 "${dev_undo[@]}" && dev_undo=(:)
}
defer dev_down
scsi_there() {
	DEV=/dev/$(basename /sys/bus/pseudo/drivers/scsi_debug/adapter0/host*/target*/*/block/*)
	[ -b "$DEV" ]
}

sectors() {
	blockdev --getsz "$1"
}

# cache_up SIZE [OPTION...]: $D caches $DEV, until cache_down
cache_up() {
	dm create "$C" --table "0 $(sectors "$DEV") rsp-cache $DEV $*" || return
	D=$(dm_dev "$C")
	[ -b "$D" ]
}
cache_down() {
	[ -z "$D" ] || dm remove "$C" && D=
}
defer cache_down

# fill: all of the device is read, so that the cache takes what it gets
fill() {
	dd if="$D" of=/dev/null bs=64k iflag=direct status=none
}

# figure NAME: of dmsetup status
figure() {
	dm_figure "$C" "$1"
}
at_least() {
	local n
	n=$(figure "$1")
	echo "$1 $n"
	[ "$n" -ge "$2" ]
}

# workout ARGUMENT...: to the end
workout() {
	$WORKOUT "$@" "$D"
}

# load_up ARGUMENT...: workout goes on until load_down, which fails if it found anything wrong. ops counts
load_pid=
load_up() {
	echo 0 >"$T/ops"
	nice -n 19 $WORKOUT ops=0 "log=$T/ops" "$@" "$D" >"$T/load" 2>&1 &
	load_pid=$!
}
load_down() {
	local rc=0
	kill -0 $load_pid || echo "it ended early"
	kill -INT $load_pid
	wait_for 120 not kill -0 $load_pid || { cat /proc/$load_pid/task/*/stack; return 1; }
	wait $load_pid || rc=$?
	cat "$T/load"
	return $rc
}
ios() {
	local n
	n=$(cat "$T/ops" 2>/dev/null)
	echo "${n:-0}"
}

# same: the device and what is seen through the cache are the same, byte by byte
same() {
	local mb
	mb=$(($(sectors "$DEV") / 2048))
	dd if="$DEV" of="$T/below" bs=1M count=$mb iflag=direct status=none &&
		dd if="$D" of="$T/above" bs=128k count=$((mb * 8)) iflag=direct status=none &&
		cmp "$T/below" "$T/above" &&
		dd if="$D" of="$T/above" bs=4k count=$((mb * 256)) iflag=direct status=none &&
		cmp "$T/below" "$T/above" && [ "$(stat -c %s "$T/above")" = $((mb << 20)) ] && rm "$T/above" "$T/below"
}

# ---- with tests/iscsi/lib.sh ----------------------------------------------------------------

# lower_up SIZE [OPTION...]: $LOWER caches a device under unit 1 of a target
LOWER=''
lower_down() {
	iscsi_block_down 1 || return
	[ -z "$LOWER" ] || dm remove "$LOWER" && LOWER=''
}
lower_up() {
	dev_up null 64 && cache_up "$@" || return
	LOWER=$C
	defer lower_down
	iscsi_up mb=16 && iscsi_block_up 1 "$D" && D=
}
has_unit() {
	iscsi_disk 1
}

# disk_checksums DEVICE: fio with checksums, blocks of all sizes
disk_checksums() {
	(cd "$T" && fio_json "$T/v.json" --filename="$1" --rw=randrw --bsrange=512-128k --blockalign=512 --size=8m \
		--iodepth=8 --serialize_overlap=1 --verify=crc32c --verify_fatal=1 --do_verify=1 --verify_state_save=0 \
		--number_ios=1511)
}
