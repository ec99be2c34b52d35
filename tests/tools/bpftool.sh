#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# bpftool struct_ops works with RSP's types: register, list, show, dump, unregister, in text and JSON.
# (The lab's bpftool has packaging/bpftool-module-struct-ops.patch.)
# topology: loop
# timeout: 300
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp tool:jq tool:bpftool file:/src/build/rspctl
plan 11
modprobe rsp
mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
LINKS=/sys/fs/bpf/links-$$
links_down() {
	rm -rf $LINKS
	# the last reference of a link goes from a work item
	wait_for 20 all_builtin
}
all_builtin() {
	json 'all(.name == "builtin")' policy
}
defer links_down
mkdir $LINKS

register() {
	local p
	for p in buf_fair ep_two flow_aimd; do
		bpftool struct_ops register $POLICIES/$p.bpf.o $LINKS >"$T/out" 2>&1 || return
		grep -Eq "^Registered rsp_${p%_*}_ops $p map id [0-9]+ link id [0-9]+$" "$T/out" &&
			active ${p%_*} $p || {
			cat "$T/out"
			return 1
		}
	done
	is "$(cd $LINKS && echo *)" "buf_fair ep_two flow_aimd"
}
run "register: a policy of each family, active and pinned" register
list() {
	bpftool struct_ops list >"$T/out" && is "$(awk '{ print $2, $3 }' "$T/out" | sort | xargs)" \
		"buf_fair rsp_buf_ops ep_two rsp_ep_ops flow_aimd rsp_flow_ops"
}
run "list" list
list_json() {
	bpftool -j struct_ops list >"$T/out" && jq -e 'map([.name, .kernel_struct_ops]) | sort ==
		[["buf_fair", "rsp_buf_ops"], ["ep_two", "rsp_ep_ops"], ["flow_aimd", "rsp_flow_ops"]]' "$T/out"
}
run "list -j" list_json
show() {
	bpftool struct_ops show name ep_two >"$T/out" && grep -q 'ep_two *rsp_ep_ops' "$T/out" &&
		bpftool -j struct_ops show name ep_two | jq -e '.. | objects | select(.name == "ep_two")'
}
run "show" show
dump() {
	bpftool struct_ops dump name flow_aimd >"$T/out" && grep -q 'aimd_window/prog_id' "$T/out"
}
run "dump" dump
dump_json() {
	bpftool -j struct_ops dump name flow_aimd >"$T/out" && jq -e '.. | objects |
		select(has("bpf_struct_ops_rsp_flow_ops")) | .bpf_struct_ops_rsp_flow_ops.data |
		.name == "flow_aimd" and (.window | test("aimd_window"))' "$T/out"
}
run "dump -j: the ops table with its programs" dump_json
maps() {
	local id
	id=$(bpftool -j struct_ops list | jq '.[] | select(.name == "buf_fair") | .id')
	bpftool map show id "$id" && bpftool map dump id "$id" | grep -q buf_fair
}
run "map dump of an ops table" maps
links() {
	bpftool -j link list | jq -e '[.[] | select(.type == "struct_ops")] | length == 3'
}
run "link list" links
unpin() {
	rm $LINKS/flow_aimd && wait_for 10 active flow builtin && active ep ep_two
}
run "taking the pin away unregisters" unpin
detach() {
	local id
	id=$(bpftool -j link show pinned $LINKS/ep_two | jq '[.. | .id? | numbers][0]')
	bpftool link detach id "$id" && active ep builtin && rm $LINKS/ep_two
}
run "link detach unregisters at once" detach
unregister() {
	bpftool struct_ops register /src/build/tests/policy/nolink.bpf.o && active flow nolink &&
		bpftool struct_ops unregister name nolink && wait_for 10 active flow builtin
}
run "unregister: a policy registered without a link" unregister
finish
