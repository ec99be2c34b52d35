#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What plain open-iscsi does works over rsp_iser, with data compared byte by byte, and the loss of the
# device under load costs no I/O.
#
#	open-iscsi --- rxe0 10.9.0.1, fd00::1, loopback --- LIO
#
# topology: loop
# timeout: 300
. "$(dirname "$0")/lib.sh"
need root "module:$INITIATOR_MODULE" "module:$TARGET_MODULE" tool:fio tool:iscsiadm
plan 22

discover() {	# discover ADDRESS
	local got
	got=$(timeout 30 iscsiadm -m discovery -t sendtargets -p "$1" -I iser) || return
	echo "$got"
	rm -rf /var/lib/iscsi/nodes /var/lib/iscsi/send_targets /etc/iscsi/nodes /etc/iscsi/send_targets
	grep -q "$ISCSI_IQN" <<<"$got"
}

ext4_on_disk() {
	local d
	d=$(iscsi_disk)
	mkfs.ext4 -q -F "$d" && mkdir -p "$M" && mount "$d" "$M" || return
	cp -r /src/kmod /src/tests "$M" && sync && echo 3 >/proc/sys/vm/drop_caches &&
		diff -r /src/kmod "$M/kmod" && diff -r /src/tests "$M/tests" && rm -r "$M/tests"
	local rc=$?
	umount "$M" && fsck.ext4 -f -n "$d" && [ $rc = 0 ]
}

# sectors that are no whole pages, from and to memory that is not aligned to pages
ragged() {
	disk_verify --bsrange=512-37k --blocksize_unaligned=1 --bs_unaligned=1 --size=4m --bs=512 &&
		disk_verify --bs=1536 --size=2m --iomem_align=512 &&
		disk_verify --bs=66048 --size=8m --iomem_align=512
}

sense_of_a_bad_command() {
	local d
	d=$(iscsi_disk)
	sg_raw "$d" 88 00 00 00 00 ff 00 00 00 00 00 00 00 01 00 00 -r 512 >"$T/sense" 2>&1
	grep -qi "LBA out of range\|illegal request" "$T/sense" || { cat "$T/sense"; return 1; }
}

resets() {
	local d
	d=$(iscsi_disk)
	sg_reset -d "$d" && sg_reset -t "$d" && wait_for 30 session_is LOGGED_IN
}

relogins() {
	local i
	for i in {1..7}; do
		iscsi_login >/dev/null && disk_verify --bs=4k --size=256k &&
			iscsi_logout >/dev/null || return
	done
}

outage() {
	rdma link del rxe0 && wait_for 20 session_is FAILED || return
	rdma link add rxe0 type rxe netdev rsp0 && rxe_wait rxe0
	# the stock target does not come back to its address by itself
	local np=$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1/np/10.9.0.1:3260
	[ "$TARGET" = rsp ] || { echo 0 >"$np/iser"; echo 1 >"$np/iser"; }
	wait_for 60 session_is LOGGED_IN
}

run "target and initiator are up" iscsi_up
run "discovery, IPv4" discover 10.9.0.1
run "discovery, IPv6" discover "[fd00::1]"
run "login" iscsi_login 10.9.0.1 iser $(limits)
run "the session is carried by $INITIATOR_MODULE" uses_rdma "$INITIATOR_MODULE"
for bs in 4k 8k 64k 1m; do
	run "fio with checksums, $bs" disk_verify --bs=$bs --size=12m
done
run "fio with checksums, mixed sizes, deep queue" disk_verify --rw=randrw --bsrange=4k-1m --iodepth=64 --size=32m
run "fio with checksums, ragged sizes and memory" ragged
run "ext4: made, filled, compared, checked" ext4_on_disk
run "sense data of a command that fails" sense_of_a_bad_command
run "LUN and target reset under load" eval 'hold_up; moves_from=$(ios); wait_for 20 moves 100 && resets; rc=$?
	moves_from=$(ios); wait_for 30 moves 100 && hold_down && [ $rc = 0 ]'
run "fio goes on in the background" eval 'hold_up; moves_from=$(ios); wait_for 20 moves 200'
run "the device goes and comes back" outage
run "fio goes on" eval 'moves_from=$(ios); wait_for 60 moves 100'
run "fio saw no error" hold_down
run "logout" iscsi_logout
run "login and logout over IPv6" eval 'iscsi_login "[fd00::1]" && disk_verify --bs=16k --size=1m && iscsi_logout "[fd00::1]"'
run "login, I/O and logout, seven times" relogins
run "no session is left" sessions_are 0
finish
