"""Running the command line as a user does, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """``edge-irdet ARGUMENTS`` in ``folder``."""
    return subprocess.run(
        [sys.executable, "-m", "edge_irdet", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=240,
        check=False,
    )


def refused(finished: subprocess.CompletedProcess[str], code: str) -> None:
    """Assert that a command ended with exit code 2, this error, a next step and no traceback."""
    assert finished.returncode == 2, finished.stderr
    assert f"error {code} " in finished.stderr, finished.stderr
    assert "next: " in finished.stderr
    assert "Traceback" not in finished.stderr
