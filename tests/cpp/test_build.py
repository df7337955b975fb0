"""Builds the C++ side as a user does and runs its own tests."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_irdet import __version__

ROOT = Path(__file__).parents[2]
BESIDE_PYTHON = Path(sys.executable).parent


def tool(name: str) -> str:
    """A tool of this environment (the cmake wheel), else of the machine."""
    found = shutil.which(name, path=str(BESIDE_PYTHON)) or shutil.which(name)
    assert found, f"{name} is not installed; pip install cmake"
    return found


def test_it_builds_without_warnings_and_meets_the_golden_arrays(tmp_path: Path) -> None:
    if shutil.which("c++") is None and shutil.which("g++") is None:
        pytest.skip("no C++ compiler on this machine; install g++")
    build = str(tmp_path / "build")
    flags = "-Werror -fsanitize=address,undefined -fno-sanitize-recover=all"
    for command in (
        [tool("cmake"), "-S", str(ROOT), "-B", build, f"-DCMAKE_CXX_FLAGS={flags}"],
        [tool("cmake"), "--build", build],
        [tool("ctest"), "--test-dir", build, "--output-on-failure", "--no-tests=error"],
    ):
        finished = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert finished.returncode == 0, finished.stdout + finished.stderr
    cache = (tmp_path / "build" / "CMakeCache.txt").read_text()
    assert f"CMAKE_PROJECT_VERSION:STATIC={__version__}\n" in cache, "CMake reads the package's version"
