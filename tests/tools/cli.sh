#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rspctl's words: help at each level is what the man pages say; each error names what is wrong and
# ends with 1, without a module, without root, with words out of place.
# topology: loop
# timeout: 300
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp tool:jq file:/src/build/rspctl
plan 19
MAN=/src/docs/man
OBJECTS="svc pool peer ep rq chan desc cache policy observe stats monitor trace top"

run "-V tells the version" text '^rspctl [0-9]+\.[0-9]+$' -V
run "-V -j too" json '.version | test("^[0-9]+[.][0-9]+$")' -j -V

objects_in_help() {
	is "$(rspctl help | sed -n 's/^  rspctl \([a-z]*\).*/\1/p' | uniq | xargs)" "$OBJECTS"
}
run "help names each object" objects_in_help

# the commands of an object, as its help gives them and as the SYNOPSIS of its page does
help_commands() {
	rspctl "$1" help | sed -n 's/^\(Usage:\|      \) rspctl //p'
}
page_commands() {
	sed -n '/^SYNOPSIS/,/^DESCRIPTION/s/^| \*\*rspctl\*\* //p' "$MAN/rspctl-$1.8.rst" | tr -d '*\\'
}
each_page() {
	local o
	for o in $OBJECTS; do
		[ -n "$(page_commands "$o")" ] && is "$(page_commands "$o")" "$(help_commands "$o")" || {
			echo "rspctl $o"
			return 1
		}
	done
}
run "each object's page has the commands of its help" each_page
top_help() {
	local o
	for o in $OBJECTS; do
		help_commands "$o" | grep -v ' help$'
	done | tr -s ' ' | sort >"$T/levels"
	rspctl help | sed -n 's/^  rspctl //p' | tr -s ' ' | sort >"$T/top"
	diff "$T/levels" "$T/top"
}
run "help at the top has all of them" top_help
main_page() {
	sed -n '/^SYNOPSIS/,/^DESCRIPTION/s/^| \*\*rspctl\*\* //p' "$MAN/rspctl.8.rst" | tr -d '*\\' |
		grep -v '^\[' | tr -s ' ' | sort >"$T/page"
	diff "$T/page" "$T/top"
}
run "and so has rspctl(8)" main_page
page_fields() {
	local o missing=0 field meaning
	for o in $OBJECTS; do
		while read -r field meaning; do
			grep -xF -A1 "**$field**" "$MAN/rspctl-$o.8.rst" | grep -qxF "  $meaning" || {
				echo "rspctl-$o.8.rst does not say of $field: $meaning"
				missing=1
			}
		done < <(rspctl "$o" help | sed -n 's/^  [* ] \([a-z0-9_]* .*\)/\1/p')
	done
	[ $missing = 0 ]
}
run "the pages explain each field as help does" page_fields
pages_build() {
	local p
	for p in "$MAN"/*.rst; do
		rst2man --halt=2 "$p" >"$T/page.8" && man -l "$T/page.8" >/dev/null 2>&1 || [ -s "$T/page.8" ] ||
			return
	done
}
if command -v rst2man >/dev/null; then
	run "each page is sound RST" pages_build
else
	skip "each page is sound RST" "no rst2man"
fi

without_module() {
	local o
	for o in svc pool peer ep rq chan desc cache policy stats monitor; do
		fails "rsp.ko is not loaded" -- "$o" || { echo "rspctl $o"; return 1; }
	done
	fails "rsp.ko is not loaded" -- policy log && fails "rsp.ko is not loaded" -- trace 1 &&
		fails "rsp.ko is not loaded" -- observe on &&
		fails "rsp.ko is not loaded" -- policy load $POLICIES/flow_fixed.bpf.o
}
run "without rsp.ko each command says so" without_module
modprobe rsp

wrong_words() {
	fails 'stopped at "frob"' -- frob && fails 'stopped at "frob"' -- svc frob &&
		fails 'stopped at "frob"' -- chan show frob && fails 'stopped at "frob"' -- chan id frob &&
		fails 'stopped at "-1"' -- ep id -1 && fails 'stopped at "svc"' -- rq svc nfs &&
		fails 'a word is missing at the end: expected a number' -- rq show id &&
		fails 'stopped at "more"' -- pool show more && fails 'stopped at "more"' -- policy log more
}
run "an error names the word it stopped at" wrong_words
wrong_option() {
	not rspctl -x svc && rspctl -x svc 2>&1 | grep -q -- '"-x"'
}
run "and the option" wrong_option
policy_words() {
	fails "expected FILE" -- policy load && fails "expected NAME" -- policy unload &&
		fails 'stopped at "sat"' -- policy load $POLICIES/flow_fixed.bpf.o sat credits 3 &&
		fails "expected VALUE" -- policy load $POLICIES/flow_fixed.bpf.o set credits
}
run "policy load and unload want their words" policy_words
no_file() {
	fails "No such file" -- policy load /nonexistent.bpf.o &&
		fails "is not a BPF object" -- policy load /etc/passwd &&
		fails "no policy" -- policy load /src/build/bpf/list_svc.bpf.o
}
run "a file that is no policy is refused" no_file
wrong_knobs() {
	local f=$POLICIES/flow_fixed.bpf.o
	fails "unknown knob nosuch: this policy has credits" -- policy load $f set nosuch 3 &&
		fails 'knob credits: "many" is not a number' -- policy load $f set credits many &&
		fails "knob credits: 4294967296 does not fit" -- policy load $f set credits 4294967296 &&
		fails "knob credits: -1 does not fit" -- policy load $f set credits -1 && active flow builtin
}
run "a wrong knob is refused, with the names of the right ones" wrong_knobs
refused() {
	fails "was not accepted" -- policy load /src/build/tests/policy/bad_write_field.bpf.o &&
		fails "rsp_svc_view is writable from" -- policy load /src/build/tests/policy/bad_write_field.bpf.o &&
		[ "$(wc -l <"$T/stderr")" -lt 20 ]
}
run "what the verifier refuses is shown with its reason" refused
nothing_there() {
	fails "no policy nosuch is loaded" -- policy unload nosuch &&
		fails "no policy nosuch is registered" -- policy show nosuch &&
		fails "cannot be a name" -- policy unload a/b && fails "the observers are off" -- observe show &&
		fails "the observers are off" -- observe off
}
run "what is not there cannot be taken away" nothing_there
not_root() {
	local out
	out=$(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all rspctl svc 2>&1) && return 1
	is "$out" "rspctl: not permitted to load BPF programs (are you root?)"
}
run "without root it says so" not_root
short_words() {
	is "$(rspctl pol)" "$(rspctl policy list)" || true
	rspctl po >/dev/null && rspctl s l >/dev/null
}
run "words can be shortened, list is show" short_words
full() {
	rspctl svc >/dev/full 2>/dev/null && return 1
	return 0
}
run "an answer that cannot be written is an error" full
finish
