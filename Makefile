# The front door. `make help` lists the targets; ./configure is optional and chooses paths,
# defaults and languages as that of Unit 1.35.0 does.

-include build/config.mk

PREFIX       ?= /usr/local
SBINDIR      ?= $(PREFIX)/sbin
LIBDIR       ?= $(PREFIX)/lib
INCLUDEDIR   ?= $(PREFIX)/include
MODULESDIR   ?= $(LIBDIR)/unit/modules
MANDIR       ?= $(PREFIX)/share/man
PKGCONFIGDIR ?= $(PREFIX)/share/pkgconfig
RUNSTATEDIR  ?= $(PREFIX)/var/run/unit
STATEDIR     ?= $(PREFIX)/var/lib/unit
LOGDIR       ?= $(PREFIX)/var/log/unit
TMPDIR_DEFAULT ?= /tmp
CONTROL      ?= unix:$(RUNSTATEDIR)/control.unit.sock
PIDFILE      ?= $(RUNSTATEDIR)/unit.pid
LOGFILE      ?= $(LOGDIR)/unit.log
UNIT_USER    ?= nobody
UNIT_GROUP   ?=
DEBUG        ?= 0
DESTDIR      ?=
# Only for tests of the library: PROBE=panic-probe lets c-tests/panics.c have functions panic.
PROBE        ?=
CARGO        ?= cargo
PYTHON       ?= /usr/bin/python3
PYTHON_CONFIG ?= /usr/bin/python3-config

BUILD   := build
VERSION := 1.35.0
VERNUM  := 13500
PROFILE := $(if $(D),debug,release)
TARGET  := $(or $(CARGO_TARGET_DIR),target)/$(PROFILE)
FEATURES := $(if $(filter 1,$(DEBUG)),debug) $(PROBE)
BUILD_FLAGS := --locked $(if $(D),,--release) --features "$(strip $(FEATURES))" $(if $(V),--verbose)
MODULES := $(BUILD)/lib/unit/modules
VENV    := $(BUILD)/venv
# What the Rust standard library and the regular expressions take from the system.
SYSTEM_LIBS = $(shell pkg-config --libs libpcre2-8 2>/dev/null || echo -lpcre2-8) -lpthread -ldl -lm

# The defaults of unitd's options; they are compiled in.
export NXT_CONTROL := $(CONTROL)
export NXT_PID := $(PIDFILE)
export NXT_LOG := $(LOGFILE)
export NXT_STATEDIR := $(STATEDIR)
export NXT_MODULESDIR := $(MODULESDIR)
export NXT_TMPDIR := $(TMPDIR_DEFAULT)
export NXT_USER := $(UNIT_USER)
export NXT_GROUP := $(UNIT_GROUP)
export NXT_CONFIGURE_OPTIONS := $(CONFIGURE_OPTIONS)
# Options of ./configure for the compiler and the linker.
ifneq ($(CC_OPT)$(EXTRA_CFLAGS),)
export CFLAGS := $(CC_OPT) $(EXTRA_CFLAGS)
endif
export NXT_LD_OPT := $(LD_OPT)

# What a build, the tests and the demo need besides cargo, as Debian packages.
PACKAGES      := gcc g++ clang libclang-dev make pkg-config libpcre2-dev python3-dev python3-venv
TEST_PACKAGES := curl valgrind
BENCH_PACKAGES := wrk

.PHONY: all build help deps unitd libnxt libunit manpage demo test test-rust test-c test-e2e test-configure test-fuzz test-loom lint headers bench tests
.PHONY: install unitd-install manpage-install libunit-install libnxt-install clean
.PHONY: uninstall unitd-uninstall manpage-uninstall libunit-uninstall libnxt-uninstall

# Languages that ./configure was asked for; without ./configure it is Python.
LANGUAGES := $(patsubst build/languages/%.mk,%,$(wildcard build/languages/*.mk))
ifeq ($(wildcard build/config.mk)$(LANGUAGES),)
LANGUAGES := python3
endif

all: unitd manpage $(LANGUAGES)

build: deps all libnxt libunit ## Build everything into build/, in release mode (installs what is missing).

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  NAME, NAME-install, NAME-uninstall   the language module that ./configure LANGUAGE named so"
	@echo "Variables: PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) PYTHON_CONFIG=$(PYTHON_CONFIG)"
	@echo "           D=1 without optimisation, V=1 verbose, E=0 warnings of C are not errors, EXTRA_CFLAGS="

deps: ## Install the system packages that are missing (Debian; as root).
	@./tools/packages $(PACKAGES) $(TEST_PACKAGES)

unitd: $(BUILD)/include/nxt_auto_config.h ## The daemon.
	$(CARGO) build $(BUILD_FLAGS)
	@install -d $(BUILD)/sbin $(BUILD)/lib $(MODULES)
	@install -m 755 $(TARGET)/unitd $(BUILD)/sbin/unitd

# What the daemon and libnxt.so export.
$(BUILD)/nxt.syms: exports/nxt.syms exports/debug.syms $(wildcard build/config.mk)
	@install -d $(@D)
	LC_ALL=C sort exports/nxt.syms $(if $(filter 1,$(DEBUG)),exports/debug.syms) > $@

# What rustc leaves for itself in libnxt.a confuses binutils' own plugins, so it goes.
libnxt: unitd $(BUILD)/nxt.syms ## libnxt.a and libnxt.so.
	objcopy --remove-section=.llvmbc --remove-section=.llvmcmd $(TARGET)/libnxt.a $(BUILD)/lib/libnxt.a
	CC="$(CC)" ./tools/shared-library libnxt.so.1 $(BUILD)/nxt.syms $(BUILD)/lib/libnxt.so.1 \
	    $(BUILD)/lib/libnxt.a $(filter-out -pie,$(LD_OPT)) $(SYSTEM_LIBS)
	ln -sf libnxt.so.1 $(BUILD)/lib/libnxt.so

# The shared one is apart: a linker prefers it, and few applications want it.
libunit: libnxt ## libunit.a and shared/libunit.so.
	./tools/libunit $(BUILD)/lib/libnxt.a exports/unit.syms $(BUILD)/lib/libunit.a
	@install -d $(BUILD)/lib/shared
	CC="$(CC)" ./tools/shared-library libunit.so.1 exports/unit.syms $(BUILD)/lib/shared/libunit.so.1 \
	    $(BUILD)/lib/libnxt.a $(filter-out -pie,$(LD_OPT)) -lpthread -ldl -lm
	ln -sf libunit.so.1 $(BUILD)/lib/shared/libunit.so

# The files by the names that recipes of packages know.
$(BUILD)/sbin/unitd: unitd ;
$(BUILD)/lib/libnxt.a $(BUILD)/lib/libnxt.so: libnxt ;
$(BUILD)/lib/libunit.a $(BUILD)/lib/shared/libunit.so: libunit ;

# The two headers that depend on the configuration, as they are installed.
$(BUILD)/include/nxt_auto_config.h: include/nxt_auto_config.h include/nxt_version.h $(wildcard build/config.mk)
	@install -d $(@D)
	install -m 644 include/nxt_version.h $(@D)/
	sed 's/^#define NXT_DEBUG .*/#define NXT_DEBUG $(DEBUG)/' include/nxt_auto_config.h > $@

$(BUILD)/share/%: tools/templates/%.in $(wildcard build/config.mk)
	@install -d $(@D)
	sed -e 's|@VERSION@|$(VERSION)|g' -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' \
	    -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|g' -e 's|@MODULESDIR@|$(MODULESDIR)|g' -e 's|@STATEDIR@|$(STATEDIR)|g' \
	    -e 's|@CONFARGS@|$(subst ','\'',$(strip $(CONFIGURE_OPTIONS)))|g' -e 's|@SYSTEM_LIBS@|$(SYSTEM_LIBS)|g' \
	    -e 's|@PID@|$(PIDFILE)|g' -e 's|@LOG@|$(LOGFILE)|g' -e 's|@CONTROL@|$(CONTROL)|g' \
	    -e 's|@TMPDIR@|$(TMPDIR_DEFAULT)|g' -e 's|@USER@|$(UNIT_USER)|g' $< > $@

manpage: $(BUILD)/share/man/man8/unitd.8

# A language: its module is built by modules/module.mk from what ./configure wrote.
LANGUAGE_MAKE = $(MAKE) -f modules/module.mk CC="$(CC)" CC_OPT="$(CC_OPT)" LD_OPT="$(LD_OPT)" \
    MODULESDIR=$(MODULESDIR) DESTDIR=$(DESTDIR) VERSION=$(VERSION) VERNUM=$(VERNUM)

define language_rules
.PHONY: $(1) $(1)-install $(1)-uninstall
$(1): libunit $(BUILD)/languages/$(1).mk
	+$$(LANGUAGE_MAKE) NAME=$(1) build
$(MODULES)/$(1).unit.so: $(1) ;
$(1)-install: $(1)
	+$$(LANGUAGE_MAKE) NAME=$(1) install
$(1)-uninstall:
	+$$(LANGUAGE_MAKE) NAME=$(1) uninstall
endef
$(foreach language,$(LANGUAGES),$(eval $(call language_rules,$(language))))

# Without ./configure: the defaults, and Python.
$(BUILD)/languages/python3.mk:
	CC="$(CC)" ./tools/configure-language python --config=$(PYTHON_CONFIG) --module=python3

$(VENV)/.ready: tests/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	touch $@

demo: build $(VENV)/.ready ## Serve Flask, Starlette and static files, show requests and answers (KEEP=1 keeps it running).
	$(VENV)/bin/python demo/run.py --build $(BUILD) --venv $(VENV) $(if $(KEEP),--keep)

test: build lint test-rust test-c test-e2e test-configure test-fuzz ## Run all tests.

lint: ## Formatting and lints; any warning is an error.
	$(CARGO) fmt --check
	$(CARGO) clippy --release --locked --all-targets -- -D warnings

test-rust: ## Unit tests of the crate.
	$(CARGO) test --locked

test-loom: ## Models of what processes do at the same time in shared memory (part of test-rust, too).
	$(CARGO) test --locked --lib ipc::models

FUZZ_SECONDS ?= 5
test-fuzz: ## Each fuzz target for FUZZ_SECONDS; see docs/SECURITY.md.
	./tools/fuzz $(FUZZ_SECONDS)

test-c: libnxt libunit ## C programs against the headers and libraries.
	$(MAKE) -C c-tests BUILD=$(CURDIR)/$(BUILD)

test-e2e: build $(VENV)/.ready ## The real daemon with real applications (ARGS= goes to pytest).
	$(VENV)/bin/python -m pytest tests -q $(ARGS)

test-configure: ## ./configure, make, make install as recipes of packages use them.
	./tests/configure.sh

# The name that recipes of packages know: it builds the C programs and build/tests, which runs them.
tests: libnxt libunit ## Build build/tests, which runs the C programs.
	$(MAKE) -C c-tests BUILD=$(CURDIR)/$(BUILD) programs
	printf '#!/bin/sh\nexec make -C "%s/c-tests" BUILD="%s/%s"\n' "$(CURDIR)" "$(CURDIR)" "$(BUILD)" > $(BUILD)/tests
	chmod 755 $(BUILD)/tests

headers: ## Write include/ anew from src/abi and src/capi.
	./tools/headers

bench: build ## Compare with another unitd: make bench REF=/path/to/unitd,/path/to/modules
	@./tools/packages $(BENCH_PACKAGES)
	$(PYTHON) benches/load.py ours=$(CURDIR)/$(BUILD)/sbin/unitd,$(CURDIR)/$(MODULES) $(if $(REF),ref=$(REF))

install: unitd-install manpage-install $(LANGUAGES:%=%-install) ## Install the daemon, its manual page and the languages under DESTDIR.

unitd-install: unitd
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(RUNSTATEDIR) $(DESTDIR)$(LOGDIR) $(DESTDIR)$(MODULESDIR)
	install -d -m 700 $(DESTDIR)$(STATEDIR)
	install -p -m 755 $(BUILD)/sbin/unitd $(DESTDIR)$(SBINDIR)/

manpage-install: manpage
	install -d $(DESTDIR)$(MANDIR)/man8
	install -p -m 644 $(BUILD)/share/man/man8/unitd.8 $(DESTDIR)$(MANDIR)/man8/

# The headers of applications.
UNIT_HEADERS := $(addprefix include/,nxt_unit.h nxt_unit_field.h nxt_unit_request.h nxt_unit_response.h \
    nxt_unit_sptr.h nxt_unit_typedefs.h nxt_unit_websocket.h nxt_websocket_header.h)
CONFIGURED_HEADERS := $(BUILD)/include/nxt_auto_config.h $(BUILD)/include/nxt_version.h

libunit-install: libunit $(BUILD)/share/pkgconfig/unit.pc ## Install libunit.a for applications, its headers and unit.pc.
	install -d $(DESTDIR)$(LIBDIR) $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(PKGCONFIGDIR)
	install -p -m 644 $(BUILD)/lib/libunit.a $(DESTDIR)$(LIBDIR)/
	install -p -m 644 $(UNIT_HEADERS) $(CONFIGURED_HEADERS) $(DESTDIR)$(INCLUDEDIR)/
	install -p -m 644 $(BUILD)/share/pkgconfig/unit.pc $(DESTDIR)$(PKGCONFIGDIR)/

libnxt-install: libnxt libunit $(BUILD)/share/pkgconfig/nxt.pc ## Install libnxt, the shared libunit, all headers and nxt.pc.
	install -d $(DESTDIR)$(LIBDIR) $(DESTDIR)$(INCLUDEDIR)/nxt $(DESTDIR)$(PKGCONFIGDIR)
	install -p -m 644 $(BUILD)/lib/libnxt.a $(DESTDIR)$(LIBDIR)/
	install -p -m 755 $(BUILD)/lib/libnxt.so.1 $(BUILD)/lib/shared/libunit.so.1 $(DESTDIR)$(LIBDIR)/
	ln -sf libnxt.so.1 $(DESTDIR)$(LIBDIR)/libnxt.so
	ln -sf libunit.so.1 $(DESTDIR)$(LIBDIR)/libunit.so
	install -p -m 644 include/*.h $(DESTDIR)$(INCLUDEDIR)/nxt/
	install -p -m 644 $(CONFIGURED_HEADERS) $(DESTDIR)$(INCLUDEDIR)/nxt/
	install -p -m 644 $(BUILD)/share/pkgconfig/nxt.pc $(DESTDIR)$(PKGCONFIGDIR)/

uninstall: unitd-uninstall manpage-uninstall $(LANGUAGES:%=%-uninstall) ## Remove what install installed.

unitd-uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/unitd

manpage-uninstall:
	rm -f $(DESTDIR)$(MANDIR)/man8/unitd.8

libunit-uninstall:
	rm -f $(DESTDIR)$(LIBDIR)/libunit.a $(DESTDIR)$(PKGCONFIGDIR)/unit.pc
	rm -f $(addprefix $(DESTDIR)$(INCLUDEDIR)/,$(notdir $(UNIT_HEADERS) $(CONFIGURED_HEADERS)))

libnxt-uninstall:
	rm -f $(addprefix $(DESTDIR)$(LIBDIR)/,libnxt.a libnxt.so libnxt.so.1 libunit.so libunit.so.1)
	rm -rf $(DESTDIR)$(INCLUDEDIR)/nxt $(DESTDIR)$(PKGCONFIGDIR)/nxt.pc

clean: ## Remove everything that was built or configured.
	rm -rf $(BUILD)
	$(CARGO) clean
