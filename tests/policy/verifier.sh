#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The verifier refuses what a policy must not do, each for the reason its source states, and takes
# every policy we ship. Nothing here runs a hook.
# topology: loop
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp tool:bpftool
bad=(/src/tests/policy/bad_*.bpf.c)
good=("$POLICIES"/*.bpf.o)
plan $((${#bad[@]} + ${#good[@]}))
modprobe rsp
pins_up
defer pins_down

for src in "${bad[@]}"; do
	name=$(basename "$src" .bpf.c)
	claim=$(sed -n '2s|^/\* \(.*\) \*/$|\1|p' "$src")
	reason=$(sed -n 's|^/\* expect: \{0,1\}\(.*\) \*/$|\1|p' "$src")
	run "$name: $claim" $POL refuse "/src/build/tests/policy/$name.bpf.o" "$reason"
done

loads() {
	load "$1" && unload "$1"
}
for obj in "${good[@]}"; do
	run "$(basename "$obj" .bpf.o) is accepted" loads "$(basename "$obj" .bpf.o)"
done
finish
