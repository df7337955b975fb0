# Two commands for everybody: `make demo` shows the main job, `make test` proves it.
PYTHON ?= python3
MINUTES ?= 3
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: demo test lint soak gpu-check clean help

help:
	@echo "make demo   the main job on a synthetic scene: .venv, demo/detections.jsonl, overlay.mp4, contact.png"
	@echo "make test   all tests, types and lint, in .venv-test"
	@echo "make lint   types and lint alone"
	@echo "make gpu-check   on a machine with an NVIDIA GPU: what works there and how fast, as one JSON"
	@echo "make soak   the stream under random faults for MINUTES=3, every fault accounted for"
	@echo "make clean  remove both environments and the demo's files"

# The runtime alone, without torch: what a device installs.
.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv-test/installed: pyproject.toml
	$(PYTHON) -m venv .venv-test
	.venv-test/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	.venv-test/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[train,tensorrt-rtx,dev]'
	touch $@

demo: .venv/installed
	mkdir -p demo
	.venv/bin/edge-irdet stream --source synthetic: \
		--output demo/detections.jsonl --output demo/overlay.mp4 --output demo/contact.png

lint: .venv-test/installed
	.venv-test/bin/ruff check .
	.venv-test/bin/ruff format --check .
	.venv-test/bin/mypy

test: lint
	.venv-test/bin/python -m pytest

# PYTHON is the interpreter that has the GPU libraries: on a Jetson a venv with --system-site-packages.
gpu-check:
	PYTHONPATH=$(CURDIR) $(PYTHON) benchmarks/gpu_acceptance.py --output benchmarks/results/

soak: .venv-test/installed
	.venv-test/bin/python benchmarks/stream_soak.py --minutes $(MINUTES)

clean:
	rm -rf .venv .venv-test demo build .pytest_cache .mypy_cache .ruff_cache .hypothesis
