#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tests/lib.sh can fail: what must not pass, does not.
# topology: loop
# timeout: 400
. "$(dirname "$0")/../lib.sh"
need root module:rsp_bad
plan 23
lib=$TESTDIR/lib.sh

# script BODY: leaves its exit code and output; the library is sourced for it
script() {
	printf '. %s\n%s\n' "$lib" "$1" >"$T/script"
	code=0
	bash "$T/script" >"$T/out" 2>&1 || code=$?
}

# gives CODE [PATTERN]: the last script ended so, and a line matches
gives() {
	[ "$code" = "$1" ] && grep -qE -- "${2:-}" "$T/out" || {
		echo "exit code $code"
		cat "$T/out"
		return 1
	}
}

# say TEXT: into the kernel log, as from the kernel
say() {
	echo "echo '<4>$1' >/dev/kmsg"
}

script 'plan 1; run "x" true; finish'
run "a good script passes" gives 0 '^1\.\.2$'
script 'plan 2; run "x" true; run "y" false; finish'
run "a failing command fails" gives 1 '^not ok 2 - y'
script 'plan 1; run "x" eval "echo seen; false"; finish'
run "its output is shown" gives 1 '^# seen'
script 'plan 2; run "x" true; finish'
run "a short plan fails" gives 1 'planned 3 points, got 2'
script 'plan 1; run "x" true; run "y" true; finish'
run "a long plan fails" gives 1 'planned 2 points, got 3'
script 'plan 1; run "x" true; exit 0'
run "exit 0 before finish fails" gives 1 'ended before finish'
script 'plan 1; run "x" true'
run "no finish fails" gives 1 'ended before finish'
script 'plan 1; run "x" wait_for 1 false; finish'
run "a wait that ends in vain fails, and says for what" gives 1 '^# still not: false'
script 'plan 1; run "x" not true; finish'
run "not fails on success" gives 1 '^not ok 1'
script 'plan 1; run "x" is 1 2; finish'
run "is fails on a difference" gives 1 '^# wanted: 2'
script 'need tool:no-such-tool; plan 1; run "x" true; finish'
run "a missing need skips, with the reason" gives 4 '^1\.\.0 # SKIP no tool no-such-tool'
script 'plan 1; skip "x" "reasons"; finish'
run "a skipped point says so" gives 0 '^ok 1 - x # SKIP reasons'
script 'defer echo; defer false; plan 1; run "x" true; finish'
run "a failing undo fails" gives 1 '^# failed \(1\) at the end: false'
script "defer touch $T/undone; plan 1; run x true; exit 1"
run "undo runs after an early end" test -e "$T/undone"

script "plan 1; run x true; $(say 'WARNING: CPU: 0 PID: 1 at kmod/x.c:1 x+0x1'); finish"
run "a warning in the kernel log fails" gives 1 '^not ok 2.*kernel log'
script "plan 1; run x true; $(say 'WARNING: possible circular locking dependency detected'); finish"
run "lockdep in the kernel log fails" gives 1 '^not ok 2.*kernel log'
script "plan 1; run x true; $(say 'INFO: task fio:1 blocked for more than 120 seconds.'); finish"
run "a hung task in the kernel log fails" gives 1 '^not ok 2.*kernel log'
script "$(say 'BUG: KASAN: before the mark'); plan 1; run x true; finish"
run "what was there before does not fail" gives 0
script "plan 1; run x true
	$(say 'WARNING: CPU: 0 PID: 1 at drivers/infiniband/sw/rxe/rxe_req.c:810 rxe_sender+0x1/0x2 [rdma_rxe]'); finish"
run "a known failure does not fail" gives 0
script "plan 1; run x true; dmesg -C; finish"
run "a lost mark fails" gives 1 'too much was logged'
script 'plan 1; run "x" not modprobe rsp_bad what=warn; finish'
run "a real warning fails" gives 1 'WARNING: .*rsp_bad'
script 'plan 1; run "x" modprobe rsp_bad what=hold; finish'
run "a module left is taken out" not test -e /sys/module/rsp_bad
script 'plan 1; run "x" modprobe rsp_bad what=hold busy=1; finish'
run "a module that cannot be taken out fails" gives 1 'still loaded: rsp_bad'
echo 0 >/sys/module/rsp_bad/parameters/busy

dmesg -C		# all that was on purpose, and our own mark
# shellcheck disable=SC2034
t_marks=("$(/src/tests/klog mark again)")
finish
