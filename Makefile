# The front page: two commands do everything on a fresh Debian 12 machine with Swift 6.3.

.DEFAULT_GOAL := help
.PHONY: help run test build format setup clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

run: build ## Set everything up, then start Nimb with a small demo retailer (Ctrl-C ends it)
	@exec .build/release/nimb dev

test: ## Build and run every test there is, with a timing table
	@.ci/setup test
	@.ci/test

build: setup ## Build the release binary .build/release/nimb
	@swift build -c release --product nimb

format: ## Format the sources
	@swift format -i -r Package.swift Sources Tests Migrations adformats

setup: # Debian packages
	@.ci/setup

clean: ## Remove build products and the development database
	@rm -rf .build .nimb
