# `make` lists the targets. Paths are relative, so the checkout's own path may contain spaces.

PYTHON := python3
ARGS :=
STAMP := .venv/.installed
ifneq ($(wildcard .venv/bin/activate),)
# Scripts of .venv name its folder: after a move they have to be set up again.
$(shell grep -qF "$(realpath .venv)" .venv/bin/activate || rm -f $(STAMP))
endif

# Stages are started as `python -m stages.x`: the first python on PATH has to be this project's.
SYSTEM_PATH := $(PATH)
export PATH := $(CURDIR)/.venv/bin:$(SYSTEM_PATH)
ifeq ($(origin TORCH),command line)
export DLSTUDY_TORCH := $(TORCH)
endif
SETUP_ENV = PATH="$(SYSTEM_PATH)" "$(PYTHON)" tools/setup_env.py

# Only torch's CUDA build needs these, and its own metadata says which versions: pip adds them where that build is
# installed, and a CPU build is spared some gigabytes.
CUDA_ONLY := triton cuda-bindings cuda-pathfinder cuda-toolkit \
	$(addprefix nvidia-,cublas cuda-cupti cuda-nvrtc cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse \
	cusparselt-cu13 nccl-cu13 nvjitlink nvshmem-cu13 nvtx)

.DEFAULT_GOAL := help
.PHONY: help setup repro judge reproduce compare sweep smoke test faults check schema readme bench lock clean

help: ## List the targets
	@echo 'make TARGET [ARGS="..."]'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile
	@echo 'Variables, read when .venv is made (delete .venv to choose again):'
	@echo '  PYTHON     the Python that .venv is made with (python3)'
	@echo '  TORCH      where torch comes from: auto, cpu, pypi, the URL of a package index, or a folder of wheels (auto)'

setup: $(STAMP) ## Make .venv and install what requirements.txt pins; other targets do so where needed
	@cat $(STAMP)

# Git's description is as old as the repository: one that came after the set-up makes it run again.
$(STAMP): requirements.txt tools/setup_env.py $(wildcard .git/description)
	@$(SETUP_ENV)

repro: $(STAMP) ## Run the stages whose code, data or parameters have changed (dvc repro)
	@python -m stages.check_params # DVC itself would stop at a model without method or data, and not say what is wrong
	@python -m dvc --wait-for-lock repro $(ARGS)

judge: $(STAMP) ## Judge the committed results, without data or models: ARGS="-S judge.margin=0.25"
	@python -m tools.judge $(ARGS)

reproduce: $(STAMP) ## Run everything again and say which results came out the same
	@python -m tools.reproduce $(ARGS)

compare: $(STAMP) ## Compare this repository's experiments: writes reports/experiments.md
	@python -m tools.compare

sweep: $(STAMP) ## Run a grid of experiments, then compare: ARGS="evaluate@mlp_relu -S train.mlp_relu.lr=0.1,0.2,0.3"
	@python -m dvc exp run --queue $(ARGS)
	@python -m dvc exp run --run-all
	@python -m tools.compare

smoke: $(STAMP) ## Run the whole pipeline on the real data with miniature settings, in a temporary copy
	@python -m tools.smoke $(ARGS)

test: $(STAMP) ## Run the tests, files of them by two processes; ARGS="-k name" picks some
	@python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

faults: $(STAMP) ## Run the slow tests: kills, full disks, damaged inputs, other surroundings and processors
	@python -m pytest -m slow --numprocesses 2 $(ARGS)

check: $(STAMP) ## Are packages and results those of the lock, stored files whole, code in order?
	@python -m tools.packages
	@python -m stages.check_params
	@python -m tools.register --check
	@python -m tools.staleness
	@python -m tools.stored
	@python -m ruff check .
	@python -m ruff format --check .
	@python -m mypy

schema: $(STAMP) ## Write the schemas of params.yaml and statements/ by which editors complete and check them
	@python -m tools.schema

readme: $(STAMP) ## Bring the generated parts of README.md up to date
	@python -m tools.readme $(ARGS)

bench: $(STAMP) ## Measure the speed against other ways of doing the same work
	@python -m bench $(ARGS)

lock: ## Write requirements.txt from requirements.in; pins that still fit stay unless ARGS=--upgrade
	@$(SETUP_ENV) --venv-only
	@python -m uv --version >/dev/null 2>&1 || python -m pip install --quiet uv
	@python -m uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
		--custom-compile-command 'make lock' $(CUDA_ONLY:%=--no-emit-package %) $(ARGS) \
		requirements.in --output-file requirements.txt

clean: ## Delete caches of tools; data, results and .venv stay
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . \( -path ./.git -o -path ./.venv -o -path ./.dvc -o -path ./data \) -prune \
		-o -type d -name __pycache__ -prune -exec rm -rf {} +
