#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run in a lab guest by bench/compare: the contenders take turns, in one boot.
#
# usage: guest/compare.sh SERVICE "CONTENDER..." REPEATS "JOB:QD:IOS..."
# login:N:1 is a cell too, where the service has NAME_logins.
set -u
. "$(dirname "$0")/lib.sh"
bench_service "$1"
read -ra contenders <<<"$2"
repeats=$3
read -ra cells <<<"$4"

: >"$OUT"
rxe_dummy 9000 || bench_die "no RDMA device"
"${SERVICE}_begin"

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
		fio_cell randread-4k 8 200 >/dev/null
		for cell in "${cells[@]}"; do
			IFS=: read -r job qd ios <<<"$cell"
			case $job in
			login)	# not in a subshell: there is another FILE then
				"${SERVICE}_logins" "$qd" >/tmp/figures
				figures=$(</tmp/figures) ;;
			*)	figures=$(fio_cell "$job" "$qd" "$ios") ;;
			esac
			record "$job qd$qd" "$c" "$r" "$figures"
		done
		progress "round $r of $repeats: $c done"
	done
done
contender_off
"${SERVICE}_end"
kernel_is_content
