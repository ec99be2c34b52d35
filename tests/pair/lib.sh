# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the tests with two guests share, on top of tests/lib.sh.
#
#	cli 10.9.0.2 (mount, disk) ===== 10.9.0.1 srv (nfsd, LIO)
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck disable=SC2034 # for the scripts
M=/mnt/pair

# in_guest NODE COMMAND...: up to five minutes
in_guest() {
	local node=$1
	shift
	on "$node" 300 "$*"
}

# server_up TRANSPORT: on srv; undone at the end
server_up() {
	defer server_down
	in_guest srv "nfs_transport $1 && nfs_server_up block=1048576"
}
server_down() {
	in_guest srv "nfs_server_down; for i in {1..50}; do
		[ -e /sys/module/rpcrdma ] || break; rmmod rpcrdma 2>/dev/null && break; sleep .2; done"
}

# chans_are N [WORD...]: channels on srv, of those that rspctl chan WORD... shows
chans_are() {
	local n=$1
	shift
	is "$(on srv "rspctl -j chan $* | jq length")" "$n"
}

# ---- guests that die ----------------------------------------------------------------------

lab=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../lab" && pwd)
case $RSP_RUN in
/*) run_dir=$RSP_RUN ;;
*) run_dir=$lab/../build/run/$RSP_RUN ;;
esac

# qemu_gets SIGNAL NODE
qemu_gets() {
	pkill "-$1" -P "$(<"$run_dir/$2.pid")" -f "name rsp-$2"
}

# freeze NODE: stop its QEMU: it answers nothing, and loses nothing. thaw NODE: it goes on
freeze() {
	qemu_gets STOP "$1"
}
thaw() {
	qemu_gets CONT "$1"
}

# power_off NODE: kill its QEMU, as a power failure would
power_off() {
	qemu_gets KILL "$1"
	wait_for 20 not kill -0 "$(<"$run_dir/$1.pid")"
}

# power_on NODE: boot it again. Its kernel log begins anew
power_on() {
	(
		. "$lab/common.sh"
		lab_options --topology pair
		setsid "$lab/vm" "$run_dir" "$1" </dev/null >"$run_dir/$1.vm" 2>&1 &
		echo $! >"$run_dir/$1.pid"
	)
	wait_for 150 answers "$1" || return
	# shellcheck disable=SC2034 # finish reads it
	t_marks[$([ "$1" = srv ] && echo 0 || echo 1)]=$(on "$1" "/src/tests/klog mark '$TEST'")
}
answers() {
	RSP_GX_CONNECT=1 on "$1" 30 true
}

# cable NODE off|on: pull it, and put it back: the carrier goes, the interface stays up
cable() {
	python3 - "$run_dir/sock/$1.mon" "set_link link $2" <<-'E'
		import socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.settimeout(20)
		s.connect(sys.argv[1])
		for line in (b"", sys.argv[2].encode() + b"\n"):
		    s.sendall(line)
		    seen = b""
		    while not seen.endswith(b"(qemu) "):
		        seen += s.recv(4096)
	E
}

# lossy PERCENT: nothing, or not all, passes in either direction
lossy() {
	local rc=0
	in_guest srv "netem eth0 loss $1" &
	in_guest cli "netem eth0 loss $1" || rc=1
	wait $! && return $rc
}

# ---- iSCSI --------------------------------------------------------------------------------

INITIATOR=${INITIATOR:-rsp}
TARGET=${TARGET:-rsp}
iser_ends

# iscsi_on NODE COMMAND...: with the functions of tests/iscsi/lib.sh. Files and a load stay
iscsi_on() {
	local node=$1
	shift
	on "$node" 300 "export INITIATOR=$INITIATOR TARGET=$TARGET RSP_SLOW=${RSP_SLOW:-1}
		RSP_T=/tmp/iscsi; mkdir -p \$RSP_T; . /src/tests/iscsi/lib.sh; trap - EXIT
		[ ! -e \$T/load ] || . \$T/load
		$*"
}

# load_up [ARGUMENT...]: hold_up on cli, which has one processor: what is done meanwhile goes first
load_up() {
	iscsi_on cli "HOLD_NICE=19 hold_up $*; declare -p hold_pid hold_disk >\$T/load"
}

# target_up, initiator_up: undone at the end, also when the guest was new since
target_up() {
	defer iscsi_on srv iscsi_target_down
	iscsi_on srv "iscsi_target $TARGET && iscsi_target_up addr=10.9.0.1 mb=64"
}
initiator_up() {
	defer iscsi_on cli "logged_out; iscsi_initiator_down"
	iscsi_on cli "iscsi_initiator_up $INITIATOR"
}

# ---- channels that move -------------------------------------------------------------------

# on cli, in the background: from the one policy to the other and back until /tmp/stop is there. cli has
# one processor: they leave it time for all else
swaps_up() {
	on cli 'cat >/tmp/swaps <<-"E"
		export POL_PINS=/sys/fs/bpf/swaps
		mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
		mkdir -p $POL_PINS
		rm -f /tmp/stop
		new=ep_mux old=
		while [ ! -e /tmp/stop ]; do
			/src/build/tests/policy/pol again /src/build/policies/$new.bpf.o $POL_PINS/kept_$new $POL_PINS/$new idle_s=60 || break
			[ -z "$old" ] || rm -f $POL_PINS/$old
			old=$new
			[ $new = ep_mux ] && new=ep_apart || new=ep_mux
			echo >>/tmp/swapped
			sleep 0.5
		done
		rm -f $POL_PINS/*
	E
	: >/tmp/swapped
	setsid bash /tmp/swaps >/tmp/swaps.log 2>&1 </dev/null &'
	wait_for 20 swapped 1
}
swapped() {
	[ "$(on cli "wc -l </tmp/swapped")" -ge "$1" ]
}
swaps_down() {
	on cli 'touch /tmp/stop; cat /tmp/swaps.log | tail -3'
	wait_for 20 on cli '! pgrep -f "[b]ash /tmp/swaps"'
}
nr_moves() {
	on cli "rspctl -j chan | jq '[.[] | .nr_move] | add // 0'"
}
# moving: at least four moves more within so many seconds
moving() {
	local before
	before=$(nr_moves)
	wait_for "$1" more_moves "$before"
}
more_moves() {
	[ "$(nr_moves)" -ge $(($1 + 4)) ]
}
nfs_load_up() {
	in_guest cli "cd /tmp && exec nice -n 19 fio --name=load --directory=$M --direct=1 --ioengine=libaio --rw=randrw --bsrange=4k-128k \
		--size=16m --iodepth=8 --time_based --runtime=600 --verify=crc32c --verify_fatal=1 --verify_backlog=32 \
		--verify_state_save=0 --output=/tmp/fio.out >/tmp/fio.err 2>&1 & echo \$! >/tmp/fio.pid"
}
nfs_load_down() {
	on cli 'cat /tmp/fio.err; kill -INT $(cat /tmp/fio.pid)' || return
	wait_for 60 on cli '! kill -0 $(cat /tmp/fio.pid) 2>/dev/null' || return
	on cli 'cat /tmp/fio.out | head -3; grep -q "err= 0" /tmp/fio.out'
}
both_go_on() {
	iscsi_on cli "goes_on 50" && on cli "a=\$(awk '/WRITE:/ { print \$2 }' /proc/self/mountstats | tail -1)
		for i in \$(seq 300); do sleep 0.2
			[ \$(awk '/WRITE:/ { print \$2 }' /proc/self/mountstats | tail -1) -gt \$((a + 20)) ] && exit 0
		done; exit 1"
}
