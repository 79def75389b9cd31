# The verbs of Moshibar. `make help` lists them; the work itself lies in scripts/.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
export PATH := $(if $(CARGO_HOME),$(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

.PHONY: help setup run app dev install uninstall package test-package test test-all test-busy check check-faults macos-check macos-faults macos-bundle dmg bindings licences screenshots fuzz fmt bench bench-app bench-vs-moshi-mlx bench-first-frame bench-store bench-store-large latency soak golden parity eval-nano nano-sums doctor clean

help: ## list these verbs
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1|\2/p' Makefile | awk -F '|' '{ printf "%-28s%s\n", $$1, $$2 }'

setup: ## check the tools, fetch MLX, write .cargo/config.toml (again: seconds)
	@scripts/setup.sh

run: setup ## build it, and play the demo or, where there is a screen, start the app
	scripts/run.sh

app: setup ## build and start the app in the menu bar
	scripts/ui.sh build
	cargo run --release --package moshibar-app -- --show popover

dev: setup ## start the app with pages that follow what is edited in ui/
	scripts/dev.sh

install: setup ## install the program for every user: PREFIX=/usr/local (default: ~/.local), DESTDIR
	scripts/install.sh

uninstall: ## remove what `make install` installed, from the same PREFIX
	scripts/install.sh uninstall

package: setup ## target/package/moshibar-VERSION-x86_64-linux.tar.gz: runs where it is unpacked (Linux)
	scripts/package.sh

test-package: setup ## does the package, copied away, talk for another user? PACKAGE=FILE for one that is there
	scripts/test-package.sh $(PACKAGE)

test: setup ## every test at quick depth: does it work here? (minutes)
	scripts/test.sh

test-all: setup ## every test at full depth, the documentation's examples, and the package: what CI runs
	MOSHIBAR_DEPTH=full scripts/test.sh rust pages browser docs package

test-busy: setup ## `make test` beside busy processes, ten times over; RUNS=5 DEPTH=full for another bar
	scripts/test-busy.sh

# Lints in the profile of the tests: build scripts and macros are compiled once for both.
check: setup ## formatting, lints, documentation, licences: no tests
	cargo fmt --check
	scripts/ui.sh build
	cargo clippy --profile test --workspace --all-targets -- -D warnings
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo fmt --check --manifest-path bench/store/Cargo.toml
	cargo clippy --locked --manifest-path fuzz/Cargo.toml -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --profile test --no-deps --workspace --document-private-items
	scripts/check-docs.py
	scripts/check-dependencies.sh
	scripts/licences.sh check

check-faults: setup ## does check notice what it must? Plants faults in a copy (two minutes after check)
	@scripts/check-faults.sh

macos-check: setup ## on Linux: does all of it compile, pass the lints and link for macOS? (the first time some 20 minutes, then a few)
	@scripts/macos/check.sh

macos-faults: setup ## on Linux: do macos-check and the lint of macos-bundle notice what they must? Plants faults in copies (six minutes after macos-check and macos-bundle)
	@scripts/macos/faults.sh
	@scripts/macos/bundle.sh
	@scripts/macos/bundle-faults.sh

macos-bundle: setup ## on Linux: Moshibar.app and Moshibar.dmg as a proof of link and layout, not to be shipped
	@scripts/macos/bundle.sh

dmg: setup ## on a Mac: the Moshibar.dmg that people get, signed and notarised if there are certificates
	scripts/macos/dmg.sh

bindings: setup ## write ui/src/bindings.ts anew from the shell's types
	scripts/ui.sh build
	scripts/bindings.sh

licences: ## write ui/src/licences.txt anew, once a dependency has changed
	scripts/licences.sh

screenshots: setup ## every pane in light and dark, into docs/screenshots
	scripts/ui.sh build
	scripts/ui.sh screenshots ../docs/screenshots

fuzz: ## try to break what reads headers, configs and tokenizers, a minute each; FUZZ_SECONDS=600 for ten
	scripts/fuzz.sh $(FUZZ_SECONDS)

fmt: ## format the code
	cargo fmt
	cargo fmt --manifest-path fuzz/Cargo.toml
	cargo fmt --manifest-path bench/store/Cargo.toml

bench: setup ## measure this machine: time per frame, memory
	cargo run --release --package moshibar-cli -- bench --all

bench-vs-moshi-mlx: setup ## measure against Kyutai's moshi_mlx on this machine
	cargo build --release --package moshibar-cli
	scripts/bench-vs-moshi-mlx.sh

bench-app: setup ## what the app costs: start, popover, memory, processor, events (Linux, five minutes)
	scripts/ui.sh build
	scripts/test-setup.sh >/dev/null
	cargo test --release --package moshibar-app --test app -- --ignored --nocapture what_the_app_costs

bench-first-frame: setup ## start to first frame with a full-size file (4.8 GB), beside moshi_mlx
	cargo build --release --package moshibar-cli
	scripts/bench-first-frame.sh

bench-store: ## the model store beside hf-hub and huggingface_hub, against servers that misbehave (ten minutes)
	scripts/bench-store.sh

bench-store-large: ## the model store with a file of 8 GiB: memory, speed, how soon it stops (11 GiB of disk)
	scripts/bench-store.sh large

soak: setup ## the tests that go deeper than `make test-all`: days on a virtual clock, a thousand kills (an hour)
	scripts/soak.sh

latency: setup ## microphone to speaker with an engine that copies, through virtual devices (Linux)
	scripts/latency.sh

golden: setup ## make the golden tensors again, from other implementations
	scripts/golden.sh

parity: setup ## compare with other implementations, value by value
	cargo build --release --package moshibar-cli
	scripts/parity.sh

nano-sums: ## write assets/nano/SHA256SUMS anew, once the demo model's files have changed
	scripts/nano-sums.sh

eval-nano: setup ## how well the demo model understands and speaks, on voices that it has not heard (half an hour)
	cargo build --release --package moshibar-cli
	scripts/eval-nano.sh $(EVAL_NANO)

doctor: setup ## check this machine and say what it can run
	cargo run --release --package moshibar-cli -- doctor

clean: ## remove what was built here (the cache that clones share stays)
	cargo clean
