# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the iSCSI tests share, on top of tests/lib.sh. INITIATOR and TARGET say which module carries
# iSER at either end, rsp or stock; a script sets its own default for the half it is about:
# lab/run -c 'INITIATOR=stock bash /src/tests/iscsi/initiator.sh' shows that a test passes where it should.
#
#	open-iscsi, $INITIATOR --- rxe0 10.9.0.1, fd00::1, loopback --- LIO, RAM disk, $TARGET
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

INITIATOR=${INITIATOR:-rsp}
TARGET=${TARGET:-stock}
case $INITIATOR in
rsp) INITIATOR_MODULE=rsp_iser ;;
stock) INITIATOR_MODULE=ib_iser ;;
esac
case $TARGET in
rsp) TARGET_MODULE=rsp_isert ;;
stock) TARGET_MODULE=ib_isert ;;
esac
export INITIATOR_MODULE TARGET_MODULE
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

has_disk() {
	iscsi_disk >/dev/null
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

# disk_fio NAME ARGUMENT...: fio on the first disk, in this folder: verify leaves state files
disk_fio() {
	local name=$1
	shift
	(cd "$T" && fio_json "$T/$name.json" --filename="$(iscsi_disk)" "$@")
}

# disk_verify ARGUMENT...: write and read back with checksums
disk_verify() {
	disk_fio verify --rw=randwrite --verify=crc32c --verify_fatal=1 --do_verify=1 \
		--verify_state_save=0 --iodepth=8 "$@"
}

# hold_up [ARGUMENT...]: fio with checksums goes on in the background until hold_down, which fails
# when it ended early, had an error or found other data than it wrote
hold_up() {
	(cd "$T" && exec fio --name=hold --filename="$(iscsi_disk)" --ioengine=libaio --direct=1 \
		--rw=randrw --bsrange=4k-128k --size=8m --iodepth=8 --verify=crc32c --verify_fatal=1 \
		--verify_backlog=32 --verify_state_save=0 --time_based --runtime=900 \
		--output-format=json "$@") >"$T/hold.raw" 2>"$T/hold.err" &
	hold_pid=$!
}
hold_down() {
	local rc=0 end=$((SECONDS + 90))
	kill -0 $hold_pid || { echo "fio ended early"; rc=1; }
	kill -INT $hold_pid
	while kill -0 $hold_pid 2>/dev/null && [ $SECONDS -lt $end ]; do
		sleep .2
	done
	if kill -0 $hold_pid 2>/dev/null; then
		echo "fio hangs"
		cat /proc/$hold_pid/task/*/stack
		kill -9 $hold_pid
		return 1
	fi
	wait $hold_pid		# non-zero after a signal: what counts is in its report
	sed -n '/^{/,$p' "$T/hold.raw" >"$T/hold.json"
	jq -e '[.jobs[].error] | add == 0' "$T/hold.json" || { cat "$T/hold.err" "$T/hold.raw"; rc=1; }
	return $rc
}

# ios: reads and writes the disk has completed; moves N: so many more since moves_from was set
ios() {
	local d
	d=$(iscsi_disk) || { echo 0; return; }
	awk '{ print $1 + $5 }' "/sys/block/${d#/dev/}/stat"
}
moves_from=0
moves() {
	[ $(($(ios) - moves_from)) -ge "$1" ]
}
