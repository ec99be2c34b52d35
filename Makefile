# SPDX-License-Identifier: GPL-2.0
# RSP, the RDMA Service Platform: `make help` lists what there is.
#
# New files are found by wildcard, nothing here names one:
#   */Kbuild (top Kbuild)                 modules
#   policies/*.bpf.c bpf/*.bpf.c          build/{policies,bpf}/NAME.bpf.o, bpf/NAME.skel.h
#   tests/**.bpf.c                        build/tests/**.bpf.o
#   libs/*.c                              build/librsp.a, build/librsp.so
#   tools/*.c                             build/rspctl
#   tests/**.c bench/*.c policies/NAME.c  build/..., one program a file (not bench/rsp_perf*.c)
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -ec
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

KDIR ?= /lib/modules/$(shell uname -r)/build
KREL := $(or $(shell cat $(KDIR)/include/config/kernel.release 2>/dev/null),unknown)
PREFIX ?= /usr/local
CLANG ?= clang
BPFTOOL ?= bpftool
LLVM_STRIP ?= llvm-strip
CC := gcc
CFLAGS ?= -O2 -g

V ?= 0
Q := $(if $(filter 1,$(V)),,@)
log = $(if $(filter 1,$(V)),:,printf '  %-8s%s\n')

B := build
ARCH_BPF := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(shell uname -m)))

.PHONY: all modules bpf libs tools progs man install uninstall clean distclean help \
	lab lab-build shell test demo policy-test check check-here
all: modules bpf libs tools progs

## all            modules, BPF objects, library, tools, test and bench programs, for this machine
## modules        the kernel modules (KDIR=kernel build directory, MODS="kmod nfs" for some)
## bpf            policies and observers
## libs tools     librsp and rspctl
## man            manual pages (needs rst2man: python3-docutils)
## install        into $(PREFIX) and /lib/modules (DESTDIR=); uninstall takes it out
##
##  In the lab (needs root, see docs/lab.md):
## lab            make the guest root, installing the host packages it needs
## lab-build      build all inside the guest root, as the guests use it
## shell          an interactive guest with everything built in it
## policy-test    a policy under verifier and load, in a guest (FILE=mine.bpf.c)
## demo           NFS over RSP, policies swapped under fio, a table of what they do
## test           boot guests, run the tests (TESTS=pattern for some, JOBS=2 at a time)
## check          warnings, sparse, kernel-doc, shellcheck
## clean          what was built; distclean: also logs of lab runs
help:
	@sed -n 's/^## \{0,1\}//p' Makefile
	@echo "  V=1 shows commands, W=1 more warnings"

# ---- modules -----------------------------------------------------------------------------
# kbuild leaves its objects beside the sources, so it gets a folder of links: the tree stays
# clean, and builds for several kernels stand side by side.
KB := $(B)/kbuild/$(KREL)$(KBSUFFIX)
MODOUT := $(B)/modules/$(KREL)/updates

modules:
	$(Q)[ -e $(KDIR)/Makefile ] || { \
		echo "no kernel headers in $(KDIR): install linux-headers-$$(uname -r), or say KDIR=," \
			"or build in the lab with \`make lab-build'"; exit 1; }
	$(Q)mkdir -p $(KB) $(MODOUT)
	$(Q)find Kbuild kmod nfs iscsi bench tests/kmod include \
		\( -name '*.[chS]' -o -name Kbuild \) ! -name '.*' 2>/dev/null | sort >$(KB)/.list.new || :
	$(Q)cmp -s $(KB)/.list.new $(KB)/.list || { \
		find $(KB) -type l -delete; \
		while read -r f; do mkdir -p $(KB)/$${f%/*}/; ln -sr $$f $(KB)/$$f; done \
			< <(grep / $(KB)/.list.new); \
		ln -sr Kbuild $(KB)/; mv $(KB)/.list.new $(KB)/.list; }
	+$(Q)$(MAKE) --no-print-directory -C $(KDIR) M=$(CURDIR)/$(KB) MODS="$(MODS)" V=$(V) modules \
		2>&1 | sed -u -e 's|$(CURDIR)/$(KB)/||g' -e "/^make.*\(Entering\|Leaving\)/d"
ifeq ($(KBSUFFIX),)
	$(Q)BTF="$(if $(filter 1,$(RSP_NO_BTF)),,1)" packaging/collect-modules $(KB) $(MODOUT)
ifdef LAB
	$(Q)packaging/index-modules $(KREL)
endif
endif

# ---- BPF ---------------------------------------------------------------------------------
# what every policy is compiled with, also those that `rspctl policy new` makes
POLICY_FLAGS := -target bpf -mcpu=v3 -g -O2 -Wall -Wno-missing-declarations \
	-D__TARGET_ARCH_$(ARCH_BPF)
BPF_FLAGS := $(POLICY_FLAGS) -Ibpf/include -Iinclude/uapi -I$(B)
TEST_DIRS := $(filter-out tests/kmod/,$(sort $(dir $(wildcard tests/*.c tests/*/*.c))))
BPF_SRC := $(wildcard policies/*.bpf.c bpf/*.bpf.c) \
	$(foreach d,$(TEST_DIRS),$(wildcard $(d)*.bpf.c))
BPF_OBJ := $(BPF_SRC:%.c=$(B)/%.o)
SKELS := $(patsubst %.bpf.c,$(B)/%.skel.h,$(wildcard bpf/*.bpf.c))

bpf: $(BPF_OBJ) $(SKELS)

VMLINUX := $(firstword $(wildcard $(KDIR)/vmlinux /sys/kernel/btf/vmlinux))
$(B)/vmlinux.h: $(filter-out /sys/%,$(VMLINUX))
	@$(log) BTF $@
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) btf dump file $(VMLINUX) format c >$@

$(B)/%.bpf.o: %.bpf.c $(B)/vmlinux.h
	@$(log) BPF $@
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_FLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

$(B)/%.skel.h: $(B)/%.bpf.o
	@$(log) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $(notdir $*)_bpf >$@

# ---- user space --------------------------------------------------------------------------
USER_FLAGS := -std=gnu11 -Wall -Wextra -Wno-unused-parameter -D_GNU_SOURCE \
	-Ilibs/include -Iinclude/uapi -I$(B) $(CFLAGS)
# $(LIBS) of every program; the linker takes what each needs
LIBS := -Wl,--as-needed -lbpf -lelf -lz -lrdmacm -libverbs -lpthread -lm

LIB_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard libs/*.c))
TOOL_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tools/*.c))
PROG_SRC := $(filter-out %.bpf.c bench/rsp_perf%,$(wildcard bench/*.c) \
	$(foreach d,$(TEST_DIRS),$(wildcard $(d)*.c)))
PROGS := $(PROG_SRC:%.c=$(B)/%)
LIBRSP := $(if $(LIB_OBJ),$(B)/librsp.a)

libs: $(LIBRSP) $(if $(LIB_OBJ),$(B)/librsp.so)
tools: $(if $(TOOL_OBJ),$(B)/rspctl)
progs: $(PROGS)

$(B)/%.o: %.c | $(SKELS)
	@$(log) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_FLAGS) -fPIC -MMD -MP -c $< -o $@

$(B)/librsp.a: $(LIB_OBJ)
	@$(log) AR $@
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(B)/librsp.so: $(LIB_OBJ)
	@$(log) LINK $@
	$(Q)$(CC) -shared -Wl,-soname,librsp.so.0 -o $@ $^ $(LIBS)

$(B)/rspctl: $(TOOL_OBJ) $(LIBRSP)
	@$(log) LINK $@
	$(Q)$(CC) -o $@ $^ $(LIBS) -lncursesw -ltinfo

# `rspctl policy new` writes what stands here
FAMILIES := buf ep flow cache
$(B)/skeleton.h: tools/skeleton.awk include/uapi/rsp/ops.h $(FAMILIES:%=policies/noop_%.bpf.c)
	@$(log) GEN $@
	@mkdir -p $(@D)
	$(Q){ echo '#define POLICY_FLAGS "$(POLICY_FLAGS)"'; for f in $(FAMILIES); do \
		p=policies/noop_$$f.bpf.c; echo "static const char skeleton_$$f[] ="; \
		awk -v family=$$f -f tools/skeleton.awk include/uapi/rsp/ops.h $$p $$p | \
			sed 's/[\\"]/\\&/g; s/.*/"&\\n"/'; echo ";"; done; } >$@
$(B)/tools/policy_new.o $(B)/tools/policy_build.o: $(B)/skeleton.h

$(PROGS): $(B)/%: $(B)/%.o $(LIBRSP)
	@$(log) LINK $@
	$(Q)$(CC) -o $@ $^ $(LIBS)

.SECONDARY:
-include $(BPF_OBJ:.o=.d) $(LIB_OBJ:.o=.d) $(TOOL_OBJ:.o=.d) $(PROG_SRC:%.c=$(B)/%.d)

# ---- manual pages ------------------------------------------------------------------------
MAN := $(patsubst docs/man/%.rst,$(B)/man/%,$(wildcard docs/man/*.8.rst))
RST2MAN ?= rst2man

man: $(MAN)

$(B)/man/%: docs/man/%.rst
	@$(log) MAN $@
	@mkdir -p $(@D)
	$(Q)$(RST2MAN) --halt=2 $< $@

# ---- install -----------------------------------------------------------------------------
install: all
	install -d $(DESTDIR)/lib/modules/$(KREL)/updates $(DESTDIR)$(PREFIX)/{sbin,lib/rsp}
	for m in $(MODOUT)/*.ko; do [ $${m##*/} = rsp_bad.ko ] || \
		install -m 644 $$m $(DESTDIR)/lib/modules/$(KREL)/updates/; done
	[ ! -e $(B)/rspctl ] || install -m 755 $(B)/rspctl $(DESTDIR)$(PREFIX)/sbin/
	install -d $(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(PREFIX)/{lib,include/rsp}
	if command -v $(RST2MAN) >/dev/null; then $(MAKE) --no-print-directory man && \
		install -m 644 $(MAN) $(DESTDIR)$(PREFIX)/share/man/man8/; fi
	install -m 644 $(B)/librsp.a $(DESTDIR)$(PREFIX)/lib/
	install -m 644 libs/include/librsp.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 include/uapi/rsp/*.h bpf/include/rsp/*.h $(DESTDIR)$(PREFIX)/include/rsp/
	for f in $(B)/policies/*.bpf.o; do [ ! -e $$f ] || install -m 644 $$f $(DESTDIR)$(PREFIX)/lib/rsp/; done
	[ -n "$(DESTDIR)" ] || depmod $(KREL)

uninstall:
	rm -f $(DESTDIR)/lib/modules/$(KREL)/updates/rsp{,_nfs,_iser,_isert,_cache,_perf}.ko
	rm -rf $(DESTDIR)$(PREFIX)/{lib/rsp,include/rsp,sbin/rspctl,include/librsp.h,lib/librsp.a}
	rm -f $(DESTDIR)$(PREFIX)/share/man/man8/{rspctl{,-*},rsp_cache}.8
	[ -n "$(DESTDIR)" ] || depmod $(KREL)

# ---- lab ---------------------------------------------------------------------------------
lab:
	@lab/root

lab-build:
	@lab/build all

shell:
	@lab/shell

policy-test:
	@lab/policy-test $(or $(FILE),$(error FILE= names the policy))

demo:
	@bench/demo

test:
	@lab/host
	@tests/run $(TESTS)

check:
	@lab/build check-here

# inside the guest root, or on a machine that has the tools
check-here:
	$(Q)rm -rf $(B)/kbuild/$(KREL)-check
	+$(Q)$(MAKE) --no-print-directory modules W=1 C=2 KBSUFFIX=-check \
		MODS="$(or $(MODS),kmod nfs iscsi bench)" 2>&1 | tee $(B)/check.log
	$(Q)! grep -E '^[^/].*: (warning|error):' $(B)/check.log >/dev/null || \
		{ echo "check: warnings, see above"; exit 1; }
	$(Q)packaging/check-docs $(KDIR)
	$(Q)packaging/check-shell

clean:
	rm -rf $(filter-out $(B)/run $(B)/.lock,$(wildcard $(B)/*))

distclean: clean
	lab/down --all
	rm -rf $(B)
