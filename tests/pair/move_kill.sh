#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The server is killed while channels of its client move, two times in the middle of a move. The client's
# services connect anew when it is back, channels move again, and nothing of either is left in the end.
#
#	cli 10.9.0.2 (mount, open-iscsi, ep_apart and ep_mux in turn) ===== 10.9.0.1 srv (nfsd, LIO), now and then gone
#
# topology: pair
# timeout: 900
. "$(dirname "$0")/lib.sh"
need root module:rsp_nfs module:rsp_iser module:rsp_isert tool:fio tool:iscsiadm tool:jq
plan 31

# between: a channel of cli is on its way. One that leaves an endpoint is counted where it goes before
# it is there, and an endpoint that is connected for a move has none. Looked for there: a lost peer is
# noticed in time, and its channels end
between() {
	on cli $((40 * ${RSP_SLOW:-1})) 'end=$((SECONDS + 10))
		until rspctl -j ep >/tmp/eps.json && rspctl -j chan >/tmp/chans.json && jq -en "
			[inputs[] | select(.role == \"client\")] as \$all |
			[\$all[] | select(has(\"svc\"))] as \$chans | [\$all[] | select(has(\"svc\") | not) |
			select((.state == \"connecting\" and .nr_chan == 0) or
			       (.id as \$id | .nr_chan != ([\$chans[] | select(.ep_id == \$id)] | length)))] |
			length > 0" /tmp/eps.json /tmp/chans.json; do
			[ $SECONDS -lt $end ] || { cat /tmp/eps.json /tmp/chans.json; exit 1; }
		done'
}
# A move that has begun behind this has no answer. The client may notice that the server is gone before one
# begins: another time, then
caught() {
	for _ in {1..5}; do
		freeze srv && between && return
		thaw srv && moving 120 || return
	done
	return 1
}
ready() {
	server_up rsp && target_up
}
# no NOP: that the target does not answer is the transport's to find
login() {
	iscsi_on cli 'iscsi_login 10.9.0.1 iser $(limits 300) "node.conn[0].timeo.noop_out_interval=0" \
		"node.conn[0].timeo.noop_out_timeout=0"'
}
mounted() {
	in_guest cli "nfs_mount $M $*"
}
# a server that forgot all makes the file of the load stale: it ends with an error, but it ends
nfs_load_ended() {
	wait_for 120 on cli '! kill -0 $(cat /tmp/fio.pid) 2>/dev/null' && on cli 'cat /tmp/fio.out; ! grep -q "err= 0" /tmp/fio.out'
}
back() {
	iscsi_on cli "wait_for 120 session_is LOGGED_IN && goes_on 50"
}
remount() {
	in_guest cli "umount -f $M || umount -l $M" && mounted hard
}
nothing_left() {
	on "$1" 'rspctl ep; rspctl chan; rspctl -j ep | jq -e "length == 0" && rspctl -j chan | jq -e "length == 0"'
}

# killed [HOW]: both move and carry data, then the server goes: at once, or when HOW has succeeded
killed() {
	nfs_load_up
	load_up --verify=0		# a RAM disk forgets
	run "both carry data" both_go_on
	run "and move" moving 60
	[ -z "${1:-}" ] || run "the server stops, with a move under way" "$1"
	run "the server is killed" power_off srv
	run "it boots again" power_on srv
	run "with export and target" ready
	run "the session is back, and I/O of the disk goes on" back
	run "no I/O of it failed" iscsi_on cli hold_down
	run "the load on the mount ends" nfs_load_ended
	run "and another mount takes its place" remount
}

run "a server and a target" ready
run "an initiator, the first policy" eval "initiator_up && in_guest cli 'modprobe rsp_nfs' && swaps_up"
run "a mount and a disk" eval "mounted hard && login"
killed caught
killed

# and does not come back: the client goes on without it
run "a mount that does not wait for ever" eval "in_guest cli 'umount $M' && mounted soft,timeo=30,retrans=1"
nfs_load_up
run "channels move" moving 60
run "the server stops, with a move under way" caught
run "it is killed" power_off srv
run "the load on the mount fails" nfs_load_ended
run "mount and session go without it" eval \
	"in_guest cli 'umount -f $M || umount -l $M' && iscsi_on cli logged_out && swaps_down"
run "the client has no channel and no endpoint left" wait_for 120 nothing_left cli
# the calls that end the mount's session have to time out first
run "and lets the module go" wait_for 90 on cli "rmmod rsp_nfs"
run "it boots again" power_on srv
# what was to be undone there went with it
# shellcheck disable=SC2034
t_undo=()
finish
