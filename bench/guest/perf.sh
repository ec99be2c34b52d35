#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rsp_perf beside perftest on one device, in turns. Run in a lab guest by bench/perf.
#
# usage: guest/perf.sh REPEATS [RSP_PERF_ALONE]
#
# perftest runs in user space, polls, and its two ends are two processes; rsp_perf runs in the
# kernel and takes interrupts. The same transfers by the same device, seen from two places.
set -u
. "$(dirname "$0")/lib.sh"
repeats=$1 alone=${2:-}
P=/sys/kernel/debug/rsp_perf SERVER=10.9.0.1

# perf CELL WORD...: one run of rsp_perf
perf() {
	local cell=$1
	shift
	echo "$*" >$P/run || bench_die "$(cat $P/result)"
	record "$cell" rsp_perf "$r" "$(jq -c 'if .op == "send_lat" then
		{half_rtt_ns_p50: (.lat_ns_p50 / 2), half_rtt_ns_p99: (.lat_ns_p99 / 2), msgs_per_s}
		elif .op == "open" then {open_ns_p50: .lat_ns_p50, open_ns_p99: .lat_ns_p99, chans_per_s}
		else {bytes_per_s, msgs_per_s, lat_ns_p50, lat_ns_p99} end + {dev, errors}' $P/result)"
}

# fetch CONTENDER WORD...: 4 KiB of the server's memory, from asking to having them
fetch() {
	local who=$1
	shift
	echo "$* addr=$SERVER iters=2000" >$P/run || bench_die "$(cat $P/result)"
	record "fetch 4 KiB" "$who" "$r" "$(jq -c '{fetch_ns_p50: .lat_ns_p50, fetch_ns_p99: .lat_ns_p99, errors}' $P/result)"
}

# ptest CELL PROGRAM OPTION...: a server and a client of perftest
ptest() {
	local cell=$1 prog=$2 pid line
	[ -z "$alone" ] || return 0
	shift 2
	timeout 120 "$prog" -R -p 18600 "$@" >/tmp/ptest.srv 2>&1 &
	pid=$!
	# perftest's client gives up at once when nobody listens
	wait_until 20 grep -q 'Waiting for client' /tmp/ptest.srv
	sleep .3
	timeout 120 "$prog" -R -p 18600 "$@" "$SERVER" >/tmp/ptest.out 2>&1 || {
		tail -n 5 /tmp/ptest.out /tmp/ptest.srv >&2
		kill $pid 2>/dev/null
		progress "$prog failed"
		return
	}
	wait $pid
	line=$(grep -E '^ *[0-9]+ +[0-9]+ +[0-9.]+' /tmp/ptest.out | tail -n 1)
	case $prog in
	*_lat)	# bytes iterations min max typical avg stdev p99 p99.9, in us, half a round trip
		record "$cell" "$prog" "$r" "$(awk '{ printf "{\"half_rtt_ns_p50\": %d, \"half_rtt_ns_p99\": %d}",
			$5 * 1000, $8 * 1000 }' <<<"$line")" ;;
	*_bw)	# bytes iterations peak average (MiB/s) Mpps
		record "$cell" "$prog" "$r" "$(awk '{ printf "{\"bytes_per_s\": %d, \"msgs_per_s\": %d}",
			$4 * 1048576, $5 * 1000000 }' <<<"$line")" ;;
	esac
}

: >"$OUT"
rxe_dummy 9000 || bench_die "no RDMA device"
modprobe rsp_perf || bench_die "no rsp_perf"
echo "$SERVER:18515" >$P/listen || bench_die "cannot listen"
echo "key=23 size=4064 slots=64" >$P/publish || bench_die "cannot publish"
for ((r = 1; r <= repeats; r++)); do
	perf "send 64 B" op=send_lat addr=$SERVER size=64 iters=2000
	ptest "send 64 B" ib_send_lat -s 96 -n 2000	# 64 and rsp_perf's header
	perf "send 4 KiB" op=send_lat addr=$SERVER size=4064 iters=1000
	ptest "send 4 KiB" ib_send_lat -s 4096 -n 1000
	fetch message op=send_lat size=4064
	fetch desc_read op=desc_read key=23 size=4064
	perf "send 64 B rate, 16 in flight" op=send_rate addr=$SERVER size=64 window=16 iters=5000
	ptest "send 64 B rate, 16 in flight" ib_send_bw -s 96 -n 5000 -t 16 -r 32
	perf "write 64 KiB, 16 in flight" op=write addr=$SERVER size=65536 window=16 iters=1000
	ptest "write 64 KiB, 16 in flight" ib_write_bw -s 65536 -n 1000 -t 16
	perf "read 64 KiB, 16 in flight" op=read addr=$SERVER size=65536 window=16 iters=1000
	ptest "read 64 KiB, 16 in flight" ib_read_bw -s 65536 -n 1000 -t 16 -o 16
	perf "write 1 MiB, 4 in flight" op=write addr=$SERVER size=1048576 window=4 iters=100
	ptest "write 1 MiB, 4 in flight" ib_write_bw -s 1048576 -n 100 -t 4
	# no program of perftest does that
	perf "open 1 channel" op=open addr=$SERVER iters=32
	perf "open 64 channels at once" op=open addr=$SERVER window=64 iters=4
	policy_on ep ep_mux
	perf "open 1 channel, ep_mux" op=open addr=$SERVER iters=128
	perf "open 64 channels at once, ep_mux" op=open addr=$SERVER window=64 iters=16
	policy_off ep
	progress "round $r of $repeats done"
done
rmmod rsp_perf
rsp_unload
rxe_down
kernel_is_content
