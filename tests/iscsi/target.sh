#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A stock initiator gets from LIO over rsp_isert what it gets over TCP: data compared byte by byte,
# the same answers to commands, discovery, CHAP, IPv6.
#
#	open-iscsi, ib_iser --- rxe0 10.9.0.1, fd00::1, loopback --- rsp_isert, LIO
#
# topology: loop
# timeout: 400
INITIATOR=${INITIATOR:-stock}
TARGET=${TARGET:-rsp}
. "$(dirname "$0")/lib.sh"
need root "module:$INITIATOR_MODULE" "module:$TARGET_MODULE" tool:fio tool:iscsiadm tool:sg_inq
plan 20

# the second LUN has data of its own
two_luns() {
	local a b
	a=$(iscsi_disk 0)
	b=$(iscsi_disk 1)
	head -c 1M /dev/urandom >"$T/a" && head -c 1M /dev/urandom >"$T/b" &&
		dd if="$T/a" of="$a" bs=64k oflag=direct && dd if="$T/b" of="$b" bs=64k oflag=direct &&
		dd if="$a" of="$T/a2" bs=1M count=1 iflag=direct && cmp "$T/a" "$T/a2" &&
		dd if="$b" of="$T/b2" bs=1M count=1 iflag=direct && cmp "$T/b" "$T/b2"
}

# answers FILE: what a list of commands says about the first LUN; numbers of the transport left out
answers() {
	local d
	d=$(iscsi_disk 0)
	{
		for c in "sg_inq" "sg_inq -p 0x83" "sg_inq -p 0xb0" "sg_inq -p 0xb2" "sg_readcap -l" \
			 "sg_modes -a" "sg_luns" "sg_requests" "sg_opcodes" "sg_turs" \
			 "sg_persist -i -k" "sg_persist -i -r" "sg_persist -o -G -S 0xabc" \
			 "sg_persist -i -k" "sg_persist -o -R -K 0xabc -T 1" "sg_persist -i -r" \
			 "sg_persist -o -L -K 0xabc -T 1" "sg_persist -o -C -K 0xabc" \
			 "sg_unmap --force --lba=64 --num=8" "sg_write_same --lba=8 --num=16 --in=$T/block" \
			 "sg_compare_and_write --in=$T/caw --lba=8" \
			 "sg_compare_and_write --in=$T/caw --lba=8" \
			 "sg_raw -r 512 $d 88 00 00 00 00 ff 00 00 00 00 00 00 00 01 00 00" \
			 "sg_raw -r 512 $d 12 01 83 00 04 00" "sg_raw -r 64 $d ff 00 00 00 00 00" \
			 "sg_raw -s 512 -i $T/block $d 2a 00 00 00 00 00 00 00 02 00"; do
			echo "== ${c/$d/}"
			case $c in
			sg_raw*) timeout 20 $c 2>&1 ;;
			*) timeout 20 $c "$d" 2>&1 ;;
			esac
			echo "-> $?"
		done
		dd if="$d" bs=512 skip=8 count=16 iflag=direct 2>/dev/null | sha256sum
	} | sed -e "s|$d||g" -e '/generation\|PR gen/d' >"$1"
}

same_as_tcp() {
	head -c 512 /dev/urandom >"$T/block"
	{ cat "$T/block"; head -c 512 /dev/zero; } >"$T/caw"
	answers "$T/iser" && iscsi_logout && iscsi_login 10.9.0.1 default &&
		answers "$T/tcp" && iscsi_logout 10.9.0.1 default && iscsi_login || return
	[ "$(grep -c -- '-> 0' "$T/iser")" -gt 12 ] || { cat "$T/iser"; return 1; }
	diff "$T/tcp" "$T/iser"
}

# a discovery session and a session with CHAP both ways; wrong passwords are refused
chap() {
	local tpg=$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1 rc=0 a=node.session.auth
	echo 1 >"$tpg/attrib/authentication"
	for a in userid=us password=secret-of-us1 userid_mutual=them password_mutual=secret-of-them; do
		echo -n "${a#*=}" >"$tpg/auth/${a%%=*}" || rc=1
	done
	a=node.session.auth
	iscsi_login 10.9.0.1 iser $a.authmethod=CHAP $a.username=us $a.password=secret-of-us1 \
		$a.username_in=them $a.password_in=secret-of-them && disk_verify --bs=4k --size=256k &&
		iscsi_logout || rc=1
	iscsi_login 10.9.0.1 iser $a.authmethod=CHAP $a.username=us $a.password=wrong-wrong-wrong \
		$a.username_in= $a.password_in= && rc=1
	iscsi_login 10.9.0.1 iser $a.authmethod=None && rc=1
	iscsiadm -m node -o delete
	echo 0 >"$tpg/attrib/authentication"
	return $rc
}

# the portal goes while a session is on it, and comes again
portal_goes() {
	local np=$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1/np/10.9.0.1:3260
	echo 0 >"$np/iser" && is "$(cat "$np/iser")" 0 && echo 1 >"$np/iser" &&
		wait_for 30 session_is LOGGED_IN && disk_verify --bs=4k --size=256k
}

resets() {
	local d
	d=$(iscsi_disk)
	sg_reset -d "$d" && sg_reset -t "$d" && wait_for 30 session_is LOGGED_IN
}

begin "$TARGET_MODULE" luns=2 mb=320
for bs in 512 4k 8k 64k 1m 4m; do
	run "fio with checksums, $bs" disk_verify --bs=$bs --size=8m --number_ios=2000
done
run "fio with checksums, ragged sizes" disk_verify --bsrange=512-1m --blockalign=512 \
	--bssplit=1536/20:7680/20:8704/20:37376/20:1047552/20 --size=8m
run "fio with checksums, mixed, deep queue" disk_verify --rw=randrw --bsrange=4k-256k --iodepth=64 --size=16m
run "two LUNs are two disks" two_luns
for fs in ext4 xfs; do
	run "$fs: made, filled, stressed, compared, checked" filesystem $fs "$(iscsi_disk 1)"
done
run "LUN and target reset under load" eval 'hold_up; goes_on 100 && resets; rc=$?
	goes_on 100 && hold_down && [ $rc = 0 ]'
run "commands are answered as over TCP" same_as_tcp
run "CHAP both ways, and who may not is refused" eval 'iscsi_logout && chap && iscsi_login'
run "the portal goes and comes" portal_goes
finish
