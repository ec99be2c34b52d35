#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Table lines, messages and status of rsp-cache: what is wrong is refused with its reason, what is
# right comes back as it went in, limits of the device pass through, the page says what the module says.
# topology: loop
# timeout: 240
. "$(dirname "$0")/lib.sh"
need root module:rsp_cache module:loop module:scsi_debug tool:dmsetup
plan 17
modprobe rsp_cache
run "a device" dev_up loop 32

# refused REASON WORDS...: no device comes of it, and the kernel says why
refused() {
	local reason=$1 mark
	shift
	mark=$(/src/tests/klog mark table)
	not dm create "$C" --table "0 65536 rsp-cache $*" || return
	not dmsetup info "$C" || return
	dmesg | sed -n "/$mark/,\$p" | grep -F "$reason"
}
lines() {
	refused "a table line is" "" && refused "a table line is" "$DEV"
}
run "too few words" lines
sizes() {
	local s
	for s in "" 0 1 63K x K 1X 1KK -1M +1M 0x10000 1025G 99999999999999999999999 18446744073709551615G 1.5M; do
		refused "SIZE is a number" "$DEV" "'$s'" || refused "a table line is" "$DEV" "$s" || return
	done
}
run "sizes that are none" sizes
devices() {
	refused "DEVICE cannot be opened" /dev/nosuch 1M && refused "DEVICE cannot be opened" 253:99 1M
}
run "a device that is not there" devices
too_small() {
	local mark
	mark=$(/src/tests/klog mark table)
	not dm create "$C" --table "0 65537 rsp-cache $DEV 1M" && dmesg | sed -n "/$mark/,\$p" | grep "smaller than"
}
run "a device that is too small" too_small
options() {
	refused "must be 0 to 8" "$DEV" 1M x && refused "must be 0 to 8" "$DEV" 1M 9 max_io 4K &&
		refused "options are" "$DEV" 1M 2 min_io 4K && refused "options are" "$DEV" 1M 3 max_io 4K 1 &&
		refused "max_io is a size" "$DEV" 1M 2 max_io 2M && refused "max_io is a size" "$DEV" 1M 1 max_io &&
		refused "max_io is a size" "$DEV" 1M 2 max_io 4095 && refused "not as many words" "$DEV" 1M 2 max_io 4K more &&
		refused "not as many words" "$DEV" 1M 0 more && refused "not as many words" "$DEV" 1M 2 max_io
}
keys() {
	local k
	for k in 0 -1 +1 x 18446744073709551616; do
		refused "KEY is a number" "$DEV" 1M 2 publish "$k" || return
	done
	refused "KEY is a number" "$DEV" 1M 1 publish && refused "KEY is a number" "$DEV" 1M 2 peer 10.9.0.1 && refused "ADDRESS of the peer" "$DEV" 1M 3 peer nowhere 1 &&
		refused "shared is for" "$DEV" 1M 1 shared && refused "not both" "$DEV" 1M 5 publish 1 peer 10.9.0.1 2
}
run "keys and peers" keys
run "options" options

round() {
	local want
	want="0 65536 rsp-cache $(cat "/sys/block/$(basename "$DEV")/dev") $2"
	dm create "$C" --table "0 65536 rsp-cache $DEV $1" && is "$(dmsetup table "$C")" "$want" && dm remove "$C" &&
		dm create "$C" --table "$want" && is "$(dmsetup table "$C")" "$want" && dm remove "$C"
}
rounds() {
	round 1M "1024K" && round 65536 "64K" && round 100000 "64K" &&
		round 1G "1048576K" && round "128K 0" "128K" && round "1M 2 max_io 1M" "1024K 2 max_io 1024K" &&
		round "1M 2 max_io 128K" "1024K"
}
run "a table comes back as it went in" rounds

run "a cache" cache_up 1M
is_size() {
	is "$(figure size)" "$1"
}
messages() {
	dm message "$C" 0 resize 2M && is_size 2097152 && dm message "$C" 0 RESIZE 64K && is_size 65536 &&
		dm message "$C" 0 drop && not dm message "$C" 0 resize && not dm message "$C" 0 resize 1 &&
		not dm message "$C" 0 drop it && not dm message "$C" 0 flush && is_size 65536
}
run "messages" messages
status_words() {
	is "$(dmsetup status "$C" | cut -d ' ' -f 4- | xargs -n 2 | cut -d ' ' -f 1 | xargs)" \
		"$(dm message "$C" 0 figures | cut -d ' ' -f 1 | xargs)" &&
		is "$(dmsetup status "$C" | cut -d ' ' -f 4- | xargs -n 2 | grep -cE '^[a-z]+ [0-9]+$')" 12
}
run "status has each figure" status_words
page() {
	local name unit help rc=0
	while read -r name unit help; do
		grep -xF -A1 "**$name** $unit" /src/docs/man/rsp_cache.8.rst | grep -qxF "  $help" || {
			echo "rsp_cache.8.rst does not say of $name $unit: $help"
			rc=1
		}
	done < <(dm message "$C" 0 figures)
	return $rc
}
run "and the page explains each as the module does" page
if command -v rst2man >/dev/null; then
	run "the page is sound RST" rst2man --halt=2 /src/docs/man/rsp_cache.8.rst "$T/page.8"
else
	skip "the page is sound RST" "no rst2man"
fi

# limits of a device below and above
limits() {
	local q a b
	for q in logical_block_size physical_block_size minimum_io_size optimal_io_size discard_granularity \
		 write_cache fua; do
		a=$(cat "/sys/block/$(basename "$DEV")/queue/$q")
		b=$(cat "/sys/block/$(basename "$D")/queue/$q")
		is "$q $b" "$q $a" || return
	done
	[ "$(cat "/sys/block/$(basename "$D")/queue/discard_max_bytes")" -gt 0 ]
}
run "limits pass through, sectors of 512 bytes" limits
cache_down
dev_down
other_sectors() {
	dev_up scsi4096 16 && cache_up 1M && limits &&
		is "$(blockdev --getss "$D")" 4096
}
run "limits pass through, sectors of 4096 bytes" other_sectors
twice() {
	dm create "$C-2" --table "0 32768 rsp-cache $D 64K" && dm remove "$C-2"
}
run "a cache of a cache" twice
service() {
	[ ! -e /src/build/rspctl ] || /src/build/rspctl -j svc | jq -e 'any(.name == "cache")'
}
run "the pool knows the service" service
finish
