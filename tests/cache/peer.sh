#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The cache over an iSER disk reads what it lacks from the memory of the target's cache: right whatever happens to
# either, fresh through two such caches at once where others write, and gone without a trace.
#
#	load --- $U (rsp-cache, peer) --- iSER disk --- rxe0 10.9.0.1, loopback --- LIO iblock --- $L (rsp-cache, publish) --- null_blk
#	         '--------------- one-sided reads ---------------------------------------------------^
# topology: loop
# timeout: 600
# shellcheck disable=SC2034 # lib.sh has the other half
INITIATOR=rsp TARGET=rsp
. "$(dirname "$0")/../iscsi/lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp_cache module:rsp_iser module:rsp_isert module:null_blk tool:fio tool:iscsiadm tool:dmsetup tool:jq \
	file:/src/build/rspctl
PATH=/src/build:$PATH
KEY=0x5eedf00d00000000
plan 19
modprobe rsp_cache

# upper_up NAME SIZE [OPTION]: a cache over the disk, with the target's as its peer
upper_up() {
	C=$1 DEV=$(iscsi_disk 1)
	cache_up "$2" $((3 + $# - 2)) peer 10.9.0.1 $KEY "${@:3}"
}
upper_down() {
	local c
	for c in "$LOWER-a" "$LOWER-b"; do
		! dmsetup info "$c" >/dev/null 2>&1 || dm remove "$c" || return
	done
	D=
}
of() {	# of NAME FIGURE
	(C=$1; figure "$2")
}
# read_all DEVICE: 2 MiB of it in blocks of 4 KiB, past the page cache
read_all() {
	dd if="$1" of="$T/read" bs=4k count=512 iflag=direct status=none
}
warm() {
	read_all "$(iscsi_disk 1)" && read_all "$(iscsi_disk 1)"
}
peered() {
	read_all "$D" && [ "$(figure peer_hits)" -gt 0 ]
}
shown() {
	rspctl -j desc | jq -e '(map(select(.role == "server" and .svc == "cache")) | length) >= 2 and
		any(.[]; .role == "client" and .svc == "cache" and .nr_read > 0)'
}

run "a device, a published cache, a target with it as a block backstore" lower_up 4M 2 publish $KEY
BELOW=$DEV
# shellcheck disable=SC2046 # one word a setting
run "login" iscsi_login 10.9.0.1 iser $(limits)
run "the unit is there" wait_for 20 has_unit
fresh() {
	head -c 2M /dev/urandom >"$T/data" && dd if="$T/data" of="$(iscsi_disk 1)" bs=64k oflag=direct status=none
}
run "data, and the target's cache is warm" eval 'fresh && warm'
defer upper_down
run "a cache over the disk, with that as its peer" upper_up "$LOWER-a" 64K
run "it reads from the peer's memory" wait_for 30 peered
run "which is shown" shown
mostly() {
	local hits before
	before=$(figure peer_hits)
	read_all "$D" && cmp "$T/read" "$T/data" && hits=$(($(figure peer_hits) - before)) && echo "$hits of 512" &&
		[ $hits -gt 400 ]
}
run "nearly all, and it is right" mostly
run "fio with checksums" disk_checksums "$D"
run "threads that meet in blocks" workout bytes=2M threads=4 ops=811
two() {
	dm remove "$C" && upper_up "$LOWER-a" 64K shared && A=$D && upper_up "$LOWER-b" 64K shared && B=$D
}
A='' B=''
run "two caches over the disk, which both write" two
linearizable() {
	$WORKOUT bytes=1M threads=4 ops=2003 seed=7 "$A" "$B" && echo "peer hits $(of "$LOWER-a" peer_hits) and $(of "$LOWER-b" peer_hits)," \
		"stale $(of "$LOWER-a" peer_stale)" && [ "$(of "$LOWER-a" peer_hits)" -gt 100 ] && [ "$(of "$LOWER-b" peer_hits)" -gt 100 ]
}
run "each sector is a register, whoever writes and reads" linearizable
# both_load COMMAND...: while both write and read
both_load() {
	echo 0 >"$T/ops"
	$WORKOUT ops=0 "log=$T/ops" bytes=1M threads=4 "$A" "$B" >"$T/load" 2>&1 &
	# shellcheck disable=SC2034 # load_down's
	load_pid=$!
	goes_on 100 && "$@"
	local rc=$?
	load_down && return $rc
}
changes() {
	local s
	for s in 64K 2M 128K 4M 64K 4M; do
		dm message "$LOWER" 0 resize $s && goes_on 40 && dm message "$LOWER" 0 drop && goes_on 40 || return
	done
}
run "the same while the target's cache is made smaller, larger, empty" both_load changes
suspends() {
	for _ in 1 2 3; do
		dm suspend "$LOWER" && dm resume "$LOWER" && goes_on 60 || return
	done
}
run "suspended" both_load suspends
again() {
	local s
	s=$(sectors "$BELOW") || return
	for _ in 1 2 3; do
		dm reload "$LOWER" --table "0 $s rsp-cache $BELOW 4M 2 publish $KEY" && dm suspend "$LOWER" && dm resume "$LOWER" &&
			goes_on 60 || return
	done
	not dm create "$LOWER-c" --table "0 $s rsp-cache $BELOW 4M 2 publish $KEY"
}
run "given a table with the same KEY; another device may not have it" both_load again
read_again() {
	D=$A C=$LOWER-a
	peered
}
run "and is read again" wait_for 30 read_again
gone() {
	upper_down && wait_for 20 no_holder
}
no_holder() {
	rspctl -j desc | jq -e 'all(.[]; .role == "server" and .nr_grant == 0)'
}
run "they go, and hold nothing" gone
run "logout" iscsi_logout
nothing() {
	lower_down && rspctl -j desc | jq -e '. == []' && ! rspctl svc | grep desc-
}
run "nothing is published any more" nothing
finish
