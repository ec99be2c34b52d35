#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What bench/table says of known figures: a difference is one only where it is outside the noise.
# timeout: 60
. "$(dirname "$0")/lib.sh"
need tool:python3 tool:jq
plan 11

# figures CONTENDER VALUE...: one a round
figures() {
	local r=0 v
	for v in "${@:2}"; do
		r=$((r + 1))
		echo "{\"cell\": \"c\", \"contender\": \"$1\", \"repeat\": $r, \"iops\": $v, \"resolution\": {\"iops\": ${STEP:-0}}}"
	done
}
# table [ARGUMENT...]: of what stands in $T/f
table() {
	"$BENCH/table" --base base --metric iops=IOPS --json "$T/json" "$@" "$T/f" >"$T/table" || return
	cat "$T/table"
}
# says FILTER: of the summary of "new"
says() {
	jq -c .cells.c.new "$T/json"
	jq -e ".cells.c.new.iops | $1" "$T/json"
}

quantiles() {	# against printed tables
	(cd "$BENCH" && python3 -B - <<-'P'
		from figures import student
		for confidence, df, want in ((95, 1, 12.706), (95, 2, 4.303), (95, 4, 2.776), (95, 9, 2.262),
					     (95, 30, 2.042), (99, 2, 9.925), (90, 3, 2.353), (95, 1000, 1.962)):
		    got = student(confidence, df)
		    print(confidence, df, got)
		    assert abs(got - want) < .001
	P
	)
}
run "Student's quantiles are those of the tables" quantiles

difference() {	# logs of 1.10, 1.11, 1.12: mean .104345, t * s / sqrt(3) = 4.3027 * .0090097 / 1.73205 = .02238
	{ figures base 100 200 300 && figures new 110 222 336; } >"$T/f"
	table && says '.verdict == "higher" and .paired == 3 and .median == 222 and .min == 110 and .max == 336 and
		(.ratio - 1.10997 | fabs) < .0001 and (.low - 1.08540 | fabs) < .0002 and (.high - 1.13509 | fabs) < .0002' &&
		grep -qF '222 (110..336) x1.11 [1.09..1.14]' "$T/table"
}
run "rounds that differ more than contenders: paired, still a difference" difference
lower() {
	{ figures base 100 200 300 && figures new 50 99 152; } >"$T/f"
	table && says '.verdict == "lower" and .high < 1'
}
run "a lower figure is lower" lower
noise() {
	{ figures base 100 100 100 && figures new 130 90 112; } >"$T/f"
	table && says '.verdict == "same" and .low < 1 and .high > 1' && grep -q '112 (90..130) ~ \[' "$T/table" &&
		! grep -q 'x1' "$T/table" && grep -q 'no difference to base shown' "$T/table"
}
run "a median 12 % higher inside the noise: no ratio, ~" noise
equal() {
	{ figures base 100 100 100 && figures new 100 100 100; } >"$T/f"
	table && says '.verdict == "same" and .ratio == 1'
}
run "the same figures are no difference" equal
steps() {	# 0.5 % apart without any spread
	{ STEP=0.01 figures base 200 200 200 && STEP=0.01 figures new 201 201 201; } >"$T/f"
	table && says '.verdict == "same"' || return
	{ figures base 200 200 200 && figures new 201 201 201; } >"$T/f"
	table && says '.verdict == "higher"'
}
run "one step of the measure is no difference" steps
one() {
	{ figures base 100 && figures new 200; } >"$T/f"
	table && says '.verdict == "one_round" and (has("low") | not)' && grep -qF '200 x2.00?' "$T/table" &&
		grep -q 'one round says nothing about noise' "$T/table"
}
run "one round says nothing, and says so" one
two() {	# 12.7 standard errors
	{ figures base 100 100 && figures new 120 140; } >"$T/f"
	table && says '.verdict == "same"'
}
run "two rounds that do not agree well say little" two
ragged() {	# the third round of one is missing
	{ figures base 100 200 && figures new 150 300 1; } >"$T/f"
	table && says '.paired == 2 and .n == 3 and (.ratio - 1.5 | fabs) < 1e-9'
}
run "only rounds that both have are compared" ragged
level() {	# known from the first case: 99 % is 2.3 times as wide
	{ figures base 100 200 300 && figures new 110 222 336; } >"$T/f"
	table --confidence 99 && says '.confidence == 99 and (.low - 1.0541 | fabs) < .0005' && ! table --confidence 5
}
run "the confidence can be chosen" level
nothing() {	# zero has no ratio
	{ figures base 0 0 0 && figures new 1 0 0; } >"$T/f"
	table && says 'has("ratio") | not'
}
run "no ratio to nothing" nothing
finish
