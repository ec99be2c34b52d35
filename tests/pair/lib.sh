# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the NFS tests with two guests share, on top of tests/lib.sh.
#
#	cli 10.9.0.2 (mount) ===== 10.9.0.1 srv (nfsd)
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck disable=SC2034 # for the scripts
M=/mnt/pair

# in_guest NODE COMMAND...: with the functions of the guest, up to five minutes
in_guest() {
	local node=$1
	shift
	on "$node" 300 ". /src/lab/guest/lib.sh; $*"
}

# server_up TRANSPORT: on srv; undone at the end
server_up() {
	defer server_down
	in_guest srv "nfs_transport $1 && modprobe nfsd &&
		{ mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd; } &&
		{ echo 1048576 >/proc/fs/nfsd/max_block_size; } 2>/dev/null
		nfs_server_up"
}
server_down() {
	in_guest srv "nfs_server_down; for i in {1..50}; do
		[ -e /sys/module/rpcrdma ] || break; rmmod rpcrdma 2>/dev/null && break; sleep .2; done"
}
