#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rspctl policy test: a good policy passes, one that answers badly is found and ejected, one that the verifier refuses is told
# its hook and line; services at work are left alone; nothing stays behind.
# topology: loop
# timeout: 300
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp_perf module:rsp_cache tool:jq tool:dmsetup file:/src/build/rspctl
plan 11

nothing_left() {
	local left=''
	[ ! -e /sys/class/net/rsptest ] && [ ! -e /sys/class/infiniband/rsptest ] || left+=" device"
	[ -z "$(losetup -a)" ] || left+=" loop"
	[ ! -e /sys/module/rsp ] || left+=" rsp"
	[ -z "$(find $PINS/policies -type f 2>/dev/null)" ] || left+=" pins"
	is "$left" ""
}
good() {
	json '.error == "" and .is_ejected == false and .nr_clamp == 0 and .nr_call > 100 and .nr_swap >= 1 and
		.nr_chaos >= 1 and .nr_run >= 5 and .nr_exchange > 1000 and .nr_read >= 1000 and .nr_write >= 1024 and
		(.hooks | map({(.hook): .}) | add | .admit.nr_run > 0 and .admit.mean_ns > 0 and .release.nr_run > 0
			and .recv_depth.nr_run > 0)' policy test $POLICIES/noop_buf.bpf.o seconds 3
}
run "a good one passes: hooks called, data right" good
run "and leaves nothing behind" nothing_left
# bad FILE JQ TEXT WORD...: fails, with JSON that says why
bad() {
	local rc=0
	rspctl -j policy test "$POLICIES/$1.bpf.o" seconds 3 "${@:4}" >"$T/json" || rc=$?
	is $rc 1 && jq -e "$2" "$T/json" && jq -e --arg want "$3" '.error | contains($want)' "$T/json" || {
		cat "$T/json"
		return 1
	}
}
run "one that lies is ejected, and that fails the test" \
	bad chaos_cache '.is_ejected and .nr_clamp > 0' "chaos_cache was ejected, range" set mode 4
run "one that lies now and then is found, too" \
	bad chaos_ep '(.is_ejected | not) and .nr_clamp > 0' "answers out of range" set mode 9
gives_up() {
	rspctl policy test $POLICIES/chaos_flow.bpf.o seconds 3 set mode 5 set after 5 >"$T/out" 2>"$T/err" && return 1
	cat "$T/out" "$T/err"
	grep -qx "chaos_flow did not pass" "$T/out" && grep -Eq '^window +[0-9]+ ' "$T/out" &&
		grep -qx "rspctl: chaos_flow was ejected, self 42: chaos has seen enough" "$T/err"
}
run "one that gives up says why, in text" gives_up
init_fails() {
	fails "chaos_flow was not registered" -- policy test $POLICIES/chaos_flow.bpf.o set mode 6
}
run "one whose init fails is not registered" init_fails
run "they leave nothing behind" nothing_left
unread() {
	rspctl policy test $POLICIES/noop_flow.bpf.o seconds 1 | true
	nothing_left
}
run "nor does one whose words nobody reads" unread
verifier() {
	fails "hook window, bad_write_req.bpf.c:13: req->nr_ack = 0;" -- \
		policy test /src/build/tests/policy/bad_write_req.bpf.o &&
		fails "flow policies cannot write to this type" -- policy test /src/build/tests/policy/bad_write_req.bpf.o
}
run "what the verifier refuses is said with hook and line" verifier
compiler() {
	printf '#include <vmlinux.h>\nint x = no_such_name;\n' >"$T/wrong.bpf.c"
	fails "wrong.bpf.c:2:9: error: use of undeclared identifier 'no_such_name'" -- policy test "$T/wrong.bpf.c" &&
		fails "cannot read $T/nosuch.bpf.c" -- policy test "$T/nosuch.bpf.c" &&
		fails "expected 1 to 3600 seconds" -- policy test $POLICIES/noop_ep.bpf.o seconds 0 &&
		fails "expected FILE" -- policy test
}
run "what does not compile with the compiler's words" compiler
at_work() {
	perf_up || return
	(echo "op=send_rate addr=10.9.0.1 size=64 iters=1000000 window=4" >$P/run) 2>/dev/null &
	local pid=$! rc=0
	wait_for 10 eval 'rspctl -j chan | jq -e "length > 0"' || rc=1
	fails "services of this host are at work" -- policy test $POLICIES/noop_flow.bpf.o || rc=1
	fails "perf-client" -- policy test $POLICIES/noop_flow.bpf.o || rc=1
	fails "rsp_perf is in use, it listens on 10.9.0.1:18515" -- policy test $POLICIES/noop_flow.bpf.o here || rc=1
	active flow builtin || rc=1
	kill $pid
	wait $pid
	perf_down || rc=1
	return $rc
}
run "services at work are not disturbed" at_work
finish
