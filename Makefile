# SPDX-License-Identifier: GPL-2.0
#
# KIS. Every target does its own set-up in the cache ($KIS_CACHE, default ~/.cache/kis): see
# `make help`. The kernel's build of the module itself is in Kbuild.

SHELL := /bin/bash
.DEFAULT_GOAL := all
MAKEFLAGS += --no-print-directory

PREFIX ?= /usr/local
DESTDIR ?=
KERNEL ?= release
MINUTES ?= 60
# A soak is for the debug kernel unless another one is asked for.
SOAK_KERNEL := $(if $(filter command environment,$(firstword $(origin KERNEL))),$(KERNEL),debug)

.PHONY: all help demo vm install test test-core test-kunit test-vm test-demo test-debug soak lint bench-abuse bench-benign \
	bench-evasion bench-keep bench-hooks bench-requests bench-rules bench-scan bench-suricata-verify bench-ticker \
	module kisctl toolchain kernel guest doc fmt fmt-check clean distclean

##@ Use it

help: ## this list
	@echo 'make TARGET'
	@awk '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z-]*:.*## / { name = $$1; sub(/:.*/, "", name); sub(/^[^#]*## /, ""); printf "  %-13s %s\n", name, $$0 }' \
		$(firstword $(MAKEFILE_LIST))
	@echo
	@echo 'Everywhere'
	@echo '  KIS_CACHE=DIR    where everything is kept (default ~/.cache/kis)'
	@echo '  KIS_MIRROR=URL   Debian mirror (default: that of the host'"'"'s apt)'
	@echo '  KERNEL=debug     another kernel, for vm, module, kernel and soak'
	@echo
	@echo 'For vm'
	@echo '  SHARE=DIR        DIR of the host appears read-write at /mnt/share'
	@echo '  START="NAME..."  servers to start before the shell: apache, nginx, postgresql,'
	@echo '                   redis, sshd, vsftpd'

demo: ## a real server is learned, attacked and protected, in the guest
	@scripts/demo

vm: ## a shell in the guest, with kis.ko loaded (SHARE=, START=)
	@scripts/vm shell --kernel $(KERNEL) $(if $(SHARE),--share '$(SHARE)') $(if $(START),--start '$(START)')

install: ## kisctl, its manual, schemas, headers, below $(DESTDIR)$(PREFIX)
	@scripts/install '$(DESTDIR)' '$(PREFIX)'

##@ Tests

test: ## all tests but those of the debug kernel
	@scripts/test core kunit harness vm demo

test-core: ## kis-core and kisctl under cargo
	@scripts/test core

test-kunit: ## unit tests in the kernel
	@scripts/test kunit

test-vm: ## scenarios in the guest (ONLY=name for one)
	@scripts/test $(if $(ONLY),--only '$(ONLY)') $(if $(ONLY),,harness) vm

test-demo: ## the demo, and its control without KIS
	@scripts/test demo

test-debug: ## unit tests and scenarios with KASAN, lockdep, kmemleak (ONLY=name for one)
	@scripts/test --kernel debug $(if $(ONLY),--only '$(ONLY)',kunit) vm

soak: ## hostile processes in a reloaded cell (MINUTES=60, KERNEL=debug)
	@scripts/vm run --kernel $(SOAK_KERNEL) --timeout $$(($(MINUTES) * 60 + 900)) tests/soak/soak.sh $(MINUTES)

lint: ## every check of the sources
	@scripts/lint

##@ Benches

bench-abuse: ## live attacks on learned servers: noticed? prevented?
	@scripts/bench-abuse

bench-benign: ## how often there is danger when nothing happens but work
	@scripts/bench-benign

bench-evasion: ## packets that servers and KIS could read differently (DATA=dir)
	@DATA='$(DATA)' scripts/bench-evasion

bench-keep: ## do servers go on when they are held to what they have learned?
	@scripts/bench-keep

bench-hooks: ## instructions that KIS, and AppArmor, add to a file open
	@scripts/bench-hooks

bench-scan: ## instructions that signatures add to a received byte
	@scripts/bench-scan

bench-requests: ## imported rules on requests of attackers and of others (DATA=dir)
	@DATA='$(DATA)' RULES='$(RULES)' scripts/bench-requests

bench-rules: ## imported rules on traffic made for them, beside Suricata (RULES=file)
	@RULES='$(RULES)' VERBOSE='$(VERBOSE)' scripts/bench-rules

bench-suricata-verify: ## Suricata's tests of matching, for imported rules (DATA=dir)
	@DATA='$(DATA)' scripts/bench-suricata-verify

bench-ticker: ## instructions that a window costs, with few and many threads
	@scripts/bench-ticker

# One that is not listed yet.
bench-%: FORCE
	@test -x scripts/bench-$* || { echo 'kis: there is no benchmark called $*' >&2; exit 1; }
	@scripts/bench-$*

##@ Build (the targets above do it by themselves)

all: module kisctl ## kis.ko for the test kernel, and kisctl

module: ## kis.ko
	@scripts/module build $(KERNEL)
	@echo "$$(scripts/module path $(KERNEL))/kis.ko"

kisctl: ## kisctl
	@scripts/kisctl build
	@scripts/kisctl path

toolchain: ## the toolchain root
	@scripts/toolchain build

kernel: ## the patched kernel
	@scripts/kernel build $(KERNEL)

guest: ## the guest image
	@scripts/guest build

doc: ## the Rust documentation, in the cache
	@scripts/kisctl cargo doc --locked --offline --no-deps --document-private-items
	@echo "$$(dirname "$$(dirname "$$(scripts/kisctl path)")")/doc"

##@ Tidy

fmt: ## format the Rust sources
	@scripts/lint --fix rustfmt

fmt-check: ## are the Rust sources formatted?
	@scripts/lint rustfmt

clean: ## remove what was built from this repo (module, kisctl)
	@scripts/clean

distclean: ## remove the whole cache
	@scripts/clean all

FORCE:
