#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The same over a wire on which packets take their time: two devices, everything read back compared.
# They stay in order: rxe takes a packet out of order for a lost one, see docs/lab.md.
#
#	mount --- rxe1 10.9.0.2 ===== 10.9.0.1 rxe0 --- nfsd
#
# topology: loop
# timeout: 300
. "$(dirname "$0")/lib.sh"
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
	wire_netem delay 2ms && fio_verify "$M" "$(amount 4m 64m)" && files renames && wire_netem
}
run "with 2 ms each way" delayed
finish
