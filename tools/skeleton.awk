# SPDX-License-Identifier: GPL-2.0
# The text of `rspctl policy new` for one family: its noop policy, which has every hook and builtin's answers, under
# the words that ops.h has for each of them.
#
#	awk -v family=flow -f tools/skeleton.awk include/uapi/rsp/ops.h policies/noop_flow.bpf.c policies/noop_flow.bpf.c

FNR == 1 { pass++ }

# ---- ops.h: what is said of a member ------------------------------------------------------
pass == 1 && /^struct rsp_[a-z]+_ops \{/ {
	sub(/^struct rsp_/, "")
	sub(/_ops.*/, "")
	ops = $0
}
pass == 1 && /^\t\/\*\*/ {
	member = ""
	in_doc = 1
}
pass == 1 && in_doc {
	line = $0
	is_last = sub(/ *\*\/$/, "", line)
	sub(/^\t(\/\*\*| \*)/, "", line)
	if (match(line, /@[a-z_]+: /)) {
		member = substr(line, RSTART + 1, RLENGTH - 3)
		line = " " substr(line, RSTART + RLENGTH)
	}
	if (member != "" && !(is_last && line ~ /^[ \t]*$/))
		doc[ops, member] = doc[ops, member] " *" line "\n"
	if (is_last)
		in_doc = 0
}
pass == 1 { next }

# ---- the policy, first time: which function is which hook ---------------------------------
pass == 2 {
	if (match($0, /^\t\.[a-z_]+[ \t]*= \(void \*\)[a-z_]+/)) {
		split(substr($0, RSTART + 2, RLENGTH - 2), part, /[ \t]*= \(void \*\)/)
		hook[part[2]] = part[1]
	}
	next
}

# ---- the second time: as it is, in the new name -------------------------------------------
FNR == 2 && /^\/\*/ { in_top = 1 }
in_top {
	if (!/\*\//)
		next
	in_top = 0
	print "/*"
	print " * @NAME@: say here what it decides and why, where it helps, where it is the wrong choice, and what it does"
	print " * on overload."
	print " *"
	print " * Made by `rspctl policy new`: all hooks of the family, and every answer is builtin's. A hook that is taken out"
	print " * of the table at the end is answered by builtin: keep those that you change. An answer outside of what is said"
	print " * at \"Return\" is clamped, and too many of them eject the policy."
	print " *"
	print " *\tmake\t\t\t\t\tcompile it"
	print " *\trspctl policy test @NAME@.bpf.o\t\tverify it, run it under a load"
	print " *\trspctl policy load @NAME@.bpf.o [set KNOB VALUE]..."
	print " *\trspctl policy show @NAME@\t\tknobs, and the figures in the map `stats`"
	print " */"
	next
}
/RSP_HOOK\(/ {
	match($0, /RSP_HOOK\([a-z_]+/)
	word = hook[substr($0, RSTART + 9, RLENGTH - 9)]
	said = doc[family, word]
	if (said ~ /as in &struct rsp_buf_ops/)
		said = doc["buf", word]
	if (said == "") {
		print "skeleton.awk: ops.h says nothing of " word > "/dev/stderr"
		exit 1
	}
	printf "/*\n%s */\n", said
}
{
	# the longest names first: one may begin with another
	while (match($0, /noop_[a-z_]+/)) {
		word = substr($0, RSTART, RLENGTH)
		new = word in hook ? "@NAME@_" hook[word] : /RSP_OPS/ ? "@NAME@_ops" : "@NAME@"
		$0 = substr($0, 1, RSTART - 1) new substr($0, RSTART + RLENGTH)
	}
	print
}
