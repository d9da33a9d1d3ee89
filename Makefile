# The front door. `make help` lists the targets.

PREFIX   ?= /usr/local
SBINDIR  ?= $(PREFIX)/sbin
LIBDIR   ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
RUNSTATEDIR ?= $(PREFIX)/var/run/unit
STATEDIR ?= $(PREFIX)/var/lib/unit
LOGDIR   ?= $(PREFIX)/var/log/unit
DESTDIR  ?=
CARGO    ?= cargo
PYTHON   ?= /usr/bin/python3
PYTHON_CONFIG ?= /usr/bin/python3-config

BUILD    := build
TARGET   := $(or $(CARGO_TARGET_DIR),target)/release
MODULES  := $(BUILD)/lib/unit/modules
VENV     := $(BUILD)/venv

# The defaults of unitd's options; they are compiled in.
export NXT_CONTROL ?= unix:$(RUNSTATEDIR)/control.unit.sock
export NXT_PID ?= $(RUNSTATEDIR)/unit.pid
export NXT_LOG ?= $(LOGDIR)/unit.log
export NXT_STATEDIR ?= $(STATEDIR)
export NXT_MODULESDIR ?= $(LIBDIR)/unit/modules

# What a build, the tests and the demo need besides cargo, as Debian packages.
PACKAGES      := gcc g++ clang make pkg-config libpcre2-dev python3-dev python3-venv
TEST_PACKAGES := curl valgrind
BENCH_PACKAGES := wrk

.PHONY: help deps build libraries python demo test test-rust test-c test-e2e lint headers bench install clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Variables: PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) PYTHON=$(PYTHON) PYTHON_CONFIG=$(PYTHON_CONFIG)"

deps: ## Install the system packages that are missing (Debian; as root).
	@./tools/packages $(PACKAGES) $(TEST_PACKAGES)

build: deps libraries python ## Build everything into build/, in release mode.

# What rustc leaves for itself in libnxt.a confuses binutils' own plugins, so it goes.
libraries: ## The daemon, libnxt and libunit.
	$(CARGO) build --release --locked
	install -d $(BUILD)/sbin $(BUILD)/lib $(MODULES)
	install -m 755 $(TARGET)/unitd $(BUILD)/sbin/unitd
	objcopy --remove-section=.llvmbc --remove-section=.llvmcmd $(TARGET)/libnxt.a $(BUILD)/lib/libnxt.a
	./tools/libunit $(TARGET)/libnxt.a exports/unit.syms $(BUILD)/lib/libunit.a

python: libraries ## The Python module (PYTHON_CONFIG selects the interpreter).
	$(MAKE) -C modules/python INCLUDE=$(CURDIR)/include LIBUNIT=$(CURDIR)/$(BUILD)/lib/libunit.a \
	    PYTHON_CONFIG=$(PYTHON_CONFIG) OUT=$(CURDIR)/$(MODULES)/python3.unit.so OBJDIR=$(CURDIR)/$(BUILD)/python

$(VENV)/.ready: tests/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	touch $@

demo: build $(VENV)/.ready ## Serve Flask, Starlette and static files, show requests and answers (KEEP=1 keeps it running).
	$(VENV)/bin/python demo/run.py --build $(BUILD) --venv $(VENV) $(if $(KEEP),--keep)

test: build lint test-rust test-c test-e2e ## Run all tests.

lint: ## Formatting and lints; any warning is an error.
	$(CARGO) fmt --check
	$(CARGO) clippy --release --locked --all-targets -- -D warnings

test-rust: ## Unit tests of the crate.
	$(CARGO) test --locked

test-c: libraries ## C programs against the headers and libraries.
	$(MAKE) -C c-tests BUILD=$(CURDIR)/$(BUILD)

test-e2e: build $(VENV)/.ready ## The real daemon with real applications (ARGS= goes to pytest).
	$(VENV)/bin/python -m pytest tests -q $(ARGS)

headers: ## Write include/ anew from src/abi and src/capi.
	./tools/headers

bench: build ## Compare with another unitd: make bench REF=/path/to/unitd,/path/to/modules
	@./tools/packages $(BENCH_PACKAGES)
	$(PYTHON) benches/load.py ours=$(CURDIR)/$(BUILD)/sbin/unitd,$(CURDIR)/$(MODULES) $(if $(REF),ref=$(REF))

install: ## Install what was built under DESTDIR and PREFIX (give PREFIX to make build, too).
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(LIBDIR)/unit/modules $(DESTDIR)$(INCLUDEDIR) \
	    $(DESTDIR)$(RUNSTATEDIR) $(DESTDIR)$(LOGDIR)
	install -d -m 700 $(DESTDIR)$(STATEDIR)
	install -m 755 $(BUILD)/sbin/unitd $(DESTDIR)$(SBINDIR)/unitd
	install -m 644 $(BUILD)/lib/libnxt.a $(BUILD)/lib/libunit.a $(DESTDIR)$(LIBDIR)/
	install -m 644 include/*.h $(DESTDIR)$(INCLUDEDIR)/
	install -m 755 $(MODULES)/*.unit.so $(DESTDIR)$(LIBDIR)/unit/modules/

clean: ## Remove everything that was built.
	rm -rf $(BUILD)
	$(CARGO) clean
