"""What small files and programs of the system state, or None where they are not there."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path


def first_line(path: Path) -> str | None:
    """First line of a file of the system, without blanks and NUL; None where it is absent or empty."""
    with contextlib.suppress(OSError, IndexError):
        return path.read_text(encoding="utf-8", errors="replace").splitlines()[0].strip("\0 ")
    return None


def program_output(*command: str) -> str | None:
    """What a program prints; None where it is absent, fails, hangs for 30 s or prints nothing."""
    if shutil.which(command[0]) is None:
        return None
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        return done.stdout.strip() or None
    return None
