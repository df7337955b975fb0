"""Text files that only ever hold whole lines."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from edge_irdet.errors import OutputFailedError


class LineFile:
    """Appends lines to a new file, each in one write; a line that does not fit is taken back.

    Readers may follow the file while it grows: after every line, and after every error, it ends in a newline.

    Args:
        path: the file, made anew; None writes to standard output.

    Raises:
        OutputFailedError: it cannot be made.
    """

    def __init__(self, path: Path | None) -> None:
        self._name = "standard output" if path is None else str(path)
        self._length = 0
        try:
            if path is None:
                sys.stdout.flush()
                self._descriptor = os.dup(sys.stdout.fileno())
            else:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
                self._descriptor = os.open(path, flags, 0o644)
        except OSError as error:
            raise OutputFailedError(
                f"{self._name} cannot be made: {error.strerror}",
                "name a folder that exists and that you may write to with --output",
            ) from error

    def write(self, line: bytes) -> None:
        """Append one line, given without its newline.

        Raises:
            OutputFailedError: it could not be written whole; what was written of it has been taken back.
        """
        content = line + b"\n"
        done = 0
        try:
            while done < len(content):
                done += os.write(self._descriptor, content[done:])
        except OSError as error:
            whole = self._take_back() if done else ""
            raise OutputFailedError(
                f"{self._name} cannot be written: {error.strerror}{whole}",
                "free space (df -h) or name another --output, then run the command again",
            ) from error
        self._length += len(content)

    def close(self) -> None:
        """Close the file; may be called again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _take_back(self) -> str:
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            return "; its last line may be cut short"
        os.ftruncate(self._descriptor, self._length)
        return ""
