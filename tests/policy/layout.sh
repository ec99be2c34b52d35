#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Structs that cross a border are the same on both sides: in the module's BTF, in a policy object
# and in a user program, member by member. And the module's BTF has our ops types.
# topology: loop
# timeout: 120
. "$(dirname "$0")/../lib.sh"
need root module:rsp tool:bpftool tool:pahole
modprobe rsp
defer rsp_unload
views=(svc_view pool_view buf_req bulk_req rq_view peer_view ep_view chan_view desc_view
	place_req ack_req exit_info policy_view cache_view block_view block_req)
plan $((${#views[@]} * 2 + 6))

# members FILE STRUCT [OPTION...]: name, offset and size of each, in pahole's words
members() {
	local file=$1 struct=$2
	shift 2
	pahole "$@" -C "$struct" "$file" |
		sed -n 's|^\t\(.*\); *\(/\* *[0-9]* *[0-9]* *\*/\)$|\1 \2|p; s|^\(\t/\* size: [0-9]*\).*|\1|p' |
		sed -e 's/\bu\(8\|16\|32\|64\)\b/__u\1/' -e 's/\b__s64\b/s64/; s/\bs64\b/__s64/' |
		tr -s ' \t' ' '
}
same() {
	local struct=$1 file=$2
	shift 2
	members /sys/kernel/btf/rsp "$struct" -F btf --btf_base /sys/kernel/btf/vmlinux >"$T/kernel"
	members "$file" "$struct" "$@" >"$T/other"
	[ -s "$T/kernel" ] || { echo "no $struct in the module's BTF"; return 1; }
	[ "$(wc -l <"$T/kernel")" -gt 2 ] || { cat "$T/kernel"; return 1; }
	diff -u "$T/kernel" "$T/other"
}

run "the module has BTF" test -s /sys/kernel/btf/rsp
for v in buf ep flow cache; do
	has_ops() {
		bpftool btf dump file /sys/kernel/btf/rsp | grep -q "STRUCT 'bpf_struct_ops_rsp_${v}_ops'"
	}
	run "rsp_${v}_ops is a struct_ops type" has_ops
done
for v in "${views[@]}"; do
	run "rsp_$v: kernel and policy" same "rsp_$v" /src/build/tests/policy/layout.bpf.o -F btf
	run "rsp_$v: kernel and user space" same "rsp_$v" /src/build/tests/policy/layout -F dwarf
done
# a comparison that cannot fail proves nothing
differs() {
	sed 's/held_bytes/kept_bytes/' "$T/kernel" >"$T/changed"
	members /sys/kernel/btf/rsp rsp_svc_view -F btf --btf_base /sys/kernel/btf/vmlinux >"$T/kernel"
	sed 's/held_bytes/kept_bytes/' "$T/kernel" >"$T/changed"
	! diff -q "$T/kernel" "$T/changed"
}
run "the comparison sees a renamed member" differs
finish
