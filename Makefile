# SPDX-License-Identifier: Apache-2.0
# `make help` lists the targets. Products stay in build/. V=1 shows the commands, CC=clang works.

VERSION   := 0.1.0
PREFIX    ?= /usr/local
DESTDIR   ?=
BUILD     ?= build
CC        := $(if $(filter default,$(origin CC)),gcc,$(CC))
CLANG     ?= clang
BPFTOOL   ?= $(firstword $(shell command -v bpftool) /usr/sbin/bpftool)
ARCH      ?= $(shell uname -m)
V         ?= 0
Q         := $(if $(filter 1,$(V)),,@)
say        = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' $(1) $(2);)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

# What is built -------------------------------------------------------------------------------------------------

# A stage is a folder of user/ and an archive of its own. A unit test is linked with its stage and base alone, so a
# stage that reaches into another one does not link.
STAGES    := source assemble metadata deliver ack control
PACKAGES  := libbpf libcurl libcrypto zlib jansson yaml-0.1 libsystemd
sources    = $(wildcard user/$(1)/*.c)

WARNINGS  := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
CPPFLAGS  := -D_GNU_SOURCE -DRINGTAIL_VERSION='"$(VERSION)"' -Iuser -Iinclude -I$(BUILD)/bpf $(CPPFLAGS)
OPTIMIZE  ?= -O2 -g
CFLAGS    := $(OPTIMIZE) -std=gnu11 -pthread $(WARNINGS) $(WERROR) -fstack-protector-strong \
             $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null) $(CFLAGS)
LDLIBS    := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lelf -pthread
SANITIZE  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1

BPF_ARCH  := $(if $(filter aarch64 arm64,$(ARCH)),arm64,x86)
BPF_FLAGS := -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Wextra -Wno-unused-parameter $(WERROR) \
             -Ivmlinux -Iinclude -idirafter /usr/include/$(shell uname -m)-linux-gnu -idirafter /usr/include
BPF_PARTS := $(patsubst bpf/%.bpf.c,$(BUILD)/bpf/%.bpf.o,$(wildcard bpf/*.bpf.c))
SKELETON  := $(BUILD)/bpf/capture.skel.h

# $(call objects,FLAVOUR,FOLDER)
objects    = $(patsubst user/%.c,$(BUILD)/$(1)/%.o,$(call sources,$(2)))
archives   = $(foreach s,$(STAGES) base,$(BUILD)/$(1)/$(s).a)
# Archives that call each other's functions are searched until all is found.
together   = -Wl,--start-group $(1) -Wl,--end-group

.PHONY: all
all: $(BUILD)/ringtail $(BUILD)/ringtail.8 ## build the product: build/ringtail

$(BUILD)/ringtail: $(patsubst user/%.c,$(BUILD)/release/%.o,$(wildcard user/*.c)) $(call objects,release,cli) $(call archives,release)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(call together,$(filter %.a,$^)) $(LDLIBS)

$(BUILD)/ringtail.8: docs/ringtail.8
	@mkdir -p $(@D)
	$(Q)sed 's/@VERSION@/$(VERSION)/' $< > $@

$(BUILD)/release/%.o: user/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/asan/%.o: user/%.c
	@mkdir -p $(@D)
	$(call say,CC-ASAN,$<)$(CC) $(CPPFLAGS) $(CFLAGS) $(SANITIZE) -MMD -MP -c -o $@ $<

define stage_rule
$(BUILD)/$(1)/$(2).a: $(call objects,$(1),$(2))
	@mkdir -p $$(@D)
	$$(call say,AR,$$@)rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach f,release asan fuzz,$(foreach s,$(STAGES) base cli,$(eval $(call stage_rule,$(f),$(s)))))

# The kernel's side: one object of all bpf/*.bpf.c, and the skeleton that embeds it.
$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) $(BPF_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/bpf/capture.o: $(BPF_PARTS)
	$(call say,BPF-LD,$@)$(BPFTOOL) gen object $@ $^

$(SKELETON): $(BUILD)/bpf/capture.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name capture > $@

$(foreach f,release asan fuzz,$(BUILD)/$(f)/source/kernel_probe.o $(BUILD)/$(f)/source/kernel_hooks.o): $(SKELETON)

# Tests ---------------------------------------------------------------------------------------------------------

UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*/*_test.c))
BPF_TESTS  := $(patsubst tests/bpf/%.c,$(BUILD)/tests/bpf/%,$(wildcard tests/bpf/*_test.c))
TOOLS      := $(BUILD)/tests/runtime $(BUILD)/tests/writer
FUZZERS    := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzzers/%,$(wildcard tests/fuzz/*.c))
TEST_FLAGS  = $(CPPFLAGS) -Itests/unit -DTEST_DATA='"$(CURDIR)/tests/data"' $(CFLAGS)

# build/unit/STAGE/MODULE_test, linked with its stage and base alone; the command line's with what it calls.
define unit_rule
$(BUILD)/unit/$(1)/%_test: tests/unit/$(1)/%_test.c $(patsubst %,$(BUILD)/asan/%.a,$(2))
	@mkdir -p $$(@D)
	$$(call say,UNIT,$$@)$(CC) $$(TEST_FLAGS) $(SANITIZE) -Werror=unused-function -MMD -MP -o $$@ $$< \
		$$(call together,$$(filter %.a,$$^)) $(LDLIBS) -lcmocka
endef
$(foreach s,$(STAGES),$(eval $(call unit_rule,$(s),$(s) base)))
$(eval $(call unit_rule,base,base))

# The commands call everything; what is tested of them does not.
$(eval $(call unit_rule,cli,cli control base))

$(BUILD)/tests/bpf/%_test: tests/bpf/%_test.c $(BUILD)/release/source.a $(BUILD)/release/base.a
	@mkdir -p $(@D)
	$(call say,BPFTEST,$@)$(CC) $(TEST_FLAGS) -MMD -MP -o $@ $< $(call together,$(filter %.a,$^)) $(LDLIBS) -lcmocka

$(BUILD)/tests/runtime: $(wildcard tests/fake/runtime*.c)
$(BUILD)/tests/writer: tests/e2e/writer.c
# The same tests of the other backend: for guests, whose kernels take its programs.
$(BUILD)/tests/vm/capture_vfs_test: $(BUILD)/tests/bpf/capture_test
	@mkdir -p $(@D)
	$(Q)cp $< $@

# The writer runs inside root file systems that have no libraries.
$(BUILD)/tests/writer: TOOL_FLAGS := -static
$(TOOLS): $(wildcard tests/fake/runtime*.h)
	@mkdir -p $(@D)
	$(call say,TOOL,$@)$(CC) $(OPTIMIZE) -std=gnu11 -D_GNU_SOURCE -Wall -Wextra $(WERROR) $(TOOL_FLAGS) -pthread -o $@ $(filter %.c,$^)

# libFuzzer is clang's.
$(BUILD)/fuzz/%.o: user/%.c
	@mkdir -p $(@D)
	$(call say,CC-FUZZ,$<)$(CLANG) $(CPPFLAGS) $(CFLAGS) $(SANITIZE) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

$(BUILD)/fuzzers/%: tests/fuzz/%.c $(call archives,fuzz)
	@mkdir -p $(@D)
	$(call say,FUZZER,$@)$(CLANG) $(TEST_FLAGS) $(SANITIZE) -fsanitize=fuzzer -o $@ $< $(call together,$(filter %.a,$^)) $(LDLIBS)

.PHONY: test test-unit test-bpf test-e2e test-fake test-sdk test-kernels
test: deps ## install what is missing, then all tests: unit, BPF, fakes, end to end
	$(Q)$(MAKE) --no-print-directory -j2 all tests
	$(Q)tests/run $(BUILD) unit bpf fake e2e

.PHONY: tests
tests: $(UNIT_TESTS) $(BPF_TESTS) $(TOOLS)

test-unit: $(UNIT_TESTS) ## unit tests under ASan and UBSan: from edit to result in seconds
	$(Q)tests/run $(BUILD) unit
test-bpf: $(BPF_TESTS) ## the real BPF object against real writes
	$(Q)tests/run $(BUILD) bpf
test-fake: $(TOOLS) ## the fakes against samples, vectors and their own rules
	$(Q)tests/run $(BUILD) fake
test-e2e: all $(TOOLS) ## the shipped binary against containers and strict services
	$(Q)tests/run $(BUILD) e2e
test-kernels: all $(BPF_TESTS) $(BUILD)/tests/vm/capture_vfs_test ## other kernels in qemu, both backends
	$(Q)tests/run $(BUILD) vm
test-sdk: ## the fake CloudWatch against the real AWS SDK (npm)
	$(Q)tests/run $(BUILD) sdk

.PHONY: check fuzzers
check: ## what must hold besides the tests: both compilers, style, documents, fuzzers
	$(Q)tests/check $(BUILD)
fuzzers: $(FUZZERS)

.PHONY: bench
bench: all $(TOOLS) ## ns per captured write beside an uncaptured one, and the agent's CPU
	$(Q)$(MAKE) --no-print-directory $(BUILD)/tests/write_cost
	$(Q)tests/bench/run $(BUILD)

$(BUILD)/tests/write_cost: tests/bench/write_cost.c $(BUILD)/release/source.a $(BUILD)/release/base.a
	@mkdir -p $(@D)
	$(call say,BENCH,$@)$(CC) $(TEST_FLAGS) -o $@ $< $(call together,$(filter %.a,$^)) $(LDLIBS)

# Everything else -----------------------------------------------------------------------------------------------

.PHONY: deps demo install clean help
deps: ## install what building and testing need (apt; dnf on Amazon Linux 2023)
	$(Q)deploy/deps

demo: deps ## install what is missing, build, and show a command's output captured and made into CloudWatch events
	$(Q)$(MAKE) --no-print-directory -j2 all
	$(Q)deploy/demo $(BUILD)/ringtail

install: all ## install under PREFIX (/usr/local), with DESTDIR in front
	$(Q)install -D -m 755 $(BUILD)/ringtail $(DESTDIR)$(PREFIX)/bin/ringtail
	$(Q)install -D -m 644 $(BUILD)/ringtail.8 $(DESTDIR)$(PREFIX)/share/man/man8/ringtail.8
	$(Q)$(BUILD)/ringtail config --defaults > $(BUILD)/ringtail.yaml
	$(Q)install -D -m 644 $(BUILD)/ringtail.yaml $(DESTDIR)$(PREFIX)/share/doc/ringtail/ringtail.yaml
	$(Q)sed 's|@PREFIX@|$(PREFIX)|' deploy/ringtail.service > $(BUILD)/ringtail.service
	$(Q)install -D -m 644 $(BUILD)/ringtail.service $(DESTDIR)$(PREFIX)/lib/systemd/system/ringtail.service

clean: ## remove build/
	$(Q)rm -rf $(BUILD)

help: ## print this
	$(Q)awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

-include $(shell find $(BUILD) -path $(BUILD)/vm -prune -o -type f -name '*.d' -print 2>/dev/null)
