#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Two soft RDMA devices in one guest talk over a wire that queueing disciplines see.
#
#	rxe0 --- v0 10.9.0.1 ===== v1 10.9.0.2 --- rxe1
#
# topology: loop
. "$(dirname "$0")/../lib.sh"
need root tool:rdma tool:ib_send_lat
plan 4

packets() {
	cat /sys/class/net/v0/statistics/tx_packets
}

send_lat() {
	ib_send_lat -d rxe1 -F -x 1 -n 100 >"$T/server" 2>&1 &
	wait_for 10 eval "ss -ltn | grep -q :18515"
	ib_send_lat -d rxe0 -F -x 1 -n 100 10.9.0.2 && wait $!
}

run "rxe comes up on both ends" rxe_wire 9000
defer rxe_down
before=$(packets)
run "100 messages pass" send_lat
run "packets crossed the wire" test $(($(packets) - before)) -ge 200
run "netem can be put on it and changed" eval "wire_netem delay 1ms && wire_netem"
finish
