#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What NFS clients do works over RSP at both ends: every version, everything read back compared.
#
#	mount --- rxe0 10.9.0.1, loopback --- nfsd
#
# topology: loop
# timeout: 500
. "$(dirname "$0")/lib.sh"
need root "module:$NFS_MODULE" tool:fio tool:setfacl tool:nfs4_setfacl
plan 27

owner_is() {
	is "$(stat -c '%u:%g %a' "$M/$1")" "$2"
}

modes() {
	: >"$M/modes" && chown 1001:1002 "$M/modes" && chmod 6751 "$M/modes" && owner_is modes "1001:1002 6751" &&
		mknod "$M/pipe" p && mknod "$M/null" c 1 3 && is "$(stat -c %F "$M/pipe" "$M/null" | xargs)" "fifo character special file" &&
		rm "$M/modes" "$M/pipe" "$M/null"
}

# an entry for each of 100 users: longer than an inline call or reply
posix_acl() {
	local spec
	: >"$M/acl"
	spec=$(for i in {2001..2100}; do printf 'u:%d:rw,' "$i"; done)
	setfacl -m "${spec%,}" "$M/acl" || return
	echo 3 >/proc/sys/vm/drop_caches
	is "$(getfacl -cn "$M/acl" 2>/dev/null | grep -c '^user:2...:rw-')" 100 &&
		is "$(getfacl -cn "$EXPORT/acl" 2>/dev/null | grep -c '^user:2...:rw-')" 100 && rm "$M/acl"
}

nfs4_acl() {
	# a POSIX ACL cannot give a user less than everyone has
	: >"$M/acl4" && chmod 700 "$M/acl4"
	nfs4_setfacl -a "A::2023:rxtncy" "$M/acl4" || return
	echo 3 >/proc/sys/vm/drop_caches
	nfs4_getfacl "$M/acl4" >"$T/acl4" && cat "$T/acl4" &&
		grep -q '^A::2023:r.*x' "$T/acl4" &&
		getfacl -cn "$EXPORT/acl4" 2>/dev/null | grep '^user:2023:r-x' && rm "$M/acl4"
}

xattrs() {
	local s v
	: >"$M/xattr"
	for s in 10 1000 4000 8100 20000 60000; do
		v=$(head -c "$s" /dev/urandom | base64 -w0 | head -c "$s")
		setfattr -n "user.x$s" -v "$v" "$M/xattr" || return
		echo 3 >/proc/sys/vm/drop_caches
		is "$(getfattr --only-values -n "user.x$s" "$M/xattr" 2>/dev/null | sha1sum)" "$(printf %s "$v" | sha1sum)" || return
		is "$(getfattr --only-values -n "user.x$s" "$EXPORT/xattr" 2>/dev/null | sha1sum)" "$(printf %s "$v" | sha1sum)" || return
	done
	setfattr -x user.x10 "$M/xattr" && is "$(getfattr -m user. "$M/xattr" 2>/dev/null | grep -c ^user)" 5 && rm "$M/xattr"
}

# one file through the whole stack and the server's own view of it
big_file() {
	head -c "$1" /dev/urandom >"$T/big"
	dd if="$T/big" of="$M/big" bs=1M oflag=direct status=none || return
	cmp "$T/big" $EXPORT/big || return
	dd if="$M/big" of="$T/back" bs=1M iflag=direct status=none && cmp "$T/big" "$T/back" && rm "$M/big"
}

run "server is up" nfs_up
export EXPORT
run "mount with NFSv4.2" mounted 4.2
run "it moves 1 MiB at a time" grep -q "$M .*rsize=1048576,wsize=1048576" /proc/mounts
run "v4.2: files of every size" files sizes "$(amount 37 7)"
run "v4.2: many small files" files many "$(amount 200 3000)"
run "v4.2: a directory of 2003 long names" files names
run "v4.2: symbolic links up to 4095 bytes" files links
run "v4.2: appending and truncating" files append
run "v4.2: writes through a mapping" files mapped
run "v4.2: holes and SEEK_HOLE" files sparse
run "v4.2: locks" files locks
run "v4.2: renames and hard links" files renames
run "v4.2: modes, owners, special files" modes
run "v4.2: an ACL of NFSv4" nfs4_acl
run "v4.2: extended attributes up to 60000 bytes" xattrs
run "v4.2: 1 MiB reads and writes" big_file "$(amount 5000003 50000003)"
run "unmount" umount "$M"

run "mount with NFSv4.1" mounted 4.1
run "v4.1: sizes" files sizes "$(amount 233 37)"
run "v4.1: locks" files locks
run "unmount" umount "$M"

run "mount with NFSv3" mounted 3
run "v3: sizes" files sizes "$(amount 233 37)"
run "v3: a directory of 301 long names" files names 301
run "v3: renames and hard links" files renames
run "v3: an ACL of 100 users" posix_acl
run "unmount" umount "$M"
finish
