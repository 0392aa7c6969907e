# The front door: installs what is missing (setup/), then drives Meson. `make help` lists what there is.

prefix ?= /usr/local
DESTDIR ?=
ARGS ?=
TESTS ?=

.PHONY: help run build test test-long bench install clean
.DEFAULT_GOAL := help

help:
	@echo 'make run         build, measure this machine, leave chase.json, .svg and .html in out/ (ARGS=--quick)'
	@echo 'make build       leave the program at build/vcost'
	@echo 'make test        run every test, installing what they need; test-long adds the slow ones (TESTS="size rooms": only these)'
	@echo 'make bench       how fast vcost itself is'
	@echo 'make install     install it (prefix=$(prefix), DESTDIR=$(DESTDIR))'
	@echo 'make clean       remove what was built'

run:
	@setup/install build run
	@setup/build build
	@mkdir -p out
	build/vcost chase --json out/chase.json --svg out/chase.svg --html out/chase.html $(ARGS)

build:
	@setup/install build
	@setup/build build

test:
	@tests/run $(TESTS)

test-long:
	@tests/run --long $(TESTS)

bench: build
	@bench/run build/vcost

install: build
	@meson configure build -Dprefix=$(prefix)
	@setup/build build
	@DESTDIR='$(DESTDIR)' meson install -C build --no-rebuild --quiet

clean:
	rm -rf build build-asan out
