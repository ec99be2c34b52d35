#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Plain targetcli makes a target over rsp_isert, as an administrator would: a portal with iSER, a disk, a
# session with verified data; the portal loses iSER and gets it again; the configuration is saved,
# cleared and restored; in the end nothing is left.
#
#	open-iscsi, ib_iser or rsp_iser --- rxe0 10.9.0.1, loopback --- rsp_isert, LIO <--- targetcli
#
# topology: loop
# timeout: 400
INITIATOR=${INITIATOR:-rsp}
TARGET=${TARGET:-rsp}
. "$(dirname "$0")/lib.sh"
need root "module:$INITIATOR_MODULE" "module:$TARGET_MODULE" tool:fio tool:iscsiadm tool:targetcli tool:dbus-daemon
plan 13
TPG=/iscsi/$ISCSI_IQN/tpg1
PORTAL=$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1/np/10.9.0.1:3260

# targetcli asks the system bus for user space backstores
bus_up() {
	mkdir -p /run/dbus && dbus-daemon --system --fork --print-pid=3 3>"$T/bus"
}
bus_down() {
	[ ! -s "$T/bus" ] || kill "$(cat "$T/bus")"
}

tcli() {
	timeout 60 targetcli "$@"
}

up() {
	defer rxe_down
	defer bus_down
	defer iscsi_target_down
	rxe_dummy 9000 && bus_up && modprobe target_core_mod && modprobe iscsi_target_mod || return
	mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config || return
	iscsi_target "$TARGET" && tcli ls
}

make_target() {
	defer tcli clearconfig confirm=True
	tcli /backstores/ramdisk create name=rd0 size=64M &&
		tcli /iscsi create "$ISCSI_IQN" &&
		tcli $TPG/portals delete 0.0.0.0 3260 &&
		tcli $TPG/portals create 10.9.0.1 3260 &&
		tcli $TPG/luns create /backstores/ramdisk/rd0 &&
		tcli $TPG set attribute authentication=0 generate_node_acls=1 demo_mode_write_protect=0
}

# portal_has_iser 0|1: as the kernel and as targetcli say
portal_has_iser() {
	is "$(cat "$PORTAL/iser")" "$1" || return
	case $1 in
	1)	tcli $TPG/portals ls | grep '10\.9\.0\.1:3260.*iser' ;;
	0)	! tcli $TPG/portals ls | grep '10\.9\.0\.1:3260.*iser' ;;
	esac
}

initiator_up() {
	defer iscsi_initiator_down
	defer logged_out
	iscsi_initiator_up "$INITIATOR"
}

login() {
	# shellcheck disable=SC2046 # one word a setting
	iscsi_login 10.9.0.1 iser $(limits) && uses_rdma "$INITIATOR_MODULE" && uses_rdma "$TARGET_MODULE"
}

clear_and_restore() {
	tcli saveconfig "$T/target.json" && tcli clearconfig confirm=True && [ ! -e "$PORTAL" ] || return
	grep '"iser": true' "$T/target.json" && tcli restoreconfig "$T/target.json" && portal_has_iser 1
}

run "a device, $TARGET_MODULE, targetcli" up
run "targetcli makes a target with a disk" make_target
run "its portal takes iSER" tcli $TPG/portals/10.9.0.1:3260 enable_iser true
run "the kernel and targetcli say so" portal_has_iser 1
run "an initiator" initiator_up
run "login" login
run "verified data, 512 bytes to 256 KiB" disk_verify --bsrange=512-256k --size=16m
run "logout" iscsi_logout
run "the portal loses iSER and gets it again" eval "tcli $TPG/portals/10.9.0.1:3260 enable_iser false &&
	portal_has_iser 0 && tcli $TPG/portals/10.9.0.1:3260 enable_iser true && portal_has_iser 1"
run "saved, cleared, restored" clear_and_restore
run "login to what was restored" login
run "its data is right" disk_verify --bsrange=4k-64k --size=8m
run "targetcli forgets it all" eval 'iscsi_logout && tcli clearconfig confirm=True && [ ! -e "$PORTAL" ]'
finish
