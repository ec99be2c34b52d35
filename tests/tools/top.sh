#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rspctl top: in batch mode the rates are those of the counters, with and without observers; on a terminal it shows the
# views, sorts, pauses, takes another size, and leaves it as it was.
# One processor: the observers go on under traffic, and see docs/lab.md on code that is patched.
# topology: loop
# smp: 1
# timeout: 300
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp_perf tool:jq tool:tmux file:/src/build/rspctl
plan 15
TMUX_DIR=$T/tmux
mkdir "$TMUX_DIR"
export TMUX_TMPDIR=$TMUX_DIR TERM=screen

words() {
	fails "expected -b, -n COUNT, -i SECONDS, -v VIEW or help" -- top frob &&
		fails 'stopped at "0": expected a number of pictures' -- top -b -n 0 &&
		fails 'stopped at "x": expected 0.1 to 3600 seconds' -- top -b -i x &&
		fails "expected services, endpoints, memory, policies or caches" -- top -v frob &&
		fails "a word is missing at the end" -- top -b -n
}
run "wrong words are named" words
run "without rsp.ko it says so" \
	eval 'rspctl top -b -n 1 >"$T/out" 2>&1; is $? 1 && grep -qi "rsp.ko is not loaded" "$T/out"'
perf_up
defer perf_down
no_terminal() {
	rspctl top >"$T/out" 2>"$T/err" </dev/null && return 1
	is "$(cat "$T/out")" "" && grep -q "no terminal: use -b" "$T/err"
}
run "without a terminal it says so" no_terminal

load_pid=
load_up() {
	(echo "op=send_rate addr=10.9.0.1 size=4000 window=8 iters=1000000 timeout_ms=300000" >$P/run) 2>/dev/null &
	load_pid=$!
	wait_for 10 busy
}
busy() {
	rspctl -j chan | jq -e 'map(.nr_ack) | add > 100'
}
load_down() {
	[ -z "$load_pid" ] || kill $load_pid
	wait $load_pid
	load_pid=''
}
defer load_down
run "a load" load_up

# value VIEW NAME COLUMN: of the last picture in $T/top
value() {
	sed -n "/^$1:\$/,/^\$/p" "$T/top" | awk -v n="$2" -v c="$3" '
		NR == 2 { for (i = 1; i <= NF; i++) if ($i == c) at = i }
		NR > 2 && ($1 == n || $2 == n) { print $at }' | tail -n 1
}
acks() {
	rspctl -j chan svc perf-client | jq 'map(.nr_ack) | add'
}
rates() {
	local a b t0 t1 want got
	t0=$(date +%s%N) a=$(acks)
	rspctl top -b -n 1 -i 3 >"$T/top" || return
	t1=$(date +%s%N) b=$(acks)
	cat "$T/top"
	want=$(((b - a) * 1000000000 / (t1 - t0)))
	got=$(value services perf-client ops_s)
	echo "ops_s $got, counted $want"
	[ "$got" -gt $((want / 2)) ] && [ "$got" -lt $((want * 2)) ]
}
run "operations in a second are as counted" rates
both_ends() {
	[ "$(value services perf-server ops_s)" -gt 0 ] && value services perf-client out_s | grep -E '[0-9](Ki|Mi)B$' &&
		value services perf-client held | grep -E '[0-9](Ki|Mi)B$' &&
		grep -q "^pool: .* held, .* mapped, .* limit$" "$T/top" &&
		grep -q "^policies: buf builtin ep builtin flow builtin cache builtin$" "$T/top" &&
		[ "$(value memory 4K nr_buf)" -gt 0 ] && is "$(value policies flow state)" active &&
		grep -q "no block cache" "$T/top" && [ "$(grep -c ' server *up ' "$T/top")" -ge 1 ]
}
run "all views have what is there" both_ends
pictures() {
	rspctl top -b -n 3 -i 0.3 -v services >"$T/top" && is "$(grep -c '^rspctl top, ' "$T/top")" 3 &&
		is "$(grep -c '^services:$' "$T/top")" 3 && ! grep -q '^memory:' "$T/top" &&
		grep -q "rspctl observe on" "$T/top" && ! grep -q ' p99 ' "$T/top" && ! grep -q $'\e' "$T/top"
}
run "so many pictures of one view, in plain text" pictures
observed() {
	rspctl observe on && rspctl top -b -n 1 -i 2 >"$T/top" && rspctl observe off || return
	cat "$T/top"
	value services perf-client p50 | grep -E '^[0-9.]+(us|ms|s)$' &&
		value services perf-client p99 | grep -E '^[0-9.]+(us|ms|s)$' && ! grep -q "observe on" "$T/top"
}
run "with the observers also p50 and p99" observed

screen() {
	tmux capture-pane -p -t top >"$T/screen"
}
# shows PATTERN...: the screen comes to have a line of each
shows() {
	local p
	screen
	for p; do
		grep -Eq -- "$p" "$T/screen" || return
	done
}
shown() {
	wait_for 10 shows "$@" || {
		cat "$T/screen"
		return 1
	}
}
key() {
	tmux send-keys -t top "$@"
}
started() {
	tmux -f /dev/null new-session -d -s top -x 80 -y 24 bash --norc &&
		key "PS1='pro''mpt> '; clear; rspctl top -i 0.5; echo left \$?" Enter &&
		shown '^rspctl top, ' '^services by ops_s' '^name +chans +ops_s ' '^perf-client +1 +[1-9]' 'q quit'
}
defer eval 'tmux kill-server 2>/dev/null || :'
run "on a terminal of 80x24" started
keys() {
	key p && shown '^policies by order' '^flow +builtin +active' && key m && shown '^memory ' '^4K +[0-9]' &&
		key e && shown '^endpoints by ' ' rxe0 ' && key c && shown '^no block cache' && key s &&
		shown '^services by ops_s' && key '>' && shown '^services by out_s' && key '<' '<' && shown '^services by chans'
}
run "keys switch views and sort" keys
paused() {
	local was
	key Space && shown 'PAUSED' || return
	screen
	was=$(head -n 1 "$T/screen")
	sleep 2
	screen
	is "$(head -n 1 "$T/screen")" "$was" && key Space && wait_for 10 runs "$was" && key + && shown '^1.0s '
}
runs() {
	screen
	[ "$(head -n 1 "$T/screen")" != "$1" ]
}
run "it pauses, goes on, and takes another interval" paused
resized() {
	tmux resize-window -t top -x 50 -y 12 && shown '^services by' '^perf-client' '^1.0s ' &&
		is "$(wc -l <"$T/screen")" 12 && tmux resize-window -t top -x 100 -y 30 && shown '^services by' 'q quit'
}
run "it takes another size" resized
left() {
	key q && shown '^left 0$' '^prompt> *$' || return
	! grep -Eq 'rspctl top, |q quit' "$T/screen" || return
	key "stty -a | grep -o -e ' -*echo ' -e ' -*icanon '" Enter && shown '^ echo' '^ icanon' && key "echo wor''ks" Enter &&
		shown '^works$'
}
run "q leaves a clean terminal" left
interrupted() {
	key "clear; rspctl top; echo left \$?" Enter && shown '^rspctl top, ' && key C-c && shown '^left 0$' '^prompt> *$'
}
run "so does an interrupt" interrupted
run "the load ends" eval 'load_down; is "$(rspctl -j chan | jq length)" 0 || wait_for 10 eval "rspctl -j chan | jq -e \"length == 0\""'
finish
