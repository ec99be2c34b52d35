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

# iser_ends_of CONTENDER: initiator and target, tcp for either
iser_ends_of() {
	case $1 in
	rsp | rsp+*) echo rsp rsp ;;
	stock) echo stock stock ;;
	tcp) echo tcp tcp ;;
	rsp:stock | stock:rsp) echo "${1%:*} ${1#*:}" ;;
	*) bench_die "what is contender $1?" ;;
	esac
}

# iser_serve rsp|rsp+POLICY...|stock|tcp|rsp:stock|stock:rsp; the last two name initiator and target
iser_serve() {
	local ends iser=1
	ends=$(iser_ends_of "$1") || exit
	[ "$1" != tcp ] || iser=0
	{
		{ [ "$iser" = 0 ] || iscsi_target "${ends#* }"; } && iscsi_target_up addr=10.9.0.1 mb=64 "iser=$iser"
	} >/tmp/iser_to 2>&1 || bench_die "no target: $(cat /tmp/iser_to)"
}

iser_unserve() {
	iscsi_target_down || bench_die "the target does not go"
}

iser_use() {
	local ends iface=iser
	ends=$(iser_ends_of "$1") || exit
	[ "$1" != tcp ] || { ends=stock; iface=default; }
	iscsi_initiator_up "${ends% *}" >/tmp/iser_to 2>&1 || bench_die "no initiator: $(cat /tmp/iser_to)"
	iscsi_login 10.9.0.1 "$iface" node.session.queue_depth=64 >/tmp/iser_to 2>&1 ||
		bench_die "cannot log in over $1: $(cat /tmp/iser_to)"
	iser_disk
}

# iser_disk: the disk is there
iser_disk() {
	wait_until 20 iscsi_disk >/dev/null || bench_die "no disk after the login"
	FILE=$(iscsi_disk)
	echo none >"/sys/block/${FILE#/dev/}/queue/scheduler"
}

iser_off() {
	! iscsiadm -m session >/dev/null 2>&1 || timeout 90 iscsiadm -m session -u >/tmp/iser_to 2>&1 ||
		bench_die "cannot log out: $(cat /tmp/iser_to)"
	rm -rf /var/lib/iscsi/nodes /etc/iscsi/nodes
}

iser_must() {
	timeout 240 "$@" >/tmp/iser_to 2>&1 || bench_die "$*: $(cat /tmp/iser_to)"
}

# iser_logins N: N sessions in and out, as many as there are afterwards
iser_logins() {
	local node="iscsiadm -m node -T $ISCSI_IQN -p 10.9.0.1:3260" t0 t1 t2 cpu0 cpu1
	iser_must $node --logout
	iser_must $node -o update -n node.session.nr_sessions -v "$1"
	cpu0=$(cpu_ticks </proc/stat)
	t0=$(date +%s%N)
	iser_must $node --login
	t1=$(date +%s%N)
	cpu1=$(cpu_ticks </proc/stat)
	iser_must $node --logout
	t2=$(date +%s%N)
	iser_must $node -o update -n node.session.nr_sessions -v 1
	iser_must $node --login
	iser_disk
	jq -nc --argjson n "$1" --argjson in $((t1 - t0)) --argjson out $((t2 - t1)) --argjson cpu $((cpu1 - cpu0)) \
		'{logins_per_s: ($n * 1e9 / $in), logouts_per_s: ($n * 1e9 / $out),
		  cpu_us_per_io: ($cpu * 10000 / $n), errors: 0}'
}

iser_end() {
	iscsi_initiator_down || bench_die "the initiator does not go"
}
