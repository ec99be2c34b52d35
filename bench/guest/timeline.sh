#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run in a lab guest by bench/compare --swap: fio goes on while policies are swapped, and what RSP holds and
# may have in flight is sampled.
#
# usage: guest/timeline.sh SERVICE JOB:QD SECONDS "POLICY@SECOND..."
# POLICY builtin: none of those before is in force any more.
set -u
. "$(dirname "$0")/lib.sh"
bench_service "$1"
IFS=: read -r job qd <<<"$2"
seconds=$3
read -ra swaps <<<"$4"
export PATH=$BENCH/../build:$PATH
declare -A in_force

# swap_to POLICY: the new one is in force before the old one of its family goes
swap_to() {
	local f
	if [ "$1" != builtin ]; then
		rspctl policy swap "$POLICIES/$1.bpf.o" >/tmp/swap 2>&1 || bench_die "$(cat /tmp/swap)"
		in_force[$(policy_family "$1")]=$1
	else
		for f in "${!in_force[@]}"; do
			rspctl policy unload "${in_force[$f]}" >/tmp/swap 2>&1 || bench_die "$(cat /tmp/swap)"
		done
		in_force=()
	fi
}

: >"$OUT"
[ "${TOPOLOGY:-loop}" = pair ] || rxe_dummy 9000 || bench_die "no RDMA device"
record_run "$(job_texts "$job" | jq -c --arg swaps "$4" --arg cell "$(cell_name "$job" "$qd")" \
	'{jobs: ., timeline: "\($cell), swaps \($swaps)"}')"
[ "${TOPOLOGY:-loop}" = pair ] || service_do begin
contender_to rsp
for s in $SERVICES; do
	FILE=${FILES[$s]} fio_cell randread-4k 8 200 >/dev/null
done

begun=$(date +%s%3N) pids=()
"$BENCH/../build/bench/held" 250 >/tmp/held.jsonl &
sampler=$!
for s in $SERVICES; do
	FILE=${FILES[$s]} LOAD=$s RUNTIME=$seconds fio_cell "$job" "$qd" 0 "write_bw_log=/tmp/log.$s" \
		"write_iops_log=/tmp/log.$s" log_avg_msec=500 log_unix_epoch=1 per_job_logs=0 >/tmp/$s.figures &
	pids+=($!)
done
for swap in "${swaps[@]}"; do
	wait_ms=$((begun + ${swap#*@} * 1000 - $(date +%s%3N)))
	[ $wait_ms -le 0 ] || sleep "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))"
	swap_to "${swap%@*}"
	progress "${swap%@*} was swapped in, $((($(date +%s%3N) - begun) / 1000)) s after the start"
done
wait "${pids[@]}"
kill $sampler
wait $sampler 2>/dev/null
[ -s /tmp/held.jsonl ] || bench_die "no samples"

jq -c --argjson t0 "$begun" '{t_ms: (.unix_ms - $t0)} + del(.unix_ms, .active)' /tmp/held.jsonl >>"$OUT"
# to load a policy takes a while, to swap it in does not: the moments are the kernel's
jq -nc --argjson t0 "$begun" 'foreach inputs as $s ({}; {was: .now, now: $s.active};
	select(.was) | .was as $was | .now | to_entries[] | select(.value.name != $was[.key].name) |
	{t_ms: ($s.unix_ms - .value.age_ms - $t0), swap: .value.name, family: .key})' /tmp/held.jsonl >>"$OUT"
for s in $SERVICES; do
	[ "$(jq .errors /tmp/$s.figures)" = 0 ] || bench_die "$s: fio failed, see above"
	# both directions at a moment; the two logs have moments of their own
	for f in bw:bytes_per_s:1024 iops:iops:1; do
		IFS=: read -r log name unit <<<"$f"
		awk -F', *' -v load="$s" -v t0="$begun" -v name="$name" -v unit="$unit" '!($1 in v) { t[++n] = $1 } { v[$1] += $2 * unit }
			END { for (i = 1; i <= n; i++) printf "{\"t_ms\": %d, \"load\": \"%s\", \"%s\": %d}\n", t[i] - t0, load, name, v[t[i]] }' \
			"/tmp/log.${s}_$log.log" >>"$OUT"
	done
done
swap_to builtin
contender_off
[ "${TOPOLOGY:-loop}" = loop ] || peer_to end
service_do end
kernel_is_content
