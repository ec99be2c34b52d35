#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# An NFS client survives a server that answers with malformed RPC-over-RDMA replies: calls fail
# or are sent again, what is read is right, and the mount works when the server does.
#
#	mount ==RDMA== hostile_server --TCP-- nfsd
#
# topology: loop
# timeout: 600
. "$(dirname "$0")/lib.sh"
prog=/src/build/tests/hostile_server
need root "module:$NFS_MODULE" tool:fio "file:$prog"
read -ra cases <<<"$($prog --list | grep -Ev '^(late-write|reject|private-data-strange)$' | xargs)"
plan $((${#cases[@]} + 6))

# spoil CASE: each kind of call with one reply spoilt; errors are allowed, wrong data is not
spoil() {
	echo "rsp-test: reply $1" >/dev/kmsg
	: >"$T/said"
	echo "$1" >&3
	touch "$EXPORT/d/$1"
	timeout 30 stat "$M/big" >/dev/null 2>&1
	timeout 30 ls "$M/d" >"$T/ls" 2>&1
	if timeout 30 dd if="$M/big" of="$T/got" bs=64k count=1 iflag=direct,fullblock 2>/dev/null &&
	   [ "$(stat -c %s "$T/got")" = 65536 ]; then
		cmp "$T/got" "$T/want" || return
	fi
	echo none >&3
	wait_for 30 works || return
	grep -q "^did $1" "$T/said" || {
		echo "$1 was never applied"
		return 1
	}
}

# the mount works, with the right content
works() {
	timeout 20 dd if="$M/big" of="$T/got" bs=64k count=1 iflag=direct,fullblock 2>&1 &&
		cmp "$T/got" "$T/want" && [ "$(timeout 20 ls "$M/d" | wc -l)" = "$(ls "$EXPORT/d" | wc -l)" ]
}

# answer PATTERN: the hostile server says a line
answer() {
	grep -qE "$1" "$T/said"
}

M=/mnt/hostile
trap_mount() {
	mkdir -p $M
	timeout 60 mount -t nfs -o "vers=4.1,proto=rdma,port=20050,soft,timeo=10,retrans=2,actimeo=0" \
		10.9.0.1:/ $M
}

run "server is up" nfs_up
head -c 1M /dev/urandom >$EXPORT/big
head -c 64k $EXPORT/big >"$T/want"
mkdir $EXPORT/d
(cd $EXPORT/d && touch entry-with-a-rather-long-name-{1..100})
mkfifo "$T/orders"
: >"$T/said"
exec 3<>"$T/orders"
stdbuf -oL $prog -p 20050 10.9.0.1 <"$T/orders" >>"$T/said" 2>&1 &
pid=$!
defer eval "kill $pid; wait $pid || :"
wait_for 10 answer listening
run "a mount through the proxy works" eval "trap_mount && works"
defer eval "! mountpoint -q $M || umount -f $M"
for c in "${cases[@]}"; do
	run "reply $c" spoil "$c"
done

echo late-write >&3
stat $M/d/* >/dev/null 2>&1
run "memory of an earlier read cannot be written any more" wait_for 10 answer "late-write refused"
echo none >&3
run "the mount works after that" wait_for 30 works
umount $M
echo reject >&3
run "a client that is refused once tries again" trap_mount
umount $M
echo private-data-strange >&3
run "a mount with strange private data works or fails" eval "trap_mount && works || :"
! mountpoint -q $M || umount -f $M
finish
