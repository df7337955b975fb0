"""Writing files so that a reader never meets half of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_irdet.errors import OutputFailedError


@contextmanager
def written_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is flushed to disk and renamed over ``path``.

    On any error the temporary file is removed and whatever stood at ``path`` is untouched.

    Raises:
        OutputFailedError: the file could not be created, written or renamed (full disk, no permission).
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OutputFailedError(
            f"{path} could not be written: {error.strerror or error}",
            "free space or choose another folder (df -h; ls -ld the folder), then run the command again",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` through :func:`written_atomically`."""
    with written_atomically(path) as temporary:
        temporary.write_bytes(content)
