"""What an earlier stream left in a file that lines are appended to.

A process that is killed, or a power loss, may leave half a line at the end, or zero bytes. It is cut off, but
only from a file of our own: of anything else nothing is removed, and nothing is added to it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from edge_irdet.errors import OutputTakenError
from edge_irdet.stream.sinks.output_file import OutputFile

LONGEST_LINE = 1 << 24
"""Bytes; no line of ours is longer."""

_log = logging.getLogger(__name__)


def lines_at_end(file: OutputFile) -> tuple[list[bytes], int]:
    """The whole lines in the last bytes of a file, without their newlines, and where the last one ends."""
    size = file.size
    start = max(0, size - LONGEST_LINE)
    block = os.pread(file.descriptor, size - start, start)
    end = block.rfind(b"\n") + 1
    lines = block[:end].split(b"\n")[:-1]
    return (lines if start == 0 else lines[1:]), start + end


def first_line(file: OutputFile) -> bytes:
    """The first line without its newline; what there is, where there is no newline."""
    return os.pread(file.descriptor, LONGEST_LINE, 0).split(b"\n", 1)[0]


def cut_after(file: OutputFile, end: int) -> None:
    """Remove what follows the last whole line, and say so."""
    torn = file.size - end
    if torn:
        os.ftruncate(file.descriptor, end)
        _log.warning("torn end of the output removed", extra={"file": str(file.path), "bytes": torn})


def require_own(
    file: OutputFile,
    what: str,
    is_first: Callable[[bytes], bool],
    is_line: Callable[[bytes], bool],
    start: bytes,
) -> None:
    """Check that a file's first and last lines are of one's own, and cut its torn end off.

    Args:
        file: open for appending; an empty one is one's own, a pipe or a device too.
        what: the content in words, such as ``records``.
        is_first: whether a line may be the first of one's own file.
        is_line: whether it may be the last.
        start: how the first line begins: a file of less than one line has to begin so.

    Raises:
        OutputTakenError: it holds something else; nothing of it was changed.
    """
    if not file.regular or not file.size:
        return
    lines, end = lines_at_end(file)
    first = first_line(file)
    if end:
        own = is_first(first) and bool(lines) and is_line(lines[-1])
    else:
        # Cut short in its first line, or zero bytes where a power loss took the content.
        own = first.startswith(start) or start.startswith(first) or not first.strip(b"\0")
    if not own:
        raise OutputTakenError(
            f"{file.path} is there and does not hold {what} of this version; nothing was written to it",
            "name another file with --output, or add --overwrite to replace it",
        )
    cut_after(file, end)
