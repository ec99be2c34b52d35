# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Functions of the benchmarks, for a lab guest. The measuring ones also work on a real machine.
#
# A figure is one line of JSON in $OUT: {cell, contender, repeat, METRIC: NUMBER...}; bench/table
# reads such files. Units stand in the names of the metrics.
. "$(dirname "${BASH_SOURCE[0]}")/../../lab/guest/lib.sh"
BENCH=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
POLICIES=${POLICIES:-$BENCH/../build/policies}
OUT=${OUT:-/out/figures.jsonl}
MNT=${MNT:-/mnt/bench}
SERVER=${SERVER:-10.9.0.1}

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

# ---- contenders ---------------------------------------------------------------------------

# The server runs with whatever RDMA transport is loaded; only one can be, and a change needs the
# server down, since nfsd holds the transport module. The export is kept, mounted at /exp.

# contender_to rsp|rsp+noop|stock|tcp [MOUNT-OPTIONS]: mount the export at $MNT by that transport
contender_to() {
	local want have proto=rdma,port=20049 f
	case $1 in
	rsp | rsp+noop) want=rsp ;;
	stock) want=stock ;;
	tcp)	proto=tcp
		want= ;;
	*) bench_die "what is contender $1?" ;;
	esac
	contender_off
	have=
	[ ! -e /sys/module/rsp_nfs ] || have=rsp
	[ ! -e /sys/module/rpcrdma ] || have=stock
	if [ -n "$want" ] && [ "$want" != "$have" ]; then
		bench_server_down
		nfs_transport "$want" || bench_die "cannot load the $want transport"
		have=$want
	fi
	bench_server_up "${have:+20049}" || bench_die "no NFS server"
	if [ "$1" = rsp+noop ]; then
		for f in buf ep flow; do
			policy_on $f "noop_$f" || bench_die "cannot register noop_$f"
		done
	fi
	mkdir -p "$MNT"
	mount -t nfs -o "vers=4.2,proto=$proto${2:+,$2}" "$SERVER:/" "$MNT" ||
		bench_die "cannot mount over $1"
}

# contender_off: unmount, take policies away
contender_off() {
	local f
	! mountpoint -q "$MNT" || umount "$MNT" || umount -f "$MNT" || bench_die "cannot unmount"
	for f in buf ep flow; do
		policy_off $f
	done
}

bench_server_up() {
	[ "$(cat /proc/fs/nfsd/threads 2>/dev/null || echo 0)" = 0 ] || return 0
	# by default nfsd takes less than 1 MiB at once where memory is small
	modprobe nfsd
	mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd || return
	echo 1048576 >/proc/fs/nfsd/max_block_size || return
	nfs_server_up size="${EXPORT_SIZE:-512M}" threads="${NFSD_THREADS:-4}" rdma="${1:-0}" \
		>/tmp/nfs_server_up 2>&1 || {
		cat /tmp/nfs_server_up >&2
		return 1
	}
}

# not nfs_server_down: the files in /exp stay
bench_server_down() {
	[ -e /proc/fs/nfsd/threads ] || return 0
	rpc.nfsd 0
	wait_until 10 bench_server_is_down
}

bench_server_is_down() {
	[ "$(cat /proc/fs/nfsd/threads)" = 0 ]
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

# bench_file: the file that the jobs read and write, made on the server's side
bench_file() {
	[ "$(stat -c %s /exp/rsp.fio 2>/dev/null)" = $((64 << 20)) ] ||
		dd if=/dev/zero of=/exp/rsp.fio bs=1M count=64 status=none
}

# ---- measuring ----------------------------------------------------------------------------

# cpu_ticks: busy time of all processors in a copy of /proc/stat, in USER_HZ ticks of 10 ms
cpu_ticks() {
	awk '/^cpu / { print $2 + $3 + $4 + $7 + $8; exit }'
}

# pool_bytes: what services hold of RSP's pool, null where RSP does not carry NFS
pool_bytes() {
	local n=
	[ ! -e /sys/module/rsp_nfs ] || n=$(rspctl -j svc show 2>/dev/null | jq '[.. | .held_bytes? // empty] | add' 2>/dev/null)
	echo "${n:-null}"
}

# fio_cell JOB QD IOS: run bench/fio/JOB.fio at $MNT, print the figures as JSON
fio_cell() {
	local rc=0
	# processor time of the whole machine, both ends and the device, while the job runs
	{
		cat "$BENCH/fio/$1.fio"
		echo "exec_prerun=cp /proc/stat /tmp/fio.stat0"
		echo "exec_postrun=cp /proc/stat /tmp/fio.stat1"
	} >/tmp/cell.fio
	# fio leaves what these print in the working directory
	DIR=$MNT QD=$2 IOS=$3 env -C /tmp fio --output-format=json --output=/tmp/fio.json \
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
