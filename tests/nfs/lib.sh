# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the NFS tests share, on top of tests/lib.sh. TRANSPORT=stock runs them over rpcrdma, to
# show that a test passes where it should; LONG=1 does full amounts of work. In the environment,
# or as lines in /out/test-env.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

TRANSPORT=${TRANSPORT:-rsp}
LONG=${LONG:-}
# shellcheck disable=SC1091
[ ! -e /out/test-env ] || . /out/test-env
case $TRANSPORT in
rsp) NFS_MODULE=rsp_nfs ;;
stock) NFS_MODULE=rpcrdma ;;
esac
EXPORT=/exp

# nfs_up [dummy|wire] [NAME=VALUE...]: a device, the transport, a server that moves 1 MiB at a time
nfs_up() {
	local device=dummy
	case ${1:-} in dummy | wire) device=$1; shift ;; esac
	rxe_$device 9000 || return
	nfs_transport "$TRANSPORT" || return
	modprobe nfsd
	mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd
	echo 1048576 >/proc/fs/nfsd/max_block_size 2>/dev/null
	nfs_server_up "$@"
}

# nfs_down: all that nfs_up made
nfs_down() {
	nfs_server_down
	nfs_unload
	rxe_down
}

# nfs_unload: the transport's module, as soon as the last connection is gone
nfs_unload() {
	wait_for 20 nfs_unload_now
}

nfs_unload_now() {
	[ ! -e "/sys/module/$NFS_MODULE" ] || rmmod "$NFS_MODULE"
}
