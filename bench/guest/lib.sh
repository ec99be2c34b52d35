# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Functions of the benchmarks, for a lab guest. The measuring ones also work on a real machine.
#
# A figure is one line of JSON in $OUT: {cell, contender, repeat, METRIC: NUMBER...}; bench/table
# reads such files. Units stand in the names of the metrics.
. "$(dirname "${BASH_SOURCE[0]}")/../../lab/guest/lib.sh"
BENCH=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
POLICIES=${POLICIES:-$BENCH/../build/policies}
RSPCTL=${RSPCTL:-$BENCH/../build/rspctl}
OUT=${OUT:-/out/figures.jsonl}

# progress TEXT...: a line with the time since this script began
progress() {
	printf '[%4ds] %s\n' $SECONDS "$*" >&2
}

bench_die() {
	progress "error: $*"
	exit 1
}

# record CELL CONTENDER REPEAT JSON: add a figure
record() {
	jq -c --arg cell "$1" --arg contender "$2" --argjson repeat "$3" \
		'{cell: $cell, contender: $contender, repeat: $repeat} + .' <<<"$4" >>"$OUT" ||
		bench_die "no figure for $1 $2: $4"
}

# ---- policies -----------------------------------------------------------------------------

# policy_on FAMILY NAME: register build/policies/NAME.bpf.o, pinned in /sys/fs/bpf/rsp/bench/FAMILY
policy_on() {
	local dir=/sys/fs/bpf/rsp/bench/$1
	mkdir -p "$dir"
	bpftool struct_ops register "$POLICIES/$2.bpf.o" "$dir" >/tmp/policy_on 2>&1 || {
		cat /tmp/policy_on >&2
		return 1
	}
}

# policy_off FAMILY: remove its pins, which unregisters it
policy_off() {
	[ ! -d "/sys/fs/bpf/rsp/bench/$1" ] || rm -r "/sys/fs/bpf/rsp/bench/$1"
}

# ---- services -----------------------------------------------------------------------------

# A service is measured over several transports, its contenders. guest/NAME.sh defines:
#	NAME_begin		once: something to serve, rxe0 is there
#	NAME_to CONTENDER	serve and use it by that transport; FILE is what the jobs read and write then
#	NAME_off		use it no more
#	NAME_end		nothing is served
#	NAME_title		what it is, in a word or two
#	NAME_svc		the name of its client's end among RSP's services

# bench_service NAME: the functions below are those of that service
bench_service() {
	SERVICE=$1
	[ -e "$BENCH/guest/$SERVICE.sh" ] || bench_die "what is service $SERVICE?"
	# shellcheck source=/dev/null
	. "$BENCH/guest/$SERVICE.sh"
}

contender_to() {
	contender_off
	"${SERVICE}_to" "$1"
}

contender_off() {
	local f
	"${SERVICE}_off"
	for f in buf ep flow; do
		policy_off $f
	done
	[ ! -d /sys/fs/bpf/rsp/observe ] || "$RSPCTL" observe off >/dev/null || bench_die "the observers stay on"
}

# contender_policies CONTENDER: those behind each + of its name, as policies/ has them; noop is one of each
# family that decides as builtin does, observe is no policy but rspctl's observers
contender_policies() {
	local p list=${1#"${1%%+*}"}
	list=${list//+/ }
	for p in ${list/noop/noop_buf noop_ep noop_flow}; do
		case $p in
		observe) "$RSPCTL" observe on >/dev/null ;;
		noop_* | chaos_*) policy_on "${p#*_}" "$p" ;;
		*) policy_on "${p%%_*}" "$p" ;;
		esac || bench_die "cannot switch $p on"
	done
}

# wait_until SECONDS COMMAND...
wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep .1
	done
}

# sessions_in N [NAME VALUE]: so many, each of an initiator of its own, perhaps with a setting; disks has their files
sessions_in() {
	iscsi_ifaces "$1" || return
	[ -z "${2:-}" ] || iscsiadm -m node -T "$ISCSI_IQN" -p 10.9.0.1:3260 -o update -n "$2" -v "$3" || return
	timeout 200 iscsiadm -m node -T "$ISCSI_IQN" -p 10.9.0.1:3260 --login || return
	wait_until 60 disks_are "$1" || return
	# shellcheck disable=SC2034 # for the scripts
	mapfile -t disks <<<"$(iscsi_disks)"
	iscsi_disks_bare
}

# services_off: neither NFS nor iSCSI is served or used, and rxe0 is gone
services_off() {
	nfs_server_down
	iscsi_target_down && iscsi_initiator_down
	rsp_unload
	rxe_down
}

# disks_are N: of iSCSI sessions
disks_are() {
	[ "$(iscsi_disks | wc -l)" = "$1" ]
}

# kernel_is_content: or it was all in vain. What tests/known-failures knows is not ours
[ ! -d /out ] || bench_mark=$("$BENCH/../tests/klog" mark bench)
kernel_is_content() {
	"$BENCH/../tests/klog" check "$bench_mark" >&2 || bench_die "the kernel complained, see above"
}

# ---- measuring ----------------------------------------------------------------------------

# cpu_ticks: busy time of all processors in a copy of /proc/stat, in USER_HZ ticks of 10 ms
cpu_ticks() {
	awk '/^cpu / { print $2 + $3 + $4 + $7 + $8; exit }'
}

# pool_bytes: what services hold of RSP's pool, null where RSP carries nothing
pool_bytes() {
	local n='' m
	for m in rsp_nfs rsp_iser rsp_isert; do
		[ -e "/sys/module/$m" ] || continue
		n=$(rspctl -j svc show 2>/dev/null | jq '[.. | .held_bytes? // empty] | add' 2>/dev/null)
		break
	done
	echo "${n:-null}"
}

# fio_cell JOB QD IOS: run bench/fio/JOB.fio on $FILE, print the figures as JSON
fio_cell() {
	local rc=0
	# processor time of the whole machine, both ends and the device, while the job runs
	{
		cat "$BENCH/fio/$1.fio"
		echo "exec_prerun=cp /proc/stat /tmp/fio.stat0"
		echo "exec_postrun=cp /proc/stat /tmp/fio.stat1"
	} >/tmp/cell.fio
	# fio leaves what these print in the working directory
	FILE=$FILE QD=$2 IOS=$3 env -C /tmp fio --output-format=json --output=/tmp/fio.json \
		/tmp/cell.fio >/tmp/fio.err 2>&1 || rc=$?
	if [ $rc != 0 ]; then
		tail -n 5 /tmp/fio.err >&2
		echo '{"errors": 1}'
		return
	fi
	sed -n '/^{/,$p' /tmp/fio.json | jq -c --argjson cpus "$(nproc)" \
		--argjson cpu_ms $((($(cpu_ticks </tmp/fio.stat1) - $(cpu_ticks </tmp/fio.stat0)) * 10)) \
		--argjson pool "$(pool_bytes)" '
		.jobs[0] as $j | [$j.read, $j.write] | {
			iops: (map(.iops) | add),
			bytes_per_s: (map(.bw_bytes) | add),
			lat_ns_p50: (map(.clat_ns.percentile["50.000000"] // 0) | add),
			lat_ns_p99: (map(.clat_ns.percentile["99.000000"] // 0) | add),
			cpu_us_per_io: ($cpu_ms * 1000 / (map(.total_ios) | add)),
			cpu_percent: ($cpu_ms * 100 / ((map(.runtime) | add) * $cpus)),
			pool_held_bytes: $pool,
			errors: $j.error
		}'
}
