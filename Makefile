# The one entry point: `make help` lists the targets, `make` is what CI runs.

.DEFAULT_GOAL := all
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# nextest where it is installed; plain `cargo test` runs the same tests.
NEXTEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo yes)
ifeq ($(NEXTEST),yes)
CARGO_TEST := cargo nextest run --no-fail-fast
else
CARGO_TEST := cargo test --all-targets
endif

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

.PHONY: all
all: lint test conformance oracles corpus-smoke interop-smoke protoc-matrix fuzz-smoke demo ## What CI runs

.PHONY: demo
demo: ## Generate, build, serve, call, print the replies, stop
	cargo build --quiet --release -p greeter
	cargo run --quiet --release -p greeter --bin greeter-demo

.PHONY: test
test: ## Every test, the runtime's in both shapes of threads: units, conversations, golden files, simulation, documentation
	$(CARGO_TEST) --workspace
	$(CARGO_TEST) -p rust-grpc --all-features
	RUST_GRPC_THREADS=readers $(CARGO_TEST) -p rust-grpc --all-features
	$(CARGO_TEST) -p rust-grpc --no-default-features --lib --test generated
	cargo test --quiet --workspace --doc --all-features

.PHONY: stress
stress: ## A million calls with random deadlines and cancellations; STRESS_SEED=number for others
	STRESS_CALLS=1000000 cargo test --release -p rust-grpc --test stress -- --nocapture
	RUST_GRPC_THREADS=readers STRESS_CALLS=1000000 cargo test --release -p rust-grpc --test stress -- --nocapture

.PHONY: lint
lint: fmt-check clippy doc audit ## Formatting, clippy, rustdoc and dependencies, warnings denied

.PHONY: fmt-check
fmt-check: ## rustfmt makes no difference
	cargo fmt --all --check

.PHONY: clippy
clippy: ## clippy with warnings denied, with and without the features
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo clippy -p rust-grpc-codegen --no-default-features -- -D warnings
	cargo clippy -p rust-grpc --no-default-features --all-targets -- -D warnings
	cargo clippy -p rust-grpc --no-default-features --all-targets --features reflect -- -D warnings
	cargo clippy -p rust-grpc --no-default-features --all-targets --features json -- -D warnings
	cargo clippy -p rust-grpc --no-default-features --all-targets --features text -- -D warnings
	cargo clippy -p rust-grpc --no-default-features --features tls-rustls -- -D warnings
	RUSTFLAGS='--cfg rust_grpc_portable' CARGO_TARGET_DIR=target/portable cargo clippy -p rust-grpc -- -D warnings

.PHONY: doc
doc: ## rustdoc with warnings denied
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --all-features --quiet
	RUSTDOCFLAGS='-D warnings' cargo doc -p rust-grpc --no-deps --no-default-features --quiet

.PHONY: audit
audit: ## Licences, sources and size of the dependency trees
	python3 tools/audit.py

.PHONY: test-portable
test-portable: ## The runtime's tests on the fallback of systems other than Linux
	RUSTFLAGS='--cfg rust_grpc_portable' CARGO_TARGET_DIR=target/portable $(CARGO_TEST) -p rust-grpc

.PHONY: fuzz-smoke
fuzz-smoke: ## The fuzz targets on their kept inputs and 50,000 mutations, same every time
	FUZZ_SMOKE_INPUTS=50000 cargo test -p rust-grpc --lib fuzzing::

.PHONY: interop-binaries
interop-binaries:
	cargo build --quiet --release -p rust-grpc-interop -p rust-grpc-interop-suite

.PHONY: interop
interop: interop-binaries ## gRPC's interop cases against C-core in Python and C++, tonic and grpc-js, plain and TLS, on both shapes of threads
	python3 interop/run.py target/release
	RUST_GRPC_THREADS=readers python3 interop/run.py target/release
	python3 interop/matrix.py target/release
	RUST_GRPC_THREADS=readers python3 interop/matrix.py target/release

.PHONY: interop-smoke
interop-smoke: interop-binaries ## The same against Python and tonic, and a thread for each connection
	python3 interop/run.py target/release
	RUST_GRPC_THREADS=readers python3 interop/run.py target/release
	python3 interop/matrix.py target/release grpcio tonic
	RUST_GRPC_THREADS=readers python3 interop/matrix.py target/release tonic

.PHONY: proxies
proxies: interop-binaries ## The interop cases through nginx and HAProxy, with a server killed and brought back
	python3 interop/proxies.py target/release

.PHONY: conformance
conformance: ## Protobuf's official conformance suite, with nothing failing or skipped
	python3 tools/conformance.py

.PHONY: oracles
oracles: ## Random messages through Google's Python protobuf and prost, and back
	python3 tools/oracles.py

.PHONY: corpus
corpus: ## Thousands of published .proto files, generated and compiled; CORPUS=name for one tree
	python3 tools/corpus.py

.PHONY: corpus-smoke
corpus-smoke: ## The same with the small trees
	python3 tools/corpus.py --smoke

.PHONY: figures
figures: ## Crates, build time and binary size beside tonic's
	python3 tools/figures.py

BENCH_ARGUMENTS ?=

.PHONY: bench
bench: ## Calls beside tonic, pajamax, ttrpc, C++ and Python: docs/benchmarks/calls.md; BENCH_ARGUMENTS="--rounds 3 --seconds 0.5"
	python3 tools/bench_calls.py $(BENCH_ARGUMENTS)

.PHONY: bench-quick
bench-quick: ## The same with tonic and raw TCP alone, under three minutes once built; writes no page
	python3 tools/bench_calls.py --quick $(BENCH_ARGUMENTS)

.PHONY: bench-growth
bench-growth: ## How latency and memory grow with callers, connections, bytes and methods: docs/benchmarks/growth.md
	python3 tools/bench_growth.py $(BENCH_ARGUMENTS)

.PHONY: bench-messages
bench-messages: ## Messages beside prost's, buffa's, rust-protobuf's and upb's: docs/benchmarks/messages.md
	python3 tools/bench_messages.py

.PHONY: bench-compile
bench-compile: ## How long 500 messages take to compile beside prost's: docs/benchmarks/messages.md
	python3 tools/bench_compile.py

.PHONY: protoc-matrix
protoc-matrix: ## The same .proto through protoc 36.2, protoc 3.21 and buf
	python3 tools/protoc_matrix.py

.PHONY: golden
golden: ## Make the golden requests and outputs anew: read the diff like code
	UPDATE_GOLDEN=1 cargo test --quiet -p rust-grpc-codegen --test golden output_is_golden

.PHONY: well-known
well-known: ## Generate the runtime's well-known types anew
	WELL_KNOWN=write cargo test --quiet -p rust-grpc-codegen --test well_known

.PHONY: well-known-check
well-known-check: ## The well-known types are what the generator makes today
	cargo test --quiet -p rust-grpc-codegen --test well_known
