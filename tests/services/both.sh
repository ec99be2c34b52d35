#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# NFS and iSER run together on one device and one pool, policies of every family swapped under both:
# no I/O fails, data is right, each service's figures move with its own I/O and with no other's, and
# the accounts of the services add up to what the pool holds.
# topology: loop
# timeout: 900
. "$(dirname "$0")/lib.sh"
need root module:rsp_nfs module:rsp_iser module:rsp_isert tool:fio tool:jq tool:iscsiadm tool:bpftool
plan 18
SWAPS=31

run "a mount and a disk on one device" both_up
# shellcheck disable=SC2046 # one word an argument
one() {		# one NAME DIR_OR_FILE: fio with checksums, sizes at random
	fio_json "$T/one.json" "--$1=$2" --rw=randrw --bsrange=4k-256k --size=2m --iodepth=8 \
		--verify=crc32c --verify_fatal=1 --do_verify=1 --verify_state_save=0
}
nfs_alone() { one directory "$M"; }
iser_alone() { (cd "$T" && one filename "$(iscsi_disk)"); }

# note, then more_than and no_more_than: what the channels of a service have moved since
declare -A before
note() {
	local s
	look || return
	for s in $SERVICES; do
		before[$s]=$(moved "$s" nr_send nr_recv)
		before[$s.bytes]=$(moved "$s" send_bytes recv_bytes)
	done
}
since() {	# since SERVICE: messages, bytes
	m=$(($(moved "$1" nr_send nr_recv) - before[$1]))
	b=$(($(moved "$1" send_bytes recv_bytes) - before[$1.bytes]))
	echo "$1: $m messages, $b bytes more"
}
more_than() {	# more_than SERVICE MESSAGES BYTES
	local m b
	since "$1"
	[ $m -gt "$2" ] && [ $b -gt "$3" ]
}
no_more_than() {
	local m b
	since "$1"
	[ $m -le "$2" ] && [ $b -le "$3" ]
}
# what the clients' ends send by RDMA is the servers' work: theirs has messages only
nfs_only() {
	note && nfs_alone && look && more_than nfs-client 32 10000 && more_than nfs-server 32 2000000 &&
		no_more_than iser 0 0 && no_more_than iser-target 0 0
}
# an NFSv4 client renews its lease: some small messages
iser_only() {
	note && iser_alone && look && more_than iser 32 10000 && more_than iser-target 32 2000000 &&
		no_more_than nfs-client 64 32768 && no_more_than nfs-server 64 32768
}
stages() {
	rspctl observe on slow_us 1 && nfs_alone && iser_alone && rspctl -j observe slow >"$T/slow.json" &&
		rspctl observe off || return
	jq -c '.[-3:][]' "$T/slow.json"
	jq -e 'def of($svc): map(select(.svc == $svc)); (of("nfs-client") | length) > 5 and (of("iser") | length) > 32 and
		all(.[]; .sent_ns > 0 and .posted_ns >= .sent_ns and .completed_ns >= .posted_ns and
			.delivered_ns >= .completed_ns)' "$T/slow.json"
}
run "the stages of exchanges: sent after they were asked for, posted, completed, delivered" stages
run "NFS alone moves the figures of NFS alone" nfs_only
run "iSER alone moves the figures of iSER alone" iser_only
run "accounts add up to the pool at rest" wait_for 10 accounts_agree

# shellcheck disable=SC2046
load_up() {
	nfs_fio_up $(verifying)
	iser_fio_up $(verifying)
	wait_for 60 io_on_both
}
io_on_both() {
	look && more_than nfs-server 64 1000000 && more_than iser-target 64 1000000
}
note
run "fio with checksums on both" load_up

all_hold() {
	local s
	look
	for s in $SERVICES recv; do
		[ "$(figure "$s" held_bytes)" -gt 0 ] || { echo "$s holds nothing"; return 1; }
	done
}
run "each service holds something while busy" all_hold

# put POLICY: registered by bpftool on top of the one before, which goes: never a moment with none
n=0
put() {
	local dir=$PINS/$1_$((++n)) family=$2
	mkdir "$dir" && bpftool struct_ops register "$POLICIES/$1.bpf.o" "$dir" >"$T/bpftool" 2>&1 || {
		cat "$T/bpftool"
		return 1
	}
	[ -z "${in_force[$family]:-}" ] || rm -r "${in_force[$family]}"
	in_force[$family]=$dir
}
declare -A in_force
are_active() {	# are_active BUF EP FLOW
	is "$($POL show | sort | awk '$3 == "active" && $1 != "cache" { print $2 }' | xargs)" "$*"
}
# swaps: the first of a family is put on builtin, each other on the one before
swaps() {
	local i p buf=(buf_quota buf_fair buf_demand noop_buf) ep=(ep_shared ep_mux ep_private ep_apart)
	local flow=(flow_fixed flow_aimd flow_delay noop_flow)
	for ((i = 0; i < SWAPS; i++)); do
		for p in buf ep flow; do
			local -n names=$p
			put "${names[i % 4]}" $p || return
		done
		are_active "${buf[i % 4]}" "${ep[i % 4]}" "${flow[i % 4]}" || return
		# and now and then builtin comes to answer
		if ((i % 7 == 6)); then
			for p in buf ep flow; do
				rm -r "${in_force[$p]}"
				in_force[$p]=
			done
			wait_for 5 are_active builtin builtin builtin || return
		fi
	done
}
went_on() {
	local now
	read -ra now <<<"$(ios | xargs)"
	echo "NFS $((now[0] - ios_before[0])), iSER $((now[1] - ios_before[1])) reads and writes"
	[ $((now[0] - ios_before[0])) -gt 200 ] && [ $((now[1] - ios_before[1])) -gt 200 ]
}
read -ra ios_before <<<"$(ios | xargs)"
run "$SWAPS swaps of every family by bpftool" swaps
run "nobody was ejected" not eval "$POL show | grep -E 'kind=(self|range|stall)'"
run "both went on meanwhile" went_on
run "and had neither error nor wrong byte" fio_down nfs iser
diag "NFS $(fio_line "$T/nfs.json" 2>/dev/null)"
diag "iSER $(fio_line "$T/iser.json" 2>/dev/null)"
diag "$(rspctl svc)"
run "data is right afterwards" eval 'nfs_alone && iser_alone'
run "accounts add up to the pool at rest" wait_for 10 accounts_agree

# an idle service keeps no more than magazines: for each processor and class twice what is fetched at once
idle_bytes() {
	local cpus
	cpus=$(nproc)
	echo $((cpus * (32 * 1024 + 16 * 4096 + 16 * 8192 + 8 * 16384 + 2 * 65536)))
}
idle() {
	local s
	look
	for s in $SERVICES; do
		echo "$s: $(figure "$s" held_bytes)"
		[ "$(figure "$s" held_bytes)" -le "$(idle_bytes)" ] || return
	done
	is "$(jq length "$T/chan.json")" 0
}
run "unmount and log out" both_out
run "idle services keep no channel and no more than magazines" wait_for 20 idle
run "accounts add up to the pool" wait_for 10 accounts_agree
again() {
	both_in && nfs_alone && iser_alone && both_out && wait_for 20 idle
}
run "once more, under the policies that are left" again

# everything comes back: the modules go, and recv's posted receives with the device
empty() {
	nfs_server_down && iscsi_target_down && iscsi_initiator_down && rmmod rsp_nfs && rxe_down &&
		wait_for 10 nothing_held
}
nothing_held() {
	is "$(rspctl -j pool show | jq .held_bytes)" 0 && is "$(rspctl -j svc show | jq 'map(.name) | join(" ")')" '"recv"'
}
run "without them nothing is held" empty
finish
