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

.PHONY: all help demo test test-core test-kunit test-vm test-demo test-debug soak bench-hooks bench-ticker lint fmt fmt-check \
	module kisctl vm toolchain kernel guest install doc clean distclean

all: module kisctl ## kis.ko for the test kernel, and kisctl

help: ## this list
	@echo 'make TARGET'
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'
	@echo
	@echo 'KIS_CACHE=DIR    where everything is kept (default ~/.cache/kis)'
	@echo 'KIS_MIRROR=URL   Debian mirror (default: that of the host'"'"'s apt)'
	@echo 'KERNEL=debug     another kernel for module and vm'
	@echo 'SHARE=DIR        for vm: DIR of the host appears read-write at /mnt/share'
	@echo 'START="NAME..."  for vm: servers to start before the shell: apache, nginx,'
	@echo '                 postgresql, redis, sshd, vsftpd'
	@echo 'DESTDIR, PREFIX  for install'

demo: ## a real server is learned, attacked and protected, in the guest
	@scripts/demo

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

test-debug: ## unit tests and scenarios on the debug kernel (KASAN, lockdep, kmemleak)
	@scripts/test --kernel debug kunit vm

bench-%: FORCE
	@test -x scripts/bench-$* || { echo 'kis: there is no benchmark called $*' >&2; exit 1; }
	@scripts/bench-$*

soak: ## hostile processes in a cell for MINUTES=60 while it is reloaded, on KERNEL=debug
	@scripts/vm run --kernel $(SOAK_KERNEL) --timeout $$(($(MINUTES) * 60 + 900)) tests/soak/soak.sh $(MINUTES)

bench-hooks: ## instructions that KIS, and AppArmor, add to a file open
	@scripts/bench-hooks

bench-ticker: ## instructions that a window costs, with few and with many threads
	@scripts/bench-ticker

lint: ## every check of the sources
	@scripts/lint

fmt: ## format the Rust sources
	@scripts/lint --fix rustfmt

fmt-check: ## are the Rust sources formatted?
	@scripts/lint rustfmt

module: ## kis.ko
	@scripts/module build $(KERNEL)
	@echo "$$(scripts/module path $(KERNEL))/kis.ko"

kisctl: ## kisctl
	@scripts/kisctl build
	@scripts/kisctl path

vm: ## a shell in the guest, with kis.ko loaded
	@scripts/vm shell --kernel $(KERNEL) $(if $(SHARE),--share '$(SHARE)') $(if $(START),--start '$(START)')

toolchain: ## the toolchain root
	@scripts/toolchain build

kernel: ## the patched kernel
	@scripts/kernel build $(KERNEL)

guest: ## the guest image
	@scripts/guest build

install: ## kisctl, its manual, the schemas and the headers, below $(DESTDIR)$(PREFIX)
	@scripts/install '$(DESTDIR)' '$(PREFIX)'

doc: ## the Rust documentation, in the cache
	@scripts/kisctl cargo doc --locked --offline --no-deps --document-private-items
	@echo "$$(dirname "$$(dirname "$$(scripts/kisctl path)")")/doc"

clean: ## remove what was built from this repo (module, kisctl)
	@scripts/clean

distclean: ## remove the whole cache
	@scripts/clean all

FORCE:
