# make demo   a gateway, an XMPP server and an IRC server on this machine, and a conversation
# make test   installs what the tests need, then lint and every test
#
# Both work as root and, for anybody else, through sudo.

SHELL := /bin/sh
GO ?= go
# Where Go's own installer puts it, and the servers: sudo and some users' PATH lack both.
export PATH := $(PATH):/usr/local/go/bin:/usr/local/sbin:/usr/sbin:/sbin

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)

DEMO_PACKAGES := prosody inspircd
TEST_PACKAGES := iproute2 prosody ejabberd inspircd ngircd python3-slixmpp postgresql biboumi atheme-services \
	chromium-headless-shell fonts-dejavu-core prometheus mandoc

FUZZ_TIME ?= 20s
SOAK_TIME ?= 30m

.PHONY: build demo test lint test-unit test-e2e fuzz soak bench charts deb deb-try image-try clean

build:
	CGO_ENABLED=0 $(GO) build -buildvcs=false -trimpath -ldflags '$(LDFLAGS)' -o bin/passerelle ./cmd/passerelle

# The shell hands itself over to the demo, so that Ctrl-C reaches it and nothing in between.
demo: build
	@scripts/install-packages.sh $(DEMO_PACKAGES)
	@$(GO) build -buildvcs=false -o bin/demo ./cmd/demo
	@exec bin/demo --passerelle bin/passerelle $(DEMO_ARGS)

test:
	@scripts/install-packages.sh $(TEST_PACKAGES)
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test-unit
	@$(MAKE) --no-print-directory test-e2e

lint:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags e2e ./...
	$(GO) vet -tags soak ./e2e/soak
	$(GO) tool staticcheck -tags e2e ./...
	mandoc -T lint -W warning contrib/man/passerelle.1

test-unit:
	$(GO) test -race ./...

# The end-to-end tests of one package at a time: each package starts servers of its own. They run
# the gateway as a program, which the cache of test results does not know of.
test-e2e:
	$(GO) test -race -count 1 -tags e2e -p 1 -parallel 12 -timeout 12m ./internal/harness/... ./internal/loadtest ./e2e/... ./cmd/demo/...

fuzz:
	@scripts/fuzz.sh $(FUZZ_TIME)

# Whether one who misbehaves is noticed by the others, and whether anything grows or is lost in
# SOAK_TIME.
soak:
	@scripts/install-packages.sh $(TEST_PACKAGES)
	PASSERELLE_TEST_KILLS=50 $(GO) test -count 1 -run KilledWhileWriting ./store
	SOAK_TIME=$(SOAK_TIME) $(GO) test -count 1 -tags soak -v -timeout 0 ./e2e/soak

bench:
	@scripts/install-packages.sh $(TEST_PACKAGES)
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) test -tags e2e -run '^$$' -bench ResidentMemory -benchtime 1x ./e2e
	$(GO) run ./cmd/loadtest $(LOADTEST_ARGS)

# Draws the growth curves of docs/performance.md anew.
charts:
	$(GO) run ./cmd/loadtest --charts docs/performance grow-connections grow-members grow-archive grow-room

# A Debian package in bin/.
deb: build
	@scripts/build-deb.sh '$(VERSION)' bin

# Installs the package on this machine, tries it and purges it. Needs root.
deb-try: build
	@scripts/try-deb.sh "$$(scripts/build-deb.sh '$(VERSION)' bin | tail -n 1)"

# Builds and runs the container image with buildah, for machines without a Docker engine.
image-try:
	@scripts/try-image.sh

clean:
	rm -rf bin
