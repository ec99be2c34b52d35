# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the tests of rspctl share; sourced after tests/lib.sh.
PATH=/src/build:$PATH
# shellcheck disable=SC2034 # the scripts use these
POLICIES=/src/build/policies
# shellcheck disable=SC2034
PINS=/sys/fs/bpf/rsp
P=/sys/kernel/debug/rsp_perf

# fails TEXT COMMAND...: it exits with 1 and says TEXT, in text on stderr alone, with -j as an
# object that jq reads
fails() {
	local want=$1 rc=0
	shift 2
	rspctl "$@" >"$T/stdout" 2>"$T/stderr" || rc=$?
	is $rc 1 || return
	is "$(cat "$T/stdout")" "" || return
	grep -qF -- "$want" "$T/stderr" || {
		cat "$T/stderr"
		return 1
	}
	rc=0
	rspctl -j "$@" >"$T/stdout" 2>"$T/stderr" || rc=$?
	is $rc 1 && is "$(cat "$T/stderr")" "" || return
	jq -e --arg want "$want" '.error | contains($want)' "$T/stdout" || {
		cat "$T/stdout"
		return 1
	}
}

# json FILTER COMMAND...: the filter holds for what it prints with -j
json() {
	local filter=$1
	shift
	rspctl -j "$@" >"$T/json" || {
		cat "$T/json"
		return 1
	}
	jq -e "$filter" "$T/json" >"$T/answer" || {
		echo "does not hold: $filter"
		head -c 4000 "$T/json"
		return 1
	}
}

# text PATTERN COMMAND...: a line of what it prints in text matches
text() {
	local want=$1
	shift
	rspctl "$@" >"$T/text" && grep -Eq -- "$want" "$T/text" || {
		cat "$T/text"
		return 1
	}
}

# active FAMILY NAME: is it, as rspctl sees it
active() {
	is "$(rspctl -j policy show | jq -r --arg f "$1" \
		'.[] | select(.family == $f and .state == "active") | .name')" "$2"
}

# perf_up: a server of rsp_perf on a soft device; perf WORD...: a run of its client
perf_up() {
	rxe_dummy 9000 && modprobe rsp_perf || return
	mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
	echo "10.9.0.1:18515" >$P/listen
}
perf_down() {
	echo off >$P/listen
	modprobe -r rsp_perf && rxe_down
}
perf() {
	echo "addr=10.9.0.1 $*" >$P/run && jq -e '.errors == 0' $P/result
}

# ---- rspctl monitor and rspctl trace --------------------------------------------------------

nr_attached() {
	bpftool -j prog list | jq '[.[] | select(.name | startswith("ev_"))] | length'
}
# all that were loaded are attached, too
attached() {
	local progs
	progs=$(bpftool -j prog list | jq -c '[.[] | select(.name | startswith("ev_")) | .id]') &&
		bpftool -j link list | jq -e --argjson p "$progs" '($p | length) > 0 and
			([.[] | select(.prog_id as $i | $p | index($i))] | length) == ($p | length)'
}
# start WORD...: rspctl runs with these words, its lines go to $T/lines; one that a failure left is ended
start() {
	! kill -9 "$pid" 2>/dev/null || wait "$pid"
	rspctl "$@" >"$T/lines" 2>"$T/stderr" &
	pid=$!
	wait_for 60 attached
}
# stop: it ends as it should
stop() {
	kill -INT $pid
	wait $pid || {
		echo "exit code $?"
		cat "$T/stderr"
		return 1
	}
	is "$(nr_attached)" 0
}
# told FILTER: the filter holds for the lines as an array
told() {
	jq -se "$1" "$T/lines" >"$T/answer" || {
		echo "does not hold: $1"
		head -c 4000 "$T/lines"
		return 1
	}
}
# stopped by SIGSTOP
is_stopped() {
	grep -q '^State:.*stopped' /proc/$pid/status
}
