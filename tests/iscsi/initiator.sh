#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What plain open-iscsi does works over rsp_iser, with data compared byte by byte.
#
#	open-iscsi --- rxe0 10.9.0.1, fd00::1, loopback --- LIO
#
# topology: loop
# timeout: 300
. "$(dirname "$0")/lib.sh"
need root "module:$INITIATOR_MODULE" "module:$TARGET_MODULE" tool:fio tool:iscsiadm
plan 17

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

begin "$INITIATOR_MODULE" mb=320
for bs in 4k 8k 64k 1m; do
	run "fio with checksums, $bs" disk_verify --bs=$bs --size=8m
done
run "fio with checksums, mixed sizes, deep queue" disk_verify --rw=randrw --bsrange=4k-1m --iodepth=64 --size=24m
run "fio with checksums, ragged sizes and memory" ragged
for fs in ext4 xfs; do
	run "$fs: made, filled, stressed, compared, checked" filesystem $fs "$(iscsi_disk)"
done
run "sense data of a command that fails" sense_of_a_bad_command
run "logout" iscsi_logout
run "login and logout over IPv6" eval 'iscsi_login "[fd00::1]" && disk_verify --bs=16k --size=1m && iscsi_logout "[fd00::1]"'
run "no session is left" sessions_are 0
finish
