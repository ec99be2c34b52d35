#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Thirty-two sessions log in and out, and a LUN goes and comes, while another session runs under
# verified load: it notices nothing, and what is gone fails without a hang.
#
#	open-iscsi: fio on fd00::1, 32 interfaces on 10.9.0.1 --- rxe0, loopback --- LIO
#
# topology: loop
# timeout: 500
TARGET=${TARGET:-rsp}
. "$(dirname "$0")/lib.sh"
need root "module:$INITIATOR_MODULE" "module:$TARGET_MODULE" tool:fio tool:iscsiadm
plan 14
tpg=$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1

lun_away() {	# what is in flight ends first
	timeout 60 rm "$tpg/lun/lun_1/disk"
}
lun_back() {
	ln -s "$ISCSI_LIO/core/rd_mcp_1/rd1" "$tpg/lun/lun_1/disk"
}
# fio on the second LUN, until it fails
second_up() {
	second=$(iscsi_disk 1)
	(cd "$T" && exec fio --name=second --filename="$second" --allow_file_create=0 --ioengine=libaio \
		--direct=1 --rw=randrw --bsrange=4k-128k --size=8m --iodepth=8 --time_based \
		--runtime=900) >"$T/second" 2>&1 &
	second_pid=$!
}
second_runs() {
	[ "$(ios "$second")" -gt 100 ] && kill -0 $second_pid
}
second_failed() {
	! kill -0 $second_pid 2>/dev/null && grep -E 'error|err=' "$T/second"
}
second_is_back() {
	echo 1 >"/sys/block/${second#/dev/}/device/rescan" &&
		(cd "$T" && fio_json "$T/back.json" --filename="$second" --rw=randwrite --bs=16k --size=4m \
			--verify=crc32c --verify_fatal=1 --do_verify=1 --verify_state_save=0)
}

run "target and initiator are up" iscsi_up mb=32 luns=2
# shellcheck disable=SC2046 # one word a setting
run "login" iscsi_login "[fd00::1]" iser $(limits)
hold_up
run "fio runs" goes_on 100
run "32 sessions log in" sessions 32
run "and out" eval 'sessions_out && wait_for 60 target_sessions_are 1'
run "in and out, three more times" eval 'for _ in 1 2 3; do
	sessions_in 33 && sessions_out && wait_for 60 target_sessions_are 1 || return; done'
run "fio goes on" goes_on 100

second_up
run "fio runs on the second LUN" wait_for 60 second_runs
run "the LUN is taken away" lun_away
run "its I/O fails" wait_for 60 second_failed
run "the first LUN's goes on" goes_on 100
run "the LUN is there again, and data is right" eval 'lun_back && second_is_back'
run "fio saw no error" hold_down
run "logout" iscsi_logout "[fd00::1]"
finish
