"""Text files that only ever hold whole lines."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

from edge_irdet.errors import OutputFailedError, OutputGoneError
from edge_irdet.stream.sinks.output_file import OutputFile


def standard_output() -> OutputFile:
    """A copy of standard output.

    Raises:
        OutputFailedError: it is closed.
    """
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, "it is closed")
        sys.stdout.flush()
        descriptor = os.dup(sys.stdout.fileno())
    except OSError as error:
        raise OutputFailedError(
            f"standard output cannot be written: {error.strerror}", "name a file with --output instead"
        ) from error
    return OutputFile(descriptor, Path("standard output"), stat.S_ISREG(os.fstat(descriptor).st_mode))


class LineFile:
    """Appends lines to a file, each call's in one write; lines that do not fit are taken back.

    Readers may follow the file while it grows: after every call, and after every error, it ends in a newline.
    A failed call costs its own lines only; the next one is tried afresh.

    Args:
        file: open for appending; :meth:`close` closes it.
    """

    def __init__(self, file: OutputFile) -> None:
        self._name = str(file.path)
        self._descriptor = file.descriptor
        self._regular = file.regular
        self._torn = 0
        """Bytes at the end of a regular file that are not a whole line and could not be taken back yet."""
        self._rest = b""
        """What a pipe or terminal still lacks of a line that it has the start of."""

    def write(self, lines: bytes) -> None:
        """Append one line or several, given without the last newline.

        Raises:
            OutputGoneError: it is a pipe, and its reader has gone.
            OutputFailedError: they could not be written whole; what was written of them has been taken back,
                or will be before anything else is written.
        """
        content = lines + b"\n"
        done = 0
        try:
            self._mend()
            while done < len(content):
                done += os.write(self._descriptor, content[done:])
        except BrokenPipeError as error:
            raise OutputGoneError(
                f"nobody reads {self._name} any more", "start its reader again, then this command"
            ) from error
        except OSError as error:
            raise OutputFailedError(
                f"{self._name} cannot be written: {error.strerror}{self._undo(done, content)}",
                "free space (df -h) or name another --output; the next record is tried again",
            ) from error

    def is_empty(self) -> bool:
        """Whether nothing stands in the file, be it that a log rotation has emptied it."""
        return self._regular and os.fstat(self._descriptor).st_size == 0

    def close(self) -> None:
        """Close the file; may be called again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _undo(self, done: int, content: bytes) -> str:
        """Take back ``done`` bytes; returns what a message must add where that failed."""
        if not done:
            return ""
        if not self._regular:
            self._rest = content[done:]
            return "; its last line may be cut short"
        self._torn = done
        try:
            self._mend()
        except OSError as error:
            return f"; its last line is cut short and cannot be taken back yet ({error.strerror})"
        return ""

    def _mend(self) -> None:
        """End the file in a whole line again.

        Raises:
            OSError: that is not possible now.
        """
        if self._torn:
            end = os.lseek(self._descriptor, 0, os.SEEK_CUR) - self._torn
            os.ftruncate(self._descriptor, end)
            os.lseek(self._descriptor, end, os.SEEK_SET)
            self._torn = 0
        while self._rest:
            self._rest = self._rest[os.write(self._descriptor, self._rest) :]
