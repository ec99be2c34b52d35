# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the tests of NFS and iSER together share, on top of tests/lib.sh and tests/policy/lib.sh.
#
#	mount (nfs-client) --- rxe0 10.9.0.1, loopback --- nfsd (nfs-server)
#	open-iscsi (iser)  --- the same device        --- LIO, RAM disk (iser-target)
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../policy/lib.sh"
PATH=/src/build:$PATH

M=/mnt/both-$$
# shellcheck disable=SC2034 # for the scripts
SERVICES="nfs-client nfs-server iser iser-target"

# both_up [NAME=VALUE...]: one device, an export mounted from it and a disk logged in to over it.
# Arguments are parameters of rsp.ko. What it makes is undone at the end of the script.
both_up() {
	defer rsp_unload
	modprobe rsp "$@" || return
	pins_up
	defer pins_down
	defer rxe_down
	rxe_dummy 9000 || return
	nfs_transport rsp || return
	defer nfs_server_down
	nfs_server_up threads=8 size=256M block=1048576 || return
	defer iscsi_target_down
	iscsi_target rsp && iscsi_target_up addr=10.9.0.1 mb=128 || return
	defer iscsi_initiator_down
	iscsi_initiator_up rsp || return
	defer both_out
	both_in
}

# both_in, both_out: mount and log in; the opposite. No NOPs: an idle session then says nothing.
both_in() {
	nfs_mount "$M" && iscsi_login 10.9.0.1 iser node.session.queue_depth=64 \
		"node.conn[0].timeo.noop_out_interval=0" "node.conn[0].timeo.noop_out_timeout=0"
}
both_out() {
	local rc=0
	! mountpoint -q "$M" || umount "$M" || umount -f "$M" || rc=1
	! iscsiadm -m session >/dev/null 2>&1 || iscsi_logout >/dev/null || rc=1
	return $rc
}

# ---- what the platform says ---------------------------------------------------------------

# look: ask once, for the functions below; a program of rspctl takes a second or more to load here
look() {
	rspctl -j svc show >"$T/svc.json" && rspctl -j chan show >"$T/chan.json"
}

# eps_are FILTER: what jq makes of the list of endpoints
eps_are() {
	rspctl ep
	rspctl chan
	rspctl -j ep | jq -e "$1"
}
no_ep() {
	eps_are 'length == 0'
}

# figure SERVICE NAME: of its line in rspctl svc, 0 if there is none
figure() {
	jq --arg s "$1" "[.[] | select(.name == \$s) | .$2] | add // 0" "$T/svc.json"
}

# moved SERVICE NAME...: sum of these figures of its channels
moved() {
	local s=$1
	shift
	jq --arg s "$s" '[.[] | select(.svc == $s) | .[$ARGS.positional[]]] | add // 0' \
		"$T/chan.json" --args "$@"
}

# accounts_agree: what the services hold is what the pool says is held, to the byte; both at rest
accounts_agree() {
	local svcs pool
	look
	svcs=$(jq '[.[].held_bytes] | add' "$T/svc.json")
	pool=$(rspctl -j pool show | jq .held_bytes)
	is "$svcs" "$pool"
}

# ios: reads and writes of the mount, of the disk; a connection that an endpoint policy moves begins to
# count anew, and they do not
ios() {
	awk -v m="$M" '$5 == m { on = 1 } $1 == "device" && $5 != m { on = 0 }
		on && ($1 == "READ:" || $1 == "WRITE:") { n += $2 } END { print n + 0 }' /proc/self/mountstats
	awk '{ print $1 + $5 }' "/sys/block/$(basename "$(iscsi_disk)")/stat"
}

# ---- loads --------------------------------------------------------------------------------

declare -A fio_pids
FIO_NICE=${FIO_NICE:-19}	# programs that are loaded meanwhile go first

# fio_up NAME ARGUMENT...: fio in the background, its report in $T/NAME.raw, until fio_down NAME
fio_up() {
	local name=$1
	shift
	(cd "$T" && exec nice -n "$FIO_NICE" fio --name="$name" --ioengine=libaio --direct=1 --time_based --runtime=1200 \
		--randseed=23 --output-format=json "$@") >"$T/$name.raw" 2>"$T/$name.err" &
	fio_pids[$name]=$!
}

# fio_down NAME...: end them; fails when one ended early, had an error or found other data than it
# wrote, or did nothing
fio_down() {
	local name pid rc=0
	for name; do
		kill -0 "${fio_pids[$name]}" || { echo "$name ended early"; rc=1; }
		kill -INT "${fio_pids[$name]}"
	done
	for name; do
		pid=${fio_pids[$name]}
		wait_for 90 not kill -0 "$pid" || {
			echo "$name hangs"
			cat /proc/"$pid"/task/*/stack
			kill -9 "$pid"
			rc=1
		}
		wait "$pid"		# non-zero after a signal: what counts is in its report
		sed -n '/^{/,$p' "$T/$name.raw" >"$T/$name.json"
		jq -e '([.jobs[].error] | add) == 0 and ([.jobs[] | .read.total_ios + .write.total_ios] | min) > 0' \
			"$T/$name.json" || {
			cat "$T/$name.err"
			sed '/^{/,$d' "$T/$name.raw"
			jq -c '.jobs[] | {error, read: .read.total_ios, write: .write.total_ios}' "$T/$name.json"
			rc=1
		}
	done
	return $rc
}

# nfs_fio_up, iser_fio_up ARGUMENT...: on a file of the mount, on the disk
nfs_fio_up() {
	fio_up nfs --directory="$M" "$@"
}
iser_fio_up() {
	fio_up iser --filename="$(iscsi_disk)" "$@"
}

# verifying: arguments of a load that checks what it reads, with pauses that leave the processors some
# time for programs to be loaded
verifying() {
	echo "--rw=randrw --bsrange=4k-128k --size=8m --iodepth=8 --verify=crc32c --verify_fatal=1
		--verify_backlog=32 --verify_state_save=0 --overwrite=1 --thinktime=300ms --thinktime_blocks=8"
}

# both_load ARGUMENT...: the same on both, which has begun when this returns; fio makes its file before
both_load() {
	local before
	mapfile -t before <<<"$(ios)"
	nfs_fio_up "$@" && iser_fio_up "$@" && wait_for 60 both_made 40 "${before[@]}"
}
# both_go_on N: so many reads and writes more of each
both_go_on() {
	local before
	mapfile -t before <<<"$(ios)"
	wait_for 90 both_made "$1" "${before[@]}"
}
both_made() {	# both_made N NFS ISER: more than these
	local now
	mapfile -t now <<<"$(ios)"
	[ "${now[0]}" -gt $(($2 + $1)) ] && [ "${now[1]}" -gt $(($3 + $1)) ]
}

# both_verify: both check what they read
both_verify() {
	# shellcheck disable=SC2046 # one word an argument
	both_load $(verifying)
}
