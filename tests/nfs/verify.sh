#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Data is right whatever the size of a read or a write: rsize and wsize from 4 KiB to 1 MiB, blocks
# of any size at any offset, direct and through the page cache.
#
#	mount --- rxe0 10.9.0.1, loopback --- nfsd
#
# topology: loop
# timeout: 400
. "$(dirname "$0")/lib.sh"
need root "module:$NFS_MODULE" tool:fio tool:jq
plan 14

direct() {
	fio_verify "$M" "$(amount 2m 64m)"
}
# any length, any offset; several writers, each with a file of its own
ragged() {
	fio_json "$T/ragged.json" --directory="$M" --rw=randrw --bsrange=512-200k --bs_unaligned=1 \
		--size="$(amount 2m 32m)" --numjobs=2 --iodepth=4 --verify=crc32c --verify_fatal=1 --do_verify=1
}
buffered() {
	fio_json "$T/buffered.json" --directory="$M" --direct=0 --ioengine=psync --rw=randwrite --bsrange=1k-300k \
		--bs_unaligned=1 --size="$(amount 4m 64m)" --verify=crc32c --verify_fatal=1 --do_verify=1 \
		--fsync=16 --invalidate=1
}
variant() {
	mounted "$1" "hard,rsize=$2,wsize=$2" && grep -q "$M .*rsize=$2,wsize=$2" /proc/mounts && direct && not_mounted
}

run "server is up" nfs_up
for s in 4096 16384 65536 262144; do
	run "v4.2, $s bytes at most" variant 4.2 $s
done
run "v3, 4096 bytes at most" variant 3 4096
run "v3, 32768 bytes at most" variant 3 32768
run "v3, 1 MiB at most" variant 3 1048576
run "mount with 1 MiB at most" mounted 4.2
run "direct" direct
run "direct, any length and offset" ragged
run "through the page cache" buffered
run "the server's files are the same" eval 'cmp '"$M"'/job.0.0 $EXPORT/job.0.0'
run "unmount" umount "$M"
finish
