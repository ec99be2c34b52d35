#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Under a pool too small for both, NFS and iSER get what the buffer policy says: with a strict fair share
# neither holds more than its own; with a fair share that may borrow, or with the adaptive policy, the
# busy one uses what the idle one leaves, and gives it back when that becomes busy.
#
#	mount, 8 connections, writes of 1 MiB: nfs-server wants 8 MiB of buffers
#	8 sessions, 2 KiB writes, depth 64:    copied into 4 KiB buffers, iser wants 2 MiB
#
# topology: loop
# timeout: 1200
# shellcheck disable=SC2034,SC2154 # lib.sh has the other half
INITIATOR=rsp TARGET=rsp FIO_NICE=0
. "$(dirname "$0")/../iscsi/lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp_nfs module:rsp_iser module:rsp_isert tool:fio tool:jq tool:iscsiadm file:/src/build/bench/held
plan 16
LIMIT=$((8 << 20))
SHARE=$((LIMIT / 5))		# recv, nfs-client, nfs-server, iser, iser-target, all of weight 100
# messages that arrived are in the account of who they are for, and nobody was asked: not more than this
ARRIVED=$((512 << 10))
MOST=$((SHARE * 6 / 10))
# of what iser wants: more than its reserve
MUCH=$((768 << 10))

limits() {
	echo "node.conn[0].timeo.noop_out_interval=0 node.conn[0].timeo.noop_out_timeout=0
		node.session.queue_depth=64"
}
both_in() {
	nfs_mount "$M" hard,nconnect=8 && sessions 8 && iscsi_disks_bare
}
both_out() {
	local rc=0
	! mountpoint -q "$M" || umount "$M" || umount -f "$M" || rc=1
	logged_out || rc=1
	rm -rf /var/lib/iscsi/ifaces
	return $rc
}

# watch NAME [BYTES]: what each holds, eighty times, every 50 ms; and again, up to ten times in all, until iser,
# whose load comes in bursts, held so much
watch() {
	local i
	for i in {1..10}; do
		/src/build/bench/held 50 80 >>"$T/$1" || return
		[ "$(of "$1" iser max)" -lt "${2:-0}" ] || break
	done
	jq -sc '. as $l | [("nfs-server", "iser", "recv") as $s | [$l[] | .[$s].held / 1024 | floor] | sort |
		{key: $s, value: {min: first, median: .[length / 2 | floor], max: last}}] | from_entries' "$T/$1" |
		sed "s/^/# $1, KiB held, $i times 4 s: /" >&3
}
# of NAME SERVICE[+SERVICE] median|max [BYTES]: of what they hold; of the moments when iser holds so much, at least
of() {
	jq -s --arg s "$2" --arg what "$3" --argjson iser "${4:-0}" '[.[] | select(.iser.held >= $iser) |
		[.[$s | split("+")[]].held] | add] | sort | {median: .[length / 2 | floor], max: last}[$what]' "$T/$1"
}
exec 3>&1

nfs_busy() {
	nfs_fio_up --rw=randwrite --bs=1m --size=16m --iodepth=8 --thread
}
iser_busy() {
	local files
	files=$(iscsi_disks | xargs)
	# one job, its writes go to the disks in turn
	fio_up iser --filename="${files// /:}" --file_service_type=roundrobin:1 --rw=randwrite --bs=2k \
		--size=32m --iodepth=512 --thread
}

# pause, go_on_with NAME...: fio stands still, what it has in flight ends; it goes on
pause() {
	local name
	for name; do
		kill -STOP "${fio_pids[$name]}" || return
	done
	# a policy that finds more than it allows refuses all until that is gone, and is ejected if it lasts
	wait_for 60 rests nfs-server
}
rests() {	# rests SERVICE
	! holds "$1" 1000000
}
go_on_with() {
	local name
	for name; do
		kill -CONT "${fio_pids[$name]}" || return
	done
}
holds() {	# holds SERVICE BYTES: at least, at some moment of half a second
	[ "$(/src/build/bench/held 20 25 | jq -s --arg s "$1" 'map(.[$s].held) | max')" -ge "$2" ]
}
# two loads, both at rest: a program takes its time to start beside one that runs
loads_up() {
	iser_busy && wait_for 60 holds iser 400000 && pause iser &&
		nfs_busy && wait_for 60 holds nfs-server 1000000 && pause nfs
}

took() {
	echo "# $1: $((SECONDS - at)) s" >&3
	at=$SECONDS
}
# phases NAME BYTES POLICY [KNOB=VALUE]...: NFS alone, watched as NAME-nfs, then both, NAME-both
phases() {
	local name=$1 bytes=$2 rc=0
	shift 2
	at=$SECONDS
	load "$@" && took policy || return
	go_on_with nfs && wait_for 150 holds nfs-server 800000 && took "NFS begins" && watch "$name-nfs" &&
		took "NFS alone" && go_on_with iser && watch "$name-both" "$bytes" && took both || rc=1
	pause nfs iser && took pause
	active buf "$1" || { rspctl policy log; return 1; }
	unload "$1" && return $rc
}
at_most() {	# at_most BYTES NAME SERVICE median|max
	local got
	got=$(of "$2" "$3" "$4")
	echo "$2: $3 holds $got ($4), wanted at most $1"
	[ "$got" -le "$1" ]
}
at_least() {
	local got
	got=$(of "$2" "$3" "$4")
	echo "$2: $3 holds $got ($4), wanted at least $1"
	[ "$got" -ge "$1" ]
}

run "a mount and eight disks, a pool of 8 MiB" both_up pool_mb=8

run "a load on each" loads_up

run "strict fair share carries both" phases strict $MOST buf_fair headroom_pct=100
run "both demand: each has most of its share" eval 'at_least $MOST strict-both nfs-server max &&
	at_least $MOST strict-both iser max'
run "and no more than it" eval 'at_most $((SHARE + ARRIVED)) strict-both nfs-server max &&
	at_most $((SHARE + ARRIVED)) strict-both iser max'
run "alone it has no more either" at_most $((SHARE + ARRIVED)) strict-nfs nfs-server max

run "fair share that may borrow carries both" phases fair $MOST buf_fair
run "alone NFS uses what iSER leaves" at_least $((SHARE * 3 / 2)) fair-nfs nfs-server max
run "iSER gets its share when it comes" at_least $MOST fair-both iser max

run "the adaptive policy carries both" phases demand $MUCH buf_demand
run "alone NFS has more than a static share" at_least $((SHARE * 5 / 4)) demand-nfs nfs-server max
run "iSER gets more than its reserve when it comes" at_least $MUCH demand-both iser max
# the threshold holds for all: receive queues give way as well, and leave NFS the more
give_way() {
	local alone beside
	alone=$(of demand-nfs nfs-server+recv median)
	beside=$(of demand-both nfs-server+recv median $MUCH)
	echo "nfs-server and recv hold $alone alone, $beside while iser holds $MUCH and more (median)"
	[ "$beside" -lt "$alone" ]
}
run "and the others have less while it does" give_way

# builtin: whoever asks first. No policy, no promise but this: nobody stands still
builtin() {
	local before now
	read -ra before <<<"$(ios | xargs)"
	go_on_with nfs iser && watch builtin-both
	read -ra now <<<"$(ios | xargs)"
	echo "NFS $((now[0] - before[0])), iSER $((now[1] - before[1])) writes"
	[ $((now[0] - before[0])) -gt 0 ] && [ $((now[1] - before[1])) -gt 20 ]
}
run "builtin lets both go on" builtin
run "no write failed" fio_down nfs iser
run "accounts add up to the pool" eval 'both_out && wait_for 10 accounts_agree'
finish
