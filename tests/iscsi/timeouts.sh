#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Commands that a target leaves without an answer are aborted; what does not answer to that is
# reset, and the session in the end begun anew. No I/O fails, and data is right.
#
#	open-iscsi --- rxe0 10.9.0.1, loopback --- LIO --- dm "slow$$", suspended --- RAM disk
#
# topology: loop
# timeout: 400
TARGET=${TARGET:-rsp}
. "$(dirname "$0")/lib.sh"
need root "module:$INITIATOR_MODULE" "module:$TARGET_MODULE" module:brd module:target_core_iblock \
	tool:fio tool:iscsiadm tool:dmsetup
plan 14
core=$ISCSI_LIO/core/iblock_0/slow

slow_up() {
	defer slow_down
	modprobe brd rd_nr=1 rd_size=65536 && modprobe dm-mod && modprobe target_core_iblock &&
		dmsetup create --noudevsync slow$$ --table "0 131072 linear /dev/ram0 0" || return
	mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
	mkdir -p "$core" && echo "udev_path=/dev/$(dmsetup info -c --noheadings -o blkdevname slow$$)" >"$core/control" && echo 1 >"$core/enable"
}
slow_down() {
	[ ! -e "$core" ] || { rmdir "$core" && rmdir "${core%/slow}"; } || return
	dmsetup remove --noudevsync slow$$ && rmmod target_core_iblock brd
}
slow_lun() {
	local lun=$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1/lun/lun_0
	rm "$lun/disk" && ln -s "$core" "$lun/disk"
}

# patience CMD_S ABORT_S: of the SCSI midlayer for a command, and of libiscsi for task management
patience() {
	# shellcheck disable=SC2046 # one word a setting
	iscsi_login 10.9.0.1 iser $(limits) "node.session.err_timeo.abort_timeout=$2" \
		"node.session.err_timeo.lu_reset_timeout=$2" "node.session.err_timeo.tgt_reset_timeout=$2" || return
	hold_disk=$(iscsi_disk)
	echo "$1" >"/sys/block/${hold_disk#/dev/}/device/timeout"
	echo "$1" >"/sys/block/${hold_disk#/dev/}/device/eh_timeout"
}

counter() {	# counter NAME: of the session
	iscsiadm -m session -s | awk -v n="$1:" '$1 == n { s += $2 } END { print s + 0 }'
}

# silent SECONDS: the target's disk answers nothing
silent() {
	local tmf
	tmf=$(counter tmfcmd_pdus)
	dmsetup suspend --noudevsync --noflush --nolockfs slow$$
	sleep $(($1 * ${RSP_SLOW:-1}))
	dmsetup resume --noudevsync slow$$ && wait_for 90 session_is LOGGED_IN || return
	tmfs=$(($(counter tmfcmd_pdus) - tmf))
}
tmfs=0

run "the slow disk is up" slow_up
run "target and initiator are up" iscsi_up addr=10.9.0.1 mb=16
run "its LUN is the slow disk" slow_lun
run "login, a command has 3 s, its abort 30 s" patience 3 30
run "fio runs" eval 'hold_up; goes_on 100'
run "no answer for 8 s" silent 8
run "commands were aborted" test $tmfs -gt 0
run "fio goes on" goes_on 100
run "no error, no wrong data" eval 'hold_down && iscsi_logout'
# ib_isert waits for ever for a command that was aborted when its session ends (docs/lab.md)
if [ "$TARGET" = stock ]; then
	for _ in {1..5}; do
		skip "2 s for each, no answer for 25 s" "ib_isert hangs"
	done
else
	run "logged in again, 2 s for each" eval 'patience 2 2 && hold_up && goes_on 100'
	run "no answer for 25 s" silent 25
	run "aborts or resets were tried" test $tmfs -gt 0
	run "fio goes on" goes_on 100
	run "no error, no wrong data" eval 'hold_down && iscsi_logout'
fi
finish
