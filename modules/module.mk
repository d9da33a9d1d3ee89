# Builds, installs or removes the language module that build/languages/NAME.mk describes; the
# Makefile calls it: make -f modules/module.mk NAME=python3 build

BUILD   := build
include $(BUILD)/languages/$(NAME).mk

OUT     := $(BUILD)/lib/unit/modules/$(NAME).unit.so
OBJDIR  := $(BUILD)/languages/$(NAME)
CARGO   ?= cargo
LIBUNIT := $(BUILD)/lib/libunit.a
objects := $(patsubst %.c,$(OBJDIR)/%.o,$(notdir $(SOURCES)))
vpath %.c $(sort $(dir $(SOURCES)))

# Our own modules compile without a warning; the headers of an interpreter need not.
own      := $(filter modules/%,$(SOURCES))
WARNINGS := $(if $(own),-Wall -Wextra -Wmissing-prototypes -Wwrite-strings $(if $(filter 0,$(E)),,-Werror))
CFLAGS   := $(if $(D),-O0,-O2) -g $(CC_OPT) $(EXTRA_CFLAGS)

# Only nxt_app_module is visible: modules are loaded with RTLD_GLOBAL, and a libunit that showed
# would serve other modules, too.
flags := -std=gnu11 -fPIC -fvisibility=hidden -fno-strict-aliasing -fno-strict-overflow -funsigned-char \
         -isystem $(BUILD)/include -isystem include -I$(BUILD)/languages \
         $(subst -I,-isystem ,$(FLAGS)) $(WARNINGS)

# Go, Node.js, Java and Rust have tools of their own.
kind := $(if $(filter go nodejs java wasm-wasi-component,$(LANGUAGE)),$(LANGUAGE),shared)

.PHONY: build install uninstall
build: build-$(kind)
install: install-$(kind)
uninstall: uninstall-$(kind)

.PHONY: build-shared install-shared uninstall-shared
build-shared: $(OUT)

$(OUT): $(objects) $(LIBUNIT)
	@mkdir -p $(@D)
	$(if $(V),,@echo '  LD  $@';) $(CC) -shared -o $@ $(objects) $(LIBUNIT) -Wl,--exclude-libs,ALL $(LD_OPT) $(LIBS)

$(OBJDIR)/%.o: %.c $(BUILD)/languages/$(NAME).mk
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC  $<';) $(CC) -c $(CFLAGS) $(flags) -MMD -MP -o $@ $<

install-shared: $(OUT)
	install -d $(DESTDIR)$(MODULESDIR)
	install -p $(OUT) $(DESTDIR)$(MODULESDIR)/

uninstall-shared:
	rm -f $(DESTDIR)$(MODULESDIR)/$(NAME).unit.so

.PHONY: build-go install-go uninstall-go
GO_PACKAGE := $(DESTDIR)$(firstword $(subst :, ,$(GO_PATH)))/src/unit.nginx.org/go

# The package is compiled where it is installed.
build-go: ;

install-go: $(LIBUNIT)
	install -d $(GO_PACKAGE)
	install -p -m 644 $(SOURCES)/* $(GO_PACKAGE)/
	{ echo 'package unit'; echo '/*'; \
	  echo '#cgo CPPFLAGS: -I$(CURDIR)/$(BUILD)/include -I$(CURDIR)/include'; \
	  echo '#cgo LDFLAGS: -L$(CURDIR)/$(BUILD)/lib $(LD_OPT)'; \
	  echo '*/'; echo 'import "C"'; } > $(GO_PACKAGE)/env.go
	cd $(GO_PACKAGE) && GO111MODULE=auto GOPATH=$(DESTDIR)$(GO_PATH) $(INTERPRETER) build unit.nginx.org/go

uninstall-go:
	rm -rf $(GO_PACKAGE)

.PHONY: build-nodejs install-nodejs uninstall-nodejs copy-nodejs
NODE_PACKAGE := $(OBJDIR)/unit-http
NODE_BUILD   := cd $(NODE_PACKAGE) && UNIT_SRC_PATH=$(CURDIR)/include UNIT_BUILD_PATH=$(CURDIR)/$(BUILD) \
                UNIT_LIB_STATIC_PATH=$(CURDIR)/$(LIBUNIT)

copy-nodejs: $(LIBUNIT)
	rm -rf $(NODE_PACKAGE)
	mkdir -p $(OBJDIR)
	cp -rp $(SOURCES) $(NODE_PACKAGE)
	rm -f $(NODE_PACKAGE)/binding_pub.gyp
	echo '#define NXT_NODE_VERNUM $(VERNUM)' > $(NODE_PACKAGE)/version.h
	sed 's|%%VERSION%%|$(VERSION)|' $(SOURCES)/package.json > $(NODE_PACKAGE)/package.json

build-nodejs: copy-nodejs
	$(NODE_BUILD) $(NODE_GYP) configure build
	rm -rf $(NODE_PACKAGE)/build/Release/obj.target

# Compiled here: whether npm runs the scripts of a package depends on its settings.
install-nodejs: build-nodejs
	$(NPM) install $(if $(LOCAL)$(DESTDIR),--prefix $(DESTDIR)$(LOCAL),-g) --ignore-scripts --install-links \
	    $(CURDIR)/$(NODE_PACKAGE)

uninstall-nodejs:
	$(NPM) uninstall $(if $(LOCAL)$(DESTDIR),--prefix $(DESTDIR)$(LOCAL),-g) unit-http

.PHONY: build-java install-java uninstall-java
JAVA_OUT  := $(BUILD)/languages/$(NAME).classes
JAR_DIR   := $(BUILD)/languages/$(NAME).jars
API_JAR   := $(JAR_DIR)/websocket-api-$(NAME)-$(VERSION).jar
UNIT_JAR  := $(JAR_DIR)/nginx-unit-jsc-$(NAME)-$(VERSION).jar
USED_JARS := $(filter-out $(API_JAR) $(UNIT_JAR),$(wildcard $(JAR_DIR)/*.jar))
empty     :=
CLASSPATH := $(subst $(empty) $(empty),:,$(strip $(USED_JARS)))

build-java: build-shared $(UNIT_JAR)

# The jar of one package: its classes, its other files, and the licence.
java_jar = $(if $(V),,@echo '  JAR $@'; )rm -rf $(JAVA_OUT)/$(1) && mkdir -p $(JAVA_OUT)/$(1)/META-INF && \
    find $(JAVA_SOURCE)/$(1) -name '*.java' > $(JAVA_OUT)/$(1)/sources && \
    $(JAVA_HOME)/bin/javac -nowarn -encoding utf-8 -d $(JAVA_OUT)/$(1) -cp $(CLASSPATH)$(2) @$(JAVA_OUT)/$(1)/sources && \
    (cd $(JAVA_SOURCE) && find $(1) -name '*.properties') | \
        while read -r file; do cp $(JAVA_SOURCE)/$$file $(JAVA_OUT)/$(1)/$$file || exit 1; done && \
    cp $(JAVA_SOURCE)/../../LICENSE $(JAVA_SOURCE)/../../NOTICE $(JAVA_OUT)/$(1)/META-INF/ && \
    $(JAVA_HOME)/bin/jar cf $@ -C $(JAVA_OUT)/$(1) META-INF -C $(JAVA_OUT)/$(1) $(1)

$(API_JAR): $(BUILD)/languages/$(NAME).mk
	$(call java_jar,javax/websocket)

$(UNIT_JAR): $(API_JAR)
	$(call java_jar,nginx/unit,:$<)

install-java: build-java install-shared
	install -d $(DESTDIR)$(JARS)
	install -p -m 644 $(API_JAR) $(UNIT_JAR) $(USED_JARS) $(DESTDIR)$(JARS)/

uninstall-java: uninstall-shared
	rm -f $(addprefix $(DESTDIR)$(JARS)/,$(notdir $(API_JAR) $(UNIT_JAR) $(USED_JARS)))

.PHONY: build-wasm-wasi-component install-wasm-wasi-component uninstall-wasm-wasi-component
COMPONENT        := $(OBJDIR)/src/wasm-wasi-component
COMPONENT_MODULE := wasm_wasi_component.unit.so
COMPONENT_BUILT  := $(OBJDIR)/target/$(if $(D),debug,release)/libwasm_wasi_component.so

# The crate looks for the headers and for libunit as one object where they are in a tree of Unit.
build-wasm-wasi-component: $(LIBUNIT)
	mkdir -p $(OBJDIR)/src $(OBJDIR)/build/src
	cp -rp $(SOURCES) $(OBJDIR)/src/
	cp -p include/*.h $(OBJDIR)/src/
	ln -sfn $(CURDIR)/$(BUILD)/include $(OBJDIR)/build/include
	ld -r --whole-archive $(LIBUNIT) -o $(OBJDIR)/build/src/nxt_unit.o
	CARGO_TARGET_DIR=$(CURDIR)/$(OBJDIR)/target $(CARGO) build --locked $(if $(D),,--release) \
	    --manifest-path $(COMPONENT)/Cargo.toml
	mkdir -p $(dir $(OUT))
	install -p $(COMPONENT_BUILT) $(dir $(OUT))$(COMPONENT_MODULE)

install-wasm-wasi-component: build-wasm-wasi-component
	install -d $(DESTDIR)$(MODULESDIR)
	install -p $(dir $(OUT))$(COMPONENT_MODULE) $(DESTDIR)$(MODULESDIR)/

uninstall-wasm-wasi-component:
	rm -f $(DESTDIR)$(MODULESDIR)/$(COMPONENT_MODULE)

-include $(objects:.o=.d)
