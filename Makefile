# SPDX-License-Identifier: GPL-2.0-only
#
# User targets only: Kbuild builds the module, scripts/ do the rest.

KDIR ?= /lib/modules/$(shell uname -r)/build
MO ?= $(CURDIR)/.build/module
kbuild = $(MAKE) -C $(KDIR) M=$(CURDIR) MO=$(MO)

modules: ## the module, for the kernel whose build folder is KDIR; the default
	$(kbuild) modules

install: modules ## installs the module for that kernel
	$(kbuild) modules_install

choosers: ## the ready-made BPF choosers and their loader, into .build/choosers; CLANG=COMMAND: without the build root
	$(if $(CLANG),$(MAKE) -C scripts/choosers CLANG="$(CLANG)",scripts/build choosers)

demo: ## a tour in a virtual machine, from a bare machine on
	scripts/demo

shell: ## the same machine with a prompt
	scripts/vm

check: ## all tests on both stock kernels
	scripts/check 7.2 7.3

check-debug: ## all kselftests on a kernel with KASAN, lockdep and kmemleak
	scripts/check debug

suites: ## pjdfstest, fsx, fio and stress-ng on each branch filesystem, against the bare branch; hours without KVM
	scripts/suites

xfstests: ## XFSTESTS=FOLDER: xfstests that is there and built, bare and on switchfs (BRANCH=ext4 GROUP=generic/quick TESTS=)
	scripts/xfstests $(if $(BRANCH),--branch $(BRANCH)) $(if $(GROUP),--group $(GROUP)) "$(XFSTESTS)" $(TESTS)

lint: ## all checkers
	scripts/lint

bench-quick: ## counted instructions: native, bind mount, overlayfs and switchfs
	scripts/bench-quick

clean: ## removes what was built in the checkout
	rm -rf .build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' Makefile

.PHONY: modules install choosers demo shell check check-debug suites xfstests lint bench-quick clean help
