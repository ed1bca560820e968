# The front of the project. Meson and Ninja do the building; each target first installs the Debian
# packages that it lacks and says so (tools/packages). `make help` lists the targets.
BUILD  ?= build
PREFIX ?= /usr/local

# Pools are mounted and PostgreSQL runs as its own user: that takes root.
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo --preserve-env)

export BUILD

.DEFAULT_GOAL := build
.PHONY: help build test test-sanitizers test-guest test-images demo demo-stop bench soak check format install

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

build: ## build $(BUILD)/rametd, ramet-gateway, ramet-log and ramet
	@tools/packages build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD)
	@ninja -C $(BUILD) rametd ramet ramet-gateway ramet-log

test: build ## all tests; the last line counts them
	@tools/packages test
	@ninja -C $(BUILD)
	@$(AS_ROOT) tools/test_summary --build $(BUILD)

test-sanitizers: ## unit tests and a part of end to end, under gcc's sanitizers, in builds of their own
	@tools/packages build test
	@$(AS_ROOT) tests/sanitize/run

test-guest: build ## contract and whole life on ZFS and LVM, in a virtual machine where this one lacks it
	@tools/packages test
	@ninja -C $(BUILD) tests/contract/test_storage
	@$(AS_ROOT) tests/guest/all $(GUEST)

test-images: build ## the images of packaging/images: those of rametd and the client are built, too
	@tools/packages test images
	@$(AS_ROOT) env RAMET_TEST_PROGRAM_IMAGES=1 RAMET_BUILD=$(abspath $(BUILD)) \
		/usr/bin/python3 -m pytest -q tests/e2e/test_images.py

demo: build ## a server with a copy of SOURCE=<connection string>, or of a pgbench database of SCALE=30
	@tools/packages demo
	@$(AS_ROOT) tools/demo

demo-stop: ## stop the demo and remove all it made
	@$(AS_ROOT) tools/demo-stop

bench: build ## measure; needs a quiet machine
	@tools/packages bench
	@$(AS_ROOT) bench/run

soak: build ## a thousand clones come and go: does the server keep what it has used? Half an hour
	@tools/packages bench
	@$(AS_ROOT) bench/soak

check: ## format, layers, sizes
	@tools/packages check
	@tools/check_format
	@tools/check_layers --self-test && tools/check_layers
	@tools/check_sizes --self-test && tools/check_sizes
	@tools/split_source --self-test

format: ## put the C files into the one format
	@tools/packages check
	@tools/check_format --fix

install: build ## into $(DESTDIR)$(PREFIX)
	@meson configure $(BUILD) --prefix=$(PREFIX)
	@ninja -C $(BUILD) rametd ramet ramet-gateway ramet-log
	@meson install -C $(BUILD) --no-rebuild $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))
