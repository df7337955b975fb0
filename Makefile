# Two commands for everybody: `make demo` shows the main job, `make test` proves it.
PYTHON ?= python3
MINUTES ?= 3
INPUTS ?= 100000
# make full-model: NUAA-SIRST's folder, and the budget.
DATA ?= nuaa_sirst
EPOCHS ?= 185
CROP ?= 192
BATCH ?= 16
THREADS ?= 0
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: demo fuzz test test-runtime lint docs soak gpu-check full-model clean help

help:
	@echo "make demo   the main job on a synthetic scene: .venv, demo/detections.jsonl, overlay.mp4, contact.png"
	@echo "make test   all tests, types and lint, in .venv-test"
	@echo "make test-runtime PYTHON=python3.12   on that interpreter: all tests that need neither torch nor onnx"
	@echo "make lint   types and lint alone"
	@echo "make docs   the generated pages of docs/reference"
	@echo "make gpu-check   on a machine with an NVIDIA GPU: what works there and how fast, as one JSON"
	@echo "make fuzz   INPUTS=100000 hostile manifests, graphs, checkpoints, labels, images, records and URIs: none may end in a traceback"
	@echo "make soak   the stream under random faults for MINUTES=3, every fault accounted for"
	@echo "make full-model DATA=nuaa_sirst   train, export and measure light-sgmtlm, whose weights are too large to ship"
	@echo "make clean  remove both environments and the demo's files"

# The runtime alone, without torch: what a device installs.
.venv/installed: pyproject.toml
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv-test/installed: pyproject.toml
	$(PYTHON) -m venv .venv-test
	.venv-test/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	.venv-test/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[train,tensorrt-rtx,dev]'
	touch $@

# One environment per version of the interpreter, without torch and onnx: their tests skip with that reason.
RUNTIME_VENV = .venv-runtime-$(shell $(PYTHON) -c 'import platform; print(platform.python_version())')

test-runtime: pyproject.toml
	test -e $(RUNTIME_VENV)/installed -a ! pyproject.toml -nt $(RUNTIME_VENV)/installed || { \
		$(PYTHON) -m venv $(RUNTIME_VENV); \
		$(RUNTIME_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[evaluate,dev]'; \
		touch $(RUNTIME_VENV)/installed; }
	$(RUNTIME_VENV)/bin/python -m pytest -rs

# What follows the commands is for whoever runs them for the first time.
demo: .venv/installed
	@mkdir -p demo
	@echo "1. As fast as this machine can: targets found, false alarms, frames per second"
	.venv/bin/edge-irdet stream --source synthetic:treeline \
		--output demo/detections.jsonl --output demo/overlay.mp4 --output demo/contact.png --overwrite
	@echo
	@echo "2. At the rate of a camera, 30 frames per second: latency"
	.venv/bin/edge-irdet stream --source 'synthetic:treeline?frames=150' --pace realtime --policy latest \
		--output demo/live.jsonl --overwrite --quiet
	.venv/bin/python examples/10_measure_latency/measure_latency.py demo/live.jsonl
	@echo
	@echo "The scene is synthetic, modelled on thermal videos of aircraft, birds and drones. Over 16 such scenes 88 % are"
	@echo "found with 0.07 false alarms per frame; on 37 real videos 96 % with 0.05 (docs/background/accuracy.md)."
	@echo
	@echo "Look at demo/contact.png and demo/overlay.mp4. Then try:"
	@echo "  .venv/bin/edge-irdet stream --source YOUR_VIDEO.mp4 --track --output records.jsonl --output overlay.mp4"
	@echo "  .venv/bin/edge-irdet sources"
	@echo "  .venv/bin/pip install -e '.[preview]' && .venv/bin/edge-irdet stream --preview 8080 \\"
	@echo "      --source 'synthetic:treeline?frames=9000' --pace realtime --policy latest --track"

lint: .venv-test/installed
	.venv-test/bin/ruff check .
	.venv-test/bin/ruff format --check .
	.venv-test/bin/mypy

docs: .venv-test/installed
	.venv-test/bin/python docs/generate.py

test: lint
	.venv-test/bin/python -m pytest

# PYTHON is the interpreter that has the GPU libraries: on a Jetson a venv with --system-site-packages.
gpu-check:
	PYTHONPATH=$(CURDIR) $(PYTHON) benchmarks/gpu_acceptance.py --output benchmarks/results/

# INPUTS=100000 hostile inputs in turn; a find is printed with its number, which repeats it.
fuzz: .venv-test/installed
	.venv-test/bin/python tests/fuzz/fuzzing.py --inputs $(INPUTS)

soak: .venv-test/installed
	.venv-test/bin/python benchmarks/stream_soak.py --minutes $(MINUTES)

# Resumable: repeat the command. docs/background/accuracy.md has the figures to expect. The last epoch is taken, seed 0.
full-model: .venv-test/installed
	.venv-test/bin/edge-irdet train --variant light-sgmtlm --data $(DATA) --split split73_grouped_train.txt \
		--run-dir runs/light-sgmtlm-$(EPOCHS) --epochs $(EPOCHS) --validate-every $(EPOCHS) \
		--crop $(CROP) --batch $(BATCH) --seed 0 --threads $(THREADS)
	.venv-test/bin/edge-irdet export runs/light-sgmtlm-$(EPOCHS)/best.pt -o runs/light-sgmtlm \
		--frames $(DATA)/images
	.venv-test/bin/edge-irdet threshold runs/light-sgmtlm --data $(DATA) --split split73_grouped_train.txt \
		--max-fa 3e-4 --write
	.venv-test/bin/edge-irdet evaluate runs/light-sgmtlm --data $(DATA) --split split73_grouped_test.txt

clean:
	rm -rf .venv .venv-test .venv-bindings .venv-runtime-* demo build .pytest_cache .mypy_cache .ruff_cache .hypothesis
