#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rspctl policy new: a skeleton of each family has all its hooks and compiles with the Makefile beside it, is accepted, and
# under a load answers as builtin does; a name that cannot be one and a file that is there are refused.
# topology: loop
# timeout: 300
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp_perf module:rsp_cache tool:jq tool:clang tool:bpftool tool:make file:/src/build/rspctl
plan 14
W=$T/work
mkdir -p "$W"

made() {
	rspctl policy new "$1_own" "${@:2}" dir "$W" && [ -s "$W/$1_own.bpf.c" ]
}
for f in buf ep flow cache; do
	run "a skeleton of family $f, by its name" made $f
done
# the hooks of ops.h stand in it, each under a comment that says what may be answered
has_hooks() {
	local f members m
	for f in buf ep flow cache; do
		members=$(sed -n "/^struct rsp_${f}_ops {/,/^};/s/^\t[a-z_0-9]* (\*\([a-z_]*\))(.*/\1/p" \
			/src/include/uapi/rsp/ops.h)
		[ "$(wc -w <<<"$members")" -ge 7 ] || return
		for m in $members; do
			grep -q "^	\.$m.*= (void \*)${f}_own_$m,\$" "$W/${f}_own.bpf.c" &&
				grep -B1 "RSP_HOOK(${f}_own_$m\b" "$W/${f}_own.bpf.c" | grep -q '^ \*/$' || {
				echo "$f: $m"
				return 1
			}
		done
		grep -q '@NAME@' "$W/${f}_own.bpf.c" && return 1
		grep -c 'Return: ' "$W/${f}_own.bpf.c"
	done
}
run "each has all hooks of ops.h, under its words" has_hooks
compiled() {
	make -j2 -C "$W" && [ "$(find "$W" -name '*.bpf.o' | wc -l)" = 4 ]
}
run "they compile with the Makefile that was written" compiled
again() {
	sum=$(md5sum "$W"/*.c "$W/Makefile")
	fails "is there already" -- policy new flow_own dir "$W" && is "$(md5sum "$W"/*.c "$W/Makefile")" "$sum" &&
		rspctl policy new more family ep dir "$W" | grep "Makefile was there and stays" &&
		grep -q 'struct rsp_place_req' "$W/more.bpf.c"
}
run "nothing is overwritten" again
refused() {
	fails "which family is mine of" -- policy new mine dir "$W" &&
		fails "longer than 15 characters" -- policy new flow_of_a_long_name dir "$W" &&
		fails "must begin with a letter" -- policy new 1st family buf dir "$W" &&
		fails "letters, digits and _" -- policy new flow-x dir "$W" &&
		fails "letters, digits and _" -- policy new flow_x/y dir "$W" &&
		fails "what stands below all others" -- policy new builtin family buf dir "$W" &&
		fails 'stopped at "frob": expected buf, ep, flow or cache' -- policy new x family frob &&
		fails "No such file or directory" -- policy new flow_x dir "$W/nosuch" &&
		fails "expected NAME" -- policy new family flow && fails 'stopped at "more"' -- policy new flow_x more &&
		is "$(find "$W" -name '*.c' | wc -l)" 5
}
run "what cannot be is refused with the reason" refused
RSP_INCLUDE=/nonexistent run "without headers it says so" \
	eval 'fails "rsp/policy.h" -- policy test "$W/flow_own.bpf.c"'

modprobe rsp
modprobe rsp_cache
perf_up
defer perf_down
null_dev_up n$$ 8
defer null_dev_down n$$
dm create c$$ --table "0 16384 rsp-cache $(null_dev n$$) 640K"
defer dm remove c$$
loaded() {
	local f
	for f in buf ep flow cache; do
		rspctl policy load "$W/${f}_own.bpf.o" && active $f ${f}_own || return
	done
}
run "all four are accepted and active" loaded
traffic() {
	perf op=send_rate size=4000 window=32 iters=230 verify=1 && perf op=write size=65536 window=4 iters=23 verify=1 &&
		dd if="$(dm_dev c$$)" of=/dev/null bs=4k count=400 iflag=direct status=none
}
run "with traffic of their kind" traffic
answered() {
	local f
	for f in buf ep flow cache; do
		json '.[0] | .nr_call > 0 and .nr_clamp == 0 and .state == "active" and (.stats | add) > 0' \
			policy show ${f}_own || return
	done
}
run "they answer, in range, and count" answered
knob() {
	rspctl policy unload flow_own && rspctl policy load "$W/flow_own.bpf.o" set chan_weight 7 &&
		perf op=send_lat size=64 iters=23 && json '.[0].knobs.chan_weight == 7' policy show flow_own
}
run "the knob can be set" knob
all_out() {
	local f
	for f in buf ep flow cache; do
		rspctl policy unload ${f}_own || return
	done
}
run "they go" all_out
finish
