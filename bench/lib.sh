# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the benchmarks share on the host, on top of lab/common.sh.
BENCH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
. "$BENCH/../lab/common.sh"

# bench_boot SECONDS [LAB-OPTION...]: build, boot guests for at most so long; RUN is their directory, and they
# end with us
bench_boot() {
	need_root
	export LIFE=$1
	lab_options "${@:2}"
	[ -n "${NOBUILD:-}" ] || "$LAB/build" all
	export RSP_OWNER=$$
	RUN=$(run_new)
	trap 'run_stop "$RUN"' EXIT
	trap 'exit 130' INT TERM HUP
	run_start "$RUN"
	run_wait "$RUN" || exit 1
}

# in_guest NODE COMMAND...: a guest that counts instructions skips what it idles, even a wait for this machine's
# disk: its own clock runs ahead, so the limit is kept here
in_guest() {
	local rc=0
	timeout "${TIMEOUT:-$LIFE}" "$LAB/gx" -r "$RUN" "$1" 9999999 "${@:2}" || rc=$?
	[ $rc != 124 ] || say "no end after ${TIMEOUT:-$LIFE} s (TIMEOUT=SECONDS for more); figures so far: $RUN/share/out/$1/figures.jsonl"
	return $rc
}

# time_left: pass lines on with our time (a guest that counts instructions has another). To those that end in
# (STEP/STEPS) it adds how long the rest will take at the pace since step 0
time_left() {
	local line t0=$SECONDS left
	while IFS= read -r line; do
		[[ $line =~ ^\[\ *[0-9]+s\]\ (.*) ]] || { echo "$line"; continue; }
		line=${BASH_REMATCH[1]}
		if [[ $line =~ ^(.*)\ \(([0-9]+)/([0-9]+)\)$ ]]; then
			[ "${BASH_REMATCH[2]}" != 0 ] || { t0=$SECONDS; say "${BASH_REMATCH[1]}"; continue; }
			left=$(((SECONDS - t0) * (BASH_REMATCH[3] - BASH_REMATCH[2]) / BASH_REMATCH[2]))
			line=${BASH_REMATCH[1]}
			[ "${BASH_REMATCH[2]}" = "${BASH_REMATCH[3]}" ] ||
				line+=$(printf ', %d%%, about %d:%02d min left' $((100 * BASH_REMATCH[2] / BASH_REMATCH[3])) \
					$((left / 60)) $((left % 60)))
		fi
		say "$line"
	done
}
