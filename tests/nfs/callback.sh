#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# nfsd takes a delegation back through the backchannel: a file that a client holds is changed on
# the server at once, not when the lease ends, and the client sees the new content.
#
#	mount, file open ==calls, callbacks== nfsd
#
# topology: loop
# timeout: 200
. "$(dirname "$0")/lib.sh"
need root "module:$NFS_MODULE"
plan 12

delegated() {
	grep -qs 'type: deleg' /proc/fs/nfsd/clients/*/states
}

callback_is_up() {
	grep -qs 'callback state: UP' /proc/fs/nfsd/clients/*/info
}

binds() {
	awk '$1 == "BIND_CONN_TO_SESSION:" { n += $2 } END { print n + 0 }' /proc/self/mountstats
}

run "server is up" nfs_up
for v in 4.2 4.1; do
	# a file of its own: nfsd does not delegate for 30 s what it had to take back
	echo old >$EXPORT/held-$v
	run "mount with NFSv$v" mounted $v
	# nfsd delegates nothing before it has tried the backchannel, which a first call makes it do
	ls "$M" >/dev/null
	run "the server can call the client" wait_for 20 callback_is_up
	exec 9<"$M/held-$v"
	run "the client gets a delegation" wait_for 20 delegated
	# twice the lease would be 20 s, in which nobody could write
	run "the server takes it back and writes" timeout 10 sh -c "echo new >$EXPORT/held-$v"
	run "the client sees what was written" wait_for 10 grep -q new "$M/held-$v"
	exec 9<&-
	[ $v = 4.1 ] || run "the backchannel was bound once, if at all" test "$(binds)" -le 1
	umount "$M"
done
finish
