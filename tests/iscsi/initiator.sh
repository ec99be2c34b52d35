#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What plain open-iscsi does works over rsp_iser, with data compared byte by byte.
#
#	open-iscsi --- rxe0 10.9.0.1, fd00::1, loopback --- LIO
#
# topology: loop
# timeout: 200
. "$(dirname "$0")/lib.sh"
need root "module:$INITIATOR_MODULE" "module:$TARGET_MODULE" tool:fio tool:iscsiadm
plan 16

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
	disk_verify --bs=512 --size=128k --iomem_align=512 &&
		disk_verify --bs=1536 --size=512k --iomem_align=512 &&
		disk_verify --bs=66048 --size=4m --iomem_align=512 &&
		disk_verify --bs=1044480 --size=8m --iomem_align=512
}

sense_of_a_bad_command() {
	local d
	d=$(iscsi_disk)
	sg_raw "$d" 88 00 00 00 00 ff 00 00 00 00 00 00 00 01 00 00 -r 512 >"$T/sense" 2>&1
	grep -qi "LBA out of range\|illegal request" "$T/sense" || { cat "$T/sense"; return 1; }
}

run "target and initiator are up" iscsi_up
run "discovery, IPv4" discover 10.9.0.1
run "discovery, IPv6" discover "[fd00::1]"
# shellcheck disable=SC2046 # one word a setting
run "login" iscsi_login 10.9.0.1 iser $(limits)
run "the session is carried by $INITIATOR_MODULE" uses_rdma "$INITIATOR_MODULE"
for bs in 4k 8k 64k 1m; do
	run "fio with checksums, $bs" disk_verify --bs=$bs --size=8m
done
run "fio with checksums, mixed sizes, deep queue" disk_verify --rw=randrw --bsrange=4k-1m --iodepth=64 --size=24m
run "fio with checksums, ragged sizes and memory" ragged
run "ext4: made, filled, compared, checked" ext4_on_disk
run "sense data of a command that fails" sense_of_a_bad_command
run "logout" iscsi_logout
run "login and logout over IPv6" eval 'iscsi_login "[fd00::1]" && disk_verify --bs=16k --size=1m && iscsi_logout "[fd00::1]"'
run "no session is left" sessions_are 0
finish
