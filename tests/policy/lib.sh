# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the tests of policies share; sourced after tests/lib.sh.
POL=/src/build/tests/policy/pol
POLICIES=/src/build/policies
PINS=/sys/fs/bpf/rsp-$$

# pins_up, pins_down: a folder for links; taking it away unregisters what is left
pins_up() {
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
	mkdir -p "$PINS"
	export POL_PINS=$PINS
}
pins_down() {
	find "$PINS" -type f ! -name 'lister_*' -delete
	# the last reference of a link goes from a work item
	wait_for 10 none_registered
	rm -rf "$PINS"
	# and a map gives its hold on the module back after a grace period
	wait_for 20 only_modules_hold_rsp
}
only_modules_hold_rsp() {
	local holders=(/sys/module/rsp/holders/*)
	[ -e "${holders[0]}" ] || holders=()
	[ "$(cat /sys/module/rsp/refcnt)" -le ${#holders[@]} ]
}
none_registered() {
	! $POL show | grep -v '^[a-z]* builtin ' | grep -E '^[a-z]* [^ ]* (active|waiting|dead) '
}

# $PINS also holds the program that lists policies, so that the module stays in use

# load NAME [KNOB=VALUE]...: register a policy of policies/ and pin it as NAME
load() {
	local name=$1
	shift
	$POL load "$POLICIES/$name.bpf.o" "$PINS/$name" "$@"
}
# again NAME [KNOB=VALUE]...: the same, and the next time it is what was loaded then, knobs and maps as they
# are: quick, where a policy comes and goes. Without stat_of
again() {
	local name=$1
	shift
	$POL again "$POLICIES/$name.bpf.o" "$PINS/kept_$name" "$PINS/$name" "$@"
}
# unload NAME: unregister it again
unload() {
	rm -f "$PINS/$1" "$PINS/$1"_*
}

# active FAMILY NAME: is it?
active() {
	is "$($POL show | awk -v f="$1" '$1 == f && $3 == "active" { print $2 }')" "$2"
}
# state FAMILY NAME: active, waiting, dead; ended ones do not count
state() {
	$POL show | awk -v f="$1" -v n="$2" '$1 == f && $2 == n && $3 != "ended" { print $3 }'
}
# ended FAMILY NAME KIND [TEXT]: the last log entry of a policy says so
ended() {
	local line
	line=$($POL show | awk -v f="$1" -v n="$2" '$1 == f && $2 == n && $3 == "ended"' | tail -n 1)
	echo "$line"
	case $line in
	*" kind=$3 "*"${4-}"*) ;;
	*) return 1 ;;
	esac
}

# stat_of NAME INDEX: a figure of a loaded policy's statistics
stat_of() {
	$POL stats "$PINS/$1" | cut -d ' ' -f $(($2 + 1))
}
