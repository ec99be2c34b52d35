#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A published cache on a target, and caches on two hosts that read its memory: what both write and read is
# linearizable, while the target's cache is resized, emptied, no longer published and published again, while
# the network is gone, and over the death of the target.
#
#	cli 10.9.0.2: workout --- up (rsp-cache, peer) --- iSER disk ======= 10.9.0.1 srv: LIO iblock --- low (rsp-cache, publish)
#	                 |       '------ one-sided reads ------------------------------------------------^        |
#	                 '--TCP-- srv: workout serve --- up (rsp-cache, peer) --- iSER disk, its own     a file outside the guest
#
# topology: pair
# timeout: 600
INITIATOR=rsp TARGET=rsp
. "$(dirname "$0")/lib.sh"
need root module:rsp_cache module:rsp_iser module:rsp_isert module:loop tool:iscsiadm tool:dmsetup tool:losetup tool:jq
plan 29

KEY=0x5eedf00d00000000
SERVED=7001

# cache_on NODE COMMAND...: with the functions of tests/cache/lib.sh, too. $C is the cache over the disk
cache_on() {
	local node=$1
	shift
	iscsi_on "$node" ". /src/tests/cache/lib.sh; C=up KEY=$KEY; $*"
}

# low_table [OPTION...]: of the target's cache
low_table() {
	echo "0 131072 rsp-cache \$(losetup -n -O NAME -j /out/disk) 4M $*"
}
# serve: the portal last: who comes back finds the unit. /out/disk is a file of the lab's host, written past
# the guest's memory: it has all that was acknowledged when the guest is gone
serve() {
	cache_on srv "modprobe rsp_cache && modprobe loop && truncate -s 64M /out/disk &&
		losetup -f --direct-io=on /out/disk && dm create low --table \"$(low_table 2 publish $KEY)\" &&
		iscsi_target $TARGET && iscsi_target_up addr= mb=16 && iscsi_block_up 1 \$(dm_dev low) && iscsi_portal 10.9.0.1"
}
served_down() {
	cache_on srv 'iscsi_target_down; iscsi_block_down 1 && ! dmsetup info low >/dev/null 2>&1 || dm remove low
		! losetup -j /out/disk | grep . || losetup -d $(losetup -n -O NAME -j /out/disk); rm -f /out/disk'
}

# host_up NODE: an initiator with the disk, and a cache over it
host_up() {
	cache_on "$1" "iscsi_initiator_up $INITIATOR && iscsi_login 10.9.0.1 iser \$(limits 300) && wait_for 20 has_unit &&
		modprobe rsp_cache" && cache_over "$1" up
}
cache_over() {	# cache_over NODE NAME
	cache_on "$1" "C=$2 DEV=\$(iscsi_disk 1); cache_up 64K 4 peer 10.9.0.1 \$KEY shared"
}
host_down() {
	cache_on "$1" 'for C in up beside; do ! dmsetup info $C >/dev/null 2>&1 || dm remove $C || exit; done
		logged_out; iscsi_initiator_down'
}
agent_up() {
	cache_on srv "setsid \$WORKOUT serve=$SERVED \$(dm_dev up) >/tmp/serve 2>&1 </dev/null & echo \$! >/tmp/serve.pid"
	# shellcheck disable=SC2016 # srv's
	wait_for 20 on srv 'ss -ltn | grep -q ":'$SERVED'\b"'
}
agent_down() {
	# shellcheck disable=SC2016
	on srv '[ ! -e /tmp/serve.pid ] || { kill $(cat /tmp/serve.pid); rm /tmp/serve.pid; }'
}

figure() {	# figure NODE NAME
	cache_on "$1" "figure $2"
}
# hits NODE N COMMAND...: meanwhile so many are read from the target's memory
hits() {
	local before now
	before=$(figure "$1" peer_hits)
	"${@:3}" || return
	now=$(figure "$1" peer_hits)
	echo "$1: $((now - before)) read from the target's memory"
	[ $((now - before)) -ge "$2" ]
}
peered() {	# peered NODE
	hits "$1" 1 cache_on "$1" 'dd if=$(dm_dev up) of=/dev/null bs=4k count=64 iflag=direct status=none'
}
both=10.9.0.1:$SERVED
linearizable() {	# linearizable ARGUMENT...: on cli's way and srv's
	cache_on cli "\$WORKOUT bytes=512k threads=4 $* \$(dm_dev up) $both"
}
# work_up DEVICE...: it goes on until work_down, which fails if anything was wrong
work_up() {
	cache_on cli "echo 0 >/tmp/ops; rm -f /tmp/work.rc
		(\$WORKOUT ops=0 log=/tmp/ops bytes=512k threads=4 seed=$RANDOM $* >/tmp/work 2>&1 </dev/null
		 echo \$? >/tmp/work.rc) >/dev/null 2>&1 &
		wait_for 20 pgrep -x workout"
}
work_down() {
	# shellcheck disable=SC2016
	on cli '[ ! -e /tmp/work.rc ] || echo "it ended early"; pkill -INT -x workout; true'
	wait_for 60 on cli '[ -e /tmp/work.rc ]'
	# shellcheck disable=SC2016
	on cli 'cat /tmp/work; [ "$(cat /tmp/work.rc)" = 0 ]'
}
# goes_on N [SECONDS]: so many operations more
goes_on() {
	cache_on cli "ios() { cat /tmp/ops; }; [ ! -e /tmp/work.rc ] && goes_on $1 ${2:-60}"
}
# while_both COMMAND...: both hosts read and write meanwhile
while_both() {
	local rc
	work_up "\$(dm_dev up)" "$both" && goes_on 50 && "$@" && goes_on 50
	rc=$?
	work_down && return $rc
}

changes() {
	local s
	for s in 64K 2M 128K 4M; do
		on srv "dmsetup message low 0 resize $s" && goes_on 30 && on srv "dmsetup message low 0 drop" && goes_on 30 || return
	done
}
# reloaded [OPTION...]: another table for the target's cache, in use
reloaded() {
	in_guest srv "dm reload low --table \"$(low_table "$@")\" && dm suspend low && dm resume low"
}
unpublished() {
	local _
	for _ in 1 2; do
		reloaded 2 publish $KEY && goes_on 30 && reloaded && on srv 'rspctl -j desc | jq -e "all(.[]; .role != \"server\")"' && goes_on 30 &&
			reloaded 2 publish $KEY && goes_on 30 || return
	done
}
# not the cable: a request of the connection manager without a carrier ends rxe's QP 1 (docs/lab.md)
cuts() {
	local s
	for s in 2 7; do
		lossy 100% && sleep $s && lossy 0% && goes_on 50 90 || return
	done
}

defer served_down
run "a network that can be cut" lossy 0%
run "the target, with a published cache" serve
for n in cli srv; do
	defer host_down $n
	run "$n: an initiator, and a cache over the disk" host_up $n
done
defer agent_down
run "srv does what cli tells it" agent_up
for n in cli srv; do
	run "$n reads from the target's memory" wait_for 30 peered $n
done
for n in cli srv; do
	run "each sector is a register, whichever host reads and writes; $n reads the target's memory" hits $n 20 linearizable ops=203
done
run "the same while the target's cache is made smaller, larger, empty" hits cli 20 while_both changes
run "given a table with the same key, one without, and again" while_both unpublished
run "both read it again" eval "wait_for 30 peered cli && wait_for 30 peered srv"
run "while nothing passes for 2 s, for 7 s" while_both cuts
run "both read it again" eval "wait_for 30 peered cli && wait_for 30 peered srv"

run "another cache beside the first on cli" cache_over cli beside
work_up "\$(dm_dev up)" "\$(dm_dev beside)"
run "cli reads and writes through both" goes_on 100
run "the target is killed" power_off srv
run "it boots again" power_on srv
run "with the same target" serve
run "I/O of cli goes on" goes_on 100 150
run "and reads its memory again" hits cli 5 goes_on 200
run "no I/O failed, and each sector was a register all the time" work_down
run "srv is an initiator again" eval "host_up srv && agent_up"
run "and reads the target's memory" wait_for 30 peered srv
run "each sector is a register" linearizable ops=101 seed=5
for n in cli srv; do
	run "$n lets go" host_down $n
done
nothing() {
	agent_down && served_down && on srv 'rspctl -j desc | jq -e ". == []" && ! rspctl svc | grep desc-'
}
run "nothing is published any more" nothing
run "cli holds nothing" on cli 'rspctl -j desc | jq -e ". == []" && ! rspctl svc | grep desc-'
finish
