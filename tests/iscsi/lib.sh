# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the iSCSI tests share, on top of tests/lib.sh. INITIATOR and TARGET say which module carries
# iSER at either end, rsp or stock; a script sets its own default for the half it is about:
# lab/run -c 'INITIATOR=stock bash /src/tests/iscsi/initiator.sh' shows that a test passes where it should.
#
#	open-iscsi, $INITIATOR --- rxe0 10.9.0.1, fd00::1, loopback --- LIO, RAM disk, $TARGET
. "${BASH_SOURCE[0]%/*}/../lib.sh"

INITIATOR=${INITIATOR:-rsp}
TARGET=${TARGET:-stock}
iser_ends
# shellcheck disable=SC2034 # for the scripts
M=/mnt/iscsi-$$

# iscsi_up [NAME=VALUE...]: a device, a target, an initiator without a session. What it makes is
# undone at the end of the script. Arguments as those of iscsi_target_up.
iscsi_up() {
	defer rxe_down
	rxe_dummy 9000 || return
	defer iscsi_target_down
	iscsi_target "$TARGET" || return
	iscsi_target_up "$@" || return
	defer iscsi_initiator_down
	defer logged_out
	iscsi_initiator_up "$INITIATOR"
}

# discover ADDRESS: the target is found there
discover() {
	local got
	got=$(timeout 30 iscsiadm -m discovery -t sendtargets -p "$1" -I iser) || return
	echo "$got"
	rm -rf /var/lib/iscsi/nodes /var/lib/iscsi/send_targets /etc/iscsi/nodes /etc/iscsi/send_targets
	grep -q "$ISCSI_IQN" <<<"$got"
}

# begin MODULE [NAME=VALUE...]: five points, from nothing to a session that MODULE carries;
# arguments as those of iscsi_up
begin() {
	local module=$1
	shift
	run "target and initiator are up" iscsi_up "$@"
	run "discovery, IPv4" discover 10.9.0.1
	run "discovery, IPv6" discover "[fd00::1]"
	# shellcheck disable=SC2046 # one word a setting
	run "login" iscsi_login 10.9.0.1 iser $(limits)
	run "the session is carried by $module" uses_rdma "$module"
}

# logged_out: no session is left
logged_out() {
	! iscsiadm -m session >/dev/null 2>&1 || timeout 90 iscsiadm -m session -u
}

sessions_are() {
	is "$(iscsiadm -m session 2>/dev/null | wc -l)" "$1"
}

session_is() {	# session_is STATE: LOGGED_IN, FAILED, FREE
	is "$(cat /sys/class/iscsi_session/session*/state)" "$1"
}

all_logged_in() {
	! grep -v LOGGED_IN /sys/class/iscsi_session/session*/state
}

# target_sessions_are N: as LIO counts them
target_sessions_are() {
	is "$(find $ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1/ -maxdepth 1 -name dynamic_sessions -exec cat {} + |
		tr '\0' '\n' | grep -c iqn)" "$1"
}

# uses_rdma NAME: the session's transport is iser, and the module of that name carries it
uses_rdma() {
	iscsiadm -m session | grep -q '^iser:' && [ "$(cat "/sys/module/$1/refcnt")" -gt 0 ]
}

# limits [REPLACEMENT_S]: settings of a node record with which tests of failures do not wait long
limits() {
	echo "node.session.timeo.replacement_timeout=${1:-60} node.conn[0].timeo.noop_out_interval=2
		node.conn[0].timeo.noop_out_timeout=3 node.session.initial_login_retry_max=3"
}

# sessions N: log in so many more sessions at once, each an interface of its own. sessions_out ends them
sessions() {
	local v before update=()
	before=$(iscsiadm -m session 2>/dev/null | wc -l)
	iscsiadm -m node -p 10.9.0.1:3260 -o delete 2>/dev/null
	iscsi_ifaces "$1" || return
	for v in $(limits 5); do
		update+=(-n "${v%%=*}" -v "${v#*=}")
	done
	iscsiadm -m node -T "$ISCSI_IQN" -p 10.9.0.1:3260 -o update "${update[@]}" || return
	sessions_in $((before + $1))
}

# sessions_in TOTAL: log in, once more, what sessions() made, so that there are so many
sessions_in() {
	timeout 100 iscsiadm -m node -T "$ISCSI_IQN" -p 10.9.0.1:3260 --login >/dev/null &&
		wait_for 30 sessions_are "$1" && wait_for 60 disks_are "$1"
}

sessions_out() {
	timeout 100 iscsiadm -m node -T "$ISCSI_IQN" -p 10.9.0.1:3260 --logout >/dev/null
}

disks_are() {
	is "$(iscsi_disks | wc -l)" "$1"
}

# disk_fio NAME ARGUMENT...: fio on the first disk, in this folder: verify leaves state files
disk_fio() {
	local name=$1
	shift
	(cd "$T" && fio_json "$T/$name.json" --filename="$(iscsi_disk)" "$@")
}

# disk_verify ARGUMENT...: write and read back with checksums
disk_verify() {
	disk_fio verify --rw=randwrite --verify=crc32c --verify_fatal=1 --do_verify=1 \
		--verify_state_save=0 --iodepth=8 --serialize_overlap=1 "$@"
}

# filesystem ext4|xfs DISK: made, filled with known files, stressed, compared, checked
filesystem() {
	local rc=0 d=$2
	mkdir -p "$M"
	case $1 in
	ext4)	mkfs.ext4 -q -F "$d" ;;
	xfs)	mkfs.xfs -q -f "$d" ;;
	esac && mount "$d" "$M" || return
	{
		cp -r /src/kmod /src/tests "$M" && stress "$M" && sync && echo 3 >/proc/sys/vm/drop_caches &&
			diff -r /src/kmod "$M/kmod" && diff -r /src/tests "$M/tests" && rm -r "$M/tests"
	} || rc=1
	umount "$M" || return
	case $1 in
	ext4)	fsck.ext4 -f -n "$d" ;;
	xfs)	xfs_repair -n "$d" ;;
	esac || rc=1
	return $rc
}

# stress DIR: two files written and read with checksums while small ones are made, renamed and removed
stress() {
	local i j
	(
		for i in {1..7}; do
			mkdir "$1/d$i" || exit
			for j in {1..31}; do
				printf '%*s' $((i * j * 97)) "$j" >"$1/d$i/f$j" || exit
			done
			mv "$1/d$i" "$1/g$i" && mv "$1/g$i/f7" "$1/h$i" && rm -r "$1/g$i" || exit
		done
	) &
	(cd "$T" && fio_json "$T/stress.json" --directory="$1" --numjobs=2 --rw=randrw --bsrange=4k-256k \
		--size=4m --iodepth=4 --verify=crc32c --verify_fatal=1 --do_verify=1 --verify_state_save=0 \
		--fallocate=none) && wait $! && rm "$1"/h* "$1"/job*
}

# hold_up [ARGUMENT...]: fio with checksums goes on in the background until hold_down, which fails
# when it ended early, had an error or found other data than it wrote; HOLD_NICE=19: programs that run
# meanwhile go first
hold_disk=
hold_up() {
	hold_disk=$(iscsi_disk)
	(cd "$T" && exec nice -n "${HOLD_NICE:-0}" fio --name=hold --filename="$hold_disk" --ioengine=libaio --direct=1 \
		--rw=randrw --bsrange=4k-128k --size=8m --iodepth=8 --verify=crc32c --verify_fatal=1 \
		--verify_backlog=32 --verify_state_save=0 --time_based --runtime=900 \
		--output-format=json "$@") >"$T/hold.raw" 2>"$T/hold.err" &
	# shellcheck disable=SC2034 # hold_down reads it
	hold_pid=$!
}

# ios [DISK]: reads and writes it, or the disk of hold_up, has completed
ios() {
	local d=${1:-$hold_disk}
	[ -b "$d" ] || { echo 0; return; }
	awk '{ print $1 + $5 }' "/sys/block/${d#/dev/}/stat"
}
