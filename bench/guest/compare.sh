#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run in a lab guest by bench/compare: the contenders take turns, in one boot.
#
# usage: guest/compare.sh SERVICE "CONTENDER..." REPEATS "JOB:QD:IOS..."
# login:N:1 is a cell too, where the service has NAME_logins. SERVICE both: each cell on NFS and on iSER alone,
# then on both at once, for $RUNTIME seconds each. With TOPOLOGY=pair another guest serves, see guest/serve.sh.
set -u
. "$(dirname "$0")/lib.sh"
bench_service "$1"
read -ra contenders <<<"$2"
repeats=$3
read -ra cells <<<"$4"
[ "$1" != both ] || export RUNTIME=${RUNTIME:-4}

# alone_and_together JOB QD IOS CONTENDER ROUND: what each gets, and what is left of that beside the other
alone_and_together() {
	local s pids=() name
	name=$(cell_name "$1" "$2")
	for s in nfs iser; do
		FILE=${FILES[$s]} LOAD=$s fio_cell "$1" "$2" "$3" >/tmp/$s.alone
		record "$name, $("${s}_title") alone" "$4" "$5" "$(</tmp/$s.alone)"
	done
	for s in nfs iser; do
		FILE=${FILES[$s]} LOAD=$s fio_cell "$1" "$2" "$3" >/tmp/$s.together &
		pids+=($!)
	done
	wait "${pids[@]}"
	for s in nfs iser; do	# the processors worked for both
		jq -c 'del(.cpu_us_per_io, .cpu_percent)' /tmp/$s.together >/tmp/$s.own
		record "$name, $("${s}_title") beside the other" "$4" "$5" "$(</tmp/$s.own)"
	done
	record "$name, shares" "$4" "$5" "$(jq -sc '
		[.[0].bytes_per_s, .[1].bytes_per_s, .[2].bytes_per_s, .[3].bytes_per_s] as [$nfs, $iser, $nfs2, $iser2] |
		[.[].errors] as $errors | if ($errors | add) > 0 then {errors: 1} else
		[$nfs2 / $nfs, $iser2 / $iser] as [$a, $b] | {
			nfs_share: $a, iser_share: $b, jain: (($a + $b) * ($a + $b) / (2 * ($a * $a + $b * $b)))} end' \
		/tmp/nfs.alone /tmp/iser.alone /tmp/nfs.together /tmp/iser.together)"
}

one_cell() {	# one_cell JOB QD IOS CONTENDER ROUND
	case $SERVICES:$1 in
	"nfs iser:"*) alone_and_together "$@" ;;
	*:login)	# not in a subshell: there is another FILE then
		"${SERVICE}_logins" "$2" >/tmp/figures
		record "login qd$2" "$4" "$5" "$(</tmp/figures)" ;;
	*)	record "$(cell_name "$1" "$2")" "$4" "$5" "$(fio_cell "$1" "$2" "$3")" ;;
	esac
}

: >"$OUT"
[ "${TOPOLOGY:-loop}" = pair ] || rxe_dummy 9000 || bench_die "no RDMA device"
record_run "$(job_texts "${cells[@]%%:*}" | jq -c '{jobs: .}')"
[ "${TOPOLOGY:-loop}" = pair ] || service_do begin

step=0 steps=$((repeats * ${#contenders[@]} * ${#cells[@]}))
progress "rounds begin (0/$steps)"
for ((r = 1; r <= repeats; r++)); do
	# every second round backwards: neither drift nor neighbours favour anyone
	order=("${contenders[@]}")
	if ((r % 2 == 0)); then
		order=()
		for c in "${contenders[@]}"; do
			order=("$c" "${order[@]}")
		done
	fi
	for c in "${order[@]}"; do
		contender_to "$c"
		# not counted: caches, connections, credits find their level
		for s in $SERVICES; do
			FILE=${FILES[$s]} RUNTIME='' fio_cell randread-4k 8 200 >/dev/null
		done
		for cell in "${cells[@]}"; do
			IFS=: read -r job qd ios <<<"$cell"
			one_cell "$job" "$qd" "$ios" "$c" "$r"
			step=$((step + 1))
		done
		progress "round $r of $repeats: $c done ($step/$steps)"
	done
done
contender_off
[ "${TOPOLOGY:-loop}" = loop ] || peer_to end
service_do end
kernel_is_content
