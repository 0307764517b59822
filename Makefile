# Everything runs with Go alone; `make help` says what for. Servers that tests need are brought up and taken down by
# cmd/testservers; set TEST_DATABASE_URL and TEST_REDIS_URL to use your own.

SHELL := /bin/bash
.SHELLFLAGS := -o errexit -o nounset -o pipefail -c
.DEFAULT_GOAL := help

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
SERVERS  := go run ./cmd/testservers --
LINTER   := go tool -modfile=.ci/tools.mod golangci-lint
# The packages with end-to-end tests: the real program, a real browser, real SAML peers.
E2E       = $(shell grep -rlE --include='*_test.go' '^//go:build .*\be2e\b' cmd examples saml | xargs -r -n1 dirname | sort -u | sed 's|^|./|')
# The packages with proofs that have a long form.
TORTURE   = $(shell grep -rl --include='*_test.go' '^func TestTorture' cmd sales store graph | xargs -r -n1 dirname | sort -u | sed 's|^|./|')
FUZZTIME ?= 10s
WEB       = web/node_modules/.built
AUDIT     = web/audit/node_modules/.built
SCHEMA    = web/schema/node_modules/.installed
NODESAML  = saml/peers/testdata/node/node_modules/.installed

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-12s %s\n", $$1, $$2 }'

.PHONY: build
build: web ## Build bin/partnergraph with GraphiQL's assets inside
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/partnergraph ./cmd/partnergraph

.PHONY: web
web: $(WEB) ## Fetch GraphiQL's assets with npm; without npm its page loads them from a CDN

$(WEB): web/package-lock.json web/build.mjs
	@if command -v npm >/dev/null; then \
		cd web && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build && touch node_modules/.built; \
	else \
		echo 'npm is missing: the GraphiQL page will load its assets from a CDN'; \
	fi

.PHONY: demo
demo: web ## Run the whole product on loopback with demo data, nothing else to install
	go run ./cmd/partnergraph demo

.PHONY: seed
seed: ## Fill an empty database with a generated data set: make seed ARGS='--help'
	go run ./cmd/partnergraph seed $(ARGS)

.PHONY: generate
generate: ## Generate code from the schema
	go generate ./...

.PHONY: generated
generated: ## Fail when generating changes anything
	@before="$$(git diff; git status --porcelain)"; go generate ./...; after="$$(git diff; git status --porcelain)"; \
	if [[ "$$before" != "$$after" ]]; then \
		echo 'generated code was out of date; commit what `make generate` has changed:' >&2; git status --short >&2; exit 1; \
	fi

.PHONY: lint
lint: ## Run go vet and golangci-lint
	go vet ./...
	$(LINTER) run ./...

.PHONY: schema
schema: $(SCHEMA) ## Lint the schema, look for breaking changes, generate a typed TypeScript client
	cd web/schema && npm run --silent check

$(SCHEMA): web/schema/package-lock.json
	cd web/schema && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.installed

.PHONY: floors
floors: ## Check which package imports which, and the known advisories of every module
	go test ./cmd/floors

# The public GraphQL-over-HTTP audits, which tests run against our server.
$(AUDIT): web/audit/package-lock.json
	@command -v npm >/dev/null || go run ./cmd/testservers -npm
	@cd web/audit && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.built

.PHONY: test
test: $(AUDIT) $(WEB) ## Run all tests on PostgreSQL, SQLite and Redis, started for this run only
	$(SERVERS) go test -timeout 20m ./...

.PHONY: race
race: $(AUDIT) $(WEB) ## Run all tests with the race detector, which needs a C compiler
	$(SERVERS) go test -race ./...

# The proofs in their long forms, one at a time; docs/torture.md says what they show.
.PHONY: torture
torture: ## Break everything under load for hours, and print what held
	$(SERVERS) env PARTNERGRAPH_TORTURE=1 go test -count=1 -v -timeout 12h -p 1 -parallel 1 -run Torture $(TORTURE) \
		| tee torture.log | grep --line-buffered -E '(R[0-9]+|S1) [a-z]+: |^ *--- FAIL|^(FAIL|ok|panic)'

# The service provider in JavaScript that our identity provider meets.
$(NODESAML): saml/peers/testdata/node/package-lock.json
	@command -v npm >/dev/null || go run ./cmd/testservers -npm
	@cd saml/peers/testdata/node && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.installed

.PHONY: e2e
e2e: web $(NODESAML) ## Run the end-to-end tests: the real program, a real browser, real SAML peers
	@test -n "$(E2E)" || { echo 'no test file has the build tag e2e' >&2; exit 1; }
	$(SERVERS) go test -tags e2e -count=1 -timeout 15m $(E2E)

.PHONY: bench-ledger
bench-ledger: ## Measure how fast money moves, beside a floor: make bench-ledger ARGS='-only cold,hot -profile'
	go run ./bench/ledger -out bench/results $(ARGS)

.PHONY: bench-saml
bench-saml: ## Measure what SAML costs, beside the library and bare cryptography: make bench-saml ARGS='-only login -profile'
	go run ./bench/saml -out bench/results $(ARGS)

.PHONY: bench-graphql
bench-graphql: ## Measure how fast lists are read, beside a floor: make bench-graphql ARGS='-orders 50000 -only Q2 -profile'
	go run ./bench/graphql -out bench/results $(ARGS)

.PHONY: bench-orders
bench-orders: ## Measure how fast orders are placed and paid: make bench-orders ARGS='-rounds 1 -profile'
	go run ./bench/orders -out bench/results $(ARGS)

.PHONY: bench-incentives
bench-incentives: ## Measure how fast a month of a million bill lines becomes statements: make bench-incentives ARGS='-only sqlite'
	go run ./bench/incentives $(ARGS)

.PHONY: bench-customers
bench-customers: ## Measure how fast a partner lists and filters 100,000 customers: make bench-customers ARGS='-calls 100'
	go run ./bench/customers $(ARGS)

.PHONY: fuzz-short
fuzz-short: ## Run every fuzz target for FUZZTIME (10s) each
	@grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . --exclude-dir=node_modules | while IFS=: read -r file name; do \
		echo "$${name#func } in $$(dirname "$$file")"; \
		go test -run='^$$' -fuzz="^$${name#func }\$$" -fuzztime=$(FUZZTIME) "$$(dirname "$$file")"; \
	done

.PHONY: check
check: generated lint schema floors test e2e ## Everything that a change must pass
