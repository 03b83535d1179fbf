# Every task of the project, on Debian with a Swift toolchain. `make help` lists them.
SHELL := /bin/bash
BUILD ?= release
PREFIX ?= /usr/local
BENCH ?= request-cost waiting-requests cold-redirects cold-pull shared-download many-readers many-downloads eviction large-store
SWIFT_FILES := Package.swift Sources Tests nginx

# A sanitizer, thread or address, for `make test`.
SANITIZE ?=
# For `make fuzz`: the parsers; empty means all.
PARSERS ?=
SECONDS_EACH ?= 60
# For `make soak`: the number of scenarios.
SCENARIOS ?= 2000

.PHONY: help build run test fuzz soak bench lint install clean

help: ## list of targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

build: ## builds the program, optimised
	@scripts/install-packages run
	scripts/build $(BUILD)

run: ## runs nginx and worker on http://127.0.0.1:5000; CONFIG=file.yaml PORT=5001 BUILD=debug
	@CONFIG='$(CONFIG)' PORT='$(or $(PORT),5000)' BUILD='$(BUILD)' exec scripts/run

test: ## runs all tests against a real nginx, registry and clients; SANITIZE=thread or address uses that sanitizer
	@scripts/install-packages test
	@scripts/install-python-packages
ifeq ($(SANITIZE),)
	swift build --build-tests --explicit-target-dependency-import-check error
	swift test --skip-build
else
	scripts/test-sanitized $(SANITIZE)
endif

fuzz: ## runs every parser under libFuzzer for a minute; SECONDS_EACH=600 PARSERS='request yaml'
	@scripts/install-packages run
	@SECONDS_EACH='$(SECONDS_EACH)' scripts/fuzz $(PARSERS)

bench: ## measures the program against its floors, a quarter of an hour; BENCH='request-cost cold-pull'
	@scripts/install-packages bench
	@for name in $(BENCH); do echo "== $$name"; REGPROXY_BIN=$$(scripts/build $(BUILD)) Benchmarks/$$name.sh || exit; done

soak: ## runs faults of every kind against the proxy, some minutes; SCENARIOS=200 SEED=7 ONLY=12 LONG=1 KEEP=1 REGPROXY_BIN=file
	@scripts/install-packages soak
	@binary=$${REGPROXY_BIN:-$$(scripts/build $(BUILD))} && exec Tests/Soak/soak --binary "$$binary" \
		--scenarios '$(SCENARIOS)' --seed '$(SEED)' --only '$(ONLY)' --times '$(or $(TIMES),1)' --kinds '$(KINDS)' \
		$(if $(LONG),--long) $(if $(KEEP),--keep)

lint: ## checks format and scripts
	@scripts/install-packages lint
	swift format lint --strict --recursive $(SWIFT_FILES)
	scripts/check-layers
	shellcheck -x scripts/install-packages scripts/install-python-packages scripts/build scripts/run scripts/fuzz scripts/test-sanitized .ci/run Benchmarks/*.sh Tests/Install/try-readme

install: build ## installs below DESTDIR and PREFIX
	install -D -m 755 "$$(scripts/build $(BUILD))" $(DESTDIR)$(PREFIX)/bin/regproxy-fcgi
	install -d $(DESTDIR)$(PREFIX)/share/regproxy/nginx $(DESTDIR)$(PREFIX)/share/doc/regproxy/rules
	install -m 644 nginx/templates/*.conf $(DESTDIR)$(PREFIX)/share/regproxy/nginx/
	install -m 644 README.md LICENSE docs/*.md $(DESTDIR)$(PREFIX)/share/doc/regproxy/
	install -m 644 docs/rules/*.md $(DESTDIR)$(PREFIX)/share/doc/regproxy/rules/

clean: ## removes what was built; the store in .run stays
	rm -rf .build
