# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What every test script sources. A script makes one claim and prints TAP:
#
#	#!/bin/bash
#	# SPDX-License-Identifier: GPL-2.0
#	# Twenty-three messages pass between two endpoints and leave nothing behind.
#	# topology: loop
#	# timeout: 60
#	. "$(dirname "$0")/../lib.sh"
#	need root module:rsp tool:rdma
#	plan 2				# announces 1..3: finish adds its own
#	rxe_dummy 9000; defer rxe_down
#	run "23 messages arrive" send 23
#	run "no buffer is left" wait_for 5 buffers_are 0
#	finish
#
# Comments of the first lines tell tests/run: topology (loop: the script runs in a guest; pair:
# it runs on the host and drives guests srv and cli with `on`; none: on the host, no guest),
# timeout, smp, mem, mtu, append (kernel command line), icount.
#
# Exit code: 0 passed, 1 failed, 4 skipped as a whole. Points short of the plan, or a script that ends
# without finish, fail. The last point of every script, added by finish: what the script deferred
# was undone, our modules came out, and nothing in tests/klog's list was added to the kernel log.

# what takes a process costs a tenth of a second in a guest
TESTDIR=$(cd "${BASH_SOURCE[0]%/*}" && pwd -P)
if [ -e /rsp/tree/lab ]; then
	TOPOLOGY=loop
	declare -F rsp_unload >/dev/null || . "$TESTDIR/../lab/guest/lib.sh"
else
	TOPOLOGY=${TOPOLOGY:-none}
fi
TEST=${RSP_TEST:-${0##*/}}
T=${RSP_T:-$(mktemp -d)}	# for files of the script
t_plan='' t_done=0 t_failed=0 t_finished='' t_undo=() t_marks=()

# on NODE [TIMEOUT] COMMAND...: in a pair, run a line of shell in guest srv or cli
on() {
	"$TESTDIR/../lab/gx" "$@"
}

# t_nodes: guests to look after, `here` for this one
t_nodes() {
	case $TOPOLOGY in
	loop) echo here ;;
	pair) echo srv cli ;;
	esac
}

# t_on NODE COMMAND: in any topology
t_on() {
	local node=$1
	shift
	case $node in
	here) eval "$*" ;;
	*) on "$node" $((120 * ${RSP_SLOW:-1})) "$@" ;;
	esac
}

# diag TEXT...: a comment in the output
diag() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

# need THING...: else the whole script is skipped. root, module:NAME (present, not loaded),
# tool:NAME, file:PATH; in a pair in both guests. unproven:WHY is a script that has not been
# seen passing: it runs with UNPROVEN=1
need() {
	local n w why='' things=()
	for w; do
		case $w in
		root) [ "$(id -u)" = 0 ] || why=${why:-not root} ;;
		unproven:*) [ -n "${UNPROVEN:-}" ] || why=${why:-unproven: ${w#*:}; UNPROVEN=1 runs it} ;;
		module:*) [ "$TOPOLOGY" = none ] || things+=("$w") ;;
		tool:* | file:*) things+=("$w") ;;
		*)
			echo "Bail out! need: what is $w?"
			exit 1
			;;
		esac
	done
	for n in $(t_nodes) $([ "$TOPOLOGY" != none ] || echo here); do
		[ -n "$why" ] || why=$(t_on "$n" "$(declare -f t_lacks); t_lacks ${things[*]}") || {
			echo "Bail out! $n does not answer"
			exit 1
		}
	done
	[ -z "$why" ] || {
		echo "1..0 # SKIP $why"
		t_finished=1
		exit 4
	}
}
t_lacks() {	# t_lacks THING...: says which is not there first
	local w
	for w; do
		case $w in
		module:*) [ -e "/sys/module/${w#*:}" ] || modinfo -n "${w#*:}" ;;
		tool:*) command -v "${w#*:}" ;;
		file:*) [ -e "${w#*:}" ] ;;
		esac >/dev/null 2>&1 || {
			echo "no ${w/:/ }"
			return
		}
	done
}

# plan N: how many points the script has, without that of finish
plan() {
	local n
	t_plan=$(($1 + 1))
	for n in $(t_nodes); do
		t_marks+=("$(t_on "$n" "/src/tests/klog mark '$TEST'")")
	done
	echo "1..$t_plan"
}

# t_took: a comment with the time since the last point, if that is long
t_since=${EPOCHREALTIME/[.,]/}
t_took() {
	local now=${EPOCHREALTIME/[.,]/}
	local ms=$(((now - t_since) / 1000))
	t_since=$now
	[ $ms -lt 1000 ] || printf '# %d.%d s\n' $((ms / 1000)) $((ms % 1000 / 100))
}

t_point() {	# t_point OK DESCRIPTION
	t_done=$((t_done + 1))
	[ "$1" = ok ] || t_failed=$((t_failed + 1))
	echo "$1 $t_done - $2"
	t_took
	[ "$TOPOLOGY" != loop ] || echo "<4>rsp-test: $1 $t_done - $2" >/dev/kmsg
}

# run DESCRIPTION COMMAND...: a point; the output of the command is shown if it fails
run() {
	local what=$1 rc=0
	shift
	"$@" >"$T/.out" 2>&1 </dev/null || rc=$?
	if [ $rc = 0 ]; then
		t_point ok "$what"
	else
		t_point "not ok" "$what"
		diag "exit code $rc of: $*"
		tail -n 40 "$T/.out" | sed 's/^/# /'
	fi
	return $rc
}

# skip DESCRIPTION REASON: a point that cannot be tried here
skip() {
	t_done=$((t_done + 1))
	echo "ok $t_done - $1 # SKIP $2"
}

# not COMMAND...: succeeds if the command fails
not() {
	! "$@"
}

# is GOT WANTED, in run: both are shown when they differ
is() {
	[ "$1" = "$2" ] || {
		echo "got:    $1"
		echo "wanted: $2"
		return 1
	}
}

# wait_for SECONDS COMMAND...: poll until the command succeeds. On a machine that is slow to boot
# guests tests/run sets RSP_SLOW, and all waits are that many times as long
wait_for() {
	local end=$((SECONDS + $1 * ${RSP_SLOW:-1} + 1)) rc=0
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || {
			echo "still not: $*"
			rc=1
			break
		}
		sleep .2
	done >"$T/.wait" 2>&1
	[ $rc = 0 ] || tail -n 5 "$T/.wait"
	return $rc
}

# ---- a load in the background -------------------------------------------------------------
# hold_up of an area's lib.sh starts fio with checksums, with its report in $T/hold.raw, and sets
# hold_pid; ios there counts reads and writes done.

hold_pid=

# hold_down: end it; fails when it ended early, had an error or found other data than it wrote
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
	jq -e '[.jobs[].error] | add == 0' "$T/hold.json" || {
		cat "$T/hold.err"
		sed '/^{/,$d' "$T/hold.raw"
		jq -c '.jobs[] | {error, read: .read.total_ios, write: .write.total_ios}' "$T/hold.json"
		rc=1
	}
	return $rc
}

# moves N: N more reads and writes have been made since moves_from was set
moves_from=0
moves() {
	[ $(($(ios) - moves_from)) -ge "$1" ]
}

# goes_on N [SECONDS]: from now on N more are made
goes_on() {
	moves_from=$(ios)
	wait_for "${2:-60}" moves "$1"
}

# tap_of COMMAND...: run a program that prints TAP; all of it goes to $T/tap, what did not go well is shown
tap_of() {
	local rc
	"$@" >"$T/tap" 2>&1
	rc=$?
	grep -vE '^ok' "$T/tap"
	return $rc
}

# outcomes: diagnosis of the hostile client's or server's TAP in $T/tap: cases run, the commonest outcomes
outcomes() {
	diag "$(grep -v SKIP "$T/tap" | grep -c '^ok') cases: $(sed -n 's/^ok.*: //p' "$T/tap" | sort | uniq -c |
		sort -rn | head -6 | xargs)"
}

# ---- iSER at either end -------------------------------------------------------------------

# iser_ends: INITIATOR and TARGET, rsp or stock, say which module carries iSER at either end
iser_ends() {
	case $INITIATOR in
	rsp) INITIATOR_MODULE=rsp_iser ;;
	stock) INITIATOR_MODULE=ib_iser ;;
	esac
	case $TARGET in
	rsp) TARGET_MODULE=rsp_isert ;;
	stock) TARGET_MODULE=ib_isert ;;
	esac
	export INITIATOR_MODULE TARGET_MODULE
}

# ---- the end ------------------------------------------------------------------------------

# defer COMMAND...: undo something at the end, the last first; must succeed
defer() {
	t_undo+=("$(printf '%q ' "$@")")
}

t_run_undo() {
	local rc=0 c
	while [ ${#t_undo[@]} -gt 0 ]; do
		c=${t_undo[-1]}
		unset 't_undo[-1]'
		eval "$c" >"$T/.undo" 2>&1 </dev/null || {
			echo "failed ($?) at the end: $c"
			cat "$T/.undo"
			rc=1
		}
	done
	return $rc
}

t_clean() {
	local n i=0 rc=0
	t_run_undo || rc=1
	for n in $(t_nodes); do
		t_on "$n" rsp_unload || rc=1
		t_on "$n" "/src/tests/klog check ${t_marks[i]}" || rc=1
		i=$((i + 1))
	done
	return $rc
}

# finish: the last point and the exit code
finish() {
	run "nothing is left behind, kernel log is clean" t_clean
	t_finished=1
	if [ "$t_done" != "$t_plan" ]; then
		diag "planned $t_plan points, got $t_done"
		exit 1
	fi
	[ $t_failed = 0 ]
	exit
}

t_exit() {
	local rc=$?
	trap - EXIT
	if [ -z "$t_finished" ]; then
		echo "# the script ended before finish, exit code $rc"
		t_run_undo | sed 's/^/# /'
		rc=1
	fi
	rm -rf "$T"
	exit $rc
}
trap t_exit EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
