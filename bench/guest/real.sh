#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run by bench/compare on a real machine: what is mounted or attached already, with what carries it.
#
# usage: guest/real.sh "FILE..." "CONTENDER..." REPEATS "JOB:QD:IOS..."
# FILE is DIR/rsp.fio or a device. CONTENDER is rsp or rsp+POLICY..., policies that are put in force in turns;
# "as-is" leaves what there is. FIO_READONLY: fio refuses what would write.
set -u
. "$(dirname "$0")/lib.sh"
read -ra files <<<"$1"
read -ra contenders <<<"$2"
repeats=$3
read -ra cells <<<"$4"
export PATH=$BENCH/../build:$PATH
loaded=()

# to CONTENDER: its policies and no other of ours
to() {
	local p
	for p in "${loaded[@]}"; do
		case $p in
		observe) rspctl observe off ;;
		*) rspctl policy unload "$p" ;;
		esac >/dev/null || bench_die "cannot switch $p off"
	done
	loaded=()
	for p in $(policies_of "$1"); do
		case $p in
		observe) rspctl observe on ;;
		*) rspctl policy load "$POLICIES/$p.bpf.o" ;;
		esac >&2 || bench_die "cannot switch $p on"
		loaded+=("$p")
	done
}
FIO_TMP=$(mktemp -d) && export FIO_TMP || exit
trap 'rm -rf "$FIO_TMP"; to as-is' EXIT
trap 'exit 130' INT TERM HUP

record_run "$(job_texts "${cells[@]%%:*}" | jq -c --arg on "$1" '{jobs: ., files: $on}')"
step=0 steps=$((repeats * ${#contenders[@]} * ${#files[@]}))
progress "rounds begin (0/$steps)"
for ((r = 1; r <= repeats; r++)); do
	order=$(printf '%s\n' "${contenders[@]}")
	((r % 2)) || order=$(tac <<<"$order")
	for c in $order; do
		to "$c"
		for FILE in "${files[@]}"; do
			where=${FILE%/rsp.fio}
			# only what differs is a name
			name=$c
			[ "$c" != as-is ] || name=$where
			[ "$c" = as-is ] || [ ${#files[@]} = 1 ] || name="$where $c"
			fio_cell randread-4k 8 200 >/dev/null
			for cell in "${cells[@]}"; do
				IFS=: read -r job qd ios <<<"$cell"
				record "$(cell_name "$job" "$qd")" "$name" "$r" "$(fio_cell "$job" "$qd" "$ios")"
			done
			step=$((step + 1))
			progress "round $r of $repeats: $name done ($step/$steps)"
		done
	done
done
