# Two commands do everything: `make run` and `make test`. Both need Go; modules come through go.mod. Some tests look at what other programs make of our files:
# on Debian and where it may, `make test` installs those.

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
GOFUMPT     = mvdan.cc/gofumpt@v0.12.0
SOURCES     = $(wildcard cmd events ledger projections deploy)
DATA       ?= data
HTTP       ?= 127.0.0.1:8080

.PHONY: run build needs test lint format vuln fuzz bench crash

# The reference fund on the embedded JetStream: its tables, then the server, with its pages for a browser at HTTP.
run: build
	bin/fundledger --data $(DATA) serve --sample --print --http $(HTTP)

build:
	go build -trimpath -o bin/fundledger ./cmd/fundledger

# Programs that tests ask, and the Debian packages that have them. A browser without Chinese letters shows boxes.
NEEDS = soffice=libreoffice-calc-nogui zbarimg=zbar-tools chromium=chromium,fonts-noto-cjk pdftoppm=poppler-utils

# Where they cannot be had, the tests that ask them say that they were skipped; with FUNDLEDGER_REQUIRE=all they fail instead.
needs:
	@missing=; for need in $(NEEDS); do command -v $${need%=*} >/dev/null || missing="$$missing $$(echo $${need#*=} | tr , ' ')"; done; \
	as=; [ "$$(id -u)" = 0 ] || as="sudo -n"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if command -v apt-get >/dev/null && $$as true 2>/dev/null && $$as apt-get -qq update && \
	$$as env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$missing >/dev/null; then echo "installed:$$missing"; \
	else echo "=== NOT INSTALLED:$$missing. The tests that need them are SKIPPED. ==="; fi

# Nothing here takes ten minutes, unless the machine is slow or busy.
test: needs
	go test -timeout 30m ./...

lint:
	@unformatted=$$(go run $(GOFUMPT) -l $(SOURCES)); if [ -n "$$unformatted" ]; then echo "not formatted (make format mends it):" $$unformatted; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...

format:
	go run $(GOFUMPT) -w $(SOURCES)

# Known holes in what is called. It fetches its data over the network; without one that is said and nothing is claimed.
vuln:
	@go run $(GOVULNCHECK) ./... ; status=$$?; \
	if [ $$status -eq 0 ]; then echo "govulncheck: nothing known"; \
	elif [ $$status -eq 3 ]; then exit 3; \
	else echo "=== SKIPPED: govulncheck could not be run (exit $$status; no network?). Known holes were NOT looked for. ==="; fi

# Every fuzz target for FUZZTIME.
FUZZTIME ?= 20s
fuzz:
	@set -e; for package in $$(go list ./...); do \
	for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
	go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package; done; done

bench:
	go test -run '^$$' -bench . -benchmem ./...

# Kills a server under load KILLS times, and looks at what is left.
KILLS ?= 200
crash:
	FUNDLEDGER_KILLS=$(KILLS) go test -count=1 -timeout 60m -v -run Kill ./cmd/fundledger
