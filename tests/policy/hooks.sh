#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each hook of each family is reached by a policy that has it, under NFS traffic, and the policies
# that answer like builtin are never corrected.
#
#	client (mount) --- rxe0 10.9.0.1, loopback --- nfsd
#
# topology: loop
# timeout: 300
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp_nfs tool:fio tool:jq
plan 29
modprobe rsp
pins_up
defer pins_down
rxe_dummy 9000
defer rxe_down

run "buffer policy registers" load noop_buf
run "endpoint policy registers" load noop_ep
run "flow policy registers" load noop_flow

nfs_transport rsp
run "NFS server over RSP" nfs_server_up
defer nfs_server_down
run "mount" nfs_mount /mnt
fio_some() {
	fio_json "$T/fio.json" --directory=/mnt --rw=randrw --bs="${1:-4k}" --size=4m --iodepth=16 \
		--number_ios="${2:-997}"
}
run "traffic of 4 KiB" fio_some 4k
run "traffic of 256 KiB" fio_some 256k 53

# reached POLICY INDEX: its counter is not zero
reached() {
	local n
	n=$(stat_of "$1" "$2")
	echo "called $n times"
	[ "$n" -gt 0 ]
}
i=0
for hook in admit release recv_depth bulk; do
	# release: when buffers go back to the pool, at the latest at the end
	[ $hook = release ] || run "rsp_buf_ops.$hook is called" reached noop_buf $i
	i=$((i + 1))
done
i=0
for hook in place rehome linger ep_up; do
	run "rsp_ep_ops.$hook is called" wait_for 5 reached noop_ep $i
	i=$((i + 1))
done
for hook in chan_open:0 grant:2 window:3 weight:4; do
	run "rsp_flow_ops.${hook%:*} is called" reached noop_flow "${hook#*:}"
done

# one credit makes requests wait
stalls() {
	load flow_fixed credits=1 && fio_some 4k 211 && reached flow_fixed 3
}
run "rsp_flow_ops.stall is called" stalls
unload flow_fixed

# nobody gets more than its reserve: others are asked to give back
reclaims() {
	load buf_quota quota_mb=0 && fio_some 4k 211 && fio_some 64k 211 && reached buf_quota 0
}
run "service goes on from its reserve with nothing admitted" reclaims
unload buf_quota

exit_seen() {
	load flow_delay && unload_keep flow_delay &&
		wait_for 5 bss_has flow_delay '"kind": 1'
}
# take the link away, keep the maps
unload_keep() { rm -f "$PINS/$1"; }
bss_has() { bpftool map dump pinned "$PINS/$1_bss" | grep -q "$2"; }
run "exit is called with the reason" exit_seen
unload flow_delay

run "kfuncs and iterators agree about the objects" $POL walk
run "unmount" umount /mnt
ended_conn() { nfs_server_down; }
run "server stops" ended_conn
run "rsp_ep_ops.ep_down is called" wait_for 20 reached noop_ep 4
run "rsp_flow_ops.chan_close is called" wait_for 20 reached noop_flow 1
run "rsp_nfs unloads" wait_for 20 rmmod rsp_nfs
run "rsp_buf_ops.release is called" wait_for 20 reached noop_buf 1
unclamped() {
	! $POL show | grep ' noop_' | grep -v ' clamps=0 '
}
run "noop policies were never out of range" unclamped
finish
