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

# record_run JSON: add to what was run on what, with what this machine says of itself
record_run() {
	jq -nc --argjson more "$1" --arg kernel "$(uname -srm)" --arg fio "$(fio --version)" --argjson cpus "$(nproc)" \
		--argjson mem "$(awk '/^MemTotal/ { print $2 * 1024 }' /proc/meminfo)" --arg begun "$(date -uIs)" \
		--arg cpu "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" \
		--arg rdma "$(rdma link 2>/dev/null | sed 's/^link //')" \
		'{run: ({kernel: $kernel, cpu: $cpu, cpus: $cpus, memory_bytes: $mem, rdma: ($rdma | split("\n") | map(select(. != ""))),
		  fio: $fio, begun: $begun} + $more)}' >>"$OUT"
}

# job_texts JOB...: {NAME: what stands in its file}
job_texts() {
	local j
	for j; do
		[ "$j" != login ] || continue
		jq -n --arg name "$(basename "$j" .fio)" --rawfile text "$(job_file "$j")" '{$name: $text}'
	done | jq -sc 'add // {}'
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

# policy_family NAME: as the files of policies/ are called
policy_family() {
	case $1 in
	noop_* | chaos_*) echo "${1#*_}" ;;
	*) echo "${1%%_*}" ;;
	esac
}

# ---- services -----------------------------------------------------------------------------

# A service is measured over several transports, its contenders. guest/NAME.sh defines:
#	NAME_begin		once, where it is served: something to serve, rxe0 is there
#	NAME_serve CONTENDER	serve it by that transport; NAME_unserve no more
#	NAME_use CONTENDER	use it by that transport; FILE is what the jobs read and write then, FILES[NAME] too
#	NAME_off		use it no more
#	NAME_end		nothing is served, nothing is loaded for it
#	NAME_title		what it is, in a word or two
#	NAME_svc		the name of its client's end among RSP's services
# With TOPOLOGY=pair another guest serves, in which guest/serve.sh runs.

declare -A FILES

# bench_service NAME: the functions below are those of that service, of both: of NFS and iSER
bench_service() {
	local s
	SERVICES=$1
	[ "$1" != both ] || SERVICES="nfs iser"
	for s in $SERVICES; do
		[ -e "$BENCH/guest/$s.sh" ] || bench_die "what is service $s?"
		# shellcheck source=/dev/null
		. "$BENCH/guest/$s.sh"
		# shellcheck disable=SC2034 # for the scripts
		SERVICE=$s
	done
}

# service_do VERB [CONTENDER]: of each service
service_do() {
	local s
	for s in $SERVICES; do
		"${s}_$1" "${@:2}"
	done
}

contender_to() {
	contender_off
	if [ "${TOPOLOGY:-loop}" = pair ]; then
		peer_to "$1"
	else
		service_do serve "$1"
	fi
	contender_policies "$1"
	local s
	for s in $SERVICES; do
		"${s}_use" "$1"
		# shellcheck disable=SC2034 # for the scripts
		FILES[$s]=$FILE
	done
}

contender_off() {
	service_do off
	[ "${TOPOLOGY:-loop}" = pair ] || service_do unserve
	policies_off
}

policies_off() {
	local f
	for f in buf ep flow cache; do
		policy_off $f
	done
	[ ! -d /sys/fs/bpf/rsp/observe ] || "$RSPCTL" observe off >/dev/null || bench_die "the observers stay on"
}

# peer_to CONTENDER|end: the other guest serves it from now on. Each writes in its own /out and reads the other's
PEER_WANT=/rsp/out/cli/want PEER_HAVE=/rsp/out/srv/have
peer_to() {
	peer_turn=$((${peer_turn:-0} + 1))
	echo "$peer_turn $1" >$PEER_WANT.new && mv $PEER_WANT.new $PEER_WANT
	wait_until 300 peer_has "$peer_turn $1" || bench_die "srv does not serve $1: $(cat $PEER_HAVE)"
}
peer_has() {
	[ "$(cat $PEER_HAVE 2>/dev/null)" = "$1" ]
}

# peer_serve: do what the other guest wants until it wants the end
peer_serve() {
	local want have=''
	service_do begin
	until [ "${have#* }" = end ]; do
		wait_until 3600 peer_wants "$have" || bench_die "cli wants nothing"
		want=$(cat $PEER_WANT)
		service_do unserve
		policies_off
		if [ "${want#* }" = end ]; then
			service_do end
		else
			service_do serve "${want#* }"
			contender_policies "${want#* }"
		fi
		echo "$want" >$PEER_HAVE.new && mv $PEER_HAVE.new $PEER_HAVE
		have=$want
	done
}
peer_wants() {
	[ -s $PEER_WANT ] && [ "$(cat $PEER_WANT)" != "$1" ]
}

# policies_of CONTENDER: those behind each + of its name, as policies/ has them; noop is one of each family that
# decides as builtin does, where NFS and iSER meet it; observe is no policy but rspctl's observers
policies_of() {
	local list=${1#"${1%%+*}"} p
	for p in ${list//+/ }; do
		[ "$p" = noop ] && echo noop_buf noop_ep noop_flow || echo "$p"
	done
}

contender_policies() {
	local p
	for p in $(policies_of "$1"); do
		case $p in
		observe) modprobe rsp && "$RSPCTL" observe on >/dev/null ;;
		*) modprobe rsp && policy_on "$(policy_family "$p")" "$p" ;;
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

# job_file JOB: of bench/fio by its name, any other by its path
job_file() {
	case $1 in
	*/*) echo "$1" ;;
	*) echo "$BENCH/fio/$1.fio" ;;
	esac
}

# cell_name JOB QD: the depth only where the job asks for it
cell_name() {
	local name=${1##*/}
	echo "${name%.fio}$(! grep -q '\${QD}' "$(job_file "$1")" || echo " qd$2")"
}

# fio_cell JOB QD IOS [LINE...]: run it on $FILE, print the figures as JSON. Lines are more for fio's
# [global]; $RUNTIME, if set, is how many seconds to run instead of so many I/Os; what several at once
# write is kept apart by $LOAD, in $FIO_TMP (/tmp).
fio_cell() {
	local rc=0 job=$1 qd=$2 ios=$3 dir=${FIO_TMP:-/tmp} t=${FIO_TMP:-/tmp}/fio.${LOAD:-one}
	shift 3
	[ -z "${RUNTIME:-}" ] || { ios=1000000000; set -- time_based "runtime=$RUNTIME" "$@"; }
	# processor time of the whole machine, both ends and the device, while the job runs
	{
		printf '%s\n' "[global]" group_reporting unified_rw_reporting=mixed percentile_list=50:90:99:99.9 \
			"exec_prerun=cp -f /proc/stat $t.stat0" "exec_postrun=cp -f /proc/stat $t.stat1" "$@"
		cat "$(job_file "$job")"
	} >"$t.fio"
	# fio leaves what these print in the working directory
	FILE=$FILE QD=$qd IOS=$ios env -C "$dir" fio ${FIO_READONLY:+--readonly} --output-format=json --output="$t.json" \
		"$t.fio" >"$t.err" 2>&1 || rc=$?
	if [ $rc != 0 ]; then
		tail -n 5 "$t.err" >&2
		echo '{"errors": 1}'
		return
	fi
	# resolution: fio's clock of 1 ms, its 64 steps from one latency to twice that, the kernel's 10 ms of CPU
	sed -n '/^{/,$p' "$t.json" | jq -c --argjson cpus "$(nproc)" \
		--argjson cpu_ms $((($(cpu_ticks <"$t.stat1") - $(cpu_ticks <"$t.stat0")) * 10)) \
		--argjson pool "$(pool_bytes)" '
		[.jobs[].mixed] as $m | ($m | map(.total_ios) | add) as $ios | ($m | map(.runtime) | max) as $ms |
		def lat(p): [$m[].clat_ns.percentile[p] // 0] | max;
		{
			iops: ($m | map(.iops) | add),
			bytes_per_s: ($m | map(.bw_bytes) | add),
			lat_ns_p50: lat("50.000000"),
			lat_ns_p90: lat("90.000000"),
			lat_ns_p99: lat("99.000000"),
			lat_ns_p999: lat("99.900000"),
			cpu_us_per_io: ($cpu_ms * 1000 / $ios),
			cpu_percent: ($cpu_ms * 100 / ($ms * $cpus)),
			pool_held_bytes: $pool,
			errors: ([.jobs[].error] | add),
			resolution: ({iops: (1 / $ms), bytes_per_s: (1 / $ms)} +
				([50, 90, 99, 999 | {key: "lat_ns_p\(.)", value: (1 / 64)}] | from_entries) +
				if $cpu_ms > 0 then {cpu_us_per_io: (10 / $cpu_ms), cpu_percent: (10 / $cpu_ms)} else {} end)
		}'
}
