#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Both halves of bench/memory, run in the guests of a pair: guest/memory.sh nfs|iser COMMAND...
#
#   serve TRANSPORT      in srv: rsp, stock, for iSER also tcp
#   figures              in srv: what the kernel uses now, as JSON
#   connect TRANSPORT N  in cli: N connections in all, and I/O over each
#   disconnect           in cli
set -u
. "$(dirname "$0")/lib.sh"
bench_service "$1"
shift

# ---- NFSv3, since a v4.1 client finds out that the addresses belong to one server and shares a session

addresses=(10.9.0.1 10.9.0.11 10.9.0.12 10.9.0.13)

nfs_serve() {
	local a
	for a in "${addresses[@]:1}"; do
		ip addr add "$a/24" dev eth0
	done
	nfs_transport "$1" && nfs_server_up threads=4 size=256M && bench_file
}

# nfs_busy MOUNT: I/O over every connection of a mount (requests go round over them)
nfs_busy() {
	local i
	for ((i = 0; i < 64; i++)); do
		dd if="$1/rsp.fio" of=/dev/null bs=64k count=1 skip=$i iflag=direct status=none &
	done
	wait
}

nfs_connect() {
	local n=$2 i per mounts
	nfs_transport "$1" || return
	per=$((n < 16 ? n : 16))
	mounts=$((n / per))
	for ((i = 0; i < mounts; i++)); do
		nfs3_mount "/mnt/m$i" "hard,nconnect=$per" "${addresses[i]}" || return
		nfs_busy "/mnt/m$i"
	done
}

nfs_disconnect() {
	local m
	for m in /mnt/m*; do
		! mountpoint -q "$m" || umount "$m" || return
	done
}

# ---- iSER: sessions of one initiator

iser_serve() {
	local iser=1
	case $1 in
	tcp)	iser=0 ;;
	*)	iscsi_target "$1" || return ;;
	esac
	iscsi_target_up addr=10.9.0.1 mb=64 iser=$iser
}

iser_connect() {
	local d initiator=$1 iface=iser
	if [ "$1" = tcp ]; then
		initiator=stock
		iface=default
	fi
	iscsi_initiator_up "$initiator" &&
		iscsi_login 10.9.0.1 $iface node.session.nr_sessions="$2" >/dev/null || return
	wait_until 120 disks_are "$2" || return
	for d in $(iscsi_disks); do
		dd if="$d" of=/dev/null bs=64k count=8 iflag=direct status=none &
	done
	wait
}

iser_disconnect() {
	timeout 90 iscsiadm -m session -u >/dev/null
}

# ---- both

serve() {
	"${SERVICE}_serve" "$@"
}

connect() {
	"${SERVICE}_connect" "$@"
}

disconnect() {
	"${SERVICE}_disconnect"
}

connections() {
	echo $(($(rdma resource show qp link rxe0 | grep -c 'state RTS') + \
		$(ss -Htn state established sport = :3260 | wc -l)))
}

# Two measures of the same: what is no longer free (less page cache and tmpfs, which are not a
# connection's), and slab, of which 4 KiB objects are the receive buffers of stock NFS.
figures() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	jq -nc --argjson pool "$(pool_bytes)" \
		--argjson used "$(awk '/^MemTotal|^MemFree|^Buffers|^Cached|^SReclaimable/ {
			s += ($1 == "MemTotal:" ? $2 : -$2) } END { printf "%.0f", s * 1024 }' /proc/meminfo)" \
		--argjson slab "$(awk '/^SUnreclaim/ { print $2 * 1024 }' /proc/meminfo)" \
		--argjson k4 "$(awk '$1 == "kmalloc-4k" { print $2 * 4096 }' /proc/slabinfo)" \
		--argjson conn "$(connections)" \
		'{connections: $conn, used_bytes: $used, slab_bytes: $slab, kmalloc4k_bytes: $k4,
		  pool_held_bytes: $pool}'
}

"$@"
