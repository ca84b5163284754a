# The front doors of walrock. Each is one script in tools/; this file only names them.

.DEFAULT_GOAL := help
.PHONY: help demo test test-matrix conformance crash-matrix simulate mutate build setup bench lint format asan tsan sanitize fuzz histories network-faults hostile soak clean

help: ## show this list
	@echo "walrock keeps StarRocks a live, exact copy of PostgreSQL."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "Missing packages are installed by name (apt; Python packages go to build/venv)."

demo: ## watch a real PostgreSQL being copied and followed (DEMO_SECONDS=20 ends by itself)
	@tools/setup base
	@tools/build walrock
	@build/venv/bin/python -P tools/demo

test: ## build and run every test (SUITES="unit e2e" picks some)
	@tools/setup base check
	@WALROCK_PG_BINS="$${WALROCK_PG_BINS:-$$(tools/postgres_servers 18)}" build/venv/bin/python -P tools/run_tests $(SUITES)

test-matrix: ## every type, row, partition, transaction and encoding on PostgreSQL 12 to 18
	@tools/setup base check
	@tools/build walrock
	@WALROCK_PG_BINS="$$(tools/postgres_servers 12 13 14 16 17 18)" build/venv/bin/python -P -m pytest -q tests/e2e/test_types.py tests/e2e/test_types_random.py tests/e2e/test_failover.py
	@for server in $$(tools/postgres_servers 12 13 14 16 17 18 | tr , ' '); do \
	  partitions=tests/e2e/test_partitions.py; [ "$${server%%=*}" -gt 12 ] || partitions=; \
	  echo "PostgreSQL $${server%%=*}" && WALROCK_PG_BINS= PG_BIN="$${server#*=}" build/venv/bin/python -P -m pytest -q \
	    tests/e2e/test_rows.py $$partitions tests/e2e/test_transactions.py tests/e2e/test_types_encodings.py || exit 1; done

conformance: ## ask rockpool what StarRocks was seen to answer (SUITE=DIR; PACKAGE=DIR adds cases)
	@tools/setup base check
	@build/venv/bin/python -P tools/conformance $(SUITE) $(PACKAGE:%=--package %)

crash-matrix: ## kill -9 at every failpoint, in every circumstance; writes docs/guide/faults.md (half an hour)
	@tools/setup base check
	@WALROCK_CRASH=all WALROCK_FAULTS_TABLE=docs/guide/faults.md build/venv/bin/python -P tools/run_tests crash

simulate: ## play the pipeline under a virtual clock (SEEDS=1000000, FROM=1)
	@tools/setup base check
	@tools/build simulate
	@build/release/tests/simulation/simulate --seeds $(or $(SEEDS),100000) --from $(or $(FROM),1)

mutate: ## break the pipeline on purpose, one way at a time; the simulation must notice each
	@tools/setup base check
	@tools/build simulate
	@build/venv/bin/python -P tools/mutate

build: ## build build/walrock and build/rockpool
	@tools/setup base
	@tools/build walrock

setup: ## install what building, testing and linting need, and nothing else
	@tools/setup base check

bench: ## measure copy and stream beside psql and pg_recvlogical; build/bench/report.json
	@tools/setup base
	@tools/build walrock
	@build/venv/bin/python -P bench/run

lint: ## check the layout of the C++ sources (clang-format) and their sense (clang-tidy)
	@tools/setup base check
	@tools/lint

format: ## lay out the C++ sources with clang-format
	@tools/setup check
	@tools/lint --fix-format

asan: ## unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/setup base check
	@tools/build --preset asan all
	@tools/sanitized asan

tsan: ## unit tests under ThreadSanitizer
	@tools/setup base check
	@tools/build --preset tsan all
	@tools/sanitized tsan

fuzz: ## fuzz what reads a server's bytes, each part for SECONDS=60
	@tools/setup base check
	@build/venv/bin/python -P tools/fuzz --seconds $(or $(SECONDS),60)

histories: ## play random histories on a real PostgreSQL and compare, SEEDS=100 from FIRST=1; a failing one is shrunk and kept
	@tools/setup base check
	@tools/build walrock
	@mkdir -p build/histories
	@WALROCK_HISTORIES=$(or $(SEEDS),100) WALROCK_SEED=$(or $(FIRST),1) WALROCK_HISTORIES_FOLDER=build/histories build/venv/bin/python -P -m pytest tests/e2e/test_histories.py -q

network-faults: ## break the network at random, SEEDS=20 runs after FIRST=1
	@tools/setup base check
	@tools/build walrock
	@WALROCK_NETWORK_SEEDS=$(or $(SEEDS),20) WALROCK_FIRST_SEED=$(or $(FIRST),1) build/venv/bin/python -P -m pytest tests/e2e/test_network.py -q -k long_run

hostile: ## let both servers lie at random, SEEDS=20 runs of each after FIRST=1
	@tools/setup base check
	@tools/build walrock
	@WALROCK_HOSTILE_SEEDS=$(or $(SEEDS),20) WALROCK_FIRST_SEED=$(or $(FIRST),1) build/venv/bin/python -P -m pytest tests/e2e/test_hostile.py -q -k long_run

soak: ## mixed load with faults for MINUTES=60; content, memory, descriptors, threads, disk and lag are watched
	@tools/setup base check
	@tools/build walrock
	@build/venv/bin/python -P tools/soak --minutes $(or $(MINUTES),60)

sanitize: ## unit tests, simulation and an end-to-end smoke under each sanitizer (an hour when built anew)
	@tools/setup base check
	@tools/build --preset asan all
	@tools/sanitized --all asan
	@tools/build --preset tsan all
	@tools/sanitized --all tsan

clean: ## remove everything that was built
	@rm -rf build
