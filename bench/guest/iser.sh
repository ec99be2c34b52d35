# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# iSER as a service of the benchmarks, see lib.sh: open-iscsi, LIO with a RAM disk, the disk as it is.

iser_title() {
	echo iSER
}

iser_svc() {
	echo iser
}

iser_begin() {
	:
}

# iser_to rsp|rsp+noop|stock|tcp|rsp:stock|stock:rsp; the last two name initiator and target
iser_to() {
	local initiator=rsp target=rsp iface=iser iser=1 disk
	case $1 in
	rsp | rsp+noop) ;;
	stock)
		initiator=stock
		target=stock ;;
	rsp:stock | stock:rsp)
		initiator=${1%:*}
		target=${1#*:} ;;
	tcp)
		initiator=stock
		iface=default
		iser=0 ;;
	*) bench_die "what is contender $1?" ;;
	esac
	{
		{ [ "$iser" = 0 ] || iscsi_target "$target"; } &&
			iscsi_target_up addr=10.9.0.1 mb=64 "iser=$iser" &&
			iscsi_initiator_up "$initiator"
	} >/tmp/iser_to 2>&1 || bench_die "no target or initiator: $(cat /tmp/iser_to)"
	[ "$1" != rsp+noop ] || noops_on
	iscsi_login 10.9.0.1 "$iface" node.session.queue_depth=64 >/tmp/iser_to 2>&1 ||
		bench_die "cannot log in over $1: $(cat /tmp/iser_to)"
	FILE=$(iscsi_disk)
	disk=/sys/block/${FILE#/dev/}
	echo none >"$disk/queue/scheduler"
}

iser_off() {
	! iscsiadm -m session >/dev/null 2>&1 || timeout 90 iscsiadm -m session -u >/tmp/iser_to 2>&1 ||
		bench_die "cannot log out: $(cat /tmp/iser_to)"
	rm -rf /var/lib/iscsi/nodes /etc/iscsi/nodes
	iscsi_target_down || bench_die "the target does not go"
}

iser_end() {
	iscsi_initiator_down || bench_die "the initiator does not go"
}
