#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The same over a wire on which packets are delayed: two devices, everything read back compared.
#
#	mount --- rxe1 10.9.0.2 ===== 10.9.0.1 rxe0 --- nfsd
#
# topology: loop
# timeout: 300
. "$(dirname "$0")/lib.sh"
need "unproven:does not end under netem jitter, not compared with stock"
need root "module:$NFS_MODULE" tool:fio
plan 6

packets() {
	cat /sys/class/net/v1/statistics/tx_packets
}

run "server is up" nfs_up wire
run "mount" mounted 4.2
before=$(packets)
run "files of many sizes" files sizes "$(amount 293 37)"
run "fio with checksums" fio_verify "$M" "$(amount 4m 64m)"
run "packets crossed the wire" test $(($(packets) - before)) -ge 1000
delayed() {
	wire_netem delay 2ms 1ms && fio_verify "$M" "$(amount 1m 16m)" && files renames && wire_netem
}
run "with a delay that varies" delayed
finish
