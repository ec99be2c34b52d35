# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# NFS as a service of the benchmarks, see lib.sh: NFSv4.2, an export in memory.
#
# The server runs with whatever RDMA transport is loaded; only one can be, and a change needs the
# server down, since nfsd holds the transport module. The export is kept, mounted at /exp.
MNT=${MNT:-/mnt/bench}

nfs_title() {
	echo NFSv4.2
}

nfs_svc() {
	echo nfs-client
}

nfs_begin() {
	# the export first, so that the file is there before anyone mounts
	bench_server_up || bench_die "no NFS server"
	bench_server_down
	bench_file || bench_die "cannot make the file"
}

# nfs_transport_of CONTENDER: the transport module it needs, none for TCP
nfs_transport_of() {
	case $1 in
	rsp | rsp+*) echo rsp ;;
	stock) echo stock ;;
	tcp) ;;
	*) bench_die "what is contender $1?" ;;
	esac
}

nfs_has() {
	if [ -e /sys/module/rsp_nfs ]; then
		echo rsp
	elif [ -e /sys/module/rpcrdma ]; then
		echo stock
	fi
}

# nfs_serve rsp|rsp+POLICY...|stock|tcp
nfs_serve() {
	local want
	want=$(nfs_transport_of "$1") || exit
	if [ -n "$want" ] && [ "$want" != "$(nfs_has)" ]; then
		bench_server_down
		nfs_transport "$want" || bench_die "cannot load the $want transport"
	fi
	bench_server_up "$([ -z "$(nfs_has)" ] || echo 20049)" || bench_die "no NFS server"
}

nfs_unserve() {
	:
}

nfs_use() {
	local want proto=tcp
	want=$(nfs_transport_of "$1") || exit
	if [ -n "$want" ]; then
		# the other one may be busy with its last connection
		wait_until 20 nfs_transport "$want" 2>/tmp/nfs_use || bench_die "no $want transport: $(tail -n 1 /tmp/nfs_use)"
		proto=rdma,port=20049
	fi
	mkdir -p "$MNT"
	mount -t nfs -o "vers=4.2,proto=$proto" "10.9.0.1:/" "$MNT" || bench_die "cannot mount over $1"
	# shellcheck disable=SC2034 # for lib.sh
	FILE=$MNT/rsp.fio
}

nfs_off() {
	! mountpoint -q "$MNT" || umount "$MNT" || umount -f "$MNT" || bench_die "cannot unmount"
}

nfs_end() {
	bench_server_down
}

bench_server_up() {
	[ "$(cat /proc/fs/nfsd/threads 2>/dev/null || echo 0)" = 0 ] || return 0
	# by default nfsd takes less than 1 MiB at once where memory is small
	nfs_server_up size="${EXPORT_SIZE:-512M}" threads="${NFSD_THREADS:-4}" rdma="${1:-0}" block=1048576 \
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

# bench_file: the file that the jobs read and write, made on the server's side
bench_file() {
	[ "$(stat -c %s /exp/rsp.fio 2>/dev/null)" = $((64 << 20)) ] ||
		dd if=/dev/zero of=/exp/rsp.fio bs=1M count=64 status=none
}
