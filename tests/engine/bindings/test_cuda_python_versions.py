"""All tests of the engine room again, on cuda-python 12.6, which raises where 13 returns a status."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from distributions import fetched

ROOT = Path(__file__).resolve().parents[3]
INSTALLED = "13"
OLDEST = "12.6.2.post1"
"""cuda-python of JetPack 6's CUDA; 12.9 and later answer as 13 does."""

BUILDS_ONLY = "test_rtx_builder.py"
"""A minute of building plans, in which no CUDA binding takes part."""


def test_the_tests_beside_this_one_run_on_cuda_python_13() -> None:
    try:
        version = metadata.version("cuda-python")
    except metadata.PackageNotFoundError:
        pytest.skip("cuda-python is not installed: pip install -e '.[tensorrt-rtx]'")
    assert version.split(".")[0] == INSTALLED


def test_the_engine_room_on_the_oldest_cuda_python() -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{fetched('cuda-python', OLDEST)}{os.pathsep}{ROOT}",
        "EDGE_IRDET_EXPECTED_CUDA": "12060",
    }
    folder = ROOT / "tests" / "engine"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    command += ["--ignore", str(folder / "bindings"), "--ignore", str(folder / "tensorrt" / BUILDS_ONLY)]
    finished = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=300, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
