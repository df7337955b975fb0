"""Opening the file of an output so that nothing that is there already is lost."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge_irdet.errors import OutputFailedError, OutputTakenError

MOST_NAMES = 100_000
"""Names that are tried for a new file."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OutputFile:
    """An open file, which belongs to whoever asked for it."""

    descriptor: int
    """Open for reading and appending; a pipe or device for writing only."""

    path: Path
    """Its name."""

    regular: bool
    """Whether it is a file on a disk, else a pipe or a device."""

    @property
    def size(self) -> int:
        """Bytes in it."""
        return os.fstat(self.descriptor).st_size


def open_to_append(path: Path, overwrite: bool = False) -> OutputFile:
    """Open a file behind its content, or make it. Nobody else may write it until it is closed.

    Args:
        path: the file; a link to one is not followed. A pipe or a device is opened as it is.
        overwrite: whether its content is removed.

    Raises:
        OutputTakenError: it is a link, or another output or process writes it.
        OutputFailedError: it cannot be opened.
    """
    file = _open(path)
    if file.regular and not _locked(file.descriptor):
        os.close(file.descriptor)
        raise _written_elsewhere(path)
    if overwrite and file.regular:
        os.ftruncate(file.descriptor, 0)
    return file


def open_new(path: Path, overwrite: bool = False) -> OutputFile:
    """Open a file that is empty: the one named, else the first of ``NAME-2``, ``NAME-3`` that is free.

    Args:
        path: the file; a link is not followed. A pipe or a device is opened as it is.
        overwrite: whether the file named is emptied instead.

    Raises:
        OutputTakenError: it is a link, no name is free, or another process writes what shall be overwritten.
        OutputFailedError: it cannot be made.
    """
    if overwrite:
        return open_to_append(path, overwrite)
    for number in range(1, MOST_NAMES):
        candidate = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        if number > 1 and os.path.lexists(candidate) and not candidate.is_file():
            continue
        try:
            file = _open(candidate)
        except OutputTakenError:
            if number == 1:
                raise
            continue
        except OutputFailedError as error:
            # A file of somebody else takes its name as well as a full one does.
            if isinstance(error.__cause__, PermissionError) and os.path.lexists(candidate):
                continue
            raise
        if not file.regular or (_locked(file.descriptor) and not file.size):
            if number > 1:
                _log.info("output has a new name", extra={"wanted": str(path), "file": str(candidate)})
            return file
        os.close(file.descriptor)
    raise OutputTakenError(
        f"{path} and {MOST_NAMES} more names after it are taken", "remove some, or name another --output"
    )


def require_possible(path: Path) -> None:
    """Check that a file can be made at a path, without making it.

    Raises:
        OutputTakenError: it is a link.
        OutputFailedError: its folder is not there or cannot be written to, or no file can have such a name.
    """
    _refuse_link(path)
    try:
        os.stat(path.parent)
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        with suppress(FileNotFoundError):
            os.lstat(path)
    except OSError as error:
        raise _cannot_be_made(path, error) from error


def discard(file: OutputFile) -> None:
    """Close a file that nothing is kept in, and remove it."""
    if file.regular:
        file.path.unlink(missing_ok=True)
    os.close(file.descriptor)


def _refuse_link(path: Path) -> None:
    try:
        link = path.is_symlink() and not _is_pipe_or_device(path)
    except OSError:
        return  # opening it tells why
    if link:
        raise OutputTakenError(
            f"{path} is a symbolic link, which an output does not follow",
            f"name the file itself: readlink -f {path}",
        )


def _open(path: Path) -> OutputFile:
    _refuse_link(path)
    try:
        if _is_pipe_or_device(path):
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        else:
            # Appending, so that a file cut short by a log rotation goes on from its new end.
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(path, flags, 0o644)
    except OSError as error:
        raise _cannot_be_made(path, error) from error
    return OutputFile(descriptor, path, stat.S_ISREG(os.fstat(descriptor).st_mode))


def _is_pipe_or_device(path: Path) -> bool:
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _locked(descriptor: int) -> bool:
    """Lock a file for as long as it is open; False where somebody else has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    return True


def _cannot_be_made(path: Path, error: OSError) -> OutputFailedError:
    return OutputFailedError(
        f"{path} cannot be made: {error.strerror or error}",
        "name a folder that exists and that you may write to with --output",
    )


def _written_elsewhere(path: Path) -> OutputTakenError:
    return OutputTakenError(
        f"{path} is being written by another process, or by another output of this one",
        f"see which one: fuser -v {path}; name another file for this stream",
    )
