#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tests/run can fail: silence, a timeout, a dead guest, a lie about the plan.
# topology: none
# timeout: 900
. "$(dirname "$0")/../lib.sh"
need root
plan 14

# suite NAME BODY...: scripts a/NAME.sh in a folder of their own, which tests/run gets; it has
# to be in the tree for guests to see it
dir=$(mktemp -d "$TESTDIR/../build/meta.XXXXXX")
defer rm -rf "$dir"
mkdir "$dir/a" "$dir/b"
script() {	# script PATH HEADER BODY
	printf '# topology: %s\n%s\n' "$2" "$3" >"$dir/$1.sh"
}

script a/good loop 'echo 1..1; echo ok 1'
script a/silent loop 'exit 0'
script a/hangs loop 'echo 1..1; sleep 1000'
sed -i '1i # timeout: 5' "$dir/a/hangs.sh"
script a/oops loop 'echo 1..1; modprobe rsp_bad what=oops; sleep 5; echo ok 1'
# what is written there comes over the serial line, too
script a/patched loop 'echo 1..1; [ "$(nproc)" = 1 ] || { echo "<0>Oops: int3: 0000" >/dev/kmsg; modprobe rsp_bad what=oops; sleep 5; }; echo ok 1'
script b/short none 'echo 1..2; echo ok 1'
script b/lies none 'echo 1..1; echo not ok 1; exit 0'
script b/late none 'echo 1..1; echo ok 1; exit 3'
script b/skips none 'echo "1..0 # SKIP for a reason"; exit 4'
script b/hangs none 'echo 1..1; sleep 1000'
sed -i '1i # timeout: 2' "$dir/b/hangs.sh"
# ends NAME POINT SAYS: a script that fails at the first try, and has come to its end
ends() {
	script "b/$1" none "echo 1..2; if mkdir $T/$1; then echo 'not ok 1 - $2'; echo '# $3'; else echo 'ok 1 - $2'; fi
		echo 'ok 2 - nothing is left behind, kernel log is clean'; [ -e $T/$1.twice ] && exit; touch $T/$1.twice; exit 1"
}
ends slow 'both went on' 'still not: moves 100'
ends wrong 'the load goes on' 'a.bin b.bin differ: byte 5'
ends leaky 'no channel is left' 'still not: no_channel'
script b/unclean none 'echo 1..1; echo "not ok 1 - nothing is left behind, kernel log is clean"; exit 1'

code=0
JOBS=1 RSP_TIMEOUT_SCALE=1 "$TESTDIR/run" --no-build --dir "$dir" >"$T/out" 2>&1 || code=$?

says() {
	grep -qE "$1" "$T/out" || {
		cat "$T/out"
		return 1
	}
}

run "exit code is not 0" test $code = 1
run "closing line counts all" is "$(tail -n 1 "$T/out")" "8 passed, 10 failed, 1 skipped"
run "a good script passes" says 'ok +a/good.sh +1 passed'
run "silence fails" says 'FAILED +a/silent.sh .*no plan'
run "a hanging script fails in a guest" says 'FAILED +a/hangs.sh .*timed out'
run "a hanging script fails on the host" says 'FAILED +b/hangs.sh .*timed out'
run "an oops ends the guest and fails" says 'FAILED +a/oops.sh .*guest is gone'
patched() {
	says 'a/patched.sh: the emulator ran code .* again' && says 'ok +a/patched.sh +1 passed'
}
run "code that was run half patched is run again on one processor" patched
slow() {
	says 'FAILED +b/slow.sh +1 passed, 1 failed' && says 'ok +b/slow.sh +2 passed' &&
		says 'run twice, since time may have been the cause: b/slow.sh$'
}
run "what may have been slow is run once more" slow
run "data that is wrong is not" eval "! grep -q 'b/wrong.sh: once more' '$T/out'"
run "nor what waited for something to go" eval "! grep -q 'b/leaky.sh: once more' '$T/out'"
run "nor what leaves something behind" eval "! grep -q 'b/unclean.sh: once more' '$T/out'"
run "a short plan fails" says 'FAILED +b/short.sh .*1 of 2 points'
run "success in spite of failures, and the reverse, fail" \
	eval "says 'FAILED +b/lies.sh' && says 'FAILED +b/late.sh .*exit code 3'"
finish
