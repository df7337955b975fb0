"""Real bindings in versions that the test environment does not have, each in a folder of its own.

They are fetched once, with pip, beside the environment. Nothing is installed into it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / ".venv-bindings"
SECONDS = 90
"""Longest wait for one distribution; the largest has 25 MB."""


def fetched(distribution: str, version: str) -> Path:
    """Folder to put on ``PYTHONPATH``; skips the test, loudly, where it cannot be fetched."""
    place = FOLDER / f"{distribution}-{version}-{sys.implementation.cache_tag}"
    if place.is_dir():
        return place
    partial = place.with_name(f"{place.name}.{os.getpid()}.part")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--retries=1", "--target", str(partial)]
    try:
        finished = subprocess.run(
            [*command, f"{distribution}=={version}"],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        reason = finished.stderr.strip().splitlines()[-1] if finished.returncode else ""
    except subprocess.TimeoutExpired:
        reason = f"no answer within {SECONDS} s"
    if reason:
        text = f"NOT TESTED against {distribution} {version}, which could not be fetched: {reason}"
        warnings.warn(text, stacklevel=2)
        pytest.skip(text)
    if not place.is_dir():  # another process may have been faster
        partial.rename(place)
    return place
