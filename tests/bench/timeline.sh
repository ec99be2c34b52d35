#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A policy is swapped in and out under a load: the samples show its window between the two moments, and the report
# has both moments and the load.
# timeout: 180
. "$(dirname "$0")/lib.sh"
need root module:rsp_nfs module:rdma_rxe tool:fio tool:jq tool:gnuplot file:/src/build/policies/flow_fixed.bpf.o
plan 4

defer rxe_down
defer nfs_server_down
export OUT=$T/figures.jsonl
timeline() {
	"$BENCH/guest/timeline.sh" nfs randread-4k:8 11 "flow_fixed@2 builtin@6" >"$T/out" 2>&1 || {
		cat "$T/out"
		return 1
	}
	cat "$T/out"
	jq -c 'select(.swap or .run)' "$OUT"
	jq -es '[.[] | select(.swap) | .swap] == ["flow_fixed", "builtin"] and ([.[] | select(.swap) | .t_ms] |
		.[0] >= 2000 and .[1] >= 6000)' "$OUT"
}
run "two swaps, in their order and not before their time" timeline
window() {	# of the mount's channel: flow_fixed's while it is in force, with a sample's time to each side
	jq -cs '[.[] | select(."nfs-client") | [.t_ms, ."nfs-client".window]]' "$OUT"
	jq -es '[.[] | select(.swap) | .t_ms] as [$in, $out] | [.[] | select(."nfs-client")] |
		map({t: .t_ms, w: ."nfs-client".window, n: ."nfs-client".in_flight, held: ."nfs-client".held}) |
		[.[] | select(.t < $in - 300)] as $before | [.[] | select(.t > $in + 300 and .t < $out - 300)] as $while |
		[.[] | select(.t > $out + 300)] as $after |
		([$before, $while, $after] | all(length > 2)) and ($before | all(.w == $before[0].w)) and
		($while | all(.w == 32)) and $before[0].w > 32 and ($after[-1].w == $before[0].w) and (map(.n) | max) > 0' "$OUT"
}
run "the window is the policy's between these moments, and the old one again" window
load() {
	jq -cs '[.[] | select(.load) | [.t_ms, .iops, .bytes_per_s]]' "$OUT"
	jq -es '[.[] | select(.load == "nfs")] | (map(.iops | values)) as $ios | (map(.bytes_per_s | values)) as $bytes |
		($ios | length) > 8 and ($ios | length) == ($bytes | length) and ($ios | max) > 0 and
		(($bytes | add) / ($ios | add) / 4096 - 1 | fabs) < 0.1' "$OUT"
}
run "the load is sampled, IOPS and bytes agree" load
report() {
	"$BENCH/report" "$T/html" "$OUT" && xmlish "$T/html"
}
xmlish() {
	python3 - "$1" <<-'P'
		import sys, xml.etree.ElementTree as ET
		page = ET.parse(sys.argv[1])
		svg = "{http://www.w3.org/2000/svg}"
		plots = list(page.iter(svg + "svg"))
		texts = ["".join(t.itertext()) for t in plots[0].iter(svg + "text")]
		print(len(plots), texts)
		assert len(plots) == 4 and "flow_fixed" in texts and "builtin" in texts
		rows = [r[0].text for r in page.iter("{http://www.w3.org/1999/xhtml}tr") if r[0].text]
		print(rows)
		assert rows == ["builtin", "flow_fixed", "builtin"]
	P
}
run "the report has four plots with both moments, and a row for each phase" report
finish
