#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# One mount over four connections: load is spread, data is right, everything goes with the mount.
#
#	mount ==4== rxe0 10.9.0.1, loopback --- nfsd
#
# topology: loop
# timeout: 200
. "$(dirname "$0")/lib.sh"
need root "module:$NFS_MODULE" tool:fio tool:jq
plan 6

xprts() {
	awk -v m="$M" '$5 == m { on = 1 } $1 == "device" && $5 != m { on = 0 }
		on && $1 == "xprt:" && $2 == "rdma" { print $NF > "/dev/null"; n++ } END { print n + 0 }' /proc/self/mountstats
}
chans() {
	rspctl -j chan show svc nfs-server | jq length
}

run "server is up" nfs_up
run "mount with nconnect=4" mounted 4.2 hard,nconnect=4
run "fio with four writers" fio_verify "$M" 2m --numjobs=4
run "the mount has four transports" eval 'is "$(xprts)" 4'
if [ "$TRANSPORT" = rsp ]; then
	run "the server has four channels" eval 'is "$(chans)" 4'
else
	skip "the server has four channels" "stock transport"
fi
run "unmount" umount "$M"
finish
