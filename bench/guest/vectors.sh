#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run in a lab guest by bench/vectors: where one endpoint policy after the other puts iSER sessions, in counts.
#
# usage: guest/vectors.sh "POLICY..." REPEATS FEW MANY
#
#	open-iscsi, sessions (iser) --- rxe0, loopback, a completion vector a processor --- LIO (iser-target)
#
# Both ends of a session are endpoints of rxe0. Receive queues stay with the device, so each policy has a new one.
set -u
. "$(dirname "$0")/lib.sh"
read -ra policies <<<"$1"
repeats=$2 few=$3 many=$4
export PATH=$BENCH/../build:$PATH

begin() {
	modprobe rsp || return
	[ "$1" = builtin ] || policy_on ep "$1" || return
	rxe_dummy 9000 && iscsi_target rsp && iscsi_target_up addr=10.9.0.1 mb=64 && iscsi_initiator_up rsp &&
		iscsi_ifaces $((many + 2)) && iscsiadm -m node -o update -n 'node.conn[0].timeo.noop_out_interval' -v 0
}

end() {
	all_go && policy_off ep && services_off
}

# come N, go N: a session
come() {
	timeout 60 iscsiadm -m node -I "i$1" --login
}
go() {
	timeout 60 iscsiadm -m node -I "i$1" --logout
}
all_go() {
	timeout 200 iscsiadm -m session -u && wait_until 60 sessions_are 0
}

# sessions_are N: with both ends. What receive queues are like then is in rq
sessions_are() {
	rq=$(rspctl -j rq)
	[ "$(jq 'map(.nr_ep) | add // 0' <<<"$rq")" = $((2 * $1)) ]
}

# on_vectors FIELD: [its sum for each vector] of the receive queues in rq
on_vectors() {
	jq -c --argjson n "$(nproc)" "[range(\$n) as \$v | map(select(.vector == \$v).$1) | add // 0]" <<<"$rq"
}

# cell NAME SESSIONS [JSON]: add a figure of what there is now. Fullest: how much more than the mean of all vectors
cell() {
	wait_until 60 sessions_are "$2" || return
	record "$1" "$p" "$r" "$(rspctl -j svc | jq -c --argjson rq "$rq" --argjson ep "$(on_vectors nr_ep)" --argjson more "${3:-{\}}" '
		{rqs: ($rq | length), posted: ($rq | map(.posted) | add), pool_bytes: (map(.held_bytes) | add),
		recv_bytes: (map(select(.name == "recv").held_bytes) | add),
		ep_fullest: (($ep | max) * ($ep | length) / ($ep | add)), ep: $ep} + $more')"
}

one() {
	local i before other
	begin "$p" || return
	for ((i = 1; i <= many; i++)); do
		come $i || return
		[ $i != "$few" ] || cell "$few sessions" "$few" || return
	done
	wait_until 60 disks_are "$many" && cell "$many sessions, idle" "$many" || return
	iscsi_disks_bare
	before=$(on_vectors nr_recv)
	fio_json /tmp/load.json --filename="$(iscsi_disks | paste -sd:)" --file_service_type=roundrobin --size=64m --rw=randread \
		--bs=4k --iodepth="$many" --number_ios=$((many * 100)) && sessions_are "$many" || return
	cell "$many sessions, reads" "$many" "$(jq -nc --argjson a "$before" --argjson b "$(on_vectors nr_recv)" '
		[$a, $b] | transpose | map(.[1] - .[0]) | {recv_fullest: (max * length / add), recv: .}')" || return
	all_go || return
	# between any two that stay one more comes, which goes while the next one comes
	for ((i = 1; i <= many; i++)); do
		other=$((many + 1 + i % 2))
		come $i && come $other || return
		go $other &
	done
	wait
	cell "$many sessions, others come and go" "$many" && end
}

: >"$OUT"
steps=$((repeats * ${#policies[@]})) step=0
progress "$repeats rounds (0/$steps)"
for ((r = 1; r <= repeats; r++)); do
	for p in "${policies[@]}"; do
		one >/tmp/one 2>&1 || { cat /tmp/one >&2; bench_die "$p failed"; }
		progress "round $r of $repeats: $p ($((++step))/$steps)"
	done
done
kernel_is_content
