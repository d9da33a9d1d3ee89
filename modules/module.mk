# Builds, installs or removes the language module that build/languages/NAME.mk describes; the
# Makefile calls it: make -f modules/module.mk NAME=python3 build

BUILD   := build
include $(BUILD)/languages/$(NAME).mk

OUT     := $(BUILD)/lib/unit/modules/$(NAME).unit.so
OBJDIR  := $(BUILD)/languages/$(NAME)
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

# Go and Node.js are built by tools of their own.
kind := $(if $(filter go nodejs,$(LANGUAGE)),$(LANGUAGE),shared)

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

-include $(objects:.o=.d)
