#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Two guests see each other over IPv4, IPv6 and RDMA.
#
#	srv 10.9.0.1 fd00::1 rxe0 ===== rxe0 fd00::2 10.9.0.2 cli
#
# topology: pair
. "$(dirname "$0")/../lib.sh"
need root tool:rping
plan 5

rping_over() {
	on srv "rping -s -a $1 -C 23 >/tmp/rping 2>&1 &"
	wait_for 20 on cli "rping -c -a $1 -C 23"
}

run "srv answers pings over IPv4" on cli "ping -c 1 -W 5 10.9.0.1"
run "srv answers pings over IPv6" on cli "ping -c 1 -W 5 fd00::1"
run "a frame of 9000 bytes passes" on cli "ping -c 1 -W 5 -M do -s 8972 10.9.0.1"
run "rdma_cm connects over IPv4" rping_over 10.9.0.1
run "rdma_cm connects over IPv6" rping_over fd00::1
finish
