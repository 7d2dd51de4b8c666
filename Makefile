# The one entry point. `make help` lists the targets.

.DEFAULT_GOAL := all

.PHONY: help all test
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

all: test ## What CI runs

test: ## Build and run every test
	cargo test --workspace
