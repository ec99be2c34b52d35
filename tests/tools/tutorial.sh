#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# docs/tutorial.md does what it says: each of its blocks of commands runs as it stands there, and prints what stands
# behind it: "..." is any lines, times are any times.
# topology: loop
# timeout: 500
. "$(dirname "$0")/../lib.sh"
need root module:rsp_cache module:loop module:rsp_perf tool:fio tool:dmsetup tool:patch tool:clang tool:make \
	tool:python3 file:/src/build/rspctl
DOC=/src/docs/tutorial.md
mkdir "$T/steps" "$T/work"
cat >"$T/extract" <<'END'
import re, sys
doc, out = sys.argv[1:]
step = 0
for kind, text in re.findall(r"^```(\w+)\n(.*?)^```$", open(doc).read(), re.M | re.S):
    if kind == "sh":
        step += 1
    else:
        assert kind == "text" and step, kind
    open(f"{out}/{step:02}.{kind}", "w").write(text)
print(step)
END
cat >"$T/matches" <<'END'
import re, sys
want, got = (open(f).read().splitlines() for f in sys.argv[1:])
pattern = ""
for line in want:
    if line == "...":
        pattern += "(?:.*\n)*?"
    else:
        pattern += re.sub(r"(\d|\\\.)+[mun]?s\b", lambda m: "[0-9.]+[mun]?s", re.escape(line)) + "\n"
sys.exit(not re.fullmatch(pattern, "".join(line + "\n" for line in got)))
END
steps=$(python3 "$T/extract" $DOC "$T/steps") || steps=0
plan $((steps + 2))
# what a step that failed may have left
left_over() {
	rm -f /dev/mapper/cached
	! dmsetup info cached >/dev/null 2>&1 || dmsetup remove cached
	! losetup /dev/loop7 >/dev/null 2>&1 || losetup -d /dev/loop7
	for p in /sys/fs/bpf/rsp/policies/*; do
		[ ! -e "$p" ] || rspctl policy unload "${p##*/}"
	done
}
defer left_over
run "it has steps" test "$steps" -ge 8
step() {
	(cd "$T/work" && bash -eo pipefail "$T/steps/$1.sh") >"$T/got" 2>&1 || {
		cat "$T/steps/$1.sh" "$T/got"
		return 1
	}
	[ ! -e "$T/steps/$1.text" ] || python3 "$T/matches" "$T/steps/$1.text" "$T/got" || {
		cat "$T/got"
		echo "is not what the tutorial says:"
		cat "$T/steps/$1.text"
		return 1
	}
}
for s in "$T"/steps/*.sh; do
	s=$(basename "$s" .sh)
	run "step $s: $(head -n 1 "$T/steps/$s.sh")" step "$s"
done
# a comparison that cannot fail proves nothing
differs() {
	printf 'a 3 hits\n...\nb 1.2ms\n' >"$T/want"
	printf 'a 3 hits\nx\nb 77us\n' >"$T/same" && python3 "$T/matches" "$T/want" "$T/same" &&
		printf 'a 4 hits\nx\nb 77us\n' >"$T/other" && ! python3 "$T/matches" "$T/want" "$T/other"
}
run "other figures would be seen" differs
finish
