#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A module without BTF loads, says that policies are off, and works.
# topology: loop
# timeout: 120
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp module:rsp_perf tool:objcopy tool:jq
plan 6

strip_btf() {
	local ko
	ko=$(modinfo -n "$1")
	case $ko in
	*.xz) xz -dc "$ko" >"$T/$1.full" ;;
	*) cp "$ko" "$T/$1.full" ;;
	esac
	objcopy -R .BTF -R .BTF.base "$T/$1.full" "$T/$1.ko" &&
		! objdump -h "$T/$1.ko" | grep -E '\.BTF(\.base)? '
}
said() { dmesg | grep -q 'rsp: no BTF for this module: policies are off, builtin decides'; }
serves() {
	echo "10.9.0.1:18515" >$P/listen
	echo "op=write addr=10.9.0.1 size=5000 window=4 iters=53 verify=1" >$P/run
	jq -e '.errors == 0' $P/result
}
no_types() {
	pins_up
	! bpftool struct_ops register "$POLICIES/noop_flow.bpf.o" "$PINS"
}
P=/sys/kernel/debug/rsp_perf
run "take the BTF out of the module" strip_btf rsp
rxe_dummy 9000
defer rxe_down
modprobe -a ib_core rdma_cm
run "it loads" insmod "$T/rsp.ko"
run "and says that policies are off" said
run "a policy cannot be registered" no_types
modprobe rsp_perf
run "services work" serves
run "no policy code is left behind" rsp_unload
finish
