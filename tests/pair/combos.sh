#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The RSP server works with the stock client and with the RSP client, NFSv4.2 and NFSv3, with data
# compared byte by byte. (The RSP client with the stock server: tests/nfs/client_stock_server.sh.)
#
#	cli 10.9.0.2: rpcrdma, then rsp_nfs ===== 10.9.0.1 srv: rsp_nfs, nfsd
#
# topology: pair
# timeout: 600
. "$(dirname "$0")/lib.sh"
need root module:rsp_nfs module:rpcrdma tool:fio
plan 19

mounted() {
	local path=/ more=
	[ "$1" != 3 ] || path=/exp more=,nolock,mountproto=tcp
	in_guest cli "mkdir -p $M && timeout 60 mount -t nfs -o vers=$1,proto=rdma,port=20049$more,hard 10.9.0.1:$path $M"
}
unmounted() {
	in_guest cli "! mountpoint -q $M || umount $M"
}
files() {
	in_guest cli "/src/tests/nfs/files $1 $M ${2:-0}"
}
client_is() {
	in_guest cli "nfs_transport $1"
}
client_gone() {
	in_guest cli "for i in {1..50}; do rmmod $1 && break; sleep .2; done; [ ! -e /sys/module/$1 ]"
}

# the server has one peer: a stock one, or one with RSP and the UUID of the other guest
known() {
	local uuid=-
	[ "$1" = stock ] || uuid=$(in_guest cli "cat /sys/module/rsp/parameters/uuid") || return
	in_guest srv "rspctl peer; rspctl -j peer | jq -e 'length == 1 and .[0].uuid == \"$uuid\"'"
}

run "RSP server is up" server_up rsp
for t in stock rsp; do
	run "$t client: transport loads" client_is $t
	defer unmounted
	for v in 4.2 3; do
		run "$t client, v$v: mount" mounted $v
		[ $v = 3 ] || run "$t client: the server knows who it is" known $t
		run "$t client, v$v: files of many sizes" files sizes 457
		if [ $v = 3 ]; then
			run "$t client, v3: a directory of 301 long names" files names 301
		else
			run "$t client, v$v: fio with checksums" in_guest cli "fio_verify $M 4m"
		fi
		unmounted
	done
	if [ $t = stock ]; then
		run "stock client: its module comes out" client_gone rpcrdma
	else
		run "rsp client: nconnect, IPv6" in_guest cli "mount -t nfs -o vers=4.2,proto=rdma6,port=20049,nconnect=4 '[fd00::1]:/' $M &&
			fio_verify $M 2m && umount $M"
	fi
done
finish
