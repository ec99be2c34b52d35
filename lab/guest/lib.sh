# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Functions for scripts and commands in a lab guest. Each *_up has a *_down that undoes it.

# ---- RDMA devices -------------------------------------------------------------------------

# rxe_dummy [MTU]: rxe0 on a dummy netdev, 10.9.0.1 and fd00::1. Packets to itself take a short
# way through rxe: fast, but no qdisc sees them.
rxe_dummy() {
	modprobe dummy numdummies=0
	modprobe rdma_rxe
	ip link add rsp0 type dummy
	ip link set rsp0 mtu "${1:-9000}" up
	ip addr add 10.9.0.1/24 dev rsp0
	ip addr add fd00::1/64 dev rsp0 nodad
	rdma link add rxe0 type rxe netdev rsp0
	rxe_wait rxe0
}

# rxe_wire [MTU]: rxe0 (10.9.0.1) and rxe1 (10.9.0.2) on the two ends of a veth pair in one
# network namespace, with routing that makes packets between them cross the wire: netem works.
#
#	rxe0 --- v0 10.9.0.1 ===== v1 10.9.0.2 --- rxe1
rxe_wire() {
	local i
	modprobe veth
	modprobe rdma_rxe
	ip link add v0 address 52:54:00:00:00:a0 type veth peer name v1 address 52:54:00:00:00:a1
	sysctl -qw net.ipv4.conf.all.rp_filter=0
	for i in 0 1; do
		ip link set v$i mtu "${1:-9000}"
		ip addr add 10.9.0.$((i + 1))/32 dev v$i
		sysctl -qw net.ipv4.conf.v$i.accept_local=1 net.ipv4.conf.v$i.rp_filter=0
		ip link set v$i up
	done
	ip rule add pref 10 iif v0 lookup local
	ip rule add pref 11 iif v1 lookup local
	ip route add 10.9.0.2 dev v0 src 10.9.0.1 table 101
	ip route add 10.9.0.1 dev v1 src 10.9.0.2 table 102
	ip rule add pref 20 to 10.9.0.2 lookup 101
	ip rule add pref 21 to 10.9.0.1 lookup 102
	ip rule add pref 50 lookup local
	ip rule del pref 0
	ip neigh replace 10.9.0.2 lladdr 52:54:00:00:00:a1 dev v0 nud permanent
	ip neigh replace 10.9.0.1 lladdr 52:54:00:00:00:a0 dev v1 nud permanent
	rdma link add rxe0 type rxe netdev v0
	rdma link add rxe1 type rxe netdev v1
	rxe_wait rxe0 && rxe_wait rxe1
}

# rxe_wait DEVICE: until its port is active and its RoCE address table is filled
rxe_wait() {
	local i
	for ((i = 0; i < 100; i++)); do
		if grep -qs ACTIVE "/sys/class/infiniband/$1/ports/1/state" &&
		   grep -qs 0000:ffff: "/sys/class/infiniband/$1/ports/1/gids/"*; then
			return
		fi
		sleep .1
	done
	echo "$1 does not become active" >&2
	return 1
}

# rxe_down: take away what rxe_dummy or rxe_wire made
rxe_down() {
	local l
	for l in /sys/class/infiniband/rxe*; do
		[ ! -e "$l" ] || rdma link delete "${l##*/}"
	done
	if [ -e /sys/class/net/v0 ]; then
		ip rule add pref 0 lookup local
		for l in 10 11 20 21 50; do
			ip rule del pref $l
		done
		ip link del v0
	fi
	[ ! -e /sys/class/net/rsp0 ] || ip link del rsp0
}

# netem DEVICE [ARGUMENT...]: what happens to packets it sends ("delay 1ms loss 0.1%"), nothing if none.
# The first call before there is a load: it exchanges the discipline, and what rxe sends meanwhile fails, which
# ends its QP 1 for good (docs/lab.md). Later ones only change it, which hurts nobody.
netem() {
	modprobe sch_netem && tc qdisc replace dev "$1" root netem limit 10000 "${@:2}"
}

# wire_netem [ARGUMENT...]: the same at both ends of rxe_wire
wire_netem() {
	netem v0 "$@" && netem v1 "$@"
}

# ---- modules ------------------------------------------------------------------------------

RSP_MODULES="rsp_bad rsp_nfs rsp_iser rsp_isert rsp_cache rsp_perf rsp"	# users before rsp

# rsp_unload: take out all of our modules; fails and says which, when one stays in use. A BPF
# program that is gone gives back its reference on the module from a work item: hence the tries
rsp_unload() {
	local m left='' i
	for m in $RSP_MODULES; do
		[ -e "/sys/module/$m" ] || continue
		for i in {1..30}; do
			rmmod "$m" 2>/dev/null && continue 2
			[ "$i" = 30 ] || sleep .1
		done
		left+=" $m(used by $(refs "$m"))"
	done
	[ -z "$left" ] || {
		echo "still loaded:$left" >&2
		return 1
	}
}

# refs MODULE: its reference count and holders
refs() {
	echo "$(cat "/sys/module/$1/refcnt" 2>/dev/null) $(ls "/sys/module/$1/holders" 2>/dev/null)" | xargs
}

# nfs_transport rsp|stock: which module carries NFS over RDMA, both for clients and servers.
# Both register the name "rdma", so only one can be loaded; a mix needs two guests (a pair).
nfs_transport() {
	case $1 in
	rsp)
		[ ! -e /sys/module/rpcrdma ] || rmmod rpcrdma || return
		modprobe rsp_nfs
		;;
	stock)
		[ ! -e /sys/module/rsp_nfs ] || rmmod rsp_nfs || return
		modprobe rpcrdma
		;;
	*)
		echo "nfs_transport: rsp or stock?" >&2
		return 2
		;;
	esac
}

# ---- NFS ----------------------------------------------------------------------------------

# nfs_server_up [NAME=VALUE...]: export a tmpfs at /exp to everybody as the NFSv4 root, on TCP 2049 and, when
# an RDMA transport is loaded, on RDMA 20049. size=512M, threads=4, rdma=20049 (0: none).
nfs_server_up() {
	local size=512M threads=4 rdma=20049 block='' "$@"
	mkdir -p /exp
	mountpoint -q /exp || mount -t tmpfs -o "size=$size" exp /exp || return
	modprobe nfsd || return
	mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd || return
	# it cannot be changed while the server runs
	[ -z "$block" ] || [ "$(cat /proc/fs/nfsd/threads)" != 0 ] ||
		echo "$block" >/proc/fs/nfsd/max_block_size || return
	mkdir -p /var/lib/nfs/rpc_pipefs /run/rpcbind
	pgrep -x rpcbind >/dev/null || rpcbind -w
	# without this the first I/O of a v4 client waits for the end of grace, 90 s (10 is the least)
	echo 10 >/proc/fs/nfsd/nfsv4leasetime
	echo 10 >/proc/fs/nfsd/nfsv4gracetime
	exportfs -i -o rw,no_root_squash,insecure,fsid=0,no_subtree_check,async '*:/exp' || return
	pgrep -x rpc.mountd >/dev/null || rpc.mountd
	pgrep -x rpc.statd >/dev/null || rpc.statd 2>/dev/null
	rpc.nfsd "$threads" || return
	[ "$rdma" = 0 ] || echo "rdma $rdma" >/proc/fs/nfsd/portlist || {
		echo "no RDMA listener: is a transport loaded, a device there?" >&2
		return 1
	}
	echo Y >/proc/fs/nfsd/v4_end_grace 2>/dev/null
	# lockd has a grace of its own, 50 s, in which nfsd delegates nothing
	echo Y >/proc/fs/lockd/nlm_end_grace 2>/dev/null
	return 0
}

# nfs_server_down: stop the server and forget the export
nfs_server_down() {
	rpc.nfsd 0 2>/dev/null
	exportfs -ua 2>/dev/null
	# every module that nfsd pins comes free only without it
	local p
	for p in rpc.mountd rpc.statd; do
		pkill -x "$p"
	done
	if mountpoint -q /proc/fs/nfsd; then
		umount /proc/fs/nfsd
	fi
	! mountpoint -q /exp || umount /exp
}

# nfs_mount DIR [OPTIONS] [SERVER]: mount the export over RDMA; options come after the defaults
nfs_mount() {
	mkdir -p "$1"
	timeout 60 mount -t nfs -o "vers=4.2,proto=rdma,port=20049,${2:-hard}" "${3:-10.9.0.1}:/" "$1"
}

# nfs3_mount DIR [OPTIONS] [SERVER]: the same for NFSv3, which names the exported path
nfs3_mount() {
	mkdir -p "$1"
	timeout 60 mount -t nfs -o "vers=3,proto=rdma,port=20049,mountproto=tcp,nolock,${2:-hard}" \
		"${3:-10.9.0.1}:/exp" "$1"
}

# ---- iSCSI ---------------------------------------------------------------------------------

ISCSI_IQN=iqn.2026-01.lab.rsp:t0
ISCSI_LIO=/sys/kernel/config/target

# iscsi_target rsp|stock: which module carries iSER for LIO. Both take the same transport type.
iscsi_target() {
	case $1 in
	rsp)	[ ! -e /sys/module/ib_isert ] || rmmod ib_isert || return
		modprobe rsp_isert ;;
	stock)	[ ! -e /sys/module/rsp_isert ] || rmmod rsp_isert || return
		modprobe ib_isert ;;
	*)	echo "iscsi_target: rsp or stock?" >&2
		return 2 ;;
	esac
}

# iscsi_target_up [NAME=VALUE...]: LIO with RAM disks, open to everybody, on each address for
# TCP and iSER alike. addr="10.9.0.1 fd00::1", luns=1, mb=256 each, iser=1 (0: TCP only), null=0 (1:
# writes vanish, reads are zeroes), attrib="NAME=VALUE..." of the portal group, param="..." likewise.
iscsi_target_up() {
	local addr="10.9.0.1 [fd00::1]" luns=1 mb=256 iser=1 null=0 attrib='' param='' "$@"
	local tpg=$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1 i a core
	modprobe target_core_mod && modprobe iscsi_target_mod || return
	mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
	mkdir -p "$tpg" || return
	for ((i = 0; i < luns; i++)); do
		core=$ISCSI_LIO/core/rd_mcp_$i/rd$i
		mkdir -p "$core" || return
		echo "rd_pages=$((mb * 256)),rd_nullio=$null" >"$core/control" &&
			echo 1 >"$core/enable" || return
		mkdir -p "$tpg/lun/lun_$i" && ln -s "$core" "$tpg/lun/lun_$i/disk" || return
	done
	for a in authentication=0 generate_node_acls=1 demo_mode_write_protect=0 \
		 cache_dynamic_acls=1 $attrib; do
		echo "${a#*=}" >"$tpg/attrib/${a%%=*}" || return
	done
	for a in $param; do
		echo "${a#*=}" >"$tpg/param/${a%%=*}" || return
	done
	for a in $addr; do
		iscsi_portal "$a" "$iser" || return
	done
	echo 1 >"$tpg/enable"
}

# iscsi_portal ADDRESS [0|1]: the target is there, too, over TCP and unless 0 over iSER
iscsi_portal() {
	local np=$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1/np/$1:3260
	mkdir "$np" && { [ "${2:-1}" = 0 ] || echo 1 >"$np/iser"; }
}

# iscsi_target_down: forget it, and let its modules go
iscsi_target_down() {
	local target=$ISCSI_LIO/iscsi/$ISCSI_IQN tpg=$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1 d i
	if [ -e "$tpg" ]; then
		echo 0 >"$tpg/enable"
		for d in "$tpg"/np/*/; do
			[ ! -e "$d" ] || rmdir "$d" || return
		done
		for d in "$tpg"/lun/*/; do
			[ ! -e "$d" ] || { rm -f "$d/disk"; rmdir "$d"; } || return
		done
		rmdir "$tpg" && rmdir "$target" || return
	fi
	for d in "$ISCSI_LIO"/core/rd_mcp_*/rd*/; do
		[ ! -e "$d" ] || { rmdir "$d" && rmdir "${d%/rd*}"; } || return
	done
	[ ! -e "$ISCSI_LIO/iscsi" ] || rmdir "$ISCSI_LIO/iscsi" || return
	for ((i = 0; i < 50; i++)); do
		for d in ib_isert rsp_isert iscsi_target_mod; do
			[ ! -e "/sys/module/$d" ] || rmmod "$d" 2>/dev/null
		done
		[ -e /sys/module/iscsi_target_mod ] || return 0
		sleep .1
	done
	echo "iscsi_target_mod stays: $(refs iscsi_target_mod)" >&2
	return 1
}

# iscsi_block_up N DEVICE: a block backstore over the device as unit N of the target, until iscsi_block_down N
iscsi_block_up() {
	local core=$ISCSI_LIO/core/iblock_$1/block lun=$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1/lun/lun_$1
	mkdir -p "$core" && echo "udev_path=$2" >"$core/control" && echo "$2" >"$core/udev_path" &&
		echo 1 >"$core/enable" && mkdir "$lun" && ln -s "$core" "$lun/disk"
}
# the unit may have gone with the target
iscsi_block_down() {
	local core=$ISCSI_LIO/core/iblock_$1/block lun=$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1/lun/lun_$1
	[ ! -e "$lun" ] || { rm "$lun/disk" && rmdir "$lun"; } || return
	[ ! -e "$core" ] || { rmdir "$core" && rmdir "${core%/*}"; }
}

# iscsi_initiator_up rsp|stock: the module behind open-iscsi's "iser", and iscsid
iscsi_initiator_up() {
	case $1 in
	rsp)	[ ! -e /sys/module/ib_iser ] || rmmod ib_iser || return
		modprobe rsp_iser || return ;;
	stock)	[ ! -e /sys/module/rsp_iser ] || rmmod rsp_iser || return
		modprobe ib_iser || return ;;
	*)	echo "iscsi_initiator_up: rsp or stock?" >&2
		return 2 ;;
	esac
	modprobe iscsi_tcp && modprobe sd_mod || return
	mkdir -p /run/lock/iscsi /etc/iscsi /var/lib/iscsi
	echo "InitiatorName=iqn.2026-01.lab.rsp:$(hostname)" >/etc/iscsi/initiatorname.iscsi
	pgrep -x iscsid >/dev/null || iscsid || return
	local i
	for ((i = 0; i < 600; i++)); do
		iscsiadm -m iface >/dev/null 2>&1 && return
		sleep .1
	done
	echo "iscsid does not answer" >&2
	return 1
}

# iscsi_initiator_down: iscsid and the module go
iscsi_initiator_down() {
	local i m
	iscsiadm -k 0 2>/dev/null
	for ((i = 0; i < 50; i++)); do
		pgrep -x iscsid >/dev/null || break
		sleep .1
	done
	rm -rf /var/lib/iscsi/nodes /etc/iscsi/nodes
	for ((i = 0; i < 50; i++)); do
		for m in rsp_iser ib_iser; do
			[ ! -e "/sys/module/$m" ] || rmmod "$m" 2>/dev/null
		done
		[ -e /sys/module/rsp_iser ] || [ -e /sys/module/ib_iser ] || return 0
		sleep .1
	done
	echo "stays: rsp_iser $(refs rsp_iser), ib_iser $(refs ib_iser)" >&2
	return 1
}

# iscsi_login [ADDR] [IFACE] [NAME=VALUE...]: log in (IFACE iser, or default for TCP), with settings
# of the node record, and wait for the first disk
iscsi_login() {
	local addr=${1:-10.9.0.1} iface=${2:-iser} v i update=()
	shift $(($# > 2 ? 2 : $#))
	iscsiadm -m node -o new -T "$ISCSI_IQN" -p "$addr:3260,1" -I "$iface" >/dev/null || return
	for v in node.startup=manual "$@"; do
		update+=(-n "${v%%=*}" -v "${v#*=}")
	done
	iscsiadm -m node -T "$ISCSI_IQN" -p "$addr:3260" -I "$iface" -o update "${update[@]}" || return
	timeout 240 iscsiadm -m node -T "$ISCSI_IQN" -p "$addr:3260" -I "$iface" --login || return
	for ((i = 0; i < 100; i++)); do
		iscsi_disk >/dev/null && return
		sleep .1
	done
	echo "no disk after the login" >&2
	return 1
}

# iscsi_logout [ADDR] [IFACE]: log out and forget the node
iscsi_logout() {
	local addr=${1:-10.9.0.1} iface=${2:-iser}
	timeout 90 iscsiadm -m node -T "$ISCSI_IQN" -p "$addr:3260" -I "$iface" --logout || return
	iscsiadm -m node -T "$ISCSI_IQN" -p "$addr:3260" -I "$iface" -o delete
}

# iscsi_ifaces N: so many interfaces over iSER, each an initiator of its own, and a node record for each
iscsi_ifaces() {
	local i
	mkdir -p /var/lib/iscsi/ifaces
	for ((i = 1; i <= $1; i++)); do
		printf 'iface.%s\n' "iscsi_ifacename = i$i" "transport_name = iser" \
			"initiatorname = iqn.2026-01.lab.rsp:i$i" >/var/lib/iscsi/ifaces/i$i
		iscsiadm -m node -o new -T "$ISCSI_IQN" -p 10.9.0.1:3260,1 -I i$i >/dev/null || return
	done
}

# iscsi_disks [LUN]: the device files of a LUN, of every session
# shellcheck disable=SC2120 # tests with several units give a number
iscsi_disks() {
	local d
	for d in /sys/class/iscsi_session/session*/device/target*/*:"${1:-0}"/block/sd*; do
		[ ! -e "$d" ] || [ ! -b "/dev/${d##*/}" ] || echo "/dev/${d##*/}"
	done
}

# iscsi_disk [LUN]: that of the first session
# shellcheck disable=SC2120
iscsi_disk() {
	iscsi_disks "$@" | head -n 1 | grep .
}

# iscsi_disks_bare: no scheduler on any of them, and no merged writes: those are registered, and an
# RNR NAK in front of a registration ends a connection on rxe
iscsi_disks_bare() {
	local d
	for d in $(iscsi_disks); do
		echo none >"/sys/block/${d#/dev/}/queue/scheduler"
		echo 2 >"/sys/block/${d#/dev/}/queue/nomerges"
	done
}

# ---- block devices ------------------------------------------------------------------------

# dm ARGUMENT...: dmsetup, where no udev runs; dm_dev NAME: the file of a device
dm() {
	dmsetup --noudevsync --noudevrules "$@"
}
dm_dev() {
	echo "/dev/dm-$(dmsetup info -c --noheadings -o minor "$1")"
}
# dm_figure NAME FIGURE: of the status of a block cache
dm_figure() {
	dmsetup status "$1" | awk -v f="$2" '{ for (i = 4; i < NF; i += 2) if ($i == f) print $(i + 1) }'
}

# null_dev_up NAME MIB [SETTING=VALUE...]: null_blk with memory; null_dev NAME: its file; null_dev_down NAME
null_dev_up() {
	local n=/sys/kernel/config/nullb/$1 v
	modprobe null_blk nr_devices=0 || return
	mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
	mkdir "$n" || return
	for v in "size=$2" blocksize=512 memory_backed=1 discard=1 irqmode=0 "${@:3}" power=1; do
		echo "${v#*=}" >"$n/${v%=*}" || return
	done
}
null_dev() {
	local dev
	dev=/dev/nullb$(cat "/sys/kernel/config/nullb/$1/index")
	[ -b "$dev" ] || dev=/dev/$1
	echo "$dev"
}
null_dev_down() {
	rmdir "/sys/kernel/config/nullb/$1"
}

# ---- fio ----------------------------------------------------------------------------------

# fio_json OUT ARGUMENT...: run fio, leave clean JSON in OUT; fails as fio does or on an I/O error
fio_json() {
	local out=$1 rc=0
	shift
	fio --name=job --ioengine=libaio --direct=1 --randseed=23 --allrandrepeat=1 \
		--output-format=json "$@" >"$out.raw" 2>"$out.err" || rc=$?
	sed -n '/^{/,$p' "$out.raw" >"$out"
	if [ $rc = 0 ] && jq -e '[.jobs[].error] | add == 0' "$out" >/dev/null 2>&1; then
		rm -f "$out.raw" "$out.err"
		return 0
	fi
	echo "fio failed ($rc):" >&2
	grep -v '^{' "$out.err" "$out.raw" | head -n 10 >&2
	return 1
}

# fio_verify DIR [SIZE] [ARGUMENT...]: write and read back with checksums, 4 KiB to 1 MiB blocks
fio_verify() {
	local dir=$1 size=${2:-16m}
	shift $(($# > 1 ? 2 : 1))
	fio_json /tmp/fio_verify.json --directory="$dir" --rw=randrw --bsrange=4k-1m --size="$size" \
		--iodepth=8 --verify=crc32c --verify_fatal=1 --do_verify=1 "$@"
}

# fio_value FILE PATH: one figure, as in fio_value out.json read.iops; all jobs added up
fio_value() {
	jq -r "[.jobs[].$2] | add" "$1"
}

# fio_line FILE: the usual figures in a line
fio_line() {
	jq -r '.jobs | {r: (map(.read) | {iops: (map(.iops) | add), bw: (map(.bw_bytes) | add)}),
			w: (map(.write) | {iops: (map(.iops) | add), bw: (map(.bw_bytes) | add)}),
			lat: ([.[] | .read.clat_ns.mean, .write.clat_ns.mean] | max),
			p99: ([.[] | .read, .write | .clat_ns.percentile["99.000000"] // 0] | max)} |
		"iops=\(.r.iops + .w.iops | floor) mib_s=\((.r.bw + .w.bw) / 104857.6 | floor / 10) " +
		"lat_us=\(.lat / 1000 | floor) p99_us=\(.p99 / 1000 | floor)"' "$1"
}
