# What can be done with lom: "make help" lists it. Only Go is needed; `make test` also uses other
# IPMI programs where it can get them (see scripts/install-peers).

VERSION     := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
APIDIFF     := golang.org/x/exp/cmd/apidiff@v0.0.0-20261113113407-e3970619a1a4
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
PREFIX      := /usr/local
PLATFORMS   := linux/amd64 linux/arm64 darwin/arm64 windows/amd64 freebsd/amd64 illumos/amd64

# The race detector needs a C compiler; without one the same tests run without it.
RACE := $(shell command -v $$(go env CC) >/dev/null 2>&1 && echo -race)

export CGO_ENABLED = 0

.PHONY: help build install demo machine test short lint apidiff fuzz soak soak-kill soak-net perf cross \
	peers generate clean

build: ## the static binary bin/lom
	go build -trimpath -ldflags '-s -w -X lom/cli.version=$(VERSION)' -o bin/lom ./cmd/lom

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: build ## bin/lom, its manual pages and completions, below $(PREFIX)
	install -D -m 755 bin/lom $(DESTDIR)$(PREFIX)/bin/lom
	bin/lom man $(DESTDIR)$(PREFIX)/share/man/man1
	@mkdir -p $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	bin/lom completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/lom
	bin/lom completion zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_lom
	bin/lom completion fish >$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/lom.fish

demo: build ## a rack of eight servers to try things on
	bin/lom demo

machine: ## a QEMU machine behind a BMC, from BIOS to log-in
	@$(MAKE) --no-print-directory -s build peers
	@scripts/machine

test: peers ## all tests, against other IPMI programs too
	CGO_ENABLED=$(if $(RACE),1,0) go test $(RACE) -timeout 40m ./...

peers: ## the programs that the tests talk to
	@scripts/install-peers

short: ## the tests that need no other programs and little time
	go test -short ./...

lint: ## gofmt, go vet, staticcheck, language, go.mod, vulnerabilities, API
	@bad=$$(git ls-files '*.go' | xargs gofmt -l); [ -z "$$bad" ] || { echo "not as gofmt writes it:"; echo "$$bad"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	scripts/lint-language
	go mod tidy -diff
	@scripts/vulnerabilities $(GOVULNCHECK)
	@scripts/apidiff $(APIDIFF)

fuzz: ## every fuzz target, five seconds each
	@scripts/fuzz 5s

# How long, and with how many BMCs, soak-net lasts.
SOAK      := 30m
SOAK_BMCS := 10000

soak: soak-kill soak-net ## both of the next two

soak-kill: ## a thousand kill -9 of a BMC that is being written to
	go test -count=1 -timeout 60m -run Kill ./test/faults -args -kills=1000

soak-net: ## half an hour of ten thousand BMCs behind a bad network: nothing grows
	go test -count=1 -timeout 0 -v -run Soak ./test/faults -args -soak=$(SOAK) -bmcs=$(SOAK_BMCS)

perf: peers ## measures again what docs/performance.md reports
	scripts/performance

cross: ## builds for every platform that is supported
	@for p in $(PLATFORMS); do echo "GOOS=$${p%/*} GOARCH=$${p#*/}"; \
	  GOOS=$${p%/*} GOARCH=$${p#*/} go build -o /dev/null ./cmd/lom && \
	  GOOS=$${p%/*} GOARCH=$${p#*/} go build ./... || exit 1; done

generate: ## the generated files, from the tags and tables they come from
	go generate ./...

clean:
	rm -rf bin dist
