"""The C++ side, built for tests: once per tree, in the build folder that git ignores."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIRED = os.environ.get("EDGE_IRDET_CPP_TESTS") == "required"
"""Set where the C++ side must be tested, such as in CI: what is missing fails there."""

SECONDS = 900
"""Longest build; that of the sanitizers takes some minutes on a busy machine."""


def lacks(what: str) -> None:
    """Skip the test for the want of something; fail where the C++ side must be tested."""
    if REQUIRED:
        pytest.fail(f"{what}, and EDGE_IRDET_CPP_TESTS says that the C++ side must be tested")
    pytest.skip(what)


def tool(name: str) -> str:
    """A tool of this environment (the cmake wheel), else of the machine."""
    beside = shutil.which(name, path=str(Path(sys.executable).parent))
    found = beside or shutil.which(name)
    assert found, f"{name} is not installed; pip install cmake"
    return found


def require_compiler(name: str = "c++") -> None:
    """Skip without a C++ compiler."""
    if shutil.which(name) is None:
        lacks(f"no {name} on this machine")


def require_gtest() -> None:
    """Skip without GoogleTest."""
    if (
        not Path("/usr/src/googletest/CMakeLists.txt").exists()
        and not Path("/usr/include/gtest/gtest.h").exists()
    ):
        lacks("GoogleTest is missing; install libgtest-dev")


def require_onnxruntime_headers() -> None:
    """Skip without the C header of ONNX Runtime."""
    stated = os.environ.get("ONNXRUNTIME_ROOT", "")
    folders = [Path(stated) / "include" / "onnxruntime"] if stated else []
    if not any(
        (folder / "onnxruntime_c_api.h").exists() for folder in (*folders, Path("/usr/include/onnxruntime"))
    ):
        lacks(
            "onnxruntime_c_api.h is missing; run .ci/fetch_debian13.sh .debian13 libonnxruntime-dev, "
            "then set ONNXRUNTIME_ROOT to .debian13/usr"
        )


def onnxruntime_library() -> Path:
    """The library of ONNX Runtime in this environment's wheel."""
    found = importlib.util.find_spec("onnxruntime")
    assert found is not None
    assert found.origin is not None
    libraries = sorted((Path(found.origin).parent / "capi").glob("libonnxruntime.so.*"))
    if not libraries:
        lacks("the wheel of onnxruntime has no libonnxruntime.so")
    return libraries[0]


def run(*command: str, **environment: str) -> str:
    """What a command prints; the test fails where it fails."""
    finished = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
        env={**os.environ, **environment},
    )
    assert finished.returncode == 0, f"{' '.join(command)}\n{finished.stdout[-8000:]}"
    return finished.stdout


def build(preset: str, *settings: str, source: Path = ROOT) -> Path:
    """Configure and build a preset.

    Args:
        preset: of ``CMakePresets.json``.
        settings: further ``-D`` arguments.
        source: the tree.

    Returns:
        Its build folder.
    """
    require_compiler()
    folder = source / "build" / preset
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run(tool("cmake"), "-S", str(source), "--preset", preset, *settings)
        run(tool("cmake"), "--build", str(folder), "--parallel", str(os.cpu_count() or 1))
    return folder


def run_tests(folder: Path, **environment: str) -> str:
    """Run the tests of a build folder."""
    return run(
        tool("ctest"), "--test-dir", str(folder), "--output-on-failure", "--no-tests=error", **environment
    )
