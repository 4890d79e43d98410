# Everything runs inside .venv, which the first target makes from the hashed requirements.lock.
# Needs only python3 >= 3.11 with pip. `make PYTHON=python3.12 test` chooses another interpreter.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
READY  := $(VENV)/.ready

# Two test workers on one XLA thread each: NPROC sizes the thread pool of the CPU client. What tests
# spend their time on is compilation, more than twice as fast without optimisation; those of the
# state evolution spend it on fixed points, twice as fast with some.
pytest    = JAX_PLATFORMS=cpu NPROC=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
            XLA_FLAGS="--xla_cpu_multi_thread_eigen=false --xla_cpu_use_fusion_emitters=false \
            --xla_backend_optimization_level=$(1)" $(PY) -m pytest -q -n 2 --dist worksteal
ITERATIVE := tests/theory/proportional

.DEFAULT_GOAL := help
.PHONY: help run test verify figures lint format bench lock clean
.NOTPARALLEL:

help: ## list the targets
	@$(PYTHON) -c 'import re; [print(f"  make {t:8} {d}") for t, d in \
	  re.findall(r"^(\w+):.*?## (.*)", open("Makefile").read(), re.M)]'

run: $(READY) ## predict, simulate and judge: the quick preset of the experiments
	@$(PY) -m experiments all quick

test: lint ## lint, then the test suite and the README examples (or ARGS alone, as pytest reads them)
ifdef ARGS
	@$(call pytest,0) $(ARGS)
else
	@$(call pytest,1) $(ITERATIVE)
	@$(call pytest,0) --ignore=$(ITERATIVE)
endif

verify: $(READY) ## hold every prediction against its simulation
	@$(PY) -m experiments verify

figures: $(READY) ## redraw the figures from stored results, without simulating
	@$(PY) -m experiments figures

lint: $(READY) ## style, types, import contracts, dependencies, spelling
	@$(PY) -m ruff check -q
	@$(PY) -m ruff format -q --check
	@$(PY) -m basedpyright --pythonpath $(PY)
	@$(VENV)/bin/lint-imports --no-cache --no-logo
	@$(PY) -m deptry --no-ansi .
	@$(PY) -m codespell_lib

format: $(READY) ## apply the formatter and the safe fixes
	@$(PY) -m ruff check -q --fix
	@$(PY) -m ruff format -q

bench: $(READY) ## ratios to numpy and scikit-learn, then the other benchmarks
	@$(PY) -m benchmarks $(ARGS)
	@$(PY) -m pytest -q -p benchmark benchmarks

lock: $(READY) ## regenerate requirements.lock (make lock ARGS=--upgrade for newer versions)
	@$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	  --generate-hashes --all-extras --custom-compile-command "make lock" $(ARGS) -o requirements.lock pyproject.toml

clean: ## remove the environment and the caches, never the results
	@rm -rf $(VENV) .pytest_cache .hypothesis .ruff_cache .benchmarks .import_linter_cache dist
	@$(PYTHON) -c 'import pathlib, shutil; \
	  [shutil.rmtree(p) for p in list(pathlib.Path().rglob("__pycache__"))]'

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "python3 >= 3.11 is needed")'
	@echo "setting up $(VENV) from requirements.lock (once; about a minute)"
	@test -x $(PY) || $(PYTHON) -m venv --without-pip $(VENV)
	@$(PYTHON) -c 'import re; print(re.search(r"^uv==[^#]*", open("requirements.lock").read(), re.M)[0])' \
	  > $(VENV)/uv.txt
	@$(PYTHON) -m pip --python $(PY) install -qq --require-hashes -r $(VENV)/uv.txt
	@$(PY) -m uv pip install -q --python $(PY) --compile-bytecode --require-hashes -r requirements.lock
	@$(PY) -m uv pip install -q --python $(PY) --no-deps --no-build-isolation -e .
	@touch $@
