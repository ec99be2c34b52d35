# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the NFS tests share, on top of tests/lib.sh. TRANSPORT=stock runs them over rpcrdma, to
# show that a test passes where it should; LONG=1 does full amounts of work. Both from the
# environment: lab/run -c 'LONG=1 bash /src/tests/nfs/functional.sh'.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

TRANSPORT=${TRANSPORT:-rsp}
LONG=${LONG:-}
case $TRANSPORT in
rsp) NFS_MODULE=rsp_nfs ;;
stock) NFS_MODULE=rpcrdma ;;
esac
# shellcheck disable=SC2034 # for the scripts
EXPORT=/exp
M=/mnt/nfs-$$
FILES=/src/tests/nfs/files

# amount SHORT LONG: how much work to do
amount() {
	[ -n "$LONG" ] && echo "$2" || echo "$1"
}

# nfs_up [dummy|wire] [NAME=VALUE...]: a device, the transport, a server that moves 1 MiB at a
# time. What it makes is undone at the end of the script.
nfs_up() {
	local device=dummy
	case ${1:-} in dummy | wire) device=$1; shift ;; esac
	defer rxe_down
	rxe_$device 9000 || return
	defer transport_down
	nfs_transport "$TRANSPORT" || return
	defer nfs_server_down
	defer not_mounted
	nfs_server_up block=1048576 "$@"
}

# nfs_down: all of that now, for a script that wants to see what is left
nfs_down() {
	nfs_server_down && transport_down && rxe_down
}

# transport_down: the transport's module goes, as soon as the last connection has
transport_down() {
	wait_for 20 transport_down_now
}

transport_down_now() {
	[ ! -e "/sys/module/$NFS_MODULE" ] || rmmod "$NFS_MODULE"
}

# mounted VERSION [OPTIONS] [SERVER]: mount at $M; not_mounted undoes it
mounted() {
	local path=/ more=
	[ "$1" != 3 ] || path=/exp more=,nolock,mountproto=tcp
	mkdir -p "$M"
	timeout 60 mount -t nfs -o "vers=$1,proto=rdma,port=20049$more,${2:-hard}" \
		"${3:-10.9.0.1}:$path" "$M"
}
not_mounted() {
	! mountpoint -q "$M" || umount "$M" || umount -f "$M"
}

# files WHAT [NUMBER]: one of the operations of tests/nfs/files, on the mount
files() {
	"$FILES" "$1" "$M" "${2:-0}"
}

# hold_up: fio with checksums goes on in the background until hold_down, which fails when it
# ended early, had an error or found other data than it wrote
hold_up() {
	fio --name=hold --directory="$M" --ioengine=libaio --direct=1 --rw=randrw --bsrange=4k-128k \
		--size=8m --iodepth=4 --verify=crc32c --verify_fatal=1 --verify_backlog=32 \
		--time_based --runtime=900 --output-format=json "$@" >"$T/hold.raw" 2>"$T/hold.err" &
	# shellcheck disable=SC2034 # hold_down reads it
	hold_pid=$!
}

# ios: what fio has moved so far, as the mount counts it
ios() {
	awk -v m="$M" '$5 == m { on = 1 } $1 == "device" && $5 != m { on = 0 }
		on && ($1 == "READ:" || $1 == "WRITE:") { n += $2 } END { print n + 0 }' /proc/self/mountstats
}
