#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Channels go from one queue pair to another with their work under way, as the endpoint policy wants:
# at a swap, once a second, back and forth while both services verify what they read.
#
#	client: nfs-client, iser   === ep 1, ep 2, ... ===   server: nfs-server, iser-target
#
# topology: loop
# timeout: 1000
# shellcheck disable=SC2034 # lib.sh has the other half
INITIATOR=rsp TARGET=rsp
. "$(dirname "$0")/../iscsi/lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp_nfs module:rsp_iser module:rsp_isert tool:fio tool:jq tool:iscsiadm
plan 17

exec 3>&1
IDLE=15		# an NFS connection, and an endpoint, that is idle so long goes

# chans_are FILTER: what jq makes of the list of channels
chans_are() {
	rspctl ep
	rspctl chan
	rspctl -j chan | jq -e "$1"
}
# spread N: the channels are on N endpoints, at either end
spread() {
	chans_are "group_by(.role) | length == 2 and (map((map(.ep_id) | unique | length) == $1) | all)"
}
moves() {
	rspctl -j chan | jq '[.[] | select(.role == "client") | .nr_move] | add'
}
# kept: none of the channels of $T/chans is another one by now
kept() {
	is "$(rspctl -j chan | jq -c 'map(.id) | sort')" "$(cat "$T/chans")"
}
remember() {
	rspctl -j chan | jq -c 'map(.id) | sort' >"$T/chans"
}
# together, apart: from the one policy to the other
together() {
	again ep_mux idle_s=$IDLE && unload ep_apart
}
apart() {
	again ep_apart idle_s=$IDLE && unload ep_mux
}
run "a mount and a disk on one endpoint" eval "both_up && both_out && together && both_in && spread 1"
apart_and_together() {
	remember
	apart && wait_for 10 spread 2 && is "$(moves)" 1 || return
	together && wait_for 10 spread 1 && is "$(moves)" 2 && kept
}
run "both carry verified data" both_verify
run "ep_apart takes one to an endpoint of its own, ep_mux back, live" apart_and_together
run "nothing is lost" fio_down nfs iser

# storm N: there and back so many times, each while the moves of the one before may be under way; then it
# has its turn behind them, if the one after lets it
storm() {
	local i before
	before=$(moves)
	for ((i = 0; i < $1; i++)); do
		apart || return
		[ $((i % 7)) = 0 ] || sleep 0.$((3 + RANDOM % 6))
		together || return
		[ $((i % 9)) = 0 ] || sleep 0.$((3 + RANDOM % 6))
	done
	wait_for 10 spread 1
	diag "$(($(moves) - before)) moves" >&3
	kept && [ $(($(moves) - before)) -ge "$1" ]
}
run "small and large I/O, verified" both_verify
run "a storm of 60 swaps moves channels back and forth" storm 30
run "nothing is lost, nobody has connected anew" eval "fio_down nfs iser && kept"
run "1 MiB transfers" both_load --rw=randrw --bs=1m --size=16m --iodepth=4 --serialize_overlap=1 --verify=crc32c \
	--verify_fatal=1 --verify_backlog=8 --verify_state_save=0 --overwrite=1
run "move, too" storm 10
run "nothing is lost of them" eval "fio_down nfs iser && kept"
run "accounts agree" wait_for 10 accounts_agree

# with two endpoints for each peer the channels spread in time, and stay even
even() {
	chans_are '[group_by(.role)[] | [group_by(.ep_id)[] | length] | length == 2 and max - min <= 1] | all'
}
two_choices() {
	both_out && sessions 5 && nfs_mount "$M" && wait_for 10 spread 1 || return
	remember
	nfs_fio_up --rw=randrw --bs=4k --size=8m --iodepth=8 --verify=crc32c --verify_fatal=1 --verify_backlog=32 \
		--verify_state_save=0 --overwrite=1
	$POL load "$POLICIES/ep_mux.bpf.o" "$PINS/two" per_peer=2 idle_s=$IDLE && wait_for 20 even && kept
}
run "two choices: six channels come to be three and three" two_choices
stays() {
	local before
	before=$(moves)
	sleep 5
	is "$(moves)" "$before"
}
run "and stay there" stays
run "nothing is lost of theirs" fio_down nfs
swap_back() {
	unload two
	wait_for 10 active ep ep_mux && wait_for 20 spread 1 && kept
}
run "all come together when the policy before is back" swap_back

# moves that the end of the device, of the session, of the mount meets
gone_meanwhile() {
	local i rc=0
	sessions_out
	both_out
	for i in 1 2 3 4; do
		both_in || return
		both_verify || return
		for _ in 1 2; do
			apart
			together
		done
		apart
		if ((i % 2)); then
			rdma link delete rxe0
			sleep 1
			rdma link add rxe0 type rxe netdev rsp0 && rxe_wait rxe0 || return
			wait_for 90 chans_are 'map(select(.state == "up")) | length == 4' || rc=1
			both_go_on 20 || rc=1
		fi
		fio_down nfs iser || rc=1
		together
		both_out || rc=1
	done
	return $rc
}
run "channels, endpoints and devices end while channels move" gone_meanwhile
run "all goes" eval "both_out; wait_for 60 no_ep && unload ep_mux"
finish
