#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Data arrives as it was written with each way of sending it that login can negotiate.
#
#	open-iscsi --- rxe0 10.9.0.1, loopback --- LIO
#
# topology: loop
# timeout: 150
. "$(dirname "$0")/lib.sh"
need root "module:$INITIATOR_MODULE" "module:$TARGET_MODULE" tool:fio tool:iscsiadm
plan 6

offer() {	# offer NAME=VALUE...: what the target agrees to
	local a
	for a; do
		echo "${a#*=}" >"$ISCSI_LIO/iscsi/$ISCSI_IQN/tpgt_1/param/${a%%=*}" || return
	done
}

data_outs() {
	iscsiadm -m session -s | awk '$1 == "dataout_pdus:" { n += $2 } END { print n + 0 }'
}

with() {	# with INITIALR2T IMMEDIATEDATA: a session with these, its data, its end
	offer "InitialR2T=$1" "ImmediateData=$2" || return
	iscsi_login 10.9.0.1 iser "node.session.iscsi.InitialR2T=$1" \
		"node.session.iscsi.ImmediateData=$2" || return
	disk_verify --bs=4k --size=1m && disk_verify --bsrange=512-128k --bs=512 --size=2m || return
	outs=$(data_outs)
	iscsi_logout
}

outs=
run "target and initiator are up" iscsi_up addr=10.9.0.1
run "immediate data, no Data-Outs" with Yes Yes
run "immediate data and Data-Outs" with No Yes
run "neither" with Yes No
run "Data-Outs alone" with No No
# what the stock module sends is its affair
run "they were sent" test "$INITIATOR:${outs:-0}" != rsp:0
finish
