# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Shared by the lab's host-side scripts: where things are and how progress is printed.

LAB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
SRC=$(dirname "$LAB")
BUILD=$SRC/build
CACHE=${RSP_LAB_CACHE:-${XDG_CACHE_HOME:-/var/cache}/rsp-lab}
export RSP_T0=${RSP_T0:-$(date +%s)}	# start of the outermost command

# say TEXT: a progress line with the time since the outermost command began
say() {
	printf '[%4ds] %s\n' $(($(date +%s) - RSP_T0)) "$*" >&2
}

die() {
	say "error: $*"
	exit 1
}

need_root() {
	[ "$(id -u)" = 0 ] || die "the lab needs root (chroot, mounts, virtiofsd)"
}

# root_dir: path of the guest root of this tree, whether or not it is built yet
root_dir() {
	local h
	h=$(cat "$LAB/packages" "$LAB/root-build" \
		"$SRC/packaging/bpftool-module-struct-ops.patch" | sha256sum)
	echo "$CACHE/root-${h:0:16}"
}

# root_krel ROOT: release of the kernel in a guest root
root_krel() {
	basename "$(readlink -f "$1/boot/rsp-kernel")" | sed 's/^vmlinuz-//'
}

# What a guest can be given, as options or in the environment, see docs/lab.md.
# shellcheck disable=SC2034 # for the help of the scripts that call us
LAB_OPTIONS="  --topology loop|pair  one guest (vm) or two on a link (srv, cli)     TOPOLOGY=loop
  --smp N               processors of a guest                            SMP=2, pair 1
  --mem MB              memory of a guest                                MEM=3072, pair 2048
  --icount              count instructions as time, for measuring; loop  ICOUNT=1
  --accel tcg|kvm       instead of what is found                         ACCEL=
  --mtu MTU             of the link of a pair                            MTU=9000
  --append TEXT         more for the kernel command line                 CMDLINE=
  --panic-on-warn       a kernel warning ends the guest                  PANIC_ON_WARN=1
  --kernel IMAGE        another kernel                                   KERNEL=
  --kmods DIR           its lib/modules/RELEASE                          KMODS=
  --gdb                 a gdb server, see docs/lab.md                    GDB=1
  --life SECONDS        kill the guests after that time                  LIFE=3600"

# lab_options ARGUMENT...: set and export them, leave the rest in REST
lab_options() {
	while [ $# -gt 0 ]; do
		case $1 in
		--topology) TOPOLOGY=$2; shift ;;
		--smp) SMP=$2; shift ;;
		--mem) MEM=$2; shift ;;
		--icount) ICOUNT=1 ;;
		--accel) ACCEL=$2; shift ;;
		--mtu) MTU=$2; shift ;;
		--append) CMDLINE="${CMDLINE:-} $2"; shift ;;
		--panic-on-warn) PANIC_ON_WARN=1 ;;
		--kernel) KERNEL=$2; shift ;;
		--kmods) KMODS=$2; shift ;;
		--gdb) GDB=1 ;;
		--life) LIFE=$2; shift ;;
		*) break ;;
		esac
		shift
	done
	# shellcheck disable=SC2034 # read by the scripts that call us
	REST=("$@")
	TOPOLOGY=${TOPOLOGY:-loop}
	case $TOPOLOGY in
	loop)
		SMP=${SMP:-2} MEM=${MEM:-3072}
		;;
	pair)
		SMP=${SMP:-1} MEM=${MEM:-2048}
		[ -z "${ICOUNT:-}" ] || die "icount cannot keep the clocks of two guests together"
		;;
	*) die "no topology $TOPOLOGY" ;;
	esac
	export TOPOLOGY SMP MEM ICOUNT ACCEL MTU CMDLINE PANIC_ON_WARN KERNEL KMODS GDB LIFE
}

# lab_nodes: names of the guests of a topology
lab_nodes() {
	case $TOPOLOGY in
	loop) echo vm ;;
	pair) echo srv cli ;;
	esac
}

# run_new: make the directory of a new run, print it. The copy of the project in it stays as it
# is now, whatever is edited or built while the guests run.
run_new() {
	local run
	run=$BUILD/run/$(date +%m%d-%H%M%S)-$BASHPID
	mkdir -p "$run/share/out"
	# first of all: another run that begins meanwhile takes away the tree of one without
	ln -s "$(mktemp -d "${TMPDIR:-/tmp}/rsp-lab.XXXXXX")" "$run/sock"
	run_snapshot "$run"
	ln -sfn "$(basename "$run")" "$BUILD/run/last"
	# what earlier runs left: copies of the tree at once (if they were killed), logs after two days
	local old
	for old in "$BUILD"/run/*/; do
		[ -e "$old/sock" ] || rm -rf "$old/sock" "$old/share/tree" "$old/share/modules"
	done
	find "$BUILD/run" -mindepth 1 -maxdepth 1 -type d -mtime +1 \
		! -exec test -e {}/sock \; -exec rm -rf {} +
	echo "$run"
}

# run_snapshot RUN: bring the project tree in a run directory up to date
run_snapshot() {
	mkdir -p "$BUILD"
	(
		flock -s 9	# no build half-way
		rm -rf "$1/share/tree.new"
		mkdir "$1/share/tree.new"
		tar -C "$SRC" -cf - --exclude=./.git --exclude=./build/run --exclude=./build/kbuild \
			--warning=no-file-changed --warning=no-file-removed . |
			tar -C "$1/share/tree.new" -xf - || :
	) 9>"$BUILD/.lock"
	mkdir -p "$1/share/tree"
	if [ -z "$(ls -A "$1/share/tree")" ]; then
		rmdir "$1/share/tree"
		mv "$1/share/tree.new" "$1/share/tree"
	else		# a guest has this directory bound: change what is in it
		find "$1/share/tree" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
		find "$1/share/tree.new" -mindepth 1 -maxdepth 1 -exec mv -t "$1/share/tree" {} +
		rmdir "$1/share/tree.new"
	fi
}

# run_start RUN: boot the guests of a run in the background. They end with run_stop, when
# process RSP_OWNER is gone (if set), or after LIFE seconds.
run_start() {
	local node
	for node in $(lab_nodes); do
		setsid "$LAB/vm" "$1" "$node" </dev/null >"$1/$node.vm" 2>&1 &
		echo $! >"$1/$node.pid"
	done
}

# run_wait RUN: wait until the guests answer
run_wait() {
	local node end=$((SECONDS + ${BOOT_TIMEOUT:-300}))
	for node in $(lab_nodes); do
		until RSP_GX_CONNECT=1 "$LAB/gx" -r "$1" "$node" 30 true 2>/dev/null; do
			if ! kill -0 "$(<"$1/$node.pid")" 2>/dev/null || [ $SECONDS -gt $end ]; then
				say "$node did not come up; end of $1/$node.log:"
				tail -n 20 "$1/$node.vm" "$1/$node.log" >&2
				return 1
			fi
			sleep .1
		done
	done
}

# run_stop RUN: end the guests and all that belongs to them, keep the logs
run_stop() {
	local f pid end=$((SECONDS + 10))
	for f in "$1"/*.pid; do
		[ -e "$f" ] || continue
		pid=$(<"$f")
		while grep -qs "lab/vm" "/proc/$pid/cmdline" && [ $SECONDS -lt $end ]; do
			kill "$pid" 2>/dev/null || :
			sleep .05
		done
		rm -f "$f" "${f%.pid}.qemu"
	done
	rm -rf "$(readlink -f "$1/sock")" "$1/sock" "$1/share/tree" "$1/share/modules"
	# what guests left for us, if anything
	find "$1/share" -depth -type d -empty -delete
}
