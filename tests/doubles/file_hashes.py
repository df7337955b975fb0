"""SHA-256 of files, for manifests that tests write."""

from __future__ import annotations

import hashlib
from pathlib import Path


def file_sha256(path: Path) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
