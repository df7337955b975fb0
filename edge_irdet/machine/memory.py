"""Memory of this machine."""

from __future__ import annotations

from pathlib import Path

MEMINFO = Path("/proc/meminfo")
"""Where Linux states its memory."""


def host_available(path: Path = MEMINFO) -> int | None:
    """Bytes that can be had without swapping (``MemAvailable``); None where the system does not say."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    for line in lines:
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    return None
